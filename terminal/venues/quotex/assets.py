"""Quotex's asset table as instruments: names, payouts, open or closed.

Most columns of a row are unknown, and rows have grown over time: only those that are known are read, the
payouts by length counted from the end (web terminal, ``instruments/list``).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from terminal.domain.contracts import ContractOffer
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.venues.quotex import PERIODS_S
from terminal.venues.quotex.errors import VENUE_NAME

log = logging.getLogger("venue.quotex")

_ID, _SYMBOL, _NAME, _CLASS, _DIGITS, _PAYOUT = range(6)
_OPEN: Final = 14
_LEAST_COLUMNS: Final = 15
_WHOLE_COLUMNS: Final = 25
_BY_LENGTH: Final = ((60, -9), (300, -8), (86_400, -10))
"""Length in seconds -> the column of its payout."""
_CLASSES: Final = {
    "currency": "Forex",
    "crypto": "Crypto",
    "cryptocurrency": "Crypto",
    "commodity": "Commodities",
    "stock": "Stocks",
    "index": "Indices",
}
_OTC: Final = "_otc"
_OTC_MARK: Final = re.compile(r"\s*\(OTC\)\s*$", re.IGNORECASE)
_LEAST_STAKE: Final = Decimal(1)
_CENT: Final = Decimal("0.01")
_SHORTEST_CLOCK_S: Final = 60
_MOST_PAYOUT: Final = 1000


class Assets:
    """The table as last told; its instruments by Quotex's symbol and by ours."""

    def __init__(self, currency: str = "USD") -> None:
        self.currency = currency
        self.on_unlisted: Callable[[Instrument], object] = lambda instrument: None
        """Told of an asset that a deal names and the table does not."""
        self._by_wire: dict[str, Instrument] = {}
        self._by_symbol: dict[str, Instrument] = {}
        self._rows: dict[str, Sequence[Any]] = {}
        self.unreadable = 0

    def __len__(self) -> int:
        return len(self._by_wire)

    def all(self) -> Sequence[Instrument]:
        """Every asset."""
        return tuple(self._by_wire.values())

    def by_wire(self, symbol: object) -> Instrument | None:
        """By Quotex's own name, e.g. ``EURUSD_otc``."""
        return self._by_wire.get(symbol) if isinstance(symbol, str) else None

    def by_symbol(self, symbol: str) -> Instrument | None:
        """By the name on screen, e.g. ``EUR/USD OTC``."""
        return self._by_symbol.get(symbol)

    def row(self, symbol: str) -> Sequence[Any]:
        """The row of an asset as it came; empty for one that the table does not have."""
        instrument = self._by_symbol.get(symbol)
        return () if instrument is None else tuple(self._rows.get(instrument.venue_symbol, ()))

    def unlisted(self, symbol: object, price: Decimal) -> Instrument | None:
        """An asset that a deal runs on and that the table does not have (any more): closed, without an offer,
        its digits those of the deal's price, so that the money on it is seen. None for what is no name, and
        as long as no table came."""
        if not isinstance(symbol, str) or not symbol or not self._by_wire:
            return None
        exponent = price.as_tuple().exponent
        digits = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        instrument = Instrument(
            id=InstrumentId(VENUE_NAME, symbol),
            venue_symbol=symbol,
            kind=InstrumentKind.CONTRACT,
            base=symbol,
            quote=self.currency,
            tick_size=Decimal(1).scaleb(-digits),
            quantity_step=_CENT,
            min_quantity=_LEAST_STAKE,
            price_decimals=digits,
            quantity_decimals=2,
            status=MarketStatus.CLOSED,
            description="Not on Quotex's list now",
        )
        log.warning("a deal on %s, which is not listed", symbol)
        self._put(symbol, instrument)
        self.on_unlisted(instrument)
        return instrument

    def set_currency(self, currency: str) -> tuple[Instrument, ...]:
        """The account's money is known (or another one): the offers that change with it."""
        if not currency or currency == self.currency:
            return ()
        self.currency = currency
        changed = []
        for wire, known in list(self._by_wire.items()):
            if known.offer is not None:
                new = replace(known, offer=replace(known.offer, currency=currency))
                self._put(wire, new)
                changed.append(new)
        return tuple(changed)

    def take(self, rows: object) -> tuple[Instrument, ...]:
        """Read the table; what is new or has changed. A single row may come without its table."""
        if not isinstance(rows, list):
            self.unreadable += 1
            return ()
        if len(rows) >= _LEAST_COLUMNS and isinstance(rows[_SYMBOL], str):
            rows = [rows]
        changed: list[Instrument] = []
        told: set[str] = set()
        unreadable = self.unreadable
        for row in rows:
            read = self._read(row)
            if read is None:
                self.unreadable += 1
                log.warning("an asset that cannot be read: %.80r", row)
                continue
            wire, instrument = read
            self._rows[wire] = row
            told.add(wire)
            if self._by_wire.get(wire) != instrument:
                self._put(wire, instrument)
                changed.append(instrument)
        # A few rows may come alone; a table that is whole and does not have an asset has it no more.
        if self.unreadable == unreadable and 2 * len(told) > len(self._by_wire):
            changed += self._close(self._by_wire.keys() - told)
        return tuple(changed)

    def _close(self, wires: Iterable[str]) -> list[Instrument]:
        """Assets that are not listed any more: nothing is bought on them, and what runs is still seen."""
        gone = [known for wire in wires if (known := self._by_wire[wire]).status is not MarketStatus.CLOSED]
        closed = [replace(known, status=MarketStatus.CLOSED) for known in gone]
        for known in closed:
            log.warning("%s is not listed any more", known.symbol)
            self._put(known.venue_symbol, known)
        return closed

    def _put(self, wire: str, instrument: Instrument) -> None:
        self._by_wire[wire] = instrument
        self._by_symbol[instrument.symbol] = instrument

    def _read(self, row: Any) -> tuple[str, Instrument] | None:
        if not isinstance(row, list) or len(row) < _LEAST_COLUMNS:
            return None
        wire, name = row[_SYMBOL], row[_NAME]
        if not isinstance(wire, str) or not wire or not isinstance(name, str):
            return None
        payout = _percent(row[_PAYOUT])
        if payout is None or not isinstance(row[_OPEN], bool | int):
            return None
        is_otc = wire.lower().endswith(_OTC)
        title = _OTC_MARK.sub("", " ".join(name.split())) or wire
        symbol = f"{title} OTC" if is_otc else title
        taken = self._by_symbol.get(symbol)
        if taken is not None and taken.venue_symbol != wire:
            symbol = wire
        base, slash, quote = title.partition("/")
        digits = row[_DIGITS] if isinstance(row[_DIGITS], int) and 0 <= row[_DIGITS] <= 10 else 5
        clock_s = tuple(each for each in PERIODS_S if each >= _SHORTEST_CLOCK_S)
        lengths = PERIODS_S if is_otc else clock_s
        told = _told_payouts(row)
        offer = ContractOffer(
            currency=self.currency,
            payout_pct=payout,
            min_stake=_LEAST_STAKE,
            max_stake=None,
            # Only prices of its own making are traded by the second; the others end at a line of the clock.
            timed_s=PERIODS_S if is_otc else (),
            clock_s=clock_s,
            payouts_pct=_payouts(told, lengths),
            untold_s=tuple(each for each in lengths if told and each not in dict(told)),
            is_house_quoted=is_otc,
            sells_back=True,
            can_wait=True,
        )
        return wire, Instrument(
            id=InstrumentId(VENUE_NAME, symbol),
            venue_symbol=wire,
            kind=InstrumentKind.CONTRACT,
            base=base.strip() if slash else title,
            quote=quote.strip() if slash else self.currency,
            tick_size=Decimal(1).scaleb(-digits),
            quantity_step=_CENT,
            min_quantity=_LEAST_STAKE,
            price_decimals=digits,
            quantity_decimals=2,
            status=MarketStatus.ONLINE if row[_OPEN] else MarketStatus.CLOSED,
            description="Priced by Quotex itself" if is_otc else "",
            category=_CLASSES.get(str(row[_CLASS]).lower(), str(row[_CLASS])[:40]),
            offer=offer,
        )


def _told_payouts(row: list[Any]) -> list[tuple[int, Decimal]]:
    """The lengths whose payout a row tells, ascending."""
    found = ((seconds, _percent(row[column])) for seconds, column in _BY_LENGTH if len(row) >= _WHOLE_COLUMNS)
    return [(seconds, percent) for seconds, percent in found if percent]


def _payouts(told: list[tuple[int, Decimal]], lengths: tuple[int, ...]) -> tuple[tuple[int, Decimal], ...]:
    """For each length. Between two whose payouts are told it is the lower of the two: what is paid there is
    known only afterwards, and no more may be promised than that."""
    if not told:
        return ()
    out = []
    for length in lengths:
        below = [percent for seconds, percent in told if seconds <= length][-1:]
        above = [percent for seconds, percent in told if seconds >= length][:1]
        out.append((length, min(below + above)))
    return tuple(out)


def _percent(value: object) -> Decimal | None:
    """A payout as a plain per cent; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    percent = Decimal(value)
    return percent if percent.is_finite() and 0 <= percent <= _MOST_PAYOUT else None
