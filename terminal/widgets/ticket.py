"""The order ticket's controls."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from terminal.domain.market import Side
from terminal.domain.orders import TriggerReference
from terminal.viewmodels import ticket_form as names
from terminal.viewmodels.size_entry import SizeUnit
from terminal.viewmodels.ticket import TicketViewModel
from terminal.viewmodels.watchlist import venue_mark
from terminal.widgets import theme
from terminal.widgets.controls import FittingLabel, StripedEdge, label, line, set_badge, set_text
from terminal.widgets.ticket_foot import SHORT_PX, SIDE_PX, TicketFoot, on_form_keys, on_send_keys
from terminal.widgets.ticket_parts import (
    CHIP_SHEET,
    CostGrid,
    FieldRow,
    NumberEdit,
    PairRows,
    chip,
    chooser,
    fill_chooser,
    show_venue,
)
from terminal.widgets.ticket_size import SizeHelpers

_SHEET = f"""{CHIP_SHEET}
QPushButton[kind="tab"] {{ background: transparent; border: none; border-bottom: 2px solid {theme.HAIRLINE};
    border-radius: 0; color: {theme.TEXT_2}; font-weight: 600; padding: 4px 0; }}
QPushButton[kind="tab"][short="true"] {{ padding: 0; min-height: 17px; }}
QPushButton[kind="tab"]:hover {{ background: {theme.HOVER}; }}
QPushButton[kind="tab"][side="buy"]:checked {{ color: {theme.UP}; border-bottom-color: {theme.UP}; }}
QPushButton[kind="tab"][side="sell"]:checked {{ color: {theme.DOWN}; border-bottom-color: {theme.DOWN}; }}
QPushButton[kind="tab"]:focus {{ border: 1px solid {theme.FOCUS}; border-bottom-width: 2px; }}
"""
_NEWS_PX = 36
_FORM_STRIP_PX = 24
_FORM_GAP_PX = 5
_SHORT_GAP_PX = 1
_TAB_GAP_PX = 8
_FIRES_ON = {
    TriggerReference.LAST: "last price",
    TriggerReference.INDEX: "index price",
    TriggerReference.OPPOSITE: "opposite side",
    TriggerReference.DOUBLE: "two in a row",
    TriggerReference.DOUBLE_OPPOSITE: "two, opposite",
}


class TicketPanel(QWidget):
    """The whole ticket, 300 px wide and up. The form scrolls where there is little height; the two buttons,
    the cost and the note on whose money it is stay in sight."""

    def __init__(self, vm: TicketViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._side = vm.form.side
        self._is_short = False
        self._build_ui()
        self._lay_out()
        self._bind()
        self._render()

    # -- building -------------------------------------------------------------------------------------

    def _build_ui(self) -> None:
        self.setStyleSheet(_SHEET)
        self.setMinimumWidth(250)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self._stripe = StripedEdge()
        box.addWidget(self._stripe)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setMinimumHeight(_FORM_STRIP_PX)  # Qt's own least would squeeze a question's lines
        self._scroll.setWidget(self._build_form())
        box.addWidget(self._scroll, 1)
        box.addWidget(self._build_foot())
        self._empty = label(kind="label")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        box.addWidget(self._empty, 1)

    def _build_form(self) -> QWidget:
        form = QWidget()
        box = self._form_box = QVBoxLayout(form)
        box.setContentsMargins(8, 4, 8, 4)
        box.setSpacing(_FORM_GAP_PX)
        self._head = QWidget()
        head = QHBoxLayout(self._head)
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(6)
        self._symbol = label(kind="title")
        self._badge = label()
        self._badge.setFont(theme.ui_font(10, bold=True))
        head.addWidget(self._symbol)
        head.addWidget(self._badge)
        self._venue = FittingLabel(kind="muted")
        head.addWidget(self._venue, 1)
        box.addWidget(self._head)
        tabs = QHBoxLayout()
        tabs.setSpacing(0)
        self._tabs: dict[Side, QPushButton] = {}
        for side, text in ((Side.BUY, "Buy"), (Side.SELL, "Sell")):
            tab = QPushButton(text)
            tab.setCheckable(True)
            tab.setProperty("kind", "tab")
            tab.setProperty("side", side.value)
            tab.setAccessibleName(f"{text} side: what Ctrl+Enter sends")
            self._tabs[side] = tab
            tabs.addWidget(tab, 1)
        box.addLayout(tabs)
        kinds = QHBoxLayout()
        kinds.setSpacing(4)
        self._type = chooser("Order type")
        self._life = chooser("Time in force")
        self._life.setFixedWidth(78)
        kinds.addWidget(self._type, 1)
        kinds.addWidget(self._life)
        box.addLayout(kinds)
        self._build_fields()
        for name, row in self._rows.items():
            if name == names.TRIGGER_PRICE:
                box.addWidget(self._firing)
            elif name == names.STOP_LOSS:
                box.addWidget(self._legs)
            elif name not in (names.TRIGGER_REFERENCE, names.TAKE_PROFIT):
                box.addWidget(row)
            if name == names.QUANTITY:
                self._sizes = SizeHelpers(self._vm, self._unit)
                box.addWidget(self._sizes)
        box.addWidget(self._build_flags())
        box.addStretch(1)
        return form

    def _build_fields(self) -> None:
        vm = self._vm
        self._limit = NumberEdit("Limit price", lambda ticks: vm.step_price(names.LIMIT_PRICE, ticks))
        self._trigger = NumberEdit("Trigger price", lambda ticks: vm.step_price(names.TRIGGER_PRICE, ticks))
        self._trail = NumberEdit("Trailing distance")
        self._offset = NumberEdit("Limit distance")
        self._size = NumberEdit("Size")
        self._display = NumberEdit("Visible part")
        self._expire = NumberEdit("Good until")
        self._expire.setPlaceholderText("+2h, 18:30, 2026-08-14 18:30")
        self._slip = NumberEdit("Most it may slip")
        self._stop = NumberEdit("Stop loss")
        self._target = NumberEdit("Take profit")
        self._comment = QLineEdit()
        self._comment.setAccessibleName("Comment")
        self._comment.setPlaceholderText("kept with the order")
        self._comment.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._trailing = QCheckBox("Trail")
        self._trailing.setToolTip("The stop follows the market at its distance; kept by the venue")
        self._guaranteed = QCheckBox("Guaranteed stop")
        self._guaranteed.setToolTip("Filled at its price whatever happens, for a charge")
        self._takers = [chip(text, f"Take the {text} price") for text in ("bid", "mid", "ask")]
        self._reference = chooser("Triggered by")
        self._trail_unit = chooser("Unit of the trailing distance")
        self._trail_unit.setFixedWidth(80)
        self._unit = chooser("Unit of the size")
        self._unit.setFixedWidth(80)
        self._form_choosers = (self._type, self._life, self._reference, self._trail_unit, self._unit)
        self._rows: dict[str, FieldRow] = {
            names.TRIGGER_PRICE: FieldRow("Trigger", self._trigger),
            names.TRIGGER_REFERENCE: FieldRow("Fires on", self._reference),
            names.TRAIL_OFFSET: FieldRow("Trail by", self._trail, self._trail_unit),
            names.LIMIT_PRICE: FieldRow("Price", self._limit, *self._takers),
            names.LIMIT_OFFSET: FieldRow("Limit by", self._offset),
            names.MAX_SLIPPAGE: FieldRow("May slip", self._slip),
            names.QUANTITY: FieldRow("Size", self._size, self._unit),
            names.DISPLAY_QUANTITY: FieldRow("Shows", self._display),
            names.EXPIRE_TIME: FieldRow("Until", self._expire),
            names.STOP_LOSS: FieldRow("Stop loss", self._stop, self._trailing, keeps_line=True),
            names.TAKE_PROFIT: FieldRow("Take profit", self._target, keeps_line=True),
            names.COMMENT: FieldRow("Comment", self._comment),
        }
        rows = self._rows
        # The box for trailing stands beside the stop: the fields are to be equally wide.
        self._legs = PairRows(
            {"SL": rows[names.STOP_LOSS], "TP": rows[names.TAKE_PROFIT]}, shares=(3, 2), keeps_line=True
        )
        self._firing = PairRows(
            {"Trigger": rows[names.TRIGGER_PRICE], "on": rows[names.TRIGGER_REFERENCE]},
            shares=(1, 1),
            keeps_line=False,
        )
        self._edits: dict[str, QLineEdit] = {
            names.LIMIT_PRICE: self._limit,
            names.TRIGGER_PRICE: self._trigger,
            names.TRAIL_OFFSET: self._trail,
            names.LIMIT_OFFSET: self._offset,
            names.QUANTITY: self._size,
            names.DISPLAY_QUANTITY: self._display,
            names.EXPIRE_TIME: self._expire,
            names.MAX_SLIPPAGE: self._slip,
            names.STOP_LOSS: self._stop,
            names.TAKE_PROFIT: self._target,
            names.COMMENT: self._comment,
        }

    def _build_flags(self) -> QWidget:
        self._flags = QWidget()
        row = QHBoxLayout(self._flags)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self._post = QCheckBox("Post only")
        self._post.setToolTip("Only rest in the book: refused if it would fill at once")
        self._reduce = QCheckBox("Reduce only")
        self._reduce.setToolTip("Only make a position smaller")
        row.addWidget(self._post)
        row.addWidget(self._reduce)
        row.addWidget(self._guaranteed)
        row.addStretch(1)
        self._leverage = chip("", "Leverage")
        self._leverage.clicked.connect(self._on_leverage_clicked)
        row.addWidget(self._leverage)
        return self._flags

    def _build_foot(self) -> TicketFoot:
        self._costs = CostGrid(3)
        self._carry = CostGrid(2)
        self._fixed = CostGrid(3)
        self._cost_strip = QWidget()
        strip = QVBoxLayout(self._cost_strip)
        strip.setContentsMargins(0, 0, 0, 0)
        strip.setSpacing(4)
        self._cost_box = strip
        for widget in (line(), self._costs, self._carry, line(), self._fixed):
            strip.addWidget(widget)
        # A question takes its room from the form too, and from the costs where that is not enough.
        self._vm.sending.changed.connect(self._make_room)
        vm = self._vm
        self._foot = TicketFoot(
            vm.sending,
            self._cost_strip,
            news_px=_NEWS_PX,
            chosen=lambda: vm.form.side,
            keepers=self._tabs,
        )
        self._vm.sending.changed.connect(self._fit_question)
        self._buttons, self._card, self._result = self._foot.buttons, self._foot.card, self._foot.result
        return self._foot

    # -- binding --------------------------------------------------------------------------------------

    def _bind(self) -> None:
        vm = self._vm
        vm.changed.connect(self._render)
        for name, edit in self._edits.items():
            edit.textEdited.connect(lambda text, one=name: vm.set_text(one, text))
        for side, tab in self._tabs.items():
            tab.clicked.connect(lambda _=False, one=side: self._on_tab_clicked(one))
        for side, button in self._buttons.items():
            button.clicked.connect(lambda _=False, one=side: vm.submit(one))
        for taker in self._takers:
            where = taker.text()
            taker.clicked.connect(lambda _=False, one=where: vm.take_price(one))
        self._type.activated.connect(lambda _: vm.set_order_type(self._type.currentData()))
        self._life.activated.connect(lambda _: vm.set_life(self._life.currentData()))
        self._unit.activated.connect(lambda _: vm.set_unit(self._unit.currentData()))
        self._reference.activated.connect(
            lambda _: vm.set_flags(trigger_reference=self._reference.currentData())
        )
        self._trail_unit.activated.connect(
            lambda _: vm.set_flags(trail_in_percent=self._trail_unit.currentData())
        )
        self._post.toggled.connect(lambda on: vm.set_flags(post_only=on))
        self._reduce.toggled.connect(lambda on: vm.set_flags(reduce_only=on))
        self._trailing.toggled.connect(lambda on: vm.set_flags(trailing=on))
        self._guaranteed.toggled.connect(lambda on: vm.set_flags(guaranteed=on))
        on_send_keys(self, vm.sending, vm.submit)
        on_form_keys(self, vm.set_side, self._sizes.press)

    # -- showing --------------------------------------------------------------------------------------

    def _render(self) -> None:
        vm = self._vm
        instrument, place = vm.instrument, vm.place
        ready = instrument is not None and place is not None and bool(vm.order_types)
        self._scroll.setVisible(ready)
        self._foot.setVisible(ready)
        self._empty.setVisible(not ready)
        striped = place is not None and place.badge == "PRACTICE"
        self._stripe.setVisible(striped)
        title = "Ticket"
        if instrument is None:
            set_text(self._empty, vm.empty_text)
        elif place is None:
            set_text(self._empty, f"The venue of {instrument.symbol} is not connected.")
        elif not vm.order_types:
            set_text(self._empty, f"{place.title} takes no orders.")
        else:
            title = f"Ticket · {instrument.symbol} · {place.title} · {place.badge}"
            set_text(self._symbol, instrument.symbol)
            set_badge(self._badge, place.badge)
            show_venue(self._venue, place)
            self._render_form()
            self._render_foot()
            self._follow_side()
        if title != self.windowTitle():
            self.setWindowTitle(title)

    def _follow_side(self) -> None:
        """The keyboard goes over to the chosen side with the rest: a frame left on Buy would send a buy."""
        was, self._side = self._side, self._vm.form.side
        if was is not self._side:
            for pair in (self._tabs, self._buttons):
                if pair[was].hasFocus():
                    pair[self._side].setFocus(Qt.FocusReason.OtherFocusReason)

    def _render_form(self) -> None:
        vm, form = self._vm, self._vm.form
        instrument, place = vm.instrument, vm.place
        assert instrument is not None
        assert place is not None
        self._head.setVisible(not self._is_short)
        for side, tab in self._tabs.items():
            tab.setChecked(side is form.side)
            word = "Buy" if side is Side.BUY else "Sell"
            if self._is_short:
                # Two long names would run into each other. The head is away: the venue's mark stays here.
                room = (self.width() - 2 * SIDE_PX) // 2 - _TAB_GAP_PX
                whole, metrics = f"{word} {instrument.symbol.replace('-PERP', ' perp')}", tab.fontMetrics()
                mark = f" {venue_mark(place.title)}"
                room -= metrics.horizontalAdvance(mark)
                word = metrics.elidedText(whole, Qt.TextElideMode.ElideRight, room) + mark
                tab.setToolTip(f"{whole} at {place.title}")
            else:
                tab.setToolTip("")
            set_text(tab, word)
        fill_chooser(
            self._type, [(kind.value.capitalize(), kind) for kind in vm.order_types], form.order_type
        )
        fill_chooser(self._life, [(life.value, life) for life in vm.lives], form.time_in_force)
        fill_chooser(
            self._reference,
            [(_FIRES_ON[each], each) for each in vm.references],
            form.trigger_reference,
        )
        fill_chooser(self._trail_unit, [("%", True), (instrument.quote, False)], form.trail_in_percent)
        words = {
            SizeUnit.BASE: instrument.base,
            SizeUnit.QUOTE: instrument.settled_in,
            SizeUnit.PERCENT: "% free",
            SizeUnit.LOTS: "lots",
            SizeUnit.RISK: "% risk",
            SizeUnit.RISK_MONEY: "at risk",
        }
        fill_chooser(self._unit, [(words[unit], unit) for unit in vm.units], form.unit)
        lots = bool(instrument.lot_size)
        self._size.setPlaceholderText("0.05, 5000 units, r0.5" if lots else "0.05, 1k, 25%, $500")
        texts = {
            names.LIMIT_PRICE: form.limit_price,
            names.TRIGGER_PRICE: form.trigger_price,
            names.TRAIL_OFFSET: form.trail_offset,
            names.LIMIT_OFFSET: form.limit_offset,
            names.QUANTITY: form.size,
            names.DISPLAY_QUANTITY: form.display_quantity,
            names.EXPIRE_TIME: form.expire_time,
            names.MAX_SLIPPAGE: form.max_slippage,
            names.STOP_LOSS: form.stop_loss,
            names.TAKE_PROFIT: form.take_profit,
            names.COMMENT: form.comment,
        }
        self._comment.setMaxLength(vm.comment_length)
        for name, edit in self._edits.items():
            if edit.text() != texts[name]:
                edit.setText(texts[name])
        money, units = vm.free_texts
        free = f"free {money if form.side is Side.BUY else units}"
        note = vm.size_note or free if self._is_short and lots else vm.size_note
        self._size.setToolTip(free[:1].upper() + free[1:])
        notes = {names.QUANTITY: note, names.EXPIRE_TIME: vm.expiry_hint, **vm.leg_notes}
        for name, row in self._rows.items():
            row.setVisible(name in vm.fields)
            if name in self._edits:
                row.show_message(vm.problems.get(name, ""), notes.get(name, ""))
        for pair in (self._firing, self._legs):
            pair.fit_lines()
        self._life.setVisible(names.TIME_IN_FORCE in vm.fields)
        self._render_flags()
        self._sizes.show_state(free, lots=lots, short=self._is_short)

    def _render_flags(self) -> None:
        vm, form = self._vm, self._vm.form
        post, reduce = names.POST_ONLY in vm.fields, names.REDUCE_ONLY in vm.fields
        self._post.setVisible(post)
        self._reduce.setVisible(reduce)
        guaranteed = names.GUARANTEED in vm.fields
        self._guaranteed.setVisible(guaranteed)
        self._trailing.setVisible(names.TRAILING in vm.fields)
        leverage = vm.leverage
        self._leverage.setVisible(leverage.is_offered)
        if leverage.is_offered:
            set_text(self._leverage, f" {leverage.text} ")
            self._leverage.setEnabled(leverage.current is not None)
            if self._leverage.toolTip() != leverage.tip:
                self._leverage.setToolTip(leverage.tip)
                self._leverage.setAccessibleName(f"Leverage {leverage.text}. {leverage.tip}")
        self._flags.setVisible(post or reduce or guaranteed or leverage.is_offered)
        for box, on in (
            (self._post, form.post_only),
            (self._reduce, form.reduce_only),
            (self._trailing, form.trailing),
            (self._guaranteed, form.guaranteed),
        ):
            with QSignalBlocker(box):
                box.setChecked(on)
        problem = vm.problems.get(names.POST_ONLY) or vm.problems.get(names.REDUCE_ONLY) or ""
        self._post.setToolTip(problem or "Only rest in the book: refused if it would fill at once")

    def _on_leverage_clicked(self) -> None:
        """What it may be changed to, as a menu; the choice is asked about before it is sent."""
        leverage = self._vm.leverage
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for mode in leverage.modes:
            entry = menu.addAction(mode.capitalize())
            entry.setCheckable(True)
            entry.setChecked(leverage.current is not None and mode == leverage.current.mode)
            entry.triggered.connect(lambda _=False, one=mode: leverage.choose_mode(one))
        if leverage.modes:
            menu.addSeparator()
        for value in leverage.choices:
            entry = menu.addAction(f"{value.normalize():f}x")
            entry.setCheckable(True)
            entry.setChecked(leverage.current is not None and value == leverage.current.value)
            entry.triggered.connect(lambda _=False, one=value: leverage.choose(one))
        menu.popup(self._leverage.mapToGlobal(self._leverage.rect().bottomLeft()))

    def _render_foot(self) -> None:
        vm = self._vm
        assert vm.place is not None
        self._costs.show_lines(vm.lines)
        self._carry.show_lines(vm.carry)
        self._carry.setVisible(bool(vm.carry))
        self._fixed.show_lines(vm.fixed)
        texts = [] if vm.sending.pending is not None else [f"▲ {text}" for text in vm.warnings[:3]]
        if vm.closed_reason:
            # Where it may wrap: a reason that is cut off is none.
            texts.insert(0, f"▲ {vm.closed_reason}")
        beside = [text for name, text in vm.problems.items() if name not in self._edits]
        texts += [f"✕ {text}" for text in beside]
        self._foot.show_lines(vm.buttons, texts, vm.place.note)

    def _make_room(self) -> None:
        self._scroll.setMinimumHeight(1 if self._vm.sending.pending is not None else _FORM_STRIP_PX)

    def _fit_question(self) -> None:
        self._foot.fit_question(self._least_width, self.height() - self._stripe.height())
        self.updateGeometry()

    @property
    def _least_width(self) -> int:
        return max(self.width(), self.minimumWidth())

    # -- slots ----------------------------------------------------------------------------------------

    def _on_tab_clicked(self, side: Side) -> None:
        self._vm.set_side(side)
        self._render()

    # -- Qt -------------------------------------------------------------------------------------------

    def minimumSizeHint(self) -> QSize:
        if self._foot.isHidden():
            return QSize(self.minimumWidth(), _FORM_STRIP_PX)
        height = self._foot.least_height(self._least_width, _FORM_STRIP_PX)
        return QSize(self.minimumWidth(), height + self._stripe.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_short = self.height() < SHORT_PX
        if is_short is not self._is_short:
            self._is_short = is_short
            self._lay_out()
            self._render()

    def _lay_out(self) -> None:
        """Close together where height is short, else as usual."""
        short = self._is_short
        gap = _SHORT_GAP_PX if short else _FORM_GAP_PX
        self._form_box.setSpacing(gap)
        self._form_box.setContentsMargins(*((6, 0, 4, 0) if short else (8, 4, 8, 4)))
        for pair in (self._firing, self._legs):
            pair.set_short(short, gap)
        for leg in (self._stop, self._target):
            leg.setPlaceholderText("or 50p" if short else "price or 50p")
        for field in (*self._edits.values(), *self._form_choosers):
            theme.set_property(field, "short", short)
        for edit in self._edits.values():
            if isinstance(edit, NumberEdit):
                edit.setFont(theme.mono_font(theme.TABLE_PX if short else theme.BASE_PX))
        grids = (self._costs, self._carry, self._fixed)
        for grid in grids:
            grid.set_short(short)
        self._cost_box.setSpacing(1 if short else 4)
        self._foot.set_short(short)
        # An answer takes room from a short form: its scroll bar must not come and go, and move the rest.
        always, as_needed = Qt.ScrollBarPolicy.ScrollBarAlwaysOn, Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self._scroll.setVerticalScrollBarPolicy(always if short else as_needed)
        for tab in self._tabs.values():
            theme.set_property(tab, "short", short)
        for part in (*grids, self._cost_strip, self._foot.buttons_row, self._foot, self):
            if (layout := part.layout()) is not None:
                layout.activate()  # all at once: what is asked next is where the buttons are

    def showEvent(self, event: QShowEvent) -> None:
        self._vm.set_visible(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._vm.set_visible(False)
        super().hideEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.PANEL))
        painter.end()
