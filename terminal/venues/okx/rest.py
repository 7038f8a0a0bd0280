"""OKX's REST calls, in OKX's words (OKX v5, REST, 2026-07).

A call that only reads may be tried again; a call that changes something never is: whatever happens after its
first byte left is either a well-formed answer or OutcomeUnknown. The one exception is code 50102, OKX's word
that it has not looked at a request because its time was wrong: the clock is measured and it is sent once
more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from terminal.core.clock import Clock
from terminal.core.secret import scrub
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    OutcomeUnknown,
    ProtocolViolation,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from terminal.venues.okx import wire
from terminal.venues.okx.auth import Signer, VenueTime
from terminal.venues.okx.errors import CLOCK_CODES, VENUE_NAME, to_error
from terminal.venues.okx.limits import RateLimits

log = logging.getLogger("venue.okx")

T = TypeVar("T")
Query = Mapping[str, str | None]
Body = Mapping[str, object] | Sequence[Mapping[str, object]]

TRADE: Final = "/api/v5/trade/"
_READ_PAUSES_S: Final = (0.5, 1.5)
_READ_WAIT_S: Final = 45.0
_READ_DEADLINE_S: Final = 10.0
_WRITE_DEADLINE_S: Final = 6.0
# Rows tell their own verdict beside these.
_WITH_ROWS: Final = ("0", "1", "2")

_decode_envelope = msgspec.json.Decoder(wire.Envelope).decode


def _paths(area: str, *names: str) -> frozenset[str]:
    return frozenset(f"/api/v5/{area}/{name}" for name in names)


RAW_CALLS: Final[dict[str, frozenset[str]]] = {
    "public": _paths("public", "time", "instruments", "funding-rate", "mark-price", "price-limit"),
    "market": _paths("market", "ticker", "tickers", "books", "candles", "history-candles", "trades"),
    "account": _paths(
        *("account", "balance", "positions", "config", "bills", "bills-archive", "trade-fee"),
        "leverage-info",
    ),
    "trade": _paths(
        *("trade", "order", "orders-pending", "orders-history", "orders-history-archive", "fills"),
        *("fills-history", "orders-algo-pending"),
    ),
}
"""What may be called by its own name, always with GET: nothing that places, moves or withdraws (read
2026-08)."""


class Answer(Protocol):
    """What the HTTP client gives back."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class Http(Protocol):
    """What is needed of :class:`terminal.transport.http_client.HttpClient`."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float | None = None,
        reading: bool,
        urgent: bool = False,
    ) -> Answer: ...


class OkxRest:
    """The REST side of one connection, with or without a key.

    Every method raises VenueUnavailable, RateLimited, AuthRejected, RequestRejected or ProtocolViolation;
    private ones also CredentialError without a key, and those that change something NotSent and
    OutcomeUnknown.
    """

    def __init__(
        self,
        http: Http,
        limits: RateLimits,
        clock: Clock,
        there: VenueTime,
        *,
        signer: Signer | None = None,
        demo: bool = False,
        on_fault: Callable[[str], None] = lambda what: None,
        read_pauses_s: Sequence[float] = _READ_PAUSES_S,
    ) -> None:
        self._http = http
        self._limits = limits
        self._clock = clock
        self._there = there
        self._signer = signer
        self._fixed = {"x-simulated-trading": "1"} if demo else {}
        self._on_fault = on_fault
        self._read_pauses_s = tuple(read_pauses_s)

    @property
    def has_key(self) -> bool:
        return self._signer is not None

    # --- public ------------------------------------------------------------------------------------------

    async def measure_clock(self) -> float:
        """Ask for OKX's time and keep the difference for signatures; it in ms (theirs minus ours)."""
        before_ns, begun_ns = self._clock.wall_ns(), self._clock.monotonic_ns()
        rows = await self._get("/api/v5/public/time", {}, wire.TimeRow)
        took_ns = self._clock.monotonic_ns() - begun_ns
        if not rows or not rows[0].ts.isdigit():
            raise ProtocolViolation(VENUE_NAME, "an answer without a time")
        offset_ms = int(rows[0].ts) - (before_ns + took_ns / 2) / 1e6
        self._there.offset_ms = offset_ms
        return offset_ms

    async def instruments(self, inst_type: str) -> list[wire.InstrumentRow]:
        """Every instrument of a type: the account's own view with a key, which may hold fewer."""
        query = {"instType": inst_type}
        if self.has_key:
            return await self._get("/api/v5/account/instruments", query, wire.InstrumentRow, private=True)
        return await self._get("/api/v5/public/instruments", query, wire.InstrumentRow)

    async def ticker(self, inst_id: str) -> wire.TickerRow | None:
        rows = await self._get("/api/v5/market/ticker", {"instId": inst_id}, wire.TickerRow)
        return rows[0] if rows else None

    async def tickers(self, inst_type: str) -> list[wire.TickerRow]:
        """Best prices and 24 hours of every instrument of a type, in one call."""
        return await self._get("/api/v5/market/tickers", {"instType": inst_type}, wire.TickerRow)

    async def candles(
        self, inst_id: str, bar: str, *, after_ms: int | None, limit: int, old: bool
    ) -> list[wire.CandleRow]:
        """Up to 300 bars that open before ``after_ms``, newest first; ``old``: from the long history, up to
        100 at once."""
        path = "/api/v5/market/history-candles" if old else "/api/v5/market/candles"
        query = {
            "instId": inst_id,
            "bar": bar,
            "after": None if after_ms is None else str(after_ms),
            "limit": str(limit),
        }
        return await self._get(path, query, wire.CandleRow)

    # --- account -----------------------------------------------------------------------------------------

    async def config(self, *, urgent: bool = False) -> wire.ConfigRow:
        """How the account is set up, and what the key may do."""
        rows = await self._get("/api/v5/account/config", {}, wire.ConfigRow, private=True, urgent=urgent)
        if not rows:
            raise ProtocolViolation(VENUE_NAME, "account/config: no row")
        return rows[0]

    async def balance(self) -> wire.BalanceRow:
        rows = await self._get("/api/v5/account/balance", {}, wire.BalanceRow, private=True)
        return rows[0] if rows else wire.BalanceRow()

    async def positions(self) -> list[wire.PositionRow]:
        return await self._get("/api/v5/account/positions", {}, wire.PositionRow, private=True)

    async def trade_fee(self, inst_type: str) -> list[wire.FeeRow]:
        return await self._get(
            "/api/v5/account/trade-fee", {"instType": inst_type}, wire.FeeRow, private=True
        )

    async def leverage(self, inst_id: str, margin_mode: str) -> list[wire.LeverageRow]:
        query = {"instId": inst_id, "mgnMode": margin_mode}
        return await self._get("/api/v5/account/leverage-info", query, wire.LeverageRow, private=True)

    async def set_leverage(
        self, inst_id: str, leverage: str, margin_mode: str, pos_side: str | None = None
    ) -> None:
        body = {"instId": inst_id, "lever": leverage, "mgnMode": margin_mode}
        if pos_side is not None:
            body["posSide"] = pos_side
        await self._post("/api/v5/account/set-leverage", body, wire.LeverageRow)

    # --- trading -----------------------------------------------------------------------------------------

    async def order(
        self, inst_id: str, *, ord_id: str | None = None, client_id: str | None = None
    ) -> wire.OrderRow | None:
        """One order by OKX's id or ours; of a reused id the newest. Raises code 51603 where there is none."""
        query = {"instId": inst_id, "ordId": ord_id, "clOrdId": None if ord_id else client_id}
        rows = await self._get("/api/v5/trade/order", query, wire.OrderRow, private=True, urgent=True)
        return rows[0] if rows else None

    async def orders_pending(self, *, after: str | None = None) -> list[wire.OrderRow]:
        """Up to 100 open orders older than ``after``, newest first."""
        query = {"after": after, "limit": "100"}
        return await self._get("/api/v5/trade/orders-pending", query, wire.OrderRow, private=True)

    async def orders_history(self, inst_type: str, *, after: str | None = None) -> list[wire.OrderRow]:
        """Up to 100 orders of the last seven days; canceled ones without a fill vanish after two hours."""
        query = {"instType": inst_type, "after": after, "limit": "100"}
        return await self._get("/api/v5/trade/orders-history", query, wire.OrderRow, private=True)

    async def fills(self, *, begin_ms: int, after: str | None = None) -> list[wire.FillRow]:
        """Up to 100 fills of the last three days, newest first; go on with the last ``billId``."""
        query = {"begin": str(begin_ms), "after": after, "limit": "100"}
        return await self._get("/api/v5/trade/fills", query, wire.FillRow, private=True)

    async def fills_history(
        self, inst_type: str, *, begin_ms: int, after: str | None = None
    ) -> list[wire.FillRow]:
        """The same of the last three months, by type."""
        query = {"instType": inst_type, "begin": str(begin_ms), "after": after, "limit": "100"}
        return await self._get("/api/v5/trade/fills-history", query, wire.FillRow, private=True)

    async def orders_archive(
        self, inst_type: str, *, end_ms: int | None = None, after: str | None = None
    ) -> list[wire.OrderRow]:
        """Up to 100 ended orders of the last three months that were created up to ``end_ms``."""
        query = {"instType": inst_type, "end": _text(end_ms), "after": after, "limit": "100"}
        return await self._get("/api/v5/trade/orders-history-archive", query, wire.OrderRow, private=True)

    async def fills_archive(
        self,
        inst_type: str,
        *,
        end_ms: int | None = None,
        after: str | None = None,
        inst_id: str | None = None,
        begin_ms: int | None = None,
    ) -> list[wire.FillRow]:
        """Up to 100 fills of the last three months up to ``end_ms``, newest first."""
        query = {
            "instType": inst_type,
            "instId": inst_id,
            "begin": _text(begin_ms),
            "end": _text(end_ms),
            "after": after,
            "limit": "100",
        }
        return await self._get("/api/v5/trade/fills-history", query, wire.FillRow, private=True)

    async def bills(self, *, end_ms: int | None = None, after: str | None = None) -> list[wire.BillRow]:
        """Up to 100 changes of balances of the last three months up to ``end_ms``, newest first."""
        query = {"end": _text(end_ms), "after": after, "limit": "100"}
        return await self._get("/api/v5/account/bills-archive", query, wire.BillRow, private=True)

    async def algos_pending(self, order_type: str, *, after: str | None = None) -> list[wire.AlgoRow]:
        """Up to 100 waiting stop orders of one kind."""
        query = {"ordType": order_type, "after": after, "limit": "100"}
        return await self._get(
            "/api/v5/trade/orders-algo-pending", query, wire.AlgoRow, private=True, urgent=True
        )

    async def write(self, path: str, body: Body, *, urgent: bool = False) -> list[wire.Ack]:
        """Place, change or cancel; one row an order, each with its own verdict in ``sCode``."""
        return await self._post(path, body, wire.Ack, urgent=urgent, metered=False)

    async def algo(self, path: str, body: Body, *, urgent: bool = False) -> list[wire.Ack]:
        """The same of stop orders, which have limits of their own."""
        return await self._post(path, body, wire.Ack, urgent=urgent)

    async def move_margin(self, body: Mapping[str, object]) -> None:
        """Add to an isolated position's margin, or take from it."""
        await self._post("/api/v5/account/position/margin-balance", body, wire.LeverageRow)

    async def close_position(self, body: Mapping[str, object]) -> None:
        """Close the whole of a position at the market."""
        await self._post(f"{TRADE}close-position", body, wire.CloseRow)

    async def cancel_all_after(self, timeout_s: int) -> None:
        body = {"timeOut": str(timeout_s)}
        await self._post("/api/v5/trade/cancel-all-after", body, wire.CancelAfterRow, urgent=timeout_s != 0)

    # --- as they are -------------------------------------------------------------------------------------

    async def raw(self, path: str, params: Mapping[str, str], *, private: bool) -> list[bytes]:
        """The rows of a call that only reads, as OKX wrote them."""
        return [bytes(row) for row in await self._get(path, params, msgspec.Raw, private=private)]

    # --- how a call is made ------------------------------------------------------------------------------

    async def _get(
        self, path: str, query: Query, shape: type[T], *, private: bool = False, urgent: bool = False
    ) -> list[T]:
        params = {key: value for key, value in query.items() if value is not None}
        full = f"{path}?{urlencode(params)}" if params else path

        async def once() -> list[T]:
            await self._limits.read(path, timeout_s=_READ_WAIT_S, urgent=urgent)
            return await self._send("GET", path, full, b"", shape, private=private, writing=False)

        return await self._with_retries(path, once)

    async def _post(
        self, path: str, body: Body, shape: type[T], *, urgent: bool = False, metered: bool = True
    ) -> list[T]:
        if metered:
            await self._limits.read(path, timeout_s=_WRITE_DEADLINE_S, urgent=urgent)
        content = msgspec.json.encode(body)

        async def once() -> list[T]:
            return await self._send(
                "POST", path, path, content, shape, private=True, writing=True, urgent=urgent
            )

        try:
            return await once()
        except AuthRejected as error:
            if error.code not in CLOCK_CODES:
                raise
            await self._take_time_again(error)
        return await once()

    async def _with_retries(self, path: str, once: Callable[[], Awaitable[list[T]]]) -> list[T]:
        """A call that only reads, tried again where the fault may pass by itself."""
        has_time = False
        for pause_s in (*self._read_pauses_s, None):
            try:
                return await once()
            except RateLimited:
                raise
            except AuthRejected as error:
                if error.code not in CLOCK_CODES or has_time:
                    raise
                has_time = True
                await self._take_time_again(error)
            except VenueUnavailable as error:
                if pause_s is None:
                    raise
                log.debug("%s failed and is tried again in %.1f s: %s", path, pause_s, error)
                await asyncio.sleep(pause_s)
        return await once()

    async def _take_time_again(self, refusal: AuthRejected) -> None:
        try:
            offset_ms = await self.measure_clock()
        except VenueError as error:
            raise refusal from error
        log.info("OKX's clock differs by %.0f ms; the request is signed anew", offset_ms)

    async def _send(
        self,
        method: str,
        path: str,
        full: str,
        content: bytes,
        shape: type[T],
        *,
        private: bool,
        writing: bool,
        urgent: bool = False,
    ) -> list[T]:
        headers = dict(self._fixed)
        if private:
            if self._signer is None:
                raise CredentialError("no OKX key", user_text="Enter an OKX API key in Connections first.")
            if self._there.offset_ms is None:
                await self.measure_clock()
            headers.update(self._signer.headers(method, full, content.decode()))
        if content:
            headers["Content-Type"] = "application/json"
        answer = await self._http.request(
            method,
            full,
            content=content or None,
            headers=headers,
            deadline_s=_WRITE_DEADLINE_S if writing else _READ_DEADLINE_S,
            reading=not writing,
            urgent=urgent,
        )
        return self._unwrap(path, answer, shape, writing=writing)

    def _unwrap(self, path: str, answer: Answer, shape: type[T], *, writing: bool) -> list[T]:
        try:
            if answer.body.lstrip()[:1] != b"{":
                raise ValueError("a page instead of data")
            envelope = _decode_envelope(answer.body)
        except (msgspec.MsgspecError, ValueError) as error:
            self._on_fault(f"{path}: {error}")
            log.debug("%s: unreadable: %s", path, scrub(answer.body[:200].decode("utf-8", "replace")))
            raise _unreadable(writing, f"{path}: HTTP {answer.status}: unreadable: {error}") from error
        if not envelope.code:
            self._on_fault(f"{path}: an answer without a code")
            raise _unreadable(writing, f"{path}: HTTP {answer.status}: an answer without a code")
        if envelope.code not in _WITH_ROWS:
            raise self._refusal(path, envelope, writing=writing)
        try:
            rows = msgspec.json.decode(envelope.data, type=list[shape]) if envelope.data else []  # type: ignore[valid-type]
        except (msgspec.MsgspecError, ValueError) as error:
            self._on_fault(f"{path}: {error}")
            excerpt = scrub(bytes(envelope.data)[:200].decode("utf-8", "replace"))
            if writing:
                raise OutcomeUnknown(
                    VENUE_NAME, f"{path}: unreadable rows: {error}", code="unreadable"
                ) from error
            raise ProtocolViolation(VENUE_NAME, f"{path}: unreadable rows: {error}", frame=excerpt) from error
        if envelope.code != "0" and not rows:
            raise self._refusal(path, envelope, writing=writing)
        return rows

    def _refusal(self, path: str, envelope: wire.Envelope, *, writing: bool) -> VenueError:
        error = to_error(envelope.code, scrub(envelope.msg)[:300], writing=writing)
        if isinstance(error, RateLimited):
            self._limits.fill_up(path)
        return error


def _text(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else str(milliseconds)


def _unreadable(writing: bool, detail: str) -> VenueError:
    if writing:
        return OutcomeUnknown(VENUE_NAME, detail, code="unreadable")
    return VenueUnavailable(VENUE_NAME, detail, code="unreadable")
