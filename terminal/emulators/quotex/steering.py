"""The control API of the practice Quotex: the same commands as every venue's, in its own terms."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from terminal.emulators.control import PREFIX, Control
from terminal.emulators.faults import Fault
from terminal.emulators.market.practice import PracticeMarket

if TYPE_CHECKING:
    from terminal.emulators.quotex.face import QuotexFace

QUOTEX_PREFIX: Final = PREFIX + "quotex/"


class QuotexControl(Control):
    """Commands for this venue alone: its faults, its pace, its prices."""

    def __init__(self, market: PracticeMarket, face: QuotexFace) -> None:
        super().__init__(market, face.faults, [face], QUOTEX_PREFIX)
        self._face = face
        del self.commands["trade"]
        self.commands["hold"] = self.hold
        self.commands["balance"] = self.balance
        self.commands["pin"] = self.pin

    def strike_connections(self, fault: Fault) -> int:
        """On the sockets and the connections of the web pages."""
        return self._face.web.strike(fault)

    def rate(self, values: dict[str, Any]) -> dict[str, Any]:
        """``rate``: how many times as lively as usual, up to fifty times; 0 lets prices stand still."""
        if "rate" in values:
            self._face.market.set_rate(float(values["rate"]))
        return {"rate": self._face.market.rate}

    def shock(self, values: dict[str, Any]) -> dict[str, Any]:
        """Move a market: ``symbol``, ``percent``; everything that shares its base moves along."""
        self._face.market.shock(str(values["symbol"]), float(values["percent"]))
        return {}

    def hold(self, values: dict[str, Any]) -> dict[str, Any]:
        """Hold the ``price`` of an ``asset`` in place from now on; without a price, let it go."""
        price = values.get("price")
        self._face.hold(str(values["asset"]), None if price is None else Decimal(str(price)))
        return {}

    def balance(self, values: dict[str, Any]) -> dict[str, Any]:
        """Another balance: ``amount``, ``wallet`` (demo, live, or a tournament's number), ``account``."""
        self._face.set_balance(
            values.get("account"), str(values.get("wallet", "demo")), Decimal(str(values["amount"]))
        )
        return {}

    def pin(self, values: dict[str, Any]) -> dict[str, Any]:
        """``demand``: whether signing in to ``account`` needs the PIN."""
        self._face.demand_pin(values.get("account"), bool(values.get("demand", True)))
        return {}

    def stats(self, values: dict[str, Any]) -> dict[str, Any]:
        """What is going on."""
        return {
            "seed": self._market.seed,
            "rate": self._face.market.rate,
            "off_fair_pct": 0.0,
            "armed": self._face.faults.rows(),
            "struck": dict(self._face.faults.struck),
            **self._face.stats(),
        }
