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
from PySide6.QtWidgets import QApplication, QWidget

from terminal.bridge.bots import BotMode, NewKeys
from terminal.core import tasks
from terminal.core.clock import SystemClock
from terminal.core.secret import Secret
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, Origin
from terminal.viewmodels.bridge import BridgeViewModel
from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.widgets.bridge import BridgeDialog, BridgeLight
from terminal.widgets.bridge_waiting import WaitingHost
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
    yes: bool = True


def on_panel(folder: Path, body: Callable[[Panel], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_bridge(folder) as desk:
            frames = FrameClock()
            questions: list[Confirmation] = []

            async def ask(question: Confirmation) -> bool:
                questions.append(question)
                return panel.yes

            async def switch(on: bool) -> None:
                await (desk.bridge.switch_on(0) if on else desk.bridge.switch_off())

            vm = BridgeViewModel(
                desk.bridge, switch, [("fake", "Fake")], frames, NoticesViewModel(SystemClock()), ask=ask
            )
            dialog, light = BridgeDialog(vm), BridgeLight(vm)
            dialog.show()
            panel = Panel(desk, vm, dialog, light, frames, questions)
            await body(panel)
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
        dialog.form.name.setText("watcher")
        dialog.form.per_minute.setText("0")
        dialog.form.make.click()
        assert dialog.form.error.text().startswith("Orders a minute")
        dialog.form.per_minute.setText("x")
        dialog.form.make.click()
        assert dialog.form.error.text()
        dialog.form.per_minute.setText("5")
        dialog.form.per_day.setText("2 500")
        QTest.keyClick(dialog.form.name, Qt.Key.Key_Return)
        assert not dialog.form.error.isVisible()
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


def test_a_bot_that_would_trade_on_all_venues_is_asked_about_once(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        form, bots = panel.dialog.form, panel.desk.bridge.bots
        form.name.setText("eager")
        form.mode.buttons[3].click()
        panel.yes = False
        form.make.click()
        await eventually(lambda: len(panel.questions) == 1)
        assert panel.questions[0].title == "Let eager trade on all venues?"
        assert "without asking you, with real money" in panel.questions[0].note
        assert "at most 10 a minute and 1\u202f000 USD a day" in panel.questions[0].note
        assert bots.get("eager") is None
        assert form.name.text() == "eager", "what was typed stays"
        panel.yes = True
        form.make.click()
        await eventually(lambda: bots.get("eager") is not None)
        assert panel.dialog.keys.isVisible()
        assert (form.name.text(), form.mode.chosen_at) == ("", 0)
        panel.vm.act("eager", BotMode.READ_ONLY.name)
        panel.vm.act("eager", BotMode.TRADING.name)
        await eventually(lambda: bots.get("eager").mode is BotMode.TRADING)  # type: ignore[union-attr]
        panel.vm.act("eager", "edit")
        form.per_day.setText("500")
        form.make.click()
        assert len(panel.questions) == 3, "it is trading everywhere already"
        assert bots.get("eager").limits.notional_per_day == 500  # type: ignore[union-attr]

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


def test_an_order_that_waits_is_a_card_that_takes_no_focus(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        desk, dialog = panel.desk, panel.dialog
        window = QWidget()
        window.resize(800, 600)
        window.show()
        host = WaitingHost(panel.vm, window, window.rect)
        assert host.cards.isHidden()
        panel.vm.act("grid", BotMode.CONFIRM.name)
        dialog.form.name.setFocus()
        focus = QApplication.focusWidget()
        calls = [tasks.spawn(desk.call("trade", **BUY), name="a bot's call")]
        await eventually(lambda: host.cards.cards, what="a card over the window")
        assert QApplication.focusWidget() is focus
        assert dialog.waiting_title.isVisible()
        [card], [twin] = dialog.waiting.cards, host.cards.cards
        assert twin.what.text() == "Buy 0.01 BTC (BTC/USD) at 59000"
        assert twin.where.text() == "grid · Fake, practice money, worth 590.00 USD"
        for button in (twin.accept, twin.refuse):
            assert button.focusPolicy() is Qt.FocusPolicy.NoFocus
        for button in (card.accept, card.refuse):
            assert button.focusPolicy() is Qt.FocusPolicy.TabFocus
        assert panel.light.text().endswith(" · 1 to confirm")
        assert window.rect().contains(host.cards.geometry())
        panel.vm.accept(card.number)
        assert desk.bridge.waiting.all, "a click at once was meant for something else"
        first = twin.time.value()

        def are_ready() -> bool:
            QApplication.processEvents()  # the timers that count down
            return card.accept.isEnabled() and twin.accept.isEnabled()

        await eventually(are_ready, what="cards that a click counts on")
        assert twin.time.value() < first, "it counts down"
        QTest.mouseClick(twin.accept, Qt.MouseButton.LeftButton)
        assert "data" in await calls[0]
        assert len(desk.venue.orders) == 1
        assert host.cards.isHidden()
        assert panel.light.text() == f"● BRIDGE {desk.bridge.port}"
        assert not dialog.waiting_title.isVisible()

        again = desk.call("trade", **{**BUY, "price": "58000"})
        calls.append(tasks.spawn(again, name="a bot's second call"))
        await eventually(lambda: dialog.waiting.cards, what="a card in the panel")
        QTest.mouseClick(dialog.waiting.cards[0].refuse, Qt.MouseButton.LeftButton)
        assert "refused" in (await calls[1])["error"]
        assert len(desk.venue.orders) == 1
        window.close()
        window.deleteLater()

    on_panel(tmp_path, body)


def test_a_second_click_does_not_hit_the_card_that_moved_under_it(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        desk, cards = panel.desk, panel.dialog.waiting
        panel.vm.act("grid", BotMode.CONFIRM.name)
        calls = []
        for price in ("59000", "58000"):
            ask = desk.call("trade", **{**BUY, "price": price})
            calls.append(tasks.spawn(ask, name="a bot's call"))
            await eventually(lambda: len(cards.cards) == len(calls), what="a card of each")

        def are_ready() -> bool:
            QApplication.processEvents()
            return all(card.accept.isEnabled() for card in cards.cards)

        await eventually(are_ready, what="cards at rest")
        QTest.mouseClick(cards.cards[0].accept, Qt.MouseButton.LeftButton)
        [other] = cards.cards
        QTest.mouseClick(other.accept, Qt.MouseButton.LeftButton)
        assert "data" in await calls[0]
        assert [each.number for each in desk.bridge.waiting.all] == [other.number]
        assert len(desk.venue.orders) == 1
        await eventually(are_ready, what="the other one at rest again")
        QTest.mouseClick(other.accept, Qt.MouseButton.LeftButton)
        assert "data" in await calls[1]

    on_panel(tmp_path, body)


def test_a_bot_is_changed_in_the_form_and_the_change_holds_at_once(
    qapp: QApplication, tmp_path: Path
) -> None:
    async def body(panel: Panel) -> None:
        desk, form = panel.desk, panel.dialog.form
        panel.dialog.bots.acted.emit("grid", "edit")
        assert (form.make.text(), form.cancel.isVisible()) == ("Save", True)
        assert (form.name.text(), form.mode.chosen_at, form.all_places.isChecked()) == ("grid", 3, True)
        form.per_day.setText("x")
        form.make.click()
        assert form.error.text().startswith("USD a day")
        form.cancel.click()
        assert (form.name.text(), form.make.text(), form.error.isVisible()) == ("", "Make a bot", False)
        assert "data" in await desk.call("trade", **BUY)

        panel.vm.act("grid", "edit")
        form.name.setText("swing")
        form.per_day.setText("600")
        form.all_places.setChecked(False)
        form.make.click()
        assert form.error.text() == "Tick a venue that it may use, or all."
        form.places["paper"].click()
        form.paper.setCurrentIndex(form.paper.findData("fake"))
        form.make.click()
        assert (form.name.text(), form.make.text()) == ("", "Make a bot")
        assert "swing may not use FAKE" in await desk.error("trade", **BUY)
        text = await desk.error("trade", "/PAPER", **{**BUY, "price": "58000"})
        assert "600 USD a day: 590 are used" in text, "its orders under the old name count"
        assert len((await desk.call("orders", "/PAPER", symbol=""))["data"]) == 1
        [row] = panel.vm.bots.rows
        assert (row.name, row.venues) == ("swing", "Practice money (PAPER); PAPER is Fake")
        panel.frames.tick()
        line = next(row for row in panel.vm.calls.rows if row.method == "changed")
        assert (line.bot, line.result, line.took) == ("swing", "by hand", "")
        assert "USD a day: 1000000 → 600" in line.told

    on_panel(tmp_path, body)


def test_a_bot_of_practice_money_is_made_in_the_form(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        form = panel.dialog.form
        form.name.setText("student")
        form.mode.buttons[3].click()
        form.all_places.click()
        form.places["paper"].click()
        QTest.mouseClick(form.make, Qt.MouseButton.LeftButton)
        bot = panel.desk.bridge.bots.get("student")
        assert bot is not None
        assert (bot.mode, bot.venues, bot.paper) == (BotMode.TRADING, frozenset({"paper"}), "")
        dialog = panel.dialog
        dialog.venue.setCurrentIndex(dialog.venue.findData("paper"))
        assert dialog.address.text().endswith("/PAPER")
        panel.vm.venues = (("fake", "Fake"), ("new", "New venue"))
        assert list(form.places) == ["fake", "new", "paper"]
        assert dialog.venue.findData("new") >= 0
        assert dialog.address.text().endswith("/PAPER"), "the chosen one stays chosen"

    on_panel(tmp_path, body)


def test_a_plugin_is_offered_with_its_address_beside_its_title(qapp: QApplication, tmp_path: Path) -> None:
    async def body(panel: Panel) -> None:
        dialog = panel.dialog
        name = "custom-my-very-long-venue-name"
        panel.vm.venues = (("fake", "Fake"), (name, "My very long venue name"))
        shown = [dialog.venue.itemText(at) for at in range(dialog.venue.count())]
        assert shown == [
            "Fake", f"My very long venue name (/{name.upper()})", "Practice money (PAPER)",
        ]  # fmt: skip
        dialog.venue.setCurrentIndex(dialog.venue.findData(name))
        address = dialog.address
        assert address.text().endswith(f"/{name.upper()}")
        assert address.width() > address.fontMetrics().horizontalAdvance(address.text()), "nothing is cut"

    on_panel(tmp_path, body)
