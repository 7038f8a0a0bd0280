"""Orders of one key: placed, changed and canceled over the private socket, or by REST where it took nothing.

Nothing that changes something is ever sent twice (OKX v5, trading, 2026-07).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from terminal.domain.errors import (
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    Unsupported,
    VenueError,
)
from terminal.domain.orders import AmendRequest, OrderRef, OrderRequest, OrderType
from terminal.venues.base import SubmitAck
from terminal.venues.okx.account_reader import AccountReader
from terminal.venues.okx.before_order import BeforeOrder
from terminal.venues.okx.errors import CANCEL_UNDER_WAY, VENUE_NAME
from terminal.venues.okx.holdings import Holdings
from terminal.venues.okx.limits import RateLimits
from terminal.venues.okx.margin_modes import MarginModes
from terminal.venues.okx.order_words import (
    Held,
    algo_amendment,
    algo_order,
    amendment,
    borrowed_close,
    is_algo,
    plain_order,
    require_client_id,
)
from terminal.venues.okx.orders import OrderTracker
from terminal.venues.okx.private_stream import PrivateStream
from terminal.venues.okx.rest import TRADE, OkxRest
from terminal.venues.okx.symbols import SymbolMap, inst_id_of, symbol_of
from terminal.venues.okx.trading import as_row, chunks, require_rows, row_error, single
from terminal.venues.okx.wire import Ack

log = logging.getLogger("venue.okx")

_BATCH_LIMIT: Final = 20
_ALGO_CANCEL_LIMIT: Final = 10
_SWITCH_S: Final = (10, 120)

# What an operation is called over REST and over the socket, single and in batches.
_PLACE: Final = ("order", "order", "batch-orders", "batch-orders")
_CANCEL: Final = ("cancel-order", "cancel-order", "cancel-batch-orders", "batch-cancel-orders")
_AMEND: Final = ("amend-order", "amend-order", "amend-batch-orders", "batch-amend-orders")


class OrderDesk:
    """Every call that places, changes or cancels orders; raises as
    :class:`terminal.venues.base.TradesOrders` says."""

    def __init__(
        self,
        rest: OkxRest,
        socket: PrivateStream,
        limits: RateLimits,
        symbols: SymbolMap,
        tracker: OrderTracker,
        holdings: Holdings,
        reader: AccountReader,
        before: BeforeOrder,
        modes: MarginModes,
    ) -> None:
        self._rest = rest
        self._socket = socket
        self._limits = limits
        self._symbols = symbols
        self._tracker = tracker
        self._holdings = holdings
        self._reader = reader
        self._before = before
        self._modes = modes

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        """Place an order. Raises as :class:`terminal.venues.base.TradesOrders` says, and Unsupported.

        OKX's yes means accepted: a post-only order that would take ends by itself, with the reason.
        """
        await self._before.instruments()
        symbol = request.instrument.symbol
        mode = await self._before.mode()
        held = self._holdings.held(request.position_id)
        if held is not None and held.is_borrowed:
            return await self._close_borrowed(request, client_order_id, held)
        backing = self._modes.of(inst_id_of(symbol), mode, held)
        if is_algo(request.order_type):
            body = algo_order(request, client_order_id, self._symbols, mode, backing, held=held)
            rows = await self._rest.algo(f"{TRADE}order-algo", body)
            ack = single(rows, "order-algo")
            self._tracker.note(client_order_id, ack.algoId, algo=as_row(body, ack.algoId))
            return SubmitAck(ack.algoId)
        price = await self._price_for(request)
        body = plain_order(
            request, client_order_id, self._symbols, mode, backing, held=held, market_price=price
        )
        await self._limits.take_order(symbol, "orders")
        ack = single(await self._write(_PLACE, [body]), "order")
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
        await self._before.instruments()
        mode = await self._before.mode()
        bodies = []
        for request, client_id in requests:
            held = self._holdings.held(request.position_id)
            backing = self._modes.of(inst_id_of(request.instrument.symbol), mode, held)
            price = await self._price_for(request)
            bodies.append(
                plain_order(request, client_id, self._symbols, mode, backing, held=held, market_price=price)
            )
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
        """Change price or quantity of a limit order, or of a stop order that waits, in place.

        Raises:
            Unsupported: a trailing stop, or a term that OKX cannot change.
        """
        inst_id = inst_id_of(ref.symbol)
        await self._before.instruments()
        waiting = self._tracker.waiting(self._venue_id(ref) or "")
        if waiting is not None:
            terms = algo_amendment(change, waiting, self._symbols)
            if terms:
                body = {"instId": inst_id, "algoId": waiting.algoId, **terms}
                single(await self._rest.algo(f"{TRADE}amend-algos", body), "amend-algos")
            return
        terms = amendment(change, inst_id, self._symbols)
        if not terms:
            return
        await self._limits.take_order(ref.symbol, "amends")
        single(await self._write(_AMEND, [{**self._name(ref), **terms}]), "amend-order")

    async def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order, by OKX's id or else by ours."""
        if self._is_algo(ref):
            await self._cancel_algos([ref])
            return
        body = self._name(ref)
        await self._limits.take_cancel(ref.symbol)
        try:
            single(await self._write(_CANCEL, [body], urgent=True), "cancel-order")
        except RequestRejected as error:
            if error.code not in CANCEL_UNDER_WAY:
                raise

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None:
        """Ask to cancel orders, twenty a call. All calls are made, then the first failure is raised."""
        failures: list[VenueError] = []
        algos = [ref for ref in refs if self._is_algo(ref)]
        plain = [ref for ref in refs if not self._is_algo(ref)]
        for part in chunks(algos, _ALGO_CANCEL_LIMIT):
            try:
                await self._cancel_algos(part)
            except VenueError as error:
                failures.append(error)
        for part in chunks(plain, _BATCH_LIMIT):
            _, wrong = await self._cancel_part(part)
            failures += wrong
        if failures:
            raise failures[0]

    async def cancel_all(self) -> int:
        """Cancel every open order of the account, stop orders too, but not the stops and targets of
        positions; how many OKX has taken. OKX has no such call, so they are read and canceled in batches."""
        await self._reader.learn_instruments()
        rows = [row for row in await self._reader.open_orders() if row.ordId]
        taken = 0
        failures: list[VenueError] = []
        for part in chunks([{"instId": row.instId, "ordId": row.ordId} for row in rows], _BATCH_LIMIT):
            count, wrong = await self._cancel_bodies(part)
            taken += count
            failures += wrong
        waiting = await self._reader.open_algos()
        for row in waiting:
            self._tracker.apply_algo(row)
        guards = {row.algoId for row in self._tracker.protective()}
        own = [{"instId": row.instId, "algoId": row.algoId} for row in waiting if row.algoId not in guards]
        for some in chunks(own, _ALGO_CANCEL_LIMIT):
            try:
                acks = await self._rest.algo(f"{TRADE}cancel-algos", some, urgent=True)
                taken += sum(row_error(ack) is None for ack in acks)
            except VenueError as error:
                failures.append(error)
        if failures and not taken:
            raise failures[0]
        return taken

    async def cancel_after(self, timeout_s: int) -> None:
        """Have OKX cancel everything in so many seconds unless this is called again; 0 disarms. OKX knows 10
        to 120 seconds: what is shorter or longer becomes the nearest."""
        seconds = 0 if timeout_s <= 0 else min(max(timeout_s, _SWITCH_S[0]), _SWITCH_S[1])
        await self._rest.cancel_all_after(seconds)

    async def _close_borrowed(self, request: OrderRequest, client_order_id: str, held: Held) -> SubmitAck:
        """Close spot on credit: all of it by the call that OKX has for that, which pays back what is owed to
        the last bit; a part of it by an order.

        That call names no order: it is asked for by our id ("Close positions", read 2026-08).
        """
        assert request.position_id is not None
        is_whole = self._holdings.is_whole(request.position_id, request.quantity)
        if request.order_type is OrderType.MARKET and is_whole and request.side is held.side.opposite:
            whole = {
                "instId": held.inst_id,
                "mgnMode": held.margin_mode,
                "ccy": held.currency,
                "clOrdId": require_client_id(client_order_id),
            }
            await self._rest.close_position(whole)
            try:
                row = await self._rest.order(held.inst_id, client_id=client_order_id)
            except VenueError as error:
                raise OutcomeUnknown(VENUE_NAME, f"closing, asked after: {error}") from error
            if row is None:
                raise OutcomeUnknown(VENUE_NAME, "closing: no order of this id yet")
            self._tracker.note(client_order_id, row.ordId)
            return SubmitAck(row.ordId)
        body = borrowed_close(request, client_order_id, held)
        await self._limits.take_order(request.instrument.symbol, "orders")
        ack = single(await self._write(_PLACE, [body]), "order")
        self._tracker.note(client_order_id, ack.ordId)
        return SubmitAck(ack.ordId)

    # --- inside ------------------------------------------------------------------------------------------

    async def _write(
        self, words: tuple[str, str, str, str], bodies: Sequence[dict[str, object]], *, urgent: bool = False
    ) -> list[Ack]:
        """By the private socket, or by REST where the socket took nothing. Never both for one order."""
        rest_one, ws_one, rest_many, ws_many = words
        single = len(bodies) == 1
        socket = self._socket
        if socket.ready:
            coded = self._coded(bodies)
            if coded is not None:
                try:
                    return await socket.trading.request(ws_one if single else ws_many, coded)
                except NotSent as error:
                    log.info("the private link took nothing (%s), REST is used", error)
        if single:
            return await self._rest.write(TRADE + rest_one, bodies[0], urgent=urgent)
        return await self._rest.write(TRADE + rest_many, bodies, urgent=urgent)

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
        bodies = [{"instId": inst_id_of(ref.symbol), "algoId": self._venue_id(ref)} for ref in refs]
        rows = await self._rest.algo(f"{TRADE}cancel-algos", bodies, urgent=True)
        require_rows(rows, len(bodies), "cancel-algos")
        for row in rows:
            error = row_error(row)
            if error is not None:
                raise error

    def _is_algo(self, ref: OrderRef) -> bool:
        venue_id = self._venue_id(ref)
        return venue_id is not None and self._tracker.is_algo(venue_id)

    def _venue_id(self, ref: OrderRef) -> str | None:
        return ref.venue_order_id or self._tracker.venue_id(ref.client_order_id or "")

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
        return await self._before.last_price(inst_id_of(request.instrument.symbol))
