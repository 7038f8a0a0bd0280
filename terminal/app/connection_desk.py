"""What the connections dialog can do, carried out by the composed terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from terminal.app import web_engine
from terminal.app.compose import Terminal
from terminal.app.sign_in import SignInWindow, SystemBrowser, has_browser
from terminal.core.secret import Secret
from terminal.services.session import Mode
from terminal.venues.base import AskPerson, KeyReport
from terminal.viewmodels.connection_ports import PracticeLogin
from terminal.viewmodels.login import SignInStatus, Way

if TYPE_CHECKING:
    from terminal.services.credentials import StoreStatus


class ConnectionDesk:
    """Connections and keys, for ``viewmodels.connection``."""

    def __init__(
        self,
        terminal: Terminal,
        *,
        open_url: Callable[[str], bool],
        window: SignInWindow | None = None,
    ) -> None:
        """``open_url`` hands an address to the person's browser; ``window`` is the page of our own."""
        self._terminal = terminal
        self._status: StoreStatus | None = None
        self._window = window or SignInWindow()
        self._browser = SystemBrowser(open_url)

    async def refresh(self) -> None:
        """Look again where keys are kept; the answers of the plain methods below come from this look."""
        self._status = await self._terminal.credentials.status()

    async def use(self, venue: str, mode: Mode) -> None:
        """Connect a venue in a mode; LIVE uses the kept keys. Raises TerminalError."""
        match mode:
            case Mode.PRACTICE:
                await self._terminal.use_practice(venue)
            case Mode.PUBLIC:
                await self._terminal.use_public(venue)
            case Mode.LIVE:
                await self._terminal.use_live(venue)

    async def disconnect(self, venue: str) -> None:
        """Close a venue's connection; nothing is cancelled there."""
        await self._terminal.disconnect(venue)

    async def test_keys(
        self, venue: str, mode: Mode, keys: Mapping[str, Secret], options: Mapping[str, str]
    ) -> KeyReport:
        """Try keys at the venue itself and read back what they may do. Raises TerminalError."""
        return await self._terminal.test_key(venue, keys, options, mode=mode)

    async def sign_in_by_password(
        self, venue: str, mode: Mode, entered: Mapping[str, Secret], ask: AskPerson
    ) -> Mapping[str, Secret]:
        """Sign in with a password at the venue; the entries of its form. Raises TerminalError."""
        return await self._terminal.sign_in_by_password(venue, mode, entered, ask)

    async def sign_in_on_page(self, venue: str, mode: Mode) -> Mapping[str, Secret]:
        """Take the session of the venue's own page over; the entries of the form. Raises TerminalError."""
        attempt = await self._terminal.session_page(venue, mode)
        answer = await self._window.ask(attempt.page, self._page_title(venue, mode))
        return await attempt.finish(answer)

    def _page_title(self, venue: str, mode: Mode) -> str:
        title = f"Sign in to {self._terminal.venue_info(venue).title}"
        return f"{title} (practice)" if mode is Mode.PRACTICE else title

    async def practice_logins(self, venue: str) -> tuple[PracticeLogin, ...]:
        """Whom the practice site knows. Raises VenueUnavailable."""
        rows = (await self._terminal.practice_entry(venue)).get("users", ())
        return tuple(
            PracticeLogin(str(row["email"]), str(row["password"]), str(row["pin"]), bool(row["asks_pin"]))
            for row in rows
        )

    async def known_entries(self, venue: str, mode: Mode) -> Mapping[str, str]:
        """The entries of the form that are no secrets, of the sign-in or key in use or kept. Raises
        CredentialError."""
        return await self._terminal.known_entries(venue, mode)

    def trouble(self, venue: str, mode: Mode) -> str:
        """Why the venue does not take the sign-in any more; empty where it does. Said from the first refusal
        on, while the sign-in is tried once more."""
        session = self._terminal.sessions.sessions.get(venue)
        if session is None or session.mode is not mode:
            return ""
        if session.needs_sign_in or not session.is_sign_in_doubted:
            return session.needs_sign_in
        return f"{self._terminal.venue_info(venue).title} has refused this sign-in and is asked once more."

    def has_page(self) -> bool:
        """Whether a page can be opened inside the program."""
        return has_browser()

    def can_fetch_page(self) -> bool:
        """Whether it could be once its engine was fetched."""
        return web_engine.can_fetch()

    def options(self, venue: str) -> Mapping[str, str]:
        """The kept entries of a venue's form that are no secrets."""
        return self._terminal.options(venue)

    async def save_options(self, venue: str, options: Mapping[str, str]) -> None:
        """Keep them; they hold from the next connection. Raises SettingsError."""
        await self._terminal.keep_options(venue, options)

    async def save_keys(
        self, venue: str, mode: Mode, keys: Mapping[str, Secret], options: Mapping[str, str]
    ) -> str:
        """Keep the keys, and the form's other entries; the venue's name. Raises CredentialError or
        SettingsError."""
        if mode is Mode.PRACTICE:
            await self._terminal.keep_sign_in(venue, mode, keys)
            return venue
        try:
            return await self._terminal.save_key(venue, keys, options)
        finally:
            # Where the keychain has just failed, the form offers a passphrase.
            await self.refresh()

    async def forget_keys(self, venue: str) -> None:
        """Remove the kept keys; a connection that uses them goes back to practice, and a venue that was
        added leaves the desk."""
        await self._terminal.forget_account(venue)
        await self.refresh()

    def leaving(self, venue: str) -> str:
        """What removing a venue does here, and what it leaves there."""
        title = self._terminal.venue_info(venue).title
        return f"This takes {title} and its keys off this machine. {self._terminal.left_behind(venue)}"

    async def has_keys(self, venue: str, mode: Mode) -> bool:
        """Whether keys are kept for a venue, or a sign-in for its practice twin. Asked when a form opens: a
        keychain that failed in the one before has another chance."""
        if mode is Mode.PRACTICE:
            _, is_signed_in = await self._terminal.is_signed_in(venue, mode)
            return is_signed_in
        self._terminal.credentials.try_keychain_again()
        await self.refresh()
        return await self._terminal.has_key(venue)

    def key_store(self) -> str:
        """Where keys are kept on this machine, as one plain sentence."""
        if self._status is None:
            return "Keys are kept in the system's keychain, or in a vault with a passphrase."
        return " ".join(text for text in (self._status.text, self._status.trouble) if text)

    def needs_passphrase(self) -> bool:
        """Whether the vault has to be opened, or made, with a passphrase first."""
        from terminal.services.credentials import Where

        status = self._status
        return status is not None and not status.is_open and status.where is not Where.KEYCHAIN

    async def open_vault(self, passphrase: Secret, venue: str = "") -> None:
        """Open the vault, or make it, and connect what waits for it but ``venue``, which the caller connects
        itself. Raises CredentialError when the passphrase is wrong."""
        from terminal.services.credentials import Where

        store = self._terminal.credentials
        if self._status is None:
            await self.refresh()
        if self._status is not None and self._status.where is Where.NOWHERE:
            await store.use_passphrase(passphrase)
        else:
            await store.unlock(passphrase)
        await self.refresh()
        self._terminal.connect_waiting(besides=venue)

    # -- signing in -----------------------------------------------------------------------------------

    async def sign_in_status(self, venue: str, mode: Mode) -> SignInStatus:
        """How a venue's sign-in stands on this machine. Raises CredentialError."""
        from terminal.services.credentials import Where

        has_application, is_signed_in, needs_passphrase, is_locked = True, False, False, False
        if mode is Mode.LIVE:
            await self.refresh()
            needs_passphrase = self.needs_passphrase()
            has_vault = self._status is not None and self._status.where is Where.PASSPHRASE
            is_locked = needs_passphrase and has_vault
        if needs_passphrase:
            has_application = False
        else:
            has_application, is_signed_in = await self._terminal.is_signed_in(venue, mode)
        return SignInStatus(
            has_application,
            is_signed_in,
            has_browser(),
            web_engine.can_fetch(),
            self.key_store() if mode is Mode.LIVE else "",
            needs_passphrase,
            is_locked,
            self.trouble(venue, mode),
            self._terminal.addresses(venue).get("redirect", ""),
        )

    async def fetch_browser(self) -> None:
        """Bring the engine of the sign-in page. Raises TerminalError."""
        await web_engine.fetch()

    async def sign_in(
        self, venue: str, mode: Mode, application: Mapping[str, Secret], way: Way, passphrase: Secret | None
    ) -> None:
        """Open the page, wait for its answer, keep the sign-in and connect. Raises TerminalError."""
        terminal = self._terminal
        if passphrase is not None and self.needs_passphrase():
            await self.open_vault(passphrase, venue)
        attempt, asking = await terminal.begin_sign_in(venue, mode, application)
        opener = self._window if way is Way.EMBEDDED else self._browser
        answer = await opener.ask(attempt.page, self._page_title(venue, mode))
        grant = await attempt.finish(answer)
        await terminal.keep_sign_in(venue, mode, {**asking, **grant})
        await self.use(venue, mode)

    def give_up_sign_in(self) -> None:
        """Close the page; whoever waits for it hears so."""
        self._window.close()
        self._browser.close()

    async def sign_out(self, venue: str, mode: Mode) -> None:
        """Forget the sign-in; the application's id and secret stay. Raises CredentialError."""
        await self._terminal.sign_out(venue, mode)
