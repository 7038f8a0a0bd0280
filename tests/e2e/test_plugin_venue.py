"""Plugins of the person's own, by hand: added by their form, watched, traded, found again, and removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.services.session import Mode, SessionState
from terminal.viewmodels.book import LadderState
from terminal.viewmodels.chart import ChartState
from terminal.viewmodels.connect import PASSPHRASE
from terminal.widgets.connect_dialog import ConnectDialog
from tests.e2e.screen_harness import Desk, opened, run_screen
from tests.e2e.test_connect_account import WORDS, enter
from tests.practice import Practice
from tests.practice_custom import CustomPractice

NAME = "My plugin"
VENUE = "custom-my-plugin"
BTC = InstrumentId(VENUE, "BTC/USDT")
ACCOUNT = f"{VENUE}:live"
OTHER_NAME = "Börse 2"
OTHER = "custom-borse-2"


@pytest.fixture(scope="module")
def running_plugin() -> Iterator[CustomPractice]:
    plugin = CustomPractice().start()
    # The reference's kind: one call after the other, no list of markets.
    plugin.command("behave", {"better": False, "extras": False})
    yield plugin
    plugin.stop()


@pytest.fixture
def plugin(running_plugin: CustomPractice) -> CustomPractice:
    running_plugin.renew()
    running_plugin.command("rate", {"rate": 0.05})
    return running_plugin


def entries(plugin: CustomPractice) -> dict[str, str]:
    """The form as a person fills it in."""
    return {
        "custom.title": NAME,
        "endpoint.service": plugin.entry["service"],
        "custom.symbols": "BTC_USDT:0.1:0.00001:0.00001, ETH_USDT:0.01:0.0001:0.001",
        "access_key": plugin.entry["access_key"],
        "secret_key": plugin.entry["secret_key"],
    }


def state_of(desk: Desk, venue: str = VENUE) -> SessionState | None:
    session = desk.terminal.sessions.sessions.get(venue)
    return session.state if session is not None else None


async def until_trading(desk: Desk, venue: str = VENUE) -> None:
    terminal = desk.terminal
    await desk.until(lambda: state_of(desk, venue) is SessionState.LIVE, "a live plugin")
    await desk.until(lambda: terminal.gate.ready(f"{venue}:live"), "an account that was compared")


async def open_new_form(desk: Desk) -> ConnectDialog:
    await desk.hand.click(desk.window.strip.add)
    await desk.hand.trigger(desk.menu(), "Add a plugin…")
    return await opened(desk, ConnectDialog)


async def test_connection(desk: Desk, dialog: ConnectDialog) -> str:
    """Press the button; what the form then says."""
    await desk.hand.click(dialog.test)
    await desk.until(
        lambda: not dialog._vm.is_busy and (dialog._vm.report or dialog._vm.error or dialog._vm.problems),
        "what came of the test",
    )
    await desk.frame()
    return desk.words(dialog)


test_connection.__test__ = False  # type: ignore[attr-defined]  # a step, not a test


def test_a_plugin_is_added_traded_and_still_there_after_a_restart(
    desk_practice: Practice, plugin: CustomPractice, qapp: QApplication, tmp_path: Path
) -> None:
    async def first(desk: Desk) -> None:
        strip = desk.window.strip
        assert not desk.terminal.added.names, "nobody has asked for one"
        dialog = await open_new_form(desk)
        # What is missing or cannot be is said in plain words.
        said = await test_connection(desk, dialog)
        assert "Name is missing." in said, said
        assert "Service address is missing." in said, said
        await enter(desk, dialog, {**entries(plugin), "endpoint.service": "http://example.com/OKX"})
        said = await test_connection(desk, dialog)
        assert "example.com is another machine" in said, said
        await enter(desk, dialog, {"endpoint.service": plugin.entry["service"]})
        said = await test_connection(desk, dialog)
        assert "✓  Query funds" in said, said
        assert "shows at the first order only" in said
        assert not desk.terminal.added.names, "nothing is kept before it was asked for"
        await enter(desk, dialog, {PASSPHRASE: WORDS})
        await desk.hand.click(dialog.go)
        await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a form that closes by itself")
        await until_trading(desk)
        assert strip._cards[VENUE].title.text() == NAME

        # Live, with a book and a chart.
        desk.screen.watchlist.select(BTC)
        await desk.until(
            lambda: (
                desk.shown == BTC
                and desk.screen.ladder.state is LadderState.LIVE
                and desk.screen.ladder.rows
                and desk.screen.chart.state is ChartState.LIVE
            ),
            "book and chart",
        )
        # The ticket names a price by itself, once: what is typed before that would be mixed with it.
        await desk.until(
            lambda: desk.screen.ticket.lines and desk.edit("Limit price").text(), "a ticket at the market"
        )
        await desk.frame()
        assert desk.screen.chart.title == f"BTC/USDT {NAME}"
        # One rests and is canceled, one fills.
        order = await desk.place(Side.BUY, desk.away(Side.BUY), "0.001")
        assert order.account == ACCOUNT
        await desk.hand.click(desk.blotter.orders.cancel_all)
        await desk.until(lambda: order.state is OrderState.CANCELED, "no open order")
        await desk.fill_in(price=desk.away(Side.BUY, "-0.3"), size="0.002")
        await desk.press_side(Side.BUY)
        await desk.confirm()
        await desk.until(lambda: len(desk.orders) == 2, "a second order")
        await desk.until(lambda: desk.orders[1].state is OrderState.FILLED, "a filled order")
        # The answer to the third is lost: it is looked for, and not sent again.
        await plugin.fault("accept_lose_answer", match="custom/trade/trade", close=True)
        third = await desk.place(Side.SELL, desk.away(Side.SELL), "0.003")
        assert await plugin.struck("accept_lose_answer") == 1
        told = await plugin.told()
        sent = [row for row in told.requests if row["method"] == "trade"]
        assert len(sent) == len(told.orders) == 3
        assert third.venue_order_id == next(row["txid"] for row in told.orders if row["open"])

    async def again(desk: Desk) -> None:
        # A throw-away profile keeps keys in a vault, which a person opens.
        strip = desk.window.strip
        assert strip._cards[VENUE].title.text() == NAME
        assert desk.terminal.sessions.sessions.get(VENUE) is None
        await desk.hand.click(strip._cards[VENUE])
        await desk.hand.trigger(desk.menu(), "Connect an account…")
        dialog = await opened(desk, ConnectDialog)
        assert dialog._fields["endpoint.service"].edit.text() == plugin.entry["service"]
        await enter(desk, dialog, {PASSPHRASE: WORDS})
        await desk.until(dialog.go.isEnabled, "kept keys")
        await desk.hand.click(dialog.go)
        await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a form that closes by itself")
        await until_trading(desk)
        session = desk.terminal.sessions.sessions[VENUE]
        assert session.mode is Mode.LIVE
        (order,) = desk.open_orders
        assert (order.account, order.state) == (ACCOUNT, OrderState.OPEN)
        # It leaves the desk after a second word, and what is open there stays.
        desk.window.open_connect(VENUE)
        dialog = await opened(desk, ConnectDialog)
        await desk.until(dialog.forget.isVisible, "the kept keys")
        await desk.hand.click(dialog.forget)
        await desk.frame()
        assert "1 open order stays at the venue" in desk.words(dialog), desk.words(dialog)
        assert VENUE in strip._cards, "once is not enough"
        await desk.hand.click(dialog.forget)
        await desk.until(lambda: VENUE not in strip._cards, "a desk without it")
        await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a form that closes by itself")
        assert desk.terminal.added.names == ()
        assert VENUE not in desk.terminal.sessions.sessions
        assert not desk.terminal.settings.text("endpoint.service", VENUE)
        assert any(f"{NAME} was removed" in text for text in desk.notices()), desk.notices()
        assert not desk.screen.orders.model.rows, "nobody follows them any more"
        assert sum(row["open"] for row in (await plugin.told()).orders) == 1, "it was placed and it stays"

    # The first connection loads the venue's code in the thread of the screen.
    run_screen(desk_practice, tmp_path, first, wait=False, longest_ms=250.0)
    run_screen(
        desk_practice,
        tmp_path,
        again,
        wait=False,
        longest_ms=250.0,
    )
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert plugin.entry["secret_key"].encode() not in file.read_bytes(), f"a key is in {file}"
