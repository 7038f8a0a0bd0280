"""Orders of bots: the bot's own limits first, then the one gate that every order passes.

Amounts are base units, of CFDs and perpetuals too. A price of -1 (or any that is not above zero) means a
market order; the amount of a market *buy* is then money (quote units) for spot, as the strategy platform has
it, and is refused where the venue cannot take it so. Nothing is rounded: what does not fit the venue's grid
is refused.

The protocol has no client order id, so a call that is repeated could trade twice: an equal order within the
gate's duplicate window is refused, and what the gate would ask a person refuses a bot.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from terminal.bridge.account_calls import account_of
from terminal.bridge.bots import Bot, BotMode
from terminal.bridge.envelope import number_of, text_of
from terminal.bridge.errors import CallRefused, NotSupported
from terminal.bridge.hands import HandsFirst
from terminal.bridge.market_calls import MarketCalls
from terminal.bridge.order_data import OrderCalls, is_of
from terminal.bridge.symbols import SymbolTable
from terminal.bridge.visit import Visit
from terminal.bridge.waiting import WaitingList
from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.domain.decimals import ZERO
from terminal.domain.errors import OrderRefused, TerminalError
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType, Origin, TimeInForce
from terminal.domain.rules import notional_of, plain
from terminal.services.arming import ArmState
from terminal.services.market_data import MarketData
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.orders import OrderGate
from terminal.services.portfolio import HOME_CURRENCY, Portfolio
from terminal.services.risk import Step, is_same_order
from terminal.services.session import Session
from terminal.venues.base import BookKind, TradesOrders

Params = Mapping[str, Any]
_Outcome = Order | CallRefused | TerminalError

_DAY_NS: Final = 86_400_000_000_000
_MINUTE_NS: Final = 60_000_000_000
_MOST_DRY: Final = 500
_SIDES: Final = {
    "buy": (Side.BUY, False),
    "sell": (Side.SELL, False),
    "closebuy": (Side.SELL, True),
    "closesell": (Side.BUY, True),
}
_TIMES: Final = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


class TradeCalls:
    """``trade`` and ``cancel``."""

    def __init__(
        self,
        *,
        gate: OrderGate,
        market: MarketData,
        portfolio: Portfolio,
        symbols: SymbolTable,
        prices: MarketCalls,
        hands: HandsFirst,
        waiting: WaitingList,
        clock: Clock,
        is_on: Callable[[], bool],
    ) -> None:
        """``is_on``: whether the bridge still is; looked at last thing before the gate."""
        self._gate = gate
        self._market = market
        self._portfolio = portfolio
        self._symbols = symbols
        self._prices = prices
        self._hands = hands
        self._waiting = waiting
        self._clock = clock
        self._is_on = is_on
        # By the key of a bot, which stays when its name is changed.
        self._sent_ns: dict[bytes, deque[int]] = {}
        self._reserved: dict[bytes, Decimal] = {}
        self._dry: dict[bytes, dict[str, Order]] = {}
        self._dry_entered_ns: dict[str, int] = {}
        self._under_way: set[asyncio.Task[_Outcome]] = set()

    def dry_orders(self, bot: Bot) -> list[Order]:
        """What a bot only pretended to send, oldest first; kept while the program runs."""
        return list(self._dry.get(bot.key, {}).values())

    async def close(self, timeout_s: float = 2.0) -> None:
        """Give what is under way a moment to be answered; it goes on in the gate if it takes longer."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=timeout_s)

    # -- trade ----------------------------------------------------------------------------------------

    async def trade(self, visit: Visit, params: Params) -> Order:
        """Send an order, ask the person first, or only pretend to, as the bot's mode says.

        Raises:
            CallRefused, NotSupported: the call itself, the bot's own limits, or the person's no.
            TerminalError: the gate's or the venue's no.
        """
        bot, session = visit.bot, visit.session
        if bot.mode is BotMode.READ_ONLY:
            raise CallRefused(f"{bot.name} may only read; make it a trading bot in the terminal")
        instrument = self._symbols.find(session.venue, text_of(params, "symbol"))
        amount, price = number_of(params, "amount"), number_of(params, "price")
        if amount <= 0:
            raise CallRefused("amount must be above 0")
        side, closes, life = _read_type(text_of(params, "type"))
        account = account_of(session)
        if not isinstance(session.trader(account), TradesOrders):
            raise NotSupported
        self._hands.require_released(instrument.id)
        instrument = await self._with_prices(session, instrument)
        request = self._request(bot, session, account, instrument, side, amount, price, closes, life)
        # No await from here to the reservation: two calls at once must not share one allowance.
        self._hands.require_released(instrument.id)
        worth = self._worth(account, request, instrument)
        self._require_allowance(bot, worth)
        if bot.mode is BotMode.DRY_RUN:
            return self._pretend(bot, account, request)
        return await self._send(visit, account, request, worth)

    async def _with_prices(self, session: Session, instrument: Instrument) -> Instrument:
        """Have what the limits measure with: a live quote, the book, and the way to dollars."""
        await self._prices.have_quote(session, instrument)
        if session.info.capabilities.book is BookKind.LEVELS:
            await self._prices.have_book(session, instrument)
        # What a venue tells of an instrument may come with its first price.
        instrument = self._market.instrument(instrument.id) or instrument
        if instrument.quote != HOME_CURRENCY:
            for symbol in (f"{instrument.quote}/{HOME_CURRENCY}", f"{HOME_CURRENCY}/{instrument.quote}"):
                other = self._market.instrument(InstrumentId(session.venue, symbol))
                if other is not None:
                    await self._prices.have_quote(session, other)
                    break
        return instrument

    def _request(
        self,
        bot: Bot,
        session: Session,
        account: str,
        instrument: Instrument,
        side: Side,
        amount: Decimal,
        price: Decimal,
        closes: bool,
        life: TimeInForce,
    ) -> OrderRequest:
        at_market = price <= 0
        in_quote = at_market and side is Side.BUY and not closes and instrument.kind is InstrumentKind.SPOT
        if in_quote and not session.info.capabilities.quantity_in_quote:
            raise CallRefused(
                f"the amount of a market buy is money ({instrument.quote}), and {session.info.title} takes "
                "base units only: send a limit order"
            )
        return OrderRequest(
            instrument=instrument.id,
            side=side,
            order_type=OrderType.MARKET if at_market else OrderType.LIMIT,
            quantity=amount,
            limit_price=None if at_market else price,
            time_in_force=life,
            in_quote=in_quote,
            reduce_only=closes,
            position_id=self._position_to_close(session, account, instrument, side) if closes else None,
            origin=Origin.BRIDGE,
            origin_name=bot.name,
        )

    def _position_to_close(
        self, session: Session, account: str, instrument: Instrument, side: Side
    ) -> str | None:
        if not session.info.capabilities.positions:
            raise CallRefused(f"{session.info.title} has no positions to close: send a plain buy or sell")
        held = [
            each
            for each in self._portfolio.positions(account)
            if each.instrument == instrument.id and each.side is side.opposite
        ]
        if not held:
            raise CallRefused("there is no position to close on that side")
        if len(held) > 1:
            raise CallRefused(f"there are {len(held)} positions on that side: close them in the terminal")
        return held[0].position_id

    # -- limits of the bot ----------------------------------------------------------------------------

    def _worth(self, account: str, request: OrderRequest, instrument: Instrument) -> Decimal:
        """What an order is worth, in dollars."""
        book, quote = self._market.book(instrument.id), self._market.quote(instrument.id)
        price = book.mid if book is not None else None
        if price is None and quote is not None:
            price = quote.ask if request.side is Side.BUY else quote.bid
        notional = notional_of(request, instrument, price)
        worth = None if notional is None else self._portfolio.worth(account, instrument.quote, notional)
        if worth is None:
            raise CallRefused(
                f"the worth of the order in {HOME_CURRENCY} is not known, so the bot's limit for a day "
                "cannot be checked"
            )
        return worth

    def _require_allowance(self, bot: Bot, worth: Decimal) -> None:
        now = self._clock.monotonic_ns()
        sent = self._sent_ns.setdefault(bot.key, deque())
        while sent and now - sent[0] >= _MINUTE_NS:
            sent.popleft()
        limits = bot.limits
        if len(sent) >= limits.orders_per_minute:
            raise CallRefused(
                f"{bot.name} may send {limits.orders_per_minute} orders a minute; wait "
                f"{(_MINUTE_NS - (now - sent[0])) / 1e9:.0f} s"
            )
        used = self.used_today(bot) + self._reserved.get(bot.key, ZERO)
        if used + worth > limits.notional_per_day:
            raise CallRefused(
                f"{bot.name} may trade {plain(limits.notional_per_day)} {HOME_CURRENCY} a day: "
                f"{plain(used.quantize(Decimal('0.01')))} are used, and this order is worth "
                f"{plain(worth.quantize(Decimal('0.01')))}"
            )
        sent.append(now)

    def used_today(self, bot: Bot) -> Decimal:
        """What a bot's orders of this day (UTC) are worth together, in dollars. They are read from the gate,
        whose journal outlives the program; one whose worth cannot be told any more counts at its price."""
        midnight = self._clock.wall_ns() // _DAY_NS * _DAY_NS
        total = ZERO
        for order in (*self._gate.orders.values(), *self.dry_orders(bot)):
            if order.created_ns < midnight or not is_of(order, bot):
                continue
            if order.state is OrderState.REJECTED and not order.filled_quantity:
                continue
            instrument = self._market.instrument(order.instrument)
            if instrument is None:
                continue
            book = self._market.book(order.instrument)
            price = order.average_price or (book.mid if book is not None else None)
            notional = notional_of(order.request, instrument, price)
            if notional is not None:
                total += self._portfolio.worth(order.account, instrument.quote, notional) or notional
        return total

    # -- sending --------------------------------------------------------------------------------------

    async def _send(self, visit: Visit, account: str, request: OrderRequest, worth: Decimal) -> Order:
        # The key is the consent to a plain order; whatever a limit asks about is not covered by it.
        bot = visit.bot
        self._reserved[bot.key] = self._reserved.get(bot.key, ZERO) + worth
        order_task = _outcome_of(self._submit(visit, account, request, worth))
        task = tasks.spawn(order_task, name=f"order of {bot.name}")
        self._under_way.add(task)
        task.add_done_callback(lambda done: self._on_sent(bot.key, worth, done))
        # A caller that hangs up must not leave its order half sent.
        order = await asyncio.shield(task)
        if isinstance(order, ConfirmationNeeded):
            raise CallRefused(f"{order.user_text} (asked of a person; refused to a bot)")
        if isinstance(order, Exception):
            raise order
        if order.state is OrderState.REJECTED:
            raise CallRefused(order.reason or "the venue refused the order")
        return order

    async def _submit(self, visit: Visit, account: str, request: OrderRequest, worth: Decimal) -> Order:
        if visit.still().mode is BotMode.CONFIRM:
            await self._ask(visit, account, request, worth)
            visit.still()
        if not self._is_on():
            raise CallRefused("not sent: the bridge was switched off")
        self._hands.require_released(request.instrument)
        return await self._gate.submit(account, request, confirmed=frozenset({"arm"}))

    async def _ask(self, visit: Visit, account: str, request: OrderRequest, worth: Decimal) -> None:
        """Wait for the person's click; what would be refused anyway is not asked."""
        self._require_clean(account, request)
        for each in self._waiting.all:
            if each.account == account and each.request is not None and is_same_order(request, each.request):
                raise CallRefused("the same order waits for the person already; nothing was sent")
        await self._waiting.ask(
            visit.bot,
            _words(request, self._market.instrument(request.instrument)),
            instrument=request.instrument,
            account=account,
            is_practice=visit.is_practice,
            worth=worth,
            request=request,
            gone=visit.gone,
        )

    def _require_clean(self, account: str, request: OrderRequest) -> None:
        """Raise CallRefused where the terminal or one of its limits would not let an order through."""
        if self._gate.arming.state is ArmState.VIEW:
            raise CallRefused("The terminal is on View: no order can leave.")
        found = self._gate.check(account, request)
        for fault in (*found.refusals, *found.warnings):
            raise CallRefused(fault.user_text)

    def _on_sent(self, bot: bytes, worth: Decimal, task: asyncio.Task[_Outcome]) -> None:
        self._under_way.discard(task)
        self._reserved[bot] -= worth

    def _pretend(self, bot: Bot, account: str, request: OrderRequest) -> Order:
        """The same checks as of a real order, and an id that is known as pending."""
        self._require_clean(account, request)
        self._require_no_twin(bot, request)
        mine = self._dry.setdefault(bot.key, {})
        now = self._clock.wall_ns()
        order = Order(
            client_order_id=f"dry-{secrets.token_hex(14)}",
            account=account,
            request=request,
            state=OrderState.OPEN,
            created_ns=now,
            updated_ns=now,
            quantity=request.quantity,
            limit_price=request.limit_price,
        )
        mine[order.client_order_id] = order
        self._dry_entered_ns[order.client_order_id] = self._clock.monotonic_ns()
        while len(mine) > _MOST_DRY:
            self._dry_entered_ns.pop(next(iter(mine)), None)
            mine.pop(next(iter(mine)))
        return order

    def _require_no_twin(self, bot: Bot, request: OrderRequest) -> None:
        instrument = self._market.instrument(request.instrument)
        window = None if instrument is None else self._gate.rules.limits_for(instrument).duplicate_s
        window_s = 0.25 if window is None or window.step is Step.OFF else float(window.value)
        now = self._clock.monotonic_ns()
        for order in self.dry_orders(bot):
            age_s = (now - self._dry_entered_ns[order.client_order_id]) / 1e9
            if age_s < window_s and is_same_order(request, order.request):
                raise CallRefused(f"the same order was sent {age_s:.1f} s ago")

    # -- cancel ---------------------------------------------------------------------------------------

    async def cancel(self, bot: Bot, session: Session, params: Params, orders: OrderCalls) -> bool:
        """Ask to cancel an order of the bot's own; others are not its business. Raises as :meth:`trade`."""
        if bot.mode is BotMode.READ_ONLY:
            raise CallRefused(f"{bot.name} may only read; make it a trading bot in the terminal")
        order = orders.find(bot, session, params)
        if bot.mode is BotMode.DRY_RUN:
            if order.state.is_final:
                raise OrderRefused("not_open", f"The order is {order.state.value} already.")
            order.state = OrderState.CANCELED
            order.updated_ns = self._clock.wall_ns()
            return True
        cancel = _outcome_of(self._gate.cancel(order.client_order_id))
        task = tasks.spawn(cancel, name=f"cancel of {bot.name}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        outcome = await asyncio.shield(task)
        if isinstance(outcome, Exception):
            raise outcome
        return True


async def _outcome_of(work: Awaitable[Order]) -> _Outcome:
    """What became of a call of the gate, a refusal as a value: the caller may have hung up, and nobody would
    hear what the task raises."""
    try:
        return await work
    except (CallRefused, TerminalError) as error:
        return error


def _words(request: OrderRequest, instrument: Instrument | None) -> str:
    """An order in a few words, for the person to decide on."""
    unit = "" if instrument is None else f" {instrument.quote if request.in_quote else instrument.base}"
    at = "at the market" if request.limit_price is None else f"at {plain(request.limit_price)}"
    much = f"{'for ' if request.in_quote else ''}{plain(request.quantity)}{unit}"
    life = "" if request.time_in_force is TimeInForce.GTC else f", {request.time_in_force.name}"
    closes = ", closes a position" if request.reduce_only else ""
    return f"{request.side.value.capitalize()} {much} ({request.instrument.symbol}) {at}{life}{closes}"


def _read_type(text: str) -> tuple[Side, bool, TimeInForce]:
    """Side, whether it closes a position, and how long it lives, from ``buy`` or
    ``buy;{"timeInForce":"IOC"}``."""
    word, _, options = text.partition(";")
    sides = _SIDES.get(word.strip().lower())
    if sides is None:
        raise CallRefused("type must be buy or sell (or closebuy, closesell for a position)")
    life = TimeInForce.GTC
    if options.strip():
        try:
            document = json.loads(options)
        except (ValueError, RecursionError):
            raise CallRefused("the options after the semicolon must be JSON") from None
        if not isinstance(document, dict) or set(document) - {"timeInForce"}:
            raise CallRefused("the only option that is known is timeInForce")
        named = document.get("timeInForce", "GTC")
        if not isinstance(named, str) or named not in _TIMES:
            raise CallRefused("timeInForce must be GTC, IOC or FOK")
        life = _TIMES[named]
    return sides[0], sides[1], life
