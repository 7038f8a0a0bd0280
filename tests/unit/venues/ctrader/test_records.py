"""The past by pages: every row once, however the server cuts its answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.domain.errors import VenueUnavailable
from terminal.domain.orders import OrderState
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.executions import Reader
from terminal.venues.ctrader.records import WINDOW_MS, Records
from tests.helpers import run
from tests.unit.venues.ctrader.broker import ACCOUNT, T0, D, FakeAccount, deal, order, refusal

NS = 1_000_000
DAY_MS = 86_400_000


class Archive:
    """A server's lists: newest first, so many rows an answer, by the one time or the other."""

    def __init__(self, account: FakeAccount, rows: list[Any], page: int, time_of: Any) -> None:
        self.windows: list[tuple[int, int]] = []
        self._rows, self._page, self._time_of = rows, page, time_of
        fake = account.fake
        fake.answers[pb.ProtoOAOrderListReq] = lambda message: pb.ProtoOAOrderListRes(
            ctidTraderAccountId=ACCOUNT, **self._answer(message, "order")
        )
        fake.answers[pb.ProtoOADealListReq] = lambda message: pb.ProtoOADealListRes(
            ctidTraderAccountId=ACCOUNT, **self._answer(message, "deal")
        )
        fake.answers[pb.ProtoOACashFlowHistoryListReq] = lambda message: pb.ProtoOACashFlowHistoryListRes(
            ctidTraderAccountId=ACCOUNT, depositWithdraw=self._answer(message, "rows")["rows"]
        )

    def _answer(self, message: Any, name: str) -> dict[str, Any]:
        self.windows.append((message.fromTimestamp, message.toTimestamp))
        assert message.toTimestamp - message.fromTimestamp <= WINDOW_MS
        fitting = [
            row for row in self._rows if message.fromTimestamp <= self._time_of(row) <= message.toTimestamp
        ]
        fitting.sort(key=self._time_of, reverse=True)
        return {name: fitting[: self._page], "hasMore": len(fitting) > self._page}


def records(account: FakeAccount, begins_ms: int | None = None) -> Records:
    reader = Reader(account.symbols, account)
    return Records(
        account.client,
        ACCOUNT,
        reader,
        account.clock,
        begins_ms=lambda: begins_ms,
        name_of=lambda number: None,
    )


def by_execution(row: Any) -> int:
    return int(row.executionTimestamp)


def by_change(row: Any) -> int:
    return int(row.utcLastUpdateTimestamp)


def by_placing(row: Any) -> int:
    return int(row.tradeData.openTimestamp)


@settings(max_examples=80, deadline=None)
@given(
    ages=st.lists(st.integers(0, 40), max_size=40),
    page=st.integers(3, 6),
)
def test_every_deal_is_found_once(ages: list[int], page: int) -> None:
    """Several may share a millisecond; up to as many as a page has."""
    kept: dict[int, int] = {}
    rows = []
    for number, age in enumerate(ages, 1):
        kept[age] = kept.get(age, 0) + 1
        if kept[age] <= page:
            rows.append(deal(number, number, number, at=T0 - age * DAY_MS))

    async def main() -> None:
        account = await FakeAccount().ready()
        Archive(account, rows, page, by_execution)
        found = await records(account).deals_since(T0 - 41 * DAY_MS)
        assert sorted(row.dealId for row in found) == sorted(row.dealId for row in rows)
        times = [row.executionTimestamp for row in found]
        assert times == sorted(times, reverse=True)

    run(main())


@settings(max_examples=80, deadline=None)
@given(
    ages=st.lists(
        st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=25, unique_by=lambda pair: pair[0]
    ),
    page=st.integers(2, 5),
    listed_by=st.sampled_from([by_change, by_placing]),
)
def test_every_order_is_found_by_whichever_time_the_server_lists(
    ages: list[tuple[int, int]], page: int, listed_by: Any
) -> None:
    placed: set[int] = set()
    rows = []
    for number, (age, life) in enumerate(ages, 1):
        opened = T0 - age * 1000 - life * 1000 - number
        if opened not in placed:
            placed.add(opened)
            row = order(number, at=T0 - age * 1000, status=pb.ORDER_STATUS_FILLED)
            row.tradeData.openTimestamp = opened
            rows.append(row)

    async def main() -> None:
        account = await FakeAccount().ready()
        Archive(account, rows, page, listed_by)
        found = await records(account).orders_since(T0 - DAY_MS)
        assert sorted(row.orderId for row in found) == sorted(row.orderId for row in rows)

    run(main())


def test_a_list_without_an_end_is_given_up() -> None:
    async def main() -> None:
        account = await FakeAccount().ready()
        numbers = iter(range(10_000))

        def endless(message: Any) -> pb.ProtoOADealListRes:
            row = deal(next(numbers), 1, 1, at=T0)
            return pb.ProtoOADealListRes(ctidTraderAccountId=ACCOUNT, deal=[row], hasMore=True)

        account.fake.answers[pb.ProtoOADealListReq] = endless
        with pytest.raises(VenueUnavailable):
            await records(account).deals_since(T0 - 1000)

    run(main())


def test_a_refused_question_is_a_failed_one_and_not_an_empty_list() -> None:
    async def main() -> None:
        account = await FakeAccount().ready()
        account.fake.answers[pb.ProtoOAOrderListReq] = refusal("INCORRECT_BOUNDARIES")
        with pytest.raises(VenueUnavailable):
            await records(account).orders_since(T0 - 1000)

    run(main())


def test_history_goes_back_page_by_page_to_the_account_s_beginning() -> None:
    async def main() -> None:
        account = await FakeAccount().ready()
        rows = [
            order(number, at=T0 - number * 3 * DAY_MS, status=pb.ORDER_STATUS_FILLED) for number in range(60)
        ]
        for row in rows:
            row.tradeData.openTimestamp = row.utcLastUpdateTimestamp
        archive = Archive(account, rows, 100, by_change)
        source = records(account, begins_ms=T0 - 200 * DAY_MS)
        seen: list[str] = []
        until_ns: int | None = None
        for _ in range(20):
            page = await source.order_history(until_ns)
            seen += [report.venue_order_id for report in page.orders]
            until_ns = page.earlier_ns
            if until_ns is None:
                break
        assert until_ns is None
        assert seen == [str(number) for number in range(60)]
        assert min(start for start, _ in archive.windows) >= T0 - 208 * DAY_MS

    run(main())


def test_history_shows_what_has_ended_and_protections_only_where_they_did_something() -> None:
    async def main() -> None:
        account = await FakeAccount().ready()
        filled: dict[str, Any] = {"status": pb.ORDER_STATUS_FILLED}
        rows = [
            order(1, pb.LIMIT, limitPrice=1.1, at=T0 - 4),
            order(2, status=pb.ORDER_STATUS_CANCELLED, at=T0 - 3),
            order(3, pb.STOP_LOSS_TAKE_PROFIT, status=pb.ORDER_STATUS_CANCELLED, stopPrice=1.1, at=T0 - 2),
            order(
                4,
                pb.STOP_LOSS_TAKE_PROFIT,
                stopPrice=1.1,
                executedVolume=1,
                executionPrice=1.1,
                at=T0 - 1,
                **filled,
            ),
        ]
        Archive(account, rows, 100, by_change)
        page = await records(account).order_history(None)
        assert [(report.venue_order_id, report.state) for report in page.orders] == [
            ("4", OrderState.FILLED),
            ("2", OrderState.CANCELED),
        ]

    run(main())


def test_cash_flow_has_words_and_signs() -> None:
    async def main() -> None:
        account = await FakeAccount().ready()

        def row(number: int, kind: Any, delta: int) -> pb.ProtoOADepositWithdraw:
            return pb.ProtoOADepositWithdraw(
                operationType=kind,
                balanceHistoryId=number,
                balance=1_000_000,
                delta=delta,
                changeBalanceTimestamp=T0 - number,
                moneyDigits=2,
                externalNote="bank",
            )

        rows = [
            row(1, pb.BALANCE_WITHDRAW, 5_000),
            row(2, pb.BALANCE_DEPOSIT, 1_000_000),
            row(3, pb.BALANCE_WITHDRAW_SWAP, -12),
        ]
        Archive(account, rows, 100, lambda each: each.changeBalanceTimestamp)
        page = await records(account, begins_ms=T0 - DAY_MS).cash_flow(None)
        assert [(entry.what, entry.amount) for entry in page.entries] == [
            ("withdrawal", D("-50.00")),
            ("deposit", D("10000.00")),
            ("swap", D("-0.12")),
        ]
        first = page.entries[0]
        assert (first.balance, first.currency, first.note) == (D("10000.00"), "USD", "bank")
        assert first.ts_event_ns == (T0 - 1) * NS
        assert page.earlier_ns is None

    run(main())


def test_fills_of_the_past_come_by_pages_too() -> None:
    async def main() -> None:
        account = await FakeAccount().ready()
        rows = [
            deal(1, 11, 21, at=T0 - 5),
            deal(2, 12, 21, at=T0 - 4, status=pb.REJECTED),
            deal(3, 13, 22, at=T0 - 8 * DAY_MS),
        ]
        Archive(account, rows, 100, by_execution)
        page = await records(account, begins_ms=T0 - 30 * DAY_MS).fill_history(None)
        assert [fill.fill_id for fill in page.fills] == ["1", "3"]

    run(main())
