"""OKX's private connection (orders, fills, balances, positions, trading) and the private side of the business
one (stop orders); OKX v5, private channels, 2026-07."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import msgspec

from terminal.core.secret import scrub
from terminal.domain.errors import AuthRejected, VenueUnavailable
from terminal.domain.events import (
    AccountStreamReset,
    BalancesReported,
    FiguresReported,
    FillReported,
    LinkState,
    OrderReported,
)
from terminal.venues.okx.account import balances
from terminal.venues.okx.errors import VENUE_NAME, to_error
from terminal.venues.okx.figures import Figures
from terminal.venues.okx.holdings import Holdings
from terminal.venues.okx.orders import OrderTracker, is_set
from terminal.venues.okx.parse import WIRE_ERRORS, decode_head
from terminal.venues.okx.public_stream import FeedStream
from terminal.venues.okx.stream import PONG, Stream
from terminal.venues.okx.trading import WsTrading
from terminal.venues.okx.wire import AlgoRow, BalanceRow, Head, OrderRow, PositionRow

log = logging.getLogger("venue.okx")

_ANSWER_TIMEOUT_S: Final = 8.0

_decode_orders = msgspec.json.Decoder(list[OrderRow]).decode
_decode_balances = msgspec.json.Decoder(list[BalanceRow]).decode
_decode_positions = msgspec.json.Decoder(list[PositionRow]).decode
_decode_algos = msgspec.json.Decoder(list[AlgoRow]).decode

_CHANNELS: Final[tuple[dict[str, str], ...]] = (
    {"channel": "orders", "instType": "ANY"},
    {"channel": "account"},
    {"channel": "positions", "instType": "ANY"},
)
_ALGO_CHANNELS: Final[tuple[dict[str, str], ...]] = ({"channel": "orders-algo", "instType": "ANY"},)


class _Sender(Protocol):
    def send_now(self, text: str) -> None: ...


class Acknowledged:
    """Private channels that are asked for at the opening, each of which has to be confirmed."""

    def __init__(self, numbers: itertools.count[int]) -> None:
        self._numbers = numbers
        self._id = ""
        self._waiting: set[str] = set()
        self._done: asyncio.Future[None] | None = None

    async def ask(self, link: _Sender, channels: Sequence[dict[str, str]]) -> None:
        """Subscribe and wait for every acknowledgement. Raises what the refusal says, or VenueUnavailable."""
        self._id = f"p{next(self._numbers)}"
        self._waiting = {each["channel"] for each in channels}
        self._done = asyncio.get_running_loop().create_future()
        request = {"id": self._id, "op": "subscribe", "args": list(channels)}
        try:
            link.send_now(msgspec.json.encode(request).decode())
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                await self._done
        except TimeoutError:
            raise VenueUnavailable(
                VENUE_NAME, f"not acknowledged: {', '.join(sorted(self._waiting))}"
            ) from None
        finally:
            self._done = None

    def on_event(self, head: Head) -> bool:
        """Take an event that belongs to this; False where it does not."""
        done = self._done
        if done is None or done.done() or (head.id and head.id != self._id):
            return False
        if head.event == "error":
            error = to_error(head.code, scrub(head.msg), writing=False)
            if not isinstance(error, AuthRejected | VenueUnavailable):
                error = VenueUnavailable(VENUE_NAME, str(error), code=error.code, user_text=error.user_text)
            done.set_exception(error)
            return True
        if head.event == "subscribe" and head.arg is not None:
            self._waiting.discard(head.arg.channel)
            if not self._waiting:
                done.set_result(None)
            return True
        return False


class PrivateStream(Stream):
    """The account, and trading on the same socket."""

    name = "private"

    def __init__(
        self,
        *,
        numbers: itertools.count[int],
        tracker: OrderTracker,
        holdings: Holdings,
        figures: Figures,
        prepare: Callable[[], Awaitable[object]],
        deadline_s: float,
        **rest: Any,
    ) -> None:
        """``prepare`` reads what has to be known of the account before it may trade."""
        self._tracker = tracker
        self._holdings = holdings
        self._figures = figures
        self._prepare = prepare
        self._acknowledged = Acknowledged(numbers)
        self._is_signed_in = False
        self._pages: dict[str, list[Any]] = {}
        self.trading = WsTrading(
            numbers=numbers,
            send=lambda text: self.link.send_now(text),
            is_ready=lambda: self.ready,
            on_session_lost=self._on_session_lost,
            deadline_s=deadline_s,
        )
        super().__init__(**rest)

    @property
    def ready(self) -> bool:
        """Whether a trading request may go over this socket now."""
        return self._is_signed_in and self.link.is_open and self.link.state is LinkState.LIVE

    async def _on_open(self) -> None:
        """Log in, then all channels; the link is live when each is confirmed.

        Raises:
            AuthRejected: the key may not do this; trying again will not help.
            VenueError: it may help.
        """
        self._is_signed_in = False
        self._pages.clear()
        await self._prepare()
        await self._sign_in()
        await self._acknowledged.ask(self.link, _CHANNELS)
        self._is_signed_in = True
        self._try_send(self._beat())

    def _link_down(self, reason: str) -> None:
        self._is_signed_in = False
        self.trading.link_lost(reason)

    async def _settled(self) -> None:
        while self.trading.waiting:  # noqa: ASYNC110 - a few milliseconds, and answers come by call
            await asyncio.sleep(0.02)

    def _on_session_lost(self) -> None:
        self._is_signed_in = False
        self.link.reconnect_now("OKX wants a new sign-in.")

    def on_frame(self, frame: str | bytes, ts_received_ns: int) -> None:
        """Take one frame, in the reading call itself."""
        if not isinstance(frame, str):
            frame = frame.decode("utf-8", "replace")
        if frame == PONG:
            self._on_pong()
            return
        try:
            head = decode_head(frame)
            if head.op:
                if not self.trading.on_answer(head):
                    # The order was already asked after, and the stream tells what became of it.
                    log.info("private link: a late answer to %s", head.op)
            elif head.event:
                self._on_event(head)
            else:
                self._on_data(head)
        except WIRE_ERRORS as error:
            self._fault(str(error) or type(error).__name__, frame)
            if '"arg"' in frame[:200]:
                self._sink(AccountStreamReset("The account's stream sent something unreadable."))

    def _on_event(self, head: Head) -> None:
        if head.event == "notice":
            self._on_notice(head)
        elif head.event == "channel-conn-count-error":
            self._fault("OKX has ended a channel: too many connections of this account")
            self.link.reconnect_now("OKX allows no more connections of this account.")
        elif head.event == "error" and head.id and self.trading.on_answer(head):
            pass
        elif not self._on_login(head) and not self._acknowledged.on_event(head) and head.event == "error":
            log.info("private link: OKX says: %s %s", head.code, head.msg[:200])

    def _on_data(self, head: Head) -> None:
        match head.arg.channel if head.arg is not None else "":
            case "orders":
                for row in _decode_orders(head.data):
                    self._on_order(row)
            case "account":
                for money in _decode_balances(head.data):
                    self._on_balances(head, money)
            case "positions":
                self._on_positions(head, _decode_positions(head.data))
            case _:
                pass

    def _on_order(self, row: OrderRow) -> None:
        outcome = self._tracker.apply(row)
        if outcome.violation:
            self._fault(outcome.violation)
        reduces = is_set(row.reduceOnly)
        position_id = self._holdings.position_id(row.instId, row.posSide, row.tdMode, reduces=reduces)
        if outcome.report is not None:
            # Which position it closes; one that opens or adds may be of another by the time it fills.
            closes = position_id if reduces else None
            self._sink(OrderReported(replace(outcome.report, position_id=closes)))
        if outcome.fill is not None and self._tracker.is_new(outcome.fill):
            self._sink(FillReported(outcome.fill._replace(position_id=position_id)))
        if outcome.violation and outcome.report is None:
            self._sink(AccountStreamReset("An order changed in a way that could not be read."))

    def _on_balances(self, head: Head, row: BalanceRow) -> None:
        is_whole = head.eventType == "snapshot"
        details = self._page(head, "account", row.details) if is_whole else row.details
        if details is None:
            return
        self._sink(BalancesReported(balances(details, with_zero=not is_whole), is_whole))
        figures = self._figures.changed(row, details, is_whole=is_whole)
        if figures is not None:
            self._sink(FiguresReported(figures))

    def _on_positions(self, head: Head, rows: list[PositionRow]) -> None:
        is_whole = head.eventType == "snapshot"
        if is_whole:
            pages = self._page(head, "positions", rows)
            if pages is None:
                return
            rows = pages
        for event in self._holdings.take(rows, is_whole=is_whole):
            self._sink(event)

    def _page(self, head: Head, name: str, rows: list[Any]) -> list[Any] | None:
        """A snapshot may come in pages: all rows with the last one, None before."""
        if head.curPage <= 1:
            self._pages[name] = []
        held = self._pages.setdefault(name, [])
        held += rows
        return self._pages.pop(name) if head.lastPage else None


class BusinessStream(FeedStream):
    """Bars, and with a key the stop orders."""

    name = "business"
    tells_state = False

    def __init__(
        self, *, numbers: itertools.count[int], tracker: OrderTracker, holdings: Holdings, **rest: Any
    ) -> None:
        self._tracker = tracker
        self._holdings = holdings
        self._acknowledged = Acknowledged(numbers)
        self._was_open = False
        super().__init__(numbers=numbers, **rest)

    async def _take_over(self) -> None:
        if self._signer is None:
            return
        try:
            await self._sign_in()
            await self._acknowledged.ask(self.link, _ALGO_CHANNELS)
        except AuthRejected as error:
            # The private connection tells the person; bars need no key.
            log.warning("business link: no stop orders: %s", error)
            return
        # An old connection that is still there has told everything up to now.
        if self._was_open and (self._old is None or self._old_was_lost):
            # The channel tells no stop orders of before: what changed meanwhile has to be asked.
            self._sink(AccountStreamReset("The stream of stop orders was down."))
        self._was_open = True

    def _on_event(self, head: Head) -> None:
        if not self._acknowledged.on_event(head):
            super()._on_event(head)

    def _on_data(self, head: Head, frame: str, ts_received_ns: int) -> None:
        if head.arg is None or head.arg.channel != "orders-algo":
            super()._on_data(head, frame, ts_received_ns)
            return
        for row in _decode_algos(head.data):
            outcome = self._tracker.apply_algo(row)
            if outcome.violation:
                self._fault(outcome.violation)
            if row.state in ("effective", "partially_effective"):
                self._holdings.fired(row)
            if outcome.report is not None:
                self._sink(OrderReported(outcome.report))
        for event in self._holdings.protections_changed():
            self._sink(event)
