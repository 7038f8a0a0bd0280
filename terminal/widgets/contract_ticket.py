"""The contract form's controls, and the panel that shows the form that an instrument asks for."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from terminal.domain.market import Side
from terminal.viewmodels.contract_ticket import (
    EXPIRY,
    OPENS,
    PRESETS,
    STAKE,
    TIE_RULE,
    TRIGGER,
    ContractTicketViewModel,
)
from terminal.viewmodels.cost_text import CostLine
from terminal.widgets import theme
from terminal.widgets.controls import ElidedLabel, FittingLabel, StripedEdge, label, line, set_badge, set_text
from terminal.widgets.ticket import TicketPanel
from terminal.widgets.ticket_foot import SHORT_PX, SIDE_PX, TicketFoot, on_form_keys, on_send_keys
from terminal.widgets.ticket_parts import (
    CHIP_SHEET,
    CostGrid,
    FieldRow,
    FigureLabel,
    NumberEdit,
    chip,
    chooser,
    fill_chooser,
    show_venue,
)
from terminal.widgets.venue_word import CrowdRow, SuggestionRows

_NEWS_PX: Final = 46
"""Two lines of news: with less, a longer word would make the panel grow for good."""
_FORM_STRIP_PX: Final = 24


class ContractPanel(QWidget):
    """Stake, expiry, what it pays, and two buttons. The form scrolls where there is little height; figures,
    buttons and the note on whose money it is stay in sight."""

    def __init__(self, vm: ContractTicketViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._is_short = False
        self._build_ui()
        self._lay_out()
        self._bind()
        self._render()

    # -- building -------------------------------------------------------------------------------------

    def _build_ui(self) -> None:
        self.setStyleSheet(CHIP_SHEET)
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
        self._scroll.setWidget(self._build_form())
        box.addWidget(self._scroll, 1)
        box.addWidget(self._build_foot())

    def _build_form(self) -> QWidget:
        form = QWidget()
        box = self._form_box = QVBoxLayout(form)
        head = QHBoxLayout()
        head.setSpacing(6)
        self._symbol = FigureLabel(kind="title")
        self._badge = label()
        self._badge.setFont(theme.ui_font(10, bold=True))
        self._clock = label(kind="muted")
        self._clock.setFont(theme.number_font(theme.LABEL_PX))
        self._clock.setToolTip("The venue's clock, UTC")
        head.addWidget(self._symbol)
        head.addWidget(self._badge)
        self._venue = FittingLabel(kind="muted")
        head.addWidget(self._venue, 1)
        head.addWidget(self._clock)
        box.addLayout(head)
        box.addWidget(self._build_other())
        self._stake = NumberEdit("Stake", self._vm.step_stake)
        self._stake.setPlaceholderText("5, 2%")
        self._currency = label(kind="muted")
        self._expiry = chooser("Expiry")
        self._opens = NumberEdit("Opens at")
        self._opens.setPlaceholderText("at once; +5m, 14:30")
        self._trigger = NumberEdit("Opens at the price")
        self._trigger.setPlaceholderText("at any price")
        self._rows = {
            STAKE: FieldRow("Stake", self._stake, self._currency),
            EXPIRY: FieldRow("Expiry", self._expiry),
            OPENS: FieldRow("Opens", self._opens),
            TRIGGER: FieldRow("At price", self._trigger),
        }
        self._edits = {STAKE: self._stake, OPENS: self._opens, TRIGGER: self._trigger}
        box.addWidget(self._rows[STAKE])
        box.addWidget(self._build_presets())
        box.addLayout(self._build_free())
        for name in (EXPIRY, OPENS, TRIGGER):
            box.addWidget(self._rows[name])
        box.addWidget(line())
        self._figures = CostGrid(5)
        box.addWidget(self._figures)
        tie = label(TIE_RULE, kind="muted")
        tie.setFont(theme.ui_font(theme.LABEL_PX))
        box.addWidget(tie)
        self._crowd = CrowdRow()
        box.addWidget(self._crowd)
        self._suggestions = SuggestionRows(self._vm)
        box.addWidget(self._suggestions)
        box.addStretch(1)
        return form

    def _build_other(self) -> QWidget:
        """While the market is closed: what else is open, and the way there."""
        self._other = QWidget()
        box = QVBoxLayout(self._other)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self._other_text = label(kind="warning")
        self._other_text.setFont(theme.ui_font(theme.LABEL_PX))
        self._other_text.setWordWrap(True)
        self._go = QPushButton()
        self._go.setProperty("kind", "link")
        self._go.setAutoDefault(False)
        self._go.setToolTip("Shows it in the linked panels; stake and expiry stay as they are")
        box.addWidget(self._other_text)
        box.addWidget(self._go, 0, Qt.AlignmentFlag.AlignLeft)
        self._other.hide()
        return self._other

    def _build_free(self) -> QHBoxLayout:
        """What is free, and the way to what few contracts need: to be opened later."""
        row = QHBoxLayout()
        row.setSpacing(6)
        self._free = ElidedLabel()
        self._free.setProperty("kind", "muted")
        self._later = QPushButton("Open later…")
        self._later.setProperty("kind", "link")
        self._later.setCheckable(True)
        self._later.setAutoDefault(False)
        self._later.setToolTip("Let the contract wait for a time or for a price")
        row.addWidget(self._free, 1)
        row.addWidget(self._later)
        return row

    def _build_presets(self) -> QWidget:
        shown = QWidget()
        row = QHBoxLayout(shown)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        for text in PRESETS:
            tip = f"Stake: {text} of what is free" if text.endswith("%") else f"Stake: {text}"
            button = chip(text, tip)
            button.clicked.connect(lambda _=False, one=text: self._vm.set_text(STAKE, one))
            row.addWidget(button, 2 + len(text))
        return shown

    def _build_foot(self) -> TicketFoot:
        figures = QWidget()
        box = QVBoxLayout(figures)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        self._fixed = CostGrid(3)
        box.addWidget(line())
        box.addWidget(self._fixed)
        vm = self._vm
        self._foot = TicketFoot(
            vm.sending,
            figures,
            news_px=_NEWS_PX,
            chosen=lambda: vm.form.side,
            keepers=dict.fromkeys(Side, self._stake),
        )
        vm.sending.changed.connect(self._fit_question)
        self._buttons, self._card = self._foot.buttons, self._foot.card
        return self._foot

    # -- binding --------------------------------------------------------------------------------------

    def _bind(self) -> None:
        vm = self._vm
        vm.changed.connect(self._render)
        for name, edit in self._edits.items():
            edit.textEdited.connect(lambda text, one=name: vm.set_text(one, text))
        self._expiry.activated.connect(lambda _: vm.set_expiry(*self._expiry.currentData()))
        self._later.toggled.connect(lambda _: self._render())
        self._go.clicked.connect(vm.go_to_other)
        for side, button in self._buttons.items():
            button.clicked.connect(lambda _=False, one=side: vm.submit(one))
        on_send_keys(self, vm.sending, vm.submit)
        on_form_keys(self, vm.set_side, self._on_preset_key)

    # -- showing --------------------------------------------------------------------------------------

    def _render(self) -> None:
        vm = self._vm
        if not vm.is_offered:
            return
        assert vm.instrument is not None
        assert vm.place is not None
        assert vm.offer is not None
        self._stripe.setVisible(vm.place.badge == "PRACTICE")
        set_text(self._symbol, vm.instrument.symbol)
        self._symbol.setToolTip(vm.instrument.symbol)
        set_badge(self._badge, vm.place.badge)
        show_venue(self._venue, vm.place)
        set_text(self._clock, vm.clock_text)
        set_text(self._other_text, f"▲ {vm.other_text}")
        set_text(self._go, f"Show {vm.other.symbol}" if vm.other is not None else "")
        self._other.setVisible(vm.other is not None)
        set_text(self._currency, vm.offer.currency)
        set_text(self._free, vm.free_text)
        entries = [(each.text, (each.mode, each.duration_s)) for each in vm.expiries]
        chosen = (vm.form.mode, vm.form.duration_s)
        fill_chooser(self._expiry, entries, chosen)
        waits = bool(vm.form.opens or vm.form.trigger_price)
        self._later.setVisible(vm.offer.can_wait)
        if waits and not self._later.isChecked():
            # What has been asked for stays in sight.
            self._later.setChecked(True)
        shown = vm.offer.can_wait and self._later.isChecked()
        self._rows[OPENS].setVisible(shown)
        self._rows[TRIGGER].setVisible(shown)
        texts = {STAKE: vm.form.stake, OPENS: vm.form.opens, TRIGGER: vm.form.trigger_price}
        for name, edit in self._edits.items():
            if edit.text() != texts[name]:
                edit.setText(texts[name])
        for name, row in self._rows.items():
            note = vm.ends_text if name == EXPIRY else ""
            row.show_message(vm.problems.get(name, ""), note, warns=bool(note) and vm.opens_late)
        self._figures.show_lines(self._lines())
        self._fixed.show_lines(vm.fixed)
        self._crowd.show_crowd(vm.crowd)
        self._suggestions.show_state()
        for side, button in self._buttons.items():
            button.set_chosen(side is vm.form.side)
        texts_shown = [] if vm.sending.pending is not None else [f"▲ {text}" for text in vm.news]
        self._foot.show_lines(vm.buttons, texts_shown, vm.place.note)

    def _on_preset_key(self, at: int) -> None:
        if at < len(PRESETS):
            self._vm.set_text(STAKE, PRESETS[at])

    def _lines(self) -> list[CostLine]:
        vm = self._vm
        needed = CostLine(
            "Needed", vm.need_text, tip="So many have to win for nothing to be lost: 1 / (1 + payout)."
        )
        own_tip = (
            "Your own contracts on this asset and of this length; the range is where the true rate lies in "
            "95 of 100 cases."
        )
        return [
            CostLine("Payout", vm.payout_text, tip=vm.payout_tip),
            CostLine("Wins / loses", vm.outcome_text, tip="On top of the stake, and of it."),
            # The fixed numbers under it say it too.
            *([] if self._is_short else [needed]),
            CostLine("Yours won", vm.own_text, tip=own_tip),
            CostLine(vm.outside.label, vm.outside.value, vm.outside.detail, tip=vm.outside.tip),
        ]

    def _fit_question(self) -> None:
        self._foot.fit_question(self._least_width, self.height() - self._stripe.height())
        self.updateGeometry()

    @property
    def _least_width(self) -> int:
        return max(self.width(), self.minimumWidth())

    def _lay_out(self) -> None:
        """Close together where height is short, else as usual."""
        short = self._is_short
        self._form_box.setSpacing(1 if short else 5)
        self._form_box.setContentsMargins(*((6, 0, 4, 0) if short else (SIDE_PX, 4, SIDE_PX, 4)))
        # An answer takes room from a short form: its scroll bar must not come and go, and move the rest.
        always, as_needed = Qt.ScrollBarPolicy.ScrollBarAlwaysOn, Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self._scroll.setVerticalScrollBarPolicy(always if short else as_needed)
        for grid in (self._figures, self._fixed):
            grid.set_short(short)
        for field in (*self._edits.values(), self._expiry):
            theme.set_property(field, "short", short)
        for edit in self._edits.values():
            edit.setFont(theme.mono_font(theme.TABLE_PX if short else theme.BASE_PX))
        self._foot.set_short(short)

    # -- Qt -------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        self._vm.set_visible(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._vm.set_visible(False)
        super().hideEvent(event)

    def minimumSizeHint(self) -> QSize:
        height = self._foot.least_height(self._least_width, _FORM_STRIP_PX)
        return QSize(self.minimumWidth(), height + self._stripe.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_short = self.height() < SHORT_PX
        if is_short is not self._is_short:
            self._is_short = is_short
            self._lay_out()
            self._render()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.PANEL))
        painter.end()


class TicketForms(QStackedWidget):
    """The ticket of the selected instrument: the order form, or the contract form where it is traded so."""

    def __init__(
        self, orders: TicketPanel, contracts: ContractTicketViewModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._orders, self._contracts = orders, contracts
        self._panel = ContractPanel(contracts)
        self.addWidget(orders)
        self.addWidget(self._panel)
        orders.windowTitleChanged.connect(self._retitle)
        contracts.changed.connect(self._choose)
        self._choose()

    def _choose(self) -> None:
        wanted = self._panel if self._contracts.is_offered else self._orders
        if self.currentWidget() is not wanted:
            self.setCurrentWidget(wanted)
            self.updateGeometry()
        self._retitle()

    def _retitle(self) -> None:
        vm = self._contracts
        title = self._orders.windowTitle()
        if vm.is_offered and vm.instrument is not None and vm.place is not None:
            title = f"Ticket · {vm.instrument.symbol} · {vm.place.title} · {vm.place.badge}"
        if title and title != self.windowTitle():
            self.setWindowTitle(title)

    def minimumSizeHint(self) -> QSize:
        """Of the form that is shown: the other one's height is none of its business."""
        shown = self.currentWidget()
        return shown.minimumSizeHint() if shown is not None else super().minimumSizeHint()
