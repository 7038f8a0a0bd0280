"""The bridge: on or off, whom it lets in, and the way of each call to its answer.

A call passes, in this order: what the server itself refuses (too many connections, too large, too slow), the
head (no browser, our own Host), the shape of the body, the keys, the venue, the method, and for what changes
something the nonce. Only then is anything looked up, and only :mod:`terminal.bridge.trade_calls` can send.

Attacks get an HTTP status of their own beside the error; everything that the protocol knows is answered with
200, as its guide has it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from terminal.bridge.account_calls import AccountCalls
from terminal.bridge.bots import PAPER, Bot, BotMode, Bots
from terminal.bridge.calls import CallLog, short
from terminal.bridge.envelope import Call, data_answer, error_answer, read_call
from terminal.bridge.errors import CallRefused, NotSupported
from terminal.bridge.feeds import FeedsOnDemand
from terminal.bridge.guard import LOCK_S, KeyGuard, NonceGuard, judge_head, refusal
from terminal.bridge.hands import HandsFirst
from terminal.bridge.market_calls import MarketCalls
from terminal.bridge.order_data import OrderCalls
from terminal.bridge.symbols import SymbolTable
from terminal.bridge.trade_calls import TradeCalls
from terminal.bridge.visit import Visit
from terminal.bridge.waiting import WAIT_S, Waiting, WaitingList
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.errors import SettingsError, TerminalError, Unsupported
from terminal.domain.instrument import InstrumentKind
from terminal.services.margins import Margins
from terminal.services.market_data import MarketData
from terminal.services.notices import Level, Notice
from terminal.services.orders import OrderGate
from terminal.services.portfolio import Portfolio
from terminal.services.session import Mode, Session, SessionManager, SessionState
from terminal.transport.http_server import Answer, Head, HttpServer, ServerLimits
from terminal.venues.base import HasRawCalls

log = logging.getLogger("bridge")

DEFAULT_PORT: Final = 6666
_CALL_S: Final = 20.0
"""No call waits longer; an order that is under way then goes on in the gate."""
_WARN_EVERY_NS: Final = 1_000_000_000
_RAW = "__api_"
_CHANGING: Final = frozenset({"trade", "cancel", "marginlevel"})

Method = Callable[[Visit, Mapping[str, Any]], Awaitable[object]]


class Bridge:
    """Lends the connected venues to bots. Off until it is switched on.

    Attributes:
        changed: it was switched, or locked itself.
        notice: what the person should see.
        bots: who may call. calls: what was called. hands: what is traded by hand. waiting: what a person is
            asked.
    """

    def __init__(
        self,
        *,
        sessions: SessionManager,
        market: MarketData,
        gate: OrderGate,
        portfolio: Portfolio,
        margins: Margins,
        clock: Clock,
        bots_file: Path | None,
        limits: ServerLimits | None = None,
        wait_s: float = 5.0,
        linger_s: float = 60.0,
        confirm_s: Callable[[], float] = lambda: WAIT_S,
    ) -> None:
        """``confirm_s``: how long an order waits for a click in the window."""
        self.changed: Observable[[]] = Observable("bridge")
        self.notice: Observable[[Notice]] = Observable("bridge notices")
        self.bots = Bots(bots_file, clock)
        self.calls = CallLog()
        self.hands = HandsFirst(gate, clock, lambda: self.is_on)
        self.waiting = WaitingList(clock, confirm_s)
        self._sessions = sessions
        self._market = market
        self._clock = clock
        self._limits = limits or ServerLimits()
        self._switching = asyncio.Lock()
        self._server: HttpServer | None = None
        self._warned_ns: int | None = None
        self._modes: dict[str, Mode] = {}
        self._lent: dict[str, str] = {}
        self._nonces = NonceGuard(clock)
        self._keys = KeyGuard(self.bots, clock, on_lock=self._on_lock)
        symbols = SymbolTable(market, clock)
        self._feeds = FeedsOnDemand(market, clock, wait_s=wait_s, linger_s=linger_s)
        self._prices = MarketCalls(market, symbols, self._feeds, clock)
        self._accounts = AccountCalls(portfolio, market, symbols, margins, self.hands, self.waiting)
        self._trades = TradeCalls(
            gate=gate,
            market=market,
            portfolio=portfolio,
            symbols=symbols,
            prices=self._prices,
            hands=self.hands,
            waiting=self.waiting,
            clock=clock,
            is_on=lambda: self.is_on,
        )
        self._orders = OrderCalls(gate, market, symbols, self._trades.dry_orders)
        self._methods = self._table()
        self._unwatch = [
            self.hands.changed.watch(self._on_hands),
            self.bots.changed.watch(self._on_bots),
            self.bots.told.watch(
                lambda bot, what, told: self.calls.note(at_ns=clock.wall_ns(), bot=bot, what=what, told=told)
            ),
        ]

    # -- the switch -----------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        return self._server is not None

    @property
    def port(self) -> int:
        """Where it listens; 0 while it is off."""
        return 0 if self._server is None else self._server.port

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return 0 if self._server is None else self._server.connections

    @property
    def locked_s(self) -> float:
        """How long it stays locked after too many wrong keys; 0 while it is open."""
        return self._keys.locked_s

    def address(self, venue: str) -> str:
        """What a strategy platform is told for a venue."""
        return f"http://127.0.0.1:{self.port or DEFAULT_PORT}/{venue.upper()}"

    async def switch_on(self, port: int = DEFAULT_PORT) -> None:
        """Listen on 127.0.0.1, and nowhere else. Harmless when repeated.

        Raises:
            SettingsError: the port is taken, or may not be used.
        """
        async with self._switching:
            if self._server is not None:
                return
            server = HttpServer(self._judge, self._on_request, refusal, self._limits)
            try:
                await server.start(port)
            except OSError as error:
                raise SettingsError(
                    f"port {port}: {error}",
                    user_text=f"The bridge cannot listen on port {port}: another program has it. "
                    "Choose another port in the settings.",
                ) from error
            self._server = server
            self._nonces = NonceGuard(self._clock)
            self._modes = {venue: each.mode for venue, each in self._sessions.sessions.items()}
            self._lent = {}
            log.info("the bridge is on at 127.0.0.1:%d", server.port)
            self.changed.notify()

    def cut(self) -> None:
        """Off at once, for a kill switch: from this line on no call is taken and no order of a bot begins."""
        server, self._server = self._server, None
        if server is not None:
            self.waiting.withdraw("the bridge was switched off")
            server.cut()
            log.info("the bridge is off")
            self.changed.notify()

    async def switch_off(self) -> None:
        """Off; orders that are under way are left to their answers, and what rests at a venue stays."""
        async with self._switching:
            self.cut()
            await self._trades.close()
            await self._feeds.close()

    async def close(self) -> None:
        """Off for good."""
        await self.switch_off()
        for unwatch in self._unwatch:
            unwatch()
        self.hands.close()

    # -- calls ----------------------------------------------------------------------------------------

    def _judge(self, head: Head) -> Answer | None:
        answer = judge_head(head, self.port)
        if answer is not None:
            self._note_stranger(head, msgspec.json.decode(answer.body)["error"])
        return answer

    def _note_stranger(self, head: Head, error: str) -> None:
        now = self._clock.monotonic_ns()
        if self._warned_ns is None or now - self._warned_ns > _WARN_EVERY_NS:
            self._warned_ns = now  # a page that calls a thousand times a second must not fill the disk
            log.warning("refused %s %s: %s", short(head.method, 10), short(head.path, 40), error)
        self.calls.add(
            at_ns=self._clock.wall_ns(),
            bot="",
            venue=head.path.lstrip("/"),
            method=head.method,
            params={},
            took_ms=0.0,
            error=error,
            dry=False,
        )

    async def _on_request(self, head: Head, body: bytes) -> Answer:
        at_ns, began = self._clock.wall_ns(), time.perf_counter()
        call: Call | None = None
        bot: Bot | None = None
        error, answer = "", b""
        status = 200
        try:
            call = read_call(body)
            bot = self._keys.admit(call)
            answer = await self._answer(head, call, bot)
        except CallRefused as refused:
            error, status = refused.text, refused.status
        except Unsupported as refused:
            error = f"not support: {refused.user_text}"
        except TerminalError as failed:
            error = failed.user_text
        except TimeoutError:
            error = f"no answer within {_CALL_S:.0f} s; look at orders before sending anything again"
        if error:
            answer = error_answer(error)
        self.calls.add(
            at_ns=at_ns,
            bot="" if bot is None else bot.name,
            venue=head.path.lstrip("/"),
            method="" if call is None else call.method,
            params={} if call is None else call.params,
            took_ms=(time.perf_counter() - began) * 1000,
            error=error,
            dry=bot is not None and bot.mode is BotMode.DRY_RUN,
        )
        return Answer(status, answer)

    async def _answer(self, head: Head, call: Call, bot: Bot) -> bytes:
        name = head.path.strip("/")
        session = self._session(name, bot)
        if call.method.startswith(_RAW):
            async with asyncio.timeout(_CALL_S):
                return await self._raw(head, call, session)
        method = self._methods.get(call.method)
        if method is None:
            raise CallRefused(f"invalid method: {short(call.method, 60)}")
        most_s = _CALL_S
        if call.method in _CHANGING:
            self._nonces.take(bot.key, call.nonce)
            most_s += self.waiting.wait_s()
        visit = Visit(bot, session, lambda: self._still(name, bot, session), head.gone)
        async with asyncio.timeout(most_s):
            return data_answer(await method(visit, call.params))

    def _session(self, name: str, bot: Bot) -> Session:
        if name == PAPER.upper():
            session = self._paper(bot)
        else:
            known = {venue.upper(): each for venue, each in self._sessions.sessions.items()}
            if name not in known:
                offered = ", ".join((*sorted(known), PAPER.upper()))
                raise CallRefused(f"unknown venue: {short(name, 24) or 'none given'}; there is {offered}")
            session = known[name]
            if session.state is SessionState.OFF:
                raise CallRefused(f"{name} is not connected")
        if not bot.may_use(name.lower()):
            raise CallRefused(f"{bot.name} may not use {name}")
        return session

    def _paper(self, bot: Bot) -> Session:
        """The practice account that a bot's rule names, else the first with spot orders; never a live one.

        What a venue has in the way of demo accounts on its real servers is not meant: those are live
        connections here.
        """
        practice = [
            each
            for each in self._sessions.sessions.values()
            if each.mode is Mode.PRACTICE
            and each.state is not SessionState.OFF
            and each.has_account
            and each.info.capabilities.order_types
        ]
        if bot.paper:
            found = next((each for each in practice if each.venue == bot.paper), None)
            if found is None:
                raise CallRefused(
                    f"PAPER is {bot.paper.upper()} for {bot.name}, which has no practice account open"
                )
            return found
        for each in practice:
            if any(item.kind is InstrumentKind.SPOT for item in self._market.instruments(each.venue)):
                return each
        raise CallRefused("PAPER: no practice account with spot orders is open")

    def _still(self, name: str, before: Bot, session: Session) -> Bot:
        """The bot as it is now, last thing before something leaves."""
        bot = self.bots.now(before)
        if bot.is_revoked:
            raise CallRefused(f"not sent: the keys of {bot.name} were revoked")
        if not bot.mode.sends:
            raise CallRefused(f"not sent: {bot.name} is {bot.mode.value} now")
        if self._session(name, bot) is not session:
            raise CallRefused(f"not sent: {name} was connected anew meanwhile")
        self._require_same_account(name, bot, session)
        return bot

    def _require_same_account(self, name: str, bot: Bot, session: Session) -> None:
        """A bot that was let loose on practice money must not find itself with real money one day. What PAPER
        means to a bot stays the same too once it has traded there."""
        venue, account = session.venue, session.account
        place = f"{name} {bot.key.hex()}" if name == PAPER.upper() else venue
        same_money = self._modes.setdefault(venue, session.mode) is session.mode
        if same_money and self._lent.setdefault(place, account) == account:
            return
        raise CallRefused(
            f"{name} has another account than when the bridge was switched on ({account} now): "
            "switch it off and on again to let bots trade there"
        )

    async def _raw(self, head: Head, call: Call, session: Session) -> bytes:
        connector: object = session.connector
        if not isinstance(connector, HasRawCalls):
            raise NotSupported
        verb = head.headers.get("http-method", "GET").upper()
        if verb not in ("GET", "POST"):
            raise CallRefused("Http-Method must be GET or POST")
        params: dict[str, str] = {}
        for key, value in call.params.items():
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise CallRefused(f"{short(key, 40)} must be a text")
            params[key] = str(value)
        told = await connector.raw_call(call.method.removeprefix(_RAW), params)
        return b'{"data":' + told + b"}"

    def _table(self) -> dict[str, Method]:
        prices, accounts, orders, trades = self._prices, self._accounts, self._orders, self._trades

        async def trade(visit: Visit, params: Mapping[str, Any]) -> object:
            if visit.bot.mode.sends:
                visit.still()
            return {"id": orders.id_of(await trades.trade(visit, params))}

        async def marginlevel(visit: Visit, params: Mapping[str, Any]) -> object:
            if visit.bot.mode.sends:
                visit.still()
            return await accounts.marginlevel(visit, params)

        async def told(value: object) -> object:
            return value

        return {
            "ticker": lambda visit, params: prices.ticker(visit.session, params),
            "depth": lambda visit, params: prices.depth(visit.session, params),
            "trades": lambda visit, params: prices.trades(visit.session, params),
            "records": lambda visit, params: prices.records(visit.session, params),
            "markets": lambda visit, params: prices.markets(visit.session, params),
            "tickers": lambda visit, params: prices.tickers(visit.session, params),
            "accounts": lambda visit, params: told(accounts.accounts(visit.session, params)),
            "assets": lambda visit, params: told(accounts.accounts(visit.session, params)),
            "positions": lambda visit, params: told(accounts.positions(visit.session, params)),
            "orders": lambda visit, params: told(orders.orders(visit.bot, visit.session, params)),
            "order": lambda visit, params: told(orders.order(visit.bot, visit.session, params)),
            "historyorders": lambda visit, params: told(
                orders.historyorders(visit.bot, visit.session, params)
            ),
            "trade": trade,
            "cancel": lambda visit, params: trades.cancel(visit.bot, visit.session, params, orders),
            "marginlevel": marginlevel,
            "fundings": lambda visit, params: prices.fundings(visit.session, params),
        }

    # -- what ends what waits -------------------------------------------------------------------------

    def _on_hands(self) -> None:
        paused = self.hands.paused
        self.waiting.withdraw("it is traded by hand now", lambda each: each.instrument in paused)

    def _on_bots(self) -> None:
        def has_lost_it(waiting: Waiting) -> bool:
            bot = self.bots.now(waiting.bot)
            return bot.is_revoked or not bot.mode.sends

        self.waiting.withdraw("the bot may not trade any more", has_lost_it)

    def _on_lock(self) -> None:
        text = f"The bridge was called with wrong keys again and again; it is locked for {LOCK_S:.0f} s."
        log.warning("%s", text)
        self.notice.notify(Notice(Level.WARNING, text, "Look at the list of calls in the bridge panel."))
        self.changed.notify()
