"""Opens what the menu of a venue's card offers for its accounts: the refill and the profile."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from PySide6.QtCore import QObject, Qt

from terminal.app.compose import Terminal
from terminal.services.venue_accounts import VenueAccounts
from terminal.viewmodels.account import AccountViewModel
from terminal.viewmodels.connection import ConnectionViewModel
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.positions import PositionsViewModel
from terminal.viewmodels.profile import ProfileViewModel
from terminal.viewmodels.refill import RefillViewModel
from terminal.viewmodels.venue_accounts import VenueAccountsViewModel
from terminal.widgets.main_window import MainWindow
from terminal.widgets.profile_dialog import ProfileDialog
from terminal.widgets.refill_dialog import RefillDialog


class AccountDialogs(QObject):
    """The dialogs of a venue's accounts over one window.

    Attributes:
        vm: what the cards' menus offer.
    """

    def __init__(
        self,
        terminal: Terminal,
        window: MainWindow,
        connections: ConnectionViewModel,
        positions: PositionsViewModel,
        account: AccountViewModel,
        notices: NoticesViewModel,
        frames: FrameClock,
    ) -> None:
        super().__init__(window)
        self._terminal = terminal
        self._window = window
        self._connections = connections
        self._account = account
        self._notices = notices
        self._frames = frames
        self._service = VenueAccounts(terminal.sessions, terminal.arming, terminal.journal)
        self.vm = VenueAccountsViewModel(
            connections.account_entries, connections.badge_of, positions.opening, self._service, self
        )
        self.vm.refill_wanted.connect(self.open_refill)
        self.vm.profile_wanted.connect(self.open_profile)
        window.strip.offer_accounts(self.vm)

    def open_refill(self, account: str) -> None:
        """Show the form that fills a demo account up."""
        info = self._terminal.portfolio.info(account)
        if info is None or self._window.findChild(RefillDialog) is not None:
            return
        vm = RefillViewModel(
            account,
            self._service,
            partial(self._balance, account, info.currency),
            self._terminal.portfolio.changed,
            self._notices,
            title=info.title,
            currency=info.currency,
            badge=self._connections.badge_of(account),
            hide_amounts=self._account.hide_amounts,
        )
        dialog = RefillDialog(vm, self._window)
        vm.setParent(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _balance(self, account: str, currency: str) -> Decimal | None:
        held = self._terminal.portfolio.balances(account).get(currency)
        return None if held is None else held.total

    def open_profile(self, venue: str) -> None:
        """Show whose sign-in a venue has."""
        session = self._terminal.sessions.sessions.get(venue)
        if session is None or self._window.findChild(ProfileDialog) is not None:
            return
        vm = ProfileViewModel(
            venue,
            self._service,
            self._frames,
            self._terminal.clock.wall_ns,
            title=self._terminal.venue_info(venue).title,
            badge=self._connections.badge_of(session.account),
            hide_amounts=self._account.hide_amounts,
        )
        dialog = ProfileDialog(vm, self._window)
        vm.setParent(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
