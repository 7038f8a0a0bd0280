"""What is asked before something is done to a position, or to an account of the Accounts tab: the questions,
with the figures of the moment in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from terminal.domain.instrument import Instrument
from terminal.domain.orders import OrderRequest
from terminal.services.positions import KEEP, Leg
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import size_text
from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.position_rows import (
    CLOSE,
    DOUBLE,
    GIVE_BACK,
    HALF,
    NONE,
    REVERSE,
    PositionRow,
    leg_text,
)

Latest = Callable[[], tuple[PositionRow, bool]]
"""Reads a position anew: its row, the last one known where it has closed, and whether it is open."""


def hide_question(title: str, counts: Sequence[tuple[str, int]], badge: str) -> Confirmation:
    """Hiding an account that has positions or orders; ``counts`` tells how many, by name."""
    return Confirmation(
        title=f"Hide {title}?",
        note="What it has stays at the venue as it is, and can fill or close there. You will not see "
        "it here, and Flatten and Cancel all leave it alone, until you show the account again.",
        rows=tuple((name, str(count)) for name, count in counts),
        confirm_text="Hide",
        badge=badge,
    )


def action_question(
    row: PositionRow,
    instrument: Instrument | None,
    requests: tuple[OrderRequest, ...],
    action: str,
    warnings: tuple[str, ...],
    latest: Latest,
) -> Confirmation:
    """Closing all or a part, reversing, doubling; of a contract, giving it back."""
    position = row.position
    if row.is_contract:
        return _give_back_question(row, warnings, latest)
    if instrument is None:
        return Confirmation(f"{action.capitalize()} {position.instrument.symbol}?", badge=row.badge)
    side = "long" if row.is_long else "short"
    size = size_text(requests[0].quantity, instrument)
    symbol = position.instrument.symbol
    titles = {
        CLOSE.key: f"Close the {side} of {size} {symbol}",
        HALF.key: f"Close {size} of the {side} in {symbol}",
        REVERSE.key: f"Reverse the {side} of {size_text(position.quantity, instrument)} {symbol}",
        DOUBLE.key: f"Double the {side} of {size} {symbol}",
    }
    closed = requests[0].quantity if action == HALF.key else position.quantity

    def rows() -> tuple[tuple[str, str], ...]:
        now, is_open = latest()
        entry = fmt.price(now.position.average_price, now.price_decimals)
        out = [
            ("Account", now.account_title),
            ("Position", f"{side} {now.size_text} at {entry}" if is_open else "closed already"),
            *_moving_rows(now, closed),
        ]
        if len(requests) > 1:
            out.append(("Then", f"open {size} on the other side, once this has filled"))
            if not position.protection.is_empty:
                out.append(("Stop loss, take profit", "not carried over: set them on the new one"))
        return tuple(out)

    confirm = {CLOSE.key: "Close", HALF.key: "Close", REVERSE.key: "Reverse", DOUBLE.key: "Double"}
    return Confirmation(
        title=titles[action],
        rows=rows(),
        warnings=warnings,
        confirm_text=confirm[action],
        tone=requests[0].side.value,
        badge=row.badge,
        live=rows,
    )


def _give_back_question(row: PositionRow, warnings: tuple[str, ...], latest: Latest) -> Confirmation:
    position = row.position

    def rows() -> tuple[tuple[str, str], ...]:
        now, is_open = latest()
        entry = fmt.price(now.position.average_price, now.price_decimals)
        return (
            ("Account", now.account_title),
            ("Contract", f"{now.side_text} {now.size_text} at {entry}" if is_open else "ended already"),
            ("Ends in", now.left_text if is_open else fmt.NOTHING),
            ("Last price" if now.is_price_old else "Price now", leg_text(now, now.now) or fmt.NOTHING),
            ("If it ended now", ", ".join(each for each in (now.profit_text, now.unknown_text) if each)),
        )

    return Confirmation(
        title=f"Give back {row.side_text} {row.size_text} on {position.instrument.symbol}",
        rows=rows(),
        warnings=warnings,
        note="The venue pays what it thinks the contract is worth, and says how much only afterwards.",
        confirm_text=GIVE_BACK.text,
        tone=position.side.opposite.value,
        badge=row.badge,
        live=rows,
    )


def protect_question(row: PositionRow, stop_loss: Leg, take_profit: Leg, latest: Latest) -> Confirmation:
    """Moving, setting or removing a stop or target."""
    now = row.position.protection
    legs = [("Account", row.account_title)]
    for name, leg, old in (
        ("Stop loss", stop_loss, now.stop_loss),
        ("Take profit", take_profit, now.take_profit),
    ):
        if leg is KEEP:
            continue
        new = leg if isinstance(leg, Decimal) else None
        legs.append((name, f"{leg_text(row, old) or NONE} → {leg_text(row, new) or NONE}"))

    def rows() -> tuple[tuple[str, str], ...]:
        fresh, _ = latest()
        return (*legs, *_moving_rows(fresh, fresh.position.quantity))

    return Confirmation(
        title=f"Stop loss and take profit of {row.position.instrument.symbol}",
        rows=rows(),
        live=rows,
        warnings=("Without a stop loss what can be lost is not limited.",) if stop_loss is None else (),
        confirm_text="Change",
        badge=row.badge,
    )


def margin_question(row: PositionRow, amount: Decimal) -> Confirmation:
    """Adding ``amount`` to the own margin of a position, or taking it away."""
    position = row.position
    assert position.margin is not None
    money = [
        fmt.HIDDEN if row.hidden else fmt.money(each, position.currency, decimals=8)
        for each in (position.margin, position.margin + amount, abs(amount))
    ]
    adds = amount > 0
    return Confirmation(
        title=f"Margin of the position in {position.instrument.symbol}",
        rows=(
            ("Account", row.account_title),
            ("Now", money[0]),
            ("New", money[1]),
            ("Added" if adds else "Taken away", money[2]),
        ),
        note="It comes out of what is free, and the liquidation moves away from the price."
        if adds
        else "It becomes free again, and the liquidation comes nearer to the price.",
        confirm_text="Change",
        badge=row.badge,
    )


def _moving_rows(row: PositionRow, quantity: Decimal) -> tuple[tuple[str, str], ...]:
    """The price of the moment and what ``quantity`` (base units) of the position has won or lost there."""
    position = row.position
    name, profit, worth = "Open PnL", position.unrealised, row.profit_worth
    if 0 < quantity < position.quantity:
        name, worth = "Open PnL of this part", ""
        profit = None if profit is None else profit * quantity / position.quantity
    if row.is_by_mark:
        name += ", by the mark price"
    money = (
        fmt.HIDDEN
        if row.hidden
        else fmt.money(profit, position.currency, decimals=row.money_decimals, signed=True)
    )
    if worth and not row.hidden:
        money = f"{money} ({worth})"
    return ("Price now", leg_text(row, row.now) or fmt.NOTHING), (name, money)
