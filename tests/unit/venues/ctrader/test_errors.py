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
from terminal.venues.ctrader.errors import MEANINGS, Verdict, meaning_of, to_error, verdict_of


@pytest.mark.parametrize(
    ("code", "writing", "kind"),
    [
        ("NOT_ENOUGH_MONEY", True, RequestRejected),
        ("POSITION_LOCKED", True, RequestRejected),
        ("TIMEOUT_ERROR", True, OutcomeUnknown),
        ("TIMEOUT_ERROR", False, VenueUnavailable),
        ("CANT_ROUTE_REQUEST", True, OutcomeUnknown),
        ("CH_SERVER_NOT_REACHABLE", False, VenueUnavailable),
        ("UNKNOWN_ERROR", True, OutcomeUnknown),
        ("OA_AUTH_TOKEN_EXPIRED", False, AuthRejected),
        ("CH_CLIENT_AUTH_FAILURE", False, AuthRejected),
        ("ACCOUNT_NOT_AUTHORIZED", True, RequestRejected),
        ("ACCOUNT_NOT_AUTHORIZED", False, VenueUnavailable),
        ("REQUEST_FREQUENCY_EXCEEDED", True, RateLimited),
        ("CONNECTIONS_LIMIT_EXCEEDED", False, RateLimited),
    ],
)
def test_what_a_code_makes_of_a_request(code: str, writing: bool, kind: type[VenueError]) -> None:
    error = to_error(code, "why", writing=writing)
    assert type(error) is kind
    assert error.code == code
    assert error.venue_text == "why"


@pytest.mark.parametrize("code", sorted(MEANINGS))
def test_every_code_has_one_plain_sentence(code: str) -> None:
    text = MEANINGS[code].text
    assert text[0].isupper() or text.startswith("cTrader")
    assert text.endswith(".")
    assert code not in text
    assert len(text) < 110


def test_an_account_that_is_not_signed_in_is_known_by_its_text() -> None:
    assert meaning_of("INVALID_REQUEST", "Trading account is not authorized").verdict is Verdict.ACCOUNT
    assert meaning_of("INVALID_REQUEST", "Order price = 1.0 has more digits").verdict is Verdict.REJECTED


def test_an_unknown_code_is_a_no_in_the_venues_own_words() -> None:
    error = to_error("SOMETHING_NEW", "The moon is full.", writing=True)
    assert isinstance(error, RequestRejected)
    assert error.user_text == "cTrader says: The moon is full."
    assert verdict_of(error) is None
    assert "something new" in to_error("SOMETHING_NEW", writing=True).user_text


def test_pauses_are_the_venues_own_where_it_names_one() -> None:
    named = to_error("BLOCKED_PAYLOAD_TYPE", writing=False, retry_after_s=3.0)
    assert isinstance(named, RateLimited)
    assert named.retry_after_s == 3.0
    unnamed = to_error("CONNECTIONS_LIMIT_EXCEEDED", writing=False)
    assert isinstance(unnamed, RateLimited)
    assert unnamed.retry_after_s == 120
    ending = to_error("SERVER_IS_UNDER_MAINTENANCE", writing=False, until_s=50_400.0, wall_s=50_000.0)
    assert isinstance(ending, RateLimited)
    assert ending.retry_after_s == 400
    assert "until 14:00 UTC" in ending.user_text
    absurd = to_error("SERVER_IS_UNDER_MAINTENANCE", writing=False, until_s=1e15, wall_s=0.0)
    assert isinstance(absurd, RateLimited)
    assert absurd.retry_after_s is not None
    assert absurd.retry_after_s <= 6 * 3600


def test_the_servers_words_stand_beside_a_bad_value() -> None:
    words = "Order price = 131.074 has more digits than symbol allows. Allowed 2 digits"
    assert words in to_error("INVALID_REQUEST", words, writing=True).user_text
