"""The loopback port: strict HTTP/1.1, whatever bytes come."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from terminal.emulators.faults import Faults
from terminal.emulators.web import HttpRequest, HttpResponse, Upgrade, WebServer, WsPeer, text_frame
from tests.helpers import eventually, run


class Echo:
    """Answers with what it understood."""

    def on_request(self, request: HttpRequest) -> HttpResponse:
        text = f"{request.method} {request.path} {request.query} {request.body.decode()}"
        return HttpResponse(200, text.encode(), "text/plain")

    def on_upgrade(self, request: HttpRequest) -> HttpResponse | Upgrade:
        return HttpResponse(404, b"Not Found", "text/plain")

    def on_arrival(self, request: HttpRequest) -> None:
        pass

    def subject_of(self, request: HttpRequest) -> str | None:
        return "rest/" + request.path


@asynccontextmanager
async def port() -> AsyncIterator[tuple[WebServer, asyncio.StreamReader, asyncio.StreamWriter]]:
    server = WebServer(Echo(), Faults())
    number = await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", number)
    try:
        yield server, reader, writer
    finally:
        writer.close()
        await server.stop()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return int(head.split(b" ")[1]), await reader.readexactly(length)


def test_a_connection_serves_one_request_after_the_other() -> None:
    async def main() -> None:
        async with port() as (server, reader, writer):
            for number in range(3):
                body = f"n={number}".encode()
                writer.write(b"POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n" + body)
                assert await answer(reader) == (200, b"POST /a x=1 " + body)
            assert server.accepted == 1

    run(main())


def test_requests_in_one_piece_or_byte_by_byte() -> None:
    async def main() -> None:
        async with port() as (_, reader, writer):
            one = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
            writer.write(one + one)
            assert await answer(reader) == (200, b"POST /a  hi")
            assert await answer(reader) == (200, b"POST /a  hi")
            for byte in one:
                writer.write(bytes((byte,)))
                await asyncio.sleep(0)
            assert await answer(reader) == (200, b"POST /a  hi")

    run(main())


def test_an_expectation_is_met_before_the_body() -> None:
    async def main() -> None:
        async with port() as (_, reader, writer):
            writer.write(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            async with asyncio.timeout(20):
                assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hi")
            assert (await answer(reader))[0] == 200

    run(main())


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET a HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nBad Header: 1\r\n: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"x" * 20_000, 431),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(request_: bytes, status: int) -> None:
    async def main() -> None:
        async with port() as (server, reader, writer):
            writer.write(request_)
            assert (await answer(reader))[0] == status
            async with asyncio.timeout(20):
                assert await reader.read() == b""
            await eventually(lambda: not server.connections)

    run(main())


def test_a_client_that_asks_to_close_is_closed() -> None:
    async def main() -> None:
        async with port() as (_, reader, writer):
            writer.write(b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert (await answer(reader))[0] == 200
            async with asyncio.timeout(20):
                assert await reader.read() == b""

    run(main())


@pytest.mark.parametrize(("size", "head"), [(5, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_text_frames_of_every_length(size: int, head: int) -> None:
    frame = text_frame(b"x" * size)
    assert len(frame) == size + head
    assert frame[0] == 0x81
    assert not frame[1] & 0x80


def masked(text: bytes) -> bytes:
    """A text frame of a client, with a mask that changes nothing."""
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


def test_the_answer_to_a_message_goes_out_before_the_next_one_is_worked_on() -> None:
    heard: list[bytes] = []

    class Slow(Echo):
        """Looks, while it is at the second message, at what its client has got so far."""

        def on_upgrade(self, request: HttpRequest) -> Upgrade:
            def take(peer: WsPeer) -> Slow:
                self.peer = peer
                return self

            return take

        def on_message(self, text: str) -> None:
            if text == "slow":
                heard.append(client.recv(1000))
            self.peer.send_text(f"{text} answered".encode(), "ws")

        def on_closed(self) -> None:
            pass

    async def main() -> None:
        server = WebServer(Slow(), Faults())
        client.connect(("127.0.0.1", await server.start()))
        try:
            client.sendall(
                b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            client.setblocking(False)
            answered = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1000), 20)
            assert answered.startswith(b"HTTP/1.1 101 ")
            client.settimeout(2.0)
            client.sendall(masked(b"quick") + masked(b"slow"))
            await eventually(lambda: heard)
        finally:
            await server.stop()

    with socket.socket() as client:
        run(main())
    assert heard == [text_frame(b"quick answered")]
