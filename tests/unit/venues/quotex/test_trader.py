"""The hand on a fake line: what is sent, which answer is whose, and what silence means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from terminal.core.clock import SystemClock
from terminal.domain.contracts import ContractTerms, ExpiryMode
from terminal.domain.errors import (
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    Unsupported,
    VenueError,
    VenueUnavailable,
)
from terminal.domain.events import (
    AccountStreamReset,
    BalancesReported,
    FillReported,
    OrderReported,
    PositionReported,
)
from terminal.domain.instrument import Instrument, InstrumentId, MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import OrderRef, OrderRequest, OrderState, OrderType
from terminal.venues.base import LinkHealth
from terminal.venues.quotex import VENUE, trader
from terminal.venues.quotex.assets import Assets
from terminal.venues.quotex.deals import request_id_of
from terminal.venues.quotex.trader import QuotexTrader
from tests.helpers import eventually, run
from tests.unit.venues.quotex.test_assets import row

D = Decimal
NS = 10**9
OURS = "00e1d2c3b4" + "0" * 22
NUMBER = 0xE1D2C3B4
OTC = InstrumentId("quotex", "EUR/USD OTC")


class Line:
    """Notes what is sent; prices come, and nothing is answered but what a test says."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.mode = "demo"
        self.is_ready = True
        self.has_prices = True
        self.label = "practice@quotex.example"
        self.pages: dict[int, list[dict[str, Any]]] = {}
        self.answer: Callable[[str, Any], None] = lambda name, data: None

    def send(self, name: str, *data: Any) -> None:
        if not self.is_ready:
            raise NotSent("quotex", "closed")
        self.sent.append((name, data[0] if data else None))
        self.answer(name, data[0] if data else None)

    async def prices_of(self, instrument: Instrument, within_s: float) -> bool:
        return self.has_prices

    def price(self, wire: str) -> Decimal | None:
        return D("1.09")

    def health(self) -> LinkHealth:
        return LinkHealth(None, 2_000.0, None, 0, 0)

    async def ended_deals(self, mode: str, page: int) -> Sequence[Mapping[str, Any]]:
        return self.pages.get(page, [])

    def data_of(self, name: str) -> list[Any]:
        return [data for each, data in self.sent if each == name]


def deal(**terms: Any) -> dict[str, Any]:
    """As ``s_orders/open`` tells it (the reference's own example)."""
    now = int(time.time())
    return {
        "id": "8d0f",
        "requestId": NUMBER,
        "asset": "EURUSD_otc",
        "amount": 5,
        "command": 0,
        "openPrice": D("1.08342"),
        "closePrice": 0,
        "profit": D("4.35"),
        "percentProfit": 87,
        "openTimestamp": now,
        "closeTimestamp": now + 60,
        "isDemo": 1,
        **terms,
    }


class Hand:
    """A trader with its line and its events."""

    def __init__(self) -> None:
        self.line = Line()
        self.assets = Assets()
        self.assets.take([row(), row("EURUSD", "EUR/USD", c14=False)])
        self.unlisted: list[Instrument] = []
        self.assets.on_unlisted = self.unlisted.append
        self.events: list[Any] = []
        self.trader = QuotexTrader(
            "demo", self.line, self.assets, self.events.append, SystemClock(), info=VENUE
        )

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def request(self, **terms: Any) -> OrderRequest:
        asked = ContractTerms(ExpiryMode.TIMED, 60, D(86))
        found = OrderRequest(OTC, Side.BUY, OrderType.CONTRACT, D("5.00"), contract=asked)
        return replace(found, **terms)

    def answers(self, **by_name: tuple[str, Any]) -> None:
        """Each event that is sent is answered at once: ``orders_open=("s_orders/open", {...})``."""

        def answer(name: str, data: Any) -> None:
            found = by_name.get(name.replace("/", "_"))
            if found is not None:
                self.trader.on_event(*found)

        self.line.answer = answer

    def lists(self, opened: Any = (), closed: Any = (), waiting: Any = ()) -> None:
        """What the lists have when they are asked for."""

        def answer(name: str, data: Any) -> None:
            if name == "account/change":
                self.trader.on_event("orders/opened/list", list(opened))
                self.trader.on_event("orders/closed/list", list(closed))
            elif name == "pending/list":
                self.trader.on_event("pending/list", list(waiting))

        self.line.answer = answer


@pytest.fixture(autouse=True)
def quick_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trader, "ANSWER_S", 0.05)
    monkeypatch.setattr(trader, "_LISTS_S", 0.05)
    monkeypatch.setattr(trader, "_APART_NS", 0)


def with_hand(test: Callable[[Hand], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(Hand())

    run(main())


def test_a_timed_buy_as_the_web_terminal_sends_it() -> None:
    async def test(hand: Hand) -> None:
        hand.answers(orders_open=("s_orders/open", deal()))
        ack = await hand.trader.submit(hand.request(), OURS)
        assert ack.venue_order_id == "8d0f"
        (order,) = hand.line.data_of("orders/open")
        assert order == {
            "asset": "EURUSD_otc",
            "amount": 5,
            "time": 60,
            "action": "call",
            "isDemo": 1,
            "tournamentId": 0,
            "requestId": NUMBER,
            "optionType": 100,
        }
        (applied,) = hand.line.data_of("settings/apply")
        assert applied["asset"] == "EURUSD_otc"
        kinds = [type(event) for event in hand.events]
        assert kinds == [OrderReported, FillReported, PositionReported]
        assert hand.events[0].report.client_order_id == OURS
        assert hand.events[1].fill.position_id == hand.events[2].position.position_id == "8d0f"

    with_hand(test)


def test_a_buy_by_the_clock_names_its_end() -> None:
    async def test(hand: Hand) -> None:
        hand.answers(orders_open=("s_orders/open", deal(command=1)))
        terms = ContractTerms(ExpiryMode.CLOCK, 300, D(84), 1795174800 * NS)
        await hand.trader.submit(hand.request(side=Side.SELL, contract=terms), OURS)
        (order,) = hand.line.data_of("orders/open")
        assert (order["time"], order["optionType"], order["action"]) == (1795174800, 3, "put")

    with_hand(test)


def test_an_answer_goes_to_whom_it_names_and_silence_is_no_refusal() -> None:
    async def test(hand: Hand) -> None:
        other = "ffffffffff" + "0" * 22
        hand.answers(orders_open=("s_orders/open", deal(id="x", requestId=request_id_of(other))))
        with pytest.raises(OutcomeUnknown):
            await hand.trader.submit(hand.request(), OURS)
        assert len(hand.line.data_of("orders/open")) == 1, "never sent again"
        # It was taken after all: the list has it, by its number.
        hand.lists(opened=[deal()])
        report = await hand.trader.order_status(OrderRef(OTC.symbol, OURS, None))
        assert report is not None
        assert (report.state, report.venue_order_id) == (OrderState.FILLED, "8d0f")
        assert await hand.trader.order_status(OrderRef(OTC.symbol, "e" * 32, None)) is None

    with_hand(test)


def test_an_answer_that_was_lost_is_given_by_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trader, "ANSWER_S", 5.0)

    async def test(hand: Hand) -> None:
        async def lose() -> None:
            await eventually(lambda: hand.line.data_of("orders/open"), what="the buy")
            hand.lists(opened=[deal()])
            assert hand.trader.event_lost("s_orders/open")
            await hand.trader.look_for_answers()

        ack, _ = await asyncio.gather(hand.trader.submit(hand.request(), OURS), lose())
        assert ack.venue_order_id == "8d0f"
        assert hand.of(AccountStreamReset)
        assert not hand.trader.event_lost("quotes/stream")

    with_hand(test)


@pytest.mark.parametrize("number", [NUMBER, None])
def test_a_refusal_is_in_words(number: int | None) -> None:
    async def test(hand: Hand) -> None:
        hand.answers(orders_open=("f_orders/open", {"error": "expiration", "requestId": number}))
        with pytest.raises(RequestRejected) as caught:
            await hand.trader.submit(hand.request(), OURS)
        assert "does not take this expiry" in caught.value.user_text
        assert not hand.events

    with_hand(test)


def test_nothing_leaves_that_cannot_succeed() -> None:
    async def test(hand: Hand) -> None:
        closed = InstrumentId("quotex", "EUR/USD")
        unknown = InstrumentId("quotex", "NOSUCH")
        with pytest.raises(NotSent) as caught:
            await hand.trader.submit(hand.request(instrument=closed), OURS)
        assert "closed" in caught.value.user_text
        with pytest.raises(NotSent):
            await hand.trader.submit(hand.request(instrument=unknown), OURS)
        with pytest.raises(Unsupported):
            await hand.trader.submit(hand.request(order_type=OrderType.MARKET), OURS)
        hand.line.has_prices = False
        with pytest.raises(NotSent) as caught:
            await hand.trader.submit(hand.request(), OURS)
        assert "no prices" in caught.value.user_text
        hand.line.mode = "live"
        with pytest.raises(NotSent):
            await hand.trader.submit(hand.request(), OURS)
        assert not hand.line.sent

    with_hand(test)


def test_a_line_that_breaks_leaves_everything_open_to_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trader, "ANSWER_S", 5.0)
    monkeypatch.setattr(trader, "_LISTS_S", 5.0)

    async def test(hand: Hand) -> None:
        async def cut() -> None:
            await eventually(lambda: hand.line.data_of("account/change"), what="the question")
            await eventually(lambda: hand.line.data_of("orders/open"), what="the buy")
            hand.trader.lost()

        buying, asking, _ = await asyncio.gather(
            hand.trader.submit(hand.request(), OURS),
            hand.trader.order_status(OrderRef(OTC.symbol, "f" * 32, None)),
            cut(),
            return_exceptions=True,
        )
        assert isinstance(buying, OutcomeUnknown)
        assert isinstance(asking, VenueUnavailable)

    with_hand(test)


def test_the_result_comes_once_however_often_it_is_told() -> None:
    async def test(hand: Hand) -> None:
        hand.trader.on_event("s_orders/open", deal())
        over = deal(profit=D("-5"), closePrice=D("1.08340"))
        for _ in range(2):
            hand.trader.on_event("s_orders/close", {"profit": D("-5"), "deals": [over]})
            hand.trader.on_event("orders/closed/list", [over])
        results = [event.fill for event in hand.of(FillReported) if event.fill.realised is not None]
        assert [(fill.realised, fill.price, fill.fill_id) for fill in results] == [
            (D("-5"), D("1.08340"), "8d0f:end")
        ]
        assert [(e.position.quantity, e.reason) for e in hand.of(PositionReported)] == [(5, ""), (0, "lost")]

    with_hand(test)


@pytest.mark.parametrize(("profit", "word"), [("4.35", "won"), ("0", "tied"), ("-2.5", "lost")])
def test_how_it_ended_in_a_word(profit: str, word: str) -> None:
    async def test(hand: Hand) -> None:
        hand.trader.on_event("s_orders/close", {"deals": [deal(profit=D(profit), closePrice=D("1.1"))]})
        assert hand.of(OrderReported)[-1].report.reason == word

    with_hand(test)


@pytest.mark.parametrize("number", ["8d0f", 48_000_001])
def test_a_result_that_nobody_told_is_asked_for_also_beyond_the_list(number: str | int) -> None:
    async def test(hand: Hand) -> None:
        began = int(time.time()) - 120
        times = {"openTimestamp": began, "closeTimestamp": began + 60}
        hand.trader.on_event("s_orders/open", deal(id=number, **times))
        hand.lists()
        past = deal(**times, ticket=number, profitAmount="4.35")
        hand.line.pages[1] = [{**past, "profitAmount": "much"}]
        await hand.trader.look_after(time.time_ns())
        assert len(hand.trader.deals.running()) == 1
        hand.line.pages[1] = [{**past, "closePrice": "1.09"}]
        hand.trader._looked_ns = None
        await hand.trader.look_after(time.time_ns())
        (result,) = [event.fill for event in hand.of(FillReported) if event.fill.realised is not None]
        assert (result.realised, result.price) == (D("4.35"), D("1.09"))
        asked = len(hand.line.sent)
        await hand.trader.look_after(time.time_ns())
        assert len(hand.line.sent) == asked, "nothing is left to ask"

    with_hand(test)


def test_giving_back_ends_it_at_the_price_of_the_moment() -> None:
    async def test(hand: Hand) -> None:
        hand.trader.on_event("s_orders/open", deal())
        (position,) = [event.position for event in hand.of(PositionReported)]
        back = hand.request(side=Side.SELL, reduce_only=True, position_id="8d0f", contract=None)
        hand.answers(orders_cancel=("f_orders/cancel", {"ticket": "8d0f", "error": "not_available"}))
        with pytest.raises(RequestRejected) as caught:
            await hand.trader.submit(back, "a" * 32)
        assert "not_available" in caught.value.user_text
        hand.answers(orders_cancel=("s_orders/cancel", {"ticket": "8d0f", "profit": D("-1.2")}))
        assert (await hand.trader.submit(back, "b" * 32)).venue_order_id == "8d0f:end"
        report = hand.of(OrderReported)[-1].report
        assert (report.client_order_id, report.reason) == ("b" * 32, "sold back")
        fill = hand.of(FillReported)[-1].fill
        assert (fill.price, fill.realised) == (D("1.09"), D("-1.2"))
        assert position.contract is not None
        assert fill.ts_event_ns < position.contract.expires_ns
        with pytest.raises(RequestRejected) as caught:
            await hand.trader.submit(back, "c" * 32)
        assert "ended already" in caught.value.user_text

    with_hand(test)


def waiting(**terms: Any) -> dict[str, Any]:
    return {
        "ticket": "t1",
        "openType": 0,
        "asset": "EURUSD_otc",
        "openTime": "2026-11-20T12:00:00.000Z",
        "quote": None,
        "timeframe": 60,
        "command": "call",
        "amount": 5,
        **terms,
    }


def test_a_contract_that_waits_goes_out_in_the_shape_that_real_servers_take() -> None:
    async def test(hand: Hand) -> None:
        hand.answers(pending_create=("s_pending/create", {"pending": waiting()}))
        terms = ContractTerms(ExpiryMode.TIMED, 60, D(86), None, 1795176000 * NS)
        ack = await hand.trader.submit(hand.request(contract=terms), OURS)
        (asked,) = hand.line.data_of("pending/create")
        assert asked == {
            "openType": 0,
            "asset": "EURUSD_otc",
            "openTime": "2026-11-20T12:00:00.000Z",
            "timeframe": 60,
            "command": "call",
            "amount": 5,
        }
        assert ack.venue_order_id == "t1"
        # The announcement is no failure; then it opens under an id of its own.
        hand.trader.on_event("f_pending/opened", {"error": None, "ticket": "t1"})
        assert hand.of(OrderReported)[-1].report.state is OrderState.OPEN
        hand.trader.on_event("s_pending/opened", {"id": "8d0f", "ticket": "t1"})
        hand.trader.on_event("s_orders/open", deal(requestId=None))
        report = hand.of(OrderReported)[-1].report
        assert (report.state, report.venue_order_id, report.client_order_id) == (
            *(OrderState.FILLED, "t1", OURS),
        )

    with_hand(test)


def test_a_waiting_contract_ends_in_words() -> None:
    async def test(hand: Hand) -> None:
        for ticket in ("t1", "t2", "t3"):
            hand.trader.on_event("s_pending/create", {"pending": waiting(ticket=ticket)})
        hand.trader.on_event("f_pending/opened", {"error": 9, "ticket": "t1"})
        hand.answers(pending_cancel=("s_pending/cancel", {"ticket": "t2"}))
        await hand.trader.cancel(OrderRef(OTC.symbol, None, "t2"))
        # Gone elsewhere: the list does not have it any more.
        hand.lists()
        await hand.trader.order_status(OrderRef(OTC.symbol, None, "t3"))
        last = {each.report.venue_order_id: each.report for each in hand.of(OrderReported)}
        assert {key: report.state for key, report in last.items()} == {
            "t1": OrderState.REJECTED,
            "t2": OrderState.CANCELED,
            "t3": OrderState.CANCELED,
        }
        assert "could not open" in last["t1"].reason
        assert "does not list it" in last["t3"].reason
        with pytest.raises(RequestRejected):
            await hand.trader.cancel(OrderRef(OTC.symbol, None, "t2"))

    with_hand(test)


def test_an_unanswered_waiting_contract_is_known_by_what_it_is() -> None:
    async def test(hand: Hand) -> None:
        terms = ContractTerms(ExpiryMode.TIMED, 60, D(86), None, 1795176000 * NS)
        with pytest.raises(OutcomeUnknown):
            await hand.trader.submit(hand.request(contract=terms), OURS)
        ref = OrderRef(OTC.symbol, OURS, None, None, Side.BUY, D(5), time.time_ns())
        hand.lists(waiting=[waiting()])
        report = await hand.trader.order_status(ref)
        assert report is not None
        assert (report.venue_order_id, report.client_order_id) == ("t1", OURS)
        # Two alike: nobody can say which one is ours.
        other = Hand()
        other.lists(waiting=[waiting(), waiting(ticket="t2")])
        assert await other.trader.order_status(ref) is None

    with_hand(test)


def test_a_question_that_fails_is_not_the_answer_unknown() -> None:
    async def test(hand: Hand) -> None:
        with pytest.raises(VenueUnavailable) as caught:
            await hand.trader.order_status(OrderRef(OTC.symbol, OURS, None))
        assert "list of deals" in caught.value.user_text
        hand.line.is_ready = False
        for ask in (hand.trader.snapshot(0), hand.trader.order_status(OrderRef(OTC.symbol, OURS, None))):
            with pytest.raises(VenueError):
                await ask

    with_hand(test)


def test_a_snapshot_has_all_of_the_account() -> None:
    async def test(hand: Hand) -> None:
        over = deal(id="9e1a", requestId=5, profit=D("4.35"), closePrice=D("1.1"))
        hand.lists([deal()], [over], [waiting()])
        with pytest.raises(VenueUnavailable):
            await hand.trader.snapshot(0)
        hand.trader.on_balance(D("995.00"))
        found = await hand.trader.snapshot(0)
        assert [(each.asset, each.total) for each in found.balances] == [("USD", D(995))]
        assert [each.venue_order_id for each in found.open_orders] == ["t1"]
        assert {each.venue_order_id for each in found.recent_orders} == {"8d0f", "9e1a", "9e1a:end"}
        assert [each.position_id for each in found.positions] == ["8d0f"]
        assert hand.of(BalancesReported)

    with_hand(test)


def test_what_cannot_be_read_is_told_as_a_gap() -> None:
    async def test(hand: Hand) -> None:
        terms = ContractTerms(ExpiryMode.TIMED, 60, D(86))
        bad: list[tuple[str, Any]] = [
            ("s_orders/open", deal(asset="NOSUCH", requestId=hand.trader.deals.remember(OURS, terms))),
            ("s_orders/open", deal(asset=5)),
            ("s_orders/open", deal(openPrice="dear")),
            ("s_orders/open", deal(command=7)),
            ("s_orders/open", "text"),
            ("s_orders/close", {"deals": [deal(id="n", profit="NaN")]}),
            ("s_pending/create", {"pending": waiting(amount=None)}),
        ]
        for count, (name, data) in enumerate(bad, 1):
            hand.trader.on_event(name, data)
            assert len(hand.of(AccountStreamReset)) == count, (name, data)

    with_hand(test)


def test_a_deal_on_an_asset_that_is_not_listed_is_seen_all_the_same() -> None:
    async def test(hand: Hand) -> None:
        hand.trader.on_event("s_orders/open", deal(asset="OLDONE_otc", requestId=7))
        (position,) = [event.position for event in hand.of(PositionReported)]
        assert position.instrument == InstrumentId("quotex", "OLDONE_otc")
        made = hand.assets.by_wire("OLDONE_otc")
        assert made is not None
        assert (made.status, made.offer, made.price_decimals) == (MarketStatus.CLOSED, None, 5)
        assert hand.unlisted == [made]
        closed = deal(asset="OLDONE_otc", requestId=7, profit=D("-5"), closePrice=D("1.1"))
        hand.trader.on_event("s_orders/close", {"deals": [closed]})
        (result,) = [fill for event in hand.of(FillReported) if (fill := event.fill).realised is not None]
        assert result.realised == D("-5")
        assert not hand.of(AccountStreamReset)
        assert len(hand.unlisted) == 1

    with_hand(test)


def test_a_list_that_has_something_unreadable_is_not_asked_for_again_and_again() -> None:
    async def test(hand: Hand) -> None:
        hand.trader.on_balance(D("995.00"))
        hand.lists(closed=[deal(id="a", command=7), deal(id="b", profit=D("4.35"), closePrice=D("1.1"))])
        found = await hand.trader.snapshot(0)
        assert {each.venue_order_id for each in found.recent_orders} == {"b", "b:end"}
        assert not hand.of(AccountStreamReset)

    with_hand(test)


def test_the_older_word_of_an_end_is_taken_for_deals_that_are_known() -> None:
    async def test(hand: Hand) -> None:
        hand.trader.on_event("s_orders/open", deal())
        for odd in ({"id": "8d0f", "status": "open", "profit": 1}, {"id": "other", "status": "closed"}, "x"):
            hand.trader.on_event("order", odd)
        assert not [event for event in hand.of(FillReported) if event.fill.realised is not None]
        hand.trader.on_event("order", {"id": "8d0f", "status": "closed", "profit": D("4.35")})
        (result,) = [fill for event in hand.of(FillReported) if (fill := event.fill).realised is not None]
        assert (result.realised, result.price) == (D("4.35"), D("1.09"))
        # The newer word of the same end changes nothing any more.
        count = len(hand.events)
        hand.trader.on_event("s_orders/close", {"deals": [deal(profit=D("4.35"), closePrice=D("1.1"))]})
        assert len(hand.events) == count

    with_hand(test)
