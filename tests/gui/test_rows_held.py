"""Rows with buttons keep their places under the pointer, so that a second click never meets another row."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from terminal.viewmodels.tables import ACTIONS_ROLE
from terminal.widgets.positions import PositionsPanel
from terminal.widgets.table import DataTable
from tests.gui.frame_fakes import Frame
from tests.gui.test_positions import LONG, with_frame

FIRST, SECOND = LONG, replace(LONG, position_id="89")


def close_button(table: DataTable, row: int) -> QPoint:
    """Where the Close of a row stands."""
    index = table.model().index(row, table.model().columnCount() - 1)
    places = table._delegate.places(table.visualRect(index), index.data(ACTIONS_ROLE))
    return next(place.center() for action, place in places if action.key == "close")


def point_at(table: DataTable, where: QPoint) -> None:
    """Move the pointer there, as Qt would tell it."""
    none = Qt.MouseButton.NoButton
    spot, far = QPointF(where), QPointF(table.viewport().mapToGlobal(where))
    move = QMouseEvent(QEvent.Type.MouseMove, spot, far, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(table.viewport(), move)


def shown(frame: Frame) -> tuple[PositionsPanel, list[tuple[object, str]]]:
    panel = PositionsPanel(frame.positions)
    panel.resize(1500, 200)
    panel.show()
    acted: list[tuple[object, str]] = []
    panel.table.acted.disconnect(frame.positions.act)
    panel.table.acted.connect(lambda key, action: acted.append((key, action)))
    return panel, acted


def close_first(frame: Frame) -> None:
    frame.portfolio.open = [SECOND]
    frame.portfolio.changed.notify("kraken:practice")
    frame.tick()


def test_a_second_click_where_a_position_was_closed_does_nothing(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        panel, acted = shown(frame)
        table, model = panel.table, frame.positions.model
        spot = close_button(table, 0)
        point_at(table, spot)
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        assert [key for key, _ in acted] == [f"{frame.connections.accounts()[0]} 88"]
        close_first(frame)
        assert model.rowCount() == 2, "its place is kept"
        assert model.index(0, model.columnCount() - 1).data() == "closed"
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        assert len(acted) == 1
        assert frame.positions.row(f"{frame.connections.accounts()[0]} 88") is None
        QApplication.sendEvent(table, QEvent(QEvent.Type.Leave))
        assert model.rowCount() == 1
        panel.close()

    with_frame(body, FIRST, SECOND)


def test_a_click_on_a_row_that_slid_under_a_resting_pointer_is_dropped(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        panel, acted = shown(frame)
        table = panel.table
        spot = close_button(table, 0)
        point_at(table, spot)
        close_first(frame)
        table._on_rest_timeout()
        assert frame.positions.model.rowCount() == 1
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        assert acted == []
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        assert [key for key, _ in acted] == [f"{frame.connections.accounts()[0]} 89"], "now it was seen"
        panel.close()

    with_frame(body, FIRST, SECOND)


def test_a_menu_opened_on_a_position_that_has_closed_does_nothing(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        panel, acted = shown(frame)
        table, model = panel.table, frame.positions.model
        point_at(table, close_button(table, 0))
        key = model.key_at(0)
        action = model.index(0, model.columnCount() - 1).data(ACTIONS_ROLE)[0]
        close_first(frame)
        table._choose(key, action)
        assert acted == []
        panel.close()

    with_frame(body, FIRST, SECOND)
