"""The Accounts tab by mouse, on accounts of the practice venue: which are shown, what a person can set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication

from terminal.domain.market import Feed, FeedKind
from terminal.services.market_data import FeedState
from terminal.widgets import blotter as tabs
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.margin_calls_dialog import MarginCallsDialog
from terminal.widgets.table import DataTable
from tests.e2e.ctrader_desk import ACCOUNT, EUR, BothVenues, Fx, run_fx
from tests.e2e.screen_harness import opened

NETTED = "ctrader:practice:5120002"
LIVE = "ctrader:practice:7230001"


@pytest.fixture(scope="module")
def running_venues() -> Iterator[BothVenues]:
    venues = BothVenues()
    venues.start()
    yield venues
    venues.stop()


@pytest.fixture
def venues(running_venues: BothVenues, qapp: QApplication) -> BothVenues:
    running_venues.begin_anew()
    return running_venues


def kinds(fx: Fx) -> dict[str, str]:
    """By account, what the tab says it is."""
    return {row.key: row.kind for row in fx.desk.screen.positions.accounts_model.rows}


async def press_tick(fx: Fx, account: str) -> None:
    """Click an account's tick in the Accounts tab."""
    table: DataTable = await fx.desk.show_tab(tabs.ACCOUNTS)
    await fx.until(lambda: fx.desk.screen.positions.accounts_model.row_of(account) is not None, account)
    await fx.desk.frame()
    model: Any = table.model()
    index = model.index(model.row_of(account), model.column_of("shown"))
    table.scrollTo(index)
    box = table.visualRect(index)
    await fx.hand.click(table.viewport(), QPoint(box.left() + 12, box.center().y()))


def test_accounts_are_hidden_and_shown_with_a_tick_and_stay_so(venues: BothVenues, tmp_path: Path) -> None:
    async def first(fx: Fx) -> None:
        desk, portfolio = fx.desk, fx.desk.terminal.portfolio
        await fx.choose_market()
        await fx.until(lambda: portfolio.figures(LIVE) is not None, "the figures of every account")
        whole = desk.screen.account.equity
        assert whole is not None
        await press_tick(fx, NETTED)
        await fx.until(lambda: kinds(fx)[NETTED] == "hidden", "an account that is not shown")
        assert portfolio.figures(NETTED) is None
        assert not desk.terminal.gate.ready(NETTED)
        await fx.until(lambda: (desk.screen.account.equity or 0) < whole, "totals without it")
        await press_tick(fx, ACCOUNT)
        await desk.frame()
        assert kinds(fx)[ACCOUNT] != "hidden", "orders go to it"
        assert fx.is_trading()
        assert desk.terminal.settings.items("practice.accounts", "ctrader") == ("5120001", "7230001")

    async def again(fx: Fx) -> None:
        await fx.choose_market()
        await fx.until(lambda: kinds(fx).get(NETTED) == "hidden", "hidden as it was left")
        await press_tick(fx, NETTED)
        await fx.until(lambda: fx.desk.terminal.gate.ready(NETTED), "compared with the venue again")
        await fx.until(lambda: kinds(fx)[NETTED] == "netted 1:100", "what it is")
        assert fx.desk.terminal.settings.items("practice.accounts", "ctrader") == ()

    run_fx(venues, tmp_path, first)
    run_fx(venues, tmp_path, again)


def test_a_margin_call_level_is_moved_and_the_call_is_told(venues: BothVenues, tmp_path: Path) -> None:
    async def on(fx: Fx) -> None:
        desk, portfolio = fx.desk, fx.desk.terminal.portfolio
        await fx.choose_market()
        await fx.buy("0.5")
        await fx.until(lambda: fx.figures.margin_level, "a margin level")
        level = fx.figures.margin_level
        assert level is not None
        table = await desk.show_tab(tabs.ACCOUNTS)
        await desk.frame()
        model: Any = table.model()
        place = desk.cell_of(table, ACCOUNT, "account")
        spot = table.viewport().mapToGlobal(place)
        asked = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, spot)
        QApplication.postEvent(table.viewport(), asked)
        await fx.until(lambda: QApplication.activePopupWidget() is not None, "the row's menu")
        await fx.hand.trigger(desk.menu(), "Margin call levels…")
        dialog = await opened(desk, MarginCallsDialog)
        await fx.until(lambda: dialog.edits, "the levels")
        assert model.row_of(ACCOUNT) is not None
        first = next(iter(dialog.edits.values()))
        wanted = int(level) + 1000
        await fx.hand.replace(first, str(wanted))
        await fx.hand.click(dialog.confirm)
        await fx.until(
            lambda: max(fx.figures.margin_calls) == wanted, "the new level, as the venue tells of it"
        )
        await fx.until(
            lambda: [each for each in desk.screen.notices.entries if f"fallen to {wanted}" in each.text],
            "the margin call in words",
        )
        assert portfolio.figures(ACCOUNT) is not None

    run_fx(venues, tmp_path, on)


def test_an_account_with_a_position_asks_first(venues: BothVenues, tmp_path: Path) -> None:
    async def on(fx: Fx) -> None:
        desk = fx.desk
        await fx.choose_market()
        await fx.buy("0.1")
        desk.terminal.select_account(NETTED)
        await fx.until(lambda: desk.terminal.gate.ready(NETTED), "the other account trades")
        await press_tick(fx, ACCOUNT)
        dialog = await opened(desk, ConfirmDialog)
        assert "Open positions" in desk.words(dialog)
        await fx.hand.click(dialog.cancel)
        await desk.frame()
        assert kinds(fx)[ACCOUNT] != "hidden"
        await press_tick(fx, ACCOUNT)
        dialog = await opened(desk, ConfirmDialog)
        await fx.hand.click(dialog.confirm)
        await fx.until(lambda: kinds(fx)[ACCOUNT] == "hidden", "it is hidden")
        assert fx.rows() == [], "its position is not in the blotter"
        market, feed = desk.terminal.market, Feed(FeedKind.QUOTES, EUR.symbol)
        await fx.until(
            lambda: market.feed_state(feed, "ctrader") is FeedState.LIVE, "prices by way of another account"
        )
        old = market.quote(EUR)
        await fx.until(lambda: market.quote(EUR) != old, "a new price")
        noted = await venues.noted()
        assert len(noted["now"]["position"]) == 1, "at the venue it is as it was"
        await press_tick(fx, ACCOUNT)
        await fx.until(lambda: len(fx.rows()) == 1, "the position again")

    run_fx(venues, tmp_path, on)
