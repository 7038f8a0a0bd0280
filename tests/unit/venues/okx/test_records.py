"""An account's past on a small OKX: pages of orders, fills and bills, and the fills of one position."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from terminal.domain.account import CashFlow
from terminal.domain.events import PositionReported, WireFault
from terminal.domain.orders import OrderState
from terminal.venues.base import HasRecords
from tests.helpers import eventually, run
from tests.unit.venues.okx.fakes import Call, FakeHttp, desk, order_row

D = Decimal
MS = 1_000_000
ORDERS = "/api/v5/trade/orders-history-archive"
FILLS = "/api/v5/trade/fills-history"
BILLS = "/api/v5/account/bills-archive"


def paged(rows: list[dict[str, Any]], stamp: str, key: str) -> Any:
    """An endpoint with these rows, newest first: ``end``, ``after``, ``limit`` and the type of instrument."""

    def answer(call: Call) -> list[dict[str, Any]]:
        query = call.query
        found = [row for row in rows if query.get("instType") in (None, row.get("instType"))]
        found = [row for row in found if int(row[stamp]) <= int(query.get("end", 10**15))]
        found = [row for row in found if int(row[stamp]) >= int(query.get("begin", 0))]
        found = [row for row in found if query.get("instId") in (None, row.get("instId"))]
        found = [row for row in found if int(row[key]) < int(query.get("after", 10**15))]
        return found[: int(query["limit"])]

    return answer


def ended(number: int, kind: str = "SPOT", **changes: Any) -> dict[str, Any]:
    """An order that was created at millisecond ``number``."""
    names = {"SPOT": "BTC-USDT", "MARGIN": "BTC-USDT", "SWAP": "BTC-USDT-SWAP", "FUTURES": "BTC-USDT-250808"}
    stamp = str(number)
    row = order_row(instType=kind, instId=names[kind], ordId=stamp, clOrdId="", cTime=stamp, uTime=stamp)
    return {**row, "state": "filled", "accFillSz": row["sz"], "avgPx": "30000", **changes}


def fill(number: int, kind: str = "SWAP", **changes: Any) -> dict[str, Any]:
    names = {"SPOT": "BTC-USDT", "SWAP": "BTC-USDT-SWAP"}
    return {
        "instType": kind,
        "instId": names[kind],
        "tradeId": str(number),
        "ordId": f"9{number}",
        "billId": str(number),
        "side": "buy",
        "posSide": "net",
        "fillPx": "60000",
        "fillSz": "4",
        "fee": "-1.2",
        "feeCcy": "USDT",
        "execType": "T",
        "fillPnl": "3",
        "fillTime": str(number),
        "ts": str(number),
        **changes,
    }


def test_orders_come_by_pages_that_all_types_have_in_common() -> None:
    spot = [ended(number) for number in range(1250, 1000, -1)]
    swaps = [ended(number, "SWAP", sz="1", accFillSz="1") for number in (1240, 1100, 900)]
    borrowed = [ended(1245, "MARGIN")]

    async def main() -> None:
        http = FakeHttp()
        http.replies[ORDERS] = paged(spot + swaps + borrowed, "cTime", "ordId")
        async with desk(http=http) as found:
            records = found.connector
            assert isinstance(records, HasRecords)
            pages = []
            until: int | None = None
            while True:
                page = await records.order_history(until)
                pages.append(page.orders)
                if page.earlier_ns is None:
                    break
                until = page.earlier_ns
            told = [report for page in pages for report in page]
            assert len(pages) == 3
            assert [report.venue_order_id for report in told] == [
                row["ordId"] for row in sorted(spot + swaps + borrowed, key=lambda row: -int(row["cTime"]))
            ]
            assert {report.state for report in told} == {OrderState.FILLED}
            assert {call.query["instType"] for call in found.http.named("orders-history-archive")} == {
                *("SPOT", "MARGIN", "SWAP", "FUTURES")
            }
            # Old orders are shown and not kept: nobody takes them for the account's own of today.
            assert not found.connector._tracker.report("1240")

    run(main())


def test_a_whole_answer_of_one_millisecond_is_read_to_its_end() -> None:
    rows = [ended(5000, ordId=str(number)) for number in range(900, 750, -1)] + [ended(10, ordId="7")]

    async def main() -> None:
        http = FakeHttp()
        http.replies[ORDERS] = paged(rows, "cTime", "ordId")
        async with desk(http=http) as found:
            page = await found.connector.order_history()
            assert (len(page.orders), page.earlier_ns) == (151, None)

    run(main())


def test_an_account_in_spot_mode_is_asked_for_spot_alone() -> None:
    async def main() -> None:
        http = FakeHttp()
        http.replies["/api/v5/account/config"] = [{"acctLv": "1", "posMode": "net_mode", "perm": "read_only"}]
        http.replies[FILLS] = paged([fill(10, "SPOT")], "ts", "billId")
        async with desk(http=http) as found:
            page = await found.connector.fill_history()
            assert [each.fill_id for each in page.fills] == ["BTC-USDT:10:b"]
            assert [call.query["instType"] for call in http.named("fills-history")] == ["SPOT"]

    run(main())


def test_an_order_that_cannot_be_read_is_left_out_and_counted() -> None:
    async def main() -> None:
        http = FakeHttp()
        rows = [
            ended(12, state="melted"),
            ended(11, px="abc"),
            ended(10),
            ended(9, instId="BTC-USD-250328-1-C"),
        ]
        http.replies[ORDERS] = paged(rows, "cTime", "ordId")
        async with desk(http=http) as found:
            page = await found.connector.order_history()
            assert [report.venue_order_id for report in page.orders] == ["10"]
            assert len(found.events.of(WireFault)) == 2

    run(main())


def test_the_fills_of_a_position_are_those_of_its_time_and_mode() -> None:
    def row(**changes: Any) -> dict[str, Any]:
        common = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "posSide": "net", "avgPx": "60000"}
        return {**common, "ccy": "USDT", "cTime": "100000", "uTime": "100000", **changes}

    async def main() -> None:
        http = FakeHttp()
        numbers = (160_000, 150_000, 100_000, 50_000)
        http.replies[FILLS] = paged([fill(number) for number in numbers], "ts", "billId")
        async with desk(http=http) as found:

            async def tell(*rows: dict[str, Any]) -> None:
                arg = {"channel": "positions", "instType": "ANY"}
                await found.venue.push(
                    "private", {"arg": arg, "eventType": "event_update", "data": list(rows)}
                )

            count = len(found.events.of(PositionReported))
            await tell(
                row(posId="31", mgnMode="cross", pos="4"), row(posId="32", mgnMode="isolated", pos="4")
            )
            await eventually(lambda: len(found.events.of(PositionReported)) == count + 2, what="both")
            # Both were open, and nothing says to which of them a fill belonged.
            assert await found.connector.position_fills("31") == []
            # An order's own mode tells.
            orders = [
                order_row(
                    instType="SWAP",
                    instId="BTC-USDT-SWAP",
                    ordId=f"9{number}",
                    tdMode="isolated" if number == 150_000 else "cross",
                    sz="4",
                )
                for number in numbers
            ]
            await found.venue.push("private", {"arg": {"channel": "orders"}, "data": orders})
            await tell(row(posId="32", mgnMode="isolated", pos="0", uTime="155000"))
            await eventually(lambda: len(found.events.of(PositionReported)) == count + 3, what="the end")
            of_one = await found.connector.position_fills("31")
            assert [each.fill_id for each in of_one] == ["BTC-USDT-SWAP:160000:b", "BTC-USDT-SWAP:100000:b"]
            of_other = await found.connector.position_fills("32")
            assert [each.fill_id for each in of_other] == ["BTC-USDT-SWAP:150000:b"]
            assert [each.position_id for each in of_one] == ["31", "31"]
            history = (await found.connector.fill_history()).fills
            assert [each.position_id for each in history] == ["31", "32", "31", None]
            assert await found.connector.position_fills("1") == []

    run(main())


def test_money_that_came_or_went_is_in_words_and_trades_are_left_out() -> None:
    def bill(number: int, kind: str, sub: str, change: str, **more: Any) -> dict[str, Any]:
        common = {"billId": str(number), "ts": str(number), "bal": "100", "ccy": "USDT", "instType": ""}
        return {**common, "type": kind, "subType": sub, "balChg": change, "posBalChg": "0", **more}

    rows = [
        bill(409, "8", "173", "-0.2", instId="BTC-USDT-SWAP"),
        bill(408, "6", "160", "0", posBalChg="5", instId="BTC-USDT-SWAP"),
        bill(407, "7", "9", "-0.01", notes="for a loan"),
        bill(406, "99", "", "1"),
        bill(405, "8", "173", "no number"),
        *(bill(number, "2", "1", "-1") for number in range(404, 100, -1)),
        bill(100, "1", "11", "100"),
    ]

    async def main() -> None:
        http = FakeHttp()
        http.replies[BILLS] = paged(rows, "ts", "billId")
        async with desk(http=http) as found:
            page = await found.connector.cash_flow()
            assert page.earlier_ns is None
            assert len(http.named("bills-archive")) == 4
            told = [(entry.what, entry.amount, entry.note) for entry in page.entries]
            assert told == [
                ("funding", D("-0.2"), "BTC/USDT-PERP"),
                ("margin added", D(5), "BTC/USDT-PERP"),
                ("interest", D("-0.01"), "for a loan"),
                ("OKX's bill of type 99", D(1), ""),
                ("transfer in", D(100), ""),
            ]
            assert page.entries[-1] == CashFlow("100", 100 * MS, "transfer in", D(100), D(100), "USDT")
            assert len(found.events.of(WireFault)) == 1

    run(main())


def test_a_page_of_bills_takes_few_answers_and_goes_on_where_it_ended() -> None:
    rows = [
        {"billId": str(number), "ts": str(number), "type": "2", "balChg": "1", "ccy": "USDT", "bal": "1"}
        for number in range(2000, 1300, -1)
    ]
    rows.append({"billId": "9", "ts": "9", "type": "1", "subType": "12", "balChg": "-3", "ccy": "USDT"})

    async def main() -> None:
        http = FakeHttp()
        http.replies[BILLS] = paged(rows, "ts", "billId")
        async with desk(http=http) as found:
            page = await found.connector.cash_flow()
            assert (page.entries, page.earlier_ns) == ((), 1501 * MS)
            assert len(http.named("bills-archive")) == 5
            page = await found.connector.cash_flow(page.earlier_ns)
            assert [entry.what for entry in page.entries] == ["transfer out"]

    run(main())
