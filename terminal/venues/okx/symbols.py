"""OKX's instrument ids and ours, and the size of a contract.

``BTC-USDT`` is ``BTC/USDT``, ``BTC-USDT-SWAP`` is ``BTC/USDT-PERP``, ``BTC-USDT-250808`` is
``BTC/USDT-250808`` (OKX v5, naming, 2026-07). OKX counts derivatives in contracts. Quantities in the terminal
are exact multiples of them: coins for linear contracts (``contracts x ctVal``), and for inverse ones the
currency of their face value (a contract of BTC-USD-SWAP is 100 USD), because their worth in coins changes
with the price.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from terminal.domain.decimals import decimals_of, parse_finite
from terminal.domain.errors import Unsupported
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.venues.okx.errors import VENUE_NAME
from terminal.venues.okx.wire import InstrumentRow

INST_TYPES: Final = ("SPOT", "SWAP", "FUTURES")
"""What is offered."""

_STATUS: Final = {
    "live": MarketStatus.ONLINE,
    "post_only": MarketStatus.POST_ONLY,
    "suspend": MarketStatus.CLOSED,
    "preopen": MarketStatus.CLOSED,
    "rebase": MarketStatus.CLOSED,
    "settling": MarketStatus.CLOSED,
    "test": MarketStatus.CLOSED,
}
_KIND: Final = {
    "SPOT": InstrumentKind.SPOT,
    "SWAP": InstrumentKind.PERPETUAL,
    "FUTURES": InstrumentKind.FUTURE,
}
_ONE: Final = Decimal(1)


def symbol_of(inst_id: str) -> str | None:
    """Our symbol for one of OKX's ids; None for options and event contracts."""
    parts = inst_id.split("-")
    if len(parts) == 2:
        return f"{parts[0]}/{parts[1]}"
    if len(parts) == 3 and parts[2] == "SWAP":
        return f"{parts[0]}/{parts[1]}-PERP"
    if len(parts) == 3 and len(parts[2]) == 6 and parts[2].isdigit():
        return f"{parts[0]}/{parts[1]}-{parts[2]}"
    return None


def inst_id_of(symbol: str) -> str:
    """OKX's id for one of our symbols.

    Raises:
        Unsupported: it names an option, or nothing that OKX could have.
    """
    base, slash, rest = symbol.partition("/")
    if not slash or not base or not rest:
        raise Unsupported("instrument", f"OKX has no instrument named {symbol}.")
    inst_id = f"{base}-{rest[:-5]}-SWAP" if rest.endswith("-PERP") else f"{base}-{rest}"
    if symbol_of(inst_id) is None:
        raise Unsupported(
            "options",
            "Options and event contracts of OKX are not offered: their prices and margins need a screen of "
            "their own.",
        )
    return inst_id


def inst_type_of(inst_id: str) -> str:
    """``SPOT``, ``SWAP`` or ``FUTURES``."""
    parts = inst_id.split("-")
    if len(parts) == 2:
        return "SPOT"
    return "SWAP" if parts[2] == "SWAP" else "FUTURES"


def inst_types(level: str) -> tuple[str, ...]:
    """By which types an account of this level (``acctLv``) tells its orders and fills. Spot that may be
    borrowed is told as ``MARGIN``, under the pair's own name."""
    return ("SPOT",) if level == "1" else ("SPOT", "MARGIN", *INST_TYPES[1:])


class Listing(NamedTuple):
    """What requests need of an instrument beside the domain's record."""

    inst_id: str
    inst_type: str
    code: int | None
    """``instIdCode``: names the instrument in WebSocket orders; None before its listing."""
    contract: Decimal | None
    """Our units in one contract; None for spot, which is counted in coins."""
    group: str
    """Fee group."""
    settle: str
    trade_quotes: tuple[str, ...]


class SymbolMap:
    """What OKX lists, under its names and ours."""

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument] = {}
        self._listings: dict[str, Listing] = {}
        self._ids: dict[str, InstrumentId] = {}
        self.learned: set[str] = set()
        """The instrument types whose list has been read."""

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(self._instruments.values())

    def instrument(self, symbol: str) -> Instrument | None:
        return self._instruments.get(symbol)

    def instrument_id(self, symbol: str) -> InstrumentId:
        """One and the same object for a symbol, so that tables find it by identity first."""
        found = self._ids.get(symbol)
        if found is None:
            found = self._ids[symbol] = InstrumentId(VENUE_NAME, symbol)
        return found

    def id_of(self, inst_id: str) -> InstrumentId:
        """The domain's id for OKX's. Raises ValueError where it is not one that is offered."""
        symbol = symbol_of(inst_id)
        if symbol is None:
            raise ValueError(f"not an instrument that is offered: {inst_id[:40]!r}")
        return self.instrument_id(symbol)

    def listing(self, inst_id: str) -> Listing | None:
        return self._listings.get(inst_id)

    def is_inverse(self, inst_id: str) -> bool:
        symbol = symbol_of(inst_id)
        found = self._instruments.get(symbol) if symbol is not None else None
        return found is not None and found.is_inverse

    def contract(self, inst_id: str) -> Decimal | None:
        """Our units in one contract; None for spot.

        Raises:
            ValueError: a derivative that OKX has not described to us.
        """
        found = self._listings.get(inst_id)
        if found is not None:
            return found.contract
        if inst_type_of(inst_id) == "SPOT":
            return None
        raise ValueError(f"unknown contract {inst_id[:40]!r}")

    def to_quantity(self, inst_id: str, size: Decimal) -> Decimal:
        """OKX's size (coins of spot, contracts else) in our units."""
        contract = self.contract(inst_id)
        return size if contract is None else size * contract

    def to_size(self, inst_id: str, quantity: Decimal) -> Decimal:
        """Our quantity as OKX's size.

        Raises:
            Unsupported: it is no exact number of contracts, or the contract is not known.
        """
        try:
            contract = self.contract(inst_id)
        except ValueError as error:
            raise Unsupported("instrument", f"OKX has no contract {inst_id}.") from error
        if contract is None:
            return quantity
        size = quantity / contract
        if size * contract != quantity:
            unit = symbol_of(inst_id) or inst_id
            raise Unsupported(
                "quantity", f"One contract of {unit} is {contract}: quantity is no multiple of it."
            )
        return size

    def learn(self, rows: Iterable[InstrumentRow]) -> tuple[Instrument, ...]:
        """Take rows of ``instruments``; returns the instruments that are new or differ.

        Options, event contracts and rows with figures that cannot be are left out.
        """
        changed = []
        for row in rows:
            symbol = symbol_of(row.instId)
            if symbol is None or row.instType not in _KIND:
                continue
            try:
                fresh, listing = self._read(symbol, row)
            except (ValueError, ArithmeticError):
                continue
            self._listings[row.instId] = listing
            if fresh != self._instruments.get(symbol):
                self._instruments[symbol] = fresh
                changed.append(fresh)
        return tuple(changed)

    def _read(self, symbol: str, row: InstrumentRow) -> tuple[Instrument, Listing]:
        base, quote = row.instId.split("-")[:2]
        quote = quote.partition("_")[0]
        tick, lot, least = _positive(row.tickSz), _positive(row.lotSz), _positive(row.minSz)
        contract: Decimal | None = None
        inverse = False
        about = ""
        if row.instType != "SPOT":
            contract = _positive(row.ctVal) * (_positive(row.ctMult) if row.ctMult else _ONE)
            inverse = row.ctType == "inverse"
            what = "perpetual swap" if row.instType == "SWAP" else "future"
            unit = row.ctValCcy or (quote if inverse else base)
            about = f"{base} {what}, one contract is {contract.normalize():f} {unit}"
            if inverse:
                about += f"; quantity in {unit}, settled in {row.settleCcy or base}"
                base = unit
        each = contract or _ONE
        step = (lot * each).normalize()
        largest = parse_finite(row.maxLmtSz) * each if row.maxLmtSz else None
        instrument = Instrument(
            id=self.instrument_id(symbol),
            venue_symbol=row.instId,
            kind=_KIND[row.instType],
            base=base,
            quote=quote,
            tick_size=tick,
            quantity_step=Decimal(f"{step:f}"),
            min_quantity=least * each,
            max_quantity=largest if largest else None,
            price_decimals=decimals_of(tick),
            quantity_decimals=decimals_of(step),
            status=_STATUS.get(row.state, MarketStatus.UNKNOWN),
            status_text=row.state,
            marginable=contract is not None or bool(row.lever),
            description=about,
            can_sell_short=contract is not None,
            is_inverse=inverse,
            max_leverage=_positive(row.lever) if contract is not None and row.lever else None,
        )
        listing = Listing(
            inst_id=row.instId,
            inst_type=row.instType,
            code=row.instIdCode,
            contract=contract,
            group=row.groupId,
            settle=row.settleCcy,
            trade_quotes=tuple(row.tradeQuoteCcyList),
        )
        return instrument, listing


def _positive(text: str) -> Decimal:
    value = parse_finite(text)
    if value <= 0:
        raise ValueError(f"not above zero: {value}")
    return value
