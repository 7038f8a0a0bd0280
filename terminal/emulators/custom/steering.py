"""The control API of the practice plugin: the same commands as every venue's, and ``behave``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from terminal.emulators.control import PREFIX, Control
from terminal.emulators.faults import Fault

if TYPE_CHECKING:
    from terminal.emulators.custom.face import CustomFace

CUSTOM_PREFIX: Final = PREFIX + "custom/"


class CustomControl(Control):
    """Commands for the practice plugin alone; pairs are told as ``BTC_USDT`` or ``BTC/USDT``."""

    def __init__(self, face: CustomFace) -> None:
        super().__init__(face.market, face.faults, [face], CUSTOM_PREFIX)
        self._face = face
        self.commands["behave"] = self.behave

    def strike_connections(self, fault: Fault) -> int:
        """On the plugin's own port."""
        return self._face.server.strike(fault)

    def behave(self, values: dict[str, Any]) -> dict[str, Any]:
        """Switch ``better``, ``extras``, ``futures`` or ``canned``; connections from now on follow it."""
        self._face.plugin.behaviour = self._face.plugin.behaviour.switched(values)
        return dict(self._face.stats())

    def _symbol(self, values: dict[str, Any]) -> str:
        return super()._symbol({**values, "symbol": str(values["symbol"]).upper().replace("_", "/")})
