"""A name has the room that the table can spare; without any its end stays readable."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRect
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
        frame.portfolio.about = AccountInfo(
            account_id="7",
            title=TITLE,
            is_live=False,
            currency="USD",
            kind=AccountKind.HEDGED,
            leverage=D(30),
        )
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
        frame.portfolio.about = AccountInfo(
            account_id="7",
            title=TITLE,
            is_live=False,
            currency="USD",
            kind=AccountKind.HEDGED,
            leverage=D(30),
        )
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


class Strokes:
    """Takes what a delegate writes."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def setFont(self, font: object) -> None: ...
    def setPen(self, pen: object) -> None: ...

    def drawText(self, area: QRect, flags: int, text: str) -> None:
        self.texts.append(text)


def test_a_number_without_room_loses_its_end_and_never_its_beginning(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        panel = PositionsPanel(frame.positions)
        model, table = frame.positions.model, panel.table
        index = model.index(0, model.column_of("entry"))
        whole = str(index.data())

        def drawn(width: int) -> str:
            strokes: Any = Strokes()
            table._delegate._paint_text(strokes, QRect(0, 0, width + 2 * table.padding, 24), index)
            return "".join(reversed(strokes.texts))

        room = QFontMetrics(table.font()).horizontalAdvance(whole)
        assert drawn(room + 2) == whole
        short = drawn(room - 10)
        assert short.endswith("…")
        assert whole.startswith(short[:-1])
        panel.close()

    with_frame(body, LONG)
