"""One account's hand: orders, positions and their protections, figures, and the account's past.

The account is signed in and its symbols are read by :mod:`.accounts`; this keeps its state from then on (Open
API 2.0, 2106 to 2111, 2124, 2126, 2187, 2190).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol, TypeVar

from google.protobuf.message import Message

from terminal.core.clock import Clock
from terminal.domain.account import AccountInfo, AccountSnapshot, FeeRates, LeverageTier, MarginCall
from terminal.domain.errors import (
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    VenueError,
)
from terminal.domain.events import AccountEvent, FillReported, VenueNotice
from terminal.domain.orders import AmendRequest, Fill, OrderRef, OrderReport, OrderRequest, Protection
from terminal.venues.base import (
    CashFlowPage,
    ExpectedMargin,
    FillOffsets,
    FillPage,
    KeyReport,
    OrderPage,
    SubmitAck,
    VenueInfo,
)
from terminal.venues.ctrader import margin, terms, trading
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.errors import VENUE_NAME
from terminal.venues.ctrader.executions import Reader, is_ended, is_shown
from terminal.venues.ctrader.holdings import Holdings, Told
from terminal.venues.ctrader.inquiry import Inquiry
from terminal.venues.ctrader.profit import Prices, Profits, Rates
from terminal.venues.ctrader.profit_watch import ProfitWatch
from terminal.venues.ctrader.records import Records, read
from terminal.venues.ctrader.symbols import Listing, Symbols
from terminal.venues.ctrader.units import ms_of_ns

log = logging.getLogger("venue.ctrader")

M = TypeVar("M", bound=Message)

WRITE_DEADLINE_S: Final = 6.0
_NOTHING_TO_AMEND: Final = "nothing to amend"
_MOST_AT_ONCE: Final = 10

_SEE: Final = "See the account"
_TRADE: Final = "Create and change orders"
_CLOSE: Final = "Close positions"


class TradingAccount(Protocol):
    """What of an account its hand needs; see :class:`.accounts.Account`."""

    account_id: int
    client: Client
    symbols: Symbols
    trader: pb.ProtoOATrader | None
    can_trade: bool
    """The sign-in allows trading, not only watching."""

    @property
    def currency(self) -> str: ...

    @property
    def money_digits(self) -> int: ...

    @property
    def streams(self) -> Prices: ...

    @property
    def rates(self) -> Rates: ...

    def info(self) -> AccountInfo: ...


class CtraderTrader:
    """Trades for one account, and tells what becomes of it.

    Args:
        emit: hears of orders, fills, positions and figures.
        notify: hears of what the venue wants a person to know, such as a margin call.
    """

    def __init__(
        self,
        account: TradingAccount,
        emit: Callable[[AccountEvent], None],
        *,
        info: VenueInfo,
        clock: Clock,
        notify: Callable[[VenueNotice], None] = lambda notice: None,
    ) -> None:
        self.info = info
        self._account = account
        self._emit = emit
        self._notify = notify
        self._clock = clock
        self._reader = Reader(account.symbols, account)
        profits = Profits(account.symbols, account.streams, account.rates, ("positions", account.account_id))
        self._holdings = Holdings(self._reader, profits)
        self._records = Records(
            account.client,
            account.account_id,
            self._reader,
            clock,
            begins_ms=self._begins_ms,
            name_of=self._holdings.name_of,
        )
        self._inquiry = Inquiry(
            account.client,
            account.account_id,
            self._holdings,
            self._reader,
            self._records,
            clock,
            read_state=self._read_state,
            on_fill=self._on_old_fill,
        )
        self._watch = ProfitWatch(
            account.client, account.account_id, self._holdings, profits, clock, self._tell
        )

    # --- the account's life ------------------------------------------------------------------------------

    async def sync(self) -> None:
        """Read the account's state after a sign-in.

        Raises:
            VenueError: it could not be read.
        """
        if self._account.trader is not None:
            self._holdings.take_trader(self._account.trader)
        await self._read_state()
        await self._read_margin_calls()
        self._tell(self._holdings.changed_figures())
        self._watch.opened()

    def on_event(self, message: Message) -> None:
        """Take an event of this account."""
        self._tell(self._holdings.take(message))
        self._watch.follow()

    def on_lost(self, reason: str) -> None:
        """The account's session has ended: what is known stays, as of then."""
        log.debug("account %d: %s", self._account.account_id, reason)
        self._watch.lost()

    async def close(self) -> None:
        """End what runs in the background."""
        await self._watch.close()

    # --- orders ------------------------------------------------------------------------------------------

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        """Send an order, or close a position or a part of it (``position_id`` with ``reduce_only``).

        A closing carries no id of ours, so after a lost answer it is told by what it did; see
        :mod:`.inquiry`. Raises as :class:`~terminal.venues.base.TradesOrders` says, and Unsupported where
        cTrader has no such order.
        """
        is_closing = request.position_id is not None and request.reduce_only
        self._require_right(is_closing)
        account_id = self._account.account_id
        message: Message
        if is_closing:
            message = trading.close_position(account_id, request)
        else:
            listing = await self._listing(request.instrument.symbol)
            message = trading.new_order(account_id, request, client_order_id, listing)
        event = await self._write(message, urgent=is_closing)
        if not event.HasField("order") or not event.order.orderId:
            raise OutcomeUnknown(VENUE_NAME, "an answer without an order", code="unreadable")
        if is_closing:
            self._holdings.name(event.order.orderId, client_order_id)
        return SubmitAck(str(event.order.orderId))

    async def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel a pending order."""
        order_id = await self._order_id(ref)
        await self._write(trading.cancel_order(self._account.account_id, order_id), urgent=True)

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None:
        """Ask to cancel orders, one request each. All are sent, then the first failure is raised."""
        await self._all_of([self.cancel(ref) for ref in refs])

    async def cancel_all(self) -> int:
        """Cancel every pending order, also those placed elsewhere; how many there were.

        Raises:
            NotSent: the venue did not tell which there are, so nothing was canceled.
        """
        try:
            state = await self._ask_state()
        except VenueError as error:
            raise _not_sent(error) from error
        pending = [
            order.orderId
            for order in state.order
            if order.orderType in (pb.LIMIT, pb.STOP, pb.STOP_LIMIT) and not is_ended(order)
        ]
        account_id = self._account.account_id
        await self._all_of(
            [self._cancel_if_there(trading.cancel_order(account_id, order_id)) for order_id in pending]
        )
        return len(pending)

    async def amend(self, ref: OrderRef, change: AmendRequest) -> None:
        """Change a pending order; the terms that are not named are sent as they stand."""
        self._require_right(is_closing=False)
        listing = await self._listing(ref.symbol)
        order = await self._standing_order(ref)
        message = trading.amend_order(self._account.account_id, order, change, listing)
        await self._write_change(message)

    async def protect(self, position_id: str, symbol: str, protection: Protection) -> None:
        """Set the whole stop and target of a position; a leg that is None is removed."""
        self._require_right(is_closing=True)
        listing = await self._listing(symbol)
        number = trading.venue_id(position_id)
        row = self._holdings.position_row(number)
        if row is None:
            row = await self._standing_position(number)
        message = trading.amend_protection(self._account.account_id, row, protection, listing.digits)
        await self._write_change(message)

    # --- questions ---------------------------------------------------------------------------------------

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What the venue knows of an order; None where it plainly knows nothing of it."""
        return await self._inquiry.status(ref)

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        """The account as it stands, and what ended or filled since a time."""
        taken_ns = self._clock.wall_ns()
        since_ms = ms_of_ns(since_ns)
        await self._read_trader()
        # The open ones first: what ends between the questions is in the lists.
        await self._read_state()
        orders = await self._records.orders_since(since_ms)
        deals = await self._records.deals_since(since_ms)
        self._holdings.read_orders(orders)
        await self._learn({deal.symbolId for deal in deals} | {each.tradeData.symbolId for each in orders})
        fills = [fill for deal in reversed(deals) if (fill := self._holdings.read_deal(deal)) is not None]
        recent = [
            self._holdings.report(order.orderId) or self._reader.report(order)
            for order in orders
            if is_ended(order) and is_shown(order)
        ]
        await self._watch.ask()
        open_orders = tuple(self._holdings.open_orders())
        traded = {report.instrument.symbol for report in open_orders} | {
            position.instrument.symbol for position in self._holdings.positions()
        }
        return AccountSnapshot(
            balances=(),
            open_orders=open_orders,
            recent_orders=tuple(recent),
            fills=tuple(fills),
            positions=tuple(self._holdings.positions()),
            positions_known=self._holdings.are_positions_known,
            fees={symbol: rates for symbol in sorted(traded) if (rates := self._fees(symbol)) is not None},
            figures=self._holdings.figures(),
            ts_event_ns=taken_ns,
        )

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        """The commission of a symbol; None where it is charged in a currency without a known rate."""
        await self._account.symbols.details([symbol])
        return self._fees(symbol)

    async def expected_margin(self, symbol: str, quantity: Decimal) -> ExpectedMargin:
        """What an order of so many base units would tie up.

        Raises:
            RequestRejected: the venue will not say for this symbol or quantity.
            VenueUnavailable: it could not be asked.
        """
        return await margin.expected(self._account, symbol, quantity)

    async def leverage_tiers(self, symbol: str) -> Sequence[LeverageTier]:
        """The leverage of a symbol by size, smallest first; none where the account's own counts alone.

        Raises:
            RequestRejected: the broker does not list this symbol, or does not say.
            VenueUnavailable: it could not be asked.
        """
        await self._account.symbols.details([symbol])
        return await margin.tiers(self._account, symbol)

    async def margin_calls(self) -> Sequence[MarginCall]:
        """The margin levels at which the venue warns, highest first.

        Raises:
            RequestRejected: the venue will not say.
            VenueUnavailable: it could not be asked.
        """
        rows = await margin.calls(self._account)
        self._holdings.read_margin_calls(rows)
        self._tell(self._holdings.changed_figures())
        return margin.calls_of(rows)

    async def set_margin_call(self, call_id: str, level: Decimal) -> None:
        """Move one of the levels, in per cent. Raises as a submit; RequestRejected for a level that the venue
        does not take."""
        event = await margin.set_call(self._account, call_id, level)
        self._tell(self._holdings.take(event))

    async def test_credentials(self) -> KeyReport:
        """Ask for the account, and say what the sign-in and the broker allow.

        Raises:
            AuthRejected: the sign-in is not good any more.
            VenueUnavailable: it could not be asked.
        """
        trader = await self._read_trader()
        rights = trader.accessRights
        scope = self._account.can_trade
        granted = {
            _SEE: rights != pb.NO_LOGIN,
            _TRADE: scope and rights == pb.FULL_ACCESS,
            _CLOSE: scope and rights in (pb.FULL_ACCESS, pb.CLOSE_ONLY),
        }
        warnings = []
        if not scope:
            warnings.append("You allowed watching only: sign in again and allow trading.")
        if rights in _RIGHTS_WORDS:
            warnings.append(_RIGHTS_WORDS[rights])
        return KeyReport(granted, tuple(warnings), self._account.info().title)

    async def order_history(self, until_ns: int | None = None) -> OrderPage:
        """Orders that have ended, newest first."""
        return await self._records.order_history(until_ns)

    async def fill_history(self, until_ns: int | None = None) -> FillPage:
        """Fills, newest first."""
        return await self._records.fill_history(until_ns)

    async def cash_flow(self, until_ns: int | None = None) -> CashFlowPage:
        """Deposits, withdrawals and charges, newest first."""
        return await self._records.cash_flow(until_ns)

    async def position_fills(self, position_id: str) -> Sequence[Fill]:
        """Every fill of one position, newest first.

        Raises:
            VenueUnavailable: it could not be asked.
        """
        return await self._records.of_position(trading.venue_id(position_id))

    async def fill_offsets(self, fill_id: str) -> FillOffsets:
        """Which fills closed this one, and which it closed.

        Raises:
            RequestRejected: the venue knows nothing of it.
            VenueUnavailable: it could not be asked.
        """
        return await self._records.offsets(trading.venue_id(fill_id))

    # --- writing -----------------------------------------------------------------------------------------

    async def _write(self, message: Message, *, urgent: bool = False) -> pb.ProtoOAExecutionEvent:
        return await self._account.client.request(
            message,
            answer=pb.ProtoOAExecutionEvent,
            deadline_s=WRITE_DEADLINE_S,
            writes=True,
            urgent=urgent,
        )

    async def _write_change(self, message: Message) -> None:
        try:
            await self._write(message)
        except RequestRejected as error:
            # What was asked for is what there is.
            if _NOTHING_TO_AMEND not in error.venue_text.lower():
                raise

    async def _cancel_if_there(self, message: pb.ProtoOACancelOrderReq) -> None:
        try:
            await self._write(message, urgent=True)
        except RequestRejected as error:
            if error.code not in ("ORDER_NOT_FOUND", "ENTITY_NOT_FOUND"):
                raise

    async def _all_of(self, calls: Sequence[Any]) -> None:
        """Make all calls, some at once, then raise the first failure, one of unknown outcome first."""
        room = asyncio.Semaphore(_MOST_AT_ONCE)

        async def one(call: Any) -> None:
            async with room:
                await call

        results = await asyncio.gather(*(one(call) for call in calls), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        failures.sort(key=lambda failure: not isinstance(failure, OutcomeUnknown))
        if failures:
            raise failures[0]

    def _require_right(self, is_closing: bool) -> None:
        """Raises NotSent where the broker or the sign-in does not allow it."""
        trader = self._account.trader or self._holdings.trader
        rights = pb.FULL_ACCESS if trader is None else trader.accessRights
        text = ""
        if not self._account.can_trade:
            text = "You allowed watching only: sign in to cTrader again and allow trading."
        elif rights in (pb.NO_TRADING, pb.NO_LOGIN) or (rights == pb.CLOSE_ONLY and not is_closing):
            text = _RIGHTS_WORDS[rights]
        if text:
            raise NotSent(VENUE_NAME, text, code="TRADING_NOT_ALLOWED", user_text=f"Not sent: {text}")

    async def _listing(self, symbol: str) -> Listing:
        """The symbol with its full record: its digits are needed. Raises NotSent where that is not there."""
        listing = self._account.symbols.require(symbol)
        if listing.detail is None:
            try:
                await self._account.symbols.details([symbol])
            except VenueError as error:
                raise _not_sent(error) from error
            listing = self._account.symbols.require(symbol)
        if listing.detail is None:
            text = f"Not sent: the broker does not tell the details of {symbol}."
            raise NotSent(VENUE_NAME, text, user_text=text)
        return listing

    async def _order_id(self, ref: OrderRef) -> int:
        if ref.venue_order_id is not None:
            return trading.venue_id(ref.venue_order_id)
        return (await self._standing_order(ref)).orderId

    async def _standing_order(self, ref: OrderRef) -> pb.ProtoOAOrder:
        """A pending order as it stands.

        Raises:
            RequestRejected: there is none of that name.
            NotSent: it could not be asked for, so that nothing was sent.
        """
        number = None if ref.venue_order_id is None else trading.venue_id(ref.venue_order_id)
        found = None
        if number is not None:
            found = self._holdings.order(number)
        elif ref.client_order_id is not None:
            found = self._holdings.find_order(ref.client_order_id)
        if found is None:
            try:
                report = await self._inquiry.status(ref)
            except VenueError as error:
                raise _not_sent(error) from error
            found = None if report is None else self._holdings.order(int(report.venue_order_id))
        if found is None or is_ended(found):
            raise RequestRejected(
                VENUE_NAME,
                f"no pending order {ref.venue_order_id or ref.client_order_id}",
                code="ORDER_NOT_FOUND",
                user_text="There is no such open order: it may have filled or ended.",
                repair="ask",
            )
        return found

    async def _standing_position(self, position_id: int) -> pb.ProtoOAPosition:
        """As :meth:`_standing_order`, for a position that no event has told of."""
        try:
            await self._read_state()
        except VenueError as error:
            raise _not_sent(error) from error
        row = self._holdings.position_row(position_id)
        if row is None:
            raise RequestRejected(
                VENUE_NAME,
                f"no position {position_id}",
                code="POSITION_NOT_FOUND",
                user_text="There is no such position any more.",
                repair="ask",
            )
        return row

    # --- reading -----------------------------------------------------------------------------------------

    async def _ask_state(self) -> pb.ProtoOAReconcileRes:
        message = pb.ProtoOAReconcileReq(
            ctidTraderAccountId=self._account.account_id, returnProtectionOrders=True
        )
        return await read(self._account.client, message, pb.ProtoOAReconcileRes)

    async def _read_trader(self) -> pb.ProtoOATrader:
        message = pb.ProtoOATraderReq(ctidTraderAccountId=self._account.account_id)
        answer = await read(self._account.client, message, pb.ProtoOATraderRes, loose=False)
        self._holdings.take_trader(answer.trader)
        return answer.trader

    async def _read_state(self) -> pb.ProtoOAReconcileRes:
        asked_seq = self._holdings.seq
        answer = await self._ask_state()
        symbols = {position.tradeData.symbolId for position in answer.position}
        symbols |= {order.tradeData.symbolId for order in answer.order}
        await self._learn(symbols)
        self._tell(self._holdings.read(answer, asked_seq))
        self._watch.follow()
        return answer

    async def _learn(self, symbol_ids: set[int]) -> None:
        """Fetch the records of symbols. One that the broker does not list any more costs nobody the rest."""
        try:
            await self._account.symbols.details_of(symbol_ids)
        except RequestRejected as error:
            log.info("account %d: symbols: %s", self._account.account_id, error)

    async def _read_margin_calls(self) -> None:
        """The thresholds are for the screen only: without them the account works."""
        try:
            self._holdings.read_margin_calls(await margin.calls(self._account))
        except RequestRejected as error:
            log.info("no margin calls: %s", error)

    def _begins_ms(self) -> int | None:
        trader = self._holdings.trader
        return None if trader is None else trader.registrationTimestamp or None

    def _fees(self, symbol: str) -> FeeRates | None:
        listing = self._account.symbols.find(symbol)
        if listing is None or listing.detail is None:
            return None
        detail, quote, rates = listing.detail, listing.instrument.quote, self._account.rates
        asset = detail.minCommissionAsset or "USD"
        needed = terms.needs_rate(detail)
        usd = rates.rate("USD", quote) if "USD" in needed else None
        minimum = rates.rate(asset, quote) if asset in needed else None
        return terms.fee_rates(detail, usd, minimum)

    # --- telling -----------------------------------------------------------------------------------------

    def _tell(self, told: Sequence[Told]) -> None:
        for each in told:
            if isinstance(each, VenueNotice):
                title = self._account.info().title
                self._notify(VenueNotice(f"{title}: {each.text}" if title else each.text, each.is_urgent))
            else:
                self._emit(each)

    def _on_old_fill(self, fill: Fill) -> None:
        self._emit(FillReported(fill))


_RIGHTS_WORDS: Final = {
    pb.CLOSE_ONLY: "The broker lets this account close positions only.",
    pb.NO_TRADING: "The broker lets this account be watched only.",
    pb.NO_LOGIN: "The broker has closed this account.",
}


def _not_sent(error: VenueError) -> NotSent:
    """A question that had to come first has failed: nothing of the order itself has left."""
    text = f"Not sent: {error.user_text}"
    return NotSent(VENUE_NAME, str(error), code=error.code, venue_text=error.venue_text, user_text=text)
