"""Small controls that the frame is made of."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QEnterEvent,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolTip,
    QWidget,
)

from terminal.viewmodels.ports import is_real_money
from terminal.viewmodels.venue_card import Shape
from terminal.widgets import theme

HOLD_MS = 800
_HOLD_STEP_MS = 16
_STRIPE_PX = 6

TONES = {
    "": theme.TEXT,
    "label": theme.TEXT_2,
    "muted": theme.MUTED,
    "up": theme.UP,
    "down": theme.DOWN,
    "warning": theme.WARNING,
    "danger": theme.DANGER,
    "disabled": theme.DISABLED,
}
"""The colours of the tones that view-models name."""


def label(text: str = "", *, kind: str = "") -> QLabel:
    """A label of one of the theme's kinds."""
    out = QLabel(text)
    out.setTextFormat(Qt.TextFormat.PlainText)
    if kind:
        out.setProperty("kind", kind)
    return out


def line(*, vertical: bool = False) -> QFrame:
    """A hairline."""
    out = QFrame()
    out.setProperty("kind", "line")
    if vertical:
        out.setFixedWidth(1)
    else:
        out.setFixedHeight(1)
    return out


def set_text(target: QLabel | QAbstractButton, text: str) -> None:
    """Set a text only where it differs: a label that is set anew is laid out anew."""
    if target.text() != text:
        target.setText(text)


def set_tone(target: QLabel, tone: str) -> None:
    """Colour a label by a view-model's tone."""
    kind = (
        tone if tone in ("up", "down", "warning", "muted", "label") else "error" if tone == "danger" else ""
    )
    theme.set_property(target, "kind", kind)


def set_badge(target: QLabel, badge: str) -> None:
    """Say whose money it is; real money in the colour of danger."""
    set_text(target, badge)
    set_tone(target, "danger" if is_real_money(badge) else "")


def paint_stripes(painter: QPainter, area: QRect) -> None:
    """The diagonal stripes that mark make-believe money."""
    painter.save()
    painter.setClipRect(area)
    painter.fillRect(area, QColor(theme.PRACTICE_STRIPE_DIM))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.PRACTICE_STRIPE))
    reach = area.height()
    for x in range(area.left() - reach, area.right() + 1, _STRIPE_PX * 2):
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(x, area.bottom() + 1),
                    QPointF(x + _STRIPE_PX, area.bottom() + 1),
                    QPointF(x + _STRIPE_PX + reach, area.top()),
                    QPointF(x + reach, area.top()),
                ]
            )
        )
    painter.restore()


def paint_shape(painter: QPainter, area: QRectF, shape: Shape, tint: str) -> None:
    """A connection's sign: full disc, half disc, ring or triangle."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = QColor(tint)
    pen = QPen(color, 1.4)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inner = area.adjusted(1, 1, -1, -1)
    if shape is Shape.STALE:
        painter.setBrush(color)
        painter.drawPolygon(QPolygonF([QPointF(inner.center().x(), inner.top()), inner.bottomRight(),
                                       inner.bottomLeft()]))  # fmt: skip
    elif shape is Shape.LIVE:
        painter.setBrush(color)
        painter.drawEllipse(inner)
    else:
        painter.drawEllipse(inner)
        if shape is Shape.BUSY:
            painter.setBrush(color)
            painter.drawPie(inner, 90 * 16, 180 * 16)
    painter.restore()


class StateDot(QWidget):
    """The sign of a connection's state, 10 px."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shape = Shape.OFF
        self._tint = theme.MUTED
        self.setFixedSize(10, 10)

    def show_state(self, shape: Shape, tone: str) -> None:
        """Show another state; a healthy one is quiet."""
        tint = TONES[tone] if tone else theme.TEXT_2 if shape is Shape.LIVE else theme.MUTED
        if (shape, tint) != (self._shape, self._tint):
            self._shape, self._tint = shape, tint
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_shape(painter, QRectF(self.rect()), self._shape, self._tint)
        painter.end()


class ModeBadge(QPushButton):
    """PRACTICE, PAPER or LIVE: a word in a frame, striped at both ends while no money can move."""

    _EDGE = 10

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._striped = False
        self._tint = theme.TEXT
        self.setFont(theme.ui_font(12, bold=True))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFlat(True)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_mode(self, word: str, *, striped: bool) -> None:
        """Show whose money it is; real money in the colour of danger, a demo account's not."""
        self.setText(word)
        self._striped = striped
        self._tint = theme.DANGER if is_real_money(word) else theme.TEXT
        self.setAccessibleName(f"Mode: {word}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        arrow = 14 if self.menu() is not None else 0
        width = QFontMetrics(self.font()).horizontalAdvance(self.text())
        return QSize(width + 2 * self._EDGE + 16 + arrow, 24)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = self.rect()
        painter.fillRect(area, QColor(theme.HOVER if self.underMouse() and self.menu() else theme.PANEL))
        if self._striped:
            for edge in (
                QRect(area.left(), area.top(), self._EDGE, area.height()),
                QRect(area.right() - self._EDGE + 1, area.top(), self._EDGE, area.height()),
            ):
                paint_stripes(painter, edge)
        border = theme.PRACTICE_STRIPE if self._striped else self._tint
        painter.setPen(QPen(QColor(theme.FOCUS if self.hasFocus() else border), 1))
        painter.drawRect(area.adjusted(0, 0, -1, -1))
        painter.setPen(QColor(self._tint))
        painter.setFont(self.font())
        arrow = 14 if self.menu() is not None else 0
        painter.drawText(
            area.adjusted(self._EDGE, 0, -self._EDGE - arrow, 0), Qt.AlignmentFlag.AlignCenter, self.text()
        )
        if arrow:
            x, y = area.right() - self._EDGE - arrow + 1, area.center().y() + 1
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.TEXT_2), 1.4))
            painter.drawPolyline([QPoint(x, y - 2), QPoint(x + 4, y + 2), QPoint(x + 8, y - 2)])
        painter.end()


class StripedEdge(QWidget):
    """A thin striped edge along a panel's top while its orders move no money."""

    def __init__(self, parent: QWidget | None = None, *, height: int = 3) -> None:
        super().__init__(parent)
        self.setFixedHeight(height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_stripes(painter, self.rect())
        painter.end()


class Segmented(QWidget):
    """A few choices in one control, one of them chosen.

    Signals:
        chosen: the person chose another one, by its position.
    """

    chosen = Signal(int)

    def __init__(self, texts: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._group = QButtonGroup(self)
        self.buttons: list[QPushButton] = []
        for at, text in enumerate(texts):
            button = QPushButton(text)
            button.setCheckable(True)
            button.setProperty("kind", "segment")
            end = "first" if at == 0 else "last" if at == len(texts) - 1 else "middle"
            button.setProperty("place", end)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._group.addButton(button, at)
            self.buttons.append(button)
            row.addWidget(button)
        self._group.idClicked.connect(self.chosen)

    def choose(self, at: int) -> None:
        """Show a choice without telling anybody."""
        self.buttons[at].setChecked(True)

    @property
    def chosen_at(self) -> int:
        return self._group.checkedId()


class HoldButton(QPushButton):
    """A button that acts only after it was held for 0.8 s, by mouse or by Space.

    Signals:
        held: it was held long enough.
    """

    held = Signal()

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._passed_ms = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_HOLD_STEP_MS)
        self._timer.timeout.connect(self._on_step)
        self.pressed.connect(self._on_pressed)
        self.released.connect(self._on_released)

    @property
    def progress(self) -> float:
        """How much of the time has passed, 0 to 1."""
        return min(1.0, self._passed_ms / HOLD_MS)

    def _on_pressed(self) -> None:
        self._passed_ms = 0
        self._timer.start()

    def _on_step(self) -> None:
        self._passed_ms += _HOLD_STEP_MS
        self.update()
        if self._passed_ms >= HOLD_MS:
            self._timer.stop()
            self._passed_ms = 0
            self.setDown(False)
            self.update()
            self.held.emit()

    def _on_released(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            QToolTip.showText(self.mapToGlobal(QPoint(0, self.height())), "Hold it down for 0.8 s", self)
        self._passed_ms = 0
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._passed_ms:
            painter = QPainter(self)
            width = round(self.width() * self.progress)
            painter.fillRect(0, self.height() - 4, width, 4, QColor(theme.WHITE))
            painter.end()


def walk(*parts: QWidget) -> None:
    """Let Tab come to these in their order, and then go on to whatever follows."""
    for before, after in itertools.pairwise(parts):
        QWidget.setTabOrder(before, after)


class KeyedPanel(QWidget):
    """A panel whose keyboard is that of one of its parts, where Tab begins.

    Not by Qt's focus proxy: with one that is a child, Tab leads from the end to the beginning for ever.
    """

    def begin_with(self, first: QWidget, *then: QWidget) -> None:
        """Whoever gives the panel the keyboard gives it to ``first``; Tab goes on to the others."""
        self._first = first
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        walk(first, *then)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._first.setFocus(event.reason())


class ElidedLabel(QLabel):
    """A label that shortens its text with … where there is no room, and shows the whole in its tooltip."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._short = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_short(self, text: str) -> None:
        """Fewer words, to be shown where there is no room for the whole text; empty: none."""
        if text != self._short:
            self._short = text
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics = QFontMetrics(self.font())
        fits = metrics.horizontalAdvance(self.text()) < self.width()
        shown = self.text() if fits or not self._short else self._short
        text = metrics.elidedText(shown, Qt.TextElideMode.ElideRight, self.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()


class FittingLabel(ElidedLabel):
    """A text in full, or in a narrow panel its brief form, for which there always is room."""

    def __init__(self, *, kind: str = "") -> None:
        super().__init__()
        if kind:
            self.setProperty("kind", kind)
        self._whole = self._brief = ""

    def show_text(self, whole: str, brief: str) -> None:
        """A text, and the part of it that is never cut off."""
        if (whole, brief) != (self._whole, self._brief):
            self._whole, self._brief = whole, brief
            self.setMinimumWidth(QFontMetrics(self.font()).horizontalAdvance(brief) + 2)
            self._choose()

    def _choose(self) -> None:
        fits = QFontMetrics(self.font()).horizontalAdvance(self._whole) < self.width()  # rounded down
        text = self._whole if fits else self._brief
        if text != self.text():
            self.setText(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._choose()


class ClickFrame(QFrame):
    """A frame that acts like a button: mouse, Enter and Space.

    Signals:
        clicked: it was pressed.
    """

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self.clicked.emit()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        theme.set_property(self, "hot", True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        theme.set_property(self, "hot", False)
        super().leaveEvent(event)


class PriceLabel(QLabel):
    """A price that keeps its width while digits change, and wears a hatch while it is not proven."""

    def __init__(self, color: str, px: int = theme.TABLE_PX, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(theme.number_font(px))
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._color = color
        self._proven = True
        self._widest = 0

    def show_price(self, text: str, *, proven: bool) -> None:
        """Show a price; one that is not proven is muted and hatched."""
        if text != self.text():
            self.setText(text)
            width = QFontMetrics(self.font()).horizontalAdvance(text) + 2
            if width > self._widest:
                self._widest = width
                self.setMinimumWidth(width)
        if proven != self._proven:
            self._proven = proven
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(QColor(self._color if self._proven else theme.MUTED))
        painter.drawText(self.rect(), int(self.alignment()), self.text())
        if not self._proven and self.text():
            hatch = QColor(theme.WARNING)
            hatch.setAlpha(70)
            painter.fillRect(self.rect(), hatch_brush(hatch))
        painter.end()


def hatch_brush(color: QColor) -> QBrush:
    """The hatch over prices that are not proven."""
    return QBrush(color, Qt.BrushStyle.BDiagPattern)
