"""The order of rows inside a book message, as Kraken's own messages have it."""

from __future__ import annotations

import json
import random
import zlib
from decimal import Decimal
from typing import Any

from terminal.core.clock import ManualClock
from terminal.domain.market import Side
from terminal.emulators.faults import Faults
from terminal.emulators.kraken.book_feed import BookFeed
from terminal.emulators.market.engine import EngineListener
from tests.unit.emulators.market.kit import BUY, SELL, Bench

DEPTH = 10


class Noting(EngineListener):
    """Passes level changes on, as a pair's feed does."""

    def __init__(self, book: BookFeed) -> None:
        self._book = book

    def on_level(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        self._book.note(side, price, quantity)


class CutsAfterEveryRow:
    """A client that keeps a side at its depth after each row, as python-kraken-sdk does."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}
        self.messages: list[dict[str, Any]] = []

    def take(self, frame: bytes, subject: str) -> None:
        start = 2 if frame[1] < 126 else 4 if frame[1] == 126 else 10
        row = json.loads(frame[start:], parse_float=Decimal)["data"][0]
        self.messages.append(row)
        for name, levels in self.sides.items():
            for one in row[name]:
                if one["qty"]:
                    levels[one["price"]] = one["qty"]
                else:
                    levels.pop(one["price"], None)
                for price in sorted(levels, reverse=name == "bids")[DEPTH:]:
                    del levels[price]
        assert self._checksum() == row["checksum"], row

    def _checksum(self) -> int:
        text = "".join(
            f"{price:.1f}".replace(".", "").lstrip("0")
            + f"{self.sides[name][price]:.8f}".replace(".", "").lstrip("0")
            for name in ("asks", "bids")
            for price in sorted(self.sides[name], reverse=name == "bids")
        )
        return zlib.crc32(text.encode())


def followed() -> tuple[Bench, BookFeed, CutsAfterEveryRow]:
    """A book of twelve levels a side and a client that follows ten of them."""
    bench = Bench()
    for step in range(12):
        bench.add(BUY, "0.5", f"{60_000 - step}.0")
        bench.add(SELL, "0.5", f"{60_001 + step}.0")
    book = BookFeed(bench.engine, Faults(), ManualClock().wall_ns)
    bench.engine.listen(Noting(book))
    client = CutsAfterEveryRow()
    book.add(DEPTH, client.take)
    client.take(book.snapshot(DEPTH), "")
    return bench, book, client


def test_deletions_come_before_the_levels_that_replace_them() -> None:
    bench, book, client = followed()
    # A new best bid, and the second one gone: no level crosses the edge, so none is told again.
    second = bench.engine.queue(BUY, bench.engine.grid.ticks(Decimal("59999.0")))[0]
    bench.add(BUY, "0.7", "60000.5")
    bench.engine.cancel(second, "User requested")
    book.flush()
    rows = [(str(row["price"]), row["qty"] == 0) for row in client.messages[-1]["bids"]]
    assert rows == [("59999.0", True), ("60000.5", False)]


def test_a_client_that_cuts_after_every_row_keeps_the_checksum() -> None:
    bench, book, client = followed()
    rng = random.Random(4)
    resting = [order for side in Side for level in bench.engine.orders_by_level(side, 100) for order in level]
    for _ in range(400):
        for _ in range(rng.randrange(1, 6)):
            if resting and rng.random() < 0.5:
                order = resting.pop(rng.randrange(len(resting)))
                if order.is_live:
                    bench.engine.cancel(order, "User requested")
            else:
                side = rng.choice((BUY, SELL))
                away = Decimal(rng.randrange(0, 120)) / 10
                price = 60_000 - away if side is BUY else 60_001 + away
                resting.append(bench.add(side, f"0.{rng.randrange(1, 9)}", str(price)))
        book.flush()
    assert len(client.messages) > 200
