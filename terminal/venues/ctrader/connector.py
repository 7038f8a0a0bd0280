"""The cTrader connector: domain words in, domain events out.

One connection for demo and one for live accounts, each with all shown accounts of its kind on it. Market data
come through one of the shown accounts; each account trades with a hand of its own (:mod:`.trader`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any, Final

from google.protobuf.message import Message

from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.domain.account import AccountInfo
from terminal.domain.book import BookChecker
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    SettingsError,
    Unsupported,
    VenueUnavailable,
)
from terminal.domain.events import (
    AccountEvent,
    BudgetLevel,
    InstrumentsChanged,
    LinkChanged,
    LinkState,
    SignInNeeded,
    VenueEvent,
    VenueNotice,
    WireFault,
)
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, Feed, FeedKind
from terminal.transport.frames import ConnectGate, LinkPolicy, host_and_port
from terminal.venues.base import ConnectorSettings, LinkHealth, Sink, TradesOrders
from terminal.venues.ctrader import VENUE, history
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.account import Account, Hand, MakeHand
from terminal.venues.ctrader.accounts import Accounts
from terminal.venues.ctrader.client import Application, Client
from terminal.venues.ctrader.errors import VENUE_NAME
from terminal.venues.ctrader.history import QuoteSide, Tick
from terminal.venues.ctrader.quotes import Feeds
from terminal.venues.ctrader.spots import PERIODS
from terminal.venues.ctrader.symbols import Listing
from terminal.venues.ctrader.tokens import KeepTokens, Tokens
from terminal.venues.ctrader.trader import CtraderTrader

log = logging.getLogger("venue.ctrader")

_FIRST_STATE_TIMEOUT_S: Final = 30.0
_LIST_TIMEOUT_S: Final = 40.0
_SOON_S: Final = 5.0
_INSTRUMENTS_A_TURN: Final = 250
_FIRST_RENEWAL_S: Final = 5
_RENEWAL_EVERY_S: Final = 600


class CtraderConnector:
    """Forex and CFDs at cTrader brokers: HasAccounts, HasHistory; the orders are with :meth:`trader`.

    ``settings.options``: ``accounts`` (ids of the shown accounts, with commas; empty: all), ``account`` (the
    one that market data come through while it is shown). ``keep_tokens`` stores a renewed sign-in.

    Raises:
        SettingsError: an address cannot be used, or a proxy is set.
    """

    info = VENUE

    def __init__(
        self,
        settings: ConnectorSettings,
        *,
        clock: Clock | None = None,
        keep_tokens: KeepTokens | None = None,
        make_hand: MakeHand | None = None,
        policy: LinkPolicy | None = None,
        rng: random.Random | None = None,
    ) -> None:
        if settings.proxy:
            raise SettingsError(
                "ctrader by a proxy",
                user_text="cTrader's connection cannot go through a proxy: take it out of the settings.",
            )
        self._clock = clock or SystemClock()
        self._settings = settings
        self._keep_tokens = keep_tokens
        self._make_hand = make_hand or self._hand_of
        self._policy = policy
        self._rng = rng
        self._endpoints = {
            **VENUE.default_endpoints,
            **{key: value for key, value in settings.endpoints.items() if value},
        }
        for name in ("demo", "live"):
            host_and_port(self._endpoints[name])
        self._sink: Sink = _nobody
        self._clients: dict[bool, Client] = {}
        self._accounts: Accounts | None = None
        self._tokens: Tokens | None = None
        self._feeds = Feeds({}, _nobody, self._clock)
        self._wanted: dict[Feed, None] = {}
        self._housekeeping: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._first_state: asyncio.Future[None] | None = None
        self._listed = asyncio.Event()
        self._public: tuple[LinkState, str] = (LinkState.OFF, "")
        self._faults = 0

    # --- connection --------------------------------------------------------------------------------------

    async def connect(self, sink: Sink) -> None:
        """Open the connections and keep them open until :meth:`close`.

        Raises:
            CredentialError: nobody has signed in.
            AuthRejected: cTrader refused the application or the sign-in.
            VenueUnavailable: the first try failed; further tries go on.
        """
        self._sink = sink
        accounts = self._assemble()
        self._first_state = asyncio.get_running_loop().create_future()
        for client in self._clients.values():
            client.link.start()
        self._housekeeping = tasks.spawn(self._keep_house(), name="ctrader housekeeping")
        try:
            async with asyncio.timeout(_FIRST_STATE_TIMEOUT_S):
                await self._first_state
        except TimeoutError:
            raise VenueUnavailable(VENUE_NAME, "no answer to the first try to connect") from None
        if accounts.needs_sign_in:
            raise AuthRejected(
                VENUE_NAME,
                "sign-in needed",
                code="sign-in",
                user_text=accounts.needs_sign_in,
                repair=accounts.repair,
            )
        state, reason = self._public
        if state is not LinkState.LIVE:
            raise VenueUnavailable(
                VENUE_NAME, reason or f"the link is {state.value}", user_text=reason or None
            )

    def _assemble(self) -> Accounts:
        """Everything that needs the application and the sign-in."""
        known = self._settings.credentials
        client_id, secret = known.get("client_id"), known.get("client_secret")
        if not client_id or not secret or not known.get("access_token"):
            text = "Sign in to cTrader first."
            self._sink(SignInNeeded(text))
            raise CredentialError("no cTrader sign-in", user_text=text)
        self._tokens = Tokens(
            known, self._keep_tokens, self._clock, on_trouble=lambda text: self.emit(VenueNotice(text))
        )
        application = Application(client_id.reveal(), secret)
        gate = ConnectGate(self._clock)
        for is_live in (False, True):
            name = "live" if is_live else "demo"
            self._clients[is_live] = self._client_of(name, application, gate)
        options = self._settings.options
        accounts = self._accounts = Accounts(
            self._clients,
            self._tokens,
            self._clock,
            self._make_hand,
            self,
            wanted=[each.strip() for each in options.get("accounts", "").split(",") if each.strip()],
            preferred=options.get("account", ""),
        )
        self._feeds = Feeds(accounts.all, self._sink, self._clock)
        for client in self._clients.values():
            client.set_hot(
                {
                    pb.PROTO_OA_SPOT_EVENT: self._feeds.on_spot,
                    pb.PROTO_OA_DEPTH_EVENT: self._feeds.on_depth,
                },
                self._feeds.tell,
            )
        for feed in self._wanted:
            self._feeds.add(feed)
        return accounts

    def _client_of(self, name: str, application: Application, gate: ConnectGate) -> Client:
        return Client(
            name=name,
            address=lambda: self._endpoints[name],
            application=application,
            watcher=_LinkWatcher(self, lambda: self._clients[name == "live"]),
            on_ready=self._on_ready,
            ca_file=self._endpoints.get("ca", ""),
            clock=self._clock,
            policy=self._policy,
            rng=self._rng,
            gate=gate,
        )

    async def close(self) -> None:
        """End both connections and every task; safe to call twice."""
        self._sink = _nobody
        self._feeds.set_emit(_nobody)
        await tasks.cancel_and_wait(self._housekeeping, *self._errands)
        if self._tokens is not None:
            await self._tokens.close()
        if self._accounts is not None:
            await self._accounts.close()
        for client in self._clients.values():
            await client.link.close()

    def reconnect(self, reason: str) -> None:
        """Open both connections again at once, unless one was given up (a refused application waits for a
        person) or is not needed."""
        for client in self._clients.values():
            if client.link.state is not LinkState.FAILED:
                client.link.reconnect_now(reason)

    async def instruments(self) -> Sequence[Instrument]:
        """Every symbol of the account that market data come through; limits only of those in use.

        Raises:
            VenueUnavailable: there is no such account, or its list has not come within 40 s; it is told by an
                event when it does.
        """
        self._data()
        try:
            async with asyncio.timeout(_LIST_TIMEOUT_S):
                await self._listed.wait()
        except TimeoutError:
            text = "The list of symbols has not come yet."
            raise VenueUnavailable(VENUE_NAME, text, user_text=text) from None
        data = self._data()
        return data.symbols.instruments()

    def health(self) -> LinkHealth:
        """Figures of the connection that market data come over; reconnects and faults of both."""
        client = self._data_client()
        clients = list(self._clients.values())
        return LinkHealth(
            round_trip_ms=None if client is None else client.round_trip_ms,
            clock_offset_ms=None,
            last_frame_ns=None if client is None else client.link.last_frame_ns,
            reconnects=sum(each.link.reconnects for each in clients),
            faults=self._faults + sum(each.link.faults for each in clients),
        )

    def budgets(self) -> Sequence[BudgetLevel]:
        """The request limits of the connection that market data come over."""
        client = self._data_client()
        return () if client is None else client.budgets()

    # --- feeds -------------------------------------------------------------------------------------------

    async def subscribe(self, feed: Feed) -> None:
        """Want a feed, now and after every reconnect. Raises Unsupported for prints and unknown intervals."""
        if feed.kind is FeedKind.TRADES:
            raise Unsupported("trades", "cTrader's brokers publish no prints of trades.")
        if feed.kind is FeedKind.BARS and feed.interval_s not in PERIODS:
            raise Unsupported("bar interval", "cTrader has no bars of this length.")
        self._wanted[feed] = None
        self._feeds.add(feed)

    async def unsubscribe(self, feed: Feed) -> None:
        """Want a feed no longer; nothing of it arrives afterwards."""
        self._wanted.pop(feed, None)
        self._feeds.remove(feed)

    async def resync(self, feed: Feed) -> None:
        """End the feed's subscription and take it again, unless that is under way already."""
        self._feeds.resync(feed)

    def book_checker(self, symbol: str) -> BookChecker | None:
        """None: the venue sends no checksum. A book stands on its connection and begins anew with it."""
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
        """Bars of bid prices that open before ``end_ns``, oldest first; volumes are numbers of changes."""
        if not self._listed.is_set() and any(
            each.link.state in (LinkState.CONNECTING, LinkState.LIVE) for each in self._clients.values()
        ):
            # A chart asks while the sign-in is on its way.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SOON_S):
                    await self._listed.wait()
        account = self._ready_data()
        return await history.bars(
            account, symbol, interval_s, self._clock, end_ns=end_ns, limit=limit, progress=progress
        )

    async def ticks(
        self,
        symbol: str,
        side: QuoteSide,
        *,
        from_ns: int,
        until_ns: int,
        progress: Callable[[Decimal], None] | None = None,
    ) -> Sequence[Tick]:
        """Changes of one best price in a span of time, oldest first."""
        return await history.ticks(
            self._ready_data(), symbol, side, from_ns=from_ns, until_ns=until_ns, progress=progress
        )

    # --- accounts ----------------------------------------------------------------------------------------

    def accounts(self) -> Sequence[AccountInfo]:
        """All accounts of the sign-in, shown or not. The shown ones are told by AccountsChanged."""
        return () if self._accounts is None else self._accounts.infos()

    async def show_accounts(self, account_ids: Sequence[str]) -> None:
        """Which of them to open; the others are signed out. An empty list shows all."""
        if self._accounts is None:
            return
        await self._accounts.show(account_ids)
        self._use_connections()

    def trader(self, account_id: str) -> TradesOrders:
        """The account's own hand. Raises KeyError for an account that is not shown."""
        if self._accounts is None:
            raise KeyError(account_id)
        hand: object = self._accounts.find(account_id).hand
        assert isinstance(hand, TradesOrders)
        return hand

    # --- what the connections and accounts tell ----------------------------------------------------------

    def emit(self, event: VenueEvent) -> None:
        """An event of an account or of the sign-in."""
        self._sink(event)
        if isinstance(event, SignInNeeded):
            self._settle()

    def on_data_account(self, account: Account | None) -> None:
        """Market data come through this account from now on."""
        self._listed.clear()
        self._feeds.bind(account)
        if account is not None and account.symbols.is_loaded:
            self._errand(self._publish(account), "ctrader symbols")
        self._tell_public()

    def on_listed(self, account: Account) -> None:
        """An account's symbols were read."""
        if self._accounts is not None and account is self._accounts.data:
            self._feeds.listed()
            self._errand(self._publish(account), "ctrader symbols")

    def on_symbols(self, changed: Sequence[Listing]) -> None:
        """Records have come, or a market has opened or closed."""
        self._feeds.on_symbols(changed)
        self._sink(InstrumentsChanged(tuple(listing.instrument for listing in changed)))

    def on_link(self, client: Client, state: LinkState, reason: str) -> None:
        """A connection changed state."""
        accounts = self._accounts
        if accounts is None:
            return
        error = client.link.last_error
        if state is LinkState.FAILED and isinstance(error, AuthRejected):
            accounts.ask_to_sign_in(reason, error.repair)
        accounts.on_link(client, state, reason)
        self._tell_public()
        if state is LinkState.LIVE:
            self._use_connections()

    def on_event(self, client: Client, message: Message) -> None:
        """An event of the accounts on a connection."""
        if self._accounts is not None:
            self._accounts.on_event(client, message)

    def on_signed_out(self, client: Client, account_id: int) -> None:
        """An answer said that an account is not signed in."""
        if self._accounts is not None:
            self._accounts.on_signed_out(client, account_id)

    def on_lost_event(self, client: Client) -> None:
        """An event of one of a connection's accounts could not be read."""
        if self._accounts is not None:
            self._accounts.on_lost_event(client)

    def on_fault(self, what: str) -> None:
        """Something unreadable arrived."""
        self._faults += 1
        self._sink(WireFault("public", what))

    # --- inside ------------------------------------------------------------------------------------------

    async def _on_ready(self, client: Client) -> None:
        assert self._accounts is not None
        await self._accounts.learn(client)

    def _hand_of(self, account: Account, emit: Callable[[AccountEvent], None]) -> Hand:
        return CtraderTrader(account, emit, info=self.info, clock=self._clock, notify=self.emit)

    def _data(self) -> Account:
        data = None if self._accounts is None else self._accounts.data
        if data is None:
            text = "No cTrader account is connected."
            raise VenueUnavailable(VENUE_NAME, text, user_text=text)
        return data

    def _ready_data(self) -> Account:
        data = self._data()
        if not data.symbols.is_loaded:
            text = "The list of symbols has not come yet."
            raise VenueUnavailable(VENUE_NAME, text, user_text=text)
        return data

    def _data_client(self) -> Client | None:
        data = None if self._accounts is None else self._accounts.data
        if data is not None:
            return data.client
        live = (each for each in self._clients.values() if each.is_live)
        return next(live, next(iter(self._clients.values()), None))

    def _tell_public(self) -> None:
        """The one word about prices: that of the connection they come over; of both while it is not known."""
        accounts = self._accounts
        if accounts is None:
            return
        if accounts.data is not None:
            link = accounts.data.client.link
            found = (link.state, link.reason)
        else:
            order = (
                LinkState.CONNECTING,
                LinkState.RECONNECTING,
                LinkState.LIVE,
                LinkState.FAILED,
                LinkState.OFF,
            )
            states = [(each.link.state, each.link.reason) for each in self._clients.values()]
            found = min(states, key=lambda each: order.index(each[0]))
        if found != self._public:
            self._public = found
            self._sink(LinkChanged("public", *found, self._clock.wall_ns()))
        if found[0] in (LinkState.LIVE, LinkState.RECONNECTING, LinkState.FAILED):
            self._settle()

    def _settle(self) -> None:
        first = self._first_state
        if first is not None and not first.done():
            first.set_result(None)

    def _use_connections(self) -> None:
        """Open the connections that a shown account needs, and hang up on the others."""
        accounts = self._accounts
        if accounts is None:
            return
        for client in self._clients.values():
            state = client.link.state
            if accounts.is_needed(client):
                if state is LinkState.OFF:
                    client.link.start()
            elif state is not LinkState.OFF:
                self._errand(client.link.close(), f"ctrader {client.name} not needed")

    async def _publish(self, account: Account) -> None:
        """Hand over a list of any length without holding the screen up for a frame."""
        instruments = account.symbols.instruments()
        for start in range(0, len(instruments), _INSTRUMENTS_A_TURN):
            self._sink(InstrumentsChanged(instruments[start : start + _INSTRUMENTS_A_TURN]))
            await asyncio.sleep(0)
        if self._accounts is not None and account is self._accounts.data:
            self._listed.set()

    def _errand(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = tasks.spawn(work, name=name)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _keep_house(self) -> None:
        """Once a second: sessions that open or close, books that stay empty; now and then the sign-in."""
        accounts = self._accounts
        assert accounts is not None
        for second in itertools.count(1):
            await asyncio.sleep(1.0)
            self._feeds.tick()
            for account in accounts.shown():
                account.symbols.refresh()
            if second == _FIRST_RENEWAL_S or second % _RENEWAL_EVERY_S == 0:
                await accounts.renew_if_due()


class _LinkWatcher:
    """Adds to what a connection tells which connection it is."""

    def __init__(self, connector: CtraderConnector, client: Callable[[], Client]) -> None:
        self._connector = connector
        self._client = client

    def on_event(self, message: Message, ts_received_ns: int) -> None:
        self._connector.on_event(self._client(), message)

    def on_link(self, state: LinkState, reason: str) -> None:
        self._connector.on_link(self._client(), state, reason)

    def on_signed_out(self, account_id: int) -> None:
        self._connector.on_signed_out(self._client(), account_id)

    def on_lost_event(self) -> None:
        self._connector.on_lost_event(self._client())

    def on_fault(self, what: str) -> None:
        self._connector.on_fault(what)


def _nobody(event: VenueEvent) -> None:
    """Where events go before :meth:`CtraderConnector.connect` and after the close."""
