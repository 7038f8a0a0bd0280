"""Equity, margin and maintenance ratio of an account on margin, from OKX's own numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from terminal.domain.account import AccountFigures, Balance
from terminal.domain.events import BalancesReported, FiguresReported
from terminal.venues.okx.account import balances
from terminal.venues.okx.figures import figures
from terminal.venues.okx.wire import BalanceRow
from tests.helpers import eventually, run
from tests.unit.venues.okx.fakes import FakeHttp, desk

D = Decimal
# Shortened from the answer in OKX's own documentation of "Get balance".
MANY: dict[str, Any] = {
    "adjEq": "55415.624719833286",
    "availEq": "55000.5",
    "imr": "415.1",
    "mmr": "80",
    "mgnRatio": "6.926",
    "upl": "-7.5",
    "isoEq": "0",
    "totalEq": "55837.43556134779",
    "details": [
        {
            "ccy": "USDT",
            "cashBal": "4850.4",
            "availBal": "4834.3",
            "eq": "4992.8",
            "eqUsd": "4991.5",
            "upl": "-7.5",
        }
    ],
}
USDT = {
    "ccy": "USDT",
    "cashBal": "1000",
    "availBal": "750",
    "availEq": "750",
    "eq": "1010",
    "eqUsd": "1010",
    "upl": "10",
    "imr": "250",
    "isoEq": "0",
    "mgnRatio": "40.4",
}
BTC = {
    "ccy": "BTC",
    "cashBal": "0.1",
    "availBal": "0.05",
    "availEq": "0.05",
    "eq": "0.098",
    "eqUsd": "5880",
    "upl": "-0.002",
    "imr": "0.04",
    "isoEq": "0.01",
    "mgnRatio": "2.5",
}
FUTURES: dict[str, Any] = {"totalEq": "6890", "adjEq": "", "imr": "", "mgnRatio": "", "upl": ""}


def row(fields: dict[str, Any]) -> BalanceRow:
    return msgspec.convert(fields, BalanceRow)


def read(fields: dict[str, Any]) -> AccountFigures:
    found = figures(row(fields), row(fields).details)
    assert found is not None
    return found


def test_an_account_of_many_currencies_says_its_figures_as_a_whole() -> None:
    found = read(MANY)
    assert (found.currency, found.equity, found.unrealised) == ("USD", D("55837.43556134779"), D("-7.5"))
    assert (found.used_margin, found.free_margin) == (D("415.1"), D("55000.5"))
    assert found.maintenance_level == D("692.6")
    assert found.balance == D("55844.93556134779")
    assert found.beside_balances


def test_in_futures_mode_the_currencies_are_added_up_and_the_nearest_to_its_end_counts() -> None:
    found = read({**FUTURES, "details": [USDT, BTC]})
    # A BTC is worth 60 000 by OKX's own word: 250 + 0.04 + 0.01 of it; 750 + 0.05; 10 - 0.002.
    assert found.used_margin == D(3250)
    assert found.free_margin == D(3750)
    assert found.unrealised == D(-110)
    assert found.equity == D(6890)
    assert found.maintenance_level == D(250)


def test_what_okx_does_not_say_is_not_made_up() -> None:
    found = read({**FUTURES, "details": [{"ccy": "USDT", "cashBal": "5"}]})
    assert (found.used_margin, found.unrealised, found.maintenance_level) == (None, None, None)
    assert (found.equity, found.free_margin) == (D(6890), None)
    assert figures(row({"details": [USDT]}), []) is None
    # Nothing of it is there, so nothing says what it is worth; nothing is worth nothing.
    empty = {**USDT, "eq": "0", "eqUsd": "0", "imr": "5"}
    assert read({**FUTURES, "details": [{**empty, "imr": "0", "isoEq": ""}]}).used_margin == 0


def test_figures_come_with_the_account_and_parts_of_it_change_them() -> None:
    def push(kind: str, *details: dict[str, str], total: str = "6890") -> dict[str, Any]:
        data = [{**FUTURES, "totalEq": total, "details": list(details)}]
        return {"arg": {"channel": "account", "uid": "1"}, "eventType": kind, "data": data}

    async def main() -> None:
        http = FakeHttp()
        http.replies["/api/v5/account/balance"] = [{**FUTURES, "details": [USDT, BTC]}]
        async with desk(http=http) as found:
            told = found.events.of(FiguresReported)
            assert told == []
            await found.venue.push("private", {**push("snapshot", USDT), "curPage": 1, "lastPage": False})
            await found.venue.push("private", {**push("snapshot", BTC), "curPage": 2, "lastPage": True})
            await eventually(lambda: found.events.of(FiguresReported), what="the figures")
            (event,) = found.events.of(FiguresReported)
            assert event.figures.used_margin == D(3250)
            # One currency changes: the others stand.
            await found.venue.push("private", push("event_update", {**USDT, "imr": "350"}))
            await eventually(lambda: len(found.events.of(FiguresReported)) == 2, what="the change")
            assert found.events.of(FiguresReported)[-1].figures.used_margin == D(3350)
            # What is the same again is not told again, the balances are.
            count = len(found.events.of(BalancesReported))
            await found.venue.push("private", push("event_update", {**USDT, "imr": "350"}))
            await eventually(lambda: len(found.events.of(BalancesReported)) > count, what="the balances")
            assert len(found.events.of(FiguresReported)) == 2
            snapshot = await found.connector.snapshot(0)
            assert snapshot.figures is not None
            assert snapshot.figures.used_margin == D(3250)

    run(main())


def test_the_margin_of_isolated_positions_is_held_though_it_has_left_the_cash() -> None:
    def read_balance(**fields: str) -> Balance:
        (found,) = balances(row({"details": [{**BTC, **fields}]}).details, with_zero=False)
        return found

    # 0.1 in cash with 0.05 of it in use; 0.03 beside it for a position that has lost 0.01. 0.002 lost.
    apart = {"eq": "0.118", "upl": "-0.012", "isoEq": "0.02", "isoUpl": "-0.01"}
    found = read_balance(**apart)
    assert (found.total, found.free, found.held) == (D("0.13"), D("0.05"), D("0.08"))
    assert found.equity == D("0.118")
    # Never twice: what the equity does not have beyond the cash was in the cash.
    assert read_balance(**{**apart, "eq": "0.088"}).total == D("0.1")
    plain = read_balance(isoEq="", isoUpl="", eq="", upl="")
    assert (plain.total, plain.equity, plain.own_equity) == (D("0.1"), D("0.1"), None)
    # All of the cash is with the position.
    alone = read_balance(cashBal="0", availBal="0", eq="0.02", upl="-0.01", isoEq="0.02", isoUpl="-0.01")
    assert (alone.total, alone.free) == (D("0.03"), D(0))


def test_an_account_in_spot_mode_has_balances_alone() -> None:
    async def main() -> None:
        http = FakeHttp()
        http.replies["/api/v5/account/config"] = [{"acctLv": "1", "posMode": "net_mode", "perm": "trade"}]
        http.replies["/api/v5/account/balance"] = [{**FUTURES, "details": [USDT]}]
        async with desk(http=http) as found:
            data = [{**FUTURES, "details": [USDT]}]
            await found.venue.push(
                "private", {"arg": {"channel": "account"}, "eventType": "snapshot", "data": data}
            )
            await eventually(lambda: found.events.of(BalancesReported), what="the balances")
            assert found.events.of(FiguresReported) == []
            assert (await found.connector.snapshot(0)).figures is None

    run(main())
