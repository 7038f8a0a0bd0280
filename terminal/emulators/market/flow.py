"""Order flow that looks like a market: many small hands around a hidden fair price.

Arrivals thicken near the touch and thin out behind it; cancels keep the book's size in bounds; market orders
come in clusters (each makes the next more likely) and lean the way the fair price moves; spread and depth
breathe; quotes left on the wrong side of the fair price are hit or withdrawn. All of it is drawn from one
generator, so a seed and a clock decide every event.

Floats are used for drawing only; what enters the engine is whole ticks and steps.
"""

from __future__ import annotations

import math
import random
from typing import Final, Protocol

from terminal.domain.market import Side
from terminal.domain.orders import OrderType, TimeInForce
from terminal.emulators.market.engine import BOT_ACCOUNT, EngineOrder, MatchingEngine
from terminal.emulators.market.listing import Listing

LEVELS_A_SIDE: Final = 240
"""How many prices a side is kept at; never under 200 for long."""

_MOST_LEVELS: Final = 330
_MOST_REPAIRS: Final = 60
"""Orders a side may withdraw or add in one step when the fair price has jumped."""
_LONGEST_STEP_S: Final = 2.0
_BRANCHING: Final = 0.55
"""How many market orders one market order brings about."""
_CLUSTER_DECAY: Final = 1.4
"""Per second."""
_ROUND: Final = (1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 7.5, 10.0)


class PairPrices(Protocol):
    """Where the fair price comes from: the practice world's own, or a venue's view of them."""

    def pair_price(self, base: str, quote: str, t_ns: int) -> float:
        """Quote units for one unit of base at a moment (nanoseconds UTC)."""
        ...


class OrderFlow:
    """The generated side of one pair's market.

    Args:
        rate: how many times as busy as usual; 1 is a calm real market.
    """

    def __init__(
        self,
        engine: MatchingEngine,
        latents: PairPrices,
        listing: Listing,
        rng: random.Random,
        *,
        rate: float = 1.0,
    ) -> None:
        self.engine = engine
        self.listing = listing
        self.rate = rate
        self._latents = latents
        self._rng = rng
        self._tick = float(listing.tick_size)
        step = float(listing.quantity_step)
        self._average = listing.average_trade / step
        self._min_steps = engine.grid.steps(listing.min_quantity)
        self._min_units = math.ceil(listing.min_notional / listing.tick_size / listing.quantity_step)
        self._arrivals_per_s = 4.0 + listing.trades_per_minute * 0.15
        self._takers_per_s = listing.trades_per_minute / 60.0 / 1.35 * (1.0 - _BRANCHING)
        self._mine: list[EngineOrder] = []
        self._last_ns = 0
        self._fair = 0.0
        self._half = listing.typical_spread_ticks / 2.0
        self._wide = 0.0
        self._thick = 0.0
        self._lean = 0.0
        self._excitement = 0.0
        self._buying = True

    @property
    def fair_ticks(self) -> float:
        """The hidden price the flow quotes around, in ticks."""
        return self._fair

    def open(self, now_ns: int) -> None:
        """Fill the book on both sides; orders left in it that the price has passed meanwhile are filled."""
        self._look(now_ns)
        self._last_ns = now_ns
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            keys = self.engine.level_keys(side)
            while keys and keys[0] < sign * self._fair:
                ticks = sign * keys[0]
                queue = self.engine.queue(side, ticks)
                self._hit(side.opposite, ticks, sum(order.steps - order.done_steps for order in queue))
        rng, gap = self._rng, self.listing.level_gap_ticks
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            distance = self._half
            for i in range(LEVELS_A_SIDE):
                ticks = int(self._fair + sign * distance + (0.5 if sign > 0 else -0.5))
                for _ in range(1 if rng.random() < 0.7 else 2):
                    self._quote(side, ticks)
                distance += max(1.0, rng.expovariate(1.0) * gap * (0.35 + i / 90.0))

    def step(self, now_ns: int) -> None:
        """Live through the time since the last step (at most two seconds of it)."""
        elapsed = min((now_ns - self._last_ns) / 1e9, _LONGEST_STEP_S)
        if elapsed <= 0:
            return
        self._last_ns = now_ns
        self.engine.advance(now_ns)
        self._look(now_ns)
        self.engine.set_index(max(1, round(self._fair)))
        self._breathe(elapsed)
        self._follow(Side.SELL)
        self._follow(Side.BUY)
        self._take(elapsed)
        self._arrive(elapsed)
        self._withdraw(elapsed)
        self._keep_depth(Side.BUY)
        self._keep_depth(Side.SELL)

    def trade(self, side: Side, steps: int) -> None:
        """A generated market order, now."""
        order = EngineOrder.generated(self.listing.symbol, self.engine.grid, side, 0, steps, TimeInForce.GTC)
        order.order_type = OrderType.MARKET
        self.engine.add_generated(order)

    # ---- moods -----------------------------------------------------------------------------------

    def _look(self, now_ns: int) -> None:
        self._fair = max(
            2.0, self._latents.pair_price(self.listing.base, self.listing.quote, now_ns) / self._tick
        )
        self._fair += self._lean * self._half

    def _breathe(self, elapsed: float) -> None:
        gauss = self._rng.gauss
        root = math.sqrt(elapsed)
        self._wide += -0.05 * elapsed * self._wide + 0.09 * root * gauss(0.0, 1.0)
        self._thick += -0.02 * elapsed * self._thick + 0.06 * root * gauss(0.0, 1.0)
        self._lean += -0.5 * elapsed * self._lean + 0.22 * root * gauss(0.0, 1.0)
        self._excitement *= math.exp(-_CLUSTER_DECAY * elapsed)
        nervous = 1.0 + 0.12 * min(self._excitement, 8.0)
        self._half = max(0.5, self.listing.typical_spread_ticks / 2.0 * math.exp(self._wide) * nervous)

    def _count(self, mean: float) -> int:
        """How many events of a Poisson process with this mean."""
        if mean <= 0.0:
            return 0
        if mean > 30.0:
            return max(0, round(self._rng.gauss(mean, math.sqrt(mean))))
        limit, product, count = math.exp(-mean), self._rng.random(), 0
        while product > limit:
            product *= self._rng.random()
            count += 1
        return count

    # ---- quotes ----------------------------------------------------------------------------------

    def _size(self, distance_gaps: float) -> int:
        """A quantity as people write them: often round, more of it further from the touch."""
        rng = self._rng
        deep = 1.0 + 1.6 * min(distance_gaps / 40.0, 8.0) ** 0.7
        raw = self._average * deep * math.exp(rng.gauss(-0.35 + self._thick, 1.05))
        style = rng.random()
        if style < 0.6:
            power = 10.0 ** math.floor(math.log10(max(raw, 1.0)))
            if style < 0.36:
                mantissa = raw / power
                raw = min(_ROUND, key=lambda one: abs(one - mantissa)) * power
            else:
                raw = round(raw / power * 10.0) * power / 10.0
        return max(self._min_steps, int(raw))

    def _quote(self, side: Side, ticks: int) -> None:
        """A limit order that joins the book; it never crosses, it steps back instead."""
        bid, ask = self.engine.best_ticks()
        if side is Side.BUY:
            if ask and ticks >= ask:
                ticks = ask - 1
        elif bid and ticks <= bid:
            ticks = bid + 1
        if ticks <= 0:
            return
        distance = abs(ticks - self._fair) / self.listing.level_gap_ticks
        steps = self._size(distance)
        if steps * ticks < self._min_units:
            steps = -(-self._min_units // ticks)
        order = EngineOrder.generated(
            self.listing.symbol, self.engine.grid, side, ticks, steps, TimeInForce.GTC
        )
        self.engine.add_generated(order)
        if order.is_live:
            self._mine.append(order)

    def _arrive(self, elapsed: float) -> None:
        rng, gap = self._rng, self.listing.level_gap_ticks
        count = self._count(self._arrivals_per_s * self.rate * elapsed * math.exp(0.5 * self._thick))
        for _ in range(count):
            side = Side.BUY if rng.random() < 0.5 else Side.SELL
            kind = rng.random()
            if kind < 0.62:
                reach = 3.0
            elif kind < 0.9:
                reach = 25.0
            else:
                reach = 130.0
            distance = self._half + rng.expovariate(1.0) * reach * gap
            ticks = self._fair - distance if side is Side.BUY else self._fair + distance
            whole = math.floor(ticks) if side is Side.BUY else math.ceil(ticks)
            if kind > 0.8 and rng.random() < 0.4:
                # People like prices that end in zeros.
                grain = 50 if whole > 20_000 else 10
                whole = whole // grain * grain
            self._quote(side, whole)
        self._tighten(elapsed)

    def _tighten(self, elapsed: float) -> None:
        """When the touch is too far from the fair price somebody soon quotes inside it."""
        bid, ask = self.engine.best_ticks()
        rng = self._rng
        for side, lag in (
            (Side.BUY, self._fair - self._half - bid),
            (Side.SELL, ask - self._fair - self._half),
        ):
            lag_gaps = lag / max(self._half, self.listing.level_gap_ticks * 0.5)
            missing = not (bid if side is Side.BUY else ask)
            eager = 1.0 - math.exp(-elapsed * max(0.0, lag_gaps) * 12.0 * max(1.0, self.rate))
            if missing or rng.random() < eager:
                inside = self._half * (1.0 + 0.25 * rng.expovariate(1.0))
                if side is Side.BUY:
                    self._quote(side, math.floor(self._fair - inside))
                else:
                    self._quote(side, math.ceil(self._fair + inside))

    def _follow(self, side: Side) -> None:
        """Quotes on the wrong side of the fair price are hit by those who see it, or withdrawn."""
        engine, rng = self.engine, self._rng
        keys = engine.level_keys(side)
        # In the sorted keys of a side (bids negated) stale quotes are those below this edge.
        sign = 1 if side is Side.SELL else -1
        edge = sign * self._fair + 0.2 * self._half
        budget = _MOST_REPAIRS
        while keys and keys[0] < edge and budget > 0:
            ticks = sign * keys[0]
            budget -= 1
            queue = engine.queue(side, ticks)
            theirs = [order for order in queue if order.account != BOT_ACCOUNT]
            if theirs or rng.random() < 0.09:
                shown = sum(order.shown_steps for order in queue)
                wanted = max(1, min(shown, int(self._average * math.exp(rng.gauss(-0.7, 1.0)))))
                if theirs:
                    # A person's order is taken bit by bit, as far as hands reach in one step.
                    reach = int(self._average * math.exp(rng.gauss(1.5, 0.6)))
                    wanted = max(self._min_steps, min(shown, reach))
                self._hit(side.opposite, ticks, wanted)
            for order in queue:
                if order.account == BOT_ACCOUNT and order.is_live:
                    engine.cancel(order)
                    budget -= 1
            if theirs and keys and sign * keys[0] == ticks:
                return  # more of it is left for the next step

    def _withdraw(self, elapsed: float) -> None:
        engine, rng, mine = self.engine, self._rng, self._mine
        target = 2.6 * LEVELS_A_SIDE
        crowd = len(mine) / target
        count = self._count(self._arrivals_per_s * self.rate * elapsed * min(4.0, crowd * crowd))
        for _ in range(count):
            if not mine:
                return
            slot = int(rng.random() * len(mine))
            other = int(rng.random() * len(mine))
            fair = self._fair
            # Those near the touch change their minds most often.
            if abs(mine[other].price_ticks - fair) < abs(mine[slot].price_ticks - fair):
                slot = other
            order = mine[slot]
            if order.is_live and rng.random() < 0.15:
                kept = order.done_steps + int((order.steps - order.done_steps) * (0.3 + 0.6 * rng.random()))
                if kept - order.done_steps >= self._min_steps and kept < order.steps:
                    engine.reduce_generated(order, kept)
                    continue
            mine[slot] = mine[-1]
            mine.pop()
            if order.is_live:
                engine.cancel(order)

    def _keep_depth(self, side: Side) -> None:
        engine, rng = self.engine, self._rng
        keys = engine.level_keys(side)
        sign = 1 if side is Side.SELL else -1
        gap = self.listing.level_gap_ticks
        budget = _MOST_REPAIRS
        while len(keys) < LEVELS_A_SIDE - 20 and budget > 0:
            budget -= 1
            if keys and rng.random() < 0.5:
                # Behind the last price.
                key = keys[-1] + max(1, round(rng.expovariate(1.0) * gap * 2.0))
            else:
                key = round(sign * self._fair + self._half + rng.random() * LEVELS_A_SIDE * max(1.0, gap))
            self._quote(side, sign * key)
        if len(keys) > _MOST_LEVELS:
            for order in engine.queue(side, sign * keys[-1]):
                if order.account == BOT_ACCOUNT:
                    engine.cancel(order)
        if len(self._mine) > 3.4 * LEVELS_A_SIDE:
            self._mine = [order for order in self._mine if order.is_live]

    # ---- takers ----------------------------------------------------------------------------------

    def _take(self, elapsed: float) -> None:
        rng = self._rng
        mean = (self._takers_per_s + _BRANCHING * _CLUSTER_DECAY * self._excitement) * elapsed * self.rate
        for _ in range(self._count(min(mean, 200.0))):
            self._excitement = min(self._excitement + 1.0 / max(1.0, self.rate), 40.0)
            bid, ask = self.engine.best_ticks()
            if not bid or not ask:
                return
            drift = (self._fair - (bid + ask) / 2.0) / max(1.0, self._half)
            stay = 0.64
            if rng.random() > stay:
                self._buying = rng.random() < 0.5 + max(-0.4, min(0.4, 0.25 * drift))
            side = Side.BUY if self._buying else Side.SELL
            size = self._average * math.exp(rng.gauss(-0.75, 1.25))
            level = self.engine.best_ask() if self._buying else self.engine.best_bid()
            if level is None:
                return
            style = rng.random()
            best = self.engine.grid.steps(level.quantity)
            if style < 0.2:
                size = best  # takes the touch exactly
            elif style < 0.45:
                power = 10.0 ** math.floor(math.log10(max(size, 1.0)))
                size = min(_ROUND, key=lambda one: abs(one - size / power)) * power
            steps = max(self._min_steps, int(min(size, self._average * 12.0)))
            if rng.random() < 0.55:
                through = round(rng.expovariate(1.0) * 1.5 * self.listing.level_gap_ticks)
                self._hit(side, (ask + through) if self._buying else max(1, bid - through), steps)
            else:
                self.trade(side, steps)

    def _hit(self, side: Side, ticks: int, steps: int) -> None:
        order = EngineOrder.generated(
            self.listing.symbol, self.engine.grid, side, ticks, steps, TimeInForce.IOC
        )
        self.engine.add_generated(order)
