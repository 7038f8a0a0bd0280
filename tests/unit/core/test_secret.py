"""Secrets do not print, and nothing that looks like one passes the scrubber."""

from __future__ import annotations

import copy
import json
import logging
import pickle

import pytest

from terminal.core.log_ring import LogRing, Redaction
from terminal.core.secret import Secret, scrub

CANARY = "CANARY-3f9a77d1c0ffee"


def test_no_way_of_printing_shows_it() -> None:
    secret = Secret(CANARY)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", "%s" % secret, repr([secret])]  # noqa: UP031
    assert not any(CANARY in text for text in shown)
    assert secret.reveal() == CANARY


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps, json.dumps])
def test_it_cannot_be_copied_or_stored(way: object) -> None:
    with pytest.raises(TypeError):
        way(Secret(CANARY))  # type: ignore[operator]


@pytest.mark.parametrize(
    "line",
    [
        '{"token":"abcDEF123","x":1}',
        "API-Sign: 4/dpxb3iT4tp==",
        "https://h/x?client_secret=s3cr3tvalue&a=1",
        "Authorization: Bearer eyJhbGciOi",
        "nonce=1&otp=123456",
        '{"access_key":"eyJhbGciOi","secret_key":"123456"}',
    ],
)
def test_what_looks_like_a_credential_is_scrubbed(line: str) -> None:
    out = scrub(line)
    assert "***" in out
    for leak in ("abcDEF123", "4/dpxb3iT4tp==", "s3cr3tvalue", "eyJhbGciOi", "123456"):
        assert leak not in out


def test_a_secret_that_is_the_name_of_a_field_hides_no_other() -> None:
    Secret("refresh_token")
    assert "b2xkLW9uZQ" not in scrub('{"refresh_token":"b2xkLW9uZQ"} refresh_token=b2xkLW9uZQ')


def test_a_log_line_cannot_carry_a_secret_or_start_a_line_of_its_own() -> None:
    Secret(CANARY)
    logger = logging.getLogger("test.secret")
    logger.propagate = False
    ring = LogRing()
    ring.addFilter(Redaction())
    logger.addHandler(ring)
    logger.error("key %s said:\n\x1b[31m2026 ERROR forged", CANARY)
    (line,) = ring.lines
    assert CANARY not in line.text
    assert "\n" not in line.text
    assert "\x1b" not in line.text
