"""What the link costs a frame, against the library's own loop: a ratio in one run, not a time."""

from __future__ import annotations

import asyncio
import time

from websockets.asyncio.client import connect

from terminal.transport.websocket import LinkPolicy, WebSocketLink
from tests.helpers import eventually, run
from tests.unit.transport.servers import Peer, frame, serve

FRAMES = 3_000
_TEXT = (
    b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":45283.5,"qty":0.1}],'
    b'"asks":[],"checksum":2439117997,"timestamp":"2026-01-01T00:00:00.000000Z"}]}'
)
# Both readers may use no more than this above the other for reasons of the machine alone.
_NOISE_US = 1.5


async def _pour(peer: Peer) -> None:
    """All frames at once, when asked: what is measured is the reading."""
    await peer.upgrade()
    while True:
        opcode, _ = await peer.read_frame()
        if opcode == 0x1:
            peer.write(frame(0x1, _TEXT) * FRAMES)


def test_link_costs_no_more_than_the_bare_loop_and_the_margin() -> None:
    async def main() -> None:
        async with serve(_pour) as server:
            got = 0

            def count(text: str | bytes, ts_ns: int) -> None:
                nonlocal got
                got += 1

            async def ready(link: WebSocketLink) -> None:
                pass

            link = WebSocketLink(
                name="public",
                venue="test",
                url=lambda: server.ws,
                on_frame=count,
                on_open=ready,
                on_state=lambda state, reason: None,
                policy=LinkPolicy(idle_timeout_s=None, ping_interval_s=600, close_timeout_s=0.1),
            )
            link.start()
            await eventually(lambda: link.is_open)
            ours, bare = [], []
            async with connect(
                server.ws, proxy=None, compression=None, ping_interval=None, max_size=None, close_timeout=0.1
            ) as ws:
                for _ in range(8):
                    got = 0
                    started = time.process_time()
                    await link.send("go")
                    while got < FRAMES:
                        await asyncio.sleep(0)
                    ours.append(time.process_time() - started)

                    left = FRAMES
                    started = time.process_time()
                    await ws.send("go")
                    async for _message in ws:
                        time.time_ns()  # the stamp that our handler gets
                        left -= 1
                        if not left:
                            break
                    bare.append(time.process_time() - started)
                await link.close()
            extra_us = (min(ours) - min(bare)) / FRAMES * 1e6
            print(f"bare {min(bare) / FRAMES * 1e6:.2f} us, link {extra_us:+.2f} us a frame")
            assert extra_us < _NOISE_US

    run(main())
