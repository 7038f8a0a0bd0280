"""Statistics of contracts, from the fills of a gate."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.core.observe import Observable
from terminal.domain.contracts import SOLD_BACK, ContractTerms, ExpiryMode
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Fill, Order, OrderRequest, OrderState, OrderType
from terminal.services.contract_stats import ContractRecord, ContractStats

D = Decimal
EURUSD = InstrumentId("quotex", "EUR/USD")
GOLD = InstrumentId("quotex", "XAU/USD")
DEMO = "quotex:practice"


class Gate:
    """Orders and fills, made by hand."""

    def __init__(self) -> None:
        self.fill_added: Observable[[Fill]] = Observable("fills")
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []

    def deal(
        self,
        profit: str,
        *,
        stake: str = "5",
        asset: InstrumentId = EURUSD,
        length: int = 60,
        account: str = DEMO,
        reason: str = "",
    ) -> None:
        number = len(self.fills)
        terms = ContractTerms(ExpiryMode.TIMED, length, D(87))
        request = OrderRequest(asset, Side.BUY, OrderType.CONTRACT, D(stake), contract=terms)
        for suffix, closes in (("", False), (":end", True)):
            key = f"{number}{suffix}"
            self.orders[key] = Order(
                key,
                account,
                replace(request, reduce_only=closes, contract=None if closes else terms),
                OrderState.FILLED,
                number,
                number,
                venue_order_id=f"v{key}",
                reason=reason if closes else "",
            )
            fill = Fill(
                f"f{key}",
                asset,
                Side.SELL if closes else Side.BUY,
                D("1.08"),
                D(stake),
                D(0),
                "USD",
                None,
                f"v{key}",
                None if closes else key,
                number,
                position_id=f"p{number}",
                realised=D(profit) if closes else None,
            )
            self.fills.append(fill)
            self.fill_added.notify(fill)


def test_wins_and_losses_count_and_ties_and_give_backs_do_not() -> None:
    gate = Gate()
    stats = ContractStats(gate)
    for profit in ("4.35", "-5", "4.35", "0"):
        gate.deal(profit)
    gate.deal("-2", reason=SOLD_BACK)
    rate = stats.hit_rate(DEMO, EURUSD, 60)
    assert (rate.won, rate.ended) == (2, 3)
    (line,) = stats.lines()
    assert (line.tied, line.sold_back, line.staked, line.profit) == (1, 1, D(25), D("1.70"))


def test_assets_lengths_and_accounts_are_told_apart() -> None:
    gate = Gate()
    stats = ContractStats(gate)
    gate.deal("4.35")
    gate.deal("-5", length=300)
    gate.deal("-50", asset=GOLD, stake="50")
    gate.deal("-5", account="quotex:live")
    assert stats.hit_rate(DEMO, EURUSD, 60).won == 1
    assert stats.hit_rate(DEMO, EURUSD, 300).won == 0
    assert stats.hit_rate("quotex:live", EURUSD, 60).ended == 1
    assert [line.instrument for line in stats.lines(DEMO)] == [GOLD, EURUSD, EURUSD]


def test_it_is_told_when_one_has_ended_and_not_when_one_begins() -> None:
    gate = Gate()
    stats = ContractStats(gate)
    told: list[int] = []
    ended: list[tuple[str, str]] = []
    stats.changed.watch(lambda: told.append(len(stats.records())))
    stats.ended.watch(lambda record: ended.append((record.client_order_id, record.ending)))
    gate.deal("4.35")
    gate.deal("-5")
    assert told == [1, 2]
    assert ended == [("0", "won"), ("2", "lost")]
    stats.close()
    gate.deal("-5")
    assert told == [1, 2]


def test_an_end_without_a_known_beginning_is_left_out() -> None:
    gate = Gate()
    gate.deal("4.35")
    del gate.fills[0]
    assert ContractStats(gate).records() == ()


def test_an_end_is_told_without_reading_all_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    stats = ContractStats(gate)
    ended: list[ContractRecord] = []
    stats.ended.watch(ended.append)
    for profit, reason in (("4.35", ""), ("-5", ""), ("-2", SOLD_BACK)):
        gate.deal(profit, reason=reason)
    assert tuple(ended) == stats.records()
    monkeypatch.setattr(stats, "_read", lambda: pytest.fail("all of them were read"))
    gate.deal("1")
    assert ended[-1].profit == 1
