"""HTTP against servers that drip, bomb, redirect, fall silent and refuse."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import random
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from terminal.core.secret import Secret
from terminal.domain.errors import NotSent, OutcomeUnknown, RateLimited, SettingsError, VenueUnavailable
from terminal.transport import http_client
from terminal.transport.http_client import HttpClient
from tests.helpers import eventually, free_port, run
from tests.unit.transport.servers import Authority, Handler, Peer, Server, serve


def answer(
    body: bytes = b"{}", status: str = "200 OK", headers: str = "Content-Type: application/json"
) -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def says(data: bytes, *, then_close: bool = False) -> Handler:
    """A server that answers every request with these bytes."""

    async def handler(peer: Peer) -> None:
        while True:
            request = await peer.read_request()
            for line in request.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    await peer.reader.readexactly(int(line.split(b":")[1]))
            peer.write(data)
            await peer.writer.drain()
            if then_close:
                return

    return handler


@asynccontextmanager
async def client_of(handler: Handler, **options: object) -> AsyncIterator[tuple[HttpClient, Server]]:
    async with serve(handler) as server, HttpClient(venue="test", base_url=server.http, **options) as client:  # type: ignore[arg-type]
        yield client, server


def test_request_goes_out_byte_for_byte_and_the_answer_comes_back() -> None:
    async def main() -> None:
        seen: list[bytes] = []

        async def handler(peer: Peer) -> None:
            head = await peer.read_request()
            seen.append(head + await peer.reader.readexactly(9))
            peer.write(
                answer(b'{"error":[]}', headers="Content-Type: Application/JSON; charset=utf-8\r\nX-Trace: 7")
            )

        async with client_of(handler) as (client, _):
            got = await client.request(
                "POST",
                "/0/private/AddOrder",
                query={"a b": "ü&", "n": 1},
                content=b"nonce=123",
                headers={"API-Key": "abc"},
                reading=False,
            )
        assert seen[0].startswith(b"POST /0/private/AddOrder?a+b=%C3%BC%26&n=1 HTTP/1.1\r\n")
        assert seen[0].endswith(b"\r\n\r\nnonce=123")
        assert b"API-Key: abc\r\n" in seen[0]
        assert b"User-Agent: Parallax\r\n" in seen[0]
        assert got.status == 200
        assert got.body == b'{"error":[]}'
        assert got.content_type == "application/json"
        assert got.headers["x-trace"] == "7"
        assert got.looks_like_json
        assert 0 < got.elapsed_ms < 5000

    run(main())


def test_connections_are_kept_and_cookies_are_not() -> None:
    async def main() -> None:
        heads: list[bytes] = []

        async def handler(peer: Peer) -> None:
            while True:
                heads.append(await peer.read_request())
                peer.write(answer(headers="Set-Cookie: session=1; Path=/"))

        async with client_of(handler) as (client, server):
            for _ in range(3):
                await client.request("GET", "/", reading=True)
            assert server.accepted == 1
        assert len(heads) == 3
        assert not any(b"cookie" in head.lower() for head in heads)

    run(main())


def test_proxy_variables_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)

    async def main() -> None:
        async with client_of(says(answer())) as (client, _):
            assert (await client.request("GET", "/", reading=True)).status == 200

    run(main())


@pytest.mark.fault(8)
def test_slow_drip_is_ended_by_the_total_deadline() -> None:
    async def main() -> None:
        async def handler(peer: Peer) -> None:
            await peer.read_request()
            peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                peer.write(b"x")
                await peer.writer.drain()
                await asyncio.sleep(0.02)

        async with client_of(handler, deadline_s=0.2) as (client, server):
            # The body would take twenty seconds.
            started = time.monotonic()
            with pytest.raises(VenueUnavailable) as caught:
                await client.request("GET", "/", reading=True)
            assert caught.value.code == "deadline"
            with pytest.raises(OutcomeUnknown):
                await client.request("POST", "/", content=b"order", reading=False)
            assert 0.35 < time.monotonic() - started < 15.0
            await eventually(lambda: server.open == 0)

    run(main())


@pytest.mark.fault(9)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "none"])
def test_body_is_cut_off_at_the_cap_within_little_memory(coding: str) -> None:
    async def main() -> None:
        if coding == "none":
            body = b""
        else:
            packer = zlib.compressobj(9, zlib.DEFLATED, 31 if coding == "gzip" else 15)
            body = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
            assert len(body) < 250_000

        async def handler(peer: Peer) -> None:
            await peer.read_request()
            if coding == "none":
                peer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                for _ in range(2000):
                    peer.write(b"x" * 100_000)
                    await peer.writer.drain()
            else:
                peer.write(answer(body, headers=f"Content-Encoding: {coding}"))

        async with client_of(handler, max_body_bytes=2**20) as (client, _):
            tracemalloc.start()
            with pytest.raises(VenueUnavailable) as caught:
                await client.request("GET", "/", reading=True)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert caught.value.code == "too-big"
            assert peak < 16 * 2**20

    run(main())


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_compressed_answers_are_read(coding: str) -> None:
    text = b'{"result":' + b"1" * 300_000 + b"}"
    packed = gzip.compress(text) if coding == "gzip" else zlib.compress(text)

    async def main() -> None:
        async with client_of(says(answer(packed, headers=f"Content-Encoding: {coding}"))) as (client, _):
            assert (await client.request("GET", "/", reading=True)).body == text

    run(main())


@pytest.mark.parametrize(
    "bad",
    [
        answer(gzip.compress(b"{}" * 1000)[:-20], headers="Content-Encoding: gzip"),
        answer(b"not compressed", headers="Content-Encoding: gzip"),
        answer(b"{}", headers="Content-Encoding: br"),
    ],
    ids=["cut short", "not compressed", "unknown coding"],
)
def test_broken_compression_of_an_order_leaves_it_in_doubt(bad: bytes) -> None:
    async def main() -> None:
        async with client_of(says(bad)) as (client, _):
            with pytest.raises(OutcomeUnknown):
                await client.request("POST", "/", content=b"order", reading=False)

    run(main())


@pytest.mark.fault(11)
@pytest.mark.parametrize(("header", "least"), [("Retry-After: 30", 29.0), ("X-None: 1", 4.0)])
def test_429_pauses_everything_but_what_is_urgent(header: str, least: float) -> None:
    async def main() -> None:
        async with client_of(says(answer(b"slow down", "429 Too Many Requests", header))) as (client, server):
            with pytest.raises(RateLimited) as caught:
                await client.request("GET", "/", reading=True)
            assert (caught.value.retry_after_s or 0) >= least
            assert client.paused_for_s >= least - 1
            with pytest.raises(RateLimited):
                await client.request("GET", "/", reading=True)
            with pytest.raises(NotSent):
                await client.request("POST", "/order", content=b"order", reading=False)
            assert server.accepted == 1
            with pytest.raises(RateLimited):  # the cancel went out, and was answered by the venue
                await client.request("POST", "/cancel", content=b"cancel", reading=False, urgent=True)
            assert server.accepted == 2

    run(main())


def test_429_is_waited_out_by_a_reading_request_that_may_retry() -> None:
    async def main() -> None:
        async def handler(peer: Peer) -> None:
            await peer.read_request()
            if server.accepted == 1:
                peer.write(answer(b"", "429 Slow", "Retry-After: 1\r\nConnection: close"))
            else:
                peer.write(answer(b"{}"))

        async with client_of(handler, retries=1) as (client, server):
            started = time.monotonic()
            assert (await client.request("GET", "/", reading=True)).status == 200
            assert time.monotonic() - started >= 0.95

    run(main())


@pytest.mark.fault(12)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_5xx_reads_are_retried_and_orders_are_in_doubt(
    status: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "_RETRY_STEPS_S", (0.01, 0.02))
    page = b"<html><body>CANARY-SECRET-12345 is down</body></html>"
    Secret("CANARY-SECRET-12345")

    async def main() -> None:
        async def handler(peer: Peer) -> None:
            await peer.read_request()
            requests.append(server.accepted)
            bad = len(requests) != 3
            peer.write(answer(page, f"{status} Trouble", "Connection: close") if bad else answer())

        requests: list[int] = []
        async with client_of(handler, retries=2, rng=random.Random(3), deadline_s=20.0) as (client, server):
            assert (await client.request("GET", "/", reading=True)).status == 200
            assert len(requests) == 3
            with pytest.raises(OutcomeUnknown) as caught:
                await client.request("POST", "/", content=b"order", reading=False)
            assert caught.value.code == f"http-{status}"
            assert len(requests) == 4  # sent once
            assert "html" not in caught.value.user_text

    run(main())
    assert "is down" in caplog.text  # the excerpt is for the log alone
    assert "CANARY" not in caplog.text


def test_4xx_and_html_with_200_are_answers_for_the_connector_to_judge() -> None:
    async def main() -> None:
        async with client_of(says(answer(b"<html>", "404 Not Found", "Content-Type: text/html"))) as (
            client,
            _,
        ):
            got = await client.request("GET", "/", reading=True)
            assert (got.status, got.content_type, got.looks_like_json) == (404, "text/html", False)
        async with client_of(says(answer(b" \n<html>"))) as (client, _):
            assert not (await client.request("GET", "/", reading=True)).looks_like_json

    run(main())


@pytest.mark.fault(13)
def test_redirect_is_refused_and_the_second_host_hears_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serve(says(answer())) as elsewhere:
            moved = answer(b"", "307 Moved", f"Location: {elsewhere.http}/steal")
            async with client_of(says(moved), retries=3) as (client, server):
                with pytest.raises(VenueUnavailable) as caught:
                    await client.request("GET", "/", headers={"API-Key": "k"}, reading=True)
                assert caught.value.code == "redirect"
                with pytest.raises(OutcomeUnknown):
                    await client.request("POST", "/", content=b"order", reading=False)
                assert server.accepted == 2
            assert elsewhere.accepted == 0

    run(main())
    assert "security" in caplog.text


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("kind", "words"), [("self-signed", "self-signed"), ("wrong host", "another"), ("expired", "expired")]
)
def test_bad_certificate_is_refused_with_the_reason_and_nothing_is_sent(
    tmp_path: Path, kind: str, words: str
) -> None:
    async def main() -> None:
        authority = Authority(tmp_path)
        context = {
            "self-signed": lambda: authority.server(self_signed=True),
            "wrong host": lambda: authority.server("other.example"),
            "expired": lambda: authority.server(valid_days=(-30, -1)),
        }[kind]()
        heard: list[bytes] = []

        async def handler(peer: Peer) -> None:
            heard.append(await peer.reader.read(1000))

        async with serve(handler, ssl_context=context) as server:
            url = server.http.replace("http:", "https:")
            async with HttpClient(venue="test", base_url=url, ssl_context=authority.client()) as client:
                with pytest.raises(NotSent) as caught:
                    await client.request("POST", "/", content=b"order", reading=False)
                assert caught.value.code == "tls"
                assert words in caught.value.user_text
                with pytest.raises(VenueUnavailable) as unread:
                    await client.request("GET", "/", reading=True)
                assert words in unread.value.user_text
        assert not any(heard)

    run(main())


def test_good_certificate_is_taken(tmp_path: Path) -> None:
    async def main() -> None:
        authority = Authority(tmp_path)
        async with serve(says(answer()), ssl_context=authority.server()) as server:
            url = server.http.replace("http:", "https:")
            async with HttpClient(venue="test", base_url=url, ssl_context=authority.client()) as client:
                assert (await client.request("GET", "/", reading=True)).status == 200

    run(main())


def test_plain_http_to_another_machine_is_refused() -> None:
    for url in ("http://venue.example", "https://user:pw@venue.example", "ftp://x", "https://[bad"):
        with pytest.raises(SettingsError):
            HttpClient(venue="test", base_url=url)


def test_plain_http_to_another_machine_is_taken_from_who_insists() -> None:
    async def main() -> None:
        await HttpClient(venue="test", base_url="http://venue.example", plain_anywhere=True).close()
        with pytest.raises(SettingsError):
            HttpClient(venue="test", base_url="ftp://venue.example", plain_anywhere=True)

    run(main())


def test_refused_connection_is_not_sent() -> None:
    async def main() -> None:
        async with HttpClient(venue="test", base_url=f"http://127.0.0.1:{free_port()}") as client:
            with pytest.raises(NotSent, match="nothing answers"):
                await client.request("POST", "/", content=b"order", reading=False)
            with pytest.raises(VenueUnavailable):
                await client.request("GET", "/", reading=True)

    run(main())


@pytest.mark.parametrize("how", ["reset", "silence", "half an answer", "garbage", "closed"])
def test_failure_after_the_request_left_is_unknown_and_never_sent_again(how: str) -> None:
    async def main() -> None:
        orders = 0

        async def handler(peer: Peer) -> None:
            nonlocal orders
            await peer.read_request()
            orders += 1
            if how == "reset":
                peer.reset()
            elif how == "silence":
                await peer.swallow()
            elif how == "half an answer":
                peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            elif how == "garbage":
                peer.write(os.urandom(200))

        async with client_of(handler, deadline_s=0.3, retries=5) as (client, _):
            with pytest.raises(OutcomeUnknown):
                await client.request("POST", "/", content=b"order", reading=False)
        assert orders == 1

    run(main())


def test_kept_connection_that_the_venue_dropped_does_not_lose_a_read() -> None:
    async def main() -> None:
        async with client_of(says(answer(), then_close=True), retries=1) as (client, server):
            for _ in range(3):
                assert (await client.request("GET", "/", reading=True)).status == 200
            assert server.accepted >= 3

    run(main())


def test_deadline_before_a_connection_is_free_means_not_sent() -> None:
    async def main() -> None:
        async def handler(peer: Peer) -> None:
            await peer.swallow()

        async with client_of(handler, max_connections=1, deadline_s=0.3) as (client, server):
            first = asyncio.gather(client.request("GET", "/", reading=True), return_exceptions=True)
            await eventually(lambda: server.accepted == 1)
            with pytest.raises(NotSent):
                await client.request("POST", "/", content=b"order", reading=False, deadline_s=0.1)
            assert isinstance((await first)[0], VenueUnavailable)

    run(main())


def test_no_address_and_no_body_is_logged_by_the_libraries(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with client_of(says(answer(b'{"secret_answer":1}'))) as (client, _):
            await client.request("GET", "/", query={"client_secret": "abcdefghij"}, reading=True)

    run(main())
    assert "abcdefghij" not in caplog.text
    assert "secret_answer" not in caplog.text
