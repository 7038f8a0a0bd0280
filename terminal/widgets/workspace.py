"""Where the panels stand: docks, named layouts, undo, and what happens when a layout does not fit any more.

One small interface, one implementation on ``QDockWidget``; another docking library could take its place.
Saving, undoing and mending a layout all turn on the same docks, and stay together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QByteArray, QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QMoveEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QTabWidget, QWidget

from terminal.viewmodels.layouts import Layout, LayoutStore, safe_name
from terminal.widgets import theme
from terminal.widgets.first_layout import FirstLayout
from terminal.widgets.panels import Panel, PanelTitleBar

SAVE_AFTER_MS = 2000
UNDO_STEPS = 20
DEFAULT_NAME = "Start"
_SIZED_BY_HAND = "sized_by_hand"
_CHOSEN_SIZES = "chosen_sizes"
_MIN_VISIBLE_PX = 60
_FLOAT_SHIFT = QPoint(24, 32)
_TOP = Qt.DockWidgetArea.TopDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class Workspace(Protocol):
    """What the window needs of a docking implementation."""

    name: str

    def start(self, *, restore: bool = True) -> None:
        """Put the panels where they stood at the end of the last run, or where they stand at first."""
        ...

    def names(self) -> list[str]: ...

    def switch(self, name: str) -> None: ...

    def save_as(self, name: str) -> None: ...

    def delete(self, name: str) -> None: ...

    def reset(self) -> None: ...

    def undo(self) -> bool: ...

    def save_now(self) -> None: ...

    def panel_keys(self) -> list[str]: ...

    def is_open(self, key: str) -> bool: ...

    def set_open(self, key: str, open_: bool) -> None: ...

    def show_panel(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Snapshot:
    state: bytes
    geometry: bytes
    size: QSize


@dataclass(frozen=True, slots=True)
class _Sizes:
    """How large the panels were in a window of which size."""

    window: QSize
    docks: Mapping[str, QSize]

    def kept(self) -> dict[str, list[int]]:
        """As a layout's file keeps them; the window's are under an empty name."""
        return {key: [size.width(), size.height()] for key, size in {"": self.window, **self.docks}.items()}

    @classmethod
    def of(cls, kept: object) -> _Sizes | None:
        """Those of a layout's file; None where it has none that can be read."""
        if not isinstance(kept, dict):
            return None
        try:
            sizes = {str(key): QSize(int(width), int(height)) for key, (width, height) in kept.items()}
        except (TypeError, ValueError, OverflowError):
            return None
        window = sizes.pop("", None)
        return cls(window, sizes) if window is not None and not window.isEmpty() else None


class _Border(QWidget):
    """A hairline around a floating panel: Qt gives one with a title bar of its own no frame at all."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QColor(theme.MUTED))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


class PanelDock(QDockWidget):
    """A dock that tells when it was moved or resized.

    Signals:
        reshaped: its place or size changed.
    """

    reshaped = Signal()

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(title, parent)
        self._border = _Border(self)
        self.topLevelChanged.connect(self._on_top_level_changed)

    def _on_top_level_changed(self, floats: bool) -> None:
        self._border.setVisible(floats)
        self._border.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._border.setGeometry(self.rect())
        self._border.raise_()
        self.reshaped.emit()

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self.reshaped.emit()


class DockWorkspace(QObject):
    """Panels as docks of a main window.

    Signals:
        changed: another layout, or panels were opened or closed.

    Attributes:
        name: the layout that is shown.
    """

    changed = Signal()

    def __init__(self, window: QMainWindow, panels: Mapping[str, Panel], store: LayoutStore) -> None:
        super().__init__(window)
        self.name = DEFAULT_NAME
        self.docks: dict[str, PanelDock] = {}
        self.bars: dict[str, PanelTitleBar] = {}
        self._window = window
        self._panels = dict(panels)
        self._store = store
        self._undo: list[_Snapshot] = []
        self._last: _Snapshot | None = None
        self._is_arranging = False
        self._kept: dict[str, tuple[Callable[[], object], Callable[[object], object]]] = {}
        self._kept_changed = False
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(SAVE_AFTER_MS)
        self._save_timer.timeout.connect(self._save_if_changed)
        self._wanted = _Sizes(window.size(), {})
        self._fit_timer = QTimer(self)
        self._fit_timer.setSingleShot(True)
        self._fit_timer.setInterval(0)
        self._fit_timer.timeout.connect(self._fit)
        self._build_docks()
        self._first = FirstLayout(window, self.docks)
        self._sized_by_hand = False

    def _build_docks(self) -> None:
        window = self._window
        window.setDockNestingEnabled(True)
        window.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.GroupedDragging
        )
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        window.setDocumentMode(True)
        for corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
            window.setCorner(corner, Qt.DockWidgetArea.BottomDockWidgetArea)
        for key, panel in self._panels.items():
            dock = PanelDock(panel.title, window)
            dock.setObjectName(f"panel-{key}")
            bar = PanelTitleBar(panel)
            dock.setTitleBarWidget(bar)
            dock.setWidget(panel.widget)
            bar.float_wanted.connect(self._on_float_wanted)
            bar.close_wanted.connect(dock.close)
            dock.visibilityChanged.connect(self._on_changed)
            dock.topLevelChanged.connect(self._on_changed)
            dock.dockLocationChanged.connect(self._on_changed)
            dock.reshaped.connect(self._on_reshaped)
            self.docks[key], self.bars[key] = dock, bar

    def _on_float_wanted(self) -> None:
        bar = self.sender()
        dock = next(dock for key, dock in self.docks.items() if self.bars[key] is bar)
        floats = not dock.isFloating()
        place = QRect(dock.mapToGlobal(QPoint(0, 0)), dock.size())
        dock.setFloating(floats)
        if floats:
            # Beside its old place: exactly over the others it would look like one of them.
            dock.setGeometry(place.translated(_FLOAT_SHIFT))
            found = _place_on_screen(dock)
            if found is not None:
                dock.setGeometry(found)

    def keep(self, name: str, save: Callable[[], object], load: Callable[[object], object]) -> None:
        """Keep something more with each layout, under a name: ``save`` gives it as JSON can hold it, ``load``
        takes it again, or None where a layout has nothing of the kind. Before :meth:`start`."""
        self._kept[name] = (save, load)

    def kept_changed(self) -> None:
        """Something that is kept with the layout has changed: save it soon."""
        if not self._is_arranging:
            self._kept_changed = True
            self._save_soon()

    # -- the window's size ----------------------------------------------------------------------------

    def on_window_resized(self) -> None:
        """The window has another size: the panels are fitted to it once it has laid them out."""
        if not self._is_arranging:
            self._fit_timer.start()

    def _docked(self, area: Qt.DockWidgetArea) -> dict[str, PanelDock]:
        """The panels of an area that are in sight and in front, the highest first."""
        found = {
            key: dock
            for key, dock in self.docks.items()
            if dock.isVisible()
            and not dock.isFloating()
            and self._window.dockWidgetArea(dock) is area
            and not dock.visibleRegion().isEmpty()
        }
        return dict(sorted(found.items(), key=lambda item: -item[1].height()))

    def _remember_sizes(self) -> None:
        docks = {**self._docked(_TOP), **self._docked(_BOTTOM)}
        # A panel behind a tab has the size of the one in front, whatever its own was when it was last seen.
        sizes = {
            each: dock.size()
            for dock in docks.values()
            for each, mate in self.docks.items()
            if mate is dock or mate in self._window.tabifiedDockWidgets(dock)
        }
        self._wanted = _Sizes(self._window.size(), sizes)

    def _fit(self) -> None:
        """Keep the panels beside and below the chart at the sizes that were chosen: a window that grows gives
        the room to the chart, one that shrinks takes from all. Qt alone would give most of it to the others
        after the window was small for a moment."""
        if self._follow_width() and not self._sized_by_hand:
            return
        self._fit_heights()
        self._fit_widths()

    def _follow_width(self) -> bool:
        """Ladder and tape are tabs in a narrow window and stand apart in a wide one, as long as every panel
        stands where it stood first; what somebody has moved stays where he put it."""
        self._is_arranging = True
        try:
            if not self._first.follow_width():
                return False
            if not self._sized_by_hand:
                self._first.size()
            QApplication.sendPostedEvents(self._window, QEvent.Type.LayoutRequest.value)
        finally:
            self._is_arranging = False
        self._tidy_titles()
        if not self._sized_by_hand:
            self._remember_sizes()
        self._save_soon()
        self.changed.emit()
        return True

    def _fit_heights(self) -> None:
        upper = list(self._docked(_TOP).values())
        lower = self._docked(_BOTTOM)
        known = [key for key in lower if key in self._wanted.docks]
        if not upper or not known:
            return
        share = min(1.0, self._window.height() / max(1, self._wanted.window.height()))
        dock, wanted = lower[known[0]], round(self._wanted.docks[known[0]].height() * share)
        rest = upper[0].height() + dock.height() - wanted
        if wanted != dock.height() and rest > 0:
            self._window.resizeDocks([upper[0], dock], [rest, wanted], Qt.Orientation.Vertical)
        self._fit_cross(share)

    def _fit_cross(self, share: float) -> None:
        """What stands under the chart keeps its height: the chart takes and gives the room."""
        upper = self._docked(_TOP)
        chart, cross = upper.get("chart"), upper.get("cross")
        if chart is None or cross is None or "cross" not in self._wanted.docks or chart.x() != cross.x():
            return
        wanted = round(self._wanted.docks["cross"].height() * share)
        rest = chart.height() + cross.height() - wanted
        if wanted != cross.height() and rest > wanted:
            self._window.resizeDocks([chart, cross], [rest, wanted], Qt.Orientation.Vertical)

    def _fit_widths(self) -> None:
        upper = {key: dock for key, dock in self._docked(_TOP).items() if key in self._wanted.docks}
        if len(upper) < 2:
            return
        share = min(1.0, self._window.width() / max(1, self._wanted.window.width()))
        widest = max(upper, key=lambda key: self._wanted.docks[key].width())
        room = upper[widest].width()
        sizes: dict[PanelDock, int] = {}
        columns: set[int] = {upper[widest].x()}
        for key, dock in upper.items():
            if key == widest or dock.x() == upper[widest].x():
                continue
            sizes[dock] = round(self._wanted.docks[key].width() * share)
            if dock.x() not in columns:
                columns.add(dock.x())
                room += dock.width() - sizes[dock]
        if sizes and room > 0:
            sizes[upper[widest]] = room
            self._window.resizeDocks(list(sizes), list(sizes.values()), Qt.Orientation.Horizontal)

    # -- arranging ------------------------------------------------------------------------------------

    def start(self, *, restore: bool = True) -> None:
        """See :class:`Workspace`. Call it when the window has its size."""
        self.name = (restore and self._store.last_used()) or DEFAULT_NAME
        layout = self._store.load(self.name) if restore else None
        self._arrange(layout)
        self._last = self._snapshot()
        if layout is None:
            self._write(self._last)
        self._store.set_last_used(self.name)
        # No control is lit before a key is pressed.
        self._window.setFocus()
        self.changed.emit()

    def _arrange(self, layout: Layout | None, *, with_geometry: bool = True) -> None:
        self._is_arranging = True
        chosen: _Sizes | None = None
        try:
            for name, (_, load) in self._kept.items():
                load(None if layout is None else layout.settings.get(name))
            if layout is not None and self._restore(layout, with_geometry=with_geometry):
                chosen = _Sizes.of(layout.settings.get(_CHOSEN_SIZES))
            else:
                self._first.arrange()
                self._sized_by_hand = False
            self._bring_back()
            # Qt lays docks out with the next events; what is saved or painted before must not be half-way.
            QApplication.sendPostedEvents(self._window, QEvent.Type.LayoutRequest.value)
        finally:
            self._is_arranging = False
        self._tidy_titles()
        self._remember_sizes()
        if chosen is not None:
            # What the panels had in the end may be what a window left them that was small for a moment.
            self._wanted = chosen
        # A layout of a wide window may have come back in a narrow one.
        self._fit_timer.start()

    def _restore(self, layout: Layout, *, with_geometry: bool) -> bool:
        if with_geometry and layout.geometry:
            self._window.restoreGeometry(QByteArray(layout.geometry))
        self._first.arrange()  # panels that the layout does not know yet get their first place
        if not self._window.restoreState(QByteArray(layout.state)):
            self._store.on_notice(f"The layout “{self.name}” could not be used; the first one is shown.")
            return False
        for key in self.docks.keys() - set(layout.panels):
            self.docks[key].setVisible(self._first.shows(key))
        self._sized_by_hand = bool(layout.settings.get(_SIZED_BY_HAND, True))
        return True

    def _bring_back(self) -> None:
        """Move windows that no screen shows to the primary one."""
        for widget in (self._window, *(dock for dock in self.docks.values() if dock.isFloating())):
            place = _place_on_screen(widget)
            if place is not None:
                widget.setGeometry(place)

    # -- layouts --------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The saved layouts; the shown one is always among them."""
        return sorted({*self._store.names(), self.name})

    def switch(self, name: str) -> None:
        """Show another layout; the one before is saved."""
        if name == self.name:
            return
        self.save_now()
        self.name = name
        self._undo.clear()
        self._arrange(self._store.load(name), with_geometry=False)
        self._last = self._snapshot()
        self._store.set_last_used(name)
        self.changed.emit()

    def replaced_by(self, name: str) -> str | None:
        """The saved layout that :meth:`save_as` would overwrite; None where there is none, or it is the one
        that is shown. Case does not count: on some systems two such names are one file."""
        wanted = safe_name(name).casefold()
        found = next((each for each in self.names() if each.casefold() == wanted), None)
        return None if found == self.name else found

    def save_as(self, name: str) -> None:
        """Keep the present arrangement under another name and go on with it."""
        self.save_now()
        self.name = safe_name(name)
        self._write(self._snapshot())
        self._store.set_last_used(self.name)
        self.changed.emit()

    def delete(self, name: str) -> None:
        """Remove a saved layout; the shown one goes back to the first arrangement."""
        self._store.delete(name)
        if name == self.name:
            self.name = DEFAULT_NAME
            self.reset()
            self._store.set_last_used(self.name)
        self.changed.emit()

    def reset(self) -> None:
        """Put every panel where it stands at first; can be undone."""
        self._remember()
        self._arrange(None)
        self._save_soon()
        self.changed.emit()

    def undo(self) -> bool:
        """Take the last change of the layout back; False where there is none."""
        now = self._snapshot()
        while self._undo or self._last is not None:
            if self._last is not None and self._last.state != now.state:
                target, self._last = self._last, None
            elif self._undo:
                target, self._last = self._undo.pop(), None
            else:
                self._last = now
                return False
            if target.state != now.state:
                break
        else:
            return False
        self._is_arranging = True
        try:
            self._window.restoreState(QByteArray(target.state))
        finally:
            self._is_arranging = False
        self._tidy_titles()
        self._remember_sizes()
        self._last = self._snapshot()
        self._write(self._last)
        self.changed.emit()
        return True

    def save_now(self) -> None:
        """Write the layout if it has changed."""
        self._save_timer.stop()
        self._save_if_changed()

    def stop(self) -> None:
        """Watch the layout no longer: the window is about to go."""
        self._save_timer.stop()
        self._fit_timer.stop()
        self._is_arranging = True

    def _remember(self) -> None:
        if self._last is not None:
            self._undo.append(self._last)
            del self._undo[:-UNDO_STEPS]

    def _save_soon(self) -> None:
        self._save_timer.start()

    def _save_if_changed(self) -> None:
        now = self._snapshot()
        last = self._last
        is_same = last is not None and (now.state, now.geometry) == (last.state, last.geometry)
        if is_same and not self._kept_changed:
            return
        self._kept_changed = False
        # A resized window moves every splitter: that is no change of the layout that one would undo.
        if last is not None and now.size == last.size and now.state != last.state:
            self._remember()
        self._last = now
        self._write(now)

    def _write(self, snapshot: _Snapshot) -> None:
        settings = {name: save() for name, (save, _) in self._kept.items()}
        settings |= {_SIZED_BY_HAND: self._sized_by_hand, _CHOSEN_SIZES: self._wanted.kept()}
        self._store.save(self.name, Layout(snapshot.geometry, snapshot.state, tuple(self.docks), settings))

    def _snapshot(self) -> _Snapshot:
        window = self._window
        return _Snapshot(bytes(window.saveState().data()), bytes(window.saveGeometry().data()), window.size())

    # -- panels ---------------------------------------------------------------------------------------

    def panel_keys(self) -> list[str]:
        """All panels, in their own order."""
        return list(self.docks)

    def title_of(self, key: str) -> str:
        return self._panels[key].title

    def is_open(self, key: str) -> bool:
        """Whether a panel is in the layout at all; it may stand behind another tab."""
        return not self.docks[key].isHidden()

    def is_in_sight(self, key: str) -> bool:
        """Whether a panel is open and no tab is in front of it."""
        dock = self.docks[key]
        return not dock.isHidden() and not (self._window.isVisible() and dock.visibleRegion().isEmpty())

    def set_open(self, key: str, open_: bool) -> None:
        """Open or close a panel."""
        dock = self.docks[key]
        was_closed = dock.isHidden()
        dock.setVisible(open_)
        if open_:
            dock.raise_()
            if was_closed:
                self._first.make_room(key)
            place = _place_on_screen(dock) if dock.isFloating() else None
            if place is not None:
                dock.setGeometry(place)

    def show_panel(self, key: str) -> None:
        """Bring a panel to the front and give it the keyboard."""
        self.set_open(key, True)
        dock = self.docks[key]
        dock.raise_()
        dock.activateWindow()
        target = _first_focusable(self._panels[key].widget)
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focused_panel(self) -> str | None:
        """The panel that has the keyboard."""
        candidates: tuple[QWidget | None, ...] = (QApplication.focusWidget(), self._window.focusWidget())
        for focus in candidates:
            for key, dock in self.docks.items():
                if focus is not None and dock.isAncestorOf(focus):
                    return key
        return None

    def covers(self, widget: QWidget | None) -> bool:
        """Whether a control stands in a panel behind another tab."""
        return widget is not None and any(
            dock.isAncestorOf(widget) and dock.visibleRegion().isEmpty() for dock in self.docks.values()
        )

    def reachable(self) -> list[str]:
        """Open panels that are in front, column by column as they stand, the lower ones and windows of their
        own at the end: what F6 walks through."""
        shown = {key: dock for key, dock in self.docks.items() if not dock.visibleRegion().isEmpty()}

        def place(key: str) -> tuple[bool, bool, int, int]:
            dock = shown[key]
            is_low = self._window.dockWidgetArea(dock) is _BOTTOM
            return dock.isFloating(), is_low, dock.x(), dock.y()

        return sorted(shown, key=place)

    def show_mode(self, key: str, word: str, *, striped: bool) -> None:
        """Say in an order panel whose money its orders move."""
        self.bars[key].show_mode(word, striped=striped)

    def _on_reshaped(self) -> None:
        if not self._is_arranging:
            self._save_soon()
            # Only a hand on a splitter says how high a panel shall be.
            if QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton and not self._fit_timer.isActive():
                self._remember_sizes()
                self._sized_by_hand = True

    def _on_changed(self, *_: object) -> None:
        if not self._is_arranging:
            self._save_soon()
            self._tidy_titles()
            self.changed.emit()

    def _tidy_titles(self) -> None:
        for key, dock in self.docks.items():
            self.bars[key].show_title(not self._window.tabifiedDockWidgets(dock) or dock.isFloating())


def _place_on_screen(widget: QWidget) -> QRect | None:
    """Where to move a window that no screen shows enough of; None where it may stay."""
    frame = widget.frameGeometry()
    for screen in QGuiApplication.screens():
        seen = screen.availableGeometry().intersected(frame)
        if seen.width() >= _MIN_VISIBLE_PX and seen.height() >= _MIN_VISIBLE_PX:
            return None
    room = QGuiApplication.primaryScreen().availableGeometry()
    size = frame.size().boundedTo(room.size())
    return QRect(room.center() - QRect(0, 0, size.width(), size.height()).center(), size)


def _first_focusable(widget: QWidget) -> QWidget:
    """Where the keyboard goes when a panel is reached: itself, or the first control in it that takes it."""
    if widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
        return widget
    for child in widget.findChildren(QWidget):
        if child.isVisible() and child.isEnabled() and child.focusPolicy() & Qt.FocusPolicy.TabFocus:
            return child
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return widget
