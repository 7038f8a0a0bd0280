"""The person's own limits, looked at before every order: price band, size, spread, age, repetition, rate.

Each limit is off, asks (the person may send anyway) or refuses. A message names the rule and the number.
What cannot be measured is said, never passed over in silence. Pure: the figures come in through two small
views, nothing is sent or stored here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from enum import Enum
from typing import Protocol

from terminal.domain.account import Balance, FeeRates, Position
from terminal.domain.book import Cost, OrderBook
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Quote, Side
from terminal.domain.orders import AT_MARKET, Order, OrderRequest, OrderState, OrderType, Protection
from terminal.domain.rules import notional_of, plain, quantity_text

_CENT = Decimal("0.01")
_SECOND_NS = 1_000_000_000
_MINUTE_NS = 60 * _SECOND_NS
# Two clicks so close together are one; no setting turns this off.
_DOUBLE_CLICK_NS = 250_000_000


class Step(Enum):
    """What a crossed limit does."""

    OFF = "off"
    ASK = "ask"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Limit:
    """One number and what crossing it does."""

    value: Decimal
    step: Step = Step.ASK


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The limits of one venue or kind of instrument; None is off. Per cents are plain (3 means 3 %)."""

    price_band_pct: Limit | None = Limit(Decimal(3))
    """How far beyond the opposite quote an order may reach; of a contract that waits for a price, how far
    that is from the price now."""
    price_band_ticks: Limit | None = None
    """The same in ticks."""
    notional_pct: Limit | None = Limit(Decimal(10))
    """Worth of one order against the worth of the account."""
    max_notional: Limit | None = None
    """Worth of one order, in its quote currency."""
    max_quantity: Limit | None = None
    """In base units."""
    max_spread_pct: Limit | None = None
    """Of the mid price."""
    price_jump_pct: Limit | None = Limit(Decimal(10))
    """How far the opposite quote may be from the last trade (a price that jumps may be a fault)."""
    duplicate_s: Limit | None = Limit(Decimal(10))
    """An equal order within so many seconds."""
    orders_per_minute: Limit | None = Limit(Decimal(60), Step.REFUSE)
    price_age_s: Limit | None = Limit(Decimal(5), Step.REFUSE)
    """How old the proof of the price may be."""


class MarketView(Protocol):
    """What the checks read of the market; ``services.market_data`` is one."""

    def instrument(self, instrument: InstrumentId, /) -> Instrument | None: ...
    def quote(self, instrument: InstrumentId, /) -> Quote | None: ...
    def book(self, instrument: InstrumentId, /) -> OrderBook | None:
        """Only a proven book; None otherwise."""
        ...

    def price_age_ns(self, instrument: InstrumentId, /) -> int | None:
        """How long ago the price was last proven; None where nothing proves it."""
        ...


class AccountView(Protocol):
    """What the checks read of an account; ``services.portfolio`` is one."""

    def balances(self, account: str, /) -> Mapping[str, Balance]: ...
    def holds_of(self, account: str, order: Order, /) -> tuple[str, Decimal]:
        """Which asset a resting order holds back, and how much of it."""
        ...

    def fee_rates(self, account: str, symbol: str, /) -> FeeRates | None: ...
    def equity(self, account: str, currency: str, /) -> Decimal | None:
        """What the account is worth in ``currency``; None while unknown."""
        ...

    def leverage(self, account: str, instrument: Instrument, /) -> Decimal | None:
        """30 where the account trades the instrument on margin at 1:30; None: it pays in full."""
        ...

    def position(self, account: str, position_id: str, /) -> Position | None: ...


class LossGuard(Protocol):
    """What the gate asks about the day's loss; ``services.loss_lock`` is one."""

    def check(
        self,
        account: str,
        request: OrderRequest,
        instrument: Instrument,
        *,
        position: Position | None,
        balances: Mapping[str, Balance],
        amended: Order | None,
    ) -> list[OrderRefused]:
        """What it says of a request, or of new terms for the order ``amended``. ``position`` is the one that
        the request names."""
        ...

    def check_stop(
        self, account: str, position: Position, protection: Protection, /
    ) -> list[OrderRefused]: ...


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices that an order is measured against, taken at one moment."""

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    age_ns: int | None
    cost: Cost | None
    """What taking the quantity would cost now; market orders with a proven book only."""

    def opposite(self, side: Side) -> Decimal | None:
        """The best price that the order would trade against."""
        return self.ask if side is Side.BUY else self.bid

    def expected(self, side: Side) -> Decimal | None:
        """What a market order would pay (or get) on average, as far as the book tells."""
        if self.cost is not None and self.cost.average_price is not None:
            return self.cost.average_price
        return self.opposite(side)


def read_prices(request: OrderRequest, market: MarketView) -> Prices:
    """The prices now: from the proven book, else from the quote."""
    book, quote = market.book(request.instrument), market.quote(request.instrument)
    bid = book.best_bid if book is not None else None
    ask = book.best_ask if book is not None else None
    cost = None
    if book is not None and request.order_type in AT_MARKET and not request.in_quote and request.quantity > 0:
        instrument = market.instrument(request.instrument)
        inverse = instrument is not None and instrument.is_inverse
        cost = book.cost_to_take(request.side, request.quantity, inverse=inverse)
    return Prices(
        bid=bid.price if bid is not None else quote.bid if quote is not None else None,
        ask=ask.price if ask is not None else quote.ask if quote is not None else None,
        last=quote.last if quote is not None else None,
        age_ns=market.price_age_ns(request.instrument),
        cost=cost,
    )


def is_same_order(request: OrderRequest, other: OrderRequest) -> bool:
    """Whether two requests would do the same thing twice, whichever surface they come from."""
    return (
        request.instrument == other.instrument
        and request.side is other.side
        and request.order_type is other.order_type
        and request.quantity == other.quantity
        and request.in_quote == other.in_quote
        and request.limit_price == other.limit_price
        and request.trigger_price == other.trigger_price
        and request.trail_offset == other.trail_offset
        and request.position_id == other.position_id
        and (request.contract is None) == (other.contract is None)
        and (
            request.contract is None
            or other.contract is None
            or request.contract.duration_s == other.contract.duration_s
        )
    )


def _opens_alike(request: OrderRequest, other: OrderRequest, age_ns: int) -> bool:
    """Whether two contracts that are else the same open together too, so that the second is one too many:
    one that waits is another than one at once. ``age_ns`` is what lies between the two: an opening in so
    long is worked out anew for each order, and comes out that much later."""
    mine, theirs = request.contract, other.contract
    if mine is None or theirs is None:
        return True
    if mine.opens_ns is None or theirs.opens_ns is None:
        waits = request.trigger_price is not None
        return mine.opens_ns is theirs.opens_ns and (waits or mine.mode is theirs.mode)
    return abs(mine.opens_ns - theirs.opens_ns) <= age_ns + _SECOND_NS


class RiskRules:
    """The limits in force: general ones, and others for a venue or for a kind of instrument at a venue."""

    def __init__(
        self,
        limits: RiskLimits | None = None,
        overrides: Mapping[tuple[str, InstrumentKind | None], RiskLimits] | None = None,
    ) -> None:
        self.limits = limits or RiskLimits()
        self.overrides = dict(overrides or {})

    def limits_for(self, instrument: Instrument) -> RiskLimits:
        """The closest limits: venue and kind, then venue, then general."""
        for key in ((instrument.venue, instrument.kind), (instrument.venue, None)):
            found = self.overrides.get(key)
            if found is not None:
                return found
        return self.limits

    def check(
        self,
        request: OrderRequest,
        instrument: Instrument,
        prices: Prices,
        *,
        equity: Decimal | None,
        recent: Iterable[tuple[Order, int]],
        leverage: Decimal | None = None,
        steps_done: frozenset[str] = frozenset(),
    ) -> list[OrderRefused]:
        """What the limits say of a request. ``equity`` is in the instrument's quote currency, ``recent`` are
        the account's own orders, each with its age in ns. With ``leverage`` (30: 1:30) the share of the
        account is that of the margin, for nobody lays the whole notional on the table. ``steps_done`` are
        those of ``recent`` that have taken their part of the position whose rest this request would close."""
        limits = self.limits_for(instrument)
        out: list[OrderRefused] = []
        out += _check_age(limits, request, prices)
        out += _check_band(limits, request, instrument, prices)
        out += _check_market(limits, request, prices)
        out += _check_size(limits, request, instrument, prices, equity, leverage)
        out += _check_repetition(limits, request, recent, steps_done)
        return out


def _crossed(
    limit: Limit | None, rule: str, figure: Decimal, text: str, field: str | None = None
) -> list[OrderRefused]:
    if limit is None or limit.step is Step.OFF or figure <= limit.value:
        return []
    return [OrderRefused(rule, text, field=field, confirmable=limit.step is Step.ASK, figure=figure)]


def _pct(value: Decimal) -> Decimal:
    """Two decimals, rounded up, so that a crossed limit never reads as just met."""
    return value.quantize(_CENT, rounding=ROUND_UP)


def _check_age(limits: RiskLimits, request: OrderRequest, prices: Prices) -> list[OrderRefused]:
    """Stale price guard: without a current price neither a market order nor a price band means anything."""
    limit = limits.price_age_s
    if limit is None or limit.step is Step.OFF:
        return []
    ask = limit.step is Step.ASK
    symbol = request.instrument.symbol
    is_missing = prices.opposite(request.side) is None
    if is_missing or prices.age_ns is None:
        # Contracts have one price for both sides, and one that is old is old on both.
        is_of_side = is_missing and request.order_type is not OrderType.CONTRACT
        side = ("ask " if request.side is Side.BUY else "bid ") if is_of_side else ""
        return [OrderRefused("stale_price", f"There is no current {side}price of {symbol}.", confirmable=ask)]
    age_s = Decimal(prices.age_ns) / 1_000_000_000
    if age_s <= limit.value:
        return []
    return [
        OrderRefused(
            "stale_price",
            f"The price of {symbol} is {plain(age_s.quantize(Decimal('0.1')))} s old, your limit is "
            f"{plain(limit.value)} s.",
            confirmable=ask,
            figure=age_s.quantize(_CENT),
        )
    ]


def _check_band(
    limits: RiskLimits, request: OrderRequest, instrument: Instrument, prices: Prices
) -> list[OrderRefused]:
    """How far the order may trade beyond the opposite quote, in per cent and in ticks."""
    if request.order_type is OrderType.CONTRACT:
        return _check_wait(limits, request, prices)
    side = request.side
    against, name = prices.opposite(side), "ask" if side is Side.BUY else "bid"
    if request.order_type in AT_MARKET:
        reach, subject = prices.cost.worst_price if prices.cost is not None else None, "the worst fill"
    elif request.order_type in (OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT):
        # It trades once triggered, so its limit is measured from the trigger.
        reach, subject, against, name = request.limit_price, "price", request.trigger_price, "trigger"
    elif request.limit_price is not None:
        reach, subject = request.limit_price, "price"
    else:
        return []
    if reach is None or not against or against <= 0:
        return []
    beyond = (reach - against) * side.sign
    if beyond <= 0:
        return []
    where = "above" if side is Side.BUY else "below"
    out: list[OrderRefused] = []
    if limits.price_band_pct is not None:
        pct = _pct(beyond / against * 100)
        out += _crossed(
            limits.price_band_pct,
            "price_band",
            pct,
            f"{subject} {plain(pct)} % {where} the {name}, your limit is "
            f"{plain(limits.price_band_pct.value)} %",
            "limit_price" if request.limit_price is not None else None,
        )
    if limits.price_band_ticks is not None and instrument.tick_size > 0:
        ticks = (beyond / instrument.tick_size).to_integral_value(rounding=ROUND_UP)
        out += _crossed(
            limits.price_band_ticks,
            "price_band_ticks",
            ticks,
            f"{subject} {plain(ticks)} ticks {where} the {name}, your limit is "
            f"{plain(limits.price_band_ticks.value)} ticks",
            "limit_price" if request.limit_price is not None else None,
        )
    return out


def _check_wait(limits: RiskLimits, request: OrderRequest, prices: Prices) -> list[OrderRefused]:
    """How far the price that a contract waits for is: a digit too many reads like any other number."""
    wanted, now = request.trigger_price, prices.opposite(request.side)
    if wanted is None or not now or now <= 0 or limits.price_band_pct is None:
        return []
    pct = _pct(abs(wanted - now) / now * 100)
    return _crossed(
        limits.price_band_pct,
        "price_band",
        pct,
        f"the price to wait for is {plain(pct)} % {'above' if wanted > now else 'below'} the price now, your "
        f"limit is {plain(limits.price_band_pct.value)} %",
        "trigger_price",
    )


def _check_market(limits: RiskLimits, request: OrderRequest, prices: Prices) -> list[OrderRefused]:
    """The state of the market itself: too thin, too wide, jumped; and a stop on the wrong side of it."""
    out: list[OrderRefused] = []
    cost = prices.cost
    if cost is not None and cost.covered < 1:
        short = (1 - cost.covered) * 100
        out.append(
            OrderRefused(
                "thin_book",
                f"book too thin for this size: {plain((cost.covered * 100).quantize(Decimal(1)))} % covered",
                field="quantity",
                confirmable=True,
                figure=_pct(short),
            )
        )
    bid, ask = prices.bid, prices.ask
    if limits.max_spread_pct is not None and bid is not None and ask is not None and bid + ask > 0:
        pct = _pct((ask - bid) / ((ask + bid) / 2) * 100)
        out += _crossed(
            limits.max_spread_pct,
            "spread",
            pct,
            f"spread {plain(pct)} %, your limit is {plain(limits.max_spread_pct.value)} %",
        )
    against, last = prices.opposite(request.side), prices.last
    takes = request.order_type in AT_MARKET or (
        request.limit_price is not None
        and against is not None
        and (request.limit_price - against) * request.side.sign >= 0
    )
    if limits.price_jump_pct is not None and takes and against is not None and last:
        pct = _pct(abs(against - last) / last * 100)
        name = "ask" if request.side is Side.BUY else "bid"
        out += _crossed(
            limits.price_jump_pct,
            "price_jump",
            pct,
            f"the {name} is {plain(pct)} % away from the last trade, your limit is "
            f"{plain(limits.price_jump_pct.value)} %",
        )
    out += _check_trigger_side(request, prices)
    return out


_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def _check_trigger_side(request: OrderRequest, prices: Prices) -> list[OrderRefused]:
    """A trigger on the wrong side of the market fires at once."""
    trigger, last = request.trigger_price, prices.last or prices.opposite(request.side)
    if trigger is None or last is None or not request.order_type.has_trigger:
        return []
    rises = (request.side is Side.BUY) == (request.order_type in _STOPS)
    if (trigger > last) if rises else (trigger < last):
        return []
    where = "above" if rises else "below"
    return [
        OrderRefused(
            "trigger_side",
            f"the trigger {plain(trigger)} is not {where} the last price {plain(last)}: "
            "the order would fire at once",
            field="trigger_price",
            confirmable=True,
        )
    ]


def _check_size(
    limits: RiskLimits,
    request: OrderRequest,
    instrument: Instrument,
    prices: Prices,
    equity: Decimal | None,
    leverage: Decimal | None,
) -> list[OrderRefused]:
    out: list[OrderRefused] = []
    quantity = request.quantity
    quote = instrument.quote if instrument.offer is None else instrument.offer.currency
    if limits.max_quantity is not None and not request.in_quote:
        out += _crossed(
            limits.max_quantity,
            "quantity",
            quantity,
            f"quantity {quantity_text(quantity, instrument)}, your limit is "
            f"{quantity_text(limits.max_quantity.value, instrument)}",
            "quantity",
        )
    notional = notional_of(request, instrument, prices.expected(request.side))
    if limits.max_notional is not None and notional is not None:
        out += _crossed(
            limits.max_notional,
            "max_notional",
            notional,
            f"worth {plain(_pct(notional))} {quote}, your limit is "
            f"{plain(limits.max_notional.value)} {quote}",
            "quantity",
        )
    share = limits.notional_pct
    if share is None or share.step is Step.OFF or request.reduce_only:
        return out
    if notional is None or equity is None:
        what = "order" if notional is None else "account"
        out.append(
            OrderRefused(
                "notional",
                f"the worth of the {what} is not known, so your limit of {plain(share.value)} % of the "
                "account cannot be checked",
                field="quantity",
                confirmable=share.step is Step.ASK,
            )
        )
        return out
    if equity <= 0:
        return out  # nothing to lose a share of; the balance check speaks
    pct = _pct(notional / (leverage or 1) / equity * 100)
    out += _crossed(
        share,
        "notional",
        pct,
        f"{plain(pct)} % of the account{' as margin' if leverage else ''}, your limit is "
        f"{plain(share.value)} %",
        "quantity",
    )
    return out


def _check_repetition(
    limits: RiskLimits,
    request: OrderRequest,
    recent: Iterable[tuple[Order, int]],
    steps_done: frozenset[str],
) -> list[OrderRefused]:
    """The same order twice, and too many orders."""
    out: list[OrderRefused] = []
    minute = 0
    twin: Order | None = None
    twin_age_ns = 0
    for order, age_ns in recent:
        if order.state is OrderState.REJECTED or age_ns >= _MINUTE_NS:
            continue
        minute += 1
        if order.client_order_id in steps_done:
            continue
        is_twin = is_same_order(request, order.request) and _opens_alike(request, order.request, age_ns)
        if is_twin and (twin is None or age_ns < twin_age_ns):
            twin, twin_age_ns = order, age_ns
    if twin is not None and (twin.state is OrderState.PENDING_NEW or twin_age_ns < _DOUBLE_CLICK_NS):
        out.append(OrderRefused("duplicate", "The same order has just been sent."))
    elif request.position_id is not None:
        # Closing a part and then as much again is how a position is left in steps; it cannot be too much.
        pass
    elif twin is not None and limits.duplicate_s is not None and limits.duplicate_s.step is not Step.OFF:
        window = limits.duplicate_s
        age_s = Decimal(twin_age_ns) / 1_000_000_000
        if age_s < window.value:
            out.append(
                OrderRefused(
                    "duplicate",
                    f"the same order was sent {plain(age_s.quantize(Decimal('0.1')))} s ago, your limit is "
                    f"{plain(window.value)} s",
                    confirmable=window.step is Step.ASK,
                )
            )
    rate = limits.orders_per_minute
    if rate is not None:
        out += _crossed(
            rate,
            "order_rate",
            Decimal(minute + 1),
            f"{minute + 1} orders within a minute, your limit is {plain(rate.value)}",
        )
    return out
