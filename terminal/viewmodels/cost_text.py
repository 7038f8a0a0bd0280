"""The cost strip and the three fixed numbers as lines of text."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from terminal.domain.instrument import Instrument, InstrumentKind
from terminal.domain.market import Side
from terminal.viewmodels import format as fmt
from terminal.viewmodels.cost import CostEstimate


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line: its label, its figure, a second figure drawn muted, and the whole story for a tooltip.

    ``tone`` is ``""`` or ``"warning"``.
    """

    label: str
    value: str
    detail: str = ""
    tone: str = ""
    tip: str = ""


def cost_lines(
    cost: CostEstimate | None, side: Side, instrument: Instrument, why_not: str
) -> tuple[CostLine, ...]:
    """The cost strip: always the same lines at the same place, with a dash for what cannot be known."""
    digits, quote = instrument.price_decimals, instrument.quote
    labels = ("Average price", "Slippage vs mid", "Fee")
    if cost is None or (cost.average_price is None and cost.covered >= 1):
        return tuple(
            CostLine(label, fmt.NOTHING, why_not if row == 0 else "") for row, label in enumerate(labels)
        )
    if cost.covered < 1:
        share = cost.thin_text.rpartition(": ")[2]
        first = CostLine(labels[0], fmt.NOTHING, share, "warning", cost.thin_text)
        return (first, *(CostLine(label, fmt.NOTHING) for label in labels[1:]))
    slippage = CostLine(
        labels[1],
        fmt.NOTHING if cost.slippage_ticks is None else f"{_ticks(cost.slippage_ticks)} ticks",
        _slippage_detail(cost, quote),
        tip="Expected average price against the middle of bid and ask. Plus costs you, minus saves you.",
    )
    fee = CostLine(
        labels[2],
        fmt.money(cost.fee, quote, decimals=_money_digits(cost.fee)) if cost.fee is not None else fmt.NOTHING,
        cost.fee_kind if cost.fee is not None else "rate unknown",
        tip="By the account's own rates: maker for what rests, taker for what is taken at once.",
    )
    return (CostLine(labels[0], fmt.price(cost.average_price, digits)), slippage, fee)


def fixed_numbers(
    cost: CostEstimate | None, side: Side, instrument: Instrument
) -> tuple[CostLine, CostLine, CostLine]:
    """Most I can lose, cost to enter and leave, what must happen to break even: same place for every kind."""
    digits, quote = instrument.price_decimals, instrument.quote
    labels = ("Most I can lose", "Enter and leave", "Break even")
    if cost is None:
        return (
            CostLine(labels[0], fmt.NOTHING),
            CostLine(labels[1], fmt.NOTHING),
            CostLine(labels[2], fmt.NOTHING),
        )
    lose = CostLine(labels[0], fmt.money(cost.max_loss, quote), tip=_loss_tip(side, instrument))
    if cost.unlimited:
        lose = CostLine(
            labels[0], "∞", "no limit", "warning", "A rising price has no end, and so has this loss."
        )
    enter = CostLine(
        labels[1], fmt.money(cost.round_trip, quote, decimals=_money_digits(cost.round_trip)),
        tip="Spread, slippage and both fees.",
    )  # fmt: skip
    if cost.break_even_price is None or cost.break_even_move is None:
        return lose, enter, CostLine(labels[2], fmt.NOTHING)
    word, arrow = ("bid", fmt.UP) if side is Side.BUY else ("ask", fmt.DOWN)
    even = CostLine(
        labels[2],
        f"{word} {fmt.price(cost.break_even_price, digits)}",
        f"{arrow} {fmt.percent(cost.break_even_pct, signed=False)}",
        tip=f"The {word} has to reach this price before leaving the trade costs nothing in all.",
    )
    return lose, enter, even


def _loss_tip(side: Side, instrument: Instrument) -> str:
    if instrument.kind is not InstrumentKind.SPOT:
        return "The whole worth of the order with its fee."
    if side is Side.BUY:
        return f"All that is paid, if {instrument.base} became worthless."
    return "The cost of the trade. What is sold can lose no more; a later rise is missed."


def _slippage_detail(cost: CostEstimate, quote: str) -> str:
    if cost.slippage is None:
        return "known once triggered"
    return fmt.money(cost.slippage, quote, decimals=_money_digits(cost.slippage), signed=True)


def _ticks(value: Decimal) -> str:
    rounded = value.quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)
    text = fmt.quantity(rounded, 1)
    return f"+{text}" if rounded > 0 else text


def _money_digits(value: Decimal | None) -> int:
    """Two digits, four for small change: a fee of a third of a cent is not 0.00."""
    return 4 if value is not None and abs(value) < 1 else 2
