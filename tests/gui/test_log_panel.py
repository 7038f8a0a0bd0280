"""The Log tab: orders in words, their ids in the tooltip, in the filter and in what is copied."""

from __future__ import annotations

import logging
from collections import deque

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from terminal.core.log_ring import LogLine
from terminal.core.observe import Observable
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.log import LogViewModel


class Lines:
    def __init__(self, *lines: LogLine) -> None:
        self.lines = deque(lines)
        self.changed: Observable[[]] = Observable("lines")


def test_an_order_s_id_is_in_the_tooltip_the_filter_and_the_copy(qtbot: QtBot) -> None:
    said = "Buy 0.001 BTC/USD limit at 64120.1: accepted, open"
    source = Lines(
        LogLine(0.0, logging.INFO, "orders", said, "5f0c9ab0 (venue: OQCLML)"),
        LogLine(1.0, logging.INFO, "session", "kraken is live"),
    )
    frames = FrameClock()
    vm = LogViewModel(source, frames)
    model = vm.model
    last = model.columnCount() - 1
    assert model.data(model.index(0, last)) == said
    tip = model.data(model.index(0, last), Qt.ItemDataRole.ToolTipRole)
    assert tip == f"{said}\nOrder 5f0c9ab0 (venue: OQCLML)"
    assert model.data(model.index(1, last), Qt.ItemDataRole.ToolTipRole) == "kraken is live"
    vm.set_text_filter("oqclml")
    assert model.rowCount() == 1
    assert "5f0c9ab0" in vm.copied_text()
    frames.stop()
