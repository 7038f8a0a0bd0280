from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from terminal.core import tasks
from terminal.domain.errors import AuthRejected, NotSent, SettingsError, VenueUnavailable
from terminal.domain.events import LinkState
from terminal.transport.frames import FrameLink, LinkPolicy, host_and_port
from tests.helpers import eventually, free_port, run
from tests.unit.transport.servers import Authority, Peer, serve, tls_listener

QUICK = LinkPolicy(
    open_timeout_s=5.0,
    close_timeout_s=0.1,
    ping_interval_s=60.0,
    ping_timeout_s=60.0,
    idle_timeout_s=None,
    max_message_bytes=1000,
    backoff_s=(0.0, 0.01, 0.02),
    first_jitter_s=0.005,
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def framed(*bodies: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(body)) + body for body in bodies)


async def frames_of(peer: Peer, seen: list[bytes]) -> None:
    """Read whole frames for ever."""
    while True:
        (size,) = struct.unpack(">I", await peer.reader.readexactly(4))
        seen.append(await peer.reader.readexactly(size))


class Watched:
    """A link and what it told."""

    def __init__(
        self,
        port: int,
        authority: Authority | None,
        policy: LinkPolicy = QUICK,
        *,
        host: str = "localhost",
        on_frame: Callable[[bytes, int], object] | None = None,
        on_read: Callable[[int], object] | None = None,
        ping: Callable[[], bytes] | None = None,
        heartbeat: Callable[[], bytes] | None = None,
        error: Exception | None = None,
    ) -> None:
        self.frames: list[bytes] = []
        self.states: list[tuple[LinkState, str]] = []
        self.opened = 0
        self.error = error
        self.link = FrameLink(
            name="demo",
            venue="test",
            address=lambda: f"{host}:{port}",
            on_frame=on_frame or (lambda frame, at_ns: self.frames.append(frame)),
            on_read=on_read,
            on_open=self._on_open,
            on_state=lambda state, reason: self.states.append((state, reason)),
            ping=ping,
            heartbeat=heartbeat,
            policy=policy,
            ca_file=str(authority.path) if authority is not None else "",
        )

    async def _on_open(self, link: FrameLink) -> None:
        self.opened += 1
        if self.error is not None:
            raise self.error

    async def until(self, state: LinkState) -> str:
        """The sentence that came with a state, once it was reached."""
        await eventually(lambda: state in [each for each, _ in self.states], what=str(state))
        return next(reason for each, reason in self.states if each is state)

    @property
    def code(self) -> str:
        assert self.link.last_error is not None
        return self.link.last_error.code


def test_frames_arrive_whole_however_the_stream_is_cut(authority: Authority) -> None:
    bodies = [b"", b"one", b"x" * 1000, b"three", b"four"]
    stream = framed(*bodies)

    async def main() -> None:
        step = 1

        async def talk(peer: Peer) -> None:
            for start in range(0, len(stream), step):
                peer.write(stream[start : start + step])
                if step < 100:
                    await peer.writer.drain()
            await peer.swallow()

        for step in (7, 1003, len(stream)):  # noqa: B007 - the server reads it
            async with serve(talk, ssl_context=authority.server("localhost")) as server:
                watched = Watched(server.port, authority)
                watched.link.start()
                await eventually(partial(lambda seen: len(seen) == len(bodies), watched.frames))
                assert watched.frames == bodies
                assert watched.link.faults == 0
                await watched.link.close()

    run(main())


def test_the_end_of_a_reading_is_told_once_for_all_its_frames(authority: Authority) -> None:
    async def main() -> None:
        order: list[str] = []

        async def talk(peer: Peer) -> None:
            peer.write(framed(b"a", b"b", b"c"))
            await peer.swallow()

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(
                server.port,
                authority,
                on_frame=lambda frame, at_ns: order.append(frame.decode()),
                on_read=lambda at_ns: order.append("."),
            )
            watched.link.start()
            await eventually(lambda: "c." in "".join(order))
            assert "".join(order).replace(".", "") == "abc"
            assert order[-1] == "."
            await watched.link.close()

    run(main())


def test_what_is_sent_carries_its_length_and_nothing_leaves_a_closed_link(authority: Authority) -> None:
    async def main() -> None:
        seen: list[bytes] = []
        async with serve(
            lambda peer: frames_of(peer, seen), ssl_context=authority.server("localhost")
        ) as server:
            watched = Watched(server.port, authority)
            with pytest.raises(NotSent):
                watched.link.send_now(b"too early")
            watched.link.start()
            await watched.until(LinkState.LIVE)
            watched.link.send_now(b"now")
            watched.link.send_now(b"")
            await eventually(lambda: seen == [b"now", b""])
            await watched.link.close()
            with pytest.raises(NotSent):
                watched.link.send_now(b"too late")
            assert seen == [b"now", b""]

    run(main())


@pytest.mark.fault(9)
def test_a_message_that_is_too_long_is_refused_by_its_length_alone(authority: Authority) -> None:
    async def main() -> None:
        async def talk(peer: Peer) -> None:
            peer.write(framed(b"good") + struct.pack(">I", 1001) + b"just the beginning")
            await peer.swallow()

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority)
            watched.link.start()
            reason = await watched.until(LinkState.RECONNECTING)
            assert "1,001 bytes" in reason
            assert watched.code == "too-big"
            assert watched.link.faults == 1
            assert watched.frames == [b"good"]
            await watched.link.close()

    run(main())


@pytest.mark.fault(6)
@pytest.mark.parametrize("cut", [b"\x00\x00", b"\x00\x00\x00\x08half"], ids=["in the length", "in the body"])
def test_a_truncated_frame_never_reaches_the_handler(authority: Authority, cut: bytes) -> None:
    async def main() -> None:
        async def talk(peer: Peer) -> None:
            peer.write(framed(b"whole") + cut)
            await peer.writer.drain()
            peer.writer.close()
            await peer.swallow()

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority)
            watched.link.start()
            reason = await watched.until(LinkState.RECONNECTING)
            assert "middle of a message" in reason
            assert set(watched.frames) == {b"whole"}
            await eventually(lambda: watched.opened >= 2, what="another try")
            await watched.link.close()

    run(main())


@pytest.mark.fault(7)
def test_garbage_is_taken_for_a_length_and_refused(authority: Authority) -> None:
    async def main() -> None:
        async def talk(peer: Peer) -> None:
            peer.write(bytes(range(200, 256)) * 4)
            await peer.swallow()

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority)
            watched.link.start()
            await watched.until(LinkState.RECONNECTING)
            assert watched.code == "too-big"
            assert not watched.frames
            await watched.link.close()

    run(main())


def test_a_handler_that_fails_costs_its_own_frame(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        good: list[bytes] = []

        def on_frame(frame: bytes, at_ns: int) -> None:
            if frame == b"bad":
                raise ValueError("cannot read this")
            good.append(frame)

        async def talk(peer: Peer) -> None:
            peer.write(framed(b"bad", b"good"))
            await peer.swallow()

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority, on_frame=on_frame)
            watched.link.start()
            await eventually(lambda: good == [b"good"])
            assert (watched.link.faults, watched.link.reconnects) == (1, 0)
            await watched.link.close()

    run(main())
    assert "a frame could not be handled" in caplog.text


def test_silence_is_tested_and_an_answer_of_any_kind_is_life(authority: Authority) -> None:
    policy = LinkPolicy(
        close_timeout_s=0.1, ping_interval_s=0.05, ping_timeout_s=30.0, idle_timeout_s=None, backoff_s=(0.01,)
    )

    async def main() -> None:
        pings = 0

        async def talk(peer: Peer) -> None:
            nonlocal pings
            while True:
                (size,) = struct.unpack(">I", await peer.reader.readexactly(4))
                assert await peer.reader.readexactly(size) == b"ping"
                pings += 1
                peer.write(framed(b"something else"))

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority, policy, ping=lambda: b"ping")
            watched.link.start()
            await eventually(lambda: pings >= 3)
            assert watched.link.reconnects == 0
            await watched.link.close()

    run(main())


@pytest.mark.fault(2)
def test_no_answer_to_a_ping_is_the_end(authority: Authority) -> None:
    policy = LinkPolicy(
        close_timeout_s=0.1, ping_interval_s=0.05, ping_timeout_s=0.1, idle_timeout_s=None, backoff_s=(0.01,)
    )

    async def main() -> None:
        async with serve(lambda peer: peer.swallow(), ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority, policy, ping=lambda: b"ping")
            watched.link.start()
            assert await watched.until(LinkState.RECONNECTING) == "The venue stopped answering."
            await eventually(lambda: watched.opened >= 2, what="another try")
            await watched.link.close()

    run(main())


def test_a_line_that_is_never_quiet_is_measured_all_the_same(authority: Authority) -> None:
    policy = LinkPolicy(close_timeout_s=0.1, ping_interval_s=60.0, measure_s=0.05, backoff_s=(0.01,))

    async def main() -> None:
        pings = 0

        async def talk(peer: Peer) -> None:
            async def chatter() -> None:
                while True:
                    peer.write(struct.pack(">I", 1) + b"x")
                    await asyncio.sleep(0.005)

            nonlocal pings
            talking = tasks.spawn(chatter(), name="chatter")
            try:
                while True:
                    (size,) = struct.unpack(">I", await peer.reader.readexactly(4))
                    assert await peer.reader.readexactly(size) == b"ping"
                    pings += 1
            finally:
                await tasks.cancel_and_wait(talking)

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority, policy, ping=lambda: b"ping")
            watched.link.start()
            await watched.until(LinkState.LIVE)
            await eventually(lambda: pings >= 3)
            assert len(watched.frames) > 3
            assert watched.link.state is LinkState.LIVE
            await watched.link.close()

    run(main())


@pytest.mark.fault(8)
def test_a_drip_that_never_makes_a_frame_is_not_life(authority: Authority) -> None:
    policy = LinkPolicy(
        close_timeout_s=0.1,
        ping_interval_s=0.05,
        ping_timeout_s=0.2,
        idle_timeout_s=None,
        max_message_bytes=10_000,
        backoff_s=(0.01,),
    )

    async def main() -> None:
        async def talk(peer: Peer) -> None:
            peer.write(struct.pack(">I", 9_000))
            while True:
                peer.write(b"x")
                await asyncio.sleep(0.01)

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority, policy, ping=lambda: b"ping")
            watched.link.start()
            assert await watched.until(LinkState.RECONNECTING) == "The venue stopped answering."
            assert not watched.frames
            await watched.link.close()

    run(main())


def test_data_that_stops_ends_the_link_where_silence_is_not_normal(authority: Authority) -> None:
    policy = LinkPolicy(close_timeout_s=0.1, idle_timeout_s=0.1, backoff_s=(0.01,))

    async def main() -> None:
        async with serve(lambda peer: peer.swallow(), ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority, policy)
            watched.link.start()
            assert "No data for" in await watched.until(LinkState.RECONNECTING)
            assert watched.code == "idle"
            await watched.link.close()

    run(main())


def test_heartbeats_go_out_whatever_else_is_sent(authority: Authority) -> None:
    policy = LinkPolicy(close_timeout_s=0.1, idle_timeout_s=None, heartbeat_s=0.05, backoff_s=(0.01,))

    async def main() -> None:
        seen: list[bytes] = []
        async with serve(
            lambda peer: frames_of(peer, seen), ssl_context=authority.server("localhost")
        ) as server:
            watched = Watched(server.port, authority, policy, heartbeat=lambda: b"beat")
            watched.link.start()
            await watched.until(LinkState.LIVE)
            while seen.count(b"beat") < 3:
                watched.link.send_now(b"other")
                await asyncio.sleep(0.01)
            await watched.link.close()

    run(main())


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ({"host": "elsewhere.example"}, "another host name"),
        ({"host": "localhost", "self_signed": True}, "self-signed"),
        ({"host": "localhost", "valid_days": (-30, -1)}, "expired"),
        ({"host": "localhost", "outdated": True}, "outdated, unsafe version of TLS"),
    ],
    ids=["wrong host", "self-signed", "expired", "TLS 1.1"],
)
def test_a_server_that_cannot_be_trusted_is_refused_with_the_reason(
    authority: Authority, certificate: dict[str, object], words: str
) -> None:
    async def main() -> None:
        context = authority.server(**certificate)  # type: ignore[arg-type]
        with tls_listener(context) as listener:
            watched = Watched(listener.port, authority)
            watched.link.start()
            reason = await watched.until(LinkState.RECONNECTING)
            assert reason.startswith("Secure connection refused: ")
            assert words in reason
            assert watched.code == "tls"
            assert watched.opened == 0
            await watched.link.close()

    run(main())


def test_an_authority_is_trusted_only_where_it_is_named(authority: Authority) -> None:
    async def main() -> None:
        with tls_listener(authority.server("localhost")) as listener:
            watched = Watched(listener.port, None)
            watched.link.start()
            assert "does not trust" in await watched.until(LinkState.RECONNECTING)
            await watched.link.close()

    run(main())


def test_an_authority_file_that_cannot_be_read_is_said_and_not_tried_again(tmp_path: Path) -> None:
    async def main() -> None:
        broken = Authority(tmp_path)
        broken.path.write_text("not a certificate")
        watched = Watched(free_port(), broken)
        watched.link.start()
        assert "certificate authority" in await watched.until(LinkState.FAILED)
        await watched.link.close()

    run(main())


@pytest.mark.fault(10)
def test_a_server_that_accepts_and_closes_is_tried_with_pauses_and_one_at_a_time(
    authority: Authority,
) -> None:
    async def main() -> None:
        async def talk(peer: Peer) -> None:
            peer.writer.transport.abort()

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority)
            watched.link.start()
            await eventually(lambda: server.accepted >= 5, 30.0)
            assert server.most_open == 1
            assert watched.link.backoff.attempt >= 4
            await watched.link.close()

    run(main())


def test_a_refused_sign_in_waits_for_a_person_and_another_failure_does_not(authority: Authority) -> None:
    async def main() -> None:
        async with serve(lambda peer: peer.swallow(), ssl_context=authority.server("localhost")) as server:
            refused = Watched(
                server.port, authority, error=AuthRejected("test", "no", user_text="The key is wrong.")
            )
            refused.link.start()
            assert await refused.until(LinkState.FAILED) == "The key is wrong."
            assert refused.opened == 1
            refused.error = None
            refused.link.reconnect_now("the key was changed")
            await refused.until(LinkState.LIVE)
            await refused.link.close()

            down = Watched(server.port, authority, error=VenueUnavailable("test", "down"))
            down.link.start()
            await eventually(lambda: down.opened >= 3)
            await down.link.close()

    run(main())


def test_a_link_that_was_given_up_stays_down(authority: Authority) -> None:
    async def main() -> None:
        async with serve(lambda peer: peer.swallow(), ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority)
            watched.link.start()
            await watched.until(LinkState.LIVE)
            watched.link.give_up("The application is blocked.", "blocked")
            assert await watched.until(LinkState.FAILED) == "The application is blocked."
            assert watched.code == "blocked"
            await eventually(lambda: server.open == 0)
            assert server.accepted == 1
            await watched.link.close()

    run(main())


def test_a_clogged_link_takes_nothing_more(authority: Authority) -> None:
    async def main() -> None:
        async def talk(peer: Peer) -> None:
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.Event().wait()

        async with serve(talk, ssl_context=authority.server("localhost")) as server:
            watched = Watched(server.port, authority)
            watched.link.start()
            await watched.until(LinkState.LIVE)

            def pour() -> None:
                for _ in range(400):
                    watched.link.send_now(b"x" * 500_000)

            with pytest.raises(NotSent, match="stopped reading"):
                pour()
            await watched.link.close()

    run(main())


@pytest.mark.parametrize(
    "address",
    [
        "",
        "host",
        "host:",
        "host:x",
        "host:70000",
        "https://host:1",
        "user@host:1",
        "host:1/path",
        "host:1?x=1",
    ],
)
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    with pytest.raises(SettingsError):
        host_and_port(address)


def test_addresses_that_are_good() -> None:
    assert host_and_port("demo.ctraderapi.com:5035") == ("demo.ctraderapi.com", 5035)
    assert host_and_port("[::1]:5035") == ("::1", 5035)
