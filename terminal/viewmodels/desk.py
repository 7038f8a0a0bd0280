"""What the window's frame shows and does: whose money, how armed, how the day goes, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.observe import Observable
from terminal.domain.errors import TerminalError
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderState
from terminal.services.arming import ArmState as ArmState
from terminal.services.mass_cancel import CancelOutcome
from terminal.services.reconcile import ReconcileReport
from terminal.viewmodels import format as fmt
from terminal.viewmodels.account import AccountViewModel
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.viewmodels.connection import ConnectionViewModel, Mode
from terminal.viewmodels.contract_words import side_word
from terminal.viewmodels.day_limit import DayLimit
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import Entry, NoticesViewModel
from terminal.viewmodels.orders import OrdersViewModel
from terminal.viewmodels.position_rows import PositionRow, can_end_now
from terminal.viewmodels.positions import PositionsViewModel

_ARM_LOOK_EVERY_S = 5.0


class ArmSwitch(Protocol):
    """The arm switch (:class:`terminal.services.arming.Arming`)."""

    changed: Observable[[ArmState]]
    idle_s: float

    @property
    def state(self) -> ArmState: ...

    @property
    def seconds_left(self) -> float | None: ...

    def set(self, state: ArmState) -> None: ...


class FlattenDesk(Protocol):
    """What flattening needs of the order gate."""

    reconciled: Observable[[ReconcileReport]]

    def open_orders(self, account: str | None = None) -> list[Order]: ...

    def closed_reason(self, account: str) -> str:
        """Why an account takes no orders now; empty when it does."""
        ...

    async def cancel_all(
        self, account: str, symbol: str | None = None, side: Side | None = None
    ) -> CancelOutcome: ...


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A fault that a practice venue can be asked for, e.g. "cut the connection"."""

    venue: str
    text: str
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A line of the key overlay."""

    section: str
    keys: str
    action: str


@dataclass(frozen=True, slots=True)
class FlattenPlan:
    """What flattening would send, and what it leaves alone and why. One text a line."""

    sends: tuple[str, ...]
    skips: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FlattenResult:
    """What became of it, one text a line."""

    done: tuple[str, ...]
    failed: tuple[str, ...]
    unknown: tuple[str, ...]


class DeskViewModel(QObject):
    """The top bar and the commands that belong to no panel.

    Signals:
        changed: badge, arm state, day's figure or the flatten button changed.
        flattened: a :class:`FlattenResult`, when flattening has ended.

    Attributes:
        rehearsals: faults of the practice venues for the menu; empty where there is none.
        can_reset_practice: whether a practice account can be set back.
        limit: how the day stands to its loss limit; None where nothing counts it.
    """

    changed = Signal()
    flattened = Signal(object)

    def __init__(
        self,
        arming: ArmSwitch,
        gate: FlattenDesk,
        connections: ConnectionViewModel,
        account: AccountViewModel,
        orders: OrdersViewModel,
        positions: PositionsViewModel,
        notices: NoticesViewModel,
        frames: FrameClock,
        *,
        ask: Asker,
        rehearsals: Sequence[Rehearsal] = (),
        reset_practice: Callable[[], object] | None = None,
        before_flatten: Callable[[], object] | None = None,
        limit: DayLimit | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.connections = connections
        self.account = account
        self.orders = orders
        self.positions = positions
        self.notices = notices
        self.rehearsals = tuple(rehearsals)
        self.limit = limit
        self.is_flattening = False
        self._arming = arming
        self._gate = gate
        self._ask = ask
        self._reset_practice = reset_practice
        self._before_flatten = before_flatten
        self._shown: tuple[object, ...] = ()
        self._away: list[Entry] = []
        notices.was_read.connect(self._on_notices_read)
        arming.changed.watch(self._on_armed)
        gate.reconciled.watch(self._on_reconciled)
        if limit is not None:
            limit.changed.watch(self._refresh)
        for source in (connections.changed, account.changed, orders.changed, positions.changed):
            source.connect(self._refresh)
        # One-click ends when somebody looks after it has been idle for too long: look.
        self._stop_looking = frames.every(_ARM_LOOK_EVERY_S, self._refresh)

    # -- what there is to see -------------------------------------------------------------------------

    @property
    def badge(self) -> str:
        """PRACTICE, PRICES ONLY, LIVE with the account's name, or what there is: PRACTICE + LIVE."""
        return self.connections.badge

    @property
    def mode(self) -> Mode | None:
        return self.connections.mode

    @property
    def is_make_believe(self) -> bool:
        """No money can move: the badge, and the panels of all venues, wear the striped edge."""
        return self.connections.mode is Mode.PRACTICE

    def panel_mode(self, venue: str | None) -> tuple[str, bool]:
        """The word in the title of a panel that can send orders, and whether it wears the striped edge: by
        the venue of what it shows. None: it is about all venues. Empty: it shows nothing."""
        if venue is None:
            return self.badge, self.is_make_believe
        card = self.connections.card(venue)
        return (card.badge, card.mode is Mode.PRACTICE) if card is not None else ("", False)

    @property
    def arm(self) -> ArmState:
        return self._arming.state

    @property
    def arm_tip(self) -> str:
        """What the arm state means now."""
        left = self._arming.seconds_left
        if left is not None:
            return f"One click sends. Back to Confirm in {left / 60:.0f} min without a trade."
        if self.arm is ArmState.VIEW:
            return "Nothing can be sent. Canceling still works."
        return "The exact order is shown before it is sent."

    @property
    def one_click_block(self) -> str:
        """Why one-click cannot be armed now, in one sentence; empty when it can."""
        return _AWAY_FIRST if self._away else ""

    @property
    def one_click_tip(self) -> str:
        """What one-click means, or why it cannot be armed."""
        idle = f"{self._arming.idle_s / 60:.0f} minutes"
        return self.one_click_block or f"One click sends. Ends after {idle} without a trade"

    @property
    def day_tip(self) -> str:
        """What the day's figure contains, and since when it counts."""
        counted = self.connections.counted_text
        left_out = f"\n{counted}: what is not shown is not counted." if counted else ""
        since = self.account.day_since or "since the start of the day"
        staked = any(row.staked for row in self.account.balances.rows)
        is_held_out = self.limit is not None and self.limit.leaves_held_out
        held = "price changes of coins bought today" if is_held_out else "price changes of what you hold"
        running = "\nStakes of running contracts count as lost until they end." if staked else ""
        return (
            f"What your accounts have won or lost {since}, in USD at mid prices.\n"
            f"It contains closed and open profit, {held}, fees and swap; deposits and withdrawals are no "
            f"result.{running}{left_out}{self._practice_day}{self._limit_lines}"
        )

    @property
    def day_title(self) -> str:
        """The words beside the day's figure: that it is of real money alone, where there is practice too."""
        return "Day" if self.account.practice_day_pnl is None else "Day, real money"

    @property
    def _practice_day(self) -> str:
        if self.account.practice_day_pnl is None:
            return ""
        return f"\nReal money alone. Practice, counted apart: {self.account.practice_day_pnl_text}"

    @property
    def _limit_lines(self) -> str:
        lines = () if self.limit is None else self.limit.lines
        return "\n\n" + "\n".join(lines) if lines else ""

    @property
    def day_pnl_text(self) -> str:
        """The day's figure; beside its limit where one is in force: ``−142.10 of −200 USD``."""
        if self.limit is not None and self.limit.is_on:
            return self.limit.text
        return self.account.day_pnl_text

    @property
    def day_pnl_tone(self) -> str:
        """Its colour: that of the limit once it is near, else by its sign."""
        if self.limit is not None and self.limit.is_on:
            return self.limit.tone
        return self.account.day_pnl_tone

    @property
    def day_word(self) -> str:
        """What the limit says in a word, once it is near or reached."""
        return "" if self.limit is None else self.limit.word

    @property
    def day_icon(self) -> str:
        """The sign beside the word."""
        return "" if self.limit is None else self.limit.icon

    @property
    def can_flatten(self) -> bool:
        """Whether there is anything to flatten."""
        if self.is_flattening:
            return False
        return bool(self._reachable_orders()) or any(map(can_end_now, self.positions.model.rows))

    @property
    def can_reset_practice(self) -> bool:
        return self._reset_practice is not None and self.connections.has_practice

    def _refresh(self) -> None:
        shown = (
            self.badge,
            self.mode,
            tuple((card.venue, card.badge, card.mode) for card in self.connections.cards),
            self.arm,
            self.one_click_tip,
            self.day_pnl_text,
            self.day_pnl_tone,
            self.day_word,
            self.account.practice_day_pnl_text,
            self.can_flatten,
        )
        if shown != self._shown:
            self._shown = shown
            self.changed.emit()

    # -- arming ---------------------------------------------------------------------------------------

    def set_arm(self, state: ArmState) -> None:
        """Switch between View, Confirm and One-click; the last is refused while news of an absence wait."""
        if state is ArmState.ONE_CLICK and self.one_click_block:
            self.notices.info(self.one_click_block)
            return
        self._arming.set(state)
        self._refresh()

    def view_only(self) -> None:
        """No order can leave from now on."""
        self.set_arm(ArmState.VIEW)

    def _on_armed(self, state: ArmState) -> None:
        self._refresh()

    def _on_reconciled(self, report: ReconcileReport) -> None:
        if not report.text:
            return
        entry = self.notices.warn(f"{self.connections.name_of(report.account)}: {report.text}.")
        if not entry.is_read and entry not in self._away:
            self._away.append(entry)
        if self._away and self.arm is ArmState.ONE_CLICK:
            # What is open may not be what the next click counts on.
            self._arming.set(ArmState.CONFIRM)
        self._refresh()

    def _on_notices_read(self) -> None:
        kept = {entry.number for entry in self.notices.entries if not entry.is_read}
        self._away = [entry for entry in self._away if entry.number in kept]
        self._refresh()

    # -- flatten --------------------------------------------------------------------------------------

    def plan(self) -> FlattenPlan:
        """What flattening would do now."""
        sends = []
        skips = []
        for order in self._gate.open_orders():
            if self.orders.is_hidden(order.account):
                name = self.connections.short_name(order.account)
                skips.append((f"{self._order_text(order)} ({name})", _NOT_SHOWN))
                continue
            price = order.limit_price if order.limit_price is not None else order.trigger_price
            at = f" at {fmt.quantity(price)}" if price is not None else ""
            sends.append(
                f"Cancel {side_word(order.request).lower()} {self.orders.size_of(order, order.remaining)} "
                f"{order.instrument.symbol}{at} "
                f"({self.connections.short_name(order.account)})"
            )
        skips += [
            (f"{self._amount(row.total)} {row.asset} ({row.account_name})", _KEEPS_HOLDINGS)
            for row in self.account.balances.rows
            if row.asset not in _MONEY and row.total > 0
        ]
        for row in self.positions.model.rows:
            reason = self._gate.closed_reason(row.account)
            if row.is_contract:
                self._plan_contract(row, reason, sends, skips)
                continue
            side = "long" if row.is_long else "short"
            what = f"the {side} of {self._hidden(row.size_text)} in {row.position.instrument.symbol}"
            if reason:
                skips.append((f"{what} ({row.account_title})", reason))
            else:
                sends.append(f"Close {what} at the market ({row.account_title})")
        return FlattenPlan(tuple(sends), tuple(skips))

    def _plan_contract(
        self, row: PositionRow, reason: str, sends: list[str], skips: list[tuple[str, str]]
    ) -> None:
        stake = f"{row.side_text} {self._hidden(row.size_text)} on {row.position.instrument.symbol}"
        what = f"{stake} ({row.account_title})"
        if not can_end_now(row):
            skips.append((what, _RUNS_TO_ITS_END))
        elif reason:
            skips.append((what, reason))
        else:
            sends.append(f"Give back {what}")

    def _reachable_orders(self) -> list[Order]:
        return [each for each in self._gate.open_orders() if not self.orders.is_hidden(each.account)]

    def _order_text(self, order: Order) -> str:
        size = self.orders.size_of(order, order.quantity)
        return f"{side_word(order.request).lower()} {size} {order.instrument.symbol}"

    def _hidden(self, text: str) -> str:
        return fmt.HIDDEN if self.account.hide_amounts else text

    def _amount(self, value: Decimal) -> str:
        return fmt.HIDDEN if self.account.hide_amounts else fmt.quantity(value)

    def flatten(self) -> None:
        """Cancel every open order and close every position of every account. Canceling works in every arm
        state and without a book; closing needs a price and is refused on View."""
        if not self.is_flattening:
            self.is_flattening = True
            if self._before_flatten is not None:
                self._before_flatten()  # bots are cut off first, or they would go on meanwhile
            tasks.spawn(self._flatten(), name="flatten")

    async def _flatten(self) -> None:
        done: list[str] = []
        failed: list[str] = []
        unknown: list[str] = []
        try:
            for account in sorted({order.account for order in self._reachable_orders()}):
                try:
                    outcome = await self._gate.cancel_all(account)
                except TerminalError as error:
                    failed.append(f"{self.connections.name_of(account)}: {error.user_text}")
                    continue
                done += [f"{self._order_text(order)} canceled" for order in outcome.done]
                if outcome.others:
                    name = self.connections.name_of(account)
                    done.append(f"{name}: {outcome.others} more that were placed elsewhere")
                failed += [f"{self._order_text(order)}: {reason}" for order, reason in outcome.failed]
                unknown += [
                    f"{self._order_text(order)}: asked for, being checked" for order in outcome.unknown
                ]
            for row in filter(can_end_now, list(self.positions.model.rows)):
                what = f"{row.size_text} in {row.position.instrument.symbol}"
                try:
                    order = await self.positions.close_now(row)
                except TerminalError as error:
                    failed.append(f"{what}: not closed. {error.user_text}")
                    continue
                if order.state is OrderState.REJECTED:
                    failed.append(f"{what}: not closed. {order.reason}")
                elif order.state is OrderState.IN_DOUBT:
                    unknown.append(f"{what}: asked for, being checked")
                else:
                    done.append(f"{what}: closing")
        finally:
            self.is_flattening = False
            self.flattened.emit(FlattenResult(tuple(done), tuple(failed), tuple(unknown)))
            self._refresh()

    # -- practice -------------------------------------------------------------------------------------

    def reset_practice(self) -> None:
        """Set the practice account back to its first balance, after a question."""
        if self.can_reset_practice:
            tasks.spawn(self._reset(), name="reset practice account")

    async def _reset(self) -> None:
        yes = await self._ask(
            Confirmation(
                title="Reset the practice account?",
                note="Open practice orders are canceled and the balances start over. "
                "No real account is touched.",
                confirm_text="Reset",
                tone="danger",
                badge="PRACTICE",
            )
        )
        if yes and self._reset_practice is not None:
            self._reset_practice()


_AWAY_FIRST = (
    "One-click stays off until you have read what happened while you were away: close that notice, or open "
    "the bell."
)
_NOT_SHOWN = "this account is not shown: tick it in the Accounts tab first"
_RUNS_TO_ITS_END = "a contract that is not taken back before its end: it ends by itself"
_KEEPS_HOLDINGS = "spot holdings are yours to keep: sell them from the ticket"
# Currencies are money, not holdings that anybody would flatten.
_MONEY = frozenset({"USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "USDT", "USDC", "DAI"})
