"""Book frames of the practice venue, recorded from its socket."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from websockets.asyncio.client import connect

from terminal.emulators.process import EmulatorProcess

LIVELY = 20.0


def record_practice_book(file: Path, symbol: str, depth: int, *, frames: int) -> Path:
    """Write so many book frames, the snapshot first, one a line; the file."""
    asyncio.run(_record(file, symbol, depth, frames))
    return file


async def _record(file: Path, symbol: str, depth: int, frames: int) -> None:
    # One message a change, as Kraken sends them: 1.3 levels each, in the real capture and here.
    process = EmulatorProcess(data_dir=None, seed=7, rate=LIVELY, extra_args=("--book-batch-ms", "0"))
    endpoints = (await process.start())["kraken"]
    try:
        request = {
            "method": "subscribe",
            "params": {"channel": "book", "symbol": [symbol], "depth": depth, "snapshot": True},
        }
        lines: list[str] = []
        async with connect(endpoints["ws_public"], proxy=None, max_size=None) as socket, asyncio.timeout(60):
            await socket.send(json.dumps(request))
            while len(lines) < frames:
                frame = await socket.recv(decode=True)
                if frame.startswith('{"channel":"book"'):
                    lines.append(frame)
        await asyncio.to_thread(file.write_text, "\n".join(lines), encoding="utf-8")
    finally:
        await process.stop()
