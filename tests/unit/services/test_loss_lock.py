"""The loss limit of a day: the word before it, the lock at it, and what outlives a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.account import Balance
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType, Protection
from terminal.services.day_result import DayResults
from terminal.services.loss_lock import LossLimit, LossLock, Stage
from terminal.services.notices import Level, Notice
from terminal.services.trading_day import TradingDay
from tests.unit.services.day_fakes import (
    PERP,
    REAL,
    UP_DOWN,
    FakeDay,
    MemoryDays,
    MemoryLock,
    Purse,
    contract,
    listed,
)
from tests.unit.services.order_fakes import ACCOUNT, INSTRUMENT, limit_order, market_order
from tests.unit.services.test_reducing import CLOSE, LONG

D = Decimal
UTC = ZoneInfo("UTC")
NOON = 1_783_080_000_000_000_000  # 2026-07-03 12:00 UTC
DAY_S = 86_400
LIMIT = LossLimit(D(200))


class Desk:
    """A lock over fake accounts; :meth:`restart` takes the same disk up."""

    def __init__(self, asked: LossLimit = LIMIT, start_min: int = 0) -> None:
        self.clock = ManualClock(wall_ns=NOON)
        self.desk = FakeDay(self._now_ns)
        self.days, self.disk = MemoryDays(), MemoryLock()
        self.orders: list[Order] = []
        self.told: list[Notice] = []
        self.asked, self.start_min = asked, start_min
        self.lock = self.restart()

    def _now_ns(self) -> int:
        self.clock.advance(0.01)
        return self.clock.wall_ns()

    def restart(self) -> LossLock:
        """Begin anew from what is on disk; nothing was closed, as after a kill -9."""
        day = TradingDay(self.clock, start_min=self.start_min, zone=UTC)
        results = DayResults(self.desk, self.clock, self.days, day=day, fills=self.desk, instrument_of=listed)
        self.lock = LossLock(
            results,
            self.clock,
            self.disk,
            self.asked,
            accounts=lambda: list(self.desk.purses),
            is_real=lambda account: account == REAL,
            open_orders=lambda: self.orders,
            worth=self.desk.worth,
            instrument_of=listed,
        )
        self.lock.notice.watch(self.told.append)
        self.lock.start()
        return self.lock

    def ask(self, asked: LossLimit, start_min: int | None = None) -> None:
        self.asked = asked
        self.start_min = self.start_min if start_min is None else start_min
        self.lock.ask(asked, self.start_min)

    def lose(self, amount: int, account: str = ACCOUNT) -> None:
        """A trade that is closed with a loss (negative: a profit)."""
        self.desk.fill(account, instrument=PERP, realised=D(-amount))
        self.desk.purses[account].pay("USD", D(-amount))
        self.look()

    def purse_gains(self, amount: str) -> None:
        """An open profit."""
        purse = self.desk.purses[ACCOUNT]
        usd = purse.held["USD"]
        purse.held["USD"] = usd._replace(own_equity=usd.total + D(amount))

    def look(self) -> None:
        self.clock.advance(1)
        self.lock.look()

    def stage(self, is_real: bool = False) -> Stage:
        return self.lock.standing(is_real).stage

    def refused(
        self,
        request: OrderRequest | None = None,
        account: str = ACCOUNT,
        *,
        amended: Order | None = None,
    ) -> str:
        """The gate's sentence, or nothing."""
        asked = request or market_order()
        found = self.lock.check(
            account,
            asked,
            listed(asked.instrument) or INSTRUMENT,
            position=LONG if asked.position_id else None,
            balances=self.desk.balances(account),
            amended=amended,
        )
        assert not any(fault.confirmable for fault in found)
        return found[0].user_text if found else ""


def bet(stake: str) -> OrderRequest:
    return OrderRequest(UP_DOWN.id, Side.BUY, OrderType.CONTRACT, D(stake))


def test_a_word_at_seventy_per_cent_and_a_lock_at_the_limit() -> None:
    desk = Desk()
    desk.lose(139)
    assert (desk.stage(), desk.told) == (Stage.BELOW, [])
    desk.lose(1)
    assert desk.stage() is Stage.AMBER
    assert desk.lock.standing(False).used_pct == 70
    desk.lose(9)
    (word,) = desk.told
    assert word.level is Level.WARNING
    assert "−140 USD, 70 % of your loss limit of 200 USD" in word.text
    assert desk.refused() == ""
    desk.lose(54)
    assert desk.stage() is Stage.LOCKED
    assert desk.refused() == (
        "Your loss limit for today is 200 USD and today's practice result is −203: "
        "only closing orders pass until 00:00."
    )
    assert "Loss limit reached: today's practice result is −203 of −200 USD." in desk.told[-1].text


def test_closing_and_selling_what_is_there_pass_a_lock() -> None:
    desk = Desk()
    desk.desk.purses[ACCOUNT].held["BTC"] = Balance("BTC", D(1))
    desk.look()
    desk.lose(200)
    assert desk.refused(CLOSE) == ""
    assert desk.refused(market_order(Side.SELL, "1")) == ""
    assert desk.refused(market_order(Side.SELL, "1.1"))
    assert desk.refused(limit_order())
    assert desk.refused(bet("1"))


def test_a_lock_stays_when_prices_come_back() -> None:
    desk = Desk()
    desk.lose(200)
    desk.lose(-500)
    desk.purse_gains("12.5")
    assert desk.stage() is Stage.LOCKED
    assert "Today's practice result was −200 at 12:00 and is 312.50 now" in desk.refused()


def test_amending_down_passes_a_lock_and_amending_up_does_not() -> None:
    desk = Desk()
    resting = Order(
        "id", ACCOUNT, limit_order(), OrderState.OPEN, 0, 0, quantity=D("0.01"), limit_price=D(60_000)
    )
    desk.orders.append(resting)
    desk.lose(200)
    assert "1 open order still rests at the venues" in desk.told[-1].text
    assert desk.refused(limit_order(quantity="0.005"), amended=resting) == ""
    assert desk.refused(limit_order(price="59000"), amended=resting) == ""
    assert desk.refused(limit_order(quantity="0.02"), amended=resting)
    assert desk.refused(limit_order(price="61000"), amended=resting)


def test_a_stop_may_come_nearer_under_a_lock_and_not_leave() -> None:
    desk = Desk()
    guarded = replace(LONG, protection=Protection(stop_loss=D(59_000)))
    farther = Protection(stop_loss=D(58_000))
    assert desk.lock.check_stop(ACCOUNT, guarded, farther) == []
    desk.lose(200)
    assert desk.lock.check_stop(ACCOUNT, guarded, Protection(stop_loss=D(59_500))) == []
    (fault,) = desk.lock.check_stop(ACCOUNT, guarded, farther)
    assert fault.user_text.endswith("A stop can only be moved nearer.")


def test_real_and_practice_money_have_locks_of_their_own() -> None:
    desk = Desk()
    desk.desk.purses[REAL] = Purse()
    desk.look()
    desk.lose(150)
    desk.lose(150, REAL)
    assert (desk.stage(True), desk.stage(False)) == (Stage.AMBER, Stage.AMBER)
    desk.lose(60, REAL)
    assert (desk.stage(True), desk.stage(False)) == (Stage.LOCKED, Stage.AMBER)
    assert "today's result is −210" in desk.refused(account=REAL)
    assert desk.refused() == ""


def test_a_stake_counts_as_lost_before_it_is() -> None:
    desk = Desk()
    desk.lose(120)
    assert desk.refused(bet("80")) == ""
    assert desk.refused(bet("81")) == (
        "With this stake of 81 USD today's practice loss could come to 201, your loss limit for today is 200."
    )
    # One is on its way, then it runs: it counts once.
    sent = Order("id", ACCOUNT, bet("50"), OrderState.PENDING_NEW, 0, 0, quantity=D(50))
    desk.orders.append(sent)
    assert desk.refused(bet("31"))
    assert desk.refused(bet("30")) == ""
    desk.orders.clear()
    desk.desk.fill(instrument=UP_DOWN, quantity="50")
    desk.desk.purses[ACCOUNT].pay("USD", D(-50))
    desk.desk.purses[ACCOUNT].open = [contract("50")]
    desk.look()
    assert desk.stage() is Stage.AMBER
    assert desk.refused(bet("31"))
    assert desk.refused(bet("30")) == ""


def test_a_stake_of_unknown_worth_is_refused() -> None:
    desk = Desk()
    desk.look()
    del desk.desk.prices["USD"]
    assert "is not known, so your loss limit cannot be checked" in desk.refused(bet("1"))


def test_the_tighter_of_amount_and_share_holds() -> None:
    desk = Desk(LossLimit(D(200), D(1)))
    desk.lose(99)
    assert desk.lock.standing(False).limit == 100, "1 % of 10 000"
    desk.lose(1)
    assert desk.stage() is Stage.LOCKED


def test_a_tighter_limit_holds_at_once_and_a_looser_one_from_the_next_day_on() -> None:
    desk = Desk()
    desk.lose(90)
    desk.ask(LossLimit(D(100)))
    assert (desk.stage(), desk.lock.in_force) == (Stage.AMBER, LossLimit(D(100)))
    desk.ask(LossLimit(D(500)))
    assert (desk.lock.in_force, desk.lock.asked) == (LossLimit(D(100)), LossLimit(D(500)))
    desk.restart()
    assert desk.lock.in_force == LossLimit(D(100)), "a restart is no way around"
    desk.lose(10)
    desk.ask(LossLimit())
    assert desk.stage() is Stage.LOCKED
    assert desk.refused()
    desk.restart()
    assert desk.refused()
    desk.clock.advance(DAY_S)
    desk.look()
    assert (desk.stage(), desk.lock.in_force) == (Stage.OFF, LossLimit())
    assert desk.refused() == ""
    assert desk.told[-1].text.startswith("A new trading day has begun")


def test_coins_that_are_held_count_where_the_limit_says_so_and_off_is_the_looser_one() -> None:
    desk = Desk()
    desk.desk.purses[ACCOUNT].held["BTC"] = Balance("BTC", D(1))
    desk.look()
    desk.clock.advance(10)
    desk.look()
    desk.desk.prices["BTC"] = D(59_850)
    desk.lose(10)
    assert desk.lock.standing(False).result == -10
    counting = replace(LIMIT, counts_held=True)
    desk.ask(counting)
    assert (desk.lock.standing(False).result, desk.stage()) == (D(-160), Stage.AMBER)
    desk.ask(LIMIT)
    desk.restart()
    desk.look()
    assert (desk.lock.in_force, desk.lock.standing(False).result) == (counting, D(-160))
    # The record of the day is lost: what the coins had lost is known all the same.
    desk.clock.advance(40)
    desk.look()
    desk.days.kept.clear()
    desk.restart()
    desk.look()
    (day,) = desk.lock.standing(False).accounts
    assert (day.total, day.held) == (D(-160), D(-150))
    desk.clock.advance(DAY_S)
    desk.look()
    assert desk.lock.in_force == LIMIT
    # Without a limit in force there is nothing to loosen.
    desk = Desk(replace(LossLimit(), counts_held=True))
    desk.ask(LossLimit())
    assert desk.lock.in_force == LossLimit()


def test_a_limit_that_is_switched_on_in_the_middle_counts_the_whole_day() -> None:
    desk = Desk(LossLimit())
    desk.lose(300)
    assert (desk.stage(), desk.refused(), desk.disk.state) == (Stage.OFF, "", None)
    (told,) = desk.lock.would_lock(LIMIT)
    assert (told.is_real, told.result, told.limit) == (False, D(-300), D(200))
    assert desk.lock.would_lock(LossLimit(D(301))) == ()
    desk.ask(LIMIT)
    assert desk.stage() is Stage.LOCKED
    assert desk.lock.would_lock(LossLimit(D(100))) == (), "it is locked already"


def test_another_beginning_of_the_day_does_not_open_the_lock() -> None:
    desk = Desk()
    desk.lose(200)
    desk.ask(LIMIT, start_min=13 * 60)
    desk.clock.advance(2 * 3600)
    desk.look()
    desk.restart()
    assert desk.stage() is Stage.LOCKED, "14:00, and the day ends at midnight as it did"
    desk.clock.advance(10 * 3600)
    desk.look()
    assert desk.stage() is Stage.BELOW


def test_a_lock_outlives_a_kill() -> None:
    desk = Desk()
    desk.lose(200)
    desk.desk.purses.clear()  # nothing is connected yet
    desk.told.clear()
    desk.restart()
    assert desk.stage() is Stage.LOCKED
    assert "reached at 12:00" in desk.told[0].text
    (fault,) = desk.lock.check(ACCOUNT, market_order(), INSTRUMENT, position=None, balances={}, amended=None)
    assert fault.user_text.endswith("only closing orders pass until 00:00.")


def test_what_a_venue_lost_counts_when_it_is_off() -> None:
    desk = Desk()
    desk.desk.purses["quotex:practice"] = Purse()
    desk.look()
    desk.lose(150, "quotex:practice")
    del desk.desk.purses["quotex:practice"]
    desk.look()
    desk.restart()
    desk.look()
    assert desk.lock.standing(False).result == -150
    desk.lose(50)
    assert desk.stage() is Stage.LOCKED


def test_a_loss_is_not_forgotten_with_the_record_of_the_day() -> None:
    desk = Desk()
    desk.lose(150)
    desk.clock.advance(40)
    desk.look()
    desk.days.kept.clear()
    desk.restart()
    desk.look()
    assert desk.lock.standing(False).result == -150
    desk.lose(50)
    assert desk.stage() is Stage.LOCKED


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: {**state, "version": 99},
        lambda state: {**state, "began_ns": "x"},
        lambda state: {**state, "groups": {}},
        lambda state: {**state, "ends_ns": 0},
    ],
)
def test_a_damaged_record_is_a_lock_in_doubt(spoil: Callable[[dict[str, object]], dict[str, object]]) -> None:
    desk = Desk()
    desk.lose(10)
    assert desk.disk.state is None or desk.disk.state["version"] == 1
    desk.clock.advance(40)
    desk.look()
    assert desk.disk.state is not None
    desk.disk.state, desk.disk.trouble = spoil(dict(desk.disk.state)), "It was damaged."
    desk.told.clear()
    desk.restart()
    assert desk.stage() is Stage.IN_DOUBT
    assert desk.told[0].level is Level.ERROR
    assert "It was damaged. Whether today's limit was reached is not known" in desk.told[0].text
    assert "Whether today's loss limit was reached is not known" in desk.refused()
    assert desk.refused(CLOSE) == ""
    # It is on disk as a doubt, so that the next start does not open it either.
    desk.disk.trouble = ""
    desk.restart()
    assert desk.stage() is Stage.IN_DOUBT
    desk.clock.advance(DAY_S)
    desk.look()
    assert desk.stage() is Stage.BELOW


def test_a_damaged_record_without_a_limit_is_only_told() -> None:
    desk = Desk(LossLimit())
    desk.disk.state, desk.disk.trouble = {"version": 99}, "It was damaged."
    desk.restart()
    assert desk.stage() is Stage.OFF
    assert "No limit is set, so nothing is locked" in desk.told[0].text


def test_a_full_disk_is_told_and_the_lock_holds() -> None:
    desk = Desk()
    desk.disk.is_full = True
    desk.lose(200)
    assert desk.stage() is Stage.LOCKED
    assert any("no space left" in notice.detail for notice in desk.told)


def test_a_practice_account_that_begins_anew_opens_the_lock_of_practice_money() -> None:
    desk = Desk()
    desk.desk.purses[REAL] = Purse()
    desk.look()
    desk.lose(200)
    desk.lose(200, REAL)
    desk.lock.restart(ACCOUNT)
    assert (desk.stage(True), desk.stage(False)) == (Stage.LOCKED, Stage.BELOW)
    desk.lock.restart(REAL)
    assert desk.stage(True) is Stage.LOCKED, "real money never begins anew"
