"""Bars as OKX counts them: from six hours up they open at midnight in Hong Kong unless ``utc`` is asked for.

OKX API v5 "Get candlesticks", read 2026-07. A bar is the sum of its prints, as they are told by the trades.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from terminal.emulators.market.history import FIRST_DAY, Candle
from terminal.emulators.okx.exchange import OkxExchange
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.wire import short, trimmed

HONG_KONG_MIN: Final = 8 * 60
_WEEK_MIN: Final = 7 * 1440
_MONDAY_MIN: Final = 4 * 1440
"""The first Monday after the beginning of 1970."""
_MINUTES: Final = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1H": 60, "2H": 120, "4H": 240, "6H": 360, "12H": 720,
    "1D": 1440, "2D": 2880, "3D": 4320, "1W": _WEEK_MIN,
}  # fmt: skip
_MONTHS: Final = {"1M": 1, "3M": 3}
_UTC_TOO: Final = ("6H", "12H", "1D", "2D", "3D", "1W", "1M", "3M")
BARS: Final = frozenset({*_MINUTES, *_MONTHS, *(f"{name}utc" for name in _UTC_TOO)})
"""Every bar length but ``1s``."""

Row = list[str]


def opening(bar: str, minute: int) -> tuple[int, int]:
    """First minute of the bar that contains a minute, and of the one after it (since 1970, UTC)."""
    name = bar.removesuffix("utc")
    shift = HONG_KONG_MIN if name in _UTC_TOO and name == bar else 0
    if name in _MONTHS:
        day = datetime.fromtimestamp((minute + shift) * 60, UTC)
        count = _MONTHS[name]
        months = (day.year * 12 + day.month - 1) // count * count
        return _month_minute(months) - shift, _month_minute(months + count) - shift
    length = _MINUTES[name]
    shift -= _MONDAY_MIN if name == "1W" else 0
    first = (minute + shift) // length * length - shift
    return first, first + length


def _month_minute(months: int) -> int:
    return int(datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp()) // 60


class Candles:
    """Bars of every instrument."""

    def __init__(self, exchange: OkxExchange) -> None:
        self._exchange = exchange

    def running(self, one: OkxInstrument, bar: str) -> Row:
        """The bar that is being made."""
        tape = self._exchange.tapes[one.inst_id]
        first, end = opening(bar, tape.minute)
        return self.row(one, first, tape.span(first, end), is_over=False)

    def closed(self, one: OkxInstrument, bar: str, first: int) -> Row:
        """A bar that is over, by its first minute."""
        _, end = opening(bar, first)
        return self.row(one, first, self._exchange.tapes[one.inst_id].span(first, end), is_over=True)

    def rows(self, one: OkxInstrument, bar: str, before_ms: int, after_ms: int, limit: int) -> list[Row]:
        """Bars that begin before the one and after the other time, newest first, at most ``limit``."""
        tape = self._exchange.tapes[one.inst_id]
        tape.roll(self._exchange.clock.wall_ns())
        now, oldest = tape.minute, (FIRST_DAY + 100) * 1440
        if one.is_dated:
            oldest = max(oldest, one.listed_ns // 60_000_000_000)
        first, end = opening(bar, min(now, (before_ms - 1) // 60_000))
        found: list[Row] = []
        while len(found) < limit and first >= oldest and first * 60_000 > after_ms:
            if first * 60_000 < before_ms:
                found.append(self.row(one, first, tape.span(first, end), is_over=end <= now))
            first, end = opening(bar, first - 1)
        return found

    def seconds(self, one: OkxInstrument, before_ms: int, after_ms: int, limit: int) -> list[Row]:
        """Bars of one second, newest first, made of the prints; a second without any repeats the close."""
        tape, listing = self._exchange.tapes[one.inst_id], one.listing
        now_s = self._exchange.clock.wall_ns() // 1_000_000_000
        last = min(now_s, -(-before_ms // 1000) - 1)
        first = max(last - limit + 1, after_ms // 1000 + 1)
        start = min(first, last) - 120
        by_second: dict[int, list[tuple[Decimal, Decimal]]] = {}
        close: Decimal | None = None
        for print_ in tape.trades(start * 1_000_000_000 - 1, 50_000):
            second = print_.ts_ns // 1_000_000_000
            if second < first:
                close = print_.price
            elif second <= last:
                by_second.setdefault(second, []).append((print_.price, print_.quantity))
            else:
                break
        found: list[Row] = []
        if close is None:
            close = next(iter(by_second.values()))[0][0] if by_second else self._exchange.last(one)
        grid = listing.grid
        for second in range(first, last + 1):
            prints = by_second.get(second) or [(close, Decimal(0))]
            ticks = [grid.ticks(price) for price, _ in prints]
            steps = [grid.steps(quantity) for _, quantity in prints]
            units = sum(a * b for a, b in zip(ticks, steps, strict=True))
            close = prints[-1][0]
            candle = Candle(ticks[0], max(ticks), min(ticks), ticks[-1], sum(steps), len(prints), units)
            found.append(self.row(one, 0, candle, is_over=second < now_s, ts=str(second * 1000)))
        return found[::-1]

    def row(self, one: OkxInstrument, first: int, candle: Candle, *, is_over: bool, ts: str = "") -> Row:
        """``[ts, o, h, l, c, vol, volCcy, volCcyQuote, confirm]``."""
        grid = one.listing.grid
        volume, in_coins, in_quote = volumes(one, candle)
        prices = (grid.price(ticks) for ticks in (candle.open, candle.high, candle.low, candle.close))
        return [
            ts or str(first * 60_000),
            *map(short, prices),
            short(volume),
            trimmed(in_coins if one.is_contract else in_quote, 8),
            trimmed(in_quote, 8),
            "1" if is_over else "0",
        ]


def volumes(one: OkxInstrument, candle: Candle) -> tuple[Decimal, Decimal, Decimal]:
    """Of a bar: base units or contracts, base coins, quote units."""
    grid = one.listing.grid
    volume, turnover = grid.quantity(candle.steps), grid.notional(candle.units, 1)
    if not volume:
        return volume, volume, volume
    average = turnover / volume
    coins = one.coins(volume, average)
    return volume, coins, coins * average
