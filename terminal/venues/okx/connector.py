"""The OKX connector: domain words in, domain events out.

Public data works without a key. With one, the private socket carries orders, fills, balances, positions and
trading; while it is down REST takes over for what has not been sent yet. Nothing that changes something is
ever sent twice. It is longer than most files because it is the list of what the venue can do, each method a
few lines; what they do is in the modules beside it.
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

import msgspec

from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.domain.account import AccountSnapshot, FeeRates
from terminal.domain.book import BookChecker
from terminal.domain.decimals import wire_text
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
    FeedRefused,
    InstrumentsChanged,
    LinkChanged,
    LinkState,
    VenueEvent,
    WireFault,
)
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, Feed, FeedKind
from terminal.domain.orders import (
    AmendRequest,
    OrderRef,
    OrderReport,
    OrderRequest,
    OrderType,
    Protection,
)
from terminal.transport.http_client import HttpClient
from terminal.transport.websocket import ConnectGate, LinkPolicy, WebSocketLink
from terminal.venues.base import ConnectorSettings, KeyReport, Leverage, LinkHealth, Sink, SubmitAck
from terminal.venues.okx import VENUE
from terminal.venues.okx.account_reader import AccountReader
from terminal.venues.okx.auth import VenueTime, signer_of
from terminal.venues.okx.checksum import OkxBookChecker
from terminal.venues.okx.errors import CANCEL_UNDER_WAY, VENUE_NAME
from terminal.venues.okx.history import BarHistory
from terminal.venues.okx.holdings import Holdings
from terminal.venues.okx.hosts import endpoints_of
from terminal.venues.okx.key_check import check_key
from terminal.venues.okx.limits import RateLimits
from terminal.venues.okx.order_words import (
    AccountMode,
    algo_order,
    amendment,
    is_algo,
    margin_mode,
    on_grid,
    plain_order,
    protective_orders,
    require_client_id,
)
from terminal.venues.okx.orders import OrderTracker
from terminal.venues.okx.parse import maybe, maybe_price, number
from terminal.venues.okx.private_stream import BusinessStream, PrivateStream
from terminal.venues.okx.public_stream import PublicStream
from terminal.venues.okx.rest import Http, OkxRest
from terminal.venues.okx.stream import POLICY, Link, MakeLink, Stream
from terminal.venues.okx.subscriptions import BARS
from terminal.venues.okx.symbols import SymbolMap, inst_id_of, inst_type_of, symbol_of
from terminal.venues.okx.trading import require_rows, row_error
from terminal.venues.okx.wire import Ack, AlgoRow

log = logging.getLogger("venue.okx")

_PING_EVERY_S: Final = 10
_SECOND_PING_S: Final = 2
_CLOCK_EVERY_S: Final = 300
_FIRST_STATE_TIMEOUT_S: Final = 30.0
_BATCH_LIMIT: Final = 20
_ALGO_CANCEL_LIMIT: Final = 10
_SWITCH_S: Final = (10, 120)
_FUNDING: Final = "funding-rate"
_TRADE: Final = "/api/v5/trade/"

# What an operation is called over REST and over the socket, single and in batches.
_PLACE: Final = ("order", "order", "batch-orders", "batch-orders")
_CANCEL: Final = ("cancel-order", "cancel-order", "cancel-batch-orders", "batch-cancel-orders")
_AMEND: Final = ("amend-order", "amend-order", "amend-batch-orders", "batch-amend-orders")


class OkxConnector:
    """OKX spot, swaps and futures: TradesOrders, Amends, SubmitsBatches, TradesPositions, HasLeverage,
    HasDeadMansSwitch and HasHistory.

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
        self._demo = _flag(options, "demo")
        self._endpoints = endpoints_of(options.get("region") or "global", self._demo, settings.endpoints)
        deadline_s = _positive(options, "order_deadline_s", 5.0)
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
            demo=self._demo,
            on_fault=self._on_rest_fault,
        )
        self._history = BarHistory(self.rest, self._clock)
        self._reader = AccountReader(
            self.rest,
            self._symbols,
            self._tracker,
            self._holdings,
            self._clock,
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
        self._private: PrivateStream | None = None
        if signer is not None:
            self._private = PrivateStream(
                numbers=numbers,
                tracker=self._tracker,
                holdings=self._holdings,
                prepare=self._prepare,
                deadline_s=deadline_s,
                url=partial(self._address, "ws_private"),
                signer=signer,
                **common,
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
        self._require_key()
        await self._ready_to_order()
        symbol = request.instrument.symbol
        mode = await self._mode()
        held = self._holdings.held(request.position_id)
        if is_algo(request.order_type):
            body = algo_order(request, client_order_id, self._symbols, mode, held=held)
            rows = await self.rest.algo(f"{_TRADE}order-algo", body)
            ack = _single(rows, "order-algo")
            self._tracker.note(client_order_id, ack.algoId, algo=_as_row(body, ack.algoId))
            return SubmitAck(ack.algoId)
        price = await self._price_for(request)
        body = plain_order(request, client_order_id, self._symbols, mode, held=held, market_price=price)
        await self._limits.take_order(symbol, "orders")
        ack = _single(await self._write(_PLACE, [body]), "order")
        self._tracker.note(client_order_id, ack.ordId)
        return SubmitAck(ack.ordId)

    async def submit_batch(
        self, requests: Sequence[tuple[OrderRequest, str]]
    ) -> Sequence[SubmitAck | Exception]:
        """Place 2 to 20 orders in one call; one result each, in order.

        Raises:
            Unsupported: stop orders, or a number of orders that OKX does not take at once.
            VenueError: as for :meth:`submit`, where it is about the whole batch.
        """
        if not 2 <= len(requests) <= _BATCH_LIMIT:
            raise Unsupported("batch", f"OKX takes 2 to {_BATCH_LIMIT} orders at once.")
        if any(is_algo(request.order_type) for request, _ in requests):
            raise Unsupported("batch", "OKX takes stop orders one by one.")
        self._require_key()
        await self._ready_to_order()
        mode = await self._mode()
        bodies = [
            plain_order(
                request,
                client_id,
                self._symbols,
                mode,
                held=self._holdings.held(request.position_id),
                market_price=await self._price_for(request),
            )
            for request, client_id in requests
        ]
        symbols = [request.instrument.symbol for request, _ in requests]
        for symbol in sorted(set(symbols)):
            await self._limits.take_order(symbol, "orders", max(2, symbols.count(symbol)))
        rows = await self._write(_PLACE, bodies)
        require_rows(rows, len(bodies), "batch-orders")
        results: list[SubmitAck | Exception] = []
        for (_, client_id), row in zip(requests, rows, strict=True):
            error = row_error(row)
            if error is None and row.ordId:
                self._tracker.note(client_id, row.ordId)
                results.append(SubmitAck(row.ordId))
            else:
                results.append(error or OutcomeUnknown(VENUE_NAME, "a row without an order id"))
        return results

    async def amend(self, ref: OrderRef, change: AmendRequest) -> None:
        """Change price or quantity of a limit order in place. Raises Unsupported for a stop order."""
        self._require_key()
        inst_id = inst_id_of(ref.symbol)
        if ref.venue_order_id is not None and self._tracker.is_algo(ref.venue_order_id):
            raise Unsupported("amend", "OKX changes no stop orders in place: cancel it and place a new one.")
        await self._ready_to_order()
        terms = amendment(change, inst_id, self._symbols)
        if not terms:
            return
        await self._limits.take_order(ref.symbol, "amends")
        _single(await self._write(_AMEND, [{**self._name(ref), **terms}]), "amend-order")

    async def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order, by OKX's id or else by ours."""
        self._require_key()
        if self._is_algo(ref):
            await self._cancel_algos([ref])
            return
        body = self._name(ref)
        await self._limits.take_cancel(ref.symbol)
        try:
            _single(await self._write(_CANCEL, [body], urgent=True), "cancel-order")
        except RequestRejected as error:
            if error.code not in CANCEL_UNDER_WAY:
                raise

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None:
        """Ask to cancel orders, twenty a call. All calls are made, then the first failure is raised."""
        self._require_key()
        failures: list[VenueError] = []
        algos = [ref for ref in refs if self._is_algo(ref)]
        plain = [ref for ref in refs if not self._is_algo(ref)]
        for part in _chunks(algos, _ALGO_CANCEL_LIMIT):
            try:
                await self._cancel_algos(part)
            except VenueError as error:
                failures.append(error)
        for part in _chunks(plain, _BATCH_LIMIT):
            _, wrong = await self._cancel_part(part)
            failures += wrong
        if failures:
            raise failures[0]

    async def cancel_all(self) -> int:
        """Cancel every open order of the account, stop orders too, but not the stops and targets of
        positions; how many OKX has taken. OKX has no such call, so they are read and canceled in batches."""
        self._require_key()
        await self._reader.learn_instruments()
        rows = [row for row in await self._reader.open_orders() if row.ordId]
        taken = 0
        failures: list[VenueError] = []
        for part in _chunks([{"instId": row.instId, "ordId": row.ordId} for row in rows], _BATCH_LIMIT):
            count, wrong = await self._cancel_bodies(part)
            taken += count
            failures += wrong
        waiting = await self._reader.open_algos()
        for row in waiting:
            self._tracker.apply_algo(row)
        guards = {row.algoId for row in self._tracker.protective()}
        own = [{"instId": row.instId, "algoId": row.algoId} for row in waiting if row.algoId not in guards]
        for some in _chunks(own, _ALGO_CANCEL_LIMIT):
            try:
                acks = await self.rest.algo(f"{_TRADE}cancel-algos", some, urgent=True)
                taken += sum(row_error(ack) is None for ack in acks)
            except VenueError as error:
                failures.append(error)
        if failures and not taken:
            raise failures[0]
        return taken

    async def cancel_after(self, timeout_s: int) -> None:
        """Have OKX cancel everything in so many seconds unless this is called again; 0 disarms. OKX knows 10
        to 120 seconds: what is shorter or longer becomes the nearest."""
        self._require_key()
        seconds = 0 if timeout_s <= 0 else min(max(timeout_s, _SWITCH_S[0]), _SWITCH_S[1])
        await self.rest.cancel_all_after(seconds)

    # --- positions ---------------------------------------------------------------------------------------

    async def protect(self, position_id: str, symbol: str, protection: Protection) -> None:
        """Set the whole stop and target of a position, kept by OKX as reduce-only orders of its present size.

        The new ones are placed before the old ones are canceled, so that the position is never without; a
        leg that is None is removed.

        Raises:
            RequestRejected: there is no such position.
            VenueError: as a submit.
        """
        self._require_key()
        await self._ready_to_order()
        row, held = self._holdings.row(position_id), self._holdings.held(position_id)
        if row is None or held is None:
            raise RequestRejected(
                VENUE_NAME,
                f"no open position {position_id} in {symbol}",
                code="51023",
                venue_text="Position doesn't exist",
                user_text="There is no such position (any more).",
            )
        old = self._holdings.guarding(held)
        entry, sign = maybe_price(row.avgPx), held.side.sign
        stop, target = protection.stop_loss, protection.take_profit
        if stop is None and protection.stop_distance is not None and entry is not None:
            stop = on_grid(entry - sign * protection.stop_distance, self._symbols, held.inst_id)
        if target is None and protection.profit_distance is not None and entry is not None:
            target = on_grid(entry + sign * protection.profit_distance, self._symbols, held.inst_id)
        trail: Decimal | None = None
        if protection.trailing and stop is not None:
            trail = abs(await self._last_price(held.inst_id) - stop)
            if not trail:
                raise Unsupported("trailing stop", "A trailing stop has to begin away from the price.")
        bodies = protective_orders(
            held,
            abs(number(row.pos)),
            stop=stop,
            target=target,
            trail=trail,
            reference=protection.trigger,
            mode=await self._mode(),
        )
        for body in bodies:
            ack = _single(await self.rest.algo(f"{_TRADE}order-algo", body), "order-algo")
            starts = (
                {"moveTriggerPx": wire_text(stop)} if "callbackSpread" in body and stop is not None else {}
            )
            self._tracker.note("", ack.algoId, algo=_as_row({**body, **starts}, ack.algoId))
        for part in _chunks([{"instId": each.instId, "algoId": each.algoId} for each in old], 10):
            rows = await self.rest.algo(f"{_TRADE}cancel-algos", part, urgent=True)
            for ack in rows:
                error = row_error(ack)
                if error is not None and not isinstance(error, RequestRejected):
                    raise error
        self._tracker.forget_protective(each.algoId for each in self._tracker.protective() if each not in old)
        for event in self._holdings.protections_changed():
            self._sink(event)

    async def leverage(self, symbol: str) -> Leverage | None:
        """The leverage of new positions in a derivative, and what backs them. None where OKX names none."""
        self._require_key()
        inst_id = inst_id_of(symbol)
        if inst_type_of(inst_id) == "SPOT":
            return None
        mode = margin_mode(inst_id, await self._mode())
        rows = await self.rest.leverage(inst_id, mode)
        found = maybe(rows[0].lever) if rows else None
        return None if not found else Leverage(found, rows[0].mgnMode or mode)

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Change it; open positions of the instrument change with it. Raises as a submit."""
        self._require_key()
        inst_id = inst_id_of(symbol)
        if inst_type_of(inst_id) == "SPOT":
            raise Unsupported("leverage", "Spot is paid in full.")
        await self.rest.set_leverage(inst_id, wire_text(leverage), margin_mode(inst_id, await self._mode()))

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
        return await check_key(self.rest, self._last_four, demo=self._demo)

    # --- inside ------------------------------------------------------------------------------------------

    async def _write(
        self, words: tuple[str, str, str, str], bodies: Sequence[dict[str, object]], *, urgent: bool = False
    ) -> list[Ack]:
        """By the private socket, or by REST where the socket took nothing. Never both for one order."""
        rest_one, ws_one, rest_many, ws_many = words
        single = len(bodies) == 1
        private = self._private
        assert private is not None
        if private.ready:
            coded = self._coded(bodies)
            if coded is not None:
                try:
                    return await private.trading.request(ws_one if single else ws_many, coded)
                except NotSent as error:
                    log.info("the private link took nothing (%s), REST is used", error)
        if single:
            return await self.rest.write(_TRADE + rest_one, bodies[0], urgent=urgent)
        return await self.rest.write(_TRADE + rest_many, bodies, urgent=urgent)

    def _coded(self, bodies: Sequence[dict[str, object]]) -> list[dict[str, object]] | None:
        """The same with ``instIdCode``; None where an instrument has none (yet)."""
        out = []
        for body in bodies:
            listing = self._symbols.listing(str(body["instId"]))
            if listing is None or listing.code is None:
                return None
            rest = {key: value for key, value in body.items() if key != "instId"}
            out.append({"instIdCode": listing.code, **rest})
        return out

    async def _cancel_part(self, refs: Sequence[OrderRef]) -> tuple[int, list[VenueError]]:
        try:
            bodies = [self._name(ref) for ref in refs]
        except VenueError as error:
            return 0, [error]
        return await self._cancel_bodies(bodies)

    async def _cancel_bodies(self, bodies: Sequence[Mapping[str, object]]) -> tuple[int, list[VenueError]]:
        """How many cancels OKX has taken, and what went wrong with the others."""
        # Whatever there is can be canceled, options too.
        symbols = [symbol_of(str(body["instId"])) or str(body["instId"]) for body in bodies]
        try:
            for symbol in sorted(set(symbols)):
                count = symbols.count(symbol)
                await self._limits.take_cancel(symbol, count if len(bodies) == 1 else max(2, count))
            rows = await self._write(_CANCEL, [dict(body) for body in bodies], urgent=True)
            require_rows(rows, len(bodies), "cancel-batch-orders")
        except VenueError as error:
            return 0, [error]
        wrong = [each for each in map(row_error, rows) if each is not None]
        return len(rows) - len(wrong), [each for each in wrong if each.code not in CANCEL_UNDER_WAY]

    async def _cancel_algos(self, refs: Sequence[OrderRef]) -> None:
        bodies = []
        for ref in refs:
            algo_id = ref.venue_order_id or self._tracker.venue_id(ref.client_order_id or "")
            bodies.append({"instId": inst_id_of(ref.symbol), "algoId": algo_id})
        rows = await self.rest.algo(f"{_TRADE}cancel-algos", bodies, urgent=True)
        require_rows(rows, len(bodies), "cancel-algos")
        for row in rows:
            error = row_error(row)
            if error is not None:
                raise error

    def _is_algo(self, ref: OrderRef) -> bool:
        venue_id = ref.venue_order_id or self._tracker.venue_id(ref.client_order_id or "")
        return venue_id is not None and self._tracker.is_algo(venue_id)

    def _name(self, ref: OrderRef) -> dict[str, object]:
        """How to name an order to OKX."""
        out: dict[str, object] = {"instId": inst_id_of(ref.symbol)}
        if ref.venue_order_id is not None:
            out["ordId"] = self._tracker.working_id(ref.venue_order_id)
        else:
            out["clOrdId"] = require_client_id(ref.client_order_id or "")
        return out

    async def _price_for(self, request: OrderRequest) -> Decimal | None:
        """Where the distances of a market order's stop and target count from: the price now."""
        protection = request.protection
        if protection is None or request.order_type is not OrderType.MARKET or protection.is_empty:
            return None
        return await self._last_price(inst_id_of(request.instrument.symbol))

    async def _last_price(self, inst_id: str) -> Decimal:
        try:
            row = await self.rest.ticker(inst_id)
            found = maybe_price(row.last) if row is not None else None
        except (VenueError, ValueError, ArithmeticError) as error:
            raise NotSent(VENUE_NAME, f"the price of {inst_id} could not be read: {error}") from error
        if found is None:
            raise NotSent(VENUE_NAME, f"{inst_id} has no price yet")
        return found

    async def _ready_to_order(self) -> None:
        """What an order's words need to know of the instruments. Raises NotSent where it cannot be read."""
        try:
            await self._reader.learn_instruments()
        except VenueUnavailable as error:
            raise NotSent(VENUE_NAME, f"the instruments could not be read: {error}") from error

    async def _mode(self) -> AccountMode:
        try:
            return await self._reader.mode()
        except VenueUnavailable as error:
            raise NotSent(VENUE_NAME, f"the account's settings could not be read: {error}") from error

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


def _single(rows: Sequence[Ack], what: str) -> Ack:
    """The one row of an answer about one order. Raises what it says against it."""
    require_rows(rows, 1, what)
    error = row_error(rows[0])
    if error is not None:
        raise error
    if not (rows[0].ordId or rows[0].algoId or rows[0].clOrdId):
        raise OutcomeUnknown(VENUE_NAME, f"{what}: an answer without an order id", code="unreadable")
    return rows[0]


def _as_row(body: Mapping[str, object], algo_id: str) -> AlgoRow:
    """A stop order as it was asked for, until OKX's own word of it comes."""
    return msgspec.convert({**body, "algoId": algo_id, "state": "live"}, AlgoRow)


def _chunks(items: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _flag(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "").strip().lower()
    if text in ("", "false", "0", "no", "off"):
        return False
    if text in ("true", "1", "yes", "on"):
        return True
    raise SettingsError(f"okx {name}: {text!r}", user_text=f"{name} must be true or false.")


def _positive(options: Mapping[str, str], name: str, default: float) -> float:
    text = options.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise SettingsError(f"okx {name}: {text!r}", user_text=f"{name} must be a number above zero.")
    return value
