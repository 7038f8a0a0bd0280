"""The trading desk behind REST and WebSocket: place, amend, edit, cancel, and the dead man's timer.

Both faces call the same methods, so rate counters, client order ids and the timer are shared, as at Kraken
(REST and WebSocket v2 trading, read 2026-08).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from terminal.domain.market import Side
from terminal.domain.orders import OrderType, TriggerReference
from terminal.emulators.kraken import errors
from terminal.emulators.kraken.auth import PracticeKey
from terminal.emulators.kraken.counters import (
    EngineCounters,
    add_cost,
    amend_cost,
    cancel_cost,
    edit_cost,
)
from terminal.emulators.kraken.errors import ApiError, invalid, of_reject
from terminal.emulators.kraken.ids import amend_txid, order_id_of, order_txid
from terminal.emulators.kraken.names import Pair
from terminal.emulators.kraken.orders import KRAKEN_TYPES, Terms, on_tick, rest_terms
from terminal.emulators.kraken.params import Params
from terminal.emulators.kraken.state import VenueState
from terminal.emulators.kraken.wire import NS_PER_S
from terminal.emulators.market.accounts import AccountFill
from terminal.emulators.market.engine_types import CancelReason, EngineOrder, EngineReject
from terminal.emulators.market.practice import AccountListener, PracticeMarket

TIMEOUT_REASON: Final = "CancelAllOrdersAfter Timeout"
MAX_TIMEOUT_S: Final = 86_400

log = logging.getLogger("practice.desk")


@dataclass(slots=True)
class Amendment:
    """New terms for a resting order; None leaves a term as it is."""

    order_qty: Decimal | None = None
    display_qty: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    post_only: bool | None = None


@dataclass(slots=True)
class _Alarm:
    """A running dead man's timer."""

    handle: asyncio.TimerHandle
    due_ns: int


class Desk(AccountListener):
    """Everything that changes orders."""

    def __init__(self, market: PracticeMarket, state: VenueState, monotonic_ns: Callable[[], int]) -> None:
        self.market = market
        self.state = state
        self.names = state.names
        self.counters = EngineCounters(monotonic_ns)
        self._alarms: dict[str, _Alarm] = {}
        self._to_close: list[tuple[EngineOrder, Decimal]] = []
        self._closing = False
        market.listen_accounts(self)

    # ---- looking up ------------------------------------------------------------------------------

    def pair(self, text: str) -> Pair:
        """A tradable pair by any of its names.

        Raises:
            ApiError: unknown or delisted.
        """
        pair = self.names.find_pair(text)
        if pair is None or self.state.status_of(pair.symbol) == "delisted":
            raise ApiError(errors.UNKNOWN_PAIR)
        return pair

    def reference_price(self, pair: Pair) -> Callable[[TriggerReference], Decimal | None]:
        """For relative prices: the pair's last or index price."""
        engine = self.market.engines[pair.symbol]
        return lambda which: (
            (engine.index_price if which is TriggerReference.INDEX else engine.last_price)
            or engine.last_price
        )

    def find(self, account: str, *, txid: str = "", cl_ord_id: str = "") -> EngineOrder:
        """An order of the account by its id or the client's.

        Raises:
            ApiError: unknown order.
        """
        if txid:
            order_id = order_id_of(txid)
            order = self.market.order(order_id) if order_id is not None else None
            if order is not None and order.account == account:
                return order
        elif cl_ord_id:
            for order in reversed(self.market.open_orders(account)):
                if tag_of(order).get("cl") == cl_ord_id:
                    return order
        raise ApiError(errors.UNKNOWN_ORDER)

    def open_by_userref(self, account: str, userref: int) -> list[EngineOrder]:
        """The account's open orders of one group."""
        return [one for one in self.market.open_orders(account) if tag_of(one).get("ref") == userref]

    # ---- placing ---------------------------------------------------------------------------------

    def charge_add(self, key: PracticeKey, pair: Pair, orders: int = 1) -> None:
        """Count a placement, before anything of it is checked.

        Raises:
            ApiError: the engine counter is full.
        """
        if not self.counters.of(key.account, pair.symbol, key.tier).try_charge(add_cost(orders)):
            raise ApiError(errors.ORDER_RATE_LIMIT)

    def place(self, key: PracticeKey, terms: Terms) -> EngineOrder | None:
        """Place an order; None where it was only to be validated.

        Raises:
            ApiError: any refusal.
        """
        account = key.account
        self._check_tick(terms.pair, terms.limit_price, terms.trigger_price)
        if terms.cl_ord_id is not None and self._in_use(account, terms.cl_ord_id):
            raise invalid("cl_ord_id")
        if len(self.market.open_orders(account, terms.pair.symbol)) >= key.tier.open_orders:
            raise ApiError(errors.ORDERS_LIMIT)
        if terms.deadline_ns is not None and terms.deadline_ns < self.state.wall_ns():
            raise ApiError(errors.DEADLINE)
        try:
            order = terms.to_engine(account)
            if terms.validate:
                self.market.validate(order)
                return None
            return self.market.submit(order)
        except EngineReject as reject:
            raise of_reject(reject) from None

    def _in_use(self, account: str, cl_ord_id: str) -> bool:
        # Unique among the open orders only: an id whose order has ended may come again.
        return any(tag_of(one).get("cl") == cl_ord_id for one in self.market.open_orders(account))

    def _check_tick(self, pair: Pair, *prices: Decimal | None) -> None:
        tick = self.state.tick_size(pair)
        if any(price is not None and price % tick for price in prices):
            raise ApiError("EOrder:Tick size check failed")

    # ---- changing --------------------------------------------------------------------------------

    def amend(self, key: PracticeKey, order: EngineOrder, amendment: Amendment) -> str:
        """Change an order in place; returns the amend's id.

        Raises:
            ApiError: any refusal; the order stays as it was.
        """
        counter = self.counters.of(key.account, order.symbol, key.tier)
        if not counter.try_charge(amend_cost(self._age_s(order))):
            raise ApiError(errors.ORDER_RATE_LIMIT)
        if not order.is_live:
            raise ApiError(errors.UNKNOWN_ORDER)
        pair = self.names.pairs[order.symbol]
        terms = self._engine_terms(order, amendment)
        self._check_tick(pair, terms.get("limit_price"), terms.get("trigger_price"))
        before = order.tag
        tag = dict(tag_of(order))
        amends = list(tag.get("amends", ())) or [original_row(order)]
        number = int(tag.get("an#", 0)) + 1
        tag["an#"] = number
        amend_id = amend_txid(order.order_id, number)
        now = self.market.clock.wall_ns()
        # The original and the last amends; a long-lived order's trail stays short.
        tag["amends"] = [amends[0], *amends[1:][-48:], self._audit(amend_id, order, amendment, now)]
        tag["an"] = now
        order.tag = tag
        try:
            self.market.amend(order, **terms)
        except EngineReject as reject:
            order.tag = before
            raise of_reject(reject) from None
        return amend_id

    def _engine_terms(self, order: EngineOrder, amendment: Amendment) -> dict[str, Any]:
        trails = order.order_type.has_trail and order.is_waiting
        found: dict[str, Any] = {
            "quantity": amendment.order_qty,
            "display_quantity": amendment.display_qty,
            "post_only": amendment.post_only,
            "limit_offset" if trails else "limit_price": amendment.limit_price,
            "trail_offset" if trails else "trigger_price": amendment.trigger_price,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _audit(self, amend_id: str, order: EngineOrder, amendment: Amendment, now: int) -> dict[str, Any]:
        """A row for ``OrderAmends``."""
        limit = amendment.limit_price if amendment.limit_price is not None else order.limit_price
        trigger = amendment.trigger_price if amendment.trigger_price is not None else order.trigger_price
        quantity = amendment.order_qty if amendment.order_qty is not None else order.quantity
        row: dict[str, Any] = {
            "amend_id": amend_id,
            "amend_type": "user",
            "order_qty": format(quantity, "f"),
            "remaining_qty": format(max(Decimal(0), quantity - order.filled), "f"),
            "timestamp": now // 1_000_000,
        }
        if limit is not None:
            row["limit_price"] = format(limit, "f")
        if trigger is not None:
            row["trigger_price"] = format(trigger, "f")
        if amendment.display_qty is not None:
            row["display_qty"] = format(amendment.display_qty, "f")
        if amendment.post_only is not None:
            row["post_only"] = amendment.post_only
        return row

    def edit(self, key: PracticeKey, order: EngineOrder, changes: Mapping[str, Any], validate: bool) -> Terms:
        """Cancel an order and place one with changed terms; returns those, or raises with the old one intact.

        ``changes`` holds REST ``AddOrder`` parameters that differ. The new order is found by
        :attr:`last_placed`.

        Raises:
            ApiError: any refusal.
        """
        counter = self.counters.of(key.account, order.symbol, key.tier)
        if not counter.try_charge(edit_cost(self._age_s(order))):
            raise ApiError(errors.ORDER_RATE_LIMIT)
        tag = tag_of(order)
        if not order.is_live:
            raise ApiError(errors.UNKNOWN_ORDER)
        if tag.get("cl") or tag.get("close") or (order.triggered and order.order_type.has_trigger):
            raise ApiError("EOrder:Invalid order")
        pair = self.names.pairs[order.symbol]
        params = Params({**self._as_params(order), **changes})
        terms = rest_terms(params, pair, self.state.wall_ns(), self.reference_price(pair))
        terms.validate = validate
        self._check_tick(pair, terms.limit_price, terms.trigger_price)
        account = self.market.account(key.account)
        try:
            new = terms.to_engine(key.account)
            # Checked as if the old order were gone already: what it holds is free for the new one.
            held = account.open_orders.pop(order.order_id)
            try:
                self.market.validate(new)
            finally:
                account.open_orders[order.order_id] = held
            if validate:
                self.last_placed = None
                return terms
            self.market.cancel(order, CancelReason.USER)
            self.last_placed = self.market.submit(new)
        except EngineReject as reject:
            raise of_reject(reject) from None
        return terms

    last_placed: EngineOrder | None = None

    def _as_params(self, order: EngineOrder) -> dict[str, Any]:
        """An order as the parameters that would place its unfilled part again."""
        tag = tag_of(order)
        flags = [name for name, on in (("post", order.post_only), ("fcib", order.fee_in_base)) if on]
        found: dict[str, Any] = {
            "ordertype": KRAKEN_TYPES[order.order_type],
            "type": order.side.value,
            "volume": format(order.remaining, "f"),
            "oflags": ",".join(flags),
            "trigger": order.trigger_reference.value,
            "stptype": order.self_trade.value.replace("_", "-"),
            "timeinforce": order.time_in_force.value,
        }
        if order.order_type is not OrderType.MARKET:
            found["price"], found["price2"] = tag.get("p", ""), tag.get("p2", "")
            if order.limit_price is not None and not order.order_type.has_trail:
                name = "price2" if order.order_type.has_trigger else "price"
                found[name] = format(order.limit_price, "f")
        if order.display_quantity is not None:
            found["displayvol"] = format(order.display_quantity, "f")
        if order.expire_ns is not None:
            found["expiretm"] = str(order.expire_ns // NS_PER_S)
        if tag.get("ref") is not None:
            found["userref"] = str(tag["ref"])
        return found

    # ---- cancelling ------------------------------------------------------------------------------

    def cancel(self, key: PracticeKey, order: EngineOrder, reason: str = CancelReason.USER) -> None:
        """Take an order out. Accepted even with the engine counter full, and counted all the same.

        Raises:
            ApiError: unknown or closed.
        """
        if not order.is_live:
            raise ApiError(errors.UNKNOWN_ORDER)
        counter = self.counters.of(key.account, order.symbol, key.tier)
        counter.charge(cancel_cost(self._age_s(order)))
        try:
            self.market.cancel(order, reason)
        except EngineReject as reject:
            raise of_reject(reject) from None

    def cancel_all(self, key: PracticeKey) -> int:
        """Cancel every order of the account; how many there were."""
        orders = self.market.open_orders(key.account)
        for order in orders:
            self.counters.of(key.account, order.symbol, key.tier).charge(cancel_cost(self._age_s(order)))
        return self.market.cancel_all(key.account)

    def cancel_batch(self, key: PracticeKey, ids: list[str], cl_ord_ids: list[str]) -> int:
        """Cancel what of a list is open; how many that was."""
        found: dict[int, EngineOrder] = {}
        for text in ids:
            for order in self.orders_named(key.account, text):
                found[order.order_id] = order
        for cl_ord_id in cl_ord_ids:
            for order in self.market.open_orders(key.account):
                if tag_of(order).get("cl") == cl_ord_id:
                    found[order.order_id] = order
        for order in found.values():
            self.cancel(key, order)
        return len(found)

    def orders_named(self, account: str, text: str) -> list[EngineOrder]:
        """The open orders that an id or a userref means."""
        order_id = order_id_of(text)
        if order_id is not None:
            order = self.market.order(order_id)
            return [order] if order is not None and order.account == account and order.is_live else []
        digits = text[1:] if text.startswith("-") else text
        if digits.isascii() and digits.isdigit() and len(digits) < 12:
            return self.open_by_userref(account, int(text))
        return []

    def _age_s(self, order: EngineOrder) -> float:
        """Since it was created or last amended."""
        since = int(tag_of(order).get("an", order.created_ns))
        return max(0.0, (self.market.clock.wall_ns() - since) / NS_PER_S)

    # ---- dead man's switch -----------------------------------------------------------------------

    def cancel_all_after(self, key: PracticeKey, timeout_s: int) -> int | None:
        """Start, restart or (0) stop the timer; returns when it would fire, nanoseconds UTC."""
        alarm = self._alarms.pop(key.account, None)
        if alarm is not None:
            alarm.handle.cancel()
        if timeout_s == 0:
            return None
        due_ns = self.state.wall_ns() + timeout_s * NS_PER_S
        loop = asyncio.get_running_loop()
        handle = loop.call_later(timeout_s, self._alarm_fired, key.account)
        self._alarms[key.account] = _Alarm(handle, due_ns)
        return due_ns

    def _alarm_fired(self, account: str) -> None:
        self._alarms.pop(account, None)
        count = self.market.cancel_all(account, reason=TIMEOUT_REASON)
        log.info("dead man's timer: %d orders canceled", count)

    def stop_alarms(self) -> None:
        """Forget every running timer."""
        for alarm in self._alarms.values():
            alarm.handle.cancel()
        self._alarms.clear()

    # ---- conditional close -----------------------------------------------------------------------

    def on_fill(self, fill: AccountFill, order: EngineOrder) -> None:
        if tag_of(order).get("close"):
            self._to_close.append((order, fill.quantity))
            if not self._closing:
                self._closing = True
                # Not from inside the engine's own report.
                asyncio.get_running_loop().call_soon(self._place_closes)

    def _place_closes(self) -> None:
        self._closing = False
        waiting, self._to_close = self._to_close, []
        for order, quantity in waiting:
            try:
                self._place_close(order, quantity)
            except (ApiError, EngineReject) as error:
                log.info("a conditional close was refused: %s", error)

    def _place_close(self, order: EngineOrder, quantity: Decimal) -> None:
        tag = tag_of(order)
        pair = self.names.pairs[order.symbol]
        close = tag["close"]
        params = Params(
            {
                "ordertype": close["ordertype"],
                "type": (Side.SELL if order.is_buy else Side.BUY).value,
                "volume": format(quantity, "f"),
                "price": close.get("price", ""),
                "price2": close.get("price2", ""),
            }
        )

        def fill_price(which: TriggerReference) -> Decimal | None:
            # Relative prices of a close count from what the order was filled at.
            average = order.average_price
            return on_tick(pair, average) if average is not None else self.reference_price(pair)(which)

        terms = rest_terms(params, pair, self.state.wall_ns(), fill_price)
        terms.userref = tag.get("ref")
        new = terms.to_engine(order.account)
        new.tag["parent"] = order_txid(order.order_id)
        self.market.submit(new)


def tag_of(order: EngineOrder) -> dict[str, Any]:
    """The Kraken side of an order."""
    return order.tag if isinstance(order.tag, dict) else {}


def original_row(order: EngineOrder) -> dict[str, Any]:
    """The first row of ``OrderAmends``: the order before any amend, taken while it is so."""
    row: dict[str, Any] = {
        "amend_id": amend_txid(order.order_id, 0),
        "amend_type": "original",
        "order_qty": format(order.quantity, "f"),
        "remaining_qty": format(order.remaining, "f"),
        "timestamp": order.created_ns // 1_000_000,
    }
    if order.limit_price is not None:
        row["limit_price"] = format(order.limit_price, "f")
    if order.trigger_price is not None:
        row["trigger_price"] = format(order.trigger_price, "f")
    return row
