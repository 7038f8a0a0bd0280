"""Open positions on a chart: the entry line with its live profit, stop and target that can be dragged; and
running contracts from their entry to their end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Protocol

from PySide6.QtCore import QObject, Signal, SignalInstance

from terminal.domain.contracts import NS
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side
from terminal.domain.worth import break_even, profit
from terminal.services.positions import KEEP, Leg
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import beside_text, counted, pip_of
from terminal.viewmodels.ports import Place
from terminal.viewmodels.position_rows import SERVER, UNKNOWN, PositionRow


class LegKind(Enum):
    """Which protection of a position."""

    STOP = "SL"
    TARGET = "TP"


class Positions(Protocol):
    """What the chart asks of :class:`terminal.viewmodels.positions.PositionsViewModel`."""

    @property
    def changed(self) -> SignalInstance: ...

    def rows_of(self, instrument: InstrumentId, account: str) -> list[PositionRow]: ...
    def act(self, key: str, action: str) -> None: ...
    def protect(
        self, key: str, *, stop_loss: Leg = ..., take_profit: Leg = ..., asked: bool = ...
    ) -> None: ...
    def why_not(self, key: str, *, stop_loss: Leg = ..., take_profit: Leg = ...) -> str: ...


@dataclass(frozen=True, slots=True)
class LegLine:
    """A stop or target that stands at the venue. ``text`` holds what it would bring in money and pips."""

    kind: LegKind
    price: Decimal
    text: str
    badge: str = SERVER
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class PositionLine:
    """A position's entry."""

    row: PositionRow
    price: Decimal
    text: str
    """Side and size, open profit in money and pips."""
    legs: tuple[LegLine, ...]
    break_even: Decimal | None
    """Where it closes at nothing after swap and both commissions; None where that is the entry itself."""

    @property
    def key(self) -> str:
        return self.row.key

    @property
    def side(self) -> Side:
        return self.row.position.side

    def leg(self, kind: LegKind) -> LegLine | None:
        """The stop or the target, if it has one."""
        return next((leg for leg in self.legs if leg.kind is kind), None)


@dataclass(frozen=True, slots=True)
class DealLine:
    """A running contract: its entry price from when it opened to when it ends."""

    row: PositionRow
    price: Decimal
    opened_ns: int
    expires_ns: int
    """Both by the venue's clock, as bars are."""
    text: str
    """Direction and stake, where it stands and what that would bring, the countdown."""

    @property
    def key(self) -> str:
        return self.row.key

    @property
    def standing(self) -> int:
        """+1 in the money, -1 out of it, 0 at a tie or while that is unknown."""
        profit = self.row.profit
        return 0 if not profit else 1 if profit > 0 else -1


@dataclass(frozen=True, slots=True)
class LegGhost:
    """A stop or target on its way to a price, not sent yet."""

    line: PositionLine
    kind: LegKind
    price: Decimal
    text: str
    """Price, pips from the entry, money."""
    problem: str
    """Why it cannot be sent there; empty where it can."""


class ChartPositions(QObject):
    """What of one's open positions is drawn on a chart, and what the person does to it.

    Signals:
        changed: something to be drawn at once. wanted: positions changed; to be built at once.

    Attributes:
        lines: positions of this instrument and account, highest entry first.
        deals: running contracts of the same, the one that ends first in front.
        ghost: a stop or target being dragged.
    """

    changed = Signal()
    wanted = Signal()

    def __init__(
        self,
        positions: Positions,
        worth: Callable[[str, str, Decimal, str], Decimal | None],
        parent: QObject | None = None,
    ) -> None:
        """``worth``: (account, currency, amount, other currency) an amount in another currency, if known."""
        super().__init__(parent)
        self.lines: tuple[PositionLine, ...] = ()
        self.deals: tuple[DealLine, ...] = ()
        self.ghost: LegGhost | None = None
        self._positions = positions
        self._worth = worth
        self._instrument: Instrument | None = None
        self._place: Place | None = None
        positions.changed.connect(self.wanted)

    def show(self, instrument: Instrument | None, place: Place | None) -> None:
        """Show the positions of this instrument and account from now on."""
        self._instrument, self._place = instrument, place
        self.ghost = None

    def build(self) -> None:
        """Bring the lines up to date; called once a frame."""
        instrument, place = self._instrument, self._place
        if instrument is None or place is None:
            self.lines, self.deals = (), ()
            return
        rows = self._positions.rows_of(instrument.id, place.account)
        lines = [self._line(row, instrument) for row in rows if not row.is_contract]
        deals = [deal_of(row) for row in rows if row.is_contract]
        self.deals = tuple(sorted(deals, key=lambda deal: deal.expires_ns))
        self.lines = tuple(sorted(lines, key=lambda line: line.price, reverse=True))
        if self.ghost is not None:
            now = self._line_of(self.ghost.line.key)
            self.ghost = None if now is None else self._ghost(now, self.ghost.kind, self.ghost.price)

    def _line_of(self, key: str) -> PositionLine | None:
        return next((line for line in self.lines if line.key == key), None)

    def _line(self, row: PositionRow, instrument: Instrument) -> PositionLine:
        position = row.position
        arrow = "▲" if row.is_long else "▼"
        size = fmt.HIDDEN if row.hidden else row.size_text
        words = [f"{arrow} {size}", row.profit_text]
        if row.profit_worth:
            words.append(f"({row.profit_worth})")
        if row.is_by_mark:
            words[-1] += " at mark"
        if row.pips_text:
            words.append(row.pips_text)
        legs = []
        for kind, price in (
            (LegKind.STOP, position.protection.stop_loss),
            (LegKind.TARGET, position.protection.take_profit),
        ):
            if price is not None:
                text = f"{kind.value} {self._said(row, instrument, price)}"
                if kind is LegKind.STOP and position.protection.trailing:
                    text += " trailing"
                legs.append(LegLine(kind, price, text, waiting=row.stop_pending))
        return PositionLine(
            row, position.average_price, "  ".join(words), tuple(legs), self._break_even(row, instrument)
        )

    def _said(self, row: PositionRow, instrument: Instrument, price: Decimal) -> str:
        """What closing at a price would bring: pips, and money in the account's currency, on the basis of the
        open profit: net of swap and of the commission charged so far. Coins have beside them what they would
        be worth at that price."""
        position = row.position
        away = (price - position.average_price) * position.side.sign
        pip, word = pip_of(instrument)
        parts = []
        if pip:
            parts.append(counted(fmt.money(away / pip, decimals=1, signed=True), word))
        amount = profit(instrument, position.side, position.quantity, position.average_price, price)
        # An inverse contract pays in the coin, which is what the venue's own figures are in.
        paid_in = position.currency if instrument.is_inverse else instrument.quote
        if row.hidden:
            parts.append(fmt.HIDDEN)
        else:
            own = self._in_account(row, paid_in, amount)
            if own is not None:
                net = own + position.swap + position.commission
                parts.append(fmt.money(net, position.currency, decimals=row.money_decimals, signed=True))
                beside = beside_text(net, instrument, price, signed=True)
                if beside:
                    parts.append(f"({beside})")
            else:
                parts.append(f"{fmt.money(amount, paid_in, signed=True)} before costs")
        return "  ".join(parts)

    def _in_account(self, row: PositionRow, currency: str, amount: Decimal) -> Decimal | None:
        if not row.position.currency or row.position.currency == currency:
            return amount
        return self._worth(row.account, currency, amount, row.position.currency)

    def _break_even(self, row: PositionRow, instrument: Instrument) -> Decimal | None:
        position = row.position
        # Closing costs as much commission as opening did.
        costs = -(position.swap + 2 * position.commission)
        currency = position.currency or instrument.quote
        if currency != instrument.quote and not instrument.is_inverse:
            turned = self._worth(row.account, currency, costs, instrument.quote)
            if turned is None:
                return None
            costs = turned
        if not costs:
            return None
        return break_even(instrument, position.side, position.quantity, position.average_price, costs)

    # -- what a person does ---------------------------------------------------------------------------

    def act(self, line: PositionLine | DealLine, action: str) -> None:
        """``close``, ``reverse`` or ``double``; asks first where that is due. Closing a contract is giving
        it back."""
        self._positions.act(line.key, action)

    def drag(self, line: PositionLine, kind: LegKind, price: Decimal) -> None:
        """Show where a stop or target would go; nothing is sent."""
        now = self._line_of(line.key)
        if now is not None and self._instrument is not None and not now.row.stop_pending:
            self.ghost = self._ghost(now, kind, price)
            self.changed.emit()

    def _ghost(self, line: PositionLine, kind: LegKind, price: Decimal) -> LegGhost:
        assert self._instrument is not None
        said = self._said(line.row, self._instrument, price)
        shown = f"{kind.value} {fmt.price(price, line.row.price_decimals)}  {said}"
        stop, target = (price, KEEP) if kind is LegKind.STOP else (KEEP, price)
        problem = self._positions.why_not(line.key, stop_loss=stop, take_profit=target)
        return LegGhost(line, kind, price, shown, problem)

    def drop(self) -> None:
        """Ask the venue for the ghost's price; one that cannot be is taken back, with the reason shown."""
        ghost, self.ghost = self.ghost, None
        if ghost is not None:
            leg = ghost.line.leg(ghost.kind)
            if leg is None or leg.price != ghost.price:
                self._protect(ghost.line, ghost.kind, ghost.price)
            self.changed.emit()

    def remove(self, line: PositionLine, kind: LegKind) -> None:
        """Take a stop or target away; asks first."""
        self._protect(line, kind, None)

    def _protect(self, line: PositionLine, kind: LegKind, price: Decimal | None) -> None:
        if kind is LegKind.STOP:
            self._positions.protect(line.key, stop_loss=price)
        else:
            self._positions.protect(line.key, take_profit=price)

    def revert(self) -> None:
        """Give up a drag; nothing is sent."""
        if self.ghost is not None:
            self.ghost = None
            self.changed.emit()


def deal_of(row: PositionRow) -> DealLine:
    """A running contract's row as its line: ``▲ 10.00 USD  in +8.70 USD  00:42``, or ``▲ 10.00 USD  unknown
    the price is 12 s old  00:42``."""
    position, contract = row.position, row.position.contract
    assert contract is not None
    arrow = fmt.UP if row.is_long else fmt.DOWN
    size = fmt.HIDDEN if row.hidden else row.size_text
    if row.is_outcome_unknown:
        standing = "  ".join(each for each in (UNKNOWN, row.old_text) if each)
    else:
        standing = f"{row.money_word} {fmt.HIDDEN}" if row.hidden else row.profit_text
    begun = position.opened_ns
    if begun is None:
        begun = contract.expires_ns - contract.duration_s * NS
    text = "  ".join((f"{arrow} {size}", standing, row.left_text))
    return DealLine(row, position.average_price, begun, contract.expires_ns, text)
