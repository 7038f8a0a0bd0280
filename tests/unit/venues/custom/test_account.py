"""Orders, balances and what becomes of them, at a plugin that misbehaves."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.core import tasks
from terminal.domain.errors import (
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    Unsupported,
    VenueError,
    VenueUnavailable,
)
from terminal.domain.events import BalancesReported, FillReported, LinkState, OrderReported, WireFault
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderRef, OrderReport, OrderRequest, OrderState, OrderType, TimeInForce
from tests.helpers import eventually, run
from tests.unit.venues.custom.plugin import Answer, Desk, Plugin, desk

D = Decimal
ETH = InstrumentId("custom", "ETH/USDT")
LIMIT = OrderRequest(ETH, Side.BUY, OrderType.LIMIT, D("0.25"), limit_price=D("1005.10"))
SELL = OrderRequest(ETH, Side.SELL, OrderType.MARKET, D("0.1"))


def reports(found: Desk, order_id: str) -> list[OrderReport]:
    return [each.report for each in found.of(OrderReported) if each.report.venue_order_id == order_id]


async def until_state(found: Desk, order_id: str, state: OrderState) -> OrderReport:
    await eventually(
        lambda: [each for each in reports(found, order_id) if each.state is state], what=state.value
    )
    return reports(found, order_id)[-1]


def by_name(client_id: str, request: OrderRequest = LIMIT) -> OrderRef:
    return OrderRef(
        "ETH/USDT",
        client_id,
        None,
        side=request.side,
        quantity=request.quantity,
        created_ns=time.time_ns(),
    )


def test_an_order_from_its_sending_to_its_end() -> None:
    async def main() -> None:
        async with desk() as found:
            ack = await found.connector.submit(LIMIT, "ours")
            assert found.plugin.sent("trade") == [
                {"amount": "0.25", "price": "1005.10", "symbol": "ETH_USDT", "type": "buy"}
            ]
            first = await until_state(found, ack.venue_order_id, OrderState.OPEN)
            assert (first.client_order_id, first.order_type, first.limit_price) == (
                "ours",
                OrderType.LIMIT,
                D("1005.10"),
            )
            (row,) = found.plugin.orders
            found.plugin.fill(row, "0.1", "1004")
            await until_state(found, ack.venue_order_id, OrderState.PARTLY_FILLED)
            found.plugin.fill(row, "0.25", "1004.6")
            last = await until_state(found, ack.venue_order_id, OrderState.FILLED)
            assert (last.filled_quantity, last.average_price) == (D("0.25"), D("1004.6"))
            await eventually(lambda: len(found.of(FillReported)) == 2)
            fills = [event.fill for event in found.of(FillReported)]
            assert [(fill.quantity, fill.price, fill.fee) for fill in fills] == [
                (D("0.1"), D(1004), None),
                (D("0.15"), D(1005), None),
            ]
            asked = len(found.plugin.sent("order"))
            assert asked == 1, "an order that left the list is asked for once"
            polled = found.plugin.counts()["orders"]
            await eventually(lambda: found.plugin.counts()["orders"] > polled + 2)
            assert len(found.plugin.sent("order")) == asked

    run(main())


def test_canceling_is_a_yes_without_an_error_and_told_when_it_is_so() -> None:
    async def main() -> None:
        async with desk() as found:
            ack = await found.connector.submit(LIMIT, "ours")
            await until_state(found, ack.venue_order_id, OrderState.OPEN)
            cancel = found.plugin.answers["cancel"]
            found.plugin.answers["cancel"] = lambda params: False
            await found.connector.cancel(OrderRef("ETH/USDT", "ours", None))
            assert reports(found, ack.venue_order_id)[-1].state is OrderState.OPEN
            found.plugin.answers["cancel"] = cancel
            await found.connector.cancel(OrderRef("ETH/USDT", None, ack.venue_order_id))
            await until_state(found, ack.venue_order_id, OrderState.CANCELED)
            with pytest.raises(RequestRejected) as caught:
                await found.connector.cancel(OrderRef("ETH/USDT", None, ack.venue_order_id))
            assert "ended already" in caught.value.user_text
            with pytest.raises(NotSent):
                await found.connector.cancel(OrderRef("ETH/USDT", "never heard of", None))
            assert len(found.plugin.sent("cancel")) == 3

    run(main())


@pytest.mark.parametrize("fault", ["drop", "drop-after", "cut", "html", "error: URL error: timed out"])
def test_an_unanswered_cancel_is_in_doubt_and_sent_once(fault: str) -> None:
    async def main() -> None:
        async with desk() as found:
            ack = await found.connector.submit(LIMIT, "ours")
            found.plugin.fail("cancel", fault)
            with pytest.raises(OutcomeUnknown):
                await found.connector.cancel(OrderRef("ETH/USDT", "ours", ack.venue_order_id))
            assert len(found.plugin.sent("cancel")) == 1
            report = await found.connector.order_status(OrderRef("ETH/USDT", "ours", ack.venue_order_id))
            assert report is not None
            arrived = found.plugin.orders[0]["status"] == "canceled"
            assert (report.state is OrderState.CANCELED) == arrived

    run(main())


@pytest.mark.parametrize("fault", ["drop-after", "cut", "slow-after"])
@pytest.mark.parametrize("filled", [False, True], ids=["it rests", "it filled at once"])
def test_an_order_that_arrived_unanswered_is_found_by_what_was_sent(fault: str, filled: bool) -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.place(price="1005.10", amount="0.25", status="filled", deal_amount="0.25", avg_price="1005")
        trade = plugin.answers["trade"]

        def place(params: dict[str, object]) -> object:
            answer = trade(params)
            if filled:
                plugin.fill(plugin.orders[-1], "0.25", "1004.5")
            return answer

        plugin.answers["trade"] = place
        async with desk(plugin, order_deadline_s="0.3" if fault == "slow-after" else "10") as found:
            # Somebody else's, and the same in all terms: it was there before.
            plugin.place(price="1005.10", amount="0.25")
            plugin.fail("trade", fault)
            with pytest.raises(OutcomeUnknown):
                await found.connector.submit(LIMIT, "ours")
            report = await found.connector.order_status(by_name("ours"))
            assert report is not None
            assert report.venue_order_id == plugin.orders[-1]["id"]
            assert report.client_order_id == "ours"
            assert report.state is (OrderState.FILLED if filled else OrderState.OPEN)
            assert len(found.of(FillReported)) == filled
            assert len(plugin.sent("trade")) == 1
            snapshot = await found.connector.snapshot(time.time_ns() - 60 * 10**9)
            named = [
                each.venue_order_id
                for each in (*snapshot.open_orders, *snapshot.recent_orders)
                if each.client_order_id == "ours"
            ]
            assert named == [report.venue_order_id]

    run(main())


@pytest.mark.parametrize("fault", ["drop", "html", "error: HTTP error: 502"])
def test_an_order_that_never_arrived_is_not_found_and_never_sent_again(fault: str) -> None:
    async def main() -> None:
        plugin = Plugin()
        trade = plugin.answers["trade"]
        async with desk(plugin) as found:
            plugin.place(price="1005.10", amount="0.25")
            if fault == "html":
                plugin.answers["trade"] = lambda params: {}
            plugin.fail("trade", fault)
            with pytest.raises(OutcomeUnknown):
                await found.connector.submit(LIMIT, "ours")
            for _ in range(3):
                assert await found.connector.order_status(by_name("ours")) is None
            assert len(plugin.sent("trade")) == 1
            plugin.answers["trade"] = trade
            # Two that look like it: nobody can tell.
            plugin.place(price="1005.10", amount="0.25")
            plugin.place(price="1005.10", amount="0.25")
            with pytest.raises(VenueUnavailable) as caught:
                await found.connector.order_status(by_name("ours"))
            assert "look like this one" in caught.value.user_text

    run(main())


def test_after_a_restart_what_looks_like_it_is_not_claimed() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with desk(plugin) as found:
            assert await found.connector.order_status(by_name("of the last run")) is None
            plugin.place(
                price="1005.10", amount="0.25", status="filled", deal_amount="0.25", avg_price="1005"
            )
            with pytest.raises(VenueUnavailable):
                await found.connector.order_status(by_name("of the last run"))
            snapshot = await found.connector.snapshot(0)
            assert [each.client_order_id for each in snapshot.recent_orders] == [None]

    run(main())


def test_without_a_list_of_ended_orders_nothing_is_concluded_from_an_empty_one() -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.always("historyorders", "not support")
        async with desk(plugin) as found:
            plugin.fail("trade", "drop")
            with pytest.raises(OutcomeUnknown):
                await found.connector.submit(LIMIT, "ours")
            with pytest.raises(VenueUnavailable) as caught:
                await found.connector.order_status(by_name("ours"))
            assert "does not list ended orders" in caught.value.user_text

    run(main())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"code":"51008","msg":"Insufficient USDT balance"}', "Not enough free balance"),
        ("invalid symbol", "does not know this symbol"),
        ("price precision error", "price steps"),
        ("not support", "does not offer"),
    ],
)
def test_a_plain_no_is_told_in_the_venues_words(text: str, word: str) -> None:
    async def main() -> None:
        async with desk() as found:
            found.plugin.always("trade", text)
            with pytest.raises(RequestRejected) as caught:
                await found.connector.submit(LIMIT, "ours")
            assert word in caught.value.user_text
            assert caught.value.code
            assert caught.value.venue_text in text
            assert await found.connector.order_status(by_name("ours")) is None

    run(main())


@pytest.mark.parametrize("lists", ["orders", "historyorders"])
def test_an_order_is_not_sent_while_the_lists_cannot_be_read(lists: str) -> None:
    async def main() -> None:
        async with desk() as found:
            found.plugin.fail(lists, *["drop"] * 50)
            with pytest.raises(NotSent) as caught:
                await found.connector.submit(LIMIT, "ours")
            assert caught.value.user_text.startswith("Not sent:")
            assert found.plugin.sent("trade") == []
            found.plugin.faults.clear()

    run(main())


@pytest.mark.parametrize(
    "request_",
    [
        replace(LIMIT, order_type=OrderType.STOP, trigger_price=D(1), limit_price=None),
        replace(LIMIT, time_in_force=TimeInForce.IOC),
        replace(LIMIT, post_only=True),
        replace(SELL, side=Side.BUY),
        replace(SELL, instrument=InstrumentId("custom", "NOSUCH/USD")),
    ],
    ids=["stop", "ioc", "post-only", "market buy", "unknown symbol"],
)
def test_what_the_protocol_cannot_say_is_refused_before_anything_leaves(request_: OrderRequest) -> None:
    async def main() -> None:
        async with desk() as found:
            with pytest.raises(Unsupported) as caught:
                await found.connector.submit(request_, "ours")
            assert caught.value.user_text
            assert found.plugin.sent("trade") == []

    run(main())


def test_market_orders_have_the_price_minus_one() -> None:
    async def main() -> None:
        async with desk(market_buy_in_base="yes") as found:
            ack = await found.connector.submit(SELL, "sale")
            await found.connector.submit(replace(SELL, side=Side.BUY), "buy")
            assert [(row["price"], row["type"]) for row in found.plugin.sent("trade")] == [
                ("-1", "sell"),
                ("-1", "buy"),
            ]
            report = await until_state(found, ack.venue_order_id, OrderState.OPEN)
            assert (report.order_type, report.limit_price) == (OrderType.MARKET, None)

    run(main())


def test_quirks_of_the_reference_plugin_change_nothing() -> None:
    async def main() -> None:
        plugin = Plugin()

        def odd(row: dict[str, object]) -> dict[str, object]:
            out = {key: str(value) if key != "id" else value for key, value in row.items() if key != "status"}
            return {**out, "symbol": str(row["symbol"]).replace("_", "-").lower(), "state": row["status"]}

        def all_odd(whole: Answer) -> Answer:
            return lambda params: [odd(row) for row in reversed(whole(params))]

        for name in ("orders", "historyorders"):
            plugin.answers[name] = all_odd(plugin.answers[name])
        one = plugin.answers["order"]
        plugin.answers["order"] = lambda params: odd(one(params))
        async with desk(plugin) as found:
            ack = await found.connector.submit(LIMIT, "ours")
            await until_state(found, ack.venue_order_id, OrderState.OPEN)
            plugin.fill(plugin.orders[0], "0.25", "1004")
            report = await until_state(found, ack.venue_order_id, OrderState.FILLED)
            assert report.instrument == ETH
            assert not found.of(WireFault)

    run(main())


def test_an_order_that_vanishes_without_a_word_is_in_doubt_not_canceled() -> None:
    async def main() -> None:
        async with desk() as found:
            ack = await found.connector.submit(LIMIT, "ours")
            await until_state(found, ack.venue_order_id, OrderState.OPEN)
            gone = found.plugin.orders.pop()
            report = await until_state(found, ack.venue_order_id, OrderState.IN_DOUBT)
            assert "does not say what became of it" in report.reason
            assert await found.connector.order_status(OrderRef("ETH/USDT", None, ack.venue_order_id)) is None
            found.plugin.orders.append({**gone, "status": "canceled"})
            await until_state(found, ack.venue_order_id, OrderState.CANCELED)

    run(main())


def test_a_question_that_fails_is_no_answer() -> None:
    async def main() -> None:
        async with desk() as found:
            ack = await found.connector.submit(LIMIT, "ours")
            ref = OrderRef("ETH/USDT", None, ack.venue_order_id)
            for fault in ("drop", "error: URL error: down", "error: something else entirely"):
                found.plugin.fail("order", fault)
                with pytest.raises(VenueError) as caught:
                    await found.connector.order_status(ref)
                assert isinstance(caught.value, VenueUnavailable)
            assert await found.connector.order_status(ref)

    run(main())


def test_a_state_that_is_not_the_protocols_is_shown_as_doubt() -> None:
    async def main() -> None:
        async with desk() as found:
            ack = await found.connector.submit(LIMIT, "ours")
            await until_state(found, ack.venue_order_id, OrderState.OPEN)
            found.plugin.orders[0]["status"] = "expired"
            report = await until_state(found, ack.venue_order_id, OrderState.IN_DOUBT)
            assert "'expired'" in report.reason

    run(main())


def test_an_unreadable_row_is_counted_and_its_order_is_still_there() -> None:
    async def main() -> None:
        async with desk() as found:
            ack = await found.connector.submit(LIMIT, "ours")
            await until_state(found, ack.venue_order_id, OrderState.OPEN)
            found.plugin.orders[0]["amount"] = "much"
            await eventually(lambda: found.of(WireFault))
            polled = found.plugin.counts()["orders"]
            await eventually(lambda: found.plugin.counts()["orders"] > polled + 2)
            assert reports(found, ack.venue_order_id)[-1].state is OrderState.OPEN
            assert found.plugin.sent("order") == []

    run(main())


def test_balances_are_whole_and_follow() -> None:
    async def main() -> None:
        async with desk() as found:
            (first, *_) = found.of(BalancesReported)
            assert first.is_snapshot
            assert {each.asset: (each.total, each.held) for each in first.balances} == {
                "USDT": (D(3000), D(0)),
                "ETH": (D("0.30"), D("0.05")),
            }
            found.plugin.balances[0]["frozen"] = "12.5"
            await eventually(lambda: found.of(BalancesReported)[-1].balances[0].held == D("12.5"))

    run(main())


def test_assets_stand_in_for_accounts() -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.answers["assets"] = plugin.answers.pop("accounts")
        async with desk(plugin) as found:
            assert found.of(BalancesReported)

    run(main())


def test_an_account_that_cannot_be_read_closes_and_opens_again() -> None:
    async def main() -> None:
        async with desk() as found:
            found.plugin.fail("accounts", *["error: URL error: down"] * 2)
            await eventually(lambda: found.links["private"] is LinkState.RECONNECTING)
            await found.until_live()

    run(main())


def test_orders_placed_elsewhere_are_seen_and_all_are_canceled() -> None:
    async def main() -> None:
        async with desk() as found:
            ours = await found.connector.submit(LIMIT, "ours")
            theirs = found.plugin.place(symbol="BTC_USDT", price="60000", amount="1", type="sell")
            report = await until_state(found, theirs["id"], OrderState.OPEN)
            assert (report.client_order_id, report.instrument.symbol) == (None, "BTC/USDT")
            assert await found.connector.cancel_all() == 2
            for order_id in (ours.venue_order_id, theirs["id"]):
                await until_state(found, order_id, OrderState.CANCELED)
            assert await found.connector.cancel_all() == 0

    run(main())


def test_several_cancels_are_all_made_and_the_first_failure_is_told() -> None:
    async def main() -> None:
        async with desk() as found:
            ids = [(await found.connector.submit(LIMIT, f"ours {n}")).venue_order_id for n in range(3)]
            found.plugin.fail("cancel", "error: order has ended already")
            with pytest.raises(RequestRejected):
                await found.connector.cancel_many([OrderRef("ETH/USDT", None, each) for each in ids])
            assert len(found.plugin.sent("cancel")) == 3
            for order_id in ids[1:]:
                await until_state(found, order_id, OrderState.CANCELED)

    run(main())


def test_an_order_goes_past_a_poll_that_hangs() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with desk(plugin, read_deadline_s="60") as found:
            plugin.fail("accounts", "slow")
            await eventually(lambda: not plugin.faults["accounts"])
            async with asyncio.timeout(30):
                ack = await found.connector.submit(LIMIT, "ours")
                plugin.fail("accounts", "slow")
                await eventually(lambda: not plugin.faults["accounts"])
                await found.connector.cancel(OrderRef("ETH/USDT", None, ack.venue_order_id))
            assert len(plugin.sent("trade")) == len(plugin.sent("cancel")) == 1
            assert plugin.orders[0]["status"] == "canceled"

    run(main())


def test_an_order_waits_for_slow_lists_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("terminal.venues.custom.connector._LISTS_TIMEOUT_S", 0.2)

    async def main() -> None:
        async with desk(read_deadline_s="60") as found:
            found.plugin.fail("historyorders", "slow")
            with pytest.raises(NotSent) as caught:
                await found.connector.submit(LIMIT, "ours")
            assert "too slow" in caught.value.user_text
            assert found.plugin.sent("trade") == []

    run(main())


def test_an_order_that_is_given_up_on_while_it_is_away_is_looked_for_too() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with desk(plugin) as found:
            plugin.fail("trade", "slow-after")
            sending = tasks.spawn(found.connector.submit(LIMIT, "ours"), name="submit")
            await eventually(lambda: plugin.orders)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            plugin.release.set()
            report = await found.connector.order_status(by_name("ours"))
            assert report is not None
            assert report.client_order_id == "ours"

    run(main())


def test_a_name_that_was_there_before_is_not_believed() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with desk(plugin) as found:
            old = plugin.place(price="1", amount="9")
            plugin.answers["trade"] = lambda params: {"id": old["id"]}
            with pytest.raises(OutcomeUnknown):
                await found.connector.submit(LIMIT, "ours")
            assert await found.connector.order_status(by_name("ours")) is None

    run(main())


def test_an_order_in_a_symbol_that_is_not_listed_any_more_is_found_and_canceled() -> None:
    async def main() -> None:
        async with desk(symbols="BTC_USDT") as found:
            row = found.plugin.place(price="1", amount="9")
            ref = OrderRef("ETH/USDT", "of the last run", row["id"])
            report = await found.connector.order_status(ref)
            assert report is not None
            assert (report.state, report.instrument) == (OrderState.OPEN, ETH)
            await found.connector.cancel(ref)
            await until_state(found, row["id"], OrderState.CANCELED)

    run(main())


@pytest.mark.parametrize("seed", range(3))
def test_whatever_goes_wrong_nothing_is_sent_twice_and_nothing_is_lost(seed: int) -> None:
    rng = random.Random(seed)
    silences = ["drop", "cut", "html", "error: URL error: down", "error: list index out of range"]

    async def main() -> None:
        plugin, doubtful, placed = Plugin(), list[int](), dict[int, str]()
        async with desk(plugin, calls_per_s="100000") as found:
            for number in range(25):
                for method in ("orders", "historyorders", "order", "accounts", "ticker"):
                    if rng.random() < 0.2:
                        plugin.fail(method, rng.choice(silences))
                if rng.random() < 0.6:
                    plugin.fail(
                        "trade", rng.choice([*silences, "drop-after", "drop-after", "error: no funds"])
                    )
                request = replace(LIMIT, limit_price=D(900 + number))
                try:
                    placed[number] = (await found.connector.submit(request, f"order {number}")).venue_order_id
                except OutcomeUnknown:
                    doubtful.append(number)
                except (NotSent, RequestRejected):
                    assert not [row for row in plugin.orders if D(str(row["price"])) == 900 + number]
                if plugin.orders and rng.random() < 0.3:
                    plugin.fill(plugin.orders[-1], "0.25", "890")
            plugin.faults.clear()
            there = {int(D(str(row["price"]))) - 900: row["id"] for row in plugin.orders}
            prices = [row["price"] for row in plugin.sent("trade")]
            assert len(set(prices)) == len(prices), "sent twice"
            for number in doubtful:
                request = replace(LIMIT, limit_price=D(900 + number))
                report = await found.connector.order_status(by_name(f"order {number}", request))
                assert (report.venue_order_id if report else None) == there.get(number)
                if report is not None:
                    placed[number] = report.venue_order_id
            assert placed == there
            snapshot = await found.connector.snapshot(0)
            whole = {each.client_order_id: each for each in (*snapshot.open_orders, *snapshot.recent_orders)}
            assert set(whole) == {f"order {number}" for number in there}
            filled = {row["id"] for row in plugin.orders if row["status"] == "filled"}
            assert {fill.venue_order_id for fill in snapshot.fills} == filled
            assert len({fill.fill_id for fill in snapshot.fills}) == len(snapshot.fills) == len(filled)
            assert sum(fill.quantity for fill in snapshot.fills) == D("0.25") * len(filled)

    run(main())


def test_the_keys_are_tried_without_changing_anything() -> None:
    async def main() -> None:
        async with desk() as found:
            found.plugin.calls.clear()
            report = await found.connector.test_credentials()
            assert report.can_trade
            assert report.permissions == dict.fromkeys(
                ("Query funds", "Query open orders", "Query ended orders"), True
            )
            assert report.unknown == ("Create and change orders", "Cancel orders", "Withdraw funds")
            assert report.label == "…77d1"
            assert "first order" in report.warnings[0]
            assert "withdrawals" in report.warnings[1]
            assert set(found.plugin.counts()) <= {"accounts", "orders", "historyorders"}
            # What the plugin cannot do is known, and so is what follows from it.
            found.plugin.fail("historyorders", "error: not support")
            report = await found.connector.test_credentials()
            assert report.can_trade
            assert not report.permissions["Query ended orders"]
            assert "ended orders" in report.warnings[0]
            found.plugin.always("orders", "not support")
            report = await found.connector.test_credentials()
            assert not report.can_trade
            assert report.unknown == ("Cancel orders", "Withdraw funds")
            assert "cannot be followed" in report.warnings[0]

    run(main())
