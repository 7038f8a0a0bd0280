"""A small HTTP/1.1 server for this machine alone: keep-alive, hard limits, and a word for every refusal.

It is for programs, not for browsers. Before a byte of a body is read, the head is judged: how many
connections there are, how large and how slow the head is, and whatever the owner's own gate says of the
header fields (see :class:`Gate`). Chunked bodies are refused, since their length is not known beforehand.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, cast

from terminal.core import tasks

log = logging.getLogger("web")

MAX_HEAD_BYTES: Final = 16 * 1024
_LONGEST_NUMBER: Final = 12
# What a client may let pile up of answers that it does not read.
_SLOW_READER_BYTES: Final = 4 * 1024 * 1024


def parse_head(head: bytes) -> tuple[str, str, dict[str, str]] | None:
    """Method, target and headers (names in lower case), or None where it is no proper HTTP/1.1 head."""
    try:
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
    except ValueError:
        return None
    if version not in ("HTTP/1.1", "HTTP/1.0") or not target.startswith("/") or not method.isalpha():
        return None
    headers: dict[str, str] = {}
    for line in lines[1:]:
        if not line:
            break
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            return None
        key = name.lower()
        if key in headers:
            if key in ("content-length", "host", "transfer-encoding"):
                return None
            headers[key] += ", " + value.strip()
        else:
            headers[key] = value.strip()
    if version == "HTTP/1.0" and "connection" not in headers:
        headers["connection"] = "close"
    return method, target, headers


@dataclass(frozen=True, slots=True)
class Head:
    """The first part of a request. Header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    gone: asyncio.Future[None] | None = None
    """Done once the client has shut its side or the connection was lost: for work that waits for a person
    and is wanted only as long as somebody waits for its answer. A client that has only shut its sending side
    still reads the answer."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a JSON text."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Gate = Callable[[Head], Answer | None]
"""Judges a head before the body is read; None lets it in. After a refusal the connection is closed."""
Handler = Callable[[Head, bytes], Awaitable[Answer]]
Refusal = Callable[[int, str], Answer]
"""Words the server's own refusals: status and what is wrong."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What one peer, or all of them together, may take of this machine."""

    connections: int = 32
    body_bytes: int = 64 * 1024
    head_s: float = 5.0
    """For a whole head, from the first moment of a connection, or from its first byte on one kept open."""
    body_s: float = 5.0
    keep_alive_s: float = 60.0


class HttpServer:
    """Listens on one loopback address and hands whole requests to a handler, one at a time a connection.

    Over the limit of connections the one that has waited longest for its client's bytes makes room; where
    every one of them is at work, the new one is refused.

    Attributes:
        port: where it listens; 0 while it does not.
    """

    def __init__(
        self, gate: Gate, handler: Handler, refusal: Refusal, limits: ServerLimits | None = None
    ) -> None:
        self.gate = gate
        self.handler = handler
        self.refusal = refusal
        self.limits = limits or ServerLimits()
        self.port = 0
        self._connections: dict[_Connection, None] = {}
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._connections)

    async def start(self, port: int) -> int:
        """Listen on 127.0.0.1; 0 takes any free port. Returns the port. Raises OSError where it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port, backlog=512)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    def cut(self) -> None:
        """Close the port and every connection at once; calls under way are let go of unanswered."""
        server, self._server, self.port = self._server, None, 0
        if server is not None:
            server.close()
        for connection in list(self._connections):
            connection.abandon()

    def admit(self, connection: _Connection) -> bool:
        """Take a new connection in; False where there is no room."""
        if len(self._connections) >= self.limits.connections:
            waiting = next((each for each in self._connections if not each.busy), None)
            if waiting is None:
                return False
            waiting.refuse(503, "too many connections")
            self._connections.pop(waiting, None)
        self._connections[connection] = None
        return True

    def leave(self, connection: _Connection) -> None:
        """A connection has ended."""
        self._connections.pop(connection, None)


class _Connection(asyncio.Protocol):
    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._head: Head | None = None
        self._length = 0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._answered = 0
        self._closing = False
        self._paused = False
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self.busy = False

    # ---- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._server.admit(self):
            self.refuse(503, "too many connections")
            return
        self._arm(self._server.limits.head_s, "the request's head took too long")

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return  # what a refused peer still sends is read and dropped, so that it can read the refusal
        if not self._buffer and self._head is None and not self.busy and self._answered:
            self._arm(self._server.limits.head_s, "the request's head took too long")
        self._buffer += data
        if self.busy:
            # Only so much of a next request is taken in while one is being answered.
            if len(self._buffer) > MAX_HEAD_BYTES + self._server.limits.body_bytes:
                self._pause(True)
            return
        self._go_on()

    def eof_received(self) -> bool:
        self._say_gone()
        return self.busy  # a client may shut its sending side and still wait for the answer

    def connection_lost(self, exc: Exception | None) -> None:
        self._say_gone()
        self._server.leave(self)
        self._arm(None)
        self._transport = None
        self._closing = True

    # ---- requests --------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self._head is None and not self._take_head():
            return
        head = self._head
        if head is None or len(self._buffer) < self._length:
            return
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._head = None
        self.busy = True
        self._arm(None)
        self._task = tasks.spawn(self._serve(head, body), name="http request")

    def _take_head(self) -> bool:
        """Whether a head was read and let in."""
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES + 4)
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                self.refuse(431, "the request's head is too large")
            return False
        parsed = parse_head(bytes(self._buffer[: end + 4]))
        del self._buffer[: end + 4]
        if parsed is None:
            self.refuse(400, "not an HTTP request")
            return False
        head = Head(*parsed, self._gone)
        refused = self._server.gate(head)
        if refused is not None:
            self._close_with(refused)
            return False
        if "transfer-encoding" in head.headers:
            self.refuse(411, "send a Content-Length; chunked bodies are not taken")
            return False
        length = head.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > _LONGEST_NUMBER:
            self.refuse(400, "Content-Length is not a number")
            return False
        if int(length) > self._server.limits.body_bytes:
            self.refuse(413, f"the body may have {self._server.limits.body_bytes} bytes at most")
            return False
        self._head, self._length = head, int(length)
        if head.headers.get("expect", "").lower() == "100-continue" and len(self._buffer) < self._length:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._arm(self._server.limits.body_s, "the request's body took too long")
        return True

    async def _serve(self, head: Head, body: bytes) -> None:
        try:
            answer = await self._server.handler(head, body)
        except Exception:
            log.exception("a request could not be answered")
            answer = self._server.refusal(500, "internal error; the terminal's log has the detail")
        if self._transport is None or self._closing:
            return
        keep = "close" not in head.headers.get("connection", "").lower()
        if self._transport.get_write_buffer_size() > _SLOW_READER_BYTES:
            self._transport.abort()
            return
        if not keep:
            self._close_with(answer)
            return
        self._write(_rendered(answer, keep=True))
        self._answered += 1
        self.busy = False
        self._pause(False)
        if self._buffer:
            self._arm(self._server.limits.head_s, "the request's head took too long")
            self._go_on()
        else:
            self._arm(self._server.limits.keep_alive_s, "")

    # ---- endings ---------------------------------------------------------------------------------

    def refuse(self, status: int, why: str) -> None:
        """Answer with a refusal and close; a connection that was only kept open closes without a word."""
        if self._transport is None or self._closing:
            return
        if not why or (self._answered and not self._buffer and self._head is None):
            self._closing = True
            self._arm(None)
            self._transport.close()
            return
        self._close_with(self._server.refusal(status, why))

    def _close_with(self, answer: Answer) -> None:
        if self._transport is None:
            return
        self._closing = True
        self.busy = False
        self._buffer.clear()
        self._write(_rendered(answer, keep=False))
        # A close with unread bytes in the socket is a reset, and would take the answer with it: our side is
        # shut, and the peer has a moment to read before the rest is let go of.
        with contextlib.suppress(OSError, RuntimeError):
            if self._transport.can_write_eof():
                self._transport.write_eof()
        self._arm(None)
        self._timer = self._loop.call_later(1.0, self.abandon)

    def abandon(self) -> None:
        """End it now, whatever is under way."""
        self._closing = True
        if self._task is not None and not self._task.done() and self._task is not asyncio.current_task():
            self._task.cancel()
        self._arm(None)
        if self._transport is not None:
            self._transport.abort()

    # ---- small things ----------------------------------------------------------------------------

    def _say_gone(self) -> None:
        if not self._gone.done():
            self._gone.set_result(None)

    def _pause(self, wanted: bool) -> None:
        if self._transport is not None and wanted is not self._paused:
            self._paused = wanted
            (self._transport.pause_reading if wanted else self._transport.resume_reading)()

    def _arm(self, seconds: float | None, why: str = "") -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self._loop.call_later(seconds, self.refuse, 408, why)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def _rendered(answer: Answer, *, keep: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"Connection: {'keep-alive' if keep else 'close'}",
        *(f"{name}: {value}" for name, value in answer.headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + answer.body
