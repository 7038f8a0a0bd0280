"""Every error text of Kraken's reference has a meaning, the right kind, and plain words."""

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
from terminal.venues.kraken.errors import MEANINGS, Verdict, errors_in, meaning_of, to_error, worst

# text -> (what a read makes of it, what a write makes of it); the rows of the reference's table.
TABLE: dict[str, tuple[type[VenueError], type[VenueError]]] = {
    "EGeneral:Invalid arguments": (RequestRejected, RequestRejected),
    "EGeneral:Invalid arguments:volume": (RequestRejected, RequestRejected),
    "EGeneral:Invalid arguments:Index unavailable": (RequestRejected, RequestRejected),
    "EGeneral:Permission denied": (AuthRejected, AuthRejected),
    "EGeneral:Unknown method": (RequestRejected, RequestRejected),
    "EGeneral:Internal error": (VenueUnavailable, OutcomeUnknown),
    "EGeneral:Internal error:1234": (VenueUnavailable, OutcomeUnknown),
    "EGeneral:Temporary lockout": (AuthRejected, AuthRejected),
    "EGeneral:Too many requests": (RateLimited, RateLimited),
    "EAPI:Invalid key": (AuthRejected, AuthRejected),
    "EAPI:Invalid signature": (AuthRejected, AuthRejected),
    "EAPI:Invalid nonce": (AuthRejected, OutcomeUnknown),
    "EAPI:Rate limit exceeded": (RateLimited, RateLimited),
    "EAPI:Feature disabled": (RequestRejected, RequestRejected),
    "EAPI:Bad request": (RequestRejected, RequestRejected),
    "EAPI:Invalid token": (RequestRejected, RequestRejected),
    "ESession:Invalid session": (RequestRejected, RequestRejected),
    "EService:Unavailable": (VenueUnavailable, OutcomeUnknown),
    "EService:Busy": (VenueUnavailable, OutcomeUnknown),
    "EService:Timeout": (VenueUnavailable, OutcomeUnknown),
    "EService:Throttled: 1700000005": (RateLimited, RateLimited),
    "EService:Market in cancel_only mode": (RequestRejected, RequestRejected),
    "EService:Market in post_only mode": (RequestRejected, RequestRejected),
    "EService:Market in limit_only mode": (RequestRejected, RequestRejected),
    "EService:Deadline elapsed": (RequestRejected, RequestRejected),
    "EOrder:Insufficient funds": (RequestRejected, RequestRejected),
    "EOrder:Insufficient margin": (RequestRejected, RequestRejected),
    "EOrder:Margin allowance exceeded": (RequestRejected, RequestRejected),
    "EOrder:Margin level too low": (RequestRejected, RequestRejected),
    "EOrder:Margin position size exceeded": (RequestRejected, RequestRejected),
    "EOrder:Cannot open position": (RequestRejected, RequestRejected),
    "EOrder:Cannot open opposing position": (RequestRejected, RequestRejected),
    "EOrder:Order minimum not met": (RequestRejected, RequestRejected),
    "EOrder:Cost minimum not met": (RequestRejected, RequestRejected),
    "EOrder:Tick size check failed": (RequestRejected, RequestRejected),
    "EOrder:Invalid price": (RequestRejected, RequestRejected),
    "EOrder:Invalid price:Invalid price argument": (RequestRejected, RequestRejected),
    "EOrder:Post only order": (RequestRejected, RequestRejected),
    "EOrder:Orders limit exceeded": (RequestRejected, RequestRejected),
    "EOrder:Positions limit exceeded": (RequestRejected, RequestRejected),
    "EOrder:Rate limit exceeded": (RateLimited, RateLimited),
    "EOrder:Domain rate limit exceeded": (RateLimited, RateLimited),
    "EOrder:Scheduled orders limit exceeded": (RequestRejected, RequestRejected),
    "EOrder:Unknown order": (RequestRejected, RequestRejected),
    "EOrder:Invalid order": (RequestRejected, RequestRejected),
    "EOrder:Unknown position": (RequestRejected, RequestRejected),
    "EOrder:Reduce only:Non-PC": (RequestRejected, RequestRejected),
    "EOrder:Reduce only:No position exists": (RequestRejected, RequestRejected),
    "EOrder:Reduce only:Position is closed": (RequestRejected, RequestRejected),
    "EOrder:Cancel pending": (RequestRejected, RequestRejected),
    "EOrder:Trading agreement required": (AuthRejected, AuthRejected),
    "EAccount:Invalid permissions": (RequestRejected, RequestRejected),
    "EAuth:Account temporary disabled": (AuthRejected, AuthRejected),
    "EAuth:Account unconfirmed": (AuthRejected, AuthRejected),
    "EAuth:Rate limit exceeded": (RateLimited, RateLimited),
    "EAuth:Too many requests": (RateLimited, RateLimited),
    "ETrade:Invalid request": (RequestRejected, RequestRejected),
    "ETrade:User Locked": (AuthRejected, AuthRejected),
    "EQuery:Unknown asset": (RequestRejected, RequestRejected),
    "EQuery:Unknown asset pair": (RequestRejected, RequestRejected),
    "EQuery:Invalid asset pair": (RequestRejected, RequestRejected),
    "EBM:limit exceeded:CAL": (RequestRejected, RequestRejected),
    "EFunding:Unknown withdraw key": (RequestRejected, RequestRejected),
    "EDatabase:Internal error": (VenueUnavailable, OutcomeUnknown),
}


@pytest.mark.parametrize("text", TABLE)
def test_each_error_has_its_kind_for_reads_and_writes(text: str) -> None:
    reading, writing = TABLE[text]
    assert type(to_error(text, writing=False, wall_s=0.0)) is reading
    assert type(to_error(text, writing=True, wall_s=0.0)) is writing


@pytest.mark.parametrize("text", TABLE)
def test_each_error_has_a_row_and_plain_words(text: str) -> None:
    error = to_error(text, writing=False)
    assert error.code in MEANINGS
    assert error.venue_text == text
    assert error.user_text.endswith(".")
    assert "EOrder" not in error.user_text


def test_no_row_of_the_table_is_untested() -> None:
    assert {meaning_of(text).code for text in TABLE} == set(MEANINGS)


def test_a_placement_that_may_have_happened_is_never_called_refused() -> None:
    for text in ("EService:Timeout", "EService:Something new", "EGeneral:Internal error:x", "EDatabase:What"):
        assert isinstance(to_error(text, writing=True), OutcomeUnknown), text


def test_an_unknown_refusal_is_shown_in_krakens_own_words() -> None:
    error = to_error("EOrder:Moon phase unsuitable", writing=True)
    assert isinstance(error, RequestRejected)
    assert "Moon phase unsuitable" in error.user_text


def test_texts_without_a_code_are_refusals() -> None:
    assert isinstance(to_error("Currency pair not supported XBT/USD", writing=True), RequestRejected)


def test_throttled_waits_until_the_second_kraken_names() -> None:
    error = to_error("EService:Throttled: 1700000007", writing=False, wall_s=1700000000.0)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 7.0
    late = to_error("EService:Throttled: 1700000007", writing=False, wall_s=1800000000.0)
    assert isinstance(late, RateLimited)
    assert late.retry_after_s == 0.0


def test_the_most_severe_of_several_errors_decides() -> None:
    assert worst(["EOrder:Insufficient funds", "EService:Busy"]) == "EService:Busy"
    assert worst(["EOrder:Insufficient funds", "EAPI:Invalid key"]) == "EAPI:Invalid key"


def test_warnings_are_not_errors() -> None:
    assert errors_in(["WDatabase:Slow", "EOrder:Invalid price"]) == ["EOrder:Invalid price"]
    assert errors_in(["WSomething:Note"]) == []


def test_repairs_are_named_where_there_is_one() -> None:
    assert to_error("EOrder:Tick size check failed", writing=True).repair == "round_to_step"
    assert to_error("EAPI:Invalid key", writing=True).repair == "open_key_page"


def test_an_expired_session_is_told_apart() -> None:
    assert meaning_of("EAPI:Invalid token").verdict is Verdict.SESSION
    assert meaning_of("ESession:Invalid session").verdict is Verdict.SESSION
