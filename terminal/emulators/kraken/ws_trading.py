"""The trading methods over WebSocket. Kraken WebSocket v2 trading, read 2026-08.

Each method returns its results: one for one answer, several where the venue answers once per order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from terminal.emulators.kraken import errors
from terminal.emulators.kraken.auth import CANCEL, MODIFY, PracticeKey
from terminal.emulators.kraken.errors import ApiError, in_ws_words, invalid
from terminal.emulators.kraken.ids import order_txid
from terminal.emulators.kraken.names import Pair
from terminal.emulators.kraken.orders import (
    Terms,
    check_deadline,
    ws_flag,
    ws_integer,
    ws_number,
    ws_terms,
    ws_text,
)
from terminal.emulators.kraken.rest_trading import timer_answer
from terminal.emulators.kraken.state import VenueState
from terminal.emulators.kraken.trading import MAX_TIMEOUT_S, Amendment, Desk, tag_of
from terminal.emulators.market.engine_types import EngineOrder

_AMEND_FIELDS: Final = frozenset(
    {
        "order_id", "cl_ord_id", "order_qty", "display_qty", "limit_price", "limit_price_type", "post_only",
        "trigger_price", "trigger_price_type", "deadline", "symbol", "token",
    }
)  # fmt: skip
_EDIT_FIELDS: Final = frozenset(
    {
        "order_id", "symbol", "order_qty", "limit_price", "display_qty", "fee_preference", "order_userref",
        "post_only", "reduce_only", "triggers", "deadline", "validate", "no_mpp", "token",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: a result, or an error; ``extra`` members stand beside them."""

    result: Any = None
    error: str = ""


class WsTradingCalls:
    """add_order, amend_order, edit_order, cancel_order, cancel_all and the rest."""

    def __init__(self, desk: Desk, state: VenueState) -> None:
        self._desk = desk
        self._state = state
        self.calls: dict[str, Callable[[PracticeKey, Mapping[str, Any]], list[Answer]]] = {
            "add_order": self.add_order,
            "amend_order": self.amend_order,
            "edit_order": self.edit_order,
            "cancel_order": self.cancel_order,
            "cancel_all": self.cancel_all,
            "cancel_all_orders_after": self.cancel_all_after,
            "batch_add": self.batch_add,
            "batch_cancel": self.batch_cancel,
        }

    def run(self, method: str, key: PracticeKey, params: Mapping[str, Any]) -> list[Answer]:
        """Carry out one request; refusals become answers."""
        cancels = method.startswith("cancel") or method == "batch_cancel"
        if not key.permissions & ({CANCEL, MODIFY} if cancels else {MODIFY}):
            return [Answer(error=errors.PERMISSION_DENIED)]
        try:
            return self.calls[method](key, params)
        except ApiError as error:
            return [Answer(error=in_ws_words(error.text))]

    def _pair(self, params: Mapping[str, Any]) -> Pair:
        symbol = params.get("symbol")
        if symbol is None:
            raise ApiError("Symbol(s) not found")
        if not isinstance(symbol, str) or symbol not in self._state.names.pairs:
            raise ApiError(f"Currency pair not supported {symbol}")
        return self._desk.pair(symbol)

    def _terms(self, params: Mapping[str, Any], pair: Pair) -> Terms:
        return ws_terms(params, pair, self._state.wall_ns(), self._desk.reference_price(pair))

    def add_order(self, key: PracticeKey, params: Mapping[str, Any]) -> list[Answer]:
        pair = self._pair(params)
        self._desk.charge_add(key, pair)
        terms = self._terms(params, pair)
        return [Answer(self._placed(terms, self._desk.place(key, terms)))]

    def _placed(self, terms: Terms, order: EngineOrder | None) -> dict[str, Any]:
        result: dict[str, Any] = {"order_id": order_txid(order.order_id) if order is not None else ""}
        if terms.cl_ord_id is not None:
            result["cl_ord_id"] = terms.cl_ord_id
        if terms.userref is not None:
            result["order_userref"] = terms.userref
        return result

    def batch_add(self, key: PracticeKey, params: Mapping[str, Any]) -> list[Answer]:
        pair = self._pair(params)
        rows = params.get("orders")
        if not isinstance(rows, list) or not 2 <= len(rows) <= 15:
            raise invalid("orders")
        self._desk.charge_add(key, pair, len(rows))
        deadline = check_deadline(ws_text(params, "deadline"), self._state.wall_ns())
        validate = ws_flag(params, "validate")
        batch: list[Terms] = []
        for row in rows:
            if not isinstance(row, dict):
                raise invalid("orders")
            terms = self._terms(row, pair)
            terms.validate = validate or terms.validate
            terms.deadline_ns = deadline
            batch.append(terms)
        results: list[dict[str, Any]] = []
        for terms in batch:
            try:
                results.append(self._placed(terms, self._desk.place(key, terms)))
            except ApiError as error:
                results.append({"error": in_ws_words(error.text)})
        failed = [one for one in results if "error" in one]
        return [Answer(results, error=str(failed[0]["error"]) if failed else "")]

    def _named(self, key: PracticeKey, params: Mapping[str, Any]) -> EngineOrder:
        order_id, cl_ord_id = ws_text(params, "order_id"), ws_text(params, "cl_ord_id")
        if not order_id and not cl_ord_id:
            raise invalid("order_id")
        return self._desk.find(key.account, txid=order_id, cl_ord_id=cl_ord_id)

    def amend_order(self, key: PracticeKey, params: Mapping[str, Any]) -> list[Answer]:
        for name in params:
            if name not in _AMEND_FIELDS:
                raise ApiError(f"Unsupported field: '{name}' for the given msg type: amend order")
        order = self._named(key, params)
        check_deadline(ws_text(params, "deadline"), self._state.wall_ns())
        amendment = Amendment(
            order_qty=_positive(params, "order_qty"),
            display_qty=_positive(params, "display_qty"),
            limit_price=ws_number(params, "limit_price"),
            trigger_price=ws_number(params, "trigger_price"),
            post_only=ws_flag(params, "post_only") if "post_only" in params else None,
        )
        result = {"amend_id": self._desk.amend(key, order, amendment)}
        if params.get("order_id"):
            result["order_id"] = order_txid(order.order_id)
        else:
            result["cl_ord_id"] = str(tag_of(order).get("cl", ""))
        return [Answer(result)]

    def edit_order(self, key: PracticeKey, params: Mapping[str, Any]) -> list[Answer]:
        for name in params:
            if name not in _EDIT_FIELDS:
                raise ApiError(f"Unsupported field: '{name}' for the given msg type: edit order")
        pair = self._pair(params)
        order = self._desk.find(key.account, txid=ws_text(params, "order_id"))
        if order.symbol != pair.symbol:
            raise ApiError(errors.UNKNOWN_ORDER)
        validate = ws_flag(params, "validate")
        self._desk.edit(key, order, self._edit_changes(order, params), validate)
        new = self._desk.last_placed
        return [
            Answer(
                {
                    "order_id": order_txid(new.order_id) if new is not None and not validate else "",
                    "original_order_id": order_txid(order.order_id),
                }
            )
        ]

    def _edit_changes(self, order: EngineOrder, params: Mapping[str, Any]) -> dict[str, Any]:
        """The WebSocket's fields as REST parameters."""
        changes: dict[str, Any] = {}
        quantity, limit = _positive(params, "order_qty"), ws_number(params, "limit_price")
        if quantity is not None:
            changes["volume"] = quantity
        if limit is not None:
            changes["price2" if order.order_type.has_trigger else "price"] = limit
        triggers = params.get("triggers")
        if triggers is not None:
            if not isinstance(triggers, dict):
                raise invalid("triggers")
            price = ws_number(triggers, "price")
            if price is not None:
                changes["price"] = price
        display = _positive(params, "display_qty")
        if display is not None:
            changes["displayvol"] = display
        userref = ws_integer(params, "order_userref")
        if userref is not None:
            changes["userref"] = userref
        flags = ["post"] if ws_flag(params, "post_only", order.post_only) else []
        preference = ws_text(params, "fee_preference", "base" if order.fee_in_base else "quote")
        if preference not in ("base", "quote"):
            raise invalid("fee_preference")
        if preference == "base":
            flags.append("fcib")
        changes["oflags"] = ",".join(flags)
        if params.get("deadline") is not None:
            changes["deadline"] = ws_text(params, "deadline")
        return changes

    # ---- cancelling ------------------------------------------------------------------------------

    def cancel_order(self, key: PracticeKey, params: Mapping[str, Any]) -> list[Answer]:
        answers: list[Answer] = []
        for name in ("order_id", "cl_ord_id"):
            answers.extend(self._cancel_one(key, name, text) for text in _texts(params, name))
        for userref in _numbers(params, "order_userref"):
            orders = self._desk.open_by_userref(key.account, userref)
            if not orders:
                answers.append(Answer(error=errors.UNKNOWN_ORDER))
            for order in orders:
                self._desk.cancel(key, order)
                answers.append(Answer({"order_id": order_txid(order.order_id)}))
        if not answers:
            raise invalid("order_id")
        return answers

    def _cancel_one(self, key: PracticeKey, name: str, text: str) -> Answer:
        try:
            if name == "order_id":
                order = self._desk.find(key.account, txid=text)
            else:
                order = self._desk.find(key.account, cl_ord_id=text)
            self._desk.cancel(key, order)
        except ApiError as error:
            return Answer({name: text}, error=error.text)
        return Answer({name: text})

    def cancel_all(self, key: PracticeKey, params: Mapping[str, Any]) -> list[Answer]:
        return [Answer({"count": self._desk.cancel_all(key)})]

    def cancel_all_after(self, key: PracticeKey, params: Mapping[str, Any]) -> list[Answer]:
        timeout = ws_integer(params, "timeout")
        if timeout is None or not 0 <= timeout < MAX_TIMEOUT_S:
            raise invalid("timeout")
        return [Answer(timer_answer(self._desk, self._state, key, timeout))]

    def batch_cancel(self, key: PracticeKey, params: Mapping[str, Any]) -> list[Answer]:
        rows = params.get("orders", [])
        if not isinstance(rows, list) or any(isinstance(one, bool) for one in rows):
            raise invalid("orders")
        ids = [str(one) for one in rows if isinstance(one, (str, int))]
        cl_ord_ids = _texts(params, "cl_ord_id")
        if len(ids) != len(rows) or not 1 <= len(ids) + len(cl_ord_ids) <= 50:
            raise invalid("orders")
        return [Answer({"count": self._desk.cancel_batch(key, ids, cl_ord_ids)})]


def _positive(params: Mapping[str, Any], name: str) -> Decimal | None:
    value = ws_number(params, name)
    if value is not None and value <= 0:
        raise invalid(name)
    return value


def _texts(params: Mapping[str, Any], name: str) -> list[str]:
    value = params.get(name)
    if value is None:
        return []
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) and one for one in rows) or len(rows) > 50:
        raise invalid(name)
    return rows


def _numbers(params: Mapping[str, Any], name: str) -> list[int]:
    value = params.get(name)
    if value is None:
        return []
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in rows) or len(rows) > 50:
        raise invalid(name)
    return rows
