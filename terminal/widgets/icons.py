"""Line icons of 16 px, drawn for this program, in any colour of the theme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from terminal.widgets import theme
from terminal.widgets.resources import resource_text

# The colour in which the files are drawn; the style sheet uses them as they are.
_DRAWN_IN = theme.TEXT_2
SIZE = QSize(16, 16)


@lru_cache(maxsize=256)
def icon(name: str, tint: str = theme.TEXT_2) -> QIcon:
    """An icon by its file's name, in a palette colour; its disabled look comes with it."""
    out = QIcon()
    for size in (16, 32):
        out.addPixmap(pixmap(name, tint, size), QIcon.Mode.Normal)
        out.addPixmap(pixmap(name, theme.DISABLED, size), QIcon.Mode.Disabled)
    return out


@lru_cache(maxsize=256)
def pixmap(name: str, tint: str = theme.TEXT_2, size: int = 16) -> QPixmap:
    """The icon as a picture of ``size`` pixels a side."""
    svg = resource_text("icons", f"{name}.svg").replace(_DRAWN_IN, tint)
    out = QPixmap(size, size)
    out.fill(Qt.GlobalColor.transparent)
    painter = QPainter(out)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return out
