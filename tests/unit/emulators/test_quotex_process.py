"""The practice Quotex in a child process, as the terminal starts it, and its control API."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.helpers import run
from tests.practice_quotex import MAIN, QuotexPractice
from tests.quotex_client import Browser, Socket
from tests.unit.emulators.quotex_kit import OTC


def test_a_child_serves_steers_and_keeps_what_it_knew(tmp_path: Path) -> None:
    practice = QuotexPractice(data_dir=tmp_path)
    practice.start()
    try:
        ready = {name: practice.entry[name] for name in ("token", "cookies", "user_agent", "password")}

        async def trade() -> str:
            await practice.hold(OTC, Decimal("1.10000"))
            await practice.fund(Decimal(500))
            socket = await Socket.signed_in(practice.entry)
            assert socket.balance["demoBalance"] == 500
            await practice.fault("payout", asset=OTC, percent=80)
            deal = await socket.bought(await socket.buy(time=120))
            assert deal["percentProfit"] == 80
            await practice.cut()
            await socket.close()
            await practice.demand_pin()
            async with Browser(practice.entry) as browser:
                form = await browser.form()
                assert "keep_code" in (await browser.post(form)).text
                assert "trade" in str((await browser.post_pin(form, practice.entry["pin"])).url)
            record = await practice.record()
            assert [row["method"] for row in record["requests"]] == ["orders/open"]
            assert record["balances"]["demo"] == "495.00"
            return str(deal["id"])

        ticket = run(trade())
        practice.stop()
        practice.start()
        assert {name: practice.entry[name] for name in ready} == ready

        async def look() -> None:
            assert [row["id"] for row in (await practice.record())["opened"]] == [ticket]
            await (await Socket.signed_in(practice.entry)).close()

        run(look())
        practice.renew()
        assert practice.command("record", {"account": MAIN})["quotex"]["opened"] == []
        assert (tmp_path / "quotex" / "practice-ca.pem").exists()
    finally:
        practice.stop()
