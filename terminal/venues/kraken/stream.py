"""What Kraken's two WebSocket v2 connections share: the link, pings, faults, the venue's status.

Frames are told apart by how their text begins, which costs a tenth of decoding it, and go straight to a
decoder made for them; a frame that begins otherwise (keys in another order) is decoded twice and still
found. Nothing that arrives can raise into the reading loop: what cannot be read is counted, reported and
repaired.
"""

from __future__ import annotations

import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from terminal.core.clock import Clock
from terminal.core.secret import scrub
from terminal.domain.errors import VenueError
from terminal.domain.events import (
    LinkChanged,
    LinkState,
    VenueEvent,
    VenueStatusChanged,
    WireFault,
)
from terminal.venues.kraken import parse
from terminal.venues.kraken.wire import (
    Response,
)

log = logging.getLogger("venue.kraken")

decode_response = msgspec.json.Decoder(Response).decode

HEARTBEAT = '{"channel":"heartbeat"'
_RESTARTING = "CloudFlare WebSocket proxy restarting"


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
    ) -> Link: ...


class Stream(ABC):
    """What both connections share: state, faults, pings."""

    name = ""

    def __init__(
        self,
        *,
        make_link: MakeLink,
        url: Callable[[], str],
        clock: Clock,
        sink: Callable[[VenueEvent], None],
        numbers: itertools.count[int],
        on_link: Callable[[LinkChanged], None],
    ) -> None:
        self._on_link = on_link
        self._clock = clock
        self._sink = sink
        """Replaced once the connector has its own: one call less for every frame."""
        self._numbers = numbers
        self._ping: tuple[int, int, int] | None = None
        self.faults = 0
        self.round_trip_ms: float | None = None
        self.clock_offset_ms: float | None = None
        self.link = make_link(
            name=self.name,
            url=url,
            on_frame=self.on_frame,
            on_open=self._on_open,
            on_state=self._on_state,
        )

    def set_sink(self, sink: Callable[[VenueEvent], None]) -> None:
        """Where events go from now on."""
        self._sink = sink

    @abstractmethod
    def on_frame(self, frame: str | bytes, ts_received_ns: int) -> None:
        """Take one frame, in the reading call itself."""

    @abstractmethod
    async def _on_open(self, link: object) -> None:
        """Sign in and ask for what is wanted, at each opening of the link."""

    @abstractmethod
    def _link_down(self, reason: str) -> None:
        """Told at once when the link is no longer live."""

    def ping(self) -> None:
        """Ask for the server's time; the answer gives the round trip and the clocks' difference."""
        number = next(self._numbers)
        self._ping = (number, self._clock.monotonic_ns(), self._clock.wall_ns())
        self._try_send(f'{{"method":"ping","req_id":{number}}}')

    def _on_pong(self, response: Response, ts_received_ns: int) -> None:
        """``{"method":"pong","req_id":101,"time_in":"2024-05-19T16:27:13.694962Z","time_out":"..."}``"""
        if self._ping is None or response.req_id != self._ping[0]:
            return
        _, sent_monotonic_ns, sent_wall_ns = self._ping
        self._ping = None
        self.round_trip_ms = (self._clock.monotonic_ns() - sent_monotonic_ns) / 1e6
        if response.time_in is not None and response.time_out is not None:
            there = parse.time_ns(response.time_in) + parse.time_ns(response.time_out)
            self.clock_offset_ms = (there - sent_wall_ns - ts_received_ns) / 2e6

    def _on_state(self, state: LinkState, reason: str) -> None:
        if state is not LinkState.LIVE:
            self._ping = None
            self._link_down(reason)
        self._on_link(LinkChanged(self.name, state, reason, self._clock.wall_ns()))

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

    def _status(self, frame: str) -> None:
        """``{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":13834774380200032777,
        "system":"online","version":"2.0.10"}]}``"""
        for row in parse.decode_status(frame).data:
            self._sink(VenueStatusChanged(row.system))


def is_edge_restarting(frame: str) -> bool:
    """The bare text that Kraken's edge may send before it drops a connection: not JSON, and no fault."""
    return frame.startswith(_RESTARTING)
