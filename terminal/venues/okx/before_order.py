"""What has to be known before an order can be put in words: instruments, the account's mode, the price."""

from __future__ import annotations

from decimal import Decimal

from terminal.domain.errors import NotSent, VenueError, VenueUnavailable
from terminal.venues.okx.account_reader import AccountReader
from terminal.venues.okx.errors import VENUE_NAME
from terminal.venues.okx.order_words import AccountMode
from terminal.venues.okx.parse import maybe_price
from terminal.venues.okx.rest import OkxRest


class BeforeOrder:
    """Questions whose failure means that nothing was sent: each raises NotSent where it finds no answer."""

    def __init__(self, rest: OkxRest, reader: AccountReader) -> None:
        self._rest = rest
        self._reader = reader

    async def instruments(self) -> None:
        """Know every instrument."""
        try:
            await self._reader.learn_instruments()
        except VenueUnavailable as error:
            raise NotSent(VENUE_NAME, f"the instruments could not be read: {error}") from error

    async def mode(self) -> AccountMode:
        """How the account is set up."""
        try:
            return await self._reader.mode()
        except VenueUnavailable as error:
            raise NotSent(VENUE_NAME, f"the account's settings could not be read: {error}") from error

    async def last_price(self, inst_id: str) -> Decimal:
        """What the instrument traded at last."""
        try:
            row = await self._rest.ticker(inst_id)
            found = maybe_price(row.last) if row is not None else None
        except (VenueError, ValueError, ArithmeticError) as error:
            raise NotSent(VENUE_NAME, f"the price of {inst_id} could not be read: {error}") from error
        if found is None:
            raise NotSent(VENUE_NAME, f"{inst_id} has no price yet")
        return found
