"""A strategy trades through the bridge on the practice venue, over real HTTP, while a person looks on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Awaitable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from terminal.bridge.bots import BotMode
from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, Origin
from terminal.viewmodels.bridge import NewKeys
from terminal.widgets.bridge import BridgeDialog
from terminal.widgets.confirm_dialog import ConfirmDialog
from tests.e2e.rig import ACCOUNT, BTC
from tests.e2e.screen_harness import Desk, run_screen
from tests.helpers import free_port
from tests.practice import Practice
from tests.unit.bridge.bridge_desk import read_answer

D = Decimal


class Strategy:
    """Calls the bridge as a strategy platform's node does."""

    def __init__(self, port: int, keys: NewKeys) -> None:
        self._port = port
        self._keys = keys
        self._stamps = itertools.count(time.time_ns())

    def body(self, method: str, **params: Any) -> bytes:
        call = {
            "access_key": self._keys.access_key.reveal(),
            "secret_key": self._keys.secret_key.reveal(),
            "nonce": next(self._stamps),
            "method": method,
            "params": params,
        }
        return json.dumps(call).encode()

    async def call(self, method: str, path: str = "/KRAKEN", **params: Any) -> Any:
        """The document of the answer."""
        body = self.body(method, **params)
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Length: {len(body)}\r\n\r\n"
        return (await self.send(head.encode() + body))[1]

    async def send(self, data: bytes) -> tuple[int, Any]:
        """Status and document of the answer to any bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(data)
            return await read_answer(reader)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def test_a_strategy_trades_and_a_hand_goes_first(desk_practice: Practice, tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        terminal, screen = desk.terminal, desk.screen
        await desk.until_trading()
        terminal.settings.set("bridge.port", free_port())
        assert not terminal.bridge.is_on
        assert screen.bridge_light.text() == "○ Bridge off"
        screen.open_bridge()
        panel = screen.window.findChild(BridgeDialog)
        assert panel is not None
        made: list[NewKeys] = []
        screen.bridge.keys_made.connect(lambda name, keys: made.append(keys))
        panel.form.name.setText("grid")
        panel.form.mode.choose(3)
        panel.form.per_day.setText("5 000")
        panel.form.make.click()
        await desk.until(lambda: desk.dialog(ConfirmDialog) is not None, "the question about all venues")
        question = desk.dialog(ConfirmDialog)
        assert question is not None
        assert not made
        question.accept()
        await desk.until(lambda: made, "keys of a bot")
        assert (panel.keys.access.text(), panel.keys.secret.text()) == (
            made[0].access_key.reveal(),
            made[0].secret_key.reveal(),
        )
        panel.switch.click()
        await desk.until(lambda: terminal.bridge.is_on, "the bridge")
        panel.keys.done.click()
        assert (panel.keys.access.text(), panel.keys.secret.text()) == ("", "")
        bot = Strategy(terminal.bridge.port, made[0])

        ticker = (await bot.call("ticker", symbol="btc_usd"))["data"]
        assert D(ticker["buy"]) < D(ticker["sell"])
        depth = (await bot.call("depth", symbol="BTC_USD", limit="5"))["data"]
        assert len(depth["asks"]) == len(depth["bids"]) == 5
        records = (await bot.call("records", symbol="BTC_USD", period="1", limit="50"))["data"]
        assert [row[0] for row in records] == sorted(row[0] for row in records)
        accounts = (await bot.call("accounts"))["data"]
        assert {"USD", "BTC"} <= {each["currency"] for each in accounts}
        raw = (await bot.call("__api_/0/public/SystemStatus"))["data"]
        assert raw["result"]["status"] == "online"
        assert "only read" in (await bot.call("__api_/0/private/Withdraw"))["error"]

        price = str((D(ticker["buy"]) * D("0.99")).quantize(D(1)))
        trade = {"symbol": "BTC_USD", "type": "buy", "amount": "0.01", "price": price}
        order_id = (await bot.call("trade", **trade))["data"]["id"]
        order = (await bot.call("order", symbol="BTC_USD", id=order_id))["data"]
        assert (order["status"], D(order["amount"])) == ("pending", D("0.01"))
        await desk.until(
            lambda: any(row.origin == "bot grid" for row in screen.orders.model.rows),
            "the order in the blotter",
        )
        assert "same order" in (await bot.call("trade", **trade))["error"]

        by_hand = OrderRequest(
            BTC, Side.BUY, OrderType.LIMIT, D("0.002"), limit_price=D(price), origin=Origin.TICKET
        )
        await terminal.gate.submit(ACCOUNT, by_hand, confirmed=frozenset({"arm"}))
        assert "traded by hand" in (await bot.call("trade", **{**trade, "amount": "0.02"}))["error"]
        await desk.until(lambda: panel.paused.isVisible(), "the paused instrument")
        assert (await bot.call("cancel", symbol="BTC_USD", id=order_id)) == {"data": True}
        await desk.frame()
        screen.bridge.release(BTC)
        await desk.until(lambda: not panel.paused.isVisible(), "nothing paused")
        texts = [row.result for row in screen.bridge.calls.rows]
        assert any("traded by hand" in text for text in texts)

        assert (await bot.call("accounts", "/PAPER"))["data"] == (await bot.call("accounts"))["data"]
        screen.bridge.act("grid", BotMode.READ_ONLY.name)
        assert "may only read" in (await bot.call("trade", **trade))["error"]

        screen.bridge.act("grid", BotMode.CONFIRM.name)
        focus = QApplication.focusWidget()
        asked = tasks.spawn(bot.call("trade", **{**trade, "amount": "0.003"}), name="a bot that asks")
        await desk.until(lambda: screen.waiting.cards.cards, "a card over the chart")
        [card] = screen.waiting.cards.cards
        await desk.until(card.accept.isEnabled, "a card that a click counts on")
        assert QApplication.focusWidget() is focus
        assert card.window() is screen.window
        QTest.mouseClick(card.accept, Qt.MouseButton.LeftButton)
        order_id = (await asked)["data"]["id"]
        assert (await bot.call("order", symbol="BTC_USD", id=order_id))["data"]["status"] == "pending"
        sent = len(terminal.gate.orders)
        asked = tasks.spawn(
            _hung_up(bot.call("trade", **{**trade, "amount": "0.004"})), name="a bot that asks"
        )
        await desk.until(lambda: screen.waiting.cards.cards, "another card")

        assert terminal.gate.open_orders(ACCOUNT)
        screen.desk.flatten()
        assert not terminal.bridge.is_on
        assert not terminal.bridge.waiting.all
        assert await asked, "its connection was cut"
        assert screen.bridge_light.text() == "○ Bridge off"
        await desk.until(lambda: not terminal.gate.open_orders(ACCOUNT), "everything canceled")
        assert len(terminal.gate.orders) == sent
        panel.close()

    run_screen(desk_practice, tmp_path, body)


@pytest.mark.fault(40)
def test_attacks_on_the_bridge_reach_no_order_and_hold_up_nothing(
    desk_practice: Practice, tmp_path: Path
) -> None:
    trade = {"symbol": "BTC_USD", "type": "buy", "amount": "0.01", "price": "1000"}

    async def body(desk: Desk) -> None:
        terminal = desk.terminal
        await desk.until_trading()
        _, keys = terminal.bridge.bots.make("grid", mode=BotMode.TRADING)
        await terminal.bridge.switch_on(free_port())
        bridge, bot = terminal.bridge, Strategy(terminal.bridge.port, keys)
        call = bot.body("trade", **trade)
        host = f"127.0.0.1:{bridge.port}"

        def post(body: bytes, *fields: str, host: str = host, verb: str = "POST") -> bytes:
            lines = (f"{verb} /KRAKEN HTTP/1.1", f"Host: {host}", *fields, f"Content-Length: {len(body)}")
            return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

        attacks = {
            post(call, "Origin: http://evil.example"): 403,
            post(call, "Sec-Fetch-Site: cross-site", "Content-Type: text/plain"): 403,
            post(call, "Referer: http://evil.example/"): 403,
            post(b"", "Access-Control-Request-Method: POST", verb="OPTIONS"): 403,
            post(call, host="rebound.example"): 421,
            post(call, verb="DELETE"): 405,
            post(b"x" * 10_000_000): 413,
            post(b"[" * 60_000): 400,
        }
        for data, status in attacks.items():
            got, answer = await bot.send(data)
            assert (got, set(answer)) == (status, {"error"}), data[:120]
        crowd = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", bridge.port) for _ in range(500)))
        assert "data" in await bot.call("ticker", symbol="BTC_USD")
        for _, writer in crowd:
            writer.transport.abort()
        stranger = Strategy(bridge.port, NewKeys(Secret("0" * 64), Secret("1" * 64)))
        answers = [await stranger.call("trade", **trade) for _ in range(200)]
        assert all(set(answer) == {"error"} for answer in answers)
        assert "locked" in answers[-1]["error"]
        assert "locked" in (await bot.call("trade", **trade))["error"]
        await desk.until(lambda: any("wrong keys" in text for text in desk.notices()), "a notice")
        assert not terminal.gate.orders
        assert not (await desk.practice.told()).open_ids()
        for secret in (keys.access_key.reveal(), keys.secret_key.reveal()):
            assert not any(secret in path.read_text(errors="replace") for path in _files(desk.paths.log))

    run_screen(desk_practice, tmp_path, body)


async def _hung_up(call: Awaitable[Any]) -> bool:
    """Whether a call ended without an answer."""
    try:
        await call
    except (OSError, EOFError):
        return True
    return False


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
