"""An account in memory whose fills and balances come when a test says, and the files of the day in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from terminal.core.observe import Observable
from terminal.domain.account import AccountFigures, Balance, Position
from terminal.domain.contracts import ContractOffer, RunningContract
from terminal.domain.decimals import ZERO
from terminal.domain.errors import StorageError
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import Fill
from tests.unit.services.order_fakes import ACCOUNT, INSTRUMENT

D = Decimal
REAL = "okx:live"
PERP = replace(
    INSTRUMENT, id=InstrumentId("okx", "BTC/USDT-PERP"), kind=InstrumentKind.PERPETUAL, quote="USD"
)
UP_DOWN = replace(
    INSTRUMENT,
    id=InstrumentId("quotex", "EUR/USD OTC"),
    kind=InstrumentKind.CONTRACT,
    offer=ContractOffer("USD", D(80), D(1), D(1000), (60,), (60,)),
)
LISTED = {each.id: each for each in (INSTRUMENT, PERP, UP_DOWN)}


def listed(instrument: InstrumentId) -> Instrument | None:
    return LISTED.get(instrument)


@dataclass
class Purse:
    """Balances, figures and positions of one account."""

    held: dict[str, Balance] = field(default_factory=lambda: {"USD": Balance("USD", D(10_000))})
    figures: AccountFigures | None = None
    open: list[Position] = field(default_factory=list)

    def pay(self, asset: str, amount: Decimal) -> None:
        before = self.held.get(asset, Balance(asset, D(0)))
        equity = None if before.own_equity is None else before.own_equity + amount
        self.held[asset] = before._replace(total=before.total + amount, own_equity=equity)


class FakeDay:
    """Accounts with their fills and prices; what :class:`DayResults` reads."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self.purses: dict[str, Purse] = {ACCOUNT: Purse()}
        self.prices: dict[str, Decimal] = {"USD": D(1), "BTC": D(60_000)}
        self.fill_booked: Observable[[str, Fill]] = Observable("fills")
        self.booked: list[tuple[str, Fill]] = []
        self._clock_ns = clock_ns

    # -- as the portfolio

    def is_known(self, account: str, /) -> bool:
        return account in self.purses

    def balances(self, account: str, /) -> Mapping[str, Balance]:
        return self.purses[account].held

    def figures(self, account: str, /) -> AccountFigures | None:
        return self.purses[account].figures

    def positions(self, account: str, /) -> tuple[Position, ...]:
        return tuple(self.purses[account].open)

    def worth(self, account: str, asset: str, amount: Decimal, /) -> Decimal | None:
        price = self.prices.get(asset)
        return None if price is None else amount * price

    # -- as the gate

    def booked_fills(self) -> list[tuple[str, Fill]]:
        return self.booked

    def fill(
        self,
        account: str = ACCOUNT,
        instrument: Instrument = INSTRUMENT,
        side: Side = Side.BUY,
        quantity: str = "0.1",
        price: str = "60000",
        fee: Decimal | None = ZERO,
        realised: Decimal | None = None,
        swap: Decimal = ZERO,
    ) -> Fill:
        """Tell a fill; the balance has to be moved by the test."""
        told = Fill(
            f"T{len(self.booked)}",
            instrument.id,
            side,
            D(price),
            D(quantity),
            fee,
            "USD",
            False,
            "O1",
            None,
            self._clock_ns(),
            realised=realised,
            swap=swap,
        )
        self.booked.append((account, told))
        self.fill_booked.notify(account, told)
        return told


class MemoryDays:
    """How the days began, as on disk."""

    def __init__(self) -> None:
        self.kept: dict[str, Mapping[str, Any]] = {}
        self.saves = 0

    def load(self, account: str, /) -> Mapping[str, Any] | None:
        return self.kept.get(account) or None

    def save(self, account: str, day: Mapping[str, Any], /) -> None:
        self.kept[account] = day
        self.saves += 1


class MemoryLock:
    """The lock's state as on disk."""

    def __init__(self) -> None:
        self.state: Mapping[str, Any] | None = None
        self.trouble = ""
        self.is_full = False

    def load(self, take: Callable[[Mapping[str, Any]], bool], /) -> tuple[bool, str]:
        return (self.state is not None and take(self.state)), self.trouble

    def save(self, state: Mapping[str, Any], /) -> None:
        if self.is_full:
            raise StorageError("no space left")
        self.state = state


def contract(stake: str = "50", position_id: str = "d1") -> Position:
    """A running contract."""
    return Position(
        UP_DOWN.id,
        position_id,
        Side.BUY,
        D(stake),
        D("1.1"),
        currency="USD",
        contract=RunningContract(D(80), 0, 60, sells_back=True),
    )
