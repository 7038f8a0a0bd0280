"""A line on which nothing comes by itself, as at a weekend: it is proven by pings, and stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from terminal.domain.events import LinkChanged, LinkState
from terminal.services.session import STALE_AFTER_S
from terminal.venues.quotex.connector import QuotexConnector
from terminal.venues.quotex.feeds import Feeds
from terminal.venues.quotex.stream import POLICY
from terminal.venues.quotex.trader import QuotexTrader
from tests.helpers import eventually, run
from tests.practice_quotex import QuotexPractice

PROOFS = 6


@pytest.fixture(scope="module")
def practice() -> Iterator[QuotexPractice]:
    running = QuotexPractice()
    running.start()
    yield running
    running.stop()


def test_a_line_without_prices_is_proven_and_not_cut(practice: QuotexPractice) -> None:
    policy = replace(POLICY, idle_timeout_s=2.0, heartbeat_s=0.5)
    states: list[LinkState] = []
    heard: set[int | None] = set()

    async def main() -> None:
        connector = QuotexConnector(practice.settings(), policy=policy)
        try:
            await connector.connect(lambda e: states.append(e.state) if isinstance(e, LinkChanged) else None)

            def proven() -> bool:
                heard.add(connector.health().last_frame_ns)
                return len(heard) > PROOFS or states[-1] is not LinkState.LIVE

            await eventually(proven, 20, "answers on a line where nothing is watched")
            assert states[-1] is LinkState.LIVE
            assert connector.health().reconnects == 0
        finally:
            await connector.close()

    run(main())


def test_a_result_that_is_waited_for_does_not_hold_up_the_news_of_stopped_prices(
    practice: QuotexPractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    ticks: list[None] = []

    async def waits(trader: QuotexTrader, venue_ns: int) -> None:
        looks.append(venue_ns)
        await asyncio.Event().wait()

    monkeypatch.setattr(QuotexTrader, "look_after", waits)
    monkeypatch.setattr(Feeds, "tick", lambda feeds: ticks.append(None))

    async def main() -> None:
        connector = QuotexConnector(practice.settings())
        try:
            await connector.connect(lambda event: None)
            await eventually(lambda: looks and len(ticks) >= 3, 20, "further looks at the prices")
            assert len(looks) == 1
        finally:
            await connector.close()

    run(main())


def test_a_quiet_line_is_pinged_before_it_is_called_silent() -> None:
    assert POLICY.heartbeat_s is not None
    assert POLICY.heartbeat_s < STALE_AFTER_S
