"""The practice plugin against the transcript checker, and the checker against plugins that are wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.fmz_transcript import Flags, TranscriptFailed, check_plugin, check_published_transcript
from tests.helpers import run
from tests.unit.emulators.custom.client import SYMBOL, plugin

ORDERS = "/api/v5/trade/orders-pending"


@pytest.mark.parametrize(
    ("switches", "flags"),
    [
        ((), Flags(markets=False, futures=False, http="reference", fills=True)),
        (("better", "extras", "futures"), Flags(markets=True, futures=True, http="better", fills=True)),
    ],
)
def test_each_kind_of_plugin_keeps_to_the_protocol(switches: tuple[str, ...], flags: Flags) -> None:
    async def main() -> None:
        async with plugin(*switches, live=True) as venue:
            asked = Flags(
                markets=flags.markets, futures=flags.futures, http=flags.http, fills=flags.fills,
                amount=Decimal("0.1"), raw=("GET", ORDERS, {"instType": "SPOT", "instId": "ETH-USDT"}),
            )  # fmt: skip
            checked = await check_plugin(
                venue.entry["service"], venue.entry["access_key"], venue.entry["secret_key"], SYMBOL, asked
            )
            assert "filled_order" in checked

    run(main())


def test_the_published_samples_come_back_byte_for_byte() -> None:
    async def main() -> None:
        async with plugin("canned") as venue:
            await check_published_transcript(venue.entry["service"], "any", "secret,passphrase")
            # The venue is out of reach: the reference's words go through as they are.
            text = "URL error: [Errno -2] Name or service not known"
            await venue.fault("error", match="*/ticker", error=text)
            answer = await venue.node.call("ticker", {"symbol": SYMBOL})
            assert answer.body == b'{"error": "URL error: [Errno -2] Name or service not known"}'

    run(main())


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"kind": "ms_records"}, "records.data[0][0]: must be Unix seconds"),
        ({"kind": "newest_first", "match": "records"}, "records.data: must be in ascending time"),
        ({"kind": "newest_first", "match": "*/trades"}, "trades.data: must be in ascending time"),
        ({"kind": "lower_case", "match": "ticker"}, "ticker.data.symbol: must be ETH_USDT"),
        ({"kind": "venue_symbol", "match": "ticker"}, "ticker.data.symbol: must be ETH_USDT"),
        ({"kind": "missing_field", "field": "frozen"}, "accounts.data[0].frozen: is missing"),
        ({"kind": "wrong_type", "field": "vol", "value": None}, "ticker.data.vol: must be a number"),
        ({"kind": "wrong_type", "match": "depth"}, "depth.data.time: is missing"),
        ({"kind": "state_key", "match": "historyorders"}, "historyorders.data[0].status: is missing"),
        ({"kind": "unknown_status", "match": "historyorders"}, "historyorders.data[0].status: is 'frozen'"),
        ({"kind": "html_200", "match": "depth"}, "depth (Content-type)"),
        ({"kind": "truncate", "match": "depth"}, "depth: must be a JSON object"),
        ({"kind": "disconnect", "match": "depth"}, "depth: the connection was closed without an answer"),
        ({"kind": "error", "match": "depth", "error": "no"}, "depth: refused: 'no'"),
        ({"kind": "http_5xx_html", "match": "depth"}, "depth (HTTP status): must be 200, is 502"),
    ],
)
def test_the_checker_names_the_field_that_is_wrong(fault: dict[str, object], field: str) -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            await venue.data("cancel", id=await venue.place(), symbol=SYMBOL)
            await venue.control("fault", **{"count": 50, **fault})
            with pytest.raises(TranscriptFailed) as caught:
                await check_plugin(
                    venue.entry["service"],
                    venue.entry["access_key"],
                    venue.entry["secret_key"],
                    SYMBOL,
                    Flags(trades=False, live=False),
                )
            assert field in str(caught.value)

    run(main())


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"kind": "state_key", "match": "*/orders"}, "orders.data[0].status: is missing"),
        ({"kind": "unknown_status", "match": "*/order"}, "order.data.status: is 'frozen'"),
        ({"kind": "venue_symbol", "match": "*/order"}, "order.data.symbol: must be ETH_USDT"),
        ({"kind": "wrong_type", "match": "*/trade", "value": {}}, "trade.data.id: is missing"),
        ({"kind": "wrong_type", "match": "*/cancel", "value": False}, "cancel.data: must be true"),
        ({"kind": "wrong_type", "match": "*/orders", "value": []}, "orders.data: does not list"),
        (
            {"kind": "wrong_type", "match": "*/historyorders", "value": []},
            "historyorders.data: does not list",
        ),
        (
            {"kind": "wrong_type", "match": "*/order", "field": "amount", "value": 5},
            "order.data.amount: is 5",
        ),
        ({"kind": "wrong_type", "match": "*/accounts", "field": "frozen", "value": 0}, "does not hold"),
    ],
)
def test_the_checker_names_what_is_wrong_with_an_order(fault: dict[str, object], field: str) -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            await venue.control("fault", **{"count": 500, **fault})
            with pytest.raises(TranscriptFailed) as caught:
                await check_plugin(
                    venue.entry["service"],
                    venue.entry["access_key"],
                    venue.entry["secret_key"],
                    SYMBOL,
                    Flags(live=False, amount=Decimal("0.1"), settle_timeout_s=0.05),
                )
            assert field in str(caught.value)

    run(main())


def test_the_checker_tells_one_kind_from_the_other() -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            with pytest.raises(TranscriptFailed, match="HTTP version"):
                await check_plugin(
                    venue.entry["service"],
                    venue.entry["access_key"],
                    venue.entry["secret_key"],
                    SYMBOL,
                    Flags(trades=False, live=False, http="reference", markets=True),
                )
            with pytest.raises(TranscriptFailed, match="must be"):
                await check_published_transcript(venue.entry["service"], "any", "secret,passphrase")

    run(main())
