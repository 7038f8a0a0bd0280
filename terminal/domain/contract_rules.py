"""Checks of a fixed-payout contract that need nothing but the request, the instrument and its offer.

As in :mod:`.rules`, each function returns what is wrong in the order of the form, and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from terminal.domain.account import Balance
from terminal.domain.contracts import NS, ContractOffer, ContractTerms, ExpiryMode, clock_expiry_ns
from terminal.domain.decimals import ZERO, is_multiple, require_finite
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import Instrument
from terminal.domain.orders import OrderRequest, OrderType
from terminal.domain.rules import Abilities, check_price, check_status, plain

_SPANS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def duration_text(seconds: int) -> str:
    """``30 seconds``, ``1 minute``, ``4 hours``."""
    for span, word in _SPANS:
        if seconds % span == 0 and seconds >= span:
            count = seconds // span
            return f"{count} {word}" if count == 1 else f"{count} {word}s"
    return f"{seconds} seconds"


def check_contract(
    request: OrderRequest, instrument: Instrument, abilities: Abilities, *, now_ns: int
) -> list[OrderRefused]:
    """Everything that is wrong with a contract in itself; ``now_ns`` is the time by the venue's clock."""
    out = check_status(request, instrument, now_ns=now_ns)
    offer, terms = instrument.offer, request.contract
    if OrderType.CONTRACT not in abilities.order_types or offer is None:
        text = f"{instrument.symbol} is not traded by contracts here."
        return [*out, OrderRefused("capability", text, field="order_type")]
    if request.reduce_only:
        return out + _check_sell_back(request, instrument)
    out += _check_stake(request.quantity, offer, instrument)
    if terms is None:
        return [*out, OrderRefused("expiry", "Say when the contract ends.", field="expiry")]
    waits = terms.opens_ns is not None or request.trigger_price is not None
    out += _check_expiry(terms, offer, instrument, now_ns, waits=waits)
    out += _check_waiting(request, terms, offer, instrument, now_ns)
    payout = offer.payout(terms.duration_s)
    if payout < terms.payout_pct:
        out.append(
            OrderRefused(
                "payout",
                f"The payout of {instrument.symbol} has just changed from {plain(terms.payout_pct)} % to "
                f"{plain(payout)} %. Nothing was sent.",
                field="payout",
                figure=payout,
            )
        )
    return out


def check_stake_covered(
    request: OrderRequest, instrument: Instrument, balances: Mapping[str, Balance]
) -> list[OrderRefused]:
    """Whether the account holds the stake."""
    if request.reduce_only or instrument.offer is None:
        return []
    currency = instrument.offer.currency
    balance = balances.get(currency)
    free = ZERO if balance is None else max(ZERO, balance.free)
    if request.quantity <= free:
        return []
    text = f"This needs {plain(request.quantity)} {currency}, {plain(free)} {currency} is free."
    return [OrderRefused("balance", text, field="quantity")]


def _check_stake(stake: Decimal, offer: ContractOffer, instrument: Instrument) -> list[OrderRefused]:
    def refuse(rule: str, text: str) -> list[OrderRefused]:
        return [OrderRefused(rule, text, field="quantity")]

    try:
        require_finite(stake)
    except ValueError:
        return refuse("number", "The stake is not a usable number.")
    if stake <= 0:
        return refuse("positive", "The stake must be above zero.")
    currency = offer.currency
    if instrument.quantity_step > 0 and not is_multiple(stake, instrument.quantity_step):
        step = plain(instrument.quantity_step)
        return refuse("quantity_step", f"The stake is not a multiple of {step} {currency}.")
    if stake < offer.min_stake:
        return refuse("min_quantity", f"The least stake is {plain(offer.min_stake)} {currency}.")
    if offer.max_stake is not None and stake > offer.max_stake:
        return refuse("max_quantity", f"The largest stake is {plain(offer.max_stake)} {currency}.")
    return []


def _check_expiry(
    terms: ContractTerms, offer: ContractOffer, instrument: Instrument, now_ns: int, *, waits: bool
) -> list[OrderRefused]:
    """``waits``: it opens later, and its end is counted from then."""

    def refuse(text: str) -> list[OrderRefused]:
        return [OrderRefused("expiry", text, field="expiry")]

    if not offer.offers(terms.mode, terms.duration_s):
        return refuse(f"{instrument.symbol} has no contract of {duration_text(terms.duration_s)} this way.")
    if terms.mode is ExpiryMode.TIMED or waits:
        return []
    if terms.expires_ns is None:
        return refuse("Say when the contract ends.")
    if terms.expires_ns <= now_ns:
        return refuse("That time has passed.")
    nearest_ns = clock_expiry_ns(now_ns, terms.duration_s)
    if terms.expires_ns < nearest_ns:
        return refuse(f"That end is too near; the next one is {_clock(nearest_ns)} UTC.")
    if terms.expires_ns % (60 * NS):
        return refuse("A contract on the clock ends at a full minute.")
    return []


def _check_waiting(
    request: OrderRequest,
    terms: ContractTerms,
    offer: ContractOffer,
    instrument: Instrument,
    now_ns: int,
) -> list[OrderRefused]:
    trigger, opens_ns = request.trigger_price, terms.opens_ns
    if trigger is None and opens_ns is None:
        return []
    if not offer.can_wait:
        return [OrderRefused("capability", "Contracts here open at once.", field="opens")]
    if trigger is not None and opens_ns is not None:
        return [OrderRefused("opens", "Wait for a time or for a price, not for both.", field="opens")]
    if opens_ns is not None and opens_ns <= now_ns:
        return [OrderRefused("opens", "The time to open it has passed.", field="opens")]
    if trigger is not None:
        return check_price(trigger, instrument, field="trigger_price", name="price to wait for")
    return []


def _check_sell_back(request: OrderRequest, instrument: Instrument) -> list[OrderRefused]:
    if instrument.offer is None or not instrument.offer.sells_back:
        return [OrderRefused("capability", "A running contract cannot be given back here.")]
    if request.position_id is None:
        return [OrderRefused("position", "Say which contract to give back.")]
    return []


def _clock(time_ns: int) -> str:
    return format(datetime.fromtimestamp(time_ns // NS, UTC), "%H:%M")
