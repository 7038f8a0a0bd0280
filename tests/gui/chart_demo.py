"""Pictures of the chart in many states and its cost: ``python -m tests.gui.chart_demo FOLDER``.

Prices are random but always the same ones. Works offscreen and on a real or virtual screen.
"""

from __future__ import annotations

import os
import sys
import time
from decimal import Decimal
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtGui import QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFrame, QVBoxLayout, QWidget

from terminal.domain.indicators import IndicatorKind
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderRequest, OrderState, OrderType
from terminal.services.market_data import FeedState, Topic
from terminal.widgets import theme
from terminal.widgets.chart import ChartPanel
from terminal.widgets.chart_view import ChartView
from terminal.widgets.watchlist import SearchDialog, WatchlistPanel
from tests.gui.chart_fakes import SECOND, ChartDesk, WatchDesk
from tests.trading_fakes import BTC, limit

_OVERLAYS = (IndicatorKind.SMA, IndicatorKind.EMA, IndicatorKind.BOLLINGER, IndicatorKind.ICHIMOKU)
_FIVE = (*_OVERLAYS[1:], IndicatorKind.RSI, IndicatorKind.MACD)
WIDE = (1040, 640)
NARROW = (850, 470)


class ChartDemo:
    """A chart panel with its header above it, over a desk of fakes."""

    def __init__(self, *, interval_s: int = 900, count: int = 720, **options: object) -> None:
        self.desk = ChartDesk()
        self.desk.fill_lifelike(count, interval_s)
        self.vm = self.desk.open(interval_s=interval_s, **options)
        self.panel = ChartPanel(self.vm)
        self.window = QFrame()
        self.window.setProperty("kind", "bar")
        box = QVBoxLayout(self.window)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.panel.header)
        box.addWidget(self.panel, 1)

    def trade(self) -> None:
        """Own orders in all their looks, and own fills."""
        gate, last = self.desk.gate, self.desk.market.bars(BTC, self.vm.interval_s).bars[-1]
        close = last.close

        def at(percent: str) -> str:
            return str((close * (1 + Decimal(percent) / 100)).quantize(Decimal("0.1")))

        one = gate.add(limit(Side.BUY, at("-0.8")))
        for _ in range(3):
            gate.add(limit(Side.BUY, at("-1.1")))
        gate.add(limit(Side.BUY, at("-1.15"), "1.5"))
        gate.add(limit(Side.SELL, at("0.4"), "0.125"))
        gate.add(limit(Side.SELL, at("9")))
        gate.add(
            OrderRequest(
                BTC,
                Side.SELL,
                OrderType.STOP_LIMIT,
                Decimal("0.5"),
                limit_price=Decimal(at("-1.6")),
                trigger_price=Decimal(at("-1.5")),
            )
        )
        gate.add(limit(Side.SELL, at("0.7"), "1.5"), OrderState.IN_DOUBT)
        moving = gate.add(limit(Side.SELL, at("0.9"), "0.3"))
        moving.amend_pending = AmendRequest(limit_price=Decimal(at("1.1")))
        for back, side in ((40, Side.BUY), (25, Side.BUY), (12, Side.SELL), (1, Side.BUY)):
            bars = self.desk.market.bars(BTC, self.vm.interval_s).bars
            shown = bars[-1 - back]
            order = gate.add(limit(side, str(shown.close)), OrderState.FILLED)
            gate.fill(order, str(shown.close), "0.05", shown.open_ns + 60 * SECOND)
        self.desk.market.changed.notify(BTC, Topic.BARS)
        assert one.state is OrderState.OPEN

    def settle(self) -> None:
        """Let everything that waits be drawn."""
        for _ in range(3):
            self.desk.frames.tick()
            QApplication.processEvents()

    def shot(self, path: Path, size: tuple[int, int] = WIDE) -> None:
        self.window.resize(*size)
        self.window.show()
        self.settle()
        self.window.grab().save(str(path))


def pictures(folder: Path) -> None:
    """Every state as an image."""
    demo = ChartDemo()
    demo.shot(folder / "chart-start.png")
    demo.shot(folder / "chart-start-narrow.png", NARROW)
    demo.shot(folder / "chart-start-tiny.png", (420, 300))
    demo.vm.dismiss_hint()
    demo.trade()
    demo.settle()
    QTest.mouseMove(demo.panel.view, QPoint(600, 200))
    demo.shot(folder / "chart-orders.png")
    demo.shot(folder / "chart-orders-narrow.png", NARROW)
    line = demo.vm.trading.lines[-2]
    demo.vm.trading.drag(line, line.price - 120)
    demo.shot(folder / "chart-drag.png")
    demo.vm.trading.drag(line, line.price + 3000)
    demo.shot(folder / "chart-drag-across.png")
    demo.vm.trading.drag(line, line.price - 120)
    demo.vm.trading.drop()
    demo.shot(folder / "chart-confirm.png")
    demo.vm.trading.sending.discard()
    demo.vm.pan(9000)
    demo.shot(folder / "chart-history-end.png")
    demo.desk.market.bars(BTC, 900).complete = False
    demo.desk.market.bars(BTC, 900).loading = True
    demo.vm.stretch(1.4)
    demo.desk.market.changed.notify(BTC, Topic.BARS)
    demo.shot(folder / "chart-loading-older.png")
    demo.vm.go_to_last()
    demo.vm.fit_prices()
    demo.desk.market.set_bar_state(FeedState.STALE)
    demo.shot(folder / "chart-stale.png")
    demo.desk.market.set_bar_state(FeedState.REFUSED)
    demo.shot(folder / "chart-failed.png", NARROW)
    for name, state, count in (("loading", FeedState.LOADING, 0), ("unsupported", FeedState.UNSUPPORTED, 0),
                               ("no-bars", FeedState.LIVE, 0), ("few", FeedState.LIVE, 9)):  # fmt: skip
        other = ChartDemo(count=max(count, 1))
        if not count:
            series = other.desk.market.bars(BTC, 900)
            series.bars.clear()
            series.revision += 1
        other.desk.market.set_bar_state(state)
        other.shot(folder / f"chart-{name}.png", NARROW)
    for interval_s in (60, 3600, 14400, 86400, 604_800, 1_296_000):
        ChartDemo(interval_s=interval_s).shot(folder / f"chart-{interval_s}.png", NARROW)
    for name, kinds in (("overlays", _OVERLAYS), ("panes", tuple(set(IndicatorKind) - set(_OVERLAYS)))):
        for size, width in ((WIDE, "wide"), (NARROW, "narrow")):
            with_indicators = ChartDemo()
            with_indicators.vm.dismiss_hint()
            for kind in sorted(kinds, key=lambda each: each.value):
                with_indicators.vm.indicators.add(kind)
            with_indicators.shot(folder / f"chart-{name}-{width}.png", size)
    for spacing in (0.6, 1.5, 3.0, 9.0, 30.0):
        zoomed = ChartDemo(count=2500)
        zoomed.window.resize(*NARROW)
        zoomed.settle()
        zoomed.vm.zoom(spacing / zoomed.vm.viewport.spacing, zoomed.vm.viewport.width)
        zoomed.shot(folder / f"chart-zoom-{spacing}.png", NARROW)


def watchlist_pictures(folder: Path) -> None:
    """The watchlist at several widths and states, and the search."""
    desk = WatchDesk()
    pairs = desk.fill_lifelike()
    vm = desk.open(pairs, favourites=pairs[1:3])
    panel = WatchlistPanel(vm)

    def shot(name: str, width: int, height: int = 420) -> None:
        panel.resize(width, height)
        panel.show()
        desk.pass_time(0.11)
        QApplication.processEvents()
        panel.grab().save(str(folder / f"watchlist-{name}.png"))

    shot("narrow", 220)
    plain = WatchlistPanel(desk.open(pairs))
    panel, favourites = plain, panel
    shot("narrow-plain", 220)
    shot("standard-plain", 280)
    panel = favourites
    shot("standard", 280)
    shot("wide", 520)
    desk.market.set_last(pairs[0], "64131.7")
    desk.market.set_last(pairs[1], "3421.49")
    desk.market.set_last(pairs[3], "0.52390")
    shot("flash", 280)
    panel.box.setText("zzz")
    shot("nothing", 280)
    panel.box.clear()
    desk.market.set_state(FeedState.STALE)
    shot("stale", 280)
    desk.market.set_state(FeedState.LIVE)
    dialog = SearchDialog(vm, None)
    for name, text in (("start", ""), ("btc", "btc"), ("nothing", "qqq")):
        dialog.open(text)
        QApplication.processEvents()
        dialog.grab().save(str(folder / f"search-{name}.png"))
    dialog.close()
    panel.close()


class TimedView(ChartView):
    """Counts what its paint events cost."""

    spent: list[float]

    def paintEvent(self, event: QPaintEvent) -> None:
        begun = time.thread_time()
        super().paintEvent(event)
        self.spent.append((time.thread_time() - begun) * 1000)


def cost(kinds: tuple[IndicatorKind, ...] = ()) -> None:
    """Milliseconds (of this thread's own time) a repaint: of a frame, in which the running bar moves, of a
    whole new picture, as in a drag, and of a crosshair that moves. With so many indicators on 2,000 bars."""
    print(f"{len(kinds)} indicators")
    for count in (300, 1000):
        demo = ChartDemo(count=2000)
        for each in kinds:
            demo.vm.indicators.add(each)
        demo.trade()
        view = TimedView(demo.vm)
        view.spent = []
        view.resize(1040, 600)
        view.show()
        demo.settle()
        demo.vm.zoom(view.geometry_of_plot.plot.width() / count / demo.vm.viewport.spacing, 970)
        demo.vm.go_to_last()
        series = demo.desk.market.bars(BTC, 900)
        builds: list[float] = []
        for kind in ("frame", "pan", "crosshair"):
            view.spent.clear()
            for step in range(200):
                if kind == "frame":
                    bar = series.bars[-1]
                    close = bar.close + Decimal("0.1") * (1 if step % 2 else -1)
                    series.update(bar._replace(close=close))
                    demo.desk.market.changed.notify(BTC, Topic.BARS)
                    begun = time.thread_time()
                    demo.desk.frames.tick()
                    builds.append((time.thread_time() - begun) * 1000)
                elif kind == "pan":
                    demo.vm.pan(3 if step % 2 else -3)
                else:
                    QTest.mouseMove(view, QPoint(300 + step, 200))
                view.repaint()
            spent = sorted(view.spent)
            middle, high = spent[len(spent) // 2], spent[int(len(spent) * 0.99)]
            print(f"{count:5} bars, {kind:9}: p50 {middle:.2f} ms, p99 {high:.2f} ms")
        builds.sort()
        print(f"{count:5} bars, build    : p50 {builds[100]:.3f} ms, p99 {builds[197]:.3f} ms")


def main() -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    theme.apply(app)
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        pictures(folder)
        watchlist_pictures(folder)
    cost()
    cost(_FIVE)
    for widget in QApplication.topLevelWidgets():
        QWidget.close(widget)


if __name__ == "__main__":
    main()
