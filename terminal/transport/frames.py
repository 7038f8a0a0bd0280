"""One reconnecting TLS connection of length-prefixed messages: four bytes big-endian, then so many bytes.

What is promised beyond what every link promises (:mod:`.link`):

- TLS 1.2 or later with chain and host name verified, whatever the settings say; a CA file can only add an
  authority.
- A frame reaches ``on_frame`` in the same call in which the socket was read: no queue, no task switch.
- The length is judged before anything is kept: what is longer than the limit is never waited for.
- Silence is tested: after ``ping_interval_s`` without a frame ``ping()`` is sent, and any frame answers it.
  So it is at the start and every ``measure_s``, for the round trip of a busy line.
  Drops of a frame that never gets whole are not frames.
- ``heartbeat()`` is sent every ``heartbeat_s``, for venues that hang up on clients that keep quiet.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from struct import Struct
from typing import Final
from urllib.parse import urlsplit

from terminal.core.clock import Clock
from terminal.core.secret import scrub
from terminal.domain.errors import NotSent, OutcomeUnknown, SettingsError
from terminal.domain.events import LinkState
from terminal.transport.endings import Ending
from terminal.transport.link import MAX_UNSENT_BYTES, Link
from terminal.transport.reconnect import ConnectGate, LinkPolicy
from terminal.transport.wire import NS_PER_S, make_ssl_context, network_reason, tls_reason

__all__ = ["ConnectGate", "FrameLink", "LinkPolicy", "host_and_port"]

_PREFIX: Final = Struct(">I")
_size_at = _PREFIX.unpack_from
_LOGGED_BYTES: Final = 32  # 64 hex characters
# A long message on a slow line is life as well, if it comes at more than a drip.
_PROGRESS_BYTES: Final = 4096


def host_and_port(address: str) -> tuple[str, int]:
    """``demo.example.com:5035`` as its parts.

    Raises:
        SettingsError: it is not a host and a port.
    """
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port or parts.path or parts.username or parts.query:
        raise SettingsError(
            f"unusable address {address!r}", user_text="The address must be a host and a port: host:5035."
        )
    return host, port


class _Wire(asyncio.Protocol):
    """One TLS connection, cut into frames."""

    transport: asyncio.Transport

    def __init__(
        self,
        link: FrameLink,
        on_frame: Callable[[bytes, int], object],
        on_read: Callable[[int], object] | None,
    ) -> None:
        self._link = link
        self._on_frame = on_frame
        self._on_read = on_read
        self._most = link.policy.max_message_bytes
        self._rest = bytearray()
        self._need = 0
        self._counted = 0
        self.head = b""
        """The beginning of what came last, for the log."""
        self.dead = False
        self.error: Exception | None = None
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        if self._is_over():
            return
        link = self._link
        clock = link.clock
        stamp_ns = clock.wall_ns()
        rest = self._rest
        if rest:
            rest += data
            if len(rest) < self._need:
                if len(rest) - self._counted >= _PROGRESS_BYTES:
                    self._counted = len(rest)
                    link._came(clock.monotonic_ns())
                return
            data = bytes(rest)
            rest.clear()
        else:
            self.head = data[:_LOGGED_BYTES]
        at, end, whole = 0, len(data), 0
        on_frame = self._on_frame
        while end - at >= 4:
            (size,) = _size_at(data, at)
            stop = at + 4 + size
            if stop > end:
                if size > self._most:
                    self._refuse(size)
                    return
                break
            if size > self._most:
                self._refuse(size)
                return
            if not whole:
                link._came(clock.monotonic_ns())
                whole = 1
            try:
                on_frame(data[at + 4 : stop], stamp_ns)
            except Exception:  # noqa: BLE001 - the socket loop: one bad frame must not end the link
                link._on_handler_failed()
            if self.dead:
                return
            at = stop
        if whole and self._on_read is not None:
            try:
                self._on_read(stamp_ns)
            except Exception:  # noqa: BLE001 - as above
                link._on_handler_failed()
        if at < end:
            rest += data[at:] if at else data
            self._need = 4 + _size_at(rest, 0)[0] if len(rest) >= 4 else 4
            self._counted = len(rest)

    def _is_over(self) -> bool:
        return self.dead

    def _refuse(self, size: int) -> None:
        self._link.drop(
            f"The venue announced a message of {size:,} bytes, more than {self._most:,}.",
            "too-big",
            long_pause=True,
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.error = exc
        self._link._on_ended(self)

    @property
    def is_cut_off(self) -> bool:
        """It ended in the middle of a frame."""
        return bool(self._rest)


class FrameLink(Link):
    """A connection of length-prefixed messages that keeps itself open.

    Args:
        name: which link of the venue, e.g. ``"demo"``; for the log and the names of tasks.
        venue: the venue's key, for errors and the log.
        address: ``host:port``, asked before each attempt.
        on_frame: called with each message and the wall time of its arrival (ns), in the reading call itself.
        on_read: called after the frames of one reading of the socket, in the same call and with the same
            time: what several of them have changed can be told once.
        on_open: signs in; the link is LIVE when it returns. ``AuthRejected`` ends in FAILED, any other
            ``VenueError`` in another try. Frames arrive meanwhile.
        on_state: called with each new state and one plain sentence.
        ping: makes a message that the venue answers; sent after silence, once live.
        heartbeat: makes the message to send every ``policy.heartbeat_s`` while the socket is open.
        ca_file: PEM file of an authority to trust beside the system's.
        gate: shared by all links of the venue; one of its own without.
    """

    def __init__(
        self,
        *,
        name: str,
        venue: str,
        address: Callable[[], str],
        on_frame: Callable[[bytes, int], object],
        on_open: Callable[[FrameLink], Awaitable[None]],
        on_state: Callable[[LinkState, str], object],
        ping: Callable[[], bytes] | None = None,
        heartbeat: Callable[[], bytes] | None = None,
        on_read: Callable[[int], object] | None = None,
        policy: LinkPolicy | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        ca_file: str = "",
        ssl_context: ssl.SSLContext | None = None,
        gate: ConnectGate | None = None,
    ) -> None:
        super().__init__(
            name=name, venue=venue, on_state=on_state, policy=policy, clock=clock, rng=rng, gate=gate
        )
        self._address = address
        self._on_frame = on_frame
        self._on_read = on_read
        self._on_open = on_open
        self._make_ping = ping
        self._make_heartbeat = heartbeat
        self._ca_file = ca_file
        self._ssl_context = ssl_context
        self._wire: _Wire | None = None
        self._measured = False
        """A ping went out on this connection."""

    @property
    def is_open(self) -> bool:
        """The socket is open and can be written to; true already while ``on_open`` runs."""
        wire = self._wire
        return wire is not None and not wire.dead and not wire.ended

    def send_now(self, message: bytes) -> None:
        """Write one message to the socket, in this turn. Returning says nothing about its arrival.

        Raises:
            NotSent: the link is not open, or the peer has stopped reading. Nothing left.
            OutcomeUnknown: the socket broke while writing.
        """
        wire = self._wire
        if wire is None or wire.dead or wire.ended or wire.transport.is_closing():
            raise NotSent(self.venue, f"the {self.name} link is not open ({self.state.value})")
        if wire.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            raise NotSent(self.venue, f"the {self.name} link is clogged: the venue has stopped reading")
        try:
            wire.transport.write(_PREFIX.pack(len(message)) + message)
        except Exception as error:
            raise OutcomeUnknown(
                self.venue, f"the {self.name} link broke while sending: {error!r}"
            ) from error

    def drop(self, reason: str, code: str, *, long_pause: bool = False) -> None:
        """End the connection because the venue broke the protocol; it is opened again after a pause."""
        wire = self._wire
        if wire is not None and not wire.dead:
            self._log.warning("%s link: %s %s", self.name, reason, _excerpt(wire.head))
        self._lose(Ending(reason, code, long_pause=long_pause, is_fault=True))

    def give_up(self, reason: str, code: str) -> None:
        """End the connection for good: only a person can heal this."""
        self._lose(Ending(reason, code, fatal=True))

    # The wire

    async def _open(self) -> None:
        host, port = host_and_port(self._address())
        loop = asyncio.get_running_loop()
        if self._ssl_context is None:
            # Reading the system's store takes longer than a frame of the screen.
            self._ssl_context = await asyncio.to_thread(make_ssl_context, self._ca_file)
        wire = _Wire(self, self._on_frame, self._on_read)
        self._measured = False
        try:
            async with asyncio.timeout(self.policy.open_timeout_s):
                await loop.create_connection(
                    lambda: wire,
                    host,
                    port,
                    ssl=self._ssl_context,
                    server_hostname=host,
                    ssl_shutdown_timeout=self.policy.close_timeout_s,
                )
        except BaseException:
            wire.dead = True
            raise
        self._wire = wire

    async def _sign_in(self) -> None:
        await self._on_open(self)

    async def _say_goodbye(self) -> None:
        """These venues know no goodbye: hanging up is one."""
        if self._wire is not None:
            self._wire.dead = True

    def _cut(self) -> None:
        wire = self._wire
        if wire is not None:
            wire.dead = True
            wire.transport.abort()

    def _forget(self) -> None:
        self._wire = None

    def _explain_end(self) -> Ending:
        wire = self._wire
        if wire is not None and wire.error is not None:
            words = tls_reason(wire.error) or network_reason(wire.error)
            return Ending(f"The connection was lost: {words}.", "network")
        if wire is not None and wire.is_cut_off:
            return Ending("The connection was cut in the middle of a message.", "cut")
        return Ending("The venue closed the connection.", "closed")

    def _ping(self) -> None:
        if self._make_ping is not None:
            self._measured = True
            try:
                self.send_now(self._make_ping())
            except (NotSent, OutcomeUnknown) as error:
                self._log.debug("%s link: ping not sent: %s", self.name, error)

    def _ping_due_ns(self) -> int:
        if self._make_ping is None or self.state is not LinkState.LIVE:
            # Looked at again soon: the first one follows the sign-in at once.
            return self.clock.monotonic_ns() + (NS_PER_S if self._make_ping is None else NS_PER_S // 20)
        if self._ping_waits:
            return self._ping_ns + int(self.policy.ping_timeout_s * NS_PER_S)
        if not self._measured:
            return self._ping_ns
        since_ns = max(self._quiet_since_ns(), self._ping_ns)
        quiet_ns = since_ns + int(self.policy.ping_interval_s * NS_PER_S)
        return min(quiet_ns, self._ping_ns + int(self.policy.measure_s * NS_PER_S))

    def _heartbeat_due_ns(self) -> int | None:
        after_s = self.policy.heartbeat_s
        if after_s is None or self._make_heartbeat is None:
            return None
        return self._heartbeat_ns + int(after_s * NS_PER_S)

    def _beat(self) -> None:
        if self._make_heartbeat is not None:
            self.send_now(self._make_heartbeat())

    # Called by the wire, in the reading call

    def _came(self, now_ns: int) -> None:
        self._last_frame_ns = now_ns
        self._ping_waits = False

    def _on_ended(self, wire: _Wire) -> None:
        if wire is self._wire and not self._closing and not wire.dead:
            self._lose(None)


def _excerpt(head: bytes) -> str:
    """The beginning of the last bytes in hex, for the log; nothing where it may be a secret."""
    text = head.decode("latin-1")
    return head.hex() if scrub(text) == text else "(withheld)"
