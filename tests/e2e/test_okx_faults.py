"""Faults of OKX's own kind, through the whole application: its book numbers, its notices, its two levels
of an answer. What every venue has to bear is proven with Kraken's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from terminal.domain.errors import RequestRejected
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.services.market_data import FeedState
from terminal.services.session import SessionState
from terminal.venues.base import SubmitAck
from tests.e2e.rig import Rig, rig, state_of
from tests.helpers import run
from tests.practice import Practice
from tests.practice_okx import OkxPractice
from tests.venues.kit import desk

BTC = InstrumentId("okx", "BTC/USDT")
SOCKETS = "connect/ws*"
BOOK = "ws/data/books/BTC-USDT"
ORDERS = "ws/data/orders"


@pytest.fixture(scope="module")
def running_practice() -> Iterator[Practice]:
    practice = OkxPractice().start()
    yield practice
    practice.stop()


def follow(found: Rig) -> list[OrderState]:
    """Each state that any order goes through from now on."""
    states: list[OrderState] = []
    found.gate.changed.watch(lambda order: states.append(order.state))
    return states


@pytest.mark.fault(1)
@pytest.mark.fault(2)
@pytest.mark.fault(36)
@pytest.mark.parametrize(
    ("kind", "terms", "lost"),
    [("cut", {"match": SOCKETS}, 2), ("half_open", {"match": SOCKETS}, 2), ("expire_login", {}, 1)],
    ids=["reset", "half-open", "login expired"],
)
def test_a_lost_line_comes_back_with_the_account_as_it_is(
    kind: str, terms: dict[str, str], lost: int, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=BTC) as found:
            resting = await found.resting()
            before = found.session.health().reconnects
            await practice.fault(kind, **terms)
            # Prices and account each, where both are lost: one is found dead before the other.
            await found.until(lambda: found.session.health().reconnects >= before + lost, "noticed")
            await found.until_ready()
            assert resting.state is OrderState.OPEN
            await found.gate.cancel(resting.client_order_id)
            await found.until(lambda: resting.state is OrderState.CANCELED, "canceled")
            filled = await found.send(found.market())
            await found.until(lambda: filled.state is OrderState.FILLED, "filled")
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(16)
def test_a_gap_in_a_books_numbers_is_noticed_and_the_book_taken_again(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=BTC) as found:
            states = watch_states(found)
            reconnects = found.session.health().reconnects
            await practice.fault("book_gap", match=BOOK)
            await found.until(lambda: FeedState.STALE in states, "stale")
            await found.until(lambda: states[-1] is FeedState.LIVE, "live again")
            assert found.session.health().reconnects == reconnects
            assert found.session.state is SessionState.LIVE

    run(main())


@pytest.mark.fault(16)
def test_numbers_that_begin_anew_after_maintenance_are_no_gap(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=BTC) as found:
            states = watch_states(found)
            before = found.book().sequence
            assert before is not None
            await practice.fault("sequence_reset", match=BOOK)
            await found.until(lambda: (now := found.book().sequence) is not None and now < before, "a reset")
            low = found.book().sequence
            await found.until(lambda: found.book().sequence != low, "what follows it")
            assert states == [FeedState.LIVE]
            assert found.terminal.market.resyncs == 0

    run(main())


def watch_states(found: Rig) -> list[FeedState | None]:
    """The states of the book one after the other."""
    states: list[FeedState | None] = [found.terminal.market.book_state(BTC)]

    def note(instrument: InstrumentId, topic: object) -> None:
        state = found.terminal.market.book_state(BTC)
        if instrument == BTC and states[-1] is not state:
            states.append(state)

    found.terminal.market.changed.watch(note)
    return states


@pytest.mark.fault(25)
@pytest.mark.parametrize("close", [False, True])
def test_accepted_but_the_answer_lost_is_found_by_our_id(
    close: bool, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=BTC) as found:
            states = follow(found)
            await practice.fault("accept_lose_answer", match="ws/trade/order", close=close)
            # What the stream says of it is lost too: only asking can tell.
            await practice.fault("drop", match=ORDERS)
            order = await found.send(found.limit())
            assert OrderState.IN_DOUBT in states
            await found.until(lambda: order.state is OrderState.OPEN, "found open")
            await found.until_ready()
            told = await found.require_same_as_venue()
            assert told.sent() == {order.client_order_id: 1}

    run(main())


@pytest.mark.fault(26)
def test_what_never_arrived_is_not_sent_again(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=BTC) as found:
            await practice.fault("swallow_request", match="ws/trade/order")
            order = await found.send(found.limit())
            key = order.client_order_id
            assert state_of(order) is OrderState.IN_DOUBT
            await found.until(lambda: (d := found.gate.doubts.get(key)) and d.can_settle, "settleable")
            found.gate.settle_not_found(key)
            assert state_of(order) is OrderState.REJECTED
            told = await found.told()
            assert (told.orders, told.sent()) == ([], {key: 1})

    run(main())


@pytest.mark.fault(11)
def test_too_many_requests_is_a_plain_no_and_cancels_still_go(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=BTC) as found:
            resting = await found.resting()
            await practice.fault("error", match="ws/trade/order", code="50011")
            order = await found.send(found.limit(Side.SELL))
            assert state_of(order) is OrderState.REJECTED
            # A read that is refused for haste is no reason to give the account up.
            await practice.fault("rate_limit", match="rest/read/*", count=2, status=200)
            await found.gate.cancel(resting.client_order_id)
            await found.until(lambda: resting.state is OrderState.CANCELED, "canceled")
            told = await found.require_same_as_venue()
            assert told.sent()[order.client_order_id] == 1
            assert found.session.state is SessionState.LIVE

    run(main())


@pytest.mark.fault(10)
def test_before_an_upgrade_the_new_connection_is_there_first(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=BTC) as found:
            count, books = len(found.states), watch_states(found)
            reconnects = found.session.health().reconnects
            accepted = (await practice.stats())["accepted"]
            orders = [await found.resting()]
            await practice.fault("notice", close_s=3.0)
            await found.until(lambda: "a new one is opened first" in found.log_text(), "the notice")
            # Each of the three has a new one, and the old ones are gone before OKX closes them.
            for _ in range(200):
                stats = await practice.stats()
                if stats["accepted"] >= accepted + 3 and stats["okx"]["connections"] == 3:
                    break
            assert stats["okx"]["connections"] == 3
            orders += [await found.resting(quantity=quantity) for quantity in ("0.002", "0.003")]
            assert found.session.health().reconnects == reconnects
            # Neither the account nor the prices were ever out of it.
            assert (found.states[count:], books) == ([], [FeedState.LIVE])
            for order in orders:
                assert order.state is OrderState.OPEN
                await found.gate.cancel(order.client_order_id)
            await found.until(
                lambda: all(order.state is OrderState.CANCELED for order in orders),
                "canceled over the new one",
            )
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(31)
def test_each_order_of_a_batch_has_its_own_outcome(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            pairs = [(found.limit(percent=str(2 + n)), found.new_id()) for n in range(3)]
            await practice.fault("batch_partial", index=1, code="51008")
            results = await found.hand.submit_batch(pairs)
            assert [type(each) for each in results] == [SubmitAck, RequestRejected, SubmitAck]
            told = await practice.told()
            assert told.open_ids() == {pairs[0][1], pairs[2][1]}
            assert set(told.sent().values()) == {1}

    run(main())
