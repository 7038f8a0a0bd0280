"""An account on margin by OKX's own numbers: equity, margin, what is free, how far it is from liquidation.

Multi-currency and portfolio accounts have them as a whole, in USD. Futures mode has a margin account in each
currency: theirs are added up at OKX's own worth of each (``eqUsd`` to ``eq``), and the maintenance ratio is
that of the currency that is nearest to its end. In spot mode there is none of it (OKX v5, "Get balance", read
2026-08).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from terminal.domain.account import AccountFigures
from terminal.domain.decimals import ZERO
from terminal.venues.okx.parse import maybe
from terminal.venues.okx.wire import BalanceDetail, BalanceRow

_CURRENCY: Final = "USD"


class Figures:
    """What the account's channel tells in parts, put together."""

    def __init__(self, level: Callable[[], str]) -> None:
        """``level``: how the account is set up (``acctLv``); empty while it is not known."""
        self._level = level
        self._details: dict[str, BalanceDetail] = {}
        self._told: AccountFigures | None = None

    def take(
        self, row: BalanceRow, details: Iterable[BalanceDetail], *, is_whole: bool
    ) -> AccountFigures | None:
        """The account as it stands with this row; ``is_whole``: currencies that are not in it are none. None
        in spot mode. Raises ValueError or ArithmeticError where it cannot be read."""
        if is_whole:
            self._details.clear()
        self._details.update((each.ccy, each) for each in details)
        if self._level() in ("", "1"):
            return None
        return figures(row, self._details.values())

    def changed(
        self, row: BalanceRow, details: Iterable[BalanceDetail], *, is_whole: bool
    ) -> AccountFigures | None:
        """As :meth:`take`; None as well where it was told last."""
        fresh = self.take(row, details, is_whole=is_whole)
        if fresh == self._told:
            return None
        self._told = fresh
        return fresh


def figures(row: BalanceRow, details: Iterable[BalanceDetail]) -> AccountFigures | None:
    """``{"totalEq":"55837.4","adjEq":"55415.6","availEq":"55000","imr":"415","mmr":"80","mgnRatio":"692.6",
    "upl":"-7.5","isoEq":"0","details":[...]}``; None where OKX does not say what the account is worth."""
    equity = maybe(row.totalEq)
    if equity is None:
        return None
    known = list(details)
    unrealised = _whole_or_sum(row.upl, known, lambda each: each.upl)
    margin = _whole_or_sum(row.imr, known, lambda each: each.imr)
    alone = _whole_or_sum(row.isoEq, known, lambda each: each.isoEq)
    ratios = [value for value in (maybe(each.mgnRatio) for each in known) if value is not None]
    ratio = maybe(row.mgnRatio)
    if ratio is None and ratios:
        ratio = min(ratios)
    used = None if margin is None and alone is None else (margin or ZERO) + (alone or ZERO)
    return AccountFigures(
        currency=_CURRENCY,
        balance=equity - (unrealised or ZERO),
        unrealised=unrealised,
        used_margin=used,
        stop_out=Decimal(100),
        own_equity=equity,
        own_free=_whole_or_sum(row.availEq, known, lambda each: each.availEq),
        maintenance_level=None if ratio is None else ratio * 100,
        beside_balances=True,
    )


def _whole_or_sum(
    whole: str, details: Iterable[BalanceDetail], read: Callable[[BalanceDetail], str]
) -> Decimal | None:
    """The account's own figure; else what its currencies make together in USD, None where none says it."""
    found = maybe(whole)
    if found is not None:
        return found
    parts = []
    for each in details:
        amount = maybe(read(each))
        if amount is not None:
            parts.append(_in_usd(each, amount))
    told = [part for part in parts if part is not None]
    return sum(told, ZERO) if told else None


def _in_usd(row: BalanceDetail, amount: Decimal) -> Decimal | None:
    """By what OKX says that all of this currency is worth; None where there is nothing to go by."""
    if not amount:
        return ZERO
    all_of_it, worth = maybe(row.eq), maybe(row.eqUsd)
    return amount * worth / all_of_it if all_of_it and worth is not None else None
