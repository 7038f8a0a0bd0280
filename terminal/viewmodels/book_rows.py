"""The ladder's arithmetic: price buckets, their rows, and own orders summed into chips. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple, Protocol

from terminal.domain.decimals import ZERO
from terminal.domain.market import Side, Trade
from terminal.domain.orders import AmendRequest, Order, OrderState, OrderType, Protection
from terminal.viewmodels import format as fmt
from terminal.viewmodels.size_entry import short_quantity

_SHORT_TYPES: Final = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.ICEBERG: "ICE",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STL",
    OrderType.TAKE_PROFIT: "TP",
    OrderType.TAKE_PROFIT_LIMIT: "TPL",
    OrderType.TRAILING_STOP: "TRL",
    OrderType.TRAILING_STOP_LIMIT: "TRL",
    OrderType.MARKET_RANGE: "MKT",
    OrderType.CONTRACT: "waits",
}
MOST_PRICES: Final = 5000
_MULTIPLES: Final = (1, 2, 5)
_WAITING = frozenset({OrderState.PENDING_NEW, OrderState.PENDING_CANCEL, OrderState.IN_DOUBT})


class Chip(NamedTuple):
    """Own orders of one side in one bucket, drawn as one chip."""

    side: Side
    key: int
    text: str
    short: str
    """The text for a narrow column, where 0.25 is .25."""
    order_ids: tuple[str, ...]
    quantity: Decimal
    waiting: bool
    """An answer is outstanding: drawn hatched."""


class Row(NamedTuple):
    """One price of the ladder. Fractions are 0 to 1 of the largest size in sight."""

    key: int
    price: str
    bid: str
    ask: str
    sold: str
    bought: str
    bid_fraction: float
    ask_fraction: float
    market: str
    """``bid`` or ``ask`` on the best prices, ``between`` inside the spread, else empty."""
    last: bool
    """The last trade was at this price."""
    buys: Chip | None
    sells: Chip | None


def price_of(order: Order) -> Decimal | None:
    """Where an order stands in the ladder: its trigger until that has fired, then its limit."""
    if order.trigger_price is not None and not order.triggered:
        return order.trigger_price
    return order.limit_price if order.limit_price is not None else order.trigger_price


class AmendAbilities(Protocol):
    """What of a venue's capabilities a moved line asks for."""

    @property
    def amend(self) -> bool: ...
    @property
    def amend_types(self) -> frozenset[OrderType]: ...


def why_not_amend(orders: Iterable[Order], abilities: AmendAbilities) -> str:
    """Why a venue cannot change these orders in place, in one sentence; empty where it can."""
    if not abilities.amend:
        return "This venue cannot change an order: cancel it and place a new one."
    for order in orders:
        # What a stop order has placed is a limit order to the venue.
        kind = OrderType.LIMIT if order.triggered else order.order_type
        if kind not in abilities.amend_types:
            return f"This venue cannot change a {kind.value} order: cancel it and place a new one."
    return ""


def moved_to(order: Order, price: Decimal, *, levels_too: bool = True) -> AmendRequest:
    """The change that puts an order at another price: its trigger until that has fired, then its limit.

    The limit of a stop limit moves with its trigger, and stop and target with both, so that distances stay;
    where the venue cannot change those with the order (``levels_too``) they stay where they are.
    """
    old = price_of(order)
    by = price - old if old is not None else ZERO
    protection = _moved_protection(order.protection, by) if levels_too else None
    if order.trigger_price is None or order.triggered:
        return AmendRequest(limit_price=price, protection=protection)
    if order.limit_price is None or order.order_type.has_trail:
        return AmendRequest(trigger_price=price, protection=protection)
    return AmendRequest(trigger_price=price, limit_price=order.limit_price + by, protection=protection)


def _moved_protection(protection: Protection | None, by: Decimal) -> Protection | None:
    """Stop and target that are prices, moved along; None where there are none to change."""
    if protection is None or (protection.stop_loss is None and protection.take_profit is None):
        return None
    return replace(
        protection,
        stop_loss=None if protection.stop_loss is None else protection.stop_loss + by,
        take_profit=None if protection.take_profit is None else protection.take_profit + by,
    )


def bucket(side: Side, price: Decimal, step: Decimal) -> int:
    """The row of a price: bids and buys rounded down, asks and sells up, as the book's levels are."""
    rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    return int((price / step).to_integral_value(rounding=rounding))


def chips_of(
    orders: Iterable[Order], step: Decimal, amount: Callable[[Decimal], str] = short_quantity
) -> dict[tuple[Side, int], Chip]:
    """Own working orders by side and row; several of one row are summed with their count.

    ``amount`` words a quantity: base units, as the sizes of a ladder are.
    """
    found: dict[tuple[Side, int], list[Order]] = {}
    for order in orders:
        price = price_of(order)
        if price is not None and not order.state.is_final:
            found.setdefault((order.side, bucket(order.side, price, step)), []).append(order)
    return {place: _chip(place[0], place[1], group, amount) for place, group in found.items()}


def _chip(side: Side, key: int, group: list[Order], words: Callable[[Decimal], str]) -> Chip:
    quantity = sum((order.remaining for order in group), ZERO)
    amount = words(quantity)
    if len(group) == 1:
        order = group[0]
        kind = _SHORT_TYPES[order.order_type]
        text = f"{amount} {kind}"
        tight = amount.removeprefix("0")
        short = tight if kind == "LMT" else f"{kind[0]}{tight}"
    else:
        text = f"{len(group)} · {amount}"
        short = f"{len(group)}·{amount.removeprefix('0')}"
    waiting = any(order.state in _WAITING or order.amend_pending is not None for order in group)
    ids = tuple(order.client_order_id for order in group)
    return Chip(side, key, text, short, ids, quantity, waiting)


def next_group(current: int, direction: int) -> int:
    """One step up or down the series 1, 2, 5, 10, 20, 50, ... ticks."""
    series: list[int] = [step * 10**power for power in range(7) for step in _MULTIPLES]
    if direction > 0:
        return next((each for each in series if each > current), series[-1])
    return next((each for each in reversed(series) if each < current), 1)


_IN_SIGHT: Final = Decimal("0.001")
_PIPS_IN_SIGHT: Final = 5
_LEAST_IN_SIGHT: Final = Decimal("0.0003")
MOST_GROUP: Final = 5_000_000
"""Ticks in a row, at most."""


def group_that_fits(mid: Decimal, tick: Decimal, rows: int, pip: Decimal | None = None) -> int:
    """The smallest grouping with which the prices within 0.1 % of mid fit on so many rows.

    A currency pair's book is narrower: of it, those within five pips. Five pips of other instruments, such as
    5 USD of a bitcoin CFD, are hardly more than its spread, so the pip counts only where five of them are
    0.03 % of the price or more.
    """
    half = mid * _IN_SIGHT
    if pip and mid * _LEAST_IN_SIGHT <= _PIPS_IN_SIGHT * pip < half:
        half = _PIPS_IN_SIGHT * pip
    span = 2 * half / tick
    group = 1
    while span / group > rows and group < MOST_GROUP:
        group = next_group(group, +1)
    return group


class Prints:
    """What was traded at each price since the panel began to watch: base units sold and bought there.

    At most :data:`MOST_PRICES` are known, a price at which both sides traded counting twice. Beyond that
    those farthest from the last price are given up, a quarter at once.
    """

    def __init__(self) -> None:
        self.last_price: Decimal | None = None
        self.last_side: Side | None = None
        self._by_price: dict[tuple[Side, Decimal], Decimal] = {}
        self._grouped: dict[int, tuple[Decimal, Decimal]] = {}
        self._step = ZERO
        self._last: Trade | None = None

    def clear(self) -> None:
        """Begin anew."""
        self._by_price.clear()
        self._grouped.clear()

    def take(self, trades: Iterable[Trade], step: Decimal) -> None:
        """Add the prints that came since the last time; ``trades`` runs from the newest to the oldest."""
        if step != self._step:
            self._regroup(step)
        newest: Trade | None = None
        for trade in trades:
            if self._last is not None and trade.trade_id == self._last.trade_id:
                break
            newest = newest or trade
            self._add(trade)
        if newest is not None:
            self._last = newest
            self.last_price, self.last_side = newest.price, newest.side
            if len(self._by_price) > MOST_PRICES:
                self._give_up_the_farthest(newest.price)

    def _add(self, trade: Trade) -> None:
        place = (trade.side, trade.price)
        self._by_price[place] = self._by_price.get(place, ZERO) + trade.quantity
        self._count(trade.side, trade.price, trade.quantity)

    def _count(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        # In the row in which the level that was hit stood: a seller hits a bid, a buyer an ask.
        key = bucket(side.opposite, price, self._step)
        sold, bought = self._grouped.get(key, (ZERO, ZERO))
        if side is Side.SELL:
            self._grouped[key] = (sold + quantity, bought)
        else:
            self._grouped[key] = (sold, bought + quantity)

    def _give_up_the_farthest(self, price: Decimal) -> None:
        nearest = sorted(self._by_price, key=lambda place: abs(place[1] - price))[: MOST_PRICES * 3 // 4]
        self._by_price = {place: self._by_price[place] for place in nearest}
        self._regroup(self._step)

    def _regroup(self, step: Decimal) -> None:
        self._step = step
        self._grouped = {}
        for (side, price), quantity in self._by_price.items():
            self._count(side, price, quantity)

    def at(self, key: int) -> tuple[Decimal, Decimal] | None:
        """Sold and bought in a row; None where nothing was traded."""
        return self._grouped.get(key)


class RowBuilder:
    """Builds the visible rows; texts are remembered, as most of them stay from one picture to the next."""

    def __init__(self) -> None:
        self._lot = Decimal(1)
        self._sizes: dict[Decimal, str] = {}
        self._prices: dict[tuple[int, Decimal, int], str] = {}

    def build(
        self,
        top: int,
        count: int,
        step: Decimal,
        price_decimals: int,
        bids: dict[int, Decimal],
        asks: dict[int, Decimal],
        prints: Prints,
        chips: dict[tuple[Side, int], Chip],
        lot: Decimal = Decimal(1),
    ) -> list[Row]:
        """``count`` rows from ``top`` downwards; sizes are counted in ``lot`` base units."""
        if lot != self._lot:
            self._lot = lot
            self._sizes.clear()
        best_bid = max(bids) if bids else None
        best_ask = min(asks) if asks else None
        keys = range(top, top - count, -1)
        largest = max((max(bids.get(key, ZERO), asks.get(key, ZERO)) for key in keys), default=ZERO)
        scale = float(largest) or 1.0
        last_key = None
        if prints.last_price is not None and prints.last_side is not None:
            last_key = bucket(prints.last_side.opposite, prints.last_price, step)
        rows = []
        for key in keys:
            bid, ask, traded = bids.get(key), asks.get(key), prints.at(key)
            market = "bid" if key == best_bid else "ask" if key == best_ask else ""
            if not market and best_bid is not None and best_ask is not None and best_bid < key < best_ask:
                market = "between"
            rows.append(
                Row(
                    key,
                    self._price(key, step, price_decimals),
                    "" if bid is None else self._size(bid),
                    "" if ask is None else self._size(ask),
                    "" if traded is None or not traded[0] else short_quantity(traded[0] / lot, 4),
                    "" if traded is None or not traded[1] else short_quantity(traded[1] / lot, 4),
                    0.0 if bid is None else float(bid) / scale,
                    0.0 if ask is None else float(ask) / scale,
                    market,
                    key == last_key,
                    chips.get((Side.BUY, key)),
                    chips.get((Side.SELL, key)),
                )
            )
        return rows

    def _size(self, quantity: Decimal) -> str:
        text = self._sizes.get(quantity)
        if text is None:
            if len(self._sizes) > 4096:
                self._sizes.clear()
            text = self._sizes[quantity] = short_quantity(quantity / self._lot)
        return text

    def _price(self, key: int, step: Decimal, decimals: int) -> str:
        place = (key, step, decimals)
        text = self._prices.get(place)
        if text is None:
            if len(self._prices) > 4096:
                self._prices.clear()
            text = self._prices[place] = fmt.price(key * step, decimals) if key > 0 else ""
        return text
