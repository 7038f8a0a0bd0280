"""The field that belongs to each kind of setting."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFocusEvent, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget

from terminal.viewmodels.settings import SettingRow, entry_text
from terminal.widgets import theme
from terminal.widgets.controls import label

# The rule for scroll areas would leave a field of several lines without its edge.
_LINES_SHEET = f"""
QPlainTextEdit {{ background: {theme.WINDOW}; border: 1px solid {theme.BORDER_STRONG}; border-radius: 3px; }}
QPlainTextEdit:hover {{ border-color: {theme.MUTED}; }}
QPlainTextEdit:focus {{ background: {theme.RAISED}; border: 2px solid {theme.FOCUS}; padding: 3px; }}
QPlainTextEdit[invalid="true"] {{ border: 2px solid {theme.DANGER}; padding: 3px; }}
"""
_WIDTHS = {"number": 110, "choice": 200, "text": 300}


class Editor(QWidget):
    """A field over one row. What it holds is offered when the person is done with it, not at every key.

    Signals:
        entered: the value as it was typed or chosen.
        touched: the person is changing it.
    """

    entered = Signal(object)
    touched = Signal()

    def __init__(self, row: SettingRow) -> None:
        super().__init__()
        self.is_dirty = False
        self.box = QHBoxLayout(self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(6)
        self.field = self._make_field(row)
        self.field.setAccessibleName(row.setting.text)
        self.setFocusProxy(self.field)
        self.box.addWidget(self.field)
        if row.setting.unit:
            self.box.addWidget(label(row.setting.unit, kind="muted"))
        self.box.addStretch(1)
        self.show_row(row)

    def _make_field(self, row: SettingRow) -> QWidget:
        raise NotImplementedError

    def show_row(self, row: SettingRow) -> None:
        """Show the kept value; what is being typed, or was refused, stays."""
        theme.set_property(self.field, "invalid", bool(row.problem))
        if not row.problem and not self.is_dirty:
            with QSignalBlocker(self.field):
                self._show_value(row)

    def _show_value(self, row: SettingRow) -> None:
        raise NotImplementedError

    def commit(self) -> None:
        """Offer what stands in the field now."""

    def _on_typed(self) -> None:
        self.is_dirty = True
        self.touched.emit()

    def _offer(self, value: object) -> None:
        self.is_dirty = False
        self.entered.emit(value)


class SwitchEditor(Editor):
    """On or off."""

    def _make_field(self, row: SettingRow) -> QWidget:
        self.check = QCheckBox()
        self.check.toggled.connect(self._on_toggled)
        return self.check

    def _show_value(self, row: SettingRow) -> None:
        self.check.setChecked(row.value is True)
        self.check.setText("On" if row.value is True else "Off")

    def _on_toggled(self, on: bool) -> None:
        self.check.setText("On" if on else "Off")
        self.entered.emit(on)


class ChoiceEditor(Editor):
    """One of several."""

    def _make_field(self, row: SettingRow) -> QWidget:
        self.combo = QComboBox()
        for key, word in row.setting.choices:
            self.combo.addItem(word, key)
        self.combo.setMinimumWidth(_WIDTHS["choice"] if row.setting.section != "risk" else 96)
        self.combo.activated.connect(lambda at: self.entered.emit(self.combo.itemData(at)))
        _leave_the_wheel(self.combo)
        return self.combo

    def _show_value(self, row: SettingRow) -> None:
        self.combo.setCurrentIndex(self.combo.findData(row.value))


class LineEditor(Editor):
    """A number, a text or an address; kept with Enter or when the field is left."""

    def _make_field(self, row: SettingRow) -> QWidget:
        self.line = QLineEdit()
        numeric = row.setting.minimum is not None
        self.line.setFixedWidth(_WIDTHS["number" if numeric else "text"])
        if numeric:
            self.line.setAlignment(Qt.AlignmentFlag.AlignRight)
            self.line.setFont(theme.number_font(theme.BASE_PX))
        self.line.setPlaceholderText(" or ".join(f"{scheme}://" for scheme in row.setting.schemes))
        self.line.textEdited.connect(lambda _: self._on_typed())
        self.line.editingFinished.connect(self.commit)
        return self.line

    def _show_value(self, row: SettingRow) -> None:
        text = entry_text(row.value)
        if self.line.text() != text:
            self.line.setText(text)

    def commit(self) -> None:
        self._offer(self.line.text())


class _Lines(QPlainTextEdit):
    def __init__(self, left: Callable[[], None]) -> None:
        super().__init__()
        self._left = left
        self.setTabChangesFocus(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._left()


class LinesEditor(Editor):
    """A text of several lines, or a list with one entry a line; kept when the field is left."""

    def _make_field(self, row: SettingRow) -> QWidget:
        self._is_list = isinstance(row.value, tuple)
        self.lines = _Lines(self.commit)
        self.lines.setStyleSheet(_LINES_SHEET)
        self.lines.setFixedSize(_WIDTHS["text"], 62)
        self.lines.textChanged.connect(self._on_typed)
        return self.lines

    def _show_value(self, row: SettingRow) -> None:
        text = entry_text(row.value)
        if self.lines.toPlainText() != text:
            self.lines.setPlainText(text)

    def commit(self) -> None:
        text = self.lines.toPlainText().strip()
        entries = tuple(each.strip() for each in text.splitlines() if each.strip())
        self._offer(entries if self._is_list else text)


class _WheelGuard(QObject):
    """Lets the page scroll: a wheel over a field that nobody has clicked changes nothing."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent) and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def _leave_the_wheel(field: QWidget) -> None:
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.installEventFilter(_WheelGuard(field))


def editor_for(row: SettingRow) -> Editor:
    """The field of a row's kind."""
    if isinstance(row.value, bool):
        return SwitchEditor(row)
    if row.setting.choices:
        return ChoiceEditor(row)
    return LinesEditor(row) if row.many_lines else LineEditor(row)
