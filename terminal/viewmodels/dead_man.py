"""The dead man's switch as a venue's card shows it, and the question it raises on quitting."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.observe import Observable
from terminal.domain.errors import TerminalError
from terminal.services.dead_mans_switch import SwitchState
from terminal.viewmodels.choice import Choice, Chooser, Option
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.viewmodels.connection import ConnectionViewModel, Mode
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.venue_card import VenueCard

_LOOK_EVERY_S = 0.5
_LOW_S = 15
DISARM, LET_FIRE = "disarm", "fire"


class Switch(Protocol):
    """The switches of all accounts (:class:`terminal.services.dead_mans_switch.DeadMansSwitch`)."""

    changed: Observable[[str]]

    def state(self, account: str) -> SwitchState: ...

    def seconds_left(self, account: str) -> float | None: ...

    def timeout_s(self, account: str) -> int: ...

    def armed(self) -> list[str]: ...

    async def arm(self, account: str) -> None: ...

    async def disarm(self, account: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Ring:
    """An armed switch: seconds until the venue cancels everything, and the share of the time (0 to 1)."""

    seconds: int
    share: float
    tone: str
    tip: str


@dataclass(frozen=True, slots=True)
class Toggle:
    """The switch's entry in a card's menu."""

    text: str
    enabled: bool
    on: bool


class DeadManViewModel(QObject):
    """Arms and disarms the switch of each venue's account.

    Signals:
        changed: a ring came, went or counted on; at most twice a second.
    """

    changed = Signal()

    def __init__(
        self,
        switch: Switch,
        connections: ConnectionViewModel,
        notices: NoticesViewModel,
        frames: FrameClock,
        *,
        ask: Asker,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._switch = switch
        self._connections = connections
        self._notices = notices
        self._ask = ask
        self._rings: dict[str, Ring] = {}
        self._busy: set[str] = set()
        self._stop_looking = frames.every(_LOOK_EVERY_S, self._build)
        switch.changed.watch(lambda account: frames.request(self._build))
        connections.changed.connect(self._on_connections)
        self._build()

    # -- what there is to see -------------------------------------------------------------------------

    def ring(self, venue: str) -> Ring | None:
        """The countdown on a venue's card; None while its switch is off."""
        return self._rings.get(venue)

    def toggle_of(self, venue: str) -> Toggle:
        """The entry for a venue's menu; greyed, with the reason, where there is nothing to switch."""
        card = self._connections.card(venue)
        info = self._connections.infos[venue]
        if not info.capabilities.dead_mans_switch:
            return Toggle(f"Dead man's switch: not available at {info.title}", enabled=False, on=False)
        if card is None or not card.account:
            return Toggle("Dead man's switch: needs an account", enabled=False, on=False)
        if self._switch.state(card.account).armed:
            return Toggle("Dead man's switch", enabled=True, on=True)
        return Toggle("Dead man's switch…", enabled=venue not in self._busy, on=False)

    @property
    def is_armed(self) -> bool:
        """Whether any account's switch is on."""
        return bool(self._switch.armed())

    def _on_connections(self) -> None:
        self._build()

    def _build(self) -> None:
        rings = {}
        for card in self._connections.cards:
            ring = self._ring(card)
            if ring is not None:
                rings[card.venue] = ring
        if rings != self._rings:
            self._rings = rings
            self.changed.emit()

    def _ring(self, card: VenueCard) -> Ring | None:
        left = self._switch.seconds_left(card.account) if card.account else None
        if left is None:
            return None
        state, total = self._switch.state(card.account), self._switch.timeout_s(card.account)
        seconds = ceil(left)
        tip = f"Dead man's switch: {card.title} cancels all orders of {card.account_name} in {seconds} s"
        tip += f", because it was not renewed: {state.error}" if state.error else " unless it is renewed"
        tone = "danger" if seconds <= _LOW_S else "warning" if state.error else ""
        return Ring(seconds, min(1.0, seconds / total) if total else 0.0, tone, tip)

    # -- what a person can do -------------------------------------------------------------------------

    def toggle(self, venue: str) -> None:
        """Arm it, after a question, or disarm it."""
        card = self._connections.card(venue)
        if card is None or not card.account or venue in self._busy:
            return
        on = self._switch.state(card.account).armed
        self._busy.add(venue)
        tasks.spawn(
            self._carry_out(venue, self._switch.disarm(card.account) if on else self._arm(card)),
            name=f"dead man's switch {venue}",
        )

    async def _carry_out(self, venue: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except TerminalError as error:
            self._notices.failure(error)
        except TimeoutError:
            title = self._title(venue)
            self._notices.error(f"{title} did not answer about the dead man's switch in time.")
        finally:
            self._busy.discard(venue)
            self._build()

    async def _arm(self, card: VenueCard) -> None:
        seconds = self._switch.timeout_s(card.account)
        yes = await self._ask(
            Confirmation(
                title=f"Arm the dead man's switch at {card.title}?",
                note=f"When this program falls silent for {seconds} s, {card.title} cancels ALL orders of "
                "the account, also those placed elsewhere. Then the switch is off. Disarm it before "
                "planned maintenance of the venue.",
                rows=(("Account", card.account_name), ("Cancels after", f"{seconds} s of silence")),
                confirm_text="Arm it",
                tone="" if card.mode is Mode.PRACTICE else "danger",
                badge=card.badge,
            )
        )
        if yes:
            await self._switch.arm(card.account)

    # -- quitting -------------------------------------------------------------------------------------

    async def ask_before_quitting(
        self, choose: Chooser, open_orders: Callable[[str], int], warnings: tuple[str, ...] = ()
    ) -> str | None:
        """What is to become of the armed switches: :data:`DISARM`, :data:`LET_FIRE`, or None to stay.

        With :data:`DISARM` they are off when this returns; where that fails it is said, and nobody quits.
        ``open_orders`` counts the orders of an account that we know of.
        """
        accounts = self._switch.armed()
        if not accounts:
            return LET_FIRE
        names = " and ".join(dict.fromkeys(self._title(account) for account in accounts))
        seconds = max(self._switch.timeout_s(account) for account in accounts)
        answer = await choose(
            Choice(
                title="Quit Parallax?",
                note=f"The dead man's switch is armed: orders on {names} will be canceled within "
                f"{seconds} s after you quit, also those placed elsewhere.",
                rows=tuple(
                    (self._connections.short_name(account), _orders(open_orders(account)))
                    for account in accounts
                ),
                warnings=warnings,
                options=(
                    Option(LET_FIRE, "Quit, let them be canceled", "danger"),
                    Option(DISARM, "Disarm and leave them", "primary"),
                ),
                badge=self._connections.badge_for(accounts),
            )
        )
        if answer == DISARM and not await self._disarm_all(accounts):
            return None
        return answer

    async def _disarm_all(self, accounts: list[str]) -> bool:
        done = True
        for account in accounts:
            try:
                await self._switch.disarm(account)
            except (TerminalError, TimeoutError) as error:
                done = False
                reason = error.user_text if isinstance(error, TerminalError) else "no answer in time"
                name = self._connections.short_name(account)
                self._notices.error(
                    f"The dead man's switch of {name} could not be disarmed, so its orders will be "
                    f"canceled: {reason}"
                )
        return done

    def _title(self, account: str) -> str:
        card = self._connections.card(account.partition(":")[0])
        return card.title if card is not None else account


def _orders(count: int) -> str:
    return "no open order known" if not count else f"{count} open order{'s' if count > 1 else ''}"
