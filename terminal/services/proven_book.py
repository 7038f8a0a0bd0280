"""A book that is shown as live only while it is proven live."""

from __future__ import annotations

from enum import Enum
from typing import cast

from terminal.core.clock import Clock
from terminal.domain.book import BookChecker, BookFault, OrderBook
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookSnapshot

_RELIABLE_FAULTS = 3
_RELIABLE_WINDOW_NS = 60_000_000_000


class FeedState(Enum):
    """Whether what a feed shows may be trusted now."""

    LOADING = "loading"
    LIVE = "live"
    STALE = "stale"
    UNRELIABLE = "unreliable"
    """Three integrity faults within a minute: shown, but not traded from."""
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"


class ProvenBook:
    """One instrument's book, with the updates that wait for the next screen tick.

    Updates are taken as they come and proven together: all are applied in order, then the last one's
    checksum is compared. After a fault nothing counts until a fresh snapshot.

    Attributes:
        book: the levels; trust them only while ``state`` is LIVE.
        checker: the venue's integrity check, or None where it has none.
        updated_ns: monotonic time of the last change.
        resyncing: a new snapshot has been asked for and has not come.
    """

    __slots__ = (
        "_clock",
        "_fault_times_ns",
        "book",
        "checker",
        "pending",
        "resyncing",
        "state",
        "updated_ns",
    )

    def __init__(self, instrument: InstrumentId, depth: int, clock: Clock) -> None:
        self.book = OrderBook(instrument, depth)
        self.checker: BookChecker | None = None
        self.state = FeedState.LOADING
        self.pending: list[BookSnapshot | BookDelta] = []
        self.updated_ns: int | None = None
        self.resyncing = False
        self._clock = clock
        self._fault_times_ns: list[int] = []

    def take(self, event: BookSnapshot | BookDelta) -> bool:
        """Keep an update for the next :meth:`prove`; False where it belongs to a book that is gone.

        Between an unsubscribe and the new snapshot a venue may still send updates of the old book.
        """
        if type(event) is BookSnapshot:
            self.pending = [event]
            return True
        if not self.pending and self.state is not FeedState.LIVE and self.state is not FeedState.UNRELIABLE:
            return False
        self.pending.append(event)
        return True

    def prove(self) -> None:
        """Apply what has come and compare the last checksum.

        Raises:
            BookFault: a gap, an impossible level, crossed prices or a wrong checksum; call :meth:`lose`.
        """
        pending, self.pending = self.pending, []
        book = self.book
        checksum = pending[-1].checksum
        first = pending[0]
        if isinstance(first, BookSnapshot):
            book.depth = first.depth
            book.load(first)
            del pending[0]
        # A snapshot puts aside what waits before it, so it is never anywhere else.
        book.apply_all(cast("list[BookDelta]", pending))
        book.require_uncrossed()
        if checksum is not None and self.checker is not None and not self.checker.matches(book, checksum):
            raise BookFault("the checksum does not match")
        self.updated_ns = self._clock.monotonic_ns()
        if self.state is not FeedState.LIVE:
            self.state = self._state_after_recovery()
            self.resyncing = False

    def lose(self) -> None:
        """What it shows is wrong: stale until a new snapshot."""
        self.state = FeedState.STALE
        self.pending = []
        self._fault_times_ns.append(self._clock.monotonic_ns())

    def interrupt(self) -> None:
        """What it shows is no longer proven (the link or its stream broke): stale until a new snapshot."""
        if self.state in (FeedState.LIVE, FeedState.UNRELIABLE):
            self.state = FeedState.STALE
            self.pending = []

    def _state_after_recovery(self) -> FeedState:
        horizon = self._clock.monotonic_ns() - _RELIABLE_WINDOW_NS
        self._fault_times_ns = [time_ns for time_ns in self._fault_times_ns if time_ns > horizon]
        return FeedState.UNRELIABLE if len(self._fault_times_ns) >= _RELIABLE_FAULTS else FeedState.LIVE
