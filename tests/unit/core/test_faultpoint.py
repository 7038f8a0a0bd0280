"""The fault points: harmless by default, deadly at the place that is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from terminal.core import faultpoint

ROOT = Path(__file__).resolve().parents[3]
CODE = "from terminal.core import faultpoint; [print(n) or faultpoint.hit('here') for n in range(3)]"


def lines_before_death(point: str) -> tuple[int, int]:
    environment = {**os.environ, faultpoint.ENVIRONMENT_NAME: point}
    done = subprocess.run(
        [sys.executable, "-u", "-c", CODE],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return len(done.stdout.split()), done.returncode


def test_without_the_variable_nothing_happens() -> None:
    faultpoint.hit("here")


@pytest.mark.parametrize(("point", "lines"), [("here", 1), ("here:2", 2), ("elsewhere", 3), ("", 3)])
def test_the_process_dies_at_the_named_passage(point: str, lines: int) -> None:
    printed, code = lines_before_death(point)
    assert printed == lines
    assert (code == 0) is (lines == 3)
