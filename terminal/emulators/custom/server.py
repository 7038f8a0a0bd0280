"""The practice plugin's own port: plain HTTP on loopback, as the published reference plugin serves it.

The reference's kind (FMZ custom protocol, transport): HTTP/1.0, no Content-Length, the connection closed
after each answer, one connection at a time from its acceptance to its end. The better kind: HTTP/1.1 with
Content-Length and keep-alive, connections side by side. Which one holds is asked anew for each connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from email.utils import formatdate
from typing import Any, Final, Protocol

from terminal.core import tasks
from terminal.emulators.faults import Fault, Faults
from terminal.emulators.web import HttpRequest, HttpResponse
from terminal.transport.http_server import parse_head

MAX_HEAD_BYTES: Final = 16 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024
IDLE_TIMEOUT_S: Final = 30.0
"""How long a connection may be silent. The reference waits for ever and serves nobody meanwhile."""
HOLD_S: Final = 120.0
"""How long a call that is never answered is held, if its client does not go."""
DOOR: Final = "connect/custom"

_REASONS: Final = {200: "OK", 400: "Bad Request", 411: "Length Required", 413: "Content Too Large",
                   429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway"}  # fmt: skip

log = logging.getLogger("practice.custom")


class PluginHandler(Protocol):
    """What the port needs of the plugin."""

    @property
    def better(self) -> bool:
        """Whether it is of the better kind now."""
        ...

    def on_request(self, request: HttpRequest) -> HttpResponse | None:
        """Answer one request; None: close the connection without an answer."""
        ...


class PluginServer:
    """Listens on loopback and hands requests to the plugin, one at a time or side by side."""

    def __init__(self, handler: PluginHandler, faults: Faults) -> None:
        self._handler = handler
        self._faults = faults
        self._server: asyncio.Server | None = None
        self._turn = asyncio.Lock()
        self._open: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self.port = 0
        self.accepted = 0

    @property
    def connections(self) -> int:
        """How many are open, those that wait for their turn included."""
        return len(self._open)

    async def start(self, port: int = 0) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=MAX_HEAD_BYTES)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Close the port and every connection at once."""
        if self._server is not None:
            self._server.close()
        await tasks.cancel_and_wait(*self._open, timeout_s=1.0)
        if self._server is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._server.wait_closed()
            self._server = None

    def strike(self, fault: Fault) -> int:
        """Reset the open connections; returns how many."""
        if not fault.matches(DOOR):
            return 0
        for writer in self._open.values():
            _reset(writer)
        return len(self._open)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = tasks.spawn(self._serve(reader, writer), name="practice.custom.connection")
        self._open[task] = writer
        task.add_done_callback(lambda done: self._open.pop(done, None))

    # ---- one connection --------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._handler.better:
                while await self._exchange(reader, writer, keep_alive=True):
                    pass
            else:
                async with self._turn:
                    await self._exchange(reader, writer, keep_alive=False)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            log.debug("a connection ended in the middle")
        finally:
            writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keep_alive: bool
    ) -> bool:
        """One request and its answer; whether the connection goes on."""
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            found = await _read_request(reader)
        if found is None:
            return False
        if isinstance(found, HttpResponse):
            await self._send(writer, found, keep=False, new=keep_alive)
            return False
        if self._faults.active and await self._struck_at_door(reader, writer):
            return False
        response = self._handler.on_request(found)
        if response is None:
            return False
        if response.withhold:
            await _hold(reader)
            return False
        if response.abort:
            _reset(writer)
            return False
        if response.delay_s > 0:
            await asyncio.sleep(response.delay_s)
        keep = (
            keep_alive
            and found.headers.get("connection", "").lower() != "close"
            and not response.truncate
            and response.drip_interval_s <= 0
        )
        await self._send(writer, response, keep=keep, new=keep_alive)
        return keep

    async def _struck_at_door(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self._faults.take("refuse", DOOR) is not None:
            _reset(writer)
            return True
        if self._faults.take("hang", DOOR) is not None:
            await _hold(reader)
            return True
        return False

    async def _send(
        self, writer: asyncio.StreamWriter, response: HttpResponse, *, keep: bool, new: bool
    ) -> None:
        status = f"{response.status} {_REASONS.get(response.status, 'Status')}"
        lines = [f"HTTP/1.1 {status}" if new else f"HTTP/1.0 {status}"]
        lines.append(f"Date: {formatdate(usegmt=True)}")
        lines.append(f"Content-type: {response.content_type}")
        if new:
            lines.append(f"Content-Length: {len(response.body)}")
            lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
        lines += [f"{name}: {value}" for name, value in response.headers]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        body = response.body
        if response.truncate:
            body = body[: len(body) // 2]
        if response.drip_interval_s > 0:
            for at in range(0, len(body), response.drip_bytes):
                writer.write(body[at : at + response.drip_bytes])
                await writer.drain()
                await asyncio.sleep(response.drip_interval_s)
        else:
            writer.write(body)
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> HttpRequest | HttpResponse | None:
    """The next request whole; a refusal; or None where the client has closed."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    parsed = parse_head(head)
    if parsed is None:
        return _refusal(400)
    method, target, headers = parsed
    if "transfer-encoding" in headers:
        return _refusal(411)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or len(length) > 12:
        return _refusal(400)
    if int(length) > MAX_BODY_BYTES:
        return _refusal(413)
    body = await reader.readexactly(int(length))
    path, _, query = target.partition("?")
    return HttpRequest(method, target, path, query, headers, body)


def _refusal(status: int) -> HttpResponse:
    return HttpResponse(status, _REASONS[status].encode(), "text/plain")


async def _hold(reader: asyncio.StreamReader) -> None:
    """Say nothing until the client goes."""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(HOLD_S):
            while await reader.read(4096):
                pass


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a TCP reset."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
