"""Colours, fonts, sizes and the style sheet of the dark theme.

Every colour on screen comes from here. Direction is blue and orange: the pair keeps a distance of 50 or
more (CIEDE2000) for normal, protan, deutan and tritan eyes. There is no green; healthy is quiet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from terminal.widgets.resources import resource_path

WINDOW: Final = "#0B0E13"
PANEL: Final = "#12161D"
RAISED: Final = "#1A202A"
HOVER: Final = "#222A36"
HAIRLINE: Final = "#2A3240"
TEXT: Final = "#DDE3EC"
TEXT_2: Final = "#A9B4C4"
MUTED: Final = "#7C8899"
DISABLED: Final = "#566173"
UP: Final = "#4DB6F5"
DOWN: Final = "#F28C28"
BUY_FILL: Final = "#1B78BC"
BUY_FILL_HOVER: Final = "#2186CF"
SELL_FILL: Final = "#B35900"
SELL_FILL_HOVER: Final = "#C56408"
WARNING: Final = "#FFE27A"
DANGER: Final = "#FF4D6A"
DANGER_FILL: Final = "#C2233F"
DANGER_FILL_HOVER: Final = "#D42C4A"
FOCUS: Final = "#E8EDF5"
WHITE: Final = "#FFFFFF"
UP_TINT_12: Final = "#192937"
UP_TINT_24: Final = "#203C51"
DOWN_TINT_12: Final = "#2D241E"
DOWN_TINT_24: Final = "#483220"
PRACTICE_STRIPE: Final = "#4DB6F5"
PRACTICE_STRIPE_DIM: Final = "#17405C"
LINK_GROUPS: Final = ("#BDEAFA", "#EC4913", "#F5F589", "#6481D8", "#E69999")
"""Colours of link groups 1 to 5; always drawn with the digit."""

INDICATORS: Final = ("#B8E888", "#A458E8", "#A07030", "#E8D0E8", "#909090")
"""Lines of indicators: lime, violet, ochre, rose, grey. For normal, protan, deutan and tritan eyes they keep
17 or more (CIEDE2000) from one another and 13 from up and down, the first two, which are most often seen
together, 39; their dashes and widths differ besides."""

BORDER_STRONG: Final = "#3A4556"
"""Edges of fields and buttons: a hairline is too faint to show where to click."""

UI_FAMILIES: Final = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans", "sans-serif")
MONO_FAMILIES: Final = (
    "JetBrains Mono",
    "IBM Plex Mono",
    "Cascadia Mono",
    "Menlo",
    "DejaVu Sans Mono",
    "monospace",
)
BASE_PX: Final = 13
TABLE_PX: Final = 12
LABEL_PX: Final = 11


@dataclass(frozen=True, slots=True)
class Density:
    """How tight the rows are. Sizes in pixels at a scale of 100 %."""

    name: str
    table_row: int
    ladder_row: int
    tape_row: int
    font: int
    padding: int


COMFORTABLE: Final = Density("Comfortable", 28, 22, 22, 13, 8)
STANDARD: Final = Density("Standard", 24, 18, 18, 12, 6)
COMPACT: Final = Density("Compact", 20, 16, 14, 11, 4)
DENSITIES: Final = (COMFORTABLE, STANDARD, COMPACT)
ACTION_BUTTON_PX: Final = 28
"""Least height of a button that sends or cancels, in any density."""
FLASH_MS: Final = 300


def color(text: str, alpha: int = 255) -> QColor:
    """A palette colour as Qt wants it; ``alpha`` 0 to 255."""
    out = QColor(text)
    out.setAlpha(alpha)
    return out


def mix(over: str, under: str, share: float) -> str:
    """``over`` laid on ``under`` with this share (0 to 1), as ``#RRGGBB``."""
    a, b = QColor(over), QColor(under)

    def channel(top: int, bottom: int) -> int:
        return round(bottom + (top - bottom) * share)

    return QColor(
        channel(a.red(), b.red()), channel(a.green(), b.green()), channel(a.blue(), b.blue())
    ).name()


# -- fonts --------------------------------------------------------------------------------------------


def load_fonts() -> None:
    """Make the fonts that ship in ``resources/fonts`` known; a system without the folder uses its own."""
    folder = resource_path("fonts")
    if folder.is_dir():
        for file in sorted((*folder.glob("*.ttf"), *folder.glob("*.otf"))):
            QFontDatabase.addApplicationFont(str(file))


def ui_font(px: int = BASE_PX, *, bold: bool = False) -> QFont:
    """The interface face with tabular figures, so that a changing number never shifts its neighbours."""
    return _font(UI_FAMILIES, px, bold)


def number_font(px: int = TABLE_PX, *, bold: bool = False) -> QFont:
    """For numbers in tables: the interface face with tabular figures."""
    return _font(UI_FAMILIES, px, bold)


def mono_font(px: int = TABLE_PX, *, bold: bool = False) -> QFont:
    """For ladder, tape and the ticket's price: fixed width and a slashed zero."""
    font = _font(MONO_FAMILIES, px, bold)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setFeature(QFont.Tag("zero"), 1)
    return font


def _font(families: tuple[str, ...], px: int, bold: bool) -> QFont:
    font = QFont()
    font.setFamilies(list(families))
    font.setPixelSize(px)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setFeature(QFont.Tag("tnum"), 1)
    # Ligatures would turn "->" or "!=" in a venue's words into one glyph.
    font.setFeature(QFont.Tag("calt"), 0)
    return font


# -- application --------------------------------------------------------------------------------------


def apply(app: QApplication, density: Density = STANDARD) -> None:
    """Dress the whole application: style, palette, fonts and style sheet."""
    app.setStyle("Fusion")
    load_fonts()
    app.setFont(ui_font())
    app.setPalette(palette())
    app.setStyleSheet(style_sheet(density))


def palette() -> QPalette:
    """The palette, for what the style sheet does not reach (painted delegates, native parts)."""
    out = QPalette()
    roles = {
        QPalette.ColorRole.Window: WINDOW,
        QPalette.ColorRole.WindowText: TEXT,
        QPalette.ColorRole.Base: PANEL,
        QPalette.ColorRole.AlternateBase: RAISED,
        QPalette.ColorRole.Text: TEXT,
        QPalette.ColorRole.PlaceholderText: MUTED,
        QPalette.ColorRole.Button: RAISED,
        QPalette.ColorRole.ButtonText: TEXT,
        QPalette.ColorRole.BrightText: WHITE,
        QPalette.ColorRole.Highlight: HOVER,
        QPalette.ColorRole.HighlightedText: TEXT,
        QPalette.ColorRole.ToolTipBase: RAISED,
        QPalette.ColorRole.ToolTipText: TEXT,
        QPalette.ColorRole.Link: FOCUS,
        QPalette.ColorRole.LinkVisited: TEXT_2,
        QPalette.ColorRole.Light: HAIRLINE,
        QPalette.ColorRole.Midlight: HOVER,
        QPalette.ColorRole.Mid: HAIRLINE,
        QPalette.ColorRole.Dark: WINDOW,
        QPalette.ColorRole.Shadow: "#000000",
        QPalette.ColorRole.Accent: FOCUS,
    }
    for role, value in roles.items():
        out.setColor(role, QColor(value))
    disabled = QPalette.ColorGroup.Disabled
    for role in (
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
        QPalette.ColorRole.HighlightedText,
        QPalette.ColorRole.PlaceholderText,
    ):
        out.setColor(disabled, role, QColor(DISABLED))
    return out


def repolish(widget: QWidget) -> None:
    """Apply the style sheet again after a dynamic property of the widget has changed."""
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet selects by, and restyle only if it changed."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        repolish(widget)


def style_sheet(density: Density = STANDARD) -> str:
    """The style sheet, built from the constants above.

    Classes a widget may ask for with ``setProperty("kind", ...)``: buttons ``buy``, ``sell``, ``danger``,
    ``primary``, ``flat``, ``link``; labels ``label`` (11 px), ``muted``, ``title``, ``warning``, ``error``;
    frames ``card``, ``panel``, ``bar``; fields ``invalid`` (``setProperty("invalid", True)``).
    """
    out = _SHEET
    for name, value in _values(density).items():
        out = out.replace(f"@{name}@", value)
    return out


def _values(density: Density) -> dict[str, str]:
    icons = resource_path("icons")
    names = {key: value for key, value in globals().items() if key.isupper() and isinstance(value, str)}
    sizes = {
        "TABLE_PX": str(density.font),
        "LABEL_PX": str(LABEL_PX),
        "BASE_PX": str(BASE_PX),
        "PAD": str(density.padding),
        "ROW": str(density.table_row),
        "ACTION": str(ACTION_BUTTON_PX),
        "ICONS": icons.as_posix(),
    }
    return {**{key: value for key, value in names.items() if value.startswith("#")}, **sizes}


_SHEET = """
* { outline: 0; }
QWidget { color: @TEXT@; selection-background-color: @BORDER_STRONG@; selection-color: @TEXT@; }
QMainWindow, QDialog { background: @WINDOW@; }
QToolTip {
    background: @RAISED@; color: @TEXT@; border: 1px solid @BORDER_STRONG@; padding: 4px 6px;
}

QLabel { background: transparent; }
QLabel:disabled { color: @DISABLED@; }
QLabel[kind="label"] { color: @TEXT_2@; font-size: @LABEL_PX@px; }
QLabel[kind="muted"] { color: @MUTED@; font-size: @LABEL_PX@px; }
QLabel[kind="title"] { color: @TEXT@; font-weight: 600; }
QLabel[kind="heading"] { color: @TEXT@; font-size: 16px; font-weight: 600; }
QLabel[kind="mode"] { color: @UP@; font-size: @LABEL_PX@px; font-weight: 600; }
QLabel[kind="real"] { color: @DANGER@; font-size: @LABEL_PX@px; font-weight: 600; }
QLabel[kind="warning"] { color: @WARNING@; }
QLabel[kind="error"] { color: @DANGER@; }
QLabel[kind="up"] { color: @UP@; }
QLabel[kind="down"] { color: @DOWN@; }

QFrame[kind="panel"] { background: @PANEL@; border: none; }
QFrame[kind="bar"] { background: @RAISED@; border: none; }
QFrame[kind="card"] { background: @RAISED@; border: 1px solid @HAIRLINE@; border-radius: 4px; }
QFrame[kind="card"][hot="true"] { background: @HOVER@; }
QFrame[kind="card"]:focus { border: 2px solid @FOCUS@; }
QFrame[kind="topbar"] { background: @RAISED@; border: none; border-bottom: 1px solid @HAIRLINE@; }
QFrame[kind="strip"] { background: @WINDOW@; border: none; border-bottom: 1px solid @HAIRLINE@; }
QFrame[kind="hint"] { background: @UP_TINT_12@; border: none; border-bottom: 1px solid @HAIRLINE@; }
QFrame[kind="toast"] { background: @RAISED@; border: 1px solid @BORDER_STRONG@; border-radius: 4px; }
QFrame[kind="toast"][level="warning"] { border-left: 3px solid @WARNING@; }
QFrame[kind="toast"][level="error"] { border-left: 3px solid @DANGER@; }
QFrame[kind="overlay"] { background: @RAISED@; border: 1px solid @MUTED@; border-radius: 6px; }
QFrame[kind="titlebar"] { background: @RAISED@; border: none; border-bottom: 1px solid @HAIRLINE@; }
QFrame[kind="line"] { background: @HAIRLINE@; border: none; }

QPushButton, QToolButton {
    background: @RAISED@; color: @TEXT@; border: 1px solid @BORDER_STRONG@; border-radius: 3px;
    padding: 3px 10px; min-height: 18px;
}
QToolButton { padding: 3px 6px; }
QPushButton:hover, QToolButton:hover { background: @HOVER@; }
QPushButton:pressed, QToolButton:pressed { background: @HAIRLINE@; }
QPushButton:checked, QToolButton:checked { background: @BORDER_STRONG@; border-color: @MUTED@; }
QPushButton:focus, QToolButton:focus { border: 2px solid @FOCUS@; padding: 2px 9px; }
QToolButton:focus { padding: 2px 5px; }
QPushButton:disabled, QToolButton:disabled {
    background: @PANEL@; color: @DISABLED@; border-color: @HAIRLINE@;
}
QPushButton::menu-indicator { image: none; width: 0; }
QToolButton::menu-indicator { image: none; width: 0; }
QPushButton[kind="buy"], QPushButton[kind="sell"], QPushButton[kind="danger"], QPushButton[kind="primary"] {
    color: @WHITE@; font-weight: 600; border: 1px solid transparent; min-height: @ACTION@px;
    padding: 0 12px;
}
QPushButton[kind="buy"] { background: @BUY_FILL@; }
QPushButton[kind="buy"]:hover { background: @BUY_FILL_HOVER@; }
QPushButton[kind="sell"] { background: @SELL_FILL@; }
QPushButton[kind="sell"]:hover { background: @SELL_FILL_HOVER@; }
QPushButton[kind="danger"] { background: @DANGER_FILL@; }
QPushButton[kind="danger"]:hover { background: @DANGER_FILL_HOVER@; }
QPushButton[kind="primary"] { background: @FOCUS@; color: @WINDOW@; }
QPushButton[kind="primary"]:hover { background: @WHITE@; }
QPushButton[kind="buy"]:focus, QPushButton[kind="sell"]:focus, QPushButton[kind="danger"]:focus {
    border: 2px solid @FOCUS@; padding: 0 11px; min-height: 26px;
}
QPushButton[kind="primary"]:focus { border: 2px solid @UP@; padding: 0 11px; min-height: 26px; }
QPushButton[kind="buy"]:disabled, QPushButton[kind="sell"]:disabled, QPushButton[kind="danger"]:disabled,
QPushButton[kind="primary"]:disabled {
    background: @RAISED@; color: @DISABLED@; border: 1px solid @HAIRLINE@;
}
QPushButton[kind="action"] { min-height: 26px; }
QPushButton[kind="flat"], QToolButton[kind="flat"] { background: transparent; border: 1px solid transparent; }
QPushButton[kind="flat"]:hover, QToolButton[kind="flat"]:hover { background: @HOVER@; }
QPushButton[kind="flat"]:checked, QToolButton[kind="flat"]:checked { background: @HOVER@; }
QPushButton[kind="flat"]:focus, QToolButton[kind="flat"]:focus { border: 2px solid @FOCUS@; }
QPushButton[kind="segment"] {
    background: @PANEL@; color: @TEXT_2@; border: 1px solid @BORDER_STRONG@; border-radius: 0;
    padding: 2px 10px; min-height: 18px;
}
QPushButton[kind="segment"][place="first"] {
    border-top-left-radius: 3px; border-bottom-left-radius: 3px; border-right: none;
}
QPushButton[kind="segment"][place="middle"] { border-right: none; }
QPushButton[kind="segment"][place="last"] { border-top-right-radius: 3px; border-bottom-right-radius: 3px; }
QPushButton[kind="segment"]:hover { color: @TEXT@; background: @HOVER@; }
QPushButton[kind="segment"]:checked { background: @BORDER_STRONG@; color: @WHITE@; }
QPushButton[kind="segment"][armed="true"]:checked { background: @DANGER_FILL@; color: @WHITE@; }
QPushButton[kind="segment"]:focus { border: 2px solid @FOCUS@; padding: 1px 9px; }
QPushButton[kind="search"] { background: @WINDOW@; color: @MUTED@; text-align: left; padding-left: 8px; }
QPushButton[kind="search"]:hover { border-color: @MUTED@; color: @TEXT_2@; }
QPushButton[kind="title"] {
    background: transparent; border: none; border-radius: 3px; padding: 0; min-height: 0;
}
QPushButton[kind="title"]:hover { background: @HOVER@; }
QPushButton[kind="status"] {
    background: transparent; border: none; color: @MUTED@; font-size: @LABEL_PX@px; padding: 0 4px;
    min-height: 16px;
}
QPushButton[kind="status"]:hover { color: @TEXT@; }
QPushButton[kind="link"] {
    background: transparent; border: none; color: @TEXT@; text-decoration: underline; padding: 0;
}
QPushButton[kind="link"]:hover { color: @WHITE@; }
QPushButton[kind="link"]:disabled { background: transparent; color: @DISABLED@; }

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit, QDateTimeEdit {
    background: @WINDOW@; color: @TEXT@; border: 1px solid @BORDER_STRONG@; border-radius: 3px;
    padding: 3px 6px; min-height: 18px;
}
QLineEdit:hover, QSpinBox:hover, QDoubleSpinBox:hover, QComboBox:hover, QDateTimeEdit:hover {
    border-color: @MUTED@;
}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus,
QTextEdit:focus, QDateTimeEdit:focus {
    background: @RAISED@; border: 2px solid @FOCUS@; padding: 2px 5px;
}
QLineEdit[invalid="true"], QSpinBox[invalid="true"], QDoubleSpinBox[invalid="true"],
QComboBox[invalid="true"], QDateTimeEdit[invalid="true"] { border: 2px solid @DANGER@; padding: 2px 5px; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled, QPlainTextEdit:disabled,
QDateTimeEdit:disabled { background: @PANEL@; color: @DISABLED@; border-color: @HAIRLINE@; }
QLineEdit:read-only { background: @PANEL@; }
QLineEdit QToolButton { background: transparent; border: none; padding: 0; margin: 0; min-height: 0; }
QLineEdit QToolButton:hover, QLineEdit QToolButton:focus { border: none; padding: 0; }
QPlainTextEdit, QTextEdit { padding: 4px; }

QComboBox { padding-right: 20px; combobox-popup: 0; }
QComboBox:focus { padding-right: 19px; }
QComboBox::drop-down {
    border: none; width: 18px; subcontrol-origin: padding; subcontrol-position: center right;
}
QComboBox::down-arrow { image: url("@ICONS@/chevron-down.svg"); width: 12px; height: 12px; }
QComboBox::down-arrow:disabled { image: url("@ICONS@/chevron-down-disabled.svg"); }
QComboBox QAbstractItemView {
    background: @RAISED@; border: 1px solid @BORDER_STRONG@; padding: 2px; outline: 0;
}
QComboBox QAbstractItemView::item { min-height: 22px; padding: 0 6px; }
QComboBox QAbstractItemView::item:hover, QComboBox QAbstractItemView::item:selected { background: @HOVER@; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QDateTimeEdit::up-button {
    subcontrol-origin: border; subcontrol-position: top right; width: 18px; border: none;
    border-left: 1px solid @HAIRLINE@; margin: 1px 1px 0 0;
}
QSpinBox::down-button, QDoubleSpinBox::down-button, QDateTimeEdit::down-button {
    subcontrol-origin: border; subcontrol-position: bottom right; width: 18px; border: none;
    border-left: 1px solid @HAIRLINE@; margin: 0 1px 1px 0;
}
QSpinBox::up-button:hover, QSpinBox::down-button:hover, QDoubleSpinBox::up-button:hover,
QDoubleSpinBox::down-button:hover, QDateTimeEdit::up-button:hover, QDateTimeEdit::down-button:hover {
    background: @HOVER@;
}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow, QDateTimeEdit::up-arrow {
    image: url("@ICONS@/chevron-up.svg"); width: 10px; height: 10px;
}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow, QDateTimeEdit::down-arrow {
    image: url("@ICONS@/chevron-down.svg"); width: 10px; height: 10px;
}

QCheckBox, QRadioButton { background: transparent; spacing: 6px; min-height: 20px; }
QCheckBox:disabled, QRadioButton:disabled { color: @DISABLED@; }
QCheckBox::indicator, QRadioButton::indicator {
    width: 14px; height: 14px; border: 1px solid @MUTED@; background: @WINDOW@;
}
QCheckBox::indicator { border-radius: 3px; }
QRadioButton::indicator { border-radius: 8px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: @TEXT@; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus {
    border: 2px solid @FOCUS@; width: 12px; height: 12px;
}
QCheckBox::indicator:checked {
    background: @TEXT@; border-color: @TEXT@; image: url("@ICONS@/check-dark.svg");
}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {
    border-color: @HAIRLINE@; background: @PANEL@;
}
QCheckBox::indicator:checked:disabled { background: @DISABLED@; border-color: @DISABLED@; }
QRadioButton::indicator:checked { border-color: @TEXT@; image: url("@ICONS@/dot.svg"); }

QSlider { min-height: 20px; background: transparent; }
QSlider::groove:horizontal { height: 4px; background: @HAIRLINE@; border-radius: 2px; }
QSlider::sub-page:horizontal { background: @TEXT_2@; border-radius: 2px; }
QSlider::handle:horizontal {
    width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: @TEXT@;
}
QSlider::handle:horizontal:hover { background: @WHITE@; }
QSlider::handle:horizontal:disabled { background: @DISABLED@; }
QSlider::groove:vertical { width: 4px; background: @HAIRLINE@; border-radius: 2px; }
QSlider::handle:vertical {
    width: 14px; height: 14px; margin: 0 -5px; border-radius: 7px; background: @TEXT@;
}
QSlider:focus { border: 1px solid @FOCUS@; border-radius: 3px; }
QProgressBar {
    background: @HAIRLINE@; border: none; border-radius: 2px; max-height: 4px; text-align: center;
}
QProgressBar::chunk { background: @TEXT_2@; border-radius: 2px; }

QMenuBar { background: @RAISED@; border-bottom: 1px solid @HAIRLINE@; }
QMenuBar::item { padding: 4px 8px; background: transparent; }
QMenuBar::item:selected { background: @HOVER@; }
QMenu { background: @RAISED@; border: 1px solid @BORDER_STRONG@; padding: 4px 0; }
QMenu::item { padding: 5px 24px 5px 12px; background: transparent; }
QMenu::item:selected { background: @HOVER@; }
QMenu::item:disabled { color: @DISABLED@; }
QMenu::separator { height: 1px; background: @HAIRLINE@; margin: 4px 0; }
QMenu::icon { padding-left: 8px; }
QMenu::indicator { width: 14px; height: 14px; margin-left: 8px; }
QMenu::indicator:checked { image: url("@ICONS@/check.svg"); }
QMenu::right-arrow { image: url("@ICONS@/chevron-right.svg"); width: 12px; height: 12px; margin-right: 6px; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @BORDER_STRONG@; border-radius: 3px; }
QScrollBar::handle:vertical { min-height: 24px; margin: 2px; }
QScrollBar::handle:horizontal { min-width: 24px; margin: 2px; }
QScrollBar::handle:hover { background: @MUTED@; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; background: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: none; }
QAbstractScrollArea { background: @PANEL@; border: none; }
QAbstractScrollArea::corner { background: @PANEL@; border: none; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }

QTableView, QTreeView, QListView, QTableWidget, QListWidget {
    background: @PANEL@; alternate-background-color: @PANEL@; border: none; gridline-color: @HAIRLINE@;
    font-size: @TABLE_PX@px; outline: 0;
}
QTableView::item, QTreeView::item, QListView::item { border: none; padding: 0 @PAD@px; }
QTableView::item:hover, QTreeView::item:hover, QListView::item:hover { background: @RAISED@; }
QTableView::item:selected, QTreeView::item:selected, QListView::item:selected {
    background: @HOVER@; color: @TEXT@;
}
QListWidget::item { min-height: @ROW@px; }
QTableView QLineEdit, QTreeView QLineEdit { padding: 0 4px; min-height: 14px; border-radius: 0; }
QHeaderView { background: @PANEL@; border: none; border-bottom: 1px solid @HAIRLINE@; }
QHeaderView::section {
    background: @PANEL@; color: @MUTED@; border: none;
    padding: 3px @PAD@px; font-size: @LABEL_PX@px; font-weight: 400;
}
QHeaderView::section:hover { color: @TEXT@; background: @RAISED@; }
QHeaderView::up-arrow, QHeaderView::down-arrow {
    subcontrol-origin: margin; subcontrol-position: top center; width: 9px; height: 9px;
}
QHeaderView::up-arrow { image: url("@ICONS@/chevron-up.svg"); }
QHeaderView::down-arrow { image: url("@ICONS@/chevron-down.svg"); }
QTableCornerButton::section { background: @PANEL@; border: none; }

QTabWidget::pane { border: none; background: @PANEL@; }
QTabWidget::tab-bar { left: 0; }
QTabBar { background: @WINDOW@; border: none; qproperty-drawBase: 0; }
QTabBar::tab {
    background: transparent; color: @TEXT_2@; border: none; border-bottom: 2px solid transparent;
    padding: 4px 10px; min-height: 16px;
}
QTabBar::tab:hover { color: @TEXT@; background: @RAISED@; }
QTabBar::tab:selected { color: @TEXT@; background: @PANEL@; border-bottom: 2px solid @TEXT@; }
QTabBar[kind="header"] { background: transparent; }
QTabBar[kind="header"]::tab:selected { background: transparent; }
QTabBar::tab:focus { color: @WHITE@; }
QTabBar::tab:disabled { color: @DISABLED@; }
QTabBar::close-button { image: url("@ICONS@/close.svg"); }
QTabBar QToolButton { border: none; background: @WINDOW@; padding: 0; }
QTabBar::scroller { width: 22px; }

QGroupBox { border: 1px solid @HAIRLINE@; border-radius: 4px; margin-top: 14px; padding-top: 6px; }
QGroupBox::title { subcontrol-origin: margin; left: 8px; padding: 0 4px; color: @TEXT_2@; }
QSplitter::handle { background: @WINDOW@; }
QSplitter::handle:hover { background: @BORDER_STRONG@; }
QMainWindow::separator { background: @WINDOW@; width: 4px; height: 4px; }
QMainWindow::separator:hover { background: @BORDER_STRONG@; }
QDockWidget { border: none; color: @TEXT@; }
QDockWidget > QWidget { background: @PANEL@; }
QStatusBar { background: @RAISED@; border: none; }
QStatusBar::item { border: none; }
QSizeGrip { background: transparent; width: 8px; height: 8px; }
QRubberBand { background: @HOVER@; border: 1px solid @FOCUS@; }
QCalendarWidget QWidget { background: @RAISED@; }
QCalendarWidget QAbstractItemView { background: @PANEL@; }
"""
