"""The Quotex connector: domain words in, domain events out.

One socket for one account at a time: demo first; the real one and tournaments only where the person has
chosen them. Its interface is Quotex's own web terminal's and may change without notice.

The file is longer than most because a connector answers to eight protocols here; nearly every method hands
its call on to the part that carries it out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.domain.account import AccountInfo
from terminal.domain.book import BookChecker
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    TerminalError,
    Unsupported,
    VenueUnavailable,
)
from terminal.domain.events import (
    AccountEvent,
    AccountsChanged,
    AccountStreamReset,
    BudgetLevel,
    ForAccount,
    InstrumentsChanged,
    LinkChanged,
    LinkState,
    SignInNeeded,
    WireFault,
)
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, Feed, FeedKind
from terminal.transport.reconnect import LinkPolicy
from terminal.transport.websocket import WebSocketLink
from terminal.transport.wire import make_ssl_context, require_safe_address
from terminal.venues.base import (
    AccountProfile,
    ConnectorSettings,
    LinkHealth,
    Sentiment,
    Sink,
    TradesOrders,
    VenueSignal,
)
from terminal.venues.quotex import PERIODS_S, VENUE
from terminal.venues.quotex.accounts import (
    DEMO,
    LIVE,
    account_id_of,
    account_info,
    account_of,
    chosen_account,
    owner_of,
    profile_of,
    read_balances,
)
from terminal.venues.quotex.assets import Assets
from terminal.venues.quotex.errors import (
    VENUE_NAME,
    account_refused,
    error_of,
    line_lost,
    refill_refused,
)
from terminal.venues.quotex.feeds import Feeds
from terminal.venues.quotex.history import History
from terminal.venues.quotex.pace import Pace
from terminal.venues.quotex.refill import Refills
from terminal.venues.quotex.signals import read_signals
from terminal.venues.quotex.site import USER_AGENT, Site
from terminal.venues.quotex.stream import POLICY, Link, QuotexStream
from terminal.venues.quotex.trader import QuotexTrader

log = logging.getLogger("venue.quotex")

_FIRST_STATE_S: Final = 40.0
_LIST_S: Final = 20.0
_CHANGE_S: Final = 8.0
_LEARN_S: Final = 1.0
_PROFILE_S: Final = 2.0
_LANGUAGES: Final = "en-US;q=0.8,en;q=0.7"
_CHANGE_ANSWERS: Final = frozenset({"s_account/change", "f_account/change", "orders/opened/list"})


class QuotexConnector:
    """Fixed-payout contracts: HasAccounts, HasHistory, HasProfile, HasSentiment, HasSignals, RefillsDemo,
    SetsTimeZone; the contracts are with :meth:`trader`.

    ``settings.credentials``: ``token``, ``cookies``, ``user_agent`` of one session, and ``email``.
    ``settings.options``: ``accounts`` (``live`` where the person trades with real money; else demo) and
    ``language`` of the site's pages, two letters.
    """

    info = VENUE

    def __init__(
        self,
        settings: ConnectorSettings,
        *,
        clock: Clock | None = None,
        policy: LinkPolicy | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._policy = policy or POLICY
        self._endpoints = {
            **VENUE.default_endpoints,
            **{key: value for key, value in settings.endpoints.items() if value},
        }
        require_safe_address(self._endpoints["https"], ("http", "https"))
        require_safe_address(self._endpoints["wss"], ("ws", "wss"))
        email = settings.credentials.get("email")
        self._owner = owner_of(email.reveal() if email else "")
        self._mode = chosen_account(settings.options.get("accounts", ""), self._owner)
        self._sink: Sink = _nobody
        self._assets = Assets()
        self._context: ssl.SSLContext | None = None
        self._assets.on_unlisted = lambda instrument: self._sink(InstrumentsChanged((instrument,)))
        self._stream: QuotexStream | None = None
        self._feeds = Feeds(self._assets, self._send_in_turn, lambda event: self._sink(event), self._clock)
        self._pace = Pace(self._try_send, self._clock)
        self._history = History(self._send_page, self._clock, self._pace.turn)
        self._titles = {DEMO: "demo", LIVE: "real"}
        """By account; tournaments by their numbers."""
        self._titles.setdefault(self._mode, self._mode)
        self._traders = {mode: self._make_trader(mode) for mode in self._titles}
        self._balances: dict[str, Decimal] = {}
        self._nickname = ""
        self._first_state: asyncio.Future[None] | None = None
        self._listed = asyncio.Event()
        self._told_balance = asyncio.Event()
        self._learned = asyncio.Event()
        """The profile has come, or could not be had."""
        self._knows_profile = False
        self._early: list[tuple[str, Any]] = []
        """What was told of the account before its currency was known, or the wait for it was over."""
        self._state: tuple[LinkState, str] = (LinkState.OFF, "")
        self._housekeeping: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._learning: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._refills = Refills(self._send_now, lambda: self._balances.get(DEMO))
        self._changing: tuple[str, asyncio.Future[None]] | None = None
        """The account that is being opened, and who waits for Quotex's answer."""
        self._signals: dict[str, VenueSignal] = {}
        self._wants_signals = False
        self._site: Site | None = None

    def _make_trader(self, mode: str) -> QuotexTrader:
        return QuotexTrader(
            mode,
            self,
            self._assets,
            lambda event: self._for_account(mode, event),
            self._clock,
            info=self.info,
            tournament=int(mode) if mode.isdecimal() else 0,
        )

    # -- connection -----------------------------------------------------------------------------------

    async def connect(self, sink: Sink) -> None:
        """Open the socket and keep it open until :meth:`close`.

        Raises:
            CredentialError: nobody has signed in.
            AuthRejected: Quotex does not take the session any more.
            VenueUnavailable: the first try failed; further tries go on.
        """
        self._sink = sink
        known = self._settings.credentials
        if not known.get("token"):
            text = "Sign in to Quotex first."
            self._sink(SignInNeeded(text))
            raise CredentialError("no Quotex session", user_text=text)
        self._context = await asyncio.to_thread(make_ssl_context, self._endpoints.get("ca", ""))
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._first_state = asyncio.get_running_loop().create_future()
        self._stream = QuotexStream(
            make_link=self._make_link,
            headers=self._headers,
            authorization=self._authorization,
            on_event=self._on_event,
            on_ready=self._on_ready,
            on_state=self._on_state,
            on_fault=self._on_fault,
            clock=self._clock,
        )
        self._stream.start()
        self._housekeeping = tasks.spawn(self._keep_house(), name="quotex housekeeping")
        self._site = self._make_site()
        self._learning = self._errand(self._learn_profile(), "quotex profile")
        try:
            async with asyncio.timeout(_FIRST_STATE_S):
                await self._first_state
        except TimeoutError:
            raise VenueUnavailable(VENUE_NAME, "no answer to the first try to connect") from None
        state, reason = self._state
        if state is LinkState.FAILED:
            raise AuthRejected(
                VENUE_NAME, reason, code="session", user_text=reason or None, repair="Sign in again."
            )
        if state is not LinkState.LIVE:
            raise VenueUnavailable(
                VENUE_NAME, reason or f"the link is {state.value}", user_text=reason or None
            )

    def _make_link(
        self,
        *,
        on_frame: Callable[[str | bytes, int], object],
        on_open: Callable[[object], Awaitable[None]],
        on_state: Callable[[LinkState, str], object],
        heartbeat: Callable[[], str],
        headers: Callable[[], Mapping[str, str]],
    ) -> Link:
        return WebSocketLink(
            name="session",
            venue=VENUE_NAME,
            url=lambda: self._endpoints["wss"],
            on_frame=on_frame,
            on_open=on_open,
            on_state=on_state,
            heartbeat=heartbeat,
            headers=headers,
            policy=self._policy,
            clock=self._clock,
            proxy=self._settings.proxy,
            ssl_context=self._context,
        )

    def _headers(self) -> dict[str, str]:
        """Cookies and user agent of the browser that signed in: the token belongs to them."""
        known = self._settings.credentials
        site = urlsplit(self._endpoints["https"])
        agent, cookies = known.get("user_agent"), known.get("cookies")
        return {
            "User-Agent": agent.reveal() if agent else USER_AGENT,
            "Origin": f"{site.scheme}://{site.netloc}",
            "Cookie": cookies.reveal() if cookies else "",
            "Accept-Language": _LANGUAGES,
            "Cache-Control": "no-cache",
            "Pragma": "no-cache",
        }

    def _authorization(self) -> dict[str, Any]:
        token = self._settings.credentials["token"].reveal()
        trader = self._traders[self._mode]
        return {"session": token, "isDemo": trader.is_demo, "tournamentId": trader.tournament}

    async def close(self) -> None:
        """End the socket and every task; safe to call twice."""
        self._sink = _nobody
        if self._learning is not None and not self._learning.done():
            # Cut off while its connection is being made, the library would leave the socket open.
            await asyncio.wait({self._learning}, timeout=_LEARN_S)
        await tasks.cancel_and_wait(self._housekeeping, *self._errands)
        self._pace.clear()
        self._history.close()
        if self._stream is not None:
            await self._stream.close()
        if self._site is not None:
            await self._site.close()

    def reconnect(self, reason: str) -> None:
        """Drop the socket and open it again at once."""
        if self._stream is not None and self._stream.link.state is not LinkState.FAILED:
            self._stream.link.reconnect_now(reason)

    async def instruments(self) -> Sequence[Instrument]:
        """The asset table. Raises VenueUnavailable where it has not come within 20 s."""
        try:
            async with asyncio.timeout(_LIST_S):
                await self._listed.wait()
        except TimeoutError:
            text = "Quotex did not send its list of assets."
            raise VenueUnavailable(VENUE_NAME, "no assets", user_text=text) from None
        return self._assets.all()

    def health(self) -> LinkHealth:
        """Figures of the socket; the clock is that of the prices, by which contracts end."""
        stream = self._stream
        return LinkHealth(
            round_trip_ms=None if stream is None else stream.round_trip_ms or stream.link.round_trip_ms,
            clock_offset_ms=self._feeds.ahead_ms,
            last_frame_ns=None if stream is None else stream.link.last_frame_ns,
            reconnects=0 if stream is None else stream.link.reconnects,
            faults=0 if stream is None else stream.faults,
        )

    def budgets(self) -> Sequence[BudgetLevel]:
        """Our own measure: Quotex names no number."""
        return (self._pace.as_budget(),)

    # -- feeds ----------------------------------------------------------------------------------------

    async def subscribe(self, feed: Feed) -> None:
        """Want a feed, now and after every reconnect. Raises Unsupported for books, prints and intervals."""
        if feed.kind not in VENUE.capabilities.feeds:
            raise Unsupported(feed.kind.value, "Quotex has neither an order book nor prints of trades.")
        if feed.kind is FeedKind.BARS and feed.interval_s not in PERIODS_S:
            raise Unsupported("bar interval", "Quotex has no candles of this length.")
        self._feeds.add(feed)
        if feed.interval_s is not None:
            self._errand(self._give_past(feed), f"quotex bars {feed}")

    async def unsubscribe(self, feed: Feed) -> None:
        """Want a feed no longer."""
        self._feeds.remove(feed)

    async def resync(self, feed: Feed) -> None:
        """There is nothing to resync: a price stands by itself."""

    def book_checker(self, symbol: str) -> BookChecker | None:
        """None: there are no books."""
        return None

    async def bars(
        self,
        symbol: str,
        interval_s: int,
        *,
        end_ns: int | None = None,
        limit: int = 720,
        progress: Callable[[Decimal], None] | None = None,
    ) -> Sequence[Bar]:
        """Candles that open before ``end_ns``, oldest first; volumes are numbers of price changes."""
        instrument = self._require_listed(symbol)
        return await self._history.bars(instrument, interval_s, end_ns=end_ns, limit=limit, progress=progress)

    async def _give_past(self, feed: Feed) -> None:
        """The bars of the past that come along with a subscription, and the one that is being built."""
        assert feed.interval_s is not None
        try:
            await self.instruments()
            if not self._feeds.wants(feed):
                return
            bars = await self.bars(feed.symbol, feed.interval_s, limit=200)
        except TerminalError as error:
            log.info("no past of %s: %s", feed, error)
            return
        instrument = self._assets.by_symbol(feed.symbol)
        if instrument is not None:
            self._feeds.give_past(instrument, feed.interval_s, bars)

    def asset_row(self, symbol: str) -> Sequence[Any]:
        """An asset's row of the table as Quotex sent it, with the columns that nobody knows: for the console.
        Empty for one that is not listed."""
        return self._assets.row(symbol)

    def follow_sentiment(self, symbol: str) -> None:
        """Ask how many of Quotex's people hold up contracts on an asset, now and after every reconnect."""
        self._feeds.follow_sentiment(symbol)

    def unfollow_sentiment(self, symbol: str) -> None:
        """Ask for it no longer; what was told is forgotten."""
        self._feeds.unfollow_sentiment(symbol)

    def sentiment(self, symbol: str) -> Sentiment | None:
        """The last word on a followed asset (``depth/change``, every few seconds); None while not told."""
        return self._feeds.sentiment(symbol)

    def follow_signals(self) -> None:
        """Ask for Quotex's own signals, now and after every reconnect."""
        if not self._wants_signals:
            self._wants_signals = True
            self._send_soon("signal/subscribe")

    def unfollow_signals(self) -> None:
        """Ask for them no longer. Quotex knows no word for that: it sends on until the socket ends, and what
        comes is let go."""
        self._wants_signals = False
        self._signals.clear()

    def signals(self) -> Mapping[str, VenueSignal]:
        """The last signal of each asset, by the name on screen."""
        named = ((self._assets.by_wire(wire), signal) for wire, signal in self._signals.items())
        return {item.symbol: signal for item, signal in named if item is not None}

    async def ticks(self, symbol: str, *, from_ns: int, until_ns: int) -> Sequence[tuple[int, Decimal]]:
        """Single prices of the past with their times (ns), oldest first, both ends included.

        Raises:
            VenueUnavailable, NotSent: a page could not be had.
        """
        instrument = self._require_listed(symbol)
        return await self._history.ticks(instrument, from_ns, until_ns)

    def _require_listed(self, symbol: str) -> Instrument:
        """The asset by its name on screen. Raises VenueUnavailable: the table lacks it, or has not come."""
        instrument = self._assets.by_symbol(symbol)
        if instrument is None and not len(self._assets):
            text = self._state[1] or "Quotex is not connected."
            raise VenueUnavailable(VENUE_NAME, "no assets yet", user_text=text)
        if instrument is None:
            text = f"Quotex lists no {symbol}."
            raise VenueUnavailable(VENUE_NAME, f"{symbol} is not listed", user_text=text)
        return instrument

    # -- accounts -------------------------------------------------------------------------------------

    def accounts(self) -> Sequence[AccountInfo]:
        """Demo, real, and tournaments that the person takes part in. One of them is open at a time."""
        return tuple(self._info_of(mode) for mode in self._titles)

    async def show_accounts(self, account_ids: Sequence[str]) -> None:
        """Change to the account that was not open, where it is among the wanted ones (all, if empty).

        Raises:
            RequestRejected: Quotex does not open it; the one that was open still is.
            VenueUnavailable, NotSent: no answer came, or the line is down; likewise.
        """
        asked = [account_of(each, self._owner) for each in account_ids] or self._titles
        wanted = [each for each in asked if each in self._traders]
        other = next((each for each in wanted if each != self._mode), None)
        if other is None:
            return
        if not self.is_ready:
            # The next opening of the line names it.
            self._open(other)
            return
        old = self._traders[self._mode]
        # With nothing of the old account under way, the answer and the lists after it are the new one's.
        async with old.at_rest:
            answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._changing = (other, answer)
            try:
                self._send_now("account/change", self._traders[other].named)
                async with asyncio.timeout(_CHANGE_S):
                    await answer
            except TimeoutError:
                # Quotex may have changed all the same: it is asked for the old one, which is then compared.
                self._changing = None
                self._send_soon("account/change", old.named)
                self._for_account(old.mode, AccountStreamReset("Quotex did not answer a change of account."))
                title = self._info_of(other).title
                text = f"Quotex did not answer: {title} was not opened. The account that was open still is."
                raise VenueUnavailable(VENUE_NAME, "no answer to account/change", user_text=text) from None
            finally:
                self._changing = None

    def _open(self, other: str) -> None:
        """Another account is the open one from now on."""
        self._traders[self._mode].lost()
        self._for_state(self._mode, LinkState.CONNECTING, "Another account of Quotex is open.")
        self._mode, self._changing = other, None
        self._told_balance.clear()
        self._sink(AccountsChanged((self._info_of(other),)))
        if self.is_ready:
            self._tell_balance()
            self._for_state(other, LinkState.LIVE, "")

    def _on_change(self, name: str, data: Any) -> None:
        """The answer to a change of account, or the first list of the new one."""
        assert self._changing is not None
        other, answer = self._changing
        if name == "f_account/change":
            if not answer.done():
                answer.set_exception(account_refused(self._info_of(other).title, error_of(data)))
            return
        self._open(other)
        if not answer.done():
            answer.set_result(None)

    def trader(self, account_id: str) -> TradesOrders:
        """The account's own hand. Raises KeyError for one that is not there."""
        return self._traders[account_of(account_id, self._owner)]

    async def profile(self) -> AccountProfile:
        """Name, country, currency, balances and time zone of the sign-in. Raises VenueUnavailable."""
        return profile_of(await self._require_site().profile(), self._titles)

    async def set_time_offset(self, seconds: int) -> None:
        """Change the time zone of the profile, seconds east of UTC. Raises VenueUnavailable."""
        await self._require_site().set_time_offset(seconds)

    async def refill(self, amount: Decimal) -> Decimal | None:
        """Fill the demo account up; what was added to it. See :class:`RefillsDemo`."""
        if self._mode != DEMO:
            raise refill_refused("another account is open")
        added = await self._refills.ask(amount)
        if added is not None:
            self._traders[DEMO].refilled(added)
        return added

    def _info_of(self, mode: str) -> AccountInfo:
        return account_info(mode, self._owner, self._titles[mode], self._nickname, self._assets.currency)

    def _for_account(self, mode: str, event: AccountEvent) -> None:
        self._sink(ForAccount(account_id_of(mode, self._owner), event))

    def _for_state(self, mode: str, state: LinkState, reason: str) -> None:
        self._sink(ForAccount(account_id_of(mode, self._owner), state, reason))

    # -- what the hand needs of the connection --------------------------------------------------------

    @property
    def mode(self) -> str:
        """The account that is open; empty while another one is being opened, for nothing is sent then."""
        return self._mode if self._changing is None else ""

    @property
    def is_ready(self) -> bool:
        """Whether the session is open and authorised."""
        return self._stream is not None and self._stream.is_authorized

    def send(self, name: str, *data: Any) -> None:
        """Send an event now. Raises NotSent or OutcomeUnknown."""
        self._send_now(name, *data)

    async def prices_of(self, instrument: Instrument, within_s: float) -> bool:
        """Whether prices of an asset come; asks for them while nobody watches it."""
        wire = instrument.venue_symbol
        self._feeds.keep(instrument)
        try:
            async with asyncio.timeout(within_s):
                while not self._feeds.is_followed(wire):  # noqa: ASYNC110 - a few times, and prices come by call
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    def price(self, wire: str) -> Decimal | None:
        """The last price of an asset that is followed."""
        return self._feeds.price(wire)

    async def ended_deals(self, mode: str, page: int) -> Sequence[Mapping[str, Any]]:
        """One page of the site's history of ended deals, newest first. Raises VenueUnavailable."""
        await self._pace.turn()
        return await self._require_site().history(is_demo=mode != LIVE, page=page)

    @property
    def label(self) -> str:
        """The e-mail address of whoever is signed in, or his name there; empty while neither is known."""
        email = self._settings.credentials.get("email")
        return email.reveal() if email else self._nickname

    def _require_site(self) -> Site:
        if self._site is None:
            raise VenueUnavailable(VENUE_NAME, "not connected", user_text="Quotex is not connected.")
        return self._site

    def _send_now(self, name: str, *data: Any) -> None:
        if self._stream is None:
            raise VenueUnavailable(VENUE_NAME, "not connected")
        self._pace.charge()
        self._stream.send(name, *data)

    def _send_soon(self, name: str, *data: Any) -> None:
        """For what is asked for again at the next opening anyway."""
        self._pace.charge()
        self._try_send(name, *data)

    def _try_send(self, name: str, *data: Any) -> None:
        if self._stream is not None:
            self._stream.try_send(name, *data)

    def _send_page(self, name: str, *data: Any) -> None:
        """A question that has had its turn."""
        if self._stream is None:
            raise VenueUnavailable(VENUE_NAME, "not connected")
        self._stream.send(name, *data)

    def _send_in_turn(self, name: str, data: Any, *, at_once: bool = False) -> None:
        """Likewise asked for again at the next opening; until then it can wait for its turn."""
        if self.is_ready:
            self._pace.put(name, data, at_once=at_once)

    # -- what the socket tells ------------------------------------------------------------------------

    @property
    def is_sign_in_doubted(self) -> bool:
        """Whether Quotex has refused the session, which is tried once more before the person is asked."""
        return self._stream is not None and self._stream.is_doubted

    async def _on_ready(self) -> None:
        """Authorised: the table, the balance, and everything that was asked for before."""
        await self._listed.wait()
        await self._told_balance.wait()
        if not self._knows_profile and self._learned.is_set():
            self._learning = self._errand(self._learn_profile(), "quotex profile")
        # Nothing waits long for a site that is slow: what it tells late is told again then.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PROFILE_S):
                await self._learned.wait()
        early, self._early = self._early, []
        for name, data in early:
            self._traders[self._mode].on_event(name, data)
        self._pace.begin()
        self._feeds.ask_all()
        if self._wants_signals:
            self._send_soon("signal/subscribe")

    def _on_state(self, state: LinkState, reason: str) -> None:
        self._state = (state, reason)
        if state is not LinkState.LIVE:
            self._feeds.interrupt(reason or "The connection is down.")
            self._pace.clear()
            self._history.lost()
            for trader in self._traders.values():
                trader.lost()
            self._refills.lost()
            if self._changing is not None and not self._changing[1].done():
                self._changing[1].set_exception(line_lost())
            self._told_balance.clear()
            self._early.clear()
        self._sink(LinkChanged("public", state, reason, self._clock.wall_ns()))
        if state is LinkState.LIVE:
            self._sink(AccountsChanged((self._info_of(self._mode),)))
            self._tell_balance()
        self._for_state(self._mode, state, reason)
        if state is LinkState.FAILED:
            self._sink(SignInNeeded(reason or "Sign in to Quotex again."))
        first = self._first_state
        settled = {LinkState.LIVE, LinkState.RECONNECTING, LinkState.FAILED}
        if self.is_sign_in_doubted:
            # Refused once: the second try tells whether the person has to sign in.
            settled.discard(LinkState.RECONNECTING)
        if first is not None and not first.done() and state in settled:
            first.set_result(None)

    def _on_event(self, name: str, data: Any, ts_received_ns: int) -> None:
        if name == "quotes/stream":
            unreadable = self._feeds.on_quotes(data, ts_received_ns)
            if unreadable:
                self._sink(WireFault("public", f"{unreadable} prices that cannot be read"))
        elif name == "instruments/list":
            self._on_assets(data)
        elif name == "history/list/v2":
            self._feeds.on_history(data, ts_received_ns)
        elif name == "history/load":
            self._history.on_answer(data)
        elif name == "depth/change":
            self._feeds.on_sentiment(data)
        elif name == "sentiment":
            self._feeds.on_mood(data)
        elif name == "candle-generated":
            self._feeds.on_candle(data, ts_received_ns)
        elif name in ("balance", "balance/list", "s_balance/list", "s_balance/update"):
            self._on_balance(data)
        elif name in ("s_demo/refill", "demo/refill"):
            self._on_balance(data)
            self._refills.granted()
        elif name == "f_demo/refill":
            self._refills.refused(error_of(data))
        elif name == "signals":
            if self._wants_signals:
                self._signals.update(read_signals(data))
        else:
            if self._changing is not None and name in _CHANGE_ANSWERS:
                self._on_change(name, data)
            if self._awaits_currency:
                self._early.append((name, data))
                return
            self._traders[self._mode].on_event(name, data)

    def _on_fault(self, what: str, name: str) -> None:
        """Something could not be read; of an account it has to be asked for."""
        self._sink(WireFault("public", what))
        trader = self._traders[self._mode]
        if trader.event_lost(name):
            self._errand(trader.look_for_answers(), "quotex lost answer")

    def _on_assets(self, data: Any) -> None:
        before = self._assets.unreadable
        changed = self._assets.take(data)
        if self._assets.unreadable > before:
            self._sink(WireFault("public", "assets that cannot be read"))
        if len(self._assets):
            self._listed.set()
        if changed:
            self._sink(InstrumentsChanged(changed))
        self._feeds.table_changed(changed)

    def _on_balance(self, data: Any) -> None:
        self._balances |= read_balances(data)
        self._tell_balance()

    def _tell_balance(self) -> None:
        amount = self._balances.get(self._mode)
        if amount is not None:
            self._told_balance.set()
            if not self._awaits_currency:
                # Else it is told when the connection is live.
                self._traders[self._mode].on_balance(amount)

    @property
    def _awaits_currency(self) -> bool:
        """The connection is still being made, and nobody has said yet what the account is counted in."""
        return not self._learned.is_set() and self._state[0] is not LinkState.LIVE

    # -- inside ---------------------------------------------------------------------------------------

    def _make_site(self) -> Site:
        known = self._settings.credentials
        cookies, agent = known.get("cookies"), known.get("user_agent")
        return Site(
            self._endpoints["https"],
            ca_file=self._endpoints.get("ca", ""),
            cookies=cookies.reveal() if cookies else "",
            user_agent=agent.reveal() if agent else USER_AGENT,
            lang=self._settings.options.get("language", ""),
        )

    async def _learn_profile(self) -> None:
        """Name and currency: without them the account is counted in dollars and has no name."""
        try:
            profile = await self._require_site().profile()
        except TerminalError as error:
            log.info("no profile: %s", error)
            return
        else:
            self._nickname, self._knows_profile = profile.nickname, True
            self._use_currency(profile.currency)
        finally:
            self._learned.set()
        try:
            for number, title in (await self._require_site().tournaments()).items():
                self._titles[number] = title
                self._traders.setdefault(number, self._make_trader(number))
        except TerminalError as error:
            log.info("no tournaments: %s", error)
        if self.is_ready:
            self._sink(AccountsChanged((self._info_of(self._mode),)))

    def _use_currency(self, currency: str) -> None:
        """Count the account in this currency; what was told in another one before is told again."""
        before = self._assets.currency
        changed = self._assets.set_currency(currency)
        if changed:
            self._sink(InstrumentsChanged(changed))
        if self._assets.currency == before:
            return
        for trader in self._traders.values():
            trader.currency_told()
        if self.is_ready:
            self._tell_balance()

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if not self.is_ready:
                continue
            self._feeds.tick()
            if self._looking is None or self._looking.done():
                # Beside this: waiting for its answers must not hold up the news that prices have stopped.
                venue_ns = self._clock.wall_ns() + int((self._feeds.ahead_ms or 0) * 1e6)
                work = self._traders[self._mode].look_after(venue_ns)
                self._looking = self._errand(work, "quotex results")

    def _errand(self, work: Any, name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = tasks.spawn(work, name=name)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        return task


def _nobody(event: object) -> None:
    """Where events go before the connection and after the close."""
