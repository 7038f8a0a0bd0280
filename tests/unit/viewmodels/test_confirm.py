"""What is asked before quitting is true for practice and for real accounts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType
from terminal.viewmodels.confirm import order_confirmation, quit_confirmation
from tests.trading_fakes import BTC, btc

BUY = OrderRequest(BTC, Side.BUY, OrderType.LIMIT, Decimal("0.05"), Decimal("64000.0"))


def rows_of(request: OrderRequest, margin: str | None = None) -> dict[str, str]:
    shown = order_confirmation(
        request, btc(), badge="PRACTICE", venue="House", notional=Decimal(3200), margin=margin
    )
    return dict(shown.rows)


def test_what_is_filled_at_once_has_no_lifetime() -> None:
    assert rows_of(BUY)["Time in force"] == "GTC"
    market = replace(BUY, order_type=OrderType.MARKET, limit_price=None)
    assert "Time in force" not in rows_of(market)


@pytest.mark.parametrize("margin", ["≈ 106.67 USD at 1:30", ""])
def test_an_order_on_margin_tells_its_value_and_what_it_ties_up(margin: str) -> None:
    rows = rows_of(BUY, margin)
    assert "Total, estimated" not in rows, "nobody pays it"
    assert rows["Value"].endswith("200.00 USD")
    assert rows.get("Margin needed", "") == margin
    assert "Total, estimated" in rows_of(BUY)


def test_orders_at_a_real_venue_can_fill_while_the_terminal_is_off() -> None:
    question = quit_confirmation(at_venue=2, practice=0)
    assert question.rows == (("At the venue", "2 orders"),)
    assert "can fill while the terminal is off" in question.note
    assert "practice" not in question.note


def test_practice_orders_cannot() -> None:
    question = quit_confirmation(at_venue=0, practice=1)
    assert question.rows == (("Kept for practice", "1 practice order"),)
    assert "practice market stops" in question.note
    assert "can fill while" not in question.note


def test_both_are_told_apart_and_a_doubt_alone_names_no_order() -> None:
    both = quit_confirmation(at_venue=1, practice=3)
    assert [value for _, value in both.rows] == ["1 order", "3 practice orders"]
    assert "can fill while the terminal is off" in both.note
    assert "cannot fill before the next start" in both.note
    doubt = quit_confirmation(at_venue=0, practice=0, warnings=("An order is in doubt.",))
    assert (doubt.rows, doubt.note, doubt.warnings) == ((), "", ("An order is in doubt.",))
