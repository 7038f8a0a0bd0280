"""OKX's feed path against its floor: frame received, decoded, applied, proven, flagged.

The frames are a recording of OKX's own: the books of a dated future and of a swap, both inverse, so that
their levels count contracts. What is read of a book is told in our units, and the reading is not part of the
path. The floor receives the same frames and decodes them with the same decoder, and does nothing else: once
with the library as it is meant to be used, which is what the bar is about, and once over the terminal's own
link. A third case has the same frames with the chain of numbers that OKX sends today in the place of the
checksum it sent then. All are measured in this process's own CPU time, turn about.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from websockets.asyncio.client import connect

from terminal.core import memory, tasks
from terminal.core.clock import SystemClock
from terminal.domain.events import VenueEvent
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookSnapshot, Feed, FeedKind
from terminal.services.market_data import DEFAULT_BOOK_DEPTH, FeedState, MarketData, Topic
from terminal.transport.websocket import WebSocketLink
from terminal.venues.base import ConnectorSettings
from terminal.venues.okx.connector import OkxConnector
from terminal.venues.okx.parse import decode_book
from terminal.venues.okx.symbols import symbol_of
from tests.helpers import market_data_folder
from tests.unit.venues.okx import samples

ROUNDS = 7
FRAMES = 20_000
TICK_S = 1 / 60
BAR = 1.6
CAPTURE = "okx-ws-public-2022-05-13.ndjson"


class Case(NamedTuple):
    title: str
    file: Path
    inst_id: str


def main() -> None:
    # All sides run under the collector's settings that the terminal runs with.
    memory.begin_start()
    memory.end_start()
    capture = market_data_folder() / CAPTURE
    if not capture.exists():
        print(f"  skipped: {CAPTURE} is not here")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        instruments = folder / "instruments.json"
        instruments.write_text(json.dumps([samples.OLD_INVERSE_FUTURE, samples.OLD_UNI]))
        for case in _cases(folder, capture):
            _compare(case, instruments)


def _cases(folder: Path, capture: Path) -> Iterator[Case]:
    frames = [json.loads(line)["frame"] for line in capture.read_text().splitlines()]
    for inst_id in ("BTC-USD-220527", "UNI-USD-SWAP"):
        books = [json.loads(frame) for frame in frames if '"action"' in frame and inst_id in frame]
        yield Case(f"real capture, {inst_id}", _write(folder / f"{inst_id}.txt", books), inst_id)
        for number, message in enumerate(books):
            row = message["data"][0]
            row.update(checksum=0, seqId=number + 10, prevSeqId=number + 9 if number else -1)
        file = _write(folder / f"{inst_id}-chain.txt", books)
        yield Case(f"the same with today's chain, {inst_id}", file, inst_id)


def _write(file: Path, messages: list[dict[str, Any]]) -> Path:
    file.write_text("\n".join(json.dumps(message, separators=(",", ":")) for message in messages))
    return file


def _compare(case: Case, instruments: Path) -> None:
    messages = [decode_book(line) for line in case.file.read_bytes().splitlines()]
    changes = sum(len(row.bids) + len(row.asks) for message in messages[1:] for row in message.data)
    repeat = max(1, FRAMES // len(messages))
    frames = len(messages) * repeat
    floor, bare, ours = [], [], []
    with _server(case, instruments, repeat) as port:
        for _ in range(ROUNDS):
            floor.append(asyncio.run(_floor(port, case, frames)))
            bare.append(asyncio.run(_floor_of_own_link(port, case, frames)))
            ours.append(asyncio.run(_feed_path(port, case, frames, len(messages))))
    ratio = _ratio(ours, floor)
    print(f"  {case.title}, {changes / (len(messages) - 1):.1f} levels a frame")
    print(
        f"    ratio {ratio:.2f} (bar {BAR}){'' if ratio <= BAR else ' OVER'}; "
        f"to decoding over its own link {_ratio(ours, bare):.2f}; "
        f"a frame: floor {_us(floor, frames):.1f} us, own link {_us(bare, frames):.1f} us, "
        f"feed path {_us(ours, frames):.1f} us",
        flush=True,
    )


def _ratio(ours: list[float], floor: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, floor, strict=True))


def _us(seconds: list[float], frames: int) -> float:
    return statistics.median(seconds) / frames * 1e6


@contextmanager
def _server(case: Case, instruments: Path, repeat: int) -> Iterator[int]:
    command = [
        *(sys.executable, "-m", "tests.bench.okx_replay_server"),
        *(str(case.file), str(instruments), str(repeat)),
    ]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.communicate(input="", timeout=10)


def _subscribe(case: Case) -> str:
    return f'{{"id":"1","op":"subscribe","args":[{{"channel":"books","instId":"{case.inst_id}"}}]}}'


async def _floor(port: int, case: Case, frames: int) -> float:
    async with connect(f"ws://127.0.0.1:{port}/ws/v5/public", compression=None, proxy=None) as socket:
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
            if '"event"' in str(frame[:200]):
                return  # the acknowledgement
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
        venue="okx",
        url=lambda: f"ws://127.0.0.1:{port}/ws/v5/public",
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


async def _feed_path(port: int, case: Case, frames: int, verify_every: int) -> float:
    market = MarketData(SystemClock(), book_depth=DEFAULT_BOOK_DEPTH)
    base = f"ws://127.0.0.1:{port}/ws/v5"
    connector = OkxConnector(
        ConnectorSettings(
            {
                "rest": f"http://127.0.0.1:{port}",
                "ws_public": f"{base}/public",
                "ws_private": f"{base}/private",
                "ws_business": f"{base}/business",
            }
        )
    )
    symbol = symbol_of(case.inst_id)
    assert symbol is not None
    instrument = InstrumentId("okx", symbol)
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
        market.ingest("okx", event)
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
        await connector.instruments()
        market.attach("okx", connector)
        market.set_stale("okx", False)
        market.watch(Feed(FeedKind.BOOK, symbol), "okx")
        async with asyncio.timeout(60):
            await done.wait()
        # A figure counts only if the work was done: the book proven, and never taken again.
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


if __name__ == "__main__":
    main()
