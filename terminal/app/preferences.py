"""What the settings change on screen: applied at the start, and again whenever the person changes one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from terminal.services.settings import Settings
from terminal.widgets import theme
from terminal.widgets.book_view import LadderView
from terminal.widgets.table import DataTable
from terminal.widgets.tape import TapeView

if TYPE_CHECKING:
    from terminal.app.screen import Screen


def set_ui_scale(settings: Settings) -> None:
    """Scale everything on screen; only before the application object is made. An own QT_SCALE_FACTOR wins."""
    percent = settings.whole("look.ui_scale")
    if percent != 100:
        os.environ.setdefault("QT_SCALE_FACTOR", str(percent / 100))


def density_of(settings: Settings) -> theme.Density:
    """How tight rows are to be."""
    wanted = settings.text("look.density")
    return next((item for item in theme.DENSITIES if item.name.lower() == wanted), theme.STANDARD)


class Preferences:
    """Keeps the panels as the settings say, until :meth:`close`."""

    def __init__(self, settings: Settings, screen: Screen, app: QApplication) -> None:
        """``app`` wears the style sheet of the kept density already."""
        self._settings = settings
        self._screen = screen
        self._app = app
        self._steps: dict[str, Callable[[], None]] = {
            "look.density": self._apply_rows,
            "look.mono_prices": self._apply_rows,
            "look.flashes": self._apply_flashes,
            "look.flash_ms": self._apply_flashes,
            "look.hide_amounts": self._apply_hiding,
            "notice.info_repeat_s": self._apply_notices,
            "notice.error_repeat_s": self._apply_notices,
            "trade.chart_confirms": self._apply_chart,
            "chart.volume": self._apply_chart,
            "chart.fills": self._apply_chart,
            "trade.size_presets": self._apply_presets,
            "ladder.refresh_ms": self._apply_ladder,
            "ladder.recenter": self._apply_ladder,
            "tape.keep_s": self._apply_tape,
            "tape.merge": self._apply_tape,
            "tape.filter_percentile": self._apply_filter,
        }
        for step in dict.fromkeys(self._steps.values()):
            step()
        self._unwatch = settings.changed.watch(self._on_setting)

    def close(self) -> None:
        """Follow no more."""
        self._unwatch()

    def _on_setting(self, key: str, scope: str | None) -> None:
        step = self._steps.get(key)
        if step is None:
            return
        if key == "look.density":
            self._app.setStyleSheet(theme.style_sheet(density_of(self._settings)))
        step()

    def _apply_rows(self) -> None:
        density, mono = density_of(self._settings), self._settings.flag("look.mono_prices")
        window = self._screen.window
        for table in window.findChildren(DataTable):
            table.set_density(density)
        views: list[LadderView | TapeView] = [
            *window.findChildren(LadderView),
            *window.findChildren(TapeView),
        ]
        for view in views:
            view.set_density(density, mono=mono)

    def _apply_flashes(self) -> None:
        settings = self._settings
        self._screen.watchlist.set_flashes(settings.flag("look.flashes"), settings.whole("look.flash_ms"))

    def _apply_hiding(self) -> None:
        hidden = self._settings.flag("look.hide_amounts")
        self._screen.account.set_hide_amounts(hidden)
        self._screen.positions.set_hide_amounts(hidden)
        self._screen.ticket.set_hide_amounts(hidden)
        self._screen.contracts.set_hide_amounts(hidden)
        self._screen.contract_lines.set_hide_amounts(hidden)

    def _apply_notices(self) -> None:
        notices = self._screen.notices
        notices.info_repeat_s = self._settings.whole("notice.info_repeat_s")
        notices.error_repeat_s = self._settings.whole("notice.error_repeat_s")

    def _apply_chart(self) -> None:
        settings = self._settings
        for chart in (self._screen.chart, self._screen.chart2):
            chart.trading.confirms = settings.flag("trade.chart_confirms")
            chart.set_layers(volume=settings.flag("chart.volume"), fills=settings.flag("chart.fills"))

    def _apply_presets(self) -> None:
        self._screen.ticket.set_presets(self._settings.text("trade.size_presets"))

    def _apply_ladder(self) -> None:
        ladder = self._screen.ladder
        ladder.refresh_ms = self._settings.whole("ladder.refresh_ms")
        ladder.recentres = self._settings.flag("ladder.recenter")

    def _apply_tape(self) -> None:
        self._screen.tape.set_keep_s(self._settings.whole("tape.keep_s"))
        self._screen.tape.set_merge(self._settings.flag("tape.merge"))

    def _apply_filter(self) -> None:
        percentile = self._settings.whole("tape.filter_percentile")
        self._screen.tape.set_filter(f"p{percentile}" if percentile else "")
