"""Table models: minimal changes, sorting by value, editing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

from terminal.viewmodels.tables import TONE_ROLE, Column, TableModel


@dataclass(frozen=True)
class Row:
    key: str
    value: Decimal | None


COLUMNS: tuple[Column[Row], ...] = (
    Column("key", "Key", lambda row: row.key),
    Column("value", "Value", lambda row: str(row.value), number=True, sort=lambda row: row.value,
                editable=lambda row: row.value is not None),
)  # fmt: skip


def model_of(*rows: Row, sort_by: str | None = None, descending: bool = False) -> TableModel[Row]:
    model = TableModel(COLUMNS, lambda row: row.key, sort_by=sort_by, descending=descending)
    model.set_rows(rows)
    return model


def keys(model: TableModel[Row]) -> list[str]:
    return [row.key for row in model.rows]


def test_numbers_sort_by_value_and_the_unknown_stays_last_both_ways() -> None:
    model = model_of(Row("a", Decimal(9)), Row("b", Decimal(10)), Row("c", None), sort_by="value")
    assert keys(model) == ["a", "b", "c"]
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert keys(model) == ["b", "a", "c"]


def test_a_changed_cell_touches_only_itself() -> None:
    model = model_of(Row("a", Decimal(1)), Row("b", Decimal(2)))
    touched: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda top, bottom, roles: touched.append((top.row(), top.column())))
    model.modelReset.connect(lambda: touched.append((-1, -1)))
    model.set_rows([Row("a", Decimal(1)), Row("b", Decimal(3))])
    assert touched == [(1, 1)]


def test_a_selected_row_keeps_its_place_in_the_selection_when_rows_move() -> None:
    model = model_of(Row("a", Decimal(1)), Row("b", Decimal(2)), sort_by="value")
    held = QPersistentModelIndex(model.index(0, 0))
    model.set_rows([Row("a", Decimal(5)), Row("b", Decimal(2)), Row("n", Decimal(1))])
    assert keys(model) == ["n", "b", "a"]
    assert held.row() == 2
    model.set_rows([Row("b", Decimal(2))])
    assert not held.isValid()


def test_an_edit_is_told_and_changes_nothing_by_itself() -> None:
    model = model_of(Row("a", Decimal(1)), Row("b", None))
    told: list[tuple[object, str, str]] = []
    model.edited.connect(lambda key, column, text: told.append((key, column, text)))
    assert not model.setData(model.index(0, 1), " 2 ")
    assert told == [("a", "value", "2")]
    assert model.rows[0].value == Decimal(1)
    model.setData(model.index(0, 1), "1")
    assert len(told) == 1
    assert not model.flags(model.index(1, 1)) & Qt.ItemFlag.ItemIsEditable
    assert model.data(QModelIndex()) is None


rows = st.dictionaries(
    st.sampled_from("abcdefgh"), st.one_of(st.none(), st.integers(0, 5).map(Decimal)), max_size=8
)


@given(st.lists(rows, min_size=1, max_size=6), st.booleans())
def test_after_any_updates_the_model_shows_the_last_rows_in_order(
    updates: list[dict[str, Decimal | None]], descending: bool
) -> None:
    model = model_of(sort_by="value", descending=descending)
    count = 0

    def inserted(parent: QModelIndex, first: int, last: int) -> None:
        nonlocal count
        count += last - first + 1

    def removed(parent: QModelIndex, first: int, last: int) -> None:
        nonlocal count
        count -= last - first + 1

    model.rowsInserted.connect(inserted)
    model.rowsRemoved.connect(removed)
    for update in updates:
        model.set_rows([Row(key, value) for key, value in update.items()])
        assert {row.key: row.value for row in model.rows} == update
        values = [row.value for row in model.rows if row.value is not None]
        assert values == sorted(values, reverse=descending)
        assert count == model.rowCount() == len(update)


def test_held_rows_keep_their_place_until_they_are_let_go() -> None:
    model = model_of(Row("a", Decimal(1)), Row("b", Decimal(2)), Row("c", Decimal(3)), sort_by="value")
    model.hold(True)
    model.set_rows([Row("n", Decimal(0)), Row("c", Decimal(-5)), Row("a", Decimal(9))])
    assert [model.key_at(row) for row in range(model.rowCount())] == ["a", "b", "c", "n"]
    assert [model.is_gone(row) for row in range(4)] == [False, True, False, False]
    assert keys(model) == ["a", "c", "n"], "what has gone is no row that anything could be done with"
    assert model.data(model.index(1, 0), TONE_ROLE) == "disabled"
    assert not model.flags(model.index(1, 1)) & Qt.ItemFlag.ItemIsEditable
    assert model.data(model.index(2, 1)) == "-5"
    model.let_gone_go()
    assert [model.key_at(row) for row in range(model.rowCount())] == ["c", "n", "a"]
    model.hold(False)
    assert keys(model) == ["c", "n", "a"]


def test_what_has_gone_from_held_rows_stands_as_it_ended() -> None:
    model = model_of(Row("a", Decimal(1)), Row("b", Decimal(2)))
    model.hold(True)
    model.set_rows([Row("b", Decimal(2))], ended=[Row("a", Decimal(7)), Row("z", Decimal(8))])
    assert model.is_gone(0)
    assert [model.data(model.index(row, 1)) for row in range(model.rowCount())] == ["7", "2"]
    model.let_gone_go()
    assert keys(model) == ["b"]


def test_sorting_by_hand_closes_the_gaps_and_holds_the_new_order() -> None:
    model = model_of(Row("a", Decimal(1)), Row("b", Decimal(2)), Row("c", Decimal(3)), sort_by="value")
    model.hold(True)
    model.set_rows([Row("a", Decimal(1)), Row("c", Decimal(3))])
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert [model.key_at(row) for row in range(model.rowCount())] == ["c", "a"]
    model.set_rows([Row("a", Decimal(9)), Row("c", Decimal(3))])
    assert keys(model) == ["c", "a"]


def test_what_comes_back_while_rows_are_held_is_itself_again() -> None:
    model = model_of(Row("a", Decimal(1)), Row("b", Decimal(2)))
    model.hold(True)
    model.set_rows([Row("b", Decimal(2))])
    assert model.is_gone(0)
    model.set_rows([Row("a", Decimal(4)), Row("b", Decimal(2))])
    assert not model.is_gone(0)
    assert keys(model) == ["a", "b"]
