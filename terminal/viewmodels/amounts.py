"""Sizes, distances and money in the words of the market they are traded in: lots and pips, or units and
ticks; quote money, or coins with what they are worth beside them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from terminal.domain.decimals import decimals_of
from terminal.domain.instrument import Instrument
from terminal.domain.worth import in_quote
from terminal.viewmodels import format as fmt
from terminal.viewmodels.size_entry import short_quantity

_CENTS_BELOW: Final = 10_000


def pip_of(instrument: Instrument | None) -> tuple[Decimal, str]:
    """The unit in which distances are spoken of, and its word: quote money where the venue tells no tick; 0
    while it is not known."""
    if instrument is None:
        return Decimal(0), ""
    if instrument.pip_size:
        return instrument.pip_size, "pips"
    if not instrument.is_tick_told:
        return Decimal(1), instrument.quote
    return instrument.tick_size, "ticks"


def counted(number: str, word: str) -> str:
    """A number in words with its unit, which is singular after one: ``+1 pip``, ``−25.0 pips``."""
    one = number.lstrip(f"+-{fmt.MINUS}") in ("1", "1.0")
    return f"{number} {word.removesuffix('s') if one else word}"


def moved_text(moved: Decimal, instrument: Instrument) -> str:
    """How far a price has moved, in pips or else ticks, with its sign: ``+12.3 pips``, ``−1 tick``; in quote
    money where the venue tells no tick."""
    unit, word = pip_of(instrument)
    text = fmt.quantity(moved / unit, max(1, instrument.price_decimals) if word == instrument.quote else 1)
    return counted(f"+{text}" if moved > 0 else text, word)


def order_price(price: Decimal, instrument: Instrument) -> str:
    """The price of an order at its instrument's digits, and at its own where the venue tells no tick and it
    is finer: what is sent is never rounded on screen."""
    digits = instrument.price_decimals
    return fmt.price(price, digits if instrument.is_tick_told else max(digits, decimals_of(price)))


def coin_digits(amount: Decimal) -> int:
    """Digits of an amount of coins: a hundredth of a bitcoin is too much to round to."""
    return 8 if abs(amount) < 1 else 4


def money_text(amount: Decimal | None, instrument: Instrument, *, signed: bool = False) -> str:
    """An amount of what an instrument is settled in: ``1 000.00 USD``, of an inverse contract
    ``0.01559576 BTC``."""
    digits = 2 if amount is None or not instrument.is_inverse else coin_digits(amount)
    return fmt.money(amount, instrument.settled_in, decimals=digits, signed=signed)


def beside_text(
    amount: Decimal | None, instrument: Instrument, price: Decimal | None, *, signed: bool = False
) -> str:
    """What coins are worth at a price, to stand beside them: ``≈ 1 000.00 USD``, without cents from ten
    thousand on; empty where money is quote money anyway."""
    if not instrument.is_inverse or amount is None or price is None:
        return ""
    money = in_quote(instrument, amount, price)
    digits = 2 if abs(money) < _CENTS_BELOW else 0
    return f"≈ {fmt.money(money, instrument.quote, decimals=digits, signed=signed)}"


def in_brackets(beside: str) -> str:
    """What stands beside an amount, behind it in one piece: no line ends inside it."""
    return f"({beside})".replace(" ", "\u00a0")


def lot_of(instrument: Instrument | None) -> Decimal:
    """Base units of a lot where the venue speaks of lots, else 1."""
    return (instrument.lot_size if instrument is not None else None) or Decimal(1)


def short_size(quantity: Decimal, instrument: Instrument | None) -> str:
    """A quantity in five signs for narrow columns: in lots where the venue speaks of lots."""
    return short_quantity(quantity / lot_of(instrument))


def size_text(quantity: Decimal, instrument: Instrument | None) -> str:
    """``0.05 lots`` where the venue speaks of lots, ``1 000 USD`` of an inverse contract (a bare number would
    be taken for coins), the stake of a fixed-payout contract, else the quantity."""
    if instrument is not None and instrument.offer is not None:
        return fmt.money(quantity, instrument.offer.currency)
    if instrument is not None and instrument.lot_size:
        return f"{fmt.quantity(quantity / instrument.lot_size)} lots"
    if instrument is not None and instrument.is_inverse:
        return units_text(quantity, instrument)
    return fmt.quantity(quantity)


def units_text(quantity: Decimal, instrument: Instrument | None) -> str:
    """The quantity in base units: ``5 000 EUR``; of a fixed-payout contract the stake."""
    if instrument is not None and instrument.offer is not None:
        return size_text(quantity, instrument)
    return f"{fmt.quantity(quantity)} {instrument.base}" if instrument is not None else fmt.quantity(quantity)


def amount_text(quantity: Decimal, instrument: Instrument | None, *, in_quote: bool = False) -> str:
    """A size in a sentence: ``0.05 lots`` where the venue speaks of lots, else ``0.05 BTC``.

    ``in_quote``: the size is of the quote asset: ``100 USD``.
    """
    if instrument is None:
        return fmt.quantity(quantity)
    if in_quote:
        return f"{fmt.quantity(quantity)} {instrument.quote}"
    return size_text(quantity, instrument) if instrument.lot_size else units_text(quantity, instrument)
