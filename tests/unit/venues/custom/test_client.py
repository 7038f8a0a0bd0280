"""Calls to a plugin that misbehaves: what is read, what is in doubt, and that nothing is sent twice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock, SystemClock
from terminal.core.secret import Secret
from terminal.domain.errors import (
    NotSent,
    OutcomeUnknown,
    ProtocolViolation,
    RequestRejected,
    VenueError,
    VenueUnavailable,
)
from terminal.transport.http_client import HttpClient
from terminal.transport.quotas import LeakyCounter
from terminal.venues.custom.client import PluginClient, Rank
from tests.helpers import eventually, free_port, run
from tests.unit.venues.custom.plugin import ACCESS, SECRET, Plugin, PluginError, running, ticker

TRADE = {"amount": "0.1", "price": "1000", "symbol": "BTC_USDT", "type": "buy"}
ETH = {"symbol": "ETH_USDT"}


@contextlib.asynccontextmanager
async def client(
    plugin: Plugin,
    heard: list[VenueError | None] | None = None,
    *,
    concurrency: int = 1,
    deadline_s: float = 5.0,
) -> AsyncIterator[PluginClient]:
    async with (
        running(plugin) as here,
        HttpClient(venue="custom", base_url=f"http://127.0.0.1:{here.port}/OKX") as http,
    ):
        yield make(http, heard, concurrency=concurrency, deadline_s=deadline_s)


def make(
    http: HttpClient,
    heard: list[VenueError | None] | None = None,
    *,
    concurrency: int = 1,
    deadline_s: float = 5.0,
) -> PluginClient:
    clock = SystemClock()
    return PluginClient(
        http,
        {"access_key": Secret(ACCESS), "secret_key": Secret(SECRET)},
        clock,
        concurrency=concurrency,
        budget=LeakyCounter("calls", 1000, 1000, clock),
        read_deadline_s=deadline_s,
        order_deadline_s=deadline_s,
        on_call=(heard if heard is not None else []).append,
    )


@pytest.mark.parametrize("with_length", [False, True], ids=["http/1.0 to the end", "http/1.1 with a length"])
def test_answers_are_read_however_their_end_is_told(with_length: bool) -> None:
    async def main() -> None:
        plugin = Plugin(with_length=with_length)
        # Longer than one piece of the network.
        plugin.answers["tickers"] = lambda params: [ticker(f"C{number}_USDT") for number in range(5000)]
        async with client(plugin) as found:
            assert len(await found.read("tickers", {})) == 5000
            assert (await found.read("ticker", ETH))["symbol"] == "ETH_USDT"
        head = plugin.calls[0].head
        assert head.startswith("POST /OKX HTTP/1.1\r\n")
        assert "connection: close" in head.lower(), "a connection for each call"

    run(main())


def test_the_envelope_is_whole_and_the_nonce_only_grows() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with running(plugin):
            clock = ManualClock(wall_ns=1_730_275_031_047_002_000)
            async with HttpClient(venue="custom", base_url=f"http://127.0.0.1:{plugin.port}/OKX") as http:
                found = make(http)
                found._clock = clock
                for _ in range(3):
                    await found.read("ticker", ETH)
                clock.jump_wall(-3600)
                await found.read("accounts", {})
        assert [call.nonce for call in plugin.calls] == [1_730_275_031_047_002_000 + n for n in range(4)]
        assert plugin.calls[-1].body == {
            "access_key": ACCESS,
            "secret_key": SECRET,
            "nonce": 1_730_275_031_047_002_003,
            "method": "accounts",
            "params": {},
        }

    run(main())


@pytest.mark.parametrize(
    ("fault", "word", "kind"),
    [
        ("drop", "closed the connection without an answer", VenueUnavailable),
        ("cut", "cut off or unreadable", ProtocolViolation),
        ("html", "cut off or unreadable", ProtocolViolation),
        ("slow", "did not answer in time", VenueUnavailable),
        (
            "error: URL error: [Errno -2] Name or service not known",
            "could not reach its venue",
            VenueUnavailable,
        ),
        ("error: invalid symbol", "does not know this symbol", RequestRejected),
    ],
)
def test_a_question_that_fails_says_why_in_plain_words(fault: str, word: str, kind: type[VenueError]) -> None:
    async def main() -> None:
        plugin, heard = Plugin(), list[VenueError | None]()
        plugin.fail("ticker", fault)
        async with client(plugin, heard, deadline_s=0.3 if fault == "slow" else 20.0) as found:
            with pytest.raises(kind) as caught:
                await found.read("ticker", ETH)
            plugin.release.set()
            found._read_deadline_s = 20.0
            assert word in caught.value.user_text
            assert (heard[-1] is None) == (kind is RequestRejected), "a refusal is an answer"
            await found.read("ticker", ETH)
            assert heard[-1] is None

    run(main())


@pytest.mark.parametrize(
    "fault",
    [
        "drop",
        "drop-after",
        "cut",
        "html",
        "slow",
        "slow-after",
        "error: URL error: timed out",
        "error: HTTP error: 502",
        "error: HTTP error: 429",
        "error: Invalid JSON response",
        "error: list index out of range",
        'error: {"code":"50004","msg":"timeout"}',
    ],
)
def test_an_order_without_a_clear_answer_is_in_doubt_and_sent_once(fault: str) -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.fail("trade", fault)
        async with client(plugin, deadline_s=0.3 if fault.startswith("slow") else 20.0) as found:
            with pytest.raises(OutcomeUnknown) as caught:
                await found.write("trade", TRADE)
            plugin.release.set()
            found._read_deadline_s = 20.0
            assert "checking" in caught.value.user_text
            await found.read("ticker", ETH)
        assert plugin.sent("trade") == [TRADE]

    run(main())


@pytest.mark.parametrize("body", [{}, [], "yes", {"data": {"id": "1"}, "error": "insufficient balance"}])
def test_an_answer_of_another_form_leaves_an_order_in_doubt(body: object) -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin._do = lambda call: __import__("json").dumps(body)  # type: ignore[method-assign]
        async with client(plugin) as found:
            with pytest.raises(OutcomeUnknown):
                await found.write("trade", TRADE)
            with pytest.raises((ProtocolViolation, RequestRejected)):
                await found.read("ticker", ETH)
        assert len(plugin.sent("trade")) == 1

    run(main())


def test_an_empty_error_beside_the_data_is_none() -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin._do = lambda call: '{"data":{"id":"7"},"error":""}'  # type: ignore[method-assign]
        async with client(plugin) as found:
            assert await found.write("trade", TRADE) == {"id": "7"}

    run(main())


def test_nothing_is_sent_where_nobody_listens() -> None:
    async def main() -> None:
        async with HttpClient(venue="custom", base_url=f"http://127.0.0.1:{free_port()}") as http:
            with pytest.raises(NotSent) as caught:
                await make(http).write("trade", TRADE)
            assert caught.value.user_text.startswith("Not sent.")

    run(main())


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_calls_at_once_than_the_plugin_declares(concurrency: int) -> None:
    async def main() -> None:
        plugin = Plugin()
        async with client(plugin, concurrency=concurrency) as found:
            plugin.fail("ticker", *["slow"] * concurrency)
            asks = [tasks.spawn(found.read("ticker", ETH), name="ask") for _ in range(12)]
            await eventually(lambda: plugin.at_once == concurrency)
            plugin.release.set()
            await asyncio.gather(*asks)
        assert plugin.most_at_once == concurrency

    run(main())


def test_an_order_does_not_wait_for_a_slow_question_which_is_asked_again() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with client(plugin, deadline_s=30.0) as found:
            plugin.fail("ticker", "slow")
            polls = [tasks.spawn(found.read("ticker", ETH), name="ask") for _ in range(3)]
            await eventually(lambda: plugin.at_once == 1)
            assert (await found.write("trade", TRADE))["id"]
            for answer in await asyncio.gather(*polls):
                assert answer["symbol"] == "ETH_USDT"
        assert [call.method for call in plugin.calls[:2]] == ["ticker", "trade"]
        assert plugin.counts() == {"ticker": 4, "trade": 1}

    run(main())


def test_a_question_that_its_asker_gives_up_is_given_up() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with client(plugin, deadline_s=30.0) as found:
            plugin.fail("ticker", "slow", "slow")

            async def end_once_asked(limit: asyncio.Timeout) -> None:
                await eventually(lambda: plugin.calls)
                limit.reschedule(asyncio.get_running_loop().time())

            async def ask_impatiently() -> None:
                async with asyncio.timeout(60) as limit:
                    ending = tasks.spawn(end_once_asked(limit), name="limit")
                    await asyncio.gather(found.read("ticker", ETH), ending)

            with pytest.raises(TimeoutError):
                await ask_impatiently()
            waiting = tasks.spawn(found.read("ticker", ETH), name="ask")
            await eventually(lambda: len(plugin.calls) == 2)
            late = tasks.spawn(found.read("accounts", {}, rank=Rank.QUESTION), name="ask")
            await asyncio.sleep(0)
            for task in (late, waiting):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            # The turns were given back.
            assert await found.read("ticker", ETH)

    run(main())


def test_the_keys_are_in_the_body_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> list[str]:
        plugin, texts = Plugin(), list[str]()

        def betray(params: object) -> object:
            raise PluginError(f"exception: secret_key={SECRET} passphrase CANARY-passphrase-0ff1 {ACCESS}")

        plugin.answers["ticker"] = betray
        async with client(plugin) as found:
            for ask in (found.read("ticker", ETH), found.write("ticker", ETH)):
                with pytest.raises(VenueError) as caught:
                    await ask
                error = caught.value
                texts += [str(error), repr(error), error.user_text, error.venue_text]
            plugin.fail("depth", "html")
            plugin._do = lambda call: "<html>" + str(call.body)  # type: ignore[method-assign]
            with pytest.raises(VenueError) as caught:
                await found.read("depth", ETH)
            texts += [str(caught.value), caught.value.user_text, found.key_label]
        return texts

    told = [*run(main()), *(record.getMessage() for record in caplog.records)]
    assert told
    assert not [text for text in told if "CANARY" in text]


def test_a_short_key_is_not_told_either() -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.always("ticker", "bad key k3y5 and s3cr")
        async with (
            running(plugin),
            HttpClient(venue="custom", base_url=f"http://127.0.0.1:{plugin.port}") as http,
        ):
            clock = SystemClock()
            found = PluginClient(
                http,
                {"access_key": Secret("k3y5"), "secret_key": Secret("s3cr")},
                clock,
                concurrency=1,
                budget=LeakyCounter("calls", 10, 10, clock),
                read_deadline_s=5,
                order_deadline_s=5,
                on_call=lambda failure: None,
            )
            with pytest.raises(VenueError) as caught:
                await found.read("ticker", ETH)
            assert "k3y5" not in caught.value.user_text
            assert "s3cr" not in str(caught.value)

    run(main())
