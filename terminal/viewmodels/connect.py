"""The form that connects an account: keys entered, tested on the spot, permissions read back, kept."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.errors import TerminalError, VenueError
from terminal.venues.base import CHALLENGE, CredentialField, KeyReport, VenueInfo
from terminal.viewmodels.connection import Mode
from terminal.viewmodels.connection_ports import ConnectionDesk, PracticeLogin

MIN_PASSPHRASE = 8
PASSPHRASE = "passphrase"
"""The key of the vault's own field in ``problems``."""
PIN = "pin"
"""The key of the field for what the venue asks during a sign-in."""
_MAX_ENTRY = 4096
_PIN_S = 600.0
_PRACTICE_STORE = "A practice sign-in is kept beside the practice market: it guards no money."
_GIVEN_UP = "Signing in was given up. Nothing has changed."


class Step(Enum):
    """Where the form stands."""

    ENTER = "enter"
    SIGNING_IN = "signing in"
    TESTING = "testing"
    TESTED = "tested"
    SAVING = "saving"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Permission:
    """One right of a key as the venue reports it. ``granted`` None: it does not tell. ``risky``: no terminal
    needs it."""

    name: str
    granted: bool | None
    risky: bool


class ConnectViewModel(QObject):
    """One venue's connection form, for the person's own account or for the practice site.

    Entered keys live here as :class:`Secret` until they are kept or the form is closed.

    Signals:
        changed: re-read the attributes.
        finished: the venue is connected as chosen; the form may close.

    Attributes:
        venue: the venue's name; once a new one is on the desk, the name that it got there.
        mode: what is to be connected. current: how the venue is connected now; None where it is not.
        step: where the form stands.
        problems: what is wrong with a field, by its key.
        error: what the last test or attempt said, in plain words; empty where it went well.
        report: what the key may do, after a test.
        is_new: the venue is not on the desk yet; keeping the keys adds it.
        has_keys: keys are kept, or a sign-in at the practice site is.
        known: the entries of the form that are no secrets, of the sign-in in use or kept.
        logins: whom the practice site knows; empty for the real one.
        question: what the venue asks while somebody signs in with a password (a PIN); empty: nothing.
        is_fetching: the engine of the venue's own page is being brought.
        on_page: that page is open, and the person is at it.
        wants_page: a bot filter has stopped the password; the venue's own page is the way.
        leaving: what removing the venue would do, once it was asked for; empty before.
    """

    changed = Signal()
    finished = Signal()

    def __init__(
        self,
        info: VenueInfo,
        desk: ConnectionDesk,
        current: Mode | None,
        parent: QObject | None = None,
        *,
        is_new: bool = False,
        mode: Mode = Mode.LIVE,
    ) -> None:
        """``current``: how the venue is connected now; None where it is not. ``mode``: what the form begins
        with."""
        super().__init__(parent)
        self.info = info
        self.venue = info.name
        self.is_new = is_new
        self.leaving = ""
        self.question = ""
        self.on_page = self.wants_page = self.is_fetching = False
        self.current = current
        self.mode = mode
        self.known: Mapping[str, str] = {}
        self.logins: tuple[PracticeLogin, ...] = ()
        self.step = Step.ENTER
        self.problems: dict[str, str] = {}
        self.error = ""
        self.repair = ""
        self.report: KeyReport | None = None
        self.has_keys = False
        self._is_locked = False
        self._desk = desk
        self._entries: dict[str, Secret] = {}
        self._options: dict[str, str] = {}
        self._passphrase: Secret | None = None
        self._signing: asyncio.Task[None] | None = None
        self._pin: asyncio.Future[str | None] | None = None
        self._looks = 0
        self._email = ""
        self._is_closed = False

    @property
    def can_sign_in(self) -> bool:
        """Whether the venue has a sign-in of its own; the practice site has one, too, then."""
        return bool(self.info.password_fields) or self.info.session_page

    @property
    def offers_form(self) -> bool:
        """Whether there is something to enter for what is chosen."""
        return self.mode is Mode.LIVE or (self.mode is Mode.PRACTICE and self.can_sign_in)

    @property
    def trouble(self) -> str:
        """Why the venue does not take the kept sign-in any more; empty where it does."""
        return self._desk.trouble(self.venue, self.mode)

    @property
    def mail(self) -> PracticeLogin | None:
        """Whose practice mailbox has the PIN that is asked for; None where nothing is, or a real one has."""
        if not self.question or self.mode is not Mode.PRACTICE:
            return None
        return next((each for each in self.logins if each.email.casefold() == self._email), None)

    @property
    def fields(self) -> tuple[CredentialField, ...]:
        """The entries that the venue's form has."""
        return (*self.info.option_fields, *self.info.credential_fields)

    @property
    def options(self) -> Mapping[str, str]:
        """The kept entries that are no secrets, by key."""
        return self._desk.options(self.venue) if self.info.option_fields else {}

    @property
    def is_busy(self) -> bool:
        return self.step in (Step.SIGNING_IN, Step.TESTING, Step.SAVING)

    @property
    def key_store(self) -> str:
        """Where keys are kept on this machine, as one plain sentence."""
        return _PRACTICE_STORE if self.mode is Mode.PRACTICE else self._desk.key_store()

    @property
    def needs_passphrase(self) -> bool:
        """Whether the vault has to be opened first, because this machine has no keychain."""
        return self.mode is Mode.LIVE and self._desk.needs_passphrase()

    @property
    def is_locked(self) -> bool:
        """Whether keys may be kept and nobody can see which, before the vault is opened."""
        return self._is_locked and self.needs_passphrase

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """What the tested key may do, rights that no terminal needs last."""
        if self.report is None:
            return ()
        rights: dict[str, bool | None] = {**self.report.permissions, **dict.fromkeys(self.report.unknown)}
        found = [Permission(name, granted, "withdraw" in name.casefold()) for name, granted in rights.items()]
        return tuple(sorted(found, key=lambda item: item.risky))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the person should know before keeping the key."""
        if self.report is None:
            return ()
        risky = tuple(
            f"This key may “{item.name}”. The terminal never needs that: make a key without it."
            for item in self.permissions
            if item.risky and item.granted
        )
        trade = () if self.report.can_trade else ("This key cannot place orders: you can watch only.",)
        return (*risky, *trade, *self.report.warnings)

    def on_connection(self, venue: str) -> None:
        """A venue's connection is another one or in another state: what is said of its sign-in may be too."""
        if venue == self.venue:
            self._tell()

    def start(self) -> None:
        """Find out whether keys are kept already."""
        tasks.spawn(self._look(), name=f"keys of {self.venue}")

    async def _look(self) -> None:
        self._looks += 1
        look, mode = self._looks, self.mode
        has_keys, error_text, is_locked = False, "", False
        known: Mapping[str, str] = {}
        logins: tuple[PracticeLogin, ...] = ()
        try:
            if self.offers_form:
                has_keys = await self._desk.has_keys(self.venue, mode)
                known = await self._desk.known_entries(self.venue, mode)
                if mode is Mode.PRACTICE:
                    logins = tuple(await self._desk.practice_logins(self.venue))
        except TerminalError as error:
            error_text, is_locked = error.user_text, mode is Mode.LIVE
        if look != self._looks:
            return
        self.has_keys, self.known, self.logins, self._is_locked = has_keys, known, logins, is_locked
        self.error = error_text or self.error
        self.changed.emit()

    def choose(self, mode: Mode) -> None:
        """Practice, real prices alone, or the person's own account."""
        if self.is_busy or mode is self.mode:
            return
        self.mode = mode
        self.step, self.report = Step.ENTER, None
        self.problems, self.error, self.leaving, self.wants_page = {}, "", "", False
        self.has_keys, self._is_locked, self.known, self.logins = False, False, {}, ()
        self._entries.clear()
        self.changed.emit()
        self.start()

    def touch(self, key: str) -> None:
        """A field is being edited: what was said about it, and an earlier test, no longer count."""
        said = self.problems.pop(key, None) or self.leaving
        self.leaving = ""
        if self.step is Step.TESTED and key != PASSPHRASE:
            self.step, self.report = Step.ENTER, None
            self._entries.clear()
        elif not said:
            return
        self.changed.emit()

    def test(self, entries: Mapping[str, str]) -> None:
        """Try the entered keys at the venue and read back what they may do."""
        if self.is_busy:
            return
        # Not before now: every Secret made is remembered by the log's scrubber, half-typed ones need not be.
        texts = {key: text.strip() for key, text in entries.items()}
        held = self._entries, self._options
        self._take_options(texts)
        self._entries = {
            key: Secret(text) for key, text in texts.items() if text and key not in self._options
        }
        if self._is_complete():
            tasks.spawn(self._test(), name=f"test keys of {self.venue}")
        elif self.step is Step.TESTED:
            # What a sign-in has brought stands in no field, and is still there to be kept.
            self._entries, self._options = held

    # -- signing in with a password -------------------------------------------------------------------

    def sign_in(self, entries: Mapping[str, str]) -> None:
        """Sign in with a password; what it brings is tried at once like an entered key. The password is
        forgotten."""
        if self.is_busy or self._signing is not None:
            return
        self.error, self.problems, self.wants_page = "", {}, False
        for field in self.info.password_fields:
            if not entries.get(field.key, "").strip():
                self.problems[field.key] = f"{field.label} is missing."
        if self.problems:
            self.changed.emit()
            return
        entered = {field.key: Secret(entries[field.key].strip()) for field in self.info.password_fields}
        self._email = entries.get("email", "").strip().casefold()
        work = self._sign_in_by(self._desk.sign_in_by_password(self.venue, self.mode, entered, self._ask))
        self._signing = tasks.spawn(work, name=f"sign in to {self.venue}")

    @property
    def has_page(self) -> bool:
        """Whether the session can be taken over from the venue's own page, in a window of ours; its engine
        may have to be fetched first."""
        return self.info.session_page and (self._desk.has_page() or self._desk.can_fetch_page())

    @property
    def fetches_page(self) -> bool:
        """Whether the page's engine has to be fetched first."""
        return not self._desk.has_page()

    def sign_in_on_page(self) -> None:
        """Open the venue's own page; the session that it ends with is tried at once like an entered key."""
        if self.is_busy or self._signing is not None:
            return
        self.error, self.problems, self.wants_page = "", {}, False
        self._signing = tasks.spawn(self._sign_in_by(self._open_page()), name=f"sign in to {self.venue}")

    async def _open_page(self) -> Mapping[str, Secret]:
        if self.fetches_page:
            self.is_fetching = True
            self.changed.emit()
            try:
                await self._desk.fetch_browser()
            finally:
                self.is_fetching = False
        self.on_page = True
        self.changed.emit()
        return await self._desk.sign_in_on_page(self.venue, self.mode)

    def answer(self, text: str) -> None:
        """What the venue asked for, e.g. the PIN."""
        if self._pin is None or self._pin.done():
            return
        if not text.strip().isdigit():
            self.problems[PIN] = "Digits only."
            self.changed.emit()
            return
        self.problems.pop(PIN, None)
        self._pin.set_result(text.strip())

    @property
    def is_signing_in(self) -> bool:
        """Whether a sign-in is under way that can be given up."""
        return self.step is Step.SIGNING_IN

    def give_up(self) -> None:
        """End a sign-in that is under way: no PIN is entered, the page closes. The form stays as it is."""
        if self._pin is not None and not self._pin.done():
            self._pin.set_result(None)
        elif self.on_page:
            self._desk.give_up_sign_in()
        elif self._signing is not None and self.is_signing_in:
            self._signing.cancel()

    async def _sign_in_by(self, work: Coroutine[Any, Any, Mapping[str, Secret]]) -> None:
        """Sign in and try what that brings. What an earlier one has brought stays until then, to be kept."""
        before, held, report = self.step, (self._entries, self._options), self.report
        self._go(Step.SIGNING_IN)
        try:
            found = await work
        except TerminalError as error:
            self.wants_page = isinstance(error, VenueError) and error.code == CHALLENGE
            self._fail(error, before)
        except asyncio.CancelledError:
            self.step, self.error = before, _GIVEN_UP
            raise
        else:
            self.on_page = False
            self._entries = dict(found)
            self._options = {}
            await self._test()
            if self.step is Step.ENTER and before is Step.TESTED:
                (self._entries, self._options), self.report, self.step = held, report, before
        finally:
            self._signing, self._pin, self.question, self.on_page = None, None, "", False
            self._tell()

    async def _ask(self, question: str) -> str | None:
        self.question = question
        self._pin = asyncio.get_running_loop().create_future()
        self.changed.emit()
        try:
            async with asyncio.timeout(_PIN_S):
                return await self._pin
        except TimeoutError:
            return None
        finally:
            self.question, self._pin = "", None
            self._tell()

    def _tell(self) -> None:
        """Not after the form was closed, which ends a sign-in and is gone before that has ended."""
        if not self._is_closed:
            self.changed.emit()

    def save(self, passphrase: str = "") -> None:
        """Keep the tested keys and connect the account."""
        if self.step is Step.TESTED and self._take_passphrase(passphrase):
            tasks.spawn(self._save(), name=f"save keys of {self.venue}")

    def use_kept_keys(self, passphrase: str = "", entries: Mapping[str, str] | None = None) -> None:
        """Connect the account whose keys are kept already, with the other entries as they stand in the
        form."""
        self._take_options({key: text.strip() for key, text in (entries or {}).items()})
        if not self.is_busy and self._take_passphrase(passphrase):
            tasks.spawn(self._use(Mode.LIVE), name=f"connect {self.venue}")

    def use(self, mode: Mode) -> None:
        """Connect in a mode that needs no key."""
        if not self.is_busy:
            tasks.spawn(self._use(mode), name=f"connect {self.venue}")

    def forget(self, passphrase: str = "") -> None:
        """Delete the kept keys from this machine, or sign out of the practice site; a venue that was added
        leaves the desk, which has to be asked for twice: first it is said what that means."""
        if self.is_busy:
            return
        if self.info.on_demand and not self.leaving:
            self.leaving = self._desk.leaving(self.venue)
            self.changed.emit()
        elif not self.is_locked or self._take_passphrase(passphrase):
            tasks.spawn(self._forget(), name=f"forget keys of {self.venue}")

    def clear(self) -> None:
        """Let go of everything entered; called when the form closes."""
        self._entries.clear()
        self._passphrase = None
        self.report = None
        self._is_closed = True
        if self._signing is not None:
            self._signing.cancel()

    def _take_options(self, texts: Mapping[str, str]) -> None:
        self._options = {
            field.key: texts[field.key] for field in self.info.option_fields if field.key in texts
        }

    def _is_complete(self) -> bool:
        self.error = ""
        self.problems = {}
        for field in self.info.option_fields:
            if not field.optional and not self._options.get(field.key):
                self.problems[field.key] = f"{field.label} is missing."
        for field in self.info.credential_fields:
            entry = self._entries.get(field.key)
            if entry is None:
                if not field.optional:
                    self.problems[field.key] = f"{field.label} is missing."
                continue
            text = entry.reveal()
            if len(text) > _MAX_ENTRY:
                self.problems[field.key] = "This is far too long for a key."
            elif len(text.splitlines()) > 1:
                self.problems[field.key] = "There is a line break in it. Copy it again, as one line."
            elif not text.isascii() or not text.isprintable() or (" " in text and not field.spaces):
                self.problems[field.key] = (
                    "There are special letters in it. Copy it again, whole."
                    if field.spaces
                    else "A key has no spaces or special letters. Copy it again, whole."
                )
        self.changed.emit()
        return not self.problems

    def _take_passphrase(self, text: str) -> bool:
        if not self.needs_passphrase:
            return True
        if len(text) < MIN_PASSPHRASE:
            self.problems[PASSPHRASE] = f"At least {MIN_PASSPHRASE} characters."
            self.changed.emit()
            return False
        self._passphrase = Secret(text)
        return True

    async def _test(self) -> None:
        self._go(Step.TESTING)
        try:
            self.report = await self._desk.test_keys(
                self.venue, self.mode, dict(self._entries), dict(self._options)
            )
        except TerminalError as error:
            self.report = None
            self._fail(error, Step.ENTER)
        else:
            self._go(Step.TESTED)

    async def _save(self) -> None:
        self._go(Step.SAVING)
        try:
            if self._passphrase is not None and self.needs_passphrase:
                await self._desk.open_vault(self._passphrase, self.venue)
            self.venue = await self._desk.save_keys(
                self.venue, self.mode, dict(self._entries), dict(self._options)
            )
            self.is_new, self.has_keys = False, True
            await self._desk.use(self.venue, self.mode)
        except TerminalError as error:
            self._fail(error, Step.TESTED)
        else:
            self._go(Step.DONE)
            self.clear()
            self.finished.emit()

    async def _use(self, mode: Mode | None) -> None:
        before = self.step
        self._go(Step.SAVING)
        try:
            if mode is Mode.LIVE and self._passphrase is not None and self.needs_passphrase:
                await self._desk.open_vault(self._passphrase, self.venue)
            if mode is Mode.LIVE and self._options != {key: self.options[key] for key in self._options}:
                changed = {key for key, text in self._options.items() if text != self.options[key]}
                await self._desk.save_options(self.venue, dict(self._options))
                if self.current is Mode.LIVE and all(key.endswith(".title") for key in changed):
                    mode = None  # another title is no reason to cut a connection
            if mode is not None:
                await self._desk.use(self.venue, mode)
        except TerminalError as error:
            self._fail(error, before)
        else:
            self._go(Step.DONE)
            self.clear()
            self.finished.emit()

    async def _forget(self) -> None:
        before = self.step
        self._go(Step.SAVING)
        try:
            if self._passphrase is not None and self.needs_passphrase:
                await self._desk.open_vault(self._passphrase, self.venue)
            if self.mode is Mode.PRACTICE:
                await self._desk.sign_out(self.venue, self.mode)
            else:
                await self._desk.forget_keys(self.venue)
            self.has_keys = False
        except TerminalError as error:
            self._fail(error, before)
        else:
            self._go(before)
            if self.info.on_demand:
                self.finished.emit()

    def _go(self, step: Step) -> None:
        self.step = step
        if step in (Step.SIGNING_IN, Step.TESTING, Step.SAVING):
            self.error = ""
        self.changed.emit()

    def _fail(self, error: TerminalError, back_to: Step) -> None:
        self.error = error.user_text
        self.repair = getattr(error, "repair", "")
        self._go(back_to)
