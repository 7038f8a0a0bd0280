"""The OKX connector: domain words in, domain events out.

Public data works without a key. With one, the private socket carries orders, fills, balances, positions and
trading; while it is down REST takes over for what has not been sent yet. Nothing that changes something is
ever sent twice. This is the list of what the venue can do; how it is done is in the modules beside it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.domain.account import AccountSnapshot, FeeRates
from terminal.domain.book import BookChecker
from terminal.domain.errors import CredentialError, Unsupported, VenueError, VenueUnavailable
from terminal.domain.events import (
    BudgetLevel,
    FeedRefused,
    InstrumentsChanged,
    LinkChanged,
    LinkState,
    VenueEvent,
    WireFault,
)
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, Feed, FeedKind, Quote
from terminal.domain.orders import AmendRequest, Fill, OrderRef, OrderReport, OrderRequest, Protection
from terminal.transport.http_client import HttpClient
from terminal.transport.websocket import ConnectGate, LinkPolicy, WebSocketLink
from terminal.venues.base import (
    CashFlowPage,
    ConnectorSettings,
    FillPage,
    KeyReport,
    Leverage,
    LinkHealth,
    OrderPage,
    Sink,
    SubmitAck,
)
from terminal.venues.okx import VENUE, lending
from terminal.venues.okx.account_reader import AccountReader
from terminal.venues.okx.auth import VenueTime, signer_of
from terminal.venues.okx.before_order import BeforeOrder
from terminal.venues.okx.checksum import OkxBookChecker
from terminal.venues.okx.errors import VENUE_NAME
from terminal.venues.okx.figures import Figures
from terminal.venues.okx.history import BarHistory
from terminal.venues.okx.holdings import Holdings
from terminal.venues.okx.hosts import endpoints_of
from terminal.venues.okx.key_check import check_key
from terminal.venues.okx.limits import RateLimits
from terminal.venues.okx.margin_modes import MarginModes
from terminal.venues.okx.options import flag, positive
from terminal.venues.okx.order_desk import OrderDesk
from terminal.venues.okx.orders import OrderTracker
from terminal.venues.okx.position_desk import PositionDesk
from terminal.venues.okx.private_stream import BusinessStream, PrivateStream
from terminal.venues.okx.public_stream import PublicStream
from terminal.venues.okx.records import Records
from terminal.venues.okx.rest import Http, OkxRest
from terminal.venues.okx.stream import POLICY, Link, MakeLink, Stream
from terminal.venues.okx.subscriptions import BARS
from terminal.venues.okx.symbols import SymbolMap, inst_id_of, inst_type_of

log = logging.getLogger("venue.okx")

_PING_EVERY_S: Final = 10
_SECOND_PING_S: Final = 2
_CLOCK_EVERY_S: Final = 300
_FIRST_STATE_TIMEOUT_S: Final = 30.0
_FUNDING: Final = "funding-rate"


class OkxConnector:
    """OKX spot, swaps and futures: TradesOrders, Amends, SubmitsBatches, TradesPositions, HasLeverage,
    HasMarginModes, MovesPositionMargin, HasRecords, HasDeadMansSwitch, HasTickers,
    HasRawCalls and HasHistory.

    ``settings.options``: ``region`` (``global``, ``eea``, ``us``, ``tr``), ``demo`` (``true``),
    ``order_deadline_s``.

    Raises:
        SettingsError: an option or an address cannot be used.
        CredentialError: the key is incomplete.
    """

    info = VENUE

    def __init__(
        self,
        settings: ConnectorSettings,
        *,
        clock: Clock | None = None,
        http: Http | None = None,
        make_link: MakeLink | None = None,
        policy: LinkPolicy | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        options = settings.options
        self.is_demo = flag(options, "demo")
        self._endpoints = endpoints_of(options.get("region") or "global", self.is_demo, settings.endpoints)
        deadline_s = positive(options, "order_deadline_s", 5.0)
        self._there = VenueTime(self._clock)
        self._limits = RateLimits(self._clock)
        self._symbols = SymbolMap()
        self._tracker = OrderTracker(self._symbols)
        self._holdings = Holdings(self._symbols, self._tracker, self._clock, self._on_rest_fault)
        self._sink: Sink = _nobody
        self._rest_faults = 0
        self._first_state: asyncio.Future[tuple[LinkState, str]] | None = None
        self._housekeeping: asyncio.Task[None] | None = None
        self._own_http: HttpClient | None = None
        if http is None:
            http = self._own_http = HttpClient(
                venue=VENUE_NAME, base_url=self._endpoints["rest"], proxy=settings.proxy, clock=self._clock
            )
        signer = signer_of(settings.credentials, self._there)
        self._last_four = signer.last_four if signer is not None else ""
        self.rest = OkxRest(
            http,
            self._limits,
            self._clock,
            self._there,
            signer=signer,
            demo=self.is_demo,
            on_fault=self._on_rest_fault,
        )
        self._history = BarHistory(self.rest, self._clock)
        figures = Figures(lambda: self._reader.level)
        self._reader = AccountReader(
            self.rest,
            self._symbols,
            self._tracker,
            self._holdings,
            self._clock,
            figures,
            on_fault=self._on_rest_fault,
            on_instruments=lambda changed: self._sink(InstrumentsChanged(changed)),
            emit=lambda event: self._sink(event),
        )
        common: dict[str, Any] = {
            "make_link": make_link or self._link_maker(settings.proxy, policy or POLICY, rng),
            "clock": self._clock,
            "on_link": self._on_link,
            "measure_clock": self.rest.measure_clock,
        }
        numbers = itertools.count(1)
        self._public = PublicStream(
            symbols=self._symbols, numbers=numbers, url=partial(self._address, "ws_public"), **common
        )
        self._business = BusinessStream(
            symbols=self._symbols,
            numbers=numbers,
            tracker=self._tracker,
            holdings=self._holdings,
            url=partial(self._address, "ws_business"),
            signer=signer,
            **common,
        )
        before = BeforeOrder(self.rest, self._reader)
        modes = MarginModes(self._holdings)
        self._positions = PositionDesk(
            self.rest,
            self._symbols,
            self._tracker,
            self._holdings,
            before,
            modes,
            emit=lambda event: self._sink(event),
        )
        self._records = Records(
            self.rest, self._reader, self._tracker, self._holdings, on_fault=self._on_rest_fault
        )
        self._desk: OrderDesk | None = None
        self._private: PrivateStream | None = None
        if signer is not None:
            self._private = PrivateStream(
                numbers=numbers,
                tracker=self._tracker,
                holdings=self._holdings,
                figures=figures,
                prepare=self._prepare,
                deadline_s=deadline_s,
                url=partial(self._address, "ws_private"),
                signer=signer,
                **common,
            )
            self._desk = OrderDesk(
                self.rest,
                self._private,
                self._limits,
                self._symbols,
                self._tracker,
                self._holdings,
                self._reader,
                before,
                modes,
            )

    # --- connection --------------------------------------------------------------------------------------

    async def connect(self, sink: Sink) -> None:
        """Open the links and keep them open until :meth:`close`.

        Raises:
            VenueUnavailable: the public link failed at its first try; further tries go on.
        """
        self._set_sink(sink)
        self._first_state = asyncio.get_running_loop().create_future()
        self._public.link.start()
        if self._private is not None:
            self._private.link.start()
            self._business.link.start()
        self._housekeeping = tasks.spawn(self._keep_house(), name="okx housekeeping")
        try:
            async with asyncio.timeout(_FIRST_STATE_TIMEOUT_S):
                state, reason = await self._first_state
        except TimeoutError:
            raise VenueUnavailable(VENUE_NAME, "no answer to the first try to connect") from None
        if state is not LinkState.LIVE:
            raise VenueUnavailable(VENUE_NAME, reason or f"the link is {state.value}")

    async def close(self) -> None:
        """End the links, every task and the HTTP connections; safe to call twice."""
        self._set_sink(_nobody)
        await tasks.cancel_and_wait(self._housekeeping)
        for stream in self._streams():
            await stream.close()
        if self._own_http is not None:
            await self._own_http.close()

    def reconnect(self, reason: str) -> None:
        """Open the links again at once, unless one was given up (a refused key waits for a person)."""
        for stream in self._streams():
            if stream.link.state is not LinkState.FAILED:
                stream.link.reconnect_now(reason)

    async def instruments(self) -> Sequence[Instrument]:
        """Every spot pair, perpetual swap and dated future that OKX lists; options are not offered."""
        try:
            await self._reader.learn_instruments()
        except VenueError:
            if not self._symbols.instruments():
                raise
        return self._symbols.instruments()

    def health(self) -> LinkHealth:
        """Figures of the public link; faults of all links and of REST together."""
        private = self._private
        return LinkHealth(
            round_trip_ms=self._public.round_trip_ms,
            clock_offset_ms=self._there.offset_ms,
            last_frame_ns=self._public.last_frame_ns,
            reconnects=self._public.reconnects + (private.reconnects if private is not None else 0),
            faults=sum(stream.faults for stream in self._streams()) + self._rest_faults,
        )

    def budgets(self) -> Sequence[BudgetLevel]:
        """All new and changed orders of the account, and each limit that was used lately."""
        return self._limits.budgets()

    # --- feeds -------------------------------------------------------------------------------------------

    async def subscribe(self, feed: Feed) -> None:
        """Want a feed, now and after every reconnect. The quotes of a perpetual bring its funding rate along.

        Raises:
            Unsupported: bars of a length that OKX lacks, or an option.
        """
        if feed.kind not in VENUE.capabilities.feeds:
            raise Unsupported("feed", f"OKX has no {feed.kind.value}.")
        if feed.kind is FeedKind.BARS and feed.interval_s not in BARS:
            raise Unsupported("bar interval", "OKX has no bars of this length.")
        inst_id = inst_id_of(feed.symbol)
        contract: Decimal | None = None
        if inst_type_of(inst_id) != "SPOT":
            # Without the size of a contract nothing that it sends could be counted.
            await self._reader.learn_instruments()
            try:
                contract = self._symbols.contract(inst_id)
            except ValueError:
                self._sink(FeedRefused(feed, "OKX does not list this instrument."))
                return
        if contract == 1:
            contract = None  # nothing to count
        instrument = self._symbols.instrument_id(feed.symbol)
        stream = self._stream_of(feed)
        stream.table.add(feed, inst_id, instrument, contract)
        if stream is self._business and stream.link.state is LinkState.OFF and self._sink is not _nobody:
            stream.link.start()
        if feed.kind is FeedKind.QUOTES and inst_type_of(inst_id) == "SWAP":
            stream.table.add_silent(_FUNDING, inst_id, instrument)

    async def unsubscribe(self, feed: Feed) -> None:
        """Want a feed no longer; nothing of it arrives afterwards."""
        inst_id = inst_id_of(feed.symbol)
        table = self._stream_of(feed).table
        table.remove(feed, inst_id)
        if feed.kind is FeedKind.QUOTES:
            table.remove_silent(_FUNDING, inst_id)

    async def resync(self, feed: Feed) -> None:
        """End the feed's subscription and take it again, unless that is under way already."""
        self._stream_of(feed).table.resync(feed, inst_id_of(feed.symbol))

    def book_checker(self, symbol: str) -> BookChecker:
        """The CRC-32 check, for recordings from when OKX still sent one."""
        return OkxBookChecker(lambda: self._contract_of(symbol))

    async def bars(
        self,
        symbol: str,
        interval_s: int,
        *,
        end_ns: int | None = None,
        limit: int = 720,
        progress: Callable[[Decimal], None] | None = None,
    ) -> Sequence[Bar]:
        """Bars that open before ``end_ns``, years back; oldest first."""
        inst_id = inst_id_of(symbol)
        if inst_type_of(inst_id) != "SPOT":
            await self._reader.learn_instruments()
        return await self._history.bars(
            inst_id, interval_s, self._contract_of(symbol), end_ns=end_ns, limit=limit, progress=progress
        )

    # --- orders ------------------------------------------------------------------------------------------

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        """Place an order. Raises as :class:`terminal.venues.base.TradesOrders` says, and Unsupported.

        OKX's yes means accepted: a post-only order that would take ends by itself, with the reason.
        """
        return await self._trading().submit(request, client_order_id)

    async def submit_batch(
        self, requests: Sequence[tuple[OrderRequest, str]]
    ) -> Sequence[SubmitAck | Exception]:
        """Place 2 to 20 orders in one call; one result each, in order.

        Raises:
            Unsupported: stop orders, or a number of orders that OKX does not take at once.
            VenueError: as for :meth:`submit`, where it is about the whole batch.
        """
        return await self._trading().submit_batch(requests)

    async def amend(self, ref: OrderRef, change: AmendRequest) -> None:
        """Change price or quantity of a limit order, or of a stop order that waits, in place.

        Raises:
            Unsupported: a trailing stop, or a term that OKX cannot change.
        """
        await self._trading().amend(ref, change)

    async def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order, by OKX's id or else by ours."""
        await self._trading().cancel(ref)

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None:
        """Ask to cancel orders, twenty a call. All calls are made, then the first failure is raised."""
        await self._trading().cancel_many(refs)

    async def cancel_all(self) -> int:
        """Cancel every open order of the account, stop orders too, but not the stops and targets of
        positions; how many OKX has taken."""
        return await self._trading().cancel_all()

    async def cancel_after(self, timeout_s: int) -> None:
        """Have OKX cancel everything in so many seconds unless this is called again; 0 disarms."""
        await self._trading().cancel_after(timeout_s)

    # --- positions ---------------------------------------------------------------------------------------

    async def protect(self, position_id: str, symbol: str, protection: Protection) -> None:
        """Set the whole stop and target of a position; a leg that is None is removed.

        Raises:
            RequestRejected: there is no such position.
            VenueError: as a submit.
        """
        self._require_key()
        await self._positions.protect(position_id, symbol, protection)

    async def leverage(self, symbol: str) -> Leverage | None:
        """The leverage of new positions in a derivative, and what backs them. None where OKX names none."""
        self._require_key()
        return await self._positions.leverage(symbol)

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Change it; open positions of the instrument change with it. Raises as a submit."""
        self._require_key()
        await self._positions.set_leverage(symbol, leverage)

    async def set_margin_mode(self, symbol: str, mode: str) -> None:
        """Have new orders of a derivative backed by ``cross`` or ``isolated`` margin; what is open keeps its
        own. Raises Unsupported where the account has no such mode."""
        self._require_key()
        await self._positions.set_margin_mode(symbol, mode)

    async def move_position_margin(self, position_id: str, amount: Decimal) -> None:
        """Add so much to an isolated position's margin; a negative amount is taken from it."""
        self._require_key()
        await self._positions.move_margin(position_id, amount)

    # --- the account -------------------------------------------------------------------------------------

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What OKX knows of an order: among all orders, then among the stop orders that wait.

        Raises:
            VenueUnavailable: it could not be asked.
            ProtocolViolation: it knows the order and reports something unreadable.
        """
        self._require_key()
        return await self._reader.order_status(ref)

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        """Balances, positions, open orders, what ended or filled since a time, and fee rates."""
        self._require_key()
        return await self._reader.snapshot(since_ns, [feed.symbol for feed in self._public.table.feeds()])

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        """The account's own rates for a symbol; asked at most every ten minutes."""
        self._require_key()
        return await self._reader.fee_rates(symbol)

    async def test_credentials(self) -> KeyReport:
        """Read what the key may do, without changing anything.

        Raises:
            AuthRejected: OKX does not take the key at all.
            VenueUnavailable: it could not be asked.
        """
        self._require_key()
        return await check_key(self.rest, self._last_four, demo=self.is_demo)

    async def order_history(self, until_ns: int | None = None) -> OrderPage:
        """Orders that have ended, of the last three months."""
        self._require_key()
        return await self._records.order_history(until_ns)

    async def fill_history(self, until_ns: int | None = None) -> FillPage:
        """Fills of the last three months."""
        self._require_key()
        return await self._records.fill_history(until_ns)

    async def cash_flow(self, until_ns: int | None = None) -> CashFlowPage:
        """Transfers, funding, interest and the like of the last three months."""
        self._require_key()
        return await self._records.cash_flow(until_ns)

    async def position_fills(self, position_id: str) -> Sequence[Fill]:
        """Every fill of a position that is open or was closed since the start of the program."""
        self._require_key()
        return await self._records.position_fills(position_id)

    # --- lent to others ----------------------------------------------------------------------------------

    async def tickers(self) -> Sequence[Quote]:
        """The prices of everything that OKX lists, one call a kind."""
        await self._reader.learn_instruments()
        return await lending.tickers(self.rest, self._symbols, self._clock)

    async def raw_call(self, path: str, params: Mapping[str, str]) -> bytes:
        """One of OKX's own calls that only read, in OKX's envelope."""
        return await lending.raw_call(self.rest, path, params)

    # --- inside ------------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Before the private link is live: the clock for signatures, the instruments, the account's mode."""
        await self.rest.measure_clock()
        await self._reader.learn_instruments()
        await self._reader.mode(again=True)

    def _contract_of(self, symbol: str) -> Decimal | None:
        listing = self._symbols.listing(inst_id_of(symbol))
        return listing.contract if listing is not None else None

    def _stream_of(self, feed: Feed) -> PublicStream | BusinessStream:
        return self._business if feed.kind is FeedKind.BARS else self._public

    def _streams(self) -> list[Stream]:
        streams: list[Stream] = [self._public, self._business]
        return streams if self._private is None else [*streams, self._private]

    def _require_key(self) -> None:
        if self._private is None:
            raise CredentialError("no OKX key", user_text="Enter an OKX API key in Connections first.")

    def _trading(self) -> OrderDesk:
        self._require_key()
        assert self._desk is not None
        return self._desk

    def _address(self, name: str) -> str:
        return self._endpoints[name]

    def _set_sink(self, sink: Sink) -> None:
        self._sink = sink
        for stream in self._streams():
            stream.set_sink(sink)

    def _on_link(self, event: LinkChanged) -> None:
        first = self._first_state
        if (
            event.link == "public"
            and first is not None
            and not first.done()
            and event.state in (LinkState.LIVE, LinkState.RECONNECTING, LinkState.FAILED)
        ):
            first.set_result((event.state, event.reason))
        self._sink(event)

    def _on_rest_fault(self, what: str) -> None:
        self._rest_faults += 1
        self._sink(WireFault("rest", what))

    def _link_maker(self, proxy: str | None, policy: LinkPolicy, rng: random.Random | None) -> MakeLink:
        gate = ConnectGate(self._clock)  # one attempt at a time for all links: OKX allows three a second

        def make(**callbacks: Any) -> Link:
            return WebSocketLink(
                venue=VENUE_NAME,
                policy=policy,
                clock=self._clock,
                rng=rng,
                proxy=proxy,
                gate=gate,
                **callbacks,
            )

        return make

    async def _keep_house(self) -> None:
        """Once a second: feeds that are due or unanswered; every ten the round trip, every 300 the clock."""
        for second in itertools.count(1):
            await asyncio.sleep(1.0)
            self._public.table.tick()
            self._business.table.tick()
            if second % _PING_EVERY_S == 0 or second == _SECOND_PING_S:
                self._public.ping()
            if second % _CLOCK_EVERY_S == 0 or (second == 1 and self._there.offset_ms is None):
                try:
                    await self.rest.measure_clock()
                except VenueError as error:
                    log.info("OKX's clock could not be read: %s", error)


def _nobody(event: VenueEvent) -> None:
    """Where events go before :meth:`OkxConnector.connect` and after the close."""
