"""Who may import whom: the contracts do catch a violation, and view-models use QtCore alone."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("lint-imports" + (".exe" if os.name == "nt" else ""))
    return subprocess.run(
        [str(tool), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


PLANTED = {
    "terminal/domain/market.py": "import terminal.services.session",
    "terminal/services/session.py": "import terminal.venues.kraken",
    "terminal/widgets/__init__.py": "import terminal.services.session",
    "terminal/transport/__init__.py": "import PySide6.QtCore",
}


def test_planted_violations_are_all_caught(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "terminal", tmp_path / "terminal", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    clean = lint(tmp_path)
    assert clean.returncode == 0, clean.stdout
    for name, line in PLANTED.items():
        file = tmp_path / name
        file.write_text(file.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    caught = lint(tmp_path)
    assert caught.returncode != 0
    for contract in (
        "Layers BROKEN",
        "Only app names a venue BROKEN",
        "No Qt below the view-models BROKEN",
        "Widgets know view-models and domain values BROKEN",
    ):
        assert contract in caught.stdout, caught.stdout


@pytest.mark.parametrize(
    "file", sorted((ROOT / "terminal" / "viewmodels").glob("*.py")), ids=lambda file: file.stem
)
def test_view_models_use_of_qt_is_qtcore_alone(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for name in names:
            assert not name.startswith("PySide6") or name == "PySide6.QtCore", f"{file.name} imports {name}"


def test_no_modal_exec_outside_the_one_loop() -> None:
    """A modal ``exec()`` inside a coroutine kills every other task that wakes meanwhile.

    The sign-in window is a process of its own, without asyncio: its one ``exec()`` is allowed.
    """
    allowed = {("sign_in_window.py", "exec")}
    for file in (ROOT / "terminal").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                bad = node.func.attr in {
                    "exec",
                    "exec_",
                    "processEvents",
                    "getOpenFileName",
                    "getSaveFileName",
                }
                bad = bad and (file.name, node.func.attr) not in allowed
                assert not bad, f"{file.relative_to(ROOT)}:{node.lineno} calls {node.func.attr}()"
