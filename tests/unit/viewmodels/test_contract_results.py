"""How contracts end is told: as a notice, and in the ticket that took them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from terminal.core.clock import ManualClock
from terminal.domain.contracts import SOLD_BACK
from terminal.services.contract_stats import ContractStats
from terminal.viewmodels.contract_results import NEWS_S, ContractResults
from terminal.viewmodels.notices import NoticesViewModel
from tests.unit.services.test_contract_stats import Gate


class Told:
    """A gate whose contracts end, and what is said of it."""

    def __init__(self) -> None:
        self.clock = ManualClock(wall_ns=0)
        self.gate = Gate()
        self.notices = NoticesViewModel(self.clock)
        self.ticket: list[tuple[str, str]] = []
        self.hides = False
        self.results = ContractResults(
            ContractStats(self.gate),
            self.notices,
            self.clock,
            name_of=lambda account: "Quotex demo",
            tell_ticket=lambda order_id, text: self.ticket.append((order_id, text)),
            hides_amounts=lambda: self.hides,
        )

    def texts(self) -> list[str]:
        return [entry.text.replace("\u202f", "") for entry in self.notices.entries]


@pytest.fixture
def told(qapp: QApplication) -> Iterator[Told]:
    made = Told()
    yield made
    made.results.close()


@pytest.mark.parametrize(
    ("profit", "reason", "ending"),
    [
        ("4.35", "", "won +4.35 USD"),
        ("-5", "", "lost −5.00 USD"),
        ("0", "", "tied 0.00 USD"),
        ("-1.20", SOLD_BACK, "sold back −1.20 USD"),
    ],
)
def test_an_end_is_a_notice_and_the_tickets_last_word(
    told: Told, profit: str, reason: str, ending: str
) -> None:
    told.gate.deal(profit, reason=reason)
    text = f"EUR/USD, up 5.00 USD: {ending} (Quotex demo)."
    assert told.texts() == [text]
    assert [(key, line.replace("\u202f", "")) for key, line in told.ticket] == [("0", text)]


def test_an_old_end_is_no_news_and_hidden_amounts_stay_hidden(told: Told) -> None:
    told.hides = True
    told.gate.deal("4.35")
    assert told.texts() == ["EUR/USD: a contract has ended, won (Quotex demo)."]
    told.clock.advance(NEWS_S + 1)
    told.gate.deal("-5")
    assert len(told.texts()) == 1
    assert len(told.ticket) == 2, "the ticket that took it tells it whenever it comes"
