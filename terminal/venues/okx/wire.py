"""The shapes of OKX's messages, field by field in OKX's own words; unknown fields are ignored.

OKX sends every number as text, and an empty text for what does not apply. Fields that may be empty are read
as text and turned into numbers where they are used (:mod:`.parse`); levels of a book never are, so they are
decoded at once (OKX v5, REST and WebSocket, 2026-07).
"""

# ruff: noqa: N815 - the names are OKX's own

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw, Struct

from terminal.domain.decimals import Price

# --- envelopes -------------------------------------------------------------------------------------------


class Envelope(Struct):
    """``{"code":"0","msg":"","data":[...]}``."""

    code: str = ""
    msg: str = ""
    data: Raw = Raw()


class Arg(Struct):
    """Which subscription a message belongs to."""

    channel: str = ""
    instId: str = ""
    instType: str = ""


class Head(Struct):
    """What tells messages apart: an event, an answer to an order (``op``), or data (``arg``)."""

    event: str = ""
    op: str = ""
    id: str = ""
    code: str = ""
    msg: str = ""
    arg: Arg | None = None
    data: Raw = Raw()
    action: str = ""
    eventType: str = ""
    curPage: int = 1
    lastPage: bool = True


# --- public data -----------------------------------------------------------------------------------------


class Level(Struct, array_like=True, gc=False):
    """``["8476.98","415","0","13"]``: price, size, nothing, how many orders."""

    price: Price
    quantity: Decimal


class BookRow(Struct, gc=False):
    asks: tuple[Level, ...]
    bids: tuple[Level, ...]
    ts: str = ""
    checksum: int = 0
    """CRC-32, only in recordings from before 2026-06: always 0 since."""
    seqId: int | None = None
    prevSeqId: int | None = None
    """-1 on a snapshot; missing where pushes are whole (``books5``, ``bbo-tbt``)."""


class BookMessage(Struct, gc=False):
    arg: Arg
    data: tuple[BookRow, ...]
    action: str = ""
    """``snapshot`` or ``update``; missing where each push is whole."""


class TickerRow(Struct):
    instId: str
    last: str = ""
    askPx: str = ""
    askSz: str = ""
    bidPx: str = ""
    bidSz: str = ""
    open24h: str = ""
    high24h: str = ""
    low24h: str = ""
    vol24h: str = ""
    """Base for spot, contracts for derivatives."""
    volCcy24h: str = ""
    ts: str = ""


class TickerMessage(Struct):
    arg: Arg
    data: tuple[TickerRow, ...]


class TradeRow(Struct):
    instId: str
    tradeId: str
    px: Decimal
    sz: Decimal
    side: str
    """The taker's."""
    ts: str


class TradeMessage(Struct):
    arg: Arg
    data: tuple[TradeRow, ...]


class CandleRow(Struct, array_like=True):
    """``["1629993600000","42500","48199.9","41006.1","41006.1","3587.4","166741046.2","166741046.2","0"]``."""

    ts: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    """Base for spot, contracts for derivatives."""
    volume_ccy: str = ""
    volume_quote: str = ""
    confirm: str = "1"


class CandleMessage(Struct):
    arg: Arg
    data: tuple[CandleRow, ...]


class FundingRow(Struct):
    instId: str
    fundingRate: str = ""
    fundingTime: str = ""
    nextFundingTime: str = ""
    ts: str = ""


class FundingMessage(Struct):
    arg: Arg
    data: tuple[FundingRow, ...]


class InstrumentRow(Struct):
    instType: str
    instId: str
    tickSz: str = ""
    lotSz: str = ""
    minSz: str = ""
    maxLmtSz: str = ""
    maxLmtAmt: str = ""
    ctVal: str = ""
    ctMult: str = ""
    ctValCcy: str = ""
    ctType: str = ""
    """``linear`` or ``inverse``."""
    settleCcy: str = ""
    state: str = "live"
    lever: str = ""
    groupId: str = ""
    instIdCode: int | None = None
    expTime: str = ""
    tradeQuoteCcyList: list[str] = []


class InstrumentMessage(Struct):
    arg: Arg
    data: tuple[InstrumentRow, ...]


class TimeRow(Struct):
    ts: str


# --- account ---------------------------------------------------------------------------------------------


class BalanceDetail(Struct):
    ccy: str
    cashBal: str = ""
    availBal: str = ""
    eq: str = ""
    eqUsd: str = ""
    frozenBal: str = ""
    availEq: str = ""
    upl: str = ""
    imr: str = ""
    isoEq: str = ""
    """Margin and open profit of isolated positions; the profit alone is ``isoUpl``."""
    isoUpl: str = ""
    mgnRatio: str = ""


class BalanceRow(Struct):
    details: list[BalanceDetail] = []
    totalEq: str = ""
    """All in USD, as is what follows."""
    availEq: str = ""
    upl: str = ""
    imr: str = ""
    isoEq: str = ""
    mgnRatio: str = ""
    """Equity to maintenance margin: OKX liquidates at 1. Not in futures mode, which has it by currency."""
    uTime: str = ""


class ConfigRow(Struct):
    uid: str = ""
    acctLv: str = ""
    """1 spot, 2 futures, 3 multi-currency, 4 portfolio."""
    posMode: str = ""
    """``net_mode`` or ``long_short_mode``."""
    perm: str = ""
    """``read_only,trade,withdraw``."""
    ip: str = ""
    label: str = ""
    kycLv: str = ""


class PositionRow(Struct):
    instId: str
    instType: str = ""
    posId: str = ""
    posSide: str = "net"
    mgnMode: str = ""
    pos: str = ""
    posCcy: str = ""
    """Of borrowed spot (``MARGIN``), whose ``pos`` is never negative: base for a long, quote for a short."""
    liab: str = ""
    liabCcy: str = ""
    avgPx: str = ""
    upl: str = ""
    margin: str = ""
    imr: str = ""
    lever: str = ""
    liqPx: str = ""
    ccy: str = ""
    fee: str = ""
    fundingFee: str = ""
    cTime: str = ""
    uTime: str = ""


class FeeGroup(Struct):
    groupId: str = ""
    maker: str = ""
    taker: str = ""


class FeeRow(Struct):
    feeGroup: list[FeeGroup] = []
    maker: str = ""
    taker: str = ""


class LeverageRow(Struct):
    lever: str = ""
    mgnMode: str = ""
    posSide: str = ""
    instId: str = ""


# --- orders ----------------------------------------------------------------------------------------------


class AttachedRow(Struct):
    """A stop and target that wait for the fill of their order."""

    slTriggerPx: str = ""
    tpTriggerPx: str = ""


class OrderRow(Struct):
    """REST's order, and the orders channel's, which tells the newest fill as well."""

    instId: str
    ordId: str
    side: str
    ordType: str
    state: str
    sz: str = ""
    instType: str = ""
    clOrdId: str = ""
    px: str = ""
    posSide: str = ""
    tdMode: str = ""
    tgtCcy: str = ""
    accFillSz: str = ""
    avgPx: str = ""
    fillPx: str = ""
    fillSz: str = ""
    fillTime: str = ""
    tradeId: str = ""
    execType: str = ""
    fillFee: str = ""
    fillFeeCcy: str = ""
    fillPnl: str = ""
    reduceOnly: str | bool = ""
    cancelSource: str = ""
    cancelSourceReason: str = ""
    algoId: str = ""
    algoClOrdId: str = ""
    category: str = ""
    amendResult: str = ""
    attachAlgoOrds: list[AttachedRow] = []
    code: str = ""
    msg: str = ""
    cTime: str = ""
    uTime: str = ""


class FillRow(Struct):
    instId: str
    tradeId: str
    ordId: str
    side: str
    fillPx: str
    fillSz: str
    clOrdId: str = ""
    billId: str = ""
    posSide: str = ""
    execType: str = ""
    feeCcy: str = ""
    fee: str = ""
    fillPnl: str = ""
    fillTime: str = ""
    ts: str = ""


class BillRow(Struct):
    """A change of a balance, by a trade or otherwise."""

    billId: str
    type: str
    ts: str
    subType: str = ""
    ccy: str = ""
    balChg: str = ""
    posBalChg: str = ""
    """Of an isolated position's margin."""
    bal: str = ""
    instId: str = ""
    notes: str = ""


class AlgoRow(Struct):
    """A stop order; the channel ``orders-algo`` and ``orders-algo-pending`` tell the same fields."""

    instId: str
    algoId: str
    side: str = ""
    ordType: str = ""
    state: str = "live"
    instType: str = ""
    algoClOrdId: str = ""
    clOrdId: str = ""
    ordId: str = ""
    sz: str = ""
    posSide: str = ""
    tdMode: str = ""
    reduceOnly: str | bool = ""
    tpTriggerPx: str = ""
    tpOrdPx: str = ""
    tpTriggerPxType: str = ""
    slTriggerPx: str = ""
    slOrdPx: str = ""
    slTriggerPxType: str = ""
    triggerPx: str = ""
    orderPx: str = ""
    ordPx: str = ""
    triggerPxType: str = ""
    callbackRatio: str = ""
    callbackSpread: str = ""
    activePx: str = ""
    moveTriggerPx: str = ""
    actualSide: str = ""
    """Which leg was hit: ``tp`` or ``sl``."""
    failCode: str = ""
    cTime: str = ""
    uTime: str = ""
    triggerTime: str = ""


class Ack(Struct):
    """One row of a trading answer: ``sCode`` is the verdict on it."""

    sCode: str = ""
    sMsg: str = ""
    ordId: str = ""
    clOrdId: str = ""
    algoId: str = ""
    algoClOrdId: str = ""
    subCode: str = ""


class CloseRow(Struct):
    instId: str = ""
    clOrdId: str = ""


class CancelAfterRow(Struct):
    triggerTime: str = ""
