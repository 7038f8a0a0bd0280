"""The venue's orders, deals and positions as the terminal's reports, fills and positions.

Pure translation: what of it is newer, and what it changes, is :mod:`.holdings`' care (Open API 2.0, 2126 and
the models Order, Deal, Position).
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, Protocol

from terminal.domain.account import CashFlow, Position
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import InstrumentId
from terminal.domain.orders import (
    Fill,
    OrderReport,
    OrderState,
    OrderType,
    Protection,
    TimeInForce,
    TriggerReference,
)
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.errors import VENUE_NAME, meaning_of
from terminal.venues.ctrader.symbols import Symbols
from terminal.venues.ctrader.trading import (
    ORDER_TYPE,
    TRIGGER,
    protection_of_order,
    side_of,
    stop_limit_price,
)
from terminal.venues.ctrader.units import average_price, money, ns_of_ms, price_of_double, quantity, step_of

OPEN_STATES: Final = frozenset({pb.ORDER_STATUS_ACCEPTED})
_STATE: Final = {
    pb.ORDER_STATUS_ACCEPTED: OrderState.OPEN,
    pb.ORDER_STATUS_FILLED: OrderState.FILLED,
    pb.ORDER_STATUS_REJECTED: OrderState.REJECTED,
    pb.ORDER_STATUS_EXPIRED: OrderState.EXPIRED,
    pb.ORDER_STATUS_CANCELLED: OrderState.CANCELED,
}
_TYPE: Final = {wire: kind for kind, wire in ORDER_TYPE.items()}
_TIF: Final = {
    pb.GOOD_TILL_DATE: TimeInForce.GTD,
    pb.GOOD_TILL_CANCEL: TimeInForce.GTC,
    pb.IMMEDIATE_OR_CANCEL: TimeInForce.IOC,
    pb.FILL_OR_KILL: TimeInForce.FOK,
    # Waits for the market to open; until then it lives like any other.
    pb.MARKET_ON_OPEN: TimeInForce.GTC,
}
_TRIGGER: Final = {wire: reference for reference, wire in TRIGGER.items()}
_OURS = re.compile(r"[0-9a-f]{32}")
# Wide enough for every double of a price; a symbol whose digits are not known yet is not rounded at all.
_MOST_DIGITS: Final = 15

UNREADABLE: Final = "cTrader reported something of this order that this program cannot read."
STOP_LOSS: Final = "stop loss"
TRAILING_STOP: Final = "trailing stop"
TAKE_PROFIT: Final = "take profit"
STOP_OUT: Final = "stop-out"

_CASH_WORDS: Final = {
    pb.BALANCE_DEPOSIT: "deposit",
    pb.BALANCE_WITHDRAW: "withdrawal",
    pb.BALANCE_DEPOSIT_STRATEGY_COMMISSION_INNER: "copying commission",
    pb.BALANCE_WITHDRAW_STRATEGY_COMMISSION_INNER: "copying commission",
    pb.BALANCE_DEPOSIT_IB_COMMISSIONS: "introducing broker commission",
    pb.BALANCE_WITHDRAW_IB_SHARED_PERCENTAGE: "introducing broker share",
    pb.BALANCE_DEPOSIT_IB_SHARED_PERCENTAGE_FROM_SUB_IB: "introducing broker share",
    pb.BALANCE_DEPOSIT_IB_SHARED_PERCENTAGE_FROM_BROKER: "introducing broker share",
    pb.BALANCE_DEPOSIT_REBATE: "rebate",
    pb.BALANCE_WITHDRAW_REBATE: "rebate taken back",
    pb.BALANCE_DEPOSIT_STRATEGY_COMMISSION_OUTER: "copying commission",
    pb.BALANCE_WITHDRAW_STRATEGY_COMMISSION_OUTER: "copying commission",
    pb.BALANCE_WITHDRAW_BONUS_COMPENSATION: "bonus compensation",
    pb.BALANCE_WITHDRAW_IB_SHARED_PERCENTAGE_TO_BROKER: "introducing broker share",
    pb.BALANCE_DEPOSIT_DIVIDENDS: "dividend",
    pb.BALANCE_WITHDRAW_DIVIDENDS: "dividend",
    pb.BALANCE_WITHDRAW_GSL_CHARGE: "guaranteed stop charge",
    pb.BALANCE_WITHDRAW_ROLLOVER: "rollover",
    pb.BALANCE_DEPOSIT_NONWITHDRAWABLE_BONUS: "bonus",
    pb.BALANCE_WITHDRAW_NONWITHDRAWABLE_BONUS: "bonus taken back",
    pb.BALANCE_DEPOSIT_SWAP: "swap",
    pb.BALANCE_WITHDRAW_SWAP: "swap",
    pb.BALANCE_DEPOSIT_MANAGEMENT_FEE: "management fee",
    pb.BALANCE_WITHDRAW_MANAGEMENT_FEE: "management fee",
    pb.BALANCE_DEPOSIT_PERFORMANCE_FEE: "performance fee",
    pb.BALANCE_WITHDRAW_FOR_SUBACCOUNT: "to a subaccount",
    pb.BALANCE_DEPOSIT_TO_SUBACCOUNT: "from the main account",
    pb.BALANCE_WITHDRAW_FROM_SUBACCOUNT: "to the main account",
    pb.BALANCE_DEPOSIT_FROM_SUBACCOUNT: "from a subaccount",
    pb.BALANCE_WITHDRAW_COPY_FEE: "copying fee",
    pb.BALANCE_WITHDRAW_INACTIVITY_FEE: "inactivity fee",
    pb.BALANCE_DEPOSIT_TRANSFER: "transfer in",
    pb.BALANCE_WITHDRAW_TRANSFER: "transfer out",
    pb.BALANCE_DEPOSIT_CONVERTED_BONUS: "converted bonus",
    pb.BALANCE_DEPOSIT_NEGATIVE_BALANCE_PROTECTION: "negative balance protection",
}


class Purse(Protocol):
    """What of an account its money is counted in."""

    @property
    def currency(self) -> str: ...

    @property
    def money_digits(self) -> int:
        """Where a message does not say them."""
        ...


def is_protective(order: pb.ProtoOAOrder) -> bool:
    """The venue's own order behind a position's stop and target: no order of ours while it rests."""
    return order.orderType == pb.STOP_LOSS_TAKE_PROFIT


def is_shown(order: pb.ProtoOAOrder) -> bool:
    """Whether it is listed as an order: a protective one only once it has done something."""
    return not is_protective(order) or order.executedVolume > 0


def is_ended(order: pb.ProtoOAOrder) -> bool:
    return order.orderStatus not in OPEN_STATES


def own_id(order: pb.ProtoOAOrder) -> str | None:
    """The id that the one who placed it gave it. A label of our making counts too, but not on a closing
    order: that one carries the label of the position."""
    if order.clientOrderId:
        return order.clientOrderId
    label = order.tradeData.label
    return label if not order.closingOrder and _OURS.fullmatch(label) else None


class Reader:
    """Translates for one account: its symbols, its currency."""

    def __init__(self, symbols: Symbols, purse: Purse) -> None:
        self._symbols = symbols
        self._purse = purse

    @property
    def currency(self) -> str:
        """The account's."""
        return self._purse.currency

    @property
    def money_digits(self) -> int:
        return self._purse.money_digits

    def instrument_id(self, symbol_id: int) -> InstrumentId:
        """By the venue's number; one that the broker does not list (any more) is named by it."""
        listing = self._symbols.by_id(symbol_id)
        return InstrumentId(VENUE_NAME, f"#{symbol_id}" if listing is None else listing.symbol)

    def digits(self, symbol_id: int) -> int | None:
        """Decimals of its prices; None while its record is not there."""
        listing = self._symbols.by_id(symbol_id)
        return None if listing is None or listing.detail is None else listing.digits

    def price(self, value: float, symbol_id: int) -> Decimal | None:
        """The price behind a double; None for an absent one, which reads as 0."""
        if not value:
            return None
        digits = self.digits(symbol_id)
        return average_price(value) if digits is None else price_of_double(value, digits)

    def money(self, amount: int, message: Any) -> Decimal:
        """An amount with the message's own scale, or the account's."""
        digits = message.moneyDigits if message.HasField("moneyDigits") else self._purse.money_digits
        return money(amount, digits)

    # --- orders ------------------------------------------------------------------------------------------

    def report(
        self, order: pb.ProtoOAOrder, *, client_order_id: str | None = None, code: str = ""
    ) -> OrderReport:
        """An order as it stands.

        Args:
            client_order_id: our id where the venue keeps none, as with the closing of a position.
            code: why it was refused or ended, as the event says.

        ``{orderId 77, tradeData {symbolId 1, volume 100000, tradeSide BUY, label "9c1e..."}, orderType LIMIT,
        orderStatus ACCEPTED, limitPrice 1.14, clientOrderId "9c1e..."}``
        """
        data = order.tradeData
        symbol_id = data.symbolId
        digits = self.digits(symbol_id)
        scale = _MOST_DIGITS if digits is None else digits
        filled = quantity(order.executedVolume)
        state = _STATE[order.orderStatus]
        if state is OrderState.OPEN and filled > 0:
            state = OrderState.PARTLY_FILLED
        kind, limit, trigger, protection = self._terms(order, scale)
        if kind is OrderType.MARKET_RANGE and order.HasField("slippageInPoints") and digits is not None:
            slippage: Decimal | None = order.slippageInPoints * step_of(digits)
        else:
            slippage = None
        return OrderReport(
            instrument=self.instrument_id(symbol_id),
            venue_order_id=str(order.orderId),
            client_order_id=client_order_id or own_id(order),
            state=state,
            side=side_of(data.tradeSide),
            order_type=kind,
            quantity=quantity(data.volume),
            filled_quantity=filled,
            average_price=average_price(order.executionPrice) if filled and order.executionPrice else None,
            limit_price=limit,
            trigger_price=trigger,
            time_in_force=_TIF.get(order.timeInForce, TimeInForce.GTC),
            expire_time_ns=ns_of_ms(order.expirationTimestamp) if order.expirationTimestamp else None,
            reduce_only=order.closingOrder,
            triggered=kind.has_trigger and filled > 0,
            reason=self._reason(order, state, code),
            ts_event_ns=ns_of_ms(order.utcLastUpdateTimestamp or data.openTimestamp),
            protection=protection,
            position_id=str(order.positionId) if order.positionId else None,
            max_slippage=slippage,
            comment=data.comment,
        )

    def doubtful(self, order: pb.ProtoOAOrder) -> OrderReport | None:
        """A report IN_DOUBT of an order whose state or kind is one that nobody here knows; None where too
        little of it can be read."""
        patched = pb.ProtoOAOrder()
        patched.CopyFrom(order)
        if not patched.HasField("orderStatus"):
            patched.orderStatus = pb.ORDER_STATUS_ACCEPTED
        if not patched.HasField("orderType"):
            patched.orderType = pb.STOP if order.stopPrice else pb.LIMIT if order.limitPrice else pb.MARKET
        if not patched.IsInitialized():
            return None
        return replace(self.report(patched), state=OrderState.IN_DOUBT, reason=UNREADABLE)

    def _terms(
        self, order: pb.ProtoOAOrder, digits: int
    ) -> tuple[OrderType, Decimal | None, Decimal | None, Protection | None]:
        """Kind, limit, trigger and protection."""
        symbol_id = order.tradeData.symbolId
        if is_protective(order):
            if hit_of(order) == TAKE_PROFIT:
                return OrderType.TAKE_PROFIT, None, self.price(order.limitPrice, symbol_id), None
            return OrderType.STOP, None, self.price(order.stopPrice, symbol_id), None
        kind = _TYPE[order.orderType]
        limit = self.price(order.limitPrice, symbol_id) if kind is OrderType.LIMIT else None
        trigger = self.price(order.stopPrice, symbol_id) if kind.has_trigger else None
        if kind is OrderType.STOP_LIMIT:
            limit = None if digits == _MOST_DIGITS else stop_limit_price(order, digits)
        return kind, limit, trigger, protection_of_order(order, digits)

    def _reason(self, order: pb.ProtoOAOrder, state: OrderState, code: str) -> str:
        if code:
            return meaning_of(code).text
        if is_protective(order):
            return hit_of(order).capitalize()
        if order.isStopOut:
            return "Closed by the broker: the margin level was too low."
        if state is OrderState.CANCELED and order.orderType == pb.MARKET_RANGE:
            return "The price was outside the range."
        return ""

    # --- deals -------------------------------------------------------------------------------------------

    def fill(self, deal: pb.ProtoOADeal, client_order_id: str | None) -> Fill | None:
        """An execution; None for a deal that failed.

        ``{dealId 5, orderId 77, positionId 88, volume 100000, filledVolume 100000, symbolId 1, executionPrice
        1.14816, tradeSide BUY, dealStatus FILLED, commission -3, moneyDigits 2}``. The commission is a cost
        below zero, and of this deal alone; what its closing part brought comes as ``closePositionDetail``.
        """
        if deal.dealStatus not in (pb.FILLED, pb.PARTIALLY_FILLED) or deal.filledVolume <= 0:
            return None
        price = self.price(deal.executionPrice, deal.symbolId)
        if price is None:
            return None
        fee = -self.money(deal.commission, deal)
        realised: Decimal | None = None
        swap = ZERO
        if deal.HasField("closePositionDetail"):
            detail = deal.closePositionDetail
            realised = self.money(detail.grossProfit, detail)
            swap = self.money(detail.swap, detail)
            fee -= self.money(detail.pnlConversionFee, detail)
        return Fill(
            fill_id=str(deal.dealId),
            instrument=self.instrument_id(deal.symbolId),
            side=side_of(deal.tradeSide),
            price=price,
            quantity=quantity(deal.filledVolume),
            fee=fee,
            fee_asset=self.currency,
            is_maker=False,
            venue_order_id=str(deal.orderId),
            client_order_id=client_order_id,
            ts_event_ns=ns_of_ms(deal.executionTimestamp),
            position_id=str(deal.positionId),
            realised=realised,
            swap=swap,
        )

    # --- positions ---------------------------------------------------------------------------------------

    def position(
        self, row: pb.ProtoOAPosition, *, stop_loss: Decimal | None = None, margin: Decimal | None = None
    ) -> Position:
        """A position; whatever its status says, it is closed where its volume is 0.

        Args:
            stop_loss: where a trailing stop has moved to since.
            margin: what it ties up by a later message.
        """
        data = row.tradeData
        symbol_id = data.symbolId
        if margin is None and row.HasField("usedMargin"):
            margin = self.money(row.usedMargin, row)
        is_open = row.positionStatus in (pb.POSITION_STATUS_OPEN, pb.POSITION_STATUS_ERROR)
        label = data.label
        return Position(
            instrument=self.instrument_id(symbol_id),
            position_id=str(row.positionId),
            side=side_of(data.tradeSide),
            quantity=quantity(data.volume) if is_open else ZERO,
            average_price=average_price(row.price) if row.price else ZERO,
            currency=self.currency,
            swap=self.money(row.swap, row),
            commission=self.money(row.commission + row.mirroringCommission, row),
            margin=margin,
            protection=Protection(
                stop_loss=stop_loss or self.price(row.stopLoss, symbol_id),
                take_profit=self.price(row.takeProfit, symbol_id),
                trailing=row.trailingStopLoss,
                guaranteed=row.guaranteedStopLoss or data.guaranteedStopLoss,
                trigger=_TRIGGER.get(row.stopLossTriggerMethod, TriggerReference.LAST),
            ),
            opened_ns=ns_of_ms(data.openTimestamp) if data.openTimestamp else None,
            updated_ns=ns_of_ms(row.utcLastUpdateTimestamp) if row.utcLastUpdateTimestamp else None,
            comment=data.comment,
            client_order_id=label if _OURS.fullmatch(label) else None,
        )

    # --- money -------------------------------------------------------------------------------------------

    def cash_flow(self, row: pb.ProtoOADepositWithdraw) -> CashFlow:
        """A deposit, withdrawal or charge. ``delta`` may come without the sign that its kind says."""
        name = pb.ProtoOAChangeBalanceType.Name(row.operationType)
        amount = self.money(row.delta, row)
        if name.startswith("BALANCE_WITHDRAW"):
            amount = -abs(amount)
        return CashFlow(
            entry_id=str(row.balanceHistoryId),
            ts_event_ns=ns_of_ms(row.changeBalanceTimestamp),
            what=_CASH_WORDS.get(row.operationType, "balance change"),
            amount=amount,
            balance=self.money(row.balance, row),
            currency=self.currency,
            note=row.externalNote,
        )


def hit_of(order: pb.ProtoOAOrder) -> str:
    """Which leg of a protective order was executed: a target fills at its price or better, a stop slips."""
    price = order.executionPrice
    stop = TRAILING_STOP if order.trailingStopLoss else STOP_LOSS
    if not order.limitPrice or not price:
        return TAKE_PROFIT if order.limitPrice and not order.stopPrice else stop
    if not order.stopPrice:
        return TAKE_PROFIT
    is_better = (
        price >= order.limitPrice if order.tradeData.tradeSide == pb.SELL else price <= order.limitPrice
    )
    return TAKE_PROFIT if is_better else stop


def closing_reason(order: pb.ProtoOAOrder | None) -> str:
    """What closed a position, by the order that did; empty where it was somebody's own closing."""
    if order is None:
        return ""
    if order.isStopOut:
        return STOP_OUT
    return hit_of(order) if is_protective(order) else ""
