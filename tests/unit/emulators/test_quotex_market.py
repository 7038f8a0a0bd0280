"""The practice Quotex's assets, quotes, candles and the rest that a chart needs, over the socket."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from terminal.emulators.market.latent import LatentPrices
from terminal.emulators.market.store import Store
from terminal.emulators.quotex.market import Market
from tests.helpers import run
from tests.quotex_client import Socket
from tests.unit.emulators.quotex_kit import OTC, LeapClock, venue

D = Decimal


def _candles_of(history: dict[str, Any]) -> dict[int, list[Any]]:
    """Candles by their time, from the ticks of a history; the last is the one that is forming."""
    buckets: defaultdict[int, list[Any]] = defaultdict(list)
    for at, price, _ in history["history"]:
        buckets[int(at) // history["period"] * history["period"]].append(price)
    return {
        start: [prices[0], prices[-1], max(prices), min(prices)] for start, prices in sorted(buckets.items())
    }


def test_nothing_but_the_authorization_is_answered_before_it() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await Socket.open(quotex.entry)
            await socket.wait_frame(lambda frame: frame == "40")
            assert str(socket.frames[0]).startswith('0{"sid":')
            await socket.send("instruments/get")
            await socket.raw("2")
            await socket.wait_frame(lambda frame: frame == "3")
            assert not socket.events
            await socket.authorise("nobody's")
            await socket.wait("authorization/reject")
            await socket.authorise(quotex.entry["token"])
            names = []
            while "orders/closed/list" not in names:
                await socket.read()
                names = [name for name, _ in socket.events]
            assert names[1] == "s_authorization"
            assert {"settings/list", "balance/list", "instruments/list", "orders/opened/list"} <= set(names)
            await socket.close()

    run(main())


def test_the_table_has_rows_as_long_as_known_with_otc_marked_and_hours_kept() -> None:
    async def main() -> None:
        # A Saturday: metals rest, OTC assets do not.
        saturday = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
        async with venue(clock=LeapClock(saturday)) as quotex:
            socket = await quotex.socket()
            await socket.send("instruments/get")
            rows = {row[1]: row for row in await socket.wait("instruments/list")}
            assert len(rows) > 20
            assert {len(row) for row in rows.values()} == {29}
            assert {row[3] for row in rows.values()} == {"currency", "crypto", "commodity", "stock", "index"}
            assert rows["XAUUSD"][14] is False
            assert rows["XAUUSD_otc"][14] is True
            assert rows[OTC][2] == "EUR/USD\n(OTC)"
            for row in rows.values():
                day, one, five = row[-10], row[-9], row[-8]
                assert 50 < day < five < one < 100
                assert row[5] == row[18] == one

    run(main())


def test_a_chart_begins_with_history_that_its_quotes_continue() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            for asset in ("EURUSD", OTC):
                history = await socket.chart(asset)
                candles = history["candles"]
                assert 100 <= len(candles) <= 200
                times = [row[0] for row in candles]
                assert times == sorted(times, reverse=True)
                for _, first, last, high, low, ticks in candles:
                    assert low <= min(first, last) <= max(first, last) <= high
                    assert ticks >= 1
                before = D(0)
                rows: list[list[Any]] = []
                while len(rows) < 4:
                    quotex.clock.leap(0.5)
                    rows += await socket.wait("quotes/stream")
                for row_asset, at, price, direction in rows:
                    assert row_asset == asset
                    assert at >= before
                    assert direction in (-1, 0, 1)
                    assert price.as_tuple().exponent == -5
                    assert abs(price / candles[0][2] - 1) < D("0.001")
                    before = at
                await socket.send("instruments/unsubscribe", {"asset": asset})

    run(main())


def test_candles_from_ticks_are_those_of_the_history() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            for asset, period in (("EURUSD", 60), (OTC, 60), (OTC, 30), ("GBPJPY", 60)):
                history = await socket.chart(asset, period)
                told = {row[0]: row[1:5] for row in history["candles"]}
                # The first of the ticks' is cut off, the last is forming.
                built = list(_candles_of(history).items())[1:-1]
                assert len(built) >= 8
                for start, candle in built:
                    assert told[start] == candle, (asset, start)

    run(main())


def test_older_candles_page_by_page() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            oldest = quotex.clock.now_s()
            seen: set[int] = set()
            for index in range(3):
                await socket.send(
                    "history/load",
                    {"asset": OTC, "index": index, "time": oldest, "offset": 12_000, "period": 60},
                )
                page = await socket.wait("history/load")
                assert (page["asset"], page["index"], page["period"]) == (OTC, index, 60)
                rows = page["data"]
                assert 190 <= len(rows) <= 199
                times = [row[0] for row in rows]
                assert times == list(range(times[0], times[-1] + 60, 60))
                assert not seen & set(times)
                seen |= set(times)
                oldest = times[0]
            await socket.send(
                "history/load", {"asset": OTC, "index": 9, "time": quotex.clock.now_s(), "offset": 60}
            )
            line = (await socket.wait("history/load"))["history"]
            assert len(line) > 100
            assert all(len(row) == 2 for row in line)
            # The past has a beginning; before it, also long before it, there is nothing.
            for moment in (1_300_000_000, -1e15):
                await socket.send(
                    "history/load",
                    {"asset": OTC, "index": 10, "time": moment, "offset": 12_000, "period": 60},
                )
                assert (await socket.wait("history/load"))["data"] == []

    run(main())


def test_sentiment_and_signals() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            await socket.send("depth/follow", OTC)
            ((asset, buyers),) = await socket.wait("depth/change")
            assert asset == OTC
            assert 0 <= buyers <= 100
            await socket.wait("depth/change")
            await socket.send("depth/unfollow", OTC)
            await socket.send("signal/subscribe")
            signals = await socket.wait("signals")
            assert signals["signals"]
            for asset, rows, until in signals["signals"]:
                assert asset.endswith("_otc")
                assert rows[0]["signal"] in (0, 1)
                assert until > signals["time"]
            quotex.fault("old_signals")
            await socket.send("signal/subscribe")
            older = (await socket.wait("signals"))["signals"]
            assert older[0][1][0][0] in (60, 120, 300)
            assert older[0][1][0][1] in (0, 1)

    run(main())


def test_settings_indicators_and_drawings_are_kept_with_the_account() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            await socket.send(
                "settings/store", {"chartId": "graph", "settings": {"chartType": 2, "dealValue": 5.5}}
            )
            await socket.wait("settings/list", lambda data: data["graph"]["dealValue"] == D("5.5"))
            wish = {"requestId": "p_1", "chartId": "graph", "type": "ma", "settings": {"period": 10}}
            await socket.send("indicator/store", wish)
            (row,) = await socket.wait("indicator/list", bool)
            await socket.send("indicator/change", {"id": row["id"], "settings": {"period": 20}})
            await socket.wait("indicator/list", lambda rows: rows[0]["settings"]["period"] == 20)
            await socket.send("drawing/store", {"kind": "line"})
            await socket.wait("drawing/load", bool)
            other = await quotex.socket()
            await other.send("indicator/list")
            assert (await other.wait("indicator/list"))[0]["settings"] == {"period": 20}
            await other.send("drawing/load")
            assert (await other.wait("drawing/load"))[0]["kind"] == "line"
            await other.send("chart_notification/get", {"asset": OTC, "version": "1.0.0"})
            assert await other.wait("chart_notification/get") == []
            await other.send("indicator/delete", {"id": row["id"]})
            assert await other.wait("indicator/list") == []

    run(main())


def test_other_payouts_and_a_closed_asset_are_told_to_everybody() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.fault("payout", asset=OTC, percent=61)
            await socket.wait(
                "instruments/list", lambda rows: [row[-9] for row in rows if row[1] == OTC] == [61]
            )
            quotex.fault("close_asset", asset=OTC)
            await socket.wait("instruments/list", lambda rows: not next(r for r in rows if r[1] == OTC)[14])
            quotex.face.restore()
            rows = await socket.wait(
                "instruments/list", lambda rows: next(r for r in rows if r[1] == OTC)[14]
            )
            assert next(row for row in rows if row[1] == OTC)[5] > 61

    run(main())


def _market(seed: int, clock: LeapClock, rate: float = 1.0) -> Market:
    return Market(LatentPrices(seed), Store(None), clock, rate=rate)


def test_an_outside_market_is_followed_with_a_small_lag_and_deviation() -> None:
    latents = LatentPrices(5)
    clock = LeapClock()
    market = Market(latents, Store(None), clock)
    now = clock.wall_ns() // 1_000_000
    lag = market.assets["EURUSD"].lag_ms
    assert 50 < lag < 1000
    far = [
        abs(
            float(market.settled_at("EURUSD", now - back))
            - latents.pair_price("EUR", "USD", (now - back) * 10**6)
        )
        for back in range(0, 36_000_000, 61_000)
    ]
    assert 0 < max(far) < 0.0008
    assert sum(far) / len(far) < 0.0001
    market.watch("EURUSD")
    clock.leap(2.0)
    rows = market.step()["EURUSD"]
    assert now - lag < rows[0][0] <= rows[-1][0] <= clock.wall_ns() // 1_000_000 - lag


def test_otc_prices_walk_by_themselves_and_only_the_seed_decides_them() -> None:
    clock = LeapClock(1_795_262_400)
    one, same, other = _market(5, clock), _market(5, clock), _market(6, clock)
    moments = [1_795_262_400_000 - back for back in range(0, 3_600_000, 60_000)]
    path = [one.settled_at(OTC, at) for at in moments]
    assert path == [same.settled_at(OTC, at) for at in moments]
    assert path != [other.settled_at(OTC, at) for at in moments]
    assert len(set(path)) > 30


@pytest.mark.parametrize("asset", ["EURUSD", OTC])
def test_a_shock_moves_prices_from_now_on(asset: str) -> None:
    clock = LeapClock()
    market = _market(5, clock)
    before = market.last(asset)
    now_s = clock.wall_ns() // 1_000_000_000
    past = market.candles(asset, 60, 3, before_ms=now_s // 60 * 60_000)
    market.shock(asset, 2.0)
    market.step()
    clock.leap(2.0)
    assert D("1.015") < market.last(asset) / before < D("1.025")
    assert market.candles(asset, 60, 3, before_ms=now_s // 60 * 60_000) == past


def test_a_lively_market_has_more_ticks_and_a_frozen_one_none() -> None:
    clock = LeapClock()
    calm, lively, frozen = (_market(5, clock, rate) for rate in (1.0, 20.0, 0.0))
    for market in (calm, lively, frozen):
        market.watch(OTC)
    clock.leap(2.0)
    few, many = len(calm.step()[OTC]), len(lively.step()[OTC])
    assert 2 <= few <= 6
    assert many > 5 * few
    assert not frozen.step()
    price = frozen.last(OTC)
    clock.leap(60.0)
    assert frozen.last(OTC) == price


def test_a_short_candle_without_a_tick_yet_hides_none_before_it() -> None:
    market = _market(3, LeapClock())
    now = (market.now_ms() // 60_000 - 2) * 60_000 + 20_000
    candles = market.prices(OTC).candles(5, now + 1, 0, 20, now)
    assert [one.start_s * 1000 for one in candles] == [now - 5_000 * n for n in range(1, 21)]


def test_the_last_price_of_a_closed_asset_has_the_time_of_its_last_minute() -> None:
    saturday = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
    market = _market(3, LeapClock(saturday))
    midnight_ms = (saturday - 12 * 3600) * 1000
    assert midnight_ms - 12 * 3_600_000 < market.quote("XAUUSD")[0] < midnight_ms
    market.watch("XAUUSD")
    assert market.quote("XAUUSD")[0] < midnight_ms
    assert market.quote(OTC)[0] > saturday * 1000 - 60_000
