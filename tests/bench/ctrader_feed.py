"""cTrader's feed path against its floor: frame received over TLS, decoded, merged, proven, flagged.

The floor reads the same frames over the same TLS with asyncio's own stream reader and decodes envelope and
event with the same classes, and does nothing else; a second floor does so over the terminal's own link, which
spares itself the stream reader's waits. All are measured in this process's own CPU time, turn about, so that
neither the sending process nor the machine's other work counts.
"""

from __future__ import annotations

import asyncio
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf.message import Message

from terminal.core import memory, tasks
from terminal.core.clock import SystemClock
from terminal.core.secret import Secret
from terminal.domain.events import VenueEvent
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, Feed, FeedKind, Quote
from terminal.services.market_data import FeedState, MarketData, Topic
from terminal.transport.frames import FrameLink
from terminal.venues.base import ConnectorSettings
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.connector import CtraderConnector
from tests.bench.ctrader_server import LAST_WIRE
from tests.unit.transport.servers import Authority
from tests.unit.venues.ctrader.fake_venue import DEMO, EURUSD, NUMBERS, TOKEN, FakeHand, frame

ROUNDS = 7
FRAMES = 40_000
TICK_S = 1 / 60
LAST = Decimal(LAST_WIRE).scaleb(-5)


class Case(NamedTuple):
    title: str
    kind: str
    feed: Feed
    event: type[Message]
    request: type[Message]


CASES = (
    Case(
        "spot events, one-sided",
        "spots",
        Feed(FeedKind.QUOTES, "EUR/USD"),
        pb.ProtoOASpotEvent,
        pb.ProtoOASubscribeSpotsReq,
    ),
    Case(
        "depth events, one to three quotes of forty",
        "depth",
        Feed(FeedKind.BOOK, "EUR/USD"),
        pb.ProtoOADepthEvent,
        pb.ProtoOASubscribeDepthQuotesReq,
    ),
)


def main() -> None:
    # Both sides run under the collector's settings that the terminal runs with.
    memory.end_start()
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        authority.server("localhost")
        for case in CASES:
            _compare(case, authority)


def _compare(case: Case, authority: Authority) -> None:
    floors, links, ours = [], [], []
    with _server(case, authority) as port:
        for _ in range(ROUNDS):
            floors.append(asyncio.run(_floor(port, case, authority)))
            links.append(asyncio.run(_own_link(port, case, authority)))
            ours.append(asyncio.run(_feed_path(port, case, authority)))
    shares = [our / floor for our, floor in zip(ours, floors, strict=True)]
    to_link = statistics.median(our / link for our, link in zip(ours, links, strict=True))
    floor_us, link_us, ours_us = (min(each) / FRAMES * 1e6 for each in (floors, links, ours))
    print(
        f"  {case.title}, an event: floor {floor_us:.1f} us, own link {link_us:.1f} us, "
        f"feed path {ours_us:.1f} us"
    )
    print(
        f"    ratio {statistics.median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f}; bar 1.6); "
        f"to decoding over its own link {to_link:.2f}"
    )


@contextmanager
def _server(case: Case, authority: Authority) -> Iterator[int]:
    (certificate, *_rest) = authority.folder.glob("server-*.pem")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.ctrader_server", str(certificate), case.kind, str(FRAMES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.communicate(input="", timeout=10)


async def _floor(port: int, case: Case, authority: Authority) -> float:
    context = ssl.create_default_context(cafile=str(authority.path))
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    for request in _requests(case):
        writer.write(frame(request, "1"))
        (size,) = struct.unpack(">I", await reader.readexactly(4))
        await reader.readexactly(size)
    unpack, decode, decode_event = struct.unpack, pb.ProtoMessage.FromString, case.event.FromString
    begun = time.process_time()
    for _ in range(FRAMES):
        (size,) = unpack(">I", await reader.readexactly(4))
        decode_event(decode(await reader.readexactly(size)).payload)
    took = time.process_time() - begun
    writer.transport.abort()
    return took


def _requests(case: Case) -> tuple[Message, ...]:
    """The way to the events; each has one answer."""
    named: dict[str, Any] = {"ctidTraderAccountId": DEMO}
    return (
        pb.ProtoOAApplicationAuthReq(clientId="i", clientSecret="application-secret"),
        pb.ProtoOAAccountAuthReq(**named, accessToken=TOKEN),
        case.request(**named, symbolId=[EURUSD]),
    )


async def _own_link(port: int, case: Case, authority: Authority) -> float:
    decode, decode_event, event_type = pb.ProtoMessage.FromString, case.event.FromString, NUMBERS[case.event]
    requests = [frame(request, "1")[4:] for request in _requests(case)]
    count = 0
    begun = ended = 0.0
    done = asyncio.Event()

    def on_frame(data: bytes, ts_received_ns: int) -> None:
        nonlocal begun, count, ended
        envelope = decode(data)
        if envelope.payloadType == event_type:
            decode_event(envelope.payload)
            count += 1
            if count == FRAMES:
                ended = time.process_time()
                done.set()
        elif requests:
            # As in the feed path: from before the subscription on.
            begun = time.process_time()
            link.send_now(requests.pop(0))

    async def on_open(opened: FrameLink) -> None:
        opened.send_now(requests.pop(0))

    link = FrameLink(
        name="floor",
        venue="ctrader",
        address=lambda: f"localhost:{port}",
        on_frame=on_frame,
        on_open=on_open,
        on_state=lambda state, reason: None,
        ca_file=str(authority.path),
    )
    link.start()
    try:
        async with asyncio.timeout(60):
            await done.wait()
        return ended - begun
    finally:
        await link.close()


async def _feed_path(port: int, case: Case, authority: Authority) -> float:
    market = MarketData(SystemClock(), book_depth=100)
    connector = CtraderConnector(
        ConnectorSettings(
            {"demo": f"localhost:{port}", "live": f"localhost:{port}", "ca": str(authority.path)},
            {
                "client_id": Secret("i"),
                "client_secret": Secret("application-secret"),
                "access_token": Secret(TOKEN),
            },
        ),
        make_hand=lambda account, emit: FakeHand(account),
    )
    instrument = InstrumentId("ctrader", "EUR/USD")
    wanted = Topic.QUOTE if case.kind == "spots" else Topic.BOOK
    flagged = 0
    ended = 0.0
    done = asyncio.Event()

    def on_change(which: InstrumentId, topic: Topic) -> None:
        nonlocal flagged
        if topic is wanted:
            flagged += 1

    def sink(event: VenueEvent) -> None:
        nonlocal ended
        market.ingest("ctrader", event)
        if _is_last(event):
            market.flush()
            ended = time.process_time()
            done.set()

    market.changed.watch(on_change)
    ticking = tasks.spawn(_tick(market.flush), name="tick")
    try:
        await connector.connect(sink)
        await connector.instruments()
        market.attach("ctrader", connector)
        market.set_stale("ctrader", False)
        # From before the subscription on: a whole reading of the socket goes by before the first word.
        begun = time.process_time()
        market.watch(case.feed, "ctrader")
        async with asyncio.timeout(60):
            await done.wait()
        # A figure counts only if the work was done: the book stands, and was never taken again.
        if case.kind == "depth":
            assert market.book_state(instrument) is FeedState.LIVE, market.book_state(instrument)
        assert market.resyncs == 0
        assert flagged > 0
        return ended - begun
    finally:
        await tasks.cancel_and_wait(ticking)
        await connector.close()


def _is_last(event: VenueEvent) -> bool:
    """The server's last event bears a price that no other has."""
    if isinstance(event, Quote):
        return event.bid == LAST
    return isinstance(event, BookDelta) and any(level.price == LAST for level in event.bids)


async def _tick(flush: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        flush()
