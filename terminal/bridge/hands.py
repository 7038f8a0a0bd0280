"""Hands go first: what a person trades by hand is left alone by every bot until it is released.

Only while the bridge is on: who switches it on afterwards has made up his mind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType

from terminal.bridge.errors import CallRefused
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.instrument import InstrumentId
from terminal.domain.orders import Order, OrderState, Origin
from terminal.services.orders import OrderGate

log = logging.getLogger("bridge")

BY_HAND = frozenset({Origin.TICKET, Origin.LADDER, Origin.CHART, Origin.BLOTTER, Origin.HOTKEY})


class HandsFirst:
    """Watches the gate for orders given by hand.

    Attributes:
        changed: an instrument was paused or released.
    """

    def __init__(self, gate: OrderGate, clock: Clock, is_on: Callable[[], bool]) -> None:
        self.changed: Observable[[]] = Observable("paused instruments")
        self._clock = clock
        self._is_on = is_on
        self._paused: dict[InstrumentId, tuple[Origin, int]] = {}
        self._unwatch = gate.changed.watch(self._on_order)

    @property
    def paused(self) -> Mapping[InstrumentId, tuple[Origin, int]]:
        """By instrument: which surface it was touched from, and when (ns UTC)."""
        return MappingProxyType(self._paused)

    def require_released(self, instrument: InstrumentId) -> None:
        """Raise CallRefused where bots are paused on an instrument."""
        if instrument in self._paused:
            raise CallRefused(
                f"{instrument.symbol} is traded by hand: bots are paused on it until it is released "
                "in the terminal"
            )

    def release(self, instrument: InstrumentId) -> None:
        """Let bots trade it again."""
        if self._paused.pop(instrument, None) is not None:
            log.info("bots may trade %s again", instrument)
            self.changed.notify()

    def close(self) -> None:
        self._unwatch()

    def _on_order(self, order: Order) -> None:
        # Every new order is told once in this state, before anything of it has left; older ones never are.
        if order.origin not in BY_HAND or order.state is not OrderState.PENDING_NEW:
            return
        if self._is_on() and order.instrument not in self._paused:
            log.info("bots are paused on %s: an order was given by hand", order.instrument)
            self._paused[order.instrument] = (order.origin, self._clock.wall_ns())
            self.changed.notify()
