"""Names of attachments by their shapes, and which data can be whose."""

from __future__ import annotations

from typing import Any

import pytest

from terminal.venues.quotex.shapes import fits, name_by_shape

EVENTS: dict[str, Any] = {
    "instruments/list": [[1, "EURUSD", *[None] * 27]],
    "quotes/stream": [["EURUSD_otc", 1795174712.3, 1.08, 1]],
    "depth/change": [["EURUSD_otc", 63]],
    "balance": {"liveBalance": 1, "demoBalance": 2},
    "signals": {"time": 1, "signals": []},
    "s_orders/close": {"profit": 1, "deals": []},
    "s_pending/create": {"pending": {"ticket": "t"}},
    "s_orders/open": {"id": "a", "asset": "EURUSD_otc", "openPrice": 1},
    "s_orders/cancel": {"ticket": "a"},
    "s_demo/refill": {"isDemo": 1, "balance": 5000},
    "f_orders/open": {"error": "expiration"},
    "history/load": {"asset": "EURUSD_otc", "index": 1, "data": []},
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_nameless_attachment_is_known_by_its_shape(name: str) -> None:
    assert name_by_shape(EVENTS[name]) == name


@pytest.mark.parametrize("data", [[], {}, None, 5, "x", [1, 2], [[]], {"id": 1, "ticket": 2}])
def test_what_has_no_shape_has_no_name(data: Any) -> None:
    assert name_by_shape(data) == ""


@pytest.mark.parametrize("name", EVENTS)
def test_data_fits_its_own_name_and_none_of_another_kind(name: str) -> None:
    alike = {"s_orders/cancel", "balance", "s_demo/refill"}
    assert fits(name, EVENTS[name])
    wrong = {other for other, data in EVENTS.items() if other != name and fits(name, data)}
    assert wrong <= alike or name == "s_demo/refill", wrong


def test_what_is_known_and_of_no_use_is_no_fault() -> None:
    assert name_by_shape({"profit": 12.5}) == "profit/today"
    assert name_by_shape({"position": 1204, "profit": 3}) == "leaders/place"


def test_lists_of_deals_and_unknown_names() -> None:
    assert fits("orders/opened/list", [])
    assert fits("orders/closed/list", [{"id": 1}])
    assert not fits("orders/closed/list", [["EURUSD", 1, 2, 3]])
    assert not fits("quotes/stream", [{"id": 1}])
    # A row that came without its table, and an event that nobody has heard of.
    assert fits("instruments/list", [1, "EURUSD", *[None] * 27])
    assert fits("leaders/place", {"anything": 1})
