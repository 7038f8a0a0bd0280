"""What panels that are painted by hand share: text many times a second, and the ring of the keyboard."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap

from terminal.widgets import theme

# Some 80 to 100 texts on an ordinary screen. Eight times as much saved 45 layouts for 900 texts a
# second, under 5,000 messages a second, and took minutes to fill.
KEPT_BYTES = 256 * 1024
_WIDTHS = 512
_RING_PX: Final = 2
_RING: Final = QColor(theme.FOCUS)


def paint_focus(painter: QPainter, area: QRect) -> None:
    """The ring around what has the keyboard, just inside its edge."""
    painter.fillRect(area.left(), area.top(), area.width(), _RING_PX, _RING)
    painter.fillRect(area.left(), area.bottom() + 1 - _RING_PX, area.width(), _RING_PX, _RING)
    painter.fillRect(area.left(), area.top(), _RING_PX, area.height(), _RING)
    painter.fillRect(area.right() + 1 - _RING_PX, area.top(), _RING_PX, area.height(), _RING)


class TextCache:
    """Short texts as ready pictures.

    Numbers repeat from one picture to the next: laying a text out costs five times as much as copying its
    pixels (250 texts: 1.2 ms against 0.26).

    Kept are two generations, each of :data:`KEPT_BYTES` (on a finer screen in proportion to its pixels) or of
    what one painting needs, if that is more. What was not drawn for a whole generation is let go: never all
    at once, so that no frame has everything to lay out anew.
    """

    def __init__(self, font: QFont) -> None:
        self.font = font
        metrics = QFontMetrics(font)
        self.height = metrics.height()
        self._ascent = metrics.ascent()
        self._metrics = metrics
        self._ratio = 1.0
        self._young: dict[tuple[str, str], tuple[QPixmap, int]] = {}
        self._old: dict[tuple[str, str], tuple[QPixmap, int]] = {}
        self._young_bytes = 0
        self._old_bytes = 0
        self._widths: dict[str, int] = {}

    @property
    def kept_bytes(self) -> int:
        """The pixels of all pictures that are held."""
        return self._young_bytes + self._old_bytes

    def begin(self, ratio: float) -> None:
        """A painting begins; ``ratio`` is device pixels per pixel of the screen the panel is on.

        Only here are old pictures let go: those of one painting stay for the next, however many they are.
        """
        if ratio != self._ratio:
            self._ratio = ratio
            self._young, self._young_bytes = {}, 0
            self._old, self._old_bytes = {}, 0
        elif self._young_bytes > KEPT_BYTES * ratio * ratio:
            self._old, self._old_bytes = self._young, self._young_bytes
            self._young, self._young_bytes = {}, 0

    def width(self, text: str) -> int:
        """How wide a text is drawn, in pixels."""
        found = self._widths.get(text)
        if found is None:
            if len(self._widths) >= _WIDTHS:
                self._widths.clear()
            found = self._widths[text] = self._metrics.horizontalAdvance(text)
        return found

    def left(self, painter: QPainter, x: int, y: int, text: str, color: str) -> int:
        """Draw with the left edge at ``x`` and the top at ``y``; returns the width."""
        picture, width = self._picture(text, color)
        painter.drawPixmap(x, y, picture)
        return width

    def right(self, painter: QPainter, x: int, y: int, text: str, color: str) -> None:
        """Draw with the right edge at ``x``."""
        picture, width = self._picture(text, color)
        painter.drawPixmap(x - width, y, picture)

    def centre(self, painter: QPainter, x: int, y: int, text: str, color: str) -> None:
        """Draw around ``x``."""
        picture, width = self._picture(text, color)
        painter.drawPixmap(x - width // 2, y, picture)

    def fitting(self, text: str, room: int) -> str:
        """The text itself, or shortened with … to so many pixels."""
        if self.width(text) <= room:
            return text
        return self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, room))

    def _picture(self, text: str, color: str) -> tuple[QPixmap, int]:
        key = (text, color)
        found = self._young.get(key)
        if found is None:
            found = self._old.pop(key, None)
            if found is not None:
                self._old_bytes -= _bytes(found[0])
            else:
                found = self._draw(text, color)
            self._young[key] = found
            self._young_bytes += _bytes(found[0])
        return found

    def _draw(self, text: str, color: str) -> tuple[QPixmap, int]:
        width = max(1, self._metrics.horizontalAdvance(text))
        picture = QPixmap(round((width + 1) * self._ratio), round(self.height * self._ratio))
        picture.setDevicePixelRatio(self._ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setFont(self.font)
        painter.setPen(QColor(color))
        painter.drawText(QPointF(0, self._ascent), text)
        painter.end()
        return picture, width


def _bytes(picture: QPixmap) -> int:
    return picture.width() * picture.height() * picture.depth() // 8
