"""kill -9 anywhere, then a restart: nothing sent twice, nothing lost, nothing made up (case 33)."""

from __future__ import annotations

import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from terminal.core.faultpoint import ENVIRONMENT_NAME
from terminal.domain.orders import Fill, OrderReport

ROOT = Path(__file__).resolve().parents[2]

POINTS = [
    "submit.before_journal",
    "journal.before_commit",
    "journal.before_commit:4",
    "journal.after_commit",
    "submit.after_journal",
    "submit.before_send",
    "submit.after_answer",
    "submit.done",
    "submit.before_send:2",
    "submit.after_answer:3",
    "fill.before_apply",
    "fill.after_apply",
    "fill.after_apply:2",
    "amend.before_send",
    "amend.after_answer",
    "cancel.before_send",
    "cancel.after_answer",
    "inquiry.before_look",
    "reconcile.start",
    "reconcile.middle:2",
    "reconcile.before_ready:2",
]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")


def start(folder: Path, what: str, point: str = "") -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop(ENVIRONMENT_NAME, None)
    if point:
        environment[ENVIRONMENT_NAME] = point
    return subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.kill_child", str(folder), what],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(child: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = child.communicate(timeout=60)
    return child.returncode, out, err


def venue_of(folder: Path) -> tuple[dict[str, OrderReport], list[Fill]]:
    try:
        reports, fills, _, _ = pickle.loads((folder / "venue.pickle").read_bytes())
    except FileNotFoundError:
        return {}, []
    return reports, fills


def require_whole(folder: Path) -> list[dict[str, Any]]:
    """Restart, and compare what the terminal knows with what the venue has; returns the terminal's orders."""
    code, out, err = finish(start(folder, "restart"))
    assert code == 0, err
    told = json.loads(out)
    assert told["ready"]
    assert not [text for text in told["notices"] if "could not be read" in text]
    reports, fills = venue_of(folder)
    by_venue_id = {order["venue_id"]: order for order in told["orders"] if order["venue_id"]}
    for venue_id, report in reports.items():
        order = by_venue_id[venue_id]
        assert order["origin"] == "TICKET", "an order of ours came back as a stranger"
        assert order["id"] == report.client_order_id
        if report.state.is_final:
            assert order["state"] == report.state.name
        else:
            assert order["state"] in (report.state.name, "PENDING_CANCEL"), "shown as ended, and is not"
        assert Decimal(order["filled"]) == report.filled_quantity
        assert Decimal(order["price"]) == report.limit_price
        fees = sum((fill.fee or Decimal(0)) for fill in fills if fill.venue_order_id == venue_id)
        assert Decimal(order["fees"].get("USD", "0")) == fees
    for order in told["orders"]:
        if not order["venue_id"]:
            assert order["state"] in ("IN_DOUBT", "REJECTED"), "made up"
    assert Counter(told["fills"]) == Counter(fill.fill_id for fill in fills)
    log = folder / "received.log"
    received = log.read_text().splitlines() if log.exists() else []
    submits = Counter(line for line in received if line.startswith("submit "))
    assert all(count == 1 for count in submits.values()), "sent twice"
    known = {order["id"] for order in told["orders"]}
    assert {line.split()[1] for line in submits} <= known, "the venue has an order that we forgot"
    return list(told["orders"])


@pytest.mark.fault(33)
@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, tmp_path: Path) -> None:
    code, _, err = finish(start(tmp_path, "trade", point))
    assert code == -signal.SIGKILL, err
    orders = require_whole(tmp_path)
    again = require_whole(tmp_path)
    assert again == orders, "a second restart changes nothing"


def test_without_a_fault_point_the_walk_ends_well(tmp_path: Path) -> None:
    code, _, err = finish(start(tmp_path, "trade"))
    assert code == 0, err
    states = sorted(order["state"] for order in require_whole(tmp_path))
    assert states == ["CANCELED", "FILLED", "PARTLY_FILLED"]


def test_every_fault_point_in_the_source_is_killed_at() -> None:
    found: set[str] = set()
    for path in (ROOT / "terminal" / "services").glob("*.py"):
        found |= set(re.findall(r'faultpoint\.hit\("([^"]+)"\)', path.read_text()))
    assert found == {point.partition(":")[0] for point in POINTS}


@pytest.mark.fault(33)
def test_killed_at_random_moments_again_and_again(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    rng = random.Random(seed)
    log = tmp_path / "received.log"
    for _ in range(4):
        child = start(tmp_path, "many")
        before = len(log.read_text().splitlines()) if log.exists() else 0
        target = before + rng.randint(3, 25)
        deadline = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < deadline:
            if log.exists() and len(log.read_text().splitlines()) >= target:
                break
        time.sleep(rng.random() * 0.003)  # anywhere within a few orders
        child.kill()
        code, _, err = finish(child)
        assert code == -signal.SIGKILL, err
        orders = require_whole(tmp_path)
        assert len(orders) >= target - before, f"seed {seed}"
