"""The rows of the blotter's orders and fills, and their columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderState
from terminal.domain.worth import worth
from terminal.viewmodels import format as fmt
from terminal.viewmodels.account import sign_tone
from terminal.viewmodels.amounts import size_text, units_text
from terminal.viewmodels.contract_words import fill_result, fill_side, profit_text
from terminal.viewmodels.tables import Action, Column

_ROLES: dict[bool | None, str] = {True: "maker", False: "taker", None: ""}

CANCEL = Action("cancel", "Cancel", "Ask the venue to cancel this order (Del)")
CHECK = Action("check", "Check now", "Ask the venue at once what became of it")
TREAT_AS_LIVE = Action("treat_as_live", "Treat as live", "Take it for open; the next comparison proves it")
SETTLE = Action("settle", "Not there", "The venue plainly does not know it: settle it as never arrived")


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as the blotter shows it. Quantities in base units, prices in quote per base.

    ``account_name``: the account as a person tells it from others. ``lot``: base units of a lot where the
    venue speaks of lots, else 1.
    """

    key: str
    account: str
    account_name: str
    symbol: str
    side: Side
    type_text: str
    quantity: Decimal
    filled: Decimal
    limit: Decimal | None
    trigger: Decimal | None
    average: Decimal | None
    price_decimals: int
    quantity_decimals: int
    lot: Decimal
    created_ns: int
    lifetime: str
    origin: str
    state: OrderState
    state_text: str
    state_tone: str
    reason: str
    is_open: bool
    editable: bool
    actions: tuple[Action, ...]
    comment: str = ""
    levels: str = ""
    """Stop and target in words; empty without them."""
    unit: str = ""
    """What the quantity counts, where that is not the coin of the symbol: the dollars of an inverse
    contract."""
    side_text: str = ""
    """``Buy`` or ``Sell``, of a contract its direction."""
    stake_in: str = ""
    """Of a fixed-payout contract: the currency of its stake, which is its quantity."""
    terms: str = ""
    """What was asked for, of a contract."""


def _side_tone(row: OrderRow) -> str:
    return "up" if row.side_text in ("Buy", "Up") else "down"


def _price_text(read: Callable[[OrderRow], Decimal | None]) -> Callable[[OrderRow], str]:
    return lambda row: "" if read(row) is None else fmt.price(read(row), row.price_decimals)


def _plain(read: Callable[[OrderRow], Decimal | None]) -> Callable[[OrderRow], str]:
    def text(row: OrderRow) -> str:
        value = read(row)
        return "" if value is None else format(value, "f")

    return text


def _size(quantity: Decimal, row: OrderRow) -> str:
    """In lots where the venue speaks of lots, else with all the digits of the market's step."""
    if row.stake_in:
        return fmt.money(quantity, row.stake_in)
    if row.lot != 1:
        return f"{fmt.quantity(quantity / row.lot)} lots"
    number = fmt.fixed(quantity, row.quantity_decimals)
    return f"{number} {row.unit}" if row.unit else number


def _units(row: OrderRow) -> str:
    return f"{fmt.quantity(row.quantity)} units" if row.lot != 1 else ""


def _comment_tip(row: OrderRow) -> str:
    comment = f"Comment: {row.comment}" if row.comment else ""
    return "\n".join(text for text in (row.terms, row.levels, comment) if text)


def _order_tip(row: OrderRow) -> str:
    place = f"{row.symbol} at {row.account_name}"
    return "\n".join(text for text in (place, _comment_tip(row)) if text)


ORDER_COLUMNS: tuple[Column[OrderRow], ...] = (
    Column("time", "Time", lambda r: fmt.time_of_day(r.created_ns), 70, sort=lambda r: r.created_ns,
           tone=lambda r: "muted", tip=lambda r: fmt.date_time(r.created_ns)),
    Column("symbol", "Symbol", lambda r: r.symbol, 108, tip=_order_tip),
    Column("venue", "Account", lambda r: r.account_name, 150, tone=lambda r: "muted",
           tip=lambda r: r.account_name),
    Column("side", "Side", lambda r: r.side_text, 46, tone=_side_tone),
    Column("type", "Type", lambda r: r.type_text, 120, tip=_comment_tip),
    Column("quantity", "Quantity", lambda r: _size(r.quantity, r), 96, number=True,
           sort=lambda r: r.quantity, editable=lambda r: r.editable,
           edit_text=_plain(lambda r: (r.quantity / r.lot).normalize()), tip=_units,
           title_tip="Double-click to change it at the venue"),
    Column("filled", "Filled", lambda r: _size(r.filled, r) if r.filled else "", 96,
           number=True, sort=lambda r: r.filled),
    Column("limit", "Price", _price_text(lambda r: r.limit), 92, number=True, sort=lambda r: r.limit,
           editable=lambda r: r.editable and r.limit is not None, edit_text=_plain(lambda r: r.limit),
           title_tip="Double-click to change it at the venue"),
    Column("trigger", "Trigger", _price_text(lambda r: r.trigger), 92, number=True, sort=lambda r: r.trigger,
           editable=lambda r: r.editable and r.trigger is not None, edit_text=_plain(lambda r: r.trigger)),
    Column("average", "Avg. fill", _price_text(lambda r: r.average), 92, number=True,
           sort=lambda r: r.average),
    Column("lifetime", "Life", lambda r: r.lifetime, 44, tone=lambda r: "muted"),
    Column("origin", "From", lambda r: r.origin, 64, tone=lambda r: "muted"),
    Column("state", "State", lambda r: r.state_text, 176, tone=lambda r: r.state_tone,
           tip=lambda r: r.reason),
    Column("actions", "", lambda r: "", 96, actions=lambda r: r.actions),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FillRow:
    """A fill as the blotter shows it; the fee in units of its asset, the account as a person tells it from
    others (the venue alone where a fill of an earlier day does not say whose it was)."""

    key: str
    fill: Fill
    account_name: str
    instrument: Instrument | None
    is_contract: bool = False
    """It opened or ended a fixed-payout contract."""
    sold_back: bool = False
    """The contract was given back before its end."""

    @property
    def price_decimals(self) -> int:
        """Digits of its price after the point."""
        return self.instrument.price_decimals if self.instrument is not None else 8

    @property
    def quote(self) -> str:
        """What the price is in."""
        return self.instrument.quote if self.instrument is not None else ""

    @property
    def size_text(self) -> str:
        """Lots where the venue speaks of lots, dollars of what counts dollars, of a contract its stake."""
        if self.is_contract:
            return fmt.money(self.fill.quantity, self.fill.fee_asset)
        if self.instrument is not None and (self.instrument.lot_size or self.instrument.is_inverse):
            return size_text(self.fill.quantity, self.instrument)
        return fmt.fixed(self.fill.quantity, 8)

    @property
    def side_text(self) -> str:
        """``Bought`` or ``Sold``; of a contract its direction, and whether this is its end."""
        if self.is_contract:
            return fill_side(self.fill)
        return "Bought" if self.fill.side is Side.BUY else "Sold"

    @property
    def result(self) -> str:
        """How a contract ended in a word; empty for all else."""
        return fill_result(self.fill, sold_back=self.sold_back) if self.is_contract else ""

    @property
    def result_text(self) -> str:
        """What closing brought: ``+12.50 USD``, of a contract ``won +8.70 USD``; empty where it opened."""
        profit = profit_text(self.fill.realised, self.fill.fee_asset)
        return f"{self.result} {profit}".strip()

    @property
    def tone(self) -> str:
        """Of the side: a contract's is that of its direction, also at its end."""
        rises = self.fill.side is Side.BUY
        if self.is_contract and self.fill.realised is not None:
            rises = not rises
        return "up" if rises else "down"

    @property
    def notional(self) -> Decimal | None:
        """What it was worth, in quote units; None of a contract, which is a stake and no quantity."""
        if self.is_contract:
            return None
        if self.instrument is None:
            return self.fill.price * self.fill.quantity
        return worth(self.instrument, self.fill.quantity, self.fill.price)


FILL_COLUMNS: tuple[Column[FillRow], ...] = (
    Column("time", "Time", lambda r: fmt.time_of_day(r.fill.ts_event_ns, fraction=3), 96,
           sort=lambda r: r.fill.ts_event_ns, tone=lambda r: "muted",
           tip=lambda r: fmt.date_time(r.fill.ts_event_ns)),
    Column("symbol", "Symbol", lambda r: r.fill.instrument.symbol, 108),
    Column("venue", "Account", lambda r: r.account_name, 150, tone=lambda r: "muted",
           tip=lambda r: r.account_name),
    Column("side", "Side", lambda r: r.side_text, 60, tone=lambda r: r.tone),
    Column("quantity", "Quantity", lambda r: r.size_text, 100, number=True, sort=lambda r: r.fill.quantity,
           tip=lambda r: "Stake" if r.is_contract else units_text(r.fill.quantity, r.instrument)),
    Column("price", "Price", lambda r: fmt.price(r.fill.price, r.price_decimals), 92, number=True,
           sort=lambda r: r.fill.price),
    Column("notional", "Total", lambda r: "" if r.is_contract else fmt.money(r.notional, r.quote), 120,
           number=True, sort=lambda r: r.notional),
    Column("result", "Result", lambda r: r.result_text, 150, number=True, sort=lambda r: r.fill.realised,
           tone=lambda r: sign_tone(r.fill.realised),
           title_tip="What a closing fill brought before its fee; how a contract ended"),
    Column("fee", "Fee", lambda r: fmt.money(r.fill.fee, r.fill.fee_asset, decimals=4), 110, number=True,
           sort=lambda r: r.fill.fee),
    Column("role", "Role", lambda r: _ROLES[r.fill.is_maker], 60, tone=lambda r: "muted"),
    Column("order", "Order", lambda r: r.fill.venue_order_id, 180, tone=lambda r: "muted",
           tip=lambda r: f"Fill {r.fill.fill_id}, order {r.fill.client_order_id or r.fill.venue_order_id}"),
)  # fmt: skip
