"""ccxt and ccxt.pro: the unified calls over REST, and the streams with their order books checked."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import ccxt.pro

from tests.clients.report import Addresses, Report

SYMBOL = "BTC/USD"
BOOK_UPDATES = 100


def main() -> None:
    addresses = Addresses.of_command_line()
    report = Report("ccxt")
    client = pointed(ccxt.kraken, addresses)
    public(report, client)
    account_and_orders(report, client, addresses)
    addresses.forgive()
    asyncio.run(streams(report, addresses))
    report.exit()


def pointed(kind: Callable[[dict[str, Any]], Any], addresses: Addresses) -> Any:
    """A client with its addresses and key set; its own pacing is for a venue far away."""
    client = kind({"apiKey": addresses.key, "secret": addresses.secret, "enableRateLimit": False})
    api = client.urls["api"]
    api["public"] = api["private"] = addresses.rest
    if "ws" in api:
        api["ws"].update(publicV2=addresses.ws_public, privateV2=addresses.ws_private)
    return client


def public(report: Report, client: Any) -> None:
    with report.check("markets, currencies, status, time"):
        markets = client.load_markets()
        assert markets[SYMBOL]["precision"] == {"amount": 1e-8, "price": 0.1}, markets[SYMBOL]["precision"]
        assert markets[SYMBOL]["id"] == "XXBTZUSD"
        assert len(markets) >= 10
        assert client.fetch_status()["status"] == "ok"
        assert abs(client.fetch_time() / 1000 - time.time()) < 5
    with report.check("ticker, tickers"):
        ticker = client.fetch_ticker(SYMBOL)
        assert 0 < ticker["bid"] < ticker["ask"]
        assert set(client.fetch_tickers([SYMBOL, "ETH/USD"])) == {SYMBOL, "ETH/USD"}
    with report.check("order book, trades, candles of every timeframe"):
        book = client.fetch_order_book(SYMBOL, limit=100)
        assert len(book["bids"]) == len(book["asks"]) == 100
        trades = client.fetch_trades(SYMBOL, limit=50)
        assert len(trades) == 50
        assert trades[-1]["timestamp"] >= trades[0]["timestamp"]
        for timeframe in client.timeframes:
            candles = client.fetch_ohlcv(SYMBOL, timeframe)
            assert len(candles) >= 200, (timeframe, len(candles))
            assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in candles)


def account_and_orders(report: Report, client: Any, addresses: Addresses) -> None:
    price = round(client.fetch_ticker(SYMBOL)["bid"] * 0.8, 1)
    with report.check("balances, trading fee"):
        balance = client.fetch_balance()
        assert balance["USD"]["free"] > 0
        assert client.fetch_trading_fee(SYMBOL)["taker"] > 0
    with report.check("a limit order placed, looked up, edited, cancelled"):
        order = client.create_order(SYMBOL, "limit", "buy", 0.01, price, {"clientOrderId": "ccxt-1"})
        found = client.fetch_order(order["id"], SYMBOL)
        assert (found["status"], found["price"], found["clientOrderId"]) == ("open", price, "ccxt-1")
        held = client.fetch_balance()["USD"]["used"]
        assert held > 0
        edited = client.edit_order(order["id"], SYMBOL, "limit", "buy", 0.02, price - 10)
        assert edited["id"] != order["id"], "ccxt gives the amend's id"
        (still,) = client.fetch_open_orders(SYMBOL)
        assert (still["amount"], still["price"]) == (0.02, price - 10)
        client.cancel_order(order["id"], SYMBOL)
        assert client.fetch_order(order["id"], SYMBOL)["status"] == "canceled"
    addresses.forgive()
    with report.check("every order type accepted and cancelled together"):
        kinds: list[tuple[str, str, float | None, dict[str, Any]]] = [
            ("limit", "buy", price, {"postOnly": True}),
            ("limit", "buy", price, {"timeInForce": "GTD", "expiretm": "+60"}),
            ("market", "sell", None, {"stopLossPrice": price}),
            ("limit", "sell", price, {"stopLossPrice": price + 10}),
            ("market", "sell", None, {"takeProfitPrice": price * 2}),
            ("market", "sell", None, {"trailingPercent": "5"}),
        ]
        for kind, side, limit, extra in kinds:
            client.create_order(SYMBOL, kind, side, 0.01, limit, extra)
        assert len(client.fetch_open_orders()) == len(kinds)
        client.cancel_all_orders()
        assert client.fetch_open_orders() == []
    addresses.forgive()
    with report.check("a market order filled: my trades, closed orders, ledger"):
        order = client.create_order(SYMBOL, "market", "buy", 0.01)
        closed = {row["id"]: row for row in client.fetch_closed_orders(SYMBOL)}[order["id"]]
        assert (closed["status"], closed["filled"]) == ("closed", 0.01)
        mine = [row for row in client.fetch_my_trades(SYMBOL) if row["order"] == order["id"]]
        assert abs(sum(row["amount"] for row in mine) - 0.01) < 1e-9
        ids = [row["id"] for row in mine]
        again = client.fetch_order_trades(order["id"], SYMBOL, params={"trades": ids})
        assert sorted(row["id"] for row in again) == sorted(ids)
        assert {row["currency"] for row in client.fetch_ledger()} >= {"BTC", "USD"}
    report.refused(
        "a refusal as this client's own error",
        "InsufficientFunds",
        lambda: client.create_order(SYMBOL, "limit", "buy", 99999, price),
    )


class Checked(ccxt.pro.kraken):  # type: ignore[misc]
    """ccxt.pro with the checksum of its own book verified after every message.

    Its own option for that (``watchOrderBook`` / ``checksum``) expects prices as text, while its streams
    decode them as floats: with it on, every message fails with an AttributeError, on any venue (4.5.90).
    """

    verified = 0
    mismatches = 0

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self.heard = asyncio.Event()

    def handle_orders(self, *message: Any) -> None:
        super().handle_orders(*message)
        self.heard.set()

    def handle_order_book(self, client: Any, message: dict[str, Any]) -> None:
        super().handle_order_book(client, message)
        row = message["data"][0]
        market = self.market(row["symbol"])
        book = self.orderbooks[row["symbol"]]
        places = [self.precision_from_string(self.number_to_string(market["precision"][key])) for key in KEYS]
        text = "".join(
            f"{figure:.{decimals}f}".replace(".", "").lstrip("0")
            for side in ("asks", "bids")
            for level in book[side][:10]
            for figure, decimals in zip(level, places, strict=False)
        )
        if zlib.crc32(text.encode()) == int(row["checksum"]):
            self.verified += 1
        else:
            self.mismatches += 1


KEYS = ("price", "amount")


async def streams(report: Report, addresses: Addresses) -> None:
    client = pointed(Checked, addresses)

    async def within(what: Awaitable[Any], seconds: float = 15) -> Any:
        return await asyncio.wait_for(what, seconds)

    async def told(order_id: str, status: str) -> None:
        """The stream of orders, which is watched, has told so, before the answer to the request or after.

        Not by ``watch_orders`` again: what comes while no such call waits is kept, but wakes nobody.
        """
        while not any((row["id"], row["status"]) == (order_id, status) for row in client.orders or ()):
            client.heard.clear()
            await within(client.heard.wait())

    try:
        await client.load_markets()
        with report.check("streams: ticker, trades, candles"):
            assert (await within(client.watch_ticker(SYMBOL)))["bid"] > 0
            assert await within(client.watch_trades(SYMBOL))
            assert await within(client.watch_ohlcv(SYMBOL, "1m"))
        for depth in (10, 100):
            symbol = SYMBOL if depth == 10 else "ETH/USD"
            with report.check(f"a book of depth {depth} followed, each message's checksum verified"):
                begun = client.verified
                deadline = time.monotonic() + 40
                while client.verified - begun < BOOK_UPDATES:
                    assert time.monotonic() < deadline, client.verified - begun
                    book = await within(client.watch_order_book(symbol, depth))
                assert client.mismatches == 0, client.mismatches
                assert len(book["bids"]) == len(book["asks"]) == depth
        price = round((await client.fetch_ticker(SYMBOL))["bid"] * 0.8, 1)
        with report.check("private streams: balance, and an order placed, edited, cancelled by WebSocket"):
            assert (await within(client.watch_balance()))["USD"]["total"] > 0
            _, placed = await asyncio.gather(
                within(client.watch_orders()),
                within(client.create_order_ws(SYMBOL, "limit", "buy", 0.01, price)),
            )
            await told(placed["id"], "open")
            edited = await within(
                client.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 0.02, price - 10)
            )
            assert edited["id"] == placed["id"]
            await within(client.cancel_order_ws(placed["id"]))
            await told(placed["id"], "canceled")
        with report.check("a fill by WebSocket: my trades"):
            fills, placed = await asyncio.gather(
                within(client.watch_my_trades()),
                within(client.create_order_ws(SYMBOL, "market", "sell", 0.005)),
            )
            assert any(row["order"] == placed["id"] for row in fills)
        with report.check("all cancelled by WebSocket"):
            await within(client.create_order_ws(SYMBOL, "limit", "buy", 0.01, price))
            await within(client.cancel_all_orders_ws())
            assert await client.fetch_open_orders(SYMBOL) == []
    finally:
        await client.close()


if __name__ == "__main__":
    main()
