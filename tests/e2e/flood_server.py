"""A loopback Kraken that floods: tickers and trades of hundreds of pairs, as many a second as it is told.

    python -m tests.e2e.flood_server PRICE PAIR...

A process of its own, so that only the reading side is measured. It prints its port, answers subscriptions as
the venue does (WS v2), keeps quiet until it reads ``go MESSAGES MESSAGES_A_SECOND``, and then prints as JSON
what it sent: how many messages in how many seconds, the last bid and the last trade's number of each pair.
A reader that is slower than the flood slows it down, as TCP does; nothing is left out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from decimal import Decimal
from zlib import crc32

from terminal.core import tasks
from tests.unit.transport.servers import Peer, frame, serve

TICK_S = 0.01
# No divisor of the number of pairs, so that each pair has its turn at both.
TRADE_EVERY = 19
HEARTBEAT = frame(0x1, b'{"channel":"heartbeat"}')
STATUS = (
    '{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":1,"system":"online",'
    '"version":"2.0.10"}]}'
)
STAMP = "2026-01-01T00:00:00.000000Z"


class Flood:
    """What is sent, and to whom."""

    def __init__(self, price: Decimal, pairs: list[str]) -> None:
        self.price = price
        self.pairs = pairs
        self.peer: Peer | None = None
        self.bids: dict[str, str] = {}
        self.trade_ids = dict.fromkeys(pairs, 0)

    async def talk(self, peer: Peer) -> None:
        """One connection."""
        await peer.upgrade()
        peer.send_text(STATUS)
        beating = tasks.spawn(self._beat(peer), name="heartbeat")
        self.peer = peer
        try:
            while True:
                opcode, data = await peer.read_frame()
                if opcode == 0x9:
                    peer.write(frame(0xA, data))
                elif opcode == 0x8:
                    peer.write(frame(0x8, data))
                    return
                elif opcode == 0x1:
                    self._answer(peer, json.loads(data))
        finally:
            beating.cancel()

    async def _beat(self, peer: Peer) -> None:
        while True:
            await asyncio.sleep(1.0)
            peer.write(HEARTBEAT)

    def _answer(self, peer: Peer, request: dict[str, object]) -> None:
        method, number = request.get("method"), request.get("req_id")
        params = request.get("params") or {}
        assert isinstance(params, dict)
        if method == "ping":
            peer.send_text(json.dumps({"method": "pong", "req_id": number, "time_in": STAMP}))
            return
        channel = params.get("channel")
        for symbol in params.get("symbol") or [None]:
            result = {"channel": channel, "snapshot": True}
            if symbol is not None:
                result["symbol"] = symbol
            if "depth" in params:
                result["depth"] = params["depth"]
            if "interval" in params:
                result["interval"] = params["interval"]
            answer = {"method": method, "result": result, "success": True, "time_in": STAMP}
            peer.send_text(json.dumps({**answer, "time_out": STAMP, "req_id": number}))
            if method == "subscribe" and channel == "book":
                peer.send_text(self._book(str(symbol)))
        if method == "subscribe" and channel == "instrument":
            peer.send_text(self._instruments())

    def _instruments(self) -> str:
        rows = ",".join(
            f'{{"symbol":"{pair}","base":"{pair.partition("/")[0]}","quote":"{pair.partition("/")[2]}",'
            '"status":"online","qty_precision":8,"qty_increment":0.00000001,"price_precision":1,'
            '"cost_precision":5,"marginable":false,"has_index":true,"cost_min":0.5,"tick_size":0.1,'
            '"price_increment":0.1,"qty_min":0.00005}'
            for pair in self.pairs
        )
        return f'{{"channel":"instrument","type":"snapshot","data":{{"assets":[],"pairs":[{rows}]}}}}'

    def _book(self, symbol: str) -> str:
        """A still book: ten levels a side, one currency unit apart."""
        asks = [f"{self.price + level + 1:.1f}" for level in range(10)]
        bids = [f"{self.price - level - 1:.1f}" for level in range(10)]
        digits = "".join(f"{price.replace('.', '')}100000000" for price in (*asks, *bids))
        sides = (",".join(f'{{"price":{price},"qty":1.00000000}}' for price in side) for side in (bids, asks))
        return (
            '{{"channel":"book","type":"snapshot","data":[{{"symbol":"{}","bids":[{}],"asks":[{}],'
            '"checksum":{}}}]}}'.format(symbol, *sides, crc32(digits.encode()))
        )

    async def run(self, messages: int, a_second: int) -> dict[str, object]:
        """Send so many messages at this pace, or as fast as they are read."""
        peer = self.peer
        assert peer is not None
        sent, begun = 0, time.monotonic()
        while sent < messages:
            due = min(messages, int((time.monotonic() - begun) * a_second) + 1)
            while sent < due:
                # In pieces, so that pings are answered between them.
                piece = range(sent, min(due, sent + 500))
                peer.write(b"".join(frame(0x1, self._message(number).encode()) for number in piece))
                sent = piece.stop
                await peer.writer.drain()
            await asyncio.sleep(TICK_S)
        return {
            "messages": sent,
            "took_s": time.monotonic() - begun,
            "bids": self.bids,
            "trades": self.trade_ids,
        }

    def _message(self, number: int) -> str:
        if number % TRADE_EVERY == 0:
            return self._trade(self.pairs[number // TRADE_EVERY % len(self.pairs)])
        symbol = self.pairs[number % len(self.pairs)]
        bid = self.bids[symbol] = f"{self.price + Decimal(number % 1000) / 10:.1f}"
        return (
            f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{symbol}","bid":{bid},"bid_qty":1.0,'
            f'"ask":{self.price + 200},"ask_qty":1.0,"last":{bid},"volume":1.0,"vwap":1.0,"low":1.0,'
            '"high":1.0,"change":0.0,"change_pct":0.00}]}'
        )

    def _trade(self, symbol: str) -> str:
        self.trade_ids[symbol] += 1
        return (
            f'{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"buy",'
            f'"price":{self.price},"qty":0.01000000,"ord_type":"limit",'
            f'"trade_id":{self.trade_ids[symbol]},"timestamp":"{STAMP}"}}]}}'
        )


async def main(price: Decimal, pairs: list[str]) -> None:
    flood = Flood(price, pairs)
    async with serve(flood.talk) as server:
        print(server.port, flush=True)
        while words := (await asyncio.to_thread(sys.stdin.readline)).split():
            print(json.dumps(await flood.run(int(words[1]), int(words[2]))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Decimal(sys.argv[1]), sys.argv[2:]))
