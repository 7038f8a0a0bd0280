"""The order ticket: one form for every order type of the venue, its cost, and what became of the order.

Every field changes what others allow, cost and check: the form is recomputed as one thing, in one file.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.domain.decimals import ZERO, round_down
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import OrderRequest, OrderType, TimeInForce, TriggerReference
from terminal.domain.rules import IMMEDIATE, check_status, plain
from terminal.domain.worth import value
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import money_text, order_price
from terminal.viewmodels.confirm import Asker
from terminal.viewmodels.cost import CostEstimate, estimate
from terminal.viewmodels.cost_text import CostLine, cost_lines, fixed_numbers
from terminal.viewmodels.form_place import FormPlace
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.leverage import DERIVATIVES, LeverageChoice
from terminal.viewmodels.market_hours import closed_text
from terminal.viewmodels.ports import (
    Accounts,
    Gate,
    MarginSource,
    Market,
    Place,
    SelectedInstrument,
    Sessions,
    VenueAbilities,
)
from terminal.viewmodels.sending import OrderSender, ResultKind
from terminal.viewmodels.size_entry import (
    DEFAULT_PRESETS,
    Preset,
    Risk,
    Size,
    SizeUnit,
    apply_preset,
    parse_presets,
    parse_size,
    pays_in_quote,
)
from terminal.viewmodels.ticket_button import SendButton
from terminal.viewmodels.ticket_carry import Carry
from terminal.viewmodels.ticket_form import (
    EXPIRE_TIME,
    LIMIT_PRICE,
    QUANTITY,
    SMALL_SIZE,
    TRIGGER_PRICE,
    Reading,
    Surroundings,
    TicketForm,
    beside_fields,
    default_size,
    read_form,
    resolve_size,
    shown_fields,
)
from terminal.viewmodels.ticket_legs import read_leg
from terminal.viewmodels.ticket_money import TicketMoney

_REFRESH_NS: Final = 100_000_000
_FINEST: Final = Decimal("0.00000001")
_ISOLATED: Final = "isolated"
_DUPLICATE: Final = "duplicate"
_NO_BREAK: Final = "\u00a0"
_PRICE_FIELDS = (LIMIT_PRICE, TRIGGER_PRICE, "trail_offset", "limit_offset")
_LIVES = (TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK)


class TicketViewModel(QObject):
    """The order form of the selected instrument.

    Signals:
        changed: re-read everything; after an edit, and at most ten times a second with the market.
        confirmation_needed: a :class:`~terminal.viewmodels.sending.RequestView` waits for
            :meth:`confirm` or :meth:`discard`.

    Attributes:
        form: what stands in the fields.
        fields: names of the fields that this order type shows.
        problems: what is wrong, by field; what is merely empty appears after a try to send.
        leg_notes: what stop and target would mean in pips and money, by field.
        units: what the size field may count. references: which prices may fire a trigger.
        carry: margin and the swap of a night, where the venue has such.
        lines: the cost strip. fixed: most I can lose, cost to enter and leave, what breaks even.
        percent: the share of what is free that the size takes; None where it cannot be worked out, and
            percent_reason says why.
        buttons: by side. warnings: what will have to be confirmed, in words.
    """

    changed = Signal()
    confirmation_needed = Signal(object)

    def __init__(
        self,
        market: Market,
        sessions: Sessions,
        gate: Gate,
        accounts: Accounts,
        selection: SelectedInstrument,
        frames: FrameClock,
        clock: Clock,
        *,
        presets: str = DEFAULT_PRESETS,
        small_size: Callable[[str], Decimal] = lambda venue: SMALL_SIZE,
        margins: MarginSource | None = None,
        ask: Asker | None = None,
        parent: QObject | None = None,
    ) -> None:
        """``small_size``: what the size field starts with at a venue, in base units; ``margins``: what venues
        say of margin themselves; ``ask``: for the one change that is no order, that of the leverage."""
        super().__init__(parent)
        self.form = TicketForm()
        self.instrument: Instrument | None = None
        self.order_types: tuple[OrderType, ...] = ()
        self.lives: tuple[TimeInForce, ...] = ()
        self.fields: frozenset[str] = frozenset()
        self.problems: dict[str, str] = {}
        self.warnings: tuple[str, ...] = ()
        self.size_note = ""
        self.leg_notes: dict[str, str] = {}
        self.units: tuple[SizeUnit, ...] = ()
        self._unit_is_fresh = True
        self.references: tuple[TriggerReference, ...] = ()
        self.carry: tuple[CostLine, ...] = ()
        self.percent: int | None = 0
        self.percent_reason = ""
        self.presets: tuple[tuple[Preset, ...], ...] = parse_presets(presets)
        self.cost: CostEstimate | None = None
        self.lines: tuple[CostLine, ...] = ()
        self.fixed: tuple[CostLine, ...] = ()
        self.buttons: dict[Side, SendButton] = {}
        self.hide_amounts = False
        self._small_size = small_size
        self._margins = margins
        self._market, self._gate, self._accounts = market, gate, accounts
        self._selection, self._frames, self._clock = selection, frames, clock
        self._where = FormPlace(sessions, gate, accounts, clock, margins)
        self._id: InstrumentId | None = None
        self._sizes: dict[InstrumentId, tuple[str, SizeUnit]] = {}
        self._tried = False
        self._just_sent = False
        self._prefill = False
        self._carried: Decimal | None = None
        self._visible = True
        self._built_ns = -_REFRESH_NS
        self._release_book, self._release_quotes = _nothing, _nothing
        self.sending = OrderSender(
            gate,
            market.instrument,
            self._cost_of,
            clock,
            self,
            margin_of=self._margin_of,
            legs_of=self._legs_of,
        )
        self.leverage = LeverageChoice(
            margins, ask, lambda text, refused: self.sending.tell(text, refused=refused)
        )
        self._money = TicketMoney(accounts, self.leverage)
        self._carry = Carry(market, accounts, margins, self.leverage, self._money, clock)
        self.sending.changed.connect(self._on_sending)
        self.sending.confirmation_needed.connect(self.confirmation_needed)
        self._unwatch = (
            market.changed.watch(self._on_market),
            selection.changed.watch(self._on_selection),
            self._where.moved.watch(self._load_instrument),
            self._where.stirred.watch(lambda: frames.request(self._on_frame)),
            self._where.voided.watch(self.sending.discard),
            self._where.left.watch(self.sending.clear_result),
            self._where.armed.watch(self._refresh),
        )
        self._on_selection()

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in self._unwatch:
            unwatch()
        self._where.close()
        self._release_book()
        self._release_quotes()
        self._frames.cancel(self._on_frame)
        self.sending.close()

    def set_visible(self, visible: bool) -> None:
        """A hidden ticket follows no prices."""
        self._visible = visible
        if visible:
            self._refresh()

    def set_presets(self, text: str) -> None:
        """Other size buttons, as a settings text."""
        self.presets = parse_presets(text)
        self.changed.emit()

    def set_hide_amounts(self, on: bool) -> None:
        """Show dots in place of what is free."""
        self.hide_amounts = on
        self._refresh()

    # -- what happens around it -----------------------------------------------------------------------

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if instrument != self._id or topic in (Topic.TRADES, Topic.BARS):
            return
        if topic is Topic.INSTRUMENT or self.instrument is None:
            self._load_instrument()
        # The ladder takes its size from here, so the first size is worked out behind a closed tab as well.
        if self._visible or self._prefill:
            self._frames.request(self._on_frame)

    def _on_frame(self) -> None:
        if self._clock.monotonic_ns() - self._built_ns < _REFRESH_NS:
            self._frames.request(self._on_frame)
            return
        self._refresh()

    def _on_selection(self) -> None:
        new = self._selection.instrument
        if new == self._id:
            self.changed.emit()
            return
        if self._id is not None:
            self._sizes[self._id] = (self.form.size, self.form.unit)
        self._release_book()
        self._release_quotes()
        self._release_book, self._release_quotes = _nothing, _nothing
        self._id, self.instrument = new, None
        if new is not None:
            self._release_book = self._market.watch(Feed(FeedKind.BOOK, new.symbol), new.venue)
        # A price of one instrument must never stand in the ticket of another.
        self.form = TicketForm(side=self.form.side, order_type=self.form.order_type)
        self._unit_is_fresh = True
        self._tried, self._just_sent, self._prefill = False, False, True
        self._carried = None
        self.sending.discard()
        self.sending.clear_result()
        self._load_instrument()
        self._refresh()

    def _on_sending(self) -> None:
        result = self.sending.result
        if result is not None and result.kind is ResultKind.SENDING:
            self._just_sent = True
            self._frames.request(self._on_frame)
        self.changed.emit()

    def _load_instrument(self) -> None:
        place = self._where.show(self._id)
        self.instrument = self._market.instrument(self._id) if self._id is not None else None
        self._money.show(self.instrument, place)
        if self._id is None:
            self.order_types, self.lives = (), ()
            return
        abilities = place.abilities if place is not None else None
        self.order_types = (
            () if abilities is None else tuple(x for x in OrderType if x in abilities.order_types)
        )
        if self.order_types and self.form.order_type not in self.order_types:
            limit = OrderType.LIMIT
            self.form.order_type = limit if limit in self.order_types else self.order_types[0]
        self._load_lives(abilities)
        self._load_units(abilities)
        if self._is_perpetual and self._release_quotes is _nothing:
            # The funding comes along with the quotes.
            self._release_quotes = self._market.watch(Feed(FeedKind.QUOTES, self._id.symbol), self._id.venue)

    @property
    def place(self) -> Place | None:
        """Where an order would go; None while the venue is not connected."""
        return self._where.place

    @property
    def empty_text(self) -> str:
        """Why it shows no instrument."""
        return self._selection.empty_text if self._id is None else self._where.missing_text

    @property
    def _is_perpetual(self) -> bool:
        return self.instrument is not None and self.instrument.kind is InstrumentKind.PERPETUAL

    def _load_lives(self, abilities: VenueAbilities | None) -> None:
        """How long an order of this type may live here."""
        known = frozenset() if abilities is None else abilities.time_in_force
        if abilities is not None and self.form.order_type not in abilities.immediate_types:
            known -= IMMEDIATE
        self.lives = tuple(life for life in _LIVES if life in known)
        if self.lives and self.form.time_in_force not in self.lives:
            self.form.time_in_force = self.lives[0]

    def _load_units(self, abilities: VenueAbilities | None) -> None:
        """What the size field may count here; a unit that is unknown here gives way to the usual one."""
        if self.instrument is None or abilities is None:
            return
        by_risk = (SizeUnit.RISK, SizeUnit.RISK_MONEY) if "stop loss" in abilities.protection_words else ()
        if self.instrument.lot_size:
            self.units = (SizeUnit.LOTS, SizeUnit.BASE, *by_risk)
        else:
            self.units = (SizeUnit.BASE, SizeUnit.QUOTE, SizeUnit.PERCENT, *by_risk)
        if self._unit_is_fresh or self.form.unit not in self.units:
            self.form.unit = self.units[0]
            # Whether it is traded in lots stands in the full record, which may come later.
            self._unit_is_fresh = not self.instrument.is_detailed
        more = (TriggerReference.INDEX,) if abilities.trigger_on_index else ()
        other = tuple(each for each in TriggerReference if each in abilities.trigger_references)
        self.references = (TriggerReference.LAST, *more, *other)

    # -- the form -------------------------------------------------------------------------------------

    def set_side(self, side: Side) -> None:
        """Choose what Ctrl+Enter sends and what the cost strip is about."""
        if side is not self.form.side:
            self.form.side = side
            self._edited()

    def set_order_type(self, order_type: OrderType) -> None:
        """Choose the order type; what it does not need is left out of the request."""
        if order_type in self.order_types and order_type is not self.form.order_type:
            self.form.order_type = order_type
            self._load_lives(self.place.abilities if self.place is not None else None)
            self._tried = False
            self._edited()

    def set_text(self, name: str, text: str) -> None:
        """Take what was typed into a field; ``quantity`` is the size field."""
        attribute = "size" if name == QUANTITY else name
        if getattr(self.form, attribute) == text:
            return
        setattr(self.form, attribute, text)
        if name == QUANTITY:
            self._unit_is_fresh, self._carried = False, None
        if name in _PRICE_FIELDS:
            self._prefill = False
        self._edited()

    def carry_size(self, quantity: Decimal) -> None:
        """Take the size from another instrument: base units of this one, on no grid. Never more than that
        gets into the field; what is less than the venue takes stands there as it is, and is refused."""
        self._carried, self._prefill = quantity, True
        self.form.size = ""
        self._edited()

    def set_unit(self, unit: SizeUnit) -> None:
        """Switch what the size counts, keeping the size itself where the figures allow."""
        if unit is self.form.unit:
            return
        self.form.size, self.form.unit = self._converted(unit), unit
        self._unit_is_fresh = False
        self._edited()

    def set_percent(self, percent: int) -> None:
        """The slider: a share of what is free for the chosen side, where sizes may be counted so."""
        if SizeUnit.PERCENT not in self.units:
            return
        self.form.unit = SizeUnit.PERCENT
        self.form.size = str(percent) if percent else ""
        self._unit_is_fresh = False
        self._edited()

    def set_life(self, time_in_force: TimeInForce) -> None:
        """How long the order lives; GTD asks for an expiry."""
        self.form.time_in_force = time_in_force
        if time_in_force is TimeInForce.GTD and not self.form.expire_time:
            self.form.expire_time = "+1d"
        self._edited()

    def set_flags(
        self,
        *,
        post_only: bool | None = None,
        reduce_only: bool | None = None,
        trail_in_percent: bool | None = None,
        trigger_reference: TriggerReference | None = None,
        trailing: bool | None = None,
        guaranteed: bool | None = None,
    ) -> None:
        """The switches of the form; None leaves one as it is."""
        form = self.form
        form.post_only = form.post_only if post_only is None else post_only
        form.reduce_only = form.reduce_only if reduce_only is None else reduce_only
        if trail_in_percent is not None and trail_in_percent is not form.trail_in_percent:
            form.trail_in_percent, form.trail_offset = trail_in_percent, ""
        form.trigger_reference = trigger_reference or form.trigger_reference
        form.trailing = form.trailing if trailing is None else trailing
        form.guaranteed = form.guaranteed if guaranteed is None else guaranteed
        self._edited()

    def press_preset(self, preset: Preset) -> None:
        """A button of the preset row."""
        if self.instrument is None:
            return
        book = self._market.book(self.instrument.id)
        bid = book.best_bid if book is not None else None
        ask = book.best_ask if book is not None else None
        try:
            self.form.size, self.form.unit = apply_preset(
                preset,
                self.form.size,
                self.instrument,
                self.form.unit,
                bid_quantity=bid.quantity if bid is not None else None,
                ask_quantity=ask.quantity if ask is not None else None,
            )
        except ValueError as error:
            self.problems = {**self.problems, QUANTITY: str(error)}
            self.changed.emit()
            return
        self._unit_is_fresh = False
        self._edited()

    def step_price(self, name: str, ticks: int) -> None:
        """Move a price field by ticks (the arrow keys); an empty one starts at the best price."""
        if self.instrument is None or name not in (LIMIT_PRICE, TRIGGER_PRICE):
            return
        text = self.form.limit_price if name == LIMIT_PRICE else self.form.trigger_price
        tick = self.instrument.tick_size
        try:
            at = Decimal(text) if text.strip() else self._best(self.form.side)
        except ArithmeticError:
            return
        if at is not None and at.is_finite() and at + ticks * tick > 0:
            self.set_text(name, self._price_text(at + ticks * tick if text.strip() else at))

    def take_price(self, where: str) -> None:
        """Set the limit (or else the trigger) to ``bid``, ``ask``, ``mid`` or ``last``."""
        book = self._market.book(self._id) if self._id is not None else None
        quote = self._market.quote(self._id) if self._id is not None else None
        found = {
            "bid": book.best_bid.price if book is not None and book.best_bid is not None else None,
            "ask": book.best_ask.price if book is not None and book.best_ask is not None else None,
            "mid": book.mid if book is not None else None,
            "last": quote.last if quote is not None else None,
        }.get(where)
        if found is None:
            self.sending.tell(f"There is no current {where} price.")
            return
        self.set_text(LIMIT_PRICE if LIMIT_PRICE in self.fields else TRIGGER_PRICE, self._price_text(found))

    def fill(self, side: Side, order_type: OrderType | None, price: Decimal) -> None:
        """Take a side, a type and a price from a click elsewhere; nothing is sent."""
        self.form.side = side
        if order_type is not None and order_type in self.order_types:
            self.form.order_type = order_type
        kind = self.form.order_type
        if self.instrument is None or kind is OrderType.MARKET:
            self._edited()
            return
        text = self._price_text(price)
        self._prefill = False
        if kind.has_trigger:
            self.form.trigger_price = text
        if kind.has_limit_price and not kind.has_trail:
            self.form.limit_price = text
        self._edited()

    def quantity_for(self, side: Side, price: Decimal) -> Decimal | None:
        """What the size field means for an order of this side at this price; None where it means nothing."""
        around = self._around(side)
        if around is None:
            return None
        try:
            size = parse_size(self.form.size, around.instrument, self.form.unit)
        except ValueError:
            return None
        risk = self._risk(around, side, price)
        return resolve_size(size, OrderType.LIMIT, side, around, price, risk).quantity

    def _risk(self, around: Surroundings, side: Side, price: Decimal) -> Risk:
        """For a size by risk at another price: the distance of the form's stop from there."""
        distance = None
        if self.form.stop_loss.strip():
            with contextlib.suppress(ValueError):
                leg = read_leg(self.form.stop_loss, around.instrument, entry=price, direction=-side.sign)
                distance = leg.distance
        return Risk(distance, around.equity, around.rate)

    # -- sending --------------------------------------------------------------------------------------

    def submit(self, side: Side | None = None) -> None:
        """Send the form for a side (None: the chosen one), by way of the gate and its confirmation.

        A size that depends on the side (a share of what is free) is shown again before the other side's
        button sends it, even with one-click armed: the number that was on screen was another one.
        """
        if self.sending.pending is not None:
            return
        side = side or self.form.side
        other_number = side is not self.form.side and self._size_depends_on_side()
        self._tried = True
        reading = self._read(side)
        if reading is None or self.place is None:
            self.sending.tell("Not sent: choose an instrument of a connected venue first.")
            return
        if reading.request is None:
            self._refresh()
            first = next(iter(reading.problems.values()), "")
            self.sending.tell(f"Not sent: {first[:1].lower()}{first[1:]}")
            return
        if side is not self.form.side:
            self.form.side = side
            self._refresh()
        self.sending.submit(self.place, reading.request, lambda: self._fresh_request(side), ask=other_number)

    def confirm(self) -> None:
        """Yes to what was shown."""
        self.sending.confirm()

    def discard(self) -> None:
        """No to what was shown."""
        self.sending.discard()

    def _fresh_request(self, side: Side) -> OrderRequest | None:
        reading = self._read(side)
        return reading.request if reading is not None else None

    # -- reading and showing --------------------------------------------------------------------------

    def _edited(self) -> None:
        self._just_sent = False
        self.sending.discard()
        self.sending.clear_result()
        self._refresh()

    def _around(self, side: Side) -> Surroundings | None:
        if self.instrument is None or self.place is None:
            return None
        return Surroundings(
            self.instrument,
            self.place.abilities,
            self._market.book(self.instrument.id),
            self._money.power(side),
            self._money.fees(),
            self._clock.wall_ns(),
            quote=self._market.quote(self.instrument.id),
            equity=self._money.equity(),
            rate=self._money.rate(),
            leverage=self._money.times,
        )

    def _read(self, side: Side) -> Reading | None:
        around = self._around(side)
        return None if around is None else read_form(self.form, side, around)

    def _cost_of(self, request: OrderRequest) -> CostEstimate | None:
        if self.instrument is None or request.instrument != self.instrument.id:
            return None
        current = self.leverage.current
        return estimate(
            request,
            self.instrument,
            self._market.book(self.instrument.id),
            self._money.fees(),
            isolated_leverage=current.value if current is not None and current.mode == _ISOLATED else None,
        )

    def _margin_of(self, request: OrderRequest, cost: CostEstimate | None) -> str | None:
        """As the strip shows it: the venue's own word where it has given one."""
        carry = self._carry_lines(request)
        if not carry:
            return None
        margin = carry[0]
        return "" if margin.value == fmt.NOTHING else f"{margin.value} {margin.detail}".strip()

    def _legs_of(self, request: OrderRequest) -> tuple[Decimal | None, Decimal | None]:
        """Stop and target of the form as prices, as far as they were typed so."""
        reading = self._read(request.side)
        return reading.leg_prices if reading is not None else (None, None)

    def _refresh(self) -> None:
        """Read the form anew and work out everything that is shown."""
        self._built_ns = self._clock.monotonic_ns()
        self.leverage.show(self.instrument, self.place)
        if self.instrument is None or self.place is None or not self.order_types:
            self.fields, self.problems, self.warnings = frozenset(), {}, ()
            self.cost, self.lines, self.fixed, self.buttons = None, (), (), {}
            self.leg_notes, self.carry = {}, ()
            self.changed.emit()
            return
        self._fill_in_once()
        self.fields = shown_fields(
            self.form.order_type, self.form.time_in_force, self.place.abilities, self.instrument
        )
        readings = {side: self._read(side) for side in Side}
        chosen = readings[self.form.side]
        assert chosen is not None
        self.size_note, self.leg_notes = chosen.size_note, chosen.leg_notes
        problems = {
            name: text for name, text in chosen.problems.items() if self._tried or name not in chosen.missing
        }
        self.warnings = ()
        self.cost = None
        if chosen.request is not None:
            self.cost = self._cost_of(chosen.request)
            beside, warnings = self._checked(chosen.request)
            thin = self.cost.thin_text if self.cost is not None else ""
            known = any("too thin" in text for text in warnings)
            self.warnings = warnings if known or not thin else (thin[:1].upper() + thin[1:], *warnings)
            problems.update(beside)
        self.problems = problems
        self.percent_reason = self._why_no_percent(chosen)
        self.percent = None if self.percent_reason else self._percent_of(chosen.request)
        own = self._money.own_money()
        self.lines = cost_lines(self.cost, self.form.side, self.instrument, self._why_no_cost(chosen), own)
        self.fixed = fixed_numbers(self.cost, self.form.side, self.instrument, own)
        self.carry = self._carry_lines(chosen.request)
        self.buttons = {side: self._button(side, readings[side]) for side in Side}
        self.changed.emit()

    def _fill_in_once(self) -> None:
        """A small size and the best own price, so that the first cost strip shows real numbers."""
        assert self.instrument is not None
        if not self._prefill or not self.instrument.is_detailed:
            return
        price = self._best(self.form.side)
        if not self.form.size:
            remembered = self._sizes.get(self.instrument.id)
            if self._carried is not None:
                self.form.size, self.form.unit = self._carried_text(self._carried), self.units[0]
                self._carried, self._unit_is_fresh = None, False
            elif remembered is not None and remembered[0]:
                self.form.size, self.form.unit = remembered
                self._unit_is_fresh = False
            elif price is not None:
                small = self._small_size(self.instrument.id.venue)
                self.form.size = default_size(self.instrument, price, small, rate=self._money.dollars(price))
        if price is None:
            return
        if not self.form.limit_price:
            self.form.limit_price = self._price_text(price)
        self._prefill = False

    def _carried_text(self, quantity: Decimal) -> str:
        """A quantity on the instrument's step, or, below its minimum, as it is; in what the field counts."""
        assert self.instrument is not None
        amount = round_down(quantity, self.instrument.quantity_step)
        if amount < self.instrument.min_quantity:
            amount = round_down(quantity, _FINEST)
        return plain(amount / (self.instrument.lot_size or 1))

    def _checked(self, request: OrderRequest) -> tuple[dict[str, str], tuple[str, ...]]:
        """What the gate's checks say now: beside which field, and what will be asked before sending."""
        assert self.place is not None
        if not self.place.can_trade or self._gate.closed_reason(self.place.account) or self._market_closed():
            return {}, ()
        found = self._gate.check(self.place.account, request)
        # What stands in the form is the order that has just left: that it would be a second one is said at
        # the next press or edit, not as a reproach for the first.
        quiet = _DUPLICATE if self._just_sent else ""
        beside, rest = beside_fields([each for each in found.refusals if each.rule != quiet], self.fields)
        warnings = [each.user_text for each in found.warnings if each.rule != quiet]
        asked = tuple(text[:1].upper() + text[1:] for text in warnings)
        return beside, (*(text for text in rest), *asked)

    def _button(self, side: Side, reading: Reading | None) -> SendButton:
        assert self.instrument is not None
        word = "Buy" if side is Side.BUY else "Sell"
        reason = self.closed_reason
        request = reading.request if reading is not None else None
        if request is None:
            return SendButton(word, "complete the order" if reading and reading.missing else "", reason)
        reason = reason or self._not_taken(request)
        cost = self.cost if side is self.form.side else self._cost_of(request)
        price = request.limit_price or request.trigger_price
        at = order_price(price, self.instrument) if price is not None else "market"
        if request.order_type.has_trail:
            at = "trailing"
        total = cost.total or cost.notional if cost is not None else None
        money = f" · {money_text(total, self.instrument)}" if total is not None else ""
        if self.instrument.is_inverse:
            # The first line tells dollars: where the coins have no room they go with their unit, in one word.
            money = money.lstrip().replace(" ", _NO_BREAK)
            money = f" {money}" if money else ""
        if self.instrument.lot_size:
            # What moves here is the margin; the whole worth would frighten without telling anything.
            lots = fmt.quantity(request.quantity / self.instrument.lot_size)
            return SendButton(f"{word} {lots} lots", at, reason)
        amount = fmt.quantity(request.quantity, max(8, self.instrument.quantity_decimals))
        return SendButton(f"{word} {amount} {self.instrument.base}", f"{at}{money}", reason)

    def _carry_lines(self, request: OrderRequest | None) -> tuple[CostLine, ...]:
        if self.instrument is None or self.place is None:
            return ()
        return self._carry.lines(self.instrument, self.place, request, self.form.side, self.cost)

    def _market_closed(self) -> str:
        """That the market is closed, and when it opens; empty while it is open."""
        return closed_text(self.instrument, self._clock.wall_ns())

    def _not_taken(self, request: OrderRequest) -> str:
        """Why the venue takes no order of this kind now; empty where it does, or where that may be tried."""
        assert self.instrument is not None
        if not self.instrument.is_detailed:
            return ""
        found = check_status(request, self.instrument, now_ns=self._clock.wall_ns())
        return next((each.user_text for each in found if not each.confirmable), "")

    @property
    def comment_length(self) -> int:
        """How many characters the venue keeps of a comment; 0 where it keeps none."""
        return self.place.abilities.comment_length if self.place is not None else 0

    @property
    def closed_reason(self) -> str:
        """Why the two buttons are off, for a line under them; empty when they are on."""
        return self._where.closed_reason(self.instrument)

    @property
    def free_texts(self) -> tuple[str, str]:
        """What is free to spend: quote money and base units; the same for both sides on margin."""
        return self._money.free_texts(self.hide_amounts)

    def _why_no_cost(self, reading: Reading) -> str:
        assert self.instrument is not None
        if reading.request is None:
            return "complete the order"
        state = self._market.book_state(self.instrument.id)
        if state is FeedState.UNSUPPORTED:
            return "no book at this venue"
        return {FeedState.LIVE: "no price to work with", FeedState.LOADING: "waiting for the book"}.get(
            state, "the book is stale"
        )

    def _best(self, side: Side) -> Decimal | None:
        """The best price of the own side, where a limit order would join."""
        book = self._market.book(self._id) if self._id is not None else None
        level = None if book is None else book.best_bid if side is Side.BUY else book.best_ask
        return level.price if level is not None else None

    def _price_text(self, price: Decimal) -> str:
        assert self.instrument is not None
        return format(price, f".{self.instrument.price_decimals}f")

    def _size_depends_on_side(self) -> bool:
        """Whether the entry means another quantity on the other side: money and shares do."""
        if self.instrument is None:
            return False
        try:
            unit = parse_size(self.form.size, self.instrument, self.form.unit).unit
            return unit not in (SizeUnit.BASE, SizeUnit.LOTS)
        except ValueError:
            return True

    def _why_no_percent(self, reading: Reading) -> str:
        """Why the share of what is free is not known now; empty where it is. A 0 would be a wrong number."""
        assert self.instrument is not None
        if self.instrument.lot_size:
            return "The share of what is free counts for what is paid in full, not for lots on margin."
        if not self.form.size.strip():
            return ""
        try:
            if parse_size(self.form.size, self.instrument, self.form.unit).unit is SizeUnit.PERCENT:
                return ""
        except ValueError as error:
            return str(error)
        if self.hide_amounts:
            # Beside the order's worth the share would tell what is free.
            return "Amounts are hidden."
        free = self._money.power(self.form.side)
        if free is None:
            known = self._money.free(self.form.side) is None or not self.leverage.is_offered
            return "The balance is not known yet." if known else "The leverage is not known yet."
        asset = self._money.spent(self.form.side)
        if not free:
            return f"No {asset} is free."
        if reading.request is None:
            return next(iter(reading.problems.values()), "Complete the order.")
        if pays_in_quote(self.form.side, self.instrument) and self._worth() is None:
            why = self._why_no_cost(reading)
            return f"{why[:1].upper()}{why[1:]}."
        return ""

    def _percent_of(self, request: OrderRequest | None) -> int:
        """Where the slider stands: the share of what is free that the size takes; over 100 where it is more
        than all."""
        assert self.instrument is not None
        if not self.form.size.strip():
            return 0
        size = parse_size(self.form.size, self.instrument, self.form.unit)
        if size.unit is SizeUnit.PERCENT:
            return int(size.value)
        free = self._money.power(self.form.side)
        assert free
        assert request is not None
        in_quote = pays_in_quote(self.form.side, self.instrument)
        needed = self._worth() if in_quote else request.quantity
        assert needed is not None
        return math.ceil(needed / free * 100) if needed > free else int(needed / free * 100)

    def _worth(self) -> Decimal | None:
        """What the order takes of the money; None without a price for it."""
        if self.cost is None or self.cost.notional is None:
            return None
        if self.instrument is not None and self.instrument.kind in DERIVATIVES:
            # Either side ties money up, and pays the fee out of it.
            return self.cost.notional + (self.cost.fee or ZERO)
        return self.cost.total or self.cost.notional

    def _converted(self, unit: SizeUnit) -> str:
        """The size field's text in another unit; empty where it cannot be worked out."""
        around = self._around(self.form.side)
        if around is None:
            return ""
        price = self._entry_price()
        try:
            size = parse_size(self.form.size, around.instrument, self.form.unit)
        except ValueError:
            return ""
        reading = self._read(self.form.side)
        known = reading.request if reading is not None else None
        if known is not None:
            base: Decimal | None = known.quantity
        else:
            base = resolve_size(size, self.form.order_type, self.form.side, around, price).quantity
        if base is None:
            return ""
        if unit is SizeUnit.BASE:
            return plain(base)
        if unit is SizeUnit.LOTS:
            return plain(base / (around.instrument.lot_size or 1))
        if unit in (SizeUnit.RISK, SizeUnit.RISK_MONEY):
            return ""
        if unit is SizeUnit.QUOTE:
            if price is None:
                return ""
            step = Decimal("0.00000001" if around.instrument.is_inverse else "0.01")
            return plain(value(around.instrument, base, price).quantize(step))
        held = around.free
        worth: Decimal | None = base
        if pays_in_quote(self.form.side, around.instrument):
            worth = None if price is None else value(around.instrument, base, price)
        if not held or worth is None:
            return ""
        return plain(min(Decimal(100), worth / held * 100).quantize(Decimal("0.01")))

    def _entry_price(self) -> Decimal | None:
        reading = self._read(self.form.side)
        if reading is not None and reading.request is not None:
            named = reading.request.limit_price or reading.request.trigger_price
            if named is not None:
                return named
        return self._best(self.form.side.opposite)

    def size_text(self) -> str:
        """The size as the ladder shows it: ``0.05 BTC``, ``25 % of free``; empty while it is no size."""
        if self.instrument is None:
            return ""
        try:
            size: Size = parse_size(self.form.size, self.instrument, self.form.unit)
        except ValueError:
            return ""
        if size.unit is SizeUnit.PERCENT:
            return f"{plain(size.value)} % of free"
        if size.unit in (SizeUnit.LOTS, SizeUnit.RISK, SizeUnit.RISK_MONEY):
            return f"{plain(size.value)} {size.unit.value}"
        unit = self.instrument.base if size.unit is SizeUnit.BASE else self.instrument.settled_in
        return f"{fmt.quantity(size.value)} {unit}"

    @property
    def expiry_hint(self) -> str:
        """The expiry as a date, where one is entered that can be read."""
        reading = self._read(self.form.side)
        if EXPIRE_TIME not in self.fields or reading is None or reading.request is None:
            return ""
        return fmt.date_time(reading.request.expire_time_ns)


def _nothing() -> None:
    return None
