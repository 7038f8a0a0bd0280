"""Fixed-payout contracts: a stake, a direction, an expiry, and a payout that is known beforehand.

A contract is an order like any other to the one gate: side BUY is "up", SELL is "down", its quantity is the
stake in the account's currency, and once the venue has taken it, it runs as a position that closes by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from terminal.domain.decimals import ZERO

_DAY_S: Final = 86_400
NS: Final = 1_000_000_000


class ExpiryMode(Enum):
    """What its end is counted from."""

    TIMED = "timed"
    """So long after it opened."""
    CLOCK = "clock"
    """At a line of the clock, the same for everybody."""


@dataclass(frozen=True, slots=True)
class ContractOffer:
    """What a venue offers on an instrument now. It changes during the day."""

    currency: str
    """Of stake and payout."""
    payout_pct: Decimal
    """Paid on top of the stake of a contract that wins; 87 means 87 % of it."""
    min_stake: Decimal
    max_stake: Decimal | None
    timed_s: tuple[int, ...]
    """For how long, ascending, of contracts that end so long after they opened."""
    clock_s: tuple[int, ...]
    """The same of contracts that end at a line of the clock: the distance of the lines since midnight UTC."""
    payouts_pct: tuple[tuple[int, Decimal], ...] = ()
    """Durations in seconds for which another payout holds."""
    untold_s: tuple[int, ...] = ()
    """Durations whose payout the venue does not tell: what stands for them is the least to be expected."""
    is_house_quoted: bool = False
    """The venue makes this price itself, so no market tells whether it is right."""
    sells_back: bool = False
    """A running contract may be given back before its end."""
    can_wait: bool = False
    """A contract may be asked for now and opened later, at a time or a price."""

    def payout(self, duration_s: int) -> Decimal:
        """In per cent of the stake, for this duration."""
        return next((pct for seconds, pct in self.payouts_pct if seconds == duration_s), self.payout_pct)

    def is_exact(self, duration_s: int) -> bool:
        """Whether the venue itself tells the payout of this duration."""
        return duration_s not in self.untold_s

    def offers(self, mode: ExpiryMode, duration_s: int) -> bool:
        """Whether there are contracts of this length, counted this way."""
        return duration_s in (self.timed_s if mode is ExpiryMode.TIMED else self.clock_s)


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """What a person asks for beside direction and stake."""

    mode: ExpiryMode
    duration_s: int
    payout_pct: Decimal
    """As it was seen: less than this is shown again and not taken. Of a contract that was taken: as the venue
    has booked it."""
    expires_ns: int | None = None
    """CLOCK only, UTC."""
    opens_ns: int | None = None
    """When it shall open, UTC; None: now, or at the order's trigger price."""


@dataclass(frozen=True, slots=True)
class RunningContract:
    """How a position that is a contract ends."""

    payout_pct: Decimal
    expires_ns: int
    duration_s: int
    sells_back: bool = False

    def left_s(self, now_ns: int) -> float:
        """Seconds until it ends; 0 once it has."""
        return max(0, self.expires_ns - now_ns) / NS


def win_amount(stake: Decimal, payout_pct: Decimal) -> Decimal:
    """What a contract that wins brings on top of its stake, to the cent below."""
    return (stake * payout_pct / 100).quantize(Decimal("0.01"), rounding="ROUND_DOWN")


def outcome(stake: Decimal, payout_pct: Decimal, moved: Decimal) -> Decimal:
    """What a contract brings, net of its stake, where its price has moved so far in its direction at the end:
    the win, nothing at a tie, else the stake lost."""
    if moved > ZERO:
        return win_amount(stake, payout_pct)
    return -stake if moved < ZERO else ZERO


def break_even_rate(payout_pct: Decimal) -> Decimal | None:
    """The share of contracts (0 to 1) that has to win for nothing to be lost in the long run: with 87 % it is
    1 / 1.87. None where nothing is paid."""
    return None if payout_pct <= 0 else 1 / (1 + payout_pct / 100)


def clock_expiry_ns(now_ns: int, duration_s: int) -> int:
    """The line of the clock at which a contract asked for now ends.

    Below a minute it is the next full minute, or the one after it from second 30 on. From a minute on it is
    the next line of the grid of ``duration_s`` since midnight UTC, or the one after it where less than half
    of the distance is left (Quotex's web terminal, expiry of turbo contracts). ``now_ns`` is the venue's
    clock.
    """
    now_s = now_ns // NS
    step_s = max(60, duration_s)
    into_s = now_s % _DAY_S % step_s
    late = into_s >= 30 if duration_s < 60 else into_s * 2 > step_s
    return (now_s - into_s + step_s * (2 if late else 1)) * NS


class ContractResult(Enum):
    """How a contract ended."""

    WON = "won"
    LOST = "lost"
    TIED = "tied"
    """The price at the end was the one at the beginning: the stake comes back."""


SOLD_BACK: Final = "sold back"
"""The reason of a closing order that is no such end: the contract was given back before it."""


def result_of(profit: Decimal) -> ContractResult:
    """What its profit, net of the stake, says of a contract that ran to its end."""
    if profit > ZERO:
        return ContractResult.WON
    return ContractResult.LOST if profit < ZERO else ContractResult.TIED


@dataclass(frozen=True, slots=True)
class HitRate:
    """How often contracts of one kind have won, and how sure that is."""

    won: int
    ended: int
    """Won and lost; ties count as neither."""

    @property
    def rate(self) -> float | None:
        """0 to 1; None before the first one."""
        return self.won / self.ended if self.ended else None

    def interval(self, z: float = 1.96) -> tuple[float, float] | None:
        """Between which rates the true one lies in 95 of 100 cases (Wilson's score interval, which stays
        honest for few contracts and for none won)."""
        if not self.ended:
            return None
        n, p = self.ended, self.won / self.ended
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * ((p * (1 - p) + z * z / (4 * n)) / n) ** 0.5
        return max(0.0, middle - half), min(1.0, middle + half)
