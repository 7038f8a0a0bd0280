"""The practice broker of cTrader: accounts that trade, by rules, on the practice market's prices.

It knows no sockets. A face hands it the requests of authorised accounts (:meth:`Broker.handle`), lets it see
time pass (:meth:`Broker.on_timer`) and delivers what it has to tell (:attr:`Broker.emit`); ticks it hears
from the quotes itself. One thread; no method may be called from within ``emit``.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from terminal.core.clock import Clock
from terminal.domain.market import Side
from terminal.emulators.ctrader import messages
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.execution import Execution, Later
from terminal.emulators.ctrader.intake import Intake, refuse
from terminal.emulators.ctrader.ledger import Emit, Ledger, Market, Symbols
from terminal.emulators.ctrader.lists import PAGE_ROWS, Lists
from terminal.emulators.ctrader.margin import Holding
from terminal.emulators.ctrader.money import base_rate
from terminal.emulators.ctrader.orders import (
    stop_loss_hit,
    take_profit_hit,
    trailed_stop,
    wants_to_act,
    whole_price,
)
from terminal.emulators.ctrader.records import MONEY_DIGITS, Account, Order, Position
from terminal.emulators.ctrader.risk import Risk, margin_call
from terminal.emulators.market.store import Store
from terminal.venues.ctrader import openapi_pb2 as pb

log = logging.getLogger("practice")

PRACTICE_ACCOUNTS: Final = (
    Account(
        5120001, 3120001, False, "Practice Markets", "USD", pb.HEDGED, pb.MAX, 20_000, 10_000_00
    ),
    Account(
        5120002, 3120002, False, "Practice Markets", "EUR", pb.NETTED, pb.NET, 10_000, 5_000_00,
        stop_out_strategy=pb.MOST_LOSING_FIRST,
    ),
    Account(7230001, 4230001, True, "Example Brokers", "USD", pb.HEDGED, pb.SUM, 5_000, 2_500_00),
)  # fmt: skip
"""What a new practice world has: hedged in dollars, netted in euros, and one that counts as live."""

_TRADING: Final = (
    pb.ProtoOANewOrderReq, pb.ProtoOACancelOrderReq, pb.ProtoOAAmendOrderReq,
    pb.ProtoOAAmendPositionSLTPReq, pb.ProtoOAClosePositionReq, pb.ProtoOAMarginCallUpdateReq,
)  # fmt: skip

M = TypeVar("M", bound=Message)


class Broker:
    """All accounts of the practice venue.

    Args:
        later: calls a function after so many seconds; by default the running event loop does.
        accounts: with what a new world begins; those that the store has are taken up as they were.
        page_rows: the most rows in one answer about the past.
    """

    def __init__(
        self,
        quotes: Market,
        symbols: Symbols,
        clock: Clock,
        store: Store,
        rng: random.Random,
        *,
        later: Later,
        accounts: tuple[Account, ...] = PRACTICE_ACCOUNTS,
        page_rows: int = PAGE_ROWS,
    ) -> None:
        self._beginnings = {one.ctid: one for one in accounts}
        self._ledger = Ledger(quotes, symbols, store, clock)
        self._execution = Execution(self._ledger, later, rng)
        self._intake = Intake(self._ledger, self._execution)
        self._risk = Risk(self._ledger, self._execution, self._intake)
        self._lists = Lists(self._ledger, page_rows)
        self._quotes = quotes
        self._profit_sessions: dict[int, set[Hashable]] = {}
        self._races: set[int] = set()
        self.on_reset: list[Callable[[int], None]] = []
        """Called with the number of an account that has begun anew: whoever shows it has to read it again."""
        self._handlers: dict[type[Message], Callable[..., Message | None]] = {
            pb.ProtoOANewOrderReq: self._new_order,
            pb.ProtoOACancelOrderReq: self._cancel_order,
            pb.ProtoOAAmendOrderReq: self._amend_order,
            pb.ProtoOAAmendPositionSLTPReq: self._amend_position,
            pb.ProtoOAClosePositionReq: self._close_position,
            pb.ProtoOATraderReq: self._trader,
            pb.ProtoOAReconcileReq: self._reconcile,
            pb.ProtoOAExpectedMarginReq: self._expected_margin,
            pb.ProtoOAMarginCallListReq: self._margin_calls,
            pb.ProtoOAMarginCallUpdateReq: self._update_margin_call,
            pb.ProtoOAGetDynamicLeverageByIDReq: self._leverage,
            pb.ProtoOAGetPositionUnrealizedPnLReq: self._unrealised,
            pb.ProtoOAv1PnLChangeSubscribeReq: self._subscribe_profit,
            pb.ProtoOAv1PnLChangeUnSubscribeReq: self._unsubscribe_profit,
            pb.ProtoOADealListReq: self._ask(self._lists.deals),
            pb.ProtoOADealListByPositionIdReq: self._ask(self._lists.position_deals),
            pb.ProtoOADealOffsetListReq: self._ask(self._lists.offsets),
            pb.ProtoOAOrderListReq: self._ask(self._lists.orders),
            pb.ProtoOAOrderListByPositionIdReq: self._ask(self._lists.position_orders),
            pb.ProtoOAOrderDetailsReq: self._ask(self._lists.order_details),
            pb.ProtoOACashFlowHistoryListReq: self._ask(self._lists.cash_flow),
        }
        self._ledger.load()
        for ctid in self._beginnings:
            if ctid not in self._ledger.accounts:
                self._begin(ctid)
        self._ledger.finish()
        self._has_resumed = False
        quotes.on_tick.append(self.on_tick)

    # ---- for the face ----------------------------------------------------------------------------

    @property
    def emit(self) -> Emit:
        """Who delivers messages: called with the account's number, the message, and the ``clientMsgId`` of
        the request that caused it, as it was given to :meth:`handle` (None for none)."""
        return self._ledger.emit

    @emit.setter
    def emit(self, emit: Emit) -> None:
        self._ledger.emit = emit

    @property
    def accounts(self) -> dict[int, Account]:
        """By number."""
        return self._ledger.accounts

    def open_positions(self, ctid: int, symbol_id: int | None = None) -> list[Position]:
        """An account's positions, oldest first."""
        return self._ledger.open_positions(ctid, symbol_id)

    def equity(self, ctid: int) -> int:
        """Balance and the net profit of what is open, cents."""
        return self._ledger.equity(self.accounts[ctid])

    @property
    def handled(self) -> frozenset[type[Message]]:
        """The requests that :meth:`handle` answers."""
        return frozenset(self._handlers)

    def handle(
        self,
        message: Message,
        *,
        client_msg_id: str | None = None,
        can_trade: bool = True,
        session: Hashable = None,
    ) -> Message | None:
        """Do what a request of an authorised account asks; its answer, or None where events are the answer.

        Args:
            client_msg_id: handed to :attr:`emit` as it is.
            can_trade: whether the connection's token has the scope "trading".
            session: the connection, for what one subscribes to.

        Raises:
            OpenApiError: it is refused.
        """
        handler = self._handlers.get(type(message))
        if handler is None:
            raise OpenApiError("UNSUPPORTED_MESSAGE", type(message).__name__, carrier="50")
        account = self.accounts.get(message.ctidTraderAccountId)  # type: ignore[attr-defined]
        if account is None:
            raise OpenApiError("INVALID_REQUEST", "Trading account is not authorized")
        if isinstance(message, _TRADING) and not can_trade:
            raise OpenApiError("TRADING_NOT_ALLOWED", "The token is for viewing only")
        try:
            return handler(account, message, client_msg_id, session)
        finally:
            self._ledger.finish()

    def watches_profit(self, ctid: int, session: Hashable) -> bool:
        """Whether a connection has asked for the profit events (2189) of an account."""
        return session in self._profit_sessions.get(ctid, ())

    def forget_session(self, session: Hashable, ctid: int | None = None) -> None:
        """A connection is gone, or has left an account."""
        for one in [ctid] if ctid is not None else list(self._profit_sessions):
            self._profit_sessions.get(one, set()).discard(session)

    def close(self) -> None:
        """Nothing happens any more; everything is written."""
        self._execution.close()
        if self.on_tick in self._quotes.on_tick:
            self._quotes.on_tick.remove(self.on_tick)
        self._ledger.close()

    # ---- time ------------------------------------------------------------------------------------

    def on_tick(self, symbol_id: int) -> None:
        """A price of a symbol has changed. Subscribed to the quotes from the start."""
        ledger = self._ledger
        orders = [
            one for one in ledger.orders.values() if one.symbol_id == symbol_id and not one.is_protection
        ]
        positions = [one for one in ledger.positions.values() if one.symbol_id == symbol_id and one.volume]
        if not orders and not positions:
            return
        if not ledger.is_open(symbol_id):
            return
        self._look_at_stops(symbol_id, positions)
        self._look_at_orders(symbol_id, orders)
        for ctid in {one.account for one in positions}:
            self._risk.look_at(self.accounts[ctid])
        ledger.finish()

    def _look_at_stops(self, symbol_id: int, positions: list[Position]) -> None:
        ledger, market = self._ledger, self._quotes
        spec = ledger.table.spec(symbol_id)
        if spec.trading_mode == pb.DISABLED_WITHOUT_PENDINGS_EXECUTION:
            return
        bid, ask = market.bid(symbol_id), market.ask(symbol_id)
        for position in positions:
            stop = trailed_stop(position, bid, ask)
            if stop is not None:
                self._execution.trail(position, stop)
            side = position.side.opposite
            if stop_loss_hit(position, bid, ask) and position.stop_loss is not None:
                depth = market.depth(symbol_id, side)
                price = whole_price(depth, position.volume, spec) if depth else None
                if position.guaranteed or price is None:
                    price = position.stop_loss
                self._execution.hit(position, price)
            elif take_profit_hit(position, bid, ask) and position.take_profit is not None:
                depth = market.depth(symbol_id, side)
                price = position.take_profit
                if depth:
                    price = whole_price(depth, position.volume, spec, at_least=(side, price))
                self._execution.hit(position, price)

    def _look_at_orders(self, symbol_id: int, orders: list[Order]) -> None:
        spec = self._ledger.table.spec(symbol_id)
        bid, ask = self._quotes.bid(symbol_id), self._quotes.ask(symbol_id)
        for order in orders:
            if not order.rests or order.is_executing or not self._execution.pending_may_act(order):
                continue
            if wants_to_act(order, spec, bid, ask):
                self._execution.execute(order, by_server=True)

    def on_timer(self, now_ns: int | None = None) -> None:
        """Let time pass: expiry, swaps, profit events, margin; at first what was under way before a restart.
        A few times a second is enough."""
        now_ms = self._ledger.now_ms() if now_ns is None else now_ns // 1_000_000
        if not self._has_resumed:
            self._has_resumed = True
            self._execution.resume()
        self._risk.expire(now_ms)
        self._risk.roll_over(now_ms)
        for account in list(self.accounts.values()):
            self._risk.look_at(account)
        wanted = {ctid for ctid, sessions in self._profit_sessions.items() if sessions}
        self._risk.tell_profits(wanted, now_ms)
        self._ledger.finish()

    # ---- beginnings ------------------------------------------------------------------------------

    def _begin(self, ctid: int) -> None:
        now = self._ledger.now_ms()
        terms = self._beginnings[ctid]
        account = replace(
            terms, registered_ms=now, rolled_ms=now, thresholds=dict(terms.thresholds), warned=[]
        )
        self.accounts[ctid] = account
        self._ledger.keep(account)
        self._ledger.move_cash(account, pb.BALANCE_DEPOSIT, account.deposit, "Practice money")

    def reset(self, ctid: int) -> None:
        """Begin an account anew: no orders, positions or history, the first deposit again.

        Raises:
            KeyError: no such account.
        """
        if ctid not in self._beginnings:
            raise KeyError(ctid)
        self._ledger.forget(ctid)
        self._risk.forget_profit(ctid)
        self._begin(ctid)
        self._ledger.finish()
        for listener in tuple(self.on_reset):
            listener(ctid)

    def change_account(self, ctid: int, **terms: Any) -> None:
        """Give an account other terms, such as ``access_rights`` or ``leverage_in_cents``, and tell it.

        Raises:
            KeyError: no such account.
            TypeError: no such term.
        """
        account = self.accounts[ctid]
        replace(account, **terms)  # refuses names that are none
        for name, value in terms.items():
            setattr(account, name, value)
        self._ledger.tell_account(account)
        for symbol_id in {one.symbol_id for one in self._ledger.open_positions(ctid)}:
            self._ledger.share_margin(account, symbol_id)
        self._ledger.finish()

    def move_cash(
        self, ctid: int, delta: int, kind: pb.ProtoOAChangeBalanceType | None = None, note: str = ""
    ) -> None:
        """Pay in or out, cents.

        Raises:
            KeyError: no such account.
        """
        if kind is None:
            kind = pb.BALANCE_DEPOSIT if delta >= 0 else pb.BALANCE_WITHDRAW
        self._ledger.move_cash(self.accounts[ctid], kind, delta, note)
        self._ledger.finish()

    def refuse_next(self, ctid: int, code: str) -> None:
        """Rehearsal: the account's next execution is refused with this code, after the order was accepted."""
        self._execution.refusals[ctid] = code

    def race_next_cancel(self, ctid: int) -> None:
        """Rehearsal: the next order that is to be cancelled is filled at the market just before."""
        self._races.add(ctid)

    # ---- trading requests ------------------------------------------------------------------------

    def _new_order(
        self, account: Account, request: pb.ProtoOANewOrderReq, request_id: str | None, *_: object
    ) -> None:
        self._execution.accept(self._intake.new_order(account, request), request_id)

    def _close_position(
        self,
        account: Account,
        request: pb.ProtoOAClosePositionReq,
        request_id: str | None,
        _session: Hashable,
    ) -> None:
        self._execution.accept(self._intake.closing(account, request), request_id)

    def _amend_position(
        self,
        account: Account,
        request: pb.ProtoOAAmendPositionSLTPReq,
        request_id: str | None,
        *_: object,
    ) -> None:
        position, wanted = self._intake.protection(account, request)
        self._execution.protect(position, wanted, request_id)

    def _amend_order(
        self, account: Account, request: pb.ProtoOAAmendOrderReq, request_id: str | None, *_: object
    ) -> None:
        wanted = self._intake.amended(account, request)
        wanted.updated_ms = self._ledger.now_ms()
        wanted.hits = 0
        self._ledger.add_order(wanted)
        self._ledger.execution(
            pb.ORDER_REPLACED, account, order=wanted, position=self._execution.position_of(wanted),
            request_id=request_id,
        )  # fmt: skip
        self._execution.look_soon(wanted)

    def _cancel_order(
        self, account: Account, request: pb.ProtoOACancelOrderReq, request_id: str | None, *_: object
    ) -> None:
        order = self._intake.live_order(account, request.orderId)
        self._intake.require_rights(account, closes=True)
        if account.ctid in self._races and not order.is_protection:
            self._races.discard(account.ctid)
            self._execution.execute(order, by_server=True, at_market=True)
        if order.is_protection:
            position = self._execution.position_of(order)
            if position is not None:
                self._execution.unprotect(position, request_id)
            return
        if not order.rests:
            refuse("UNABLE_TO_CANCEL_ORDER", "The order is being executed", order_id=order.order_id)
        if order.is_executing or not order.is_live:
            self._ledger.execution(
                pb.ORDER_CANCEL_REJECTED, account, order=order, error="UNABLE_TO_CANCEL_ORDER",
                position=self._execution.position_of(order), request_id=request_id,
            )  # fmt: skip
            return
        self._execution.end(order, request_id)

    # ---- questions -------------------------------------------------------------------------------

    @staticmethod
    def _ask(answer: Callable[[Any], Message]) -> Callable[..., Message]:
        def handler(
            _account: Account, request: Message, _request_id: str | None, _session: Hashable
        ) -> Message:
            return answer(request)

        return handler

    def _trader(self, account: Account, *_: object) -> pb.ProtoOATraderRes:
        return pb.ProtoOATraderRes(ctidTraderAccountId=account.ctid, trader=messages.trader_message(account))

    def _reconcile(
        self, account: Account, request: pb.ProtoOAReconcileReq, *_: object
    ) -> pb.ProtoOAReconcileRes:
        answer = pb.ProtoOAReconcileRes(ctidTraderAccountId=account.ctid)
        for position in self._ledger.open_positions(account.ctid):
            answer.position.append(messages.position_message(position, self._ledger.spec_of(position)))
        for order in self._ledger.live_orders(account.ctid, protections=request.returnProtectionOrders):
            answer.order.append(messages.order_message(order, self._ledger.spec_of(order)))
        return answer

    def _expected_margin(
        self, account: Account, request: pb.ProtoOAExpectedMarginReq, *_: object
    ) -> pb.ProtoOAExpectedMarginRes:
        spec = self._ledger.table.spec(request.symbolId)
        answer = pb.ProtoOAExpectedMarginRes(ctidTraderAccountId=account.ctid, moneyDigits=MONEY_DIGITS)
        for volume in request.volume:
            if volume <= 0:
                raise OpenApiError("INVALID_REQUEST", "A volume is not above zero")
            needed = []
            for side in (Side.BUY, Side.SELL):
                price = self._quotes.ask(spec.id) if side is Side.BUY else self._quotes.bid(spec.id)
                holding = Holding(
                    side,
                    volume,
                    base_rate(spec, price, account.currency, self._quotes),
                    base_rate(spec, price, "USD", self._quotes),
                )
                needed.append(self._ledger.margins(account, spec, [holding])[0])
            answer.margin.add(volume=volume, buyMargin=needed[0], sellMargin=needed[1])
        return answer

    def _margin_calls(self, account: Account, *_: object) -> pb.ProtoOAMarginCallListRes:
        return pb.ProtoOAMarginCallListRes(
            marginCall=[
                margin_call(account, one, account.registered_ms) for one in sorted(account.thresholds)
            ]
        )

    def _update_margin_call(
        self, account: Account, request: pb.ProtoOAMarginCallUpdateReq, *_: object
    ) -> pb.ProtoOAMarginCallUpdateRes:
        number = str(int(request.marginCall.marginCallType))
        threshold = request.marginCall.marginLevelThreshold
        if number not in account.thresholds or not account.stop_out_level < threshold <= 100_000:
            raise OpenApiError(
                "INVALID_REQUEST",
                f"The threshold must be above the stop-out level, {account.stop_out_level} %",
            )
        account.thresholds[number] = threshold
        self._ledger.keep(account)
        event = pb.ProtoOAMarginCallUpdateEvent(ctidTraderAccountId=account.ctid)
        event.marginCall.CopyFrom(margin_call(account, number, self._ledger.now_ms()))
        self._ledger.tell(account.ctid, event)
        return pb.ProtoOAMarginCallUpdateRes()

    def _leverage(
        self, account: Account, request: pb.ProtoOAGetDynamicLeverageByIDReq, *_: object
    ) -> pb.ProtoOAGetDynamicLeverageByIDRes:
        leverage = pb.ProtoOADynamicLeverage(leverageId=request.leverageId)
        for tier in self._ledger.table.tiers(request.leverageId):
            leverage.tiers.add(volume=tier.volume_usd_cents, leverage=tier.leverage_in_cents)
        return pb.ProtoOAGetDynamicLeverageByIDRes(ctidTraderAccountId=account.ctid, leverage=leverage)

    def _unrealised(self, account: Account, *_: object) -> pb.ProtoOAGetPositionUnrealizedPnLRes:
        answer = pb.ProtoOAGetPositionUnrealizedPnLRes(
            ctidTraderAccountId=account.ctid, moneyDigits=MONEY_DIGITS
        )
        for position in self._ledger.open_positions(account.ctid):
            gross, net = self._ledger.profit(position)
            answer.positionUnrealizedPnL.add(
                positionId=position.position_id, grossUnrealizedPnL=gross, netUnrealizedPnL=net
            )
        return answer

    def _subscribe_profit(
        self, account: Account, _request: Message, _request_id: str | None, session: Hashable
    ) -> pb.ProtoOAv1PnLChangeSubscribeRes:
        sessions = self._profit_sessions.setdefault(account.ctid, set())
        if session in sessions:
            raise OpenApiError("ALREADY_SUBSCRIBED", "Profit events are subscribed to")
        sessions.add(session)
        self._risk.forget_profit(account.ctid)
        return pb.ProtoOAv1PnLChangeSubscribeRes(ctidTraderAccountId=account.ctid)

    def _unsubscribe_profit(
        self, account: Account, _request: Message, _request_id: str | None, session: Hashable
    ) -> pb.ProtoOAv1PnLChangeUnSubscribeRes:
        if not self.watches_profit(account.ctid, session):
            raise OpenApiError("NOT_SUBSCRIBED_TO_PNL", "Profit events are not subscribed to")
        self._profit_sessions[account.ctid].discard(session)
        return pb.ProtoOAv1PnLChangeUnSubscribeRes(ctidTraderAccountId=account.ctid)
