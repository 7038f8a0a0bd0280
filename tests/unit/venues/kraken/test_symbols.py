"""Names of pairs and assets, and instruments made of both sources."""

from __future__ import annotations

import gzip
from decimal import Decimal

import msgspec
import pytest

from terminal.domain.instrument import MarketStatus
from terminal.venues.kraken.parse import decode_instruments
from terminal.venues.kraken.symbols import SymbolMap, modern_symbol, wallet_asset
from terminal.venues.kraken.wire import AssetInfo, PairInfo
from tests.helpers import capture
from tests.unit.venues.kraken.samples import ASSET_PAIRS, INSTRUMENTS

RECORDED = "kraken-asset-pairs-2021-04-17.json.gz"


def symbols() -> SymbolMap:
    found = SymbolMap()
    found.learn_pairs(msgspec.json.decode(ASSET_PAIRS, type=dict[str, PairInfo]))
    return found


def test_a_pair_is_found_under_each_of_its_names() -> None:
    found = symbols()
    for name in ("XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD"):
        assert found.symbol(name) == "BTC/USD"
    assert found.symbol("NOSUCH") is None


def test_doge_and_bitcoin_have_modern_names() -> None:
    assert modern_symbol("XDG/XBT") == "DOGE/BTC"
    assert symbols().rest_pair("BTC/USD") == "XXBTZUSD"


def test_before_assetpairs_is_read_a_pair_is_sent_by_its_v1_name() -> None:
    assert SymbolMap().rest_pair("DOGE/BTC") == "XDG/XBT"
    assert SymbolMap().rest_pair("SOL/EUR") == "SOL/EUR"


def test_an_instrument_has_krakens_grid_and_minimums() -> None:
    found = symbols().instrument("BTC/USD")
    assert found is not None
    assert (found.base, found.quote, found.venue_symbol) == ("BTC", "USD", "XXBTZUSD")
    assert found.tick_size == Decimal("0.1")
    assert found.quantity_step == Decimal("1E-8")
    assert found.min_quantity == Decimal("0.00005")
    assert found.min_notional == Decimal("0.5")
    assert (found.price_decimals, found.quantity_decimals) == (1, 8)
    assert found.status is MarketStatus.ONLINE
    assert found.marginable


def test_without_a_tick_size_the_price_decimals_give_it() -> None:
    pair = PairInfo(altname="AB", base="A", quote="B", pair_decimals=3, lot_decimals=2, wsname="A/B")
    found = SymbolMap()
    found.learn_pairs({"AB": pair})
    instrument = found.instrument("A/B")
    assert instrument is not None
    assert instrument.tick_size == Decimal("0.001")


def test_a_pair_with_impossible_figures_is_left_out() -> None:
    bad = PairInfo(
        altname="AB",
        base="A",
        quote="B",
        pair_decimals=3,
        lot_decimals=2,
        wsname="A/B",
        tick_size=Decimal("NaN"),
    )
    found = SymbolMap()
    assert found.learn_pairs({"AB": bad}) == ()
    assert found.instrument("A/B") is None


def test_the_instrument_channel_updates_what_rest_told_and_keeps_the_rest_name() -> None:
    found = symbols()
    pair = decode_instruments(INSTRUMENTS).data.pairs[0]
    changed = found.learn_ws_pairs([pair])
    assert [item.symbol for item in changed] == ["ETH/BTC"]
    assert changed[0].tick_size == Decimal("0.00001")
    assert changed[0].min_quantity == Decimal("0.00200000")
    assert found.learn_ws_pairs([pair]) == ()
    halted = msgspec.structs.replace(pair, status="cancel_only")
    assert found.learn_ws_pairs([halted])[0].status is MarketStatus.CANCEL_ONLY


def test_rest_after_the_channel_only_adds_its_name() -> None:
    found = SymbolMap()
    found.learn_ws_pairs(decode_instruments(INSTRUMENTS).data.pairs)
    before = found.instrument("ETH/BTC")
    found.learn_pairs({
        "XETHXXBT": PairInfo(
            altname="ETHXBT", base="XETH", quote="XXBT", pair_decimals=4, lot_decimals=8, wsname="ETH/XBT"
        )
    })  # fmt: skip
    after = found.instrument("ETH/BTC")
    assert before is not None
    assert after is not None
    assert after.venue_symbol == "XETHXXBT"
    assert after.price_decimals == before.price_decimals == 5


@pytest.mark.fault(22)
def test_an_unknown_status_is_shown_as_it_is() -> None:
    pair = msgspec.structs.replace(decode_instruments(INSTRUMENTS).data.pairs[0], status="auction")
    changed = SymbolMap().learn_ws_pairs([pair])
    assert changed[0].status is MarketStatus.UNKNOWN
    assert changed[0].status_text == "auction"


def test_assets_lose_their_old_prefixes_and_keep_their_suffixes() -> None:
    found = symbols()
    found.learn_assets({"XXDG": AssetInfo(altname="XDG"), "XICN": AssetInfo(altname="ICN")})
    names = {
        "XXBT": "BTC", "ZUSD": "USD", "ZEUR": "EUR", "XBT.F": "BTC.F", "XXDG": "DOGE", "XICN": "ICN",
        "SOL": "SOL", "USDT": "USDT", "ETH2.S": "ETH2.S", "XTZ": "XTZ", "ZRX": "ZRX",
    }  # fmt: skip
    assert {name: found.asset(name) for name in names} == names


def test_an_earning_wallet_is_not_the_spot_balance() -> None:
    assert wallet_asset("BTC", "spot", "main") == "BTC"
    assert wallet_asset("BTC", "earn", "flex") == "BTC.F"
    assert wallet_asset("BTC", "earn", "bonded") == "BTC.B"


def test_all_recorded_pairs_are_read() -> None:
    recorded = capture(RECORDED)
    with gzip.open(recorded) as file:
        reply = msgspec.json.decode(file.read())
    found = SymbolMap()
    found.learn_pairs(msgspec.convert(reply["result"], type=dict[str, PairInfo], strict=False))
    with_names = [pair for pair in reply["result"].values() if "wsname" in pair]
    assert len(found.instruments()) == len(with_names) > 300 - 10
    assert found.asset("XXLM") == "XLM"
    assert {item.symbol for item in found.instruments()} >= {"BTC/USD", "DOGE/BTC", "ETH/EUR"}
