"""Pictures of the frame on fake data: ``python -m tests.gui.shots FOLDER``.

With QT_QPA_PLATFORM=offscreen or under ``xvfb-run``; :func:`picture` saves any window as it is drawn.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QPoint, QSize
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from terminal.domain.market import Side
from terminal.services.session import SessionState
from terminal.viewmodels.confirm import order_confirmation
from terminal.viewmodels.connect import ConnectViewModel, Step
from terminal.viewmodels.desk import ArmState
from terminal.widgets import theme
from terminal.widgets.blotter import BALANCES, FILLS, LOG, ORDERS, POSITIONS, Blotter
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.connect_dialog import ConnectDialog
from terminal.widgets.flatten_dialog import FlattenDialog
from terminal.widgets.main_window import MainWindow
from tests.gui.frame_fakes import BTC, KRAKEN, Frame, fill_with_orders, instrument_of, order

SIZES = (QSize(1366, 768), QSize(1920, 1080))


def settle(rounds: int = 6) -> None:
    """Let layouts and paints that wait happen."""
    for _ in range(rounds):
        QApplication.processEvents()


def picture(widget: QWidget, file: Path) -> None:
    """Save a window as it is drawn now."""
    settle()
    file.parent.mkdir(parents=True, exist_ok=True)
    if not widget.grab().save(str(file)):
        raise OSError(f"cannot write {file}")


def open_window(frame: Frame, folder: Path, size: QSize, *, hint: bool = False) -> MainWindow:
    """The window at a size, with its first layout."""
    window = frame.window(folder, hint=hint)
    window.resize(size)
    window.show()
    settle()
    window.workspace.start(restore=False)
    settle()
    return window


def blotter_of(window: MainWindow) -> Blotter:
    widget = window.workspace.docks["blotter"].widget()
    assert isinstance(widget, Blotter)
    return widget


def shoot_frame(folder: Path, size: QSize) -> None:
    name = f"{size.width()}x{size.height()}"
    frame = Frame()
    with tempfile.TemporaryDirectory() as layouts:
        window = open_window(frame, Path(layouts), size, hint=True)
        blotter = blotter_of(window)
        picture(window, folder / f"first-start-{name}.png")
        window.hint.hide()
        fill_with_orders(frame)
        blotter.show_tab(ORDERS)
        picture(window, folder / f"orders-{name}.png")
        frame.orders.set_show_ended(True)
        for tab, title in ((FILLS, "fills"), (BALANCES, "balances"), (LOG, "log"), (POSITIONS, "positions")):
            blotter.show_tab(tab)
            frame.tick()
            picture(window, folder / f"{title}-{name}.png")
        shoot_trouble(frame, window, folder, name)
        shoot_menus(frame, window, folder, name)
        window.workspace.save_now()
        frame.store.close()
        window.close_for_good()
    frame.frames.stop()


def shoot_trouble(frame: Frame, window: MainWindow, folder: Path, name: str) -> None:
    session = frame.sessions.sessions["kraken"]
    session.state, session.reason, session.age_s = SessionState.STALE, "No data for some seconds.", 4.2
    session.used, session.offset_ms = 18.0, -2400.0
    frame.arming.set(ArmState.ONE_CLICK)
    frame.notices.info("kraken: 3 canceled")
    frame.notices.warn("Kraken: while you were away: 2 fills, 1 cancel.")
    frame.notices.error("buy BTC/USD: Insufficient funds. Reduce the quantity or cancel an order.", "EOrder")
    frame.sessions.changed.notify("kraken")
    frame.tick()
    frame.tick()
    blotter_of(window).show_tab(ORDERS)
    picture(window, folder / f"trouble-{name}.png")
    frame.arming.set(ArmState.CONFIRM)
    session.state, session.age_s = SessionState.LIVE, 0.1
    for toast in list(window.toasts.toasts):
        toast.hide()
    frame.tick()


def shoot_menus(frame: Frame, window: MainWindow, folder: Path, name: str) -> None:
    window.key_overlay.open_over(window)
    picture(window, folder / f"keys-{name}.png")
    window.key_overlay.close_over()
    for title, menu in (
        ("workspace-menu", window.top_bar.workspace_menu),
        ("mode-menu", window.top_bar.mode_menu),
        ("venue-menu", window.strip.menu_for("kraken")),
    ):
        menu.popup(window.mapToGlobal(QPoint(200, 200)))
        picture(menu, folder / f"{title}.png")
        menu.hide()
    window.centre.open_at(window.mapToGlobal(QPoint(900, 60)))
    picture(window.centre, folder / "notices.png")
    window.centre.hide()


def shoot_dialogs(folder: Path) -> None:
    frame = Frame()
    fill_with_orders(frame)
    market_order = order("c1", Side.BUY)
    request = market_order.request
    question = order_confirmation(
        request,
        instrument_of(BTC),
        badge="PRACTICE",
        venue="Kraken",
        notional=request.quantity * 64120,
        fee=request.quantity * 256,
        warnings=("Price 3.4 % above the ask; your limit is 3 %.",),
    )
    vm = ConnectViewModel(KRAKEN, frame.connecting, None)
    vm.start = lambda: None  # type: ignore[method-assign]  # there is no event loop here
    connect = ConnectDialog(vm)
    dialogs: tuple[tuple[str, QDialog], ...] = (
        ("confirm", ConfirmDialog(question)),
        ("flatten", FlattenDialog(frame.desk)),
        ("connect", connect),
    )
    for name, dialog in dialogs:
        dialog.show()
        picture(dialog, folder / f"{name}.png")
    vm.step, vm.has_keys = Step.TESTED, True
    vm.report = frame.connecting.report
    vm.report.permissions["Withdraw funds"] = True
    vm.problems = {"secret": "A key has no spaces or special letters. Copy it again, whole."}
    vm.error = "Kraken does not know this key. Copy it again, whole."
    vm.changed.emit()
    picture(connect, folder / "connect-tested.png")
    frame.frames.stop()


def main(arguments: list[str]) -> int:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app)
    folder = Path(arguments[0]) if arguments else Path("build/shots-frame")
    shoot_dialogs(folder)
    for size in SIZES:
        shoot_frame(folder, size)
    print(f"saved in {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
