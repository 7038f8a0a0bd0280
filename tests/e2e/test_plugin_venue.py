"""Plugins of the person's own, by hand: added by their form, watched, traded, found again, and removed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLineEdit, QPushButton

from terminal.app.compose import Terminal
from terminal.core.secret import Secret
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.services.credentials import CredentialStore
from terminal.services.session import Mode, SessionState
from terminal.venues.custom.connector import CustomConnector
from terminal.viewmodels.book import LadderState
from terminal.viewmodels.chart import ChartState
from terminal.viewmodels.connect import PASSPHRASE
from terminal.widgets import blotter as tabs
from terminal.widgets.connect_dialog import ConnectDialog
from terminal.widgets.unlock_dialog import UnlockDialog
from tests.e2e.screen_harness import Desk, opened, run_screen
from tests.e2e.test_connect_account import WORDS, enter
from tests.practice import Practice
from tests.practice_custom import CustomPractice
from tests.unit.services.keyring_fake import MemoryKeyring

NAME = "My plugin"
VENUE = "custom-my-plugin"
BTC = InstrumentId(VENUE, "BTC/USDT")
PRACTISED = InstrumentId("kraken", "BTC/USD")
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


def entries(plugin: CustomPractice, title: str = NAME, key: str = "practice") -> dict[str, str]:
    """The form as a person fills it in."""
    row = plugin.key(key)
    return {
        "custom.title": title,
        "endpoint.service": plugin.entry["service"],
        "custom.symbols": "BTC_USDT:0.1:0.00001:0.00001, ETH_USDT:0.01:0.0001:0.001",
        "access_key": row["access_key"],
        "secret_key": row["secret_key"],
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
        assert "?  Create and change orders: the venue does not tell" in said, said
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
        await desk.show_tab(tabs.ORDERS)
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
        # The rows follow when prices are seen to be finer.
        listed = desk.terminal.market.instrument(BTC)
        assert listed is not None
        desk.terminal.market.set_instruments([replace(listed, price_decimals=3)])
        rows = desk.screen.orders.model
        await desk.until(lambda: [row.price_decimals for row in rows.rows] == [3], "rows with other digits")

    async def again(desk: Desk) -> None:
        # A throw-away profile keeps keys in a vault, which a person opens.
        strip = desk.window.strip
        assert strip._cards[VENUE].title.text() == NAME
        assert desk.terminal.sessions.sessions.get(VENUE) is None
        desk.screen.watchlist.select(BTC)
        await desk.until(lambda: desk.shown == BTC, "a market that is not connected")
        await desk.frame()
        require_no_internal_names(desk)
        off = f"{NAME} is off: the keys are locked."
        panels = (desk.screen.chart, desk.screen.ladder, desk.screen.tape)
        await desk.until(lambda: {panel.reason for panel in panels} == {off}, "why nothing is shown")
        # The notice has the way out, and goes once that is taken.
        (toast,) = [each for each in desk.window.toasts.toasts if "keys are locked" in each.entry.text]
        await desk.hand.click(next(each for each in toast.findChildren(QPushButton) if each.text()))
        unlock = await opened(desk, UnlockDialog)
        assert NAME in desk.words(unlock)
        await desk.hand.click(unlock.field.edit)
        await desk.hand.write(WORDS)
        await desk.hand.click(unlock.go)
        await desk.until(lambda: desk.dialog(UnlockDialog) is None, "a question that closes by itself")
        await until_trading(desk)
        assert not any("keys are locked" in text for text in desk.notices() + desk.toasts()), desk.notices()
        bars = desk.window.workspace.bars
        for key in ("chart", "ladder", "ticket"):
            assert bars[key].word.text() == "LIVE", "the market that is shown is of the plugin"
            assert bars[key].edge.isHidden()
        assert bars["blotter"].word.text() == desk.window.top_bar.badge.text() == "PRACTICE + LIVE"
        worth = desk.screen.account
        await desk.until(lambda: worth.equity is not None and worth.practice_equity is not None, "two sums")
        assert desk.screen.status.balance.startswith("LIVE "), desk.screen.status.balance
        assert " · practice " in desk.screen.status.balance
        desk.screen.watchlist.select(PRACTISED)
        await desk.until(lambda: bars["ladder"].word.text() == "PRACTICE", "the panels of a practice market")
        assert not bars["ladder"].edge.isHidden()
        session = desk.terminal.sessions.sessions[VENUE]
        assert session.mode is Mode.LIVE
        (order,) = desk.open_orders
        assert (order.account, order.state) == (ACCOUNT, OrderState.OPEN)
        # It leaves the desk after a second word, and what is open there stays.
        desk.window.open_connect(VENUE)
        dialog = await opened(desk, ConnectDialog)
        assert dialog._fields["endpoint.service"].edit.text() == plugin.entry["service"]
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


def with_keychain(ring: MemoryKeyring) -> Callable[[Terminal], None]:
    def prepare(terminal: Terminal) -> None:
        terminal.__dict__["credentials"] = CredentialStore(terminal.paths.vault, ring)

    return prepare


def read_anywhere(*, hidden: bool = True) -> Iterator[str]:
    """Every text that the application shows, or would with the pointer over it, or has shown before."""
    for widget in QApplication.allWidgets():
        if not (hidden or widget.isVisible()):
            continue
        yield from (widget.toolTip(), widget.windowTitle(), widget.accessibleName(), widget.statusTip())
        text = getattr(widget, "text", None)
        if callable(text) and not isinstance(widget, QLineEdit):
            yield str(text())
        model = widget.model() if isinstance(widget, QAbstractItemView) else None
        if model is None:
            continue
        for row in range(model.rowCount()):
            for column in range(model.columnCount()):
                index = model.index(row, column)
                for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
                    yield str(index.data(role) or "")


def require_no_internal_names(desk: Desk) -> None:
    """Venues and accounts are told by their titles, never by the names that settings and journal know."""
    texts = [*read_anywhere(), *desk.notices()]
    wrong = [text for text in texts if "custom-" in text.lower() or "custom:" in text.lower()]
    assert not wrong, wrong


async def add(desk: Desk, fields: dict[str, str]) -> None:
    dialog = await open_new_form(desk)
    await enter(desk, dialog, fields)
    await test_connection(desk, dialog)
    await desk.hand.click(dialog.go)
    await desk.until(lambda: not dialog._vm.is_busy, "what came of it")
    await desk.frame()


def test_two_plugins_side_by_side_come_back_by_themselves_with_their_names(
    desk_practice: Practice, plugin: CustomPractice, qapp: QApplication, tmp_path: Path
) -> None:
    ring = MemoryKeyring()

    async def first(desk: Desk) -> None:
        strip = desk.window.strip
        await add(desk, entries(plugin))
        await until_trading(desk)
        # The same account under another name would show every order twice.
        await add(desk, entries(plugin, OTHER_NAME))
        dialog = await opened(desk, ConnectDialog)
        assert f"{NAME} has this address and these keys already" in dialog.error.text()
        row = plugin.key("second")
        await enter(desk, dialog, {key: row[key] for key in ("access_key", "secret_key")})
        await test_connection(desk, dialog)
        await desk.hand.click(dialog.go)
        await until_trading(desk, OTHER)
        assert [strip._cards[venue].title.text() for venue in (VENUE, OTHER)] == [NAME, OTHER_NAME]

    async def again(desk: Desk) -> None:
        strip, terminal = desk.window.strip, desk.terminal
        for venue in (VENUE, OTHER):
            await until_trading(desk, venue)
            assert terminal.sessions.sessions[venue].mode is Mode.LIVE
        # Both are watched and traded, each in its own account.
        for venue, title in ((VENUE, NAME), (OTHER, OTHER_NAME)):
            btc = InstrumentId(venue, "BTC/USDT")
            assert btc in desk.screen.watchlist.watched
            desk.screen.watchlist.select(btc)
            await desk.until(lambda: desk.screen.ladder.state is LadderState.LIVE, "a book")
            assert desk.shown == btc
            await desk.until(
                lambda: desk.screen.ticket.lines and desk.edit("Limit price").text(), "a ticket at the market"
            )
            await desk.frame()
            order = await desk.place(Side.BUY, desk.away(Side.BUY), "0.001")
            assert order.account == f"{venue}:live"
            await desk.frame()
            shown = desk.row_of(order)
            assert shown is not None
            assert title in " ".join(shown.values()), shown
            require_no_internal_names(desk)
        for row in ("practice", "second"):
            told = await plugin.told(plugin.key(row)["account"])
            assert sum(each["open"] for each in told.orders) == 1, row

        # Another name is shown at once and cuts nothing.
        session = terminal.sessions.sessions[OTHER]
        desk.window.open_connect(OTHER)
        dialog = await opened(desk, ConnectDialog)
        await desk.until(dialog.go.isEnabled, "kept keys")
        await enter(desk, dialog, {"custom.title": "Renamed"})
        await desk.hand.click(dialog.go)
        await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a form that closes by itself")
        await desk.until(lambda: strip._cards[OTHER].title.text() == "Renamed", "the new name")
        await desk.frame()
        assert terminal.sessions.sessions[OTHER] is session
        assert session.state is SessionState.LIVE
        await desk.until(
            lambda: not [text for text in read_anywhere(hidden=False) if OTHER_NAME in text],
            "the old name nowhere",
        )
        require_no_internal_names(desk)

        # One goes, the other one stays as it is.
        kept = terminal.sessions.sessions[VENUE]
        desk.window.open_connect(OTHER)
        dialog = await opened(desk, ConnectDialog)
        await desk.until(dialog.forget.isVisible, "the kept keys")
        await desk.hand.click(dialog.forget)
        await desk.hand.click(dialog.forget)
        await desk.until(lambda: OTHER not in strip._cards, "a desk without it")
        await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a form that closes by itself")
        await desk.frame()
        assert terminal.sessions.sessions.get(VENUE) is kept
        assert kept.state is SessionState.LIVE
        assert terminal.added.names == (VENUE,)
        assert {row.account_name for row in desk.screen.orders.model.rows} == {f"{NAME} live"}
        require_no_internal_names(desk)

    for body in (first, again):
        run_screen(desk_practice, tmp_path, body, wait=False, longest_ms=250.0, prepare=with_keychain(ring))
    for file in tmp_path.rglob("*"):
        if file.is_file():
            for name in ("practice", "second"):
                assert plugin.key(name)["secret_key"].encode() not in file.read_bytes(), f"a key is in {file}"


@dataclass
class Calls:
    """What a plugin is asked, noted where the calls leave."""

    made: list[tuple[str, str]] = field(default_factory=list)
    answered_ns: dict[tuple[str, str], int] = field(default_factory=dict)

    def follow(self, connector: CustomConnector) -> None:
        post = connector.client._post

        async def noted(method: str, params: Mapping[str, object], *rest: Any, **more: Any) -> Any:
            call = method, str(params.get("symbol", ""))
            self.made.append(call)
            answer = await post(method, params, *rest, **more)
            self.answered_ns[call] = time.monotonic_ns()
            return answer

        connector.client._post = noted  # type: ignore[method-assign]

    async def until(self, desk: Desk, *methods: str) -> None:
        """Wait for a call of each method, made from now on."""
        self.made.clear()
        await desk.until(lambda: set(methods) <= {method for method, _ in self.made}, f"calls of {methods}")

    async def methods(self, desk: Desk) -> set[str]:
        """What is asked now: all that came during some looks at quotes, after what was on its way is over."""
        for looks in (2, 4):
            self.made.clear()
            await desk.until(lambda: [each for each, _ in self.made].count("ticker") >= looks, "quotes")  # noqa: B023
        return {method for method, _ in self.made}


def test_only_what_can_be_seen_is_asked_for_and_no_price_is_shown_younger_than_its_answer(
    desk_practice: Practice, plugin: CustomPractice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        terminal, docks = desk.terminal, desk.window.workspace.docks
        await desk.until(lambda: "kraken" in terminal.sessions.sessions, "a terminal that has started")
        form = entries(plugin)
        keys = {key: Secret(form.pop(key)) for key in ("access_key", "secret_key")}
        assert await terminal.save_key("custom", keys, form) == VENUE
        await terminal.use_live(VENUE)
        await until_trading(desk)
        desk.screen.watchlist.select(BTC)
        await desk.until(lambda: desk.screen.ladder.state is LadderState.LIVE, "a book")
        session = terminal.sessions.sessions[VENUE]
        assert isinstance(session.connector, CustomConnector)
        calls = Calls()
        calls.follow(session.connector)
        await calls.until(desk, "ticker", "depth", "trades", "records")

        # Panels out of sight ask for nothing. In sight are the price on the venue's card, what the account is
        # worth, and the line that compares the venues' books while their panel is not.
        for key in ("chart", "tape", "ladder", "ticket", "cross", "watchlist"):
            docks[key].setVisible(False)
        assert await calls.methods(desk) <= {"ticker", "depth", "accounts", "orders"}
        assert {symbol for method, symbol in calls.made if method == "depth"} <= {"BTC_USDT"}
        docks["tape"].setVisible(True)
        await calls.until(desk, "trades")
        assert "records" not in {method for method, _ in calls.made}
        for key in ("chart", "ladder", "ticket", "watchlist"):
            docks[key].setVisible(True)
        await desk.until(lambda: desk.screen.ladder.state is LadderState.LIVE, "a book again")
        await calls.until(desk, "ticker", "depth", "trades", "records")

        # A slow plugin's prices are as old as they look, or younger, and never older.
        await plugin.fault("delay", match="custom/public/*", delay_s=0.3, seconds=30)
        await calls.until(desk, "ticker", "depth")
        for _ in range(20):
            before_ns = time.monotonic_ns()
            age_s = session.feed_age_s()
            prices = [ns for (method, _), ns in calls.answered_ns.items() if method in ("ticker", "depth")]
            assert age_s is not None
            assert age_s >= (before_ns - min(prices)) / 1e9 - 0.05, "shown younger than its answer"
            await desk.frame()

    run_screen(
        desk_practice, tmp_path, body, wait=False, longest_ms=250.0, prepare=with_keychain(MemoryKeyring())
    )
