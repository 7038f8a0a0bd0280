"""The control API of the practice OKX: the same commands as every venue's, in its own terms."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from terminal.domain.market import Side
from terminal.domain.orders import OrderType
from terminal.emulators.control import PREFIX, Control
from terminal.emulators.market.engine_types import BOT_ACCOUNT, EngineOrder
from terminal.emulators.market.practice import PracticeMarket

if TYPE_CHECKING:
    from terminal.emulators.okx.face import OkxFace

OKX_PREFIX: Final = PREFIX + "okx/"


class OkxControl(Control):
    """Commands for this venue alone: its faults, its pace, its accounts. ``symbol`` is an ``instId``."""

    def __init__(self, market: PracticeMarket, face: OkxFace) -> None:
        super().__init__(market, face.faults, [face], OKX_PREFIX)
        self._face = face
        self.commands["limits"] = self.limits
        self.commands["cash"] = self.cash

    def rate(self, values: dict[str, Any]) -> dict[str, Any]:
        """``rate``: liveliness. ``book_batch_ms``: how long book changes gather (100)."""
        if "rate" in values:
            self._face.exchange.set_rate(float(values["rate"]))
        if "book_batch_ms" in values:
            seconds = float(values["book_batch_ms"]) / 1000
            if not 0 <= seconds <= 10:
                raise ValueError("book_batch_ms must be from 0 to 10000")
            self._face.set_batch(seconds)
        return {"rate": self._face.exchange.rate}

    def shock(self, values: dict[str, Any]) -> dict[str, Any]:
        """Move a market: ``symbol``, ``percent``; the coin moves at every practice venue."""
        percent = float(values["percent"])
        if not -90.0 <= percent <= 900.0:
            raise ValueError(f"no shock: {percent} %")
        exchange = self._face.exchange
        exchange.latents.shift(exchange.instruments[self._symbol(values)].base, percent)
        exchange.store.put("shifts", exchange.latents.shifts)
        return {}

    def trade(self, values: dict[str, Any]) -> dict[str, Any]:
        """A generated market order: ``symbol``, ``side``, and ``quantity`` or ``through`` (a price)."""
        symbol, side = self._symbol(values), Side(values["side"])
        exchange = self._face.exchange
        engine = exchange.engines[symbol]
        exchange.live(symbol)
        if "through" in values:
            limit = Decimal(str(values["through"]))
            bids, asks = engine.book(100_000)
            levels = asks if side is Side.BUY else bids
            quantity = sum(
                (
                    one.quantity
                    for one in levels
                    if (one.price <= limit if side is Side.BUY else one.price >= limit)
                ),
                start=Decimal(0),
            )
        else:
            quantity = Decimal(str(values["quantity"]))
        if quantity:
            listing = exchange.instruments[symbol].listing
            engine.add_generated(
                EngineOrder(
                    listing, account=BOT_ACCOUNT, side=side, order_type=OrderType.MARKET, quantity=quantity
                )
            )
            self._face.after_step()
        return {"quantity": format(quantity, "f")}

    def limits(self, values: dict[str, Any]) -> dict[str, Any]:
        """``connects_per_s`` (of an address), ``idle_s`` (30, until 4004), ``book_idle_s`` (60); and
        ``timer_rate`` (1): how many seconds of a cancel-all-after pass in one, for a rehearsal in a hurry."""
        self._face.set_limits(values)
        return {}

    def cash(self, values: dict[str, Any]) -> dict[str, Any]:
        """Move ``amount`` of ``ccy`` into an ``account``, or out of it."""
        self._face.desk.adjust(
            int(values.get("account") or self._face.first), str(values["ccy"]), Decimal(str(values["amount"]))
        )
        return {}

    def persist(self, values: dict[str, Any]) -> dict[str, Any]:
        """Write everything to the practice folder now."""
        self._face.exchange.persist()
        return super().persist(values)

    def stats(self, values: dict[str, Any]) -> dict[str, Any]:
        """What is going on."""
        return {
            **super().stats(values),
            "rate": self._face.exchange.rate,
            "off_fair_pct": self._face.exchange.off_fair_pct(),
        }

    def _symbol(self, values: dict[str, Any]) -> str:
        symbol = values["symbol"]
        if symbol not in self._face.exchange.engines:
            raise ValueError(f"no such instrument: {symbol}")
        return str(symbol)
