"""Which instruments are twins by themselves, and what a person's changes do to that."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.contracts import ContractOffer
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.domain.twins import (
    ALONE,
    TwinMap,
    Underlying,
    open_counterpart,
    underlying_of,
    usual_group,
)

D = Decimal


def listed(
    venue: str, base: str, quote: str, kind: InstrumentKind = InstrumentKind.SPOT, symbol: str = ""
) -> Instrument:
    name = symbol or f"{base}/{quote}"
    return Instrument(
        InstrumentId(venue, name), name, kind, base, quote,
        tick_size=D("0.1"), quantity_step=D("0.1"), min_quantity=D("0.1"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("instrument", "group"),
    [
        (listed("kraken", "BTC", "USD"), "BTC/USD"),
        (listed("okx", "BTC", "USDT"), "BTC/USD"),
        (listed("okx", "BTC", "USDC", InstrumentKind.PERPETUAL), "BTC/USD"),
        (listed("old", "XBT", "USD"), "BTC/USD"),
        (listed("ctrader", "BTC", "USD", InstrumentKind.CFD, "BTCUSD"), "BTC/USD"),
        (listed("broker", "GOLD", "USD", InstrumentKind.CFD), "XAU/USD"),
        (listed("kraken", "BTC", "EUR"), "BTC/EUR"),
        (listed("kraken", "USDT", "USD"), "USDT/USD"),
        (listed("okx", "BTC", "USDT", InstrumentKind.FUTURE), ALONE),
        (listed("quotex", "BTC", "USD", InstrumentKind.CONTRACT), ALONE),
        (listed("ctrader", "ODD", ""), ALONE),
    ],
)
def test_an_instrument_belongs_to_its_asset_in_its_kind_of_money(instrument: Instrument, group: str) -> None:
    assert usual_group(instrument) == group
    assert TwinMap().group_of(instrument) == group


def test_an_inverse_contract_has_no_twins_by_itself() -> None:
    # OKX BTC-USD-SWAP: quantities count dollars, profit is paid in the coin.
    inverse = replace(listed("okx", "USD", "USD", InstrumentKind.PERPETUAL, "BTC/USD-PERP"), is_inverse=True)
    assert usual_group(inverse) == ALONE
    assert str(underlying_of(inverse)) == "BTC/USD"


def test_every_dollar_is_one_family_but_stays_its_own_asset() -> None:
    assert underlying_of(listed("okx", "USDC", "USDT")) == Underlying("USDC", "USD")
    assert underlying_of(listed("okx", "ETH", "usdt")) == Underlying("ETH", "USD")


def test_a_move_counts_until_it_is_taken_back() -> None:
    perp = listed("okx", "BTC", "USDT", InstrumentKind.PERPETUAL, "BTC/USDT-PERP")
    spot = listed("kraken", "BTC", "USD")
    moved = TwinMap().with_moved(perp, "BTC perpetuals")
    assert moved.group_of(perp) == "BTC perpetuals"
    assert moved.group_of(spot) == "BTC/USD"
    assert moved.with_moved(perp, ALONE).group_of(perp) == ALONE
    assert moved.without(perp.id).group_of(perp) == "BTC/USD"


def test_a_move_to_where_it_is_anyway_leaves_nothing_behind() -> None:
    spot = listed("kraken", "BTC", "USD")
    away = TwinMap().with_moved(spot, "mine")
    assert away.moved == {spot.id: "mine"}
    assert away.with_moved(spot, "BTC/USD").moved == {}


def contract_on(
    symbol: str,
    *,
    by_house: bool,
    is_open: bool = True,
    base: str = "EUR",
    category: str = "Forex",
    venue: str = "quotex",
) -> Instrument:
    return Instrument(
        InstrumentId(venue, symbol), symbol, InstrumentKind.CONTRACT, base, "USD",
        tick_size=D("0.00001"), quantity_step=D("0.01"), min_quantity=D(1),
        status=MarketStatus.ONLINE if is_open else MarketStatus.CLOSED,
        category=category,
        offer=ContractOffer("USD", D(80), D(1), None, (60,), (60,), is_house_quoted=by_house),
    )  # fmt: skip


def test_the_open_contract_on_the_same_thing_that_is_priced_the_other_way() -> None:
    market = contract_on("EUR/USD", by_house=False, is_open=False)
    house = contract_on("EUR/USD OTC", by_house=True)
    assert open_counterpart(market, [market, house]) is house
    assert open_counterpart(house, [market, house]) is None, "it is closed"
    opened = replace(market, status=MarketStatus.ONLINE)
    assert open_counterpart(replace(house, status=MarketStatus.CLOSED), [opened]) is opened
    for other in (
        contract_on("EUR/USD 2", by_house=False),
        contract_on("GBP/USD OTC", by_house=True, base="GBP"),
        contract_on("EUR/USD OTC", by_house=True, venue="elsewhere"),
        contract_on("EUR OTC", by_house=True, category="Stocks"),
        replace(house, offer=None),
    ):
        assert open_counterpart(market, [other]) is None, other.id
    assert open_counterpart(replace(market, offer=None), [house]) is None


def test_a_person_knows_better_than_the_names() -> None:
    market = contract_on("Gold", by_house=False, is_open=False, base="Gold")
    house = contract_on("XAU OTC", by_house=True, base="Yellow metal")
    assert open_counterpart(market, [house]) is None
    assert open_counterpart(market, [house], lambda instrument: "gold") is house
