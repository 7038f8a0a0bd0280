"""Orders as both ways in carry them out: REST and WebSocket share checks, limits and answers.

OKX API v5 "Order book trading", read 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from terminal.emulators.faults import Faults
from terminal.emulators.market.engine_types import EngineOrder
from terminal.emulators.okx.auth import TRADE, OkxKey, require
from terminal.emulators.okx.buckets import ALL_ORDERS, BATCHES, ORDERS, Buckets
from terminal.emulators.okx.errors import TEXTS, OkxError
from terminal.emulators.okx.orders import text_of
from terminal.emulators.okx.placing import Placing
from terminal.emulators.okx.wire import Row, ms

MOST_IN_BATCH: Final = 20


class Answer:
    """Code, text and rows of a trading answer."""

    def __init__(self, code: str, msg: str, data: list[Row]) -> None:
        self.code = code
        self.msg = msg
        self.data = data


class OrderCalls:
    """Place, amend and cancel, one or many at once."""

    def __init__(
        self, placing: Placing, buckets: Buckets, faults: Faults, wall_ns: Callable[[], int]
    ) -> None:
        self._buckets = buckets
        self._faults = faults
        self._wall_ns = wall_ns
        self._acts: dict[str, Callable[[int, Mapping[str, Any]], EngineOrder]] = {
            "place": lambda uid, values: placing.place(uid, values),
            "amend": placing.amend,
            "cancel": placing.cancel,
        }

    def run(
        self, key: OkxKey, act: str, rows: Sequence[Mapping[str, Any]], *, is_batch: bool, exp_time: str = ""
    ) -> Answer:
        """Carry a request out.

        Args:
            act: place, amend or cancel.
            exp_time: the client's deadline (Unix ms); a later order is refused.

        Raises:
            OkxError: the request as a whole is refused.
        """
        require(key, TRADE)
        if is_batch and not rows:
            raise OkxError("50014", text="Parameter args can not be empty.")
        if len(rows) > MOST_IN_BATCH:
            raise OkxError("51111", MOST_IN_BATCH)
        if exp_time and act != "cancel":
            if not exp_time.isdigit():
                raise OkxError("51000", text="Parameter expTime error")
            if int(exp_time) < self._wall_ns() // 1_000_000:
                raise OkxError("50036")
        self._count(key, act, rows, is_batch and len(rows) > 1)
        bad = -1
        if is_batch and self._faults.active:
            fault = self._faults.take("batch_partial", f"rest/trade/batch-{act}")
            if fault is not None:
                bad = int(fault.number("index", 0))
        data = []
        for i, values in enumerate(rows):
            if i == bad and fault is not None:
                code = fault.text("code", "50026")
                error = OkxError(code, text=fault.text("msg"))
                data.append(self._row(values, act, None, error))
                continue
            try:
                order = self._acts[act](key.account, values)
                data.append(self._row(values, act, order, None))
            except OkxError as error:
                data.append(self._row(values, act, None, error))
        failed = sum(row["sCode"] != "0" for row in data)
        code = "0" if not failed else "1" if failed == len(data) else "2"
        return Answer(code, TEXTS.get(code, ""), data)

    def _count(self, key: OkxKey, act: str, rows: Sequence[Mapping[str, Any]], is_batch: bool) -> None:
        user = str(key.account)
        by_instrument: dict[str, int] = {}
        for values in rows:
            name = str(values.get("instId"))
            by_instrument[name] = by_instrument.get(name, 0) + 1
        for name, count in by_instrument.items():
            limit = BATCHES if is_batch else ORDERS
            self._buckets.take(limit, "batch" if is_batch else "one", act, user, name, count=count)
        if act != "cancel":
            self._buckets.take(ALL_ORDERS, "orders", user, count=len(rows), code="50061")

    def _row(
        self, values: Mapping[str, Any], act: str, order: EngineOrder | None, error: OkxError | None
    ) -> Row:
        given = {name: values.get(name, "") for name in ("ordId", "clOrdId", "tag", "reqId")}
        row: Row = {
            "clOrdId": order.tag["clOrdId"] if order is not None else given["clOrdId"],
            "ordId": str(order.order_id) if order is not None else given["ordId"] if act != "place" else "",
            "ts": ms(self._wall_ns()),
            "sCode": error.code if error is not None else "0",
            "sMsg": error.text if error is not None else "",
            "subCode": error.sub_code if error is not None else "",
        }
        if act == "place":
            row["tag"] = order.tag["tag"] if order is not None else given["tag"]
        if act == "amend":
            row["reqId"] = (
                text_of({"reqId": given["reqId"]}, "reqId") if isinstance(given["reqId"], str) else ""
            )
        return row
