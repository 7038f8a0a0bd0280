"""The account by REST: its settings, where an order stands, and everything at once for a reconciliation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import msgspec

from terminal.core.clock import Clock
from terminal.domain.account import AccountSnapshot, FeeRates
from terminal.domain.errors import ProtocolViolation, RequestRejected, Unsupported, VenueError
from terminal.domain.events import VenueEvent
from terminal.domain.instrument import Instrument
from terminal.domain.orders import Fill, OrderRef, OrderReport
from terminal.venues.okx import account, wire
from terminal.venues.okx.errors import UNKNOWN_ORDER, VENUE_NAME
from terminal.venues.okx.figures import Figures
from terminal.venues.okx.holdings import Holdings
from terminal.venues.okx.order_words import AccountMode
from terminal.venues.okx.orders import OrderTracker
from terminal.venues.okx.parse import WIRE_ERRORS
from terminal.venues.okx.rest import OkxRest
from terminal.venues.okx.symbols import INST_TYPES, SymbolMap, inst_id_of, inst_types, symbol_of

log = logging.getLogger("venue.okx")

T = TypeVar("T")

_PAGE: Final = 100
_MOST_PAGES: Final = 20
_DAY_MS: Final = 86_400_000
_FILLS_DAYS: Final = 3
_FEES_KEPT_NS: Final = 600 * 1_000_000_000
ALGO_KINDS: Final = ("conditional", "oco", "move_order_stop", "trigger")
"""Each has to be asked for by itself."""


class AccountReader:
    """Reads orders, fills, balances, positions and fees of one key."""

    def __init__(
        self,
        rest: OkxRest,
        symbols: SymbolMap,
        tracker: OrderTracker,
        holdings: Holdings,
        clock: Clock,
        figures: Figures,
        *,
        on_fault: Callable[[str], None],
        on_instruments: Callable[[tuple[Instrument, ...]], None],
        emit: Callable[[VenueEvent], None],
    ) -> None:
        self._rest = rest
        self._symbols = symbols
        self._tracker = tracker
        self._holdings = holdings
        self._clock = clock
        self._figures = figures
        self._on_fault = on_fault
        self._on_instruments = on_instruments
        self._emit = emit
        self._lists_lock = asyncio.Lock()
        self._fees: dict[str, tuple[int, list[wire.FeeRow]]] = {}
        self._mode: AccountMode | None = None
        self.config: wire.ConfigRow | None = None

    async def mode(self, *, again: bool = False) -> AccountMode:
        """How the account is set up; read once and at every sign-in."""
        if self._mode is None or again:
            config = await self._rest.config(urgent=True)
            self.config = config
            self._mode = AccountMode(config.acctLv, config.posMode == "long_short_mode")
        return self._mode

    @property
    def level(self) -> str:
        """The account's mode as read last (``acctLv``); empty while it was not."""
        return "" if self._mode is None else self._mode.level

    async def learn_instruments(self, types: Sequence[str] = INST_TYPES) -> None:
        """Read the lists of instruments, each once."""
        async with self._lists_lock:
            for inst_type in types:
                if inst_type in self._symbols.learned:
                    continue
                changed = self._symbols.learn(await self._rest.instruments(inst_type))
                self._symbols.learned.add(inst_type)
                if changed:
                    self._on_instruments(changed)

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What OKX knows of an order: among all orders, then among the stop orders that wait.

        Raises:
            VenueUnavailable: it could not be asked.
            ProtocolViolation: it knows the order and reports something unreadable.
        """
        await self.learn_instruments()
        inst_id = inst_id_of(ref.symbol)
        venue_id = ref.venue_order_id
        if venue_id is None or not self._tracker.is_algo(venue_id):
            row = await self._look_up(
                inst_id, self._tracker.working_id(venue_id) if venue_id else None, ref.client_order_id
            )
            if row is not None:
                outcome = self._tracker.apply(row)
                key = row.algoId if row.algoId and self._tracker.report(row.algoId) else row.ordId
                return self._answer(outcome.report or self._tracker.report(key), outcome.violation)
        for kind in ALGO_KINDS:
            for algo in await self._algos(kind):
                if algo.algoId == venue_id or (
                    venue_id is None and ref.client_order_id and algo.algoClOrdId == ref.client_order_id
                ):
                    outcome = self._tracker.apply_algo(algo)
                    return self._answer(
                        outcome.report or self._tracker.report(algo.algoId), outcome.violation
                    )
        known = self._tracker.report(venue_id) if venue_id is not None else None
        # A stop order that was canceled is in no list any more; what the stream said of its end stands.
        return known if known is not None and known.state.is_final and known.trigger_price else None

    def _answer(self, report: OrderReport | None, violation: str) -> OrderReport:
        if report is None:
            raise ProtocolViolation(VENUE_NAME, violation or "an order that cannot be read")
        return report

    async def _look_up(
        self, inst_id: str, venue_id: str | None, client_id: str | None
    ) -> wire.OrderRow | None:
        try:
            return await self._rest.order(inst_id, ord_id=venue_id, client_id=client_id)
        except RequestRejected as error:
            if error.code in UNKNOWN_ORDER:
                return None
            raise

    async def open_orders(self) -> list[wire.OrderRow]:
        """Every open order."""
        return await self._pages(
            lambda after: self._rest.orders_pending(after=after), lambda row: row.ordId, "open orders"
        )

    async def open_algos(self) -> list[wire.AlgoRow]:
        """Every waiting stop order."""
        return [row for kind in ALGO_KINDS for row in await self._algos(kind)]

    async def _algos(self, kind: str) -> list[wire.AlgoRow]:
        rows = await self._pages(
            lambda after: self._rest.algos_pending(kind, after=after), lambda row: row.algoId, "stop orders"
        )
        return [msgspec.structs.replace(row, ordType=row.ordType or kind) for row in rows]

    async def snapshot(self, since_ns: int, watched: Sequence[str]) -> AccountSnapshot:
        """Balances, open orders, positions, and what ended or filled since a time; fee rates of the
        ``watched`` symbols.

        An order in a state that OKX does not document is reported IN_DOUBT, never left out.
        """
        await self.learn_instruments()
        mode = await self.mode()
        taken_ns = self._clock.wall_ns()
        since_ms = max(0, since_ns // 1_000_000)
        # Stop orders first: the orders that they place are named after them.
        algos = await self.open_algos()
        self._tracker.forget_protective(row.algoId for row in algos)
        open_orders = self._algo_reports(algos)
        open_orders += self._reports(await self.open_orders())
        types = inst_types(mode.level)
        recent: list[OrderReport] = []
        for inst_type in types:
            recent += self._reports(await self._ended(inst_type, since_ms))
        recent = [report for report in recent if report.state.is_final]
        fills = await self._fills(since_ms, types)
        held = await self._rest.balance()
        money = account.balances(held.details, with_zero=False)
        positions_known = True
        if mode.level != "1":
            try:
                rows = await self._rest.positions()
                for event in self._holdings.take(rows, is_whole=True):
                    self._emit(event)
            except VenueError as error:
                log.warning("the positions could not be read: %s", error)
                positions_known = False
        fees: dict[str, FeeRates] = {}
        for symbol in {*watched, *(report.instrument.symbol for report in open_orders)}:
            try:
                rates = await self.fee_rates(symbol)
            except (VenueError, Unsupported) as error:
                log.info("the fee rates could not be read: %s", error)  # no reason to keep an account closed
                break
            if rates is not None:
                fees[symbol] = rates
        return AccountSnapshot(
            balances=money,
            open_orders=tuple(open_orders),
            recent_orders=tuple(sorted(recent, key=lambda report: -report.ts_event_ns)),
            fills=tuple(sorted(fills, key=lambda fill: fill.ts_event_ns)),
            positions=self._holdings.all(),
            positions_known=positions_known,
            fees=fees,
            figures=self._figures.take(held, held.details, is_whole=True),
            ts_event_ns=taken_ns,
        )

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        """The account's own rates for a symbol; asked at most every ten minutes a type."""
        await self.learn_instruments()
        listing = self._symbols.listing(inst_id_of(symbol))
        if listing is None:
            return None
        now_ns = self._clock.monotonic_ns()
        known = self._fees.get(listing.inst_type)
        if known is None or now_ns - known[0] > _FEES_KEPT_NS:
            known = self._fees[listing.inst_type] = (now_ns, await self._rest.trade_fee(listing.inst_type))
        try:
            return account.fee_rates(known[1], listing.group)
        except WIRE_ERRORS as error:
            raise ProtocolViolation(VENUE_NAME, f"trade-fee: {error}") from error

    # --- inside ------------------------------------------------------------------------------------------

    def _reports(self, rows: Sequence[wire.OrderRow]) -> list[OrderReport]:
        out = []
        for row in rows:
            outcome = self._tracker.apply(row)
            if outcome.violation:
                self._on_fault(outcome.violation)
            key = row.algoId if row.algoId and self._tracker.report(row.algoId) else row.ordId
            # What the stream told meanwhile is newer than what was asked for.
            report = outcome.report or self._tracker.report(key)
            if report is not None:
                out.append(report)
        return out

    def _algo_reports(self, rows: Sequence[wire.AlgoRow]) -> list[OrderReport]:
        out = []
        for row in rows:
            outcome = self._tracker.apply_algo(row)
            if outcome.violation:
                self._on_fault(outcome.violation)
            report = outcome.report or self._tracker.report(row.algoId)
            if report is not None and not report.state.is_final:
                out.append(report)
        return out

    async def _ended(self, inst_type: str, since_ms: int) -> list[wire.OrderRow]:
        """Orders that ended since a time. They come in the order of their creation, so a day before the time
        is looked through as well: what rested longer than that is asked after by its id."""
        out: list[wire.OrderRow] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            rows = await self._rest.orders_history(inst_type, after=after)
            out += [row for row in rows if _ms(row.uTime) >= since_ms]
            if len(rows) < _PAGE or _ms(rows[-1].cTime) < since_ms - _DAY_MS:
                break
            after = rows[-1].ordId
        return out

    async def _fills(self, since_ms: int, types: Sequence[str]) -> list[Fill]:
        rows: list[wire.FillRow] = []
        if self._clock.wall_ns() // 1_000_000 - since_ms < _FILLS_DAYS * _DAY_MS:
            rows = await self._pages(
                lambda after: self._rest.fills(begin_ms=since_ms, after=after),
                lambda row: row.billId,
                "fills",
            )
        else:
            for inst_type in types:
                rows += await self._pages(
                    lambda after, kind=inst_type: self._rest.fills_history(  # type: ignore[misc]
                        kind, begin_ms=since_ms, after=after
                    ),
                    lambda row: row.billId,
                    "fills",
                )
        fills: dict[str, Fill] = {}
        for row in rows:
            if symbol_of(row.instId) is None or _ms(row.fillTime or row.ts) < since_ms:
                continue
            try:
                fill = self._tracker.fill(row)
            except WIRE_ERRORS as error:
                self._on_fault(f"fill {row.tradeId}: {error}")
                continue
            self._tracker.is_new(fill)
            fills[fill.fill_id] = fill._replace(
                position_id=self._holdings.position_of(
                    row.instId, row.posSide, fill.ts_event_ns, mode=self._tracker.margin_mode(row.ordId)
                )
            )
        return list(fills.values())

    async def _pages(
        self,
        ask: Callable[[str | None], Awaitable[list[T]]],
        key: Callable[[T], str],
        what: str,
    ) -> list[T]:
        out: list[T] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            rows = await ask(after)
            out += rows
            if len(rows) < _PAGE:
                return out
            after = key(rows[-1])
        log.warning("more than %d %s; the oldest are not shown", len(out), what)
        return out


def _ms(text: str) -> int:
    return int(text) if text.isdigit() else 0
