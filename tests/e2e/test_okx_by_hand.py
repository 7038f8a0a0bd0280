"""OKX beside Kraken by mouse and keyboard: an order of spot from the ticket over the ladder to its fill, and
a position in a perpetual from the first order to its end."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from terminal.domain.account import Position
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import Order, OrderState
from terminal.emulators.process import EmulatorProcess
from terminal.services.market_data import FeedState
from terminal.services.session import Session, SessionState
from terminal.viewmodels.venue_card import VenueCard
from terminal.widgets import blotter as tabs
from terminal.widgets.table import DataTable
from tests.e2e.ctrader_desk import Fx
from tests.e2e.rig import QUICK_OKX
from tests.e2e.screen_harness import Desk, run_screen
from tests.e2e.test_trading_by_hand import drag_up
from tests.practice_okx import OkxPractice, inst_id

D = Decimal
SPOT = InstrumentId("okx", "BTC/USDT")
PERP = InstrumentId("okx", "BTC/USDT-PERP")
ACCOUNT = "okx:practice"


class TwoVenues(OkxPractice):
    """One child process with Kraken and OKX; the commands of a test go to OKX."""

    def __init__(self) -> None:
        super().__init__()
        self.process = EmulatorProcess(data_dir=None, venues=("kraken", "okx"), seed=7)


class Okx(Fx):
    """A running desk, seen from OKX."""

    def __init__(self, desk: Desk, practice: TwoVenues) -> None:
        super().__init__(desk, practice)  # type: ignore[arg-type]  # of it nothing is used but the desk
        self.practice = practice
        self.instrument = SPOT

    @property
    def session(self) -> Session:
        return self.desk.terminal.sessions.sessions["okx"]

    @property
    def card(self) -> VenueCard:
        found = self.desk.screen.connections.card("okx")
        assert found is not None
        return found

    @property
    def orders(self) -> list[Order]:
        return [order for order in self.desk.orders if order.account == ACCOUNT]

    def positions(self) -> list[Position]:
        return list(self.desk.terminal.portfolio.positions(ACCOUNT))

    def is_trading(self) -> bool:
        terminal, ticket = self.desk.terminal, self.desk.screen.ticket
        feed = Feed(FeedKind.QUOTES, self.instrument.symbol)
        return (
            "okx" in terminal.sessions.sessions
            and self.session.state is SessionState.LIVE
            and terminal.gate.ready(ACCOUNT)
            and terminal.market.feed_state(feed, "okx") is FeedState.LIVE
            and terminal.market.book(self.instrument) is not None
            and ticket.instrument is not None
            and ticket.instrument.id == self.instrument
            and bool(ticket.buttons)
            and all(button.enabled for button in ticket.buttons.values())
        )

    async def choose(self, instrument: InstrumentId) -> None:
        """Click a market in the watchlist, and wait until it can be traded."""
        self.instrument = instrument
        table = self.desk.panel("watchlist").findChild(DataTable)
        assert table is not None
        model: Any = table.model()
        await self.until(lambda: model.row_of(instrument) is not None, f"{instrument} in the watchlist")
        await self.hand.click(table.viewport(), self.desk.cell_of(table, instrument, "symbol"))
        await self.until_trading()

    async def require_same_money(self) -> None:
        """Balances here are OKX's own, and what they are worth is on the screen."""
        portfolio = self.desk.terminal.portfolio

        async def differs() -> dict[str, tuple[Decimal, Decimal]]:
            told = await self.practice.told()
            told.require_nothing_sent_twice()
            ours = portfolio.balances(ACCOUNT)
            return {
                asset: (ours[asset].total, D(row["total"]))
                for asset, row in told.balances.items()
                if asset not in ours or ours[asset].total != D(row["total"])
            }

        for _ in range(400):
            wrong = await differs()
            if not wrong:
                return
        raise AssertionError(f"{wrong}; {self.describe()}")


@pytest.fixture(scope="module")
def running_venues() -> Iterator[TwoVenues]:
    venues = TwoVenues()
    venues.start()
    yield venues
    venues.stop()


def test_spot_and_a_perpetual_by_hand(running_venues: TwoVenues, qapp: QApplication, tmp_path: Path) -> None:
    practice = running_venues
    practice.renew()
    practice.command("rate", {"rate": 0.05})

    async def body(desk: Desk) -> None:
        okx = Okx(desk, practice)
        await okx.choose(SPOT)
        await spot_order_from_the_ticket_over_the_ladder_to_its_fill(okx)
        await okx.choose(PERP)
        await position_from_the_ticket_to_its_end(okx)
        await okx.require_same_money()

    run_screen(
        practice,
        tmp_path,
        body,
        on_desk=("kraken", "okx"),
        wait=False,
        tools={"okx": {"policy": QUICK_OKX}},
    )


async def spot_order_from_the_ticket_over_the_ladder_to_its_fill(okx: Okx) -> None:
    desk = okx.desk
    await desk.fine_rows(500)
    coins = okx_total(okx, "BTC")
    # On a row's own price, so that two rows further up are two rows.
    step = desk.screen.ladder.step
    price = D(desk.away(Side.BUY, "0.4")) // step * step
    order = await desk.place(Side.BUY, format(price, ".1f"), "0.002")
    assert (order.instrument, order.account) == (SPOT, ACCOUNT)
    moved = await drag_up(desk, order, rows=2)
    await okx.until(lambda: desk.screen.chart.trading.lines[0].price == moved, "the line at its new price")
    await practice_sells_down_to(okx, moved)
    await okx.until(lambda: order.state is OrderState.FILLED, "a filled order")
    # OKX takes the fee of a buy from what was bought.
    await okx.until(lambda: coins < okx_total(okx, "BTC") < coins + D("0.002"), "coins less a fee")
    await okx.require_same_money()
    told = await okx.practice.told()
    (fill,) = told.fills
    assert okx_total(okx, "BTC") == coins + D("0.002") - fill["fee"]


def okx_total(okx: Okx, asset: str) -> Decimal:
    return okx.desk.terminal.portfolio.balances(ACCOUNT)[asset].total


async def practice_sells_down_to(okx: Okx, price: Decimal) -> None:
    await okx.practice.order("trade", symbol=inst_id(SPOT.symbol), side="sell", through=format(price, "f"))


async def position_from_the_ticket_to_its_end(okx: Okx) -> None:
    desk = okx.desk
    # Odd, so that the second half is not the first one again: that would be held for a slip of the hand.
    await okx.fill_ticket("0.0201")
    order = await okx.send(Side.BUY)
    await okx.until(lambda: order.state is OrderState.FILLED, "a filled order")
    await okx.until(lambda: okx.positions() and okx.rows(), "the position")
    (held,) = okx.positions()
    assert okx.rows()[0].account_title == "OKX practice", "no key of the program's own"
    assert (held.instrument, held.side, held.quantity) == (PERP, Side.BUY, D("0.0201"))
    assert held.currency == "USDT"

    tick = D("0.1")
    stop = (held.average_price * D("0.99") / tick).quantize(D(1)) * tick
    target = (held.average_price * D("1.01") / tick).quantize(D(1)) * tick
    await okx.edit_position("stop", format(stop, "f"), confirms=True)
    await okx.until(lambda: okx.positions()[0].protection.stop_loss == stop, "the stop")
    await okx.edit_position("target", format(target, "f"), confirms=True)
    await okx.until(lambda: okx.positions()[0].protection.take_profit == target, "the target")
    assert okx.positions()[0].protection.stop_loss == stop, "the stop stays"
    assert not desk.open_orders, "a position's stop is no order of its own"

    await okx.press_on_position("half", "Close")
    await okx.until(lambda: [each.quantity for each in okx.positions()] == [D("0.0101")], "half of it")
    await okx.press_on_position("close", "Close")
    await okx.until(lambda: not okx.positions() and not okx.rows(), "no position")
    told = await okx.practice.told()
    assert not told.positions
    closed = [fill for fill in told.fills if fill["side"] == "sell"]
    assert sum(fill["quantity"] for fill in closed) == D("0.0201")
    await desk.show_tab(tabs.BALANCES)
    await okx.until(lambda: desk.balance("USDT"), "the money in the table")
    await okx.until(lambda: abs(shown_worth(okx) / worth_of_it_all(okx) - 1) < D("0.001"), "the net worth")


def shown_worth(okx: Okx) -> Decimal:
    return okx.desk.screen.account.equity or D(0)


def worth_of_it_all(okx: Okx) -> Decimal:
    """Both accounts at the middle of OKX's prices: the practice venues have one world."""
    terminal = okx.desk.terminal
    out = D(0)
    for account in ("kraken:practice", ACCOUNT):
        for asset, balance in terminal.portfolio.balances(account).items():
            quote = terminal.market.quote(InstrumentId("okx", f"{asset}/USDT"))
            worth = terminal.portfolio.worth(account, asset, balance.total)
            if quote is not None and quote.bid is not None and quote.ask is not None:
                worth = balance.total * (quote.bid + quote.ask) / 2
            assert worth is not None, asset
            out += worth
    return out
