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
from terminal.bridge.bots import Bot, BotMode, Bots
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
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.errors import SettingsError, TerminalError, Unsupported
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

Method = Callable[[Bot, Session, Mapping[str, Any]], Awaitable[object]]


class Bridge:
    """Lends the connected venues to bots. Off until it is switched on.

    Attributes:
        changed: it was switched, or locked itself.
        notice: what the person should see.
        bots: who may call. calls: what was called. hands: what is traded by hand.
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
    ) -> None:
        self.changed: Observable[[]] = Observable("bridge")
        self.notice: Observable[[Notice]] = Observable("bridge notices")
        self.bots = Bots(bots_file, clock)
        self.calls = CallLog()
        self.hands = HandsFirst(gate, clock, lambda: self.is_on)
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
        self._accounts = AccountCalls(portfolio, market, symbols, margins, self.hands)
        self._trades = TradeCalls(
            gate=gate,
            market=market,
            portfolio=portfolio,
            symbols=symbols,
            prices=self._prices,
            hands=self.hands,
            clock=clock,
            is_on=lambda: self.is_on,
        )
        self._orders = OrderCalls(gate, market, symbols, self._trades.dry_orders)
        self._methods = self._table()

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
        session = self._session(head.path, bot)
        if call.method.startswith(_RAW):
            async with asyncio.timeout(_CALL_S):
                return await self._raw(head, call, session)
        method = self._methods.get(call.method)
        if method is None:
            raise CallRefused(f"invalid method: {short(call.method, 60)}")
        if call.method in _CHANGING:
            self._nonces.take(bot.name, call.nonce)
        async with asyncio.timeout(_CALL_S):
            return data_answer(await method(bot, session, call.params))

    def _session(self, path: str, bot: Bot) -> Session:
        name = path.strip("/")
        known = {venue.upper(): each for venue, each in self._sessions.sessions.items()}
        session = known.get(name)
        if session is None:
            offered = ", ".join(sorted(known)) or "none yet"
            raise CallRefused(f"unknown venue: {short(name, 24) or 'none given'}; there is {offered}")
        if session.state is SessionState.OFF:
            raise CallRefused(f"{name} is not connected")
        if not bot.may_use(session.venue):
            raise CallRefused(f"{bot.name} may not use {name}")
        return session

    def _require_same_account(self, session: Session) -> None:
        """A bot that was let loose on practice money must not find itself with real money one day."""
        venue, account = session.venue, session.account
        same_money = self._modes.setdefault(venue, session.mode) is session.mode
        if same_money and self._lent.setdefault(venue, account) == account:
            return
        raise CallRefused(
            f"{venue.upper()} has another account than when the bridge was switched on ({account} now): "
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

        async def trade(bot: Bot, session: Session, params: Mapping[str, Any]) -> object:
            if bot.mode is not BotMode.READ_ONLY:
                self._require_same_account(session)
            return {"id": orders.id_of(await trades.trade(bot, session, params))}

        async def marginlevel(bot: Bot, session: Session, params: Mapping[str, Any]) -> object:
            if bot.mode is not BotMode.READ_ONLY:
                self._require_same_account(session)
            return await accounts.marginlevel(bot, session, params)

        async def told(value: object) -> object:
            return value

        return {
            "ticker": lambda bot, session, params: prices.ticker(session, params),
            "depth": lambda bot, session, params: prices.depth(session, params),
            "trades": lambda bot, session, params: prices.trades(session, params),
            "records": lambda bot, session, params: prices.records(session, params),
            "markets": lambda bot, session, params: prices.markets(session, params),
            "tickers": lambda bot, session, params: prices.tickers(session, params),
            "accounts": lambda bot, session, params: told(accounts.accounts(session, params)),
            "assets": lambda bot, session, params: told(accounts.accounts(session, params)),
            "positions": lambda bot, session, params: told(accounts.positions(session, params)),
            "orders": lambda bot, session, params: told(orders.orders(bot, session, params)),
            "order": lambda bot, session, params: told(orders.order(bot, session, params)),
            "historyorders": lambda bot, session, params: told(orders.historyorders(bot, session, params)),
            "trade": trade,
            "cancel": lambda bot, session, params: trades.cancel(bot, session, params, orders),
            "marginlevel": marginlevel,
            "fundings": lambda bot, session, params: prices.fundings(session, params),
        }

    def _on_lock(self) -> None:
        text = f"The bridge was called with wrong keys again and again; it is locked for {LOCK_S:.0f} s."
        log.warning("%s", text)
        self.notice.notify(Notice(Level.WARNING, text, "Look at the list of calls in the bridge panel."))
        self.changed.notify()
