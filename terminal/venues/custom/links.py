"""Whether the plugin is there. It has no connection that could break: what its calls bring decides."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from terminal.core.clock import Clock
from terminal.domain.errors import VenueError
from terminal.domain.events import LinkChanged, LinkState

log = logging.getLogger("venue.custom")

# One call that fails may be that call's fault; two in a row, whatever they asked, are the plugin's.
_MOST_SILENCES: Final = 2


class Links:
    """The two links of a plugin: ``public`` (it answers) and ``private`` (it also tells the account).

    Args:
        on_change: hears of each change.
        on_away, on_back: the plugin has stopped answering, or answers again.
    """

    def __init__(
        self,
        clock: Clock,
        on_change: Callable[[LinkChanged], None],
        on_away: Callable[[str], None],
        on_back: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._on_change = on_change
        self._on_away = on_away
        self._on_back = on_back
        self._silences = 0
        self.public = LinkState.OFF
        self.private = LinkState.OFF
        self.reconnects = 0
        self.reason = ""

    @property
    def is_up(self) -> bool:
        return self.public is LinkState.LIVE

    def begin(self) -> None:
        """Connecting."""
        self._set_public(LinkState.CONNECTING, "")
        self._set_private(LinkState.CONNECTING, "")

    def end(self) -> None:
        """Nothing is told any more."""
        self.public = self.private = LinkState.OFF

    def heard(self, failure: VenueError | None) -> None:
        """A call came to its end: with an answer, or why without one."""
        if self.public is LinkState.OFF:
            return
        if failure is None:
            self._silences = 0
            if self.public is not LinkState.LIVE:
                self._set_public(LinkState.LIVE, "")
                self._on_back()
            return
        self._silences += 1
        if self.public is LinkState.LIVE and self._silences < _MOST_SILENCES:
            return
        self.lose(failure.user_text)

    def lose(self, reason: str) -> None:
        """The plugin is away until a call is answered again."""
        self.reason = reason
        if self.public is LinkState.LIVE:
            self.reconnects += 1
        is_news = self.public is not LinkState.RECONNECTING
        if self.private is not LinkState.FAILED:
            self._set_private(LinkState.RECONNECTING, reason)
        if is_news:
            self._on_away(reason)
            self._set_public(LinkState.RECONNECTING, reason)

    def account_told(self) -> None:
        """The account was read."""
        if self.is_up:
            self._set_private(LinkState.LIVE, "")

    def account_lost(self, reason: str) -> None:
        """The account cannot be read at the moment."""
        if self.private is not LinkState.FAILED:
            self._set_private(LinkState.RECONNECTING, reason)

    def account_refused(self, reason: str) -> None:
        """The key was refused: a person has to do something."""
        self._set_private(LinkState.FAILED, reason)

    def _set_public(self, state: LinkState, reason: str) -> None:
        if state is not self.public:
            self.public = state
            self._tell("public", state, reason)

    def _set_private(self, state: LinkState, reason: str) -> None:
        if state is not self.private:
            self.private = state
            self._tell("private", state, reason)

    def _tell(self, link: str, state: LinkState, reason: str) -> None:
        log.info("%s link: %s%s", link, state.value, f": {reason}" if reason else "")
        self._on_change(LinkChanged(link, state, reason, self._clock.wall_ns()))
