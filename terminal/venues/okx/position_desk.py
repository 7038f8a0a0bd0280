"""What a person does to open positions and to the margin behind them (OKX v5, algo orders and account,
2026-07)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from terminal.domain.decimals import wire_text
from terminal.domain.errors import RequestRejected, Unsupported
from terminal.domain.events import VenueEvent
from terminal.domain.orders import Protection
from terminal.venues.base import Leverage
from terminal.venues.okx.before_order import BeforeOrder
from terminal.venues.okx.errors import VENUE_NAME
from terminal.venues.okx.holdings import Holdings
from terminal.venues.okx.margin_modes import ISOLATED, MarginModes
from terminal.venues.okx.order_words import on_grid, protective_amendment, protective_orders
from terminal.venues.okx.orders import OrderTracker
from terminal.venues.okx.parse import maybe, maybe_price, number
from terminal.venues.okx.rest import TRADE, OkxRest
from terminal.venues.okx.symbols import SymbolMap, inst_id_of, inst_type_of
from terminal.venues.okx.trading import as_row, chunks, row_error, single
from terminal.venues.okx.wire import AlgoRow


class PositionDesk:
    """Stops, targets and leverage of positions; raises as a submit."""

    def __init__(
        self,
        rest: OkxRest,
        symbols: SymbolMap,
        tracker: OrderTracker,
        holdings: Holdings,
        before: BeforeOrder,
        modes: MarginModes,
        *,
        emit: Callable[[VenueEvent], None],
    ) -> None:
        self._rest = rest
        self._symbols = symbols
        self._tracker = tracker
        self._holdings = holdings
        self._before = before
        self._modes = modes
        self._emit = emit

    async def protect(self, position_id: str, symbol: str, protection: Protection) -> None:
        """Set the whole stop and target of a position, kept by OKX as reduce-only orders of its present size.

        Where the waiting order has the same legs it is changed in place (``amend-algos``). Else the new ones
        are placed before the old ones are canceled, so that the position is never without; a leg that is None
        is removed.

        Raises:
            RequestRejected: there is no such position.
            VenueError: as a submit.
        """
        await self._before.instruments()
        row, held = self._holdings.row(position_id), self._holdings.held(position_id)
        if row is None or held is None:
            raise _no_such_position(position_id)
        if held.is_borrowed:
            raise Unsupported(
                "protections",
                "Stops and targets of borrowed spot are set on OKX's site: it can be closed here.",
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
            trail = abs(await self._before.last_price(held.inst_id) - stop)
            if not trail:
                raise Unsupported("trailing stop", "A trailing stop has to begin away from the price.")
        size = abs(number(row.pos))
        if trail is None and len(old) == 1:
            terms = protective_amendment(old[0], size, stop=stop, target=target, reference=protection.trigger)
            if terms is not None:
                await self._amend(old[0], terms)
                return
        bodies = protective_orders(
            held,
            size,
            stop=stop,
            target=target,
            trail=trail,
            reference=protection.trigger,
            mode=await self._before.mode(),
        )
        for body in bodies:
            ack = single(await self._rest.algo(f"{TRADE}order-algo", body), "order-algo")
            starts = (
                {"moveTriggerPx": wire_text(stop)} if "callbackSpread" in body and stop is not None else {}
            )
            self._tracker.note("", ack.algoId, algo=as_row({**body, **starts}, ack.algoId))
        for part in chunks([{"instId": each.instId, "algoId": each.algoId} for each in old], 10):
            rows = await self._rest.algo(f"{TRADE}cancel-algos", part, urgent=True)
            for ack in rows:
                error = row_error(ack)
                if error is not None and not isinstance(error, RequestRejected):
                    raise error
        self._tracker.forget_protective(each.algoId for each in self._tracker.protective() if each not in old)
        self._tell()

    async def _amend(self, row: AlgoRow, terms: dict[str, object]) -> None:
        if terms:
            body = {"instId": row.instId, "algoId": row.algoId, **terms}
            single(await self._rest.algo(f"{TRADE}amend-algos", body), "amend-algos")
            self._tracker.amended(row.algoId, terms)
        self._tell()

    def _tell(self) -> None:
        for event in self._holdings.protections_changed():
            self._emit(event)

    async def leverage(self, symbol: str) -> Leverage | None:
        """The leverage of new positions in a derivative, what backs them, and what else could. None where OKX
        names none, as for cross contracts of a portfolio account. Long and short of an isolated instrument
        may have leverages of their own: then it is the lower one."""
        inst_id = inst_id_of(symbol)
        if inst_type_of(inst_id) == "SPOT":
            return None
        account = await self._before.mode()
        mode = self._modes.of(inst_id, account, fresh=True)
        rows = await self._rest.leverage(inst_id, mode)
        found = [value for value in (maybe(row.lever) for row in rows) if value]
        self._modes.tell(inst_id, mode)
        return Leverage(min(found), mode, self._modes.choices(inst_id, account)) if found else None

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Change it in the present margin mode; open positions of that mode change with it. An isolated
        instrument of a hedged account has one for each side: both are set ("Set leverage", scenarios 7 to 11,
        read 2026-08)."""
        inst_id = inst_id_of(symbol)
        if inst_type_of(inst_id) == "SPOT":
            raise Unsupported("leverage", "Spot is paid in full.")
        account = await self._before.mode()
        mode = self._modes.of(inst_id, account)
        sides: tuple[str | None, ...] = (None,)
        if mode == ISOLATED and account.is_hedged:
            sides = ("long", "short")
        for side in sides:
            await self._rest.set_leverage(inst_id, wire_text(leverage), mode, side)

    async def set_margin_mode(self, symbol: str, mode: str) -> None:
        """Have new orders of an instrument backed so; open positions and orders keep theirs.

        Raises:
            Unsupported: this account, or this instrument, has no such mode.
        """
        self._modes.choose(inst_id_of(symbol), mode, await self._before.mode())

    async def move_margin(self, position_id: str, amount: Decimal) -> None:
        """Add to an isolated position's margin, or take from it where the amount is negative.

        ``{"instId":"BTC-USDT-SWAP","posSide":"net","type":"add","amt":"1"}``; ``ccy`` for spot on credit
        ("Increase/decrease margin", read 2026-08).

        Raises:
            RequestRejected: there is no such position.
            Unsupported: all that is free backs it: it has no margin of its own.
        """
        row, held = self._holdings.row(position_id), self._holdings.held(position_id)
        if row is None or held is None:
            raise _no_such_position(position_id)
        if held.margin_mode != ISOLATED:
            raise Unsupported("margin", "All that is free backs this position: it has no margin of its own.")
        if not amount:
            return
        body: dict[str, object] = {
            "instId": held.inst_id,
            "posSide": held.pos_side,
            "type": "add" if amount > 0 else "reduce",
            "amt": wire_text(abs(amount)),
        }
        if held.is_borrowed:
            body["ccy"] = held.currency
        await self._rest.move_margin(body)


def _no_such_position(position_id: str) -> RequestRejected:
    return RequestRejected(
        VENUE_NAME,
        f"no open position {position_id}",
        code="51023",
        venue_text="Position doesn't exist",
        user_text="There is no such position (any more).",
    )
