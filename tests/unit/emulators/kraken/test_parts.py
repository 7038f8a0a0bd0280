"""The parts of the Kraken face that need no socket."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.core.clock import ManualClock
from terminal.domain.market import Side
from terminal.domain.orders import OrderType, TimeInForce, TriggerReference
from terminal.emulators.kraken import ids
from terminal.emulators.kraken.auth import READ, TRADE, Gatekeeper, PracticeKey, sign
from terminal.emulators.kraken.checksum import book_checksum, digits
from terminal.emulators.kraken.counters import (
    TIERS,
    DecayingCounter,
    add_cost,
    amend_cost,
    cancel_cost,
    edit_cost,
)
from terminal.emulators.kraken.errors import ApiError
from terminal.emulators.kraken.names import Names
from terminal.emulators.kraken.orders import Terms, rest_terms, ws_terms
from terminal.emulators.kraken.params import Params, parse_form, parse_json
from terminal.emulators.kraken.wire import fixed, iso_us, number, parse_rfc3339
from terminal.emulators.market.listing import LISTINGS

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
# Kraken's published example and four that follow from its recipe.
VECTORS = [
    (
        "/0/private/AddOrder",
        "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
    ),
    (
        "/0/private/Balance",
        "nonce=1616492376594",
        "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/VgpEji3j1XNwI+HCbfXxmrTOg==",
    ),
    (
        "/0/private/GetWebSocketsToken",
        "nonce=1616492376594",
        "+mRDmY9Ks0Moc1zjv/BjfvYa98buO0x1yHChZR5onlfAzAUbfIYlLggUZzdQ0RsmXm4Sh+Q8iAIZdo2wSeHeiA==",
    ),
    (
        "/0/private/Balance",
        "nonce=1616492376594&otp=123456",
        "jbyoyzbCFde1u0Rnp3ChMEofg5y4E4qpI247mcYicXoAi4c201b8GKM5LmshBvKP9WVm+UFHd710qkGBE0tRJw==",
    ),
    (
        "/0/private/AddOrder",
        '{"nonce":1616492376594,"ordertype":"limit","pair":"XBTUSD","price":37500,"type":"buy","volume":1.25}',
        "kt1BXzwIvefKvBv6KKk2EDnbrxEGNWetNmjmXyYDHXIJYlIwvW0mQvC/OkeGzEt4OUvVS49Qd9gSBNMfE3iZ7Q==",
    ),
]

NAMES = Names(LISTINGS)
BTC = NAMES.pairs["BTC/USD"]
NOW_NS = 1_700_000_000_000_000_000


@pytest.mark.parametrize(("path", "body", "expected"), VECTORS)
def test_known_answer_vectors_of_api_sign(path: str, body: str, expected: str) -> None:
    assert sign(base64.b64decode(SECRET), path, "1616492376594", body.encode()) == expected


# ---- ids and names -------------------------------------------------------------------------------


@given(st.integers(min_value=1, max_value=10**14))
def test_ids_go_there_and_back(number_: int) -> None:
    txid = ids.order_txid(number_)
    assert [len(part) for part in txid.split("-")] == [6, 5, 6]
    assert txid[0] == "O"
    assert ids.order_id_of(txid) == number_
    assert ids.fill_id_of(ids.trade_txid(number_)) == number_
    assert ids.entry_id_of(ids.ledger_txid(number_)) == number_


def test_an_invented_id_is_nobodys() -> None:
    for text in ("OQCLML-BW3P3-BUCMWZ", "O", "", "T" + ids.order_txid(5)[1:], ids.order_txid(5).lower()):
        assert ids.order_id_of(text) is None


def test_every_name_of_a_pair_finds_it() -> None:
    for text in ("XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD", "BTCUSD", "xbtusd"):
        assert NAMES.find_pair(text) is BTC
    assert NAMES.pairs["DOGE/USD"].wsname == "XDG/USD"
    assert NAMES.pairs["ETH/BTC"].pair_id == "XETHXXBT"
    assert NAMES.pairs["SOL/USD"].pair_id == "SOLUSD"
    assert NAMES.pairs["BTC/USDT"].pair_id == "XBTUSDT"
    assert NAMES.find_pair("FOOUSD") is None
    for text in ("XXBT", "XBT", "BTC"):
        asset = NAMES.find_asset(text)
        assert asset is not None
        assert asset.asset_id == "XXBT"


# ---- checksum ------------------------------------------------------------------------------------

EXAMPLE_A = (
    (
        "45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 45290.2/0.15890660 "
        "45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 45297.5/0.09945542 45299.5/0.18772827"
    ),
    (
        "45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 45280.3/1.54592586 "
        "45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 45277.3/1.54602737 45276.6/0.15445238"
    ),
)
EXAMPLE_B = (
    (
        "29430.3/8.25215653 29430.4/2.55637606 29430.5/0.2997598 29430.9/2.56473216 29431.0/0.00011662 "
        "29431.1/0.001 29432.3/0.0241 29432.4/0.02210682 29432.5/3.39761477 29433.1/0.01021497"
    ),
    (
        "29430.2/0.18967538 29429.6/0.00011621 29427.4/0.001 29426.7/4.0 29425.7/0.67945399 "
        "29423.5/0.67950478 29422.1/0.16314267 29421.8/0.06797895 29421.7/0.23401846 29421.5/0.28639276"
    ),
)


def _levels(text: str) -> dict[Decimal, Decimal]:
    pairs = (level.split("/") for level in text.split())
    return {Decimal(price): Decimal(quantity) for price, quantity in pairs}


def _crc(asks: dict[Decimal, Decimal], bids: dict[Decimal, Decimal]) -> int:
    def texts(levels: dict[Decimal, Decimal], *, reverse: bool) -> list[str]:
        best = sorted(levels, reverse=reverse)[:10]
        return [digits(price, 1) + digits(levels[price], 8) for price in best]

    return book_checksum(texts(asks, reverse=False), texts(bids, reverse=True))


def test_checksum_of_krakens_own_example() -> None:
    assert _crc(_levels(EXAMPLE_A[0]), _levels(EXAMPLE_A[1])) == 3310070434


def test_checksum_of_the_recorded_example_and_its_two_updates() -> None:
    asks, bids = _levels(EXAMPLE_B[0]), _levels(EXAMPLE_B[1])
    assert _crc(asks, bids) == 2785033588
    del asks[Decimal("29431.1")]
    asks[Decimal("29433.3")] = Decimal("0.8")
    asks[Decimal("29430.6")] = Decimal("0.001")
    assert _crc(asks, bids) == 3547452596
    asks[Decimal("29430.3")] = Decimal("8.25182177")
    assert _crc(asks, bids) == 3111681483


# ---- counters ------------------------------------------------------------------------------------


def test_the_rest_counter_fills_refuses_and_drains() -> None:
    clock = ManualClock()
    tier = TIERS["starter"]
    counter = DecayingCounter(tier.rest_max, tier.rest_decay_per_s, clock.monotonic_ns)
    assert all(counter.try_charge(1) for _ in range(15))
    assert not counter.try_charge(1)
    clock.advance(3.0)
    assert not counter.try_charge(1)  # 0.33 a second: not a whole point yet
    clock.advance(3.1)
    assert counter.try_charge(1)
    assert counter.try_charge(0)  # trading calls cost nothing here, even with the counter full


@pytest.mark.parametrize(
    ("age_s", "amend", "edit", "cancel"),
    [(0, 4, 7, 8), (5, 3, 6, 6), (10, 2, 5, 5), (15, 1, 3, 4), (45, 1, 2, 2), (90, 1, 1, 1), (300, 1, 1, 0)],
)
def test_engine_costs_by_age(age_s: float, amend: int, edit: int, cancel: int) -> None:
    assert (amend_cost(age_s), edit_cost(age_s), cancel_cost(age_s)) == (amend, edit, cancel)


def test_a_batch_costs_half_an_order_each() -> None:
    assert add_cost() == 1
    assert add_cost(4) == 2


# ---- who calls -----------------------------------------------------------------------------------


class Door:
    """A gatekeeper with one key and a clock in hand."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        options.setdefault("permissions", TRADE)
        self.key = PracticeKey("k", "KEY", b"s" * 64, "account", **options)
        self.gate = Gatekeeper([self.key], wall_ns=self.clock.wall_ns, monotonic_ns=self.clock.monotonic_ns)

    def call(self, nonce: int, method: str = "Balance", **values: str) -> str:
        """What the gate says: nothing, or an error text."""
        body = f"nonce={nonce}".encode()
        path = f"/0/private/{method}"
        headers = {"api-key": "KEY", "api-sign": sign(b"s" * 64, path, str(nonce), body)}
        try:
            self.gate.admit(method, path, headers, body, {"nonce": str(nonce), **values})
        except ApiError as error:
            return error.text
        return ""


def test_a_nonce_must_rise() -> None:
    door = Door()
    assert door.call(10) == ""
    assert door.call(10) == "EAPI:Invalid nonce"
    assert door.call(9) == "EAPI:Invalid nonce"
    assert door.call(11) == ""
    assert door.call(2**64) == "EAPI:Invalid nonce"


def test_a_nonce_window_takes_late_ones_once() -> None:
    door = Door(nonce_window=5)
    assert door.call(10) == ""
    assert door.call(7) == ""
    assert door.call(7) == "EAPI:Invalid nonce"
    assert door.call(5) == "EAPI:Invalid nonce"


def test_a_wrong_signature_does_not_use_up_the_nonce() -> None:
    door = Door()
    with pytest.raises(ApiError, match="EAPI:Invalid signature"):
        door.gate.admit("Balance", "/x", {"api-key": "KEY", "api-sign": "AAAA"}, b"", {"nonce": "10"})
    with pytest.raises(ApiError, match="EAPI:Invalid key"):
        door.gate.admit("Balance", "/x", {"api-key": "NO"}, b"", {"nonce": "10"})
    assert door.call(10) == ""


def test_second_factor_and_permissions() -> None:
    door = Door(otp="123456")
    assert door.call(1) == "EAPI:Invalid signature"
    assert door.call(2, otp="123456") == ""
    door = Door(permissions=READ)
    assert door.call(1, "AddOrder") == "EGeneral:Permission denied"
    assert door.call(2, "OpenOrders") == ""


def test_too_many_bad_calls_lock_the_caller_out_for_a_quarter_of_an_hour() -> None:
    door = Door()
    door.call(1)
    for _ in range(20):
        assert door.call(1) == "EAPI:Invalid nonce"
    assert door.call(2) == "EGeneral:Temporary lockout"
    door.clock.advance(901)
    assert door.call(3) == ""


def test_a_token_lives_fifteen_minutes_or_as_long_as_its_subscription() -> None:
    door = Door()
    first, second = door.gate.new_token(door.key), door.gate.new_token(door.key)
    door.gate.hold_token(second)
    door.clock.advance(901)
    with pytest.raises(ApiError, match="ESession:Invalid session"):
        door.gate.token_key(first)
    assert door.gate.token_key(second) is door.key
    door.gate.release_token(second)
    with pytest.raises(ApiError, match="ESession:Invalid session"):
        door.gate.token_key(second)


# ---- parameters ----------------------------------------------------------------------------------


def test_bracketed_form_keys_nest() -> None:
    found = parse_form(
        "pair=XBTUSD&close[ordertype]=limit&close[price]=1&orders[0][volume]=2&orders[1][volume]=3"
        "&cl_ord_ids[]=a&cl_ord_ids[]=b&price=%2B5%25"
    )
    assert found == {
        "pair": "XBTUSD",
        "close": {"ordertype": "limit", "price": "1"},
        "orders": [{"volume": "2"}, {"volume": "3"}],
        "cl_ord_ids": ["a", "b"],
        "price": "+5%",
    }


@pytest.mark.parametrize("text", ["[1]", "{", '{"a":NaN}', "[" * 100_000, "", "null", '{"a":1e999999999}'])
def test_unreadable_json_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="EGeneral:Invalid arguments"):
        Params(parse_json(text)).decimal("a")


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1e999", "abc", "1,5", "0x10", "1_000", "９", "", "1" * 70]
)
def test_no_number_is_no_volume(text: str) -> None:
    assert _refusal(volume=text) == "EGeneral:Invalid arguments:volume"


# ---- orders --------------------------------------------------------------------------------------


def _rest(**changes: Any) -> Terms:
    values = {"ordertype": "limit", "type": "buy", "volume": "1", "price": "100.5", **changes}
    values = {name: value for name, value in values.items() if value is not None}
    return rest_terms(Params(values), BTC, NOW_NS, lambda which: Decimal("100.0"))


def _refusal(**changes: Any) -> str:
    with pytest.raises(ApiError) as caught:
        _rest(**changes)
    return caught.value.text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "hold"}, "EGeneral:Invalid arguments:type"),
        ({"ordertype": "magic"}, "EGeneral:Invalid arguments:ordertype"),
        ({"ordertype": None}, "EGeneral:Invalid arguments:ordertype"),
        ({"volume": "0"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "-1"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": None}, "EGeneral:Invalid arguments:volume"),
        ({"price": None}, "EGeneral:Invalid arguments:price"),
        ({"price": "0"}, "EOrder:Invalid price:Invalid price argument"),
        ({"price": "-100%"}, "EOrder:Invalid price:Invalid price argument"),
        ({"price": "abc"}, "EGeneral:Invalid arguments:price"),
        ({"oflags": "post,foo"}, "EGeneral:Invalid arguments:oflags"),
        ({"oflags": "fcib,fciq"}, "EGeneral:Invalid arguments:oflags"),
        (
            {"oflags": "viqc"},
            "EGeneral:Invalid arguments:viqc option is only available when ordertype = market",
        ),
        ({"timeinforce": "DAY"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"timeinforce": "GTD"}, "EGeneral:Invalid arguments:expiretm"),
        ({"expiretm": "-5"}, "EGeneral:Invalid arguments:expiretm"),
        ({"stptype": "cancel_newest"}, "EGeneral:Invalid arguments:stptype"),
        ({"trigger": "mark"}, "EGeneral:Invalid arguments:trigger"),
        ({"leverage": "2:1"}, "EOrder:Cannot open position"),
        ({"reduce_only": "true"}, "EOrder:Reduce only:Non-PC"),
        ({"ordertype": "settle-position"}, "EOrder:Unknown position"),
        ({"userref": "2147483648"}, "EGeneral:Invalid arguments:userref"),
        ({"userref": "x"}, "EGeneral:Invalid arguments:userref"),
        ({"cl_ord_id": "x" * 19}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": "é"}, "EGeneral:Invalid arguments:cl_ord_id"),
        (
            {"cl_ord_id": "a", "userref": "1"},
            "EGeneral:Invalid arguments:userref and cl_ord_id are mutually exclusive",
        ),
        ({"deadline": "tomorrow"}, "EGeneral:Invalid arguments:deadline"),
        ({"deadline": "2023-11-14T22:13:19Z"}, "EService:Deadline elapsed"),
        ({"deadline": "2023-11-14T22:15:00Z"}, "EGeneral:Invalid arguments:deadline"),
        ({"ordertype": "stop-loss-limit"}, "EGeneral:Invalid arguments:price2"),
        ({"ordertype": "trailing-stop", "price": "5"}, "EOrder:Invalid price:Invalid price argument"),
        ({"validate": "maybe"}, "EGeneral:Invalid arguments:validate"),
        ({"close": {"ordertype": "market"}}, "EGeneral:Invalid arguments:close[ordertype]"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes: dict[str, Any], expected: str) -> None:
    assert _refusal(**changes) == expected


def test_terms_of_a_rich_rest_order() -> None:
    terms = _rest(
        ordertype="stop-loss-limit",
        type="sell",
        price="#10%",
        price2="-1.5",
        trigger="index",
        oflags="fcib",
        timeinforce="GTD",
        expiretm="+60",
        cl_ord_id="6d1b345e-2821-40e2-ad83-4ecb18a06876",
        stptype="cancel-both",
        close={"ordertype": "limit", "price": "+5%"},
    )
    assert terms.order_type is OrderType.STOP_LIMIT
    assert terms.side is Side.SELL
    assert terms.trigger_price == Decimal("90.0")  # a sell stop lies below
    assert terms.limit_price == Decimal("88.5")
    assert terms.reference is TriggerReference.INDEX
    assert terms.force is TimeInForce.GTD
    assert terms.expire_ns == NOW_NS + 60_000_000_000
    assert terms.fee_in_base
    assert terms.description() == {
        "order": "sell 1.00000000 XBTUSD @ stop loss 90.0 -> limit 88.5",
        "close": "close position @ limit +5%",
    }


def test_descriptions_read_as_krakens() -> None:
    assert (
        _rest(volume="1.25", price="27500").description()["order"] == "buy 1.25000000 XBTUSD @ limit 27500.0"
    )
    assert _rest(ordertype="market").description()["order"] == "buy 1.00000000 XBTUSD @ market"
    trailing = _rest(ordertype="trailing-stop", price="+1.5%")
    assert trailing.description()["order"] == "buy 1.00000000 XBTUSD @ trailing stop +1.5000%"


def _ws(**changes: Any) -> Terms:
    values = {"order_type": "limit", "side": "buy", "symbol": "BTC/USD", "order_qty": 1, "limit_price": 100}
    values.update(changes)
    values = {name: value for name, value in values.items() if value is not None}
    return ws_terms(values, BTC, NOW_NS, lambda which: Decimal("100.0"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": 1}, "Unsupported field: 'price' for the given msg type: add order"),
        ({"cash_order_qty": "5", "order_qty": None}, "Cash_order_qty field must be a number_float"),
        ({"order_qty": "1"}, "Order_qty field must be a number_float"),
        ({"order_qty": None}, "EGeneral:Invalid arguments:order_qty"),
        ({"post_only": "true"}, "Post_only field must be a boolean"),
        (
            {"no_mpp": True},
            "EGeneral:Invalid arguments:no_mpp order option is only available when ordertype = market",
        ),
        ({"limit_price": None}, "EGeneral:Invalid arguments:limit_price"),
        ({"limit_price": -5}, "EOrder:Invalid price:Invalid price argument"),
        ({"time_in_force": "day"}, "EGeneral:Invalid arguments:time_in_force"),
        ({"margin": True}, "EOrder:Cannot open position"),
        ({"triggers": {"price": 5}}, "EGeneral:Invalid arguments:triggers"),
        ({"order_type": "stop-loss", "limit_price": None}, "EGeneral:Invalid arguments:triggers"),
        ({"stp_type": "cancel-newest-x"}, "EGeneral:Invalid arguments:stp_type"),
        ({"cl_ord_id": 5}, "Cl_ord_id field must be a string"),
    ],
)
def test_a_wrong_websocket_field_is_refused(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ApiError) as caught:
        _ws(**changes)
    assert caught.value.text == expected


def test_trailing_and_relative_triggers_over_the_websocket() -> None:
    terms = _ws(
        order_type="trailing-stop",
        limit_price=None,
        triggers={"reference": "last", "price": Decimal("1.0"), "price_type": "pct"},
    )
    assert (terms.trail_offset, terms.trail_in_percent) == (Decimal("1.0"), True)
    terms = _ws(
        order_type="take-profit", side="sell", limit_price=None, triggers={"price": 2, "price_type": "pct"}
    )
    assert terms.trigger_price == Decimal("102.0")


# ---- the wire ------------------------------------------------------------------------------------


def test_numbers_keep_their_digits() -> None:
    assert bytes(number(Decimal("0.1"), 8)) == b"0.10000000"
    assert bytes(number(Decimal("1E-8"), 8)) == b"0.00000001"
    assert fixed(Decimal("1E+3"), 1) == "1000.0"


def test_times_go_there_and_back() -> None:
    text = iso_us(1_696_613_755_440_295_000)
    assert text == "2023-10-06T17:35:55.440295Z"
    assert parse_rfc3339(text) == 1_696_613_755_440_295_000
    assert parse_rfc3339("2023-10-06T17:35:55") is None
    assert parse_rfc3339("soon") is None
