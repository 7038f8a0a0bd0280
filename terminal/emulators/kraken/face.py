"""The practice venue's Kraken: everything of this folder put together behind one port.

Paths are Kraken's own: ``/0/public/...``, ``/0/private/...``, ``/v2``. Kraken keeps its WebSocket services
on hosts of their own; here they are paths: ``/private/v2`` and ``/l3/v2`` beside ``/v2``, and every one of
them speaks all channels.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.emulators.faults import Fault, FaultRefused, Faults
from terminal.emulators.kraken import errors
from terminal.emulators.kraken.auth import NEEDS, Gatekeeper, PracticeKey, make_keys
from terminal.emulators.kraken.counters import TIERS, Tier
from terminal.emulators.kraken.errors import ApiError
from terminal.emulators.kraken.names import Names
from terminal.emulators.kraken.params import Params, parse_form, parse_json
from terminal.emulators.kraken.private_feed import PrivateFeed
from terminal.emulators.kraken.public_feed import PublicFeed
from terminal.emulators.kraken.record import Record
from terminal.emulators.kraken.rest_account import AccountCalls
from terminal.emulators.kraken.rest_public import PublicCalls
from terminal.emulators.kraken.rest_trading import TradingCalls
from terminal.emulators.kraken.state import VenueState
from terminal.emulators.kraken.trading import Desk
from terminal.emulators.kraken.wire import encode
from terminal.emulators.kraken.ws_session import WsSession
from terminal.emulators.kraken.ws_trading import WsTradingCalls
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.web import HttpRequest, HttpResponse, Upgrade, WsHandler, WsPeer

ACCOUNT: Final = "kraken:practice"
SECOND_ACCOUNT: Final = "kraken:second"
WS_PATHS: Final = frozenset({"/v2", "/private/v2", "/l3/v2"})
_PUBLIC: Final = "/0/public/"
_PRIVATE: Final = "/0/private/"

log = logging.getLogger("practice.kraken")


class KrakenFace:
    """REST and WebSocket v2 in front of a practice market.

    Args:
        tier: verification tier of the fresh keys; decides the rate limits.
    """

    name = "kraken"

    def __init__(
        self,
        market: PracticeMarket,
        faults: Faults,
        clock: Clock,
        *,
        rng: random.Random | None = None,
        tier: str = "intermediate",
    ) -> None:
        self.market = market
        self.faults = faults
        self._clock = clock
        self._rng = rng or random.Random()
        self.names = Names(tuple(market.listings.values()))
        self.state = VenueState(market, self.names, clock)
        self.keys = self._load_keys(TIERS[tier])
        for account in (ACCOUNT, SECOND_ACCOUNT):
            market.account(account)
        self.gate = Gatekeeper(
            self.keys,
            wall_ns=clock.wall_ns,
            monotonic_ns=clock.monotonic_ns,
            save_nonce=lambda key, nonce: market.store.put(f"kraken:nonce:{key}", nonce),
        )
        self.desk = Desk(market, self.state, clock.monotonic_ns)
        self.public = PublicFeed(market, self.state, faults)
        self.private = PrivateFeed(market, self.state, self.desk, faults)
        self.rest_public = PublicCalls(market, self.state)
        self.sessions: set[WsSession] = set()
        self._ws_trading = WsTradingCalls(self.desk, self.state)
        self.record = Record(market, self.gate, self.desk)
        self._private_calls = {
            **AccountCalls(market, self.state, self.gate).calls,
            **TradingCalls(self.desk, self.state).calls,
        }
        self._trading_names = frozenset(TradingCalls(self.desk, self.state).calls)
        self._next_connection = 13_834_774_380_200_000_000 + self._rng.randrange(10**9)
        self._timers: list[asyncio.TimerHandle] = []
        self.requests = 0
        self.state.system_changed.watch(self._on_system_changed)
        self.state.pair_changed.watch(self._on_pair_changed)

    def _load_keys(self, tier: Tier) -> list[PracticeKey]:
        """The keys of earlier runs, or a fresh set."""
        store = self.market.store
        rows = store.get("kraken:keys")
        if not isinstance(rows, list):
            keys = make_keys(ACCOUNT, SECOND_ACCOUNT, self._clock.wall_ns())
            store.put(
                "kraken:keys",
                [{**key.row(), "created_ns": key.created_ns, "otp": key.otp} for key in keys],
            )
        else:
            keys = [
                PracticeKey(
                    name=row["name"],
                    key=row["key"],
                    secret=base64.b64decode(row["secret"]),
                    account=row["account"],
                    permissions=frozenset(row["permissions"]),
                    otp=row["otp"],
                    created_ns=row["created_ns"],
                    last_nonce=int(store.get(f"kraken:nonce:{row['key']}", 0)),
                )
                for row in rows
            ]
        for key in keys:
            key.tier = tier
        return keys

    # ---- life ------------------------------------------------------------------------------------

    def start(self) -> list[asyncio.Task[Any]]:
        """Begin to send the public channels and the heartbeats; the tasks are the caller's to cancel."""
        return [
            tasks.spawn(self.public.run(), name="practice.kraken.public"),
            tasks.spawn(self._tick(), name="practice.kraken.heartbeat"),
        ]

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            now = self._clock.monotonic_ns()
            for session in tuple(self.sessions):
                session.tick(now)
            self.rest_public.note_spreads()

    def stop(self) -> None:
        """Forget timers; connections are the server's to close."""
        self.desk.stop_alarms()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def endpoints(self, port: int) -> dict[str, Any]:
        """Its entry in the endpoints file."""
        main = self.keys[0].row()
        return {
            "rest": f"http://127.0.0.1:{port}",
            "ws_public": f"ws://127.0.0.1:{port}/v2",
            "ws_private": f"ws://127.0.0.1:{port}/private/v2",
            "ws_l3": f"ws://127.0.0.1:{port}/l3/v2",
            "key": main["key"],
            "secret": main["secret"],
            "keys": [key.row() for key in self.keys],
        }

    # ---- HTTP ------------------------------------------------------------------------------------

    def owns(self, path: str) -> bool:
        """This face answers requests of that path."""
        return path.startswith("/0/") or path in WS_PATHS

    def subject_of(self, path: str) -> str:
        """The fault subject of a REST call."""
        if path.startswith(_PRIVATE):
            name = path.removeprefix(_PRIVATE)
            return f"rest/{'trade' if name in self._trading_names else 'read'}/{name}"
        return f"rest/public/{path.removeprefix(_PUBLIC)}"

    def on_arrival(self, request: HttpRequest) -> None:
        """Note a trading call, before any fault."""
        name = request.path.removeprefix(_PRIVATE)
        if name in self._trading_names:
            self.record.note_rest(name, request)

    def on_request(self, request: HttpRequest) -> HttpResponse:
        """Answer one REST call; refusals are HTTP 200 with an error text."""
        self.requests += 1
        headers = (("Cache-Control", "no-store"),)
        try:
            result = self._call(request)
        except ApiError as error:
            return HttpResponse(200, encode({"error": [error.text]}), headers=headers)
        except Exception:
            log.exception("%s failed", request.path)
            return HttpResponse(200, encode({"error": ["EGeneral:Internal error"]}), headers=headers)
        return HttpResponse(200, encode({"error": [], "result": result}), headers=headers)

    def _call(self, request: HttpRequest) -> Any:
        fault = self.faults.take("error", self.subject_of(request.path)) if self.faults.active else None
        if fault is not None:
            if fault.flag("acts"):
                self._dispatch(request)
            raise ApiError(fault.text("error", "EService:Busy"))
        return self._dispatch(request)

    def _dispatch(self, request: HttpRequest) -> Any:
        path = request.path
        if path.startswith(_PUBLIC):
            public = self.rest_public.calls.get(path.removeprefix(_PUBLIC))
            if public is None or request.method not in ("GET", "POST", "HEAD"):
                raise ApiError(errors.UNKNOWN_METHOD)
            return public(Params({**parse_form(request.query), **_body_values(request)}))
        if path.startswith(_PRIVATE):
            name = path.removeprefix(_PRIVATE)
            private = self._private_calls.get(name)
            if private is None or name not in NEEDS or request.method != "POST":
                raise ApiError(errors.UNKNOWN_METHOD)
            values = _body_values(request)
            key = self.gate.admit(name, path, request.headers, request.body, values)
            return private(key, Params(values))
        raise ApiError(errors.UNKNOWN_METHOD)

    # ---- WebSocket -------------------------------------------------------------------------------

    def on_upgrade(self, request: HttpRequest) -> HttpResponse | Upgrade:
        """Take a WebSocket on one of the known paths."""
        if request.path not in WS_PATHS:
            return HttpResponse(404, b"Not Found", "text/plain")
        return self._open_session

    def _open_session(self, peer: WsPeer) -> WsHandler:
        self._next_connection += 1
        session = WsSession(
            peer,
            connection_id=self._next_connection,
            state=self.state,
            gate=self.gate,
            public=self.public,
            private=self.private,
            trading=self._ws_trading,
            faults=self.faults,
            record=self.record,
            rng=self._rng,
            on_end=self.sessions.discard,
        )
        self.sessions.add(session)
        return session

    def _on_system_changed(self) -> None:
        for session in tuple(self.sessions):
            session.send_status()

    def _on_pair_changed(self, symbol: str) -> None:
        if self.state.status_of(symbol) == "delisted":
            for session in tuple(self.sessions):
                session.drop_subscriptions(symbol)

    # ---- faults and rehearsal --------------------------------------------------------------------

    def strike(self, fault: Fault) -> None:
        """Carry out a fault that acts at once.

        Raises:
            FaultRefused: a parameter that makes no sense.
        """
        seconds = None if fault.until_ns is None else fault.number("seconds", 0.0) or None
        try:
            if fault.kind == "expire_token":
                self.gate.void_tokens()
                if fault.flag("close"):
                    for session in tuple(self.sessions):
                        if session.has_private:
                            session.peer.close(int(fault.number("code", 1001)), "session expired")
            elif fault.kind == "clock_jump":
                self.state.jump_clock(fault.number("offset_s", 3600.0), seconds)
            elif fault.kind == "status":
                self._strike_status(fault, seconds)
            elif fault.kind == "delist":
                symbol = fault.text("symbol", "BTC/USD")
                self.state.set_pair(symbol, "delisted")
                self._later(seconds, lambda: self.state.set_pair(symbol, "online"))
            elif fault.kind == "tick_change":
                symbol = fault.text("symbol", "BTC/USD")
                size = Decimal(str(fault.params.get("tick_size", "1")))
                before = self.names.pairs[symbol].listing.tick_size
                self.state.set_tick_size(symbol, size)
                self._later(seconds, lambda: self.state.set_tick_size(symbol, before))
        except (ValueError, KeyError, InvalidOperation) as error:
            raise FaultRefused(str(error)) from None

    def _strike_status(self, fault: Fault, seconds: float | None) -> None:
        symbol = fault.text("symbol")
        if symbol:
            self.state.set_pair(symbol, fault.text("status", "cancel_only"))
            self._later(seconds, lambda: self.state.set_pair(symbol, "online"))
        else:
            self.state.set_system(fault.text("system", "cancel_only"))
            self._later(seconds, lambda: self.state.set_system("online"))

    def _later(self, seconds: float | None, action: Callable[[], None]) -> None:
        if seconds is not None:
            self._timers.append(asyncio.get_running_loop().call_later(seconds, action))

    def reset(self, account: str | None) -> list[str]:
        """Begin the practice account (or all of them) anew, with empty rate counters."""
        accounts = [account] if account else [ACCOUNT, SECOND_ACCOUNT]
        for one in accounts:
            if one not in (ACCOUNT, SECOND_ACCOUNT):
                raise ValueError(f"no such account: {one}")
        self.desk.stop_alarms()
        for one in accounts:
            self.market.reset_account(one)
        self.forgive()
        self.record.clear()
        return accounts

    def forgive(self) -> None:
        """Empty every rate counter and lift lockouts."""
        self.gate.forgive()
        self.desk.counters.clear()

    def restore(self) -> None:
        """Status, pairs and clock as at the start."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.state.restore()

    def set_batch(self, seconds: float) -> None:
        """How long book changes gather; 0 = every change its own message."""
        self.public.set_batch(seconds)

    def told(self, account: str | None) -> Mapping[str, Any]:
        """The venue's own record of an account; see :class:`Record`."""
        return self.record.told(account or ACCOUNT)

    def stats(self) -> Mapping[str, Any]:
        """Figures for the control API."""
        return {
            "requests": self.requests,
            "connections": len(self.sessions),
            "book_messages": self.public.book_messages(),
            "sent": sum(session.peer.sent for session in self.sessions),
            "system": self.state.system,
            "open_orders": {
                account: len(self.market.open_orders(account)) for account in (ACCOUNT, SECOND_ACCOUNT)
            },
        }


def _body_values(request: HttpRequest) -> dict[str, Any]:
    """Parameters of a body: JSON where it says so or looks so, a form otherwise."""
    if not request.body:
        return {}
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        raise ApiError("EGeneral:Invalid arguments") from None
    if "json" in request.headers.get("content-type", "") or text.lstrip()[:1] == "{":
        return parse_json(text)
    return parse_form(text)
