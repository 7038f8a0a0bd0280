"""The question before an order: its buttons keep their place, and its figures follow the market."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QApplication, QLabel

from terminal.viewmodels.confirm import Confirmation
from terminal.widgets import theme
from terminal.widgets.confirm_dialog import ConfirmDialog
from tests.gui.frame_fakes import ACCOUNT, Frame
from tests.gui.test_positions import ARM, EURUSD, KEY, LONG, D, with_frame
from tests.helpers import eventually

ROWS = (("Position", "long 0.05 lots"), ("Price now", "1.16250"))


def height(question: Confirmation) -> int:
    dialog = ConfirmDialog(question)
    dialog.adjustSize()
    try:
        return dialog.height()
    finally:
        dialog.deleteLater()


def test_a_warning_does_not_make_the_question_of_an_order_grow(qapp: QApplication) -> None:
    theme.apply(qapp)
    plain = Confirmation("Close 0.02 lots", ROWS, tone="sell")
    warned = Confirmation("Close 0.02 lots", ROWS, ("Spread 3 %, your limit is 1 %.",), tone="sell")
    assert height(plain) == height(warned)
    assert height(Confirmation("Quit?", ROWS)) < height(plain), "nothing is kept where nothing is warned of"


def test_an_open_question_shows_the_price_and_the_profit_of_the_moment(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.hands.answers = [ARM]
        frame.positions.act(KEY, "half")
        await eventually(lambda: frame.questions, 5, "a question")
        (question,) = frame.questions
        rows = dict(question.rows)
        assert rows["Open PnL of this part"] == "+5.00 USD", "2 000 of 5 000 units, of 12.50"
        dialog = ConfirmDialog(question)
        frame.market.set_quote("1.16450", "1.16456", EURUSD)
        frame.portfolio.open = [replace(LONG, unrealised=D("22.50"))]
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        assert dialog._timer.isActive()
        dialog._timer.timeout.emit()
        assert "1.16450" in texts(dialog), "the price of the moment"
        assert "+9.00 USD" in texts(dialog)
        frame.portfolio.open = []
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        dialog.refresh()
        assert "1.16450" in texts(dialog), "what has closed keeps its last figures"
        assert "closed already" in texts(dialog)
        dialog.deleteLater()

    with_frame(body, LONG)


def test_the_question_of_a_stop_tells_where_the_market_is(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.hands.answers = [ARM]
        frame.positions.protect(KEY, stop_loss=D("1.15800"))
        await eventually(lambda: frame.questions, 5, "a question")
        rows = dict(frame.questions[0].rows)
        assert rows["Price now"] == "1.16250"
        assert rows["Open PnL"] == "+12.50 USD"
        frame.market.set_quote("1.16450", "1.16456", EURUSD)
        frame.tick()
        assert frame.questions[0].live is not None
        assert dict(frame.questions[0].live())["Price now"] == "1.16450"

    with_frame(body, LONG)


def texts(dialog: ConfirmDialog) -> list[str]:
    return [each.text() for each in dialog.findChildren(QLabel)]
