"""Under the ticket's size: its preset buttons, the slider for a share of what is free, and what that is."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from terminal.viewmodels.size_entry import Preset
from terminal.viewmodels.ticket import TicketViewModel
from terminal.widgets import theme
from terminal.widgets.controls import ElidedLabel, label, set_text, walk
from terminal.widgets.ticket_parts import chip


class SizeHelpers(QWidget):
    """Ways to a size other than typing it."""

    def __init__(self, vm: TicketViewModel, before: QWidget) -> None:
        """``before``: what comes before it on the keyboard's way."""
        super().__init__()
        self._vm, self._before = vm, before
        self._presets: tuple[tuple[Preset, ...], ...] = ()
        self._rows: list[QWidget] = []
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        self._preset_box = QVBoxLayout()
        self._preset_box.setSpacing(3)
        box.addLayout(self._preset_box)
        self._share = QWidget()
        row = QHBoxLayout(self._share)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setPageStep(10)
        self.slider.setAccessibleName("Share of what is free, per cent")
        self.slider.valueChanged.connect(vm.set_percent)
        self.percent = label(kind="label")
        self.percent.setFont(theme.number_font(theme.LABEL_PX))
        self.percent.setFixedWidth(42)
        self.percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.free_beside = label(kind="muted")
        row.addWidget(self.free_beside)
        row.addWidget(self.slider, 1)
        row.addWidget(self.percent)
        box.addWidget(self._share)
        self.free = ElidedLabel()
        self.free.setProperty("kind", "muted")
        box.addWidget(self.free)

    def show_state(self, free: str, *, lots: bool, short: bool) -> None:
        """Show the view-model's presets and share. ``lots``: a share counts for what is paid in full only;
        ``short``: what is free stands beside the slider."""
        self._share.setVisible(not lots)
        beside = short and not lots
        set_text(self.free_beside, free if beside else "")
        self.free_beside.setVisible(beside)
        set_text(self.free, free)
        self.free.setVisible(not short)
        self._show_presets()
        self._show_share()

    def press(self, at: int) -> None:
        """The preset of this place, counted over all rows; nothing where there is none."""
        flat = [preset for row in self._vm.presets for preset in row]
        if at < len(flat):
            self._vm.press_preset(flat[at])

    def _show_share(self) -> None:
        vm, percent = self._vm, self._vm.percent
        with QSignalBlocker(self.slider):
            self.slider.setValue(min(100, percent or 0))
        # Hidden amounts hide the share, they do not keep from choosing one.
        self.slider.setEnabled(percent is not None or vm.hide_amounts)
        shown = "–" if percent is None else f"{percent} %" if percent <= 100 else ">100 %"
        if percent == 0 and vm.form.size.strip():
            shown = "<1 %"
        set_text(self.percent, shown)
        tip = vm.percent_reason or "Share of what is free"
        for widget in (self.slider, self.percent):
            if widget.toolTip() != tip:
                widget.setToolTip(tip)
        self.slider.setAccessibleDescription(vm.percent_reason)

    def _show_presets(self) -> None:
        if self._vm.presets == self._presets:
            return
        self._presets = self._vm.presets
        for old in self._rows:
            self._preset_box.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._rows = []
        chips: list[QWidget] = []
        for line_of in self._presets:
            shown = QWidget()
            row = QHBoxLayout(shown)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(3)
            for preset in line_of:
                tip = (
                    f"Size: as much as rests at the best {preset.label}"
                    if preset.label in ("bid", "ask")
                    else f"Size: {preset.label}"
                )
                button = chip(preset.label, tip)
                button.clicked.connect(lambda _=False, one=preset: self._vm.press_preset(one))
                row.addWidget(button, 2 + len(preset.label))
                chips.append(button)
            self._preset_box.addWidget(shown)
            self._rows.append(shown)
        # Made last, they stand between the unit and the slider.
        walk(self._before, *chips, self.slider)
