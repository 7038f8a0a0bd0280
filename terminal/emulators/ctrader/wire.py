"""The practice cTrader's socket: TLS on loopback, length-prefixed frames, heartbeats, and faults on the way.

A frame is four bytes of length, big endian, and an envelope (Open API 2.0, framing). Envelopes are put
together by hand here: an event for many subscribers is serialised once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.emulators.ctrader.tls import BAD_CERTIFICATES, PracticeTls
from terminal.emulators.faults import Fault, Faults

MAX_FRAME_BYTES: Final = 15_000_000
HEARTBEAT_EVERY_S: Final = 25.0
SILENCE_LIMIT_S: Final = 30.0
HANDSHAKE_TIMEOUT_S: Final = 10.0
SLOW_READER_BYTES: Final = 64 * 1024 * 1024
MAX_CONNECTIONS: Final = 256
HEARTBEAT: Final = 51

log = logging.getLogger("practice.ctrader")


class FrameHandler(Protocol):
    """A session on top of one connection."""

    def on_frame(self, frame: bytes) -> None: ...
    def on_oversize(self, size: int) -> None: ...
    def on_closed(self) -> None: ...


def varint(value: int) -> bytes:
    """A whole number in protobuf's own way."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


_HEADS: dict[int, bytes] = {}


def envelope(payload_type: int, payload: bytes | None, client_msg_id: str | None = None) -> bytes:
    """A whole frame, prefix included; ``payload`` None leaves the field out."""
    head = _HEADS.get(payload_type)
    if head is None:
        head = _HEADS[payload_type] = b"\x08" + varint(payload_type)
    body = head if payload is None else head + b"\x12" + varint(len(payload)) + payload
    if client_msg_id is not None:
        text = client_msg_id.encode()
        body += b"\x1a" + varint(len(text)) + text
    return struct.pack(">I", len(body)) + body


HEARTBEAT_FRAME: Final = envelope(HEARTBEAT, b"")


class Wire(asyncio.Protocol):
    """One accepted connection."""

    def __init__(self, server: WireServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._out: list[bytes] = []
        self._flushing = False
        self._held: list[tuple[float, bytes]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._transport: asyncio.Transport | None = None
        self._handler: FrameHandler | None = None
        self.subject = server.subject
        self.dead = False
        """Half-open: bytes go nowhere, both ways."""
        self.sent = 0
        self.received = 0
        self.last_sent_ns = self.last_received_ns = server.clock.monotonic_ns()

    # ---- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.wires.add(self)
        self._server.accepted += 1
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._server.faults.active and self._server.faults.take("half_open", self.subject) is not None:
            self.dead = True
            return
        self._handler = self._server.open_session(self)

    def data_received(self, data: bytes) -> None:
        if self.dead or self._closing:
            return
        self.last_received_ns = self._server.clock.monotonic_ns()
        buffer = self._buffer
        buffer += data
        begin = 0
        while self._handler is not None and not self._closing and len(buffer) - begin >= 4:
            size = int.from_bytes(buffer[begin : begin + 4], "big")
            if size > MAX_FRAME_BYTES:
                self._handler.on_oversize(size)
                break
            if len(buffer) - begin - 4 < size:
                break
            frame = bytes(buffer[begin + 4 : begin + 4 + size])
            begin += 4 + size
            self.received += 1
            self._handler.on_frame(frame)
        del buffer[:begin]

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.wires.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._held.clear()
        self._transport = None
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.on_closed()

    # ---- out -------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._closing and not self.dead

    def send(self, frame: bytes, subject: str) -> None:
        """Send a whole frame, through whatever faults wait for its subject."""
        if self._transport is None or self._closing:
            return
        faults = self._server.faults
        if faults.active or self._held:
            self._send_faulty(frame, subject, faults)
        else:
            self._queue(frame)

    def _queue(self, data: bytes) -> None:
        self._out.append(data)
        self.sent += 1
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        data, self._out = b"".join(self._out), []
        if self._transport is None or self.dead or not data:
            return
        self.last_sent_ns = self._server.clock.monotonic_ns()
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > SLOW_READER_BYTES:
            log.warning("a client reads too slowly and is cut off")
            self.reset()

    def _send_faulty(self, frame: bytes, subject: str, faults: Faults) -> None:
        if faults.take("drop", subject) is not None:
            return
        if (
            subject.startswith(("ctrader/data", "ctrader/heartbeat"))
            and faults.take("silence", subject) is not None
        ):
            return
        fault = faults.take("garbage", subject)
        if fault is not None:
            text = fault.text("text")
            body = text.encode() if text else self._server.rng.randbytes(200)
            # With framed=false not even the length makes sense.
            framed = fault.flag("framed", True)
            self._queue(struct.pack(">I", len(body)) + body if framed else body)
            return
        fault = faults.take("oversize", subject)
        if fault is not None:
            size = int(fault.number("bytes", 16 * 2**20))
            self._queue(struct.pack(">I", size) + (bytes(size) if fault.flag("whole", True) else b""))
            return
        if faults.take("truncate", subject) is not None:
            self._queue(frame[: max(5, len(frame) // 2)])
            self.close()
            return
        fault = faults.take("delay", subject)
        if fault is not None:
            delay_s = fault.number("delay_s", 1.0) + self._server.rng.random() * fault.number("jitter_s", 0.0)
            # An answer may come late alone; a stream keeps its order.
            if fault.flag("ordered", not subject.startswith("ctrader/ack/")):
                self._hold(frame, delay_s)
            else:
                self._loop.call_later(delay_s, self._queue, frame)
            return
        fault = faults.take("slow_drip", subject) or faults.take("split", subject)
        if fault is not None:
            is_drip = fault.kind == "slow_drip"
            interval = fault.number("interval_s", 0.05 if is_drip else 0.005)
            place = 0
            while place < len(frame):
                piece = max(
                    1, int(fault.number("bytes", 1 if is_drip else 1 + self._server.rng.randrange(20)))
                )
                self._hold(frame[place : place + piece], interval)
                place += piece
            return
        if self._held:
            self._hold(frame, 0.0)
            return
        self._queue(frame)

    def _hold(self, data: bytes, delay_s: float) -> None:
        """Send later; what is held is sent in order."""
        due = (self._held[-1][0] if self._held else self._loop.time()) + delay_s
        self._held.append((due, data))
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._release)

    def _release(self) -> None:
        self._timer = None
        now = self._loop.time() + 0.0005
        while self._held and self._held[0][0] <= now:
            self._queue(self._held.pop(0)[1])
        if self._held and self._transport is not None:
            self._timer = self._loop.call_at(self._held[0][0], self._release)

    # ---- end -------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the connection after what was sent."""
        self._closing = True
        self._loop.call_soon(self._close_transport)

    def _close_transport(self) -> None:
        self._flush()
        if self._transport is not None:
            self._transport.close()
            self._loop.call_later(2.0, self.reset)

    def reset(self) -> None:
        """End it at once, with a TCP reset where the system does that."""
        self._closing = True
        if self._transport is None:
            return
        sock: socket.socket | None = self._transport.get_extra_info("socket")
        if sock is not None:
            _linger_none(sock)
        self._transport.abort()


class WireServer:
    """Listens for one kind of account: demo or live.

    Args:
        open_session: makes the session of a new connection.
    """

    def __init__(
        self,
        kind: str,
        tls: PracticeTls,
        faults: Faults,
        clock: Clock,
        *,
        rng: random.Random,
        open_session: Callable[[Wire], FrameHandler],
    ) -> None:
        self.subject = f"connect/ctrader/{kind}"
        self.faults = faults
        self.clock = clock
        self.rng = rng
        self.open_session = open_session
        self.wires: set[Wire] = set()
        self.accepted = 0
        self.port = 0
        self.heartbeat_every_s = HEARTBEAT_EVERY_S
        self.silence_limit_s = SILENCE_LIMIT_S
        self._tls = tls
        self._listeners: list[socket.socket] = []
        self._hung: list[socket.socket] = []
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1 and, where the machine has it, on ::1 with the same port."""
        first = _listener(socket.AF_INET, "127.0.0.1", port)
        self.port = int(first.getsockname()[1])
        self._listeners.append(first)
        with contextlib.suppress(OSError):
            self._listeners.append(_listener(socket.AF_INET6, "::1", self.port))
        self._tasks.extend(
            tasks.spawn(self._accept(one), name=f"practice.{self.subject}") for one in self._listeners
        )
        return self.port

    async def stop(self) -> None:
        """Close the port and every connection at once."""
        await tasks.cancel_and_wait(*self._tasks, timeout_s=1.0)
        self._tasks.clear()
        for sock in (*self._listeners, *self._hung):
            sock.close()
        self._listeners.clear()
        self._hung.clear()
        for wire in tuple(self.wires):
            wire.reset()
        await asyncio.sleep(0)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listener)
            except OSError as error:
                log.warning("a connection could not be accepted: %s", error)
                await asyncio.sleep(0.05)
                continue
            self._tasks = [task for task in self._tasks if not task.done()]
            if len(self.wires) >= MAX_CONNECTIONS:
                sock.close()
                continue
            if self._strike_at_door(sock):
                continue
            if self.faults.active and self.faults.take("old_tls", self.subject) is not None:
                work = self._refuse_hands(sock)
            else:
                work = self._shake_hands(sock, self._context())
            self._tasks.append(tasks.spawn(work, name="practice.ctrader.handshake"))

    def _strike_at_door(self, sock: socket.socket) -> bool:
        if not self.faults.active:
            return False
        if self.faults.take("refuse", self.subject) is not None:
            _linger_none(sock)
            sock.close()
            return True
        if self.faults.take("hang", self.subject) is not None:
            self._hung.append(sock)
            return True
        return False

    def _context(self) -> ssl.SSLContext:
        if self.faults.active:
            kind = bad_certificate(self.faults, self.subject)
            if kind:
                return self._tls.context(kind)
        return self._tls.context()

    async def _shake_hands(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: Wire(self),
                sock,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
                ssl_shutdown_timeout=1.0,
            )
        except (OSError, asyncio.IncompleteReadError) as error:
            log.debug("a handshake failed: %s", error)
            sock.close()

    async def _refuse_hands(self, sock: socket.socket) -> None:
        """A handshake that offers nothing newer than TLS 1.1, with the alert that asyncio would swallow."""
        loop = asyncio.get_running_loop()
        arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self._tls.context("old_tls").wrap_bio(arrived, leaving, server_side=True)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                arrived.write(await loop.sock_recv(sock, 16_384))
                with contextlib.suppress(ssl.SSLError):
                    tls.do_handshake()
                await loop.sock_sendall(sock, leaving.read())
        sock.close()

    def beat(self) -> None:
        """Once a second or so: heartbeats to quiet clients, and the end of those that are silent."""
        now = self.clock.monotonic_ns()
        for wire in tuple(self.wires):
            if wire.dead:
                continue
            if now - wire.last_received_ns > self.silence_limit_s * 1e9:
                wire.close()
            elif now - wire.last_sent_ns >= self.heartbeat_every_s * 1e9:
                wire.send(HEARTBEAT_FRAME, "ctrader/heartbeat")

    def strike(self, fault: Fault) -> int:
        """Carry out ``cut`` or ``half_open`` on the open connections; returns on how many."""
        struck = [wire for wire in self.wires if fault.matches(wire.subject)]
        for wire in struck:
            if fault.kind == "half_open":
                wire.dead = True
            else:
                wire.reset()
        return len(struck)


def bad_certificate(faults: Faults, subject: str) -> str:
    """The kind of wrong certificate that a rehearsal wants for a new connection; empty for none."""
    fault = faults.take("bad_certificate", subject) if faults.active else None
    if fault is None:
        return ""
    what = fault.text("what", "self_signed")
    return what if what in BAD_CERTIFICATES else "self_signed"


def _listener(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((host, port))
        sock.listen(128)
    except BaseException:
        sock.close()
        raise
    return sock


def _linger_none(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        )
