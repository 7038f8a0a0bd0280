"""Deals and pending deals of the practice Quotex: what is kept of them, and how they are told (section 9)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from terminal.emulators.market.store import Record
from terminal.emulators.quotex.accounts import is_demo, tournament_id

CENT: Final = Decimal("0.01")
DEAL_KIND: Final = "quotex:deal"
PENDING_KIND: Final = "quotex:pending"
_DECIMALS: Final = frozenset(
    {"stake", "stake_usd", "open_price", "close_price", "profit", "quote", "last_price"}
)


def cents(amount: Decimal) -> Decimal:
    """Rounded to two decimals, halves up."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(slots=True)
class Deal:
    """One deal, running or over."""

    number: int
    uid: int
    wallet: str
    id: str | int
    """As told to clients."""
    symbol: str
    is_call: bool
    stake: Decimal
    stake_usd: Decimal
    currency: str
    payout: int
    """Per cent of the stake on top of it at a win."""
    percent_loss: int
    """Per cent of the stake that a loss costs."""
    option_type: int
    request_id: int | None
    open_ms: int
    close_ms: int
    open_price: Decimal
    close_price: Decimal | None = None
    profit: Decimal | None = None
    """Against the stake; None while it runs."""
    closed_ms: int | None = None
    is_sold: bool = False

    @property
    def is_running(self) -> bool:
        return self.profit is None

    @property
    def possible_profit(self) -> Decimal:
        """At a win."""
        return cents(self.stake * self.payout / 100)

    def result_at(self, price: Decimal) -> Decimal:
        """Profit when it is settled by a price: the payout, nothing at a tie, minus what a loss costs."""
        if price == self.open_price:
            return Decimal(0)
        won = (price > self.open_price) == self.is_call
        return self.possible_profit if won else -cents(self.stake * self.percent_loss / 100)

    def accepted_row(self, offset_ms: int) -> dict[str, Any]:
        """As ``s_orders/open`` tells it."""
        return {
            "id": self.id,
            "requestId": self.request_id,
            "asset": self.symbol,
            "amount": self.stake,
            "command": 0 if self.is_call else 1,
            "openPrice": self.open_price,
            "closePrice": 0,
            "profit": self.possible_profit,
            "percentProfit": self.payout,
            "openTimestamp": (self.open_ms + offset_ms) // 1000,
            "closeTimestamp": (self.close_ms + offset_ms) // 1000,
            "isDemo": is_demo(self.wallet),
            "tournamentId": tournament_id(self.wallet),
            "optionType": self.option_type,
            "uid": self.uid,
        }

    def row(self, offset_ms: int) -> dict[str, Any]:
        """As lists and ``s_orders/close`` tell it."""
        opened, ends = self.open_ms + offset_ms, self.close_ms + offset_ms
        if self.closed_ms is not None and self.is_sold:
            ends = self.closed_ms + offset_ms
        return {
            **self.accepted_row(offset_ms),
            "uuid": str(self.id),
            "openTime": _text(opened),
            "closeTime": _text(ends),
            "closeTimestamp": ends // 1000,
            "openMs": opened % 1000,
            "closeMs": ends % 1000,
            "refundTimestamp": ends // 1000 if self.is_sold else None,
            "refundTime": _text(ends) if self.is_sold else None,
            "rate": 1,
            "profit": self.possible_profit if self.profit is None else self.profit,
            "percentLoss": self.percent_loss,
            "closePrice": 0 if self.close_price is None else self.close_price,
            "currency": self.currency,
            "amountUsd": self.stake_usd,
            "processUpdate": None,
        }

    def history_row(self, offset_ms: int) -> dict[str, Any]:
        """As the REST history tells it."""
        row = self.row(offset_ms)
        profit = self.profit if self.profit is not None else Decimal(0)
        return {
            "ticket": str(self.id),
            "asset": self.symbol,
            "amount": format(self.stake, ".2f"),
            "profitAmount": format(profit, ".2f"),
            "percentProfit": self.payout,
            "command": row["command"],
            "openPrice": format(self.open_price, "f"),
            "closePrice": None if self.close_price is None else format(self.close_price, "f"),
            "openTime": row["openTime"],
            "closeTime": row["closeTime"],
            "openTimestamp": row["openTimestamp"],
            "closeTimestamp": row["closeTimestamp"],
            "currency": self.currency,
            "isDemo": row["isDemo"],
            "tournamentId": row["tournamentId"],
        }


@dataclass(slots=True)
class Pending:
    """A deal that waits for a time or a price."""

    number: int
    uid: int
    wallet: str
    ticket: str
    symbol: str
    command: str | None
    """``call`` or ``put``; None where the client sent it in a way that the venue forgets."""
    stake: Decimal
    duration: int
    """Seconds."""
    open_ms: int | None
    quote: Decimal | None
    last_price: Decimal | None
    """Where the price was when it was ordered: it opens when the quote is crossed from there."""
    created_ms: int
    is_announced: bool = False
    is_over: bool = False

    def row(self, offset_ms: int) -> dict[str, Any]:
        """As ``s_pending/create`` and ``pending/list`` tell it."""
        at = None if self.open_ms is None else self.open_ms + offset_ms
        return {
            "ticket": self.ticket,
            "openType": 1 if at is None else 0,
            "asset": self.symbol,
            "openTime": None if at is None else _iso(at),
            "quote": self.quote,
            "timeframe": self.duration,
            "command": self.command,
            "amount": self.stake,
            "isDemo": is_demo(self.wallet),
            "tournamentId": tournament_id(self.wallet),
            "uid": self.uid,
        }


def purse_of(wallet: str) -> int:
    """A number for a wallet, by which the store finds its deals: 0 real, 1 demo, else the tournament's."""
    return tournament_id(wallet) or is_demo(wallet)


def record_of(one: Deal | Pending) -> Record:
    """For the store."""
    data = {
        name: format(value, "f") if isinstance(value, Decimal) else value
        for name, value in asdict(one).items()
    }
    if isinstance(one, Deal):
        at = one.close_ms if one.closed_ms is None else one.closed_ms
        side = is_demo(one.wallet)
        return Record(DEAL_KIND, one.number, one.uid, one.is_running, at, purse_of(one.wallet), side, data)
    return Record(PENDING_KIND, one.number, one.uid, not one.is_over, one.created_ms, 0, 0, data)


def deal_from(record: Record) -> Deal:
    """As it was kept."""
    return Deal(**_values(record.data, {field.name for field in fields(Deal)}))


def pending_from(record: Record) -> Pending:
    """As it was kept."""
    return Pending(**_values(record.data, {field.name for field in fields(Pending)}))


def _values(data: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {
        name: Decimal(value) if name in _DECIMALS and value is not None else value
        for name, value in data.items()
        if name in names
    }


def _text(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"
