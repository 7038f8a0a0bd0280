"""The private REST calls about orders: placing, lists and histories, fills, stop orders.

OKX API v5 "Order book trading", read 2026-07. Lists are newest first; ``after`` asks for older and
``before`` for newer rows, with ``before`` alone for those nearest to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from terminal.emulators.okx.algos import KINDS, Algos
from terminal.emulators.okx.auth import TRADE, OkxKey, require
from terminal.emulators.okx.buckets import ORDERS, Limit
from terminal.emulators.okx.desk import Desk
from terminal.emulators.okx.errors import OkxError, missing, wrong
from terminal.emulators.okx.orders import order_row, required, text_of
from terminal.emulators.okx.paging import page, whole_number
from terminal.emulators.okx.placing import Placing
from terminal.emulators.okx.wire import Row, ms

Params = Mapping[str, Any]
Handler = Callable[[OkxKey, Any], list[Any]]
_DAY_MS: Final = 86_400_000
_USER: Final = "user"
_BATCH_OF_ALGOS: Final = 10

ORDER_PATHS: Final[dict[str, tuple[str, bool]]] = {
    "trade/order": ("place", False),
    "trade/batch-orders": ("place", True),
    "trade/cancel-order": ("cancel", False),
    "trade/cancel-batch-orders": ("cancel", True),
    "trade/amend-order": ("amend", False),
    "trade/amend-batch-orders": ("amend", True),
}
"""POST calls that :class:`terminal.emulators.okx.calls.OrderCalls` carries out."""


class TradeCalls:
    """``/api/v5/trade`` but for placing, amending and canceling; by method and path."""

    def __init__(self, desk: Desk, placing: Placing, algos: Algos) -> None:
        self._desk = desk
        self._placing = placing
        self._algos = algos
        self._timers: dict[tuple[int, str], asyncio.TimerHandle] = {}
        self._timer_rate = 1.0
        self.calls: dict[tuple[str, str], tuple[Handler, Limit]] = {
            ("GET", "trade/order"): (self.order, ORDERS),
            ("GET", "trade/orders-pending"): (self.pending, Limit(60, 2.0, _USER)),
            ("GET", "trade/orders-history"): (self.history, Limit(40, 2.0, _USER)),
            ("GET", "trade/orders-history-archive"): (self.archive, Limit(20, 2.0, _USER)),
            ("GET", "trade/fills"): (self.fills, Limit(60, 2.0, _USER)),
            ("GET", "trade/fills-history"): (self.fills_history, Limit(10, 2.0, _USER)),
            ("GET", "trade/account-rate-limit"): (self.rate_limit, Limit(1, 1.0, _USER)),
            ("POST", "trade/close-position"): (self.close_position, Limit(20, 2.0, _USER)),
            ("POST", "trade/cancel-all-after"): (self.cancel_all_after, Limit(1, 1.0, "user+tag")),
            ("POST", "trade/order-algo"): (self.place_algo, Limit(20, 2.0, "user+inst")),
            ("POST", "trade/cancel-algos"): (self.cancel_algos, Limit(20, 2.0, _USER)),
            ("POST", "trade/amend-algos"): (self.amend_algos, Limit(20, 2.0, "user+inst")),
            ("GET", "trade/order-algo"): (self.algo, Limit(20, 2.0, _USER)),
            ("GET", "trade/orders-algo-pending"): (self.algos_pending, Limit(20, 2.0, _USER)),
            ("GET", "trade/orders-algo-history"): (self.algos_history, Limit(20, 2.0, _USER)),
        }

    def _row(self, order: Any) -> Row:
        return order_row(order, self._desk.exchange.traded(order))

    # ---- lists -----------------------------------------------------------------------------------

    def order(self, key: OkxKey, params: Params) -> list[Any]:
        if not text_of(params, "instId"):
            raise missing("instId")
        name = str(params["instId"])
        if name not in self._desk.exchange.instruments or name in self._desk.delisted:
            raise OkxError("51001")
        found = self._desk.find(key.account, params, "51603")
        if self._desk.is_forgotten(found):
            raise OkxError("51603")
        return [self._row(found)]

    def pending(self, key: OkxKey, params: Params) -> list[Any]:
        rows = [self._row(order) for order in reversed(self._desk.open_orders(key.account))]
        return page(_wanted(rows, params), params, "ordId")

    def history(self, key: OkxKey, params: Params, days: int = 7) -> list[Any]:
        required(params, "instType")
        now = self._desk.exchange.clock.wall_ns() // 1_000_000
        begin, end = whole_number(params, "begin"), whole_number(params, "end")
        rows = [
            self._row(order)
            for order in sorted(self._desk.closed[key.account], key=lambda one: -one.order_id)
            if not self._desk.is_forgotten(order)
        ]
        rows = [
            row
            for row in _wanted(rows, params)
            if int(row["cTime"]) > now - days * _DAY_MS
            and (begin is None or int(row["cTime"]) >= begin)
            and (end is None or int(row["cTime"]) <= end)
        ]
        return page(rows, params, "ordId")

    def archive(self, key: OkxKey, params: Params) -> list[Any]:
        return self.history(key, params, 92)

    def fills(self, key: OkxKey, params: Params, days: int = 3) -> list[Any]:
        now = self._desk.exchange.clock.wall_ns() // 1_000_000
        begin, end = whole_number(params, "begin"), whole_number(params, "end")
        order_id, sub_type = text_of(params, "ordId"), text_of(params, "subType")
        rows = [
            row
            for row in _wanted(list(reversed(self._desk.fills[key.account])), params)
            if int(row["ts"]) > now - days * _DAY_MS
            and order_id in ("", row["ordId"])
            and sub_type in ("", row["subType"])
            and (begin is None or int(row["ts"]) >= begin)
            and (end is None or int(row["ts"]) <= end)
        ]
        return page(rows, params, "billId")

    def fills_history(self, key: OkxKey, params: Params) -> list[Any]:
        required(params, "instType")
        return self.fills(key, params, 92)

    def rate_limit(self, key: OkxKey, params: Params) -> list[Any]:
        now = ms(self._desk.exchange.clock.wall_ns())
        row = {"accRateLimit": "1000", "nextAccRateLimit": "1000", "fillRatio": "", "mainFillRatio": ""}
        return [{**row, "ts": now}]

    # ---- acting ----------------------------------------------------------------------------------

    def close_position(self, key: OkxKey, params: Params) -> list[Any]:
        require(key, TRADE)
        if not text_of(params, "instId"):
            raise missing("instId")
        return [self._placing.close_position(key.account, params)]

    def cancel_all_after(self, key: OkxKey, params: Params) -> list[Any]:
        require(key, TRADE)
        text, tag = required(params, "timeOut"), text_of(params, "tag")
        if not text.isdigit() or not (int(text) == 0 or 10 <= int(text) <= 120):
            raise wrong("timeOut")
        slot = key.account, tag
        timer = self._timers.pop(slot, None)
        if timer is not None:
            timer.cancel()
        now = self._desk.exchange.clock.wall_ns()
        trigger = "0"
        if int(text):
            trigger = ms(now + int(text) * 1_000_000_000)
            loop = asyncio.get_running_loop()
            wait_s = int(text) / self._timer_rate
            self._timers[slot] = loop.call_later(wait_s, self._cancel_all, key.account, tag)
        return [{"triggerTime": trigger, "tag": tag, "ts": ms(now)}]

    def _cancel_all(self, uid: int, tag: str) -> None:
        self._timers.pop((uid, tag), None)
        for order in self._desk.open_orders(uid):
            if order.is_live and tag in ("", order.tag["tag"]):
                self._desk.drop(order, "20")
        self._desk.flush()

    def set_timer_rate(self, rate: float) -> None:
        """How many seconds of a timer pass in one.

        Raises:
            ValueError: none at all.
        """
        if not 0 < rate <= 1000:
            raise ValueError(f"no rate of timers: {rate}")
        self._timer_rate = rate

    def stop_timers(self, uid: int | None = None) -> None:
        """Disarm every cancel-all-after (of an account)."""
        for slot in [one for one in self._timers if uid in (None, one[0])]:
            self._timers.pop(slot).cancel()

    # ---- stop orders -----------------------------------------------------------------------------

    def place_algo(self, key: OkxKey, params: Params) -> list[Any]:
        require(key, TRADE)
        row = {"algoId": "", "algoClOrdId": params.get("algoClOrdId", ""), "clOrdId": "", "tag": ""}
        try:
            algo = self._algos.place(key.account, params)
        except OkxError as error:
            return [{**row, "sCode": error.code, "sMsg": error.text}]
        return [{**row, "algoId": str(algo.algo_id), "sCode": "0", "sMsg": ""}]

    def cancel_algos(self, key: OkxKey, params: Any) -> list[Any]:
        require(key, TRADE)
        if not isinstance(params, list) or not all(isinstance(row, dict) for row in params):
            raise OkxError("50002")
        if not 0 < len(params) <= _BATCH_OF_ALGOS:
            raise OkxError("51111", _BATCH_OF_ALGOS)
        found = []
        for values in params:
            row = {"algoId": values.get("algoId", ""), "algoClOrdId": values.get("algoClOrdId", "")}
            try:
                algo = self._algos.cancel(key.account, values)
                row["algoId"] = str(algo.algo_id)
                found.append({**row, "sCode": "0", "sMsg": ""})
            except OkxError as error:
                found.append({**row, "sCode": error.code, "sMsg": error.text})
        return found

    def amend_algos(self, key: OkxKey, params: Params) -> list[Any]:
        require(key, TRADE)
        row = {name: params.get(name, "") for name in ("algoId", "algoClOrdId", "reqId")}
        try:
            algo = self._algos.amend(key.account, params)
        except OkxError as error:
            return [{**row, "sCode": error.code, "sMsg": error.text}]
        row.update(algoId=str(algo.algo_id), algoClOrdId=algo.client_id)
        return [{**row, "sCode": "0", "sMsg": ""}]

    def _algo_rows(self, key: OkxKey, *, ended: bool) -> list[Row]:
        live = [one for one in self._algos.live.values() if one.uid == key.account]
        algos = list(self._algos.ended[key.account]) if ended else live
        return [self._algos.row(one) for one in sorted(algos, key=lambda one: -one.algo_id)]

    def algo(self, key: OkxKey, params: Params) -> list[Any]:
        number, client_id = text_of(params, "algoId"), text_of(params, "algoClOrdId")
        if not number and not client_id:
            raise missing("algoId")
        for row in [*self._algo_rows(key, ended=False), *self._algo_rows(key, ended=True)]:
            if row["algoId"] == number if number else row["algoClOrdId"] == client_id:
                return [row]
        raise OkxError("51603")

    def algos_pending(self, key: OkxKey, params: Params) -> list[Any]:
        return self._algo_page(key, params, ended=False)

    def algos_history(self, key: OkxKey, params: Params) -> list[Any]:
        return self._algo_page(key, params, ended=True)

    def _algo_page(self, key: OkxKey, params: Params, *, ended: bool) -> list[Any]:
        kinds = required(params, "ordType").split(",")
        if not set(kinds) <= {*KINDS, "iceberg", "twap", "chase", "smart_iceberg"}:
            raise wrong("ordType")
        number = text_of(params, "algoId")
        rows = [
            row
            for row in self._algo_rows(key, ended=ended)
            if row["ordType"] in kinds and number in ("", row["algoId"])
        ]
        params = {name: value for name, value in params.items() if name != "ordType"}
        return page(_wanted(rows, params), params, "algoId")


def _wanted(rows: list[Row], params: Params) -> list[Row]:
    """Those of a type, family, instrument, kind and state."""
    family = text_of(params, "instFamily") or text_of(params, "uly")
    kinds = {one for one in text_of(params, "ordType").split(",") if one}
    wanted = {name: text_of(params, name) for name in ("instType", "instId", "state")}
    return [
        row
        for row in rows
        if all(not value or row.get(name) == value for name, value in wanted.items())
        and (not family or str(row["instId"]).startswith(f"{family}-"))
        and (not kinds or row["ordType"] in kinds)
    ]
