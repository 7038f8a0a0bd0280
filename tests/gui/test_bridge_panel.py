"""The bridge's panel and light over a bridge on a venue in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from terminal.bridge.bots import BotMode, NewKeys
from terminal.core.clock import SystemClock
from terminal.core.secret import Secret
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, Origin
from terminal.viewmodels.bridge import BridgeViewModel
from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.widgets.bridge import BridgeDialog, BridgeLight
from tests.helpers import eventually, run
from tests.unit.bridge.bridge_desk import ACCOUNT, BTC, BridgeDesk, open_bridge

D = Decimal
BUY: dict[str, Any] = {"symbol": "BTC_USD", "type": "buy", "amount": "0.01", "price": "59000"}


@dataclass
class Panel:
    desk: BridgeDesk
    vm: BridgeViewModel
    dialog: BridgeDialog
    light: BridgeLight
    frames: FrameClock
    questions: list[Confirmation]


def on_panel(folder: Path, body: Callable[[Panel], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_bridge(folder) as desk:
            frames, questions = FrameClock(), []

            async def ask(question: Confirmation) -> bool:
                questions.append(question)
                return True

            async def switch(on: bool) -> None:
                await (desk.bridge.switch_on(0) if on else desk.bridge.switch_off())

            vm = BridgeViewModel(
                desk.bridge, switch, [("fake", "Fake")], frames, NoticesViewModel(SystemClock()), ask=ask
            )
            dialog, light = BridgeDialog(vm), BridgeLight(vm)
            dialog.show()
            await body(Panel(desk, vm, dialog, light, frames, questions))
            vm.close()
            frames.stop()
            for widget in (dialog, light):
                widget.close()
                widget.deleteLater()

    run(main())


def test_the_light_and_the_switch_say_how_it_stands(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        port = panel.desk.bridge.port
        assert panel.light.text() == f"● BRIDGE {port}"
        assert "1 of them may trade" in panel.light.toolTip()
        assert panel.dialog.address.text() == f"http://127.0.0.1:{port}/FAKE"
        panel.dialog.copy.click()
        assert QGuiApplication.clipboard().text() == panel.dialog.address.text()
        panel.dialog.switch.click()
        assert not panel.desk.bridge.is_on, "off is at once"
        assert panel.light.text() == "○ Bridge off"
        assert panel.dialog.state.text() == "Off: nobody can call."
        await eventually(lambda: not panel.vm.is_switching)
        panel.dialog.switch.click()
        await eventually(lambda: panel.desk.bridge.is_on)
        await eventually(lambda: panel.dialog.switch.text() == "Switch off")

    on_panel(tmp_path, body)


def test_a_bot_is_made_and_its_keys_are_shown_once(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        dialog = panel.dialog
        dialog.name.setText("watcher")
        dialog.per_minute.setText("0")
        dialog.make.click()
        assert dialog.error.text().startswith("Orders a minute")
        dialog.per_minute.setText("x")
        dialog.make.click()
        assert dialog.error.text()
        dialog.per_minute.setText("5")
        dialog.per_day.setText("2 500")
        QTest.keyClick(dialog.name, Qt.Key.Key_Return)
        assert not dialog.error.isVisible()
        bot = panel.desk.bridge.bots.get("watcher")
        assert bot is not None
        assert bot.mode is BotMode.READ_ONLY
        assert (bot.limits.orders_per_minute, bot.limits.notional_per_day) == (5, D(2500))
        assert dialog.keys.isVisible()
        keys = NewKeys(Secret(dialog.keys.access.text()), Secret(dialog.keys.secret.text()))
        assert "data" in await panel.desk.call("accounts", keys=keys)
        dialog.hide()
        dialog.show()
        assert not dialog.keys.isVisible()
        assert dialog.keys.access.text() == dialog.keys.secret.text() == ""
        assert [row.name for row in panel.vm.bots.rows] == ["grid", "watcher"]

    on_panel(tmp_path, body)


def test_a_bot_is_changed_and_revoked_after_a_question(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        panel.vm.act("grid", BotMode.DRY_RUN.name)
        assert "data" in await panel.desk.call("trade", **BUY)
        assert not panel.desk.venue.orders
        panel.vm.act("grid", "revoke")
        await eventually(lambda: panel.vm.bots.rows[0].is_revoked)
        assert [question.confirm_text for question in panel.questions] == ["Revoke"]
        assert panel.vm.bots.rows[0].actions == ()
        assert "revoked" in await panel.desk.error("accounts")

    on_panel(tmp_path, body)


def test_calls_and_their_refusals_are_listed_newest_first(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        await panel.desk.call("ticker", symbol="BTC_USD")
        await panel.desk.call("__api_/0/public/Time")
        await panel.desk.error("trade", **{**BUY, "amount": "-1"})
        panel.frames.tick()
        rows = list(panel.vm.calls.rows)
        assert [row.method for row in rows] == ["trade", "__api_", "ticker", "made"]
        assert rows[0].is_refused
        assert rows[0].result == "amount must be above 0"
        assert rows[1].told == "/0/public/Time"
        assert panel.dialog.summary.text() == "3 calls, 1 refused"

    on_panel(tmp_path, body)


def test_an_instrument_traded_by_hand_is_listed_and_released(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        assert not panel.dialog.paused.isVisible()
        await panel.desk.call("ticker", symbol="BTC_USD")
        await panel.desk.call("depth", symbol="BTC_USD")
        request = OrderRequest(
            BTC, Side.BUY, OrderType.LIMIT, D("0.01"), limit_price=D(59000), origin=Origin.CHART
        )
        await panel.desk.gate.submit(ACCOUNT, request, confirmed=frozenset({"arm"}))
        assert panel.dialog.paused.isVisible()
        [row] = panel.vm.paused.rows
        assert (row.instrument, row.venue) == (BTC, "Fake")
        assert "the chart" in row.why
        panel.dialog.paused.acted.emit(BTC, "release")
        assert not panel.dialog.paused.isVisible()
        assert not panel.desk.bridge.hands.paused

    on_panel(tmp_path, body)


def test_a_lock_is_told(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        wrong = NewKeys(Secret("x" * 64), Secret("y" * 64))
        for _ in range(5):
            await panel.desk.error("accounts", keys=wrong)
        assert panel.dialog.state.text().startswith("Locked for")

    on_panel(tmp_path, body)
