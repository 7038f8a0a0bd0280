"""Signing: the published vector of Kraken's and four by the same recipe; one-time codes; refusals."""

from __future__ import annotations

import base64

import pytest

from terminal.core.secret import Secret
from terminal.domain.errors import CredentialError
from terminal.venues.kraken.auth import Signer, one_time_code, sign

PRIVATE_KEY = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
NONCE = "1616492376594"

VECTORS = [
    pytest.param(
        "/0/private/AddOrder",
        f"nonce={NONCE}&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
        id="published",
    ),
    pytest.param(
        "/0/private/Balance",
        f"nonce={NONCE}",
        "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/VgpEji3j1XNwI+HCbfXxmrTOg==",
        id="balance",
    ),
    pytest.param(
        "/0/private/GetWebSocketsToken",
        f"nonce={NONCE}",
        "+mRDmY9Ks0Moc1zjv/BjfvYa98buO0x1yHChZR5onlfAzAUbfIYlLggUZzdQ0RsmXm4Sh+Q8iAIZdo2wSeHeiA==",
        id="token",
    ),
    pytest.param(
        "/0/private/Balance",
        f"nonce={NONCE}&otp=123456",
        "jbyoyzbCFde1u0Rnp3ChMEofg5y4E4qpI247mcYicXoAi4c201b8GKM5LmshBvKP9WVm+UFHd710qkGBE0tRJw==",
        id="two factors",
    ),
    pytest.param(
        "/0/private/AddOrder",
        f'{{"nonce":{NONCE},"ordertype":"limit","pair":"XBTUSD","price":37500,"type":"buy","volume":1.25}}',
        "kt1BXzwIvefKvBv6KKk2EDnbrxEGNWetNmjmXyYDHXIJYlIwvW0mQvC/OkeGzEt4OUvVS49Qd9gSBNMfE3iZ7Q==",
        id="json",
    ),
]


@pytest.mark.parametrize(("path", "body", "expected"), VECTORS)
def test_signature_is_krakens(path: str, body: str, expected: str) -> None:
    assert sign(base64.b64decode(PRIVATE_KEY), path, NONCE, body.encode()) == expected


def test_headers_carry_the_public_key_and_the_signature() -> None:
    signer = Signer(Secret("public-key-0001"), Secret(PRIVATE_KEY))
    headers = signer.headers("/0/private/Balance", NONCE, f"nonce={NONCE}".encode())
    assert headers["API-Key"] == "public-key-0001"
    assert headers["API-Sign"].startswith("1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkg")


def test_a_signer_shows_no_more_than_four_characters() -> None:
    signer = Signer(Secret("public-key-0001"), Secret(PRIVATE_KEY))
    assert repr(signer) == "Signer(...0001)"
    assert "public" not in signer.key_id
    assert len(signer.key_id) == 16


@pytest.mark.parametrize(("public", "private"), [("", PRIVATE_KEY), ("key", ""), ("key", "not base64!")])
def test_an_incomplete_key_is_refused_with_the_repair(public: str, private: str) -> None:
    with pytest.raises(CredentialError) as caught:
        Signer(Secret(public), Secret(private))
    assert "Kraken" in caught.value.user_text
    assert not private or private not in str(caught.value)


def test_one_time_code_follows_rfc_6238() -> None:
    # RFC 6238, appendix B: the SHA-1 secret is the ASCII text 12345678901234567890, six digits.
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert one_time_code(secret, 59) == "287082"
    assert one_time_code(secret.lower(), 1111111109) == "081804"
    assert one_time_code(secret, 20000000000) == "353130"


def test_an_authenticator_secret_that_is_not_base32_is_refused() -> None:
    with pytest.raises(CredentialError):
        one_time_code("189!", 0)
