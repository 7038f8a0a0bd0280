"""Everything a connector may tell the terminal, as one union.

A connector calls ``sink(event)``, a plain function, in the same turn in which the frame arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from terminal.domain.account import AccountFigures, AccountInfo, Balance, Position
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Bar, BookDelta, BookSnapshot, Feed, FundingRate, Quote, Trade
from terminal.domain.orders import Fill, OrderReport


class BarUpdate(NamedTuple):
    """The running bar, or one that has just ended."""

    instrument: InstrumentId
    interval_s: int
    bar: Bar
    ts_received_ns: int


class TradesReceived(NamedTuple):
    """Prints of one frame, oldest first; ``is_snapshot`` marks the ones from before the subscription."""

    instrument: InstrumentId
    trades: tuple[Trade, ...]
    is_snapshot: bool


class BarsReceived(NamedTuple):
    """The bars a subscription starts with, oldest first."""

    instrument: InstrumentId
    interval_s: int
    bars: tuple[Bar, ...]
    ts_received_ns: int


class LinkState(Enum):
    """One socket's state."""

    OFF = "off"
    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    """Gave up until the person does something (bad key, policy close)."""


class LinkChanged(NamedTuple):
    """A socket of a connector changed state. ``link`` is ``"public"`` or ``"private"``."""

    link: str
    state: LinkState
    reason: str
    """One plain sentence, or empty."""
    ts_received_ns: int


class FeedConfirmed(NamedTuple):
    """The venue has accepted a subscription."""

    feed: Feed


class FeedRefused(NamedTuple):
    """The venue has refused a subscription, or ended it."""

    feed: Feed
    reason: str


class FeedInterrupted(NamedTuple):
    """What this feed showed is no longer proven: its link is down or its stream had a gap."""

    feed: Feed
    reason: str


class InstrumentsChanged(NamedTuple):
    """New, changed or delisted instruments (whole records)."""

    instruments: tuple[Instrument, ...]


class VenueStatusChanged(NamedTuple):
    """The venue's own trading state, e.g. ``online``, ``maintenance``, ``cancel_only``, ``post_only``."""

    status: str


class OrderReported(NamedTuple):
    """A private stream reported on an order."""

    report: OrderReport


class FillReported(NamedTuple):
    """A private stream reported an execution of ours."""

    fill: Fill


class BalancesReported(NamedTuple):
    """New totals. ``is_snapshot``: all assets, so what is not listed is zero. ``held`` may be unknown to the
    stream: it is 0 here where the venue does not say, and derived from open orders by the portfolio."""

    balances: tuple[Balance, ...]
    is_snapshot: bool


class PositionReported(NamedTuple):
    """A position as it stands now; quantity 0: it is closed, and ``reason`` says by what (stop loss, take
    profit, stop-out, the person) where the venue tells."""

    position: Position
    reason: str = ""


class FiguresReported(NamedTuple):
    """An account on margin as it stands now."""

    figures: AccountFigures


class AccountsChanged(NamedTuple):
    """The accounts of this connection, all of them: one came, went, or changed what it may do."""

    accounts: tuple[AccountInfo, ...]


class SignInNeeded(NamedTuple):
    """The person has to sign in again; ``reason`` is one plain sentence."""

    reason: str


class VenueNotice(NamedTuple):
    """Something the venue wants a person to know, such as a margin call, in one plain sentence."""

    text: str
    is_urgent: bool = False


class AccountStreamReset(NamedTuple):
    """The private stream lost its thread (gap, new session): take a snapshot before trusting it again."""

    reason: str


class WireFault(NamedTuple):
    """Something unreadable arrived; counted and logged, never fatal."""

    link: str
    what: str


@dataclass(frozen=True, slots=True)
class BudgetLevel:
    """A rate limit of the venue, as we count it. ``used`` and ``limit`` in the venue's own points."""

    name: str
    """E.g. ``"REST calls"`` or ``"BTC/USD orders"``."""
    used: float
    limit: float
    decay_per_s: float


AccountEvent = (
    OrderReported | FillReported | BalancesReported | PositionReported | FiguresReported | AccountStreamReset
)


class ForAccount(NamedTuple):
    """An event of one account of a connection that has several. ``state`` instead of an event: the account
    itself came to life (LIVE: compare it with the venue now) or was lost."""

    account_id: str
    event: AccountEvent | LinkState
    reason: str = ""


VenueEvent = (
    Quote
    | BookSnapshot
    | BookDelta
    | TradesReceived
    | BarUpdate
    | BarsReceived
    | FundingRate
    | LinkChanged
    | FeedConfirmed
    | FeedRefused
    | FeedInterrupted
    | InstrumentsChanged
    | VenueStatusChanged
    | OrderReported
    | FillReported
    | BalancesReported
    | AccountStreamReset
    | PositionReported
    | FiguresReported
    | AccountsChanged
    | SignInNeeded
    | VenueNotice
    | ForAccount
    | WireFault
)
