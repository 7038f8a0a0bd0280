"""Balances of the connected accounts, what they are worth, and how the day goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.account import AccountFigures, Balance, Position
from terminal.domain.decimals import ZERO
from terminal.services.day_result import DayResults
from terminal.viewmodels import format as fmt
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.tables import Column, TableModel

HOME_CURRENCY = "USD"
# Worth follows every quote; a figure that a person reads need not change more often.
_WORTH_EVERY_S = 1.0
_DUST = Decimal("0.00000001")


class AccountSource(Protocol):
    """What the balances come from (:class:`terminal.services.portfolio.Portfolio`)."""

    changed: Observable[[str]]

    def is_known(self, account: str) -> bool: ...

    def balances(self, account: str) -> Mapping[str, Balance]: ...

    def figures(self, account: str) -> AccountFigures | None: ...

    def positions(self, account: str) -> tuple[Position, ...]: ...

    def worth(self, account: str, asset: str, amount: Decimal, currency: str = ...) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One asset of one account, in its own units; ``worth`` in the home currency."""

    key: str
    account: str
    asset: str
    total: Decimal
    held: Decimal
    free: Decimal
    worth: Decimal | None
    share: Decimal | None
    """Of the account's worth, in per cent."""
    hidden: bool = False
    """Amounts are shown as dots; the share stays, it tells nothing of the size."""
    account_name: str = ""
    """As a person tells it from others."""
    on_margin: bool = False
    """What is held is margin in use, not what orders hold back."""
    staked: Decimal = ZERO
    """Stakes of running contracts: the venue has taken them out of ``total`` already."""


def _decimals(row: BalanceRow) -> int:
    return 2 if row.asset in ("USD", "EUR", "GBP", "CHF") else 8


def _amount(row: BalanceRow, value: Decimal) -> str:
    return fmt.HIDDEN if row.hidden else fmt.fixed(value, _decimals(row))


def _held(row: BalanceRow) -> str:
    # The word after the space is drawn muted.
    held = f"{_amount(row, row.held)} {'margin' if row.on_margin else ''}".rstrip() if row.held else ""
    staked = f"{_amount(row, row.staked)} staked" if row.staked else ""
    return " + ".join(text for text in (held, staked) if text)


def _held_tip(row: BalanceRow) -> str:
    if row.staked:
        return (
            "Staked in running contracts: it has left the total and counts as lost until they end.\n"
            "A win or a tie brings it back."
        )
    if row.on_margin:
        return "Margin in use by open positions"
    return "What open orders hold back, and the margin of positions"


BALANCE_COLUMNS: tuple[Column[BalanceRow], ...] = (
    Column("asset", "Asset", lambda r: r.asset, 80),
    Column("account", "Account", lambda r: r.account_name or r.account, 176, tone=lambda r: "muted",
           tip=lambda r: r.account_name or r.account),
    Column("total", "Total", lambda r: _amount(r, r.total), 130, number=True,
           sort=lambda r: r.total),
    Column("free", "Free", lambda r: _amount(r, r.free), 130, number=True,
           sort=lambda r: r.free),
    Column("held", "Held", _held, 140, number=True, sort=lambda r: r.held, tip=_held_tip,
           title_tip="What open orders hold back; of an account on margin, the margin in use; stakes of "
           "running contracts, which have left the total"),
    Column("worth", f"Worth, {HOME_CURRENCY}", lambda r: fmt.HIDDEN if r.hidden else fmt.money(r.worth), 120,
           number=True, sort=lambda r: r.worth, title_tip="At mid prices, with the open profit of positions"),
    Column("share", "Of account", lambda r: fmt.percent(r.share, 1, signed=False), 90,
           sort=lambda r: r.share, title_tip="The share of what this account is worth"),
)  # fmt: skip


def sign_tone(value: Decimal | None) -> str:
    """``up``, ``down`` or nothing, by a figure's sign."""
    if value is None or value == 0:
        return ""
    return "up" if value > 0 else "down"


class AccountViewModel(QObject):
    """The Balances tab, and the figures in the top and status bar.

    Signals:
        changed: rows or figures changed; at most once a frame.

    Attributes:
        equity: worth of the connected accounts in the home currency; None while nothing is known. Where
            one of them holds real money, the real money alone.
        day_pnl: what the day has won or lost of it; None while unknown.
        practice_equity, practice_day_pnl: the same of practice and demo accounts beside real money; None
            where there is no real money, for then they are what ``equity`` is about.
        shows_real: whether ``equity`` and ``day_pnl`` are of real money.
        days: the results behind ``day_pnl``, by account.
        unpriced: assets without a known price, left out of the worth.
        hide_amounts: every text has dots in place of an amount; the figures themselves stay.
    """

    changed = Signal()

    def __init__(
        self,
        portfolio: AccountSource,
        accounts: Callable[[], list[str]],
        frames: FrameClock,
        clock: Clock,
        *,
        days: DayResults | None = None,
        name_of: Callable[[str], str] | None = None,
        is_real: Callable[[str], bool] | None = None,
        parent: QObject | None = None,
    ) -> None:
        """``accounts`` lists the connected accounts; ``name_of``: what one is called in a column;
        ``is_real``: whether one holds real money, which is never added to any other."""
        super().__init__(parent)
        self.balances: TableModel[BalanceRow] = TableModel(
            BALANCE_COLUMNS, lambda row: row.key, sort_by="worth", descending=True, parent=self
        )
        self.equity: Decimal | None = None
        self.day_pnl: Decimal | None = None
        self.practice_equity: Decimal | None = None
        self.practice_day_pnl: Decimal | None = None
        self.unpriced: list[str] = []
        self.hide_amounts = False
        self.shows_real = False
        self._portfolio = portfolio
        self._accounts = accounts
        self._frames = frames
        self.days = days or DayResults(portfolio, clock)
        self._name_of = name_of or str
        self._is_real = is_real or (lambda account: False)
        self._stop_ticking = frames.every(_WORTH_EVERY_S, self._build)
        portfolio.changed.watch(lambda account: frames.request(self._build))
        self._build()

    @property
    def day_since(self) -> str:
        """From when the day's figure counts, in words."""
        return self.days.since

    @property
    def equity_text(self) -> str:
        """E.g. ``10 000.00 USD``."""
        return self._text(self.equity)

    @property
    def day_pnl_text(self) -> str:
        """With its sign: ``+12.40 USD``."""
        return self._text(self.day_pnl, signed=True)

    @property
    def practice_equity_text(self) -> str:
        """Of practice accounts beside real money; see :attr:`equity_text`."""
        return self._text(self.practice_equity)

    @property
    def practice_day_pnl_text(self) -> str:
        """Of practice accounts beside real money; see :attr:`day_pnl_text`."""
        return self._text(self.practice_day_pnl, signed=True)

    @property
    def day_pnl_tone(self) -> str:
        return "" if self.hide_amounts else sign_tone(self.day_pnl)

    def _text(self, amount: Decimal | None, *, signed: bool = False) -> str:
        if self.hide_amounts and amount is not None:
            return fmt.HIDDEN
        return fmt.money(amount, HOME_CURRENCY, signed=signed)

    def set_hide_amounts(self, on: bool) -> None:
        """Show dots in place of amounts, or the amounts again, at once."""
        if on is not self.hide_amounts:
            self.hide_amounts = on
            self._build()

    def refresh(self) -> None:
        """Build again in the next frame (orders or connections changed)."""
        self._frames.request(self._build)

    def _build(self) -> None:
        balances: list[BalanceRow] = []
        worth: dict[bool, Decimal] = {}
        pnl: dict[bool, Decimal] = {}
        unpriced: dict[bool, list[str]] = {True: [], False: []}
        real = {account: self._is_real(account) for account in self._accounts()}
        for account, is_real in real.items():
            if not self._portfolio.is_known(account):
                continue
            rows = self._balance_rows(account)
            known = sum((row.worth for row in rows if row.worth is not None), ZERO)
            worth[is_real] = worth.get(is_real, ZERO) + known
            day = self.days.look(account)
            pnl[is_real] = pnl.get(is_real, ZERO) + (ZERO if day is None else day.total)
            unpriced[is_real] += [row.asset for row in rows if row.worth is None]
            balances += rows
        # Decided by what is connected, not by what is known yet: a practice figure must not stand for real
        # money until the venue has answered.
        has_real = self.shows_real = any(real.values())
        self.equity, self.day_pnl = worth.get(has_real), pnl.get(has_real)
        self.unpriced = unpriced[has_real]
        self.practice_equity = worth.get(False) if has_real else None
        self.practice_day_pnl = pnl.get(False) if has_real else None
        self.balances.set_rows(balances)
        self.changed.emit()

    def _balance_rows(self, account: str) -> list[BalanceRow]:
        figures = self._portfolio.figures(account)
        if figures is not None:
            return self._margin_rows(account, figures)
        held = [
            (balance, self._portfolio.worth(account, balance.asset, balance.equity, HOME_CURRENCY))
            for balance in self._portfolio.balances(account).values()
            if max(abs(balance.total), abs(balance.equity)) >= _DUST or balance.held
        ]
        whole = sum((worth for _, worth in held if worth is not None), ZERO)
        staked: dict[str, Decimal] = {}
        for position in self._portfolio.positions(account):
            if position.contract is not None:
                staked[position.currency] = staked.get(position.currency, ZERO) + position.quantity
        return [
            BalanceRow(
                f"{account} {balance.asset}",
                account,
                balance.asset,
                balance.total,
                balance.held,
                balance.free,
                worth,
                worth / whole * 100 if worth is not None and whole else None,
                self.hide_amounts,
                self._name_of(account),
                staked=staked.get(balance.asset, ZERO),
            )
            for balance, worth in held
        ]

    def _margin_rows(self, account: str, figures: AccountFigures) -> list[BalanceRow]:
        """An account on margin holds one currency; its worth is the equity, open profit included."""
        equity = figures.balance if figures.equity is None else figures.equity
        return [
            BalanceRow(
                f"{account} {figures.currency}",
                account,
                figures.currency,
                figures.balance,
                figures.used_margin or ZERO,
                equity - (figures.used_margin or ZERO),
                self._portfolio.worth(account, figures.currency, equity, HOME_CURRENCY),
                Decimal(100),
                self.hide_amounts,
                self._name_of(account),
                on_margin=True,
            )
        ]
