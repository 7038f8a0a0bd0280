"""An account's past: orders, deals and cash flow, paged backwards through windows of a week.

Lists come newest first, in windows of at most seven days, with ``hasMore`` where a window has more than one
answer holds (Open API 2.0, 2133, 2143, 2175; only 2143 states the window, older servers have it for all).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from google.protobuf.message import Message

from terminal.core.clock import Clock
from terminal.domain.account import CashFlow
from terminal.domain.errors import ProtocolViolation, RequestRejected, VenueUnavailable
from terminal.domain.orders import Fill, OrderReport
from terminal.venues.base import CashFlowPage, FillOffset, FillOffsets, FillPage, OrderPage
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.errors import VENUE_NAME
from terminal.venues.ctrader.executions import Reader, is_ended, is_shown
from terminal.venues.ctrader.units import average_price, ms_of_ns, ns_of_ms, quantity

WINDOW_MS: Final = 604_800_000
LATEST_MS: Final = 2_147_483_646_000
# The venue's clock may be ahead of ours: what has just happened there must not be left out.
_AHEAD_MS: Final = 60_000
_PAGE: Final = 50
_MOST_WINDOWS: Final = 8
_MOST_ANSWERS: Final = 200
# Nothing is older than the venue itself.
_BEGINNING_MS: Final = 1_262_304_000_000

M = TypeVar("M", bound=Message)
R = TypeVar("R", bound=Message)


class Asks(Protocol):
    """The client's way to ask."""

    async def request(self, message: Message, *, answer: type[M], loose: bool = False) -> M: ...


class _Part(NamedTuple):
    """One answer: rows with their ids and the times by which the server may have chosen them, ms."""

    rows: Sequence[tuple[int, tuple[int, ...], Message]]
    has_more: bool


class Records:
    """Reads the past of one account.

    Args:
        begins_ms: when the account was registered, ms UTC; None: not known.
        name_of: our id of an order, where it is ours.
    """

    def __init__(
        self,
        client: Asks,
        account_id: int,
        reader: Reader,
        clock: Clock,
        *,
        begins_ms: Callable[[], int | None] = lambda: None,
        name_of: Callable[[int], str | None] = lambda order_id: None,
    ) -> None:
        self._client = client
        self._account_id = account_id
        self._reader = reader
        self._clock = clock
        self._begins_ms = begins_ms
        self._name_of = name_of

    # --- one deal ----------------------------------------------------------------------------------------

    async def offsets(self, deal_id: int) -> FillOffsets:
        """Which deals closed a deal's volume, and which it closed (2185). Raises as :meth:`orders_since`, and
        RequestRejected where the venue does not know the deal."""
        message = pb.ProtoOADealOffsetListReq(ctidTraderAccountId=self._account_id, dealId=deal_id)
        answer = await self._client.request(message, answer=pb.ProtoOADealOffsetListRes)
        return FillOffsets(
            tuple(_offset(each) for each in answer.offsetBy),
            tuple(_offset(each) for each in answer.offsetting),
        )

    async def of_position(self, position_id: int) -> list[Fill]:
        """Every deal of a position, newest first (2179). Raises as :meth:`orders_since`."""

        async def ask(until_ms: int) -> _Part:
            answer = await self._read(
                pb.ProtoOADealListByPositionIdReq(
                    ctidTraderAccountId=self._account_id,
                    positionId=position_id,
                    fromTimestamp=_BEGINNING_MS,
                    toTimestamp=until_ms,
                ),
                pb.ProtoOADealListByPositionIdRes,
            )
            rows = [(row.dealId, _deal_times(row), row) for row in answer.deal if row.IsInitialized()]
            return _Part(rows, answer.hasMore)

        deals = await walk(ask, _BEGINNING_MS, self._now_ms(), pb.ProtoOADeal)
        fills = (self._reader.fill(deal, self._name_of(deal.orderId)) for deal in deals)
        return [fill for fill in fills if fill is not None]

    # --- everything since a time -------------------------------------------------------------------------

    async def orders_since(self, from_ms: int) -> list[pb.ProtoOAOrder]:
        """All orders since a time, newest first, open ones and protective ones too.

        Raises:
            VenueUnavailable: it could not be asked.
        """
        return await self._since(from_ms, self._orders)

    async def deals_since(self, from_ms: int) -> list[pb.ProtoOADeal]:
        """All deals since a time, newest first. Raises as :meth:`orders_since`."""
        return await self._since(from_ms, self._deals)

    # --- pages -------------------------------------------------------------------------------------------

    async def order_history(self, until_ns: int | None) -> OrderPage:
        """Orders that have ended. Raises VenueUnavailable where it could not be asked."""
        orders, earlier_ns = await self._page(
            until_ns, self._orders, lambda row: is_ended(row) and is_shown(row)
        )
        reports: list[OrderReport] = [
            self._reader.report(order, client_order_id=self._name_of(order.orderId)) for order in orders
        ]
        return OrderPage(tuple(reports), earlier_ns)

    async def fill_history(self, until_ns: int | None) -> FillPage:
        """Deals. Raises VenueUnavailable where it could not be asked."""
        deals, earlier_ns = await self._page(until_ns, self._deals, lambda row: True)
        fills = (self._reader.fill(deal, self._name_of(deal.orderId)) for deal in deals)
        found: list[Fill] = [fill for fill in fills if fill is not None]
        return FillPage(tuple(found), earlier_ns)

    async def cash_flow(self, until_ns: int | None) -> CashFlowPage:
        """Deposits, withdrawals and charges. Raises VenueUnavailable where it could not be asked."""
        rows, earlier_ns = await self._page(until_ns, self._cash, lambda row: True)
        found: list[CashFlow] = [self._reader.cash_flow(row) for row in rows]
        return CashFlowPage(tuple(found), earlier_ns)

    # --- windows -----------------------------------------------------------------------------------------

    async def _since(self, from_ms: int, ask: Callable[[int, int], Awaitable[list[R]]]) -> list[R]:
        rows: list[R] = []
        until_ms = self._now_ms()
        from_ms = max(from_ms, _BEGINNING_MS)
        while until_ms >= from_ms:
            start_ms = max(from_ms, until_ms - WINDOW_MS)
            rows += await ask(start_ms, until_ms)
            until_ms = start_ms - 1
        return rows

    async def _page(
        self,
        until_ns: int | None,
        ask: Callable[[int, int], Awaitable[list[R]]],
        wanted: Callable[[R], bool],
    ) -> tuple[list[R], int | None]:
        """Some windows backwards, until there are enough rows; and where the next page goes on."""
        until_ms = self._now_ms() if until_ns is None else ms_of_ns(until_ns)
        begins_ms = max(self._begins_ms() or 0, _BEGINNING_MS)
        rows: list[R] = []
        for _ in range(_MOST_WINDOWS):
            if until_ms < begins_ms:
                return rows, None
            start_ms = max(until_ms - WINDOW_MS, 0)
            rows += [row for row in await ask(start_ms, until_ms) if wanted(row)]
            until_ms = start_ms - 1
            if len(rows) >= _PAGE:
                break
        return rows, ns_of_ms(until_ms) if until_ms >= begins_ms else None

    def _now_ms(self) -> int:
        return min(ms_of_ns(self._clock.wall_ns()) + _AHEAD_MS, LATEST_MS)

    # --- one window --------------------------------------------------------------------------------------

    async def _orders(self, from_ms: int, to_ms: int) -> list[pb.ProtoOAOrder]:
        async def ask(until_ms: int) -> _Part:
            answer = await self._read(
                pb.ProtoOAOrderListReq(
                    ctidTraderAccountId=self._account_id, fromTimestamp=from_ms, toTimestamp=until_ms
                ),
                pb.ProtoOAOrderListRes,
            )
            rows = [(row.orderId, order_times(row), row) for row in answer.order if row.IsInitialized()]
            return _Part(rows, answer.hasMore)

        return await walk(ask, from_ms, to_ms, pb.ProtoOAOrder)

    async def _deals(self, from_ms: int, to_ms: int) -> list[pb.ProtoOADeal]:
        async def ask(until_ms: int) -> _Part:
            answer = await self._read(
                pb.ProtoOADealListReq(
                    ctidTraderAccountId=self._account_id, fromTimestamp=from_ms, toTimestamp=until_ms
                ),
                pb.ProtoOADealListRes,
            )
            rows = [(row.dealId, _deal_times(row), row) for row in answer.deal if row.IsInitialized()]
            return _Part(rows, answer.hasMore)

        return await walk(ask, from_ms, to_ms, pb.ProtoOADeal)

    async def _cash(self, from_ms: int, to_ms: int) -> list[pb.ProtoOADepositWithdraw]:
        answer = await self._read(
            pb.ProtoOACashFlowHistoryListReq(
                ctidTraderAccountId=self._account_id, fromTimestamp=from_ms, toTimestamp=to_ms
            ),
            pb.ProtoOACashFlowHistoryListRes,
        )
        rows = [row for row in answer.depositWithdraw if row.IsInitialized()]
        return sorted(rows, key=lambda row: (row.changeBalanceTimestamp, row.balanceHistoryId), reverse=True)

    async def _read(self, message: Message, answer: type[M]) -> M:
        return await read(self._client, message, answer)


async def read(client: Asks, message: Message, answer: type[M], *, loose: bool = True) -> M:
    """Ask, where a refusal means that the question failed, not that there is nothing.

    Args:
        loose: rows of it may be unreadable; the caller looks at each.

    Raises:
        VenueUnavailable: it could not be asked, was refused, or its answer cannot be read.
    """
    try:
        return await client.request(message, answer=answer, loose=loose)
    except (RequestRejected, ProtocolViolation) as error:
        raise VenueUnavailable(
            VENUE_NAME, f"{type(message).__name__}: {error}", code=error.code, user_text=error.user_text
        ) from error


async def walk(ask: Callable[[int], Awaitable[_Part]], from_ms: int, to_ms: int, kind: type[R]) -> list[R]:
    """All rows of a window, newest first, each once.

    Asked again from the oldest row's own time, since others of the same millisecond may be missing; where
    that brings nothing new, from before it.

    Raises:
        VenueUnavailable: it never ends.
    """
    found: dict[int, tuple[int, Message]] = {}
    until_ms, stuck = to_ms, 0
    for _ in range(_MOST_ANSWERS):
        part = await ask(until_ms)
        news = [row for row in part.rows if row[0] not in found]
        for row_id, times, row in news:
            found[row_id] = (times[0], row)
        if not part.has_more or not part.rows:
            break
        stuck = 0 if news else stuck + 1
        if stuck == 0:
            until_ms = min(until_ms, min(times[0] for _, times, _ in part.rows))
        elif stuck == 1:
            until_ms -= 1
        else:
            until_ms = min(until_ms, *(min(times) for _, times, _ in part.rows)) - 1
        if until_ms < from_ms:
            break
    else:
        raise VenueUnavailable(VENUE_NAME, "a list without an end", code="endless")
    ordered = sorted(found.items(), key=lambda item: (item[1][0], item[0]), reverse=True)
    return [row for _, (_, row) in ordered if isinstance(row, kind)]


def order_times(order: pb.ProtoOAOrder) -> tuple[int, ...]:
    """Its last change, then when it was placed: by which of them the server lists is not stated."""
    placed = order.tradeData.openTimestamp
    changed = max(order.utcLastUpdateTimestamp, placed)
    return (changed, placed) if placed else (changed,)


def _deal_times(deal: pb.ProtoOADeal) -> tuple[int, ...]:
    return deal.executionTimestamp, deal.createTimestamp


def _offset(row: pb.ProtoOADealOffset) -> FillOffset:
    return FillOffset(
        str(row.dealId),
        quantity(row.volume),
        average_price(row.executionPrice) if row.HasField("executionPrice") else None,
        ns_of_ms(row.executionTimestamp) if row.HasField("executionTimestamp") else None,
    )
