"""The practice OKX's own market: an engine, an order flow and a tape for each of its instruments.

The hidden prices are the practice world's, with a small premium of this venue on top that wanders by about
a basis point (spot) or a few (swaps). Instruments that nobody looks at live at a slow pace, which costs
little and cannot be told from outside.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from terminal.core.clock import Clock
from terminal.emulators.market.engine import MatchingEngine
from terminal.emulators.market.engine_types import EngineListener, EngineTrade
from terminal.emulators.market.flow import OrderFlow
from terminal.emulators.market.history import History
from terminal.emulators.market.latent import LatentPrices, seed_number, uniform
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.market.tape import PairTape
from terminal.emulators.okx.listings import INSTRUMENTS, OkxInstrument

STEPS_PER_S: Final = 20
QUIET_STEPS: Final = 20
"""An instrument that nobody looks at lives in every so many steps."""
FUNDING_NS: Final = 8 * 3_600_000_000_000
_SAVE_EVERY_NS: Final = 5_000_000_000
_FIRST_ID: Final = 2_510_000_000_000_000
_MINUTE_NS: Final = 60_000_000_000

log = logging.getLogger("practice.okx")


class VenuePrices:
    """The hidden prices with this venue's premium: smooth noise that only the seed and the time decide."""

    def __init__(self, latents: LatentPrices, instrument: OkxInstrument) -> None:
        self._latents = latents
        self._seed = seed_number(latents.seed, "okx premium", instrument.inst_id)
        self._scale = 2.2e-4 if instrument.is_swap else 0.8e-4

    def premium(self, t_ns: int) -> float:
        """As a part of the price."""
        slow, fast = self._noise(t_ns, 900), self._noise(t_ns, 45)
        return self._scale * (0.75 * slow + 0.25 * fast)

    def _noise(self, t_ns: int, period_s: int) -> float:
        index, rest = divmod(t_ns, period_s * 1_000_000_000)
        x = rest / (period_s * 1_000_000_000)
        x = x * x * (3.0 - 2.0 * x)
        base = self._seed ^ period_s
        return 2.0 * (uniform(base, index) * (1.0 - x) + uniform(base, index + 1) * x) - 1.0

    def pair_price(self, base: str, quote: str, t_ns: int) -> float:
        """Quote units for one unit of base."""
        return self._latents.pair_price(base, quote, t_ns) * (1.0 + self.premium(t_ns))


class OkxExchange:
    """All instruments of the practice OKX.

    Args:
        rate: liveliness; 1 is a calm real market.
    """

    def __init__(
        self,
        market: PracticeMarket,
        clock: Clock,
        *,
        rate: float = 1.0,
        instruments: tuple[OkxInstrument, ...] = INSTRUMENTS,
    ) -> None:
        self.clock = clock
        self.store = market.store
        self.latents = market.latents
        self.seed = market.seed
        self.instruments = {one.inst_id: one for one in instruments}
        self.by_code = {one.code: one for one in instruments}
        self.engines: dict[str, MatchingEngine] = {}
        self.flows: dict[str, OrderFlow] = {}
        self.tapes: dict[str, PairTape] = {}
        self.prices = {one.inst_id: VenuePrices(self.latents, one) for one in instruments}
        self.wanted: Callable[[], set[str]] = set
        """The instruments that somebody looks at now."""
        self.after_step: Callable[[], None] = lambda: None
        self._order_ids = itertools.count(self.reserve("orders", _FIRST_ID))
        self._rate = rate
        self._turn = 0
        self._saved_ns = clock.wall_ns()
        for instrument in instruments:
            self._open(instrument)

    def reserve(self, name: str, first: int) -> int:
        """The first of a block of numbers that no earlier run has used."""
        start = int(self.store.get(f"okx:ids:{name}", first))
        self.store.put(f"okx:ids:{name}", start + 10**10)
        return start

    def next_order_id(self) -> int:
        """For an order that never enters an engine."""
        return next(self._order_ids)

    def _open(self, instrument: OkxInstrument) -> None:
        now = self.clock.wall_ns()
        listing, name = instrument.listing, instrument.inst_id
        tape = self.tapes[name] = PairTape(History(self.latents, listing), now, self.store.minutes(name))
        engine = self.engines[name] = MatchingEngine(
            listing, self.clock.wall_ns, order_ids=self._order_ids, next_trade_id=tape.next_id
        )
        last = tape.prints[-1].price if tape.prints else tape.running_bar(60).close
        engine.last_ticks = engine.grid.ticks(last)
        engine.listen(_Scribe(tape))
        rng = random.Random(seed_number(self.seed, "okx flow", name, now))
        self.flows[name] = OrderFlow(engine, self.prices[name], listing, rng, rate=self._rate)

    def begin(self) -> None:
        """Fill the books, once the persons' orders of earlier runs are back in them."""
        now = self.clock.wall_ns()
        for name, flow in self.flows.items():
            self.engines[name].advance(now)
            flow.open(now)

    # ---- time ------------------------------------------------------------------------------------

    @property
    def rate(self) -> float:
        return self._rate

    def set_rate(self, rate: float) -> None:
        """How many times as lively as usual; 0 stops the order flow.

        Raises:
            ValueError: negative, not a number, or over 1000.
        """
        if not 0.0 <= rate <= 1000.0:
            raise ValueError(f"no rate: {rate}")
        self._rate = rate
        for flow in self.flows.values():
            flow.rate = rate

    def live(self, inst_id: str) -> None:
        """Let one instrument live up to now."""
        now = self.clock.wall_ns()
        engine, tape = self.engines[inst_id], self.tapes[inst_id]
        tape.roll(now)
        engine.next_trade_id = max(engine.next_trade_id, tape.next_id)  # differs after a long sleep
        if self._rate > 0 and engine.status.value == "online":
            self.flows[inst_id].step(now)
        else:
            engine.advance(now)

    def step(self, *, all_of_them: bool = False) -> None:
        """Let time pass for those that somebody looks at, and for a part of the others."""
        self._turn += 1
        wanted = self.wanted()
        for i, name in enumerate(self.engines):
            if all_of_them or (self._turn + i) % QUIET_STEPS == 0 or name in wanted:
                self.live(name)
        self.after_step()
        now = self.clock.wall_ns()
        if now - self._saved_ns >= _SAVE_EVERY_NS or now < self._saved_ns:
            self.persist()

    async def run(self) -> None:
        """Step for ever; cancel to stop. A slow machine gets fewer steps, not a backlog."""
        pause = 1.0 / STEPS_PER_S
        due = time.monotonic()
        while True:
            try:
                self.step()
            except Exception:
                # One bad step must not end the market.
                log.exception("a step of the practice OKX failed")
            due = max(due + pause, time.monotonic() - pause)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def persist(self) -> None:
        """Write the run's bars."""
        self._saved_ns = self.clock.wall_ns()
        self.store.begin()
        for name, tape in self.tapes.items():
            self.store.save_minutes(name, tape.take_unsaved())
        self.store.commit()

    # ---- prices ----------------------------------------------------------------------------------

    def usd(self, asset: str) -> Decimal:
        """USD for one unit now."""
        if asset == "USD":
            return Decimal(1)
        return Decimal(repr(self.latents.price(asset, self.clock.wall_ns())))

    def index(self, instrument: OkxInstrument) -> Decimal:
        """The price of the coin over all venues."""
        raw = self.latents.pair_price(instrument.base, instrument.quote, self.clock.wall_ns())
        return self._on_tick(instrument, raw)

    def mark(self, instrument: OkxInstrument) -> Decimal:
        """The fair price by which positions are valued."""
        raw = self.prices[instrument.inst_id].pair_price(
            instrument.base, instrument.quote, self.clock.wall_ns()
        )
        return self._on_tick(instrument, raw)

    def last(self, instrument: OkxInstrument) -> Decimal:
        engine = self.engines[instrument.inst_id]
        return engine.last_price or self.mark(instrument)

    def limits(self, instrument: OkxInstrument) -> tuple[Decimal, Decimal]:
        """Highest price of a buy and lowest of a sell."""
        band = Decimal("0.02") if instrument.is_swap else Decimal("0.05")
        mark = self.mark(instrument)
        return self._on_tick(instrument, float(mark * (1 + band))), self._on_tick(
            instrument, float(mark * (1 - band))
        )

    def _on_tick(self, instrument: OkxInstrument, raw: float) -> Decimal:
        grid = instrument.listing.grid
        return grid.price(max(1, round(raw / float(instrument.listing.tick_size))))

    def funding(self, instrument: OkxInstrument, slot: int) -> Decimal:
        """The rate that longs pay to shorts at the end of an eight-hour slot (counted since 1970)."""
        base = seed_number(self.seed, "okx funding", instrument.inst_id)
        raw = 0.0001 + 0.00018 * (uniform(base, slot) + uniform(base, slot + 10**6) - 1.0)
        return Decimal(f"{raw:.10f}")

    def off_fair_pct(self) -> float:
        """How far any best price or last trade is from where the order flow wants it at worst, per cent."""
        now, worst = self.clock.wall_ns(), 0.0
        for name, engine in self.engines.items():
            one = self.instruments[name]
            fair = self.prices[name].pair_price(one.base, one.quote, now) / float(one.listing.tick_size)
            for ticks in (*engine.best_ticks(), engine.last_ticks):
                worst = max(worst, abs(ticks / fair - 1) * 100 if ticks else 100.0)
        return worst


class _Scribe(EngineListener):
    """Writes an engine's trades down."""

    def __init__(self, tape: PairTape) -> None:
        self._tape = tape

    def on_trade(self, trade: EngineTrade) -> None:
        self._tape.record(trade)
