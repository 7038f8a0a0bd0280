"""What was called, and what became of it: the list that the bridge's panel shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from terminal.core.observe import Observable
from terminal.domain.rules import plain

KEPT: Final = 500
_MOST_DIGITS: Final = 30
_TOLD: Final = ("symbol", "type", "amount", "price", "id", "period", "limit", "since", "level")


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, without its keys."""

    number: int
    """Of its line, from 1."""
    at_ns: int
    """Unix time of its arrival."""
    bot: str
    """Empty where no bot has these keys."""
    venue: str
    """As the address had it."""
    method: str
    told: str
    """The parameters that matter, in words."""
    took_ms: float
    error: str
    """Why it was refused; empty where it was answered."""
    dry: bool = False
    by_hand: bool = False
    """No call: something that the person did with a bot, told among its calls."""

    @property
    def is_refused(self) -> bool:
        return bool(self.error)


class CallLog:
    """The last calls, newest last.

    Attributes:
        changed: a call was added; a screen only sets a flag.
        count, refused: calls since the bridge was made; what a person did is listed and not counted.
    """

    def __init__(self) -> None:
        self.changed: Observable[[]] = Observable("bridge calls")
        self.records: deque[CallRecord] = deque(maxlen=KEPT)
        self.count = 0
        self.refused = 0
        self._lines = 0

    def add(
        self,
        *,
        at_ns: int,
        bot: str,
        venue: str,
        method: str,
        params: Mapping[str, Any],
        took_ms: float,
        error: str,
        dry: bool,
    ) -> None:
        self.count += 1
        self.refused += bool(error)
        self._lines += 1
        self.records.append(
            CallRecord(
                self._lines,
                at_ns,
                bot,
                short(venue, 24),
                "__api_" if method.startswith("__api_") else short(method, 60),
                short(f"{method.removeprefix('__api_')} {_words(params)}".strip(), 90)
                if method.startswith("__api_")
                else _words(params),
                took_ms,
                short(error, 300),
                dry,
            )
        )
        self.changed.notify()

    def note(self, *, at_ns: int, bot: str, what: str, told: str) -> None:
        """Something that the person did, e.g. changed a bot's limits."""
        self._lines += 1
        self.records.append(
            CallRecord(self._lines, at_ns, bot, "", what, short(told, 200), 0.0, "", by_hand=True)
        )
        self.changed.notify()


def short(text: str, most: int) -> str:
    """A text of a stranger, fit for one line of a list."""
    clean = "".join(char if char.isprintable() else " " for char in text[: most + 1])
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def _words(params: Mapping[str, Any]) -> str:
    parts = [
        short(_number(value) if isinstance(value, Decimal) else str(value), 40)
        for value in (params.get(key) for key in _TOLD)
        if isinstance(value, str | int | Decimal) and value != ""
    ]
    return short(" ".join(parts), 90)


def _number(value: Decimal) -> str:
    """A fraction as it was sent; one of absurd length (``1e999999``) is not written out."""
    return plain(value) if value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS else str(value)
