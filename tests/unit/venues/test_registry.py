"""Venues by name: kinds that are venues themselves, and kinds of which a person adds several."""

from __future__ import annotations

import re

import pytest

from terminal.domain.instrument import InstrumentId
from terminal.venues import registry
from terminal.venues.base import ConnectorSettings
from terminal.venues.custom.connector import CustomConnector
from tests.helpers import run

SAFE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("My OKX", "custom-my-okx"),
        ("  Börse / Zürich: No. 2  ", "custom-borse-zurich-no-2"),
        ("..\\..\\etc", "custom-etc"),
        ("Моя биржа", "custom-1"),
        ("交易所", "custom-1"),
        ("", "custom-1"),
        ("x" * 80, "custom-" + "x" * 29),
    ],
)
def test_a_name_is_made_from_the_title_and_safe_everywhere(title: str, name: str) -> None:
    made = registry.new_name("custom", title)
    assert made == name
    assert SAFE.fullmatch(made)
    assert registry.kind_of(made) == "custom"
    assert registry.info(made).name == made


def test_a_name_is_never_given_twice() -> None:
    taken: list[str] = []
    for title in ("My OKX", "my okx", "My-OKX!", "биржа", "交易", "x" * 90, "x" * 91):
        taken.append(registry.new_name("custom", title, taken))
    assert len(set(taken)) == len(taken)
    assert taken[:5] == ["custom-my-okx", "custom-my-okx-2", "custom-my-okx-3", "custom-1", "custom-2"]
    for name in taken:
        registry.info(name)


@pytest.mark.parametrize("name", ["kraken-2", "custom-", "custom-A", "custom-a/b", "custom-a b", "no-x"])
def test_what_no_kind_can_have_is_no_venue(name: str) -> None:
    with pytest.raises(KeyError):
        registry.info(name)


def test_two_venues_of_a_kind_are_told_apart_by_their_instruments() -> None:
    async def main() -> None:
        settings = ConnectorSettings({"service": "http://127.0.0.1:1/A"}, options={"symbols": "BTC_USDT"})
        made = [registry.create(name, settings) for name in ("custom-one", "custom-two")]
        for connector, name in zip(made, ("custom-one", "custom-two"), strict=True):
            assert isinstance(connector, CustomConnector)
            assert connector.info.name == name
            (instrument,) = connector._symbols.instruments()
            assert instrument.id == InstrumentId(name, "BTC/USDT")
            found = connector._symbols.find("ETH/USDT")
            assert found is not None
            assert found.venue == name
            await connector.close()

    run(main())
