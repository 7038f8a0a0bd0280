"""The account of a plugin: balances and orders, asked for again and again, and questions after one order.

``accounts`` about every five seconds; ``orders`` about every two for a symbol where something is open, sent
or lost, seldom for the others; an order that leaves ``orders`` is asked for once by ``order`` (custom
protocol guide, "client checklist").
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final

from terminal.core.clock import Clock
from terminal.domain.account import AccountSnapshot, Balance
from terminal.domain.errors import AuthRejected, RequestRejected, VenueError, VenueUnavailable
from terminal.domain.events import BalancesReported, VenueEvent
from terminal.domain.instrument import Instrument
from terminal.domain.orders import OrderRef, OrderReport, OrderState
from terminal.venues.custom import parse, wire
from terminal.venues.custom.client import PluginClient, Rank
from terminal.venues.custom.errors import VENUE_NAME, NotOffered, UnknownOrder, unreadable
from terminal.venues.custom.links import Links
from terminal.venues.custom.options import Options
from terminal.venues.custom.poller import Poller
from terminal.venues.custom.symbols import SymbolTable, is_about
from terminal.venues.custom.tracking import Known, Tracker
from terminal.venues.custom.wire import OrderRow

log = logging.getLogger("venue.custom")

ACCOUNTS: Final = "accounts"
# One failure of a list may be chance; the second in a row is a gap in what we know.
_MOST_FAILURES: Final = 2
_EXPLAIN_AGAIN: Final = 5
# The venue's clock and ours may differ by this much.
_HISTORY_MARGIN_NS: Final = 60 * 10**9


class Account:
    """Reads the account, and keeps reading it.

    Args:
        watched: the symbols whose prices are watched: their open orders are looked for too.
    """

    def __init__(
        self,
        client: PluginClient,
        poller: Poller,
        tracker: Tracker,
        symbols: SymbolTable,
        links: Links,
        options: Options,
        clock: Clock,
        *,
        tell: Callable[[VenueEvent], None],
        on_fault: Callable[[str], None],
        watched: Callable[[], Iterable[str]],
    ) -> None:
        self._client = client
        self._poller = poller
        self._tracker = tracker
        self._symbols = symbols
        self._links = links
        self._options = options
        self._clock = clock
        self._tell = tell
        self._on_fault = on_fault
        self._watched = watched
        self._failures: dict[object, int] = {}
        self._listed_ns: dict[tuple[str, str], int] = {}
        self._balances_method = "accounts"

    # -- polling --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, once the instruments are known."""
        self._failures.clear()
        self._poller.add(ACCOUNTS, lambda: self._options.accounts_s, self._poll_balances)
        self.follow_symbols()

    def follow_symbols(self) -> None:
        """Look at the orders of every symbol that matters now."""
        if not self._poller.has(ACCOUNTS):
            return
        for symbol in self.scope():
            instrument = self._symbols.find(symbol)
            if instrument is not None:
                self._poller.add(("orders", symbol), self._interval_of(symbol), self._order_poll(instrument))

    def scope(self) -> list[str]:
        """The symbols whose orders are looked for: configured, watched, or with something going on."""
        wanted = dict.fromkeys((*self._symbols.configured, *sorted(self._watched())))
        listed = [symbol for symbol in wanted if self._symbols.get(symbol) is not None]
        return list(dict.fromkeys((*listed, *sorted(self._tracker.busy_symbols()))))

    def hurry(self, symbol: str) -> None:
        """Something was sent: look at once."""
        self.follow_symbols()
        self._poller.hurry(("orders", symbol))

    def _interval_of(self, symbol: str) -> Callable[[], float]:
        def every_s() -> float:
            busy = self._tracker.is_busy(symbol)
            return self._options.orders_s if busy else self._options.orders_idle_s

        return every_s

    def _order_poll(self, instrument: Instrument) -> Callable[[], Awaitable[None]]:
        key = ("orders", instrument.symbol)

        async def poll() -> None:
            if instrument.symbol not in self.scope():
                self._failures.pop(key, None)
                self._poller.remove(key)
                return
            async with _Outcome(self, key):
                before = len(self._tracker.fills_since(0))
                await self.list_open(instrument)
                if len(self._tracker.fills_since(0)) != before:
                    self._poller.hurry(ACCOUNTS)

        return poll

    async def _poll_balances(self) -> None:
        async with _Outcome(self, ACCOUNTS):
            balances = await self.read_balances()
            self._tell(BalancesReported(balances, True))

    def succeeded(self, key: object) -> None:
        """A part of the account was read."""
        self._failures.pop(key, None)
        is_whole = all(count < _MOST_FAILURES for count in self._failures.values())
        if key == ACCOUNTS and is_whole:
            self._links.account_told()

    def failed(self, key: object, error: VenueError) -> None:
        """A part of the account could not be read."""
        if isinstance(error, AuthRejected | NotOffered):
            self._links.account_refused(error.user_text)
            self._poller.remove(ACCOUNTS)
            for symbol in self.scope():
                self._poller.remove(("orders", symbol))
            return
        self._failures[key] = self._failures.get(key, 0) + 1
        if self._failures[key] >= _MOST_FAILURES:
            self._links.account_lost(error.user_text)

    # -- lists ----------------------------------------------------------------------------------------

    async def read_balances(self, rank: Rank = Rank.POLL) -> tuple[Balance, ...]:
        """All currencies. Raises as :meth:`PluginClient.read`."""
        try:
            data = await self._client.read(self._balances_method, {}, rank=rank)
        except NotOffered:
            if self._balances_method != "accounts":
                raise
            data = await self._client.read("assets", {}, rank=rank)
            self._balances_method = "assets"
        found = self._parsed("accounts", lambda: parse.balances(data))
        return tuple(Balance(asset, free + held, held) for asset, (free, held) in found.items())

    async def list_open(self, instrument: Instrument, rank: Rank = Rank.POLL) -> None:
        """Read the open orders of a symbol, and ask after those that have left the list."""
        began_ns = self._clock.monotonic_ns()
        data = await self._client.read("orders", {"symbol": instrument.venue_symbol}, rank=rank)
        rows, ids = self._rows("orders", data, instrument)
        self._tracker.take_open(instrument, rows, began_ns)
        self._listed_ns["orders", instrument.symbol] = began_ns
        for known in self._tracker.open_orders(instrument.symbol):
            if known.order_id not in ids and known.since_ns < began_ns and self._is_due(known):
                await self._explain(known, rank)

    def _is_due(self, known: Known) -> bool:
        """An order that could not be explained is asked for again, but not at every look."""
        if known.report is None or known.report.state is not OrderState.IN_DOUBT:
            return True
        pause_ns = int(_EXPLAIN_AGAIN * self._options.orders_s * 1e9)
        return self._clock.monotonic_ns() - known.asked_ns >= pause_ns

    async def list_ended(self, instrument: Instrument, since_ns: int, rank: Rank = Rank.POLL) -> None:
        """Read the ended orders of a symbol since a wall time, as far as the plugin minds it."""
        began_ns = self._clock.monotonic_ns()
        params = {
            "limit": 0,
            "since": max(0, since_ns // 1_000_000),
            "symbol": instrument.venue_symbol,
        }
        data = await self._client.read("historyorders", params, rank=rank)
        rows, _ = self._rows("historyorders", data, instrument)
        self._tracker.take_ended(instrument, rows, began_ns)
        self._listed_ns["historyorders", instrument.symbol] = began_ns

    async def _try_ended(self, instrument: Instrument, since_ns: int, rank: Rank) -> None:
        """The same, where the plugin has such a list at all."""
        if not self._tracker.has_history:
            return
        try:
            await self.list_ended(instrument, since_ns, rank)
        except NotOffered as error:
            log.warning("ended orders cannot be listed: %s", error)
            self._tracker.has_history = False

    async def try_lists(self, instrument: Instrument) -> tuple[bool, bool]:
        """Whether the plugin lists a symbol's open orders, and its ended ones."""
        can_list = True
        try:
            await self.list_open(instrument, Rank.QUESTION)
        except NotOffered:
            can_list = False
        await self._try_ended(instrument, self._clock.wall_ns() - _HISTORY_MARGIN_NS, Rank.QUESTION)
        return can_list, self._tracker.has_history

    def _rows(self, method: str, data: Any, instrument: Instrument) -> tuple[list[OrderRow], set[str]]:
        """The readable rows of a list that are about this symbol, and the ids of all rows."""
        found: list[OrderRow] = []
        ids: set[str] = set()
        for each in self._parsed(method, lambda: wire.rows(data)):
            row_id = str(self._parsed(method, partial(wire.order_id_of, each)))
            ids.add(row_id)
            try:
                row = wire.order_row(each)
            except (ValueError, ArithmeticError) as problem:
                # It is there, and that is all that is certain of it.
                self._on_fault(f"{method}, order {row_id}: {self._client.clean(str(problem))[:150]}")
                continue
            if is_about(row.symbol, instrument):
                found.append(row)
        return found, ids

    def _parsed(self, method: str, parse_it: Callable[[], Any]) -> Any:
        try:
            return parse_it()
        except (ValueError, ArithmeticError) as problem:
            text = self._client.clean(str(problem))[:200]
            self._on_fault(f"{method}: {text}")
            raise unreadable(method, text, reading=True) from None

    # -- one order ------------------------------------------------------------------------------------

    async def _explain(self, known: Known, rank: Rank) -> None:
        """An order has left the list of open ones: what became of it?"""
        known.asked_ns = self._clock.monotonic_ns()
        report = await self.look_up(known.order_id, known.instrument, rank)
        if report is None and known.ended_ns is None:
            self._tracker.vanish(known)

    async def look_up(
        self, order_id: str, instrument: Instrument, rank: Rank = Rank.QUESTION
    ) -> OrderReport | None:
        """What a plugin knows of an order by its id; None where it plainly knows nothing of it.

        Raises:
            VenueUnavailable: the question failed, which is not an answer.
        """
        refusal: VenueError | None = None
        try:
            data = await self._client.read(
                "order", {"id": order_id, "symbol": instrument.venue_symbol}, rank=rank
            )
            if data is not None:
                row: OrderRow = self._parsed("order", lambda: wire.order_row(data))
                if row.order_id != order_id:
                    raise unreadable("order", f"asked for {order_id}, told of another", reading=True)
                return self._tracker.apply(self._tracker.enter(row, instrument), row)
        except AuthRejected:
            raise
        except RequestRejected as error:
            refusal = error
        # No such order, or no such question: the list of ended ones has it where it ever was.
        await self._try_ended(instrument, self._clock.wall_ns() - 14 * 86_400 * 10**9, rank)
        known = self._tracker.known(order_id)
        if known is not None and known.ended_ns is not None:
            return known.report
        if refusal is None or isinstance(refusal, UnknownOrder):
            return None
        raise VenueUnavailable(
            VENUE_NAME, str(refusal), code=refusal.code, user_text=refusal.user_text
        ) from refusal

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What the plugin knows of an order, by its own id, or by what was sent where it named none.

        Raises:
            VenueUnavailable: it could not be asked, or several orders look like the one that was sent.
        """
        instrument = self._symbols.find(ref.symbol)
        if instrument is None:
            raise VenueUnavailable(VENUE_NAME, f"{ref.symbol} is not listed", code="symbol")
        order_id = ref.venue_order_id or self._tracker.id_of(ref.client_order_id)
        try:
            if order_id is not None:
                return await self.look_up(order_id, instrument)
            return await self._search(ref, instrument)
        except RequestRejected as error:
            raise VenueUnavailable(
                VENUE_NAME, str(error), code=error.code, user_text=error.user_text
            ) from error

    async def _search(self, ref: OrderRef, instrument: Instrument) -> OrderReport | None:
        """An order that the plugin never named: one that is new and the same in all terms, or none."""
        since_ns = (ref.created_ns or self._clock.wall_ns()) - _HISTORY_MARGIN_NS
        await self.list_open(instrument, Rank.QUESTION)
        await self._try_ended(instrument, since_ns, Rank.QUESTION)
        order_id = self._tracker.id_of(ref.client_order_id)
        if order_id is not None:
            known = self._tracker.known(order_id)
            return known.report if known is not None else None
        if self._looks_alike(ref, instrument):
            text = (
                "Orders at the venue look like this one, and which of them it is cannot be told: the plugin "
                "keeps no id of ours. Compare them in the list of orders."
            )
            raise VenueUnavailable(VENUE_NAME, "several orders fit", code="ambiguous", user_text=text)
        if not self._tracker.has_history:
            text = "The plugin does not list ended orders, so one that ended at once cannot be looked for."
            raise VenueUnavailable(VENUE_NAME, "no list of ended orders", code="not-offered", user_text=text)
        return None

    def _looks_alike(self, ref: OrderRef, instrument: Instrument) -> bool:
        lost = self._tracker.lost(ref.client_order_id or "")
        before = lost.before if lost is not None else frozenset[str]()
        for order_id in self._tracker.ids_of(instrument.symbol) - before:
            known = self._tracker.known(order_id)
            if known is None or known.report is None or not self._tracker.is_stranger(order_id):
                continue
            report = known.report
            same = report.side is ref.side and report.quantity == ref.quantity
            if same and (lost is None or report.limit_price == lost.request.limit_price):
                return True
        return False

    # -- all of it ------------------------------------------------------------------------------------

    async def refresh_lists(self, instrument: Instrument, not_older_s: float) -> None:
        """Both lists of a symbol, unless they were read just now: what is in them is older than what is sent
        next. Raises as :meth:`PluginClient.read`."""
        oldest_ns = self._clock.monotonic_ns() - int(not_older_s * 1e9)
        if self._listed_ns.get(("orders", instrument.symbol), -1) < oldest_ns:
            await self.list_open(instrument, Rank.ORDER)
        if self._listed_ns.get(("historyorders", instrument.symbol), -1) < oldest_ns:
            await self._try_ended(instrument, self._clock.wall_ns() - _HISTORY_MARGIN_NS, Rank.ORDER)

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        """Balances, open orders of all symbols in scope, and what ended or filled since a wall time.

        Raises:
            VenueUnavailable: a part of it could not be read.
        """
        try:
            balances = await self.read_balances(Rank.QUESTION)
            for symbol in self.scope():
                instrument = self._symbols.find(symbol)
                if instrument is not None:
                    await self.list_open(instrument, Rank.QUESTION)
                    await self._try_ended(instrument, since_ns, Rank.QUESTION)
        except RequestRejected as error:
            raise VenueUnavailable(
                VENUE_NAME, str(error), code=error.code, user_text=error.user_text
            ) from error
        return AccountSnapshot(
            balances=balances,
            open_orders=tuple(each.report for each in self._tracker.open_orders() if each.report is not None),
            recent_orders=tuple(
                each.report for each in self._tracker.ended_since(since_ns) if each.report is not None
            ),
            fills=self._tracker.fills_since(since_ns),
        )


class _Outcome:
    """Counts whether a poll of the account worked."""

    def __init__(self, account: Account, key: object) -> None:
        self._account = account
        self._key = key

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._account.succeeded(self._key)
        elif isinstance(error, VenueError):
            self._account.failed(self._key, error)
