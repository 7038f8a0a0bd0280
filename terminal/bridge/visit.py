"""One call while it is answered: whose it is, where it goes, and whether it still may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from terminal.bridge.bots import Bot
from terminal.services.session import Mode, Session


@dataclass(frozen=True, slots=True)
class Visit:
    """What every method is given beside its parameters."""

    bot: Bot
    """As it was when the call came."""
    session: Session
    still: Callable[[], Bot]
    """The bot as it is now; raises CallRefused where it may not change anything there any more. Looked at
    last thing before something leaves: calls wait for prices and for people, and rights change meanwhile."""
    gone: asyncio.Future[None] | None = None
    """Done once nobody waits for the answer."""

    @property
    def is_practice(self) -> bool:
        return self.session.mode is Mode.PRACTICE
