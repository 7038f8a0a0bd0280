"""Calls to a plugin: one POST each, credentials in the body, a few at a time, nothing that trades sent twice.

The envelope, the nonce and the manners of a plugin (HTTP/1.0 without a length, a connection for each call, a
socket closed without a word) are those of the custom protocol guide, sections "transport", "request envelope"
and "client checklist".
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Any, Final, Protocol

from terminal.core.clock import Clock
from terminal.core.secret import MASK, Secret, register, scrub
from terminal.domain.errors import NotSent, OutcomeUnknown, ProtocolViolation, RateLimited, VenueError
from terminal.transport.http_client import HttpAnswer
from terminal.transport.quotas import LeakyCounter
from terminal.venues.custom import wire
from terminal.venues.custom.errors import (
    VENUE_NAME,
    Kind,
    explain,
    of_reading,
    of_silence,
    of_writing,
    unreadable,
)

log = logging.getLogger("venue.custom")

# How long an order waits for a reading call to end before that call is given up for it.
_PATIENCE_S: Final = 0.3
_TURN_TIMEOUT_S: Final = 3.0
_BUDGET_TIMEOUT_S: Final = 20.0
# Shorter keys would take ordinary words and numbers out of a sentence.
_LEAST_SECRET: Final = 4
_LEAST_PART: Final = 6
_HEADERS: Final = {"Content-Type": "application/json", "Connection": "close"}


class Http(Protocol):
    """What of the HTTP client is used here."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float | None = None,
        reading: bool,
        urgent: bool = False,
    ) -> HttpAnswer: ...


class Rank(IntEnum):
    """Who goes first of those that wait."""

    URGENT = 0
    """Orders and cancels."""
    ORDER = 1
    """What has to be read before an order is sent."""
    QUESTION = 2
    POLL = 3


class Turns:
    """At most so many calls at a time. What belongs to an order does not wait for long: a reading call of a
    lower rank, which can be made again, is given up for it."""

    def __init__(self, limit: int, patience_s: float = _PATIENCE_S) -> None:
        self._free = limit
        self._patience_s = patience_s
        self._numbers = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._readers: list[tuple[Rank, asyncio.Timeout]] = []

    @asynccontextmanager
    async def turn(self, rank: Rank) -> AsyncIterator[None]:
        """Wait for a turn, by rank and then in the order of arrival."""
        await self._take(rank)
        try:
            yield
        finally:
            self._give_back()

    @asynccontextmanager
    async def reading(self, rank: Rank) -> AsyncIterator[asyncio.Timeout]:
        """A turn that may be taken away: the block then ends with TimeoutError, and the guard has expired."""
        async with self.turn(rank):
            async with asyncio.timeout(None) as guard:
                self._readers.append((rank, guard))
                try:
                    yield guard
                finally:
                    self._readers.remove((rank, guard))

    async def _take(self, rank: Rank) -> None:
        if self._free > 0:
            self._free -= 1
            return
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), mine))
        timer = loop.call_later(self._patience_s, self._take_away, rank) if rank <= Rank.ORDER else None
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._give_back()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _give_back(self) -> None:
        while self._waiting:
            _, _, mine = heapq.heappop(self._waiting)
            if not mine.done():
                mine.set_result(None)
                return
        self._free += 1

    def _take_away(self, rank: Rank) -> None:
        for held, guard in self._readers:
            if held > rank and not guard.expired() and guard.when() is None:
                guard.reschedule(asyncio.get_running_loop().time())
                return


class PluginClient:
    """One service address with one pair of keys.

    Args:
        budget: our own limit of calls; polls wait for it, orders are counted and go.
        on_call: hears after each call what became of it: None for an answer of the plugin (a refusal is one),
            else why there was none.
    """

    def __init__(
        self,
        http: Http,
        credentials: Mapping[str, Secret],
        clock: Clock,
        *,
        concurrency: int,
        budget: LeakyCounter,
        read_deadline_s: float,
        order_deadline_s: float,
        on_call: Callable[[VenueError | None], None],
    ) -> None:
        self._http = http
        self._access = credentials.get("access_key", Secret(""))
        self._secret = credentials.get("secret_key", Secret(""))
        for part in self._secret_parts():
            register(part)  # a packed secret may come back in pieces
        self._clock = clock
        self._turns = Turns(concurrency)
        self._budget = budget
        self._read_deadline_s = read_deadline_s
        self._order_deadline_s = order_deadline_s
        self._on_call = on_call
        self._last_nonce = 0
        self.round_trip_ms: float | None = None
        self.last_answer_ns: int | None = None
        """Monotonic."""

    @property
    def has_key(self) -> bool:
        return bool(self._access) and bool(self._secret)

    @property
    def key_label(self) -> str:
        """The last four characters of the access key."""
        return f"…{self._access.reveal()[-4:]}"

    def clean(self, text: str) -> str:
        """A text without secrets, short ones included."""
        for secret in (self._access.reveal(), self._secret.reveal(), *self._secret_parts()):
            if len(secret) >= _LEAST_SECRET:
                text = text.replace(secret, MASK)
        return scrub(text)

    def _secret_parts(self) -> list[str]:
        """What a packed secret consists of, without short words and the one that asks for a demo account."""
        parts = (part.strip() for part in self._secret.reveal().split(","))
        return [part for part in parts if len(part) >= _LEAST_PART and part != "simulate"]

    async def read(
        self,
        method: str,
        params: Mapping[str, object],
        *,
        rank: Rank = Rank.POLL,
        is_trial: bool = False,
    ) -> Any:
        """A call that changes nothing: what stood under ``data``. Given up for an order it is made again.

        ``is_trial``: there may be no such method, so that silence says nothing about the plugin.

        Raises:
            VenueUnavailable: no answer, or the plugin could not reach its venue (RateLimited: too fast).
            RequestRejected, AuthRejected: the plugin's no; NotOffered where it has no such method.
            ProtocolViolation: an unreadable answer.
        """
        while True:
            await self._budget.acquire(1, timeout_s=_BUDGET_TIMEOUT_S, urgent=rank < Rank.POLL)
            given_up = False
            try:
                async with self._turns.reading(rank) as guard:
                    try:
                        return await self._reading(method, params, is_trial)
                    finally:
                        given_up = guard.expired()
            except TimeoutError:
                if not given_up:
                    raise
                log.debug("%s was given up for an order, and is asked again", method)

    async def _reading(self, method: str, params: Mapping[str, object], is_trial: bool) -> Any:
        try:
            answer = await self._post(method, params, self._read_deadline_s, reading=True)
            found = self._open(answer, method)
        except VenueError as error:
            failure = of_silence(error, method) if not isinstance(error, ProtocolViolation) else error
            if not is_trial:
                self._on_call(failure)
            raise failure from error
        if "error" in found and not _is_empty_error(found):
            meaning = explain(found["error"], self.clean)
            refusal = of_reading(meaning, method)
            if not is_trial:
                self._on_call(refusal if meaning.kind in (Kind.OFFLINE, Kind.UNCLEAR) else None)
            raise refusal
        self._on_call(None)
        if "data" not in found:
            raise unreadable(method, "neither data nor error", reading=True)
        return found["data"]

    async def write(self, method: str, params: Mapping[str, object]) -> Any:
        """A call that changes something, sent at most once: what stood under ``data``.

        Raises:
            NotSent: no byte of it left.
            OutcomeUnknown: it may have arrived, and there is no usable answer.
            RequestRejected, AuthRejected, RateLimited: the plugin's plain no.
        """
        self._budget.charge(1)
        try:
            async with asyncio.timeout(_TURN_TIMEOUT_S) as waiting, self._turns.turn(Rank.URGENT):
                waiting.reschedule(None)
                return await self._writing(method, params)
        except TimeoutError:
            if not waiting.expired():
                raise
            text = "Not sent: the plugin is busy with another call."
            raise NotSent(VENUE_NAME, f"{method}: no turn", code="busy", user_text=text) from None

    async def _writing(self, method: str, params: Mapping[str, object]) -> Any:
        try:
            answer = await self._post(method, params, self._order_deadline_s, reading=False)
        except VenueError as error:
            failure = of_silence(error, method)
            if isinstance(failure, RateLimited):
                # An HTTP status is never an answer of the protocol's, so that this one is no refusal either.
                failure = of_silence(OutcomeUnknown(VENUE_NAME, str(error), code=error.code), method)
            self._on_call(failure)
            raise failure from error
        try:
            found = self._open(answer, method)
        except ProtocolViolation as error:
            self._on_call(error)
            raise unreadable(method, error, reading=False) from None
        if "error" in found and not _is_empty_error(found):
            meaning = explain(found["error"], self.clean)
            refusal = of_writing(meaning, method)
            self._on_call(refusal if meaning.kind in (Kind.OFFLINE, Kind.UNCLEAR) else None)
            if found.get("data") and not isinstance(refusal, OutcomeUnknown):
                raise unreadable(method, f"data beside an error: {meaning.venue_text}", reading=False)
            raise refusal
        self._on_call(None)
        if "data" not in found:
            raise unreadable(method, "neither data nor error", reading=False)
        return found["data"]

    async def _post(
        self, method: str, params: Mapping[str, object], deadline_s: float, *, reading: bool
    ) -> HttpAnswer:
        # The keys leave here, and only here.
        content = wire.encode(
            {
                "access_key": self._access.reveal(),
                "secret_key": self._secret.reveal(),
                "nonce": self._nonce(),
                "method": method,
                "params": dict(params),
            }
        )
        answer = await self._http.request(
            "POST",
            "",
            content=content,
            headers=_HEADERS,
            deadline_s=deadline_s,
            reading=reading,
            urgent=not reading,
        )
        self.round_trip_ms = answer.elapsed_ms
        self.last_answer_ns = self._clock.monotonic_ns()
        return answer

    def _open(self, answer: HttpAnswer, method: str) -> wire.Row:
        """The envelope. Content types are not looked at: plugins name none, or a wrong one."""
        try:
            return wire.record(wire.decode(answer.body))
        except ValueError as error:
            start = answer.body[:120].decode("utf-8", "replace")
            log.warning("%s: HTTP %d, %s: %s", method, answer.status, error, self.clean(start))
            raise unreadable(method, self.clean(str(error)), reading=True) from None

    def _nonce(self) -> int:
        """Nanoseconds UTC, strictly increasing whatever the clock does."""
        self._last_nonce = max(self._last_nonce + 1, self._clock.wall_ns())
        return self._last_nonce


def _is_empty_error(found: wire.Row) -> bool:
    """A language whose records always have all their fields writes an empty error beside the data."""
    return found["error"] in (None, "") and found.get("data") is not None
