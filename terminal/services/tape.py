"""The last public prints of one instrument, each once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from terminal.domain.market import Trade

KEEP_S = 120.0
MOST = 5000
LEAST = 100


class Tape:
    """Prints in the order in which they came, none twice.

    Kept is what came within the time asked for, counted back from the newest: a lively market fills that in
    the time itself, and holds no more from then on. Never more than :data:`MOST`, and in a quiet market the
    last :data:`LEAST`, however old.

    Attributes:
        trades: newest last; read only.
    """

    __slots__ = ("_ids", "trades")

    def __init__(self) -> None:
        self.trades: deque[Trade] = deque()
        # Not a set: of 5,000 ids that come and go it takes more than twice the room.
        self._ids: dict[str, None] = {}

    def take(self, trades: Iterable[Trade], *, keep_ns: int) -> bool:
        """Add those that are not on it and let go of what is too old; whether there were any."""
        kept, ids = self.trades, self._ids
        before = len(kept)
        for trade in trades:
            if trade.trade_id not in ids:
                ids[trade.trade_id] = None
                kept.append(trade)
        if len(kept) == before:
            return False
        horizon = kept[-1].ts_received_ns - keep_ns
        while len(kept) > MOST or (len(kept) > LEAST and kept[0].ts_received_ns < horizon):
            del ids[kept.popleft().trade_id]
        return True
