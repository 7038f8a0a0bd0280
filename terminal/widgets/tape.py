"""Time and sales, painted by hand: newest on top, standing still while it is read."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QToolButton, QVBoxLayout, QWidget

from terminal.domain.market import Side
from terminal.viewmodels.tape import Print, StripMode, TapeState, TapeViewModel
from terminal.widgets import theme
from terminal.widgets.controls import KeyedPanel, hatch_brush, label, set_text
from terminal.widgets.icons import icon
from terminal.widgets.painted import TextCache, paint_focus

_PAD: Final = 6
_HEAD_PX: Final = 18
_STRIP_PX: Final = 18
_ROWS_A_NOTCH: Final = 3
_PANEL = QColor(theme.PANEL)
_HAIRLINE = QColor(theme.HAIRLINE)
_TINTS = {
    (Side.BUY, 1): QColor(theme.UP_TINT_12),
    (Side.BUY, 2): QColor(theme.UP_TINT_24),
    (Side.SELL, 1): QColor(theme.DOWN_TINT_12),
    (Side.SELL, 2): QColor(theme.DOWN_TINT_24),
}
_FILTERS = (
    ("All", ""),
    ("Over the median", "p50"),
    ("Largest 10 %", "p90"),
    ("From 1k", "1k"),
    ("From 10k", "10k"),
)


class TapeView(QWidget):
    """Draws the visible prints."""

    def __init__(self, vm: TapeViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._row_px = theme.STANDARD.tape_row
        self._numbers = TextCache(theme.mono_font(theme.TABLE_PX))
        self._words = TextCache(theme.ui_font(theme.LABEL_PX))
        self._price_px = 0
        self._badge = QRect()
        self._symbol: object = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(180, _HEAD_PX + 3 * self._row_px)
        self.setAccessibleName("Time and sales")
        vm.changed.connect(self._render)

    def set_density(self, density: theme.Density, *, mono: bool = True) -> None:
        """Other row height and font; ``mono``: figures of a fixed-width face."""
        self._row_px = density.tape_row
        self._numbers = TextCache((theme.mono_font if mono else theme.number_font)(density.font))
        self._price_px = 0
        self.update()

    def _render(self) -> None:
        instrument = self._vm.instrument
        symbol = instrument.id if instrument is not None else None
        if symbol != self._symbol:
            self._symbol, self._price_px = symbol, 0
        self.update()

    # -- drawing --------------------------------------------------------------------------------------

    def _paint_rows(self, painter: QPainter) -> None:
        height, width = self._row_px, self.width()
        rows = self._vm.visible((self.height() - _HEAD_PX) // height + 1)
        widest = max((self._numbers.width(row.price_text) for row in rows), default=0)
        self._price_px = max(self._price_px, widest)
        time_px = self._numbers.width("00:00:00")
        price_right = _PAD + time_px + 16 + self._price_px
        show_count = width - price_right > self._numbers.width("0.000000") + 60
        self._paint_head(painter, price_right)
        text_y = (height - self._numbers.height) // 2
        for index, row in enumerate(rows):
            y = _HEAD_PX + index * height
            if row.weight:
                painter.fillRect(0, y, width, height - 1, _TINTS[row.side, row.weight])
            color = theme.UP if row.side is Side.BUY else theme.DOWN
            self._numbers.left(painter, _PAD, y + text_y, row.time, theme.MUTED)
            self._numbers.right(painter, price_right, y + text_y, row.price_text, color)
            self._paint_arrow(painter, price_right + 6, y + height // 2, row, color)
            self._numbers.right(
                painter, width - _PAD, y + text_y, row.quantity_text, color if row.weight else theme.TEXT
            )
            if show_count and row.count > 1:
                self._words.left(
                    painter,
                    price_right + 20,
                    y + (height - self._words.height) // 2,
                    f"×{row.count}",
                    theme.MUTED,
                )

    def _paint_arrow(self, painter: QPainter, x: int, y: int, row: Print, color: str) -> None:
        """The side for eyes that cannot go by colour."""
        self._words.left(painter, x, y - self._words.height // 2, "▲" if row.side is Side.BUY else "▼", color)

    def _paint_head(self, painter: QPainter, price_right: int) -> None:
        y = (_HEAD_PX - self._words.height) // 2
        self._words.left(painter, _PAD, y, "time", theme.MUTED)
        self._words.right(painter, price_right, y, "price", theme.MUTED)
        instrument = self._vm.instrument
        base = f"size {instrument.base}" if instrument is not None else "size"
        self._words.right(painter, self.width() - _PAD, y, base, theme.MUTED)
        painter.fillRect(0, _HEAD_PX - 1, self.width(), 1, _HAIRLINE)

    def _paint_over(self, painter: QPainter) -> None:
        vm = self._vm
        body = QRect(0, _HEAD_PX, self.width(), self.height() - _HEAD_PX)
        self._badge = QRect()
        if vm.state in (TapeState.STALE, TapeState.FAILED) and vm.count:
            painter.fillRect(body, theme.color(theme.PANEL, 70))
            painter.fillRect(body, hatch_brush(theme.color(theme.WARNING, 40)))
        if vm.reason:
            warn = vm.state in (TapeState.STALE, TapeState.FAILED)
            self._note(
                painter, f"▲ {vm.reason}" if warn else vm.reason, theme.WARNING if warn else theme.TEXT_2
            )
        elif not vm.count:
            self._note(painter, f"No trades {vm.filter_text} yet.", theme.TEXT_2)
        if vm.paused:
            self._paint_badge(painter)
        if self.hasFocus():
            paint_focus(painter, self.rect())

    def _paint_badge(self, painter: QPainter) -> None:
        """The counter of what came meanwhile; a click on it goes back to the newest."""
        text = f"▲ {self._vm.fresh} new" if self._vm.fresh else "▲ paused"
        width = self._words.width(text) + 16
        right = self.width() - _PAD - self._words.width("size 0000") - 6
        self._badge = QRect(right - width, 0, width, _HEAD_PX)
        painter.fillRect(self._badge, QColor(theme.RAISED))
        painter.setPen(QPen(QColor(theme.FOCUS), 1))
        painter.drawRect(self._badge.adjusted(0, 0, -1, -1))
        top = (_HEAD_PX - self._words.height) // 2
        self._words.left(painter, self._badge.left() + 8, top, text, theme.TEXT)

    def _note(self, painter: QPainter, text: str, color: str) -> None:
        text = self._words.fitting(text, self.width() - 20)
        width = self._words.width(text)
        x, y = (self.width() - width) // 2, _HEAD_PX + (self.height() - _HEAD_PX) // 2 - 10
        if self._vm.count:
            painter.fillRect(x - 6, y - 4, width + 12, self._words.height + 8, QColor(theme.RAISED))
        self._words.left(painter, x, y, text, color)

    # -- Qt -------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for cache in (self._numbers, self._words):
            cache.begin(self.devicePixelRatioF())
        painter.fillRect(self.rect(), _PANEL)
        self._paint_rows(painter)
        self._paint_over(painter)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if notches:
            self._vm.scroll(-round(notches * _ROWS_A_NOTCH) or (-1 if notches > 0 else 1))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._badge.contains(event.position().toPoint()):
            self._vm.resume()
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = max(1, (self.height() - _HEAD_PX) // self._row_px - 1)
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: page,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_End: self._vm.count,
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Home:
            self._vm.resume()
        elif key in steps:
            self._vm.scroll(steps[key])
        else:
            super().keyPressEvent(event)
            return
        self.setAccessibleDescription(self._vm.spoken())
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)


class StripView(QWidget):
    """Buyers against sellers as one bar with both figures."""

    def __init__(self, vm: TapeViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._numbers = TextCache(theme.mono_font(theme.LABEL_PX))
        self._drawn: object = None
        self.setFixedHeight(_STRIP_PX)
        self.setMinimumWidth(120)
        vm.changed.connect(self._render)

    def _render(self) -> None:
        state = (self._vm.strip, self._vm.mode)
        if state != self._drawn:
            self._drawn = state
            strip = self._vm.strip
            self.setAccessibleName(f"{self._vm.mode.value}: bought {strip.buy}, sold {strip.sell}")
            self.setToolTip(
                f"Bought against sold by {self._vm.mode.value}, last two minutes. Click to change."
            )
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        modes = list(StripMode)
        self._vm.set_mode(modes[(modes.index(self._vm.mode) + 1) % len(modes)])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        strip = self._vm.strip
        self._numbers.begin(self.devicePixelRatioF())
        painter.fillRect(self.rect(), _PANEL)
        y = (self.height() - self._numbers.height) // 2
        share = strip.share
        if share is None:
            if self._vm.state is not TapeState.UNSUPPORTED:
                self._numbers.left(painter, _PAD, y, "no trades yet", theme.MUTED)
        else:
            cut = round(self.width() * share)
            painter.fillRect(0, 2, cut, self.height() - 4, QColor(theme.UP_TINT_24))
            painter.fillRect(cut, 2, self.width() - cut, self.height() - 4, QColor(theme.DOWN_TINT_24))
            painter.fillRect(cut, 0, 1, self.height(), QColor(theme.TEXT_2))
            self._numbers.left(painter, _PAD, y, f"▲ {strip.buy}", theme.UP)
            self._numbers.right(painter, self.width() - _PAD, y, f"{strip.sell} ▼", theme.DOWN)
            middle = f"{share * 100:.0f} %"
            self._numbers.centre(painter, self.width() // 2, y, middle, theme.TEXT)
        painter.end()


class TapePanel(KeyedPanel):
    """The whole panel: strip, filter, prints."""

    def __init__(self, vm: TapeViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._entry = ""
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        self.setMinimumWidth(200)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(4, 3, 4, 3)
        head.setSpacing(4)
        head.addWidget(StripView(self._vm), 1)
        self._filter = QLineEdit()
        self._filter.setPlaceholderText("all")
        self._filter.setFixedWidth(64)
        self._filter.setFont(theme.number_font(theme.LABEL_PX))
        self._filter.setAccessibleName("Least size in quote money")
        head.addWidget(self._filter)
        self._choose = QToolButton()
        self._choose.setIcon(icon("filter"))
        self._choose.setToolTip("Filter by size, merge prints")
        self._choose.setAccessibleName("Filter by size, merge prints")
        self._choose.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._choose.setMenu(self._build_menu())
        head.addWidget(self._choose)
        box.addLayout(head)
        self._problem = label(kind="error")
        self._problem.setWordWrap(True)
        self._problem.setContentsMargins(_PAD, 0, _PAD, 2)
        self._problem.hide()
        box.addWidget(self._problem)
        self.view = TapeView(self._vm)
        box.addWidget(self.view, 1)
        self.begin_with(self.view, self._filter, self._choose)

    def _build_menu(self) -> QMenu:
        menu = QMenu(self)
        for text, entry in _FILTERS:
            menu.addAction(text).triggered.connect(lambda _=False, one=entry: self._on_filter_chosen(one))
        menu.addSeparator()
        merge = menu.addAction("Merge prints within 50 ms")
        merge.setCheckable(True)
        merge.triggered.connect(self._vm.set_merge)
        menu.aboutToShow.connect(lambda: merge.setChecked(self._vm.merge))
        return menu

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self._filter.editingFinished.connect(self._on_filter_edited)

    def _render(self) -> None:
        vm = self._vm
        if vm.filter_entry != self._entry:
            self._entry = vm.filter_entry
            self._filter.setText(vm.filter_entry)
        set_text(self._problem, vm.filter_problem)
        self._problem.setVisible(bool(vm.filter_problem))
        theme.set_property(self._filter, "invalid", bool(vm.filter_problem))
        quote = vm.instrument.quote if vm.instrument is not None else "quote money"
        tip = f"Only trades {vm.filter_text} {quote}. 500, 1k, or p50 for the 50th percentile"
        if tip != self._filter.toolTip():
            self._filter.setToolTip(tip)

    def _on_filter_edited(self) -> None:
        self._vm.set_filter(self._filter.text())

    def _on_filter_chosen(self, entry: str) -> None:
        self._filter.setText(entry)
        self._vm.set_filter(entry)

    def showEvent(self, event: QShowEvent) -> None:
        self._vm.set_visible(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._vm.set_visible(False)
        super().hideEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), _PANEL)
        painter.end()
