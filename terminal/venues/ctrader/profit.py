"""What open positions are worth now, in the account's currency: worked out from live prices, checked against
the venue's own figures.

The venue is asked every few seconds (Open API 2.0, 2187) or tells the total by itself (2189). In between,
prices move: a position's gross profit is (close - open) x units in the quote currency, converted by the
venue's chain of symbols. What the venue takes off beyond that, and any lasting difference, is its word.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Protocol

from terminal.domain.account import Position
from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.venues.ctrader.symbols import Symbols

# A price that moves between the venue's reckoning and ours explains this much of a position's value.
_TOLERANCE: Final = Decimal("0.0005")


class Prices(Protocol):
    """Live best prices by the venue's symbol id."""

    def bid_ask(self, symbol_id: int) -> tuple[Decimal, Decimal] | None: ...

    def want_price(self, symbol_id: int, who: Hashable) -> None: ...

    def drop_price(self, symbol_id: int, who: Hashable) -> None: ...


class Rates(Protocol):
    """Live rates between currencies, by the broker's names for them."""

    def rate(self, from_asset: str, to_asset: str) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class _Told:
    """The venue's figures of one position, and of which state of it."""

    gross: Decimal
    net: Decimal
    state: tuple[Decimal, ...]
    offset: Decimal = ZERO
    """What the venue's gross profit is beyond ours, where that is more than a price in motion."""


def _state(position: Position) -> tuple[Decimal, ...]:
    return position.quantity, position.average_price, position.swap, position.commission


class Profits:
    """The unrealised profit of one account's positions.

    Args:
        who: by which name the prices are asked for.
    """

    def __init__(self, symbols: Symbols, prices: Prices, rates: Rates, who: Hashable) -> None:
        self._symbols = symbols
        self._prices = prices
        self._rates = rates
        self._who = who
        self._followed: set[int] = set()
        self._told: dict[str, _Told] = {}
        self._total_offset = ZERO
        self._total_state: tuple[object, ...] = ()

    def follow(self, symbol_ids: Iterable[int]) -> None:
        """Keep the prices of these symbols, and of no others."""
        wanted = {each for each in symbol_ids if self._symbols.by_id(each) is not None}
        for symbol_id in wanted - self._followed:
            self._prices.want_price(symbol_id, self._who)
        for symbol_id in self._followed - wanted:
            self._prices.drop_price(symbol_id, self._who)
        self._followed = wanted

    def forget(self, position_id: str) -> None:
        """The position is closed."""
        self._told.pop(position_id, None)

    def net(self, position: Position, symbol_id: int) -> Decimal | None:
        """Profit after swap and commission, as the venue counts them; None while there is no way to know."""
        told = self._told.get(position.position_id)
        if told is not None and told.state != _state(position):
            told = None
        gross = self._gross(position, symbol_id)
        if gross is None:
            return None if told is None else told.net
        if told is None:
            return gross + position.swap + position.commission
        return gross + told.offset + (told.net - told.gross)

    def take(self, position: Position, symbol_id: int, gross: Decimal, net: Decimal) -> None:
        """The venue's figures of a position (2188)."""
        ours = self._gross(position, symbol_id)
        offset = ZERO
        if ours is not None and abs(gross - ours) > self._tolerance(position, symbol_id):
            offset = gross - ours
        self._told[position.position_id] = _Told(gross, net, _state(position), offset)

    def take_total(self, positions: Iterable[tuple[Position, int]], net: Decimal) -> None:
        """The venue's figure of all of them together (2189)."""
        held = list(positions)
        total = self._sum(held)
        allowed = sum((self._tolerance(position, symbol_id) for position, symbol_id in held), ZERO)
        self._total_offset = (
            ZERO if total is not None and abs(net - total) <= allowed else net - (total or ZERO)
        )
        self._total_state = self._signature(held)

    def total(self, positions: Iterable[tuple[Position, int]]) -> Decimal | None:
        """The profit of all positions; None while one of them is not known."""
        held = list(positions)
        total = self._sum(held)
        if self._total_state and self._total_state == self._signature(held):
            return (total or ZERO) + self._total_offset
        return total

    def _sum(self, held: list[tuple[Position, int]]) -> Decimal | None:
        nets = [self.net(position, symbol_id) for position, symbol_id in held]
        return None if None in nets else sum((net for net in nets if net is not None), ZERO)

    def _signature(self, held: list[tuple[Position, int]]) -> tuple[object, ...]:
        known = self._sum(held) is not None
        return (known, *((position.position_id, *_state(position)) for position, _ in held))

    def _rate(self, symbol_id: int, currency: str) -> Decimal | None:
        listing = self._symbols.by_id(symbol_id)
        if listing is None or not listing.instrument.quote or not currency:
            return None
        return self._rates.rate(listing.instrument.quote, currency)

    def _gross(self, position: Position, symbol_id: int) -> Decimal | None:
        quote = self._prices.bid_ask(symbol_id)
        rate = self._rate(symbol_id, position.currency)
        if quote is None or rate is None:
            return None
        close = quote[0] if position.side is Side.BUY else quote[1]
        gross = (close - position.average_price) * position.quantity * position.side.sign * rate
        # Money is told in hundredths; the swap has the account's own number of decimals.
        return gross.quantize(_step(position.swap), rounding=ROUND_HALF_EVEN)

    def _tolerance(self, position: Position, symbol_id: int) -> Decimal:
        rate = self._rate(symbol_id, position.currency)
        if rate is None:
            return ZERO
        return abs(position.average_price * position.quantity * rate) * _TOLERANCE + 2 * _step(position.swap)


def _step(amount: Decimal) -> Decimal:
    """The smallest amount of money in the scale of this one."""
    exponent = amount.as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) else -2)
