"""How often contracts have won: by account, asset and length, from the fills that the journal keeps.

A contract is one opening fill and one closing fill of the same position; what the closing one brought
(``realised``, net of the stake) says how it ended. Contracts that were given back before their end count as
neither: their result is the moment's, not the direction's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from terminal.core.observe import Observable
from terminal.domain.contracts import SOLD_BACK, ContractResult, ContractTerms, HitRate, result_of
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Fill, Order, OrderType


class _Gate(Protocol):
    fill_added: Observable[[Fill]]

    @property
    def orders(self) -> Mapping[str, Order]: ...
    @property
    def fills(self) -> Sequence[Fill]: ...


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """One contract that has ended."""

    account: str
    instrument: InstrumentId
    position_id: str
    side: Side
    duration_s: int
    stake: Decimal
    payout_pct: Decimal
    profit: Decimal
    """Net of the stake, in ``currency``."""
    currency: str
    entry_price: Decimal
    exit_price: Decimal
    opened_ns: int
    ended_ns: int
    client_order_id: str
    """Of the order that opened it."""
    sold_back: bool = False

    @property
    def result(self) -> ContractResult:
        return result_of(self.profit)

    @property
    def ending(self) -> str:
        """How it ended, in a word: ``won``, ``lost``, ``tied``, ``sold back``."""
        return SOLD_BACK if self.sold_back else self.result.value


@dataclass(frozen=True, slots=True)
class ContractLine:
    """One line of the statistics: an asset and a length."""

    account: str
    instrument: InstrumentId
    duration_s: int
    rate: HitRate
    tied: int
    sold_back: int
    staked: Decimal
    profit: Decimal
    currency: str
    mean_payout_pct: Decimal


class ContractStats:
    """The contracts that have ended, and their hit rates.

    Attributes:
        changed: another one has ended.
        ended: (record) one whose beginning is known has ended.
    """

    def __init__(self, gate: _Gate) -> None:
        self.changed: Observable[[]] = Observable("contract statistics")
        self.ended: Observable[[ContractRecord]] = Observable("contract results")
        self._gate = gate
        self._records: tuple[ContractRecord, ...] | None = None
        self._unwatch = gate.fill_added.watch(self._on_fill)

    def close(self) -> None:
        """Stop following fills."""
        self._unwatch()

    def _on_fill(self, fill: Fill) -> None:
        if fill.position_id is not None and fill.realised is not None:
            self._records = None
            self.changed.notify()
            record = self._record_of(fill)
            if record is not None:
                self.ended.notify(record)

    def _record_of(self, end: Fill) -> ContractRecord | None:
        """The contract that a fill has just ended, without reading all the others."""
        begun = (
            each
            for each in reversed(self._gate.fills)
            if each.realised is None
            and (each.instrument, each.position_id) == (end.instrument, end.position_id)
        )
        first = next(begun, None)
        order = self._order_of(first) if first is not None else None
        if first is None or order is None or order.request.contract is None:
            return None
        return _record(first, order, order.request.contract, end, self._order_of(end))

    def _order_of(self, fill: Fill) -> Order | None:
        orders = self._gate.orders
        found = orders.get(fill.client_order_id or "")
        if found is not None:
            return found
        return next((each for each in orders.values() if each.venue_order_id == fill.venue_order_id), None)

    def records(self) -> tuple[ContractRecord, ...]:
        """Every contract that has ended and whose beginning is known, oldest first."""
        if self._records is None:
            self._records = tuple(self._read())
        return self._records

    def hit_rate(self, account: str, instrument: InstrumentId, duration_s: int) -> HitRate:
        """Of this asset and this length; the account is the person's own, real and demo apart."""
        found = [
            each
            for each in self.records()
            if (each.account, each.instrument, each.duration_s) == (account, instrument, duration_s)
        ]
        return rate_of(found)

    def lines(self, account: str | None = None) -> list[ContractLine]:
        """By account, asset and length, the most used first."""
        groups: dict[tuple[str, InstrumentId, int], list[ContractRecord]] = defaultdict(list)
        for each in self.records():
            if account is None or each.account == account:
                groups[each.account, each.instrument, each.duration_s].append(each)
        lines = [
            ContractLine(
                *key,
                rate=rate_of(found),
                tied=sum(each.result is ContractResult.TIED and not each.sold_back for each in found),
                sold_back=sum(each.sold_back for each in found),
                staked=sum((each.stake for each in found), ZERO),
                profit=sum((each.profit for each in found), ZERO),
                currency=found[-1].currency,
                mean_payout_pct=sum((each.payout_pct for each in found), ZERO) / len(found),
            )
            for key, found in groups.items()
        ]
        return sorted(lines, key=lambda line: -line.staked)

    def _read(self) -> list[ContractRecord]:
        by_id = {order.venue_order_id: order for order in self._gate.orders.values() if order.venue_order_id}
        opened: dict[tuple[InstrumentId, str], tuple[Fill, Order]] = {}
        out: list[ContractRecord] = []
        for fill in self._gate.fills:
            if fill.position_id is None:
                continue
            key = (fill.instrument, fill.position_id)
            order = self._gate.orders.get(fill.client_order_id or "") or by_id.get(fill.venue_order_id)
            if fill.realised is None:
                if order is not None and order.order_type is OrderType.CONTRACT and order.request.contract:
                    opened[key] = fill, order
            elif key in opened:
                first, begun = opened.pop(key)
                terms = begun.request.contract
                assert terms is not None
                out.append(_record(first, begun, terms, fill, order))
        return out


def rate_of(records: Sequence[ContractRecord]) -> HitRate:
    """Won of won and lost; ties and what was given back are neither."""
    ends = [each.result for each in records if not each.sold_back]
    won = ends.count(ContractResult.WON)
    return HitRate(won, won + ends.count(ContractResult.LOST))


def _record(
    first: Fill, begun: Order, terms: ContractTerms, end: Fill, ended_by: Order | None
) -> ContractRecord:
    assert end.position_id is not None
    assert end.realised is not None
    return ContractRecord(
        account=begun.account,
        instrument=end.instrument,
        position_id=end.position_id,
        side=first.side,
        duration_s=terms.duration_s,
        stake=first.quantity,
        payout_pct=terms.payout_pct,
        profit=end.realised,
        currency=end.fee_asset,
        entry_price=first.price,
        exit_price=end.price,
        opened_ns=first.ts_event_ns,
        ended_ns=end.ts_event_ns,
        client_order_id=begun.client_order_id,
        sold_back=ended_by is not None and ended_by.reason == SOLD_BACK,
    )
