"""What the connections dialog can do, carried out by the composed terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from terminal.app.compose import Terminal
from terminal.core.secret import Secret
from terminal.services.session import Mode
from terminal.venues.base import KeyReport

if TYPE_CHECKING:
    from terminal.services.credentials import StoreStatus


class ConnectionDesk:
    """Connections and keys, for ``viewmodels.connection``."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._status: StoreStatus | None = None

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

    async def test_keys(self, venue: str, keys: Mapping[str, Secret]) -> KeyReport:
        """Try keys at the venue itself and read back what they may do. Raises TerminalError."""
        return await self._terminal.test_key(venue, keys)

    async def save_keys(self, venue: str, keys: Mapping[str, Secret]) -> None:
        """Keep the keys. Raises CredentialError."""
        await self._terminal.save_key(venue, keys)
        await self.refresh()

    async def forget_keys(self, venue: str) -> None:
        """Remove the kept keys; a connection that uses them goes back to practice."""
        await self._terminal.forget_account(venue)
        await self.refresh()

    async def has_keys(self, venue: str) -> bool:
        """Whether keys are kept for a venue."""
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

    async def open_vault(self, passphrase: Secret) -> None:
        """Open the vault, or make it. Raises CredentialError when the passphrase is wrong."""
        from terminal.services.credentials import Where

        store = self._terminal.credentials
        if self._status is None:
            await self.refresh()
        if self._status is not None and self._status.where is Where.NOWHERE:
            await store.use_passphrase(passphrase)
        else:
            await store.unlock(passphrase)
        await self.refresh()
