"""Bots and the file that they are kept in."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.bridge.bots import BotLimits, BotMode, Bots
from terminal.bridge.envelope import digest
from terminal.core.clock import ManualClock
from terminal.core.files import write_whole
from terminal.domain.errors import SettingsError, StorageError


def test_a_bot_outlives_the_program_and_its_keys_open_it(tmp_path: Path) -> None:
    bots = Bots(tmp_path / "bots.json", ManualClock())
    limits = BotLimits(5, Decimal("250.5"))
    made, keys = bots.make("grid", mode=BotMode.TRADING, venues=["kraken"], limits=limits)
    access, secret = digest(keys.access_key.reveal()), digest(keys.secret_key.reveal())
    again = Bots(tmp_path / "bots.json", ManualClock())
    assert again.all() == (made,)
    assert again.find(access, secret) == made
    assert again.find(secret, access) is None
    assert again.find(access, access) is None
    assert made.hint == keys.access_key.reveal()[-4:]
    assert (made.may_use("kraken"), made.may_use("okx")) == (True, False)


def test_read_only_is_what_a_bot_is_at_first(tmp_path: Path) -> None:
    bot, _ = Bots(None, ManualClock()).make("watcher")
    assert bot.mode is BotMode.READ_ONLY


def test_a_change_holds_at_once_and_a_revoked_bot_stays_so(tmp_path: Path) -> None:
    bots = Bots(tmp_path / "bots.json", ManualClock())
    _, keys = bots.make("grid")
    bots.change("grid", mode=BotMode.DRY_RUN, limits=BotLimits(1, Decimal(5)), venues=["okx"])
    bots.revoke("grid")
    with pytest.raises(SettingsError):
        bots.change("grid", mode=BotMode.TRADING)
    found = Bots(tmp_path / "bots.json", ManualClock()).find(
        digest(keys.access_key.reveal()), digest(keys.secret_key.reveal())
    )
    assert found is not None
    assert found.is_revoked
    assert found.mode is BotMode.DRY_RUN


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 33, "<b>", "Grid"])
def test_names_that_cannot_be(name: str) -> None:
    bots = Bots(None, ManualClock())
    bots.make("grid")
    with pytest.raises(SettingsError):
        bots.make(name)


@pytest.mark.parametrize(
    "limits",
    [
        BotLimits(0, Decimal(1)),
        BotLimits(601, Decimal(1)),
        *(BotLimits(1, Decimal(text)) for text in ("0", "-1", "NaN", "Infinity", "1e30")),
    ],
)
def test_limits_that_cannot_be(limits: BotLimits) -> None:
    with pytest.raises(SettingsError):
        Bots(None, ManualClock()).make("grid", limits=limits)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 9, "bots": []}', b"[" * 100_000])
def test_a_file_that_cannot_be_read_is_set_aside_and_opens_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bots.json"
    write_whole(path, content)
    bots = Bots(path, ManualClock())
    assert bots.all() == ()
    assert bots.trouble
    assert [kept.read_bytes() for kept in tmp_path.glob("bots.json.bad-*")] == [content]


def test_a_disk_that_fails_makes_no_bot_and_still_revokes(tmp_path: Path) -> None:
    bots = Bots(tmp_path / "folder" / "bots.json", ManualClock())
    bots.make("grid")
    bots.path = tmp_path / "folder" / "bots.json" / "not a folder"
    with pytest.raises(StorageError):
        bots.make("second")
    assert [bot.name for bot in bots.all()] == ["grid"]
    with pytest.raises(StorageError):
        bots.revoke("grid")
    revoked = bots.get("grid")
    assert revoked is not None
    assert revoked.is_revoked


def test_another_name_keeps_the_bot_and_its_old_names_are_not_given_away(tmp_path: Path) -> None:
    bots = Bots(tmp_path / "bots.json", ManualClock())
    made, keys = bots.make("grid", mode=BotMode.CONFIRM, venues=["paper"], paper="okx")
    told: list[tuple[str, str, str]] = []
    bots.told.watch(lambda *what: told.append(what))
    limits = BotLimits(3, Decimal("250.50"))
    renamed = bots.change("grid", new_name="swing", mode=BotMode.TRADING, limits=limits, paper="kraken")
    assert told == [
        (
            "swing",
            "changed",
            (
                "name: grid → swing; mode: confirm → trading; practice account of: okx → kraken; "
                "orders a minute: 10 → 3; USD a day: 1000 → 250.50"
            ),
        )
    ]
    assert (renamed.key, renamed.names) == (made.key, frozenset({"grid", "swing"}))
    for taken in ("grid", "Swing"):
        with pytest.raises(SettingsError):
            bots.make(taken)
    again = Bots(tmp_path / "bots.json", ManualClock())
    found = again.find(digest(keys.access_key.reveal()), digest(keys.secret_key.reveal()))
    assert found == renamed == again.now(made)
    back = again.change("swing", new_name="grid")
    assert (back.name, back.names) == ("grid", renamed.names)
    assert again.change("grid", new_name="grid") == back


def test_a_change_that_cannot_be_changes_nothing(tmp_path: Path) -> None:
    bots = Bots(None, ManualClock())
    made, _ = bots.make("grid")
    bots.make("other")
    for wrong in ({"new_name": "other"}, {"new_name": "<x>"}, {"limits": BotLimits(0, Decimal(1))}):
        with pytest.raises(SettingsError):
            bots.change("grid", **{"mode": BotMode.TRADING, **wrong})  # type: ignore[arg-type]
    assert bots.get("grid") == made


def test_a_list_of_bots_from_before_there_were_other_names_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bots.json"
    made, _ = Bots(path, ManualClock()).make("grid")
    document = json.loads(path.read_bytes())
    for added in ("paper", "former"):
        del document["bots"][0][added]
    write_whole(path, json.dumps(document).encode())
    assert Bots(path, ManualClock()).all() == (made,)
