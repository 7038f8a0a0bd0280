"""A name has the room that the table can spare; without any its end stays readable."""

from __future__ import annotations

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication

from terminal.domain.account import AccountInfo, AccountKind
from terminal.widgets.positions import PositionsPanel
from tests.gui.frame_fakes import ACCOUNT, Frame
from tests.gui.test_positions import LONG, D, with_frame

TITLE = "Practice Markets 3120001"


def test_the_account_of_a_position_is_read_in_full_where_there_is_room(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        panel = PositionsPanel(frame.positions)
        panel.resize(1900, 200)
        panel.show()
        frame.portfolio.about = AccountInfo("7", TITLE, False, "USD", AccountKind.HEDGED, D(30))
        frame.portfolio.open = [LONG]
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        table, at = panel.table, frame.positions.model.column_of("account")
        need = QFontMetrics(table.font()).horizontalAdvance(TITLE)
        assert table.columnWidth(at) >= need + 2 * table.padding
        panel.resize(1000, 200)
        assert table.columnWidth(at) == frame.positions.model.columns[at].width
        panel.resize(1900, 200)
        table.setColumnWidth(at, 60)
        panel.resize(1901, 200)
        assert table.columnWidth(at) == 60, "what a person has set stays"
        panel.close()

    with_frame(body)


def test_a_column_that_grows_pushes_nothing_out_of_sight(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        panel = PositionsPanel(frame.positions)
        panel.show()
        frame.portfolio.about = AccountInfo("7", TITLE, False, "USD", AccountKind.HEDGED, D(30))
        frame.portfolio.open = [LONG]
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        model = frame.positions.model
        least = sum(column.width for column in model.columns)
        for width in (least + 10, least + 40, least + 200):
            panel.resize(width, 200)
            QApplication.processEvents()
            assert not panel.table.horizontalScrollBar().isVisible(), width
        panel.close()

    with_frame(body, LONG)
