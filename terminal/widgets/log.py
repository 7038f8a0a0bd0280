"""The Log tab: the last lines with a filter. Secrets were removed before they came here."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.log import LEVELS, WIDTHS, LogViewModel
from terminal.widgets.icons import icon
from terminal.widgets.table import DataTable


class LogPanel(QWidget):
    """Log lines; follows the newest while it is scrolled to the end. ``tools``: see OrdersPanel."""

    def __init__(self, vm: LogViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._at_end = True
        self._build_ui()
        self._bind()

    def _build_ui(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.table = DataTable(self._vm.model, empty_text="No line passes the filter.")
        self.table.setAccessibleName("Log")
        for at, width in enumerate(WIDTHS):
            self.table.setColumnWidth(at, width)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(len(WIDTHS) - 1, QHeaderView.ResizeMode.Stretch)
        box.addWidget(self.table)
        self.tools = QWidget()
        row = QHBoxLayout(self.tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.level = QComboBox()
        self.level.addItems([name for name, _ in LEVELS])
        self.level.setAccessibleName("Least level")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by text or subject")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(200)
        self.copy = QPushButton("Copy")
        self.copy.setToolTip("Copy all shown lines; secrets have been removed")
        self.copy.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for widget in (self.level, self.filter, self.copy):
            row.addWidget(widget)
        clear = self.filter.findChild(QWidget)
        if clear is not None and hasattr(clear, "setIcon"):
            clear.setIcon(icon("close"))

    def _bind(self) -> None:
        self.level.currentIndexChanged.connect(lambda at: self._vm.set_least_level(LEVELS[at][1]))
        self.filter.textChanged.connect(self._vm.set_text_filter)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._vm.copied_text()))
        self._vm.model.rowsAboutToBeInserted.connect(self._note_place)
        self._vm.model.rowsInserted.connect(self._follow)
        self._vm.model.modelReset.connect(self.table.scrollToBottom)

    def _note_place(self) -> None:
        bar = self.table.verticalScrollBar()
        self._at_end = bar.value() >= bar.maximum() - 2

    def _follow(self) -> None:
        if self._at_end:
            self.table.scrollToBottom()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._vm.set_visible(True)
        self.table.scrollToBottom()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._vm.set_visible(False)
