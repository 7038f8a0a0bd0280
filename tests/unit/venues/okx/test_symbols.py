"""Names both ways, and contracts turned into coins and back without a remainder."""

from __future__ import annotations

import gzip
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.domain.errors import Unsupported
from terminal.domain.instrument import InstrumentKind, MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType
from terminal.domain.rules import notional_of
from terminal.venues.okx.symbols import SymbolMap, inst_id_of, inst_type_of, symbol_of
from terminal.venues.okx.wire import InstrumentRow
from tests.helpers import capture
from tests.unit.venues.okx import samples

D = Decimal


def known(*rows: dict[str, object]) -> SymbolMap:
    symbols = SymbolMap()
    symbols.learn(msgspec.convert(list(rows), list[InstrumentRow]))
    return symbols


ALL = known(samples.SPOT, samples.LINEAR, samples.INVERSE, samples.FUTURE, samples.OPTION)


@pytest.mark.parametrize(
    ("inst_id", "symbol", "kind"),
    [
        ("BTC-USDT", "BTC/USDT", "SPOT"),
        ("BTC-USDT-SWAP", "BTC/USDT-PERP", "SWAP"),
        ("BTC-USD-SWAP", "BTC/USD-PERP", "SWAP"),
        ("BTC-USD_UM-SWAP", "BTC/USD_UM-PERP", "SWAP"),
        ("BTC-USDT-250808", "BTC/USDT-250808", "FUTURES"),
    ],
)
def test_names_lead_there_and_back(inst_id: str, symbol: str, kind: str) -> None:
    assert symbol_of(inst_id) == symbol
    assert inst_id_of(symbol) == inst_id
    assert inst_type_of(inst_id) == kind


def test_options_are_not_offered_and_the_reason_is_told() -> None:
    assert symbol_of("BTC-USD-250328-80000-C") is None
    assert symbol_of("BTC-ABOVE-DAILY-260224-1600-65000") is None
    with pytest.raises(Unsupported) as caught:
        inst_id_of("BTC/USD-250328-80000-C")
    assert "Options" in caught.value.user_text
    with pytest.raises(Unsupported):
        inst_id_of("BTCUSDT")
    assert [item.symbol for item in ALL.instruments()] == [
        "BTC/USDT",
        "BTC/USDT-PERP",
        "BTC/USD-PERP",
        "BTC/USDT-250808",
    ]


def test_a_linear_contract_is_counted_in_coins() -> None:
    item = ALL.instrument("BTC/USDT-PERP")
    assert item is not None
    assert (item.kind, item.base, item.quote) == (InstrumentKind.PERPETUAL, "BTC", "USDT")
    assert (item.quantity_step, item.min_quantity) == (D("0.0001"), D("0.0001"))
    assert item.can_sell_short
    assert "one contract is 0.01 BTC" in item.description
    assert ALL.to_size("BTC-USDT-SWAP", D("0.5")) == D(50)
    assert ALL.to_quantity("BTC-USDT-SWAP", D("0.01")) == D("0.0001")
    listing = ALL.listing("BTC-USDT-SWAP")
    assert listing is not None
    assert listing.code == 10459


def test_an_inverse_contract_is_counted_in_its_face_value() -> None:
    item = ALL.instrument("BTC/USD-PERP")
    assert item is not None
    assert (item.base, item.quote, item.quantity_step, item.is_inverse) == ("USD", "USD", D(100), True)
    assert "settled in BTC" in item.description
    assert ALL.to_size("BTC-USD-SWAP", D(300)) == 3
    with pytest.raises(Unsupported):
        known({**samples.INVERSE, "ctVal": "0.3"}).to_size("BTC-USD-SWAP", D(1))
    # What it is worth does not depend on its price.
    request = OrderRequest(item.id, Side.BUY, OrderType.LIMIT, D(300), limit_price=D(60_000))
    assert notional_of(request, item, D(60_000)) == 300


def test_spot_is_counted_in_coins_as_it_is() -> None:
    item = ALL.instrument("BTC/USDT")
    assert item is not None
    assert (item.kind, item.tick_size, item.quantity_step) == (InstrumentKind.SPOT, D("0.1"), D("0.00000001"))
    assert (item.price_decimals, item.quantity_decimals) == (1, 8)
    assert not item.can_sell_short
    assert ALL.to_size("BTC-USDT", D("0.123")) == D("0.123")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10**9), st.sampled_from(["0.001", "0.01", "0.1", "1", "10", "100", "1000000"]))
def test_contracts_come_back_as_they_were(count: int, value: str) -> None:
    symbols = known({**samples.LINEAR, "ctVal": value})
    size = D(count) * D("0.01")
    assert symbols.to_size("BTC-USDT-SWAP", symbols.to_quantity("BTC-USDT-SWAP", size)) == size


def test_states_and_what_cannot_be() -> None:
    for state, status in (
        ("suspend", MarketStatus.CLOSED),
        ("post_only", MarketStatus.POST_ONLY),
        ("dreaming", MarketStatus.UNKNOWN),
    ):
        item = known({**samples.SPOT, "state": state}).instrument("BTC/USDT")
        assert item is not None
        assert (item.status, item.status_text) == (status, state)
    for bad in ("", "0", "-1", "NaN", "x"):
        assert not known({**samples.SPOT, "tickSz": bad}).instruments()
    unchanged = known(samples.SPOT)
    assert not unchanged.learn(msgspec.convert([samples.SPOT], list[InstrumentRow]))
    with pytest.raises(ValueError, match="unknown contract"):
        unchanged.contract("XYZ-USDT-SWAP")


@pytest.mark.parametrize(("kind", "count"), [("spot", 513), ("swap", 166)])
def test_real_lists_are_read_whole(kind: str, count: int) -> None:
    file = capture(f"okx-instruments-{kind}-2022-05-13.json.gz")
    rows = msgspec.json.decode(gzip.decompress(file.read_bytes()))["data"]
    assert len(rows) == count
    items = known(*rows).instruments()
    assert len(items) == len(rows)
    for item in items:
        assert inst_id_of(item.symbol) == item.venue_symbol
        assert item.tick_size > 0
        assert item.min_quantity >= item.quantity_step > 0
        assert item.min_quantity % item.quantity_step == 0
