"""The practice OKX for tests: its keys, its faults under OKX's own names, and its own word of an account in
the terms of :class:`tests.practice.Told`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from terminal.core.secret import Secret
from terminal.emulators.okx.futures import contract_of
from terminal.emulators.okx.listings import INSTRUMENTS
from terminal.venues.base import ConnectorSettings
from tests.practice import Practice, Told

D = Decimal
MAIN, SECOND = "446556844500001", "446556844500002"
ENDPOINTS: Final = ("rest", "ws_public", "ws_private", "ws_business")
BROKEN_ORDERS: Final = '{"arg":{"channel":"orders","instType":"ANY"},"data":[{"instId":'
_STATES: Final = {
    "live": "OPEN",
    "partially_filled": "PARTLY_FILLED",
    "filled": "FILLED",
    "canceled": "CANCELED",
}
_LISTED: Final = {one.inst_id: one for one in INSTRUMENTS}


def inst_id(symbol: str) -> str:
    """OKX's name of an instrument of the terminal's."""
    name = symbol.replace("/", "-")
    return f"{name.removesuffix('-PERP')}-SWAP" if name.endswith("-PERP") else name


def _units(name: str) -> Decimal:
    """Of the terminal's quantity in a unit of OKX's: coins, or dollars of an inverse contract."""
    found = _LISTED.get(name) or contract_of(name)
    assert found is not None, name
    return found.contract_value


def _total(row: Mapping[str, str]) -> Decimal:
    """Cash, and the margin of isolated positions that has left it."""
    return D(row["cashBal"]) + D(row["isoEq"] or 0) - D(row["isoUpl"] or 0)


class OkxPractice(Practice):
    """A child process with the practice OKX. Keys: ``practice``, ``read-only`` and ``withdraw`` of the first
    account, ``production`` (which belongs to the other side), ``second``, and ``spot-mode``."""

    main_account = MAIN
    accounts = (MAIN, SECOND)
    timer_rate = 10
    """OKX's switch waits ten seconds at least: they are short ones here."""

    def __init__(self, *, data_dir: Path | None = None, seed: int = 7) -> None:
        super().__init__("okx", data_dir=data_dir, seed=seed)

    def settings(self, key: str | None = "practice", **options: str) -> ConnectorSettings:
        """What a connector is built with; without a key, public data only."""
        credentials: dict[str, Secret] = {}
        if key is not None:
            row = self.key(key)
            credentials = {
                "api_key": Secret(row["key"]),
                "api_secret": Secret(row["secret"]),
                "passphrase": Secret(row["passphrase"]),
            }
            options = {"demo": "true" if row["demo"] == "1" else "false", **options}
        return ConnectorSettings({name: self.entry[name] for name in ENDPOINTS}, credentials, options)

    def account_of(self, key: str | None) -> str:
        return self.main_account if key is None else str(self.key(key)["account"])

    def renew(self) -> None:
        self.command("limits", {"timer_rate": self.timer_rate})
        super().renew()

    # -- what happens at the venue ----------------------------------------------------------------------

    async def deny_questions(self) -> None:
        await self.fault("error", match="rest/trade/order", code="50001", count=9)

    async def spoil_private(self) -> None:
        """OKX numbers no private messages, so one that is left out cannot be noticed: this one is broken."""
        await self.fault("garbage", match="ws/data/orders", text=BROKEN_ORDERS)

    async def stir(self, symbol: str) -> None:
        await super().stir(inst_id(symbol))

    async def shock(self, symbol: str, percent: float) -> None:
        await super().shock(inst_id(symbol), percent)

    async def reach(self, symbol: str, price: Decimal) -> None:
        await super().reach(inst_id(symbol), price)

    # -- what the venue says ----------------------------------------------------------------------------

    async def told(self, account: str = MAIN) -> Told:
        """What the venue itself has noted."""
        row = (await self.order("record", account=account))["okx"]
        return Told(
            requests=[{"method": each["method"], "cl_ord_ids": each["clOrdIds"]} for each in row["requests"]],
            # What a stop order that fired has placed is among the orders.
            orders=[
                *map(_order, row["orders"]),
                *(_algo(each) for each in row["algos"] if each["state"] != "effective"),
            ],
            fills=[_fill(each) for each in row["fills"]],
            balances={
                each["ccy"]: {"total": format(_total(each), "f"), "held": each["frozenBal"]}
                for each in row["balances"]
            },
            rest_counters=_counters(row["buckets"]),
            order_counters={},
            positions={
                each["posId"]: abs(D(each["pos"])) * _units(each["instId"]) for each in row["positions"]
            },
        )


def _order(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "txid": row["ordId"],
        "cl_ord_id": row["clOrdId"] or None,
        "status": _STATES[row["state"]],
        "open": row["state"] in ("live", "partially_filled"),
        "quantity": D(row["sz"]) * _units(row["instId"]),
        "filled": D(row["accFillSz"]) * _units(row["instId"]),
    }


def _algo(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stop order that has placed nothing."""
    return {
        "txid": row["algoId"],
        "cl_ord_id": row["algoClOrdId"] or None,
        "status": _STATES.get(row["state"], "REJECTED"),
        "open": row["state"] == "live",
        "quantity": D(row["sz"]) * _units(row["instId"]),
        "filled": D(0),
    }


def _fill(row: Mapping[str, Any]) -> dict[str, Any]:
    quantity = D(row["fillSz"]) * _units(row["instId"])
    return {
        "exec_id": f"{row['instId']}:{row['tradeId']}:{row['side'][0]}",
        "txid": row["ordId"],
        "side": row["side"],
        "price": row["fillPx"],
        "quantity": quantity,
        "cost": quantity * D(row["fillPx"]),
        "fee": -D(row["fee"]),
        "fee_asset": row["feeCcy"],
    }


def _counters(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Of calls, by their path."""
    return {row["key"][1]: row["used"] for row in rows if row["key"][0] == "call"}
