"""Eight books at 5,000 messages a second in all: frames, lag of the event loop, losses, memory.

``python3 -m tests.bench.workspace [--minutes N] [--no-window] [--profile FILE]``
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import itertools
import os
import time
from collections import Counter
from collections.abc import Sequence

from terminal.domain.instrument import InstrumentId
from terminal.services.market_data import FeedState, Topic
from tests.bench.desk import (
    BOOKS,
    VENUE,
    Desk,
    Knocks,
    cpu_s,
    desk,
    in_own_process,
    memory_mb,
    pause,
    percentile,
    run_under_qt,
)
from tests.bench.memory import MOST_SHARE, NOISE_MB, Figures, Reading, by_minute, growth

MESSAGES_A_SECOND = 5_000
WARM_UP_S = 5.0
KNOCK_EVERY_S = (0.001, 0.003)
READ_MEMORY_EVERY_S = 5.0


def main(options: Sequence[str] = ()) -> None:
    in_own_process("tests.bench.workspace", options)


class Watch:
    """Counts what comes in and what is missing."""

    def __init__(self, desk: Desk, *, seconds: float) -> None:
        """``seconds``: how long will be measured at most; all room is taken here."""
        self._market = desk.terminal.market
        frames, knocks = int(seconds * 100), int(seconds / KNOCK_EVERY_S[0])
        self.messages = 0
        self.trades = 0
        self.lost_trades = 0
        self.frame_times = Figures(frames)
        self.frame_work_ms = Figures(frames)
        self.lag_ms = Figures(knocks)
        self.collections_ms = Figures(frames)
        self._collecting = 0.0
        self._last: dict[InstrumentId, int] = {}
        self._frames = desk.frames
        self._hook(desk)

    def _hook(self, desk: Desk) -> None:
        link = desk.connector._public.link
        inner = link._on_frame

        def counting(frame: str | bytes, ts_received_ns: int) -> None:
            self.messages += 1
            inner(frame, ts_received_ns)

        link._on_frame = counting
        self._market.changed.watch(self._on_change)
        desk.frames.painted.connect(self._on_painted)
        gc.callbacks.append(self._on_collection)

    def start_over(self) -> None:
        """Forget what was counted so far; what is known of trade ids stays."""
        self.messages = self.trades = self.lost_trades = 0
        for figures in (self.frame_times, self.frame_work_ms, self.lag_ms, self.collections_ms):
            figures.clear()

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.thread_time()
        else:
            self.collections_ms.append((time.thread_time() - self._collecting) * 1e3)

    def _on_painted(self) -> None:
        self.frame_times.append(time.perf_counter())
        self.frame_work_ms.append(self._frames.last_ms)

    def _on_change(self, instrument: InstrumentId, topic: Topic) -> None:
        if topic is not Topic.TRADES:
            return
        kept = self._market.trades(instrument)
        last = self._last.get(instrument)
        fresh = []
        for trade in reversed(kept):
            number = int(trade.trade_id)
            if last is not None and number <= last:
                break
            fresh.append(number)
            if last is None:
                break
        if not fresh:
            return
        self.trades += len(fresh)
        if last is not None:
            self.lost_trades += fresh[0] - last - len(fresh)
        self._last[instrument] = fresh[0]

    def kept_trades(self) -> int:
        """Prints on all tapes: they grow until the oldest of them are two minutes old."""
        return sum(len(self._market.trades(InstrumentId(VENUE, symbol))) for symbol in BOOKS)

    def on_knock(self, knocked_ns: int) -> None:
        self.lag_ms.append((time.perf_counter_ns() - knocked_ns) / 1e6)


async def measure(*, minutes: float, window: bool, rate: float | None, profile: str | None) -> None:
    async with desk(window=window) as bench:
        watch = Watch(bench, seconds=minutes * 60 + 60)
        used = await _liven_up(bench, watch, rate)
        before = _figures(bench)
        watch.start_over()
        profiler = cProfile.Profile() if profile else None
        begun = time.perf_counter()
        knocks = Knocks(watch.on_knock)
        memory = [Reading(0.0, memory_mb(os.getpid()))]
        with knocks.every(*KNOCK_EVERY_S):
            if profiler:
                profiler.enable()
            while (elapsed := time.perf_counter() - begun) < minutes * 60:
                await pause(min(READ_MEMORY_EVERY_S, minutes * 60 - elapsed))
                memory.append(Reading(time.perf_counter() - begun, memory_mb(os.getpid())))
            if profiler:
                profiler.disable()
                profiler.dump_stats(str(profile))
        seconds = time.perf_counter() - begun
        after = _figures(bench)
        _print(bench, watch, seconds, before, after, memory, used)


async def _liven_up(bench: Desk, watch: Watch, rate: float | None) -> float:
    """Raise the market's liveliness until it delivers the messages that the bench is about."""
    await bench.control("rate", rate=rate or 10.0, book_batch_ms=0)
    await pause(WARM_UP_S)
    if rate is not None:
        return rate
    rate = 10.0
    for _ in range(6):
        watch.messages = 0
        await pause(3.0)
        share = watch.messages / 3.0 / MESSAGES_A_SECOND
        if 1.0 <= share < 1.15:
            break
        rate = min(1000.0, rate * 1.05 / max(share, 0.1))
        await bench.control("rate", rate=rate)
        await pause(1.0)
    return rate


def _figures(bench: Desk) -> dict[str, float]:
    market = bench.terminal.market
    faults = Counter(market.book_state(InstrumentId(VENUE, name)) for name in BOOKS)
    return {
        "own_cpu_s": time.process_time(),
        "venue_cpu_s": cpu_s(bench.practice_pid),
        "resyncs": market.resyncs,
        "link_faults": bench.connector.health().faults,
        "reconnects": bench.connector.health().reconnects,
        "not_live": len(BOOKS) - faults[FeedState.LIVE],
    }


def _print(
    bench: Desk,
    watch: Watch,
    seconds: float,
    before: dict[str, float],
    after: dict[str, float],
    memory: list[Reading],
    rate: float,
) -> None:
    grown = {key: after[key] - before[key] for key in after}
    gaps = [(b - a) * 1e3 for a, b in itertools.pairwise(watch.frame_times.values())]
    work_ms, lag_ms, collections_ms = (
        figures.values() for figures in (watch.frame_work_ms, watch.lag_ms, watch.collections_ms)
    )
    where = "the workspace shown" if bench.screen is not None else "no window"
    print(f"  {len(BOOKS)} books, {where}, {seconds:.0f} s, practice rate {rate:.0f}")
    print(f"    messages          {watch.messages / seconds:.0f} a second (aim {MESSAGES_A_SECOND})")
    if gaps:
        print(
            f"    frames            {len(watch.frame_times) / seconds:.1f} a second (bar 60); "
            f"between two p99 {percentile(gaps, 0.99):.1f} ms; work in one p50 "
            f"{percentile(work_ms, 0.5):.2f}, p99 {percentile(work_ms, 0.99):.2f} ms"
        )
    print(
        f"    event-loop lag    p50 {percentile(lag_ms, 0.5):.2f} ms, "
        f"p99 {percentile(lag_ms, 0.99):.2f} ms (bar 16), worst {max(lag_ms):.1f} ms"
    )
    print(
        f"    garbage           {len(collections_ms)} collections, "
        f"longest {max(collections_ms, default=0.0):.1f} ms, "
        f"{sum(collections_ms) / seconds / 10:.1f} % of the time"
    )
    print(
        f"    losses            {watch.lost_trades} of {watch.trades} trades, "
        f"{grown['resyncs']:.0f} resyncs, {grown['link_faults']:.0f} faults, "
        f"{grown['reconnects']:.0f} reconnects, {after['not_live']:.0f} books not live"
    )
    _print_memory(memory, watch.kept_trades())
    print(
        f"    processor         terminal {grown['own_cpu_s'] / seconds:.0%}, "
        f"practice venue {grown['venue_cpu_s'] / seconds:.0%} of a core"
    )


def _print_memory(memory: list[Reading], kept_trades: int) -> None:
    grown = growth(memory)
    minutes = " ".join(f"{each:.1f}" for each in by_minute(memory))
    verdict = "flat" if grown.is_flat else "not flat" if grown.long_enough else "too short to tell"
    print(f"    memory            {minutes} MB, minute by minute; {kept_trades:,d} prints on the tapes")
    print(
        f"    memory grown      {grown.whole_mb:+.1f} MB, of it {grown.last_half_mb:+.2f} in the last half: "
        f"{verdict}; ratio {grown.share:.2f} (bar {MOST_SHARE:.2f}, or {NOISE_MB:.0f} MB)"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--no-window", action="store_true")
    parser.add_argument("--rate", type=float, help="of the practice market; found by itself without")
    parser.add_argument("--profile", metavar="FILE", help="write a cProfile of the measured stretch")
    words = parser.parse_args()
    run_under_qt(
        lambda: measure(
            minutes=words.minutes, window=not words.no_window, rate=words.rate, profile=words.profile
        )
    )
