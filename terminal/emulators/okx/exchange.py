"""The practice OKX's own market: an engine, an order flow and a tape for each of its instruments.

The hidden prices are the practice world's, with a small premium of this venue on top that wanders by about
a basis point (spot) or a few (swaps). Instruments that nobody looks at live at a slow pace, which costs
little and cannot be told from outside.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from terminal.core.clock import Clock
from terminal.emulators.market.engine import MatchingEngine
from terminal.emulators.market.engine_types import EngineListener, EngineOrder, EngineTrade
from terminal.emulators.market.flow import OrderFlow
from terminal.emulators.market.history import History
from terminal.emulators.market.latent import LatentPrices, seed_number, uniform
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.market.tape import PairTape
from terminal.emulators.okx.futures import basis_of, contract_of, contracts_at
from terminal.emulators.okx.listings import INSTRUMENTS, OkxInstrument

STEPS_PER_S: Final = 20
QUIET_STEPS: Final = 20
"""An instrument that nobody looks at lives in every so many steps."""
_WAKING_STEPS: Final = 6
FUNDING_NS: Final = 8 * 3_600_000_000_000
_SAVE_EVERY_NS: Final = 5_000_000_000
_FIRST_ID: Final = 2_510_000_000_000_000
_SLEEP_NS: Final = 60_000_000_000
"""A future that nobody has looked at for so long wakes up to what its history says."""
_CALM_NS: Final = 2 * 86_400_000_000_000
"""So long before its end a future begins to follow the index ever more closely."""

log = logging.getLogger("practice.okx")


class VenuePrices:
    """The hidden prices with this venue's premium: smooth noise that only the seed and the time decide."""

    def __init__(self, latents: LatentPrices, instrument: OkxInstrument) -> None:
        self._latents = latents
        self._basis = basis_of(latents.seed, instrument) if instrument.is_dated else None
        self._expiry_ns = instrument.expiry_ns
        self._seed = seed_number(latents.seed, "okx premium", instrument.inst_id)
        self._scale = 2.2e-4 if instrument.is_contract else 0.8e-4

    def premium(self, t_ns: int) -> float:
        """As a part of the price; that of a dated future shrinks to nothing at its end."""
        slow, fast = self._noise(t_ns, 900), self._noise(t_ns, 45)
        noise = self._scale * (0.75 * slow + 0.25 * fast)
        if self._basis is None:
            return noise
        noise *= min(1.0, max(0, self._expiry_ns - t_ns) / _CALM_NS)
        return math.expm1(self._basis(t_ns)) + noise

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
        instruments: tuple[OkxInstrument, ...] | None = None,
    ) -> None:
        self.clock = clock
        self.store = market.store
        self.latents = market.latents
        self.seed = market.seed
        if instruments is None:
            instruments = (*INSTRUMENTS, *contracts_at(clock.wall_ns()))
        self.instruments: dict[str, OkxInstrument] = {}
        """Everything known, delivered futures too; what has an engine is listed."""
        self.margins: dict[str, OkxInstrument] = {}
        """Spot pairs as they are traded on margin."""
        self.by_code: dict[int, OkxInstrument] = {}
        self.engines: dict[str, MatchingEngine] = {}
        self.flows: dict[str, OrderFlow] = {}
        self.tapes: dict[str, PairTape] = {}
        self.prices: dict[str, VenuePrices] = {}
        self.opened: list[Callable[[OkxInstrument], None]] = []
        """Called when an instrument is listed anew."""
        self.retired: list[Callable[[OkxInstrument], None]] = []
        """Called when one is listed no more."""
        self._asleep: set[str] = set()
        """Futures at which nobody has looked yet: their books are empty."""
        self._lived_ns: dict[str, int] = {}
        self._expired_ns: dict[str, int] = {}
        """Futures whose end a rehearsal has put forward."""
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

    def _know(self, instrument: OkxInstrument) -> None:
        self.instruments[instrument.inst_id] = self.by_code[instrument.code] = instrument
        self.prices[instrument.inst_id] = VenuePrices(self.latents, instrument)
        if not instrument.is_carried:
            self.margins[instrument.inst_id] = instrument.on_margin

    def traded(self, order: EngineOrder) -> OkxInstrument:
        """What an order trades: a pair, the same on margin, or a contract."""
        return self.in_mode(order.symbol, str(order.tag["tdMode"]))

    def in_mode(self, inst_id: str, mode: str) -> OkxInstrument:
        """An instrument as orders of a ``tdMode`` trade it."""
        return self.instruments[inst_id] if mode == "cash" else self.carried(inst_id)

    def carried(self, inst_id: str) -> OkxInstrument:
        """An instrument as positions are held in it."""
        return self.margins.get(inst_id) or self.instruments[inst_id]

    def recall(self, inst_id: str) -> None:
        """Know a future of an earlier run again, though it is listed no more."""
        if inst_id not in self.instruments:
            found = contract_of(inst_id)
            if found is not None:
                self._know(found)

    def _open(self, instrument: OkxInstrument) -> None:
        self._know(instrument)
        now = self.clock.wall_ns()
        listing, name = instrument.listing, instrument.inst_id
        basis = basis_of(self.seed, instrument) if instrument.is_dated else None
        history = History(self.latents, listing, basis)
        tape = self.tapes[name] = PairTape(history, now, self.store.minutes(name))
        engine = self.engines[name] = MatchingEngine(
            listing, self.clock.wall_ns, order_ids=self._order_ids, next_trade_id=tape.next_id
        )
        last = tape.prints[-1].price if tape.prints else tape.running_bar(60).close
        engine.last_ticks = engine.grid.ticks(last)
        engine.listen(_Scribe(tape))
        rng = random.Random(seed_number(self.seed, "okx flow", name, now))
        self.flows[name] = OrderFlow(engine, self.prices[name], listing, rng, rate=self._rate)
        if instrument.is_dated:
            self._asleep.add(name)

    def begin(self) -> None:
        """Fill the books, once the persons' orders of earlier runs are back in them."""
        now = self.clock.wall_ns()
        for name, flow in self.flows.items():
            if name not in self._asleep:
                self.engines[name].advance(now)
                flow.open(now)

    # ---- futures ---------------------------------------------------------------------------------

    def end_of(self, one: OkxInstrument) -> int:
        """When a dated future is delivered (nanoseconds UTC)."""
        return min(one.expiry_ns, self._expired_ns.get(one.inst_id, one.expiry_ns))

    def ended(self) -> list[OkxInstrument]:
        """Futures that are still listed though their end has come."""
        now = self.clock.wall_ns()
        dated = [one for one in map(self.instruments.__getitem__, self.engines) if one.is_dated]
        return [one for one in dated if self.end_of(one) <= now]

    def expire(self, inst_id: str) -> None:
        """Put a future's end forward to now."""
        self._expired_ns[inst_id] = self.clock.wall_ns()

    def revive(self) -> None:
        """List again what a rehearsal has ended before its time."""
        names, self._expired_ns = list(self._expired_ns), {}
        for name in names:
            if name not in self.engines:
                self.enlist(self.instruments[name])

    def enlist(self, one: OkxInstrument) -> None:
        """Begin to trade an instrument."""
        self._open(one)
        for tell in self.opened:
            tell(one)

    def retire(self, one: OkxInstrument) -> None:
        """End the trading of an instrument; its orders must be gone."""
        name = one.inst_id
        self.store.save_minutes(name, self.tapes.pop(name).take_unsaved())
        del self.engines[name], self.flows[name]
        self._asleep.discard(name)
        for tell in self.retired:
            tell(one)

    def delivery_price(self, one: OkxInstrument) -> Decimal:
        """The index at a future's end, at which it is settled."""
        return self._on_tick(one, self.latents.pair_price(one.base, one.quote, self.end_of(one)))

    def rouse(self, one: OkxInstrument) -> None:
        """Somebody looks at an instrument: a future that slept is as alive as the others."""
        if one.is_dated and one.inst_id in self.engines:
            self.live(one.inst_id)

    def _wake(self, name: str, now: int) -> None:
        engine, tape, flow = self.engines[name], self.tapes[name], self.flows[name]
        if name in self._asleep:
            self._asleep.discard(name)
            tape.resume(now)
            engine.advance(now)
            flow.open(now)
        elif self._rate > 0:
            tape.resume(now)
            for i in range(_WAKING_STEPS, 0, -1):
                flow.step(now - i)
        last = tape.prints[-1].price if tape.prints else tape.running_bar(60).close
        engine.last_ticks = engine.grid.ticks(last)

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
        if self.instruments[inst_id].is_dated:
            lived, self._lived_ns[inst_id] = self._lived_ns.get(inst_id, 0), now
            if inst_id in self._asleep or not 0 <= now - lived < _SLEEP_NS:
                self._wake(inst_id, now)
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
        for i, name in enumerate(tuple(self.engines)):
            is_due = all_of_them or (self._turn + i) % QUIET_STEPS == 0
            if name in wanted or (is_due and not self.instruments[name].is_dated):
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
        engine = self.engines.get(instrument.inst_id)
        return (engine.last_price if engine is not None else None) or self.mark(instrument)

    def limits(self, instrument: OkxInstrument) -> tuple[Decimal, Decimal]:
        """Highest price of a buy and lowest of a sell."""
        band = Decimal("0.02") if instrument.is_contract else Decimal("0.05")
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
            if one.is_dated and now - self._lived_ns.get(name, 0) > _SLEEP_NS:
                continue
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
