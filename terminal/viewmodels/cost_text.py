"""The cost strip and the three fixed numbers as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple, Protocol

from terminal.domain.account import AccountFigures, LeverageTier
from terminal.domain.instrument import Instrument, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import beside_text, coin_digits, counted
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


class Money(NamedTuple):
    """In which money costs are told: the account's own where it is known what one quote unit is worth in it
    (``rate``), else what the instrument is settled in."""

    currency: str
    rate: Decimal = Decimal(1)
    is_coin: bool = False

    def text(self, amount: Decimal | None, *, decimals: int | None = None, signed: bool = False) -> str:
        """An amount of what costs are counted in, with its currency; ``decimals``: None writes more of a
        small one. Coins have digits of their own."""
        own = None if amount is None else amount * self.rate
        digits = _money_digits(own) if decimals is None else decimals
        if self.is_coin and own is not None:
            digits = coin_digits(own)
        return fmt.money(own, self.currency, decimals=digits, signed=signed)


def settled_money(instrument: Instrument) -> Money:
    """What the instrument's costs are counted in: the quote asset, or the coin."""
    return Money(instrument.settled_in, is_coin=instrument.is_inverse)


def cost_lines(
    cost: CostEstimate | None, side: Side, instrument: Instrument, why_not: str, own: Money | None = None
) -> tuple[CostLine, ...]:
    """The cost strip: always the same lines at the same place, with a dash for what cannot be known. ``own``:
    the account's money where it is another one than what the instrument is settled in."""
    digits, money = instrument.price_decimals, own or settled_money(instrument)
    labels = ("Average price", "Slippage vs mid", "Fee")
    if cost is None or (cost.average_price is None and cost.covered >= 1):
        return tuple(
            CostLine(label, fmt.NOTHING, why_not if row == 0 else "") for row, label in enumerate(labels)
        )
    if cost.covered < 1:
        share = cost.thin_text.rpartition(": ")[2]
        first = CostLine(labels[0], fmt.NOTHING, share, "warning", cost.thin_text)
        return (first, *(CostLine(label, fmt.NOTHING) for label in labels[1:]))
    distance, lost = fmt.NOTHING, _slippage_detail(cost, money, instrument)
    if cost.slippage_ticks is not None:
        distance = _distance(cost.slippage_ticks, instrument)
        if not distance:
            distance, lost = lost, ""
    slippage = CostLine(
        labels[1],
        distance,
        lost,
        tip=_tip(
            money.text(cost.slippage, signed=True) if cost.slippage is not None and money.is_coin else "",
            "Expected average price against the middle of bid and ask. Plus costs you, minus saves you.",
        ),
    )
    fee = CostLine(
        labels[2],
        money.text(cost.fee),
        cost.fee_kind if cost.fee is not None else "rate unknown",
        tip=_tip(
            beside_text(cost.fee, instrument, cost.average_price),
            "By the account's own rates: maker for what rests, taker for what is taken at once.",
        ),
    )
    return (CostLine(labels[0], fmt.price(cost.average_price, digits)), slippage, fee)


def fixed_numbers(
    cost: CostEstimate | None, side: Side, instrument: Instrument, own: Money | None = None
) -> tuple[CostLine, CostLine, CostLine]:
    """Most I can lose, cost to enter and leave, what must happen to break even: same place for every kind.
    ``own``: the account's money where it is another one than what the instrument is settled in. Coins have
    their worth beside them: at the price of the order, of a loss by the stop at the stop."""
    digits, money = instrument.price_decimals, own or settled_money(instrument)
    labels = ("Most I can lose", "Enter and leave", "Break even")
    if cost is None:
        return (
            CostLine(labels[0], fmt.NOTHING),
            CostLine(labels[1], fmt.NOTHING),
            CostLine(labels[2], fmt.NOTHING),
        )
    lose = CostLine(
        labels[0],
        money.text(cost.max_loss, decimals=2),
        beside_text(cost.max_loss, instrument, cost.loss_price or cost.average_price),
        tip=_loss_tip(side, instrument, cost),
    )
    if cost.unlimited:
        tip = "A rising price has no end, and so has this loss."
        words = "no limit"
        if instrument.is_inverse:
            coin = instrument.settled_in
            tip = (
                f"Paid in {coin}: a {instrument.quote} costs ever more {coin} as the price falls, endlessly."
            )
        if instrument.kind is InstrumentKind.CFD:
            words, tip = "no stop", "Without a stop loss nothing limits what can be lost."
        lose = CostLine(labels[0], "∞", words, "warning", tip)
    enter = CostLine(
        labels[1], money.text(cost.round_trip),
        beside_text(cost.round_trip, instrument, cost.average_price),
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


class MarginAccounts(Protocol):
    """What is read of an account to estimate a margin; ``ports.Accounts`` is one."""

    def leverage(self, account: str, instrument: Instrument) -> Decimal | None: ...
    def figures(self, account: str) -> AccountFigures | None: ...
    def worth(self, account: str, asset: str, amount: Decimal, currency: str) -> Decimal | None: ...


def margin_needed(
    accounts: MarginAccounts, account: str, instrument: Instrument, cost: CostEstimate | None
) -> str | None:
    """What an order ties up, estimated by its worth and the account's leverage: ``≈ 193.40 USD at 1:30``.
    Empty where it cannot be known, None where the instrument is paid in full."""
    leverage = accounts.leverage(account, instrument)
    if leverage is None and instrument.swap is None:
        return None
    worth, figures = cost.notional if cost is not None else None, accounts.figures(account)
    if not leverage or worth is None:
        return ""
    own = settled_money(instrument)
    if figures is not None and figures.currency != own.currency:
        rate = accounts.worth(account, own.currency, Decimal(1), figures.currency)
        if rate is None:
            return ""
        own = Money(figures.currency, rate)
    return f"≈ {own.text(worth / leverage, decimals=2)} at 1:{fmt.quantity(leverage, 1)}"


def carry_lines(
    request: OrderRequest | None,
    instrument: Instrument,
    *,
    leverage: Decimal | None,
    notional: Decimal | None,
    rate: Decimal | None,
    currency: str,
    expected: Decimal | None = None,
    tiers: Sequence[LeverageTier] = (),
) -> tuple[CostLine, ...]:
    """Margin and the swap of a night. ``notional`` in quote units; ``rate``: one of them in ``currency``;
    ``expected``: the margin that the venue itself says, in ``currency``. Without it there is an estimate."""
    margin = CostLine("Margin", fmt.NOTHING)
    by_size = f" Leverage by size: {_tiers_text(tiers)}." if tiers else ""
    at = f"at 1:{fmt.quantity(leverage, 1)}" if leverage else ""
    if expected is not None:
        tip = f"Tied up while the position is open, as the venue says for this size.{by_size}"
        margin = CostLine("Margin", fmt.money(expected, currency), at, tip=tip)
    elif leverage and notional is not None and rate is not None:
        tied = fmt.money(notional / leverage * rate, currency)
        tip = f"Tied up while the position is open: an estimate by its worth and the leverage.{by_size}"
        margin = CostLine("Margin", f"≈ {tied}", at, tip=tip)
    swap = CostLine("Swap a night", fmt.NOTHING, tip="Overnight interest; minus costs you")
    if instrument.swap is not None and request is not None:
        per_unit = instrument.swap.long if request.side is Side.BUY else instrument.swap.short
        amount = per_unit * request.quantity * instrument.multiplier
        value = amount if rate is None else amount * rate
        tip = instrument.swap.text or "Overnight interest; minus costs you"
        day = instrument.swap.triple_weekday
        if day is not None:
            tip += f". Three times on {_WEEKDAYS[day]}"
        unit = instrument.quote if rate is None else currency
        swap = CostLine("Swap a night", fmt.money(value, unit, decimals=2, signed=True), tip=tip)
    return (margin, swap)


def _tiers_text(tiers: Sequence[LeverageTier]) -> str:
    """``1:200 up to 1 000 000 USD, then 1:100``."""
    *first, last = (f"1:{fmt.quantity(tier.leverage, 1)}" for tier in tiers)
    words = [
        f"{text} up to {fmt.money(tier.up_to_usd, 'USD', decimals=0)}"
        for text, tier in zip(first, tiers, strict=False)
    ]
    return ", ".join([*words, f"then {last}" if words else last])


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _loss_tip(side: Side, instrument: Instrument, cost: CostEstimate) -> str:
    if cost.by_margin:
        return (
            "Its own margin, by its worth and the leverage, with the fee to enter: nothing else backs an "
            "isolated position. Margin that you add later and funding come on top."
        )
    if instrument.kind is InstrumentKind.CFD or cost.by_stop:
        return "What the stop loss gives up, with the cost to enter and leave. A stop may slip."
    if instrument.is_inverse:
        return (
            "The whole worth of the order with its fee: what is lost if the price rises without end. It is "
            f"paid in {instrument.settled_in}."
        )
    if instrument.kind is not InstrumentKind.SPOT:
        return "The whole worth of the order with its fee: what is lost if the price goes to nothing."
    if side is Side.BUY:
        return f"All that is paid, if {instrument.base} became worthless."
    return "The cost of the trade. What is sold can lose no more; a later rise is missed."


def _tip(figure: str, story: str) -> str:
    """A tooltip that begins with the figure for which its line has no room."""
    return f"{figure}. {story}" if figure else story


def _slippage_detail(cost: CostEstimate, money: Money, instrument: Instrument) -> str:
    if cost.slippage is None and cost.fee_kind == "maker":
        return "rests at its price"
    if cost.slippage is None:
        return "once triggered"
    beside = beside_text(cost.slippage, instrument, cost.average_price, signed=True)
    return beside or money.text(cost.slippage, signed=True)


def _distance(ticks: Decimal, instrument: Instrument) -> str:
    """A distance in the venue's own words: ``+0.5 ticks`` or ``+0.3 pips``; empty where it has none."""
    if not instrument.pip_size and not instrument.is_tick_told:
        return ""
    if not instrument.pip_size:
        return counted(_ticks(ticks), "ticks")
    return counted(_ticks(ticks * instrument.tick_size / instrument.pip_size), "pips")


def _ticks(value: Decimal) -> str:
    rounded = value.quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)
    text = fmt.quantity(rounded, 1)
    return f"+{text}" if rounded > 0 else text


def _money_digits(value: Decimal | None) -> int:
    """Two digits, four for small change: a fee of a third of a cent is not 0.00."""
    return 4 if value is not None and abs(value) < 1 else 2
