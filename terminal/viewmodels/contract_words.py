"""Fixed-payout contracts in the words of the blotter: up and down, lengths, how one ended."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from terminal.domain.contracts import SOLD_BACK, ContractOffer, HitRate, break_even_rate, result_of
from terminal.domain.market import Side
from terminal.domain.orders import Fill, Order, OrderReport, OrderRequest, OrderState, OrderType
from terminal.domain.rules import plain
from terminal.viewmodels import format as fmt

TONES: Final = {"won": "up", "lost": "down"}
"""The tone of a result; a tie and a contract that was given back have none."""
_SPANS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def direction_word(side: Side) -> str:
    """``Up`` or ``Down``."""
    return "Up" if side is Side.BUY else "Down"


def short_length(seconds: int) -> str:
    """A contract's length in a narrow column: ``30 s``, ``1 min``, ``4 h``."""
    for span, word in _SPANS:
        if seconds >= span and seconds % span == 0:
            return f"{seconds // span} {word}"
    return f"{seconds} s"


def utc_day(ns: int, now_ns: int) -> str:
    """Which day a moment is on, by UTC: empty today, ``tomorrow``, else ``23 Nov``."""
    then, now = (datetime.fromtimestamp(each // 1_000_000_000, UTC).date() for each in (ns, now_ns))
    days = (then - now).days
    if not days:
        return ""
    return "tomorrow" if days == 1 else f"{then.day} {then:%b}"


def utc_moment(ns: int, now_ns: int) -> str:
    """``18:00:00 UTC``, ``tomorrow 18:00:00 UTC``, ``23 Nov 18:00:00 UTC``."""
    return f"{utc_day(ns, now_ns)} {fmt.utc_time(ns)}".lstrip()


def is_end(request: OrderRequest) -> bool:
    """Whether an order ends a contract instead of opening one."""
    return request.order_type is OrderType.CONTRACT and request.reduce_only


def side_word(request: OrderRequest) -> str:
    """``Buy`` and ``Sell``; of a contract its direction, also in the order that ends it."""
    if request.order_type is not OrderType.CONTRACT:
        return "Buy" if request.side is Side.BUY else "Sell"
    return direction_word(request.side.opposite if request.reduce_only else request.side)


UNTOLD: Final = (
    "The venue does not tell the payout of this length: this is the lower one of the lengths beside it. What "
    "it has booked stands with the contract once that runs."
)


def payout_words(offer: ContractOffer, duration_s: int, payout_pct: Decimal) -> str:
    """``84 %``, or ``at least 84 %`` of a length whose payout the venue does not tell."""
    return f"{'' if offer.is_exact(duration_s) else 'at least '}{plain(payout_pct)} %"


def need_words(offer: ContractOffer, duration_s: int, payout_pct: Decimal) -> str:
    """So many have to win for nothing to be lost: ``53.5 % won``, ``at most 54.3 % won`` where the payout is
    the least to be expected."""
    rate = break_even_rate(payout_pct)
    most = "" if offer.is_exact(duration_s) else "at most "
    return f"{most}{rate * 100:.1f} % won" if rate is not None else fmt.NOTHING


def own_rate_text(rate: HitRate) -> str:
    """``6 of 10: 60 % (31 to 83 %)`` of those won; the true rate lies within in 95 of 100 cases."""
    span = rate.interval()
    if span is None or rate.rate is None:
        return "no contract of this kind yet"
    low, high = (round(each * 100) for each in span)
    return f"{rate.won} of {rate.ended}: {round(rate.rate * 100)} % ({low} to {high} %)"


def kind_words(request: OrderRequest) -> str:
    """What stands as the type of a contract's order: ``contract 87 %``, ``end of contract``."""
    if request.reduce_only:
        return "end of contract"
    return f"contract {plain(request.contract.payout_pct)} %" if request.contract is not None else "contract"


def length_words(request: OrderRequest) -> str:
    """How long it runs, short; empty for the order that ends one."""
    return short_length(request.contract.duration_s) if request.contract is not None else ""


def terms_tip(request: OrderRequest) -> str:
    """What was asked for, in words; empty for the order that ends a contract."""
    terms = request.contract
    if terms is None:
        return ""
    lines = [f"Pays {plain(terms.payout_pct)} % on top of the stake, runs {short_length(terms.duration_s)}"]
    if terms.opens_ns is not None:
        lines.append(f"Opens {fmt.utc_date_time(terms.opens_ns)}")
    if terms.expires_ns is not None:
        lines.append(f"Ends {fmt.utc_date_time(terms.expires_ns)}")
    return "\n".join(lines)


def state_words(order: Order) -> tuple[str, str]:
    """State and tone of a contract's order where that differs from other orders; else empty."""
    if order.state is OrderState.FILLED:
        if not order.request.reduce_only:
            return "taken", "muted"
        return order.reason or "ended", TONES.get(order.reason, "muted")
    terms = order.request.contract
    if order.state is OrderState.OPEN and terms is not None:
        if order.trigger_price is not None:
            return "waits for its price", ""
        if terms.opens_ns is not None:
            return f"opens {fmt.utc_time(terms.opens_ns)}", ""
    return "", ""


def report_words(report: OrderReport) -> tuple[str, str]:
    """State and tone of a contract's order in the past."""
    if report.state is not OrderState.FILLED:
        return report.state.value, "danger" if report.state is OrderState.REJECTED else "muted"
    if not report.reduce_only:
        return "taken", "muted"
    return report.reason or "ended", TONES.get(report.reason, "muted")


def fill_side(fill: Fill) -> str:
    """The direction of the contract that a fill opened or ended."""
    return direction_word(fill.side if fill.realised is None else fill.side.opposite)


def fill_result(fill: Fill, *, sold_back: bool) -> str:
    """How a fill ended its contract: ``won``, ``lost``, ``tied``, ``sold back``; empty for an opening one."""
    if fill.realised is None:
        return ""
    return SOLD_BACK if sold_back else result_of(fill.realised).value


def profit_text(amount: Decimal | None, currency: str) -> str:
    """A result in money with its sign; empty where there is none."""
    return "" if amount is None else fmt.money(amount, currency, signed=True)
