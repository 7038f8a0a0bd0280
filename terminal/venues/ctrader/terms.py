"""What a symbol's full record says, in the terminal's words: grid, limits, sessions, swap and commission."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from terminal.domain.account import FeeRates
from terminal.domain.decimals import ZERO, decimals_of
from terminal.domain.instrument import Instrument, InstrumentKind, MarketStatus, SwapRates
from terminal.domain.schedule import Holiday, SessionHours, TradingSchedule
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.units import quantity, step_of

_EPOCH: Final = date(1970, 1, 1)
_MILLION: Final = Decimal(1_000_000)
_NIGHTS_A_YEAR: Final = 365
_STATUS: Final = {
    pb.ENABLED: MarketStatus.ONLINE,
    pb.DISABLED_WITHOUT_PENDINGS_EXECUTION: MarketStatus.CANCEL_ONLY,
    pb.DISABLED_WITH_PENDINGS_EXECUTION: MarketStatus.CANCEL_ONLY,
    pb.CLOSE_ONLY_MODE: MarketStatus.REDUCE_ONLY,
}


def detailed(light: Instrument, symbol: pb.ProtoOASymbol, *, price: Decimal | None, at_ns: int) -> Instrument:
    """The whole instrument. ``price`` is the present one, for a swap stated in per cent of it; None leaves
    such a swap out until there is one."""
    tick = step_of(symbol.digits)
    step = quantity(symbol.stepVolume) if symbol.stepVolume > 0 else Decimal("0.01")
    schedule = schedule_of(symbol)
    return replace(
        light,
        kind=InstrumentKind.CFD,
        tick_size=tick,
        quantity_step=step,
        min_quantity=quantity(symbol.minVolume) if symbol.minVolume > 0 else step,
        max_quantity=quantity(symbol.maxVolume) if symbol.maxVolume > 0 else None,
        price_decimals=max(0, symbol.digits),
        quantity_decimals=decimals_of(step),
        status=status_of(symbol, schedule, at_ns),
        marginable=True,
        lot_size=quantity(symbol.lotSize) if symbol.lotSize > 0 else None,
        pip_size=step_of(symbol.pipPosition),
        schedule=schedule,
        swap=swap_of(symbol, price),
        min_stop_distance=_distance(symbol, symbol.slDistance, price),
        min_profit_distance=_distance(symbol, symbol.tpDistance, price),
        # Absent means that the server does not say, which is not a no.
        can_sell_short=symbol.enableShortSelling if symbol.HasField("enableShortSelling") else True,
        guaranteed_stop=symbol.guaranteedStopLoss,
        is_detailed=True,
    )


def needs_price(symbol: pb.ProtoOASymbol) -> bool:
    """Whether something of it is stated in per cent of the price."""
    return (
        symbol.swapCalculationType == pb.PERCENTAGE
        or symbol.distanceSetIn == pb.SYMBOL_DISTANCE_IN_PERCENTAGE
    )


def status_of(symbol: pb.ProtoOASymbol, schedule: TradingSchedule | None, at_ns: int) -> MarketStatus:
    """What the venue takes for it at a time."""
    if schedule is not None and not schedule.is_open(at_ns):
        return MarketStatus.CLOSED
    return _STATUS.get(symbol.tradingMode, MarketStatus.UNKNOWN)


def schedule_of(symbol: pb.ProtoOASymbol) -> TradingSchedule | None:
    """Sessions and holidays; None where the server sends none, or in a zone that nobody knows."""
    if not symbol.schedule:
        return None
    zone = symbol.scheduleTimeZone or "UTC"
    if not _is_zone(zone):
        return None
    sessions = tuple(SessionHours(each.startSecond, each.endSecond) for each in symbol.schedule)
    holidays = tuple(
        Holiday(
            _EPOCH + timedelta(days=each.holidayDate),
            each.scheduleTimeZone or zone,
            each.name,
            each.isRecurring,
            each.startSecond if each.HasField("startSecond") else 0,
            each.endSecond if each.HasField("endSecond") and each.endSecond > 0 else 86_400,
        )
        for each in symbol.holiday
        if _is_zone(each.scheduleTimeZone or zone) and -100_000 < each.holidayDate < 1_000_000
    )
    return TradingSchedule(zone, sessions, holidays)


def swap_of(symbol: pb.ProtoOASymbol, price: Decimal | None) -> SwapRates | None:
    """What a night costs, a base unit. ``swapLong``/``swapShort`` are pips, points, or per cent a year."""
    if not (symbol.HasField("swapLong") or symbol.HasField("swapShort")):
        return None
    long, short = Decimal(repr(symbol.swapLong)), Decimal(repr(symbol.swapShort))
    weekday = symbol.swapRollover3Days - 1 if symbol.swapRollover3Days else None
    if symbol.swapCalculationType == pb.PERCENTAGE:
        if price is None:
            return None
        night = price / 100 / _NIGHTS_A_YEAR
        unit = "% a year"
    elif symbol.swapCalculationType == pb.POINTS:
        night, unit = step_of(symbol.digits), " points"
    else:
        night, unit = step_of(symbol.pipPosition), " pips"
    text = f"{_signed(long)}{unit} long, {_signed(short)}{unit} short"
    return SwapRates(long * night, short * night, weekday, text)


def fee_rates(
    symbol: pb.ProtoOASymbol, usd_to_quote: Decimal | None, asset_to_quote: Decimal | None
) -> FeeRates | None:
    """The commission of one fill.

    ``usd_to_quote`` and ``asset_to_quote`` turn US dollars and the minimum's own currency into the quote
    currency; None where no rate is known, and then None where one is needed.
    ``preciseTradingCommissionRate`` is in 10^-8, or in 10^-5 for per cent of the value.
    """
    rate = Decimal(symbol.preciseTradingCommissionRate)
    lot = quantity(symbol.lotSize) if symbol.lotSize > 0 else None
    pct = per_unit = ZERO
    kind = symbol.commissionType
    if kind == pb.PERCENTAGE_OF_VALUE:
        pct = rate.scaleb(-5)
    elif kind == pb.USD_PER_MILLION_USD:
        pct = rate.scaleb(-8) / _MILLION * 100
    elif rate:
        if lot is None:
            return None
        factor = Decimal(1) if kind == pb.QUOTE_CCY_PER_LOT else usd_to_quote
        if factor is None:
            return None
        per_unit = rate.scaleb(-8) / lot * factor
    minimum = Decimal(symbol.preciseMinCommission).scaleb(-8)
    if minimum and symbol.minCommissionType != pb.QUOTE_CURRENCY:
        if asset_to_quote is None:
            return None
        minimum *= asset_to_quote
    return FeeRates(pct, pct, per_unit, minimum)


def needs_rate(symbol: pb.ProtoOASymbol) -> Sequence[str]:
    """The currencies whose rate to the quote currency :func:`fee_rates` needs."""
    wanted = []
    if symbol.commissionType == pb.USD_PER_LOT and symbol.preciseTradingCommissionRate:
        wanted.append("USD")
    if symbol.preciseMinCommission and symbol.minCommissionType != pb.QUOTE_CURRENCY:
        wanted.append(symbol.minCommissionAsset or "USD")
    return wanted


def _distance(symbol: pb.ProtoOASymbol, wire: int, price: Decimal | None) -> Decimal:
    """Points, or hundredths of a per cent of the price (that scale is not certain)."""
    if symbol.distanceSetIn == pb.SYMBOL_DISTANCE_IN_PERCENTAGE:
        return ZERO if price is None else price * wire / 10_000
    return wire * step_of(symbol.digits)


def _signed(value: Decimal) -> str:
    text = format(abs(value.normalize()), "f")
    return f"−{text}" if value < 0 else f"+{text}"


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
