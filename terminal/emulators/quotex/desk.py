"""Deals of the practice Quotex: opened, sold back, settled at their expiry; pending ones; and the balances.

What a step changed is written before anybody is told of it. A deal that expired while the venue was down is
settled at the next start, by the price of its expiry. Rules and shapes are section 8 and 9 of the protocol
reference; what is not known for certain is decided as the docstrings say.
"""

from __future__ import annotations

import logging
import math
import uuid
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from terminal.emulators.market.store import Store
from terminal.emulators.quotex import rules
from terminal.emulators.quotex.accounts import Accounts, User
from terminal.emulators.quotex.market import Market
from terminal.emulators.quotex.records import (
    CENT,
    DEAL_KIND,
    PENDING_KIND,
    Deal,
    Pending,
    cents,
    deal_from,
    pending_from,
    purse_of,
    record_of,
)

MIN_STAKE: Final = Decimal(1)
MAX_STAKE: Final = Decimal(5_000)
SELL_END_MS: Final = 10_000
"""A deal can be sold back until so long before its expiry."""
_SELL_SHARE: Final = Decimal("0.94")
"""Of what it is worth."""
_SETTLE_AFTER_MS: Final = 450
"""Prices arrive a little late; a deal is settled when that of its expiry is there."""
_ANNOUNCE_MS: Final = 1_000
_PENDING_GRACE_MS: Final = 5_000
KEPT_CLOSED: Final = 100
"""Deals in ``orders/closed/list``."""
_IDS_KEY: Final = "quotex:ids"
PENDING_FAILED: Final = 9

Tell = Callable[[int, str | None, str, Any], None]
"""Takes an account, a wallet (None: all), an event's name and its data."""

log = logging.getLogger("practice.quotex")


class DealRefused(Exception):
    """The venue's word for why not."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Silence(Exception):
    """The venue does not answer such a request at all."""


class Desk:
    """Books of all accounts."""

    def __init__(self, market: Market, accounts: Accounts, store: Store) -> None:
        self.market = market
        self.accounts = accounts
        self._store = store
        self.tell: Tell = lambda _uid, _wallet, _name, _data: None
        self.offset_ms = 0
        """So far the venue's clock is off."""
        self.integer_ids = False
        self.deals: dict[int, Deal] = {}
        """Running ones, by number."""
        self.pendings: dict[int, Pending] = {}
        self._next = int(store.get(_IDS_KEY, 48_000_001))
        for record in reversed(store.live_records(DEAL_KIND)):
            deal = deal_from(record)
            self.deals[deal.number] = deal
        for record in reversed(store.live_records(PENDING_KIND)):
            pending = pending_from(record)
            self.pendings[pending.number] = pending
        self.on_timer()

    def now_ms(self) -> int:
        """Milliseconds UTC, by the right clock."""
        return self.market.now_ms()

    def _number(self) -> int:
        number, self._next = self._next, self._next + 1
        return number

    def _save(self, users: set[int], *changed: Deal | Pending) -> None:
        self._store.begin()
        self._store.put(_IDS_KEY, self._next)
        self._store.save_records([record_of(one) for one in changed])
        for uid in users:
            self.accounts.save(self.accounts.users[uid])
        self._store.commit()

    # ---- deals -----------------------------------------------------------------------------------

    def open_order(self, user: User, wallet: str, order: dict[str, Any], percent_loss: int = 100) -> Deal:
        """Carry out ``orders/open``.

        Raises:
            DealRefused: with the venue's word for it.
            Silence: a closed asset; the venue says nothing to such an order.
        """
        symbol, action = order.get("asset"), order.get("action")
        if not isinstance(symbol, str) or symbol not in self.market.assets or action not in ("call", "put"):
            raise DealRefused("not_price")
        if not self.market.is_open(symbol):
            raise Silence
        stake = self._stake(user, wallet, order.get("amount"))
        now = self.now_ms()
        asset = self.market.assets[symbol]
        kind = order.get("optionType")
        close_ms = rules.close_of(kind, order.get("time"), is_otc=asset.is_otc, now_ms=now + self.offset_ms)
        if close_ms is None or not self.market.is_open(symbol, close_ms - self.offset_ms - 1):
            raise DealRefused("expiration")
        request_id = order.get("requestId")
        return self._open(
            user, wallet, symbol, action == "call", stake, close_ms - self.offset_ms,
            option_type=int(kind or 0), percent_loss=percent_loss,
            request_id=request_id if isinstance(request_id, int) else None,
        )  # fmt: skip

    def _stake(self, user: User, wallet: str, amount: Any) -> Decimal:
        if isinstance(amount, bool) or not isinstance(amount, (int, Decimal)):
            raise DealRefused("min_amount")
        stake = Decimal(amount)
        try:
            whole = stake == stake.quantize(CENT)
        except InvalidOperation:
            whole = False
        if not whole or stake < MIN_STAKE:
            raise DealRefused("min_amount")
        if stake > MAX_STAKE:
            raise DealRefused("max_amount")
        if stake > user.balances[wallet]:
            raise DealRefused("not_money")
        return stake.quantize(CENT)

    def _open(
        self, user: User, wallet: str, symbol: str, is_call: bool, stake: Decimal, close_ms: int, *,
        option_type: int, request_id: int | None = None, percent_loss: int = 100, ticket: str | None = None,
    ) -> Deal:  # fmt: skip
        now = self.now_ms()
        asset = self.market.assets[symbol]
        payout = asset.payout_for(self.market.payouts(symbol), (close_ms - now) / 1000)
        number = self._number()
        rate = self.market.last("EURUSD") if user.currency == "EUR" else Decimal(1)
        deal = Deal(
            number, user.uid, wallet, number if self.integer_ids else ticket or str(uuid.uuid4()), symbol,
            is_call, stake, cents(stake * rate), user.currency, payout, percent_loss, option_type, request_id,
            now, close_ms, self.market.last(symbol),
        )  # fmt: skip
        user.balances[wallet] -= stake
        self.deals[number] = deal
        self._save({user.uid}, deal)
        return deal

    def tell_balance(self, user: User, wallet: str) -> None:
        """Push the balances as they are."""
        self.tell(user.uid, wallet, "balance", user.balance_row(wallet))

    def find(self, user: User, ticket: Any) -> Deal | None:
        """A running deal by its id as told."""
        return next(
            (one for one in self.deals.values() if one.uid == user.uid and str(one.id) == str(ticket)), None
        )

    def sell(self, user: User, ticket: Any) -> Deal:
        """Carry out ``orders/cancel``: sold for a little less than it is worth.

        It is offered until ten seconds before the expiry, while the asset is open.

        Raises:
            DealRefused: no such deal, or no longer offered.
        """
        deal = self.find(user, ticket)
        if deal is None:
            raise DealRefused("not_found")
        now = self.now_ms()
        left_ms = deal.close_ms - now
        if left_ms < SELL_END_MS or not self.market.is_open(deal.symbol):
            raise DealRefused("not_available")
        price = self.market.last(deal.symbol)
        chance = self._chance(deal, price, left_ms / 1000)
        back = cents((deal.stake + deal.possible_profit) * Decimal(f"{chance:.4f}") * _SELL_SHARE)
        deal.is_sold = True
        self._end(deal, price, back - deal.stake, now)
        self._save({user.uid}, deal)
        return deal

    def _chance(self, deal: Deal, price: Decimal, left_s: float) -> float:
        """That it wins, for a price that walks at random."""
        spread = self.market.assets[deal.symbol].volatility * math.sqrt(left_s / 86_400)
        distance = math.log(float(price) / float(deal.open_price)) / (spread * math.sqrt(2))
        return 0.5 * (1 + math.erf(distance if deal.is_call else -distance))

    def _end(self, deal: Deal, price: Decimal, profit: Decimal, at_ms: int) -> None:
        deal.close_price, deal.profit, deal.closed_ms = price, profit, at_ms
        self.deals.pop(deal.number, None)
        self.accounts.users[deal.uid].balances[deal.wallet] += deal.stake + profit

    # ---- time ------------------------------------------------------------------------------------

    def on_timer(self) -> None:
        """Settle what has expired and open what was waiting."""
        if self.deals:
            self._settle()
        if self.pendings:
            for pending in list(self.pendings.values()):
                self._look_at(pending)

    def _settle(self) -> None:
        """Deals that end in one second are told together."""
        now = self.now_ms()
        seconds: defaultdict[tuple[int, str, int], list[Deal]] = defaultdict(list)
        for deal in self.deals.values():
            seconds[deal.uid, deal.wallet, deal.close_ms // 1000].append(deal)
        for (uid, wallet, _), deals in seconds.items():
            if max(one.close_ms for one in deals) + _SETTLE_AFTER_MS > now:
                continue
            for deal in deals:
                price = self.market.settled_at(deal.symbol, deal.close_ms)
                self._end(deal, price, deal.result_at(price), deal.close_ms)
            self._save({uid}, *deals)
            total = sum((one.profit or Decimal(0) for one in deals), start=Decimal(0))
            rows = [one.row(self.offset_ms) for one in deals]
            self.tell(uid, wallet, "s_orders/close", {"profit": total, "deals": rows})
            self.tell_balance(self.accounts.users[uid], wallet)

    # ---- pending ---------------------------------------------------------------------------------

    def create_pending(self, user: User, wallet: str, order: Any) -> Pending:
        """Carry out ``pending/create`` in the shape that real servers take; the money is looked at when it
        opens.

        Raises:
            DealRefused: ``open_time_min`` for every other shape and for a time that is none.
        """
        if not isinstance(order, dict):
            raise DealRefused("open_time_min")
        symbol, command, amount = order.get("asset"), order.get("command"), order.get("amount")
        kind, period = order.get("openType"), order.get("period")
        duration = order.get("timeframe")
        if duration is None and isinstance(period, str):
            duration = rules.PERIODS.get(period)
        if (
            not isinstance(symbol, str)
            or symbol not in self.market.assets
            or command not in ("call", "put", 0, 1)
            or duration not in rules.DURATIONS
            or isinstance(duration, bool)
        ):
            raise DealRefused("open_time_min")
        if isinstance(amount, bool) or not isinstance(amount, (int, Decimal)) or amount < MIN_STAKE:
            raise DealRefused("min_amount")
        if amount > MAX_STAKE:
            raise DealRefused("max_amount")
        open_ms, quote = None, None
        if kind == 0:
            open_ms = rules.pending_time(order.get("openTime"), self.now_ms() + self.offset_ms)
            if open_ms is None:
                raise DealRefused("open_time_min")
            open_ms -= self.offset_ms
        elif kind == 1:
            quote = order.get("quote")
            if isinstance(quote, bool) or not isinstance(quote, (int, Decimal)) or quote <= 0:
                raise DealRefused("not_price")
            quote = Decimal(quote)
        else:
            raise DealRefused("open_time_min")
        pending = Pending(
            self._number(), user.uid, wallet, str(uuid.uuid4()), symbol,
            command if isinstance(command, str) else None, Decimal(amount), int(duration), open_ms, quote,
            self.market.last(symbol) if quote is not None else None, self.now_ms(),
        )  # fmt: skip
        self.pendings[pending.number] = pending
        self._save(set(), pending)
        return pending

    def cancel_pending(self, user: User, ticket: Any) -> Pending:
        """Carry out ``pending/cancel``.

        Raises:
            DealRefused: there is none of that ticket.
        """
        for pending in self.pendings.values():
            if pending.uid == user.uid and pending.ticket == ticket:
                self._drop(pending)
                return pending
        raise DealRefused("not_found")

    def _drop(self, pending: Pending) -> None:
        pending.is_over = True
        self.pendings.pop(pending.number, None)
        self._save(set(), pending)

    def _look_at(self, pending: Pending) -> None:
        now = self.now_ms()
        if pending.open_ms is not None:
            if not pending.is_announced and now >= pending.open_ms - _ANNOUNCE_MS:
                pending.is_announced = True
                row = {"error": None, "ticket": pending.ticket, "asset": pending.symbol}
                self.tell(pending.uid, pending.wallet, "f_pending/opened", row)
            if now >= pending.open_ms:
                self._fire(pending, is_late=now > pending.open_ms + _PENDING_GRACE_MS)
        elif pending.quote is not None and pending.last_price is not None:
            price = self.market.last(pending.symbol)
            if (price >= pending.quote) != (pending.last_price >= pending.quote) or price == pending.quote:
                self._fire(pending)

    def _fire(self, pending: Pending, *, is_late: bool = False) -> None:
        user = self.accounts.users[pending.uid]
        self._drop(pending)
        close_ms = (pending.open_ms or self.now_ms()) + pending.duration * 1000
        try:
            if pending.command is None or is_late or not self.market.is_open(pending.symbol, close_ms - 1):
                raise DealRefused(str(PENDING_FAILED))
            if not self.market.is_open(pending.symbol):
                raise DealRefused(str(PENDING_FAILED))
            stake = self._stake(user, pending.wallet, pending.stake)
        except DealRefused:
            failed = {"error": PENDING_FAILED, "ticket": pending.ticket, "asset": pending.symbol}
            self.tell(pending.uid, pending.wallet, "f_pending/opened", failed)
            return
        deal = self._open(
            user, pending.wallet, pending.symbol, pending.command == "call", stake, close_ms,
            option_type=rules.TIMER, ticket=pending.ticket,
        )  # fmt: skip
        opened = {"id": deal.id, "asset": deal.symbol, "ticket": pending.ticket}
        self.tell(user.uid, pending.wallet, "s_pending/opened", opened)
        self.tell(user.uid, pending.wallet, "s_orders/open", deal.accepted_row(self.offset_ms))
        self.tell_balance(user, pending.wallet)

    # ---- lists -----------------------------------------------------------------------------------

    def opened_rows(self, user: User, wallet: str) -> list[dict[str, Any]]:
        """Running deals of a wallet, oldest first."""
        return [
            one.row(self.offset_ms)
            for one in self.deals.values()
            if one.uid == user.uid and one.wallet == wallet
        ]

    def closed(
        self, user: User, count: int = -1, *, wallet: str | None = None, demo: bool | None = None
    ) -> list[Deal]:
        """The last ended deals, newest first: of one wallet, or of all that are play money or are not."""
        records = self._store.records(
            DEAL_KIND,
            user.uid,
            parent=None if wallet is None else purse_of(wallet),
            origin=None if demo is None else int(demo),
            # Running ones lie among them.
            limit=count if count < 0 else count + len(self.deals),
        )
        found = [deal for deal in map(deal_from, records) if not deal.is_running]
        return found if count < 0 else found[:count]

    def closed_rows(self, user: User, wallet: str) -> list[dict[str, Any]]:
        """The last ended deals of a wallet, newest first."""
        return [one.row(self.offset_ms) for one in self.closed(user, KEPT_CLOSED, wallet=wallet)]

    def pending_rows(self, user: User, wallet: str) -> list[dict[str, Any]]:
        """Pending deals of a wallet, oldest first."""
        return [
            one.row(self.offset_ms)
            for one in self.pendings.values()
            if one.uid == user.uid and one.wallet == wallet
        ]

    def history(self, user: User, *, demo: bool, page: int, size: int) -> list[dict[str, Any]]:
        """One page of ended deals for the REST history, newest first."""
        deals = self.closed(user, page * size, demo=demo)
        return [one.history_row(self.offset_ms) for one in deals[(page - 1) * size :]]

    # ---- money -----------------------------------------------------------------------------------

    def set_balance(self, user: User, wallet: str, amount: Decimal) -> None:
        """Another balance: a refill, or a rehearsal."""
        user.balances[wallet] = cents(amount)
        self._save({user.uid})

    def reset(self, user: User) -> None:
        """The account begins anew: first balances, no deals."""
        for deal in [one for one in self.deals.values() if one.uid == user.uid]:
            del self.deals[deal.number]
        for pending in [one for one in self.pendings.values() if one.uid == user.uid]:
            del self.pendings[pending.number]
        user.begin()
        self._store.begin()
        self._store.forget_records(user.uid)
        self.accounts.save(user)
        self._store.commit()
