"""Orders in Kraken's words, and answers matched by their number with a deadline."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.domain.errors import (
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
    Unsupported,
    VenueError,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderRequest, OrderType, TimeInForce, TriggerReference
from terminal.venues.kraken.trading import (
    WsTrading,
    require_client_id,
    rest_order,
    rfc3339,
    ws_amend,
    ws_order,
)
from terminal.venues.kraken.wire import Response
from tests.helpers import run

LIMIT = OrderRequest(
    InstrumentId("kraken", "BTC/USD"), Side.BUY, OrderType.LIMIT, Decimal("1.2345"), Decimal("26500.4")
)


def plain(params: dict[str, object]) -> dict[str, Any]:
    """As it goes out, with each number's own text."""
    import json

    return json.loads(msgspec.json.encode(params), parse_float=str, parse_int=str)  # type: ignore[no-any-return]


CASES: dict[str, tuple[OrderRequest, dict[str, Any], dict[str, Any]]] = {
    "limit": (
        LIMIT,
        {"order_type": "limit", "order_qty": "1.2345", "limit_price": "26500.4"},
        {"ordertype": "limit", "volume": "1.2345", "price": "26500.4"},
    ),
    "market in quote": (
        OrderRequest(LIMIT.instrument, Side.BUY, OrderType.MARKET, Decimal(150), in_quote=True),
        {"order_type": "market", "cash_order_qty": "150.0"},
        {"ordertype": "market", "volume": "150", "oflags": "viqc"},
    ),
    "post only until a date": (
        replace(
            LIMIT, post_only=True, time_in_force=TimeInForce.GTD, expire_time_ns=1_800_000_000_500_000_000
        ),
        {
            "order_type": "limit",
            "order_qty": "1.2345",
            "limit_price": "26500.4",
            "post_only": True,
            "time_in_force": "gtd",
            "expire_time": "2027-01-15T08:00:00Z",
        },
        {
            "ordertype": "limit",
            "volume": "1.2345",
            "price": "26500.4",
            "oflags": "post",
            "timeinforce": "GTD",
            "expiretm": "1800000000",
        },
    ),
    "fill or kill": (
        replace(LIMIT, time_in_force=TimeInForce.FOK),
        {"order_type": "limit", "order_qty": "1.2345", "limit_price": "26500.4", "time_in_force": "fok"},
        {"ordertype": "limit", "volume": "1.2345", "price": "26500.4", "timeinforce": "FOK"},
    ),
    "iceberg": (
        replace(LIMIT, order_type=OrderType.ICEBERG, display_quantity=Decimal("0.1")),
        {"order_type": "iceberg", "order_qty": "1.2345", "limit_price": "26500.4", "display_qty": "0.1"},
        {"ordertype": "iceberg", "volume": "1.2345", "price": "26500.4", "displayvol": "0.1"},
    ),
    "stop on the index": (
        replace(
            LIMIT,
            order_type=OrderType.STOP,
            limit_price=None,
            trigger_price=Decimal(25000),
            trigger_reference=TriggerReference.INDEX,
        ),
        {
            "order_type": "stop-loss",
            "order_qty": "1.2345",
            "triggers": {"reference": "index", "price": "25000.0", "price_type": "static"},
        },
        {"ordertype": "stop-loss", "volume": "1.2345", "price": "25000", "trigger": "index"},
    ),
    "take profit limit": (
        replace(LIMIT, order_type=OrderType.TAKE_PROFIT_LIMIT, trigger_price=Decimal("27000.5")),
        {
            "order_type": "take-profit-limit",
            "order_qty": "1.2345",
            "limit_price": "26500.4",
            "triggers": {"reference": "last", "price": "27000.5", "price_type": "static"},
        },
        {"ordertype": "take-profit-limit", "volume": "1.2345", "price": "27000.5", "price2": "26500.4"},
    ),
    "trailing stop in per cent": (
        replace(
            LIMIT,
            side=Side.SELL,
            order_type=OrderType.TRAILING_STOP,
            limit_price=None,
            trail_offset=Decimal("1.5"),
            trail_in_percent=True,
        ),
        {
            "order_type": "trailing-stop",
            "order_qty": "1.2345",
            "triggers": {"reference": "last", "price": "1.5", "price_type": "pct"},
        },
        {"ordertype": "trailing-stop", "volume": "1.2345", "price": "+1.5%"},
    ),
    "trailing stop limit of a sale": (
        replace(
            LIMIT,
            side=Side.SELL,
            order_type=OrderType.TRAILING_STOP_LIMIT,
            limit_price=None,
            trail_offset=Decimal(250),
            limit_offset=Decimal(10),
        ),
        {
            "order_type": "trailing-stop-limit",
            "order_qty": "1.2345",
            "limit_price": "-10.0",
            "limit_price_type": "quote",
            "triggers": {"reference": "last", "price": "250.0", "price_type": "quote"},
        },
        {"ordertype": "trailing-stop-limit", "volume": "1.2345", "price": "+250", "price2": "-10"},
    ),
    "reduce only": (
        replace(LIMIT, reduce_only=True),
        {
            "order_type": "limit",
            "order_qty": "1.2345",
            "limit_price": "26500.4",
            "reduce_only": True,
            "margin": True,
        },
        {"ordertype": "limit", "volume": "1.2345", "price": "26500.4", "reduce_only": True},
    ),
    "a tiny number": (
        replace(LIMIT, quantity=Decimal("5E-7")),
        {"order_type": "limit", "order_qty": "0.0000005", "limit_price": "26500.4"},
        {"ordertype": "limit", "volume": "0.0000005", "price": "26500.4"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_order_in_both_spellings(name: str) -> None:
    request, by_socket, by_rest = CASES[name]
    side = request.side.value
    assert plain(ws_order(request, "PX1")) == {
        "side": side,
        "symbol": "BTC/USD",
        "cl_ord_id": "PX1",
        **by_socket,
    }
    assert rest_order(request, "PX1").form() == {"type": side, "cl_ord_id": "PX1", **by_rest}


@pytest.mark.parametrize(
    "request_",
    [
        replace(LIMIT, time_in_force=TimeInForce.DAY),
        replace(LIMIT, time_in_force=TimeInForce.GTD),
        replace(LIMIT, in_quote=True),
        replace(LIMIT, order_type=OrderType.TRAILING_STOP),
    ],
    ids=["day", "date missing", "quote amount of a limit", "distance missing"],
)
def test_what_kraken_does_not_have_is_refused_before_anything_is_sent(request_: OrderRequest) -> None:
    with pytest.raises(Unsupported):
        ws_order(request_, "PX1")
    with pytest.raises(Unsupported):
        rest_order(request_, "PX1")


@pytest.mark.parametrize(
    "text", ["PX0001", "0123456789abcdef0123456789abcdef", "6d1b345e-2821-40e2-ad83-4ecb18a06876", "x" * 18]
)
def test_ids_that_kraken_takes(text: str) -> None:
    assert require_client_id(text) == text


@pytest.mark.parametrize("text", ["", "x" * 19, "with space", "größer", "0123456789abcdef0123456789abcdeg"])
def test_ids_that_kraken_refuses_are_not_sent(text: str) -> None:
    with pytest.raises(NotSent):
        require_client_id(text)


def test_an_amend_names_only_what_changes() -> None:
    change = AmendRequest(quantity=Decimal(2), limit_price=Decimal("26400.5"))
    assert plain(ws_amend(change)) == {"order_qty": "2.0", "limit_price": "26400.5"}


def test_times_are_rfc3339() -> None:
    assert rfc3339(1_716_033_950_999_999_999) == "2024-05-18T12:05:50Z"


class Wire:
    """WsTrading with the socket replaced by a list."""

    def __init__(self, *, deadline_s: float = 5.0) -> None:
        self.sent: list[dict[str, Any]] = []
        self.session_lost: list[str] = []
        self.token: str | None = "the-token"
        self.answer: Callable[[dict[str, Any]], list[dict[str, Any]]] = lambda request: []
        self.fail: VenueError | None = None
        self.trading = WsTrading(
            clock=ManualClock(),
            numbers=itertools.count(1),
            send=self.send,
            token=lambda: self.token,
            on_session_lost=self.session_lost.append,
            deadline_s=deadline_s,
        )

    def send(self, text: str) -> None:
        if self.fail is not None:
            raise self.fail
        request = msgspec.json.decode(text)
        self.sent.append(request)
        for fields in self.answer(request):
            asyncio.get_running_loop().call_soon(self.receive, request, fields)

    def receive(self, request: dict[str, Any], fields: dict[str, Any]) -> bool:
        frame = {"method": request["method"], "req_id": request["req_id"], **fields}
        return self.trading.on_response(msgspec.json.decode(msgspec.json.encode(frame), type=Response))


def yes(**result: Any) -> dict[str, Any]:
    return {"success": True, "result": result}


def no(text: str) -> dict[str, Any]:
    return {"success": False, "error": text}


def test_an_accepted_order() -> None:
    async def main() -> None:
        wire = Wire()
        wire.answer = lambda request: [yes(order_id="OPS23M-VS41G-DDE5Z2", cl_ord_id="PX1", warnings=["x"])]
        ids = await wire.trading.add_order(ws_order(LIMIT, "PX1"))
        assert ids.order_id == "OPS23M-VS41G-DDE5Z2"
        assert wire.sent[0]["params"]["token"] == "the-token"
        assert wire.trading.waiting == 0

    run(main())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (no("EOrder:Insufficient funds"), RequestRejected),
        (no("EOrder:Rate limit exceeded"), RateLimited),
        (no("EService:Busy"), OutcomeUnknown),
        (no("EService:Deadline elapsed"), RequestRejected),
        (no("Unsupported field: 'price' for the given msg type: add order"), RequestRejected),
        ({"success": False}, OutcomeUnknown),
        ({}, OutcomeUnknown),
        (yes(), OutcomeUnknown),
        ({"success": True, "result": "surprise"}, OutcomeUnknown),
    ],
    ids=[
        "no",
        "too fast",
        "busy",
        "too late",
        "bad field",
        "no without words",
        "nothing",
        "no id",
        "unreadable",
    ],
)
def test_answers_to_an_order(answer: dict[str, Any], kind: type[VenueError]) -> None:
    async def main() -> None:
        wire = Wire()
        wire.answer = lambda request: [answer]
        with pytest.raises(kind):
            await wire.trading.add_order(ws_order(LIMIT, "PX1"))
        assert len(wire.sent) == 1

    run(main())


@pytest.mark.fault(25)
def test_no_answer_by_the_deadline_is_unknown_and_a_late_one_is_no_matter() -> None:
    async def main() -> None:
        wire = Wire(deadline_s=0.01)
        with pytest.raises(OutcomeUnknown):
            await wire.trading.add_order(ws_order(LIMIT, "PX1"))
        assert len(wire.sent) == 1
        assert not wire.receive(wire.sent[0], yes(order_id="O1"))

    run(main())


@pytest.mark.fault(1)
def test_a_link_lost_while_waiting_is_unknown_at_once() -> None:
    async def main() -> None:
        wire = Wire()
        waiting = tasks.spawn(wire.trading.cancel_all(), name="waiting")
        await asyncio.sleep(0)
        wire.trading.link_lost("cut")
        with pytest.raises(OutcomeUnknown):
            await waiting

    run(main())


def test_without_a_session_or_a_link_nothing_is_sent() -> None:
    async def main() -> None:
        wire = Wire()
        wire.token = None
        with pytest.raises(NotSent):
            await wire.trading.cancel_all()
        wire.token = "t"
        wire.fail = NotSent("kraken", "down")
        with pytest.raises(NotSent):
            await wire.trading.cancel_all()
        assert wire.trading.waiting == 0

    run(main())


@pytest.mark.fault(36)
def test_an_expired_session_is_renewed_and_the_order_was_not_placed() -> None:
    async def main() -> None:
        wire = Wire()
        wire.answer = lambda request: [no("ESession:Invalid session")]
        with pytest.raises(RequestRejected):
            await wire.trading.add_order(ws_order(LIMIT, "PX1"))
        assert wire.session_lost == ["ESession:Invalid session"]

    run(main())


def test_a_cancel_of_several_orders_is_answered_one_by_one() -> None:
    async def main() -> None:
        wire = Wire()
        wire.answer = lambda request: [
            yes(order_id="O1"),
            {**no("EOrder:Unknown order"), "result": {"order_id": "O2"}},
            yes(order_id="O3"),
        ]
        results = await wire.trading.cancel_order(order_ids=["O1", "O2", "O3"])
        assert [type(result).__name__ for result in results] == ["OrderIds", "RequestRejected", "OrderIds"]

    run(main())


def test_a_batch_has_one_result_an_order_even_when_it_says_failure() -> None:
    async def main() -> None:
        wire = Wire()
        rows = [{"order_id": "O1", "cl_ord_id": "PX1"}, {"error": "EOrder:Insufficient funds"}]
        wire.answer = lambda request: [{"success": False, "result": rows}]
        orders = [ws_order(LIMIT, "PX1"), ws_order(LIMIT, "PX2")]
        results = await wire.trading.batch_add("BTC/USD", orders)
        assert [(row.order_id, row.error) for row in results] == [
            ("O1", None),
            ("", "EOrder:Insufficient funds"),
        ]
        assert "symbol" not in wire.sent[0]["params"]["orders"][0]

    run(main())


def test_a_batch_refused_as_a_whole_and_one_with_too_few_answers() -> None:
    async def main() -> None:
        wire = Wire()
        orders = [ws_order(LIMIT, "PX1"), ws_order(LIMIT, "PX2")]
        wire.answer = lambda request: [no("EGeneral:Invalid arguments")]
        with pytest.raises(RequestRejected):
            await wire.trading.batch_add("BTC/USD", orders)
        wire.answer = lambda request: [{"success": True, "result": [{"order_id": "O1"}]}]
        with pytest.raises(OutcomeUnknown):
            await wire.trading.batch_add("BTC/USD", orders)

    run(main())


def test_the_other_methods_in_krakens_words() -> None:
    async def main() -> None:
        wire = Wire()
        answers = {
            "amend_order": yes(amend_id="TTW6PD-RC36L-ZZSWNU", cl_ord_id="PX1"),
            "edit_order": yes(order_id="O2", original_order_id="O1"),
            "batch_cancel": yes(count=2),
            "cancel_all": yes(count=3),
            "cancel_all_orders_after": yes(
                currentTime="2023-09-21T15:49:29Z", triggerTime="2023-09-21T15:51:09Z"
            ),
        }
        wire.answer = lambda request: [answers[request["method"]]]
        trading = wire.trading
        assert (
            await trading.amend_order({"order_qty": 2}, cl_ord_id="PX1")
        ).amend_id == "TTW6PD-RC36L-ZZSWNU"
        assert (await trading.edit_order("O1", "BTC/USD", {"order_qty": 2})).order_id == "O2"
        assert await trading.batch_cancel(orders=["O1"], cl_ord_ids=["PX2"]) == 2
        assert await trading.cancel_all() == 3
        assert (await trading.cancel_all_orders_after(60)).triggerTime == "2023-09-21T15:51:09Z"
        params = [{k: v for k, v in item["params"].items() if k != "token"} for item in wire.sent]
        assert params == [
            {"cl_ord_id": "PX1", "order_qty": 2},
            {"order_id": "O1", "symbol": "BTC/USD", "order_qty": 2},
            {"orders": ["O1"], "cl_ord_id": ["PX2"]},
            {},
            {"timeout": 60},
        ]

    run(main())
