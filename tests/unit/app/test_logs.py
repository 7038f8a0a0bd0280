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
