"""A question with more than two answers, for the few places where yes and no are not enough."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One answer: its key, its button's text, and the button's tone (``danger``, ``primary`` or none)."""

    key: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A question and its answers; going back without any is always possible."""

    title: str
    options: tuple[Option, ...]
    note: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    badge: str = ""


Chooser = Callable[[Choice], Awaitable[str | None]]
"""Shows a :class:`Choice` and gives the key of the answer, or None for none."""
