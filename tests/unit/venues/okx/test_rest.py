"""REST: signing over the exact text, retries of what only reads, budgets, and bars of the past."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.errors import (
    OutcomeUnknown,
    ProtocolViolation,
    RateLimited,
    SettingsError,
    Unsupported,
    VenueUnavailable,
)
from terminal.venues.base import ConnectorSettings
from terminal.venues.okx.auth import VenueTime, sign, signer_of
from terminal.venues.okx.connector import OkxConnector
from terminal.venues.okx.history import BarHistory
from terminal.venues.okx.limits import RateLimits
from terminal.venues.okx.rest import OkxRest
from tests.helpers import run
from tests.unit.venues.okx.fakes import KEY, Call, FakeAnswer, FakeHttp

D = Decimal
MINUTE_MS = 60_000


def rest_of(http: FakeHttp, clock: ManualClock | None = None, *, key: bool = True) -> OkxRest:
    clock = clock or ManualClock(1_790_000_000_000_000_000)
    there = VenueTime(clock)
    signer = signer_of(KEY, there) if key else None
    return OkxRest(http, RateLimits(clock), clock, there, signer=signer, read_pauses_s=(0.0, 0.0))


def test_what_is_signed_is_what_is_sent() -> None:
    async def main() -> None:
        http = FakeHttp()
        await rest_of(http).order("BTC-USDT", client_id="abc1")
        (call,) = http.named("order")
        assert call.query == {"instId": "BTC-USDT", "clOrdId": "abc1"}
        expected = sign(
            KEY["api_secret"].reveal(),
            call.headers["OK-ACCESS-TIMESTAMP"],
            "GET",
            "/api/v5/trade/order?instId=BTC-USDT&clOrdId=abc1",
        )
        assert call.headers["OK-ACCESS-SIGN"] == expected
        # OKX's clock was asked first: it stands still at the very time of ours here.
        assert http.calls[0].path == "/api/v5/public/time"

    run(main())


def test_reads_are_tried_again_and_writes_are_not() -> None:
    async def main() -> None:
        http = FakeHttp()
        rest = rest_of(http)
        answers: list[Any] = [("50026", "System error"), ("50001", "down"), [{"totalEq": "2"}]]
        http.replies["/api/v5/account/balance"] = lambda call: answers.pop(0)
        assert (await rest.balance()).totalEq == "2"
        http.replies["/api/v5/account/balance"] = ("50026", "System error")
        with pytest.raises(VenueUnavailable):
            await rest.balance()
        http.replies["/api/v5/trade/order"] = ("50026", "System error")
        with pytest.raises(OutcomeUnknown):
            await rest.write("/api/v5/trade/order", {"instId": "BTC-USDT"})
        assert len(http.named("order")) == 1

    run(main())


@pytest.mark.parametrize(
    "body", [b"<html>down</html>", b"", b"{", b'{"msg":"no code"}', b'{"code":"0","data":"?"}']
)
def test_an_unreadable_answer_to_a_write_means_that_nobody_knows(body: bytes) -> None:
    async def main() -> None:
        http = FakeHttp()
        rest = rest_of(http)
        http.replies["/api/v5/trade/order"] = FakeAnswer(200, body)
        with pytest.raises(OutcomeUnknown):
            await rest.write("/api/v5/trade/order", {"instId": "BTC-USDT"})
        http.replies["/api/v5/account/balance"] = FakeAnswer(200, body)
        with pytest.raises((VenueUnavailable, ProtocolViolation)):
            await rest.balance()

    run(main())


def test_okxs_word_on_haste_fills_our_counter() -> None:
    async def main() -> None:
        http, clock = FakeHttp(), ManualClock(1_790_000_000_000_000_000)
        there = VenueTime(clock)
        limits = RateLimits(clock)
        rest = OkxRest(http, limits, clock, there, signer=signer_of(KEY, there), read_pauses_s=())
        http.replies["/api/v5/account/balance"] = ("50011", "Too Many Requests")
        with pytest.raises(RateLimited):
            await rest.balance()
        levels = {budget.name: budget for budget in limits.budgets()}
        assert levels["Balances"].used == levels["Balances"].limit == 10

    run(main())


def test_orders_beyond_the_budget_are_refused_and_cancels_still_go() -> None:
    async def main() -> None:
        limits = RateLimits(ManualClock())
        # Of sixty in two seconds three are left unused: OKX's count drains later than ours.
        for _ in range(57):
            await limits.take_order("BTC/USDT", "orders")
        counter = limits._order_counter("orders", False, "BTC/USDT")
        assert not counter.try_charge(1)
        await limits.take_order("BTC/USDT", "orders", 280)
        # Batches are counted apart. The next one would have to wait for longer than a second.
        with pytest.raises(RateLimited) as caught:
            await limits.take_order("BTC/USDT", "orders", 280)
        assert caught.value.retry_after_s
        await limits.take_order("ETH/USDT", "orders")
        await limits.take_order("BTC/USDT", "amends")
        await limits.take_cancel("BTC/USDT")
        names = {budget.name: budget.used for budget in limits.budgets()}
        assert names["BTC/USDT orders"] == 57
        assert names["BTC/USDT orders in batches"] == 280
        assert names["BTC/USDT cancels"] == 1
        assert names["New and changed orders"] == 57 + 280 + 2

    run(main())


def candles(call: Call, first_ms: int, last_ms: int) -> list[list[str]]:
    """Minute bars of a venue whose record begins at one time and whose newest bar opens at another."""
    until = min(int(call.query.get("after", last_ms + 1)) - 1, last_ms)
    newest = until - until % MINUTE_MS
    count = int(call.query["limit"])
    opens = [newest - n * MINUTE_MS for n in range(count)]
    return [[str(ms), "5", "6", "4", "5", "10", "1", "1", "1"] for ms in opens if ms >= first_ms]


def test_bars_are_paged_from_the_recent_list_into_the_long_one() -> None:
    async def main() -> None:
        now_ms = 1_790_000_040_000
        last = now_ms - now_ms % MINUTE_MS
        http, clock = FakeHttp(), ManualClock(now_ms * 1_000_000)
        first_recent, first_ever = last - 1439 * MINUTE_MS, last - 1999 * MINUTE_MS
        http.replies["/api/v5/market/candles"] = lambda call: candles(call, first_recent, last)
        http.replies["/api/v5/market/history-candles"] = lambda call: candles(call, first_ever, last)
        history = BarHistory(rest_of(http, clock, key=False), clock)
        parts: list[Decimal] = []
        bars = await history.bars("BTC-USDT", 60, None, end_ns=None, limit=720, progress=parts.append)
        assert len(bars) == 720
        assert bars[-1].open_ns == last * 1_000_000
        assert len(http.named("candles")) == 3
        older = await history.bars(
            "BTC-USDT", 60, D(100), end_ns=bars[0].open_ns, limit=5000, progress=parts.append
        )
        assert len(older) == 2000 - 720
        opens = [bar.open_ns for bar in (*older, *bars)]
        assert opens == list(range(first_ever * 1_000_000, last * 1_000_000 + 1, MINUTE_MS * 1_000_000))
        assert older[0].volume == 1000
        assert parts[-1] == 1
        assert all(0 <= part <= 1 for part in parts)
        with pytest.raises(Unsupported):
            await history.bars("BTC-USDT", 61, None, end_ns=None, limit=10, progress=None)
        http.replies["/api/v5/market/candles"] = [["1790000000000", "5", "4", "6", "5", "1"]]
        with pytest.raises(ProtocolViolation):
            await history.bars("BTC-USDT", 60, None, end_ns=None, limit=10, progress=None)

    run(main())


@pytest.mark.parametrize(
    "options", [{"region": "moon"}, {"demo": "perhaps"}, {"order_deadline_s": "soon"}, {"region": "tr"}]
)
def test_bad_options_are_refused_before_anything_is_sent(options: dict[str, str]) -> None:
    async def main() -> None:
        with pytest.raises(SettingsError) as caught:
            OkxConnector(ConnectorSettings({}, {}, options), http=FakeHttp())
        assert caught.value.user_text
        await asyncio.sleep(0)

    run(main())
