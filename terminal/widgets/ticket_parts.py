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
from terminal.viewmodels.ports import Place
from terminal.viewmodels.ticket_button import SendButton
from terminal.viewmodels.watchlist import venue_mark
from terminal.widgets import theme
from terminal.widgets.controls import ElidedLabel, FittingLabel, label, set_text

LABEL_PX = 62
_BIG_PX = 46
_SHORT_BIG_PX = 40
_COST_PX = 16
_SHORT_COST_PX = 15


def show_venue(shown: FittingLabel, place: Place | None) -> None:
    """Where an order of the panel goes: the venue's title, or its mark; the tooltip tells the account too."""
    shown.show_text(place.title, venue_mark(place.title)) if place is not None else shown.show_text("", "")
    shown.setToolTip(f"Orders go to {place.name}" if place is not None else "")


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
        self._whole, self._brief = title, ""
        self.field = field
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(1)
        row = QHBoxLayout()
        row.setSpacing(4)
        self._title = label(title, kind="label")
        self._title.setFixedWidth(LABEL_PX)
        self._title.setBuddy(field)
        row.addWidget(self._title)
        row.addWidget(field, 1)
        for widget in beside:
            row.addWidget(widget)
        self._box.addLayout(row)
        self._message = label(kind="error")
        self._message.setFont(theme.ui_font(theme.LABEL_PX))
        self._message.setWordWrap(True)
        self._message.setIndent(LABEL_PX + 4)
        self._message.setVisible(keeps_line)
        self._box.addWidget(self._message)

    @property
    def has_message(self) -> bool:
        return bool(self._message.text())

    def show_message(self, problem: str, note: str = "", *, warns: bool = False) -> None:
        """A problem in red with its field outlined, else a quiet note or one that ``warns``, else nothing."""
        text = f"✕ {problem}" if problem else f"▲ {note}" if warns else note
        if self._brief and text:
            text = f"{self._brief} {text}"
        set_text(self._message, text)
        theme.set_property(self._message, "kind", "error" if problem else "warning" if warns else "muted")
        self._message.setVisible(self._keeps_line or bool(text))
        theme.set_property(self.field, "invalid", bool(problem))
        self.field.setAccessibleDescription(problem or note)

    def lend_message(self, brief: str) -> QLabel:
        """Be called by a short name, and let the message stand elsewhere; it says then whose it is."""
        self._brief = brief
        set_text(self._title, brief)
        self._title.setToolTip(self._whole)
        self._title.setFixedWidth(self._title.fontMetrics().horizontalAdvance(brief) + 2)
        self._message.setIndent(0)
        self._message.setMinimumHeight(self._message.fontMetrics().height())
        self._box.removeWidget(self._message)
        return self._message

    def take_message_back(self) -> None:
        """Have the whole name and the message underneath again."""
        self._brief = ""
        set_text(self._title, self._whole)
        self._title.setToolTip("")
        self._title.setFixedWidth(LABEL_PX)
        self._message.setIndent(LABEL_PX + 4)
        self._message.setMinimumHeight(0)
        self._box.addWidget(self._message)


class PairRows(QWidget):
    """Two rows, one under the other, or where height is short side by side under short names, with their
    messages in lines below."""

    def __init__(self, rows: dict[str, FieldRow], *, shares: tuple[int, int], keeps_line: bool) -> None:
        """``rows``: by their short names. ``shares``: of the width, side by side. ``keeps_line``: one line is
        kept for messages, so that typing moves nothing."""
        super().__init__()
        self._rows = rows
        self._shares, self._keeps_line = shares, keeps_line
        self._is_short = False
        first, second = rows.values()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.addWidget(first, 0, 0, 1, 2)
        self._grid.addWidget(second, 1, 0, 1, 2)

    def set_short(self, short: bool, gap: int) -> None:
        """Side by side, or one under the other with a gap of so many px."""
        self._grid.setVerticalSpacing(1 if short else gap)
        if short is self._is_short:
            return
        self._is_short = short
        for at, (brief, row) in enumerate(self._rows.items()):
            self._grid.removeWidget(row)
            if short:
                self._grid.addWidget(row, 0, at)
                self._grid.addWidget(row.lend_message(brief), 1 + at, 0, 1, 2)
                continue
            row.take_message_back()
            self._grid.addWidget(row, at, 0, 1, 2)

    def fit_lines(self) -> None:
        """After rows were shown, hidden or given messages: no empty line beside another, no empty place."""
        first, second = self._rows.values()
        self.setVisible(not (first.isHidden() and second.isHidden()))
        for at, row in enumerate((first, second)):
            self._grid.setColumnStretch(at, self._shares[at] if self._is_short and not row.isHidden() else 0)
        if self._is_short:
            first._message.setVisible(first.has_message or (self._keeps_line and not second.has_message))
            second._message.setVisible(second.has_message)
        # At once: for the moment between the two lines what stands below would move down and up again.
        self._grid.activate()


CHIP_SHEET = f"""
QPushButton[kind="chip"] {{ padding: 0; min-height: 18px; font-size: {theme.LABEL_PX}px; min-width: 20px; }}
QPushButton[kind="chip"]:focus {{ border: 1px solid {theme.FOCUS}; }}
QLineEdit[short="true"], QComboBox[short="true"] {{ min-height: 16px; }}
"""
"""The look of chips, and of fields where height is short, for the sheet of a ticket."""


def chip(text: str, tip: str) -> QPushButton:
    """A small button that fills a field."""
    out = QPushButton(text)
    out.setProperty("kind", "chip")
    out.setToolTip(tip)
    out.setAccessibleName(tip)
    out.setAutoDefault(False)
    return out


def chooser(name: str) -> QComboBox:
    """A drop-down that takes only the room it is given."""
    out = QComboBox()
    out.setAccessibleName(name)
    out.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    out.setMinimumContentsLength(4)
    return out


def fill_chooser(box: QComboBox, items: Sequence[tuple[str, object]], chosen: object) -> None:
    """Set a drop-down's entries and choice without telling anybody. While it is open other entries wait, for
    they would move under the pointer."""
    is_other = [box.itemData(at) for at in range(box.count())] != [data for _, data in items]
    if is_other and box.view().isVisible():
        return
    box.blockSignals(True)
    if is_other:
        box.clear()
        for text, data in items:
            box.addItem(text, data)
    for at, (text, data) in enumerate(items):
        if box.itemText(at) != text:
            # The same choice in another word: a size in base units is in BTC here and in ETH there.
            box.setItemText(at, text)
        if data == chosen and box.currentIndex() != at:
            box.setCurrentIndex(at)
    box.blockSignals(False)


class FigureLabel(QLabel):
    """A figure as wide as it is; where there is less room it is cut with … instead of pushing its panel
    wider than what is seen of it. Whoever shows it tells the whole in a tooltip."""

    _LEAST_PX = 40

    def __init__(self, *, kind: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        if kind:
            self.setProperty("kind", kind)

    def minimumSizeHint(self) -> QSize:
        whole = super().minimumSizeHint()
        return QSize(min(self._LEAST_PX, whole.width()), whole.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()


class CostGrid(QWidget):
    """The cost strip and the three fixed numbers: lines that never move."""

    def __init__(self, count: int) -> None:
        super().__init__()
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        self._cells: list[tuple[QLabel, ElidedLabel, QLabel]] = []
        for row in range(count):
            name, detail, value = label(kind="label"), ElidedLabel(), FigureLabel()
            detail.setProperty("kind", "muted")
            detail.setAlignment(Qt.AlignmentFlag.AlignRight)
            value.setFont(theme.number_font(theme.TABLE_PX))
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, cell in enumerate((name, detail, value)):
                cell.setFixedHeight(_COST_PX)
                grid.addWidget(cell, row, column)
            self._cells.append((name, detail, value))

    def set_short(self, short: bool) -> None:
        """Closer together, or as usual."""
        self._grid.setVerticalSpacing(0 if short else 2)
        for cells in self._cells:
            for cell in cells:
                cell.setFixedHeight(_SHORT_COST_PX if short else _COST_PX)

    def show_lines(self, lines: Sequence[CostLine]) -> None:
        """Show the lines; there are always the same ones, but for the last ones in a short ticket."""
        for at, cells in enumerate(self._cells):
            for cell in cells:
                cell.setVisible(at < len(lines))
        for (name, detail, value), line in zip(self._cells, lines, strict=False):
            # Where there is no value its place is the detail's, which beside it would have little room.
            set_text(name, line.label)
            set_text(detail, line.detail if line.value else "")
            set_text(value, line.value or line.detail)
            tone = "warning" if line.tone == "warning" else "muted"
            theme.set_property(detail, "kind", tone)
            theme.set_property(value, "kind", "" if line.value else tone)
            tip = line.tip or line.detail
            whole = f"{line.label}: {line.value}\n{tip}".rstrip() if line.value else tip
            for cell, told in ((name, tip), (detail, tip), (value, whole)):
                if cell.toolTip() != told:
                    cell.setToolTip(told)


class BigButton(QPushButton):
    """Buy or Sell: what it sends in the first line, price and total in the second."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._lines = SendButton("", "")
        self._height_px = _BIG_PX
        self._is_chosen = False
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

    def set_chosen(self, chosen: bool) -> None:
        """A line along its foot: it is the side that Ctrl+Enter sends."""
        if chosen is not self._is_chosen:
            self._is_chosen = chosen
            self.setAccessibleDescription("Chosen: Ctrl+Enter sends it" if chosen else "")
            self.update()

    def set_short(self, short: bool) -> None:
        """A little less high, or as usual; both lines keep their size."""
        self._height_px = _SHORT_BIG_PX if short else _BIG_PX
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(120, self._height_px)

    def minimumSizeHint(self) -> QSize:
        return QSize(90, self._height_px)

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
        if self._is_chosen:
            foot = QRect(4, self.height() - 3, self.width() - 8, 2)
            painter.fillRect(foot, painter.pen().color())
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
