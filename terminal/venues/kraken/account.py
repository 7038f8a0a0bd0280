"""Kraken's REST account answers and balance frames as domain values: pure functions.

Raise ValueError, ArithmeticError or (for a state that Kraken does not document) ProtocolViolation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from terminal.domain.account import Balance, FeeRates
from terminal.domain.decimals import ZERO, parse_finite, require_finite
from terminal.domain.errors import ProtocolViolation
from terminal.domain.orders import Fill, OrderReport, OrderState, TimeInForce
from terminal.venues.kraken.errors import VENUE_NAME
from terminal.venues.kraken.executions import ORDER_TYPE
from terminal.venues.kraken.parse import side_of, unix_ns
from terminal.venues.kraken.symbols import SymbolMap, wallet_asset
from terminal.venues.kraken.wire import (
    BalanceMessage,
    ExtendedBalance,
    RestOrder,
    RestTrade,
    TradeVolumeResult,
    WsBalance,
)

decode_balances = msgspec.json.Decoder(BalanceMessage).decode

_STATE = {
    # Kraken has it: scheduled, or on its way into the book. To us it is an order that can be canceled.
    "pending": OrderState.OPEN,
    "open": OrderState.OPEN,
    "closed": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "expired": OrderState.EXPIRED,
}


def balances(rows: Mapping[str, ExtendedBalance], symbols: SymbolMap) -> tuple[Balance, ...]:
    """``BalanceEx``: ``{"ZUSD":{"balance":"25435.21","hold_trade":"8249.76"}}``; zero balances are left out.

    Credit counts as balance: free = balance + credit - credit_used - hold_trade.
    """
    out = []
    for asset_id, row in rows.items():
        total = require_finite(row.balance) + require_finite(row.credit) - require_finite(row.credit_used)
        held = require_finite(row.hold_trade)
        if total or held:
            out.append(Balance(symbols.asset(asset_id), total, held))
    return tuple(out)


def stream_balances(rows: Sequence[WsBalance]) -> tuple[Balance, ...]:
    """Rows of the balances channel. A snapshot row lists wallets, an update row names its wallet's new total.

    ``{"ledger_id":"LZ4XCF-CDSJB-5MUKNT","ref_id":"TGBB7L-HT5LX-J3BZ4A","timestamp":"2023-09-22T10:33:05.709993Z",
    "type":"trade","asset":"BTC","asset_class":"currency","category":"trade","wallet_type":"spot","wallet_id":"main",
    "amount":-0.005,"fee":0.0,"balance":1.195}``
    """
    latest: dict[str, Decimal] = {}
    for row in rows:
        if row.wallets is None:
            name = wallet_asset(row.asset, row.wallet_type, row.wallet_id)
            latest[name] = require_finite(row.balance)
            continue
        totals: dict[str, Decimal] = {}
        for wallet in row.wallets:
            name = wallet_asset(row.asset, wallet.type, wallet.id)
            totals[name] = totals.get(name, ZERO) + require_finite(wallet.balance)
        latest.update(totals or {row.asset: require_finite(row.balance)})
    return tuple(Balance(asset, total) for asset, total in latest.items())


def order_report(order_id: str, order: RestOrder, symbols: SymbolMap) -> OrderReport:
    """One order of OpenOrders, ClosedOrders or QueryOrders.

    ``{"OQCLML-BW3P3-BUCMWZ":{"refid":null,"userref":0,"cl_ord_id":"my-order-1","status":"open",
    "opentm":1688666559.8974,"starttm":0,"expiretm":0,"descr":{"pair":"XBTUSD","type":"buy","ordertype":"limit",
    "price":"30010.0","price2":"0","leverage":"none","order":"buy 1.25000000 XBTUSD @ limit 30010.0",
    "close":""},"vol":"1.25000000","vol_exec":"0.37500000","cost":"11253.7","fee":"0.00000",
    "price":"30010.0","stopprice":"0.00000","limitprice":"0.00000","misc":"","oflags":"fciq",
    "trades":["TCCCTY-WE2O6-P3NB37"]}}``

    REST does not tell an order's time in force but for an expiry, nor an iceberg's visible part.

    Raises:
        ProtocolViolation: the state is none that Kraken documents; the order is in doubt.
        ValueError: another field cannot be read.
    """
    terms = order.descr
    state = _STATE.get(order.status)
    if state is None:
        raise ProtocolViolation(VENUE_NAME, f"order {order_id}: unknown state", code=order.status[:40])
    kind = ORDER_TYPE.get(terms.ordertype)
    if kind is None:
        raise ValueError(f"unknown order type {terms.ordertype[:30]!r}")
    filled = require_finite(order.vol_exec)
    quantity = require_finite(order.vol)
    if state is OrderState.OPEN and filled > 0:
        state = OrderState.PARTLY_FILLED
    symbol = symbols.symbol(terms.pair)
    if symbol is None:
        raise ValueError(f"unknown pair {terms.pair[:30]!r}")
    first, second = _static(terms.price), _static(terms.price2)
    limit = trigger = trail = None
    if kind.has_trail:
        trail = _offset(terms.price)
        trigger = order.stopprice or None
        limit = order.limitprice or None
    elif kind.has_trigger:
        trigger = first or order.stopprice or None
        limit = (second or order.limitprice or None) if kind.has_limit_price else None
    elif kind.has_limit_price:
        limit = first or order.limitprice or None
    average = require_finite(order.price)
    expires = unix_ns(order.expiretm) or None
    flags = order.oflags.split(",")
    return OrderReport(
        instrument=symbols.instrument_id(symbol),
        venue_order_id=order_id,
        client_order_id=order.cl_ord_id,
        state=state,
        side=side_of(terms.type),
        order_type=kind,
        quantity=quantity,
        filled_quantity=filled,
        average_price=average or None,
        limit_price=limit,
        trigger_price=trigger,
        trail_offset=trail,
        time_in_force=TimeInForce.GTD if expires else TimeInForce.GTC,
        expire_time_ns=expires,
        post_only="post" in flags,
        reduce_only=order.reduce_only,
        triggered="touched" in order.misc.split(","),
        reason=order.reason or "",
        ts_event_ns=unix_ns(order.closetm if order.closetm is not None else order.opentm),
    )


def fill(trade_id: str, trade: RestTrade, symbols: SymbolMap, client_order_id: str | None) -> Fill:
    """One trade of TradesHistory; the fee is in the quote asset.

    ``{"TCCCTY-WE2O6-P3NB37":{"ordertxid":"OQCLML-BW3P3-BUCMWZ","postxid":"TKH2SE-M7IF5-CFI7LT",
    "pair":"XXBTZUSD","time":1688667796.8802,"type":"buy","ordertype":"limit","price":"30010.00000",
    "cost":"600.20000","fee":"0.00000","vol":"0.02000000","margin":"0.00000","misc":"",
    "trade_id":39482674,"maker":true}}``
    """
    symbol = symbols.symbol(trade.pair)
    if symbol is None:
        raise ValueError(f"unknown pair {trade.pair[:30]!r}")
    price, quantity = require_finite(trade.price), require_finite(trade.vol)
    if price <= 0 or quantity <= 0:
        raise ValueError(f"impossible fill {price} x {quantity}")
    return Fill(
        fill_id=trade_id,
        instrument=symbols.instrument_id(symbol),
        side=side_of(trade.type),
        price=price,
        quantity=quantity,
        fee=require_finite(trade.fee),
        fee_asset=symbol.partition("/")[2],
        is_maker=trade.maker,
        venue_order_id=trade.ordertxid,
        client_order_id=client_order_id,
        ts_event_ns=unix_ns(trade.time),
    )


def fee_rates(result: TradeVolumeResult, symbols: SymbolMap) -> dict[str, FeeRates]:
    """``TradeVolume`` with pairs, by our symbol. Pairs without a maker schedule pay the one fee."""
    out = {}
    for pair_id, taker in (result.fees or {}).items():
        symbol = symbols.symbol(pair_id)
        if symbol is None:
            continue
        maker = (result.fees_maker or {}).get(pair_id, taker)
        out[symbol] = FeeRates(maker_pct=require_finite(maker.fee), taker_pct=require_finite(taker.fee))
    return out


def _static(text: str) -> Decimal | None:
    """An absolute price; None for 0 and for prices relative to the market (``+1.5%``, ``#0.5``)."""
    if not text or text[0] in "+-#" or text.endswith("%"):
        return None
    return parse_finite(text) or None


def _offset(text: str) -> Decimal | None:
    """The distance in ``+1.5%`` or ``+250.0``."""
    return parse_finite(text.lstrip("+-#").rstrip("%") or "0") or None
