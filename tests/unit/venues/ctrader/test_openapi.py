"""The message classes against frames of known meaning, and the module against its .proto.

The frames are the byte-exact examples of the protocol's description (cTrader Open API 2.0, release 91).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import google.protobuf
import pytest
from google.protobuf.message import Message

from terminal.venues.ctrader import openapi_pb2 as pb

PROTO = Path(pb.__file__ or "").with_name("openapi.proto").read_text(encoding="utf-8")
BY_NUMBER: dict[int, type[Any]] = {
    member.DESCRIPTOR.fields_by_name["payloadType"].default_value: member
    for member in vars(pb).values()
    if isinstance(member, type)
    and issubclass(member, Message)
    and "payloadType" in member.DESCRIPTOR.fields_by_name
    and member is not pb.ProtoMessage
}
ACCOUNT: dict[str, Any] = {"ctidTraderAccountId": 1000001}
ORDER_ACCEPTED = {
    **ACCOUNT,
    "executionType": pb.ORDER_ACCEPTED,
    "position": {
        "positionId": 88,
        "tradeData": {"symbolId": 1, "volume": 0, "tradeSide": pb.BUY},
        "positionStatus": pb.POSITION_STATUS_CREATED,
        "swap": 0,
    },
    "order": {
        "orderId": 77,
        "tradeData": {"symbolId": 1, "volume": 100000, "tradeSide": pb.BUY},
        "orderType": pb.MARKET,
        "orderStatus": pb.ORDER_STATUS_ACCEPTED,
        "positionId": 88,
    },
    "isServerEvent": False,
}
# number, id, content, the frame in hex
FRAMES: list[tuple[int, str | None, dict[str, Any], str]] = [
    (51, None, {}, "0000000408331200"),
    (2100, "1", {"clientId": "abc", "clientSecret": "xyz"}, "0000001208b410120a12036162631a0378797a1a0131"),
    (2101, "1", {}, "0000000808b51012001a0131"),
    (2102, "2", {**ACCOUNT, "accessToken": "tok"}, "0000001108b610120910c1843d1a03746f6b1a0132"),
    (
        2150,
        "5",
        {
            "accessToken": "tok",
            "permissionScope": pb.SCOPE_TRADE,
            "ctidTraderAccount": [
                {**ACCOUNT, "isLive": False, "traderLogin": 555, "brokerTitleShort": "Demo"}
            ],
        },
        "0000002008e61012181203746f6b1801220f08c1843d100018ab04320444656d6f1a0135",
    ),
    (
        2127,
        "3",
        {**ACCOUNT, "symbolId": [1], "subscribeToSpotTimestamp": True},
        "0000001008cf10120810c1843d180120011a0133",
    ),
    (
        2131,
        None,
        {**ACCOUNT, "symbolId": 1, "bid": 114814, "ask": 114816, "timestamp": 1700000000000},
        "0000001a08d310121510c1843d180120fe8007288081074080d095ffbc31",
    ),
    (
        2106,
        "4",
        {
            **ACCOUNT,
            "symbolId": 1,
            "orderType": pb.MARKET,
            "tradeSide": pb.BUY,
            "volume": 100000,
            "relativeStopLoss": 100,
            "relativeTakeProfit": 200,
        },
        "0000001d08ba10121510c1843d18012001280130a08d06980164a001c8011a0134",
    ),
    (
        2126,
        "4",
        ORDER_ACCEPTED,
        (
            "0000003508ce10122d10c1843d1802220e08581206080110001801180320002a13084d1208080110a08d0618011801200198"
            "015850001a0134"
        ),
    ),
    (
        2132,
        "8",
        {**ACCOUNT, "errorCode": "ORDER_NOT_FOUND", "orderId": 9, "description": "x"},
        "0000002208d410121a120f4f524445525f4e4f545f464f554e44180928c1843d3a01781a0138",
    ),
    (
        2137,
        "6",
        {
            **ACCOUNT,
            "fromTimestamp": 1789711000000,
            "toTimestamp": 1789712160000,
            "period": pb.M1,
            "symbolId": 1,
            "count": 2,
        },
        "0000002008d910121810c1843d18c0c3da988b342080aaa1998b342801300138021a0136",
    ),
    (
        2138,
        "6",
        {
            **ACCOUNT,
            "period": pb.M1,
            "symbolId": 1,
            "hasMore": False,
            "trendbar": [
                {
                    "low": 114791,
                    "deltaOpen": 22,
                    "deltaClose": 35,
                    "deltaHigh": 44,
                    "volume": 40,
                    "utcTimestampInMinutes": 29828535,
                }
            ],
        },
        "0000002508da10121d10c1843d18012a11182828e7800730163823402c48b7cb9c0e300138001a0136",
    ),
    (
        2142,
        "2",
        {"errorCode": "CH_ACCESS_TOKEN_INVALID", "description": "x"},
        "0000002408de10121c1a1743485f4143434553535f544f4b454e5f494e56414c49442201781a0132",
    ),
    (
        2142,
        "9",
        {**ACCOUNT, "errorCode": "BLOCKED_PAYLOAD_TYPE", "retryAfter": 3},
        "0000002408de10121c10c1843d1a14424c4f434b45445f5041594c4f41445f5459504530031a0139",
    ),
    (
        50,
        "10",
        {"errorCode": "INVALID_REQUEST", "description": "x"},
        "0000001c08321214120f494e56414c49445f524551554553541a01781a023130",
    ),
    (
        2146,
        "7",
        {
            **ACCOUNT,
            "hasMore": False,
            "tickData": [
                {"timestamp": 1700000000000, "tick": 114814},
                {"timestamp": -250, "tick": 2},
                {"timestamp": -1000, "tick": -5},
            ],
        },
        (
            "0000004208e210123a10c1843d1a0b0880d095ffbc3110fe80071a0d0886feffffffffffffff0110021a160898f8ffffffff"
            "ffffff0110fbffffffffffffffff0120001a0137"
        ),
    ),
    (
        2155,
        None,
        {
            **ACCOUNT,
            "symbolId": 1,
            "newQuotes": [{"id": 7, "size": 100000000, "bid": 114814}],
            "deletedQuotes": [3, 4],
        },
        "0000001c08eb10121710c1843d1801220b08071880c2d72f20fe80072a020304",
    ),
]


@pytest.mark.parametrize(
    ("number", "message_id", "content", "frame"), FRAMES, ids=[str(each[0]) for each in FRAMES]
)
def test_a_frame_of_known_meaning_is_made_and_read(
    number: int, message_id: str | None, content: dict[str, Any], frame: str
) -> None:
    data = bytes.fromhex(frame)
    assert int.from_bytes(data[:4], "big") == len(data) - 4
    envelope = pb.ProtoMessage.FromString(data[4:])
    assert envelope.payloadType == number
    assert (envelope.clientMsgId if envelope.HasField("clientMsgId") else None) == message_id

    wanted = BY_NUMBER[number](**content)
    assert BY_NUMBER[number].FromString(envelope.payload) == wanted
    made = pb.ProtoMessage(payloadType=number, payload=wanted.SerializeToString())
    if message_id is not None:
        made.clientMsgId = message_id
    assert made.SerializeToString() == data[4:]


def test_every_message_of_the_proto_is_in_the_module_with_its_number() -> None:
    constants = {name: int(number) for name, number in re.findall(r"^  (\w+) = (\d+);$", PROTO, re.M)}
    numbered = re.findall(
        r"^message (\w+) \{\n  optional Proto(?:OA)?PayloadType payloadType = 1 \[default = (\w+)\];",
        PROTO,
        re.M,
    )
    assert len(numbered) == len(BY_NUMBER) == 96
    for name, constant in numbered:
        assert BY_NUMBER[constants[constant]].DESCRIPTOR.name == name
    assert sorted(number for number in BY_NUMBER if number > 2000) == sorted(pb.ProtoOAPayloadType.values())


def test_every_field_of_the_proto_is_in_the_module() -> None:
    """The module was made from this very text: changing one without the other is noticed."""
    for name, body in re.findall(r"^message (\w+) \{\n(.*?)^\}", PROTO, re.M | re.S):
        descriptor = getattr(pb, name).DESCRIPTOR
        fields = re.findall(r"^  (optional|required|repeated) (\w+) (\w+) = (\d+)", body, re.M)
        assert [(each.name, each.number) for each in descriptor.fields] == [
            (field, int(number)) for _, _, field, number in fields
        ], name
        for rule, _, field, _ in fields:
            made = descriptor.fields_by_name[field]
            assert made.is_required == (rule == "required"), (name, field)
            assert made.is_repeated == (rule == "repeated"), (name, field)


def test_generator_and_runtime_are_of_one_release() -> None:
    source = Path(pb.__file__ or "").read_text(encoding="utf-8")
    found = re.search(r"^# Protobuf Python Version: (.+)$", source, re.M)
    assert found is not None
    assert found.group(1) == google.protobuf.__version__


def test_absent_optional_fields_are_told_from_zero() -> None:
    event = pb.ProtoOASpotEvent(**ACCOUNT, symbolId=1, ask=114816)
    again = pb.ProtoOASpotEvent.FromString(event.SerializeToString())
    assert again.HasField("ask")
    assert not again.HasField("bid")
    assert pb.ProtoOAOrder().timeInForce == pb.IMMEDIATE_OR_CANCEL
    assert pb.ProtoOANewOrderReq().timeInForce == pb.GOOD_TILL_CANCEL
