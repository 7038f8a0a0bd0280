"""The access token and its successor.

A refresh token works once: the answer to it is a new pair, and the old one is dead (Open API 2.0, 2173). The
new pair is kept before it is used, and a refresh token that was sent is never sent again, whatever became of
the answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.secret import Secret
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
    TerminalError,
    VenueError,
    VenueUnavailable,
)
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.errors import VENUE_NAME

log = logging.getLogger("venue.ctrader")

KeepTokens = Callable[[Mapping[str, Secret]], Awaitable[None]]
Ask = Callable[[Secret], Awaitable[pb.ProtoOARefreshTokenRes]]

SIGN_IN_AGAIN: Final = "The sign-in to cTrader is not valid any more: sign in again."
_RENEW_BEFORE_NS: Final = 5 * 86_400 * 1_000_000_000
_USUAL_LIFE_NS: Final = 2_628_000 * 1_000_000_000


class Tokens:
    """The pair of one sign-in.

    Args:
        credentials: ``access_token``, ``refresh_token``, ``expires_ns`` (text), ``scope``.
        keep: stores a new pair; awaited before the pair is used.
        on_trouble: hears that a new pair could not be stored, in one plain sentence.

    Raises:
        CredentialError: nobody has signed in.
    """

    def __init__(
        self,
        credentials: Mapping[str, Secret],
        keep: KeepTokens | None,
        clock: Clock,
        *,
        on_trouble: Callable[[str], object] = lambda text: None,
    ) -> None:
        access = credentials.get("access_token")
        if not access:
            raise CredentialError("no access token", user_text="Sign in to cTrader first.")
        self.access: Secret = access
        self._refresh = credentials.get("refresh_token") or None
        self._expires_ns = _number(credentials.get("expires_ns"))
        self._life_ns = _USUAL_LIFE_NS
        self._scope = credentials.get("scope")
        self._keep = keep
        self._clock = clock
        self._on_trouble = on_trouble
        self._is_spent = False
        self._renewing: asyncio.Task[VenueError | None] | None = None

    @property
    def is_due(self) -> bool:
        """It runs out within days, and can be renewed."""
        if self._expires_ns is None or self._refresh is None or self._is_spent:
            return False
        left_ns = self._expires_ns - self._clock.wall_ns()
        return left_ns < min(_RENEW_BEFORE_NS, self._life_ns // 5)

    async def renew(self, bad: Secret, ask: Ask) -> None:
        """Replace a token that has run out or been refused, unless that was done meanwhile.

        Args:
            bad: the token that was used.
            ask: sends a refresh token to the venue.

        Raises:
            AuthRejected: there is no way but to sign in again.
            VenueUnavailable: it could not be asked now; nothing was spent.
        """
        if self.access != bad:
            return
        if self._renewing is None or self._renewing.done():
            self._renewing = tasks.spawn(self._renew_quietly(ask), name="ctrader tokens")
        # Whoever waits may be cancelled; the answer must be kept all the same.
        error = await asyncio.shield(self._renewing)
        if error is not None:
            raise error

    async def close(self) -> None:
        """Let a renewal that is under way come to its end, for a moment."""
        if self._renewing is not None and not self._renewing.done():
            await asyncio.wait([self._renewing], timeout=1.0)
            await tasks.cancel_and_wait(self._renewing)

    async def _renew_quietly(self, ask: Ask) -> VenueError | None:
        try:
            await self._renew(ask)
        except VenueError as error:
            return error
        return None

    async def _renew(self, ask: Ask) -> None:
        refresh = self._refresh
        if refresh is None or self._is_spent:
            raise _sign_in_again("the refresh token was used")
        self._is_spent = True
        try:
            answer = await ask(refresh)
        except (NotSent, RateLimited) as error:
            self._is_spent = False
            raise VenueUnavailable(VENUE_NAME, f"refresh: {error}", code=error.code) from None
        except (RequestRejected, AuthRejected) as error:
            raise _sign_in_again(f"refresh: {error}") from None
        except OutcomeUnknown as error:
            raise VenueUnavailable(VENUE_NAME, f"refresh: {error}", code="refresh-lost") from None
        if not answer.accessToken or not answer.refreshToken:
            raise _sign_in_again("refresh: an empty answer")
        life_ns = max(0, answer.expiresIn) * 1_000_000_000
        pair = {
            "access_token": Secret(answer.accessToken),
            "refresh_token": Secret(answer.refreshToken),
            "expires_ns": Secret(str(self._clock.wall_ns() + life_ns)),
        }
        if self._scope:
            pair["scope"] = self._scope
        if self._keep is not None:
            try:
                await self._keep(pair)
            except TerminalError as error:
                # The old pair is dead: the new one is used all the same, and the person told.
                log.error("the renewed sign-in could not be stored: %s", error)
                self._on_trouble(
                    "The renewed cTrader sign-in could not be stored: you have to sign in at the next start."
                )
        self.access, self._refresh = pair["access_token"], pair["refresh_token"]
        self._expires_ns = self._clock.wall_ns() + life_ns if life_ns else None
        self._life_ns = life_ns or _USUAL_LIFE_NS
        self._is_spent = False
        log.info("the sign-in was renewed")


def _sign_in_again(detail: str) -> AuthRejected:
    return AuthRejected(VENUE_NAME, detail, code="sign-in", user_text=SIGN_IN_AGAIN)


def _number(text: Secret | None) -> int | None:
    try:
        return int(text.reveal()) if text else None
    except ValueError:
        return None
