"""What the comparison of venues asks of the services and of the ticket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Protocol

from terminal.core.observe import Observable
from terminal.domain.account import FeeRates
from terminal.domain.book import OrderBook
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, Quote, Side
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import Mode, SessionState


class CrossMarket(Protocol):
    """What the comparison asks of ``services.market_data.MarketData``."""

    changed: Observable[[InstrumentId, Topic]]

    def watch(self, feed: Feed, venue: str) -> Callable[[], None]: ...
    def instrument(self, instrument: InstrumentId) -> Instrument | None: ...
    def instruments(self, venue: str | None = None) -> list[Instrument]: ...
    def quote(self, instrument: InstrumentId) -> Quote | None: ...
    def book(self, instrument: InstrumentId) -> OrderBook | None: ...
    def book_state(self, instrument: InstrumentId) -> FeedState: ...
    def feed_state(self, feed: Feed, venue: str) -> FeedState: ...
    def refusal(self, feed: Feed, venue: str) -> str: ...
    def price_age_ns(self, instrument: InstrumentId) -> int | None: ...


class TwinSource(Protocol):
    """Who knows the twins; ``services.twins.Twins`` is one."""

    changed: Observable[[]]
    listed: Observable[[str]]

    def group_of(self, instrument: InstrumentId) -> str: ...
    def twins_of(self, instrument: InstrumentId) -> list[Instrument]: ...


class CrossSession(Protocol):
    """A venue's connection (:class:`terminal.services.session.Session`)."""

    @property
    def state(self) -> SessionState: ...
    @property
    def account(self) -> str: ...
    @property
    def mode(self) -> Mode: ...


class CrossSessions(Protocol):
    """All connections (:class:`terminal.services.session.SessionManager`)."""

    changed: Observable[[str]]

    @property
    def sessions(self) -> Mapping[str, CrossSession]: ...


class FeeSource(Protocol):
    """Who knows the accounts' rates; ``services.portfolio.Portfolio`` is one."""

    changed: Observable[[str]]

    def fee_rates(self, account: str, symbol: str) -> FeeRates | None: ...


class _Form(Protocol):
    @property
    def side(self) -> Side: ...


class TicketSize(Protocol):
    """Where size and side come from: ``viewmodels.ticket.TicketViewModel``."""

    instrument: Instrument | None

    @property
    def form(self) -> _Form: ...
    def quantity_for(self, side: Side, price: Decimal) -> Decimal | None: ...
    def set_side(self, side: Side) -> None: ...
    def carry_size(self, quantity: Decimal) -> None: ...


class Chooser(Protocol):
    """The group of linked panels; ``viewmodels.selection.Selection`` is one."""

    changed: Observable[[]]

    @property
    def instrument(self) -> InstrumentId | None: ...
    def select(self, instrument: InstrumentId | None) -> None: ...
