"""The one socket on a fake link: the opening, refusals, pings of both layers, and what is lost on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from terminal.core import tasks
from terminal.core.clock import SystemClock
from terminal.domain.errors import AuthRejected, NotSent, VenueError, VenueUnavailable
from terminal.domain.events import LinkState
from terminal.venues.quotex import stream as module
from terminal.venues.quotex.stream import QuotexStream
from tests.helpers import eventually, run


class FakeLink:
    """Keeps what is sent; the test plays the server."""

    def __init__(self, **hooks: Any) -> None:
        self.hooks = hooks
        self.state = LinkState.CONNECTING
        self.reconnects = 0
        self.round_trip_ms: float | None = None
        self.last_error: VenueError | None = None
        self.last_frame_ns: int | None = None
        self.is_open = True
        self.sent: list[str] = []
        self.left: list[str] = []

    def start(self) -> None: ...

    async def close(self) -> None: ...

    def send_now(self, text: str) -> None:
        self.sent.append(text)

    def reconnect_now(self, reason: str) -> None:
        self.left.append(reason)


class World:
    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.faults: list[tuple[str, str]] = []
        self.states: list[tuple[LinkState, str]] = []
        self.ready = 0
        self.link: FakeLink
        self.stream = QuotexStream(
            make_link=self._make,
            headers=dict,
            authorization=lambda: {"session": "t", "isDemo": 1, "tournamentId": 0},
            on_event=lambda name, data, at: self.events.append((name, data)),
            on_ready=self._on_ready,
            on_state=lambda state, reason: self.states.append((state, reason)),
            on_fault=lambda what, name: self.faults.append((what, name)),
            clock=SystemClock(),
        )

    def _make(self, **hooks: Any) -> FakeLink:
        self.link = FakeLink(**hooks)
        return self.link

    async def _on_ready(self) -> None:
        self.ready += 1

    def say(self, frame: str | bytes) -> None:
        self.stream.on_frame(frame, 1)

    def tell(self, name: str, data: Any) -> None:
        self.say(f'451-["{name}",{{"_placeholder":true,"num":0}}]')
        self.say(b"\x04" + json.dumps(data).encode())

    async def open(self, answer: str = '42["s_authorization"]') -> None:
        """As the link does it."""

        async def server() -> None:
            await eventually(lambda: any("authorization" in text for text in self.link.sent), what="its turn")
            self.say(answer)

        opening: Awaitable[None] = self.link.hooks["on_open"](self.link)
        answers = await asyncio.gather(opening, server(), return_exceptions=True)
        if isinstance(answers[0], BaseException):
            raise answers[0]


def doubted(world: World) -> bool:
    return world.stream.is_doubted


def in_world(test: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(World())

    run(main())


def test_the_opening_in_the_order_of_the_web_terminal() -> None:
    async def test(world: World) -> None:
        with pytest.raises(NotSent):
            world.stream.send("tick")
        await world.open()
        names = [json.loads(text[2:])[0] for text in world.link.sent]
        assert names == [
            *("tick", "indicator/list", "drawing/load", "pending/list", "chart_notification/get"),
            *("authorization", "instruments/get"),
        ]
        assert json.loads(world.link.sent[5][2:])[1] == {"session": "t", "isDemo": 1, "tournamentId": 0}
        assert (world.stream.is_authorized, world.ready) == (True, 1)
        world.stream.send("tick")

    in_world(test)


def test_a_session_is_tried_twice_before_the_person_is_asked() -> None:
    async def test(world: World) -> None:
        no = '42["authorization/reject"]'
        with pytest.raises(VenueUnavailable) as first:
            await world.open(no)
        assert "does not take this sign-in" in first.value.user_text
        assert doubted(world)
        world.link.sent.clear()
        with pytest.raises(AuthRejected) as second:
            await world.open(no)
        assert second.value.repair == "Sign in again."
        assert not doubted(world)
        # A good one in between begins the count anew.
        again = World()
        with pytest.raises(VenueUnavailable):
            await again.open(no)
        again.link.sent.clear()
        await again.open()
        again.link.sent.clear()
        with pytest.raises(VenueUnavailable):
            await again.open(no)
        # So is one that is refused in the middle of things, from that moment on.
        third = World()
        await third.open()
        assert not doubted(third)
        third.say(no)
        assert doubted(third)
        third.link.sent.clear()
        await third.open()
        assert not doubted(third)

    in_world(test)


def test_a_sign_in_that_is_not_answered_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AUTH_TIMEOUT_S", 0.05)

    async def test(world: World) -> None:
        with pytest.raises(VenueUnavailable) as caught:
            await world.open('42["s_authorization_of_somebody_else"]')
        assert "does not answer" in caught.value.user_text
        assert not doubted(world)

    in_world(test)


def test_the_ways_in_which_the_server_ends_it() -> None:
    async def test(world: World) -> None:
        await world.open()
        for frame in ("41", "1", '44{"message":"no"}', '42["authorization/reject"]'):
            world.link.left.clear()
            world.say(frame)
            assert len(world.link.left) == 1, frame

    in_world(test)


def test_a_bot_filter_before_the_socket_is_named_with_what_helps() -> None:
    async def test(world: World) -> None:
        link, tell = world.link, world.link.hooks["on_state"]
        link.last_error = VenueUnavailable("quotex", "refused", code="http-403", user_text="HTTP 403")
        tell(LinkState.RECONNECTING, "The venue refused the connection (HTTP 403).")
        link.last_error = VenueUnavailable("quotex", "reset", code="network")
        tell(LinkState.RECONNECTING, "The connection was lost.")
        first, second = (reason for _, reason in world.states)
        assert "bot filter" in first
        assert "sign in again on Quotex's own page" in first
        assert second == "The connection was lost."

    in_world(test)


def test_pings_of_both_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TICK_S", 0.01)

    async def test(world: World) -> None:
        world.say('0{"sid":"x","upgrades":[],"pingInterval":5000,"pingTimeout":5000}')
        await world.open()
        world.say("2")
        assert world.link.sent[-1] == "3"
        world.stream._last_ping_ns = 0
        world.stream.start()
        await eventually(lambda: "2" in world.link.sent, what="our ping")
        await eventually(lambda: world.link.sent.count('42["tick"]') > 2, what="ticks")
        world.say("3")
        assert world.stream.round_trip_ms is not None
        await world.stream.close()
        assert not tasks.running()

    in_world(test)


def test_what_is_lost_is_told_with_its_name() -> None:
    async def test(world: World) -> None:
        await world.open()
        world.events.clear()
        # A result without its attachment, then prices: they are prices, and the loss is told.
        world.say('451-["s_orders/close",{"_placeholder":true,"num":0}]')
        prices = [["EURUSD_otc", 1795174700, 1, 0]]
        world.tell("quotes/stream", prices)
        assert world.events == [("quotes/stream", prices)]
        assert [name for _, name in world.faults] == ["s_orders/close"]
        world.say('451-["balance",{"_placeholder":true,"num":0}]')
        world.say(b'\x04{"demoBal')
        assert [name for _, name in world.faults] == ["s_orders/close", "balance"]
        # An attachment that nobody announced is known by its shape, or is a fault.
        world.say(b'\x04{"deals":[]}')
        assert world.events[-1] == ("s_orders/close", {"deals": []})
        world.say(b"\x04[1,2]")
        assert world.stream.faults == len(world.faults) == 3

    in_world(test)
