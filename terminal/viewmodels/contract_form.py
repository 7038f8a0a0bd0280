"""What stands in the fields of the contract form, and what it means."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final

from terminal.domain.contract_rules import duration_text
from terminal.domain.contracts import NS, ContractOffer, ExpiryMode, clock_expiry_ns
from terminal.domain.errors import OrderRefused
from terminal.domain.market import Side
from terminal.services.order_checks import CheckResult
from terminal.viewmodels.contract_words import utc_day
from terminal.viewmodels.size_entry import parse_number

_WAIT: Final = re.compile(r"\+\s*(\d{1,4})\s*([smh])", re.IGNORECASE)
_AT: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_SPANS: Final = {"s": 1, "m": 60, "h": 3600}
_LEAD_S: Final = 3
"""Nearer than this a venue may say that it is too late to wait for an opening."""


@dataclass(slots=True)
class ContractForm:
    """What stands in the fields."""

    side: Side = Side.BUY
    stake: str = ""
    mode: ExpiryMode = ExpiryMode.TIMED
    duration_s: int = 60
    opens: str = ""
    """Empty: at once; else ``+5m``, ``14:30`` or ``14:30:20``, UTC."""
    trigger_price: str = ""
    """Empty: at once; else the price to wait for."""

    @property
    def waits(self) -> bool:
        """Whether it shall open later, so that its length counts from then."""
        return bool(self.opens.strip() or self.trigger_price.strip())


@dataclass(frozen=True, slots=True)
class ExpiryChoice:
    """One entry of the expiry picker."""

    mode: ExpiryMode
    duration_s: int
    text: str
    """``1 minute``, or of an end by the clock when that is: ``19:00 · in 4 min``."""


def expiry_choices(
    offer: ContractOffer, form: ContractForm, now_ns: int, *, closed: bool = False
) -> tuple[ExpiryChoice, ...]:
    """What the picker offers: lengths, then ends by the clock, each end once. Of lengths that end together
    it is the form's own, else the shortest. A contract that waits to open has lengths alone: its end is not
    at a line of the clock that is known now; so has one of a market that is ``closed``. ``now_ns`` is the
    venue's clock."""
    if form.waits or closed:
        return tuple(
            ExpiryChoice(_way(offer, form.mode, each), each, duration_text(each))
            for each in sorted({*offer.timed_s, *offer.clock_s})
        )
    own_s = form.duration_s if form.mode is ExpiryMode.CLOCK else None
    ends: dict[int, int] = {}
    for length_s in offer.clock_s:
        end_ns = clock_expiry_ns(now_ns, length_s)
        if end_ns not in ends or length_s == own_s:
            ends[end_ns] = length_s
    return (
        *(ExpiryChoice(ExpiryMode.TIMED, each, duration_text(each)) for each in offer.timed_s),
        *(
            ExpiryChoice(ExpiryMode.CLOCK, length_s, _end_text(end_ns, now_ns))
            for end_ns, length_s in sorted(ends.items())
        ),
    )


def _way(offer: ContractOffer, mode: ExpiryMode, length_s: int) -> ExpiryMode:
    """The way of counting that is in the form, where this length is sold so; else the other one."""
    other = ExpiryMode.CLOCK if mode is ExpiryMode.TIMED else ExpiryMode.TIMED
    return mode if offer.offers(mode, length_s) else other


def _end_text(end_ns: int, now_ns: int) -> str:
    """``19:00 · in 4 min``: an end, and how far it is, which is not the length that it is sold as; of another
    day ``tomorrow 00:00``, for both together are too long for the picker."""
    left_s, day = (end_ns - now_ns) // NS, utc_day(end_ns, now_ns)
    at = f"{day} {datetime.fromtimestamp(end_ns // NS, UTC):%H:%M}".lstrip()
    if day and left_s >= 3600:
        return at
    return f"{at} · in {_hours(left_s + 30) if left_s >= 60 else 'under 1 min'}"


def left_text(left_s: int) -> str:
    """How long from now: ``4:05``, ``2 h 5 min`` from an hour on."""
    return f"{left_s // 60}:{left_s % 60:02d}" if left_s < 3600 else _hours(left_s)


def _hours(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def read_stake(text: str, currency: str, step: Decimal, free: Decimal | None) -> tuple[Decimal | None, str]:
    """What the stake field means, and what is wrong with it. A share is of ``free``, on a ``step``."""
    text = text.strip()
    if not text:
        return None, "Enter a stake."
    try:
        if text.endswith("%"):
            share = parse_number(text[:-1])
            if share > 100:
                return None, "At most 100 %."
            if free is None:
                return None, "What is free is not known yet."
            stake = (free * share / 100 / step).to_integral_value(rounding=ROUND_DOWN) * step
            return (stake, "") if stake > 0 else (None, "Nothing is free.")
        return parse_number(text, currency=currency), ""
    except ValueError as error:
        return None, str(error)


def read_opens(text: str, now_ns: int) -> tuple[int | None, str]:
    """When it shall open (ns UTC), and what is wrong with the field; ``now_ns`` is the venue's clock."""
    text = text.strip()
    if not text:
        return None, ""
    waited = _WAIT.fullmatch(text)
    if waited is not None:
        opens_s = now_ns // NS + int(waited[1]) * _SPANS[waited[2].lower()]
        return opens_s * NS, ""
    at = _AT.fullmatch(text)
    hour, minute, second = (int(each or 0) for each in at.groups()) if at is not None else (24, 0, 0)
    if hour > 23 or minute > 59 or second > 59:
        return None, "Write +5m or 14:30 (UTC)."
    now = datetime.fromtimestamp(now_ns / NS, UTC)
    then = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if then <= now:
        then += timedelta(days=1)
    return round(then.timestamp()) * NS, ""


def still_ahead(opens_ns: int, now_ns: int) -> bool:
    """Whether an opening that was shown can still be asked for."""
    return opens_ns > now_ns + _LEAD_S * NS


def read_trigger(text: str) -> tuple[Decimal | None, str]:
    """The price that it waits for, and what is wrong with the field."""
    text = text.strip()
    if not text:
        return None, ""
    try:
        return parse_number(text), ""
    except ValueError as error:
        return None, str(error)


def sentence(fault: OrderRefused) -> str:
    """What is wrong, as a sentence of its own."""
    return fault.user_text[:1].upper() + fault.user_text[1:]


def part_faults(
    found: CheckResult, fields: Collection[str], *, quiet: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """What the gate has found: beside which field, and what is told elsewhere, each thing once. What would be
    asked of a field that is refused has time until then; the rule ``quiet`` is not spoken of."""
    beside: dict[str, str] = {}
    rest: list[str] = []
    for each in found.refusals:
        if each.rule == quiet:
            continue
        if each.field is not None and each.field in fields:
            beside.setdefault(each.field, sentence(each))
        else:
            rest.append(sentence(each))
    asked = [each for each in found.warnings if each.rule != quiet and each.field not in beside]
    return beside, (*rest, *(sentence(each) for each in asked))
