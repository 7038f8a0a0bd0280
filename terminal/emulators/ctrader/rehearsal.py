"""Rehearsals at the practice cTrader that act when they are ordered: on tokens, sessions, symbols and prices,
and on the next thing that the broker does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from terminal.emulators.ctrader.dispatch import Services
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.hours import HolidaySpec, Hours
from terminal.emulators.ctrader.session import Session
from terminal.emulators.ctrader.symbols import SymbolSpec, always
from terminal.emulators.faults import Fault, FaultRefused
from terminal.emulators.market.practice import PracticeMarket
from terminal.venues.ctrader import openapi_pb2 as pb

_CLOSURE_ID: Final = 9_900


class Rehearsal:
    """Carries them out, and takes back after ``seconds`` what can be taken back.

    Args:
        sessions: the connections as they are; read anew each time.
    """

    def __init__(self, market: PracticeMarket, services: Services, sessions: Set[Session]) -> None:
        self._market = market
        self._services = services
        self._sessions = sessions
        self._timers: list[asyncio.TimerHandle] = []

    def stop(self) -> None:
        """Nothing is taken back any more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def restore(self) -> None:
        """Symbols as at the start."""
        self.stop()
        self._services.quotes.thin.clear()
        self._services.table.restore()

    def strike(self, fault: Fault) -> None:
        """Carry out a fault that acts at once.

        Raises:
            FaultRefused: a parameter that makes no sense.
        """
        try:
            if fault.kind == "revoke_token":
                self._services.grants.revoke()
            elif fault.kind == "expire_token":
                self._services.grants.expire()
            elif fault.kind == "account_disconnect":
                self._disconnect_account(int(fault.number("account", 0)))
            elif fault.kind == "client_disconnect":
                for session in tuple(self._sessions):
                    session.disconnect(fault.text("reason", "Server restart"))
            elif fault.kind in ("close_market", "open_market"):
                self._set_open(fault)
            elif fault.kind == "symbol_change":
                self._change_terms(fault)
            elif fault.kind == "reject_after_accept":
                self._services.broker.refuse_next(self._ctid(fault), fault.text("error", "MARKET_CLOSED"))
            elif fault.kind == "cancel_race":
                self._services.broker.race_next_cancel(self._ctid(fault))
            elif fault.kind == "partial_fill":
                spec = self._spec(fault.text("symbol", "EURUSD"))
                self._services.quotes.thin[spec.id] = max(1, int(fault.number("cents", spec.min_volume)))
                self._later(fault, lambda: self._services.quotes.thin.pop(spec.id, None))
            elif fault.kind == "stop_out":
                self._stop_out(self._ctid(fault))
        except (ValueError, KeyError, TypeError, OpenApiError) as error:
            raise FaultRefused(str(error)) from None

    def _disconnect_account(self, ctid: int) -> None:
        """0 means every account."""
        for session in tuple(self._sessions):
            for one in tuple(session.accounts):
                if ctid in (0, one):
                    session.drop_account(one)

    def _ctid(self, fault: Fault) -> int:
        ctid = int(fault.number("account", 0)) or next(iter(self._services.broker.accounts))
        if ctid not in self._services.broker.accounts:
            raise ValueError(f"no such account: {ctid}")
        return ctid

    def _stop_out(self, ctid: int) -> None:
        """Move the price of the account's largest position until nothing is left of the balance."""
        found = self._services.broker.handle(pb.ProtoOAReconcileReq(ctidTraderAccountId=ctid))
        assert isinstance(found, pb.ProtoOAReconcileRes)
        if not found.position:
            raise ValueError(f"account {ctid} has no position")
        largest = max(found.position, key=lambda one: one.marginRate * one.tradeData.volume)
        balance = self._services.broker.accounts[ctid].balance / 100
        percent = 100.0 * balance / (largest.marginRate * largest.tradeData.volume / 100)
        spec = self._services.table.spec(largest.tradeData.symbolId)
        rises = largest.tradeData.tradeSide == pb.SELL
        self.shock(spec.name, min(900.0, percent) if rises else max(-90.0, -percent))

    def _set_open(self, fault: Fault) -> None:
        spec = self._spec(fault.text("symbol", "EURUSD"))
        before = spec.hours
        if fault.kind == "open_market":
            hours = always(before.zone)
        else:
            today = datetime.fromtimestamp(
                self._services.quotes.clock.wall_ns() / 1e9, ZoneInfo(before.zone)
            ).date()
            # Today and tomorrow: what is closed late in the evening is still closed after midnight.
            closures = [
                HolidaySpec(_CLOSURE_ID + days, "Practice closure", today + timedelta(days=days))
                for days in range(2)
            ]
            hours = Hours(before.zone, before.sessions, (*before.holidays, *closures))
        self._services.table.change(spec.id, hours=hours)
        self._later(fault, lambda: self._services.table.change(spec.id, hours=before))

    def _change_terms(self, fault: Fault) -> None:
        spec = self._spec(fault.text("symbol", "EURUSD"))
        terms = fault.params.get("terms")
        if not isinstance(terms, dict) or not terms:
            raise ValueError("terms must name what changes")
        for name in terms:
            if name in ("id", "name", "base", "quote", "digits", "hours", "hidden_base", "scale"):
                raise ValueError(f"{name} cannot be changed")
        # Raises for a term that is none, and for a value that no message can carry.
        self._services.table.full(replace(spec, **terms))
        before = {name: getattr(spec, name) for name in terms}
        self._services.table.change(spec.id, **terms)
        self._later(fault, lambda: self._services.table.change(spec.id, **before))

    def _spec(self, name: str) -> SymbolSpec:
        spec = self._services.table.find(name)
        if spec is None:
            raise ValueError(f"no such symbol: {name}")
        return spec

    def _later(self, fault: Fault, action: Callable[[], object]) -> None:
        seconds = fault.number("seconds", 0.0)
        if seconds > 0:
            self._timers.append(asyncio.get_running_loop().call_later(seconds, action))

    def shock(self, symbol: str, percent: float) -> None:
        """Move the hidden price behind a symbol.

        Raises:
            ValueError: no such symbol, or not between -90 and +900 per cent.
        """
        if not -90.0 <= percent <= 900.0:
            raise ValueError(f"no shock: {percent} %")
        spec = self._spec(symbol)
        self._market.latents.shift(spec.hidden_base or spec.base, percent)
        self._market.store.put("shifts", self._market.latents.shifts)
        self._services.quotes.step()
