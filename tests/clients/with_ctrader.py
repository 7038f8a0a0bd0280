"""ctrader-open-api, the vendor's own client: over TLS, unchanged but for the address."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import requests
from ctrader_open_api import Auth, Client, Protobuf, TcpProtocol
from twisted.internet import defer, reactor

from tests.clients.report import Report

DEMO = 5120001
LIVE = 7230001
M1, D1 = 1, 12
BUY, MARKET, LIMIT, PROTECTION = 1, 1, 2, 4
ACCEPTED, FILLED, REPLACED, CANCELLED = 2, 3, 4, 5
HALF = 100_000
"""Cents of units: the volume that a position of twice as much is closed by."""
EVENTS_FOLLOWED = 20


def main() -> None:
    addresses = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["ctrader"]
    report = Report("ctrader-open-api")
    os.environ["REQUESTS_CA_BUNDLE"] = addresses["ca"]
    token = signing_in(report, addresses)
    host, _, port = addresses["demo"].partition(":")
    desk = Desk(Client(host, int(port), TcpProtocol, numberOfMessagesToSendPerSecond=40), addresses)

    def ended(_: object) -> None:
        desk.client.stopService()
        reactor.callLater(0.2, reactor.stop)

    desk.begin().addCallback(lambda _: checks(report, desk, token)).addErrback(
        report_failure(report)
    ).addBoth(ended)
    late = reactor.callLater(150, report_late, report)
    reactor.run()
    if late.active():
        late.cancel()
    report.exit()


def report_failure(report: Report) -> Callable[[Any], None]:
    def tell(failure: Any) -> None:
        report.failures += 1
        print(f"FAIL {report.client}: {failure.getErrorMessage()}", flush=True)

    return tell


def report_late(report: Report) -> None:
    report.failures += 1
    print(f"FAIL {report.client}: not done within 150 s", flush=True)
    reactor.stop()


def signing_in(report: Report, addresses: dict[str, Any]) -> str:
    """Through the pages with the client's own addresses, then the token endpoint; the access token."""
    auth = Auth(addresses["client_id"], addresses["client_secret"], addresses["redirect"])
    tokens = [str(addresses["access_token"])]
    with report.check("authorisation page, consent, token and its renewal"):
        base = addresses["authorize"].rpartition("/my/")[0]
        page = requests.get(auth.getAuthUri(baseUri=base + "/apps/auth"), timeout=5)
        consent = requests.post(base + "/practice/login", data={"visit": visit(page.text)}, timeout=5)
        left = requests.post(
            base + "/practice/consent",
            data={"visit": visit(consent.text), "account": [DEMO, LIVE], "answer": "allow"},
            allow_redirects=False,
            timeout=5,
        )
        code = left.headers["location"].rpartition("code=")[2]
        pair = auth.getToken(code, baseUri=addresses["token"])
        assert pair["errorCode"] is None, pair
        renewed = auth.refreshToken(pair["refreshToken"], baseUri=addresses["token"])
        assert renewed["errorCode"] is None, renewed
        tokens.append(renewed["accessToken"])
    return tokens[-1]


def visit(page: str) -> str:
    found = re.search(r'name="visit" value="([^"]+)"', page)
    assert found is not None
    return found[1]


class Desk:
    """The client with what came over it."""

    def __init__(self, client: Any, addresses: dict[str, Any]) -> None:
        self.client = client
        self.addresses = addresses
        self.events: list[Any] = []
        client.setMessageReceivedCallback(lambda _, message: self.events.append(Protobuf.extract(message)))

    def begin(self) -> Any:
        """Fires once connected."""
        connected = defer.Deferred()
        self.client.setConnectedCallback(lambda _: None if connected.called else connected.callback(None))
        self.client.startService()
        return connected

    @defer.inlineCallbacks  # type: ignore[untyped-decorator]
    def ask(self, name: str, **fields: Any) -> Generator[Any, Any, Any]:
        message = Protobuf.get(name)
        for field, value in fields.items():
            if isinstance(value, list):
                getattr(message, field).extend(value)
            else:
                setattr(message, field, value)
        answer = yield self.client.send(message, responseTimeoutInSeconds=10)
        found = Protobuf.extract(answer)
        assert "Error" not in type(found).__name__, found
        return found

    @defer.inlineCallbacks  # type: ignore[untyped-decorator]
    def until(
        self, holds: Callable[[Any], object], what: str, timeout_s: float = 15
    ) -> Generator[Any, Any, Any]:
        """The first event that is what one waits for."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = next((event for event in self.events if holds(event)), None)
            if found is not None:
                return found
            assert time.monotonic() < deadline, f"no {what}"
            pause = defer.Deferred()
            reactor.callLater(0.02, pause.callback, None)
            yield pause


def of(event: Any, name: str) -> bool:
    return type(event).__name__ == name


def execution(event: Any, kind: int | None = None) -> bool:
    return of(event, "ProtoOAExecutionEvent") and kind in (None, event.executionType)


def closing(event: Any) -> bool:
    return execution(event, FILLED) and bool(event.deal.HasField("closePositionDetail"))


class Market:
    """Best prices, the minute's bar and the book, merged from the events as they come."""

    def __init__(self) -> None:
        self._read = 0
        self._spots = self._depths = self._bars = 0
        self._bid = self._ask = self._time = 0
        self._book: dict[int, tuple[str, int]] = {}

    def follow(self, events: list[Any]) -> int:
        """Take in what is new; how many of the rarest of quotes, live bars and book changes came so far."""
        for event in events[self._read :]:
            if of(event, "ProtoOASpotEvent"):
                self._spot(event)
            elif of(event, "ProtoOADepthEvent"):
                self._depth(event)
        self._read = len(events)
        return min(self._spots, self._bars, self._depths)

    def _spot(self, event: Any) -> None:
        self._spots += 1
        self._bid = event.bid or self._bid
        self._ask = event.ask or self._ask
        assert self._bid < self._ask, "a spread"
        assert event.timestamp >= self._time, "time that runs forward"
        self._time = event.timestamp
        for bar in event.trendbar:
            self._bars += 1
            assert bar.period == M1
            assert bar.low <= self._bid <= bar.low + bar.deltaHigh, "the bid is within its bar"

    def _depth(self, event: Any) -> None:
        self._depths += 1
        for quote_id in event.deletedQuotes:
            del self._book[quote_id]
        for quote in event.newQuotes:
            self._book[quote.id] = ("bid", quote.bid) if quote.HasField("bid") else ("ask", quote.ask)
        bids = [price for side, price in self._book.values() if side == "bid"]
        asks = [price for side, price in self._book.values() if side == "ask"]
        assert max(bids) < min(asks), "a book that is not crossed"


@defer.inlineCallbacks  # type: ignore[untyped-decorator]
def refused(desk: Desk, name: str, **fields: Any) -> Generator[Any, Any, str]:
    """The code that the venue refuses a request with."""
    try:
        answer = yield desk.ask(name, **fields)
    except AssertionError as error:
        return str(error.args[0].errorCode)
    raise AssertionError(f"not refused: {answer}")


@defer.inlineCallbacks  # type: ignore[untyped-decorator]
def checks(report: Report, desk: Desk, token: str) -> Generator[Any, Any, None]:
    ask, until = desk.ask, desk.until
    with report.check("application, version, accounts, profile"):
        yield ask(
            "ApplicationAuthReq",
            clientId=desk.addresses["client_id"],
            clientSecret=desk.addresses["client_secret"],
        )
        assert (yield ask("VersionReq")).version
        accounts = yield ask("GetAccountListByAccessTokenReq", accessToken=token)
        assert {row.ctidTraderAccountId for row in accounts.ctidTraderAccount} == {DEMO, LIVE}
        assert (yield ask("GetCtidProfileByTokenReq", accessToken=token)).profile.userId
        yield ask("AccountAuthReq", ctidTraderAccountId=DEMO, accessToken=token)
    with report.check("trader, assets, classes, categories, symbols"):
        trader = (yield ask("TraderReq", ctidTraderAccountId=DEMO)).trader
        assert trader.balance == 1_000_000
        assets = {
            row.assetId: row.name for row in (yield ask("AssetListReq", ctidTraderAccountId=DEMO)).asset
        }
        assert assets[trader.depositAssetId] == "USD"
        assert (yield ask("AssetClassListReq", ctidTraderAccountId=DEMO)).assetClass
        assert (yield ask("SymbolCategoryListReq", ctidTraderAccountId=DEMO)).symbolCategory
        light = {
            row.symbolName: row.symbolId
            for row in (yield ask("SymbolsListReq", ctidTraderAccountId=DEMO)).symbol
        }
        euro = light["EURUSD"]
        full = (yield ask("SymbolByIdReq", ctidTraderAccountId=DEMO, symbolId=[euro])).symbol[0]
        assert (full.digits, full.lotSize) == (5, 10_000_000)
    with report.check("spots, live bars, depth: followed, merged, within the bar"):
        yield ask(
            "SubscribeSpotsReq", ctidTraderAccountId=DEMO, symbolId=[euro], subscribeToSpotTimestamp=True
        )
        first = yield until(lambda event: of(event, "ProtoOASpotEvent"), "quote")
        assert first.bid < first.ask
        yield ask("SubscribeLiveTrendbarReq", ctidTraderAccountId=DEMO, symbolId=euro, period=M1)
        yield ask("SubscribeDepthQuotesReq", ctidTraderAccountId=DEMO, symbolId=[euro])
        market = Market()
        yield until(lambda _: market.follow(desk.events) >= EVENTS_FOLLOWED, "stream of prices", 45)
    with report.check("bars and ticks of the past"):
        now = int(time.time() * 1000)
        for period, count in ((M1, 500), (D1, 100)):
            bars = yield ask(
                "GetTrendbarsReq", ctidTraderAccountId=DEMO, symbolId=euro, period=period, count=count,
                fromTimestamp=now - 86_400_000, toTimestamp=now,
            )  # fmt: skip
            assert len(bars.trendbar) == count
            minutes = [row.utcTimestampInMinutes for row in bars.trendbar]
            assert minutes == sorted(set(minutes)), "bars in order, each once"
            assert all(max(row.deltaOpen, row.deltaClose) <= row.deltaHigh for row in bars.trendbar)
        ticks = yield ask(
            "GetTickDataReq", ctidTraderAccountId=DEMO, symbolId=euro, type=1, fromTimestamp=now - 600_000,
            toTimestamp=now,
        )  # fmt: skip
        assert len(ticks.tickData) > 100
    with report.check("limit order placed, amended, found by reconcile, cancelled"):
        placed = yield ask(
            "NewOrderReq", ctidTraderAccountId=DEMO, symbolId=euro, orderType=LIMIT, tradeSide=BUY,
            volume=100_000, limitPrice=0.5, label="vendor-limit",
        )  # fmt: skip
        order_id = placed.order.orderId
        assert (placed.executionType, placed.order.limitPrice) == (ACCEPTED, 0.5)
        amended = yield ask(
            "AmendOrderReq", ctidTraderAccountId=DEMO, orderId=order_id, volume=300_000, limitPrice=0.51
        )
        assert amended.executionType == REPLACED
        (order,) = (yield ask("ReconcileReq", ctidTraderAccountId=DEMO)).order
        assert (order.orderId, order.limitPrice, order.tradeData.volume) == (order_id, 0.51, 300_000)
        assert order.tradeData.label == "vendor-limit"
        cancelled = yield ask("CancelOrderReq", ctidTraderAccountId=DEMO, orderId=order_id)
        assert cancelled.executionType == CANCELLED
        assert not (yield ask("ReconcileReq", ctidTraderAccountId=DEMO)).order
    with report.check("market order filled with relative stop and target, stop amended"):
        yield ask(
            "NewOrderReq", ctidTraderAccountId=DEMO, symbolId=euro, orderType=MARKET, tradeSide=BUY,
            volume=2 * HALF, relativeStopLoss=500, relativeTakeProfit=900, label="vendor",
        )  # fmt: skip
        filled = yield until(lambda event: execution(event, FILLED), "fill")
        position = filled.position
        assert position.tradeData.label == "vendor"
        yield until(lambda event: execution(event) and event.order.orderType == PROTECTION, "protection")
        (held,) = (yield ask("ReconcileReq", ctidTraderAccountId=DEMO)).position
        assert held.positionId == position.positionId
        assert abs(held.price - held.stopLoss - 0.005) < 1e-9, "500 points below the fill"
        assert abs(held.takeProfit - held.price - 0.009) < 1e-9, "900 points above the fill"
        stop = round(held.price - 0.01, 5)
        yield ask("AmendPositionSLTPReq", ctidTraderAccountId=DEMO, positionId=held.positionId, stopLoss=stop)
        (held,) = (yield ask("ReconcileReq", ctidTraderAccountId=DEMO)).position
        assert held.stopLoss == stop
        assert not held.HasField("takeProfit"), "what an amendment does not name is removed"
    with report.check("half of the position closed, then the rest"):
        balances = []
        for left in (HALF, 0):
            desk.events.clear()
            yield ask(
                "ClosePositionReq", ctidTraderAccountId=DEMO, positionId=position.positionId, volume=HALF
            )
            closed = yield until(lambda event: closing(event), "close")
            assert closed.position.tradeData.volume == left
            assert closed.deal.closePositionDetail.closedVolume == HALF
            balances.append(closed.deal.closePositionDetail.balance)
        assert not (yield ask("ReconcileReq", ctidTraderAccountId=DEMO)).position
        assert (yield ask("TraderReq", ctidTraderAccountId=DEMO)).trader.balance == balances[-1]
    with report.check("deals listed"):
        deals = (yield ask(
            "DealListReq", ctidTraderAccountId=DEMO, fromTimestamp=now - 600_000, toTimestamp=now + 600_000,
            maxRows=10,
        )).deal  # fmt: skip
        assert sorted(row.filledVolume for row in deals) == [HALF, HALF, 2 * HALF]
        assert {row.positionId for row in deals} == {position.positionId}
        details = [row.closePositionDetail for row in deals if row.HasField("closePositionDetail")]
        assert sorted(row.balance for row in details) == sorted(balances)
    with report.check("refusals by name: a volume off its step, a symbol that is none"):
        for fields, code in (
            ({"symbolId": euro, "volume": 100_001}, "TRADING_BAD_VOLUME"),
            ({"symbolId": 999_999_999, "volume": 100_000}, "SYMBOL_NOT_FOUND"),
        ):
            said = yield refused(
                desk, "NewOrderReq", ctidTraderAccountId=DEMO, orderType=MARKET, tradeSide=BUY, **fields
            )
            assert said == code, said


if __name__ == "__main__":
    main()
