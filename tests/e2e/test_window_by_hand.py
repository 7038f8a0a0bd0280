"""The window worked by mouse and keyboard: the way out and back in, the practice menu, another market."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QMenu

from terminal.app import start
from terminal.app.rehearsals import REHEARSALS
from terminal.core import tasks
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.controls import HOLD_MS
from terminal.widgets.flatten_dialog import FlattenDialog
from terminal.widgets.table import DataTable
from tests.e2e.hand import CTRL, LEFT
from tests.e2e.screen_harness import Desk, opened, plain, run_screen
from tests.practice import Practice

D = Decimal
ETH = InstrumentId("kraken", "ETH/USD")


# -- the way out, and back in ---------------------------------------------------------------------------


def test_flatten_is_held_lists_and_cancels(desk_practice: Practice, tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        flatten = desk.window.top_bar.flatten
        assert not flatten.isEnabled()
        buy = await desk.place(Side.BUY, desk.away(Side.BUY), "0.002")
        sell = await desk.place(Side.SELL, desk.away(Side.SELL), "0.003")
        await desk.until(flatten.isEnabled, "something to flatten")
        await desk.hand.click(flatten)
        assert desk.dialog(FlattenDialog) is None, "a short press does nothing"
        pressed = time.monotonic()
        await desk.hand.press(flatten)
        dialog = await opened(desk, FlattenDialog)
        assert time.monotonic() - pressed > HOLD_MS / 1000 * 0.8
        await desk.hand.do(lambda: QTest.mouseRelease(flatten, LEFT))
        listed = desk.words(dialog)
        assert "Cancel buy 0.002 BTC/USD" in listed
        assert "Cancel sell 0.003 BTC/USD" in listed
        assert dialog.go.text() == "Cancel 2 orders"
        assert len(desk.open_orders) == 2, "the list sends nothing"
        await desk.hand.click(dialog.go)
        await desk.until(lambda: "What became of it" in desk.words(dialog), "the result")
        assert {buy.state, sell.state} == {OrderState.CANCELED}
        assert not (await desk.practice.told()).open_ids()
        await desk.hand.click(dialog.close_button)
        await desk.until(lambda: not flatten.isEnabled(), "nothing left to flatten")

    run_screen(desk_practice, tmp_path, body)


def test_the_layout_is_saved_by_name_and_restored(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def first(desk: Desk) -> None:
        workspace = desk.window.workspace
        await desk.hand.click(desk.window.top_bar.workspace)
        await desk.hand.trigger(desk.menu(), "Save as…")
        await desk.until(lambda: desk.dialog(QInputDialog) is not None, "the question for a name")
        await desk.hand.write("scalping")
        await desk.hand.key(Qt.Key.Key_Return)
        await desk.until(lambda: desk.window.top_bar.workspace.text() == "scalping", "the new name")
        # At once before the end: the two seconds after which a layout is saved have not passed.
        await desk.hand.click(workspace.bars["tape"].close_button)
        assert not workspace.is_open("tape")

    async def second(desk: Desk) -> None:
        await desk.until_trading()
        workspace = desk.window.workspace
        assert desk.window.top_bar.workspace.text() == "scalping"
        assert not workspace.is_open("tape")
        assert workspace.is_open("ladder")
        await desk.hand.key(Qt.Key.Key_1, CTRL)
        assert workspace.name == "Start"
        assert workspace.is_open("tape")
        await desk.hand.key(Qt.Key.Key_2, CTRL)
        assert workspace.name == "scalping"
        await desk.hand.click(desk.window.top_bar.workspace)
        await desk.hand.trigger(desk.menu(), "First layout")
        await desk.until(lambda: workspace.is_open("tape"), "the tape back in its place")
        await desk.hand.key(Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.AltModifier)
        assert not workspace.is_open("tape")

    run_screen(practice, tmp_path, first)
    run_screen(practice, tmp_path, second, wait=False)


def test_quitting_with_open_orders_asks_and_leaves_them_at_the_venue(
    desk_practice: Practice, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        closing = tasks.spawn(start._until_closed(desk.screen, desk.terminal), name="until closed")
        await desk.place(Side.BUY, desk.away(Side.BUY), "0.002")
        await desk.hand.key(Qt.Key.Key_Q, CTRL)
        dialog = await opened(desk, ConfirmDialog)
        assert "1 practice order" in desk.words(dialog)
        assert "practice market stops" in desk.words(dialog)
        assert "at the venue" not in desk.words(dialog)
        await desk.hand.key(Qt.Key.Key_Escape)
        await desk.until(lambda: desk.dialog(ConfirmDialog) is None, "no question")
        assert not closing.done()
        await desk.hand.key(Qt.Key.Key_Q, CTRL)
        dialog = await opened(desk, ConfirmDialog)
        await desk.hand.click(dialog.confirm)
        await desk.until(closing.done, "the end")

    run_screen(desk_practice, tmp_path, body)
    told = desk_practice.command("record", {"account": "kraken:practice"})["kraken"]
    assert [row["open"] for row in told["orders"]] == [True]


def test_quitting_with_nothing_open_asks_nothing(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        closing = tasks.spawn(start._until_closed(desk.screen, desk.terminal), name="until closed")
        await desk.frame()
        await desk.hand.key(Qt.Key.Key_Q, CTRL)
        await desk.until(closing.done, "the end")
        assert desk.dialog(ConfirmDialog) is None

    run_screen(practice, tmp_path, body)


# -- practice -------------------------------------------------------------------------------------------


def test_the_practice_account_is_reset_after_a_question(desk_practice: Practice, tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        await desk.frame()
        await desk.until(lambda: desk.balance("USD"), "balances")
        first = desk.balance("USD")["total"]
        order = await desk.place(Side.BUY, desk.away(Side.BUY), "0.002")
        await desk.hand.click(desk.window.top_bar.arm.buttons[2])
        await desk.hand.choose(
            desk.ticket._type, next(t for t in desk.screen.ticket.order_types if t.value == "market")
        )
        await desk.fill_in(size="0.01")
        await desk.press_side(Side.BUY)
        await desk.until(lambda: len(desk.terminal.gate.fills) > 0, "a fill at the market")
        await desk.until(lambda: desk.balance("USD")["total"] != first, "less money")

        await desk.hand.click(desk.window.top_bar.badge)
        await desk.hand.trigger(desk.menu(), "Reset the practice account…")
        dialog = await opened(desk, ConfirmDialog)
        await desk.hand.click(dialog.confirm)
        await desk.until(lambda: desk.balance("USD").get("total") == first, "the first balance", 20)
        await desk.until(
            lambda: order.state is OrderState.CANCELED or order not in desk.orders, "no order left"
        )
        await desk.until_live()
        assert not (await desk.practice.told()).open_ids()

    run_screen(desk_practice, tmp_path, body)


def test_every_entry_of_the_rehearse_menu_reaches_the_practice_venue(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        # What ends connections comes last.
        last = ("silence", "half_open", "expire_token", "cut")
        for text, kind, _ in sorted(REHEARSALS["kraken"], key=lambda entry: entry[1] in last):
            await desk.hand.click(desk.window.top_bar.badge)
            menu = desk.menu()
            rehearse = next(action.menu() for action in menu.actions() if action.text() == "Rehearse a fault")
            assert isinstance(rehearse, QMenu)
            await desk.hand.trigger(menu, "Rehearse a fault")
            of_venue = next(action.menu() for action in rehearse.actions() if action.text() == "Kraken")
            assert isinstance(of_venue, QMenu)
            await desk.hand.trigger(rehearse, "Kraken")
            await desk.hand.trigger(of_venue, text)
            # Not asked before: what ends connections would end the one that asks.
            await desk.until(lambda: "command" not in names_of_tasks(), "a carried out command")
            stats = await practice.stats()
            armed = {row["kind"] for row in stats["armed"]}
            assert stats["struck"].get(kind) or kind in armed, f"“{text}” did not reach the venue"
            await practice.clear()
        assert not [text for text in desk.notices() if "practice" in text.lower() and "not" in text.lower()]

    run_screen(practice, tmp_path, body)


def names_of_tasks() -> set[str]:
    return {task.get_name() for task in tasks.running()}


# -- another market -------------------------------------------------------------------------------------


def test_a_market_chosen_in_the_watchlist_moves_every_linked_panel(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        screen = desk.screen
        table = desk.panel("watchlist").findChild(DataTable)
        assert table is not None
        changed: list[str] = []

        def look() -> None:
            """After every repaint: nothing of BTC may stand in any panel."""
            if screen.selection.instrument == ETH:
                changed.extend(numbers_of_bitcoin(desk))

        screen.frames.painted.connect(look)
        await desk.hand.click(table.viewport(), desk.cell_of(table, ETH, "symbol"))
        assert screen.selection.instrument == ETH
        assert numbers_of_bitcoin(desk) == [], "right after the click"
        await desk.until_live()
        assert screen.ladder.instrument is not None
        assert screen.ladder.instrument.id == ETH
        assert screen.tape.instrument is not None
        assert screen.tape.instrument.id == ETH
        assert screen.ticket.instrument is not None
        assert screen.ticket.instrument.id == ETH
        assert screen.chart.instrument is not None
        assert screen.chart.instrument.id == ETH
        for key in ("ladder", "ticket", "chart"):
            title = desk.words(desk.window.workspace.docks[key])
            assert "ETH/USD" in title, (key, title)
            assert "BTC/USD" not in title, (key, title)
        assert changed == []
        screen.frames.painted.disconnect(look)

        # By keyboard: the search.
        await desk.hand.key(Qt.Key.Key_K, CTRL)
        await desk.until(screen.search.isVisible, "the search")
        await desk.hand.write("btc/usd")
        await desk.hand.key(Qt.Key.Key_Return)
        await desk.until(
            lambda: screen.selection.instrument == InstrumentId("kraken", "BTC/USD"), "BTC again"
        )
        await desk.until_live()

    run_screen(practice, tmp_path, body)


def numbers_of_bitcoin(desk: Desk) -> list[str]:
    """Prices above 20,000 in panels that show ETH/USD, which costs a few thousand."""
    screen, most = desk.screen, D(20_000)
    found = [f"ladder {row.price}" for row in screen.ladder.rows if row.price and D(plain(row.price)) > most]
    found += [f"tape {row.price_text}" for row in screen.tape.visible(50) if row.price > most]
    form = screen.ticket.form
    found += [f"ticket {form.limit_price}" for _ in [0] if form.limit_price and D(form.limit_price) > most]
    found += [f"button {button.detail}" for button in screen.ticket.buttons.values() if "BTC" in button.title]
    last = screen.chart.last_price
    found += [f"chart {last}" for _ in [0] if last is not None and last > most]
    return found
