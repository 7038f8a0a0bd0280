"""What the broker's tests share: hand-made quotes, a queue instead of time, and what was told."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from google.protobuf.message import Message

from terminal.core.clock import ManualClock
from terminal.domain.market import Side
from terminal.emulators.ctrader.broker import Broker
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.records import Account, Position
from terminal.emulators.ctrader.symbols import SymbolTable
from terminal.emulators.market.store import Store
from terminal.venues.ctrader import openapi_pb2 as pb

HEDGED, NETTED, LIVE = 5120001, 5120002, 7230001
EURUSD, USDJPY, GOLD, US500, GER40, BTCUSD = 1, 4, 41, 10013, 10016, 10101
LOT = 10_000_000
"""Cents of a lot of EURUSD."""
MINI = 100_000

WEDNESDAY_NOON_NS = 1_790_164_800_000_000_000
"""2026-09-23 12:00 UTC."""

M = TypeVar("M", bound=Message)

_PRICES = {
    "EURUSD": ("1.10000", "1.10010"), "GBPUSD": ("1.30000", "1.30010"), "USDJPY": ("150.000", "150.010"),
    "AUDUSD": ("0.65000", "0.65010"), "USDCHF": ("0.90000", "0.90010"), "USDCAD": ("1.40000", "1.40010"),
    "NZDUSD": ("0.60000", "0.60010"), "XAUUSD": ("2500.00", "2500.20"), "US500": ("5000.00", "5000.50"),
    "EURJPY": ("165.000", "165.020"), "EURGBP": ("0.84600", "0.84610"),
    "GER40": ("18000.00", "18001.00"), "BTCUSD": ("60000.00", "60010.00"),
}  # fmt: skip


def d(text: str) -> Decimal:
    return Decimal(text)


class HandQuotes:
    """Prices that a test sets; the depth is endless at the best price unless it is set too."""

    def __init__(self, table: SymbolTable) -> None:
        self.table = table
        self.on_tick: list[Callable[[int], None]] = []
        self.prices: dict[int, tuple[Decimal, Decimal]] = {}
        self.depths: dict[tuple[int, Side], list[tuple[Decimal, int]]] = {}
        self.closed: set[int] = set()
        self.watchers: dict[int, int] = {}
        for name, (bid, ask) in _PRICES.items():
            spec = table.find(name)
            assert spec is not None
            self.prices[spec.id] = d(bid), d(ask)

    def bid(self, symbol_id: int) -> Decimal:
        return self.prices[symbol_id][0]

    def ask(self, symbol_id: int) -> Decimal:
        return self.prices[symbol_id][1]

    def depth(self, symbol_id: int, side: Side) -> Sequence[tuple[Decimal, int]]:
        best = self.ask(symbol_id) if side is Side.BUY else self.bid(symbol_id)
        return self.depths.get((symbol_id, side), [(best, 10**15)])

    def is_open(self, symbol_id: int, at_ns: int) -> bool:
        return symbol_id not in self.closed

    def rate(self, from_asset: str, to_asset: str) -> Decimal:
        found = Decimal(1)
        for spec, forward in self.table.chain(from_asset, to_asset):
            mid = (self.bid(spec.id) + self.ask(spec.id)) / 2
            found = found * mid if forward else found / mid
        return found

    def watch(self, symbol_id: int) -> object:
        self.watchers[symbol_id] = self.watchers.get(symbol_id, 0) + 1
        return None

    def unwatch(self, symbol_id: int) -> None:
        self.watchers[symbol_id] -= 1
        assert self.watchers[symbol_id] >= 0

    @property
    def watched(self) -> set[int]:
        return {one for one, count in self.watchers.items() if count}


class Alarm:
    """Something in the queue."""

    def __init__(self) -> None:
        self.is_off = False

    def cancel(self) -> None:
        self.is_off = True


class Told:
    """One message, and the id that it carries."""

    def __init__(self, ctid: int, message: Any, request_id: str | None) -> None:
        self.ctid = ctid
        self.message = message
        self.request_id = request_id

    def line(self) -> str:
        """As a diary would have it: ``id ORDER_FILLED MARKET`` and so on."""
        message = self.message
        if not isinstance(message, pb.ProtoOAExecutionEvent):
            return type(message).__name__.removeprefix("ProtoOA")
        by = "srv" if message.isServerEvent else "id" if self.request_id else "?"
        assert not (message.isServerEvent and self.request_id)
        words = [by, pb.ProtoOAExecutionType.Name(message.executionType)]
        if message.HasField("order"):
            words.append(pb.ProtoOAOrderType.Name(message.order.orderType))
        return " ".join(words)


class Desk:
    """A broker under a hand-held clock."""

    def __init__(
        self,
        store: Store | None = None,
        *,
        accounts: tuple[Account, ...] | None = None,
        page_rows: int = 250,
        at_ns: int = WEDNESDAY_NOON_NS,
        table: SymbolTable | None = None,
    ) -> None:
        self.clock = ManualClock(at_ns)
        self.table = table or SymbolTable()
        self.quotes = HandQuotes(self.table)
        self.store = store or Store(None)
        self.told: list[Told] = []
        self._queue: list[tuple[int, int, Alarm, Callable[[], None]]] = []
        self._turns = itertools.count()
        self._requests = itertools.count(1)
        more = {} if accounts is None else {"accounts": accounts}
        self.broker = Broker(
            self.quotes, self.table, self.clock, self.store, random.Random(7), later=self._later,
            page_rows=page_rows, **more,
        )  # fmt: skip
        self.broker.emit = lambda ctid, message, request_id: self.told.append(Told(ctid, message, request_id))

    def _later(self, delay_s: float, act: Callable[[], None]) -> Alarm:
        assert 0.003 <= delay_s <= 0.020
        alarm = Alarm()
        due = self.clock.wall_ns() + int(delay_s * 1e9)
        heapq.heappush(self._queue, (due, next(self._turns), alarm, act))
        return alarm

    def settle(self) -> None:
        """Let everything happen that is under way."""
        while self._queue:
            self.step()

    def step(self) -> None:
        """Let the next thing happen."""
        due, _, alarm, act = heapq.heappop(self._queue)
        self.clock.advance(max(0, due - self.clock.wall_ns()) / 1e9)
        if not alarm.is_off:
            act()

    # ---- the market ------------------------------------------------------------------------------

    def tick(self, symbol_id: int, bid: str, ask: str) -> None:
        """A price; what it causes under way happens too."""
        self.quotes.prices[symbol_id] = d(bid), d(ask)
        for listener in tuple(self.quotes.on_tick):
            listener(symbol_id)

    def set_depth(self, symbol_id: int, side: Side, *levels: tuple[str, int]) -> None:
        self.quotes.depths[symbol_id, side] = [(d(price), size) for price, size in levels]

    # ---- requests --------------------------------------------------------------------------------

    def send(self, request: Message, **terms: Any) -> str:
        """A request whose answers are events; its id."""
        request_id = f"r{next(self._requests)}"
        answer = self.broker.handle(request, client_msg_id=request_id, **terms)
        assert answer is None
        return request_id

    def ask(self, request: Message, answer: type[M], **terms: Any) -> M:
        """A question and its answer."""
        found = self.broker.handle(request, client_msg_id=f"r{next(self._requests)}", **terms)
        assert isinstance(found, answer)
        assert found.IsInitialized()
        return found

    def new_order(self, symbol_id: int = EURUSD, *, ctid: int = HEDGED, **fields: Any) -> str:
        """2106; a market buy of one mini lot unless said otherwise."""
        values = {"orderType": pb.MARKET, "tradeSide": pb.BUY, "volume": MINI, **fields}
        return self.send(pb.ProtoOANewOrderReq(ctidTraderAccountId=ctid, symbolId=symbol_id, **values))

    def open(self, symbol_id: int = EURUSD, *, ctid: int = HEDGED, **fields: Any) -> Position:
        """A position, and everything about it told and forgotten."""
        self.new_order(symbol_id, ctid=ctid, **fields)
        self.settle()
        found = self.position(ctid, symbol_id)
        self.told.clear()
        return found

    def close(self, position: Position, volume: int | None = None) -> str:
        """2111; the whole unless said otherwise."""
        return self.send(
            pb.ProtoOAClosePositionReq(
                ctidTraderAccountId=position.account, positionId=position.position_id,
                volume=volume or position.volume,
            )
        )  # fmt: skip

    def amend(self, position: Position, **fields: Any) -> str:
        """2110."""
        return self.send(
            pb.ProtoOAAmendPositionSLTPReq(
                ctidTraderAccountId=position.account, positionId=position.position_id, **fields
            )
        )

    def cancel(self, order_id: int, ctid: int = HEDGED) -> str:
        """2108."""
        return self.send(pb.ProtoOACancelOrderReq(ctidTraderAccountId=ctid, orderId=order_id))

    # ---- what is ---------------------------------------------------------------------------------

    def account(self, ctid: int = HEDGED) -> Account:
        return self.broker.accounts[ctid]

    def position(self, ctid: int = HEDGED, symbol_id: int | None = None) -> Position:
        """The last one opened."""
        return self.positions(ctid, symbol_id)[-1]

    def positions(self, ctid: int = HEDGED, symbol_id: int | None = None) -> list[Position]:
        return self.broker.open_positions(ctid, symbol_id)

    def now(self, ctid: int = HEDGED, *, protections: bool = True) -> pb.ProtoOAReconcileRes:
        """2124."""
        request = pb.ProtoOAReconcileReq(ctidTraderAccountId=ctid, returnProtectionOrders=protections)
        return self.ask(request, pb.ProtoOAReconcileRes)

    def lines(self) -> list[str]:
        """The diary since it was last cleared."""
        return [one.line() for one in self.told]

    def events(self, kind: int | None = None) -> list[pb.ProtoOAExecutionEvent]:
        found = [one.message for one in self.told if isinstance(one.message, pb.ProtoOAExecutionEvent)]
        return [one for one in found if kind is None or one.executionType == kind]

    def deals(self, ctid: int = HEDGED) -> list[pb.ProtoOADeal]:
        """2133, newest first."""
        return list(self.ask(pb.ProtoOADealListReq(ctidTraderAccountId=ctid), pb.ProtoOADealListRes).deal)


def refusal(act: Callable[[], object]) -> OpenApiError:
    """How something is refused."""
    try:
        act()
    except OpenApiError as error:
        return error
    raise AssertionError("it was not refused")
