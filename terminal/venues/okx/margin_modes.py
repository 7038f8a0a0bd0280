"""What backs an order of a derivative: all that is free (cross), or a margin of its own (isolated).

OKX keeps no such setting: every order says it (``tdMode``), positions of both modes in one instrument stand
side by side, and each mode has a leverage of its own. So the choice is kept here, by instrument; where none
was made it is that of the open position, else cross. Isolated contracts are offered in futures mode alone:
multi-currency and portfolio accounts have none any more (OKX v5, "Place order", code 50072, read 2026-08).
"""

from __future__ import annotations

from typing import Final

from terminal.domain.errors import Unsupported
from terminal.venues.okx.holdings import Holdings
from terminal.venues.okx.order_words import AccountMode, Held
from terminal.venues.okx.symbols import inst_type_of

CROSS: Final = "cross"
ISOLATED: Final = "isolated"


class MarginModes:
    """The choices of one account."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._chosen: dict[str, str] = {}
        self._told: dict[str, str] = {}

    def choices(self, inst_id: str, account: AccountMode) -> tuple[str, ...]:
        """What new orders of an instrument may be backed by; none where there is nothing to choose."""
        if inst_type_of(inst_id) == "SPOT" or account.level != "2":
            return ()
        return (CROSS, ISOLATED)

    def choose(self, inst_id: str, mode: str, account: AccountMode) -> None:
        """Have new orders of an instrument backed so; open positions and orders keep theirs.

        Raises:
            Unsupported: this account, or this instrument, has no such mode.
        """
        if mode not in self.choices(inst_id, account):
            text = f"Contracts of this OKX account are backed by all that is free: it has no {mode} margin."
            if inst_type_of(inst_id) == "SPOT":
                text = "Spot is paid in full."
            raise Unsupported("margin mode", text)
        self._chosen[inst_id] = mode

    def tell(self, inst_id: str, mode: str) -> None:
        """The person sees this mode now: orders have it, too, until another one is told or chosen. What is
        sent is never other than what was shown."""
        self._told[inst_id] = mode

    def of(self, inst_id: str, account: AccountMode, held: Held | None = None, *, fresh: bool = False) -> str:
        """``tdMode`` of an order; one that closes a position has that position's. ``fresh``: whatever was
        told before.

        Raises:
            Unsupported: the account is in spot mode and the instrument is a derivative.
        """
        if inst_type_of(inst_id) == "SPOT":
            return CROSS if account.level in ("3", "4") else "cash"
        if account.level == "1":
            raise Unsupported(
                "derivatives",
                "Your OKX account is in spot mode, without contracts: change the account mode on OKX's site.",
            )
        if held is not None and held.margin_mode:
            return held.margin_mode
        if not self.choices(inst_id, account):
            return CROSS
        known = self._chosen.get(inst_id) or (None if fresh else self._told.get(inst_id))
        return known or self._holdings.only_mode(inst_id) or CROSS
