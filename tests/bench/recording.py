"""Book frames of the practice venue, recorded from its socket."""

from __future__ import annotations

import asyncio
import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect

from terminal.emulators.process import EmulatorProcess

LIVELY = 20.0


def _unbatch(endpoints: dict[str, Any]) -> None:
    venue = urlsplit(endpoints["control"])
    assert venue.hostname is not None
    connection = http.client.HTTPConnection(venue.hostname, venue.port, timeout=5)
    headers = {"X-Practice-Token": endpoints["control_token"]}
    connection.request("POST", f"{venue.path}/rate", json.dumps({"book_batch_ms": 0}), headers)
    assert connection.getresponse().status == 200
    connection.close()


def record_practice_book(file: Path, symbol: str, depth: int, *, frames: int) -> Path:
    """Write so many book frames, the snapshot first, one a line; the file."""
    asyncio.run(_record(file, symbol, depth, frames))
    return file


async def _record(file: Path, symbol: str, depth: int, frames: int) -> None:
    process = EmulatorProcess(data_dir=None, seed=7, rate=LIVELY)
    endpoints = (await process.start())["kraken"]
    try:
        request = {
            "method": "subscribe",
            "params": {"channel": "book", "symbol": [symbol], "depth": depth, "snapshot": True},
        }
        # One message a change, as Kraken sends them: 1.3 levels each, in the real capture and here.
        await asyncio.to_thread(_unbatch, endpoints)
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
