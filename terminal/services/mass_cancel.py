"""Cancel many orders at once, and say of each what became of it: done, failed, or not known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from terminal.domain.orders import Order, OrderState
from terminal.services.answers import Answer, AnswerKind, classify
from terminal.services.inquiries import GateTimings, capabilities_of
from terminal.services.order_ledger import OrderLedger
from terminal.services.order_tracking import DoubtKind
from terminal.venues.base import TradesOrders

# Kraken's CancelOrderBatch takes 50 at most (read 2026-08).
_BATCH = 50


@dataclass(slots=True)
class CancelOutcome:
    """What became of a cancel-all."""

    done: list[Order] = field(default_factory=list)
    """The venue says that they are gone."""
    failed: list[tuple[Order, str]] = field(default_factory=list)
    """Still open, or filled first; with the reason."""
    unknown: list[Order] = field(default_factory=list)
    """Asked for, not confirmed yet: they are being checked."""
    others: int = 0
    """How many more the venue says it canceled (orders that we did not list)."""


async def cancel_orders(
    ledger: OrderLedger,
    connector: TradesOrders,
    targets: Sequence[Order],
    *,
    everything: bool,
    timings: GateTimings,
    doubt: Callable[[Order, DoubtKind, str], None],
    expect: Callable[[Order], None],
) -> CancelOutcome:
    """Cancel ``targets``; with ``everything`` by the venue's own cancel-all where it has one."""
    for order in targets:
        facts = ledger.facts(order)
        if order.state is OrderState.PENDING_NEW or DoubtKind.SUBMIT in facts.doubts:
            facts.cancel_when_known = True
            ledger.update(order, "cancel when known")
        else:
            facts.cancel_sent = True
            ledger.update(order, "cancel")
    sent = [order for order in targets if ledger.facts(order).cancel_sent]
    answers: dict[str, Answer] = {}
    count = 0
    abilities = capabilities_of(connector)
    try:
        if everything and (abilities is None or abilities.cancel_all):
            answer, count = await _cancel_everything(connector, timings)
            if answer is not None:
                answers = dict.fromkeys((order.client_order_id for order in sent), answer)
        else:
            for start in range(0, len(sent), _BATCH):
                await _cancel_batch(connector, sent[start : start + _BATCH], answers, timings)
    except asyncio.CancelledError:
        for order in sent:
            doubt(order, DoubtKind.CANCEL, "The cancel was interrupted.")
        raise
    for order in sent:
        _take_answer(ledger, order, answers.get(order.client_order_id), doubt, expect)
    await _wait_for_end(ledger, [order for order in sent if order.client_order_id not in answers], timings)
    outcome = CancelOutcome(others=max(0, count - len(sent)))
    for order in targets:
        _sort_in(outcome, order, answers.get(order.client_order_id))
    return outcome


async def _cancel_everything(connector: TradesOrders, timings: GateTimings) -> tuple[Answer | None, int]:
    try:
        async with asyncio.timeout(timings.answer_s):
            return None, await connector.cancel_all()
    except Exception as error:  # noqa: BLE001 - classify() knows what each proves
        return classify(error), 0


async def _cancel_batch(
    connector: TradesOrders, batch: Sequence[Order], answers: dict[str, Answer], timings: GateTimings
) -> None:
    """One call for the batch; where the venue refuses it whole, one call each (a cancel may be repeated)."""
    if len(batch) > 1:
        try:
            async with asyncio.timeout(timings.answer_s):
                await connector.cancel_many([order.ref for order in batch])
        except Exception as error:  # noqa: BLE001 - classify() knows what each proves
            answer = classify(error)
            if answer.kind is not AnswerKind.REFUSED:
                answers.update(dict.fromkeys((order.client_order_id for order in batch), answer))
                return
        else:
            return
    for order in batch:
        if order.state.is_final:
            continue
        try:
            async with asyncio.timeout(timings.answer_s):
                await connector.cancel(order.ref)
        except Exception as error:  # noqa: BLE001 - as above
            answers[order.client_order_id] = classify(error)


def _take_answer(
    ledger: OrderLedger,
    order: Order,
    answer: Answer | None,
    doubt: Callable[[Order, DoubtKind, str], None],
    expect: Callable[[Order], None],
) -> None:
    if order.state.is_final:
        return
    if answer is None:
        expect(order)
    elif answer.kind is AnswerKind.IN_DOUBT:
        doubt(order, DoubtKind.CANCEL, f"The cancel was not answered: {answer.text}")
    else:
        ledger.facts(order).cancel_sent = False
        order.reason = f"Not canceled: {answer.text}"
        ledger.update(order, "cancel refused", answer.text)


async def _wait_for_end(ledger: OrderLedger, orders: Sequence[Order], timings: GateTimings) -> None:
    """Wait until the venue has reported the end of each, for as long as that usually takes."""
    if all(order.state.is_final for order in orders):
        return
    ended = asyncio.Event()

    def look(_: Order) -> None:
        if all(order.state.is_final for order in orders):
            ended.set()

    unwatch = ledger.changed.watch(look)
    try:
        async with asyncio.timeout(timings.cancel_confirm_s):
            await ended.wait()
    except TimeoutError:
        pass
    finally:
        unwatch()


def _sort_in(outcome: CancelOutcome, order: Order, answer: Answer | None) -> None:
    if order.state in (OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED):
        outcome.done.append(order)
    elif order.state is OrderState.FILLED:
        outcome.failed.append((order, "filled before the cancel arrived"))
    elif answer is not None and answer.kind is not AnswerKind.IN_DOUBT:
        outcome.failed.append((order, answer.text))
    else:
        outcome.unknown.append(order)
