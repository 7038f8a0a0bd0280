"""Frames to events: attachments in order, whatever comes in between, and nothing that raises."""

from __future__ import annotations

import base64
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.venues.quotex.framing import Decoder, Event, Fault, Opened, Signal, encode
from terminal.venues.quotex.shapes import fits


def binary(data: object) -> bytes:
    return b"\x04" + json.dumps(data).encode()


def placeholder(name: str) -> str:
    return f'451-["{name}",{{"_placeholder":true,"num":0}}]'


def test_the_opening_and_the_plain_frames() -> None:
    decoder = Decoder()
    text = '0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":5000}'
    assert decoder.take(text) == Opened(25.0, 5.0)
    kinds = {
        "40": Signal.CONNECTED,
        "40/,": Signal.CONNECTED,
        "2": Signal.PING,
        "3": Signal.PONG,
        "41": Signal.DISCONNECTED,
        "1": Signal.CLOSE,
        '44{"message":"no"}': Signal.ERROR,
    }
    assert {text: decoder.take(text) for text in kinds} == kinds


def test_an_event_in_its_own_text() -> None:
    assert Decoder().take('42["s_authorization"]') == Event("s_authorization")
    assert Decoder().take('42["balance",{"demoBalance":10}]') == Event("balance", {"demoBalance": 10})


def test_two_placeholders_before_their_attachments_and_an_event_in_between() -> None:
    decoder = Decoder()
    assert decoder.take(placeholder("instruments/list")) is Signal.WAITING
    assert decoder.take(placeholder("quotes/stream")) is Signal.WAITING
    assert decoder.take('42["s_account/change"]') == Event("s_account/change")
    assert decoder.take(binary([[1, "EURUSD"]])) == Event("instruments/list", [[1, "EURUSD"]])
    # A price stays what was written.
    quotes = [["EURUSD", Decimal("1.5"), Decimal("1.1"), 1]]
    assert decoder.take(binary([["EURUSD", 1.5, 1.1, 1]])) == Event("quotes/stream", quotes)


def test_an_attachment_without_a_placeholder_has_no_name() -> None:
    assert Decoder().take(binary({"deals": []})) == Event("", {"deals": []})


def test_an_attachment_in_text() -> None:
    decoder = Decoder()
    decoder.take(placeholder("balance"))
    text = "b4" + base64.b64encode(binary({"demoBalance": 1})).decode()
    assert decoder.take(text) == Event("balance", {"demoBalance": 1})


def test_a_cut_off_attachment_takes_its_name_with_it() -> None:
    decoder = Decoder()
    decoder.take(placeholder("balance"))
    decoder.take(placeholder("quotes/stream"))
    assert decoder.take(b'\x04{"demoBal') == Fault("an attachment that is no JSON (balance)", "balance")
    assert decoder.take(binary([])) == Event("quotes/stream", [])


def test_an_attachment_takes_the_first_name_that_it_can_be() -> None:
    decoder = Decoder(fits)
    for name in ("s_orders/close", "balance", "quotes/stream"):
        decoder.take(placeholder(name))
    # The result never came: what follows it keeps its own name, and the loss is told.
    assert decoder.take(binary({"demoBalance": 1})) == Event(
        "balance", {"demoBalance": 1}, ("s_orders/close",)
    )
    quotes = [["EURUSD_otc", 1795174700, 1, 0]]
    assert decoder.take(binary(quotes)) == Event("quotes/stream", quotes)


def test_an_attachment_that_nobody_announced_takes_no_name_from_others() -> None:
    decoder = Decoder(fits)
    decoder.take(placeholder("balance"))
    assert decoder.take(binary({"deals": []})) == Event("", {"deals": []})
    assert decoder.take(binary({"demoBalance": 1})) == Event("balance", {"demoBalance": 1})


def test_placeholders_that_never_get_theirs_are_given_up() -> None:
    decoder = Decoder()
    for _ in range(64):
        assert decoder.take(placeholder("x")) is Signal.WAITING
    assert isinstance(decoder.take(placeholder("x")), Fault)
    assert decoder.take(binary([1])) == Event("", [1])


def test_what_is_sent() -> None:
    assert encode("tick") == '42["tick"]'
    assert encode("x", {"amount": Decimal("5.50")}) == '42["x",{"amount":5.50}]'
    assert encode("depth/follow", "EURUSD_otc") == '42["depth/follow","EURUSD_otc"]'


@settings(max_examples=80)
@given(st.one_of(st.text(max_size=40), st.binary(max_size=40)))
def test_nothing_that_arrives_raises(frame: str | bytes) -> None:
    decoder = Decoder()
    decoder.take(placeholder("x"))
    assert decoder.take(frame) is not None


@pytest.mark.parametrize("frame", ["42", "42{}", "42[]", "42[1]", "451-", "451-[]", "0", "0[]", "", "9"])
def test_what_cannot_be_read_is_a_fault(frame: str) -> None:
    assert isinstance(Decoder().take(frame), Fault)
