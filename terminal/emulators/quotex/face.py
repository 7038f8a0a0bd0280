"""The practice venue's Quotex put together: one port with TLS 1.3 for the web site and the socket, the market
and the desk of deals."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.emulators.ctrader.tls import PracticeTls
from terminal.emulators.faults import Fault, FaultRefused, Faults
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.quotex.accounts import TOURNAMENTS, Accounts, User
from terminal.emulators.quotex.desk import Desk
from terminal.emulators.quotex.hub import Hub
from terminal.emulators.quotex.logins import Logins
from terminal.emulators.quotex.market import Market
from terminal.emulators.quotex.session import Session
from terminal.emulators.quotex.site import SOCKET_PATH, Site
from terminal.emulators.quotex.wire import PING
from terminal.emulators.web import HttpRequest, HttpResponse, Upgrade, WebServer, WsHandler, WsPeer

_STEP_S: Final = 0.1
_TIMER_S: Final = 0.1
_WITH_ASSET: Final = frozenset({"close_asset", "open_asset", "payout"})

log = logging.getLogger("practice.quotex")


class QuotexFace:
    """Everything of the practice Quotex behind one port.

    Args:
        faults: its own, apart from those of other venues.
        data_dir: where the authority of its certificate is kept; None keeps it for this run.
    """

    name = "quotex"

    def __init__(
        self,
        market: PracticeMarket,
        faults: Faults,
        clock: Clock,
        *,
        rng: random.Random,
        data_dir: Path | None = None,
        rate: float = 1.0,
    ) -> None:
        self.faults = faults
        self.market = Market(market.latents, market.store, clock, rate=rate)
        self.accounts = Accounts(market.store)
        self.desk = Desk(self.market, self.accounts, market.store)
        self.logins = Logins(self.accounts, market.store)
        self.hub = Hub(self.market, self.desk, self.logins, faults)
        self.site = Site(self.logins, self.desk, faults, self._open_socket)
        self.web = WebServer(self.site, faults, rng=rng)
        self.tls = PracticeTls(None if data_dir is None else data_dir / "quotex")
        self._context = self.tls.context()
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._timers: list[asyncio.TimerHandle] = []

    def _open_socket(self, request: HttpRequest) -> HttpResponse | Upgrade:
        cookies = request.headers.get("cookie", "")

        def take(peer: WsPeer) -> WsHandler:
            return Session(peer, self.hub, cookies)

        return take

    # ---- life ------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Open the port."""
        await self.web.start(tls=self._context)

    def start(self) -> list[asyncio.Task[Any]]:
        """Let the market live; the tasks are the caller's to cancel."""
        return [
            tasks.spawn(self._every(_STEP_S, self._step), name="practice.quotex.market"),
            tasks.spawn(self._every(_TIMER_S, self._tick), name="practice.quotex.timer"),
        ]

    async def _every(self, pause_s: float, act: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(pause_s)
            try:
                act()
            except Exception:
                # One bad step must not end the market.
                log.exception("a step of the practice Quotex failed")

    def _step(self) -> None:
        self.hub.push_quotes(self.market.step())

    def _tick(self) -> None:
        self.desk.on_timer()
        self.hub.on_timer(time.monotonic())

    def stop(self) -> None:
        """Forget what was to be taken back."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    async def close(self) -> None:
        """Close the port and every connection."""
        await self.web.stop()
        self.tls.close()

    def endpoints(self) -> dict[str, Any]:
        """Its entry in the endpoints file: addresses, what a sign-in needs, and a session that is ready."""
        first = self._login_row(self.accounts.first)
        return {
            "https": f"https://localhost:{self.web.port}",
            "wss": f"wss://localhost:{self.web.port}{SOCKET_PATH}?EIO=3&transport=websocket",
            "ca": str(self.tls.ca_file.absolute()),
            **first,
            "users": [self._login_row(user) for user in self.accounts.users.values()],
            "tournaments": [one.number for one in TOURNAMENTS],
        }

    def _login_row(self, user: User) -> dict[str, Any]:
        ready = self.logins.ready(user)
        return {
            "email": user.email,
            "password": user.password,
            "asks_pin": user.asks_pin,
            "pin": user.pin,
            "uid": user.uid,
            "token": ready.token,
            "cookies": ready.cookies,
            "user_agent": ready.agent,
        }

    # ---- rehearsal -------------------------------------------------------------------------------

    def _user(self, account: Any) -> User:
        """By number or e-mail; the first where none is named."""
        if not account:
            return self.accounts.first
        text = str(account)
        found = self.accounts.users.get(int(text)) if text.isdigit() else self.accounts.by_email(text)
        if found is None:
            raise ValueError(f"no such account: {account}")
        return found

    def hold(self, symbol: str, price: Decimal | None) -> None:
        """Hold an asset's price from now on and tell it, or let it go.

        Raises:
            ValueError: no such asset, or no price above zero.
        """
        self._require(symbol)
        row = self.market.hold(symbol, price)
        if row is not None:
            self.hub.push_quotes({symbol: [row]})

    def _require(self, symbol: str) -> None:
        if symbol not in self.market.assets:
            raise ValueError(f"no such asset: {symbol}")

    def set_balance(self, account: Any, wallet: str, amount: Decimal) -> None:
        """Another balance, told to whoever shows it.

        Raises:
            ValueError: no such account or wallet, or an amount below zero.
        """
        user = self._user(account)
        if wallet not in user.balances or not amount >= 0:
            raise ValueError(f"no such wallet or amount: {wallet}, {amount}")
        self.desk.set_balance(user, wallet, amount)
        self.desk.tell_balance(user, wallet)

    def demand_pin(self, account: Any, demand: bool) -> None:
        """Whether signing in needs the PIN."""
        self._user(account).asks_pin = demand

    def strike(self, fault: Fault) -> None:
        """Carry out a fault that acts at once.

        Raises:
            FaultRefused: a parameter that makes no sense.
        """
        seconds = fault.number("seconds", 0.0) or None
        asset = fault.text("asset")
        if fault.kind in _WITH_ASSET and asset not in self.market.assets:
            raise FaultRefused(f"no such asset: {asset}")
        if fault.kind == "clock_jump":
            self.desk.offset_ms = int(fault.number("offset_s", 300.0) * 1000)
            self._later(seconds, lambda: setattr(self.desk, "offset_ms", 0))
        elif fault.kind == "stale_clock":
            self.hub.stale_ms = self.hub.now_ms()
            self._later(seconds, lambda: setattr(self.hub, "stale_ms", None))
        elif fault.kind == "integer_ids":
            self.desk.integer_ids = True
            self._later(seconds, lambda: setattr(self.desk, "integer_ids", False))
        elif fault.kind == "old_tls":
            self._set_tls(ssl.TLSVersion.TLSv1_2)
            self._later(seconds, lambda: self._set_tls(ssl.TLSVersion.TLSv1_3))
        elif fault.kind == "expire_session":
            email = fault.text("email")
            self.logins.expire(self._user(email) if email else None)
        elif fault.kind == "namespace_disconnect":
            for session in tuple(self.hub.sessions):
                session.disconnect()
        elif fault.kind == "server_ping":
            for session in tuple(self.hub.sessions):
                session.text(PING, "ws/heartbeat")
        elif fault.kind == "close_asset":
            self.market.close_asset(asset)
            self._later(seconds, lambda: self.market.open_asset(asset))
        elif fault.kind == "open_asset":
            self.market.open_asset(asset)
            self._later(seconds, lambda: self.market.own_hours(asset))
        elif fault.kind == "payout":
            percent = int(fault.number("percent", 50))
            if not 1 <= percent <= 100:
                raise FaultRefused("percent must be from 1 to 100")
            self.market.set_payout(asset, percent)
            self._later(seconds, lambda: self.market.set_payout(asset, None))

    def _set_tls(self, version: ssl.TLSVersion) -> None:
        """For connections that are made from now on."""
        if version is ssl.TLSVersion.TLSv1_2:
            self._context.minimum_version = self._context.maximum_version = version
        else:
            self._context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
            self._context.minimum_version = version

    def _later(self, seconds: float | None, action: Callable[[], None]) -> None:
        if seconds is not None:
            self._timers.append(asyncio.get_running_loop().call_later(seconds, action))

    def reset(self, account: str | None) -> list[str]:
        """Begin one practice account (by number or e-mail), or all, anew."""
        users = [self._user(account)] if account else list(self.accounts.users.values())
        for user in users:
            self.desk.reset(user)
            for session in self.hub.authorised():
                if session.uid == user.uid:
                    session.send("balance", user.balance_row(session.wallet), "ws/data/balance")
                    session.send_lists()
        self.hub.requests.clear()
        return [str(user.uid) for user in users]

    def forgive(self) -> None:
        """There are no rate counters."""

    def restore(self) -> None:
        """Assets, clock, sessions and switches as at the start."""
        self.stop()
        self.market.restore()
        self.logins.restore()
        self._set_tls(ssl.TLSVersion.TLSv1_3)
        self.desk.offset_ms = 0
        self.desk.integer_ids = False
        self.hub.stale_ms = None
        for user, asks in zip(self.accounts.users.values(), (False, True), strict=True):
            user.asks_pin = asks

    def set_batch(self, seconds: float) -> None:
        """Ticks are told as they come; there is nothing to gather."""

    def told(self, account: str | None) -> Mapping[str, Any]:
        """Trading requests as they arrived, and what the desk has of an account, in the venue's own words."""
        user = self._user(account)
        offset = self.desk.offset_ms
        return {
            "requests": list(self.hub.requests),
            "opened": [row for wallet in user.balances for row in self.desk.opened_rows(user, wallet)],
            "closed": [one.row(offset) for one in self.desk.closed(user)],
            "pending": [row for wallet in user.balances for row in self.desk.pending_rows(user, wallet)],
            "balances": {wallet: format(amount, "f") for wallet, amount in user.balances.items()},
            "settings": user.settings,
        }

    def stats(self) -> Mapping[str, Any]:
        """Figures for the control API."""
        return {
            "requests": self.site.requests,
            "connections": len(self.hub.sessions),
            "authorised": len(self.hub.authorised()),
            "accepted": self.web.accepted,
            "charts": sorted({symbol for one in self.hub.sessions for symbol in one.charts}),
            "running": len(self.desk.deals),
            "pending": len(self.desk.pendings),
            "events": self.market.events,
            "sent": self.hub.sent,
            "pongs": self.hub.pongs,
            "open_assets": [symbol for symbol in self.market.assets if self.market.is_open(symbol)],
        }
