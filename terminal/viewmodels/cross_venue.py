"""Venues side by side: what the ticket's size would cost or bring at each venue that trades the same thing.

Every figure is worked out from what is proven now: the levels of the live book, the account's own fee rates,
a live rate between the kinds of dollar. What cannot be known is said to be unknown; a venue whose prices are
old, whose market is closed or whose book is too thin takes no part in the comparison. Question, figures and
order of the rows change together with every book, and stay in one file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.domain.book import OrderBook
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import Instrument, InstrumentId, MarketStatus
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.twins import ALONE, DOLLARS, underlying_of
from terminal.domain.worth import mean_price, quantity_worth, value
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import Mode, SessionState
from terminal.viewmodels import format as fmt
from terminal.viewmodels.cost import spend
from terminal.viewmodels.cross_venue_ports import (
    Chooser,
    CrossMarket,
    CrossSessions,
    FeeSource,
    TicketSize,
    TwinSource,
)
from terminal.viewmodels.cross_venue_rows import COLUMNS, RowState, VenueRow, bps_text, opening_text
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.search import KIND_BADGES
from terminal.viewmodels.tables import TableModel
from terminal.viewmodels.ticket_form import default_size

REFRESH_NS: Final = 100_000_000
SAMPLE_NS: Final = 1_000_000_000
_LOOK_EVERY_NS: Final = 5_000_000_000
SAMPLES: Final = 300
"""Of the difference: five minutes."""
MOST_ROWS: Final = 12

_BPS: Final = Decimal(10_000)
_SAME_BPS: Final = Decimal("0.05")
_TOPICS: Final = frozenset({Topic.QUOTE, Topic.BOOK, Topic.STATE, Topic.INSTRUMENT})
_NOT_TRADING: Final = frozenset({MarketStatus.CLOSED, MarketStatus.CANCEL_ONLY, MarketStatus.REDUCE_ONLY,
                                 MarketStatus.POST_ONLY})  # fmt: skip
_QUOTES: Final = {"USD": 0, "USDT": 1, "USDC": 2}


class _Offer(NamedTuple):
    """What a venue's prices say of the size, in its own quote units."""

    average: Decimal
    notional: Decimal


def _units(instrument: Instrument, quantity: Decimal, price: Decimal | None) -> Decimal | None:
    """So much of it in units of the asset: of what counts dollars the coins that they are at a price."""
    if not instrument.is_inverse:
        return quantity * instrument.multiplier
    return value(instrument, quantity, price) if price else None


class CrossVenueViewModel(QObject):
    """The comparison for the selected instrument and the ticket's size and side.

    Signals:
        changed: rows, size or summary changed; at most ten times a second, and only while somebody looks.

    Attributes:
        model: the rows for a table view, in the order of the venues.
        side: what is compared. size: in base units; None while there is none. base: of what.
        summary: one sentence, e.g. ``Kraken cheaper by 7.2 bps after fees``.
        summary_tip: the whole of it. summary_short: the same in few words, where there is little room.
        missing: venues of the desk that trade nothing of the kind, as they are called. staked: those that
            sell contracts on it alone.
        after_fees: whether the fees of all compared venues are known and counted.
    """

    changed = Signal()

    def __init__(
        self,
        market: CrossMarket,
        sessions: CrossSessions,
        accounts: FeeSource,
        twins: TwinSource,
        selection: Chooser,
        ticket: TicketSize,
        frames: FrameClock,
        clock: Clock,
        *,
        titles: Mapping[str, str],
        parent: QObject | None = None,
    ) -> None:
        """``titles``: the venues of the desk in their order, and what they are called on screen; the owner
        may change it and call :meth:`refresh`."""
        super().__init__(parent)
        self.model: TableModel[VenueRow] = TableModel(COLUMNS, lambda row: row.id, parent=self)
        self.side = Side.BUY
        self.size: Decimal | None = None
        self.base = ""
        self.summary = ""
        self.summary_tip = ""
        self._brief = ""
        self.missing: tuple[str, ...] = ()
        self.staked: tuple[str, ...] = ()
        self._unlisted: tuple[str, ...] = ()
        self._looked_ns: int | None = None
        self.after_fees = True
        self._market, self._sessions, self._accounts = market, sessions, accounts
        self._twins, self._selection, self._ticket = twins, selection, ticket
        self._frames, self._clock, self._titles = frames, clock, titles
        self._viewers: set[str] = set()
        self._built_ns = -REFRESH_NS
        self._shown: tuple[InstrumentId, ...] = ()
        self._rates: dict[str, InstrumentId] = {}
        """Where the money of a row is priced in the common one."""
        self._releases: dict[InstrumentId, tuple[Callable[[], None], ...]] = {}
        self._live_ns: dict[InstrumentId, int] = {}
        self._favoured: dict[tuple[str, str, str], InstrumentId] = {}
        self._history: dict[InstrumentId, deque[float]] = {}
        self._question: tuple[object, ...] = ()
        self._is_staked = False
        self._has_price = False
        self._sampled_ns = 0
        self._unwatch = (
            market.changed.watch(self._on_market),
            sessions.changed.watch(self._on_session),
            accounts.changed.watch(self._on_session),
            selection.changed.watch(self._on_selection),
            twins.changed.watch(self._on_selection),
            twins.listed.watch(self._on_listed),
        )
        # Ages grow, and markets close, without anything being told.
        self._stop_ticking = frames.every(1.0, self.refresh)
        self._on_selection()

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in self._unwatch:
            unwatch()
        self._stop_ticking()
        self._release_all()
        self._frames.cancel(self._on_frame)

    def set_visible(self, visible: bool, viewer: str = "panel") -> None:
        """Somebody looks, or looks away: without a viewer no book is watched and nothing is worked out."""
        before = bool(self._viewers)
        (self._viewers.add if visible else self._viewers.discard)(viewer)
        if bool(self._viewers) is before:
            return
        if before:
            self._release_all()
            self._history.clear()
        else:
            self._on_selection()

    # -- what happens around it -----------------------------------------------------------------------

    @property
    def instrument(self) -> InstrumentId | None:
        """What the linked panels show."""
        return self._selection.instrument

    @property
    def group(self) -> str:
        """The twins that are compared; empty where the instrument has none."""
        chosen = self.instrument
        return ALONE if chosen is None else self._twins.group_of(chosen)

    def refresh(self) -> None:
        """Build again in the next frame that is due (the ticket's size or side changed)."""
        if self._viewers:
            self._frames.request(self._on_frame)

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if self._viewers and topic in _TOPICS and instrument in self._releases:
            self._frames.request(self._on_frame)

    def _on_session(self, _: str) -> None:
        self.refresh()

    def _on_listed(self, group: str) -> None:
        chosen = self.instrument
        if self._viewers and chosen is not None and group == self._twins.group_of(chosen):
            self._frames.request(self._on_selection)

    def _on_selection(self) -> None:
        if not self._viewers:
            return
        chosen = self.instrument
        known = None if chosen is None else self._market.instrument(chosen)
        if chosen is not None and known is not None:
            self._favoured[self.group, chosen.venue, known.kind.value] = chosen
        self._is_staked = known is not None and known.offer is not None
        shown = [] if chosen is None or self._is_staked else self._pick(chosen)
        self._shown = tuple(each.id for each in shown)
        self._rates = self._find_rates(shown)
        self._watch({*self._shown, *self._rates.values()})
        venues = {each.venue for each in self._shown}
        self._unlisted = tuple(venue for venue in self._titles if venue not in venues and not self._is_staked)
        self._looked_ns = None
        self._build()

    def _pick(self, chosen: InstrumentId) -> list[Instrument]:
        """One instrument a venue and kind: what was shown last, else the dollar before its substitutes."""
        groups: dict[tuple[str, str], list[Instrument]] = {}
        for each in self._twins.twins_of(chosen):
            if each.offer is not None:
                continue  # a stake on where its price goes buys nothing of it
            groups.setdefault((each.venue, each.kind.value), []).append(each)
        group = self.group
        picked = [
            min(
                candidates,
                key=lambda each: (
                    each.id != self._favoured.get((group, venue, kind)),
                    _QUOTES.get(each.quote, len(_QUOTES)),
                    len(each.symbol),
                    each.symbol,
                ),
            )
            for (venue, kind), candidates in groups.items()
        ]
        places = {venue: at for at, venue in enumerate(self._titles)}
        kinds = list(KIND_BADGES)
        picked.sort(key=lambda each: (places.get(each.venue, len(places)), kinds.index(each.kind)))
        return picked[:MOST_ROWS]

    # -- feeds ----------------------------------------------------------------------------------------

    def _watch(self, wanted: set[InstrumentId]) -> None:
        kept = {key: self._releases.pop(key) for key in wanted & self._releases.keys()}
        new = {
            key: tuple(
                self._market.watch(Feed(kind, key.symbol), key.venue)
                for kind in ((FeedKind.QUOTES, FeedKind.BOOK) if key in self._shown else (FeedKind.QUOTES,))
            )
            for key in wanted - kept.keys()
        }
        # New ones first: what both need is not unsubscribed in between.
        self._release_all()
        self._releases = {**kept, **new}

    def _release_all(self) -> None:
        for releases in self._releases.values():
            for release in releases:
                release()
        self._releases = {}

    # -- money ----------------------------------------------------------------------------------------

    def _common_money(self, shown: Sequence[Instrument]) -> str:
        quotes = [each.quote for each in shown]
        return "USD" if "USD" in quotes else quotes[0] if quotes else ""

    def _find_rates(self, shown: Sequence[Instrument]) -> dict[str, InstrumentId]:
        """Where each row's money is quoted in the common one, or the common one in it."""
        common = self._common_money(shown)
        out = {}
        for quote in {each.quote for each in shown} - {common}:
            names = (f"{quote}/{common}", f"{common}/{quote}")
            keys = [InstrumentId(venue, name) for venue in self._titles for name in names]
            listed = [key for key in keys if self._market.instrument(key) is not None]
            live = [key for key in listed if self._is_quoted(key)]
            if listed:
                out[quote] = (live or listed)[0]
        return out

    def _is_quoted(self, key: InstrumentId) -> bool:
        return self._market.feed_state(Feed(FeedKind.QUOTES, key.symbol), key.venue) is FeedState.LIVE

    def _convert(self, quote: str, common: str, mode: Mode) -> tuple[Decimal | None, str, bool]:
        """What one unit of a row's money is worth in the common one, in words how, and whether assumed."""
        if quote == common:
            return Decimal(1), "", False
        key = self._rates.get(quote)
        if key is not None and self._is_quoted(key) and self._mode_of(key.venue) is mode:
            found = self._market.quote(key)
            if found is not None and found.bid and found.ask:
                mid = (found.bid + found.ask) / 2
                rate = mid if key.symbol.startswith(f"{quote}/") else 1 / mid
                where = self._titles.get(key.venue, key.venue)
                words = f"1 {quote} = {fmt.quantity(rate, 5)} {common}, middle of {key.symbol} at {where}"
                return rate, words, False
        if {quote, common} <= DOLLARS:
            return Decimal(1), f"1 {quote} = 1 {common} assumed: no venue quotes it live", True
        return None, "", False

    def _tell_missing(self, own: Instrument | None) -> None:
        """Contracts are nobody's twins, so they are looked for by what they are about; their venue may have
        sent its list since."""
        about = None if own is None else underlying_of(own)
        contracts = {
            venue
            for venue in self._unlisted
            for each in self._market.instruments(venue)
            if each.offer is not None and about is not None and underlying_of(each) == about
        }
        titles = {venue: self._titles[venue] for venue in self._unlisted if venue in self._titles}
        self.staked = tuple(title for venue, title in titles.items() if venue in contracts)
        self.missing = tuple(title for venue, title in titles.items() if venue not in contracts)

    def _mode_of(self, venue: str) -> Mode | None:
        """Practice prices are never mixed with real ones; with and without an account are the same prices."""
        session = self._sessions.sessions.get(venue)
        if session is None:
            return None
        return Mode.PRACTICE if session.mode is Mode.PRACTICE else Mode.LIVE

    # -- rows -----------------------------------------------------------------------------------------

    def _on_frame(self) -> None:
        if not self._viewers:
            return
        if self._clock.monotonic_ns() - self._built_ns < REFRESH_NS:
            self._frames.request(self._on_frame)
            return
        self._build()

    def _build(self) -> None:
        now = self._built_ns = self._clock.monotonic_ns()
        self.side = self._ticket.form.side
        chosen = self.instrument
        # A venue that leaves the desk does so before its instruments go.
        here = [key for key in self._shown if key.venue in self._titles]
        known = [each for key in here if (each := self._market.instrument(key)) is not None]
        own = None if chosen is None else self._market.instrument(chosen)
        self.base = own.asset if own is not None else ""
        if self._looked_ns is None or now - self._looked_ns >= _LOOK_EVERY_NS:
            self._looked_ns = now
            self._tell_missing(own)
        self.size = None if own is None else self._size(own, known)
        common = self._common_money(known)
        world = None if chosen is None else self._mode_of(chosen.venue)
        rows = [self._row(each, common, world, now) for each in known]
        rows = self._compared(rows)
        self._sample(rows, common, now)
        rows = [replace(row, spark=tuple(self._history.get(row.id, ()))) for row in rows]
        self.model.set_rows(rows)
        self._summarise(rows)
        self.changed.emit()

    def _size(self, own: Instrument, known: Sequence[Instrument]) -> Decimal | None:
        """The ticket's size in base units (what an inverse contract counts is turned into coins); the usual
        small one where the ticket is about something else."""
        # With the chosen venue's own price gone, that of a twin still says how much a sum of money buys.
        price = next((found for each in (own, *known) if (found := self._best(each))), None)
        self._has_price = price is not None
        ticket = self._ticket.instrument
        if own.offer is not None:
            return None
        if ticket is not None and ticket.offer is not None:
            ticket = None  # its stake is no quantity
        if ticket is not None and (
            ticket.id == own.id or self._twins.group_of(ticket.id) == self.group != ALONE
        ):
            at = self._best(ticket) or price
            quantity = self._ticket.quantity_for(self.side, at) if at else None
            return None if quantity is None else _units(ticket, quantity, at)
        text = default_size(own, price)
        return _units(own, Decimal(text) * (own.lot_size or Decimal(1)), price) if text else None

    def _best(self, instrument: Instrument) -> Decimal | None:
        book = self._market.book(instrument.id)
        level = None
        if book is not None:
            level = book.best_ask if self.side is Side.BUY else book.best_bid
        if level is not None:
            return level.price
        quote = self._market.quote(instrument.id)
        return None if quote is None else quote.ask if self.side is Side.BUY else quote.bid

    def _row(self, instrument: Instrument, common: str, world: Mode | None, now: int) -> VenueRow:
        key = instrument.id
        row = VenueRow(
            key,
            self._titles.get(key.venue, key.venue),
            KIND_BADGES[instrument.kind],
            RowState.LIVE,
            key == self.instrument,
            instrument.price_decimals,
            currency=common,
        )
        mode = self._mode_of(key.venue)
        session = self._sessions.sessions.get(key.venue)
        if session is None or mode is None or session.state in (SessionState.OFF, SessionState.FAILED):
            return replace(row, state=RowState.OFF)
        why_closed = self._why_closed(instrument)
        if why_closed:
            return replace(row, state=RowState.CLOSED, note=why_closed)
        if mode is not world:
            what = "practice prices" if mode is Mode.PRACTICE else "real prices"
            return replace(row, state=RowState.OTHER_WORLD, note=what)
        row, offer = self._offer(row, instrument, now)
        if offer is None or row.state not in (RowState.LIVE, RowState.TOO_SMALL):
            return row
        rate, words, assumed = self._convert(instrument.quote, common, mode)
        if rate is None:
            return replace(
                row,
                state=RowState.OTHER_MONEY,
                average=offer.average,
                note=f"no {instrument.quote}/{common} rate",
            )
        fee = self._fee(session.account, instrument, offer, rate)
        return replace(
            row,
            average=offer.average,
            fee=fee,
            total=offer.notional * rate,
            conversion=words,
            assumed=assumed,
            note=row.note or (f"{instrument.quote} 1:1 assumed" if assumed else ""),
        )

    def _fee(self, account: str, instrument: Instrument, offer: _Offer, rate: Decimal) -> Decimal | None:
        """For taking, in the common money: by worth and by volume, or the least fee."""
        fees = self._accounts.fee_rates(account, instrument.symbol)
        if fees is None or self.size is None:
            return None
        return max(fees.minimum, offer.notional * fees.taker_pct / 100 + fees.per_unit * self.size) * rate

    def _why_closed(self, instrument: Instrument) -> str:
        wall_ns = self._clock.wall_ns()
        schedule = instrument.schedule
        if schedule is not None and not schedule.is_open(wall_ns):
            opens = schedule.next_open_ns(wall_ns)
            return "closed" if opens is None else f"closed until {opening_text(opens, wall_ns)}"
        if instrument.status in _NOT_TRADING:
            return instrument.status_text or instrument.status.value
        return ""

    def _offer(self, row: VenueRow, instrument: Instrument, now: int) -> tuple[VenueRow, _Offer | None]:
        """What the size would get there, and how fresh that is."""
        key, market = instrument.id, self._market
        state = market.book_state(key)
        quotes = Feed(FeedKind.QUOTES, key.symbol)
        if state is FeedState.UNSUPPORTED:
            state = market.feed_state(quotes, key.venue)
            depth = None
        else:
            depth = market.book(key)
        if state is FeedState.REFUSED:
            refusal = market.refusal(Feed(FeedKind.BOOK, key.symbol), key.venue)
            return replace(row, state=RowState.WAITING, note=refusal or "refused"), None
        if state is FeedState.LOADING:
            return replace(row, state=RowState.WAITING, note="waiting for prices"), None
        if state is not FeedState.LIVE:
            seen = self._live_ns.get(key)
            return replace(
                row, state=RowState.STALE, age_s=None if seen is None else (now - seen) / 1e9
            ), None
        age_ns = market.price_age_ns(key)
        self._live_ns[key] = now - (age_ns or 0)
        row = replace(row, age_s=None if age_ns is None else age_ns / 1e9)
        if self.size is None:
            return replace(row, note="no size"), None
        quantity = self.size / instrument.multiplier
        offer, share = self._walk(instrument, depth, quantity)
        if instrument.is_inverse and offer is not None:
            # Its least is dollars, which is what the coins come to.
            quantity = offer.notional / instrument.multiplier
        if offer is None:
            text = "thin: no depth" if share is None else f"thin: {int(share * 100)} %"
            return replace(row, state=RowState.THIN, note=text), None
        if quantity < instrument.min_quantity:
            least = fmt.quantity(instrument.min_quantity * instrument.multiplier)
            return replace(row, state=RowState.TOO_SMALL, note=f"least {least} {instrument.base}"), offer
        return row, offer

    def _walk(
        self, instrument: Instrument, book: OrderBook | None, quantity: Decimal
    ) -> tuple[_Offer | None, Decimal | None]:
        """Average and worth of taking so many of the venue's own units (of an inverse contract: coins); else
        the share that is covered."""
        inverse = instrument.is_inverse
        if book is not None and inverse:
            dollars, coins = spend(book, self.side, quantity, inverse=True)
            if coins < quantity or not dollars:
                return None, coins / quantity if quantity else ZERO
            return _Offer(mean_price(dollars, coins, inverse=True), dollars * instrument.multiplier), None
        if book is not None:
            cost = book.cost_to_take(self.side, quantity)
            if cost.covered < 1 or cost.average_price is None:
                return None, cost.covered
            return _Offer(cost.average_price, cost.notional * instrument.multiplier), None
        quote = self._market.quote(instrument.id)
        price = None if quote is None else quote.ask if self.side is Side.BUY else quote.bid
        offered = (
            None if quote is None else quote.ask_quantity if self.side is Side.BUY else quote.bid_quantity
        )
        if price is None or offered is None:
            return None, None
        if inverse:
            offered = offered / price
        if offered < quantity:
            return None, offered / quantity
        return _Offer(price, price * quantity * instrument.multiplier), None

    # -- the comparison -------------------------------------------------------------------------------

    def _compared(self, rows: list[VenueRow]) -> list[VenueRow]:
        """With totals, the best one and the differences from it. Fees count where all of them are known."""
        taking_part = [row for row in rows if row.state is RowState.LIVE and row.total is not None]
        self.after_fees = all(row.fee is not None for row in taking_part)
        sign = self.side.sign
        totals = {
            row.id: row.total + (row.fee or ZERO) * sign if self.after_fees else row.total
            for row in rows
            if row.total is not None
        }
        against = {row.id: totals[row.id] for row in taking_part}
        best = min(against.values(), key=lambda total: total * sign, default=None)
        out = []
        for row in rows:
            total = totals.get(row.id)
            bps = None
            if best and row.id in against and len(against) > 1:
                bps = (against[row.id] - best) * sign / best * _BPS
            is_best = bps == 0
            out.append(replace(row, total=total, difference_bps=bps, is_best=is_best))
        return out

    def _sample(self, rows: list[VenueRow], common: str, now: int) -> None:
        """Keep the differences, one a second; another question begins anew."""
        question = (self.group, self.side, self.size, common, self.after_fees)
        if question != self._question:
            self._question = question
            self._history.clear()
        elif now - self._sampled_ns < SAMPLE_NS:
            return
        self._sampled_ns = now
        for row in rows:
            if row.difference_bps is not None:
                self._history.setdefault(row.id, deque(maxlen=SAMPLES)).append(float(row.difference_bps))

    def _summarise(self, rows: list[VenueRow]) -> None:
        """One sentence for the header and the venue strip."""
        self.summary_tip = self._brief = ""
        if self.instrument is None:
            self.summary = "Choose an instrument"
            return
        if self._is_staked:
            self.summary = "A contract is a stake, not a quantity: nothing to compare"
            self._brief = "No comparison"
            return
        if len(rows) < 2:
            self.summary = "No other venue here trades it"
            return
        if self.size is None:
            self.summary = "Enter a size in the ticket" if self._has_price else "No live price to compare"
            return
        part = [row for row in rows if row.state is RowState.LIVE and row.total is not None]
        part.sort(key=lambda row: row.difference_bps or ZERO)
        if not part:
            thin = any(row.state is RowState.THIN for row in rows)
            self.summary = "The books are too thin for this size" if thin else "No live price to compare"
            return
        if len(part) < 2:
            self.summary = f"Only {part[0].venue_text} can be compared now"
            return
        best, second = part[0], part[1]
        gap = second.difference_bps or ZERO
        fees = "after fees" if self.after_fees else "before fees"
        if gap < _SAME_BPS:
            self.summary = f"No difference {fees}"
        else:
            word = "cheaper by" if self.side is Side.BUY else "pays more by"
            self.summary = f"{best.venue_text} {word} {bps_text(gap)} bps {fees}"
            self._brief = f"{best.venue_text} {'−' if self.side is Side.BUY else '+'}{bps_text(gap)} bps"
        tips = [
            f"{fmt.quantity(self.size)} {self.base} at once, {best.venue_text} against {second.venue_text}."
        ]
        if not self.after_fees:
            tips.append("The fee rates of an account are not known, so none are counted.")
        tips += sorted({row.conversion for row in part if row.conversion})
        if best.assumed or second.assumed:
            money = sorted({row.conversion.split()[1] for row in (best, second) if row.assumed})
            self.summary += f" ({', '.join(money)} 1:1 assumed)"
        self.summary_tip = "\n".join(tips)

    @property
    def summary_short(self) -> str:
        """``OKX perp −2.0 bps``: cheaper by so much than the next best, or ``+``: it pays more."""
        return self._brief or self.summary

    @property
    def question_text(self) -> str:
        """What is compared: ``Buy 0.01 BTC``."""
        word = "Buy" if self.side is Side.BUY else "Sell"
        return f"{word} {fmt.quantity(self.size)} {self.base}" if self.size is not None else word

    @property
    def missing_text(self) -> str:
        """Venues without a twin that has a size: ``No match on cTrader``, ``Quotex: contracts, nothing to
        compare in size``; empty where every venue has one."""
        if not self.instrument:
            return ""
        parts = [f"No match on {', '.join(self.missing)}"] if self.missing else []
        if self.staked:
            parts.append(f"{', '.join(self.staked)}: contracts, nothing to compare in size")
        return "  ·  ".join(parts)

    # -- what a person can do -------------------------------------------------------------------------

    def choose(self, instrument: InstrumentId) -> None:
        """Show and trade that venue's instrument in the linked panels; a ticket that comes along is about the
        quantity that was compared."""
        ticket, wanted = self._ticket, self._market.instrument(instrument)
        quantity = None if wanted is None else self._quantity_at(wanted)
        is_new = ticket.instrument is None or ticket.instrument.id != instrument
        self._selection.select(instrument)
        now = ticket.instrument
        if quantity is not None and is_new and now is not None and now.id == instrument:
            ticket.carry_size(quantity)

    def _quantity_at(self, instrument: Instrument) -> Decimal | None:
        """What is compared in a venue's own units, on no grid: of what counts dollars, by its price now."""
        if self.size is None or not instrument.is_inverse:
            return None if self.size is None else self.size / instrument.multiplier
        price = self._best(instrument)
        return quantity_worth(instrument, self.size, price) if price else None

    def set_side(self, side: Side) -> None:
        """Compare buying or selling; the ticket follows."""
        self._ticket.set_side(side)
        self.refresh()
