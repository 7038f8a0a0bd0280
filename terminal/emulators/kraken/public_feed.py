"""The public channels of every pair: who listens to what, and when it is told.

Kraken WebSocket v2 ``ticker``, ``trade``, ``ohlc``, ``instrument``; read 2026-08.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, Final

from terminal.domain.market import Side
from terminal.emulators.faults import Faults
from terminal.emulators.kraken.book_feed import BookFeed, Level3Feed, Send, replace_price
from terminal.emulators.kraken.names import Pair
from terminal.emulators.kraken.state import VenueState
from terminal.emulators.kraken.wire import encode, iso_ns, iso_us, number
from terminal.emulators.market.engine_types import EngineListener, EngineOrder, EngineTrade
from terminal.emulators.market.history import MarketBar, Print
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.web import text_frame

OHLC_MINUTES: Final = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
BATCH_S: Final = 0.02
"""Changes of so long make one message: at most 50 a second of each kind and pair."""
OHLC_SNAPSHOT_ROWS: Final = 720


class PairFeed(EngineListener):
    """One pair's channels."""

    def __init__(self, pair: Pair, market: PracticeMarket, state: VenueState, faults: Faults) -> None:
        self.pair = pair
        self._market = market
        self._state = state
        self._faults = faults
        self._engine = market.engines[pair.symbol]
        self.book = BookFeed(self._engine, faults, state.wall_ns)
        self.level3 = Level3Feed(self._engine, faults, state.wall_ns)
        self.tickers: dict[str, set[Send]] = {"trades": set(), "bbo": set()}
        self.trades: set[Send] = set()
        self.ohlc: dict[int, set[Send]] = {}
        self._trades: list[EngineTrade] = []
        self._best: tuple[object, object] = (None, None)
        self._traded = False
        self._touched = False
        self.each_change = False
        """Every complete change makes its own book message, for load tests."""
        self._engine.listen(self)

    # ---- what the engine reports -----------------------------------------------------------------

    def on_level(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        self.book.note(side, price, quantity)
        self._touched = True

    def on_trade(self, trade: EngineTrade) -> None:
        self._traded = True
        if self.trades:
            self._trades.append(trade)

    def on_order_rested(self, order: EngineOrder) -> None:
        self.level3.note("add", order)

    def on_order_changed(self, order: EngineOrder) -> None:
        self.level3.note("modify", order)

    def on_order_left(self, order: EngineOrder) -> None:
        self.level3.note("delete", order)

    def on_settled(self, ts_ns: int) -> None:
        if self.each_change and self.book.pending:
            self.book.flush()

    # ---- messages --------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what gathered since the last time."""
        if self.book.pending:
            self.book.flush()
        if self.level3.pending:
            self.level3.flush()
        traded, self._traded = self._traded, False
        touched, self._touched = self._touched, False
        if traded:
            self._send_trades()
            self._send_bars()
        if (traded or touched) and (self.tickers["trades"] or self.tickers["bbo"]):
            self._send_ticker(traded)

    def _send_trades(self) -> None:
        trades, self._trades = self._trades, []
        if not trades or not self.trades:
            return
        subject = f"ws/data/trade/{self.pair.symbol}"
        factor = self._spike(subject)
        rows = [
            self._trade_row(
                one.trade_id,
                one.taker_side,
                one.price * factor,
                one.quantity,
                one.taker_order_type.has_limit_price,
                one.ts_ns,
            )
            for one in trades
        ]
        self._broadcast({"channel": "trade", "type": "update", "data": rows}, subject, self.trades)

    def trade_snapshot(self) -> bytes:
        """The frame of the last 50 trades."""
        rows = [self._print_row(one) for one in self._market.recent_trades(self.pair.symbol, 50)]
        return text_frame(encode({"channel": "trade", "type": "snapshot", "data": rows}))

    def _print_row(self, one: Print) -> dict[str, Any]:
        return self._trade_row(one.trade_id, one.side, one.price, one.quantity, one.is_limit, one.ts_ns)

    def _trade_row(
        self, trade_id: int, side: Side, price: Decimal, quantity: Decimal, is_limit: bool, ts_ns: int
    ) -> dict[str, Any]:
        listing = self.pair.listing
        return {
            "symbol": self.pair.symbol,
            "side": side.value,
            "price": number(price, listing.price_decimals),
            "qty": number(quantity, listing.quantity_decimals),
            "ord_type": "limit" if is_limit else "market",
            "trade_id": trade_id,
            "timestamp": iso_us(self._state.stamp(ts_ns)),
        }

    def _send_bars(self) -> None:
        for minutes, senders in self.ohlc.items():
            if senders:
                bar = self._market.running_bar(self.pair.symbol, minutes * 60)
                message = self._bars_message("update", [bar], minutes)
                self._broadcast(message, f"ws/data/ohlc/{self.pair.symbol}", senders)

    def bars_snapshot(self, minutes: int) -> bytes:
        """The frame of the last bars, the running one included."""
        bars = self._market.bars(self.pair.symbol, minutes * 60, count=OHLC_SNAPSHOT_ROWS)
        return text_frame(encode(self._bars_message("snapshot", bars, minutes)))

    def _bars_message(self, kind: str, bars: list[MarketBar], minutes: int) -> dict[str, Any]:
        listing = self.pair.listing
        places = listing.price_decimals
        rows = [
            {
                "symbol": self.pair.symbol,
                "open": number(bar.open, places),
                "high": number(bar.high, places),
                "low": number(bar.low, places),
                "close": number(bar.close, places),
                "trades": bar.trades,
                "volume": number(bar.volume, listing.quantity_decimals),
                "vwap": number(bar.vwap, places),
                "interval_begin": iso_ns(bar.open_ns),
                "interval": minutes,
                "timestamp": iso_us(bar.open_ns + minutes * 60_000_000_000),
            }
            for bar in bars
        ]
        return {"channel": "ohlc", "type": kind, "timestamp": iso_ns(self._state.wall_ns()), "data": rows}

    def _send_ticker(self, traded: bool) -> None:
        best = (self._engine.best_bid(), self._engine.best_ask())
        moved, self._best = best != self._best, best
        groups = [self.tickers["trades"]] if traded else []
        if moved or traded:
            groups.append(self.tickers["bbo"])
        if any(groups):
            subject = f"ws/data/ticker/{self.pair.symbol}"
            message = self.ticker_message("update", self._spike(subject))
            self._broadcast(message, subject, {send for group in groups for send in group})

    def ticker_message(self, kind: str, factor: Decimal = Decimal(1)) -> dict[str, Any]:
        """The day's figures and the best prices."""
        listing, engine = self.pair.listing, self._engine
        places, lots = listing.price_decimals, listing.quantity_decimals
        stats = self._market.last_24h(self.pair.symbol)
        bid, ask = engine.best_bid(), engine.best_ask()
        zero = Decimal(0)
        last = engine.last_price or stats.last
        row = {
            "symbol": self.pair.symbol,
            "bid": number(bid.price * factor if bid else zero, places),
            "bid_qty": number(bid.quantity if bid else zero, lots),
            "ask": number(ask.price * factor if ask else zero, places),
            "ask_qty": number(ask.quantity if ask else zero, lots),
            "last": number(last * factor, places),
            "volume": number(stats.volume, lots),
            "vwap": number(stats.vwap, places),
            "low": number(stats.low, places),
            "high": number(stats.high, places),
            "change": number(stats.change, places),
            "change_pct": number(stats.change_pct, 2),
            "timestamp": iso_us(self._state.wall_ns()),
        }
        return {"channel": "ticker", "type": kind, "data": [row]}

    def _spike(self, subject: str) -> Decimal:
        fault = self._faults.take("price_spike", subject) if self._faults.active else None
        return Decimal(repr(fault.number("factor", 100.0))) if fault is not None else Decimal(1)

    def _broadcast(self, message: dict[str, Any], subject: str, senders: set[Send]) -> None:
        frame = text_frame(encode(message))
        if self._faults.active:
            fault = self._faults.take("nan_prices", subject)
            if fault is not None:
                frame = replace_price(frame, fault.text("value", "NaN"))
        for send in tuple(senders):
            send(frame, subject)


class PublicFeed:
    """All pairs, the instrument channel, and the rhythm of it all."""

    def __init__(self, market: PracticeMarket, state: VenueState, faults: Faults) -> None:
        self._state = state
        self.pairs = {
            symbol: PairFeed(pair, market, state, faults) for symbol, pair in state.names.pairs.items()
        }
        self.instruments: set[Send] = set()
        self.batch_s = BATCH_S
        state.pair_changed.watch(self._on_pair_changed)
        state.system_changed.watch(self._on_system_changed)

    def set_batch(self, seconds: float) -> None:
        """How long changes gather; 0 makes every change of a book a message of its own."""
        self.batch_s = seconds if seconds > 0 else BATCH_S
        for feed in self.pairs.values():
            feed.each_change = seconds <= 0

    async def run(self) -> None:
        """Flush for ever; cancel to stop."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for feed in self.pairs.values():
                feed.flush()
            due = max(due + self.batch_s, loop.time())
            await asyncio.sleep(max(0.0, due - loop.time()))

    def flush(self) -> None:
        """Send at once whatever gathered."""
        for feed in self.pairs.values():
            feed.flush()

    def book_messages(self) -> int:
        """How many book messages went out since the start, over all subscribers."""
        return sum(feed.book.messages for feed in self.pairs.values())

    def instrument_snapshot(self) -> bytes:
        """The frame of every asset and pair."""
        message = {"channel": "instrument", "type": "snapshot", "data": self._state.instrument_data()}
        return text_frame(encode(message))

    def _on_pair_changed(self, symbol: str) -> None:
        self._send_pairs([self._state.names.pairs[symbol]])

    def _on_system_changed(self) -> None:
        self._send_pairs(list(self._state.names.pairs.values()))

    def _send_pairs(self, pairs: list[Pair]) -> None:
        rows = [self._state.pair_row(pair) for pair in pairs]
        frame = text_frame(
            encode({"channel": "instrument", "type": "update", "data": {"assets": [], "pairs": rows}})
        )
        for send in tuple(self.instruments):
            send(frame, "ws/data/instrument")
