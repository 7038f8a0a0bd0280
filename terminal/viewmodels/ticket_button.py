"""What stands on one of a ticket's two big buttons."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SendButton:
    """One of the two big buttons: two lines of text, and why it cannot be pressed (empty: it can)."""

    title: str
    detail: str
    reason: str = ""

    @property
    def enabled(self) -> bool:
        return not self.reason
