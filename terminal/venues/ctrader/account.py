"""One account of a sign-in: who it is, how far it has come, and its own tables of its own broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Final, Protocol

from google.protobuf.message import Message

from terminal.core.clock import Clock
from terminal.core.secret import Secret, scrub
from terminal.domain.account import AccountInfo, AccountKind
from terminal.domain.events import AccountEvent
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.conversions import Conversions
from terminal.venues.ctrader.streams import Streams
from terminal.venues.ctrader.symbols import Listing, Symbols

_KINDS: Final = {
    pb.HEDGED: AccountKind.HEDGED,
    pb.NETTED: AccountKind.NETTED,
    pb.SPREAD_BETTING: AccountKind.HEDGED,
}
_RIGHTS: Final = {
    pb.CLOSE_ONLY: "The broker lets this account close positions only.",
    pb.NO_TRADING: "The broker lets this account be watched only.",
    pb.NO_LOGIN: "The broker has closed this account.",
}
_STOP_OUT: Final = {
    pb.MOST_MARGIN_USED_FIRST: "A stop-out closes the position with the most margin first.",
    pb.MOST_LOSING_FIRST: "A stop-out closes the position with the largest loss first.",
}
_VIEW_ONLY: Final = "You allowed watching only: sign in again to trade."


class AccountState(Enum):
    """How far an account has come."""

    NONE = "not signed in"
    AUTH = "signing in"
    SYNC = "reading"
    LIVE = "live"
    LOST = "lost"
    REFUSED = "refused"
    """Not to be had; it is not tried again until the accounts are listed anew."""


class Hand(Protocol):
    """What trades for one account and keeps its state; see :mod:`.trader`."""

    async def sync(self) -> None:
        """Read the account's state: called after each sign-in, before it counts as live.

        Events meanwhile wait, and come by :meth:`on_event` right after it. Raises VenueError where it could
        not be read: it is tried again.
        """
        ...

    def on_event(self, message: Message) -> None:
        """An event of this account, in the order in which they came (Open API 2.0: 2107, 2123, 2126, 2132,
        2141, 2171, 2172, 2189). What :meth:`sync` has read already may come once more: compare
        ``utcLastUpdateTimestamp``."""
        ...

    def on_lost(self, reason: str) -> None:
        """The account's session has ended; nothing arrives until the next :meth:`sync`."""
        ...

    async def close(self) -> None:
        """The account is not shown any more, or the connection is closed."""
        ...


class Account:
    """One account: who it is, and its own tables.

    Attributes:
        account_id: ``ctidTraderAccountId``, by which requests name it.
        trader: the venue's record of it, newest; None before the first.
        symbols, streams, rates: of its own broker.
        state: see :class:`AccountState`; ``note`` says in a sentence why it is REFUSED.
    """

    def __init__(self, listed: pb.ProtoOACtidTraderAccount, client: Client, clock: Clock) -> None:
        self.account_id = int(listed.ctidTraderAccountId)
        self.is_live = listed.isLive
        self.client = client
        self.state = AccountState.NONE
        self.note = ""
        self.is_shown = False
        self.can_trade = True
        self.trader: pb.ProtoOATrader | None = None
        self.symbols = Symbols(
            client,
            self.account_id,
            clock,
            price=lambda symbol_id: self.streams.mid(symbol_id),
            on_changed=self._on_symbols,
        )
        self.streams = Streams(client, self.account_id, self.symbols, clock)
        self.rates = Conversions(client, self.account_id, self.symbols, self.streams)
        self.on_symbols: Callable[[Account, Sequence[Listing]], object] = lambda account, changed: None
        self.hand: Hand | None = None
        self.buffer: list[Message] | None = None
        """Events that wait for the end of a reading; None: they are handed over as they come."""
        self.token: Secret | None = None
        """With which it was signed in."""
        self.task: asyncio.Task[None] | None = None
        self._login = listed.traderLogin or self.account_id
        self._broker = listed.brokerTitleShort

    def relist(self, listed: pb.ProtoOACtidTraderAccount) -> None:
        """The list was read again."""
        self._login = listed.traderLogin or self.account_id
        self._broker = listed.brokerTitleShort or self._broker

    @property
    def money_digits(self) -> int:
        """Decimals of its money, where a message does not say."""
        trader = self.trader
        return trader.moneyDigits if trader is not None and trader.HasField("moneyDigits") else 2

    @property
    def currency(self) -> str:
        """Of its balance; empty while it is not known."""
        asset = None if self.trader is None else self.symbols.asset(self.trader.depositAssetId)
        return "" if asset is None else asset.name

    @property
    def kind(self) -> AccountKind:
        return AccountKind.HEDGED if self.trader is None else _KINDS[self.trader.accountType]

    def info(self) -> AccountInfo:
        """As a person tells it from others."""
        trader = self.trader
        leverage = None
        stop_out = ""
        note = self.note
        can_trade = self.can_trade and self.state is not AccountState.REFUSED
        if trader is not None:
            self._broker = self._broker or trader.brokerName
            if trader.HasField("leverageInCents") and trader.leverageInCents:
                leverage = Decimal(trader.leverageInCents) / 100
            if trader.HasField("stopOutStrategy"):
                stop_out = _STOP_OUT.get(trader.stopOutStrategy, "")
            rights = _RIGHTS.get(trader.accessRights, "")
            can_trade = can_trade and trader.accessRights in (pb.FULL_ACCESS, pb.CLOSE_ONLY)
            note = note or rights
        if not note and not self.can_trade:
            note = _VIEW_ONLY
        return AccountInfo(
            account_id=str(self.account_id),
            title=" ".join(part for part in (scrub(self._broker), str(self._login)) if part),
            is_live=self.is_live,
            currency=self.currency,
            kind=self.kind,
            leverage=leverage,
            can_trade=can_trade,
            note=note,
            stop_out=stop_out,
        )

    def _on_symbols(self, changed: Sequence[Listing]) -> None:
        self.streams.on_symbols(changed)
        self.on_symbols(self, changed)


MakeHand = Callable[[Account, Callable[[AccountEvent], None]], Hand]
"""From the account and where its events go."""
