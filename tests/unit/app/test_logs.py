"""The log file is closed to others and carries no secret."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from terminal.app import logs
from terminal.core.secret import Secret

CANARY = "CANARY-91b2aa0c77de"


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            handler.close()
            root.removeHandler(handler)
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)


def test_file_is_private_and_scrubbed(tmp_path: Path) -> None:
    Secret(CANARY)
    file = tmp_path / "logs" / "p.log"
    logs.install(file, debug=False)
    logging.getLogger("venue.kraken").warning("token %s", CANARY)
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("tasks").exception("failed")
    text = file.read_text(encoding="utf-8")
    assert CANARY not in text
    assert "***" in text
    if os.name != "nt":
        assert file.stat().st_mode & 0o077 == 0


def test_filter_by_subject_lets_warnings_pass(tmp_path: Path) -> None:
    ring = logs.install(None, debug=True, subjects="orders")
    logging.getLogger("orders").info("mine")
    logging.getLogger("book").info("not asked for")
    logging.getLogger("book").warning("but this matters")
    assert [line.text for line in ring.lines] == ["mine", "but this matters"]


def test_json_lines_can_be_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    logs.install(None, debug=False, as_json=True)
    logging.getLogger("orders").info('said "no"')
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert line["text"] == 'said "no"'
    assert line["logger"] == "orders"


def lines_of(file: Path) -> str:
    for handler in logging.getLogger().handlers:
        handler.flush()
    return file.read_text()


def test_the_settings_say_what_goes_into_the_file(tmp_path: Path) -> None:
    file = tmp_path / "p.log"
    ring = logs.install(file, debug=False)
    logs.follow_settings("debug", "orders")
    logging.getLogger("orders").debug("a decision")
    logging.getLogger("session").info("connected")
    logging.getLogger("session").warning("late")
    assert "a decision" in lines_of(file)
    assert "connected" not in lines_of(file)
    assert "late" in lines_of(file)
    assert [line.text for line in ring.lines] == ["connected", "late"], "the panel keeps its own level"
    logs.follow_settings("error", "")
    logging.getLogger("orders").warning("soft")
    logging.getLogger("session").error("hard")
    assert "soft" not in lines_of(file)
    assert "hard" in lines_of(file)
    assert ring.lines[-2].text == "soft"


def test_the_command_line_wins_over_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "p.log"
    logs.install(file, debug=True, subjects="orders")
    logs.follow_settings("error", "session")
    logging.getLogger("orders").debug("a decision")
    logging.getLogger("session").info("connected")
    assert "a decision" in lines_of(file)
    assert "connected" not in lines_of(file)
