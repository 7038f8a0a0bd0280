"""What is shown before something is sent: the exact request, in words.

A view-model never opens a dialog. It is given an :data:`Asker` and awaits a yes or a no.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal

from terminal.domain.contract_rules import duration_text
from terminal.domain.contracts import win_amount
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import AT_MARKET, AmendRequest, Order, OrderRequest, Protection, TimeInForce
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import (
    amount_text,
    beside_text,
    counted,
    in_brackets,
    money_text,
    order_price,
    pip_of,
    size_text,
)
from terminal.viewmodels.contract_words import need_words, payout_words, utc_day


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A question with the exact figures.

    ``tone`` is ``buy``, ``sell``, ``danger`` (Enter goes back) or empty; ``badge`` the word that tells whose
    money it is (PRACTICE, PAPER, or the account's name). ``live`` gives the rows as they are now, as many and
    under the same names: what follows the market is read again while the question is open.
    """

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    confirm_text: str = "Send"
    tone: str = ""
    badge: str = ""
    note: str = ""
    live: Callable[[], tuple[tuple[str, str], ...]] | None = field(default=None, compare=False, repr=False)


Asker = Callable[[Confirmation], Awaitable[bool]]


def order_confirmation(
    request: OrderRequest,
    instrument: Instrument,
    *,
    badge: str,
    venue: str,
    notional: Decimal | None = None,
    fee: Decimal | None = None,
    price: Decimal | None = None,
    margin: str | None = None,
    legs: tuple[Decimal | None, Decimal | None] = (None, None),
    warnings: tuple[str, ...] = (),
    now_ns: int | None = None,
) -> Confirmation:
    """The exact order before it is sent. ``venue``: as it is called on screen. ``notional`` and ``fee`` are
    estimates in what the instrument is settled in, of an inverse contract coins, told with their worth at the
    ``price`` expected. ``margin``: what the order ties up, in words, where it is on margin; None where
    it is paid in full. ``legs``: the prices of stop and target as they were typed, of an order that sends
    them as distances. ``now_ns``: wall time; with it a contract's times tell that they are tomorrow's."""
    if request.contract is not None and instrument.offer is not None:
        return contract_confirmation(
            request, instrument, badge=badge, venue=venue, warnings=warnings, now_ns=now_ns
        )
    side = "Buy" if request.side is Side.BUY else "Sell"
    unit = instrument.quote if request.in_quote else instrument.base
    amount = f"{fmt.quantity(request.quantity, max(instrument.quantity_decimals, 8))} {unit}"
    size = fmt.quantity(request.quantity)
    if instrument.lot_size:
        size = size_text(request.quantity, instrument)
        amount = f"{size} ({amount})"
    rows = [("Venue", venue), ("Type", type_text(request)), ("Quantity", amount)]
    digits = instrument.price_decimals
    if request.limit_price is not None:
        rows.append(("Limit price", f"{order_price(request.limit_price, instrument)} {instrument.quote}"))
    if request.trigger_price is not None:
        trigger = f"{fmt.price(request.trigger_price, digits)} {instrument.quote}"
        rows.append(("Trigger price", f"{trigger} ({request.trigger_reference.value})"))
    if request.trail_offset is not None:
        rows.append(("Trails by", trail_text(request, instrument)))
    if request.limit_offset is not None:
        rows.append(("Limit offset", f"{fmt.price(request.limit_offset, digits)} {instrument.quote}"))
    if request.display_quantity is not None:
        rows.append(("Shown quantity", f"{fmt.quantity(request.display_quantity)} {instrument.base}"))
    if request.max_slippage is not None:
        seen = fmt.price(request.reference_price, digits)
        slip = f"{fmt.price(request.max_slippage, digits)} from {seen}"
        rows.append(("May slip", f"{slip} {instrument.quote}"))
    if request.protection is not None:
        rows += protection_rows(request.protection, instrument, legs)
    if request.order_type not in AT_MARKET:
        rows.append(("Time in force", lifetime_text(request)))
    if request.comment:
        rows.append(("Comment", fmt.shortened(request.comment)))
    if notional is not None:
        name = "Total, estimated" if margin is None else "Value"
        rows.append((name, _with_worth(money_text(notional, instrument), notional, instrument, price)))
    if margin:
        rows.append(("Margin needed", margin))
    if fee is not None:
        text = fmt.money(fee, instrument.settled_in, decimals=8 if instrument.is_inverse else 4)
        rows.append(("Fee, estimated", _with_worth(text, fee, instrument, price)))
    return Confirmation(
        title=f"{side} {amount} of {instrument.symbol}"
        if request.in_quote or instrument.is_inverse
        else f"{side} {size} {instrument.symbol}",
        rows=tuple(rows),
        warnings=warnings,
        confirm_text=side,
        tone=request.side.value,
        badge=badge,
    )


def contract_confirmation(
    request: OrderRequest,
    instrument: Instrument,
    *,
    badge: str,
    venue: str,
    warnings: tuple[str, ...] = (),
    now_ns: int | None = None,
) -> Confirmation:
    """The exact contract before it is asked for."""
    terms, offer = request.contract, instrument.offer
    assert terms is not None
    assert offer is not None
    word = "Up" if request.side is Side.BUY else "Down"
    stake = fmt.money(request.quantity, offer.currency)
    win = win_amount(request.quantity, terms.payout_pct)
    rows = [("Venue", venue), ("Stake", stake)]
    if request.trigger_price is not None:
        at = fmt.price(request.trigger_price, instrument.price_decimals)
        rows.append(("Opens", f"when the price is {at}"))
    if terms.opens_ns is not None:
        rows.append(("Opens", _dated(terms.opens_ns, now_ns)))
    least = "" if offer.is_exact(terms.duration_s) else "at least "
    ends = f"{duration_text(terms.duration_s)} after it opens"
    if terms.expires_ns is not None:
        ends = _dated(terms.expires_ns, now_ns)
    rows += [
        ("Ends", ends),
        ("Payout", payout_words(offer, terms.duration_s, terms.payout_pct)),
        ("If it wins", f"{least}{fmt.money(win, offer.currency, signed=True)}"),
        ("If it loses", fmt.money(-request.quantity, offer.currency)),
        ("To break even", need_words(offer, terms.duration_s, terms.payout_pct)),
        ("A tie", "gives the stake back"),
    ]
    return Confirmation(
        title=f"{word} {stake} on {instrument.symbol}",
        note=f"The payout of {duration_text(terms.duration_s)} is told only once it runs" if least else "",
        rows=tuple(rows),
        warnings=warnings,
        confirm_text=word,
        tone=request.side.value,
        badge=badge,
    )


def _dated(ns: int, now_ns: int | None) -> str:
    """``2026-11-22 18:00:00 UTC``, with the word where that is tomorrow: who reads the time reads it too."""
    is_tomorrow = now_ns is not None and utc_day(ns, now_ns) == "tomorrow"
    return f"tomorrow, {fmt.utc_date_time(ns)}" if is_tomorrow else fmt.utc_date_time(ns)


def _with_worth(text: str, amount: Decimal, instrument: Instrument, price: Decimal | None) -> str:
    beside = beside_text(amount, instrument, price)
    return f"{text} {in_brackets(beside)}" if beside else text


def protection_rows(
    protection: Protection,
    instrument: Instrument,
    legs: tuple[Decimal | None, Decimal | None] = (None, None),
) -> list[tuple[str, str]]:
    """Stop and target in words: a price, or how far from the fill, and at which price that is now where one
    was typed (``legs``)."""
    out = []
    flags = [
        word for word, on in (("trailing", protection.trailing), ("guaranteed", protection.guaranteed)) if on
    ]
    for name, price, distance, typed, words in (
        ("Stop loss", protection.stop_loss, protection.stop_distance, legs[0], flags),
        ("Take profit", protection.take_profit, protection.profit_distance, legs[1], []),
    ):
        if price is not None:
            text = f"{fmt.price(price, instrument.price_decimals)} {instrument.quote}"
        elif distance is not None:
            unit, word = pip_of(instrument)
            text = f"{counted(fmt.quantity(distance / unit, 1), word)} from the fill"
            if typed is not None:
                text = f"{fmt.price(typed, instrument.price_decimals)} now, {text}"
        else:
            continue
        out.append((name, ", ".join([text, *words])))
    return out


def amend_confirmation(
    order: Order,
    change: AmendRequest,
    instrument: Instrument | None,
    *,
    badge: str,
    venue: str,
    warnings: tuple[str, ...] = (),
) -> Confirmation:
    """An order's new terms beside the old ones. ``venue``: as it is called on screen."""
    digits = instrument.price_decimals if instrument is not None else 8
    rows = []
    if change.quantity is not None:
        old, new = (amount_text(each, instrument) for each in (order.quantity, change.quantity))
        rows.append(("Quantity", f"{old} → {new}"))
    for label, before, after in (
        ("Limit price", order.limit_price, change.limit_price),
        ("Trigger price", order.trigger_price, change.trigger_price),
    ):
        if after is not None:
            rows.append((label, f"{fmt.price(before, digits)} → {fmt.price(after, digits)}"))
    if change.protection is not None:
        was, will = order.protection or Protection(), change.protection
        for label, before, after in (
            ("Stop loss", was.stop_loss, will.stop_loss),
            ("Take profit", was.take_profit, will.take_profit),
        ):
            if before != after:
                texts = (fmt.price(each, digits) if each is not None else "none" for each in (before, after))
                rows.append((label, " → ".join(texts)))
    if change.display_quantity is not None:
        rows.append(
            (
                "Shown quantity",
                f"{fmt.quantity(order.display_quantity)} → {fmt.quantity(change.display_quantity)}",
            )
        )
    side = "buy" if order.side is Side.BUY else "sell"
    return Confirmation(
        title=f"Change the {side} of {order.instrument.symbol}",
        rows=(("Venue", venue), *rows),
        warnings=warnings,
        confirm_text="Change",
        tone=order.side.value,
        badge=badge,
    )


CONTRACTS_RUN_ON = (
    "Running contracts end by themselves, by the clock of their venue: they cannot be given back while the "
    "terminal is off, and their results are told at the next start."
)


def quit_confirmation(
    *, at_venue: int, practice: int, contracts: int = 0, warnings: tuple[str, ...] = (), badge: str = ""
) -> Confirmation:
    """Quitting while orders rest or contracts run: what becomes of those at a real venue, and of practice
    orders.

    The practice venue ends with the terminal. It keeps orders over a restart and matches them against the
    first book of the next run.
    """
    rows, notes = [], []
    if at_venue:
        rows.append(("At the venue", _count(at_venue, "order")))
        notes.append("Orders at the venue stay open and can fill while the terminal is off.")
    if practice:
        rows.append(("Kept for practice", _count(practice, "practice order")))
        notes.append(
            "The practice market stops with the terminal: practice orders are kept and cannot fill before "
            "the next start."
        )
    if contracts:
        rows.append(("Running", _count(contracts, "contract")))
        notes.append(CONTRACTS_RUN_ON)
    return Confirmation(
        title="Quit Parallax?",
        note=" ".join(notes),
        rows=tuple(rows),
        warnings=warnings,
        confirm_text="Quit",
        badge=badge,
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def type_text(request: OrderRequest) -> str:
    """An order's type with its flags: ``limit, post only``."""
    words = [request.order_type.value]
    if request.post_only:
        words.append("post only")
    if request.reduce_only:
        words.append("reduce only")
    return ", ".join(words)


def lifetime_text(request: OrderRequest) -> str:
    """How long it lives: ``GTC``, or ``GTD until 2026-08-14 09:30:00``."""
    if request.time_in_force is TimeInForce.GTD and request.expire_time_ns is not None:
        return f"GTD until {fmt.date_time(request.expire_time_ns)}"
    return request.time_in_force.value


def trail_text(request: OrderRequest, instrument: Instrument) -> str:
    """A trailing stop's distance: ``1.5 %`` or ``200.0 USD``."""
    if request.trail_offset is None:
        return ""
    if request.trail_in_percent:
        return fmt.percent(request.trail_offset, signed=False)
    return f"{fmt.price(request.trail_offset, instrument.price_decimals)} {instrument.quote}"
