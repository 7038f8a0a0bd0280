"""The order form as text, and the one reading of it: a request, or what is wrong beside which field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from terminal.domain.account import FeeRates
from terminal.domain.book import OrderBook
from terminal.domain.decimals import round_down, round_nearest
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import Instrument
from terminal.domain.market import Quote, Side
from terminal.domain.orders import (
    AT_MARKET,
    OrderRequest,
    OrderType,
    Origin,
    TimeInForce,
    TriggerReference,
)
from terminal.domain.rules import plain, quantity_text
from terminal.domain.twins import DOLLARS
from terminal.domain.worth import mean_price
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import pip_of
from terminal.viewmodels.cost import spend
from terminal.viewmodels.ports import VenueAbilities
from terminal.viewmodels.size_entry import (
    Resolved,
    Risk,
    Size,
    SizeUnit,
    parse_number,
    parse_size,
    pays_in_quote,
    resolve,
)
from terminal.viewmodels.ticket_legs import Leg, leg_note, protection_of, read_leg

QUANTITY: Final = "quantity"
LIMIT_PRICE: Final = "limit_price"
TRIGGER_PRICE: Final = "trigger_price"
TRIGGER_REFERENCE: Final = "trigger_reference"
TRAIL_OFFSET: Final = "trail_offset"
LIMIT_OFFSET: Final = "limit_offset"
DISPLAY_QUANTITY: Final = "display_quantity"
TIME_IN_FORCE: Final = "time_in_force"
EXPIRE_TIME: Final = "expire_time"
POST_ONLY: Final = "post_only"
REDUCE_ONLY: Final = "reduce_only"
MAX_SLIPPAGE: Final = "max_slippage"
STOP_LOSS: Final = "stop_loss"
TAKE_PROFIT: Final = "take_profit"
TRAILING: Final = "trailing"
GUARANTEED: Final = "guaranteed"
COMMENT: Final = "comment"
"""Names of the fields: those that refusals carry."""

_MAKER_TYPES = frozenset({OrderType.LIMIT, OrderType.ICEBERG})
_NO_LIFE_CHOICE = AT_MARKET
_SPAN = re.compile(r"\+?\s*(\d{1,4})\s*(s|sec|m|min|h|d)$", re.IGNORECASE)
_SPAN_UNITS = {"s": "seconds", "sec": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M")


@dataclass(slots=True)
class TicketForm:
    """What stands in the fields, as typed."""

    side: Side = Side.BUY
    order_type: OrderType = OrderType.LIMIT
    size: str = ""
    unit: SizeUnit = SizeUnit.BASE
    limit_price: str = ""
    trigger_price: str = ""
    trigger_reference: TriggerReference = TriggerReference.LAST
    trail_offset: str = ""
    trail_in_percent: bool = True
    limit_offset: str = ""
    display_quantity: str = ""
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_time: str = ""
    post_only: bool = False
    reduce_only: bool = False
    max_slippage: str = ""
    stop_loss: str = ""
    take_profit: str = ""
    trailing: bool = False
    guaranteed: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a reading of the form needs to know besides the form."""

    instrument: Instrument
    abilities: VenueAbilities
    book: OrderBook | None
    free: Decimal | None
    """What the side spends: quote money for a buy, base units for a sell; of a contract on margin, what its
    money (of an inverse one the coin) lets a position be worth."""
    fees: FeeRates | None
    now_ns: int
    zone: tzinfo | None = None
    quote: Quote | None = None
    equity: Decimal | None = None
    """Of the account, in its own currency; where it has none, in quote units."""
    rate: Decimal | None = None
    """What one quote unit is worth in the account's currency; None while unknown."""
    leverage: Decimal = Decimal(1)
    """By which the free money was multiplied."""

    def expected(self, side: Side) -> Decimal | None:
        """What a market order of this side would get now, as far as is known."""
        level = None if self.book is None else self.book.best_ask if side is Side.BUY else self.book.best_bid
        if level is not None:
            return level.price
        if self.quote is None:
            return None
        return self.quote.ask if side is Side.BUY else self.quote.bid


@dataclass(slots=True)
class Reading:
    """A request, or the problems that keep it from being one, by field."""

    request: OrderRequest | None = None
    problems: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    """The problem fields that are merely empty: not worth a red word before a try to send."""
    size_note: str = ""
    leg_notes: dict[str, str] = field(default_factory=dict)
    """What stop and target would mean in pips and money, by field."""
    leg_prices: tuple[Decimal | None, Decimal | None] = (None, None)
    """Stop and target as far as they were typed as prices."""


def shown_fields(
    order_type: OrderType,
    time_in_force: TimeInForce,
    abilities: VenueAbilities,
    instrument: Instrument | None = None,
) -> frozenset[str]:
    """Which fields an order of this type has at this venue."""
    out = {QUANTITY}
    if order_type is OrderType.MARKET_RANGE:
        out.add(MAX_SLIPPAGE)
    for word, name in (
        ("stop loss", STOP_LOSS),
        ("take profit", TAKE_PROFIT),
        ("trailing stop", TRAILING),
        ("guaranteed stop", GUARANTEED),
    ):
        offered = name != GUARANTEED or (instrument is not None and instrument.guaranteed_stop)
        if word in abilities.protection_words and offered:
            out.add(name)
    trailing_limit = order_type is OrderType.TRAILING_STOP_LIMIT
    if order_type.has_limit_price and not trailing_limit:
        out.add(LIMIT_PRICE)
    if order_type.has_trigger:
        out.add(TRIGGER_PRICE)
    has_choice = abilities.trigger_on_index or bool(abilities.trigger_references)
    if (order_type.has_trigger or order_type.has_trail) and has_choice:
        out.add(TRIGGER_REFERENCE)
    if order_type.has_trail:
        out.add(TRAIL_OFFSET)
    if trailing_limit:
        out.add(LIMIT_OFFSET)
    if order_type is OrderType.ICEBERG:
        out.add(DISPLAY_QUANTITY)
    if order_type not in _NO_LIFE_CHOICE:
        out.add(TIME_IN_FORCE)
        if time_in_force is TimeInForce.GTD:
            out.add(EXPIRE_TIME)
    if order_type in _MAKER_TYPES and abilities.post_only:
        out.add(POST_ONLY)
    if abilities.reduce_only:
        out.add(REDUCE_ONLY)
    if abilities.comment_length:
        out.add(COMMENT)
    return frozenset(out)


def read_form(form: TicketForm, side: Side, around: Surroundings, origin: Origin = Origin.TICKET) -> Reading:
    """The request that the form means for this side. Fields that its type does not show are not read."""
    out = Reading()
    shown = shown_fields(form.order_type, form.time_in_force, around.abilities, around.instrument)
    instrument = around.instrument

    def number(name: str, text: str, decimals: int | None, currency: str) -> Decimal | None:
        if name not in shown:
            return None
        if not text.strip():
            out.missing.add(name)
            out.problems[name] = _EMPTY[name]
            return None
        try:
            return parse_number(text, decimals=decimals, currency=currency)
        except ValueError as error:
            out.problems[name] = str(error)
            return None

    digits, quote = instrument.most_price_digits, instrument.quote
    limit = number(LIMIT_PRICE, form.limit_price, digits, quote)
    trigger = number(TRIGGER_PRICE, form.trigger_price, digits, quote)
    trail = number(
        TRAIL_OFFSET,
        form.trail_offset.strip().removesuffix("%") if form.trail_in_percent else form.trail_offset,
        2 if form.trail_in_percent else digits,
        quote,
    )
    offset = number(LIMIT_OFFSET, form.limit_offset, digits, quote)
    display = number(DISPLAY_QUANTITY, form.display_quantity, instrument.quantity_decimals, instrument.base)
    expire_ns = _read_expiry(form, shown, around, out)
    price = limit or trigger
    if price is None and trail is not None:
        price = _trail_price(side, trail, form.trail_in_percent, around.book)
    at_market = form.order_type in AT_MARKET
    entry = around.expected(side) if at_market else price
    stop = _read_leg(STOP_LOSS, form.stop_loss, -side.sign, entry, shown, around, out)
    target = _read_leg(TAKE_PROFIT, form.take_profit, side.sign, entry, shown, around, out)
    slippage = _read_slippage(form, shown, around, out)
    risk = Risk(None if stop is None else stop.distance, around.equity, around.rate)
    sized = _read_size(form, side, around, price if price is not None else entry, out, risk)
    for name, leg, win in ((STOP_LOSS, stop, False), (TAKE_PROFIT, target, True)):
        if leg is not None:
            out.leg_notes[name] = leg_note(leg, instrument, side=side, quantity=sized, win=win)
    out.leg_prices = _typed_price(stop), _typed_price(target)
    protection = None
    try:
        protection = protection_of(
            stop,
            target,
            at_market=at_market,
            tick=instrument.tick_size,
            trailing=form.trailing and TRAILING in shown,
            guaranteed=form.guaranteed and GUARANTEED in shown,
        )
    except ValueError as error:
        out.problems[STOP_LOSS if stop is not None else TAKE_PROFIT] = str(error)
    if out.problems or sized is None:
        return out
    out.request = OrderRequest(
        instrument=instrument.id,
        side=side,
        order_type=form.order_type,
        quantity=sized,
        limit_price=limit,
        trigger_price=trigger,
        trigger_reference=form.trigger_reference if TRIGGER_REFERENCE in shown else TriggerReference.LAST,
        trail_offset=trail,
        trail_in_percent=form.trail_in_percent and trail is not None,
        limit_offset=offset,
        time_in_force=form.time_in_force if TIME_IN_FORCE in shown else TimeInForce.GTC,
        expire_time_ns=expire_ns,
        display_quantity=display,
        post_only=form.post_only and POST_ONLY in shown,
        reduce_only=form.reduce_only and REDUCE_ONLY in shown,
        reference_price=entry if slippage is not None else None,
        max_slippage=slippage,
        protection=protection,
        comment=form.comment.strip() if COMMENT in shown else "",
        origin=origin,
    )
    return out


_EMPTY = {
    LIMIT_PRICE: "Enter a price.",
    TRIGGER_PRICE: "Enter the price that triggers it.",
    TRAIL_OFFSET: "Enter the distance.",
    LIMIT_OFFSET: "Enter the distance of the limit.",
    DISPLAY_QUANTITY: "Enter how much of it shows.",
}


def _read_leg(
    name: str,
    text: str,
    direction: int,
    entry: Decimal | None,
    shown: frozenset[str],
    around: Surroundings,
    out: Reading,
) -> Leg | None:
    """A stop or target; an empty field is none."""
    if name not in shown or not text.strip():
        return None
    try:
        return read_leg(text, around.instrument, entry=entry, direction=direction)
    except ValueError as error:
        out.problems[name] = str(error)
        return None


def _typed_price(leg: Leg | None) -> Decimal | None:
    return leg.price if leg is not None and leg.is_price else None


def _read_slippage(
    form: TicketForm, shown: frozenset[str], around: Surroundings, out: Reading
) -> Decimal | None:
    """How far from the price seen a market range order may fill: pips, or ticks where there are none."""
    if MAX_SLIPPAGE not in shown:
        return None
    if not form.max_slippage.strip():
        out.missing.add(MAX_SLIPPAGE)
        out.problems[MAX_SLIPPAGE] = "Enter how far it may slip."
        return None
    pip, _ = pip_of(around.instrument)
    try:
        number = parse_number(form.max_slippage, decimals=4)
    except ValueError as error:
        out.problems[MAX_SLIPPAGE] = str(error)
        return None
    return round_nearest(number * pip, around.instrument.tick_size)


def _read_size(
    form: TicketForm,
    side: Side,
    around: Surroundings,
    price: Decimal | None,
    out: Reading,
    risk: Risk | None = None,
) -> Decimal | None:
    if not form.size.strip():
        out.missing.add(QUANTITY)
        out.problems[QUANTITY] = "Enter a size."
        return None
    try:
        size = parse_size(form.size, around.instrument, form.unit)
    except ValueError as error:
        out.problems[QUANTITY] = str(error)
        return None
    found = resolve_size(size, form.order_type, side, around, price, risk)
    if found.quantity is None:
        out.problems[QUANTITY] = found.problem
        return None
    notes = []
    if size.unit is SizeUnit.LOTS:
        notes = [f"= {fmt.quantity(found.quantity)} {around.instrument.base}"]
    elif size.unit is not SizeUnit.BASE or around.instrument.lot_size:
        notes = [f"= {quantity_text(found.quantity, around.instrument)}"]
    out.size_note = ", ".join(notes + ([found.note] if found.note else []))
    return found.quantity


def resolve_size(
    size: Size,
    order_type: OrderType,
    side: Side,
    around: Surroundings,
    price: Decimal | None,
    risk: Risk | None = None,
) -> Resolved:
    """A size in base units. Money at the market is spent level by level through the visible book."""
    fee_pct = Decimal(0)
    if around.fees is not None:
        # The fee is one of the whole worth, out of the money that is free.
        fee_pct = max(around.fees.taker_pct, around.fees.maker_pct) * around.leverage
    by_money = size.unit in (SizeUnit.QUOTE, SizeUnit.PERCENT)
    if order_type in AT_MARKET and around.book is not None and by_money:
        best = around.book.best_ask if side is Side.BUY else around.book.best_bid
        price = best.price if best is not None else None
        money = _money_of(size, side, around, fee_pct)
        if money is not None and price is not None:
            inverse = around.instrument.is_inverse
            taken, spent = spend(around.book, side, money, inverse=inverse)
            if taken > 0 and spent > 0:
                price = mean_price(taken, spent, inverse=inverse)
    return resolve(size, around.instrument, side, price=price, free=around.free, fee_pct=fee_pct, risk=risk)


def _money_of(size: Size, side: Side, around: Surroundings, fee_pct: Decimal) -> Decimal | None:
    if size.unit is SizeUnit.QUOTE:
        return size.value
    if pays_in_quote(side, around.instrument) and around.free is not None and around.free > 0:
        return around.free * size.value / 100 / (1 + fee_pct / 100)
    return None


def _trail_price(side: Side, trail: Decimal, in_percent: bool, book: OrderBook | None) -> Decimal | None:
    best = None if book is None else book.best_ask if side is Side.BUY else book.best_bid
    if best is None:
        return None
    return best.price + (best.price * trail / 100 if in_percent else trail) * side.sign


def _read_expiry(form: TicketForm, shown: frozenset[str], around: Surroundings, out: Reading) -> int | None:
    if EXPIRE_TIME not in shown:
        return None
    if not form.expire_time.strip():
        out.missing.add(EXPIRE_TIME)
        out.problems[EXPIRE_TIME] = "Enter until when, e.g. +2h."
        return None
    try:
        expire_ns = parse_expiry(form.expire_time, around.now_ns, around.zone)
    except ValueError as error:
        out.problems[EXPIRE_TIME] = str(error)
        return None
    if expire_ns <= around.now_ns:
        out.problems[EXPIRE_TIME] = "This time has passed."
        return None
    return expire_ns


def parse_expiry(text: str, now_ns: int, zone: tzinfo | None = None) -> int:
    """A time in UTC nanoseconds: ``+2h``, ``30m``, ``1d``, ``18:30`` (the next one) or ``2026-08-14 18:30``.

    Clock times are the machine's own, unless told another zone.

    Raises:
        ValueError: one plain sentence to show beside the field.
    """
    entry = text.strip()
    span = _SPAN.fullmatch(entry)
    if span is not None:
        count, unit = int(span.group(1)), span.group(2).lower()
        if count == 0:
            raise ValueError("Must lie ahead.")
        return now_ns + int(timedelta(**{_SPAN_UNITS[unit]: count}).total_seconds()) * 1_000_000_000
    now = datetime.fromtimestamp(now_ns // 1_000_000_000, tz=UTC).astimezone(zone)
    if re.fullmatch(r"\d{1,2}:\d{2}", entry):
        hour, _, minute = entry.partition(":")
        if int(hour) > 23 or int(minute) > 59:
            raise ValueError("There is no such time of day.")
        moment = now.replace(hour=int(hour), minute=int(minute), second=0)
        if moment <= now:
            moment += timedelta(days=1)
        return int(moment.timestamp()) * 1_000_000_000
    for pattern in _FORMATS:
        try:
            moment = datetime.strptime(entry, pattern)  # noqa: DTZ007 - the zone follows
        except ValueError:
            continue
        aware = moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()
        return int(aware.timestamp()) * 1_000_000_000
    raise ValueError("Write +2h, 18:30 or 2026-08-14 18:30.")


SMALL_SIZE: Final = Decimal("0.01")
_ABOUT_A_DOLLAR: Final = DOLLARS | {"EUR", "GBP", "CHF", "AUD", "CAD"}
"""Near enough to the dollar for the choice of a first size, where no rate is known."""


def default_size(
    instrument: Instrument, price: Decimal | None, small: Decimal = SMALL_SIZE, *, rate: Decimal | None = None
) -> str:
    """A size to start with: ``small``, or about ten times the venue's minimum where that is too little.

    ``price`` in quote units; ``rate``: what one quote unit is worth in dollars. Where that is not known a
    size may be worth anything, so that our own default is then the least that the venue takes.
    """
    if instrument.lot_size:
        step = instrument.quantity_step / instrument.lot_size
        return plain(max(instrument.min_quantity / instrument.lot_size, round_down(small, step)))
    if rate is None and instrument.quote in _ABOUT_A_DOLLAR:
        rate = Decimal(1)
    least = instrument.min_quantity
    if instrument.min_notional is not None and price:
        least = max(least, instrument.min_notional / price)
    is_own = small != SMALL_SIZE
    small = round_down(small, instrument.quantity_step)
    dollars = None if price is None or rate is None else price * rate
    # What a person has chosen need only be possible; our own default should be worth a few coins too.
    is_worth_it = is_own or price is None or (dollars is not None and small * dollars >= 5)
    if least <= small and is_worth_it:
        return plain(small)
    wanted = least
    if dollars or price is None:
        wanted = max(least * 10, Decimal(20) / dollars if dollars else least)
    power = Decimal(1).scaleb(wanted.adjusted())
    nice = next(step * power for step in (1, 2, 5, 10) if step * power >= wanted)
    amount = max(round_down(nice, instrument.quantity_step), instrument.min_quantity)
    return plain(amount)


def beside_fields(
    refusals: Sequence[OrderRefused], shown: frozenset[str]
) -> tuple[dict[str, str], list[str]]:
    """Refusals parted into those that belong beside a field that shows, and the rest."""
    fields: dict[str, str] = {}
    rest: list[str] = []
    for refusal in refusals:
        if refusal.field in shown and refusal.field is not None:
            fields.setdefault(refusal.field, refusal.user_text)
        else:
            rest.append(refusal.user_text)
    return fields, rest
