"""The form of a venue that a person adds: boxes to tick, an honest report, renaming and removing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from terminal.core import tasks
from terminal.services.session import Mode
from terminal.venues import registry
from terminal.venues.base import KeyReport
from terminal.viewmodels.connect import ConnectViewModel, Step
from terminal.widgets.connect_dialog import ConnectDialog
from tests.gui.frame_fakes import Frame
from tests.helpers import eventually, run

KIND = registry.info("custom")
MINE = replace(registry.info("custom-mine"), title="Mine")
PLAIN, IN_BASE = "custom.plain_http", "custom.market_buy_in_base"
ENTRIES = {
    "custom.title": "Mine",
    "endpoint.service": "http://192.168.1.9:6666/OKX",
    "custom.symbols": "",
    "access_key": "access-k3y-of-mine",
    "secret_key": "secret-k3y-of-mine",
}
KEPT = {key: ENTRIES[key] for key in ("custom.title", "endpoint.service", "custom.symbols")}


@pytest.fixture
def frame(qtbot: QtBot, qapp: QApplication) -> Frame:
    return Frame()


def opened(qtbot: QtBot, vm: ConnectViewModel) -> ConnectDialog:
    dialog = ConnectDialog(vm)
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog


def fill(dialog: ConnectDialog, entries: dict[str, str] = ENTRIES) -> None:
    for key, text in entries.items():
        dialog._fields[key].edit.setText(text)


def words(dialog: ConnectDialog) -> str:
    """What the report says."""
    return " | ".join(each.text() for each in dialog.report.findChildren(QLabel))


def test_what_a_ticked_box_brings_stands_beneath_it_and_it_is_kept_as_a_setting(
    qtbot: QtBot, frame: Frame
) -> None:
    async def main() -> None:
        dialog = opened(qtbot, ConnectViewModel(KIND, frame.connecting, None, is_new=True))
        plain = dialog._flags[PLAIN]
        assert not plain.box.isChecked(), "nobody begins without encryption"
        assert "can then read both keys" in plain.hint.text()
        fill(dialog)
        QTest.keyClick(plain.box, Qt.Key.Key_Space)
        assert plain.box.isChecked()
        dialog.test.click()
        await eventually(dialog.go.isEnabled)
        # Another tick is another connection: what was tested does not count for it.
        dialog._flags[IN_BASE].box.click()
        assert not dialog.go.isEnabled()
        dialog._flags[IN_BASE].box.click()
        dialog.test.click()
        await eventually(dialog.go.isEnabled)
        assert dialog.go.text() == "Add and connect"
        dialog.go.click()
        await eventually(lambda: not dialog.isVisible())
        assert frame.connecting.kept_options == {**KEPT, PLAIN: "true", IN_BASE: "false"}
        later = opened(qtbot, ConnectViewModel(MINE, frame.connecting, Mode.LIVE))
        assert later._flags[PLAIN].box.isChecked()
        assert not later._flags[IN_BASE].box.isChecked()
        await eventually(lambda: not tasks.running())

    run(main())


def test_a_right_that_nobody_knows_is_neither_ticked_nor_denied(qtbot: QtBot, frame: Frame) -> None:
    async def main() -> None:
        frame.connecting.report = KeyReport(
            {"Query funds": True, "Query ended orders": False},
            unknown=("Create and change orders", "Withdraw funds"),
        )
        dialog = opened(qtbot, ConnectViewModel(KIND, frame.connecting, None, is_new=True))
        fill(dialog)
        dialog.test.click()
        await eventually(dialog.go.isEnabled)
        said = words(dialog)
        assert "✓  Query funds" in said
        assert "–  Query ended orders: not granted" in said
        assert "?  Create and change orders: the venue does not tell" in said
        assert "?  Withdraw funds: the venue does not tell" in said
        assert "watch only" not in said
        assert "never needs that" not in said, "nobody has said that it may"

    run(main())


def test_removing_is_asked_for_twice_and_taken_back_by_an_edit(qtbot: QtBot, frame: Frame) -> None:
    async def main() -> None:
        frame.connecting.kept = True
        frame.connecting.kept_options = {**KEPT, PLAIN: "false", IN_BASE: "false"}
        dialog = opened(qtbot, ConnectViewModel(MINE, frame.connecting, Mode.LIVE))
        await eventually(dialog.forget.isVisible)
        dialog.forget.click()
        assert dialog.leaving.isVisible()
        assert dialog.leaving.text() == "Everything stays at the venue."
        assert dialog.forget.text() == "Remove it"
        QTest.keyClicks(dialog._fields["custom.symbols"].edit, "X")
        assert not dialog.leaving.isVisible()
        assert dialog.forget.text() == "Remove…"
        dialog.forget.click()
        assert frame.connecting.asked == []
        dialog.forget.click()
        await eventually(lambda: not dialog.isVisible())

    run(main())
    assert frame.connecting.asked == [("forget", MINE.name)]


@pytest.mark.parametrize("mode", [Mode.LIVE, None])
def test_another_title_cuts_no_connection(frame: Frame, mode: Mode | None) -> None:
    async def main() -> None:
        frame.connecting.kept = True
        frame.connecting.kept_options = {**KEPT, PLAIN: "false", IN_BASE: "false"}
        vm = ConnectViewModel(MINE, frame.connecting, mode)
        vm.use_kept_keys("", {**frame.connecting.kept_options, "custom.title": "Another"})
        await eventually(lambda: vm.step is Step.DONE)
        asked = [call[0] for call in frame.connecting.asked]
        assert asked == (["options"] if mode is Mode.LIVE else ["options", "use"])
        again = ConnectViewModel(MINE, frame.connecting, mode)
        again.use_kept_keys("", {**frame.connecting.kept_options, PLAIN: "true"})
        await eventually(lambda: again.step is Step.DONE)
        assert [call[0] for call in frame.connecting.asked][-2:] == ["options", "use"]

    run(main())


def test_a_venue_that_was_added_is_not_added_once_more_when_its_connection_fails(frame: Frame) -> None:
    async def main() -> None:
        vm = ConnectViewModel(KIND, frame.connecting, None, is_new=True)
        options = {**KEPT, PLAIN: "false", IN_BASE: "false"}
        vm.test({**ENTRIES, **options})
        await eventually(lambda: vm.step is Step.TESTED)
        use = frame.connecting.use

        async def failing(venue: str, mode: Mode) -> None:
            frame.connecting.refuse()
            await use(venue, mode)

        frame.connecting.use = failing  # type: ignore[method-assign]
        vm.save()
        await eventually(lambda: vm.error)
        assert vm.step is Step.TESTED
        assert not vm.is_new, "a second press changes what is there"

    run(main())
