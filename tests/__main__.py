"""``python3 -m tests``: all tests; or one of check, unit, venues, gui, e2e, bench, clients, demo, shots."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
runpy.run_path(str(ROOT / "packaging" / "bootstrap.py"))["ensure"](dev=True)

USAGE = """\
python3 -m tests            checks, then all tests
python3 -m tests check      ruff, mypy, import-linter
python3 -m tests unit       also: venues, gui, e2e; further words go to pytest
python3 -m tests bench      the ratios: feed path, frames, clicks, start
python3 -m tests clients    other people's clients against the practice venues (downloads 70 MB once)
python3 -m tests demo       the terminal on practice venues in a throw-away folder
python3 -m tests shots DIR  pictures of the first-start workspace at two sizes
"""
SUITES = ("unit", "venues", "gui", "e2e")
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""Two processes, a file at a time: most tests wait for a screen or a venue more than they compute."""


def main(words: list[str]) -> int:
    chore, rest = (words[0], words[1:]) if words else ("all", [])
    if chore in ("-h", "--help", "help"):
        print(USAGE)
        return 0
    if chore == "check":
        return check()
    if chore == "all":
        # The checks come last: a failing test says more than a long line.
        return pytest([*SIDE_BY_SIDE, *(f"tests/{name}" for name in SUITES)]) or check()
    if chore in SUITES:
        return pytest([*SIDE_BY_SIDE, f"tests/{chore}", *rest])
    if chore == "bench":
        return call([sys.executable, "-m", "tests.bench", *rest])
    if chore == "clients":
        return call([sys.executable, "-m", "tests.clients", *rest])
    if chore == "demo":
        return call([sys.executable, "main.py", "--temp-basedir", *rest])
    if chore == "shots":
        return shots(Path(rest[0]) if rest else ROOT / "build" / "shots")
    if chore.startswith(("-", "tests")):
        return pytest(words)
    print(USAGE, file=sys.stderr)
    return 2


def check() -> int:
    """Style, types and layers."""
    tools = ROOT / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    commands = [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        [str(tools / "lint-imports"), "--no-cache"],
    ]
    return max(call(command) for command in commands)


def pytest(arguments: list[str]) -> int:
    environment = {**os.environ}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    environment.setdefault("QT_API", "pyside6")
    return call([sys.executable, "-m", "pytest", *arguments], environment)


def shots(folder: Path) -> int:
    """The first-start workspace at both sizes that it is designed for."""
    folder.mkdir(parents=True, exist_ok=True)
    return max(
        call([sys.executable, "main.py", "--shot", str(folder / f"start-{size}.png"), "--size", size])
        for size in ("1366x768", "1920x1080")
    )


def call(command: list[str], environment: dict[str, str] | None = None) -> int:
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
