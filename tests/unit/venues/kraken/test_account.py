"""REST's orders, fills, balances and fees, and the balances channel, as domain values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from terminal.domain.account import Balance, FeeRates
from terminal.domain.errors import ProtocolViolation
from terminal.domain.market import Side
from terminal.domain.orders import OrderState, OrderType, TimeInForce
from terminal.venues.kraken import account, wire
from tests.unit.venues.kraken import samples

SYMBOLS = samples.known_symbols()


def order(**changes: Any) -> wire.RestOrder:
    fields = msgspec.json.decode(samples.ORDERS)["OQCLML-BW3P3-BUCMWZ"]
    fields["descr"].update(changes.pop("descr", {}))
    return msgspec.convert({**fields, **changes}, type=wire.RestOrder, strict=False)


def test_krakens_own_order() -> None:
    found = msgspec.json.decode(samples.ORDERS, type=dict[str, wire.RestOrder])
    report = account.order_report("OQCLML-BW3P3-BUCMWZ", found["OQCLML-BW3P3-BUCMWZ"], SYMBOLS)
    assert report.instrument.symbol == "BTC/USD"
    assert (report.venue_order_id, report.client_order_id) == ("OQCLML-BW3P3-BUCMWZ", "my-order-1")
    assert (report.state, report.side, report.order_type) == (
        OrderState.PARTLY_FILLED,
        Side.BUY,
        OrderType.LIMIT,
    )
    assert (report.quantity, report.filled_quantity) == (Decimal("1.25"), Decimal("0.375"))
    assert (report.limit_price, report.average_price) == (Decimal("30010.0"), Decimal("30010.0"))
    assert report.ts_event_ns == 1_688_666_559_897_400_000


@pytest.mark.parametrize(
    ("status", "filled", "state"),
    [
        ("pending", "0", OrderState.OPEN),
        ("open", "0", OrderState.OPEN),
        ("open", "0.1", OrderState.PARTLY_FILLED),
        ("closed", "1.25", OrderState.FILLED),
        ("canceled", "0", OrderState.CANCELED),
        ("canceled", "0.5", OrderState.CANCELED),
        ("expired", "0", OrderState.EXPIRED),
    ],
)
def test_states(status: str, filled: str, state: OrderState) -> None:
    assert account.order_report("O1", order(status=status, vol_exec=filled), SYMBOLS).state is state


@pytest.mark.fault(22)
def test_an_unknown_state_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation):
        account.order_report("O1", order(status="frozen"), SYMBOLS)


@pytest.mark.parametrize(
    "changes", [{"vol": "NaN"}, {"descr": {"pair": "NOSUCH"}}, {"descr": {"type": "hold"}}]
)
def test_unreadable_fields_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        account.order_report("O1", order(**changes), SYMBOLS)


def test_terms_of_trigger_orders() -> None:
    stop = order(
        descr={"ordertype": "stop-loss-limit", "price": "29000.0", "price2": "28900.0"}, misc="touched"
    )
    report = account.order_report("O1", stop, SYMBOLS)
    assert (report.trigger_price, report.limit_price) == (Decimal("29000.0"), Decimal("28900.0"))
    assert report.triggered
    trail = order(descr={"ordertype": "trailing-stop", "price": "+1.5000%"}, stopprice="28000.0")
    report = account.order_report("O1", trail, SYMBOLS)
    assert (report.trail_offset, report.trigger_price) == (Decimal("1.5"), Decimal("28000.0"))
    relative = order(descr={"ordertype": "stop-loss", "price": "#5%"}, stopprice="28500.0")
    assert account.order_report("O1", relative, SYMBOLS).trigger_price == Decimal("28500.0")


def test_expiry_flags_reason_and_time_of_the_end() -> None:
    ended = order(
        status="expired", oflags="fciq,post", expiretm=1_700_000_000, closetm="1700000001.5", reason="Expired"
    )
    report = account.order_report("O1", ended, SYMBOLS)
    assert report.time_in_force is TimeInForce.GTD
    assert report.expire_time_ns == 1_700_000_000 * 10**9
    assert report.post_only
    assert report.reason == "Expired"
    assert report.ts_event_ns == 1_700_000_001_500_000_000


def test_krakens_own_trade() -> None:
    trades = msgspec.json.decode(samples.TRADES, type=dict[str, wire.RestTrade])
    fill = account.fill("TCCCTY-WE2O6-P3NB37", trades["TCCCTY-WE2O6-P3NB37"], SYMBOLS, "PX1")
    assert (fill.price, fill.quantity, fill.side) == (Decimal("30010"), Decimal("0.02"), Side.BUY)
    assert (fill.fee, fill.fee_asset, fill.is_maker) == (Decimal("0.96032"), "USD", True)
    assert (fill.venue_order_id, fill.client_order_id) == ("OQCLML-BW3P3-BUCMWZ", "PX1")
    assert fill.ts_event_ns == 1_688_667_796_880_200_000


def test_balances_with_what_orders_hold() -> None:
    rows = msgspec.json.decode(samples.BALANCE_EX, type=dict[str, wire.ExtendedBalance])
    assert account.balances(rows, SYMBOLS) == (
        Balance("USD", Decimal("25435.21"), Decimal("8249.76")),
        Balance("BTC", Decimal("1.2435"), Decimal("0.8423")),
    )


def test_credit_counts_as_balance() -> None:
    row = wire.ExtendedBalance(
        balance=Decimal(100), hold_trade=Decimal(30), credit=Decimal(50), credit_used=Decimal(20)
    )
    assert account.balances({"ZUSD": row}, SYMBOLS)[0].free == Decimal(100)


def test_fee_rates_by_our_symbol() -> None:
    result = msgspec.json.decode(samples.TRADE_VOLUME, type=wire.TradeVolumeResult)
    assert account.fee_rates(result, SYMBOLS) == {
        "BTC/USD": FeeRates(maker_pct=Decimal("0.0000"), taker_pct=Decimal("0.1000"))
    }
    result.fees_maker = None
    assert account.fee_rates(result, SYMBOLS)["BTC/USD"].maker_pct == Decimal("0.1")


def test_the_balances_channel() -> None:
    snapshot = account.decode_balances(samples.BALANCES_SNAPSHOT)
    assert account.stream_balances(snapshot.data) == (Balance("BTC", Decimal("1.2")),)
    update = account.decode_balances(samples.BALANCES_UPDATE)
    assert account.stream_balances(update.data) == (Balance("BTC", Decimal("1.195")),)


def test_earning_wallets_are_apart_and_the_last_row_of_a_wallet_counts() -> None:
    rows = [
        wire.WsBalance(
            asset="ETH",
            balance=Decimal(5),
            wallets=[wire.WsWallet(Decimal(3)), wire.WsWallet(Decimal(2), type="earn", id="bonded")],
        ),
        wire.WsBalance(asset="USD", balance=Decimal(7)),
        wire.WsBalance(asset="USD", balance=Decimal(6)),
    ]
    assert account.stream_balances(rows) == (
        Balance("ETH", Decimal(3)),
        Balance("ETH.B", Decimal(2)),
        Balance("USD", Decimal(6)),
    )


@pytest.mark.fault(20)
def test_a_balance_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError):
        account.stream_balances([wire.WsBalance(asset="USD", balance=Decimal("NaN"))])
