"""Tells how a contract has ended: as a notice, and in the ticket that took it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from terminal.core.clock import Clock
from terminal.services.contract_stats import ContractRecord, ContractStats
from terminal.viewmodels import format as fmt
from terminal.viewmodels.contract_words import direction_word, profit_text
from terminal.viewmodels.notices import NoticesViewModel

NEWS_S: Final = 60
"""What ended longer ago was heard of after a gap: what was missed is summed up by the comparison with the
venue, and a week of results is no news."""


def result_text(record: ContractRecord, place: str) -> str:
    """``EUR/USD, up 5.00 USD: won +4.25 USD (Quotex demo).``"""
    what = f"{direction_word(record.side).lower()} {fmt.money(record.stake, record.currency)}"
    ended = f"{record.ending} {profit_text(record.profit, record.currency)}"
    return f"{record.instrument.symbol}, {what}: {ended} ({place})."


class ContractResults:
    """Follows the statistics of contracts.

    Args:
        name_of: an account as a person tells it from others.
        tell_ticket: hands a result, in words, to the ticket that sent the order of that id.
        hides_amounts: whether amounts are hidden on the screen.
    """

    def __init__(
        self,
        stats: ContractStats,
        notices: NoticesViewModel,
        clock: Clock,
        *,
        name_of: Callable[[str], str],
        tell_ticket: Callable[[str, str], None],
        hides_amounts: Callable[[], bool],
    ) -> None:
        self._notices = notices
        self._clock = clock
        self._name_of = name_of
        self._tell_ticket = tell_ticket
        self._hides_amounts = hides_amounts
        self._unwatch = stats.ended.watch(self._on_end)

    def close(self) -> None:
        """Say nothing more."""
        self._unwatch()

    def _on_end(self, record: ContractRecord) -> None:
        place = self._name_of(record.account)
        text = result_text(record, place)
        self._tell_ticket(record.client_order_id, text)
        if self._clock.wall_ns() - record.ended_ns > NEWS_S * 1_000_000_000:
            return
        shown = text
        if self._hides_amounts():
            shown = f"{record.instrument.symbol}: a contract has ended, {record.ending} ({place})."
        self._notices.info(shown)
