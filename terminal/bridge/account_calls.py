"""Balances and positions as the protocol tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terminal.bridge.envelope import plain, text_of
from terminal.bridge.errors import CallRefused, NotSupported
from terminal.bridge.symbols import SymbolTable, wire_name
from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.services.market_data import MarketData
from terminal.services.portfolio import Portfolio
from terminal.services.session import Session

Params = Mapping[str, Any]


def account_of(session: Session) -> str:
    """The account that a venue's calls are about: the one that trades from the terminal's own panels.

    Raises:
        CallRefused: the venue is connected without an account.
    """
    if not session.has_account:
        raise CallRefused(f"{session.venue.upper()} is connected without an account")
    return session.account


class AccountCalls:
    """``accounts``, ``assets`` and ``positions``."""

    def __init__(self, portfolio: Portfolio, market: MarketData, symbols: SymbolTable) -> None:
        self._portfolio = portfolio
        self._market = market
        self._symbols = symbols

    def accounts(self, session: Session, params: Params) -> object:
        """By currency: ``free``, and ``frozen`` in orders; of an account on margin, in its margin."""
        account = account_of(session)
        if not self._portfolio.is_known(account):
            raise CallRefused("the balances are not known yet")
        figures = self._portfolio.figures(account)
        if figures is not None:
            free = figures.free_margin if figures.free_margin is not None else figures.balance
            return [
                {
                    "currency": figures.currency,
                    "free": plain(free),
                    "frozen": plain(figures.used_margin or ZERO),
                }
            ]
        return [
            {"currency": each.asset, "free": plain(each.free), "frozen": plain(each.held)}
            for each in self._portfolio.balances(account).values()
            if each.total
        ]

    def positions(self, session: Session, params: Params) -> object:
        """Open positions; amounts in base units, ``profit`` and ``margin`` in the account's currency."""
        if not session.info.capabilities.positions:
            raise NotSupported
        account = account_of(session)
        name = text_of(params, "symbol", default="")
        wanted = self._symbols.find(session.venue, name).id if name else None
        info = self._portfolio.info(account)
        leverage = None if info is None else info.leverage
        out = []
        for each in self._portfolio.positions(account):
            instrument = self._market.instrument(each.instrument)
            if instrument is None or (wanted is not None and each.instrument != wanted):
                continue
            out.append(
                {
                    "symbol": wire_name(instrument),
                    "side": "long" if each.side is Side.BUY else "short",
                    "amount": plain(each.quantity),
                    "frozen": "0",
                    "avg_price": plain(each.average_price),
                    "profit": plain(each.unrealised),
                    "margin": plain(each.margin),
                    "leverage": plain(leverage),
                }
            )
        return out
