"""What a practice world keeps over a restart: one SQLite file in its folder.

Accounts, orders, fills and the ledger are written at once, the bars of the run each few seconds. The write-
ahead log without a full sync survives a killed process, which is the case that happens; a power cut may
cost the last moments of play money.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from terminal.domain.market import Side
from terminal.domain.orders import OrderState, OrderType, TimeInForce, TriggerReference
from terminal.emulators.market.accounts import AccountFill, LedgerEntry
from terminal.emulators.market.engine_types import EngineOrder, SelfTrade
from terminal.emulators.market.history import Candle
from terminal.emulators.market.listing import Listing

log = logging.getLogger("practice")

VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balances (
    account TEXT, asset TEXT, amount TEXT NOT NULL, PRIMARY KEY (account, asset)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS volumes (
    account TEXT, day INTEGER, usd TEXT NOT NULL, PRIMARY KEY (account, day)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    order_id INTEGER PRIMARY KEY, account TEXT NOT NULL, live INTEGER NOT NULL, closed_ns INTEGER,
    data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_by_account ON orders (account, live);
CREATE TABLE IF NOT EXISTS fills (
    fill_id INTEGER PRIMARY KEY, account TEXT NOT NULL, ts_ns INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ledger (
    entry_id INTEGER PRIMARY KEY, account TEXT NOT NULL, ts_ns INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS minutes (
    symbol TEXT, minute INTEGER, first_id INTEGER NOT NULL, open INTEGER, high INTEGER, low INTEGER,
    close INTEGER, steps INTEGER, trades INTEGER, units TEXT, PRIMARY KEY (symbol, minute)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    kind TEXT, id INTEGER, account INTEGER NOT NULL, live INTEGER NOT NULL, ts_ms INTEGER NOT NULL,
    parent INTEGER NOT NULL, origin INTEGER NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_time ON records (kind, account, ts_ms);
CREATE INDEX IF NOT EXISTS records_by_parent ON records (kind, parent);
CREATE INDEX IF NOT EXISTS records_by_origin ON records (kind, origin);
CREATE INDEX IF NOT EXISTS records_alive ON records (kind, live);
"""


class Record(NamedTuple):
    """Something a broker keeps: an account, a position, an order, a deal, a cash movement."""

    kind: str
    number: int
    account: int
    is_live: bool
    ts_ms: int
    """By which lists are sorted and asked for."""
    parent: int
    """Number of the position it belongs to; 0 for none."""
    origin: int
    """Number of the order that caused it; 0 for none."""
    data: dict[str, Any]


class Store:
    """The file. Every method is quick; all of them belong to the thread that made the store.

    Args:
        folder: where ``practice.sqlite`` lives; None keeps everything in memory.

    A file that cannot be read is renamed aside and a fresh one begun; ``notice`` then says so.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.notice = ""
        self._path = folder / "practice.sqlite" if folder is not None else None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            self._db = self._open()
        except sqlite3.DatabaseError as error:
            if self._path is None:
                raise
            aside = self._path.with_name(f"practice.sqlite.bad-{time.time_ns() // 1_000_000_000}")
            self._path.replace(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self.notice = f"The practice file was unreadable and is now {aside.name}; practice starts afresh."
            log.warning("%s (%s)", self.notice, error)
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        target = str(self._path) if self._path is not None else ":memory:"
        db = sqlite3.connect(target, isolation_level=None, timeout=5.0)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.executescript(_SCHEMA)
            row = db.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
            if row is None:
                db.execute("INSERT INTO meta VALUES ('version', ?)", (json.dumps(VERSION),))
            elif json.loads(row[0]) != VERSION:
                raise sqlite3.DatabaseError(f"version {row[0]} of the practice file is not known")
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        self._db.close()

    def begin(self) -> None:
        """Start one transaction; ``commit`` ends it."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN")

    def commit(self) -> None:
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    # ---- small things ----------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """A value kept under a key: counters, the seed, a face's keys and nonces."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    def put(self, key: str, value: Any) -> None:
        """Keep a JSON-like value under a key, at once."""
        self._db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, json.dumps(value)),
        )

    # ---- accounts --------------------------------------------------------------------------------

    def accounts(self) -> list[str]:
        return [row[0] for row in self._db.execute("SELECT DISTINCT account FROM balances ORDER BY account")]

    def balances(self, account: str) -> dict[str, Decimal]:
        rows = self._db.execute("SELECT asset, amount FROM balances WHERE account = ?", (account,))
        return {asset: Decimal(amount) for asset, amount in rows}

    def volumes(self, account: str) -> dict[int, Decimal]:
        rows = self._db.execute("SELECT day, usd FROM volumes WHERE account = ?", (account,))
        return {day: Decimal(usd) for day, usd in rows}

    def save_account(self, account: str, balances: dict[str, Decimal], volumes: dict[int, Decimal]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO balances VALUES (?, ?, ?)",
            [(account, asset, format(amount, "f")) for asset, amount in balances.items()],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO volumes VALUES (?, ?, ?)",
            [(account, day, format(usd, "f")) for day, usd in volumes.items()],
        )

    def forget_account(self, account: str) -> None:
        """Drop everything of an account: the first half of a reset."""
        for table in ("balances", "volumes", "orders", "fills", "ledger"):
            self._db.execute(f"DELETE FROM {table} WHERE account = ?", (account,))

    # ---- orders, fills, ledger -------------------------------------------------------------------

    def save_orders(self, orders: Iterable[EngineOrder]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)",
            [
                (one.order_id, one.account, int(one.is_live), one.closed_ns, json.dumps(order_to_data(one)))
                for one in orders
            ],
        )

    def live_orders(self, listings: dict[str, Listing]) -> list[EngineOrder]:
        """Every order that was open, in the order of its place in the queue."""
        rows = self._db.execute("SELECT data FROM orders WHERE live = 1")
        found = [order_from_data(json.loads(row[0]), listings) for row in rows]
        return sorted((one for one in found if one is not None), key=lambda one: (one.priority, one.order_id))

    def closed_orders(self, account: str, listings: dict[str, Listing], limit: int) -> list[EngineOrder]:
        """The last ``limit`` ended orders, oldest first."""
        rows = self._db.execute(
            "SELECT data FROM orders WHERE account = ? AND live = 0"
            " ORDER BY closed_ns DESC, order_id DESC LIMIT ?",
            (account, limit),
        )
        found = [order_from_data(json.loads(row[0]), listings) for row in rows]
        return [one for one in reversed(found) if one is not None]

    def save_fills(self, fills: Iterable[AccountFill]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO fills VALUES (?, ?, ?, ?)",
            [(one.fill_id, one.account, one.ts_ns, json.dumps(_fill_to_data(one))) for one in fills],
        )

    def fills(self, account: str, limit: int) -> list[AccountFill]:
        """The last ``limit`` fills, oldest first."""
        rows = self._db.execute(
            "SELECT data FROM fills WHERE account = ? ORDER BY fill_id DESC LIMIT ?", (account, limit)
        )
        return [_fill_from_data(json.loads(row[0])) for row in rows][::-1]

    def save_ledger(self, entries: Iterable[LedgerEntry]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO ledger VALUES (?, ?, ?, ?)",
            [(one.entry_id, one.account, one.ts_ns, json.dumps(_entry_to_data(one))) for one in entries],
        )

    def ledger(self, account: str, limit: int) -> list[LedgerEntry]:
        """The last ``limit`` rows, oldest first."""
        rows = self._db.execute(
            "SELECT data FROM ledger WHERE account = ? ORDER BY entry_id DESC LIMIT ?", (account, limit)
        )
        return [_entry_from_data(json.loads(row[0])) for row in rows][::-1]

    # ---- a broker's records ----------------------------------------------------------------------

    def save_records(self, rows: Iterable[Record]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(*row[:7], json.dumps(row.data)) for row in rows],
        )

    def drop_records(self, rows: Iterable[tuple[str, int]]) -> None:
        """Drop those of a kind and a number."""
        self._db.executemany("DELETE FROM records WHERE kind = ? AND id = ?", list(rows))

    def forget_records(self, account: int) -> None:
        """Drop everything of a broker's account: the first half of a reset."""
        self._db.execute("DELETE FROM records WHERE account = ?", (account,))

    def record(self, kind: str, number: int) -> Record | None:
        """One record by its number."""
        found = self._find_records("kind = ? AND id = ?", (kind, number), 1)
        return found[0] if found else None

    def live_records(self, kind: str) -> list[Record]:
        """Everything of a kind that has not ended, newest first."""
        return self._find_records("kind = ? AND live = 1", (kind,), -1)

    def records(
        self,
        kind: str,
        account: int,
        *,
        first_ms: int = 0,
        last_ms: int = 2**62,
        parent: int | None = None,
        origin: int | None = None,
        limit: int = -1,
    ) -> list[Record]:
        """An account's records of a kind between two times (both included), newest first.

        Args:
            limit: the most that is wanted; -1 for all.
        """
        where, values = "kind = ? AND account = ? AND ts_ms BETWEEN ? AND ?", [account, first_ms, last_ms]
        if parent is not None:
            where += " AND parent = ?"
            values.append(parent)
        if origin is not None:
            where += " AND origin = ?"
            values.append(origin)
        return self._find_records(where, (kind, *values), limit)

    def _find_records(self, where: str, values: Sequence[Any], limit: int) -> list[Record]:
        rows = self._db.execute(
            f"SELECT * FROM records WHERE {where} ORDER BY ts_ms DESC, id DESC LIMIT ?",
            (*values, limit),
        )
        return [Record._make((*row[:3], bool(row[3]), *row[4:7], json.loads(row[7]))) for row in rows]

    # ---- bars of the run -------------------------------------------------------------------------

    def save_minutes(self, symbol: str, rows: Iterable[tuple[int, int, Candle]]) -> None:
        """Rows of (minute since 1970, id of its first print, bar)."""
        self._db.executemany(
            "INSERT OR REPLACE INTO minutes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(symbol, minute, first_id, *bar[:6], str(bar.units)) for minute, first_id, bar in rows],
        )

    def minutes(self, symbol: str) -> list[tuple[int, int, Candle]]:
        rows: Sequence[Any] = self._db.execute(
            "SELECT minute, first_id, open, high, low, close, steps, trades, units FROM minutes"
            " WHERE symbol = ? ORDER BY minute",
            (symbol,),
        ).fetchall()
        return [(row[0], row[1], Candle._make((*row[2:8], int(row[8])))) for row in rows]

    def forget_minutes(self) -> None:
        """Drop the bars of earlier runs, which belong to another seed."""
        self._db.execute("DELETE FROM minutes")


# ---- orders as JSON ------------------------------------------------------------------------------

_PLAIN: Final = (
    "order_id", "account", "symbol", "trail_in_percent", "limit_offset_in_percent", "post_only",
    "reduce_only", "fee_in_base", "expire_ns", "start_ns", "created_ns", "updated_ns", "closed_ns",
    "priority", "triggered",
    "reason", "amended", "tag", "price_ticks", "steps", "done_steps", "display_steps", "shown_steps",
    "trigger_ticks", "peak_ticks", "cost_units", "cash_units",
)  # fmt: skip
_DECIMAL: Final = ("trail_offset", "limit_offset", "quote_quantity", "fees_paid", "fee_exact", "cost_booked")


def order_to_data(order: EngineOrder) -> dict[str, Any]:
    """An order as JSON-like data."""
    data: dict[str, Any] = {name: getattr(order, name) for name in _PLAIN}
    for name in _DECIMAL:
        value = getattr(order, name)
        data[name] = None if value is None else format(value, "f")
    data["side"] = order.side.name
    data["order_type"] = order.order_type.name
    data["time_in_force"] = order.time_in_force.name
    data["trigger_reference"] = order.trigger_reference.name
    data["self_trade"] = order.self_trade.name
    data["status"] = order.status.name
    data["fee_cap"] = None if order.fee_cap is None else [str(rate) for rate in order.fee_cap]
    return data


def order_from_data(data: dict[str, Any], listings: dict[str, Listing]) -> EngineOrder | None:
    """The order again; None where its pair is no longer listed."""
    listing = listings.get(data["symbol"])
    if listing is None:
        return None
    order = EngineOrder.generated(
        listing.symbol, listing.grid, Side[data["side"]], 0, 0, TimeInForce[data["time_in_force"]]
    )
    for name in _PLAIN:
        setattr(order, name, data[name])
    for name in _DECIMAL:
        setattr(order, name, None if data[name] is None else Decimal(data[name]))
    order.order_type = OrderType[data["order_type"]]
    order.trigger_reference = TriggerReference[data["trigger_reference"]]
    order.self_trade = SelfTrade[data["self_trade"]]
    order.status = OrderState[data["status"]]
    cap = data["fee_cap"]
    order.fee_cap = None if cap is None else (Decimal(cap[0]), Decimal(cap[1]))
    return order


def _fill_to_data(fill: AccountFill) -> list[Any]:
    return [
        fill.fill_id, fill.account, fill.order_id, fill.symbol, fill.trade_id, fill.side.name,
        fill.order_type.name, str(fill.price), str(fill.quantity), str(fill.cost), str(fill.fee),
        fill.fee_asset, str(fill.fee_usd), fill.is_maker, fill.ts_ns,
    ]  # fmt: skip


def _fill_from_data(data: list[Any]) -> AccountFill:
    (fill_id, account, order_id, symbol, trade_id, side, kind, price, quantity, cost, fee, asset, usd, maker,
     ts) = data  # fmt: skip
    return AccountFill(
        fill_id, account, order_id, symbol, trade_id, Side[side], OrderType[kind], Decimal(price),
        Decimal(quantity), Decimal(cost), Decimal(fee), asset, Decimal(usd), maker, ts,
    )  # fmt: skip


def _entry_to_data(entry: LedgerEntry) -> list[Any]:
    return [
        entry.entry_id, entry.ref_id, entry.account, entry.ts_ns, entry.kind, entry.asset, str(entry.amount),
        str(entry.fee), str(entry.balance),
    ]  # fmt: skip


def _entry_from_data(data: list[Any]) -> LedgerEntry:
    entry_id, ref_id, account, ts_ns, kind, asset, amount, fee, balance = data
    return LedgerEntry(
        entry_id, ref_id, account, ts_ns, kind, asset, Decimal(amount), Decimal(fee), Decimal(balance)
    )
