"""The terminal as it is put together: settings that reach the services without a start."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from terminal.app import compose
from terminal.app.compose import Terminal
from terminal.app.paths import paths_below
from terminal.core import tasks
from terminal.core.log_ring import LogRing
from terminal.domain.decimals import ZERO
from terminal.domain.events import TradesReceived
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side, Trade
from tests.helpers import eventually, run

BTC = InstrumentId("kraken", "BTC/USD")
S = 1_000_000_000


def kept_prints(terminal: Terminal, first: int) -> int:
    """How many are left of a thousand, one a second."""
    for second in range(first, first + 1000):
        one = Trade(BTC, str(second), Side.BUY, ZERO, ZERO, second * S, second * S)
        terminal.market.ingest("kraken", TradesReceived(BTC, (one,), False))
    return len(terminal.market.trades(BTC))


def test_prints_are_kept_for_as_long_as_the_tape_is_set_to_show_them(tmp_path: Path) -> None:
    async def main() -> None:
        terminal = Terminal(paths_below(tmp_path).make(), LogRing(), throw_away=True)
        try:
            terminal.market.watch(Feed(FeedKind.TRADES, "BTC/USD"), "kraken")
            assert kept_prints(terminal, 0) == 121
            terminal.settings.set("tape.keep_s", 600)
            assert kept_prints(terminal, 1000) == 601
        finally:
            await terminal.stop()
        again = Terminal(paths_below(tmp_path).make(), LogRing(), throw_away=True)
        try:
            assert kept_prints(again, 0) == 601
        finally:
            await again.stop()

    run(main())


@pytest.mark.parametrize("hangs", [False, True])
def test_the_first_venue_connects_ahead_of_the_others_but_holds_them_up_for_a_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    begun: list[str] = []

    async def main() -> None:
        connected = asyncio.Event()

        async def connect(venue: str) -> None:
            begun.append(venue)
            if venue == "first":
                await connected.wait()

        monkeypatch.setattr(compose, "HEAD_START_S", 0.01 if hangs else 60.0)
        terminal = Terminal(paths_below(tmp_path).make(), LogRing(), throw_away=True, venues=("kraken",))
        terminal.venues = ("first", "second", "third")
        monkeypatch.setattr(terminal, "_connect_as_last", connect)
        starting = tasks.spawn(terminal.start(), name="start")
        try:
            await eventually(lambda: begun)
            if not hangs:
                assert begun == ["first"]
                connected.set()
            await eventually(lambda: begun == ["first", "second", "third"])
            connected.set()
            await starting
        finally:
            await tasks.cancel_and_wait(starting)
            await terminal.stop()

    run(main())
