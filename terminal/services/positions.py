"""What can be done with an open position, from every surface: close it or a part of it, reverse it, double
it, move its stop and target.

Closing, reversing and doubling are orders and go through the one gate. A new stop or target is no order of
ours (the venue keeps it with the position), yet it moves money: it passes the same arm switch, is on disk
before it is sent, is never sent twice, and without an answer the venue is asked what it has.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from terminal.core.observe import Observable
from terminal.domain.account import AccountKind, Position
from terminal.domain.decimals import wire_text
from terminal.domain.errors import OrderRefused, StorageError, Unsupported
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType, Origin, Protection
from terminal.domain.rules import check_protection, check_quantity
from terminal.services.answers import AnswerKind, classify
from terminal.services.inquiries import ConnectorOf, GateTimings, capabilities_of
from terminal.services.journal import Journal
from terminal.services.notices import Level, Notice
from terminal.services.orders import OrderGate
from terminal.services.portfolio import Portfolio
from terminal.services.risk import MarketView
from terminal.venues.base import TradesPositions

log = logging.getLogger("orders")

FILL_WAIT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class _Keep:
    """Leave a leg as it is."""


KEEP: Final = _Keep()
Leg = Decimal | None | _Keep
"""A price, nothing (the leg is removed), or KEEP."""


class PositionDesk:
    """The actions on positions.

    Attributes:
        notice: what the person has to know.
        changed: the pending protections of an account changed.
        pending: by account and position, the stop and target that were sent and are not confirmed yet.
    """

    def __init__(
        self,
        *,
        gate: OrderGate,
        portfolio: Portfolio,
        market: MarketView,
        connector: ConnectorOf,
        journal: Journal,
        compare_again: Callable[[str], None],
    ) -> None:
        """``compare_again`` has an account compared with its venue soon; it settles what was not answered."""
        self.notice: Observable[[Notice]] = Observable("position notices")
        self.changed: Observable[[str]] = Observable("protections")
        self._pending: dict[tuple[str, str], Protection] = {}
        self.pending: Mapping[tuple[str, str], Protection] = self._pending
        self._gate = gate
        self._portfolio = portfolio
        self._market = market
        self._connector = connector
        self._journal = journal
        self._compare_again = compare_again
        self._timings: GateTimings = gate.timings
        self._unwatch = portfolio.changed.watch(self._on_portfolio)

    def close(self) -> None:
        """Stop following."""
        self._unwatch()

    # -- as orders ------------------------------------------------------------------------------------

    def close_request(
        self,
        account: str,
        position_id: str,
        quantity: Decimal | None = None,
        *,
        origin: Origin = Origin.BLOTTER,
    ) -> OrderRequest:
        """The order that closes a position, or ``quantity`` (base units) of it.

        Of a running contract it is the order that gives it back, which is possible as a whole only.

        Raises:
            OrderRefused: there is no such position, the quantity is not a part of it, or it is a contract
                that is not taken back before its end.
        """
        position = self._position(account, position_id)
        if position.contract is not None:
            return self._give_back(position, quantity, origin)
        if quantity is not None:
            instrument = self._market.instrument(position.instrument)
            faults = check_quantity(quantity, instrument) if instrument is not None else []
            if faults:
                raise faults[0]
            if quantity > position.quantity:
                raise OrderRefused("quantity", "That is more than the position has.", field="quantity")
        return OrderRequest(
            instrument=position.instrument,
            side=position.side.opposite,
            order_type=OrderType.MARKET,
            quantity=position.quantity if quantity is None else quantity,
            position_id=position_id,
            reduce_only=True,
            origin=origin,
        )

    @staticmethod
    def _give_back(position: Position, quantity: Decimal | None, origin: Origin) -> OrderRequest:
        assert position.contract is not None
        if not position.contract.sells_back:
            raise OrderRefused("capability", "This contract cannot be given back: it runs to its end.")
        if quantity not in (None, position.quantity):
            raise OrderRefused("quantity", "A contract is given back as a whole.", field="quantity")
        return OrderRequest(
            instrument=position.instrument,
            side=position.side.opposite,
            order_type=OrderType.CONTRACT,
            quantity=position.quantity,
            position_id=position.position_id,
            reduce_only=True,
            origin=origin,
        )

    def double_request(
        self, account: str, position_id: str, *, origin: Origin = Origin.BLOTTER
    ) -> OrderRequest:
        """The order that doubles a position: as much again at the market, with the same distances of stop and
        target where the account keeps each order as a position of its own."""
        position = self._to_enlarge(account, position_id)
        info = self._portfolio.info(account)
        hedged = info is not None and info.kind is AccountKind.HEDGED
        return OrderRequest(
            instrument=position.instrument,
            side=position.side,
            order_type=OrderType.MARKET,
            quantity=position.quantity,
            protection=self._distances(position) if hedged else None,
            origin=origin,
        )

    def reverse_requests(
        self, account: str, position_id: str, *, origin: Origin = Origin.BLOTTER
    ) -> tuple[OrderRequest, ...]:
        """The orders that turn a position round: one of twice its size where positions are netted, else one
        that closes it and, once that is filled, one that opens the other side."""
        position = self._to_enlarge(account, position_id)
        info = self._portfolio.info(account)
        if info is not None and info.kind is AccountKind.NETTED:
            return (
                OrderRequest(
                    instrument=position.instrument,
                    side=position.side.opposite,
                    order_type=OrderType.MARKET,
                    quantity=2 * position.quantity,
                    origin=origin,
                ),
            )
        closing = self.close_request(account, position_id, origin=origin)
        opening = replace(closing, position_id=None, reduce_only=False)
        return closing, opening

    async def submit_in_turn(
        self, account: str, requests: tuple[OrderRequest, ...], confirmed: frozenset[str]
    ) -> list[Order]:
        """Send orders one after the other, each only when the one before it has filled; what was sent.

        Raises: as :meth:`OrderGate.submit`. What had been sent by then stands.
        """
        sent: list[Order] = []
        for request in requests:
            order = await self._gate.submit(account, request, confirmed=confirmed)
            sent.append(order)
            if len(sent) == len(requests):
                break
            if not await self._has_filled(order):
                self._tell(
                    Level.WARNING,
                    f"{request.instrument.symbol}: the closing order is {order.state.value}, so the other "
                    "side was not opened.",
                    order.client_order_id,
                )
                break
        return sent

    async def _has_filled(self, order: Order) -> bool:
        ended = asyncio.Event()
        unwatch = self._gate.changed.watch(
            lambda changed: ended.set() if changed is order and order.state.is_final else None
        )
        try:
            if not order.state.is_final:
                async with asyncio.timeout(FILL_WAIT_S):
                    await ended.wait()
        except TimeoutError:
            return False
        finally:
            unwatch()
        return order.state is OrderState.FILLED

    # -- stop and target ------------------------------------------------------------------------------

    def with_legs(
        self,
        position: Position,
        *,
        stop_loss: Leg = KEEP,
        take_profit: Leg = KEEP,
        trailing: bool | None = None,
    ) -> Protection:
        """The whole protection of a position with some legs changed; the others stay as they are."""
        now = position.protection
        stop = now.stop_loss if isinstance(stop_loss, _Keep) else stop_loss
        return replace(
            now,
            stop_loss=stop,
            take_profit=now.take_profit if isinstance(take_profit, _Keep) else take_profit,
            trailing=stop is not None and (now.trailing if trailing is None else trailing),
            guaranteed=stop is not None and now.guaranteed,
        )

    def check(self, account: str, position_id: str, protection: Protection) -> list[OrderRefused]:
        """What speaks against a new stop and target; pure, for a drag or a form."""
        position = self._position(account, position_id)
        instrument = self._market.instrument(position.instrument)
        abilities = capabilities_of(self._connector(account))
        if instrument is None or abilities is None:
            return [OrderRefused("not_ready", self._gate.closed_reason(account) or "Not connected.")]
        found = check_protection(
            protection,
            instrument,
            abilities,
            side=position.side,
            entry=None,
            market=self._closing_price(position),
        )
        return found + self._gate.check_stop(account, position, protection)

    async def protect(
        self,
        account: str,
        position_id: str,
        *,
        stop_loss: Leg = KEEP,
        take_profit: Leg = KEEP,
        trailing: bool | None = None,
        confirmed: frozenset[str] = frozenset(),
    ) -> None:
        """Move, set or remove the stop and target of a position; a leg that is not named stays.

        Raises:
            ConfirmationNeeded, OrderRefused: as :meth:`OrderGate.submit`.
            Unsupported: the venue keeps no protections.
            StorageError: it could not be journaled, so it was not sent.
            NotSent, RequestRejected, AuthRejected, RateLimited: it failed; the old levels stand.
        """
        position = self._position(account, position_id)
        connector = self._connector(account)
        if connector is None or not self._gate.ready(account):
            raise OrderRefused("not_ready", self._gate.closed_reason(account) or "Not connected.")
        if not isinstance(connector, TradesPositions):
            raise Unsupported("protection", "This venue keeps no stop or target for a position.")
        if (account, position_id) in self._pending:
            raise OrderRefused("protection", "A change of this position's stop or target is under way.")
        protection = self.with_legs(position, stop_loss=stop_loss, take_profit=take_profit, trailing=trailing)
        if protection == position.protection:
            raise OrderRefused("protection", "Nothing was changed.")
        self._gate.permit(self.check(account, position_id, protection), confirmed)
        subject = f"position:{account}:{position_id}"
        try:
            async with asyncio.timeout(self._timings.journal_s):
                await self._journal.record_action(subject, "protect", _said(protection))
        except TimeoutError as error:
            raise StorageError("the journal did not answer in time") from error
        self._set_pending(account, position_id, protection)
        try:
            async with asyncio.timeout(self._timings.answer_s):
                await connector.protect(position_id, position.instrument.symbol, protection)
        except BaseException as error:
            answer = classify(error)
            self._journal.note_action(subject, answer.kind.value, answer.text)
            if answer.kind is not AnswerKind.IN_DOUBT:
                self._set_pending(account, position_id, None)
                raise
            self._tell(
                Level.WARNING,
                f"{position.instrument.symbol}: we do not know whether the new stop or target reached the "
                "venue. Checking.",
            )
            self._compare_again(account)
            if not isinstance(error, Exception):
                raise
            return
        self._journal.note_action(subject, "protected", "")
        self._set_pending(account, position_id, None)

    def _set_pending(self, account: str, position_id: str, protection: Protection | None) -> None:
        if protection is None:
            self._pending.pop((account, position_id), None)
        else:
            self._pending[account, position_id] = protection
        self.changed.notify(account)

    def settle(self, account: str) -> None:
        """The account was compared with its venue: what it has now is what holds."""
        for key in [key for key in self._pending if key[0] == account]:
            self._set_pending(*key, None)

    def _on_portfolio(self, account: str) -> None:
        """The venue shows what was asked for, or the position is gone."""
        for key, wanted in list(self._pending.items()):
            if key[0] == account:
                position = self._portfolio.position(*key)
                if position is None or position.protection == wanted:
                    self._set_pending(*key, None)

    # -- helpers --------------------------------------------------------------------------------------

    def _to_enlarge(self, account: str, position_id: str) -> Position:
        """A position that orders can enlarge: those here buy spot with what is there, not on credit, and a
        contract stays as it was taken."""
        position = self._position(account, position_id)
        if position.borrowed_asset:
            raise OrderRefused("borrowed", "A position in borrowed spot can only be closed here.")
        if position.contract is not None:
            raise OrderRefused("contract", "A contract is neither doubled nor reversed: enter a new one.")
        return position

    def _position(self, account: str, position_id: str) -> Position:
        position = self._portfolio.position(account, position_id)
        if position is None:
            raise OrderRefused("no_position", "This position is closed already.")
        return position

    def _closing_price(self, position: Position) -> Decimal | None:
        quote = self._market.quote(position.instrument)
        if quote is None:
            return None
        return quote.bid if position.side is Side.BUY else quote.ask

    def _distances(self, position: Position) -> Protection | None:
        now, entry = position.protection, position.average_price
        instrument: Instrument | None = self._market.instrument(position.instrument)
        if now.is_empty or instrument is None:
            return None

        def away(price: Decimal | None) -> Decimal | None:
            if price is None:
                return None
            # The average of several fills may lie between two ticks.
            return abs(price - entry).quantize(instrument.tick_size)

        return Protection(
            stop_distance=away(now.stop_loss),
            profit_distance=away(now.take_profit),
            trailing=now.trailing,
            trigger=now.trigger,
        )

    def _tell(self, level: Level, text: str, client_order_id: str | None = None) -> None:
        self.notice.notify(Notice(level, text, client_order_id=client_order_id))


def _said(protection: Protection) -> str:
    return json.dumps(
        {
            "stop_loss": None if protection.stop_loss is None else wire_text(protection.stop_loss),
            "take_profit": None if protection.take_profit is None else wire_text(protection.take_profit),
            "trailing": protection.trailing,
            "guaranteed": protection.guaranteed,
        }
    )
