"""The first half of both commands: what is missing is brought, or one line says what to type."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Started(BaseException):
    """The command was started again inside the environment."""


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module with its environment in a folder of the test's and every outside act noted, none done."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "packaging" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    calls: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        if command[1:3] == ["-m", "venv"]:
            module._python().parent.mkdir(parents=True)
            module._python().touch()
        return subprocess.CompletedProcess(command, 0)

    def start_again() -> None:
        raise Started

    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "STAMP", venv / "installed.json")
    monkeypatch.setattr(module.subprocess, "run", run)
    monkeypatch.setattr(module, "_start_again", start_again)
    monkeypatch.setattr(module, "_loads", lambda library: True)
    monkeypatch.setattr(module.glob, "glob", lambda pattern, recursive: ["there"])
    vars(module)["calls"] = calls
    return module


def test_a_fresh_machine_gets_the_locked_packages_by_hash_and_wheels_only(bootstrap: ModuleType) -> None:
    with pytest.raises(Started):
        bootstrap.ensure()
    (install,) = [call for call in bootstrap.calls if "install" in call]
    assert "--require-hashes" in install
    assert install[install.index("--only-binary") + 1] == ":all:"
    assert install[-1].endswith("requirements.lock")


def test_the_second_start_installs_nothing(bootstrap: ModuleType) -> None:
    with pytest.raises(Started):
        bootstrap.ensure()
    bootstrap.calls.clear()
    with pytest.raises(Started):
        bootstrap.ensure()
    assert not bootstrap.calls


def test_a_changed_lock_installs_again(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Started):
        bootstrap.ensure()
    bootstrap.calls.clear()
    lock = tmp_path / "new.lock"
    lock.write_text("other==1\n")
    monkeypatch.setattr(bootstrap, "RUNTIME_LOCK", lock)
    with pytest.raises(Started):
        bootstrap.ensure()
    assert any("install" in call for call in bootstrap.calls)


def test_the_developers_packages_serve_the_terminal_too_but_not_the_reverse(bootstrap: ModuleType) -> None:
    with pytest.raises(Started):
        bootstrap.ensure(dev=True)
    bootstrap.calls.clear()
    with pytest.raises(Started):
        bootstrap.ensure()
    assert not bootstrap.calls
    bootstrap.STAMP.write_text(json.dumps({"runtime": bootstrap._digest(bootstrap.RUNTIME_LOCK)}))
    with pytest.raises(Started):
        bootstrap.ensure(dev=True)
    assert any("install" in call for call in bootstrap.calls)


@pytest.mark.skipif(sys.platform != "linux", reason="system libraries are looked for on Linux alone")
def test_missing_libraries_without_root_give_the_one_line_to_type(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "_loads", lambda library: library != "libxcb-cursor.so.0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit) as ended:
        bootstrap.ensure()
    assert ended.value.code == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("sudo apt-get install -y --no-install-recommends libxcb-cursor0")


@pytest.mark.skipif(sys.platform != "linux", reason="system libraries are looked for on Linux alone")
def test_missing_libraries_as_root_are_installed_and_it_says_so(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed = False

    def loads(library: str) -> bool:
        return installed or library != "libGL.so.1"

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        nonlocal installed
        bootstrap.calls.append(command)
        installed = installed or "libgl1" in command
        return subprocess.CompletedProcess(command, 0)

    bootstrap._python().parent.mkdir(parents=True)
    bootstrap._python().touch()
    bootstrap.STAMP.write_text(json.dumps(bootstrap._wanted(False)))
    monkeypatch.setattr(bootstrap, "_loads", loads)
    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: "/usr/bin/apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Started):
        bootstrap.ensure()
    assert ["apt-get", "install", "-y", "--no-install-recommends", "libgl1"] in bootstrap.calls
    assert "Installing system packages: libgl1" in capsys.readouterr().err


def test_an_old_python_is_told_what_is_needed(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    with pytest.raises(SystemExit):
        bootstrap.ensure()
    assert not bootstrap.calls


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_hold_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "packaging" / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--hash=sha256:" in text
    assert "pyside6-essentials==6.11.2" in text
