"""What mouse and keys do to a chart's indicators: legends are clicked, panes are dragged, menus opened."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from terminal.viewmodels.chart import ChartViewModel
from terminal.widgets.chart_indicator_form import IndicatorForm, fill_menu
from terminal.widgets.chart_picture import ChartPicture


class IndicatorHand:
    """Takes from the chart's own events what is meant for an indicator."""

    def __init__(self, view: QWidget, vm: ChartViewModel, picture: ChartPicture) -> None:
        self._view, self._vm, self._picture = view, vm, picture
        self._edge: int | None = None

    @property
    def drags(self) -> bool:
        """The edge of a pane is being dragged."""
        return self._edge is not None

    def press(self, at: QPoint) -> bool:
        """The left button went down; True where that was for an indicator."""
        key = self._picture.indicators.legend_at(at)
        if key is not None:
            self.open_form(key, at)
            return True
        self._edge = self._picture.indicators.edge_at(self._picture.geometry, at)
        return self.drags

    def drag(self, at: QPoint) -> None:
        """The pointer moved with an edge."""
        assert self._edge is not None
        room = self._picture.room(self._view.size())
        top = dict(self._picture.geometry.panes).get(self._edge)
        if top is not None:
            # Measured from the edge itself: where it stops, it waits for the pointer to come back.
            self._vm.indicators.drag_pane(self._edge, at.y() - top.top(), room)

    def release(self) -> bool:
        """The button is let go of; True where an edge was dragged."""
        dragged, self._edge = self.drags, None
        return dragged

    def shape_at(self, at: QPoint) -> tuple[Qt.CursorShape, str] | None:
        """The pointer's shape and tip over what belongs to an indicator."""
        key = self._picture.indicators.legend_at(at)
        one = self._vm.indicators.find(key) if key is not None else None
        if one is not None:
            return Qt.CursorShape.PointingHandCursor, f"{one.info.name}: set, hide or remove it"
        if self._picture.indicators.edge_at(self._picture.geometry, at) is not None:
            return Qt.CursorShape.SizeVerCursor, "Drag to make the pane higher or lower"
        return None

    def indicator_at(self, at: QPoint) -> int | None:
        """The indicator whose legend or pane is at a point."""
        key = self._picture.indicators.legend_at(at)
        pane = self._picture.geometry.pane_at(at.y())
        return key if key is not None else pane[0] if pane is not None else None

    def open_form(self, key: int, at: QPoint) -> None:
        """The form of an indicator, under a point of the chart."""
        if self._vm.indicators.find(key) is not None:
            form = IndicatorForm(self._vm.indicators, key, self._view)
            form.open_at(self._view.mapToGlobal(at + QPoint(0, 12)))

    def open_menu(self, at: QPoint) -> None:
        """All indicators."""
        menu = QMenu(self._view)
        fill_menu(menu, self._vm.indicators, lambda key: self.open_form(key, at))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._view.mapToGlobal(at))

    def open_own_menu(self, key: int, at: QPoint) -> None:
        """What can be done with one indicator."""
        indicators = self._vm.indicators
        one = indicators.find(key)
        if one is None:
            return
        menu = QMenu(self._view)
        menu.addAction(one.label).setEnabled(False)
        menu.addAction("Set it…", partial(self.open_form, key, at))
        words = "Show" if one.hidden else "Hide"
        menu.addAction(words, partial(indicators.change, key, hidden=not one.hidden))
        menu.addAction("Remove", partial(indicators.remove, key))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._view.mapToGlobal(at))
