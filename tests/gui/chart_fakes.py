"""A market with bars and an order desk for the tests of chart and watchlist, and lifelike data for both."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from terminal.core.clock import ManualClock
from terminal.core.observe import Observable
from terminal.domain.bars import BarSeries
from terminal.domain.errors import TerminalError
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Bar, Feed, Quote, Side
from terminal.domain.orders import Fill, Order
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import Mode
from terminal.viewmodels.chart import ChartViewModel
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.selection import Selection
from terminal.viewmodels.watchlist import WatchlistViewModel
from tests.trading_fakes import BTC, EVERYTHING, Desk, FakeGate, FakeMarket, FakeSession, lifelike_book

KRAKEN_INTERVALS_S = tuple(60 * minutes for minutes in (1, 5, 15, 30, 60, 240, 1440, 10080, 21600))
SECOND = 1_000_000_000
D = Decimal


def bar(index: int, close: str, interval_s: int = 900, *, start_ns: int = 0, volume: str = "1") -> Bar:
    """A bar that opened one below its close."""
    price = D(close)
    return Bar(start_ns + index * interval_s * SECOND, price - 1, price + 2, price - 3, price, D(volume), 1)


def lifelike_bars(
    count: int, interval_s: int, end_ns: int, *, price: float = 64_000.0, tick: str = "0.1", seed: int = 11
) -> list[Bar]:
    """Random but always the same bars up to the one that runs at ``end_ns``, with clusters of volatility."""
    rng = random.Random(seed)
    step, calm = D(tick), 0.0008 * (interval_s / 900) ** 0.5
    rate, bars = calm, []
    last_open = end_ns - end_ns % (interval_s * SECOND)
    for index in range(count):
        rate = max(calm * 0.4, min(calm * 4, rate * rng.lognormvariate(0, 0.25) * 0.97 + calm * 0.04))
        start, points = price, [price]
        for _ in range(8):
            points.append(points[-1] * (1 + rng.gauss(0, rate / 2.8)))
        price = points[-1]
        opened, high, low, close = (
            (D(repr(value)) / step).to_integral_value() * step
            for value in (start, max(points), min(points), price)
        )
        volume = D(f"{rng.lognormvariate(1.2, 0.7) * rate / calm:.8f}")
        open_ns = last_open - (count - 1 - index) * interval_s * SECOND
        bars.append(Bar(open_ns, opened, high, low, close, volume, rng.randint(5, 400)))
    return bars


class BarMarket(FakeMarket):
    """The fake market with bars and quotes; ``older`` is what further loads bring, newest lot last."""

    def __init__(self) -> None:
        super().__init__()
        self.series: dict[tuple[InstrumentId, int], BarSeries] = {}
        self.older: list[list[Bar]] = []
        self.load_error: TerminalError | None = None
        self.loads: list[tuple[InstrumentId, int]] = []
        self.quotes: dict[InstrumentId, Quote] = {}
        self.bar_state = FeedState.LIVE

    def bars(self, instrument: InstrumentId, interval_s: int) -> BarSeries:
        return self.series.setdefault((instrument, interval_s), BarSeries(interval_s))

    async def load_more_bars(self, instrument: InstrumentId, interval_s: int, *, limit: int = 500) -> int:
        self.loads.append((instrument, interval_s))
        if self.load_error is not None:
            raise self.load_error
        series = self.bars(instrument, interval_s)
        added = series.prepend(self.older.pop()) if self.older else 0
        series.complete = added == 0
        self.changed.notify(instrument, Topic.BARS)
        return added

    def feed_state(self, feed: Feed, venue: str) -> FeedState:
        return self.bar_state

    def quote(self, instrument: InstrumentId) -> Quote | None:
        return self.quotes.get(instrument)

    # -- what a test does

    def set_bars(self, bars: list[Bar], interval_s: int = 900, *, complete: bool = True) -> BarSeries:
        series = self.bars(BTC, interval_s)
        series.complete = complete
        series.merge(bars)
        self.changed.notify(BTC, Topic.BARS)
        return series

    def update_bar(self, one: Bar, interval_s: int = 900) -> None:
        self.bars(BTC, interval_s).update(one)
        self.changed.notify(BTC, Topic.BARS)

    def set_bar_state(self, state: FeedState) -> None:
        self.bar_state = state
        self.changed.notify(BTC, Topic.STATE)


class FillGate(FakeGate):
    """The fake gate with executions."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.fill_added: Observable[[Fill]] = Observable("fake fills")
        self.fills: list[Fill] = []

    def fill(self, order: Order, price: str, quantity: str, ts_ns: int) -> None:
        """An execution of an order."""
        fill = Fill(
            f"F{len(self.fills)}", order.instrument, order.side, D(price), D(quantity), D(0), "USD", True,
            order.venue_order_id or "", order.client_order_id, ts_ns,
        )  # fmt: skip
        self.fills.append(fill)
        self.fill_added.notify(fill)


class FixedSize:
    """A ticket that always says the same size."""

    def __init__(self, size: str | None = "0.05") -> None:
        self.size = D(size) if size is not None else None

    def quantity_for(self, side: Side, price: Decimal) -> Decimal | None:
        return self.size

    def size_text(self) -> str:
        return f"{self.size} BTC"


class ChartDesk(Desk):
    """A chart's view-model over fakes; ``vm`` is made by :meth:`open`."""

    market: BarMarket
    gate: FillGate

    def __init__(self, mode: Mode = Mode.PRACTICE) -> None:
        super().__init__(FakeSession(mode, replace(EVERYTHING, bar_intervals_s=KRAKEN_INTERVALS_S)))
        self.market = BarMarket()
        self.gate = FillGate(self.clock, self.market)
        self.sizes = FixedSize()
        # The running bar of a quarter of an hour is a third over.
        self.clock.jump_wall(300 - self.clock.wall_ns() // SECOND % 900)

    def open(self, **options: Any) -> ChartViewModel:
        vm = ChartViewModel(
            self.market, self.sessions, self.gate, self.accounts, self.selection, self.sizes, self.frames,
            self.clock, **options,
        )  # fmt: skip
        vm.set_plot_width(800)
        return vm

    def fill_lifelike(self, count: int = 720, interval_s: int = 900) -> BarSeries:
        """Bars, a book around the last price."""
        bars = lifelike_bars(count, interval_s, self.clock.wall_ns())
        bids, asks = lifelike_book(random.Random(7), bars[-1].close)
        self.market.set_book(bids, asks)
        return self.market.set_bars(bars, interval_s)


def some_instrument(symbol: str, *, venue: str = "kraken", kind: InstrumentKind = InstrumentKind.SPOT,
                    decimals: int = 2) -> Instrument:  # fmt: skip
    """An instrument by its symbol."""
    base, _, quote = symbol.partition("/")
    return Instrument(
        InstrumentId(venue, symbol), symbol, kind, base, quote, D(1).scaleb(-decimals), D("0.00000001"),
        D("0.0001"), price_decimals=decimals,
    )  # fmt: skip


def some_quote(
    symbol: str, last: str, *, change: str = "1.5", volume: str = "1000", spread: str = "0.02",
    venue: str = "kraken",
) -> Quote:  # fmt: skip
    """A quote around a last price."""
    price, half = D(last), D(spread) / 2
    return Quote(
        InstrumentId(venue, symbol), price - half, D(1), price + half, D(1), price, D(volume), None, None,
        None, D(change), None, None, 0,
    )  # fmt: skip


class QuoteMarket:
    """Instruments, quotes and bars of many symbols, for the watchlist."""

    def __init__(self) -> None:
        self.changed: Observable[[InstrumentId, Topic]] = Observable("fake quotes")
        self.known: dict[InstrumentId, Instrument] = {}
        self.quotes: dict[InstrumentId, Quote] = {}
        self.series: dict[tuple[InstrumentId, int], BarSeries] = {}
        self.state = FeedState.LIVE
        self.watched: list[tuple[str, Feed]] = []
        self.history_asked = 0

    def watch(self, feed: Feed, venue: str, *, history: bool = True) -> Callable[[], None]:
        self.watched.append((venue, feed))
        self.history_asked += history and feed.interval_s is not None
        return lambda: self.watched.remove((venue, feed))

    def instrument(self, instrument: InstrumentId) -> Instrument | None:
        return self.known.get(instrument)

    def instruments(self, venue: str | None = None) -> list[Instrument]:
        return [each for each in self.known.values() if venue in (None, each.venue)]

    def quote(self, instrument: InstrumentId) -> Quote | None:
        return self.quotes.get(instrument)

    def feed_state(self, feed: Feed, venue: str) -> FeedState:
        return self.state

    def bars(self, instrument: InstrumentId, interval_s: int) -> BarSeries:
        return self.series.setdefault((instrument, interval_s), BarSeries(interval_s))

    # -- what a test does

    def list_symbol(
        self,
        symbol: str,
        last: str,
        *,
        decimals: int = 2,
        kind: InstrumentKind = InstrumentKind.SPOT,
        venue: str = "kraken",
        change: str = "1.5",
        volume: str = "1000",
        spread: str = "0.02",
    ) -> InstrumentId:
        """An instrument with its quote."""
        instrument = some_instrument(symbol, venue=venue, kind=kind, decimals=decimals)
        self.known[instrument.id] = instrument
        self.quotes[instrument.id] = some_quote(
            symbol, last, change=change, volume=volume, spread=spread, venue=venue
        )
        return instrument.id

    def set_last(self, instrument: InstrumentId, last: str) -> None:
        self.quotes[instrument] = self.quotes[instrument]._replace(last=D(last))
        self.changed.notify(instrument, Topic.QUOTE)

    def set_state(self, state: FeedState) -> None:
        self.state = state
        for instrument in self.known:
            self.changed.notify(instrument, Topic.STATE)


class WatchDesk:
    """A watchlist's view-model over fakes; lifelike pairs with their lines of the day."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.frames = FrameClock()
        self.market = QuoteMarket()
        self.selection = Selection()
        self.saved: list[Sequence[InstrumentId]] = []

    def fill_lifelike(self) -> list[InstrumentId]:
        """Kraken's usual pairs, two of another venue, and bars for the small lines."""
        out = []
        for at, (symbol, last, decimals, change, volume, spread) in enumerate(PAIRS):
            one = self.market.list_symbol(
                symbol, last, decimals=decimals, change=change, volume=volume, spread=spread
            )
            bars = lifelike_bars(96, 900, self.clock.wall_ns(), price=float(last), seed=at,
                                 tick=f"{D(1).scaleb(-decimals):f}")  # fmt: skip
            self.market.bars(one, 900).merge(bars)
            out.append(one)
        for symbol, kind in (("BTC/USDT", InstrumentKind.SPOT), ("BTC-PERP/USDT", InstrumentKind.PERPETUAL)):
            self.market.list_symbol(symbol, "64118.2", venue="okx", kind=kind, decimals=1, volume="9000")
        return out

    def open(self, watched: Sequence[InstrumentId] = (), **options: Any) -> WatchlistViewModel:
        self.selection.select(watched[0] if watched else None)
        return WatchlistViewModel(
            self.market, self.selection, self.frames, self.clock, watched=watched,
            titles={"kraken": "Kraken", "okx": "OKX"}, save=self.saved.append, **options,
        )  # fmt: skip

    def pass_time(self, seconds: float) -> None:
        """Let time pass and run a frame."""
        self.clock.advance(seconds)
        self.frames.tick()


PAIRS = (
    ("BTC/USD", "64120.1", 1, "1.84", "1834.22", "0.1"),
    ("ETH/USD", "3421.55", 2, "-0.62", "21034.5", "0.01"),
    ("SOL/USD", "148.27", 2, "4.31", "310233", "0.02"),
    ("XRP/USD", "0.52341", 5, "-2.05", "18233411", "0.00003"),
    ("ADA/USD", "0.381204", 6, "0.44", "9120331", "0.000041"),
    ("DOGE/USD", "0.1240301", 7, "-11.20", "88233119", "0.0000105"),
    ("LTC/USD", "71.82", 2, "0.00", "42311", "0.03"),
    ("LINK/USD", "14.05123", 5, "2.91", "183002", "0.00310"),
    ("BTC/EUR", "59310.4", 1, "1.71", "512.9", "0.2"),
    ("ETH/BTC", "0.05336", 5, "-2.41", "3120", "0.00001"),
    ("USDT/USD", "0.99987", 5, "0.01", "88123000", "0.00001"),
    ("PEPE/USD", "0.000008421", 9, "7.77", "1000000000000", "0.000000004"),
)
