"""One line to the person, from any service: what happened, and where it matters what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How loud a notice is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class NoticeAction(Enum):
    """What a notice's own button does; the value is its text."""

    UNLOCK = "Enter the passphrase…"
    SIGN_IN = "Sign in again…"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the person should see. ``text`` is one plain sentence, ``detail`` the rest; ``action``
    is what can be done about it at once, ``venue`` at which venue. ``until_known``: it holds as long as it
    is not known what became of the order, and is taken back then."""

    level: Level
    text: str
    detail: str = ""
    client_order_id: str | None = None
    action: NoticeAction | None = None
    venue: str = ""
    until_known: bool = False
