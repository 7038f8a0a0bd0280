"""The control API of the practice cTrader: the same commands as every venue's, in its own terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from terminal.emulators.control import PREFIX, Control
from terminal.emulators.faults import Fault
from terminal.emulators.market.practice import PracticeMarket

if TYPE_CHECKING:
    from terminal.emulators.ctrader.face import CtraderFace

CTRADER_PREFIX: Final = PREFIX + "ctrader/"


class CtraderControl(Control):
    """Commands for this venue alone: its faults, its pace, its prices."""

    def __init__(self, market: PracticeMarket, face: CtraderFace) -> None:
        super().__init__(market, face.faults, [face], CTRADER_PREFIX)
        self._face = face
        del self.commands["trade"]
        self.commands["limits"] = self.limits
        self.commands["account"] = self.account
        self.commands["cash"] = self.cash

    def strike_connections(self, fault: Fault) -> int:
        """On the demo and live connections and those of the sign-in pages."""
        return self._face.strike_connections(fault)

    def rate(self, values: dict[str, Any]) -> dict[str, Any]:
        """``rate``: how many times as lively as usual; 40 makes a hundred events a second of a symbol."""
        if "rate" in values:
            self._face.quotes.set_rate(float(values["rate"]))
        return {"rate": self._face.quotes.liveliness}

    def shock(self, values: dict[str, Any]) -> dict[str, Any]:
        """Move a market: ``symbol``, ``percent``; everything that shares its base moves along."""
        self._face.shock(str(values["symbol"]), float(values["percent"]))
        return {}

    def limits(self, values: dict[str, Any]) -> dict[str, Any]:
        """``strict_windows``: refuse wide windows of history. ``silence_s``: how long a client may be quiet.
        ``heartbeat_s``: how long the server may."""
        self._face.set_limits(values)
        return {}

    def account(self, values: dict[str, Any]) -> dict[str, Any]:
        """Other ``terms`` for an ``account``: ``{"access_rights": 2}`` or ``{"leverage_in_cents": 5000}``."""
        try:
            self._face.broker.change_account(int(values["account"]), **values["terms"])
        except TypeError as error:
            raise ValueError(str(error)) from None
        return {}

    def cash(self, values: dict[str, Any]) -> dict[str, Any]:
        """Pay ``cents`` into an ``account``, or out of it."""
        self._face.broker.move_cash(int(values["account"]), int(values["cents"]), note="Rehearsal")
        return {}

    def stats(self, values: dict[str, Any]) -> dict[str, Any]:
        """What is going on."""
        return {
            "seed": self._market.seed,
            "rate": self._face.quotes.liveliness,
            "armed": self._face.faults.rows(),
            "struck": dict(self._face.faults.struck),
            **self._face.stats(),
        }
