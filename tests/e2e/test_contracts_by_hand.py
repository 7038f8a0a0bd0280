"""A fixed-payout contract by hand: chosen, confirmed, watched on chart and blotter, and its end with the line
down meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QMenu

from terminal.domain.contracts import ExpiryMode
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.services.session import SessionState
from terminal.viewmodels.contract_words import direction_word
from terminal.viewmodels.sending import ResultKind
from terminal.widgets import blotter as tabs
from terminal.widgets.contract_ticket import ContractPanel
from tests.e2e.rig import QUICK_QUOTEX
from tests.e2e.screen_harness import Desk, run_screen
from tests.practice_quotex import QuotexPractice

D = Decimal
ASSET = InstrumentId("quotex", "EUR/USD OTC")
STAKE = "7"


@pytest.fixture(scope="module")
def running_quotex() -> Iterator[QuotexPractice]:
    practice = QuotexPractice()
    practice.start()
    yield practice
    practice.stop()


@pytest.fixture
def quotex(running_quotex: QuotexPractice, qapp: QApplication) -> QuotexPractice:
    running_quotex.renew()
    return running_quotex


def form_of(desk: Desk) -> ContractPanel:
    found = desk.panel("ticket").findChild(ContractPanel)
    assert found is not None
    return found


def bid_of(desk: Desk) -> Decimal | None:
    quote = desk.terminal.market.quote(ASSET)
    return quote.bid if quote is not None else None


def test_a_contract_runs_and_its_result_is_found_after_the_line_was_down(
    quotex: QuotexPractice, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        sessions = desk.terminal.sessions.sessions
        await desk.until(lambda: "quotex" in sessions, "a connection")
        session = sessions["quotex"]
        vm, portfolio = desk.screen.contracts, desk.terminal.portfolio
        await desk.until(lambda: desk.terminal.gate.ready(session.account), "an account")
        desk.screen.selection.select(ASSET)
        await desk.until(lambda: vm.buttons and not vm.buttons[Side.BUY].reason, "a form that can be sent")
        form = form_of(desk)
        await desk.hand.replace(form._stake, STAKE)
        await desk.hand.choose(form._expiry, (ExpiryMode.TIMED, 10))
        assert vm.form.duration_s == 10
        entry = bid_of(desk)
        assert entry is not None
        await quotex.hold(ASSET.symbol, entry)
        await desk.until(lambda: bid_of(desk) == entry, "the price")
        await desk.hand.click(form._buttons[Side.BUY])
        card = form._card
        await desk.until(card.isVisible, "the request to confirm")
        await desk.until(lambda: card._since.hasExpired(card.DEAF_MS), "a card that listens")
        assert "Up 7.00 USD on EUR/USD OTC" in desk.words(card)
        await desk.hand.click(card._yes)
        await desk.until(lambda: len(portfolio.positions(session.account)) == 1, "a running contract")

        # It runs: in the ticket, the Positions tab and on the chart.
        assert vm.sending.result is not None
        assert vm.sending.result.text.startswith("Taken: up 7.00")
        table = await desk.show_tab(tabs.POSITIONS)
        await desk.until(lambda: len(desk.screen.positions.model.rows) == 1, "its row")
        (row,) = desk.screen.positions.model.rows
        assert row.size_text.replace("\u202f", "") == "7.00 USD"
        assert table.isVisible()
        on_chart = desk.screen.chart.positions
        assert on_chart is not None
        await desk.until(lambda: on_chart.deals, "its line on the chart")

        # The price goes up by ten points, and the line is down when the contract ends.
        await quotex.hold(ASSET.symbol, entry + D("0.00010"))
        await quotex.fault("refuse", match="connect/ws*", seconds=60)
        await quotex.cut()
        await desk.until(lambda: session.state is not SessionState.LIVE, "a lost line")

        while (await quotex.record())["opened"]:
            await desk.frame()
        assert desk.screen.positions.model.rows, "nothing was heard of the end"
        await quotex.clear()
        await desk.until(lambda: not portfolio.positions(session.account), "the end")
        await desk.until(lambda: session.state is SessionState.LIVE, "the line")
        (ended,) = desk.screen.contract_stats.records()
        (told,) = (await quotex.record())["closed"]
        assert ended.profit == D(str(told["profit"])) > 0
        result = vm.sending.result
        assert (result.kind, "won +" in result.text) == (ResultKind.INFO, True)
        assert any("won +" in text for text in desk.notices())
        await desk.until(lambda: not on_chart.deals, "no line on the chart")
        await desk.show_tab(tabs.FILLS)
        assert [each.result for each in desk.screen.orders.fills_model.rows] == ["won", ""]

    run_screen(quotex, tmp_path, body, wait=False, tools={"quotex": {"policy": QUICK_QUOTEX}})


def test_a_closed_asset_leads_to_the_open_one_whose_people_and_signals_are_told(
    quotex: QuotexPractice, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        vm, sessions = desk.screen.contracts, desk.terminal.sessions.sessions
        await desk.until(lambda: "quotex" in sessions, "a connection")
        await desk.until(lambda: desk.terminal.gate.ready(sessions["quotex"].account), "an account")
        form = form_of(desk)
        await quotex.fault("close_asset", asset="EURUSD", seconds=60)
        desk.screen.selection.select(InstrumentId("quotex", "EUR/USD"))
        await desk.until(form._go.isVisible, "the way to the open one")
        assert "its prices are Quotex's own" in desk.words(form._other)
        assert not form._buttons[Side.BUY].isEnabled()
        await desk.hand.click(form._go)
        assert desk.screen.selection.instrument == ASSET
        await desk.until(form._crowd.isVisible, "how its people lean")
        assert "Quotex's people" in form._crowd.text.text()
        await desk.until(lambda: vm.suggestions, "signals", timeout_s=60.0)
        await desk.hand.click(form._suggestions.all)
        await desk.until(lambda: isinstance(QApplication.activePopupWidget(), QMenu), "all of them")
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        entry = menu.actions()[0]
        symbol, _, told = entry.text().partition("\t")
        entry.trigger()
        menu.close()
        if vm.sending.result is None:
            # Unless it came to its end in this very moment, which is said.
            await desk.until(lambda: vm.instrument and vm.instrument.symbol == symbol, "its asset")
            assert direction_word(vm.form.side) in told
        else:
            assert "is over" in vm.sending.result.text
        assert not desk.terminal.gate.orders, "a signal fills the form and sends nothing"

    run_screen(quotex, tmp_path, body, wait=False, tools={"quotex": {"policy": QUICK_QUOTEX}})
