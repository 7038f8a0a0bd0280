"""Accounts in the blotter go by the names that people know, never by the program's own keys."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from terminal.domain.account import AccountFigures, AccountInfo, AccountKind, Balance
from terminal.domain.market import Side
from terminal.domain.orders import Fill
from terminal.services.session import Mode
from terminal.viewmodels.account import AccountViewModel
from terminal.viewmodels.orders import OrdersViewModel
from terminal.viewmodels.ports import Place, badge_text
from terminal.viewmodels.tables import TableModel
from tests.gui.frame_fakes import ACCOUNT, BTC, KRAKEN, START_NS, Frame, order

D = Decimal
BROKER = "kraken:live:77"


@pytest.fixture
def frame(qapp: QApplication) -> Iterator[Frame]:
    made = Frame()
    session = made.sessions.sessions["kraken"]
    session.hidden = {
        BROKER: AccountInfo(
            account_id="77",
            title="House 5120034",
            is_live=False,
            currency="USD",
            kind=AccountKind.HEDGED,
            leverage=D(30),
        )
    }
    yield made
    made.frames.stop()


def texts(model: TableModel[Any], row: int = 0) -> dict[str, str]:
    return {
        column.key: str(model.index(row, at).data() or "").replace("\u202f", "")
        for at, column in enumerate(model.columns)
    }


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (ACCOUNT, "Kraken practice"),
        ("kraken:live", "Kraken live"),
        (BROKER, "Kraken demo 5120034"),
        ("okx:practice", "okx practice"),
        (f"{ACCOUNT}:417", "Kraken practice Weekend contest"),
        ("kraken:live:demo", "Kraken demo"),
        ("kraken:live:live", "Kraken live real"),
        ("kraken:live:417", "Kraken demo Weekend contest"),
        # The account of somebody else, of whom the journal still knows: here, and where nobody is connected.
        ("kraken:practice:demo@3f9a1c", "Kraken practice demo, another sign-in"),
        ("okx:practice:demo@3f9a1c", "okx practice demo"),
    ],
)
def test_an_account_has_a_short_name(frame: Frame, key: str, name: str) -> None:
    session = frame.sessions.sessions["kraken"]
    for which in (f"{ACCOUNT}:417", "kraken:live:demo", "kraken:live:live", "kraken:live:417"):
        account_id = which.rpartition(":")[2]
        known = {"demo": "demo", "live": "real"}.get(account_id, "Weekend contest")
        session.hidden[which] = AccountInfo(
            account_id=account_id, title=f"House {known} jane", is_live=known == "real", name=known
        )
    assert frame.connections.short_name(key) == name


def test_accounts_of_one_sign_in_are_told_apart_wherever_money_is_named() -> None:
    infos = {
        name: AccountInfo(account_id=name, title=f"House {name} jane", is_live=name == "real", name=name)
        for name in ("demo", "real", "Weekend contest")
    }
    badges = {name: badge_text(Mode.LIVE, f"house:live:{name}", info) for name, info in infos.items()}
    assert badges == {"demo": "DEMO", "real": "LIVE real", "Weekend contest": "DEMO Weekend contest"}
    broker = AccountInfo(account_id="7", title="House 5120034", is_live=False)
    assert badge_text(Mode.LIVE, "house:live:7", broker) == "DEMO 5120034"
    for mode in (Mode.LIVE, Mode.PRACTICE):
        places = [
            Place(f"house:{name}", "House", KRAKEN.capabilities, mode, True, info)
            for name, info in infos.items()
        ]
        assert len({place.note for place in places}) == 3
        assert [place.name for place in places] == [
            "House demo jane", "House real jane", "House Weekend contest jane",
        ], "the venue's name stands in them already"  # fmt: skip
        real_money = [place.note for place in places if place.note.startswith("Live: real money")]
        assert len(real_money) == (1 if mode is Mode.LIVE else 0)


def test_orders_and_fills_tell_their_account(frame: Frame) -> None:
    orders = OrdersViewModel(
        frame.gate, frame.market, frame.notices, frame.frames, frame.clock,
        ask=frame.ask, badge_of=frame.connections.badge_of, titles={"kraken": "Kraken"},
        name_of=frame.connections.short_name,
    )  # fmt: skip
    mine = order("a1", Side.BUY, price="64050.0")
    frame.gate.put(mine)
    for fill_id, of in (("F1", mine.venue_order_id), ("F2", "from-before")):
        assert of is not None
        frame.gate.fills.append(
            Fill(fill_id, BTC, Side.BUY, D(1), D(1), D(0), "USD", False, of, None, START_NS)
        )
    orders.refresh()
    frame.tick()
    assert texts(orders.model)["venue"] == "Kraken practice"
    column = orders.model.columns[orders.model.column_of("venue")]
    assert column.title == "Account"
    named = {row.fill.fill_id: row.account_name for row in orders.fills_model.rows}
    assert named == {"F1": "Kraken practice", "F2": "Kraken"}


def balances_of(frame: Frame) -> AccountViewModel:
    return AccountViewModel(
        frame.portfolio, lambda: [ACCOUNT], frame.frames, frame.clock, name_of=frame.connections.short_name
    )


def test_balances_tell_the_account_and_what_the_share_is_of(frame: Frame) -> None:
    frame.portfolio.held = {"USD": Balance("USD", D(750), D("12.5")), "BTC": Balance("BTC", D("0.5"), D(0))}
    frame.portfolio.prices = {"USD": D(1), "BTC": D(500)}
    model = balances_of(frame).balances
    shown = {row["asset"]: row for row in (texts(model, at) for at in range(2))}
    assert shown["USD"]["account"] == "Kraken practice"
    assert shown["USD"]["held"] == "12.50"
    assert (shown["USD"]["share"], shown["BTC"]["share"]) == ("75.0%", "25.0%")
    share = model.columns[model.column_of("share")]
    assert (share.title, share.title_tip) == ("Of account", "The share of what this account is worth")


def test_worth_and_day_count_the_open_profit_that_the_venue_counts_by_asset(frame: Frame) -> None:
    portfolio = frame.portfolio
    portfolio.held = {"USD": Balance("USD", D(1000)), "BTC": Balance("BTC", D(2))}
    portfolio.prices = {"USD": D(1), "BTC": D(500)}
    vm = balances_of(frame)
    assert (vm.equity, vm.day_pnl) == (D(2000), D(0))
    # Half a coin becomes the margin of a position that has lost a tenth of a coin.
    portfolio.held["BTC"] = Balance("BTC", D(2), D("0.5"), D("1.9"))
    portfolio.changed.notify(ACCOUNT)
    frame.tick()
    worth = {row.asset: row.worth for row in vm.balances.rows}
    assert worth == {"USD": D(1000), "BTC": D(950)}
    assert (vm.equity, vm.day_pnl) == (D(1950), D(-50))
    assert next(row.total for row in vm.balances.rows if row.asset == "BTC") == 2


def test_what_a_margin_account_holds_is_margin_in_use(frame: Frame) -> None:
    frame.portfolio.margin = AccountFigures("USD", D(1000), D(50), D(120))
    model = balances_of(frame).balances
    assert texts(model)["held"] == "120.00 margin"
    tip = model.columns[model.column_of("held")].tip
    assert tip is not None
    assert "Margin in use" in tip(model.rows[0])
