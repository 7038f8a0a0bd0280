"""Too much of everything, through the whole application: closes without end (10), a flood (24)."""

from __future__ import annotations

import asyncio
import gc
import inspect
import time
from collections import defaultdict
from dataclasses import replace
from itertools import accumulate, zip_longest
from pathlib import Path

import pytest

from terminal.core import tasks
from terminal.services.session import SessionState
from terminal.transport.reconnect import Backoff, LinkPolicy, scaled
from tests.e2e.rig import ACCOUNT, open_files, rig
from tests.helpers import run
from tests.practice import Practice, RunningVenues
from tests.unit.transport.servers import Peer, serve

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
