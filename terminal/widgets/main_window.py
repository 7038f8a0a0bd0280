"""The window: bars at head and foot, panels between them, and the keys that belong to no panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QPoint, QRect, QRegularExpression, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QKeySequence,
    QRegularExpressionValidator,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLineEdit,
    QMainWindow,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.connect import ConnectViewModel
from terminal.viewmodels.connection import ConnectionViewModel, Mode
from terminal.viewmodels.cross_venue import CrossVenueViewModel
from terminal.viewmodels.dead_man import DeadManViewModel
from terminal.viewmodels.desk import DeskViewModel, KeyHint
from terminal.viewmodels.layouts import LayoutStore
from terminal.viewmodels.login import LoginViewModel
from terminal.viewmodels.status import StatusViewModel
from terminal.viewmodels.venue_card import Shape
from terminal.widgets import theme
from terminal.widgets.chart import ChartPanel
from terminal.widgets.confirm_dialog import ConfirmDialog, dress_input
from terminal.widgets.connect_dialog import ConnectDialog
from terminal.widgets.controls import label, set_text
from terminal.widgets.flatten_dialog import FlattenDialog
from terminal.widgets.icons import icon
from terminal.widgets.login_dialog import LoginDialog
from terminal.widgets.notice_bar import NoticeCentre, ToastHost
from terminal.widgets.overlays import KeyOverlay, PanelSwitcher
from terminal.widgets.panels import TITLE_PX, Panel
from terminal.widgets.status_bar import STATUS_PX, StatusBar
from terminal.widgets.top_bar import TopBar
from terminal.widgets.venue_strip import VenueStrip
from terminal.widgets.workspace import DockWorkspace

FIRST_SIZE = QSize(1600, 960)
FRAME_PX = 40  # the system's own title bar, about
_MOST_PASSED = 200

FRAME_KEYS = (
    KeyHint("Window", "F1", "Show the keys"),
    KeyHint("Window", "Ctrl+K", "Find a market"),
    KeyHint("Window", "F6 / Shift+F6", "Next, previous panel"),
    KeyHint("Window", "Ctrl+Tab", "Panel list"),
    KeyHint("Window", "Ctrl+1 … 9", "Switch workspace"),
    KeyHint("Window", "Ctrl+Alt+Z", "Undo a layout change"),
    KeyHint("Window", "Ctrl+,", "Settings"),
    KeyHint("Window", "Ctrl+Q", "Quit"),
    KeyHint("Safety", "Ctrl+Shift+L", "View: nothing can be sent"),
    KeyHint("Safety", "Ctrl+Shift+X", "Flatten: list and cancel"),
    KeyHint("Orders", "Double-click, F2", "Change a price or quantity"),
    KeyHint("Orders", "Del", "Cancel the selected orders"),
    KeyHint("Orders", "Ctrl+C", "Copy rows"),
)


class HintBar(QFrame):
    """One line for the first start; gone for good once it is closed.

    Signals:
        dismissed: it was closed.
        connect_wanted: the person wants to connect a venue.
    """

    dismissed = Signal()
    connect_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "hint")
        self.setFixedHeight(32)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 6, 0)
        row.setSpacing(12)
        row.addWidget(label("You are practising: the market is made up and no money moves.", kind="title"))
        self._way = label(kind="label")
        row.addWidget(self._way)
        self.show_way(contracts=False)
        row.addStretch(1)
        connect = QPushButton("Connect a real venue…")
        connect.setProperty("kind", "link")
        connect.clicked.connect(self.connect_wanted)
        row.addWidget(connect)
        close = QPushButton(icon("close"), "")
        close.setProperty("kind", "title")
        close.setFixedSize(22, 22)
        close.setAccessibleName("Close this hint")
        close.clicked.connect(self._on_close_clicked)
        row.addWidget(close)

    def show_way(self, *, contracts: bool) -> None:
        """Say how one trades what is shown: by orders, or by contracts."""
        orders = "Click a price in the ladder, then Buy or Sell in the ticket."
        set_text(self._way, "Choose a stake, then Up or Down in the ticket." if contracts else orders)

    def _on_close_clicked(self) -> None:
        self.hide()
        self.dismissed.emit()


class MainWindow(QMainWindow):
    """The frame of interaction: what is where, and the commands of the window.

    Signals:
        search_wanted: Ctrl+K or the search button.
        close_wanted: the person closes the window; the program saves, disconnects and then calls
            :meth:`close_for_good`.
        hint_dismissed: the first-start hint was closed and need not come again.
        shown_changed: it was minimised, or is back.
        settings_wanted: Ctrl+, or the menu's entry.
        twins_wanted: the menu's entry for the twin map.
        bridge_wanted: the menu's entry for the bridge's panel.
    """

    search_wanted = Signal()
    close_wanted = Signal()
    hint_dismissed = Signal()
    shown_changed = Signal()
    settings_wanted = Signal()
    twins_wanted = Signal()
    bridge_wanted = Signal()

    def __init__(
        self,
        desk: DeskViewModel,
        status: StatusViewModel,
        panels: Mapping[str, Panel],
        layouts: LayoutStore,
        *,
        keys: Sequence[KeyHint] = (),
        show_hint: bool = False,
        dead_man: DeadManViewModel | None = None,
        cross: CrossVenueViewModel | None = None,
    ) -> None:
        super().__init__()
        self._desk = desk
        self._cross = cross
        self._panels = dict(panels)
        self._dead_man = dead_man
        self._connections: ConnectionViewModel = desk.connections
        self._may_close = False
        self._build_ui(status, keys, show_hint)
        self.workspace = DockWorkspace(self, panels, layouts)
        self._build_shortcuts()
        self._bind()
        self._render()
        self._fill_workspace_menu()

    def _build_ui(self, status: StatusViewModel, keys: Sequence[KeyHint], show_hint: bool) -> None:
        self.setWindowTitle("Parallax")
        self.setWindowIcon(icon("app", theme.TEXT))
        self.resize(FIRST_SIZE)
        self.setMinimumSize(1024, 640)
        self.setAnimated(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        head = QWidget()
        box = QVBoxLayout(head)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self.top_bar = TopBar(self._desk, self._desk.notices)
        self.strip = VenueStrip(self._connections, self._dead_man, cross=self._cross)
        self.hint = HintBar()
        self._offers_hint = show_hint
        self.hint.setVisible(show_hint)
        for widget in (self.top_bar, self.strip, self.hint):
            box.addWidget(widget)
        self.setMenuWidget(head)
        self.status = StatusBar(status)
        foot = self.statusBar()
        foot.setSizeGripEnabled(False)
        foot.setFixedHeight(STATUS_PX)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addWidget(self.status, 1)
        self.toasts = ToastHost(self._desk.notices, self, self._toast_room)
        self.centre = NoticeCentre(self._desk.notices, self)
        self.key_overlay = KeyOverlay((*FRAME_KEYS, *keys), self)
        self.switcher = PanelSwitcher(self)

    def _build_shortcuts(self) -> None:
        for keys, act in (
            ("Ctrl+K", self.search_wanted.emit),
            ("Ctrl+,", self.settings_wanted.emit),
            ("Ctrl+Shift+L", self._desk.view_only),
            ("Ctrl+Shift+X", self.open_flatten),
            ("Ctrl+Alt+Z", self._on_undo),
            ("F1", self._on_keys_wanted),
            ("F6", partial(self._walk, 1)),
            ("Shift+F6", partial(self._walk, -1)),
            ("Ctrl+Tab", partial(self._open_switcher, 1)),
            ("Ctrl+Shift+Tab", partial(self._open_switcher, -1)),
            ("Ctrl+Q", self.close),
            *((f"Ctrl+{number}", partial(self._on_number, number)) for number in range(1, 10)),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.ApplicationShortcut)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(act)

    def _bind(self) -> None:
        self._desk.changed.connect(self._render)
        for panel in self._panels.values():
            if panel.link is not None:
                panel.link.changed.watch(self._render_modes)
        self.top_bar.search_wanted.connect(self.search_wanted)
        self.top_bar.flatten_wanted.connect(self.open_flatten)
        self.top_bar.notices_wanted.connect(self._on_notices_wanted)
        self.top_bar.mode_menu.aboutToShow.connect(self._fill_mode_menu)
        self.top_bar.workspace_menu.aboutToShow.connect(self._fill_workspace_menu)
        self.strip.connect_wanted.connect(self.open_connect)
        self.strip.sign_in_wanted.connect(self.open_sign_in)
        self.strip.cross_wanted.connect(partial(self.workspace.show_panel, "cross"))
        self.status.keys_wanted.connect(self._on_keys_wanted)
        self.hint.dismissed.connect(self._on_hint_dismissed)
        self.hint.dismissed.connect(self.hint_dismissed)
        self.hint.connect_wanted.connect(self._on_hint_connect)
        self.switcher.chosen.connect(self.workspace.show_panel)
        self.workspace.changed.connect(self._on_workspace_changed)

    def _render(self) -> None:
        desk = self._desk
        self._render_modes()
        self.setWindowTitle(f"Parallax: {desk.badge}")
        # It says that no money moves: never beside an account where money does.
        self.hint.setVisible(self._offers_hint and self._connections.mode is not Mode.LIVE)

    def _render_modes(self) -> None:
        for key, panel in self._panels.items():
            venue = None
            if panel.link is not None:
                venue = panel.link.instrument.venue if panel.link.instrument is not None else ""
            word, striped = self._desk.panel_mode(venue)
            self.workspace.show_mode(key, word, striped=striped)

    # -- dialogs --------------------------------------------------------------------------------------

    def open_sign_in(self, venue: str) -> None:
        """Open a venue's connection form where it is connected now, to sign in there again."""
        card = self._connections.card(venue)
        self.open_connect(venue, Mode.LIVE if card is not None and card.mode is Mode.LIVE else Mode.PRACTICE)

    def open_connect(self, venue: str, chosen: Mode = Mode.LIVE) -> None:
        """Open a venue's connection form; also that of a venue that can be added. ``chosen``: what a form
        without a page of its own begins with."""
        known = self._connections.infos
        info = known.get(venue) or self._connections.addable[venue]
        card = self._connections.card(venue)
        mode = card.mode if card is not None else None
        dialog: QDialog
        if info.sign_in is not None:
            login = LoginViewModel(info, self._connections.desk, mode)
            dialog = LoginDialog(login, self)
            login.setParent(dialog)
        else:
            if card is not None and card.shape is Shape.OFF:
                mode = None
            vm = ConnectViewModel(info, self._connections.desk, mode, is_new=venue not in known, mode=chosen)
            self._connections.state_changed.connect(vm.on_connection)
            dialog = ConnectDialog(vm, self)
            vm.setParent(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def open_flatten(self) -> None:
        """List what flattening would do."""
        dialog = FlattenDialog(self._desk, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _on_notices_wanted(self) -> None:
        bell = self.top_bar.bell
        self.centre.open_at(bell.mapToGlobal(QPoint(bell.width(), bell.height() + 4)))

    def _on_keys_wanted(self) -> None:
        if self.key_overlay.isVisible():
            self.key_overlay.close_over()
        else:
            self.key_overlay.open_over(self)

    def _on_hint_dismissed(self) -> None:
        self._offers_hint = False

    def _on_hint_connect(self) -> None:
        venue = next((card.venue for card in self._connections.cards if card.can_connect), None)
        if venue is not None:
            self.open_connect(venue)

    def _toast_room(self) -> QRect:
        """Over the chart, below the figures in its corner: there is no button to cover; else over the
        middle."""
        chart = self.workspace.docks.get("chart")
        if chart is not None and chart.isVisible() and not chart.isFloating():
            body = chart.widget()
            if isinstance(body, ChartPanel):
                view = body.view
                return QRect(view.mapTo(self, view.below_legends.topLeft()), view.below_legends.size())
            return QRect(body.mapTo(self, QPoint(0, 0)), body.size())
        bars = self.menuWidget()
        head = bars.height() if bars is not None else 0
        return QRect(0, head + TITLE_PX, self.width(), self.height() - head)

    # -- menus ----------------------------------------------------------------------------------------

    def _fill_mode_menu(self) -> None:
        menu = self.top_bar.mode_menu
        menu.clear()
        for card in self._connections.cards:
            sub = self.strip.menu_for(card.venue)
            sub.setTitle(f"{card.title}: {card.badge or 'not connected'}")
            menu.addMenu(sub)
        self.strip.fill_add_menu(menu)
        menu.addSeparator()
        if self._desk.rehearsals:
            rehearse = QMenu("Rehearse a fault", menu)
            for card in self._connections.cards:
                found = [each for each in self._desk.rehearsals if each.venue == card.venue]
                if found and card.mode is Mode.PRACTICE:
                    sub = rehearse.addMenu(card.title)
                    for each in found:
                        sub.addAction(each.text, each.run)
            rehearse.setEnabled(not rehearse.isEmpty())
            menu.addMenu(rehearse)
        reset = menu.addAction("Reset the practice account…", self._desk.reset_practice)
        reset.setEnabled(self._desk.can_reset_practice)

    def _fill_workspace_menu(self) -> None:
        workspace, menu = self.workspace, self.top_bar.workspace_menu
        menu.clear()
        for at, name in enumerate(workspace.names(), start=1):
            action = menu.addAction(name, partial(workspace.switch, name))
            action.setCheckable(True)
            action.setChecked(name == workspace.name)
            if at <= 9:
                # Shown only: the window has the shortcut itself.
                action.setText(f"{name}\tCtrl+{at}")
        menu.addSeparator()
        panels = QMenu("Panels", menu)
        for key in workspace.panel_keys():
            action = panels.addAction(workspace.title_of(key))
            action.setCheckable(True)
            action.setChecked(workspace.is_open(key))
            action.toggled.connect(partial(workspace.set_open, key))
        menu.addMenu(panels)
        menu.addSeparator()
        menu.addAction("Save as…", self._on_save_as)
        menu.addAction("Delete this workspace", partial(workspace.delete, workspace.name))
        menu.addAction(icon("undo"), "Undo layout change\tCtrl+Alt+Z", self._on_undo)
        menu.addAction("First layout", workspace.reset)
        menu.addSeparator()
        menu.addAction(icon("link"), "Twins…", self.twins_wanted.emit)
        menu.addAction("Bridge for strategies…", self.bridge_wanted.emit)
        menu.addAction(icon("settings"), "Settings…\tCtrl+,", self.settings_wanted.emit)
        menu.addAction("Keys\tF1", self._on_keys_wanted)
        menu.addAction("Quit\tCtrl+Q", self.close)

    def _on_save_as(self) -> None:
        dialog = QInputDialog(self)
        dialog.setInputMode(QInputDialog.InputMode.TextInput)
        dialog.setWindowTitle("Save workspace")
        dialog.setLabelText("Name of the workspace:")
        dialog.textValueSelected.connect(self._on_name_given)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        # Qt makes the field and the buttons when the dialog opens, not before.
        field, buttons = dialog.findChild(QLineEdit), dialog.findChild(QDialogButtonBox)
        assert field is not None
        assert buttons is not None
        field.setMaxLength(60)
        # A name is a file's name: letters, digits, spaces, _ and -.
        letters = QRegularExpression(
            r"\w[\w \-]*", QRegularExpression.PatternOption.UseUnicodePropertiesOption
        )
        field.setValidator(QRegularExpressionValidator(letters, field))
        save = buttons.button(QDialogButtonBox.StandardButton.Ok)
        save.setText("Save")
        dress_input(dialog)
        save.setEnabled(False)
        field.textChanged.connect(lambda text: save.setEnabled(bool(text.strip())))

    def _on_name_given(self, name: str) -> None:
        if not name.strip():
            return
        replaced = self.workspace.replaced_by(name)
        if replaced is None:
            self.workspace.save_as(name)
            return
        question = Confirmation(
            title=f"Replace the workspace “{replaced}”?",
            note="There is one of that name. Its arrangement gives way to the one on screen.",
            confirm_text="Replace",
            tone="danger",
        )
        dialog = ConfirmDialog(question, self)
        dialog.accepted.connect(partial(self.workspace.save_as, replaced))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _on_workspace_changed(self) -> None:
        if self.top_bar.workspace.text() != self.workspace.name:
            self.top_bar.workspace.setText(self.workspace.name)
        if self.strip.line is not None and "cross" in self.workspace.docks:
            self.strip.line.setVisible(not self.workspace.is_in_sight("cross"))

    # -- keys -----------------------------------------------------------------------------------------

    def _on_undo(self) -> None:
        if not self.workspace.undo():
            self._desk.notices.info("There is no layout change to undo.")

    def _on_number(self, number: int) -> None:
        names = self.workspace.names()
        if number <= len(names):
            self.workspace.switch(names[number - 1])

    def _walk(self, step: int) -> None:
        keys = self.workspace.reachable()
        if not keys:
            return
        current = self.workspace.focused_panel()
        at = keys.index(current) if current in keys else (-1 if step > 0 else 0)
        self.workspace.show_panel(keys[(at + step) % len(keys)])

    def _open_switcher(self, step: int) -> None:
        if self.switcher.isVisible():
            self.switcher.step(step)
            return
        panels = [(key, self.workspace.title_of(key)) for key in self.workspace.panel_keys()]
        self.switcher.open_with(panels, self.workspace.focused_panel(), step)

    def fit_to_screen(self, room: QSize | None = None) -> None:
        """Fill a screen that is too small for the window's first size: what hangs over its edge cannot be
        pressed. ``room``: what the screen leaves free, else that of the window's own screen. Before it is
        shown, and before a layout brings its own size."""
        room = room or self.screen().availableGeometry().size()
        if room.width() < FIRST_SIZE.width() or room.height() < FIRST_SIZE.height() + FRAME_PX:
            self.resize(FIRST_SIZE.boundedTo(room - QSize(0, FRAME_PX)))
            self.setWindowState(Qt.WindowState.WindowMaximized)

    # -- closing --------------------------------------------------------------------------------------

    def close_for_good(self) -> None:
        """Close without asking anybody: everything is saved and disconnected."""
        self.workspace.stop()
        self._may_close = True
        self.close()

    # -- Qt's side ------------------------------------------------------------------------------------

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab passes panels behind another tab: the keyboard would be where nobody sees it."""
        for _ in range(_MOST_PASSED):
            if not super().focusNextPrevChild(next):
                return False
            if not self.workspace.covers(QApplication.focusWidget()):
                break
        return True

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange:
            self.shown_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.toasts.place()
        self.workspace.on_window_resized()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self.workspace.save_now()
        self.close_wanted.emit()
