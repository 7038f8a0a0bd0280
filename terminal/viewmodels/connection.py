"""The state of each venue's connection, as its card in the venue strip shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.domain.errors import TerminalError
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind
from terminal.services.market_data import Topic
from terminal.services.session import Mode as Mode
from terminal.services.session import SessionState
from terminal.venues.base import VenueInfo
from terminal.viewmodels import format as fmt
from terminal.viewmodels.connection_ports import ConnectionDesk, PriceSource, SessionsView, SessionView
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.market_hours import closed_text
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.ports import BADGES, SelectedInstrument, badge_text, money_note
from terminal.viewmodels.position_rows import AccountEntry, counted_text, counted_tip
from terminal.viewmodels.venue_card import (
    SHAPES,
    TONES,
    WORDS,
    VenueCard,
    budgets_of,
    figures_of,
)

_AGES_EVERY_S = 0.5


class ConnectionViewModel(QObject):
    """The venue strip.

    Signals:
        changed: cards changed; at most once a frame.
        state_changed: (venue) a connection has another state or mode.

    Attributes:
        cards: one for each venue of the desk. infos: the venues themselves, by name.
        addable: kinds of which a person can add a venue to the desk.
        chosen: the venue of the market that is shown; empty before one is.
    """

    changed = Signal()
    state_changed = Signal(str)

    def __init__(
        self,
        sessions: SessionsView,
        market: PriceSource,
        infos: Sequence[VenueInfo],
        desk: ConnectionDesk,
        notices: NoticesViewModel,
        frames: FrameClock,
        *,
        headlines: Mapping[str, str],
        addable: Sequence[VenueInfo] = (),
        title_of: Callable[[str], str] = str,
        wall_ns: Callable[[], int] = time.time_ns,
        parent: QObject | None = None,
    ) -> None:
        """``headlines``: the symbol whose price stands on each venue's card at first. ``title_of``: what a
        venue was called that is on the desk no longer."""
        super().__init__(parent)
        self.cards: tuple[VenueCard, ...] = ()
        self.infos = {info.name: info for info in infos}
        self.addable = {info.name: info for info in addable}
        self.chosen = ""
        self.desk = desk
        self._title_of = title_of
        self._wall_ns = wall_ns
        self._sessions = sessions
        self._market = market
        self._notices = notices
        self._frames = frames
        self._entries: tuple[AccountEntry, ...] | None = None
        """Of the accounts, until a connection changes: they are asked for at every frame."""
        self._headlines = dict(headlines)
        self._releases = {
            venue: market.watch(Feed(FeedKind.QUOTES, symbol), venue) for venue, symbol in headlines.items()
        }
        self._switching: set[str] = set()
        self._stop_ticking = frames.every(_AGES_EVERY_S, self._build)
        sessions.changed.watch(self._on_session)
        market.changed.watch(self._on_market)
        self._build()

    def show_venues(self, infos: Sequence[VenueInfo], addable: Sequence[VenueInfo]) -> None:
        """A venue was added or removed, or has another title."""
        self.infos = {info.name: info for info in infos}
        self.addable = {info.name: info for info in addable}
        self._entries = None
        for venue in [venue for venue in self._headlines if venue not in self.infos]:
            self._headlines.pop(venue)
            self._releases.pop(venue)()
        self._build()

    def set_headline(self, venue: str, symbol: str) -> None:
        """The price that a venue's card shows until a market of it is chosen."""
        if venue in self.infos and venue not in self._headlines:
            self._show_headline(venue, symbol)

    def _show_headline(self, venue: str, symbol: str) -> None:
        before = self._releases.get(venue)
        self._headlines[venue] = symbol
        self._releases[venue] = self._market.watch(Feed(FeedKind.QUOTES, symbol), venue)
        if before is not None:
            before()
        self._frames.request(self._build)

    def follow(self, selection: SelectedInstrument) -> None:
        """Let the card of the chosen market's venue show that market's price from now on. The other cards
        keep theirs: nobody has said which market there is the same."""

        def take() -> None:
            chosen = selection.instrument
            if chosen is None or chosen.venue not in self.infos:
                return
            if chosen.venue != self.chosen:
                self.chosen = chosen.venue
                self.changed.emit()
            if self._headlines.get(chosen.venue) != chosen.symbol:
                self._show_headline(chosen.venue, chosen.symbol)

        selection.changed.watch(take)
        take()

    # -- figures --------------------------------------------------------------------------------------

    def card(self, venue: str) -> VenueCard | None:
        """The card of a venue."""
        return next((card for card in self.cards if card.venue == venue), None)

    def accounts(self) -> list[str]:
        """The connected accounts."""
        return [
            account
            for session in self._sessions.sessions.values()
            if session.has_account
            for account in session.accounts
        ]

    def account_entries(self) -> Sequence[AccountEntry]:
        """The connected accounts, hidden ones too, with what a row of the blotter needs to know of each."""
        if self._entries is None:
            self._entries = self._read_entries()
        return self._entries

    def _read_entries(self) -> tuple[AccountEntry, ...]:
        out = []
        for session in self._sessions.sessions.values():
            if not session.has_account:
                continue
            shown, hidden, badge = session.accounts, session.hidden, BADGES[session.mode]
            info = self.infos.get(session.venue)
            venue = session.venue if info is None else info.title
            can_warn = info is not None and info.capabilities.margin_calls
            alone = info is not None and info.capabilities.one_account_at_a_time
            contracts = info is not None and info.capabilities.contracts
            for account in shown:
                is_active = account == session.account
                name, is_real = self.short_name(account), self.is_real(account)
                several = len(shown) > 1
                out.append(
                    AccountEntry(
                        account,
                        venue,
                        badge,
                        is_active,
                        several,
                        can_warn,
                        name=name,
                        is_real=is_real,
                        title=owner.title if (owner := session.infos.get(account)) is not None else "",
                        one_at_a_time=alone,
                        has_contracts=contracts,
                    )
                )
            for account, about in hidden.items():
                is_real = self.is_real(account)
                out.append(
                    AccountEntry(
                        account,
                        venue,
                        badge,
                        is_active=False,
                        can_choose=False,
                        hidden=about,
                        name=self.short_name(account),
                        is_real=is_real,
                        title=about.title,
                        one_at_a_time=alone,
                        has_contracts=contracts,
                    )
                )
        return tuple(out)

    def hidden_accounts(self) -> frozenset[str]:
        """The accounts of the sign-ins that are not shown."""
        return frozenset(key for each in self._sessions.sessions.values() for key in each.hidden)

    @property
    def counted_text(self) -> str:
        """See :func:`terminal.viewmodels.position_rows.counted_text`."""
        return counted_text(self.account_entries())

    @property
    def counted_tip(self) -> str:
        """See :func:`terminal.viewmodels.position_rows.counted_tip`."""
        return counted_tip(self.account_entries())

    def badge_of(self, account: str) -> str:
        """Whose money an account is: PRACTICE, or LIVE with its name; also one whose connection is off."""
        for session in self._sessions.sessions.values():
            if account in session.accounts or account in session.hidden:
                owner = session.infos.get(account) or session.hidden.get(account)
                return badge_text(session.mode, account, owner)
        word = account.partition(":")[2].partition(":")[0]
        return next((text for mode, text in BADGES.items() if mode.value == word), "")

    def badge_for(self, accounts: Iterable[str]) -> str:
        """Whose money several accounts are: the word of all of them, or ``PRACTICE + LIVE``."""
        return _together([self.badge_of(account) for account in accounts])

    def is_real(self, account: str) -> bool:
        """Whether an account holds real money: neither practice nor a broker's demo account."""
        return _kind(self.badge_of(account)) == BADGES[Mode.LIVE]

    def name_of(self, account: str) -> str:
        """An account in a sentence: the venue, and its broker and number where there are several."""
        venue = account.partition(":")[0]
        about = self.infos.get(venue)
        session = self._sessions.sessions.get(venue)
        owner = session.infos.get(account) if session is not None else None
        title = about.title if about is not None else self._title_of(venue)
        return owner.at(title) if owner is not None else title

    def short_name(self, account: str) -> str:
        """An account in a column: ``Kraken practice``, ``cTrader demo 5120034``. Also one whose connection is
        off, or in another mode now."""
        venue, _, rest = account.partition(":")
        word, _, number = rest.partition(":")
        about = self.infos.get(venue)
        number, _, other = number.partition("@")
        owner = None
        for session in self._sessions.sessions.values():
            owner = session.infos.get(account) or session.hidden.get(account) or owner
            if other and owner is None and session.venue == venue and session.has_account:
                number = f"{number}, another sign-in"
        if owner is not None:
            number = owner.short
            if word == Mode.LIVE.value and not owner.is_live:
                word = "" if number == "demo" else "demo"
        parts = (about.title if about is not None else self._title_of(venue), word, number)
        return " ".join(part for part in parts if part)

    @property
    def mode(self) -> Mode | None:
        """The gravest mode of all connections: one live account makes the desk live."""
        modes = {session.mode for session in self._sessions.sessions.values()}
        return next((mode for mode in (Mode.LIVE, Mode.PRACTICE, Mode.PUBLIC) if mode in modes), None)

    @property
    def badge(self) -> str:
        """The word of the top bar: whose money the desk holds, all of it: ``PRACTICE + LIVE``."""
        badges = self._account_badges()
        if badges:
            return _together(badges)
        return BADGES[self.mode] if self.mode is not None else "NOT CONNECTED"

    @property
    def real_badge(self) -> str:
        """The word for the real money of the desk alone; empty where there is none."""
        return _together([each for each in self._account_badges() if _kind(each) == BADGES[Mode.LIVE]])

    @property
    def has_practice(self) -> bool:
        """Whether a venue is connected to its practice twin."""
        return any(session.mode is Mode.PRACTICE for session in self._sessions.sessions.values())

    def _account_badges(self) -> list[str]:
        """Of the account in use of each connection, and of others of it that are of another kind."""
        out = []
        for session in self._sessions.sessions.values():
            if session.mode is Mode.PUBLIC:
                continue
            used = _badge(session)
            others = (
                badge_text(session.mode, account, session.infos.get(account)) for account in session.accounts
            )
            out += [used, *(each for each in others if _kind(each) != _kind(used))]
        return out

    def _on_session(self, venue: str) -> None:
        self._entries = None
        self._frames.request(self._build)
        self.state_changed.emit(venue)

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if self._headlines.get(instrument.venue) == instrument.symbol and topic is not Topic.TRADES:
            self._frames.request(self._build)

    def _build(self) -> None:
        cards = tuple(self._card(info) for info in self.infos.values())
        if cards != self.cards:
            self.cards = cards
            self.changed.emit()

    def _card(self, info: VenueInfo) -> VenueCard:
        session = self._sessions.sessions.get(info.name)
        state = session.state if session is not None else SessionState.OFF
        is_down = state in (SessionState.CONNECTING, SessionState.RECONNECTING)
        is_doubted = is_down and session is not None and session.is_sign_in_doubted
        needs_sign_in = state is SessionState.FAILED and session is not None and bool(session.needs_sign_in)
        health = session.health() if session is not None else None
        age_s = session.feed_age_s() if session is not None else None
        symbol = self._headlines.get(info.name, "")
        shown = InstrumentId(info.name, symbol)
        owner = session.infos.get(session.account) if session is not None and session.has_account else None
        bid, ask = self._prices(shown) if symbol else ("", "")
        closed = closed_text(self._market.instrument(shown), self._wall_ns()) if symbol else ""
        return VenueCard(
            venue=info.name,
            title=info.title,
            shape=SHAPES[state],
            word="switching"
            if info.name in self._switching
            else "checking the sign-in"
            if is_doubted
            else "sign in again"
            if needs_sign_in
            else WORDS[state],
            tone=TONES.get(state, ""),
            mode=session.mode if session is not None else None,
            badge=_badge(session) if session is not None else "",
            account=session.account if session is not None and session.has_account else "",
            account_name=self.short_name(session.account)
            if session is not None and session.has_account
            else "",
            symbol=symbol,
            bid=bid,
            ask=ask,
            closed=closed,
            age="" if closed else fmt.age(age_s),
            age_s=age_s,
            round_trip_ms=health.round_trip_ms if health is not None else None,
            clock_offset_ms=health.clock_offset_ms if health is not None else None,
            reason=session.reason if session is not None else "",
            figures=figures_of(session, health),
            budgets=budgets_of(session),
            unofficial=info.unofficial,
            can_connect=bool(info.credential_fields) or info.sign_in is not None,
            can_show_public=info.public_without_key,
            can_practise=not info.on_demand,
            can_sign_in=bool(info.password_fields) or info.session_page or info.sign_in is not None,
            needs_sign_in=needs_sign_in,
            account_note=money_note(session.mode, info.title, owner) if session and owner else "",
        )

    def _prices(self, instrument: InstrumentId) -> tuple[str, str]:
        quote = self._market.quote(instrument)
        if quote is None:
            return fmt.NOTHING, fmt.NOTHING
        listed = self._market.instrument(instrument)
        digits = listed.price_decimals if listed is not None else 2
        return fmt.price(quote.bid, digits), fmt.price(quote.ask, digits)

    # -- what a person can do -------------------------------------------------------------------------

    def use(self, venue: str, mode: Mode) -> None:
        """Switch a venue to practice, to its real prices, or to its connected account."""
        if venue not in self._switching:
            tasks.spawn(self._switch(venue, mode), name=f"switch {venue}")

    def disconnect_venue(self, venue: str) -> None:
        """Close a venue's connection; nothing is cancelled there."""
        if venue not in self._switching:
            tasks.spawn(self._switch(venue, None), name=f"disconnect {venue}")

    async def _switch(self, venue: str, mode: Mode | None) -> None:
        self._switching.add(venue)
        self._frames.request(self._build)
        try:
            if mode is None:
                await self.desk.disconnect(venue)
            else:
                await self.desk.use(venue, mode)
        except TerminalError as error:
            self._notices.failure(error)
        finally:
            self._switching.discard(venue)
            self._frames.request(self._build)
            self.state_changed.emit(venue)


def _kind(badge: str) -> str:
    """LIVE of ``LIVE 5120034``."""
    return badge.partition(" ")[0]


def _together(badges: Sequence[str]) -> str:
    """One word for several: itself where all say the same, else each kind of money once, real money last."""
    if len(set(badges)) <= 1:
        return next(iter(badges), "")
    return " + ".join(sorted({_kind(each) for each in badges}, key=_KINDS.index))


_KINDS = ("", "PRICES", BADGES[Mode.PRACTICE], "DEMO", BADGES[Mode.LIVE])


def _badge(session: SessionView) -> str:
    return badge_text(session.mode, session.account, session.infos.get(session.account))
