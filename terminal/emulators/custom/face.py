"""The practice plugin put together: exchange, protocol, port, faults, and the venue's own record.

It has a port of its own, since the reference plugin serves one call at a time and closes each connection;
the control API stays on the practice venues' common port.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.domain.decimals import wire_text
from terminal.emulators.custom.behaviour import Behaviour
from terminal.emulators.custom.exchange import CustomExchange, inst_id, order_row
from terminal.emulators.custom.keys import ACCOUNT, SECOND_ACCOUNT
from terminal.emulators.custom.mangle import mangled
from terminal.emulators.custom.plugin import NAME, Call, Plugin, PluginCrash, PluginError, symbol_of
from terminal.emulators.custom.replies import json_text
from terminal.emulators.custom.server import PluginServer
from terminal.emulators.faults import Fault, Faults
from terminal.emulators.market.engine_types import EngineOrder
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.web import HTML_PAGE, HttpRequest, HttpResponse

CONTENT_TYPE: Final = "application/json; charset=utf-8"
VENUE_BUSY: Final = ("50001", "Service temporarily unavailable, please try again later")
_REQUESTS_KEPT: Final = 5_000


class CustomFace:
    """The FMZ custom protocol in front of a small exchange of its own.

    Args:
        market: the exchange's pairs and accounts; closing it is the caller's.
    """

    name = "custom"

    def __init__(
        self,
        market: PracticeMarket,
        faults: Faults,
        clock: Clock,
        *,
        rng: random.Random | None = None,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.market = market
        self.faults = faults
        self._rng = rng or random.Random()
        self.exchange = CustomExchange(market, clock)
        self.plugin = Plugin(self.exchange, behaviour or Behaviour())
        self.server = PluginServer(self, faults)
        self._requests: deque[dict[str, Any]] = deque(maxlen=_REQUESTS_KEPT)
        self.requests = 0

    # ---- life ------------------------------------------------------------------------------------

    async def listen(self, port: int = 0) -> int:
        """Open the plugin's port; returns it."""
        return await self.server.start(port)

    def start(self) -> list[asyncio.Task[Any]]:
        """Let the exchange live; the tasks are the caller's to cancel."""
        return [tasks.spawn(self.market.run(), name="practice.custom.market")]

    async def close(self) -> None:
        """Close the port and every connection."""
        await self.server.stop()

    @property
    def better(self) -> bool:
        return self.plugin.behaviour.better

    def endpoints(self) -> dict[str, Any]:
        """Its entry in the endpoints file: address, keys, and the pairs, which it may not tell by itself."""
        main, swaps = self.exchange.keys[0].row(), self.exchange.futures.symbols
        return {
            "service": f"http://127.0.0.1:{self.server.port}/{NAME}",
            "access_key": main["access_key"],
            "secret_key": main["secret_key"],
            "keys": [key.row() for key in self.exchange.keys],
            "symbols": [symbol_of(inst_id(symbol)) for symbol in self.market.listings if symbol not in swaps],
            "futures_symbols": [symbol_of(inst_id(symbol)) for symbol in swaps],
        }

    # ---- one request -----------------------------------------------------------------------------

    def on_request(self, request: HttpRequest) -> HttpResponse | None:
        """Answer it, after what faults do to it; None closes the connection without an answer."""
        self.requests += 1
        if request.method != "POST":
            return _answer({"error": f"not support {request.method} method."})
        verb = request.headers.get("http-method", "GET").upper()
        try:
            call = self.plugin.read(request.path, verb, request.body)
        except PluginError as error:
            return _answer({"error": str(error)})
        except PluginCrash:
            return None
        if call.subject.startswith("custom/trade/"):
            self._note(call)
        return self._struck(call) if self.faults.active else self._carry_out(call)

    def _note(self, call: Call) -> None:
        """A trading call has arrived, whatever comes of it."""
        places = call.method == "trade" and call.nonce is not None
        self._requests.append(
            {
                "by": "rest",
                "method": call.method,
                "cl_ord_ids": [str(call.nonce)] if places else [],
                "params": dict(call.params),
            }
        )

    def _carry_out(self, call: Call) -> HttpResponse | None:
        try:
            envelope = self.plugin.answer(call)
        except PluginError as error:
            return _answer({"error": str(error)})
        except PluginCrash:
            return None
        envelope["data"] = mangled(envelope["data"], call.method, self.faults, call.subject)
        return _answer(envelope)

    def _struck(self, call: Call) -> HttpResponse | None:
        """Answer while faults are armed."""
        faults, subject = self.faults, call.subject
        instead: list[tuple[str, HttpResponse | None]] = [
            ("swallow_request", HttpResponse(withhold=True)),
            ("disconnect", None),
            ("html_200", HttpResponse(200, HTML_PAGE, "text/html; charset=UTF-8")),
            ("http_5xx_html", HttpResponse(502, HTML_PAGE, "text/html; charset=UTF-8")),
            ("http_429", HttpResponse(429, b"Too Many Requests", "text/plain")),
            ("error", HttpResponse()),
        ]
        for kind, response in instead:
            fault = faults.take(kind, subject)
            if fault is None:
                continue
            if fault.flag("acts"):
                self._carry_out(call)
            if kind == "http_5xx_html" and response is not None:
                response.status = int(fault.number("status", 502))
            if kind == "http_429" and response is not None and "retry_after" in fault.params:
                response.headers = (("Retry-After", str(fault.params["retry_after"])),)
            return _answer({"error": _error_text(fault)}) if kind == "error" else response
        answered = self._carry_out(call)
        if answered is None:
            return None
        fault = faults.take("accept_lose_answer", subject)
        if fault is not None:
            close = fault.flag("close")
            return HttpResponse(withhold=not close, abort=close)
        return self._spoilt(answered, subject)

    def _spoilt(self, response: HttpResponse, subject: str) -> HttpResponse:
        faults = self.faults
        fault = faults.take("delay", subject)
        if fault is not None:
            response.delay_s = fault.number("delay_s", 1.0) + self._rng.random() * fault.number(
                "jitter_s", 0.0
            )
        fault = faults.take("garbage", subject)
        if fault is not None:
            response.body = fault.text("text").encode() or self._rng.randbytes(200)
        fault = faults.take("oversize", subject)
        if fault is not None:
            response.body = b'{"data": "' + b"x" * int(fault.number("bytes", 16 * 2**20)) + b'"}'
        response.truncate = faults.take("truncate", subject) is not None
        fault = faults.take("slow_drip", subject)
        if fault is not None:
            response.drip_interval_s = fault.number("interval_s", 0.05)
            response.drip_bytes = max(1, int(fault.number("bytes", 1)))
        return response

    # ---- faults and rehearsal --------------------------------------------------------------------

    def strike(self, fault: Fault) -> None:
        """No fault of the plugin acts at once but ``cut``, which is the port's."""

    def reset(self, account: str | None) -> list[str]:
        """Begin the account (or both) anew."""
        accounts = [account] if account else [ACCOUNT, SECOND_ACCOUNT]
        for one in accounts:
            if one not in (ACCOUNT, SECOND_ACCOUNT):
                raise ValueError(f"no such account: {one}")
        for one in accounts:
            self.market.reset_account(one)
            self.exchange.futures.reset(one)
        self._requests.clear()
        return accounts

    def forgive(self) -> None:
        """There are no rate counters."""

    def restore(self) -> None:
        """Nothing but faults is ever out of order."""

    def set_batch(self, seconds: float) -> None:
        """Nothing is pushed, so nothing gathers."""

    def told(self, account: str | None) -> Mapping[str, Any]:
        """The exchange's own record of an account. An order's ``cl_ord_id`` is the ``nonce`` of the call that
        placed it: the protocol has no other mark of one call."""
        account = account or ACCOUNT
        market = self.market
        return {
            "requests": list(self._requests),
            "orders": [
                _record_row(one)
                for one in (
                    *market.closed_orders(account),
                    *market.open_orders(account),
                    *self.exchange.futures.wallet(account).orders.values(),
                )
            ],
            "fills": [
                {
                    "exec_id": str(one.fill_id),
                    "txid": str(one.order_id),
                    "symbol": one.symbol,
                    "side": one.side.value,
                    "price": wire_text(one.price),
                    "quantity": wire_text(one.quantity),
                    "cost": wire_text(one.cost),
                    "fee": wire_text(one.fee),
                    "fee_asset": one.fee_asset,
                }
                for one in market.fills(account)
            ],
            "balances": {
                one.asset: {"total": wire_text(one.total), "held": wire_text(one.held)}
                for one in market.balances(account)
            },
            "rest_counters": {},
            "order_counters": {},
        }

    def stats(self) -> Mapping[str, Any]:
        """Figures for the control API."""
        return {
            "requests": self.requests,
            "connections": self.server.connections,
            "accepted": self.server.accepted,
            **asdict(self.plugin.behaviour),
            "open_orders": {
                account: len(self.market.open_orders(account)) for account in (ACCOUNT, SECOND_ACCOUNT)
            },
        }


def _answer(envelope: dict[str, Any]) -> HttpResponse:
    return HttpResponse(200, json_text(envelope).encode(), CONTENT_TYPE)


def _error_text(fault: Fault) -> str:
    """The text of an ordered error: as given, else the exchange's JSON."""
    text = fault.text("error")
    if text:
        return text
    return json_text(
        {"code": fault.text("code", VENUE_BUSY[0]), "data": [], "msg": fault.text("msg", VENUE_BUSY[1])}
    )


def _record_row(order: EngineOrder) -> dict[str, Any]:
    tag = order.tag if isinstance(order.tag, dict) else {}
    nonce = tag.get("nonce")
    row = order_row(order)
    return {
        "txid": f"{inst_id(order.symbol)},{order.order_id}",
        "cl_ord_id": None if nonce is None else str(nonce),
        "symbol": order.symbol,
        "side": order.side.value,
        "type": row["ordType"],
        "status": order.status.name,
        "open": order.is_live,
        "quantity": row["sz"],
        "filled": row["accFillSz"],
        "limit_price": row["px"] or None,
        "reason": order.reason,
    }
