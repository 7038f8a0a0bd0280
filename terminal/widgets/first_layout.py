"""Where the panels stand before anybody has moved one: everything in sight on a wide screen; on a narrow one
ladder and tape are tabs beside the ticket, and the comparison of venues is a line in the venue strip."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow

NARROW_PX = 1600
CROSS_PX = 150
_TAB_BAR_PX = 60
_UPPER = ("watchlist", "chart", "ladder", "tape", "ticket")
_KNOWN = {*_UPPER, "blotter", "cross"}
_SECOND = "chart2"
"""Nobody has asked for a second chart at first."""
_TOP = Qt.DockWidgetArea.TopDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class FirstLayout:
    """Arranges docks by the window's width, and again by its new one while nobody has moved a panel."""

    def __init__(self, window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
        self._window = window
        self._docks = docks
        self._is_folded = False
        """The comparison of venues has given way to a narrow window, and comes back with a wide one."""

    @property
    def is_narrow(self) -> bool:
        return self._window.width() < NARROW_PX

    def arrange(self) -> None:
        """Put every panel into its first place, at its first size."""
        window, docks = self._window, self._docks
        for dock in docks.values():
            dock.setFloating(False)
            window.removeDockWidget(dock)
        before: QDockWidget | None = None
        for key in _UPPER:
            if key not in docks or (key == "tape" and "ladder" in docks):
                continue
            if before is None:
                window.addDockWidget(_TOP, docks[key])
            else:
                window.splitDockWidget(before, docks[key], Qt.Orientation.Horizontal)
            before = docks[key]
        self._place_tape()
        if "blotter" in docks:
            window.addDockWidget(_BOTTOM, docks["blotter"])
        for key in docks.keys() - _KNOWN - {_SECOND}:
            window.addDockWidget(_TOP, docks[key])
        for key, dock in docks.items():
            dock.setVisible(key != _SECOND)
        self._is_folded = self.is_narrow
        self._place_cross()
        if "chart" in docks and _SECOND in docks:
            window.splitDockWidget(docks["chart"], docks[_SECOND], Qt.Orientation.Horizontal)
            docks[_SECOND].hide()
        layout = window.layout()
        if layout is not None:
            layout.activate()
        self.size()

    def size(self) -> None:
        """Give every panel its first size."""
        narrow, window = self.is_narrow, self._window
        widths = (
            {"watchlist": 246, "ladder": 270, "ticket": 290}
            if narrow
            else {"watchlist": 292, "ladder": 300, "ticket": 300}
        )
        used = sum(width for key, width in widths.items() if key in self._docks)
        widths["chart"] = max(300, window.width() - used - 12)
        self._resize(widths, Qt.Orientation.Horizontal)
        blotter = 160 if narrow else 210
        upper = max(200, window.height() - blotter - 110)
        self._resize({"chart": upper, "blotter": blotter}, Qt.Orientation.Vertical)
        if not narrow:
            self._resize({"ladder": upper - 220, "tape": 220}, Qt.Orientation.Vertical)
        if "cross" in self._docks and self.shows("cross"):
            self._resize({"chart": upper - CROSS_PX, "cross": CROSS_PX}, Qt.Orientation.Vertical)

    def make_room(self, key: str) -> None:
        """A second chart that has just been opened beside the first one has as much room as that."""
        chart, second = self._docks.get("chart"), self._docks.get(_SECOND)
        if key != _SECOND or chart is None or second is None:
            return
        if layout := self._window.layout():
            layout.activate()
        if not second.isFloating() and chart.y() == second.y():
            half = (chart.width() + second.width()) // 2
            self._resize({"chart": half, _SECOND: half}, Qt.Orientation.Horizontal)

    def shows(self, key: str) -> bool:
        """Whether a panel is in sight at first in a window of this width."""
        return key != _SECOND and (key != "cross" or not self.is_narrow)

    def follow_width(self) -> bool:
        """Put ladder and tape into tabs, or out of them, where the window has become narrow or wide. False
        where that is not due, or where a panel does not stand where it stood first."""
        if not {"ladder", "tape"} <= self._docks.keys():
            return False
        if not self._stands(narrow=not self.is_narrow):
            return self._unfold()
        tape = self._docks["tape"]
        self._window.removeDockWidget(tape)
        self._place_tape()
        tape.show()
        if self.is_narrow:
            self._docks["ladder"].raise_()
        cross = self._docks.get("cross")
        if cross is not None and (self._is_folded or not cross.isHidden()):
            self._is_folded = self.is_narrow
            self._place_cross()
        return True

    def _unfold(self) -> bool:
        """What was folded away before a wide layout came back has its room now; False where nothing was."""
        if self.is_narrow or not self._is_folded or not self._stands(narrow=False):
            return False
        self._is_folded = False
        self._place_cross()
        return True

    def _place_cross(self) -> None:
        """Under the chart, or folded away."""
        cross, chart = self._docks.get("cross"), self._docks.get("chart")
        if cross is None:
            return
        if chart is not None:
            self._window.splitDockWidget(chart, cross, Qt.Orientation.Vertical)
        cross.setVisible(self.shows("cross"))

    def _place_tape(self) -> None:
        ladder, tape = self._docks.get("ladder"), self._docks.get("tape")
        if ladder is None or tape is None:
            return
        if self.is_narrow:
            self._window.addDockWidget(_TOP, tape)
            self._window.tabifyDockWidget(ladder, tape)
            ladder.raise_()
        else:
            self._window.splitDockWidget(ladder, tape, Qt.Orientation.Vertical)

    def _stands(self, *, narrow: bool) -> bool:
        """Whether the panels stand as in the first layout of a narrow or of a wide window, at any sizes."""
        window, docks = self._window, self._docks
        known = {key: docks[key] for key in docks if key in _KNOWN}
        if "cross" in known and docks["cross"].isHidden():
            del known["cross"]
        if any(dock.isHidden() or dock.isFloating() for dock in known.values()):
            return False
        for key, dock in known.items():
            if window.dockWidgetArea(dock) is not (_BOTTOM if key == "blotter" else _TOP):
                return False
            mate = {"ladder": "tape", "tape": "ladder"}.get(key) if narrow else None
            if window.tabifiedDockWidgets(dock) != ([docks[mate]] if mate else []):
                return False
        ladder, tape = docks["ladder"].geometry(), docks["tape"].geometry()
        if not narrow and (ladder.x() != tape.x() or ladder.y() >= tape.y()):
            return False
        if "cross" in known:
            chart, cross = docks["chart"].geometry(), docks["cross"].geometry()
            if chart.x() != cross.x() or chart.y() >= cross.y():
                return False
        shown = [docks["tape" if narrow and key == "ladder" and _is_behind(docks[key]) else key]
                 for key in ("watchlist", "chart", "ladder", "ticket") if key in docks]  # fmt: skip
        places = [dock.geometry() for dock in shown]
        return all(
            left.x() < right.x() and abs(left.y() - right.y()) < _TAB_BAR_PX
            for left, right in itertools.pairwise(places)
        )

    def _resize(self, sizes: Mapping[str, int], orientation: Qt.Orientation) -> None:
        found = {key: size for key, size in sizes.items() if key in self._docks}
        self._window.resizeDocks([self._docks[key] for key in found], list(found.values()), orientation)


def _is_behind(dock: QDockWidget) -> bool:
    """Whether another tab of its place is in front of it: its own geometry is then an old one."""
    return dock.visibleRegion().isEmpty()
