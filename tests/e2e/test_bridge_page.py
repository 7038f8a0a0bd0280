"""A real web page in a real browser engine cannot reach the bridge, though it knows a trading bot's keys."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from terminal.core import tasks
from tests.e2e.bridge_page import REBOUND
from tests.helpers import run
from tests.unit.bridge.bridge_desk import BridgeDesk, open_bridge

TRIES = (
    *("fetch-simple", "fetch-preflight", "fetch-no-cors", "fetch-get", "beacon"),
    *("form-plain", "form-urlencoded", "image", "socket"),
)
BROWSER, STRANGER = "calls from a browser are not taken", "the Host header must name this bridge"
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.fault(40),
    pytest.mark.skipif(
        importlib.util.find_spec("PySide6.QtWebEngineCore") is None,
        reason="QtWebEngine is not installed: no page to attack with",
    ),
]


def test_no_page_reaches_the_bridge_by_any_way_that_a_page_has(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            told = await browse(desk)
            by_path: dict[str, set[str]] = {}
            for record in desk.bridge.calls.records:
                if not record.by_hand:
                    by_path.setdefault(record.venue, set()).add(record.error)
            for name in TRIES:
                assert by_path.pop(name) == {BROWSER}, name
                # A socket and a preflight need an answer that the page may read; they get none.
                assert by_path.pop(f"rebound-{name}") == {STRANGER}, name
            by_path.pop("rebound-page")
            assert set(by_path) <= {"favicon.ico"}, by_path
            answers = told["foreign"]
            assert answers["fetch-simple"] == answers["fetch-preflight"] == "failed", "nothing is readable"
            assert (answers["fetch-no-cors"], answers["image"], answers["socket"]) == (
                *("opaque", "failed"),
                "failed",
            )
            assert "must name this bridge" in told["rebound"]["fetch-simple"], "its own refusal is all"
            assert told["rebound"]["socket"] == told["rebound"]["image"] == "failed"
            assert not desk.venue.orders
            assert not desk.gate.orders
            assert "data" in await desk.call("accounts")
            assert REBOUND not in desk.bridge.address("fake")

    run(main(), timeout_s=90)


async def browse(desk: BridgeDesk) -> dict[str, dict[str, str]]:
    """Let the page try, in a process of its own, and return what it was told."""
    environment = {**os.environ, "QTWEBENGINE_DISABLE_SANDBOX": "1", "QT_QPA_PLATFORM": "offscreen"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.bridge_page"),
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    trade: dict[str, Any] = {"symbol": "BTC_USD", "type": "buy", "amount": "0.01", "price": "59000"}
    task = {"port": desk.bridge.port, "body": desk.body("trade", **trade).decode()}
    try:
        async with asyncio.timeout(60):
            out, _ = await process.communicate(json.dumps(task).encode() + b"\n")
    finally:
        if process.returncode is None:
            process.kill()
            await tasks.spawn(process.wait(), name="the browser's end")
    answered: dict[str, dict[str, str]] = json.loads(out)
    assert set(answered) == {"foreign", "rebound"}, answered
    return answered
