"""A loopback cTrader endpoint that pours out recorded price events as fast as the socket takes them.

Run as a process of its own, so that only the reading side is measured. Every event is a TLS record of its
own, as a server sends them.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import sys
from pathlib import Path
from typing import Any

from terminal.core import tasks
from terminal.venues.ctrader import openapi_pb2 as pb
from tests.unit.transport.servers import Peer
from tests.unit.venues.ctrader.fake_venue import DEMO, EURUSD, NUMBERS, FakeVenue, Wire, frame

_SEED = 7
_LEVELS = 20
_MID = 114_800
LAST_WIRE = 100_001
"""The bid of the last event of all, far from the market."""


def spot_events(count: int) -> list[bytes]:
    """Changes of one best price or both with their time, as they come after the first whole one."""
    rng = random.Random(_SEED)
    bid, frames = _MID, []
    for number in range(count):
        bid += rng.choice((-2, -1, -1, 0, 1, 1, 2))
        event = pb.ProtoOASpotEvent(
            ctidTraderAccountId=DEMO, symbolId=EURUSD, timestamp=1_700_000_000_000 + number
        )
        side = rng.random()
        if number == 0 or side < 0.7:
            event.bid = bid
        if number == 0 or side > 0.6:
            event.ask = bid + rng.randint(1, 4)
        if number == 0:
            event.sessionClose = _MID - 30
        frames.append(frame(event))
    frames[-1] = frame(
        pb.ProtoOASpotEvent(ctidTraderAccountId=DEMO, symbolId=EURUSD, bid=LAST_WIRE, timestamp=1)
    )
    return frames


def depth_events(count: int) -> list[bytes]:
    """A book of twenty quotes a side, then changes of one to three of them, in place or for another."""
    rng = random.Random(_SEED)
    quotes: dict[int, tuple[str, int]] = {}
    first = pb.ProtoOADepthEvent(ctidTraderAccountId=DEMO, symbolId=EURUSD)
    next_id = 1
    for level in range(_LEVELS):
        for side, at in (("bid", _MID - level), ("ask", _MID + 1 + level)):
            quotes[next_id] = (side, at)
            _add(first, next_id, side, at, rng)
            next_id += 1
    frames = [frame(first)]
    while len(frames) < count:
        event = pb.ProtoOADepthEvent(ctidTraderAccountId=DEMO, symbolId=EURUSD)
        for _ in range(rng.randint(1, 3)):
            old = rng.choice(list(quotes))
            side, at = quotes[old]
            if rng.random() < 0.5:
                # The same quote with another size.
                if not any(each.id == old for each in event.newQuotes) and old not in event.deletedQuotes:
                    _add(event, old, side, at, rng)
                continue
            if any(each.id == old for each in event.newQuotes):
                continue
            event.deletedQuotes.append(old)
            del quotes[old]
            side_sign = -1 if side == "bid" else 1
            at = _MID + (0 if side == "bid" else 1) + side_sign * rng.randint(0, _LEVELS)
            quotes[next_id] = (side, at)
            _add(event, next_id, side, at, rng)
            next_id += 1
        if event.newQuotes or event.deletedQuotes:
            frames.append(frame(event))
    last = pb.ProtoOADepthEvent(ctidTraderAccountId=DEMO, symbolId=EURUSD)
    last.newQuotes.add(id=next_id, size=100, bid=LAST_WIRE)
    frames[-1] = frame(last)
    return frames


def _add(event: pb.ProtoOADepthEvent, quote_id: int, side: str, at: int, rng: random.Random) -> None:
    quote = event.newQuotes.add(id=quote_id, size=rng.randint(1, 500) * 10_000_000)
    setattr(quote, side, at)


async def main(certificate: Path, kind: str, count: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    frames = spot_events(count) if kind == "spots" else depth_events(count)
    venue = FakeVenue(0)
    request = pb.ProtoOASubscribeSpotsReq if kind == "spots" else pb.ProtoOASubscribeDepthQuotesReq

    def pour(wire: Wire, message: Any, message_id: str) -> None:
        venue.usual(wire, message, message_id)
        tasks.spawn(_pour(wire), name="pour")

    async def _pour(wire: Wire) -> None:
        try:
            for number, data in enumerate(frames):
                wire.raw(data)
                if number % 32 == 31:
                    await wire.writer.drain()
            await wire.writer.drain()
        except ConnectionError:
            return

    venue.on[NUMBERS[request]] = pour

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await venue.talk(Peer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()

    async with await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    words = sys.argv[1:]
    asyncio.run(main(Path(words[0]), words[1], int(words[2])))
