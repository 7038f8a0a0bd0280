"""The watchlist's rows, its flashes, and the ranking of the search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from terminal.domain.instrument import InstrumentId, InstrumentKind
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels.selection import LinkGroups, Selection
from terminal.viewmodels.watchlist import COLUMNS, WatchlistViewModel, WatchRow
from tests.gui.chart_fakes import WatchDesk, bar

D = Decimal


def kraken(symbol: str) -> InstrumentId:
    return InstrumentId("kraken", symbol)


BTC, ETH = kraken("BTC/USD"), kraken("ETH/USD")


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[WatchDesk]:
    made = WatchDesk()
    for symbol, last, decimals in (
        ("BTC/USD", "64120.1", 1),
        ("ETH/USD", "3421.55", 2),
        ("ETH/BTC", "0.05336", 5),
        ("BTC/EUR", "59310.4", 1),
        ("WBTC/USD", "64000.0", 1),
    ):
        made.market.list_symbol(symbol, last, decimals=decimals)
    yield made
    made.frames.stop()


def opened(desk: WatchDesk, *watched: InstrumentId) -> WatchlistViewModel:
    return desk.open(watched or (BTC, ETH))


def row(vm: WatchlistViewModel, instrument: InstrumentId) -> WatchRow:
    return next(each for each in vm.model.rows if each.id == instrument)


def symbols(vm: WatchlistViewModel) -> list[str]:
    return [each.id.symbol for each in vm.model.rows]


# -- rows ---------------------------------------------------------------------------------------------


def test_a_price_shows_with_the_instruments_decimals_and_its_day(desk: WatchDesk) -> None:
    desk.market.list_symbol("BTC/USD", "64120.10", decimals=1, change="-2.5", volume="2", spread="0.3")
    one = row(opened(desk), BTC)
    assert one.last_text.endswith("120.1")
    assert (one.direction, one.spread, one.worth) == ("down", D("0.3"), D("128240.20"))
    assert "▼" in one.change_text
    assert "−2.50" in one.change_text


def test_only_the_digits_that_changed_flash_and_only_for_a_while(desk: WatchDesk) -> None:
    vm = opened(desk)
    assert vm.flash_of(BTC) is None
    desk.market.set_last(BTC, "64129.3")
    desk.pass_time(0.11)
    flash = vm.flash_of(BTC)
    assert flash is not None
    assert row(vm, BTC).last_text[flash.first :] == "9.3"
    assert flash.up
    assert vm.flash_of(ETH) is None
    desk.pass_time(0.31)
    assert vm.flash_of(BTC) is None


def test_a_price_with_more_digits_flashes_whole(desk: WatchDesk) -> None:
    vm = opened(desk)
    desk.market.set_last(BTC, "100000.0")
    desk.pass_time(0.11)
    flash = vm.flash_of(BTC)
    assert flash is not None
    assert flash.first == 0


def test_flashes_can_be_switched_off(desk: WatchDesk) -> None:
    vm = desk.open((BTC,), flashes=False)
    desk.market.set_last(BTC, "64129.3")
    desk.pass_time(0.11)
    assert vm.flash_of(BTC) is None
    assert row(vm, BTC).last == D("64129.3")


def test_rows_are_built_ten_times_a_second_however_many_quotes_come(desk: WatchDesk) -> None:
    vm = opened(desk)
    built: list[int] = []
    vm.changed.connect(lambda: built.append(1))
    for step in range(100):
        desk.market.set_last(BTC, f"64{step:03}.0")
        desk.pass_time(0.01)
    assert 9 <= len(built) <= 11


def test_a_hidden_list_builds_nothing_and_catches_up_when_shown(desk: WatchDesk) -> None:
    vm = opened(desk)
    vm.set_visible(False)
    desk.market.set_last(BTC, "64129.3")
    desk.pass_time(0.2)
    assert row(vm, BTC).last == D("64120.1")
    vm.set_visible(True)
    desk.pass_time(0.2)
    assert row(vm, BTC).last == D("64129.3")


def test_another_connection_clears_what_the_first_one_showed(desk: WatchDesk) -> None:
    vm = opened(desk)
    assert vm.all_live
    desk.market.quotes.clear()
    desk.market.changed.notify(BTC, Topic.STATE)
    desk.pass_time(0.2)
    assert row(vm, BTC).last is None
    assert not vm.all_live


def test_a_stale_price_is_told_and_is_not_live(desk: WatchDesk) -> None:
    vm = opened(desk)
    desk.market.set_state(FeedState.STALE)
    desk.pass_time(0.2)
    assert row(vm, BTC).stale
    assert row(vm, BTC).direction == "muted"
    assert not vm.all_live


def test_the_line_of_the_day_follows_the_bars_without_asking_for_history(desk: WatchDesk) -> None:
    vm = opened(desk)
    assert row(vm, BTC).spark == ()
    series = desk.market.bars(BTC, 900)
    series.merge([bar(index, str(100 + index)) for index in range(120)])
    desk.market.changed.notify(BTC, Topic.BARS)
    desk.pass_time(0.2)
    assert len(row(vm, BTC).spark) == 96
    assert row(vm, BTC).spark[-1] == 219.0
    series.update(bar(119, "250"))
    desk.market.changed.notify(BTC, Topic.BARS)
    desk.pass_time(0.2)
    assert row(vm, BTC).spark[-1] == 250.0
    assert desk.market.history_asked == 0


@pytest.mark.parametrize(
    ("key", "first"), [("last", "ETH/BTC"), ("change", "BTC/EUR"), ("volume", "ETH/BTC")]
)
def test_numbers_sort_by_value_not_by_text(desk: WatchDesk, key: str, first: str) -> None:
    desk.market.list_symbol("BTC/EUR", "59310.4", change="-11.2", volume="9")
    vm = opened(desk, BTC, ETH, kraken("ETH/BTC"), kraken("BTC/EUR"))
    vm.model.sort(vm.model.column_of(key), Qt.SortOrder.AscendingOrder)
    assert symbols(vm)[0] == first


# -- what a person does -------------------------------------------------------------------------------


def test_a_click_moves_every_linked_panel(desk: WatchDesk) -> None:
    vm = opened(desk)
    told: list[object] = []
    desk.selection.changed.watch(lambda: told.append(desk.selection.instrument))
    vm.select(ETH)
    vm.select(ETH)
    assert told == [ETH]


def test_removing_releases_the_feeds_and_is_kept(desk: WatchDesk) -> None:
    vm = opened(desk)
    before = len(desk.market.watched)
    vm.remove(ETH)
    assert len(desk.market.watched) == before - 2
    assert desk.saved == [(BTC,)]
    assert symbols(vm) == ["BTC/USD"]


def test_a_favourite_stands_first_and_joins_the_list(desk: WatchDesk) -> None:
    kept: list[object] = []
    vm = desk.open((BTC, ETH), save_favourites=kept.append)
    vm.toggle_favourite(kraken("ETH/BTC"))
    assert symbols(vm) == ["ETH/BTC", "BTC/USD", "ETH/USD"]
    assert kept == [(kraken("ETH/BTC"),)]
    vm.toggle_favourite(kraken("ETH/BTC"))
    assert symbols(vm) == ["BTC/USD", "ETH/USD", "ETH/BTC"]


def test_the_filter_hides_rows_and_opens_the_first_it_leaves(desk: WatchDesk) -> None:
    vm = opened(desk)
    vm.set_filter("eth")
    assert symbols(vm) == ["ETH/USD"]
    assert vm.open_first()
    assert vm.selected == ETH
    vm.set_filter("zzz")
    assert not vm.open_first()
    assert "zzz" in vm.empty_text


def test_closing_lets_every_feed_go(desk: WatchDesk) -> None:
    opened(desk).close()
    assert desk.market.watched == []


# -- search -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("eth/btc", "ETH/BTC"),
        ("ethbtc", "ETH/BTC"),
        ("ETH-BTC", "ETH/BTC"),
        ("btc", "BTC/USD"),
        ("xbt", "BTC/USD"),
        ("wb", "WBTC/USD"),
        ("eur btc", "BTC/EUR"),
        ("kraken weth", None),
        ("nosuch", None),
    ],
)
def test_search_ranks_exact_then_beginning_then_watched_then_volume(
    desk: WatchDesk, text: str, first: str | None
) -> None:
    desk.market.list_symbol("BTC/EUR", "60000", volume="999999")
    hits = opened(desk).search(text)
    assert (hits[0].instrument.symbol if hits else None) == first


def test_search_puts_a_favourite_before_a_larger_market(desk: WatchDesk) -> None:
    desk.market.list_symbol("BTC/USDT", "64000", venue="okx", volume="999999")
    vm = opened(desk, BTC)
    vm.toggle_favourite(kraken("BTC/EUR"))
    assert [hit.instrument.symbol for hit in vm.search("btc")][:3] == ["BTC/EUR", "BTC/USD", "BTC/USDT"]


def test_search_tells_what_kind_of_thing_it_found(desk: WatchDesk) -> None:
    desk.market.list_symbol("BTC-PERP/USDT", "64000", venue="okx", kind=InstrumentKind.PERPETUAL)
    assert [hit.kind for hit in opened(desk).search("perp")] == ["perp"]


def test_opening_what_was_found_watches_and_shows_it(desk: WatchDesk) -> None:
    vm = opened(desk, BTC)
    vm.open_hit(ETH)
    assert vm.selected == ETH
    assert vm.watched == (BTC, ETH)
    assert desk.saved == [(BTC, ETH)]


# -- link groups --------------------------------------------------------------------------------------


def test_link_groups_choose_apart_from_one_another() -> None:
    groups = LinkGroups()
    told: list[int] = []
    end = groups.watch(lambda: told.append(1))
    groups.group(1).select(BTC)
    groups.group(5).select(ETH)
    groups.group(5).select(ETH)
    assert (groups.group(1).instrument, groups.group(5).instrument) == (BTC, ETH)
    assert len(told) == 2
    end()
    groups.group(1).select(None)
    assert len(told) == 2
    with pytest.raises(KeyError):
        groups.group(6)


def test_a_selection_tells_only_changes() -> None:
    selection, told = Selection(BTC), []
    selection.changed.watch(lambda: told.append(1))
    selection.select(BTC)
    assert told == []


def test_a_spread_is_in_pips_where_the_venue_speaks_of_them() -> None:
    row = WatchRow(
        InstrumentId("house", "EUR/USD"), False, "cfd", spread=Decimal("0.00008"), pip=Decimal("0.0001"),
        price_decimals=5,
    )  # fmt: skip
    (column,) = [each for each in COLUMNS if each.key == "spread"]
    assert column.text(row) == "0.8 p"
    assert column.text(replace(row, pip=None)) == "0.0₄8"
