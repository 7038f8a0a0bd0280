"""Kraken's private connection: orders, fills, balances and trading (WebSocket v2, read 2026-08)."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable

import msgspec

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.secret import scrub
from terminal.domain.decimals import require_finite
from terminal.domain.errors import AuthRejected, NotSent, RateLimited, VenueError, VenueUnavailable
from terminal.domain.events import (
    AccountStreamReset,
    BalancesReported,
    FillReported,
    LinkChanged,
    LinkState,
    OrderReported,
    VenueEvent,
)
from terminal.domain.orders import OrderReport
from terminal.venues.kraken.account import decode_balances, stream_balances
from terminal.venues.kraken.errors import VENUE_NAME, meaning_of, to_error
from terminal.venues.kraken.executions import OrderTracker, decode_executions
from terminal.venues.kraken.limits import RateLimits
from terminal.venues.kraken.parse import WIRE_ERRORS
from terminal.venues.kraken.stream import HEARTBEAT, MakeLink, Stream, decode_response, is_edge_restarting
from terminal.venues.kraken.symbols import SymbolMap
from terminal.venues.kraken.trading import WsTrading
from terminal.venues.kraken.wire import (
    Response,
    SocketToken,
    SubscribeResult,
    WsExecution,
    decode_head,
)

log = logging.getLogger("venue.kraken")

_decode_subscribed = msgspec.json.Decoder(SubscribeResult).decode

_EXECUTIONS = '{"channel":"executions"'
_BALANCES = '{"channel":"balances"'
_ANSWER_TIMEOUT_S = 8.0


class _Sequence:
    """Numbers of one private channel: from 1, by one, anew with each subscription."""

    def __init__(self) -> None:
        self.expected: int | None = None
        self.open = False
        """Between its acknowledgement and its end."""

    def take(self, number: int, *, is_snapshot: bool) -> str:
        """``"next"``, ``"again"`` (a duplicate) or ``"gap"``."""
        if is_snapshot and self.expected is not None and number + 1 < self.expected:
            return "gap"  # an update has overtaken its snapshot, which would now take it back
        if is_snapshot or self.expected is None:
            self.expected = number + 1
            return "next"
        if number < self.expected:
            return "again"
        if number > self.expected:
            return "gap"
        self.expected = number + 1
        return "next"


class PrivateStream(Stream):
    """The account: orders, fills, balances, and trading on the same socket."""

    name = "private"

    def __init__(
        self,
        *,
        make_link: MakeLink,
        url: Callable[[], str],
        clock: Clock,
        sink: Callable[[VenueEvent], None],
        numbers: itertools.count[int],
        on_link: Callable[[LinkChanged], None],
        symbols: SymbolMap,
        limits: RateLimits,
        fetch_token: Callable[[], Awaitable[SocketToken]],
        learn_order: Callable[[str], Awaitable[OrderReport | None]],
        deadline_s: float = 5.0,
    ) -> None:
        super().__init__(
            make_link=make_link, url=url, clock=clock, sink=sink, numbers=numbers, on_link=on_link
        )
        self._limits = limits
        self._fetch_token = fetch_token
        self._learn_order = learn_order
        self._token: str | None = None
        self.orders = OrderTracker(symbols)
        self._sequences = {"executions": _Sequence(), "balances": _Sequence()}
        self._answers: dict[int, asyncio.Future[Response]] = {}
        self._repairs: dict[str, asyncio.Task[None]] = {}
        self._asked_after: set[str] = set()
        self.trading = WsTrading(
            clock=clock,
            numbers=numbers,
            send=self._send_order,
            token=lambda: self._token if self.link.is_open else None,
            on_session_lost=self._on_session_lost,
            deadline_s=deadline_s,
        )

    @property
    def ready(self) -> bool:
        """Whether a trading request may go over this socket now."""
        return self._token is not None and self.link.is_open and self.link.state is LinkState.LIVE

    async def close(self) -> None:
        await tasks.cancel_and_wait(*self._repairs.values())
        await self.link.close()

    async def _on_open(self, link: object) -> None:
        """A fresh token for each attempt, then both channels; the link is live when both are confirmed.

        Raises:
            AuthRejected: the key may not do this; trying again will not help.
            VenueError: it may help.
        """
        self._token = None
        for sequence in self._sequences.values():
            sequence.expected, sequence.open = None, False
        token = (await self._fetch_token()).token
        self.orders.start_over()
        for channel in self._sequences:
            await self._subscribe(channel, token)
        self._token = token
        self.ping()

    def _link_down(self, reason: str) -> None:
        self._token = None
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(VenueUnavailable(VENUE_NAME, f"the link was lost: {reason}"))
        self._answers.clear()
        self.trading.link_lost(reason)

    async def _subscribe(self, channel: str, token: str) -> None:
        """``{"method":"subscribe","params":{"channel":"executions","snap_orders":true,"snap_trades":false,
        "ratecounter":true,"token":"..."},"req_id":7}``"""
        params: dict[str, object] = {"channel": channel, "token": token}
        if channel == "executions":
            params.update(snap_orders=True, snap_trades=False, order_status=True, ratecounter=True)
        else:
            params["snapshot"] = True
        sequence = self._sequences[channel]
        sequence.expected = None
        sequence.open = True  # the snapshot may overtake the acknowledgement
        response = await self._ask("subscribe", params)
        if not response.success:
            sequence.open = False
            error = to_error(scrub(response.error or "no reason given"), writing=False)
            if isinstance(error, AuthRejected | RateLimited | VenueUnavailable):
                raise error
            raise VenueUnavailable(VENUE_NAME, f"{channel} was refused: {error}", code=error.code)
        limit = _subscribed(response).maxratecount
        tier = self._limits.tier_of_engine_limit(limit) if limit is not None else None
        if tier is not None:
            self._limits.set_tier(tier)

    async def _ask(self, method: str, params: dict[str, object]) -> Response:
        number = next(self._numbers)
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            self.link.send_now(
                msgspec.json.encode({"method": method, "params": params, "req_id": number}).decode()
            )
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                return await answer
        except TimeoutError:
            raise VenueUnavailable(VENUE_NAME, f"{method}: no answer") from None
        finally:
            self._answers.pop(number, None)

    def on_frame(self, frame: str | bytes, ts_received_ns: int) -> None:
        """Take one frame, in the reading call itself."""
        if not isinstance(frame, str):
            frame = frame.decode("utf-8", "replace")
        if frame.startswith(HEARTBEAT):
            return
        try:
            if frame.startswith(_EXECUTIONS):
                self._on_executions(frame)
            elif frame.startswith(_BALANCES):
                self._on_balances(frame)
            else:
                self._on_other(frame, ts_received_ns)
        except WIRE_ERRORS as error:
            if is_edge_restarting(frame):
                log.info("private link: Kraken's edge restarts")
                return
            self._fault(str(error) or type(error).__name__, frame)
            for channel in self._sequences:
                if f'"{channel}"' in frame[:200]:
                    self._repair(channel, "The account's stream sent something unreadable.")

    def _on_other(self, frame: str, ts_received_ns: int) -> None:
        head = decode_head(frame)
        match head.channel:
            case None:
                self._on_response(decode_response(frame), ts_received_ns)
            case "executions":
                self._on_executions(frame)
            case "balances":
                self._on_balances(frame)
            case "status":
                self._status(frame)
            case _:
                pass

    def _on_response(self, response: Response, ts_received_ns: int) -> None:
        if response.method == "pong":
            self._on_pong(response, ts_received_ns)
            return
        answer = self._answers.get(response.req_id) if response.req_id is not None else None
        if answer is not None:
            if not answer.done():
                answer.set_result(response)
        elif not self.trading.on_response(response):
            # A late answer: the order was already asked after, and the executions tell what became of it.
            log.info("private link: a late answer to %s", response.method or "a request")

    def _on_executions(self, frame: str) -> None:
        message = decode_executions(frame)
        is_snapshot = message.type == "snapshot"
        if not self._in_order("executions", message.sequence, is_snapshot=is_snapshot):
            return
        for row in message.data:
            self._on_execution(row, is_snapshot=is_snapshot)

    def _on_execution(self, row: WsExecution, *, is_snapshot: bool) -> None:
        outcome = self.orders.apply(row, is_snapshot=is_snapshot)
        if outcome.violation is not None:
            self._fault(str(outcome.violation))
        report = outcome.report
        if report is not None:
            self._count(row, report)
            self._sink(OrderReported(report))
        if outcome.fill is not None:
            self._sink(FillReported(outcome.fill))
        if outcome.unknown_order is not None:
            self._ask_after(outcome.unknown_order)

    def _count(self, row: WsExecution, report: OrderReport) -> None:
        symbol, order_id = report.instrument.symbol, report.venue_order_id
        self._limits.set_open(order_id, symbol, not report.state.is_final)
        if row.exec_type in ("pending_new", "new", "amended", "restated"):
            age_s = (self._clock.wall_ns() - report.ts_event_ns) / 1e9 if report.ts_event_ns else 0.0
            self._limits.note_order(order_id, symbol, age_s=age_s)
        if row.ratecount is not None:
            self._limits.engine(symbol).correct(float(require_finite(row.ratecount)))

    def _on_balances(self, frame: str) -> None:
        message = decode_balances(frame)
        is_snapshot = message.type == "snapshot"
        balances = stream_balances(message.data)
        if self._in_order("balances", message.sequence, is_snapshot=is_snapshot):
            self._sink(BalancesReported(balances, is_snapshot))

    def _in_order(self, channel: str, number: int, *, is_snapshot: bool) -> bool:
        sequence = self._sequences[channel]
        if not sequence.open:
            return False  # of the subscription that is being ended
        match sequence.take(number, is_snapshot=is_snapshot):
            case "next":
                return True
            case "again":
                log.info("private link: %s %d came twice", channel, number)
                return False
            case _:
                expected = sequence.expected
                self._fault(f"{channel}: {expected} was expected, {number} came")
                self._repair(channel, "The account's stream had a gap.")
                return False

    def _repair(self, channel: str, reason: str) -> None:
        """End a private channel and take it again; then say that the account must be compared anew."""
        running = self._repairs.get(channel)
        if self._token is None or (running is not None and not running.done()):
            return  # being opened anew, or being repaired
        self._sequences[channel].open = False
        self._repairs[channel] = tasks.spawn(
            self._take_again(channel, reason), name=f"kraken {channel} again"
        )

    async def _take_again(self, channel: str, reason: str) -> None:
        token = self._token
        try:
            if token is None:
                raise NotSent(VENUE_NAME, "the session is gone")
            await self._ask("unsubscribe", {"channel": channel, "token": token})
            if channel == "executions":
                self.orders.start_over()
            await self._subscribe(channel, token)
        except VenueError as error:
            log.warning("private link: %s could not be taken again: %s", channel, error)
            self.link.reconnect_now(reason)
            return
        self._sink(AccountStreamReset(reason))

    def _ask_after(self, order_id: str) -> None:
        if order_id in self._asked_after:
            return
        self._asked_after.add(order_id)
        self._repairs[order_id] = task = tasks.spawn(self._learn(order_id), name="kraken order look-up")
        task.add_done_callback(lambda _: self._repairs.pop(order_id, None))

    async def _learn(self, order_id: str) -> None:
        try:
            report = await self._learn_order(order_id)
        except VenueError as error:
            log.warning("order %s of the stream could not be looked up: %s", order_id, error)
            self._sink(AccountStreamReset("An order changed that could not be looked up."))
            return
        finally:
            self._asked_after.discard(order_id)
        if report is not None:
            self.orders.learn([report])
            self._limits.set_open(order_id, report.instrument.symbol, not report.state.is_final)
            self._sink(OrderReported(self.orders.report(order_id) or report))

    def _send_order(self, text: str) -> None:
        self.link.send_now(text)

    def _on_session_lost(self, text: str) -> None:
        log.info("private link: the session has run out (%s), a new one is opened", meaning_of(text).code)
        self._token = None
        self.link.reconnect_now("The trading session had run out.")


def _subscribed(response: Response) -> SubscribeResult:
    try:
        return _decode_subscribed(response.result)
    except msgspec.MsgspecError:
        return SubscribeResult()
