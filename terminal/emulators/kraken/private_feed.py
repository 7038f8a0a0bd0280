"""The ``executions`` and ``balances`` channels.

Kraken WebSocket v2, read 2026-08: every subscription counts its messages from 1 without a gap; later
messages of an order are sparse; the last fill still says ``partially_filled`` and a ``filled`` row follows;
the two ledger rows of a trade share ``ref_id``, which is the execution's ``exec_id``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from terminal.domain.orders import OrderState
from terminal.emulators.faults import Faults
from terminal.emulators.kraken.auth import PracticeKey
from terminal.emulators.kraken.ids import ledger_txid, order_id_of, order_txid, trade_txid
from terminal.emulators.kraken.orders import KRAKEN_TYPES
from terminal.emulators.kraken.state import VenueState
from terminal.emulators.kraken.trading import Desk, tag_of
from terminal.emulators.kraken.wire import amount_number, encode, iso_us, number
from terminal.emulators.market.accounts import AccountFill, LedgerEntry
from terminal.emulators.market.engine_types import BOT_ACCOUNT, EngineListener, EngineOrder
from terminal.emulators.market.practice import AccountListener, PracticeMarket

SNAPSHOT_FILLS: Final = 50
_TRANSITIONS: Final = frozenset({"new", "filled", "canceled", "expired"})
"""What a subscription with ``order_status: false`` gets."""

_STATUS_WORDS: Final = {
    OrderState.OPEN: "new",
    OrderState.PARTLY_FILLED: "partially_filled",
    OrderState.FILLED: "filled",
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "expired",
}

SendText = Callable[[bytes, str], None]


@dataclass(eq=False, slots=True)
class Subscription:
    """One private subscription of one connection."""

    channel: str
    key: PracticeKey
    token: str
    send: SendText
    every_status: bool = True
    rate_counter: bool = False
    sequence: int = 0
    held: bytes | None = None
    """A message that waits to be overtaken by the next one."""
    snapshot_options: dict[str, bool] = field(default_factory=dict)


class PrivateFeed(AccountListener):
    """What happens to accounts, told to their owners."""

    def __init__(self, market: PracticeMarket, state: VenueState, desk: Desk, faults: Faults) -> None:
        self._market = market
        self._state = state
        self._desk = desk
        self._faults = faults
        self._subscriptions: set[Subscription] = set()
        self._pending: list[tuple[str, str, dict[str, Any]]] = []
        """Account, channel, row; in the order in which things happened."""
        self._scheduled = False
        market.listen_accounts(self)
        for engine in market.engines.values():
            engine.listen(_OrderEvents(self))

    # ---- subscriptions ---------------------------------------------------------------------------

    def add(self, subscription: Subscription) -> None:
        """Begin to send; the snapshot, where one is wanted, goes first."""
        self.publish()
        self._subscriptions.add(subscription)
        if subscription.channel == "balances":
            if subscription.snapshot_options.get("snapshot", True):
                self._send(subscription, "snapshot", self._balances(subscription.key.account))
            return
        rows: list[dict[str, Any]] = []
        options = subscription.snapshot_options
        wanted = options.get("snap_orders", True) or options.get("snap_trades", False)
        if options.get("snap_orders", True):
            rows.extend(self._snapshot_row(one) for one in self._market.open_orders(subscription.key.account))
        if options.get("snap_trades", False):
            fills = self._market.fills(subscription.key.account)[-SNAPSHOT_FILLS:]
            rows.extend(self._past_trade(fill) for fill in reversed(fills))
        if wanted:
            self._send(subscription, "snapshot", rows)

    def remove(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    # ---- publishing ------------------------------------------------------------------------------

    def note(self, account: str, channel: str, row: dict[str, Any]) -> None:
        """Remember a row; it goes out with the next publication."""
        self._pending.append((account, channel, row))
        if not self._scheduled:
            self._scheduled = True
            try:
                asyncio.get_running_loop().call_soon(self.publish)
            except RuntimeError:
                self._scheduled = False

    def publish(self) -> None:
        """Send what happened since the last time."""
        self._scheduled = False
        pending, self._pending = self._pending, []
        for account, channel, row in pending:
            for subscription in tuple(self._subscriptions):
                if subscription.channel != channel or subscription.key.account != account:
                    continue
                if channel == "executions":
                    self._send_execution(subscription, row)
                else:
                    self._send(subscription, "update", [row])

    def _send_execution(self, subscription: Subscription, row: dict[str, Any]) -> None:
        if not subscription.every_status and row["exec_type"] not in _TRANSITIONS:
            return
        if subscription.rate_counter:
            order = self._market.order(order_id_of(row["order_id"]) or 0)
            if order is not None:
                key = subscription.key
                level = self._desk.counters.of(key.account, order.symbol, key.tier).level()
                row = {**row, "ratecount": int(level)}
        self._send(subscription, "update", [row])

    def _send(self, subscription: Subscription, kind: str, rows: list[dict[str, Any]]) -> None:
        subscription.sequence += 1
        message = {
            "channel": subscription.channel,
            "type": kind,
            "data": rows,
            "sequence": subscription.sequence,
        }
        payload = encode(message)
        subject = f"ws/data/{subscription.channel}"
        faults = self._faults
        if faults.active:
            if faults.take("sequence_gap", subject) is not None:
                return
            if subscription.held is None and faults.take("reorder_private", subject) is not None:
                subscription.held = payload
                return
            if faults.take("duplicate_private", subject) is not None:
                subscription.send(payload, subject)
        subscription.send(payload, subject)
        if subscription.held is not None:
            late, subscription.held = subscription.held, None
            subscription.send(late, subject)

    # ---- balances --------------------------------------------------------------------------------

    def _balances(self, account: str) -> list[dict[str, Any]]:
        rows = []
        for balance in self._market.balances(account):
            total = amount_number(balance.total, balance.asset)
            rows.append(
                {
                    "asset": balance.asset,
                    "asset_class": "currency",
                    "balance": total,
                    "wallets": [{"type": "spot", "id": "main", "balance": total}],
                }
            )
        return rows

    def on_ledger(self, entries: tuple[LedgerEntry, ...]) -> None:
        for entry in entries:
            trade = entry.kind == "trade"
            row = {
                "ledger_id": ledger_txid(entry.entry_id),
                "ref_id": trade_txid(entry.ref_id) if trade else ledger_txid(entry.ref_id),
                "timestamp": iso_us(self._state.stamp(entry.ts_ns)),
                "type": entry.kind,
                "asset": entry.asset,
                "asset_class": "currency",
                "category": entry.kind,
                "wallet_type": "spot",
                "wallet_id": "main",
                "amount": amount_number(entry.amount, entry.asset),
                "fee": amount_number(entry.fee, entry.asset),
                "balance": amount_number(entry.balance, entry.asset),
            }
            self.note(entry.account, "balances", row)

    # ---- executions ------------------------------------------------------------------------------

    def on_fill(self, fill: AccountFill, order: EngineOrder) -> None:
        self.note(order.account, "executions", self._trade_row(fill, order))

    def _identity(self, order: EngineOrder) -> dict[str, Any]:
        tag = tag_of(order)
        found: dict[str, Any] = {"order_id": order_txid(order.order_id), "order_userref": tag.get("ref", 0)}
        if "cl" in tag:
            found["cl_ord_id"] = tag["cl"]
        if "sub" in tag:
            found["sender_sub_id"] = tag["sub"]
        return found

    def _stamp(self, ts_ns: int) -> str:
        return iso_us(self._state.stamp(ts_ns))

    def _sums(self, order: EngineOrder) -> dict[str, Any]:
        listing = self._market.listings[order.symbol]
        average = order.average_price
        return {
            "cum_qty": number(order.filled, listing.quantity_decimals),
            "cum_cost": number(order.cost, listing.cost_decimals),
            "avg_price": number(average if average is not None else Decimal(0), listing.price_decimals),
        }

    def full_row(self, order: EngineOrder, exec_type: str, status: str) -> dict[str, Any]:
        """Every term of an order."""
        listing = self._market.listings[order.symbol]
        places, lots = listing.price_decimals, listing.quantity_decimals
        tag = tag_of(order)
        row: dict[str, Any] = {
            **self._identity(order),
            "symbol": order.symbol,
            "order_qty": number(order.quantity, lots),
            "cum_cost": number(order.cost, listing.cost_decimals),
            "time_in_force": order.time_in_force.value,
            "exec_type": exec_type,
            "side": order.side.value,
            "order_type": KRAKEN_TYPES[order.order_type],
            "limit_price_type": "static",
            "stop_price": number(order.trigger_price or Decimal(0), places),
            "order_status": status,
            "fee_usd_equiv": number(Decimal(0), 4),
            "fee_ccy_pref": "fcib" if order.fee_in_base else "fciq",
            "post_only": order.post_only,
            "reduce_only": False,
            "margin": False,
            "timestamp": self._stamp(order.updated_ns),
        }
        if order.limit_price is not None:
            row["limit_price"] = number(order.limit_price, places)
        if order.quote_quantity is not None:
            row["cash_order_qty"] = number(order.quote_quantity, listing.cost_decimals)
        if order.display_quantity is not None:
            row["display_qty"] = number(order.display_quantity, lots)
            row["display_qty_remain"] = number(order.visible, lots)
        if order.expire_ns is not None:
            row["expire_time"] = iso_us(order.expire_ns)
        if order.start_ns is not None:
            row["effective_time"] = iso_us(order.start_ns)
        if order.order_type.has_trigger or order.order_type.has_trail:
            row["triggers"] = self._triggers(order)
        if order.limit_offset is not None:
            row["limit_price"] = number(order.limit_offset, places)
            row["limit_price_type"] = "pct" if order.limit_offset_in_percent else "quote"
        if "close" in tag:
            row["contingent"] = self._contingent(tag["close"], places)
        if "parent" in tag:
            row["ord_ref_id"] = tag["parent"]
        if order.amended:
            row["amended"] = True
        return row

    def _triggers(self, order: EngineOrder) -> dict[str, Any]:
        listing = self._market.listings[order.symbol]
        places = listing.price_decimals
        engine = self._market.engines[order.symbol]
        found: dict[str, Any] = {
            "reference": order.trigger_reference.value,
            "status": "triggered" if order.triggered else "untriggered",
        }
        if order.trail_offset is not None:
            found["price"] = number(order.trail_offset, places)
            found["price_type"] = "pct" if order.trail_in_percent else "quote"
            if order.trigger_price is not None:
                found["actual_price"] = number(order.trigger_price, places)
            if order.peak is not None:
                found["peak_price"] = number(order.peak, places)
        elif order.trigger_price is not None:
            found["price"] = number(order.trigger_price, places)
            found["price_type"] = "static"
            found["actual_price"] = number(order.trigger_price, places)
        if engine.last_price is not None:
            found["last_price"] = number(engine.last_price, places)
        if order.triggered:
            found["timestamp"] = self._stamp(order.updated_ns)
        return found

    def _contingent(self, close: dict[str, str], places: int) -> dict[str, Any]:
        found: dict[str, Any] = {"order_type": close["ordertype"]}
        limit_only = close["ordertype"] == "limit"
        for name, text in (("price", close.get("price")), ("price2", close.get("price2"))):
            if not text:
                continue
            is_limit = name == "price2" or limit_only
            price_type = "pct" if text.endswith("%") else "static" if text[0].isdigit() else "quote"
            key = "limit_price" if is_limit else "trigger_price"
            found[key] = number(Decimal(text.strip("+#%")), places)
            found[f"{key}_type"] = price_type
        return found

    def _snapshot_row(self, order: EngineOrder) -> dict[str, Any]:
        row = self.full_row(order, "status" if order.done_steps else "new", _STATUS_WORDS[order.status])
        return {**row, **self._sums(order)}

    def _trade_row(self, fill: AccountFill, order: EngineOrder) -> dict[str, Any]:
        return {**self._identity(order), **self._fill_figures(fill), **self._sums(order)}

    def _past_trade(self, fill: AccountFill) -> dict[str, Any]:
        order = self._market.order(fill.order_id)
        identity: dict[str, Any]
        if order is not None:
            identity = self._identity(order)
        else:
            identity = {"order_id": order_txid(fill.order_id), "order_userref": 0}
        return {**identity, **self._fill_figures(fill)}

    def _fill_figures(self, fill: AccountFill) -> dict[str, Any]:
        listing = self._market.listings[fill.symbol]
        return {
            "exec_id": trade_txid(fill.fill_id),
            "exec_type": "trade",
            "trade_id": fill.trade_id,
            "symbol": fill.symbol,
            "side": fill.side.value,
            "last_qty": number(fill.quantity, listing.quantity_decimals),
            "last_price": number(fill.price, listing.price_decimals),
            "liquidity_ind": "m" if fill.is_maker else "t",
            "cost": number(fill.cost, listing.cost_decimals),
            "order_type": KRAKEN_TYPES[fill.order_type],
            "order_status": "partially_filled",
            "fee_usd_equiv": number(fill.fee_usd, 4),
            "fees": [{"asset": fill.fee_asset, "qty": amount_number(fill.fee, fill.fee_asset)}],
            "timestamp": self._stamp(fill.ts_ns),
        }

    def order_event(self, order: EngineOrder, exec_type: str, reason: str = "") -> None:
        """A sparse row about an order."""
        row: dict[str, Any] = {
            "timestamp": self._stamp(order.updated_ns),
            "order_status": _STATUS_WORDS[order.status],
            "exec_type": exec_type,
            **self._identity(order),
        }
        if exec_type in ("filled", "canceled", "expired"):
            row.update(self._sums(order))
        if exec_type in ("canceled", "expired"):
            row["fee_usd_equiv"] = number(Decimal(0), 4)
            if reason:
                row["cancel_reason"] = row["reason"] = reason
        if exec_type == "status":
            row["triggers"] = self._triggers(order)
        if exec_type == "iceberg_refill":
            lots = self._market.listings[order.symbol].quantity_decimals
            row["display_qty_remain"] = number(order.visible, lots)
        self.note(order.account, "executions", row)

    def accepted(self, order: EngineOrder) -> None:
        """A new order: the full row, then the sparse one."""
        self.note(order.account, "executions", self.full_row(order, "pending_new", "pending_new"))
        self.order_event(order, "new")

    def amended(self, order: EngineOrder) -> None:
        """New terms: told in full."""
        row = self.full_row(order, "amended", _STATUS_WORDS[order.status])
        self.note(order.account, "executions", {**row, **self._sums(order), "amended": True})


class _OrderEvents(EngineListener):
    """Hears one engine for the private feed."""

    def __init__(self, feed: PrivateFeed) -> None:
        self._feed = feed

    def on_accepted(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._feed.accepted(order)

    def on_triggered(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._feed.order_event(order, "status")

    def on_filled(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._feed.order_event(order, "filled")

    def on_iceberg_refill(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._feed.order_event(order, "iceberg_refill")

    def on_canceled(self, order: EngineOrder, reason: str) -> None:
        if order.account != BOT_ACCOUNT:
            self._feed.order_event(order, "canceled", reason)

    def on_expired(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._feed.order_event(order, "expired", "Order expired")

    def on_amended(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._feed.amended(order)
