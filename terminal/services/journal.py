"""The order journal: what was intended, answered and filled, on disk before anything depends on it.

An intent is durable before the first byte of its order leaves: :meth:`Journal.record_intent` returns after
the commit. Everything that is learnt afterwards is noted without waiting and kept in memory until the disk
has it, so that a cancel never waits for a disk.

The SQLite connection lives in a thread of its own. A commit takes 0.4 to 0.6 ms on a healthy disk and could
well be done on the event loop; a full, slow or sleeping disk can take seconds, and would freeze the window
and every feed with it. So the loop stands still for a commit for 8 ms at most (half a frame), which
is enough nearly always and lets the order leave in the same turn as the click; a slower disk is awaited
instead, and then the order alone is late. Awaiting from the start would add the length of whatever the loop
draws meanwhile: measured with 12 ms of work in every 16, p99 was 12.6 ms.

The thread takes all that waits into one transaction, so a burst of fills ahead of an intent delays it by one
commit, not by hundreds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terminal.core import faultpoint, tasks
from terminal.core.clock import Clock, SystemClock
from terminal.core.observe import Observable
from terminal.domain.errors import StorageError
from terminal.services.journal_codec import FillRow, OrderRow
from terminal.services.journal_files import copy_good, open_journal
from terminal.services.notices import Level, Notice

log = logging.getLogger("orders")

Statement = tuple[str, tuple[object, ...]]
Opener = Callable[[Path, list[Notice]], sqlite3.Connection]

MEMORY_DAYS = 14
"""Finished orders and fills younger than this are loaded at start; reconciliation looks back no further."""
MEMORY_NS = MEMORY_DAYS * 86_400_000_000_000
_RETRY_S = 1.0
_PATIENCE_S = 0.008
_OPEN_TIMEOUT_S = 10.0

_BAD_RECORD = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)

_INSERT_ORDER = "INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?)"
_UPSERT_ORDER = (
    "INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (client_order_id) DO UPDATE SET "
    "venue_order_id=excluded.venue_order_id, state=excluded.state, is_open=excluded.is_open, "
    "updated_ns=excluded.updated_ns, document=excluded.document"
)
_INSERT_FILL = "INSERT INTO fills VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING"
_INSERT_EVENT = "INSERT INTO events (ts_ns, client_order_id, kind, detail) VALUES (?,?,?,?)"
_UPSERT_SEEN = (
    "INSERT INTO seen VALUES (?,?) "
    "ON CONFLICT (account) DO UPDATE SET until_ns=max(until_ns, excluded.until_ns)"
)


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What the journal held at the start."""

    orders: tuple[OrderRow, ...]
    """Open ones, and those that changed within :data:`MEMORY_DAYS`; oldest first."""
    fills: tuple[FillRow, ...]
    """Within :data:`MEMORY_DAYS`, and all of the orders above; oldest first."""
    seen: dict[str, int]
    """By account: until when (ns UTC) the venue's orders and fills have been read."""


class _Waiter:
    """One wait for the thread: a few milliseconds on the spot, then like any other await."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._finished = threading.Event()
        self._error: Exception | None = None
        self._future: asyncio.Future[None] | None = None

    def done(self, error: Exception | None) -> None:
        """Called by the thread."""
        with self._lock:
            self._error = error
            self._finished.set()
            future = self._future
        if future is not None:
            _call(self._loop, _succeed, future, None)

    async def wait(self, patience_s: float) -> None:
        """Return when the thread has finished; raise what it met."""
        if not self._finished.wait(patience_s):
            with self._lock:
                if not self._finished.is_set():
                    self._future = self._loop.create_future()
            if self._future is not None:
                await self._future
        if self._error is not None:
            raise self._error


@dataclass(slots=True)
class _Job:
    statements: tuple[Statement, ...]
    done: Callable[[Exception | None], None] | None = None
    """Set: somebody waits, so a failure is theirs. None: the job is kept until it is written."""


@dataclass(slots=True)
class _Stop:
    """Write what waits and end the thread."""


@dataclass(slots=True)
class _Flush:
    done: Callable[[Exception | None], None]


_Item = _Job | _Stop | _Flush


class Journal:
    """The journal of one profile.

    Attributes:
        healthy: False while the disk does not take records; new orders are refused then.
        notice: what the person has to know about the journal itself.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock | None = None,
        backup_interval_s: float = 600.0,
        open_file: Opener = open_journal,
    ) -> None:
        self.path = path
        self.healthy = True
        self.notice: Observable[[Notice]] = Observable("journal notices")
        self._clock = clock or SystemClock()
        self._backup_interval_s = backup_interval_s
        self._open_file = open_file
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._backlog: list[_Job] = []
        self._dirty = False
        self._copying = threading.Lock()
        self._backup_task: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the journal was opened and its content read."""
        return self._thread is not None

    # -- life -----------------------------------------------------------------------------------------

    async def open(self) -> JournalContents:
        """Open the file and read what the last run left.

        Raises:
            StorageError: no journal can be kept at this place now; may be tried again.
        """
        if self._thread is not None:
            raise RuntimeError("the journal is open")
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[tuple[JournalContents, list[Notice]]] = self._loop.create_future()
        thread = threading.Thread(target=self._run, args=(self._loop, opened), name="journal", daemon=True)
        thread.start()
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                contents, notices = await opened
        except TimeoutError as error:
            self._queue.put(_Stop())
            self._queue = queue.SimpleQueue()
            raise StorageError("opening the journal took too long") from error
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"the journal {self.path} cannot be opened: {error}",
                user_text="The order journal cannot be written, so no order can be sent. "
                "Check the disk's free space and permissions.",
            ) from error
        self._thread = thread
        self.healthy = True
        for each in notices:
            self.notice.notify(each)
        self._backup_task = tasks.spawn(self._keep_copies(), name="journal copies")
        return contents

    async def close(self, *, timeout_s: float = 3.0) -> None:
        """Write what waits, keep a good copy, end the thread; for at most ``timeout_s`` seconds."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        await tasks.cancel_and_wait(self._backup_task)
        self._queue.put(_Stop())
        await asyncio.to_thread(thread.join, timeout_s)
        if thread.is_alive() or self._backlog:
            log.error("%d journal records were not written", len(self._backlog))
            return
        with contextlib.suppress(OSError, sqlite3.Error):
            await asyncio.to_thread(self._copy)

    async def flush(self, *, timeout_s: float = 2.0) -> bool:
        """Wait until all that was noted is on disk; False if that took too long or failed."""
        if self._thread is None:
            return False
        try:
            async with asyncio.timeout(timeout_s):
                await self._wait_for(lambda done: _Flush(done))
        except (TimeoutError, StorageError):
            return False
        return True

    # -- writing --------------------------------------------------------------------------------------

    async def record_intent(self, row: OrderRow) -> None:
        """Put a new order on disk; it is durable when this returns.

        Raises:
            StorageError: it is not on disk. The order must not be sent.
        """
        if self._thread is None:
            raise StorageError("the journal is not open")
        statements = (
            (_INSERT_ORDER, tuple(row)),
            self._event(row.client_order_id, "intent", ""),
        )
        await self._wait_for(lambda done: _Job(statements, done))

    async def record(self, row: OrderRow, kind: str, detail: str = "") -> None:
        """Put a change that must be durable first (an amend) on disk. Raises StorageError if it is not."""
        if self._thread is None:
            raise StorageError("the journal is not open")
        statements = ((_UPSERT_ORDER, tuple(row)), self._event(row.client_order_id, kind, detail))
        await self._wait_for(lambda done: _Job(statements, done))

    async def record_action(self, subject: str, kind: str, detail: str) -> None:
        """Put something that is no order but is about to be sent (a position's new stop) on disk first.

        Raises:
            StorageError: it is not on disk. It must not be sent.
        """
        if self._thread is None:
            raise StorageError("the journal is not open")
        await self._wait_for(lambda done: _Job((self._event(subject, kind, detail),), done))

    def note_action(self, subject: str, kind: str, detail: str) -> None:
        """Keep what became of it."""
        self._keep((self._event(subject, kind, detail),))

    def note(self, row: OrderRow, kind: str, detail: str = "", fills: Sequence[FillRow] = ()) -> None:
        """Keep what was learnt of an order: at once in memory, soon on disk, and not forgotten between.

        The order and its fills are written together or not at all. Before the journal is open there is
        nothing to add to: whoever opens it reconciles afterwards.
        """
        statements = [(_UPSERT_ORDER, tuple(row)), self._event(row.client_order_id, kind, detail)]
        statements += [(_INSERT_FILL, tuple(fill)) for fill in fills]
        self._keep(tuple(statements))

    def note_removed(self, client_order_id: str, absorbed_by: str) -> None:
        """An external order turned out to be one of ours: keep it under our own id."""
        self._keep(
            (
                (
                    "UPDATE fills SET client_order_id=? WHERE client_order_id=?",
                    (absorbed_by, client_order_id),
                ),
                ("DELETE FROM orders WHERE client_order_id=?", (client_order_id,)),
                self._event(absorbed_by, "absorbed", client_order_id),
            )
        )

    def note_seen(self, account: str, until_ns: int) -> None:
        """The venue's orders and fills of an account have been read up to this time."""
        self._keep(((_UPSERT_SEEN, (account, until_ns)),))

    def _keep(self, statements: tuple[Statement, ...]) -> None:
        if self._thread is not None:
            self._queue.put(_Job(statements))

    def _event(self, client_order_id: str, kind: str, detail: str) -> Statement:
        return _INSERT_EVENT, (self._clock.wall_ns(), client_order_id, kind, detail)

    async def _wait_for(self, make: Callable[[Callable[[Exception | None], None]], _Item]) -> None:
        waiter = _Waiter(asyncio.get_running_loop())
        self._queue.put(make(waiter.done))
        try:
            await waiter.wait(_PATIENCE_S if self.healthy else 0.0)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"the journal refused a record: {error}",
                user_text="Not sent: the order could not be written to the journal "
                f"({error}). Canceling still works.",
            ) from error

    # -- copies ---------------------------------------------------------------------------------------

    async def _keep_copies(self) -> None:
        """Keep a good copy: one at the start (the file has just been proven sound), then while it changes."""
        self._dirty = True
        while True:
            if self._dirty and self.healthy:
                self._dirty = False
                try:
                    await asyncio.to_thread(self._copy)
                except (OSError, sqlite3.Error) as error:
                    log.warning("the journal could not be copied: %s", error)
            await asyncio.sleep(self._backup_interval_s)

    def _copy(self) -> None:
        with self._copying:
            copy_good(self.path)

    # -- the thread -----------------------------------------------------------------------------------

    def _run(self, loop: asyncio.AbstractEventLoop, opened: asyncio.Future[Any]) -> None:
        waiting = self._queue
        notices: list[Notice] = []
        try:
            connection = self._open_file(self.path, notices)
            contents = _read(connection, self._clock.wall_ns() - MEMORY_NS)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits in open()
            _call(loop, _fail, opened, error)
            return
        self._connection = connection
        _call(loop, _succeed, opened, (contents, notices))
        try:
            while self._serve(waiting):
                pass
        finally:
            connection.close()

    def _serve(self, waiting: queue.SimpleQueue[_Item]) -> bool:
        """Take all that waits and write it; False when the thread shall end."""
        try:
            items = [waiting.get(timeout=_RETRY_S if self._backlog else None)]
        except queue.Empty:
            items = []
        with contextlib.suppress(queue.Empty):
            while True:
                items.append(waiting.get_nowait())
        error = self._write([item for item in items if isinstance(item, _Job)])
        for item in items:
            if isinstance(item, _Flush):
                item.done(error)
        return not any(isinstance(item, _Stop) for item in items)

    def _write(self, jobs: list[_Job]) -> Exception | None:
        """Write the backlog and the jobs, in order, in one transaction; what cannot be written is kept."""
        batch = self._backlog + jobs
        if not batch:
            return None
        self._backlog = []
        try:
            self._commit(batch)
        except (sqlite3.Error, OSError) as error:
            failure: Exception | None = error if len(batch) == 1 else self._write_singly(batch)
            if len(batch) == 1:
                self._give_up(batch[0], error)
        else:
            failure = None
            self._dirty = True
            for job in batch:
                if job.done is not None:
                    job.done(None)
        if isinstance(failure, _BAD_RECORD):
            failure = None  # one bad record, not a bad disk
        if (failure is None) != self.healthy:
            self._tell(failure)
        return failure

    def _write_singly(self, batch: list[_Job]) -> Exception | None:
        """One transaction a job, so that one bad record cannot hold back the others."""
        failure: Exception | None = None
        for index, job in enumerate(batch):
            try:
                self._commit([job])
            except _BAD_RECORD as error:
                self._give_up(job, error)
            except (sqlite3.Error, OSError) as error:
                failure = error
                for left in batch[index:]:
                    self._give_up(left, error)
                break
            else:
                if job.done is not None:
                    job.done(None)
        return failure

    def _give_up(self, job: _Job, error: Exception) -> None:
        if job.done is not None:
            job.done(error)
        elif isinstance(error, _BAD_RECORD):
            log.error("a journal record cannot be written: %s", error)
        else:
            self._backlog.append(job)

    def _commit(self, batch: list[_Job]) -> None:
        connection = self._connection
        assert connection is not None
        connection.execute("BEGIN IMMEDIATE")
        try:
            for job in batch:
                for sql, values in job.statements:
                    connection.execute(sql, values)
            faultpoint.hit("journal.before_commit")
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        faultpoint.hit("journal.after_commit")

    def _tell(self, failure: Exception | None) -> None:
        """Change the health at once (the gate reads it) and tell the person on the loop."""
        self.healthy = failure is None
        if failure is None:
            notice = Notice(Level.INFO, "The order journal is written again; nothing was lost.")
        else:
            log.error("the journal cannot be written: %s", failure)
            notice = Notice(
                Level.ERROR,
                "The disk does not take the order journal: no new orders until it does. Canceling works.",
                str(failure),
            )
        if self._loop is not None:
            _call(self._loop, self.notice.notify, notice)


def _call(loop: asyncio.AbstractEventLoop, fn: Callable[..., object], *args: object) -> None:
    """Run something on the loop; a loop that has ended has nobody left to tell."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(fn, *args)


def _succeed(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _read(connection: sqlite3.Connection, since_ns: int) -> JournalContents:
    orders = connection.execute(
        "SELECT * FROM orders WHERE is_open=1 OR updated_ns>=? ORDER BY created_ns", (since_ns,)
    ).fetchall()
    fills = connection.execute(
        "SELECT * FROM fills WHERE ts_event_ns>=? OR client_order_id IN "
        "(SELECT client_order_id FROM orders WHERE is_open=1 OR updated_ns>=?) ORDER BY ts_event_ns",
        (since_ns, since_ns),
    ).fetchall()
    seen = dict(connection.execute("SELECT account, until_ns FROM seen").fetchall())
    return JournalContents(
        tuple(OrderRow(*row)._replace(is_open=bool(row[5])) for row in orders),
        tuple(FillRow(*row) for row in fills),
        seen,
    )
