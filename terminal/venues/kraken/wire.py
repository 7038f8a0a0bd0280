"""The shapes of Kraken's messages, field by field in Kraken's own words; unknown fields are ignored.

Numbers are read from their own text into ``Decimal``. msgspec takes "NaN" and 1E+999 as Decimals: whoever
turns a shape into a domain value checks it (:mod:`.parse`). Shapes as in Kraken's REST and WebSocket v2
pages, 2026-08. One file, because REST and WebSocket share many of the shapes and a reader looks for a field
by its name.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

# --- REST: envelope and public calls ---------------------------------------------------------------------


class Envelope(Struct):
    """``{"error":[],"result":{...}}``."""

    error: list[str] = []
    result: Raw = Raw()


class ServerTime(Struct):
    unixtime: int
    rfc1123: str = ""


class SystemStatus(Struct):
    status: str
    """``online``, ``maintenance``, ``cancel_only`` or ``post_only``."""
    timestamp: str = ""


class AssetInfo(Struct):
    altname: str
    aclass: str = "currency"
    decimals: int = 10
    display_decimals: int = 5
    collateral_value: Decimal | None = None
    status: str = "enabled"


class PairInfo(Struct):
    altname: str
    base: str
    quote: str
    pair_decimals: int
    lot_decimals: int
    wsname: str = ""
    cost_decimals: int = 8
    ordermin: Decimal | None = None
    costmin: Decimal | None = None
    tick_size: Decimal | None = None
    status: str = "online"
    leverage_buy: list[int] = []
    leverage_sell: list[int] = []
    fees: list[tuple[Decimal, Decimal]] = []
    """Taker: (30-day volume from which it holds, per cent)."""
    fees_maker: list[tuple[Decimal, Decimal]] = []


class TickerInfo(Struct):
    """Two figures are "today since 00:00 UTC" and "the last 24 hours"."""

    a: list[Decimal]
    b: list[Decimal]
    c: list[Decimal]
    v: list[Decimal]
    p: list[Decimal]
    t: list[int]
    l: list[Decimal]  # noqa: E741  Kraken's own name
    h: list[Decimal]
    o: Decimal


class OhlcRow(Struct, array_like=True):
    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    vwap: Decimal
    volume: Decimal
    count: int


class OhlcResult(Struct):
    rows: list[OhlcRow]
    last: int
    """Time of the last row that will not change any more."""


class DepthRow(Struct, array_like=True):
    price: Decimal
    volume: Decimal
    time: Decimal


class DepthResult(Struct):
    asks: list[DepthRow]
    bids: list[DepthRow]


class PublicTrade(Struct, array_like=True):
    price: Decimal
    volume: Decimal
    time: Decimal
    side: str
    """Taker's: ``b`` or ``s``."""
    kind: str
    misc: str = ""
    trade_id: int = 0


class TradesResult(Struct):
    rows: list[PublicTrade]
    last: int
    """Nanoseconds: where to go on from."""


class SpreadRow(Struct, array_like=True):
    time: int
    bid: Decimal
    ask: Decimal


class SpreadResult(Struct):
    rows: list[SpreadRow]
    last: int


# --- REST: account ---------------------------------------------------------------------------------------


class ExtendedBalance(Struct):
    balance: Decimal
    hold_trade: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    credit_used: Decimal = Decimal(0)


class TradeBalance(Struct):
    eb: Decimal
    tb: Decimal
    m: Decimal
    n: Decimal
    c: Decimal
    v: Decimal
    e: Decimal
    mf: Decimal
    ml: Decimal | None = None
    uv: Decimal | None = None


class OrderTerms(Struct):
    pair: str
    type: str
    ordertype: str
    price: str = "0"
    """As ordered; may be relative (``+1.5%``)."""
    price2: str = "0"
    leverage: str = "none"
    order: str = ""
    close: str = ""


class RestOrder(Struct):
    status: str
    descr: OrderTerms
    vol: Decimal
    vol_exec: Decimal
    opentm: Decimal = Decimal(0)
    starttm: Decimal = Decimal(0)
    expiretm: Decimal = Decimal(0)
    closetm: Decimal | None = None
    refid: str | None = None
    userref: int | None = None
    cl_ord_id: str | None = None
    cost: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    """Average price of the fills; 0 where there are none."""
    stopprice: Decimal = Decimal(0)
    limitprice: Decimal = Decimal(0)
    misc: str = ""
    oflags: str = ""
    reason: str | None = None
    trigger: str | None = None
    margin: bool = False
    reduce_only: bool = False
    trades: list[str] = []


class OpenOrdersResult(Struct):
    open: dict[str, RestOrder]


class ClosedOrdersResult(Struct):
    closed: dict[str, RestOrder]
    count: int | None = None


class RestTrade(Struct):
    ordertxid: str
    pair: str
    time: Decimal
    type: str
    ordertype: str
    price: Decimal
    cost: Decimal
    fee: Decimal
    vol: Decimal
    postxid: str = ""
    margin: Decimal = Decimal(0)
    leverage: str = ""
    misc: str = ""
    trade_id: int = 0
    maker: bool = False
    ledgers: list[str] = []
    posstatus: str | None = None
    cprice: Decimal | None = None
    ccost: Decimal | None = None
    cfee: Decimal | None = None
    cvol: Decimal | None = None
    cmargin: Decimal | None = None
    net: Decimal | None = None
    trades: list[str] = []


class TradesHistoryResult(Struct):
    trades: dict[str, RestTrade]
    count: int | None = None


class RestPosition(Struct):
    ordertxid: str
    pair: str
    time: Decimal
    type: str
    ordertype: str
    cost: Decimal
    fee: Decimal
    vol: Decimal
    vol_closed: Decimal
    margin: Decimal
    posstatus: str = "open"
    value: Decimal | None = None
    net: Decimal | None = None
    terms: str = ""
    rollovertm: Decimal | None = None
    misc: str = ""
    oflags: str = ""


class LedgerEntry(Struct):
    refid: str
    time: Decimal
    type: str
    asset: str
    amount: Decimal
    fee: Decimal
    balance: Decimal
    subtype: str = ""
    aclass: str = "currency"


class LedgersResult(Struct):
    ledger: dict[str, LedgerEntry]
    count: int | None = None


class FeeTier(Struct):
    fee: Decimal
    minfee: Decimal | None = None
    maxfee: Decimal | None = None
    nextfee: Decimal | None = None
    nextvolume: Decimal | None = None
    tiervolume: Decimal | None = None


class TradeVolumeResult(Struct):
    currency: str
    volume: Decimal
    fees: dict[str, FeeTier] | None = None
    fees_maker: dict[str, FeeTier] | None = None


class SocketToken(Struct):
    token: str
    expires: int = 900

    def __repr__(self) -> str:
        return f"SocketToken(***, expires={self.expires})"


# --- REST: trading ---------------------------------------------------------------------------------------


class OrderText(Struct, frozen=True):
    order: str = ""
    close: str = ""


class AddOrderResult(Struct):
    descr: OrderText = OrderText()
    txid: list[str] = []
    """Empty after a dry run."""


class AmendOrderResult(Struct):
    amend_id: str


class EditOrderResult(Struct):
    txid: str = ""
    originaltxid: str = ""
    status: str = ""
    volume: Decimal | None = None
    price: str | None = None
    price2: str | None = None
    orders_cancelled: int = 0
    descr: OrderText = OrderText()


class CancelResult(Struct):
    count: int
    pending: bool = False


class CancelAfterResult(Struct):
    currentTime: str  # noqa: N815  Kraken's own name
    triggerTime: str  # noqa: N815
    """``0`` when disarmed."""


class BatchRow(Struct):
    """One order's answer in a batch: an id or an error."""

    txid: str | None = None
    descr: OrderText | None = None
    error: str | None = None


class AddOrderBatchResult(Struct):
    orders: list[BatchRow]


class OrderAmendRow(Struct):
    amend_id: str = ""
    amend_type: str = ""
    """``original``, ``user`` or ``restated``."""
    order_qty: Decimal | None = None
    display_qty: Decimal | None = None
    remaining_qty: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    reason: str | None = None
    post_only: bool = False
    timestamp: Decimal | None = None


class OrderAmendsResult(Struct):
    count: int = 0
    amends: list[OrderAmendRow] = []


# --- WebSocket v2: public data -----------------------------------------------------------------------------


class WsLevel(Struct, gc=False):
    """A domain :class:`~terminal.domain.market.Level` as it is, hence the one name that is not Kraken's.

    msgspec makes numbers without a type by the decoder's hook, which keeps the prices (:mod:`.parse`), and
    that only where they have a point. What else comes in the place of a price is for the book to refuse.
    """

    price: Any
    quantity: Decimal = field(name="qty")


class WsBook(Struct, gc=False):
    symbol: str
    bids: tuple[WsLevel, ...] = ()
    asks: tuple[WsLevel, ...] = ()
    checksum: int | None = None
    timestamp: str | None = None


class BookMessage(Struct, gc=False):
    type: str
    data: tuple[WsBook, ...]


class WsTicker(Struct, gc=False):
    symbol: str
    bid: Decimal | None = None
    bid_qty: Decimal | None = None
    ask: Decimal | None = None
    ask_qty: Decimal | None = None
    last: Decimal | None = None
    volume: Decimal | None = None
    vwap: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    change: Decimal | None = None
    change_pct: Decimal | None = None
    timestamp: str | None = None


class TickerMessage(Struct, gc=False):
    type: str
    data: tuple[WsTicker, ...]


class WsTrade(Struct, gc=False):
    symbol: str
    side: str
    price: Decimal
    qty: Decimal
    trade_id: int
    timestamp: str
    ord_type: str = ""


class TradeMessage(Struct, gc=False):
    type: str
    data: tuple[WsTrade, ...]


class WsOhlc(Struct, gc=False):
    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    interval_begin: str
    interval: int
    trades: int | None = None
    vwap: Decimal | None = None


class OhlcMessage(Struct, gc=False):
    type: str
    data: tuple[WsOhlc, ...]


class WsAsset(Struct):
    id: str
    status: str = "enabled"
    precision: int | None = None
    precision_display: int | None = None


class WsPair(Struct):
    symbol: str
    base: str
    quote: str
    status: str
    qty_precision: int
    price_precision: int
    qty_increment: Decimal | None = None
    price_increment: Decimal | None = None
    tick_size: Decimal | None = None
    qty_min: Decimal | None = None
    cost_min: Decimal | None = None
    cost_precision: int | None = None
    marginable: bool = False
    has_index: bool = False


class WsInstruments(Struct):
    assets: list[WsAsset] = []
    pairs: list[WsPair] = []


class InstrumentMessage(Struct):
    type: str
    data: WsInstruments


class WsStatus(Struct):
    system: str
    api_version: str = ""
    version: str = ""


class StatusMessage(Struct):
    data: list[WsStatus]


# --- WebSocket v2: answers and the account -----------------------------------------------------------------


class Response(Struct):
    """The answer to a request; a failed one may have nothing but ``error`` and ``req_id``."""

    method: str = ""
    success: bool | None = None
    error: str | None = None
    req_id: int | None = None
    result: Raw = Raw()
    symbol: str | None = None
    time_in: str | None = None
    time_out: str | None = None


class SubscribeResult(Struct):
    channel: str = ""
    symbol: str | None = None
    maxratecount: int | None = None
    warnings: list[str] | None = None


class OrderIds(Struct):
    order_id: str = ""
    cl_ord_id: str | None = None
    error: str | None = None


class AmendIds(Struct):
    amend_id: str = ""
    order_id: str | None = None
    cl_ord_id: str | None = None


class EditIds(Struct):
    order_id: str = ""
    original_order_id: str = ""


class CountResult(Struct):
    count: int


class WsFee(Struct):
    asset: str
    qty: Decimal


class WsTriggers(Struct):
    reference: str | None = None
    price: Decimal | None = None
    price_type: str | None = None
    actual_price: Decimal | None = None
    peak_price: Decimal | None = None
    last_price: Decimal | None = None
    status: str | None = None
    timestamp: str | None = None


class WsExecution(Struct):
    """One row of the executions channel; later rows of an order name only what changed."""

    order_id: str
    exec_type: str = ""
    order_status: str | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    symbol: str | None = None
    side: str | None = None
    order_type: str | None = None
    time_in_force: str | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    order_qty: Decimal | None = None
    cash_order_qty: Decimal | None = None
    display_qty: Decimal | None = None
    limit_price: Decimal | None = None
    limit_price_type: str | None = None
    stop_price: Decimal | None = None
    expire_time: str | None = None
    cum_qty: Decimal | None = None
    cum_cost: Decimal | None = None
    avg_price: Decimal | None = None
    exec_id: str | None = None
    trade_id: int | None = None
    last_qty: Decimal | None = None
    last_price: Decimal | None = None
    liquidity_ind: str | None = None
    fees: list[WsFee] | None = None
    triggers: WsTriggers | None = None
    reason: str | None = None
    cancel_reason: str | None = None
    timestamp: str | None = None
    ratecount: Decimal | None = None


class ExecutionMessage(Struct):
    type: str
    sequence: int
    data: list[WsExecution]


class WsWallet(Struct):
    balance: Decimal
    type: str = "spot"
    id: str = "main"


class WsBalance(Struct):
    """A row of a balances snapshot (``wallets``) or of an update (``wallet_type`` and a new total)."""

    asset: str
    balance: Decimal
    wallets: list[WsWallet] | None = None
    wallet_type: str = "spot"
    wallet_id: str = "main"
    ledger_id: str = ""
    ref_id: str = ""
    type: str = ""
    amount: Decimal | None = None
    fee: Decimal | None = None
    timestamp: str | None = None


class BalanceMessage(Struct):
    type: str
    sequence: int
    data: list[WsBalance]


class Head(Struct):
    """Enough of any frame to know what it is."""

    channel: str | None = None
    method: str | None = None


decode_head = msgspec.json.Decoder(Head).decode
