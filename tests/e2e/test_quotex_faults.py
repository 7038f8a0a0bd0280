"""Faults of Quotex's own kind, through the whole application: its sessions, its attachments, its silence, and
contracts whose beginning or end is not told. What every venue has to bear is proven with Kraken's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.domain.contracts import ContractTerms, ExpiryMode, clock_expiry_ns
from terminal.domain.errors import NotSent, OrderRefused, RequestRejected, VenueUnavailable
from terminal.domain.events import AccountStreamReset, FeedConfirmed, WireFault
from terminal.domain.instrument import InstrumentId, MarketStatus
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import Fill, Order, OrderRequest, OrderState, OrderType
from terminal.services.market_data import FeedState
from terminal.services.session import SessionState
from terminal.venues.quotex import feeds, trader
from tests.e2e.rig import Rig, rig, state_of
from tests.helpers import eventually, run
from tests.practice import Practice
from tests.practice_quotex import QuotexPractice, id_told
from tests.quotex_client import Socket
from tests.venues.kit import desk

D = Decimal
NS = 10**9
EUR = InstrumentId("quotex", "EUR/USD OTC")
GBP = InstrumentId("quotex", "GBP/USD OTC")
SOCKETS = "connect/ws*"


@pytest.fixture(scope="module")
def running_practice() -> Iterator[Practice]:
    practice = QuotexPractice().start()
    yield practice
    practice.stop()


@pytest.fixture(autouse=True)
def quick_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trader, "ANSWER_S", 0.8)


def contract(
    found: Rig, side: Side = Side.BUY, stake: str = "5", duration_s: int = 60, **terms: object
) -> OrderRequest:
    """A contract as the ticket makes it: at the payout that is shown."""
    instrument = found.terminal.market.instrument(EUR)
    assert instrument is not None
    assert instrument.offer is not None
    shown = ContractTerms(ExpiryMode.TIMED, duration_s, instrument.offer.payout(duration_s))
    return OrderRequest(
        EUR,
        side,
        OrderType.CONTRACT,
        D(stake),
        contract=replace(shown, **terms),  # type: ignore[arg-type]
    )


def venue_ns(found: Rig) -> int:
    return found.terminal.clock.wall_ns() + int((found.session.health().clock_offset_ms or 0) * 1e6)


def results(found: Rig) -> list[Fill]:
    return [fill for fill in found.gate.fills if fill.realised is not None]


async def bought(found: Rig, stake: str = "5", duration_s: int = 60) -> Order:
    order = await found.send(contract(found, stake=stake, duration_s=duration_s))
    await found.until(lambda: order.state is OrderState.FILLED, "a running contract")
    return order


async def refused(found: Rig, request: OrderRequest, rule: str) -> OrderRefused:
    """Our own no, before anything leaves."""
    with pytest.raises(OrderRefused) as caught:
        await found.send(request)
    assert caught.value.rule == rule, caught.value
    assert caught.value.user_text
    assert not (await found.told()).requests
    return caught.value


# -- the session ------------------------------------------------------------------------------------------


def test_a_session_that_expires_in_mid_use_asks_for_a_new_sign_in(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR, errors_expected=True) as found:
            doubts: set[tuple[SessionState, bool]] = set()
            session = found.session
            session.changed.watch(lambda: doubts.add((session.state, session.is_sign_in_doubted)))
            await practice.fault("expire_session")
            await found.until(lambda: found.session.state is SessionState.FAILED, "the refusal")
            assert (SessionState.RECONNECTING, True) in doubts, "said from the first refusal on"
            assert not found.session.is_sign_in_doubted
            assert found.session.reason == "Quotex does not take this sign-in any more."
            assert found.session.needs_sign_in
            with pytest.raises(OrderRefused) as caught:
                await found.send(contract(found))
            assert caught.value.user_text == "Quotex does not take this sign-in any more."
            # Nobody knocks again and again.
            accepted = (await practice.stats())["accepted"]
            assert (await practice.stats())["connections"] == 0
            assert (await practice.stats())["accepted"] == accepted

    run(main())


def test_one_rejected_authorization_is_tried_once_more(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            order = await bought(found)
            await practice.fault("reject_session")
            await practice.cut()
            await found.until(lambda: found.session.health().reconnects, "noticed")
            await found.until_ready()
            assert await practice.struck("reject_session") == 1
            assert not found.session.needs_sign_in
            assert order.state is OrderState.FILLED
            await found.require_same_as_venue()

    run(main())


def test_a_challenge_before_the_socket_is_named_and_passed_when_it_is_gone(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            reasons: set[str] = set()
            found.session.changed.watch(lambda: reasons.add(found.session.reason))
            await practice.fault("challenge", match=SOCKETS)
            await practice.cut()
            await found.until(lambda: any("bot filter" in each for each in reasons), "the reason")
            await found.until_ready()
            assert not found.session.needs_sign_in

    run(main())


@pytest.mark.parametrize("kind", ["namespace_disconnect", "connect_error", "half_open"])
def test_a_line_that_is_dead_in_its_own_way_is_opened_anew(
    kind: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            if kind == "connect_error":
                await practice.fault(kind)
                await practice.cut()
            else:
                await practice.fault(kind, match=SOCKETS)
            await found.until(lambda: not found.ready, "noticed")
            await found.until(lambda: found.session.health().reconnects, "a new line")
            await found.until_ready()
            await bought(found)
            await found.require_same_as_venue()

    run(main())


def test_a_server_that_answers_pings_and_sends_no_new_prices_makes_them_stale(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SILENT_NS", 2 * NS)
    monkeypatch.setattr(trader, "_PRICES_S", 0.2)

    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            request, feed = contract(found), Feed(FeedKind.QUOTES, EUR.symbol)
            # They still come, but their time stands: the same old price again and again.
            await practice.fault("stale_clock", seconds=60.0)

            def price() -> FeedState:
                return found.terminal.market.feed_state(feed, "quotex")

            await found.until(lambda: price() is FeedState.STALE, "stale prices")
            # Then none at all.
            await practice.fault("silence", match="ws/data/*", seconds=60.0)
            # The line itself is proven, and stays.
            assert found.session.state is SessionState.LIVE
            no = await refused(found, request, "stale_price")
            assert no.user_text == "There is no current price of EUR/USD OTC."
            # Whoever asks all the same hears it from the connector, and nothing leaves.
            hand = found.session.trader(found.account)
            assert hand is not None
            with pytest.raises(NotSent) as caught:
                await hand.submit(request, "0" * 32)
            assert caught.value.user_text == "Nothing was sent: no prices of EUR/USD OTC come."
            assert not (await found.told()).requests
            await practice.order("clear")
            await found.until_ready()
            assert found.session.health().reconnects == 0
            await bought(found)

    run(main())


def test_twenty_watched_assets_have_their_prices_again_at_once(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            feeds = [Feed(FeedKind.QUOTES, symbol) for symbol in sorted(found.instruments)][:20]
            assert len(feeds) == 20

            def confirmed() -> set[Feed]:
                return {event.feed for event in found.of(FeedConfirmed)}

            for each in feeds:
                await found.connector.subscribe(each)
            await eventually(lambda: confirmed() >= set(feeds), what="their prices")
            for _ in range(2):
                found.events.clear()
                await practice.cut()
                # Twenty requests at one a second, which they are over time, would not do.
                await eventually(lambda: confirmed() >= set(feeds), 15.0, "their prices again")
            (budget,) = found.connector.budgets()
            assert 0 < budget.used <= budget.limit

    run(main())


# -- frames -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["interleave", "pair", "base64", "inline", "lone_attachment"])
def test_however_an_answer_is_wrapped_it_is_read(kind: str, practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            await practice.fault(kind, match="ws/ack/s_orders/open")
            await bought(found)
            assert await practice.struck(kind) == 1
            assert found.session.wire_faults == 0
            await found.require_same_as_venue()

    run(main())


@pytest.mark.parametrize("kind", ["truncated_binary", "lone_placeholder"])
def test_an_answer_that_cannot_be_read_is_asked_for_and_shifts_no_other(
    kind: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            await practice.fault(kind, match="ws/ack/s_orders/open")
            order = await found.send(contract(found))
            await found.until(lambda: order.state is OrderState.FILLED, "found in the list")
            await found.until(lambda: found.session.health().faults == 1, "told")
            await found.until_ready()
            # The next one has its own answer again.
            await bought(found, "6")
            told = await found.require_same_as_venue()
            assert sorted(told.sent().values()) == [1, 1]

    run(main())


def test_a_table_of_one_row_or_of_odd_rows_changes_nothing_else(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            count = len(found.instruments)
            await practice.fault("one_row")
            await practice.fault("payout", asset="EURUSD", percent=41)
            await eventually(
                lambda: (offer := found.instruments["EUR/USD"].offer) and offer.payout_pct == 41,
                what="the one row",
            )
            assert len(await found.connector.instruments()) == count
            assert not found.of(WireFault)
            await practice.fault("bad_rows")
            await practice.fault("payout", asset="USDBRL_otc", percent=42)
            await eventually(
                lambda: (offer := found.instruments["USD/BRL OTC"].offer) and offer.payout_pct == 42,
                what="the rows that can be read",
            )
            assert found.of(WireFault)
            assert len(await found.connector.instruments()) == count

    run(main())


def test_prices_of_wrong_lengths_are_told_and_left_out(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            await practice.fault("bad_quotes", match="ws/data/quotes/stream*")
            await eventually(lambda: found.of(WireFault), what="the fault")
            count = len(found.events)
            await eventually(lambda: len(found.events) > count + 3, what="further prices")
            assert all(quote.bid is not None and quote.bid.is_finite() for quote in found.quotes.values())

    run(main())


def test_prices_and_bars_of_an_asset_that_is_not_listed_change_nothing(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            await practice.fault("unknown_asset", match="ws/data/quotes/stream*")
            await practice.fault("unknown_asset", match="ws/ack/history/load*")
            with pytest.raises(VenueUnavailable) as caught:
                await found.connector.bars(EUR.symbol, 60, limit=10)
            assert caught.value.user_text == "Quotex did not send the bars of the past."
            assert len(await found.connector.bars(EUR.symbol, 60, limit=10)) == 10
            count = len(found.events)
            await eventually(lambda: len(found.events) > count + 3, what="further prices")
            assert await practice.struck("unknown_asset") == 2
            assert set(found.quotes) <= set(found.instruments)

    run(main())


def test_a_contract_on_an_asset_that_is_not_listed_is_shown(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            # Bought in the web terminal, on an asset that our table does not have.
            await practice.fault("unknown_asset", match="ws/data/s_orders/open")
            elsewhere = await Socket.signed_in(practice.entry)
            try:
                deal = await elsewhere.bought(await elsewhere.buy())
            finally:
                await elsewhere.close()
            await found.until(lambda: found.terminal.portfolio.positions(found.account), "the position")
            (position,) = found.terminal.portfolio.positions(found.account)
            assert (position.instrument.symbol, position.position_id) == ("NOSUCH_otc", deal["id"])
            listed = found.terminal.market.instrument(InstrumentId("quotex", "NOSUCH_otc"))
            assert listed is not None
            assert (listed.status, listed.offer) == (MarketStatus.CLOSED, None)
            # A list that names one of ours so closes no account: it is not asked for over and over.
            await practice.fault("unknown_asset", match="ws/data/orders/opened/list")
            await bought(found, duration_s=30)
            await practice.cut()
            await found.until(lambda: found.session.health().reconnects, "noticed")
            await found.until_ready()
            assert await practice.struck("unknown_asset") == 2

    run(main())


# -- what is refused --------------------------------------------------------------------------------------


def test_what_is_wrong_with_a_contract_is_said_before_it_is_sent(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            line_ns = clock_expiry_ns(venue_ns(found), 300)

            def by_clock(expires_ns: int) -> OrderRequest:
                return contract(found, duration_s=300, mode=ExpiryMode.CLOCK, expires_ns=expires_ns)

            cases = (
                (replace(contract(found), instrument=InstrumentId("quotex", "NOSUCH")), "instrument"),
                (contract(found, stake="0.5"), "min_quantity"),
                (contract(found, stake="1000.01"), "balance"),
                (by_clock(line_ns - 900 * NS), "expiry"),
                (by_clock(line_ns - 60 * NS), "expiry"),
                (contract(found, opens_ns=venue_ns(found) - NS), "opens"),
            )
            for request, rule in cases:
                await refused(found, request, rule)

    run(main())


def test_a_closed_asset_is_not_traded(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            request = contract(found)
            await practice.fault("close_asset", asset="EURUSD_otc", seconds=60.0)

            def is_closed() -> bool:
                instrument = found.terminal.market.instrument(EUR)
                return instrument is not None and instrument.status is MarketStatus.CLOSED

            await found.until(is_closed, "the news")
            await refused(found, request, "status")
            # Whoever asks all the same hears it from the connector: Quotex would be silent.
            hand = found.session.trader(found.account)
            assert hand is not None
            with pytest.raises(NotSent) as caught:
                await hand.submit(request, "0" * 32)
            assert "is closed" in caught.value.user_text
            assert not (await found.told()).requests

    run(main())


def test_a_payout_that_has_changed_since_it_was_shown_is_shown_again(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            request = contract(found)
            assert request.contract is not None
            await practice.fault("payout", asset="EURUSD_otc", percent=61, seconds=60.0)

            def is_known() -> bool:
                return contract(found).contract != request.contract

            await found.until(is_known, "the news")
            no = await refused(found, request, "payout")
            assert no.figure == 61
            assert "61 %" in no.user_text
            order = await found.send(contract(found))
            await found.until(lambda: order.state is OrderState.FILLED, "at the payout that is shown now")

    run(main())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("not_money", "balance does not cover"),
        ("expiration", "does not take this expiry"),
        ("not_price", "no price"),
        ("min_amount", "below Quotex's minimum"),
        ("max_amount", "above Quotex's maximum"),
        ("something_new", "“something_new”"),
    ],
)
def test_the_venues_no_is_in_words(error: str, words: str, practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            await practice.fault("error", match="ws/trade/orders/open", error=error)
            with pytest.raises(RequestRejected) as caught:
                await found.submit(found.contract())
            assert words in caught.value.user_text
            assert caught.value.code == error
            assert not found.reports

    run(main())


def test_a_stake_above_the_venues_maximum_comes_back_as_rejected(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        assert isinstance(practice, QuotexPractice)
        async with rig(practice, tmp_path, instrument=EUR) as found:
            await practice.fund(D(20000))
            await found.until(
                lambda: found.terminal.portfolio.balances(found.account)["USD"].total == 20000, "the money"
            )
            order = await found.send(contract(found, stake="5001"))
            assert order.state is OrderState.REJECTED
            assert "maximum" in order.reason
            assert not (await found.told()).orders

    run(main())


def test_a_waiting_contract_that_fails_at_its_time_says_so(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        assert isinstance(practice, QuotexPractice)
        async with rig(practice, tmp_path, instrument=EUR) as found:
            opens_ns = (venue_ns(found) // NS + 4) * NS
            order = await found.send(contract(found, opens_ns=opens_ns))
            assert state_of(order) is OrderState.OPEN
            await practice.fund(D("1"))
            await found.until(lambda: order.state is OrderState.REJECTED, "the refusal")
            assert order.reason == "Quotex could not open the waiting contract at its time."
            assert not (await found.told()).fills

    run(main())


# -- what is not told -------------------------------------------------------------------------------------


@pytest.mark.parametrize("close", [False, True])
def test_a_buy_whose_answer_is_lost_is_found_by_its_number_and_never_sent_again(
    close: bool, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            states: list[OrderState] = []
            found.gate.changed.watch(lambda order: states.append(order.state))
            await practice.fault("accept_lose_answer", match="ws/trade/orders/open", close=close)
            order = await found.send(contract(found))
            await found.until(lambda: order.state is OrderState.FILLED, "found running")
            assert OrderState.IN_DOUBT in states
            await found.until_ready()
            told = await found.require_same_as_venue()
            assert told.sent() == {id_told(order.client_order_id): 1}

    run(main())


def test_a_buy_that_never_arrived_is_not_sent_again(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            await practice.fault("swallow_request", match="ws/trade/orders/open")
            order = await found.send(contract(found))
            key = order.client_order_id
            assert state_of(order) is OrderState.IN_DOUBT
            await found.until(lambda: (d := found.gate.doubts.get(key)) and d.can_settle, "settleable")
            found.gate.settle_not_found(key)
            assert state_of(order) is OrderState.REJECTED
            told = await found.told()
            assert (told.orders, told.sent()) == ([], {id_told(key): 1})

    run(main())


def test_what_ended_while_the_line_was_down_has_the_right_result(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            known = await bought(found, duration_s=5)
            # Of the second one not even the beginning is told.
            await practice.fault("accept_lose_answer", match="ws/trade/orders/open", close=True)
            await practice.fault("refuse", match=SOCKETS, seconds=7.0)
            unknown = await found.send(contract(found, Side.SELL, duration_s=5))
            assert state_of(unknown) is OrderState.IN_DOUBT
            await found.until_ready()
            await found.until(lambda: len(results(found)) == 2, "both results")
            assert (known.state, state_of(unknown)) == (OrderState.FILLED, OrderState.FILLED)
            told = await found.require_same_as_venue()
            assert told.sent() == {id_told(each.client_order_id): 1 for each in (known, unknown)}
            theirs = {row["exec_id"]: row for row in told.fills}
            for fill in results(found):
                row = theirs[fill.fill_id]
                assert (fill.realised, fill.price) == (D(row["realised"]), D(row["price"]))
            assert not [p for p in found.terminal.portfolio.positions(found.account) if p.quantity]

    run(main())


def test_results_that_were_lost_on_the_way_are_asked_for(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            kinds = ("truncated_binary", "lone_placeholder", "drop")
            # Whole numbers for ids, as of earlier days, are as good.
            await practice.fault("integer_ids")
            for kind, stake in zip(kinds, ("5", "6", "7"), strict=True):
                await practice.fault(kind, match="ws/data/s_orders/close")
                order = await bought(found, stake, duration_s=5)
                assert order.venue_order_id is not None
                assert order.venue_order_id.isdigit()
            await found.until(lambda: len(results(found)) == 3, "the results", 40.0)
            assert [await practice.struck(kind) for kind in kinds] == [1, 1, 1]
            await found.until_ready()
            await found.require_same_as_venue()

    run(main())


# -- clocks -----------------------------------------------------------------------------------------------


def test_a_clock_that_is_minutes_off_closes_trading_and_says_why(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, instrument=EUR) as found:
            await practice.fault("clock_jump", offset_s=180.0)
            await found.until(lambda: not found.ready, "noticed")
            with pytest.raises(OrderRefused) as caught:
                await found.send(contract(found))
            assert "differ by 180 s" in caught.value.user_text
            assert "set the clock right" in caught.value.user_text
            assert not (await found.told()).requests

    run(main())


def test_a_contract_by_the_clock_ends_by_the_venues_clock(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            await practice.fault("clock_jump", offset_s=90.0)
            await eventually(
                lambda: 80_000 < (found.connector.health().clock_offset_ms or 0) < 95_000,
                what="the new clock",
            )
            request = found.contract(duration_s=60, mode=ExpiryMode.CLOCK)
            assert request.contract is not None
            await found.submit(request)
            (position,) = found.open_positions.values()
            assert position.contract is not None
            assert position.contract.expires_ns == request.contract.expires_ns
            assert not found.of(AccountStreamReset)

    run(main())
