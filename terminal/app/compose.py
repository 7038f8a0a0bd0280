"""Builds and wires everything that works without a screen, starts it and stops it.

What connects, signs in, keeps keys and leaves the desk goes through the same few objects: apart from them it
would be passed all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from terminal.app import connections, logs
from terminal.app.added import AddedVenues, as_text, parse_option, require_other_keys
from terminal.app.day_watch import DayWatch
from terminal.app.paths import Paths
from terminal.app.practice import PracticeVenues
from terminal.app.practice_sign_ins import PracticeSignIns
from terminal.app.risk_limits import apply_limits
from terminal.bridge.service import Bridge
from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.core.log_ring import LogRing
from terminal.core.observe import Observable
from terminal.core.secret import Secret
from terminal.domain.errors import CredentialError, StorageError, TerminalError
from terminal.domain.events import VenueEvent, VenueNotice
from terminal.services.arm_guard import ArmGuard
from terminal.services.arming import Arming
from terminal.services.dead_mans_switch import DeadMansSwitch
from terminal.services.inquiries import GateTimings
from terminal.services.journal import Journal
from terminal.services.margins import Margins
from terminal.services.market_data import MarketData
from terminal.services.notices import Level, Notice, NoticeAction
from terminal.services.orders import OrderGate
from terminal.services.portfolio import Portfolio
from terminal.services.positions import PositionDesk
from terminal.services.profile_lock import ProfileLock
from terminal.services.risk import RiskRules
from terminal.services.session import ConnectionPlan, Mode, SessionManager
from terminal.services.settings import Settings
from terminal.services.settings_table import SETTINGS
from terminal.venues import registry
from terminal.venues.base import (
    AskPerson,
    Connector,
    ConnectorSettings,
    HasAccounts,
    KeyReport,
    SignIn,
    TradesOrders,
    VenueInfo,
)
from terminal.venues.kraken.nonce import FileNonceStore

if TYPE_CHECKING:
    from terminal.services.credentials import CredentialStore

log = logging.getLogger("session")

STOP_TIMEOUT_S = 5.0
HEAD_START_S = 1.0
"""At most so long do the other venues leave the first one to itself."""


class Terminal:
    """The application without a screen.

    Attributes:
        notice: one-line news for the person, from any service.
        venues: the ones on the desk. desk_changed: one was added or removed, or has another title.
        added: those of them that the person has added.
        day: the day's result, and the loss limit that the gate asks.
        leaves_switch_armed: on stopping, armed dead man's switches are left to fire instead of disarmed.
    """

    def __init__(
        self,
        paths: Paths,
        ring: LogRing,
        *,
        clock: Clock | None = None,
        seed: int | None = None,
        throw_away: bool = False,
        practice: PracticeVenues | None = None,
        timings: GateTimings | None = None,
        venues: Sequence[str] | None = None,
        connector_tools: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """``throw_away``: the profile goes with the process, so nothing is left in the system's keychain.
        ``practice``: practice venues that run already. ``timings`` of the order gate and ``connector_tools``
        (by kind of venue, keyword arguments of its connector, such as ``policy``) make a rehearsal of minutes
        quick.
        ``venues``: the ones on this desk beside those that the person has added; if it is not said, every
        registered one that a desk begins with.

        Raises:
            ProfileInUse: another terminal has this profile open.
        """
        self.paths = paths
        self.ring = ring
        self.clock = clock or SystemClock()
        self.notice: Observable[[Notice]] = Observable("notices")
        self.lock = ProfileLock(paths.lock_file).acquire()
        self.settings = Settings(paths.settings_file)
        self._follow_log_settings()
        self._throw_away = throw_away
        offered = [name for name in registry.names() if not registry.info(name).on_demand]
        first = tuple(offered if venues is None else venues)
        self.added = AddedVenues(self.settings)
        self.venues = (*first, *self.added.names)
        self.desk_changed: Observable[[]] = Observable("venues of the desk")
        self._connector_tools = dict(connector_tools or {})
        self.practice = practice or PracticeVenues(
            paths.practice,
            first,
            seed=seed if seed is not None else self.settings.whole("practice.seed"),
            rate=float(self.settings.number("practice.rate")),
        )
        self.market = MarketData(self.clock)
        self.market.keep_trades_s = self.settings.whole("tape.keep_s")
        self.arming = Arming(self.clock, idle_s=60.0 * self.settings.whole("trade.one_click_idle_min"))
        self.rules = RiskRules()
        apply_limits(self.settings, self.rules, self.venues)
        self.portfolio = Portfolio(self.market, lambda account: self.gate.open_orders(account))
        self.journal = Journal(paths.journal_file)
        self.gate = OrderGate(
            journal=self.journal,
            rules=self.rules,
            clock=self.clock,
            connector=lambda account: self.sessions.trading_connector(account),
            market=self.market,
            account_view=self.portfolio,
            arming=self.arming,
            timings=timings,
            cancel_if_appears=self.settings.flag("trade.cancel_if_appears"),
        )
        self.sessions = SessionManager(self._make, self.market, self.gate, self.portfolio, self.clock)
        self.switch = DeadMansSwitch(
            self.sessions.trading_connector,
            self.clock,
            chosen_s=lambda account: self.settings.whole("trade.dead_mans_s", account.partition(":")[0]),
            name_of=self.account_name,
        )
        self.arm_guard = ArmGuard(self.sessions, self.arming, self.account_name)
        self.leaves_switch_armed = False
        self.positions = PositionDesk(
            gate=self.gate,
            portfolio=self.portfolio,
            market=self.market,
            connector=self.sessions.trading_connector,
            journal=self.journal,
            compare_again=self.sessions.compare_again,
        )
        self.margins = Margins(self.sessions.trading_connector, self.clock, arming=self.arming)
        self.bridge = Bridge(
            sessions=self.sessions,
            market=self.market,
            gate=self.gate,
            portfolio=self.portfolio,
            margins=self.margins,
            clock=self.clock,
            bots_file=paths.bots_file,
        )
        self.day = DayWatch(
            paths.data,
            self.settings,
            self.clock,
            market=self.market,
            portfolio=self.portfolio,
            gate=self.gate,
            sessions=self.sessions,
            notice=self.notice,
        )
        self.waiting_for_keys: tuple[str, ...] = ()
        """Venues whose accounts connect as soon as the vault is opened."""
        self.keys_awaited: Observable[[]] = Observable("venues that wait for the vault")
        self.practice_sign_ins = PracticeSignIns(paths.practice / "sign-ins.json")
        self._unwatch = [
            self.positions.notice.watch(self.notice.notify),
            self.sessions.told.watch(self._on_told),
            self.sessions.compared.watch(self.positions.settle),
            self.gate.notice.watch(self.notice.notify),
            self.bridge.notice.watch(self.notice.notify),
            self.switch.notice.watch(self.notice.notify),
            self.arm_guard.notice.watch(self.notice.notify),
            self.arm_guard.close,
            self.settings.noticed.watch(self.notice.notify),
            self.settings.changed.watch(self._on_setting),
            self.practice.restarted.watch(self._on_practice_restarted),
        ]

    @cached_property
    def credentials(self) -> CredentialStore:
        """The keychain or vault; its libraries load when a key is first wanted, not before."""
        from terminal.services.credentials import CredentialStore

        store = CredentialStore(self.paths.vault, use_system_keychain=not self._throw_away)
        store.noticed.watch(self.notice.notify)
        return store

    # -- life -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the journal and connect every venue as it was connected last; the practice venue at first."""
        try:
            await self.gate.start()
        except StorageError as error:
            self._tell(Level.ERROR, error.user_text, str(error))
        for notice in self.settings.notices:
            self.notice.notify(notice)
        self.day.start()
        if self.bridge.bots.trouble:
            self._tell(Level.ERROR, self.bridge.bots.trouble)
        if self.settings.flag("bridge.at_start"):
            await self.switch_bridge(True)
        await asyncio.gather(*self._connecting())

    async def switch_bridge(self, on: bool) -> None:
        """Lend the venues to bots, or stop it; what cannot be done is said."""
        if not on:
            await self.bridge.switch_off()
            return
        try:
            await self.bridge.switch_on(self.settings.whole("bridge.port"))
        except TerminalError as error:
            self._tell(Level.ERROR, error.user_text, str(error))

    async def stop(self) -> None:
        """Close connections, keep what has to be kept; nothing is cancelled at a venue."""
        self.bridge.cut()
        await self.day.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.bridge.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.switch.close(leave_armed=self.leaves_switch_armed)
                await self.sessions.stop()
        self.positions.close()
        for step in (self.margins.close(), self.gate.close(), self.practice.stop()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await step
        for unwatch in self._unwatch:
            unwatch()
        with contextlib.suppress(TerminalError):
            await self.settings.close()
        self.lock.release()

    # -- connections ----------------------------------------------------------------------------------

    async def use_practice(self, venue: str) -> None:
        """Connect a venue to its practice twin: no money moves."""
        if registry.info(venue).on_demand:
            self._tell(Level.ERROR, f"{self.venue_info(venue).title} has no practice market.")
            return
        try:
            await self._use(await self._practice_plan(venue, self.practice_sign_ins.of(venue)))
            self._set_signed_out(venue, False)
        except TerminalError as error:
            self._tell(Level.ERROR, error.user_text, str(error))

    async def use_public(self, venue: str) -> None:
        """Connect a venue to its real prices, without an account."""
        await self._use(
            connections.public_plan(registry.info(venue), self.settings.endpoints(venue), self._proxy())
        )

    async def use_live(self, venue: str) -> None:
        """Connect the account whose key is stored.

        Raises:
            CredentialError: no key is stored, or it cannot be read.
        """
        stored = await self.credentials.load(venue, self._profile(venue))
        if not stored:
            raise CredentialError(
                f"no key for {venue}", user_text="No key is stored. Connect an account first."
            )
        await self._use(self._live_plan(venue, stored))

    # -- signing in -----------------------------------------------------------------------------------

    async def begin_sign_in(
        self, venue: str, mode: Mode, application: Mapping[str, Secret]
    ) -> tuple[SignIn, dict[str, Secret]]:
        """One attempt to sign in at the venue's own page, and the application that asks.

        ``application`` empty: the one that is kept. Raises CredentialError where there is none.
        """
        info = registry.info(venue)
        assert info.sign_in is not None
        if mode is Mode.PRACTICE:
            known = connections.practice_keys(info, await self.practice_entry(venue))
        else:
            known = dict(application) or await self.credentials.load(venue, self._profile(venue)) or {}
        wanted = {field.key: known.get(field.key) for field in info.sign_in.application_fields}
        asking = {key: secret for key, secret in wanted.items() if secret}
        if len(asking) != len(wanted):
            raise CredentialError(
                f"{venue}: no application", user_text="Enter your application's id and secret first."
            )
        settings = replace(await self._site(venue, mode), credentials=asking)
        return registry.sign_in(venue, settings, clock=self.clock), asking

    async def sign_in_by_password(
        self, venue: str, mode: Mode, entered: Mapping[str, Secret], ask: AskPerson
    ) -> Mapping[str, Secret]:
        """Sign in at the venue with a password; the entries of its form. Raises TerminalError."""
        return await registry.sign_in_by_password(venue, await self._site(venue, mode), entered, ask)

    async def session_page(self, venue: str, mode: Mode) -> SignIn:
        """Begin to take a session over from the venue's own page. Raises TerminalError."""
        return registry.session_page(venue, await self._site(venue, mode))

    async def _site(self, venue: str, mode: Mode) -> ConnectorSettings:
        """Where one signs in: at the real venue, or at the practice venue on this machine."""
        if mode is Mode.PRACTICE:
            entry = await self.practice_entry(venue)
            return ConnectorSettings(connections.practice_addresses(registry.info(venue), entry))
        return ConnectorSettings(self.addresses(venue), {}, self._own_options(venue), self._proxy())

    def _own_options(self, venue: str, instead: Mapping[str, Any] | None = None) -> dict[str, str]:
        """What is set of a venue itself, such as ``kraken.tier``, by the name after the point. ``instead``:
        what is to hold in place of a setting."""
        kind = registry.kind_of(venue)
        return {
            setting.key.partition(".")[2]: as_text(
                (instead or {}).get(
                    setting.key, self.settings.get(setting.key, venue if setting.scoped else None)
                )
            )
            for setting in SETTINGS
            if setting.section == kind
        }

    async def practice_entry(self, venue: str) -> Mapping[str, Any]:
        """What the practice venue tells of itself: addresses, keys, its people. Raises VenueUnavailable."""
        found: Mapping[str, Any] = (self.practice.endpoints or await self.practice.start())[venue]
        return found

    async def _practice_plan(self, venue: str, credentials: Mapping[str, Secret]) -> ConnectionPlan:
        """``credentials`` empty: those that the practice venue has made beforehand."""
        entry = await self.practice_entry(venue)
        return connections.practice_plan(
            registry.info(venue), entry, credentials, self._account_options(venue, Mode.PRACTICE)
        )

    async def known_entries(self, venue: str, mode: Mode) -> dict[str, str]:
        """The entries of a venue's form that are no secrets, of the sign-in or key in use or kept.

        Raises:
            TerminalError: the store is locked or cannot be read.
        """
        session = self.sessions.sessions.get(venue)
        if session is not None and session.mode is mode:
            found: Mapping[str, Secret] = session.plan.settings.credentials
        elif mode is Mode.PRACTICE:
            found = self.practice_sign_ins.of(venue)
        else:
            found = await self.credentials.load(venue, self._profile(venue)) or {}
        plain = [field.key for field in registry.info(venue).credential_fields if not field.secret]
        return {key: found[key].reveal() for key in plain if key in found}

    def addresses(self, venue: str) -> dict[str, str]:
        """The real venue's addresses by name, the person's own settings in front."""
        return {**registry.info(venue).default_endpoints, **self.settings.endpoints(venue)}

    async def keep_sign_in(self, venue: str, mode: Mode, credentials: Mapping[str, Secret]) -> None:
        """Keep what a sign-in brought, application included; it counts from the next connection on.

        Raises:
            CredentialError: it could not be kept.
        """
        if mode is Mode.PRACTICE:
            self.practice_sign_ins.keep(venue, credentials)
        else:
            await self.credentials.save(venue, self._profile(venue), dict(credentials))

    async def is_signed_in(self, venue: str, mode: Mode) -> tuple[bool, bool]:
        """Whether the application's fields are kept, and whether a sign-in is. Raises CredentialError."""
        if mode is Mode.PRACTICE:
            return True, not self.settings.flag("venue.signed_out", venue)
        info = registry.info(venue)
        assert info.sign_in is not None
        kept = await self.credentials.load(venue, self._profile(venue)) or {}
        return all(field.key in kept for field in info.sign_in.application_fields), "access_token" in kept

    async def sign_out(self, venue: str, mode: Mode) -> None:
        """Forget a sign-in and disconnect; the application's id and secret stay. Raises CredentialError."""
        session = self.sessions.sessions.get(venue)
        if session is not None and session.mode is mode:
            await self.disconnect(venue)
            # Who has signed out is shown nothing of the account any more: it would only grow old.
            for account in session.accounts:
                self.portfolio.forget(account)
        if mode is Mode.PRACTICE:
            self.practice_sign_ins.forget(venue)
            self._set_signed_out(venue, True)
            return
        kept = await self.credentials.load(venue, self._profile(venue)) or {}
        application = {key: secret for key, secret in kept.items() if key not in connections.GRANT}
        await self.credentials.save(venue, self._profile(venue), application)

    def _set_signed_out(self, venue: str, signed_out: bool) -> None:
        if self.settings.flag("venue.signed_out", venue) is not signed_out:
            self.settings.set("venue.signed_out", signed_out, venue)

    def _account_options(self, venue: str, mode: Mode) -> dict[str, str]:
        """Which accounts of a sign-in are shown, and which one trades."""
        one, several = _account_settings(mode)
        return {
            "account": self.settings.text(one, venue),
            "accounts": ",".join(self.settings.items(several, venue)),
        }

    def select_account(self, account: str) -> None:
        """Trade with another account of a connection; remembered for the next start."""
        session = self.sessions.session_of(account)
        if session is not None:
            session.select_account(account)
            info = session.infos.get(account)
            if info is not None:
                self.settings.set(_account_settings(session.mode)[0], info.account_id, session.venue)

    async def show_account(self, account: str, shown: bool) -> None:
        """Show or hide an account of a sign-in; remembered for the next start.

        Raises:
            SettingsError: orders go to this account, so that it cannot be hidden.
        """
        sessions = self.sessions.sessions.values()
        session = next((each for each in sessions if account in (*each.accounts, *each.hidden)), None)
        if session is None:
            return
        await session.show_account(account, shown)
        venue, connector = session.venue, session.connector
        if isinstance(connector, HasAccounts):
            here = {info.account_id for info in connector.accounts()}
            key = _account_settings(session.mode)[1]
            # What was chosen for another sign-in stays chosen.
            kept = [each for each in self.settings.items(key, venue) if each not in here]
            self.settings.set(key, (*kept, *session.shown_ids), venue)

    async def _keep_refreshed(self, venue: str, account: str, tokens: Mapping[str, Secret]) -> None:
        """A connector has new tokens: they are kept before it uses them, for the old ones are dead."""
        mode = Mode.PRACTICE if account.endswith(":practice") else Mode.LIVE
        if mode is Mode.PRACTICE:
            known = dict(self.practice_sign_ins.of(venue))
            known = known or connections.practice_keys(registry.info(venue), await self.practice_entry(venue))
        else:
            known = await self.credentials.load(venue, self._profile(venue)) or {}
        await self.keep_sign_in(venue, mode, {**known, **tokens})

    # -- keys -----------------------------------------------------------------------------------------

    async def save_key(
        self, venue: str, entered: Mapping[str, Secret], options: Mapping[str, str] | None = None
    ) -> str:
        """Keep a key in the keychain or vault, and the form's options in the settings; the venue's name.

        ``venue`` may be a kind that can be added: one more venue of it is on the desk from then on.

        Raises:
            CredentialError: it is incomplete, or could not be kept.
            SettingsError: an option cannot be what it is to be, or the venue is there already.
        """
        form = options or {}
        self._live_plan(venue, entered, form)
        await self._require_new(venue, entered, form)
        is_new = venue in self.added.kinds
        name = self.added.new_name(venue, self.added.title_in(venue, form)) if is_new else venue
        if registry.info(venue).capabilities.one_account_at_a_time:
            kept = await self.credentials.load(name, self._profile(name)) or {}
            if not connections.is_same_sign_in(registry.info(venue), kept, entered):
                self._forget_opened(name)
        await self.credentials.save(name, self._profile(name), dict(entered))
        self._keep(name, form)
        if is_new:
            self.settings.set("venue.mode", Mode.LIVE.value, name)
            self.added.put(name)
            self.venues = (*self.venues, name)
            apply_limits(self.settings, self.rules, self.venues)
            self.desk_changed.notify()
        return name

    async def has_key(self, venue: str) -> bool:
        """Whether a key is kept for a venue. Raises CredentialError where that cannot be read."""
        return bool(await self.credentials.load(venue, self._profile(venue)))

    async def test_key(
        self,
        venue: str,
        entered: Mapping[str, Secret],
        options: Mapping[str, str] | None = None,
        *,
        mode: Mode = Mode.LIVE,
    ) -> KeyReport:
        """Try a key now and read back what it may do; nothing is stored and nothing is placed.

        Raises:
            TerminalError: the venue refused it (AuthRejected, with the repair) or cannot be reached; or an
                option cannot be used.
        """
        if mode is Mode.PRACTICE:
            plan = await self._practice_plan(venue, entered)
        else:
            plan = self._live_plan(venue, entered, options)
        self._require_title(venue, options or {})
        connector = self._make(venue, plan.settings)
        try:
            if isinstance(connector, HasAccounts):
                # A sign-in with several accounts is proven by the connection that it opens.
                await connector.connect(_nobody)
                return await connector.trader(connector.accounts()[0].account_id).test_credentials()
            if not isinstance(connector, TradesOrders):
                raise CredentialError(f"{venue} takes no key", user_text="This venue takes no key.")
            await connector.instruments()
            return await connector.test_credentials()
        finally:
            await connector.close()

    async def forget_account(self, venue: str) -> None:
        """Remove the stored key; a connection that uses it goes back to the practice venue, and a venue that
        was added leaves the desk. Its open orders stay where they are."""
        await self.credentials.delete(venue, self._profile(venue))
        self._forget_opened(venue)
        if venue in self.added.names:
            title, left = self.venue_info(venue).title, self.left_behind(venue)
            await self._take_off_desk(venue)
            self._tell(Level.INFO, f"{title} was removed, and its keys with it. {left}")
            return
        session = self.sessions.sessions.get(venue)
        if session is not None and session.mode is Mode.LIVE:
            await self.use_practice(venue)

    def _forget_opened(self, venue: str) -> None:
        """What a person has agreed to open was of another sign-in: this one begins with what its venue opens
        first. Where several accounts are open at once the choice goes by numbers, which no two share."""
        if registry.info(venue).capabilities.one_account_at_a_time:
            for key in _account_settings(Mode.LIVE):
                self.settings.reset(key, venue)

    async def reset_practice(self, venue: str) -> None:
        """Put the practice account back to its first balances; its open orders are canceled first.

        The venue forgets everything, so an order still open then could never be explained afterwards.
        """
        session = self.sessions.sessions.get(venue)
        if session is not None and session.mode is Mode.PRACTICE:
            await self.gate.cancel_all(session.account)
        await self.practice.reset(venue)
        await self.use_practice(venue)

    def venue_info(self, venue: str) -> VenueInfo:
        """What a venue is and can do, by the title that the person has given it."""
        return self.added.info(venue)

    def account_name(self, account: str) -> str:
        """An account as the person knows it: the venue's title, and its own where there are several."""
        title = self.venue_info(account.partition(":")[0]).title
        owner = self.portfolio.info(account)
        return title if owner is None else owner.at(title)

    # -- venues that a person adds --------------------------------------------------------------------

    @property
    def addable(self) -> tuple[str, ...]:
        """The kinds of which a venue can be added to the desk."""
        return self.added.kinds

    def options(self, venue: str) -> dict[str, str]:
        """The kept entries of the venue's form that are no secrets, by the keys of their settings."""
        return self.added.options(venue)

    async def keep_options(self, venue: str, options: Mapping[str, str]) -> None:
        """Keep them; a new title is shown at once, the others hold from the next connection.

        Raises:
            SettingsError: one of them cannot be what it is to be; none is kept then.
            CredentialError: the keys of a venue at the same address cannot be compared.
        """
        form = {**self.options(venue), **options}
        if self.added.neighbours(venue, form):
            kept = await self.credentials.load(venue, self._profile(venue)) or {}
            await self._require_new(venue, kept, form)
        self._require_title(venue, form)
        self._keep(venue, options)

    def left_behind(self, venue: str) -> str:
        """What a removal of a venue leaves at the venue, in a sentence."""
        count = sum(1 for order in self.gate.open_orders() if order.account.partition(":")[0] == venue)
        if not count:
            return "Nothing was changed at the venue: whatever is open there stays open."
        orders = "1 open order stays" if count == 1 else f"{count} open orders stay"
        return f"{orders} at the venue as placed, and so does everything else there."

    def _keep(self, venue: str, options: Mapping[str, str]) -> None:
        checked = {key: parse_option(key, text) for key, text in options.items()}
        before = self.venue_info(venue).title
        for key, value in checked.items():
            self.settings.set(key, value, venue)
        info, session = self.venue_info(venue), self.sessions.sessions.get(venue)
        if info.title != before:
            self.desk_changed.notify()
            if session is not None:
                session.connector.info = info
                session.changed.notify()

    def _require_title(self, venue: str, form: Mapping[str, str]) -> None:
        if registry.info(venue).on_demand:
            others = [self.venue_info(each).title for each in self.venues if each != venue]
            self.added.require_title(venue, form, others)

    async def _require_new(self, venue: str, entered: Mapping[str, Secret], form: Mapping[str, str]) -> None:
        """Raises SettingsError where another venue has the same title, or the same address and keys."""
        if not registry.info(venue).on_demand:
            return
        self._require_title(venue, form)
        for other in self.added.neighbours(venue, form):
            kept = await self.credentials.load(other, self._profile(other)) or {}
            require_other_keys(self.venue_info(other).title, entered, kept)

    async def _take_off_desk(self, venue: str) -> None:
        self._wait_no_more(venue)
        session = self.sessions.sessions.get(venue)
        if session is not None:
            await self._disarm(session.account)
        self.venues = tuple(each for each in self.venues if each != venue)
        self.added.take(venue)
        self.desk_changed.notify()
        await self.sessions.remove(venue)

    def _connecting(self) -> list[Coroutine[Any, Any, None]]:
        """The first venue's connection, and then the others': its prices are what the window opens with, and
        each loads its code in the thread of the window."""
        led = asyncio.Event()

        async def lead(venue: str) -> None:
            try:
                await self._connect_as_last(venue)
            finally:
                led.set()

        async def follow(venue: str) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEAD_START_S):
                    await led.wait()
            await self._connect_as_last(venue)

        return [lead(venue) for venue in self.venues[:1]] + [follow(venue) for venue in self.venues[1:]]

    async def _connect_as_last(self, venue: str) -> None:
        mode, is_locked = self.settings.text("venue.mode", venue), False
        if mode == Mode.LIVE.value:
            try:
                await self.use_live(venue)
            except TerminalError as error:
                is_locked = _is_locked(error)
                action = NoticeAction.UNLOCK if is_locked else None
                self._tell(Level.ERROR, error.user_text, str(error), action)
            else:
                return
        if registry.info(venue).on_demand:
            pass  # its card says that it is off, and its form connects it
        elif mode == Mode.PUBLIC.value:
            await self.use_public(venue)
        elif not self.settings.flag("venue.signed_out", venue):
            await self.use_practice(venue)
        if is_locked:
            await self._wait_for_keys(venue)

    async def _wait_for_keys(self, venue: str) -> None:
        """Its account is what the person chose last, whatever it is connected to until the vault is open."""
        if (await self.credentials.status()).is_open:
            await self._connect_unlocked(venue)  # opened since it was found locked
            return
        self.settings.set("venue.mode", Mode.LIVE.value, venue)
        if venue not in self.sessions.sessions:
            self.market.set_off(venue, f"{self.venue_info(venue).title} is off: the keys are locked.")
        self.waiting_for_keys = (*self.waiting_for_keys, venue)
        self.keys_awaited.notify()

    def _wait_no_more(self, *venues: str) -> None:
        left = tuple(venue for venue in self.waiting_for_keys if venue not in venues)
        if left == self.waiting_for_keys:
            return
        for venue in venues:
            self.market.set_off(venue, "")
        self.waiting_for_keys = left
        self.keys_awaited.notify()

    def connect_waiting(self, besides: str = "") -> None:
        """The vault was opened: connect every account that has waited for it, but for the venue that the
        caller connects itself. What cannot be connected is said."""
        waiting = self.waiting_for_keys
        self._wait_no_more(*waiting)
        for venue in waiting:
            if venue != besides:
                tasks.spawn(self._connect_unlocked(venue), name=f"connect {venue}, its keys are open")

    async def _connect_unlocked(self, venue: str) -> None:
        try:
            await self.use_live(venue)
        except TerminalError as error:
            self._tell(Level.ERROR, f"{self.venue_info(venue).title}: {error.user_text}", str(error))

    async def disconnect(self, venue: str) -> None:
        """Close a venue's connection; nothing is cancelled there, so its dead man's switch goes off first."""
        self._wait_no_more(venue)
        session = self.sessions.sessions.get(venue)
        if session is not None:
            await self._disarm(session.account)
        await self.sessions.disconnect(venue)

    async def _disarm(self, account: str) -> None:
        """Before an account's connection closes: a switch that nobody renews would cancel its orders."""
        left = self.switch.seconds_left(account)
        try:
            await self.switch.disarm(account)
        except (TerminalError, TimeoutError) as error:
            self._tell(
                Level.ERROR,
                f"The dead man's switch of {self.account_name(account)} could not be disarmed: its orders "
                f"will be canceled within {left or 0:.0f} s.",
                str(error),
            )

    async def _use(self, plan: ConnectionPlan) -> None:
        old = self.sessions.sessions.get(plan.venue)
        # A practice venue that is connected anew is no choice of the person's: the account still waits.
        still_waits = plan.venue in self.waiting_for_keys and old is not None and old.mode is plan.mode
        if not still_waits:
            self._wait_no_more(plan.venue)
        if old is not None and old.account != plan.account:
            await self._disarm(old.account)
        await self.sessions.use(plan)
        if not still_waits and self.settings.text("venue.mode", plan.venue) != plan.mode.value:
            self.settings.set("venue.mode", plan.mode.value, plan.venue)

    def _live_plan(
        self, venue: str, entered: Mapping[str, Secret], form: Mapping[str, str] | None = None
    ) -> ConnectionPlan:
        """``form``: entries that are to hold instead of the kept settings. Raises SettingsError for them."""
        instead = {key: parse_option(key, text) for key, text in (form or {}).items()}
        options = {**self._account_options(venue, Mode.LIVE), **self._own_options(venue, instead)}
        endpoints = self.settings.endpoints(venue)
        for setting in SETTINGS:
            if setting.section == "endpoint" and instead.get(setting.key):
                endpoints[setting.key.partition(".")[2]] = str(instead[setting.key])
        return connections.live_plan(registry.info(venue), endpoints, entered, options, self._proxy())

    def _make(self, venue: str, settings: ConnectorSettings, account: str = "") -> Connector:
        kind = registry.kind_of(venue)
        tools: dict[str, Any] = {"clock": self.clock, **self._connector_tools.get(kind, {})}
        if registry.info(venue).sign_in is not None:
            tools["keep_tokens"] = partial(self._keep_refreshed, venue, account)
        if venue == "kraken":
            # Kraken never takes a nonce below the last one, so the last one outlives the program.
            tools.setdefault("nonces", FileNonceStore(self.paths.data / "nonces"))
        info = self.venue_info(venue)
        if info.on_demand:
            tools["info"] = info
        return registry.create(venue, settings, **tools)

    def _profile(self, venue: str) -> str:
        return self.settings.text("venue.profile", venue)

    def _proxy(self) -> str | None:
        return self.settings.text("network.proxy") or None

    # -- news -----------------------------------------------------------------------------------------

    def _on_setting(self, key: str, scope: str | None) -> None:
        if key.startswith("risk."):
            apply_limits(self.settings, self.rules, self.venues)
        elif key == "trade.cancel_if_appears":
            self.gate.cancel_if_appears = self.settings.flag(key)
        elif key == "trade.one_click_idle_min":
            self.arming.idle_s = 60.0 * self.settings.whole(key)
        elif key == "tape.keep_s":
            self.market.keep_trades_s = self.settings.whole(key)
        elif key.startswith("log."):
            self._follow_log_settings()

    def _follow_log_settings(self) -> None:
        logs.follow_settings(self.settings.text("log.level"), self.settings.text("log.filter"))

    def _on_told(self, venue: str, told: VenueNotice) -> None:
        level = Level.WARNING if told.is_urgent else Level.INFO
        title = self.venue_info(venue).title
        text = told.text if told.text.startswith(title) else f"{title}: {told.text}"
        session = self.sessions.sessions.get(venue)
        if session is None or told.text != session.needs_sign_in:
            self._tell(level, text)
            return
        if session.mode is Mode.PRACTICE:
            # Refused once, it would be refused again.
            self.practice_sign_ins.forget(venue)
        self._tell(level, text, action=NoticeAction.SIGN_IN, venue=venue)

    def _on_practice_restarted(self, endpoints: Mapping[str, Any]) -> None:
        for venue, session in self.sessions.sessions.items():
            if session.mode is Mode.PRACTICE:
                tasks.spawn(self.use_practice(venue), name=f"practice {venue} again")

    def _tell(
        self,
        level: Level,
        text: str,
        detail: str = "",
        action: NoticeAction | None = None,
        venue: str = "",
    ) -> None:
        self.notice.notify(Notice(level, text, detail, action=action, venue=venue))


def _nobody(event: VenueEvent) -> None:
    """Takes what a connection tells that is only tried."""


def _account_settings(mode: Mode) -> tuple[str, str]:
    """Where it is kept which account of a sign-in trades, and which are shown."""
    section = "practice" if mode is Mode.PRACTICE else "venue"
    return f"{section}.account", f"{section}.accounts"


def _is_locked(error: TerminalError) -> bool:
    """Whether a passphrase is all that is missing. Its class loads with the store that has raised it."""
    from terminal.services.credentials import PassphraseNeeded

    return isinstance(error, PassphraseNeeded)
