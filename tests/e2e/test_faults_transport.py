"""Faults of the wire, through the whole application: cases 1 to 9 and 11 to 13."""

from __future__ import annotations

import asyncio
import re
import resource
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.core import tasks
from terminal.domain.errors import OrderRefused, RateLimited
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.services.market_data import FeedState
from terminal.services.session import SessionState
from tests.e2e.rig import ACCOUNT, BTC, QUICK_LINKS, Rig, open_files, rig
from tests.helpers import eventually, run
from tests.practice import Practice

SOCKETS = "connect/ws*"
PUBLIC = "connect/ws/v2"
PRIVATE = "connect/ws/private*"


async def require_refused(found: Rig) -> None:
    """While the connection is not proven nothing can be sent, and nothing is shown as live."""
    # The two links are lost one after the other, and either makes the connection one that reconnects.
    await found.until(lambda: found.terminal.market.book(BTC) is None, "no book to trade from")
    await found.until(lambda: not found.gate.ready(ACCOUNT), "closed for orders")
    with pytest.raises(OrderRefused) as caught:
        await found.send(found.limit(price=Decimal(50_000)))
    assert caught.value.rule == "not_ready"
    assert not caught.value.confirmable


@pytest.mark.fault(1)
def test_a_reset_is_noticed_at_once_and_healed(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        # Neither silence nor an unanswered ping can tell here: only the reset itself.
        policy = replace(QUICK_LINKS, ping_interval_s=60.0, idle_timeout_s=60.0)
        async with rig(practice, tmp_path, policy=policy) as found:
            order = await found.resting()
            # The venue takes nobody for a moment, so that the outage can be looked at.
            await practice.fault("refuse", match=SOCKETS, seconds=60.0)
            await practice.fault("cut", match=SOCKETS)
            await found.until(lambda: found.session.state is SessionState.RECONNECTING, "reconnecting")
            await require_refused(found)
            assert found.terminal.market.book_state(BTC) is FeedState.STALE
            await practice.clear()
            await found.until_ready()
            assert order.state is OrderState.OPEN
            await found.resting(Side.SELL)
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(2)
def test_a_half_open_link_is_found_out_by_the_ping(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        # Silence is no fault here, so that only the unanswered ping can tell.
        policy = replace(QUICK_LINKS, idle_timeout_s=60.0)
        async with rig(practice, tmp_path, policy=policy) as found:
            await practice.fault("half_open", match=SOCKETS)
            await found.until(lambda: "stopped answering" in found.log_text(), "found dead")
            await found.until(lambda: found.terminal.market.book(BTC) is None, "nothing shown as live")
            await found.until_ready()

    run(main())


@pytest.mark.fault(3)
def test_pings_answered_but_no_data_is_dead_all_the_same(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            before = found.session.health().reconnects
            await practice.fault("silence", seconds=60.0)
            await found.until(lambda: found.session.health().reconnects > before, "given up")
            await found.until(lambda: found.terminal.market.book(BTC) is None, "nothing shown as live")
            await practice.clear()
            await found.until_ready()

    run(main())


@pytest.mark.fault(3)
def test_one_silent_feed_does_not_cost_the_others(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            before = found.session.health().reconnects
            await practice.fault("silence", match="ws/data/trade/*", seconds=4.0)
            await asyncio.sleep(0)
            ended = time.monotonic() + 3.0
            while time.monotonic() < ended:
                await asyncio.sleep(0.05)
                assert found.session.state is SessionState.LIVE, found.describe()
            assert found.session.health().reconnects == before
            # What was left out shows as a gap in the numbers of the prints, and is asked for again.
            await practice.clear()
            await practice.order("trade", symbol="BTC/USD", side="buy", quantity="0.01")
            seen = found.terminal.market.trades(BTC)
            await found.until(
                lambda: _without_gap([int(trade.trade_id) for trade in seen]), "prints without a gap"
            )

    run(main())


def _without_gap(numbers: list[int]) -> bool:
    ordered = sorted(numbers)
    return bool(ordered) and ordered == list(range(ordered[0], ordered[-1] + 1))


@pytest.mark.fault(4)
def test_a_venue_that_never_answers_the_handshake(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        policy = replace(QUICK_LINKS, open_timeout_s=0.3)
        async with rig(practice, tmp_path, policy=policy) as found:
            count, files = len(tasks.running()), open_files()
            await practice.fault("hang", match=SOCKETS, seconds=2.5)
            await practice.fault("cut", match=SOCKETS)
            await found.until(lambda: "in time" in found.log_text(), "the reason")
            await found.until_ready()
            await eventually(lambda: len(tasks.running()) <= count, what="no more tasks than before")
            assert open_files() <= files + 4
            assert await practice.struck("hang") >= 2

    run(main())


@pytest.mark.fault(6)
@pytest.mark.parametrize("match", ["ws/data/book/*", "ws/data/balances", "ws/ack/add_order"])
def test_half_a_frame_and_then_the_end(match: str, practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            faults = found.session.health().faults
            reconnects = found.session.health().reconnects
            await practice.fault("truncate", match=match)
            order = await found.send(found.market())
            await found.until(lambda: order.state is OrderState.FILLED, "the fill, told or asked after")
            await found.until(lambda: found.session.health().reconnects > reconnects, "a new connection")
            await found.until_ready()
            # Half a message never reaches a handler.
            assert found.session.health().faults == faults
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(7)
@pytest.mark.parametrize("match", ["ws/data/book/*", "ws/data/executions"])
def test_garbage_bytes_end_the_link_and_stay_out_of_the_log(
    match: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            reconnects = found.session.health().reconnects
            await practice.fault("garbage", match=match)
            # The book's own link breaks at once, with or without an order; the others wait for one.
            order = None if "book" in match else await found.send(found.market())
            await found.until(lambda: found.session.health().reconnects > reconnects, "a new connection")
            await found.until_ready()
            last = order or await found.send(found.market())
            await found.until(lambda: last.state is OrderState.FILLED, "the fill")
            assert not re.search(r"[0-9a-f]{65}", found.log_text())
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(8)
def test_a_dripping_socket_is_given_up(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            reconnects = found.session.health().reconnects
            await practice.fault("slow_drip", match="ws/data/book/*", interval_s=0.05)
            await found.until(lambda: found.session.health().reconnects > reconnects, "given up")
            await found.until_ready()

    run(main())


@pytest.mark.fault(8)
def test_a_dripping_answer_does_not_hold_up_the_reconciliation(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terminal.venues.kraken.rest._READ_DEADLINE_S", 1.0)

    async def main() -> None:
        await practice.fault("slow_drip", match="rest/read/BalanceEx", interval_s=0.1)
        async with rig(practice, tmp_path, wait=False) as found:
            await found.until(lambda: found.session.state is SessionState.SYNCING, "syncing")
            assert not found.gate.ready(ACCOUNT)
            # The body would take a minute; one deadline and a second try take much less.
            await found.until_ready()
            assert await practice.struck("slow_drip") == 1

    run(main())


@pytest.mark.fault(9)
def test_a_message_too_big_is_named_and_costs_no_memory(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            await practice.fault("oversize", match="ws/data/book/*")
            await found.until(lambda: "too much" in found.session.reason, "the reason", 15.0)
            grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
            assert grown_kb < 50_000
            # The long pause: a venue that does this is not stormed; "now" is the person's.
            link = found.session.connector._public.link  # type: ignore[attr-defined]
            link.reconnect_now("asked")
            await found.until_ready()

    run(main())


@pytest.mark.fault(9)
@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_too_big_is_given_up(packed: bool, practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = 200 * 2**20 if packed else 16 * 2**20
        await practice.fault("oversize", match="rest/read/OpenOrders", bytes=size, gzip=packed)
        async with rig(practice, tmp_path, wait=False) as found:
            await found.until_ready(30.0)
            assert await practice.struck("oversize") >= 1
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 50_000

    run(main())


@pytest.mark.fault(11)
def test_an_upgrade_answered_429_waits_as_long_as_asked(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            await practice.fault("ws_429", match=SOCKETS, retry_after=2)
            began = time.monotonic()
            await practice.fault("cut", match=SOCKETS)
            await found.until(lambda: found.session.state is SessionState.RECONNECTING, "reconnecting")
            await found.until_ready()
            assert time.monotonic() - began >= 1.8, "the pause the venue asked for was not kept"
            assert await practice.struck("ws_429") == 1

    run(main())


@pytest.mark.fault(11)
def test_a_cancel_answered_429_is_told_and_not_repeated(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting()
            await practice.fault("refuse", match=PRIVATE, seconds=30.0)
            await practice.fault("cut", match=PRIVATE)
            await found.until(lambda: not found.gate.ready(ACCOUNT), "closed for orders")
            await practice.fault("http_429", match="rest/trade/CancelOrder", retry_after=1)
            with pytest.raises(RateLimited) as caught:
                await found.gate.cancel(order.client_order_id)
            assert caught.value.retry_after_s is not None
            assert not order.state.is_final
            cancels = [row for row in (await found.told()).requests if row["method"] == "CancelOrder"]
            assert len(cancels) == 1
            # The person tries again, and REST takes it though the private socket is down.
            await asyncio.sleep(caught.value.retry_after_s)
            await found.gate.cancel(order.client_order_id)
            await practice.clear()
            await found.until_ready()
            assert order.state is OrderState.CANCELED

    run(main())


@pytest.mark.fault(12)
@pytest.mark.parametrize("kind", ["http_5xx_html", "html_200"])
def test_a_page_instead_of_an_answer_only_delays_the_reconciliation(
    kind: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        await practice.fault(kind, match="rest/read/OpenOrders")
        async with rig(practice, tmp_path, wait=False) as found:
            await found.until_ready()
            assert await practice.struck(kind) == 1
            assert not any("<html" in notice.text for notice in found.notices)
            assert "<html" not in found.session.reason

    run(main())


@pytest.mark.fault(12)
def test_a_cancel_that_got_a_page_for_an_answer_is_asked_after(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting()
            await practice.fault("refuse", match=PRIVATE, seconds=30.0)
            await practice.fault("cut", match=PRIVATE)
            await found.until(lambda: not found.gate.ready(ACCOUNT), "closed for orders")
            await practice.fault("http_5xx_html", match="rest/trade/CancelOrder", acts=True)
            await found.gate.cancel(order.client_order_id)
            await found.until(lambda: order.state is OrderState.CANCELED, "canceled, as the venue says")
            await practice.clear()
            await found.until_ready()
            told = await found.require_same_as_venue()
            assert len([row for row in told.requests if row["method"] == "CancelOrder"]) == 1

    run(main())


@pytest.mark.fault(13)
def test_a_redirect_is_refused_and_the_other_host_hears_nothing(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        heard: list[bytes] = []

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read(100))
            writer.close()

        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            async with rig(practice, tmp_path, errors_expected=True) as found:
                await practice.fault(
                    "redirect", match="rest/*", location=f"http://127.0.0.1:{port}/", count=1
                )
                await practice.fault("redirect", match=PUBLIC, location=f"ws://127.0.0.1:{port}/v2")
                await practice.fault("cut", match=SOCKETS)
                await found.until(
                    lambda: "redirect" in found.log_text() or "another address" in found.session.reason,
                    "the refusal is told",
                )
                link = found.session.connector._public.link  # type: ignore[attr-defined]
                await found.until(lambda: link.last_error is not None, "an error")
                link.reconnect_now("asked")
                await found.until_ready(40.0)
                assert await practice.struck("redirect") == 2
        finally:
            server.close()
            await server.wait_closed()
        assert heard == []

    run(main())
