"""The bridge's panel: switch, address, what waits for a click, bots, what is paused by hand, and every call;
and its light."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QHideEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.bridge import BridgeViewModel, NewKeys
from terminal.widgets import theme
from terminal.widgets.bridge_form import BotFormPanel
from terminal.widgets.bridge_waiting import WaitingCards
from terminal.widgets.controls import label, line, set_text
from terminal.widgets.icons import icon
from terminal.widgets.table import DataTable

CLIPBOARD_CLEAR_S = 30
_FIRST_SIZE = (1000, 640)
_ADDRESS_PX, _FRAME_PX = 230, 24


class BridgeLight(QPushButton):
    """In the top bar: whether strategies can call at all. A click opens the panel."""

    def __init__(self, vm: BridgeViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setProperty("kind", "flat")
        vm.changed.connect(self._render)
        vm.waited.connect(self._render)
        self._render()

    def _render(self) -> None:
        vm = self._vm
        set_text(self, f"● {vm.light}" if vm.is_on else f"○ {vm.light}")
        self.setStyleSheet(f"color: {theme.WARNING}; font-weight: 600;" if vm.is_on else "")
        self.setToolTip(vm.light_tip)
        self.setAccessibleName(vm.light)


class KeyCard(QFrame):
    """The keys of a bot just made, until they are put away; they cannot be shown again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 10, 8)
        box.setSpacing(6)
        head = QHBoxLayout()
        self.title = label(kind="title")
        head.addWidget(self.title)
        head.addWidget(
            label("Copy both into the strategy platform now: they are not shown again.", kind="label")
        )
        head.addStretch(1)
        self.done = QPushButton("Put away")
        self.done.setProperty("kind", "action")
        self.done.setAutoDefault(False)
        self.done.clicked.connect(self.put_away)
        head.addWidget(self.done)
        box.addLayout(head)
        self.access = self._row(box, "Access key")
        self.secret = self._row(box, "Secret key")
        self.hide()

    def _row(self, box: QVBoxLayout, title: str) -> QLineEdit:
        row = QHBoxLayout()
        name = label(title, kind="label")
        name.setFixedWidth(76)
        row.addWidget(name)
        field = QLineEdit()
        field.setReadOnly(True)
        field.setFont(theme.mono_font(theme.TABLE_PX))
        field.setAccessibleName(title)
        row.addWidget(field, 1)
        copy = QPushButton("Copy")
        copy.setProperty("kind", "action")
        copy.setAutoDefault(False)
        copy.setAccessibleName(f"Copy the {title.lower()}")
        copy.clicked.connect(lambda: _copy_for_a_while(field.text()))
        row.addWidget(copy)
        box.addLayout(row)
        return field

    def show_keys(self, name: str, keys: NewKeys) -> None:
        set_text(self.title, f"Keys of {name}")
        self.access.setText(keys.access_key.reveal())
        self.secret.setText(keys.secret_key.reveal())
        self.access.setCursorPosition(0)
        self.secret.setCursorPosition(0)
        self.show()

    def put_away(self) -> None:
        """Leave nothing behind in the fields."""
        for field in (self.access, self.secret):
            field.clear()
        self.hide()


class BridgeDialog(QDialog):
    """A window of its own beside the main one; closing it switches nothing off."""

    def __init__(self, vm: BridgeViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self.setWindowTitle("Bridge for strategies")
        self.setWindowFlag(Qt.WindowType.WindowMinMaxButtonsHint, True)
        self.resize(*_FIRST_SIZE)
        self._build_ui()
        self._bind()
        self._render()
        self._render_calls()
        self._render_waiting()

    def _build_ui(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 10, 12, 12)
        box.setSpacing(8)
        box.addLayout(self._build_head())
        box.addWidget(line())
        self.waiting_title = label("Waiting for your click", kind="title")
        box.addWidget(self.waiting_title)
        self.waiting = WaitingCards(self._vm, by_key=True)
        box.addWidget(self.waiting)
        title = QHBoxLayout()
        title.addWidget(label("Bots", kind="title"))
        title.addStretch(1)
        title.addWidget(label("A change holds from a bot's next call on", kind="muted"))
        box.addLayout(title)
        self.bots = DataTable(
            self._vm.bots,
            empty_text="No bot yet: make one below, and give its keys to your strategy platform.",
            has_actions=True,
        )
        self.bots.setAccessibleName("Bots")
        self.bots.setMinimumHeight(96)
        box.addWidget(self.bots, 2)
        self.keys = KeyCard()
        box.addWidget(self.keys)
        self.form = BotFormPanel(self._vm)
        box.addWidget(self.form)
        self.paused_title = label("Traded by hand: bots are paused here until you release them", kind="title")
        box.addWidget(self.paused_title)
        self.paused = DataTable(self._vm.paused, has_actions=True)
        self.paused.setAccessibleName("Paused instruments")
        self.paused.setFixedHeight(92)
        box.addWidget(self.paused)
        row = QHBoxLayout()
        row.addWidget(label("Calls", kind="title"))
        row.addStretch(1)
        self.summary = label(kind="label")
        row.addWidget(self.summary)
        box.addLayout(row)
        self.calls = DataTable(self._vm.calls, empty_text="No call has come in.")
        self.calls.setAccessibleName("Calls")
        self.calls.setMinimumHeight(120)
        box.addWidget(self.calls, 3)

    def _build_head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.switch = QPushButton()
        self.switch.setAutoDefault(False)
        self.switch.setMinimumWidth(110)
        row.addWidget(self.switch)
        self.state = label(kind="label")
        row.addWidget(self.state)
        row.addStretch(1)
        row.addWidget(label("Address", kind="label"))
        self.venue = QComboBox()
        self.venue.setAccessibleName("Venue of the address")
        row.addWidget(self.venue)
        self.address = QLineEdit()
        self.address.setReadOnly(True)
        self.address.setFont(theme.mono_font(theme.TABLE_PX))
        self.address.setAccessibleName("Address for the strategy platform")
        row.addWidget(self.address)
        self.copy = QPushButton("Copy")
        self.copy.setProperty("kind", "action")
        self.copy.setAutoDefault(False)
        row.addWidget(self.copy)
        return row

    def _bind(self) -> None:
        vm = self._vm
        vm.changed.connect(self._render)
        vm.called.connect(self._render_calls)
        vm.keys_made.connect(self._on_keys_made)
        self.switch.clicked.connect(lambda: vm.switch_on(not vm.is_on))
        self.venue.currentIndexChanged.connect(self._render)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.address.text()))
        vm.waited.connect(self._render_waiting)
        self.bots.acted.connect(vm.act)
        self.paused.acted.connect(self._on_paused_acted)

    def _render(self) -> None:
        vm = self._vm
        set_text(self.switch, "Switch off" if vm.is_on else "Switch on")
        theme.set_property(self.switch, "kind", "danger" if vm.is_on else "primary")
        self.switch.setIcon(icon("power", theme.WHITE if vm.is_on else theme.WINDOW))
        self.switch.setEnabled(vm.is_on or not vm.is_switching)
        set_text(self.state, vm.state_text)
        self._fill_venues()
        address = vm.address(self.venue.currentData() or "")
        self.address.setText(address)
        self.address.setFixedWidth(
            max(_ADDRESS_PX, self.address.fontMetrics().horizontalAdvance(address) + _FRAME_PX)
        )
        has_paused = bool(vm.paused.rows)
        self.paused_title.setVisible(has_paused)
        self.paused.setVisible(has_paused)

    def _fill_venues(self) -> None:
        """The desk's venues may have changed; the chosen one stays chosen."""
        places = self._vm.paths
        if [(self.venue.itemData(at), self.venue.itemText(at)) for at in range(self.venue.count())] == [
            *places
        ]:
            return
        chosen = self.venue.currentData()
        self.venue.blockSignals(True)
        self.venue.clear()
        for name, title in places:
            self.venue.addItem(title, name)
        self.venue.setCurrentIndex(max(0, self.venue.findData(chosen)))
        self.venue.blockSignals(False)

    def _render_waiting(self) -> None:
        self.waiting_title.setVisible(bool(self._vm.waiting))

    def _render_calls(self) -> None:
        set_text(self.summary, self._vm.summary)

    def _on_keys_made(self, name: str, keys: NewKeys) -> None:
        self.keys.show_keys(name, keys)

    def _on_paused_acted(self, instrument: object, action: str) -> None:
        row = next((row for row in self._vm.paused.rows if row.instrument == instrument), None)
        if row is not None:
            self._vm.release(row.instrument)

    # -- Qt's side ------------------------------------------------------------------------------------

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            self.keys.put_away()


def _copy_for_a_while(text: str) -> None:
    """Put a key on the clipboard, and take it off after half a minute if it is still there."""
    clipboard = QGuiApplication.clipboard()
    clipboard.setText(text)
    QTimer.singleShot(CLIPBOARD_CLEAR_S * 1000, partial(_take_off, text))


def _take_off(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if clipboard.text() == text:
        clipboard.clear()
