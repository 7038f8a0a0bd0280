"""What the ticket is put together from: fields with their messages, cost lines, the two big buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.cost_text import CostLine
from terminal.viewmodels.ticket import SendButton
from terminal.widgets import theme
from terminal.widgets.controls import ElidedLabel, label, set_text

LABEL_PX = 62
_BIG_PX = 46


class NumberEdit(QLineEdit):
    """A field for a number. Arrow keys are handed on as steps; Enter alone never sends."""

    def __init__(self, name: str, step: Callable[[int], None] | None = None) -> None:
        super().__init__()
        self._step = step
        self.setFont(theme.mono_font(theme.BASE_PX))
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        direction = steps.get(Qt.Key(event.key()))
        if self._step is not None and direction is not None:
            many = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._step(direction * (10 if many else 1))
            event.accept()
            return
        super().keyPressEvent(event)


class FieldRow(QWidget):
    """A label, its field, what stands beside it, and the message underneath when something is wrong."""

    def __init__(self, title: str, field: QWidget, *beside: QWidget, keeps_line: bool = False) -> None:
        """``keeps_line``: the message has its line while there is none, so that typing here moves nothing."""
        super().__init__()
        self._keeps_line = keeps_line
        self.field = field
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(1)
        row = QHBoxLayout()
        row.setSpacing(4)
        self._title = label(title, kind="label")
        self._title.setFixedWidth(LABEL_PX)
        self._title.setBuddy(field)
        row.addWidget(self._title)
        row.addWidget(field, 1)
        for widget in beside:
            row.addWidget(widget)
        box.addLayout(row)
        self._message = label(kind="error")
        self._message.setFont(theme.ui_font(theme.LABEL_PX))
        self._message.setWordWrap(True)
        self._message.setIndent(LABEL_PX + 4)
        self._message.setVisible(keeps_line)
        box.addWidget(self._message)

    def show_message(self, problem: str, note: str = "") -> None:
        """A problem in red with its field outlined, else a quiet note, else nothing."""
        text = f"✕ {problem}" if problem else note
        set_text(self._message, text)
        theme.set_property(self._message, "kind", "error" if problem else "muted")
        self._message.setVisible(self._keeps_line or bool(text))
        theme.set_property(self.field, "invalid", bool(problem))
        self.field.setAccessibleDescription(problem or note)


def chooser(name: str) -> QComboBox:
    """A drop-down that takes only the room it is given."""
    out = QComboBox()
    out.setAccessibleName(name)
    out.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    out.setMinimumContentsLength(4)
    return out


def fill_chooser(box: QComboBox, items: Sequence[tuple[str, object]], chosen: object) -> None:
    """Set a drop-down's entries and choice without telling anybody."""
    box.blockSignals(True)
    if [box.itemData(at) for at in range(box.count())] != [data for _, data in items]:
        box.clear()
        for text, data in items:
            box.addItem(text, data)
    for at, (_, data) in enumerate(items):
        if data == chosen and box.currentIndex() != at:
            box.setCurrentIndex(at)
    box.blockSignals(False)


class CostGrid(QWidget):
    """The cost strip and the three fixed numbers: lines that never move."""

    def __init__(self, count: int) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        self._cells: list[tuple[QLabel, ElidedLabel, QLabel]] = []
        for row in range(count):
            name, detail, value = label(kind="label"), ElidedLabel(), label()
            detail.setProperty("kind", "muted")
            detail.setAlignment(Qt.AlignmentFlag.AlignRight)
            value.setFont(theme.number_font(theme.TABLE_PX))
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, cell in enumerate((name, detail, value)):
                cell.setFixedHeight(16)
                grid.addWidget(cell, row, column)
            self._cells.append((name, detail, value))

    def show_lines(self, lines: Sequence[CostLine]) -> None:
        """Show the lines; there are always the same ones."""
        for (name, detail, value), line in zip(self._cells, lines, strict=False):
            set_text(name, line.label)
            set_text(detail, line.detail)
            set_text(value, line.value)
            theme.set_property(detail, "kind", "warning" if line.tone == "warning" else "muted")
            tip = line.tip or line.detail
            for cell in (name, detail, value):
                if cell.toolTip() != tip:
                    cell.setToolTip(tip)


class BigButton(QPushButton):
    """Buy or Sell: what it sends in the first line, price and total in the second."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._lines = SendButton("", "")
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAutoDefault(False)
        # A button that says nothing sends nothing: before the first order form there is none to send.
        self.setEnabled(False)

    def show_text(self, lines: SendButton) -> None:
        """Show other lines."""
        if lines != self._lines:
            self._lines = lines
            self.setEnabled(lines.enabled and bool(lines.title))
            self.setToolTip(lines.reason or f"{lines.title}, {lines.detail}")
            self.setAccessibleName(f"{lines.title} {lines.detail}".strip())
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, _BIG_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(90, _BIG_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(QColor(theme.WHITE if self.isEnabled() else theme.DISABLED))
        area = self.rect().adjusted(5, 4, -5, -4)
        if not self._lines.detail:
            self._line(painter, area, self._lines.title, bold=True)
        else:
            half = area.height() // 2
            self._line(
                painter, QRect(area.left(), area.top(), area.width(), half), self._lines.title, bold=True
            )
            lower = QRect(area.left(), area.top() + half, area.width(), half)
            self._line(painter, lower, self._lines.detail, bold=False)
        painter.end()

    @staticmethod
    def _line(painter: QPainter, area: QRect, text: str, *, bold: bool) -> None:
        """The text at the largest size that fits, then shortened."""
        # A long number first gives up its unit, which the other line and the tooltip name, then its size.
        short = text.rpartition(" ")[0] or text
        for px, shown in ((13, text), (12, text), (11, text), (12, short), (11, short), (10, short)):
            font = theme.ui_font(px, bold=bold)
            metrics = QFontMetrics(font)
            if shown and metrics.horizontalAdvance(shown) < area.width():
                break
        painter.setFont(font)
        shown = metrics.elidedText(shown, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, shown)
