"""Named layouts on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from terminal.viewmodels.layouts import BACKUPS, Layout, LayoutStore, LayoutUnreadable, safe_name


def layout(number: int = 1) -> Layout:
    return Layout(b"geometry", f"state {number}".encode(), ("chart", "ladder"), {"chart": {"interval_s": 60}})


def saved(folder: Path, *layouts: Layout, name: str = "Start") -> None:
    store = LayoutStore(folder)
    for each in layouts:
        store.save(name, each)
    store.set_last_used(name)
    store.close()


def test_a_layout_comes_back_as_it_was(tmp_path: Path) -> None:
    saved(tmp_path, layout())
    store = LayoutStore(tmp_path)
    assert store.load("Start") == layout()
    assert store.names() == ["Start"]
    assert store.last_used() == "Start"
    assert store.load("Nothing") is None
    store.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: text.replace("ladder", "laddeR"),
        lambda text: text.replace('"version": 1', '"version": 99'),
        lambda text: "\x00" * 100,
    ],
)
def test_a_damaged_layout_is_put_aside_and_the_last_good_one_used(tmp_path: Path, damage: object) -> None:
    saved(tmp_path, layout(1), layout(2))
    file = tmp_path / "Start.json"
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator]
    notices: list[str] = []
    store = LayoutStore(tmp_path, notices.append)
    assert store.load("Start") == layout(1)
    assert len(notices) == 1
    assert "put aside" in notices[0]
    assert not file.exists()
    assert len(list(tmp_path.glob("Start.json.bad-*"))) == 1
    store.close()


def test_a_damaged_layout_without_a_backup_says_so(tmp_path: Path) -> None:
    (tmp_path / "Start.json").write_text("{", encoding="utf-8")
    notices: list[str] = []
    store = LayoutStore(tmp_path, notices.append)
    assert store.load("Start") is None
    assert "first layout" in notices[0]
    store.close()


def test_ten_backups_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, *(layout(number) for number in range(BACKUPS + 5)))
    found = sorted((tmp_path / "backups").glob("Start.*.json"))
    assert len(found) == BACKUPS
    assert Layout.decode(found[-1].read_text(encoding="utf-8")) == layout(BACKUPS + 3)


def test_the_same_layout_again_makes_no_backup(tmp_path: Path) -> None:
    saved(tmp_path, layout(), layout(), layout())
    assert not (tmp_path / "backups").exists()


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf-8")
    store = LayoutStore(blocked / "layouts")
    store.save("Start", layout())
    store.set_last_used("Start")
    store.close()
    assert LayoutStore(blocked / "layouts").load("Start") is None


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden", "a/b\\c", "", "   ", "x" * 300, "con:1"])
def test_a_name_never_leaves_the_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert "/" not in safe
    assert "\\" not in safe
    assert not safe.startswith(".")
    assert len(safe) <= 60


def test_nothing_but_the_layout_is_in_the_file(tmp_path: Path) -> None:
    saved(tmp_path, layout())
    data = json.loads((tmp_path / "Start.json").read_text(encoding="utf-8"))
    assert set(data) == {"checksum", "version", "geometry", "state", "panels", "settings"}


def test_a_future_shape_is_refused() -> None:
    with pytest.raises(LayoutUnreadable):
        Layout.decode('{"version": 1, "checksum": "x"}')
