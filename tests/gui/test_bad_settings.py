"""Whatever is typed or pasted into a numeric setting: a message beside the field, and nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from terminal.services.settings import SETTINGS, Kind, Setting, Settings
from terminal.viewmodels.settings import HIDDEN, SettingsViewModel
from terminal.widgets import theme
from terminal.widgets.settings_dialog import RowWidget, SettingsDialog
from tests.gui.test_bad_input import NO_NUMBERS, enter

NUMERIC = [each for each in SETTINGS if each.kind in (Kind.INT, Kind.DECIMAL) and each.key not in HIDDEN]
MORE = {
    "comma decimals": "0,5",
    "dollars": "$500",
    "euros behind": "500 €",
    "pounds": "£5",
    "per cent": "5 %",
    "thousands": "10 000",
    "a unit": "5s",
    "too many decimals": "0.123456789",
}


@pytest.fixture
def settings() -> Settings:
    return Settings(None)


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication, settings: Settings) -> Iterator[SettingsDialog]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    dialog = SettingsDialog(SettingsViewModel(settings, {"kraken": "Kraken"}))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    yield dialog
    dialog.close()


def row_of(dialog: SettingsDialog, key: str) -> RowWidget:
    dialog._vm.search(key)
    return next(row for row in dialog.rows if row.row.setting.key == key)


def is_good(setting: Setting, entry: str) -> bool:
    """Zero and negative figures are sound where the setting's own bounds let them in."""
    if entry not in ("0", "0.000", "-5", "\N{MINUS SIGN}5"):
        return False
    number = Decimal(entry.replace("\N{MINUS SIGN}", "-"))
    assert setting.minimum is not None
    assert setting.maximum is not None
    return setting.minimum <= number <= setting.maximum


@pytest.mark.parametrize("setting", NUMERIC, ids=lambda setting: setting.key)
def test_no_numeric_setting_takes_it(
    dialog: SettingsDialog, settings: Settings, setting: Setting, subtests: pytest.Subtests
) -> None:
    row = row_of(dialog, setting.key)
    scope, field = row.row.scope, row.editors[0].field
    assert isinstance(field, QLineEdit)
    before = settings.get(setting.key, scope)
    for what, entry in {**NO_NUMBERS, **MORE}.items():
        if is_good(setting, entry):
            continue
        with subtests.test(what):
            enter(field, entry)
            QTest.keyClick(field, Qt.Key.Key_Return)
            assert settings.get(setting.key, scope) == before
            assert not settings.is_set(setting.key, scope), "nothing is kept"
            message = row.problem.text()
            assert row.problem.isVisible()
            assert ": must " in message, message
            assert len(message) < 200, message
            assert field.property("invalid") is True
            assert row.problem.mapTo(row, QPoint(0, 0)).x() >= field.mapTo(row, QPoint(0, 0)).x()
    with subtests.test("a sound figure after all that"):
        assert setting.minimum is not None
        enter(field, format(setting.minimum, "f"))
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert settings.get(setting.key, scope) == setting.minimum
        assert not row.problem.isVisible()
        assert field.property("invalid") is False


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("0,5", "with a point, not a comma"),
        ("$5", "without a currency sign"),
        ("0.123456789", "at most 8 decimals"),
        ("-5", "at least 0.01 %"),
        ("99999999", "at most"),
        ("abc", "must be a number"),
    ],
)
def test_the_message_says_what_is_wrong(dialog: SettingsDialog, entry: str, words: str) -> None:
    row = row_of(dialog, "risk.price_band_pct")
    field = row.editors[0].field
    assert isinstance(field, QLineEdit)
    enter(field, entry)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert words in row.problem.text()
