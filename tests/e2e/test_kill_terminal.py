"""kill -9 of the whole application in the middle of an order, on the practice venue (case 33)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from terminal.core.faultpoint import ENVIRONMENT_NAME
from tests.helpers import run
from tests.practice import Practice, Told

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.fault(33),
    pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL"),
]

POINTS = [
    "submit.after_journal",
    "submit.before_send",
    "submit.after_answer",
    "amend.before_send",
    "fill.before_apply",
    "reconcile.before_ready",
]


class Child:
    """Starts the application on one profile, again and again."""

    def __init__(self, practice: Practice, folder: Path, nonces: Path) -> None:
        self.practice = practice
        self._folder = folder / "profile"
        self._endpoints = folder / "endpoints.json"
        self._endpoints.write_text(json.dumps(practice.endpoints))
        self._nonces = nonces

    def start(self, what: str, point: str = "") -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        environment.pop(ENVIRONMENT_NAME, None)
        if point:
            environment[ENVIRONMENT_NAME] = point
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.e2e.kill_terminal"),
                *(str(self._folder), str(self._endpoints), str(self._nonces), what),
            ],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def restart(self) -> dict[str, Any]:
        self.practice.command("forgive")
        out, err = self.start("restart").communicate(timeout=60)
        assert out, err
        told: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return told


@pytest.fixture(scope="module")
def nonces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key outlives the profiles of these tests."""
    return tmp_path_factory.mktemp("nonces")


@pytest.fixture
def child(practice: Practice, tmp_path: Path, nonces: Path) -> Child:
    return Child(practice, tmp_path, nonces)


def require_the_same(ours: dict[str, Any], told: Told) -> None:
    """The terminal knows every order that the venue has, as the venue has it, and made up none."""
    told.require_nothing_sent_twice()
    known = {order["id"]: order for order in ours["orders"]}
    for row in told.orders:
        order = known[row["cl_ord_id"]]
        assert order["origin"] == "TICKET", "an order of ours came back as a stranger"
        assert order["venue_id"] == row["txid"]
        assert Decimal(order["filled"]) == Decimal(row["filled"])
        if row["open"]:
            assert order["state"] in ("OPEN", "PARTLY_FILLED"), order
            assert Decimal(order["price"]) == Decimal(row["limit_price"])
        else:
            assert order["state"] == row["status"], order
    at_venue = {row["cl_ord_id"] for row in told.orders}
    for key, order in known.items():
        if key not in at_venue:
            assert order["state"] in ("IN_DOUBT", "REJECTED"), "made up"
    assert set(told.sent()) <= set(known), "something left that the journal does not know"
    assert sorted(ours["fills"]) == sorted(row["exec_id"] for row in told.fills)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, child: Child) -> None:
    process = child.start("trade", point)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, err
    ours = child.restart()
    require_the_same(ours, run(child.practice.told()))


def test_killed_while_the_answer_is_withheld(child: Child) -> None:
    practice = child.practice
    practice.command("fault", {"kind": "accept_lose_answer"})
    practice.command("fault", {"kind": "drop", "match": "ws/data/executions", "count": 2})
    process = child.start("trade")
    try:
        deadline = time.monotonic() + 30
        while not run(practice.told()).orders:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.communicate()
    practice.command("clear")
    ours = child.restart()
    told = run(practice.told())
    require_the_same(ours, told)
    assert [order["state"] for order in ours["orders"]] == ["OPEN"]
    # And once more: nothing changes, nothing is sent.
    assert child.restart() == ours
    assert run(practice.told()).sent() == told.sent()


def test_without_a_kill_the_walk_ends_well(child: Child) -> None:
    process = child.start("trade")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    ours = child.restart()
    require_the_same(ours, run(child.practice.told()))
    assert sorted(order["state"] for order in ours["orders"]) == ["CANCELED", "FILLED", "OPEN"]
