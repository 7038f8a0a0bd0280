"""Kraken's error texts, and which of them answers a refusal of the engine."""

from __future__ import annotations

from typing import Final

from terminal.emulators.market.engine_types import EngineReject, RejectCode

INVALID_KEY: Final = "EAPI:Invalid key"
INVALID_SIGNATURE: Final = "EAPI:Invalid signature"
INVALID_NONCE: Final = "EAPI:Invalid nonce"
REST_RATE_LIMIT: Final = "EAPI:Rate limit exceeded"
INVALID_SESSION: Final = "ESession:Invalid session"
PERMISSION_DENIED: Final = "EGeneral:Permission denied"
LOCKOUT: Final = "EGeneral:Temporary lockout"
UNKNOWN_METHOD: Final = "EGeneral:Unknown method"
ORDER_RATE_LIMIT: Final = "EOrder:Rate limit exceeded"
ORDERS_LIMIT: Final = "EOrder:Orders limit exceeded"
UNKNOWN_ORDER: Final = "EOrder:Unknown order"
UNKNOWN_PAIR: Final = "EQuery:Unknown asset pair"
UNKNOWN_ASSET: Final = "EQuery:Unknown asset"
DEADLINE: Final = "EService:Deadline elapsed"
INVALID_PRICE: Final = "EOrder:Invalid price:Invalid price argument"

_BY_CODE: Final = {
    RejectCode.POST_ONLY: "EOrder:Post only order",
    RejectCode.MINIMUM: "EOrder:Order minimum not met",
    RejectCode.COST_MINIMUM: "EOrder:Cost minimum not met",
    RejectCode.TICK: "EOrder:Tick size check failed",
    RejectCode.STEP: "EGeneral:Invalid arguments:volume",
    RejectCode.PRICE: INVALID_PRICE,
    RejectCode.QUANTITY: "EGeneral:Invalid arguments:volume",
    RejectCode.DISPLAY: "EGeneral:Invalid arguments:displayvol",
    RejectCode.EXPIRY: "EGeneral:Invalid arguments:expiretm",
    RejectCode.TERMS: "EGeneral:Invalid arguments",
    RejectCode.NO_LIQUIDITY: "EService:Unavailable",
    RejectCode.FUNDS: "EOrder:Insufficient funds",
    RejectCode.ORDERS_LIMIT: ORDERS_LIMIT,
    RejectCode.MARKET_STATUS: "EService:Market in cancel_only mode",
    RejectCode.UNKNOWN_ORDER: UNKNOWN_ORDER,
    RejectCode.NOTHING_TO_AMEND: "EGeneral:Invalid arguments:No amendable parameters",
    RejectCode.NOT_AMENDABLE: "EGeneral:Invalid arguments:No amendable parameters",
}
_WS_NAMES: Final = {
    "EGeneral:Invalid arguments:volume": "EGeneral:Invalid arguments:order_qty",
    "EGeneral:Invalid arguments:displayvol": "EGeneral:Invalid arguments:display_qty",
    "EGeneral:Invalid arguments:expiretm": "EGeneral:Invalid arguments:expire_time",
}


class ApiError(Exception):
    """A refusal in Kraken's own words."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def invalid(name: str) -> ApiError:
    """``EGeneral:Invalid arguments:<name>``."""
    return ApiError(f"EGeneral:Invalid arguments:{name}")


def of_reject(reject: EngineReject) -> ApiError:
    """The engine's refusal in Kraken's words."""
    if reject.code is RejectCode.MARKET_STATUS:
        mode = reject.detail.replace(" ", "_") or "cancel_only"
        return ApiError("EService:Unavailable" if mode == "closed" else f"EService:Market in {mode} mode")
    return ApiError(_BY_CODE[reject.code])


def in_ws_words(text: str) -> str:
    """REST names of fields in an error text become the WebSocket's."""
    return _WS_NAMES.get(text, text)
