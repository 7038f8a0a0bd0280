"""Deals of the past, page by page, from the site (``/api/v1/cabinets/trades/history``).

The site counts pages from the newest deal on; here they are asked for by time, as of every venue. A deal that
ends meanwhile moves the others to later pages, never to earlier ones, so a page once reached is a good place
to go on from.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from terminal.venues.base import FillPage, OrderPage
from terminal.venues.quotex.deals import Deal, Deals

_MOST_PAGES: Final = 500
_MOST_NOTED: Final = 1000

ReadPage = Callable[[int], Awaitable[Sequence[Mapping[str, Any]]]]


class Records:
    """Ended deals of one account, newest first. ``read_page`` asks the site; an empty page is the end. The
    site has one history for the demo account and all tournaments: ``is_ours`` tells whose a row is."""

    def __init__(
        self,
        deals: Deals,
        read_page: ReadPage,
        is_ours: Callable[[Mapping[str, Any]], bool] = lambda row: True,
    ) -> None:
        self._deals = deals
        self._read_page = read_page
        self._is_ours = is_ours
        self._pages: dict[int, int] = {}
        """Time (ns) -> the page where what is older was found."""

    async def orders(self, until_ns: int | None) -> OrderPage:
        """Raises VenueUnavailable."""
        deals, earlier_ns = await self._before(until_ns)
        reports = [
            report for deal in deals for report in (self._deals.end_report(deal), self._deals.report(deal))
        ]
        return OrderPage(tuple(sorted(reports, key=lambda each: -each.ts_event_ns)), earlier_ns)

    async def fills(self, until_ns: int | None) -> FillPage:
        """Raises VenueUnavailable."""
        deals, earlier_ns = await self._before(until_ns)
        found = [
            fill
            for deal in deals
            for fill in (self._deals.end_fill(deal), self._deals.fill(deal))
            if fill is not None
        ]
        return FillPage(tuple(sorted(found, key=lambda each: -each.ts_event_ns)), earlier_ns)

    async def _before(self, until_ns: int | None) -> tuple[list[Deal], int | None]:
        """The next page of deals that ended before a time, and where to go on; deals of one second stay
        together."""
        page = 1 if until_ns is None else self._pages.get(until_ns, 1)
        found: dict[str, Deal] = {}
        last_ns = 0
        while page <= _MOST_PAGES:
            rows = await self._read_page(page)
            if not rows:
                return list(found.values()), None
            past = self._deals.past(row for row in rows if self._is_ours(row))
            older = [each for each in past if until_ns is None or each[0] < until_ns]
            if found:
                same = [deal for ended_ns, deal in older if ended_ns == last_ns]
                found.update((deal.deal_id, deal) for deal in same)
                if len(same) < len(older):
                    break
            elif older:
                found = {deal.deal_id: deal for _, deal in older}
                last_ns = min(ended_ns for ended_ns, _ in older)
            page += 1
        self._pages[last_ns] = page
        while len(self._pages) > _MOST_NOTED:
            del self._pages[next(iter(self._pages))]
        return list(found.values()), last_ns if found else None
