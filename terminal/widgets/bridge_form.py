"""The form of a bot: a new one, or one that is changed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.bridge import MODE_TIPS, MODE_WORDS, MODES, BotForm, BridgeViewModel
from terminal.widgets import theme
from terminal.widgets.controls import Segmented, label, set_text


class BotFormPanel(QWidget):
    """Name, mode, limits and venues of a bot, with what is wrong with them."""

    def __init__(self, vm: BridgeViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._places: tuple[tuple[str, str], ...] = ()
        self.places: dict[str, QCheckBox] = {}
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(self._build_first())
        box.addLayout(self._build_second())
        self.error = label(kind="error")
        self.error.setWordWrap(True)
        box.addWidget(self.error)
        self.make.clicked.connect(self._on_make_clicked)
        self.cancel.clicked.connect(lambda: vm.edit(""))
        self.name.returnPressed.connect(self._on_make_clicked)
        self.all_places.toggled.connect(self._on_all_toggled)
        vm.changed.connect(self._render)
        vm.edited.connect(self._on_edited)
        vm.keys_made.connect(self._on_keys_made)
        self._render()
        self._show(vm.form_of(vm.editing))

    def _build_first(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.name = QLineEdit()
        self.name.setMaxLength(32)
        row.addWidget(self.name, 1)
        self.mode = Segmented([MODE_WORDS[mode] for mode in MODES])
        self.mode.setAccessibleName("What it may do")
        for button, mode in zip(self.mode.buttons, MODES, strict=True):
            button.setToolTip(MODE_TIPS[mode])
        row.addWidget(self.mode)
        self.per_minute = _small_edit(48, "Orders a minute at most")
        row.addWidget(self.per_minute)
        row.addWidget(label("orders/min", kind="label"))
        self.per_day = _small_edit(104, "Worth of all orders of a day at most, in USD")
        row.addWidget(self.per_day)
        row.addWidget(label("USD a day", kind="label"))
        self.make = QPushButton()
        self.make.setProperty("kind", "primary")
        self.make.setAutoDefault(False)
        self.make.setMinimumWidth(104)
        row.addWidget(self.make)
        self.cancel = QPushButton("Cancel")
        self.cancel.setProperty("kind", "action")
        self.cancel.setAutoDefault(False)
        row.addWidget(self.cancel)
        return row

    def _build_second(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(label("It may use", kind="label"))
        self.all_places = QCheckBox("All venues")
        row.addWidget(self.all_places)
        self._boxes = QHBoxLayout()
        self._boxes.setSpacing(12)
        row.addLayout(self._boxes)
        row.addStretch(1)
        row.addWidget(label("PAPER is", kind="label"))
        self.paper = QComboBox()
        self.paper.setAccessibleName("The practice account that PAPER is")
        row.addWidget(self.paper)
        return row

    # -- what stands in it ----------------------------------------------------------------------------

    @property
    def form(self) -> BotForm:
        """What was typed and chosen."""
        chosen = frozenset(name for name, box in self.places.items() if box.isChecked())
        return BotForm(
            self.name.text(),
            MODES[self.mode.chosen_at],
            frozenset() if self.all_places.isChecked() else chosen,
            self.per_minute.text(),
            self.per_day.text(),
            self.paper.currentData() or "",
        )

    def _show(self, form: BotForm) -> None:
        self.name.setText(form.name)
        self.mode.choose(MODES.index(form.mode))
        self.per_minute.setText(form.per_minute)
        self.per_day.setText(form.per_day)
        self.per_day.setCursorPosition(0)  # of a long figure the front matters
        self.all_places.setChecked(not form.venues)
        for name, box in self.places.items():
            box.setChecked(name in form.venues)
        self.paper.setCurrentIndex(max(0, self.paper.findData(form.paper)))

    def _render(self) -> None:
        vm = self._vm
        if vm.places != self._places:
            self._fill_places()
        hint = f"New name of {vm.editing}" if vm.editing else "Name of a new bot"
        self.name.setPlaceholderText(hint)
        self.name.setAccessibleName(hint)
        set_text(self.make, "Save" if vm.editing else "Make a bot")
        self.make.setToolTip(f"In force from the next call of {vm.editing}" if vm.editing else "")
        self.cancel.setVisible(bool(vm.editing))
        set_text(self.error, vm.error)
        self.error.setVisible(bool(vm.error))

    def _fill_places(self) -> None:
        """The desk's venues have changed: the boxes of the new ones, as they were ticked."""
        form = self.form if self.places else BotForm()
        self._places = self._vm.places
        for box in self.places.values():
            self._boxes.removeWidget(box)
            box.deleteLater()
        self.places = {name: QCheckBox(title) for name, title in self._places}
        for box in self.places.values():
            self._boxes.addWidget(box)
        self.paper.clear()
        self.paper.addItem("the first practice venue", "")
        for name, title in self._vm.venues:
            self.paper.addItem(f"{title} practice", name)
        self._show(form)
        self._on_all_toggled(self.all_places.isChecked())

    # -- slots ----------------------------------------------------------------------------------------

    def _on_all_toggled(self, on: bool) -> None:
        for box in self.places.values():
            box.setEnabled(not on)

    def _on_make_clicked(self) -> None:
        vm, form = self._vm, self.form
        if not self.all_places.isChecked() and not form.venues:
            vm.complain("Tick a venue that it may use, or all.")
            return
        if vm.editing:
            vm.save(form)
        else:
            vm.make(form)

    def _on_keys_made(self) -> None:
        self.name.clear()
        self.mode.choose(0)  # a bot that trades is asked for each time

    def _on_edited(self) -> None:
        vm = self._vm
        self._show(vm.form_of(vm.editing))
        if vm.editing:
            self.name.setFocus()
            self.name.selectAll()


def _small_edit(width: int, name: str) -> QLineEdit:
    edit = QLineEdit()
    edit.setFixedWidth(width)
    edit.setFont(theme.mono_font(theme.TABLE_PX))
    edit.setAlignment(Qt.AlignmentFlag.AlignRight)
    edit.setAccessibleName(name)
    edit.setToolTip(name)
    return edit
