"""Faults of the host: second instance, full disk, broken files, planted secrets; cases 34, 38 and 39."""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from terminal.app.compose import Terminal
from terminal.app.paths import Paths, paths_below
from terminal.core.log_ring import LogRing
from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected, StorageError
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.services.arming import ArmState
from terminal.services.journal import Journal, _Job
from terminal.services.profile_lock import ProfileInUse
from terminal.services.session import SessionState
from tests.e2e.rig import ACCOUNT, BTC, Rig, rig, state_of
from tests.helpers import run
from tests.practice import Practice

D = Decimal


@pytest.mark.fault(34)
def test_a_second_terminal_on_the_same_profile_is_refused_and_harms_nothing(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            with pytest.raises(ProfileInUse):
                Terminal(found.paths, LogRing(), throw_away=True)
            await found.resting()
            await found.require_same_as_venue()
        # And the profile is free once the first has ended.
        await practice.order("forgive")
        async with rig(practice, tmp_path):
            pass

    run(main())


# -- the disk says no ------------------------------------------------------------------------------------


def fill_disk(journal: Journal) -> Callable[[], None]:
    """SQLite's own "database or disk is full" from now on, until what is returned is called."""
    journal._queue.put(_Job((("PRAGMA max_page_count=1", ()),)))

    def mend() -> None:
        assert journal._connection is not None
        whole: sqlite3.Connection = journal._connection

        class Mending:
            """Gives the room back in the journal's own thread, before its next statement."""

            def execute(self, sql: str, *rest: Any) -> object:
                whole.execute("PRAGMA max_page_count=1000000")
                journal._connection = whole
                return whole.execute(sql, *rest)

            def close(self) -> None:
                whole.close()

        journal._connection = Mending()  # type: ignore[assignment]

    return mend


async def fill_up(found: Rig) -> None:
    """Send orders until the disk is full; what left before was journaled."""
    for number in range(60):
        try:
            await found.send(found.limit(Side.BUY, "0.0001", price=found.away(Side.BUY, "3") - number))
        except StorageError:
            return
    raise AssertionError("the disk did not fill up")


@pytest.mark.fault(38)
def test_no_journal_no_order_and_cancels_still_go(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, errors_expected=True) as found:
            found.terminal.settings.set("risk.orders_per_minute.step", "off")
            order = await found.resting()
            await found.terminal.journal.flush()
            mend = fill_disk(found.terminal.journal)
            await fill_up(found)
            sent = (await found.told()).sent()
            assert not found.terminal.journal.healthy
            with pytest.raises(StorageError) as caught:
                await found.send(found.limit(Side.SELL, "0.001"))
            assert "Canceling still works" in caught.value.user_text
            assert (await found.told()).sent() == sent, "an order left without its record"
            assert set(sent) <= set(found.terminal.gate.orders)
            # Out is always possible.
            await found.gate.cancel(order.client_order_id)
            await found.until(lambda: state_of(order) is OrderState.CANCELED, "canceled")
            outcome = await found.gate.cancel_all(ACCOUNT)
            assert not outcome.failed
            assert not outcome.unknown
            await found.until(lambda: not found.gate.open_orders(ACCOUNT), "nothing open")
            assert found.noticed("no new orders")
            mend()
            await found.until(lambda: found.terminal.journal.healthy, "the disk has room again")
            await found.resting(quantity="0.002")
            await found.require_same_as_venue()
            assert await found.terminal.journal.flush()
            key, count = order.client_order_id, len(found.terminal.gate.orders)
        # What was only in memory while the disk was full is on it now.
        await practice.order("forgive")
        async with rig(practice, tmp_path) as found:
            assert found.terminal.gate.orders[key].state is OrderState.CANCELED
            assert len(found.terminal.gate.orders) >= count - 1

    run(main())


@pytest.mark.fault(38)
def test_a_folder_that_takes_no_journal_lets_prices_and_cancels_work(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, notices: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    # The journal's default argument was bound when the class was made.
    monkeypatch.setattr(Journal.__init__, "__kwdefaults__", {**_defaults(), "open_file": refuse})

    async def main() -> None:
        async with rig(practice, tmp_path, wait=False, errors_expected=True) as found:
            await found.until(lambda: found.noticed("order journal cannot be written"), "the notice")
            market = found.terminal.market
            await found.until(lambda: market.book(BTC) is not None, "prices")
            with pytest.raises(StorageError):
                await found.send(found.limit())
            assert not (await found.told()).requests

    run(main())


def _defaults() -> dict[str, object]:
    return dict(Journal.__init__.__kwdefaults__ or {})


# -- broken files ----------------------------------------------------------------------------------------


def _break(path: Path, how: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if how == "garbage":
        path.write_bytes(os.urandom(5000))
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "truncated":
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
    elif how == "future":
        if path.suffix == ".json":
            path.write_text('{"version": 999, "values": {}}')
        else:
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA user_version=999")
            connection.commit()
            connection.close()
    elif how == "world":
        path.chmod(0o666)


@pytest.mark.fault(39)
@pytest.mark.parametrize("how", ["garbage", "empty", "truncated", "future", "world"])
@pytest.mark.parametrize("which", ["settings", "journal"])
def test_a_broken_file_is_kept_aside_and_the_terminal_trades(
    which: str, how: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        paths = paths_below(tmp_path).make()
        async with rig(practice, tmp_path) as found:
            found.terminal.settings.set("look.density", "compact")
            order = await found.resting()
            await found.terminal.journal.flush()
            key = order.client_order_id
        await practice.order("forgive")
        path = paths.settings_file if which == "settings" else paths.journal_file
        for side_file in path.parent.glob(f"{path.name}-*"):
            side_file.unlink()  # SQLite's own, which belong to the whole file
        _break(path, how)
        async with rig(practice, tmp_path, errors_expected=True) as found:
            if how == "world":
                assert path.stat().st_mode & 0o077 == 0, "closed to others again"
            else:
                kept = [item.name for item in path.parent.iterdir() if ".bad-" in item.name]
                assert kept, f"the bad file was not kept: {list(path.parent.iterdir())}"
                assert found.notices, "nobody was told"
            # Whatever the file said, the venue's order is known and can be canceled.
            mine = next(item for item in found.terminal.gate.orders.values() if item.state is OrderState.OPEN)
            assert mine.venue_order_id == order.venue_order_id
            if which == "settings" or how == "world":
                assert mine.client_order_id == key
            await found.gate.cancel(mine.client_order_id)
            await found.until(lambda: state_of(mine) is OrderState.CANCELED, "canceled")
            await found.resting(quantity="0.002")

    run(main())


# -- planted secrets -------------------------------------------------------------------------------------

KEY = "CANARY-KEY-5f0c2f9a7b1e4d6c8a3b5d7e9f1a2b3c4d5e6f7a8b9c"
SECRET_BYTES = b"CANARY-SECRET-7d1e3c5b9a8f6e4d2c0b1a3f5e7d9c8b6a4f2e0d1c3b5a7f"
PRIVATE = base64.b64encode(SECRET_BYTES).decode()
PASSPHRASE = "CANARY-PASSPHRASE-correct-horse"
OTP = "CANARY-OTP-123456"


def _needles() -> list[bytes]:
    texts = [KEY.encode(), PRIVATE.encode(), SECRET_BYTES, PASSPHRASE.encode(), OTP.encode()]
    return [*texts, *(text.hex().encode() for text in texts), *(base64.b64encode(text) for text in texts)]


def _search(paths: Paths, found: Rig, practice: Practice) -> None:
    for folder in (paths.config, paths.data, paths.log):
        for path in folder.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                for needle in _needles():
                    assert needle not in data, f"{needle[:20]!r} in {path.name}"
    told = (
        found.log_text()
        + "".join(f"{notice.text} {notice.detail}" for notice in found.notices)
        + found.session.reason
    )
    for needle in _needles():
        assert needle.decode("latin-1") not in told
    for pid in ("self", str(practice.process.pid)):
        for name in ("environ", "cmdline"):
            source = Path("/proc") / pid / name
            if source.exists():
                data = source.read_bytes()
                assert not [needle for needle in _needles() if needle in data], f"in {source}"


@pytest.mark.fault(39)
def test_planted_secrets_are_found_nowhere(practice: Practice, tmp_path: Path) -> None:
    entered = {"api_key": Secret(KEY), "api_secret": Secret(PRIVATE), "otp": Secret(OTP)}

    async def main() -> None:
        async with rig(practice, tmp_path, errors_expected=True) as found:
            terminal = found.terminal
            for name in ("rest", "ws_public", "ws_private"):
                terminal.settings.set(f"endpoint.{name}", practice.entry[name], "kraken")
            await terminal.credentials.use_passphrase(Secret(PASSPHRASE))
            with pytest.raises(AuthRejected) as caught:
                await terminal.test_key("kraken", entered)
            assert KEY not in f"{caught.value} {caught.value.user_text}"
            await terminal.save_key("kraken", entered)
            assert await terminal.has_key("kraken")
            # What the venue echoes is a secret of ours all the same.
            await practice.fault(
                "error", match="rest/read/*", error=f"EAPI:Invalid key:{KEY}:{PRIVATE}", count=2
            )
            await terminal.use_live("kraken")
            await found.until(lambda: found.session.state is SessionState.FAILED, "the refusal")
            terminal.settings.flush()
            terminal.arming.set(ArmState.VIEW)
            assert terminal.credentials.path.exists()
            _search(found.paths, found, practice)
            await practice.clear()
            await terminal.use_practice("kraken")
            await found.until_ready()
            paths = found.paths
        _search(paths, found, practice)
        # It was really kept: the passphrase brings it back.
        await practice.order("forgive")
        async with rig(practice, tmp_path, wait=False) as again:
            await again.terminal.credentials.unlock(Secret(PASSPHRASE))
            stored = await again.terminal.credentials.load("kraken", "main")
            assert stored is None or stored["api_secret"].reveal() == PRIVATE
            assert await again.terminal.has_key("kraken")

    run(main())
