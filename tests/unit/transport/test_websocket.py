"""The link against servers that reset, fall silent, lie, flood and redirect."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import time
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from terminal.core import secret as secret_module
from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected, NotSent, VenueUnavailable
from terminal.domain.events import LinkState
from terminal.transport.reconnect import Backoff, ConnectGate, LinkPolicy, scaled
from terminal.transport.websocket import WebSocketLink
from tests.helpers import eventually, free_port, run
from tests.unit.transport.servers import (
    Authority,
    Peer,
    close_frame,
    frame,
    serve,
    tls_listener,
)

FAST = LinkPolicy(
    open_timeout_s=2.0,
    close_timeout_s=0.05,
    ping_interval_s=0.05,
    ping_timeout_s=0.5,
    idle_timeout_s=None,
    backoff_s=(0.0, 0.01, 0.02),
    first_jitter_s=0.005,
    stable_after_s=30.0,
)


class Watched:
    """A link with everything it said."""

    def __init__(self, url: str | Callable[[], str], policy: LinkPolicy = FAST, **options: Any) -> None:
        self.frames: list[str | bytes] = []
        self.stamps: list[int] = []
        self.states: list[tuple[LinkState, str]] = []
        self.times: list[float] = []
        self.opened = 0
        options.setdefault("on_frame", self._on_frame)
        options.setdefault("on_open", self._on_open)
        options.setdefault("rng", random.Random(1))
        self.link = WebSocketLink(
            name="public",
            venue="test",
            url=url if callable(url) else lambda: url,
            on_state=self._on_state,
            policy=policy,
            **options,
        )

    def _on_frame(self, text: str | bytes, ts_ns: int) -> None:
        self.frames.append(text)
        self.stamps.append(ts_ns)

    async def _on_open(self, link: WebSocketLink) -> None:
        self.opened += 1

    def _on_state(self, state: LinkState, reason: str) -> None:
        self.states.append((state, reason))
        self.times.append(time.monotonic())

    def reasons(self, state: LinkState) -> list[str]:
        return [reason for seen, reason in self.states if seen is state]

    async def until(self, state: LinkState, timeout_s: float = 20.0) -> None:
        await eventually(lambda: any(seen is state for seen, _ in self.states), timeout_s, state.value)

    @property
    def error_code(self) -> str:
        return self.link.last_error.code if self.link.last_error else ""


async def _polite(peer: Peer) -> None:
    await peer.upgrade()
    peer.send_text('{"hello":1}')
    await peer.answer_pings()


def test_frames_arrive_with_their_time_and_the_link_is_live_after_on_open() -> None:
    async def main() -> None:
        order: list[str] = []

        async def on_open(link: WebSocketLink) -> None:
            assert link.is_open
            order.append("open")
            assert link.state is LinkState.CONNECTING

        async with serve(_polite) as server:
            before_ns = time.time_ns()
            watched = Watched(server.ws, on_open=on_open)
            watched.link.start()
            await eventually(lambda: watched.frames and watched.link.state is LinkState.LIVE)
            assert watched.frames == ['{"hello":1}']
            assert before_ns <= watched.stamps[0] <= time.time_ns()
            assert watched.link.last_frame_ns is not None
            assert order == ["open"]
            await eventually(lambda: watched.link.round_trip_ms is not None)
            assert (watched.link.round_trip_ms or 0) > 0
            await watched.link.close()
            assert [state for state, _ in watched.states] == [
                LinkState.CONNECTING,
                LinkState.LIVE,
                LinkState.OFF,
            ]

    run(main())


def test_fragmented_and_binary_messages_arrive_whole() -> None:
    async def server_side(peer: Peer) -> None:
        await peer.upgrade()
        peer.write(frame(0x1, '{"é'.encode()[:3], fin=False) + frame(0x0, "é".encode()[1:] + b'":1}'))
        peer.write(frame(0x2, b"\x00\x01"))
        peer.write(frame(0x1, b"a", fin=False) + frame(0x9, b"mid") + frame(0x0, b"b"))
        await peer.answer_pings()

    async def main() -> None:
        async with serve(server_side) as server:
            watched = Watched(server.ws)
            watched.link.start()
            await eventually(lambda: len(watched.frames) == 3)
            assert watched.frames == ['{"é":1}', b"\x00\x01", "ab"]
            await watched.link.close()

    run(main())


def test_a_frame_handler_that_fails_is_counted_and_the_link_lives(caplog: pytest.LogCaptureFixture) -> None:
    async def server_side(peer: Peer) -> None:
        await peer.upgrade()
        for text in ("bad", "good"):
            peer.send_text(text)
        await peer.answer_pings()

    async def main() -> None:
        good: list[str | bytes] = []

        def on_frame(text: str | bytes, ts_ns: int) -> None:
            if text == "bad":
                raise ValueError("cannot read this")
            good.append(text)

        async with serve(server_side) as server:
            watched = Watched(server.ws, on_frame=on_frame)
            watched.link.start()
            await eventually(lambda: good == ["good"])
            assert watched.link.faults == 1
            assert watched.link.reconnects == 0
            await watched.link.close()

    run(main())
    assert "a frame could not be handled" in caplog.text


def test_send_when_not_open_raises_not_sent_and_nothing_is_kept_for_later() -> None:
    received: list[bytes] = []

    async def server_side(peer: Peer) -> None:
        await peer.upgrade()
        while True:
            opcode, data = await peer.read_frame()
            if opcode == 0x1:
                received.append(data)

    async def main() -> None:
        async with serve(server_side) as server:
            watched = Watched(server.ws, FAST_NO_PING)
            with pytest.raises(NotSent):
                await watched.link.send("too early")
            watched.link.start()
            await watched.until(LinkState.LIVE)
            await watched.link.send("now")
            await eventually(lambda: received == [b"now"])
            await watched.link.close()
            with pytest.raises(NotSent):
                await watched.link.send("too late")
        assert received == [b"now"]

    run(main())


def test_send_is_refused_when_the_venue_has_stopped_reading() -> None:
    async def main() -> None:
        stop = asyncio.Event()

        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await stop.wait()

        async with serve(server_side) as server:
            watched = Watched(server.ws, FAST_NO_PING)
            watched.link.start()
            await watched.until(LinkState.LIVE)

            async def pour() -> None:
                for _ in range(200):
                    await watched.link.send("x" * 500_000)

            with pytest.raises(NotSent, match="stopped reading"):
                await pour()
            stop.set()
            await watched.link.close()

    run(main())


FAST_NO_PING = LinkPolicy(
    close_timeout_s=0.05,
    ping_interval_s=100.0,
    idle_timeout_s=None,
    backoff_s=(0.0, 0.01, 0.02),
    first_jitter_s=0.005,
)


@pytest.mark.fault(1)
def test_reset_is_seen_at_once_and_the_link_comes_back() -> None:
    async def main() -> None:
        peers: list[Peer] = []

        async def server_side(peer: Peer) -> None:
            peers.append(peer)
            await _polite(peer)

        async with serve(server_side) as server:
            watched = Watched(server.ws)
            watched.link.start()
            await watched.until(LinkState.LIVE)
            peers[0].reset()
            await watched.until(LinkState.RECONNECTING)
            await eventually(lambda: watched.opened == 2 and watched.link.state is LinkState.LIVE)
            assert watched.link.reconnects == 1
            assert "reset" in watched.reasons(LinkState.RECONNECTING)[0]
            await watched.link.close()

    run(main())


@pytest.mark.fault(2)
def test_half_open_link_is_dead_after_the_ping_deadline() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            await peer.swallow()

        async with serve(server_side) as server:
            watched = Watched(server.ws)
            watched.link.start()
            await watched.until(LinkState.LIVE)
            await watched.link.send("disappears")  # succeeds: sending says nothing about arrival
            await watched.until(LinkState.RECONNECTING)
            assert watched.error_code == "ping"
            await watched.link.close()

    run(main())


@pytest.mark.fault(3)
def test_answered_pings_without_data_are_not_life() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            peer.send_text("the last data")
            await peer.answer_pings()

        policy = LinkPolicy(
            ping_interval_s=0.02,
            ping_timeout_s=1.0,
            idle_timeout_s=0.3,
            backoff_s=(0.01,),
            close_timeout_s=0.05,
        )
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy)
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert watched.error_code == "idle"
            assert watched.link.round_trip_ms is not None  # pings were answered all the time
            assert watched.times[2] - watched.times[1] >= 0.25
            await watched.link.close()

    run(main())


def test_data_keeps_the_idle_watchdog_quiet_and_it_can_be_switched_off() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            pinging = asyncio.ensure_future(peer.answer_pings())  # noqa: TID251 - a server of the test
            for _ in range(15):
                peer.send_text("tick")
                await asyncio.sleep(0.1)
            await pinging

        policy = LinkPolicy(
            ping_interval_s=0.05,
            idle_timeout_s=1.0,
            backoff_s=(0.01,),
            close_timeout_s=0.05,
            ping_timeout_s=5.0,
        )
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy)
            watched.link.start()
            await eventually(lambda: len(watched.frames) == 15)
            assert watched.link.reconnects == 0
            watched.link.idle_timeout_s = None
            since = watched.link.last_frame_ns
            await eventually(lambda: time.monotonic_ns() - (since or 0) > 600_000_000)
            assert watched.link.state is LinkState.LIVE
            await watched.link.close()

    run(main())


def test_heartbeat_is_sent_into_silence() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            while True:
                opcode, data = await peer.read_frame()
                if opcode == 0x1:
                    peer.send_text("pong to " + data.decode())

        policy = LinkPolicy(heartbeat_s=0.05, idle_timeout_s=1.0, ping_interval_s=50.0, close_timeout_s=0.05)
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy, heartbeat=lambda: "ping")
            watched.link.start()
            await eventually(lambda: len(watched.frames) >= 3)
            assert set(watched.frames) == {"pong to ping"}
            assert watched.link.reconnects == 0
            await watched.link.close()

    run(main())


@pytest.mark.fault(4)
def test_handshake_that_is_never_answered_times_out_a_hundred_times_without_a_leak() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.swallow()

        policy = LinkPolicy(open_timeout_s=0.01, backoff_s=(0.0005,), close_timeout_s=0.05)
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy)
            watched.link.start()
            await eventually(lambda: watched.link.backoff.attempt >= 3)
            before = _descriptors()
            await eventually(lambda: watched.link.backoff.attempt >= 100, 30)
            assert len(tasks.running()) == 1
            assert len(asyncio.all_tasks()) < 8
            assert _descriptors() <= before + 4
            assert "did not answer in time" in watched.reasons(LinkState.RECONNECTING)[0]
            assert watched.link.reconnects == 0  # it was never open
            await watched.link.close()

    run(main())


@pytest.mark.fault(6)
def test_truncated_frame_never_reaches_the_handler() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            peer.write(frame(0x1, b'{"whole":1}') + frame(0x1, b'{"half":"xxxxxxxxxxxxxxxxxxxx"}')[:12])
            await peer.writer.drain()
            peer.writer.close()

        async with serve(server_side) as server:
            watched = Watched(server.ws)
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert watched.error_code == "cut"
            await watched.link.close()
            assert set(watched.frames) == {'{"whole":1}'}

    run(main())


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("bytes_sent", "withheld"),
    [(b"\xff\xfe" + bytes(range(200)), False), (b"\xff" + b'{"token":"CANARY-0123456789abcdef"}' * 6, True)],
    ids=["noise", "noise with a secret in it"],
)
def test_garbage_ends_the_connection_and_at_most_64_hex_characters_are_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, bytes_sent: bytes, withheld: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    # Other tests' secrets, such as "01234567", are part of any noise that counts up.
    monkeypatch.setattr(secret_module, "_known", set())
    Secret("CANARY-0123456789abcdef")

    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            await peer.read_frame()  # the first ping: the link is open
            peer.write(bytes_sent)
            await peer.swallow()

        async with serve(server_side) as server:
            watched = Watched(server.ws, FAST_NO_PING)
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert watched.error_code == "garbage"
            assert watched.link.faults >= 1
            await watched.link.close()
            assert watched.frames == []

    run(main())
    assert (bytes_sent[:32].hex() in caplog.text) is not withheld
    assert bytes_sent[:33].hex() not in caplog.text
    assert b"CANARY".hex() not in caplog.text
    assert "CANARY" not in caplog.text


def test_text_that_is_not_utf8_ends_the_connection() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            peer.write(frame(0x1, b"\xc3\x28") + frame(0x1, b"after"))
            await peer.swallow()

        async with serve(server_side) as server:
            watched = Watched(server.ws, FAST_NO_PING)
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert watched.error_code == "garbage"
            await watched.link.close()
            assert watched.frames == []

    run(main())


@pytest.mark.fault(8)
def test_message_that_drips_in_byte_by_byte_is_no_sign_of_life() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            for byte in frame(0x1, b"x" * 5000):
                peer.write(bytes([byte]))
                await peer.writer.drain()
                await asyncio.sleep(0.01)

        async with serve(server_side) as server:
            watched = Watched(server.ws)
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert watched.error_code == "ping"
            await watched.link.close()
            assert watched.frames == []

    run(main())


@pytest.mark.fault(5)
def test_slow_but_answering_link_is_not_dropped() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            while True:
                opcode, data = await peer.read_frame()
                await asyncio.sleep(0.4)  # much of the deadline
                if opcode == 0x9:
                    peer.write(frame(0xA, data) + frame(0x1, b"late"))

        policy = LinkPolicy(
            ping_interval_s=0.02, ping_timeout_s=1.0, idle_timeout_s=1.5, close_timeout_s=0.05
        )
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy)
            watched.link.start()
            await eventually(lambda: len(watched.frames) >= 5)
            assert watched.link.reconnects == 0
            assert (watched.link.round_trip_ms or 0) >= 375
            await watched.link.close()

    run(main())


@pytest.mark.fault(9)
@pytest.mark.parametrize("how", ["one frame", "fragments", "too many fragments"])
def test_oversized_message_is_refused_with_1009_and_tried_again_late(how: str) -> None:
    closes: list[bytes] = []

    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            if how == "one frame":
                peer.write(frame(0x1, b"x" * 2_000_000))
            elif how == "fragments":
                peer.write(frame(0x1, b"x" * 60_000, fin=False))
                for _ in range(30):
                    peer.write(frame(0x0, b"x" * 60_000, fin=False))
            else:
                peer.write(frame(0x1, b"x", fin=False) + frame(0x0, b"x", fin=False) * 5000)
            while True:
                opcode, data = await peer.read_frame()
                if opcode == 0x8:
                    closes.append(data)

        policy = LinkPolicy(
            max_message_bytes=1_000_000, idle_timeout_s=None, backoff_s=(0.0, 20.0), close_timeout_s=0.05
        )
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy)
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert watched.error_code == "too-big"
            assert "venue sent too much" in watched.reasons(LinkState.RECONNECTING)[0]
            await eventually(lambda: closes)
            assert closes[0][:2] == (1009).to_bytes(2, "big")
            assert server.accepted == 1  # the long pause, not the first step of 0 s
            await watched.link.close()
            assert watched.frames == []

    run(main())


@pytest.mark.fault(9)
def test_compressed_bomb_on_the_socket_is_refused_within_little_memory() -> None:
    async def main() -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush(
            zlib.Z_SYNC_FLUSH
        )
        assert len(bomb) < 250_000

        async def server_side(peer: Peer) -> None:
            await peer.upgrade(b"Sec-WebSocket-Extensions: permessage-deflate\r\n")
            assert b"permessage-deflate" in peer.request
            peer.write(frame(0x1, bomb[:-4], rsv1=True))
            await peer.swallow()

        policy = LinkPolicy(compression=True, idle_timeout_s=None, backoff_s=(20.0,), close_timeout_s=0.05)
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy)
            tracemalloc.start()
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert watched.error_code == "too-big"
            await watched.link.close()
            assert peak < 50 * 2**20

    run(main())


@pytest.mark.fault(10)
def test_storm_of_closes_grows_the_pauses_and_leaks_nothing() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            peer.write(close_frame(1001, "going away"))
            await peer.swallow()

        policy = LinkPolicy(
            backoff_s=(0.0, 0.0005, 0.001, 0.002),
            first_jitter_s=0.0005,
            idle_timeout_s=None,
            close_timeout_s=0.05,
        )
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy)
            watched.link.start()
            await eventually(lambda: server.accepted >= 20)
            gc.collect()
            before = _descriptors()
            await eventually(lambda: server.accepted >= 500, 60)
            gc.collect()
            assert (
                server.most_open <= 4
            )  # the server sees an end a moment after we do; never two attempts of ours
            assert _descriptors() <= before + 6
            assert len(asyncio.all_tasks()) < 10
            assert watched.link.backoff.attempt >= 490  # never reset: it was never live for long
            await watched.link.close()

    run(main())


@pytest.mark.fault(10)
def test_backoff_grows_with_jitter_and_starts_over_only_when_told() -> None:
    policy = LinkPolicy()
    backoff = Backoff(policy, random.Random(7))
    delays = [backoff.next_delay_s() for _ in range(12)]
    assert 0 <= delays[0] <= 0.5
    for delay, base in zip(delays[1:], (0.5, 1, 2, 4, 8, 15, 30, 30, 30, 30, 30), strict=True):
        assert base * 0.7 <= delay <= base * 1.3
    assert len(set(delays[7:])) == 5  # jitter stays at the longest step
    again = Backoff(policy, random.Random(7))
    assert [again.next_delay_s() for _ in range(12)] == delays  # the seed decides
    assert 21 <= again.next_delay_s(longest=True) <= 39
    backoff.reset()
    assert backoff.next_delay_s() <= 0.5


@pytest.mark.parametrize(("stable_after_s", "expected"), [(0.05, 1), (60.0, 3)])
def test_pauses_start_over_only_after_stable_live_data(stable_after_s: float, expected: int) -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            for _ in range(6):
                peer.send_text("tick")
                await asyncio.sleep(0.02)
            peer.reset()

        policy = LinkPolicy(
            backoff_s=(0.0, 0.001, 0.001),
            first_jitter_s=0.001,
            stable_after_s=stable_after_s,
            idle_timeout_s=None,
        )
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy)
            watched.link.start()
            await eventually(lambda: watched.link.reconnects == 3)
            assert watched.link.backoff.attempt == expected
            await watched.link.close()

    run(main())


@pytest.mark.fault(10)
def test_links_of_one_venue_connect_one_at_a_time() -> None:
    async def main() -> None:
        handshakes = 0
        most = 0

        async def server_side(peer: Peer) -> None:
            nonlocal handshakes, most
            handshakes += 1
            most = max(most, handshakes)
            await asyncio.sleep(0.02)
            handshakes -= 1
            await _polite(peer)

        async with serve(server_side) as server:
            gate = ConnectGate()
            links = [Watched(server.ws, FAST_NO_PING, gate=gate) for _ in range(6)]
            for watched in links:
                watched.link.start()
            await eventually(lambda: all(watched.link.state is LinkState.LIVE for watched in links))
            assert most == 1
            await asyncio.gather(*(watched.link.close() for watched in links))

    run(main())


@pytest.mark.fault(11)
@pytest.mark.parametrize("header", ["Retry-After: 1\r\n", ""], ids=["with Retry-After", "without"])
def test_429_on_the_upgrade_is_waited_out_by_all_links_of_the_venue(header: str) -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.read_request()
            if server.accepted == 1:
                peer.write(f"HTTP/1.1 429 Slow\r\n{header}Content-Length: 0\r\n\r\n".encode())
                await peer.writer.drain()
                return
            await asyncio.sleep(0)
            times.append(time.monotonic())
            peer.writer.transport.abort()

        times: list[float] = []
        policy = LinkPolicy(backoff_s=(0.0, 1.0), first_jitter_s=0.001, jitter=0.05, close_timeout_s=0.05)
        async with serve(server_side) as server:
            gate = ConnectGate()
            watched = Watched(server.ws, policy, gate=gate)
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            refused = watched.times[-1]
            assert watched.error_code == "http-429"
            assert "asks for a pause" in watched.reasons(LinkState.RECONNECTING)[0]
            if header:
                assert 0.5 < gate.paused_for_s <= 1.0
                watched.link.reconnect_now("a person is impatient")  # does not cut the venue's pause short
            await eventually(lambda: times)
            assert times[0] - refused >= 0.9
            await watched.link.close()

    run(main())


@pytest.mark.fault(13)
def test_redirect_is_refused_and_the_second_host_hears_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        heard: list[bytes] = []

        async def second(peer: Peer) -> None:
            heard.append(await peer.reader.read(1000))

        async with serve(second) as elsewhere:

            async def first(peer: Peer) -> None:
                await peer.read_request()
                peer.write(
                    f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.ws}\r\nContent-Length: 0\r\n\r\n".encode()
                )
                await peer.writer.drain()

            async with serve(first) as server:
                watched = Watched(server.ws, LinkPolicy(backoff_s=(0.0, 10.0)))
                watched.link.start()
                await watched.until(LinkState.RECONNECTING)
                assert watched.error_code == "redirect"
                assert "Security" in watched.reasons(LinkState.RECONNECTING)[0]
                assert server.accepted == 1
                await watched.link.close()
            assert elsewhere.accepted == 0
            assert heard == []

    run(main())
    assert "refused a redirect" in caplog.text


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("self-signed", "self-signed"),
        ("wrong host", "another"),
        ("expired", "expired"),
        ("not yet", "not valid yet"),
    ],
)
def test_bad_certificate_is_refused_with_the_reason(tmp_path: Path, kind: str, words: str) -> None:
    async def main() -> None:
        authority = Authority(tmp_path)
        context = {
            "self-signed": lambda: authority.server(self_signed=True),
            "wrong host": lambda: authority.server("other.example"),
            "expired": lambda: authority.server(valid_days=(-30, -1)),
            "not yet": lambda: authority.server(valid_days=(5, 30)),
        }[kind]()
        async with serve(_polite, ssl_context=context) as server:
            url = server.ws.replace("ws://", "wss://")
            policy = LinkPolicy(backoff_s=(0.0, 10.0))
            watched = Watched(url, policy, ssl_context=authority.client())
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert watched.error_code == "tls"
            assert words in watched.reasons(LinkState.RECONNECTING)[0]
            assert LinkState.LIVE not in [state for state, _ in watched.states]
            await watched.link.close()

    run(main())


@pytest.mark.fault(14)
def test_outdated_tls_is_refused_with_the_reason(tmp_path: Path) -> None:
    async def main() -> None:
        authority = Authority(tmp_path)
        with tls_listener(authority.server(outdated=True)) as listener:
            policy = LinkPolicy(backoff_s=(0.0, 10.0))
            watched = Watched(f"wss://127.0.0.1:{listener.port}/", policy, ssl_context=authority.client())
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert watched.error_code == "tls"
            assert "outdated" in watched.reasons(LinkState.RECONNECTING)[0]
            await watched.link.close()

    run(main())


def test_good_certificate_is_taken_and_tls_links_close_promptly(tmp_path: Path) -> None:
    async def main() -> None:
        authority = Authority(tmp_path)
        async with serve(_polite, ssl_context=authority.server()) as server:
            url = server.ws.replace("ws://", "wss://")
            watched = Watched(url, FAST_NO_PING, ssl_context=authority.client())
            watched.link.start()
            await eventually(lambda: watched.frames)
            await watched.until(LinkState.LIVE)
            started = time.monotonic()
            await watched.link.close()
            assert time.monotonic() - started < 5.0

    run(main())


def test_system_store_is_the_default_and_refuses_a_stranger(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(_polite, ssl_context=Authority(tmp_path).server()) as server:
            watched = Watched(server.ws.replace("ws://", "wss://"), LinkPolicy(backoff_s=(10.0,)))
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert "authority that this machine does not trust" in watched.reasons(LinkState.RECONNECTING)[0]
            await watched.link.close()

    run(main())


@pytest.mark.parametrize(
    "url", ["ws://venue.example/v2", "http://127.0.0.1/", "wss://user:pw@venue.example/", "wss:"]
)
def test_unsafe_address_fails_before_anything_is_looked_up(url: str) -> None:
    async def main() -> None:
        watched = Watched(url)
        watched.link.start()
        await watched.until(LinkState.FAILED)
        assert watched.error_code == "address"
        await watched.link.close()

    run(main())


@pytest.mark.fault(15)
def test_no_network_at_start_is_retried_until_the_venue_appears() -> None:
    async def main() -> None:
        url = [f"ws://127.0.0.1:{free_port()}/"]
        watched = Watched(lambda: url[0])
        watched.link.start()
        await eventually(lambda: watched.link.backoff.attempt >= 3)
        assert "nothing answers" in watched.reasons(LinkState.RECONNECTING)[0]
        async with serve(_polite) as server:
            url[0] = server.ws  # another address: it is asked for before each try
            await watched.until(LinkState.LIVE)
            await watched.link.close()

    run(main())


@pytest.mark.fault(15)
def test_name_that_cannot_be_looked_up_is_said_so() -> None:
    async def main() -> None:
        watched = Watched("wss://venue.invalid/v2", LinkPolicy(backoff_s=(10.0,)))
        watched.link.start()
        await watched.until(LinkState.RECONNECTING, 15)
        assert "cannot be" in watched.reasons(LinkState.RECONNECTING)[0]
        await watched.link.close()

    run(main())


def test_policy_close_and_refused_key_end_in_failed_until_a_person_acts() -> None:
    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            if server.accepted == 1:
                peer.write(close_frame(1008, "banned"))
            await peer.answer_pings()

        refuse = [False]

        async def on_open(link: WebSocketLink) -> None:
            if refuse[0]:
                raise AuthRejected("test", code="EAPI:Invalid key")

        async with serve(server_side) as server:
            watched = Watched(server.ws, FAST_NO_PING, on_open=on_open)
            watched.link.start()
            await watched.until(LinkState.FAILED)
            assert watched.error_code == "policy"
            assert "banned" in watched.reasons(LinkState.FAILED)[0]
            refuse[0] = True
            watched.link.reconnect_now("try again")
            await eventually(lambda: len(watched.reasons(LinkState.FAILED)) == 2)
            assert watched.error_code == "EAPI:Invalid key"
            assert server.accepted == 2
            refuse[0] = False
            watched.link.reconnect_now("new key")
            await eventually(lambda: watched.link.state is LinkState.LIVE)
            await watched.link.close()

    run(main())


def test_on_open_that_fails_or_hangs_leads_to_another_try(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        calls = 0

        async def on_open(link: WebSocketLink) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise VenueUnavailable("test", code="EService:Busy")
            if calls == 2:
                await asyncio.sleep(30)
            if calls == 3:
                raise ZeroDivisionError("a defect")

        async with serve(_polite) as server:
            policy = LinkPolicy(
                ready_timeout_s=0.05, backoff_s=(0.001,), idle_timeout_s=None, close_timeout_s=0.05
            )
            watched = Watched(server.ws, policy, on_open=on_open)
            watched.link.start()
            await watched.until(LinkState.LIVE)
            assert calls == 4
            assert len(watched.reasons(LinkState.RECONNECTING)) == 3
            await watched.link.close()

    run(main())
    assert "a defect" in caplog.text


def test_reconnect_now_drops_a_live_link_and_cuts_a_pause_short() -> None:
    async def main() -> None:
        async with serve(_polite) as server:
            watched = Watched(
                server.ws, LinkPolicy(backoff_s=(60.0,), idle_timeout_s=None, close_timeout_s=0.05)
            )
            watched.link.start()
            await watched.until(LinkState.LIVE)
            watched.link.reconnect_now("the machine woke up")
            await eventually(lambda: watched.opened == 2 and watched.link.state is LinkState.LIVE)
            assert watched.reasons(LinkState.RECONNECTING) == ["the machine woke up"]
        await eventually(lambda: watched.link.state is LinkState.RECONNECTING)
        async with serve(_polite) as server:
            watched.link._url = lambda: server.ws
            watched.link.reconnect_now("now")  # in a pause of a minute
            await eventually(lambda: watched.link.state is LinkState.LIVE)
            await watched.link.close()

    run(main())


async def _close_at_once(watched: Watched) -> None:
    pass


async def _close_when_live(watched: Watched) -> None:
    await watched.until(LinkState.LIVE)


async def _close_in_pause(watched: Watched) -> None:
    await watched.until(LinkState.RECONNECTING)


async def _close_in_handshake(watched: Watched) -> None:
    await asyncio.sleep(0.05)


async def _hang_in_handshake(peer: Peer) -> None:
    await peer.swallow()


async def _hang_up(peer: Peer) -> None:
    peer.reset()


async def _half_open(peer: Peer) -> None:
    await peer.upgrade()
    await peer.swallow()


async def _flood(peer: Peer) -> None:
    await peer.upgrade()
    while True:
        peer.write(frame(0x1, b"x" * 100) * 200)
        await peer.writer.drain()


@pytest.mark.parametrize(
    ("server_side", "wait"),
    [
        (_polite, _close_at_once),
        (_polite, _close_when_live),
        (_hang_in_handshake, _close_in_handshake),
        (_hang_up, _close_in_pause),
        (_half_open, _close_when_live),
        (_flood, _close_when_live),
    ],
    ids=["starting", "live", "handshake", "pause", "half open", "flooded"],
)
def test_close_is_prompt_in_every_state_and_nothing_follows(
    server_side: Callable[[Peer], Awaitable[None]], wait: Callable[[Watched], Awaitable[None]]
) -> None:
    async def main() -> None:
        async with serve(server_side) as server:
            policy = LinkPolicy(backoff_s=(60.0,), idle_timeout_s=None, close_timeout_s=0.05)
            watched = Watched(server.ws, policy)
            watched.link.start()
            await wait(watched)
            started = time.monotonic()
            closing = tasks.spawn(watched.link.close(), name="closing")
            await asyncio.sleep(0)
            frames = len(watched.frames)
            await closing
            # Neither the pause of a minute nor the eight seconds of a handshake are waited out.
            assert time.monotonic() - started < 5.0
            assert watched.link.state is LinkState.OFF
            assert len(watched.frames) == frames
            assert not tasks.running()
            await watched.link.close()  # twice does no harm
            await eventually(lambda: server.open == 0)

    run(main())


def test_closed_link_can_be_started_again() -> None:
    async def main() -> None:
        async with serve(_polite) as server:
            watched = Watched(server.ws)
            for round_number in (1, 2):
                watched.link.start()
                watched.link.start()  # twice does no harm
                await eventually(lambda n=round_number: watched.opened == n and watched.link.is_open)  # type: ignore[misc]
                await watched.link.close()
            assert server.accepted == 2

    run(main())


def test_stalled_loop_reads_before_it_judges() -> None:
    """A screen that hangs for longer than the deadlines costs no connection: the data waits in the socket."""

    async def main() -> None:
        async def server_side(peer: Peer) -> None:
            await peer.upgrade()
            pinging = asyncio.ensure_future(peer.answer_pings())  # noqa: TID251 - a server of the test
            while not pinging.done():
                peer.send_text("tick")
                await asyncio.sleep(0.02)

        policy = LinkPolicy(ping_interval_s=0.1, ping_timeout_s=1.0, idle_timeout_s=1.0, close_timeout_s=0.05)
        async with serve(server_side) as server:
            watched = Watched(server.ws, policy)
            watched.link.start()
            await eventually(lambda: len(watched.frames) > 5)
            time.sleep(1.8)
            await eventually(lambda: len(watched.frames) > 20)
            assert watched.link.reconnects == 0
            await watched.link.close()

    run(main())


def test_tap_sees_both_directions() -> None:
    async def main() -> None:
        seen: list[tuple[str, str | bytes]] = []
        async with serve(_polite) as server:
            watched = Watched(server.ws, tap=lambda direction, text, ts_ns: seen.append((direction, text)))
            watched.link.start()
            await eventually(lambda: watched.link.state is LinkState.LIVE and watched.frames)
            await watched.link.send("out it goes")
            await watched.link.close()
        assert seen == [("in", '{"hello":1}'), ("out", "out it goes")]

    run(main())


def test_nothing_of_the_handshake_or_the_frames_is_logged_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with serve(_polite) as server:
            watched = Watched(server.ws)
            watched.link.start()
            await eventually(lambda: watched.link.state is LinkState.LIVE and watched.frames)
            await watched.link.send("a token of mine")
            await watched.link.close()

    run(main())
    assert "hello" not in caplog.text
    assert "token of mine" not in caplog.text
    assert "Sec-WebSocket" not in caplog.text


def test_policy_refuses_senseless_timings() -> None:
    with pytest.raises(ValueError, match="above zero"):
        LinkPolicy(ping_interval_s=0)
    with pytest.raises(ValueError, match="above zero"):
        LinkPolicy(idle_timeout_s=-1)
    with pytest.raises(ValueError, match="pauses"):
        LinkPolicy(backoff_s=())
    with pytest.raises(ValueError, match="jitter"):
        LinkPolicy(jitter=1.0)
    quick = scaled(LinkPolicy(), 0.01)
    assert quick.ping_interval_s == pytest.approx(0.05)
    assert quick.backoff_s[-1] == pytest.approx(0.3)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
