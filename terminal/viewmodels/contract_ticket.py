"""The contract form: a stake, a direction, an expiry, and what that means before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from typing import Final

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.domain.contract_rules import duration_text
from terminal.domain.contracts import (
    NS,
    ContractOffer,
    ContractTerms,
    ExpiryMode,
    HitRate,
    clock_expiry_ns,
    win_amount,
)
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import OrderRequest, OrderType
from terminal.domain.rules import plain
from terminal.domain.twins import ALONE, open_counterpart
from terminal.services.market_data import Topic
from terminal.services.order_checks import CheckResult
from terminal.viewmodels import format as fmt
from terminal.viewmodels.contract_form import (
    ContractForm,
    ExpiryChoice,
    expiry_choices,
    left_text,
    part_faults,
    read_opens,
    read_stake,
    read_trigger,
    sentence,
    still_ahead,
)
from terminal.viewmodels.contract_words import (
    UNTOLD,
    need_words,
    own_rate_text,
    payout_words,
    utc_day,
    utc_moment,
)
from terminal.viewmodels.cost import CostEstimate
from terminal.viewmodels.cost_text import CostLine
from terminal.viewmodels.cross_venue_ports import Chooser
from terminal.viewmodels.form_place import FormPlace
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.market_hours import closed_text, is_closed
from terminal.viewmodels.ports import Accounts, Gate, Market, Place, Sessions
from terminal.viewmodels.quote_meter import NO_READING, QuoteMeter, Reading
from terminal.viewmodels.sending import OrderSender
from terminal.viewmodels.ticket_button import SendButton
from terminal.viewmodels.ticket_money import free_of
from terminal.viewmodels.venue_word import Crowd, Suggestion, Talk, VenueWord

STAKE: Final = "quantity"
EXPIRY: Final = "expiry"
OPENS: Final = "opens"
TRIGGER: Final = "trigger_price"
PRESETS: Final = ("1", "5", "10", "25", "50", "1%", "2%", "5%")
TIE_RULE: Final = "A tie gives the stake back."

_REFRESH_S: Final = 0.5
_SMALLEST_STAKES: Final = 5
_CENT: Final = Decimal("0.01")
_NAMES: Final = {STAKE: "stake", EXPIRY: "expiry", OPENS: "opening", TRIGGER: "price to open at"}


HitRates = Callable[[str, InstrumentId, int], HitRate]
"""Of an account, for an instrument and a length in seconds."""


def _no_rate(account: str, instrument: InstrumentId, duration_s: int) -> HitRate:
    return HitRate(0, 0)


class ContractTicketViewModel(QObject):
    """The form of the selected instrument where that is traded by contracts.

    Signals:
        changed: re-read everything; after an edit, with the market, and twice a second for the clock.
        confirmation_needed: a question waits in ``sending.pending``.

    Attributes:
        offer: what the venue pays for how long; None: not for this instrument, or not known.
        expiries: what the picker offers. ends_text: when the chosen one ends, by the venue's clock.
        opens_late: it opens on another day than today, which a time without a date does not tell.
        stake: what the field means; None while it means nothing.
        payout_text, win_text, lose_text, outcome_text, need_text, own_text: the figures of the chosen
            expiry in words; outcome_text is win and loss in one, payout_tip says what the payout is.
        fixed: most I can lose, cost to enter and leave, what breaks even.
        problems: what is wrong, by field. warnings: what else is, and what will be asked. buttons: by side.
        crowd: which way the venue's own people lean; None while it does not tell.
        has_signals: the venue suggests contracts. suggestions: those that are not over. suggestion: the one
            for this instrument; None where there is none, and no_suggestion_text says why.
        other: while this market is closed, the open contract on the same thing that is priced the other way,
            by the venue or by the market; None where there is none. other_text: both in a sentence.
    """

    changed = Signal()
    confirmation_needed = Signal(object)

    def __init__(
        self,
        market: Market,
        sessions: Sessions,
        gate: Gate,
        accounts: Accounts,
        selection: Chooser,
        frames: FrameClock,
        clock: Clock,
        *,
        hit_rates: HitRates = _no_rate,
        ahead_ms: Callable[[str], float | None] = lambda venue: None,
        meter: QuoteMeter | None = None,
        talk: Talk | None = None,
        listed: Callable[[str], Sequence[Instrument]] = lambda venue: (),
        group_of: Callable[[InstrumentId], str] = lambda instrument: ALONE,
        parent: QObject | None = None,
    ) -> None:
        """``ahead_ms``: how far the venue's clock is before ours, in ms; None while not known. ``meter``
        lays the price beside another venue's; ``talk`` asks what the venue says of its own people and
        suggests. ``listed``: what a venue lists; ``group_of``: the twins that a person has put together."""
        super().__init__(parent)
        self.form = ContractForm()
        self.instrument: Instrument | None = None
        self.offer: ContractOffer | None = None
        self.expiries: tuple[ExpiryChoice, ...] = ()
        self.stake: Decimal | None = None
        self.payout_pct = ZERO
        self.clock_text = self.ends_text = ""
        self.opens_late = False
        self.payout_text = self.win_text = self.lose_text = self.need_text = self.own_text = ""
        self.outcome_text = self.payout_tip = ""
        self.free_text = ""
        self.fixed: tuple[CostLine, ...] = ()
        self.problems: dict[str, str] = {}
        self.warnings: tuple[str, ...] = ()
        self.buttons: dict[Side, SendButton] = {}
        self.crowd: Crowd | None = None
        self.has_signals = False
        self.suggestions: tuple[Suggestion, ...] = ()
        self.suggestion: Suggestion | None = None
        self.no_suggestion_text = ""
        self.other: Instrument | None = None
        self.other_text = ""
        self.hide_amounts = False
        self._listed, self._group_of = listed, group_of
        self._market, self._gate, self._accounts = market, gate, accounts
        self._selection, self._frames, self._clock = selection, frames, clock
        self._where = FormPlace(sessions, gate, accounts, clock)
        self._hit_rates, self._ahead_ms = hit_rates, ahead_ms
        self._meter = meter
        if meter is not None:
            meter.set_visible(True)
        self._word = VenueWord(talk, clock, self._venue_ns) if talk is not None else None
        self._id: InstrumentId | None = None
        self._seen_payout: Decimal | None = None
        self._wanted = self.form.mode, self.form.duration_s
        self._visible = True
        self._just_sent = False
        self._release: Callable[[], None] = _nothing
        self.sending = OrderSender(gate, market.instrument, _no_cost, clock, self)
        self.sending.changed.connect(self.changed)
        self.sending.confirmation_needed.connect(self.confirmation_needed)
        self._unwatch = (
            market.changed.watch(self._on_market),
            selection.changed.watch(self._on_selection),
            self._where.moved.watch(self._load),
            self._where.stirred.watch(lambda: frames.request(self._refresh)),
            self._where.voided.watch(self.sending.discard),
            self._where.left.watch(self.sending.clear_result),
            self._where.armed.watch(self._refresh),
            frames.every(_REFRESH_S, self._on_clock),
        )
        self._on_selection()

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in self._unwatch:
            unwatch()
        self._where.close()
        self._release()
        self._frames.cancel(self._refresh)
        self.sending.close()
        if self._meter is not None:
            self._meter.close()
        if self._word is not None:
            self._word.close()

    @property
    def place(self) -> Place | None:
        """Where a contract would be bought; None while the venue is not connected."""
        return self._where.place

    @property
    def is_offered(self) -> bool:
        """Whether the selected instrument is traded by contracts, so that this form is the one to show."""
        return self.offer is not None and self.place is not None

    def set_visible(self, visible: bool) -> None:
        """A hidden form follows no prices and no clock."""
        self._visible = visible
        if self._meter is not None:
            self._meter.set_visible(visible)
        if self._word is not None:
            self._word.set_visible(visible)
        if visible:
            self._refresh()

    def set_hide_amounts(self, on: bool) -> None:
        """Show dots in place of what is free."""
        self.hide_amounts = on
        self._refresh()

    # -- what happens around it -----------------------------------------------------------------------

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if instrument != self._id or topic in (Topic.TRADES, Topic.BARS, Topic.BOOK):
            return
        if topic is Topic.INSTRUMENT or self.instrument is None:
            self._load()
        if self._visible:
            self._frames.request(self._refresh)

    def _on_selection(self) -> None:
        new = self._selection.instrument
        if new == self._id:
            return
        self._release()
        self._release = _nothing
        self._id, self.instrument, self.offer = new, None, None
        self._seen_payout, self._just_sent = None, False
        # The stake is the person's own measure and stays; a price of another instrument never does.
        # Likewise the length as it was chosen, where another instrument had none such meanwhile.
        mode, length_s = self._wanted
        self.form = replace(self.form, mode=mode, duration_s=length_s, trigger_price="", opens="")
        self.sending.discard()
        self.sending.clear_result()
        self._load()
        self._refresh()

    def _on_clock(self) -> None:
        if self._visible and self.is_offered:
            self._refresh()

    def _load(self) -> None:
        self._where.show(self._id)
        self.instrument = self._market.instrument(self._id) if self._id is not None else None
        self.offer = self.instrument.offer if self.instrument is not None else None
        own = self.instrument if self.offer is not None else None
        if self._meter is not None:
            self._meter.follow(own)
        if self._word is not None:
            self._word.follow(own)
        if self._id is None or self.offer is None:
            return
        if self._release is _nothing:
            self._release = self._market.watch(Feed(FeedKind.QUOTES, self._id.symbol), self._id.venue)
        if not self.offer.offers(self.form.mode, self.form.duration_s):
            self._choose_offered()
        if not self.form.stake:
            self.form.stake = plain(self.offer.min_stake * _SMALLEST_STAKES)

    def _choose_offered(self) -> None:
        """The nearest expiry that there is, the other way of counting if need be."""
        assert self.offer is not None
        modes = (self.form.mode, *(mode for mode in ExpiryMode if mode is not self.form.mode))
        for mode in modes:
            lengths = self.offer.timed_s if mode is ExpiryMode.TIMED else self.offer.clock_s
            if lengths:
                self.form.mode = mode
                self.form.duration_s = min(lengths, key=lambda each: abs(each - self.form.duration_s))
                return

    @property
    def outside(self) -> Reading:
        """The price beside another venue's of the same thing."""
        return self._meter.reading if self._meter is not None else NO_READING

    # -- the form -------------------------------------------------------------------------------------

    def set_side(self, side: Side) -> None:
        """Choose what Ctrl+Enter sends: BUY is up."""
        if side is not self.form.side:
            self.form.side = side
            self._edited()

    def set_text(self, name: str, text: str) -> None:
        """Take what was typed into a field."""
        attribute = "stake" if name == STAKE else name
        if getattr(self.form, attribute) != text:
            setattr(self.form, attribute, text)
            self._edited()

    def set_expiry(self, mode: ExpiryMode, duration_s: int) -> None:
        """Choose how long it runs."""
        if (mode, duration_s) != (self.form.mode, self.form.duration_s):
            self.form.mode, self.form.duration_s = self._wanted = mode, duration_s
            self._edited()

    def step_stake(self, steps: int) -> None:
        """The arrow keys: one least stake up or down."""
        if self.offer is None or self.stake is None:
            return
        stake = self.stake + steps * self.offer.min_stake
        if stake > 0:
            self.set_text(STAKE, plain(stake))

    def take(self, suggestion: Suggestion) -> None:
        """Take direction and length of a suggestion into the form; nothing is sent."""
        what = f"{suggestion.instrument.symbol}: {suggestion.text[:1].lower()}{suggestion.text[1:]}"
        if suggestion.ends_ns is not None and suggestion.ends_ns <= self._venue_ns():
            self.sending.tell(f"The signal is over ({what}). Nothing was changed.")
            return
        if suggestion.instrument != self._id:
            self._selection.select(suggestion.instrument)
        offer, length_s = self.offer, suggestion.duration_s
        if offer is None or suggestion.instrument != self._id:
            self.sending.tell(f"{suggestion.instrument.symbol} cannot be shown here now.")
            return
        # So long after it opens, where there is the choice: at a line of the clock it would be shorter.
        mode = next((each for each in ExpiryMode if offer.offers(each, length_s)), None)
        if mode is None:
            self.sending.tell(f"There is no contract of this length ({what}). Nothing was changed.")
            return
        self.form.side, self.form.mode, self.form.duration_s = suggestion.side, mode, length_s
        self._wanted = mode, length_s
        self._edited()

    def go_to_other(self) -> None:
        """Show the open contract on the same thing instead; the form keeps stake and length."""
        if self.other is not None:
            self._selection.select(self.other.id)

    # -- sending --------------------------------------------------------------------------------------

    def submit(self, side: Side | None = None) -> None:
        """Send the form for a side (None: the chosen one), by way of the gate and its confirmation."""
        if self.sending.pending is not None:
            return
        side = side or self.form.side
        if side is not self.form.side:
            self.form.side = side
            self._refresh()
        if self.place is None or self.instrument is None or self.offer is None:
            self.sending.tell("Not sent: choose an instrument of a connected venue first.")
            return
        request = self._request(side)
        if request is None or self.problems:
            self._refresh()
        if self.problems:
            # Under the field stands why.
            self.sending.tell(f"Not sent: look at the {_NAMES[next(iter(self.problems))]}.")
            return
        if request is None:
            self.sending.tell("Not sent: complete the form.")
            return
        self._just_sent = True
        shown = request

        def again() -> OrderRequest | None:
            """The same from the figures of the moment; it is what is shown from then on."""
            nonlocal shown
            fresh = self._request(side, keep=shown)
            shown = fresh or shown
            return fresh

        self.sending.submit(self.place, request, again)

    def _request(self, side: Side, keep: OrderRequest | None = None) -> OrderRequest | None:
        """The form as a request. ``keep``: the one that was shown, whose payout stands unless it has become
        less, and its opening unless that has gone by: ``+1m`` is counted once."""
        offer, instrument = self.offer, self.instrument
        stake, trouble = self._read_stake()
        opens_ns, opens_trouble = read_opens(self.form.opens, self._venue_ns())
        trigger, trigger_trouble = read_trigger(self.form.trigger_price)
        if offer is None or instrument is None or stake is None:
            return None
        if trouble or opens_trouble or trigger_trouble:
            return None
        now_ns = self._venue_ns()
        expires_ns = None
        if self.form.mode is ExpiryMode.CLOCK and opens_ns is None and trigger is None:
            expires_ns = clock_expiry_ns(now_ns, self.form.duration_s)
        payout = self._seen_payout if self._seen_payout is not None else offer.payout(self.form.duration_s)
        if keep is not None and keep.contract is not None:
            payout = min(keep.contract.payout_pct, offer.payout(self.form.duration_s))
            kept_ns = keep.contract.opens_ns
            if opens_ns is not None and kept_ns is not None and still_ahead(kept_ns, now_ns):
                opens_ns = kept_ns
        terms = ContractTerms(self.form.mode, self.form.duration_s, payout, expires_ns, opens_ns)
        return OrderRequest(
            instrument.id, side, OrderType.CONTRACT, stake, trigger_price=trigger, contract=terms
        )

    # -- reading and showing --------------------------------------------------------------------------

    def _edited(self) -> None:
        self._just_sent = False
        self.sending.discard()
        self.sending.clear_result()
        self._refresh()

    def _venue_ns(self) -> int:
        """Now, by the clock that contracts end by."""
        ahead = self._ahead_ms(self._id.venue) if self._id is not None else None
        return self._clock.wall_ns() + int((ahead or 0.0) * 1_000_000)

    def _free(self) -> Decimal | None:
        if self.place is None or self.offer is None:
            return None
        return free_of(self._accounts, self.place, self.offer.currency)

    def _read_stake(self) -> tuple[Decimal | None, str]:
        if self.offer is None or self.instrument is None:
            return None, ""
        step = self.instrument.quantity_step or _CENT
        return read_stake(self.form.stake, self.offer.currency, step, self._free())

    def _read_opens(self) -> tuple[int | None, str]:
        """When it opens, as it is shown: that of an open question stands still."""
        shown = self.sending.pending.request if self.sending.pending is not None else None
        if shown is not None and shown.contract is not None and shown.contract.opens_ns is not None:
            return shown.contract.opens_ns, ""
        return read_opens(self.form.opens, self._venue_ns())

    def _refresh(self) -> None:
        if self.offer is None or self.instrument is None or self.place is None:
            self.expiries, self.fixed, self.buttons = (), (), {}
            self.problems, self.warnings, self.stake = {}, (), None
            self.changed.emit()
            return
        offer, now_ns = self.offer, self._venue_ns()
        self._tell_word(self.place)
        self._tell_other(self.instrument, self.place)
        if self.sending.pending is None:
            self._seen_payout = offer.payout(self.form.duration_s)
        self.payout_pct = offer.payout(self.form.duration_s)
        self.clock_text = _clock(now_ns)
        self.expiries = expiry_choices(offer, self.form, now_ns, closed=is_closed(self.instrument))
        self.stake, trouble = self._read_stake()
        problems = {STAKE: trouble} if trouble else {}
        for name, (_, wrong) in (
            (OPENS, self._read_opens()),
            (TRIGGER, read_trigger(self.form.trigger_price)),
        ):
            if wrong:
                problems[name] = wrong
        self._tell_end(now_ns)
        self._tell_money(offer)
        found = {side: self._found(self._request(side)) for side in Side}
        beside, self.warnings = self._parted(found[self.form.side])
        self.problems = problems | beside
        self.buttons = {side: self._button(side, each) for side, each in found.items()}
        self.changed.emit()

    def _tell_word(self, place: Place) -> None:
        word = self._word
        if word is not None:
            self.crowd, self.has_signals = word.crowd(place.title), word.has_signals
            self.suggestions = word.suggestions()
            why = "none for this asset now" if word.is_heard else "not heard while the line is down"
            self.no_suggestion_text = why
            self.suggestion = next((each for each in self.suggestions if each.instrument == self._id), None)

    def _tell_other(self, own: Instrument, place: Place) -> None:
        self.other, self.other_text = None, ""
        if is_closed(own):
            self.other = open_counterpart(own, self._listed(own.venue), self._group_of)
        if self.other is not None and self.other.offer is not None:
            priced = (
                f"its prices are {place.title}'s own"
                if self.other.offer.is_house_quoted
                else "at the market's prices"
            )
            self.other_text = f"{own.symbol} is closed. {self.other.symbol} is open: {priced}."

    def _tell_end(self, now_ns: int) -> None:
        opens_ns, _ = self._read_opens()
        waits = opens_ns is not None or bool(self.form.trigger_price.strip())
        self.opens_late = opens_ns is not None and utc_day(opens_ns, now_ns) != ""
        length_s = self.form.duration_s
        if is_closed(self.instrument):
            self.ends_text, self.opens_late = self._closed_text(), False
        elif self.form.mode is ExpiryMode.CLOCK and not waits:
            ends_ns = clock_expiry_ns(now_ns, length_s)
            self.ends_text = f"ends {utc_moment(ends_ns, now_ns)}, in {left_text((ends_ns - now_ns) // NS)}"
        elif opens_ns is not None:
            self.ends_text = f"opens {utc_moment(opens_ns, now_ns)}, then {duration_text(length_s)}"
        elif waits:
            self.ends_text = f"{duration_text(length_s)} from when the price is there"
        else:
            self.ends_text = f"ends {duration_text(length_s)} after it opens"

    def _closed_text(self) -> str:
        """Nothing opens now, so nothing ends: when the market does, where the venue tells it."""
        told = closed_text(self.instrument, self._clock.wall_ns())
        if "opens" in told or self.place is None:
            return told
        return f"closed; {self.place.title} does not say when it opens"

    def _tell_money(self, offer: ContractOffer) -> None:
        assert self.instrument is not None
        assert self.place is not None
        payout, stake, currency = self.payout_pct, self.stake, offer.currency
        free = self._free()
        self.free_text = fmt.HIDDEN if self.hide_amounts else f"{fmt.money(free, currency)} free"
        is_exact = offer.is_exact(self.form.duration_s)
        self.payout_text = payout_words(offer, self.form.duration_s, payout)
        self.payout_tip = "Paid on top of the stake of a contract that wins."
        if not is_exact:
            self.payout_tip += f"\n{UNTOLD}"
        win = win_amount(stake, payout) if stake is not None else None
        self.win_text = fmt.money(win, currency, signed=True)
        self.lose_text = fmt.money(-stake if stake is not None else None, currency, signed=True)
        self.outcome_text = f"{fmt.money(win, signed=True)} / {self.lose_text}"
        self.need_text = need_words(offer, self.form.duration_s, payout)
        self.own_text = own_rate_text(
            self._hit_rates(self.place.account, self.instrument.id, self.form.duration_s)
        )
        house = None
        if stake is not None:
            house = (stake * (100 - payout) / 200).quantize(_CENT, rounding=ROUND_UP)
        self.fixed = (
            CostLine(
                "Most I can lose",
                fmt.money(stake, currency),
                tip="The stake: a contract that ends on the wrong side loses all of it.",
            ),
            CostLine(
                "Cost to enter and leave",
                fmt.money(house, currency),
                "in the payout" if is_exact else "at most, in the payout",
                tip="There is no fee. With every second contract won, the payout costs this much each time.",
            ),
            CostLine(
                "To break even",
                self.need_text,
                tip=f"1 / (1 + payout): so many contracts have to win. {TIE_RULE}",
            ),
        )

    @property
    def news(self) -> tuple[str, ...]:
        """Why a button is off, where no field says it, then what will be asked: each once."""
        reasons = {each.reason for each in self.buttons.values()} - {"", *self.problems.values()}
        return tuple(dict.fromkeys((*sorted(reasons), *self.warnings[:3])))

    def _found(self, request: OrderRequest | None) -> CheckResult | None:
        """What the gate says of a request; None while the form means none."""
        assert self.place is not None
        return self._gate.check(self.place.account, request) if request is not None else None

    def _parted(self, found: CheckResult | None) -> tuple[dict[str, str], tuple[str, ...]]:
        """What was found, beside its field and for the news; while nothing can be sent at all, that alone is
        said."""
        if found is None or self._where.closed_reason(self.instrument):
            return {}, ()
        return part_faults(found, _NAMES, quiet="duplicate" if self._just_sent else "")

    def _button(self, side: Side, found: CheckResult | None) -> SendButton:
        assert self.offer is not None
        word = "Up" if side is Side.BUY else "Down"
        reason = self._where.closed_reason(self.instrument)
        if found is None or self.stake is None:
            return SendButton(word, "complete the form", reason)
        # A second click too many is over in a moment: the button would only lose the keyboard by it.
        refused = (sentence(each) for each in found.refusals if each.rule != "duplicate")
        reason = reason or next(refused, "")
        return SendButton(
            f"{word} {fmt.money(self.stake, self.offer.currency)}", f"wins {self.win_text}", reason
        )


def _clock(time_ns: int) -> str:
    return format(datetime.fromtimestamp(time_ns // NS, UTC), "%H:%M:%S")


def _no_cost(request: OrderRequest) -> CostEstimate | None:
    """What a contract costs stands in its payout; there is no total that could move."""
    return None


def _nothing() -> None:
    """There is nothing to let go of."""
