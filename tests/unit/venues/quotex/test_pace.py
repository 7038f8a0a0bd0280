"""What can wait for its turn: in which order it leaves, and what drops out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from terminal.core import tasks
from terminal.core.clock import SystemClock
from terminal.domain.errors import VenueUnavailable
from terminal.venues.quotex import pace as module
from terminal.venues.quotex.pace import BURST, Pace
from tests.helpers import eventually, run


class World:
    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.pace = Pace(lambda name, data: self.sent.append((name, data)), SystemClock())

    def watch(self, *assets: str) -> None:
        for asset in assets:
            self.pace.put("instruments/update", {"asset": asset, "period": 60})

    def use_up(self) -> None:
        """Nothing more fits for a while."""
        for _ in range(BURST):
            self.pace.charge()

    def let_go(self) -> None:
        """A minute is over."""
        self.pace._counter.correct(0)
        timer = self.pace._timer
        assert timer is not None
        timer.cancel()
        self.pace._pump()

    @property
    def assets(self) -> list[str]:
        return [data["asset"] if isinstance(data, dict) else data for _, data in self.sent]


def test_twenty_assets_have_their_prices_and_first_pages_at_once() -> None:
    async def main() -> None:
        world = World()
        names = [f"A{number}" for number in range(20)]
        world.watch(*names)
        pages = [tasks.spawn(world.pace.turn(), name="page") for _ in names]
        await asyncio.gather(*pages)
        assert world.assets == names
        for name in names:
            world.pace.put("chart_notification/get", {"asset": name, "version": "1.0.0"})
        # What only completes a chart may wait; an asset that is looked at now does not.
        assert world.pace.waiting > 0
        world.watch("another")
        assert world.assets[-1] == "another"
        budget = world.pace.as_budget()
        assert 0 < budget.used <= budget.limit == BURST
        # The line is lost and comes back: as much again, at once.
        world.pace.clear()
        world.pace.begin()
        world.sent.clear()
        world.watch(*names)
        assert world.assets == names
        world.pace.clear()

    run(main())


def test_the_newest_goes_first_and_prices_before_all_else() -> None:
    async def main() -> None:
        world = World()
        world.use_up()
        order: list[str] = []

        async def page() -> None:
            await world.pace.turn()
            order.append("page")

        world.pace.put("chart_notification/get", {"asset": "old", "version": "1.0.0"})
        asking = tasks.spawn(page(), name="page")
        await asyncio.sleep(0)
        world.watch("old", "new")
        assert (world.sent, order) == ([], [])
        world.let_go()
        await asking
        assert [(name, data["asset"]) for name, data in world.sent] == [
            ("instruments/update", "new"),
            ("instruments/update", "old"),
            ("chart_notification/get", "old"),
        ]
        world.pace.clear()

    run(main())


def test_what_has_waited_long_goes_before_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        world = World()
        world.use_up()
        world.watch("oldest", "older")
        monkeypatch.setattr(module, "PATIENCE_S", 0.0)
        world.let_go()
        assert world.assets == ["oldest", "older"]

    run(main())


def test_prices_that_a_deal_needs_leave_at_once() -> None:
    async def main() -> None:
        world = World()
        world.use_up()
        world.watch("looked at", "traded")
        assert not world.sent
        world.pace.put("instruments/update", {"asset": "traded", "period": 60}, at_once=True)
        assert world.assets == ["traded"]
        assert world.pace.waiting == 1, "and not once more in its turn"
        world.pace.clear()

    run(main())


def test_what_is_not_wanted_any_more_is_never_sent() -> None:
    async def main() -> None:
        world = World()
        world.watch("kept")
        world.use_up()
        world.watch("left", "again", "again")
        world.pace.put("instruments/unsubscribe", {"asset": "left"})
        world.pace.put("depth/unfollow", "left")
        # Of this one prices come: leaving it has to be told.
        world.pace.put("instruments/unsubscribe", {"asset": "kept"})
        page = tasks.spawn(world.pace.turn(), name="page")
        await asyncio.sleep(0)
        assert world.pace.waiting == 3
        page.cancel()
        await asyncio.wait({page})
        world.let_go()
        assert [(name, data["asset"]) for name, data in world.sent[1:]] == [
            ("instruments/unsubscribe", "kept"),
            ("instruments/update", "again"),
        ]
        world.pace.clear()

    run(main())


def test_a_lost_line_ends_every_wait_and_a_turn_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        world = World()
        world.use_up()
        world.watch("gone")
        page = tasks.spawn(world.pace.turn(), name="page")
        await asyncio.sleep(0)
        world.pace.clear()
        await asyncio.wait({page})
        assert isinstance(page.exception(), VenueUnavailable)
        assert (world.pace.waiting, world.sent, world.pace._timer) == (0, [], None)
        monkeypatch.setattr(module, "TURN_S", 0.02)
        with pytest.raises(VenueUnavailable) as caught:
            await world.pace.turn()
        assert "waits for its turn" in caught.value.user_text
        world.pace.clear()

    run(main())


def test_turns_come_by_themselves_as_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "A_SECOND", 50.0)

    async def main() -> None:
        world = World()
        world.use_up()
        world.watch("first", "second", "third")
        assert not world.sent
        await eventually(lambda: len(world.sent) == 3, what="all of them")
        assert world.assets == ["third", "second", "first"]
        assert world.pace._timer is None

    run(main())
