"""What reached the practice Kraken and what came of it: the venue's own word, for tests and rehearsals.

Trading requests are noted as they arrive, before any fault or check has touched them. A request that was
sent twice is therefore in the record twice, whether it was carried out or not.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from terminal.emulators.kraken.auth import Gatekeeper
from terminal.emulators.kraken.ids import order_txid, trade_txid
from terminal.emulators.kraken.trading import Desk, tag_of
from terminal.emulators.market.engine_types import EngineOrder
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.web import HttpRequest

_REQUESTS_KEPT: Final = 5_000


class Record:
    """The venue's memory of one run; resets of the accounts empty it."""

    def __init__(self, market: PracticeMarket, gate: Gatekeeper, desk: Desk) -> None:
        self._market = market
        self._gate = gate
        self._desk = desk
        self._requests: deque[dict[str, Any]] = deque(maxlen=_REQUESTS_KEPT)

    def note_rest(self, name: str, request: HttpRequest) -> None:
        """A trading call by REST has arrived."""
        text = request.body.decode("utf-8", "replace")
        rows: list[Any] = []
        if text.lstrip()[:1] == "{":
            try:
                body = json.loads(text)
            except (ValueError, RecursionError):
                body = {}
            rows = [body, *body.get("orders", ())] if isinstance(body, dict) else []
            ids = [str(row["cl_ord_id"]) for row in rows if isinstance(row, dict) and "cl_ord_id" in row]
        else:
            ids = parse_qs(text).get("cl_ord_id", [])
        self._requests.append({"by": "rest", "method": name, "cl_ord_ids": ids})

    def note_ws(self, method: str, params: object) -> None:
        """A trading request by WebSocket has arrived."""
        ids: list[str] = []
        if isinstance(params, Mapping):
            for row in (params, *_rows(params.get("orders"))):
                found = row.get("cl_ord_id")
                ids += (
                    [str(one) for one in found] if isinstance(found, list) else [str(found)] if found else []
                )
        self._requests.append({"by": "ws", "method": method, "cl_ord_ids": ids})

    def clear(self) -> None:
        """Forget the requests; orders and fills are the market's."""
        self._requests.clear()

    def told(self, account: str) -> dict[str, Any]:
        """Requests, orders (open and ended), fills, balances and counters of an account."""
        market = self._market
        orders = [*market.closed_orders(account), *market.open_orders(account)]
        keys = [key for key in self._gate.keys.values() if key.account == account]
        return {
            "requests": list(self._requests),
            "orders": [_order_row(order) for order in orders],
            "fills": [
                {
                    "exec_id": trade_txid(fill.fill_id),
                    "txid": order_txid(fill.order_id),
                    "symbol": fill.symbol,
                    "side": fill.side.value,
                    "price": format(fill.price, "f"),
                    "quantity": format(fill.quantity, "f"),
                    "cost": format(fill.cost, "f"),
                    "fee": format(fill.fee, "f"),
                    "fee_asset": fill.fee_asset,
                }
                for fill in market.fills(account)
            ],
            "balances": {
                row.asset: {"total": format(row.total, "f"), "held": format(row.held, "f")}
                for row in market.balances(account)
            },
            "rest_counters": {key.name: self._gate.counter(key).level() for key in keys},
            "order_counters": {
                symbol: self._desk.counters.of(account, symbol, keys[0].tier).level()
                for symbol in sorted({order.symbol for order in orders})
                if keys
            },
        }


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _order_row(order: EngineOrder) -> dict[str, Any]:
    return {
        "txid": order_txid(order.order_id),
        "cl_ord_id": tag_of(order).get("cl"),
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.order_type.value,
        "status": order.status.name,
        "open": order.is_live,
        "quantity": format(order.quantity, "f"),
        "filled": format(order.filled, "f"),
        "limit_price": None if order.limit_price is None else format(order.limit_price, "f"),
        "reason": order.reason,
    }
