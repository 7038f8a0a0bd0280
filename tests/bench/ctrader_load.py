"""Twenty cTrader symbols with depth at 2,000 events a second: frame rate and lag, with them and without.

``python3 -m tests.bench.ctrader_load [--symbols N] [--events N] [--stretches N] [--seconds N]``

The composed terminal shows chart, ladder, ticket and a watchlist of all the symbols. Quotes and depth of each
come over TLS from the practice venue, a process of its own. Calm and lively stretches take turns in one run.
Every tick of the frame clock counts as a frame, also where nothing has changed, so that a calm market does
not pass for a slow screen.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import FeedKind
from terminal.services.market_data import FeedState
from tests.bench.desk import Desk, Knocks, cpu_s, desk, in_own_process, pause, percentile, run_under_qt
from tests.helpers import eventually

VENUE = "ctrader"
SYMBOLS = (
    *("EUR/USD", "GBP/USD", "EUR/JPY", "USD/JPY", "AUD/USD", "USD/CHF", "GBP/JPY", "USD/CAD", "EUR/GBP"),
    *("EUR/CHF", "AUD/JPY", "NZD/USD", "CHF/JPY", "EUR/AUD", "CAD/JPY", "GBP/AUD", "EUR/CAD", "AUD/CAD"),
    *("AUD/NZD", "GBP/CHF", "BTC/USD", "ETH/USD"),
)
"""Those that the practice broker has open at all hours."""
EVENTS_A_SECOND = 2_000
SETTLE_S = 1.5
KNOCK_EVERY_S = (0.001, 0.003)


class Stretch(NamedTuple):
    """What one stretch of time was like."""

    events_a_second: float
    frames_a_second: float
    gap_p99_ms: float
    """Between two frames."""
    work_p50_ms: float
    work_p99_ms: float
    """Of the callbacks of one frame."""
    lag_p50_ms: float
    lag_p99_ms: float
    lag_worst_ms: float
    own_cpu: float
    """Share of a core."""
    venue_cpu: float


class Watch:
    """Counts events, and notes frames and knocks."""

    def __init__(self, bench: Desk, wires: Iterable[Any]) -> None:
        """``wires``: what reads the sockets, and hands each frame to its ``_on_frame``."""
        self._bench = bench
        self.events = 0
        self._frame_times: list[float] = []
        self._work_ms: list[float] = []
        self._lag_ms: list[float] = []
        for wire in wires:
            wire._on_frame = self._counting(wire._on_frame)
        bench.frames.painted.connect(self._on_painted)
        bench.frames.request(_nothing)

    def _counting(self, inner: Callable[[Any, int], object]) -> Callable[[Any, int], None]:
        def on_frame(frame: str | bytes, ts_received_ns: int) -> None:
            self.events += 1
            inner(frame, ts_received_ns)

        return on_frame

    def _on_painted(self) -> None:
        self._frame_times.append(time.perf_counter())
        self._work_ms.append(self._bench.frames.last_ms)
        self._bench.frames.request(_nothing)

    def on_knock(self, knocked_ns: int) -> None:
        self._lag_ms.append((time.perf_counter_ns() - knocked_ns) / 1e6)

    async def stretch(self, seconds: float) -> Stretch:
        """Measure for a while."""
        pid = self._bench.practice_pid
        self.events = 0
        for figures in (self._frame_times, self._work_ms, self._lag_ms):
            figures.clear()
        begun, own, venue = time.perf_counter(), time.process_time(), cpu_s(pid)
        await pause(seconds)
        took = time.perf_counter() - begun
        gaps_ms = [(b - a) * 1e3 for a, b in itertools.pairwise(self._frame_times)]
        return Stretch(
            self.events / took,
            len(self._frame_times) / took,
            percentile(gaps_ms, 0.99),
            percentile(self._work_ms, 0.5),
            percentile(self._work_ms, 0.99),
            percentile(self._lag_ms, 0.5),
            percentile(self._lag_ms, 0.99),
            max(self._lag_ms),
            (time.process_time() - own) / took,
            (cpu_s(pid) - venue) / took,
        )


def _nothing() -> None:
    """What is asked for, so that a tick is a frame."""


def main(options: Sequence[str] = ()) -> None:
    in_own_process("tests.bench.ctrader_load", options)


async def measure(*, symbols: int, events: int, stretches: int, seconds: float) -> None:
    books = SYMBOLS[:symbols]
    async with desk(window=True, venue=VENUE, books=books, beside=FeedKind.QUOTES) as bench:
        screen = bench.screen
        assert screen is not None
        for symbol in books:
            screen.watchlist.add(InstrumentId(VENUE, symbol))
        await eventually(lambda: screen.watchlist.all_live, 30, "a price of each")
        watch = Watch(bench, [client.link._wire for client in bench.connector._clients.values()])
        calm: list[Stretch] = []
        lively: list[Stretch] = []
        with Knocks(watch.on_knock).every(*KNOCK_EVERY_S):
            rate = await _find_rate(bench, watch, events)
            for _ in range(stretches):
                for found, liveliness in ((calm, 1.0), (lively, rate)):
                    await bench.control("rate", rate=liveliness)
                    await pause(SETTLE_S)
                    found.append(await watch.stretch(seconds))
        market, health = bench.terminal.market, bench.connector.health()
        dead = [name for name in books if market.book_state(InstrumentId(VENUE, name)) is not FeedState.LIVE]
        print(
            f"  {len(books)} symbols with depth, the workspace shown; {stretches} x {seconds:.0f} s of each"
        )
        print_stretches(calm, lively)
        print(
            f"    losses             {market.resyncs} resyncs, {health.faults} faults, "
            f"{health.reconnects} reconnects, {len(dead)} books not live"
        )


async def _find_rate(bench: Desk, watch: Watch, events: int) -> float:
    """The practice market's liveliness at which so many events come in a second."""
    rate = 40.0
    for _ in range(6):
        await bench.control("rate", rate=rate)
        await pause(SETTLE_S)
        share = (await watch.stretch(2.0)).events_a_second / events
        if 1.0 <= share < 1.1:
            break
        rate = min(1000.0, rate * 1.05 / max(share, 0.1))
    return rate


_ROWS = (
    ("events a second", "events_a_second", ".0f", ""),
    ("frames a second", "frames_a_second", ".1f", ""),
    ("between frames p99", "gap_p99_ms", ".1f", " ms"),
    ("work a frame p50", "work_p50_ms", ".2f", " ms"),
    ("work a frame p99", "work_p99_ms", ".2f", " ms"),
    ("event-loop lag p50", "lag_p50_ms", ".2f", " ms"),
    ("event-loop lag p99", "lag_p99_ms", ".2f", " ms"),
    ("worst lag", "lag_worst_ms", ".1f", " ms"),
    ("terminal", "own_cpu", ".0%", " of a core"),
    ("practice venue", "venue_cpu", ".0%", " of a core"),
)


def print_stretches(calm: list[Stretch], lively: list[Stretch]) -> None:
    """Medians over the stretches, with the lowest and the highest."""
    for title, name, form, unit in _ROWS:
        words = []
        for found in (calm, lively):
            figures = sorted(getattr(each, name) for each in found)
            words.append(
                f"{statistics.median(figures):{form}} ({figures[0]:{form}} to {figures[-1]:{form}}){unit}"
            )
        print(f"    {title:<19} calm {words[0]}; lively {words[1]}")
    ratio = statistics.median(
        b.frames_a_second / a.frames_a_second for a, b in zip(calm, lively, strict=True)
    )
    print(f"    frame rate under load: {ratio:.3f} of the calm one (bar 1, within what calm ones differ)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--events", type=int, default=EVENTS_A_SECOND, help="a second, in all")
    parser.add_argument("--stretches", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    words = parser.parse_args()
    run_under_qt(
        lambda: measure(
            symbols=words.symbols, events=words.events, stretches=words.stretches, seconds=words.seconds
        )
    )
