"""Book frames of the practice venue, recorded from its socket."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import NamedTuple

from websockets.asyncio.client import connect

from terminal.emulators.process import EmulatorProcess

LIVELY = 20.0
"""About as lively as the workspace bench needs it for its 5,000 messages a second."""
FRAMES = 300
_SYMBOL = "BTC/USD"
_LONGEST_S = 120


class Manner(NamedTuple):
    """How the practice venue sends."""

    title: str
    rate: float
    extra_args: tuple[str, ...] = ()


MANNERS = (
    Manner("calm, as it starts", 1.0),
    Manner("lively, one message a change, as in the workspace bench", LIVELY, ("--book-batch-ms", "0")),
    Manner("lively, changes gathered for 20 ms", LIVELY),
)


def record_practice_books(folder: Path, depths: tuple[int, ...]) -> dict[tuple[Manner, int], Path]:
    """The frames of one book, the snapshot first, one a line: a file for each manner and depth."""
    return asyncio.run(_record_all(folder, depths))


async def _record_all(folder: Path, depths: tuple[int, ...]) -> dict[tuple[Manner, int], Path]:
    async with asyncio.TaskGroup() as group:
        for number, manner in enumerate(MANNERS):
            group.create_task(_record(folder, number, manner, depths))
    return {
        (manner, depth): folder / f"{number}-{depth}.ndjson"
        for number, manner in enumerate(MANNERS)
        for depth in depths
    }


async def _record(folder: Path, number: int, manner: Manner, depths: tuple[int, ...]) -> None:
    process = EmulatorProcess(data_dir=None, seed=7, rate=manner.rate, extra_args=manner.extra_args)
    url = (await process.start())["kraken"]["ws_public"]
    try:
        async with asyncio.timeout(_LONGEST_S), asyncio.TaskGroup() as group:
            for depth in depths:
                group.create_task(_listen(url, depth, folder / f"{number}-{depth}.ndjson"))
    finally:
        await process.stop()


async def _listen(url: str, depth: int, file: Path) -> None:
    params = {"channel": "book", "symbol": [_SYMBOL], "depth": depth, "snapshot": True}
    lines: list[str] = []
    async with connect(url, proxy=None, max_size=None) as socket:
        await socket.send(json.dumps({"method": "subscribe", "params": params}))
        while len(lines) < FRAMES:
            frame = await socket.recv(decode=True)
            if frame.startswith('{"channel":"book"'):
                lines.append(frame)
    file.write_text("\n".join(lines), encoding="utf-8")
