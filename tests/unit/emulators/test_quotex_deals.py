"""Deals of the practice Quotex: bought, settled, sold back, waiting; wallets; kept over a restart."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpers import run
from tests.quotex_client import Socket, aligned_expiry, trust
from tests.unit.emulators.quotex_kit import OTC, LeapClock, Venue, venue

D = Decimal


async def _settle(quotex: Venue, socket: Socket, seconds: float) -> dict[str, Any]:
    """Let the time pass at once, and read the result."""
    quotex.clock.leap(seconds)
    found: dict[str, Any] = await socket.wait("s_orders/close")
    return found


@pytest.mark.parametrize(
    ("action", "last", "sign"),
    [
        ("call", "1.10001", 1),
        ("call", "1.09999", -1),
        ("call", "1.10000", 0),
        ("put", "1.09999", 1),
        ("put", "1.10001", -1),
        ("put", "1.10000", 0),
    ],
)
def test_a_deal_wins_ties_or_loses_by_the_last_price(action: str, last: str, sign: int) -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.hold("1.10000")
            quotex.fault("payout", asset=OTC, percent=87)
            request = await socket.buy(action=action)
            deal = await socket.bought(request)
            assert (deal["asset"], deal["amount"], deal["openPrice"]) == (OTC, 5, D("1.1"))
            assert (deal["profit"], deal["percentProfit"], deal["isDemo"]) == (D("4.35"), 87, 1)
            assert deal["closeTimestamp"] - deal["openTimestamp"] == 60
            assert deal["command"] == (0 if action == "call" else 1)
            await socket.wait("balance", lambda row: row["demoBalance"] == 9_995)
            quotex.hold(last)
            told = await _settle(quotex, socket, 61)
            profit = {1: D("4.35"), 0: D(0), -1: D(-5)}[sign]
            (row,) = told["deals"]
            assert told["profit"] == row["profit"] == profit
            assert (row["id"], row["requestId"], row["closePrice"]) == (deal["id"], request, D(last))
            balance = {1: D("10004.35"), 0: D(10_000), -1: D(9_995)}[sign]
            await socket.wait("balance", lambda row: row["demoBalance"] == balance)

    run(main())


def test_deals_of_one_second_come_in_one_message() -> None:
    async def main() -> None:
        # Second 10 of a minute: fifty more to its end.
        start = int(datetime(2026, 11, 20, 12, 34, 10, tzinfo=UTC).timestamp())
        async with venue(clock=LeapClock(start)) as quotex:
            socket = await quotex.socket()
            now = quotex.clock.wall_ns() // 1_000_000_000
            expiry = aligned_expiry(60, now)
            quotex.hold("1.10000")
            quotex.hold("1.20000", "EURUSD")
            requests = [
                await socket.buy(asset, action, time=expiry, kind=3)
                for asset, action in ((OTC, "call"), (OTC, "put"), ("EURUSD", "put"))
            ]
            deals = [await socket.bought(request) for request in requests]
            assert {deal["closeTimestamp"] for deal in deals} == {expiry}
            quotex.hold("1.10010")
            quotex.hold("1.19000", "EURUSD")
            told = await _settle(quotex, socket, expiry - now + 1)
            assert {row["id"] for row in told["deals"]} == {deal["id"] for deal in deals}
            assert told["profit"] == sum(row["profit"] for row in told["deals"])
            assert [row["profit"] > 0 for row in told["deals"]] == [True, False, True]

    run(main())


def test_the_rest_history_and_the_lists_tell_the_same_deals() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.hold("1.10000")
            running = await socket.bought(await socket.buy(time=300))
            lost = await socket.bought(await socket.buy(time=5, amount=7.5))
            quotex.hold("1.09000")
            await _settle(quotex, socket, 6)
            again = await Socket.open(quotex.entry)
            await again.authorise(quotex.entry["token"])
            assert [row["id"] for row in await again.wait("orders/opened/list")] == [running["id"]]
            (closed,) = await again.wait("orders/closed/list")
            assert (closed["id"], closed["profit"]) == (lost["id"], D("-7.5"))
            await again.close()
            headers = {"cookie": quotex.entry["cookies"], "user-agent": quotex.entry["user_agent"]}
            async with httpx.AsyncClient(verify=trust(quotex.entry), headers=headers) as http:
                pages = f"{quotex.entry['https']}/api/v1/cabinets/trades/history/type"
                (row,) = (await http.get(f"{pages}/1", params={"page": 1})).json()["data"]
                assert (row["ticket"], row["profitAmount"]) == (lost["id"], "-7.50")
                assert (await http.get(f"{pages}/1", params={"page": 2})).json()["data"] == []
                assert (await http.get(f"{pages}/0", params={"page": 1})).json()["data"] == []

    run(main())


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ({"amount": 0.5}, "min_amount"),
        ({"amount": "5"}, "min_amount"),
        ({"amount": 1.005}, "min_amount"),
        ({"amount": 5_001}, "max_amount"),
        ({"time": 61}, "expiration"),
        ({"time": 1_795_174_800, "kind": 3}, "expiration"),
        ({"asset": "EURUSD"}, "expiration"),
        ({"asset": "NOBODY"}, "not_price"),
        ({"demo": 0}, "account"),
        ({"tournament": 417}, "account"),
    ],
)
def test_orders_are_refused_with_the_venues_word(order: dict[str, Any], error: str) -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            assert await socket.refused(await socket.buy(**order)) == error
            assert not quotex.face.desk.deals

    run(main())


def test_no_more_than_the_balance_can_be_staked() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            await socket.send("demo/refill", 100)
            assert await socket.wait("s_demo/refill") == {"isDemo": 1, "balance": 100}
            await socket.bought(await socket.buy(amount=60))
            assert await socket.refused(await socket.buy(amount=60)) == "not_money"
            await socket.bought(await socket.buy(amount=40))
            assert quotex.face.accounts.first.balances["demo"] == 0

    run(main())


def test_a_closed_asset_meets_silence_and_a_day_that_ends_is_no_expiry() -> None:
    async def main() -> None:
        # A Friday afternoon in New York: gold rests at five, an hour and a half later.
        friday = int(datetime(2026, 11, 20, 20, 30, 5, tzinfo=UTC).timestamp())
        async with venue(clock=LeapClock(friday)) as quotex:
            socket = await quotex.socket()
            lines = [friday - friday % 14400 + 14400, aligned_expiry(900, friday)]
            assert await socket.refused(await socket.buy("XAUUSD", time=lines[0], kind=1)) == "expiration"
            await socket.bought(await socket.buy("XAUUSD", time=lines[1], kind=1))
            quotex.fault("close_asset", asset="XAUUSD")
            closed = await socket.buy("XAUUSD", time=lines[1], kind=1)
            open_one = await socket.buy()
            deal = await socket.bought(open_one)
            assert deal["requestId"] == open_one
            asked = {data["requestId"] for name, data in socket.events if name.endswith("orders/open")}
            assert closed not in asked

    run(main())


def test_selling_back_pays_what_the_deal_is_worth_until_shortly_before_the_end() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.hold("1.10000")
            deals = [await socket.bought(await socket.buy(action=action)) for action in ("call", "put")]
            late = await socket.bought(await socket.buy(time=5))
            quotex.hold("1.10030")
            for deal in (*deals, late):
                await socket.send("orders/cancel", {"ticket": deal["id"]})
            good = await socket.wait("s_orders/cancel")
            bad = await socket.wait("s_orders/cancel")
            assert [good["ticket"], bad["ticket"]] == [deal["id"] for deal in deals]
            assert "id" not in good
            assert good["profit"] > 0 > bad["profit"] > -5
            assert (await socket.wait("f_orders/cancel"))["ticket"] == late["id"]
            total = 10_000 - 5 + good["profit"] + bad["profit"]
            assert socket.balance["demoBalance"] == total
            await socket.send("orders/cancel", {"ticket": "nobody's"})
            assert (await socket.wait("f_orders/cancel"))["error"] == "not_found"
            (closed,) = (await _settle(quotex, socket, 6))["deals"]
            assert closed["id"] == late["id"]

    run(main())


def test_demo_real_and_tournament_have_money_and_deals_of_their_own() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            demo = await socket.bought(await socket.buy())
            await socket.send("account/change", {"demo": 0, "tournamentId": 0})
            await socket.wait("s_account/change")
            assert await socket.wait("orders/opened/list") == []
            real = await socket.bought(await socket.buy(demo=0))
            assert real["isDemo"] == 0
            await socket.wait("balance", lambda row: row == {"liveBalance": 245, "demoBalance": 9_995})
            await socket.send("account/change", {"demo": 1, "tournamentId": 417})
            await socket.wait("s_account/change")
            assert (await socket.wait("balance"))["demoBalance"] == 1_000
            deal = await socket.bought(await socket.buy(tournament=417))
            assert deal["tournamentId"] == 417
            await socket.send("account/change", {"demo": 1, "tournamentId": 99})
            assert (await socket.wait("f_account/change"))["error"] == "account"
            await socket.send("account/change", {"demo": 1, "tournamentId": 0})
            rows = await socket.wait("orders/opened/list")
            assert [row["id"] for row in rows] == [demo["id"]]

    run(main())


def test_a_deal_that_waits_for_its_time_is_announced_opened_and_settled() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.hold("1.10000")
            at = int(quotex.clock.now_s()) + 600
            wish = {
                "openType": 0,
                "asset": OTC,
                "openTime": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "timeframe": 60,
                "command": "put",
                "amount": 8,
            }
            await socket.send("pending/create", wish)
            pending = (await socket.wait("s_pending/create"))["pending"]
            assert {name: pending[name] for name in wish} == wish
            await socket.send("pending/list")
            assert [row["ticket"] for row in await socket.wait("pending/list")] == [pending["ticket"]]
            quotex.clock.leap(at - quotex.clock.now_s())
            announced = await socket.wait("f_pending/opened")
            assert (announced["ticket"], announced["error"]) == (pending["ticket"], None)
            opened = await socket.wait("s_pending/opened")
            assert (opened["id"], opened["ticket"]) == (pending["ticket"], pending["ticket"])
            deal = await socket.wait("s_orders/open")
            assert (deal["command"], deal["closeTimestamp"]) == (1, at + 60)
            (row,) = (await _settle(quotex, socket, 61))["deals"]
            assert (row["id"], row["profit"]) == (pending["ticket"], 0)

    run(main())


def test_a_deal_that_waits_for_a_price_opens_when_it_is_crossed() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.hold("1.10000")
            wish = {
                "openType": 1,
                "asset": OTC,
                "quote": 1.1005,
                "period": "M5",
                "command": "call",
                "amount": 8,
            }
            await socket.send("pending/create", wish)
            ticket = (await socket.wait("s_pending/create"))["pending"]["ticket"]
            quotex.hold("1.10040")
            quotex.face.desk.on_timer()
            assert not quotex.face.desk.deals
            quotex.hold("1.10060")
            assert (await socket.wait("s_pending/opened"))["ticket"] == ticket
            deal = await socket.wait("s_orders/open")
            assert deal["closeTimestamp"] - deal["openTimestamp"] == 300
            assert deal["openPrice"] == D("1.1006")

    run(main())


def test_pending_deals_are_cancelled_refused_and_may_fail() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            at = int(quotex.clock.now_s()) + 600
            iso = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            good = {
                "openType": 0, "asset": OTC, "openTime": iso, "timeframe": 60, "command": "call", "amount": 5,
            }  # fmt: skip
            library = {"asset": OTC, "amount": 5, "time": 60, "action": "call", "openTime": iso, "isDemo": 1}
            past = {**good, "openTime": "2025-04-01T20:11:00.000Z"}
            for wrong in (library, past, {**good, "openTime": at}, {**good, "timeframe": 61}, "nothing"):
                await socket.send("pending/create", wrong)
                assert (await socket.wait("f_pending/create"))["error"] == "open_time_min"
            await socket.send("pending/create", good)
            ticket = (await socket.wait("s_pending/create"))["pending"]["ticket"]
            await socket.send("pending/cancel", {"ticket": ticket})
            assert (await socket.wait("s_pending/cancel"))["ticket"] == ticket
            await socket.send("pending/cancel", {"ticket": ticket})
            assert (await socket.wait("f_pending/cancel"))["error"] == "not_found"
            # A direction sent as a number is forgotten, and the deal fails when its time comes.
            await socket.send("pending/create", {**good, "command": 0})
            assert (await socket.wait("s_pending/create"))["pending"]["command"] is None
            quotex.clock.leap(at - quotex.clock.now_s())
            await socket.wait("f_pending/opened", lambda row: row["error"] == 9)
            assert not quotex.face.desk.deals

    run(main())


def test_a_restart_keeps_deals_and_settles_what_ended_meanwhile_by_the_price_of_its_end(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        clock = LeapClock()
        async with venue(data_dir=tmp_path, clock=clock) as quotex:
            socket = await quotex.socket()
            quotex.hold("1.10000")
            ended = await socket.bought(await socket.buy(time=60))
            running = await socket.bought(await socket.buy(time=3600))
            quotex.hold(None)
            walked = await socket.bought(await socket.buy("USDBRL_otc", time=60))
            session = {name: quotex.entry[name] for name in ("token", "cookies", "user_agent")}
        clock.leap(120)
        async with venue(data_dir=tmp_path, clock=clock) as quotex:
            assert {name: quotex.entry[name] for name in session} == session
            socket = await Socket.open(quotex.entry, session)
            await socket.authorise(session["token"])
            (row,) = await socket.wait("orders/opened/list")
            assert row["id"] == running["id"]
            closed = {row["id"]: row for row in await socket.wait("orders/closed/list")}
            assert closed.keys() == {ended["id"], walked["id"]}
            for deal in (ended, walked):
                row = closed[deal["id"]]
                market = quotex.face.market
                close_ms = row["closeTimestamp"] * 1000 + row["closeMs"]
                expected = market.settled_at(row["asset"], close_ms)
                assert row["closePrice"] == expected
                assert (row["profit"] > 0) == (expected > deal["openPrice"])
            total = sum(row["profit"] for row in closed.values()) - 5
            assert socket.balance["demoBalance"] == 10_000 + total
            await socket.close()

    run(main())


def test_two_sockets_of_one_account_are_told_the_same() -> None:
    async def main() -> None:
        async with venue() as quotex:
            one, other = await quotex.socket(), await quotex.socket()
            quotex.hold("1.10000")
            deal = await one.bought(await one.buy(time=5))
            assert (await other.wait("s_orders/open"))["id"] == deal["id"]
            await other.wait("balance", lambda row: row["demoBalance"] == 9_995)
            quotex.clock.leap(6)
            for socket in (one, other):
                assert (await socket.wait("s_orders/close"))["deals"][0]["id"] == deal["id"]

    run(main())
