"""The Contracts tab and its files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QDir, QStandardPaths
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog

from terminal.core.clock import ManualClock
from terminal.domain.contracts import SOLD_BACK
from terminal.domain.instrument import InstrumentId
from terminal.services.contract_stats import ContractStats
from terminal.viewmodels.contract_stats import ContractStatsViewModel
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.widgets.blotter import CONTRACTS, LOG, Blotter
from terminal.widgets.contract_stats import ContractStatsPanel
from tests.gui.frame_fakes import Frame
from tests.helpers import eventually, run
from tests.unit.services.test_contract_stats import GOLD, Gate


class Shown:
    def __init__(self, **options: Any) -> None:
        self.gate = Gate()
        self.frames = FrameClock()
        self.notices = NoticesViewModel(ManualClock())
        self.vm = ContractStatsViewModel(ContractStats(self.gate), self.frames, self.notices, **options)

    def cells(self, *columns: str, row: int = 0) -> list[str]:
        self.frames.tick()
        model = self.vm.model
        return [str(model.index(row, model.column_of(each)).data() or "") for each in columns]


@pytest.fixture
def shown(qapp: QApplication) -> Iterator[Shown]:
    made = Shown()
    yield made
    made.vm.close()


def test_a_line_tells_what_was_and_what_was_needed(shown: Shown) -> None:
    for _ in range(6):
        shown.gate.deal("4.35")
    for _ in range(4):
        shown.gate.deal("-5")
    shown.gate.deal("0")
    shown.gate.deal("-1", reason=SOLD_BACK)
    shown.gate.deal("-5", asset=GOLD, length=300)
    # Wilson's interval of 6 of 10: (0.6 + 1.96^2/20 -+ 1.96 sqrt(0.024 + 1.96^2/400)) / (1 + 1.96^2/10)
    #   = (0.79208 -+ 0.35934) / 1.38416 = 0.3126 and 0.8318; 87 % needs 1 / 1.87 = 53.5 %.
    figures = shown.cells("symbol", "length", "won", "lost", "tied", "back", "rate", "needed")
    assert figures == ["EUR/USD", "1 min", "6", "4", "1", "1", "60 % (31 to 83 %)", "53.5 %"]
    assert shown.cells("staked", "profit") == ["60.00 USD", "+5.10 USD"]
    assert shown.cells("symbol", "length", "rate", row=1) == ["XAU/USD", "5 min", "0 % (0 to 79 %)"]


@pytest.mark.parametrize(
    ("won", "lost", "tone"),
    [(6, 4, "muted"), (90, 10, "up"), (10, 90, "down")],
)
def test_a_rate_is_coloured_only_when_its_whole_range_says_so(
    shown: Shown, won: int, lost: int, tone: str
) -> None:
    for _ in range(won):
        shown.gate.deal("4.35")
    for _ in range(lost):
        shown.gate.deal("-5")
    shown.frames.tick()
    (row,) = shown.vm.model.rows
    assert row.verdict[1] == tone


def test_hidden_amounts_and_hidden_accounts_stay_hidden(qapp: QApplication) -> None:
    shown = Shown(hidden=lambda: {"quotex:live"})
    shown.gate.deal("4.35", account="quotex:live")
    shown.gate.deal("-5")
    shown.vm.set_hide_amounts(True)
    assert shown.cells("profit", "staked", "won") == ["•••", "•••", "0"]
    assert len(shown.vm.model.rows) == 1
    assert len(rows_of(shown.vm.records_csv())) == 1
    shown.vm.close()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_files_hold_plain_numbers_and_no_formulas(shown: Shown) -> None:
    shown.gate.deal("4.35")
    shown.gate.deal("-5")
    shown.gate.deal("0", asset=InstrumentId("quotex", "=1+1"))
    first, second = rows_of(shown.vm.lines_csv())
    assert (first["won"], first["lost"], first["hit_rate"], first["needed_rate"]) == (
        "1",
        "1",
        "0.5000",
        "0.5348",
    )
    assert (first["profit"], first["staked"], first["mean_payout_pct"]) == ("-0.65", "10", "87.00")
    assert (second["asset"], second["hit_rate"], second["rate_low"]) == ("'=1+1", "", "")
    won, lost, tied = rows_of(shown.vm.records_csv())
    assert (won["direction"], won["length_s"], won["stake"], won["payout_pct"]) == ("up", "60", "5", "87")
    assert (won["result"], won["profit"]) == ("won", "4.35")
    assert (lost["result"], tied["result"]) == ("lost", "tied")
    assert won["opened"] == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("has_documents", [True, False])
def test_saving_begins_where_a_person_keeps_files(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_documents: bool
) -> None:
    home = tmp_path / "home"
    documents = home / "Documents"
    (documents if has_documents else home).mkdir(parents=True)
    monkeypatch.setattr(QStandardPaths, "writableLocation", lambda place: str(documents))
    monkeypatch.setattr(QDir, "homePath", lambda: str(home))
    panel = ContractStatsPanel(shown.vm)
    shown.gate.deal("4.35")
    shown.frames.tick()
    panel.save_lines.click()
    (dialog,) = panel.findChildren(QFileDialog)
    assert Path(dialog.directory().absolutePath()) == (documents if has_documents else home)
    assert [Path(each).name for each in dialog.selectedFiles()] == ["contracts.csv"]
    buttons = dialog.findChild(QDialogButtonBox)
    assert buttons is not None
    assert all(each.icon().isNull() for each in buttons.buttons())
    dialog.reject()
    panel.deleteLater()


def test_saving_asks_where_and_says_what_came_of_it(shown: Shown, tmp_path: Path) -> None:
    async def main() -> None:
        panel = ContractStatsPanel(shown.vm)
        assert not panel.save_records.isEnabled()
        shown.gate.deal("4.35")
        shown.frames.tick()
        panel.save_records.click()
        (dialog,) = panel.findChildren(QFileDialog)
        target = tmp_path / "mine.csv"
        dialog.fileSelected.emit(str(target))
        dialog.reject()
        await eventually(target.exists, 5, "the file")
        await eventually(lambda: shown.notices.entries, 5, "a word about it")
        assert shown.notices.entries[-1].text == "Saved mine.csv."
        assert rows_of(target.read_text())[0]["result"] == "won"
        shown.vm.save_lines(str(tmp_path / "nowhere" / "x.csv"))
        await eventually(lambda: len(shown.notices.entries) == 2, 5, "a refusal")
        texts = [entry.text for entry in shown.notices.entries]
        assert any(text.startswith("x.csv was not saved") for text in texts)
        panel.deleteLater()

    run(main())


def test_the_tab_is_there_where_contracts_are(qapp: QApplication) -> None:
    async def main() -> None:
        frame, shown = Frame(), Shown()
        blotter = Blotter(frame.orders, frame.account, frame.positions, frame.log, shown.vm)
        assert not blotter.tabs.isTabVisible(CONTRACTS)
        assert blotter.tabs.isTabVisible(LOG)
        shown.gate.deal("4.35")
        shown.frames.tick()
        assert blotter.tabs.isTabVisible(CONTRACTS)
        blotter.show_tab(CONTRACTS)
        assert blotter.contracts is not None
        assert blotter.stack.currentWidget() is blotter.contracts
        blotter.deleteLater()

    run(main())
