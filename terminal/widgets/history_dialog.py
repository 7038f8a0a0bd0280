"""An account's past: ended orders, deals and cash flow, fetched page by page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.history import WHOLE, Chapter, HistoryViewModel
from terminal.widgets.controls import label, set_text
from terminal.widgets.table import DataTable

_EMPTY = {
    Chapter.ORDERS: "No ended orders.",
    Chapter.FILLS: "No deals.",
    Chapter.CASH: "No deposits or withdrawals.",
}


class HistoryDialog(QDialog):
    """One account's past."""

    def __init__(self, vm: HistoryViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()
        self._on_tab_changed(0)

    def _build_ui(self) -> None:
        self.setWindowTitle(f"History of {self._vm.title}")
        self.resize(1060, 520)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 10, 12, 10)
        box.setSpacing(8)
        self.tabs = QTabBar()
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.stack = QStackedWidget()
        for chapter in Chapter:
            self.tabs.addTab(chapter.value)
            has_buttons = chapter is Chapter.FILLS
            table = DataTable(self._vm.models[chapter], empty_text=_EMPTY[chapter], has_actions=has_buttons)
            table.setAccessibleName(chapter.value)
            table.acted.connect(self._on_acted)
            self.stack.addWidget(table)
        box.addWidget(self.tabs)
        box.addWidget(self.stack, 1)
        self.pairs = label()
        self.pairs.setWordWrap(True)
        self.pairs.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        box.addWidget(self.pairs)
        foot = QHBoxLayout()
        self.state = label(kind="label")
        self.more = QPushButton("Earlier")
        self.more.setProperty("kind", "action")
        self.close_button = QPushButton("Close")
        self.close_button.setProperty("kind", "action")
        foot.addWidget(self.state, 1)
        foot.addWidget(self.more)
        foot.addWidget(self.close_button)
        for button in (self.more, self.close_button):
            button.setAutoDefault(False)
        box.addLayout(foot)

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self.tabs.currentChanged.connect(self._on_tab_changed)
        self.more.clicked.connect(lambda: self._vm.load(self.chapter))
        self.close_button.clicked.connect(self.accept)
        self.finished.connect(self._vm.close)

    @property
    def chapter(self) -> Chapter:
        """The shown one."""
        return list(Chapter)[self.tabs.currentIndex()]

    def _on_tab_changed(self, at: int) -> None:
        self.stack.setCurrentIndex(at)
        self._vm.open(self.chapter)
        self._render()

    def _on_acted(self, key: object, action: str) -> None:
        if action == WHOLE.key:
            self._vm.ask_position(str(key))
        else:
            self._vm.ask_pairs(str(key))

    def _render(self) -> None:
        vm = self._vm
        count = vm.models[self.chapter].rowCount()
        text = "Loading…" if vm.is_loading else vm.error or f"{count} shown"
        if not vm.is_loading and not vm.error and not vm.has_more(self.chapter):
            text += ", that is all"
        set_text(self.state, text)
        pairs = vm.pairs if self.chapter is Chapter.FILLS else ""
        set_text(self.pairs, pairs)
        self.pairs.setVisible(bool(pairs))
        self.more.setEnabled(not vm.is_loading and vm.has_more(self.chapter))
