"""The practice Quotex for tests: its sign-ins, its faults, and its own word of an account in the terms of
:class:`tests.practice.Told`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from terminal.core.secret import Secret
from terminal.venues.base import ConnectorSettings
from terminal.venues.quotex.accounts import account_id_of, owner_of
from tests.practice import Practice, Told

MAIN, SECOND = "61402117", "61402118"
DEMO: Final = "demo"
EMAIL: Final = "practice@quotex.example"
"""Of the sign-in that is ready."""
DEMO_MONEY: Final = Decimal(1000)
"""Of the demo account in each test: less than the largest stake, so that too little money shows."""
_TRADING: Final = frozenset({"orders/open", "orders/cancel", "pending/create", "pending/cancel"})


class QuotexPractice(Practice):
    """A child process with the practice Quotex. Its "keys" are sign-ins that were made beforehand:
    ``practice`` (dollars) and ``second`` (euros, whose sign-in asks for the PIN)."""

    main_account = MAIN
    accounts = (MAIN, SECOND)

    def __init__(self, *, data_dir: Path | None = None, seed: int = 7) -> None:
        super().__init__("quotex", data_dir=data_dir, seed=seed)

    def key(self, name: str) -> dict[str, Any]:
        """E-mail, password, PIN, and the session that is ready: token, cookies, user agent."""
        found: dict[str, Any] = self.entry["users"][1 if name == "second" else 0]
        return found

    def account_of(self, key: str | None) -> str:
        """The demo account of whoever signs in."""
        return self.account_id(DEMO, key or "practice")

    def account_id(self, account: str, key: str = "practice") -> str:
        """As the connector names an account of a sign-in."""
        return account_id_of(account, owner_of(self.label_of(key)))

    def label_of(self, key: str) -> str:
        return str(self.key(key)["email"])

    def settings(self, key: str | None = "practice", **options: str) -> ConnectorSettings:
        """What a connector is built with: the session that is ready."""
        credentials: dict[str, Secret] = {}
        if key is not None:
            row = self.key(key)
            credentials = {
                name: Secret(str(row[name])) for name in ("email", "token", "cookies", "user_agent")
            }
        return ConnectorSettings(
            {name: self.entry[name] for name in ("https", "wss", "ca")}, credentials, options
        )

    def renew(self) -> None:
        """As at the start: no faults, no deals, prices that move, a demo account of its own size."""
        super().renew()
        for account in self.accounts:
            self.command("balance", {"account": account, "amount": format(DEMO_MONEY, "f")})

    # -- what happens at the venue ----------------------------------------------------------------------

    async def cut(self) -> None:
        """Every socket is reset."""
        await self.fault("cut", match="connect/ws*")

    async def deny_questions(self) -> None:
        """The line is down, and stays so for a while."""
        await self.fault("refuse", match="connect/ws*", count=9)
        await self.cut()

    async def spoil_private(self) -> None:
        """One of the next messages about deals cannot be read."""
        await self.fault("truncated_binary", match="ws/ack/s_orders/open")

    async def stir(self, symbol: str) -> None:
        """An asset's price moves a little."""
        await self.shock(symbol, 0.02)

    async def reach(self, symbol: str, price: Decimal) -> None:
        """An asset's price goes there, and stays."""
        await self.hold(symbol, price)

    async def shock(self, symbol: str, percent: float) -> None:
        """Move an asset at once."""
        await super().shock(wire_name(symbol), percent)

    async def hold(self, symbol: str, price: Decimal | None) -> None:
        """Hold an asset's price in place, or let it go."""
        await self.order("hold", asset=wire_name(symbol), price=None if price is None else format(price, "f"))

    async def fund(self, amount: Decimal, wallet: str = DEMO, account: str = MAIN) -> None:
        """Another balance."""
        await self.order("balance", account=account, wallet=wallet, amount=format(amount, "f"))

    async def demand_pin(self, demand: bool = True, account: str = MAIN) -> None:
        """Whether signing in needs the PIN."""
        await self.order("pin", account=account, demand=demand)

    # -- what the venue says ----------------------------------------------------------------------------

    async def record(self, account: str = MAIN) -> Mapping[str, Any]:
        """What the venue itself has noted: requests, opened, closed, pending, balances."""
        row: Mapping[str, Any] = (await self.order("record", account=account))["quotex"]
        return row

    async def told(self, account: str = MAIN) -> Told:
        """The same as orders, fills and positions: a deal is an order that filled at once, its end another
        one. Of our ids it keeps ten digits (``requestId``)."""
        row = await self.record(account)
        closed = [*reversed(row["closed"])]
        deals = [*closed, *row["opened"]]
        euros = account == SECOND
        return Told(
            requests=[_request(each) for each in row["requests"] if each["method"] in _TRADING],
            orders=[
                *(_order(each, each["id"], _number(each), is_open=False) for each in deals),
                *(_order(each, f"{each['id']}:end", None, is_open=False) for each in closed),
                *(_order(each, each["ticket"], None, is_open=True) for each in row["pending"]),
            ],
            fills=[
                *(_fill(each, is_end=False, euros=euros) for each in deals),
                *(_fill(each, is_end=True, euros=euros) for each in closed),
            ],
            balances={
                "EUR" if euros else "USD": {"total": row["balances"][DEMO], "held": "0"},
            },
            rest_counters={},
            order_counters={},
            positions={str(each["id"]): Decimal(str(each["amount"])) for each in row["opened"]},
        )


def wire_name(symbol: str) -> str:
    """``EURUSD_otc`` of ``EUR/USD OTC``."""
    return symbol.replace("/", "").replace(" OTC", "_otc")


def id_told(client_order_id: str) -> str:
    """What the venue keeps of an id of ours."""
    return client_order_id.replace("-", "")[:10]


def _number(deal: Mapping[str, Any]) -> str | None:
    number = deal.get("requestId")
    return None if number is None else format(number, "010x")


def _request(row: Mapping[str, Any]) -> dict[str, Any]:
    data = row["data"]
    number = _number(data) if isinstance(data, dict) else None
    return {"method": row["method"], "cl_ord_ids": [] if number is None else [number], "data": data}


def _order(row: Mapping[str, Any], txid: object, number: str | None, *, is_open: bool) -> dict[str, Any]:
    return {
        "txid": str(txid),
        "cl_ord_id": number,
        "open": is_open,
        "status": "OPEN" if is_open else "FILLED",
        "filled": "0" if is_open else str(row["amount"]),
    }


def _fill(row: Mapping[str, Any], *, is_end: bool, euros: bool) -> dict[str, Any]:
    buys = (row["command"] == 0) is not is_end
    return {
        "exec_id": f"{row['id']}:{'end' if is_end else 'open'}",
        "txid": f"{row['id']}:end" if is_end else str(row["id"]),
        "side": "buy" if buys else "sell",
        "price": str(row["closePrice" if is_end else "openPrice"]),
        "quantity": str(row["amount"]),
        "fee": "0",
        "fee_asset": "EUR" if euros else "USD",
        "realised": str(row["profit"]) if is_end else None,
    }
