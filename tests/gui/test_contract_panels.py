"""What panels made for books and quantities say where there are only stakes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.domain.account import AccountInfo, AccountKind
from terminal.domain.contracts import ContractOffer
from terminal.domain.instrument import InstrumentKind
from terminal.services.settings_table import SETTINGS
from tests.gui.frame_fakes import ACCOUNT, Frame
from tests.gui.venue_fakes import KRAKEN, OKX, World, listing
from tests.helpers import run

D = Decimal
OFFER = ContractOffer("USD", D(87), D(1), None, timed_s=(60,), clock_s=())
STAKED = replace(
    listing("ctrader", "Bitcoin OTC", InstrumentKind.CONTRACT), base="BTC", quote="USD", offer=OFFER
)


@pytest.fixture
def world(qtbot: QtBot, tmp_path: Path) -> World:
    return World(tmp_path, (KRAKEN, OKX, STAKED))


def test_a_contract_is_no_row_and_no_quantity(world: World) -> None:
    vm = world.look()
    world.selection.select(STAKED.id)
    assert vm.model.rows == []
    assert vm.summary == "A contract is a stake, not a quantity: nothing to compare"
    assert vm.question_text == "Buy"
    assert vm.missing_text == ""


def test_a_contract_that_was_called_a_twin_is_still_no_row(world: World) -> None:
    vm = world.look()
    world.twins.move([STAKED.id], "BTC/USD")
    world.pass_time()
    assert [row.venue_text for row in vm.model.rows] == ["Kraken spot", "OKX spot"]
    # A stake of 5 in the ticket would be five bitcoins.
    world.ticket.instrument, world.ticket.quantity = STAKED, D(5)
    world.pass_time()
    assert vm.size != D(5)


def test_an_account_without_margin_still_says_what_it_holds(qapp: QApplication) -> None:
    async def main() -> None:
        frame = Frame()
        frame.portfolio.about = AccountInfo(
            account_id="demo", title="Quotex demo", is_live=False, currency="USD", kind=AccountKind.HEDGED
        )
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        model = frame.positions.accounts_model
        (row,) = model.rows
        assert model.columns[model.column_of("balance")].text(row).replace("\u202f", "") == "8716.28 USD"
        assert model.columns[model.column_of("equity")].text(row) == "–"

    run(main())


def test_bars_of_five_seconds_can_be_kept() -> None:
    (setting,) = [each for each in SETTINGS if each.key == "chart.interval_s"]
    assert setting.parse("5") == 5
