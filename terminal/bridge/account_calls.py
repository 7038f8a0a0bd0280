"""Balances and positions as the protocol tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terminal.bridge.bots import BotMode
from terminal.bridge.envelope import number_of, plain, text_of
from terminal.bridge.errors import CallRefused, NotSupported
from terminal.bridge.hands import HandsFirst
from terminal.bridge.symbols import SymbolTable, wire_name
from terminal.bridge.visit import Visit
from terminal.bridge.waiting import WaitingList
from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.services.margins import Margins
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
    """``accounts``, ``assets``, ``positions`` and ``marginlevel``."""

    def __init__(
        self,
        portfolio: Portfolio,
        market: MarketData,
        symbols: SymbolTable,
        margins: Margins,
        hands: HandsFirst,
        waiting: WaitingList,
    ) -> None:
        self._portfolio = portfolio
        self._market = market
        self._symbols = symbols
        self._margins = margins
        self._hands = hands
        self._waiting = waiting

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
                    "leverage": plain(each.leverage or leverage),
                }
            )
        return out

    async def marginlevel(self, visit: Visit, params: Params) -> object:
        """Change the leverage of an instrument at the venue; a dry run only looks whether it could be.

        Raises:
            NotSupported: the venue keeps no leverage that can be changed.
            CallRefused: the call itself, a bot that may only read, your hand on the instrument, or your no.
            TerminalError: the terminal is on View, or the venue's no.
        """
        bot, session = visit.bot, visit.session
        account = account_of(session)
        if not self._margins.sets_leverage(account):
            raise NotSupported
        if bot.mode is BotMode.READ_ONLY:
            raise CallRefused(f"{bot.name} may only read; make it a trading bot in the terminal")
        instrument = self._symbols.find(session.venue, text_of(params, "symbol"))
        level = number_of(params, "level")
        if level <= 0:
            raise CallRefused("level must be above 0")
        if instrument.max_leverage is None:
            raise CallRefused(f"{wire_name(instrument)} has no leverage that can be changed")
        if level > instrument.max_leverage:
            most = plain(instrument.max_leverage)
            raise CallRefused(f"the highest leverage of {wire_name(instrument)} is {most}")
        self._hands.require_released(instrument.id)
        if bot.mode.sends:
            if visit.still().mode is BotMode.CONFIRM:
                await self._waiting.ask(
                    bot,
                    f"Set the leverage of {instrument.symbol} to {plain(level)}",
                    instrument=instrument.id,
                    account=account,
                    is_practice=visit.is_practice,
                    gone=visit.gone,
                )
                visit.still()
                self._hands.require_released(instrument.id)
            await self._margins.set_leverage(account, instrument.symbol, level)
        return True
