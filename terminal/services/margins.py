"""What an order would tie up, as its venue says before it is sent, and the leverage of its size.

A form that is being typed into asks for every figure that passes through it: the venue is asked once they
have settled, one question at a time for each account, and nobody ever waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.account import LeverageTier
from terminal.domain.errors import OrderRefused, OutcomeUnknown, TerminalError, Unsupported
from terminal.services.arming import Arming, ArmState
from terminal.services.inquiries import ConnectorOf
from terminal.venues.base import (
    ExpectedMargin,
    HasExpectedMargin,
    HasLeverage,
    HasLeverageTiers,
    HasMarginModes,
    Leverage,
    MovesPositionMargin,
)

log = logging.getLogger("orders")

SETTLE_S: Final = 0.3
ANSWER_S: Final = 6.0
# Margin moves with the price, by far less in this time than the figure shows.
KEEP_S: Final = 10.0
KEEP_TIERS_S: Final = 3600.0
RETRY_TIERS_S: Final = 60.0
# It can be changed elsewhere, at the venue's own page.
KEEP_LEVERAGE_S: Final = 30.0
SET_S: Final = 10.0
_MOST_KEPT: Final = 200

_Key = tuple[str, str, Decimal]
"""Account, symbol, base units."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The last answer; None where the venue would not say. ``asked_ns``: monotonic."""

    figure: ExpectedMargin | None
    asked_ns: int


@dataclass(frozen=True, slots=True)
class _Tiers:
    """Leverage by size, and when to ask again, monotonic."""

    tiers: tuple[LeverageTier, ...]
    again_ns: int


@dataclass(frozen=True, slots=True)
class _Leverage:
    """The last answer, and when to ask again, monotonic."""

    found: Leverage | None
    again_ns: int


class Margins:
    """Expected margins by account, symbol and size, and tiers of leverage by account and symbol.

    Attributes:
        changed: called with an account's name when the venue has answered for it.
    """

    def __init__(
        self,
        connector: ConnectorOf,
        clock: Clock,
        *,
        settle_s: float = SETTLE_S,
        arming: Arming | None = None,
    ) -> None:
        self.changed: Observable[[str]] = Observable("margins")
        self._connector = connector
        self._clock = clock
        self._settle_s = settle_s
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._wanted: dict[str, _Key] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._is_closed = False
        self._tiers: dict[tuple[str, str], _Tiers] = {}
        self._reading: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._arming = arming
        self._leverages: dict[tuple[str, str], _Leverage] = {}
        self._reading_leverage: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Ask nothing any more."""
        self._is_closed = True
        self._wanted.clear()
        await tasks.cancel_and_wait(
            *self._asking.values(), *self._reading.values(), *self._reading_leverage.values()
        )

    def expected(self, account: str, symbol: str, quantity: Decimal) -> ExpectedMargin | None:
        """What an order of so many base units would tie up; None while the venue has not said, or does not
        say such things. Asks for it by the way, see :attr:`changed`; an older answer stands meanwhile."""
        if self._is_closed or not isinstance(self._connector(account), HasExpectedMargin):
            return None
        key = (account, symbol, quantity)
        known = self._known.get(key)
        if known is None or self._clock.monotonic_ns() - known.asked_ns > KEEP_S * 1e9:
            self._wanted[account] = key
            task = self._asking.get(account)
            if task is None or task.done():
                self._asking[account] = tasks.spawn(self._follow(account), name=f"margin {account}")
        else:
            # Back at a figure that is known: nobody wants the one in between.
            self._wanted.pop(account, None)
        return None if known is None else known.figure

    def tiers(self, account: str, symbol: str) -> Sequence[LeverageTier]:
        """The leverage of a symbol by size; none while it is not known, or where only the account's counts.
        Asks for it by the way."""
        trader: object = self._connector(account)
        if self._is_closed or not isinstance(trader, HasLeverageTiers):
            return ()
        key = (account, symbol)
        known = self._tiers.get(key)
        if known is None or self._clock.monotonic_ns() > known.again_ns:
            task = self._reading.get(key)
            if task is None or task.done():
                work = self._read_tiers(trader, account, symbol)
                self._reading[key] = tasks.spawn(work, name=f"leverage of {account} in {symbol}")
        return () if known is None else known.tiers

    def sets_leverage(self, account: str) -> bool:
        """Whether the venue keeps a leverage for each instrument that can be changed from here."""
        return not self._is_closed and isinstance(self._connector(account), HasLeverage)

    def leverage(self, account: str, symbol: str) -> Leverage | None:
        """The leverage of new positions in a symbol; None while it is not known, or where the venue keeps
        none. Asks for it by the way, see :attr:`changed`."""
        trader: object = self._connector(account)
        if self._is_closed or not isinstance(trader, HasLeverage):
            return None
        key = (account, symbol)
        known = self._leverages.get(key)
        if known is None or self._clock.monotonic_ns() > known.again_ns:
            task = self._reading_leverage.get(key)
            if task is None or task.done():
                work = self._read_leverage(trader, account, symbol)
                self._reading_leverage[key] = tasks.spawn(work, name=f"leverage {account} {symbol}")
        return None if known is None else known.found

    async def set_leverage(self, account: str, symbol: str, leverage: Decimal) -> None:
        """Change it at the venue; open positions of the symbol may change with it. Never sent twice: without
        an answer the venue is asked what it has.

        Raises:
            OrderRefused: the terminal is on View.
            Unsupported: the venue keeps no leverage for each instrument.
            VenueError: the venue's no, in its words, or OutcomeUnknown.
        """
        self._require_not_view()
        trader: object = self._connector(account)
        if self._is_closed or not isinstance(trader, HasLeverage):
            raise Unsupported("leverage", "This venue keeps no leverage that can be changed here.")
        log.info("%s: changing the leverage of %s to %s", account, symbol, leverage)
        await self._change(account, symbol, trader.set_leverage(symbol, leverage), "leverage")

    def moves_position_margin(self, account: str) -> bool:
        """Whether the own margin of an isolated position can be changed from here."""
        return not self._is_closed and isinstance(self._connector(account), MovesPositionMargin)

    async def move_position_margin(
        self, account: str, symbol: str, position_id: str, amount: Decimal
    ) -> None:
        """Add so much to an isolated position's margin; a negative amount is taken from it. Never sent twice.

        Raises:
            OrderRefused: the terminal is on View.
            Unsupported: the venue cannot, or the position has no margin of its own.
            VenueError: as of :meth:`set_leverage`.
        """
        self._require_not_view()
        trader: object = self._connector(account)
        if self._is_closed or not isinstance(trader, MovesPositionMargin):
            raise Unsupported("margin", "This venue changes no margin of single positions.")
        log.info("%s: moving %s to the margin of position %s in %s", account, amount, position_id, symbol)
        await self._change(account, symbol, trader.move_position_margin(position_id, amount), "the margin")

    def _require_not_view(self) -> None:
        if self._arming is not None and self._arming.state is ArmState.VIEW:
            raise OrderRefused("arm", "The terminal is on View: switch to Confirm first.")

    async def _change(self, account: str, symbol: str, change: Awaitable[None], what: str) -> None:
        try:
            async with asyncio.timeout(SET_S):
                await change
        except TimeoutError:
            venue = account.partition(":")[0]
            text = f"No answer to the change of {what}. What the venue has is shown once it says so."
            raise OutcomeUnknown(venue, f"set {what}: no answer", user_text=text) from None
        finally:
            # Whatever became of it: what the venue has now is what counts.
            await tasks.cancel_and_wait(self._reading_leverage.pop((account, symbol), None))
            self._leverages.pop((account, symbol), None)
            self.changed.notify(account)

    def sets_margin_mode(self, account: str) -> bool:
        """Whether what backs an instrument's new positions can be chosen from here."""
        return not self._is_closed and isinstance(self._connector(account), HasMarginModes)

    async def set_margin_mode(self, account: str, symbol: str, mode: str) -> None:
        """Have new orders of a symbol backed so; what is open keeps its own.

        Raises:
            OrderRefused: the terminal is on View.
            Unsupported: the venue, or the account, has no such mode.
            VenueError: as of :meth:`set_leverage`.
        """
        self._require_not_view()
        trader: object = self._connector(account)
        if self._is_closed or not isinstance(trader, HasMarginModes):
            raise Unsupported("margin mode", "This venue backs positions in one way only.")
        log.info("%s: new orders of %s are to be backed by %s margin", account, symbol, mode)
        await self._change(account, symbol, trader.set_margin_mode(symbol, mode), "the margin mode")

    async def _read_leverage(self, trader: HasLeverage, account: str, symbol: str) -> None:
        before = self._leverages.get((account, symbol))
        found = None if before is None else before.found
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await trader.leverage(symbol)
        except (TerminalError, TimeoutError) as error:
            log.info("%s: no leverage of %s: %s", account, symbol, error)
            found = None  # an old one could be wrong by now, and a margin worked out with it too
        again_ns = self._clock.monotonic_ns() + int(KEEP_LEVERAGE_S * 1e9)
        self._leverages[account, symbol] = _Leverage(found, again_ns)
        self.changed.notify(account)

    async def _follow(self, account: str) -> None:
        while (key := self._wanted.get(account)) is not None:
            await asyncio.sleep(self._settle_s)
            if self._wanted.get(account) != key:
                continue
            await self._ask(key)
            if self._wanted.get(account) == key:
                del self._wanted[account]
            self.changed.notify(account)

    async def _ask(self, key: _Key) -> None:
        account, symbol, quantity = key
        before = self._known.get(key)
        figure = None if before is None else before.figure
        trader: object = self._connector(account)
        try:
            if isinstance(trader, HasExpectedMargin):
                async with asyncio.timeout(ANSWER_S):
                    figure = await trader.expected_margin(symbol, quantity)
        except (TerminalError, TimeoutError) as error:
            log.info("%s: no expected margin of %s %s: %s", account, quantity, symbol, error)
        self._known[key] = _Known(figure, self._clock.monotonic_ns())
        self._known.move_to_end(key)
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)

    async def _read_tiers(self, trader: HasLeverageTiers, account: str, symbol: str) -> None:
        before = self._tiers.get((account, symbol))
        found, keep_s = () if before is None else before.tiers, RETRY_TIERS_S
        try:
            async with asyncio.timeout(ANSWER_S):
                found, keep_s = tuple(await trader.leverage_tiers(symbol)), KEEP_TIERS_S
        except (TerminalError, TimeoutError) as error:
            log.info("%s: no leverage by size of %s: %s", account, symbol, error)
        self._tiers[account, symbol] = _Tiers(found, self._clock.monotonic_ns() + int(keep_s * 1e9))
        self.changed.notify(account)
