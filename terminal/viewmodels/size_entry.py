"""What a person types into a size or a price field, and what it means.

Sizes are entered in base units, in the money that the instrument is settled in (of an inverse contract the
coin) or as a share of what is free; ``1k``, ``25%`` and ``$500`` work whichever unit the field shows. Nothing
is guessed: what can be read in two ways is refused with one plain sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import Enum
from typing import Final

from terminal.domain.decimals import ZERO, decimals_of, round_down, wire_text
from terminal.domain.instrument import Instrument, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.rules import plain, quantity_text
from terminal.domain.worth import profit, quantity_worth
from terminal.viewmodels.format import MINUS, quantity

DEFAULT_PRESETS: Final = "0.01; 0.05; 0.1; +0.01; *2; /2; ask; bid"
_MAX_WHOLE_DIGITS = 15
_SIGNS: Final = {
    "$": frozenset({"USD", "USDT", "USDC", "AUD", "CAD"}),
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "₿": frozenset({"BTC", "XBT"}),
}
_ON_MARGIN: Final = frozenset({InstrumentKind.PERPETUAL, InstrumentKind.FUTURE, InstrumentKind.CFD})
_MULTIPLES: Final = {"k": Decimal(1000), "m": Decimal(1_000_000)}
_SPACES: Final = " \u00a0\u2009\u202f'’"
_DIGITS: Final = re.compile(r"\d+")
_PRESET: Final = re.compile(r"(?i)ask|bid|[+*/]?\d+(\.\d+)?|\d+(\.\d+)?(%|k|m)|[$€£¥₿]\d+(\.\d+)?[km]?")
_MAX_PRESETS: Final = 24
_RISK: Final = re.compile(r"[rR]\s*([$€£]?)\s*([\d.,]+)\s*%?")
_CODE: Final = re.compile(r"([A-Za-z]{2,10})$")


class SizeUnit(Enum):
    """What the number in the size field counts."""

    BASE = "base"
    QUOTE = "quote"
    """What the instrument is settled in: quote money, of an inverse contract coins."""
    PERCENT = "% of free"
    LOTS = "lots"
    RISK = "% at risk"
    """A share of the account that would be lost at the stop."""
    RISK_MONEY = "money at risk"
    """Money, in the account's currency, that would be lost at the stop."""


@dataclass(frozen=True, slots=True)
class Size:
    """An entered size: a number and its unit."""

    value: Decimal
    unit: SizeUnit


@dataclass(frozen=True, slots=True)
class Resolved:
    """A size as the venue will get it; ``note`` says what was done to it, ``problem`` why there is none."""

    quantity: Decimal | None
    note: str = ""
    problem: str = ""


def parse_number(text: str, *, decimals: int | None = None, currency: str = "") -> Decimal:
    """The positive number that was typed or pasted, e.g. a price in ``currency`` units.

    Takes ``64120.1``, ``64 120.1``, ``64,120.1`` and ``64.120,1`` (thousands in threes), ``0,05`` and
    ``1,5`` (a comma for the point), and the currency's own sign or code in front or behind. ``decimals`` is
    the most digits after the point.

    Raises:
        ValueError: one plain sentence to show beside the field.
    """
    entry = text.strip()
    for sign, currencies in _SIGNS.items():
        if sign in entry:
            if currency not in currencies:
                raise ValueError(f"“{sign}” does not belong here: this is in {currency or 'plain numbers'}.")
            entry = _strip_mark(entry, sign)
    code = _CODE.search(entry)
    if code is not None and currency and code.group(1).upper() == currency.upper():
        entry = entry[: code.start()].rstrip()
    return _number(entry, text, decimals)


def _strip_mark(entry: str, sign: str) -> str:
    """The entry without one currency sign at its start or end; elsewhere it stays and is then no number."""
    if entry.startswith(sign):
        return entry[len(sign) :].lstrip()
    return entry[: -len(sign)].rstrip() if entry.endswith(sign) else entry


def _number(entry: str, shown: str, decimals: int | None) -> Decimal:
    entry = entry.replace(MINUS, "-").strip()
    if not entry:
        raise ValueError("Enter a number.")
    negative = entry.startswith("-")
    body = entry.lstrip("-") if negative else entry.removeprefix("+")
    whole, part = _parts(body.strip(), shown)
    if negative:
        raise ValueError("Must not be negative.")
    if len(whole.lstrip("0")) > _MAX_WHOLE_DIGITS:
        raise ValueError("This number is too large.")
    part = part.rstrip("0")
    if decimals is not None and len(part) > decimals:
        raise ValueError(_too_fine(decimals) if decimals else "Whole numbers only.")
    if len(part) > 18:
        raise ValueError("Too many digits after the point.")
    value = Decimal(f"{whole}.{part}" if part else whole)
    if value == 0:
        raise ValueError("Must be above zero.")
    return value


def _parts(body: str, shown: str) -> tuple[str, str]:
    """Digits before and after the point, with thousands marks checked to stand in threes."""
    marks = [char for char in body if not (char.isascii() and char.isdigit())]
    kinds = {"'" if char in _SPACES else char for char in marks}
    if kinds - {",", ".", "'"} or not any(char.isdigit() for char in body):
        raise ValueError(f"“{_short(shown)}” is not a number.")
    point = ""
    if "," in kinds and "." in kinds:
        point = max(",", ".", key=body.rfind)
    elif "." in kinds:
        point = "."
    elif "," in kinds and body.count(",") == 1:
        head, _, tail = body.partition(",")
        if len(tail) == 3 and "'" not in kinds and head not in ("", "0"):
            # One and a bit to one reader, a thousand and more to the next: never guess with money.
            raise ValueError(f"“{_short(shown)}” can be read two ways: write {head}{tail} or {head}.{tail}.")
        point = ","
    whole, part = (body, "") if not point else body.rsplit(point, 1)
    if point and point in whole:
        raise ValueError(f"“{_short(shown)}” is not a number.")
    groups = re.split(f"[,.{_SPACES}]", whole)
    if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:])):
        raise ValueError(f"“{_short(shown)}” is not a number: thousands stand in groups of three.")
    if not all(_DIGITS.fullmatch(group) for group in groups if group) or (part and not part.isdigit()):
        raise ValueError(f"“{_short(shown)}” is not a number.")
    return "".join(groups) or "0", part


def _too_fine(most: int) -> str:
    return f"At most {most} digit{'s' if most > 1 else ''} after the point."


def _short(text: str) -> str:
    text = "".join(char if char.isprintable() else "·" for char in text.strip())
    return text if len(text) <= 18 else text[:17] + "…"


# -- sizes --------------------------------------------------------------------------------------------


def parse_size(text: str, instrument: Instrument, unit: SizeUnit) -> Size:
    """The size that was typed: ``0.05``, ``1k``, ``25%``, ``$500``, ``500 USD``, ``0.05 BTC``.

    Raises:
        ValueError: one plain sentence to show beside the field.
    """
    entry = text.strip()
    if not entry:
        raise ValueError("Enter a size.")
    risk = _RISK.fullmatch(entry)
    if risk is not None:
        sign = risk.group(1) or ""
        value = _number(risk.group(2), text, 2)
        return Size(value, SizeUnit.RISK_MONEY if sign else _checked_risk(value))
    if unit is SizeUnit.RISK:
        return Size(_number(entry.removesuffix("%"), text, 2), unit)
    if unit is SizeUnit.RISK_MONEY:
        return Size(_number(entry.lstrip("$€£"), text, 2), unit)
    if entry.endswith("%"):
        value = _number(entry[:-1], text, 2)
        if value > 100:
            raise ValueError("More than 100 % of what is free.")
        return Size(value, SizeUnit.PERCENT)
    unit, entry = _unit_of(entry, instrument, unit)
    if unit is SizeUnit.PERCENT:
        value = _number(entry, text, 2)
        if value > 100:
            raise ValueError("More than 100 % of what is free.")
        return Size(value, unit)
    factor = _MULTIPLES.get(entry[-1:].lower())
    if factor is not None:
        entry = entry[:-1]
    value = _number(entry, text, None) * (factor or 1)
    if unit is SizeUnit.LOTS:
        return Size(Decimal(wire_text(value)), unit)
    most = decimals_of(instrument.quantity_step) if unit is SizeUnit.BASE else 8
    if -_exponent(value) > most:
        raise ValueError(_too_fine(most) if most else f"Whole {instrument.base} only.")
    return Size(Decimal(wire_text(value)), unit)


def _unit_of(entry: str, instrument: Instrument, unit: SizeUnit) -> tuple[SizeUnit, str]:
    for sign, currencies in _SIGNS.items():
        if sign not in entry:
            continue
        if instrument.settled_in in currencies:
            return SizeUnit.QUOTE, _strip_mark(entry, sign)
        if instrument.base in currencies:
            return SizeUnit.BASE, _strip_mark(entry, sign)
        raise ValueError(
            f"“{sign}” is neither {instrument.base} nor {instrument.settled_in}: enter one of these two."
        )
    code = _CODE.search(entry)
    if code is not None:
        word = code.group(1).upper()
        if word in ("LOT", "LOTS") and instrument.lot_size:
            return SizeUnit.LOTS, entry[: code.start()].rstrip()
        if word == instrument.settled_in.upper():
            return SizeUnit.QUOTE, entry[: code.start()].rstrip()
        if word == instrument.base.upper():
            return SizeUnit.BASE, entry[: code.start()].rstrip()
    return unit, entry


def _checked_risk(value: Decimal) -> SizeUnit:
    if value > 100:
        raise ValueError("More than 100 % of the account.")
    return SizeUnit.RISK


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def pays_in_quote(side: Side, instrument: Instrument) -> bool:
    """Whether a side spends what the instrument is settled in: a buy does, and either side of what is traded
    on margin."""
    return side is Side.BUY or instrument.kind in _ON_MARGIN


def resolve(
    size: Size,
    instrument: Instrument,
    side: Side,
    *,
    price: Decimal | None,
    free: Decimal | None,
    fee_pct: Decimal,
    risk: Risk | None = None,
) -> Resolved:
    """The quantity in base units that a size means for this side.

    ``free`` is what the side spends: money for a buy, base units for a sell of what is owned. Money and
    shares are rounded down to the step, so that they never cost more than was asked; a buy for a share of the
    free money leaves room for its fee (``fee_pct``, in per cent).
    """
    if size.unit is SizeUnit.BASE:
        return Resolved(size.value)
    if size.unit is SizeUnit.LOTS:
        return Resolved(size.value * (instrument.lot_size or 1))
    if size.unit in (SizeUnit.RISK, SizeUnit.RISK_MONEY):
        return _from_risk(size, instrument, side, price, risk)
    if size.unit is SizeUnit.PERCENT:
        if free is None:
            return Resolved(None, problem="The balance is not known yet.")
        if free <= 0:
            asset = instrument.settled_in if pays_in_quote(side, instrument) else instrument.base
            return Resolved(None, problem=f"No {asset} is free.")
        share = free * size.value / 100
        if not pays_in_quote(side, instrument):
            return _rounded(share, instrument)
        return _from_money(share / (1 + fee_pct / 100), instrument, price)
    return _from_money(size.value, instrument, price)


@dataclass(frozen=True, slots=True)
class Risk:
    """What sizing by risk has to know."""

    stop_distance: Decimal | None
    """From the entry, in quote units; None: the order has no stop."""
    equity: Decimal | None
    """Of the account, in its own currency."""
    rate: Decimal | None
    """What one quote unit is worth in the account's currency."""


def _from_risk(
    size: Size, instrument: Instrument, side: Side, price: Decimal | None, risk: Risk | None
) -> Resolved:
    """Risk money / what a unit loses at the stop, rounded down; above the maximum it is capped, and said so.
    What an inverse contract loses is coins: they count what they are worth at the stop."""
    if risk is None or not risk.stop_distance or risk.stop_distance <= 0:
        return Resolved(None, problem="Sizing by risk needs a stop loss.")
    if risk.rate is None or risk.rate <= 0:
        return Resolved(None, problem=f"The rate of {instrument.quote} to your account is not known yet.")
    money = size.value
    if size.unit is SizeUnit.RISK:
        if risk.equity is None:
            return Resolved(None, problem="The account's equity is not known yet.")
        money = risk.equity * size.value / 100
    each = risk.stop_distance * instrument.multiplier
    if instrument.is_inverse:
        stop = None if price is None else price - risk.stop_distance * side.sign
        if price is None or stop is None:
            return Resolved(None, problem="No price yet to work the size out with.")
        if stop <= 0:
            return Resolved(None, problem="The stop loss has to be above zero.")
        each = -profit(instrument, side, Decimal(1), price, stop) * stop
    return _rounded(money / (each * risk.rate), instrument)


def _from_money(money: Decimal, instrument: Instrument, price: Decimal | None) -> Resolved:
    if price is None or price <= 0:
        return Resolved(None, problem="No price yet to work the size out with.")
    return _rounded(quantity_worth(instrument, money, price), instrument)


def _rounded(quantity_wanted: Decimal, instrument: Instrument) -> Resolved:
    amount = round_down(quantity_wanted, instrument.quantity_step)
    note = ""
    if instrument.max_quantity is not None and amount > instrument.max_quantity:
        amount = instrument.max_quantity
        note = f"capped at the venue's maximum of {quantity_text(amount, instrument)}"
    if amount < instrument.min_quantity:
        return Resolved(
            None,
            problem=f"That is {quantity_text(amount, instrument)}, below the minimum of "
            f"{quantity_text(instrument.min_quantity, instrument)}.",
        )
    return Resolved(amount, note)


# -- presets ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preset:
    """One button of the preset row: ``0.05``, ``+0.01``, ``*2``, ``/2``, ``25%``, ``$500``, ``ask``."""

    text: str

    @property
    def label(self) -> str:
        """As drawn on the button."""
        head = {"*": "×", "/": "÷"}.get(self.text[:1])
        return head + self.text[1:] if head else self.text


def parse_presets(text: str) -> tuple[tuple[Preset, ...], ...]:
    """The rows of preset buttons of a settings text: ``;`` between buttons, a new line for a new row."""
    rows = []
    for line in text.splitlines():
        row = tuple(Preset(part.strip()) for part in line.split(";") if part.strip())
        if row:
            rows.append(row)
    return tuple(rows)


def check_presets(text: str) -> str:
    """What is wrong with a settings text of preset buttons, as one sentence; empty when it can be used."""
    presets = [preset.text for row in parse_presets(text) for preset in row]
    for each in presets:
        if not _PRESET.fullmatch(each):
            return (
                f"“{_short(each)}” is no size button: write a size like 0.05, 25% or $500, a step like "
                "+0.01, *2 or /2, ask or bid."
            )
    if len(presets) > _MAX_PRESETS:
        return f"At most {_MAX_PRESETS} size buttons."
    return ""


def apply_preset(
    preset: Preset,
    current: str,
    instrument: Instrument,
    unit: SizeUnit,
    *,
    bid_quantity: Decimal | None,
    ask_quantity: Decimal | None,
) -> tuple[str, SizeUnit]:
    """The size field's text and unit after a preset button was pressed.

    ``ask`` and ``bid`` take the size that stands at the best price of that side.

    Raises:
        ValueError: one plain sentence, e.g. where there is nothing to double.
    """
    text = preset.text
    if text.lower() in ("ask", "bid"):
        found = ask_quantity if text.lower() == "ask" else bid_quantity
        if not found:
            raise ValueError(f"There is no {text.lower()} now.")
        if unit is SizeUnit.LOTS and instrument.lot_size:
            return plain(found / instrument.lot_size), unit
        return plain(found), SizeUnit.BASE
    if text[0] not in "+*/":
        # A plain number counts what the field counts, where that is a quantity; where a quantity is dollars
        # (an inverse contract) it means the coin, as it does for everything else of that coin.
        plain_unit = SizeUnit.LOTS if instrument.lot_size else SizeUnit.BASE
        if instrument.is_inverse:
            plain_unit = SizeUnit.QUOTE
        size = parse_size(text, instrument, plain_unit)
        return plain(size.value), size.unit
    operand = _number(text[1:], text, None)
    value = ZERO
    if current.strip():
        size = parse_size(current, instrument, unit)
        value, unit = size.value, size.unit
    elif text[0] != "+":
        raise ValueError("Enter a size first.")
    if text[0] == "+":
        if unit is SizeUnit.BASE and operand < instrument.quantity_step:
            raise ValueError(
                f"That is less than one step of {quantity_text(instrument.quantity_step, instrument)}."
            )
        value += operand
    elif text[0] == "*":
        value *= operand
    else:
        value /= operand
    if unit is SizeUnit.BASE:
        value = round_down(value, instrument.quantity_step)
    elif unit is SizeUnit.LOTS and instrument.lot_size:
        value = round_down(value, instrument.quantity_step / instrument.lot_size)
    else:
        finest = 8 if unit is SizeUnit.QUOTE and instrument.is_inverse else 2
        value = value.quantize(Decimal(1).scaleb(-finest), rounding=ROUND_DOWN)
    if unit is SizeUnit.PERCENT:
        value = min(value, Decimal(100))
    if value <= 0:
        raise ValueError("That would be less than one step.")
    return plain(value), unit


def short_quantity(value: Decimal, width: int = 5) -> str:
    """A quantity in at most ``width`` signs for narrow columns: ``1.234``, ``12.35``, ``1235``, ``12.3k``.

    What is smaller than the last digit shown is ``<.001``, never zero.
    """
    for unit, letter in (
        (Decimal(1), ""),
        (Decimal(1000), "k"),
        (Decimal(10**6), "M"),
        (Decimal(10**9), "B"),
    ):
        whole = len(str(int(value / unit)))
        room = width - len(letter)
        if whole > room:
            continue
        decimals = max(0, room - whole - 1)
        scaled = (value / unit).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)
        if scaled == 0 and value > 0:
            return f"<.{'0' * (width - 3)}1"
        return quantity(scaled, decimals).replace("\u202f", "") + letter
    return ">" + "9" * (width - 1)
