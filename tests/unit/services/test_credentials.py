"""Keys at rest: the vault and the keychain in all its moods."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terminal.core.secret import Secret
from terminal.domain.errors import CredentialError, StorageError
from terminal.services import keychain
from terminal.services.credentials import (
    CredentialStore,
    KeychainUnavailable,
    PassphraseNeeded,
    VaultUnreadable,
    Where,
)
from terminal.services.notices import Notice
from terminal.services.vault import PassphraseHeader, ScryptCost, VaultError, read_header
from tests.helpers import eventually, run
from tests.unit.services.keyring_fake import MemoryKeyring

CHEAP = ScryptCost(log2_n=10)
KEY, SECRET = "CANARY-key-0123456789", "CANARY-secret-abcdefghij"
PASSPHRASE = Secret("correct horse battery")


def credentials() -> dict[str, Secret]:
    return {"key": Secret(KEY), "secret": Secret(SECRET)}


def store(folder: Path, ring: MemoryKeyring | None = None, deadline_s: float = 5.0) -> CredentialStore:
    return CredentialStore(folder, ring, use_system_keychain=False, deadline_s=deadline_s, cost=CHEAP)


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    made = MemoryKeyring()
    yield made
    made.release.set()


def test_what_is_saved_is_there_after_a_restart(tmp_path: Path, ring: MemoryKeyring) -> None:
    async def main() -> None:
        first = store(tmp_path / "vault", ring)
        assert await first.load("kraken", "main") is None
        await first.save("kraken", "main", credentials())
        await first.save("okx", "demo", {"key": Secret("other")})
        await first.save("kraken", "main", {**credentials(), "otp": Secret("üñí")})
        again = store(tmp_path / "vault", ring)
        assert await again.load("kraken", "main") == {**credentials(), "otp": Secret("üñí")}
        assert await again.profiles() == (("kraken", "main"), ("okx", "demo"))
        await again.delete("kraken", "main")
        await again.delete("kraken", "never-there")
        assert await store(tmp_path / "vault", ring).profiles() == (("okx", "demo"),)
        assert len(ring.stored) == 1
        assert threading.get_ident() not in ring.threads  # never on the loop's thread

    run(main())
    file = tmp_path / "vault" / "vault.bin"
    assert b"CANARY" not in file.read_bytes()
    assert b"kraken" not in file.read_bytes()
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    assert [item.name for item in file.parent.iterdir()] == ["vault.bin"]


def test_loaded_credentials_are_secrets_and_changing_the_answer_changes_nothing(
    tmp_path: Path, ring: MemoryKeyring
) -> None:
    async def main() -> None:
        keys = store(tmp_path, ring)
        await keys.save("kraken", "main", credentials())
        found = await keys.load("kraken", "main")
        assert found is not None
        assert "CANARY" not in repr(found)
        found.clear()
        assert await keys.load("kraken", "main") == credentials()

    run(main())


@pytest.mark.fault(39)
@pytest.mark.parametrize("mode", ["locked", "absent", "null", "broken", "slow", "wrong"])
def test_keychain_that_cannot_be_used_leads_to_a_passphrase(
    tmp_path: Path, ring: MemoryKeyring, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ring.mode = mode

    async def main() -> None:
        keys = store(tmp_path, ring, deadline_s=0.1)
        with pytest.raises(KeychainUnavailable) as caught:
            await keys.save("kraken", "main", credentials())
        assert caught.value.user_text.endswith(".")
        assert not keys.path.exists()
        status = await keys.status()
        assert (status.where, status.is_open) == (Where.NOWHERE, False), "a passphrase is offered"
        assert "a passphrase is needed" in status.text
        await keys.use_passphrase(PASSPHRASE)
        await keys.save("kraken", "main", credentials())
        status = await keys.status()
        assert (status.where, status.is_open) == (Where.PASSPHRASE, True)
        assert "passphrase" in status.text

        again = store(tmp_path, ring, deadline_s=0.1)
        with pytest.raises(PassphraseNeeded):
            await again.load("kraken", "main")
        with pytest.raises(PassphraseNeeded):
            await again.save("kraken", "main", {})
        with pytest.raises(CredentialError, match="does not open"):
            await again.unlock(Secret("wrong horse battery"))
        await again.unlock(PASSPHRASE)
        assert await again.load("kraken", "main") == credentials()
        again.lock()
        with pytest.raises(PassphraseNeeded):
            await again.load("kraken", "main")

    run(main())
    assert "CANARY" not in caplog.text
    for stored in ring.stored.values():
        assert stored not in caplog.text


@pytest.mark.fault(39)
def test_keychain_that_was_unlocked_meanwhile_has_another_chance(tmp_path: Path, ring: MemoryKeyring) -> None:
    ring.mode = "locked"

    async def main() -> None:
        keys = store(tmp_path, ring, deadline_s=5.0)
        with pytest.raises(KeychainUnavailable, match="KeyringLocked"):
            await keys.save("kraken", "main", credentials())
        assert (await keys.status()).where is Where.NOWHERE
        ring.mode = "ok"
        keys.try_keychain_again()
        assert (await keys.status()).where is Where.KEYCHAIN
        await keys.save("kraken", "main", credentials())
        assert (await keys.status()).is_open

    run(main())


@pytest.mark.fault(39)
def test_slow_keychain_holds_up_nothing_and_a_late_answer_does_no_harm(
    tmp_path: Path, ring: MemoryKeyring
) -> None:
    async def main() -> None:
        keys = store(tmp_path, ring, deadline_s=0.15)
        ring.mode = "slow"
        longest, last = 0.0, time.monotonic()
        saving = asyncio.gather(keys.save("kraken", "main", credentials()), return_exceptions=True)
        while not saving.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        (outcome,) = await saving
        assert isinstance(outcome, KeychainUnavailable)
        assert "did not answer" in outcome.user_text
        assert longest < 0.1
        calls = ring.calls
        with pytest.raises(KeychainUnavailable, match="earlier call"):
            await keys.save("kraken", "main", credentials())
        assert ring.calls == calls  # no second prompt behind the first
        ring.mode = "ok"
        ring.release.set()
        await eventually(lambda: ring.stored)
        assert not keys.path.exists()  # the failed save stays failed
        await keys.save("kraken", "main", credentials())
        assert await store(tmp_path, ring).load("kraken", "main") == credentials()

    run(main())


@pytest.mark.fault(39)
def test_keychain_that_hangs_does_not_hold_up_the_end_of_the_program(
    tmp_path: Path, ring: MemoryKeyring
) -> None:
    ring.mode = "slow"

    async def main() -> None:
        with pytest.raises(KeychainUnavailable):
            await store(tmp_path, ring, deadline_s=0.05).save("kraken", "main", credentials())

    started = time.monotonic()
    run(main())
    assert time.monotonic() - started < 2
    ring.release.set()


@pytest.mark.fault(39)
@pytest.mark.parametrize("mode", ["locked", "absent", "wrong", "forgot", "not a key"])
def test_existing_vault_is_not_touched_while_its_key_is_out_of_reach(
    tmp_path: Path, ring: MemoryKeyring, mode: str
) -> None:
    async def main() -> None:
        await store(tmp_path, ring).save("kraken", "main", credentials())
        file = tmp_path / "vault.bin"
        before, kept = file.read_bytes(), dict(ring.stored)
        ring.mode = mode
        if mode == "forgot":
            ring.stored.clear()
        elif mode == "not a key":
            ring.stored = dict.fromkeys(ring.stored, "not base64 !")
        keys = store(tmp_path, ring)
        for attempt in (
            keys.load("kraken", "main"),
            keys.save("kraken", "main", {"key": Secret("new")}),
            keys.delete("kraken", "main"),
            keys.use_passphrase(PASSPHRASE),
        ):
            with pytest.raises((KeychainUnavailable, VaultUnreadable)):
                await attempt
        status = await keys.status()
        assert not status.is_open
        assert status.where is Where.KEYCHAIN
        assert status.trouble
        assert file.read_bytes() == before
        ring.mode, ring.stored = "ok", kept
        assert await keys.load("kraken", "main") == credentials()

    run(main())


def test_null_keychain_is_found_out_by_reading_back(tmp_path: Path, ring: MemoryKeyring) -> None:
    ring.mode = "null"

    async def main() -> None:
        with pytest.raises(KeychainUnavailable, match="did not keep"):
            await store(tmp_path, ring).save("kraken", "main", credentials())

    run(main())


def test_no_keychain_at_all_is_said_openly(tmp_path: Path) -> None:
    async def main() -> None:
        keys = store(tmp_path)
        status = await keys.status()
        assert (status.where, status.is_open, status.trouble) == (Where.NOWHERE, False, "")
        assert "no keychain" in status.text
        with pytest.raises(KeychainUnavailable):
            await keys.save("kraken", "main", credentials())

    run(main())


@pytest.mark.fault(39)
def test_every_damaged_byte_is_noticed_and_the_file_is_left_alone(
    tmp_path: Path, ring: MemoryKeyring
) -> None:
    async def main() -> None:
        await store(tmp_path, ring).save("kraken", "main", {"key": Secret("0123456789")})
        file = tmp_path / "vault.bin"
        whole = file.read_bytes()
        damaged = [whole[:size] for size in (0, 3, 5, 6, 21, 30, len(whole) - 1)]
        damaged += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 5)]
        damaged += [whole + b"x", b"\x00" * 100, b"PLXV\x02\x01" + whole[6:], b"PLXV\x01\x02" + b"\xff" * 200]
        for data in damaged:
            file.write_bytes(data)
            keys = store(tmp_path, ring)
            with pytest.raises((VaultUnreadable, PassphraseNeeded)):
                await keys.load("kraken", "main")
            with pytest.raises((VaultUnreadable, PassphraseNeeded)):
                await keys.save("kraken", "main", {})
            assert file.read_bytes() == data
        keys = store(tmp_path, ring)
        kept = await keys.set_vault_aside()
        assert kept is not None
        assert kept.name.startswith("vault.bin.bad-")
        assert kept.read_bytes() == damaged[-1]
        await keys.save("kraken", "main", credentials())
        assert await store(tmp_path, ring).load("kraken", "main") == credentials()

    run(main())


def test_vault_that_asks_for_too_much_work_is_refused() -> None:
    header = PassphraseHeader.wrap(bytes(32), PASSPHRASE, CHEAP)
    greedy = PassphraseHeader(ScryptCost(30, 200, 9), header.salt, header.nonce, header.wrapped)
    with pytest.raises(VaultError, match="impossible"):
        read_header(greedy.to_bytes())


def test_default_cost_of_a_passphrase_is_memory_hard() -> None:
    cost = ScryptCost()
    assert cost.is_sane()
    assert 128 * cost.r * 2**cost.log2_n >= 128 * 2**20


def test_passphrase_and_keychain_can_take_each_others_place(tmp_path: Path, ring: MemoryKeyring) -> None:
    async def main() -> None:
        keys = store(tmp_path, ring)
        await keys.save("kraken", "main", credentials())
        await keys.use_passphrase(PASSPHRASE)
        assert ring.stored == {}  # the old key is gone from the keychain
        await keys.use_passphrase(Secret("another battery staple"))
        again = store(tmp_path, ring)
        with pytest.raises(CredentialError):
            await again.unlock(PASSPHRASE)
        await again.unlock(Secret("another battery staple"))
        await again.use_keychain()
        await again.use_keychain()
        assert (await again.status()).where is Where.KEYCHAIN
        assert await store(tmp_path, ring).load("kraken", "main") == credentials()
        with pytest.raises(CredentialError, match="not a passphrase vault"):
            await store(tmp_path, ring).unlock(PASSPHRASE)

    run(main())


def test_short_passphrase_and_odd_names_are_refused(tmp_path: Path, ring: MemoryKeyring) -> None:
    async def main() -> None:
        keys = store(tmp_path, ring)
        with pytest.raises(CredentialError, match="too short"):
            await keys.use_passphrase(Secret("1234567"))
        for venue, profile in (
            ("", "main"),
            ("kraken", ""),
            ("kraken/x", "main"),
            ("kraken", "a\nb"),
            ("k" * 65, "x"),
        ):
            with pytest.raises(CredentialError):
                await keys.save(venue, profile, credentials())
        with pytest.raises(CredentialError, match="too long"):
            await keys.save("kraken", "main", {"key": Secret("x" * 100_000)})
        assert not keys.path.exists()

    run(main())


@pytest.mark.fault(38)
def test_full_disk_leaves_the_old_vault_and_no_stray_key(
    tmp_path: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async def main() -> None:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError):
            await store(tmp_path, ring).save("kraken", "main", credentials())
        assert ring.stored == {}
        monkeypatch.undo()
        keys = store(tmp_path, ring)
        await keys.save("kraken", "main", credentials())
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError):
            await keys.save("kraken", "main", {"key": Secret("newer")})
        with pytest.raises(StorageError):
            await keys.use_passphrase(PASSPHRASE)
        monkeypatch.undo()
        assert await keys.load("kraken", "main") == credentials()
        assert await store(tmp_path, ring).load("kraken", "main") == credentials()
        assert [item.name for item in tmp_path.iterdir()] == ["vault.bin"]

    run(main())


def test_change_by_another_window_is_seen_and_not_undone(tmp_path: Path, ring: MemoryKeyring) -> None:
    async def main() -> None:
        one, two = store(tmp_path, ring), store(tmp_path, ring)
        await one.save("kraken", "main", credentials())
        await two.save("okx", "main", {"key": Secret("theirs")})
        await one.save("kraken", "second", {"key": Secret("mine")})
        assert len(await store(tmp_path, ring).profiles()) == 3
        one.path.write_bytes(b"ruined")
        with pytest.raises(VaultUnreadable):
            await one.save("kraken", "third", credentials())
        assert one.path.read_bytes() == b"ruined"
        one.path.unlink()
        assert await one.load("kraken", "main") is None

    run(main())


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_vault_open_to_others_is_closed_with_a_notice(tmp_path: Path, ring: MemoryKeyring) -> None:
    async def main() -> None:
        await store(tmp_path, ring).save("kraken", "main", credentials())
        (tmp_path / "vault.bin").chmod(0o664)
        keys = store(tmp_path, ring)
        told: list[Notice] = []
        keys.noticed.watch(told.append)
        for _ in range(2):
            assert await keys.load("kraken", "main") == credentials()
        assert (tmp_path / "vault.bin").stat().st_mode & 0o777 == 0o600
        assert ["open to other users" in notice.text for notice in told] == [True]

    run(main())


def test_many_calls_at_once_lose_nothing(tmp_path: Path, ring: MemoryKeyring) -> None:
    async def main() -> None:
        keys = store(tmp_path, ring)
        await asyncio.gather(*(keys.save("venue", f"p{n}", {"key": Secret(f"k{n}")}) for n in range(12)))
        assert len(await store(tmp_path, ring).profiles()) == 12
        assert len(ring.stored) == 1

    run(main())


def test_only_listed_kinds_of_keychain_are_ever_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor an installed plug-in decides where keys go."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    asked: list[str] = []

    def refuse(module: str) -> object:
        asked.append(module)
        raise ImportError(module)

    monkeypatch.setattr(keychain, "import_module", refuse)
    assert keychain._find_system_backend() is None
    expected = {
        "linux": ["keyring.backends.SecretService", "keyring.backends.kwallet"],
        "darwin": ["keyring.backends.macOS"],
        "win32": ["keyring.backends.Windows"],
    }
    for platform, modules in expected.items():
        asked.clear()
        monkeypatch.setattr(sys, "platform", platform)
        assert keychain._find_system_backend() is None
        assert asked == modules


def test_without_a_desktop_no_keychain_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    monkeypatch.setattr(sys, "platform", "linux")
    assert keychain._find_system_backend() is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20),
        st.text(max_size=200, alphabet=st.characters(codec="utf-8")),
        max_size=5,
    )
)
def test_any_text_comes_back_as_it_was(tmp_path: Path, values: dict[str, str]) -> None:
    async def main() -> None:
        ring = MemoryKeyring()
        given_values = {key: Secret(value) for key, value in values.items()}
        await store(tmp_path / "any", ring).save("v", "p", given_values)
        assert await store(tmp_path / "any", ring).load("v", "p") == given_values

    (tmp_path / "any" / "vault.bin").unlink(missing_ok=True)
    run(main())
