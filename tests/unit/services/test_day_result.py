"""The day's result: what was won and lost, and not what came or left; in whichever order it is told."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.core.clock import ManualClock
from terminal.domain.account import AccountFigures, Balance, Position
from terminal.domain.market import Side
from terminal.services.day_result import AccountDay, DayResults
from terminal.services.trading_day import TradingDay
from tests.unit.services.day_fakes import PERP, REAL, UP_DOWN, FakeDay, MemoryDays, Purse, contract, listed
from tests.unit.services.order_fakes import ACCOUNT

D = Decimal
DAY_S = 86_400


def of(*amounts: int) -> tuple[Decimal, ...]:
    return tuple(map(D, amounts))


class Watched:
    """Results over a fake account; a restart takes the same disk up."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.day = TradingDay(self.clock)
        self.desk = FakeDay(self.now_ns)
        self.disk = MemoryDays()
        self.results = self.restart()

    def restart(self) -> DayResults:
        self.results = DayResults(
            self.desk, self.clock, self.disk, day=self.day, fills=self.desk, instrument_of=listed
        )
        return self.results

    def now_ns(self) -> int:
        self.clock.advance(0.01)
        return self.clock.wall_ns()

    @property
    def purse(self) -> Purse:
        return self.desk.purses[ACCOUNT]

    def look(self) -> AccountDay:
        self.clock.advance(0.5)
        found = self.results.look(ACCOUNT)
        assert found is not None
        return found

    def settle(self) -> AccountDay:
        """A look after what has come is known to stay."""
        self.look()
        self.clock.advance(10)
        return self.look()


def test_money_that_comes_or_leaves_is_no_result() -> None:
    desk = Watched()
    assert desk.look().total == 0
    desk.purse.pay("USD", D(5_000))
    desk.purse.pay("BTC", D(1))
    found = desk.look()
    assert (found.total, found.moved) == of(0, 65_000)
    # What has come goes with the market from then on, and what leaves takes that along.
    desk.desk.prices["BTC"] = D(59_000)
    assert desk.look().total == -1_000
    desk.purse.pay("BTC", D(-1))
    desk.purse.pay("USD", D(-9_000))
    found = desk.settle()
    assert found.total == -1_000
    assert found.holdings == -1_000
    # A restart knows it, at the prices of then.
    desk.desk.prices["BTC"] = D(1)
    desk.restart()
    assert desk.look().total == -1_000


def test_spot_that_is_bought_counts_with_its_fee_and_the_market() -> None:
    desk = Watched()
    desk.look()
    desk.desk.fill(fee=D(15))
    desk.purse.pay("USD", D(-6_015))
    desk.purse.pay("BTC", D("0.1"))
    found = desk.look()
    assert (found.total, found.fees, found.moved) == of(-15, -15, 0)
    desk.desk.prices["BTC"] = D(59_000)
    found = desk.look()
    assert (found.total, found.holdings) == of(-115, -100)


def test_price_changes_of_coins_that_were_there_before_are_told_apart() -> None:
    desk = Watched()
    desk.purse.held["BTC"] = Balance("BTC", D(1))
    desk.look()
    desk.desk.prices["BTC"] = D(59_000)
    found = desk.look()
    assert (found.total, found.held, found.result(counts_held=False)) == of(-1_000, -1_000, 0)
    # What is bought today counts from its purchase on.
    desk.desk.fill(price="59000", quantity="2")
    desk.purse.pay("USD", D(-118_000))
    desk.purse.pay("BTC", D(2))
    desk.settle()
    desk.desk.prices["BTC"] = D(58_900)
    found = desk.look()
    assert (found.total, found.held, found.result(counts_held=False)) == of(-1_300, -1_100, -200)
    desk.restart()
    assert desk.look().held == -1_100
    # It is sold first; a coin that was there before is neither won nor lost by being sold.
    desk.desk.fill(side=Side.SELL, price="58900", quantity="2.5")
    desk.purse.pay("USD", D(147_250))
    desk.purse.pay("BTC", D("-2.5"))
    desk.settle()
    desk.desk.prices["BTC"] = D(57_900)
    found = desk.look()
    assert (found.held, found.result(counts_held=False)) == of(-1_600, -200)
    # A day of before this was told apart goes by what was there at the beginning.
    kept = dict(desk.disk.kept[ACCOUNT])
    for name in ("held", "marks", "held_change"):
        del kept[name]
    desk.disk.kept[ACCOUNT] = kept
    desk.restart()
    assert desk.look().held == -2_100


def test_a_fill_without_a_fee_is_said() -> None:
    desk = Watched()
    desk.look()
    desk.desk.fill(fee=None)
    desk.purse.pay("USD", D(-6_000))
    desk.purse.pay("BTC", D("0.1"))
    assert desk.look().unknown == ("the fee of 1 fill",)


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["trade", "deposit"]),
            st.integers(-900, 900),
            st.sampled_from(["fill first", "balance first"]),
        ),
        max_size=8,
    )
)
def test_whichever_is_told_first_the_sum_is_that_of_the_trades(steps: list[tuple[str, int, str]]) -> None:
    desk = Watched()
    desk.look()
    won = paid = D(0)
    for what, amount, order in steps:
        if what == "deposit":
            desk.purse.pay("USD", D(amount))
            paid += amount
        else:
            moves = [
                lambda amount=amount: desk.desk.fill(instrument=PERP, realised=D(amount), fee=D(1)),
                lambda amount=amount: desk.purse.pay("USD", D(amount) - 1),
            ]
            for move in moves if order == "fill first" else reversed(moves):
                move()
                desk.look()
            won += amount - 1
        desk.look()
    found = desk.settle()
    assert (found.total, found.moved) == (won, paid)
    assert found.realised + found.fees == won
    desk.restart()
    assert desk.look().total == won


def test_an_open_position_counts_with_the_equity_of_its_currency() -> None:
    desk = Watched()
    desk.purse.held["USD"] = Balance("USD", D(10_000), own_equity=D(9_900))
    assert desk.look().total == 0, "what was open when the day began is not of this day"
    desk.purse.held["USD"] = Balance("USD", D(10_000), own_equity=D(9_750))
    found = desk.look()
    assert (found.total, found.open_change) == of(-150, -150)


def test_funding_is_a_cost_and_not_a_withdrawal() -> None:
    desk = Watched()
    position = Position(PERP.id, "p", Side.BUY, D(1), D(60_000), currency="USD", swap=D(-3), opened_ns=1)
    desk.purse.open = [position]
    desk.look()
    desk.purse.open = [replace(position, swap=D(-5))]
    desk.purse.pay("USD", D(-2))
    found = desk.look()
    assert (found.total, found.fees, found.moved) == of(-2, -2, 0)
    # Opened anew under the same id: what the first one paid is not given back.
    desk.purse.open = [replace(position, swap=D(0), opened_ns=2)]
    assert desk.look().total == -2


def test_an_account_on_margin_pays_its_commission_when_it_closes() -> None:
    desk = Watched()
    purse = desk.purse
    purse.held, purse.figures = {}, AccountFigures("USD", D(1_000), D(0))
    desk.look()
    purse.open = [Position(PERP.id, "p", Side.BUY, D(1), D(100), currency="USD", commission=D(-3))]
    purse.figures = AccountFigures("USD", D(1_000), D(-3))
    desk.desk.fill(instrument=PERP, fee=D(3))
    found = desk.look()
    assert (found.total, found.fees, found.open_change, found.moved) == of(-3, -3, 0, 0)
    purse.figures = AccountFigures("USD", D(1_000), D(-43))
    assert desk.look().open_change == -40
    purse.open = []
    purse.figures = AccountFigures("USD", D(952), D(0))
    desk.desk.fill(instrument=PERP, side=Side.SELL, fee=D(3), realised=D(-40), swap=D(-2))
    found = desk.look()
    assert (found.total, found.realised, found.fees, found.moved) == of(-48, -40, -8, 0)


def test_a_running_contract_counts_with_its_whole_stake() -> None:
    desk = Watched()
    desk.look()
    desk.desk.fill(instrument=UP_DOWN, quantity="50")
    desk.purse.pay("USD", D(-50))
    desk.purse.open = [contract("50")]
    found = desk.look()
    assert (found.total, found.staked, found.realised) == of(-50, 50, 0)
    desk.desk.fill(instrument=UP_DOWN, side=Side.SELL, quantity="50", realised=D(40))
    desk.purse.pay("USD", D(90))
    desk.purse.open = []
    found = desk.look()
    assert (found.total, found.staked, found.realised, found.moved) == of(40, 0, 40, 0)


def test_a_refilled_demo_account_has_won_nothing() -> None:
    desk = Watched()
    desk.look()
    desk.desk.fill(instrument=UP_DOWN, quantity="500")
    desk.purse.pay("USD", D(-500))
    desk.desk.fill(instrument=UP_DOWN, side=Side.SELL, quantity="500", realised=D(-500))
    desk.look()
    desk.purse.pay("USD", D(10_000))
    found = desk.look()
    assert (found.total, found.moved) == of(-500, 10_000)


def test_an_asset_without_a_price_is_named() -> None:
    desk = Watched()
    desk.purse.pay("XYZ", D(5))
    found = desk.look()
    assert (found.total, found.unknown) == (D(0), ("the price of XYZ",))
    desk.desk.prices["XYZ"] = D(2)
    found = desk.look()
    assert (found.total, found.unknown) == (D(0), ())
    desk.desk.prices["XYZ"] = D(1)
    assert desk.look().total == -5
    # A price that is lost is not a loss made good: the last one counts.
    del desk.desk.prices["XYZ"]
    assert desk.look().total == -5


def test_fills_of_before_the_beginning_are_not_of_this_day() -> None:
    desk = Watched()
    old = desk.desk.fill(instrument=PERP, realised=D(-700))
    desk.clock.advance(1)
    assert desk.look().total == 0
    # Told again, or for the first time, by the comparison after a reconnect.
    desk.desk.fill_booked.notify(ACCOUNT, old)
    assert desk.look().total == 0
    desk.restart()
    assert desk.look().total == 0


def test_the_next_day_counts_from_zero() -> None:
    desk = Watched()
    desk.look()
    desk.desk.prices["BTC"] = D(1)
    desk.desk.fill(instrument=PERP, realised=D(-70))
    desk.purse.pay("USD", D(-70))
    assert desk.look().total == -70
    desk.clock.advance(DAY_S)
    assert desk.look().total == 0
    assert "since" in desk.results.since


def test_an_account_that_is_gone_keeps_its_result_until_the_day_ends() -> None:
    desk = Watched()
    desk.desk.purses[REAL] = Purse()
    assert desk.results.look(REAL) is not None
    desk.desk.fill(REAL, instrument=PERP, realised=D(-70))
    desk.desk.purses[REAL].pay("USD", D(-70))
    desk.results.look(REAL)
    del desk.desk.purses[REAL]
    last = desk.results.look(REAL)
    assert last is not None
    assert last.total == -70
    desk.clock.advance(DAY_S)
    assert desk.results.look(REAL) is None


def test_what_only_seems_to_have_moved_is_not_written() -> None:
    desk = Watched()
    desk.look()
    writes = desk.disk.saves
    for _ in range(5):
        desk.desk.fill(instrument=PERP, realised=D(1))
        desk.look()
        desk.purse.pay("USD", D(1))
        desk.look()
    assert desk.disk.saves == writes


def test_a_record_that_is_none_begins_the_day_anew() -> None:
    desk = Watched()
    desk.look()
    for broken in ({"day": "2026-08-01", "worth": {}}, {"began_ns": "x"}, {"assets": 3}):
        desk.disk.kept[ACCOUNT] = broken
        desk.restart()
        assert desk.look().total == 0
