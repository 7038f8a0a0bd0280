"""The status bar: can I trust what I see, and how much room is left."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from terminal.viewmodels import format as fmt
from terminal.viewmodels.account import AccountViewModel
from terminal.viewmodels.connection import ConnectionViewModel
from terminal.viewmodels.venue_card import Budget, Shape

# Kraken takes a nonce that is at most so far off; long before that the person should know.
_OFFSET_WARN_MS = 1000.0
_BUDGET_WARN = 0.75


@dataclass(frozen=True, slots=True)
class VenueStatus:
    """One venue's part of the status bar."""

    venue: str
    title: str
    shape: Shape
    tone: str
    text: str
    tip: str


class StatusViewModel(QObject):
    """Feed age, round trip, clock, rate budget and balance.

    Signals:
        changed: at most once a frame.

    Attributes:
        venues: one part for each connected venue.
        offset: the largest clock offset, e.g. ``clock +3 ms``; ``offset_tone`` warns when it matters.
        budget: the fullest rate limit, or None where a venue counts nothing.
        balance: badge and worth, e.g. ``PRACTICE 10 000.00 USD``, and how many accounts are open
            where some are not shown; practice stands apart from real money: ``LIVE 2 000.00 USD · practice
            10 000.00 USD``. balance_tip: which those are.
    """

    changed = Signal()

    def __init__(
        self, connections: ConnectionViewModel, account: AccountViewModel, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.venues: tuple[VenueStatus, ...] = ()
        self.offset = ""
        self.offset_tone = ""
        self.budget: Budget | None = None
        self.budget_tone = ""
        self.balance = self.balance_tip = ""
        self._connections = connections
        self._account = account
        connections.changed.connect(self._build)
        account.changed.connect(self._build)
        self._build()

    def _build(self) -> None:
        cards = [card for card in self._connections.cards if card.mode is not None]
        self.venues = tuple(
            VenueStatus(
                card.venue,
                card.title,
                card.shape,
                card.tone,
                fmt.milliseconds(card.round_trip_ms) if card.shape is Shape.LIVE else card.word,
                "\n".join(
                    (
                        f"{card.title}: {card.word}" + (f" ({card.reason})" if card.reason else ""),
                        f"Last data: {fmt.age(card.age_s)} ago" if card.age_s is not None else "No data yet",
                        *([card.closed_line] if card.closed else []),
                        *(f"{figure.label}: {figure.text}" for figure in card.figures),
                    )
                ),
            )
            for card in cards
        )
        offsets = [card.clock_offset_ms for card in cards if card.clock_offset_ms is not None]
        worst = max(offsets, key=abs) if offsets else None
        self.offset = f"clock {fmt.milliseconds(worst, signed=True)}" if worst is not None else ""
        self.offset_tone = "warning" if worst is not None and abs(worst) > _OFFSET_WARN_MS else ""
        budgets = [budget for card in cards for budget in card.budgets]
        self.budget = max(budgets, key=lambda budget: budget.share) if budgets else None
        full = self.budget is not None and self.budget.share > _BUDGET_WARN
        self.budget_tone = "warning" if full else ""
        worth = self._account.equity_text
        if self._connections.counted_text:
            worth += f" · {self._connections.counted_text}"
        badge = self._connections.real_badge or self._connections.badge
        self.balance = f"{badge} {worth}" if self._account.equity is not None else badge
        if self._account.practice_equity is not None:
            self.balance += f" · practice {self._account.practice_equity_text}"
        self.balance_tip = self._connections.counted_tip
        self.changed.emit()
