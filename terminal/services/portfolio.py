"""What each account holds, and what it is worth.

A venue's stream says totals; what resting orders hold back is derived from the open orders alone where it
does not say that (Kraken WS v2 ``balances`` has no hold figure, read 2026-08).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from terminal.core.observe import Observable
from terminal.domain.account import (
    AccountFigures,
    AccountInfo,
    AccountKind,
    AccountSnapshot,
    Balance,
    FeeRates,
    Position,
)
from terminal.domain.decimals import ZERO
from terminal.domain.events import BalancesReported, PositionReported
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Feed, FeedKind, Quote, Side
from terminal.domain.orders import Order, OrderState, OrderType
from terminal.services.market_data import MarketData

HOME_CURRENCY = "USD"
# Worth about one dollar each; used only where no direct market to the dollar is known.
_DOLLAR_LIKE = ("USD", "USDT", "USDC")
_CONTRACTS = frozenset({InstrumentKind.PERPETUAL, InstrumentKind.FUTURE})


class Portfolio:
    """Balances, positions, fee rates and worth by account.

    Attributes:
        changed: called with the account's name after any change.
        fees_wanted: called with an account and a symbol whose rates were asked for and are not known.
    """

    def __init__(self, market: MarketData, open_orders: Callable[[str], Iterable[Order]]) -> None:
        self.changed: Observable[[str]] = Observable("portfolio")
        self.fees_wanted: Observable[[str, str]] = Observable("fees wanted")
        self._market = market
        self._open_orders = open_orders
        self._told: dict[str, dict[str, Balance]] = {}
        """As the venue says them, with the margin of positions in what is held; none held where it says
        nothing of that."""
        self._holds_from_orders: set[str] = set()
        """Accounts whose stream tells no holds."""
        self._positions: dict[str, dict[str, Position]] = {}
        self._figures: dict[str, AccountFigures] = {}
        self._infos: dict[str, AccountInfo] = {}
        self._fees: dict[str, dict[str, FeeRates]] = {}
        self._known: set[str] = set()
        self._streamed: dict[str, set[str]] = {}
        self._moved: dict[str, dict[str, Position]] = {}
        """By account: positions that the stream told of since a snapshot was asked for."""
        self._feeds: dict[InstrumentId, Callable[[], None]] = {}

    def expect_snapshot(self, account: str) -> None:
        """A snapshot is being asked for: what the stream says from now on is newer than it will be."""
        self._streamed[account] = set()
        self._moved[account] = {}

    def load(self, account: str, snapshot: AccountSnapshot) -> None:
        """Take what a reconciliation read. A failed position query leaves the positions as they were."""
        before, newer = self._told.get(account, {}), self._streamed.pop(account, set())
        self._told[account] = {balance.asset: balance for balance in snapshot.balances}
        self._holds_from_orders.discard(account)
        if snapshot.holds_from_orders:
            # No message would take back what is said to be held now: the orders that hold it are known.
            self._holds_from_orders.add(account)
            self._told[account] = {
                asset: balance._replace(held=ZERO) for asset, balance in self._told[account].items()
            }
        self._told[account].update({asset: before[asset] for asset in newer if asset in before})
        moved = self._moved.pop(account, {})
        if snapshot.positions_known:
            positions = {each.position_id: each for each in snapshot.positions} | moved
            self._positions[account] = {key: each for key, each in positions.items() if each.quantity}
        if snapshot.figures is not None:
            self._figures[account] = snapshot.figures
        if snapshot.fees:
            self._fees.setdefault(account, {}).update(snapshot.fees)
        self._known.add(account)
        self._watch_prices(account)
        self.changed.notify(account)

    def on_balances(self, account: str, event: BalancesReported) -> None:
        """Take new totals from the account's stream."""
        told = self._told.setdefault(account, {})
        if event.is_snapshot:
            told.clear()
        told.update((balance.asset, balance) for balance in event.balances)
        if account in self._streamed:
            self._streamed[account].update(balance.asset for balance in event.balances)
        self._watch_prices(account)
        self.changed.notify(account)

    def on_position(self, account: str, event: PositionReported) -> None:
        """Take a position as it stands now from the account's stream."""
        position = event.position
        if account in self._moved:
            self._moved[account][position.position_id] = position
        held = self._positions.setdefault(account, {})
        if position.quantity:
            held[position.position_id] = position
        else:
            held.pop(position.position_id, None)
        self.changed.notify(account)

    def on_figures(self, account: str, figures: AccountFigures) -> None:
        """Take the figures of an account on margin from its stream."""
        self._figures[account] = figures
        if not figures.beside_balances:
            self._known.add(account)
        self._watch_prices(account)
        self.changed.notify(account)

    def set_info(self, account: str, info: AccountInfo) -> None:
        """What kind of account this is."""
        if self._infos.get(account) != info:
            self._infos[account] = info
            self.changed.notify(account)

    def forget(self, account: str) -> None:
        """Drop an account that is no longer connected."""
        self._told.pop(account, None)
        self._holds_from_orders.discard(account)
        for table in (self._positions, self._figures, self._infos, self._moved):
            table.pop(account, None)
        self._known.discard(account)
        venue = account.partition(":")[0]
        feeds = [self._feeds.pop(item) for item in list(self._feeds) if item.venue == venue]
        for other in self._known:
            if other.partition(":")[0] == venue:
                # The venue's other accounts keep their prices: watched again before they are let go of.
                self._watch_prices(other)
        for release in feeds:
            release()
        self.changed.notify(account)

    def _watch_prices(self, account: str) -> None:
        """Keep a price of everything held, so that its worth is never a guess."""
        venue = account.partition(":")[0]
        amounts = {asset: balance.equity for asset, balance in self._told.get(account, {}).items()}
        figures = self.figures(account)
        if figures is not None and figures.currency != HOME_CURRENCY:
            amounts[figures.currency] = figures.balance
        for asset, total in amounts.items():
            listed = [
                instrument
                for instrument in (InstrumentId(venue, symbol) for symbol in _priced_by(asset))
                if self._market.instrument(instrument) is not None
            ]
            # The first that is listed is the one that prices it; both ways round may be.
            for instrument in listed[:1] if total else ():
                if instrument not in self._feeds:
                    feed = Feed(FeedKind.QUOTES, instrument.symbol)
                    self._feeds[instrument] = self._market.watch(feed, venue)

    def is_known(self, account: str) -> bool:
        """Whether balances were read at least once: not knowing is not the same as holding nothing."""
        return account in self._known

    def balances(self, account: str) -> Mapping[str, Balance]:
        """By asset: total, and what is held of it: by open orders, or as the venue says where that is more
        (it counts the margin of positions, too, but may be behind an order that has just been sent)."""
        orders = self._held(account)
        return {
            asset: told._replace(held=min(told.total, max(orders.get(asset, ZERO), told.held)))
            for asset, told in self._told.get(account, {}).items()
        }

    def holds_of(self, account: str, order: Order) -> tuple[str, Decimal]:
        """Which asset a resting order holds back, and how much of it. Where the stream tells no holds a buy
        holds the taker's fee, too, once it is known: as Kraken counts it, and as paying for it is checked."""
        instrument = self._market.instrument(order.instrument)
        if instrument is None:
            return "", ZERO
        asset, amount = holds_of(order, instrument)
        if amount and account in self._holds_from_orders and order.side is Side.BUY:
            rates = self.fee_rates(account, order.instrument.symbol)
            amount *= 1 if rates is None else 1 + rates.taker_pct / 100
        return asset, amount

    def positions(self, account: str) -> tuple[Position, ...]:
        """Open positions, where the venue has such."""
        return tuple(self._positions.get(account, {}).values())

    def position(self, account: str, position_id: str) -> Position | None:
        """One open position; None where there is none of that id (any more)."""
        return self._positions.get(account, {}).get(position_id)

    def figures(self, account: str) -> AccountFigures | None:
        """Balance, margin and what follows of them; None for an account that holds balances instead."""
        found = self._figures.get(account)
        return None if found is None or found.beside_balances else found

    def overview(self, account: str) -> AccountFigures | None:
        """What the venue says of an account on margin as a whole, whether it holds balances or not."""
        return self._figures.get(account)

    def info(self, account: str) -> AccountInfo | None:
        """What kind of account this is, where a connection has several."""
        return self._infos.get(account)

    def leverage(self, account: str, instrument: Instrument) -> Decimal | None:
        """30 where the account trades on margin at 1:30; None: it pays in full."""
        info = self._infos.get(account)
        return None if info is None or info.kind is AccountKind.CASH else info.leverage

    def fee_rates(self, account: str, symbol: str) -> FeeRates | None:
        """The account's own rates, or None while unknown; then they are asked for."""
        rates = self._fees.get(account, {}).get(symbol)
        if rates is None and account in self._known:
            self.fees_wanted.notify(account, symbol)
        return rates

    def set_fee_rates(self, account: str, symbol: str, rates: FeeRates) -> None:
        """Take what the venue said an account pays in a symbol."""
        self._fees.setdefault(account, {})[symbol] = rates
        self.changed.notify(account)

    def equity(self, account: str, currency: str = HOME_CURRENCY) -> Decimal | None:
        """What all balances are worth at mid prices, in ``currency``, with open profit where the venue counts
        it by asset; None while nothing is known.

        Assets without a known price are left out; :meth:`unpriced` names them.
        """
        if account not in self._known:
            return None
        venue = account.partition(":")[0]
        figures = self.figures(account)
        if figures is not None:
            price = self._price(venue, figures.currency, currency)
            return None if price is None or figures.equity is None else figures.equity * price
        worth = ZERO
        for asset, balance in self._told.get(account, {}).items():
            price = self._price(venue, asset, currency)
            if price is not None:
                worth += balance.equity * price
        return worth

    def worth(
        self, account: str, asset: str, amount: Decimal, currency: str = HOME_CURRENCY
    ) -> Decimal | None:
        """What an amount of an asset is worth at the account's venue; None without a known price."""
        price = self._price(account.partition(":")[0], asset, currency)
        return None if price is None else amount * price

    def unpriced(self, account: str, currency: str = HOME_CURRENCY) -> list[str]:
        """Assets held that :meth:`equity` could not value."""
        venue = account.partition(":")[0]
        return [
            asset
            for asset, balance in self._told.get(account, {}).items()
            if balance.equity and self._price(venue, asset, currency) is None
        ]

    def _price(self, venue: str, asset: str, currency: str) -> Decimal | None:
        if asset == currency:
            return Decimal(1)
        direct = self._mid(InstrumentId(venue, f"{asset}/{currency}"))
        if direct is not None:
            return direct
        inverse = self._mid(InstrumentId(venue, f"{currency}/{asset}"))
        if inverse:
            return 1 / inverse
        if asset in _DOLLAR_LIKE and currency in _DOLLAR_LIKE:
            return Decimal(1)
        if currency in _DOLLAR_LIKE:
            for money in _DOLLAR_LIKE:
                if money not in (asset, currency):
                    price = self._mid(InstrumentId(venue, f"{asset}/{money}"))
                    if price is not None:
                        return price * (self._price(venue, money, currency) or 1)
        return None

    def _mid(self, instrument: InstrumentId) -> Decimal | None:
        book = self._market.book(instrument)
        if book is not None and book.mid is not None:
            return book.mid
        quote = self._market.quote(instrument)
        return _quote_mid(quote) if quote is not None else None

    def _held(self, account: str) -> dict[str, Decimal]:
        held: dict[str, Decimal] = {}
        for order in self._open_orders(account):
            if order.state.is_working or order.state is OrderState.IN_DOUBT:
                asset, amount = self.holds_of(account, order)
                held[asset] = held.get(asset, ZERO) + amount
        return held


def _priced_by(asset: str) -> list[str]:
    """Symbols whose price tells what an asset is worth in dollars, the most direct first."""
    direct = [f"{asset}/{HOME_CURRENCY}", f"{HOME_CURRENCY}/{asset}"]
    return direct + [f"{asset}/{money}" for money in _DOLLAR_LIKE if money not in (asset, HOME_CURRENCY)]


def holds_of(order: Order, instrument: Instrument) -> tuple[str, Decimal]:
    """Which asset a resting order holds back, and how much: quote for a buy, base for a sell; a contract on
    margin none, for what it ties up follows from the leverage, and is the venue's to say. A fixed-payout
    contract holds its stake while nobody knows whether it was taken; one that waits to be opened, none."""
    if order.order_type is OrderType.CONTRACT:
        doubtful = order.state is OrderState.IN_DOUBT and not order.request.reduce_only
        currency = instrument.offer.currency if instrument.offer is not None else instrument.quote
        return currency, order.remaining if doubtful else ZERO
    if instrument.kind in _CONTRACTS:
        return instrument.quote, ZERO
    if order.side is Side.SELL:
        return instrument.base, order.remaining
    if order.request.in_quote:
        return instrument.quote, order.remaining
    price = order.limit_price or order.trigger_price
    return instrument.quote, order.remaining * price if price is not None else ZERO


def _quote_mid(quote: Quote) -> Decimal | None:
    if quote.bid is not None and quote.ask is not None:
        return (quote.bid + quote.ask) / 2
    return quote.last
