"""Text for panels that are painted by hand many times a second."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap

# A picture is 5 to 8 KB and a panel has two or three caches. Under 5,000 messages a second 3,000 each took
# 60 MB; with 1,000 the frames cost the same.
_MOST = 1000


class TextCache:
    """Short texts as ready pictures.

    Numbers repeat from one picture to the next: laying a text out costs five times as much as copying its
    pixels (250 texts: 1.2 ms against 0.26).
    """

    def __init__(self, font: QFont) -> None:
        self.font = font
        metrics = QFontMetrics(font)
        self.height = metrics.height()
        self._ascent = metrics.ascent()
        self._metrics = metrics
        self._ratio = 1.0
        self._pictures: dict[tuple[str, str], tuple[QPixmap, int]] = {}
        self._widths: dict[str, int] = {}

    def set_ratio(self, ratio: float) -> None:
        """Device pixels per pixel of the screen the panel is on."""
        if ratio != self._ratio:
            self._ratio = ratio
            self._pictures.clear()

    def width(self, text: str) -> int:
        """How wide a text is drawn, in pixels."""
        found = self._widths.get(text)
        if found is None:
            if len(self._widths) > _MOST:
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
        found = self._pictures.get(key)
        if found is None:
            if len(self._pictures) > _MOST:
                self._pictures.clear()
            found = self._pictures[key] = self._draw(text, color)
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
