"""The two commands as a person runs them: as processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

ROOT = Path(__file__).resolve().parents[2]
OFFSCREEN = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


def run_main(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "main.py", *words],
        cwd=ROOT,
        env=OFFSCREEN,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


@pytest.mark.parametrize("size", ["1366x768", "1920x1080"])
def test_shot_waits_until_every_panel_is_live(tmp_path: Path, size: str) -> None:
    file = tmp_path / "shot.png"
    done = run_main("--shot", str(file), "--size", size)
    assert done.returncode == 0, done.stderr
    for step in ("window shown", "first live price", "all panels live", "picture saved"):
        assert re.search(rf"{step}\s+[\d.]+ s", done.stdout), done.stdout
    width, height = map(int, size.split("x"))
    picture = QImage(str(file))
    assert (picture.width(), picture.height()) == (width, height)


def test_second_start_on_the_same_profile_is_refused_in_plain_words(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "main.py", "--basedir", str(tmp_path), "--json-log"],
        cwd=ROOT,
        env=OFFSCREEN,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_for_line(first, "kraken is live")
        second = run_main("--basedir", str(tmp_path))
        assert second.returncode == 4
        assert "another Parallax" in second.stderr
    finally:
        first.kill()
        first.communicate(timeout=30)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_terminal_takes_its_practice_venue_with_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "main.py", "--basedir", str(tmp_path), "--json-log"],
        cwd=ROOT,
        env=OFFSCREEN,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_for_line(process, "kraken is live")
        children = _children(process.pid)
        assert children
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() and not _is_zombie(pid) for pid in children):
        assert time.monotonic() < deadline, "the practice venue outlived its terminal"


@pytest.mark.skipif(sys.platform != "linux", reason="signals of POSIX")
def test_a_polite_end_closes_everything_within_seconds(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "main.py", "--basedir", str(tmp_path), "--json-log"],
        cwd=ROOT,
        env=OFFSCREEN,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Every venue that a desk begins with: from the first start on, without a question.
    _wait_for_lines(process, *(f"{venue} is live" for venue in ("kraken", "okx", "ctrader", "quotex")))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert '"level": "ERROR"' not in errors, errors


def _wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    _wait_for_lines(process, text)


def _wait_for_lines(process: subprocess.Popen[str], *texts: str) -> None:
    """In any order."""
    assert process.stderr is not None
    missing = set(texts)
    for raw in process.stderr:
        try:
            line = json.loads(raw)
        except ValueError:
            continue
        missing -= {text for text in missing if text in line.get("text", "")}
        if not missing:
            return
    raise AssertionError(f"it ended without saying {sorted(missing)}")


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
