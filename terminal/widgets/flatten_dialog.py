"""The way out: what would be sent, what is left alone and why, and afterwards what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from terminal.viewmodels.desk import DeskViewModel, FlattenResult
from terminal.widgets.controls import ModeBadge, label


class FlattenDialog(QDialog):
    """Lists the plan; the red button carries it out and the list becomes the result."""

    def __init__(self, vm: DeskViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._show_plan()
        vm.flattened.connect(self._on_flattened)

    def _build_ui(self) -> None:
        self.setWindowTitle("Flatten")
        self.resize(480, 360)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(10)
        head = QHBoxLayout()
        self.title = label("Flatten everything", kind="heading")
        head.addWidget(self.title, 1)
        badge = ModeBadge()
        badge.show_mode(self._vm.badge, striped=self._vm.is_make_believe)
        head.addWidget(badge)
        box.addLayout(head)
        area = QScrollArea()
        area.setWidgetResizable(True)
        self._body = QWidget()
        self._lines = QVBoxLayout(self._body)
        self._lines.setContentsMargins(0, 0, 8, 0)
        self._lines.setSpacing(4)
        area.setWidget(self._body)
        box.addWidget(area, 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        self.close_button = QPushButton("Close")
        self.close_button.setProperty("kind", "action")
        self.close_button.setAutoDefault(False)
        self.close_button.clicked.connect(self.reject)
        self.go = QPushButton()
        self.go.setProperty("kind", "danger")
        self.go.setAutoDefault(False)
        self.go.clicked.connect(self._on_go_clicked)
        row.addWidget(self.close_button)
        row.addWidget(self.go)
        box.addLayout(row)

    def _show_plan(self) -> None:
        plan = self._vm.plan()
        self._clear()
        self._section("Will be sent", plan.sends or ("Nothing: there is no open order.",))
        self._section("Stays as it is", [f"{what}: {why}" for what, why in plan.skips])
        self._lines.addStretch(1)
        count = len(plan.sends)
        self.go.setText(f"Cancel {count} order{'' if count == 1 else 's'}")
        self.go.setEnabled(count > 0)

    def _on_go_clicked(self) -> None:
        self.go.setEnabled(False)
        self.go.setText("Canceling…")
        self._vm.flatten()

    def _on_flattened(self, result: FlattenResult) -> None:
        self.title.setText("What became of it")
        self._clear()
        self._section("Done", result.done)
        self._section("Failed", result.failed, kind="error")
        self._section("Not known yet", result.unknown, kind="warning")
        self._lines.addStretch(1)
        self.go.hide()

    def _section(self, title: str, lines: Sequence[str], *, kind: str = "") -> None:
        if not lines:
            return
        self._lines.addWidget(label(f"{title} ({len(lines)})" if len(lines) > 1 else title, kind="label"))
        for text in lines:
            entry = label(text, kind=kind)
            entry.setWordWrap(True)
            entry.setAlignment(Qt.AlignmentFlag.AlignTop)
            entry.setContentsMargins(10, 0, 0, 0)
            self._lines.addWidget(entry)
        self._lines.addSpacing(8)

    def _clear(self) -> None:
        while (item := self._lines.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
