"""The loss lock's file: whole, twice, and never lost to a damaged one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from terminal.app.lock_store import FileLockStore

STATE = {"version": 1, "groups": {}}
NAME = "loss-lock.json"


def load(folder: Path, usable: bool = True) -> tuple[bool, str, list[Mapping[str, Any]]]:
    offered: list[Mapping[str, Any]] = []

    def take(state: Mapping[str, Any]) -> bool:
        offered.append(state)
        return usable

    return *FileLockStore(folder / NAME).load(take), offered


def test_what_is_saved_is_offered_at_the_next_start(tmp_path: Path) -> None:
    assert load(tmp_path) == (False, "", [])
    FileLockStore(tmp_path / NAME).save(STATE)
    assert load(tmp_path) == (True, "", [STATE])
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"[1]", b'{"version": 1', b"[" * 100_000, b"x" * 2**21]
)
def test_a_damaged_file_is_put_aside_and_its_copy_used(tmp_path: Path, data: bytes) -> None:
    FileLockStore(tmp_path / NAME).save(STATE)
    (tmp_path / NAME).write_bytes(data)
    is_restored, trouble, offered = load(tmp_path)
    (aside,) = tmp_path.glob("*.bad-*")
    assert aside.read_bytes() == data
    assert (is_restored, offered) == (True, [STATE])
    assert f"was damaged (kept as {aside.name}). Its last good copy is in use." in trouble


@pytest.mark.fault(39)
def test_a_file_of_another_version_is_put_aside_with_its_copy(tmp_path: Path) -> None:
    FileLockStore(tmp_path / NAME).save(STATE)
    is_restored, trouble, _ = load(tmp_path, usable=False)
    assert not is_restored
    assert len(list(tmp_path.glob("*.bad-*"))) == 2
    assert "and so was its copy" in trouble
    assert load(tmp_path) == (False, "", []), "told once"


def test_a_file_that_was_deleted_does_not_open_the_lock(tmp_path: Path) -> None:
    FileLockStore(tmp_path / NAME).save(STATE)
    (tmp_path / NAME).unlink()
    is_restored, trouble, _ = load(tmp_path)
    assert is_restored
    assert "is gone. Its last good copy is in use." in trouble
