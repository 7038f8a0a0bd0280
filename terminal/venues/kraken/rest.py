"""Kraken's REST calls, each as a typed method in Kraken's words (Kraken REST pages, read 2026-08).

Two rules shape this file. A call that only reads may be tried again; a call that changes something never is:
whatever happens after its first byte left is either a well-formed answer or OutcomeUnknown. And private calls
leave one at a time, in the order of their nonces. It is longer than most files because it is one list: a call
below the other, in the order of Kraken's pages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from terminal.core.clock import Clock
from terminal.core.secret import register, scrub
from terminal.domain.decimals import wire_text
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    NotSent,
    OutcomeUnknown,
    ProtocolViolation,
    RateLimited,
    Unsupported,
    VenueError,
    VenueUnavailable,
)
from terminal.venues.kraken import wire
from terminal.venues.kraken.auth import Signer
from terminal.venues.kraken.errors import VENUE_NAME, Verdict, errors_in, meaning_of, to_error, worst
from terminal.venues.kraken.limits import RateLimits, rest_cost
from terminal.venues.kraken.nonce import CallQueue, NonceSource

log = logging.getLogger("venue.kraken")

T = TypeVar("T")
Value = str | int | Decimal | bool | Sequence[str] | None
Params = Mapping[str, Value]

# Kraken locks a key out for a quarter of an hour after a few calls with a wrong one.
_MOST_AUTH_FAILURES = 2
_READ_PAUSES_S = (0.5, 1.5)
_READ_WAIT_S = 45.0
_READ_DEADLINE_S = 10.0
_WRITE_DEADLINE_S = 6.0

RAW_CALLS: Final = {
    "public": frozenset(
        {"Time", "SystemStatus", "Assets", "AssetPairs", "Ticker", "OHLC", "Depth", "Trades", "Spread"}
    ),
    "private": frozenset(
        {
            *("Balance", "BalanceEx", "TradeBalance", "TradeVolume", "OpenPositions", "Ledgers"),
            *("OpenOrders", "ClosedOrders", "QueryOrders", "TradesHistory", "QueryTrades", "QueryLedgers"),
        }
    ),
}
"""What may be called by its own name: nothing that places, moves, lends or withdraws (read 2026-08)."""

_decode_envelope = msgspec.json.Decoder(wire.Envelope).decode


class Answer(Protocol):
    """What the HTTP client gives back."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class Http(Protocol):
    """What is needed of :class:`terminal.transport.http_client.HttpClient`."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float | None = None,
        reading: bool,
        urgent: bool = False,
    ) -> Answer: ...


def form_fields(params: Params) -> dict[str, str]:
    """Parameters as form or query text: None left out, lists joined by commas, numbers in plain notation."""
    out = {}
    for key, value in params.items():
        if value is None:
            continue
        if isinstance(value, bool):
            out[key] = "true" if value else "false"
        elif isinstance(value, Decimal):
            out[key] = wire_text(value)
        elif isinstance(value, str | int):
            out[key] = str(value)
        elif value:
            out[key] = ",".join(value)
    return out


class NewOrder(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The fields of AddOrder. Prices are text because they may be relative (``+1.5%``, ``#0.5``)."""

    ordertype: str
    type: str
    volume: str
    price: str | None = None
    """Limit price, trigger price, or trailing offset."""
    price2: str | None = None
    """Limit price of an order that has a trigger too."""
    displayvol: str | None = None
    trigger: str | None = None
    leverage: str | None = None
    reduce_only: bool | None = None
    stptype: str | None = None
    oflags: str | None = None
    timeinforce: str | None = None
    starttm: str | None = None
    expiretm: str | None = None
    close_ordertype: str | None = None
    """A conditional close order, sent for each fill."""
    close_price: str | None = None
    close_price2: str | None = None
    userref: int | None = None
    cl_ord_id: str | None = None

    def form(self) -> dict[str, Value]:
        """As AddOrder's form fields."""
        out: dict[str, Value] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None:
                out[f"close[{name[6:]}]" if name.startswith("close_") else name] = value
        return out

    def json(self) -> dict[str, object]:
        """As one entry of AddOrderBatch."""
        out: dict[str, object] = {}
        close: dict[str, object] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None:
                (close if name.startswith("close_") else out)[name.removeprefix("close_")] = value
        if close:
            out["close"] = close
        return out


class KrakenRest:
    """The REST side of one connection, with or without a key.

    Every method raises VenueUnavailable, RateLimited, AuthRejected, RequestRejected or ProtocolViolation;
    private ones also CredentialError without a key, and the ones that change something NotSent and
    OutcomeUnknown.
    """

    def __init__(
        self,
        http: Http,
        limits: RateLimits,
        clock: Clock,
        *,
        signer: Signer | None = None,
        nonces: NonceSource | None = None,
        on_fault: Callable[[str], None] = lambda what: None,
        read_pauses_s: Sequence[float] = _READ_PAUSES_S,
    ) -> None:
        self._http = http
        self._limits = limits
        self._clock = clock
        self._signer = signer
        self._nonces = nonces
        self._queue = CallQueue()
        self._on_fault = on_fault
        self._read_pauses_s = tuple(read_pauses_s)
        self._auth_failures = 0
        self._last_auth_error: AuthRejected | None = None

    @property
    def has_key(self) -> bool:
        return self._signer is not None

    # --- public ------------------------------------------------------------------------------------------

    async def time(self) -> wire.ServerTime:
        """The server's clock, in whole seconds."""
        return await self._public("Time", {}, wire.ServerTime)

    async def system_status(self) -> wire.SystemStatus:
        return await self._public("SystemStatus", {}, wire.SystemStatus)

    async def assets(
        self, assets: Sequence[str] = (), *, aclass: str | None = None
    ) -> dict[str, wire.AssetInfo]:
        """Asset id -> its names and decimals; all without ``assets``."""
        return await self._public("Assets", {"asset": assets, "aclass": aclass}, dict[str, wire.AssetInfo])

    async def asset_pairs(
        self,
        pairs: Sequence[str] = (),
        *,
        info: str | None = None,
        aclass_base: str | None = None,
        country_code: str | None = None,
        execution_venue: str | None = None,
    ) -> dict[str, wire.PairInfo]:
        """Pair id -> its names, grid, minimums and fee tables; all without ``pairs``."""
        params: Params = {
            "pair": pairs,
            "info": info,
            "aclass_base": aclass_base,
            "country_code": country_code,
            "execution_venue": execution_venue,
        }
        return await self._public("AssetPairs", params, dict[str, wire.PairInfo])

    async def ticker(self, pairs: Sequence[str] = ()) -> dict[str, wire.TickerInfo]:
        """Pair id -> today's and the last day's figures; all pairs without ``pairs``."""
        return await self._public("Ticker", {"pair": pairs}, dict[str, wire.TickerInfo])

    async def ohlc(self, pair: str, *, interval: int = 1, since: int | None = None) -> wire.OhlcResult:
        """Bars of ``interval`` minutes; never more than the newest 720, whatever ``since`` (s)."""
        raw = await self._public("OHLC", {"pair": pair, "interval": interval, "since": since}, _RAW_MAP)
        rows, last = _rows(raw, wire.OhlcRow)
        return wire.OhlcResult(rows=rows, last=_whole(last))

    async def depth(self, pair: str, *, count: int | None = None) -> wire.DepthResult:
        """A book of up to 500 levels a side, best first."""
        result = await self._public("Depth", {"pair": pair, "count": count}, dict[str, wire.DepthResult])
        return _only(result)

    async def trades(
        self, pair: str, *, since: int | None = None, count: int | None = None
    ) -> wire.TradesResult:
        """Up to 1000 prints after ``since`` (ns), oldest first; go on with ``since=last``."""
        raw = await self._public("Trades", {"pair": pair, "since": since, "count": count}, _RAW_MAP)
        rows, last = _rows(raw, wire.PublicTrade)
        return wire.TradesResult(rows=rows, last=_whole(last))

    async def spread(self, pair: str, *, since: int | None = None) -> wire.SpreadResult:
        """About the last 200 best bids and asks."""
        raw = await self._public("Spread", {"pair": pair, "since": since}, _RAW_MAP)
        rows, last = _rows(raw, wire.SpreadRow)
        return wire.SpreadResult(rows=rows, last=_whole(last))

    # --- as they are -------------------------------------------------------------------------------------

    async def raw(self, path: str, params: Mapping[str, str]) -> bytes:
        """The result of a call that only reads, as Kraken wrote it. Raises Unsupported for any other path."""
        kind, _, name = path.removeprefix("/0/").partition("/")
        if not path.startswith("/0/") or name not in RAW_CALLS.get(kind, ()):
            raise Unsupported(
                "raw call", f"{path[:80]} is not among the calls of Kraken that only read: nothing was sent."
            )
        if params.keys() & {"nonce", "otp"}:
            raise Unsupported("raw call", "nonce and otp are the terminal's own business.")
        ask = self._public if kind == "public" else self._read
        return bytes(await ask(name, params, msgspec.Raw))

    # --- account -----------------------------------------------------------------------------------------

    async def balance(self) -> dict[str, Decimal]:
        return await self._read("Balance", {}, dict[str, Decimal])

    async def balance_ex(self) -> dict[str, wire.ExtendedBalance]:
        """Balances with what open orders hold."""
        return await self._read("BalanceEx", {}, dict[str, wire.ExtendedBalance])

    async def trade_balance(self, asset: str | None = None) -> wire.TradeBalance:
        return await self._read("TradeBalance", {"asset": asset}, wire.TradeBalance)

    async def open_orders(
        self,
        *,
        trades: bool | None = None,
        userref: int | None = None,
        cl_ord_id: str | None = None,
        urgent: bool = False,
    ) -> dict[str, wire.RestOrder]:
        params: Params = {"trades": trades, "userref": userref, "cl_ord_id": cl_ord_id}
        return (await self._read("OpenOrders", params, wire.OpenOrdersResult, urgent=urgent)).open

    async def closed_orders(
        self,
        *,
        trades: bool | None = None,
        userref: int | None = None,
        cl_ord_id: str | None = None,
        start: str | int | None = None,
        end: str | int | None = None,
        ofs: int | None = None,
        closetime: str | None = None,
        without_count: bool | None = None,
        consolidate_taker: bool | None = None,
        urgent: bool = False,
    ) -> wire.ClosedOrdersResult:
        """50 a page, newest first. ``start`` is exclusive, ``end`` inclusive: Unix seconds or an order id."""
        params: Params = {
            "trades": trades,
            "userref": userref,
            "cl_ord_id": cl_ord_id,
            "start": start,
            "end": end,
            "ofs": ofs,
            "closetime": closetime,
            "without_count": without_count,
            "consolidate_taker": consolidate_taker,
        }
        return await self._read("ClosedOrders", params, wire.ClosedOrdersResult, urgent=urgent)

    async def query_orders(
        self,
        txids: Sequence[str],
        *,
        trades: bool | None = None,
        userref: int | None = None,
        consolidate_taker: bool | None = None,
        urgent: bool = False,
    ) -> dict[str, wire.RestOrder]:
        """Up to 50 orders by their ids; unknown ones are missing from the answer or refuse the whole call."""
        params: Params = {
            "txid": txids,
            "trades": trades,
            "userref": userref,
            "consolidate_taker": consolidate_taker,
        }
        return await self._read("QueryOrders", params, dict[str, wire.RestOrder], urgent=urgent)

    async def trades_history(
        self,
        *,
        type: str | None = None,
        trades: bool | None = None,
        start: str | int | None = None,
        end: str | int | None = None,
        ofs: int | None = None,
        consolidate_taker: bool | None = None,
        ledgers: bool | None = None,
        without_count: bool | None = None,
    ) -> wire.TradesHistoryResult:
        """Own fills, 50 a page, newest first. With ``consolidate_taker`` (Kraken's default) several fills of
        a taker become one with an id that no stream has sent."""
        params: Params = {
            "type": type,
            "trades": trades,
            "start": start,
            "end": end,
            "ofs": ofs,
            "consolidate_taker": consolidate_taker,
            "ledgers": ledgers,
            "without_count": without_count,
        }
        return await self._read("TradesHistory", params, wire.TradesHistoryResult)

    async def query_trades(
        self, txids: Sequence[str], *, trades: bool | None = None
    ) -> dict[str, wire.RestTrade]:
        """Up to 20 fills by their ids."""
        return await self._read("QueryTrades", {"txid": txids, "trades": trades}, dict[str, wire.RestTrade])

    async def open_positions(
        self, txids: Sequence[str] = (), *, docalcs: bool | None = None
    ) -> dict[str, wire.RestPosition]:
        """Open margin positions; value and profit only with ``docalcs``."""
        return await self._read(
            "OpenPositions", {"txid": txids, "docalcs": docalcs}, dict[str, wire.RestPosition]
        )

    async def ledgers(
        self,
        *,
        assets: Sequence[str] = (),
        aclass: str | None = None,
        type: str | None = None,
        start: str | int | None = None,
        end: str | int | None = None,
        ofs: int | None = None,
        without_count: bool | None = None,
    ) -> wire.LedgersResult:
        """Every change of a balance, 50 a page, newest first."""
        params: Params = {
            "asset": assets,
            "aclass": aclass,
            "type": type,
            "start": start,
            "end": end,
            "ofs": ofs,
            "without_count": without_count,
        }
        return await self._read("Ledgers", params, wire.LedgersResult)

    async def query_ledgers(self, ids: Sequence[str]) -> dict[str, wire.LedgerEntry]:
        return await self._read("QueryLedgers", {"id": ids}, dict[str, wire.LedgerEntry])

    async def trade_volume(self, pairs: Sequence[str] = ()) -> wire.TradeVolumeResult:
        """The 30-day volume and, for the pairs given, the account's fee rates."""
        return await self._read("TradeVolume", {"pair": pairs}, wire.TradeVolumeResult)

    async def get_websockets_token(self) -> wire.SocketToken:
        """A token for one connection attempt; it must be used within 15 minutes."""
        token = await self._read("GetWebSocketsToken", {}, wire.SocketToken, urgent=True)
        register(token.token)
        return token

    async def get_api_key_info(self) -> dict[str, Any]:
        """What Kraken says of the key; its shape is not documented for certain, so it is returned as it
        is."""
        return await self._read("GetApiKeyInfo", {}, dict[str, Any])

    # --- trading -----------------------------------------------------------------------------------------

    async def add_order(
        self,
        pair: str,
        order: NewOrder,
        *,
        deadline: str | None = None,
        validate: bool = False,
        asset_class: str | None = None,
    ) -> wire.AddOrderResult:
        """Place an order; with ``validate`` only have it checked. ``deadline``: RFC 3339, 2 to 60 s from now.
        ``asset_class`` is ``tokenized_asset`` for such pairs and left out for all others."""
        params: dict[str, Value] = {
            "pair": pair,
            **order.form(),
            "deadline": deadline,
            "asset_class": asset_class,
        }
        if validate:
            params["validate"] = True
        return await self._write("AddOrder", params, wire.AddOrderResult)

    async def amend_order(
        self,
        *,
        txid: str | None = None,
        cl_ord_id: str | None = None,
        order_qty: Decimal | None = None,
        display_qty: Decimal | None = None,
        limit_price: str | Decimal | None = None,
        trigger_price: str | Decimal | None = None,
        post_only: bool | None = None,
        deadline: str | None = None,
        pair: str | None = None,
    ) -> wire.AmendOrderResult:
        """Change an order in place; ``order_qty`` is the new total."""
        params: Params = {
            "txid": txid,
            "cl_ord_id": cl_ord_id,
            "order_qty": order_qty,
            "display_qty": display_qty,
            "limit_price": limit_price,
            "trigger_price": trigger_price,
            "post_only": post_only,
            "deadline": deadline,
            "pair": pair,
        }
        return await self._write("AmendOrder", params, wire.AmendOrderResult)

    async def edit_order(
        self,
        pair: str,
        txid: str,
        *,
        volume: Decimal | None = None,
        price: str | Decimal | None = None,
        price2: str | Decimal | None = None,
        displayvol: Decimal | None = None,
        oflags: str | None = None,
        deadline: str | None = None,
        cancel_response: bool | None = None,
        validate: bool | None = None,
        userref: int | None = None,
    ) -> wire.EditOrderResult:
        """Cancel an order and place a changed one; it gets a new id and loses its place. Prefer an amend."""
        params: Params = {
            "pair": pair,
            "txid": txid,
            "volume": volume,
            "price": price,
            "price2": price2,
            "displayvol": displayvol,
            "oflags": oflags,
            "deadline": deadline,
            "cancel_response": cancel_response,
            "validate": validate,
            "userref": userref,
        }
        return await self._write("EditOrder", params, wire.EditOrderResult)

    async def cancel_order(
        self, *, txid: str | int | None = None, cl_ord_id: str | None = None
    ) -> wire.CancelResult:
        """Cancel by order id, userref or client id; ``pending`` means taken but not done yet."""
        return await self._write(
            "CancelOrder", {"txid": txid, "cl_ord_id": cl_ord_id}, wire.CancelResult, urgent=True
        )

    async def cancel_all(self) -> wire.CancelResult:
        return await self._write("CancelAll", {}, wire.CancelResult, urgent=True)

    async def cancel_all_orders_after(self, timeout_s: int) -> wire.CancelAfterResult:
        """Cancel everything in so many seconds unless called again; 0 disarms."""
        return await self._write(
            "CancelAllOrdersAfter", {"timeout": timeout_s}, wire.CancelAfterResult, urgent=timeout_s != 0
        )

    async def add_order_batch(
        self,
        pair: str,
        orders: Sequence[NewOrder],
        *,
        deadline: str | None = None,
        validate: bool = False,
    ) -> wire.AddOrderBatchResult:
        """Place 2 to 15 orders of one pair; one row each, in order."""
        body: dict[str, object] = {"pair": pair, "orders": [order.json() for order in orders]}
        if deadline is not None:
            body["deadline"] = deadline
        if validate:
            body["validate"] = True
        return await self._write("AddOrderBatch", body, wire.AddOrderBatchResult, as_json=True)

    async def cancel_order_batch(
        self, *, orders: Sequence[str] = (), cl_ord_ids: Sequence[str] = ()
    ) -> wire.CancelResult:
        """Cancel up to 50 orders by their ids or client ids."""
        body: dict[str, object] = {}
        if orders:
            body["orders"] = list(orders)
        if cl_ord_ids:
            body["cl_ord_ids"] = list(cl_ord_ids)
        return await self._write("CancelOrderBatch", body, wire.CancelResult, as_json=True, urgent=True)

    async def order_amends(self, order_id: str) -> wire.OrderAmendsResult:
        """The history of an order's terms."""
        return await self._read("OrderAmends", {"order_id": order_id}, wire.OrderAmendsResult)

    # --- how a call is made ------------------------------------------------------------------------------

    async def _public(self, name: str, params: Params, shape: type[T]) -> T:
        async def once() -> T:
            await self._limits.public.acquire(1, timeout_s=_READ_WAIT_S)
            answer = await self._http.request(
                "GET",
                f"/0/public/{name}",
                query=form_fields(params),
                deadline_s=_READ_DEADLINE_S,
                reading=True,
            )
            return self._unwrap(name, answer, shape, writing=False)

        return await self._with_retries(name, once)

    async def _read(self, name: str, params: Params, shape: type[T], *, urgent: bool = False) -> T:
        async def once() -> T:
            return await self._private(name, params, shape, writing=False, urgent=urgent)

        return await self._with_retries(name, once)

    async def _write(
        self,
        name: str,
        params: Mapping[str, Any],
        shape: type[T],
        *,
        as_json: bool = False,
        urgent: bool = False,
    ) -> T:
        return await self._private(name, params, shape, writing=True, as_json=as_json, urgent=urgent)

    async def _private(
        self,
        name: str,
        params: Mapping[str, Any],
        shape: type[T],
        *,
        writing: bool,
        as_json: bool = False,
        urgent: bool = False,
    ) -> T:
        signer, nonces = self._signer, self._nonces
        if signer is None or nonces is None:
            raise CredentialError("no Kraken key", user_text="Enter a Kraken API key in Connections first.")
        if self._auth_failures >= _MOST_AUTH_FAILURES and self._last_auth_error is not None:
            raise self._last_auth_error  # asking on would lock the key
        cost = rest_cost(name)
        if cost:
            wait_s = _WRITE_DEADLINE_S if writing else _READ_WAIT_S
            await self._limits.rest.acquire(cost, timeout_s=wait_s, urgent=urgent)
        path = f"/0/private/{name}"
        deadline_s = _WRITE_DEADLINE_S if writing else _READ_DEADLINE_S
        sending = False
        try:
            # The wait for the turn has a limit too; until the turn comes nothing has left.
            async with asyncio.timeout(deadline_s + _READ_DEADLINE_S), self._queue.turn(urgent=urgent):
                nonce = str(nonces.next())
                body, content_type = _body(params, nonce, signer.otp(), as_json=as_json)
                headers = {**signer.headers(path, nonce, body), "Content-Type": content_type}
                sending = True
                answer = await self._http.request(
                    "POST",
                    path,
                    content=body,
                    headers=headers,
                    deadline_s=deadline_s,
                    reading=not writing,
                    urgent=urgent and writing,
                )
        except TimeoutError:
            if not writing:
                raise VenueUnavailable(VENUE_NAME, f"{name}: no answer in time") from None
            if sending:
                raise OutcomeUnknown(VENUE_NAME, f"{name}: no answer in time") from None
            raise NotSent(
                VENUE_NAME,
                f"{name}: earlier calls took too long",
                user_text="Not sent: Kraken is answering earlier calls too slowly.",
            ) from None
        return self._unwrap(name, answer, shape, writing=writing)

    async def _with_retries(self, name: str, once: Callable[[], Awaitable[T]]) -> T:
        """A call that only reads, tried again where the fault may pass by itself."""
        renewed_nonce = False
        for pause_s in (*self._read_pauses_s, None):
            try:
                return await once()
            except RateLimited:
                raise
            except AuthRejected as error:
                if meaning_of(error.code).verdict is not Verdict.NONCE or renewed_nonce:
                    raise
                renewed_nonce = True
            except VenueUnavailable as error:
                if pause_s is None:
                    raise
                log.debug("%s failed and is tried again in %.1f s: %s", name, pause_s, error)
                await asyncio.sleep(pause_s)
        return await once()

    def _unwrap(self, name: str, answer: Answer, shape: type[T], *, writing: bool) -> T:
        envelope = self._envelope(name, answer, writing=writing)
        failures = errors_in(envelope.error)
        if failures:
            raise self._refusal(worst(failures), writing=writing)
        for warning in envelope.error:
            log.info("%s: Kraken notes: %s", name, scrub(warning))
        try:
            result = msgspec.json.decode(envelope.result, type=shape)
        except (msgspec.MsgspecError, ValueError) as error:
            self._on_fault(f"{name}: {error}")
            excerpt = scrub(bytes(envelope.result)[:200].decode("utf-8", "replace"))
            if writing:
                raise OutcomeUnknown(VENUE_NAME, f"{name}: unreadable result: {error}") from error
            raise ProtocolViolation(
                VENUE_NAME, f"{name}: unreadable result: {error}", frame=excerpt
            ) from error
        self._auth_failures = 0
        return result

    def _envelope(self, name: str, answer: Answer, *, writing: bool) -> wire.Envelope:
        if answer.status != 200:
            if not writing and answer.status == 429:
                raise RateLimited(
                    VENUE_NAME,
                    f"{name}: HTTP 429",
                    code="http-429",
                    retry_after_s=_retry_after(answer.headers),
                )
            raise _unreachable(writing, f"{name}: HTTP {answer.status}", code=f"http-{answer.status}")
        try:
            if not answer.body.lstrip()[:1] == b"{":
                raise ValueError("a page instead of data")
            return _decode_envelope(answer.body)
        except (msgspec.MsgspecError, ValueError) as error:
            self._on_fault(f"{name}: {error}")
            log.debug("%s: unreadable: %s", name, scrub(answer.body[:200].decode("utf-8", "replace")))
            raise _unreachable(writing, f"{name}: unreadable answer: {error}", code="unreadable") from error

    def _refusal(self, text: str, *, writing: bool) -> VenueError:
        error = to_error(text, writing=writing, wall_s=self._clock.wall_ns() / 1e9)
        if isinstance(error, AuthRejected) and error.code in ("EAPI:Invalid key", "EAPI:Invalid signature"):
            self._auth_failures += 1
            self._last_auth_error = error
        if error.code == "EAPI:Rate limit exceeded":
            self._limits.rest.correct(self._limits.tier.rest_limit)
        return error


_RAW_MAP = dict[str, msgspec.Raw]


def _body(params: Mapping[str, Any], nonce: str, otp: str | None, *, as_json: bool) -> tuple[bytes, str]:
    """The exact bytes that are signed and sent, and their content type."""
    if as_json:
        fields: dict[str, object] = {"nonce": nonce}
        if otp is not None:
            fields["otp"] = otp
        return msgspec.json.encode({**fields, **params}), "application/json"
    form = {"nonce": nonce}
    if otp is not None:
        form["otp"] = otp
    form.update(form_fields(params))
    return urlencode(form).encode("ascii"), "application/x-www-form-urlencoded"


def _unreachable(writing: bool, detail: str, *, code: str) -> VenueError:
    if writing:
        return OutcomeUnknown(VENUE_NAME, detail, code=code)
    return VenueUnavailable(VENUE_NAME, detail, code=code)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = next((value for key, value in headers.items() if key.lower() == "retry-after"), "")
    return min(float(text), 900.0) if text.isdigit() else None


def _rows(raw: Mapping[str, msgspec.Raw], shape: type[T]) -> tuple[list[T], msgspec.Raw]:
    """The rows under the one key that is a pair, and ``last``."""
    try:
        rows = next(value for key, value in raw.items() if key != "last")
        return msgspec.json.decode(rows, type=list[shape]), raw["last"]  # type: ignore[valid-type]
    except (StopIteration, KeyError, msgspec.MsgspecError) as error:
        raise ProtocolViolation(VENUE_NAME, f"unreadable rows: {error}") from error


def _whole(raw: msgspec.Raw) -> int:
    """A whole number, sent as a number or as text."""
    try:
        return int(msgspec.json.decode(raw, type=int | str))
    except (msgspec.MsgspecError, ValueError) as error:
        raise ProtocolViolation(VENUE_NAME, f"unreadable number: {error}") from error


def _only(result: Mapping[str, T]) -> T:
    for value in result.values():
        return value
    raise ProtocolViolation(VENUE_NAME, "an answer without a pair")


def chunks(items: Iterable[T], size: int) -> list[list[T]]:
    """The items in lists of at most ``size``."""
    every = list(items)
    return [every[start : start + size] for start in range(0, len(every), size)]
