"""Rows of orders and stop orders as reports: why one ended, what is attached to it, where a stop trails."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, Protection
from terminal.venues.okx.order_words import AccountMode, plain_order
from terminal.venues.okx.orders import OrderTracker, order_report
from terminal.venues.okx.symbols import SymbolMap
from terminal.venues.okx.wire import AlgoRow, OrderRow
from tests.unit.venues.okx.fakes import order_row

D = Decimal


def row_of(**changes: object) -> OrderRow:
    return msgspec.convert(order_row(**changes), OrderRow)


@pytest.mark.parametrize(
    ("source", "text", "reason"),
    [
        ("31", "Post only order", "post-only: it would have taken"),
        ("1", "by user", ""),
        ("77", "a new reason", "a new reason"),
        ("77", "", "canceled by OKX (reason 77)"),
        ("", "", ""),
    ],
)
def test_why_an_order_was_canceled_is_said_in_plain_words(source: str, text: str, reason: str) -> None:
    row = row_of(state="canceled", cancelSource=source, cancelSourceReason=text)
    assert order_report(row, SymbolMap()).reason == reason


@pytest.mark.parametrize(
    ("changes", "quantity"),
    [
        ({"instType": "SPOT", "tgtCcy": "quote_ccy"}, D("0.016")),
        ({"instType": "MARGIN", "tgtCcy": ""}, D("0.016")),
        ({"instType": "MARGIN", "tgtCcy": "", "side": "sell"}, D(500)),
        ({"instType": "SPOT", "tgtCcy": "base_ccy"}, D(500)),
    ],
)
def test_a_market_buy_for_an_amount_of_quote_has_bought_what_it_filled(
    changes: dict[str, str], quantity: Decimal
) -> None:
    row = row_of(
        ordType="market", px="", sz="500", state="filled", accFillSz="0.016", avgPx="31250", **changes
    )
    assert order_report(row, SymbolMap()).quantity == quantity


def test_the_stop_and_target_that_wait_for_a_fill_are_told_with_their_order() -> None:
    legs = [
        {"attachAlgoClOrdId": "PRT1", "slTriggerPx": "29000", "tpTriggerPx": ""},
        {"tpTriggerPx": "33000"},
    ]
    report = order_report(row_of(attachAlgoOrds=legs), SymbolMap())
    assert report.protection == Protection(D(29_000), D(33_000))
    assert order_report(row_of(), SymbolMap()).protection is None


def test_a_market_order_is_carried_out_as_large_as_it_was_asked_for_or_not_at_all() -> None:
    request = OrderRequest(InstrumentId("okx", "BTC/USDT"), Side.BUY, OrderType.MARKET, D(5))
    body = plain_order(request, "a1", SymbolMap(), AccountMode("2", False), "cash")
    assert (body["tgtCcy"], body["banAmend"]) == ("base_ccy", True)


def test_a_trailing_stop_stands_where_it_was_last_known_to_stand() -> None:
    tracker = OrderTracker(SymbolMap())
    placed = AlgoRow(
        algoId="9",
        algoClOrdId="PRT9",
        instId="BTC-USDT-SWAP",
        ordType="move_order_stop",
        side="sell",
        sz="1",
        state="live",
        callbackSpread="100",
        moveTriggerPx="59900",
    )
    told = msgspec.structs.replace(placed, moveTriggerPx="", uTime="1")
    # OKX's own word of it may come before the answer to its placing, and need not say where it stands.
    tracker.apply_algo(told)
    tracker.note("", "9", algo=placed)
    tracker.apply_algo(msgspec.structs.replace(told, uTime="2"))
    assert [row.moveTriggerPx for row in tracker.protective()] == ["59900"]
    tracker.apply_algo(msgspec.structs.replace(told, uTime="3", moveTriggerPx="59950"))
    assert [row.moveTriggerPx for row in tracker.protective()] == ["59950"]
