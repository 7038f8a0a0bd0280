"""Stop orders and a position's stop and target, changed in place: ``amend-algos``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.errors import OutcomeUnknown, RequestRejected, Unsupported
from terminal.domain.events import OrderReported, PositionReported
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import (
    AmendRequest,
    OrderRef,
    OrderRequest,
    OrderType,
    Protection,
    TriggerReference,
)
from terminal.venues.okx.order_words import algo_amendment
from terminal.venues.okx.symbols import SymbolMap
from terminal.venues.okx.wire import AlgoRow
from tests.helpers import eventually, run
from tests.unit.venues.okx.fakes import Desk, desk

D = Decimal
AMEND = "/api/v5/trade/amend-algos"
PLACE = "/api/v5/trade/order-algo"
SPOT = InstrumentId("okx", "BTC/USDT")
TAKEN = [{"algoId": "55", "algoClOrdId": "st1", "reqId": "", "sCode": "0", "sMsg": ""}]
ID = {kind: "56" if kind is OrderType.TRAILING_STOP else "55" for kind in OrderType}
REF = OrderRef("BTC/USDT", "st1", "55")
POSITION: dict[str, Any] = {
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "posId": "31",
    "posSide": "net",
    "mgnMode": "cross",
    "pos": "40",
    "avgPx": "60000",
    "ccy": "USDT",
    "uTime": "1790000000000",
}


async def place(found: Desk, kind: OrderType, **prices: Any) -> dict[str, Any]:
    """A stop order that waits; its row as OKX would tell it."""
    found.http.replies[PLACE] = [{**TAKEN[0], "algoId": ID[kind]}]
    found.http.replies[AMEND] = TAKEN
    await found.connector.submit(OrderRequest(SPOT, Side.SELL, kind, D("0.01"), **prices), "st1")
    body: dict[str, Any] = found.http.named("order-algo")[-1].body
    return {**body, "algoId": ID[kind], "state": "live", "uTime": "1790000000000"}


@pytest.mark.parametrize(
    ("kind", "prices", "change", "terms"),
    [
        (
            OrderType.STOP,
            {"trigger_price": D(29000)},
            AmendRequest(trigger_price=D("28500.5")),
            {"newSlTriggerPx": "28500.5", "newSlOrdPx": "-1"},
        ),
        (
            OrderType.TAKE_PROFIT,
            {"trigger_price": D(65000)},
            AmendRequest(trigger_price=D(66000), quantity=D("0.02")),
            {"newSz": "0.02", "newTpTriggerPx": "66000", "newTpOrdPx": "-1"},
        ),
        (
            OrderType.STOP_LIMIT,
            {"trigger_price": D(29000), "limit_price": D(28990)},
            AmendRequest(limit_price=D(28900)),
            {"newSlTriggerPx": "29000", "newSlOrdPx": "28900"},
        ),
        (
            OrderType.TAKE_PROFIT_LIMIT,
            {"trigger_price": D(65000), "limit_price": D(65010)},
            AmendRequest(trigger_price=D(65500), limit_price=D(65510)),
            {"newTpTriggerPx": "65500", "newTpOrdPx": "65510"},
        ),
        (
            OrderType.STOP,
            {"trigger_price": D(29000)},
            AmendRequest(quantity=D("0.5")),
            {"newSz": "0.5"},
        ),
    ],
)
def test_a_stop_order_is_changed_in_place(
    kind: OrderType, prices: dict[str, Any], change: AmendRequest, terms: dict[str, str]
) -> None:
    async def main() -> None:
        async with desk() as found:
            await place(found, kind, **prices)
            # By either id.
            await found.connector.amend(REF, change)
            await found.connector.amend(OrderRef("BTC/USDT", "st1", None), change)
            bodies = [call.body for call in found.http.named("amend-algos")]
            assert bodies == [{"instId": "BTC-USDT", "algoId": "55", **terms}] * 2
            assert not found.venue.asked("private", "amend-order")

    run(main())


def test_the_change_of_a_stop_order_is_told_by_the_stream() -> None:
    async def main() -> None:
        async with desk() as found:
            await eventually(lambda: found.venue.channels("business"), what="the business link")
            row = await place(found, OrderType.STOP, trigger_price=D(29000))
            moved = {**row, "slTriggerPx": "28500", "uTime": "1790000000900"}
            for each in (row, moved, row):
                await found.venue.push(
                    "business", {"arg": {"channel": "orders-algo", "instType": "ANY"}, "data": [each]}
                )
            await eventually(
                lambda: (
                    [one.report.trigger_price for one in found.events.of(OrderReported)]
                    == [D(29000), D(28500)]
                ),
                what="the move",
            )

    run(main())


def test_what_cannot_be_changed_in_place_is_said_before_anything_is_sent() -> None:
    async def main() -> None:
        async with desk() as found:
            await place(found, OrderType.TRAILING_STOP, trail_offset=D(100))
            trailing = OrderRef("BTC/USDT", "st1", "56")
            with pytest.raises(Unsupported) as refused:
                await found.connector.amend(trailing, AmendRequest(quantity=D("0.02")))
            assert "trailing" in refused.value.user_text
            await place(found, OrderType.STOP, trigger_price=D(29000))
            for change in (
                AmendRequest(limit_price=D(28000)),
                AmendRequest(display_quantity=D("0.001")),
                AmendRequest(protection=Protection(D(1), D(2))),
            ):
                with pytest.raises(Unsupported):
                    await found.connector.amend(REF, change)
            await found.connector.amend(REF, AmendRequest())
            assert not found.http.named("amend-algos")

    run(main())


def test_a_no_and_a_lost_answer_are_told_apart() -> None:
    async def main() -> None:
        async with desk() as found:
            await place(found, OrderType.STOP, trigger_price=D(29000))
            change = AmendRequest(trigger_price=D(28000))
            found.http.replies[AMEND] = [{"algoId": "55", "sCode": "51503", "sMsg": "Order does not exist"}]
            with pytest.raises(RequestRejected):
                await found.connector.amend(REF, change)
            found.http.replies[AMEND] = ("50026", "System error")
            with pytest.raises(OutcomeUnknown):
                await found.connector.amend(REF, change)
            assert len(found.http.named("amend-algos")) == 2

    run(main())


def test_a_trigger_order_that_was_placed_elsewhere_keeps_what_it_becomes() -> None:
    row = AlgoRow("BTC-USDT", "9", ordType="trigger", triggerPx="29000", orderPx="28990")
    terms = algo_amendment(AmendRequest(trigger_price=D(28000)), row, SymbolMap())
    assert terms == {"newTriggerPx": "28000", "newOrdPx": "28990"}


async def hold(found: Desk) -> None:
    """A position with a stop and a target."""
    await found.venue.push(
        "private",
        {"arg": {"channel": "positions", "instType": "ANY"}, "eventType": "snapshot", "data": [POSITION]},
    )
    await eventually(lambda: found.events.of(PositionReported), what="the position")
    found.http.replies[PLACE] = [{"algoId": "71", "sCode": "0"}]
    found.http.replies[AMEND] = [{"algoId": "71", "sCode": "0"}]
    found.http.replies["/api/v5/trade/cancel-algos"] = [{"algoId": "71", "sCode": "0"}]
    await found.connector.protect("31", "BTC/USDT-PERP", Protection(D(58000), D(65000)))


def protection(found: Desk) -> Protection:
    told: Protection = found.events.of(PositionReported)[-1].position.protection
    return told


def test_a_positions_stop_and_target_are_changed_in_place() -> None:
    async def main() -> None:
        async with desk() as found:
            await hold(found)
            await found.connector.protect("31", "BTC/USDT-PERP", Protection(D(58500), D(65000)))
            body = {"instId": "BTC-USDT-SWAP", "algoId": "71"}
            assert found.http.named("amend-algos")[-1].body == {
                **body,
                "newSlTriggerPx": "58500",
                "newSlOrdPx": "-1",
                "newSlTriggerPxType": "last",
            }
            assert protection(found) == Protection(D(58500), D(65000))
            # The position has grown: the size goes along; and the price that counts is another one.
            grown = {**POSITION, "pos": "50", "uTime": "1790000000500"}
            count = len(found.events.of(PositionReported))
            arg = {"channel": "positions", "instType": "ANY"}
            await found.venue.push("private", {"arg": arg, "eventType": "event_update", "data": [grown]})
            await eventually(lambda: len(found.events.of(PositionReported)) > count, what="the growth")
            wanted = Protection(D(58500), D(66000), trigger=TriggerReference.INDEX)
            await found.connector.protect("31", "BTC/USDT-PERP", wanted)
            assert found.http.named("amend-algos")[-1].body == {
                **body,
                "newSz": "50",
                "newSlTriggerPx": "58500",
                "newSlOrdPx": "-1",
                "newSlTriggerPxType": "index",
                "newTpTriggerPx": "66000",
                "newTpOrdPx": "-1",
                "newTpTriggerPxType": "index",
            }
            assert protection(found) == wanted
            # What is so already is not sent; no order was placed or canceled meanwhile.
            await found.connector.protect("31", "BTC/USDT-PERP", wanted)
            assert len(found.http.named("amend-algos")) == 2
            assert len(found.http.named("order-algo")) == 1
            assert not found.http.named("cancel-algos")

    run(main())


def test_a_leg_more_or_less_is_a_new_order() -> None:
    async def main() -> None:
        async with desk() as found:
            await hold(found)
            found.http.replies[PLACE] = [{"algoId": "72", "sCode": "0"}]
            await found.connector.protect("31", "BTC/USDT-PERP", Protection(stop_loss=D(58000)))
            assert not found.http.named("amend-algos")
            assert [call.body["ordType"] for call in found.http.named("order-algo")] == ["oco", "conditional"]
            assert found.http.named("cancel-algos")[-1].body == [{"instId": "BTC-USDT-SWAP", "algoId": "71"}]
            assert protection(found) == Protection(stop_loss=D(58000))

    run(main())


def test_a_refused_change_leaves_the_protection_as_it_is() -> None:
    async def main() -> None:
        async with desk() as found:
            await hold(found)
            found.http.replies[AMEND] = [{"algoId": "71", "sCode": "51000", "sMsg": "Parameter error"}]
            with pytest.raises(RequestRejected):
                await found.connector.protect("31", "BTC/USDT-PERP", Protection(D(70000), D(75000)))
            assert protection(found) == Protection(D(58000), D(65000))

    run(main())
