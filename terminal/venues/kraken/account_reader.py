"""The account by REST: where an order stands, and everything at once for a reconciliation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from terminal.core.clock import Clock
from terminal.domain.account import AccountSnapshot, FeeRates
from terminal.domain.errors import ProtocolViolation, RequestRejected, VenueError
from terminal.domain.instrument import Instrument
from terminal.domain.orders import Fill, OrderRef, OrderReport, OrderState
from terminal.venues.kraken import account
from terminal.venues.kraken.errors import VENUE_NAME
from terminal.venues.kraken.parse import WIRE_ERRORS
from terminal.venues.kraken.rest import KrakenRest
from terminal.venues.kraken.symbols import SymbolMap
from terminal.venues.kraken.wire import RestOrder

log = logging.getLogger("venue.kraken")

_PAGE = 50
_MOST_PAGES = 10
_FEES_KEPT_NS = 600 * 1_000_000_000
_FEE_SYMBOLS = 20


class AccountReader:
    """Reads orders, fills, balances and fees of one key."""

    def __init__(
        self,
        rest: KrakenRest,
        symbols: SymbolMap,
        clock: Clock,
        *,
        on_fault: Callable[[str], None],
        on_instruments: Callable[[tuple[Instrument, ...]], None],
    ) -> None:
        self._rest = rest
        self._symbols = symbols
        self._clock = clock
        self._on_rest_fault = on_fault
        self._on_instruments = on_instruments
        self._pairs_lock = asyncio.Lock()
        self._fees: dict[str, tuple[int, FeeRates]] = {}

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What Kraken knows of an order: among the open ones, then among those that ended.

        Raises:
            VenueUnavailable: it could not be asked.
            ProtocolViolation: it knows the order and reports something unreadable.
        """
        await self.learn_pairs()
        client_id = ref.client_order_id
        found = await self._rest.open_orders(cl_ord_id=client_id, urgent=True)
        match = _matching(found, ref)
        if match is None and ref.venue_order_id is not None:
            match = _matching(await self._query(ref.venue_order_id), ref)
        if match is None and client_id is not None:
            # The open list first: an order that ends between the two questions is in the second answer.
            closed = await self._rest.closed_orders(
                cl_ord_id=client_id, without_count=True, consolidate_taker=False, urgent=True
            )
            match = _matching(closed.closed, ref)
        if match is None:
            return None
        try:
            return account.order_report(match[0], match[1], self._symbols)
        except WIRE_ERRORS as error:
            raise ProtocolViolation(VENUE_NAME, f"order {match[0]}: {error}") from error

    async def snapshot(self, since_ns: int, watched: Sequence[str]) -> AccountSnapshot:
        """Balances, open orders, and what ended or filled since a time; fee rates also of the ``watched``
        pairs.

        An order in a state that Kraken does not document is reported IN_DOUBT, never left out.
        """
        await self.learn_pairs()
        taken_ns = self._clock.wall_ns()
        # ``start`` is exclusive and counts whole seconds.
        since_s = max(0, since_ns // 1_000_000_000 - 1)
        open_orders = self._reports(await self._rest.open_orders())
        closed: dict[str, RestOrder] = {}
        for page in range(_MOST_PAGES):
            result = await self._rest.closed_orders(
                start=since_s, ofs=page * _PAGE or None, without_count=True, consolidate_taker=False
            )
            closed.update(result.closed)
            if len(result.closed) < _PAGE:
                break
        else:
            log.warning(
                "more than %d orders ended since the last look; the oldest are not shown", len(closed)
            )
        recent = self._reports(closed)
        client_ids = {report.venue_order_id: report.client_order_id for report in (*open_orders, *recent)}
        fills = await self._fills(since_s, client_ids)
        balances = account.balances(await self._rest.balance_ex(), self._symbols)
        symbols = {report.instrument.symbol for report in open_orders} | {
            fill.instrument.symbol for fill in fills
        }
        symbols.update(watched)
        try:
            fees = await self._fee_table(sorted(symbols)[:_FEE_SYMBOLS])
        except VenueError as error:
            log.info("the fee rates could not be read: %s", error)  # no reason to keep an account closed
            fees = {}
        return AccountSnapshot(
            balances=balances,
            open_orders=tuple(open_orders),
            recent_orders=tuple(recent),
            fills=tuple(sorted(fills, key=lambda fill: fill.ts_event_ns)),
            fees=fees,
            holds_from_orders=True,
            ts_event_ns=taken_ns,
        )

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        """The account's own rates for a pair; asked at most every ten minutes."""
        await self.learn_pairs()
        return (await self._fee_table([symbol])).get(symbol)

    async def learn_pairs(self) -> None:
        """Read the names of pairs and assets, once."""
        async with self._pairs_lock:
            if self._symbols.has_rest_names:
                return
            changed = self._symbols.learn_pairs(await self._rest.asset_pairs())
            if changed:
                self._on_instruments(changed)
            if self._rest.has_key:
                try:
                    self._symbols.learn_assets(await self._rest.assets())
                except VenueError as error:
                    log.info("the names of assets could not be read: %s", error)

    async def _query(self, order_id: str) -> dict[str, RestOrder]:
        try:
            return await self._rest.query_orders([order_id], consolidate_taker=False, urgent=True)
        except RequestRejected as error:
            log.info("order %s: %s", order_id, error)
            return {}

    async def look_up(self, order_id: str) -> OrderReport | None:
        """A whole report of an order that the stream only told in part."""
        await self.learn_pairs()
        reports = self._reports(await self._query(order_id))
        return reports[0] if reports else None

    def _reports(self, orders: Mapping[str, RestOrder]) -> list[OrderReport]:
        reports = []
        for order_id, order in orders.items():
            try:
                reports.append(account.order_report(order_id, order, self._symbols))
            except ProtocolViolation as violation:
                self._on_rest_fault(str(violation))
                try:
                    known = account.order_report(
                        order_id, msgspec.structs.replace(order, status="open"), self._symbols
                    )
                except WIRE_ERRORS:
                    continue
                reason = f"Kraken reports a state this program does not know: {violation.code}"
                reports.append(replace(known, state=OrderState.IN_DOUBT, reason=reason))
            except WIRE_ERRORS as error:
                self._on_rest_fault(f"order {order_id}: {error}")
        return reports

    async def _fills(self, since_s: int, client_ids: Mapping[str, str | None]) -> list[Fill]:
        fills: dict[str, Fill] = {}
        for page in range(_MOST_PAGES):
            # Not consolidated: a fill must have the same id here as on the stream, or it would count twice.
            result = await self._rest.trades_history(
                start=since_s, ofs=page * _PAGE or None, consolidate_taker=False, without_count=True
            )
            for trade_id, trade in result.trades.items():
                try:
                    fills[trade_id] = account.fill(
                        trade_id, trade, self._symbols, client_ids.get(trade.ordertxid)
                    )
                except WIRE_ERRORS as error:
                    self._on_rest_fault(f"trade {trade_id}: {error}")
            if len(result.trades) < _PAGE:
                break
        else:
            log.warning("more than %d fills since the last look; the oldest are not shown", len(fills))
        return list(fills.values())

    async def _fee_table(self, symbols: Sequence[str]) -> dict[str, FeeRates]:
        now_ns = self._clock.monotonic_ns()
        missing = [
            symbol
            for symbol in symbols
            if symbol not in self._fees or now_ns - self._fees[symbol][0] > _FEES_KEPT_NS
        ]
        if missing:
            result = await self._rest.trade_volume([self._symbols.rest_pair(symbol) for symbol in missing])
            try:
                fresh = account.fee_rates(result, self._symbols)
            except WIRE_ERRORS as error:
                raise ProtocolViolation(VENUE_NAME, f"TradeVolume: {error}") from error
            self._fees.update((symbol, (now_ns, rates)) for symbol, rates in fresh.items())
        return {symbol: self._fees[symbol][1] for symbol in symbols if symbol in self._fees}


def _matching(orders: Mapping[str, RestOrder], ref: OrderRef) -> tuple[str, RestOrder] | None:
    """The order that is meant: by Kraken's id, else the newest with ours (an id may come again after an
    end)."""
    if ref.venue_order_id is not None and ref.venue_order_id in orders:
        return ref.venue_order_id, orders[ref.venue_order_id]
    if ref.client_order_id is None:
        return None
    named = [(key, order) for key, order in orders.items() if order.cl_ord_id == ref.client_order_id]
    return max(named, key=lambda pair: pair[1].opentm, default=None)
