"""Pictures of ladder, tape and ticket in many states: ``python -m tests.gui.trading_demo FOLDER``.

Prices are random but always the same ones. Works offscreen and on a real or virtual screen.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from decimal import Decimal
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtGui import QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderState, OrderType, TimeInForce
from terminal.services.arming import ArmState
from terminal.services.market_data import FeedState
from terminal.viewmodels.book import LadderViewModel
from terminal.viewmodels.tape import TapeViewModel
from terminal.viewmodels.ticket import TicketViewModel
from terminal.widgets import theme
from terminal.widgets.book import LadderPanel
from terminal.widgets.book_view import LadderView
from terminal.widgets.tape import TapePanel
from terminal.widgets.ticket import TicketPanel
from tests.trading_fakes import BTC, Desk, FakeSession, lifelike_book, limit


class Demo:
    """The three panels over one desk of fakes."""

    def __init__(self, session: FakeSession | None = None) -> None:
        self.desk = desk = Desk(session)
        self.rng = random.Random(7)
        bids, asks = lifelike_book(self.rng, Decimal("64120.1"))
        desk.market.set_book(bids, asks)
        now = desk.clock.wall_ns()
        for number in range(400):
            side = self.rng.choice((Side.BUY, Side.BUY, Side.SELL))
            price = Decimal("64120.1") + Decimal(self.rng.randint(-30, 30)) / 10
            size = f"{self.rng.lognormvariate(-3.5, 1.6) + 0.00001:.8f}"
            desk.market.add_trade(number, side, str(price), size, now - (400 - number) * 200_000_000)
        self.ticket_vm = TicketViewModel(
            desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
        )
        self.ladder_vm = LadderViewModel(
            desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, self.ticket_vm,
            desk.frames, desk.clock,
        )  # fmt: skip
        self.tape_vm = TapeViewModel(desk.market, desk.selection, desk.frames, desk.clock)
        self.ladder_vm.ticket_wanted.connect(self.ticket_vm.fill)
        self.ladder = LadderPanel(self.ladder_vm)
        self.tape = TapePanel(self.tape_vm)
        self.ticket = TicketPanel(self.ticket_vm)

    def add_orders(self) -> None:
        """Own orders: one alone, three in a row, a stop, one that waits for its answer."""
        gate = self.desk.gate
        gate.add(limit(Side.BUY, "64110.0"))
        for price in ("64105.0", "64104.0", "64103.5"):
            gate.add(limit(Side.BUY, price, "0.25"))
        gate.add(limit(Side.SELL, "64140.0", "0.125"))
        gate.add(
            OrderRequest(BTC, Side.SELL, OrderType.STOP, Decimal("0.5"), trigger_price=Decimal("64095.0"))
        )
        gate.add(limit(Side.SELL, "64150.0", "1.5"), OrderState.IN_DOUBT)

    def settle(self) -> None:
        """Let everything that waits be drawn."""
        for _ in range(3):
            self.desk.pass_time(0.2)
            QApplication.processEvents()

    def shot(self, widget: QWidget, size: tuple[int, int], path: Path) -> None:
        widget.resize(*size)
        widget.show()
        self.settle()
        widget.grab().save(str(path))


def _ladder_states(folder: Path) -> None:
    demo = Demo()
    demo.add_orders()
    sizes = {"tall": (300, 552), "low": (300, 420), "wide": (460, 552), "narrow": (230, 400)}
    for name, size in sizes.items():
        demo.shot(demo.ladder, size, folder / f"ladder-{name}.png")
    demo.ladder_vm.set_group(1)
    demo.shot(demo.ladder, (300, 552), folder / "ladder-one-tick.png")
    demo.ladder_vm.set_auto_group()
    demo.ladder_vm.set_armed(True)
    view = demo.ladder.view
    QTest.mouseMove(view, QPoint(70, 300))
    demo.shot(demo.ladder, (300, 552), folder / "ladder-armed.png")
    chip = next(row.buys for row in demo.ladder_vm.rows if row.buys is not None)
    demo.ladder_vm.drag(chip, chip.key + 3)
    demo.shot(demo.ladder, (300, 552), folder / "ladder-drag.png")
    demo.ladder_vm.revert()
    key = demo.ladder_vm.rows[-5].key
    press = demo.ladder_vm.press(key, list(view._edges)[1])
    demo.ladder_vm.release(press, key, press.column)
    demo.shot(demo.ladder, (300, 552), folder / "ladder-confirm.png")
    demo.ladder_vm.discard()
    demo.ladder_vm.set_armed(False)
    demo.ladder_vm.release(press, key + 1, press.column)
    demo.shot(demo.ladder, (300, 552), folder / "ladder-moved.png")
    demo.desk.market.set_state(FeedState.STALE)
    demo.shot(demo.ladder, (300, 552), folder / "ladder-stale.png")
    demo.desk.market.set_state(FeedState.UNSUPPORTED)
    demo.shot(demo.ladder, (300, 552), folder / "ladder-unsupported.png")


def _tape_states(folder: Path) -> None:
    demo = Demo()
    demo.shot(demo.tape, (300, 220), folder / "tape.png")
    demo.tape_vm.scroll(12)
    now = demo.desk.clock.wall_ns()
    for number in range(147):
        demo.desk.market.add_trade(1000 + number, Side.SELL, "64119.9", "0.01", now + number * 60_000_000)
    demo.shot(demo.tape, (300, 220), folder / "tape-paused.png")
    demo.tape_vm.resume()
    demo.tape_vm.set_filter("p90")
    demo.shot(demo.tape, (300, 480), folder / "tape-filtered.png")
    demo.tape_vm.set_filter("lots")
    demo.shot(demo.tape, (300, 220), folder / "tape-bad-filter.png")
    demo.desk.market.set_state(FeedState.STALE)
    demo.shot(demo.tape, (300, 220), folder / "tape-stale.png")


def _ticket_states(folder: Path) -> None:
    for name, size in {"1080": (300, 740), "768": (300, 480)}.items():
        demo = Demo()
        demo.shot(demo.ticket, size, folder / f"ticket-{name}.png")
        vm = demo.ticket_vm
        for kind in OrderType:
            vm.set_order_type(kind)
            if kind.has_trail:
                vm.set_text("trail_offset", "1.5")
                vm.set_text("limit_offset", "10")
            if kind.has_trigger:
                vm.set_text("trigger_price", "64500")
            if kind is OrderType.ICEBERG:
                vm.set_text("display_quantity", "0.001")
            demo.shot(demo.ticket, size, folder / f"ticket-{name}-{kind.value.replace(' ', '-')}.png")
        vm.set_order_type(OrderType.LIMIT)
        vm.set_life(TimeInForce.GTD)
        vm.set_text("quantity", "25%")
        demo.shot(demo.ticket, size, folder / f"ticket-{name}-gtd-percent.png")
        vm.set_text("quantity", "1,234")
        vm.set_text("limit_price", "€64120.1")
        demo.shot(demo.ticket, size, folder / f"ticket-{name}-problems.png")
        vm.set_text("quantity", "900000")
        vm.set_order_type(OrderType.MARKET)
        demo.shot(demo.ticket, size, folder / f"ticket-{name}-thin.png")
        vm.set_text("quantity", "0.05")
        vm.submit(Side.BUY)
        demo.shot(demo.ticket, size, folder / f"ticket-{name}-confirm.png")
        demo.desk.gate.answer = OrderState.IN_DOUBT
        vm.confirm()
    demo.desk.gate.arming.set(ArmState.VIEW)
    demo.shot(demo.ticket, size, folder / "ticket-view.png")


async def _results(folder: Path) -> None:
    """What a result looks like; needs a running loop, as sending does."""
    demo = Demo()
    demo.desk.gate.arming.set(ArmState.ONE_CLICK)
    answers: list[tuple[str, OrderState, str]] = [
        ("accepted", OrderState.OPEN, ""),
        ("rejected", OrderState.REJECTED, "Insufficient funds: this needs 641.20 USD, 12.00 USD is free."),
        ("doubt", OrderState.IN_DOUBT, ""),
    ]
    for name, answer, reason in answers:
        demo.desk.gate.answer, demo.desk.gate.reason = answer, reason
        demo.ticket_vm.submit(Side.BUY)
        for _ in range(5):
            await asyncio.sleep(0)
        demo.shot(demo.ticket, (300, 480), folder / f"ticket-result-{name}.png")


class _TimedView(LadderView):
    """Notes how long each paint took, in milliseconds."""

    def __init__(self, vm: LadderViewModel) -> None:
        self.costs: list[float] = []
        super().__init__(vm)

    def paintEvent(self, event: QPaintEvent) -> None:
        begun = time.perf_counter()
        super().paintEvent(event)
        self.costs.append((time.perf_counter() - begun) * 1000)


def _measure() -> None:
    """How long a full repaint of 50 rows takes."""
    demo = Demo()
    demo.add_orders()
    view = _TimedView(demo.ladder_vm)
    view.resize(300, 50 * 18 + 18)
    view.show()
    demo.settle()
    view.costs.clear()
    for _ in range(200):
        view.repaint()
    costs = view.costs
    build: list[float] = []
    for _ in range(200):
        begun = time.perf_counter()
        demo.ladder_vm._build()
        build.append((time.perf_counter() - begun) * 1000)
    costs.sort()
    build.sort()
    rows = len(demo.ladder_vm.rows)
    print(
        f"ladder, {rows} rows: paint {costs[len(costs) // 2]:.2f} ms, build {build[len(build) // 2]:.2f} ms"
    )


def main() -> None:
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    theme.apply(app)
    if "--measure" not in sys.argv:
        _ladder_states(folder)
        _tape_states(folder)
        asyncio.run(_with_loop(folder))
    _measure()
    app.quit()


async def _with_loop(folder: Path) -> None:
    _ticket_states(folder)
    await _results(folder)


if __name__ == "__main__":
    main()
