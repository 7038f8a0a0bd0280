"""A contract that counts dollars and pays coins, from its first order to its end, at the practice OKX: what
the terminal reckons is what the venue reckons."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from terminal.domain.account import Balance, Position
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Fill, Order, OrderState
from terminal.domain.worth import profit
from terminal.viewmodels.account import AccountViewModel
from terminal.viewmodels.frames import FrameClock
from tests.e2e.rig import Rig, rig, state_of
from tests.helpers import run
from tests.practice import Practice
from tests.practice_okx import MAIN, OkxPractice, inst_id

D = Decimal
SWAP = InstrumentId("okx", "BTC/USD-PERP")
SATOSHI, CENT = D("1e-8"), D("0.01")
MAKER, TAKER = D("0.0002"), D("0.0005")


@pytest.fixture(scope="module")
def running_practice() -> Iterator[Practice]:
    practice = OkxPractice().start()
    yield practice
    practice.stop()


async def its_own_position(practice: Practice) -> dict[str, Any]:
    """OKX's own row of the position."""
    rows = (await practice.order("record", account=MAIN))["okx"]["positions"]
    (row,) = [each for each in rows if each["instId"] == "BTC-USD-SWAP"]
    found: dict[str, Any] = row
    return found


def require_mean_of(order: Order, fills: list[Fill]) -> None:
    """The average price is the one at which all of it comes to the coins of its parts."""
    quantity = sum((each.quantity for each in fills), D(0))
    coins = sum((each.quantity / each.price for each in fills), D(0))
    assert order.filled_quantity == quantity
    assert order.average_price is not None
    assert abs(order.average_price - quantity / coins) < SATOSHI


def held(found: Rig) -> list[Position]:
    return [each for each in found.terminal.portfolio.positions(found.account) if each.instrument == SWAP]


def test_bought_in_parts_and_sold_again(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        await practice.freeze()
        async with rig(practice, tmp_path, instrument=SWAP) as found:
            terminal = found.terminal
            instrument = terminal.market.instrument(SWAP)
            assert instrument is not None
            assert (instrument.settled_in, instrument.quantity_step) == ("BTC", D(100))
            coins = terminal.portfolio.balances(found.account)["BTC"].total
            # Past the second level of the asks: what is left of it waits there.
            levels = list(found.book().asks(3))
            quantity = sum((level.quantity for level in levels), D(0)) + 300
            states: list[OrderState] = []
            found.gate.changed.watch(lambda changed: states.append(changed.state))
            order = await found.send(found.limit(quantity=str(quantity), price=levels[-1].price))

            def fills() -> list[Fill]:
                return [each for each in found.gate.fills if each.client_order_id == order.client_order_id]

            await found.until(lambda: len({each.price for each in fills()}) >= 2, "filled at two prices")
            assert OrderState.PARTLY_FILLED in states
            await practice.order(
                "trade", symbol=inst_id(SWAP.symbol), side="sell", through=format(levels[-1].price, "f")
            )
            await found.until(lambda: state_of(order) is OrderState.FILLED, "filled")
            await found.until(lambda: sum(each.quantity for each in fills()) == quantity, "all its fills")
            require_mean_of(order, fills())
            plain = sum((each.quantity * each.price for each in fills()), D(0)) / quantity
            assert order.average_price is not None
            assert order.average_price < plain, "the mean of the prices is another one"
            # 0.05 % of the coins for what was taken, 0.02 % for what waited.
            fee = sum(
                (each.quantity / each.price * (MAKER if each.is_maker else TAKER) for each in fills()), D(0)
            )
            assert order.fees.keys() == {"BTC"}
            assert abs(order.fees["BTC"] - fee) < 10 * SATOSHI

            await found.until(lambda: [each.quantity for each in held(found)] == [quantity], "a position")
            (position,) = held(found)
            row = await its_own_position(practice)
            assert D(row["pos"]) * 100 == quantity
            # The venue's own average, worked out from its own fills.
            assert abs(D(row["avgPx"]) - order.average_price) < SATOSHI
            assert position.average_price == D(row["avgPx"])
            assert position.currency == "BTC"
            gained = profit(instrument, Side.BUY, position.quantity, order.average_price, D(row["markPx"]))
            assert abs(D(row["upl"]) - gained) < SATOSHI

            # Sold again by the desk's own button; every coin gained or lost is the reckoned one.
            (closing,) = await terminal.positions.submit_in_turn(
                found.account,
                (terminal.positions.close_request(found.account, position.position_id),),
                frozenset({"arm"}),
            )
            await found.until(lambda: state_of(closing) is OrderState.FILLED, "closed")
            await found.until(lambda: not held(found), "no position")
            await found.require_same_as_venue()
            assert closing.average_price is not None
            gained = profit(
                instrument, Side.BUY, position.quantity, order.average_price, closing.average_price
            )
            left = terminal.portfolio.balances(found.account)["BTC"].total
            paid = order.fees["BTC"] + closing.fees["BTC"]
            assert abs(left - coins - (gained - paid)) < 10 * SATOSHI

    run(main())


def test_the_margin_of_its_own_that_a_position_gets_stays_in_what_the_account_is_worth(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def main() -> None:
        await practice.freeze()
        async with rig(practice, tmp_path, instrument=SWAP) as found:
            portfolio, margins = found.terminal.portfolio, found.terminal.margins

            def worth() -> Decimal:
                known = portfolio.equity(found.account)
                assert known is not None
                return known

            def own_equity() -> Decimal:
                figures = portfolio.overview(found.account)
                assert figures is not None
                assert figures.equity is not None
                return figures.equity

            await found.until(lambda: not portfolio.unpriced(found.account), "a price of everything")
            before, coins = worth(), portfolio.balances(found.account)["BTC"]
            assert abs(before - own_equity()) < before / 1000
            frames = FrameClock()
            shown = AccountViewModel(portfolio, lambda: [found.account], frames, found.terminal.clock)
            assert (shown.equity, shown.day_pnl) == (before, D(0))
            await margins.set_margin_mode(found.account, SWAP.symbol, "isolated")
            await margins.set_leverage(found.account, SWAP.symbol, D(3))
            order = await found.send(found.market(quantity="5000"))
            await found.until(lambda: state_of(order) is OrderState.FILLED, "filled")
            await found.until(lambda: [each.quantity for each in held(found)] == [D(5000)], "a position")
            (position,) = held(found)
            assert (position.margin_mode, position.leverage) == ("isolated", D(3))
            assert position.margin is not None
            margin: Decimal = position.margin

            def balance() -> Balance:
                return portfolio.balances(found.account)["BTC"]

            await found.until(lambda: balance().held >= margin - SATOSHI, "the margin among what is held")
            # The margin has left the cash by OKX's own record; what is gone for good is the fee.
            fee = order.fees["BTC"]
            assert abs(balance().total - (coins.total - fee)) < 10 * SATOSHI
            assert abs(balance().free - (coins.free - fee - margin)) < 10 * SATOSHI
            assert abs(worth() - before) < 25, "of 1 667 USD of margin"
            assert abs(worth() - own_equity()) < before / 1000
            frames.tick()
            assert shown.equity is not None
            assert shown.day_pnl is not None
            assert abs(shown.equity - before) < 25
            assert abs(shown.day_pnl - (shown.equity - before)) < CENT, "of the day it is the same"
            assert sum(row.worth or 0 for row in shown.balances.rows) == shown.equity
            frames.stop()
            profit_now = balance().equity - balance().total
            assert profit_now
            assert abs(profit_now) < margin / 100, "the open profit, which is in what the coins are worth"
            told = (await found.told()).total("BTC")
            assert abs(balance().total - told) < SATOSHI

    run(main())
