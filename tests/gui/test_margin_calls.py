"""The levels of margin calls on a hand-written venue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog

from terminal.domain.account import AccountFigures, AccountInfo, AccountKind, MarginCall
from terminal.domain.errors import OutcomeUnknown, RequestRejected, TerminalError, VenueUnavailable
from terminal.venues.base import HasMarginCalls
from terminal.viewmodels.margin_calls import MarginCallsViewModel
from terminal.widgets.margin_calls_dialog import MarginCallsDialog
from tests.helpers import eventually, run

D = Decimal
INFO = AccountInfo(
    account_id="7",
    title="House 5120001",
    is_live=False,
    currency="USD",
    kind=AccountKind.HEDGED,
    stop_out="A stop-out closes the largest first.",
)
FIGURES = AccountFigures("USD", D(1000), D(0), D(500))


class House:
    """Warns at 100 and 70.5 per cent."""

    def __init__(self) -> None:
        self.levels = {"61": D("100.0"), "62": D("70.5")}
        self.sent: list[tuple[str, Decimal]] = []
        self.errors: list[TerminalError] = []

    async def margin_calls(self) -> Sequence[MarginCall]:
        if self.errors:
            raise self.errors.pop(0)
        return [MarginCall(*each) for each in self.levels.items()]

    async def set_margin_call(self, call_id: str, level: Decimal) -> None:
        self.sent.append((call_id, level))
        if self.errors:
            raise self.errors.pop(0)
        self.levels[call_id] = level


def with_dialog(body: Callable[[House, MarginCallsViewModel, MarginCallsDialog], object]) -> None:
    async def main() -> None:
        house = House()
        vm = MarginCallsViewModel(INFO, house, lambda: FIGURES, badge="PRACTICE")
        dialog = MarginCallsDialog(vm)
        dialog.open()
        await eventually(lambda: not vm.is_busy and (vm.fields or vm.error))
        await body(house, vm, dialog)  # type: ignore[misc]
        dialog.close()
        dialog.deleteLater()

    run(main())


def type_into(dialog: MarginCallsDialog, call_id: str, text: str) -> None:
    edit = dialog.edits[call_id]
    edit.selectAll()
    QTest.keyClicks(edit, text)


def test_the_fake_is_what_it_stands_for() -> None:
    assert isinstance(House(), HasMarginCalls)


def test_only_what_was_changed_is_sent_and_the_form_closes(qapp: QApplication) -> None:
    async def body(house: House, vm: MarginCallsViewModel, dialog: MarginCallsDialog) -> None:
        assert [edit.text() for edit in dialog.edits.values()] == ["100", "70.5"]
        assert vm.level_text.startswith("200")
        assert not dialog.confirm.isEnabled(), "nothing was changed"
        type_into(dialog, "62", "85")
        assert dialog.confirm.isEnabled()
        dialog.confirm.click()
        await eventually(lambda: dialog.result() == QDialog.DialogCode.Accepted)
        assert house.sent == [("62", D(85))]

    with_dialog(body)


def test_what_cannot_be_read_stands_beside_its_field(qapp: QApplication) -> None:
    async def body(house: House, vm: MarginCallsViewModel, dialog: MarginCallsDialog) -> None:
        for text in ("abc", "0", "-5", "1e9", "70.123", "9999999"):
            type_into(dialog, "61", text)
            assert vm.fields[0].problem, text
            assert not dialog.confirm.isEnabled(), text
        type_into(dialog, "61", "120 %")
        assert not vm.fields[0].problem
        dialog.confirm.click()
        await eventually(lambda: house.sent == [("61", D(120))])

    with_dialog(body)


def test_a_refusal_is_said_and_the_form_stays(qapp: QApplication) -> None:
    async def body(house: House, vm: MarginCallsViewModel, dialog: MarginCallsDialog) -> None:
        house.errors.append(RequestRejected("house", "low", user_text="It is below the stop-out level."))
        type_into(dialog, "62", "10")
        dialog.confirm.click()
        await eventually(lambda: vm.error)
        assert "below the stop-out level" in dialog.state.text()
        assert dialog.isVisible()
        assert dialog.edits["62"].text() == "10", "as typed, to be changed"
        assert dialog.confirm.isEnabled()

    with_dialog(body)


def test_without_an_answer_the_venue_is_asked_what_it_has(qapp: QApplication) -> None:
    async def body(house: House, vm: MarginCallsViewModel, dialog: MarginCallsDialog) -> None:
        house.errors.append(OutcomeUnknown("house", "lost"))
        type_into(dialog, "62", "85")
        dialog.confirm.click()
        await eventually(lambda: vm.error)
        assert house.sent == [("62", D(85))], "never twice"
        assert "as it has them now" in dialog.state.text()
        assert dialog.edits["62"].text() == "70.5"

    with_dialog(body)


def test_levels_that_cannot_be_read_are_no_empty_form(qapp: QApplication) -> None:
    async def main() -> None:
        house = House()
        house.errors.append(VenueUnavailable("house", "down", user_text="The venue cannot be reached."))
        vm = MarginCallsViewModel(INFO, house, lambda: None)
        dialog = MarginCallsDialog(vm)
        dialog.open()
        await eventually(lambda: vm.error)
        assert "cannot be reached" in dialog.state.text()
        assert not dialog.confirm.isEnabled()
        dialog.close()
        house.levels.clear()
        vm.load()
        await eventually(lambda: not vm.is_busy)
        assert vm.error == "The venue names no levels for this account."
        dialog.deleteLater()

    run(main())


def test_nothing_is_cut_off_when_the_levels_and_a_refusal_come(qapp: QApplication) -> None:
    async def body(house: House, vm: MarginCallsViewModel, dialog: MarginCallsDialog) -> None:
        house.errors.append(RequestRejected("house", "low", user_text="It is below the stop-out level."))
        type_into(dialog, "62", "10")
        dialog.confirm.click()
        await eventually(lambda: vm.error)
        QApplication.processEvents()
        QApplication.processEvents()
        for widget in (*dialog._rows.values(), dialog.state, dialog.confirm):
            assert widget.height() >= widget.minimumSizeHint().height(), widget
            assert dialog.rect().contains(widget.geometry()), widget

    with_dialog(body)
