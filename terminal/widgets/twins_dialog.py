"""The dialog of the twin map: which instruments of which venues are the same thing, and how to change it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, QStringListModel, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QInputDialog,
    QLineEdit,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal.domain.instrument import InstrumentId
from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.twins import TwinsViewModel
from terminal.widgets import theme
from terminal.widgets.confirm_dialog import ConfirmDialog, dress_input
from terminal.widgets.controls import label, set_text
from terminal.widgets.icons import icon
from terminal.widgets.table import DataTable

_LIST_PX = 190
_FOUND_PX = 132
_ID = Qt.ItemDataRole.UserRole + 1
_EXPLAINED = (
    "Twins are compared in the Venues panel, and linked panels pass from one to the other. By default: the "
    "same asset in the same kind of money (USD, USDT and USDC alike)."
)


class TwinsDialog(QDialog):
    """Groups on the left, the chosen one's instruments on the right."""

    def __init__(self, vm: TwinsViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()
        self._render()
        self.table.setFocus()

    def _build_ui(self) -> None:
        self.setWindowTitle("Twins")
        self.resize(1080, 560)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 10, 12, 10)
        whole.setSpacing(8)
        explained = label(_EXPLAINED, kind="label")
        explained.setWordWrap(True)
        whole.addWidget(explained)
        halves = QHBoxLayout()
        halves.setSpacing(10)
        whole.addLayout(halves, 1)
        left = QVBoxLayout()
        left.setSpacing(6)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter: btc, gold")
        self.filter.setAccessibleName("Filter the twins")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(_LIST_PX)
        left.addWidget(self.filter)
        self._names = QStringListModel(self)
        self.groups = QListView()
        self.groups.setModel(self._names)
        self.groups.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.groups.setUniformItemSizes(True)
        self.groups.setFixedWidth(_LIST_PX)
        self.groups.setAccessibleName("Twins")
        self.groups.setStyleSheet("QListView::item { min-height: 22px; padding-left: 4px; }")
        left.addWidget(self.groups, 1)
        halves.addLayout(left)
        halves.addLayout(self._build_right(), 1)
        foot = QHBoxLayout()
        self.reset_all = self._button("Reset all…")
        self.close_button = self._button("Close")
        foot.addWidget(self.reset_all)
        foot.addStretch(1)
        foot.addWidget(self.close_button)
        whole.addLayout(foot)

    def _build_right(self) -> QVBoxLayout:
        right = QVBoxLayout()
        right.setSpacing(6)
        head = QHBoxLayout()
        self.heading = label(kind="heading")
        head.addWidget(self.heading, 1)
        self.remove = self._button("Not a twin")
        self.remove.setToolTip("The selected instruments have no twins from now on")
        self.split = self._button("Split off…")
        self.split.setToolTip("Make twins of their own of the selected instruments")
        self.back = self._button("As usual")
        self.back.setToolTip("Put the selected instruments back where they are by default")
        for button in (self.remove, self.split, self.back):
            head.addWidget(button)
        right.addLayout(head)
        self.table = DataTable(self._vm.model)
        self.table.setAccessibleName("Instruments of these twins")
        right.addWidget(self.table, 1)
        self.box = QLineEdit()
        self.box.setPlaceholderText("Add an instrument: okx btc, gold")
        self.box.setAccessibleName("Find an instrument to add")
        self.box.addAction(icon("plus", theme.MUTED), QLineEdit.ActionPosition.LeadingPosition)
        right.addWidget(self.box)
        self.found = QListWidget()
        self.found.setFixedHeight(_FOUND_PX)
        self.found.setAccessibleName("Instruments found")
        self.found.hide()
        right.addWidget(self.found)
        return right

    def _button(self, text: str) -> QPushButton:
        out = QPushButton(text)
        out.setProperty("kind", "action")
        out.setAutoDefault(False)
        return out

    def _bind(self) -> None:
        vm = self._vm
        vm.changed.connect(self._render)
        self.filter.textChanged.connect(vm.set_filter)
        self.groups.selectionModel().currentChanged.connect(self._on_group_chosen)
        self.table.selectionModel().selectionChanged.connect(self._render_buttons)
        self.remove.clicked.connect(lambda: vm.remove(self.selected))
        self.back.clicked.connect(lambda: vm.put_back(self.selected))
        self.split.clicked.connect(self._on_split)
        self.reset_all.clicked.connect(self._on_reset_all)
        self.close_button.clicked.connect(self.accept)
        self.box.textChanged.connect(vm.search)
        self.box.installEventFilter(self)
        self.found.itemClicked.connect(self._on_found_chosen)
        self.found.itemActivated.connect(self._on_found_chosen)
        self.finished.connect(vm.close)

    @property
    def selected(self) -> list[InstrumentId]:
        """The selected instruments of the chosen twins."""
        return [key for key in self.table.selected_keys() if isinstance(key, InstrumentId)]

    def _render(self) -> None:
        vm = self._vm
        if self._names.stringList() != vm.groups:
            self.groups.selectionModel().blockSignals(True)
            self._names.setStringList(vm.groups)
            self.groups.selectionModel().blockSignals(False)
        if vm.group in vm.groups:
            index = self._names.index(vm.groups.index(vm.group))
            if self.groups.currentIndex() != index:
                self.groups.selectionModel().setCurrentIndex(
                    index, QItemSelectionModel.SelectionFlag.ClearAndSelect
                )
        set_text(self.heading, vm.group or "Twins")
        self.table.empty_text = vm.empty_text
        self.table.viewport().update()
        self.box.setEnabled(bool(vm.group))
        self._render_found()
        self._render_buttons()

    def _render_found(self) -> None:
        asked = bool(self.box.text().strip())
        self.found.clear()
        for hit in self._vm.found:
            words = f"{hit.instrument.symbol}   {self._vm.title_of(hit.id.venue)} {hit.kind}"
            if hit.instrument.description:
                words += f"   {hit.instrument.description}"
            item = QListWidgetItem(words)
            item.setData(_ID, hit.id)
            self.found.addItem(item)
        if asked and not self._vm.found:
            item = QListWidgetItem(f"Nothing found for “{self.box.text().strip()[:30]}”")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.found.addItem(item)
        elif asked:
            self.found.setCurrentRow(0)
        self.found.setVisible(asked)

    def _render_buttons(self) -> None:
        some = bool(self.selected)
        for button in (self.remove, self.split, self.back):
            button.setEnabled(some)

    def _on_group_chosen(self) -> None:
        name = self.groups.currentIndex().data()
        if isinstance(name, str):
            self._vm.choose(name)

    def _on_found_chosen(self, item: QListWidgetItem) -> None:
        found = item.data(_ID)
        if found is not None:
            self._vm.add(InstrumentId(*found))
            self.box.clear()

    def _on_split(self) -> None:
        dialog = QInputDialog(self)
        dialog.setInputMode(QInputDialog.InputMode.TextInput)
        dialog.setWindowTitle("Split off")
        dialog.setLabelText("Name of the new twins:")
        dialog.setTextValue(f"{self._vm.group} 2")
        dialog.textValueSelected.connect(partial(self._vm.split, self.selected))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        field = dialog.findChild(QLineEdit)
        assert field is not None
        field.setMaxLength(40)
        dress_input(dialog)

    def _on_reset_all(self) -> None:
        question = Confirmation(
            title="Reset the twin map?",
            note="Every instrument goes back to where it is by default. What you have changed is forgotten.",
            confirm_text="Reset",
            tone="danger",
        )
        dialog = ConfirmDialog(question, self)
        dialog.accepted.connect(self._vm.reset_all)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # -- Qt's side ------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            watched is not self.box
            or not isinstance(event, QKeyEvent)
            or event.type() != QEvent.Type.KeyPress
        ):
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            item = self.found.currentItem()
            if item is not None:
                self._on_found_chosen(item)
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.found.count():
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            at = min(max(0, self.found.currentRow() + step), self.found.count() - 1)
            self.found.setCurrentRow(at)
        elif event.key() == Qt.Key.Key_Escape and self.box.text():
            self.box.clear()
        else:
            return False
        return True
