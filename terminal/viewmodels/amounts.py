"""Sizes and distances in the words of the market they are traded in: lots and pips, or units and ticks."""

from __future__ import annotations

from decimal import Decimal

from terminal.domain.instrument import Instrument
from terminal.viewmodels import format as fmt


def pip_of(instrument: Instrument | None) -> tuple[Decimal, str]:
    """The unit in which distances are spoken of, and its word; 0 while it is not known."""
    if instrument is None:
        return Decimal(0), ""
    if instrument.pip_size:
        return instrument.pip_size, "pips"
    return instrument.tick_size, "ticks"


def size_text(quantity: Decimal, instrument: Instrument | None) -> str:
    """``0.05 lots`` where the venue speaks of lots, else the quantity."""
    if instrument is not None and instrument.lot_size:
        return f"{fmt.quantity(quantity / instrument.lot_size)} lots"
    return fmt.quantity(quantity)


def units_text(quantity: Decimal, instrument: Instrument | None) -> str:
    """The quantity in base units: ``5 000 EUR``."""
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
