"""The whole application offscreen, and how to find things on its screen; ``hand.py`` works it.

``run_screen`` builds what ``main.py`` builds, on the merged loop, and lets a coroutine use it. Leaving checks
that no turn of the loop held the screen for longer than a tenth of a second, and that nothing stays behind:
tasks, timers, sockets, threads, errors in the log, warnings of Qt.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QEvent, QPoint, QRect, QTimer, qInstallMessageHandler
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QTabBar,
    QWidget,
)

from terminal.app import loop, start
from terminal.app.compose import Terminal
from terminal.app.paths import Paths, paths_below
from terminal.app.practice import PracticeVenues
from terminal.app.screen import Screen
from terminal.app.sign_in import SignInWindow
from terminal.core import tasks
from terminal.core.log_ring import LogRing
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderState
from terminal.services.session import SessionState
from terminal.transport.websocket import LinkPolicy
from terminal.viewmodels.book import Column
from terminal.viewmodels.book_rows import Chip
from terminal.widgets import blotter as tabs
from terminal.widgets.blotter import Blotter
from terminal.widgets.book import LadderPanel
from terminal.widgets.book_view import LadderView
from terminal.widgets.chart import ChartPanel
from terminal.widgets.main_window import MainWindow
from terminal.widgets.request_card import RequestCard
from terminal.widgets.table import DataTable
from terminal.widgets.ticket import TicketPanel
from tests.e2e.hand import Hand
from tests.e2e.rig import ACCOUNT, BTC, nonces_of, own_logging, secrets_of
from tests.helpers import eventually
from tests.lag import LONGEST_MS, watched_thread
from tests.practice import Practice, RunningVenues

T = TypeVar("T")
Dialog = TypeVar("Dialog", bound=QDialog)
D = Decimal
READY_S = 40.0
QUIT_S = 5.0
# Words of the offscreen plugin itself.
_PLUGIN_WORDS = ("This plugin does not support",)


@dataclass
class Desk:
    """A running application, its screen, and how to find things on it."""

    terminal: Terminal
    screen: Screen
    practice: Practice
    ring: LogRing
    paths: Paths
    hand: Hand = field(default_factory=Hand)
    states: list[SessionState] = field(default_factory=list)

    # -- waiting --------------------------------------------------------------------------------------

    async def until(self, holds: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
        try:
            await eventually(holds, timeout_s, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.describe()}") from None

    async def until_live(self, timeout_s: float = READY_S) -> None:
        """Every panel shows live data and orders can be sent."""
        try:
            await eventually(lambda: not self.screen.waiting_for(), timeout_s, "a live screen")
        except AssertionError:
            raise AssertionError(f"waiting for {self.screen.waiting_for()}; {self.describe()}") from None

    async def until_trading(self, timeout_s: float = READY_S) -> None:
        """Orders can be sent: as :meth:`until_live`, without waiting for panels that have no part in it."""
        terminal = self.terminal
        await self.until(
            lambda: terminal.gate.ready(ACCOUNT) and terminal.market.book(self.shown) is not None,
            "a session that can trade",
            timeout_s,
        )

    async def frame(self) -> None:
        """Wait until the screen was painted twice: what was flagged is shown."""
        count = self.screen.frames.count
        await self.until(lambda: self.screen.frames.count >= count + 2, "two frames")

    def describe(self) -> str:
        session = self.terminal.sessions.sessions.get("kraken")
        return (
            f"session {session and session.state} ({session and session.reason!r}), "
            f"orders {[(o.state.value, str(o.quantity), o.reason) for o in self.orders]}, "
            f"ticket {self.screen.ticket.sending.result} {self.screen.ticket.problems}, "
            f"ladder {self.screen.ladder.state} {self.screen.ladder.sending.result}, "
            f"keyboard {QApplication.focusWidget()}, "
            f"notices {self.notices()[-4:]}, log {[line.text for line in list(self.ring.lines)[-8:]]}"
        )

    # -- what there is --------------------------------------------------------------------------------

    @property
    def window(self) -> MainWindow:
        return self.screen.window

    @property
    def shown(self) -> InstrumentId:
        """The market of the linked panels."""
        return self.screen.selection.instrument or BTC

    @property
    def orders(self) -> list[Order]:
        """Oldest first."""
        return list(self.terminal.gate.orders.values())

    @property
    def open_orders(self) -> list[Order]:
        return [order for order in self.orders if not order.state.is_final]

    def panel(self, key: str) -> QWidget:
        widget = self.window.workspace.docks[key].widget()
        assert widget is not None
        return widget

    @property
    def ticket(self) -> TicketPanel:
        found = self.panel("ticket").findChild(TicketPanel)
        assert found is not None
        return found

    @property
    def ladder(self) -> LadderView:
        found = self.panel("ladder")
        assert isinstance(found, LadderPanel)
        return found.view

    @property
    def chart(self) -> ChartPanel:
        found = self.panel("chart")
        assert isinstance(found, ChartPanel)
        return found

    @property
    def blotter(self) -> Blotter:
        found = self.panel("blotter")
        assert isinstance(found, Blotter)
        return found

    def card(self, key: str = "ticket") -> RequestCard:
        """The request that a panel shows before it is sent."""
        # The ticket's panel has a form for contracts too, with a card of its own.
        where = self.ticket if key == "ticket" else self.panel(key)
        found = where.findChild(RequestCard)
        assert found is not None
        return found

    def dialog(self, kind: type[QDialog]) -> QDialog | None:
        """The open dialog of a kind."""
        found = [each for each in QApplication.topLevelWidgets() if isinstance(each, kind)]
        return next((each for each in found if each.isVisible()), None)

    def notices(self) -> list[str]:
        return [entry.text for entry in self.screen.notices.entries]

    def toasts(self) -> list[str]:
        return [toast.entry.text for toast in self.window.toasts.toasts if toast.isVisible()]

    def words(self, widget: QWidget) -> str:
        """What a person can read in a widget, labels and buttons alike."""
        parts = [
            each.text()
            for each in widget.findChildren(QWidget)
            if isinstance(each, (QLabel, QAbstractButton)) and each.isVisible()
        ]
        return " | ".join(text.replace("\u202f", " ") for text in parts if text)

    def menu(self) -> QMenu:
        """The menu that is open."""
        found = QApplication.activePopupWidget()
        assert isinstance(found, QMenu), found
        return found

    # -- ticket ---------------------------------------------------------------------------------------

    def edit(self, name: str) -> QLineEdit:
        """A field of the ticket by its accessible name, such as ``Size``."""
        found = [edit for edit in self.ticket.findChildren(QLineEdit) if edit.accessibleName() == name]
        assert found, name
        return found[0]

    async def fill_in(self, *, price: str | None = None, size: str | None = None) -> None:
        """Type a price and a size into the ticket."""
        if price is not None:
            await self.hand.replace(self.edit("Limit price"), price)
        if size is not None:
            await self.hand.replace(self.edit("Size"), size)

    async def press_side(self, side: Side) -> None:
        """The big button."""
        await self.hand.click(self.ticket._buttons[side])

    async def confirm(self, key: str = "ticket") -> None:
        """Yes to the shown request, by its button, once it may be pressed."""
        card = self.card(key)
        await self.until(lambda: card.isVisible(), "the request to confirm")
        await self.until(lambda: card._since.hasExpired(card.DEAF_MS), "a card that listens")
        await self.hand.click(card._yes)

    async def place(self, side: Side, price: str, size: str) -> Order:
        """A resting limit order from the ticket, by mouse."""
        before = set(self.terminal.gate.orders)
        await self.fill_in(price=price, size=size)
        await self.press_side(side)
        await self.confirm()
        await self.until(lambda: set(self.terminal.gate.orders) - before, "an order")
        order = next(order for key, order in self.terminal.gate.orders.items() if key not in before)
        await self.until(lambda: order.state is OrderState.OPEN, f"an open order, not {order.state}")
        return order

    def away(self, side: Side, percent: str = "0.5", instrument: InstrumentId | None = None) -> str:
        """A price so far on the passive side of the market that it stays there for a minute, as typed."""
        instrument = instrument or self.shown
        book, listed = self.terminal.market.book(instrument), self.terminal.market.instrument(instrument)
        assert book is not None, self.describe()
        assert listed is not None
        best = book.best_bid if side is Side.BUY else book.best_ask
        assert best is not None
        price = best.price * (1 - side.sign * D(percent) / 100)
        ticks = (price / listed.tick_size).quantize(D(1))
        return format(ticks * listed.tick_size, f".{listed.price_decimals}f")

    # -- ladder ---------------------------------------------------------------------------------------

    def cell(self, key: int, column: Column) -> QPoint:
        """The middle of a cell of the ladder."""
        rect: QRect | None = self.ladder._cell(key, column)
        assert rect is not None, f"row {key} is not in sight"
        return rect.center()

    def chip(self, order: Order) -> Chip | None:
        """The chip of an order in the ladder."""
        for row in self.screen.ladder.rows:
            for chip in (row.buys, row.sells):
                if chip is not None and order.client_order_id in chip.order_ids:
                    return chip
        return None

    def chip_place(self, chip: Chip) -> QPoint:
        """Where a chip can be grasped without touching its ×."""
        rect = self.ladder._cell(chip.key, Column.BUYS if chip.side is Side.BUY else Column.SELLS)
        assert rect is not None
        return QPoint(rect.left() + 8, rect.center().y())

    def chip_cross(self, chip: Chip) -> QPoint:
        """The × of a chip."""
        rect = self.ladder._cell(chip.key, Column.BUYS if chip.side is Side.BUY else Column.SELLS)
        assert rect is not None
        return QPoint(rect.right() - 5, rect.center().y())

    async def fine_rows(self, ticks: int = 10) -> None:
        """Rows of some ticks, the market in the middle, and standing still."""
        self.screen.ladder.set_group(ticks)
        self.screen.ladder.centre()
        await self.frame()

    # -- blotter --------------------------------------------------------------------------------------

    async def show_tab(self, at: int) -> DataTable:
        """Click a tab of the blotter; its table."""
        bar: QTabBar = self.blotter.tabs
        await self.hand.click(bar, bar.tabRect(at).center())
        panels: dict[int, Any] = {
            tabs.POSITIONS: self.blotter.positions,
            tabs.ORDERS: self.blotter.orders,
            tabs.FILLS: self.blotter.fills,
            tabs.BALANCES: self.blotter.balances,
            tabs.ACCOUNTS: self.blotter.accounts,
            tabs.LOG: self.blotter.log,
        }
        table: DataTable = panels[at].table
        assert table.isVisible()
        return table

    def row_of(self, order: Order) -> dict[str, str] | None:
        """The order's row in the blotter, by column, as it is read."""
        model = self.screen.orders.model
        row = model.row_of(order.client_order_id)
        if row is None:
            return None
        return {
            column.key: str(model.index(row, at).data() or "").replace("\u202f", " ")
            for at, column in enumerate(model.columns)
        }

    def cell_of(self, table: DataTable, key: object, column: str) -> QPoint:
        """The middle of a cell of a table, in its viewport."""
        model: Any = table.model()
        row = model.row_of(key)
        assert row is not None, f"no row {key}"
        index = model.index(row, model.column_of(column))
        table.scrollTo(index)
        return table.visualRect(index).center()

    def balance(self, asset: str) -> dict[str, str]:
        """A row of the balances tab as it is read."""
        model = self.screen.account.balances
        for row in range(model.rowCount()):
            texts = {
                column.key: str(model.index(row, at).data() or "").replace("\u202f", "")
                for at, column in enumerate(model.columns)
            }
            if texts["asset"] == asset:
                return texts
        return {}

    # -- pictures -------------------------------------------------------------------------------------

    def grab(self) -> QPixmap:
        return self.window.grab()


Body = Callable[[Desk], Awaitable[None]]


def plain(text: str) -> str:
    """A shown number as it would be typed."""
    return text.replace("\u202f", "").replace(" ", "").replace("\u2212", "-")


async def opened(desk: Desk, kind: type[Dialog]) -> Dialog:
    await desk.until(lambda: desk.dialog(kind) is not None, f"an open {kind.__name__}")
    dialog = desk.dialog(kind)
    assert isinstance(dialog, kind)
    return dialog


def run_screen(
    practice: Practice,
    folder: Path,
    body: Body,
    *,
    size: tuple[int, int] = (1920, 1080),
    venues: PracticeVenues | None = None,
    policy: LinkPolicy | None = None,
    wait: bool = True,
    prepare: Callable[[Terminal], None] | None = None,
    errors_expected: tuple[str, ...] = (),
    timeout_s: float = 100.0,
    longest_ms: float = LONGEST_MS,
    on_desk: tuple[str, ...] | None = None,
    tools: Mapping[str, Mapping[str, Any]] | None = None,
    sign_in_window: SignInWindow | None = None,
) -> None:
    """Start the application in a folder on a practice venue, run ``body`` on it, quit, look what is left.

    Run it again with the same folder for a restart. ``errors_expected``: words of lines at error level that
    belong to the case. ``longest_ms``: for how long a turn of the loop may hold the screen. ``on_desk``: the
    venues of the desk, where they are not the practice venue alone; ``tools``: of their connectors.
    """
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    paths = paths_below(folder).make()
    _delete_what_waits()
    before = _Left.now()
    with _hooks(), own_logging(paths.log_file, debug=False) as ring:
        made: list[Desk] = []
        terminal = Terminal(
            paths,
            ring,
            throw_away=True,
            practice=venues or RunningVenues(practice, paths.practice),
            venues=on_desk or (practice.venue,),
            connector_tools={
                "kraken": {
                    "rng": random.Random(1),
                    "nonces": nonces_of(practice),
                    **({"policy": policy} if policy is not None else {}),
                },
                **(tools or {}),
            },
        )
        if prepare is not None:
            prepare(terminal)

        async def main() -> int:
            terminal.practice.spawn()
            screen = Screen(terminal, app, sign_in_window=sign_in_window)
            desk = Desk(terminal, screen, practice, ring, paths)
            made.append(desk)
            terminal.sessions.changed.watch(
                lambda venue: desk.states.extend(
                    session.state for name, session in terminal.sessions.sessions.items() if name == venue
                )
            )
            screen.window.resize(*size)
            screen.window.show()
            screen.window.workspace.start()
            screen.window.activateWindow()
            starting = tasks.spawn(terminal.start(), name="start")
            try:
                async with asyncio.timeout(timeout_s):
                    if wait:
                        await desk.until_live()
                    with watched_thread(under_qt=True) as lag:
                        await body(desk)
                    lag.require_never_blocked(longest_ms)
            finally:
                began = time.monotonic()
                await start._stop(screen, terminal, starting)
                took_s = time.monotonic() - began
            left = [task.get_name() for task in tasks.running()]
            assert not left, f"tasks left running: {left}"
            assert took_s < QUIT_S, f"quitting took {took_s:.1f} s"
            return 0

        try:
            assert loop.run(app, main) == 0
        finally:
            # Also after a failure: the next test would find this one's dialogs.
            _let_go(made)
        _require_clean_log(ring, paths, practice, errors_expected)
    _Left.now().require_same_as(before)


def _let_go(made: list[Desk]) -> None:
    """What the end of the process does otherwise: delete window and view-models."""
    for desk in made:
        desk.screen.window.deleteLater()
        desk.screen.deleteLater()
    made.clear()
    _delete_what_waits()


def _delete_what_waits() -> None:
    """Delete what tests have let go of: else the next loop of Qt does, in one long turn."""
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QApplication.processEvents()
    gc.collect()


def _require_clean_log(ring: LogRing, paths: Paths, practice: Practice, expected: tuple[str, ...]) -> None:
    wrong = [
        line
        for line in ring.lines
        if (line.level >= logging.ERROR or (line.logger == "qt" and line.level >= logging.WARNING))
        and not any(words in line.text for words in (*_PLUGIN_WORDS, *expected))
    ]
    assert not wrong, f"logged: {wrong}"
    for handler in logging.getLogger().handlers:
        handler.flush()
    text = "\n".join([line.text for line in ring.lines])
    with contextlib.suppress(FileNotFoundError):
        text += paths.log_file.read_text()
    for secret in secrets_of(practice):
        assert secret not in text, "a secret is in the log"


@dataclass(frozen=True, slots=True)
class _Left:
    """What a run may leave behind."""

    sockets: int
    threads: frozenset[str]
    timers: tuple[QTimer, ...]
    """Every timer there is, running or not."""
    windows: int

    @classmethod
    def now(cls) -> _Left:
        gc.collect()
        timers = [each for each in gc.get_objects() if type(each) is QTimer and shiboken6.isValid(each)]
        return cls(
            _sockets(),
            # Python keeps a "Dummy" entry of every thread that Qt made, long after it has ended.
            frozenset(each.name for each in threading.enumerate() if not each.name.startswith("Dummy")),
            tuple(timers),
            len([each for each in QApplication.topLevelWidgets() if each.isVisible()]),
        )

    def require_same_as(self, before: _Left) -> None:
        assert self.sockets <= before.sockets, f"{self.sockets - before.sockets} sockets left open"
        assert self.threads <= before.threads, f"threads left: {self.threads - before.threads}"
        # A new style sheet also wakes what earlier tests left: only timers that this run made are its own.
        earlier = {id(timer) for timer in before.timers}
        left = [timer for timer in self.timers if id(timer) not in earlier and timer.isActive()]
        assert not left, f"{len(left)} timers left running, such as one of {left[0].parent()}"
        assert self.windows <= before.windows, "a window is left open"


def _sockets() -> int:
    """Open sockets of this process; 0 where the system does not tell."""
    count = 0
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                count += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    return count


@contextlib.contextmanager
def _hooks() -> Iterator[None]:
    """The program sends uncaught errors and Qt's messages to its log; afterwards they go where they went."""
    hook = sys.excepthook
    handler = qInstallMessageHandler(None)
    try:
        yield
    finally:
        sys.excepthook = hook
        qInstallMessageHandler(handler)
