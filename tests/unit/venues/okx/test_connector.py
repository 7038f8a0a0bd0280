"""The connector with a key, on a small OKX over real sockets: trading, lost answers, reconnects, fills."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.account import Balance
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    Unsupported,
)
from terminal.domain.events import (
    AccountStreamReset,
    BalancesReported,
    FeedConfirmed,
    FillReported,
    LinkState,
    OrderReported,
    PositionReported,
    WireFault,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import (
    AmendRequest,
    OrderRef,
    OrderRequest,
    OrderState,
    OrderType,
    Protection,
)
from terminal.venues.base import (
    Amends,
    Connector,
    HasDeadMansSwitch,
    HasHistory,
    Reconnects,
    SubmitAck,
    SubmitsBatches,
    TradesOrders,
    TradesPositions,
)
from tests.helpers import eventually, run
from tests.unit.venues.okx.fakes import Call, FakeHttp, Venue, desk, order_row, orders, taken

D = Decimal
SPOT = InstrumentId("okx", "BTC/USDT")
PERP = InstrumentId("okx", "BTC/USDT-PERP")
LIMIT = OrderRequest(SPOT, Side.BUY, OrderType.LIMIT, D("0.01"), limit_price=D("30000.1"))
POSITION: dict[str, Any] = {
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "posId": "31",
    "posSide": "net",
    "mgnMode": "cross",
    "pos": "40",
    "avgPx": "60000",
    "upl": "1.5",
    "imr": "24",
    "ccy": "USDT",
    "uTime": "1790000000000",
}


def positions(*rows: dict[str, Any], kind: str = "event_update") -> dict[str, Any]:
    return {"arg": {"channel": "positions", "instType": "ANY"}, "eventType": kind, "data": list(rows)}


def test_it_can_do_what_it_says() -> None:
    async def main() -> None:
        async with desk() as found:
            for protocol in (
                *(Connector, TradesOrders, Amends, SubmitsBatches, TradesPositions),
                *(HasDeadMansSwitch, HasHistory, Reconnects),
            ):
                assert isinstance(found.connector, protocol), protocol
            assert found.venue.channels("private") == ["orders", "account", "positions"]
            await eventually(lambda: "orders-algo" in found.venue.channels("business"), what="stop orders")
            assert found.connector.health().clock_offset_ms is not None

    run(main())


def test_an_order_goes_over_the_socket_by_the_instruments_number() -> None:
    async def main() -> None:
        async with desk() as found:
            found.venue.answers["order"] = taken("777")
            ack = await found.connector.submit(LIMIT, "abc1")
            assert ack == SubmitAck("777")
            (request,) = found.venue.asked("private", "order")
            assert request["args"] == [
                {
                    "instIdCode": 1000000000,
                    "tdMode": "cash",
                    "side": "buy",
                    "clOrdId": "abc1",
                    "ordType": "limit",
                    "px": "30000.1",
                    "sz": "0.01",
                }
            ]
            assert not found.http.named("order")
            names = [budget.name for budget in found.connector.budgets()]
            assert "BTC/USDT orders" in names
            with pytest.raises(NotSent):
                await found.connector.submit(LIMIT, "with-hyphens")

    run(main())


def test_a_fill_is_told_once_and_the_order_follows() -> None:
    async def main() -> None:
        async with desk() as found:
            filled = order_row(
                state="filled",
                accFillSz="0.01",
                avgPx="30000",
                fillPx="30000",
                fillSz="0.01",
                tradeId="242589207",
                fillTime="1790000000500",
                execType="T",
                fillFee="-0.00001",
                fillFeeCcy="BTC",
                uTime="1790000000600",
            )
            await found.venue.push("private", orders(order_row()))
            await found.venue.push("private", orders(filled))
            await found.venue.push("private", orders(filled))
            # Overtaken on its way: it must not take the fill back.
            await found.venue.push("private", orders(order_row(uTime="1790000000100")))
            await found.venue.push("private", orders(order_row(ordId="778", clOrdId="abc2")))
            await eventually(
                lambda: any(e.report.venue_order_id == "778" for e in found.events.of(OrderReported)),
                what="the last order",
            )
            (fill,) = [event.fill for event in found.events.of(FillReported)]
            assert (fill.price, fill.quantity, fill.fee, fill.fee_asset, fill.is_maker) == (
                *(D(30000), D("0.01"), D("0.00001"), "BTC", False),
            )
            states = [
                event.report.state
                for event in found.events.of(OrderReported)
                if event.report.venue_order_id == "777"
            ]
            assert states == [OrderState.OPEN, OrderState.FILLED]

    run(main())


def test_a_market_order_that_ends_without_a_fill_of_its_own() -> None:
    async def main() -> None:
        async with desk() as found:
            ended = order_row(
                ordType="market",
                px="",
                tgtCcy="quote_ccy",
                sz="100",
                state="filled",
                accFillSz="0.002",
                avgPx="50000",
            )
            await found.venue.push("private", orders(ended))
            await eventually(lambda: found.events.of(OrderReported), what="the report")
            report = found.events.of(OrderReported)[0].report
            assert (report.state, report.quantity, report.order_type) == (
                *(OrderState.FILLED, D("0.002"), OrderType.MARKET),
            )
            assert not found.events.of(FillReported)

    run(main())


def test_a_state_that_nobody_knows_puts_the_order_in_doubt() -> None:
    async def main() -> None:
        async with desk() as found:
            await found.venue.push("private", orders(order_row(state="sleeping")))
            await eventually(lambda: found.events.of(OrderReported), what="the report")
            assert found.events.of(OrderReported)[0].report.state is OrderState.IN_DOUBT
            assert found.events.of(WireFault)
            await found.venue.push("private", '{"arg":{"channel":"orders"},"data":[{"instId":5}]}')
            await eventually(lambda: found.events.of(AccountStreamReset), what="the reset")

    run(main())


def test_no_answer_and_a_lost_link_mean_that_nobody_knows() -> None:
    async def main() -> None:
        async with desk(order_deadline_s="0.2") as found:
            with pytest.raises(OutcomeUnknown) as caught:
                await found.connector.submit(LIMIT, "abc1")
            assert caught.value.code == "timeout"

            def cut(args: list[dict[str, Any]]) -> None:
                found.venue.sockets["private"][-1].transport.abort()

            found.venue.answers["order"] = cut
            with pytest.raises(OutcomeUnknown) as caught:
                await found.connector.submit(LIMIT, "abc2")
            assert caught.value.code == "link"
            assert len(found.venue.asked("private", "order")) == 2
            assert not found.http.named("order"), "never again by another way"

    run(main())


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"sCode": "51008", "sMsg": "Insufficient USDT balance", "subCode": "1000"}, RequestRejected),
        ({"sCode": "51149", "sMsg": "Order timed out"}, OutcomeUnknown),
        ({"sCode": "", "sMsg": ""}, OutcomeUnknown),
        (("60013", "Invalid args"), RequestRejected),
        (("64007", "Operation failed"), OutcomeUnknown),
        ((), OutcomeUnknown),
    ],
)
def test_both_levels_of_an_answer_count(row: Any, kind: type[Exception]) -> None:
    async def main() -> None:
        async with desk() as found:
            if row == ():
                found.venue.answers["order"] = lambda args: []
            else:
                found.venue.answers["order"] = lambda args: row if isinstance(row, tuple) else [row]
            with pytest.raises(kind):
                await found.connector.submit(LIMIT, "abc1")

    run(main())


def test_rest_takes_over_only_before_anything_was_sent() -> None:
    async def main() -> None:
        venue = Venue(login={"event": "error", "code": "63999", "msg": "Internal login error"})
        async with desk(venue=venue, wait=False) as found:
            found.http.replies["/api/v5/trade/order"] = lambda call: taken("900")([call.body])
            assert await found.connector.submit(LIMIT, "abc1") == SubmitAck("900")
            (call,) = found.http.named("order")
            assert (call.method, call.body["instId"], call.body["px"]) == ("POST", "BTC-USDT", "30000.1")
            assert call.headers["OK-ACCESS-KEY"] == "a-public-key-wxyz"
            assert not venue.asked("private", "order")
            found.http.replies["/api/v5/trade/order"] = ("50004", "timeout")
            with pytest.raises(OutcomeUnknown):
                await found.connector.submit(LIMIT, "abc2")
            assert len(found.http.named("order")) == 2

    run(main())


def test_a_clock_that_is_off_is_measured_and_the_request_signed_once_more() -> None:
    async def main() -> None:
        async with desk() as found:
            answers: list[Any] = [("50102", "Timestamp request expired"), []]
            found.http.replies["/api/v5/trade/cancel-all-after"] = lambda call: answers.pop(0)
            before = len(found.http.named("time"))
            await found.connector.cancel_after(3)
            calls = found.http.named("cancel-all-after")
            assert [call.body for call in calls] == [{"timeOut": "10"}] * 2
            assert len(found.http.named("time")) == before + 1
            found.http.replies["/api/v5/trade/cancel-all-after"] = ("50102", "Timestamp request expired")
            with pytest.raises(AuthRejected) as caught:
                await found.connector.cancel_after(0)
            assert caught.value.repair == "set_clock"
            assert len(found.http.named("cancel-all-after")) == 4

    run(main())


def test_a_batch_gives_each_order_its_own_result() -> None:
    async def main() -> None:
        async with desk() as found:

            def answer(args: list[dict[str, Any]]) -> list[dict[str, Any]]:
                rows = taken("1")(args)
                for number, row in enumerate(rows):
                    row["ordId"] = str(100 + number)
                rows[1] = {"sCode": "51008", "sMsg": "no money", "ordId": ""}
                rows[2] = {"sCode": "51054", "sMsg": "timed out", "ordId": ""}
                return rows

            found.venue.answers["batch-orders"] = answer
            results = await found.connector.submit_batch([(LIMIT, f"id{n}") for n in range(4)])
            assert results[0] == SubmitAck("100")
            assert isinstance(results[1], RequestRejected)
            assert isinstance(results[2], OutcomeUnknown)
            assert results[3] == SubmitAck("103")
            found.venue.answers["batch-orders"] = lambda args: taken("1")(args)[:1]
            with pytest.raises(OutcomeUnknown):
                await found.connector.submit_batch([(LIMIT, "id8"), (LIMIT, "id9")])
            with pytest.raises(Unsupported):
                await found.connector.submit_batch([(LIMIT, f"id{n}") for n in range(21)])

    run(main())


def test_canceling_amending_and_canceling_everything() -> None:
    async def main() -> None:
        async with desk() as found:
            found.venue.answers["cancel-order"] = taken()
            found.venue.answers["amend-order"] = taken()
            await found.connector.cancel(OrderRef("BTC/USDT", "abc1", None))
            assert found.venue.asked("private", "cancel-order")[-1]["args"] == [
                {"instIdCode": 1000000000, "clOrdId": "abc1"}
            ]
            await found.connector.amend(
                OrderRef("BTC/USDT", "abc1", "777"), AmendRequest(quantity=D("0.02"), limit_price=D("29000"))
            )
            assert found.venue.asked("private", "amend-order")[-1]["args"] == [
                {"instIdCode": 1000000000, "ordId": "777", "newSz": "0.02", "newPx": "29000"}
            ]
            # Under way already is what was wanted; gone is a plain no.
            found.venue.answers["cancel-order"] = lambda args: [{"sCode": "51410", "sMsg": "canceling"}]
            await found.connector.cancel(OrderRef("BTC/USDT", None, "777"))
            found.venue.answers["cancel-order"] = lambda args: [{"sCode": "51400", "sMsg": "gone"}]
            with pytest.raises(RequestRejected):
                await found.connector.cancel(OrderRef("BTC/USDT", None, "777"))
            # Two pages of open orders, canceled twenty a call.
            pages = [
                [order_row(ordId=str(5000 - n)) for n in range(100)],
                [order_row(ordId=str(4900 - n)) for n in range(7)],
            ]
            found.http.replies["/api/v5/trade/orders-pending"] = lambda call: pages[
                0 if "after" not in call.query else 1
            ]
            found.venue.answers["batch-cancel-orders"] = taken()
            assert await found.connector.cancel_all() == 107
            sizes = [len(request["args"]) for request in found.venue.asked("private", "batch-cancel-orders")]
            assert sizes == [20, 20, 20, 20, 20, 7]
            assert found.http.named("orders-pending")[-1].query["after"] == "4901"

    run(main())


def test_after_a_reconnect_it_signs_in_and_subscribes_again() -> None:
    async def main() -> None:
        async with desk() as found:
            await found.venue.cut("private")
            await eventually(lambda: len(found.venue.sockets["private"]) == 2, what="a new connection")
            await eventually(lambda: len(found.venue.channels("private")) == 6, what="the channels")
            await eventually(lambda: found.last_link("private") is LinkState.LIVE, what="live")
            assert len(found.venue.asked("private", "login")) == 2
            found.venue.answers["order"] = taken("778")
            assert (await found.connector.submit(LIMIT, "abc9")).venue_order_id == "778"
            assert found.connector.health().reconnects == 1

    run(main())


def test_an_upgrade_opens_the_new_connection_first() -> None:
    async def main() -> None:
        async with desk() as found:
            found.venue.answers["order"] = taken("779")
            await found.venue.push(
                "private", {"event": "notice", "code": "64008", "msg": "soon", "connId": "a"}
            )
            await eventually(lambda: len(found.venue.channels("private")) == 6, what="the channels again")
            old = found.venue.sockets["private"][0]
            await eventually(lambda: old.close_code is not None, what="the end of the old one")
            assert found.connector.health().reconnects == 0
            await eventually(
                lambda: found.connector._private is not None and found.connector._private.ready,
                what="the new session",
            )
            assert (await found.connector.submit(LIMIT, "abc9")).venue_order_id == "779"

    run(main())


def test_a_refused_key_waits_for_a_person() -> None:
    async def main() -> None:
        venue = Venue(login={"event": "error", "code": "60024", "msg": "Wrong passphrase"})
        async with desk(venue=venue, wait=False) as found:
            await eventually(lambda: found.last_link("private") is LinkState.FAILED, what="giving up")
            # Bars are public, and go on.
            feed = Feed(FeedKind.BARS, "BTC/USDT", interval_s=60)
            await found.connector.subscribe(feed)
            await eventually(lambda: found.events.of(FeedConfirmed), what="the bars")
            assert len(venue.asked("private", "login")) == 1

    run(main())


def test_balances_come_whole_and_then_in_parts() -> None:
    async def main() -> None:
        async with desk() as found:
            for page, last in ((1, False), (2, True)):
                details = [{"ccy": f"C{page}", "cashBal": "10", "availBal": "7"}]
                await found.venue.push(
                    "private",
                    {
                        "arg": {"channel": "account"},
                        "eventType": "snapshot",
                        "curPage": page,
                        "lastPage": last,
                        "data": [{"details": details}],
                    },
                )
            await found.venue.push(
                "private",
                {
                    "arg": {"channel": "account"},
                    "eventType": "event_update",
                    "data": [{"details": [{"ccy": "C1", "cashBal": "0", "availBal": "0"}]}],
                },
            )
            await eventually(lambda: len(found.events.of(BalancesReported)) == 2, what="both")
            whole, part = found.events.of(BalancesReported)
            assert whole == BalancesReported(
                (Balance("C1", D(10), D(3)), Balance("C2", D(10), D(3))), is_snapshot=True
            )
            assert part == BalancesReported((Balance("C1", D(0), D(0)),), is_snapshot=False)

    run(main())


def test_derivatives_are_counted_in_coins_and_need_an_account_that_has_them() -> None:
    async def main() -> None:
        async with desk() as found:
            found.venue.answers["order"] = taken("1")
            await found.connector.submit(
                replace(LIMIT, instrument=PERP, quantity=D("0.4"), reduce_only=True), "a1"
            )
            (arg,) = found.venue.asked("private", "order")[-1]["args"]
            assert (arg["instIdCode"], arg["tdMode"], arg["sz"], arg["reduceOnly"]) == (
                10459,
                "cross",
                "40",
                True,
            )
            with pytest.raises(Unsupported) as caught:
                await found.connector.submit(replace(LIMIT, reduce_only=True), "a2")
            assert "Spot" in caught.value.user_text
        http = FakeHttp()
        http.replies["/api/v5/account/config"] = [{"acctLv": "1", "posMode": "net_mode"}]
        async with desk(http=http) as found:
            with pytest.raises(Unsupported) as caught:
                await found.connector.submit(replace(LIMIT, instrument=PERP), "a1")
            assert "spot mode" in caught.value.user_text
        http = FakeHttp()
        http.replies["/api/v5/account/config"] = [{"acctLv": "3", "posMode": "long_short_mode"}]
        async with desk(http=http) as found:
            found.venue.answers["order"] = taken("1")
            await found.connector.submit(LIMIT, "a1")
            assert found.venue.asked("private", "order")[-1]["args"][0]["tdMode"] == "cross"
            await found.connector.submit(
                replace(LIMIT, instrument=PERP, side=Side.SELL, reduce_only=True), "a2"
            )
            (arg,) = found.venue.asked("private", "order")[-1]["args"]
            assert arg["posSide"] == "long"
            assert "reduceOnly" not in arg

    run(main())


def test_a_market_buy_for_an_amount_of_quote() -> None:
    async def main() -> None:
        async with desk() as found:
            found.venue.answers["order"] = taken("1")
            market = OrderRequest(SPOT, Side.BUY, OrderType.MARKET, D(100), in_quote=True)
            await found.connector.submit(market, "a1")
            (arg,) = found.venue.asked("private", "order")[-1]["args"]
            assert (arg["ordType"], arg["sz"], arg["tgtCcy"]) == ("market", "100", "quote_ccy")
            await found.connector.submit(replace(market, in_quote=False, quantity=D("0.1")), "a2")
            (arg,) = found.venue.asked("private", "order")[-1]["args"]
            assert (arg["sz"], arg["tgtCcy"]) == ("0.1", "base_ccy")
            with pytest.raises(Unsupported):
                await found.connector.submit(replace(market, side=Side.SELL), "a3")

    run(main())


def algo_push(**row: Any) -> dict[str, Any]:
    return {"arg": {"channel": "orders-algo", "instType": "ANY"}, "data": [row]}


def test_a_stop_order_from_its_placing_to_its_childs_fill() -> None:
    async def main() -> None:
        async with desk() as found:
            await eventually(lambda: found.venue.channels("business"), what="the business link")
            found.http.replies["/api/v5/trade/order-algo"] = [
                {"algoId": "55", "algoClOrdId": "st1", "sCode": "0", "sMsg": ""}
            ]
            stop = OrderRequest(SPOT, Side.SELL, OrderType.STOP, D("0.01"), trigger_price=D(29000))
            assert await found.connector.submit(stop, "st1") == SubmitAck("55")
            body = found.http.named("order-algo")[-1].body
            assert body == {
                "instId": "BTC-USDT",
                "tdMode": "cash",
                "side": "sell",
                "ordType": "conditional",
                "sz": "0.01",
                "tgtCcy": "base_ccy",
                "algoClOrdId": "st1",
                "slTriggerPx": "29000",
                "slOrdPx": "-1",
                "slTriggerPxType": "last",
            }
            base = {**body, "algoId": "55", "uTime": "1790000000000"}
            await found.venue.push("business", algo_push(**base, state="live"))
            await eventually(lambda: found.events.of(OrderReported), what="the stop order")
            report = found.events.of(OrderReported)[-1].report
            assert (report.venue_order_id, report.order_type, report.trigger_price, report.state) == (
                *("55", OrderType.STOP, D(29000), OrderState.OPEN),
            )
            # It fires: the order that it places is told under the same id.
            await found.venue.push(
                "private",
                orders(
                    order_row(
                        ordId="901",
                        clOrdId="",
                        algoId="55",
                        ordType="market",
                        px="",
                        side="sell",
                        state="filled",
                        accFillSz="0.01",
                        avgPx="28990",
                        fillPx="28990",
                        fillSz="0.01",
                        tradeId="5",
                        fillTime="1790000000900",
                        uTime="1790000000900",
                    )
                ),
            )
            await found.venue.push(
                "business", algo_push(**{**base, "uTime": "1790000000950"}, state="effective", ordId="901")
            )
            await eventually(lambda: found.events.of(FillReported), what="the fill")
            report = found.events.of(OrderReported)[-1].report
            assert (report.venue_order_id, report.state, report.triggered, report.order_type) == (
                *("55", OrderState.FILLED, True, OrderType.STOP),
            )
            fill = found.events.of(FillReported)[0].fill
            assert (fill.venue_order_id, fill.client_order_id) == ("55", "st1")

    run(main())


def test_a_stop_order_that_fired_unheard_is_found_by_the_order_that_it_placed() -> None:
    async def main() -> None:
        async with desk() as found:
            child = order_row(
                ordId="902",
                clOrdId="",
                algoId="57",
                algoClOrdId="st2",
                ordType="market",
                px="",
                state="filled",
                accFillSz="0.01",
                avgPx="28990",
            )
            found.http.replies["/api/v5/trade/orders-history"] = lambda call: (
                [child] if call.query["instType"] == "SPOT" else []
            )
            row = {"instId": "BTC-USDT", "ordId": "902", "tradeId": "9", "side": "buy", "fillSz": "0.01"}
            fills = [{**row, "fillPx": "28990", "billId": "1", "ts": "1790000000000"}]
            found.http.replies["/api/v5/trade/fills"] = fills
            found.http.replies["/api/v5/trade/fills-history"] = lambda call: (
                fills if call.query["instType"] == "SPOT" else []
            )
            snapshot = await found.connector.snapshot(1_789_999_000 * 10**9)
            (report,) = snapshot.recent_orders
            assert (report.venue_order_id, report.client_order_id, report.state) == (
                *("57", "st2", OrderState.FILLED),
            )
            (fill,) = snapshot.fills
            assert (fill.venue_order_id, fill.client_order_id) == ("57", "st2")

    run(main())


def test_cancel_all_takes_options_and_stop_orders_and_leaves_protections() -> None:
    async def main() -> None:
        async with desk() as found:
            found.http.replies["/api/v5/trade/orders-pending"] = [
                order_row(instId="BTC-USD-250328-80000-C", ordId="1")
            ]
            found.http.replies["/api/v5/trade/cancel-order"] = lambda call: taken()([call.body])
            algo = {"instId": "BTC-USDT-SWAP", "side": "sell", "sz": "1", "slTriggerPx": "5", "slOrdPx": "-1"}
            found.http.replies["/api/v5/trade/orders-algo-pending"] = lambda call: (
                [
                    {**algo, "algoId": "81", "algoClOrdId": "own"},
                    {**algo, "algoId": "82", "algoClOrdId": "PRT1"},
                ]
                if call.query["ordType"] == "conditional"
                else []
            )
            found.http.replies["/api/v5/trade/cancel-algos"] = [{"algoId": "81", "sCode": "0"}]
            assert await found.connector.cancel_all() == 2
            assert found.http.named("cancel-order")[-1].body["instId"] == "BTC-USD-250328-80000-C"
            assert found.http.named("cancel-algos")[-1].body == [{"instId": "BTC-USDT-SWAP", "algoId": "81"}]

    run(main())


def test_a_waiting_stop_order_is_canceled_by_its_own_call() -> None:
    async def main() -> None:
        async with desk() as found:
            found.http.replies["/api/v5/trade/order-algo"] = [{"algoId": "56", "sCode": "0"}]
            found.http.replies["/api/v5/trade/cancel-algos"] = [{"algoId": "56", "sCode": "0"}]
            trail = OrderRequest(
                SPOT, Side.SELL, OrderType.TRAILING_STOP, D("0.01"), trail_offset=D(5), trail_in_percent=True
            )
            await found.connector.submit(trail, "tr1")
            assert found.http.named("order-algo")[-1].body["callbackRatio"] == "0.05"
            await found.connector.cancel_many([OrderRef("BTC/USDT", "tr1", None)])
            assert found.http.named("cancel-algos")[-1].body == [{"instId": "BTC-USDT", "algoId": "56"}]
            assert not found.venue.asked("private", "cancel-order")

    run(main())


def test_a_position_its_protection_and_its_end() -> None:
    async def main() -> None:
        async with desk() as found:
            await eventually(lambda: found.venue.channels("business"), what="the business link")
            await found.venue.push("private", positions(POSITION, kind="snapshot"))
            await eventually(lambda: found.events.of(PositionReported), what="the position")
            position = found.events.of(PositionReported)[-1].position
            assert (position.position_id, position.side, position.quantity, position.margin) == (
                *("31", Side.BUY, D("0.4"), D(24)),
            )
            found.http.replies["/api/v5/trade/order-algo"] = [{"algoId": "71", "sCode": "0"}]
            await found.connector.protect(
                "31", "BTC/USDT-PERP", Protection(stop_loss=D(58000), take_profit=D(65000))
            )
            body = found.http.named("order-algo")[-1].body
            assert body["algoClOrdId"].startswith("PRT")
            assert {key: body[key] for key in body if key != "algoClOrdId"} == {
                "instId": "BTC-USDT-SWAP",
                "tdMode": "cross",
                "side": "sell",
                "ordType": "oco",
                "sz": "40",
                "reduceOnly": True,
                "slTriggerPx": "58000",
                "slOrdPx": "-1",
                "slTriggerPxType": "last",
                "tpTriggerPx": "65000",
                "tpOrdPx": "-1",
                "tpTriggerPxType": "last",
            }
            position = found.events.of(PositionReported)[-1].position
            assert position.protection == Protection(stop_loss=D(58000), take_profit=D(65000))
            # It trails instead: the new ones first, then the old one goes.
            found.http.replies["/api/v5/trade/order-algo"] = [{"algoId": "72", "sCode": "0"}]
            found.http.replies["/api/v5/trade/cancel-algos"] = [{"algoId": "71", "sCode": "0"}]
            await found.connector.protect(
                "31", "BTC/USDT-PERP", Protection(stop_distance=D(1000), trailing=True)
            )
            body = found.http.named("order-algo")[-1].body
            assert (body["ordType"], D(body["callbackSpread"])) == ("move_order_stop", D(1000))
            assert found.http.named("cancel-algos")[-1].body == [{"instId": "BTC-USDT-SWAP", "algoId": "71"}]
            places = [call.path.rpartition("/")[2] for call in found.http.calls]
            assert places.index("cancel-algos") > max(
                i for i, name in enumerate(places) if name == "order-algo"
            )
            assert found.events.of(PositionReported)[-1].position.protection.trailing
            # The stop is hit.
            await found.venue.push(
                "business",
                algo_push(
                    **{**body, "algoId": "72", "uTime": "1790000000950"}, state="effective", actualSide="sl"
                ),
            )
            await eventually(
                lambda: found.events.of(PositionReported)[-1].position.protection.is_empty, what="no stop"
            )
            await found.venue.push("private", positions({**POSITION, "pos": "0", "uTime": "1790000001000"}))
            await eventually(
                lambda: not found.events.of(PositionReported)[-1].position.quantity, what="its end"
            )
            assert found.events.of(PositionReported)[-1].reason == "stop loss"
            with pytest.raises(RequestRejected):
                await found.connector.protect("31", "BTC/USDT-PERP", Protection())

    run(main())


def test_an_order_is_asked_after_by_either_id() -> None:
    async def main() -> None:
        async with desk() as found:

            def look(call: Call) -> Any:
                if call.query.get("clOrdId") == "abc1" or call.query.get("ordId") == "777":
                    return [order_row(state="canceled", cancelSource="31", ordType="post_only")]
                return ("51603", "Order does not exist")

            found.http.replies["/api/v5/trade/order"] = look
            for ref in (OrderRef("BTC/USDT", "abc1", None), OrderRef("BTC/USDT", None, "777")):
                report = await found.connector.order_status(ref)
                assert report is not None
                assert (report.state, report.post_only) == (OrderState.CANCELED, True)
                assert "post-only" in report.reason
            assert await found.connector.order_status(OrderRef("BTC/USDT", "never", None)) is None
            asked = {call.query["ordType"] for call in found.http.named("orders-algo-pending")}
            assert asked == {"conditional", "oco", "move_order_stop", "trigger"}

    run(main())


def test_a_snapshot_is_everything_paged() -> None:
    async def main() -> None:
        async with desk() as found:
            found.http.replies["/api/v5/account/positions"] = [POSITION]
            found.http.replies["/api/v5/trade/orders-pending"] = [order_row()]
            ended = order_row(ordId="600", clOrdId="old1", state="filled", accFillSz="0.01", avgPx="1")
            found.http.replies["/api/v5/trade/orders-history"] = lambda call: (
                [ended] if call.query["instType"] == "SPOT" else []
            )
            row = {
                "instId": "BTC-USDT",
                "ordId": "600",
                "clOrdId": "old1",
                "side": "buy",
                "fillPx": "30000",
                "fillSz": "0.001",
                "fee": "-0.03",
                "feeCcy": "USDT",
                "execType": "M",
                "ts": "1790000000000",
            }
            pages = {
                "": [{**row, "tradeId": str(n), "billId": str(900 - n)} for n in range(100)],
                "801": [{**row, "tradeId": "100", "billId": "800"}],
            }
            found.http.replies["/api/v5/trade/fills"] = lambda call: pages[call.query.get("after", "")]
            found.http.replies["/api/v5/trade/fills-history"] = lambda call: (
                pages[call.query.get("after", "")] if call.query["instType"] == "SPOT" else []
            )
            snapshot = await found.connector.snapshot(1_789_999_000 * 10**9)
            assert snapshot.balances == (Balance("USDT", D(100), D(10)),)
            assert [report.venue_order_id for report in snapshot.open_orders] == ["777"]
            assert [report.venue_order_id for report in snapshot.recent_orders] == ["600"]
            assert len(snapshot.fills) == 101
            assert snapshot.fills[0].is_maker
            assert snapshot.fills[0].fee == D("0.03")
            assert [each.position_id for each in snapshot.positions] == ["31"]
            assert snapshot.fees["BTC/USDT"].taker_pct == D("0.1")
            later = await found.connector.snapshot(1_790_000_100 * 10**9)
            assert later.fills == ()
            assert later.recent_orders == ()

    run(main())


def test_what_a_key_may_do_is_read() -> None:
    async def main() -> None:
        async with desk() as found:
            report = await found.connector.test_credentials()
            assert report.can_trade
            assert report.warnings == ()
            assert report.label == "desk …wxyz"
            found.http.replies["/api/v5/account/config"] = [{"perm": "read_only,trade,withdraw", "ip": ""}]
            report = await found.connector.test_credentials()
            assert report.permissions["Withdraw funds"]
            assert "withdraw" in report.warnings[0]
            assert "IP" in report.warnings[1]
            found.http.replies["/api/v5/account/config"] = (
                "50101",
                "APIKey does not match current environment.",
            )
            with pytest.raises(AuthRejected) as caught:
                await found.connector.test_credentials()
            assert "demo" in caught.value.user_text
            assert caught.value.repair

    run(main())


def test_demo_is_a_header_and_without_a_key_nothing_private_is_asked() -> None:
    async def main() -> None:
        async with desk(key=False, demo="true") as found:
            await found.connector.instruments()
            assert all(call.headers["x-simulated-trading"] == "1" for call in found.http.calls)
            assert not any("OK-ACCESS-KEY" in call.headers for call in found.http.calls)
            for ask in (
                lambda: found.connector.submit(LIMIT, "a"),
                lambda: found.connector.cancel(OrderRef("BTC/USDT", None, "1")),
                lambda: found.connector.snapshot(0),
                found.connector.test_credentials,
            ):
                with pytest.raises(CredentialError):
                    await ask()
            assert set(found.venue.sockets) == {"public"}

    run(main())
