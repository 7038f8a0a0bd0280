"""The practice broker's books: accounts, open positions and live orders, their figures, and their memory.

What a step changed is written before anybody is told of it, so that a killed process has never said more
than it knows. Ended orders, deals and cash movements live in the store alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final, Protocol

from google.protobuf.message import Message

from terminal.core.clock import Clock
from terminal.domain.market import Side
from terminal.emulators.ctrader import messages
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.margin import Holding, holding_of, margin_level, symbol_margins
from terminal.emulators.ctrader.money import unrealised
from terminal.emulators.ctrader.orders import Depth
from terminal.emulators.ctrader.records import (
    MONEY_DIGITS,
    Account,
    Cash,
    Deal,
    Kept,
    Order,
    Position,
    from_row,
    key_of,
    row_of,
)
from terminal.emulators.ctrader.symbols import SymbolSpec, Tier
from terminal.emulators.market.store import Record, Store
from terminal.venues.ctrader import openapi_pb2 as pb

Emit = Callable[[int, Message, str | None], None]
"""Takes an account's number, a message for everybody who is authorised for the account, and the
``clientMsgId`` of the request that caused it."""

_IDS_KEY: Final = "ctrader:ids"
FIRST_IDS: Final = {"order": 310_000_001, "position": 150_000_001, "deal": 520_000_001, "cash": 9_000_001}


class Market(Protocol):
    """Prices as the broker needs them; ``quotes.Quotes`` is one."""

    on_tick: list[Callable[[int], None]]

    def bid(self, symbol_id: int) -> Decimal:
        """What a seller gets now."""
        ...

    def ask(self, symbol_id: int) -> Decimal:
        """What a buyer pays now."""
        ...

    def depth(self, symbol_id: int, side: Side) -> Depth:
        """What a taker on that side meets."""
        ...

    def is_open(self, symbol_id: int, at_ns: int) -> bool:
        """Whether it trades at a time."""
        ...

    def rate(self, from_asset: str, to_asset: str) -> Decimal:
        """How much one unit of an asset is worth in another."""
        ...

    def watch(self, symbol_id: int) -> object:
        """Let it tick until as many calls of ``unwatch``."""
        ...

    def unwatch(self, symbol_id: int) -> None:
        """One watcher less."""
        ...


class Symbols(Protocol):
    """The broker's symbols; ``symbols.SymbolTable`` is one."""

    def spec(self, symbol_id: int) -> SymbolSpec:
        """One symbol; raises OpenApiError for none."""
        ...

    def tiers(self, leverage_id: int) -> tuple[Tier, ...]:
        """The leverage behind an id; raises OpenApiError for none."""
        ...

    def chain(self, first: str, last: str) -> Iterable[tuple[SymbolSpec, bool]]:
        """The symbols from one asset to another."""
        ...


class Ledger:
    """What is, and what was changed since it was last written and told."""

    def __init__(self, market: Market, table: Symbols, store: Store, clock: Clock) -> None:
        self.market = market
        self.table = table
        self.store = store
        self.clock = clock
        self.emit: Emit = lambda _account, _message, _request_id: None
        self.accounts: dict[int, Account] = {}
        self.positions: dict[int, Position] = {}
        """Open ones, and empty ones of orders that wait; by number."""
        self.orders: dict[int, Order] = {}
        """Live ones, by number."""
        self._ids: dict[str, int] = {**FIRST_IDS, **store.get(_IDS_KEY, {})}
        self._dirty: dict[tuple[str, int], Kept] = {}
        self._dropped: set[tuple[str, int]] = set()
        self._ids_used = False
        self._told: list[tuple[int, Message, str | None]] = []
        self._watched: set[int] = set()

    # ---- memory ----------------------------------------------------------------------------------

    def load(self) -> None:
        """Everything that was kept and has not ended; what is in a symbol that is gone stays in the store."""
        for row in self.store.live_records("account"):
            self.accounts[row.number] = from_row(Account, row)
        for row in sorted(self.store.live_records("position"), key=_number):
            position = from_row(Position, row)
            if self._is_known(position):
                self.positions[row.number] = position
        for row in sorted(self.store.live_records("order"), key=_number):
            order = from_row(Order, row)
            order.is_executing = False
            if self._is_known(order):
                self.orders[row.number] = order
        self._watch()

    def _is_known(self, what: Position | Order) -> bool:
        try:
            self.spec_of(what)
        except OpenApiError:
            return False
        return what.account in self.accounts

    def next_id(self, kind: str) -> int:
        """A number that was never used before."""
        number = self._ids[kind]
        self._ids[kind] = number + 1
        self._ids_used = True
        return number

    def keep(self, what: Kept) -> None:
        """Have it written at the end of this step."""
        self._dirty[key_of(what)] = what

    def add_order(self, order: Order) -> None:
        """A live order."""
        self.orders[order.order_id] = order
        self.keep(order)

    def add_position(self, position: Position) -> None:
        """An open position, or an empty one."""
        self.positions[position.position_id] = position
        self.keep(position)

    def end_order(self, order: Order, status: pb.ProtoOAOrderStatus) -> None:
        """It is no longer live; the store keeps it."""
        order.status = status
        order.is_executing = False
        order.updated_ms = self.now_ms()
        self.orders.pop(order.order_id, None)
        self.keep(order)

    def drop_position(self, position: Position) -> None:
        """It is closed, or was never opened."""
        self.positions.pop(position.position_id, None)
        self._dirty.pop(("position", position.position_id), None)
        self._dropped.add(("position", position.position_id))

    def forget(self, ctid: int) -> None:
        """Everything of an account is gone, but for the numbers that it used."""
        self.finish()
        self.accounts.pop(ctid, None)
        for order in [one for one in self.orders.values() if one.account == ctid]:
            del self.orders[order.order_id]
        for position in [one for one in self.positions.values() if one.account == ctid]:
            del self.positions[position.position_id]
        self.store.forget_records(ctid)

    def tell(self, ctid: int, message: Message, request_id: str | None = None) -> None:
        """Have a message sent at the end of this step; it is as of now."""
        self._told.append((ctid, message, request_id))

    def finish(self) -> None:
        """Write what was changed, then send what was told."""
        if self._dirty or self._dropped or self._ids_used:
            self.store.begin()
            if self._ids_used:
                self.store.put(_IDS_KEY, self._ids)
            self.store.save_records([row_of(one) for one in self._dirty.values()])
            self.store.drop_records(self._dropped)
            self.store.commit()
            self._dirty.clear()
            self._dropped.clear()
            self._ids_used = False
            self._watch()
        told, self._told = self._told, []
        for ctid, message, request_id in told:
            self.emit(ctid, message, request_id)

    def _watch(self) -> None:
        wanted = {one.symbol_id for one in self.orders.values() if not one.is_protection}
        for position in self.positions.values():
            if position.volume:
                wanted.add(position.symbol_id)
                quote = self.table.spec(position.symbol_id).quote
                currency = self.accounts[position.account].currency
                wanted.update(spec.id for spec, _ in self.table.chain(quote, currency))
        for symbol_id in wanted - self._watched:
            self.market.watch(symbol_id)
        for symbol_id in self._watched - wanted:
            self.market.unwatch(symbol_id)
        self._watched = wanted

    def close(self) -> None:
        """Write the rest and let the symbols go."""
        self._told.clear()
        self.finish()
        for symbol_id in self._watched:
            self.market.unwatch(symbol_id)
        self._watched = set()

    # ---- time and finding ------------------------------------------------------------------------

    def now_ms(self) -> int:
        """Milliseconds UTC."""
        return self.clock.wall_ns() // 1_000_000

    def is_open(self, symbol_id: int) -> bool:
        """Whether it trades now."""
        return self.market.is_open(symbol_id, self.clock.wall_ns())

    def spec_of(self, what: Position | Order) -> SymbolSpec:
        """Of the symbol that it is in."""
        return self.table.spec(what.symbol_id)

    def open_positions(self, ctid: int, symbol_id: int | None = None) -> list[Position]:
        """Oldest first."""
        return [
            one
            for one in self.positions.values()
            if one.account == ctid and one.volume and symbol_id in (None, one.symbol_id)
        ]

    def netted_position(self, account: Account, symbol_id: int) -> Position | None:
        """The one position of a netted account in a symbol."""
        found = self.open_positions(account.ctid, symbol_id) if account.is_netted else []
        return found[0] if found else None

    def live_orders(self, ctid: int, *, protections: bool = False) -> list[Order]:
        """Oldest first."""
        return [
            one
            for one in self.orders.values()
            if one.account == ctid and (protections or not one.is_protection)
        ]

    def protection_of(self, position: Position) -> Order | None:
        """The order that carries its stop and target."""
        return self.orders.get(position.protection_id)

    # ---- figures ---------------------------------------------------------------------------------

    def profit(self, position: Position) -> tuple[int, int]:
        """Gross and net, in cents, at the present prices."""
        spec = self.spec_of(position)
        rate = self.market.rate(spec.quote, self.accounts[position.account].currency)
        return unrealised(position, spec, self.market.bid(spec.id), self.market.ask(spec.id), rate)

    def equity(self, account: Account) -> int:
        """Balance and the net profit of everything that is open."""
        return account.balance + sum(self.profit(one)[1] for one in self.open_positions(account.ctid))

    def used_margin(self, account: Account) -> int:
        """Of all positions."""
        return sum(one.used_margin for one in self.open_positions(account.ctid))

    def level(self, account: Account) -> Decimal | None:
        """Equity in per cent of the used margin; None without positions."""
        used = self.used_margin(account)
        return margin_level(self.equity(account), used) if used else None

    def margins(self, account: Account, spec: SymbolSpec, holdings: list[Holding]) -> list[int]:
        """What holdings of one symbol use, each."""
        tiers = self.table.tiers(spec.leverage_id)
        return symbol_margins(holdings, tiers, account.leverage_in_cents, account.margin_type)

    def share_margin(self, account: Account, symbol_id: int, told: Position | None = None) -> None:
        """Work out the used margin of a symbol's positions anew and tell the changes (2141).

        Args:
            told: the position whose figure another message carries.
        """
        found = self.open_positions(account.ctid, symbol_id)
        if told is not None and not told.volume:
            told.used_margin = 0
        margins = self.margins(account, self.table.spec(symbol_id), [holding_of(one) for one in found])
        for position, margin in zip(found, margins, strict=True):
            if position.used_margin == margin:
                continue
            position.used_margin = margin
            self.keep(position)
            if position is not told:
                self.tell(
                    account.ctid,
                    pb.ProtoOAMarginChangedEvent(
                        ctidTraderAccountId=account.ctid, positionId=position.position_id,
                        usedMargin=margin, moneyDigits=MONEY_DIGITS,
                    ),
                )  # fmt: skip

    # ---- money -----------------------------------------------------------------------------------

    def move_cash(
        self, account: Account, kind: pb.ProtoOAChangeBalanceType, delta: int, note: str = ""
    ) -> None:
        """Book a movement and tell it (2126 DEPOSIT_WITHDRAW, 2123)."""
        now = self.now_ms()
        account.balance += delta
        account.balance_version += 1
        account.last_cash_ms = now
        cash = Cash(
            self.next_id("cash"), account.ctid, kind, delta, account.balance, account.balance_version,
            self.equity(account), now, note,
        )  # fmt: skip
        self.keep(cash)
        self.keep(account)
        event = pb.ProtoOAExecutionEvent(
            ctidTraderAccountId=account.ctid, executionType=pb.DEPOSIT_WITHDRAW, isServerEvent=True
        )
        event.depositWithdraw.CopyFrom(messages.cash_message(cash))
        self.tell(account.ctid, event)
        self.tell_account(account)

    def tell_account(self, account: Account) -> None:
        """The account's terms and balance as they are now (2123)."""
        self.keep(account)
        self.tell(
            account.ctid,
            pb.ProtoOATraderUpdatedEvent(
                ctidTraderAccountId=account.ctid, trader=messages.trader_message(account)
            ),
        )

    def execution(
        self,
        kind: pb.ProtoOAExecutionType,
        account: Account,
        *,
        position: Position | None = None,
        status: pb.ProtoOAPositionStatus | None = None,
        order: Order | None = None,
        deal: Deal | None = None,
        error: str = "",
        request_id: str | None = None,
        by_server: bool = False,
    ) -> None:
        """Tell an execution event (2126).

        Args:
            status: the position's, where it is not what its volume says.
            request_id: of the request that it answers.
            by_server: nobody's request caused it.
        """
        event = pb.ProtoOAExecutionEvent(
            ctidTraderAccountId=account.ctid, executionType=kind, isServerEvent=by_server
        )
        if position is not None:
            spec = self.spec_of(position)
            event.position.CopyFrom(messages.position_message(position, spec, status))
        if order is not None:
            event.order.CopyFrom(messages.order_message(order, self.spec_of(order)))
        if deal is not None:
            event.deal.CopyFrom(messages.deal_message(deal))
        if error:
            event.errorCode = error
        self.tell(account.ctid, event, request_id)

    # ---- what has ended --------------------------------------------------------------------------

    def kept(self, kind: str, number: int) -> Record | None:
        """From the store, by number."""
        self.finish()
        return self.store.record(kind, number)


def _number(row: Record) -> int:
    return row.number
