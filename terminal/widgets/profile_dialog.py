"""Whose sign-in a venue has, its clock, and the time zone that it keeps."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.profile import ProfileViewModel
from terminal.widgets import theme
from terminal.widgets.controls import label, line, set_text, set_tone
from terminal.widgets.form_dialog import FormDialog
from terminal.widgets.question import fill_question
from terminal.widgets.ticket_parts import FieldRow

_WIDTH_PX = 480


class ProfileDialog(FormDialog):
    """One sign-in's profile. Esc closes it."""

    def __init__(self, vm: ProfileViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()
        self._render()
        vm.load()

    def _build_ui(self) -> None:
        vm = self._vm
        self.setWindowTitle(f"{vm.title} profile")
        self.setMinimumWidth(_WIDTH_PX)
        box = QVBoxLayout(self)
        fill_question(box, Confirmation(f"{vm.title} profile", badge=vm.badge))
        self.figures = _Figures(vm.rows)
        box.addLayout(self.figures)
        box.addWidget(line())
        self.clocks = _Figures(vm.clock_rows)
        box.addLayout(self.clocks)
        self.clock_warning = label(kind="warning")
        self.clock_warning.setWordWrap(True)
        box.addWidget(self.clock_warning)
        box.addWidget(line())
        self.zone = QComboBox()
        self.zone.setAccessibleName("Time zone of the account")
        self.zone.setMaxVisibleItems(14)
        self.save = QPushButton("Change")
        self.save.setProperty("kind", "action")
        self.save.setAutoDefault(False)
        self.zone_row = FieldRow("Time zone", self.zone, self.save)
        box.addWidget(self.zone_row)
        self.zone_note = label(kind="muted")
        self.zone_note.setWordWrap(True)
        box.addWidget(self.zone_note)
        self.state = label()
        self.state.setWordWrap(True)
        box.addWidget(self.state)
        box.addStretch(1)
        row = QHBoxLayout()
        row.addStretch(1)
        self.back = QPushButton("Close")
        self.back.setProperty("kind", "action")
        self.back.setMinimumWidth(110)
        self.back.setDefault(True)
        row.addWidget(self.back)
        box.addLayout(row)
        self.back.setFocus()

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self._vm.ticked.connect(self._render_clocks)
        self.zone.activated.connect(self._on_zone_activated)
        self.save.clicked.connect(self._vm.save)
        self.back.clicked.connect(self.accept)
        self.finished.connect(self._vm.close)

    def _render(self) -> None:
        vm = self._vm
        self.figures.show_rows(vm.rows)
        self._render_clocks()
        for part in (self.zone_row, self.zone_note):
            part.setVisible(vm.can_change_zone)
        set_text(self.zone_note, vm.zone_note)
        self._render_zones()
        self.zone.setEnabled(not vm.is_busy)
        self.save.setEnabled(vm.can_save)
        waiting = (
            "Waiting for the venue's answer…" if vm.profile is not None else "Reading it from the venue…"
        )
        set_text(self.state, waiting if vm.is_busy else f"▲  {vm.error}" if vm.error else vm.said)
        set_tone(self.state, "warning" if vm.error and not vm.is_busy else "muted" if vm.is_busy else "")
        self.state.setVisible(bool(self.state.text()))

    def _render_zones(self) -> None:
        zones = self._vm.zones
        blocked = QSignalBlocker(self.zone)
        if [self.zone.itemText(at) for at in range(self.zone.count())] != [each.text for each in zones]:
            self.zone.clear()
            for each in zones:
                self.zone.addItem(each.text, each.offset_s)
        self.zone.setCurrentIndex(self.zone.findData(self._vm.zone_s))
        blocked.unblock()

    def _render_clocks(self) -> None:
        self.clocks.show_rows(self._vm.clock_rows)
        warning = self._vm.clock_warning
        set_text(self.clock_warning, f"▲  {warning}" if warning else "")
        self.clock_warning.setVisible(bool(warning))

    def _on_zone_activated(self, at: int) -> None:
        self._vm.choose_zone(int(self.zone.itemData(at)))


class _Figures(QGridLayout):
    """Names and values, one a line."""

    def __init__(self, rows: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.setHorizontalSpacing(24)
        self.setVerticalSpacing(5)
        self.setColumnStretch(1, 1)
        self.values: list[QLabel] = []
        for at, (name, value) in enumerate(rows):
            self.addWidget(label(name, kind="label"), at, 0)
            shown = label(value)
            shown.setFont(theme.number_font(theme.BASE_PX))
            shown.setWordWrap(True)
            shown.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.addWidget(shown, at, 1)
            self.values.append(shown)

    def show_rows(self, rows: tuple[tuple[str, str], ...]) -> None:
        """Show the values as they are now."""
        for shown, (_, value) in zip(self.values, rows, strict=True):
            set_text(shown, value)
