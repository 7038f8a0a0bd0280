"""How orders of the practice broker come into the world, are filled and end, and what is told of it.

The events and their order are the flows A to N of Open API 2.0 (section 13 of its description); some
milliseconds pass between them, as at the real venue. Everything here acts on the present prices and the
present depth: nothing is scripted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Final, Protocol

from terminal.domain.market import Side
from terminal.emulators.ctrader.ledger import Ledger
from terminal.emulators.ctrader.margin import Holding, holding_of
from terminal.emulators.ctrader.messages import average
from terminal.emulators.ctrader.money import (
    base_rate,
    commission,
    conversion_fee,
    gross_profit,
    to_cents,
)
from terminal.emulators.ctrader.orders import Slice, bound_of, plan, point, wants_to_act, whole_price
from terminal.emulators.ctrader.positions import close_part, open_part
from terminal.emulators.ctrader.records import Account, Closing, Deal, Order, Position, Protection
from terminal.venues.ctrader import openapi_pb2 as pb

PAUSE_S: Final = (0.003, 0.020)
"""Between two messages of one flow: shortest and longest."""


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """It will not."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls something after so many seconds."""


class Execution:
    """Fills, protections and endings of all accounts."""

    def __init__(self, ledger: Ledger, later: Later, rng: random.Random) -> None:
        self._ledger = ledger
        self._later = later
        self._rng = rng
        self._timers: set[Timer] = set()
        self.refusals: dict[int, str] = {}
        """Error code that the next execution of an account ends with, by account: a rehearsal."""

    def after_a_pause(self, act: Callable[[], None]) -> None:
        """Do something a few milliseconds from now, as a step of its own."""
        timer: Timer | None = None

        def run() -> None:
            if timer is not None:
                self._timers.discard(timer)
            act()
            self._ledger.finish()

        timer = self._later(self._rng.uniform(*PAUSE_S), run)
        self._timers.add(timer)

    def close(self) -> None:
        """Nothing more happens."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def resume(self) -> None:
        """Go on with what was under way when the process ended."""
        for order in list(self._ledger.orders.values()):
            if not order.rests and not order.is_protection:
                self.after_a_pause(partial(self.execute, order))
        for position in self._ledger.positions.values():
            self.after_a_pause(partial(self.settle, position))

    def _account(self, what: Order | Position) -> Account:
        return self._ledger.accounts[what.account]

    def _is_current(self, order: Order) -> bool:
        return self._ledger.orders.get(order.order_id) is order

    def position_of(self, order: Order) -> Position | None:
        """What an order opens or changes."""
        return self._ledger.positions.get(order.position_id)

    # ---- orders ----------------------------------------------------------------------------------

    def accept(self, order: Order, request_id: str | None, *, by_server: bool = False) -> None:
        """Take an order in: it waits, or is executed a moment later."""
        self._ledger.add_order(order)
        self._ledger.execution(
            pb.ORDER_ACCEPTED, self._account(order), order=order, position=self.position_of(order),
            request_id=request_id, by_server=by_server,
        )  # fmt: skip
        if order.rests:
            self.look_soon(order)
        else:
            self.after_a_pause(partial(self.execute, order, request_id, by_server=by_server))

    def look_soon(self, order: Order) -> None:
        """See a moment later whether the market is at a waiting order already."""
        self.after_a_pause(partial(self.look_at, order))

    def look_at(self, order: Order) -> None:
        """Execute a waiting limit order that the market is already at."""
        if not self._is_current(order) or order.is_executing or order.order_type != pb.LIMIT:
            return
        spec, market = self._ledger.spec_of(order), self._ledger.market
        if self.pending_may_act(order) and wants_to_act(
            order, spec, market.bid(spec.id), market.ask(spec.id)
        ):
            self.execute(order, by_server=True)

    def pending_may_act(self, order: Order) -> bool:
        """Whether the symbol's trading mode and hours let a waiting order trade."""
        mode = self._ledger.spec_of(order).trading_mode
        allowed = mode in (pb.ENABLED, pb.DISABLED_WITH_PENDINGS_EXECUTION)
        return allowed and self._ledger.is_open(order.symbol_id)

    def execute(
        self,
        order: Order,
        request_id: str | None = None,
        *,
        by_server: bool = False,
        at_market: bool = False,
    ) -> None:
        """Trade an order against the depth; a new step for each price that it takes.

        Args:
            at_market: whatever price it asks for.
        """
        if not self._is_current(order) or order.is_executing:
            return None
        ledger = self._ledger
        told = partial(self.reject, order, request_id=request_id, by_server=by_server)
        refusal = self.refusals.pop(order.account, "")
        if refusal:
            return told(refusal)
        if not ledger.is_open(order.symbol_id):
            return told("MARKET_CLOSED")
        position, volume = self.position_of(order), order.remaining
        if position is None and self._needs_position(order):
            return told("POSITION_NOT_FOUND")
        if position is not None and self._only_reduces(order, position):
            volume = min(volume, position.volume)
        if not volume:
            return told("POSITION_NOT_FOUND")
        spec = ledger.spec_of(order)
        depth = ledger.market.depth(spec.id, order.side)
        if order.is_stop_out and depth:
            slices = [Slice(whole_price(depth, volume, spec), volume)]
        else:
            slices = plan(depth, volume, order.side, None if at_market else bound_of(order, spec))
        planned = sum(one.volume for one in slices)
        if order.time_in_force == pb.FILL_OR_KILL and planned < order.remaining:
            return self.end(order, request_id, by_server=by_server)
        if not slices:
            if order.rests and order.order_type != pb.STOP:
                return None
            return self.end(order, request_id, by_server=by_server)
        error = self.shortfall(order, planned, slices[0].price)
        if error:
            return told(error)
        order.is_executing = True
        return self._fill(order, slices, request_id, by_server)

    def _needs_position(self, order: Order) -> bool:
        """It cannot trade without the position it names."""
        return order.is_closing or not self._account(order).is_netted

    def _only_reduces(self, order: Order, position: Position) -> bool:
        if order.is_closing:
            return True
        hedged = not self._account(order).is_netted
        return hedged and bool(position.volume) and position.side is not order.side

    def _fill(self, order: Order, slices: list[Slice], request_id: str | None, by_server: bool) -> None:
        if not self._is_current(order):
            return None
        piece, rest = slices[0], slices[1:]
        volume = min(piece.volume, order.remaining)
        position = self.position_of(order)
        if position is not None and self._only_reduces(order, position):
            volume = min(volume, position.volume)
        if not volume or (position is None and self._needs_position(order)):
            return self.end(order, request_id, by_server=by_server)
        target = self._trade(order, piece.price, volume, request_id, by_server)
        if self._is_current(order):
            if rest:
                return self.after_a_pause(partial(self._fill, order, rest, request_id, by_server))
            order.is_executing = False
            if not order.rests or order.order_type == pb.STOP:
                self.end(order, request_id, by_server=by_server)
        return self.after_a_pause(partial(self.settle, target))

    def _trade(
        self, order: Order, price: Decimal, volume: int, request_id: str | None, by_server: bool
    ) -> Position:
        """One fill; where it turns a netted position round, a closing and an opening."""
        account = self._account(order)
        target = self._target(account, order)
        if target.volume and target.side is not order.side:
            part = min(volume, target.volume)
            volume -= part
            deal = self._closing_deal(account, target, order, price, part)
            self._report(account, order, target, deal, request_id, by_server, is_turning=bool(volume))
        if volume:
            deal = self._opening_deal(account, target, order, price, volume)
            self._report(account, order, target, deal, request_id, by_server)
        return target

    def _target(self, account: Account, order: Order) -> Position:
        """The position that a fill goes to."""
        ledger = self._ledger
        own = self.position_of(order)
        netted = ledger.netted_position(account, order.symbol_id)
        if netted is not None and netted is not own:
            if own is not None and not own.volume:
                ledger.drop_position(own)
            order.position_id = netted.position_id
            return netted
        if own is None:
            own = self.shell(order)
            order.position_id = own.position_id
        return own

    def shell(self, order: Order) -> Position:
        """An empty position that an order may open."""
        position = Position(
            self._ledger.next_id("position"), order.account, order.symbol_id, order.side,
            order.created_ms, order.created_ms, label=order.label, comment=order.comment,
        )  # fmt: skip
        self._ledger.add_position(position)
        return position

    @staticmethod
    def _clear(position: Position) -> None:
        """Nothing of what is closed acts on what may be opened in its place."""
        position.stop_loss = position.take_profit = position.trail_distance = position.due = None
        position.trailing = position.guaranteed = position.gsl_charged = False

    # ---- deals -----------------------------------------------------------------------------------

    def _deal(self, account: Account, target: Position, order: Order, price: Decimal, volume: int) -> Deal:
        spec, market = self._ledger.spec_of(order), self._ledger.market
        now = self._ledger.now_ms()
        done = volume == order.remaining
        return Deal(
            deal_id=self._ledger.next_id("deal"), account=account.ctid, order_id=order.order_id,
            position_id=target.position_id, symbol_id=spec.id, side=order.side, volume=order.remaining,
            filled=volume, price=price, created_ms=now, executed_ms=now,
            status=pb.FILLED if done else pb.PARTIALLY_FILLED,
            margin_rate=base_rate(spec, price, account.currency, market),
            usd_rate=base_rate(spec, price, "USD", market),
            commission=commission(spec, volume, price, account.currency, market),
        )  # fmt: skip

    def _opening_deal(
        self, account: Account, target: Position, order: Order, price: Decimal, volume: int
    ) -> Deal:
        deal = self._deal(account, target, order, price, volume)
        if not target.volume:
            target.label, target.comment = order.label, order.comment
        open_part(
            target, order.side, volume, price, margin_rate=deal.margin_rate, usd_rate=deal.usd_rate,
            commission=deal.commission, deal_id=deal.deal_id, now_ms=deal.executed_ms,
        )  # fmt: skip
        return deal

    def _closing_deal(
        self, account: Account, target: Position, order: Order, price: Decimal, volume: int
    ) -> Deal:
        deal = self._deal(account, target, order, price, volume)
        spec = self._ledger.spec_of(order)
        rate = self._ledger.market.rate(spec.quote, account.currency)
        closed = close_part(target, volume, deal.executed_ms)
        if not target.volume:
            self._clear(target)
        gross = gross_profit(spec, target.side, volume, closed.entry_price, price, rate)
        closing = Closing(
            entry_price=closed.entry_price, gross_profit=gross, swap=closed.swap,
            commission=closed.commission + deal.commission, balance=0, balance_version=0, rate=rate,
            volume=volume, conversion_fee=conversion_fee(spec, gross, account.currency), lots=closed.lots,
        )  # fmt: skip
        account.balance += closing.net
        account.balance_version += 1
        account.last_close_ms = deal.executed_ms
        deal.closing = replace(closing, balance=account.balance, balance_version=account.balance_version)
        self._ledger.keep(account)
        return deal

    def _report(
        self,
        account: Account,
        order: Order,
        target: Position,
        deal: Deal,
        request_id: str | None,
        by_server: bool,
        *,
        is_turning: bool = False,
    ) -> None:
        """Tell a deal; the order is filled with it, or goes on."""
        ledger = self._ledger
        order.executed += deal.filled
        order.value += deal.price * deal.filled
        order.updated_ms = deal.executed_ms
        if order.remaining:
            kind = pb.ORDER_PARTIAL_FILL
            ledger.keep(order)
        else:
            kind = pb.ORDER_FILLED
            ledger.end_order(order, pb.ORDER_STATUS_FILLED)
        if target.volume and deal.closing is None:
            target.due = self._due(order) or target.due
        status = None
        if not target.volume and not is_turning:
            keeps_protection = ledger.protection_of(target) is not None
            status = pb.POSITION_STATUS_CREATED if keeps_protection else pb.POSITION_STATUS_CLOSED
        ledger.keep(deal)
        ledger.keep(target)
        ledger.share_margin(account, order.symbol_id, target)
        ledger.execution(
            kind, account, order=order, position=target, status=status, deal=deal, request_id=request_id,
            by_server=by_server,
        )  # fmt: skip
        if status == pb.POSITION_STATUS_CLOSED:
            ledger.drop_position(target)
        elif status == pb.POSITION_STATUS_CREATED:
            self.after_a_pause(partial(self.settle, target))

    def _due(self, order: Order) -> Protection | None:
        """The stop and target that come with an order, at the price it was filled at."""
        spec = self._ledger.spec_of(order)
        entry = average(order.value, order.executed, spec.digits).quantize(point(spec))
        sign = order.side.sign
        stop, target = order.stop_loss, order.take_profit
        if order.relative_stop_loss is not None:
            stop = entry - sign * order.relative_stop_loss
        if order.relative_take_profit is not None:
            target = entry + sign * order.relative_take_profit
        due = Protection(stop, target, order.trailing, order.guaranteed, order.trigger_method)
        return due if due else None

    # ---- stop and target -------------------------------------------------------------------------

    def settle(self, position: Position) -> None:
        """Bring the protective order in line with its position after fills."""
        ledger = self._ledger
        if ledger.positions.get(position.position_id) is not position:
            return
        account, order = self._account(position), ledger.protection_of(position)
        is_stale = not position.volume or not (position.due or position.protection())
        if order is not None and (is_stale or order.side is position.side):
            position.protection_id = 0
            ledger.end_order(order, pb.ORDER_STATUS_CANCELLED)
            gone = None if position.volume else pb.POSITION_STATUS_CLOSED
            ledger.keep(position)
            ledger.execution(
                pb.ORDER_CANCELLED, account, order=order, position=position, status=gone, by_server=True
            )
            order = None
        if not position.volume:
            if not any(one.position_id == position.position_id for one in ledger.orders.values()):
                ledger.drop_position(position)
            return
        due, position.due = position.due, None
        if due is not None:
            ledger.keep(position)
            self.protect(position, due, by_server=True)
        elif order is not None and order.volume != position.volume:
            order.volume = position.volume
            order.updated_ms = ledger.now_ms()
            ledger.keep(order)
            ledger.execution(pb.ORDER_REPLACED, account, order=order, position=position, by_server=True)

    def protect(
        self,
        position: Position,
        wanted: Protection,
        request_id: str | None = None,
        *,
        by_server: bool = False,
    ) -> None:
        """Give a position this stop and target and no others."""
        ledger = self._ledger
        account, order, now = self._account(position), ledger.protection_of(position), ledger.now_ms()
        moved = wanted.stop_loss != position.stop_loss or not position.trailing
        position.stop_loss, position.take_profit = wanted.stop_loss, wanted.take_profit
        position.trailing = wanted.trailing and wanted.stop_loss is not None
        position.guaranteed = wanted.guaranteed and wanted.stop_loss is not None
        position.trigger_method = wanted.trigger_method
        position.updated_ms = now
        if moved:
            position.hits = 0
            position.trail_distance = self._trail_distance(position)
        kind = pb.ORDER_REPLACED
        if order is None:
            kind = pb.ORDER_ACCEPTED
            order = Order(
                ledger.next_id("order"), position.account, position.symbol_id, position.side.opposite,
                pb.STOP_LOSS_TAKE_PROFIT, position.volume, pb.GOOD_TILL_CANCEL, position.position_id, now,
                now, label=position.label, comment=position.comment, is_closing=True,
            )  # fmt: skip
            position.protection_id = order.order_id
            ledger.add_order(order)
        order.volume = position.volume
        self._write_levels(order, position, now)
        if not wanted:
            kind = pb.ORDER_CANCELLED
            position.protection_id = 0
            ledger.end_order(order, pb.ORDER_STATUS_CANCELLED)
        ledger.keep(position)
        ledger.execution(
            kind, account, order=order, position=position, request_id=request_id, by_server=by_server
        )
        if position.guaranteed and not position.gsl_charged:
            self._charge_guarantee(account, position)

    def unprotect(self, position: Position, request_id: str | None) -> None:
        """Take stop and target away."""
        self.protect(position, Protection(), request_id)

    def _write_levels(self, order: Order, position: Position, now: int) -> None:
        order.stop, order.limit = position.stop_loss, position.take_profit
        order.trailing, order.guaranteed = position.trailing, position.guaranteed
        order.trigger_method = position.trigger_method
        order.updated_ms = now
        self._ledger.keep(order)

    def _trail_distance(self, position: Position) -> Decimal | None:
        if not position.trailing or position.stop_loss is None:
            return None
        spec, market = self._ledger.spec_of(position), self._ledger.market
        if position.side is Side.BUY:
            distance = market.bid(spec.id) - position.stop_loss
        else:
            distance = position.stop_loss - market.ask(spec.id)
        return max(distance, point(spec))

    def _charge_guarantee(self, account: Account, position: Position) -> None:
        spec = self._ledger.spec_of(position)
        position.gsl_charged = True
        self._ledger.keep(position)
        rate = self._ledger.market.rate(spec.quote, account.currency)
        cost = to_cents(spec.gsl_charge * point(spec) * position.units * rate)
        if cost:
            self._ledger.move_cash(
                account, pb.BALANCE_WITHDRAW_GSL_CHARGE, -cost, f"Guaranteed stop of {position.position_id}"
            )

    def trail(self, position: Position, stop: Decimal) -> None:
        """Move a trailing stop; 2107 is all that is told of it."""
        order, now = self._ledger.protection_of(position), self._ledger.now_ms()
        if order is None:
            return
        position.stop_loss = order.stop = stop
        position.updated_ms = order.updated_ms = now
        position.hits = 0
        self._ledger.keep(position)
        self._ledger.keep(order)
        self._ledger.tell(
            position.account,
            pb.ProtoOATrailingSLChangedEvent(
                ctidTraderAccountId=position.account, positionId=position.position_id,
                orderId=order.order_id, stopPrice=float(stop), utcLastUpdateTimestamp=now,
            ),
        )  # fmt: skip

    def hit(self, position: Position, price: Decimal) -> None:
        """Close a position by its protective order: one event, and it is gone."""
        order = self._ledger.protection_of(position)
        if order is None:
            return
        account = self._account(position)
        order.volume = position.volume
        position.protection_id = 0
        deal = self._closing_deal(account, position, order, price, position.volume)
        self._report(account, order, position, deal, None, True)

    # ---- money -----------------------------------------------------------------------------------

    def opening_volume(self, order: Order, volume: int) -> int:
        """How much of a volume would open rather than close."""
        target = self._ledger.netted_position(self._account(order), order.symbol_id)
        target = target or self.position_of(order)
        if target is None or not target.volume or target.side is order.side:
            return 0 if order.is_closing else volume
        return max(0, volume - target.volume)

    def shortfall(self, order: Order, volume: int, price: Decimal) -> str:
        """Why an order may not open so much at that price; empty if it may."""
        ledger, account, spec = self._ledger, self._account(order), self._ledger.spec_of(order)
        opening = self.opening_volume(order, volume)
        if not opening:
            return ""
        found = ledger.open_positions(account.ctid, spec.id)
        if spec.max_exposure and sum(one.volume for one in found) + opening > spec.max_exposure:
            return "MAX_EXPOSURE_REACHED"
        target = ledger.netted_position(account, spec.id) or self.position_of(order)
        holdings = [holding_of(one) for one in found if one is not target]
        margin_rate = base_rate(spec, price, account.currency, ledger.market)
        usd_rate = base_rate(spec, price, "USD", ledger.market)
        added = Holding(order.side, opening, margin_rate, usd_rate)
        if target is not None and target.volume and target.side is order.side:
            holdings.append(holding_of(target))
        before = sum(one.used_margin for one in found)
        needed = sum(ledger.margins(account, spec, [*holdings, added])) - before
        if needed <= 0:
            return ""
        cost = -commission(spec, opening, price, account.currency, ledger.market)
        free = ledger.equity(account) - ledger.used_margin(account)
        return "NOT_ENOUGH_MONEY" if needed + cost > free else ""

    # ---- endings ---------------------------------------------------------------------------------

    def _leave(self, order: Order) -> tuple[Position | None, pb.ProtoOAPositionStatus | None]:
        """The position as it is told with an order's end; an empty one goes with its last order."""
        position = self.position_of(order)
        if position is None or position.volume:
            return position, None
        if any(one.position_id == position.position_id for one in self._ledger.orders.values()):
            return position, None
        self._ledger.drop_position(position)
        return position, pb.POSITION_STATUS_CLOSED

    def end(
        self,
        order: Order,
        request_id: str | None = None,
        *,
        by_server: bool = False,
        status: pb.ProtoOAOrderStatus = pb.ORDER_STATUS_CANCELLED,
    ) -> None:
        """Cancel an order or what is left of it, or let it expire."""
        self._ledger.end_order(order, status)
        position, closed = self._leave(order)
        kind = pb.ORDER_EXPIRED if status == pb.ORDER_STATUS_EXPIRED else pb.ORDER_CANCELLED
        self._ledger.execution(
            kind, self._account(order), order=order, position=position, status=closed,
            request_id=request_id, by_server=by_server,
        )  # fmt: skip

    def reject(
        self, order: Order, code: str, *, request_id: str | None = None, by_server: bool = False
    ) -> None:
        """Refuse an order after it was taken in."""
        if order.executed:
            return self.end(order, request_id, by_server=by_server)
        self._ledger.end_order(order, pb.ORDER_STATUS_REJECTED)
        position, closed = self._leave(order)
        return self._ledger.execution(
            pb.ORDER_REJECTED, self._account(order), order=order, position=position, status=closed,
            error=code, request_id=request_id, by_server=by_server,
        )  # fmt: skip
