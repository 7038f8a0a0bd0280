"""The accounts behind one sign-in: listed, signed in on the connection of their kind, and kept so.

An account goes NONE, AUTH, SYNC, LIVE, and LOST when its session or its connection ends; then it is signed in
again with growing pauses (Open API 2.0, sections on the connect sequence and on disconnects). What arrives
between its sign-in and the reading of its state waits and is handed over after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.secret import Secret, scrub
from terminal.domain.account import AccountInfo
from terminal.domain.errors import AuthRejected, RateLimited, RequestRejected, VenueError
from terminal.domain.events import (
    AccountEvent,
    AccountsChanged,
    AccountStreamReset,
    ForAccount,
    LinkState,
    SignInNeeded,
    VenueEvent,
    VenueNotice,
)
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.account import Account, AccountState, MakeHand
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.errors import Verdict, verdict_of
from terminal.venues.ctrader.symbols import Listing
from terminal.venues.ctrader.tokens import SIGN_IN_AGAIN, Tokens

log = logging.getLogger("venue.ctrader")

_PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
_MOST_BUFFERED: Final = 10_000


class Listener(Protocol):
    """What the connector hears of the accounts."""

    def emit(self, event: VenueEvent) -> None: ...

    def on_data_account(self, account: Account | None) -> None:
        """Market data come through this account from now on."""

    def on_listed(self, account: Account) -> None:
        """An account's symbols were read."""

    def on_symbols(self, changed: Sequence[Listing]) -> None:
        """Symbols of the account of the market data are others than before."""


class Accounts:
    """All accounts of a sign-in, over both connections.

    Args:
        clients: by ``is_live``: the connection of demo and of live accounts.
        wanted: the ids of the accounts to show; empty: all.
        preferred: the id of the account through which market data come while it is shown.
    """

    def __init__(
        self,
        clients: Mapping[bool, Client],
        tokens: Tokens,
        clock: Clock,
        make_hand: MakeHand,
        listener: Listener,
        *,
        wanted: Iterable[str] = (),
        preferred: str = "",
    ) -> None:
        self.all: dict[int, Account] = {}
        self.data: Account | None = None
        """Through which market data come; None while no shown account is known."""
        self.needs_sign_in = ""
        """Why, in one sentence; empty while it is not so."""
        self.repair = ""
        """What a person can do about that, by the name of a repair."""
        self._clients = dict(clients)
        self._tokens = tokens
        self._clock = clock
        self._make_hand = make_hand
        self._listener = listener
        self._wanted = frozenset(wanted)
        self._preferred = preferred
        self._can_trade = True
        self._last_infos: tuple[AccountInfo, ...] = ()
        self._is_closed = False
        self._naming: asyncio.Task[None] | None = None

    # --- what there is -----------------------------------------------------------------------------------

    def infos(self) -> tuple[AccountInfo, ...]:
        """All accounts of the sign-in."""
        return tuple(account.info() for account in self.all.values())

    def shown(self) -> tuple[Account, ...]:
        return tuple(account for account in self.all.values() if account.is_shown)

    def find(self, account_id: str) -> Account:
        """Raises KeyError for an account that is not shown."""
        for account in self.shown():
            if str(account.account_id) == account_id:
                return account
        raise KeyError(account_id)

    def is_needed(self, client: Client) -> bool:
        """Whether this connection has an account to serve; true while the accounts are not known."""
        return not self.all or any(account.client is client for account in self.shown())

    # --- listing and choosing ----------------------------------------------------------------------------

    async def learn(self, client: Client) -> None:
        """Read the list of accounts; part of each connection's sign-in.

        Raises:
            AuthRejected: the sign-in is not good any more, and cannot be renewed.
            VenueError: the list could not be had.
        """
        try:
            answer = await self._with_token(
                client,
                lambda token: client.request(
                    pb.ProtoOAGetAccountListByAccessTokenReq(accessToken=token.reveal()),
                    answer=pb.ProtoOAGetAccountListByAccessTokenRes,
                ),
            )
        except AuthRejected as error:
            if verdict_of(error) in (Verdict.TOKEN, None):
                self.ask_to_sign_in(error.user_text)
            raise
        if self._naming is None:
            self._naming = tasks.spawn(self._name_person(client), name="ctrader profile")
        if answer.HasField("permissionScope"):
            self._can_trade = answer.permissionScope == pb.SCOPE_TRADE
        listed = {int(each.ctidTraderAccountId): each for each in answer.ctidTraderAccount}
        for account_id in [each for each in self.all if each not in listed]:
            await self._leave(self.all.pop(account_id), "The account is not part of the sign-in any more.")
        for account_id, each in listed.items():
            account = self.all.get(account_id)
            if account is not None:
                account.relist(each)
            elif each.isLive in self._clients:
                account = self.all[account_id] = Account(each, self._clients[each.isLive], self._clock)
                account.on_symbols = self._on_symbols
                account.is_shown = not self._wanted or str(account_id) in self._wanted
            else:
                continue
            account.can_trade = self._can_trade
            if account.state is AccountState.REFUSED and account.client is client:
                account.state, account.note = AccountState.NONE, ""
        if self.all and not self.shown():
            # What was chosen is not there any more: all, rather than none.
            for account in self.all.values():
                account.is_shown = True
        if not self.all:
            self.ask_to_sign_in("The cTrader sign-in has no account: sign in again and tick one.")
        self._arrange()
        self._bring_up_new()

    async def show(self, account_ids: Sequence[str]) -> None:
        """Which accounts are open; the others are left."""
        wanted = frozenset(account_ids)
        self._wanted = wanted
        for account in self.all.values():
            is_shown = not wanted or str(account.account_id) in wanted
            if account.is_shown and not is_shown:
                account.is_shown = False
                await self._leave(account, "The account is not shown any more.")
            account.is_shown = is_shown
        self._arrange()
        self._bring_up_new()

    def _bring_up_new(self) -> None:
        """Accounts that were not there, or not shown, when their connection was opened."""
        for account in self.shown():
            if account.client.is_live and account.state is AccountState.NONE:
                self._bring_up(account)

    def _arrange(self) -> None:
        """Hands for the shown accounts, the account of the market data, and the word of it all."""
        for account in self.shown():
            if account.hand is None:
                emit = self._emitter(account)
                account.hand = self._make_hand(account, emit)
        self._tell_infos()
        self._choose_data()

    def _emitter(self, account: Account) -> Callable[[AccountEvent], None]:
        account_id = str(account.account_id)

        def emit(event: AccountEvent) -> None:
            if account.is_shown and not self._is_closed:
                self._listener.emit(ForAccount(account_id, event))

        return emit

    def _tell_infos(self) -> None:
        infos = tuple(account.info() for account in self.shown())
        if infos != self._last_infos:
            self._last_infos = infos
            self._listener.emit(AccountsChanged(infos))

    def _choose_data(self) -> None:
        able = [each for each in self.shown() if each.state is not AccountState.REFUSED]
        chosen = next((each for each in able if str(each.account_id) == self._preferred), None)
        if chosen is None and self.data in able:
            chosen = self.data
        if chosen is None:
            chosen = able[0] if able else None
        if chosen is not self.data:
            self.data = chosen
            self._listener.on_data_account(chosen)

    def _on_symbols(self, account: Account, changed: Sequence[Listing]) -> None:
        if account is self.data:
            self._listener.on_symbols(changed)

    # --- signing in --------------------------------------------------------------------------------------

    def on_link(self, client: Client, state: LinkState, reason: str) -> None:
        """A connection changed state: its accounts come up or go down with it."""
        for account in self.shown():
            if account.client is not client:
                continue
            if state is LinkState.LIVE:
                if account.state is not AccountState.REFUSED:
                    self._bring_up(account)
            elif account.state is not AccountState.REFUSED:
                self._lose(account, reason or "The connection is down.", state)

    def on_event(self, client: Client, message: Any) -> None:
        """An event of the accounts on a connection, in the reading call."""
        if isinstance(message, pb.ProtoOAClientDisconnectEvent):
            self._on_disconnect(client, message.reason)
            return
        if isinstance(message, pb.ProtoOAAccountsTokenInvalidatedEvent):
            log.info("%s link: token invalidated: %s", client.name, scrub(message.reason)[:200])
            for account_id in message.ctidTraderAccountIds:
                self._on_signed_out(client, int(account_id))
            return
        account = self.all.get(int(getattr(message, "ctidTraderAccountId", 0)))
        if account is None or account.client is not client or not account.is_shown:
            return
        if isinstance(message, pb.ProtoOAAccountDisconnectEvent):
            self._on_signed_out(client, account.account_id)
            return
        if isinstance(message, pb.ProtoOASymbolChangedEvent):
            tasks.spawn(self._reload(account, list(message.symbolId)), name="ctrader symbols changed")
            return
        if isinstance(message, pb.ProtoOATraderUpdatedEvent):
            self._on_trader(account, message.trader)
        if account.buffer is not None:
            account.buffer.append(message)
            if len(account.buffer) > _MOST_BUFFERED:
                client.link.drop("The venue sent more events than can be kept.", "flood")
        elif account.hand is not None and account.state is AccountState.LIVE:
            account.hand.on_event(message)

    def on_lost_event(self, client: Client) -> None:
        """An event could not be read, nor whose it was: every account on the connection is to be compared."""
        for account in self.shown():
            if account.client is client and account.state is AccountState.LIVE:
                reset = AccountStreamReset("cTrader told something of an account that cannot be read.")
                self._listener.emit(ForAccount(str(account.account_id), reset))

    def on_signed_out(self, client: Client, account_id: int) -> None:
        """An answer said that an account is not signed in."""
        self._on_signed_out(client, account_id)

    def _on_signed_out(self, client: Client, account_id: int) -> None:
        account = self.all.get(account_id)
        if account is None or account.client is not client or not account.is_shown:
            return
        # While it is being signed in, the word is about the session before.
        if account.state in (AccountState.SYNC, AccountState.LIVE):
            self._lose(account, "The venue has signed the account out.", LinkState.RECONNECTING)
            self._bring_up(account, first_pause_s=_PAUSES_S[0])

    def _on_disconnect(self, client: Client, reason: str) -> None:
        words = scrub(reason)[:200].strip()
        log.warning("%s link: cTrader ends the connection: %s", client.name, words or "no reason given")
        if "block" in words.lower():
            text = f"cTrader has blocked the application: {words.rstrip('.')}."
            client.link.give_up(text, "blocked")
            self._listener.emit(VenueNotice(text, is_urgent=True))
        else:
            text = f"cTrader has ended the connection{f': {words}' if words else ''}."
            client.link.drop(text, "disconnected")

    def _bring_up(self, account: Account, first_pause_s: float = 0.0) -> None:
        if self._is_closed or self.needs_sign_in:
            return
        if account.task is not None and not account.task.done():
            account.task.cancel()
        account.task = tasks.spawn(
            self._until_live(account, first_pause_s), name=f"ctrader account {account.account_id}"
        )

    async def _until_live(self, account: Account, pause_s: float) -> None:
        for attempt in range(1_000_000):
            if pause_s:
                await asyncio.sleep(pause_s)
            if not account.client.is_live or not account.is_shown:
                return  # the connection's next opening begins anew
            is_signed_in = False
            try:
                await self._sign_in(account)
                is_signed_in = True
                await self._sync(account)
            except AuthRejected as error:
                account.buffer = None
                if verdict_of(error) in (Verdict.TOKEN, None):
                    self.ask_to_sign_in(error.user_text)
                self._refuse(account, error.user_text)
                return
            except VenueError as error:
                account.buffer = None
                lasts = verdict_of(error) not in (Verdict.ACCOUNT, Verdict.APPLICATION, Verdict.BUSY)
                if isinstance(error, RequestRejected) and lasts and not is_signed_in:
                    self._refuse(account, error.user_text)
                    return
                pause_s = _PAUSES_S[min(attempt, len(_PAUSES_S) - 1)]
                if isinstance(error, RateLimited) and error.retry_after_s:
                    pause_s = max(pause_s, error.retry_after_s)
                log.info("account %d: %s; next try in %.0f s", account.account_id, error, pause_s)
                self._lose(account, error.user_text, LinkState.RECONNECTING)
            else:
                return

    async def _sign_in(self, account: Account) -> None:
        account.state = AccountState.AUTH
        account.buffer = []

        async def ask(token: Secret) -> None:
            await account.client.request_or_done(
                pb.ProtoOAAccountAuthReq(ctidTraderAccountId=account.account_id, accessToken=token.reveal()),
                answer=pb.ProtoOAAccountAuthRes,
            )
            account.token = token

        await self._with_token(account.client, ask)
        account.state = AccountState.SYNC

    async def _sync(self, account: Account) -> None:
        client, hand = account.client, account.hand
        assert hand is not None
        answer = await client.request(
            pb.ProtoOATraderReq(ctidTraderAccountId=account.account_id), answer=pb.ProtoOATraderRes
        )
        self._on_trader(account, answer.trader)
        if account.symbols.is_loaded:
            await account.symbols.reload(listing.symbol_id for listing in account.symbols.used())
        else:
            await account.symbols.load()
            self._listener.on_listed(account)
        self._tell_infos()
        account.streams.opened()
        await hand.sync()
        account.state = AccountState.LIVE
        waited, account.buffer = account.buffer, None
        for message in waited or ():
            hand.on_event(message)
        self._listener.emit(ForAccount(str(account.account_id), LinkState.LIVE))

    async def _with_token(self, client: Client, ask: Callable[[Secret], Any]) -> Any:
        """Ask with the newest token; where it is not good any more, renew it once and ask again."""
        token = self._tokens.access
        try:
            return await ask(token)
        except AuthRejected as error:
            if verdict_of(error) is not Verdict.TOKEN:
                raise
            await self._tokens.renew(token, self._asker(client))
            return await ask(self._tokens.access)

    def _asker(self, client: Client) -> Callable[[Secret], Any]:
        return lambda refresh: client.request(
            pb.ProtoOARefreshTokenReq(refreshToken=refresh.reveal()),
            answer=pb.ProtoOARefreshTokenRes,
            writes=True,
        )

    async def renew_if_due(self) -> None:
        """Once in a while: renew a token that runs out within days, and sign the accounts in with it."""
        client = next((each for each in self._clients.values() if each.is_live), None)
        if client is None or not self._tokens.is_due:
            return
        try:
            await self._tokens.renew(self._tokens.access, self._asker(client))
        except AuthRejected as error:
            self.ask_to_sign_in(error.user_text)
            return
        except VenueError as error:
            log.info("the sign-in is renewed later: %s", error)
            return
        for account in self.shown():
            # One that the venue has signed out meanwhile comes back by itself, with the new token.
            if account.state is AccountState.LIVE and account.token != self._tokens.access:
                try:
                    await self._sign_in_quietly(account)
                except VenueError as error:
                    log.info("account %d: %s", account.account_id, error)

    async def _sign_in_quietly(self, account: Account) -> None:
        """Tell the venue the new token; the account's session goes on."""
        token = self._tokens.access
        await account.client.request_or_done(
            pb.ProtoOAAccountAuthReq(ctidTraderAccountId=account.account_id, accessToken=token.reveal()),
            answer=pb.ProtoOAAccountAuthRes,
        )
        account.token = token

    def ask_to_sign_in(self, reason: str, repair: str = "") -> None:
        """The person has to sign in again, or to correct the application first; told once."""
        if self.needs_sign_in or self._is_closed:
            return
        self.needs_sign_in = reason or SIGN_IN_AGAIN
        self.repair = repair or "sign_in"
        log.warning("sign-in needed: %s", self.needs_sign_in)
        self._listener.emit(SignInNeeded(self.needs_sign_in))

    # --- going down --------------------------------------------------------------------------------------

    def _lose(self, account: Account, reason: str, state: LinkState) -> None:
        was_up = account.state in (AccountState.SYNC, AccountState.LIVE)
        account.state = AccountState.LOST
        account.buffer = None
        if (
            account.task is not None
            and not account.task.done()
            and account.task is not asyncio.current_task()
        ):
            account.task.cancel()
        account.streams.closed()
        if was_up and account.hand is not None:
            account.hand.on_lost(reason)
        if state is not LinkState.OFF:
            self._listener.emit(ForAccount(str(account.account_id), state, reason))

    def _refuse(self, account: Account, reason: str) -> None:
        log.warning("account %d is not to be had: %s", account.account_id, reason)
        self._lose(account, reason, LinkState.FAILED)
        account.state, account.note = AccountState.REFUSED, reason
        self._tell_infos()
        self._choose_data()

    async def _leave(self, account: Account, reason: str) -> None:
        """Leave an account: its session ends here, and at the venue where that can be asked."""
        was_up = account.state in (AccountState.SYNC, AccountState.LIVE)
        await tasks.cancel_and_wait(account.task)
        self._lose(account, reason, LinkState.OFF)
        account.state = AccountState.NONE
        await account.streams.close()
        await account.rates.close()
        hand, account.hand = account.hand, None
        if hand is not None:
            await hand.close()
        if was_up and account.client.is_live and not self._is_closed:
            try:
                await account.client.request(
                    pb.ProtoOAAccountLogoutReq(ctidTraderAccountId=account.account_id),
                    answer=pb.ProtoOAAccountLogoutRes,
                    deadline_s=3.0,
                )
            except VenueError as error:
                log.info("account %d: %s", account.account_id, error)

    async def close(self) -> None:
        """Leave all of them without a word to the venue: the connections are closed next."""
        self._is_closed = True
        await tasks.cancel_and_wait(self._naming)
        for account in self.all.values():
            await self._leave(account, "The connection is closed.")

    async def _name_person(self, client: Client) -> None:
        """Whose sign-in it is (2151), for the log: who has two at the venue can tell them apart there."""
        token = self._tokens.access
        try:
            answer = await client.request(
                pb.ProtoOAGetCtidProfileByTokenReq(accessToken=token.reveal()),
                answer=pb.ProtoOAGetCtidProfileByTokenRes,
            )
        except VenueError as error:
            log.info("the profile of the sign-in is not known: %s", error)
            return
        log.info("signed in as cTrader ID %d", answer.profile.userId)

    # --- what the venue tells of them --------------------------------------------------------------------

    def _on_trader(self, account: Account, trader: pb.ProtoOATrader) -> None:
        known = account.trader
        if (
            known is not None
            and known.HasField("balanceVersion")
            and trader.HasField("balanceVersion")
            and trader.balanceVersion < known.balanceVersion
        ):
            return
        account.trader = trader
        if account.symbols.is_loaded:
            self._tell_infos()

    async def _reload(self, account: Account, symbol_ids: Sequence[int]) -> None:
        try:
            await account.symbols.reload(symbol_ids)
        except VenueError as error:
            log.warning("changed symbols could not be read: %s", error)
