"""What can be done with a position: through the same gate, never twice, and never losing a leg not named."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.core import tasks
from terminal.core.clock import Clock, ManualClock
from terminal.domain.account import AccountInfo, AccountKind, AccountSnapshot, Position
from terminal.domain.contracts import RunningContract
from terminal.domain.errors import OrderRefused, OutcomeUnknown, RequestRejected, Unsupported
from terminal.domain.events import PositionReported
from terminal.domain.market import Side
from terminal.domain.orders import OrderState, OrderType, Protection
from terminal.services.arming import ArmState
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.portfolio import Portfolio
from terminal.services.positions import PositionDesk
from terminal.venues.base import ProtectionKind, VenueInfo
from tests.helpers import eventually, run
from tests.unit.services.order_fakes import ACCOUNT, BTC_USD, CAPABILITIES, Desk, FakeVenue, open_desk

D = Decimal
HELD = Position(
    BTC_USD, "88", Side.BUY, D("0.5"), D("59000.0"), protection=Protection(D("58000"), D("62000"))
)
HOUSE = replace(
    CAPABILITIES, positions=True, protections=frozenset(ProtectionKind) - {ProtectionKind.GUARANTEED}
)


@dataclass
class House(FakeVenue):
    """A venue that keeps positions."""

    info: VenueInfo = field(default_factory=lambda: VenueInfo("kraken", "House", HOUSE))
    protected: list[tuple[str, Protection]] = field(default_factory=list)

    async def protect(self, position_id: str, symbol: str, protection: Protection) -> None:
        self.received.append(("protect", position_id))
        await self._answer("protect", lambda: self.protected.append((position_id, protection)))


class Hand:
    """The actions on positions over a gate and a house."""

    def __init__(self, desk: Desk, venue: FakeVenue) -> None:
        self.desk, self.venue = desk, venue
        self.portfolio = Portfolio(desk.market, lambda account: ())  # type: ignore[arg-type]
        self.compared: list[str] = []
        self.actions = PositionDesk(
            gate=desk.gate,
            portfolio=self.portfolio,
            market=desk.market,
            connector=lambda account: venue,
            journal=desk.journal,
            compare_again=self.compared.append,
        )
        self.tell(HELD)
        self.kind(AccountKind.HEDGED)

    @property
    def house(self) -> House:
        assert isinstance(self.venue, House)
        return self.venue

    def tell(self, position: Position) -> None:
        self.portfolio.on_position(ACCOUNT, PositionReported(position))
        self.desk.accounts.positions = {each.position_id: each for each in self.portfolio.positions(ACCOUNT)}

    def kind(self, kind: AccountKind) -> None:
        self.portfolio.set_info(
            ACCOUNT,
            AccountInfo(
                account_id="1", title="House 1", is_live=False, currency="USD", kind=kind, leverage=D(30)
            ),
        )


def with_hand(
    tmp_path: Path,
    body: Callable[[Hand], Awaitable[None]],
    venue: FakeVenue | None = None,
    clock: Clock | None = None,
) -> None:
    async def main() -> None:
        house = venue or House()
        desk = await open_desk(tmp_path, venue=house, clock=clock)
        hand = Hand(desk, house)
        try:
            await body(hand)
        finally:
            hand.actions.close()
            await desk.gate.close()

    run(main())


def test_a_moved_stop_keeps_the_target(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58500.0"))
        assert hand.house.protected == [("88", Protection(D("58500.0"), D("62000")))]
        assert hand.actions.pending == {}

    with_hand(tmp_path, body)


def test_a_leg_set_to_nothing_is_removed_and_trailing_goes_with_its_stop(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        hand.tell(replace(HELD, protection=Protection(D("58000"), D("62000"), trailing=True)))
        await hand.actions.protect(ACCOUNT, "88", stop_loss=None)
        assert hand.house.protected == [("88", Protection(None, D("62000")))]

    with_hand(tmp_path, body)


@pytest.mark.parametrize(
    ("stop", "target", "rule"),
    [
        (D("61000.0"), None, "protection_side"),
        (D("58000.05"), None, "tick_size"),
        (None, D("50000.0"), "protection_side"),
    ],
)
def test_levels_that_make_no_sense_are_not_sent(
    tmp_path: Path, stop: Decimal | None, target: Decimal | None, rule: str
) -> None:
    async def body(hand: Hand) -> None:
        with pytest.raises(OrderRefused) as caught:
            await hand.actions.protect(ACCOUNT, "88", stop_loss=stop, take_profit=target)
        assert caught.value.rule == rule
        assert hand.venue.received == []

    with_hand(tmp_path, body)


def test_nothing_changed_is_not_sent(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        with pytest.raises(OrderRefused, match="Nothing was changed"):
            await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58000"))
        assert hand.venue.received == []

    with_hand(tmp_path, body)


def test_the_arm_switch_counts_for_stops_as_well(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        hand.desk.gate.arming.set(ArmState.VIEW)
        with pytest.raises(OrderRefused, match="View"):
            await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58500"))
        hand.desk.gate.arming.set(ArmState.CONFIRM)
        with pytest.raises(ConfirmationNeeded) as needed:
            await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58500"))
        assert hand.venue.received == []
        await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58500"), confirmed=needed.value.tokens)
        assert hand.venue.count("protect") == 1

    with_hand(tmp_path, body)


def test_it_is_on_disk_before_it_is_sent(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        seen: list[list[tuple[str, str]]] = []

        async def protect(position_id: str, symbol: str, protection: Protection) -> None:
            with sqlite3.connect(hand.desk.journal.path) as connection:
                rows = connection.execute("SELECT client_order_id, kind FROM events").fetchall()
            seen.append(rows)

        hand.house.protect = protect  # type: ignore[method-assign]
        await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58500"))
        assert (f"position:{ACCOUNT}:88", "protect") in seen[0]

    with_hand(tmp_path, body)


def test_without_an_answer_it_is_never_sent_again_and_the_venue_is_asked(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        hand.venue.raise_on["protect"] = OutcomeUnknown("kraken", "no answer")
        await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58500"))
        wanted = Protection(D("58500"), D("62000"))
        assert hand.actions.pending == {(ACCOUNT, "88"): wanted}
        assert hand.compared == [ACCOUNT]
        with pytest.raises(OrderRefused, match="under way"):
            await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58600"))
        assert hand.venue.count("protect") == 1
        hand.tell(replace(HELD, protection=wanted))
        assert hand.actions.pending == {}, "the venue shows it: settled"

    with_hand(tmp_path, body)


def test_a_comparison_settles_what_was_not_answered_either_way(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        hand.venue.raise_on["protect"] = OutcomeUnknown("kraken", "no answer")
        await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58500"))
        hand.portfolio.load(ACCOUNT, AccountSnapshot((), (), positions=(HELD,)))
        assert hand.actions.pending, "an old picture settles nothing"
        hand.actions.settle(ACCOUNT)
        assert hand.actions.pending == {}

    with_hand(tmp_path, body)


def test_the_venues_no_leaves_the_old_levels(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        hand.venue.raise_on["protect"] = RequestRejected("kraken", "TRADING_BAD_STOPS")
        with pytest.raises(RequestRejected):
            await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58500"))
        assert hand.actions.pending == {}
        assert hand.compared == []

    with_hand(tmp_path, body)


def test_a_venue_without_protections_says_so(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        with pytest.raises(Unsupported):
            await hand.actions.protect(ACCOUNT, "88", stop_loss=D("58500"))

    with_hand(tmp_path, body, FakeVenue())


def test_closing_a_part_is_an_order_on_the_other_side(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        request = hand.actions.close_request(ACCOUNT, "88", D("0.2"))
        assert (request.side, request.order_type) == (Side.SELL, OrderType.MARKET)
        assert (request.quantity, request.position_id, request.reduce_only) == (D("0.2"), "88", True)
        for wrong in (D("0.6"), D(0), D("-1")):
            with pytest.raises(OrderRefused):
                hand.actions.close_request(ACCOUNT, "88", wrong)
        with pytest.raises(OrderRefused, match="closed already"):
            hand.actions.close_request(ACCOUNT, "99")
        (order,) = await hand.actions.submit_in_turn(ACCOUNT, (request,), frozenset())
        assert order.ref.position_id == "88"

    with_hand(tmp_path, body)


def test_half_and_then_the_rest_are_two_commands_and_a_second_click_is_none(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        async def close(quantity: str) -> None:
            request = hand.actions.close_request(ACCOUNT, "88", D(quantity))
            await hand.actions.submit_in_turn(ACCOUNT, (request,), frozenset())

        await close("0.25")
        with pytest.raises(OrderRefused, match="just been sent"):
            await close("0.25")
        hand.venue.push(hand.venue.trade("O00001", "0.25"))
        # It has filled, and the position is not told as smaller yet.
        with pytest.raises(OrderRefused, match="just been sent"):
            await close("0.25")
        hand.tell(replace(HELD, quantity=D("0.25")))
        await close("0.25")
        assert hand.venue.count("submit") == 2
        hand.venue.push(hand.venue.trade(list(hand.venue.reports)[-1], "0.25"))
        with pytest.raises(OrderRefused, match="just been sent"):
            await close("0.25")

    with_hand(tmp_path, body, clock=ManualClock())


def test_equal_parts_that_leave_something_are_a_repetition_within_a_double_click(tmp_path: Path) -> None:
    clock = ManualClock()

    async def body(hand: Hand) -> None:
        request = hand.actions.close_request(ACCOUNT, "88", D("0.1"))
        await hand.actions.submit_in_turn(ACCOUNT, (request,), frozenset())
        hand.venue.push(hand.venue.trade("O00001", "0.1"))
        hand.tell(replace(HELD, quantity=D("0.4")))
        with pytest.raises(OrderRefused, match="just been sent"):
            await hand.actions.submit_in_turn(ACCOUNT, (request,), frozenset())
        clock.advance(1)
        await hand.actions.submit_in_turn(ACCOUNT, (request,), frozenset())

    with_hand(tmp_path, body, clock=clock)


def test_reversing_opens_the_other_side_only_after_the_close_has_filled(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        requests = hand.actions.reverse_requests(ACCOUNT, "88")
        assert [each.position_id for each in requests] == ["88", None]
        work = tasks.spawn(hand.actions.submit_in_turn(ACCOUNT, requests, frozenset()), name="reverse")
        await eventually(lambda: hand.venue.count("submit") == 1)
        await asyncio.sleep(0)
        assert hand.venue.count("submit") == 1, "the second waits"
        hand.venue.push(hand.venue.trade("O00001", "0.5"))
        sent = await work
        assert [order.request for order in sent] == list(requests)

    with_hand(tmp_path, body)


def test_a_close_that_fails_opens_nothing(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        requests = hand.actions.reverse_requests(ACCOUNT, "88")
        hand.venue.raise_on["submit"] = RequestRejected("kraken", "MARKET_CLOSED")
        (order,) = await hand.actions.submit_in_turn(ACCOUNT, requests, frozenset())
        assert order.state is OrderState.REJECTED
        assert hand.venue.count("submit") == 1

    with_hand(tmp_path, body)


def test_a_netted_account_reverses_with_one_order_of_twice_the_size(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        hand.kind(AccountKind.NETTED)
        (request,) = hand.actions.reverse_requests(ACCOUNT, "88")
        assert (request.side, request.quantity, request.position_id) == (Side.SELL, D("1.0"), None)
        assert hand.actions.double_request(ACCOUNT, "88").protection is None

    with_hand(tmp_path, body)


def test_doubling_takes_the_same_distances(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        request = hand.actions.double_request(ACCOUNT, "88")
        assert (request.side, request.quantity) == (Side.BUY, D("0.5"))
        assert request.protection == Protection(stop_distance=D("1000.0"), profit_distance=D("3000.0"))

    with_hand(tmp_path, body)


def test_a_position_in_borrowed_spot_is_closed_and_neither_doubled_nor_turned_round(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        position = hand.portfolio.position(ACCOUNT, "88")
        assert position is not None
        on_credit = replace(position, borrowed=D("250.5"), borrowed_asset="USDT")
        hand.tell(on_credit)
        for ask in (hand.actions.double_request, hand.actions.reverse_requests):
            with pytest.raises(OrderRefused) as refused:
                ask(ACCOUNT, "88")
            assert refused.value.rule == "borrowed"
        assert hand.actions.close_request(ACCOUNT, "88").quantity == position.quantity

    with_hand(tmp_path, body)


def test_a_contract_is_given_back_as_a_whole_or_runs_to_its_end(tmp_path: Path) -> None:
    async def body(hand: Hand) -> None:
        running = RunningContract(D(87), 2_000_000_000_000_000_000, 60, sells_back=True)
        hand.tell(Position(BTC_USD, "c1", Side.BUY, D(10), D("59000.0"), contract=running))
        asked = hand.actions.close_request(ACCOUNT, "c1")
        assert (asked.order_type, asked.side, asked.quantity) == (OrderType.CONTRACT, Side.SELL, D(10))
        assert asked.reduce_only
        assert asked.position_id == "c1"
        with pytest.raises(OrderRefused, match="as a whole"):
            hand.actions.close_request(ACCOUNT, "c1", D(5))
        for ask in (hand.actions.double_request, hand.actions.reverse_requests):
            with pytest.raises(OrderRefused, match="neither doubled nor reversed"):
                ask(ACCOUNT, "c1")
        kept = replace(running, sells_back=False)
        hand.tell(Position(BTC_USD, "c2", Side.SELL, D(10), D("59000.0"), contract=kept))
        with pytest.raises(OrderRefused, match="runs to its end"):
            hand.actions.close_request(ACCOUNT, "c2")

    with_hand(tmp_path, body)
