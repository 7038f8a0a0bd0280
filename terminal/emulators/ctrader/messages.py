"""The practice broker's records as messages of Open API 2.0 (sections 8 and 10 of its description)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from terminal.domain.market import Side
from terminal.emulators.ctrader.records import MONEY_DIGITS, Account, Cash, Deal, Order, Position
from terminal.emulators.ctrader.symbols import ASSET_IDS, SymbolSpec
from terminal.venues.ctrader import openapi_pb2 as pb

_HUNDRED_THOUSAND: Final = 100_000


def wire_side(side: Side) -> pb.ProtoOATradeSide:
    """A side as its number."""
    return pb.BUY if side is Side.BUY else pb.SELL


def wire_distance(distance: Decimal) -> int:
    """A distance of prices in hundred thousandths."""
    return int(distance * _HUNDRED_THOUSAND)


def trader_message(account: Account) -> pb.ProtoOATrader:
    """The account as 2122 and 2123 tell it."""
    return pb.ProtoOATrader(
        ctidTraderAccountId=account.ctid, balance=account.balance, balanceVersion=account.balance_version,
        managerBonus=0, ibBonus=0, nonWithdrawableBonus=0, accessRights=account.access_rights,
        depositAssetId=ASSET_IDS[account.currency], swapFree=account.swap_free,
        leverageInCents=account.leverage_in_cents, totalMarginCalculationType=account.margin_type,
        maxLeverage=account.leverage_in_cents, frenchRisk=False, traderLogin=account.login,
        accountType=account.account_type, brokerName=account.broker,
        registrationTimestamp=account.registered_ms, isLimitedRisk=account.limited_risk,
        moneyDigits=MONEY_DIGITS, fairStopOut=False, stopOutStrategy=account.stop_out_strategy,
    )  # fmt: skip


def position_message(
    position: Position, spec: SymbolSpec, status: pb.ProtoOAPositionStatus | None = None
) -> pb.ProtoOAPosition:
    """A position.

    Args:
        status: otherwise OPEN, or CREATED for an empty one.
    """
    if status is None:
        status = pb.POSITION_STATUS_OPEN if position.volume else pb.POSITION_STATUS_CREATED
    message = pb.ProtoOAPosition(
        positionId=position.position_id,
        tradeData=pb.ProtoOATradeData(
            symbolId=position.symbol_id, volume=position.volume, tradeSide=wire_side(position.side),
            openTimestamp=position.opened_ms, guaranteedStopLoss=position.guaranteed,
        ),
        positionStatus=status, swap=position.swap, utcLastUpdateTimestamp=position.updated_ms,
        commission=position.commission, mirroringCommission=0, guaranteedStopLoss=position.guaranteed,
        usedMargin=position.used_margin, stopLossTriggerMethod=position.trigger_method,
        moneyDigits=MONEY_DIGITS, trailingStopLoss=position.trailing,
    )  # fmt: skip
    _fill_texts(message.tradeData, position.label, position.comment, spec)
    if position.price:
        message.price = float(position.price)
    if position.margin_rate:
        message.marginRate = float(position.margin_rate)
    if position.stop_loss is not None:
        message.stopLoss = float(position.stop_loss)
    if position.take_profit is not None:
        message.takeProfit = float(position.take_profit)
    return message


def order_message(order: Order, spec: SymbolSpec) -> pb.ProtoOAOrder:
    """An order."""
    message = pb.ProtoOAOrder(
        orderId=order.order_id,
        tradeData=pb.ProtoOATradeData(
            symbolId=order.symbol_id, volume=order.volume, tradeSide=wire_side(order.side),
            openTimestamp=order.created_ms, guaranteedStopLoss=order.guaranteed,
        ),
        orderType=order.order_type, orderStatus=order.status, executedVolume=order.executed,
        utcLastUpdateTimestamp=order.updated_ms, closingOrder=order.is_closing,
        timeInForce=order.time_in_force, positionId=order.position_id, isStopOut=order.is_stop_out,
        trailingStopLoss=order.trailing, stopTriggerMethod=order.trigger_method,
    )  # fmt: skip
    _fill_texts(message.tradeData, order.label, order.comment, spec)
    if order.executed:
        message.executionPrice = float(average(order.value, order.executed, spec.digits))
    if order.client_order_id:
        message.clientOrderId = order.client_order_id
    if order.expire_ms is not None:
        message.expirationTimestamp = order.expire_ms
    if order.limit is not None:
        message.limitPrice = float(order.limit)
    if order.stop is not None:
        message.stopPrice = float(order.stop)
    if order.base_slippage is not None:
        message.baseSlippagePrice = float(order.base_slippage)
    if order.slippage is not None:
        message.slippageInPoints = order.slippage
    entry = order.entry
    stop, target = order.relative_stop_loss, order.relative_take_profit
    if entry is not None and order.stop_loss is not None:
        stop = abs(entry - order.stop_loss)
    if entry is not None and order.take_profit is not None:
        target = abs(entry - order.take_profit)
    if stop is not None:
        message.relativeStopLoss = wire_distance(stop)
    if target is not None:
        message.relativeTakeProfit = wire_distance(target)
    return message


def deal_message(deal: Deal) -> pb.ProtoOADeal:
    """A deal, with what it brought if it closed something."""
    message = pb.ProtoOADeal(
        dealId=deal.deal_id, orderId=deal.order_id, positionId=deal.position_id, volume=deal.volume,
        filledVolume=deal.filled, symbolId=deal.symbol_id, createTimestamp=deal.created_ms,
        executionTimestamp=deal.executed_ms, utcLastUpdateTimestamp=deal.executed_ms,
        executionPrice=float(deal.price), tradeSide=wire_side(deal.side), dealStatus=deal.status,
        marginRate=float(deal.margin_rate), commission=deal.commission,
        baseToUsdConversionRate=float(deal.usd_rate), moneyDigits=MONEY_DIGITS,
    )  # fmt: skip
    closing = deal.closing
    if closing is not None:
        message.closePositionDetail.CopyFrom(
            pb.ProtoOAClosePositionDetail(
                entryPrice=float(closing.entry_price), grossProfit=closing.gross_profit, swap=closing.swap,
                commission=closing.commission, balance=closing.balance,
                quoteToDepositConversionRate=float(closing.rate), closedVolume=closing.volume,
                balanceVersion=closing.balance_version, moneyDigits=MONEY_DIGITS,
                pnlConversionFee=closing.conversion_fee,
            )
        )  # fmt: skip
    return message


def cash_message(cash: Cash) -> pb.ProtoOADepositWithdraw:
    """A cash movement."""
    message = pb.ProtoOADepositWithdraw(
        operationType=cash.kind, balanceHistoryId=cash.cash_id, balance=cash.balance, delta=cash.delta,
        changeBalanceTimestamp=cash.ts_ms, balanceVersion=cash.balance_version, equity=cash.equity,
        moneyDigits=MONEY_DIGITS,
    )  # fmt: skip
    if cash.note:
        message.externalNote = cash.note
    return message


def average(value: Decimal, volume: int, digits: int) -> Decimal:
    """Value over volume, to two decimals more than the symbol's own; exact where that is enough."""
    return (value / volume).quantize(Decimal(1).scaleb(-digits - 2), ROUND_HALF_UP).normalize()


def _fill_texts(data: pb.ProtoOATradeData, label: str, comment: str, spec: SymbolSpec) -> None:
    if label:
        data.label = label
    if comment:
        data.comment = comment
    if spec.measurement_units:
        data.measurementUnits = spec.measurement_units
