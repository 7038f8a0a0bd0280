"""The practice broker's answers about the past: orders, deals, offsets and cash movements, in pages.

Lists are newest first; ``hasMore`` tells that older rows lie in the window, and the next page ends a
millisecond before the oldest row of this one (Open API 2.0, section 14 of its description). Rows of one
millisecond therefore never lie in two pages.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from terminal.emulators.ctrader import messages
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.ledger import Ledger
from terminal.emulators.ctrader.records import Cash, Deal, Order, from_row
from terminal.emulators.market.store import Record
from terminal.venues.ctrader import openapi_pb2 as pb

PAGE_ROWS: Final = 250
"""In one answer."""
LAST_MS: Final = 2_147_483_646_000
"""No window ends later."""
CASH_WINDOW_MS: Final = 604_800_000

_WindowReq = (
    pb.ProtoOADealListReq
    | pb.ProtoOAOrderListReq
    | pb.ProtoOADealListByPositionIdReq
    | pb.ProtoOAOrderListByPositionIdReq
    | pb.ProtoOACashFlowHistoryListReq
)


class Lists:
    """Reads the store.

    Args:
        page_rows: the most rows in one answer.
    """

    def __init__(self, ledger: Ledger, page_rows: int = PAGE_ROWS) -> None:
        self._ledger = ledger
        self.page_rows = page_rows

    def deals(self, request: pb.ProtoOADealListReq) -> pb.ProtoOADealListRes:
        """The answer to 2133."""
        rows = request.maxRows if request.maxRows > 0 else self.page_rows
        found, more = self._page("deal", request, rows=min(rows, self.page_rows))
        return pb.ProtoOADealListRes(
            ctidTraderAccountId=request.ctidTraderAccountId, deal=_deals(found), hasMore=more
        )

    def position_deals(self, request: pb.ProtoOADealListByPositionIdReq) -> pb.ProtoOADealListByPositionIdRes:
        """The answer to 2179."""
        found, more = self._page("deal", request, position_id=request.positionId)
        return pb.ProtoOADealListByPositionIdRes(
            ctidTraderAccountId=request.ctidTraderAccountId, deal=_deals(found), hasMore=more
        )

    def orders(self, request: pb.ProtoOAOrderListReq) -> pb.ProtoOAOrderListRes:
        """The answer to 2175: live and ended ones, by the time of their last change."""
        found, more = self._page("order", request)
        return pb.ProtoOAOrderListRes(
            ctidTraderAccountId=request.ctidTraderAccountId, order=self._orders(found), hasMore=more
        )

    def position_orders(
        self, request: pb.ProtoOAOrderListByPositionIdReq
    ) -> pb.ProtoOAOrderListByPositionIdRes:
        """The answer to 2183."""
        found, more = self._page("order", request, position_id=request.positionId)
        return pb.ProtoOAOrderListByPositionIdRes(
            ctidTraderAccountId=request.ctidTraderAccountId, order=self._orders(found), hasMore=more
        )

    def order_details(self, request: pb.ProtoOAOrderDetailsReq) -> pb.ProtoOAOrderDetailsRes:
        """The answer to 2181.

        Raises:
            OpenApiError: ORDER_NOT_FOUND.
        """
        ctid = request.ctidTraderAccountId
        row = self._ledger.kept("order", request.orderId)
        if row is None or row.account != ctid:
            raise OpenApiError("ORDER_NOT_FOUND", f"Order {request.orderId} not found")
        deals = self._ledger.store.records("deal", ctid, origin=request.orderId)
        return pb.ProtoOAOrderDetailsRes(
            ctidTraderAccountId=ctid, order=self._orders([row])[0], deal=_deals(deals)
        )

    def offsets(self, request: pb.ProtoOADealOffsetListReq) -> pb.ProtoOADealOffsetListRes:
        """The answer to 2185: the deals that closed a deal's volume, and those that it closed.

        Raises:
            OpenApiError: ENTITY_NOT_FOUND.
        """
        ctid = request.ctidTraderAccountId
        row = self._ledger.kept("deal", request.dealId)
        if row is None or row.account != ctid:
            raise OpenApiError("ENTITY_NOT_FOUND", f"Deal {request.dealId} not found")
        rows = self._ledger.store.records("deal", ctid, parent=row.parent)
        deals = {one.number: from_row(Deal, one) for one in rows}
        answer = pb.ProtoOADealOffsetListRes(ctidTraderAccountId=ctid)
        for deal in deals.values():
            for opened_by, volume in deal.closing.lots if deal.closing is not None else ():
                if opened_by == request.dealId:
                    answer.offsetBy.append(_offset(deal, volume))
                if deal.deal_id == request.dealId and opened_by in deals:
                    answer.offsetting.append(_offset(deals[opened_by], volume))
        return answer

    def cash_flow(self, request: pb.ProtoOACashFlowHistoryListReq) -> pb.ProtoOACashFlowHistoryListRes:
        """The answer to 2143, for a week at most.

        Raises:
            OpenApiError: INCORRECT_BOUNDARIES.
        """
        first, last = self._window(request)
        if last - first > CASH_WINDOW_MS:
            raise OpenApiError("INCORRECT_BOUNDARIES", "The window is longer than a week")
        ctid = request.ctidTraderAccountId
        self._ledger.finish()
        rows = self._ledger.store.records("cash", ctid, first_ms=first, last_ms=last)
        return pb.ProtoOACashFlowHistoryListRes(
            ctidTraderAccountId=ctid,
            depositWithdraw=[messages.cash_message(from_row(Cash, row)) for row in reversed(rows)],
        )

    # ---- pages -----------------------------------------------------------------------------------

    @staticmethod
    def _window(request: _WindowReq) -> tuple[int, int]:
        first = request.fromTimestamp if request.HasField("fromTimestamp") else 0
        last = request.toTimestamp if request.HasField("toTimestamp") else LAST_MS
        if first > last or first < 0 or last > LAST_MS:
            raise OpenApiError("INCORRECT_BOUNDARIES", "No such window of time")
        return first, last

    def _page(
        self, kind: str, request: _WindowReq, *, position_id: int | None = None, rows: int | None = None
    ) -> tuple[list[Record], bool]:
        first, last = self._window(request)
        rows = rows or self.page_rows
        self._ledger.finish()
        read = partial(
            self._ledger.store.records, kind, request.ctidTraderAccountId, first_ms=first, parent=position_id
        )
        found = read(last_ms=last, limit=rows + 1)
        if len(found) <= rows:
            return found, False
        oldest = found[rows - 1].ts_ms
        if found[rows].ts_ms < oldest:
            return found[:rows], True
        # The page ends within a millisecond: that one goes to the next page, or is a page of its own.
        whole = [one for one in found if one.ts_ms > oldest]
        if whole:
            return whole, True
        return read(first_ms=oldest, last_ms=last), bool(read(last_ms=oldest - 1, limit=1))

    def _orders(self, rows: list[Record]) -> list[pb.ProtoOAOrder]:
        found = []
        for row in rows:
            order = from_row(Order, row)
            try:
                spec = self._ledger.spec_of(order)
            except OpenApiError:
                continue  # of a symbol that is no longer listed
            found.append(messages.order_message(order, spec))
        return found


def _deals(rows: list[Record]) -> list[pb.ProtoOADeal]:
    return [messages.deal_message(from_row(Deal, row)) for row in rows]


def _offset(deal: Deal, volume: int) -> pb.ProtoOADealOffset:
    return pb.ProtoOADealOffset(
        dealId=deal.deal_id,
        volume=volume,
        executionTimestamp=deal.executed_ms,
        executionPrice=float(deal.price),
    )
