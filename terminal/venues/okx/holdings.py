"""Open positions as OKX tells them, each with the stop and target that wait for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

import msgspec

from terminal.core.clock import Clock
from terminal.domain.account import NO_PROTECTION, Position
from terminal.domain.decimals import ZERO
from terminal.domain.events import PositionReported
from terminal.venues.okx.account import guards, held_of, is_offered, position, protection_of
from terminal.venues.okx.order_words import Held
from terminal.venues.okx.orders import OrderTracker, is_protective
from terminal.venues.okx.parse import maybe_price, number
from terminal.venues.okx.symbols import SymbolMap, inst_type_of
from terminal.venues.okx.wire import AlgoRow, PositionRow

_REASON_KEPT_NS = 30_000_000_000
_LEEWAY_MS = 1_000
_ENDED_KEPT = 500


class Span(NamedTuple):
    """When a position was open, for its fills; ``until_ms`` None: it still is."""

    inst_id: str
    inst_type: str
    since_ms: int
    until_ms: int | None


class Holdings:
    """What is open, and what guards it."""

    def __init__(
        self, symbols: SymbolMap, tracker: OrderTracker, clock: Clock, on_fault: Callable[[str], None]
    ) -> None:
        self._symbols = symbols
        self._tracker = tracker
        self._clock = clock
        self._on_fault = on_fault
        self._rows: dict[str, PositionRow] = {}
        self._told: dict[str, Position] = {}
        self._fired: list[tuple[int, AlgoRow]] = []
        self._closed_ids: dict[tuple[str, str, str], str] = {}
        self._ended: OrderedDict[str, PositionRow] = OrderedDict()

    def row(self, position_id: str) -> PositionRow | None:
        """OKX's own record of an open position."""
        return self._rows.get(position_id)

    def is_whole(self, position_id: str, quantity: Decimal) -> bool:
        """Whether so much is all of an open position."""
        told = self._told.get(position_id)
        return told is not None and told.quantity == quantity

    def held(self, position_id: str | None) -> Held | None:
        """What a closing order needs to know of a position."""
        row = self._rows.get(position_id) if position_id is not None else None
        return held_of(row) if row is not None else None

    def position_id(self, inst_id: str, pos_side: str, mode: str, *, reduces: bool = False) -> str | None:
        """The open position that an order of this instrument and margin mode belongs to; one that only
        ``reduces`` may have ended it just now. What opens a position comes before OKX has told of it, and has
        none."""
        side = pos_side or "net"
        for key, row in self._rows.items():
            if (row.instId, row.posSide or "net") == (inst_id, side) and same_mode(row.mgnMode, mode):
                return key
        return self._closed_ids.get((inst_id, side, mode)) if reduces else None

    def span(self, position_id: str) -> Span | None:
        """When a position was open; None where it is not known."""
        row = self._rows.get(position_id) or self._ended.get(position_id)
        if row is None:
            return None
        is_open = position_id in self._rows
        inst_type = row.instType or inst_type_of(row.instId)
        # Its opening fill may be stamped a moment before it.
        since_ms = max(0, _age(row.cTime) - _LEEWAY_MS)
        until_ms = None if is_open else (_age(row.uTime) or _age(row.cTime)) + _LEEWAY_MS
        return Span(row.instId, inst_type, since_ms, until_ms)

    def position_of(self, inst_id: str, pos_side: str, at_ns: int, *, mode: str = "") -> str | None:
        """The position, open or closed, that a fill of this time belonged to; ``mode``: what backed its
        order, where that is known. None where it is not known, or where two are possible."""
        at_ms = at_ns // 1_000_000
        found = []
        for key, row in (*self._rows.items(), *self._ended.items()):
            if row.instId != inst_id or (row.posSide or "net") != (pos_side or "net"):
                continue
            if not same_mode(row.mgnMode, mode):
                continue
            span = self.span(key)
            if span is not None and span.since_ms <= at_ms <= (span.until_ms or at_ms):
                found.append(key)
        return found[0] if len(set(found)) == 1 else None

    def only_mode(self, inst_id: str) -> str:
        """The margin mode of an instrument's open positions, where they all have the same; else empty."""
        modes = {row.mgnMode for row in self._rows.values() if row.instId == inst_id}
        return modes.pop() if len(modes) == 1 else ""

    def take(self, rows: Sequence[PositionRow], *, is_whole: bool) -> list[PositionReported]:
        """Take rows of the stream or of REST; ``is_whole``: what is not among them is closed."""
        out = []
        for row in rows:
            if not is_offered(row):
                continue
            before = self._rows.get(row.posId)
            if before is not None and _age(before.uTime) > _age(row.uTime):
                continue
            out += self._take(row)
        if is_whole:
            named = {row.posId for row in rows}
            out += [self._closed(key) for key in list(self._told) if key not in named]
        return out

    def _take(self, row: PositionRow) -> list[PositionReported]:
        try:
            if number(row.pos) == 0:
                return [self._closed(row.posId, row.uTime)] if row.posId in self._told else []
            fresh = self._read(row)
        except (ValueError, ArithmeticError) as error:
            self._on_fault(f"position {row.posId}: {error}")
            return []
        self._rows[row.posId] = row
        self._told[row.posId] = fresh
        return [PositionReported(fresh)]

    def all(self) -> tuple[Position, ...]:
        return tuple(self._told.values())

    def protections_changed(self) -> list[PositionReported]:
        """Told again: the positions whose stop or target is another one now."""
        out = []
        for key, row in self._rows.items():
            fresh = self._read(row)
            if fresh.protection != self._told[key].protection:
                self._told[key] = fresh
                out.append(PositionReported(fresh))
        return out

    def fired(self, row: AlgoRow) -> None:
        """A stop or target was hit: the end of its position is explained by it."""
        if is_protective(row):
            self._fired.append((self._clock.monotonic_ns(), row))
            del self._fired[:-50]

    def guarding(self, held: Held) -> list[AlgoRow]:
        """The waiting stops and targets of a position."""
        return [row for row in self._tracker.protective() if guards(row, held)]

    def _read(self, row: PositionRow) -> Position:
        held = held_of(row)
        return position(row, self._symbols, protection_of(self._tracker.protective(), held))

    def _closed(self, key: str, stamp: str = "") -> PositionReported:
        row = self._rows.pop(key)
        self._ended[key] = msgspec.structs.replace(
            row, uTime=stamp or str(self._clock.wall_ns() // 1_000_000)
        )
        self._ended.move_to_end(key)
        while len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)
        self._closed_ids[row.instId, row.posSide or "net", row.mgnMode] = key
        told = self._told.pop(key)
        closed = replace(told, quantity=ZERO, protection=NO_PROTECTION, unrealised=None, margin=None)
        return PositionReported(closed, self._reason(held_of(row)))

    def _reason(self, held: Held) -> str:
        horizon = self._clock.monotonic_ns() - _REASON_KEPT_NS
        for stamp, row in reversed(self._fired):
            if stamp < horizon:
                break
            if guards(row, held):
                if row.ordType == "move_order_stop" or row.actualSide == "sl":
                    return "stop loss"
                if row.actualSide == "tp":
                    return "take profit"
                return "stop loss" if maybe_price(row.slTriggerPx) else "take profit"
        return ""


def same_mode(one: str, other: str) -> bool:
    """Whether two margin modes may be the same: one that is not told may be any."""
    return not one or not other or one == other


def _age(stamp: str) -> int:
    return int(stamp) if stamp.isdigit() else 0
