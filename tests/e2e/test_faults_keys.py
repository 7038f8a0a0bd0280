"""Keychains and files that are not as they should be, through the whole application; case 39."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from terminal.app.compose import Terminal
from terminal.core.secret import Secret
from terminal.services.credentials import CredentialStore, StoreStatus, Where
from terminal.services.session import Mode, SessionState
from terminal.viewmodels.connect import PASSPHRASE
from terminal.widgets.connect_dialog import ConnectDialog
from tests.e2e.screen_harness import Desk, run_screen
from tests.e2e.test_connect_account import WORDS, at_loopback, close, enter, kept, open_form
from tests.e2e.test_connect_account import require_no_key_on_disk as require_no_key_in_the_clear
from tests.e2e.test_connect_account import test_key as try_key
from tests.practice import Practice
from tests.unit.services.keyring_fake import MemoryKeyring

try_key.__test__ = False  # type: ignore[attr-defined]  # a step, not a test

pytestmark = pytest.mark.fault(39)

ANSWER_S = 1.0
"""How long the keychain may take; in earnest it is half a minute, for a person to answer its prompt."""


def with_keychain(practice: Practice, ring: MemoryKeyring) -> Callable[[Terminal], None]:
    """The practice venue as "the real Kraken", and a keychain of the test's."""
    at_practice = at_loopback(practice)

    def prepare(terminal: Terminal) -> None:
        at_practice(terminal)
        store = CredentialStore(terminal.paths.vault, ring, deadline_s=ANSWER_S)
        store.noticed.watch(terminal.notice.notify)
        # In place of the one that it would make when a key is first wanted.
        terminal.__dict__["credentials"] = store

    return prepare


async def wait_until_live(desk: Desk) -> None:
    await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a form that closes by itself", 20.0)
    session = desk.terminal.sessions.sessions["kraken"]
    assert session.mode is Mode.LIVE
    await desk.until(lambda: session.state is SessionState.LIVE, "a live account", 20.0)


async def look(desk: Desk) -> StoreStatus:
    return await desk.terminal.credentials.status()


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("locked", "is locked"),
        ("absent", "no keychain"),
        ("slow", "did not answer"),
        ("wrong", "did not keep"),
        ("null", "did not keep"),
        ("broken", "failed"),
    ],
)
def test_a_keychain_that_cannot_be_used_is_named_and_a_passphrase_takes_its_place(
    mode: str, words: str, practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    ring = MemoryKeyring(mode)

    async def body(desk: Desk) -> None:
        dialog = await open_form(desk)
        said = await try_key(desk, dialog, practice.key("second"))
        assert "Create and change orders" in said, said
        passphrase = dialog._fields[PASSPHRASE]
        assert not passphrase.isVisible(), "there seems to be a keychain"
        frames = desk.screen.frames.count
        await desk.hand.click(dialog.go)
        await desk.until(dialog.error.isVisible, "what is wrong with the keychain", 20.0)
        assert words in dialog.error.text()
        assert desk.screen.frames.count > frames or mode != "slow", "the screen stood still meanwhile"
        assert threading.get_ident() not in ring.threads, "asked in the thread of the screen"
        assert kept(desk) == [], "nothing may lie there without a lock"
        await desk.until(passphrase.isVisible, "a passphrase instead")
        await enter(desk, dialog, {PASSPHRASE: WORDS})
        await desk.hand.click(dialog.go)
        await wait_until_live(desk)
        assert (await look(desk)).where is Where.PASSPHRASE
        assert len(kept(desk)) == 1
        ring.release.set()
        await desk.until(
            lambda: not [each for each in threading.enumerate() if each.name == "keychain"], "its threads"
        )

    run_screen(practice, tmp_path, body, prepare=with_keychain(practice, ring))
    require_no_key_in_the_clear(tmp_path, practice)
    assert WORDS not in str(ring.stored)

    async def again(desk: Desk) -> None:
        await desk.until(lambda: any("Enter the passphrase" in text for text in desk.notices()), "locked")
        assert len([text for text in desk.notices() if "passphrase" in text]) == 1, desk.notices()
        await desk.until_trading()
        assert desk.terminal.sessions.sessions["kraken"].mode is Mode.PRACTICE
        dialog = await open_form(desk)
        await desk.until(dialog._fields[PASSPHRASE].isVisible, "the question for the passphrase")
        await close(desk, dialog)

    run_screen(practice, tmp_path, again, prepare=with_keychain(practice, ring), wait=False)


def test_a_keychain_that_works_holds_the_key_of_the_vault(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    ring = MemoryKeyring()

    async def body(desk: Desk) -> None:
        dialog = await open_form(desk)
        await try_key(desk, dialog, practice.key("second"))
        assert not dialog._fields[PASSPHRASE].isVisible()
        await desk.hand.click(dialog.go)
        await wait_until_live(desk)
        assert (await look(desk)).where is Where.KEYCHAIN

    run_screen(practice, tmp_path, body, prepare=with_keychain(practice, ring))
    require_no_key_in_the_clear(tmp_path, practice)
    row = practice.key("second")
    assert str(row["secret"]) not in str(ring.stored)

    # At the next start the keychain is locked: the account waits, its vault is left as it is.
    vault = next(path for path in (tmp_path / "config" / "vault").iterdir() if path.is_file())
    before = vault.read_bytes()
    ring.mode = "locked"

    async def again(desk: Desk) -> None:
        await desk.until(lambda: any("is locked" in text for text in desk.notices()), "the notice")
        await desk.until_trading()
        assert desk.terminal.sessions.sessions["kraken"].mode is Mode.PRACTICE

    run_screen(practice, tmp_path, again, prepare=with_keychain(practice, ring), wait=False)
    assert vault.read_bytes() == before
    assert len(ring.stored) == 1


# -- files at the start ----------------------------------------------------------------------------------


def spoil(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "garbage":
        path.write_bytes(os.urandom(3000))
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "future":
        later = data[:4] + bytes([99]) + data[5:] if path.suffix == ".bin" else b'{"version": 999}'
        path.write_bytes(later)
    elif how == "open to others":
        path.chmod(0o666)


@pytest.mark.parametrize("how", ["garbage", "empty", "truncated", "future", "open to others"])
def test_layout_and_vault_that_are_broken_are_kept_told_once_and_everything_starts(
    how: str, practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def first(desk: Desk) -> None:
        store = desk.terminal.credentials
        await store.use_passphrase(Secret(WORDS))
        row = practice.key("second")
        entered = {"api_key": Secret(str(row["key"])), "api_secret": Secret(str(row["secret"]))}
        await desk.terminal.save_key("kraken", entered)
        desk.terminal.settings.set("venue.mode", Mode.LIVE.value, "kraken")
        await desk.hand.click(desk.window.workspace.bars["tape"].close_button)
        await desk.until(lambda: not desk.window.workspace.is_open("tape"), "a closed panel")

    run_screen(practice, tmp_path, first)
    layouts = tmp_path / "config" / "layouts"
    (layout,) = layouts.glob("*.json")
    vault = tmp_path / "config" / "vault" / "vault.bin"
    for backup in (layouts / "backups").glob("*"):
        backup.unlink()
    for path in (layout, vault):
        spoil(path, how)
    bad_layout, bad_vault = layout.read_bytes(), vault.read_bytes()

    async def second(desk: Desk) -> None:
        await desk.until_trading()
        assert desk.terminal.sessions.sessions["kraken"].mode is Mode.PRACTICE
        of_layout = [text for text in desk.notices() if "layout" in text.lower()]
        of_keys = [text for text in desk.notices() if "stored keys" in text]
        if how == "open to others":
            assert not of_layout, "a layout is no secret"
            assert ["open to other users" in text for text in of_keys] == [True], desk.notices()
            assert not desk.window.workspace.is_open("tape")
        else:
            assert len(of_layout) == 1, desk.notices()
            # Of half a vault the lock is whole: that what is behind it is not shows when it is opened.
            locked = [text for text in desk.notices() if "keys are locked" in text]
            assert len(locked if how == "truncated" else of_keys) == 1, desk.notices()
            assert desk.window.workspace.is_open("tape"), "the first layout"

    run_screen(
        practice,
        tmp_path,
        second,
        wait=False,
        errors_expected=("the vault cannot be read",),
    )
    if how == "open to others":
        assert vault.stat().st_mode & 0o077 == 0
    else:
        (aside,) = layouts.glob("*.bad-*")
        assert aside.read_bytes() == bad_layout
    assert vault.read_bytes() == bad_vault, "the vault is never overwritten"
