"""The ring on a venue's card: how many seconds the dead man's switch has left."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from terminal.viewmodels.dead_man import Ring
from terminal.widgets import theme
from terminal.widgets.controls import TONES

_SIZE = 22
_FONT_PX = 9


class SwitchRing(QWidget):
    """An arc for the share of the time that is left, the seconds inside. Hidden while the switch is off."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ring: Ring | None = None
        self.setFixedSize(_SIZE, _SIZE)
        self.hide()

    def show_ring(self, ring: Ring | None) -> None:
        """Show a countdown, or none."""
        if ring == self._ring:
            return
        self._ring = ring
        self.setVisible(ring is not None)
        if ring is not None:
            self.setToolTip(ring.tip)
            self.setAccessibleName(ring.tip)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        ring = self._ring
        if ring is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tint = QColor(TONES[ring.tone] if ring.tone else theme.TEXT_2)
        area = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        painter.setPen(QPen(QColor(theme.HAIRLINE), 2))
        painter.drawEllipse(area)
        painter.setPen(QPen(tint, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        # From twelve o'clock, the way a clock's hand runs; Qt counts in sixteenths of a degree.
        painter.drawArc(area, 90 * 16, -round(ring.share * 360 * 16))
        painter.setFont(theme.number_font(_FONT_PX))
        painter.setPen(tint if ring.tone else QColor(theme.TEXT))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, str(ring.seconds))
        painter.end()
