"""The practice Quotex's market as it lives: which assets are open, what they pay, and the ticks that are due.

Only assets that somebody watches are worked on; the price of any other is looked up when asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from terminal.core.clock import Clock
from terminal.emulators.ctrader.hours import Timeline
from terminal.emulators.ctrader.prices import FIRST_MINUTE, Shifts
from terminal.emulators.ctrader.symbols import always
from terminal.emulators.market.latent import LatentPrices
from terminal.emulators.market.store import Store
from terminal.emulators.quotex.assets import OTC_MODELS, STANDARD_ASSETS, Asset
from terminal.emulators.quotex.prices import AssetPrices, Candle, OtcPaths, Pins, Tick

FIRST_MS: Final = FIRST_MINUTE * 60_000
"""Nothing is known of the time before."""
_CATCH_UP_MS: Final = 3_000
"""After a longer pause the ticks in between are left out."""
_MOST_EXTRA: Final = 50
_OTC_KEY: Final = "quotex:otc_shifts"


@dataclass(slots=True)
class _Live:
    """An asset that somebody watches."""

    prices: AssetPrices
    seen_ms: int
    """Up to here its ticks were told."""
    last: int
    """Points."""
    last_ms: int
    watchers: int = 0


class Market:
    """Assets, prices and hours for the deals, and ticks for whoever streams them.

    Args:
        rate: 1 is two ticks a second of an asset; 0 lets all prices stand still.
    """

    def __init__(self, latents: LatentPrices, store: Store, clock: Clock, *, rate: float = 1.0) -> None:
        self._clock = clock
        self._store = store
        self._latents = latents
        self._rate = rate
        self._frozen_ms: int | None = None if rate > 0 else clock.wall_ns() // 1_000_000
        self.seed = latents.seed
        self._otc = OtcPaths(latents.seed, OTC_MODELS)
        kept = store.get(_OTC_KEY, {})
        if kept.get("seed") == self.seed:
            self._otc.restore_shifts(kept["shifts"])
        now_ns = clock.wall_ns()
        self._shifts = Shifts(latents, store, now_ns, key="quotex:shifts")
        self._otc_moves = Shifts(self._otc, store, now_ns, key="quotex:otc_moves")
        self._pins = Pins(store)
        self.assets: dict[str, Asset] = {one.symbol: one for one in STANDARD_ASSETS}
        self._prices: dict[str, AssetPrices] = {}
        self._live: dict[str, _Live] = {}
        self._closed: set[str] = set()
        self._forced_open: set[str] = set()
        self._payouts: dict[str, int] = {}
        self._told_rows = self.rows()
        self.events = 0

    # ---- time ------------------------------------------------------------------------------------

    @property
    def rate(self) -> float:
        """How many times as lively as usual."""
        return self._rate

    def set_rate(self, rate: float) -> None:
        """Another liveliness; 0 lets the market stand still.

        Raises:
            ValueError: negative, not a number, or over 1000.
        """
        if not 0.0 <= rate <= 1000.0:
            raise ValueError(f"no rate: {rate}")
        self._frozen_ms = None if rate > 0 else self._clock.wall_ns() // 1_000_000
        self._rate = rate

    def _extra(self) -> int:
        return min(_MOST_EXTRA, max(0, int(self._rate) - 1))

    def now_ms(self) -> int:
        """By the clock, also while prices stand still."""
        return self._clock.wall_ns() // 1_000_000

    def _price_ms(self, ms: int) -> int:
        return ms if self._frozen_ms is None else min(ms, self._frozen_ms)

    # ---- assets ----------------------------------------------------------------------------------

    def prices(self, symbol: str) -> AssetPrices:
        """The prices of an asset at any time.

        Raises:
            KeyError: no such asset.
        """
        found = self._prices.get(symbol)
        if found is None:
            asset = self.assets[symbol]
            own = asset.is_otc
            found = self._prices[symbol] = AssetPrices(
                asset,
                self._otc if own else self._latents,
                self._otc_moves if own else self._shifts,
                Timeline(asset.spec.hours),
                self._pins,
                self._extra,
            )
        return found

    def is_open(self, symbol: str, at_ms: int | None = None) -> bool:
        """Whether it is dealt in, now or at a time to come."""
        if symbol in self._closed:
            return False
        return self.prices(symbol).timeline.is_open((self.now_ms() if at_ms is None else at_ms) // 60_000)

    def payouts(self, symbol: str) -> tuple[int, int, int]:
        """Per cent now: under five minutes, up to an hour, longer."""
        ordered = self._payouts.get(symbol)
        if ordered is not None:
            return ordered, max(1, ordered - 2), max(1, ordered - 6)
        return self.assets[symbol].payout_now(self.seed, self.now_ms() // 1000)

    def rows(self) -> list[list[Any]]:
        """The table, as ``instruments/list`` has it."""
        day = self.now_ms() // 86_400_000 * 86_400
        return [
            one.row(self.payouts(symbol), is_open=self.is_open(symbol), since_s=day)
            for symbol, one in self.assets.items()
        ]

    def rows_changed(self) -> bool:
        """Whether the table is another than at the last call."""
        rows = self.rows()
        changed, self._told_rows = rows != self._told_rows, rows
        return changed

    # ---- prices ----------------------------------------------------------------------------------

    def last(self, symbol: str) -> Decimal:
        """The price now, as a client that watches it has it."""
        live = self._live.get(symbol)
        if live is not None:
            return live.prices.price(live.last)
        prices, now = self.prices(symbol), self._price_ms(self.now_ms())
        held = self._pins.at(symbol, now)
        return prices.price(prices.at(now - prices.asset.lag_ms) if held is None else held)

    def settled_at(self, symbol: str, ms: int) -> Decimal:
        """The last price of a moment: what a deal that ends then is settled by."""
        prices = self.prices(symbol)
        return prices.price(prices.at(self._price_ms(ms)))

    def candles(
        self, symbol: str, period_s: int, count: int, *, before_ms: int | None = None, first_ms: int = 0
    ) -> list[Candle]:
        """Newest first, as :meth:`AssetPrices.candles`."""
        prices = self.prices(symbol)
        now = self._price_ms(self.now_ms()) - prices.asset.lag_ms
        before_ms = now + 1 if before_ms is None else before_ms
        return prices.candles(period_s, before_ms, max(first_ms, FIRST_MS), count, now)

    def ticks_back(self, symbol: str, first_ms: int, last_ms: int | None = None) -> list[Tick]:
        """Ticks after ``first_ms``, oldest first, up to the last that was told."""
        prices = self.prices(symbol)
        now = self._price_ms(self.now_ms()) - prices.asset.lag_ms
        return prices.ticks_between(max(first_ms, FIRST_MS), now if last_ms is None else min(now, last_ms))

    # ---- who watches what ------------------------------------------------------------------------

    def watch(self, symbol: str) -> None:
        """Keep an asset alive until :meth:`unwatch`; counted.

        Raises:
            KeyError: no such asset.
        """
        live = self._live.get(symbol)
        if live is None:
            prices = self.prices(symbol)
            seen = self._price_ms(self.now_ms()) - prices.asset.lag_ms
            held = self._pins.at(symbol, self.now_ms())
            told = prices.told_ms(seen) if held is None else seen
            live = self._live[symbol] = _Live(prices, seen, prices.at(seen) if held is None else held, told)
        live.watchers += 1

    def unwatch(self, symbol: str) -> None:
        """One watcher less; the last one lets it rest."""
        live = self._live.get(symbol)
        if live is not None:
            live.watchers -= 1
            if live.watchers <= 0:
                del self._live[symbol]

    def quote(self, symbol: str) -> tuple[int, Decimal]:
        """When the last price was made (milliseconds UTC), and the price."""
        live = self._live.get(symbol)
        now = self._price_ms(self.now_ms()) - self.assets[symbol].lag_ms
        return self.prices(symbol).told_ms(now) if live is None else live.last_ms, self.last(symbol)

    def step(self) -> dict[str, list[tuple[int, Decimal, int]]]:
        """What became due: by asset, rows of milliseconds, price and direction."""
        if self._shifts.observe(self._clock.wall_ns()) | self._otc_moves.observe(self._clock.wall_ns()):
            for prices in self._prices.values():
                prices.forget()
        found: dict[str, list[tuple[int, Decimal, int]]] = {}
        if self._frozen_ms is not None:
            return found
        now = self.now_ms()
        for symbol, live in self._live.items():
            rows = self._due(symbol, live, now)
            if rows:
                found[symbol] = rows
                self.events += len(rows)
        return found

    def _due(self, symbol: str, live: _Live, now: int) -> list[tuple[int, Decimal, int]]:
        until = now - live.prices.asset.lag_ms
        if symbol in self._closed or until < live.seen_ms - _CATCH_UP_MS:
            live.seen_ms = until
            return []
        ticks = live.prices.ticks_between(max(live.seen_ms, until - _CATCH_UP_MS), until)
        live.seen_ms = max(live.seen_ms, until)
        held = self._pins.at(symbol, now)
        return [self._move(live, ms, points if held is None else held) for ms, points in ticks]

    def _move(self, live: _Live, ms: int, points: int) -> tuple[int, Decimal, int]:
        direction = (points > live.last) - (points < live.last)
        live.last, live.last_ms = points, max(ms, live.last_ms)
        return live.last_ms, live.prices.price(points), direction

    # ---- rehearsal -------------------------------------------------------------------------------

    def hold(self, symbol: str, price: Decimal | None) -> tuple[int, Decimal, int] | None:
        """Hold an asset's price from now on, or let it go; the tick that this makes, if it is watched.

        Raises:
            KeyError: no such asset.
            ValueError: no price above zero.
        """
        prices = self.prices(symbol)
        points = None
        if price is not None:
            if not price.is_finite() or price <= 0:
                raise ValueError("a price must be above zero")
            points = max(1, int(price.scaleb(prices.asset.spec.digits)))
        now = self.now_ms()
        self._pins.set(symbol, now, points)
        live = self._live.get(symbol)
        return None if live is None or points is None else self._move(live, now, points)

    def shock(self, symbol: str, percent: float) -> None:
        """Move the price behind an asset from now on; everything that shares its base moves along.

        Raises:
            ValueError: no such asset, or not between -90 and +900 per cent.
        """
        asset = self.assets.get(symbol)
        if asset is None:
            raise ValueError(f"no such asset: {symbol}")
        if not -90.0 <= percent <= 900.0:
            raise ValueError("percent must be from -90 to 900")
        if asset.is_otc:
            self._otc.shift(symbol, percent)
            self._store.put(_OTC_KEY, {"seed": self.seed, "shifts": self._otc.shifts})
        else:
            self._latents.shift(asset.spec.hidden_base or asset.spec.base, percent)

    def close_asset(self, symbol: str) -> None:
        """It is dealt in no more, and its price stays where it is."""
        self.hold(symbol, self.last(symbol))
        self._closed.add(symbol)

    def open_asset(self, symbol: str) -> None:
        """It is dealt in, around the clock."""
        if symbol in self._closed:
            self._closed.discard(symbol)
            self.hold(symbol, None)
        if not self.is_open(symbol):
            self._forced_open.add(symbol)
            # Timelines count whole minutes.
            self.prices(symbol).timeline.change(self.now_ms() // 60_000, always())

    def own_hours(self, symbol: str) -> None:
        """It is open as it was at the start."""
        if symbol in self._forced_open:
            self._forced_open.discard(symbol)
            self.prices(symbol).timeline.change(self.now_ms() // 60_000, self.assets[symbol].spec.hours)

    def set_payout(self, symbol: str, percent: int | None) -> None:
        """Another payout for less than five minutes, the longer ones below it; None for its own."""
        if percent is None:
            self._payouts.pop(symbol, None)
        else:
            self._payouts[symbol] = percent

    def restore(self) -> None:
        """Hours, payouts and free prices as at the start."""
        for symbol in tuple(self._forced_open):
            self.own_hours(symbol)
        self._closed.clear()
        self._payouts.clear()
        for symbol in self._pins.symbols:
            self.hold(symbol, None)
