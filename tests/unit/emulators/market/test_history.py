"""Latent prices and the made-up past: reproducible, consistent at every length, quick."""

from __future__ import annotations

import itertools
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.emulators.market.history import INTERVALS_S, Candle, History, MarketBar, join
from terminal.emulators.market.latent import ASSETS, LEVELS_S, LatentPrices
from terminal.emulators.market.listing import LISTING_BY_SYMBOL, LISTINGS

NOW_NS = 1_767_700_123_456_789_012  # 2026-01-06
DAY_NS = 86_400_000_000_000
SYMBOLS = st.sampled_from(sorted(LISTING_BY_SYMBOL))


def history(symbol: str, seed: int = 7) -> History:
    return History(LatentPrices(seed), LISTING_BY_SYMBOL[symbol])


def joined(bars: list[MarketBar]) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal, int]:
    return (
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum((bar.volume for bar in bars), start=Decimal(0)),
        sum(bar.trades for bar in bars),
    )


def test_at_least_twelve_pairs_on_power_of_ten_grids() -> None:
    assert len(LISTINGS) >= 12
    for listing in LISTINGS:
        assert listing.grid.ticks(listing.start_price) > 0
        assert {listing.base, listing.quote} <= {"USD", *ASSETS}


@pytest.mark.parametrize("asset", ["BTC", "USDT", "EUR", "JPY", "CHF", "XAU", "US500"])
def test_price_is_the_same_for_the_same_seed_whatever_was_asked_before(asset: str) -> None:
    times = [NOW_NS + i * 977_000_000_000 for i in range(-40, 40)]
    first = LatentPrices(3)
    forwards = [first.price(asset, t) for t in times]
    second = LatentPrices(3)
    backwards = [second.price(asset, t) for t in reversed(times)][::-1]
    assert forwards == backwards
    assert forwards != [LatentPrices(4).price(asset, t) for t in times]


def test_prices_stay_in_reach_of_their_start_and_tethers_hold() -> None:
    for seed in range(5):
        latents = LatentPrices(seed)
        for asset, model in ASSETS.items():
            for days in (-3000, -400, 0, 200, 1500):
                ratio = latents.price(asset, NOW_NS + days * DAY_NS) / model.start
                assert 0.1 < ratio < 10
        assert latents.price("USDT", NOW_NS) == pytest.approx(1.0, abs=0.01)


def test_pair_price_is_the_ratio_of_its_assets() -> None:
    latents = LatentPrices(5)
    ratio = latents.price("ETH", NOW_NS) / latents.price("BTC", NOW_NS)
    assert latents.pair_price("ETH", "BTC", NOW_NS) == pytest.approx(ratio, rel=1e-12)


def test_price_moves_without_jumps_between_its_smallest_steps() -> None:
    latents = LatentPrices(5)
    prices = [latents.price("BTC", NOW_NS + i * 100_000_000) for i in range(3000)]
    moves = [abs(b / a - 1) for a, b in itertools.pairwise(prices)]
    assert 0 < max(moves) < 0.002


def test_a_shift_moves_every_pair_of_the_asset() -> None:
    latents = LatentPrices(5)
    before = latents.pair_price("BTC", "EUR", NOW_NS), latents.pair_price("ETH", "BTC", NOW_NS)
    latents.shift("BTC", 10.0)
    assert latents.pair_price("BTC", "EUR", NOW_NS) == pytest.approx(before[0] * 1.1)
    assert latents.pair_price("ETH", "BTC", NOW_NS) == pytest.approx(before[1] / 1.1)


@settings(max_examples=40, deadline=None)
@given(SYMBOLS, st.sampled_from(INTERVALS_S[1:7]), st.integers(-2000, 100), st.integers(0, 50))
def test_every_bar_is_the_aggregate_of_its_minutes(symbol: str, interval_s: int, day: int, seed: int) -> None:
    past = history(symbol, seed)
    end_ns = (NOW_NS // DAY_NS + day) * DAY_NS
    (bar,) = past.bars(interval_s, end_ns, 1)
    minutes = past.bars(60, bar.open_ns + interval_s * 1_000_000_000, interval_s // 60)
    assert minutes[0].open_ns == bar.open_ns
    assert joined(minutes) == joined([bar])
    assert all(one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high for one in minutes)
    assert all(one.volume > 0 and one.trades >= 4 for one in minutes)


@pytest.mark.parametrize("interval_s", [604_800, 1_296_000])
def test_long_bars_are_the_aggregate_of_their_minutes_too(interval_s: int) -> None:
    past = history("ETH/BTC")
    (bar,) = past.bars(interval_s, NOW_NS - 90 * DAY_NS, 1)
    minutes = past.bars(60, bar.open_ns + interval_s * 1_000_000_000, interval_s // 60)
    assert joined(minutes) == joined([bar])


@pytest.mark.parametrize("symbol", ["BTC/USD", "BTC/EUR", "ETH/BTC", "USDT/USD"])
def test_bars_follow_one_another_and_are_reproducible(symbol: str) -> None:
    bars = history(symbol).bars(3600, NOW_NS, 720)
    assert len(bars) == 720
    assert [b.open_ns - a.open_ns for a, b in itertools.pairwise(bars)] == [3600 * 10**9] * 719
    assert all(a.close == b.open for a, b in itertools.pairwise(bars))
    assert bars == history(symbol).bars(3600, NOW_NS, 720)
    assert bars[:300] == history(symbol).bars(3600, bars[300].open_ns, 300)
    assert bars != history(symbol, seed=8).bars(3600, NOW_NS, 720)


def test_scrolling_back_goes_on_for_decades() -> None:
    bars = history("BTC/USD").bars(86_400, NOW_NS, 12_000)
    assert len(bars) == 12_000
    assert min(bar.low for bar in bars) > 0


def test_unknown_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="no bars of 120 s"):
        history("BTC/USD").bars(120, NOW_NS, 10)


@pytest.mark.parametrize("interval_s", INTERVALS_S)
def test_seven_hundred_twenty_bars_come_quickly(interval_s: int) -> None:
    took = []
    for seed in (1, 2):
        past = history("ETH/BTC", seed)
        began = time.process_time()
        bars = past.bars(interval_s, NOW_NS, 720)
        took.append(time.process_time() - began)
        assert len(bars) == 720
    assert (
        min(took) < 0.3
    )  # processor seconds, with room for a slow machine; about 0.1 at most on a quiet one


@settings(max_examples=40, deadline=None)
@given(SYMBOLS, st.integers(-500_000, 0))
def test_prints_of_a_minute_add_up_to_its_bar(symbol: str, offset: int) -> None:
    past = history(symbol)
    minute = NOW_NS // 60_000_000_000 + offset
    prints = past.minute_prints(minute)
    bar = past.minute(minute)
    assert (prints[0].ticks, prints[-1].ticks) == (bar.open, bar.close)
    assert max(one.ticks for one in prints) == bar.high
    assert min(one.ticks for one in prints) == bar.low
    assert (sum(one.steps for one in prints), len(prints)) == (bar.steps, bar.trades)
    assert all(one.steps > 0 for one in prints)
    assert [one.ts_ns for one in prints] == sorted(one.ts_ns for one in prints)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1000, 1010), min_size=1, max_size=9),
    st.integers(1, 5),
    st.integers(0, 10_000),
)
def test_prints_are_made_up_for_a_kept_bar_too(path: list[int], size: int, minute: int) -> None:
    kept = Candle(path[0], max(path), min(path), path[-1], size * len(path), len(path), size * sum(path))
    prints = history("BTC/USD").minute_prints(29_000_000 + minute, kept)
    assert len(prints) == len(path)
    assert sum(one.steps for one in prints) == kept.steps
    assert prints[-1].ticks == kept.close
    assert all(kept.low <= one.ticks <= kept.high for one in prints)


def test_paging_through_past_trades_misses_none_and_ids_rise_by_one() -> None:
    past = history("ETH/USD")
    begin = NOW_NS - 2 * 3_600_000_000_000
    whole = past.trades(begin, 100_000, NOW_NS)
    paged = []
    since = begin
    while page := past.trades(since, 500, NOW_NS):
        paged.extend(page)
        since = page[-1].ts_ns
    assert paged == whole
    assert len(whole) > 1000
    assert [b.trade_id - a.trade_id for a, b in itertools.pairwise(whole)] == [1] * (len(whole) - 1)


def test_trade_ids_run_on_over_midnight_and_the_anchor() -> None:
    past = history("BTC/USD")
    for day in (20_453, 20_454, 20_455, 20_300):
        first = past.trades_before(day * 1440)
        assert first - past.trades_before(day * 1440 - 1) == past.minute(day * 1440 - 1).trades
        assert past.trades_before(day * 1440 + 61) - first == sum(
            past.minute(day * 1440 + i).trades for i in range(61)
        )


def test_tree_levels_divide_one_another() -> None:
    assert all(long % short == 0 for long, short in itertools.pairwise(LEVELS_S))


def test_join_keeps_ends_and_extremes() -> None:
    assert join([Candle(5, 9, 4, 6, 10, 2, 60), Candle(6, 7, 1, 2, 5, 1, 20)]) == Candle(
        5, 9, 1, 2, 15, 3, 80
    )
