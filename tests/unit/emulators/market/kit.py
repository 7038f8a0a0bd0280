"""What the practice market's tests share: a small listing, an engine under a hand-held clock, a diary."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from terminal.core.clock import ManualClock
from terminal.domain.market import Side
from terminal.domain.orders import OrderType
from terminal.emulators.market.engine import (
    EngineListener,
    EngineOrder,
    EngineTrade,
    MatchingEngine,
)
from terminal.emulators.market.listing import LISTING_BY_SYMBOL, Listing

BTC_USD: Listing = LISTING_BY_SYMBOL["BTC/USD"]
BUY, SELL = Side.BUY, Side.SELL


def d(text: str) -> Decimal:
    return Decimal(text)


class Diary(EngineListener):
    """Writes down every event as a short text, and keeps the book that the level events describe."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.trades: list[EngineTrade] = []
        self.levels: dict[Side, dict[Decimal, Decimal]] = {BUY: {}, SELL: {}}
        self.queues: dict[tuple[Side, Decimal | None], list[int]] = {}

    def on_accepted(self, order: EngineOrder) -> None:
        self.lines.append(f"accepted {order.order_id}")

    def on_triggered(self, order: EngineOrder) -> None:
        self.lines.append(f"triggered {order.order_id}")

    def on_trade(self, trade: EngineTrade) -> None:
        self.trades.append(trade)
        self.lines.append(
            f"trade {trade.maker_order.order_id} {trade.taker_order.order_id} "
            f"{trade.quantity.normalize():f}@{trade.price}"
        )

    def on_filled(self, order: EngineOrder) -> None:
        self.lines.append(f"filled {order.order_id}")

    def on_iceberg_refill(self, order: EngineOrder) -> None:
        self.lines.append(f"refill {order.order_id} {order.visible.normalize():f}")

    def on_canceled(self, order: EngineOrder, reason: str) -> None:
        self.lines.append(f"canceled {order.order_id} {reason}")

    def on_expired(self, order: EngineOrder) -> None:
        self.lines.append(f"expired {order.order_id}")

    def on_amended(self, order: EngineOrder) -> None:
        self.lines.append(f"amended {order.order_id}")

    def on_level(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        if quantity:
            self.levels[side][price] = quantity
        else:
            self.levels[side].pop(price, None)

    def on_order_rested(self, order: EngineOrder) -> None:
        self.queues.setdefault((order.side, order.limit_price), []).append(order.order_id)

    def on_order_left(self, order: EngineOrder) -> None:
        # An amend to another price changes the order only after it left.
        self.queues[(order.side, order.limit_price)].remove(order.order_id)


class Bench:
    """An engine, its clock and its diary."""

    def __init__(self, listing: Listing = BTC_USD) -> None:
        self.clock = ManualClock()
        self.listing = listing
        self.engine = MatchingEngine(listing, self.clock.wall_ns)
        self.diary = Diary()
        self.engine.listen(self.diary)

    def order(
        self,
        side: Side,
        quantity: str,
        price: str | None = None,
        *,
        account: str = "ann",
        kind: OrderType | None = None,
        **terms: Any,
    ) -> EngineOrder:
        """An order that is not placed yet."""
        chosen = kind or (OrderType.MARKET if price is None else OrderType.LIMIT)
        return EngineOrder(
            self.listing,
            account=account,
            side=side,
            order_type=chosen,
            quantity=d(quantity),
            limit_price=None if price is None else d(price),
            **terms,
        )

    def add(self, side: Side, quantity: str, price: str | None = None, **terms: Any) -> EngineOrder:
        return self.engine.add(self.order(side, quantity, price, **terms))

    def books(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Bids and asks as plain texts."""
        bids, asks = self.engine.book(1000)
        return (
            [(str(one.price), f"{one.quantity.normalize():f}") for one in bids],
            [(str(one.price), f"{one.quantity.normalize():f}") for one in asks],
        )
