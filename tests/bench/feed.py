"""The feed path against its floor, on real frames: frame received, decoded, applied, verified, flagged.

The floor receives the same frames with the same library and decodes them with the same decoder, and does
nothing else. Both are measured in this process's own CPU time, turn about, so that neither the sending
process nor the machine's other work counts.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from websockets.asyncio.client import connect

from terminal.core import memory, tasks
from terminal.core.clock import SystemClock
from terminal.domain.events import VenueEvent
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookSnapshot, Feed, FeedKind
from terminal.services.market_data import FeedState, MarketData, Topic
from terminal.venues.base import ConnectorSettings
from terminal.venues.kraken.connector import KrakenConnector
from terminal.venues.kraken.parse import decode_book
from tests.bench.recording import record_practice_book
from tests.helpers import market_data_folder

ROUNDS = 7
FRAMES = 20_000
TICK_S = 1 / 60


class Case(NamedTuple):
    title: str
    file: Path
    symbol: str
    depth: int
    price_decimals: int


def main() -> None:
    # Both sides run under the collector's settings that the terminal runs with.
    memory.end_start()
    with tempfile.TemporaryDirectory() as folder:
        for case in _cases(Path(folder)):
            _compare(case)


def _cases(folder: Path) -> Iterator[Case]:
    capture = market_data_folder() / "kraken-ws-v2-book10-btcusd.ndjson"
    if capture.exists():
        yield Case("real capture, BTC/USD depth 10", capture, "BTC/USD", 10, 1)
    else:
        print(f"  skipped: {capture.name} is not here")
    for depth in (10, 100):
        file = record_practice_book(folder / f"practice-{depth}.ndjson", "BTC/USD", depth, frames=1000)
        yield Case(f"practice frames, BTC/USD depth {depth}", file, "BTC/USD", depth, 1)


def _compare(case: Case) -> None:
    lines = len([line for line in case.file.read_text(encoding="utf-8").splitlines() if line])
    repeat = max(1, FRAMES // lines)
    frames = lines * repeat
    floors, ours = [], []
    with _server(case, repeat) as port:
        for _ in range(ROUNDS):
            floors.append(asyncio.run(_floor(port, case, frames)))
            ours.append(asyncio.run(_feed_path(port, case, frames)))
    ratio = statistics.median(o / f for o, f in zip(ours, floors, strict=True))
    floor_us, ours_us = min(floors) / frames * 1e6, min(ours) / frames * 1e6
    print(f"  {case.title}, a frame: floor {floor_us:.1f} us, feed path {ours_us:.1f} us")
    print(f"    ratio {ratio:.2f} (bar 1.6)")


@contextmanager
def _server(case: Case, repeat: int) -> Iterator[int]:
    command = [
        *(sys.executable, "-m", "tests.bench.replay_server", str(case.file), case.symbol, str(case.depth)),
        *(str(case.price_decimals), "8", str(repeat)),
    ]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.communicate(input="", timeout=10)


async def _floor(port: int, case: Case, frames: int) -> float:
    request = (
        f'{{"method":"subscribe","params":{{"channel":"book","symbol":["{case.symbol}"],'
        f'"depth":{case.depth},"snapshot":true}},"req_id":1}}'
    )
    async with connect(f"ws://127.0.0.1:{port}/v2", compression=None, proxy=None) as socket:
        await socket.recv()
        await socket.send(request)
        await socket.recv()
        begun = time.process_time()
        for _ in range(frames):
            decode_book(await socket.recv())
        return time.process_time() - begun


async def _feed_path(port: int, case: Case, frames: int) -> float:
    market = MarketData(SystemClock(), book_depth=case.depth)
    connector = KrakenConnector(
        ConnectorSettings({"ws_public": f"ws://127.0.0.1:{port}/v2", "rest": f"http://127.0.0.1:{port}"})
    )
    instrument = InstrumentId("kraken", case.symbol)
    flagged = 0
    came = 0
    begun = ended = 0.0
    done = asyncio.Event()

    def on_change(which: InstrumentId, topic: Topic) -> None:
        nonlocal flagged
        if topic is Topic.BOOK:
            flagged += 1

    def sink(event: VenueEvent) -> None:
        nonlocal came, begun, ended
        market.ingest("kraken", event)
        if isinstance(event, BookDelta | BookSnapshot):
            if came == 0:
                begun = time.process_time()
            came += 1
            if came == frames:
                market.flush()
                ended = time.process_time()
                done.set()

    market.changed.watch(on_change)
    ticking = tasks.spawn(_tick(market.flush), name="tick")
    try:
        await connector.connect(sink)
        market.attach("kraken", connector)
        market.set_stale("kraken", False)
        market.watch(Feed(FeedKind.BOOK, case.symbol), "kraken")
        async with asyncio.timeout(60):
            await done.wait()
        # A figure counts only if the work was done: every book proven by its checksum, none taken again.
        assert market.book_state(instrument) is FeedState.LIVE, market.book_state(instrument)
        assert market.resyncs == 0
        assert flagged > 0
        return ended - begun
    finally:
        await tasks.cancel_and_wait(ticking)
        await connector.close()


async def _tick(flush: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        flush()
