"""What OKX's three WebSocket connections share: the link, its text pings, the login, and moving to a new
connection before OKX closes the old one.

Frames are told apart by how their text begins and go straight to a decoder made for them; a frame that begins
otherwise (keys in another order) is decoded twice and still found. Nothing that arrives can raise into the
reading loop: what cannot be read is counted, reported and repaired (OKX v5, WebSocket rules, 2026-07).
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol

import msgspec

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.secret import scrub
from terminal.domain.errors import AuthRejected, VenueError, VenueUnavailable
from terminal.domain.events import LinkChanged, LinkState, VenueEvent, WireFault
from terminal.transport.reconnect import LinkPolicy
from terminal.venues.okx.auth import Signer
from terminal.venues.okx.errors import CLOCK_CODES, VENUE_NAME, to_error
from terminal.venues.okx.wire import Head

log = logging.getLogger("venue.okx")

POLICY: Final = LinkPolicy(
    # OKX is pinged with a text of its own, so the protocol's ping must never end a line.
    ping_interval_s=86_400.0,
    ping_timeout_s=86_400.0,
    heartbeat_s=2.0,
    idle_timeout_s=8.0,
)
"""A line without a frame for two seconds is pinged, so that a quiet market is not taken for old prices; it is
dead after eight. OKX itself drops a line after thirty."""

PING: Final = "ping"
PONG: Final = "pong"
_LOGIN_TIMEOUT_S: Final = 8.0
_UPGRADE: Final = "64008"
# A connection that is about to close may still have orders to answer.
_MOVE_TIMEOUT_S: Final = 6.0


class Link(Protocol):
    """What is needed of :class:`terminal.transport.websocket.WebSocketLink`."""

    state: LinkState
    reconnects: int

    @property
    def is_open(self) -> bool: ...
    @property
    def last_frame_ns(self) -> int | None: ...
    def start(self) -> None: ...
    async def close(self) -> None: ...
    def reconnect_now(self, reason: str) -> None: ...
    def send_now(self, text: str) -> None: ...


class MakeLink(Protocol):
    """Builds a link that calls back; see :class:`terminal.transport.websocket.WebSocketLink`."""

    def __call__(
        self,
        *,
        name: str,
        url: Callable[[], str],
        on_frame: Callable[[str | bytes, int], object],
        on_open: Callable[[object], Awaitable[None]],
        on_state: Callable[[LinkState, str], object],
        heartbeat: Callable[[], str],
    ) -> Link: ...


class Stream(ABC):
    """One of the connections: state, faults, pings, login."""

    name = ""
    tells_state = True
    """Whether the screen hears of this connection by itself."""

    def __init__(
        self,
        *,
        make_link: MakeLink,
        url: Callable[[], str],
        clock: Clock,
        on_link: Callable[[LinkChanged], None],
        signer: Signer | None = None,
        measure_clock: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._make_link = make_link
        self._url = url
        self._clock = clock
        self._on_link = on_link
        self._signer = signer
        self._measure_clock = measure_clock
        self._sink: Callable[[VenueEvent], None] = lambda event: None
        self._pinged_ns: int | None = None
        self._login: asyncio.Future[None] | None = None
        self._generation = 0
        self._moving: asyncio.Task[None] | None = None
        self._old: Link | None = None
        self._old_was_lost = False
        self._earlier_reconnects = 0
        self._earlier_frame_ns: int | None = None
        self.faults = 0
        self.round_trip_ms: float | None = None
        self.link = self._new_link()

    def _new_link(self) -> Link:
        return self._make_link(
            name=self.name,
            url=self._url,
            on_frame=self.on_frame,
            on_open=partial(self._opened, self._generation),
            on_state=partial(self._on_state, self._generation),
            heartbeat=self._beat,
        )

    @property
    def reconnects(self) -> int:
        """How often the connection was lost; moving to a new one is none."""
        return self._earlier_reconnects + self.link.reconnects

    @property
    def last_frame_ns(self) -> int | None:
        """Monotonic time of the last frame, over whichever connection; None = there was none yet."""
        if self._old is not None:
            return self._old.last_frame_ns
        last = self.link.last_frame_ns
        return last if last is not None else self._earlier_frame_ns

    def set_sink(self, sink: Callable[[VenueEvent], None]) -> None:
        """Where events go from now on."""
        self._sink = sink

    async def close(self) -> None:
        """End the connection, and one that is being moved from."""
        await tasks.cancel_and_wait(self._moving)
        if self._old is not None:
            await self._old.close()
            self._old = None
        await self.link.close()

    @abstractmethod
    def on_frame(self, frame: str | bytes, ts_received_ns: int) -> None:
        """Take one frame, in the reading call itself."""

    async def _take_over(self) -> None:
        """What has to run on the new connection before an old one is left, so that nothing is missed."""
        return

    @abstractmethod
    async def _on_open(self) -> None:
        """Sign in and ask for what is wanted, at each opening of the link."""

    @abstractmethod
    def _link_down(self, reason: str) -> None:
        """Told at once when the link is no longer live."""

    # --- pings -------------------------------------------------------------------------------------------

    def ping(self) -> None:
        """Measure the round trip."""
        if self.link.state is LinkState.LIVE:
            self._try_send(self._beat())

    def _beat(self) -> str:
        self._pinged_ns = self._clock.monotonic_ns()
        return PING

    def _on_pong(self) -> None:
        if self._pinged_ns is not None:
            self.round_trip_ms = (self._clock.monotonic_ns() - self._pinged_ns) / 1e6
            self._pinged_ns = None

    # --- opening -----------------------------------------------------------------------------------------

    async def _opened(self, generation: int, link: object) -> None:
        if generation != self._generation:
            return  # an old connection came back while it was being left
        await self._take_over()
        if self._old is not None:
            await self._leave_old()
        await self._on_open()

    async def _sign_in(self) -> None:
        """Log in on this connection.

        Raises:
            AuthRejected: OKX refuses the key; trying again will not help.
            VenueUnavailable: it may help, the clock being measured anew.
        """
        assert self._signer is not None
        self._login = asyncio.get_running_loop().create_future()
        request = {"op": "login", "args": [self._signer.login()]}
        try:
            self.link.send_now(msgspec.json.encode(request).decode())
            async with asyncio.timeout(_LOGIN_TIMEOUT_S):
                await self._login
        except TimeoutError:
            raise VenueUnavailable(VENUE_NAME, f"{self.name}: the login was not answered") from None
        except AuthRejected as error:
            if error.code not in CLOCK_CODES or self._measure_clock is None:
                raise
            await self._measure_clock()
            raise VenueUnavailable(
                VENUE_NAME, f"{self.name}: {error}", code=error.code, user_text=error.user_text
            ) from error
        finally:
            self._login = None

    def _on_login(self, head: Head) -> bool:
        """Take the answer to a login; False where it is something else."""
        waiting = self._login
        if waiting is None or waiting.done():
            return False
        if head.event == "login":
            if head.code in ("", "0"):
                waiting.set_result(None)
            else:
                waiting.set_exception(to_error(head.code, scrub(head.msg), writing=False))
            return True
        if head.event == "error" and not head.id:
            waiting.set_exception(to_error(head.code, scrub(head.msg), writing=False))
            return True
        return False

    def _on_notice(self, head: Head) -> None:
        """``{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade.
        Please reconnect.","connId":"a4d3ae55"}``"""
        if head.code == _UPGRADE:
            log.info("%s link: OKX is about to close the connection, a new one is opened first", self.name)
            self.move()

    # --- moving to a new connection ----------------------------------------------------------------------

    def move(self) -> None:
        """Open a new connection and, once it is there, leave this one."""
        if self._old is not None or self.link.state is not LinkState.LIVE:
            return
        self._old, self._old_was_lost = self.link, False
        self._earlier_reconnects += self.link.reconnects
        self._generation += 1
        self.link = self._new_link()
        self.link.start()

    async def _leave_old(self) -> None:
        """The new socket is open: what is on its way over the old one is awaited, then it is closed."""
        old, self._old = self._old, None
        if old is None:
            return
        self._earlier_frame_ns = old.last_frame_ns
        try:
            async with asyncio.timeout(_MOVE_TIMEOUT_S):
                await self._settled()
        except TimeoutError:
            log.warning("%s link: the old connection did not answer everything", self.name)
        self._moving = tasks.spawn(old.close(), name=f"okx {self.name} old link")

    async def _settled(self) -> None:
        """Wait until nothing waits for an answer on the old connection."""
        return

    def _on_state(self, generation: int, state: LinkState, reason: str) -> None:
        if generation != self._generation:
            if state is not LinkState.LIVE and self._old is not None:
                # It went before the new one was there.
                self._old_was_lost = True
                self._link_down(reason)
                self._tell(LinkState.RECONNECTING, reason)
            return
        if self._old is not None and state is LinkState.CONNECTING:
            return  # the old one is still good
        if state is not LinkState.LIVE:
            self._pinged_ns = None
            self._link_down(reason)
        self._tell(state, reason)

    def _tell(self, state: LinkState, reason: str) -> None:
        if self.tells_state:
            self._on_link(LinkChanged(self.name, state, reason, self._clock.wall_ns()))

    # --- sending, faults ---------------------------------------------------------------------------------

    def _try_send(self, text: str) -> None:
        try:
            self.link.send_now(text)
        except VenueError as error:
            # The link has just gone; everything is asked for again when it is back.
            log.debug("%s: not sent: %s", self.name, error)

    def _fault(self, what: str, frame: str = "") -> None:
        self.faults += 1
        log.warning("%s link: unreadable frame: %s: %.120s", self.name, what, scrub(frame[:200]))
        self._sink(WireFault(self.name, what))
