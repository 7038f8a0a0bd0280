"""What the hand that trades needs of the connection that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from terminal.domain.instrument import Instrument
from terminal.venues.base import LinkHealth


class Wire(Protocol):
    """The connection, as the hand sees it."""

    def send(self, name: str, *data: Any) -> None:
        """Send an event now. Raises NotSent or OutcomeUnknown."""
        ...

    async def prices_of(self, instrument: Instrument, within_s: float) -> bool:
        """Whether prices of an asset come, asking for them if need be."""
        ...

    def price(self, wire: str) -> Decimal | None:
        """The last price of an asset, by Quotex's name for it."""
        ...

    def health(self) -> LinkHealth:
        """Figures of the connection."""
        ...

    async def ended_deals(self, mode: str, page: int) -> Sequence[Mapping[str, Any]]:
        """One page of the site's history, newest first; an empty one is the end. Raises VenueUnavailable."""
        ...

    @property
    def label(self) -> str:
        """Who is signed in, as a person knows it."""
        ...

    @property
    def mode(self) -> str:
        """The account that is open."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether the session is open and authorised."""
        ...
