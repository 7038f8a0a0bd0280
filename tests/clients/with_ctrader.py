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
BUY, MARKET, LIMIT = 1, 1, 2


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
    reactor.callLater(60, reactor.stop)
    reactor.run()
    report.exit()


def report_failure(report: Report) -> Callable[[Any], None]:
    def tell(failure: Any) -> None:
        report.failures += 1
        print(f"FAIL {report.client}: {failure.getErrorMessage()}", flush=True)

    return tell


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
    def until(self, holds: Callable[[Any], object], what: str) -> Generator[Any, Any, Any]:
        """The first event that is what one waits for."""
        deadline = time.monotonic() + 15
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
    with report.check("spots, live bars, depth"):
        yield ask("SubscribeSpotsReq", ctidTraderAccountId=DEMO, symbolId=[euro])
        first = yield until(lambda event: of(event, "ProtoOASpotEvent"), "quote")
        assert first.bid < first.ask
        yield ask("SubscribeLiveTrendbarReq", ctidTraderAccountId=DEMO, symbolId=euro, period=M1)
        yield until(lambda event: of(event, "ProtoOASpotEvent") and event.trendbar, "live bar")
        yield ask("SubscribeDepthQuotesReq", ctidTraderAccountId=DEMO, symbolId=[euro])
        book = yield until(lambda event: of(event, "ProtoOADepthEvent"), "book")
        assert len(book.newQuotes) >= 10
    with report.check("bars and ticks of the past"):
        now = int(time.time() * 1000)
        for period, count in ((M1, 500), (D1, 100)):
            bars = yield ask(
                "GetTrendbarsReq", ctidTraderAccountId=DEMO, symbolId=euro, period=period, count=count,
                fromTimestamp=now - 86_400_000, toTimestamp=now,
            )  # fmt: skip
            assert len(bars.trendbar) == count
        ticks = yield ask(
            "GetTickDataReq", ctidTraderAccountId=DEMO, symbolId=euro, type=1, fromTimestamp=now - 600_000,
            toTimestamp=now,
        )  # fmt: skip
        assert len(ticks.tickData) > 100
    with report.check("market order with stop and target, its change, and its close"):
        yield ask(
            "NewOrderReq", ctidTraderAccountId=DEMO, symbolId=euro, orderType=MARKET, tradeSide=BUY,
            volume=100_000, relativeStopLoss=500, relativeTakeProfit=900, label="vendor",
        )  # fmt: skip
        filled = yield until(
            lambda event: of(event, "ProtoOAExecutionEvent") and event.executionType == 3, "fill"
        )
        position = filled.position
        assert position.tradeData.label == "vendor"
        yield until(
            lambda event: of(event, "ProtoOAExecutionEvent") and event.order.orderType == 4, "protection"
        )
        yield ask(
            "AmendPositionSLTPReq", ctidTraderAccountId=DEMO, positionId=position.positionId,
            stopLoss=round(position.price - 0.01, 5),
        )  # fmt: skip
        held = yield ask("ReconcileReq", ctidTraderAccountId=DEMO)
        assert [row.positionId for row in held.position] == [position.positionId]
        assert not held.position[0].HasField("takeProfit")
        yield ask(
            "ClosePositionReq", ctidTraderAccountId=DEMO, positionId=position.positionId, volume=100_000
        )
        closed = yield until(
            lambda event: of(event, "ProtoOAExecutionEvent") and event.deal.HasField("closePositionDetail"),
            "close",
        )
        assert closed.position.tradeData.volume == 0
    with report.check("pending order and its cancellation; deals"):
        placed = yield ask(
            "NewOrderReq", ctidTraderAccountId=DEMO, symbolId=euro, orderType=LIMIT, tradeSide=BUY,
            volume=100_000, limitPrice=0.5,
        )  # fmt: skip
        cancelled = yield ask("CancelOrderReq", ctidTraderAccountId=DEMO, orderId=placed.order.orderId)
        assert cancelled.executionType == 5
        deals = yield ask(
            "DealListReq", ctidTraderAccountId=DEMO, fromTimestamp=now - 600_000, toTimestamp=now + 600_000,
            maxRows=10,
        )  # fmt: skip
        assert len(deals.deal) == 2


if __name__ == "__main__":
    main()
