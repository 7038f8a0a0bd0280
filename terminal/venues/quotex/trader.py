"""The hand that trades on one Quotex account: buys, gives back, waits, and asks what became of it.

Quotex often answers nothing at all. Silence after a buy is no refusal: the outcome is unknown then, and is
looked for among the open and closed deals by the number that the request carried. Nothing is sent twice.

The file is longer than most: what is asked, who waits for the answer and what is told unasked are one set of
books, and apart they would have to be kept twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from terminal.core.clock import Clock
from terminal.domain.account import AccountSnapshot, Balance, CashFlow, FeeRates
from terminal.domain.contracts import NS, ContractTerms, ExpiryMode
from terminal.domain.errors import (
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    TerminalError,
    Unsupported,
    VenueUnavailable,
)
from terminal.domain.events import AccountEvent, AccountStreamReset, BalancesReported
from terminal.domain.instrument import Instrument, MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderRef, OrderReport, OrderRequest, OrderState, OrderType
from terminal.venues.base import (
    CashFlowPage,
    FillPage,
    KeyReport,
    LinkHealth,
    OrderPage,
    SubmitAck,
    VenueInfo,
)
from terminal.venues.quotex.assets import Assets
from terminal.venues.quotex.deals import Deals, end_id
from terminal.venues.quotex.errors import VENUE_NAME, error_of, rejected
from terminal.venues.quotex.records import Records
from terminal.venues.quotex.wire import Wire

log = logging.getLogger("venue.quotex")

ANSWER_S = 8.0
"""The web terminal waits for five seconds and more."""
_PRICES_S: Final = 5.0
_LISTS_S: Final = 8.0
_APART_NS: Final = 1 * NS
"""Between two openings."""
_TIMED_TYPE: Final = 100
_CLOCK_TYPE: Final = 3
_BY_TIME, _BY_PRICE = 0, 1
_LATE_NS: Final = 4 * NS
"""After its end a result is told within a second or so."""
_LOOK_EVERY_NS: Final = 15 * NS
_LISTS: Final = ("orders/opened/list", "orders/closed/list", "pending/list")


class QuotexTrader:
    """TradesOrders and HasRecords for one account: ``demo``, ``live`` or a tournament's number, which
    ``tournament`` repeats. ``emit`` takes its events."""

    def __init__(
        self,
        mode: str,
        wire: Wire,
        assets: Assets,
        emit: Callable[[AccountEvent], None],
        clock: Clock,
        *,
        info: VenueInfo,
        tournament: int = 0,
    ) -> None:
        self.info = info
        self.mode = mode
        self.deals = Deals(assets)
        self._wire = wire
        self._assets = assets
        self._emit = emit
        self._clock = clock
        self.tournament = tournament
        self._balance: Decimal | None = None
        self._opens: dict[int, asyncio.Future[str]] = {}
        self._cancels: dict[str, asyncio.Future[None]] = {}
        self._creating: tuple[str, str, asyncio.Future[str]] | None = None
        self._creation = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._opened_ns: int | None = None
        self._asking = asyncio.Lock()
        self._asked_ns: int | None = None
        self._listed: set[str] = set()
        self._lists: dict[str, asyncio.Future[None]] = {}
        self._looked_ns: int | None = None
        self._unreadable = 0
        self._refills: list[CashFlow] = []
        self.records = Records(self.deals, lambda page: wire.ended_deals(mode, page), self._is_ours)

    @property
    def is_demo(self) -> int:
        """As the wire has it."""
        return 0 if self.mode == "live" else 1

    @property
    def named(self) -> dict[str, int]:
        """The account as ``account/change`` names it."""
        return {"demo": self.is_demo, "tournamentId": self.tournament}

    @property
    def at_rest(self) -> asyncio.Lock:
        """Held by whoever must have no list of this account on its way."""
        return self._asking

    def _is_ours(self, data: Any) -> bool:
        """Whether a deal is this account's: one that names another is not, whoever is told of it."""
        if not isinstance(data, dict):
            return True
        demo, number = data.get("isDemo"), data.get("tournamentId")
        if demo in (0, 1) and int(demo) != self.is_demo:
            return False
        return type(number) is not int or number == self.tournament

    # -- trading --------------------------------------------------------------------------------------

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        """Buy a contract, let one wait, or give a running one back. Raises as TradesOrders says."""
        self._require_ready()
        if request.order_type is not OrderType.CONTRACT:
            raise Unsupported("order type", "Quotex trades contracts only.")
        if request.reduce_only:
            return await self._sell_back(request, client_order_id)
        instrument, terms = self._assets.by_symbol(request.instrument.symbol), request.contract
        if instrument is None or terms is None:
            raise NotSent(VENUE_NAME, "no such asset", user_text="Quotex does not list this asset now.")
        if instrument.status is MarketStatus.CLOSED:
            # Asked all the same, Quotex would say nothing at all.
            text = f"Nothing was sent: {instrument.symbol} is closed at Quotex now."
            raise NotSent(VENUE_NAME, "the asset is closed", user_text=text)
        if not await self._wire.prices_of(instrument, _PRICES_S):
            text = f"Nothing was sent: no prices of {instrument.symbol} come."
            raise NotSent(VENUE_NAME, "no quotes", user_text=text)
        if terms.opens_ns is not None or request.trigger_price is not None:
            return await self._let_wait(request, terms, instrument, client_order_id)
        return await self._buy(request, terms, instrument, client_order_id)

    async def _buy(
        self, request: OrderRequest, terms: ContractTerms, instrument: Instrument, client_order_id: str
    ) -> SubmitAck:
        async with self._opening:
            await self._keep_apart()
            self._require_ready()
            number = self.deals.remember(client_order_id, terms)
            when, is_timed = self._when(terms), terms.mode is ExpiryMode.TIMED
            wire = instrument.venue_symbol
            apply = {"asset": wire, "time": when, "isFastOption": not is_timed, "endTime": when}
            self._wire.send("settings/apply", apply)
            self._wire.send("tick")
            answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._opens[number] = answer
            self._opened_ns = self._clock.monotonic_ns()
            order = {
                "asset": wire,
                "amount": _plain(request.quantity),
                "time": when,
                "action": "call" if request.side is Side.BUY else "put",
                "isDemo": self.is_demo,
                "tournamentId": self.tournament,
                "requestId": number,
                "optionType": _TIMED_TYPE if is_timed else _CLOCK_TYPE,
            }
            try:
                self._wire.send("orders/open", order)
                async with asyncio.timeout(ANSWER_S):
                    return SubmitAck(await answer)
            except TimeoutError:
                raise OutcomeUnknown(VENUE_NAME, "no answer to the buy") from None
            finally:
                self._opens.pop(number, None)

    async def _let_wait(
        self, request: OrderRequest, terms: ContractTerms, instrument: Instrument, client_order_id: str
    ) -> SubmitAck:
        data: dict[str, Any] = {
            "openType": _BY_TIME,
            "asset": instrument.venue_symbol,
            "timeframe": terms.duration_s,
            "command": "call" if request.side is Side.BUY else "put",
            "amount": _plain(request.quantity),
        }
        if terms.opens_ns is not None:
            when = datetime.fromtimestamp(terms.opens_ns / NS, UTC)
            data["openTime"] = when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        else:
            data["openType"] = _BY_PRICE
            data["quote"] = _plain(request.trigger_price or Decimal(0))
            data["period"] = f"M{max(1, terms.duration_s // 60)}"
        # The answer repeats no number of ours, so one is asked for after the other.
        async with self._creation:
            self._require_ready()
            self.deals.remember(client_order_id, terms)
            answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._creating = (instrument.venue_symbol, client_order_id, answer)
            try:
                self._wire.send("pending/create", data)
                async with asyncio.timeout(ANSWER_S):
                    return SubmitAck(await answer)
            except TimeoutError:
                raise OutcomeUnknown(VENUE_NAME, "no answer to the waiting contract") from None
            finally:
                self._creating = None

    async def _sell_back(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        deal = self.deals.deals.get(request.position_id or "")
        if deal is None or deal.profit is not None:
            text = "This contract has ended already."
            raise RequestRejected(VENUE_NAME, code="ended", venue_text=text, user_text=text)
        deal.end_client_id = client_order_id
        await self._take_back("orders/cancel", deal.deal_id)
        return SubmitAck(end_id(deal.deal_id))

    async def cancel(self, ref: OrderRef) -> None:
        """Withdraw a waiting contract. A running one is given back by a closing order."""
        self._require_ready()
        ticket = ref.venue_order_id or ""
        if ticket not in self.deals.waiting:
            found = await self.order_status(ref)
            ticket = found.venue_order_id if found is not None else ""
        waiting = self.deals.waiting.get(ticket)
        if waiting is None or waiting.state.is_final:
            text = "This contract does not wait any more."
            raise RequestRejected(VENUE_NAME, code="not_waiting", venue_text=text, user_text=text)
        await self._take_back("pending/cancel", ticket)

    async def _take_back(self, name: str, ticket: str) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._cancels[ticket] = answer
        try:
            self._wire.send(name, {"ticket": ticket})
            async with asyncio.timeout(ANSWER_S):
                await answer
        except TimeoutError:
            raise OutcomeUnknown(VENUE_NAME, f"no answer to {name}") from None
        finally:
            self._cancels.pop(ticket, None)

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None:
        """Withdraw several, one after the other; raises the first failure when all were tried."""
        first: TerminalError | None = None
        for ref in refs:
            try:
                await self.cancel(ref)
            except TerminalError as error:
                first = first or error
        if first is not None:
            raise first

    async def cancel_all(self) -> int:
        """Withdraw every waiting contract."""
        waiting = self.deals.resting()
        symbols = [(each.instrument.symbol, each.ticket) for each in waiting]
        await self.cancel_many([OrderRef(symbol, None, ticket) for symbol, ticket in symbols])
        return len(waiting)

    # -- asking ---------------------------------------------------------------------------------------

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What is known of an order, after the lists were asked for anew; None: it is in none of them."""
        await self._ask_lists(self._clock.monotonic_ns())
        if ref.position_id is not None:
            return self._end_status(ref)
        deal = self.deals.find(ref.client_order_id, ref.venue_order_id)
        if deal is not None:
            return self.deals.report(deal)
        waiting = self.deals.waiting_of(ref.client_order_id, ref.venue_order_id)
        if waiting is not None:
            return self.deals.waiting_report(waiting)
        return self._waiting_like(ref)

    def _end_status(self, ref: OrderRef) -> OrderReport | None:
        """The order that closes a deal: known once the deal has ended."""
        deal = self.deals.deals.get(ref.position_id or "")
        if deal is None or deal.profit is None or (ref.client_order_id and not deal.sold_back):
            return None
        return self.deals.end_report(deal)

    def _waiting_like(self, ref: OrderRef) -> OrderReport | None:
        """A waiting contract repeats no number of ours: it is the one with our asset, side and stake that
        nobody else's order is, made no earlier than ours."""
        found = [
            each
            for each in self.deals.waiting.values()
            if each.client_order_id in (None, ref.client_order_id)
            and each.instrument.symbol == ref.symbol
            and each.side is ref.side
            and each.stake == ref.quantity
            and (not each.created_ns or not ref.created_ns or each.created_ns >= ref.created_ns - 60 * NS)
        ]
        if len(found) != 1:
            return None
        found[0].client_order_id = ref.client_order_id
        return self.deals.waiting_report(found[0])

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        """Balance, waiting contracts, deals and results since a time."""
        await self._ask_lists(self._clock.monotonic_ns())
        if self._balance is None:
            raise VenueUnavailable(VENUE_NAME, "no balance yet", user_text="Quotex has not told the balance.")
        orders = [each for each in self.deals.orders() if each.ts_event_ns >= since_ns]
        return AccountSnapshot(
            balances=(Balance(self._assets.currency, self._balance),),
            open_orders=tuple(self.deals.waiting_report(each) for each in self.deals.resting()),
            recent_orders=tuple(reversed(orders)),
            fills=tuple(self.deals.fills(since_ns)),
            positions=tuple(self.deals.position(each) for each in self.deals.running()),
            ts_event_ns=self._clock.wall_ns(),
        )

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        """None: there is no fee; what a contract costs stands in its payout."""
        return None

    async def test_credentials(self) -> KeyReport:
        """Whether the session counts. Raises VenueUnavailable where it could not be tried."""
        if not self._wire.is_ready:
            raise VenueUnavailable(VENUE_NAME, "not signed in", user_text="Quotex did not sign in.")
        return KeyReport(
            {"Read the account": True, "Create and change orders": True},
            warnings=("A session of the web terminal can do all that you can do there.",),
            label=self._wire.label,
        )

    def health(self) -> LinkHealth:
        """Of the connection; contracts end by its clock."""
        return self._wire.health()

    async def order_history(self, until_ns: int | None = None) -> OrderPage:
        """Ended deals and their ends, from the site. Raises VenueUnavailable."""
        return await self.records.orders(until_ns)

    async def fill_history(self, until_ns: int | None = None) -> FillPage:
        """Entries and results, from the site. Raises VenueUnavailable."""
        return await self.records.fills(until_ns)

    async def cash_flow(self, until_ns: int | None = None) -> CashFlowPage:
        """The refills that this connection has asked for; the known part of the interface tells no others,
        and no deposits."""
        found = [each for each in self._refills if until_ns is None or each.ts_event_ns < until_ns]
        return CashFlowPage(tuple(reversed(found)), None)

    def refilled(self, added: Decimal) -> None:
        """The account was filled up, and has told its new balance."""
        number = len(self._refills) + 1
        self._refills.append(
            CashFlow(
                entry_id=f"refill-{number}",
                ts_event_ns=self._clock.wall_ns(),
                what="refill",
                amount=added,
                balance=self._balance or Decimal(0),
                currency=self._assets.currency,
                note="asked for here",
            )
        )

    async def position_fills(self, position_id: str) -> Sequence[Fill]:
        """Entry and result of a deal that this connection has heard of."""
        deal = self.deals.deals.get(position_id)
        found = () if deal is None else (self.deals.end_fill(deal), self.deals.fill(deal))
        return [each for each in found if each is not None]

    async def look_after(self, venue_ns: int) -> None:
        """Ask about deals whose end is over and was not told: on a line that is up, that should not be."""
        late = self.deals.overdue(venue_ns - _LATE_NS)
        now_ns = self._clock.monotonic_ns()
        if not late or (self._looked_ns is not None and now_ns - self._looked_ns < _LOOK_EVERY_NS):
            return
        self._looked_ns = now_ns
        log.info("%d contracts are over and no result was told; asking", len(late))
        try:
            await self._ask_lists(now_ns)
            if self.deals.overdue(venue_ns - _LATE_NS):
                # Further back than the list reaches.
                for page in (1, 2, 3):
                    for row in await self._wire.ended_deals(self.mode, page):
                        if str(row.get("ticket")) in self.deals.deals:
                            self._close({**row, "id": row["ticket"], "profit": row.get("profitAmount")})
        except (TerminalError, ValueError) as error:
            log.info("no result yet: %s", error)

    async def _ask_lists(self, asked_ns: int) -> None:
        """Ask for open, closed and waiting deals and wait for all three; askers at once share one answer."""
        async with self._asking:
            if self._asked_ns is not None and self._asked_ns >= asked_ns:
                return
            self._require_asking()
            loop = asyncio.get_running_loop()
            self._lists = {name: loop.create_future() for name in _LISTS}
            begun_ns = self._clock.monotonic_ns()
            try:
                # Both lists of deals come after a change of account, also to the one that it is.
                self._wire.send("account/change", self.named)
                self._wire.send("pending/list")
                async with asyncio.timeout(_LISTS_S):
                    await asyncio.gather(*self._lists.values())
            except (TimeoutError, NotSent, OutcomeUnknown) as error:
                text = "Quotex did not send the list of deals."
                raise VenueUnavailable(VENUE_NAME, f"no lists: {error}", user_text=text) from None
            finally:
                self._lists = {}
            self._asked_ns = begun_ns
            for each in self.deals.resting():
                if each.ticket not in self._listed:
                    why = "Quotex does not list it any more."
                    for told in self.deals.waiting_ended(each.ticket, OrderState.CANCELED, why):
                        self._emit(told)

    # -- what Quotex tells ----------------------------------------------------------------------------

    def on_event(self, name: str, data: Any) -> None:
        """An event of this account."""
        taker = _TAKERS.get(name)
        if taker is None:
            return
        try:
            taker(self, data)
        except ValueError as error:
            self.deals.unreadable += 1
            log.warning("%s cannot be read: %s", name, error)
        if self.deals.unreadable > self._unreadable:
            self._unreadable = self.deals.unreadable
            if name in _LISTS:
                # The lists are what a gap is closed with: asked for again they would say the same.
                return
            self._emit(AccountStreamReset("Quotex told something of a contract that cannot be read."))

    def event_lost(self, name: str) -> bool:
        """An event could not be read: what it told has to be asked for. Whether somebody waits for it."""
        if name not in _TAKERS:
            return False
        self._emit(AccountStreamReset("Quotex sent something unreadable about your contracts."))
        return bool(self._opens)

    async def look_for_answers(self) -> None:
        """The lists have what an answer that was lost has told."""
        try:
            await self._ask_lists(self._clock.monotonic_ns())
        except TerminalError as error:
            log.info("not found yet: %s", error)

    def on_balance(self, amount: Decimal) -> None:
        """The balance of this account."""
        self._balance = amount
        self._emit(BalancesReported((Balance(self._assets.currency, amount),), True))

    def currency_told(self) -> None:
        """The account's currency is known now, or another one: its contracts were told in what it was taken
        for."""
        for event in self.deals.running_again():
            self._emit(event)

    def lost(self) -> None:
        """The connection is gone: what waits for an answer gets none."""
        for opening in self._opens.values():
            _fail(opening)
        for taking in self._cancels.values():
            _fail(taking)
        if self._creating is not None:
            _fail(self._creating[2])
        for listing in self._lists.values():
            _fail(listing)
        self._asked_ns = self._looked_ns = None

    def _on_opened(self, data: Any) -> None:
        """``s_orders/open``, or a row of the list of running deals."""
        if not self._is_ours(data):
            return
        for event in self.deals.opened(data):
            self._emit(event)
        number = data.get("requestId") if isinstance(data, dict) else None
        waiting = self._opens.get(number) if isinstance(number, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(str(data.get("id")))

    def _on_open_refused(self, data: Any) -> None:
        number = data.get("requestId") if isinstance(data, dict) else None
        waiting = self._opens.get(number) if isinstance(number, int) else None
        if waiting is None and number is None and len(self._opens) == 1:
            waiting = next(iter(self._opens.values()))
        if waiting is not None and not waiting.done():
            waiting.set_exception(rejected(error_of(data)))

    def _on_closed(self, data: Any) -> None:
        deals = data.get("deals") if isinstance(data, dict) else None
        for each in deals if isinstance(deals, list) else ():
            self._close(each)

    def _close(self, data: Any) -> None:
        if not self._is_ours(data):
            return
        for event in self.deals.closed(data):
            self._emit(event)

    def _on_opened_list(self, data: Any) -> None:
        for each in data if isinstance(data, list) else ():
            self._on_opened(each)
        _succeed(self._lists.get("orders/opened/list"))

    def _on_closed_list(self, data: Any) -> None:
        for each in reversed(data) if isinstance(data, list) else ():
            self._close(each)
        _succeed(self._lists.get("orders/closed/list"))

    def _on_waiting_list(self, data: Any) -> None:
        told = [each.get("pending", each) if isinstance(each, dict) else each
                for each in (data if isinstance(data, list) else ())]  # fmt: skip
        rows = [row for row in told if self._is_ours(row)]
        for row in rows:
            for event in self.deals.waits(row):
                self._emit(event)
        self._listed = {str(row.get("ticket")) for row in rows if isinstance(row, dict)}
        _succeed(self._lists.get("pending/list"))

    def _on_waits(self, data: Any) -> None:
        row = data.get("pending") if isinstance(data, dict) else None
        if not isinstance(row, dict):
            return
        asset, client_id, answer = self._creating or ("", "", None)
        is_ours = answer is not None and not answer.done() and row.get("asset") == asset
        events = self.deals.waits(row, client_id if is_ours else None)
        for event in events:
            self._emit(event)
        if is_ours and answer is not None:
            answer.set_result(str(row.get("ticket")))

    def _on_wait_refused(self, data: Any) -> None:
        if self._creating is not None and not self._creating[2].done():
            self._creating[2].set_exception(rejected(error_of(data)))

    def _on_wait_opened(self, data: Any) -> None:
        self.deals.waiting_opened(data)

    def _on_wait_failed(self, data: Any) -> None:
        """``f_pending/opened``: with no error it announces the opening, which is no failure."""
        if not isinstance(data, dict) or data.get("error") in (None, "", 0):
            return
        reason = rejected(error_of(data)).user_text
        for event in self.deals.waiting_ended(str(data.get("ticket")), OrderState.REJECTED, reason):
            self._emit(event)

    def _on_order(self, data: Any) -> None:
        """``order``, the older word of an end: ``{"id": .., "status": "closed", "profit": ..}``."""
        if (
            isinstance(data, dict)
            and data.get("status") == "closed"
            and str(data.get("id")) in self.deals.deals
        ):
            self._close(self._with_price({**data, "id": str(data["id"])}))

    def _with_price(self, row: dict[str, Any]) -> dict[str, Any]:
        """The end of a deal that names no price: it is the one of the moment."""
        deal = self.deals.deals.get(str(row["id"]))
        if deal is not None and row.get("closePrice") is None:
            row["closePrice"] = self._wire.price(deal.instrument.venue_symbol)
        return row

    def _on_sold(self, data: Any) -> None:
        if not isinstance(data, dict):
            return
        ticket = str(data.get("ticket"))
        self.deals.sold(ticket)
        if data.get("profit") is not None:
            row = self._with_price({**data, "id": ticket})
            ahead_ms = self._wire.health().clock_offset_ms or 0.0
            now_ns = self._clock.wall_ns() + int(ahead_ms * 1e6)
            for event in self.deals.closed(row, sold_back_ns=now_ns):
                self._emit(event)
        _succeed(self._cancels.get(ticket))

    def _on_withdrawn(self, data: Any) -> None:
        ticket = str(data.get("ticket")) if isinstance(data, dict) else ""
        for event in self.deals.waiting_ended(ticket, OrderState.CANCELED):
            self._emit(event)
        _succeed(self._cancels.get(ticket))

    def _on_not_taken_back(self, data: Any) -> None:
        ticket = str(data.get("ticket")) if isinstance(data, dict) and data.get("ticket") else ""
        waiting = self._cancels.get(ticket)
        if waiting is None and not ticket and len(self._cancels) == 1:
            waiting = next(iter(self._cancels.values()))
        if waiting is not None and not waiting.done():
            waiting.set_exception(rejected(error_of(data)))

    # -- inside ---------------------------------------------------------------------------------------

    def _when(self, terms: ContractTerms) -> int:
        """The ``time`` of a buy: how long, or until when, in seconds."""
        if terms.mode is ExpiryMode.TIMED or terms.expires_ns is None:
            return terms.duration_s
        return terms.expires_ns // NS

    async def _keep_apart(self) -> None:
        if self._opened_ns is None:
            return
        early_ns = self._opened_ns + _APART_NS - self._clock.monotonic_ns()
        if early_ns > 0:
            await asyncio.sleep(early_ns / NS)

    def _require_ready(self) -> None:
        if not self._wire.is_ready or self._wire.mode != self.mode:
            raise NotSent(VENUE_NAME, "this account is not the open one")

    def _require_asking(self) -> None:
        if not self._wire.is_ready or self._wire.mode != self.mode:
            raise VenueUnavailable(VENUE_NAME, "this account is not the open one")


_TAKERS: Final[dict[str, Callable[[QuotexTrader, Any], None]]] = {
    "s_orders/open": QuotexTrader._on_opened,
    "f_orders/open": QuotexTrader._on_open_refused,
    "s_orders/close": QuotexTrader._on_closed,
    "order": QuotexTrader._on_order,
    "orders/opened/list": QuotexTrader._on_opened_list,
    "orders/closed/list": QuotexTrader._on_closed_list,
    "pending/list": QuotexTrader._on_waiting_list,
    "s_pending/create": QuotexTrader._on_waits,
    "f_pending/create": QuotexTrader._on_wait_refused,
    "s_pending/opened": QuotexTrader._on_wait_opened,
    "f_pending/opened": QuotexTrader._on_wait_failed,
    "s_orders/cancel": QuotexTrader._on_sold,
    "f_orders/cancel": QuotexTrader._on_not_taken_back,
    "s_pending/cancel": QuotexTrader._on_withdrawn,
    "f_pending/cancel": QuotexTrader._on_not_taken_back,
}


def _plain(value: Decimal) -> Decimal | int:
    """Whole numbers as such: ``5``, not ``5.00``."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def _succeed(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


def _fail(waiting: asyncio.Future[Any]) -> None:
    if not waiting.done():
        waiting.set_exception(OutcomeUnknown(VENUE_NAME, "the connection was lost before the answer"))
