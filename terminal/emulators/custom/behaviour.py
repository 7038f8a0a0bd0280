"""Which kind of plugin the practice plugin is: the published reference's kind, or a better one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The switches; all off is how the published reference plugin behaves."""

    better: bool = False
    """HTTP/1.1 with Content-Length and keep-alive, calls side by side, and an error text where the reference
    closes the connection without an answer. Off: HTTP/1.0, the end of the connection ends the answer, one
    call after the other."""
    extras: bool = False
    """Offers ``markets`` and ``tickers``."""
    futures: bool = False
    """Offers the perpetual contracts, and ``positions``, ``marginlevel`` and ``fundings`` for them: the local
    extension, not FMZ's."""
    canned: bool = False
    """Answers with the published sample values; nothing is traded."""

    def switched(self, values: Mapping[str, Any]) -> Behaviour:
        """The same with some switches set.

        Raises:
            ValueError: no such switch, or a setting that is neither yes nor no.
        """
        for name, value in values.items():
            if name not in SWITCHES:
                raise ValueError(f"no such switch: {name}; there are {', '.join(SWITCHES)}")
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false")
        return replace(self, **values)

    @classmethod
    def of(cls, names: Iterable[str]) -> Behaviour:
        """The named switches on."""
        return cls().switched(dict.fromkeys(names, True))


SWITCHES = tuple(one.name for one in fields(Behaviour))
