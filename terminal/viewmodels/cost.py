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
from terminal.domain.worth import mean_price, money_side, profit, turned, value

_AT_MARKET_ONCE_TRIGGERED = frozenset({OrderType.STOP, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP})


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Figures of one order, in the asset that its instrument is settled in (quote units, of an inverse
    contract coins) unless named otherwise; None where they cannot be known.

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
    """What a buy pays and a sell brings, fee included; of an inverse contract the other way round."""
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
    loss_price: Decimal | None = None
    """Where the most would be lost, as far as that is a price: the stop."""
    by_margin: bool = False
    """The most that can be lost is the margin of its own, with the fee of coming in."""

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
    """Units taken from the book at once."""
    taken_worth: Decimal
    """What they come to, in what the instrument is settled in, at a multiplier of 1."""
    rested: Decimal
    """Units that wait at ``rest_price``, or are taken there once triggered."""
    rest_price: Decimal
    rest_is_taker: bool
    covered: Decimal


def estimate(
    request: OrderRequest,
    instrument: Instrument,
    book: OrderBook | None,
    fees: FeeRates | None,
    *,
    isolated_leverage: Decimal | None = None,
) -> CostEstimate:
    """The figures of a request against a proven book (None: nothing that needs one is filled in).

    An inverse contract is reckoned from the coin: with every price turned, and as the other side.
    ``isolated_leverage``: that of an order which only its own margin backs (10 means 1:10); None: all that is
    free in the account does.
    """
    is_isolated = bool(isolated_leverage)
    unlimited = not is_isolated and _is_unlimited(request, instrument)
    entry = _entry(request, book, instrument.is_inverse)
    if entry is None or entry.covered < 1:
        covered = entry.covered if entry is not None else Decimal(1)
        return CostEstimate(
            request.quantity, None, None, covered, None, None, None, "taker",
            None, None, None, None, None, unlimited,
        )  # fmt: skip
    sign, size = money_side(instrument, request.side).sign, instrument.multiplier
    quantity = entry.taken + entry.rested
    taken_worth, rested_worth = entry.taken_worth * size, _rested_worth(entry, instrument)
    notional = taken_worth + rested_worth
    average = mean_price(quantity * size, notional, inverse=instrument.is_inverse)
    mid = book.mid if book is not None else None
    slippage, ticks = _slippage(request.side, entry, mid, instrument)
    kind = _fee_kind(entry)
    fee = _fee(entry, fees, instrument)
    total = None if fee is None else notional + fee * sign
    leave = _leave(request, instrument, book, quantity)
    round_trip = break_even = move = None
    if fees is not None and fee is not None:
        break_even = _break_even(request.side, notional, fee, quantity * size, fees, instrument)
        move = (break_even - average) * request.side.sign
        if leave is not None and mid is not None:
            # What rests pays no spread on the way in; the way out always does.
            spread_in = (taken_worth - value(instrument, entry.taken, mid)) * sign
            spread_out = (value(instrument, quantity, mid) - leave) * sign
            way_out = leave * fees.taker_pct / 100 + fees.per_unit * quantity * size
            round_trip = spread_in + spread_out + fee + max(fees.minimum, way_out)
    most = None if unlimited else _max_loss(request, average, total, round_trip, instrument)
    by_margin = False
    if isolated_leverage and not request.reduce_only and not _is_stop_wrong(request, average):
        # The venue closes it when its margin is used up; the fee of coming in is paid beside it.
        own = None if fee is None else notional / isolated_leverage + fee
        by_margin = own is not None and (most is None or own < most or not _has_stop(request))
        most = own if by_margin else most
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
        max_loss=most,
        unlimited=unlimited,
        by_stop=not by_margin
        and _has_stop(request)
        and instrument.kind is not InstrumentKind.SPOT
        and not request.reduce_only,
        loss_price=None if request.reduce_only or by_margin else _stop_price(request, average),
        by_margin=by_margin,
    )


def _entry(request: OrderRequest, book: OrderBook | None, inverse: bool) -> _Entry | None:
    """How the order would come in: what it takes at once, what waits. None while that cannot be said."""
    kind, quantity = request.order_type, request.quantity
    if kind in AT_MARKET:
        return _market_entry(request, book, inverse)
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
    cost = book.cost_to_take(request.side, quantity, limit, inverse=inverse)
    if request.time_in_force in IMMEDIATE:
        return _Entry(cost.quantity, cost.notional, ZERO, ZERO, False, cost.covered)
    return _Entry(cost.quantity, cost.notional, quantity - cost.quantity, limit, False, Decimal(1))


def _market_entry(request: OrderRequest, book: OrderBook | None, inverse: bool) -> _Entry | None:
    if book is None:
        return None
    if not request.in_quote:
        cost = book.cost_to_take(request.side, request.quantity, inverse=inverse)
        return _Entry(cost.quantity, cost.notional, ZERO, ZERO, False, cost.covered)
    taken, spent = spend(book, request.side, request.quantity)
    return _Entry(taken, spent, ZERO, ZERO, False, spent / request.quantity)


def spend(
    book: OrderBook, side: Side, money: Decimal, limit: Decimal | None = None, *, inverse: bool = False
) -> tuple[Decimal, Decimal]:
    """How much this money takes from the visible book, up to a limit: units, and the money that found a
    counterpart. ``inverse``: the money is coins, and the units count the quote currency."""
    left, taken = money, ZERO
    for price, available in book.asks() if side is Side.BUY else book.bids():
        if left <= 0 or (limit is not None and (price - limit) * side.sign > 0):
            break
        spent = min(left, available / price if inverse else available * price)
        taken += spent * price if inverse else spent / price
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


def _rested_worth(entry: _Entry, instrument: Instrument) -> Decimal:
    return value(instrument, entry.rested, entry.rest_price) if entry.rested else ZERO


def _fee(entry: _Entry, fees: FeeRates | None, instrument: Instrument) -> Decimal | None:
    if fees is None:
        return None
    rest_pct = fees.taker_pct if entry.rest_is_taker else fees.maker_pct
    size, rested = instrument.multiplier, _rested_worth(entry, instrument)
    by_worth = (entry.taken_worth * size * fees.taker_pct + rested * rest_pct) / 100
    return max(fees.minimum, by_worth + fees.per_unit * (entry.taken + entry.rested) * size)


def _leave(
    request: OrderRequest, instrument: Instrument, book: OrderBook | None, quantity: Decimal
) -> Decimal | None:
    """What the quantity is worth if it is sold (or bought) back at once; None where the book is too thin."""
    if book is None:
        return None
    cost = book.cost_to_take(request.side.opposite, quantity, inverse=instrument.is_inverse)
    return cost.notional * instrument.multiplier if cost.covered >= 1 else None


def _break_even(
    side: Side, notional: Decimal, fee: Decimal, units: Decimal, fees: FeeRates, instrument: Instrument
) -> Decimal:
    """The price at which taking the way back returns what the way in cost, fees included; on the tick."""
    sign = money_side(instrument, side).sign
    paid = notional + fee * sign
    # Leaving costs the rate by worth, and the rate by volume or the least fee.
    out = max(fees.per_unit * units, fees.minimum)
    exact = (paid + sign * out) / (units * (1 - sign * fees.taker_pct / 100))
    if instrument.is_inverse:
        exact = turned(exact)
    return (
        round_up(exact, instrument.tick_size) if side is Side.BUY else round_down(exact, instrument.tick_size)
    )


def _slippage(
    side: Side, entry: _Entry, mid: Decimal | None, instrument: Instrument
) -> tuple[Decimal | None, Decimal | None]:
    """What is taken from the book against its mid, in money and in ticks.

    What rests slips nowhere, and an order that waits for its trigger trades in another market than this one.
    """
    if mid is None or entry.rest_is_taker or not entry.taken:
        return None, None
    at_mid = value(instrument, entry.taken, mid)
    against = (entry.taken_worth * instrument.multiplier - at_mid) * money_side(instrument, side).sign
    average = mean_price(entry.taken, entry.taken_worth, inverse=instrument.is_inverse)
    return against, (average - mid) * side.sign / instrument.tick_size


def _is_unlimited(request: OrderRequest, instrument: Instrument) -> bool:
    """Whether nothing limits what can be lost: a sale of what is not owned, and any side of a CFD, without a
    stop; of an inverse contract a purchase, for a dollar costs ever more coins as the price falls. What only
    makes a position smaller opens nothing."""
    if request.reduce_only or instrument.kind is InstrumentKind.SPOT or _has_stop(request):
        return False
    return instrument.kind is InstrumentKind.CFD or money_side(instrument, request.side) is Side.SELL


def _max_loss(
    request: OrderRequest,
    average: Decimal,
    total: Decimal | None,
    round_trip: Decimal | None,
    instrument: Instrument,
) -> Decimal | None:
    """All that is paid for a spot buy (the price can go to nothing); a spot sale or a reducing order gives
    up what is held, so that only its own cost can be lost."""
    if instrument.kind is not InstrumentKind.SPOT and _has_stop(request) and not request.reduce_only:
        stop = _stop_price(request, average)
        if stop is None or round_trip is None or _is_stop_wrong(request, average):
            return None
        return abs(profit(instrument, request.side, request.quantity, average, stop)) + round_trip
    if request.reduce_only or (instrument.kind is InstrumentKind.SPOT and request.side is Side.SELL):
        return round_trip
    return total


def _has_stop(request: OrderRequest) -> bool:
    protection = request.protection
    return protection is not None and (
        protection.stop_distance is not None or protection.stop_loss is not None
    )


def _stop_price(request: OrderRequest, average: Decimal) -> Decimal | None:
    """Where the order's stop loss would be for the average price that it comes in at; None without one, or
    where it would be below nothing."""
    protection = request.protection
    if protection is None:
        return None
    stop = protection.stop_loss
    if protection.stop_distance is not None:
        stop = average - protection.stop_distance * request.side.sign
    return stop if stop is not None and stop > 0 else None


def _is_stop_wrong(request: OrderRequest, average: Decimal) -> bool:
    """Whether the order's stop loss is on the side where it would win: it limits nothing."""
    stop = _stop_price(request, average)
    return stop is not None and (average - stop) * request.side.sign <= 0


def worse_by_pct(side: Side, shown: Decimal | None, now: Decimal | None) -> Decimal:
    """By how many per cent a total has become worse for the person since it was shown; 0 where it has not."""
    if shown is None or now is None or shown == 0:
        return ZERO if shown == now else Decimal(100)
    change = (now - shown) * side.sign / abs(shown) * 100
    return max(ZERO, change).quantize(Decimal("0.0001"), rounding=ROUND_CEILING)
