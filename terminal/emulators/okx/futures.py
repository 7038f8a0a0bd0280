"""The dated futures of the practice OKX: which ones there are when, and how far they stand above the index.

They end on Fridays at 08:00 UTC: the next one (``this_week``), and the last ones of March, June, September
and December (``quarter``, ``next_quarter``; in its last two weeks a quarter's is ``next_week``). OKX API v5
"Get instruments", read 2026-07. The basis is this venue's own: a yearly rate that only the seed decides, so
that it shrinks evenly to nothing at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from terminal.emulators.market.latent import seed_number, uniform
from terminal.emulators.okx.listings import OkxInstrument, listing_of

DAY_NS: Final = 86_400_000_000_000
WEEK_NS: Final = 7 * DAY_NS
_YEAR_NS: Final = 365 * DAY_NS
_HOUR: Final = 8
_FRIDAY: Final = 4
_NAME: Final = re.compile(r"([A-Z]+-[A-Z]+)-(\d{6})")


@dataclass(frozen=True, slots=True)
class Family:
    """What all futures on one index share."""

    name: str
    """``instFamily``."""
    tick: str
    lot: str
    start_price: str
    settle: str
    contract_value: str
    contract_asset: str
    max_leverage: int
    spread: float
    rate: float
    trade: float
    gap: float


# fmt: off
FAMILIES: Final = (
    Family("BTC-USDT", "0.1", "0.01", "92400", "USDT", "0.01", "BTC", 50, spread=3, rate=14, trade=3, gap=12),
    Family("ETH-USDT", "0.01", "0.01", "3150", "USDT", "0.1", "ETH", 50, spread=4, rate=10, trade=5, gap=12),
    Family("BTC-USD", "0.1", "1", "92400", "BTC", "100", "USD", 50, spread=4, rate=10, trade=25, gap=14),
)
# fmt: on


def _friday(year: int, month: int) -> int:
    """The last Friday of a month, at the hour of delivery (nanoseconds UTC)."""
    after = datetime(year + month // 12, month % 12 + 1, 1, _HOUR, tzinfo=UTC)
    last = after - timedelta(days=1)
    return _ns(last - timedelta(days=(last.weekday() - _FRIDAY) % 7))


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def _quarters(after_ns: int) -> Iterator[int]:
    """Ends of quarters after a moment, the next one first."""
    year = datetime.fromtimestamp(after_ns / 1e9, UTC).year
    while True:
        for month in (3, 6, 9, 12):
            end = _friday(year, month)
            if end > after_ns:
                yield end
        year += 1


def expiries(now_ns: int) -> list[int]:
    """The ends of the futures that are listed at a moment, the next one first (nanoseconds UTC)."""
    day = datetime.fromtimestamp(now_ns / 1e9, UTC).replace(hour=_HOUR, minute=0, second=0, microsecond=0)
    weekly = _ns(day + timedelta(days=(_FRIDAY - day.weekday()) % 7))
    if weekly <= now_ns:
        weekly += WEEK_NS
    quarters = _quarters(now_ns)
    ends = [next(quarters), next(quarters)]
    if ends[0] - now_ns <= 2 * WEEK_NS:
        ends.append(next(quarters))
    return sorted({weekly, *ends})


def alias_of(expiry_ns: int, now_ns: int) -> str:
    """``alias`` of a future by its end."""
    left = expiry_ns - now_ns
    if left <= WEEK_NS:
        return "this_week"
    if left <= 2 * WEEK_NS:
        return "next_week"
    return "quarter" if expiry_ns == next(_quarters(now_ns + 2 * WEEK_NS)) else "next_quarter"


def _listed(expiry_ns: int) -> int:
    """Since when a future of that end is listed: a week, or two quarters and two weeks."""
    earlier = [end for end in _take(_quarters(expiry_ns - _YEAR_NS), 5) if end <= expiry_ns]
    return earlier[-3] - 2 * WEEK_NS if earlier[-1] == expiry_ns else expiry_ns - WEEK_NS


def _take(ends: Iterator[int], count: int) -> list[int]:
    return [next(ends) for _ in range(count)]


def _contract(index: int, expiry_ns: int) -> OkxInstrument:
    one = FAMILIES[index]
    end = datetime.fromtimestamp(expiry_ns / 1e9, UTC)
    listing = listing_of(
        f"{one.name}-{end:%y%m%d}", one.tick, one.lot, one.lot, one.start_price,
        spread=one.spread, rate=one.rate, trade=one.trade, gap=one.gap,
    )  # fmt: skip
    return OkxInstrument(
        listing,
        3_000_000 + 100_000 * index + expiry_ns // DAY_NS,
        "FUTURES",
        one.settle,
        Decimal(one.contract_value),
        one.contract_asset,
        one.max_leverage,
        _listed(expiry_ns),
        expiry_ns,
    )


def contracts_at(now_ns: int) -> list[OkxInstrument]:
    """Every future that is listed at a moment."""
    return [_contract(i, end) for i in range(len(FAMILIES)) for end in expiries(now_ns)]


def contract_of(inst_id: str) -> OkxInstrument | None:
    """The future of a name, though it may have ended long ago; None where no family has that name."""
    found = _NAME.fullmatch(inst_id)
    names = [one.name for one in FAMILIES]
    if found is None or found[1] not in names:
        return None
    try:
        end = datetime.strptime(f"{found[2]} {_HOUR} +0000", "%y%m%d %H %z")
    except ValueError:
        return None
    return _contract(names.index(found[1]), _ns(end))


def basis_of(seed: int, one: OkxInstrument) -> Callable[[int], float]:
    """The log of what a future costs more than its index at a moment: three to nine per cent a year."""
    number = seed_number(seed, "okx basis", one.inst_id)
    yearly = 0.03 + 0.06 * uniform(number, 1)
    expiry_ns = one.expiry_ns
    return lambda t_ns: yearly * max(0, expiry_ns - t_ns) / _YEAR_NS
