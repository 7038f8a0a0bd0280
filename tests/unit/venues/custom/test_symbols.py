"""Names, options, and instruments with and without a list of markets."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from terminal.domain.errors import SettingsError
from terminal.venues.base import ConnectorSettings
from terminal.venues.custom import wire
from terminal.venues.custom.connector import CustomConnector
from terminal.venues.custom.options import read_options
from terminal.venues.custom.symbols import SymbolTable, is_about

D = Decimal


def table(symbols: str, **options: str) -> SymbolTable:
    return SymbolTable(read_options({"symbols": symbols, **options}))


def test_configured_symbols_have_the_steps_that_are_named_and_fine_ones_otherwise() -> None:
    found = table("eth_usdt:0.01:0.001:0.01, BTC-USDT BTC/EUR")
    eth, btc = found.get("ETH/USDT"), found.get("BTC/USDT")
    assert eth is not None
    assert btc is not None
    assert (eth.tick_size, eth.quantity_step, eth.min_quantity) == (D("0.01"), D("0.001"), D("0.01"))
    assert (eth.venue_symbol, eth.base, eth.quote, eth.price_decimals) == ("ETH_USDT", "ETH", "USDT", 2)
    assert btc.tick_size == btc.quantity_step == btc.min_quantity == D("0.00000001")
    assert found.configured == ("ETH/USDT", "BTC/USDT", "BTC/EUR")
    assert table("BTC_USDT", tick_size="0.5").instruments()[0].tick_size == D("0.5")


def test_what_is_no_list_of_markets_changes_nothing() -> None:
    found = table("BTC_USDT")
    for answer in (None, "BTC_USDT", ["BTC_USDT"], 7):
        with pytest.raises(ValueError):
            found.learn(answer)
    assert len(found.instruments()) == 1


@pytest.mark.parametrize("spelling", ["ETH_USDT", "ETH-USDT", "eth_usdt", "eth-usdt", "ETHUSDT", ""])
def test_every_spelling_is_the_same_symbol(spelling: str) -> None:
    eth = table("ETH_USDT").get("ETH/USDT")
    assert eth is not None
    assert is_about(spelling, eth)
    assert not is_about("ETH_USD", eth)


def test_a_symbol_that_is_not_listed_any_more_is_known_by_its_name() -> None:
    found = table("ETH_USDT").find("BTC/USDT")
    assert found is not None
    assert (found.symbol, found.venue_symbol) == ("BTC/USDT", "BTC_USDT")
    assert table("ETH_USDT").get("BTC/USDT") is table("ETH_USDT").find("nonsense") is None


def test_markets_are_taken_as_far_as_they_tell_and_the_person_goes_first() -> None:
    found = table("BTC_USDT:0.5")
    markets = {
        "BTC_USDT": {"symbol": "BTC_USDT", "tick_size": "0.1", "amount_size": 0.00001, "min_qty": "0.001",
                     "max_qty": 0, "min_notional": "5"},
        "eth-usdt": {"price_precision": 2, "amount_precision": "4"},
        "DOGE_USDT": {},
        "XRP_USDT": {"tick_size": "cheap"},
        "BTC_USDT.swap": {"tick_size": "0.1"},
    }  # fmt: skip
    assert found.learn(wire.decode(json.dumps(markets).encode())) == 3
    btc, eth, doge = (found.get(f"{base}/USDT") for base in ("BTC", "ETH", "DOGE"))
    assert btc is not None
    assert eth is not None
    assert doge is not None
    assert (btc.tick_size, btc.quantity_step, btc.min_quantity) == (D("0.5"), D("0.00001"), D("0.001"))
    assert (btc.min_notional, btc.max_quantity) == (D(5), None)
    assert (eth.tick_size, eth.quantity_step) == (D("0.01"), D("0.0001"))
    assert doge.tick_size == D("0.00000001")
    assert len(found.instruments()) == 3


def test_where_nobody_tells_a_tick_the_digits_of_the_prices_are_shown_and_never_fewer_again() -> None:
    found = table("BTC_USDT, ETH_USDT:0.01")
    btc = found.get("BTC/USDT")
    assert btc is not None
    assert not btc.is_tick_told
    seen = found.see("BTC/USDT", [D("98600.00"), D("98600.5")])
    assert seen is not None
    assert (seen.tick_size, seen.price_decimals, seen.is_tick_told) == (D("0.1"), 1, False)
    assert found.get("BTC/USDT") == seen
    assert found.see("BTC/USDT", [D("98601"), D("98600.4")]) is None, "whole numbers take no digit away"
    # A sum of binary numbers, as a script sends it.
    assert found.see("BTC/USDT", [D("98600.30000000001")]) is None
    finer = found.see("BTC/USDT", [D("98600.25")])
    assert finer is not None
    assert finer.price_decimals == 2
    eth = found.get("ETH/USDT")
    assert eth is not None
    assert eth.is_tick_told
    assert found.see("ETH/USDT", [D("3000.123")]) is None, "the person has told it"
    assert found.see("XRP/USDT", [D("2.1")]) is None
    assert found.see("BTC/USDT", []) is None


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"symbols": "BTC_USDT.swap"}, "Futures"),
        ({"symbols": "BTC"}, "BASE_QUOTE"),
        ({"symbols": "BTC_USDT:0"}, "step"),
        ({"symbols": "BTC_USDT:NaN"}, "step"),
        ({"quotes_s": "soon"}, "quotes_s"),
        ({"quotes_s": "nan"}, "quotes_s"),
        ({"plain_http": "maybe"}, "yes or no"),
    ],
)
def test_options_that_cannot_be_used_are_refused_in_words(options: dict[str, str], word: str) -> None:
    with pytest.raises(SettingsError) as caught:
        CustomConnector(ConnectorSettings({}, {}, options))
    assert word in caught.value.user_text


@pytest.mark.parametrize(
    "address", ["http://venue.example:6666/OKX", "ftp://127.0.0.1/OKX", "127.0.0.1:6666"]
)
def test_an_address_that_would_show_the_keys_is_refused(address: str) -> None:
    with pytest.raises(SettingsError):
        CustomConnector(ConnectorSettings({"service": address}))


def test_an_address_in_the_clear_is_taken_from_who_insists() -> None:
    service = {"service": "http://venue.example:6666/OKX"}
    for refused in ({}, {"plain_http": "false"}):
        with pytest.raises(SettingsError) as caught:
            CustomConnector(ConnectorSettings(service, {}, refused))
        assert caught.value.user_text.startswith("venue.example is another machine")
        assert "both keys" in caught.value.user_text
    for taken in ("yes", "true"):
        CustomConnector(ConnectorSettings(service, {}, {"plain_http": taken}))
    for here in ("127.0.0.1", "localhost", "[::1]"):
        CustomConnector(ConnectorSettings({"service": f"http://{here}:6666/OKX"}))
    CustomConnector(ConnectorSettings({"service": "https://venue.example/OKX"}))
