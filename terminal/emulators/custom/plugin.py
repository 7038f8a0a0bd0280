"""The practice plugin itself: FMZ custom protocol on one side, the practice exchange on the other.

One call in, one answer out: ``{"data": ..., "raw": ...}`` or ``{"error": "..."}``. The order of the checks is
the reference plugin's: JSON, envelope, name, secret key, method, parameters. What makes the reference close
the connection without an answer raises :class:`PluginCrash` here, unless the plugin is of the better kind.

Choices where the protocol leaves one: trades and records ascending, records in seconds; a market order has a
price of 0 or less and its amount is in base; a market buy is refused, since its amount would be in quote.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from terminal.domain.decimals import parse_finite
from terminal.emulators.custom.behaviour import Behaviour
from terminal.emulators.custom.canned import canned_answer
from terminal.emulators.custom.exchange import CustomExchange
from terminal.emulators.custom.futures import KINDS as KINDS_OF_ORDER
from terminal.emulators.custom.futures import SUFFIX
from terminal.emulators.custom.keys import Credentials
from terminal.emulators.custom.replies import json_text

NAME: Final = "PRACTICE"
"""The name in the address, exact and case-sensitive."""

RAW_PREFIX: Final = "__api_"
ALLOWED_PATHS: Final = (
    "/api/v5/market/", "/api/v5/public/", "/api/v5/account/balance", "/api/v5/account/positions",
    "/api/v5/trade/",
)  # fmt: skip
"""What raw calls may reach at the exchange; nothing that moves money out."""

_ENVELOPE: Final = ("access_key", "secret_key", "method", "params")
_OPTIONS: Final = frozenset({"timeInForce"})

KINDS: Final[dict[str, str]] = {
    "ticker": "public", "depth": "public", "trades": "public", "records": "public", "markets": "public",
    "tickers": "public", "accounts": "read", "assets": "read", "orders": "read", "order": "read",
    "historyorders": "read", "trade": "trade", "cancel": "trade", "positions": "read", "fundings": "public",
    "marginlevel": "trade",
}  # fmt: skip
"""What kind of call each method is, for the subjects of faults."""

_STATUS: Final = {"live": "submitted", "partially_filled": "partial-filled", "filled": "filled"}


class PluginError(Exception):
    """The call is answered with an error text."""


class BadCall(Exception):
    """A call that the reference plugin does not survive."""


class PluginCrash(Exception):
    """The connection is closed without an answer."""


class Call(NamedTuple):
    """One call, taken from its envelope."""

    credentials: Credentials
    method: str
    params: Mapping[str, Any]
    verb: str
    """For the exchange, of a raw call: header ``Http-Method``."""
    nonce: int | None
    """Unix nanoseconds; unique per call."""

    @property
    def subject(self) -> str:
        """What faults know it by."""
        if self.method.startswith(RAW_PREFIX):
            kind = "read" if self.verb == "GET" else "trade"
            return f"custom/{kind}/raw:{self.method.rpartition('/')[2]}"
        return f"custom/{KINDS.get(self.method, 'public')}/{self.method}"

    def text(self, name: str) -> str:
        """A parameter that must be there, text or number."""
        value = self.params.get(name)
        if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
            raise BadCall(f"missing parameter: {name}")
        return str(value).strip()

    def whole(self, name: str) -> int:
        """A parameter that must be there and a whole number."""
        text = self.text(name)
        if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 19:
            raise BadCall(f"not a whole number: {name}")
        return int(text)


class Plugin:
    """Answers calls; knows nothing of sockets."""

    def __init__(self, exchange: CustomExchange, behaviour: Behaviour) -> None:
        self._exchange = exchange
        self.behaviour = behaviour
        self._methods: dict[str, Callable[[Call], dict[str, Any]]] = {
            "ticker": self._ticker,
            "depth": self._depth,
            "trades": self._trades,
            "records": self._records,
            "accounts": self._accounts,
            "assets": self._accounts,
            "trade": self._trade,
            "orders": self._orders,
            "order": self._order,
            "historyorders": self._history_orders,
            "cancel": self._cancel,
        }
        self._extras: dict[str, Callable[[Call], dict[str, Any]]] = {
            "markets": self._markets,
            "tickers": self._tickers,
        }
        self._futures: dict[str, Callable[[Call], dict[str, Any]]] = {
            "positions": self._positions,
            "marginlevel": self._margin_level,
            "fundings": self._fundings,
        }

    # ---- the envelope ----------------------------------------------------------------------------

    def read(self, path: str, verb: str, body: bytes) -> Call:
        """Take a POST apart.

        Raises:
            PluginError: no JSON, or an envelope without one of its keys.
            PluginCrash: an unknown name, a secret key that is not packed, or something the reference plugin
                does not survive.
        """
        try:
            try:
                text = body.decode()
            except UnicodeDecodeError:
                raise BadCall("not UTF-8") from None
            try:
                envelope = json.loads(text, parse_float=Decimal)
            except (ValueError, RecursionError):
                raise PluginError(text) from None
            if not isinstance(envelope, dict) or any(key not in envelope for key in _ENVELOPE):
                raise PluginError("missing required parameters")
            if path.strip("/") != NAME:
                raise BadCall(f"unknown name: {path.strip('/')}")
            access, secret, method, params = (envelope[key] for key in _ENVELOPE)
            if not isinstance(secret, str) or "," not in secret or not isinstance(access, str):
                raise BadCall("secret_key must be secret,passphrase")
            if not isinstance(method, str) or not isinstance(params, dict):
                raise BadCall("method must be a text and params an object")
        except BadCall as bad:
            raise self._give_up(bad) from None
        words = secret.split(",")
        nonce = envelope.get("nonce")
        return Call(
            Credentials(access, words[0], words[1]),
            method,
            params,
            verb,
            nonce if isinstance(nonce, int) and not isinstance(nonce, bool) else None,
        )

    def _give_up(self, bad: BadCall) -> Exception:
        return PluginError(str(bad)) if self.behaviour.better else PluginCrash(str(bad))

    def answer(self, call: Call) -> dict[str, Any]:
        """Carry a call out; the answer's envelope.

        Raises:
            PluginError: it is answered with an error text.
            PluginCrash: a parameter is missing or of no use, and this is the reference's kind.
        """
        if call.method.startswith(RAW_PREFIX):
            return self._raw(call)
        handler = self._methods.get(call.method)
        if handler is None and self.behaviour.extras:
            handler = self._extras.get(call.method)
        if handler is None and self.behaviour.futures:
            handler = self._futures.get(call.method)
        if handler is None:
            raise PluginError(f"invalid method: {call.method}")
        try:
            if self.behaviour.canned and call.method not in self._futures:
                return self._canned(call)
            return handler(call)
        except BadCall as bad:
            raise self._give_up(bad) from None

    # ---- the exchange's side ---------------------------------------------------------------------

    def _ask(self, call: Call, verb: str, path: str, **params: Any) -> dict[str, Any]:
        reply = self._exchange.call(verb, path, params, call.credentials)
        if reply["code"] != "0":
            raise PluginError(json_text(reply))
        return reply

    def _instrument(self, call: Call) -> str:
        found = inst_id_of(call)
        if found.endswith(SUFFIX) and not self.behaviour.futures:
            raise PluginError("invalid symbol")
        return found

    def _offers(self, row: Mapping[str, str]) -> bool:
        return self.behaviour.futures or not row["instId"].endswith(SUFFIX)

    def _raw(self, call: Call) -> dict[str, Any]:
        path = call.method.removeprefix(RAW_PREFIX)
        if not path.startswith(ALLOWED_PATHS):
            raise PluginError(f"not allowed: {path}")
        reply = self._exchange.call(call.verb, path, call.params, call.credentials)
        if reply["code"] != "0":
            raise PluginError(json_text(reply))
        return {"data": reply}

    def _canned(self, call: Call) -> dict[str, Any]:
        if "symbol" in _NEEDS[call.method]:
            self._instrument(call)
        for name in _NEEDS[call.method]:
            call.text(name)
        return canned_answer(call.method)

    # ---- market data -----------------------------------------------------------------------------

    def _ticker(self, call: Call) -> dict[str, Any]:
        reply = self._ask(call, "GET", "/api/v5/market/ticker", instId=self._instrument(call))
        return {"data": _ticker_of(reply["data"][0]), "raw": reply}

    def _tickers(self, call: Call) -> dict[str, Any]:
        reply = self._ask(call, "GET", "/api/v5/market/tickers")
        return {"data": [_ticker_of(row) for row in reply["data"] if self._offers(row)], "raw": reply}

    def _depth(self, call: Call) -> dict[str, Any]:
        reply = self._ask(
            call, "GET", "/api/v5/market/books", instId=self._instrument(call), sz=call.whole("limit")
        )
        row = reply["data"][0]
        sides = {
            side: [[Decimal(price), Decimal(amount)] for price, amount in row[side]]
            for side in ("asks", "bids")
        }
        return {"data": {"time": int(row["ts"]), **sides}, "raw": reply}

    def _trades(self, call: Call) -> dict[str, Any]:
        reply = self._ask(call, "GET", "/api/v5/market/trades", instId=self._instrument(call))
        rows = [
            {
                "id": int(row["tradeId"]),
                "time": int(row["ts"]),
                "price": Decimal(row["px"]),
                "amount": Decimal(row["sz"]),
                "type": row["side"],
            }
            for row in reply["data"]
        ]
        return {"data": rows, "raw": reply}

    def _records(self, call: Call) -> dict[str, Any]:
        reply = self._ask(
            call,
            "GET",
            "/api/v5/market/candles",
            instId=self._instrument(call),
            bar=call.whole("period"),
            limit=call.whole("limit"),
        )
        rows = [[int(row[0]) // 1000, *(Decimal(figure) for figure in row[1:])] for row in reply["data"]]
        return {"data": rows, "raw": reply}

    def _markets(self, call: Call) -> dict[str, Any]:
        reply = self._ask(call, "GET", "/api/v5/public/instruments")
        data = {
            symbol_of(row["instId"]): {
                "symbol": symbol_of(row["instId"]),
                "base": row["baseCcy"],
                "quote": row["quoteCcy"],
                "tick_size": row["tickSz"],
                "amount_size": row["lotSz"],
                "price_precision": _digits(row["tickSz"]),
                "amount_precision": _digits(row["lotSz"]),
                "min_qty": row["minSz"],
                "max_qty": "1000000",
                "min_notional": row["minNotional"],
                "max_notional": "100000000",
            }
            for row in reply["data"]
            if self._offers(row)
        }
        return {"data": data, "raw": reply}

    # ---- account and orders ----------------------------------------------------------------------

    def _accounts(self, call: Call) -> dict[str, Any]:
        reply = self._ask(call, "GET", "/api/v5/account/balance")
        rows = [
            {"currency": row["ccy"], "free": row["availEq"] or row["availBal"], "frozen": row["ordFrozen"]}
            for row in reply["data"][0]["details"]
        ]
        return {"data": rows, "raw": reply}

    def _trade(self, call: Call) -> dict[str, Any]:
        instrument = self._instrument(call)
        side, force = _side_and_force(call.text("type"))
        if side.startswith("close") and not instrument.endswith(SUFFIX):
            raise PluginError(f"invalid type: {side}")
        amount, price = _number(call, "amount"), _number(call, "price")
        if price > 0:
            terms: dict[str, Any] = {"ordType": "limit", "px": price, "tif": force}
        elif side == "buy" and not instrument.endswith(SUFFIX):
            raise PluginError("market buy is not supported: place a limit order")
        else:
            terms = {"ordType": "market"}
        reply = self._ask(
            call, "POST", "/api/v5/trade/order",
            instId=instrument, side=side, sz=amount, nonce=call.nonce, **terms,
        )  # fmt: skip
        return {"data": {"id": f"{instrument},{reply['data'][0]['ordId']}"}, "raw": reply}

    def _orders(self, call: Call) -> dict[str, Any]:
        # A better plugin takes the empty symbol for all pairs; the exchange hands out pages of a hundred.
        everything = self.behaviour.better and call.params.get("symbol") == ""
        instrument = "" if everything else self._instrument(call)
        rows: list[dict[str, Any]] = []
        while True:
            after = rows[-1]["ordId"] if rows else ""
            reply = self._ask(
                call, "GET", "/api/v5/trade/orders-pending", instId=instrument, limit=100, after=after
            )
            rows += reply["data"]
            if len(reply["data"]) < 100:
                return {"data": [_order_of(row) for row in rows], "raw": reply}

    def _order(self, call: Call) -> dict[str, Any]:
        self._instrument(call)
        reply = self._ask(call, "GET", "/api/v5/trade/order", **_split_id(call))
        return {"data": _order_of(reply["data"][0]), "raw": reply}

    def _history_orders(self, call: Call) -> dict[str, Any]:
        reply = self._ask(
            call,
            "GET",
            "/api/v5/trade/orders-history",
            instId=self._instrument(call),
            begin=call.whole("since"),
            limit=call.whole("limit"),
        )
        return {"data": [_order_of(row) for row in reply["data"]], "raw": reply}

    def _cancel(self, call: Call) -> dict[str, Any]:
        self._instrument(call)
        reply = self._ask(call, "POST", "/api/v5/trade/cancel-order", **_split_id(call))
        return {"data": True, "raw": reply}

    # ---- the local futures extension -------------------------------------------------------------

    def _positions(self, call: Call) -> dict[str, Any]:
        everything = call.params.get("symbol") == ""
        instrument = "" if everything else self._instrument(call)
        reply = self._ask(call, "GET", "/api/v5/account/positions", instId=instrument)
        rows = [
            {
                "symbol": symbol_of(row["instId"]),
                "side": row["posSide"],
                "amount": row["pos"],
                "frozen": row["frozen"],
                "avg_price": row["avgPx"],
                "profit": row["upl"],
                "margin": row["margin"],
                "leverage": row["lever"],
            }
            for row in reply["data"]
        ]
        return {"data": rows, "raw": reply}

    def _margin_level(self, call: Call) -> dict[str, Any]:
        instrument, level = self._instrument(call), call.whole("level")
        reply = self._ask(call, "POST", "/api/v5/account/set-leverage", instId=instrument, lever=level)
        return {"data": True, "raw": reply}

    def _fundings(self, call: Call) -> dict[str, Any]:
        reply = self._ask(call, "GET", "/api/v5/public/funding-rate", instId=self._instrument(call))
        rows = [
            {
                "symbol": symbol_of(row["instId"]),
                "rate": row["fundingRate"],
                "time": int(row["fundingTime"]),
                "interval": int(row["interval"]),
            }
            for row in reply["data"]
        ]
        return {"data": rows, "raw": reply}


_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "ticker": ("symbol",), "depth": ("symbol", "limit"), "trades": ("symbol",),
    "records": ("symbol", "period", "limit"), "accounts": (), "assets": (), "markets": (), "tickers": (),
    "trade": ("symbol", "type", "price", "amount"), "orders": ("symbol",), "order": ("id", "symbol"),
    "historyorders": ("symbol", "since", "limit"), "cancel": ("id", "symbol"),
}  # fmt: skip


def inst_id_of(call: Call) -> str:
    """The exchange's name of the pair that a call is about: ``eth_usdt`` is ``ETH-USDT``.

    Raises:
        PluginError: not two currencies.
    """
    base, _, quote = call.text("symbol").upper().partition("_")
    if not base or not quote:
        raise PluginError("invalid symbol")
    return f"{base}-{quote}"


def symbol_of(inst_id: str) -> str:
    """The protocol's name of an exchange's pair."""
    return inst_id.replace("-", "_").replace(SUFFIX, SUFFIX.lower())


def _ticker_of(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "symbol": symbol_of(row["instId"]), "buy": row["bidPx"], "sell": row["askPx"], "high": row["high24h"],
        "low": row["low24h"], "open": row["open24h"], "last": row["last"], "vol": row["vol24h"],
        "time": row["ts"],
    }  # fmt: skip


def _order_of(row: Mapping[str, str]) -> dict[str, Any]:
    filled = Decimal(row["accFillSz"])
    status = _STATUS.get(row["state"]) or ("partial-canceled" if filled else "canceled")
    return {
        "id": f"{row['instId']},{row['ordId']}",
        "symbol": symbol_of(row["instId"]),
        "amount": Decimal(row["sz"]),
        "price": Decimal(row["px"] or 0),
        "deal_amount": filled,
        "avg_price": row["avgPx"] or "0",
        "type": row["side"],
        "status": status,
    }


def _digits(step: str) -> int:
    return max(0, -int(Decimal(step).as_tuple().exponent))


def _split_id(call: Call) -> dict[str, str]:
    """``BTC-USDT,123456``: the part before the last comma is the instrument."""
    instrument, comma, number = call.text("id").rpartition(",")
    if not comma:
        raise BadCall("id must be INSTRUMENT,number")
    return {"instId": instrument, "ordId": number}


def _number(call: Call, name: str) -> Decimal:
    try:
        return parse_finite(call.text(name))
    except ValueError:
        raise BadCall(f"not a number: {name}") from None


def _side_and_force(text: str) -> tuple[str, str]:
    """``buy``, ``sell`` or a futures side, and the time in force of an option behind a semicolon."""
    side, _, options_text = text.partition(";")
    if side not in KINDS_OF_ORDER:
        raise PluginError(f"invalid type: {side}")
    if not options_text.strip():
        return side, "GTC"
    try:
        options = json.loads(options_text)
    except (ValueError, RecursionError):
        options = None
    if not isinstance(options, dict) or not set(options) <= _OPTIONS:
        raise PluginError("unknown order option")
    return side, str(options.get("timeInForce", "GTC"))
