"""One line to the person, from any service: what happened, and where it matters what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How loud a notice is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the person should see. ``text`` is one plain sentence, ``detail`` the rest."""

    level: Level
    text: str
    detail: str = ""
    client_order_id: str | None = None
