"""The practice OKX without a server: for what only a clock can bring about."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terminal.core.clock import Clock
from terminal.emulators.faults import Faults
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.market.store import Store
from terminal.emulators.okx.face import OkxFace
from terminal.emulators.okx.kinds import OKX_IMMEDIATE, OKX_KINDS


@contextmanager
def face_at(clock: Clock, folder: Path) -> Iterator[OkxFace]:
    """One on a clock of its own, kept in a folder; its market moves only when it is told to."""
    store = Store(folder)
    market = PracticeMarket(seed=11, clock=clock, store=store, rate=0.0, listings=())
    faults = Faults(clock.monotonic_ns, kinds=OKX_KINDS, immediate=OKX_IMMEDIATE)
    face = OkxFace(market, faults, clock, rng=random.Random(3), rate=0.0)
    try:
        yield face
    finally:
        face.stop()
        store.close()
