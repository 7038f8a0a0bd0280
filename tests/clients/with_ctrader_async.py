"""ctrader-api-client, which shares nothing with the vendor's client: over TLS, only the address is ours."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ctrader_api_client import (
    AccountCredentials,
    AmendOrderRequest,
    AmendPositionRequest,
    ClientConfig,
    ClosePositionRequest,
    CTraderClient,
    DepthEvent,
    ExecutionEvent,
    ExecutionType,
    NewOrderRequest,
    OrderSide,
    OrderType,
    SpotEvent,
    TrendbarPeriod,
)

from tests.clients.report import Report

DEMO = 5120001
LIVE = 7230001
VOLUME = 100_000
"""Cents of units."""
EVENTS_FOLLOWED = 20
BARS = 500
LEVELS = 5


def main() -> None:
    addresses = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["ctrader"]
    os.environ["SSL_CERT_FILE"] = addresses["ca"]
    report = Report("ctrader-api-client")
    asyncio.run(checks(report, addresses))
    report.exit()


class Heard:
    """The events of the account in their order, and a wait for one of them."""

    def __init__(self, client: Any) -> None:
        self.events: list[Any] = []
        self._more = asyncio.Event()
        for kind in (SpotEvent, DepthEvent, ExecutionEvent):
            client.register_handler(kind, self._take, account_id=DEMO)

    async def _take(self, event: Any) -> None:
        self.events.append(event)
        self._more.set()

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, holds: Callable[[], Any], timeout_s: float = 15) -> Any:
        """What the condition gives, once it gives something true."""
        async with asyncio.timeout(timeout_s):
            while not (found := holds()):
                self._more.clear()
                await self._more.wait()
        return found

    async def executed(self, kind: ExecutionType, position: int | None = None) -> Any:
        """The first execution of a kind, of one position or of any."""

        def found() -> Any:
            for event in self.of(ExecutionEvent):
                named = event.position.position_id if event.position else None
                if event.execution_type is kind and position in (None, named):
                    return event
            return None

        return await self.until(found)


async def checks(report: Report, addresses: dict[str, Any]) -> None:
    host, _, port = addresses["demo"].partition(":")
    config = ClientConfig(
        host=host,
        port=int(port),
        client_id=addresses["client_id"],
        client_secret=addresses["client_secret"],
        reconnect_attempts=0,
    )
    client = CTraderClient(config)
    heard = Heard(client)
    async with client:
        if not await signing_in(report, client, addresses):
            return
        euro = 0
        with report.check("trader, symbols, full symbol with its trading hours"):
            assert (await client.accounts.get_trader(DEMO)).balance > 0
            symbols = await client.symbols.list_all(DEMO)
            assert len(symbols) >= 20, len(symbols)
            (euro,) = (row.symbol_id for row in symbols if row.name == "EURUSD")
            full = await client.symbols.get_by_id(DEMO, euro)
            assert (full.digits, full.lot_size) == (5, 10_000_000), full
            assert full.trading_hours.next_close() or full.trading_hours.next_open()
        await prices(report, client, heard, euro)
        await pending(report, client, euro)
        await position(report, client, heard, euro)
        await refused(
            report,
            "a refusal by its name",
            "TRADING_BAD_VOLUME",
            lambda: client.trading.place_order(DEMO, market(euro, VOLUME + 1)),
        )


async def signing_in(report: Report, client: Any, addresses: dict[str, Any]) -> bool:
    """The application, its accounts, and a token that is renewed; whether the account can be used."""
    credentials = AccountCredentials(
        DEMO,
        addresses["access_token"],
        addresses["refresh_token"],
        int(addresses["expires_ns"]) / 1e9,
    )
    with report.check("application, accounts of a token, token renewed"):
        accounts = await client.accounts.list_by_token(credentials.access_token)
        assert {row.account_id for row in accounts} >= {DEMO, LIVE}, accounts
        demo = next(row for row in accounts if row.account_id == DEMO)
        assert not demo.is_live
        assert await client.accounts.resolve_account_id(credentials.access_token, demo.trader_login) == DEMO
        renewed = await client.auth.refresh(credentials)
        assert renewed.access_token != credentials.access_token
        credentials = renewed
    with report.check("account signed in"):
        await client.auth.authenticate_trader(credentials)
        assert client.is_account_authorized(DEMO)
    return bool(client.is_account_authorized(DEMO))


async def prices(report: Report, client: Any, heard: Heard, euro: int) -> None:
    with report.check("spots and depth: followed, merged, not crossed"):
        await client.market_data.subscribe_spots(DEMO, [euro])
        await client.market_data.subscribe_depth(DEMO, [euro])
        rarest = (SpotEvent, DepthEvent)
        await heard.until(lambda: min(len(heard.of(kind)) for kind in rarest) >= EVENTS_FOLLOWED, 45)
        # The client begins a task for each event: two that came together may be told in either order.
        bid = ask = Decimal(0)
        for _, together in itertools.groupby(heard.of(SpotEvent), lambda event: event.timestamp):
            for event in together:
                bid, ask = event.bid or bid, event.ask or ask
            assert 0 < bid < ask, event
        depth = heard.of(DepthEvent)
        gone = {quote_id for event in depth for quote_id in event.deleted_quote_ids}
        book = [quote for event in depth for quote in event.new_quotes if quote.quote_id not in gone]
        bids = {quote.price for quote in book if quote.is_bid}
        asks = {quote.price for quote in book if not quote.is_bid}
        assert min(len(bids), len(asks)) >= LEVELS, (bids, asks)
        assert max(bids) < min(asks), (bids, asks)
        await client.market_data.unsubscribe_depth(DEMO, [euro])
        await client.market_data.unsubscribe_spots(DEMO, [euro])
    with report.check("bars and ticks of the past"):
        now = datetime.now(UTC)
        bars = await client.market_data.get_trendbars(
            DEMO, euro, TrendbarPeriod.M1, now - timedelta(days=7), now
        )
        assert len(bars) >= BARS, len(bars)
        assert all(bar.low <= min(bar.open, bar.close) <= bar.high for bar in bars)
        ticks = await client.market_data.get_tick_data(DEMO, euro, now - timedelta(minutes=10), now)
        assert len(ticks) > 100, len(ticks)


def market(euro: int, volume: int) -> Any:
    return NewOrderRequest(symbol_id=euro, side=OrderSide.BUY, volume=volume, label="independent")


async def pending(report: Report, client: Any, euro: int) -> None:
    trading = client.trading
    with report.check("limit order placed, amended, listed, cancelled"):
        placed = await trading.place_order(
            DEMO,
            NewOrderRequest(
                symbol_id=euro,
                side=OrderSide.BUY,
                volume=VOLUME,
                order_type=OrderType.LIMIT,
                limit_price=Decimal("0.5"),
            ),
        )
        assert placed.execution_type is ExecutionType.ORDER_ACCEPTED, placed
        order_id = placed.order.order_id
        amended = await trading.amend_order(
            DEMO,
            AmendOrderRequest(order_id=order_id, volume=3 * VOLUME, limit_price=Decimal("0.51")),
        )
        assert amended.execution_type is ExecutionType.ORDER_REPLACED, amended
        (order,) = await trading.get_pending_orders(DEMO)
        assert (order.order_id, order.volume, order.limit_price) == (order_id, 3 * VOLUME, Decimal("0.51"))
        cancelled = await trading.cancel_order(DEMO, order_id)
        assert cancelled.execution_type is ExecutionType.ORDER_CANCELLED, cancelled
        assert not await trading.get_pending_orders(DEMO)


async def position(report: Report, client: Any, heard: Heard, euro: int) -> None:
    trading = client.trading
    with report.check("position opened, its stop set, half of it and the rest closed, deals listed"):
        await trading.place_order(DEMO, market(euro, 2 * VOLUME))
        filled = await heard.executed(ExecutionType.ORDER_FILLED)
        number = filled.position.position_id
        stop = (filled.position.entry_price - Decimal("0.01")).quantize(Decimal("0.00001"))
        await trading.amend_position(DEMO, AmendPositionRequest(position_id=number, stop_loss=stop))
        (held,) = await trading.get_open_positions(DEMO)
        assert (held.position_id, held.volume, held.stop_loss) == (number, 2 * VOLUME, stop), held
        for left in (VOLUME, 0):
            heard.events.clear()
            await trading.close_position(DEMO, ClosePositionRequest(position_id=number, volume=VOLUME))
            closed = await heard.executed(ExecutionType.ORDER_FILLED, number)
            assert (closed.position.volume, closed.deal.close_detail.closed_volume) == (left, VOLUME), closed
        assert not await trading.get_open_positions(DEMO)
        deals = await trading.get_deals_by_position_id(DEMO, number)
        assert sorted(deal.filled_volume for deal in deals) == [VOLUME, VOLUME, 2 * VOLUME], deals
        balance = (await client.accounts.get_trader(DEMO)).balance
        assert balance == closed.deal.close_detail.balance, (balance, closed)


async def refused(report: Report, what: str, code: str, call: Callable[[], Awaitable[Any]]) -> None:
    """The call must raise, and name the venue's code."""
    with report.check(what):
        try:
            answer = await call()
        except Exception as error:
            if code not in str(error):
                raise
        else:
            raise AssertionError(f"not refused: {answer!r}")


if __name__ == "__main__":
    main()
