"""Quotex's deals as orders, fills and positions.

A deal is one order (BUY is up) whose quantity is the stake; taken, it is filled at its opening price and runs
as a position of the same id. Its end is an order of its own, ``<id>:end``, with a fill that tells the result:
so that journal, blotter and statistics read it like any other closing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from terminal.domain.account import Position
from terminal.domain.contracts import NS, SOLD_BACK, ContractTerms, ExpiryMode, RunningContract, result_of
from terminal.domain.events import FillReported, OrderReported, PositionReported
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderReport, OrderState, OrderType
from terminal.venues.quotex.assets import Assets

log = logging.getLogger("venue.quotex")

_END: Final = ":end"
_MOST_KEPT: Final = 2000
_ZERO: Final = Decimal(0)
_CENT: Final = Decimal("0.01")
_CURRENCY: Final = re.compile("[A-Za-z]{3,5}")

DealEvent = OrderReported | FillReported | PositionReported


def request_id_of(client_order_id: str) -> int:
    """The number that a deal's request carries, made from our own id of it: 40 bits of it, about as large as
    a clock in milliseconds, which is what other clients send."""
    return int(client_order_id.replace("-", "")[:10], 16)


def end_id(deal_id: str) -> str:
    """The order that ends a deal."""
    return f"{deal_id}{_END}"


@dataclass(slots=True)
class Deal:
    """One deal as it stands."""

    deal_id: str
    instrument: Instrument
    side: Side
    stake: Decimal
    payout_pct: Decimal
    entry: Decimal
    opened_ns: int
    expires_ns: int
    request_id: int | None = None
    client_order_id: str | None = None
    ticket: str = ""
    """Of the waiting contract that it was, where it had another id."""
    mode: ExpiryMode = ExpiryMode.TIMED
    profit: Decimal | None = None
    """Net of the stake; None while it runs."""
    exit: Decimal | None = None
    closed_ns: int | None = None
    sold_back: bool = False
    end_client_id: str | None = None
    """Of our order that gives it back."""
    currency: str = ""
    """Of stake and result, where Quotex names it with the deal; else it is the account's."""

    @property
    def order_id(self) -> str:
        """What its order is known by."""
        return self.ticket or self.deal_id

    @property
    def duration_s(self) -> int:
        return max(1, round((self.expires_ns - self.opened_ns) / NS))


@dataclass(slots=True)
class Waiting:
    """A contract that waits for a time or a price."""

    ticket: str
    instrument: Instrument
    side: Side
    stake: Decimal
    duration_s: int
    opens_ns: int | None = None
    trigger: Decimal | None = None
    created_ns: int = 0
    client_order_id: str | None = None
    state: OrderState = OrderState.OPEN
    reason: str = ""


class Deals:
    """Every deal and waiting contract of one account that this connection has heard of."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self.deals: dict[str, Deal] = {}
        self.waiting: dict[str, Waiting] = {}
        self._ours: dict[int, tuple[str, ContractTerms]] = {}
        self._tickets: dict[str, str] = {}
        self.unreadable = 0

    # -- what we asked for ----------------------------------------------------------------------------

    def remember(self, client_order_id: str, terms: ContractTerms) -> int:
        """A request is about to leave: the number that its deal will carry."""
        number = request_id_of(client_order_id)
        self._ours[number] = (client_order_id, terms)
        return number

    def find(self, client_order_id: str | None, order_id: str | None) -> Deal | None:
        """The deal of an order of ours."""
        if order_id:
            base = order_id.removesuffix(_END)
            deal_id = self._tickets.get(base, base)
            if deal_id in self.deals:
                return self.deals[deal_id]
        if client_order_id:
            number = request_id_of(client_order_id)
            return next((each for each in self.deals.values() if each.request_id == number), None)
        return None

    def running(self) -> list[Deal]:
        """Those that have not ended."""
        return [each for each in self.deals.values() if each.profit is None]

    def overdue(self, before_ns: int) -> list[Deal]:
        """Those that should have ended before a time of Quotex's clock, and of whose end nothing was told."""
        return [each for each in self.running() if each.expires_ns < before_ns]

    def past(self, rows: Iterable[Mapping[str, Any]]) -> list[tuple[int, Deal]]:
        """Ended deals of the site's history, in its order, each with the time (ns) that the site gives for
        its end; those that this connection has seen are told as it saw them."""
        found = []
        for row in rows:
            deal = self._read_past(dict(row))
            if deal is not None:
                known = self.deals.get(deal.deal_id)
                ended = known if known is not None and known.profit is not None else deal
                found.append((deal.expires_ns, ended))
        return found

    def _read_past(self, row: dict[str, Any]) -> Deal | None:
        deal = self._read({**row, "id": row.get("ticket")})
        try:
            profit = _number(row.get("profitAmount"))
        except ValueError:
            profit = None
        if deal is None or profit is None:
            return None
        deal.profit = profit
        deal.exit = _number(row.get("closePrice")) or deal.entry
        deal.closed_ns = deal.expires_ns
        deal.sold_back = bool(row.get("refundTimestamp")) or not _ended_by_itself(deal, profit, row)
        return deal

    # -- what Quotex tells ----------------------------------------------------------------------------

    def opened(self, data: Any) -> list[DealEvent]:
        """``s_orders/open``, or a row of ``orders/opened/list``."""
        deal = self._read(data)
        if deal is None:
            return []
        known = self.deals.get(deal.deal_id)
        if known is None:
            return self._begin(deal)
        before = self.money_of(known)
        known.currency = known.currency or deal.currency
        if known.profit is None and self.money_of(known) != before:
            return [PositionReported(self.position(known))]
        return []

    def running_again(self) -> list[DealEvent]:
        """The account's currency has become known: what runs in it and names no other is told once more."""
        return [PositionReported(self.position(each)) for each in self.running() if not each.currency]

    def closed(self, data: Any, *, sold_back_ns: int | None = None) -> list[DealEvent]:
        """One deal of ``s_orders/close``, or a row of ``orders/closed/list``; ``sold_back_ns``: it was given
        back then, by Quotex's clock."""
        deal_id = _text(data.get("id")) if isinstance(data, dict) else ""
        known = self.deals.get(deal_id)
        if known is None:
            read = self._read(data)
            if read is None:
                return []
            events = self._begin(read)
            known = read
        else:
            known.currency = known.currency or _currency(data)
            events = []
        if known.profit is not None:
            return events
        profit = _number(data.get("profit"))
        if profit is None:
            self.unreadable += 1
            return events
        known.profit = profit
        known.exit = _number(data.get("closePrice")) or known.entry
        known.sold_back = known.sold_back or sold_back_ns is not None or bool(data.get("refundTimestamp"))
        known.closed_ns = known.expires_ns
        if known.sold_back:
            told_ns = _time_ns(data, "closeTimestamp", "closeMs", "closeTime")
            known.closed_ns = sold_back_ns or told_ns or known.expires_ns
        return events + self._end(known)

    def sold(self, deal_id: str) -> None:
        """Quotex took it back: its result comes with the close."""
        deal = self.deals.get(deal_id)
        if deal is not None:
            deal.sold_back = True

    def _begin(self, deal: Deal) -> list[DealEvent]:
        self.deals[deal.deal_id] = deal
        while len(self.deals) > _MOST_KEPT:
            oldest = next((key for key, each in self.deals.items() if each.profit is not None), None)
            if oldest is None:
                break
            del self.deals[oldest]
        if deal.ticket:
            self._tickets[deal.ticket] = deal.deal_id
        return [
            OrderReported(self.report(deal)),
            FillReported(self.fill(deal)),
            PositionReported(self.position(deal)),
        ]

    def _end(self, deal: Deal) -> list[DealEvent]:
        closing = self.end_fill(deal)
        gone = self.position(deal)
        reason = SOLD_BACK if deal.sold_back else result_of(deal.profit or _ZERO).value
        return [
            OrderReported(self.end_report(deal)),
            *([FillReported(closing)] if closing is not None else []),
            PositionReported(replace(gone, quantity=_ZERO), reason),
        ]

    # -- waiting contracts ----------------------------------------------------------------------------

    def waiting_of(self, client_order_id: str | None, order_id: str | None) -> Waiting | None:
        """The waiting contract of an order of ours."""
        if order_id and order_id in self.waiting:
            return self.waiting[order_id]
        found = [each for each in self.waiting.values() if each.client_order_id]
        return next((each for each in found if each.client_order_id == client_order_id), None)

    def waits(self, data: Any, client_order_id: str | None = None) -> list[DealEvent]:
        """``s_pending/create`` (its ``pending``), or a row of ``pending/list``."""
        found = self._read_waiting(data)
        if found is None:
            return []
        known = self.waiting.get(found.ticket)
        if known is not None:
            known.client_order_id = known.client_order_id or client_order_id
            return []
        found.client_order_id = client_order_id
        self.waiting[found.ticket] = found
        return [OrderReported(self.waiting_report(found))]

    def waiting_opened(self, data: Any) -> None:
        """``s_pending/opened``: the deal that comes next was this one."""
        if not isinstance(data, dict):
            return
        ticket, deal_id = _text(data.get("ticket")), _text(data.get("id"))
        if ticket in self.waiting and deal_id:
            self._tickets[ticket] = deal_id

    def waiting_ended(self, ticket: str, state: OrderState, reason: str = "") -> list[DealEvent]:
        """Canceled by the person, or not opened by Quotex."""
        found = self.waiting.get(ticket)
        if found is None or found.state.is_final:
            return []
        found.state, found.reason = state, reason
        return [OrderReported(self.waiting_report(found))]

    def resting(self) -> list[Waiting]:
        """Those that still wait."""
        return [each for each in self.waiting.values() if not each.state.is_final]

    # -- as domain values -----------------------------------------------------------------------------

    def terms(self, deal: Deal) -> ContractTerms:
        """What was asked for, as far as it is known, with the payout that was booked."""
        asked = self._ours.get(deal.request_id) if deal.request_id is not None else None
        if asked is not None:
            return replace(asked[1], payout_pct=deal.payout_pct)
        expires_ns = deal.expires_ns if deal.mode is ExpiryMode.CLOCK else None
        return ContractTerms(deal.mode, deal.duration_s, deal.payout_pct, expires_ns)

    def money_of(self, deal: Deal) -> str:
        """The currency of a deal: what Quotex names with it, else the account's."""
        return deal.currency or self._assets.currency

    def report(self, deal: Deal) -> OrderReport:
        """The deal as an order: filled at once."""
        return OrderReport(
            instrument=deal.instrument.id,
            venue_order_id=deal.order_id,
            client_order_id=deal.client_order_id,
            state=OrderState.FILLED,
            side=deal.side,
            order_type=OrderType.CONTRACT,
            quantity=deal.stake,
            filled_quantity=deal.stake,
            average_price=deal.entry,
            ts_event_ns=deal.opened_ns,
            position_id=deal.deal_id,
            contract=self.terms(deal),
        )

    def fill(self, deal: Deal) -> Fill:
        return Fill(
            f"{deal.deal_id}:open",
            deal.instrument.id,
            deal.side,
            deal.entry,
            deal.stake,
            _ZERO,
            self.money_of(deal),
            None,
            deal.order_id,
            deal.client_order_id,
            deal.opened_ns,
            position_id=deal.deal_id,
        )

    def end_report(self, deal: Deal) -> OrderReport:
        """The end of a deal as an order: filled, with how it ended as its reason."""
        return OrderReport(
            instrument=deal.instrument.id,
            venue_order_id=end_id(deal.deal_id),
            client_order_id=deal.end_client_id if deal.sold_back else None,
            state=OrderState.FILLED,
            side=deal.side.opposite,
            order_type=OrderType.CONTRACT,
            quantity=deal.stake,
            filled_quantity=deal.stake,
            average_price=deal.exit,
            reduce_only=True,
            reason=SOLD_BACK if deal.sold_back else result_of(deal.profit or _ZERO).value,
            ts_event_ns=deal.closed_ns or deal.expires_ns,
            position_id=deal.deal_id,
        )

    def end_fill(self, deal: Deal) -> Fill | None:
        """What the end brought; None while it runs."""
        if deal.profit is None or deal.exit is None:
            return None
        return Fill(
            end_id(deal.deal_id),
            deal.instrument.id,
            deal.side.opposite,
            deal.exit,
            deal.stake,
            _ZERO,
            self.money_of(deal),
            None,
            end_id(deal.deal_id),
            deal.end_client_id if deal.sold_back else None,
            deal.closed_ns or deal.expires_ns,
            position_id=deal.deal_id,
            realised=deal.profit,
        )

    def position(self, deal: Deal) -> Position:
        offer = deal.instrument.offer
        return Position(
            instrument=deal.instrument.id,
            position_id=deal.deal_id,
            side=deal.side,
            quantity=deal.stake,
            average_price=deal.entry,
            currency=self.money_of(deal),
            opened_ns=deal.opened_ns,
            updated_ns=deal.opened_ns,
            client_order_id=deal.client_order_id,
            contract=RunningContract(
                deal.payout_pct,
                deal.expires_ns,
                deal.duration_s,
                sells_back=offer is not None and offer.sells_back,
            ),
        )

    def waiting_report(self, one: Waiting) -> OrderReport:
        offer = one.instrument.offer
        payout = offer.payout(one.duration_s) if offer is not None else _ZERO
        return OrderReport(
            instrument=one.instrument.id,
            venue_order_id=one.ticket,
            client_order_id=one.client_order_id,
            state=one.state,
            side=one.side,
            order_type=OrderType.CONTRACT,
            quantity=one.stake,
            filled_quantity=_ZERO,
            average_price=None,
            trigger_price=one.trigger,
            reason=one.reason,
            ts_event_ns=one.created_ns,
            contract=ContractTerms(ExpiryMode.TIMED, one.duration_s, payout, None, one.opens_ns),
        )

    def orders(self) -> Iterable[OrderReport]:
        """Every deal's order and end, oldest first."""
        for deal in self.deals.values():
            yield self.report(deal)
            if deal.profit is not None:
                yield self.end_report(deal)

    def fills(self, since_ns: int) -> Iterable[Fill]:
        """Every fill since a time, oldest first."""
        for deal in self.deals.values():
            found = (self.fill(deal), self.end_fill(deal))
            yield from (each for each in found if each is not None and each.ts_event_ns >= since_ns)

    # -- reading --------------------------------------------------------------------------------------

    def _read(self, data: Any) -> Deal | None:
        """A deal, whatever it was told in; None (and counted) where it cannot be read."""
        try:
            return self._parse(data)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            self.unreadable += 1
            log.warning("a deal that cannot be read: %r", error)
            return None

    def _parse(self, data: dict[str, Any]) -> Deal:
        stake, entry = _number(data["amount"]), _number(data["openPrice"])
        payout = _number(data.get("percentProfit"))
        opened_ns = _time_ns(data, "openTimestamp", "openMs", "openTime")
        expires_ns = _time_ns(data, "closeTimestamp", "", "closeTime")
        if stake is None or stake <= 0 or entry is None or opened_ns is None or expires_ns is None:
            raise ValueError("a deal without stake, price or times")
        number = data.get("requestId")
        request_id = number if isinstance(number, int) and not isinstance(number, bool) else None
        ours = self._ours.get(request_id) if request_id is not None else None
        instrument = self._assets.by_wire(data["asset"])
        if instrument is None and ours is None:
            # Bought elsewhere, or before it left the list. What we buy is listed.
            instrument = self._assets.unlisted(data["asset"], entry)
        if instrument is None:
            raise ValueError(f"unknown asset {data['asset']!r}")
        deal_id = _text(data["id"])
        ticket = next((key for key, each in self._tickets.items() if each == deal_id), "")
        if not ticket and deal_id in self.waiting:
            ticket = deal_id
        client_id = ours[0] if ours is not None else None
        if ticket and ticket in self.waiting:
            waited = self.waiting[ticket]
            waited.state = OrderState.FILLED
            client_id = client_id or waited.client_order_id
        offer = instrument.offer
        length_s = round((expires_ns - opened_ns) / NS)
        if payout is None and ours is not None:
            payout = ours[1].payout_pct
        elif payout is None:
            payout = offer.payout(length_s) if offer is not None else _ZERO
        is_timed = offer is not None and length_s in offer.timed_s
        return Deal(
            deal_id=deal_id,
            instrument=instrument,
            side=_side(data.get("command")),
            stake=stake,
            payout_pct=payout,
            entry=entry,
            opened_ns=opened_ns,
            expires_ns=expires_ns,
            request_id=request_id,
            client_order_id=client_id,
            ticket=ticket if ticket != deal_id else "",
            currency=_currency(data),
            mode=ours[1].mode if ours is not None else ExpiryMode.TIMED if is_timed else ExpiryMode.CLOCK,
        )

    def _read_waiting(self, data: Any) -> Waiting | None:
        try:
            instrument = self._assets.by_wire(data["asset"])
            stake = _number(data["amount"])
            if instrument is None or stake is None:
                raise ValueError("a waiting contract without asset or stake")
            return Waiting(
                ticket=_text(data["ticket"]),
                instrument=instrument,
                side=_side(data.get("command")),
                stake=stake,
                duration_s=int(data.get("timeframe") or 60),
                opens_ns=_iso_ns(data.get("openTime")),
                trigger=_number(data.get("quote")),
                created_ns=_time_ns(data, "createdTimestamp", "", "") or 0,
            )
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            self.unreadable += 1
            log.warning("a waiting contract that cannot be read: %r", error)
            return None


def _side(command: object) -> Side:
    """0 or ``call`` is up, 1 or ``put`` down."""
    if command in (0, "0", "call"):
        return Side.BUY
    if command in (1, "1", "put"):
        return Side.SELL
    raise ValueError(f"unknown direction {command!r}")


def _ended_by_itself(deal: Deal, profit: Decimal, row: Mapping[str, Any]) -> bool:
    """Whether the result of an ended deal is one of the three that an end has: the site's history names no
    reason, and what is given back brings something between them. To a cent, as the site rounds."""
    if profit > 0:
        return row.get("percentProfit") is None or profit >= deal.stake * deal.payout_pct / 100 - _CENT
    if profit < 0:
        return profit <= -deal.stake * (_number(row.get("percentLoss")) or 100) / 100 + _CENT
    return deal.exit == deal.entry


def _currency(data: Mapping[str, Any]) -> str:
    """The currency that a deal names; empty where it names none."""
    told = data.get("currency")
    return told.upper() if isinstance(told, str) and _CURRENCY.fullmatch(told) else ""


def _text(value: object) -> str:
    """An id: text now, a number in earlier days."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"no id: {value!r}")
    return str(value)


def _number(value: object) -> Decimal | None:
    """A finite number, from a number or a text."""
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, int | str | Decimal):
        raise ValueError(f"no number: {value!r}")
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise ValueError(f"no number: {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"no number: {value!r}")
    return number


def _time_ns(data: dict[str, Any], stamp: str, millis: str, text: str) -> int | None:
    """A time by its stamp in seconds with its milliseconds beside it, else by its text in UTC."""
    seconds = _number(data.get(stamp))
    if seconds is not None and seconds > 0:
        more = _number(data.get(millis)) if millis else None
        return int(seconds * NS) + int((more or _ZERO) * 1_000_000)
    return _iso_ns(data.get(text)) if text else None


def _iso_ns(value: object) -> int | None:
    if not isinstance(value, str) or not value:
        return None
    when = datetime.fromisoformat(value.replace("Z", "+00:00"))
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return round(when.timestamp() * 1000) * 1_000_000
