"""The feed path against its floor: frame received, decoded, applied, verified, flagged.

The frames are a recording of Kraken's and what the practice venue sends, calm and lively. The floor receives
the same frames and decodes them with the same decoder, and does nothing else: once with the library as it is
meant to be used, which is what the bar is about, and once over the terminal's own link. All are measured in
this process's own CPU time, turn about, so that neither the sending process nor the machine's other work
counts.

Every update is applied. They are verified together at each screen tick and at the end of each pass through
the recording (it begins with a snapshot, which would put aside what waits); how much more it takes where each
comes alone and is verified alone is told beside it.
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
from terminal.services.market_data import DEFAULT_BOOK_DEPTH, FeedState, MarketData, Topic
from terminal.transport.websocket import WebSocketLink
from terminal.venues.base import ConnectorSettings
from terminal.venues.kraken.connector import KrakenConnector
from terminal.venues.kraken.parse import decode_book
from tests.bench.recording import record_practice_books
from tests.helpers import market_data_folder

ROUNDS = 7
FRAMES = 20_000
TICK_S = 1 / 60
BAR = 1.6
DEPTHS = (10, 100, DEFAULT_BOOK_DEPTH)


class Case(NamedTuple):
    title: str
    file: Path
    symbol: str
    depth: int
    price_decimals: int


def main() -> None:
    # All sides run under the collector's settings that the terminal runs with.
    memory.begin_start()
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
    for (manner, depth), file in record_practice_books(folder, DEPTHS).items():
        yield Case(f"practice {manner.title}, BTC/USD depth {depth}", file, "BTC/USD", depth, 1)


def _compare(case: Case) -> None:
    messages = [decode_book(line) for line in case.file.read_bytes().splitlines() if line]
    changes = sum(len(row.bids) + len(row.asks) for message in messages[1:] for row in message.data)
    repeat = max(1, FRAMES // len(messages))
    frames = len(messages) * repeat
    floor, bare, ours, alone = [], [], [], []
    with _server(case, repeat) as port:
        for _ in range(ROUNDS):
            floor.append(asyncio.run(_floor(port, case, frames)))
            bare.append(asyncio.run(_floor_of_own_link(port, case, frames)))
            ours.append(asyncio.run(_feed_path(port, case, frames, verify_every=len(messages))))
            alone.append(asyncio.run(_feed_path(port, case, frames, verify_every=1)))
    ratio = _ratio(ours, floor)
    print(f"  {case.title}, {changes / (len(messages) - 1):.1f} levels a frame")
    print(
        f"    ratio {ratio:.2f} (bar {BAR}){'' if ratio <= BAR else ' OVER'}; "
        f"to decoding over its own link {_ratio(ours, bare):.2f}; "
        f"a frame: floor {_us(floor, frames):.1f} us, own link {_us(bare, frames):.1f} us, "
        f"feed path {_us(ours, frames):.1f} us, each verified alone {_us(alone, frames):.1f} us",
        flush=True,
    )


def _ratio(ours: list[float], floor: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, floor, strict=True))


def _us(seconds: list[float], frames: int) -> float:
    return statistics.median(seconds) / frames * 1e6


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


def _subscribe(case: Case) -> str:
    return (
        f'{{"method":"subscribe","params":{{"channel":"book","symbol":["{case.symbol}"],'
        f'"depth":{case.depth},"snapshot":true}},"req_id":1}}'
    )


async def _floor(port: int, case: Case, frames: int) -> float:
    async with connect(f"ws://127.0.0.1:{port}/v2", compression=None, proxy=None) as socket:
        await socket.recv()
        await socket.send(_subscribe(case))
        await socket.recv()
        begun = time.process_time()
        for _ in range(frames):
            decode_book(await socket.recv())
        return time.process_time() - begun


async def _floor_of_own_link(port: int, case: Case, frames: int) -> float:
    came = 0
    begun = ended = 0.0
    done = asyncio.Event()

    def on_frame(frame: str | bytes, ts_received_ns: int) -> None:
        nonlocal came, begun, ended
        if not came:
            if "book" not in str(frame[:20]):
                return  # status and acknowledgement
            begun = time.process_time()
        decode_book(frame)
        came += 1
        if came == frames:
            ended = time.process_time()
            done.set()

    async def on_open(link: WebSocketLink) -> None:
        link.send_now(_subscribe(case))

    link = WebSocketLink(
        name="floor",
        venue="kraken",
        url=lambda: f"ws://127.0.0.1:{port}/v2",
        on_frame=on_frame,
        on_open=on_open,
        on_state=lambda state, reason: None,
    )
    link.start()
    try:
        async with asyncio.timeout(60):
            await done.wait()
        return ended - begun
    finally:
        await link.close()


async def _feed_path(port: int, case: Case, frames: int, *, verify_every: int) -> float:
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
        if type(event) is BookDelta or type(event) is BookSnapshot:
            if came == 0:
                begun = time.process_time()
            came += 1
            if came % verify_every == 0:
                market.flush()
            if came == frames:
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
        assert flagged >= frames // verify_every
        return ended - begun
    finally:
        await tasks.cancel_and_wait(ticking)
        await connector.close()


async def _tick(flush: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        flush()
        memory.collect_if_due()
