"""The private REST calls that read: balances, orders, fills, ledger, volume, keys.

Kraken REST "Account Data", read 2026-08.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from terminal.domain.decimals import ZERO
from terminal.domain.orders import OrderState
from terminal.emulators.kraken import errors
from terminal.emulators.kraken.auth import Gatekeeper, PracticeKey
from terminal.emulators.kraken.errors import ApiError, invalid
from terminal.emulators.kraken.ids import (
    entry_id_of,
    fill_id_of,
    ledger_txid,
    order_id_of,
    order_txid,
    trade_txid,
)
from terminal.emulators.kraken.names import Pair
from terminal.emulators.kraken.orders import KRAKEN_TYPES, close_text, order_text
from terminal.emulators.kraken.params import Params, decimal_of
from terminal.emulators.kraken.state import VenueState
from terminal.emulators.kraken.trading import original_row, tag_of
from terminal.emulators.kraken.wire import NS_PER_S, amount_text, fixed, seconds
from terminal.emulators.market.accounts import AccountFill, LedgerEntry, fee_tiers, rates_at
from terminal.emulators.market.engine_types import EngineOrder
from terminal.emulators.market.practice import PracticeMarket

PAGE: Final = 50
_STATUS: Final = {
    OrderState.OPEN: "open",
    OrderState.PARTLY_FILLED: "open",
    OrderState.PENDING_CANCEL: "open",
    OrderState.FILLED: "closed",
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "expired",
}
_TRADE_TYPES: Final = frozenset({"all", "any position", "closed position", "closing position", "no position"})
Handler = Callable[[PracticeKey, Params], Any]


class AccountCalls:
    """What the holder of a key may read."""

    def __init__(self, market: PracticeMarket, state: VenueState, gate: Gatekeeper) -> None:
        self._market = market
        self._state = state
        self._names = state.names
        self._gate = gate
        self.calls: dict[str, Handler] = {
            "Balance": self.balance,
            "BalanceEx": self.balance_ex,
            "TradeBalance": self.trade_balance,
            "OpenOrders": self.open_orders,
            "ClosedOrders": self.closed_orders,
            "QueryOrders": self.query_orders,
            "TradesHistory": self.trades_history,
            "QueryTrades": self.query_trades,
            "OpenPositions": self.open_positions,
            "Ledgers": self.ledgers,
            "QueryLedgers": self.query_ledgers,
            "TradeVolume": self.trade_volume,
            "GetWebSocketsToken": self.websockets_token,
            "GetApiKeyInfo": self.api_key_info,
            "OrderAmends": self.order_amends,
        }

    # ---- balances --------------------------------------------------------------------------------

    def balance(self, key: PracticeKey, params: Params) -> dict[str, str]:
        return {
            self._names.assets[one.asset].asset_id: amount_text(one.total, one.asset)
            for one in self._market.balances(key.account)
            if one.asset in self._names.assets
        }

    def balance_ex(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        return {
            self._names.assets[one.asset].asset_id: {
                "balance": amount_text(one.total, one.asset),
                "hold_trade": amount_text(one.held, one.asset),
            }
            for one in self._market.balances(key.account)
            if one.asset in self._names.assets
        }

    def trade_balance(self, key: PracticeKey, params: Params) -> dict[str, str]:
        asset = self._names.find_asset(params.text("asset", "ZUSD") or "ZUSD")
        if asset is None:
            raise ApiError(errors.UNKNOWN_ASSET)
        per_usd = self._market.usd_value(asset.name)
        total = ZERO
        for one in self._market.balances(key.account):
            total += one.total * self._market.usd_value(one.asset)
        worth = fixed(total / per_usd, 4)
        none = fixed(ZERO, 4)
        return {
            "eb": worth,
            "tb": worth,
            "m": none,
            "n": none,
            "c": none,
            "v": none,
            "e": worth,
            "mf": worth,
            "uv": none,
        }

    def trade_volume(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        volume = self._market.volume_30d(key.account)
        found: dict[str, Any] = {"currency": "ZUSD", "volume": fixed(volume, 4)}
        names = params.listed("pair", 100)
        if names:
            pairs = [self._pair(name) for name in names]
            found["fees"] = {one.pair_id: self._fee_row(one, volume, maker=False) for one in pairs}
            found["fees_maker"] = {one.pair_id: self._fee_row(one, volume, maker=True) for one in pairs}
        return found

    def _fee_row(self, pair: Pair, volume: Decimal, *, maker: bool) -> dict[str, Any]:
        def rate(rates: Any) -> str:
            return fixed(rates.maker_pct if maker else rates.taker_pct, 4)

        tiers = fee_tiers(pair.listing)
        following = next(((at, rates) for at, rates in tiers if at > volume), None)
        reached = max((at for at, _ in tiers if at <= volume), default=ZERO)
        return {
            "fee": rate(rates_at(pair.listing, volume)),
            "minfee": rate(tiers[-1][1]),
            "maxfee": rate(tiers[0][1]),
            "nextfee": rate(following[1]) if following else None,
            "nextvolume": fixed(following[0], 4) if following else None,
            "tiervolume": fixed(reached, 4),
        }

    # ---- orders ----------------------------------------------------------------------------------

    def order_object(self, order: EngineOrder, *, trades: bool) -> dict[str, Any]:
        """An order as OpenOrders, ClosedOrders and QueryOrders show it."""
        pair = self._names.pairs[order.symbol]
        listing = pair.listing
        places, lots = listing.price_decimals, listing.quantity_decimals
        tag = tag_of(order)
        kind = KRAKEN_TYPES[order.order_type]
        price, price2 = self._ordered_prices(order)
        volume = order.quote_quantity if order.quote_quantity is not None else order.quantity
        average = order.average_price
        fires = order.order_type.has_trigger or order.order_type.has_trail
        status = _STATUS.get(order.status, "open")
        if order.is_live and order.start_ns is not None and order.start_ns > self._market.clock.wall_ns():
            status = "pending"
        flags = [
            name
            for name, on in (
                ("post", order.post_only),
                ("viqc", order.quote_quantity is not None),
                ("fcib" if order.fee_in_base else "fciq", True),
            )
            if on
        ]
        notes = [
            name
            for name, on in (
                ("stopped", order.triggered and "stop" in kind),
                ("touched", order.triggered and "profit" in kind),
                ("partial", status in ("canceled", "expired") and order.done_steps > 0),
                ("amended", order.amended),
            )
            if on
        ]
        found: dict[str, Any] = {
            "refid": tag.get("parent"),
            "userref": tag.get("ref", 0),
            "status": status,
            "opentm": self._time(order.created_ns),
            "starttm": seconds(order.start_ns) if order.start_ns else 0,
            "expiretm": seconds(order.expire_ns) if order.expire_ns else 0,
            "descr": {
                "pair": pair.altname,
                "type": order.side.value,
                "ordertype": kind,
                "price": price,
                "price2": price2,
                "leverage": "none",
                "order": order_text(order.side, volume, pair, kind, price, price2),
                "close": close_text(tag["close"]) if tag.get("close") else "",
            },
            "vol": fixed(volume, lots),
            "vol_exec": fixed(order.filled, lots),
            "cost": fixed(order.cost, listing.cost_decimals),
            "fee": fixed(order.fees_paid, listing.cost_decimals),
            "price": fixed(average, places) if average is not None else fixed(ZERO, places),
            "stopprice": fixed(order.trigger_price or ZERO, places) if fires else "0.00000",
            "limitprice": (
                fixed(order.limit_price, places) if order.triggered and order.limit_price else "0.00000"
            ),
            "misc": ",".join(notes),
            "oflags": ",".join(flags),
        }
        if "cl" in tag:
            found["cl_ord_id"] = tag["cl"]
        if "sub" in tag:
            found["sender_sub_id"] = tag["sub"]
        if fires:
            found["trigger"] = order.trigger_reference.value
        if order.display_quantity is not None:
            found["displayvol"] = fixed(order.display_quantity, lots)
        if order.quote_quantity is not None:
            found["vol_quote"] = fixed(order.quote_quantity, listing.cost_decimals)
        if trades:
            found["trades"] = [
                trade_txid(fill.fill_id)
                for fill in self._market.fills(order.account)
                if fill.order_id == order.order_id
            ]
        if not order.is_live:
            found["closetm"] = self._time(order.closed_ns or order.updated_ns)
            found["reason"] = order.reason or None
        return found

    def _ordered_prices(self, order: EngineOrder) -> tuple[str, str]:
        tag = tag_of(order)
        price, price2 = str(tag.get("p", "0")), str(tag.get("p2", "0"))
        if order.amended and not order.order_type.has_trail:
            # An amend changes the order as described, not only as it rests.
            places = order.grid.tick_size
            limit = format(order.limit_price.quantize(places), "f") if order.limit_price else "0"
            if order.order_type.has_trigger:
                trigger = format(order.trigger_price.quantize(places), "f") if order.trigger_price else "0"
                return trigger, limit
            return limit, price2
        return price, price2

    def _time(self, ts_ns: int) -> float:
        return seconds(self._state.stamp(ts_ns))

    def _matching(self, orders: list[EngineOrder], params: Params) -> list[EngineOrder]:
        userref, cl_ord_id = params.userref("userref"), params.text("cl_ord_id")
        return [
            one
            for one in orders
            if (userref is None or tag_of(one).get("ref") == userref)
            and (not cl_ord_id or tag_of(one).get("cl") == cl_ord_id)
        ]

    def open_orders(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        trades = params.flag("trades")
        orders = self._matching(self._market.open_orders(key.account), params)
        return {
            "open": {
                order_txid(one.order_id): self.order_object(one, trades=trades) for one in reversed(orders)
            }
        }

    def closed_orders(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        trades = params.flag("trades")
        which = params.choice("closetime", frozenset({"open", "close", "both"}), "both")
        orders = self._matching(self._market.closed_orders(key.account), params)
        start = self._bound(params, "start", key.account)
        end = self._bound(params, "end", key.account)

        def inside(order: EngineOrder) -> bool:
            times = {"open": [order.created_ns], "close": [order.closed_ns or 0]}.get(
                which, [order.created_ns, order.closed_ns or 0]
            )
            return any((start is None or ts > start) and (end is None or ts <= end) for ts in times)

        found = sorted(
            (one for one in orders if inside(one)),
            key=lambda one: (one.closed_ns or 0, one.order_id),
            reverse=True,
        )
        offset = params.integer("ofs", 0, 0, 10**9)
        result: dict[str, Any] = {
            "closed": {
                order_txid(one.order_id): self.order_object(one, trades=trades)
                for one in found[offset : offset + PAGE]
            }
        }
        if not params.flag("without_count"):
            result["count"] = len(found)
        return result

    def _bound(self, params: Params, name: str, account: str) -> int | None:
        """A moment given as unix seconds or as the id of an order, a trade or a ledger row."""
        if not params.has(name):
            return None
        text = params.text(name)
        order_id, fill_id, entry_id = order_id_of(text), fill_id_of(text), entry_id_of(text)
        if order_id is not None:
            order = self._market.order(order_id)
            if order is not None and order.account == account:
                return order.created_ns
        if fill_id is not None:
            for fill in self._market.fills(account):
                if fill.fill_id == fill_id:
                    return fill.ts_ns
        if entry_id is not None:
            for entry in self._market.ledger(account):
                if entry.entry_id == entry_id:
                    return entry.ts_ns
        value = decimal_of(name, text)
        if not 0 <= value < 10**11:
            raise invalid(name)
        return int(value * NS_PER_S)

    def query_orders(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        wanted = params.listed("txid", 50)
        if not wanted:
            raise invalid("txid")
        trades = params.flag("trades")
        found = {}
        for txid in wanted:
            order_id = order_id_of(txid)
            order = self._market.order(order_id) if order_id is not None else None
            if order is None or order.account != key.account:
                raise ApiError("EOrder:Invalid order")
            if self._matching([order], params):
                found[txid] = self.order_object(order, trades=trades)
        return found

    def order_amends(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        order_id = order_id_of(params.required("order_id"))
        order = self._market.order(order_id) if order_id is not None else None
        if order is None or order.account != key.account:
            raise ApiError(errors.UNKNOWN_ORDER)
        rows = list(tag_of(order).get("amends", ())) or [original_row(order)]
        return {"count": len(rows), "amends": rows}

    # ---- fills and ledger ------------------------------------------------------------------------

    def _trade_object(self, fill: AccountFill) -> dict[str, Any]:
        pair = self._names.pairs[fill.symbol]
        listing = pair.listing
        return {
            "ordertxid": order_txid(fill.order_id),
            "postxid": "TKH2SE-M7IF5-CFI7LT",
            "pair": pair.pair_id,
            "time": seconds(self._state.stamp(fill.ts_ns), 7),
            "type": fill.side.value,
            "ordertype": KRAKEN_TYPES[fill.order_type],
            "price": fixed(fill.price, listing.price_decimals),
            "cost": fixed(fill.cost, listing.cost_decimals),
            "fee": fixed(self._fee_in_quote(fill), listing.cost_decimals),
            "vol": fixed(fill.quantity, listing.quantity_decimals),
            "margin": fixed(ZERO, listing.cost_decimals),
            "leverage": "0",
            "misc": "",
            "trade_id": fill.trade_id,
            "maker": fill.is_maker,
        }

    def _fee_in_quote(self, fill: AccountFill) -> Decimal:
        listing = self._market.listings[fill.symbol]
        return fill.fee if fill.fee_asset == listing.quote else fill.fee * fill.price

    def trades_history(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        kind = params.choice("type", _TRADE_TYPES, "all")
        fills = self._market.fills(key.account) if kind in ("all", "no position") else []
        start = self._bound(params, "start", key.account)
        end = self._bound(params, "end", key.account)
        found = [
            fill
            for fill in reversed(fills)
            if (start is None or fill.ts_ns > start) and (end is None or fill.ts_ns <= end)
        ]
        offset = params.integer("ofs", 0, 0, 10**9)
        trades = {}
        for fill in found[offset : offset + PAGE]:
            row = self._trade_object(fill)
            if params.flag("ledgers"):
                row["ledgers"] = self._ledgers_of(key.account, fill.fill_id)
            trades[trade_txid(fill.fill_id)] = row
        result: dict[str, Any] = {"trades": trades}
        if not params.flag("without_count"):
            result["count"] = len(found)
        return result

    def _ledgers_of(self, account: str, fill_id: int) -> list[str]:
        return [
            ledger_txid(entry.entry_id)
            for entry in self._market.ledger(account)
            if entry.kind == "trade" and entry.ref_id == fill_id
        ]

    def query_trades(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        wanted = params.listed("txid", 20)
        if not wanted:
            raise invalid("txid")
        fills = {fill.fill_id: fill for fill in self._market.fills(key.account)}
        found = {}
        for txid in wanted:
            fill = fills.get(fill_id_of(txid) or 0)
            if fill is None:
                raise ApiError("EOrder:Invalid order")
            found[txid] = self._trade_object(fill)
        return found

    def open_positions(self, key: PracticeKey, params: Params) -> Any:
        # Spot without margin: there are never any.
        return [] if params.text("consolidation") == "market" else {}

    def _entry_object(self, entry: LedgerEntry) -> dict[str, Any]:
        is_trade = entry.kind == "trade"
        return {
            "refid": trade_txid(entry.ref_id) if is_trade else ledger_txid(entry.ref_id),
            "time": seconds(self._state.stamp(entry.ts_ns)),
            "type": entry.kind,
            "subtype": "tradespot" if is_trade else "",
            "aclass": "currency",
            "asset": self._names.assets[entry.asset].asset_id,
            "amount": amount_text(entry.amount, entry.asset),
            "fee": amount_text(entry.fee, entry.asset),
            "balance": amount_text(entry.balance, entry.asset),
        }

    def ledgers(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        assets = set()
        for name in params.listed("asset", 100):
            if name == "all":
                continue
            asset = self._names.find_asset(name)
            if asset is None:
                raise ApiError(errors.UNKNOWN_ASSET)
            assets.add(asset.name)
        kind = params.text("type", "all") or "all"
        start = self._bound(params, "start", key.account)
        end = self._bound(params, "end", key.account)
        found = [
            entry
            for entry in reversed(self._market.ledger(key.account))
            if (not assets or entry.asset in assets)
            and entry.asset in self._names.assets
            and kind in ("all", entry.kind)
            and (start is None or entry.ts_ns > start)
            and (end is None or entry.ts_ns <= end)
        ]
        offset = params.integer("ofs", 0, 0, 10**9)
        result: dict[str, Any] = {
            "ledger": {
                ledger_txid(entry.entry_id): self._entry_object(entry)
                for entry in found[offset : offset + PAGE]
            }
        }
        if not params.flag("without_count"):
            result["count"] = len(found)
        return result

    def query_ledgers(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        wanted = params.listed("id", 20)
        if not wanted:
            raise invalid("id")
        entries = {entry.entry_id: entry for entry in self._market.ledger(key.account)}
        found = {}
        for text in wanted:
            entry = entries.get(entry_id_of(text) or 0)
            if entry is None:
                raise invalid("id")
            found[text] = self._entry_object(entry)
        return found

    # ---- keys ------------------------------------------------------------------------------------

    def websockets_token(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        return {"token": self._gate.new_token(key), "expires": 900}

    def api_key_info(self, key: PracticeKey, params: Params) -> dict[str, Any]:
        # The field names are not documented in what this was written from; clients must not rely on them.
        return {
            "api_key_name": key.name,
            "api_key": key.key,
            "nonce": str(key.last_nonce),
            "nonce_window": key.nonce_window,
            "permissions": sorted(key.permissions),
            "valid_until": "0",
            "query_from": "0",
            "query_to": "0",
            "created_time": str(key.created_ns // NS_PER_S),
            "modified_time": str(key.created_ns // NS_PER_S),
            "ip_allowlist": [],
            "last_used": str(key.last_used_ns // NS_PER_S),
        }

    def _pair(self, name: str) -> Pair:
        pair = self._names.find_pair(name)
        if pair is None:
            raise ApiError(errors.UNKNOWN_PAIR)
        return pair
