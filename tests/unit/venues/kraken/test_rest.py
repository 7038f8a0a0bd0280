"""REST: what is sent, how answers are told apart, and that a write is never sent twice."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.core.secret import Secret
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    NotSent,
    OutcomeUnknown,
    ProtocolViolation,
    RateLimited,
    RequestRejected,
    Unsupported,
    VenueUnavailable,
)
from terminal.venues.kraken.auth import Signer, sign
from terminal.venues.kraken.limits import RateLimits
from terminal.venues.kraken.nonce import MemoryNonceStore, NonceSource
from terminal.venues.kraken.rest import KrakenRest, NewOrder, form_fields
from tests.helpers import run
from tests.unit.venues.kraken import samples
from tests.unit.venues.kraken.fakes import Call, FakeAnswer, FakeHttp, errors

PRIVATE = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
ORDER = NewOrder(ordertype="limit", type="buy", volume="1.25", price="27500.0", cl_ord_id="PX1")
PAGE = FakeAnswer(200, b"<!DOCTYPE html><html>sorry</html>")


def make(
    http: FakeHttp, *, otp: Callable[[], str] | None = None, clock: ManualClock | None = None
) -> KrakenRest:
    clock = clock or ManualClock()
    signer = Signer(Secret("the-public-key"), Secret(PRIVATE), otp)
    return KrakenRest(
        http,
        RateLimits("pro", clock, public_calls_per_s=1000),
        clock,
        signer=signer,
        nonces=NonceSource(signer.key_id, MemoryNonceStore(), clock),
        read_pauses_s=(0.0, 0.0),
    )


def test_parameters_as_text() -> None:
    params = {"a": None, "b": True, "c": Decimal("5E-7"), "d": ["x", "y"], "e": 3, "f": [], "g": "+5"}
    assert form_fields(params) == {"b": "true", "c": "0.0000005", "d": "x,y", "e": "3", "g": "+5"}


def test_a_private_call_is_signed_over_exactly_what_is_sent() -> None:
    async def main() -> None:
        http = FakeHttp({"Balance": {"ZUSD": "171288.6158"}})
        seen: list[bytes] = []
        send = http.request

        async def spy(*args: object, **rest: object) -> FakeAnswer:
            seen.append(rest["content"])  # type: ignore[arg-type]
            return await send(*args, **rest)  # type: ignore[arg-type]

        http.request = spy  # type: ignore[method-assign]
        rest = make(http, otp=lambda: "123456")
        assert await rest.balance() == {"ZUSD": Decimal("171288.6158")}
        call = http.calls[0]
        assert (call.method, call.path, call.reading) == ("POST", "/0/private/Balance", True)
        assert call.fields["otp"] == "123456"
        expected = sign(base64.b64decode(PRIVATE), call.path, call.fields["nonce"], seen[0])
        assert call.headers["API-Sign"] == expected
        assert call.headers["API-Key"] == "the-public-key"

    run(main())


def test_add_order_sends_krakens_field_names() -> None:
    async def main() -> None:
        http = FakeHttp(
            {
                "AddOrder": {
                    "descr": {"order": "buy 1.25 XBTUSD @ limit 27500.0"},
                    "txid": ["OU22CG-KLAF2-FWUDD7"],
                }
            }
        )
        order = NewOrder(
            ordertype="stop-loss-limit", type="sell", volume="1.25", price="27000", price2="26900",
            trigger="index", oflags="post", timeinforce="GTD", expiretm="1800000000",
            close_ordertype="take-profit", close_price="+5%", cl_ord_id="PX1",
        )  # fmt: skip
        result = await make(http).add_order("XXBTZUSD", order, deadline="2024-05-18T12:05:50Z")
        assert result.txid == ["OU22CG-KLAF2-FWUDD7"]
        fields = http.calls[0].fields
        fields.pop("nonce")
        assert fields == {
            "pair": "XXBTZUSD", "ordertype": "stop-loss-limit", "type": "sell", "volume": "1.25",
            "price": "27000", "price2": "26900", "trigger": "index", "oflags": "post", "timeinforce": "GTD",
            "expiretm": "1800000000", "close[ordertype]": "take-profit", "close[price]": "+5%",
            "cl_ord_id": "PX1", "deadline": "2024-05-18T12:05:50Z",
        }  # fmt: skip
        assert http.calls[0].reading is False

    run(main())


def test_a_dry_run_has_no_id() -> None:
    async def main() -> None:
        http = FakeHttp({"AddOrder": {"descr": {"order": "buy"}}})
        result = await make(http).add_order("XBTUSD", ORDER, validate=True)
        assert result.txid == []
        assert http.calls[0].fields["validate"] == "true"

    run(main())


def test_batches_are_json_with_the_nonce_inside() -> None:
    async def main() -> None:
        http = FakeHttp(
            {
                "AddOrderBatch": {
                    "orders": [
                        {"txid": "O1", "descr": {"order": "x"}},
                        {"error": "EOrder:Insufficient funds"},
                    ]
                },
                "CancelOrderBatch": {"count": 2},
            }
        )
        rest = make(http)
        rows = (await rest.add_order_batch("XBTUSD", [ORDER, ORDER])).orders
        assert [(row.txid, row.error) for row in rows] == [("O1", None), (None, "EOrder:Insufficient funds")]
        assert (await rest.cancel_order_batch(orders=["O1"], cl_ord_ids=["PX2"])).count == 2
        first, second = http.calls
        assert first.headers["Content-Type"] == "application/json"
        assert first.fields["orders"][0]["cl_ord_id"] == "PX1"
        assert int(second.fields["nonce"]) > int(first.fields["nonce"])
        assert (second.fields["orders"], second.fields["cl_ord_ids"]) == (["O1"], ["PX2"])

    run(main())


Calls = Callable[[KrakenRest], Awaitable[object]]

READS: list[tuple[str, Calls, str]] = [
    ("Time", lambda r: r.time(), '{"unixtime":1688669448,"rfc1123":"Thu, 06 Jul 23 18:50:48 +0000"}'),
    ("SystemStatus", lambda r: r.system_status(), '{"status":"online","timestamp":"2023-07-06T18:52:00Z"}'),
    ("Assets", lambda r: r.assets(["XBT"]), '{"XXBT":{"aclass":"currency","altname":"XBT","decimals":10}}'),
    ("AssetPairs", lambda r: r.asset_pairs(["XBTUSD"], info="fees"), samples.ASSET_PAIRS),
    ("Ticker", lambda r: r.ticker(["XBTUSD"]), samples.TICKER_REST),
    (
        "OHLC",
        lambda r: r.ohlc("XBTUSD", interval=5, since=1),
        (
            '{"XXBTZUSD":[[1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23]],'
            '"last":1688672160}'
        ),
    ),
    (
        "Depth",
        lambda r: r.depth("XBTUSD", count=2),
        '{"XXBTZUSD":{"asks":[["30384.10000","2.059",1688671659]],"bids":[["30297.00000","1.115",1688671636]]}}',
    ),
    (
        "Trades",
        lambda r: r.trades("XBTUSD", since=1, count=1),
        (
            '{"XXBTZUSD":[["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952]],'
            '"last":"1688671969993150842"}'
        ),
    ),
    (
        "Spread",
        lambda r: r.spread("XBTUSD"),
        '{"XXBTZUSD":[[1688671834,"30292.10000","30297.50000"]],"last":1688672106}',
    ),
    ("Balance", lambda r: r.balance(), '{"ZUSD":"171288.6158"}'),
    ("BalanceEx", lambda r: r.balance_ex(), samples.BALANCE_EX),
    (
        "TradeBalance",
        lambda r: r.trade_balance("ZUSD"),
        (
            '{"eb":"1101.3425","tb":"392.2264","m":"7.0354","n":"-10.0232","c":"21.1063","v":"31.1297",'
            '"e":"382.2032","mf":"375.1678","ml":"5432.57"}'
        ),
    ),
    ("OpenOrders", lambda r: r.open_orders(cl_ord_id="x"), f'{{"open":{samples.ORDERS}}}'),
    ("ClosedOrders", lambda r: r.closed_orders(start=1), f'{{"closed":{samples.ORDERS},"count":1}}'),
    ("QueryOrders", lambda r: r.query_orders(["O1", "O2"]), samples.ORDERS),
    ("TradesHistory", lambda r: r.trades_history(), f'{{"trades":{samples.TRADES},"count":1}}'),
    ("QueryTrades", lambda r: r.query_trades(["T1"]), samples.TRADES),
    (
        "OpenPositions",
        lambda r: r.open_positions(docalcs=True),
        (
            '{"TF5GVO-T7ZZ2-6NBKBI":{"ordertxid":"OLWNFG-LLH4R-D6SFFP","posstatus":"open","pair":"XXBTZUSD",'
            '"time":1605280097.8294,"type":"buy","ordertype":"limit","cost":"104610.52842","fee":"289.06565",'
            '"vol":"8.82412861","vol_closed":"0.20200000","margin":"20922.10568","value":"258797.5",'
            '"net":"+154186.9728","terms":"0.0100% per 4 hours","rollovertm":"1616672637",'
            '"misc":"","oflags":""}}'
        ),
    ),
    (
        "Ledgers",
        lambda r: r.ledgers(assets=["ZUSD"]),
        (
            '{"ledger":{"L4UESK-KG3EQ-UFO4T5":{"refid":"TJKLXF-PGMUI-4NTLXU","time":1688464484.1787,"type":"trade",'
            '"subtype":"","aclass":"currency","asset":"ZGBP","amount":"-24.5000","fee":"0.0490",'
            '"balance":"459567.9171"}},"count":1}'
        ),
    ),
    (
        "QueryLedgers",
        lambda r: r.query_ledgers(["L1"]),
        (
            '{"L4UESK-KG3EQ-UFO4T5":{"refid":"T","time":1,"type":"trade","asset":"ZGBP","amount":"1","fee":"0",'
            '"balance":"2"}}'
        ),
    ),
    ("TradeVolume", lambda r: r.trade_volume(["XBTUSD"]), samples.TRADE_VOLUME),
    ("GetWebSocketsToken", lambda r: r.get_websockets_token(), samples.TOKEN),
    ("GetApiKeyInfo", lambda r: r.get_api_key_info(), '{"anything":[1]}'),
    (
        "OrderAmends",
        lambda r: r.order_amends("O1"),
        (
            '{"count":1,"amends":[{"amend_id":"TVV6AS-2DZDG-6MVHVO","amend_type":"original","order_qty":"0.01",'
            '"remaining_qty":"0.01","limit_price":"61032.8","timestamp":1724158070287}]}'
        ),
    ),
]
WRITES: list[tuple[str, Calls, str]] = [
    ("AddOrder", lambda r: r.add_order("XBTUSD", ORDER), '{"descr":{"order":"buy"},"txid":["O1"]}'),
    (
        "AmendOrder",
        lambda r: r.amend_order(txid="O1", order_qty=Decimal("1.5")),
        '{"amend_id":"TEZA4R-DSDGT-IJBOJK"}',
    ),
    (
        "EditOrder",
        lambda r: r.edit_order("XBTUSD", "O1", price="+1%", volume=Decimal(1)),
        (
            '{"status":"ok","txid":"O2","originaltxid":"O1","volume":"1.0","price":"30000","orders_cancelled":1,'
            '"descr":{"order":"buy"}}'
        ),
    ),
    ("CancelOrder", lambda r: r.cancel_order(txid="O1"), '{"count":1,"pending":false}'),
    ("CancelAll", lambda r: r.cancel_all(), '{"count":4}'),
    (
        "CancelAllOrdersAfter",
        lambda r: r.cancel_all_orders_after(60),
        '{"currentTime":"2023-03-24T17:41:56Z","triggerTime":"2023-03-24T17:42:56Z"}',
    ),
    ("AddOrderBatch", lambda r: r.add_order_batch("XBTUSD", [ORDER, ORDER]), '{"orders":[{"txid":"O1"}]}'),
    ("CancelOrderBatch", lambda r: r.cancel_order_batch(orders=["O1", "O2"]), '{"count":2}'),
]
NAMES = [row[0] for row in (*READS, *WRITES)]


@pytest.mark.parametrize(("name", "call", "result"), [*READS, *WRITES], ids=NAMES)
def test_each_call_reads_krakens_own_answer(name: str, call: Calls, result: str) -> None:
    async def main() -> None:
        http = FakeHttp({name: result})
        assert await call(make(http)) is not None
        assert [item.name for item in http.calls] == [name]
        assert http.calls[0].reading is (name not in [row[0] for row in WRITES])

    run(main())


@pytest.mark.fault(12)
@pytest.mark.parametrize(("name", "call", "result"), WRITES, ids=[row[0] for row in WRITES])
@pytest.mark.parametrize(
    "answer",
    [
        PAGE,
        FakeAnswer(503, b"<html>"),
        FakeAnswer(520, b""),
        FakeAnswer(200, b'{"error":[],"resu'),
        FakeAnswer(200, b""),
        errors("EService:Busy"),
        errors("EGeneral:Internal error"),
        FakeAnswer(200, b'{"error":[],"result":[1]}'),
    ],
    ids=["page", "503", "520", "truncated", "empty", "busy", "internal", "other shape"],
)
def test_a_write_without_a_usable_answer_is_unknown_and_sent_once(
    name: str, call: Calls, result: str, answer: FakeAnswer
) -> None:
    async def main() -> None:
        http = FakeHttp({name: answer})
        with pytest.raises(OutcomeUnknown):
            await call(make(http))
        assert len(http.calls) == 1

    run(main())


@pytest.mark.fault(12)
@pytest.mark.parametrize("answer", [PAGE, FakeAnswer(503, b""), errors("EService:Unavailable")])
def test_a_read_is_tried_again_and_then_given_up(answer: FakeAnswer) -> None:
    async def main() -> None:
        http = FakeHttp({"Balance": [answer, {"ZUSD": "1"}]})
        assert await make(http).balance() == {"ZUSD": Decimal(1)}
        http = FakeHttp({"Balance": answer})
        with pytest.raises(VenueUnavailable):
            await make(http).balance()
        assert len(http.calls) == 3

    run(main())


def test_a_result_of_another_shape_is_a_violation() -> None:
    async def main() -> None:
        faults: list[str] = []
        http = FakeHttp({"BalanceEx": ["not", "a", "map"], "Trades": {"XXBTZUSD": [[1]]}})
        http.replies["BalanceEx"] = '["not a map"]'
        rest = make(http)
        rest._on_fault = faults.append
        with pytest.raises(ProtocolViolation):
            await rest.balance_ex()
        with pytest.raises(ProtocolViolation):
            await rest.trades("XBTUSD")
        assert len(faults) == 1

    run(main())


def test_a_refusal_of_an_order_is_in_krakens_words() -> None:
    async def main() -> None:
        http = FakeHttp({"AddOrder": errors("EOrder:Insufficient funds")})
        with pytest.raises(RequestRejected) as caught:
            await make(http).add_order("XBTUSD", ORDER)
        assert caught.value.code == "EOrder:Insufficient funds"
        assert len(http.calls) == 1

    run(main())


def test_a_warning_beside_a_result_is_not_an_error() -> None:
    async def main() -> None:
        http = FakeHttp({"Balance": FakeAnswer(200, b'{"error":["WDatabase:Slow"],"result":{"ZUSD":"1"}}')})
        assert await make(http).balance() == {"ZUSD": Decimal(1)}

    run(main())


def test_an_old_nonce_is_renewed_once_for_a_read_and_never_for_a_write() -> None:
    async def main() -> None:
        old = errors("EAPI:Invalid nonce")
        http = FakeHttp({"Balance": [old, {"ZUSD": "1"}], "AddOrder": old})
        rest = make(http)
        await rest.balance()
        first, second = http.calls
        assert int(second.fields["nonce"]) > int(first.fields["nonce"])
        with pytest.raises(OutcomeUnknown):
            await rest.add_order("XBTUSD", ORDER)
        assert len(http.named("AddOrder")) == 1
        http.replies["Balance"] = errors("EAPI:Invalid nonce")
        with pytest.raises(AuthRejected):
            await rest.balance()

    run(main())


def test_a_wrong_key_is_tried_twice_and_no_more() -> None:
    async def main() -> None:
        http = FakeHttp({"Balance": errors("EAPI:Invalid key")})
        rest = make(http)
        for _ in range(4):
            with pytest.raises(AuthRejected):
                await rest.balance()
        assert len(http.calls) == 2

    run(main())


@pytest.mark.fault(11)
def test_too_fast_is_passed_on_with_its_pause_and_the_budget_shows_full() -> None:
    async def main() -> None:
        http = FakeHttp({"Balance": errors("EAPI:Rate limit exceeded")})
        rest = make(http)
        with pytest.raises(RateLimited) as caught:
            await rest.balance()
        assert caught.value.retry_after_s == 10
        assert rest._limits.rest.level() == 20
        assert len(http.calls) == 1
        http = FakeHttp({"Time": FakeAnswer(429, b"", {"retry-after": "7"})})
        with pytest.raises(RateLimited) as caught:
            await make(http).time()
        assert caught.value.retry_after_s == 7

    run(main())


def test_without_a_key_private_calls_say_what_is_missing() -> None:
    async def main() -> None:
        clock = ManualClock()
        rest = KrakenRest(FakeHttp(), RateLimits("pro", clock), clock)
        with pytest.raises(CredentialError):
            await rest.balance()

    run(main())


def test_private_calls_leave_one_at_a_time_in_the_order_of_their_nonces() -> None:
    async def main() -> None:
        http = FakeHttp({"Balance": {"ZUSD": "1"}, "CancelOrder": {"count": 1}})
        inside = 0
        most = 0

        async def slow(call: Call) -> None:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            for _ in range(3):
                await asyncio.sleep(0)
            inside -= 1

        http.delay = slow
        rest = make(http)
        reads = [tasks.spawn(rest.balance(), name=f"read {number}") for number in range(4)]
        await asyncio.sleep(0)
        await rest.cancel_order(txid="O1")
        await asyncio.gather(*reads)
        assert most == 1
        nonces = [int(call.fields["nonce"]) for call in http.calls]
        assert nonces == sorted(nonces)
        assert [call.name for call in http.calls].index("CancelOrder") == 1  # it went first of those waiting

    run(main())


def test_a_request_that_never_left_stays_not_sent() -> None:
    async def main() -> None:
        http = FakeHttp({"AddOrder": NotSent("kraken", "no connection")})
        with pytest.raises(NotSent):
            await make(http).add_order("XBTUSD", ORDER)

    run(main())


def test_raw_calls_give_krakens_own_words_and_only_read() -> None:
    async def main() -> None:
        http = FakeHttp({"Ticker": '{"XXBTZUSD":{"c":["60000.10000","1"]}}', "Balance": {"ZUSD": "1.5"}})
        rest = make(http)
        told = await rest.raw("/0/public/Ticker", {"pair": "XBTUSD"})
        assert told == b'{"XXBTZUSD":{"c":["60000.10000","1"]}}'
        assert http.calls[0].query == {"pair": "XBTUSD"}
        assert await rest.raw("/0/private/Balance", {}) == b'{"ZUSD":"1.5"}'
        for path in (
            *("/0/private/Withdraw", "/0/private/AddOrder", "/0/private/CancelAll", "/0/public/Balance"),
            *("/0/private/../private/Balance", "0/public/Ticker", "", "/0/private/GetWebSocketsToken"),
        ):
            with pytest.raises(Unsupported):
                await rest.raw(path, {})
        with pytest.raises(Unsupported):
            await rest.raw("/0/private/Balance", {"nonce": "1"})
        assert [call.name for call in http.calls] == ["Ticker", "Balance"]

    run(main())
