"""Too much of everything, through the whole application: closes without end (10), a flood (24)."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate, zip_longest
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from terminal.app.screen import USUAL
from terminal.core import tasks
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType
from terminal.services.market_data import MarketData, Topic
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.session import SessionState
from terminal.transport.reconnect import Backoff, LinkPolicy, scaled
from tests.bench.desk import memory_mb
from tests.e2e.rig import ACCOUNT, BTC, open_files, rig
from tests.e2e.screen_harness import Desk, run_screen
from tests.helpers import run
from tests.practice import Practice, RunningVenues
from tests.unit.transport.servers import Peer, serve

D = Decimal
ROOT = Path(__file__).resolve().parents[2]
SCALE = 1 / 3000
"""The product's own pauses, an hour and a half of them in seconds."""
TRIES = 500
CPU_SHARE = 0.1
FIRST_S = 10.0


class Pauses:
    """Each pause of the back-off by link, in unscaled seconds, and how deep the call was that asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by_link: defaultdict[str, list[float]] = defaultdict(list)
        self.depths: defaultdict[str, set[int]] = defaultdict(set)
        throw = Backoff.next_delay_s

        def noted(backoff: Backoff, *, longest: bool = False) -> float:
            task = asyncio.current_task()
            assert task is not None
            pause_s = throw(backoff, longest=longest)
            self.by_link[task.get_name()].append(pause_s / SCALE)
            self.depths[task.get_name()].add(len(inspect.stack(0)))
            return pause_s

        monkeypatch.setattr(Backoff, "next_delay_s", noted)


@pytest.mark.fault(10)
def test_a_venue_that_closes_at_once_is_not_stormed(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five hundred closes right after the accept. The pauses are the product's, scaled; the share of a
    processor is what the tries really cost over the time that the unscaled pauses would have taken."""
    policy = LinkPolicy()
    quick = replace(
        policy, backoff_s=scaled(policy, SCALE).backoff_s, first_jitter_s=policy.first_jitter_s * SCALE
    )
    pauses = Pauses(monkeypatch)
    in_flight = most_in_flight = 0

    async def close_at_once(peer: Peer) -> None:
        nonlocal in_flight, most_in_flight
        in_flight += 1
        most_in_flight = max(most_in_flight, in_flight)
        await asyncio.sleep(0.001)
        # The next try can only follow the reset, so this one is over for us as well.
        in_flight -= 1
        peer.reset()

    async def main() -> None:
        async with serve(close_at_once) as server:
            venues = RunningVenues(practice, tmp_path)
            stormy = {**practice.entry, "ws_public": server.ws, "ws_private": server.ws}
            venues.endpoints = {"kraken": stormy}
            async with rig(practice, tmp_path, wait=False, venues=venues, policy=quick) as found:
                await found.until(lambda: server.accepted >= TRIES // 5, "the first tries", 60.0)
                gc.collect()
                files, running = open_files(), len(tasks.running())
                tries, cpu_s = server.accepted, time.process_time()
                await found.until(lambda: server.accepted >= TRIES, "five hundred tries", 60.0)
                cpu_s = (time.process_time() - cpu_s) / (server.accepted - tries)
                gc.collect()
                assert open_files() <= files + 4
                assert len(tasks.running()) <= running + 2
                assert found.session.state is SessionState.RECONNECTING
                assert found.session.reason
                assert not found.gate.ready(ACCOUNT)
                assert most_in_flight == 1, "one try at a time for the whole venue"
                require_growing_pauses(pauses, policy)
                require_little_work(pauses, cpu_s)
                # It has not given up: the next try after the storm is the one that works.
                venues.endpoints = practice.endpoints
                await found.terminal.use_practice("kraken")
                await found.until_ready()
            assert not (await practice.told()).orders

    run(main(), timeout_s=110)


def require_growing_pauses(pauses: Pauses, policy: LinkPolicy) -> None:
    assert sorted(pauses.by_link) == ["kraken private link", "kraken public link"]
    for link, thrown in pauses.by_link.items():
        assert len(thrown) >= 100, link
        assert 0 <= thrown[0] <= policy.first_jitter_s
        for pause_s, step_s in zip_longest(thrown[1:], policy.backoff_s[1:], fillvalue=policy.backoff_s[-1]):
            assert abs(pause_s / step_s - 1) <= policy.jitter + 1e-9, (link, pause_s, step_s)
        assert len(set(thrown)) == len(thrown), "no two alike: jitter at the longest step too"
        assert len(pauses.depths[link]) == 1, "a try never starts from inside the one before"


def require_little_work(pauses: Pauses, cpu_s_a_try: float) -> None:
    """Over the whole storm, and in its first ten seconds, when the tries are closest."""
    early = 0
    for thrown in pauses.by_link.values():
        times = list(accumulate(thrown))
        assert len(times) * cpu_s_a_try < CPU_SHARE * times[-1]
        early += sum(when_s <= FIRST_S for when_s in times)
    assert early >= 6
    assert early * cpu_s_a_try < CPU_SHARE * FIRST_S


# -- a flood ---------------------------------------------------------------------------------------------

PAIRS = [*USUAL["kraken"], *(f"X{number:03}/USD" for number in range(288))]
MESSAGES, A_SECOND = 200_000, 20_000
FRAMES_A_SECOND = 20


@contextmanager
def flood_server(price: Decimal) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address and the process of ``tests/e2e/flood_server.py``."""
    command = [sys.executable, "-m", "tests.e2e.flood_server", str(price), *PAIRS]
    server = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert server.stdout is not None
        yield f"ws://127.0.0.1:{server.stdout.readline().strip()}/v2", server
    finally:
        server.kill()
        server.communicate(timeout=10)


async def send(desk: Desk, request: OrderRequest) -> Order:
    gate = desk.terminal.gate
    try:
        return await gate.submit(ACCOUNT, request)
    except ConfirmationNeeded as needed:
        return await gate.submit(ACCOUNT, request, confirmed=needed.tokens)


@pytest.mark.fault(24)
def test_a_flood_is_kept_up_with_and_does_not_pile_up(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    """200,000 messages of 300 pairs, 20,000 a second, from another process through the socket to the screen.

    A machine that cannot send and read so many in ten seconds takes longer over them: none is left out, and
    what is asserted is what became of them, not the pace. Frames are counted against the processor time of
    the screen's thread, which on a free machine and at full load is the time of a clock.
    """
    practice.command("rate", {"rate": 0.05})
    venues = RunningVenues(practice, tmp_path)
    ids = [InstrumentId("kraken", pair) for pair in PAIRS]

    async def body(desk: Desk) -> None:
        market = desk.terminal.market
        limit = D(desk.away(Side.BUY, "2"))
        book = market.book(BTC)
        assert book is not None
        assert book.mid is not None
        with flood_server(book.mid.quantize(D(1))) as (address, server):
            venues.endpoints = {"kraken": {**practice.entry, "ws_public": address}}
            await desk.terminal.use_practice("kraken")
            feeds = [Feed(kind, pair) for pair in PAIRS for kind in (FeedKind.QUOTES, FeedKind.TRADES)]
            releases = [market.watch(feed, "kraken") for feed in feeds]
            await desk.until(
                lambda: (
                    all(market.instrument(each) for each in ids)
                    and desk.terminal.gate.ready(ACCOUNT)
                    and market.book(BTC) is not None
                ),
                "every pair, and an account that can trade",
                20.0,
            )
            quotes = count_quotes(market)
            frames, screen_s = desk.screen.frames.count, time.thread_time()
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(f"go {MESSAGES} {A_SECOND}\n")
            answer = tasks.spawn(asyncio.to_thread(server.stdout.readline), name="what was sent")
            await desk.until(lambda: quotes[0] > MESSAGES // 5, "the flood", 40.0)
            held_mb = memory_mb(os.getpid())
            # Orders are never left out nor put together: one is placed and filled in the middle of it.
            order = await send(
                desk, OrderRequest(BTC, Side.BUY, OrderType.LIMIT, D("0.001"), limit_price=limit)
            )
            await desk.until(lambda: order.state is OrderState.OPEN, "an open order", 20.0)
            await practice.order("trade", symbol="BTC/USD", side="sell", through=str(limit))
            await desk.until(lambda: order.state is OrderState.FILLED, "its fill", 20.0)
            assert not answer.done(), "the flood was over before"
            await desk.until(answer.done, "the end of the flood", 60.0)
            sent = json.loads(answer.result())
            assert sent["messages"] == MESSAGES
            await desk.until(
                lambda: [market.quote(each).bid for each in ids] == [D(sent["bids"][pair]) for pair in PAIRS],  # type: ignore[union-attr]
                "the newest quote of every pair",
                20.0,
            )
            frames, screen_s = desk.screen.frames.count - frames, time.thread_time() - screen_s
            print(f"{MESSAGES / sent['took_s']:.0f} messages a second, {frames / screen_s:.0f} frames")
            for each, pair in zip(ids, PAIRS, strict=True):
                numbers = [int(trade.trade_id) for trade in market.trades(each)]
                assert numbers == list(range(1, sent["trades"][pair] + 1)), "every print, once, in order"
            assert frames / screen_s >= FRAMES_A_SECOND
            assert frames < MESSAGES // 20, "many messages make one frame"
            assert memory_mb(os.getpid()) - held_mb < 40
            session = desk.terminal.sessions.sessions["kraken"]
            assert session.health().reconnects == 0
            assert session.health().faults == 0
            for release in releases:
                release()
            venues.endpoints = practice.endpoints
            await desk.terminal.use_practice("kraken")

    # The answer to a ping waits its turn behind the flood.
    policy = replace(LinkPolicy(), ping_timeout_s=20.0)
    run_screen(practice, tmp_path, body, venues=venues, policy=policy, timeout_s=110)


def count_quotes(market: MarketData) -> list[int]:
    """One figure that grows by one with each quote."""
    seen = [0]

    def note(instrument: InstrumentId, topic: Topic) -> None:
        seen[0] += topic is Topic.QUOTE

    market.changed.watch(note)
    return seen
