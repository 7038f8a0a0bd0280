"""The practice market as a venue face sees it: pairs that live, accounts that trade, a memory.

Everything runs in one thread. ``step`` (or the ``run`` loop) lets time pass; ``submit``, ``amend`` and
``cancel`` act for a person and may be called at any time between steps, never from inside a listener.
The file is long because it is the one place where engines, accounts and the store meet.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from terminal.core.clock import Clock, SystemClock
from terminal.domain.account import Balance, FeeRates
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import OrderType
from terminal.emulators.market.accounts import (
    STARTING_BALANCES,
    Account,
    AccountFill,
    LedgerEntry,
    charge_for,
    fee_on,
    hold_of,
    money_decimals,
    round_down,
    round_up,
)
from terminal.emulators.market.engine import (
    BOT_ACCOUNT,
    CancelReason,
    EngineListener,
    EngineOrder,
    EngineReject,
    EngineTrade,
    MatchingEngine,
    RejectCode,
)
from terminal.emulators.market.flow import OrderFlow
from terminal.emulators.market.history import History, MarketBar, Print
from terminal.emulators.market.latent import LatentPrices, seed_number
from terminal.emulators.market.listing import LISTINGS, Listing
from terminal.emulators.market.store import Store
from terminal.emulators.market.tape import DayStats, PairTape

log = logging.getLogger("practice")

STEPS_PER_S: Final = 25
"""How often each pair lives; halves of the pairs take turns."""

KEPT_CLOSED: Final = 2_000
KEPT_FILLS: Final = 10_000
_SAVE_EVERY_NS: Final = 5_000_000_000
_DAY_NS: Final = 86_400_000_000_000


class AccountListener:
    """Told of what happens to accounts. Override what matters; do not call the market back from inside."""

    def on_fill(self, fill: AccountFill, order: EngineOrder) -> None:
        """An execution, with its fee; the order carries the new figures. Comes before the engine's
        ``on_trade`` reaches the face."""

    def on_ledger(self, entries: tuple[LedgerEntry, ...]) -> None:
        """Balances moved: the two rows of a trade, or a deposit."""

    def on_reset(self, account_id: str) -> None:
        """The account begins anew; its orders, fills and ledger before now are gone."""


class PracticeMarket:
    """All pairs and all accounts of one practice world.

    Args:
        seed: decides every price that is not made by a person; None takes the store's, or draws one.
        store: where things are kept; None keeps nothing after this object.
        rate: liveliness; 1 is a calm market of about 350 book changes a second in all.
        beside: the market of another exchange in the same world: seed and hidden prices are its own, pairs,
            people and order flow are this one's.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        clock: Clock | None = None,
        store: Store | None = None,
        rate: float = 1.0,
        listings: tuple[Listing, ...] = LISTINGS,
        beside: PracticeMarket | None = None,
    ) -> None:
        self.clock: Clock = clock if clock is not None else SystemClock()
        self.store = store if store is not None else Store(None)
        self.listings: dict[str, Listing] = {listing.symbol: listing for listing in listings}
        self.seed: int = self._choose_seed(seed if beside is None else beside.seed)
        self._beside = beside
        if beside is not None:
            self.latents: LatentPrices = beside.latents
        else:
            self.latents = LatentPrices(self.seed)
            self.latents.restore_shifts(self.store.get("shifts", {}))
        self.engines: dict[str, MatchingEngine] = {}
        self.flows: dict[str, OrderFlow] = {}
        self.histories: dict[str, History] = {}
        self.tapes: dict[str, PairTape] = {}
        self.accounts: dict[str, Account] = {}
        self.house: dict[str, Decimal] = {}
        """The other side of everything: with all accounts it adds up to nothing, in every asset."""
        self._orders: dict[int, EngineOrder] = {}
        """Persons' orders, live and recently ended."""
        self._closed: dict[str, list[EngineOrder]] = {}
        self._fills: dict[str, list[AccountFill]] = {}
        self._ledger: dict[str, list[LedgerEntry]] = {}
        self._listeners: list[AccountListener] = []
        self._order_ids = itertools.count(self._next_id("orders"))
        self._fill_ids = itertools.count(self._next_id("fills"))
        self._entry_ids = itertools.count(self._next_id("entries"))
        self._dirty_accounts: set[str] = set()
        self._dirty_orders: dict[int, EngineOrder] = {}
        self._new_fills: list[AccountFill] = []
        self._new_entries: list[LedgerEntry] = []
        self._rate = rate
        self._saved_ns = self.clock.wall_ns()
        self._task_running = False
        self._open_pairs()

    # ---- start -----------------------------------------------------------------------------------

    def _choose_seed(self, seed: int | None) -> int:
        kept = self.store.get("seed")
        if seed is None:
            seed = kept if kept is not None else random.SystemRandom().randrange(1, 2**31)
        if seed != kept:
            self.store.put("seed", seed)
            if kept is not None:
                self.store.forget_minutes()
                self.store.put("shifts", {})
        return seed

    def _next_id(self, name: str) -> int:
        # Ids are reserved in blocks, so that a killed process never hands one out twice.
        reserved = int(self.store.get(f"ids:{name}", 1))
        self.store.put(f"ids:{name}", reserved + 10**11)
        return reserved

    def _open_pairs(self) -> None:
        now = self.clock.wall_ns()
        for account_id in self.store.accounts():
            self._load_account(account_id)
        for listing in self.listings.values():
            symbol = listing.symbol
            history = self.histories[symbol] = History(self.latents, listing)
            tape = self.tapes[symbol] = PairTape(history, now, self.store.minutes(symbol))
            engine = self.engines[symbol] = MatchingEngine(
                listing, self.clock.wall_ns, order_ids=self._order_ids, next_trade_id=tape.next_id
            )
            last = tape.prints[-1].price if tape.prints else tape.running_bar(60).close
            engine.last_ticks = engine.grid.ticks(last)
            engine.authorise = self._may_act
            engine.listen(_Keeper(self, tape))
            crowd = "flow" if self._beside is None else "flow beside"
            rng = random.Random(seed_number(self.seed, crowd, symbol, now))
            self.flows[symbol] = OrderFlow(engine, self.latents, listing, rng, rate=self._rate)
        # Persons' orders first, so that the new book meets them as it would any resting order.
        for order in self.store.live_orders(self.listings):
            account = self.accounts.get(order.account)
            if account is None:
                continue
            account.open_orders[order.order_id] = order
            self._orders[order.order_id] = order
            self.engines[order.symbol].restore(order)
        for symbol, flow in self.flows.items():
            self.engines[symbol].advance(now)
            flow.open(now)
        self.flush()

    def _load_account(self, account_id: str) -> None:
        account = Account(account_id, self.store.balances(account_id))
        account.volume_by_day = self.store.volumes(account_id)
        self.accounts[account_id] = account
        for asset, amount in account.balances.items():
            self.house[asset] = self.house.get(asset, ZERO) - amount
        closed = self.store.closed_orders(account_id, self.listings, KEPT_CLOSED)
        self._closed[account_id] = closed
        self._orders.update((order.order_id, order) for order in closed)
        self._fills[account_id] = self.store.fills(account_id, KEPT_FILLS)
        self._ledger[account_id] = self.store.ledger(account_id, KEPT_FILLS)

    # ---- time ------------------------------------------------------------------------------------

    @property
    def rate(self) -> float:
        return self._rate

    def set_rate(self, rate: float) -> None:
        """How many times as lively as usual; 0 stops the order flow.

        Raises:
            ValueError: negative, not a number, or over 1000.
        """
        if not 0.0 <= rate <= 1000.0:
            raise ValueError(f"no rate: {rate}")
        self._rate = rate
        for flow in self.flows.values():
            flow.rate = rate

    def step(self, symbols: tuple[str, ...] | None = None) -> None:
        """Let every pair (or those named) live up to the clock's now."""
        now = self.clock.wall_ns()
        for symbol in symbols if symbols is not None else self.flows:
            engine = self.engines[symbol]
            tape = self.tapes[symbol]
            tape.roll(now)
            engine.next_trade_id = max(engine.next_trade_id, tape.next_id)  # differs after a long sleep
            if engine.status is MarketStatus.ONLINE and self._rate > 0:
                self.flows[symbol].step(now)
            else:
                engine.advance(now)
        if now - self._saved_ns >= _SAVE_EVERY_NS or now < self._saved_ns:
            self.persist()
        elif self._dirty_accounts or self._dirty_orders:
            self.flush()

    async def run(self) -> None:
        """Step for ever; cancel to stop. A slow machine gets fewer steps, not a backlog."""
        names = tuple(self.flows)
        turns = itertools.cycle((names[::2], names[1::2]))
        pause = 0.5 / STEPS_PER_S
        due = time.monotonic()
        while True:
            try:
                self.step(next(turns))
            except Exception:
                # One bad step must not end the market.
                log.exception("a step of the practice market failed")
            due = max(due + pause, time.monotonic() - pause)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    # ---- accounts --------------------------------------------------------------------------------

    def listen_accounts(self, listener: AccountListener) -> Callable[[], None]:
        """Tell ``listener`` about accounts until the returned function is called."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def account(self, account_id: str) -> Account:
        """The account of that name; a new one begins with the starting balances.

        Raises:
            ValueError: the empty name, which is the order flow's.
        """
        if account_id == BOT_ACCOUNT:
            raise ValueError("an account needs a name")
        found = self.accounts.get(account_id)
        if found is None:
            found = self._begin_account(account_id)
            self.flush()
        return found

    def _begin_account(self, account_id: str) -> Account:
        account = self.accounts[account_id] = Account(account_id)
        self._closed[account_id] = []
        self._fills[account_id] = []
        self._ledger[account_id] = []
        now = self.clock.wall_ns()
        entries = []
        for asset, amount in STARTING_BALANCES.items():
            entry_id = next(self._entry_ids)
            account.balances[asset] = amount
            self.house[asset] = self.house.get(asset, ZERO) - amount
            entries.append(
                LedgerEntry(entry_id, entry_id, account_id, now, "deposit", asset, amount, ZERO, amount)
            )
        self._ledger[account_id].extend(entries)
        self._new_entries.extend(entries)
        self._dirty_accounts.add(account_id)
        for listener in self._listeners:
            listener.on_ledger(tuple(entries))
        return account

    def reset_account(self, account_id: str) -> Account:
        """Cancel everything of the account and give it the starting balances again."""
        account = self.account(account_id)
        for order in list(account.open_orders.values()):
            self.engines[order.symbol].cancel(order, CancelReason.RESET)
        for order in self._closed[account_id]:
            self._orders.pop(order.order_id, None)
            self._dirty_orders.pop(order.order_id, None)
        for asset, amount in account.balances.items():
            self.house[asset] = self.house.get(asset, ZERO) + amount
        self.flush()
        self.store.begin()
        self.store.forget_account(account_id)
        self._begin_account(account_id)
        self._write()
        self.store.commit()
        for listener in self._listeners:
            listener.on_reset(account_id)
        return self.accounts[account_id]

    def balances(self, account_id: str) -> list[Balance]:
        """Totals and holds, by asset."""
        return self.account(account_id).balance_list(self.listings)

    def fee_rates(self, account_id: str, symbol: str) -> FeeRates:
        """Maker and taker rate now, per cent."""
        return self.account(account_id).fee_rates(self.listings[symbol], self.clock.wall_ns())

    def volume_30d(self, account_id: str) -> Decimal:
        """USD traded in the last 30 days."""
        return self.account(account_id).volume_30d(self.clock.wall_ns())

    def open_orders(self, account_id: str, symbol: str | None = None) -> list[EngineOrder]:
        """Live orders, oldest first."""
        found = self.account(account_id).open_orders.values()
        return [order for order in found if symbol is None or order.symbol == symbol]

    def closed_orders(self, account_id: str) -> list[EngineOrder]:
        """Ended orders, oldest first (the last 2,000 at least)."""
        self.account(account_id)
        return list(self._closed[account_id])

    def order(self, order_id: int) -> EngineOrder | None:
        """A person's order by its id, live or ended."""
        return self._orders.get(order_id)

    def fills(self, account_id: str) -> list[AccountFill]:
        """Executions, oldest first."""
        self.account(account_id)
        return list(self._fills[account_id])

    def ledger(self, account_id: str) -> list[LedgerEntry]:
        """Ledger rows, oldest first."""
        self.account(account_id)
        return list(self._ledger[account_id])

    def usd_value(self, asset: str) -> Decimal:
        """USD for one unit now, by the latent price."""
        if asset == "USD":
            return Decimal(1)
        return Decimal(repr(self.latents.price(asset, self.clock.wall_ns())))

    # ---- orders ----------------------------------------------------------------------------------

    def validate(self, order: EngineOrder) -> None:
        """Raise EngineReject where ``submit`` would; place nothing."""
        engine = self.engines[order.symbol]
        account = self.account(order.account)
        rates = account.fee_rates(self.listings[order.symbol], self.clock.wall_ns())
        order.fee_cap = rates.maker_pct, rates.taker_pct
        engine.check(order)
        self._require_funds(account, order)

    def submit(self, order: EngineOrder) -> EngineOrder:
        """Place a person's order.

        Raises:
            EngineReject: a rule or the balance refuses it; nothing happened.
        """
        self.validate(order)
        self.engines[order.symbol].add(order)
        self.flush()
        return order

    def amend(self, order: EngineOrder, **terms: Any) -> None:
        """Change a live order in place; terms as ``MatchingEngine.amend`` takes them.

        Raises:
            EngineReject: unknown order, nothing to change, a rule, or the balance; nothing changed.
        """
        if not order.is_live:
            raise EngineReject(RejectCode.UNKNOWN_ORDER, str(order.order_id))
        self._require_amend_funds(order, terms)
        self.engines[order.symbol].amend(order, **terms)
        self._dirty_orders[order.order_id] = order
        self.flush()

    def cancel(self, order: EngineOrder, reason: str = CancelReason.USER) -> None:
        """Take a person's order out.

        Raises:
            EngineReject: it is unknown or already closed.
        """
        self.engines[order.symbol].cancel(order, reason)
        self.flush()

    def cancel_all(self, account_id: str, symbol: str | None = None, reason: str = CancelReason.USER) -> int:
        """Cancel every live order of the account; how many there were."""
        orders = self.open_orders(account_id, symbol)
        for order in orders:
            self.engines[order.symbol].cancel(order, reason)
        self.flush()
        return len(orders)

    def _require_funds(self, account: Account, order: EngineOrder) -> None:
        asset, needed = self._need(order)
        if needed > account.free(asset, self.listings, without=order):
            raise EngineReject(RejectCode.FUNDS, f"{needed} {asset}")

    def _need(self, order: EngineOrder) -> tuple[str, Decimal]:
        """The asset an order needs and how much, if it acted or waited from now on."""
        listing = self.listings[order.symbol]
        kind = order.order_type
        acts_now = not kind.has_limit_price and not order.is_waiting
        if not order.is_buy or not acts_now:
            if order.is_buy and kind.has_trail and order.is_waiting and not order.trigger_ticks:
                return listing.quote, self._trailing_cost(order, listing)
            return hold_of(order, listing)
        _, units = self.engines[order.symbol].take_estimate(order)
        cost = round_up(order.grid.notional(units, 1), money_decimals(listing))
        rate = order.fee_cap[1] if order.fee_cap is not None else ZERO
        fee = ZERO if order.fee_in_base else fee_on(cost, rate, money_decimals(listing))
        return listing.quote, cost + fee

    def _trailing_cost(self, order: EngineOrder, listing: Listing) -> Decimal:
        engine = self.engines[order.symbol]
        price = engine.grid.price(engine.last_ticks or engine.index_ticks)
        offset = order.trail_offset or ZERO
        price += price * offset / 100 if order.trail_in_percent else offset
        cost = round_up(price * order.remaining, money_decimals(listing))
        rate = order.fee_cap[1] if order.fee_cap is not None else ZERO
        return cost + fee_on(cost, rate, money_decimals(listing))

    def _may_act(self, order: EngineOrder) -> bool:
        """Asked by the engine when a waiting order fires: a market order may cost more than was held."""
        account = self.accounts.get(order.account)
        if account is None:
            return True
        asset, needed = self._need(order)
        return needed <= account.free(asset, self.listings, without=order)

    def _require_amend_funds(self, order: EngineOrder, terms: Mapping[str, Any]) -> None:
        account = self.account(order.account)
        before = order.steps, order.price_ticks, order.trigger_ticks
        grid = order.grid
        try:
            if isinstance(quantity := terms.get("quantity"), Decimal):
                order.steps = max(order.done_steps, grid.steps(quantity))
            if isinstance(price := terms.get("limit_price"), Decimal):
                order.price_ticks = grid.ticks(price)
            if isinstance(price := terms.get("trigger_price"), Decimal):
                order.trigger_ticks = grid.ticks(price)
            asset, needed = hold_of(order, self.listings[order.symbol])
        except (ValueError, ArithmeticError):
            return  # off the grid: the engine refuses it in its own words
        finally:
            order.steps, order.price_ticks, order.trigger_ticks = before
        if needed > hold_of(order, self.listings[order.symbol])[1] and needed > account.free(
            asset, self.listings, without=order
        ):
            raise EngineReject(RejectCode.FUNDS, f"{needed} {asset}")

    # ---- market data -----------------------------------------------------------------------------

    def bars(
        self, symbol: str, interval_s: int, *, end_ns: int | None = None, count: int = 720
    ) -> list[MarketBar]:
        """The last ``count`` bars that begin before ``end_ns`` (default: up to the running one)."""
        tape = self.tapes[symbol]
        now = self.clock.wall_ns()
        tape.roll(now)
        return tape.bars(interval_s, end_ns if end_ns is not None else now + 1, count)

    def running_bar(self, symbol: str, interval_s: int) -> MarketBar:
        """The bar that is being made; cheap enough to ask on every trade."""
        return self.tapes[symbol].running_bar(interval_s)

    def trades(self, symbol: str, since_ns: int, count: int = 1000) -> list[Print]:
        """Up to ``count`` prints after ``since_ns``, oldest first."""
        return self.tapes[symbol].trades(since_ns, count)

    def recent_trades(self, symbol: str, count: int = 50) -> list[Print]:
        """The last prints, oldest first."""
        return self.tapes[symbol].recent(count)

    def last_24h(self, symbol: str) -> DayStats:
        """Rolling day figures."""
        return self.tapes[symbol].last_24h()

    def today(self, symbol: str) -> DayStats:
        """Figures since midnight UTC."""
        return self.tapes[symbol].today()

    # ---- for rehearsals and tests ----------------------------------------------------------------

    def shock(self, symbol: str, percent: float) -> None:
        """Move the latent price of the pair's base asset, and with it every pair it is in.

        Raises:
            ValueError: not between -90 and +900 per cent.
        """
        if not -90.0 <= percent <= 900.0:
            raise ValueError(f"no shock: {percent} %")
        self.latents.shift(self.listings[symbol].base, percent)
        world = self if self._beside is None else self._beside
        world.store.put("shifts", self.latents.shifts)

    def off_fair_pct(self) -> float:
        """How far any pair's best prices and last trade are from where its order flow wants them, the worst
        one, in per cent; 100 where a side is empty. After a shock or a large trade they take moments to come
        back, and a stop that looks at the last trade would still fire on the old one."""
        now, worst = self.clock.wall_ns(), 0.0
        for symbol, engine in self.engines.items():
            listing = self.listings[symbol]
            fair = self.latents.pair_price(listing.base, listing.quote, now) / float(listing.tick_size)
            for ticks in (*engine.best_ticks(), engine.last_ticks):
                worst = max(worst, abs(ticks / fair - 1) * 100 if ticks and fair > 0 else 100.0)
        return worst

    def bot_trade(self, symbol: str, side: Side, quantity: Decimal) -> None:
        """A market order of the order flow, now.

        Raises:
            EngineReject: a quantity off the grid or not above zero.
        """
        order = EngineOrder(
            self.listings[symbol],
            account=BOT_ACCOUNT,
            side=side,
            order_type=OrderType.MARKET,
            quantity=quantity,
        )
        self.engines[symbol].add_generated(order)
        self.flush()

    def set_status(self, status: MarketStatus, symbol: str | None = None) -> None:
        """What the market (or one pair) accepts; anything but ONLINE also stops the order flow there."""
        for engine in [self.engines[symbol]] if symbol is not None else list(self.engines.values()):
            engine.status = status

    # ---- keeping ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write what happened to accounts and orders since the last time."""
        if self._dirty_accounts or self._dirty_orders or self._new_fills or self._new_entries:
            self.store.begin()
            self._write()
            self.store.commit()

    def _write(self) -> None:
        for account_id in self._dirty_accounts:
            account = self.accounts[account_id]
            self.store.save_account(account_id, account.balances, account.volume_by_day)
        self.store.save_orders(self._dirty_orders.values())
        self.store.save_fills(self._new_fills)
        self.store.save_ledger(self._new_entries)
        self._dirty_accounts.clear()
        self._dirty_orders.clear()
        self._new_fills.clear()
        self._new_entries.clear()

    def persist(self) -> None:
        """Write everything, the run's bars included."""
        self._saved_ns = self.clock.wall_ns()
        self.store.begin()
        for order in (order for account in self.accounts.values() for order in account.open_orders.values()):
            self._dirty_orders[order.order_id] = order
        self._write()
        for symbol, tape in self.tapes.items():
            self.store.save_minutes(symbol, tape.take_unsaved())
        self.store.commit()

    def close(self) -> None:
        """Write everything and close the file."""
        self.persist()
        self.store.close()

    # ---- what the engines report -----------------------------------------------------------------

    def note_open(self, order: EngineOrder) -> None:
        account = self.accounts.get(order.account)
        if account is not None:
            account.open_orders[order.order_id] = order
            self._orders[order.order_id] = order
            self._dirty_orders[order.order_id] = order

    def note_closed(self, order: EngineOrder) -> None:
        account = self.accounts.get(order.account)
        if account is None:
            return
        account.open_orders.pop(order.order_id, None)
        self._orders[order.order_id] = order
        self._dirty_orders[order.order_id] = order
        closed = self._closed[order.account]
        closed.append(order)
        if len(closed) > 2 * KEPT_CLOSED:
            for old in closed[:-KEPT_CLOSED]:
                self._orders.pop(old.order_id, None)
            del closed[:-KEPT_CLOSED]

    def note_trade(self, trade: EngineTrade) -> None:
        for order, is_maker in ((trade.maker_order, True), (trade.taker_order, False)):
            if order.account != BOT_ACCOUNT and order.account in self.accounts:
                self._settle(trade, order, is_maker)

    def _settle(self, trade: EngineTrade, order: EngineOrder, is_maker: bool) -> None:
        account = self.accounts[order.account]
        listing = self.listings[order.symbol]
        rates = account.fee_rates(listing, trade.ts_ns)
        rate = rates.maker_pct if is_maker else rates.taker_pct
        if order.fee_cap is not None:
            rate = min(rate, order.fee_cap[0 if is_maker else 1])
        exact = order.grid.notional(trade.price_ticks, trade.steps)
        cost, fee, fee_asset = charge_for(order, listing, trade.quantity, exact, rate)
        quote_usd = self.usd_value(listing.quote)
        traded_usd = round_down(exact * quote_usd, 4)
        fee_usd = fee * quote_usd if fee_asset == listing.quote else fee * trade.price * quote_usd
        fill = AccountFill(
            next(self._fill_ids), order.account, order.order_id, order.symbol, trade.trade_id, order.side,
            order.order_type, trade.price, trade.quantity, cost, fee, fee_asset, round_down(fee_usd, 4),
            is_maker, trade.ts_ns,
        )  # fmt: skip
        sign = order.side.sign
        entries = tuple(
            self._move(account, fill, asset, amount, fee if asset == fee_asset else ZERO)
            for asset, amount in ((listing.base, sign * trade.quantity), (listing.quote, -sign * cost))
        )
        day = trade.ts_ns // _DAY_NS
        account.volume_by_day[day] = account.volume_by_day.get(day, ZERO) + traded_usd
        self._fills[order.account].append(fill)
        self._ledger[order.account].extend(entries)
        self._new_fills.append(fill)
        self._new_entries.extend(entries)
        self._dirty_accounts.add(order.account)
        self._dirty_orders[order.order_id] = order
        for listener in self._listeners:
            listener.on_fill(fill, order)
        for listener in self._listeners:
            listener.on_ledger(entries)

    def _move(
        self, account: Account, fill: AccountFill, asset: str, amount: Decimal, fee: Decimal
    ) -> LedgerEntry:
        balance = account.balances.get(asset, ZERO) + amount - fee
        account.balances[asset] = balance
        self.house[asset] = self.house.get(asset, ZERO) - amount + fee
        return LedgerEntry(
            next(self._entry_ids),
            fill.fill_id,
            account.account_id,
            fill.ts_ns,
            "trade",
            asset,
            amount,
            fee,
            balance,
        )


class _Keeper(EngineListener):
    """Hears one engine for the market, before any face does."""

    def __init__(self, market: PracticeMarket, tape: PairTape) -> None:
        self._market = market
        self._tape = tape

    def on_accepted(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._market.note_open(order)

    def on_triggered(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._market.note_open(order)

    def on_trade(self, trade: EngineTrade) -> None:
        self._tape.record(trade)
        self._market.note_trade(trade)

    def on_filled(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._market.note_closed(order)

    def on_canceled(self, order: EngineOrder, reason: str) -> None:
        if order.account != BOT_ACCOUNT:
            self._market.note_closed(order)

    def on_expired(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._market.note_closed(order)
