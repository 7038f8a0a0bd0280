"""python-kraken-sdk: REST clients, both WebSocket connections, and its own checksummed order books."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from kraken.base_api import SpotClient
from kraken.spot import Market, SpotOrderBookClient, SpotWSClient, Trade, User

from tests.clients.report import Addresses, Report

SYMBOL = "BTC/USD"
BOOK_MESSAGES = 20
ALL_BOOK_MESSAGES = 300


def main() -> None:
    addresses = Addresses.of_command_line()
    report = Report("python-kraken-sdk")
    # The order book client takes no address, so the classes are told.
    SpotClient.URL = addresses.rest
    SpotWSClient.WS_URL = addresses.ws_public.removesuffix("/v2")
    SpotWSClient.AUTH_WS_URL = addresses.ws_private.removesuffix("/v2")
    market(report)
    account_and_orders(report, addresses)
    addresses.forgive()
    asyncio.run(streams(report, addresses))
    addresses.forgive()
    asyncio.run(trading_by_websocket(report, addresses))
    for depth in (10, 100):
        asyncio.run(order_books(report, depth))
    report.exit()


def market(report: Report) -> None:
    client = Market()
    with report.check("system status, assets, pairs"):
        assert client.get_system_status()["status"] == "online"
        assert "XXBT" in client.get_assets(assets=["XBT", "ETH"])
        assert len(client.get_asset_pairs()) >= 10
    with report.check("ticker, ohlc, book, trades, spreads"):
        assert client.get_ticker(pair=["XBTUSD"])["XXBTZUSD"]["a"]
        assert len(client.get_ohlc(pair="XBTUSD", interval=60)["XXBTZUSD"]) >= 700
        assert len(client.get_order_book(pair="XBTUSD", count=25)["XXBTZUSD"]["bids"]) == 25
        assert client.get_recent_trades(pair="XBTUSD", count=20)["XXBTZUSD"]
        assert "last" in client.get_recent_spreads(pair="XBTUSD")


def far_below() -> float:
    """A price at which a buy order rests."""
    bid: float = float(Market().get_ticker(pair="XBTUSD")["XXBTZUSD"]["b"][0])
    return round(bid * 0.8, 1)


def account_and_orders(report: Report, addresses: Addresses) -> None:
    user = User(key=addresses.key, secret=addresses.secret)
    trade = Trade(key=addresses.key, secret=addresses.secret)
    price = far_below()
    with report.check("balances"):
        assert float(user.get_account_balance()["ZUSD"]) > 0
        assert float(user.get_balance(currency="USD")["available_balance"]) > 0
        assert float(user.get_balances()["ZUSD"]["balance"]) > 0
        assert float(user.get_trade_balance()["eb"]) > 0
    with report.check("a limit order placed, looked up, amended, cancelled"):
        placed = trade.create_order(
            ordertype="limit", side="buy", pair="XBTUSD", volume="0.01", price=price, cl_ord_id="sdk-1"
        )
        (order_id,) = placed["txid"]
        assert order_id in user.get_open_orders(trades=True)["open"]
        changed = trade.amend_order(extra_params={"cl_ord_id": "sdk-1", "limit_price": price - 100})
        assert changed["amend_id"]
        order = user.get_orders_info(txid=order_id)[order_id]
        assert float(order["descr"]["price"]) == price - 100
        assert user.get_order_amends(order_id=order_id)["count"] == 2
        assert trade.cancel_order(txid=order_id)["count"] == 1
        assert user.get_closed_orders()["closed"][order_id]["status"] == "canceled"
    addresses.forgive()
    with report.check("an order edited; a batch placed and cancelled"):
        first = trade.create_order(ordertype="limit", side="buy", pair="XBTUSD", volume="0.01", price=price)
        edited = trade.edit_order(txid=first["txid"][0], pair="XBTUSD", volume="0.02", price=price - 50)
        assert edited["status"] == "ok"
        rows = [
            {"ordertype": "limit", "type": "buy", "volume": "0.01", "price": str(price - step)}
            for step in (1, 2, 3)
        ]
        batch = trade.create_order_batch(orders=rows, pair="XBTUSD")
        ids = [row["txid"] for row in batch["orders"]]
        assert trade.cancel_order_batch(orders=ids)["count"] == 3
        assert trade.cancel_all_orders()["count"] == 1
        assert trade.cancel_all_orders_after_x(timeout=0)["triggerTime"] == "0"
    addresses.forgive()
    with report.check("a market order filled: trades history, ledger, volume"):
        (order_id,) = trade.create_order(ordertype="market", side="buy", pair="XBTUSD", volume="0.01")["txid"]
        history = user.get_trades_history()["trades"]
        mine = [key for key, row in history.items() if row["ordertxid"] == order_id]
        assert mine
        assert user.get_trades_info(txid=mine[0])[mine[0]]["pair"] == "XXBTZUSD"
        assert user.get_ledgers_info(type_="trade")["count"] >= 2
        assert user.get_trade_volume(pair="XBTUSD")["fees"]
        assert user.get_open_positions() in ({}, [])
    report.refused(
        "a refusal as this client's own error",
        "KrakenInsufficientFundsError",
        lambda: trade.create_order(ordertype="limit", side="buy", pair="XBTUSD", volume="99999", price=price),
    )


class Listener:
    """Keeps messages, and waits for one."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    async def __call__(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    async def first(self, holds: Callable[[dict[str, Any]], object], timeout_s: float = 15) -> dict[str, Any]:
        """The first message that fits, already here or still to come."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for message in self.messages:
                if holds(message):
                    return message
            await asyncio.sleep(0.01)
        raise TimeoutError(f"nothing that fits among {len(self.messages)} messages")

    async def data(self, channel: str, kind: str) -> dict[str, Any]:
        return await self.first(lambda one: one.get("channel") == channel and one.get("type") == kind)


async def streams(report: Report, addresses: Addresses) -> None:
    seen = Listener()
    async with SpotWSClient(callback=seen) as client:
        with report.check("public channels: status, ticker, trade, ohlc, book, instrument, pong"):
            await client.subscribe(
                params={"channel": "ticker", "symbol": [SYMBOL, "ETH/USD"], "event_trigger": "bbo"}
            )
            await client.subscribe(params={"channel": "trade", "symbol": [SYMBOL], "snapshot": True})
            await client.subscribe(params={"channel": "ohlc", "symbol": [SYMBOL], "interval": 5})
            await client.subscribe(params={"channel": "book", "symbol": [SYMBOL], "depth": 25})
            await client.subscribe(params={"channel": "instrument"})
            status = await seen.data("status", "update")
            assert status["data"][0]["api_version"] == "v2"
            for channel in ("ticker", "trade", "ohlc", "book"):
                await seen.data(channel, "snapshot")
            await seen.data("ticker", "update")
            await seen.data("book", "update")
            instruments = (await seen.data("instrument", "snapshot"))["data"]
            assert len(instruments["pairs"]) >= 10
            await seen.first(lambda one: one.get("method") == "pong")
        with report.check("unsubscribed as it was subscribed"):
            await client.unsubscribe(params={"channel": "book", "symbol": [SYMBOL], "depth": 25})
            await seen.first(lambda one: one.get("method") == "unsubscribe" and one["success"])
            channels = {one["channel"] for one in client.active_public_subscriptions}
            assert channels == {"ticker", "trade", "ohlc", "instrument"}, channels


async def trading_by_websocket(report: Report, addresses: Addresses) -> None:
    seen = Listener()
    price = far_below()
    client = SpotWSClient(key=addresses.key, secret=addresses.secret, callback=seen, no_public=True)
    await client.start()
    try:
        with report.check("private channels: executions and balances"):
            await client.subscribe(params={"channel": "executions", "snap_orders": True, "ratecounter": True})
            await client.subscribe(params={"channel": "balances", "snapshot": True})
            await seen.data("executions", "snapshot")
            balances = await seen.data("balances", "snapshot")
            assert {row["asset"] for row in balances["data"]} >= {"USD"}
        with report.check("an order placed, amended, cancelled by WebSocket"):
            terms = {"order_type": "limit", "side": "buy", "symbol": SYMBOL, "order_qty": 0.01}
            order_id = await placed(client, seen, {**terms, "limit_price": price, "cl_ord_id": "sdk-ws-1"})
            await seen.first(lambda one: row_of(one, order_id).get("exec_type") == "new")
            await client.send_message(
                {"method": "amend_order", "params": {"order_id": order_id, "limit_price": price - 10}}
            )
            done = await seen.first(lambda one: one.get("method") == "amend_order")
            assert done["success"], done
            await seen.first(lambda one: row_of(one, order_id).get("exec_type") == "amended")
            await client.send_message({"method": "cancel_order", "params": {"order_id": [order_id]}})
            done = await seen.first(lambda one: one.get("method") == "cancel_order")
            assert done["success"], done
            gone = await seen.first(lambda one: row_of(one, order_id).get("exec_type") == "canceled")
            assert row_of(gone, order_id)["reason"] == "User requested"
        with report.check("a fill: trade, filled, two ledger rows of one reference"):
            seen.messages.clear()
            order_id = await placed(
                client, seen, {"order_type": "market", "side": "sell", "symbol": SYMBOL, "order_qty": 0.005}
            )
            await seen.first(lambda one: row_of(one, order_id).get("exec_type") == "filled")
            rows = [row_of(one, order_id) for one in seen.messages]
            fills = {row["exec_id"] for row in rows if row.get("exec_type") == "trade"}
            assert fills

            def ledger() -> list[dict[str, Any]]:
                updates = [one for one in seen.messages if one.get("channel") == "balances"]
                return [row for one in updates for row in one["data"] if row.get("ref_id") in fills]

            await seen.first(lambda _: len(ledger()) == 2 * len(fills))
            assert {row["asset"] for row in ledger()} == {"BTC", "USD"}
        with report.check("sequences without a gap, over every message of both channels"):
            for channel in ("executions", "balances"):
                numbers = [one["sequence"] for one in seen.messages if one.get("channel") == channel]
                assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
        with report.check("a batch by WebSocket, and a refusal in the ack"):
            seen.messages.clear()
            rows = [
                {"order_type": "limit", "side": "buy", "order_qty": 0.01, "limit_price": price - step}
                for step in (1.0, 2.0)
            ]
            await client.send_message({"method": "batch_add", "params": {"symbol": SYMBOL, "orders": rows}})
            answer = await seen.first(lambda one: one.get("method") == "batch_add")
            ids = [row["order_id"] for row in answer["result"]]
            await client.send_message({"method": "batch_cancel", "params": {"orders": ids}})
            answer = await seen.first(lambda one: one.get("method") == "batch_cancel")
            assert answer["success"], answer
            await client.send_message(
                {
                    "method": "add_order",
                    "params": {**rows[0], "symbol": SYMBOL, "order_qty": 1e6, "limit_price": price},
                    "req_id": 99,
                }
            )
            answer = await seen.first(lambda one: one.get("req_id") == 99)
            assert (answer["success"], answer["error"]) == (False, "EOrder:Insufficient funds")
    finally:
        await client.close()


async def placed(client: SpotWSClient, seen: Listener, params: dict[str, Any]) -> str:
    number = int(time.monotonic_ns() // 1000)
    await client.send_message({"method": "add_order", "params": params, "req_id": number})
    answer = await seen.first(lambda one: one.get("req_id") == number)
    assert answer["success"], answer
    order_id: str = answer["result"]["order_id"]
    return order_id


def row_of(message: dict[str, Any], order_id: str) -> dict[str, Any]:
    """The row of an executions message about this order; empty where there is none."""
    if message.get("channel") != "executions":
        return {}
    rows: list[dict[str, Any]] = message["data"]
    return next((row for row in rows if row["order_id"] == order_id), {})


async def order_books(report: Report, depth: int) -> None:
    symbols = [SYMBOL, "ETH/USD", "DOGE/USD"]
    counts = dict.fromkeys(symbols, 0)
    faults: list[str] = []

    class Books(SpotOrderBookClient):  # type: ignore[misc]
        async def on_book_update(self, pair: str, message: dict[str, Any]) -> None:
            if "error" in message or not self.get(pair=pair)["valid"]:
                faults.append(pair)
            counts[pair] += 1

    client = Books(depth=depth)
    await client.start()
    try:
        with report.check(f"books of depth {depth} followed, each update's checksum verified"):
            await client.add_book(pairs=symbols)
            deadline = time.monotonic() + 40
            while not faults and (
                min(counts.values()) < BOOK_MESSAGES or sum(counts.values()) < ALL_BOOK_MESSAGES
            ):
                assert time.monotonic() < deadline, f"only {counts} updates"
                await asyncio.sleep(0.05)
            assert not faults, f"checksum mismatch after {counts}: {faults}"
            book = client.get(pair=SYMBOL)
            assert len(book["bid"]) == len(book["ask"]) == depth
    finally:
        await client.close()


if __name__ == "__main__":
    main()
