"""Settings changed by hand take effect at once; the dead man's switch from the venue's card to quitting."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QPushButton

from terminal.core import tasks
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType
from terminal.services.session import Mode
from terminal.viewmodels import format as fmt
from terminal.viewmodels.dead_man import DISARM, LET_FIRE
from terminal.widgets import theme
from terminal.widgets.blotter import BALANCES
from terminal.widgets.choice_dialog import ChoiceDialog
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.settings_dialog import RowWidget, SettingsDialog
from tests.e2e.hand import CTRL
from tests.e2e.rig import ACCOUNT, BTC
from tests.e2e.screen_harness import Desk, run_screen
from tests.practice import Practice

D = Decimal


async def open_settings(desk: Desk) -> SettingsDialog:
    await desk.hand.key(Qt.Key.Key_Comma, CTRL)
    await desk.until(lambda: desk.dialog(SettingsDialog) is not None, "the settings")
    dialog = desk.dialog(SettingsDialog)
    assert isinstance(dialog, SettingsDialog)
    return dialog


async def find(desk: Desk, dialog: SettingsDialog, key: str) -> RowWidget:
    """The row of a setting, found by the search field."""
    await desk.hand.replace(dialog.search, key)
    await desk.until(lambda: [row.row.setting.key for row in dialog.rows] == [key], f"the row of {key}")
    await desk.until(lambda: dialog.rows[0].editors[0].field.isVisible(), "its field")
    return dialog.rows[0]


def test_settings_hold_at_once_and_after_a_restart(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        hand, screen = desk.hand, desk.screen
        request = OrderRequest(BTC, Side.BUY, OrderType.LIMIT, D("0.01"), limit_price=D("60000.0"))

        def reasons() -> list[str]:
            found = desk.terminal.gate.check(ACCOUNT, request)
            return [each.rule for each in found.refusals]

        assert screen.tape.least_percentile == 50
        assert "max_notional" not in reasons()
        dialog = await open_settings(desk)

        density = (await find(desk, dialog, "look.density")).editors[0].field
        assert isinstance(density, QComboBox)
        await hand.choose(density, "compact")
        await desk.until(lambda: desk.ladder._row_px == theme.COMPACT.ladder_row, "compact rows")
        assert desk.blotter.orders.table.font().pixelSize() == theme.COMPACT.font

        hide = (await find(desk, dialog, "look.hide_amounts")).editors[0].field
        assert isinstance(hide, QCheckBox)
        await hand.do(hide.click)
        await desk.until(lambda: screen.status.balance.endswith(fmt.HIDDEN), "dots in the status bar")
        assert screen.account.equity is not None, "the figures themselves are still known"
        assert screen.desk.day_pnl_text == fmt.HIDDEN

        row = await find(desk, dialog, "risk.max_notional")
        field, step = row.editors[0].field, row.editors[1].field
        assert isinstance(field, QLineEdit)
        assert isinstance(step, QComboBox)
        await hand.replace(field, "100")
        await hand.key(Qt.Key.Key_Return)
        await hand.choose(step, "refuse")
        await desk.until(lambda: "max_notional" in reasons(), "the limit in force")

        await hand.click(dialog.done_button)
        await desk.until(lambda: desk.dialog(SettingsDialog) is None, "the settings closed")
        words = desk.words(desk.ticket) + desk.words(desk.window.status) + desk.words(desk.window.top_bar)
        assert fmt.HIDDEN in words
        desk.blotter.show_tab(BALANCES)
        table = desk.blotter.balances.table.model()
        shown = [str(table.index(0, at).data()) for at in range(table.columnCount())]
        assert shown.count(fmt.HIDDEN) >= 3, shown

    # Another density dresses every widget anew, once and at the person's own wish.
    run_screen(practice, tmp_path, body, longest_ms=500.0)

    async def again(desk: Desk) -> None:
        assert desk.ladder._row_px == theme.COMPACT.ladder_row
        assert desk.screen.account.equity_text == fmt.HIDDEN

    run_screen(practice, tmp_path, again)
    theme.apply(qapp)


async def arm(desk: Desk) -> None:
    """Arm the switch from the card's menu."""
    await desk.hand.click(desk.window.strip._cards["kraken"])
    await desk.hand.trigger(desk.menu(), "Dead man's switch…")
    await desk.until(lambda: desk.dialog(ConfirmDialog) is not None, "the question")
    question = desk.dialog(ConfirmDialog)
    assert isinstance(question, ConfirmDialog)
    assert "ALL orders of the account" in desk.words(question)
    await desk.hand.click(question.confirm)
    await desk.until(lambda: desk.screen.dead_man.is_armed, "an armed switch")


def word_of(desk: Desk) -> str:
    card = desk.screen.connections.card("kraken")
    return card.word if card is not None else ""


def leaves_armed(desk: Desk) -> bool:
    return desk.terminal.leaves_switch_armed


def is_armed(desk: Desk) -> bool:
    return desk.screen.dead_man.is_armed


async def answer_quitting(desk: Desk, key: str | None) -> bool:
    quitting = tasks.spawn(desk.screen.may_quit(), name="quit")
    await desk.until(lambda: desk.dialog(ChoiceDialog) is not None, "the question")
    question = desk.dialog(ChoiceDialog)
    assert isinstance(question, ChoiceDialog)
    assert "orders on Kraken will be canceled within 60 s" in desk.words(question)
    button: QPushButton = question.buttons[key] if key is not None else question.back
    await desk.hand.click(button)
    return await quitting


def test_the_dead_mans_switch_from_the_card_to_quitting(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        ring = desk.window.strip._cards["kraken"].ring
        assert ring.isHidden()
        await arm(desk)
        await desk.until(ring.isVisible, "the ring")
        left = desk.terminal.switch.seconds_left(ACCOUNT)
        assert left is not None
        assert 50 < left <= 60
        assert await answer_quitting(desk, None) is False
        assert is_armed(desk)
        assert await answer_quitting(desk, LET_FIRE) is True
        assert leaves_armed(desk)
        assert await answer_quitting(desk, DISARM) is True
        assert not is_armed(desk)
        assert not leaves_armed(desk)
        await desk.until(ring.isHidden, "no ring")

    run_screen(practice, tmp_path, body)


def test_leaving_the_account_disarms_its_switch(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        await arm(desk)
        desk.screen.connections.disconnect_venue("kraken")
        await desk.until(lambda: not desk.screen.dead_man.is_armed, "a disarmed switch")
        assert not any("could not be disarmed" in text for text in desk.notices())
        await desk.until(lambda: word_of(desk) == "off", "the connection closed")
        desk.screen.connections.use("kraken", Mode.PRACTICE)
        await desk.until_live()

    run_screen(practice, tmp_path, body)
