"""The connector with a key: signing in, the account's stream, trading, look-ups, snapshots."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from terminal.core.clock import ManualClock
from terminal.core.secret import Secret, scrub
from terminal.domain.account import Balance, FeeRates
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    NotSent,
    OutcomeUnknown,
    ProtocolViolation,
    RequestRejected,
    SettingsError,
    Unsupported,
    VenueUnavailable,
)
from terminal.domain.events import (
    AccountStreamReset,
    BalancesReported,
    FillReported,
    LinkChanged,
    LinkState,
    OrderReported,
    WireFault,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderRef, OrderRequest, OrderState, OrderType
from terminal.venues import registry
from terminal.venues.base import (
    Amends,
    Connector,
    ConnectorSettings,
    HasDeadMansSwitch,
    HasHistory,
    SubmitAck,
    SubmitsBatches,
    TradesOrders,
)
from terminal.venues.kraken import VENUE
from terminal.venues.kraken.connector import KrakenConnector
from tests.helpers import eventually, run
from tests.unit.venues.kraken import samples
from tests.unit.venues.kraken.fakes import (
    Call,
    Events,
    FakeAnswer,
    FakeHttp,
    FakeLink,
    Links,
    acknowledge,
    errors,
    text,
)

PRIVATE = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
KEY = {"api_key": Secret("the-public-key-abcd"), "api_secret": Secret(PRIVATE)}
LIMIT = OrderRequest(
    InstrumentId("kraken", "BTC/USD"), Side.BUY, OrderType.LIMIT, Decimal("1.25"), Decimal("26500.4")
)
REF = OrderRef("BTC/USD", "my-order-1", "OQCLML-BW3P3-BUCMWZ")
EMPTY_EXECUTIONS = '{"channel":"executions","type":"snapshot","sequence":1,"data":[]}'


class Desk:
    """A connector with a key, on fake links and a fake REST side."""

    def __init__(self, **options: str) -> None:
        self.clock = ManualClock()
        self.links = Links()
        self.events = Events()
        self.http: FakeHttp = FakeHttp(
            {
                "AssetPairs": samples.ASSET_PAIRS,
                "Assets": {},
                "GetWebSocketsToken": lambda call: {
                    "token": f"token-number-{len(self.http.calls)}",
                    "expires": 900,
                },
                "BalanceEx": samples.BALANCE_EX,
                "OpenOrders": {"open": {}},
                "ClosedOrders": {"closed": {}},
                "QueryOrders": {},
                "TradesHistory": {"trades": {}},
                "TradeVolume": samples.TRADE_VOLUME,
            }
        )
        self.connector = KrakenConnector(
            ConnectorSettings(
                endpoints={},
                credentials=KEY,
                options={"public_calls_per_s": "1000", "tier": "pro", **options},
            ),
            clock=self.clock,
            http=self.http,
            make_link=self.links,
        )
        self.answers: dict[str, Callable[[dict[str, Any]], list[dict[str, Any]]]] = {}
        self.link: FakeLink = self.links.private
        self.link.answer = self._answer
        self.links.public.answer = acknowledge

    def _answer(self, request: dict[str, Any]) -> list[str]:
        make = self.answers.get(request["method"])
        if make is None:
            return acknowledge(request)
        return [
            text({"method": request["method"], "req_id": request["req_id"], **answer})
            for answer in make(request)
        ]

    async def __aenter__(self) -> Desk:
        await self.connector.connect(self.events)
        await eventually(lambda: self.link.state is LinkState.LIVE)
        self.events.clear()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.connector.close()

    def accepts(self, method: str, **result: Any) -> None:
        self.answers[method] = lambda request: [{"success": True, "result": result}]

    def refuses(self, method: str, error: str) -> None:
        self.answers[method] = lambda request: [{"success": False, "error": error}]

    def subscribed(self) -> list[str]:
        return [request["params"]["channel"] for request in self.link.requests("subscribe")]


def executions(sequence: int, **fields: Any) -> str:
    return text({"channel": "executions", "type": "update", "sequence": sequence, "data": [fields]})


NEW = {
    "order_id": "O1", "cl_ord_id": "PX1", "symbol": "BTC/USD", "side": "buy", "order_type": "limit",
    "order_qty": 2.0, "limit_price": 26500.4, "exec_type": "new", "order_status": "new",
    "timestamp": "2023-11-14T22:13:20.000000Z",
}  # fmt: skip


# --- the registry, abilities, settings -----------------------------------------------------------------


def test_the_registry_knows_kraken_and_builds_it() -> None:
    assert "kraken" in registry.names()
    assert registry.info("kraken") is VENUE
    connector = registry.create("kraken", ConnectorSettings(endpoints={}), http=FakeHttp(), make_link=Links())
    for ability in (Connector, TradesOrders, Amends, SubmitsBatches, HasDeadMansSwitch, HasHistory):
        assert isinstance(connector, ability)


def test_options_that_cannot_be_are_refused() -> None:
    for bad in ("fast", "0", "-1", "nan"):
        with pytest.raises(SettingsError):
            KrakenConnector(
                ConnectorSettings(endpoints={}, options={"public_calls_per_s": bad}),
                http=FakeHttp(),
                make_link=Links(),
            )


def test_half_a_key_is_refused() -> None:
    with pytest.raises(CredentialError):
        KrakenConnector(
            ConnectorSettings(endpoints={}, credentials={"api_key": Secret("only this half")}),
            http=FakeHttp(),
            make_link=Links(),
        )


def test_endpoints_are_settings() -> None:
    links = Links()
    KrakenConnector(
        ConnectorSettings(endpoints={"ws_public": "ws://127.0.0.1:1/v2"}, credentials=KEY),
        http=FakeHttp(),
        make_link=links,
    )
    assert links.public.url() == "ws://127.0.0.1:1/v2"
    assert links.private.url() == "wss://ws-auth.kraken.com/v2"


def test_without_a_key_nothing_is_traded() -> None:
    async def main() -> None:
        connector = KrakenConnector(
            ConnectorSettings(endpoints={}), http=FakeHttp(), make_link=Links(), clock=ManualClock()
        )
        with pytest.raises(CredentialError):
            await connector.submit(LIMIT, "PX1")
        with pytest.raises(CredentialError):
            await connector.test_credentials()

    run(main())


# --- signing in ----------------------------------------------------------------------------------------


def test_signing_in_takes_a_token_and_both_channels() -> None:
    async def main() -> None:
        desk = Desk()
        desk.answers["subscribe"] = lambda request: [
            {"success": True, "result": {"channel": request["params"]["channel"], "maxratecount": 125}}
        ]
        async with desk:
            assert desk.subscribed() == ["executions", "balances"]
            first = desk.link.requests("subscribe")[0]["params"]
            token = first["token"]
            assert first == {
                "channel": "executions", "token": token, "snap_orders": True, "snap_trades": False,
                "order_status": True, "ratecounter": True,
            }  # fmt: skip
            assert token not in scrub(f"token is {token}")
            # The acknowledgement tells the tier: 125 is the intermediate one's threshold.
            assert desk.connector._limits.tier.name == "intermediate"

    run(main())


@pytest.mark.fault(36)
def test_each_connection_attempt_has_a_token_of_its_own() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.cut()
            await desk.link.open()
            tokens = [request["params"]["token"] for request in desk.link.requests("subscribe")]
            assert len(set(tokens)) == 2
            assert len(desk.http.named("GetWebSocketsToken")) == 2

    run(main())


@pytest.mark.fault(15)
def test_told_of_a_sleep_it_opens_both_links_anew_but_not_one_that_was_given_up() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.connector.reconnect("asleep")
            links = (desk.links.public, desk.links.private)
            assert [link.reconnect_reasons for link in links] == [["asleep"], ["asleep"]]
            desk.link.state = LinkState.FAILED
            desk.connector.reconnect("asleep again")
            assert [len(link.reconnect_reasons) for link in links] == [2, 1]

    run(main())


def test_a_key_without_the_permission_ends_in_failed() -> None:
    async def main() -> None:
        desk = Desk()
        desk.refuses("subscribe", "EGeneral:Permission denied")
        await desk.connector.connect(desk.events)
        await eventually(lambda: desk.link.state is LinkState.FAILED)
        assert desk.links.public.state is LinkState.LIVE  # public data does not care
        await desk.connector.close()

    run(main())


def test_a_refused_session_is_tried_again_not_given_up() -> None:
    async def main() -> None:
        desk = Desk()
        desk.refuses("subscribe", "ESession:Invalid session")
        await desk.connector.connect(desk.events)
        await eventually(lambda: desk.link.state is LinkState.RECONNECTING)
        await desk.connector.close()

    run(main())


# --- the account's stream ------------------------------------------------------------------------------


def test_the_life_of_an_order_as_events() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(EMPTY_EXECUTIONS)
            for number, frame in enumerate(samples.EXECUTIONS, start=2):
                fields = msgspec.json.decode(frame)
                desk.link.receive(text({**fields, "sequence": number}))
            states = [event.report.state for event in desk.events.of(OrderReported)]
            assert states == [
                OrderState.PENDING_NEW, OrderState.OPEN, OrderState.PARTLY_FILLED, OrderState.FILLED,
            ]  # fmt: skip
            assert [event.fill.fill_id for event in desk.events.of(FillReported)] == ["TGBB7L-HT5LX-J3BZ4A"]
            assert desk.events.of(AccountStreamReset) == []

    run(main())


def test_balances_as_events() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(samples.BALANCES_SNAPSHOT)
            desk.link.receive(samples.BALANCES_UPDATE)
            assert desk.events.of(BalancesReported) == [
                BalancesReported((Balance("BTC", Decimal("1.2")),), True),
                BalancesReported((Balance("BTC", Decimal("1.195")),), False),
            ]

    run(main())


@pytest.mark.fault(28)
def test_a_private_message_that_comes_twice_is_taken_once() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(EMPTY_EXECUTIONS)
            for _ in range(2):
                desk.link.receive(executions(2, **NEW))
            assert len(desk.events.of(OrderReported)) == 1
            assert desk.link.requests("unsubscribe") == []

    run(main())


@pytest.mark.fault(16)
@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_a_gap_takes_the_channel_again_and_then_asks_for_a_comparison(channel: str) -> None:
    async def main() -> None:
        async with Desk() as desk:
            first = {"executions": EMPTY_EXECUTIONS, "balances": samples.BALANCES_SNAPSHOT}[channel]
            desk.link.receive(first)
            desk.events.clear()
            gap = {
                "executions": executions(5, **NEW),
                "balances": samples.BALANCES_UPDATE.replace('"sequence":2', '"sequence":9'),
            }[channel]
            desk.link.receive(gap)
            desk.link.receive(gap)
            assert desk.events.of(OrderReported) == []
            assert desk.events.of(BalancesReported) == []
            await eventually(lambda: desk.events.of(AccountStreamReset))
            assert len(desk.events.of(AccountStreamReset)) == 1
            assert [item["params"]["channel"] for item in desk.link.requests("unsubscribe")] == [channel]
            assert desk.subscribed() == ["executions", "balances", channel]
            desk.link.receive(first)
            desk.link.receive(executions(2, **NEW) if channel == "executions" else samples.BALANCES_UPDATE)
            kind = OrderReported if channel == "executions" else BalancesReported
            assert desk.events.of(kind)

    run(main())


def test_a_gap_that_cannot_be_repaired_renews_the_link() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(EMPTY_EXECUTIONS)
            desk.refuses("subscribe", "EService:Busy")
            desk.link.receive(executions(5, **NEW))
            await eventually(lambda: desk.link.reconnect_reasons)
            assert desk.events.of(AccountStreamReset) == []

    run(main())


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "frame",
    [executions(2, **NEW)[:-30], executions(2, order_id=5), executions(2, **{**NEW, "order_qty": "many"})],
    ids=["truncated", "number for an id", "words for a number"],
)
def test_an_unreadable_execution_is_counted_and_the_account_compared_anew(frame: str) -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(EMPTY_EXECUTIONS)
            desk.link.receive(frame)
            assert len(desk.events.of(WireFault)) == 1
            await eventually(lambda: desk.events.of(AccountStreamReset))

    run(main())


@pytest.mark.parametrize(
    "frame", ["<html>", "", "null", "[]", b"\xff\xff", '{"method":"add_order","req_id":999}']
)
def test_garbage_on_the_private_link_changes_nothing(frame: str | bytes) -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(EMPTY_EXECUTIONS)
            desk.link.receive(frame)
            desk.link.receive(executions(2, **NEW))
            assert len(desk.events.of(OrderReported)) == 1

    run(main())


@pytest.mark.fault(22)
def test_an_unknown_order_state_is_reported_in_doubt_and_counted() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(EMPTY_EXECUTIONS)
            desk.link.receive(executions(2, **NEW))
            desk.link.receive(executions(3, order_id="O1", exec_type="status", order_status="frozen"))
            assert desk.events.of(OrderReported)[-1].report.state is OrderState.IN_DOUBT
            assert len(desk.events.of(WireFault)) == 1

    run(main())


@pytest.mark.fault(29)
def test_a_changed_order_nobody_knew_is_looked_up_whole() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.http.replies["QueryOrders"] = samples.ORDERS
            desk.link.receive(EMPTY_EXECUTIONS)
            for sequence in (2, 3):
                desk.link.receive(
                    executions(
                        sequence, order_id="OQCLML-BW3P3-BUCMWZ", exec_type="restated", order_status="new"
                    )
                )
            await eventually(lambda: desk.events.of(OrderReported))
            report = desk.events.of(OrderReported)[-1].report
            assert (report.client_order_id, report.quantity) == ("my-order-1", Decimal("1.25"))
            assert len(desk.http.named("QueryOrders")) == 1

    run(main())


def test_krakens_own_rate_counter_wins() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(EMPTY_EXECUTIONS)
            desk.link.receive(executions(2, **NEW, ratecount=41.5))
            budget = next(item for item in desk.connector.budgets() if item.name == "BTC/USD orders")
            assert budget.used == 41.5

    run(main())


def test_a_cut_private_link_says_so_and_comes_back() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.cut("cut")
            assert desk.events.of(LinkChanged)[-1].state is LinkState.RECONNECTING
            await desk.link.open()
            assert [event.link for event in desk.events.of(LinkChanged)] == ["private", "private"]
            assert desk.connector.health().reconnects == 1

    run(main())


# --- trading -------------------------------------------------------------------------------------------


def test_submit_by_socket() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.accepts("add_order", order_id="O1", cl_ord_id="PX1")
            assert await desk.connector.submit(LIMIT, "PX1") == SubmitAck("O1")
            params = desk.link.last("add_order")["params"]
            assert (params["cl_ord_id"], params["limit_price"]) == ("PX1", 26500.4)
            assert desk.http.named("AddOrder") == []
            assert desk.connector._limits.age_s("PX1") == 0

    run(main())


def test_rest_takes_over_only_for_what_the_socket_did_not_take() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.http.replies["AddOrder"] = {"descr": {"order": "buy"}, "txid": ["O2"]}
            desk.link.cut()
            assert await desk.connector.submit(LIMIT, "PX1") == SubmitAck("O2")
            call = desk.http.named("AddOrder")[0]
            assert (call.fields["pair"], call.fields["cl_ord_id"]) == ("XBT/USD", "PX1")
            assert desk.link.requests("add_order") == []

    run(main())


@pytest.mark.fault(1)
def test_an_order_on_the_wire_when_the_link_is_cut_is_unknown_and_not_sent_again() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.http.replies["AddOrder"] = {"txid": ["O2"]}

            def cut(request: dict[str, Any]) -> list[dict[str, Any]]:
                asyncio.get_running_loop().call_soon(desk.link.cut)
                return []

            desk.answers["add_order"] = cut
            with pytest.raises(OutcomeUnknown):
                await desk.connector.submit(LIMIT, "PX1")
            assert desk.http.named("AddOrder") == []
            assert len(desk.link.requests("add_order")) == 1

    run(main())


@pytest.mark.fault(25)
def test_a_deadline_without_an_answer_is_unknown_and_not_tried_by_rest() -> None:
    async def main() -> None:
        async with Desk(order_deadline_s="0.02") as desk:
            desk.http.replies["AddOrder"] = {"txid": ["O2"]}
            desk.answers["add_order"] = lambda request: []
            with pytest.raises(OutcomeUnknown):
                await desk.connector.submit(LIMIT, "PX1")
            assert desk.http.named("AddOrder") == []

    run(main())


def test_a_refusal_is_krakens_words() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.refuses("add_order", "EOrder:Post only order")
            with pytest.raises(RequestRejected) as caught:
                await desk.connector.submit(replace(LIMIT, post_only=True), "PX1")
            assert caught.value.repair == "price_from_book"

    run(main())


def test_an_expired_session_renews_the_link() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.refuses("add_order", "EAPI:Invalid token")
            with pytest.raises(RequestRejected):
                await desk.connector.submit(LIMIT, "PX1")
            assert len(desk.link.reconnect_reasons) == 1
            assert len(desk.link.requests("add_order")) == 1

    run(main())


def test_an_execution_may_come_before_its_acknowledgement() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(EMPTY_EXECUTIONS)

            def early(request: dict[str, Any]) -> list[dict[str, Any]]:
                desk.link.receive(executions(2, **NEW))
                return [{"success": True, "result": {"order_id": "O1"}}]

            desk.answers["add_order"] = early
            assert await desk.connector.submit(LIMIT, "PX1") == SubmitAck("O1")
            assert desk.events.of(OrderReported)[0].report.client_order_id == "PX1"

    run(main())


def test_batch_of_one_pair() -> None:
    async def main() -> None:
        async with Desk() as desk:
            rows = [{"order_id": "O1"}, {"error": "EOrder:Insufficient funds"}]
            desk.answers["batch_add"] = lambda request: [{"success": False, "result": rows}]
            ack, error = await desk.connector.submit_batch([(LIMIT, "PX1"), (LIMIT, "PX2")])
            assert ack == SubmitAck("O1")
            assert isinstance(error, RequestRejected)
            with pytest.raises(Unsupported):
                await desk.connector.submit_batch([(LIMIT, "PX1")])
            other = replace(LIMIT, instrument=InstrumentId("kraken", "ETH/USD"))
            with pytest.raises(Unsupported):
                await desk.connector.submit_batch([(LIMIT, "PX1"), (other, "PX2")])
            desk.link.cut()
            desk.http.replies["AddOrderBatch"] = {
                "orders": [{"txid": "O3"}, {"error": "EOrder:Invalid price"}]
            }
            ack, error = await desk.connector.submit_batch([(LIMIT, "PX3"), (LIMIT, "PX4")])
            assert ack == SubmitAck("O3")
            assert isinstance(error, RequestRejected)

    run(main())


def test_amend_by_kraken_id_or_by_ours_and_by_rest_when_the_link_is_down() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.accepts("amend_order", amend_id="T1", order_id="O1")
            change = AmendRequest(quantity=Decimal(2))
            await desk.connector.amend(OrderRef("BTC/USD", "PX1", "O1"), change)
            assert desk.link.last("amend_order")["params"]["order_id"] == "O1"
            await desk.connector.amend(OrderRef("BTC/USD", "PX1", None), change)
            assert desk.link.last("amend_order")["params"]["cl_ord_id"] == "PX1"
            await desk.connector.amend(OrderRef("BTC/USD", "PX1", "O1"), AmendRequest())
            assert len(desk.link.requests("amend_order")) == 2
            desk.link.cut()
            desk.http.replies["AmendOrder"] = {"amend_id": "T2"}
            await desk.connector.amend(OrderRef("BTC/USD", "PX1", "O1"), change)
            fields = desk.http.named("AmendOrder")[0].fields
            assert (fields["txid"], fields["order_qty"]) == ("O1", "2")

    run(main())


def test_cancel_in_every_way() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.accepts("cancel_order", order_id="O1")
            await desk.connector.cancel(OrderRef("BTC/USD", "PX1", "O1"))
            assert desk.link.last("cancel_order")["params"]["order_id"] == ["O1"]
            desk.accepts("cancel_order", cl_ord_id="PX1")
            await desk.connector.cancel(OrderRef("BTC/USD", "PX1", None))
            assert desk.link.last("cancel_order")["params"]["cl_ord_id"] == ["PX1"]
            desk.refuses("cancel_order", "EOrder:Cancel pending")
            await desk.connector.cancel(OrderRef("BTC/USD", "PX1", "O1"))  # what was wanted is under way
            desk.refuses("cancel_order", "EOrder:Unknown order")
            with pytest.raises(RequestRejected):
                await desk.connector.cancel(OrderRef("BTC/USD", "PX1", "O1"))
            with pytest.raises(NotSent):
                await desk.connector.cancel(OrderRef("BTC/USD", None, None))
            desk.link.cut()
            desk.http.replies["CancelOrder"] = {"count": 1, "pending": True}
            await desk.connector.cancel(OrderRef("BTC/USD", "PX1", "O1"))
            assert desk.http.named("CancelOrder")[0].fields["txid"] == "O1"

    run(main())


def test_cancel_many_goes_on_after_a_failure() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.refuses("batch_cancel", "EOrder:Unknown order")
            desk.accepts("cancel_order", cl_ord_id="PX3")
            refs = [OrderRef("BTC/USD", f"PX{number}", f"O{number}") for number in range(3)]
            with pytest.raises(RequestRejected):
                await desk.connector.cancel_many([*refs, OrderRef("BTC/USD", "PX3", None)])
            assert desk.link.last("batch_cancel")["params"]["orders"] == ["O0", "O1", "O2"]
            assert len(desk.link.requests("cancel_order")) == 1
            desk.accepts("batch_cancel", count=50)
            many = [OrderRef("BTC/USD", None, f"O{number}") for number in range(120)]
            await desk.connector.cancel_many(many)
            sizes = [len(item["params"]["orders"]) for item in desk.link.requests("batch_cancel")]
            assert sizes == [3, 50, 50, 20]

    run(main())


def test_cancel_all_and_the_dead_mans_switch() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.accepts("cancel_all", count=4)
            assert await desk.connector.cancel_all() == 4
            desk.accepts("cancel_all_orders_after", currentTime="x", triggerTime="0")
            await desk.connector.cancel_after(0)
            assert desk.link.last("cancel_all_orders_after")["params"]["timeout"] == 0
            desk.link.cut()
            desk.http.replies["CancelAll"] = {"count": 2}
            desk.http.replies["CancelAllOrdersAfter"] = {"currentTime": "x", "triggerTime": "y"}
            assert await desk.connector.cancel_all() == 2
            await desk.connector.cancel_after(60)
            assert desk.http.named("CancelAllOrdersAfter")[0].fields["timeout"] == "60"

    run(main())


@pytest.mark.fault(11)
def test_cancels_go_when_the_order_budget_is_empty() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.connector._limits.engine("BTC/USD").correct(180)
            desk.accepts("cancel_order", order_id="O1")
            with pytest.raises(VenueUnavailable):
                await desk.connector.submit(LIMIT, "PX1")
            assert desk.link.requests("add_order") == []
            await desk.connector.cancel(OrderRef("BTC/USD", "PX1", "O1"))

    run(main())


# --- looking up and comparing --------------------------------------------------------------------------


def orders(**changes: Any) -> dict[str, Any]:
    found = msgspec.json.decode(samples.ORDERS, type=dict[str, dict[str, Any]])
    found["OQCLML-BW3P3-BUCMWZ"].update(changes)
    return found


def test_an_order_is_looked_for_among_open_then_ended_ones() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.http.replies["OpenOrders"] = {"open": orders()}
            found = await desk.connector.order_status(OrderRef("BTC/USD", "my-order-1", None))
            assert found is not None
            assert found.state is OrderState.PARTLY_FILLED
            assert desk.http.named("OpenOrders")[0].fields["cl_ord_id"] == "my-order-1"
            assert desk.http.named("ClosedOrders") == []
            desk.http.replies["OpenOrders"] = {"open": {}}
            desk.http.replies["ClosedOrders"] = {"closed": orders(status="canceled")}
            found = await desk.connector.order_status(OrderRef("BTC/USD", "my-order-1", None))
            assert found is not None
            assert found.state is OrderState.CANCELED

    run(main())


def test_a_venue_that_ignores_the_filter_does_not_lend_another_order() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.http.replies["OpenOrders"] = {"open": orders()}
            desk.http.replies["ClosedOrders"] = {"closed": orders()}
            assert await desk.connector.order_status(OrderRef("BTC/USD", "another", None)) is None

    run(main())


@pytest.mark.fault(26)
def test_none_only_when_every_question_was_answered() -> None:
    async def main() -> None:
        async with Desk() as desk:
            assert await desk.connector.order_status(REF) is None
            assert [call.name for call in desk.http.calls][-3:] == [
                "OpenOrders",
                "QueryOrders",
                "ClosedOrders",
            ]
            desk.http.replies["QueryOrders"] = errors("EOrder:Invalid order")
            assert await desk.connector.order_status(REF) is None
            desk.connector.rest._read_pauses_s = (0.0,)
            desk.http.replies["ClosedOrders"] = FakeAnswer(502, b"<html>")
            with pytest.raises(VenueUnavailable):
                await desk.connector.order_status(REF)

    run(main())


def test_a_look_up_of_an_unknown_state_is_a_violation_not_a_none() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.http.replies["OpenOrders"] = {"open": orders(status="frozen")}
            with pytest.raises(ProtocolViolation):
                await desk.connector.order_status(REF)

    run(main())


def test_a_snapshot_has_everything_and_unconsolidated_fills() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.http.replies["OpenOrders"] = {"open": orders()}
            desk.http.replies["ClosedOrders"] = {"closed": {"OENDED-AAAAA-AAAAAA": {
                **orders(status="closed", cl_ord_id="old")["OQCLML-BW3P3-BUCMWZ"]}}}  # fmt: skip
            desk.http.replies["TradesHistory"] = {"trades": msgspec.json.decode(samples.TRADES)}
            snapshot = await desk.connector.snapshot(1_688_000_000_500_000_000)
            assert [report.client_order_id for report in snapshot.open_orders] == ["my-order-1"]
            assert [report.state for report in snapshot.recent_orders] == [OrderState.FILLED]
            assert snapshot.fills[0].client_order_id == "my-order-1"
            assert snapshot.balances[0] == Balance("USD", Decimal("25435.21"), Decimal("8249.76"))
            assert snapshot.fees == {"BTC/USD": FeeRates(Decimal("0.0000"), Decimal("0.1000"))}
            history = desk.http.named("TradesHistory")[0].fields
            assert (history["start"], history["consolidate_taker"]) == ("1687999999", "false")
            assert desk.http.named("ClosedOrders")[0].fields["start"] == "1687999999"
            assert desk.connector._limits.open_orders("BTC/USD") == 1

    run(main())


def test_a_snapshot_reads_every_page() -> None:
    async def main() -> None:
        async with Desk() as desk:
            trade = msgspec.json.decode(samples.TRADES)["TCCCTY-WE2O6-P3NB37"]

            def page(call: Call) -> object:
                first = int(call.fields.get("ofs", 0))
                return {"trades": {f"T{number}": trade for number in range(first, min(first + 50, 120))}}

            desk.http.replies["TradesHistory"] = page
            snapshot = await desk.connector.snapshot(0)
            assert len(snapshot.fills) == 120

    run(main())


@pytest.mark.fault(22)
def test_an_order_in_an_unknown_state_is_in_the_snapshot_in_doubt() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.http.replies["OpenOrders"] = {"open": orders(status="frozen")}
            snapshot = await desk.connector.snapshot(0)
            assert [report.state for report in snapshot.open_orders] == [OrderState.IN_DOUBT]
            assert desk.connector.health().faults == 1

    run(main())


def test_fee_rates_that_cannot_be_read_do_not_fail_a_snapshot_and_are_kept_for_a_while() -> None:
    async def main() -> None:
        async with Desk() as desk:
            good = desk.http.replies["TradeVolume"]
            desk.http.replies["TradeVolume"] = errors("EGeneral:Permission denied")
            desk.http.replies["OpenOrders"] = {"open": orders()}
            assert (await desk.connector.snapshot(0)).fees == {}
            desk.http.replies["TradeVolume"] = good
            for _ in range(3):
                assert await desk.connector.fee_rates("BTC/USD") == FeeRates(Decimal("0"), Decimal("0.1"))
            assert len(desk.http.named("TradeVolume")) == 2

    run(main())


# --- the test of a key ---------------------------------------------------------------------------------


def key_replies(**changes: object) -> dict[str, object]:
    return {
        "Balance": {}, "OpenOrders": {"open": {}}, "ClosedOrders": {"closed": {}},
        "AddOrder": {"descr": {"order": "buy"}}, "CancelOrder": errors("EOrder:Unknown order"),
        "GetWebSocketsToken": samples.TOKEN,
        "GetApiKeyInfo": {"apiKeyName": "desk", "permissions": ["query-funds", "query-open-trades"]},
        **changes,
    }  # fmt: skip


def key_tester(http: FakeHttp) -> KrakenConnector:
    return KrakenConnector(
        ConnectorSettings(endpoints={}, credentials=KEY, options={"tier": "pro"}),
        clock=ManualClock(),
        http=http,
        make_link=Links(),
    )


def test_a_good_key() -> None:
    async def main() -> None:
        http = FakeHttp(key_replies())
        report = await key_tester(http).test_credentials()
        assert report.can_trade
        assert all(has for name, has in report.permissions.items() if name != "Withdraw funds")
        assert report.permissions["Withdraw funds"] is False
        assert report.warnings == ()
        assert report.label == "desk …abcd"
        assert http.named("AddOrder")[0].fields["validate"] == "true"

    run(main())


@pytest.mark.parametrize(
    "permissions", [["trade", "withdraw-funds"], {"funds": {"withdraw": True}}, {"withdraw_funds": True}]
)
def test_a_key_that_may_withdraw_is_warned_of_first(permissions: object) -> None:
    async def main() -> None:
        http = FakeHttp(key_replies(GetApiKeyInfo={"permissions": permissions}))
        report = await key_tester(http).test_credentials()
        assert report.permissions["Withdraw funds"] is True
        assert "withdraw" in report.warnings[0]

    run(main())


def test_a_key_that_may_only_look() -> None:
    async def main() -> None:
        denied = errors("EGeneral:Permission denied")
        http = FakeHttp(key_replies(AddOrder=denied, CancelOrder=denied, GetApiKeyInfo=denied))
        report = await key_tester(http).test_credentials()
        assert not report.can_trade
        assert report.permissions["Query funds"]
        assert any("watch but not trade" in warning for warning in report.warnings)
        assert "Withdraw funds" not in report.permissions

    run(main())


def test_an_order_refused_for_its_own_sake_shows_that_the_permission_is_there() -> None:
    async def main() -> None:
        http = FakeHttp(key_replies(AddOrder=errors("EOrder:Insufficient funds")))
        assert (await key_tester(http).test_credentials()).can_trade

    run(main())


@pytest.mark.parametrize(
    "text_", ["EAPI:Invalid key", "EAPI:Invalid signature", "EGeneral:Temporary lockout"]
)
def test_a_wrong_key_is_refused_with_the_repair(text_: str) -> None:
    async def main() -> None:
        http = FakeHttp(key_replies(Balance=errors(text_)))
        with pytest.raises(AuthRejected) as caught:
            await key_tester(http).test_credentials()
        assert caught.value.repair
        assert len(http.calls) == 1

    run(main())


def test_a_test_without_an_answer_is_no_verdict() -> None:
    async def main() -> None:
        http = FakeHttp(key_replies(AddOrder=errors("EService:Unavailable")))
        with pytest.raises(VenueUnavailable):
            await key_tester(http).test_credentials()

    run(main())
