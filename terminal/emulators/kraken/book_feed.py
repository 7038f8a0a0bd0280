"""The ``book`` and ``level3`` channels of one pair: each message is built once for all who listen.

Changes gather until the next flush (or until one change is complete, when every change is to be a message).
A message holds what differs inside the subscribed depth; a level pushed over the edge is never deleted by
word, and one that comes back over it is told as new: Kraken WebSocket v2 ``book``, read 2026-08.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from terminal.domain.market import Side
from terminal.emulators.faults import Faults
from terminal.emulators.kraken.checksum import CHECKED_LEVELS, book_checksum
from terminal.emulators.kraken.ids import order_txid
from terminal.emulators.kraken.wire import iso_ns, iso_us
from terminal.emulators.market.engine import MatchingEngine
from terminal.emulators.market.engine_types import EngineOrder
from terminal.emulators.web import text_frame

BOOK_DEPTHS: Final = (10, 25, 100, 500, 1000)
LEVEL3_DEPTHS: Final = (10, 100, 1000)

_PRICE: Final = re.compile(rb'("(?:price|limit_price|last|bid)":)-?[0-9.eE+-]+')

Send = Callable[[bytes, str], None]
"""Takes a finished WebSocket frame and its fault subject."""


class Shown(NamedTuple):
    """One level as told to subscribers."""

    wire: str
    """``{"price":66788.0,"qty":3.21926649}``."""
    crc: str


class BookFeed:
    """Level 2 of one pair."""

    def __init__(self, engine: MatchingEngine, faults: Faults, stamp: Callable[[], int]) -> None:
        self._engine = engine
        self._faults = faults
        self._stamp = stamp
        listing = engine.listing
        self._symbol = listing.symbol
        self._grid = engine.grid
        self._price_decimals = listing.price_decimals
        self._quantity_decimals = listing.quantity_decimals
        self._subject = f"ws/data/book/{listing.symbol}"
        self.subscribers: dict[int, set[Send]] = {}
        self._bids: dict[int, Shown] = {}
        self._asks: dict[int, Shown] = {}
        self._changed_bids: dict[Decimal, Decimal] = {}
        self._changed_asks: dict[Decimal, Decimal] = {}
        self._edges: dict[int, tuple[int | None, int | None]] = {}
        self.messages = 0

    @property
    def active(self) -> bool:
        """Somebody listens."""
        return bool(self.subscribers)

    @property
    def pending(self) -> bool:
        """There are changes that nobody was told of yet."""
        return bool(self._changed_bids or self._changed_asks)

    def note(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        """A visible total changed."""
        if self.subscribers:
            (self._changed_bids if side is Side.BUY else self._changed_asks)[price] = quantity

    # ---- subscribers -----------------------------------------------------------------------------

    def add(self, depth: int, send: Send) -> None:
        """Begin to send at this depth; call :meth:`snapshot` for its first message."""
        if self.subscribers:
            self.flush()
        else:
            self._load()
        self.subscribers.setdefault(depth, set()).add(send)
        self._edges[depth] = self._edge(Side.BUY, depth), self._edge(Side.SELL, depth)

    def remove(self, depth: int, send: Send) -> None:
        found = self.subscribers.get(depth)
        if found is None:
            return
        found.discard(send)
        if not found:
            del self.subscribers[depth]
            self._edges.pop(depth, None)
        if not self.subscribers:
            self._bids, self._asks = {}, {}
            self._changed_bids.clear()
            self._changed_asks.clear()

    def snapshot(self, depth: int) -> bytes:
        """The frame of a whole book."""
        bids = ",".join(self._bids[key].wire for key in self._engine.level_keys(Side.BUY)[:depth])
        asks = ",".join(self._asks[key].wire for key in self._engine.level_keys(Side.SELL)[:depth])
        checksum = self._checksum()
        if self._faults.active and self._faults.take("wrong_checksum", self._subject):
            checksum ^= 0x5A5A5A5A
        return text_frame(
            f'{{"channel":"book","type":"snapshot","data":[{{"symbol":"{self._symbol}","bids":[{bids}],'
            f'"asks":[{asks}],"checksum":{checksum},"timestamp":"{iso_us(self._stamp())}"}}]}}'.encode()
        )

    # ---- updates ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Tell subscribers what changed since the last time."""
        if not self._changed_bids and not self._changed_asks:
            return
        bid_keys = self._apply(self._bids, self._changed_bids, -1)
        ask_keys = self._apply(self._asks, self._changed_asks, 1)
        self._changed_bids = {}
        self._changed_asks = {}
        checksum: int | None = None
        stamp = ""
        built: dict[tuple[str, str], bytes] = {}
        for depth, senders in self.subscribers.items():
            bid_edge, ask_edge = self._edges[depth]
            new_bid, new_ask = self._edge(Side.BUY, depth), self._edge(Side.SELL, depth)
            self._edges[depth] = new_bid, new_ask
            bids = self._rows(Side.BUY, self._bids, bid_keys, bid_edge, new_bid, depth)
            asks = self._rows(Side.SELL, self._asks, ask_keys, ask_edge, new_ask, depth)
            if not bids and not asks:
                continue
            if checksum is None:
                checksum, stamp = self._checksum(), iso_us(self._stamp())
            frame = built.get((bids, asks))
            if frame is None:
                frame = built[bids, asks] = self._update(bids, asks, checksum, stamp)
            if self._faults.active:
                self._send_faulty(frame, bids, asks, checksum, stamp, senders)
                continue
            self.messages += len(senders)
            for send in tuple(senders):
                send(frame, self._subject)

    def _update(self, bids: str, asks: str, checksum: int, stamp: str) -> bytes:
        return text_frame(
            f'{{"channel":"book","type":"update","data":[{{"symbol":"{self._symbol}","bids":[{bids}],'
            f'"asks":[{asks}],"checksum":{checksum},"timestamp":"{stamp}"}}]}}'.encode()
        )

    def _apply(self, levels: dict[int, Shown], changed: dict[Decimal, Decimal], sign: int) -> list[int]:
        """Bring the copy up to date; returns the keys that differ now, negative-zero style gone ones too."""
        keys: list[int] = []
        for price, quantity in changed.items():
            ticks = self._grid.ticks(price)
            key = sign * ticks
            if quantity:
                steps = self._grid.steps(quantity)
                crc = f"{ticks}{steps}"
                old = levels.get(key)
                if old is not None and old.crc == crc:
                    continue
                levels[key] = Shown(self._wire(ticks, steps), crc)
                keys.append(key)
            elif levels.pop(key, None) is not None:
                keys.append(key)
        keys.sort()
        return keys

    def _rows(
        self,
        side: Side,
        levels: dict[int, Shown],
        changed: list[int],
        old_edge: int | None,
        new_edge: int | None,
        depth: int,
    ) -> str:
        """The changes inside a depth: what is gone, then what is there now, best first.

        Kraken's own messages tell deletions first (all 51 mixed lists of a recording), so that a client which
        cuts its book after every row, not after every message, loses no level that is still inside.
        """
        gone: list[str] = []
        rows: list[str] = []
        sign = -1 if side is Side.BUY else 1
        told: set[int] = set()
        for key in changed:
            level = levels.get(key)
            if level is not None:
                if new_edge is None or key <= new_edge:
                    rows.append(level.wire)
                    told.add(key)
            elif old_edge is None or key <= old_edge:
                gone.append(self._wire(sign * key, 0))
        if old_edge is not None and (new_edge is None or new_edge > old_edge):
            # Levels that the edge gave way to.
            rows.extend(
                levels[key].wire
                for key in self._engine.level_keys(side)[:depth]
                if key > old_edge and key not in told
            )
        return ",".join(gone + rows)

    def _edge(self, side: Side, depth: int) -> int | None:
        """The key of the last level inside the depth; None while the book is no deeper."""
        keys = self._engine.level_keys(side)
        return keys[depth - 1] if len(keys) >= depth else None

    def _checksum(self) -> int:
        bids, asks = self._bids, self._asks
        return book_checksum(
            (asks[key].crc for key in self._engine.level_keys(Side.SELL)[:CHECKED_LEVELS]),
            (bids[key].crc for key in self._engine.level_keys(Side.BUY)[:CHECKED_LEVELS]),
        )

    def _load(self) -> None:
        bids, asks = self._engine.book(1_000_000)
        self._changed_bids = dict(bids)
        self._changed_asks = dict(asks)
        self._bids, self._asks = {}, {}
        self._apply(self._bids, self._changed_bids, -1)
        self._apply(self._asks, self._changed_asks, 1)
        self._changed_bids, self._changed_asks = {}, {}

    def _wire(self, ticks: int, steps: int) -> str:
        price = point(ticks, self._price_decimals)
        return f'{{"price":{price},"qty":{point(steps, self._quantity_decimals)}}}'

    # ---- faults ----------------------------------------------------------------------------------

    def _send_faulty(
        self, frame: bytes, bids: str, asks: str, checksum: int, stamp: str, senders: Iterable[Send]
    ) -> None:
        faults = self._faults
        if faults.take("book_gap", self._subject) is not None:
            return
        frames = [frame]
        if faults.take("wrong_checksum", self._subject) is not None:
            frames = [self._update(bids, asks, checksum ^ 0x5A5A5A5A, stamp)]
        fault = faults.take("nan_prices", self._subject)
        if fault is not None:
            text = self._update(bids, asks, checksum, stamp)
            frames = [replace_price(text, fault.text("value", "NaN"))]
        if faults.take("crossed_book", self._subject) is not None:
            frames.append(self._crossed(stamp))
        for one in frames:
            for send in tuple(senders):
                send(one, self._subject)

    def _crossed(self, stamp: str) -> bytes:
        """A bid five ticks above the best ask, as a venue's own mistake: the checksum agrees with it."""
        asks, bids = self._engine.level_keys(Side.SELL), self._engine.level_keys(Side.BUY)
        ticks = (asks[0] if asks else -bids[0]) + 5
        steps = 10**self._quantity_decimals
        ours = f"{ticks}{steps}"
        checksum = book_checksum(
            (self._asks[key].crc for key in asks[:CHECKED_LEVELS]),
            (ours, *(self._bids[key].crc for key in bids[: CHECKED_LEVELS - 1])),
        )
        return self._update(self._wire(ticks, steps), "", checksum, stamp)


def point(whole: int, decimals: int) -> str:
    """A count of smallest units as a decimal number: 667881 at one decimal is ``66788.1``."""
    if not decimals:
        return str(whole)
    text = str(whole)
    if len(text) <= decimals:
        text = text.zfill(decimals + 1)
    return f"{text[:-decimals]}.{text[-decimals:]}"


def replace_price(frame: bytes, value: str) -> bytes:
    """The frame with its first price replaced by whatever ``value`` says."""
    start = 2 if frame[1] < 126 else 4 if frame[1] == 126 else 10
    return text_frame(_PRICE.sub(lambda found: found.group(1) + value.encode(), frame[start:], count=1))


class Level3Feed:
    """Every order of one pair's book."""

    def __init__(self, engine: MatchingEngine, faults: Faults, stamp: Callable[[], int]) -> None:
        self._engine = engine
        self._faults = faults
        self._stamp = stamp
        listing = engine.listing
        self._symbol = listing.symbol
        self._price_decimals = listing.price_decimals
        self._quantity_decimals = listing.quantity_decimals
        self._subject = f"ws/data/level3/{listing.symbol}"
        self.subscribers: dict[int, set[Send]] = {}
        self._events: list[tuple[str, bool, int, int, int, int]] = []
        """What happened: event, is a buy, key, order id, ticks, shown steps."""
        self._edges: dict[int, tuple[int | None, int | None]] = {}

    def note(self, event: str, order: EngineOrder) -> None:
        """An order entered the book, changed in it or left it."""
        if self.subscribers:
            key = -order.price_ticks if order.is_buy else order.price_ticks
            self._events.append(
                (event, order.is_buy, key, order.order_id, order.price_ticks, order.shown_steps)
            )

    @property
    def pending(self) -> bool:
        return bool(self._events)

    def add(self, depth: int, send: Send) -> None:
        self.flush()
        self.subscribers.setdefault(depth, set()).add(send)
        self._edges[depth] = self._edge(Side.BUY, depth), self._edge(Side.SELL, depth)

    def remove(self, depth: int, send: Send) -> None:
        found = self.subscribers.get(depth)
        if found is None:
            return
        found.discard(send)
        if not found:
            del self.subscribers[depth]
            self._edges.pop(depth, None)
        if not self.subscribers:
            self._events.clear()

    def snapshot(self, depth: int) -> bytes:
        """The frame of every order inside the depth."""
        sides = {
            side: ",".join(
                self._row(order) for level in self._engine.orders_by_level(side, depth) for order in level
            )
            for side in Side
        }
        return self._frame("snapshot", sides[Side.BUY], sides[Side.SELL])

    def flush(self) -> None:
        """Tell subscribers what happened since the last time."""
        if not self._events:
            return
        events, self._events = self._events, []
        now = iso_ns(self._stamp())
        for depth, senders in self.subscribers.items():
            old, new = self._edges[depth], (self._edge(Side.BUY, depth), self._edge(Side.SELL, depth))
            self._edges[depth] = new
            rows: dict[bool, list[str]] = {True: [], False: []}
            told: set[int] = set()
            for event, is_buy, key, order_id, ticks, steps in events:
                edge, old_edge = new[0 if is_buy else 1], old[0 if is_buy else 1]
                inside = edge is None or key <= edge
                was_inside = old_edge is None or key <= old_edge
                if event == "delete":
                    if not was_inside and order_id not in told:
                        continue
                elif not inside:
                    continue
                elif not was_inside and order_id not in told:
                    event = "add"  # it was there before, beyond the edge
                rows[is_buy].append(self._event(event, order_id, ticks, steps, now))
                told.add(order_id)
            for index, side in enumerate((Side.BUY, Side.SELL)):
                rows[side is Side.BUY].extend(self._revealed(side, depth, old[index], new[index], told, now))
            if rows[True] or rows[False]:
                frame = self._frame("update", ",".join(rows[True]), ",".join(rows[False]))
                for send in tuple(senders):
                    send(frame, self._subject)

    def _revealed(
        self, side: Side, depth: int, old: int | None, new: int | None, told: set[int], now: str
    ) -> list[str]:
        """Orders of levels that came into the depth because others left it."""
        if old is None or (new is not None and new <= old):
            return []
        sign = -1 if side is Side.BUY else 1
        return [
            self._event("add", order.order_id, order.price_ticks, order.shown_steps, now)
            for level in self._engine.orders_by_level(side, depth)
            for order in level
            if sign * order.price_ticks > old and order.order_id not in told
        ]

    def _edge(self, side: Side, depth: int) -> int | None:
        keys = self._engine.level_keys(side)
        return keys[depth - 1] if len(keys) >= depth else None

    def _row(self, order: EngineOrder) -> str:
        return (
            f'{{"order_id":"{order_txid(order.order_id)}",'
            f'"limit_price":{point(order.price_ticks, self._price_decimals)},'
            f'"order_qty":{point(order.shown_steps, self._quantity_decimals)},'
            f'"timestamp":"{iso_ns(order.updated_ns)}"}}'
        )

    def _event(self, event: str, order_id: int, ticks: int, steps: int, now: str) -> str:
        return (
            f'{{"event":"{event}","order_id":"{order_txid(order_id)}",'
            f'"limit_price":{point(ticks, self._price_decimals)},'
            f'"order_qty":{point(steps, self._quantity_decimals)},"timestamp":"{now}"}}'
        )

    def _frame(self, kind: str, bids: str, asks: str) -> bytes:
        checksum = book_checksum(self._crc(Side.SELL), self._crc(Side.BUY))
        if self._faults.active and self._faults.take("wrong_checksum", self._subject):
            checksum ^= 0x5A5A5A5A
        return text_frame(
            f'{{"channel":"level3","type":"{kind}","data":[{{"symbol":"{self._symbol}","bids":[{bids}],'
            f'"asks":[{asks}],"checksum":{checksum},"timestamp":"{iso_ns(self._stamp())}"}}]}}'.encode()
        )

    def _crc(self, side: Side) -> list[str]:
        return [
            f"{order.price_ticks}{order.shown_steps}"
            for level in self._engine.orders_by_level(side, CHECKED_LEVELS)
            for order in level
        ]
