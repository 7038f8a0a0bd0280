"""The money behind an order ticket: what is free, what it counts in, what an order could be worth."""

from __future__ import annotations

from decimal import Decimal

from terminal.domain.account import FeeRates
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import money_text
from terminal.viewmodels.cost_text import Money
from terminal.viewmodels.leverage import DERIVATIVES, LeverageChoice
from terminal.viewmodels.ports import Accounts, Place
from terminal.viewmodels.size_entry import pays_in_quote


def free_of(accounts: Accounts, place: Place, asset: str) -> Decimal | None:
    """How much of an asset is free in the account; None while its balances are not known."""
    if not accounts.is_known(place.account):
        return None
    balance = accounts.balances(place.account).get(asset)
    return ZERO if balance is None else max(ZERO, balance.free)


class TicketMoney:
    """The account of a ticket, as far as the ticket's instrument is about it."""

    def __init__(self, accounts: Accounts, leverage: LeverageChoice) -> None:
        self._accounts, self._leverage = accounts, leverage
        self._instrument: Instrument | None = None
        self._place: Place | None = None

    def show(self, instrument: Instrument | None, place: Place | None) -> None:
        """Be about this instrument and account."""
        self._instrument, self._place = instrument, place

    def equity(self) -> Decimal | None:
        """What a share at risk is one of: in the account's own currency where it has one, else what all its
        balances are worth in the quote asset."""
        assert self._instrument is not None
        assert self._place is not None
        figures = self._accounts.figures(self._place.account)
        if figures is not None:
            return figures.equity
        return self._accounts.equity(self._place.account, self._instrument.quote)

    @property
    def times(self) -> Decimal:
        """By how much an order may be worth more than the money that it ties up."""
        current = self._leverage.current
        return current.value if current is not None else Decimal(1)

    def rate(self) -> Decimal | None:
        """What one quote unit is worth in the account's currency."""
        assert self._instrument is not None
        assert self._place is not None
        figures = self._accounts.figures(self._place.account)
        if figures is None or figures.currency == self._instrument.quote:
            return Decimal(1)
        return self._accounts.worth(self._place.account, self._instrument.quote, Decimal(1), figures.currency)

    def dollars(self, price: Decimal) -> Decimal | None:
        """What one quote unit is worth in dollars, by its own rate or by that of the base; None while neither
        is known."""
        assert self._instrument is not None
        assert self._place is not None
        account, one = self._place.account, Decimal(1)
        rate = self._accounts.worth(account, self._instrument.quote, one, "USD")
        if rate is None and price > 0:
            base = self._accounts.worth(account, self._instrument.base, one, "USD")
            rate = None if base is None else base / price
        return rate

    def own_money(self) -> Money | None:
        """The account's money, for costs; None: they are told in what the instrument is settled in."""
        assert self._instrument is not None
        assert self._place is not None
        figures, rate = self._accounts.figures(self._place.account), self.rate()
        if figures is None or rate is None or self._instrument.is_inverse:
            return None
        return Money(figures.currency, rate)

    def free(self, side: Side) -> Decimal | None:
        """What an order of this side can be paid with; None while the balance is not known."""
        if self._place is None or self._instrument is None:
            return None
        figures = self._accounts.figures(self._place.account)
        if figures is not None and self._accounts.is_known(self._place.account):
            return figures.free_margin
        return free_of(self._accounts, self._place, self.spent(side))

    def spent(self, side: Side) -> str:
        """The asset that an order of this side is paid with."""
        assert self._instrument is not None
        return self._instrument.settled_in if pays_in_quote(side, self._instrument) else self._instrument.base

    def power(self, side: Side) -> Decimal | None:
        """What is free, as the worth of the order that it could back; None while that is not known."""
        free = self.free(side)
        if self._leverage.is_offered and self._leverage.current is None:
            return None
        return None if free is None else free * self.times

    def fees(self) -> FeeRates | None:
        """What the venue charges this account here; None while that is not known."""
        if self._place is None or self._instrument is None:
            return None
        return self._accounts.fee_rates(self._place.account, self._instrument.symbol)

    def free_texts(self, hidden: bool) -> tuple[str, str]:
        """What is free to spend: quote money and base units; the same for both sides on margin. ``hidden``:
        dots in place of the amounts."""
        if self._instrument is None:
            return "", ""
        if hidden:
            base = self._instrument.settled_in if self._instrument.is_inverse else self._instrument.base
            return f"{fmt.HIDDEN} {self._instrument.settled_in}", f"{fmt.HIDDEN} {base}"
        figures = self._accounts.figures(self._place.account) if self._place is not None else None
        if figures is not None:
            text = f"{fmt.money(figures.free_margin, figures.currency)} margin"
            return text, text
        money, units = self.free(Side.BUY), self.free(Side.SELL)
        if self._instrument.kind in DERIVATIVES:
            text = money_text(money, self._instrument)
            return text, text
        return (
            fmt.money(money, self._instrument.quote),
            f"{fmt.quantity(units, self._instrument.quantity_decimals)} {self._instrument.base}",
        )
