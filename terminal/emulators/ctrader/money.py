"""What a trade costs and brings at the practice broker: profit, commission and conversion, in whole cents.

Rules of Open API 2.0: ``preciseTradingCommissionRate`` counts hundred millionths (hundred thousandths for a
percentage), ``pnlConversionFeeRate`` hundredths of a per cent of the gross profit.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Protocol

from terminal.domain.market import Side
from terminal.emulators.ctrader.records import MONEY_DIGITS, Position
from terminal.emulators.ctrader.symbols import CENTS, SymbolSpec
from terminal.venues.ctrader import openapi_pb2 as pb

_RATE: Final = Decimal(10**8)
_PERCENT_RATE: Final = Decimal(10**5)
_MILLION: Final = 1_000_000
_ONE: Final = Decimal(1)


class Rates(Protocol):
    """Whoever converts one asset into another."""

    def rate(self, from_asset: str, to_asset: str) -> Decimal:
        """How much one unit of the first is worth in the second."""
        ...


def to_cents(amount: Decimal) -> int:
    """An amount of money in whole cents, halves away from zero."""
    return int(amount.scaleb(MONEY_DIGITS).to_integral_value(ROUND_HALF_UP))


def share(amount: int, part: int, whole: int) -> int:
    """The part of an amount that belongs to a part of a volume; all of it belongs to the whole volume."""
    return int((Decimal(amount) * part / whole).to_integral_value(ROUND_HALF_UP))


def base_rate(spec: SymbolSpec, price: Decimal, asset: str, rates: Rates) -> Decimal:
    """What one base unit bought at ``price`` is worth in an asset."""
    return _ONE if spec.base == asset else price * rates.rate(spec.quote, asset)


def gross_profit(
    spec: SymbolSpec, side: Side, volume: int, opened: Decimal, closed: Decimal, rate: Decimal
) -> int:
    """Cents that a volume brings, bought or sold at one price and given up at another.

    Args:
        rate: quote to deposit currency.
    """
    return to_cents((closed - opened) * side.sign * volume / CENTS * rate)


def conversion_fee(spec: SymbolSpec, gross: int, currency: str) -> int:
    """What changing the profit into the deposit currency costs; not above zero."""
    if not spec.pnl_conversion_fee_rate or spec.quote == currency:
        return 0
    return -share(abs(gross), spec.pnl_conversion_fee_rate, 10_000)


def commission(spec: SymbolSpec, volume: int, price: Decimal, currency: str, rates: Rates) -> int:
    """What one side of a deal costs; not above zero."""
    units = Decimal(volume) / CENTS
    lots = Decimal(volume) / spec.lot_size
    kind = spec.commission_type
    if kind == pb.USD_PER_MILLION_USD:
        amount = units * base_rate(spec, price, "USD", rates) / _MILLION * spec.commission_rate / _RATE
        asset = "USD"
    elif kind == pb.USD_PER_LOT:
        amount, asset = lots * spec.commission_rate / _RATE, "USD"
    elif kind == pb.PERCENTAGE_OF_VALUE:
        amount, asset = units * price * spec.commission_rate / _PERCENT_RATE / 100, spec.quote
    else:
        amount, asset = lots * spec.commission_rate / _RATE, spec.quote
    cost = amount * rates.rate(asset, currency)
    if spec.min_commission:
        least = spec.min_commission / _RATE * rates.rate(spec.min_commission_asset, currency)
        cost = max(cost, least)
    return -to_cents(cost)


def close_price(side: Side, bid: Decimal, ask: Decimal) -> Decimal:
    """At what a position of that side can be given up."""
    return bid if side is Side.BUY else ask


def unrealised(
    position: Position, spec: SymbolSpec, bid: Decimal, ask: Decimal, rate: Decimal
) -> tuple[int, int]:
    """Gross and net profit of a position at these prices; net counts swap and what opening it cost."""
    price = close_price(position.side, bid, ask)
    gross = gross_profit(spec, position.side, position.volume, position.price, price, rate)
    return gross, gross + position.swap + position.commission
