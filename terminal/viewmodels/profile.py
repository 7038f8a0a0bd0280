"""Whose sign-in a venue has, the time zone that it keeps, and how its clock differs from this computer's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.domain.errors import TerminalError
from terminal.services.session import MAX_CLOCK_OFFSET_MS
from terminal.venues.base import AccountProfile
from terminal.viewmodels import format as fmt
from terminal.viewmodels.frames import FrameClock

_TICK_S: Final = 0.5
_NS_PER_MS: Final = 1_000_000
_QUARTER_S: Final = 900
_WEST_S, _EAST_S = -12 * 3600, 14 * 3600
_UNKNOWN: Final = "not told by the venue"


class ProfileSource(Protocol):
    """What can be asked (:class:`terminal.services.venue_accounts.VenueAccounts`)."""

    def sets_time_zone(self, venue: str) -> bool: ...
    async def profile(self, venue: str) -> AccountProfile: ...
    async def set_time_offset(self, venue: str, seconds: int) -> AccountProfile: ...
    def ahead_ms(self, venue: str) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Zone:
    """One choice of a time zone: seconds east of UTC, and its words."""

    offset_s: int
    text: str


def offset_text(seconds: int) -> str:
    """``UTC+05:45``; the sign is a true minus, and UTC itself is ``UTC``."""
    if seconds == 0:
        return "UTC"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"UTC{'+' if seconds > 0 else '−'}{hours:02d}:{minutes:02d}"


class ProfileViewModel(QObject):
    """The profile of one sign-in.

    Signals:
        changed: re-read everything.
        ticked: the clocks went on; re-read :attr:`clock_rows`.

    Attributes:
        title: the venue. badge: whose money the open account is.
        profile: as the venue has it; None before it was read.
        is_busy: the venue is being asked.
        error: why it could not be read, or changed, in one sentence. said: what the venue has after a change.
        zone_s: the time zone that is chosen in the form, seconds east of UTC; None before it is known.
    """

    changed = Signal()
    ticked = Signal()

    def __init__(
        self,
        venue: str,
        source: ProfileSource,
        frames: FrameClock,
        wall_ns: Callable[[], int],
        *,
        title: str,
        badge: str = "",
        local_offset_s: Callable[[], int] | None = None,
        hide_amounts: bool = False,
        parent: QObject | None = None,
    ) -> None:
        """``wall_ns``: this computer's clock, UTC. ``local_offset_s``: its time zone, seconds east of UTC."""
        super().__init__(parent)
        self.title = title
        self.badge = badge
        self.profile: AccountProfile | None = None
        self.is_busy = False
        self.error = ""
        self.said = ""
        self.zone_s: int | None = None
        self._venue = venue
        self._source = source
        self._wall_ns = wall_ns
        self._local_offset_s = local_offset_s or _local_offset_s
        self._hides = hide_amounts
        self._is_closed = False
        self._stop_ticking = frames.every(_TICK_S, self._tick)

    def close(self) -> None:
        """Nobody looks any more; what is under way ends quietly."""
        self._is_closed = True
        self._stop_ticking()

    # -- what there is to see -------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Whose it is, by name; always as many. Before it was read they are empty."""
        found = self.profile
        if found is None:
            return tuple((name, "") for name in _NAMES)
        money = " · ".join(f"{name} {self._money(amount)}" for name, amount in found.balances)
        zone = _UNKNOWN if found.time_offset_s is None else offset_text(found.time_offset_s)
        values = (found.name, found.number, found.country, found.currency, money, zone)
        return tuple((name, value or _UNKNOWN) for name, value in zip(_NAMES, values, strict=True))

    @property
    def clock_rows(self) -> tuple[tuple[str, str], ...]:
        """Both clocks in UTC, and by how much they differ."""
        now_ns, ahead = self._wall_ns(), self._source.ahead_ms(self._venue)
        theirs = "not known yet: it shows with the next price" if ahead is None else _clock(now_ns, ahead)
        return (
            (f"{self.title}'s clock", theirs),
            ("This computer's", _clock(now_ns, 0.0)),
            ("Difference", _difference(ahead)),
        )

    @property
    def clock_warning(self) -> str:
        """What follows where the clocks differ too much; empty where they do not."""
        ahead = self._source.ahead_ms(self._venue)
        if ahead is None or abs(ahead) <= MAX_CLOCK_OFFSET_MS:
            return ""
        return (
            f"This computer's clock is {_span(abs(ahead) / 1000)} {'behind' if ahead > 0 else 'ahead of'} "
            f"{self.title}'s. Set it right: no order is sent until then; cancels are."
        )

    @property
    def can_change_zone(self) -> bool:
        """Whether the venue keeps a time zone that can be changed, and says which."""
        found = self.profile
        return (
            found is not None and found.time_offset_s is not None and self._source.sets_time_zone(self._venue)
        )

    @property
    def zone_note(self) -> str:
        """What the time zone is used for."""
        return "" if self.profile is None else self.profile.time_offset_use

    @property
    def zones(self) -> tuple[Zone, ...]:
        """Every choice, from west to east in quarters of an hour; this computer's own comes first, and the
        venue's where it is none of them."""
        local = self._local_offset_s()
        offsets = set(range(_WEST_S, _EAST_S + 1, _QUARTER_S))
        if self.profile is not None and self.profile.time_offset_s is not None:
            offsets.add(self.profile.time_offset_s)
        rest = (Zone(each, offset_text(each)) for each in sorted(offsets - {local}))
        return (Zone(local, f"{offset_text(local)}, this computer's"), *rest)

    @property
    def can_save(self) -> bool:
        """Another time zone than the venue's is chosen."""
        found = self.profile
        return (
            self.can_change_zone
            and not self.is_busy
            and found is not None
            and (self.zone_s is not None and self.zone_s != found.time_offset_s)
        )

    # -- what a person can do -------------------------------------------------------------------------

    def load(self) -> None:
        """Read the profile from the venue."""
        self._start(lambda: self._source.profile(self._venue))

    def choose_zone(self, offset_s: int) -> None:
        """Choose a time zone in the form; it is sent by :meth:`save`."""
        self.zone_s, self.said, self.error = offset_s, "", ""
        self._tell()

    def save(self) -> None:
        """Have the venue keep the chosen time zone."""
        wanted = self.zone_s
        if wanted is None or not self.can_save:
            return

        async def change() -> AccountProfile:
            found = await self._source.set_time_offset(self._venue, wanted)
            has = found.time_offset_s
            if has == wanted:
                self.said = f"{self.title} keeps {offset_text(wanted)} now."
            else:
                kept = "no zone" if has is None else offset_text(has)
                self.error = f"{self.title} took the change, and has {kept} all the same."
            return found

        self._start(change)

    def _start(self, work: Callable[[], Awaitable[AccountProfile]]) -> None:
        if self.is_busy:
            return
        self.is_busy, self.error, self.said = True, "", ""
        self._tell()
        tasks.spawn(self._carry_out(work), name=f"profile of {self._venue}")

    async def _carry_out(self, work: Callable[[], Awaitable[AccountProfile]]) -> None:
        try:
            self.profile = await work()
            self.zone_s = self.profile.time_offset_s
        except TerminalError as error:
            self.error = error.user_text
        finally:
            self.is_busy = False
            self._tell()

    def _money(self, amount: Decimal) -> str:
        currency = "" if self.profile is None else self.profile.currency
        return fmt.HIDDEN if self._hides else fmt.money(amount, currency)

    def _tick(self) -> None:
        if not self._is_closed:
            self.ticked.emit()

    def _tell(self) -> None:
        if not self._is_closed:
            self.changed.emit()


_NAMES: Final = ("Name", "Number", "Country", "Currency", "Balances", "Time zone")


def _local_offset_s() -> int:
    offset = datetime.now().astimezone().utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _clock(now_ns: int, ahead_ms: float) -> str:
    return f"{fmt.time_of_day(now_ns + int(ahead_ms * _NS_PER_MS), zone=UTC)} UTC"


def _difference(ahead_ms: float | None) -> str:
    if ahead_ms is None:
        return fmt.NOTHING
    seconds = ahead_ms / 1000
    if abs(seconds) < 0.1:
        return "none to speak of"
    return f"{_span(abs(seconds))} {'ahead of' if seconds > 0 else 'behind'} this computer"


def _span(seconds: float) -> str:
    """``0.4 s``, ``45 s``, ``5 min 2 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
