"""The question before an order: its buttons keep their place, and its figures follow the market."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from terminal.viewmodels.confirm import Confirmation
from terminal.widgets.confirm_dialog import ConfirmDialog

ROWS = (("Position", "long 0.05 lots"), ("Price now", "1.16250"))


def height(question: Confirmation) -> int:
    dialog = ConfirmDialog(question)
    dialog.adjustSize()
    try:
        return dialog.height()
    finally:
        dialog.deleteLater()


def test_a_warning_does_not_make_the_question_of_an_order_grow(qapp: QApplication) -> None:
    plain = Confirmation("Close 0.02 lots", ROWS, tone="sell")
    warned = Confirmation("Close 0.02 lots", ROWS, ("Spread 3 %, your limit is 1 %.",), tone="sell")
    assert height(plain) == height(warned)
    assert height(Confirmation("Quit?", ROWS)) < height(plain), "nothing is kept where nothing is warned of"
