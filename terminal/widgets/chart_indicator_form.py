"""The menu of a chart's indicators, and the small form in which one of them is set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QLocale, QPoint, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from terminal.domain.indicators import INDICATORS, IndicatorKind, defaults
from terminal.viewmodels.chart_indicators import MOST, STYLES, ChartIndicators
from terminal.widgets import theme
from terminal.widgets.chart_indicator_items import LOOKS, swatch
from terminal.widgets.controls import label, set_text

_WIDTH_PX: Final = 280
_SWATCH: Final = QSize(30, 14)
_SWATCH_RATIO: Final = 2.0
# More than any figure may be: what is too large is said in words, not cut while it is typed.
_MOST_TYPED: Final = 99_999
_LOOK_SHEET: Final = (
    f"QToolButton {{ border: 1px solid {theme.HAIRLINE}; border-radius: 3px; padding: 2px; }}"
    f"QToolButton:hover {{ background: {theme.HOVER}; }}"
    f"QToolButton:checked {{ border: 2px solid {theme.TEXT}; padding: 1px; }}"
    f"QToolButton:focus {{ border: 2px solid {theme.FOCUS}; padding: 1px; }}"
)


def fill_menu(menu: QMenu, vm: ChartIndicators, open_form: Callable[[int], object]) -> None:
    """What can be shown, and what is shown already."""
    menu.clear()
    menu.setToolTipsVisible(True)
    for kind, info in INDICATORS.items():
        action = menu.addAction(f"{info.name}\t{info.short}", partial(vm.add, kind))
        action.setToolTip(info.tip)
        action.setEnabled(not vm.is_full)
    if vm.is_full:
        menu.addAction(f"{MOST} are the most; remove one first").setEnabled(False)
    if vm.shown:
        menu.addSeparator()
    for one in vm.shown:
        words = f"{one.label} (hidden)…" if one.hidden else f"{one.label}…"
        action = menu.addAction(_swatch(one.style), words, partial(open_form, one.key))
        action.setToolTip("Set, hide or remove it")


def _swatch(style: int) -> QIcon:
    """How the line of a style looks."""
    return QIcon(swatch(LOOKS[style], _SWATCH, _SWATCH_RATIO))


class IndicatorForm(QFrame):
    """Sets one indicator; a whole figure that is good takes effect, one that is not is said. Escape leaves
    what was being typed."""

    def __init__(self, vm: ChartIndicators, key: int, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._vm, self._key = vm, key
        one = vm.find(key)
        assert one is not None
        self._kind: IndicatorKind = one.kind
        self._is_left = False
        self.fields: list[QDoubleSpinBox] = []
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        info = INDICATORS[self._kind]
        self.setProperty("kind", "overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(info.name)
        self.setFixedWidth(_WIDTH_PX)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 10, 12, 10)
        box.setSpacing(8)
        for text, kind in ((info.name, "title"), (info.tip, "muted")):
            words = label(text, kind=kind)
            words.setWordWrap(True)
            box.addWidget(words)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(2, 1)
        for row, parameter in enumerate(info.parameters):
            field = QDoubleSpinBox()
            field.setLocale(QLocale.c())
            field.setDecimals(parameter.decimals)
            field.setRange(0, _MOST_TYPED)
            # Half of a figure is another figure: EMA 99 on the way to 999.
            field.setKeyboardTracking(False)
            field.setSingleStep(1 if parameter.decimals == 0 else 0.1)
            field.setAccessibleName(f"{parameter.name}, {parameter.unit}")
            field.setFixedWidth(84)
            self.fields.append(field)
            grid.addWidget(label(parameter.name, kind="label"), row, 0)
            grid.addWidget(field, row, 1)
            grid.addWidget(label(parameter.unit, kind="muted"), row, 2)
        box.addLayout(grid)
        self.problem = label(kind="error")
        self.problem.setWordWrap(True)
        box.addWidget(self.problem)
        box.addLayout(self._build_looks())
        self.shows = QCheckBox("Show it")
        box.addWidget(self.shows)
        foot = QHBoxLayout()
        self.remove = QPushButton("Remove")
        self.reset = QPushButton("Reset")
        self.reset.setToolTip("The customary figures")
        self.done = QPushButton("Done")
        for button in (self.remove, self.reset, self.done):
            button.setAutoDefault(False)
        foot.addWidget(self.remove)
        foot.addWidget(self.reset)
        foot.addStretch(1)
        foot.addWidget(self.done)
        box.addLayout(foot)

    def _build_looks(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.looks = QButtonGroup(self)
        for style, name in enumerate(STYLES):
            button = QToolButton()
            button.setCheckable(True)
            button.setIcon(_swatch(style))
            button.setIconSize(_SWATCH)
            button.setToolTip(name.capitalize())
            button.setAccessibleName(f"Line: {name}")
            button.setStyleSheet(_LOOK_SHEET)
            self.looks.addButton(button, style)
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _bind(self) -> None:
        for field in self.fields:
            field.valueChanged.connect(self._on_field_changed)
        self.looks.idClicked.connect(self._on_look_clicked)
        self.shows.toggled.connect(self._on_shows_toggled)
        self.remove.clicked.connect(self._on_remove_clicked)
        self.reset.clicked.connect(self._on_reset_clicked)
        self.done.clicked.connect(self._close_if_good)
        self._vm.changed.connect(self._render)

    def _render(self) -> None:
        one = self._vm.find(self._key)
        if one is None:
            self.close()
            return
        if not self.problem.text():
            self._show_figures(one.values)
        button = self.looks.button(one.style)
        with QSignalBlocker(self.looks), QSignalBlocker(self.shows):
            button.setChecked(True)
            self.shows.setChecked(not one.hidden)
        self._fit()

    def _show_figures(self, values: tuple[float, ...]) -> None:
        for field, value in zip(self.fields, values, strict=True):
            # Setting the same number again would move the cursor while one types.
            if field.value() != value:
                with QSignalBlocker(field):
                    field.setValue(value)

    def _fit(self) -> None:
        self.problem.setVisible(bool(self.problem.text()))
        self.resize(_WIDTH_PX, self.heightForWidth(_WIDTH_PX))

    def _offer(self, values: tuple[float, ...]) -> None:
        if self._is_left:
            return
        wrong = self._vm.change(self._key, values=values)
        set_text(self.problem, wrong)
        for field in self.fields:
            theme.set_property(field, "invalid", bool(wrong))
        self._fit()

    def _on_field_changed(self) -> None:
        self._offer(tuple(field.value() for field in self.fields))

    def _close_if_good(self) -> None:
        if not self.problem.text():
            self.close()

    def _on_look_clicked(self, style: int) -> None:
        self._vm.change(self._key, style=style)

    def _on_shows_toggled(self, shows: bool) -> None:
        self._vm.change(self._key, hidden=not shows)

    def _on_remove_clicked(self) -> None:
        self._vm.remove(self._key)

    def _on_reset_clicked(self) -> None:
        self._show_figures(defaults(self._kind))
        self._offer(defaults(self._kind))

    def open_at(self, place: QPoint) -> None:
        """Open with the upper left corner at a point of the screen, or as near to it as the screen allows."""
        self._fit()
        screen = self.screen().availableGeometry()
        x = min(place.x(), screen.right() - self.width())
        y = min(place.y(), screen.bottom() - self.height())
        self.move(max(screen.left(), x), max(screen.top(), y))
        self.show()
        self.fields[0].setFocus(Qt.FocusReason.PopupFocusReason)
        self.fields[0].selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._close_if_good()
        elif event.key() == Qt.Key.Key_Escape:
            # A field that loses the keyboard offers what was typed into it.
            self._is_left = True
            self.close()
        else:
            super().keyPressEvent(event)
