"""One reconnecting WebSocket: states, back-off with jitter, heartbeat, liveness.

What is promised beyond what every link promises (:mod:`.link`):

- A frame reaches ``on_frame`` in the same call in which the socket was read: no queue, no task switch.
- A link is live only while that is proven. Pings must be answered, *and* data must arrive: a venue that
  answers pings and sends nothing is as dead as a cut cable.
- ``send()`` returning means nothing about arrival; answers are matched by the caller, with a deadline.
- Redirects are refused: the second host hears nothing.

The library's reading queue is passed by on purpose: ``process_event`` of its connection hands frames over
directly, which is faster than its own ``async for``. It is not part of the library's documented interface:
tests/unit/transport/test_websocket.py fails if a new version changes it, and pyproject.toml pins the major.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Event, State

from terminal.core.clock import Clock
from terminal.core.secret import scrub
from terminal.domain.errors import NotSent, OutcomeUnknown
from terminal.domain.events import LinkState
from terminal.transport.endings import Ending, explain_close
from terminal.transport.link import MAX_UNSENT_BYTES, Link
from terminal.transport.reconnect import ConnectGate, LinkPolicy
from terminal.transport.wire import NS_PER_S, is_secure, make_ssl_context, require_safe_address

__all__ = ["ConnectGate", "LinkPolicy", "WebSocketLink"]

_TEXT: Final = Opcode.TEXT
_BINARY: Final = Opcode.BINARY
_CONT: Final = Opcode.CONT
_PONG: Final = Opcode.PONG

# A peer may not make us hold more pieces of one message than this.
_MAX_FRAGMENTS: Final = 4096
_LOGGED_BYTES: Final = 32  # 64 hex characters
# The library would log headers and frames at DEBUG.
_quiet = logging.getLogger("transport.websockets")
_quiet.setLevel(logging.WARNING)


class _Connection(ClientConnection):
    """The library's connection, handing each message over as soon as it is parsed."""

    dead = False
    _stamp_ns = 0
    _chunk_ns = 0
    _chunk = b""
    _parts: list[Frame] | None = None

    def __init__(self, link: WebSocketLink, protocol: ClientProtocol, **options: Any) -> None:
        super().__init__(protocol, **options)
        self.link = link

    def data_received(self, data: bytes) -> None:
        clock = self.link.clock
        self._stamp_ns = clock.wall_ns()
        self._chunk_ns = clock.monotonic_ns()
        self._chunk = data
        super().data_received(data)
        if self.response is not None and self.protocol.state is not State.OPEN:
            # Closed by the peer, or failed by us: either way it is over now, not when TCP says so.
            self.link._on_ended(self)

    def process_event(self, event: Event) -> None:
        if self.response is None:
            super().process_event(event)
            return
        if self.dead:
            return
        assert isinstance(event, Frame)
        opcode = event.opcode
        if event.fin and self._parts is None and opcode is _TEXT:
            try:
                text = str(event.data, "utf-8")
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA, "text that is not UTF-8")
                return
            self.link._last_frame_ns = self._chunk_ns
            try:
                self.link._on_frame(text, self._stamp_ns)
            except Exception:  # noqa: BLE001 - the socket loop: one bad frame must not end the link
                self.link._on_handler_failed()
        elif opcode is _PONG:
            self.link._on_pong(bytes(event.data))
        elif opcode is _TEXT or opcode is _BINARY or opcode is _CONT:
            self._take_part(event)

    def _take_part(self, frame: Frame) -> None:
        """Binary messages and pieces of fragmented ones."""
        parts = self._parts if self._parts is not None else []
        parts.append(frame)
        self.link._last_frame_ns = self._chunk_ns
        if not frame.fin:
            self._parts = parts
            if len(parts) > _MAX_FRAGMENTS:
                self._fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
            return
        self._parts = None
        data = b"".join(part.data for part in parts)
        message: str | bytes = data
        if parts[0].opcode is _TEXT:
            try:
                message = str(data, "utf-8")
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA, "text that is not UTF-8")
                return
        try:
            self.link._on_frame(message, self._stamp_ns)
        except Exception:  # noqa: BLE001 - as above
            self.link._on_handler_failed()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.response is not None:
            self.link._on_ended(self)

    def _fail(self, code: CloseCode, reason: str) -> None:
        self.dead = True
        self.protocol.fail(code, reason)
        self.send_data()

    def excerpt(self) -> str:
        """The beginning of the last bytes received, in hex, for the log; nothing where it may be a secret."""
        head = self._chunk[:_LOGGED_BYTES]
        # Hex would carry a secret past the scrubber of the log, so it is asked here, about the whole text.
        text = self._chunk[:4096].decode("latin-1")
        return head.hex() if scrub(text) == text else "(withheld)"


class _Connect(connect):
    """The library's opener without its habit of following redirects, up to ten, also to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class WebSocketLink(Link):
    """A WebSocket that keeps itself open.

    Args:
        name: which link of the venue, e.g. ``"public"``; for the log and the names of tasks.
        venue: the venue's key, e.g. ``"kraken"``; for errors and the log.
        url: asked before each attempt, so that an address with a token can be fresh. ``wss://``, or ``ws://``
            on this machine.
        on_frame: called with each message and the wall time of its arrival (ns), in the reading call itself.
        on_open: signs in and subscribes; the link is LIVE when it returns. ``AuthRejected`` ends in FAILED,
            any other ``VenueError`` in another try. Frames arrive meanwhile.
        on_state: called with each new state and one plain sentence.
        gate: shared by all links of the venue; one of its own without.
        headers: of the opening request, asked for before each attempt; a ``User-Agent`` replaces ours.
        heartbeat: makes the text to send after ``policy.heartbeat_s`` of silence.
        tap: sees every frame in both directions (``"in"``, ``"out"``), e.g. ``Recorder.tap(...)``.
    """

    def __init__(
        self,
        *,
        name: str,
        venue: str,
        url: Callable[[], str],
        on_frame: Callable[[str | bytes, int], object],
        on_open: Callable[[WebSocketLink], Awaitable[None]],
        on_state: Callable[[LinkState, str], object],
        policy: LinkPolicy | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        gate: ConnectGate | None = None,
        heartbeat: Callable[[], str] | None = None,
        headers: Callable[[], Mapping[str, str]] | None = None,
        tap: Callable[[str, str | bytes, int], object] | None = None,
    ) -> None:
        super().__init__(
            name=name, venue=venue, on_state=on_state, policy=policy, clock=clock, rng=rng, gate=gate
        )
        self._url = url
        self._on_frame: Callable[[str | bytes, int], object] = on_frame
        self._on_open = on_open
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._heartbeat = heartbeat
        self._headers = headers
        self._tap = tap
        self._conn: _Connection | None = None
        self._ping_payload: bytes | None = None
        self._ping_count = 0
        if tap is not None:
            self._on_frame = self._tapped(on_frame, tap)

    @property
    def is_open(self) -> bool:
        """The socket is open and can be written to; true already while ``on_open`` runs."""
        conn = self._conn
        return conn is not None and not conn.dead and conn.protocol.state is State.OPEN

    async def send(self, text: str) -> None:
        """Write one text message to the socket. Returning says nothing about its arrival.

        Raises:
            NotSent: the link is not open, or the peer has stopped reading. Nothing left.
            OutcomeUnknown: the socket broke while writing.
        """
        self.send_now(text)

    def send_now(self, text: str) -> None:
        """As :meth:`send`, without a turn of the event loop between the call and the socket."""
        conn = self._conn
        if conn is None or conn.dead or conn.protocol.state is not State.OPEN or conn.transport.is_closing():
            raise NotSent(self.venue, f"the {self.name} link is not open ({self.state.value})")
        if conn.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            raise NotSent(self.venue, f"the {self.name} link is clogged: the venue has stopped reading")
        if self._tap is not None:
            self._tap("out", text, self.clock.wall_ns())
        data = text.encode()
        try:
            conn.protocol.send_text(data)
            conn.send_data()
        except Exception as error:
            raise OutcomeUnknown(
                self.venue, f"the {self.name} link broke while sending: {error!r}"
            ) from error

    # The wire

    async def _open(self) -> None:
        url = self._url()
        require_safe_address(url, ("ws", "wss"))
        options: dict[str, Any] = {}
        if is_secure(url):
            if self._ssl_context is None:
                self._ssl_context = make_ssl_context()
            options["ssl"] = self._ssl_context
        policy = self.policy
        headers = dict(self._headers()) if self._headers is not None else {}
        user_agent = headers.pop("User-Agent", "Parallax")

        def make_connection(protocol: ClientProtocol, **rest: Any) -> _Connection:
            return _Connection(self, protocol, **rest)

        opening = _Connect(
            url,
            proxy=self._proxy,
            compression="deflate" if policy.compression else None,
            open_timeout=policy.open_timeout_s,
            ping_interval=None,  # the watchdog below pings, and acts on the spot
            close_timeout=policy.close_timeout_s,
            max_size=policy.max_message_bytes,
            max_queue=None,
            user_agent_header=user_agent,
            additional_headers=headers,
            logger=_quiet,
            create_connection=cast("type[ClientConnection]", make_connection),
            **options,
        )
        conn = await opening
        assert isinstance(conn, _Connection)
        self._conn = conn
        self._ping_payload = None

    async def _sign_in(self) -> None:
        await self._on_open(self)

    async def _say_goodbye(self) -> None:
        conn = self._conn
        if conn is None:
            return
        polite = self.is_open
        conn.dead = True
        if not polite:
            return
        try:
            async with asyncio.timeout(self.policy.close_timeout_s):
                await conn.close()
        except TimeoutError:
            self._log.debug("%s link: the venue did not answer the close", self.name)

    def _cut(self) -> None:
        if self._conn is not None:
            self._conn.dead = True
            self._conn.transport.abort()

    def _forget(self) -> None:
        self._conn = None

    def _explain_end(self) -> Ending:
        conn = self._conn
        assert conn is not None
        return explain_close(
            conn.protocol,
            conn.connection_exc,
            max_bytes=self.policy.max_message_bytes,
            excerpt=conn.excerpt(),
            name=self.name,
            log=self._log,
        )

    def _ping(self) -> None:
        conn = self._conn
        assert conn is not None
        self._ping_count += 1
        self._ping_payload = struct.pack("!I", self._ping_count & 0xFFFFFFFF)
        if conn.transport.get_write_buffer_size() < MAX_UNSENT_BYTES:
            conn.protocol.send_ping(self._ping_payload)
            conn.send_data()

    def _heartbeat_due_ns(self) -> int | None:
        after_s = self.policy.heartbeat_s
        if after_s is None or self._heartbeat is None:
            return None
        return max(self._quiet_since_ns(), self._heartbeat_ns) + int(after_s * NS_PER_S)

    def _beat(self) -> None:
        if self._heartbeat is not None:
            self.send_now(self._heartbeat())

    # Called by the connection, in the reading call

    def _on_ended(self, conn: _Connection) -> None:
        if conn is self._conn and not self._closing:
            self._lose(None)

    def _on_pong(self, payload: bytes) -> None:
        if payload == self._ping_payload:
            self._ping_payload = None
            self._ping_waits = False
            self.round_trip_ms = (self.clock.monotonic_ns() - self._ping_ns) / 1e6

    def _tapped(
        self, on_frame: Callable[[str | bytes, int], object], tap: Callable[[str, str | bytes, int], object]
    ) -> Callable[[str | bytes, int], object]:
        def both(frame: str | bytes, ts_received_ns: int) -> None:
            tap("in", frame, ts_received_ns)
            on_frame(frame, ts_received_ns)

        return both
