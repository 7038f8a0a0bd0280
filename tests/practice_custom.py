"""The practice plugin of the custom protocol for tests: its keys and faults, and the exchange's own word of
an account in the terms of :class:`tests.practice.Told`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from terminal.core.secret import Secret
from terminal.venues.base import ConnectorSettings
from tests.practice import Practice, Told

MAIN, SECOND = "custom:practice", "custom:second"
SYMBOLS = "BTC_USDT, ETH_USDT:0.01:0.0001:0.001, SOL_USDT, LTC_USDT"


class CustomPractice(Practice):
    """A child process with the practice plugin. Keys: ``practice`` and ``second``, each of an account of its
    own, and ``view``, which may only look at the first."""

    main_account = MAIN
    accounts = (MAIN, SECOND)

    def __init__(self, *, data_dir: Path | None = None, seed: int = 7) -> None:
        super().__init__("custom", data_dir=data_dir, seed=seed)

    def start(self) -> CustomPractice:
        super().start()
        # A plugin that says what its markets are like, as a good one does.
        self.command("behave", {"better": True, "extras": True})
        return self

    def settings(self, key: str | None = "practice", **options: str) -> ConnectorSettings:
        """What a connector is built with; on loopback nothing has to wait for a second."""
        credentials: dict[str, Secret] = {}
        if key is not None:
            row = self.key(key)
            credentials = {name: Secret(row[name]) for name in ("access_key", "secret_key")}
        quick = {
            **dict.fromkeys(("quotes_s", "book_s", "trades_s", "bars_s", "orders_s"), "0.05"),
            "accounts_s": "0.2",
            "orders_idle_s": "0.5",
            "calls_per_s": "500",
            "concurrency": "4",
        }
        return ConnectorSettings(
            {"service": self.entry["service"]}, credentials, {"symbols": SYMBOLS, **quick, **options}
        )

    def account_of(self, key: str | None) -> str:
        return self.main_account if key is None else str(self.key(key)["account"])

    def label_of(self, key: str) -> str:
        return str(self.key(key)["access_key"][-4:])

    # -- what happens at the venue ----------------------------------------------------------------------

    async def cut(self) -> None:
        """The plugin is away for as long as two calls take: it has no connection that lasts."""
        await self.fault("refuse", match="connect/custom", count=3)

    async def deny_questions(self) -> None:
        await self.fault("error", match="custom/read/*", code="50001", count=9)

    # -- what the venue says ----------------------------------------------------------------------------

    async def told(self, account: str = MAIN) -> Told:
        """What the exchange has noted; the protocol carries no ids of ours."""
        row: dict[str, Any] = (await self.order("record", account=account))["custom"]
        # The plugin tells the currencies that its exchange lists; the accounts of the others hold more.
        listed = {asset for symbol in self.entry["symbols"] for asset in symbol.split("_")}
        balances = {asset: amounts for asset, amounts in row["balances"].items() if asset in listed}
        orders = [_order(each) for each in row["orders"]]
        return Told(**{**row, "orders": orders, "balances": balances})


def _order(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "cl_ord_id": None}
