"""The twin map over three venues: found, changed, kept, and read back whatever the file holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from terminal.core.observe import Observable
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.services.market_data import Topic
from terminal.services.twins import Twins
from tests.unit.domain.test_twins import listed

KRAKEN = listed("kraken", "BTC", "USD")
OKX = listed("okx", "BTC", "USDT")
PERP = listed("okx", "BTC", "USDT", InstrumentKind.PERPETUAL, "BTC/USDT-PERP")
BROKER = listed("ctrader", "BTC", "USD", InstrumentKind.CFD)
ETH = listed("kraken", "ETH", "USD")


class Lists:
    """What the venues list, told one by one."""

    def __init__(self, *instruments: Instrument) -> None:
        self.changed: Observable[[InstrumentId, Topic]] = Observable("fake lists")
        self.known = {each.id: each for each in instruments}

    def instrument(self, instrument: InstrumentId) -> Instrument | None:
        return self.known.get(instrument)

    def instruments(self, venue: str | None = None) -> list[Instrument]:
        return list(self.known.values())

    def list(self, instrument: Instrument) -> None:
        self.known[instrument.id] = instrument
        self.changed.notify(instrument.id, Topic.INSTRUMENT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "twins.json"


def test_twins_of_three_venues_are_found_as_the_venues_list_them(path: Path) -> None:
    lists = Lists(KRAKEN, ETH)
    twins = Twins(lists, path)
    told: list[str] = []
    twins.listed.watch(told.append)
    assert twins.twins_of(KRAKEN.id) == [KRAKEN]
    for each in (PERP, BROKER, OKX):
        lists.list(each)
    assert twins.twins_of(KRAKEN.id) == [BROKER, KRAKEN, OKX, PERP]
    assert told == ["BTC/USD"] * 3
    assert twins.twins_of(ETH.id) == [ETH]
    assert twins.groups() == ["BTC/USD"]
    lists.known.clear()
    assert twins.twins_of(KRAKEN.id) == []
    assert twins.groups() == []


def test_the_twin_at_a_venue_is_of_the_same_kind_where_there_is_one(path: Path) -> None:
    lists = Lists(KRAKEN, OKX, PERP, BROKER)
    twins = Twins(lists, path)
    assert twins.twin_at(KRAKEN.id, "okx") == OKX.id
    assert twins.twin_at(PERP.id, "okx") == PERP.id
    assert twins.twin_at(PERP.id, "kraken") == KRAKEN.id
    assert twins.twin_at(KRAKEN.id, "quotex") is None
    assert twins.twin_at(InstrumentId("kraken", "unknown"), "okx") is None


def test_what_a_person_changes_is_there_after_a_restart(path: Path) -> None:
    lists = Lists(KRAKEN, OKX, PERP, BROKER)
    twins = Twins(lists, path)
    heard: list[object] = []
    twins.changed.watch(lambda: heard.append(1))
    twins.move([PERP.id, BROKER.id], "  BTC derivatives ")
    twins.move([OKX.id], "")
    assert len(heard) == 2
    again = Twins(lists, path)
    assert again.groups() == ["BTC derivatives"]
    assert again.members("BTC derivatives") == [BROKER, PERP]
    assert again.twins_of(OKX.id) == [OKX]
    assert again.is_moved(OKX.id)
    again.reset([OKX.id])
    assert again.twins_of(OKX.id) == [KRAKEN, OKX]
    again.reset_all()
    assert Twins(lists, path).twins_of(PERP.id) == [BROKER, KRAKEN, OKX, PERP]


def test_an_instrument_of_a_venue_that_is_away_keeps_its_place(path: Path) -> None:
    Twins(Lists(KRAKEN, PERP), path).move([PERP.id], "mine")
    later = Lists(KRAKEN)
    twins = Twins(later, path)
    twins.move([KRAKEN.id], "other")
    later.list(PERP)
    assert twins.group_of(PERP.id) == "mine"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"version": 9, "moved": []}',
        '{"version": 1, "moved": [{"venue": "okx"}]}',
        '{"version": 1, "moved": [{"venue": "okx", "symbol": "BTC", "group": 5}]}',
        "\x00\xff",
    ],
)
def test_a_damaged_file_is_put_aside_whole_and_said(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text, encoding="latin-1")
    said: list[str] = []
    twins = Twins(Lists(KRAKEN, OKX), path, said.append)
    assert twins.twins_of(KRAKEN.id) == [KRAKEN, OKX]
    (notice,) = said
    assert "damaged" in notice
    (aside,) = path.parent.glob("twins.json.bad-*")
    assert aside.read_text(encoding="latin-1") == text
    twins.move([OKX.id], "")
    assert json.loads(path.read_text())["moved"] == [{"venue": "okx", "symbol": "BTC/USDT", "group": ""}]


def test_a_file_that_cannot_be_written_is_said_and_the_change_holds(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    said: list[str] = []
    twins = Twins(Lists(KRAKEN, OKX), blocked / "twins.json", said.append)
    said.clear()
    twins.move([OKX.id], "")
    assert twins.twins_of(KRAKEN.id) == [KRAKEN]
    assert any("could not be saved" in text for text in said)
