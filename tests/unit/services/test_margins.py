"""Margin and leverage as a venue says them: asked once the figures have settled, not again for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.domain.account import LeverageTier
from terminal.domain.errors import OrderRefused, RequestRejected, Unsupported, VenueError
from terminal.services.arming import Arming, ArmState
from terminal.services.margins import KEEP_LEVERAGE_S, KEEP_S, RETRY_TIERS_S, Margins
from terminal.venues.base import (
    ExpectedMargin,
    HasExpectedMargin,
    HasLeverage,
    HasLeverageTiers,
    Leverage,
)
from tests.fakes import FakeConnector
from tests.helpers import eventually, run

D = Decimal
ACCOUNT, EURUSD = "house:practice:1", "EUR/USD"
TIERS = (LeverageTier(D(1_000_000), D(200)), LeverageTier(D(5_000_000), D(100)))


class House(FakeConnector):
    """Says what an order ties up: a fiftieth of its units."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Decimal]] = []
        self.tiers_asked = 0
        self.error: VenueError | None = None
        self.gate: asyncio.Event | None = None

    async def expected_margin(self, symbol: str, quantity: Decimal) -> ExpectedMargin:
        self.asked.append((symbol, quantity))
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return ExpectedMargin(quantity / 50, quantity / 49, "USD")

    async def leverage_tiers(self, symbol: str) -> Sequence[LeverageTier]:
        self.tiers_asked += 1
        if self.error is not None:
            raise self.error
        return TIERS


def asking(settle_s: float = 0.01) -> tuple[Margins, House, ManualClock, list[str]]:
    house, clock = House(), ManualClock()
    changed: list[str] = []
    margins = Margins(lambda account: house, clock, settle_s=settle_s)
    margins.changed.watch(changed.append)
    return margins, house, clock, changed


def test_the_house_is_what_it_stands_for() -> None:
    assert isinstance(House(), HasExpectedMargin)
    assert isinstance(House(), HasLeverageTiers)
    assert not isinstance(FakeConnector(), HasExpectedMargin | HasLeverageTiers)


def test_what_is_typed_is_asked_for_once_it_has_settled() -> None:
    async def main() -> None:
        margins, house, _, changed = asking()
        for units in (1, 10, 100, 1000):
            assert margins.expected(ACCOUNT, EURUSD, D(units)) is None
        await eventually(lambda: changed == [ACCOUNT])
        assert house.asked == [(EURUSD, D(1000))], "only what was left standing"
        assert margins.expected(ACCOUNT, EURUSD, D(1000)) == ExpectedMargin(D(20), D(1000) / 49, "USD")
        assert margins.expected(ACCOUNT, EURUSD, D("1000.0")) is not None, "the same size, written otherwise"
        await margins.close()

    run(main())


def test_an_answer_is_kept_for_a_while_and_stands_until_the_next_one() -> None:
    async def main() -> None:
        margins, house, clock, changed = asking()
        margins.expected(ACCOUNT, EURUSD, D(1000))
        await eventually(lambda: changed)
        for _ in range(20):
            assert margins.expected(ACCOUNT, EURUSD, D(1000)) is not None
        clock.advance(KEEP_S + 1)
        house.gate = asyncio.Event()
        assert margins.expected(ACCOUNT, EURUSD, D(1000)) is not None
        await eventually(lambda: len(house.asked) == 2)
        assert margins.expected(ACCOUNT, EURUSD, D(1000)) is not None, "the older one while it is asked for"
        house.gate.set()
        await eventually(lambda: len(changed) == 2)
        await margins.close()

    run(main())


def test_one_question_at_a_time_and_the_newest_wish_next() -> None:
    async def main() -> None:
        margins, house, _, changed = asking()
        house.gate = asyncio.Event()
        margins.expected(ACCOUNT, EURUSD, D(1000))
        await eventually(lambda: house.asked)
        for units in (2000, 3000):
            margins.expected(ACCOUNT, EURUSD, D(units))
        assert len(house.asked) == 1
        house.gate.set()
        await eventually(lambda: len(changed) == 2)
        assert [quantity for _, quantity in house.asked] == [D(1000), D(3000)]
        await margins.close()

    run(main())


def test_a_refusal_is_no_figure_and_is_not_asked_again_at_once() -> None:
    async def main() -> None:
        margins, house, _, changed = asking()
        house.error = RequestRejected("house", "no such symbol")
        margins.expected(ACCOUNT, EURUSD, D(1000))
        await eventually(lambda: changed)
        assert margins.expected(ACCOUNT, EURUSD, D(1000)) is None
        margins.expected(ACCOUNT, EURUSD, D(2000))
        await eventually(lambda: len(changed) == 2)
        assert len(house.asked) == 2
        await margins.close()

    run(main())


def test_a_venue_that_does_not_say_is_not_asked() -> None:
    async def main() -> None:
        margins = Margins(lambda account: FakeConnector(), ManualClock(), settle_s=0.0)
        assert margins.expected(ACCOUNT, EURUSD, D(1)) is None
        assert margins.tiers(ACCOUNT, EURUSD) == ()
        assert Margins(lambda account: None, ManualClock()).expected(ACCOUNT, EURUSD, D(1)) is None
        await margins.close()

    run(main())


def test_nothing_is_asked_after_the_end() -> None:
    async def main() -> None:
        margins, house, _, _ = asking()
        margins.expected(ACCOUNT, EURUSD, D(1000))
        await margins.close()
        assert margins.expected(ACCOUNT, EURUSD, D(1000)) is None
        assert margins.tiers(ACCOUNT, EURUSD) == ()
        assert not [task for task in tasks.running() if not task.done()]
        assert house.asked == []

    run(main())


def test_leverage_by_size_is_asked_once_and_again_after_a_failure() -> None:
    async def main() -> None:
        margins, house, clock, changed = asking()
        house.error = RequestRejected("house", "not now")
        for _ in range(3):
            assert margins.tiers(ACCOUNT, EURUSD) == ()
        await eventually(lambda: changed == [ACCOUNT])
        house.error = None
        assert margins.tiers(ACCOUNT, EURUSD) == ()
        assert house.tiers_asked == 1, "not at once again"
        clock.advance(RETRY_TIERS_S + 1)
        margins.tiers(ACCOUNT, EURUSD)
        await eventually(lambda: margins.tiers(ACCOUNT, EURUSD) == TIERS)
        clock.advance(RETRY_TIERS_S + 1)
        assert margins.tiers(ACCOUNT, EURUSD) == TIERS
        assert house.tiers_asked == 2
        await margins.close()

    run(main())


class Swaps(FakeConnector):
    """Keeps a leverage for its one swap, at most 50."""

    def __init__(self) -> None:
        super().__init__()
        self.value = D(10)
        self.asked = 0
        self.sent: list[tuple[str, Decimal]] = []
        self.error: VenueError | None = None

    async def leverage(self, symbol: str) -> Leverage | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Leverage(self.value, "cross")

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        self.sent.append((symbol, leverage))
        if leverage > 50:
            raise RequestRejected("swaps", "59102", user_text="The leverage is above the venue's highest.")
        self.value = leverage


PERP = "BTC/USDT-PERP"


def test_the_leverage_of_an_instrument_is_asked_for_and_again_after_a_while() -> None:
    async def main() -> None:
        swaps, clock = Swaps(), ManualClock()
        assert isinstance(swaps, HasLeverage)
        assert not isinstance(FakeConnector(), HasLeverage)
        margins = Margins(lambda account: swaps, clock)
        assert margins.sets_leverage(ACCOUNT)
        assert margins.leverage(ACCOUNT, PERP) is None
        await eventually(lambda: margins.leverage(ACCOUNT, PERP) == Leverage(D(10), "cross"))
        assert swaps.asked == 1
        swaps.value = D(20)
        clock.advance(KEEP_LEVERAGE_S + 1)
        await eventually(lambda: margins.leverage(ACCOUNT, PERP) == Leverage(D(20), "cross"))
        swaps.error = RequestRejected("swaps", "not now")
        clock.advance(KEEP_LEVERAGE_S + 1)
        # An old figure might be wrong by now.
        await eventually(lambda: margins.leverage(ACCOUNT, PERP) is None)
        await margins.close()
        assert not margins.sets_leverage(ACCOUNT)

    run(main())


def test_a_change_of_leverage_is_read_back_and_a_no_is_the_venues_own() -> None:
    async def main() -> None:
        swaps = Swaps()
        margins = Margins(lambda account: swaps, ManualClock())
        margins.leverage(ACCOUNT, PERP)
        await eventually(lambda: margins.leverage(ACCOUNT, PERP) is not None)
        await margins.set_leverage(ACCOUNT, PERP, D(25))
        await eventually(lambda: margins.leverage(ACCOUNT, PERP) == Leverage(D(25), "cross"))
        with pytest.raises(RequestRejected, match="59102"):
            await margins.set_leverage(ACCOUNT, PERP, D(100))
        await eventually(lambda: margins.leverage(ACCOUNT, PERP) == Leverage(D(25), "cross"))
        assert swaps.sent == [(PERP, D(25)), (PERP, D(100))], "each of them once"
        await margins.close()

    run(main())


def test_what_backs_new_orders_is_chosen_and_the_leverage_read_again() -> None:
    class Modes(Swaps):
        mode = "cross"

        async def leverage(self, symbol: str) -> Leverage | None:
            return Leverage(D(10) if self.mode == "cross" else D(3), self.mode, ("cross", "isolated"))

        async def set_margin_mode(self, symbol: str, mode: str) -> None:
            if mode == "none":
                raise Unsupported("margin mode", "There is no such margin.")
            self.mode = mode

    async def main() -> None:
        swaps, clock = Modes(), ManualClock()
        arming = Arming(clock)
        margins = Margins(lambda account: swaps, clock, arming=arming)
        assert margins.sets_margin_mode(ACCOUNT)
        margins.leverage(ACCOUNT, PERP)
        await eventually(lambda: margins.leverage(ACCOUNT, PERP) is not None)
        await margins.set_margin_mode(ACCOUNT, PERP, "isolated")
        await eventually(lambda: (now := margins.leverage(ACCOUNT, PERP)) and now[:2] == (D(3), "isolated"))
        with pytest.raises(Unsupported, match="margin mode"):
            await margins.set_margin_mode(ACCOUNT, PERP, "none")
        arming.set(ArmState.VIEW)
        with pytest.raises(OrderRefused):
            await margins.set_margin_mode(ACCOUNT, PERP, "cross")
        assert swaps.mode == "isolated"
        await margins.close()
        only = Margins(lambda account: Swaps(), clock)
        assert not only.sets_margin_mode(ACCOUNT)
        with pytest.raises(Unsupported, match="margin mode"):
            await only.set_margin_mode(ACCOUNT, PERP, "cross")
        await only.close()

    run(main())


def test_the_own_margin_of_a_position_is_moved_once_and_not_on_view() -> None:
    class Isolated(FakeConnector):
        def __init__(self) -> None:
            super().__init__()
            self.moved: list[tuple[str, Decimal]] = []

        async def move_position_margin(self, position_id: str, amount: Decimal) -> None:
            self.moved.append((position_id, amount))
            if amount > 1000:
                raise RequestRejected("swaps", "51008", user_text="There is not so much.")

    async def main() -> None:
        venue, clock = Isolated(), ManualClock()
        arming = Arming(clock)
        margins = Margins(lambda account: venue, clock, arming=arming)
        assert margins.moves_position_margin(ACCOUNT)
        await margins.move_position_margin(ACCOUNT, PERP, "32", D(-5))
        with pytest.raises(RequestRejected):
            await margins.move_position_margin(ACCOUNT, PERP, "32", D(5000))
        arming.set(ArmState.VIEW)
        with pytest.raises(OrderRefused):
            await margins.move_position_margin(ACCOUNT, PERP, "32", D(5))
        assert venue.moved == [("32", D(-5)), ("32", D(5000))]
        await margins.close()
        other = Margins(lambda account: FakeConnector(), clock)
        assert not other.moves_position_margin(ACCOUNT)
        with pytest.raises(Unsupported):
            await other.move_position_margin(ACCOUNT, PERP, "32", D(5))
        await other.close()

    run(main())


def test_on_view_and_where_there_is_none_nothing_is_sent() -> None:
    async def main() -> None:
        swaps, clock = Swaps(), ManualClock()
        arming = Arming(clock)
        arming.set(ArmState.VIEW)
        margins = Margins(lambda account: swaps, clock, arming=arming)
        with pytest.raises(OrderRefused):
            await margins.set_leverage(ACCOUNT, PERP, D(25))
        assert swaps.sent == []
        with pytest.raises(Unsupported):
            await Margins(lambda account: FakeConnector(), clock).set_leverage(ACCOUNT, PERP, D(25))
        await margins.close()

    run(main())
