"""A position and an account as rows of the blotter: their columns, figures and words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from terminal.domain.account import AccountFigures, AccountInfo, Position
from terminal.domain.contract_rules import duration_text
from terminal.domain.contracts import outcome
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import Protection
from terminal.domain.rules import plain
from terminal.domain.worth import break_even
from terminal.viewmodels import format as fmt
from terminal.viewmodels.account import sign_tone
from terminal.viewmodels.amounts import counted
from terminal.viewmodels.tables import Action, Column

SERVER = "SERVER"
"""The badge of a protection that the venue keeps: it survives closing the terminal."""
NONE = "none"
UNKNOWN = "unknown"
"""How a contract stands while no current price tells it."""

CLOSE = Action("close", "Close", "Close the whole position at the market")
HALF = Action("half", "Half", "Close half of it at the market")
REVERSE = Action("reverse", "Reverse", "Close it and open as much on the other side")
USE = Action("use", "Trade here", "Orders go to this account from now on")
OPEN = Action("open", USE.text, "Opens it in place of the account that is open now; orders go to it then")
HISTORY = Action("history", "History", "Ended orders, deals and cash flow")
MARGIN_CALLS = Action("margin_calls", "Margin call levels…", "At which levels the venue warns", in_row=False)
SHOW = Action("show", "Show this account", "Not shown: nothing of it is streamed or counted", checked=False)
HIDE = Action("hide", "Show this account", "Shown in all tabs and totals", checked=True)
STAYS = replace(HIDE, enabled=False)
DOUBLE = Action("double", "Double", "Add as much again at the market")
GIVE_BACK = Action(CLOSE.key, "Give back", "End this contract now, for what the venue pays for it")


def is_by_mark(position: Position) -> bool:
    """Whether the venue counts a position's open profit by its mark price."""
    return bool(position.margin_mode)


def mark_price(position: Position, instrument: Instrument | None) -> Decimal | None:
    """The mark price by which the venue has worked out a position's open profit: the one where it is as much;
    None where that cannot be told."""
    if instrument is None or position.unrealised is None or position.currency != instrument.settled_in:
        return None
    return break_even(
        instrument, position.side, position.quantity, position.average_price, position.unrealised
    )


@dataclass(frozen=True, slots=True)
class PositionRow:
    """A position as the blotter and the chart show it. Money in the account's currency."""

    key: str
    account: str
    account_title: str
    badge: str
    position: Position
    size_text: str
    units_text: str
    price_decimals: int
    now: Decimal | None
    """At which it could be closed now."""
    pips: Decimal | None
    pip_word: str
    stop_pending: bool
    hidden: bool
    can_move_margin: bool = False
    """It has a margin of its own, which can be changed."""
    money_decimals: int = 2
    """Digits of its money: an inverse contract's is a coin, of which a cent is too much to round to."""

    funding_text: str = ""
    """What the next funding costs or brings; empty where there is none, or nothing current is known."""
    profit_worth: str = ""
    """What an open profit in coins is worth now: ``≈ +12.00 USD``; empty where it is quote money."""
    left_s: float | None = None
    """Of a contract: seconds until it ends, by the clock of its venue."""
    is_price_old: bool = False
    """Of a contract: nothing proves that its price still holds."""
    price_age_s: float | None = None
    """Seconds since that price came, where it is old; None where none came."""

    @property
    def is_long(self) -> bool:
        return self.position.side is Side.BUY

    @property
    def is_by_mark(self) -> bool:
        """Its open profit is by the venue's mark price, not by what closing it would bring now, and its
        distance with it."""
        return is_by_mark(self.position)

    @property
    def is_contract(self) -> bool:
        """It has a stake, an end and a fixed payout instead of a size and a market to close it at."""
        return self.position.contract is not None

    @property
    def side_text(self) -> str:
        """``Long`` or ``Short``; of a contract ``Up`` or ``Down``."""
        if self.is_contract:
            return "Up" if self.is_long else "Down"
        return "Long" if self.is_long else "Short"

    @property
    def is_outcome_unknown(self) -> bool:
        """Of a contract: its price may have moved unseen, or it has ended and its result is not told."""
        return self.is_contract and (self.now is None or self.is_price_old or self.left_s == 0)

    @property
    def old_text(self) -> str:
        """``the price is 12 s old``, of a contract whose price nothing proves; empty where it is current."""
        if not self.is_price_old:
            return ""
        return (
            "there is no price"
            if self.price_age_s is None
            else f"the price is {fmt.age(self.price_age_s)} old"
        )

    @property
    def unknown_text(self) -> str:
        """Why it cannot be said how a contract stands; empty where it can."""
        if not self.is_outcome_unknown:
            return ""
        return "its result is due" if self.left_s == 0 else self.old_text or "there is no price"

    @property
    def profit(self) -> Decimal | None:
        """Open profit as the venue says it; of a contract what it would bring if it ended now, None while
        that cannot be said."""
        position, contract = self.position, self.position.contract
        if contract is None:
            return position.unrealised
        if self.is_outcome_unknown or self.now is None:
            return None
        moved = (self.now - position.average_price) * position.side.sign
        return outcome(position.quantity, contract.payout_pct, moved)

    @property
    def money_word(self) -> str:
        """Where the price of a contract stands: ``in`` or ``out`` of the money, or at a ``tie``."""
        if not self.is_contract or self.profit is None:
            return ""
        return "in" if self.profit > 0 else "out" if self.profit < 0 else "tie"

    @property
    def left_text(self) -> str:
        """The countdown to a contract's end; empty for others."""
        if self.left_s is None:
            return ""
        return fmt.countdown(self.left_s) if self.left_s > 0 else "result due"

    @property
    def profit_text(self) -> str:
        """Open profit in money, with its sign; of a contract where it stands: ``in +8.70 USD``, or
        ``unknown``."""
        if self.hidden:
            return fmt.HIDDEN
        position = self.position
        if self.is_outcome_unknown:
            return UNKNOWN
        if self.is_contract:
            return f"{self.money_word} {fmt.money(self.profit, position.currency, signed=True)}".strip()
        return fmt.money(position.unrealised, position.currency, decimals=self.money_decimals, signed=True)

    @property
    def pips_text(self) -> str:
        """Open profit in pips (or ticks), with its sign."""
        return (
            "" if self.pips is None else counted(fmt.money(self.pips, decimals=1, signed=True), self.pip_word)
        )


def _money(row: PositionRow, value: Decimal | None) -> str:
    if value is None:
        return ""
    return fmt.HIDDEN if row.hidden else fmt.money(value, decimals=row.money_decimals)


def leg_text(row: PositionRow, price: Decimal | None) -> str:
    """A price of the row's instrument; empty where there is none."""
    return "" if price is None else fmt.price(price, row.price_decimals)


def _stop_text(row: PositionRow) -> str:
    if row.is_contract:
        return ""
    protection = row.position.protection
    if protection.stop_loss is None:
        return NONE
    words = [leg_text(row, protection.stop_loss)]
    if protection.trailing:
        words.append("trailing")
    if protection.guaranteed:
        words.append("guaranteed")
    return " ".join(words)


def _target_text(row: PositionRow) -> str:
    if row.is_contract:
        return ""
    return leg_text(row, row.position.protection.take_profit) or NONE


def _kept_text(row: PositionRow) -> str:
    if row.is_contract:
        return ""
    return NONE if row.position.protection.is_empty else SERVER


def _can_move_legs(row: PositionRow) -> bool:
    return not row.stop_pending and not row.is_contract


def _charge(read: Callable[[Position], Decimal]) -> Callable[[PositionRow], str]:
    """Swap or commission; a contract knows neither."""
    return lambda row: "" if row.is_contract else _money(row, read(row.position))


def can_end_now(row: PositionRow) -> bool:
    """Whether a person can end it at will: every position, and a contract that is taken back."""
    contract = row.position.contract
    return contract is None or (contract.sells_back and bool(row.left_s))


def row_actions(row: PositionRow) -> tuple[Action, ...]:
    """What can be done with a position: a contract runs to its end, or is given back where it can be."""
    if not row.is_contract:
        return (CLOSE, HALF, REVERSE, DOUBLE)
    return (GIVE_BACK,) if can_end_now(row) else ()


def contract_tip(row: PositionRow) -> str:
    """A running contract in words: its length and end, what it pays, and what a tie does."""
    contract = row.position.contract
    if contract is None:
        return ""
    early = "It can be given back before." if contract.sells_back else "It cannot be given back before."
    length, ends = duration_text(contract.duration_s), fmt.time_of_day(contract.expires_ns)
    return (
        f"{row.side_text} for {length}, ends {ends}\n"
        f"A win pays {plain(contract.payout_pct)} % on top of the stake; a tie gives the stake back.\n{early}"
    )


def _stop_tip(row: PositionRow) -> str:
    if row.is_contract:
        return ""
    if row.position.protection.stop_loss is None:
        return "No stop loss: what can be lost is not limited. Double-click to set one."
    return (
        f"{SERVER}: kept by the venue, also while the terminal is off. Double-click to move; empty removes."
    )


def _edit_leg(read: Callable[[Protection], Decimal | None]) -> Callable[[PositionRow], str]:
    def text(row: PositionRow) -> str:
        value = read(row.position.protection)
        return "" if value is None else format(value, "f")

    return text


def _position_tip(row: PositionRow) -> str:
    position = row.position
    lines = [position.instrument.symbol, f"Position {position.position_id}"]
    if position.commission:
        lines.append(f"Commission so far: {_money(row, position.commission)} {position.currency}".rstrip())
    if position.comment:
        lines.append(f"Comment: {position.comment}")
    lines += [text for text in (contract_tip(row), _backing(row), row.funding_text) if text]
    return "\n".join(lines)


def _distance_text(row: PositionRow) -> str:
    """In pips or ticks; where the price is not current, its age, for a distance to it says nothing."""
    if row.is_price_old and row.price_age_s is not None:
        return f"{fmt.age(row.price_age_s)} old"
    return row.pips_text


def _pnl_tone(row: PositionRow) -> str:
    if row.is_outcome_unknown:
        return "muted"
    return "" if row.hidden else sign_tone(row.profit)


def _profit_tip(row: PositionRow) -> str:
    if row.is_outcome_unknown:
        return f"How the contract stands is not known: {row.unknown_text}."
    if row.is_contract:
        return "What the contract would bring if it ended at the price now"
    lines = [
        row.profit_worth,
        "At the mark price, before fees and funding" if row.position.margin_mode else "",
    ]
    return "\n".join(line for line in lines if line)


def _backing(row: PositionRow) -> str:
    """``10x cross, liquidation at 83 160.0``: what backs a position, and where the venue would close it."""
    position = row.position
    parts = []
    if position.leverage is not None:
        parts.append(f"{fmt.quantity(position.leverage, 2)}x {position.margin_mode}".strip())
    if position.borrowed_asset and position.borrowed is not None:
        owed = fmt.HIDDEN if row.hidden else fmt.quantity(position.borrowed, 8)
        parts.append(f"{owed} {position.borrowed_asset} borrowed")
    if position.liquidation_price is not None:
        parts.append(f"liquidation at {leg_text(row, position.liquidation_price)}, as the venue says now")
    return ", ".join(parts)


def _margin_tip(row: PositionRow) -> str:
    lines = [_backing(row), "Double-click to add to it or to take from it" if row.can_move_margin else ""]
    return "\n".join(line for line in lines if line)


def _edit_margin(row: PositionRow) -> str:
    margin = row.position.margin
    return "" if margin is None or row.hidden else format(margin, "f")


POSITION_COLUMNS: tuple[Column[PositionRow], ...] = (
    Column("symbol", "Symbol", lambda r: r.position.instrument.symbol, 114,
           tip=_position_tip),
    Column("account", "Account", lambda r: r.account_title, 104, tone=lambda r: "muted", grows=True,
           tip=lambda r: f"{r.badge}: {r.account_title}"),
    Column("side", "Side", lambda r: r.side_text, 46,
           tone=lambda r: "up" if r.is_long else "down"),
    Column("size", "Size", lambda r: fmt.HIDDEN if r.hidden else r.size_text, 84, number=True,
           sort=lambda r: r.position.quantity, tip=lambda r: "" if r.hidden else r.units_text),
    Column("entry", "Entry", lambda r: fmt.price(r.position.average_price, r.price_decimals), 84,
           number=True, sort=lambda r: r.position.average_price),
    Column("now", "Now", lambda r: leg_text(r, r.now), 84, number=True, sort=lambda r: r.now,
           tone=lambda r: "muted" if r.is_price_old else "",
           tip=lambda r: f"Not current: {r.old_text}." if r.old_text else "",
           title_tip="The price at which it could be closed"),
    Column("pnl", "Open PnL", lambda r: r.profit_text, 100, number=True,
           sort=lambda r: r.profit,
           tone=_pnl_tone,
           tip=_profit_tip,
           title_tip="As the venue says it: perpetuals and futures by its mark price, others by the price at "
           "which they could be closed, net of swap and commission where these are charged at the end. Of a "
           "contract: in or out of the money, and what it would bring if it ended at the price now"),
    Column("ends", "Ends in", lambda r: r.left_text, 76, number=True, sort=lambda r: r.left_s,
           tip=contract_tip, title_tip="Time until a contract ends by itself, by the clock of its venue"),
    Column("pips", "Distance", _distance_text, 102, number=True, sort=lambda r: r.pips,
           tone=lambda r: "muted" if r.is_price_old else sign_tone(r.pips),
           tip=lambda r: "To the mark price, by which the open profit is counted" if r.is_by_mark else "",
           title_tip="From the entry to the price at which it could be closed, or to the mark price where "
           "the open profit goes by that, in your favour: in pips where the venue speaks of them, else in "
           "ticks"),
    Column("stop", "Stop loss", _stop_text, 84, number=True, sort=lambda r: r.position.protection.stop_loss,
           editable=_can_move_legs, edit_text=_edit_leg(lambda p: p.stop_loss),
           tone=lambda r: "muted" if r.stop_pending or r.position.protection.stop_loss is None else "",
           tip=_stop_tip, title_tip="Double-click to move it; kept by the venue (SERVER)"),
    Column("target", "Take profit", _target_text, 88,
           number=True, sort=lambda r: r.position.protection.take_profit,
           editable=_can_move_legs, edit_text=_edit_leg(lambda p: p.take_profit),
           tone=lambda r: "muted" if r.stop_pending or r.position.protection.take_profit is None else "",
           title_tip="Double-click to move it; kept by the venue (SERVER)"),
    Column("kept", "Kept by", _kept_text, 62,
           tone=lambda r: "muted" if r.position.protection.is_empty else "",
           title_tip="Where stop and target live: SERVER survives closing the terminal"),
    Column("swap", "Swap / funding", _charge(lambda p: p.swap), 90, number=True,
           sort=lambda r: r.position.swap,
           title_tip="Overnight interest or funding so far; minus costs you"),
    Column("commission", "Commission", _charge(lambda p: p.commission), 92, number=True,
           sort=lambda r: r.position.commission),
    Column("margin", "Margin", lambda r: _money(r, r.position.margin), 74, number=True,
           sort=lambda r: r.position.margin, tip=_margin_tip, editable=lambda r: r.can_move_margin,
           edit_text=_edit_margin),
    Column("liquidation", "Liquidation", lambda r: leg_text(r, r.position.liquidation_price), 84, number=True,
           sort=lambda r: r.position.liquidation_price, tip=_backing,
           title_tip="Where the venue would close it by itself, as it says; moves with all that backs it"),
    Column("actions", "", lambda r: "", 244, actions=row_actions),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """An account as the composition knows it."""

    account: str
    venue: str
    badge: str
    is_active: bool
    can_choose: bool
    has_margin_calls: bool = False
    hidden: AccountInfo | None = None
    """What is known of an account that is not shown; None: it is."""
    name: str = ""
    """How a person knows it where its venue gives it no title: ``OKX practice``."""
    is_real: bool = False
    """It holds real money: neither practice nor a broker's demo account."""
    title: str = ""
    """What its venue calls it; empty where it has no title."""
    one_at_a_time: bool = False
    """Of the accounts of its sign-in one is open: opening it leaves another."""
    has_contracts: bool = False
    """What it trades are fixed-payout contracts."""


def counted_text(entries: Sequence[AccountEntry]) -> str:
    """``6 accounts open, 3 not shown`` where some are not shown, and so in no total; else empty. Beside real
    money no practice account is in the total, and none is spoken of."""
    shown, hidden = _counted(entries)
    if not hidden:
        return ""
    return f"{len(shown)} account{'' if len(shown) == 1 else 's'} open, {len(hidden)} not shown"


def counted_tip(entries: Sequence[AccountEntry]) -> str:
    """The accounts that :func:`counted_text` speaks of, by name; empty where it says nothing."""
    shown, hidden = _counted(entries)
    if not hidden:
        return ""
    names = [", ".join(entry.name or entry.title for entry in part) for part in (shown, hidden)]
    return f"In the total: {names[0] or 'none'}\nNot shown, and in no total: {names[1]}"


def _counted(entries: Sequence[AccountEntry]) -> tuple[list[AccountEntry], list[AccountEntry]]:
    """Those in the total, and those of their kind that are not shown."""
    has_real = any(entry.is_real for entry in entries if entry.hidden is None)
    counted = [entry for entry in entries if entry.is_real or not has_real]
    return [each for each in counted if each.hidden is None], [each for each in counted if each.hidden]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account of a connection. Money in the account's own currency."""

    key: str
    title: str
    badge: str
    venue: str
    kind: str
    figures: AccountFigures | None
    is_active: bool
    can_choose: bool
    note: str
    hidden: bool
    """Amounts are shown as dots."""
    is_shown: bool = True
    """False: it is listed so that it can be shown again, and nothing else is done with it."""
    stop_out: str = ""
    has_margin_calls: bool = False
    is_only: bool = False
    """Its connection has no other: it is always shown, and orders go to it."""
    opens_alone: bool = False
    """Of the accounts of its sign-in one is open at a time."""


def _figure(
    row: AccountRow, read: Callable[[AccountFigures], Decimal | None], *, signed: bool = False
) -> str:
    if row.figures is None:
        return ""
    value = read(row.figures)
    if value is None:
        return fmt.NOTHING
    return fmt.HIDDEN if row.hidden else fmt.money(value, row.figures.currency, signed=signed)


def _sort_figure(read: Callable[[AccountFigures], Decimal | None]) -> Callable[[AccountRow], Decimal | None]:
    return lambda row: None if row.figures is None else read(row.figures)


def _level(figures: AccountFigures) -> Decimal | None:
    """In the measure that the venue itself goes by."""
    return figures.margin_level if figures.maintenance_level is None else figures.maintenance_level


def _level_text(row: AccountRow) -> str:
    level = None if row.figures is None else _level(row.figures)
    return "" if level is None else fmt.percent(level, 0, signed=False)


def _level_tip(row: AccountRow) -> str:
    """Where the venue warns, and what it does after that."""
    if row.figures is None:
        return ""
    lines = []
    if row.figures.maintenance_level is not None:
        lines.append("Equity in per cent of the margin that keeps the positions open.")
    if row.figures.margin_calls:
        levels = ", ".join(f"{fmt.quantity(call, 2)}{fmt.THIN}%" for call in row.figures.margin_calls)
        lines.append(f"Margin calls at {levels}.")
    if row.figures.stop_out is not None:
        lines.append(f"Stop-out at {fmt.percent(row.figures.stop_out, 0, signed=False)}.")
    lines.append(row.stop_out)
    if row.has_margin_calls:
        lines.append("Other levels: right-click.")
    return "\n".join(line for line in lines if line)


def _account_tip(row: AccountRow) -> str:
    return "\n".join(text for text in (row.title, row.note, row.stop_out) if text)


def level_tone(figures: AccountFigures | None) -> str:
    """``warning`` below the first margin call, ``danger`` below the last; empty where all is well."""
    if figures is None or figures.margin_level is None or not figures.margin_calls:
        return ""
    if figures.margin_level <= min(figures.margin_calls):
        return "danger"
    return "warning" if figures.margin_level <= max(figures.margin_calls) else ""


def _show_actions(row: AccountRow) -> tuple[Action, ...]:
    if row.is_only:
        return ()
    if not row.is_shown:
        return (SHOW,)
    return (STAYS,) if row.is_active else (HIDE,)


def _row_actions(row: AccountRow) -> tuple[Action, ...]:
    if not row.is_shown:
        return (OPEN,) if row.opens_alone else ()
    actions = (USE, HISTORY) if row.can_choose else (HISTORY,)
    return (*actions, MARGIN_CALLS) if row.has_margin_calls else actions


_ALONE = "One account of this sign-in is open at a time; orders go to it."


def _show_tip(row: AccountRow) -> str:
    if row.is_only:
        return "The one account of its connection."
    if row.opens_alone:
        return _ALONE if row.is_shown else f"{_ALONE} A tick opens this one in its place."
    if row.is_active:
        return "Orders go to this account, so it is always shown. Choose another one to trade with first."
    return HIDE.tip if row.is_shown else SHOW.tip


ACCOUNT_COLUMNS: tuple[Column[AccountRow], ...] = (
    Column("active", "", lambda r: "●" if r.is_active else "", 24, title_tip="Orders go to this account"),
    Column("shown", "Show", lambda r: "shown" if r.is_shown else "hidden", 54, actions=_show_actions,
           tip=_show_tip, title_tip="Accounts without a tick are neither streamed nor counted"),
    Column("account", "Account", lambda r: r.title, 170, tip=_account_tip, grows=True,
           tone=lambda r: "" if r.is_shown else "muted"),
    Column("venue", "Venue", lambda r: r.venue, 70, tone=lambda r: "muted"),
    Column("badge", "Money", lambda r: r.badge, 84,
           tone=lambda r: "danger" if r.badge == "LIVE" else "muted"),
    Column("kind", "Kind", lambda r: r.kind, 102, tone=lambda r: "muted"),
    Column("balance", "Balance", lambda r: _figure(r, lambda f: f.balance), 116, number=True,
           sort=_sort_figure(lambda f: f.balance)),
    Column("equity", "Equity", lambda r: _figure(r, lambda f: f.equity), 116, number=True,
           sort=_sort_figure(lambda f: f.equity), title_tip="Balance and open profit or loss"),
    Column("pnl", "Open PnL", lambda r: _figure(r, lambda f: f.unrealised, signed=True), 110, number=True,
           sort=_sort_figure(lambda f: f.unrealised),
           tone=lambda r: "" if r.hidden or r.figures is None else sign_tone(r.figures.unrealised)),
    Column("margin", "Margin", lambda r: _figure(r, lambda f: f.used_margin), 110, number=True,
           sort=_sort_figure(lambda f: f.used_margin), title_tip="Tied up by open positions"),
    Column("free", "Free margin", lambda r: _figure(r, lambda f: f.free_margin), 112, number=True,
           sort=_sort_figure(lambda f: f.free_margin)),
    Column("level", "Level", _level_text, 80, number=True, sort=_sort_figure(_level),
           tone=lambda r: level_tone(r.figures), tip=_level_tip,
           title_tip="Equity in per cent of the margin"),
    Column("actions", "", lambda r: "", 180, actions=_row_actions),
)  # fmt: skip
