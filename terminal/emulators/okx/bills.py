"""The account's bills: every movement of its cash, with what caused it, and the balance after it.

OKX API v5 "Bills details", read 2026-07: ``balChg`` is what the cash of a currency gained, ``posBalChg`` what
an isolated position's own margin gained; ``fee`` is negative where the account pays.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from terminal.domain.decimals import ZERO
from terminal.emulators.market.store import Record
from terminal.emulators.okx.exchange import OkxExchange
from terminal.emulators.okx.ledger import OkxAccount
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.wire import Row, ms, trimmed

TRANSFER: Final = "1"
TRADE: Final = "2"
DELIVERY: Final = "3"
LIQUIDATION: Final = "5"
MARGIN_TRANSFER: Final = "6"
FUNDING: Final = "8"
CLAWBACK: Final = "10"
KEPT: Final = 5_000
_EMPTY: Final = dict.fromkeys((
    "instType", "instId", "mgnMode", "ordId", "clOrdId", "tradeId", "fillTime", "fillIdxPx", "execType", "px",
    "sz", "from", "to", "tag", "notes", "interest", "earnAmt", "earnApr",
), "")  # fmt: skip


class Bills:
    """Moves the cash of every account, and keeps a bill of each movement."""

    def __init__(self, exchange: OkxExchange) -> None:
        self._exchange = exchange
        self._store = exchange.store
        self._ids = itertools.count(exchange.reserve("bills", 7_300_000_000_000))
        self._rows: dict[int, deque[Row]] = {}
        self._unsaved: list[tuple[int, Row]] = []

    def load(self, uid: int) -> None:
        """Those of an earlier run."""
        kept = self._store.records("okx bill", uid, limit=KEPT)
        self._rows[uid] = deque((one.data for one in reversed(kept)), maxlen=KEPT)

    def of(self, uid: int) -> list[Row]:
        """An account's bills, newest first."""
        return list(reversed(self._rows[uid]))

    def clear(self, uid: int) -> None:
        """The account begins anew."""
        self._rows[uid].clear()
        self._unsaved = [one for one in self._unsaved if one[0] != uid]

    def book(
        self,
        account: OkxAccount,
        ccy: str,
        change: Decimal,
        kind: str,
        sub_kind: str = "",
        *,
        one: OkxInstrument | None = None,
        put_in: Decimal = ZERO,
        pos_bal: Decimal = ZERO,
        profit: Decimal = ZERO,
        fee: Decimal = ZERO,
        told: Mapping[str, str] | None = None,
    ) -> str:
        """Move a currency's cash by ``change`` (its units).

        Args:
            kind, sub_kind: ``type`` and ``subType``.
            put_in: what went into an isolated position's margin, which is ``pos_bal`` now.
            profit, fee: the parts of the change that were profit and fee (positive where paid).
            told: more of its fields by name.

        Returns:
            The bill's number.
        """
        now = self._exchange.clock.wall_ns()
        account.cash[ccy] = account.cash.get(ccy, ZERO) + change
        account.changed_ns[ccy] = now
        number = str(next(self._ids))
        row: Row = {
            **_EMPTY,
            "billId": number,
            "type": kind,
            "subType": sub_kind,
            "ts": ms(now),
            "ccy": ccy,
            "balChg": trimmed(change, 18),
            "bal": trimmed(account.cash[ccy], 18),
            "posBalChg": trimmed(put_in, 18),
            "posBal": trimmed(pos_bal, 18),
            "pnl": trimmed(profit, 18),
            "fee": trimmed(-fee, 18),
        }
        if one is not None:
            row.update(instType=one.kind, instId=one.inst_id)
        row.update(told or {})
        self._rows[account.uid].append(row)
        self._unsaved.append((account.uid, row))
        return number

    def flush(self) -> None:
        """Write what is new; inside the caller's transaction."""
        rows, self._unsaved = self._unsaved, []
        self._store.save_records(
            Record("okx bill", int(row["billId"]), uid, False, int(row["ts"]), 0, 0, row) for uid, row in rows
        )


def trade_kind(side: str, pos_side: str, *, is_forced: bool) -> tuple[str, str]:
    """``type`` and ``subType`` of an execution: forced or not, bought or sold, opened or closed."""
    is_buy = side == "buy"
    if is_forced:
        return LIQUIDATION, "105" if is_buy else "104"
    if pos_side == "long":
        return TRADE, "3" if is_buy else "5"
    if pos_side == "short":
        return TRADE, "6" if is_buy else "4"
    return TRADE, "1" if is_buy else "2"
