"""What a person can do with the accounts of a sign-in at their venue: fill a demo account up, read whose they
are, change their time zone. Which venue can what is asked of its connector, never of its name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Protocol

from terminal.domain.account import AccountInfo
from terminal.domain.errors import OrderRefused, TerminalError, Unsupported, VenueUnavailable
from terminal.services.arming import Arming, ArmState
from terminal.venues.base import AccountProfile, HasProfile, LinkHealth, RefillsDemo, SetsTimeZone, VenueInfo

log = logging.getLogger("session")

ANSWER_S: Final = 40.0
"""A connector has limits of its own; none of them may leave a form waiting for ever."""


class VenueConnection(Protocol):
    """A connection (:class:`terminal.services.session.Session`)."""

    @property
    def venue(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def info(self) -> VenueInfo: ...
    @property
    def connector(self) -> object: ...
    @property
    def infos(self) -> Mapping[str, AccountInfo]: ...
    @property
    def has_account(self) -> bool: ...
    def health(self) -> LinkHealth: ...


class Connections(Protocol):
    """All of them (:class:`terminal.services.session.SessionManager`)."""

    @property
    def sessions(self) -> Mapping[str, VenueConnection]: ...


class ActionLog(Protocol):
    """Where what was done is kept (:class:`terminal.services.journal.Journal`)."""

    def note_action(self, subject: str, kind: str, detail: str) -> None: ...


class VenueAccounts:
    """The accounts of the connected sign-ins, by venue."""

    def __init__(self, sessions: Connections, arming: Arming, journal: ActionLog) -> None:
        self._sessions = sessions
        self._arming = arming
        self._journal = journal

    def refillable(self, venue: str) -> str:
        """Our key of the account that trades, where it is a demo account that its venue fills up; else
        empty."""
        session = self._sessions.sessions.get(venue)
        if session is None or not session.has_account or not isinstance(session.connector, RefillsDemo):
            return ""
        owner = session.infos.get(session.account)
        return session.account if owner is not None and owner.refills else ""

    async def refill(self, account: str, amount: Decimal) -> Decimal | None:
        """Have a demo account filled up; what was added to it, None where the venue does not say.

        Raises:
            OrderRefused: the terminal is on View.
            Unsupported: the account is not the open one, or no demo account.
            VenueError: the venue's no, in its words, or its silence.
        """
        if self._arming.state is ArmState.VIEW:
            raise OrderRefused("arm", "The terminal is on View: switch to Confirm first.")
        venue = account.partition(":")[0]
        session = self._sessions.sessions.get(venue)
        if session is None or self.refillable(venue) != account:
            text = "Only a demo account that is open can be filled up."
            raise Unsupported("refill", text)
        connector = session.connector
        assert isinstance(connector, RefillsDemo)
        log.info("%s: asking for a refill of %s", account, amount)
        self._journal.note_action(account, "refill", format(amount, "f"))
        try:
            async with asyncio.timeout(ANSWER_S):
                added = await connector.refill(amount)
        except TimeoutError:
            raise _silent(venue) from None
        except TerminalError as error:
            self._journal.note_action(account, "refill refused", error.user_text)
            raise
        self._journal.note_action(account, "refilled", "" if added is None else format(added, "f"))
        return added

    def has_profile(self, venue: str) -> bool:
        """Whether the venue says whose the sign-in is, and there is one."""
        session = self._sessions.sessions.get(venue)
        return session is not None and session.has_account and isinstance(session.connector, HasProfile)

    def sets_time_zone(self, venue: str) -> bool:
        """Whether the venue keeps a time zone with the profile that can be changed from here."""
        session = self._sessions.sessions.get(venue)
        return session is not None and isinstance(session.connector, SetsTimeZone)

    async def profile(self, venue: str) -> AccountProfile:
        """Whose the sign-in is. Raises VenueUnavailable, and Unsupported where the venue does not say."""
        session = self._sessions.sessions.get(venue)
        connector = None if session is None else session.connector
        if not isinstance(connector, HasProfile):
            raise Unsupported("profile", "This venue does not say whose the sign-in is.")
        try:
            async with asyncio.timeout(ANSWER_S):
                return await connector.profile()
        except TimeoutError:
            raise _silent(venue) from None

    async def set_time_offset(self, venue: str, seconds: int) -> AccountProfile:
        """Change the time zone that the venue keeps, seconds east of UTC; the profile as it has it then.

        Raises:
            Unsupported: the venue keeps none.
            VenueUnavailable: its no, or no answer.
        """
        session = self._sessions.sessions.get(venue)
        connector = None if session is None else session.connector
        if not isinstance(connector, SetsTimeZone):
            raise Unsupported("time zone", "This venue keeps no time zone that can be changed here.")
        log.info("%s: changing the time zone of the profile to %d s", venue, seconds)
        try:
            async with asyncio.timeout(ANSWER_S):
                await connector.set_time_offset(seconds)
        except TimeoutError:
            raise _silent(venue) from None
        return await self.profile(venue)

    def ahead_ms(self, venue: str) -> float | None:
        """How far the venue's clock is before ours; None while not known."""
        session = self._sessions.sessions.get(venue)
        return None if session is None else session.health().clock_offset_ms


def _silent(venue: str) -> VenueUnavailable:
    return VenueUnavailable(venue, "no answer", user_text="The venue did not answer.")
