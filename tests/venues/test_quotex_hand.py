"""What Quotex alone has: accounts of which one is open, tournaments, the refill, sentiment, signals, the
profile, candles far back, and a session that was pasted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.errors import NotSent, RequestRejected, VenueUnavailable
from terminal.domain.events import BalancesReported, ForAccount, LinkState, VenueEvent
from terminal.domain.market import Side
from terminal.venues.quotex import PERIODS_S, refill
from terminal.venues.quotex import connector as connector_module
from terminal.venues.quotex.connector import QuotexConnector
from tests.helpers import eventually, run
from tests.practice_quotex import QuotexPractice
from tests.venues.kit import desk

D = Decimal
NS = 10**9


@pytest.fixture(scope="module")
def running() -> Iterator[QuotexPractice]:
    found = QuotexPractice()
    found.start()
    yield found
    found.stop()


@pytest.fixture
def practice(running: QuotexPractice) -> QuotexPractice:
    running.renew()
    return running


def test_the_account_that_is_open_can_be_changed(practice: QuotexPractice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            await found.submit(found.contract())
            told: list[VenueEvent] = []
            sink = found.connector._sink

            def note(event: VenueEvent) -> None:
                told.append(event)
                sink(event)

            found.connector._sink = note
            await found.connector.show_accounts([practice.account_id("live")])
            live, demo = (
                found.connector.trader(practice.account_id("live")),
                found.connector.trader(practice.account_id("demo")),
            )
            await eventually(
                lambda: any(
                    isinstance(e, ForAccount)
                    and e.account_id == practice.account_id("live")
                    and e.event is LinkState.LIVE
                    for e in told
                ),
                what="the real account",
            )
            snapshot = await live.snapshot(0)
            assert [(each.asset, each.total) for each in snapshot.balances] == [("USD", D(250))]
            assert not snapshot.positions, "the contract is the other account's"
            # Nothing goes to an account that is not the open one, and nothing to the wrong one.
            request = found.contract()
            with pytest.raises(NotSent):
                await demo.submit(request, found.new_id())
            await live.submit(request, found.new_id())
            opened = (await practice.record())["opened"]
            assert [row["isDemo"] for row in opened] == [1, 0]
            # It is the account that a new line opens.
            await practice.cut()
            await eventually(lambda: found.connector.health().reconnects == 1, what="the new line")
            await eventually(lambda: found.connector.is_ready, what="the new session")
            assert [each.side for each in (await live.snapshot(0)).positions] == [Side.BUY]
            await found.connector.show_accounts([practice.account_id("demo")])
            assert len((await demo.snapshot(0)).positions) == 1

    run(main())


def test_the_real_account_is_open_only_where_it_was_chosen(practice: QuotexPractice) -> None:
    async def main() -> None:
        demo, live = practice.account_id("demo"), practice.account_id("live")
        # Of another person it opens nothing.
        other = practice.account_id("live", "second")
        for chosen, is_demo in (
            *(("", 1), (demo, 1), (f"{demo},{live}", 1), ("odd", 1), ("live", 1), (other, 1)),
            *((f"{other},{live}", 1), (live, 0)),
        ):
            connector = QuotexConnector(practice.settings(accounts=chosen))
            assert connector._authorization()["isDemo"] == is_demo, chosen

    run(main())


def test_a_tournament_has_money_of_its_own(practice: QuotexPractice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            number = str(practice.entry["tournaments"][0])
            contest = practice.account_id(number)

            def listed() -> bool:
                return contest in {each.account_id for each in found.connector.accounts()}

            await eventually(listed, what="the tournaments")
            await found.connector.show_accounts([contest])
            hand = found.connector.trader(contest)
            assert [each.total for each in (await hand.snapshot(0)).balances] == [D(1000)]
            await hand.submit(found.contract(), found.new_id())
            (row,) = (await practice.record())["opened"]
            assert (row["isDemo"], row["tournamentId"]) == (1, int(number))
            info = next(each for each in found.connector.accounts() if each.account_id == contest)
            assert not info.is_live
            assert "Weekend contest" in info.title
        # It can be the one that is opened first.
        connector = QuotexConnector(practice.settings(accounts=contest))
        try:
            await connector.connect(lambda event: None)
            snapshot = await connector.trader(contest).snapshot(0)
            assert len(snapshot.positions) == 1
        finally:
            await connector.close()

    run(main())


def test_the_demo_account_is_refilled(practice: QuotexPractice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            before = found.balances["USD"].total
            assert await found.connector.refill(D(5000)) == 5000 - before
            assert found.balances["USD"].total == 5000
            ((entry,), earlier) = await found.connector.trader(practice.account_id("demo")).cash_flow()
            assert (entry.what, entry.amount, entry.balance, earlier) == ("refill", 5000 - before, 5000, None)
            with pytest.raises(RequestRejected) as caught:
                await found.connector.refill(D(10**9))
            assert "maximum" in caught.value.user_text
            assert found.balances["USD"].total == 5000
            can = {each.account_id: each.refills for each in found.connector.accounts()}
            assert (can[practice.account_id("demo")], can[practice.account_id("live")]) == (True, False)
            await found.connector.show_accounts([practice.account_id("live")])
            with pytest.raises(RequestRejected):
                await found.connector.refill(D(100))
            assert [each["method"] for each in (await practice.record())["requests"]].count(
                "demo/refill"
            ) == 2

    run(main())


def test_a_refill_without_an_answer_is_read_off_the_balance(
    practice: QuotexPractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refill, "ANSWER_S", 0.3)

    async def main() -> None:
        async with desk(practice) as found:
            before = found.balances["USD"].total
            await practice.fault("swallow_request", match="ws/trade/demo/refill")
            with pytest.raises(VenueUnavailable) as caught:
                await found.connector.refill(D(7000))
            assert "look at the balance" in caught.value.user_text
            assert found.balances["USD"].total == before
            await practice.fault("swallow_request", match="ws/trade/demo/refill")
            asked = tasks.spawn(found.connector.refill(D(7000)), name="a refill")
            # Quotex tells the balance by an event of its own, and no answer.
            await practice.fund(D(7000))
            found.connector._on_event("balance", {"liveBalance": D(250), "demoBalance": D(7000)}, 0)
            assert await asked == 7000 - before

    run(main())


def test_an_account_that_quotex_does_not_open_leaves_the_other_one_open(
    practice: QuotexPractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector_module, "_CHANGE_S", 0.3)

    async def main() -> None:
        async with desk(practice) as found:
            connector = found.connector
            connector._titles["999"] = "Over already"
            connector._traders["999"] = connector._make_trader("999")
            with pytest.raises(RequestRejected) as refused:
                await connector.show_accounts([practice.account_id("999")])
            assert "Over already" in refused.value.user_text
            assert connector.mode == "demo"
            await practice.fault("swallow_request", match="ws/trade/account/change")
            with pytest.raises(VenueUnavailable) as silent:
                await connector.show_accounts([practice.account_id("live")])
            assert "still is" in silent.value.user_text
            assert connector.mode == "demo"
            await found.submit(found.contract())
            (row,) = (await practice.record())["opened"]
            assert row["isDemo"] == 1

    run(main())


def test_nothing_is_sent_while_an_account_is_being_opened(practice: QuotexPractice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            demo, live = (
                found.connector.trader(practice.account_id("demo")),
                found.connector.trader(practice.account_id("live")),
            )
            await practice.fault("delay", match="ws/ack/s_account/change", delay_s=0.4)
            changing = tasks.spawn(
                found.connector.show_accounts([practice.account_id("live")]), name="a change"
            )
            await eventually(lambda: found.connector.mode == "", what="a change under way")
            for hand in (demo, live):
                with pytest.raises(NotSent):
                    await hand.submit(found.contract(), found.new_id())
            await changing
            assert found.connector.mode == "live"

    run(main())


def test_a_deal_that_names_another_account_is_not_taken_for_one_of_the_open_one(
    practice: QuotexPractice,
) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            contest = practice.account_id(str(practice.entry["tournaments"][0]))
            await eventually(
                lambda: contest in {each.account_id for each in found.connector.accounts()},
                what="tournaments",
            )
            await found.connector.show_accounts([contest])
            hand = found.connector.trader(contest)
            ticket = (await hand.submit(found.contract(), found.new_id())).venue_order_id
            (row,) = (await practice.record())["opened"]
            told = {**row, "profit": D("-5"), "closePrice": row["openPrice"]}
            for foreign in ({"isDemo": 0, "tournamentId": 0}, {"isDemo": 1, "tournamentId": 418}):
                found.connector._on_event("s_orders/close", {"deals": [{**told, **foreign, "id": "x"}]}, 0)
                found.connector._on_event("s_orders/open", {**told, **foreign, "id": "y"}, 0)
            assert set(hand.deals.deals) == {ticket}
            found.connector.send("orders/cancel", {"ticket": ticket})
            await eventually(lambda: hand.deals.deals[ticket].profit is not None, what="its end")
            # The site has one history for the demo account and the tournaments.
            past = {each.venue_order_id for each in (await hand.order_history()).orders}
            assert past == {ticket, f"{ticket}:end"}
            await found.connector.show_accounts([practice.account_id("demo")])
            assert (await found.connector.trader(practice.account_id("demo")).order_history()).orders == ()

    run(main())


def test_the_profile_and_its_time_zone(practice: QuotexPractice) -> None:
    async def main() -> None:
        async with desk(practice, "second") as found:
            profile = await found.connector.profile()
            assert (profile.name, profile.currency, profile.time_offset_s) == ("second.trader", "EUR", 0)
            assert dict(profile.balances) == {"demo": D(1000), "real": D(250)}
            assert (profile.number, profile.country) == ("61402118", "Portugal")
            assert "UTC" in profile.time_offset_use
            await eventually(lambda: "EUR" in found.balances, what="the account's own currency")
            await found.connector.set_time_offset(-10_800)
            assert (await found.connector.profile()).time_offset_s == -10_800
            await found.connector.set_time_offset(0)
            title = found.connector.accounts()[0].title
            assert "second.trader" in title
            await found.submit(found.contract())
        async with desk(practice, "second") as found:
            # As after a restart: nothing of it is told in a currency that was only a guess.
            await eventually(lambda: found.positions and found.fills, what="the contract that runs")
            assert {each.currency for each in found.positions.values()} == {"EUR"}
            assert {fill.fee_asset for fill in found.fills} == {"EUR"}
            money = [each.balances[0].asset for each in found.of(BalancesReported)]
            assert set(money) == {"EUR"}, money

    run(main())


def test_what_the_crowd_holds_and_what_the_venue_suggests(practice: QuotexPractice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            assert found.connector.sentiment(found.symbol) is None
            found.connector.follow_sentiment(found.symbol)
            await eventually(lambda: found.connector.sentiment(found.symbol) is not None, what="sentiment")
            assert 0 <= found.connector.sentiment(found.symbol).up_pct <= 100
            found.connector.unfollow_sentiment(found.symbol)
            assert found.connector.sentiment(found.symbol) is None
            assert not found.connector.signals()
            found.connector.follow_signals()
            await eventually(found.connector.signals, what="signals")
            for symbol, signal in found.connector.signals().items():
                assert symbol in found.instruments
                assert signal.duration_s in PERIODS_S
                assert signal.until_ns is not None
                assert signal.until_ns > time.time_ns() - 120 * NS
                assert signal.told_ns is not None
                assert signal.told_ns <= signal.until_ns
            found.connector.unfollow_signals()
            assert not found.connector.signals()

    run(main())


def test_candles_far_back_come_with_their_progress(practice: QuotexPractice) -> None:
    async def main() -> None:
        async with desk(practice, quotes=False) as found:
            parts: list[Decimal] = []
            bars = await found.connector.bars(found.symbol, 60, limit=1000, progress=parts.append)
            assert len(bars) == 1000
            assert [bar.open_ns for bar in bars] == [
                bars[0].open_ns + number * 60 * NS for number in range(1000)
            ]
            assert len(parts) >= 5
            assert parts == sorted(parts)
            assert parts[-1] == 1
            with pytest.raises(VenueUnavailable) as missing:
                await found.connector.bars("NOSUCH", 60)
            assert missing.value.user_text == "Quotex lists no NOSUCH."
            with pytest.raises(VenueUnavailable) as down:
                await QuotexConnector(practice.settings()).bars(found.symbol, 60)
            assert down.value.user_text == "Quotex is not connected.", "nobody knows what it lists"

    run(main())


def test_a_session_that_somebody_pasted_is_as_good(practice: QuotexPractice) -> None:
    async def main() -> None:
        row = practice.key("practice")
        pasted = {name: Secret(str(row[name])) for name in ("token", "cookies", "user_agent")}
        settings = practice.settings(None)
        settings.credentials.update(pasted)
        connector = QuotexConnector(settings)
        try:
            await connector.connect(lambda event: None)
            # Without an e-mail address it is the name there, which comes with the profile.
            await eventually(lambda: connector.label, what="the name")
            report = await connector.trader("demo").test_credentials()
            assert report.can_trade
            assert report.label == connector.label
        finally:
            await connector.close()

    run(main())
