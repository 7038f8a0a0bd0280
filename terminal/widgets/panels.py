"""A panel of the workspace, and the title bar that every dock wears."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QIcon,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from terminal.viewmodels.ports import is_real_money
from terminal.viewmodels.selection import ALONE, GROUPS, PanelLink
from terminal.widgets import theme
from terminal.widgets.controls import StripedEdge, label, set_text
from terminal.widgets.icons import icon

TITLE_PX = 26
_FLOAT_BUTTON_PX = 320


@dataclass(frozen=True, slots=True)
class Panel:
    """Something that can stand in the workspace.

    ``key`` names it in saved layouts and never changes. ``header`` is drawn inside its title bar (symbol,
    padlock, tabs). ``can_trade``: orders can be sent from it, so its title says whose money it is.
    """

    key: str
    title: str
    widget: QWidget
    header: QWidget | None = None
    can_trade: bool = False
    link_group: int | None = None
    show_title: bool = True
    link: PanelLink | None = None
    """Its place in the link groups, where it can be given another one."""


class LinkChip(QWidget):
    """The number and colour of a link group."""

    def __init__(self, group: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = group
        self.setFixedSize(QSize(16, 16))
        self.setToolTip(f"Link group {group}: panels of this group show the same market")
        self.setAccessibleName(f"Link group {group}")

    def paintEvent(self, event: QPaintEvent) -> None:
        tint = QColor(theme.LINK_GROUPS[self._group - 1])
        painter = QPainter(self)
        painter.setPen(QPen(tint, 1))
        painter.drawRect(self.rect().adjusted(1, 1, -2, -2))
        painter.setFont(theme.ui_font(theme.LABEL_PX, bold=True))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, str(self._group))
        painter.end()


class LinkChooser(QWidget):
    """A panel's link group, as a number and a colour; a click puts the panel into another one, or holds it
    to a venue: it then shows the twin there of whatever the group shows."""

    def __init__(self, link: PanelLink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(theme.ui_font(theme.LABEL_PX, bold=True))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        link.moved.watch(self._render)
        link.changed.watch(self._render)
        self._text = ""
        self._render()

    def _render(self) -> None:
        link = self._link
        if link.text != self._text:
            self._text = link.text
            self.updateGeometry()
        where = "no link group" if link.number == ALONE else f"link group {link.number}"
        words = f"{where}, {link.venues[link.venue]}" if link.venue in link.venues else where
        self.setAccessibleName(f"Link: {words}")
        self.setToolTip(_link_tip(link))
        self.update()

    def open_menu(self) -> None:
        """Offer the groups and the venues."""
        link, menu = self._link, QMenu(self)
        for number in (*range(1, GROUPS + 1), ALONE):
            text = f"Link group &{number}" if number != ALONE else "By itself"
            # The style draws an entry's icon in place of its tick.
            text += "\t✓" if link.number == number else ""
            action = menu.addAction(_chip_icon(number), text, partial(link.join, number))
            action.setCheckable(True)
            action.setChecked(link.number == number)
        if link.number != ALONE:
            menu.addSeparator()
            for name, text in _SHARED.items():
                if name in ("takes", "gives") or link.is_chart:
                    action = menu.addAction(text)
                    action.setCheckable(True)
                    action.setChecked(getattr(link.shares, name))
                    action.toggled.connect(partial(self._on_share_toggled, name))
        if len(link.venues) > 1:
            menu.addSeparator()
            for venue, title in {"": "Any venue", **link.venues}.items():
                text = title if not venue else f"Always on {title}"
                action = menu.addAction(text, partial(link.hold, venue))
                action.setCheckable(True)
                action.setChecked(link.venue == venue)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.mapToGlobal(QPoint(0, self.height() + 2)))

    def _on_share_toggled(self, name: str, on: bool) -> None:
        self._link.share(replace(self._link.shares, **{name: on}))

    # -- Qt's side ------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(max(16, QFontMetrics(self.font()).horizontalAdvance(self._text) + 8), 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tint = _tint(self._link.number)
        painter.setPen(QPen(QColor(theme.FOCUS) if self.hasFocus() else tint, 2 if self.hasFocus() else 1))
        painter.drawRect(self.rect().adjusted(1, 1, -2, -2))
        painter.setFont(self.font())
        painter.setPen(QColor(theme.WARNING) if self._link.has_no_match else tint)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._text)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.open_menu()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.open_menu()
        else:
            super().keyPressEvent(event)


_SHARED = {
    "takes": "Show the group's market",
    "gives": "Give its market to the group",
    "interval": "Bars of the group's length",
    "crosshair": "Crosshair of the group",
}


def _link_tip(link: PanelLink) -> str:
    if link.number == ALONE:
        return "This panel goes by itself"
    whole = f"Link group {link.number}"
    ways = {
        (True, True): "panels of this group show the same market",
        (True, False): "shows the group's market, and does not change it",
        (False, True): "gives its market to the group, and does not follow it",
        (False, False): "its market is its own",
    }
    return f"{whole}: {ways[link.shares.takes, link.shares.gives]}"


def _tint(number: int) -> QColor:
    return QColor(theme.MUTED if number == ALONE else theme.LINK_GROUPS[number - 1])


def _chip_icon(number: int) -> QIcon:
    picture = QPixmap(16, 16)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.fillRect(QRect(4, 4, 9, 9), _tint(number))
    painter.end()
    return QIcon(picture)


class PanelTitleBar(QFrame):
    """Title, link chip, the word for whose money it is, the panel's own controls, float and close.

    Signals:
        float_wanted, close_wanted: its buttons were pressed, or it was double-clicked.
    """

    float_wanted = Signal()
    close_wanted = Signal()

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._build_ui()

    def _build_ui(self) -> None:
        self.setProperty("kind", "titlebar")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self.edge = StripedEdge()
        self.edge.hide()
        box.addWidget(self.edge)
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 4, 0)
        row.setSpacing(6)
        box.addLayout(row)
        self.title = label(self._panel.title, kind="title")
        self.title.setFont(theme.ui_font(12, bold=True))
        self.title.setVisible(self._panel.show_title)
        row.addWidget(self.title)
        if self._panel.link is not None:
            row.addWidget(LinkChooser(self._panel.link))
        elif self._panel.link_group is not None:
            row.addWidget(LinkChip(self._panel.link_group))
        self.word = label(kind="mode")
        self.word.hide()
        row.addWidget(self.word)
        if self._panel.header is not None:
            self._panel.header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            row.addWidget(self._panel.header, 1)
        else:
            row.addStretch(1)
        self.float_button = self._button("float", "Make it a window of its own, or put it back")
        self.close_button = self._button("close", "Close the panel; the workspace menu brings it back")
        self.float_button.clicked.connect(self.float_wanted)
        self.close_button.clicked.connect(self.close_wanted)
        row.addWidget(self.float_button)
        row.addWidget(self.close_button)

    def _button(self, name: str, tip: str) -> QPushButton:
        button = QPushButton(icon(name, theme.MUTED), "")
        button.setProperty("kind", "title")
        button.setFixedSize(20, 20)
        button.setIconSize(QSize(14, 14))
        button.setToolTip(tip)
        button.setAccessibleName(f"{tip.partition(';')[0]}: {self._panel.title}")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return button

    def show_mode(self, word: str, *, striped: bool) -> None:
        """Say in an order panel whose money its orders move."""
        if not self._panel.can_trade:
            return
        set_text(self.word, word)
        theme.set_property(self.word, "kind", "real" if is_real_money(word) else "mode")
        self.word.setVisible(bool(word))
        if self.edge.isHidden() == striped:
            self.edge.setVisible(striped)
            self.updateGeometry()

    def show_title(self, on: bool) -> None:
        """A panel behind tabs has its title on the tab already."""
        self.title.setVisible(on and self._panel.show_title)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # What a narrow panel says in its title comes first; a double-click there does the same.
        self.float_button.setVisible(self._panel.header is None or self.width() >= _FLOAT_BUTTON_PX)

    def sizeHint(self) -> QSize:
        edge = self.edge.height() if not self.edge.isHidden() else 0
        header = self._panel.header
        inner = header.sizeHint().height() + 2 if header is not None else 0
        # A crowded title bar must not keep its panel wide.
        return QSize(60, max(TITLE_PX, inner) + edge)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.float_wanted.emit()
        event.accept()
