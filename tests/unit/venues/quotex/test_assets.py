"""The asset table: names, payouts, open or closed, and rows of lengths that nobody has seen yet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.contracts import ExpiryMode
from terminal.domain.instrument import InstrumentKind, MarketStatus
from terminal.venues.quotex.assets import Assets

D = Decimal


def row(symbol: str = "EURUSD_otc", name: str = "EUR/USD\n(OTC)", **columns: Any) -> list[Any]:
    """A row of 29 columns as on the wire; ``columns`` by place, ``_10`` counted from the end."""
    found: list[Any] = [
        *(2, symbol, name, "currency", 5, 87, None, None, None, 0, None, None, None, 1722535200, True),
        *(None, 0, D("0.13"), 87, 82, 86, 84, D("1.57"), D("0.42"), None, None, 0, "fixed_time", None),
    ]
    for place, value in columns.items():
        found[-int(place[1:]) if place.startswith("_") else int(place[1:])] = value
    return found


def test_a_row_is_an_instrument_with_an_offer() -> None:
    assets = Assets("EUR")
    (item,) = assets.take([row()])
    assert assets.by_wire("EURUSD_otc") is assets.by_symbol("EUR/USD OTC") is item
    assert (item.kind, item.base, item.quote) == (InstrumentKind.CONTRACT, "EUR", "USD")
    assert (item.tick_size, item.min_quantity, item.status) == (D("0.00001"), D(1), MarketStatus.ONLINE)
    offer = item.offer
    assert offer is not None
    assert (offer.currency, offer.is_house_quoted) == ("EUR", True)
    # By their places from the end: a day, a minute, five minutes. Between two nobody knows: the lower one.
    assert [offer.payout(seconds) for seconds in (86_400, 60, 300)] == [82, 86, 84]
    assert [offer.payout(seconds) for seconds in (5, 120, 900, 14_400)] == [86, 84, 82, 82]
    assert [offer.is_exact(seconds) for seconds in (86_400, 60, 300)] == [True] * 3
    assert not any(offer.is_exact(seconds) for seconds in (5, 120, 600, 14_400))
    assert offer.offers(ExpiryMode.TIMED, 5)
    assert not offer.offers(ExpiryMode.CLOCK, 5)


def test_an_asset_of_an_outside_market_ends_by_the_clock_alone() -> None:
    (item,) = Assets().take([row("EURUSD", "EUR/USD")])
    assert item.symbol == "EUR/USD"
    assert item.offer is not None
    assert (item.offer.timed_s, item.offer.is_house_quoted) == ((), False)
    assert not item.description


def test_only_what_has_changed_is_told_again() -> None:
    assets = Assets()
    both = [row(), row("GBPUSD_otc", "GBP/USD (OTC)")]
    assert len(assets.take(both)) == 2
    assert assets.take(both) == ()
    both[1][14] = False
    (closed,) = assets.take(both)
    assert (closed.symbol, closed.status) == ("GBP/USD OTC", MarketStatus.CLOSED)
    assert len(assets) == 2


def test_rows_of_any_length_and_a_row_without_its_table() -> None:
    assets = Assets()
    longer, shorter = row(), row("GBPUSD_otc", "GBP/USD (OTC)")[:15]
    longer[20:20] = [None, "new", 1]
    assert len(assets.take([longer, shorter])) == 2
    offer = assets.all()[0].offer
    assert offer is not None
    assert offer.payout(60) == 86
    # Too short for the columns at its end: its one payout holds for every length.
    short = assets.all()[1].offer
    assert short is not None
    assert (short.payouts_pct, short.payout(60)) == ((), D(87))
    assert short.is_exact(120)
    assert [item.symbol for item in assets.take(row("USDJPY", "USD/JPY"))] == ["USD/JPY"]
    assert assets.unreadable == 0


@pytest.mark.parametrize(
    "bad",
    [
        [2, "AUDCAD"],
        row(c1=""),
        row(c1=7),
        row(c2=None),
        row(c5="many"),
        row(c5=-3),
        row(c5=D("NaN")),
        row(c14="yes"),
        "row",
        None,
    ],
)
def test_what_cannot_be_read_is_counted_and_hides_nothing_else(bad: Any) -> None:
    assets = Assets()
    assert [item.symbol for item in assets.take([bad, row()])] == ["EUR/USD OTC"]
    assert assets.unreadable == 1


def test_two_assets_of_one_name_keep_theirs_apart() -> None:
    assets = Assets()
    first, second = assets.take([row("GOLD", "Gold"), row("XAUUSD", "Gold")])
    assert (first.symbol, second.symbol) == ("Gold", "XAUUSD")
    assert assets.take([row("GOLD", "Gold"), row("XAUUSD", "Gold")]) == ()


def test_the_accounts_currency_comes_later_than_the_table() -> None:
    assets = Assets()
    assets.take([row()])
    (changed,) = assets.set_currency("EUR")
    assert changed.offer is not None
    assert changed.offer.currency == "EUR"
    assert assets.set_currency("EUR") == assets.set_currency("") == ()


def test_the_row_is_kept_as_it_came_with_what_nobody_knows() -> None:
    assets = Assets()
    assets.take([row()])
    assert assets.row("EUR/USD OTC") == tuple(row())
    assert assets.row("NOSUCH") == ()
    assets.take([row(c18=91)])
    assert assets.row("EUR/USD OTC")[18] == 91


def test_an_asset_that_only_a_deal_names_is_closed_and_has_no_offer() -> None:
    assets = Assets()
    assert assets.unlisted("GONE_otc", D("1.234")) is None, "the table may have it yet"
    assets.take([row()])
    assert assets.unlisted("", D(1)) is None
    made = assets.unlisted("GONE_otc", D("1.234"))
    assert made is not None
    assert (made.symbol, made.status, made.offer, made.price_decimals) == (
        *("GONE_otc", MarketStatus.CLOSED, None, 3),
    )
    assert assets.row("GONE_otc") == ()
    (listed,) = assets.take([row("GONE_otc", "GO/NE (OTC)")])
    assert assets.by_wire("GONE_otc") is listed
    assert listed.offer is not None


def test_an_asset_that_leaves_the_table_is_closed_and_open_again_when_it_is_back() -> None:
    assets = Assets()
    table = [row(), row("GBPUSD_otc", "GBP/USD (OTC)"), row("AUDUSD_otc", "AUD/USD (OTC)")]
    assets.take(table)
    (gone,) = assets.take(table[:2])
    assert (gone.symbol, gone.status) == ("AUD/USD OTC", MarketStatus.CLOSED)
    assert assets.take(table[:2]) == ()
    (back,) = assets.take(table)
    assert (back.symbol, back.status) == ("AUD/USD OTC", MarketStatus.ONLINE)
    # One row of many is news of that one; and where a row cannot be read nobody knows whose it is.
    assert assets.take(table[:1]) == ()
    assert assets.take([*table[:2], [1, "AUDUSD_otc"]]) == ()
