"""The funding of a perpetual contract in words: the rate, when it is paid, and who pays whom."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from terminal.domain.instrument import Instrument
from terminal.domain.market import FundingRate, Side
from terminal.domain.worth import worth
from terminal.viewmodels import format as fmt
from terminal.viewmodels.cost_text import CostLine

_NS: Final = 1_000_000_000
_YEAR_NS: Final = 365 * 86_400 * _NS


def rate_text(funding: FundingRate) -> str:
    """``0.0100 %``."""
    return fmt.percent(funding.rate * 100, 4, signed=False)


def due_text(funding: FundingRate, now_ns: int) -> str:
    """``in 3 h 12 min``, ``in 12 min``, ``in 40 s``."""
    left = max(0, (funding.due_ns - now_ns) // _NS)
    hours, rest = divmod(left, 3600)
    if hours:
        return f"in {hours} h {rest // 60} min"
    return f"in {left // 60} min" if left >= 60 else f"in {left} s"


def paying_text(funding: FundingRate, side: Side) -> str:
    """What the rate means for the holder of a side: ``you pay``, ``you get``."""
    flow = funding.rate * side.sign
    return "nothing is paid" if not flow else "you pay" if flow > 0 else "you get"


def funding_tip(funding: FundingRate) -> str:
    """The rate of a period and of a year, when it is next, and who pays whom, a sentence a line."""
    lines = []
    if funding.following_ns is not None and funding.following_ns > funding.due_ns:
        period_ns = funding.following_ns - funding.due_ns
        yearly = fmt.percent(funding.rate * _YEAR_NS / period_ns * 100, 2, signed=False)
        hours = fmt.quantity(Decimal(period_ns) / (3600 * _NS), 1)
        lines.append(f"{rate_text(funding)} every {hours} h; at this rate {yearly} a year.")
    else:
        lines.append(f"{rate_text(funding)} at the next funding.")
    lines.append(f"Next: {fmt.date_time(funding.due_ns)}. The rate may change until then.")
    if funding.rate:
        pays, gets = ("Longs", "shorts") if funding.rate > 0 else ("Shorts", "longs")
        lines.append(f"{pays} pay {gets}, a share of what the position is worth.")
    return "\n".join(lines)


def header_text(funding: FundingRate, now_ns: int) -> str:
    """For a title: ``Funding 0.0100 % in 3 h 12 min``."""
    return f"Funding {rate_text(funding)} {due_text(funding, now_ns)}"


def funding_line(funding: FundingRate | None, side: Side, now_ns: int, why_not: str = "") -> CostLine:
    """The line of an order of this side; ``why_not``: what is the matter where there is no rate."""
    if funding is None:
        return CostLine("Funding", fmt.NOTHING, why_not)
    detail = f"{paying_text(funding, side)} {due_text(funding, now_ns)}"
    return CostLine("Funding", rate_text(funding), detail, tip=funding_tip(funding))


def payment(
    funding: FundingRate, instrument: Instrument, side: Side, quantity: Decimal, price: Decimal
) -> Decimal:
    """What the next funding brings (negative: costs) a position at this price and rate: in quote units, of an
    inverse contract in the coin."""
    value = worth(instrument, quantity, price)
    if instrument.is_inverse:
        value /= price
    return -value * funding.rate * side.sign


def payment_text(
    funding: FundingRate,
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    now_ns: int,
    currency: str,
) -> str:
    """``Next funding in 3 h 12 min: you pay about 0.92 USDT (0.0100 %)``; amounts in ``currency``."""
    amount = payment(funding, instrument, side, quantity, price)
    digits = 8 if instrument.is_inverse else 4 if abs(amount) < 1 else 2
    about = fmt.money(abs(amount), currency, decimals=digits)
    said = f"{paying_text(funding, side)} about {about}" if amount else "nothing is paid"
    return f"Next funding {due_text(funding, now_ns)}: {said} ({rate_text(funding)})"
