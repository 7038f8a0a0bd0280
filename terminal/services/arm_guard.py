"""One-click ends when orders of a venue begin to go to another account: a click that was meant for the money
of one must not move another's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from terminal.core.observe import Observable
from terminal.domain.account import AccountInfo
from terminal.services.arming import Arming, ArmState
from terminal.services.notices import Level, Notice
from terminal.venues.base import HasAccounts


class TradingConnection(Protocol):
    """A connection (:class:`terminal.services.session.Session`)."""

    @property
    def account(self) -> str: ...
    @property
    def infos(self) -> Mapping[str, AccountInfo]: ...
    @property
    def connector(self) -> object: ...
    @property
    def has_account(self) -> bool: ...


class TradingConnections(Protocol):
    """All of them (:class:`terminal.services.session.SessionManager`)."""

    changed: Observable[[str]]

    @property
    def sessions(self) -> Mapping[str, TradingConnection]: ...


class ArmGuard:
    """Watches which account of each venue trades, until :meth:`close`.

    Attributes:
        notice: what was switched off, and why.
    """

    def __init__(self, sessions: TradingConnections, arming: Arming, name_of: Callable[[str], str]) -> None:
        """``name_of``: an account as the person knows it."""
        self.notice: Observable[[Notice]] = Observable("arm guard")
        self._sessions = sessions
        self._arming = arming
        self._name_of = name_of
        self._last: dict[str, str] = {}
        self.close = sessions.changed.watch(self._on_session)

    def _on_session(self, venue: str) -> None:
        session = self._sessions.sessions.get(venue)
        if session is None or not session.has_account:
            return
        if isinstance(session.connector, HasAccounts) and session.account not in session.infos:
            return  # not known yet which one it will be
        before, now = self._last.get(venue, ""), session.account
        self._last[venue] = now
        if before in ("", now) or self._arming.state is not ArmState.ONE_CLICK:
            return
        self._arming.disarm()
        text = f"One-click is off: orders go to {self._name_of(now)} now."
        self.notice.notify(Notice(Level.WARNING, text))
