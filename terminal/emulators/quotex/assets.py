"""What the practice Quotex deals in: assets, their hours, their payouts, and the rows they are told in.

Those with an outside market follow the practice market's hidden prices and its hours, as the other venues
do; ``_otc`` assets are the venue's own walks, open at all times. Classes and most columns of a row are not
known for certain (section 7.3 of the protocol reference).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

from terminal.emulators.ctrader.symbols import STANDARD, SymbolSpec, always
from terminal.emulators.market.latent import ASSETS, AssetModel, seed_number, uniform

OTC: Final = "_otc"
_PAYOUT_ROUND_S: Final = 1800
"""How long a payout of an OTC asset stays."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset."""

    number: int
    symbol: str
    name: str
    """As the venue shows it; with a line feed before ``(OTC)``."""
    kind: str
    spec: SymbolSpec
    """Grid, hours and hidden price."""
    payouts: tuple[int, int, int]
    """Per cent for less than five minutes, for up to an hour, and for longer."""
    volatility: float
    """Standard deviation of a day's log return, for what a running deal is worth."""
    bias_points: int = 0
    """So far its price may lie from the hidden one."""
    lag_ms: int = 0
    """So much later than it was made a quote goes out."""

    @property
    def is_otc(self) -> bool:
        """The venue's own price, open at all times."""
        return self.symbol.endswith(OTC)

    def payout_now(self, seed: int, now_s: int) -> tuple[int, int, int]:
        """Its payouts at a time: those of OTC assets wander by a few per cent."""
        if not self.is_otc:
            return self.payouts
        place = uniform(seed_number(seed, "payout", self.symbol), now_s // _PAYOUT_ROUND_S)
        change = int(place * 5) - 2
        first, second, third = self.payouts
        return first + change, second + change, third + change

    def row(self, payouts: tuple[int, int, int], *, is_open: bool, since_s: int) -> list[Any]:
        """Its row of ``instruments/list``."""
        row: list[Any] = [
            self.number, self.symbol, self.name, self.kind, self.spec.digits, payouts[0], None, None, None, 0,
            None, None, None, since_s, is_open, None, 0, 0.13, payouts[0],
        ]  # fmt: skip
        # Counted from the end: a day, one minute, five minutes.
        tail = [payouts[2], payouts[0], payouts[1], 1.57, 0.42, None, None, 0, "fixed_time", None]
        return row + tail

    def payout_for(self, payouts: tuple[int, int, int], seconds: float) -> int:
        """Per cent for a deal that runs so long."""
        return payouts[0] if seconds < 300 else payouts[1] if seconds <= 3600 else payouts[2]


# Number, symbol, name, class, payouts; the rest is the cTrader's of the same name.
_OUTSIDE: Final = (
    (1, "EURUSD", "EUR/USD", "currency", (85, 82, 78)), (2, "GBPUSD", "GBP/USD", "currency", (84, 81, 77)),
    (3, "USDJPY", "USD/JPY", "currency", (83, 80, 77)), (4, "AUDUSD", "AUD/USD", "currency", (80, 78, 74)),
    (5, "USDCHF", "USD/CHF", "currency", (79, 77, 73)), (6, "USDCAD", "USD/CAD", "currency", (81, 78, 74)),
    (7, "EURGBP", "EUR/GBP", "currency", (78, 76, 72)), (8, "EURJPY", "EUR/JPY", "currency", (82, 79, 75)),
    (9, "GBPJPY", "GBP/JPY", "currency", (80, 77, 73)), (10, "AUDCAD", "AUD/CAD", "currency", (72, 70, 66)),
    (36, "XAUUSD", "Gold", "commodity", (81, 78, 74)), (37, "XAGUSD", "Silver", "commodity", (76, 73, 70)),
    (61, "US500", "S&P 500", "index", (74, 72, 68)), (62, "NAS100", "NASDAQ 100", "index", (73, 71, 67)),
    (63, "GER40", "DAX 40", "index", (72, 70, 66)), (71, "BTCUSD", "Bitcoin", "crypto", (70, 68, 64)),
    (72, "ETHUSD", "Ethereum", "crypto", (68, 66, 62)),
)  # fmt: skip

# Number, symbol, name, class, start price, digits, daily volatility, payouts.
_OWN: Final = (
    (101, "EURUSD", "EUR/USD", "currency", 1.0834, 5, 0.008, (90, 88, 82)),
    (102, "GBPUSD", "GBP/USD", "currency", 1.2671, 5, 0.009, (89, 87, 81)),
    (103, "USDJPY", "USD/JPY", "currency", 151.32, 3, 0.009, (88, 86, 80)),
    (104, "AUDUSD", "AUD/USD", "currency", 0.6532, 5, 0.009, (88, 85, 80)),
    (105, "EURJPY", "EUR/JPY", "currency", 163.9, 3, 0.009, (86, 84, 79)),
    (106, "USDBRL", "USD/BRL", "currency", 5.412, 4, 0.011, (91, 89, 83)),
    (107, "USDINR", "USD/INR", "currency", 84.35, 3, 0.007, (90, 88, 82)),
    (136, "XAUUSD", "Gold", "commodity", 3_980.0, 3, 0.013, (86, 84, 78)),
    (171, "BTCUSD", "Bitcoin", "crypto", 88_000.0, 2, 0.03, (82, 80, 75)),
    (181, "MSFT", "Microsoft", "stock", 462.0, 3, 0.018, (85, 83, 77)),
    (182, "BA", "Boeing", "stock", 208.0, 3, 0.022, (84, 82, 76)),
)

_SPECS: Final = {spec.name: spec for spec in STANDARD}


def _hidden_volatility(spec: SymbolSpec) -> float:
    parts = (spec.hidden_base or spec.base, spec.quote)
    return math.hypot(*(ASSETS[one].volatility for one in parts if one in ASSETS))


def _outside(
    number: int, symbol: str, name: str, kind: str, payouts: tuple[int, int, int], place: int
) -> Asset:
    spec = _SPECS[symbol]
    return Asset(
        number, symbol, name, kind, replace(spec, name=f"quotex:{symbol}", spread_points=1), payouts,
        _hidden_volatility(spec), bias_points=2 * spec.spread_points, lag_ms=180 + 37 * place % 220,
    )  # fmt: skip


def _own(
    number: int,
    name: str,
    text: str,
    kind: str,
    digits: int,
    volatility: float,
    payouts: tuple[int, int, int],
) -> Asset:
    symbol = name + OTC
    spec = replace(
        _SPECS["EURUSD"], id=number, name=f"quotex:{symbol}", base=symbol, quote="USD", digits=digits,
        hours=always(), spread_points=1, level_points=1,
    )  # fmt: skip
    return Asset(number, symbol, f"{text}\n(OTC)", kind, spec, payouts, volatility)


STANDARD_ASSETS: Final[tuple[Asset, ...]] = (
    *(_outside(*row, place) for place, row in enumerate(_OUTSIDE)),
    *(
        _own(number, name, text, kind, digits, volatility, payouts)
        for number, name, text, kind, _, digits, volatility, payouts in _OWN
    ),
)

OTC_MODELS: Final[dict[str, AssetModel]] = {
    name + OTC: AssetModel(start, volatility, half_life_days=30.0)
    for _, name, _, _, start, _, volatility, _ in _OWN
}
"""How the venue's own prices walk."""
