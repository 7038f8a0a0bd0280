from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader import units
from terminal.venues.ctrader.terms import (
    detailed,
    fee_rates,
    needs_price,
    needs_rate,
    schedule_of,
    status_of,
    swap_of,
)
from tests.unit.venues.ctrader.fake_venue import full_symbol

D = Decimal
LIGHT = Instrument(
    InstrumentId("ctrader", "EUR/USD"),
    "EURUSD",
    InstrumentKind.CFD,
    "EUR",
    "USD",
    tick_size=D("0.00001"),
    quantity_step=D("0.01"),
    min_quantity=D("0.01"),
    description="Euro vs US Dollar",
    is_detailed=False,
)
# Monday 2024-07-01 in UTC, by the hour.
MONDAY_NS = 1_719_792_000_000_000_000
HOUR_NS = 3_600_000_000_000


def eurusd(**more: Any) -> pb.ProtoOASymbol:
    return full_symbol(1, 5, 4, 10_000_000, **more)


def test_the_grid_and_the_limits_of_a_currency_pair() -> None:
    found = detailed(LIGHT, eurusd(slDistance=50, tpDistance=30), price=None, at_ns=MONDAY_NS)
    assert found.is_detailed
    assert (found.tick_size, found.pip_size, found.price_decimals) == (D("0.00001"), D("0.0001"), 5)
    assert (found.lot_size, found.quantity_step, found.min_quantity) == (D(100_000), D(1000), D(1000))
    assert found.max_quantity == D(10_000_000)
    assert (found.min_stop_distance, found.min_profit_distance) == (D("0.0005"), D("0.0003"))
    assert found.description == "Euro vs US Dollar"
    assert found.status is MarketStatus.ONLINE
    assert found.can_sell_short


def test_parts_of_a_unit_and_what_a_server_leaves_out() -> None:
    bare = pb.ProtoOASymbol(symbolId=1, digits=2, pipPosition=0, minVolume=1, stepVolume=1)
    found = detailed(LIGHT, bare, price=None, at_ns=MONDAY_NS)
    assert (found.quantity_step, found.min_quantity, found.quantity_decimals) == (D("0.01"), D("0.01"), 2)
    assert found.max_quantity is None
    assert found.lot_size is None
    assert found.swap is None
    assert found.schedule is None
    assert found.can_sell_short  # not said is not a no
    assert not detailed(LIGHT, eurusd(enableShortSelling=False), price=None, at_ns=0).can_sell_short


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        (pb.ENABLED, MarketStatus.ONLINE),
        (pb.DISABLED_WITHOUT_PENDINGS_EXECUTION, MarketStatus.CANCEL_ONLY),
        (pb.DISABLED_WITH_PENDINGS_EXECUTION, MarketStatus.CANCEL_ONLY),
        (pb.CLOSE_ONLY_MODE, MarketStatus.REDUCE_ONLY),
    ],
)
def test_what_the_broker_takes_for_a_symbol(mode: Any, status: MarketStatus) -> None:
    assert status_of(eurusd(tradingMode=mode), None, MONDAY_NS) is status


def test_sessions_and_holidays_say_when_it_opens_next() -> None:
    # Monday 00:05 to 23:55 in Moscow, as servers send it, and Tuesday the same.
    symbol = eurusd(
        scheduleTimeZone="Europe/Moscow",
        schedule=[
            {"startSecond": 86_700, "endSecond": 172_500},
            {"startSecond": 173_100, "endSecond": 258_900},
        ],
    )
    schedule = schedule_of(symbol)
    assert schedule is not None
    noon_ns = MONDAY_NS + 9 * HOUR_NS  # in Moscow, three hours ahead
    assert schedule.is_open(noon_ns)
    assert status_of(symbol, schedule, noon_ns) is MarketStatus.ONLINE
    night_ns = MONDAY_NS + 21 * HOUR_NS  # Tuesday 00:00 in Moscow
    assert status_of(symbol, schedule, night_ns) is MarketStatus.CLOSED
    assert schedule.next_open_ns(night_ns) == night_ns + 300 * 1_000_000_000

    holiday = eurusd(
        scheduleTimeZone="UTC",
        schedule=[{"startSecond": 0, "endSecond": 604_800}],
        holiday=[
            {
                "holidayId": 1,
                "name": "Independence Day",
                "scheduleTimeZone": "America/New_York",
                "holidayDate": 19_905,  # 2024-07-01
                "isRecurring": False,
                "startSecond": 0,
                "endSecond": 43_200,
            }
        ],
    )
    schedule = schedule_of(holiday)
    assert schedule is not None
    assert schedule.is_open(MONDAY_NS + 3 * HOUR_NS)
    assert not schedule.is_open(MONDAY_NS + 5 * HOUR_NS)
    assert schedule.next_open_ns(MONDAY_NS + 5 * HOUR_NS) == MONDAY_NS + 16 * HOUR_NS


def test_a_zone_that_nobody_knows_means_no_known_sessions() -> None:
    symbol = eurusd(scheduleTimeZone="Middle/Earth", schedule=[{"startSecond": 0, "endSecond": 1}])
    assert schedule_of(symbol) is None


def test_swaps_in_pips_points_and_per_cent() -> None:
    pips = swap_of(eurusd(), None)
    assert pips is not None
    assert (pips.long, pips.short, pips.triple_weekday) == (D("-0.00075"), D("0.00012"), 2)
    assert pips.text == "−7.5 pips long, +1.2 pips short"
    points = swap_of(eurusd(swapCalculationType=pb.POINTS), None)
    assert points is not None
    assert points.long == D("-0.000075")
    per_cent = eurusd(swapCalculationType=pb.PERCENTAGE, swapLong=-3.65)
    assert needs_price(per_cent)
    assert swap_of(per_cent, None) is None
    found = swap_of(per_cent, D("1.10"))
    assert found is not None
    assert found.long == D("-0.00011")
    assert "% a year" in found.text


@pytest.mark.parametrize(
    ("fields", "pct", "per_unit"),
    [
        (
            {"commissionType": pb.USD_PER_MILLION_USD, "preciseTradingCommissionRate": 30 * 10**8},
            "0.003",
            "0",
        ),
        ({"commissionType": pb.PERCENTAGE_OF_VALUE, "preciseTradingCommissionRate": 500}, "0.005", "0"),
        ({"commissionType": pb.USD_PER_LOT, "preciseTradingCommissionRate": 350_000_000}, "0", "0.00007"),
        (
            {"commissionType": pb.QUOTE_CCY_PER_LOT, "preciseTradingCommissionRate": 350_000_000},
            "0",
            "0.000035",
        ),
        ({}, "0", "0"),
    ],
)
def test_commissions_by_each_of_their_kinds(fields: dict[str, Any], pct: str, per_unit: str) -> None:
    found = fee_rates(eurusd(**fields), D(2), None)
    assert found is not None
    assert (found.maker_pct, found.taker_pct, found.per_unit) == (D(pct), D(pct), D(per_unit))


def test_a_commission_without_the_rate_it_needs_is_not_known() -> None:
    per_lot = eurusd(commissionType=pb.USD_PER_LOT, preciseTradingCommissionRate=350_000_000)
    assert needs_rate(per_lot) == ["USD"]
    assert fee_rates(per_lot, None, None) is None
    minimum = eurusd(preciseMinCommission=10**8, minCommissionAsset="EUR")
    assert needs_rate(minimum) == ["EUR"]
    assert fee_rates(minimum, None, None) is None
    found = fee_rates(minimum, None, D("1.1"))
    assert found is not None
    assert found.minimum == D("1.1")


def test_numbers_are_exact_in_both_directions() -> None:
    assert units.price(114_814, 5) == D("1.14814")
    assert units.price(2_528_164_000, 2) == D("25281.64")
    assert str(units.price(13_107_400, 3)) == "131.074"
    assert units.price_of_double(131.07400024414062, 3) == D("131.074")
    assert units.double_of(D("131.074"), 3) == 131.074
    assert repr(units.double_of(D("1.1"), 5)) == "1.1"
    assert units.relative(D("90.01"), 2) == 9_001_000
    assert units.relative(D("0.00100"), 5) == 100
    for convert in (units.double_of, units.relative):
        with pytest.raises(ValueError, match="more than 2 decimals"):
            convert(D("1.005"), 2)
    assert units.distance(9_001_000) == D("90.01")
    assert (units.quantity(100_000), units.quantity(1)) == (D(1000), D("0.01"))
    assert units.cents(D("1000")) == 100_000
    assert units.cents(D("0.01")) == 1
    with pytest.raises(ValueError, match="cents"):
        units.cents(D("0.001"))
    assert units.money(-68, 2) == D("-0.68")
    assert units.money(12345, 0) == D(12345)
