"""Orders by mouse and keyboard on the practice venue, from the first price to their end."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLineEdit

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderState, OrderType
from terminal.services.arming import ArmState
from terminal.viewmodels.book import Column, LadderState
from terminal.viewmodels.book_rows import Chip
from terminal.viewmodels.chart import ChartState
from terminal.viewmodels.sending import ResultKind
from terminal.viewmodels.tape import TapeState
from terminal.widgets import blotter as tabs
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.table import DataTable
from tests.e2e.hand import CTRL, SHIFT
from tests.e2e.screen_harness import Desk, opened, plain, run_screen
from tests.practice import Practice

D = Decimal
ETH = InstrumentId("kraken", "ETH/USD")
SIZE = D("0.06")


def line_prices(desk: Desk) -> list[Decimal]:
    """Where the chart draws own orders."""
    return [line.price for line in desk.screen.chart.trading.lines]


# -- watching -------------------------------------------------------------------------------------------


def test_prices_move_in_every_panel(practice: Practice, qapp: QApplication, tmp_path: Path) -> None:
    practice.command("rate", {"rate": 4.0})

    async def body(desk: Desk) -> None:
        card = desk.window.strip._cards["kraken"]
        model = desk.screen.watchlist.model
        # What a limit order away from the market costs stands still: it trades at its own price.
        await desk.hand.choose(desk.ticket._type, OrderType.MARKET)

        def seen() -> tuple[object, ...]:
            return (
                (card.bid.text(), card.ask.text()),
                tuple((row.price, row.bid, row.ask) for row in desk.screen.ladder.rows),
                tuple(model.index(row, model.column_of("last")).data() for row in range(model.rowCount())),
                desk.screen.tape.count,
                desk.screen.chart.last_price,
                tuple(line.value for line in desk.screen.ticket.lines),
            )

        before = seen()
        names = ("card", "ladder", "watchlist", "tape", "chart", "cost strip")
        still = set(names)

        def all_moved() -> bool:
            for name, then, now in zip(names, before, seen(), strict=True):
                if now != then:
                    still.discard(name)
            return not still

        try:
            await desk.until(all_moved, "movement everywhere", 20)
        except AssertionError as error:
            raise AssertionError(f"nothing moved in {still}: {seen()}; {error}") from None
        assert card.state.text().endswith("s")
        assert desk.window.top_bar.badge.text() == "PRACTICE"
        assert "Practice: no money moves" in desk.words(desk.ticket)

    run_screen(practice, tmp_path, body)


# -- one order from the click to its end ----------------------------------------------------------------


def test_an_order_by_mouse_from_the_ladder_to_a_part_fill_and_its_end(
    desk_practice: Practice, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        hand, ladder = desk.hand, desk.screen.ladder
        # Rows so far apart that the market does not come to the order before it is sent there.
        await desk.fine_rows(500)
        price = await click_a_bid(desk, rows_below=8)
        assert plain(desk.edit("Limit price").text()) == format(price, ".1f")
        assert desk.ticket._tabs[Side.BUY].isChecked()
        assert not desk.orders, "a click in a locked ladder sends nothing"

        await desk.fill_in(size=str(SIZE))
        await desk.press_side(Side.BUY)
        card = desk.card()
        await desk.until(card.isVisible, "the question before sending")
        require_exact_figures(desk, price)
        assert not desk.orders, "nothing is sent before the yes"
        await desk.confirm()
        await desk.until(lambda: [o.state for o in desk.orders] == [OrderState.OPEN], "an open order")
        (order,) = desk.orders
        await desk.until(lambda: desk.chip(order) is not None, "a chip in the ladder")
        await desk.until(lambda: line_prices(desk) == [price], "a line in the chart")
        row = await row_saying(desk, order, "open")
        assert (row["symbol"], row["side"], row["type"]) == ("BTC/USD", "Buy", "limit")
        assert (D(plain(row["quantity"])), D(plain(row["limit"]))) == (SIZE, price)
        assert desk.blotter.tabs.tabText(tabs.ORDERS) == "Orders 1"
        await desk.until(lambda: desk.balance("USD")["held"], "money held by the order")

        moved = await drag_up(desk, order, rows=2)
        assert moved == price + 2 * ladder.step
        await nudge_up(desk, order)
        assert order.limit_price == moved + ladder.step
        await desk.until(lambda: line_prices(desk) == [order.limit_price], "the line at its new price")

        assert order.limit_price is not None
        await change_price(desk, order, order.limit_price - D("0.3"))
        await fill_a_part(desk, order)
        await require_part_fill(desk, order)
        chip = await chip_in_sight(desk, order)
        await hand.click(desk.ladder, desk.chip_cross(chip))
        await desk.until(lambda: order.state is OrderState.CANCELED, "a canceled order")
        await desk.until(lambda: desk.chip(order) is None and not line_prices(desk), "no chip, no line")
        assert desk.row_of(order) is None
        told = await desk.practice.told()
        told.require_nothing_sent_twice()
        assert not told.open_ids()

    run_screen(desk_practice, tmp_path, body)


async def click_a_bid(desk: Desk, rows_below: int) -> Decimal:
    """Click the bid column some rows below the market; the price of the row."""
    await desk.hand.point(desk.ladder, QPoint(5, 60))
    await desk.frame()
    best = next(row.key for row in desk.screen.ladder.rows if row.market == "bid")
    key = best - rows_below
    await desk.hand.click(desk.ladder, desk.cell(key, Column.BID))
    return desk.screen.ladder.price_at(key)


def require_exact_figures(desk: Desk, price: Decimal) -> None:
    rows = dict(desk.screen.ticket.sending.pending.confirmation.rows)  # type: ignore[union-attr]
    shown = desk.words(desk.card())
    for text in rows.values():
        assert text.replace("\u202f", " ") in shown
    assert D(plain(rows["Limit price"]).removesuffix("USD")) == price
    assert D(plain(rows["Quantity"]).removesuffix("BTC")) == SIZE
    assert abs(D(plain(rows["Total, estimated"]).removesuffix("USD")) - price * SIZE) <= D("0.01")
    fees = desk.terminal.portfolio.fee_rates("kraken:practice", "BTC/USD")
    assert fees is not None
    fee = D(plain(rows["Fee, estimated"]).removesuffix("USD"))
    assert abs(fee - price * SIZE * fees.maker_pct / 100) < D("0.01")
    assert "PRACTICE" in shown
    assert f"Buy {SIZE} BTC/USD" in shown


async def chip_in_sight(desk: Desk, order: Order) -> Chip:
    await desk.until(lambda: (chip := desk.chip(order)) is not None and not chip.waiting, "a chip in sight")
    chip = desk.chip(order)
    assert chip is not None
    return chip


async def drag_up(desk: Desk, order: Order, rows: int) -> Decimal:
    """Drag the chip with the mouse and confirm the change."""
    chip = await chip_in_sight(desk, order)
    begin = desk.chip_place(chip)
    end = QPoint(begin.x(), desk.cell(chip.key + rows, Column.BUYS).y())
    await desk.hand.drag(desk.ladder, begin, end)
    ghost = desk.screen.ladder.ghost
    assert ghost is not None
    assert f"+{rows * desk.screen.ladder.group} ticks" in ghost.text.replace("\u202f", "")
    await desk.hand.release(desk.ladder, end)
    await desk.confirm("ladder")
    target = desk.screen.ladder.price_at(chip.key + rows)
    await desk.until(lambda: order.limit_price == target, "the order at its new price")
    return target


async def nudge_up(desk: Desk, order: Order) -> None:
    """Shift+Up and Enter on the chip, then Enter on the question."""
    hand, ladder = desk.hand, desk.screen.ladder
    await hand.click(desk.ladder, QPoint(desk.ladder.width() // 2, 4))
    chip = await chip_in_sight(desk, order)
    await hand.key(Qt.Key.Key_Down)
    assert ladder.cursor is not None
    steps = chip.key - ladder.cursor[0]
    for _ in range(abs(steps)):
        await hand.key(Qt.Key.Key_Up if steps > 0 else Qt.Key.Key_Down)
    await hand.key(Qt.Key.Key_Left)
    assert ladder.cursor == (chip.key, Column.BUYS)
    before = order.limit_price
    assert before is not None
    await hand.key(Qt.Key.Key_Up, SHIFT)
    assert has_ghost(desk)
    await hand.key(Qt.Key.Key_Escape)
    assert not has_ghost(desk)
    assert order.limit_price == before
    await hand.key(Qt.Key.Key_Up, SHIFT)
    await hand.key(Qt.Key.Key_Return)
    await desk.until(desk.card("ladder").hasFocus, "the question with the keyboard")
    await hand.key(Qt.Key.Key_Return)
    await desk.until(lambda: order.limit_price == before + ladder.step, "the order one row higher")


def has_ghost(desk: Desk) -> bool:
    return desk.screen.ladder.ghost is not None


async def row_saying(desk: Desk, order: Order, state: str) -> dict[str, str]:
    """The order's row in the blotter once its state reads so."""

    def reads() -> bool:
        row = desk.row_of(order)
        return row is not None and row["state"].startswith(state)

    await desk.until(reads, f"a row that says {state}")
    row = desk.row_of(order)
    assert row is not None
    return row


async def fill_a_part(desk: Desk, order: Order) -> None:
    """A seller at the market takes every better bid, and another one a part of ours."""
    for _ in range(10):
        assert order.limit_price is not None
        just_above = format(order.limit_price + D("0.1"), "f")
        await desk.practice.order("trade", symbol="BTC/USD", side="sell", through=just_above)
        await desk.practice.order("trade", symbol="BTC/USD", side="sell", quantity=format(SIZE / 6, "f"))
        patience = time.monotonic() + 1.0
        await desk.until(lambda: order.filled_quantity or time.monotonic() > patience, "a fill")  # noqa: B023
        if order.filled_quantity:
            return
    raise AssertionError(f"never filled: {desk.describe()}")


async def change_price(desk: Desk, order: Order, price: Decimal) -> None:
    """A new price typed into the blotter's cell, confirmed."""
    table = await desk.show_tab(tabs.ORDERS)
    await edit_cell(desk, table, order, "limit", format(price, "f"))
    dialog = await opened(desk, ConfirmDialog)
    assert format(price, "f") in plain(desk.words(dialog))
    await desk.hand.click(dialog.confirm)
    await desk.until(lambda: order.limit_price == price or order.filled_quantity, "the new price")


async def edit_cell(desk: Desk, table: DataTable, order: Order, column: str, text: str) -> None:
    """Double-click a cell, type, Enter."""

    def is_editing() -> bool:
        focus = QApplication.focusWidget()
        return isinstance(focus, QLineEdit) and table.isAncestorOf(focus)

    # A row whose order is being changed takes no entry: as a person, wait for it and try again.
    await row_saying(desk, order, "open")
    for _ in range(10):
        await desk.until(lambda: order.amend_pending is None, "no change under way")
        await desk.frame()
        await desk.hand.double_click(table.viewport(), desk.cell_of(table, order.client_order_id, column))
        patience = time.monotonic() + 1.0
        await desk.until(lambda: is_editing() or time.monotonic() > patience, "an editor")  # noqa: B023
        if is_editing():
            break
    assert is_editing(), f"no editor in the cell {column}; {desk.describe()}"
    await desk.hand.key(Qt.Key.Key_A, CTRL)
    await desk.hand.write(text)
    await desk.hand.key(Qt.Key.Key_Return)


async def require_part_fill(desk: Desk, order: Order) -> None:
    """State, fill, mark and balances say the same as the venue."""
    assert order.state is OrderState.PARTLY_FILLED, desk.describe()
    row = await row_saying(desk, order, "partly filled")
    assert D(plain(row["filled"])) == order.filled_quantity
    await desk.show_tab(tabs.FILLS)
    fills = desk.screen.orders.fills_model
    await desk.until(lambda: fills.rowCount() == len(desk.terminal.gate.fills) > 0, "a row for each fill")
    assert sum(row.fill.quantity for row in fills.rows) == order.filled_quantity
    await desk.until(lambda: desk.screen.chart.trading.marks, "the fill's mark on the chart")
    told = await desk.practice.told()
    await desk.show_tab(tabs.BALANCES)
    await desk.until(
        lambda: all(
            abs(D(plain(desk.balance(one)["total"])) - told.total(one)) <= digit
            for one, digit in (("USD", D("0.01")), ("BTC", D(0)))
        ),
        f"the venue's balances, {told.balances}",
    )


# -- by keyboard only -----------------------------------------------------------------------------------


def test_an_order_by_keyboard_alone_and_its_end_by_del(desk_practice: Practice, tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        hand = desk.hand
        await walk_to(desk, "ticket")
        await tab_to(desk, "Limit price")
        price = desk.away(Side.BUY, "0.2")
        await hand.key(Qt.Key.Key_A, CTRL)
        await hand.write(price)
        await hand.key(Qt.Key.Key_Up)
        price = format(D(price) + D("0.1"), "f")
        assert desk.edit("Limit price").text() == price
        await tab_to(desk, "Size")
        await hand.key(Qt.Key.Key_A, CTRL)
        await hand.write("0.003")
        await hand.key(Qt.Key.Key_Return)
        assert desk.screen.ticket.sending.pending is None, "Enter alone sends nothing"
        await hand.key(Qt.Key.Key_Return, CTRL)
        await desk.until(desk.card().hasFocus, "the question with the keyboard")
        await hand.key(Qt.Key.Key_Escape)
        assert not desk.card().isVisible()
        assert not desk.orders
        await walk_to(desk, "ticket")
        await hand.key(Qt.Key.Key_Return, CTRL)
        await desk.until(desk.card().hasFocus, "the question again")
        await hand.key(Qt.Key.Key_Return)
        await desk.until(lambda: [o.state for o in desk.orders] == [OrderState.OPEN], "an open order")
        (order,) = desk.orders
        assert (order.limit_price, order.quantity) == (D(price), D("0.003"))

        await row_saying(desk, order, "open")
        await walk_to(desk, "blotter")
        await hand.key(Qt.Key.Key_Tab, SHIFT)
        await hand.key(Qt.Key.Key_Right)
        tabs = desk.blotter.tabs
        assert tabs.tabText(tabs.currentIndex()).startswith("Orders")
        await tab_to(desk, "Orders")
        await hand.key(Qt.Key.Key_Down)
        await hand.key(Qt.Key.Key_Delete)
        await desk.until(lambda: order.state is OrderState.CANCELED, "a canceled order")

    run_screen(desk_practice, tmp_path, body)


async def walk_to(desk: Desk, panel: str) -> None:
    """F6 until a panel has the keyboard."""
    for _ in range(len(desk.window.workspace.panel_keys()) + 1):
        if desk.window.workspace.focused_panel() == panel:
            return
        await desk.hand.key(Qt.Key.Key_F6)
    raise AssertionError(f"F6 never comes to the {panel}: {QApplication.focusWidget()}")


async def tab_to(desk: Desk, name: str) -> None:
    """Tab until a field has the keyboard."""
    for _ in range(30):
        focus = QApplication.focusWidget()
        if focus is not None and focus.accessibleName() == name:
            return
        await desk.hand.key(Qt.Key.Key_Tab)
    raise AssertionError(f"Tab never comes to {name}")


# -- arm states -----------------------------------------------------------------------------------------


def test_one_click_sends_at_once_and_a_second_same_order_asks(
    desk_practice: Practice, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        arm = desk.window.top_bar.arm
        await desk.hand.click(arm.buttons[2])
        assert desk.terminal.arming.state is ArmState.ONE_CLICK
        await desk.fill_in(price=desk.away(Side.SELL, "0.2"), size="0.002")
        await desk.hand.double_click(desk.ticket._buttons[Side.SELL])
        await desk.until(
            lambda: [o.state for o in desk.orders] == [OrderState.OPEN], "an order without a question"
        )
        assert not desk.card().isVisible()
        assert len(desk.orders) == 1, "the second half of a double click is another order"

        await desk.until(lambda: same_order_would_ask(desk), "a second try that may be meant")
        await desk.press_side(Side.SELL)
        await desk.until(desk.card().isVisible, "a question before the same order again")
        assert "The same order" in desk.words(desk.card())
        await desk.hand.click(desk.card()._no)
        assert len(desk.orders) == 1
        await desk.press_side(Side.SELL)
        await desk.confirm()
        await desk.until(
            lambda: [o.state for o in desk.orders] == [OrderState.OPEN] * 2, "the second after a yes"
        )
        told = await desk.practice.told()
        assert len(told.open_ids()) == 2

    run_screen(desk_practice, tmp_path, body)


def same_order_would_ask(desk: Desk) -> bool:
    found = desk.terminal.gate.check("kraken:practice", desk.orders[0].request)
    return not found.refusals and [each.rule for each in found.warnings] == ["duplicate"]


def test_view_refuses_orders_everywhere_and_still_cancels(desk_practice: Practice, tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        hand = desk.hand
        await desk.fine_rows(500)
        order = await desk.place(Side.BUY, desk.away(Side.BUY, "0.2"), "0.002")
        await hand.key(Qt.Key.Key_L, CTRL | SHIFT)
        assert desk.terminal.arming.state is ArmState.VIEW
        assert desk.window.top_bar.arm.chosen_at == 0
        for button in desk.ticket._buttons.values():
            assert not button.isEnabled()
        assert "View" in desk.words(desk.ticket)
        await walk_to(desk, "ticket")
        await hand.key(Qt.Key.Key_Return, CTRL)
        assert "View" in desk.words(desk.ticket._result)
        lock = desk.panel("ladder")._lock  # type: ignore[attr-defined]
        await hand.click(lock)
        assert not desk.screen.ladder.armed
        chip = await chip_in_sight(desk, order)
        begin = desk.chip_place(chip)
        end = QPoint(begin.x(), desk.cell(chip.key - 2, Column.BUYS).y())
        await hand.drag(desk.ladder, begin, end)
        await hand.release(desk.ladder, end)
        assert "View" in desk.words(desk.panel("ladder"))
        assert not desk.card("ladder").isVisible()
        told = await desk.practice.told()
        assert [row["method"] for row in told.requests if "amend" in row["method"].lower()] == []

        chip = await chip_in_sight(desk, order)
        await hand.click(desk.ladder, desk.chip_cross(chip))
        await desk.until(lambda: order.state is OrderState.CANCELED, "a canceled order")

    run_screen(desk_practice, tmp_path, body)


# -- when the wire does not do what it should -----------------------------------------------------------


def test_a_cut_wire_is_seen_while_it_is_cut_stops_trading_and_tells_what_happened(
    desk_practice: Practice, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.place(Side.BUY, desk.away(Side.BUY, "0.3"), "0.004")
        through = str(order.limit_price)
        # Reconnects fail for a while, and the market trades through the order meanwhile.
        # The outage lasts until all was looked at, however busy the machine.
        await desk.practice.fault("refuse", count=None, seconds=100, match="connect/*")
        await desk.practice.fault("cut")
        card = desk.window.strip._cards["kraken"]
        await desk.until(lambda: desk.screen.ladder.state is LadderState.STALE, "a stale ladder")
        await desk.until(lambda: card.state.text() == "reconnecting", "the card's word")
        await desk.until(lambda: not desk.ticket._buttons[Side.BUY].isEnabled(), "no trading")
        await desk.until(lambda: not card.bid._proven, "a price that is not proven")
        await desk.until(lambda: desk.screen.tape.state is TapeState.STALE, "a stale tape")
        await desk.until(lambda: desk.screen.chart.state is ChartState.STALE, "a stale chart")
        before = len((await desk.practice.told()).requests)
        await walk_to(desk, "ticket")
        await desk.hand.key(Qt.Key.Key_Return, CTRL)
        assert "Not sent" in desk.words(desk.ticket._result)
        await desk.practice.order("trade", symbol="BTC/USD", side="sell", through=through)
        told = await desk.practice.told()
        assert len(told.requests) == before

        await desk.practice.clear()
        await desk.until_live()
        await desk.until(lambda: order.state is OrderState.FILLED, "the fill that was missed")
        await desk.until(lambda: any("while you were away" in text for text in desk.notices()), "the notice")
        assert any("1 fill" in text for text in desk.notices() if "while you were away" in text), (
            desk.notices()
        )
        assert any("while you were away" in text for text in desk.toasts())
        await desk.until(desk.ticket._buttons[Side.BUY].isEnabled, "trading again")

    run_screen(desk_practice, tmp_path, body)


def test_a_lost_answer_is_shown_as_unknown_and_settled_once(desk_practice: Practice, tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        await desk.practice.fault("accept_lose_answer")
        # The order's own events are lost too, so that only asking can tell.
        await desk.practice.fault("drop", count=None, seconds=4, match="ws/data/executions")
        # And asking takes long enough that the doubt can be read.
        await desk.practice.fault("delay", match="rest/read/OpenOrders", delay_s=1.5)
        await desk.fill_in(price=desk.away(Side.BUY, "0.3"), size="0.002")
        await desk.press_side(Side.BUY)
        await desk.confirm()
        await desk.until(lambda: desk.orders, "an order")
        (order,) = desk.orders
        await desk.until(lambda: order.state is OrderState.IN_DOUBT, "an order in doubt")
        row = await row_saying(desk, order, "unknown, checking")
        assert row["symbol"] == "BTC/USD"
        await desk.until(
            lambda: (
                (result := desk.screen.ticket.sending.result) is not None and result.kind is ResultKind.DOUBT
            ),
            "the doubt in the ticket",
        )
        await desk.until(lambda: order.state is OrderState.OPEN, "a settled order", 20)
        await row_saying(desk, order, "open")
        told = await desk.practice.told()
        told.require_nothing_sent_twice()
        assert len(told.with_id(order.client_order_id)) == 1

    run_screen(desk_practice, tmp_path, body)
