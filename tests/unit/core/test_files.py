"""Files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from terminal.core.files import make_private, set_aside, write_whole


def test_content_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failing_disk_leaves_the_old_content_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_several_bad_files_of_one_second_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    kept = []
    for number in range(3):
        path.write_text(str(number))
        kept.append(set_aside(path))
    assert [item.read_text() for item in kept] == ["0", "1", "2"]
    assert all(item.name.startswith("file.bad-") for item in kept)
    assert not path.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_open_file_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(mode=0o600)
    assert not make_private(path)
    path.chmod(0o640)
    assert make_private(path)
    assert path.stat().st_mode & 0o777 == 0o600
