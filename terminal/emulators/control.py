"""The control API: how a test or a person's rehearsal steers a practice venue.

``POST /_practice/...`` with the token of the endpoints file in ``X-Practice-Token``. It refuses whatever a
web page could send: requests with ``Origin``, ``Referer`` or ``Sec-Fetch-*``, or for another ``Host``.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

from terminal.domain.market import Side
from terminal.emulators.faults import Fault, FaultRefused, Faults
from terminal.emulators.market.engine_types import EngineReject
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.web import HttpRequest, HttpResponse, WebServer

PREFIX: Final = "/_practice/"


class Steerable(Protocol):
    """What control needs of a venue face."""

    name: str

    def strike(self, fault: Fault) -> None: ...
    def reset(self, account: str | None) -> list[str]: ...
    def forgive(self) -> None: ...
    def restore(self) -> None: ...
    def set_batch(self, seconds: float) -> None: ...
    def stats(self) -> Any: ...
    def told(self, account: str | None) -> Any: ...


class Control:
    """Carries out the commands for some of the venues.

    Args:
        prefix: where its paths begin.
    """

    def __init__(
        self, market: PracticeMarket, faults: Faults, faces: Sequence[Steerable], prefix: str = PREFIX
    ) -> None:
        self.token = secrets.token_urlsafe(32)
        self.prefix = prefix
        self._market = market
        self._faults = faults
        self._faces = faces
        self.server: WebServer | None = None
        self.commands: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "fault": self.fault,
            "clear": self.clear,
            "reset": self.reset,
            "forgive": self.forgive,
            "rate": self.rate,
            "shock": self.shock,
            "trade": self.trade,
            "persist": self.persist,
            "stats": self.stats,
            "record": self.record,
        }

    def on_request(self, request: HttpRequest) -> HttpResponse:
        """Answer one command."""
        refusal = self._refusal(request)
        if refusal:
            return _answer(refusal, {"error": "refused"})
        command = self.commands.get(request.path.removeprefix(self.prefix))
        if command is None:
            return _answer(404, {"error": "no such command"})
        try:
            values = json.loads(request.body) if request.body else {}
            if not isinstance(values, dict):
                raise ValueError("the body must be a JSON object")
            return _answer(200, {"ok": True, **command(values)})
        except (ValueError, KeyError, FaultRefused, InvalidOperation, EngineReject, RecursionError) as error:
            return _answer(400, {"ok": False, "error": str(error)[:200]})

    def _refusal(self, request: HttpRequest) -> int:
        headers = request.headers
        port = self.server.port if self.server is not None else 0
        if headers.get("host") not in (f"127.0.0.1:{port}", f"localhost:{port}"):
            return 421
        if any(name in ("origin", "referer") or name.startswith("sec-fetch-") for name in headers):
            return 403
        if request.method != "POST" and not (
            request.method == "GET" and request.path == self.prefix + "stats"
        ):
            return 405
        given = headers.get("x-practice-token", "")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return 401
        return 0

    # ---- commands --------------------------------------------------------------------------------

    def fault(self, values: dict[str, Any]) -> dict[str, Any]:
        """Order a fault: ``{"kind", "count", "seconds", "match", "after", ...}``."""
        fault = self._faults.order(values)
        struck = None
        if fault.kind in self._faults.immediate:
            if fault.kind in ("cut", "half_open"):
                struck = self.strike_connections(fault)
            else:
                fault.params["seconds"] = values.get("seconds")
                for face in self._faces:
                    face.strike(fault)
        return {"struck": struck, "armed": self._faults.rows()}

    def strike_connections(self, fault: Fault) -> int:
        """Carry out ``cut`` or ``half_open``; on how many connections."""
        return self.server.strike(fault, self._faults) if self.server is not None else 0

    def clear(self, values: dict[str, Any]) -> dict[str, Any]:
        """Disarm all faults (or those of ``kind``) and put status and clock right."""
        kind = values.get("kind")
        self._faults.clear(kind if isinstance(kind, str) else None)
        if kind is None:
            for face in self._faces:
                face.restore()
        return {"armed": self._faults.rows()}

    def reset(self, values: dict[str, Any]) -> dict[str, Any]:
        """Reset the practice accounts (or ``account``); rate counters are emptied too."""
        account = values.get("account")
        done = [one for face in self._faces for one in face.reset(account if account else None)]
        return {"accounts": done}

    def forgive(self, values: dict[str, Any]) -> dict[str, Any]:
        """Empty the rate counters and lift lockouts."""
        for face in self._faces:
            face.forgive()
        return {}

    def rate(self, values: dict[str, Any]) -> dict[str, Any]:
        """``rate``: liveliness. ``book_batch_ms``: how long changes gather; 0 = one message per change."""
        if "rate" in values:
            self._market.set_rate(float(values["rate"]))
        if "book_batch_ms" in values:
            seconds = float(values["book_batch_ms"]) / 1000
            if not 0 <= seconds <= 10:
                raise ValueError("book_batch_ms must be from 0 to 10000")
            for face in self._faces:
                face.set_batch(seconds)
        return {"rate": self._market.rate}

    def shock(self, values: dict[str, Any]) -> dict[str, Any]:
        """Move a market: ``symbol``, ``percent``."""
        self._market.shock(self._symbol(values), float(values["percent"]))
        return {}

    def trade(self, values: dict[str, Any]) -> dict[str, Any]:
        """A generated market order: ``symbol``, ``side``, and ``quantity`` or ``through``.

        ``through`` is a price: everything up to and including it is taken.
        """
        symbol = self._symbol(values)
        side = Side(values["side"])
        engine = self._market.engines[symbol]
        if "through" in values:
            limit = Decimal(str(values["through"]))
            bids, asks = engine.book(100_000)
            levels = asks if side is Side.BUY else bids
            quantity = sum(
                (
                    order.remaining
                    for level in levels
                    if (level.price <= limit if side is Side.BUY else level.price >= limit)
                    for order in engine.queue(side.opposite, engine.grid.ticks(level.price))
                ),
                start=Decimal(0),
            )
            if not quantity:
                return {"quantity": "0"}
        else:
            quantity = Decimal(str(values["quantity"]))
        self._market.bot_trade(symbol, side, quantity)
        return {"quantity": format(quantity, "f")}

    def persist(self, values: dict[str, Any]) -> dict[str, Any]:
        """Write everything to the practice folder now."""
        self._market.persist()
        return {}

    def stats(self, values: dict[str, Any]) -> dict[str, Any]:
        """What is going on."""
        return {
            "seed": self._market.seed,
            "rate": self._market.rate,
            "off_fair_pct": self._market.off_fair_pct(),
            "accepted": self.server.accepted if self.server is not None else 0,
            "open_connections": len(self.server.connections) if self.server is not None else 0,
            "armed": self._faults.rows(),
            "struck": dict(self._faults.struck),
            **{face.name: face.stats() for face in self._faces},
        }

    def record(self, values: dict[str, Any]) -> dict[str, Any]:
        """What reached each venue and what came of it, for ``account`` (else the first practice account)."""
        return {face.name: face.told(values.get("account")) for face in self._faces}

    def _symbol(self, values: dict[str, Any]) -> str:
        symbol = values["symbol"]
        if symbol not in self._market.engines:
            raise ValueError(f"no such pair: {symbol}")
        return str(symbol)


def _answer(status: int, values: dict[str, Any]) -> HttpResponse:
    return HttpResponse(
        status, json.dumps(values, default=str).encode(), headers=(("Cache-Control", "no-store"),)
    )
