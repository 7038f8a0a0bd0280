"""Contracts through the one gate: the same journal, the same doubts, checks of their own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.contracts import NS, ContractOffer, ContractTerms, ExpiryMode
from terminal.domain.errors import OrderRefused, OutcomeUnknown
from terminal.domain.instrument import InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderState, OrderType
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.risk import Limit, RiskLimits, Step
from tests.helpers import eventually, run
from tests.unit.services.order_fakes import ACCOUNT, BTC_USD, INSTRUMENT, Desk, open_desk

D = Decimal
OFFER = ContractOffer("USD", D(87), D(1), D(500), timed_s=(60,), clock_s=(60,))
TERMS = ContractTerms(ExpiryMode.TIMED, 60, D(87))


def up(stake: str = "5") -> OrderRequest:
    return OrderRequest(BTC_USD, Side.BUY, OrderType.CONTRACT, D(stake), contract=TERMS)


async def contract_desk(
    folder: Path, limits: RiskLimits | None = None, clock: ManualClock | None = None
) -> Desk:
    desk = await open_desk(folder, limits=limits, clock=clock)
    desk.market.listing = replace(
        INSTRUMENT,
        kind=InstrumentKind.CONTRACT,
        offer=OFFER,
        quantity_step=D("0.01"),
        min_quantity=D(1),
    )
    return desk


def test_its_terms_are_on_disk_before_it_leaves(tmp_path: Path) -> None:
    async def main() -> None:
        desk = await contract_desk(tmp_path)
        desk.venue.raise_on["submit"] = OutcomeUnknown("kraken", "no answer")
        order = await desk.gate.submit(ACCOUNT, up())
        assert order.state is OrderState.IN_DOUBT
        await desk.gate.close()
        again = await open_desk(tmp_path, reconcile=False)
        try:
            (kept,) = again.gate.orders.values()
            assert kept.request.contract == TERMS
            assert (kept.order_type, kept.quantity, kept.state) == (
                OrderType.CONTRACT,
                D(5),
                OrderState.IN_DOUBT,
            )
        finally:
            await again.gate.close()

    run(main())


def test_one_in_doubt_is_asked_after_and_never_sent_again(tmp_path: Path) -> None:
    async def main() -> None:
        desk = await contract_desk(tmp_path)
        try:
            desk.venue.raise_on["submit"] = OutcomeUnknown("kraken", "no answer")
            desk.venue.acts_before_raising = True
            order = await desk.gate.submit(ACCOUNT, up())
            await eventually(lambda: order.state is OrderState.OPEN, 5, "found by our id")
            assert desk.venue.count("submit") == 1
        finally:
            await desk.gate.close()

    run(main())


def test_the_checks_are_those_of_contracts(tmp_path: Path) -> None:
    async def main() -> None:
        desk = await contract_desk(tmp_path)
        try:
            for stake, rule in (("0.5", "min_quantity"), ("501", "max_quantity")):
                with pytest.raises(OrderRefused) as refused:
                    await desk.gate.submit(ACCOUNT, up(stake))
                assert refused.value.rule == rule
            desk.accounts.held.pop("USD")
            with pytest.raises(OrderRefused, match="0 USD is free"):
                await desk.gate.submit(ACCOUNT, up())
            assert desk.venue.received == []
        finally:
            await desk.gate.close()

    run(main())


def test_a_stake_counts_as_what_the_order_is_worth(tmp_path: Path) -> None:
    async def main() -> None:
        desk = await contract_desk(tmp_path, RiskLimits(max_notional=Limit(D(50), Step.ASK)))
        try:
            with pytest.raises(ConfirmationNeeded, match=r"worth 60 USD, your limit is 50 USD"):
                await desk.gate.submit(ACCOUNT, up("60"))
            await desk.gate.submit(ACCOUNT, up("40"))
            assert desk.venue.count("submit") == 1
        finally:
            await desk.gate.close()

    run(main())


@pytest.mark.parametrize(
    ("price", "told"),
    [
        ("70200", ["the price to wait for is 17 % above the price now, your limit is 3 %"]),
        ("57000", ["the price to wait for is 5.01 % below the price now, your limit is 3 %"]),
        ("61000", []),
    ],
)
def test_a_price_to_wait_for_that_is_far_away_is_asked_about(
    price: str, told: list[str], tmp_path: Path
) -> None:
    async def main() -> None:
        desk = await contract_desk(tmp_path)
        try:
            assert desk.market.listing is not None
            desk.market.listing = replace(desk.market.listing, offer=replace(OFFER, can_wait=True))
            found = desk.gate.check(ACCOUNT, replace(up(), trigger_price=D(price)))
            assert [each.user_text for each in found.warnings] == told
            assert found.refusals == ()
        finally:
            await desk.gate.close()

    run(main())


def test_the_same_one_a_moment_later_is_asked_for_and_another_length_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        desk = await contract_desk(tmp_path, RiskLimits(duplicate_s=Limit(D(10), Step.ASK)))
        try:
            assert desk.market.listing is not None
            desk.market.listing = replace(desk.market.listing, offer=replace(OFFER, timed_s=(60, 120)))
            await desk.gate.submit(ACCOUNT, up())
            assert desk.gate.check(ACCOUNT, up()).refusals + desk.gate.check(ACCOUNT, up()).warnings
            longer = replace(up(), contract=replace(TERMS, duration_s=120))
            assert desk.gate.check(ACCOUNT, longer).warnings == ()
        finally:
            await desk.gate.close()

    run(main())


def test_one_that_waits_is_no_second_one_of_that_which_opens_at_once(tmp_path: Path) -> None:
    clock = ManualClock()

    async def main() -> None:
        desk = await contract_desk(tmp_path, RiskLimits(duplicate_s=Limit(D(10), Step.ASK)), clock)
        try:
            assert desk.market.listing is not None
            desk.market.listing = replace(desk.market.listing, offer=replace(OFFER, can_wait=True))

            def opening(in_s: int) -> OrderRequest:
                opens_ns = clock.wall_ns() + in_s * NS
                return replace(up(), contract=replace(TERMS, opens_ns=opens_ns))

            def is_double(request: OrderRequest) -> bool:
                found = desk.gate.check(ACCOUNT, request)
                return any(each.rule == "duplicate" for each in (*found.refusals, *found.warnings))

            await desk.gate.submit(ACCOUNT, up())
            assert is_double(up())
            assert not is_double(opening(60))
            by_clock = replace(TERMS, mode=ExpiryMode.CLOCK, expires_ns=clock.wall_ns())
            assert not is_double(replace(up(), contract=by_clock)), "of another end"
            await desk.gate.submit(ACCOUNT, opening(60))
            clock.advance(3)
            assert is_double(opening(60)), "in so long again, three seconds later"
            assert not is_double(opening(120))
        finally:
            await desk.gate.close()

    run(main())
