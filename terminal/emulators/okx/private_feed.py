"""The private channels: orders, account, positions, balance_and_position, orders-algo.

OKX API v5 "Private channels", read 2026-07: account and positions begin with a snapshot and gather changes
for some 50 ms; balance_and_position is told at once; orders and orders-algo begin in silence.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from terminal.emulators.faults import Faults
from terminal.emulators.okx.desk import Desk, DeskListener
from terminal.emulators.okx.wire import Row, encode, ms

CHANNELS: Final = frozenset({"orders", "account", "positions", "balance_and_position"})
MERGE_S: Final = 0.05
REGULAR_S: Final = 5.0
SendText = Callable[[bytes, str], None]


@dataclass(eq=False, slots=True)
class Subscription:
    """One private subscription of one connection."""

    uid: int
    channel: str
    arg: Row
    send: SendText
    held: bytes | None = None
    """A message that waits to be overtaken by the next one."""

    @property
    def is_regular(self) -> bool:
        """Wants more than what changes (``updateInterval``)."""
        try:
            extra = json.loads(self.arg.get("extraParams") or "{}")
        except ValueError:
            return True
        return not (isinstance(extra, dict) and str(extra.get("updateInterval", "")) == "0")

    def wants(self, row: Row) -> bool:
        """A row of orders or positions is one of those asked for."""
        kind = self.arg.get("instType", "ANY")
        if kind not in ("ANY", row["instType"]):
            return False
        family = self.arg.get("instFamily")
        if family and not str(row["instId"]).startswith(f"{family}-"):
            return False
        return self.arg.get("instId") in (None, "", row["instId"])


class PrivateFeed(DeskListener):
    """What happens to accounts, told to their owners."""

    def __init__(self, desk: Desk, faults: Faults) -> None:
        self._desk = desk
        self._faults = faults
        self.subscriptions: set[Subscription] = set()
        self._queue: list[tuple[int, str, Row]] = []
        self._scheduled = False
        self._changed: dict[int, tuple[set[str], dict[tuple[str, str, str], Row]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        desk.listen(self)

    # ---- subscriptions ---------------------------------------------------------------------------

    def join(self, subscription: Subscription) -> None:
        """Begin to send; the snapshot goes first."""
        self.publish()
        self.subscriptions.add(subscription)
        self._snapshot(subscription, "snapshot")

    def leave(self, subscription: Subscription) -> None:
        """End it."""
        self.subscriptions.discard(subscription)

    def regular(self) -> None:
        """Every few seconds: accounts and positions once more, for who wants that."""
        for one in tuple(self.subscriptions):
            if one.channel in ("account", "positions") and one.is_regular:
                self._snapshot(one, "event_update")

    def _snapshot(self, one: Subscription, event: str) -> None:
        account, money = self._desk.accounts[one.uid], self._desk.money
        if one.channel == "account":
            ccy = one.arg.get("ccy")
            self._send(one, [money.balance_row(account, [ccy] if ccy else None)], event)
        elif one.channel == "positions":
            rows = [money.position_row(account, held) for held in account.positions.values()]
            now = ms(self._desk.exchange.clock.wall_ns())
            self._send(one, [{**row, "pTime": now} for row in rows if one.wants(row)], event)
        elif one.channel == "balance_and_position" and event == "snapshot":
            rows = [money.position_row(account, held) for held in account.positions.values()]
            self._send(one, [self._both(one.uid, "snapshot", sorted(account.cash), rows, [])], "")

    # ---- what the desk reports -------------------------------------------------------------------

    def on_order(self, uid: int, row: Row) -> None:
        if not self._has(uid):
            return
        self._enqueue(uid, "orders", row)
        instrument = self._desk.exchange.instruments[row["instId"]]
        bought = instrument.quote if row["side"] == "buy" else instrument.base
        self._note(uid, [instrument.settle or bought], [])

    def on_algo(self, uid: int, row: Row) -> None:
        """A row of the ``orders-algo`` channel."""
        if self._has(uid):
            self._enqueue(uid, "orders-algo", row)

    def on_money(
        self, uid: int, event: str, ccys: list[str], positions: list[Row], trades: list[Row]
    ) -> None:
        if self._has(uid):
            self._enqueue(uid, "balance_and_position", self._both(uid, event, ccys, positions, trades))
            self._note(uid, ccys, positions)

    def _has(self, uid: int) -> bool:
        return any(one.uid == uid for one in self.subscriptions)

    def _note(self, uid: int, ccys: list[str], positions: list[Row]) -> None:
        """Cash, holds or positions changed: told together, a moment later."""
        changed = self._changed.setdefault(uid, (set(), {}))
        changed[0].update(ccys)
        for row in positions:
            changed[1][row["instId"], row["posSide"], row["posId"]] = row
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MERGE_S, self._tell_changed)

    def _both(self, uid: int, event: str, ccys: list[str], positions: list[Row], trades: list[Row]) -> Row:
        account = self._desk.accounts[uid]
        now = ms(self._desk.exchange.clock.wall_ns())
        names = (
            "posId", "tradeId", "instId", "instType", "mgnMode", "posSide", "pos", "ccy", "posCcy", "avgPx",
            "uTime",
        )  # fmt: skip
        balances = []
        for ccy in ccys:
            detail = self._desk.money.balance_detail(account, ccy)
            balances.append({"ccy": ccy, "cashBal": detail["cashBal"], "uTime": detail["uTime"]})
        return {
            "pTime": now,
            "eventType": event,
            "balData": balances,
            "posData": [{name: row[name] for name in names} for row in positions],
            "trades": trades,
        }

    def _tell_changed(self) -> None:
        self._timer = None
        changed, self._changed = self._changed, {}
        for uid, (ccys, positions) in changed.items():
            account, money = self._desk.accounts[uid], self._desk.money
            for one in tuple(self.subscriptions):
                if one.uid != uid:
                    continue
                if one.channel == "account":
                    ccy = one.arg.get("ccy")
                    wanted = sorted(ccys if not ccy else ccys & {ccy})
                    if wanted:
                        row = money.balance_row(account, [])
                        row["details"] = [money.balance_detail(account, name) for name in wanted]
                        self._send(one, [row], "event_update")
                elif one.channel == "positions":
                    now = ms(self._desk.exchange.clock.wall_ns())
                    rows = [{**row, "pTime": now} for row in positions.values() if one.wants(row)]
                    if rows:
                        self._send(one, rows, "event_update")

    # ---- sending ---------------------------------------------------------------------------------

    def _enqueue(self, uid: int, channel: str, row: Row) -> None:
        self._queue.append((uid, channel, row))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.publish)

    def publish(self) -> None:
        """Send what has happened."""
        self._scheduled = False
        queue, self._queue = self._queue, []
        for uid, channel, row in queue:
            for one in tuple(self.subscriptions):
                if one.uid != uid or one.channel != channel:
                    continue
                if channel == "balance_and_position" or one.wants(row):
                    self._send(one, [row], "")

    def _send(self, one: Subscription, rows: list[Row], event: str) -> None:
        message: dict[str, Any] = {"arg": {**one.arg, "uid": str(one.uid)}}
        if event:
            message["eventType"] = event
            if event == "snapshot":
                message.update(curPage=1, lastPage=True)
        frame = encode({**message, "data": rows})
        subject = f"ws/data/{one.channel}"
        faults = self._faults
        if faults.active:
            if faults.take("private_gap", subject) is not None:
                return
            if one.held is None and faults.take("reorder_private", subject) is not None:
                one.held = frame
                return
        one.send(frame, subject)
        if faults.active and faults.take("duplicate_private", subject) is not None:
            one.send(frame, subject)
        if one.held is not None:
            held, one.held = one.held, None
            one.send(held, subject)

    def stop(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
