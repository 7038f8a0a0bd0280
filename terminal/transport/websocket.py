"""One reconnecting WebSocket: states, back-off with jitter, heartbeat, liveness.

What is promised:

- A frame reaches ``on_frame`` in the same call in which the socket was read: no queue, no task switch.
- A link is live only while that is proven. Pings must be answered, *and* data must arrive: a venue that
  answers pings and sends nothing is as dead as a cut cable.
- It tries again for ever, with growing pauses. They start over only after a long time of live data, so that
  a venue that accepts and closes is not stormed. What cannot heal by itself (a refused key, a policy close)
  ends in ``FAILED`` and waits for a person.
- ``send()`` returning means nothing about arrival; answers are matched by the caller, with a deadline.
- Nothing is buffered while the link is down, so nothing old (least of all an order) is sent after it is up.
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
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Event, State

from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.core.secret import scrub
from terminal.domain.errors import NotSent, OutcomeUnknown, VenueError, VenueUnavailable
from terminal.domain.events import LinkState
from terminal.transport.endings import Ending, explain_close, explain_open, explain_refusal
from terminal.transport.reconnect import Backoff, ConnectGate, LinkPolicy
from terminal.transport.wire import NS_PER_S, is_secure, make_ssl_context, require_safe_address

__all__ = ["ConnectGate", "LinkPolicy", "WebSocketLink"]

_TEXT: Final = Opcode.TEXT
_BINARY: Final = Opcode.BINARY
_CONT: Final = Opcode.CONT
_PONG: Final = Opcode.PONG

# A peer may not make us hold more pieces of one message, nor more of our bytes unread, than this.
_MAX_FRAGMENTS: Final = 4096
_MAX_UNSENT_BYTES: Final = 1 << 20
_LOGGED_BYTES: Final = 32  # 64 hex characters
# A watchdog that wakes this late was held up itself (a stalled screen, a suspended machine): it reads first.
_STALL_S: Final = 0.5

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


class WebSocketLink:
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
        tap: Callable[[str, str | bytes, int], object] | None = None,
    ) -> None:
        self.name = name
        self.venue = venue
        self.policy = policy or LinkPolicy()
        self.clock: Clock = clock or SystemClock()
        self.state = LinkState.OFF
        self.reason = ""
        self.reconnects = 0
        """How often an open link was lost and had to be opened again."""
        self.faults = 0
        """Frames that the handler could not take, and streams that were unreadable."""
        self.round_trip_ms: float | None = None
        """Of the last ping that was answered."""
        self.last_error: VenueError | None = None
        """Why the link was last lost, or could not be made. ``code`` tells the kind: ``tls``, ``redirect``,
        ``http-429``, ``too-big``, ``policy``, ``ping``, ``idle``, ``network``..."""
        self.idle_timeout_s = self.policy.idle_timeout_s
        """May be changed while the link runs, e.g. to None while nothing is subscribed."""
        self.backoff = Backoff(self.policy, rng or random.Random())
        self._url = url
        self._on_frame: Callable[[str | bytes, int], object] = on_frame
        self._on_open = on_open
        self._on_state = on_state
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._gate = gate or ConnectGate(self.clock)
        self._heartbeat = heartbeat
        self._tap = tap
        self._log = logging.getLogger(f"venue.{venue}")
        self._task: asyncio.Task[None] | None = None
        self._conn: _Connection | None = None
        self._closing = False
        self._was_open = False
        self._last_frame_ns: int | None = None
        self._live_ns: int | None = None
        self._lost: asyncio.Future[Ending] | None = None
        self._wake: asyncio.Event | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._watch_due_ns = 0
        self._ping_payload: bytes | None = None
        self._ping_ns = 0
        self._ping_count = 0
        self._heartbeat_ns = 0
        if tap is not None:
            self._on_frame = self._tapped(on_frame, tap)

    @property
    def is_open(self) -> bool:
        """The socket is open and can be written to; true already while ``on_open`` runs."""
        conn = self._conn
        return conn is not None and not conn.dead and conn.protocol.state is State.OPEN

    @property
    def last_frame_ns(self) -> int | None:
        """Monotonic time of the last data frame of any connection; None = there was none yet."""
        return self._last_frame_ns

    def start(self) -> None:
        """Begin to connect in the background; nothing happens where it already runs."""
        if self._task is not None and not self._task.done():
            return
        self._closing = False
        self.backoff.reset()
        self._wake = asyncio.Event()
        self._set_state(LinkState.CONNECTING, "")
        self._task = tasks.spawn(self._run(), name=f"{self.venue} {self.name} link")

    async def close(self) -> None:
        """End the link for good, in any state, within ``close_timeout_s``. No frame follows the call."""
        self._closing = True
        conn, task = self._conn, self._task
        try:
            if conn is not None:
                polite = self.is_open
                conn.dead = True
                self._stop_watching()
                if polite:
                    await self._say_goodbye(conn)
        finally:
            if conn is not None:
                conn.transport.abort()
            await tasks.cancel_and_wait(task, timeout_s=max(1.0, self.policy.close_timeout_s))
            self._conn, self._task = None, None
            self._set_state(LinkState.OFF, "")

    def reconnect_now(self, reason: str) -> None:
        """Drop the connection, or cut a pause short, and try now. A pause that the venue asked for stays."""
        if self._closing or self.state is LinkState.OFF:
            return
        if self._task is None or self._task.done():
            self.start()
        elif self._lost is not None and not self._lost.done():
            self._lose(Ending(reason, "asked", at_once=True))
        elif self._wake is not None:
            self._wake.set()

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
        if conn.transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
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

    # The life of the link

    async def _run(self) -> None:
        while True:
            try:
                ending = await self._one_connection()
            except Exception:  # noqa: BLE001 - a defect in a callback must not end the link silently
                self._log.exception("%s link: failed unexpectedly", self.name)
                ending = Ending("An internal error ended the connection.", "internal")
            finally:
                self._drop_connection()
            await self._pause_after(ending)
            if ending.fatal:
                return

    async def _pause_after(self, ending: Ending) -> None:
        self.last_error = ending.error or VenueUnavailable(
            self.venue, f"{self.name} link: {ending.reason}", code=ending.code, user_text=ending.reason
        )
        if self._was_open:
            self.reconnects += 1
            self._was_open = False
            if self._live_for_s() >= self.policy.stable_after_s:
                self.backoff.reset()
        self._live_ns = None
        self.faults += ending.is_fault
        if ending.fatal:
            self._log.error("%s link: given up: %s", self.name, ending.reason)
            self._set_state(LinkState.FAILED, ending.reason)
            return
        delay_s = self.backoff.next_delay_s(longest=ending.long_pause)
        if ending.pause_s is not None:
            self._gate.pause(ending.pause_s)
        level = logging.INFO if self.backoff.attempt <= 1 or self.backoff.attempt % 20 == 0 else logging.DEBUG
        self._log.log(
            level,
            "%s link: %s Next try in %.1f s.",
            self.name,
            ending.reason,
            max(delay_s, ending.pause_s or 0.0),
        )
        self._set_state(LinkState.RECONNECTING, ending.reason)
        if not ending.at_once:
            await self._sleep_or_wake(delay_s)

    async def _sleep_or_wake(self, delay_s: float) -> None:
        assert self._wake is not None
        self._wake.clear()
        until_ns = self.clock.monotonic_ns() + int(delay_s * NS_PER_S)
        while not self._wake.is_set() and (left_ns := until_ns - self.clock.monotonic_ns()) > 0:
            try:
                async with asyncio.timeout(max(left_ns / NS_PER_S, 0.001)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _one_connection(self) -> Ending:
        """Open, sign in, stay; returns why it ended."""
        try:
            async with self._gate.turn():
                conn = await self._open()
        except Exception as error:  # noqa: BLE001 - the socket loop: told apart and put into words there
            return explain_open(error, wall_ns=self.clock.wall_ns(), name=self.name, log=self._log)
        lost: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._conn, self._lost, self._was_open = conn, lost, True
        if conn.protocol.state is not State.OPEN:
            return self._explain_close(conn)
        self._start_watching()
        ready = tasks.spawn(self._get_ready(), name=f"{self.venue} {self.name} link opening")
        try:
            both: set[asyncio.Future[Any]] = {ready, lost}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                return lost.result()
            ending = ready.result()
            if ending is not None:
                return ending
            self._live_ns = self.clock.monotonic_ns()
            self._set_state(LinkState.LIVE, "")
            return await lost
        finally:
            await tasks.cancel_and_wait(ready, timeout_s=1.0)

    async def _open(self) -> _Connection:
        url = self._url()
        require_safe_address(url, ("ws", "wss"))
        options: dict[str, Any] = {}
        if is_secure(url):
            if self._ssl_context is None:
                self._ssl_context = make_ssl_context()
            options["ssl"] = self._ssl_context
        policy = self.policy

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
            user_agent_header="Parallax",
            logger=_quiet,
            create_connection=cast("type[ClientConnection]", make_connection),
            **options,
        )
        conn = await opening
        assert isinstance(conn, _Connection)
        return conn

    async def _get_ready(self) -> Ending | None:
        try:
            async with asyncio.timeout(self.policy.ready_timeout_s):
                await self._on_open(self)
        except VenueError as error:
            return explain_refusal(error)
        except TimeoutError:
            return Ending("The venue did not finish the sign-in in time.", "ready")
        return None

    def _drop_connection(self) -> None:
        self._stop_watching()
        conn, self._conn, self._lost = self._conn, None, None
        if conn is not None:
            conn.dead = True
            conn.transport.abort()

    async def _say_goodbye(self, conn: _Connection) -> None:
        try:
            async with asyncio.timeout(self.policy.close_timeout_s):
                await conn.close()
        except TimeoutError:
            self._log.debug("%s link: the venue did not answer the close", self.name)

    def _set_state(self, state: LinkState, reason: str) -> None:
        if state is self.state and reason == self.reason:
            return
        self.state, self.reason = state, reason
        try:
            self._on_state(state, reason)
        except Exception:  # noqa: BLE001 - nor may a watcher
            self._log.exception("%s link: a watcher of the state failed", self.name)

    def _live_for_s(self) -> float:
        """How long data came while live."""
        if self._live_ns is None or self._last_frame_ns is None:
            return 0.0
        return max(0.0, (self._last_frame_ns - self._live_ns) / NS_PER_S)

    def _explain_close(self, conn: _Connection) -> Ending:
        return explain_close(
            conn.protocol,
            conn.connection_exc,
            max_bytes=self.policy.max_message_bytes,
            excerpt=conn.excerpt(),
            name=self.name,
            log=self._log,
        )

    # Called by the connection, in the reading call

    def _on_ended(self, conn: _Connection) -> None:
        if conn is self._conn and not self._closing:
            self._lose(None)

    def _on_handler_failed(self) -> None:
        self.faults += 1
        if self.faults <= 5 or self.faults % 1000 == 0:
            self._log.exception("%s link: a frame could not be handled (%d so far)", self.name, self.faults)

    def _on_pong(self, payload: bytes) -> None:
        if payload == self._ping_payload:
            self._ping_payload = None
            self.round_trip_ms = (self.clock.monotonic_ns() - self._ping_ns) / 1e6

    def _lose(self, ending: Ending | None) -> None:
        """Mark the connection as over, at once; the reason is read off it where none is given."""
        conn, lost = self._conn, self._lost
        if conn is None or lost is None or lost.done():
            return
        conn.dead = True
        self._stop_watching()
        lost.set_result(ending or self._explain_close(conn))
        conn.transport.abort()

    # Watching over the open connection

    def _start_watching(self) -> None:
        now_ns = self.clock.monotonic_ns()
        self._open_ns = self._heartbeat_ns = now_ns
        self._ping_payload = None
        # The first ping goes out at once, so that the round trip is known from the start.
        self._ping_ns = now_ns - int(self.policy.ping_interval_s * NS_PER_S)
        self._arm(now_ns)

    def _stop_watching(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _arm(self, now_ns: int, within_s: float | None = None) -> None:
        """Set the watchdog for the next thing that can fall due."""
        policy = self.policy
        due_ns = self._ping_ns + int(
            (policy.ping_timeout_s if self._ping_payload is not None else policy.ping_interval_s) * NS_PER_S
        )
        if self.idle_timeout_s is not None:
            due_ns = min(due_ns, self._quiet_since_ns() + int(self.idle_timeout_s * NS_PER_S))
        if policy.heartbeat_s is not None and self._heartbeat is not None:
            since_ns = max(self._quiet_since_ns(), self._heartbeat_ns)
            due_ns = min(due_ns, since_ns + int(policy.heartbeat_s * NS_PER_S))
        # A change of idle_timeout_s must be seen soon, hence at most a second.
        delay_s = min(max((due_ns - now_ns) / NS_PER_S, 0.001), 1.0)
        if within_s is not None:
            delay_s = min(delay_s, within_s)
        self._watch_due_ns = now_ns + int(delay_s * NS_PER_S)
        self._watchdog = asyncio.get_running_loop().call_later(delay_s, self._watch)

    def _quiet_since_ns(self) -> int:
        last_ns = self._last_frame_ns
        return self._open_ns if last_ns is None else max(last_ns, self._open_ns)

    def _watch(self) -> None:
        conn = self._conn
        if conn is None or conn.dead:
            return
        now_ns = self.clock.monotonic_ns()
        policy = self.policy
        if now_ns - self._watch_due_ns > _STALL_S * NS_PER_S:
            # We were held up, not the venue: what it sent meanwhile waits in the socket and is read before
            # the next judgement.
            self._arm_again_after_stall(now_ns)
            return
        quiet_s = (now_ns - self._quiet_since_ns()) / NS_PER_S
        if self.idle_timeout_s is not None and quiet_s >= self.idle_timeout_s:
            self._lose(Ending(f"No data for {quiet_s:.1f} s, though the line is open.", "idle"))
            return
        if self._ping_payload is not None:
            if now_ns - self._ping_ns >= policy.ping_timeout_s * NS_PER_S:
                self._lose(Ending("The venue stopped answering.", "ping"))
                return
        elif now_ns - self._ping_ns >= policy.ping_interval_s * NS_PER_S:
            self._ping(conn, now_ns)
        self._beat(now_ns)
        self._arm(now_ns)

    def _arm_again_after_stall(self, now_ns: int) -> None:
        self._watch_due_ns = now_ns + NS_PER_S // 10
        self._watchdog = asyncio.get_running_loop().call_later(0.1, self._watch)

    def _ping(self, conn: _Connection, now_ns: int) -> None:
        self._ping_count += 1
        self._ping_payload = struct.pack("!I", self._ping_count & 0xFFFFFFFF)
        self._ping_ns = now_ns
        if conn.transport.get_write_buffer_size() < _MAX_UNSENT_BYTES:
            conn.protocol.send_ping(self._ping_payload)
            conn.send_data()

    def _beat(self, now_ns: int) -> None:
        after_s = self.policy.heartbeat_s
        if after_s is None or self._heartbeat is None:
            return
        if now_ns - max(self._quiet_since_ns(), self._heartbeat_ns) < after_s * NS_PER_S:
            return
        self._heartbeat_ns = now_ns
        try:
            self.send_now(self._heartbeat())
        except VenueError as error:
            self._log.debug("%s link: heartbeat not sent: %s", self.name, error)

    def _tapped(
        self, on_frame: Callable[[str | bytes, int], object], tap: Callable[[str, str | bytes, int], object]
    ) -> Callable[[str | bytes, int], object]:
        def both(frame: str | bytes, ts_received_ns: int) -> None:
            tap("in", frame, ts_received_ns)
            on_frame(frame, ts_received_ns)

        return both
