"""OKX's error codes, with its own words (OKX API v5, read 2026-07)."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "1": "All operations failed",
    "2": "Bulk operation partially succeeded.",
    "50001": "Service temporarily unavailable. Please try again later.",
    "50002": "JSON syntax error",
    "50004": "API endpoint request timeout (does not indicate success or failure of order, please check)",
    "50005": "API endpoint is inactive or unavailable",
    "50006": "Invalid Content-Type. Please use \"application/JSON\".",
    "50011": "Too Many Requests",
    "50013": "Systems are busy. Please try again later.",
    "50024": "Parameter clOrdId and ordId exclude each other",
    "50026": "System error. Try again later",
    "50036": "The expTime can't be earlier than the current system time.",
    "50037": "Order expired.",
    "50038": "This feature is unavailable in demo trading",
    "50061": "You've reached the maximum order rate limit for this account.",
    "50101": "APIKey does not match current environment.",
    "50102": "Timestamp request expired",
    "50103": "Request header \"OK-ACCESS-KEY\" cannot be empty.",
    "50104": "Request header \"OK-ACCESS-PASSPHRASE\" cannot be empty.",
    "50105": "Request header \"OK-ACCESS-PASSPHRASE\" incorrect.",
    "50106": "Request header \"OK-ACCESS-SIGN\" cannot be empty.",
    "50107": "Request header \"OK-ACCESS-TIMESTAMP\" cannot be empty.",
    "50111": "Invalid OK-ACCESS-KEY",
    "50112": "Invalid OK-ACCESS-TIMESTAMP",
    "50113": "Invalid signature",
    "50115": "Invalid request method",
    "50119": "API key doesn't exist",
    "50120": "This API key doesn't have permission to use this function",
    "51001": "Instrument ID, Instrument ID code, or Spread ID doesn't exist.",
    "51003": "Either client order ID or order ID is required.",
    "51004": "Order failed. The order exceeds the position limit at the current leverage.",
    "51006": "Order price is not within the price limit (max buy price: {0}, min sell price: {1})",
    "51008": "Order failed. Insufficient {0} balance in account",
    "51010": "Request unsupported under current account mode",
    "51016": "Client order ID already exists.",
    "51020": "Your order should meet or exceed the minimum order amount.",
    "51021": "Instrument to be listed",
    "51022": "Instrument suspended",
    "51023": "Position doesn't exist.",
    "51025": "Order count exceeds the limit.",
    "51027": "Instrument expired",
    "51111": "Maximum {0} orders can be placed in bulk.",
    "51112": "Close order size exceeds available size",
    "51121": "Order quantity must be a multiple of the lot size.",
    "51124": "You can only place limit orders during call auction.",
    "51150": "The precision of the number of trades or the price exceeds the limit.",
    "51169": "Order failed because you don't have any positions in this direction to reduce or close.",
    "51170": "Reduce-only orders can't be the same trading direction as your positions.",
    "51201": "The value of a market order can't exceed {0} USDT",
    "51202": "Market order amount exceeds the maximum amount.",
    "51400": "Cancellation failed as the order has been filled, canceled or does not exist.",
    "51500": "You must enter a price, quantity, or TP/SL",
    "51503": "Your order has already been filled or canceled",
    "51506": "Order modification unavailable for the order type",
    "51511": "Operation failed. The order price or quantity would make a post-only order take.",
    "51603": "Order does not exist.",
    "59000": "Your settings failed as you have positions, orders or bots in this account. Clear them first.",
    "59101": "Leverage can't be modified. Please cancel all pending isolated margin orders first.",
    "59107": "Leverage can't be modified. Please cancel all pending cross-margin orders first.",
    "59102": "Leverage exceeds the maximum limit. Please lower the leverage.",
    "59300": "Margin call failed. Position does not exist.",
    "59301": "Margin adjustment failed for exceeding the max limit.",
    "60004": "Invalid timestamp",
    "60005": "Invalid apiKey",
    "60006": "Timestamp request expired",
    "60007": "Invalid sign",
    "60008": "The current WebSocket endpoint does not support subscribing to this channel: {0}.",
    "60009": "Login failed.",
    "60011": "Please log in",
    "60012": "Invalid request: {0}",
    "60013": "Invalid args",
    "60014": "Requests too frequent",
    "60018": "Wrong URL or {0} doesn't exist. Please use the correct URL, channel and parameters.",
    "60019": "Invalid op: {0}",
    "60024": "Wrong passphrase",
    "60027": "Parameter {0} can not be empty",
    "60028": "The current operation is not supported by this URL. Please use the correct WebSocket URL.",
    "60031": "The WebSocket endpoint does not allow multiple or repeated logins",
    "60032": "API key doesn't exist",
    "60033": "Parameter {0} error",
    "64003": "Your trading fee tier doesn't meet the requirement to access this channel",
    "64008": "The connection will soon be closed for a service upgrade. Please reconnect.",
}  # fmt: skip

_STATUS: Final[dict[str, int]] = {
    "50001": 503, "50002": 400, "50004": 400, "50005": 410, "50006": 400, "50011": 429, "50013": 429,
    "50014": 400, "50015": 400, "50016": 400, "50026": 500, "50101": 401, "50102": 401, "50103": 401,
    "50104": 401, "50105": 401, "50106": 401, "50107": 401, "50111": 401, "50112": 401, "50113": 401,
    "50115": 405, "51000": 400,
}  # fmt: skip
"""HTTP status of request-level errors; everything else is told with 200."""


_MOST_GAPS: Final = 4


class OkxError(Exception):
    """A refusal: ``code`` and OKX's words for it.

    Args:
        values: what fills the gaps of the text.
        text: words of one's own, where the code alone does not decide them.
    """

    def __init__(self, code: str, *values: object, text: str = "", sub_code: str = "") -> None:
        self.code = code
        # A rehearsal may order a code by itself: gaps that nothing fills stay empty.
        self.text = text or TEXTS.get(code, "").format(*values, *("",) * _MOST_GAPS)
        self.sub_code = sub_code
        super().__init__(f"{code} {self.text}")

    @property
    def status(self) -> int:
        """The HTTP status of an answer that carries it at the top."""
        return _STATUS.get(self.code, 200)


def missing(name: str) -> OkxError:
    """A parameter that must be there is not."""
    return OkxError("50014", text=f"Parameter {name} can not be empty.")


def wrong(name: str) -> OkxError:
    """A parameter's value makes no sense."""
    return OkxError("51000", text=f"Parameter {name} error")
