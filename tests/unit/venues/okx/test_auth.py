"""Signatures against known answers, the login of the WebSocket, and what a key tells of itself."""

from __future__ import annotations

import pytest

from terminal.core.clock import ManualClock
from terminal.core.secret import Secret
from terminal.domain.errors import CredentialError, SettingsError
from terminal.venues.okx import VENUE
from terminal.venues.okx.auth import VenueTime, iso_timestamp, sign, signer_of
from terminal.venues.okx.hosts import endpoints_of

SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
TIME = "2020-12-08T09:08:57.715Z"
TIME_NS = 1_607_418_537_715_000_000
ORDER = (
    '{"instId":"BTC-USDT","tdMode":"cash","clOrdId":"b15","side":"buy","ordType":"limit","px":"2.15",'
    '"sz":"2"}'
)
SPACED = ORDER.replace(":", ": ").replace(",", ", ")


@pytest.mark.parametrize(
    ("secret", "timestamp", "method", "path", "body", "signature"),
    [
        (
            *("chNOOS4KvNXR_Xq4k4c9qsfoKWvnDecLATCRlcBwyKDYnWgO", TIME, "GET", "/api/v5/account/balance", ""),
            "PJ61e1nb2F2Qd7D8SPiaIcx2gjdELc+o0ygzre9z33k=",
        ),
        (
            *(SECRET, TIME, "GET", "/api/v5/account/balance", ""),
            "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw=",
        ),
        (
            *(SECRET, TIME, "get", "/api/v5/account/balance?ccy=BTC", ""),
            "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY=",
        ),
        (
            *(SECRET, TIME, "POST", "/api/v5/account/set-leverage"),
            '{"instId":"BTC-USDT","lever":"5","mgnMode":"isolated"}',
            "eCnnCgWLjlQ9XnpUkrcny3qNq3WW/81KNrDr/XR6Xv8=",
        ),
        (
            *(SECRET, TIME, "POST", "/api/v5/trade/order", ORDER),
            "dI6rrL9rXW/HdaPKJ/6LC1OgvH4/PYju6R3CqixMTNQ=",
        ),
        (
            *(SECRET, TIME, "POST", "/api/v5/trade/order", SPACED),
            "bFEUGiGkCl0dGsPiDFbsfLwA93/UrLulontlA+Lb71o=",
        ),
        (
            *(SECRET, TIME, "POST", "/api/v5/trade/cancel-batch-orders"),
            '[{"instId":"BTC-USDT","ordId":"590908157585625111"}]',
            "5u00m2OCFK1bpf9sJQeeBEgaR1vc4xs4dCsFpxKo7Cg=",
        ),
        (
            *(SECRET, "1538054050", "GET", "/users/self/verify", ""),
            "+LdIr8lkkvhr5hoA3g9TMC0+uQJ849ftAcocA/ouu4M=",
        ),
        (
            *(SECRET, "1704876947", "GET", "/users/self/verify", ""),
            "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU=",
        ),
    ],
)
def test_known_answers(
    secret: str, timestamp: str, method: str, path: str, body: str, signature: str
) -> None:
    assert sign(secret, timestamp, method, path, body) == signature


def test_the_headers_bear_the_venues_time_not_ours() -> None:
    clock = ManualClock(TIME_NS - 12_000_000_000)
    there = VenueTime(clock)
    signer = signer_of(
        {
            "api_key": Secret("key-number-0001"),
            "api_secret": Secret(SECRET),
            "passphrase": Secret("words-of-mine-01"),
        },
        there,
    )
    assert signer is not None
    assert signer.headers("GET", "/p", "")["OK-ACCESS-TIMESTAMP"] == "2020-12-08T09:08:45.715Z"
    there.offset_ms = 12_000.0
    headers = signer.headers("GET", "/api/v5/account/balance", "")
    assert headers == {
        "OK-ACCESS-KEY": "key-number-0001",
        "OK-ACCESS-SIGN": "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw=",
        "OK-ACCESS-TIMESTAMP": TIME,
        "OK-ACCESS-PASSPHRASE": "words-of-mine-01",
    }
    assert "0001" in repr(signer)
    assert "number" not in repr(signer)


def test_the_login_is_signed_with_whole_seconds() -> None:
    there = VenueTime(ManualClock(1_538_054_050_999_000_000))
    signer = signer_of(
        {
            "api_key": Secret("985d5b66-57ce"),
            "api_secret": Secret(SECRET),
            "passphrase": Secret("1234567890"),
        },
        there,
    )
    assert signer is not None
    assert signer.login() == {
        "apiKey": "985d5b66-57ce",
        "passphrase": "1234567890",
        "timestamp": "1538054050",
        "sign": "+LdIr8lkkvhr5hoA3g9TMC0+uQJ849ftAcocA/ouu4M=",
    }


def test_milliseconds_are_cut_not_rounded() -> None:
    assert iso_timestamp(TIME_NS + 999_999) == TIME


@pytest.mark.parametrize("missing", ["api_key", "api_secret", "passphrase"])
def test_half_a_key_is_refused(missing: str) -> None:
    parts = {
        name: Secret(f"{name}-0001") for name in ("api_key", "api_secret", "passphrase") if name != missing
    }
    with pytest.raises(CredentialError) as caught:
        signer_of(parts, VenueTime(ManualClock()))
    assert missing in str(caught.value)
    assert signer_of({}, VenueTime(ManualClock())) is None


def test_hosts_follow_region_and_demo() -> None:
    shown = VENUE.default_endpoints
    assert endpoints_of("global", False, shown) == shown
    demo = endpoints_of("global", True, shown)
    assert demo["rest"] == shown["rest"]
    assert demo["ws_private"] == "wss://wspap.okx.com:8443/ws/v5/private"
    eea = endpoints_of("eea", False, {**shown, "rest": "https://own.example"})
    assert eea["rest"] == "https://own.example"
    assert eea["ws_business"] == "wss://wseea.okx.com:8443/ws/v5/business"
    assert endpoints_of("us", True, {})["ws_public"] == "wss://wsuspap.okx.com:8443/ws/v5/public"


def test_a_host_that_nobody_has_published_is_not_guessed() -> None:
    with pytest.raises(SettingsError):
        endpoints_of("tr", False, {})
    own = {name: f"wss://{name}.example" for name in ("ws_public", "ws_private", "ws_business")}
    assert endpoints_of("tr", False, own) == {"rest": "https://tr.okx.com", **own}
    with pytest.raises(SettingsError):
        endpoints_of("moon", False, {})
