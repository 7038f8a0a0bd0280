"""A broker that holds accounts and nothing else, for the wire by itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from terminal.core.clock import Clock
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.quotes import Quotes
from terminal.emulators.ctrader.symbols import ASSET_IDS, SymbolTable
from terminal.emulators.market.store import Store
from terminal.venues.ctrader import openapi_pb2 as pb


@dataclass(frozen=True, slots=True)
class QuietAccount:
    """An account without a history."""

    login: int
    is_live: bool
    currency: str
    is_netted: bool
    balance: int
    broker: str = "Practice"
    last_close_ms: int = 0
    last_cash_ms: int = 0


class QuietBroker:
    """Tells of its accounts and takes no orders."""

    def __init__(
        self, quotes: Quotes, table: SymbolTable, clock: Clock, store: Store, rng: random.Random,
        *, emit: Callable[[int, Message, str | None], None],
    ) -> None:  # fmt: skip
        self.emit = emit
        self.accounts: Mapping[int, QuietAccount] = {
            5120001: QuietAccount(8120001, False, "USD", False, 1_000_000),
            5120002: QuietAccount(8120002, False, "EUR", True, 500_000),
            7230001: QuietAccount(9230001, True, "USD", False, 250_000),
        }

    def handle(self, message: Any, *, client_msg_id: str | None) -> Message | None:
        """2121 and 2124; everything else is refused."""
        ctid = message.ctidTraderAccountId
        account = self.accounts[ctid]
        if isinstance(message, pb.ProtoOATraderReq):
            return pb.ProtoOATraderRes(
                ctidTraderAccountId=ctid,
                trader=pb.ProtoOATrader(
                    ctidTraderAccountId=ctid, balance=account.balance, balanceVersion=1, moneyDigits=2,
                    depositAssetId=ASSET_IDS[account.currency], leverageInCents=10_000,
                    totalMarginCalculationType=pb.MAX, traderLogin=account.login, brokerName=account.broker,
                    accountType=pb.NETTED if account.is_netted else pb.HEDGED,
                ),
            )  # fmt: skip
        if isinstance(message, pb.ProtoOAReconcileReq):
            return pb.ProtoOAReconcileRes(ctidTraderAccountId=ctid)
        raise OpenApiError("UNSUPPORTED_MESSAGE", "This broker trades nothing")

    def on_tick(self, symbol_id: int) -> None:
        """Nothing waits for a price."""

    def on_timer(self, now_ns: int) -> None:
        """Nothing waits for a time."""

    def reset(self, ctid: int) -> None:
        """There is nothing to undo."""

    def told(self, ctid: int) -> Mapping[str, Any]:
        """Nothing happened."""
        return {}
