"""The settings: a search on top, sections on the left, one row a setting on the right."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.settings import SettingRow, SettingsViewModel
from terminal.widgets.controls import label, line, set_text
from terminal.widgets.icons import icon
from terminal.widgets.settings_editors import Editor, editor_for

_SIZE = QSize(900, 640)
_TEXT_PX = 270


class RowWidget(QFrame):
    """One setting: what it is, its field, its unit, what is wrong with the entry, and the way back."""

    def __init__(self, vm: SettingsViewModel, row: SettingRow) -> None:
        super().__init__()
        self._vm = vm
        self.row = row
        self.editors: list[Editor] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 7, 8, 7)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        text = label(row.setting.text)
        text.setWordWrap(True)
        text.setFixedWidth(_TEXT_PX)
        self.note = label(kind="muted")
        self.note.setWordWrap(True)
        self.note.setFixedWidth(_TEXT_PX)
        grid.addWidget(text, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.note, 1, 0, Qt.AlignmentFlag.AlignTop)
        fields = QHBoxLayout()
        fields.setSpacing(8)
        for each in (row, row.step):
            if each is not None:
                editor = editor_for(each)
                editor.entered.connect(partial(vm.set, *each.name))
                editor.touched.connect(partial(vm.touch, *each.name))
                self.editors.append(editor)
                fields.addWidget(editor)
        text.setBuddy(self.editors[0])
        fields.addStretch(1)
        self.reset = QPushButton(icon("undo"), "")
        self.reset.setProperty("kind", "flat")
        self.reset.setFixedSize(28, 26)
        self.reset.setAccessibleName(f"Reset: {row.setting.text}")
        self.reset.setAutoDefault(False)
        self.reset.clicked.connect(self._on_reset_clicked)
        keep = self.reset.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(keep)
        fields.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(fields, 0, 1, 2, 1, Qt.AlignmentFlag.AlignTop)
        self.problem = label(kind="error")
        self.problem.setWordWrap(True)
        grid.addWidget(self.problem, 2, 1)
        self.show_row(row)

    def show_row(self, row: SettingRow) -> None:
        """Show the row as it stands now."""
        self.row = row
        both = [each for each in (row, row.step) if each is not None]
        for editor, each in zip(self.editors, both, strict=True):
            editor.show_row(each)
        problem = next((each.problem for each in both if each.problem), "")
        set_text(self.problem, problem)
        self.problem.setVisible(bool(problem))
        set_text(self.note, row.note)
        self.note.setVisible(bool(row.note))
        self.reset.setVisible(any(each.is_set or each.problem for each in both))
        self.reset.setToolTip(
            "Back to the default" if row.scope is None else "Back to the value for all venues"
        )

    def commit(self) -> None:
        """Offer what still stands in the fields."""
        for editor in self.editors:
            editor.commit()

    def _on_reset_clicked(self) -> None:
        # What crossing it does comes first: a limit that goes off is not for a moment at its default.
        for each in (self.row.step, self.row):
            if each is not None:
                self._vm.reset(*each.name)


class SettingsDialog(QDialog):
    """Every setting that does something. A change holds at once; there is nothing to confirm or to undo."""

    def __init__(self, vm: SettingsViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self.rows: list[RowWidget] = []
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        self.setWindowTitle("Settings")
        self.resize(_SIZE)
        self.setMinimumSize(720, 420)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(label("Settings", kind="heading"))
        head.addSpacing(24)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search all settings")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.setAccessibleName("Search all settings")
        head.addWidget(self.search, 1)
        box.addLayout(head)
        box.addWidget(line())
        body = QHBoxLayout()
        body.setSpacing(16)
        self.sections = QListWidget()
        self.sections.setFixedWidth(168)
        self.sections.setAccessibleName("Sections")
        for title in self._vm.sections:
            self.sections.addItem(title)
        for at in range(self.sections.count()):
            self.sections.item(at).setSizeHint(QSize(0, 30))
        body.addWidget(self.sections)
        body.addLayout(self._build_page(), 1)
        box.addLayout(body, 1)
        box.addWidget(line())
        foot = QHBoxLayout()
        foot.addWidget(label("Changes hold at once where nothing else is said.", kind="muted"), 1)
        self.done_button = QPushButton("Close")
        self.done_button.setProperty("kind", "action")
        self.done_button.setAutoDefault(False)
        foot.addWidget(self.done_button)
        box.addLayout(foot)

    def _build_page(self) -> QVBoxLayout:
        page = QVBoxLayout()
        page.setSpacing(6)
        top = QHBoxLayout()
        self.title = label(kind="title")
        top.addWidget(self.title, 1)
        self.scope_label = label("Values for", kind="label")
        self.scope = QComboBox()
        self.scope.setMinimumWidth(130)
        self.scope.setAccessibleName("Values for")
        top.addWidget(self.scope_label)
        top.addWidget(self.scope)
        page.addLayout(top)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page.addWidget(self.area, 1)
        return page

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self._vm.row_changed.connect(self._on_vm_row_changed)
        self.search.textChanged.connect(self._on_search_changed)
        self.sections.currentTextChanged.connect(self._on_section_chosen)
        self.sections.itemClicked.connect(lambda item: self._on_section_chosen(item.text()))
        self.scope.activated.connect(self._on_scope_chosen)
        self.done_button.clicked.connect(self.accept)
        self.finished.connect(self._on_finished)

    # -- drawing --------------------------------------------------------------------------------------

    def _render(self) -> None:
        vm = self._vm
        with QSignalBlocker(self.sections), QSignalBlocker(self.search):
            if vm.query:
                self.sections.clearSelection()
                self.sections.setCurrentRow(-1)
            else:
                self.sections.setCurrentRow(vm.sections.index(vm.section))
                self.search.clear()
        set_text(self.title, f"Found for “{vm.query}”" if vm.query else vm.section)
        with QSignalBlocker(self.scope):
            self.scope.clear()
            for scope, title in vm.scopes:
                self.scope.addItem(title, scope)
            self.scope.setCurrentIndex(max(0, self.scope.findData(vm.scope)))
        self.scope.setVisible(bool(vm.scopes))
        self.scope_label.setVisible(bool(vm.scopes))
        self.rows = []
        page = QWidget()
        box = QVBoxLayout(page)
        box.setContentsMargins(0, 0, 4, 0)
        box.setSpacing(0)
        heading = ""
        for row in vm.rows:
            if row.heading != heading:
                heading = row.heading
                over = label(heading, kind="title")
                over.setContentsMargins(0, 16, 0, 4)
                box.addWidget(over)
            widget = RowWidget(vm, row)
            self.rows.append(widget)
            box.addWidget(widget)
            box.addWidget(line())
        if vm.empty_text:
            box.addWidget(label(vm.empty_text, kind="muted"))
        box.addStretch(1)
        self.area.setWidget(page)

    def _on_vm_row_changed(self, key: str, scope: str | None) -> None:
        for widget in self.rows:
            step = widget.row.step
            if (key, scope) in (widget.row.name, step.name if step is not None else None):
                row = self._vm.row(*widget.row.name)
                if row is not None:
                    widget.show_row(row)

    # -- slots ----------------------------------------------------------------------------------------

    def _on_search_changed(self, text: str) -> None:
        self._vm.search(text)

    def _on_section_chosen(self, title: str) -> None:
        if title and (title != self._vm.section or self._vm.query):
            self._vm.choose_section(title)

    def _on_scope_chosen(self, at: int) -> None:
        self._vm.choose_scope(self.scope.itemData(at))

    def _on_finished(self) -> None:
        """What was typed last counts as well; what does not fit is dropped with the dialog."""
        for row in self.rows:
            row.commit()
        self._vm.close()

    # -- Qt's side ------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # Enter ends an entry, not the dialog.
            event.accept()
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.search.setFocus()
