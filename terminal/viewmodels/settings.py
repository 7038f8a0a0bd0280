"""The settings dialog: sections and rows made from the one table, checked by it before anything is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.observe import Observable
from terminal.domain.errors import TerminalError
from terminal.domain.rules import plain
from terminal.services.settings import SETTINGS, Kind, Setting, Settings, Value
from terminal.services.settings_table import BY_KEY
from terminal.viewmodels import format as fmt
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.viewmodels.size_entry import check_presets

# Settings of the table that the dialog leaves out, and why. Everything else is shown, so a setting that
# nothing reads yet has to stand here until something does.
HIDDEN: Final[Mapping[str, str]] = {
    "look.colors": "there is one pair of direction colours so far",
    "look.scheme": "there is one theme so far",
    "look.animations": "nothing is animated",
    "look.clock": "only the time axis of the chart follows it",
    "sound.on": "there are no sounds yet",
    "sound.volume": "there are no sounds yet",
    "sound.fills": "there are no sounds yet",
    "sound.rejects": "there are no sounds yet",
    "sound.disconnects": "there are no sounds yet",
    "notice.system": "notices stay inside the window so far",
    "notice.hide_amounts": "notices stay inside the window so far",
    "trade.size_resets": "the size field keeps what was typed",
    "trade.size_unit": "the size field has its own switch",
    "trade.dead_mans_switch": "it is armed by hand on the venue's card, never by itself",
    "trade.slippage_amber_bps": "the cost strip shows the slippage without marking it",
    "trade.slippage_confirm_bps": "the cost strip shows the slippage without asking about it",
    "trade.hotkeys": "there are no trading keys yet",
    "ladder.mouse": "there is one way to click so far",
    "ladder.levels": "the ladder shows as many levels as there is room for",
    "chart.interval_s": "the chart's own buttons keep it",
    "watch.symbols": "the watchlist keeps it",
    "venue.mode": "the venue's card keeps it",
    "venue.added": "the venue's form keeps it",
    "venue.removed": "the venue's form keeps it",
    "endpoint.service": "the plugin's form keeps it",
    "custom.title": "the plugin's form keeps it",
    "custom.symbols": "the plugin's form keeps it",
    "custom.market_buy_in_base": "the plugin's form keeps it",
    "custom.plain_http": "the plugin's form keeps it",
    "venue.account": "the Accounts tab keeps it",
    "venue.accounts": "the Accounts tab keeps it",
    "practice.account": "the Accounts tab keeps it",
    "practice.accounts": "the Accounts tab keeps it",
    "venue.signed_out": "the sign-in form keeps it",
    "practice.tour_done": "the first-start hint keeps it",
    "record.on": "nothing records the wire yet",
    "record.max_mb": "nothing records the wire yet",
}

_SECTIONS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Look", ("look",)),
    ("Trading", ("trade",)),
    ("Limits", ("risk",)),
    ("Ladder, tape, chart", ("ladder", "tape", "chart", "watch")),
    ("Notices", ("notice", "sound")),
    ("Venues", ("kraken", "okx", "quotex", "network", "venue", "endpoint")),
    ("Bridge", ("bridge",)),
    ("Practice", ("practice",)),
    ("Program", ("app", "log", "record")),
)
# One value for all venues makes no sense for these: a row for each venue.
_PER_VENUE: Final = ("venue", "endpoint")
_ALL_VENUES: Final = "All venues"
_NEXT_CONNECTION: Final = ("endpoint", "network", "kraken", "okx", "quotex", "venue")
_LINES: Final = frozenset({"trade.size_presets"})
_STEP: Final = ".step"


class Notes(Protocol):
    """What services say of a setting: under it beside its bounds, from when a value holds, say; and what
    they ask before another value is kept."""

    changed: Observable[[]]

    def note(self, key: str) -> str:
        """One or several sentences; empty where there is nothing to say."""
        ...

    def question(self, key: str, value: Value) -> Confirmation | None:
        """What a person is asked before the value is kept; None: nothing."""
        ...


Name = tuple[str, str | None]
"""A row: key and scope."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One row of the dialog.

    ``step`` is what crossing a limit does, drawn in the limit's own row. ``heading`` stands above the first
    row that has it. ``many_lines``: a text with several lines.
    """

    setting: Setting
    scope: str | None
    heading: str
    value: Value
    is_set: bool
    note: str
    problem: str = ""
    step: SettingRow | None = None

    @property
    def name(self) -> Name:
        return self.setting.key, self.scope

    @property
    def many_lines(self) -> bool:
        return self.setting.kind is Kind.LIST or self.setting.key in _LINES


class SettingsViewModel(QObject):
    """What the dialog shows and does. A change holds at once; what the table refuses is never kept.

    Signals:
        changed: other rows, sections or scopes are shown.
        row_changed: (key, scope) a shown row has another value or problem.

    Attributes:
        rows: what is shown now. sections: titles. section: the chosen one.
        scope: None for all venues, or a venue. query: what is searched for; it looks through all sections.
    """

    changed = Signal()
    row_changed = Signal(str, object)

    def __init__(
        self,
        settings: Settings,
        venues: Mapping[str, str],
        *,
        hidden: Mapping[str, str] = HIDDEN,
        notes: Notes | None = None,
        ask: Asker | None = None,
        parent: QObject | None = None,
    ) -> None:
        """``venues``: their titles by name. ``notes``: what else stands under some of the settings, and is
        asked about them by ``ask``."""
        super().__init__(parent)
        self._settings = settings
        self._venues = dict(venues)
        self._table = [setting for setting in SETTINGS if setting.key not in hidden]
        self._problems: dict[Name, str] = {}
        self.sections = tuple(title for title, parts in _SECTIONS if self._of(parts))
        self.section = self.sections[0]
        self.scope: str | None = None
        self.query = ""
        self.rows: tuple[SettingRow, ...] = ()
        self._notes = notes
        self._ask = ask
        self._asking: set[Name] = set()
        self._agreed: set[Name] = set()
        self._is_closed = False
        self._unwatch = [settings.changed.watch(self._on_setting)]
        if notes is not None:
            self._unwatch.append(notes.changed.watch(self._on_notes))
        self._build()

    def close(self) -> None:
        """Stop following the settings. What is being asked still is."""
        self._is_closed = True
        for unwatch in self._unwatch:
            unwatch()

    # -- what is shown --------------------------------------------------------------------------------

    @property
    def scopes(self) -> tuple[tuple[str | None, str], ...]:
        """Whose values can be shown here: all venues' and each venue's; empty where there is one for all."""
        parts = dict(_SECTIONS)[self.section]
        if self.query or not any(each.scoped and each.section not in _PER_VENUE for each in self._of(parts)):
            return ()
        return ((None, _ALL_VENUES), *self._venues.items())

    @property
    def empty_text(self) -> str:
        """What stands in place of rows."""
        return "" if self.rows else f"No setting is about “{self.query}”."

    def choose_section(self, title: str) -> None:
        """Show a section; a search ends."""
        if title in self.sections:
            self.section, self.query, self.scope = title, "", None
            self._problems.clear()
            self._build()

    def choose_scope(self, scope: str | None) -> None:
        """Show the values for all venues, or those of one."""
        self.scope = scope if scope in self._venues else None
        self._problems.clear()
        self._build()

    def search(self, text: str) -> None:
        """Show what all of these words are about, of every section; empty: the chosen section again."""
        self.query = text.strip()
        self.scope = None
        self._problems.clear()
        self._build()

    def row(self, key: str, scope: str | None) -> SettingRow | None:
        """A shown row as it stands now; a limit's step is found too."""
        for row in self.rows:
            if row.name == (key, scope):
                return row
            if row.step is not None and row.step.name == (key, scope):
                return row.step
        return None

    def _of(self, parts: Sequence[str]) -> list[Setting]:
        return [setting for setting in self._table if setting.section in parts]

    def _build(self) -> None:
        self.rows = tuple(self._found() if self.query else self._of_section())
        self.changed.emit()

    def _of_section(self) -> list[SettingRow]:
        parts = dict(_SECTIONS)[self.section]
        shown = [each for each in self._of(parts) if not each.key.endswith(_STEP)]
        if self.scope is not None and self.scopes:
            return [self._row(each, self.scope, "") for each in shown if each.scoped]
        return self._rows(shown, "")

    def _found(self) -> list[SettingRow]:
        words = self.query.casefold().split()
        out: list[SettingRow] = []
        for title, parts in _SECTIONS:
            shown = [
                setting
                for setting in self._of(parts)
                if not setting.key.endswith(_STEP)
                and all(word in _words_of(setting, title) for word in words)
            ]
            out += self._rows(shown, title)
        return out

    def _rows(self, shown: Sequence[Setting], heading: str) -> list[SettingRow]:
        """Those of a venue stand together under its title, whether they are one value or one of many."""
        by_venue = [each for each in shown if each.section in _PER_VENUE or each.section in self._venues]
        general = [each for each in shown if each not in by_venue]
        over = _ALL_VENUES if general and by_venue and not heading else heading
        rows = [self._row(each, None, over) for each in general]
        for venue, title in self._venues.items():
            under = f"{heading}: {title}" if heading else title
            rows += [
                self._row(each, None if each.section == venue else venue, under)
                for each in by_venue
                if each.section in (*_PER_VENUE, venue)
            ]
        return rows

    def _row(self, setting: Setting, scope: str | None, heading: str) -> SettingRow:
        step = next((each for each in self._table if each.key == setting.key + _STEP), None)
        return SettingRow(
            setting=setting,
            scope=scope,
            heading=heading,
            value=self._settings.get(setting.key, scope),
            is_set=self._settings.is_set(setting.key, scope),
            note=self._note(setting, scope),
            problem=self._problems.get((setting.key, scope), ""),
            step=self._row(step, scope, heading) if step is not None else None,
        )

    def _note(self, setting: Setting, scope: str | None) -> str:
        """From when it holds, what it may be, and what it is without a choice of one's own."""
        parts = []
        if setting.section in _NEXT_CONNECTION:
            parts.append("from the next connection on")
        elif setting.restart:
            parts.append("from the next start on")
        if setting.kind in (Kind.INT, Kind.DECIMAL):
            assert setting.minimum is not None
            assert setting.maximum is not None
            parts.append(f"{fmt.quantity(setting.minimum)} to {fmt.quantity(setting.maximum)}")
        if scope is not None and setting.section not in _PER_VENUE:
            if not self._settings.is_set(setting.key, scope):
                parts.append("as for all venues")
        elif setting.kind is not Kind.BOOL and (text := value_text(setting, setting.default)):
            parts.append(f"default {text}")
        more = self._notes.note(setting.key) if self._notes is not None else ""
        return "\n".join(text for text in (" · ".join(parts), more) if text)

    def _on_notes(self) -> None:
        for row in list(self.rows):
            if self._notes is not None and self._notes.note(row.setting.key):
                self._again(row.name)

    def _on_setting(self, key: str, scope: str | None) -> None:
        for row in list(self.rows):
            for each in (row, row.step):
                if each is not None and each.setting.key == key:
                    self._again(each.name)

    def _again(self, name: Name) -> None:
        """Build one row anew."""
        if self._is_closed:
            return
        self.rows = tuple(
            self._row(row.setting, row.scope, row.heading)
            if name in (row.name, row.step.name if row.step is not None else None)
            else row
            for row in self.rows
        )
        self.row_changed.emit(*name)

    # -- what a person can do -------------------------------------------------------------------------

    def set(self, key: str, scope: str | None, value: object) -> bool:
        """Keep a value, typed or as text; False where it does not fit, with a sentence in the row, and
        where a person is asked about it first."""
        name = (key, scope)
        row = self.row(key, scope)
        if row is not None and not row.is_set and _as_entered(row) == value:
            # The field was only visited.
            self._forget_problem(name)
            return True
        if name in self._asking:
            # The field was left for the question.
            return False
        try:
            check = _CHECKS.get(key)
            problem = check(str(value)) if check is not None else ""
            if not problem:
                if self._has_asked(name, BY_KEY[key].parse(value), lambda: self.set(key, scope, value)):
                    return False
                self._settings.set(key, value, scope)
        except TerminalError as error:
            problem = error.user_text
        if problem:
            self._problems[name] = problem
            self._again(name)
            return False
        self._forget_problem(name)
        return True

    def reset(self, key: str, scope: str | None) -> None:
        """Back to the default; for a venue, to the value for all venues. A person may be asked first."""
        name = (key, scope)
        is_set = self._settings.is_set(key, scope)
        if name in self._asking or (
            is_set and self._has_asked(name, BY_KEY[key].default, lambda: self.reset(key, scope))
        ):
            return
        self._problems.pop((key, scope), None)
        try:
            self._settings.reset(key, scope)
        except TerminalError as error:
            self._problems[key, scope] = error.user_text
        self._again((key, scope))

    def _has_asked(self, name: Name, value: Value, go_on: Callable[[], object]) -> bool:
        """Whether a person is asked about a value first; ``go_on`` is called after a yes."""
        if self._ask is None or self._notes is None or name in self._agreed:
            return False
        question = self._notes.question(name[0], value)
        if question is None:
            return False
        self._asking.add(name)
        tasks.spawn(self._when_sure(self._ask(question), name, go_on), name=f"question about {name[0]}")
        return True

    async def _when_sure(self, answer: Awaitable[bool], name: Name, go_on: Callable[[], object]) -> None:
        try:
            is_sure = await answer
        finally:
            self._asking.discard(name)
        if is_sure:
            self._agreed.add(name)
            go_on()
            self._agreed.discard(name)
        else:
            self._again(name)

    def touch(self, key: str, scope: str | None) -> None:
        """The person is typing: what was wrong before is not said any more."""
        self._forget_problem((key, scope))

    def _forget_problem(self, name: Name) -> None:
        if self._problems.pop(name, None) is not None:
            self._again(name)


def value_text(setting: Setting, value: Value) -> str:
    """A value in words and with its unit: ``3 %``, ``On``, ``Compact``."""
    if isinstance(value, bool):
        return "On" if value else "Off"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Decimal | int):
        number = fmt.quantity(Decimal(value))
        return f"{number} {setting.unit}" if setting.unit else number
    return dict(setting.choices).get(value, value)


def entry_text(value: Value) -> str:
    """A value as it stands in a field to be typed over."""
    if isinstance(value, tuple):
        return "\n".join(value)
    return plain(Decimal(value)) if isinstance(value, Decimal | int) else value


def _as_entered(row: SettingRow) -> object:
    if row.setting.kind in (Kind.BOOL, Kind.CHOICE, Kind.LIST):
        return row.value
    return entry_text(row.value)


def _words_of(setting: Setting, section: str) -> str:
    choices = " ".join(word for _, word in setting.choices)
    return f"{section} {setting.text} {setting.key} {setting.unit} {choices}".casefold()


_CHECKS: Final[Mapping[str, Callable[[str], str]]] = {"trade.size_presets": check_presets}
"""What the table cannot know about a text; each gives one sentence, or none."""
