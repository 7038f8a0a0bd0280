"""Candles of the past, page by page (``history/load``)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

from terminal.core.clock import Clock
from terminal.domain.contracts import NS
from terminal.domain.errors import VenueUnavailable
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar
from terminal.venues.quotex.errors import VENUE_NAME
from terminal.venues.quotex.feeds import read_candles, read_ticks

_A_PAGE: Final = 200
_ANSWER_S: Final = 10.0
_PAUSE_S: Final = 0.1
"""Between two pages; faster is said to lead to bans."""
_TICKS_NS: Final = 600 * NS
_AT_ONCE: Final = 2


class _Send(Protocol):
    def __call__(self, name: str, *data: Any) -> None: ...


class History:
    """Asks for pages and matches the answers by their ``index``. ``turn`` returns when a page may be asked
    for."""

    def __init__(self, send: _Send, clock: Clock, turn: Callable[[], Awaitable[None]]) -> None:
        self._send = send
        self._clock = clock
        self._turn_of_page = turn
        self._numbers = itertools.count(clock.wall_ns() // 1_000_000)
        self._waiting: dict[int, tuple[str, asyncio.Future[Any]]] = {}
        """By the number of the question: the asset it is about, and who waits."""
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._closed = asyncio.Event()

    def on_answer(self, data: Any) -> bool:
        """Take an answer; False where nobody waits for it."""
        index = data.get("index") if isinstance(data, dict) else None
        asset, waiting = self._waiting.pop(index, ("", None)) if isinstance(index, int) else ("", None)
        if waiting is None or waiting.done():
            return False
        if data.get("asset", asset) != asset:
            # Bars of another asset would be drawn as this one's.
            waiting.set_exception(_nothing_came())
            return False
        waiting.set_result(data.get("data") or data.get("candles") or data.get("history") or [])
        return True

    def close(self) -> None:
        """Nothing is asked any more: whoever waits, also between two pages, is told at once."""
        self._closed.set()
        self.lost()

    def lost(self) -> None:
        """The connection is gone: nobody gets an answer any more."""
        waiting, self._waiting = self._waiting, {}
        for _, each in waiting.values():
            if not each.done():
                each.set_exception(VenueUnavailable(VENUE_NAME, "the connection was lost"))

    async def bars(
        self,
        instrument: Instrument,
        interval_s: int,
        *,
        end_ns: int | None,
        limit: int,
        progress: Callable[[Decimal], None] | None,
    ) -> Sequence[Bar]:
        """Bars that open before ``end_ns``, oldest first; fewer or none where Quotex has no more.

        Raises:
            VenueUnavailable, NotSent: a page could not be had.
        """
        found: dict[int, Bar] = {}
        until_ns = end_ns if end_ns is not None else self._clock.wall_ns() + interval_s * NS
        async with self._at_once:
            while len(found) < limit:
                page = await self._page(instrument, interval_s, until_ns)
                fresh = [bar for bar in page if bar.open_ns < until_ns and bar.open_ns not in found]
                found.update((bar.open_ns, bar) for bar in fresh)
                if progress is not None:
                    progress(min(Decimal(1), Decimal(len(found)) / limit))
                if not fresh:
                    break
                until_ns = fresh[0].open_ns
                if len(found) < limit:
                    await self._pause()
        ordered = [found[key] for key in sorted(found)]
        return ordered[-limit:]

    async def ticks(
        self, instrument: Instrument, from_ns: int, until_ns: int
    ) -> Sequence[tuple[int, Decimal]]:
        """Single prices from one time to another, oldest first (``history/load`` without a period)."""
        found: dict[int, Decimal] = {}
        end_ns = until_ns
        async with self._at_once:
            while end_ns >= from_ns:
                begin_ns = max(from_ns, end_ns - _TICKS_NS)
                # Whole seconds, the ones around what is asked for.
                end_s = end_ns // NS + 1
                rows = await self._ask(instrument, end_s, end_s - begin_ns // NS, None)
                page = [each for each in read_ticks(rows) if from_ns <= each[0] <= until_ns]
                found.update(page)
                end_ns = begin_ns - 1
                if end_ns >= from_ns:
                    await self._pause()
        return sorted(found.items())

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE_S):
                await self._closed.wait()

    async def _page(self, instrument: Instrument, interval_s: int, until_ns: int) -> list[Bar]:
        rows = await self._ask(instrument, until_ns // NS, interval_s * _A_PAGE, interval_s)
        return read_candles(rows)

    async def _ask(self, instrument: Instrument, until_s: int, offset_s: int, period_s: int | None) -> Any:
        if self._closed.is_set():
            raise VenueUnavailable(VENUE_NAME, "the connection is closed")
        index = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[index] = (instrument.venue_symbol, answer)
        asked = {"asset": instrument.venue_symbol, "index": index, "time": until_s, "offset": offset_s}
        if period_s is not None:
            asked["period"] = period_s
        try:
            await self._turn_of_page()
            self._send("history/load", asked)
            async with asyncio.timeout(_ANSWER_S):
                return await answer
        except TimeoutError:
            raise _nothing_came() from None
        finally:
            self._waiting.pop(index, None)


def _nothing_came() -> VenueUnavailable:
    text = "Quotex did not send the bars of the past."
    return VenueUnavailable(VENUE_NAME, "no bars came", user_text=text)
