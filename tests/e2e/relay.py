"""A relay on loopback: a network that can be absent, and come back at another address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from terminal.core import tasks


class Relay:
    """What was passed on."""

    def __init__(self) -> None:
        self.accepted = 0


@asynccontextmanager
async def relay(host: str, port: int, target: tuple[str, int]) -> AsyncIterator[Relay]:
    """Pass connections to ``host:port`` on to ``target`` until the block is left; then they are cut."""
    found = Relay()
    writers: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.accepted += 1
        there, back = await asyncio.open_connection(*target)
        writers.update((writer, back))
        answers = tasks.spawn(pump(there, writer), name="relay")
        await pump(reader, back)
        await tasks.cancel_and_wait(answers)
        writers.difference_update((writer, back))

    server = await asyncio.start_server(accept, host, port)
    try:
        yield found
    finally:
        server.close()
        for writer in list(writers):
            writer.transport.abort()
        deadline = asyncio.get_running_loop().time() + 5.0
        while writers and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.005)
