"""Both venues on one desk, and what a test of the second one needs: its practice child, the sign-in pages as
a browser walks them, and what of it is on the screen."""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit

from terminal.app.compose import Terminal
from terminal.app.paths import paths_below
from terminal.app.sign_in import SignInWindow
from terminal.domain.account import AccountFigures, Position
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import Order, OrderState, OrderType
from terminal.emulators.process import EmulatorProcess
from terminal.services.market_data import FeedState
from terminal.services.session import Session, SessionState
from terminal.venues.ctrader.client import POLICY
from terminal.viewmodels.chart_positions import PositionLine
from terminal.viewmodels.login import Step
from terminal.viewmodels.position_rows import PositionRow
from terminal.viewmodels.tables import ACTIONS_ROLE
from terminal.viewmodels.venue_card import VenueCard
from terminal.widgets import blotter as tabs
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.login_dialog import LoginDialog
from terminal.widgets.table import DataTable
from tests.e2e.hand import CTRL, Hand
from tests.e2e.screen_harness import Desk, opened, run_screen
from tests.helpers import eventually, free_port
from tests.practice import Practice
from tests.practice_ctrader import sign_in_by_http

D = Decimal
EUR = InstrumentId("ctrader", "EUR/USD")
HEDGED = 5120001
ACCOUNT = f"ctrader:practice:{HEDGED}"
GRANT = ("access_token", "refresh_token", "expires_ns", "scope")
QUICK = replace(
    POLICY,
    close_timeout_s=0.3,
    ping_interval_s=0.5,
    backoff_s=(0.0, 0.05, 0.1, 0.2, 0.4, 0.8),
    first_jitter_s=0.02,
)
"""The connector's own, with pauses that make minutes seconds."""


class BothVenues(Practice):
    """One child process with both practice venues; the commands of a test go to the second one."""

    def __init__(self) -> None:
        super().__init__("kraken")
        self.process = EmulatorProcess(data_dir=None, venues=("kraken", "ctrader"), seed=7)

    @property
    def second(self) -> dict[str, Any]:
        """The second venue's part of the endpoints file."""
        found: dict[str, Any] = self.endpoints["ctrader"]
        return found

    def steer(self, what: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One command of the second venue's control API, blocking; it answers within milliseconds."""
        address = urlsplit(self.second["control"])
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            headers = {
                "X-Practice-Token": self.second["control_token"],
                "Content-Type": "application/json",
            }
            connection.request("POST", f"{address.path}/{what}", json.dumps(dict(values or {})), headers)
            answer = connection.getresponse()
            body: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status == 200, body
        return body

    async def strike(self, kind: str, **options: Any) -> None:
        """Order a fault of the second venue, without holding up the event loop."""
        await asyncio.to_thread(self.steer, "fault", {"kind": kind, **options})

    async def figures(self) -> dict[str, Any]:
        """What is going on at the second venue."""
        return await asyncio.to_thread(self.steer, "stats")

    async def heal(self) -> None:
        """No fault of the second venue waits any more."""
        await asyncio.to_thread(self.steer, "clear")

    async def noted(self, account: int = HEDGED) -> dict[str, Any]:
        """What the second venue has of an account, and the trading requests that arrived."""
        found = await asyncio.to_thread(self.steer, "record", {"account": str(account)})
        row: dict[str, Any] = found["ctrader"]
        return row

    def begin_anew(self) -> None:
        """First balances, no faults, a calm market, and a sign-in that no test before has used up."""
        self.steer("clear")
        self.steer("reset")
        self.steer("rate", {"rate": 1.0})
        # The usual port is taken where two runs share a machine.
        self.second["redirect"] = f"http://localhost:{free_port()}/callback"
        grant = sign_in_by_http(self.second)
        self.second.update({key: grant[key] for key in GRANT})


def at_loopback(venues: BothVenues, terminal: Terminal) -> None:
    """Settings that let "the real cTrader" be the practice venue."""
    for name in ("demo", "live", "authorize", "token", "redirect", "ca"):
        terminal.settings.set(f"endpoint.{name}", venues.second[name], "ctrader")


class Fx:
    """A running desk, seen from the second venue."""

    def __init__(self, desk: Desk, venues: BothVenues) -> None:
        self.desk = desk
        self.venues = venues

    @property
    def hand(self) -> Hand:
        return self.desk.hand

    @property
    def session(self) -> Session:
        return self.desk.terminal.sessions.sessions["ctrader"]

    @property
    def card(self) -> VenueCard:
        found = self.desk.screen.connections.card("ctrader")
        assert found is not None
        return found

    @property
    def orders(self) -> list[Order]:
        return [order for order in self.desk.orders if order.account.startswith("ctrader:")]

    def describe(self) -> str:
        session = self.desk.terminal.sessions.sessions.get("ctrader")
        gate = self.desk.terminal.gate
        return (
            f"card {self.card.word} {self.card.reason!r}, "
            f"session {session and session.state} ({session and session.reason!r}), "
            f"ready {gate.ready(ACCOUNT)} ({gate.closed_reason(ACCOUNT)!r}), "
            f"positions {self.positions()}, {self.desk.describe()}"
        )

    async def until(self, holds: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
        try:
            await eventually(holds, timeout_s, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.describe()}") from None

    def is_trading(self) -> bool:
        """Prices come, the account was compared, and the ticket may send."""
        terminal, ticket = self.desk.terminal, self.desk.screen.ticket
        quote = terminal.market.quote(EUR)
        return (
            "ctrader" in terminal.sessions.sessions
            and self.session.state is SessionState.LIVE
            and terminal.gate.ready(ACCOUNT)
            and quote is not None
            and terminal.market.feed_state(Feed(FeedKind.QUOTES, EUR.symbol), "ctrader") is FeedState.LIVE
            and ticket.instrument is not None
            and ticket.instrument.id == EUR
            and bool(ticket.buttons)
            and all(button.enabled for button in ticket.buttons.values())
        )

    async def until_trading(self) -> None:
        await self.until(self.is_trading, "a desk that trades EUR/USD", 40.0)
        await self.desk.frame()

    # -- what is on the screen -------------------------------------------------------------------------

    def positions(self) -> list[Position]:
        return list(self.desk.terminal.portfolio.positions(ACCOUNT))

    @property
    def figures(self) -> AccountFigures:
        found = self.desk.terminal.portfolio.figures(ACCOUNT)
        assert found is not None
        return found

    def rows(self) -> list[PositionRow]:
        """As the Positions tab shows them."""
        return list(self.desk.screen.positions.model.rows)

    def lines(self) -> list[PositionLine]:
        """As the chart shows them."""
        shown = self.desk.screen.chart.positions
        return [] if shown is None else list(shown.lines)

    def answer(self) -> str:
        """What the ticket says became of the order."""
        return " ".join(self.desk.words(self.desk.ticket._result).split())

    def warning(self) -> str:
        """What the ticket says above its buttons, such as why nothing can be sent."""
        shown = self.desk.ticket._foot.warning
        return shown.text() if shown.isVisible() else ""

    def prices(self) -> tuple[str, str]:
        """Of the venue's card."""
        card = self.desk.window.strip._cards["ctrader"]
        return card.bid.text(), card.ask.text()

    def tip(self) -> str:
        """The card of the venue strip with the pointer over it."""
        return self.desk.window.strip._cards["ctrader"].toolTip()

    async def until_said(self, text: str) -> None:
        """The ticket answers with this sentence."""
        await self.until(lambda: text in self.answer(), f"an answer with {text!r}, not {self.answer()!r}")

    # -- what a person does ---------------------------------------------------------------------------

    async def choose_market(self) -> None:
        """Click EUR/USD in the watchlist, and wait until it can be traded."""
        table = self.desk.panel("watchlist").findChild(DataTable)
        assert table is not None
        model: Any = table.model()
        await self.until(lambda: model.row_of(EUR) is not None, "EUR/USD in the watchlist")
        await self.hand.click(table.viewport(), self.desk.cell_of(table, EUR, "symbol"))
        await self.until_trading()

    async def fill_ticket(self, lots: str, *, stop: str = "", target: str = "") -> None:
        """A market order in lots, as typed."""
        if self.desk.screen.ticket.form.order_type is not OrderType.MARKET:
            await self.hand.choose(self.desk.ticket._type, OrderType.MARKET)
        for name, text in (("Size", lots), ("Stop loss", stop), ("Take profit", target)):
            edit = self.desk.edit(name)
            if edit.text() != text:
                self.desk.ticket._scroll.ensureWidgetVisible(edit)
                await self.desk.frame()
                await self.hand.replace(edit, text)

    async def send(self, side: Side = Side.BUY) -> Order:
        """Press the big button, say yes; the order that comes of it."""
        before = {order.client_order_id for order in self.orders}
        await self.desk.press_side(side)
        await self.desk.confirm()
        await self.until(lambda: len(self.orders) > len(before), "an order")
        return next(order for order in self.orders if order.client_order_id not in before)

    async def buy(self, lots: str = "0.1", *, stop: str = "", target: str = "") -> Position:
        """A position of a market order from the ticket, once it is whole."""
        before = {position.position_id for position in self.positions()}
        await self.fill_ticket(lots, stop=stop, target=target)
        order = await self.send()
        await self.until(lambda: order.state is OrderState.FILLED, "a filled order")

        def found() -> Position | None:
            new = [each for each in self.positions() if each.position_id not in before]
            return new[0] if new and not (stop and new[0].protection.is_empty) else None

        await self.until(found, "the position")
        position = found()
        assert position is not None
        return position

    async def edit_position(self, column: str, text: str, *, confirms: bool = False) -> None:
        """Double-click a cell of the position's row, type, Enter; and the question's yes where one is due."""
        table = await self.desk.show_tab(tabs.POSITIONS)

        def is_editing() -> bool:
            focus = QApplication.focusWidget()
            return isinstance(focus, QLineEdit) and table.isAncestorOf(focus)

        # Offscreen there is no window manager that gives the keyboard back when a dialog has closed.
        self.desk.window.activateWindow()
        for _ in range(10):
            await self.until(lambda: not self.rows()[0].stop_pending, "no change under way")
            await self.desk.frame()
            place = self.desk.cell_of(table, self.rows()[0].key, column)
            await self.hand.double_click(table.viewport(), place)
            patience = time.monotonic() + 1.0
            await self.until(lambda: is_editing() or time.monotonic() > patience, "an editor")  # noqa: B023
            if is_editing():
                break
        assert is_editing(), f"no editor in the cell {column}"
        await self.hand.key(Qt.Key.Key_A, CTRL)
        await self.hand.write(text)
        await self.hand.key(Qt.Key.Key_Return)
        if confirms:
            dialog = await opened(self.desk, ConfirmDialog)
            await self.hand.click(dialog.confirm)

    async def press_on_position(self, action: str, words: str) -> None:
        """A button of the position's row, and the question's yes; ``words`` stand in the question."""
        table = await self.desk.show_tab(tabs.POSITIONS)
        await self.desk.frame()
        model: Any = table.model()
        index = model.index(0, model.columnCount() - 1)
        table.scrollTo(index)
        places = table._delegate.places(table.visualRect(index), index.data(ACTIONS_ROLE))
        place = next(place for found, place in places if found.key == action)
        await self.hand.click(table.viewport(), place.center())
        dialog = await opened(self.desk, ConfirmDialog)
        assert words in self.desk.words(dialog), self.desk.words(dialog)
        await self.hand.click(dialog.confirm)

    async def open_login(self) -> LoginDialog:
        """Click the venue's card and choose to connect an account."""
        await self.hand.click(self.desk.window.strip._cards["ctrader"])
        menu = self.desk.menu()
        offered = [action.text() for action in menu.actions() if action.isEnabled()]
        entry = next(text for text in offered if "ccount" in text)
        await self.hand.trigger(menu, entry)
        dialog = await opened(self.desk, LoginDialog)
        await self.until(lambda: dialog.state.text(), "how things stand")
        return dialog

    async def until_answered(self, dialog: LoginDialog) -> str:
        """The sign-in is over: what went wrong, or nothing where the form has closed."""
        vm = dialog._vm
        await self.until(lambda: vm.step is Step.DONE or (not vm.is_busy and vm.error), "the end of it")
        await self.desk.frame()
        return str(vm.error)

    async def until_strikes_are_over(self) -> None:
        """Every fault that was ordered has found what it waited for."""
        deadline = time.monotonic() + 20
        while armed := (await self.venues.figures())["armed"]:
            assert time.monotonic() < deadline, armed
            await asyncio.sleep(0.02)

    # -- what the venue says ---------------------------------------------------------------------------

    async def require_same_as_venue(self) -> None:
        """Positions and balance here are the venue's, and no order came twice."""

        def agrees(told: Mapping[str, Any]) -> bool:
            theirs = {
                (row["positionId"], D(row["tradeData"]["volume"]) / 100)
                for row in told["now"].get("position", ())
            }
            ours = {(held.position_id, held.quantity) for held in self.positions()}
            return theirs == ours and D(told["trader"]["trader"]["balance"]) / 100 == self.figures.balance

        deadline = time.monotonic() + 20
        while not agrees(told := await self.venues.noted()):
            assert time.monotonic() < deadline, (told, self.describe())
            await asyncio.sleep(0.02)
        require_nothing_twice(told)


def require_nothing_twice(told: Mapping[str, Any]) -> None:
    """By the venue's own record, no order of ours has arrived twice."""
    labels = Counter(row["label"] for row in told["requests"] if row.get("label"))
    twice = {label: count for label, count in labels.items() if count > 1}
    assert not twice, f"sent more than once: {twice}"


async def paste_into(fx: Fx, dialog: LoginDialog, **entries: str) -> None:
    """Paste into fields of the sign-in form."""
    for key, text in entries.items():
        edit = dialog._fields[key].edit
        await fx.until(edit.isVisible, f"the field {key}")
        dialog._area.ensureWidgetVisible(edit)
        await fx.desk.frame()
        await fx.hand.click(edit)
        await fx.until(edit.hasFocus, "the keyboard in it")
        await fx.hand.paste(edit, text)
        assert edit.text() == text
    QGuiApplication.clipboard().clear()


def hand_at_the_page(*buttons: str) -> SignInWindow:
    """The sign-in window of our own, with somebody who clicks these buttons of the practice pages."""
    return SignInWindow(
        command=(sys.executable, "-m", "tests.e2e.sign_in_hand", *buttons),
        # Tests run as root here and there, where Chromium's sandbox cannot.
        environment={"QTWEBENGINE_DISABLE_SANDBOX": "1", "QT_QPA_PLATFORM": "offscreen"},
    )


def run_fx(
    venues: BothVenues,
    folder: Path,
    body: Callable[[Fx], Awaitable[None]],
    *,
    on_desk: tuple[str, ...] = ("ctrader",),
    errors_expected: tuple[str, ...] = (),
    prepare: Callable[[Terminal], None] | None = None,
    sign_in_window: SignInWindow | None = None,
) -> None:
    """Start the application on the practice venue, run ``body`` on it, quit, look what is left; once more
    with the same folder is a restart. No secret of the venue may be in the log."""

    async def on(desk: Desk) -> None:
        await body(Fx(desk, venues))

    run_screen(
        venues,
        folder,
        on,
        wait=False,
        on_desk=on_desk,
        tools={"ctrader": {"policy": QUICK}},
        errors_expected=errors_expected,
        prepare=prepare,
        sign_in_window=sign_in_window,
    )
    text = paths_below(folder).log_file.read_text()
    for key in ("client_secret", "access_token", "refresh_token"):
        assert venues.second[key] not in text, f"the {key} is in the log"
