"""Finding out what became of one order: by the venue's number, by the label it carries, or, for the closing
of a position, by what it must have done.

An open order is in the reading of the account (2124), one that has ended in the list of orders (2175). A
closing carries no id of ours: it is told by its position, side, volume and time (Open API 2.0, 2181, 2183).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from terminal.core.clock import Clock
from terminal.domain.errors import RequestRejected, VenueError, VenueUnavailable
from terminal.domain.orders import Fill, OrderRef, OrderReport
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.errors import VENUE_NAME
from terminal.venues.ctrader.executions import Reader, own_id
from terminal.venues.ctrader.holdings import Holdings
from terminal.venues.ctrader.records import WINDOW_MS, Asks, Records, order_times
from terminal.venues.ctrader.trading import SIDE, venue_id, volume_of
from terminal.venues.ctrader.units import ms_of_ns

log = logging.getLogger("venue.ctrader")

# The venue's clock and ours may differ by this much: beyond it no order is sent at all.
_CLOCKS_MS: Final = 20_000
_LIST_MARGIN_MS: Final = 60_000
_UNKNOWN: Final = frozenset({"ORDER_NOT_FOUND", "ENTITY_NOT_FOUND"})


class Inquiry:
    """Looks for orders of one account.

    Args:
        read_state: reads the account anew (2125), and tells what of it was not known.
        on_fill: hears of a fill that was not known yet.
    """

    def __init__(
        self,
        client: Asks,
        account_id: int,
        holdings: Holdings,
        reader: Reader,
        records: Records,
        clock: Clock,
        *,
        read_state: Callable[[], Awaitable[pb.ProtoOAReconcileRes]],
        on_fill: Callable[[Fill], None],
    ) -> None:
        self._client = client
        self._account_id = account_id
        self._holdings = holdings
        self._reader = reader
        self._records = records
        self._clock = clock
        self._read_state = read_state
        self._on_fill = on_fill

    async def status(self, ref: OrderRef) -> OrderReport | None:
        """What the venue knows of an order; None where it plainly knows nothing of it.

        Raises:
            VenueUnavailable: it could not be asked, or its answers do not fit together yet.
        """
        if ref.venue_order_id is not None:
            return await self.by_number(venue_id(ref.venue_order_id), ref.client_order_id)
        if ref.client_order_id is None:
            return None
        return await self._by_name(ref, ref.client_order_id)

    async def by_number(self, order_id: int, client_order_id: str | None = None) -> OrderReport | None:
        """By the venue's own number. Raises as :meth:`status`."""
        try:
            return await self._with_deals(order_id, client_order_id)
        except RequestRejected as error:
            if error.code in _UNKNOWN:
                return None
            if error.code == "UNSUPPORTED_MESSAGE":
                return await self._by_number_in_lists(order_id, client_order_id)
            raise VenueUnavailable(
                VENUE_NAME, f"order details: {error}", code=error.code, user_text=error.user_text
            ) from error

    async def _with_deals(self, order_id: int, client_order_id: str | None) -> OrderReport:
        """An order, and its fills to the event path where they were missed."""
        answer = await self._client.request(
            pb.ProtoOAOrderDetailsReq(ctidTraderAccountId=self._account_id, orderId=order_id),
            answer=pb.ProtoOAOrderDetailsRes,
            loose=True,
        )
        if answer.order.orderId != order_id:
            raise VenueUnavailable(
                VENUE_NAME, f"asked for order {order_id}, told of another", code="mixed-up"
            )
        report = self._report(answer.order, client_order_id)
        for deal in answer.deal:
            if deal.IsInitialized() and self._holdings.is_new_deal(deal.dealId):
                fill = self._holdings.read_deal(deal, report.client_order_id)
                if fill is not None:
                    self._on_fill(fill)
        return report

    async def _by_number_in_lists(self, order_id: int, client_order_id: str | None) -> OrderReport | None:
        state = await self._read_state()
        listed = await self._records.orders_since(ms_of_ns(self._clock.wall_ns()) - 2 * WINDOW_MS)
        for order in (*state.order, *listed):
            if order.orderId == order_id and order.IsInitialized():
                return self._report(order, client_order_id)
        return None

    async def _by_name(self, ref: OrderRef, client_order_id: str) -> OrderReport | None:
        # The open ones first: an order that ends between the two questions is in the second answer.
        state = await self._read_state()
        found = _named(state.order, client_order_id)
        if found is not None:
            return self._report(found, client_order_id)
        since_ms = ms_of_ns(ref.created_ns or self._clock.wall_ns()) - _LIST_MARGIN_MS
        if ref.created_ns is None:
            since_ms -= WINDOW_MS
        listed = await self._records.orders_since(since_ms)
        found = _named(listed, client_order_id)
        if found is None and ref.position_id is not None:
            found = await self._closing(ref, client_order_id, state, listed)
        elif found is None:
            found = await self._behind_position(state, client_order_id)
        if found is None:
            return None
        if found.executedVolume:
            # Its fills may have been missed as well. It is found in any case.
            with contextlib.suppress(VenueError):
                return await self._with_deals(found.orderId, client_order_id)
        return self._report(found, client_order_id)

    async def _behind_position(
        self, state: pb.ProtoOAReconcileRes, client_order_id: str
    ) -> pb.ProtoOAOrder | None:
        """A position with our label was opened by our order, whatever the list of orders says."""
        for position in state.position:
            if position.tradeData.label != client_order_id:
                continue
            orders = await self._of_position(position.positionId)
            found = _named(orders, client_order_id)
            if found is None:
                text = f"position {position.positionId} has our label, its order is not listed"
                raise VenueUnavailable(VENUE_NAME, text, code="mixed-up")
            return found
        return None

    async def _closing(
        self,
        ref: OrderRef,
        client_order_id: str,
        state: pb.ProtoOAReconcileRes,
        listed: list[pb.ProtoOAOrder],
    ) -> pb.ProtoOAOrder | None:
        """The closing of a position that fits: same position, side and volume, not placed before ours, and
        not known to be another's."""
        if ref.position_id is None or ref.side is None or ref.quantity is None:
            return None
        position_id, volume = venue_id(ref.position_id), volume_of(ref.quantity)
        created_ms = ms_of_ns(ref.created_ns or self._clock.wall_ns())
        from_ms = created_ms - (WINDOW_MS if ref.created_ns is None else _CLOCKS_MS)
        of_it = {order.orderId: order for order in listed if order.positionId == position_id}
        for order in await self._of_position(position_id):
            of_it.setdefault(order.orderId, order)
        since = [order for order in of_it.values() if order.closingOrder and order_times(order)[0] >= from_ms]
        fitting = [
            order
            for order in since
            if order.orderType == pb.MARKET
            and not order.isStopOut
            and order.tradeData.tradeSide == SIDE[ref.side]
            and order.tradeData.volume == volume
            and order_times(order)[-1] >= from_ms
            and self._holdings.name_of(order.orderId) in (None, client_order_id)
        ]
        if fitting:
            found = min(fitting, key=lambda order: abs(order_times(order)[-1] - created_ms))
            self._holdings.name(found.orderId, client_order_id)
            return found
        is_there = any(
            position.positionId == position_id and position.tradeData.volume > 0
            for position in state.position
        )
        if not is_there and not any(order.executedVolume for order in since):
            text = f"position {position_id} is closed, and nothing that closed it is listed"
            raise VenueUnavailable(VENUE_NAME, text, code="mixed-up")
        return None

    async def _of_position(self, position_id: int) -> list[pb.ProtoOAOrder]:
        try:
            answer = await self._client.request(
                pb.ProtoOAOrderListByPositionIdReq(
                    ctidTraderAccountId=self._account_id, positionId=position_id
                ),
                answer=pb.ProtoOAOrderListByPositionIdRes,
                loose=True,
            )
        except RequestRejected as error:
            # The list of the account's orders tells as much, where the server has no such list.
            log.info("the orders of position %d: %s", position_id, error)
            return []
        return [
            order for order in answer.order if order.IsInitialized() and order.positionId in (0, position_id)
        ]

    def _report(self, order: pb.ProtoOAOrder, client_order_id: str | None) -> OrderReport:
        if not order.IsInitialized():
            report = self._reader.doubtful(order)
            if report is None:
                raise VenueUnavailable(VENUE_NAME, f"order {order.orderId} cannot be read", code="unreadable")
            return report
        self._holdings.read_orders([order])
        if client_order_id is not None and self._holdings.name_of(order.orderId) is None:
            self._holdings.name(order.orderId, client_order_id)
        return self._holdings.report(order.orderId) or self._reader.report(order)


def _named(orders: Iterable[pb.ProtoOAOrder], client_order_id: str) -> pb.ProtoOAOrder | None:
    """The newest of these with our id."""
    fitting = [order for order in orders if order.IsInitialized() and own_id(order) == client_order_id]
    return max(fitting, key=lambda order: (order_times(order)[0], order.orderId), default=None)
