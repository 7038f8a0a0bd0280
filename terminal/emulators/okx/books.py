"""The book channels of one instrument: ``books``, ``books5``, ``bbo-tbt``; each message built once for all.

OKX API v5 "Order book channel", read 2026-07: 400 levels, a snapshot and then what changed every 100 ms,
chained by ``prevSeqId``; the checksum is 0. ``seqId`` is the instrument's, the same on every connection.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Final

from terminal.domain.market import Side
from terminal.emulators.faults import Faults
from terminal.emulators.market.engine import MatchingEngine
from terminal.emulators.okx.wire import encode, point
from terminal.emulators.web import text_frame

DEPTH: Final = 400
BATCH_NS: Final = 100_000_000
IDLE_NS: Final = 60_000_000_000
CHECKED: Final = 25

Send = Callable[[bytes, str], None]
"""Takes a finished WebSocket frame and its fault subject."""
Figures = dict[int, tuple[int, int]]
Levels = list[tuple[str, str, str, str]]


class BookFeed:
    """One instrument's book for those who listen."""

    def __init__(
        self, engine: MatchingEngine, faults: Faults, wall_ns: Callable[[], int], rng: random.Random
    ) -> None:
        self._engine = engine
        self._faults = faults
        self._wall_ns = wall_ns
        self._rng = rng
        listing = engine.listing
        self._name = listing.symbol
        self._price_places = listing.price_decimals
        self._size_places = listing.quantity_decimals
        self.seq = 10_000_000_000 + rng.randrange(10**9)
        self._told_seq = self.seq
        self._sides: tuple[Figures, Figures] = ({}, {})
        self._best: tuple[object, object] = (None, None)
        self._five: tuple[object, object] = (None, None)
        self._due_ns = 0
        self._told_ns = 0
        """When the book was last told, monotonic; 0 since the last look."""
        self.batch_ns = BATCH_NS
        self.idle_ns = IDLE_NS
        self.books: set[Send] = set()
        self.five: set[Send] = set()
        self.best: set[Send] = set()
        self.messages = 0

    @property
    def active(self) -> bool:
        """Somebody listens."""
        return bool(self.books or self.five or self.best)

    # ---- whole books -----------------------------------------------------------------------------

    def levels(self, depth: int) -> tuple[Levels, Levels]:
        """Asks and bids now, best first, as rows."""
        asks, bids = (
            [self._row(key, *figures) for key, figures in self._engine.level_figures(side, depth).items()]
            for side in (Side.SELL, Side.BUY)
        )
        return asks, bids

    def _row(self, key: int, steps: int, count: int) -> tuple[str, str, str, str]:
        price = point(abs(key), self._price_places)
        return price, point(steps, self._size_places), "0", str(count)

    # ---- subscribers -----------------------------------------------------------------------------

    def join(self, send: Send) -> None:
        """Begin to send the book; its snapshot goes first."""
        if self.books:
            self.flush_book()
        else:
            self._load()
        self.books.add(send)
        asks, bids = self._all_rows()
        send(self._frame("snapshot", asks, bids, -1, self._told_seq), self._subject("books"))

    def join_five(self, send: Send) -> None:
        self.five.add(send)
        send(self._plain_frame("books5", 5), self._subject("books5"))

    def join_best(self, send: Send) -> None:
        self.best.add(send)
        send(self._plain_frame("bbo-tbt", 1), self._subject("bbo-tbt"))

    def leave(self, send: Send) -> None:
        """End whatever this client gets of the book."""
        for group in (self.books, self.five, self.best):
            group.discard(send)

    # ---- updates ---------------------------------------------------------------------------------

    def flush(self, now_ns: int) -> None:
        """Tell what is due (monotonic time)."""
        if self.best:
            self._flush_best()
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + self.batch_ns
        quiet = bool(self.books) and not self.flush_book() and self._told_ns > 0
        if quiet and now_ns - self._told_ns >= self.idle_ns:
            self._keep_alive()
        if self.five:
            self._flush_five()
        self._told_ns = self._told_ns or now_ns

    def _flush_best(self) -> None:
        engine = self._engine
        best = engine.best_bid(), engine.best_ask()
        if best != self._best:
            self._best = best
            self._step_seq()
            self._send(self.best, self._plain_frame("bbo-tbt", 1), "bbo-tbt")

    def _flush_five(self) -> None:
        figures = self._engine.level_figures(Side.SELL, 5), self._engine.level_figures(Side.BUY, 5)
        if figures != self._five:
            self._five = figures
            self._send(self.five, self._plain_frame("books5", 5), "books5")

    def flush_book(self) -> bool:
        """Tell what changed in the book; False when nothing did."""
        changes: list[Levels] = []
        fresh = []
        for side, old in zip((Side.SELL, Side.BUY), self._sides, strict=True):
            new = self._engine.level_figures(side, DEPTH)
            rows = [self._row(key, *figures) for key, figures in new.items() if old.get(key) != figures]
            rows += [self._row(key, 0, 0) for key in old if key not in new]
            fresh.append(new)
            changes.append(sorted(rows, key=_price_of, reverse=side is Side.BUY))
        self._sides = fresh[0], fresh[1]
        if not changes[0] and not changes[1]:
            return False
        self._step_seq()
        self._tell(changes[0], changes[1])
        return True

    def _step_seq(self) -> None:
        self.seq += self._rng.randrange(1, 30)

    def _tell(self, asks: Levels, bids: Levels) -> None:
        before, self._told_seq = self._told_seq, self.seq
        self._told_ns = 0
        if not self._faults.active:
            self._send(self.books, self._frame("update", asks, bids, before, self.seq), "books")
            return
        subject, faults = self._subject("books"), self._faults
        if faults.take("book_gap", subject) is not None:
            return
        if faults.take("sequence_reset", subject) is not None:
            self.seq = self._told_seq = max(1, self.seq // 1000)
        fault = faults.take("wrong_checksum", subject)
        checksum = 0
        if fault is not None:
            checksum = self._checksum() if fault.flag("right") else self._checksum() ^ 0x5A5A5A
        fault = faults.take("nan_prices", subject)
        if fault is not None and (asks or bids):
            row = (asks or bids)[0]
            (asks or bids)[0] = (fault.text("value", "NaN"), *row[1:])
        if faults.take("crossed_book", subject) is not None:
            best = next(iter(self._sides[0]), 0)
            bids = [self._row(-(best + 5), 10**self._size_places, 1), *bids]
        frame = self._frame("update", asks, bids, before, self.seq, checksum)
        self._send(self.books, frame, "books")

    def _keep_alive(self) -> None:
        self._told_ns = 0
        self._send(self.books, self._frame("update", [], [], self._told_seq, self._told_seq), "books")

    # ---- frames ----------------------------------------------------------------------------------

    def _load(self) -> None:
        self._sides = (
            self._engine.level_figures(Side.SELL, DEPTH),
            self._engine.level_figures(Side.BUY, DEPTH),
        )
        self._step_seq()
        self._told_seq = self.seq
        self._told_ns = 0

    def _all_rows(self) -> tuple[Levels, Levels]:
        asks, bids = ([self._row(key, *figures) for key, figures in side.items()] for side in self._sides)
        return asks, bids

    def _subject(self, channel: str) -> str:
        return f"ws/data/{channel}/{self._name}"

    def _send(self, group: set[Send], frame: bytes, channel: str) -> None:
        self.messages += len(group)
        subject = self._subject(channel)
        for send in tuple(group):
            send(frame, subject)

    def _frame(
        self, action: str, asks: Levels, bids: Levels, before: int, seq: int, checksum: int = 0
    ) -> bytes:
        row = {
            "asks": asks,
            "bids": bids,
            "ts": str(self._wall_ns() // 1_000_000),
            "checksum": checksum,
            "prevSeqId": before,
            "seqId": seq,
        }
        arg = {"channel": "books", "instId": self._name}
        return text_frame(encode({"arg": arg, "action": action, "data": [row]}))

    def _plain_frame(self, channel: str, depth: int) -> bytes:
        asks, bids = self.levels(depth)
        row = {"asks": asks, "bids": bids, "ts": str(self._wall_ns() // 1_000_000), "seqId": self.seq}
        if channel == "books5":
            row["instId"] = self._name
        return text_frame(encode({"arg": {"channel": channel, "instId": self._name}, "data": [row]}))

    def _checksum(self) -> int:
        """The historic CRC-32 over the top 25 levels, as OKX sent it until June 2026."""
        asks, bids = (rows[:CHECKED] for rows in self._all_rows())
        parts: list[str] = []
        for i in range(CHECKED):
            for rows in (bids, asks):
                if i < len(rows):
                    parts += rows[i][:2]
        value = zlib.crc32(":".join(parts).encode())
        return value - 2**32 if value >= 2**31 else value


def _price_of(row: tuple[str, str, str, str]) -> float:
    return float(row[0])
