"""PyQuotex, the open client that the Quotex connector's interface is known from: only addresses and the
authority it trusts are ours. Calls that the client itself does not finish (a refill, a sale) are judged by
what the venue did."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.clients.report import Report

OTC = "EURUSD_otc"
OUTSIDE = "BTCUSD"
"""Open at all hours, and not of the venue's own making."""
STAKE = 5
QUICK_S = 5
ABOUT_A_CENT = 0.011
"""The client cuts a balance off after two decimals, and a float may lie a hair below its own."""
SOON_S = 2.0
"""What never comes is waited for no longer."""


def main() -> None:
    venue = Venue(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["quotex"])
    report = Report("pyquotex")
    with tempfile.TemporaryDirectory() as folder:
        # The client keeps its sessions in the working directory.
        os.chdir(folder)
        quotex = patched(venue)
        asyncio.run(checks(report, venue, quotex))
        os.chdir("/")
    report.exit()


class Venue:
    """The practice venue: its addresses, its people, and its own word of what happened."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.entry = entry
        self.first, self.second = entry["users"]
        self.host = entry["https"].removeprefix("https://")

    def order(self, command: str, **values: Any) -> dict[str, Any]:
        """A command of the control interface."""
        request = urllib.request.Request(
            f"{self.entry['control']}/{command}",
            data=json.dumps(values).encode(),
            method="POST",
            headers={"X-Practice-Token": self.entry["control_token"], "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def record(self) -> dict[str, Any]:
        """Requests, deals and balances of the first account."""
        row: dict[str, Any] = self.order("record", account=str(self.first["uid"]))["quotex"]
        return row


def patched(venue: Venue) -> Any:
    """The client's main class, which now finds the practice venue and trusts it."""
    import certifi

    certifi.where = lambda: venue.entry["ca"]
    from pyquotex import api
    from pyquotex.network.login import Login
    from pyquotex.stable_api import Quotex

    Login.base_url, Login.https_base_url = venue.host, venue.entry["https"]
    begin, take = api.QuotexAPI.__init__, api.QuotexAPI._on_message

    def begun(self: Any, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        self.wss_url = venue.entry["wss"]
        self.heard = Heard()

    async def taken(self: Any, frame: bytes | str) -> None:
        self.heard.take(frame)
        await take(self, frame)

    api.QuotexAPI.__init__, api.QuotexAPI._on_message = begun, taken
    return Quotex


class Heard:
    """Events as they came in, also those that the client leaves out."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self._names: list[str] = []

    def take(self, frame: bytes | str) -> None:
        """One frame: an event, a placeholder, or the attachment of the first one that waits."""
        if isinstance(frame, bytes):
            self.events.append((self._names.pop(0), json.loads(frame[1:])))
        elif frame.startswith("451-"):
            self._names.append(json.loads(frame[4:])[0])
        elif frame.startswith("42"):
            name, *data = json.loads(frame[2:])
            self.events.append((name, data[0] if data else None))

    def of(self, name: str) -> list[Any]:
        """The data of an event, oldest first."""
        return [data for each, data in self.events if each == name]


async def until(holds: Callable[[], Any], timeout_s: float = 15.0) -> Any:
    """What the condition gives, once it gives something true."""
    async with asyncio.timeout(timeout_s):
        while not (found := holds()):
            await asyncio.sleep(0.05)
    return found


async def checks(report: Report, venue: Venue, quotex: Any) -> None:
    await signing_in(report, venue, quotex)
    client = quotex(venue.first["email"], venue.first["password"], host=venue.host, lang="en")
    with report.check("e-mail and password: connected"):
        assert await client.connect() == (True, "Connected")
        assert await client.connect() == (True, "Already connected")
    try:
        await account(report, venue, client)
        await assets(report, client)
        await prices(report, client)
        await past(report, client)
        await deals(report, venue, client)
        await other_accounts(report, venue, client)
    finally:
        with report.check("closed"):
            assert await client.close()


async def signing_in(report: Report, venue: Venue, quotex: Any) -> None:
    with report.check("a wrong password: the site's own words"):
        stranger = quotex("stranger@quotex.example", "wrong", host=venue.host, lang="en")
        done, words = await stranger.connect()
        assert not done, words
        assert "Invalid credentials" in words, words
        await stranger.close()
    with report.check("the PIN from the e-mail: asked for, connected, the account is its own"):
        prompts: list[str] = []

        async def pin(prompt: str) -> str:
            prompts.append(prompt)
            return str(venue.second["pin"])

        user = venue.second
        client = quotex(user["email"], user["password"], host=venue.host, on_otp_callback=pin)
        assert await client.connect() == (True, "Connected")
        assert len(prompts) == 1, prompts
        assert "PIN" in prompts[0], prompts
        assert (await client.get_profile()).profile_id == user["uid"]
        # Its jar would want a host without a port.
        client.api.browser.headers["cookie"] = client.api.session_data["cookies"]
        await client.api.logout()
        await until(lambda: client.api.heard.of("authorization/reject"))
        await client.close()
    with report.check("a session that was made elsewhere: connected without a password"):
        ready = venue.second
        client = quotex(ready["email"], "", host=venue.host)
        client.set_session(ready["user_agent"], ready["cookies"], ready["token"])
        client.set_account_mode("REAL")
        assert await client.connect() == (True, "Connected")
        assert await client.get_balance() == (await client.get_profile()).live_balance
        await client.close()
    with report.check("a token that does not count: rejected"):
        client = quotex(ready["email"], "", host=venue.host)
        client.set_session(ready["user_agent"], ready["cookies"], "nobody's")
        assert await client.connect() == (False, "Websocket connection rejected.")
        await client.close()


async def account(report: Report, venue: Venue, client: Any) -> None:
    with report.check("balance, profile, time zone, server time"):
        assert await client.get_balance() == float(venue.record()["balances"]["demo"])
        assert await client.get_balance_optimized() == await client.get_balance()
        profile = await client.get_profile()
        assert (profile.currency_code, profile.currency_symbol, profile.offset) == ("USD", "$", 0)
        assert profile.profile_id == venue.first["uid"]
        assert abs(await client.get_server_time() - time.time()) < 2
        assert await client.change_time_offset(-10800)
        assert (await client.get_profile()).offset == -10800
        await client.change_time_offset(0)
    with report.check("demo account refilled, though the client does not know the answer"):
        await ends(client.edit_practice_balance(5000, timeout=SOON_S))
        assert client.api.heard.of("s_demo/refill") == [{"isDemo": 1, "balance": 5000}]
        assert venue.record()["balances"]["demo"] == "5000.00"
        await until(lambda: client.api.account_balance["demoBalance"] == 5000)


async def ends(work: Awaitable[Any]) -> Any:
    """What the client gives, or None where it gave up waiting."""
    try:
        return await work
    except TimeoutError:
        return None


async def assets(report: Report, client: Any) -> None:
    with report.check("table, names, numbers, one that is closed and its OTC namesake"):
        rows = await client.get_instruments()
        assert len(rows) >= 20, len(rows)
        assert rows == await client.get_instruments_optimized()
        names = dict(client.get_all_asset_name())
        assert names[OTC] == "EUR/USD(OTC)", names[OTC]
        assert (await client.get_all_assets())[OTC] == next(row[0] for row in rows if row[1] == OTC)
        row, (number, shown, is_open) = await client.check_asset_open(OTC)
        assert (row[1], number, shown, is_open) == (OTC, row[0], names[OTC], True)
        closed = [row[1] for row in rows if not row[14] and f"{row[1]}{OTC[-4:]}" in names]
        for symbol in closed[:1]:
            found, state = await client.get_available_asset(symbol, force_open=True)
            assert (found, state[2]) == (f"{symbol}_otc", True)
        assert await client.check_asset_open("NOSUCH") == (None, (None, None, None))
    with report.check("payouts of all, of one asset by length"):
        payments = client.get_payment()
        assert len(payments) >= 20
        told = payments["EUR/USD(OTC)"]
        assert 50 < told["payment"] == told["turbo_payment"] == told["profit"]["1M"] <= 100, told
        assert client.get_payout_by_asset(OTC) == told["profit"]["1M"]
        assert client.get_payout_by_asset(OTC, "5") == told["profit"]["5M"]
        assert client.get_payout_by_asset(OTC, "all")["24H"] > 50


async def prices(report: Report, client: Any) -> None:
    with report.check("prices as they come, the candle that is forming"):
        await client.start_realtime_price(OTC, 60)
        await until(lambda: len(client.api.realtime_price[OTC]) >= 5)
        rows = await client.get_realtime_price(OTC)
        assert all(0.5 < row["price"] < 2 for row in rows), rows
        times = [row["time"] for row in rows]
        assert times == sorted(times)
        candle = (await client.start_realtime_candle(OTC, 60)).popitem()[1]
        assert candle["low"] <= candle["close"] <= candle["high"]
        assert (await client.get_realtime_candles(OTC))[0] == OTC
    with report.check("the venue's clock"):
        assert abs(client.api.timesync.server_timestamp - time.time()) < 5
    with report.check("what others expect, newer and older stream"):
        assert 0 <= client.api.heard.of("depth/change")[0][0][1] <= 100
        await client.api.subscribe_Traders_mood(OTC, "turbo-option")
        (told, *_) = await until(lambda: client.api.heard.of("sentiment"))
        assert told["asset"] == OTC, told
    with report.check("signals subscribed to"):
        await client.start_signals_data()
        (told, *_) = await until(lambda: client.api.heard.of("signals"))
        assert all(len(row) == 3 for row in told["signals"]), told
    with report.check("candles of every length by their own stream"):
        await client.api.subscribe_all_size(OTC)
        (told, *_) = await until(lambda: client.api.heard.of("candle-generated"))
        assert (told["asset"], told["period"]) == (OTC, 60), told


async def past(report: Report, client: Any) -> None:
    now = time.time()
    with report.check("candles of the last hour, though the client reads only rows that are objects"):
        await client.get_candles(OTC, now, 3600, 60)
        (page,) = await until(lambda: client.api.heard.of("history/load"))
        assert (page["asset"], page["period"]) == (OTC, 60), page
        assert [row[0] % 60 for row in page["data"]] == [0] * len(page["data"])
        assert len(page["data"]) in (59, 60, 61), len(page["data"])
    with report.check("six hours of candles, page by page and several at a time"):
        deep = await client.get_historical_candles(OTC, 6 * 3600, 60)
        times = [one["time"] for one in deep]
        assert len(times) >= 350, len(times)
        assert {after - before for before, after in itertools.pairwise(times)} == {60}
        assert all(one["low"] <= min(one["open"], one["close"]) for one in deep)
        assert all(one["high"] >= max(one["open"], one["close"]) for one in deep)
        assert await client.get_candles_deep(OTC, 600, 60)
    with report.check("candles by the newer path"):
        # The client keeps what came, and leaves out rows that are no objects.
        await client.get_candle_v2(OTC, 60)
        assert len(client.api.candle_v2_data[OTC]["candles"]) >= 100
    with report.check("single prices of the past, though the client does not keep them"):
        await client.api.get_history_line(OTC, 77, now, 60)
        line = await until(lambda: [row for row in client.api.heard.of("history/load") if row["index"] == 77])
        assert len(line[0]["history"]) >= 60, line
    with report.check("an asset that is not there: nothing comes, and nothing breaks"):
        assert await client.get_candles("NOSUCH", now, 3600, 60, timeout=1) is None
        assert await client.check_connect()
    with report.check("left, and no more prices of it"):
        await client.stop_candles_stream(OTC)
        await asyncio.sleep(SOON_S / 4)
        count = len(client.api.realtime_price[OTC])
        await asyncio.sleep(SOON_S)
        assert len(client.api.realtime_price[OTC]) == count


async def deals(report: Report, venue: Venue, client: Any) -> None:
    before = float(venue.record()["balances"]["demo"])
    quick: list[tuple[str, dict[str, Any]]] = []
    for direction in ("call", "put"):
        with report.check(f"a timed deal, {direction}: accepted"):
            done, deal = await client.buy(STAKE, OTC, direction, QUICK_S, "TIMER")
            assert done, deal
            quick.append((direction, deal))
            assert (deal["asset"], deal["amount"]) == (OTC, STAKE)
            assert deal["command"] == (0 if direction == "call" else 1)
            assert deal["closeTimestamp"] - deal["openTimestamp"] == QUICK_S
    with report.check("results of both: told, and the same in the history of the site"):
        for _, deal in quick:
            word, profit = await client.check_win(deal["id"], QUICK_S)
            result = float({row["id"]: row for row in venue.record()["closed"]}[deal["id"]]["profit"])
            assert (word, profit) == ("win" if result > 0 else "loss", result)
            status, row = await client.get_result(deal["id"])
            assert (status, float(row["profitAmount"])) == (word, profit)
        assert {row["ticket"] for row in await client.get_history()} >= {deal["id"] for _, deal in quick}
        assert await client.get_trader_history(1, 2) == []
    running: list[dict[str, Any]] = []
    for direction in ("call", "put"):
        with report.check(f"a deal of the clock, {direction}: accepted"):
            done, deal = await client.buy(STAKE, OTC, direction, 300)
            assert done, deal
            assert (deal["optionType"], deal["closeTimestamp"] % 300) == (3, 0), deal
            running.append(deal)
    with report.check("a deal of the clock with its own type: an asset with an outside market"):
        done, deal = await client.buy(STAKE, OUTSIDE, "call", 300, "TIMER")
        assert done, deal
        assert (deal["optionType"], deal["closeTimestamp"] % 300) == (1, 0), deal
        running.append(deal)
    with report.check("sold back, though the client does not know the answer"):
        await ends(client.sell_option([deal["id"] for deal in running], timeout=SOON_S))
        record = venue.record()
        assert len(client.api.heard.of("s_orders/cancel")) == len(running)
        assert not record["opened"], record["opened"]
        closed = {row["id"]: row for row in record["closed"]}
        assert all(closed[deal["id"]]["refundTimestamp"] for deal in running)
    with report.check("the balance is that of the results"):
        record = venue.record()
        now = float(record["balances"]["demo"])
        assert abs(now - before - sum(float(row["profit"]) for row in record["closed"])) < 0.001
        await until(lambda: client.api.account_balance["demoBalance"] == now)
        assert abs(await client.get_balance() - now) < ABOUT_A_CENT
    with report.check("a stake above the balance: not taken"):
        done, words = await client.buy(999_999, OTC, "call", QUICK_S, "TIMER")
        (refusal,) = client.api.heard.of("f_orders/open")
        assert refusal["error"] == "max_amount", refusal
        assert venue.record()["opened"] == [], (done, words)
    with report.check("a waiting deal in the client's own shape: refused, as by real servers"):
        # It would wait for half a minute: only what it sends is of interest.
        await ends(asyncio.wait_for(client.open_pending(STAKE, OTC, "call", 60), SOON_S))
        (refusal,) = client.api.heard.of("f_pending/create")
        assert refusal["error"] == "open_time_min", refusal
        assert not venue.record()["pending"]


async def other_accounts(report: Report, venue: Venue, client: Any) -> None:
    with report.check("the real account, a tournament, and back"):
        balances = venue.record()["balances"]
        for name, number, wallet in (("REAL", 0, "live"), ("PRACTICE", 417, "417"), ("PRACTICE", 0, "demo")):
            client.api.account_balance = None
            await client.change_account(name, number)
            await until(lambda: client.api.account_balance)
            found = await client.get_balance()
            assert abs(found - float(balances[wallet])) < ABOUT_A_CENT, (wallet, found, balances)


if __name__ == "__main__":
    main()
