"""The window on fakes: bars, docks, layouts, blotter, dialogs, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QInputDialog, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from terminal.core import tasks
from terminal.domain.indicators import IndicatorKind
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.services.arming import ArmState
from terminal.services.session import Mode, SessionState
from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.connect import ConnectViewModel
from terminal.viewmodels.tables import ACTIONS_ROLE
from terminal.widgets import prompts, theme
from terminal.widgets.blotter import ORDERS, Blotter
from terminal.widgets.chart import ChartPanel
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.connect_dialog import ConnectDialog
from terminal.widgets.controls import HOLD_MS, HoldButton
from terminal.widgets.flatten_dialog import FlattenDialog
from terminal.widgets.main_window import MainWindow
from terminal.widgets.panels import Panel
from tests.gui.chart_fakes import ChartDesk
from tests.gui.frame_fakes import KRAKEN, Frame, empty_panels, fill_with_orders, order
from tests.helpers import eventually, run

WIDE, NARROW = QSize(1920, 1080), QSize(1366, 768)
LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Open = Callable[..., MainWindow]


@pytest.fixture
def frame(qtbot: QtBot, qapp: QApplication) -> Frame:
    if not qapp.styleSheet():
        theme.apply(qapp)
    return Frame()


@pytest.fixture
def open_window(qtbot: QtBot, frame: Frame, tmp_path: Path) -> Iterator[Open]:
    opened: list[tuple[MainWindow, Frame]] = []

    def make(size: QSize = WIDE, *, of: Frame = frame, restore: bool = False, **rest: object) -> MainWindow:
        window = of.window(tmp_path / "layouts", **rest)  # type: ignore[arg-type]
        window.resize(size)
        window.show()
        qtbot.waitUntil(window.isVisible)
        window.workspace.start(restore=restore)
        opened.append((window, of))
        return window

    yield make
    for window, of in opened:
        of.store.close()
        of.frames.stop()
        window.close_for_good()
        window.deleteLater()


def blotter_of(window: MainWindow) -> Blotter:
    widget = window.workspace.docks["blotter"].widget()
    assert isinstance(widget, Blotter)
    return widget


def release(window: MainWindow, frame: Frame) -> None:
    """Close a window and wait for its layout to be on disk."""
    window.workspace.save_now()
    frame.store.close()


def width_of(window: MainWindow, key: str) -> int:
    return window.workspace.docks[key].width()


# -- the first layout -----------------------------------------------------------------------------------


def test_wide_screens_show_every_panel_at_its_size(open_window: Open) -> None:
    window = open_window(WIDE)
    assert abs(width_of(window, "watchlist") - 280) < 20
    assert abs(width_of(window, "ticket") - 300) < 20
    assert width_of(window, "chart") > 900
    assert abs(window.workspace.docks["blotter"].height() - 210) < 30
    assert all(not dock.visibleRegion().isEmpty() for dock in window.workspace.docks.values())


def test_narrow_screens_put_ladder_and_tape_into_tabs(open_window: Open) -> None:
    window = open_window(NARROW)
    docks = window.workspace.docks
    assert window.tabifiedDockWidgets(docks["ladder"]) == [docks["tape"]]
    assert not docks["ladder"].visibleRegion().isEmpty()
    assert abs(width_of(window, "watchlist") - 246) < 8
    assert abs(docks["blotter"].height() - 160) < 30
    assert width_of(window, "chart") > 500


@pytest.mark.parametrize(
    ("room", "fills"), [((1366, 740), True), ((1600, 960), True), ((1920, 1050), False), ((1440, 1100), True)]
)
def test_a_screen_that_is_too_small_is_filled(
    frame: Frame, qtbot: QtBot, tmp_path: Path, room: tuple[int, int], fills: bool
) -> None:
    window = frame.window(tmp_path)
    qtbot.addWidget(window)
    window.fit_to_screen(QSize(*room))
    assert bool(window.windowState() & Qt.WindowState.WindowMaximized) == fills
    assert window.width() <= room[0]
    assert window.height() <= room[1]
    frame.store.close()
    frame.frames.stop()


def are_tabs(window: MainWindow) -> bool:
    docks = window.workspace.docks
    return window.tabifiedDockWidgets(docks["ladder"]) == [docks["tape"]]


def test_tab_passes_a_panel_behind_another_tab(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(NARROW)
    docks = window.workspace.docks
    fields: dict[str, QLineEdit] = {}
    for key in ("ladder", "tape", "ticket"):
        fields[key] = QLineEdit(docks[key].widget())
        fields[key].show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    assert docks["tape"].visibleRegion().isEmpty()
    seen: set[object] = set()
    fields["ladder"].setFocus()
    for _ in range(60):
        QTest.keyClick(window.windowHandle(), Qt.Key.Key_Tab)
        seen.add(QApplication.focusWidget())
        if fields["ladder"] in seen:
            break  # all the way round
    assert {fields["ladder"], fields["ticket"]} <= seen
    assert fields["tape"] not in seen


def test_ladder_and_tape_become_tabs_where_the_window_becomes_narrow_and_back(
    open_window: Open, qtbot: QtBot
) -> None:
    window = open_window(WIDE)
    docks = window.workspace.docks
    for _ in range(2):
        window.resize(NARROW)
        qtbot.waitUntil(lambda: are_tabs(window))
        assert not docks["ladder"].visibleRegion().isEmpty()
        qtbot.waitUntil(lambda: abs(width_of(window, "watchlist") - 246) < 8)
        assert abs(docks["blotter"].height() - 160) < 30
        docks["tape"].raise_()
        QApplication.processEvents()
        window.resize(WIDE)
        qtbot.waitUntil(lambda: not are_tabs(window))
        qtbot.waitUntil(lambda: abs(width_of(window, "watchlist") - 280) < 20)
        assert docks["tape"].x() == docks["ladder"].x()
        assert docks["tape"].y() > docks["ladder"].y()
        assert abs(docks["tape"].height() - 220) < 40
        assert all(not dock.visibleRegion().isEmpty() for dock in docks.values())
    assert not window.workspace.undo(), "a resized window is no change of the layout"


def test_a_layout_saved_wide_that_comes_back_narrow_has_its_tabs(
    open_window: Open, frame: Frame, qtbot: QtBot
) -> None:
    window = open_window(WIDE)
    release(window, frame)
    again = Frame()
    second = again.window(frame.store._folder)
    second.resize(NARROW)
    second.show()
    second.workspace.start()
    second.resize(NARROW)
    qtbot.waitUntil(lambda: are_tabs(second))
    again.store.close()
    again.frames.stop()
    second.close_for_good()
    second.deleteLater()


@pytest.mark.parametrize("how", ["closed", "floated", "moved", "tabbed"])
def test_panels_that_somebody_has_arranged_stay_when_the_width_changes(
    open_window: Open, qtbot: QtBot, how: str
) -> None:
    window = open_window(WIDE)
    docks = window.workspace.docks
    if how == "closed":
        window.workspace.set_open("watchlist", False)
    elif how == "floated":
        docks["ticket"].setFloating(True)
    elif how == "moved":
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, docks["watchlist"])
    else:
        window.tabifyDockWidget(docks["ticket"], docks["watchlist"])
    QApplication.processEvents()
    window.resize(NARROW)
    qtbot.waitUntil(lambda: not window.workspace._fit_timer.isActive())
    QApplication.processEvents()
    assert not are_tabs(window)
    assert docks["tape"].y() > docks["ladder"].y()


def test_nothing_in_the_bars_is_cut_off_on_a_narrow_screen(open_window: Open, frame: Frame) -> None:
    window = open_window(NARROW)
    frame.notices.error("one")
    QApplication.processEvents()
    bars = (window.top_bar, window.strip, window.status)
    for bar in bars:
        for child in bar.findChildren(QWidget):
            if child.isVisible():
                assert child.width() >= child.minimumSizeHint().width(), child
                right = child.mapTo(bar, QPoint(child.width(), 0)).x()
                assert right <= bar.width(), child


def test_a_window_that_was_small_for_a_moment_gives_the_chart_its_room_back(
    open_window: Open, qtbot: QtBot
) -> None:
    window = open_window(WIDE)
    blotter, chart = window.workspace.docks["blotter"], window.workspace.docks["chart"]
    before = (blotter.height(), chart.size(), width_of(window, "ticket"))
    window.resize(1024, 640)
    qtbot.waitUntil(lambda: blotter.height() < before[0])
    window.resize(WIDE)
    qtbot.waitUntil(lambda: abs(blotter.height() - before[0]) <= 2)
    assert abs(chart.height() - before[1].height()) <= 4
    assert abs(chart.width() - before[1].width()) <= 12
    assert abs(width_of(window, "ticket") - before[2]) <= 4


def test_panels_keep_their_sizes_over_starts_in_a_window_that_comes_up_small(
    open_window: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under a window manager that makes room for its frame once the window has come up."""
    monkeypatch.setattr(MainWindow, "restoreGeometry", lambda window, geometry: True)
    heights = []
    for _ in range(5):
        of = Frame()
        window = open_window(NARROW, of=of, restore=True)
        settled(window, qtbot)
        window.resize(1366, 700)
        settled(window, qtbot)
        heights.append(window.workspace.docks["blotter"].height())
        release(window, of)
        window.hide()
    assert max(heights) - min(heights) <= 2, heights


def settled(window: MainWindow, qtbot: QtBot) -> None:
    """The panels are fitted to the window, and laid out."""
    qtbot.waitUntil(lambda: not window.workspace._fit_timer.isActive())
    before = QSize()
    blotter = window.workspace.docks["blotter"]
    while before != blotter.size():
        before = blotter.size()
        qtbot.wait(50)


def test_a_panel_made_a_window_does_not_lie_over_its_old_place(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(QSize(1600, 900))
    dock = window.workspace.docks["ladder"]
    before = dock.mapToGlobal(QPoint(0, 0))
    window.workspace.bars["ladder"].float_button.click()
    qtbot.waitUntil(dock.isFloating)
    qtbot.waitUntil(lambda: dock.pos() != before)


# -- keeping layouts ------------------------------------------------------------------------------------


def test_a_closed_panel_stays_closed_at_the_next_start(open_window: Open, frame: Frame) -> None:
    window = open_window()
    window.workspace.set_open("tape", False)
    release(window, frame)
    again = open_window(of=Frame(), restore=True)
    assert not again.workspace.is_open("tape")
    assert again.workspace.is_open("chart")


def test_a_panel_that_an_old_layout_does_not_know_is_shown(open_window: Open, frame: Frame) -> None:
    old = {key: panel for key, panel in empty_panels().items() if key != "tape"}
    release(open_window(panels=old), frame)
    again = open_window(of=Frame(), restore=True)
    assert again.workspace.is_open("tape")


def test_a_broken_layout_file_gives_the_last_good_one_and_a_notice(
    open_window: Open, frame: Frame, tmp_path: Path
) -> None:
    window = open_window()
    window.workspace.set_open("tape", False)
    window.workspace.save_now()
    window.workspace.set_open("chart", False)
    release(window, frame)
    file = tmp_path / "layouts" / "Start.json"
    file.write_text(file.read_text(encoding="utf-8")[:100], encoding="utf-8")
    later = Frame()
    again = open_window(of=later, restore=True)
    assert not again.workspace.is_open("tape")
    assert again.workspace.is_open("chart")
    assert "put aside" in later.notices.entries[-1].text


def test_a_state_blob_that_qt_refuses_gives_the_first_layout(open_window: Open, tmp_path: Path) -> None:
    from terminal.viewmodels.layouts import Layout, LayoutStore

    store = LayoutStore(tmp_path / "layouts")
    store.save("Start", Layout(b"", b"nonsense", ("chart",)))
    store.close()
    later = Frame()
    window = open_window(of=later, restore=True)
    assert all(window.workspace.is_open(key) for key in window.workspace.panel_keys())
    assert "could not be used" in later.notices.entries[-1].text


def test_undo_brings_a_closed_panel_back(open_window: Open) -> None:
    window = open_window()
    assert not window.workspace.undo()
    window.workspace.set_open("tape", False)
    window.workspace.save_now()
    window.workspace.set_open("ticket", False)
    assert window.workspace.undo()
    assert window.workspace.is_open("ticket")
    assert not window.workspace.is_open("tape")
    assert window.workspace.undo()
    assert window.workspace.is_open("tape")


def test_a_reset_can_be_undone(open_window: Open) -> None:
    window = open_window()
    window.workspace.set_open("chart", False)
    window.workspace.save_now()
    window.workspace.reset()
    assert window.workspace.is_open("chart")
    assert window.workspace.undo()
    assert not window.workspace.is_open("chart")


def test_workspaces_keep_their_own_arrangement(open_window: Open) -> None:
    window = open_window()
    workspace = window.workspace
    workspace.save_as("Scalper")
    workspace.set_open("watchlist", False)
    workspace.save_now()
    workspace.switch("Start")
    assert workspace.is_open("watchlist")
    workspace.switch("Scalper")
    assert not workspace.is_open("watchlist")
    assert workspace.names() == ["Scalper", "Start"]


def answer_save_as(window: MainWindow, name: str) -> ConfirmDialog | None:
    """Type a name into "Save as…" and press Save; the question that comes up, if one does."""
    window._on_save_as()
    dialog = window.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue(name)
    dialog.accept()
    dialog.deleteLater()
    QApplication.sendPostedEvents(dialog, QEvent.Type.DeferredDelete.value)
    return window.findChild(ConfirmDialog)


def test_the_question_for_a_workspace_s_name_looks_like_the_others(open_window: Open) -> None:
    window = open_window()
    window._on_save_as()
    dialog = window.findChild(QInputDialog)
    assert dialog is not None
    buttons = {button.text(): button for button in dialog.findChildren(QPushButton)}
    assert {text: button.property("kind") for text, button in buttons.items()} == {
        "Save": "primary",
        "Cancel": "action",
    }
    assert all(button.icon().isNull() for button in buttons.values())
    assert dialog.width() >= 380, "the title bar shows its title whole"
    dialog.reject()


def test_saving_over_another_workspace_asks_first(open_window: Open) -> None:
    window = open_window()
    workspace = window.workspace
    workspace.save_as("Scalper")
    workspace.set_open("watchlist", False)
    workspace.save_now()
    workspace.switch("Start")
    question = answer_save_as(window, "scalper ")
    assert question is not None
    assert "Scalper" in question.windowTitle()
    question.reject()
    assert workspace.name == "Start"
    workspace.switch("Scalper")
    assert not workspace.is_open("watchlist"), "a no keeps what was there"
    workspace.switch("Start")
    QApplication.sendPostedEvents(question, QEvent.Type.DeferredDelete.value)
    again = answer_save_as(window, "Scalper")
    assert again is not None
    again.accept()
    assert workspace.name == "Scalper"
    assert workspace.is_open("watchlist")
    assert workspace.names() == ["Scalper", "Start"]


def test_saving_under_a_new_or_the_shown_name_asks_nothing(open_window: Open) -> None:
    window = open_window()
    assert answer_save_as(window, "Start") is None
    assert answer_save_as(window, "Watcher") is None
    assert window.workspace.name == "Watcher"


def test_a_window_that_no_screen_shows_is_moved_back(open_window: Open, frame: Frame) -> None:
    window = open_window()
    dock = window.workspace.docks["tape"]
    dock.setFloating(True)
    dock.setGeometry(QRect(90_000, 90_000, 300, 200))
    release(window, frame)
    again = open_window(of=Frame(), restore=True)
    place = again.workspace.docks["tape"].frameGeometry()
    room = QGuiApplication.primaryScreen().availableGeometry()
    assert again.workspace.docks["tape"].isFloating()
    assert room.intersects(place)


# -- whose money ----------------------------------------------------------------------------------------


def test_practice_is_said_in_every_panel_that_can_trade_and_only_there(open_window: Open) -> None:
    bars = open_window().workspace.bars
    for key in ("ladder", "ticket", "chart", "blotter"):
        assert bars[key].word.text() == "PRACTICE"
        assert not bars[key].edge.isHidden()
    assert bars["watchlist"].word.isHidden()


def test_live_wears_no_stripes_and_says_the_account(open_window: Open, frame: Frame) -> None:
    window = open_window()
    session = frame.sessions.sessions["kraken"]
    session.mode, session.account = Mode.LIVE, "kraken:main"
    frame.sessions.changed.notify("kraken")
    frame.tick()
    assert window.top_bar.badge.text() == "LIVE main"
    assert window.workspace.bars["ticket"].word.text() == "LIVE main"
    assert window.workspace.bars["ticket"].edge.isHidden()


def test_the_arm_buttons_set_and_follow_the_switch(open_window: Open, frame: Frame, qtbot: QtBot) -> None:
    window = open_window()
    QTest.mouseClick(window.top_bar.arm.buttons[2], LEFT)
    assert frame.arming.state is ArmState.ONE_CLICK
    frame.arming.set(ArmState.VIEW)
    assert window.top_bar.arm.chosen_at == 0


def test_a_stale_venue_greys_its_price_and_says_so(open_window: Open, frame: Frame) -> None:
    window = open_window()
    frame.sessions.sessions["kraken"].state = SessionState.STALE
    frame.sessions.changed.notify("kraken")
    frame.tick()
    card = window.strip._cards["kraken"]
    assert card.state.text() == "stale"
    assert not card.bid._proven


def test_the_card_menu_offers_the_three_modes(open_window: Open) -> None:
    menu = open_window().strip.menu_for("kraken")
    texts = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert texts == [
        "Practice market: no money moves",
        "Real prices, no account",
        "Connect an account…",
        "Disconnect",
    ]
    assert menu.actions()[0].isChecked()


def test_the_mode_menu_rehearses_and_resets(open_window: Open, frame: Frame) -> None:
    window = open_window()
    window._fill_mode_menu()
    menus = [action.menu() for action in window.top_bar.mode_menu.actions() if action.menu()]
    rehearse = next(menu for menu in menus if menu is not None and menu.title() == "Rehearse a fault")  # type: ignore[attr-defined]
    (kraken,) = rehearse.actions()  # type: ignore[attr-defined]
    assert kraken.text() == "Kraken"
    kraken.menu().actions()[0].trigger()
    assert frame.faults == ["cut"]


# -- keys -----------------------------------------------------------------------------------------------


def test_f6_walks_through_the_panels_and_back(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    reached = []
    for _ in window.workspace.reachable():
        window._walk(1)
        reached.append(window.workspace.focused_panel())
    assert set(reached) == set(window.workspace.reachable())
    window._walk(-1)
    assert window.workspace.focused_panel() == reached[-2]


def test_f6_comes_to_a_second_chart_after_the_first_and_a_table_shows_that_it_has_the_keyboard(
    open_window: Open, qtbot: QtBot
) -> None:
    second = {"chart2": Panel("chart2", "Chart 2", QWidget(), can_trade=True)}
    window = open_window(NARROW, panels={**empty_panels(), **second})
    window.workspace.set_open("chart2", True)
    qtbot.waitUntil(lambda: "chart2" in window.workspace.reachable())
    assert window.workspace.reachable() == ["watchlist", "chart", "chart2", "ladder", "ticket", "blotter"]
    table = blotter_of(window).positions.table

    def ring() -> bool:
        picture = table.viewport().grab().toImage()
        return all(picture.pixelColor(*at).name().upper() == theme.FOCUS for at in ((0, 0), (9, 1)))

    assert not ring()
    window.workspace.show_panel("ticket")
    window._walk(1)
    qtbot.waitUntil(ring)


def test_ctrl_tab_goes_to_the_panel_chosen_when_ctrl_is_let_go(open_window: Open) -> None:
    window = open_window(NARROW)
    window.workspace.show_panel("chart")
    window._open_switcher(1)
    window.switcher.step(1)
    chosen = window.switcher.list.currentItem().text()
    QApplication.sendEvent(
        window.switcher,
        QKeyEvent(QEvent.Type.KeyRelease, Qt.Key.Key_Control, Qt.KeyboardModifier.NoModifier),
    )
    assert chosen == "Time and sales"
    assert window.workspace.focused_panel() == "tape"


def test_the_key_map_shows_while_f1_is_held_and_gives_the_keyboard_back(
    open_window: Open, qtbot: QtBot
) -> None:
    window = open_window()
    window.workspace.show_panel("blotter")
    before = QApplication.focusWidget()
    window._on_keys_wanted()
    assert window.key_overlay.isVisible()
    window.key_overlay.TAP_MS = 0  # however short it was
    QTest.keyRelease(window.key_overlay, Qt.Key.Key_F1)
    assert not window.key_overlay.isVisible()
    assert QApplication.focusWidget() is before


def test_a_tap_on_f1_leaves_the_key_map_open_until_the_next(open_window: Open) -> None:
    window = open_window()
    window._on_keys_wanted()
    QTest.keyRelease(window.key_overlay, Qt.Key.Key_F1)
    assert window.key_overlay.isVisible()
    window._on_keys_wanted()
    assert not window.key_overlay.isVisible()


def test_closing_asks_the_program_and_saves_first(open_window: Open, frame: Frame, qtbot: QtBot) -> None:
    window = open_window()
    window.workspace.set_open("tape", False)
    with qtbot.waitSignal(window.close_wanted):
        window.close()
    assert window.isVisible()
    frame.store.close()
    assert frame.store.load("Start") is not None


# -- holding --------------------------------------------------------------------------------------------


def test_flatten_opens_only_after_it_was_held(qtbot: QtBot) -> None:
    button = HoldButton("Flatten")
    qtbot.addWidget(button)
    button.show()
    held: list[int] = []
    button.held.connect(lambda: held.append(1))
    QTest.mouseClick(button, LEFT)
    assert held == []
    QTest.mousePress(button, LEFT)
    qtbot.waitUntil(lambda: bool(held), timeout=HOLD_MS * 5)
    QTest.mouseRelease(button, LEFT)
    assert held == [1]


def test_flatten_is_off_while_there_is_nothing_to_flatten(open_window: Open, frame: Frame) -> None:
    window = open_window()
    assert not window.top_bar.flatten.isEnabled()
    frame.gate.put(order("a"))
    frame.tick()
    assert window.top_bar.flatten.isEnabled()


def test_the_flatten_dialog_lists_then_shows_the_result(qtbot: QtBot, frame: Frame) -> None:
    async def main() -> None:
        fill_with_orders(frame)
        dialog = FlattenDialog(frame.desk)
        qtbot.addWidget(dialog)
        assert dialog.go.text() == "Cancel 5 orders"
        frame.gate.outcome.done.append(frame.gate.orders["a1"])
        dialog.go.click()
        await eventually(lambda: not tasks.running())
        assert dialog.title.text() == "What became of it"
        assert dialog.go.isHidden()

    run(main())


# -- the blotter ----------------------------------------------------------------------------------------


def click_action(qtbot: QtBot, blotter: Blotter, key: str, action: str) -> None:
    table = blotter.orders.table
    row = table.model().row_of(key)  # type: ignore[attr-defined]
    index = table.model().index(row, table.model().columnCount() - 1)
    table.scrollTo(index)
    places = table._delegate.places(table.visualRect(index), index.data(ACTIONS_ROLE))
    place = next(place for found, place in places if found.key == action)
    QTest.mouseClick(table.viewport(), LEFT, NO_KEYS, place.center())


def test_a_rows_buttons_act_on_that_row(open_window: Open, frame: Frame, qtbot: QtBot) -> None:
    window = open_window()
    fill_with_orders(frame)
    blotter = blotter_of(window)
    blotter.show_tab(ORDERS)

    async def main() -> None:
        click_action(qtbot, blotter, "a1", "cancel")
        click_action(qtbot, blotter, "a3", "check")
        click_action(qtbot, blotter, "a3", "treat_as_live")
        await eventually(lambda: not tasks.running())

    run(main())
    assert set(frame.gate.asked) == {("cancel", "a1"), ("check_now", "a3"), ("treat_as_live", "a3")}


def test_a_row_that_moves_between_press_and_release_is_not_canceled(
    open_window: Open, frame: Frame, qtbot: QtBot
) -> None:
    window = open_window()
    frame.gate.put(order("a1"))
    frame.tick()
    blotter = blotter_of(window)
    table = blotter.orders.table
    index = table.model().index(0, table.model().columnCount() - 1)
    spot = table._delegate.places(table.visualRect(index), index.data(ACTIONS_ROLE))[0][1].center()
    QTest.mousePress(table.viewport(), LEFT, NO_KEYS, spot)
    newer = order("a2", Side.SELL)
    newer.created_ns += 1_000_000_000
    frame.gate.put(newer)
    frame.tick()
    assert frame.orders.model.rows[0].key == "a2"
    QTest.mouseRelease(table.viewport(), LEFT, NO_KEYS, spot)
    assert frame.gate.asked == []


def test_del_cancels_the_selected_orders(open_window: Open, frame: Frame, qtbot: QtBot) -> None:
    window = open_window()
    frame.gate.put(order("a1"), order("a2"))
    frame.tick()
    table = blotter_of(window).orders.table

    async def main() -> None:
        table.selectAll()
        QTest.keyClick(table, Qt.Key.Key_Delete)
        await eventually(lambda: not tasks.running())

    run(main())
    assert set(frame.gate.asked) == {("cancel", "a1"), ("cancel", "a2")}


def test_a_price_is_changed_by_typing_into_its_cell(open_window: Open, frame: Frame, qtbot: QtBot) -> None:
    window = open_window()
    frame.gate.put(order("a1", price="64120.1"))
    frame.tick()
    table = blotter_of(window).orders.table
    column = frame.orders.model.column_of("limit")

    async def main() -> None:
        table.edit(table.model().index(0, column))
        editor = table.findChild(QLineEdit)
        assert isinstance(editor, QLineEdit)
        assert editor.text() == "64120.1"
        editor.setText("64000.5")
        QTest.keyClick(editor, Qt.Key.Key_Return)
        # The view takes the entry with the next event.
        QApplication.processEvents()
        await eventually(lambda: not tasks.running())

    run(main())
    ((_, key, change, _),) = frame.gate.asked
    assert (key, str(change.limit_price)) == ("a1", "64000.5")  # type: ignore[attr-defined]


def test_an_editor_survives_an_update_of_its_row(open_window: Open, frame: Frame) -> None:
    window = open_window()
    blotter_of(window).show_tab(ORDERS)
    frame.gate.put(order("a1"))
    frame.tick()
    table = blotter_of(window).orders.table
    table.edit(table.model().index(0, frame.orders.model.column_of("limit")))
    editor = table.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.setText("64000")
    frame.gate.put(order("a1", filled="0.01", state=OrderState.PARTLY_FILLED))
    frame.tick()
    assert editor.isVisible()
    assert editor.text() == "64000"
    # A click elsewhere drops the entry.
    QApplication.sendEvent(editor, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.MouseFocusReason))
    QApplication.processEvents()
    assert frame.gate.asked == []
    assert table.findChild(QLineEdit) is None


def test_buttons_that_cancel_are_never_too_low_to_hit(open_window: Open, frame: Frame) -> None:
    window = open_window()
    blotter = blotter_of(window)
    frame.gate.put(order("a1"))
    frame.tick()
    for density in theme.DENSITIES:
        blotter.set_density(density)
        table = blotter.orders.table
        index = table.model().index(0, table.model().columnCount() - 1)
        ((_, place),) = table._delegate.places(table.visualRect(index), index.data(ACTIONS_ROLE))
        assert place.height() >= theme.ACTION_BUTTON_PX
    for button in (blotter.orders.cancel_all, blotter.orders.cancel_buys, window.top_bar.flatten):
        assert button.height() >= theme.ACTION_BUTTON_PX


# -- dialogs --------------------------------------------------------------------------------------------


def test_ask_returns_the_answer_while_everything_else_goes_on(qtbot: QtBot) -> None:
    async def main() -> None:
        dialog = ConfirmDialog(Confirmation("Send?"))
        answer = tasks.spawn(prompts.ask(dialog), name="ask")
        await eventually(dialog.isVisible)
        dialog.confirm.click()
        assert await answer == QDialog.DialogCode.Accepted

    run(main())


def test_the_button_that_enter_presses_is_the_one_that_is_lit(qtbot: QtBot) -> None:
    dialog = ConfirmDialog(Confirmation(title="Sure?"))
    qtbot.addWidget(dialog)
    dialog.open()
    assert dialog.focusWidget() is dialog.confirm
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Accepted
    # Back by key is back.
    dialog.open()
    dialog.cancel.setFocus()
    QTest.keyClick(dialog.cancel, Qt.Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Rejected


def test_a_dangerous_question_goes_back_by_enter(qtbot: QtBot) -> None:
    dialog = ConfirmDialog(Confirmation(title="Sure?", tone="danger"))
    qtbot.addWidget(dialog)
    accepted: list[object] = []
    dialog.accepted.connect(lambda: accepted.append(None))
    dialog.open()
    assert dialog.focusWidget() is dialog.cancel
    assert dialog.cancel.isDefault()
    assert not dialog.confirm.isDefault()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert (dialog.isVisible(), accepted) == (False, [])
    dialog.open()
    dialog.confirm.setFocus()
    QTest.keyClick(dialog.confirm, Qt.Key.Key_Return)
    assert accepted == [None], "who walks there means it"


def test_a_cancelled_question_is_closed(qtbot: QtBot) -> None:
    async def main() -> None:
        dialog = ConfirmDialog(Confirmation("Send?"))
        answer = tasks.spawn(prompts.ask(dialog), name="ask")
        await eventually(dialog.isVisible)
        await tasks.cancel_and_wait(answer)
        assert not dialog.isVisible()

    run(main())


def test_the_asker_says_no_when_the_dialog_is_closed(qtbot: QtBot) -> None:
    async def main() -> None:
        parent = QWidget()
        qtbot.addWidget(parent)
        ask = prompts.asker(lambda: parent)
        answer = tasks.spawn(_answer(ask), name="ask")
        await eventually(lambda: parent.findChild(ConfirmDialog) is not None)
        dialog = parent.findChild(ConfirmDialog)
        assert isinstance(dialog, ConfirmDialog)
        dialog.reject()
        assert await answer is False

    async def _answer(ask: object) -> bool:
        return await ask(Confirmation("Send?"))  # type: ignore[operator, no-any-return]

    run(main())


def test_keys_are_dots_and_leave_nothing_behind(qtbot: QtBot, frame: Frame) -> None:
    async def main() -> None:
        dialog = ConnectDialog(ConnectViewModel(KRAKEN, frame.connecting, None))
        qtbot.addWidget(dialog)
        dialog.open()
        fields = {key: field.edit for key, field in dialog._fields.items()}
        assert all(edit.echoMode() is QLineEdit.EchoMode.Password for edit in fields.values())
        fields["key"].setText("k" * 56)
        fields["secret"].setText("s" * 88)
        assert not dialog.go.isEnabled()
        dialog.test.click()
        await eventually(lambda: dialog.go.isEnabled())
        assert dialog.go.text() == "Keep the key and connect"
        dialog.go.click()
        await eventually(lambda: not dialog.isVisible())
        assert all(edit.text() == "" for edit in fields.values())

    run(main())
    assert [call[0] for call in frame.connecting.asked] == ["test", "save", "use"]


def test_a_problem_stands_beside_its_field(qtbot: QtBot, frame: Frame) -> None:
    async def main() -> None:
        dialog = ConnectDialog(ConnectViewModel(KRAKEN, frame.connecting, None))
        qtbot.addWidget(dialog)
        dialog.open()
        dialog._fields["key"].edit.setText("has a space")
        dialog.test.click()
        assert dialog._fields["key"].problem.text().startswith("A key has no spaces")
        assert dialog._fields["secret"].problem.text() == "Private key is missing."
        QTest.keyClicks(dialog._fields["key"].edit, "x")
        assert dialog._fields["key"].problem.isHidden()
        await eventually(lambda: not tasks.running())

    run(main())


def test_practice_and_prices_need_no_key(qtbot: QtBot, frame: Frame) -> None:
    async def main() -> None:
        dialog = ConnectDialog(ConnectViewModel(KRAKEN, frame.connecting, Mode.PRACTICE))
        qtbot.addWidget(dialog)
        dialog.open()
        dialog.choices[Mode.PUBLIC].setChecked(True)
        assert dialog.form.isHidden()
        assert dialog.go.text() == "Show real prices"
        dialog.go.click()
        await eventually(lambda: not dialog.isVisible())

    run(main())
    assert frame.connecting.asked == [("use", "kraken", Mode.PUBLIC)]


# -- notices --------------------------------------------------------------------------------------------


def test_errors_stay_and_make_room_last(open_window: Open, frame: Frame) -> None:
    window = open_window()
    frame.notices.error("kept")
    for number in range(6):
        frame.notices.info(f"info {number}")
    shown = [toast.entry.text for toast in window.toasts.toasts]
    assert len(shown) == 4
    assert "kept" in shown
    assert shown[-1] == "info 5"
    chart = window.workspace.docks["chart"].geometry()
    for toast in window.toasts.toasts:
        # Never over a button that sends or cancels.
        assert chart.contains(toast.geometry())


def test_toasts_lie_below_the_figures_in_the_chart_s_corner(
    open_window: Open, frame: Frame, qtbot: QtBot
) -> None:
    desk = ChartDesk()
    desk.fill_lifelike()
    vm = desk.open(show_hint=False)
    for kind in (IndicatorKind.EMA, IndicatorKind.BOLLINGER):
        vm.indicators.add(kind)
    panel = ChartPanel(vm)
    window = open_window(NARROW, panels={**empty_panels(), "chart": Panel("chart", "Chart", panel)})
    desk.frames.tick()
    panel.view.update()
    qtbot.waitUntil(lambda: len(panel.view._picture.indicators.legends) == 2)
    frame.notices.info("told")
    (toast,) = window.toasts.toasts
    legends = [box for _, box in panel.view._picture.indicators.legends]
    lowest = max(panel.view.mapTo(window, box.bottomLeft()).y() for box in legends)
    assert toast.y() > lowest > panel.mapTo(window, QPoint(0, 0)).y()
    desk.frames.stop()


def test_the_bell_counts_and_the_centre_reads(open_window: Open, frame: Frame) -> None:
    window = open_window()
    frame.notices.error("one")
    frame.notices.warn("two")
    assert window.top_bar.bell.text() == "2"
    window._on_notices_wanted()
    assert window.top_bar.bell.text() == ""
    window.centre.hide()


def test_the_hint_is_closed_for_good(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(hint=True)
    assert window.hint.isVisible()
    for contracts, words in (
        (True, "Choose a stake, then Up or Down"),
        (False, "Click a price in the ladder"),
    ):
        window.hint.show_way(contracts=contracts)
        assert window.hint._way.text().startswith(words)
    with qtbot.waitSignal(window.hint_dismissed):
        window.hint._on_close_clicked()
    assert not window.hint.isVisible()
    window._render()
    assert not window.hint.isVisible()


def test_the_hint_never_says_that_no_money_moves_beside_an_account_where_it_does(
    open_window: Open, frame: Frame
) -> None:
    window = open_window(hint=True)
    session = frame.sessions.sessions["kraken"]
    for mode, says in ((Mode.LIVE, False), (Mode.PRACTICE, True)):
        session.mode = mode
        frame.sessions.changed.notify("kraken")
        frame.tick()
        assert window.hint.isVisible() is says


def test_panels_keep_their_own_header(open_window: Open) -> None:
    extra = QLineEdit()
    panels = {**empty_panels(), "chart": Panel("chart", "Chart", QWidget(), header=extra)}
    window = open_window(panels=panels)
    assert window.workspace.bars["chart"].isAncestorOf(extra)
    assert extra.isVisible()
