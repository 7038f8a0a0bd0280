"""The one socket of a Quotex sign-in: opening, authorising, keeping alive, and handing events on.

The order of the opening, the pings of both layers and the tick every five seconds are those of the web
terminal; events come by name, or, where an attachment has lost its name, by shape.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.domain.errors import AuthRejected, NotSent, VenueError, VenueUnavailable
from terminal.domain.events import LinkState
from terminal.transport.reconnect import LinkPolicy
from terminal.venues.quotex import framing
from terminal.venues.quotex.errors import VENUE_NAME, session_refused
from terminal.venues.quotex.framing import Decoder, Event, Fault, Opened, Signal, encode
from terminal.venues.quotex.shapes import fits, name_by_shape

log = logging.getLogger("venue.quotex")

POLICY: Final = LinkPolicy(
    ready_timeout_s=30.0,
    # The library of the web terminal pings every 24 s and waits 20 s.
    ping_interval_s=24.0,
    ping_timeout_s=20.0,
    # With every market closed nothing comes by itself: pings tell a quiet line from a dead one, and often
    # enough that it is not called silent in between (three seconds).
    idle_timeout_s=15.0,
    heartbeat_s=2.5,
    max_message_bytes=2**23,
    backoff_s=(5.0, 10.0, 20.0, 40.0, 60.0),
)
"""Pauses of five seconds and more between tries: what the interface is used to."""

_AUTH_TIMEOUT_S: Final = 15.0
_LISTS_TIMEOUT_S: Final = 10.0
_TICK_S: Final = 5.0
_REJECTS_BEFORE_GIVING_UP: Final = 2
_OPENING: Final = ("tick", "indicator/list", "drawing/load", "pending/list", "chart_notification/get")

_FILTERED: Final = "http-403"
"""How a bot filter answers the opening of a socket."""
_FILTER_TEXT: Final = (
    "Quotex's bot filter refuses the connection. It is tried again; if that goes on, sign in again on "
    "Quotex's own page."
)

REJECTED: Final = "authorization/reject"
AUTHORIZED: Final = "s_authorization"


class Link(Protocol):
    """What is needed of :class:`terminal.transport.websocket.WebSocketLink`."""

    state: LinkState
    reconnects: int
    round_trip_ms: float | None
    last_error: VenueError | None

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
        on_frame: Callable[[str | bytes, int], object],
        on_open: Callable[[object], Awaitable[None]],
        on_state: Callable[[LinkState, str], object],
        heartbeat: Callable[[], str],
        headers: Callable[[], Mapping[str, str]],
    ) -> Link: ...


class QuotexStream:
    """Keeps the socket open and authorised. ``on_event`` takes every event in the reading call itself;
    ``on_ready`` runs after each authorisation: subscriptions, lists; ``on_fault`` hears what could not be
    read, and the event that was lost with it, where that is known."""

    def __init__(
        self,
        *,
        make_link: MakeLink,
        headers: Callable[[], Mapping[str, str]],
        authorization: Callable[[], Mapping[str, Any]],
        on_event: Callable[[str, Any, int], None],
        on_ready: Callable[[], Awaitable[None]],
        on_state: Callable[[LinkState, str], None],
        on_fault: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        self._authorization = authorization
        self._on_event = on_event
        self._on_ready = on_ready
        self._on_fault = on_fault
        self._clock = clock
        self._decoder = Decoder(fits)
        self._answer: asyncio.Future[None] | None = None
        self._rejects = 0
        self._was_refused = False
        self._ping_interval_s = 25.0
        self._pinged_ns: int | None = None
        self._last_ping_ns = 0
        self._keeping: asyncio.Task[None] | None = None
        self.is_authorized = False
        self.round_trip_ms: float | None = None
        self.faults = 0
        self.link = make_link(
            on_frame=self.on_frame,
            on_open=self._opened,
            on_state=self._state_changed,
            heartbeat=self._beat,
            headers=headers,
        )
        self._tell_state = on_state

    @property
    def is_doubted(self) -> bool:
        """The session was refused, at an opening or in the middle of things, and is being tried once more."""
        return self._was_refused and self._rejects < _REJECTS_BEFORE_GIVING_UP

    def start(self) -> None:
        """Begin to connect."""
        self.link.start()
        self._keeping = tasks.spawn(self._keep_alive(), name="quotex pings")

    async def close(self) -> None:
        """End the socket."""
        await tasks.cancel_and_wait(self._keeping)
        await self.link.close()

    def send(self, name: str, *data: Any) -> None:
        """Send an event.

        Raises:
            NotSent: the socket is not open and authorised; nothing left.
            OutcomeUnknown: it broke while writing.
        """
        if not self.is_authorized:
            raise NotSent(VENUE_NAME, "the session is not open")
        self.link.send_now(encode(name, *data))

    def try_send(self, name: str, *data: Any) -> None:
        """Send what is asked for again after the next opening anyway."""
        try:
            self.send(name, *data)
        except VenueError as error:
            log.debug("not sent: %s", error)

    # -- the opening ----------------------------------------------------------------------------------

    async def _opened(self, link: object) -> None:
        """Authorise and bring everything back; the link is live when this returns.

        Raises:
            AuthRejected: the session does not count any more.
            VenueUnavailable: no answer; another try may help.
        """
        loop = asyncio.get_running_loop()
        self._decoder = Decoder(fits)
        self.is_authorized = False
        self._answer = loop.create_future()
        try:
            for name in _OPENING:
                self.link.send_now(encode(name))
            self.link.send_now(encode("authorization", dict(self._authorization())))
            async with asyncio.timeout(_AUTH_TIMEOUT_S):
                await self._answer
        except TimeoutError:
            raise VenueUnavailable(
                VENUE_NAME, "the sign-in was not answered", user_text="Quotex does not answer the sign-in."
            ) from None
        except AuthRejected as refused:
            self._rejects += 1
            self._was_refused = True
            if self._rejects < _REJECTS_BEFORE_GIVING_UP:
                # One slip of theirs is no reason to ask the person.
                raise VenueUnavailable(VENUE_NAME, str(refused), user_text=refused.user_text) from refused
            raise
        finally:
            self._answer = None
        self._rejects = 0
        self._was_refused = False
        self.is_authorized = True
        self._last_ping_ns = self._clock.monotonic_ns()
        self.link.send_now(encode("instruments/get"))
        async with asyncio.timeout(_LISTS_TIMEOUT_S):
            await self._on_ready()

    def _state_changed(self, state: LinkState, reason: str) -> None:
        if state is not LinkState.LIVE:
            self.is_authorized = False
            self._pinged_ns = None
        error = self.link.last_error
        if state is LinkState.RECONNECTING and error is not None and error.code == _FILTERED:
            reason = _FILTER_TEXT
        self._tell_state(state, reason)

    async def _keep_alive(self) -> None:
        """Engine.IO's own pings and the tick, as the web terminal sends them."""
        while True:
            await asyncio.sleep(_TICK_S)
            if not self.link.is_open or not self.is_authorized:
                continue
            self.try_send("tick")
            if self._clock.monotonic_ns() - self._last_ping_ns >= self._ping_interval_s * 0.8e9:
                try:
                    self.link.send_now(self._beat())
                except VenueError as error:
                    log.debug("no ping: %s", error)

    def _beat(self) -> str:
        """Engine.IO's ping, which the server answers; a tick it does not."""
        self._last_ping_ns = self._pinged_ns = self._clock.monotonic_ns()
        return framing.PING

    # -- frames ---------------------------------------------------------------------------------------

    def on_frame(self, frame: str | bytes, ts_received_ns: int) -> None:
        """Take one frame, in the reading call itself."""
        taken = self._decoder.take(frame)
        if type(taken) is Event:
            self._take_event(taken, ts_received_ns)
        elif type(taken) is Fault:
            self._report(taken.what, taken.name)
        elif type(taken) is Opened:
            self._ping_interval_s = max(5.0, min(taken.ping_interval_s, 60.0))
        elif taken is Signal.PING:
            self.link.send_now(framing.PONG)
        elif taken is Signal.PONG:
            if self._pinged_ns is not None:
                self.round_trip_ms = (self._clock.monotonic_ns() - self._pinged_ns) / 1e6
                self._pinged_ns = None
        elif taken in (Signal.DISCONNECTED, Signal.CLOSE, Signal.ERROR):
            self.link.reconnect_now("Quotex ended the session's connection.")

    def _report(self, what: str, name: str) -> None:
        self.faults += 1
        log.warning("unreadable: %s", what)
        self._on_fault(what, name)

    def _take_event(self, event: Event, ts_received_ns: int) -> None:
        for lost in event.lost:
            self._report(f"an event without its attachment ({lost})", lost)
        name = event.name or name_by_shape(event.data)
        if name == AUTHORIZED:
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(None)
        elif name == REJECTED:
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(session_refused())
            else:
                # In the middle of things: the session has ended.
                self._was_refused = True
                self.link.reconnect_now("Quotex does not take the session any more.")
        if name:
            self._on_event(name, event.data, ts_received_ns)
        else:
            self._report("an attachment without a name and of no known shape", "")
