"""Trading over the private WebSocket: requests with a number and a deadline, and the words of an order.

An answer is matched by ``req_id`` alone. No answer by the deadline, or a link that ends first, is
OutcomeUnknown; nothing is ever sent twice (Kraken WS v2 trading methods, read 2026-08).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from terminal.core.clock import Clock
from terminal.core.secret import scrub
from terminal.domain.decimals import wire_text
from terminal.domain.errors import NotSent, OutcomeUnknown, RequestRejected, Unsupported, VenueError
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderRequest, OrderType, TimeInForce, TriggerReference
from terminal.venues.kraken.errors import VENUE_NAME, Verdict, meaning_of, to_error
from terminal.venues.kraken.executions import WIRE_ORDER_TYPE
from terminal.venues.kraken.rest import NewOrder
from terminal.venues.kraken.wire import AmendIds, CancelAfterResult, CountResult, EditIds, OrderIds, Response

log = logging.getLogger("venue.kraken")

T = TypeVar("T")

_CLIENT_ID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\x21-\x7e]{1,18}", re.IGNORECASE
)


def require_client_id(client_order_id: str) -> str:
    """An id that Kraken takes as ``cl_ord_id``: a UUID with or without hyphens, or up to 18 characters of
    ASCII.

    Raises:
        NotSent: anything else; Kraken would refuse it.
    """
    if _CLIENT_ID.fullmatch(client_order_id) is None:
        raise NotSent(VENUE_NAME, f"Kraken does not take {client_order_id[:40]!r} as an order's id")
    return client_order_id


def number(value: Decimal) -> msgspec.Raw:
    """A JSON number in plain notation, with a point: some fields refuse a whole number."""
    text = wire_text(value)
    return msgspec.Raw((text if "." in text else f"{text}.0").encode())


def rfc3339(ns: int) -> str:
    """``2024-05-18T12:05:50Z``; a fraction of a second is dropped."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ns // 1_000_000_000))


def _signed_offset(request: OrderRequest) -> Decimal | None:
    """The limit of a trailing stop limit from its trigger: under it for a sale, over it for a purchase, so
    that the order can trade once it fires."""
    if request.limit_offset is None:
        return None
    return request.limit_offset if request.side is Side.BUY else -request.limit_offset


def _require(request: OrderRequest) -> None:
    if request.time_in_force is TimeInForce.DAY:
        raise Unsupported("time in force", "Kraken has no day orders: set an expiry instead.")
    if request.time_in_force is TimeInForce.GTD and request.expire_time_ns is None:
        raise Unsupported("time in force", "An order that is good till a date needs the date.")
    if request.in_quote and (request.order_type is not OrderType.MARKET or request.side is not Side.BUY):
        raise Unsupported("quantity in quote", "Kraken takes a quote amount for market buys only.")


def ws_order(request: OrderRequest, client_order_id: str) -> dict[str, object]:
    """The ``params`` of add_order, without the token.

    ``{"order_type":"limit","side":"buy","symbol":"BTC/USD","order_qty":1.2345,"limit_price":26500.4,
    "cl_ord_id":"t1-000001"}``

    Raises:
        Unsupported: Kraken has no such order.
    """
    _require(request)
    kind = request.order_type
    out: dict[str, object] = {
        "order_type": WIRE_ORDER_TYPE[kind],
        "side": request.side.value,
        "symbol": request.instrument.symbol,
        "cash_order_qty" if request.in_quote else "order_qty": number(request.quantity),
        "cl_ord_id": require_client_id(client_order_id),
    }
    reference = request.trigger_reference.value
    if kind.has_trail:
        if request.trail_offset is None:
            raise Unsupported("trailing stop", "A trailing stop needs its distance.")
        out["triggers"] = {
            "reference": reference,
            "price": number(request.trail_offset),
            "price_type": "pct" if request.trail_in_percent else "quote",
        }
        offset = _signed_offset(request)
        if kind is OrderType.TRAILING_STOP_LIMIT and offset is not None:
            out["limit_price"] = number(offset)
            out["limit_price_type"] = "quote"
    else:
        if kind.has_limit_price and request.limit_price is not None:
            out["limit_price"] = number(request.limit_price)
        if kind.has_trigger and request.trigger_price is not None:
            out["triggers"] = {
                "reference": reference,
                "price": number(request.trigger_price),
                "price_type": "static",
            }
    if request.time_in_force is not TimeInForce.GTC:
        out["time_in_force"] = request.time_in_force.value.lower()
    if request.time_in_force is TimeInForce.GTD and request.expire_time_ns is not None:
        out["expire_time"] = rfc3339(request.expire_time_ns)
    if kind is OrderType.ICEBERG and request.display_quantity is not None:
        out["display_qty"] = number(request.display_quantity)
    if request.post_only:
        out["post_only"] = True
    if request.reduce_only:
        out["reduce_only"] = True
        out["margin"] = True
    return out


def rest_order(request: OrderRequest, client_order_id: str) -> NewOrder:
    """The same order in REST's words. Raises Unsupported where Kraken has no such order."""
    _require(request)
    kind = request.order_type
    price = price2 = None
    if kind.has_trail:
        if request.trail_offset is None:
            raise Unsupported("trailing stop", "A trailing stop needs its distance.")
        price = f"+{wire_text(request.trail_offset)}{'%' if request.trail_in_percent else ''}"
        offset = _signed_offset(request)
        if kind is OrderType.TRAILING_STOP_LIMIT and offset is not None:
            price2 = f"{offset:+f}"
    elif kind.has_trigger:
        price = wire_text(request.trigger_price) if request.trigger_price is not None else None
        if kind.has_limit_price and request.limit_price is not None:
            price2 = wire_text(request.limit_price)
    elif kind.has_limit_price and request.limit_price is not None:
        price = wire_text(request.limit_price)
    flags = [flag for flag, wanted in (("post", request.post_only), ("viqc", request.in_quote)) if wanted]
    expires = request.expire_time_ns if request.time_in_force is TimeInForce.GTD else None
    shows = request.display_quantity if kind is OrderType.ICEBERG else None
    on_index = request.trigger_reference is TriggerReference.INDEX and (kind.has_trigger or kind.has_trail)
    return NewOrder(
        ordertype=WIRE_ORDER_TYPE[kind],
        type=request.side.value,
        volume=wire_text(request.quantity),
        price=price,
        price2=price2,
        displayvol=wire_text(shows) if shows is not None else None,
        trigger="index" if on_index else None,
        reduce_only=True if request.reduce_only else None,
        oflags=",".join(flags) or None,
        timeinforce=None if request.time_in_force is TimeInForce.GTC else request.time_in_force.value,
        expiretm=str(expires // 1_000_000_000) if expires is not None else None,
        cl_ord_id=require_client_id(client_order_id),
    )


def ws_amend(change: AmendRequest) -> dict[str, object]:
    """The changed terms of amend_order."""
    named = {
        "order_qty": change.quantity,
        "limit_price": change.limit_price,
        "trigger_price": change.trigger_price,
        "display_qty": change.display_quantity,
    }
    return {name: number(value) for name, value in named.items() if value is not None}


class _Pending:
    """A request that waits for its answers."""

    __slots__ = ("answers", "done", "expected", "method")

    def __init__(self, method: str, expected: int, done: asyncio.Future[None]) -> None:
        self.method = method
        self.expected = expected
        self.answers: list[Response] = []
        self.done = done


class WsTrading:
    """Kraken's trading methods on an open private link, in Kraken's words.

    Every method raises NotSent (the link is down: nothing left), RequestRejected, AuthRejected or RateLimited
    (Kraken's no), or OutcomeUnknown (all else). ``deadline_s`` is how long an answer may take.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        numbers: itertools.count[int],
        send: Callable[[str], None],
        token: Callable[[], str | None],
        on_session_lost: Callable[[str], None],
        deadline_s: float = 5.0,
    ) -> None:
        self._clock = clock
        self._numbers = numbers
        self._send = send
        self._token = token
        self._on_session_lost = on_session_lost
        self._deadline_s = deadline_s
        self._pending: dict[int, _Pending] = {}

    @property
    def waiting(self) -> int:
        """How many requests wait for an answer."""
        return len(self._pending)

    # --- the methods -------------------------------------------------------------------------------------

    async def add_order(self, order: Mapping[str, object], *, validate: bool = False) -> OrderIds:
        """Place an order; with ``validate`` only have it checked (its id is then empty)."""
        params = {**order, "validate": True} if validate else order
        ids = self._result(await self._one("add_order", params), OrderIds)
        if not ids.order_id and not validate:
            raise OutcomeUnknown(VENUE_NAME, "add_order: an answer without an order id", code="unreadable")
        return ids

    async def batch_add(
        self, symbol: str, orders: Sequence[Mapping[str, object]], *, validate: bool = False
    ) -> list[OrderIds]:
        """Place 2 to 15 orders of one pair. A row has either an id or an error text; the whole is refused
        only where nothing of it was looked at."""
        rows = [
            {key: value for key, value in order.items() if key not in ("symbol", "token")} for order in orders
        ]
        params: dict[str, object] = {"symbol": symbol, "orders": rows}
        if validate:
            params["validate"] = True
        response = await self._one("batch_add", params)
        try:
            # Partial success may say ``success: false`` and still list every order.
            results = msgspec.json.decode(response.result, type=list[OrderIds])
        except msgspec.MsgspecError:
            self._result(response, list[OrderIds])
            raise AssertionError("unreachable: an unreadable result raises") from None
        if len(results) != len(orders):
            raise OutcomeUnknown(VENUE_NAME, f"batch_add: {len(results)} answers for {len(orders)} orders")
        return results

    async def amend_order(
        self, changes: Mapping[str, object], *, order_id: str | None = None, cl_ord_id: str | None = None
    ) -> AmendIds:
        """Change an order in place."""
        name = {"order_id": order_id} if order_id is not None else {"cl_ord_id": cl_ord_id}
        return self._result(await self._one("amend_order", {**name, **changes}), AmendIds)

    async def edit_order(self, order_id: str, symbol: str, changes: Mapping[str, object]) -> EditIds:
        """Cancel an order and place a changed one, with a new id and at the end of the queue."""
        params = {"order_id": order_id, "symbol": symbol, **changes}
        return self._result(await self._one("edit_order", params), EditIds)

    async def cancel_order(
        self,
        *,
        order_ids: Sequence[str] = (),
        cl_ord_ids: Sequence[str] = (),
        userrefs: Sequence[int] = (),
    ) -> list[OrderIds | VenueError]:
        """Cancel by one kind of id. Kraken answers each order by itself: a result or an error for each, in
        the order of the answers."""
        named: dict[str, Sequence[object]] = {
            "order_id": order_ids,
            "cl_ord_id": cl_ord_ids,
            "order_userref": userrefs,
        }
        params = {name: list(values) for name, values in named.items() if values}
        count = sum(len(values) for values in params.values())
        results: list[OrderIds | VenueError] = []
        for answer in await self._request("cancel_order", params, expected=count):
            try:
                results.append(self._result(answer, OrderIds))
            except VenueError as error:
                results.append(error)
        return results

    async def batch_cancel(self, *, orders: Sequence[str] = (), cl_ord_ids: Sequence[str] = ()) -> int:
        """Cancel 2 to 50 orders; how many Kraken took."""
        params: dict[str, object] = {}
        if orders:
            params["orders"] = list(orders)
        if cl_ord_ids:
            params["cl_ord_id"] = list(cl_ord_ids)
        return self._result(await self._one("batch_cancel", params), CountResult).count

    async def cancel_all(self) -> int:
        """Cancel every open order of the account; how many there were."""
        return self._result(await self._one("cancel_all", {}), CountResult).count

    async def cancel_all_orders_after(self, timeout_s: int) -> CancelAfterResult:
        """Cancel everything in so many seconds unless called again; 0 disarms."""
        return self._result(
            await self._one("cancel_all_orders_after", {"timeout": timeout_s}), CancelAfterResult
        )

    # --- requests and answers ----------------------------------------------------------------------------

    def on_response(self, response: Response) -> bool:
        """Take an answer; False where nobody waits for it (any more)."""
        pending = self._pending.get(response.req_id) if response.req_id is not None else None
        if pending is None:
            return False
        pending.answers.append(response)
        # An error that names no order is the answer to the whole request.
        whole = response.success is False and not _names_an_order(response)
        if (len(pending.answers) >= pending.expected or whole) and not pending.done.done():
            pending.done.set_result(None)
        return True

    def link_lost(self, reason: str) -> None:
        """The link is down: whoever waits learns that nobody knows."""
        for pending in list(self._pending.values()):
            if not pending.done.done():
                pending.done.set_exception(
                    OutcomeUnknown(VENUE_NAME, f"{pending.method}: the link was lost: {reason}", code="link")
                )

    async def _one(self, method: str, params: Mapping[str, object]) -> Response:
        return (await self._request(method, params, expected=1))[0]

    async def _request(self, method: str, params: Mapping[str, object], *, expected: int) -> list[Response]:
        token = self._token()
        if token is None:
            raise NotSent(VENUE_NAME, f"{method}: there is no trading session")
        req_id = next(self._numbers)
        text = msgspec.json.encode(
            {"method": method, "params": {**params, "token": token}, "req_id": req_id}
        ).decode()
        pending = _Pending(method, expected, asyncio.get_running_loop().create_future())
        self._pending[req_id] = pending
        try:
            self._send(text)
            async with asyncio.timeout(self._deadline_s):
                await pending.done
        except TimeoutError:
            if pending.answers:
                return pending.answers  # a cancel of several orders of which some were answered
            raise OutcomeUnknown(
                VENUE_NAME, f"{method}: no answer within {self._deadline_s:.1f} s", code="timeout"
            ) from None
        finally:
            del self._pending[req_id]
        return pending.answers

    def _result(self, response: Response, shape: type[T]) -> T:
        if response.success is not True:
            text = response.error or ""
            if not text:
                raise OutcomeUnknown(VENUE_NAME, f"{response.method}: neither yes nor no", code="unreadable")
            if meaning_of(text).verdict is Verdict.SESSION:
                self._on_session_lost(text)
            raise to_error(scrub(text), writing=True, wall_s=self._clock.wall_ns() / 1e9)
        try:
            return msgspec.json.decode(response.result, type=shape)
        except msgspec.MsgspecError as error:
            raise OutcomeUnknown(
                VENUE_NAME, f"{response.method}: unreadable result: {error}", code="unreadable"
            ) from error


def _names_an_order(response: Response) -> bool:
    try:
        ids = msgspec.json.decode(response.result, type=OrderIds)
    except msgspec.MsgspecError:
        return False
    return bool(ids.order_id or ids.cl_ord_id)


def batch_row_error(text: str | None) -> VenueError:
    """What went wrong with one order of a batch."""
    if text:
        return to_error(scrub(text), writing=True)
    return OutcomeUnknown(VENUE_NAME, "an order of the batch has neither an id nor an error")


def is_cancel_under_way(error: VenueError) -> bool:
    """A cancel was refused because an earlier one is being done: that is what was wanted."""
    return isinstance(error, RequestRejected) and error.code == "EOrder:Cancel pending"
