"""The bridge under load: 200 calls a second for ticker and depth while the whole window is shown.

A strategy in a process of its own calls over a kept connection, and over a new one for each call, as the
platform's node does. Told are the latencies that it sees, those that the bridge itself counts (from the whole
call to its answer), and the gaps between the window's frames with and without the calls.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence

from terminal.bridge.bots import NewKeys
from tests.bench.desk import BOOKS, ROOT, VENUE, Desk, desk, in_own_process, percentile, run_under_qt

CALLS_PER_S = 200
SECONDS = 10
MEDIAN_MS = 2.0
"""The bar for what the bridge itself takes."""


def main(options: Sequence[str] = ()) -> None:
    in_own_process("tests.bench.bridge_load", options)


# -- the strategy's process -----------------------------------------------------------------------------


def strategy() -> None:
    """Read the task from standard input, call at an even pace, print the latencies in ms as JSON."""
    task = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(_call_evenly(**task))), flush=True)


async def _call_evenly(
    port: int, access_key: str, secret_key: str, kept: bool, calls: int, per_s: int
) -> list[float]:
    bodies = [
        json.dumps(
            {
                "access_key": access_key,
                "secret_key": secret_key,
                "nonce": 0,
                "method": method,
                "params": {"symbol": symbol.replace("/", "_"), "limit": "30"},
            }
        ).encode()
        for symbol in BOOKS
        for method in ("ticker", "depth")
    ]
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    took_ms: list[float] = []

    async def call(body: bytes) -> None:
        began = time.perf_counter()
        if kept and free:
            reader, writer = free.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /{VENUE.upper()} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n"
        if not kept:
            head += "Connection: close\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        data = await reader.readexactly(length)
        took_ms.append((time.perf_counter() - began) * 1000)
        assert data.startswith(b'{"data"'), data[:200]
        if kept:
            free.append((reader, writer))
        else:
            writer.close()

    for body in bodies:
        await call(body)  # the first call of each waits for its feed
    took_ms.clear()
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(calls):
            await asyncio.sleep(max(0.0, began + number / per_s - time.perf_counter()))
            group.create_task(call(bodies[number % len(bodies)]))
    for _, writer in free:
        writer.close()
    return took_ms


# -- the terminal's process -----------------------------------------------------------------------------


class Gaps:
    """The times between frames, and how many frames came late by more than a half."""

    def __init__(self, bench: Desk) -> None:
        self.ms: list[float] = []
        self._last: float | None = None
        self._stop = bench.frames.register(self._on_frame)

    def _on_frame(self) -> None:
        now = time.perf_counter()
        if self._last is not None:
            self.ms.append((now - self._last) * 1000)
        self._last = now

    def stop(self) -> None:
        self._stop()

    def told(self) -> str:
        middle, late = percentile(self.ms, 0.5), percentile(self.ms, 0.99)
        dropped = sum(gap > 1.5 * middle for gap in self.ms)
        return (
            f"{len(self.ms)} frames, p50 {middle:.1f} ms, p99 {late:.1f} ms, worst {max(self.ms):.1f} ms, "
            f"{dropped} late"
        )


async def measure() -> None:
    async with desk(window=True) as bench:
        bridge = bench.terminal.bridge
        _, keys = bridge.bots.make("bench")
        await bridge.switch_on(0)
        gaps = Gaps(bench)
        await asyncio.sleep(SECONDS)
        gaps.stop()
        print(f"  no call          {gaps.told()}")
        for kept in (True, False):
            seen, gaps = await _run_strategy(bench, keys, kept=kept)
            own = [record.took_ms for record in bridge.calls.records]
            assert not bridge.calls.refused, [each.error for each in bridge.calls.records if each.error][:3]
            name = "a kept connection" if kept else "one a call"
            print(f"  {CALLS_PER_S} calls/s, {name}")
            for title, figures in (("the strategy sees", seen), ("the bridge takes", own)):
                bar = f" (bar {MEDIAN_MS:.0f})" if figures is own else ""
                print(
                    f"    {title:<18} p50 {percentile(figures, 0.5):5.2f} ms{bar}, "
                    f"p99 {percentile(figures, 0.99):5.2f} ms, worst {max(figures):.1f} ms"
                )
            print(f"    frames             {gaps.told()}")
        await bridge.switch_off()


async def _run_strategy(bench: Desk, keys: NewKeys, *, kept: bool) -> tuple[list[float], Gaps]:
    """What the strategy saw, and the frames while it called: its start is no part of it."""
    task = {
        "port": bench.terminal.bridge.port,
        "access_key": keys.access_key.reveal(),
        "secret_key": keys.secret_key.reveal(),
        "kept": kept,
        "calls": CALLS_PER_S * SECONDS,
        "per_s": CALLS_PER_S,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bridge_load", "--strategy"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(task).encode() + b"\n")
        process.stdin.flush()
        assert await asyncio.to_thread(process.stdout.readline) == b"ready\n"
        gaps = Gaps(bench)
        process.stdin.write(b"go\n")
        process.stdin.flush()
        seen: list[float] = json.loads(await asyncio.to_thread(process.stdout.readline))
        gaps.stop()
    finally:
        process.kill()
        process.communicate()
    return seen, gaps


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--strategy", action="store_true")
    if parser.parse_args().strategy:
        strategy()
    else:
        run_under_qt(measure)
