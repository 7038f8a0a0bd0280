"""The settings dialog: a field for every kind, nothing invalid kept, search, scopes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from terminal.services.settings import SETTINGS, Kind, Settings
from terminal.viewmodels.settings import SettingsViewModel
from terminal.widgets import theme
from terminal.widgets.settings_dialog import RowWidget, SettingsDialog

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def settings() -> Settings:
    return Settings(None)


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication, settings: Settings) -> Iterator[SettingsDialog]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    vm = SettingsViewModel(settings, {"kraken": "Kraken"}, hidden={})
    dialog = SettingsDialog(vm)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    yield dialog
    dialog.close()


def row_of(dialog: SettingsDialog, key: str) -> RowWidget:
    dialog._vm.search(key)
    return next(row for row in dialog.rows if row.row.setting.key == key)


def type_into(field: QLineEdit, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


FIELDS = {
    Kind.BOOL: QCheckBox,
    Kind.INT: QLineEdit,
    Kind.DECIMAL: QLineEdit,
    Kind.TEXT: (QLineEdit, QPlainTextEdit),
    Kind.CHOICE: QComboBox,
    Kind.LIST: QPlainTextEdit,
    Kind.ADDRESS: QLineEdit,
}


def test_every_kind_has_its_field_and_shows_its_value(dialog: SettingsDialog) -> None:
    seen = set()
    for section in dialog._vm.sections:
        dialog._vm.choose_section(section)
        for row in dialog.rows:
            assert isinstance(row.editors[0].field, FIELDS[row.row.setting.kind])  # type: ignore[arg-type]
            assert row.editors[0].field.accessibleName() == row.row.setting.text
            seen.add(row.row.setting.kind)
    assert seen == {setting.kind for setting in SETTINGS}


def test_a_tick_a_choice_and_a_list_are_kept(dialog: SettingsDialog, settings: Settings) -> None:
    flash = row_of(dialog, "look.flashes").editors[0].field
    assert isinstance(flash, QCheckBox)
    flash.click()
    assert settings.flag("look.flashes") is False
    assert flash.text() == "Off"
    density = row_of(dialog, "look.density").editors[0].field
    assert isinstance(density, QComboBox)
    density.setCurrentIndex(2)
    density.activated.emit(2)
    assert settings.text("look.density") == "compact"
    watched = row_of(dialog, "watch.symbols").editors[0]
    assert isinstance(watched.field, QPlainTextEdit)
    watched.field.setPlainText(" BTC/USD \n\nETH/USD")
    watched.commit()
    assert settings.items("watch.symbols") == ("BTC/USD", "ETH/USD")


def test_a_number_out_of_bounds_stays_in_the_field_with_a_sentence_and_is_not_kept(
    dialog: SettingsDialog, settings: Settings
) -> None:
    row = row_of(dialog, "risk.price_band_pct")
    field = row.editors[0].field
    assert isinstance(field, QLineEdit)
    type_into(field, "0")
    assert field.text() == "0"
    assert field.property("invalid") is True
    assert "at least 0.01 %" in row.problem.text()
    assert row.problem.isVisible()
    assert settings.number("risk.price_band_pct") == 3
    QTest.keyClicks(field, ".5")
    assert not row.problem.isVisible(), "while it is typed nothing is wrong yet"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert settings.number("risk.price_band_pct") == Decimal("0.5")
    assert field.property("invalid") is False
    assert dialog.isVisible(), "Enter ends the entry, not the dialog"
    row.reset.click()
    assert settings.number("risk.price_band_pct") == 3
    assert field.text() == "3"
    assert row.reset.isHidden()


def test_the_step_stands_beside_its_limit(dialog: SettingsDialog, settings: Settings) -> None:
    row = row_of(dialog, "risk.max_notional")
    step = row.editors[1].field
    assert isinstance(step, QComboBox)
    step.setCurrentIndex(step.findData("refuse"))
    step.activated.emit(step.currentIndex())
    assert settings.text("risk.max_notional.step") == "refuse"
    assert row.reset.isVisible()
    row.reset.click()
    assert settings.text("risk.max_notional.step") == "off"


def test_sections_scopes_and_search_by_hand(dialog: SettingsDialog, settings: Settings) -> None:
    dialog.sections.setCurrentRow(dialog._vm.sections.index("Limits"))
    assert dialog.title.text() == "Limits"
    assert dialog.scope.isVisible()
    dialog.scope.setCurrentIndex(1)
    dialog.scope.activated.emit(1)
    assert {row.row.scope for row in dialog.rows} == {"kraken"}
    field = dialog.rows[0].editors[0].field
    assert isinstance(field, QLineEdit)
    type_into(field, "1")
    assert settings.number("risk.price_band_pct", "kraken") == 1
    assert settings.number("risk.price_band_pct") == 3
    dialog.search.setFocus()
    QTest.keyClicks(dialog.search, "flash")
    assert {row.row.setting.key for row in dialog.rows} == {"look.flashes", "look.flash_ms"}
    assert dialog.sections.currentRow() == -1
    assert not dialog.scope.isVisible()
    item = dialog.sections.item(0)
    QTest.mouseClick(dialog.sections.viewport(), LEFT, pos=dialog.sections.visualItemRect(item).center())
    assert (dialog.title.text(), dialog.search.text()) == ("Look", "")


def test_what_was_typed_last_counts_when_it_is_closed(dialog: SettingsDialog, settings: Settings) -> None:
    scale = row_of(dialog, "look.ui_scale").editors[0].field
    assert isinstance(scale, QLineEdit)
    scale.setFocus()
    scale.selectAll()
    QTest.keyClicks(scale, "150")
    dialog.done_button.click()
    assert settings.whole("look.ui_scale") == 150


def test_the_wheel_scrolls_the_page_and_changes_no_choice(dialog: SettingsDialog, settings: Settings) -> None:
    combo = row_of(dialog, "look.density").editors[0].field
    dialog.search.setFocus()
    middle = QPointF(combo.rect().center())
    down = QWheelEvent(
        middle, middle, QPoint(0, 0), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(combo, down)
    assert settings.text("look.density") == "standard"
    assert isinstance(combo, QComboBox)
    assert combo.currentData() == "standard"
