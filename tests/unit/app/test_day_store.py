"""What an account was worth when its day began, kept over restarts; a broken file costs a day's figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminal.app.day_store import FileDayStore

DAY = {"began_ns": 1, "assets": {"USD": {"cash": "1.5", "open": "0", "worth": None}}}


def test_what_is_saved_is_there_after_a_restart(tmp_path: Path) -> None:
    told: list[str] = []
    FileDayStore(tmp_path / "days.json", told.append).save("kraken:live", DAY)
    again = FileDayStore(tmp_path / "days.json", told.append)
    assert again.load("kraken:live") == DAY
    assert again.load("kraken:practice") is None
    assert told == []


@pytest.mark.fault(39)
@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"[1]", b'{"kraken:live": {"day"', b"[" * 100_000])
def test_a_broken_file_is_kept_aside_and_told_once(tmp_path: Path, data: bytes) -> None:
    path, told = tmp_path / "days.json", list[str]()
    path.write_bytes(data)
    store = FileDayStore(path, told.append)
    assert store.load("kraken:live") is None
    assert store.load("kraken:live") is None
    (aside,) = tmp_path.glob("days.json.bad-*")
    assert aside.read_bytes() == data
    assert len(told) == 1
    assert aside.name in told[0]
    store.save("kraken:live", DAY)
    assert FileDayStore(path).load("kraken:live") == DAY
