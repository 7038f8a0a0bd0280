"""Quotes, bars, depth and history of the practice cTrader, as a client gets them."""

from __future__ import annotations

import itertools

from tests.helpers import eventually, run
from tests.unit.emulators.ctrader.client import DEMO, Fields, refusal, world


def test_spots_begin_two_sided_after_the_answer_and_go_on_with_what_changed() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            answer = await client.ask(2127, {2: DEMO, 3: [1], 4: True})
            assert answer.kind == 2128
            events = await client.wait_for(2131, 12)
            assert client.seen.index(events[0]) > client.seen.index(answer)
            first = events[0].body
            assert first.num(2) == DEMO
            assert first.num(3) == 1
            assert first.num(4) < first.num(5)
            assert 0.8 < first.num(4) / 100_000 < 1.7
            assert first.has(7)
            assert first.has(8)
            # Which side moves next is the market's: each one alone, sooner or later.
            await client.wait_for(2131, 1, lambda body: not body.has(4))
            await client.wait_for(2131, 1, lambda body: not body.has(5))
            later = [one.body for one in client.of_kind(2131)[1:]]
            assert all(one.has(4) or one.has(5) for one in later)
            assert all(one.has(8) and not one.has(7) for one in later)
            assert [one.num(8) for one in later] == sorted(one.num(8) for one in later)
            assert refusal(await client.ask(2127, {2: DEMO, 3: [1]})) == "ALREADY_SUBSCRIBED"
            assert refusal(await client.ask(2127, {2: DEMO, 3: [424242]})) == "SYMBOL_NOT_FOUND"
            assert (await client.ask(2129, {2: DEMO, 3: [1]})).kind == 2130
            assert not venue.face.quotes.watched

    run(main())


def test_a_closed_market_tells_its_last_price_once() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.fault("close_market", symbol="EURUSD")
            await client.ask(2127, {2: DEMO, 3: [1, 2]})
            await client.wait_for(2131, 8, lambda body: body.num(3) == 2)
            closed = [one for one in client.of_kind(2131) if one.body.num(3) == 1]
            assert len(closed) == 1
            assert closed[0].body.has(4)
            assert closed[0].body.has(5)
            (change,) = await client.wait_for(2120)
            assert change.body.ints(3) == [1]
            full = (await client.ask(2116, {2: DEMO, 3: [1]})).body.messages(3)[0]
            assert any(one.text(2) == "Practice closure" for one in full.messages(33))
            await venue.control("clear")
            await client.wait_for(2131, 4, lambda body: body.num(3) == 1)

    run(main())


def test_live_bars_ride_on_bids_and_have_no_close() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            early = await client.ask(2135, {2: DEMO, 3: 1, 4: 1})
            assert refusal(early) == "INVALID_REQUEST"
            await client.ask(2127, {2: DEMO, 3: [1]})
            assert (await client.ask(2135, {2: DEMO, 3: 1, 4: 1})).kind == 2165
            assert (await client.ask(2135, {2: DEMO, 3: 9, 4: 1})).kind == 2165
            events = await client.wait_for(2131, 4, lambda body: body.has(6))
            assert not [one for one in client.of_kind(2131) if one.body.has(6) and not one.body.has(4)]
            for one in events:
                bars = one.body.messages(6)
                assert {bar.num(4) for bar in bars} == {1, 9}
                for bar in bars:
                    assert not bar.has(7)
                    assert bar.num(3) > 0
                    low = bar.num(5)
                    assert low <= one.body.num(4) <= low + bar.num(8)
            assert (await client.ask(2136, {2: DEMO, 3: 1, 4: 1})).kind == 2166
            place = len(client.seen)
            await eventually(
                lambda: [one for one in client.seen[place:] if one.kind == 2131 and one.body.has(6)]
            )
            for one in client.seen[place:]:
                if one.kind == 2131:
                    assert all(bar.num(4) == 9 for bar in one.body.messages(6))

    run(main())


def _apply(book: dict[int, tuple[str, int, int]], body: Fields) -> None:
    for number in body.ints(5):
        del book[number]
    for quote in body.messages(4):
        assert quote.has(4) is not quote.has(5)
        side = "bid" if quote.has(4) else "ask"
        book[quote.num(1)] = side, quote.num(4 if side == "bid" else 5), quote.num(3)


def test_depth_begins_with_the_whole_book_and_stays_right_by_its_changes() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            assert refusal(await client.ask(2156, {2: DEMO, 3: [1]})) == "INVALID_REQUEST"
            await client.ask(2127, {2: DEMO, 3: [1]})
            assert (await client.ask(2156, {2: DEMO, 3: [1]})).kind == 2157
            await client.wait_for(2155, 25)
            await venue.control("rate", rate=0)
            live = venue.face.quotes.watch(1)
            assert live.book is not None
            wanted = {
                one.quote_id: ("bid" if one.is_bid else "ask", one.points, one.size)
                for one in live.book.quotes()
            }
            book: dict[int, tuple[str, int, int]] = {}

            def rebuilt() -> dict[int, tuple[str, int, int]]:
                book.clear()
                for one in client.of_kind(2155):
                    _apply(book, one.body)
                return book

            await eventually(lambda: rebuilt() == wanted)
            bids = [price for side, price, _ in book.values() if side == "bid"]
            asks = [price for side, price, _ in book.values() if side == "ask"]
            assert (max(bids), min(asks)) == (live.bid, live.ask)
            venue.face.quotes.unwatch(1)
            assert (await client.ask(2158, {2: DEMO, 3: [1]})).kind == 2159

    run(main())


def test_bars_page_back_without_gap_or_overlap() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            now = venue.face.quotes.now_ms()
            minutes: list[int] = []
            until = now
            for _ in range(3):
                page = (await client.ask(2137, {2: DEMO, 4: until, 5: 1, 6: 1, 7: 100})).body
                assert page.num(3) == 1
                times = [bar.num(9) for bar in page.messages(5)]
                assert len(times) == 100
                assert times == sorted(times)
                minutes = times + minutes
                until = times[0] * 60_000 - 1
            assert all(b == a + 1 for a, b in itertools.pairwise(minutes))
            assert minutes[-1] == now // 60_000
            for bar in page.messages(5):
                assert not bar.has(4)
                assert max(bar.num(6), bar.num(7)) <= bar.num(8)
            venue.face.forgive()
            window = (await client.ask(2137, {2: DEMO, 3: now - 3_600_000, 4: now, 5: 5, 6: 1})).body
            assert len(window.messages(5)) in (12, 13)
            assert window.num(7) == 0
            wide = await client.ask(2137, {2: DEMO, 3: now - 3_024_000_001, 4: now, 5: 1, 6: 1})
            assert refusal(wide) == "INCORRECT_BOUNDARIES"
            await venue.control("limits", strict_windows=False)
            cut = (await client.ask(2137, {2: DEMO, 3: now - 4_000_000_000, 4: now, 5: 1, 6: 1})).body
            assert len(cut.messages(5)) == 5000
            assert cut.num(7) == 1
            venue.face.forgive()
            late = await client.ask(2137, {2: DEMO, 4: 2_147_483_646_001, 5: 1, 6: 1, 7: 5})
            assert refusal(late) == "INCORRECT_BOUNDARIES"
            for period in range(1, 15):
                venue.face.forgive()
                answer = (await client.ask(2137, {2: DEMO, 4: now, 5: period, 6: 1, 7: 3})).body
                assert answer.num(3) == period
                assert len(answer.messages(5)) == 3

    run(main())


def test_ticks_come_newest_first_as_differences() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            now = venue.face.quotes.now_ms()
            answer = (await client.ask(2145, {2: DEMO, 3: 1, 4: 1, 5: now - 600_000, 6: now})).body
            rows = answer.messages(3)
            assert answer.num(4) == 0
            assert rows[0].num(1) <= now
            assert all(row.num(1) < 0 for row in rows[1:])
            times = list(itertools.accumulate(row.num(1) for row in rows))
            prices = list(itertools.accumulate(row.num(2) for row in rows))
            assert min(times) >= now - 600_000
            assert all(50_000 < price < 200_000 for price in prices)
            bars = (await client.ask(2137, {2: DEMO, 4: now, 5: 1, 6: 1, 7: 9})).body.messages(5)
            for bar in bars[1:-1]:
                begin = bar.num(9) * 60_000
                inside = [
                    price for ms, price in zip(times, prices, strict=True) if begin <= ms < begin + 60_000
                ]
                assert bar.num(5) <= min(inside)
                assert max(inside) <= bar.num(5) + bar.num(8)
            asks = (await client.ask(2145, {2: DEMO, 3: 1, 4: 2, 5: now - 60_000, 6: now})).body
            assert asks.messages(3)[0].num(2) > prices[0] - 50
            week = (await client.ask(2145, {2: DEMO, 3: 1, 4: 1, 5: now - 604_800_000, 6: now})).body
            assert week.num(4) == 1
            wide = await client.ask(2145, {2: DEMO, 3: 1, 4: 1, 5: now - 604_800_001, 6: now})
            assert refusal(wide) == "INCORRECT_BOUNDARIES"

    run(main())


def test_one_account_hears_nothing_of_anothers_subscription() -> None:
    async def main() -> None:
        async with world() as venue:
            one, other = await venue.signed_in(), await venue.signed_in()
            await one.ask(2127, {2: DEMO, 3: [1]})
            await other.ask(2127, {2: DEMO, 3: [2]})
            await one.wait_for(2131, 3)
            await other.wait_for(2131, 3)
            assert {event.body.num(3) for event in one.of_kind(2131)} == {1}
            assert {event.body.num(3) for event in other.of_kind(2131)} == {2}
            await one.close()
            await eventually(lambda: venue.face.quotes.watched == {2})

    run(main())
