"""The public channels of the practice OKX: who listens to what, and when it is told.

OKX API v5 "Public channels", read 2026-07. Each message is built once for all who listen.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from terminal.emulators.faults import Faults
from terminal.emulators.market.engine_types import EngineListener, EngineTrade
from terminal.emulators.okx.books import BookFeed, Send
from terminal.emulators.okx.candles import BARS, Candles, opening, volumes
from terminal.emulators.okx.exchange import FUNDING_NS, OkxExchange
from terminal.emulators.okx.futures import alias_of
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.wire import Row, encode, ms, short
from terminal.emulators.web import text_frame

TICK_S: Final = 0.02
TICKER_NS: Final = 100_000_000
SLOW_NS: Final = 1_000_000_000
FUNDING_PUSH_NS: Final = 60_000_000_000
Key = tuple[str, str]
"""Channel and instrument (or type of instruments)."""


class Rows:
    """What the public calls and channels tell of an instrument."""

    def __init__(self, exchange: OkxExchange, suspended: set[str], delisted: set[str]) -> None:
        self.exchange = exchange
        self.candles = Candles(exchange)
        self.suspended = suspended
        self.delisted = delisted
        self.tick_sizes: dict[str, Decimal] = {}
        """Told instead of the real ones: a rehearsal's change."""

    def _now(self) -> int:
        return self.exchange.clock.wall_ns()

    def instrument(self, one: OkxInstrument) -> Row:
        """As ``public/instruments`` tells it."""
        listing, swap = one.listing, one.is_contract
        linear = "inverse" if one.is_inverse else "linear"
        return {
            "instType": one.kind,
            "instId": one.inst_id,
            "instIdCode": one.code,
            "uly": one.family,
            "instFamily": one.family,
            "baseCcy": "" if swap else one.base,
            "quoteCcy": "" if swap else one.quote,
            "settleCcy": one.settle if swap else "",
            "ctVal": short(one.contract_value) if swap else "",
            "ctMult": "1" if swap else "",
            "ctValCcy": one.contract_asset if swap else "",
            "ctType": linear if swap else "",
            "optType": "",
            "stk": "",
            "tickSz": short(self.tick_sizes.get(one.inst_id, listing.tick_size)),
            "lotSz": short(listing.quantity_step),
            "minSz": short(listing.min_quantity),
            "maxLmtSz": "100000000" if swap else "9999999999",
            "maxMktSz": "12000" if swap else "",
            "maxLmtAmt": "20000000" if swap else "1000000",
            "maxMktAmt": "" if swap else "1000000",
            "maxTwapSz": "9999999999",
            "maxIcebergSz": "9999999999",
            "maxTriggerSz": "9999999999",
            "maxStopSz": "12000" if swap else "1000000",
            "lever": str(one.max_leverage),
            "listTime": ms(one.listed_ns),
            "expTime": ms(one.expiry_ns) if one.is_dated else "",
            "openType": "",
            "contTdSwTime": "",
            "alias": alias_of(one.expiry_ns, self._now()) if one.is_dated else "",
            "category": "1",
            "state": self._state(one),
            "ruleType": "normal",
            "groupId": "1",
            "futureSettlement": False,
            "tradeQuoteCcyList": [] if swap else [one.quote],
            "upcChg": [],
        }

    def _state(self, one: OkxInstrument) -> str:
        if one.inst_id not in self.exchange.engines:
            return "settling"
        return "suspend" if one.inst_id in self.suspended else "live"

    def ticker(self, one: OkxInstrument, factor: Decimal = Decimal(1)) -> Row:
        """As ``market/ticker`` tells it."""
        name = one.inst_id
        engine, tape, grid = self.exchange.engines[name], self.exchange.tapes[name], one.listing.grid
        bid, ask = engine.best_bid(), engine.best_ask()
        now = tape.minute
        day = tape.span(now - 1439, now + 1)
        volume, coins, quote = volumes(one, day)
        hong_kong, _ = opening("1D", now)
        last_size = tape.prints[-1].quantity if tape.prints else Decimal(0)
        return {
            "instType": one.kind,
            "instId": name,
            "last": short(self.exchange.last(one) * factor),
            "lastSz": short(last_size),
            "askPx": short(ask.price * factor) if ask else "",
            "askSz": short(ask.quantity) if ask else "",
            "bidPx": short(bid.price * factor) if bid else "",
            "bidSz": short(bid.quantity) if bid else "",
            "open24h": short(grid.price(day.open)),
            "high24h": short(grid.price(day.high)),
            "low24h": short(grid.price(day.low)),
            "volCcy24h": short(round(coins if one.is_contract else quote, 8)),
            "vol24h": short(volume),
            "sodUtc0": short(grid.price(self._start(name, now // 1440 * 1440))),
            "sodUtc8": short(grid.price(self._start(name, hong_kong))),
            "ts": ms(self._now()),
        }

    def _start(self, name: str, minute: int) -> int:
        return self.exchange.tapes[name].span(minute, minute + 1).open

    def funding(self, one: OkxInstrument) -> Row:
        """As ``public/funding-rate`` tells it."""
        now = self._now()
        slot = now // FUNDING_NS
        premium = self.exchange.prices[one.inst_id].premium(now)
        return {
            "instType": one.kind,
            "instId": one.inst_id,
            "method": "current_period",
            "formulaType": "noRate",
            "fundingRate": short(self.exchange.funding(one, slot)),
            "fundingTime": ms((slot + 1) * FUNDING_NS),
            "nextFundingRate": "",
            "nextFundingTime": ms((slot + 2) * FUNDING_NS),
            "minFundingRate": "-0.00375",
            "maxFundingRate": "0.00375",
            "interestRate": "0.0001",
            "impactValue": "20000",
            "premium": f"{premium:.10f}",
            "settState": "settled",
            "settFundingRate": short(self.exchange.funding(one, slot - 1)),
            "prevFundingTime": ms(slot * FUNDING_NS),
            "ts": ms(now),
        }

    def mark(self, one: OkxInstrument) -> Row:
        """As ``public/mark-price`` tells it."""
        price = short(self.exchange.mark(one))
        return {"instType": one.kind, "instId": one.inst_id, "markPx": price, "ts": ms(self._now())}

    def limit(self, one: OkxInstrument) -> Row:
        """As ``public/price-limit`` tells it."""
        highest, lowest = self.exchange.limits(one)
        return {
            "instType": one.kind,
            "instId": one.inst_id,
            "buyLmt": short(highest),
            "sellLmt": short(lowest),
            "ts": ms(self._now()),
            "enabled": True,
        }


class InstrumentFeed(EngineListener):
    """One instrument's channels."""

    def __init__(self, one: OkxInstrument, rows: Rows, faults: Faults, rng: random.Random) -> None:
        self.one = one
        self._rows = rows
        self._faults = faults
        exchange = rows.exchange
        self._engine = exchange.engines[one.inst_id]
        self._tape = exchange.tapes[one.inst_id]
        self.book = BookFeed(self._engine, faults, exchange.clock.wall_ns, rng)
        self.groups: dict[str, set[Send]] = {}
        """Who listens to which of the other channels."""
        self._trades: list[EngineTrade] = []
        self._told: dict[str, object] = {}
        self._due: dict[str, int] = {}
        self._engine.listen(self)

    @property
    def active(self) -> bool:
        """Somebody listens."""
        return self.book.active or any(self.groups.values())

    def on_trade(self, trade: EngineTrade) -> None:
        if self.groups.get("trades") or self.groups.get("trades-all"):
            self._trades.append(trade)

    # ---- subscribers -----------------------------------------------------------------------------

    def join(self, channel: str, send: Send) -> None:
        """Begin to send a channel, its first message at once where it has one."""
        self._rows.exchange.rouse(self.one)
        joins: dict[str, Callable[[Send], None]] = {
            "books": self.book.join,
            "books5": self.book.join_five,
            "bbo-tbt": self.book.join_best,
        }
        if channel in joins:
            joins[channel](send)
            return
        if channel in ("trades", "trades-all"):
            self._flush_trades()
        self.groups.setdefault(channel, set()).add(send)
        row = self._first(channel)
        if row is not None:
            send(self._frame(channel, [row]), self._subject(channel))

    def _first(self, channel: str) -> Any:
        one = self.one
        if channel.startswith("candle"):
            row = self._rows.candles.running(one, channel.removeprefix("candle"))
            self._told.setdefault(channel, row)
            return row
        makers: dict[str, Callable[[OkxInstrument], Row]] = {
            "tickers": self._rows.ticker,
            "funding-rate": self._rows.funding,
            "mark-price": self._rows.mark,
            "price-limit": self._rows.limit,
        }
        return makers[channel](one) if channel in makers else None

    def leave(self, channel: str, send: Send) -> None:
        """End a channel for this client."""
        if channel in ("books", "books5", "bbo-tbt"):
            {"books": self.book.books, "books5": self.book.five, "bbo-tbt": self.book.best}[channel].discard(
                send
            )
            return
        group = self.groups.get(channel, set())
        group.discard(send)
        if not group:
            self.groups.pop(channel, None)
            self._told.pop(channel, None)

    # ---- messages --------------------------------------------------------------------------------

    def flush(self, now_ns: int) -> None:
        """Send what is due (monotonic time)."""
        if self.book.active:
            self.book.flush(now_ns)
        if not self.groups:
            return
        if self._trades:
            self._flush_trades()
        for channel in tuple(self.groups):
            if channel in ("trades", "trades-all") or now_ns < self._due.get(channel, 0):
                continue
            self._flush_channel(channel, now_ns)

    def _flush_channel(self, channel: str, now_ns: int) -> None:
        one = self.one
        if channel == "tickers":
            self._due[channel] = now_ns + TICKER_NS
            state = self._engine.best_bid(), self._engine.best_ask(), self._tape.next_id
            if state != self._told.get(channel):
                self._told[channel] = state
                self._push(channel, [self._rows.ticker(one, self._spike(channel))])
        elif channel == "funding-rate":
            self._due[channel] = now_ns + FUNDING_PUSH_NS
            self._push(channel, [self._rows.funding(one)])
        elif channel.startswith("candle"):
            self._due[channel] = now_ns + SLOW_NS
            self._flush_candle(channel)
        else:
            self._due[channel] = now_ns + SLOW_NS
            row = self._rows.mark(one) if channel == "mark-price" else self._rows.limit(one)
            figure = row.get("markPx") or (row["buyLmt"], row["sellLmt"])
            if figure != self._told.get(channel):
                self._told[channel] = figure
                self._push(channel, [row])

    def _flush_candle(self, channel: str) -> None:
        bar = channel.removeprefix("candle")
        told, row = self._told.get(channel), self._rows.candles.running(self.one, bar)
        if row == told:
            return
        if isinstance(told, list) and told[0] != row[0]:
            closed = self._rows.candles.closed(self.one, bar, int(told[0]) // 60_000)
            self._push(channel, [closed])
        self._told[channel] = row
        self._push(channel, [row])

    def _flush_trades(self) -> None:
        trades, self._trades = self._trades, []
        everybody, grouped = self.groups.get("trades-all"), self.groups.get("trades")
        factor = self._spike("trades") if trades else Decimal(1)
        if everybody:
            for trade in trades:
                self._push("trades-all", [self._trade_row(trade, factor)])
        if not grouped:
            return
        index = 0
        while index < len(trades):
            first = index
            quantity = Decimal(0)
            while index < len(trades) and (
                trades[index].taker_order is trades[first].taker_order
                and trades[index].price_ticks == trades[first].price_ticks
            ):
                quantity += trades[index].quantity
                index += 1
            row = self._trade_row(trades[index - 1], factor)
            row.update(sz=short(quantity), count=str(index - first), seqId=self.book.seq)
            self._push("trades", [row])

    def _trade_row(self, trade: EngineTrade, factor: Decimal) -> Row:
        return {
            "instId": self.one.inst_id,
            "tradeId": str(trade.trade_id),
            "px": short(trade.price * factor),
            "sz": short(trade.quantity),
            "side": trade.taker_side.value,
            "ts": ms(trade.ts_ns),
            "source": "0",
        }

    def _subject(self, channel: str) -> str:
        return f"ws/data/{channel}/{self.one.inst_id}"

    def _spike(self, channel: str) -> Decimal:
        fault = self._faults.take("price_spike", self._subject(channel)) if self._faults.active else None
        return Decimal(repr(fault.number("factor", 100.0))) if fault is not None else Decimal(1)

    def _frame(self, channel: str, data: list[Any]) -> bytes:
        arg = {"channel": channel, "instId": self.one.inst_id}
        return text_frame(encode({"arg": arg, "data": data}))

    def _push(self, channel: str, data: list[Any]) -> None:
        if self._faults.active:
            fault = self._faults.take("nan_prices", self._subject(channel))
            if fault is not None and isinstance(data[0], dict):
                name = "px" if "px" in data[0] else "last"
                data = [{**data[0], name: fault.text("value", "NaN")}]
        frame, subject = self._frame(channel, data), self._subject(channel)
        for send in tuple(self.groups.get(channel, ())):
            send(frame, subject)


class PublicFeed:
    """All instruments, what concerns all of them, and the rhythm of it all."""

    def __init__(self, rows: Rows, faults: Faults, rng: random.Random) -> None:
        self.rows = rows
        self.kinds: dict[str, set[Send]] = {}
        """Who listens to the instruments of a type."""
        self.status: set[Send] = set()
        self._faults = faults
        self._rng = rng
        self._batch_ns = 0
        self.feeds: dict[str, InstrumentFeed] = {}
        for name in rows.exchange.engines:
            self._list(rows.exchange.instruments[name])
        rows.exchange.opened.append(self._list)
        rows.exchange.retired.append(self._unlist)

    def _list(self, one: OkxInstrument) -> None:
        """An instrument can be listened to from now on."""
        feed = self.feeds[one.inst_id] = InstrumentFeed(one, self.rows, self._faults, self._rng)
        feed.book.batch_ns = self._batch_ns or feed.book.batch_ns
        self.tell_instrument(one)

    def _unlist(self, one: OkxInstrument) -> None:
        self.feeds.pop(one.inst_id, None)
        self.tell_instrument(one)

    def wanted(self) -> set[str]:
        """Instruments that somebody listens to."""
        return {name for name, feed in self.feeds.items() if feed.active}

    def join_kind(self, kind: str, send: Send) -> None:
        """The ``instruments`` channel: all of a type at once, then what changes."""
        self.kinds.setdefault(kind, set()).add(send)
        rows = [self.rows.instrument(one) for one in self.of_kind(kind)]
        send(self._kind_frame(kind, rows), f"ws/data/instruments/{kind}")

    def leave_kind(self, kind: str, send: Send) -> None:
        self.kinds.get(kind, set()).discard(send)

    def of_kind(self, kind: str) -> list[OkxInstrument]:
        """Instruments of a type."""
        exchange = self.rows.exchange
        names = [name for name in exchange.engines if name not in self.rows.delisted]
        if kind == "MARGIN":
            return [exchange.margins[name] for name in names if name in exchange.margins]
        listed = [exchange.instruments[name] for name in names]
        return [one for one in listed if one.kind == kind]

    def tell_instrument(self, one: OkxInstrument) -> None:
        """An instrument's terms or state changed."""
        for send in tuple(self.kinds.get(one.kind, ())):
            send(self._kind_frame(one.kind, [self.rows.instrument(one)]), f"ws/data/instruments/{one.kind}")

    def _kind_frame(self, kind: str, rows: list[Row]) -> bytes:
        return text_frame(encode({"arg": {"channel": "instruments", "instType": kind}, "data": rows}))

    def tell_status(self, row: Row) -> None:
        """The system's state changed."""
        for send in tuple(self.status):
            send(text_frame(encode({"arg": {"channel": "status"}, "data": [row]})), "ws/data/status")

    def set_batch(self, seconds: float) -> None:
        """How long book changes gather."""
        self._batch_ns = int(seconds * 1e9)
        for feed in self.feeds.values():
            feed.book.batch_ns = self._batch_ns

    async def run(self) -> None:
        """Flush for ever; cancel to stop."""
        while True:
            self.flush()
            await asyncio.sleep(TICK_S)

    def flush(self) -> None:
        """Send what is due."""
        now = time.monotonic_ns()
        for feed in self.feeds.values():
            if feed.active:
                feed.flush(now)

    def messages(self) -> int:
        """How many book messages went out since the start."""
        return sum(feed.book.messages for feed in self.feeds.values())


CHANNELS: Final[dict[str, frozenset[str]]] = {
    "public": frozenset({
        "tickers", "trades", "bbo-tbt", "books5", "books", "funding-rate", "mark-price", "price-limit",
    }),
    "business": frozenset({"trades-all", *(f"candle{bar}" for bar in BARS)}),
}  # fmt: skip
"""Channels by instrument, and the path on which they are told."""
