"""Tables with their columns as data: what the blotter's views show, sort and edit.

A row is an immutable picture with a key. New rows are compared with the shown ones, so that a selection,
a scroll position and an open editor survive an update of the cells around them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

R = TypeVar("R")
Index = QModelIndex | QPersistentModelIndex
SortKey = Decimal | int | float | str | None

TONE_ROLE = Qt.ItemDataRole.UserRole + 1
"""The name of a tone ("up", "down", "muted", "warning", "danger") or ""; the view has the colours."""
ROW_ROLE = Qt.ItemDataRole.UserRole + 2
NUMBER_ROLE = Qt.ItemDataRole.UserRole + 3
ACTIONS_ROLE = Qt.ItemDataRole.UserRole + 4

_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


@dataclass(frozen=True, slots=True)
class Action:
    """A button inside a row. ``key`` comes back when it is pressed."""

    key: str
    text: str
    tip: str = ""
    checked: bool | None = None
    """A tick instead of a button; None: a button. The text then stands in the row's menu alone."""
    enabled: bool = True
    in_row: bool = True
    """False: only in the row's menu."""


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """One column: its title and how to read a row. ``width`` in pixels at Standard density."""

    key: str
    title: str
    text: Callable[[R], str]
    width: int = 90
    number: bool = False
    """Right-aligned, sorted by ``sort``; trailing zeros are drawn muted."""
    sort: Callable[[R], SortKey] | None = None
    """The value to sort by; the text where there is none. Unknown (None) is last either way."""
    tone: Callable[[R], str] | None = None
    tip: Callable[[R], str] | None = None
    editable: Callable[[R], bool] | None = None
    edit_text: Callable[[R], str] | None = None
    actions: Callable[[R], tuple[Action, ...]] | None = None
    title_tip: str = ""
    grows: bool = False
    """Takes what its texts need of the width that the table has to spare; cut in the middle without it."""


class TableModel(QAbstractTableModel, Generic[R]):
    """Rows of one kind behind a table view.

    Signals:
        edited: (row key, column key, text) a person finished editing a cell; the model itself is unchanged
            until new rows say so.
    """

    edited = Signal(object, str, str)

    def __init__(
        self,
        columns: Sequence[Column[R]],
        key: Callable[[R], Hashable],
        *,
        sort_by: str | None = None,
        descending: bool = False,
        gone_text: str = "gone",
        parent: QObject | None = None,
    ) -> None:
        """``gone_text`` stands in place of the buttons of a row that has gone while the rows are held."""
        super().__init__(parent)
        self.columns = tuple(columns)
        self._key = key
        self._rows: list[R] = []
        self._given: list[R] = []
        self._ended: dict[Hashable, R] = {}
        self._gone: frozenset[Hashable] = frozenset()
        self._gone_text = gone_text
        self._is_held = False
        self._sort_column = self.column_of(sort_by) if sort_by is not None else -1
        self._descending = descending

    # -- rows -----------------------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[R]:
        """As shown, top first; without those that have gone and only keep their place."""
        if not self._gone:
            return self._rows
        return [row for row in self._rows if self._key(row) not in self._gone]

    @property
    def sorting(self) -> tuple[int, Qt.SortOrder]:
        """The column sorted by (-1: as given) and the direction."""
        order = Qt.SortOrder.DescendingOrder if self._descending else Qt.SortOrder.AscendingOrder
        return self._sort_column, order

    def column_of(self, key: str) -> int:
        """The position of a column; raises ValueError where there is none."""
        return [column.key for column in self.columns].index(key)

    def row_of(self, key: Hashable) -> int | None:
        """Where a row is shown now."""
        return next((at for at, row in enumerate(self._rows) if self._key(row) == key), None)

    def key_at(self, row: int) -> Hashable:
        """The key of a shown row."""
        return self._key(self._rows[row])

    def is_gone(self, row: int) -> bool:
        """Whether a shown row has gone and only keeps its place, with nothing left that could be done."""
        return self._key(self._rows[row]) in self._gone

    def hold(self, on: bool) -> None:
        """Keep every row in its place while a pointer is over them, so that none slides under it.

        What goes meanwhile stays as a greyed row without buttons, what is new comes last; letting go puts
        all in order.
        """
        if on is not self._is_held:
            self._is_held = on
            self.set_rows(self._given, ended=self._ended.values())

    def let_gone_go(self) -> None:
        """Close the gaps that have been kept, and go on holding the rest."""
        if self._gone:
            held, self._is_held = self._is_held, False
            self.set_rows(self._given)
            self._is_held = held

    def set_rows(self, rows: Sequence[R], *, ended: Iterable[R] = ()) -> None:
        """Show these rows instead, touching only what differs. ``ended``: how others stand now that are not
        shown, for those of them that only keep their place."""
        self._given = list(rows)
        self._ended = {self._key(row): row for row in ended}
        before = self._gone
        target = self._in_place(self._given) if self._is_held else self._in_order(self._given)
        keys = [self._key(row) for row in target]
        self._gone = frozenset(keys) - {self._key(row) for row in self._given}
        self._show(target, keys)
        for key in self._gone ^ before:
            at = self.row_of(key)
            if at is not None:
                self.dataChanged.emit(self.index(at, 0), self.index(at, len(self.columns) - 1), [])

    def _in_place(self, rows: list[R]) -> list[R]:
        """Each row where its key stands now, gone ones included; new ones after them."""
        fresh = {self._key(row): row for row in rows}
        keyed = [(self._key(row), row) for row in self._rows]
        kept = [fresh.pop(key, self._ended.get(key, row)) for key, row in keyed]
        return kept + self._in_order(list(fresh.values()))

    def _show(self, target: list[R], keys: list[Hashable]) -> None:
        wanted = set(keys)
        for at in range(len(self._rows) - 1, -1, -1):
            if self._key(self._rows[at]) not in wanted:
                self.beginRemoveRows(QModelIndex(), at, at)
                del self._rows[at]
                self.endRemoveRows()
        have = {self._key(row) for row in self._rows}
        for at, row in enumerate(target):
            if keys[at] not in have:
                place = min(at, len(self._rows))
                self.beginInsertRows(QModelIndex(), place, place)
                self._rows.insert(place, row)
                self.endInsertRows()
        if [self._key(row) for row in self._rows] != keys:
            self._arrange([self._rows[at] for at in self._positions(keys)])
        for at, row in enumerate(target):
            before = self._rows[at]
            if before != row:
                self._rows[at] = row
                self._tell_cells(at, before, row)

    def _positions(self, keys: Sequence[Hashable]) -> list[int]:
        where = {self._key(row): at for at, row in enumerate(self._rows)}
        return [where[key] for key in keys]

    def _arrange(self, rows: list[R]) -> None:
        """Put the same rows into another order; selection and editors stay with their row."""
        self.layoutAboutToBeChanged.emit()
        old = [self._key(row) for row in self._rows]
        places = {self._key(row): at for at, row in enumerate(rows)}
        self._rows = rows
        before = self.persistentIndexList()
        after = [self.index(places[old[item.row()]], item.column()) for item in before]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _tell_cells(self, at: int, before: R, after: R) -> None:
        for position, column in enumerate(self.columns):
            if (
                column.text(before) != column.text(after)
                or (column.tone and column.tone(before) != column.tone(after))
                or (column.actions and column.actions(before) != column.actions(after))
            ):
                index = self.index(at, position)
                self.dataChanged.emit(index, index, [])

    def _in_order(self, rows: list[R]) -> list[R]:
        if self._sort_column < 0:
            return list(rows)
        column = self.columns[self._sort_column]
        value = column.sort or column.text
        known = [row for row in rows if value(row) is not None]
        unknown = [row for row in rows if value(row) is None]
        known.sort(key=lambda row: _comparable(value(row)), reverse=self._descending)
        return known + unknown

    # -- Qt's side ------------------------------------------------------------------------------------

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sort_column = column
        self._descending = order is Qt.SortOrder.DescendingOrder
        if self._is_held:
            # Whoever sorts wants the new order now, and holds that one.
            self._is_held = False
            self.set_rows(self._given)
            self._is_held = True
            return
        target = self._in_order(self._given)
        if [self._key(row) for row in target] != [self._key(row) for row in self._rows]:
            self._arrange(target)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.isValid() and not self.is_gone(index.row()):
            editable = self.columns[index.column()].editable
            if editable is not None and editable(self._rows[index.row()]):
                flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.number else _LEFT
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.title_tip or None
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        column, row = self.columns[index.column()], self._rows[index.row()]
        if self._gone and self.is_gone(index.row()):
            gone = self._gone_data(column, role)
            if gone is not None:
                return gone
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.number else _LEFT
        if role == TONE_ROLE:
            return column.tone(row) if column.tone else ""
        if role == NUMBER_ROLE:
            return column.number
        if role == ACTIONS_ROLE:
            return column.actions(row) if column.actions else ()
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.ToolTipRole:
            return (column.tip(row) if column.tip else "") or None
        if role == Qt.ItemDataRole.EditRole:
            return column.edit_text(row) if column.edit_text else column.text(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column.title}: {column.text(row)}"
        return None

    def _gone_data(self, column: Column[R], role: int) -> Any:
        """What differs in a row that has gone; None where nothing does."""
        if role == TONE_ROLE:
            return "disabled"
        if role == ACTIONS_ROLE:
            return ()
        if role == Qt.ItemDataRole.DisplayRole and column.actions:
            return self._gone_text
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        column, row = self.columns[index.column()], self._rows[index.row()]
        text = str(value).strip()
        if text != (column.edit_text(row) if column.edit_text else column.text(row)):
            self.edited.emit(self._key(row), column.key, text)
        return False


def _comparable(value: SortKey) -> Any:
    return value.casefold() if isinstance(value, str) else value
