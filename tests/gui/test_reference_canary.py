"""PySide6 must not lose references to None, True and False.

6.12.0 on Python 3.11 drops one with each emit and each Python ``paintEvent`` and aborts within seconds of
streaming. Immortal singletons hide it from 3.12 on. A gain of a few references is harmless.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimerEvent,
    Signal,
)
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget
from pytestqt.qtbot import QtBot

CALLS = 1000
# Other parts of the interpreter take and give back a few while a test runs.
TOLERANCE = CALLS // 10


class Sender(QObject):
    said = Signal(bool)
    nothing = Signal(object)

    def timerEvent(self, event: QTimerEvent) -> None:
        return None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        return False


class Painted(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:
        return None


class Model(QAbstractListModel):
    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 1

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = 0) -> object:
        return True if role == 0 else None


class Delegate(QStyledItemDelegate):
    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        return None


def emits() -> Callable[[], object]:
    sender = Sender()
    sender.said.connect(lambda value: None)
    sender.nothing.connect(lambda value: None)

    def act() -> None:
        sender.said.emit(True)
        sender.said.emit(False)
        sender.nothing.emit(None)

    return act


def paints() -> Callable[[], object]:
    widget = Painted()
    widget.resize(4, 4)
    target = QPixmap(4, 4)
    return lambda: widget.render(target)


def reads_model() -> Callable[[], object]:
    model = Model()

    def act() -> None:
        index = model.index(0)
        index.data(Qt.ItemDataRole.DisplayRole)
        index.data(Qt.ItemDataRole.ToolTipRole)

    return act


def filters_events() -> Callable[[], object]:
    sender, target = Sender(), QObject()
    target.installEventFilter(sender)
    return lambda: QCoreApplication.sendEvent(target, QEvent(QEvent.Type.User))


def times() -> Callable[[], object]:
    sender = Sender()
    return lambda: QCoreApplication.sendEvent(sender, QTimerEvent(1))


def delegates() -> Callable[[], object]:
    delegate, model = Delegate(), Model()
    pixmap = QPixmap(4, 4)
    option = QStyleOptionViewItem()

    def act() -> None:
        # Ended each time: a painter that outlives its pixmap takes the process down.
        painter = QPainter(pixmap)
        delegate.paint(painter, option, model.index(0))
        painter.end()

    return act


def connects() -> Callable[[], object]:
    sender = Sender()

    def act() -> None:
        connection = sender.said.connect(lambda value: None)
        sender.said.disconnect(connection)

    return act


@pytest.mark.parametrize("make", [emits, paints, reads_model, filters_events, times, delegates, connects])
def test_no_reference_to_a_singleton_is_lost(qtbot: QtBot, make: Callable[[], Callable[[], object]]) -> None:
    act = make()
    act()
    before = [sys.getrefcount(value) for value in (None, True, False)]
    for _ in range(CALLS):
        act()
    after = [sys.getrefcount(value) for value in (None, True, False)]
    lost = [b - a for b, a in zip(before, after, strict=True)]
    assert max(lost) < TOLERANCE, f"references lost to None, True, False: {lost}"
