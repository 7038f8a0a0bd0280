"""HTTP requests to one venue: a total deadline, a capped answer, and an honest word about what was sent.

A request is *reading* (may be repeated) or it may change something at the venue. Of the second kind nothing
is ever sent twice, and each failure says which of two it is: ``NotSent`` (no byte of the request left) or
``OutcomeUnknown`` (it may have arrived).
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from terminal.core.clock import Clock, SystemClock
from terminal.core.secret import scrub
from terminal.domain.errors import (
    NotSent,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from terminal.transport.wire import (
    NS_PER_S,
    is_secure,
    make_ssl_context,
    network_reason,
    require_safe_address,
    retry_after_s,
    tls_reason,
)

# httpx logs whole addresses at INFO, with the query in them.
for _noisy in ("httpx", "httpcore"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)

_EXCERPT_CHARS: Final = 200
_INFLATE_STEP: Final = 64 * 1024
_RETRY_STEPS_S: Final = (0.25, 0.5, 1.0, 2.0)
# A 429 without a Retry-After still asks for a pause.
_DEFAULT_PAUSE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer with a status below 500 that is neither a redirect nor 429."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    elapsed_ms: float
    """From the call to the last byte, of the last try."""
    content_type: str
    """Without parameters, in lower case; ``""`` where the venue named none."""

    @property
    def looks_like_json(self) -> bool:
        """By its first byte: content types lie, and a maintenance page is HTML under any of them."""
        return self.body.lstrip()[:1] in (b"{", b"[")


class _Try:
    """What one try knows of itself."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = False
        """A byte of the request may have left this machine."""

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        # httpcore's trace says "http11.send_request_headers.started" before the first byte of a request. A
        # CONNECT to a proxy is not the request.
        if event.endswith("send_request_headers.started"):
            request = info.get("request")
            if request is None or request.method != b"CONNECT":
                self.left = True


class HttpClient:
    """Requests to one venue over kept-alive connections.

    Args:
        venue: the venue's key, for errors and the log.
        base_url: ``https://...``, or ``http://`` on this machine.
        plain_anywhere: take ``http://`` elsewhere too, because the person insists.
        deadline_s: for a whole call, retries and all.
        max_body_bytes: of an answer, after decompression.
        retries: further tries of *reading* requests within the deadline.
    """

    def __init__(
        self,
        *,
        venue: str,
        base_url: str,
        deadline_s: float = 10.0,
        max_body_bytes: int = 8 * 2**20,
        proxy: str | None = None,
        user_agent: str = "Parallax",
        ssl_context: ssl.SSLContext | None = None,
        retries: int = 0,
        max_connections: int = 8,
        plain_anywhere: bool = False,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        require_safe_address(base_url, ("http", "https"), plain_anywhere=plain_anywhere)
        self.venue = venue
        self.deadline_s = deadline_s
        self._base_url = base_url.rstrip("/")
        self._max_body_bytes = max_body_bytes
        self._retries = retries
        self._clock: Clock = clock or SystemClock()
        self._rng = rng or random.Random()
        self._paused_until_ns = 0
        self._log = logging.getLogger(f"venue.{venue}")
        if ssl_context is None:
            # On this machine no certificate is looked at; reading the system's store would take 20 ms.
            secure = is_secure(base_url)
            ssl_context = make_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.AsyncClient(
            verify=ssl_context,
            proxy=proxy,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # one deadline for the whole call, below: httpx's own start over with each byte
            limits=httpx.Limits(
                max_connections=max_connections, max_keepalive_connections=4, keepalive_expiry=30
            ),
            headers={
                "User-Agent": user_agent,
                "Accept-Encoding": "gzip, deflate",
                "Accept": "application/json",
            },
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float | None = None,
        reading: bool,
        urgent: bool = False,
        retries: int | None = None,
    ) -> HttpAnswer:
        """Send one request and return the whole answer.

        ``path`` and ``content`` go out byte for byte as given (signatures cover them). ``urgent`` calls (a
        cancel) are sent even while the venue has asked for a pause.

        Raises:
            NotSent: no byte of the request left (no connection, or a pause the venue asked for).
            OutcomeUnknown: a request that may change something was sent, and there is no usable answer to it.
            RateLimited: HTTP 429, or a reading request during the pause that followed one.
            VenueUnavailable: a reading request failed; ``code`` tells how (``tls``, ``redirect``,
                ``http-503``, ``deadline``, ``network``, ``protocol``, ``encoding``, ``too-big``).
        """
        total_s = self.deadline_s if deadline_s is None else deadline_s
        tries = 1 + ((self._retries if retries is None else retries) if reading else 0)
        started_ns = self._clock.monotonic_ns()
        self._refuse_in_pause(reading, urgent)
        url = self._base_url + path
        if query:
            url += "?" + urlencode({key: str(value) for key, value in query.items()})
        for number in range(tries):
            left_s = total_s - (self._clock.monotonic_ns() - started_ns) / NS_PER_S
            try:
                return await self._try(method, url, path, content, headers, max(left_s, 0.001), reading)
            except VenueUnavailable as error:
                # The lasting ones are not tried again: nothing changes within seconds.
                if number + 1 >= tries or error.code in ("tls", "redirect", "too-big", "deadline"):
                    raise
                step_s = _RETRY_STEPS_S[min(number, len(_RETRY_STEPS_S) - 1)] * self._rng.uniform(0.7, 1.3)
                if isinstance(error, RateLimited):
                    step_s = max(step_s, self.paused_for_s)
                left_s = total_s - (self._clock.monotonic_ns() - started_ns) / NS_PER_S
                if step_s >= left_s:
                    raise
                await asyncio.sleep(step_s)
        raise AssertionError("unreachable: the last try returns or raises")

    @property
    def paused_for_s(self) -> float:
        """Seconds left of a pause that the venue asked for; 0 = none."""
        return max(0.0, (self._paused_until_ns - self._clock.monotonic_ns()) / NS_PER_S)

    async def close(self) -> None:
        """Close all connections; safe to call twice."""
        await self._client.aclose()

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _refuse_in_pause(self, reading: bool, urgent: bool) -> None:
        left_s = self.paused_for_s
        if left_s <= 0 or urgent:
            return
        text = f"The venue asked for a pause; {left_s:.0f} s are left."
        if reading:
            raise RateLimited(self.venue, text, retry_after_s=left_s, code="http-429", user_text=text)
        raise NotSent(self.venue, text, code="http-429", user_text=f"Not sent: {text[0].lower()}{text[1:]}")

    async def _try(
        self,
        method: str,
        url: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str] | None,
        deadline_s: float,
        reading: bool,
    ) -> HttpAnswer:
        this = _Try()
        started = time.perf_counter()
        try:
            async with asyncio.timeout(deadline_s):
                request = self._client.build_request(
                    method,
                    url,
                    content=content,
                    headers=dict(headers or {}),
                    extensions={"trace": this.trace},
                )
                answer = await self._client.send(request, stream=True)
                try:
                    self._check_status(answer, path, this, reading)
                    body = await self._read(answer)
                finally:
                    await answer.aclose()
        except TimeoutError:
            text = f"{method} {path}: no whole answer within {deadline_s:.1f} s"
            raise self._failure(text, "deadline", this, reading) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ssl.SSLError) as error:
            raise self._network_failure(error, f"{method} {path}", this, reading) from error
        except _BadBody as bad:
            text = f"{method} {path}: {bad}"
            self._log.warning("%s", text)
            raise self._failure(text, bad.code, this, reading) from None
        elapsed_ms = (time.perf_counter() - started) * 1000
        if answer.status_code >= 500:
            self._log.warning("%s %s: HTTP %d: %s", method, path, answer.status_code, _excerpt(body))
            text = f"{method} {path}: HTTP {answer.status_code}"
            raise self._failure(text, f"http-{answer.status_code}", this, reading)
        return HttpAnswer(
            answer.status_code,
            {name.lower(): value for name, value in answer.headers.items()},
            body,
            elapsed_ms,
            answer.headers.get("content-type", "").partition(";")[0].strip().lower(),
        )

    def _check_status(self, answer: httpx.Response, path: str, this: _Try, reading: bool) -> None:
        """Refuse redirects, and note a pause, without reading the body."""
        status = answer.status_code
        if 300 <= status < 400:
            target = scrub(answer.headers.get("location", "an unnamed place"))[:_EXCERPT_CHARS]
            self._log.error("security: %s: refused a redirect to %s", path, target)
            raise self._failure(f"{path}: HTTP {status}, a redirect, was refused", "redirect", this, reading)
        wait_s = retry_after_s(answer.headers.get("retry-after"), self._clock.wall_ns())
        if status == 429:
            pause_s = _DEFAULT_PAUSE_S if wait_s is None else wait_s
            self._paused_until_ns = max(
                self._paused_until_ns, self._clock.monotonic_ns() + int(pause_s * NS_PER_S)
            )
            text = f"The venue asks for a pause of {pause_s:.0f} s (HTTP 429)."
            self._log.warning("%s: %s", path, text)
            raise RateLimited(self.venue, text, retry_after_s=pause_s, code="http-429", user_text=text)

    async def _read(self, answer: httpx.Response) -> bytes:
        """The body, decompressed by ourselves: httpx inflates a whole piece before anyone can count it."""
        coding = answer.headers.get("content-encoding", "identity").strip().lower()
        if coding in ("", "identity"):
            inflater = None
        elif coding in ("gzip", "x-gzip"):
            inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        elif coding == "deflate":
            inflater = zlib.decompressobj()
        else:
            raise _BadBody("encoding", f"content encoding {coding[:20]!r}, which was not asked for")
        body = bytearray()
        async for piece in answer.aiter_raw(_INFLATE_STEP):
            if inflater is None:
                body += piece
                self._check_size(len(body))
                continue
            while piece:
                try:
                    body += inflater.decompress(piece, _INFLATE_STEP)
                except zlib.error as error:
                    raise _BadBody("encoding", f"compressed body is broken: {error}") from None
                self._check_size(len(body))
                piece = inflater.unconsumed_tail
        if inflater is not None and not inflater.eof and body:
            raise _BadBody("encoding", "compressed body ends too early")
        return bytes(body)

    def _check_size(self, size: int) -> None:
        if size > self._max_body_bytes:
            raise _BadBody("too-big", f"the answer is over {self._max_body_bytes:,} bytes and was cut off")

    def _network_failure(self, error: Exception, what: str, this: _Try, reading: bool) -> VenueError:
        tls = tls_reason(error)
        if tls is not None and not this.left:
            self._log.error("%s: secure connection refused: %s", what, tls)
            text = f"Secure connection refused: {tls}."
            if reading:
                return VenueUnavailable(self.venue, f"{what}: {text}", code="tls", user_text=text)
            return NotSent(self.venue, f"{what}: {text}", code="tls", user_text=f"Not sent. {text}")
        if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError):
            kind, words = "protocol", scrub(str(error))[:_EXCERPT_CHARS]
        else:
            kind, words = "network", network_reason(error)
        return self._failure(f"{what}: {words}", kind, this, reading)

    def _failure(self, text: str, code: str, this: _Try, reading: bool) -> VenueError:
        if reading:
            return VenueUnavailable(self.venue, text, code=code)
        return (
            OutcomeUnknown(self.venue, text, code=code) if this.left else NotSent(self.venue, text, code=code)
        )


class _BadBody(Exception):
    """An answer that must not be read on."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def _excerpt(body: bytes) -> str:
    """The beginning of a body for the log, on one line and without secrets."""
    return scrub(" ".join(body[: 4 * _EXCERPT_CHARS].decode("utf-8", "replace").split()))[:_EXCERPT_CHARS]
