"""One loopback port that speaks HTTP/1.1 and WebSocket, for any venue's face; and its wire-level faults.

Written on asyncio's protocols: a message to a thousand subscribers is framed once, and a fault may reach
down to single bytes. The WebSocket handshake and the inbound frames go through the ``websockets``
library's own state machine (``websockets.server.ServerProtocol``, no extensions). The file is longer than
most because one connection passes from HTTP to WebSocket and faults reach into both halves.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import os
import random
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from terminal.emulators.faults import Fault, Faults
from terminal.transport.http_server import parse_head

MAX_HEAD_BYTES: Final = 16 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024
MAX_WS_MESSAGE_BYTES: Final = 1024 * 1024
MAX_CONNECTIONS: Final = 512
HEAD_TIMEOUT_S: Final = 10.0
KEEP_ALIVE_S: Final = 75.0
SLOW_READER_BYTES: Final = 64 * 1024 * 1024
"""A client that lets so much pile up is cut off, as venues do."""

_REASONS: Final = {
    200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 410: "Gone",
    411: "Length Required", 413: "Content Too Large",
    421: "Misdirected Request", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    520: "Web Server Returned an Unknown Error",
}  # fmt: skip

HTML_PAGE: Final = (
    b"<!DOCTYPE html>\n<html><head><title>practice venue | error</title></head>"
    b"<body><h1>Error</h1><p>The web server is returning an unknown error.</p></body></html>\n"
)

log = logging.getLogger("practice.web")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, whole. Header names are lower case."""

    method: str
    target: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class HttpResponse:
    """An answer; the fields after ``headers`` are for faults."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    withhold: bool = False
    """Never answer; the connection stays open."""
    abort: bool = False
    """Reset the connection instead of answering."""
    truncate: bool = False
    drip_interval_s: float = 0.0
    drip_bytes: int = 1


class Upgrade(Protocol):
    """What a face returns to take a WebSocket: called with the peer once the handshake is done."""

    def __call__(self, peer: WsPeer) -> WsHandler: ...


class WsHandler(Protocol):
    """A venue's end of one WebSocket."""

    def on_message(self, text: str) -> None: ...
    def on_closed(self) -> None: ...


class WebHandler(Protocol):
    """A venue face, or several behind one port."""

    def on_request(self, request: HttpRequest) -> HttpResponse: ...
    def on_upgrade(self, request: HttpRequest) -> HttpResponse | Upgrade: ...
    def on_arrival(self, request: HttpRequest) -> None:
        """Told of each whole request before any fault touches it."""
        ...

    def subject_of(self, request: HttpRequest) -> str | None:
        """The fault subject of a REST call; None: no fault touches it (the control API)."""
        ...


def text_frame(payload: bytes) -> bytes:
    """A WebSocket text frame from server to client: not masked, so one copy serves every client."""
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes((size,)) + payload
    if size < 65536:
        return b"\x81\x7e" + struct.pack("!H", size) + payload
    return b"\x81\x7f" + struct.pack("!Q", size) + payload


class WebServer:
    """Listens on loopback and hands requests to a face.

    Args:
        faults: of the connections, but for those to which ``faults_of`` gives others.
        faults_of: whose faults a request's connection has, where several venues share the port.
    """

    def __init__(
        self,
        handler: WebHandler,
        faults: Faults,
        *,
        rng: random.Random | None = None,
        faults_of: Callable[[HttpRequest], Faults] | None = None,
    ) -> None:
        self._handler = handler
        self.faults = faults
        self.faults_of = faults_of
        self.rng = rng or random.Random()
        self.connections: set[Connection] = set()
        self.accepted = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def handler(self) -> WebHandler:
        return self._handler

    async def start(self, port: int = 0, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> int:
        """Listen, with TLS where a context is given; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port, backlog=256, ssl=tls)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Close the port and every connection at once."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.close_now()
        if self._server is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._server.wait_closed()
            self._server = None

    def strike(self, fault: Fault, faults: Faults | None = None) -> int:
        """Carry out ``cut`` or ``half_open`` on the open connections (of one venue); returns on how many."""
        struck = 0
        for connection in list(self.connections):
            if connection.spared or not fault.matches(connection.subject):
                continue
            if faults is not None and connection.faults is not faults:
                continue
            struck += 1
            code = fault.params.get("code")
            if fault.kind == "half_open":
                connection.dead = True
            elif isinstance(code, int) and connection.peer is not None:
                connection.peer.close(code, fault.text("reason"))
            else:
                connection.reset()
        return struck


class Connection(asyncio.Protocol):
    """One accepted connection: HTTP with keep-alive until it asks to become a WebSocket."""

    def __init__(self, server: WebServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._busy = False
        self._hung = False
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None
        self.peer: WsPeer | None = None
        self.dead = False
        """Half-open: bytes go nowhere, both ways."""
        self.spared = False
        """Carries the control API; faults leave it alone."""
        self.subject = "connect/rest"
        self.faults = server.faults
        """Those of the venue that it talks to."""

    # ---- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)
        self._server.accepted += 1
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self._server.connections) > MAX_CONNECTIONS:
            self.reset()
            return
        self._set_timer(HEAD_TIMEOUT_S)

    def data_received(self, data: bytes) -> None:
        if self.dead or self._hung:
            return
        if self.peer is not None:
            self.peer.receive(data)
            return
        self._buffer += data
        if not self._busy:
            self._next_request()

    def eof_received(self) -> bool:
        if self.peer is not None:
            self.peer.receive_eof()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._set_timer(None)
        if self.peer is not None:
            self.peer.lost()
        self.transport = None

    # ---- HTTP ------------------------------------------------------------------------------------

    def _next_request(self) -> None:
        while not self._busy and self.transport is not None and self.peer is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD_BYTES:
                    self._refuse(431)
                return
            if end > MAX_HEAD_BYTES:
                self._refuse(431)
                return
            head = bytes(self._buffer[: end + 4])
            parsed = parse_head(head)
            if parsed is None:
                self._refuse(400)
                return
            method, target, headers = parsed
            if "transfer-encoding" in headers:
                self._refuse(411)
                return
            length_text = headers.get("content-length", "0")
            if not (length_text.isascii() and length_text.isdigit()) or len(length_text) > 12:
                self._refuse(400)
                return
            length = int(length_text)
            if length > MAX_BODY_BYTES:
                self._refuse(413)
                return
            if len(self._buffer) < end + 4 + length:
                if headers.get("expect", "").lower() == "100-continue" and len(self._buffer) == end + 4:
                    self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body = bytes(self._buffer[end + 4 : end + 4 + length])
            del self._buffer[: end + 4 + length]
            path, _, query = target.partition("?")
            self._handle(HttpRequest(method, target, path, query, headers, body), head)

    def _handle(self, request: HttpRequest, head: bytes) -> None:
        self._set_timer(KEEP_ALIVE_S)
        self._server.handler.on_arrival(request)
        subject = self._server.handler.subject_of(request)
        if self._server.faults_of is not None:
            self.faults = self._server.faults_of(request)
        self.spared = subject is None
        upgrade = request.headers.get("upgrade", "").lower() == "websocket"
        if subject is not None:
            self.subject = "connect/ws" + request.path if upgrade else "connect/rest"
            if self._struck_at_door():
                return
        if upgrade:
            self._upgrade(request, head)
            return
        self._busy = True
        keep = request.headers.get("connection", "").lower() != "close"
        response = self._faulty_response(request, subject)
        if response.withhold:
            self._set_timer(None)
            return
        if response.abort:
            self.reset()
            return
        if response.delay_s > 0:
            self._loop.call_later(response.delay_s, self._respond, response, keep, request.method)
        else:
            self._respond(response, keep, request.method)

    def _struck_at_door(self) -> bool:
        """Faults of the connection as such; they wait for the first bytes: the control API is spared."""
        faults = self.faults
        if not faults.active:
            return False
        if faults.take("refuse", self.subject) is not None:
            self.reset()
            return True
        if faults.take("hang", self.subject) is not None:
            self._hung = True
            self._set_timer(None)
            return True
        if faults.take("half_open", self.subject) is not None:
            self.dead = True
            self._set_timer(None)
            return True
        return False

    def _faulty_response(self, request: HttpRequest, subject: str | None) -> HttpResponse:
        faults = self.faults
        handler = self._server.handler
        if subject is None or not faults.active:
            return handler.on_request(request)
        fault = faults.take("http_429", subject)
        if fault is not None:
            retry = fault.params.get("retry_after")
            extra = (("Retry-After", str(retry)),) if retry is not None else ()
            return HttpResponse(429, b"Too Many Requests", "text/plain", extra)
        fault = faults.take("redirect", subject)
        if fault is not None:
            where = fault.text("location", "http://127.0.0.2/")
            return HttpResponse(302, b"", "text/plain", (("Location", where),))
        if faults.take("swallow_request", subject) is not None:
            return HttpResponse(withhold=True)
        fault = faults.take("http_5xx_html", subject)
        if fault is not None:
            if fault.flag("acts"):
                handler.on_request(request)
            return HttpResponse(int(fault.number("status", 520)), HTML_PAGE, "text/html; charset=UTF-8")
        fault = faults.take("html_200", subject)
        if fault is not None:
            if fault.flag("acts"):
                handler.on_request(request)
            return HttpResponse(200, HTML_PAGE, "text/html; charset=UTF-8")
        response = handler.on_request(request)
        fault = faults.take("accept_lose_answer", subject)
        if fault is not None:
            close = fault.flag("close")
            return HttpResponse(withhold=not close, abort=close)
        fault = faults.take("delay", subject)
        if fault is not None:
            response.delay_s = self.delay_of(fault)
        fault = faults.take("garbage", subject)
        if fault is not None:
            response.body = fault.text("text").encode() or self._server.rng.randbytes(200)
        fault = faults.take("oversize", subject)
        if fault is not None:
            size = int(fault.number("bytes", 16 * 2**20))
            response.body = b'{"error":[],"result":"' + b"x" * size + b'"}'
            if fault.flag("gzip"):
                response.body = gzip.compress(response.body, compresslevel=9)
                response.headers += (("Content-Encoding", "gzip"),)
        if faults.take("truncate", subject) is not None:
            response.truncate = True
        fault = faults.take("slow_drip", subject)
        if fault is not None:
            response.drip_interval_s = fault.number("interval_s", 0.05)
            response.drip_bytes = max(1, int(fault.number("bytes", 1)))
        return response

    def delay_of(self, fault: Fault) -> float:
        """How long this one thing is held back, seconds."""
        return fault.number("delay_s", 1.0) + self._server.rng.random() * fault.number("jitter_s", 0.0)

    def _respond(self, response: HttpResponse, keep: bool, method: str) -> None:
        if self.transport is None or self.dead:
            return
        if response.drip_interval_s > 0 or response.truncate:
            keep = False
        reason = _REASONS.get(response.status, "Status")
        lines = [
            f"HTTP/1.1 {response.status} {reason}",
            f"Content-Type: {response.content_type}",
            f"Content-Length: {len(response.body)}",
            f"Connection: {'keep-alive' if keep else 'close'}",
            *(f"{name}: {value}" for name, value in response.headers),
        ]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        body = b"" if method == "HEAD" else response.body
        if response.truncate:
            self._write(head + body[: len(body) // 2])
            self.transport.close()
            return
        if response.drip_interval_s > 0:
            self._write(head)
            self._drip(body, response.drip_interval_s, response.drip_bytes)
            return
        self._write(head + body)
        if not keep:
            self.transport.close()
            return
        self._busy = False
        if self._buffer:
            self._loop.call_soon(self._next_request)

    def _drip(self, rest: bytes, interval_s: float, piece: int) -> None:
        if self.transport is None:
            return
        if not rest:
            self.transport.close()
            return
        self._set_timer(None)
        self._write(rest[:piece])
        self._timer = self._loop.call_later(interval_s, self._drip, rest[piece:], interval_s, piece)

    def _refuse(self, status: int) -> None:
        self._busy = True
        self._respond(HttpResponse(status, _REASONS[status].encode(), "text/plain"), False, "GET")

    # ---- the way to a WebSocket ------------------------------------------------------------------

    def _upgrade(self, request: HttpRequest, head: bytes) -> None:
        faults = self.faults
        self._busy = True
        fault = faults.take("ws_429", self.subject)
        if fault is not None:
            retry = fault.params.get("retry_after")
            extra = (("Retry-After", str(retry)),) if retry is not None else ()
            self._respond(HttpResponse(429, b"Too Many Requests", "text/plain", extra), False, "GET")
            return
        fault = faults.take("redirect", self.subject)
        if fault is not None:
            where = fault.text("location", "ws://127.0.0.2/v2")
            self._respond(HttpResponse(302, b"", "text/plain", (("Location", where),)), False, "GET")
            return
        taken = self._server.handler.on_upgrade(request)
        if isinstance(taken, HttpResponse):
            self._respond(taken, False, "GET")
            return
        peer = WsPeer(self, self._server)
        if not peer.handshake(head):
            if self.transport is not None:
                self.transport.close()
            return
        self._set_timer(None)
        self.peer = peer
        peer.handler = taken(peer)
        if self._buffer:
            rest, self._buffer = bytes(self._buffer), bytearray()
            peer.receive(rest)

    # ---- bytes -----------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.dead and not self.transport.is_closing():
            self.transport.write(data)

    def write_lines(self, lines: Iterable[bytes]) -> None:
        """Send several frames in one system call."""
        if self.transport is None or self.dead or self.transport.is_closing():
            return
        self.transport.writelines(lines)
        if self.transport.get_write_buffer_size() > SLOW_READER_BYTES:
            log.warning("a client reads too slowly and is cut off")
            self.reset()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        if self.transport is None:
            return
        sock: socket.socket | None = self.transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    def close_now(self) -> None:
        """End it politely if that takes no time."""
        if self.peer is not None and not self.dead:
            self.peer.close(1001, "going away")
        if self.transport is not None:
            self.transport.close() if not self.dead else self.transport.abort()

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self._loop.call_later(seconds, self._timed_out)

    def _timed_out(self) -> None:
        if self.transport is not None and not self._busy:
            self.transport.close()


@dataclass(slots=True)
class _Held:
    """Frames that a delay holds back, in order."""

    frames: list[tuple[float, bytes]] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


class WsPeer:
    """The venue's side of one open WebSocket: frames out, whole text messages in."""

    def __init__(self, connection: Connection, server: WebServer) -> None:
        self._connection = connection
        self._server = server
        self._protocol = ServerProtocol(max_size=MAX_WS_MESSAGE_BYTES)
        self._loop = asyncio.get_running_loop()
        self._out: list[bytes] = []
        self._flushing = False
        self._fragments: bytearray | None = None
        self._held = _Held()
        self._cut_after_flush = False
        self.handler: WsHandler | None = None
        self.opened_ns = time.monotonic_ns()
        self.last_sent_ns = self.opened_ns
        self.last_received_ns = self.opened_ns
        self.sent = 0

    @property
    def is_open(self) -> bool:
        return self._protocol.state is State.OPEN and self._connection.transport is not None

    def handshake(self, head: bytes) -> bool:
        """Answer the upgrade; False when the request is no proper one."""
        self._protocol.receive_data(head)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush_protocol()
        return self._protocol.state is State.OPEN

    # ---- out -------------------------------------------------------------------------------------

    def send_text(self, payload: bytes, subject: str) -> None:
        """Send one message of its own to this client."""
        self.send_frame(text_frame(payload), subject)

    def send_frame(self, frame: bytes, subject: str) -> None:
        """Send an already framed message, as built once for all subscribers."""
        if self._protocol.state is not State.OPEN:
            return
        faults = self._connection.faults
        if faults.active or self._held.frames:
            self._send_faulty(frame, subject)
        else:
            self._queue(frame)

    def _queue(self, frame: bytes) -> None:
        self._out.append(frame)
        self.sent += 1
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self.last_sent_ns = time.monotonic_ns()
        frames, self._out = self._out, []
        self._connection.write_lines(frames)
        if self._cut_after_flush and self._connection.transport is not None:
            self._connection.transport.close()

    def _send_faulty(self, frame: bytes, subject: str) -> None:
        faults = self._connection.faults
        if faults.take("drop", subject) is not None:
            return
        if subject.startswith(("ws/data", "ws/heartbeat")) and faults.take("silence", subject) is not None:
            return
        fault = faults.take("garbage", subject)
        if fault is not None:
            text = fault.text("text")
            self._queue(text_frame(text.encode()) if text else self._server.rng.randbytes(200))
            return
        fault = faults.take("oversize", subject)
        if fault is not None:
            size = int(fault.number("bytes", 16 * 2**20))
            self._queue(text_frame(b'{"channel":"heartbeat","padding":"' + b"x" * size + b'"}'))
            return
        if faults.take("truncate", subject) is not None:
            self._queue(frame[: max(1, len(frame) // 2)])
            self._cut_after_flush = True
            return
        fault = faults.take("delay", subject)
        if fault is not None:
            self._hold(frame, self._connection.delay_of(fault))
            return
        fault = faults.take("slow_drip", subject)
        if fault is not None:
            interval, piece = fault.number("interval_s", 0.05), max(1, int(fault.number("bytes", 1)))
            for index in range(0, len(frame), piece):
                self._hold(frame[index : index + piece], interval * (1 + index // piece))
            return
        if self._held.frames:
            # Order is kept: what comes after a delayed frame waits for it.
            self._hold(frame, 0.0)
            return
        self._queue(frame)

    def _hold(self, frame: bytes, delay_s: float) -> None:
        due = self._loop.time() + delay_s
        if self._held.frames:
            due = max(due, self._held.frames[-1][0])
        self._held.frames.append((due, frame))
        if self._held.timer is None:
            self._held.timer = self._loop.call_at(due, self._release)

    def _release(self) -> None:
        self._held.timer = None
        now = self._loop.time() + 0.0005
        frames = self._held.frames
        while frames and frames[0][0] <= now:
            self._queue(frames.pop(0)[1])
        if frames and self.is_open:
            self._held.timer = self._loop.call_at(frames[0][0], self._release)

    # ---- in --------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Bytes from the client."""
        self.last_received_ns = time.monotonic_ns()
        with contextlib.suppress(EOFError):
            self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._on_frame(event)
                if self._out:
                    # Bars of a dozen markets take a while: the book asked for before them goes out first.
                    self._flush_protocol()
        self._flush_protocol()

    def _on_frame(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            if frame.fin:
                self._deliver(bytes(frame.data))
            else:
                self._fragments = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT and self._fragments is not None:
            self._fragments += frame.data
            if frame.fin:
                whole, self._fragments = bytes(self._fragments), None
                self._deliver(whole)

    def _deliver(self, data: bytes) -> None:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.close(1007, "not UTF-8")
            return
        if self.handler is not None:
            self.handler.on_message(text)

    def receive_eof(self) -> None:
        """The client has closed its side."""
        with contextlib.suppress(EOFError):
            self._protocol.receive_eof()
        self._flush_protocol()

    def _flush_protocol(self) -> None:
        # Queued messages go first: a close frame must not overtake them.
        if self._out:
            frames, self._out = self._out, []
            self._connection.write_lines(frames)
        ended = False
        for data in self._protocol.data_to_send():
            if data:
                self._connection.write_lines([data])
            else:
                ended = True
        if ended and self._connection.transport is not None:
            self._connection.transport.close()

    # ---- end -------------------------------------------------------------------------------------

    def close(self, code: int, reason: str = "") -> None:
        """Close with a WebSocket close frame; the connection ends soon after, whatever the client does."""
        if self._protocol.state is State.OPEN:
            with contextlib.suppress(ConnectionClosed):
                self._protocol.send_close(code, reason)
            self._flush_protocol()
            self._loop.call_later(2.0, self._end)

    def _end(self) -> None:
        if self._connection.transport is not None:
            self._connection.transport.close()

    def lost(self) -> None:
        """The connection is gone."""
        if self._held.timer is not None:
            self._held.timer.cancel()
            self._held.timer = None
        self._held.frames.clear()
        handler, self.handler = self.handler, None
        if handler is not None:
            handler.on_closed()
