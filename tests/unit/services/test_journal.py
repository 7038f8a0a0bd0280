"""The journal's promises: durable, private, kept when broken, restored from its last good copy."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from terminal.domain.errors import StorageError
from terminal.services.journal import Journal, JournalContents, _Flush
from terminal.services.journal_codec import FillRow, OrderRow
from terminal.services.journal_files import good_copy_of, open_journal
from terminal.services.notices import Notice
from tests.helpers import eventually, run
from tests.unit.services.order_fakes import ACCOUNT

NOW = 2_000_000_000_000_000_000


def row(number: int, *, is_open: bool = True, state: str = "PENDING_NEW") -> OrderRow:
    return OrderRow(
        f"{number:032x}", ACCOUNT, "BTC/USD", None, state, is_open, NOW + number, NOW + number, "{}"
    )


async def opened(path: Path) -> tuple[Journal, JournalContents, list[Notice]]:
    journal = Journal(path)
    notices: list[Notice] = []
    journal.notice.watch(notices.append)
    return journal, await journal.open(), notices


def test_what_was_recorded_is_there_at_the_next_start(tmp_path: Path) -> None:
    async def main() -> None:
        journal, contents, notices = await opened(tmp_path / "j")
        assert contents == JournalContents((), (), {})
        assert notices == []
        await journal.record_intent(row(1))
        journal.note(row(1, state="OPEN"), "accepted", "O1", [FillRow(ACCOUNT, "T1", row(1)[0], NOW, "{}")])
        journal.note_seen(ACCOUNT, 5)
        journal.note_seen(ACCOUNT, 3)
        await journal.close()
        journal, contents, _ = await opened(tmp_path / "j")
        assert contents.orders == (row(1, state="OPEN"),)
        assert [fill.fill_id for fill in contents.fills] == ["T1"]
        assert contents.seen == {ACCOUNT: 5}
        await journal.close()

    run(main())


def test_the_file_is_durable_and_private(tmp_path: Path) -> None:
    async def main() -> None:
        journal, _, _ = await opened(tmp_path / "j")
        assert journal._connection is not None
        assert await asyncio.to_thread(_journal_mode, tmp_path / "j") == "wal"
        if os.name == "posix":
            assert stat.S_IMODE((tmp_path / "j").stat().st_mode) == 0o600
        await journal.close()

    run(main())


def _journal_mode(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.fault(32)
def test_an_id_that_was_used_before_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        journal, _, _ = await opened(tmp_path / "j")
        await journal.record_intent(row(1))
        with pytest.raises(StorageError):
            await journal.record_intent(row(1))
        assert journal.healthy, "one bad record is not a bad disk"
        await journal.record_intent(row(2))
        await journal.close()

    run(main())


BROKEN = {
    "empty": b"",
    "garbage": b"not a database at all " * 400,
    "truncated": None,
    "future version": None,
    "flipped page": None,
}


def break_file(path: Path, how: str) -> None:
    content = BROKEN[how]
    if content is not None:
        path.write_bytes(content)
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif how == "flipped page":
        data = bytearray(path.read_bytes())
        data[4096 : 4096 + 2048] = b"\xff" * 2048
        path.write_bytes(bytes(data))
    else:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version=99")
        connection.commit()
        connection.close()


@pytest.mark.fault(39)
@pytest.mark.parametrize("how", list(BROKEN))
@pytest.mark.parametrize("with_copy", [True, False])
def test_a_broken_journal_is_kept_aside_and_the_good_copy_used(
    tmp_path: Path, how: str, *, with_copy: bool
) -> None:
    path = tmp_path / "j"

    async def main() -> None:
        journal, _, _ = await opened(path)
        await journal.record_intent(row(1))
        await journal.close()
        assert good_copy_of(path).exists()
        if not with_copy:
            good_copy_of(path).unlink()
        break_file(path, how)
        journal, contents, notices = await opened(path)
        assert [each.client_order_id for each in contents.orders] == ([row(1)[0]] if with_copy else [])
        assert "kept as j.bad-" in notices[0].text
        assert len(list(tmp_path.glob("j.bad-*"))) >= 1
        await journal.record_intent(row(2))
        await journal.close()

    run(main())


def test_a_missing_journal_comes_back_from_its_copy(tmp_path: Path) -> None:
    async def main() -> None:
        journal, _, _ = await opened(tmp_path / "j")
        await journal.record_intent(row(1))
        await journal.close()
        (tmp_path / "j").unlink()
        journal, contents, notices = await opened(tmp_path / "j")
        assert len(contents.orders) == 1
        assert "missing" in notices[0].text
        await journal.close()

    run(main())


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX")
def test_a_journal_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    async def main() -> None:
        journal, _, _ = await opened(tmp_path / "j")
        await journal.close()
        (tmp_path / "j").chmod(0o644)
        journal, _, notices = await opened(tmp_path / "j")
        assert stat.S_IMODE((tmp_path / "j").stat().st_mode) == 0o600
        assert "readable by others" in notices[0].text
        await journal.close()

    run(main())


@pytest.mark.fault(38)
def test_a_place_where_nothing_can_be_written_is_a_storage_error(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "file").write_text("in the way")
        journal = Journal(tmp_path / "file" / "journal")
        with pytest.raises(StorageError):
            await journal.open()
        with pytest.raises(StorageError):
            await journal.record_intent(row(1))
        (tmp_path / "file").unlink()
        await journal.open()
        await journal.record_intent(row(1))
        await journal.close()

    run(main())


@pytest.mark.fault(38)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="uses the page limit as a full disk")
def test_a_full_disk_refuses_intents_and_keeps_notes_until_there_is_room(tmp_path: Path) -> None:
    def open_small(path: Path, notices: list[Notice]) -> sqlite3.Connection:
        connection = open_journal(path, notices)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 2}")
        return connection

    async def main() -> None:
        journal = Journal(tmp_path / "j", open_file=open_small)
        notices: list[Notice] = []
        journal.notice.watch(notices.append)
        await journal.open()
        big = "x" * 30_000
        with pytest.raises(StorageError, match="full"):
            await journal.record_intent(row(1)._replace(document=big))
        assert not journal.healthy
        journal.note(row(2, state="OPEN")._replace(document=big), "cancel")
        assert not await journal.flush()
        await eventually(lambda: notices)
        assert journal._connection is not None
        journal._queue.put(_widen(journal))
        await eventually(lambda: journal.healthy)
        assert await journal.flush()
        await journal.close()
        journal, contents, _ = await opened(tmp_path / "j")
        assert [each.client_order_id for each in contents.orders] == [row(2)[0]]
        await journal.close()

    run(main())


def _widen(journal: Journal) -> _Flush:
    """Make room on the "disk", in the journal's own thread."""

    def widen(_: Exception | None) -> None:
        assert journal._connection is not None
        journal._connection.execute("PRAGMA max_page_count=1000000")

    return _Flush(widen)


def test_a_copy_is_made_while_the_journal_is_written(tmp_path: Path) -> None:
    async def main() -> None:
        journal, _, _ = await opened(tmp_path / "j")
        for number in range(50):
            await journal.record_intent(row(number))
            if number % 10 == 0:
                await asyncio.to_thread(journal._copy)
        await asyncio.to_thread(journal._copy)
        copy = sqlite3.connect(good_copy_of(tmp_path / "j"))
        count = copy.execute("SELECT count(*) FROM orders").fetchone()[0]
        copy.close()
        assert count == 50
        await journal.close()

    run(main())
