"""What the text of an error proves, for a question and for an order."""

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
from terminal.venues.custom.errors import Kind, NotOffered, UnknownOrder, explain, of_reading, of_writing


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("invalid method: markets", Kind.ABSENT),
        ("not support", Kind.ABSENT),
        ("invalid symbol", Kind.REJECTED),
        ("missing required parameters", Kind.REJECTED),
        ("HTTP error: 429", Kind.RATE),
        ("HTTP error: 502", Kind.OFFLINE),
        ("URL error: [Errno -2] Name or service not known", Kind.OFFLINE),
        ("Invalid JSON response", Kind.OFFLINE),
        ("Exception occurred: timed out", Kind.OFFLINE),
        ("read timed out", Kind.OFFLINE),
        ("'ordId'", Kind.UNCLEAR),
        ("list index out of range", Kind.UNCLEAR),
        ("Expecting value: line 1 column 1 (char 0)", Kind.UNCLEAR),
        ("order does not exist", Kind.NOT_FOUND),
        ("Invalid API key", Kind.AUTH),
        ("EAPI:Invalid signature", Kind.AUTH),
        ("EOrder:Insufficient funds", Kind.REJECTED),
        ("余额不足", Kind.REJECTED),
        ('{"code": "51008", "msg": "Order failed. Insufficient USDT balance"}', Kind.REJECTED),
        ('{"code":"1","data":[{"sCode":"51008","sMsg":"Insufficient balance"}],"msg":""}', Kind.REJECTED),
        ('{"code":"50113","msg":"Invalid Sign"}', Kind.AUTH),
        ('{"code":"50004","msg":"API endpoint request timeout"}', Kind.OFFLINE),
        ('{"code":"50011","msg":"Rate limit reached"}', Kind.RATE),
        ('{"error":["EAPI:Invalid key"],"result":{}}', Kind.AUTH),
        ('{"broken', Kind.REJECTED),
        ("", Kind.UNCLEAR),
    ],
)
def test_texts_are_read_for_what_they_prove(text: str, kind: Kind) -> None:
    assert explain(text).kind is kind


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("order is a joke", "The plugin refused this: “order is a joke”."),
        ("Insufficient funds", "Not enough free balance for this order (“Insufficient funds”)."),
        ('{"code":"51401"}', "It is canceled already."),
        ("", "The plugin gave an error without a word."),
    ],
)
def test_an_error_is_one_plain_sentence_with_the_plugins_words_in_quotes(text: str, told: str) -> None:
    assert explain(text).user_text == told


def test_a_venues_error_comes_apart_into_code_and_words() -> None:
    meaning = explain(
        '{"code":"1","data":[{"sCode":"51008","sMsg":"Insufficient  USDT\\nbalance"}],"msg":"failed"}'
    )
    assert (meaning.code, meaning.venue_text) == ("51008", "Insufficient USDT balance")
    assert meaning.user_text.startswith("Not enough free balance")
    assert meaning.repair == "reduce_quantity"


@pytest.mark.parametrize(
    ("text", "reading", "writing", "proves"),
    [
        ("URL error: no route", VenueUnavailable, OutcomeUnknown, AnswerKind.IN_DOUBT),
        ("HTTP error: 429", RateLimited, OutcomeUnknown, AnswerKind.IN_DOUBT),
        ("'ordId'", VenueUnavailable, OutcomeUnknown, AnswerKind.IN_DOUBT),
        ("invalid method: trade", NotOffered, NotOffered, AnswerKind.REFUSED),
        ("order not found", UnknownOrder, UnknownOrder, AnswerKind.REFUSED),
        ("insufficient balance", RequestRejected, RequestRejected, AnswerKind.REFUSED),
        ("invalid api key", AuthRejected, AuthRejected, AnswerKind.REFUSED),
        ('{"code":"50011","msg":"too fast"}', RateLimited, RateLimited, AnswerKind.REFUSED),
    ],
)
def test_an_order_is_in_doubt_where_nothing_is_proven(
    text: str, reading: type[VenueError], writing: type[VenueError], proves: AnswerKind
) -> None:
    assert type(of_reading(explain(text), "ticker")) is reading
    error = of_writing(explain(text), "trade")
    assert type(error) is writing
    assert error.user_text
    assert classify(error).kind is proves
