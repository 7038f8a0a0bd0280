"""How the practice exchange answers, and how JSON text is written here.

An answer is ``{"code": "0", "data": [...], "msg": ""}``; another code is a refusal. A plugin hands refusals
on as the JSON text itself (FMZ custom protocol, error catalogue).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from terminal.domain.decimals import wire_text
from terminal.emulators.market.engine_types import EngineReject, RejectCode


class Refused(Exception):
    """The practice exchange says no."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message

    def reply(self) -> dict[str, Any]:
        """Its own words, as the exchange sends them."""
        return {"code": self.code, "data": [], "msg": self.message}


UNKNOWN_SYMBOL: Final = ("51001", "Instrument does not exist")
UNKNOWN_ORDER: Final = ("51603", "Order does not exist")
ORDER_ENDED: Final = ("51400", "Cancellation failed: the order is filled or canceled")

_REJECTS: Final[dict[RejectCode, tuple[str, str]]] = {
    RejectCode.FUNDS: ("51008", "Insufficient balance"),
    RejectCode.MINIMUM: ("51020", "Order amount below the minimum"),
    RejectCode.COST_MINIMUM: ("51020", "Order value below the minimum"),
    RejectCode.STEP: ("51121", "Order amount finer than the step"),
    RejectCode.QUANTITY: ("51121", "Order amount must be above zero"),
    RejectCode.TICK: ("51122", "Order price between two ticks"),
    RejectCode.PRICE: ("51122", "Order price must be above zero"),
    RejectCode.NO_LIQUIDITY: ("51026", "Nobody on the other side"),
    RejectCode.MARKET_STATUS: ("51022", "Trading is suspended"),
    RejectCode.UNKNOWN_ORDER: ORDER_ENDED,
}


def refusal_of(reject: EngineReject) -> Refused:
    """The exchange's words for what its engine refuses."""
    code, message = _REJECTS.get(reject.code, ("51000", reject.code.value))
    return Refused(code, message)


def success(data: list[Any]) -> dict[str, Any]:
    """What the exchange answers when it says yes."""
    return {"code": "0", "data": data, "msg": ""}


def json_text(value: Any) -> str:
    """JSON with a space after each comma and colon, as the published samples have it; a ``Decimal`` becomes a
    number with exactly its own digits."""
    if isinstance(value, Decimal):
        return wire_text(value)
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(str(key))}: {json_text(one)}" for key, one in value.items()) + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(json_text(one) for one in value) + "]"
    return json.dumps(value)
