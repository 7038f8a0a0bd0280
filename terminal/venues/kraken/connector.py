"""The Kraken connector: domain words in, domain events out.

Public data works without a key. With one, the private socket carries orders, fills, balances and trading;
while it is down REST takes over for what has not been sent yet. Nothing that changes something is ever sent
twice. The file is long because which of the two ways a call takes is decided here and nowhere else.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.domain.account import AccountSnapshot, FeeRates
from terminal.domain.book import BookChecker
from terminal.domain.errors import (
    CredentialError,
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    SettingsError,
    Unsupported,
    VenueError,
    VenueUnavailable,
)
from terminal.domain.events import (
    BudgetLevel,
    InstrumentsChanged,
    LinkChanged,
    LinkState,
    VenueEvent,
    WireFault,
)
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, Feed, FeedKind, Quote
from terminal.domain.orders import (
    AmendRequest,
    OrderRef,
    OrderReport,
    OrderRequest,
)
from terminal.transport.http_client import HttpClient
from terminal.transport.websocket import ConnectGate, LinkPolicy, WebSocketLink
from terminal.venues.base import ConnectorSettings, KeyReport, LinkHealth, Sink, SubmitAck
from terminal.venues.kraken import VENUE
from terminal.venues.kraken.account_reader import AccountReader
from terminal.venues.kraken.auth import signer_of
from terminal.venues.kraken.checksum import KrakenBookChecker
from terminal.venues.kraken.errors import VENUE_NAME
from terminal.venues.kraken.history import BarHistory
from terminal.venues.kraken.key_check import check_key
from terminal.venues.kraken.lending import quotes
from terminal.venues.kraken.limits import RateLimits
from terminal.venues.kraken.nonce import MemoryNonceStore, NonceSource, NonceStore
from terminal.venues.kraken.private_stream import PrivateStream
from terminal.venues.kraken.public_stream import PublicStream
from terminal.venues.kraken.rest import Http, KrakenRest, chunks
from terminal.venues.kraken.stream import Link, MakeLink
from terminal.venues.kraken.subscriptions import BOOK_DEPTHS, INTERVALS_MIN
from terminal.venues.kraken.symbols import SymbolMap
from terminal.venues.kraken.trading import (
    batch_row_error,
    is_cancel_under_way,
    require_client_id,
    rest_order,
    ws_amend,
    ws_order,
)
from terminal.venues.kraken.wire import SocketToken

log = logging.getLogger("venue.kraken")

T = TypeVar("T")

# Longer than the link's limit for silence, so that an answered ping never hides a feed that has died.
_PING_EVERY_S = 10
# The ping at the opening is answered while the window is being built; this one measures the link.
_SECOND_PING_S = 2
_REST_CLOCK_EVERY_S = 60
_FIRST_STATE_TIMEOUT_S = 30.0
_BATCH_LIMIT = 15
_CANCEL_BATCH_LIMIT = 50


class KrakenConnector:
    """Kraken spot: TradesOrders, Amends, SubmitsBatches, HasDeadMansSwitch, HasTickers, HasRawCalls and
    HasHistory.

    ``settings.options``: ``tier`` (``starter``, ``intermediate``, ``pro``), ``public_calls_per_s``,
    ``order_deadline_s``, ``history_pages``. ``nonces`` keeps the key's nonces over restarts.

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
        nonces: NonceStore | None = None,
        http: Http | None = None,
        make_link: MakeLink | None = None,
        policy: LinkPolicy | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._endpoints = {**VENUE.default_endpoints, **settings.endpoints}
        options = settings.options
        self._limits = RateLimits(
            options.get("tier", "starter"),
            self._clock,
            public_calls_per_s=_positive(options, "public_calls_per_s", 1.0),
        )
        self._symbols = SymbolMap()
        self._checkers: dict[str, KrakenBookChecker] = {}
        self._sink: Sink = _nobody
        self._rest_faults = 0
        self._rest_offset_ms: float | None = None
        self._first_state: asyncio.Future[tuple[LinkState, str]] | None = None
        self._housekeeping: asyncio.Task[None] | None = None
        self._own_http: HttpClient | None = None
        if http is None:
            http = self._own_http = HttpClient(
                venue=VENUE_NAME, base_url=self._endpoints["rest"], proxy=settings.proxy, clock=self._clock
            )
        signer = signer_of(settings.credentials, self._clock)
        self._key_label = f"…{signer.last_four}" if signer is not None else ""
        self.rest = KrakenRest(
            http,
            self._limits,
            self._clock,
            signer=signer,
            nonces=(
                NonceSource(signer.key_id, nonces or MemoryNonceStore(), self._clock)
                if signer is not None
                else None
            ),
            on_fault=self._on_rest_fault,
        )
        self._history = BarHistory(
            self.rest, self._clock, most_pages=int(_positive(options, "history_pages", 60))
        )
        self._reader = AccountReader(
            self.rest,
            self._symbols,
            self._clock,
            on_fault=self._on_rest_fault,
            on_instruments=lambda changed: self._sink(InstrumentsChanged(changed)),
        )
        numbers = itertools.count(1)
        make = make_link or self._link_maker(settings.proxy, policy or LinkPolicy(), rng)
        self._public = PublicStream(
            make_link=make,
            url=lambda: self._endpoints["ws_public"],
            clock=self._clock,
            sink=_nobody,
            on_link=self._on_link,
            numbers=numbers,
            symbols=self._symbols,
        )
        self._private: PrivateStream | None = None
        if signer is not None:
            self._private = PrivateStream(
                make_link=make,
                url=lambda: self._endpoints["ws_private"],
                clock=self._clock,
                sink=_nobody,
                on_link=self._on_link,
                numbers=numbers,
                symbols=self._symbols,
                limits=self._limits,
                fetch_token=self._fetch_token,
                learn_order=self._reader.look_up,
                deadline_s=_positive(options, "order_deadline_s", 5.0),
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
        self._housekeeping = tasks.spawn(self._keep_house(), name="kraken housekeeping")
        try:
            async with asyncio.timeout(_FIRST_STATE_TIMEOUT_S):
                state, reason = await self._first_state
        except TimeoutError:
            raise VenueUnavailable(VENUE_NAME, "no answer to the first try to connect") from None
        if state is not LinkState.LIVE:
            raise VenueUnavailable(VENUE_NAME, reason or f"the link is {state.value}")

    async def close(self) -> None:
        """End both links, every task and the HTTP connections; safe to call twice."""
        self._set_sink(_nobody)
        await tasks.cancel_and_wait(self._housekeeping)
        await self._public.link.close()
        if self._private is not None:
            await self._private.close()
        if self._own_http is not None:
            await self._own_http.close()

    def reconnect(self, reason: str) -> None:
        """Open both links again at once, unless a link was given up (a refused key waits for a person)."""
        for stream in (self._public, self._private):
            if stream is not None and stream.link.state is not LinkState.FAILED:
                stream.link.reconnect_now(reason)

    async def instruments(self) -> Sequence[Instrument]:
        """Every pair Kraken lists that can be traded or watched."""
        try:
            await self._reader.learn_pairs()
        except VenueError:
            if not self._symbols.instruments():
                raise
        return self._symbols.instruments()

    def health(self) -> LinkHealth:
        """Figures of the public link; faults of both links and of REST together."""
        private = self._private
        offset = self._public.clock_offset_ms
        if offset is None and private is not None:
            offset = private.clock_offset_ms
        if offset is None:
            offset = self._rest_offset_ms
        return LinkHealth(
            round_trip_ms=self._public.round_trip_ms,
            clock_offset_ms=offset,
            last_frame_ns=self._public.link.last_frame_ns,
            reconnects=self._public.link.reconnects + (private.link.reconnects if private else 0),
            faults=self._public.faults + (private.faults if private else 0) + self._rest_faults,
        )

    def budgets(self) -> Sequence[BudgetLevel]:
        """REST calls, public calls, and each pair with order points on it."""
        return self._limits.budgets()

    # --- feeds -------------------------------------------------------------------------------------------

    async def subscribe(self, feed: Feed) -> None:
        """Want a feed, now and after every reconnect. Raises Unsupported for a depth or interval Kraken
        lacks."""
        if feed.kind is FeedKind.BOOK and feed.depth is not None and feed.depth not in BOOK_DEPTHS:
            raise Unsupported("book depth", f"Kraken has books of {', '.join(map(str, BOOK_DEPTHS))} levels.")
        if feed.kind is FeedKind.BARS and (
            not feed.interval_s or feed.interval_s % 60 or feed.interval_s // 60 not in INTERVALS_MIN
        ):
            raise Unsupported("bar interval", "Kraken has no bars of this length.")
        self._public.table.add(feed)

    async def unsubscribe(self, feed: Feed) -> None:
        """Want a feed no longer; nothing of it arrives afterwards."""
        self._public.table.remove(feed)

    async def resync(self, feed: Feed) -> None:
        """End the feed's subscription and take it again, unless that is under way already."""
        self._public.table.resync(feed)

    def book_checker(self, symbol: str) -> BookChecker:
        """The CRC-32 check of this pair's books."""
        found = self._checkers.get(symbol)
        if found is None:
            found = self._checkers[symbol] = KrakenBookChecker(partial(self._symbols.instrument, symbol))
        return found

    async def bars(
        self,
        symbol: str,
        interval_s: int,
        *,
        end_ns: int | None = None,
        limit: int = 720,
        progress: Callable[[Decimal], None] | None = None,
    ) -> Sequence[Bar]:
        """Bars that open before ``end_ns``: the newest 720 from OHLC; older ones, up to 30 minutes long,
        built from single trades at the pace that public calls may have."""
        return await self._history.bars(
            self._symbols.rest_pair(symbol), interval_s, end_ns=end_ns, limit=limit, progress=progress
        )

    # --- orders ------------------------------------------------------------------------------------------

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        """Place an order. Raises as :class:`terminal.venues.base.TradesOrders` says, and Unsupported."""
        symbol = request.instrument.symbol
        order, fallback = ws_order(request, client_order_id), rest_order(request, client_order_id)
        await self._limits.take_add(symbol)
        private = self._private

        async def by_socket() -> str:
            assert private is not None
            return (await private.trading.add_order(order)).order_id

        async def by_rest() -> str:
            result = await self.rest.add_order(self._symbols.rest_pair(symbol), fallback)
            return result.txid[0] if result.txid else ""

        order_id = await self._write(by_socket, by_rest)
        self._note(symbol, order_id, client_order_id)
        return SubmitAck(order_id)

    async def submit_batch(
        self, requests: Sequence[tuple[OrderRequest, str]]
    ) -> Sequence[SubmitAck | Exception]:
        """Place 2 to 15 orders of one pair in one call; one result each, in order.

        Raises:
            Unsupported: more than one pair, or a number of orders that Kraken does not take at once.
            VenueError: as for :meth:`submit`, where it is about the whole batch.
        """
        symbols = {request.instrument.symbol for request, _ in requests}
        if len(symbols) != 1 or not 2 <= len(requests) <= _BATCH_LIMIT:
            raise Unsupported("batch", f"Kraken takes 2 to {_BATCH_LIMIT} orders of one pair at once.")
        symbol = symbols.pop()
        orders = [ws_order(request, client_id) for request, client_id in requests]
        fallback = [rest_order(request, client_id) for request, client_id in requests]
        await self._limits.take_add(symbol, len(requests))
        private = self._private

        async def by_socket() -> list[SubmitAck | Exception]:
            assert private is not None
            rows = await private.trading.batch_add(symbol, orders)
            return [SubmitAck(row.order_id) if row.order_id else batch_row_error(row.error) for row in rows]

        async def by_rest() -> list[SubmitAck | Exception]:
            result = await self.rest.add_order_batch(self._symbols.rest_pair(symbol), fallback)
            if len(result.orders) != len(requests):
                raise OutcomeUnknown(
                    VENUE_NAME, f"AddOrderBatch: {len(result.orders)} answers for {len(requests)} orders"
                )
            return [SubmitAck(row.txid) if row.txid else batch_row_error(row.error) for row in result.orders]

        results = await self._write(by_socket, by_rest)
        for (_, client_id), result in zip(requests, results, strict=True):
            if isinstance(result, SubmitAck):
                self._note(symbol, result.venue_order_id, client_id)
        return results

    async def amend(self, ref: OrderRef, change: AmendRequest) -> None:
        """Change an order in place; its ids stay, and its place in the queue where only the size shrinks."""
        changes = ws_amend(change)
        if not changes:
            return
        order_id, client_id = ref.venue_order_id, None
        if order_id is None:
            client_id = require_client_id(ref.client_order_id or "")
        await self._limits.take_amend(ref.symbol, ref.venue_order_id, ref.client_order_id)
        private = self._private

        async def by_socket() -> None:
            assert private is not None
            await private.trading.amend_order(changes, order_id=order_id, cl_ord_id=client_id)

        async def by_rest() -> None:
            await self.rest.amend_order(
                txid=order_id,
                cl_ord_id=client_id,
                order_qty=change.quantity,
                display_qty=change.display_quantity,
                limit_price=change.limit_price,
                trigger_price=change.trigger_price,
            )

        await self._write(by_socket, by_rest)
        self._note(ref.symbol, ref.venue_order_id, ref.client_order_id)

    async def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order, by its Kraken id or else by ours."""
        order_id, client_id = ref.venue_order_id, None
        if order_id is None:
            client_id = require_client_id(ref.client_order_id or "")
        self._limits.charge_cancel(ref.symbol, ref.venue_order_id, ref.client_order_id)
        private = self._private

        async def by_socket() -> None:
            assert private is not None
            results = await private.trading.cancel_order(
                order_ids=[order_id] if order_id is not None else [],
                cl_ord_ids=[client_id] if client_id is not None else [],
            )
            for result in results:
                if isinstance(result, VenueError):
                    raise result

        async def by_rest() -> None:
            await self.rest.cancel_order(txid=order_id, cl_ord_id=client_id)

        try:
            await self._write(by_socket, by_rest)
        except RequestRejected as error:
            if not is_cancel_under_way(error):
                raise

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None:
        """Ask to cancel orders, fifty a call. All calls are made, then the first failure is raised."""
        named = [ref for ref in refs if ref.venue_order_id is not None]
        unnamed = [ref for ref in refs if ref.venue_order_id is None]
        failures: list[VenueError] = []
        for part in (*chunks(named, _CANCEL_BATCH_LIMIT), *chunks(unnamed, _CANCEL_BATCH_LIMIT)):
            try:
                if len(part) == 1:
                    await self.cancel(part[0])
                else:
                    await self._cancel_batch(part)
            except VenueError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def _cancel_batch(self, refs: Sequence[OrderRef]) -> None:
        order_ids = [ref.venue_order_id for ref in refs if ref.venue_order_id is not None]
        client_ids = [
            require_client_id(ref.client_order_id or "") for ref in refs if ref.venue_order_id is None
        ]
        for ref in refs:
            self._limits.charge_cancel(ref.symbol, ref.venue_order_id, ref.client_order_id)
        private = self._private

        async def by_socket() -> None:
            assert private is not None
            await private.trading.batch_cancel(orders=order_ids, cl_ord_ids=client_ids)

        async def by_rest() -> None:
            await self.rest.cancel_order_batch(orders=order_ids, cl_ord_ids=client_ids)

        await self._write(by_socket, by_rest)

    async def cancel_all(self) -> int:
        """Cancel every open order of the account, also those placed elsewhere; how many there were."""
        private = self._private
        if private is not None:
            for report in private.orders.open_reports():
                self._limits.charge_cancel(report.instrument.symbol, report.venue_order_id)

        async def by_socket() -> int:
            assert private is not None
            return await private.trading.cancel_all()

        async def by_rest() -> int:
            return (await self.rest.cancel_all()).count

        return await self._write(by_socket, by_rest)

    async def cancel_after(self, timeout_s: int) -> None:
        """Have Kraken cancel everything in so many seconds unless this is called again; 0 disarms.

        The timer is one for all of the account's orders, and off again once it has fired.
        """
        private = self._private

        async def by_socket() -> None:
            assert private is not None
            await private.trading.cancel_all_orders_after(timeout_s)

        async def by_rest() -> None:
            await self.rest.cancel_all_orders_after(timeout_s)

        await self._write(by_socket, by_rest)

    async def _write(self, by_socket: Callable[[], Awaitable[T]], by_rest: Callable[[], Awaitable[T]]) -> T:
        """By the private socket, or by REST where the socket took nothing. Never both for one order."""
        if self._private is None:
            raise CredentialError("no Kraken key", user_text="Enter a Kraken API key in Connections first.")
        if self._private.ready:
            try:
                return await by_socket()
            except NotSent as error:
                log.info("the private link took nothing (%s), REST is used", error)
        return await by_rest()

    def _note(self, symbol: str, *order_ids: str | None) -> None:
        for order_id in order_ids:
            if order_id:
                self._limits.note_order(order_id, symbol)

    # --- the account -------------------------------------------------------------------------------------

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What Kraken knows of an order: among the open ones, then among those that ended.

        Raises:
            VenueUnavailable: it could not be asked.
            ProtocolViolation: it knows the order and reports something unreadable.
        """
        return await self._reader.order_status(ref)

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        """Balances, open orders, what ended or filled since a time, and fee rates."""
        watched = [feed.symbol for feed in self._public.table.feeds()]
        snapshot = await self._reader.snapshot(since_ns, watched)
        for report in snapshot.open_orders:
            self._limits.set_open(report.venue_order_id, report.instrument.symbol, True)
        if self._private is not None:
            self._private.orders.learn([*snapshot.recent_orders, *snapshot.open_orders])
        return snapshot

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        """The account's own rates for a pair; asked at most every ten minutes."""
        return await self._reader.fee_rates(symbol)

    async def test_credentials(self) -> KeyReport:
        """Try what the key may do, without changing anything.

        Raises:
            AuthRejected: Kraken does not take the key at all.
            VenueUnavailable: it could not be asked.
        """
        if not self.rest.has_key:
            raise CredentialError("no Kraken key", user_text="Enter a Kraken API key in Connections first.")
        return await check_key(self.rest, self._key_label)

    async def tickers(self) -> Sequence[Quote]:
        """The prices of every pair, in one call."""
        await self._reader.learn_pairs()
        return quotes(await self.rest.ticker(), self._symbols, self._clock.wall_ns())

    async def raw_call(self, path: str, params: Mapping[str, str]) -> bytes:
        """One of Kraken's own calls that only read, in Kraken's envelope."""
        return b'{"error":[],"result":' + await self.rest.raw(path, params) + b"}"

    # --- inside ------------------------------------------------------------------------------------------

    def _set_sink(self, sink: Sink) -> None:
        self._sink = sink
        self._public.set_sink(sink)
        if self._private is not None:
            self._private.set_sink(sink)

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
        gate = ConnectGate(self._clock)  # one attempt at a time for both links

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
        """Once a second: feeds that are due or unanswered; every ten the clock and the round trip."""
        for second in itertools.count(1):
            await asyncio.sleep(1.0)
            self._public.table.tick()
            if second % _PING_EVERY_S == 0 or second == _SECOND_PING_S:
                for stream in (self._public, self._private):
                    if stream is not None and stream.link.state is LinkState.LIVE:
                        stream.ping()
            if second % _REST_CLOCK_EVERY_S == 0 and self._public.link.state is not LinkState.LIVE:
                await self._measure_clock()

    async def _measure_clock(self) -> None:
        """The clocks' difference while there is no socket to ask, to half a second: REST tells whole ones."""
        before_ns = self._clock.wall_ns()
        try:
            there = await self.rest.time()
        except VenueError:
            return
        middle_ms = (before_ns + self._clock.wall_ns()) / 2e6
        self._rest_offset_ms = there.unixtime * 1000 + 500 - middle_ms

    async def _fetch_token(self) -> SocketToken:
        return await self.rest.get_websockets_token()


def _nobody(event: VenueEvent) -> None:
    """Where events go before :meth:`KrakenConnector.connect` and after the close."""


def _positive(options: Mapping[str, str], name: str, default: float) -> float:
    text = options.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise SettingsError(f"kraken {name}: {text!r}", user_text=f"{name} must be a number above zero.")
    return value
