"""A broker's side written by hand: symbols, a client that answers from a table, and the messages of an
order's life as the protocol's description tells them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Any, cast

from google.protobuf.message import Message

from terminal.core.clock import ManualClock
from terminal.domain.account import AccountInfo
from terminal.domain.errors import RequestRejected
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.symbols import Listing, Symbols

D = Decimal
ACCOUNT = 5120001
EURUSD, USDJPY, US500 = 1, 2, 3
T0 = 1_700_000_000_000
"""The broker's clock at the beginning, ms."""

Enum = Any
"""A number of one of the protocol's enumerations."""
Answer = Message | Exception | Callable[[Any], "Message | Exception"]


def light(symbol_id: int, name: str, base: int, quote: int) -> pb.ProtoOALightSymbol:
    return pb.ProtoOALightSymbol(
        symbolId=symbol_id, symbolName=name, enabled=True, baseAssetId=base, quoteAssetId=quote
    )


def full(symbol_id: int) -> pb.ProtoOASymbol:
    digits, pip, lot, step = {
        EURUSD: (5, 4, 10_000_000, 100_000),
        USDJPY: (3, 2, 10_000_000, 100_000),
        US500: (2, 1, 100, 1),
    }[symbol_id]
    return pb.ProtoOASymbol(
        symbolId=symbol_id,
        digits=digits,
        pipPosition=pip,
        lotSize=lot,
        minVolume=step,
        stepVolume=step,
        maxVolume=lot * 100,
        preciseTradingCommissionRate=3_000_000_000,
        commissionType=pb.USD_PER_MILLION_USD,
        guaranteedStopLoss=True,
    )


class FakeClient:
    """Answers requests from a table by the request's class; what is not in it is refused."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.options: list[dict[str, Any]] = []
        self.answers: dict[type[Message], Answer] = {
            pb.ProtoOAAssetListReq: pb.ProtoOAAssetListRes(
                ctidTraderAccountId=ACCOUNT,
                asset=[
                    pb.ProtoOAAsset(assetId=1, name="EUR", digits=2),
                    pb.ProtoOAAsset(assetId=2, name="USD", digits=2),
                    pb.ProtoOAAsset(assetId=3, name="JPY", digits=0),
                    pb.ProtoOAAsset(assetId=4, name="US500.cash", digits=2),
                ],
            ),
            pb.ProtoOASymbolsListReq: pb.ProtoOASymbolsListRes(
                ctidTraderAccountId=ACCOUNT,
                symbol=[
                    light(EURUSD, "EURUSD", 1, 2),
                    light(USDJPY, "USDJPY", 2, 3),
                    light(US500, "US500", 4, 2),
                ],
            ),
            pb.ProtoOASymbolByIdReq: lambda message: pb.ProtoOASymbolByIdRes(
                ctidTraderAccountId=ACCOUNT, symbol=[full(each) for each in message.symbolId]
            ),
            pb.ProtoOAMarginCallListReq: pb.ProtoOAMarginCallListRes(
                marginCall=[
                    pb.ProtoOAMarginCall(
                        marginCallType=pb.MARGIN_LEVEL_THRESHOLD_1, marginLevelThreshold=100
                    ),
                    pb.ProtoOAMarginCall(
                        marginCallType=pb.MARGIN_LEVEL_THRESHOLD_2, marginLevelThreshold=70.5
                    ),
                ]
            ),
            pb.ProtoOATraderReq: pb.ProtoOATraderRes(ctidTraderAccountId=ACCOUNT, trader=trader()),
            pb.ProtoOAReconcileReq: state(),
            pb.ProtoOAOrderListReq: pb.ProtoOAOrderListRes(ctidTraderAccountId=ACCOUNT, hasMore=False),
            pb.ProtoOADealListReq: pb.ProtoOADealListRes(ctidTraderAccountId=ACCOUNT, hasMore=False),
            pb.ProtoOAGetPositionUnrealizedPnLReq: pb.ProtoOAGetPositionUnrealizedPnLRes(
                ctidTraderAccountId=ACCOUNT, moneyDigits=2
            ),
        }

    async def request(self, message: Message, *, answer: Any, **options: Any) -> Any:
        self.sent.append(message)
        self.options.append(options)
        found = self.answers.get(type(message))
        if callable(found):
            found = found(message)
        if found is None:
            raise refusal("UNSUPPORTED_MESSAGE")
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, answer)
        return found

    async def request_or_done(self, message: Message, *, answer: Any) -> Any:
        return await self.request(message, answer=answer)

    def asked(self, kind: type[Message]) -> list[Any]:
        return [message for message in self.sent if type(message) is kind]


class FakePrices:
    """Best prices set by hand, and who wants them."""

    def __init__(self) -> None:
        self.quotes: dict[int, tuple[Decimal, Decimal]] = {}
        self.wanted: set[int] = set()

    def bid_ask(self, symbol_id: int) -> tuple[Decimal, Decimal] | None:
        return self.quotes.get(symbol_id)

    def want_price(self, symbol_id: int, who: Hashable) -> None:
        assert symbol_id not in self.wanted
        self.wanted.add(symbol_id)

    def drop_price(self, symbol_id: int, who: Hashable) -> None:
        self.wanted.remove(symbol_id)


class FakeRates:
    """Conversion rates set by hand."""

    def __init__(self) -> None:
        self.rates: dict[tuple[str, str], Decimal] = {}

    def rate(self, from_asset: str, to_asset: str) -> Decimal | None:
        return D(1) if from_asset == to_asset else self.rates.get((from_asset, to_asset))


class FakeAccount:
    """One account of the broker, in US dollars."""

    def __init__(self) -> None:
        self.account_id = ACCOUNT
        self.fake = FakeClient()
        self.client = cast("Client", self.fake)
        self.clock = ManualClock(wall_ns=T0 * 1_000_000)
        self.symbols = Symbols(self.client, ACCOUNT, self.clock)
        self.streams = FakePrices()
        self.rates = FakeRates()
        self.trader: pb.ProtoOATrader | None = trader()
        self.can_trade = True
        self.currency = "USD"
        self.money_digits = 2

    def info(self) -> AccountInfo:
        return AccountInfo(account_id=str(ACCOUNT), title="Practice 5120001", is_live=False, currency="USD")

    async def ready(self) -> FakeAccount:
        await self.symbols.load()
        await self.symbols.details_of([EURUSD, USDJPY, US500])
        return self


def listing(symbol_id: int) -> Listing:
    """A symbol with its record, without a client."""
    names = {EURUSD: "EURUSD", USDJPY: "USDJPY", US500: "US500"}
    bare = Symbols(cast("Client", FakeClient()), ACCOUNT, ManualClock())
    found = bare._listing(light(symbol_id, names[symbol_id], 1, 2), {})
    found.detail = full(symbol_id)
    return found


def refusal(code: str, words: str = "") -> RequestRejected:
    return RequestRejected("ctrader", code, code=code, venue_text=words)


# --- what a broker tells -----------------------------------------------------------------------------------


def trader(balance: int = 1_000_000, version: int = 1, **more: Any) -> pb.ProtoOATrader:
    fields = {"moneyDigits": 2, "totalMarginCalculationType": pb.MAX, **more}
    return pb.ProtoOATrader(
        ctidTraderAccountId=ACCOUNT, balance=balance, balanceVersion=version, depositAssetId=2, **fields
    )


def state(*, position: Any = (), order: Any = ()) -> pb.ProtoOAReconcileRes:
    return pb.ProtoOAReconcileRes(ctidTraderAccountId=ACCOUNT, position=position, order=order)


def data(side: Enum, volume: int, **more: Any) -> pb.ProtoOATradeData:
    fields = {"symbolId": EURUSD, "openTimestamp": T0, **more}
    return pb.ProtoOATradeData(tradeSide=side, volume=volume, **fields)


def order(
    order_id: int,
    kind: Enum = pb.MARKET,
    *,
    status: Enum = pb.ORDER_STATUS_ACCEPTED,
    side: Enum = pb.BUY,
    volume: int = 100_000,
    at: int = T0,
    trade: dict[str, Any] | None = None,
    **more: Any,
) -> pb.ProtoOAOrder:
    return pb.ProtoOAOrder(
        orderId=order_id,
        tradeData=data(side, volume, **(trade or {})),
        orderType=kind,
        orderStatus=status,
        utcLastUpdateTimestamp=at,
        **more,
    )


def position(
    position_id: int,
    *,
    volume: int = 100_000,
    side: Enum = pb.BUY,
    status: Enum = pb.POSITION_STATUS_OPEN,
    at: int = T0,
    trade: dict[str, Any] | None = None,
    **more: Any,
) -> pb.ProtoOAPosition:
    fields = {"price": 1.14816, "usedMargin": 3_827, "moneyDigits": 2, "swap": 0, "commission": -3, **more}
    return pb.ProtoOAPosition(
        positionId=position_id,
        tradeData=data(side, volume, **(trade or {})),
        positionStatus=status,
        utcLastUpdateTimestamp=at,
        **fields,
    )


def shell(position_id: int, *, at: int = T0, status: Enum = pb.POSITION_STATUS_CREATED) -> pb.ProtoOAPosition:
    """The empty position of an order that is not filled yet, or of one that is over."""
    return pb.ProtoOAPosition(
        positionId=position_id,
        tradeData=data(pb.BUY, 0),
        positionStatus=status,
        swap=0,
        utcLastUpdateTimestamp=at,
    )


def deal(
    deal_id: int,
    order_id: int,
    position_id: int,
    *,
    volume: int = 100_000,
    filled: int | None = None,
    side: Enum = pb.BUY,
    at: int = T0,
    status: Enum = pb.FILLED,
    closes: pb.ProtoOAClosePositionDetail | None = None,
    **more: Any,
) -> pb.ProtoOADeal:
    fields = {"executionPrice": 1.14816, "commission": -3, "moneyDigits": 2, "symbolId": EURUSD, **more}
    return pb.ProtoOADeal(
        dealId=deal_id,
        orderId=order_id,
        positionId=position_id,
        volume=volume,
        filledVolume=volume if filled is None else filled,
        createTimestamp=at,
        executionTimestamp=at,
        tradeSide=side,
        dealStatus=status,
        closePositionDetail=closes,
        **fields,
    )


def closing(balance: int, version: int, *, profit: int = 0, swap: int = 0) -> pb.ProtoOAClosePositionDetail:
    return pb.ProtoOAClosePositionDetail(
        entryPrice=1.14816,
        grossProfit=profit,
        swap=swap,
        commission=-6,
        balance=balance,
        balanceVersion=version,
        moneyDigits=2,
    )


def execution(kind: Enum, **parts: Any) -> pb.ProtoOAExecutionEvent:
    return pb.ProtoOAExecutionEvent(ctidTraderAccountId=ACCOUNT, executionType=kind, **parts)
