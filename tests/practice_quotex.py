"""The practice Quotex for tests: its sign-ins, its faults, and its own word of an account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from terminal.core.secret import Secret
from terminal.venues.base import ConnectorSettings
from tests.practice import Practice

MAIN, SECOND = "61402117", "61402118"


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
        return SECOND if key == "second" else MAIN

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

    # -- what happens at the venue ----------------------------------------------------------------------

    async def cut(self) -> None:
        """Every socket is reset."""
        await self.fault("cut", match="connect/ws*")

    async def stir(self, symbol: str) -> None:
        """An asset's price moves a little."""
        await self.shock(symbol, 0.02)

    async def reach(self, symbol: str, price: Decimal) -> None:
        """An asset's price goes there, and stays."""
        await self.hold(symbol, price)

    async def hold(self, asset: str, price: Decimal | None) -> None:
        """Hold an asset's price in place, or let it go."""
        await self.order("hold", asset=asset, price=None if price is None else format(price, "f"))

    async def fund(self, amount: Decimal, wallet: str = "demo", account: str = MAIN) -> None:
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
