"""The venue strip: one card a venue with its state, price and age; a click offers what can be done."""

from __future__ import annotations

from enum import IntEnum
from functools import partial

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QMenu, QSizePolicy, QToolButton, QWidget

from terminal.viewmodels.connection import ConnectionViewModel, Mode
from terminal.viewmodels.cross_venue import CrossVenueViewModel
from terminal.viewmodels.dead_man import DeadManViewModel
from terminal.viewmodels.venue_accounts import VenueAccountsViewModel
from terminal.viewmodels.venue_card import Shape, VenueCard
from terminal.widgets import theme
from terminal.widgets.controls import (
    ClickFrame,
    ElidedLabel,
    PriceLabel,
    StateDot,
    label,
    set_text,
    set_tone,
)
from terminal.widgets.cross_venue import CrossVenueLine
from terminal.widgets.dead_man import SwitchRing
from terminal.widgets.icons import icon

STRIP_PX = 34
UNOFFICIAL = "unofficial interface"
_SHORT = "unofficial"
_UNOFFICIAL_TIP = "An unofficial interface: it may change or stop at any time"
_GAP_PX = 6
_SHORTEST_TITLE_PX = 28


class Detail(IntEnum):
    """How much a card tells where room is short. It always tells the venue, and its state or its age."""

    BARE = 0
    PRICES = 1
    FULL = 2
    """And of which market the prices are. Of a closed one that is told beside its prices already: it is the
    market that is closed, never the venue."""


class VenueCardWidget(ClickFrame):
    """One venue's card."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.setFixedHeight(26)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.detail = Detail.FULL
        self._has_price = self._is_unofficial = self._is_closed = False
        self._said = self._said_short = ""
        """The state, and what is said of it where the card tells nothing of a market."""
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(_GAP_PX)
        self.dot = StateDot()
        self.title = ElidedLabel()
        self.title.setProperty("kind", "title")
        self.title.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.mode = label(UNOFFICIAL, kind="muted")
        self.short = label(_SHORT, kind="muted")
        self.symbol = label(kind="label")
        self.bid = PriceLabel(theme.UP)
        self.slash = label("/", kind="muted")
        self.ask = PriceLabel(theme.DOWN)
        self.state = label(kind="muted")
        self.opens = label(kind="muted")
        self.ring = SwitchRing()
        for widget in (
            self.dot, self.title, self.mode, self.short, self.symbol, self.bid, self.slash, self.ask,
            self.state, self.opens, self.ring,
        ):  # fmt: skip
            row.addWidget(widget)

    def show_card(self, card: VenueCard) -> None:
        """Show a venue as it stands now."""
        live = card.shape is Shape.LIVE
        self._is_closed = live and bool(card.closed)
        set_text(self.opens, card.closed.partition(", ")[2] if self._is_closed else "")
        self.dot.show_state(card.shape, card.tone)
        set_text(self.title, card.title)
        self._said_short = card.age or card.word if live else card.word
        self._said = f"{card.symbol} closed" if self._is_closed else self._said_short
        set_text(self.symbol, card.symbol)
        self._is_unofficial = card.unofficial
        self._has_price = bool(card.symbol) and card.mode is not None
        self._show_parts()
        if self._has_price:
            self.bid.show_price(card.bid, proven=live)
            self.ask.show_price(card.ask, proven=live)
        set_tone(self.state, "muted" if live else card.tone or "label")
        self.state.setMinimumWidth(34 if live else 0)
        self.setToolTip(_tip(card))
        self.setAccessibleName(f"{card.title}: {card.word}, {card.badge or 'not connected'}")

    def show_detail(self, detail: Detail, title_px: int | None = None) -> None:
        """Tell more or less. ``title_px``: most room for the title; None: all that it wants."""
        wanted = self.title.sizeHint().width()
        self.title.setFixedWidth(wanted if title_px is None else min(wanted, title_px))
        if detail is not self.detail:
            self.detail = detail
            self._show_parts()

    def width_of(self, detail: Detail) -> int:
        """What the card wants in order to tell so much."""
        parts = [self.dot, self.title, self.state, *self._parts(detail)]
        if not self.ring.isHidden():
            parts.append(self.ring)
        widths = [max(part.sizeHint().width(), part.minimumWidth()) for part in parts]
        said, shown = self._state_text(detail), self.state.text()
        text_px = self.state.fontMetrics().horizontalAdvance
        said_px = self.state.sizeHint().width() + text_px(said) - text_px(shown)
        widths[2] = max(said_px, self.state.minimumWidth())
        widths[1] = self.title.sizeHint().width()
        return sum(widths) + _GAP_PX * (len(parts) - 1) + 2 * 8 + 2

    def _parts(self, detail: Detail) -> list[QWidget]:
        out: list[QWidget] = []
        if self._is_unofficial:
            out += [self.mode if detail is Detail.FULL else self.short]
        if self._has_price and detail is not Detail.BARE:
            out += [self.bid, self.slash, self.ask]
        if self._is_closed and self.opens.text() and detail is not Detail.BARE:
            out += [self.opens]
        if detail is Detail.FULL:
            out += [self.symbol] if self._has_price and not self._is_closed else []
        return out

    def _state_text(self, detail: Detail) -> str:
        return self._said_short if detail is Detail.BARE else self._said

    def _show_parts(self) -> None:
        set_text(self.state, self._state_text(self.detail))
        shown = self._parts(self.detail)
        for part in (self.mode, self.short, self.symbol, self.bid, self.slash, self.ask, self.opens):
            part.setVisible(part in shown)


def _tip(card: VenueCard) -> str:
    lines = [f"{card.title}: {card.word}" + (f", {card.badge}" if card.badge else "")]
    if card.unofficial:
        lines.append(_UNOFFICIAL_TIP)
    if card.reason:
        lines.append(card.reason)
    if card.closed:
        lines.append(card.closed_line)
    if card.account:
        lines.append(f"Account: {card.account_note or card.account_name}")
    lines += [f"{figure.label}: {figure.text}" for figure in card.figures]
    lines += [budget.text for budget in card.budgets]
    what = (
        "practice, real prices, or connect an account"
        if card.can_practise
        else "connect, change or remove it"
    )
    lines.append(f"Click: {what}")
    return "\n".join(lines)


class VenueStrip(QFrame):
    """All venues' cards.

    Signals:
        connect_wanted: (venue) the person wants to connect an account, or change it.
        sign_in_wanted: (venue) the person wants to sign in again where the venue is connected now.
        cross_wanted: the line that compares the venues was clicked.

    Attributes:
        line: the comparison of the venues, for as long as its panel is not in sight; None without one.
    """

    connect_wanted = Signal(str)
    sign_in_wanted = Signal(str)
    cross_wanted = Signal()

    def __init__(
        self,
        vm: ConnectionViewModel,
        dead_man: DeadManViewModel | None = None,
        parent: QWidget | None = None,
        *,
        cross: CrossVenueViewModel | None = None,
    ) -> None:
        super().__init__(parent)
        self._vm = vm
        self._dead_man = dead_man
        self.line = None if cross is None else CrossVenueLine(cross)
        self._accounts: VenueAccountsViewModel | None = None
        self._cards: dict[str, VenueCardWidget] = {}
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        self.setProperty("kind", "strip")
        self.setFixedHeight(STRIP_PX)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(6, 3, 6, 4)
        self._row.setSpacing(_GAP_PX)
        # The window may be as narrow as it likes: the cards tell less then.
        self._row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.add = QToolButton()
        self.add.setText("+")
        self.add.setAccessibleName("Add a venue")
        self.add.clicked.connect(self._on_add_clicked)
        self._row.addWidget(self.add)
        self._row.addStretch(1)
        if self.line is not None:
            self.line.hide()
            self._row.addWidget(self.line, 3)

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        if self.line is not None:
            self.line.clicked.connect(self.cross_wanted)
            self.line.room_wanted.connect(self._fit)
        if self._dead_man is not None:
            self._dead_man.changed.connect(self._render_rings)

    def _render(self) -> None:
        cards = self._vm.cards
        for venue in self._cards.keys() - {card.venue for card in cards}:
            gone = self._cards.pop(venue)
            gone.hide()
            gone.deleteLater()
        for at, card in enumerate(cards):
            widget = self._cards.get(card.venue)
            if widget is None:
                widget = self._cards[card.venue] = VenueCardWidget()
                widget.clicked.connect(partial(self._on_card_clicked, card.venue))
                self._row.insertWidget(at, widget)
            widget.show_card(card)
        self._fit()
        addable = self._vm.addable.values()
        self.add.setVisible(bool(addable))
        self.add.setToolTip("\n".join(f"Add {info.added_as}…" for info in addable))

    def _fit(self) -> None:
        """As much as there is room for: first the prices of the chosen market's venue, then those of the
        others, then their symbols. Where not even the titles fit, they are shortened."""
        cards = {venue: self._cards[venue] for venue in self._vm.infos if venue in self._cards}
        ranked = sorted(cards, key=lambda venue: venue != self._vm.chosen)
        fixed: list[QWidget] = [self.add]
        if self.line is not None and not self.line.isHidden():
            fixed.append(self.line)
        room = self.width() - 2 * _GAP_PX - _GAP_PX * (len(cards) + len(fixed))
        room -= sum(max(each.minimumWidth(), each.minimumSizeHint().width()) for each in fixed)
        room -= sum(card.width_of(Detail.BARE) for card in cards.values())
        titles = sum(card.title.sizeHint().width() for card in cards.values())
        most_px = max(_SHORTEST_TITLE_PX, (titles + room) // len(cards)) if cards and room < 0 else None
        details = dict.fromkeys(cards, Detail.BARE)
        for detail, venue in [(detail, venue) for detail in (Detail.PRICES, Detail.FULL) for venue in ranked]:
            room -= cards[venue].width_of(detail) - cards[venue].width_of(details[venue])
            if room < 0:
                break
            details[venue] = detail
        for venue, card in cards.items():
            card.show_detail(details[venue], most_px)

    def _render_rings(self) -> None:
        assert self._dead_man is not None
        for venue, card in self._cards.items():
            card.ring.show_ring(self._dead_man.ring(venue))

    def _on_card_clicked(self, venue: str) -> None:
        menu = self.menu_for(venue)
        card = self._cards[venue]
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(card.mapToGlobal(QPoint(0, card.height() + 2)))

    def _on_add_clicked(self) -> None:
        menu = QMenu(self)
        self.fill_add_menu(menu)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.add.mapToGlobal(QPoint(0, self.add.height() + 2)))

    def offer_accounts(self, vm: VenueAccountsViewModel) -> None:
        """Offer the accounts of each venue's sign-in in its card's menu from now on."""
        self._accounts = vm

    def fill_add_menu(self, menu: QMenu) -> None:
        """Offer what can be added to the desk."""
        for venue, info in self._vm.addable.items():
            menu.addAction(f"Add {info.added_as}…", partial(self.connect_wanted.emit, venue))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, STRIP_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def menu_for(self, venue: str) -> QMenu:
        """What a click on a venue's card offers."""
        card = self._vm.card(venue)
        menu = QMenu(self)
        if card is None:
            return menu
        if card.account_note:
            menu.addAction(f"Now: {card.account_note}").setEnabled(False)
            menu.addSeparator()
        if card.needs_sign_in:
            menu.addAction(icon("key"), "Sign in again…", partial(self.sign_in_wanted.emit, venue))
            menu.addSeparator()
        for mode, text in (
            (Mode.PRACTICE, "Practice market: no money moves"),
            (Mode.PUBLIC, "Real prices, no account"),
        ):
            if not (card.can_show_public if mode is Mode.PUBLIC else card.can_practise):
                continue
            action = menu.addAction(text, partial(self._vm.use, venue, mode))
            action.setCheckable(True)
            action.setChecked(card.mode is mode)
            # Choosing what is on already would only cut the connection for a moment.
            action.setEnabled(card.mode is not mode or card.shape is not Shape.LIVE)
        if card.can_sign_in and card.mode in (None, Mode.PRACTICE) and not card.needs_sign_in:
            text = "Sign in to the practice site…"
            menu.addAction(icon("key"), text, partial(self.sign_in_wanted.emit, venue))
        if card.can_connect:
            text = f"Account {card.account_name}…" if card.mode is Mode.LIVE else "Connect an account…"
            action = menu.addAction(icon("key"), text, partial(self.connect_wanted.emit, venue))
            action.setCheckable(True)
            action.setChecked(card.mode is Mode.LIVE)
        if self._accounts is not None and card.account:
            self._fill_accounts(menu, venue, self._accounts)
        if self._dead_man is not None:
            menu.addSeparator()
            toggle = self._dead_man.toggle_of(venue)
            action = menu.addAction(toggle.text, partial(self._dead_man.toggle, venue))
            action.setCheckable(True)
            action.setChecked(toggle.on)
            action.setEnabled(toggle.enabled)
        if card.mode is not None and card.shape is not Shape.OFF:
            menu.addSeparator()
            menu.addAction("Disconnect", partial(self._vm.disconnect_venue, venue))
        return menu

    def _fill_accounts(self, menu: QMenu, venue: str, accounts: VenueAccountsViewModel) -> None:
        choices = accounts.choices(venue)
        if choices:
            menu.addSeparator()
        for choice in choices:
            action = menu.addAction(choice.text, partial(accounts.choose, choice.account))
            action.setCheckable(True)
            action.setChecked(choice.is_active)
            action.setEnabled(not choice.is_active)
        if accounts.can_refill(venue) or accounts.has_profile(venue):
            menu.addSeparator()
        if accounts.can_refill(venue):
            menu.addAction(icon("plus"), "Fill the demo account up…", partial(accounts.want_refill, venue))
        if accounts.has_profile(venue):
            menu.addAction(icon("info"), "Profile and clock…", partial(accounts.want_profile, venue))
