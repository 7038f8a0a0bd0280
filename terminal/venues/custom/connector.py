"""The connector to a plugin of the FMZ custom protocol: domain words in, domain events out.

There is no stream and no login: what is watched is asked for again and again, at the pace that is set, and
each call carries the keys. An order is sent once; the lists read just before it are the proof of what is new.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from terminal.core.clock import Clock, SystemClock
from terminal.domain.account import AccountSnapshot, FeeRates
from terminal.domain.book import BookChecker
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    NotSent,
    OutcomeUnknown,
    ProtocolViolation,
    RateLimited,
    RequestRejected,
    SettingsError,
    Unsupported,
    VenueError,
    VenueUnavailable,
)
from terminal.domain.events import (
    BudgetLevel,
    InstrumentsChanged,
    OrderReported,
    VenueEvent,
    VenueNotice,
    WireFault,
)
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, BookSnapshot, Feed, FeedKind, Quote
from terminal.domain.orders import OrderRef, OrderReport, OrderRequest
from terminal.transport.http_client import HttpClient
from terminal.transport.quotas import LeakyCounter
from terminal.transport.wire import is_loopback
from terminal.venues.base import ConnectorSettings, KeyReport, LinkHealth, Sink, SubmitAck, VenueInfo
from terminal.venues.custom import VENUE, wire
from terminal.venues.custom.account import Account
from terminal.venues.custom.client import Http, PluginClient, Rank
from terminal.venues.custom.errors import VENUE_NAME, UnknownOrder
from terminal.venues.custom.feeds import Feeds
from terminal.venues.custom.history import read_bars
from terminal.venues.custom.links import Links
from terminal.venues.custom.options import Options, read_options
from terminal.venues.custom.poller import Poller
from terminal.venues.custom.symbols import SymbolTable
from terminal.venues.custom.tracking import Lost, Tracker
from terminal.venues.custom.trading import trade_params

log = logging.getLogger("venue.custom")

_PROBE = "probe"
_BURST_S = 2.0
# Together with the turn and the deadline of the order itself less than the order gate waits.
_LISTS_TIMEOUT_S = 6.0
_TRADE = "Create and change orders"
# No call of the protocol tells what a key may do: these show when they are used.
_UNTOLD: tuple[str, ...] = (_TRADE, "Cancel orders", "Withdraw funds")


class CustomConnector:
    """A plugin: TradesOrders, HasHistory and Reconnects.

    ``settings.endpoints["service"]`` is the service address with the venue's name at its end,
    ``settings.options`` what :class:`.options.Options` lists. ``info``: which of the person's plugins it is;
    instruments, log and errors have its name.

    Raises:
        SettingsError: an option or the address cannot be used.
    """

    def __init__(
        self,
        settings: ConnectorSettings,
        *,
        info: VenueInfo = VENUE,
        clock: Clock | None = None,
        http: Http | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.info = info
        self._clock = clock or SystemClock()
        self._options = options = read_options(settings.options)
        self._sink: Sink = _nobody
        self._faults = 0
        self._probing = asyncio.Lock()
        self._is_probed = False
        self._own_http: HttpClient | None = None
        self._symbols = SymbolTable(options, info.name)
        self._budget = LeakyCounter(
            "Plugin calls", max(2.0, options.calls_per_s * _BURST_S), options.calls_per_s, self._clock,
            reserve=min(1.0, options.calls_per_s), venue=info.name,
        )  # fmt: skip
        if http is None:
            http = self._own_http = HttpClient(
                venue=info.name,
                base_url=_service_address(settings, options),
                proxy=settings.proxy,
                max_connections=options.concurrency + 1,
                plain_anywhere=options.plain_http,
                clock=self._clock,
            )
        self._links = Links(self._clock, self._tell, self._on_away, self._on_back)
        self.client = PluginClient(
            http,
            settings.credentials,
            self._clock,
            concurrency=options.concurrency,
            budget=self._budget,
            read_deadline_s=options.read_deadline_s,
            order_deadline_s=options.order_deadline_s,
            on_call=self._links.heard,
        )
        self._poller = Poller(
            self._clock, concurrency=options.concurrency, is_up=lambda: self._links.is_up, rng=rng
        )
        self._tracker = Tracker(self._clock, self._tell, self._on_fault)
        self._feeds = Feeds(
            self.client, self._poller, self._symbols, options, self._clock, self._tell, self._on_fault
        )
        self._account = Account(
            self.client,
            self._poller,
            self._tracker,
            self._symbols,
            self._links,
            options,
            self._clock,
            tell=self._tell,
            on_fault=self._on_fault,
            watched=self._feeds.watched_symbols,
        )

    # --- connection --------------------------------------------------------------------------------------

    async def connect(self, sink: Sink) -> None:
        """Find out what the plugin is, then keep asking it until :meth:`close`.

        Raises:
            VenueUnavailable: it does not answer; further tries go on.
            CredentialError: a plugin is never asked without keys.
        """
        self._require_key()
        self._sink = sink
        self._links.begin()
        try:
            await self._probe()
        except VenueError as error:
            self._links.lose(error.user_text)
            self._poller.add(_PROBE, lambda: 1.0, self._probe_late)
            raise VenueUnavailable(
                VENUE_NAME, str(error), code=error.code, user_text=error.user_text
            ) from error
        finally:
            self._poller.start()
        self._begin()

    async def close(self) -> None:
        """End every poll and connection; safe to call twice."""
        self._sink = _nobody
        self._links.end()
        await self._poller.close()
        if self._own_http is not None:
            await self._own_http.close()

    def reconnect(self, reason: str) -> None:
        """Take nothing for granted any more: prices and account are asked for anew at once."""
        if self._sink is _nobody:
            return
        self._links.lose(reason)
        self._poller.hurry_all()

    async def instruments(self) -> Sequence[Instrument]:
        """What the plugin lists, and the symbols of the settings."""
        if not self._is_probed:
            await self._probe()
        found = self._symbols.instruments()
        if not found:
            raise SettingsError(
                "no symbols",
                user_text="This plugin does not list its markets: name the symbols in the settings, e.g. "
                "BTC_USDT, ETH_USDT.",
            )
        return found

    def health(self) -> LinkHealth:
        """Figures of the last calls. The age is that of the oldest price on screen: no answer proves any
        other price than its own. None while no prices are watched."""
        return LinkHealth(
            round_trip_ms=self.client.round_trip_ms,
            clock_offset_ms=None,
            last_frame_ns=self._feeds.oldest_answer_ns(),
            reconnects=self._links.reconnects,
            faults=self._faults,
        )

    def budgets(self) -> Sequence[BudgetLevel]:
        """Our own limit of calls; the venue's limits are the plugin's care."""
        return (self._budget.as_budget(),)

    async def _probe(self) -> None:
        """Whether the plugin is there, and which of the uncertain methods it has: ``markets``, ``tickers``,
        futures."""
        async with self._probing:
            if self._is_probed:
                return
            refusal: VenueError | None = None
            try:
                await self._account.read_balances(Rank.QUESTION)
            except (RequestRejected, AuthRejected) as error:
                log.info("accounts: %s", error)
                refusal = error
            markets = await self._offers("markets", {})
            if markets is not None:
                try:
                    count = self._symbols.learn(markets)
                    log.info("%d markets are listed", count)
                except (ValueError, ArithmeticError) as problem:
                    self._on_fault(f"markets: {self.client.clean(str(problem))[:150]}")
            self._feeds.has_tickers = bool(await self._offers("tickers", {}))
            if refusal is not None and not (markets or self._feeds.has_tickers):
                await self._require_prices(refusal)
            if await self._offers("positions", {"symbol": ""}):
                self._tell(VenueNotice("The plugin also has futures positions; they are not shown here."))
            self._is_probed = True

    async def _require_prices(self, refusal: VenueError) -> None:
        """A plugin that refuses the account may still tell prices; one that refuses these too is not the one
        that was meant."""
        first = next(iter(self._symbols.instruments()), None)
        if first is not None and await self._offers("ticker", {"symbol": first.venue_symbol}) is None:
            raise VenueUnavailable(
                VENUE_NAME, str(refusal), code=refusal.code, user_text=refusal.user_text
            ) from refusal

    async def _offers(self, method: str, params: dict[str, object]) -> Any:
        """What an uncertain method tells; None where there is no such thing, or the plugin fails over it.

        Raises:
            VenueUnavailable: the plugin or its venue is away, which says nothing about the method.
        """
        try:
            return await self.client.read(method, params, rank=Rank.QUESTION, is_trial=True)
        except (RequestRejected, AuthRejected, ProtocolViolation) as error:
            log.info("no %s: %s", method, error)
        except VenueUnavailable as error:
            if error.code not in ("protocol", "plugin-fault"):
                raise
            log.info("no %s: %s", method, error)
        return None

    async def _probe_late(self) -> None:
        await self._probe()
        self._poller.remove(_PROBE)
        self._tell(InstrumentsChanged(self._symbols.instruments()))
        self._begin()

    def _begin(self) -> None:
        self._feeds.open()
        self._account.start()

    def _on_away(self, reason: str) -> None:
        self._feeds.interrupt_all(reason)

    def _on_back(self) -> None:
        self._poller.hurry_all()

    # --- feeds -------------------------------------------------------------------------------------------

    async def subscribe(self, feed: Feed) -> None:
        """Want a feed, now and after every silence. Raises Unsupported for a length of bars that plugins do
        not have."""
        if feed.kind is FeedKind.BARS and feed.interval_s not in VENUE.capabilities.bar_intervals_s:
            raise Unsupported("bar interval", "Plugins have no bars of this length.")
        self._feeds.add(feed)
        self._account.follow_symbols()

    async def unsubscribe(self, feed: Feed) -> None:
        """Want a feed no longer; nothing of it arrives afterwards."""
        self._feeds.remove(feed)

    async def resync(self, feed: Feed) -> None:
        """Ask again now: every answer is whole."""
        self._feeds.hurry(feed)

    def book_checker(self, symbol: str) -> BookChecker | None:
        """The protocol has no checksum; a book that is crossed or impossible is refused whole."""
        return None

    async def bars(
        self,
        symbol: str,
        interval_s: int,
        *,
        end_ns: int | None = None,
        limit: int = 720,
        progress: Callable[[Decimal], None] | None = None,
    ) -> Sequence[Bar]:
        """Bars that open before ``end_ns``, as far back as one answer of the plugin reaches."""
        if interval_s not in VENUE.capabilities.bar_intervals_s:
            raise Unsupported("bar interval", "Plugins have no bars of this length.")
        return await read_bars(
            self.client,
            self._clock,
            self._instrument(symbol),
            interval_s,
            end_ns=end_ns,
            limit=limit,
            most=self._options.records_limit,
            progress=progress,
        )

    # --- orders ------------------------------------------------------------------------------------------

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        """Place an order, after both lists of the symbol's orders were read: what is in them is not this one.

        Raises as :class:`terminal.venues.base.TradesOrders` says, and Unsupported.
        """
        self._require_key()
        instrument = self._instrument(request.instrument.symbol)
        params = trade_params(request, instrument, self._options)
        symbol = instrument.symbol
        await self._read_lists(instrument)
        before, sent_ns = self._tracker.ids_of(symbol), self._clock.monotonic_ns()
        self._tracker.begin_send(symbol)
        try:
            order_id = await self._place(params, before)
        except (NotSent, RequestRejected, AuthRejected, RateLimited):
            raise  # it is certain that there is no such order
        except BaseException:
            self._tracker.lose(Lost(client_order_id, request, before, sent_ns))
            raise
        else:
            self._tracker.own(order_id, client_order_id, request, instrument)
        finally:
            self._tracker.end_send(symbol)
            self._account.hurry(symbol)
        return SubmitAck(order_id)

    async def _read_lists(self, instrument: Instrument) -> None:
        try:
            async with asyncio.timeout(_LISTS_TIMEOUT_S):
                await self._account.refresh_lists(instrument, self._options.baseline_s)
        except TimeoutError:
            text = "Not sent: the plugin is too slow in listing the orders that are there."
            raise NotSent(VENUE_NAME, "the lists of orders took too long", user_text=text) from None
        except AuthRejected:
            raise
        except VenueError as error:
            raise NotSent(
                VENUE_NAME,
                f"the lists of orders could not be read before sending: {error}",
                code=error.code,
                user_text=f"Not sent: {error.user_text}",
            ) from error

    async def _place(self, params: dict[str, object], before: frozenset[str]) -> str:
        data = await self.client.write("trade", params)
        try:
            order_id = wire.text(wire.record(data).get("id"))
        except ValueError:
            order_id = ""
        if not order_id or order_id in before or not self._tracker.is_stranger(order_id):
            text = "The plugin took the order and did not name it: looking for it."
            raise OutcomeUnknown(VENUE_NAME, f"trade: unusable id {order_id!r}", user_text=text)
        return order_id

    async def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order. No error is a yes, whatever stands under ``data``."""
        self._require_key()
        order_id = ref.venue_order_id or self._tracker.id_of(ref.client_order_id)
        if order_id is None:
            text = "Not sent: the plugin has not named this order, so that it cannot be canceled yet."
            raise NotSent(VENUE_NAME, "cancel without an id", user_text=text)
        instrument = self._symbols.find(ref.symbol) or self._instrument(ref.symbol)
        try:
            await self.client.write("cancel", {"id": order_id, "symbol": instrument.venue_symbol})
        finally:
            self._account.hurry(ref.symbol)

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None:
        """Ask to cancel orders, one call each. All calls are made, then the first failure is raised."""
        failures: list[VenueError] = []
        for ref in refs:
            try:
                await self.cancel(ref)
            except VenueError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def cancel_all(self) -> int:
        """Cancel every open order of the symbols that are looked at, one call each; how many were taken."""
        self._require_key()
        for symbol in self._account.scope():
            instrument = self._symbols.find(symbol) or self._instrument(symbol)
            await self._account.list_open(instrument, Rank.QUESTION)
        refs = [
            OrderRef(known.instrument.symbol, known.client_order_id, known.order_id)
            for known in self._tracker.open_orders()
        ]
        taken, failures = 0, list[VenueError]()
        for ref in refs:
            try:
                await self.cancel(ref)
                taken += 1
            except UnknownOrder:
                continue  # it has ended meanwhile
            except VenueError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return taken

    # --- the account -------------------------------------------------------------------------------------

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What the plugin knows of an order. One that it never named is searched for by what was sent.

        Raises:
            VenueUnavailable: it could not be asked, or the answer is not certain.
        """
        self._require_key()
        return await self._account.order_status(ref)

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        """Balances, open orders, and what ended or filled since a time. Raises VenueUnavailable."""
        self._require_key()
        if not self._is_probed:
            await self._probe()
        found = await self._account.snapshot(since_ns)
        for report in (*found.open_orders, *found.recent_orders):
            self._see(OrderReported(report))
        return found

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        """The protocol tells no fees."""
        return None

    async def test_credentials(self) -> KeyReport:
        """Try what can be tried without changing anything; the rest is said to be unknown.

        Raises:
            AuthRejected: the plugin or its venue does not take the keys.
            VenueUnavailable: it could not be asked.
        """
        self._require_key()
        await self._account.read_balances(Rank.QUESTION)
        granted, warnings, untold = {"Query funds": True}, list[str](), _UNTOLD
        first = next(iter(self._account.scope()), None) or next(
            (each.symbol for each in self._symbols.instruments()), None
        )
        if first is not None:
            open_orders, ended_orders = await self._account.try_lists(self._instrument(first))
            granted |= {"Query open orders": open_orders, "Query ended orders": ended_orders}
            if not open_orders:
                # Without that list nothing is ever sent, see :meth:`submit`.
                granted[_TRADE] = False
                untold = tuple(right for right in untold if right != _TRADE)
                warnings.append("The plugin cannot list open orders, so orders cannot be followed.")
            elif not ended_orders:
                warnings.append(
                    "The plugin cannot list ended orders: one that got no answer and has ended may "
                    "not be found again."
                )
        if _TRADE in untold:
            warnings.append(
                "Whether the key may trade shows at the first order only: a plugin cannot be asked."
            )
        warnings.append(
            "A plugin cannot be asked about withdrawals: leave them off at the venue's own page of your keys."
        )
        return KeyReport(granted, tuple(warnings), self.client.key_label, untold)

    # --- inside ------------------------------------------------------------------------------------------

    def _tell(self, event: VenueEvent) -> None:
        self._see(event)
        self._sink(event)

    def _see(self, event: VenueEvent) -> None:
        """Take the digits of an event's prices where nobody tells the tick, before the event is told."""
        priced = _prices_of(event)
        seen = None if priced is None else self._symbols.see(*priced)
        if seen is not None:
            self._sink(InstrumentsChanged((seen,)))

    def _on_fault(self, what: str) -> None:
        self._faults += 1
        self._tell(WireFault("plugin", what))

    def _instrument(self, symbol: str) -> Instrument:
        found = self._symbols.get(symbol)
        if found is None:
            raise Unsupported(
                "symbol", f"The plugin does not list {symbol}, and the settings do not name it."
            )
        return found

    def _require_key(self) -> None:
        if not self.client.has_key:
            raise CredentialError(
                "no plugin keys", user_text="Enter the plugin's access and secret key in Connections first."
            )


def _service_address(settings: ConnectorSettings, options: Options) -> str:
    """Where the plugin is. Raises SettingsError for a way there that others can listen to, unless the person
    has ticked that."""
    address = {**VENUE.default_endpoints, **settings.endpoints}["service"].strip()
    if address.lower().startswith("http://") and not options.plain_http and not is_loopback(address):
        host = urlsplit(address).hostname
        raise SettingsError(
            f"plain address {address!r}",
            user_text=f"{host} is another machine, and http:// would send both keys there unencrypted. Use "
            "https://, or tick that it may be so.",
        )
    return address


def _prices_of(event: VenueEvent) -> tuple[str, list[Decimal]] | None:
    """The symbol and the prices of an event that shows how fine a venue's prices are; None for others."""
    match event:
        case BookSnapshot(instrument, bids, asks):
            return instrument.symbol, [level.price for level in (*bids, *asks)]
        case Quote(instrument=instrument, bid=bid, ask=ask, last=last):
            return instrument.symbol, [price for price in (bid, ask, last) if price is not None]
        case OrderReported(report):
            return report.instrument.symbol, [] if report.limit_price is None else [report.limit_price]
    return None


def _nobody(event: VenueEvent) -> None:
    """Where events go before :meth:`CustomConnector.connect` and after the close."""
