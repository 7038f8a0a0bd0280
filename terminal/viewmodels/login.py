"""Connecting a venue by signing in at its own page: the application that asks, the page, the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.errors import TerminalError
from terminal.services.session import Mode
from terminal.venues.base import CredentialField, VenueInfo

MAX_ENTRY = 4096


class Step(Enum):
    """Where the sign-in stands."""

    ENTER = "enter"
    FETCHING = "fetching"
    """The page's engine is being brought."""
    PAGE = "page"
    """The page is open; the person is at it."""
    CONNECTING = "connecting"
    DONE = "done"


class Way(Enum):
    """Where the page opens."""

    EMBEDDED = "embedded"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class SignInStatus:
    """How a venue's sign-in stands on this machine.

    ``has_application``: the id and secret of the person's application are kept. ``is_signed_in``: so is a
    sign-in. ``can_embed``: the page can open inside the program; ``can_fetch``: it could after a download.
    ``is_locked``: what is kept is not known before its passphrase is entered. ``trouble``: why the venue does
    not take the sign-in any more.
    """

    has_application: bool
    is_signed_in: bool
    can_embed: bool
    can_fetch: bool
    key_store: str
    """Where keys are kept, as one plain sentence."""
    needs_passphrase: bool
    is_locked: bool = False
    trouble: str = ""
    redirect_url: str = ""
    """The address on this machine that has to be registered for the application; a setting may change it."""


class SignInDesk(Protocol):
    """What the program can do about sign-ins; the composition provides it. All raise TerminalError."""

    async def sign_in_status(self, venue: str, mode: Mode) -> SignInStatus: ...

    async def fetch_browser(self) -> None:
        """Bring the page's engine."""
        ...

    async def sign_in(
        self, venue: str, mode: Mode, application: Mapping[str, Secret], way: Way, passphrase: Secret | None
    ) -> None:
        """Open the page, wait, keep the sign-in and connect. ``application`` empty: the kept one."""
        ...

    def give_up_sign_in(self) -> None:
        """Close the page."""
        ...

    async def sign_out(self, venue: str, mode: Mode) -> None:
        """Forget the sign-in; the application's id and secret stay."""
        ...

    async def use(self, venue: str, mode: Mode) -> None: ...

    async def open_vault(self, passphrase: Secret, venue: str = "") -> None:
        """Open the vault, or make it, and connect what waits for it but ``venue``, which the caller connects
        itself. Raises CredentialError when the passphrase is wrong."""
        ...


class LoginViewModel(QObject):
    """One venue's sign-in.

    Signals:
        changed: re-read the attributes.
        finished: the venue is connected as chosen; the form may close.

    Attributes:
        step: where it stands. error: what went wrong last, in plain words.
        problems: what is wrong with a field, by its key.
        mode: whether this is about the practice venue or the person's own accounts.
    """

    changed = Signal()
    finished = Signal()

    def __init__(
        self, info: VenueInfo, desk: SignInDesk, mode: Mode | None, parent: QObject | None = None
    ) -> None:
        """``mode``: how the venue is connected now."""
        super().__init__(parent)
        assert info.sign_in is not None
        self.info = info
        self.sign_in_info = info.sign_in
        self.mode = Mode.LIVE if mode is Mode.LIVE else Mode.PRACTICE
        self.step = Step.ENTER
        self.problems: dict[str, str] = {}
        self.error = ""
        self.status = SignInStatus(False, False, False, False, "", False)
        self._desk = desk
        self._looks = 0

    @property
    def fields(self) -> Sequence[CredentialField]:
        """What the person enters once; nothing for practice."""
        return self.sign_in_info.application_fields if self.mode is Mode.LIVE else ()

    @property
    def is_busy(self) -> bool:
        return self.step in (Step.FETCHING, Step.PAGE, Step.CONNECTING)

    @property
    def progress(self) -> str:
        """What is being waited for, as a sentence; empty while nothing is."""
        return {
            Step.FETCHING: "Fetching the page's engine (about 160 MB, once)…",
            Step.PAGE: "The sign-in page is open. Go on there; this window waits.",
            Step.CONNECTING: "Signed in. Connecting…",
        }.get(self.step, "")

    def start(self) -> None:
        """Find out how things stand."""
        tasks.spawn(self._look(), name=f"sign-in of {self.info.name}")

    def choose(self, mode: Mode) -> None:
        """Practice, or the person's own accounts."""
        if not self.is_busy and mode is not self.mode:
            self.mode = mode
            self.problems, self.error = {}, ""
            self.changed.emit()
            self.start()

    def touch(self, key: str) -> None:
        """A field is being edited: what was said about it no longer counts."""
        if self.problems.pop(key, None) is not None:
            self.changed.emit()

    def sign_in(self, entries: Mapping[str, str], way: Way, passphrase: str = "") -> None:
        """Open the page and wait. ``entries`` are the application's fields, empty where they are kept."""
        if self.is_busy:
            return
        texts = {key: text.strip() for key, text in entries.items() if text.strip()}
        if not self._is_complete(texts, passphrase):
            self.changed.emit()
            return
        application = {key: Secret(text) for key, text in texts.items()}
        secret = Secret(passphrase) if passphrase else None
        tasks.spawn(self._sign_in(application, way, secret), name=f"sign in to {self.info.name}")

    def give_up(self) -> None:
        """Close the page, if it is open."""
        if self.step is Step.PAGE:
            self._desk.give_up_sign_in()

    def sign_out(self) -> None:
        """Forget the sign-in of the chosen mode."""
        if not self.is_busy:
            tasks.spawn(self._sign_out(), name=f"sign out of {self.info.name}")

    def connect_kept(self, passphrase: str = "") -> None:
        """Connect with the sign-in that is there, once its passphrase has opened it where it is locked."""
        if self.is_busy:
            return
        self.problems = self._problem_of(passphrase)
        if self.problems:
            self.changed.emit()
            return
        secret = Secret(passphrase) if passphrase else None
        tasks.spawn(self._connect(secret), name=f"connect {self.info.name}")

    def _is_complete(self, texts: Mapping[str, str], passphrase: str) -> bool:
        self.error = ""
        self.problems = {}
        known = self.status.has_application or self.status.is_locked
        if self.mode is Mode.LIVE and (texts or not known):
            for field in self.fields:
                text = texts.get(field.key, "")
                if not text:
                    self.problems[field.key] = f"{field.label} is missing."
                elif len(text) > MAX_ENTRY:
                    self.problems[field.key] = "This is far too long."
                elif any(char.isspace() or not char.isprintable() for char in text) or not text.isascii():
                    self.problems[field.key] = "There are no spaces or special letters in it. Copy it again."
        self.problems |= self._problem_of(passphrase)
        return not self.problems

    def _problem_of(self, passphrase: str) -> dict[str, str]:
        if self.mode is Mode.LIVE and self.status.needs_passphrase and len(passphrase) < 8:
            return {"passphrase": "At least 8 characters."}
        return {}

    async def _look(self) -> None:
        self._looks += 1
        look = self._looks
        try:
            status = await self._desk.sign_in_status(self.info.name, self.mode)
        except TerminalError as error:
            self.error = error.user_text
        else:
            if look != self._looks:
                return
            self.status = status
        self.changed.emit()

    async def _sign_in(self, application: Mapping[str, Secret], way: Way, passphrase: Secret | None) -> None:
        try:
            status = await self._desk.sign_in_status(self.info.name, self.mode)
            if way is Way.EMBEDDED and not status.can_embed:
                self._go(Step.FETCHING)
                await self._desk.fetch_browser()
            self._go(Step.PAGE)
            await self._desk.sign_in(self.info.name, self.mode, application, way, passphrase)
        except TerminalError as error:
            self.error = error.user_text
            self._go(Step.ENTER)
            await self._look()
        else:
            self._go(Step.DONE)
            self.finished.emit()

    async def _connect(self, passphrase: Secret | None) -> None:
        self._go(Step.CONNECTING)
        try:
            if passphrase is not None and self.status.is_locked:
                await self._desk.open_vault(passphrase, self.info.name)
            await self._desk.use(self.info.name, self.mode)
        except TerminalError as error:
            self.error = error.user_text
            self._go(Step.ENTER)
            await self._look()
        else:
            self._go(Step.DONE)
            self.finished.emit()

    async def _sign_out(self) -> None:
        self._go(Step.CONNECTING)
        try:
            await self._desk.sign_out(self.info.name, self.mode)
        except TerminalError as error:
            self.error = error.user_text
        self._go(Step.ENTER)
        await self._look()

    def _go(self, step: Step) -> None:
        self.step = step
        if self.is_busy:
            self.error = ""
        self.changed.emit()
