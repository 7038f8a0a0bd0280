from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.core.secret import Secret
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    StorageError,
    VenueUnavailable,
)
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.tokens import Tokens
from tests.helpers import run

DAY_NS = 86_400 * 1_000_000_000
OLD = Secret("old-access-token")


class Office:
    """Where refresh tokens are handed in and new pairs are kept."""

    def __init__(self, **known: str) -> None:
        self.clock = ManualClock()
        self.asked: list[str] = []
        self.kept: list[dict[str, str]] = []
        self.troubles: list[str] = []
        self.error: Exception | None = None
        self.keep_error: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.access_when_kept: list[str] = []
        credentials = {"access_token": OLD, "refresh_token": Secret("old-refresh-token")}
        credentials |= {key: Secret(value) for key, value in known.items()}
        self.tokens = Tokens(credentials, self.keep, self.clock, on_trouble=self.troubles.append)

    async def ask(self, refresh: Secret) -> pb.ProtoOARefreshTokenRes:
        self.asked.append(refresh.reveal())
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        number = len(self.asked)
        return pb.ProtoOARefreshTokenRes(
            accessToken=f"access-token-{number}",
            tokenType="bearer",
            expiresIn=2_628_000,
            refreshToken=f"refresh-token-{number}",
        )

    async def keep(self, pair: Mapping[str, Secret]) -> None:
        self.access_when_kept.append(self.tokens.access.reveal())
        if self.keep_error is not None:
            raise self.keep_error
        self.kept.append({key: secret.reveal() for key, secret in pair.items()})


def test_nobody_has_signed_in() -> None:
    with pytest.raises(CredentialError):
        Tokens({}, None, ManualClock())


def test_the_new_pair_is_kept_before_it_is_used() -> None:
    async def main() -> None:
        office = Office(scope="trading")
        await office.tokens.renew(OLD, office.ask)
        assert office.asked == ["old-refresh-token"]
        (kept,) = office.kept
        assert office.access_when_kept == ["old-access-token"]
        assert office.tokens.access.reveal() == kept["access_token"] == "access-token-1"
        assert kept["refresh_token"] == "refresh-token-1"
        assert int(kept["expires_ns"]) == office.clock.wall_ns() + 2_628_000 * 1_000_000_000
        assert kept["scope"] == "trading"

    run(main())


def test_several_who_hold_the_old_token_renew_it_once() -> None:
    async def main() -> None:
        office = Office()
        office.hold = asyncio.Event()
        asked = [tasks.spawn(office.tokens.renew(OLD, office.ask), name=f"renew {n}") for n in range(3)]
        await asyncio.sleep(0)
        office.hold.set()
        await asyncio.gather(*asked)
        await office.tokens.renew(OLD, office.ask)
        assert office.asked == ["old-refresh-token"]

    run(main())


def test_whoever_waits_may_go_and_the_answer_is_kept_all_the_same() -> None:
    async def main() -> None:
        office = Office()
        office.hold = asyncio.Event()
        waiting = tasks.spawn(office.tokens.renew(OLD, office.ask), name="renew")
        while not office.asked:
            await asyncio.sleep(0)
        await tasks.cancel_and_wait(waiting)
        office.hold.set()
        await office.tokens.close()
        assert [pair["refresh_token"] for pair in office.kept] == ["refresh-token-1"]

    run(main())


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RequestRejected("ctrader", "no"), AuthRejected),
        (AuthRejected("ctrader", "no"), AuthRejected),
        (OutcomeUnknown("ctrader", "lost"), VenueUnavailable),
    ],
)
def test_a_refresh_token_that_was_sent_is_never_sent_again(error: Exception, raised: Any) -> None:
    async def main() -> None:
        office = Office()
        office.error = error
        with pytest.raises(raised):
            await office.tokens.renew(OLD, office.ask)
        office.error = None
        with pytest.raises(AuthRejected) as caught:
            await office.tokens.renew(OLD, office.ask)
        assert "sign in again" in caught.value.user_text
        assert office.asked == ["old-refresh-token"]
        assert not office.kept

    run(main())


def test_one_that_never_left_may_be_sent_later() -> None:
    async def main() -> None:
        office = Office()
        office.error = NotSent("ctrader", "the link is down")
        with pytest.raises(VenueUnavailable):
            await office.tokens.renew(OLD, office.ask)
        office.error = None
        await office.tokens.renew(OLD, office.ask)
        assert office.tokens.access.reveal() == "access-token-2"

    run(main())


def test_a_pair_that_could_not_be_kept_is_used_and_the_person_told() -> None:
    async def main() -> None:
        office = Office()
        office.keep_error = StorageError("the keychain is locked")
        await office.tokens.renew(OLD, office.ask)
        assert office.tokens.access.reveal() == "access-token-1"
        (told,) = office.troubles
        assert "could not be stored" in told

    run(main())


def test_it_is_renewed_some_days_before_its_end() -> None:
    async def main() -> None:
        wall = ManualClock().wall_ns()
        assert not Office(expires_ns=str(wall + 6 * DAY_NS)).tokens.is_due
        assert not Office().tokens.is_due  # nobody said when it ends
        assert not Office(expires_ns="soon").tokens.is_due
        office = Office(expires_ns=str(wall + 4 * DAY_NS))
        due = [office.tokens.is_due]
        await office.tokens.renew(OLD, office.ask)
        due.append(office.tokens.is_due)
        office.clock.advance(26 * 86_400)
        due.append(office.tokens.is_due)
        assert due == [True, False, True]

    run(main())


def test_tokens_show_themselves_to_nobody() -> None:
    office = Office()
    assert "old-access-token" not in repr(office.tokens.access)
    assert "old-access-token" not in str(vars(office.tokens))
