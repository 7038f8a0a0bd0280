"""Three venues that trade the same things: what comparison, twin map and link groups are tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from terminal.core.clock import ManualClock
from terminal.core.observe import Observable
from terminal.domain.account import FeeRates
from terminal.domain.book import OrderBook
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import BookLevel, BookSnapshot, Feed, FeedKind, Quote, Side
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import Mode, SessionState
from terminal.services.twins import Twins
from terminal.viewmodels.cross_venue import REFRESH_NS, CrossVenueViewModel
from terminal.viewmodels.cross_venue_rows import VenueRow
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.selection import Selection

D = Decimal
START_NS = 1_785_600_000_000_000_000
TITLES = {"kraken": "Kraken", "okx": "OKX", "ctrader": "cTrader"}


def listing(
    venue: str,
    symbol: str,
    kind: InstrumentKind = InstrumentKind.SPOT,
    *,
    multiplier: str = "1",
    least: str = "0.0001",
    lot: str | None = None,
    description: str = "",
) -> Instrument:
    """An instrument named ``BASE/QUOTE`` or ``BASE/QUOTE-PERP``."""
    base, _, quote = symbol.partition("-")[0].partition("/")
    return Instrument(
        InstrumentId(venue, symbol), symbol.replace("/", ""), kind, base, quote,
        tick_size=D("0.1"), quantity_step=D(least), min_quantity=D(least), multiplier=D(multiplier),
        price_decimals=1, quantity_decimals=4, lot_size=None if lot is None else D(lot),
        description=description,
    )  # fmt: skip


KRAKEN = listing("kraken", "BTC/USD")
OKX = listing("okx", "BTC/USDT")
PERP = listing("okx", "BTC/USDT-PERP", InstrumentKind.PERPETUAL, multiplier="0.01", least="1")
BROKER = listing(
    "ctrader", "BTC/USD", InstrumentKind.CFD, lot="1", least="0.01", description="Bitcoin vs US Dollar"
)
ETH = listing("kraken", "ETH/USD")
TETHER = listing("kraken", "USDT/USD")


class Market:
    """Books, quotes and their states, set by hand; every feed that is watched is noted."""

    def __init__(self, *listed: Instrument) -> None:
        self.changed: Observable[[InstrumentId, Topic]] = Observable("fake market")
        self.listed = {each.id: each for each in listed}
        self.books: dict[InstrumentId, OrderBook] = {}
        self.quotes: dict[InstrumentId, Quote] = {}
        self.states: dict[InstrumentId, FeedState] = {}
        self.quote_states: dict[InstrumentId, FeedState] = {}
        self.ages_ns: dict[InstrumentId, int] = {}
        self.watched: list[tuple[str, str, FeedKind]] = []
        self.reads = 0

    def watch(self, feed: Feed, venue: str) -> Callable[[], None]:
        noted = (venue, feed.symbol, feed.kind)
        self.watched.append(noted)
        return lambda: self.watched.remove(noted)

    def instrument(self, instrument: InstrumentId) -> Instrument | None:
        return self.listed.get(instrument)

    def instruments(self, venue: str | None = None) -> list[Instrument]:
        return [each for each in self.listed.values() if venue in (None, each.venue)]

    def quote(self, instrument: InstrumentId) -> Quote | None:
        return self.quotes.get(instrument)

    def book(self, instrument: InstrumentId) -> OrderBook | None:
        self.reads += 1
        return self.books.get(instrument) if self.book_state(instrument) is FeedState.LIVE else None

    def book_state(self, instrument: InstrumentId) -> FeedState:
        usual = FeedState.LIVE if instrument in self.books else FeedState.LOADING
        return self.states.get(instrument, usual)

    def feed_state(self, feed: Feed, venue: str) -> FeedState:
        key = InstrumentId(venue, feed.symbol)
        usual = FeedState.LIVE if key in self.quotes else FeedState.LOADING
        return self.quote_states.get(key, usual)

    def refusal(self, feed: Feed, venue: str) -> str:
        return "no right to prices"

    def price_age_ns(self, instrument: InstrumentId) -> int | None:
        return self.ages_ns.get(instrument, 200_000_000)

    # -- what a test does

    def tell(self, instrument: Instrument) -> None:
        self.listed[instrument.id] = instrument
        self.changed.notify(instrument.id, Topic.INSTRUMENT)

    def set_book(
        self, instrument: Instrument, bids: list[tuple[str, str]], asks: list[tuple[str, str]]
    ) -> None:
        book = OrderBook(instrument.id, 500)
        levels = [tuple(BookLevel(D(price), D(size)) for price, size in side) for side in (bids, asks)]
        book.load(BookSnapshot(instrument.id, levels[0], levels[1], 500, None, None, None, START_NS))
        self.books[instrument.id] = book
        self.changed.notify(instrument.id, Topic.BOOK)

    def set_quote(
        self, instrument: Instrument, bid: str, ask: str, size: str | None = "1", volume: str | None = None
    ) -> None:
        amount = None if size is None else D(size)
        self.quotes[instrument.id] = Quote(
            instrument.id, D(bid), amount, D(ask), amount, D(bid), None if volume is None else D(volume),
            None, None, None, None, None, None, START_NS,
        )  # fmt: skip
        self.changed.notify(instrument.id, Topic.QUOTE)

    def set_state(self, instrument: Instrument, state: FeedState) -> None:
        self.states[instrument.id] = state
        self.changed.notify(instrument.id, Topic.STATE)


@dataclass
class Session:
    account: str
    mode: Mode = Mode.LIVE
    state: SessionState = SessionState.LIVE


class Sessions:
    def __init__(self, *venues: str) -> None:
        self.changed: Observable[[str]] = Observable("fake sessions")
        self.sessions: dict[str, Session] = {venue: Session(f"{venue}:live") for venue in venues}


class Fees:
    def __init__(self) -> None:
        self.changed: Observable[[str]] = Observable("fake portfolio")
        self.rates: dict[str, FeeRates | None] = {
            "kraken": FeeRates(D("0.25"), D("0.40")),
            "okx": FeeRates(D("0.08"), D("0.10")),
            "ctrader": FeeRates(D(0), D(0)),
        }

    def fee_rates(self, account: str, symbol: str) -> FeeRates | None:
        return self.rates.get(account.partition(":")[0])


@dataclass
class Form:
    side: Side = Side.BUY


class Ticket:
    """The size field: so many of the instrument's own units."""

    def __init__(self, instrument: Instrument | None = KRAKEN, quantity: str | None = "0.01") -> None:
        self.instrument = instrument
        self.form = Form()
        self.quantity = None if quantity is None else D(quantity)

    def quantity_for(self, side: Side, price: Decimal) -> Decimal | None:
        return self.quantity

    def set_side(self, side: Side) -> None:
        self.form.side = side

    def carry_size(self, quantity: Decimal) -> None:
        self.quantity = quantity


@dataclass
class World:
    """Everything behind the comparison, so that a test can reach it."""

    folder: Path
    listed: tuple[Instrument, ...] = (KRAKEN, OKX, PERP, BROKER, ETH)
    clock: ManualClock = field(default_factory=lambda: ManualClock(wall_ns=START_NS))
    frames: FrameClock = field(default_factory=FrameClock)

    def __post_init__(self) -> None:
        self.market = Market(*self.listed)
        self.sessions = Sessions(*TITLES)
        self.fees = Fees()
        self.said: list[str] = []
        self.twins = Twins(self.market, self.folder / "twins.json", self.said.append)
        self.selection = Selection(KRAKEN.id)
        self.ticket = Ticket()
        self.fill_books()
        self.vm = CrossVenueViewModel(
            self.market, self.sessions, self.fees, self.twins, self.selection, self.ticket, self.frames,
            self.clock, titles=TITLES,
        )  # fmt: skip

    def fill_books(self) -> None:
        """Kraken at 100 000, OKX ten dollars lower, its swaps ten higher, the broker with a wide spread."""
        market = self.market
        for each, bid, ask, size in (
            (KRAKEN, "99999", "100000", "5"),
            (OKX, "99989", "99990", "5"),
            (PERP, "100009", "100010", "500"),
            (BROKER, "99900", "100100", "5"),
        ):
            if each.id in market.listed:
                market.set_book(each, [(bid, size)], [(ask, size)])

    def look(self) -> CrossVenueViewModel:
        """Somebody looks at the panel."""
        self.vm.set_visible(True)
        return self.vm

    def pass_time(self, seconds: float = REFRESH_NS / 1e9) -> None:
        """Let time pass and run a frame of the comparison."""
        self.clock.advance(seconds)
        self.vm.refresh()
        self.frames.tick()

    def row(self, instrument: Instrument) -> VenueRow:
        return next(row for row in self.vm.model.rows if row.id == instrument.id)

    def replace(self, instrument: Instrument, **changes: object) -> None:
        """The venue says something else of an instrument."""
        self.market.tell(replace(instrument, **changes))  # type: ignore[arg-type]
