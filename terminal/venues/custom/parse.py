"""Answers about prices, turned into domain values. Pure; everything raises ValueError for what cannot be."""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from typing import Any, Final

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Bar, BookLevel, BookSnapshot, Quote, Trade
from terminal.venues.custom import wire

_SEEN_TRADES: Final = 5_000


def quote(instrument: InstrumentId, data: Any, received_ns: int) -> Quote:
    """``{"symbol":"ETH_USDT","buy":"2922.18","sell":"2922.19","high":"2955","low":"2775.15","open":"2787.72",
    "last":"2922.18","vol":"249400.888156","time":"1731028903911"}``: ``buy`` is the best bid, ``vol`` of 24
    hours in base units; ``symbol`` and ``open`` may be missing."""
    row = wire.record(data)
    bid, ask = wire.maybe_positive(row.get("buy")), wire.maybe_positive(row.get("sell"))
    if bid is not None and ask is not None and bid >= ask:
        raise ValueError(f"crossed: bid {bid} at or above ask {ask}")
    last, opened = wire.maybe_positive(row.get("last")), wire.maybe_positive(row.get("open"))
    if bid is None and ask is None and last is None:
        raise ValueError("a ticker without a price")
    change = None if last is None or opened is None else last - opened
    return Quote(
        instrument,
        bid,
        None,
        ask,
        None,
        last,
        wire.maybe_number(row.get("vol")),
        wire.maybe_positive(row.get("low")),
        wire.maybe_positive(row.get("high")),
        change,
        None if change is None or opened is None else change / opened * 100,
        None,
        wire.maybe_time_ns(row.get("time")),
        received_ns,
    )


def book(instrument: InstrumentId, data: Any, depth: int, received_ns: int) -> BookSnapshot:
    """``{"time":1500793319499,"asks":[[1000,0.5],[1001,0.23]],"bids":[[999,0.25],[998,0.8]]}``, best first.

    A book that is crossed, or has a level that cannot be, is refused whole.
    """
    row = wire.record(data)
    bids = sorted(_levels(row.get("bids")), key=lambda level: -level.price)
    asks = sorted(_levels(row.get("asks")), key=lambda level: level.price)
    if bids and asks and bids[0].price >= asks[0].price:
        raise ValueError(f"crossed: bid {bids[0].price} at or above ask {asks[0].price}")
    return BookSnapshot(
        instrument,
        tuple(bids[:depth]),
        tuple(asks[:depth]),
        depth,
        None,
        None,
        wire.maybe_time_ns(row.get("time")),
        received_ns,
    )


def _levels(data: Any) -> list[BookLevel]:
    found = []
    for row in wire.rows(data):
        if not isinstance(row, list) or len(row) < 2:
            raise ValueError("a level without price and amount")
        found.append(BookLevel(wire.positive(row[0]), wire.positive(row[1])))
    return found


class TradeReader:
    """The public prints of one instrument, each once, however often the plugin lists them."""

    def __init__(self, instrument: InstrumentId) -> None:
        self._instrument = instrument
        self._seen: OrderedDict[str, None] = OrderedDict()

    def take(self, data: Any, received_ns: int) -> tuple[Trade, ...]:
        """The prints that are new, oldest first. Ids need be neither numbers nor in order; where there are
        none, a print is known by its time, price, amount and side."""
        found: list[Trade] = []
        equal: dict[str, int] = {}
        for each in wire.rows(data):
            row = wire.record(each)
            price, quantity = wire.positive(row.get("price")), wire.positive(row.get("amount"))
            side, event_ns = wire.side(row.get("type")), wire.time_ns(row.get("time"))
            trade_id = wire.text(row.get("id"))
            if not trade_id:
                key = f"{event_ns}:{price.normalize()}:{quantity.normalize()}:{side.value}"
                equal[key] = equal.get(key, 0) + 1
                trade_id = f"{key}:{equal[key]}"
            found.append(Trade(self._instrument, trade_id, side, price, quantity, event_ns, received_ns))
        fresh = {trade.trade_id: trade for trade in found if trade.trade_id not in self._seen}
        for trade_id in fresh:
            self._seen[trade_id] = None
        while len(self._seen) > max(_SEEN_TRADES, 2 * len(found)):
            self._seen.popitem(last=False)
        return tuple(sorted(fresh.values(), key=lambda trade: trade.ts_event_ns))


def bars(data: Any) -> list[Bar]:
    """``[[1500793319,1.1,2.2,3.3,4.4,5.5],...]``: time, open, high, low, close, volume; oldest first at the
    end of this, whatever the order in which they came. Times in seconds or milliseconds.

    The guide's own example has a high below the low: high and low are taken as the ends of what the four
    prices span, which is what every true bar has anyway.
    """
    found: dict[int, Bar] = {}
    for row in wire.rows(data):
        if not isinstance(row, list) or len(row) < 6:
            raise ValueError("a bar without its six numbers")
        open_ns = wire.time_ns(row[0])
        prices: list[Decimal] = [wire.positive(value) for value in row[1:5]]
        found[open_ns] = Bar(
            open_ns, prices[0], max(prices), min(prices), prices[3], wire.not_negative(row[5])
        )
    return [found[key] for key in sorted(found)]


def balances(data: Any) -> dict[str, tuple[Decimal, Decimal]]:
    """Free and held by currency: ``[{"currency":"BTC","free":"0.248","frozen":"0"}]``."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for each in wire.rows(data):
        row = wire.record(each)
        currency = wire.text(row.get("currency")).upper()
        if not currency:
            raise ValueError("a balance without a currency")
        free, held = found.get(currency, (Decimal(0), Decimal(0)))
        found[currency] = (
            free + (wire.maybe_number(row.get("free")) or Decimal(0)),
            held + wire.not_negative(row.get("frozen")),
        )
    return found
