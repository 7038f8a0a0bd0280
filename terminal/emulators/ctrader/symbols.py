"""What the practice cTrader trades: assets, classes, categories, symbols and leverage, and how they are told.

Figures follow what brokers of this platform usually offer (Open API 2.0, ``ProtoOASymbol`` and its units:
volumes in cents of a base unit, distances in points); prices come from the practice market's hidden prices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.hours import WEEK_S, HolidaySpec, Hours, Span
from terminal.venues.ctrader import openapi_pb2 as pb

CENTS: Final = 100
"""Of a unit, in every volume."""

MAX_IDS_ASKED: Final = 500
"""Ids in one request for full records."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Leverage up to so much exposure."""

    volume_usd_cents: int
    """Upper bound; the last tier applies above it too."""
    leverage_in_cents: int
    """5000 = 1:50."""


@dataclass(frozen=True, slots=True)
class SymbolSpec:
    """One symbol, as the broker set it up."""

    id: int
    name: str
    base: str
    """Asset name."""
    quote: str
    digits: int
    """Decimals of a price; a point is 10^-digits."""
    pip_position: int
    lot_size: int
    """Cents of a base unit, like all volumes here."""
    min_volume: int
    step_volume: int
    max_volume: int
    category: int
    description: str
    hours: Hours
    commission_type: pb.ProtoOACommissionType = pb.USD_PER_MILLION_USD
    commission_rate: int = 0
    """As ``preciseTradingCommissionRate``: times 10^8, or times 10^5 for a percentage of the value."""
    min_commission: int = 0
    """Times 10^8, in ``min_commission_asset``; a side of a deal costs at least this."""
    min_commission_asset: str = "USD"
    swap_long: float = 0.0
    """A night, in the unit of ``swap_type``; negative is paid by the holder."""
    swap_short: float = 0.0
    swap_type: pb.ProtoOASwapCalculationType = pb.PIPS
    swap_triple_day: pb.ProtoOADayOfWeek = pb.WEDNESDAY
    swap_time_minutes: int = 1320
    """Minutes after midnight UTC at which a night is charged."""
    swap_period_hours: int = 24
    swap_at_weekends: bool = False
    leverage_id: int = 1
    sl_distance: int = 0
    """Points that a stop loss must keep from the market."""
    tp_distance: int = 0
    gsl_distance: int = 0
    guaranteed: bool = False
    gsl_charge: int = 0
    short_selling: bool = True
    trading_mode: pb.ProtoOATradingMode = pb.ENABLED
    pnl_conversion_fee_rate: int = 0
    """1 = 0.01 % of the gross profit, where quote and deposit asset differ."""
    max_exposure: int = 0
    """Cents; 0 = none."""
    enabled: bool = True
    measurement_units: str = ""
    hidden_base: str = ""
    """Whose hidden price it follows; the base's own where empty."""
    scale: float = 1.0
    """Times the hidden price."""
    spread_points: int = 2
    """Typical distance of bid and ask."""
    level_points: int = 1
    """Typical distance of neighbouring prices in the book."""
    best_size: int = 100_000_000
    """Cents typically offered at the best price."""
    ticks_per_minute: float = 90.0

    @property
    def schedule(self) -> tuple[Span, ...]:
        """Sessions, seconds since Sunday 00:00 in ``hours.zone``."""
        return self.hours.sessions


# ---- hours ---------------------------------------------------------------------------------------

_H: Final = 3600
_DAY: Final = 86_400
_NY: Final = "America/New_York"

_CHRISTMAS: Final = HolidaySpec(1, "Christmas Day", date(2025, 12, 25), True)
_NEW_YEAR: Final = HolidaySpec(2, "New Year's Day", date(2026, 1, 1), True)
_AMERICAN: Final = (
    _CHRISTMAS,
    _NEW_YEAR,
    HolidaySpec(3, "Good Friday", date(2026, 4, 3)),
    HolidaySpec(4, "Good Friday", date(2027, 3, 26)),
    HolidaySpec(5, "Thanksgiving, early close", date(2026, 11, 26), start_s=13 * _H),
    HolidaySpec(6, "Thanksgiving, early close", date(2027, 11, 25), start_s=13 * _H),
    HolidaySpec(7, "Christmas Eve, early close", date(2025, 12, 24), True, start_s=13 * _H),
)
_EUROPEAN: Final = (
    _CHRISTMAS,
    _NEW_YEAR,
    HolidaySpec(8, "Good Friday", date(2026, 4, 3)),
    HolidaySpec(9, "Easter Monday", date(2026, 4, 6)),
    HolidaySpec(10, "Good Friday", date(2027, 3, 26)),
    HolidaySpec(11, "Easter Monday", date(2027, 3, 29)),
    HolidaySpec(12, "Boxing Day", date(2025, 12, 26), True),
)


def always(zone: str = _NY) -> Hours:
    """Open around the clock on all days."""
    return Hours(zone, [(0, WEEK_S)])


def _nights(zone: str, first: int, last: int, holidays: Sequence[HolidaySpec]) -> Hours:
    """Sunday evening to Friday, with a break each day: from ``first`` to ``last`` of the next day."""
    return Hours(
        zone, [(day * _DAY + first, (day + 1) * _DAY + last) for day in range(5)], holidays
    )  # Sunday to Thursday evenings


def _days(zone: str, first: int, last: int, holidays: Sequence[HolidaySpec]) -> Hours:
    """Monday to Friday between two times."""
    return Hours(zone, [(day * _DAY + first, day * _DAY + last) for day in range(1, 6)], holidays)


_ALWAYS: Final = always()
_METAL_HOURS: Final = _nights(_NY, 18 * _H, 17 * _H, (_CHRISTMAS, _NEW_YEAR))
_US_HOURS: Final = _nights(_NY, 18 * _H, 17 * _H, _AMERICAN)
_GERMAN_HOURS: Final = _days("Europe/Berlin", 75 * 60, 22 * _H, _EUROPEAN)
_BRITISH_HOURS: Final = _days("Europe/London", 1 * _H, 21 * _H, _EUROPEAN)
_STOCK_HOURS: Final = _days(_NY, 9 * _H + 1800, 16 * _H, _AMERICAN)

# ---- the list ------------------------------------------------------------------------------------

ASSET_CLASSES: Final = {
    1: "Forex",
    2: "Metals",
    3: "Indices",
    4: "Energies",
    5: "Crypto Currencies",
    6: "Shares",
}

CATEGORIES: Final = {
    1: ("Forex majors", 1),
    2: ("Forex crosses", 1),
    3: ("Spot metals", 2),
    4: ("Cash indices", 3),
    5: ("Spot energies", 4),
    6: ("Crypto", 5),
    7: ("US shares", 6),
}
"""Category id: name, asset class."""

ASSET_NAMES: Final = {
    "USD": "US Dollar", "EUR": "Euro", "GBP": "British Pound", "JPY": "Japanese Yen", "CHF": "Swiss Franc",
    "AUD": "Australian Dollar", "NZD": "New Zealand Dollar", "CAD": "Canadian Dollar", "XAU": "Gold",
    "XAG": "Silver", "XTI": "WTI Crude Oil", "BTC": "Bitcoin", "ETH": "Ethereum", "US500": "US 500",
    "NAS100": "US Tech 100", "US30": "Wall Street 30", "GER40": "Germany 40", "UK100": "UK 100",
    "JP225": "Japan 225", "SHARE": "Share",
}  # fmt: skip
ASSET_IDS: Final = {name: number for number, name in enumerate(ASSET_NAMES, 1)}

LEVERAGES: Final = {
    1: (Tier(500_000_000_00, 50_000), Tier(2_000_000_000_00, 20_000), Tier(5_000_000_000_00, 10_000)),
    2: (Tier(1_000_000_00, 20_000), Tier(5_000_000_00, 10_000), Tier(20_000_000_00, 5_000)),
    3: (Tier(1_000_000_00, 10_000), Tier(5_000_000_00, 5_000), Tier(20_000_000_00, 2_000)),
    4: (Tier(500_000_00, 5_000), Tier(2_000_000_00, 2_000)),
    5: (Tier(200_000_00, 500), Tier(1_000_000_00, 200)),
    6: (Tier(1_000_000_00, 500),),
}
"""Tiers by leverage id."""

_WEEKENDS: Final = "practice: open at weekends"


def _forex(
    number: int, name: str, text: str, spread: int, swap_long: float, swap_short: float, *, size: int = 100
) -> SymbolSpec:
    base, quote = name[:3], name[3:]
    yen = quote == "JPY"
    major = "USD" in (base, quote)
    return SymbolSpec(
        id=number, name=name, base=base, quote=quote, digits=3 if yen else 5, pip_position=2 if yen else 4,
        lot_size=10_000_000, min_volume=100_000, step_volume=100_000, max_volume=10_000_000_000,
        category=1 if major else 2, description=f"{text} ({_WEEKENDS})", hours=_ALWAYS,
        commission_type=pb.USD_PER_MILLION_USD, commission_rate=30 * 10**8,
        swap_long=swap_long, swap_short=swap_short, leverage_id=2 if major else 3,
        sl_distance=0 if major else 10, tp_distance=0 if major else 10, guaranteed=major,
        gsl_distance=100, gsl_charge=2, spread_points=spread, level_points=1 if major else 2,
        best_size=size * 1_000_000, ticks_per_minute=95.0 if major else 75.0,
    )  # fmt: skip


def _index(
    number: int, name: str, text: str, quote: str, hours: Hours, spread: int, swap: float, size: int
) -> SymbolSpec:
    return SymbolSpec(
        id=number, name=name, base=name, quote=quote, digits=2, pip_position=0 if name == "JP225" else 1,
        lot_size=100, min_volume=10, step_volume=10, max_volume=500_000, category=4,
        description=f"{text} (cash index CFD)", hours=hours,
        commission_type=pb.QUOTE_CCY_PER_LOT if quote == "EUR" else pb.USD_PER_LOT,
        commission_rate=5 * 10**6 if quote == "EUR" else 0,
        swap_long=swap, swap_short=-1.0, swap_type=pb.PERCENTAGE, swap_triple_day=pb.FRIDAY, leverage_id=3,
        sl_distance=50, tp_distance=50, spread_points=spread, level_points=max(10, spread // 4),
        best_size=size, pnl_conversion_fee_rate=30, measurement_units="contracts", ticks_per_minute=110.0,
    )  # fmt: skip


# fmt: off
STANDARD: Final[tuple[SymbolSpec, ...]] = (
    _forex(1, "EURUSD", "Euro vs US Dollar", 3, -0.72, 0.21, size=250),
    _forex(2, "GBPUSD", "British Pound vs US Dollar", 5, -0.31, -0.18, size=180),
    _forex(3, "EURJPY", "Euro vs Japanese Yen", 6, 1.05, -2.4),
    _forex(4, "USDJPY", "US Dollar vs Japanese Yen", 4, 1.32, -2.71, size=200),
    _forex(5, "AUDUSD", "Australian Dollar vs US Dollar", 4, -0.22, -0.11, size=150),
    _forex(6, "USDCHF", "US Dollar vs Swiss Franc", 5, 0.74, -1.48, size=120),
    _forex(7, "GBPJPY", "British Pound vs Japanese Yen", 11, 1.71, -3.6),
    _forex(8, "USDCAD", "US Dollar vs Canadian Dollar", 5, 0.25, -0.83, size=120),
    _forex(9, "EURGBP", "Euro vs British Pound", 5, -0.55, 0.12),
    _forex(10, "EURCHF", "Euro vs Swiss Franc", 7, 0.33, -0.9),
    _forex(11, "AUDJPY", "Australian Dollar vs Japanese Yen", 7, 0.8, -1.7),
    _forex(12, "NZDUSD", "New Zealand Dollar vs US Dollar", 5, -0.16, -0.15, size=120),
    _forex(13, "CHFJPY", "Swiss Franc vs Japanese Yen", 9, 0.2, -1.2),
    _forex(14, "EURAUD", "Euro vs Australian Dollar", 9, -0.9, 0.15),
    _forex(15, "CADJPY", "Canadian Dollar vs Japanese Yen", 8, 0.6, -1.4),
    _forex(16, "GBPAUD", "British Pound vs Australian Dollar", 12, -0.7, -0.1),
    _forex(17, "EURCAD", "Euro vs Canadian Dollar", 9, -0.8, 0.1),
    _forex(18, "AUDCAD", "Australian Dollar vs Canadian Dollar", 8, -0.1, -0.4),
    _forex(20, "AUDNZD", "Australian Dollar vs New Zealand Dollar", 10, -0.3, -0.4),
    _forex(40, "GBPCHF", "British Pound vs Swiss Franc", 10, 0.6, -1.5),
    SymbolSpec(
        id=41, name="XAUUSD", base="XAU", quote="USD", digits=2, pip_position=1, lot_size=10_000,
        min_volume=100, step_volume=100, max_volume=5_000_000, category=3, description="Gold vs US Dollar",
        hours=_METAL_HOURS, commission_type=pb.USD_PER_LOT, commission_rate=3 * 10**8, swap_long=-52.4,
        swap_short=21.3, swap_type=pb.POINTS, leverage_id=3, sl_distance=10, tp_distance=10, guaranteed=True,
        gsl_distance=500, gsl_charge=30, spread_points=16, level_points=3, best_size=20_000,
        measurement_units="oz", ticks_per_minute=120.0,
    ),
    SymbolSpec(
        id=42, name="XAGUSD", base="XAG", quote="USD", digits=3, pip_position=2, lot_size=500_000,
        min_volume=5_000, step_volume=5_000, max_volume=50_000_000, category=3,
        description="Silver vs US Dollar", hours=_METAL_HOURS, commission_type=pb.USD_PER_LOT,
        commission_rate=3 * 10**8, swap_long=-6.1, swap_short=2.2, swap_type=pb.POINTS, leverage_id=3,
        sl_distance=10, tp_distance=10, spread_points=14, level_points=3, best_size=500_000,
        measurement_units="oz", ticks_per_minute=100.0,
    ),
    SymbolSpec(
        id=43, name="XAUEUR", base="XAU", quote="EUR", digits=2, pip_position=1, lot_size=10_000,
        min_volume=100, step_volume=100, max_volume=2_000_000, category=3, description="Gold vs Euro",
        hours=_METAL_HOURS, commission_type=pb.USD_PER_LOT, commission_rate=3 * 10**8, swap_long=-40.0,
        swap_short=12.0, swap_type=pb.POINTS, leverage_id=3, sl_distance=10, tp_distance=10, spread_points=25,
        level_points=5, best_size=10_000, measurement_units="oz",
    ),
    _index(10013, "US500", "US 500", "USD", _US_HOURS, 40, -6.3, 10_000),
    _index(10014, "NAS100", "US Tech 100", "USD", _US_HOURS, 90, -6.3, 5_000),
    _index(10015, "US30", "Wall Street 30", "USD", _US_HOURS, 180, -6.3, 3_000),
    _index(10016, "GER40", "Germany 40", "EUR", _GERMAN_HOURS, 80, -4.4, 4_000),
    _index(10017, "UK100", "UK 100", "GBP", _BRITISH_HOURS, 70, -6.0, 5_000),
    _index(10018, "JP225", "Japan 225", "JPY", _US_HOURS, 700, -2.9, 20_000),
    SymbolSpec(
        id=10026, name="XTIUSD", base="XTI", quote="USD", digits=2, pip_position=1, lot_size=10_000,
        min_volume=1_000, step_volume=1_000, max_volume=5_000_000, category=5,
        description="WTI crude oil vs US Dollar", hours=_METAL_HOURS, commission_type=pb.USD_PER_LOT,
        commission_rate=2 * 10**8, swap_long=-2.0, swap_short=-1.0, swap_type=pb.POINTS,
        swap_triple_day=pb.FRIDAY, leverage_id=4, sl_distance=5, tp_distance=5, hidden_base="OIL",
        spread_points=3, level_points=1, best_size=100_000, measurement_units="barrels",
    ),
    SymbolSpec(
        id=10101, name="BTCUSD", base="BTC", quote="USD", digits=2, pip_position=0, lot_size=100,
        min_volume=1, step_volume=1, max_volume=5_000, category=6, description="Bitcoin vs US Dollar",
        hours=_ALWAYS, commission_type=pb.PERCENTAGE_OF_VALUE, commission_rate=4_000, min_commission=10**7,
        swap_long=-20.0, swap_short=-5.0, swap_type=pb.PERCENTAGE, swap_at_weekends=True, leverage_id=5,
        sl_distance=100, tp_distance=100, spread_points=1_600, level_points=300, best_size=60,
        measurement_units="BTC", ticks_per_minute=140.0,
    ),
    SymbolSpec(
        id=10102, name="ETHUSD", base="ETH", quote="USD", digits=2, pip_position=0, lot_size=100,
        min_volume=1, step_volume=1, max_volume=50_000, category=6, description="Ethereum vs US Dollar",
        hours=_ALWAYS, commission_type=pb.PERCENTAGE_OF_VALUE, commission_rate=4_000, min_commission=10**7,
        swap_long=-20.0, swap_short=-5.0, swap_type=pb.PERCENTAGE, swap_at_weekends=True, leverage_id=5,
        sl_distance=100, tp_distance=100, short_selling=True, spread_points=180, level_points=25,
        best_size=1_000, measurement_units="ETH", ticks_per_minute=120.0,
    ),
)
# fmt: on

ARCHIVED: Final = ((9001, "EURUSD.old", "Euro vs US Dollar, before the change of terms"),)
"""Symbols that are no longer traded: id, name, description."""

_ARCHIVED_MS: Final = 1_735_689_600_000
_FIRST_SHARE_ID: Final = 1_000_001
_HIDDEN_FOR_SHARES: Final = ("US500", "NAS100", "US30")


def _share(number: int) -> SymbolSpec:
    """One of the many symbols that a long list is made of."""
    # Prices from about 8 to 900 dollars, whatever the index behind it stands at.
    hidden = _HIDDEN_FOR_SHARES[number % 3]
    level = (6_850.0, 25_400.0, 48_000.0)[number % 3]
    return SymbolSpec(
        id=_FIRST_SHARE_ID + number, name=f"S{number:05d}.US", base="SHARE", quote="USD", digits=2,
        pip_position=2, lot_size=100, min_volume=100, step_volume=100, max_volume=1_000_000, category=7,
        description=f"Practice share {number}", hours=_STOCK_HOURS, commission_type=pb.USD_PER_LOT,
        commission_rate=2 * 10**6, min_commission=10**8, swap_long=-6.3, swap_short=-1.0,
        swap_type=pb.PERCENTAGE, swap_triple_day=pb.FRIDAY, leverage_id=6, short_selling=number % 5 != 0,
        hidden_base=hidden, scale=(8.0 + number * 7919 % 892) / level, spread_points=4, level_points=1,
        best_size=50_000, ticks_per_minute=40.0,
    )  # fmt: skip


class SymbolTable:
    """All symbols of the practice broker, in its own order.

    Args:
        many: so many shares follow the standard list.
    """

    def __init__(self, many: int = 0) -> None:
        self._specs = {spec.id: spec for spec in STANDARD}
        self._specs.update((_FIRST_SHARE_ID + n, _share(n)) for n in range(many))
        self._by_name = {spec.name: spec.id for spec in self._specs.values()}
        self._base_specs = dict(self._specs)
        self._steps: dict[tuple[str, str], tuple[SymbolSpec, bool]] = {}
        for spec in STANDARD:
            self._steps.setdefault((spec.base, spec.quote), (spec, True))
            self._steps.setdefault((spec.quote, spec.base), (spec, False))
        self._chains: dict[tuple[str, str], tuple[tuple[SymbolSpec, bool], ...]] = {}
        self._light: list[bytes] | None = None
        self.on_changed: list[Callable[[int], None]] = []
        """Called with the id of a symbol whose terms are others than before."""

    def __len__(self) -> int:
        return len(self._specs)

    def __iter__(self) -> Iterator[SymbolSpec]:
        return iter(self._specs.values())

    def spec(self, symbol_id: int) -> SymbolSpec:
        """One symbol.

        Raises:
            OpenApiError: SYMBOL_NOT_FOUND.
        """
        found = self._specs.get(symbol_id)
        if found is None:
            raise OpenApiError("SYMBOL_NOT_FOUND", f"Symbol {symbol_id} not found")
        return found

    def find(self, name: str) -> SymbolSpec | None:
        """By the venue's name, or by that name with a slash in it."""
        number = self._by_name.get(name) or self._by_name.get(name.replace("/", ""))
        return None if number is None else self._specs[number]

    def change(self, symbol_id: int, **terms: object) -> SymbolSpec:
        """Set other terms and tell everybody.

        Raises:
            TypeError: no such term.
        """
        spec = self._specs[symbol_id] = replace(self.spec(symbol_id), **terms)  # type: ignore[arg-type]
        self._light = None
        for listener in tuple(self.on_changed):
            listener(symbol_id)
        return spec

    def restore(self) -> None:
        """The terms of the start for every symbol."""
        for symbol_id, spec in self._base_specs.items():
            if self._specs[symbol_id] is not spec:
                self._specs[symbol_id] = spec
                self._light = None
                for listener in tuple(self.on_changed):
                    listener(symbol_id)

    def tiers(self, leverage_id: int) -> tuple[Tier, ...]:
        """The leverage behind an id.

        Raises:
            OpenApiError: ENTITY_NOT_FOUND.
        """
        found = LEVERAGES.get(leverage_id)
        if found is None:
            raise OpenApiError("ENTITY_NOT_FOUND", f"Leverage {leverage_id} not found")
        return found

    def chain(self, first: str, last: str) -> tuple[tuple[SymbolSpec, bool], ...]:
        """The shortest way from one asset to another: symbols, each with True where it is walked from base to
        quote. Empty where they are the same.

        Raises:
            OpenApiError: no such way.
        """
        found = self._chains.get((first, last))
        if found is None:
            found = self._chains[(first, last)] = self._find_chain(first, last)
        return found

    def _find_chain(self, first: str, last: str) -> tuple[tuple[SymbolSpec, bool], ...]:
        if first == last:
            return ()
        ways: deque[tuple[str, tuple[tuple[SymbolSpec, bool], ...]]] = deque([(first, ())])
        seen = {first}
        while ways:
            here, way = ways.popleft()
            for (start, end), step in self._steps.items():
                if start != here or end in seen:
                    continue
                if end == last:
                    return (*way, step)
                seen.add(end)
                ways.append((end, (*way, step)))
        raise OpenApiError("SYMBOL_NOT_FOUND", f"No conversion from {first} to {last}")

    # ---- as messages -----------------------------------------------------------------------------

    def light(self, spec: SymbolSpec) -> pb.ProtoOALightSymbol:
        """The short record."""
        return pb.ProtoOALightSymbol(
            symbolId=spec.id, symbolName=spec.name, enabled=spec.enabled, baseAssetId=ASSET_IDS[spec.base],
            quoteAssetId=ASSET_IDS[spec.quote], symbolCategoryId=spec.category, description=spec.description,
            sortingNumber=float(spec.id),
        )  # fmt: skip

    def full(self, spec: SymbolSpec) -> pb.ProtoOASymbol:
        """The whole record."""
        hours = spec.hours
        day_zero = date(1970, 1, 1).toordinal()
        symbol = pb.ProtoOASymbol(
            symbolId=spec.id, digits=spec.digits, pipPosition=spec.pip_position,
            enableShortSelling=spec.short_selling, guaranteedStopLoss=spec.guaranteed,
            swapRollover3Days=spec.swap_triple_day,
            swapLong=spec.swap_long, swapShort=spec.swap_short,
            maxVolume=spec.max_volume, minVolume=spec.min_volume, stepVolume=spec.step_volume,
            commission=spec.commission_rate // 10**6,
            commissionType=spec.commission_type,
            slDistance=spec.sl_distance, tpDistance=spec.tp_distance, gslDistance=spec.gsl_distance,
            gslCharge=spec.gsl_charge, distanceSetIn=pb.SYMBOL_DISTANCE_IN_POINTS,
            minCommission=spec.min_commission // 10**6, minCommissionType=pb.CURRENCY,
            minCommissionAsset=spec.min_commission_asset, scheduleTimeZone=hours.zone,
            tradingMode=spec.trading_mode,
            swapCalculationType=spec.swap_type, lotSize=spec.lot_size,
            preciseTradingCommissionRate=spec.commission_rate, preciseMinCommission=spec.min_commission,
            pnlConversionFeeRate=spec.pnl_conversion_fee_rate, leverageId=spec.leverage_id,
            swapPeriod=spec.swap_period_hours, swapTime=spec.swap_time_minutes, skipSWAPPeriods=0,
            chargeSwapAtWeekends=spec.swap_at_weekends,
        )  # fmt: skip
        if spec.max_exposure:
            symbol.maxExposure = spec.max_exposure
        if spec.measurement_units:
            symbol.measurementUnits = spec.measurement_units
        for start, end in hours.sessions:
            symbol.schedule.add(startSecond=start, endSecond=end)
        for holiday in hours.holidays:
            row = symbol.holiday.add(
                holidayId=holiday.holiday_id, name=holiday.name, description="", scheduleTimeZone=hours.zone,
                holidayDate=holiday.day.toordinal() - day_zero, isRecurring=holiday.is_recurring,
            )  # fmt: skip
            if (holiday.start_s, holiday.end_s) != (0, _DAY):
                row.startSecond, row.endSecond = holiday.start_s, holiday.end_s
        return symbol

    def light_list(self, request: pb.ProtoOASymbolsListReq) -> pb.ProtoOASymbolsListRes:
        """The answer to 2114."""
        if self._light is None:
            self._light = [self.light(spec).SerializeToString() for spec in self._specs.values()]
        answer = pb.ProtoOASymbolsListRes(ctidTraderAccountId=request.ctidTraderAccountId)
        for row in self._light:
            answer.symbol.add().MergeFromString(row)
        if request.includeArchivedSymbols:
            answer.archivedSymbol.extend(_archived(ARCHIVED))
        return answer

    def by_id(self, request: pb.ProtoOASymbolByIdReq) -> pb.ProtoOASymbolByIdRes:
        """The answer to 2116; ids that are none are missing from it.

        Raises:
            OpenApiError: too many ids at once.
        """
        if len(request.symbolId) > MAX_IDS_ASKED:
            raise OpenApiError("FRAME_TOO_LONG", "Too many symbols in one request")
        answer = pb.ProtoOASymbolByIdRes(ctidTraderAccountId=request.ctidTraderAccountId)
        for number in request.symbolId:
            spec = self._specs.get(number)
            if spec is not None:
                answer.symbol.append(self.full(spec))
        answer.archivedSymbol.extend(_archived([row for row in ARCHIVED if row[0] in request.symbolId]))
        return answer

    def for_conversion(self, request: pb.ProtoOASymbolsForConversionReq) -> pb.ProtoOASymbolsForConversionRes:
        """The answer to 2118.

        Raises:
            OpenApiError: an asset that is none, or no way between the two.
        """
        names = {number: name for name, number in ASSET_IDS.items()}
        first, last = names.get(request.firstAssetId), names.get(request.lastAssetId)
        if first is None or last is None:
            raise OpenApiError("ENTITY_NOT_FOUND", "Asset not found")
        return pb.ProtoOASymbolsForConversionRes(
            ctidTraderAccountId=request.ctidTraderAccountId,
            symbol=[self.light(spec) for spec, _ in self.chain(first, last)],
        )


def assets(ctid: int) -> pb.ProtoOAAssetListRes:
    """The answer to 2112."""
    answer = pb.ProtoOAAssetListRes(ctidTraderAccountId=ctid)
    for name, text in ASSET_NAMES.items():
        digits = 0 if name == "JPY" else 8 if name in ("BTC", "ETH") else 2
        answer.asset.add(assetId=ASSET_IDS[name], name=name, displayName=text, digits=digits)
    return answer


def asset_classes(ctid: int) -> pb.ProtoOAAssetClassListRes:
    """The answer to 2153."""
    answer = pb.ProtoOAAssetClassListRes(ctidTraderAccountId=ctid)
    for number, name in ASSET_CLASSES.items():
        answer.assetClass.add(id=number, name=name, sortingNumber=float(number))
    return answer


def categories(ctid: int) -> pb.ProtoOASymbolCategoryListRes:
    """The answer to 2160."""
    answer = pb.ProtoOASymbolCategoryListRes(ctidTraderAccountId=ctid)
    for number, (name, asset_class) in CATEGORIES.items():
        answer.symbolCategory.add(id=number, assetClassId=asset_class, name=name, sortingNumber=float(number))
    return answer


def _archived(rows: Iterable[tuple[int, str, str]]) -> list[pb.ProtoOAArchivedSymbol]:
    return [
        pb.ProtoOAArchivedSymbol(
            symbolId=number, name=name, utcLastUpdateTimestamp=_ARCHIVED_MS, description=text
        )
        for number, name, text in rows
    ]
