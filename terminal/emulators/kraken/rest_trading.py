"""The private REST calls that act. Kraken REST "Trading", read 2026-08."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from terminal.emulators.kraken import errors
from terminal.emulators.kraken.auth import PracticeKey
from terminal.emulators.kraken.errors import ApiError, invalid
from terminal.emulators.kraken.ids import order_txid
from terminal.emulators.kraken.names import Pair
from terminal.emulators.kraken.orders import Terms, check_deadline, rest_terms
from terminal.emulators.kraken.params import Params, decimal_of
from terminal.emulators.kraken.state import VenueState
from terminal.emulators.kraken.trading import MAX_TIMEOUT_S, Amendment, Desk
from terminal.emulators.kraken.wire import fixed, iso_s
from terminal.emulators.market.engine_types import EngineOrder

BATCH: Final = (2, 15)
CANCEL_BATCH_LIMIT: Final = 50
_EDITABLE: Final = ("volume", "price", "price2", "displayvol", "oflags", "deadline", "userref")

Handler = Callable[[PracticeKey, Params], Any]


class TradingCalls:
    """What the holder of a trading key may do."""

    def __init__(self, desk: Desk, state: VenueState) -> None:
        self._desk = desk
        self._state = state
        self.calls: dict[str, Handler] = {
            "AddOrder": self.add_order,
            "AmendOrder": self.amend_order,
            "EditOrder": self.edit_order,
            "CancelOrder": self.cancel_order,
            "CancelAll": self.cancel_all,
            "CancelAllOrdersAfter": self.cancel_all_after,
            "AddOrderBatch": self.add_batch,
            "CancelOrderBatch": self.cancel_batch,
        }

    def _terms(self, params: Params, pair: Pair) -> Terms:
        return rest_terms(params, pair, self._state.wall_ns(), self._desk.reference_price(pair))

    def add_order(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        pair = self._desk.pair(params.required("pair"))
        self._desk.charge_add(key, pair)
        terms = self._terms(params, pair)
        order = self._desk.place(key, terms)
        result: dict[str, Any] = {"descr": terms.description()}
        if order is not None:
            result["txid"] = [order_txid(order.order_id)]
        return result

    def add_batch(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        pair = self._desk.pair(params.required("pair"))
        rows = params.values.get("orders")
        if not isinstance(rows, list) or not BATCH[0] <= len(rows) <= BATCH[1]:
            raise invalid("orders")
        self._desk.charge_add(key, pair, len(rows))
        deadline = check_deadline(params.text("deadline"), self._state.wall_ns())
        validate = params.flag("validate")
        batch: list[Terms] = []
        for row in rows:
            if not isinstance(row, dict):
                raise invalid("orders")
            terms = self._terms(Params(row), pair)  # one malformed row refuses the whole batch
            terms.validate = validate or terms.validate
            terms.deadline_ns = deadline
            batch.append(terms)
        return {"orders": [self._batch_row(key, terms) for terms in batch]}

    def _batch_row(self, key: PracticeKey, terms: Terms) -> dict[str, Any]:
        try:
            order = self._desk.place(key, terms)
        except ApiError as error:
            return {"error": error.text}
        row: dict[str, Any] = {"descr": terms.description()}
        if order is not None:
            row["txid"] = order_txid(order.order_id)
        return row

    def _named(self, key: PracticeKey, params: Params) -> EngineOrder:
        txid, cl_ord_id = params.text("txid"), params.text("cl_ord_id")
        if not txid and not cl_ord_id:
            raise invalid("txid")
        return self._desk.find(key.account, txid=txid, cl_ord_id=cl_ord_id)

    def amend_order(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        order = self._named(key, params)
        check_deadline(params.text("deadline"), self._state.wall_ns())
        amendment = Amendment(
            order_qty=params.decimal("order_qty"),
            display_qty=params.decimal("display_qty"),
            limit_price=_price(params, "limit_price"),
            trigger_price=_price(params, "trigger_price"),
            post_only=params.flag("post_only") if params.has("post_only") else None,
        )
        return {"amend_id": self._desk.amend(key, order, amendment)}

    def edit_order(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        pair = self._desk.pair(params.required("pair"))
        order = self._desk.find(key.account, txid=params.required("txid"))
        if order.symbol != pair.symbol:
            raise ApiError(errors.UNKNOWN_ORDER)
        changes = {name: params.values[name] for name in _EDITABLE if params.has(name)}
        validate = params.flag("validate")
        terms = self._desk.edit(key, order, changes, validate)
        new = self._desk.last_placed
        price, price2 = terms.descr_prices()
        result: dict[str, Any] = {
            "status": "ok",
            "originaltxid": order_txid(order.order_id),
            "volume": fixed(terms.quantity, pair.listing.quantity_decimals),
            "price": price,
            "price2": price2,
            "orders_cancelled": 0 if validate else 1,
            "descr": terms.description(),
        }
        if new is not None and not validate:
            result["txid"] = order_txid(new.order_id)
        return result

    def cancel_order(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        text, cl_ord_id = params.text("txid"), params.text("cl_ord_id")
        if text:
            orders = self._desk.orders_named(key.account, text)
        elif cl_ord_id:
            orders = [self._desk.find(key.account, cl_ord_id=cl_ord_id)]
        else:
            raise invalid("txid")
        if not orders:
            raise ApiError(errors.UNKNOWN_ORDER)
        for order in orders:
            self._desk.cancel(key, order)
        return {"count": len(orders), "pending": False}

    def cancel_all(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        return {"count": self._desk.cancel_all(key)}

    def cancel_all_after(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        if not params.has("timeout"):
            raise invalid("timeout")
        return timer_answer(self._desk, self._state, key, params.integer("timeout", 0, 0, MAX_TIMEOUT_S - 1))

    def cancel_batch(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        ids = params.listed("orders", CANCEL_BATCH_LIMIT)
        cl_ord_ids = params.listed("cl_ord_ids", CANCEL_BATCH_LIMIT)
        if not ids and not cl_ord_ids:
            raise invalid("orders")
        if len(ids) + len(cl_ord_ids) > CANCEL_BATCH_LIMIT:
            raise invalid("orders")
        return {"count": self._desk.cancel_batch(key, ids, cl_ord_ids)}


def timer_answer(desk: Desk, state: VenueState, key: PracticeKey, timeout_s: int) -> dict[str, Any]:
    """Set the dead man's timer and say when it would fire."""
    due_ns = desk.cancel_all_after(key, timeout_s)
    return {
        "currentTime": iso_s(state.wall_ns()),
        "triggerTime": iso_s(due_ns) if due_ns is not None else "0",
    }


def _price(params: Params, name: str) -> Any:
    """A price of an amend; trailing orders take theirs with a sign and a per cent mark."""
    if not params.has(name):
        return None
    text = params.text(name)
    if not re.fullmatch(r"[+-]?[0-9.eE+-]+%?", text):
        raise invalid(name)
    value = decimal_of(name, text.removesuffix("%"))
    if value <= 0 and not text.startswith(("+", "-")):
        raise ApiError(errors.INVALID_PRICE)
    return value
