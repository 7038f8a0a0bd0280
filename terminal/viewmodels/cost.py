"""What an order would cost: average price, slippage, fees, the way back, and what breaks even.

Everything comes from the visible book; where the book is too thin the figure is missing and said to be,
never extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from terminal.domain.account import FeeRates
from terminal.domain.book import OrderBook
from terminal.domain.decimals import ZERO, round_down, round_up
from terminal.domain.instrument import Instrument, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import AT_MARKET, OrderRequest, OrderType
from terminal.domain.rules import IMMEDIATE

_AT_MARKET_ONCE_TRIGGERED = frozenset({OrderType.STOP, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP})


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Figures of one order, in quote units unless named otherwise; None where they cannot be known.

    Slippage and moves are signed so that positive is to the person's harm.
    """

    quantity: Decimal
    average_price: Decimal | None
    """Expected for what is taken now and for what rests at its limit."""
    notional: Decimal | None
    covered: Decimal
    """0 to 1: how much of what has to be taken at once the visible book holds."""
    slippage_ticks: Decimal | None
    """Average price against mid."""
    slippage: Decimal | None
    fee: Decimal | None
    fee_kind: str
    """``taker``, ``maker`` or ``mixed``."""
    total: Decimal | None
    """What a buy pays and a sell brings, fee included."""
    round_trip: Decimal | None
    """Entering and leaving at once: spread, slippage and both fees."""
    break_even_price: Decimal | None
    """Where the opposite quote has to be so that leaving costs nothing in all."""
    break_even_move: Decimal | None
    """From the entry price to there, as a distance."""
    max_loss: Decimal | None
    """The most that can be lost; None while unknown, or without limit when ``unlimited``."""
    unlimited: bool = False
    by_stop: bool = False
    """The most that can be lost is what the order's stop loss gives up."""

    @property
    def break_even_pct(self) -> Decimal | None:
        """The break-even move in per cent of the entry price."""
        if self.break_even_move is None or not self.average_price:
            return None
        return self.break_even_move / self.average_price * 100

    @property
    def thin_text(self) -> str:
        """What to say where the book does not cover the size; empty where it does."""
        if self.covered >= 1:
            return ""
        share = int((self.covered * 100).to_integral_value(rounding=ROUND_FLOOR))
        return f"book too thin for this size: {share} % covered"


@dataclass(frozen=True, slots=True)
class _Entry:
    taken: Decimal
    """Base units taken from the book at once."""
    taken_notional: Decimal
    rested: Decimal
    """Base units that wait at ``rest_price``, or are taken there once triggered."""
    rest_price: Decimal
    rest_is_taker: bool
    covered: Decimal


def estimate(
    request: OrderRequest, instrument: Instrument, book: OrderBook | None, fees: FeeRates | None
) -> CostEstimate:
    """The figures of a request against a proven book (None: nothing that needs one is filled in).

    Of an inverse contract there are none: its money is the coin, and these count the quote asset.
    """
    if instrument.is_inverse:
        return CostEstimate(
            request.quantity, None, None, Decimal(1), None, None, None, "taker", None, None, None, None, None
        )
    unlimited = _is_unlimited(request, instrument)
    entry = _entry(request, book)
    if entry is None or entry.covered < 1:
        covered = entry.covered if entry is not None else Decimal(1)
        return CostEstimate(
            request.quantity, None, None, covered, None, None, None, "taker",
            None, None, None, None, None, unlimited,
        )  # fmt: skip
    sign, size = request.side.sign, instrument.multiplier
    quantity = entry.taken + entry.rested
    notional = (entry.taken_notional + entry.rested * entry.rest_price) * size
    average = notional / quantity / size
    mid = book.mid if book is not None else None
    slippage, ticks = _slippage(request.side, entry, mid, instrument)
    kind = _fee_kind(entry)
    fee = _fee(entry, fees, size)
    total = None if fee is None else notional + fee * sign
    leave = _leave(request, instrument, book, quantity)
    round_trip = break_even = move = None
    if fees is not None and fee is not None:
        break_even = _break_even(request.side, notional, fee, quantity * size, fees, instrument)
        move = (break_even - average) * sign
        if leave is not None and mid is not None:
            # What rests pays no spread on the way in; the way out always does.
            spread_in = (entry.taken_notional - mid * entry.taken) * sign * size
            spread_out = (mid * quantity * size - leave) * sign
            way_out = leave * fees.taker_pct / 100 + fees.per_unit * quantity * size
            round_trip = spread_in + spread_out + fee + max(fees.minimum, way_out)
    return CostEstimate(
        quantity=quantity,
        average_price=average,
        notional=notional,
        covered=Decimal(1),
        slippage_ticks=ticks,
        slippage=slippage,
        fee=fee,
        fee_kind=kind,
        total=total,
        round_trip=round_trip,
        break_even_price=break_even,
        break_even_move=move,
        max_loss=None if unlimited else _max_loss(request, average, total, round_trip, instrument),
        unlimited=unlimited,
        by_stop=_has_stop(request) and instrument.kind is not InstrumentKind.SPOT and not request.reduce_only,
    )


def _entry(request: OrderRequest, book: OrderBook | None) -> _Entry | None:
    """How the order would come in: what it takes at once, what waits. None while that cannot be said."""
    kind, quantity = request.order_type, request.quantity
    if kind in AT_MARKET:
        return _market_entry(request, book)
    if kind in _AT_MARKET_ONCE_TRIGGERED or kind is OrderType.TRAILING_STOP_LIMIT:
        price = request.trigger_price or _trail_price(request, book)
        if price is not None and kind is OrderType.TRAILING_STOP_LIMIT:
            price += (request.limit_offset or ZERO) * request.side.sign
        return _Entry(ZERO, ZERO, quantity, price, True, Decimal(1)) if price and price > 0 else None
    limit = request.limit_price
    if limit is None:
        return None
    if kind in (OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT):
        return _Entry(ZERO, ZERO, quantity, limit, True, Decimal(1))
    if request.post_only:
        return _Entry(ZERO, ZERO, quantity, limit, False, Decimal(1))
    if book is None:
        return None
    cost = book.cost_to_take(request.side, quantity, limit)
    if request.time_in_force in IMMEDIATE:
        return _Entry(cost.quantity, cost.notional, ZERO, ZERO, False, cost.covered)
    return _Entry(cost.quantity, cost.notional, quantity - cost.quantity, limit, False, Decimal(1))


def _market_entry(request: OrderRequest, book: OrderBook | None) -> _Entry | None:
    if book is None:
        return None
    if not request.in_quote:
        cost = book.cost_to_take(request.side, request.quantity)
        return _Entry(cost.quantity, cost.notional, ZERO, ZERO, False, cost.covered)
    taken, spent = spend(book, request.side, request.quantity)
    return _Entry(taken, spent, ZERO, ZERO, False, spent / request.quantity)


def spend(
    book: OrderBook, side: Side, money: Decimal, limit: Decimal | None = None
) -> tuple[Decimal, Decimal]:
    """How much this money takes from the visible book, up to a limit: base units, and the money that found
    a counterpart."""
    left, taken = money, ZERO
    for price, available in book.asks() if side is Side.BUY else book.bids():
        if left <= 0 or (limit is not None and (price - limit) * side.sign > 0):
            break
        spent = min(left, price * available)
        taken += spent / price
        left -= spent
    return taken, money - left


def _trail_price(request: OrderRequest, book: OrderBook | None) -> Decimal | None:
    """Where a trailing stop would fire if the market turned now."""
    if book is None or request.trail_offset is None:
        return None
    best = book.best_ask if request.side is Side.BUY else book.best_bid
    if best is None:
        return None
    distance = best.price * request.trail_offset / 100 if request.trail_in_percent else request.trail_offset
    return best.price + distance * request.side.sign


def _fee_kind(entry: _Entry) -> str:
    if not entry.rested or entry.rest_is_taker:
        return "taker"
    return "mixed" if entry.taken else "maker"


def _fee(entry: _Entry, fees: FeeRates | None, size: Decimal) -> Decimal | None:
    if fees is None:
        return None
    rest_pct = fees.taker_pct if entry.rest_is_taker else fees.maker_pct
    rested = entry.rested * entry.rest_price
    by_worth = (entry.taken_notional * fees.taker_pct + rested * rest_pct) * size / 100
    return max(fees.minimum, by_worth + fees.per_unit * (entry.taken + entry.rested) * size)


def _leave(
    request: OrderRequest, instrument: Instrument, book: OrderBook | None, quantity: Decimal
) -> Decimal | None:
    """What the quantity is worth if it is sold (or bought) back at once; None where the book is too thin."""
    if book is None:
        return None
    cost = book.cost_to_take(request.side.opposite, quantity)
    return cost.notional * instrument.multiplier if cost.covered >= 1 else None


def _break_even(
    side: Side, notional: Decimal, fee: Decimal, units: Decimal, fees: FeeRates, instrument: Instrument
) -> Decimal:
    """The price at which taking the way back returns what the way in cost, fees included; on the tick."""
    paid = notional + fee * side.sign
    # Leaving costs the rate by worth, and the rate by volume or the least fee.
    out = max(fees.per_unit * units, fees.minimum)
    exact = (paid + side.sign * out) / (units * (1 - side.sign * fees.taker_pct / 100))
    return (
        round_up(exact, instrument.tick_size) if side is Side.BUY else round_down(exact, instrument.tick_size)
    )


def _slippage(
    side: Side, entry: _Entry, mid: Decimal | None, instrument: Instrument
) -> tuple[Decimal | None, Decimal | None]:
    """What is taken from the book against its mid, in quote units and in ticks.

    What rests slips nowhere, and an order that waits for its trigger trades in another market than this one.
    """
    if mid is None or entry.rest_is_taker or not entry.taken:
        return None, None
    against = (entry.taken_notional - mid * entry.taken) * side.sign
    return against * instrument.multiplier, against / entry.taken / instrument.tick_size


def _is_unlimited(request: OrderRequest, instrument: Instrument) -> bool:
    """Whether nothing limits what can be lost: a sale of what is not owned, and any side of a CFD, without a
    stop. What only makes a position smaller opens nothing."""
    if request.reduce_only or instrument.kind is InstrumentKind.SPOT or _has_stop(request):
        return False
    return instrument.kind is InstrumentKind.CFD or request.side is Side.SELL


def _max_loss(
    request: OrderRequest,
    average: Decimal,
    total: Decimal | None,
    round_trip: Decimal | None,
    instrument: Instrument,
) -> Decimal | None:
    """All that is paid for a spot buy (the price can go to nothing); a spot sale or a reducing order gives
    up what is held, so that only its own cost can be lost."""
    stop = _stop_distance(request, average)
    if instrument.kind is not InstrumentKind.SPOT and _has_stop(request) and not request.reduce_only:
        if stop is None or round_trip is None:
            return None
        return stop * request.quantity * instrument.multiplier + round_trip
    if request.reduce_only or (instrument.kind is InstrumentKind.SPOT and request.side is Side.SELL):
        return round_trip
    return total


def _has_stop(request: OrderRequest) -> bool:
    protection = request.protection
    return protection is not None and (
        protection.stop_distance is not None or protection.stop_loss is not None
    )


def _stop_distance(request: OrderRequest, average: Decimal) -> Decimal | None:
    """How far the order's stop loss is from the average price that it comes in at; None without one."""
    protection = request.protection
    if protection is None:
        return None
    if protection.stop_distance is not None or protection.stop_loss is None:
        return protection.stop_distance
    return abs(average - protection.stop_loss)


def worse_by_pct(side: Side, shown: Decimal | None, now: Decimal | None) -> Decimal:
    """By how many per cent a total has become worse for the person since it was shown; 0 where it has not."""
    if shown is None or now is None or shown == 0:
        return ZERO if shown == now else Decimal(100)
    change = (now - shown) * side.sign / abs(shown) * 100
    return max(ZERO, change).quantize(Decimal("0.0001"), rounding=ROUND_CEILING)
