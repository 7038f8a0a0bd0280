"""What the Positions and Accounts tabs ask of the services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Protocol

from terminal.core.observe import Observable
from terminal.domain.account import AccountFigures, AccountInfo, Balance, Position
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FundingRate, Quote
from terminal.domain.orders import Order, OrderRequest, Origin, Protection
from terminal.services.market_data import FeedState, Topic
from terminal.services.positions import Leg


class PositionActions(Protocol):
    """What can be done with positions (:class:`terminal.services.positions.PositionDesk`)."""

    changed: Observable[[str]]

    @property
    def pending(self) -> Mapping[tuple[str, str], Protection]: ...

    def close_request(
        self, account: str, position_id: str, quantity: Decimal | None = ..., *, origin: Origin = ...
    ) -> OrderRequest: ...

    def double_request(self, account: str, position_id: str, *, origin: Origin = ...) -> OrderRequest: ...

    def reverse_requests(
        self, account: str, position_id: str, *, origin: Origin = ...
    ) -> tuple[OrderRequest, ...]: ...

    async def submit_in_turn(
        self, account: str, requests: tuple[OrderRequest, ...], confirmed: frozenset[str]
    ) -> list[Order]: ...

    def check(self, account: str, position_id: str, protection: Protection) -> list[OrderRefused]: ...

    async def protect(
        self,
        account: str,
        position_id: str,
        *,
        stop_loss: Leg = ...,
        take_profit: Leg = ...,
        trailing: bool | None = ...,
        confirmed: frozenset[str] = ...,
    ) -> None: ...


class PositionSource(Protocol):
    """Where positions and figures come from (:class:`terminal.services.portfolio.Portfolio`)."""

    changed: Observable[[str]]

    def positions(self, account: str) -> tuple[Position, ...]: ...
    def position(self, account: str, position_id: str) -> Position | None: ...
    def overview(self, account: str) -> AccountFigures | None: ...
    def info(self, account: str) -> AccountInfo | None: ...
    def balances(self, account: str) -> Mapping[str, Balance]: ...


class MarginMover(Protocol):
    """Changes the own margin of an isolated position (:class:`terminal.services.margins.Margins`)."""

    def moves_position_margin(self, account: str) -> bool: ...
    async def move_position_margin(
        self, account: str, symbol: str, position_id: str, amount: Decimal
    ) -> None: ...


class PriceSource(Protocol):
    """Quotes and instruments (:class:`terminal.services.market_data.MarketData`)."""

    changed: Observable[[InstrumentId, Topic]]

    def watch(self, feed: Feed, venue: str) -> Callable[[], None]: ...
    def quote(self, instrument: InstrumentId) -> Quote | None: ...
    def feed_state(self, feed: Feed, venue: str) -> FeedState: ...
    def price_age_ns(self, instrument: InstrumentId) -> int | None: ...
    def funding(self, instrument: InstrumentId) -> FundingRate | None: ...
    def instrument(self, instrument: InstrumentId) -> Instrument | None: ...
