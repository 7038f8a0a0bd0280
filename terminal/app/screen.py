"""Builds every view-model and panel over the composed terminal, and the window around them.

It alone knows all of them, and which one hears of which: taken apart, the wiring could be read nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from functools import partial
from typing import Any, cast

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication

from terminal.app.account_dialogs import AccountDialogs
from terminal.app.compose import Terminal
from terminal.app.connection_desk import ConnectionDesk
from terminal.app.day_watch import read_limit
from terminal.app.preferences import Preferences, density_of
from terminal.app.rehearsals import REHEARSALS, Fault
from terminal.app.sign_in import SignInWindow
from terminal.core import memory, tasks
from terminal.domain.errors import TerminalError
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderType
from terminal.services.arming import ArmState
from terminal.services.contract_stats import ContractStats
from terminal.services.market_data import FeedState, MarketData, Topic
from terminal.services.notices import NoticeAction
from terminal.services.session import Mode
from terminal.services.twins import Twins
from terminal.services.venue_talk import VenueTalk
from terminal.venues.base import HasMarginCalls, HasRecords
from terminal.viewmodels.account import AccountViewModel
from terminal.viewmodels.book import LadderState, LadderViewModel
from terminal.viewmodels.bridge import BridgeViewModel
from terminal.viewmodels.chart import ChartState, ChartViewModel
from terminal.viewmodels.chart_link import ChartLink
from terminal.viewmodels.chart_positions import ChartPositions
from terminal.viewmodels.connection import ConnectionViewModel
from terminal.viewmodels.contract_results import ContractResults
from terminal.viewmodels.contract_stats import ContractStatsViewModel
from terminal.viewmodels.contract_ticket import ContractTicketViewModel
from terminal.viewmodels.cross_venue import CrossVenueViewModel
from terminal.viewmodels.day_limit import DayLimit
from terminal.viewmodels.dead_man import DeadManViewModel
from terminal.viewmodels.desk import DeskViewModel, Rehearsal
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.history import HistoryViewModel
from terminal.viewmodels.in_sight import InSight
from terminal.viewmodels.layouts import LayoutStore
from terminal.viewmodels.log import LogViewModel
from terminal.viewmodels.margin_calls import MarginCallsViewModel
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.orders import OrdersViewModel
from terminal.viewmodels.positions import PositionsViewModel
from terminal.viewmodels.quitting import Leaving, Quitting
from terminal.viewmodels.quote_meter import QuoteMeter
from terminal.viewmodels.selection import LinkedSizes, LinkGroups, interval_of
from terminal.viewmodels.settings import SettingsViewModel
from terminal.viewmodels.status import StatusViewModel
from terminal.viewmodels.tape import TapeState, TapeViewModel
from terminal.viewmodels.ticket import TicketViewModel
from terminal.viewmodels.twins import TwinsViewModel
from terminal.viewmodels.unlock import UnlockViewModel
from terminal.viewmodels.watchlist import WatchlistViewModel
from terminal.widgets import prompts, theme
from terminal.widgets.blotter import Blotter
from terminal.widgets.book import LadderPanel
from terminal.widgets.book_view import LadderView
from terminal.widgets.bridge import BridgeDialog, BridgeLight
from terminal.widgets.bridge_waiting import WaitingHost
from terminal.widgets.chart import ChartPanel
from terminal.widgets.contract_ticket import TicketForms
from terminal.widgets.cross_venue import CrossVenuePanel
from terminal.widgets.history_dialog import HistoryDialog
from terminal.widgets.keys import PANEL_KEYS
from terminal.widgets.main_window import MainWindow
from terminal.widgets.margin_calls_dialog import MarginCallsDialog
from terminal.widgets.panels import Panel
from terminal.widgets.settings_dialog import SettingsDialog
from terminal.widgets.tape import TapePanel
from terminal.widgets.ticket import TicketPanel
from terminal.widgets.twins_dialog import TwinsDialog
from terminal.widgets.unlock_dialog import UnlockDialog
from terminal.widgets.watchlist import SearchDialog, WatchlistPanel

_COLLECT_EVERY_S = 1.0
_LINKED = ("watchlist", "chart", "cross", "ladder", "tape", "ticket", "chart2")
_SECOND_INTERVAL_S = 3600
_GROUPS = "groups"
_LINKS = "links"
_LADDER_ROWS = "ladder_rows"
_CHART2 = "chart2_interval_s"
WATCHED_AT_FIRST = 4
"""Markets of a venue that a person has added, where nothing says which."""
HEADLINES = {"kraken": "BTC/USD", "okx": "BTC/USDT", "ctrader": "EUR/USD", "quotex": "EUR/USD OTC"}
USUAL = {
    "kraken": (
        *("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "ADA/USD", "DOGE/USD", "LTC/USD", "LINK/USD"),
        *("BTC/EUR", "ETH/BTC", "USDT/USD"),
    ),
    "okx": ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BTC/USDT-PERP", "ETH/USDT-PERP"),
    "ctrader": ("EUR/USD", "GBP/USD", "USD/JPY", "XAU/USD", "US500"),
    "quotex": ("EUR/USD", "EUR/USD OTC", "GBP/USD OTC", "Bitcoin OTC"),
}


def first_shown(venues: Sequence[str]) -> InstrumentId | None:
    """What a desk of these venues opens on: the headline of the first one that has one."""
    return next((InstrumentId(venue, HEADLINES[venue]) for venue in venues if venue in HEADLINES), None)


class _PaintWatcher(QObject):
    """Sees the first paint of a live ladder."""

    def __init__(self, ladder: LadderViewModel, fn: Callable[[], object]) -> None:
        super().__init__(ladder)
        self._ladder = ladder
        self._fn = fn
        self._seen = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            not self._seen
            and event.type() is QEvent.Type.Paint
            and self._ladder.state is LadderState.LIVE
            and self._ladder.rows
        ):
            self._seen = True
            QTimer.singleShot(0, self._fn)
        return False


class Screen(QObject):
    """Everything a person sees.

    Attributes:
        window: the main window. frames: the tick that all repaints share.
    """

    def __init__(
        self, terminal: Terminal, app: QApplication, *, sign_in_window: SignInWindow | None = None
    ) -> None:
        super().__init__()
        theme.load_fonts()
        theme.apply(app, density_of(terminal.settings))
        self._terminal = terminal
        self._in_sight: dict[str, InSight] = {}
        self._seen: dict[str, bool] = {}
        self.frames = FrameClock(parent=self)
        self.frames.register(terminal.market.flush)
        self.frames.every(_COLLECT_EVERY_S, memory.collect_if_due)
        ask = self._ask = prompts.asker(lambda: self.window)
        clock, market, sessions = terminal.clock, terminal.market, terminal.sessions
        gate, portfolio = terminal.gate, terminal.portfolio
        self.notices = NoticesViewModel(clock, self)
        self.notices.watch(terminal.notice)
        self.notices.action_wanted.connect(self._on_notice_action)
        self._titles = {venue: terminal.venue_info(venue).title for venue in terminal.venues}
        self.twins = Twins(market, terminal.paths.twins_file, self.notices.warn)
        self.links = LinkGroups(self.twins, self._titles)
        self.selection = self.links.group(1)
        self.selection.select(first_shown(terminal.venues))
        self._link = {key: self.links.panel(is_chart=key.startswith("chart")) for key in _LINKED}
        self.connection_desk = ConnectionDesk(terminal, open_url=_open_url, window=sign_in_window)
        self.connections = ConnectionViewModel(
            sessions,
            market,
            [terminal.venue_info(venue) for venue in terminal.venues],
            self.connection_desk,
            self.notices,
            self.frames,
            headlines={venue: HEADLINES[venue] for venue in terminal.venues if venue in HEADLINES},
            addable=[terminal.venue_info(venue) for venue in terminal.addable],
            title_of=lambda venue: terminal.venue_info(venue).title,
            wall_ns=clock.wall_ns,
            parent=self,
        )
        self.connections.follow(self.selection)
        self.account = AccountViewModel(
            portfolio,
            self.connections.accounts,
            self.frames,
            clock,
            days=terminal.day.results,
            name_of=self.connections.short_name,
            is_real=self.connections.is_real,
            parent=self,
        )
        self.orders = OrdersViewModel(
            gate,
            market,
            self.notices,
            self.frames,
            clock,
            ask=ask,
            badge_of=self.connections.badge_of,
            titles=self._titles,
            hidden=self._hidden_accounts,
            name_of=self.connections.short_name,
            parent=self,
        )
        self.positions = PositionsViewModel(
            terminal.positions,
            portfolio,
            market,
            self.connections.account_entries,
            self.notices,
            self.frames,
            ask=ask,
            select_account=terminal.select_account,
            show_account=terminal.show_account,
            open_orders=lambda account: len(gate.open_orders(account)),
            may_send_at_once=self._may_send_at_once,
            wall_ns=clock.wall_ns,
            margins=terminal.margins,
            ahead_ms=self._venue_ahead_ms,
            parent=self,
        )
        self.day_limit = DayLimit(
            terminal.day.lock,
            self.account,
            self.connections.short_name,
            asked_with=partial(read_limit, terminal.settings),
        )
        self.desk = DeskViewModel(
            terminal.arming,
            gate,
            self.connections,
            self.account,
            self.orders,
            self.positions,
            self.notices,
            self.frames,
            ask=ask,
            rehearsals=[
                self._rehearsal(venue, fault)
                for venue, faults in REHEARSALS.items()
                if venue in terminal.venues
                for fault in faults
            ],
            reset_practice=self._reset_practice,
            before_flatten=terminal.bridge.cut,
            limit=self.day_limit,
            parent=self,
        )
        self.dead_man = DeadManViewModel(
            terminal.switch, self.connections, self.notices, self.frames, ask=ask, parent=self
        )
        self._quitting = Quitting(
            gate,
            portfolio,
            self.dead_man,
            self.connections,
            ask,
            removed=self._removed_accounts,
            asks=partial(terminal.settings.flag, "app.confirm_quit"),
        )
        self.status = StatusViewModel(self.connections, self.account, self)
        self.log = LogViewModel(terminal.ring, self.frames, self)
        self.ticket = TicketViewModel(
            self._seen_market("ticket"),
            sessions,
            gate,
            portfolio,
            self._link["ticket"],
            self.frames,
            clock,
            presets=terminal.settings.text("trade.size_presets"),
            small_size=lambda venue: terminal.settings.number("trade.default_size", venue),
            margins=terminal.margins,
            ask=ask,
            parent=self,
        )
        self.contract_stats = ContractStats(gate)
        self.contract_lines = ContractStatsViewModel(
            self.contract_stats,
            self.frames,
            self.notices,
            name_of=self.connections.short_name,
            hidden=self._hidden_accounts,
            is_offered=lambda: any(terminal.venue_info(v).capabilities.contracts for v in terminal.venues),
            parent=self,
        )
        self.contracts = ContractTicketViewModel(
            market,
            sessions,
            gate,
            portfolio,
            self._link["ticket"],
            self.frames,
            clock,
            hit_rates=self.contract_stats.hit_rate,
            ahead_ms=self._venue_ahead_ms,
            meter=QuoteMeter(market, sessions, self.twins.members, clock, titles=self._titles),
            talk=VenueTalk(sessions),
            listed=market.instruments,
            group_of=self.twins.group_of,
            parent=self,
        )
        self._results = ContractResults(
            self.contract_stats,
            self.notices,
            clock,
            name_of=self.connections.short_name,
            tell_ticket=self.contracts.sending.tell_end,
            hides_amounts=lambda: self.contracts.hide_amounts,
        )
        self.ladder = LadderViewModel(
            self._seen_market("ladder"),
            sessions,
            gate,
            portfolio,
            self._link["ladder"],
            LinkedSizes(self.ticket, self._link["ladder"]),
            self.frames,
            clock,
            parent=self,
        )
        self.tape = TapeViewModel(
            self._seen_market("tape"),
            self._link["tape"],
            self.frames,
            clock,
            keep_s=terminal.settings.whole("tape.keep_s"),
            parent=self,
        )
        self.cross = CrossVenueViewModel(
            market,
            sessions,
            portfolio,
            self.twins,
            self._link["cross"],
            self.ticket,
            self.frames,
            clock,
            titles=self._titles,
            parent=self,
        )
        self.ticket.changed.connect(self.cross.refresh)
        self._build_market_panels()
        self.ladder.ticket_wanted.connect(partial(self._on_ticket_wanted, "ladder"))
        terminal.sessions.changed.watch(self._on_session)
        self._unwatch_market = terminal.market.changed.watch(self._on_market)
        self._unwatch_keys = terminal.keys_awaited.watch(self._on_keys_awaited)
        self._unwatch_doubts = gate.inquiries.changed.watch(self._on_doubt)
        self._unwatch_desk = terminal.desk_changed.watch(self._on_desk)
        self._panels = self._build_panels()
        self._layouts = LayoutStore(terminal.paths.layouts, self.notices.warn)
        self.window = MainWindow(
            self.desk,
            self.status,
            self._panels,
            self._layouts,
            keys=PANEL_KEYS,
            show_hint=not terminal.settings.flag("practice.tour_done"),
            dead_man=self.dead_man,
            cross=self.cross,
        )
        self.account_dialogs = AccountDialogs(
            terminal, self.window, self.connections, self.positions, self.account, self.notices, self.frames
        )
        self.positions.history_wanted.connect(self.open_history)
        self.positions.margin_calls_wanted.connect(self.open_margin_calls)
        self.search = SearchDialog(self.watchlist, self.window)
        self.window.search_wanted.connect(self.search.open)
        self._watchlist_panel.search_wanted.connect(self.search.open)
        self.watchlist.beside_wanted.connect(self._on_beside_wanted)
        self.window.hint_dismissed.connect(self._on_hint_dismissed)
        self.contracts.changed.connect(lambda: self.window.hint.show_way(contracts=self.contracts.is_offered))
        self.window.settings_wanted.connect(self.open_settings)
        self._build_bridge()
        workspace = self.window.workspace
        # First what the groups show, then which panel is in which of them.
        workspace.keep(_GROUPS, self.links.kept, self.links.restore)
        workspace.keep(_LINKS, self._kept_links, self._restore_links)
        workspace.keep(_CHART2, lambda: self.chart2.chosen_s, self._restore_chart2)
        self.chart2.interval_chosen.connect(workspace.kept_changed)
        for key, chart in (("chart", self.chart), ("chart2", self.chart2)):
            workspace.keep(f"{key}_indicators", chart.indicators.kept, chart.indicators.restore)
            chart.indicators.chosen.connect(workspace.kept_changed)
        workspace.keep(_LADDER_ROWS, self.ladder.kept, self.ladder.restore)
        self.ladder.regrouped.connect(workspace.kept_changed)
        self.links.watch(workspace.kept_changed)
        for link in self._link.values():
            link.moved.watch(workspace.kept_changed)
            link.changed.watch(workspace.kept_changed)
        self.window.twins_wanted.connect(self.open_twins)
        self._cross_panel.twins_wanted.connect(self.open_twins)
        self._preferences = Preferences(terminal.settings, self, app)
        for key, dock in workspace.docks.items():
            dock.visibilityChanged.connect(partial(self._on_panel_seen, key))
        self.window.shown_changed.connect(self._on_window_seen)

    def _seen_market(self, key: str) -> MarketData:
        """The market as a panel has it, which asks polled venues for nothing while it cannot be seen."""
        seen = InSight(self._terminal.market, self._is_polled)
        self._in_sight[key] = seen
        return cast("MarketData", seen)

    def _is_polled(self, venue: str) -> bool:
        return self._terminal.venue_info(venue).capabilities.polled

    def _on_panel_seen(self, key: str, is_seen: bool) -> None:
        self._seen[key] = is_seen
        if key in self._in_sight:
            floats = self.window.workspace.docks[key].isFloating()
            self._in_sight[key].set_seen(is_seen and (floats or not self.window.isMinimized()))

    def _on_window_seen(self) -> None:
        for key in self._in_sight:
            self._on_panel_seen(key, self._seen.get(key, True))

    def _build_market_panels(self) -> None:
        terminal = self._terminal
        settings = terminal.settings
        self.watchlist = WatchlistViewModel(
            self._seen_market("watchlist"),
            self._link["watchlist"],
            self.frames,
            terminal.clock,
            watched=self._watched(),
            favourites=self._favourites(),
            titles=self._titles,
            save=self._keep_watched,
            save_favourites=self._keep_favourites,
            flashes=settings.flag("look.flashes"),
            unofficial=[each for each in terminal.venues if terminal.venue_info(each).unofficial],
            parent=self,
        )
        self.chart = self._build_chart("chart", settings.whole("chart.interval_s"))
        self.chart.interval_chosen.connect(self._on_interval_chosen)
        # Closed at first, it asks for nothing until somebody opens it beside the other one.
        self.chart2 = self._build_chart("chart2", _SECOND_INTERVAL_S)
        self._chart_links = [
            ChartLink(chart, self._link[key])
            for key, chart in (("chart", self.chart), ("chart2", self.chart2))
        ]

    def _build_chart(self, key: str, interval_s: int) -> ChartViewModel:
        terminal, settings, first = self._terminal, self._terminal.settings, key == "chart"
        chart = ChartViewModel(
            self._seen_market(key),
            terminal.sessions,
            terminal.gate,
            terminal.portfolio,
            self._link[key],
            LinkedSizes(self.ticket, self._link[key]),
            self.frames,
            terminal.clock,
            interval_s=interval_s,
            start_bars=settings.whole("chart.bars"),
            show_volume=settings.flag("chart.volume"),
            show_fills=settings.flag("chart.fills"),
            show_hint=first and not settings.flag("practice.tour_done"),
            confirms=settings.flag("trade.chart_confirms"),
            zone=UTC if settings.text("look.clock") == "utc" else None,
            positions=ChartPositions(self.positions, terminal.portfolio.worth, self),
            is_idle_unseen=not first,
            parent=self,
        )
        chart.ticket_proposed.connect(partial(self._on_ticket_wanted, key))
        chart.hint_used.connect(self._on_hint_dismissed)
        return chart

    def _build_panels(self) -> dict[str, Panel]:
        blotter = Blotter(self.orders, self.account, self.positions, self.log, self.contract_lines)
        chart, chart2 = ChartPanel(self.chart), ChartPanel(self.chart2)
        self._cross_panel = CrossVenuePanel(self.cross)
        self._watchlist_panel = WatchlistPanel(self.watchlist)
        return {
            "watchlist": Panel("watchlist", "Watchlist", self._watchlist_panel, link=self._link["watchlist"]),
            "chart": Panel(
                "chart",
                "Chart",
                chart,
                header=chart.header,
                can_trade=True,
                link=self._link["chart"],
                show_title=False,
            ),
            "cross": Panel(
                "cross",
                "Venues",
                self._cross_panel,
                header=self._cross_panel.header,
                link=self._link["cross"],
                show_title=False,
            ),
            "ladder": Panel(
                "ladder", "Ladder", LadderPanel(self.ladder), can_trade=True, link=self._link["ladder"]
            ),
            "tape": Panel("tape", "Time and sales", TapePanel(self.tape), link=self._link["tape"]),
            "ticket": Panel(
                "ticket",
                "Ticket",
                TicketForms(TicketPanel(self.ticket), self.contracts),
                can_trade=True,
                link=self._link["ticket"],
            ),
            "blotter": Panel(
                "blotter",
                "Blotter",
                blotter,
                header=blotter.header,
                can_trade=True,
                show_title=False,
            ),
            "chart2": Panel(
                "chart2",
                "Chart 2",
                chart2,
                header=chart2.header,
                can_trade=True,
                link=self._link["chart2"],
                show_title=False,
            ),
        }

    # -- life -----------------------------------------------------------------------------------------

    def waiting_for(self) -> list[str]:
        """The panels that do not show live data yet, in words; empty when everything does. A closed panel
        asks for no data, so nobody waits for it."""
        account = next(iter(self.connections.accounts()), "")
        shown = self._link["ladder"].instrument
        book_state = self._terminal.market.book_state(shown) if shown is not None else None
        is_open = self.window.workspace.is_open
        panels = {
            "ladder": self.ladder.state is LadderState.LIVE and book_state is FeedState.LIVE,
            "tape": self.tape.state is TapeState.LIVE,
            "chart": self.chart.state is ChartState.LIVE,
            "watchlist": self.watchlist.all_live,
            "ticket": bool(account) and self._terminal.gate.ready(account) and bool(self.ticket.lines),
        }
        bars = {
            "balances": bool(account) and self._terminal.portfolio.is_known(account),
            "net worth": self.account.equity is not None and not self.account.unpriced,
        }
        waiting = [
            self._panels[key].title.lower()
            for key, live in panels.items()
            if is_open(key) and not live and self._link[key].instrument is not None
        ]
        return waiting + [name for name, is_live in bars.items() if not is_live]

    def on_first_live_price(self, fn: Callable[[], object]) -> Callable[[], None]:
        """Call ``fn`` when the ladder has painted its first live price; the returned function gives up."""
        watcher = _PaintWatcher(self.ladder, fn)
        view = self._panels["ladder"].widget.findChild(LadderView)
        assert view is not None
        view.installEventFilter(watcher)
        return lambda: view.removeEventFilter(watcher)

    async def may_quit(self) -> bool:
        """Ask before quitting while something of the person's goes on at a venue without the terminal."""
        answer = await self._quitting.ask(prompts.chooser(lambda: self.window))
        self._terminal.leaves_switch_armed = answer is Leaving.SWITCH_ARMED
        return answer is not Leaving.STAYS

    def _removed_accounts(self) -> frozenset[str]:
        """The accounts of venues that were removed: what is open there stays, and is followed no more."""
        return frozenset(f"{venue}:{Mode.LIVE.value}" for venue in self._terminal.added.removed)

    def _hidden_accounts(self) -> frozenset[str]:
        return self.connections.hidden_accounts() | self._removed_accounts()

    def _build_bridge(self) -> None:
        terminal = self._terminal
        self.bridge = BridgeViewModel(
            terminal.bridge,
            terminal.switch_bridge,
            [(venue, self._titles[venue]) for venue in terminal.venues],
            self.frames,
            self.notices,
            ask=self._ask,
            zone=UTC if terminal.settings.text("look.clock") == "utc" else None,
            parent=self,
        )
        self.bridge_light = BridgeLight(self.bridge)
        self.bridge_light.clicked.connect(self.open_bridge)
        self.window.top_bar.add_light(self.bridge_light)
        self.waiting = WaitingHost(self.bridge, self.window, self.window.toasts.room)
        self.window.bridge_wanted.connect(self.open_bridge)

    def open_bridge(self) -> None:
        """Show the bridge's panel, or bring it to the front."""
        dialog = self.window.findChild(BridgeDialog)
        if dialog is None:
            dialog = BridgeDialog(self.bridge, self.window)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def open_unlock(self) -> None:
        """Ask for the passphrase of the key vault; what waits for its keys connects then."""
        if self.window.findChild(UnlockDialog) is not None:
            return
        waiting = [self._titles[venue] for venue in self._terminal.waiting_for_keys if venue in self._titles]
        vm = UnlockViewModel(self.connection_desk.open_vault, waiting)
        dialog = UnlockDialog(vm, self.window)
        vm.setParent(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _on_notice_action(self, action: NoticeAction, venue: str) -> None:
        if action is NoticeAction.UNLOCK:
            self.open_unlock()
        elif action is NoticeAction.SIGN_IN and venue in self._titles:
            self.window.open_sign_in(venue)

    def _on_keys_awaited(self) -> None:
        if not self._terminal.waiting_for_keys:
            self.notices.withdraw(NoticeAction.UNLOCK)

    def open_settings(self) -> None:
        """Show the settings dialog."""
        if self.window.findChild(SettingsDialog) is not None:
            return
        terminal = self._terminal
        vm = SettingsViewModel(
            terminal.settings, self._titles, notes=self.day_limit, ask=prompts.asker(self._over_settings)
        )
        dialog = SettingsDialog(vm, self.window)
        vm.setParent(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _over_settings(self) -> SettingsDialog | MainWindow:
        dialogs = self.window.findChildren(SettingsDialog)
        return next((each for each in dialogs if each.isVisible()), self.window)

    def open_twins(self) -> None:
        """Show the twin map, at the twins of what the linked panels show."""
        if self.window.findChild(TwinsDialog) is not None:
            return
        vm = TwinsViewModel(
            self.twins,
            self.watchlist.search,
            self._terminal.clock,
            titles=self.watchlist.title_of,
            group=self.cross.group,
        )
        dialog = TwinsDialog(vm, self.window)
        vm.setParent(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def open_history(self, account: str) -> None:
        """Show an account's past, where its venue can page through it."""
        trader: object = self._terminal.sessions.trading_connector(account)
        if not isinstance(trader, HasRecords):
            self.notices.info("This venue keeps no history that could be shown, or is not connected.")
            return
        info = self._terminal.portfolio.info(account)
        title = info.title if info else self.connections.short_name(account)
        vm = HistoryViewModel(title, trader, self._terminal.market.instrument)
        dialog = HistoryDialog(vm, self.window)
        vm.setParent(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def open_margin_calls(self, account: str) -> None:
        """Show at which margin levels the venue warns, where it does."""
        trader: object = self._terminal.sessions.trading_connector(account)
        portfolio = self._terminal.portfolio
        info = portfolio.info(account)
        if info is None or not isinstance(trader, HasMarginCalls):
            self.notices.info("This venue has no margin calls, or is not connected.")
            return
        badge = next(
            (row.badge for row in self.positions.accounts_model.rows if row.key == account),
            self.connections.badge_of(account),
        )
        vm = MarginCallsViewModel(info, trader, lambda: portfolio.figures(account), badge=badge)
        dialog = MarginCallsDialog(vm, self.window)
        vm.setParent(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def close(self) -> None:
        """End all ticking and finish writing the layout; the window is closed by its owner."""
        self._unwatch_desk()
        self._unwatch_market()
        self._unwatch_keys()
        self._unwatch_doubts()
        for chart_link in self._chart_links:
            chart_link.close()
        self._preferences.close()
        self._results.close()
        self.bridge.close()
        self.frames.stop()
        self.window.workspace.save_now()
        self.window.workspace.stop()
        self._layouts.close()

    def _venue_ahead_ms(self, venue: str) -> float | None:
        """How far a venue's clock is before ours, by its own prices or answers; None while not known."""
        session = self._terminal.sessions.sessions.get(venue)
        return session.connector.health().clock_offset_ms if session is not None else None

    def _may_send_at_once(self) -> bool:
        """Reverse and double go without a question only while one-click is armed and the option is ticked."""
        terminal = self._terminal
        one_click = terminal.arming.state is ArmState.ONE_CLICK
        return one_click and not terminal.settings.flag("trade.confirm_reverse")

    # -- wiring ---------------------------------------------------------------------------------------

    def _on_ticket_wanted(self, key: str, side: Side, order_type: OrderType | None, price: Decimal) -> None:
        link, ticket = self._link[key], self._link["ticket"]
        if ticket.instrument != link.instrument:
            # A price of one market must never stand in the ticket of another: the ticket goes there first.
            ticket.select(link.instrument)
        if ticket.instrument != link.instrument:
            self.notices.info("The ticket is held to another venue: let go of that in its title first.")
            return
        self.ticket.fill(side, order_type, price)
        self.window.workspace.show_panel("ticket")

    def _kept_links(self) -> dict[str, object]:
        return {key: link.kept() for key, link in self._link.items()}

    def _restore_links(self, kept: object) -> None:
        entries = kept if isinstance(kept, dict) else {}
        for key, link in self._link.items():
            link.restore(entries.get(key))

    def _on_beside_wanted(self, instrument: InstrumentId) -> None:
        link = self._link["chart2"]
        link.share(replace(link.shares, takes=False, gives=False))
        link.hold("")
        link.select(instrument)
        self.window.workspace.set_open("chart2", True)

    def _restore_chart2(self, kept: object) -> None:
        self.chart2.set_interval(interval_of(kept) or _SECOND_INTERVAL_S)

    def _on_hint_dismissed(self) -> None:
        self._terminal.settings.set("practice.tour_done", True)

    def _on_interval_chosen(self, interval_s: int) -> None:
        self._terminal.settings.set("chart.interval_s", interval_s)

    def _watched(self) -> list[InstrumentId]:
        out = []
        for venue in self._terminal.venues:
            symbols = self._terminal.settings.items("watch.symbols", venue) or USUAL.get(venue, ())
            out += [InstrumentId(venue, symbol) for symbol in symbols]
        return out

    def _favourites(self) -> list[InstrumentId]:
        settings = self._terminal.settings
        return [
            InstrumentId(venue, symbol)
            for venue in self._terminal.venues
            for symbol in settings.items("watch.favourites", venue)
        ]

    def _keep_watched(self, watched: Sequence[InstrumentId]) -> None:
        self._keep_symbols("watch.symbols", watched)

    def _keep_favourites(self, favourites: Sequence[InstrumentId]) -> None:
        self._keep_symbols("watch.favourites", favourites)

    def _keep_symbols(self, key: str, instruments: Sequence[InstrumentId]) -> None:
        for venue in self._terminal.venues:
            symbols = tuple(item.symbol for item in instruments if item.venue == venue)
            self._terminal.settings.set(key, symbols, venue)

    def _rehearsal(self, venue: str, fault: Fault) -> Rehearsal:
        def run() -> None:
            self._run(self._terminal.practice.fault(venue, fault.kind, **fault.options))

        return Rehearsal(venue, fault.text, run)

    def _on_session(self, venue: str) -> None:
        # Rows made before the instruments came have eight digits until they are made again.
        self.orders.refresh()
        self.positions.refresh()
        self.contract_lines.refresh()
        self._begin_watching(venue)
        session = self._terminal.sessions.sessions.get(venue)
        if session is None or not session.needs_sign_in:
            self.notices.withdraw(NoticeAction.SIGN_IN, venue)

    def _on_doubt(self, client_order_id: str) -> None:
        if client_order_id not in self._terminal.gate.doubts:
            self.notices.settle(client_order_id)

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        # Another grid, or a plugin's prices seen for the first time: rows have other digits now.
        if topic is Topic.INSTRUMENT:
            self.orders.refresh()
            self.positions.refresh()

    def _begin_watching(self, venue: str) -> None:
        """What a person has added has no usual markets: it begins with the first that it lists."""
        terminal = self._terminal
        if venue not in terminal.venues or not terminal.venue_info(venue).on_demand:
            return
        listed = [item.id for item in terminal.market.instruments(venue)]
        watched = [item for item in self.watchlist.watched if item.venue == venue]
        if listed and not watched and not terminal.settings.is_set("watch.symbols", venue):
            for instrument in listed[:WATCHED_AT_FIRST]:
                self.watchlist.add(instrument)
        if first := next(iter(watched or listed), None):
            self.connections.set_headline(venue, first.symbol)

    def _on_desk(self) -> None:
        """A venue was added or removed, or has another title. Whoever knows the titles has this dict."""
        terminal = self._terminal
        self._titles.clear()
        self._titles.update({venue: terminal.venue_info(venue).title for venue in terminal.venues})
        for instrument in self.watchlist.watched:
            if instrument.venue not in self._titles:
                self.watchlist.remove(instrument)
        for link in self._link.values():
            if link.venue and link.venue not in self._titles:
                link.hold("")
            if link.instrument is not None and link.instrument.venue not in self._titles:
                link.select(first_shown(terminal.venues))
        self.connections.show_venues(
            [terminal.venue_info(venue) for venue in terminal.venues],
            [terminal.venue_info(venue) for venue in terminal.addable],
        )
        self.bridge.venues = tuple(self._titles.items())
        dialog = self.window.findChild(BridgeDialog)
        if dialog is not None:
            # It is made anew with the venues as they are now when it is next opened.
            dialog.close()
            dialog.setParent(None)
            dialog.deleteLater()
        self.orders.refresh()
        self.positions.refresh()
        self.watchlist.refresh()
        self.cross.refresh()

    def _reset_practice(self) -> None:
        async def reset() -> None:
            for session in list(self._terminal.sessions.sessions.values()):
                if session.mode is Mode.PRACTICE:
                    await self._terminal.reset_practice(session.venue)
                    self._terminal.day.lock.restart(session.account)
                    self.account.refresh()

        self._run(reset())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Carry out a command in the background; what goes wrong is said."""

        async def quietly() -> None:
            try:
                await work
            except TerminalError as error:
                self.notices.failure(error)

        tasks.spawn(quietly(), name="command")


def _open_url(url: str) -> bool:
    return QDesktopServices.openUrl(QUrl(url))
