"""What each code means for an order, at both levels of an answer."""

from __future__ import annotations

import pytest

from terminal.domain.errors import (
    AuthRejected,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
    VenueError,
    VenueUnavailable,
)
from terminal.services.answers import AnswerKind, classify
from terminal.venues.okx.errors import MEANINGS, cancel_reason, to_error


@pytest.mark.parametrize("code", ["50001", "50004", "50026", "51054", "51149", "64007", "63999"])
def test_what_may_have_happened_is_never_a_refusal(code: str) -> None:
    error = to_error(code, "timeout", writing=True)
    assert isinstance(error, OutcomeUnknown)
    assert classify(error).kind is AnswerKind.IN_DOUBT
    assert isinstance(to_error(code, "timeout", writing=False), VenueUnavailable)


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        ("51008", RequestRejected, "balance"),
        ("51020", RequestRejected, "minimum"),
        ("51121", RequestRejected, "step"),
        ("51006", RequestRejected, "price"),
        ("51010", RequestRejected, "account's mode"),
        ("51603", RequestRejected, "no such open order"),
        ("50011", RateLimited, "pause"),
        ("50061", RateLimited, "whole account"),
        ("50101", AuthRejected, "demo"),
        ("50105", AuthRejected, "passphrase"),
        ("50110", AuthRejected, "IP"),
        ("50113", AuthRejected, "secret key"),
        ("50102", AuthRejected, "clock"),
        ("59113", AuthRejected, "identity"),
        ("60032", AuthRejected, "does not exist"),
    ],
)
def test_a_no_is_told_in_plain_words(code: str, kind: type[VenueError], word: str) -> None:
    error = to_error(code, "OKX's words", writing=True)
    assert type(error) is kind
    assert word in error.user_text
    assert (error.code, error.venue_text) == (code, "OKX's words")
    assert classify(error).kind is AnswerKind.REFUSED


def test_a_code_without_a_row_is_a_no_in_okxs_words() -> None:
    error = to_error("59999", "The moon is full", writing=True)
    assert isinstance(error, RequestRejected)
    assert error.user_text == "OKX says: The moon is full"
    assert to_error("59999", "", writing=True).user_text == "OKX says: error 59999"


def test_every_row_is_a_sentence_and_a_refused_key_has_a_repair() -> None:
    for row in MEANINGS.values():
        assert row.text.endswith("."), row
        assert row.code.isdigit()
    assert all(MEANINGS[code].repair for code in ("50101", "50105", "50111", "50113", "50119", "60024"))


def test_why_an_order_was_canceled() -> None:
    assert cancel_reason("1") == cancel_reason("") == ""
    assert "post-only" in cancel_reason("31")
    assert "dead man" in cancel_reason("20")
    assert "99" in cancel_reason("99")
