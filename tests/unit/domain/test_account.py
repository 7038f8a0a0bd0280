"""Leverage by size."""

from __future__ import annotations

from decimal import Decimal

import pytest

from terminal.domain.account import LeverageTier, effective_leverage

D = Decimal
TIERS = (
    LeverageTier(D(1_000_000), D(200)),
    LeverageTier(D(5_000_000), D(100)),
    LeverageTier(D(20_000_000), D(50)),
)


@pytest.mark.parametrize(
    ("exposure", "margin"),
    [
        (D(10_000), D(50)),
        (D(1_000_000), D(5_000)),
        # A million at 1:200, the rest at 1:100.
        (D(3_000_000), D(5_000) + D(20_000)),
        # The last tier holds for what is beyond it, too.
        (D(25_000_000), D(5_000) + D(40_000) + D(400_000)),
    ],
)
def test_each_part_of_an_exposure_has_the_leverage_of_its_tier(exposure: Decimal, margin: Decimal) -> None:
    leverage = effective_leverage(exposure, D(500), TIERS)
    assert (exposure / leverage).quantize(D("0.01")) == margin


def test_the_account_s_own_leverage_is_never_passed() -> None:
    assert effective_leverage(D(10_000), D(30), TIERS) == 30
    assert (D(3_000_000) / effective_leverage(D(3_000_000), D(150), TIERS)).quantize(D("0.01")) == D(
        "26666.67"
    )


def test_without_tiers_it_is_the_account_s() -> None:
    assert effective_leverage(D(10_000), D(30), ()) == 30
    assert effective_leverage(D(0), D(30), TIERS) == 30
