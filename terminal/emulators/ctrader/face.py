"""The practice venue's cTrader put together: two endpoints, the sign-in host, the market and the broker."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.emulators.ctrader.broker import Broker
from terminal.emulators.ctrader.dispatch import TRADING, Services, short_name
from terminal.emulators.ctrader.grants import REDIRECT, Grants
from terminal.emulators.ctrader.pages import AccountRow
from terminal.emulators.ctrader.past import LATEST_MS, Past
from terminal.emulators.ctrader.quotes import Quotes
from terminal.emulators.ctrader.rehearsal import Rehearsal
from terminal.emulators.ctrader.session import RequestId, Session
from terminal.emulators.ctrader.sign_in import AUTHORIZE_PATH, TOKEN_PATH, SignInSite
from terminal.emulators.ctrader.streams import Streams
from terminal.emulators.ctrader.symbols import SymbolTable
from terminal.emulators.ctrader.tls import PracticeTls
from terminal.emulators.ctrader.wire import Wire, WireServer, bad_certificate
from terminal.emulators.faults import Fault, Faults
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.web import WebServer
from terminal.venues.ctrader import openapi_pb2 as pb

_STEP_S: Final = 0.05
_FAST_STEP_S: Final = 0.01
_TIMER_S: Final = 0.25
_FAST_FROM: Final = 5.0
"""From this liveliness on the market steps more often."""
_REQUESTS_KEPT: Final = 5_000

log = logging.getLogger("practice.ctrader")


class CtraderFace:
    """Everything of the practice cTrader behind three ports.

    Args:
        faults: its own, apart from those of other venues.
        data_dir: where the authority of its certificates is kept; None keeps it for this run.
        many_symbols: so many shares more in the list of symbols.
    """

    name = "ctrader"

    def __init__(
        self,
        market: PracticeMarket,
        faults: Faults,
        clock: Clock,
        *,
        rng: random.Random,
        data_dir: Path | None = None,
        rate: float = 1.0,
        many_symbols: int = 0,
    ) -> None:
        self.market = market
        self.faults = faults
        self._clock = clock
        self._rng = rng
        self.table = SymbolTable(many_symbols)
        self.quotes = Quotes(self.table, market.latents, market.store, clock, rng=rng, rate=rate)
        self.broker = Broker(self.quotes, self.table, clock, market.store, rng, later=_later)
        self.broker.emit = self.emit
        self.broker.on_reset.append(self._disconnect_account)
        self.grants = Grants(market.store, clock, list(self.broker.accounts))
        self.streams = Streams(self.quotes, faults, rng)
        self.past = Past(self.quotes, faults, rng)
        self.services = Services(
            self.table, self.quotes, self.streams, self.past, self.grants, self.broker, faults
        )
        self.tls = PracticeTls(None if data_dir is None else data_dir / "ctrader")
        self.demo = self._listener("demo", is_live=False)
        self.live = self._listener("live", is_live=True)
        self.site = SignInSite(self.grants, faults, self._account_rows)
        self.web = WebServer(self.site, faults, rng=rng)
        self.sessions: set[Session] = set()
        self.rehearsal = Rehearsal(market, self.services, self.sessions)
        self.requests = 0
        self._noted: deque[dict[str, Any]] = deque(maxlen=_REQUESTS_KEPT)
        self.table.on_changed.append(self._on_symbol_changed)
        self.grants.on_invalid.append(self._on_token_invalid)

    def _listener(self, kind: str, *, is_live: bool) -> WireServer:
        def open_session(wire: Wire) -> Session:
            session = Session(
                wire, self.services, is_live=is_live, on_end=self.sessions.discard, note=self._note
            )
            self.sessions.add(session)
            return session

        return WireServer(kind, self.tls, self.faults, self._clock, rng=self._rng, open_session=open_session)

    # ---- life ------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Open the three ports."""
        await self.demo.start()
        await self.live.start()
        await self.web.start(
            tls=self.tls.choosing(lambda: bad_certificate(self.faults, "connect/ctrader/sign_in"))
        )

    def start(self) -> list[asyncio.Task[Any]]:
        """Let the market live; the tasks are the caller's to cancel."""
        return [
            tasks.spawn(self._live(), name="practice.ctrader.market"),
            tasks.spawn(self._tick(), name="practice.ctrader.timer"),
        ]

    async def _live(self) -> None:
        while True:
            try:
                self.quotes.step()
            except Exception:
                # One bad step must not end the market.
                log.exception("a step of the practice cTrader failed")
            await asyncio.sleep(_FAST_STEP_S if self.quotes.liveliness >= _FAST_FROM else _STEP_S)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TIMER_S)
            try:
                self.broker.on_timer(self._clock.wall_ns())
                self.grants.look()
                self.demo.beat()
                self.live.beat()
            except Exception:
                log.exception("the timer of the practice cTrader failed")

    def stop(self) -> None:
        """Forget what was to be taken back."""
        self.rehearsal.stop()

    async def close(self) -> None:
        """Close the ports and every connection."""
        await self.demo.stop()
        await self.live.stop()
        await self.web.stop()
        self.broker.close()
        self.tls.close()

    def endpoints(self, port: int) -> dict[str, Any]:
        """Its entry in the endpoints file."""
        site = f"https://localhost:{self.web.port}"
        first = self.grants.first
        return {
            "demo": f"localhost:{self.demo.port}",
            "live": f"localhost:{self.live.port}",
            "authorize": site + AUTHORIZE_PATH,
            "token": site + TOKEN_PATH,
            "redirect": REDIRECT,
            "ca": str(self.tls.ca_file.absolute()),
            "client_id": self.grants.client_id,
            "client_secret": self.grants.client_secret,
            "access_token": first.access,
            "refresh_token": first.refresh,
            "expires_ns": str(first.expires_ms * 1_000_000),
            "scope": first.scope,
            "login": "practice.trader",
        }

    # ---- between broker and clients --------------------------------------------------------------

    def emit(self, ctid: int, message: Message, request_id: str | None = None) -> None:
        """Take an event of an account to every connection that the account is signed in on.

        ``request_id`` goes to the connection that asked, and to no other.
        """
        name = short_name(type(message))
        is_profit = isinstance(message, pb.ProtoOAv1PnLChangeEvent)
        for session in tuple(self.sessions):
            if ctid not in session.accounts or (is_profit and not self.broker.watches_profit(ctid, session)):
                continue
            own = isinstance(request_id, RequestId) and request_id.session is session
            session.send(message, request_id if own else None, f"ctrader/{'ack' if own else 'data'}/{name}")

    def _account_rows(self) -> list[AccountRow]:
        return [
            AccountRow(
                ctid,
                account.login,
                account.broker,
                account.is_live,
                f"{'netted' if account.is_netted else 'hedged'}, {account.currency}",
            )
            for ctid, account in self.broker.accounts.items()
        ]

    def _on_symbol_changed(self, symbol_id: int) -> None:
        for session in tuple(self.sessions):
            for ctid in session.accounts:
                session.send(
                    pb.ProtoOASymbolChangedEvent(ctidTraderAccountId=ctid, symbolId=[symbol_id]),
                    None,
                    "ctrader/data/SymbolChangedEvent",
                )

    def _on_token_invalid(self, access_token: str, reason: str) -> None:
        for session in tuple(self.sessions):
            ctids = [ctid for ctid, token in session.accounts.items() if token == access_token]
            if ctids:
                session.invalidate(ctids, reason)

    def _note(self, session: Session, payload_type: int, message: Message) -> None:
        self.requests += 1
        if payload_type in TRADING:
            row: dict[str, Any] = {"method": short_name(type(message))}
            for field, value in message.ListFields():
                if isinstance(value, (int, float, str, bool)):
                    row[field.name] = value
            self._noted.append(row)

    # ---- faults and rehearsal --------------------------------------------------------------------

    def strike_connections(self, fault: Fault) -> int:
        """Carry out ``cut`` or ``half_open`` on open connections; returns on how many."""
        return sum(server.strike(fault) for server in (self.demo, self.live, self.web))

    def strike(self, fault: Fault) -> None:
        """Carry out a fault that acts at once.

        Raises:
            FaultRefused: a parameter that makes no sense.
        """
        self.rehearsal.strike(fault)

    def shock(self, symbol: str, percent: float) -> None:
        """Move the hidden price behind a symbol.

        Raises:
            ValueError: no such symbol, or not between -90 and +900 per cent.
        """
        self.rehearsal.shock(symbol, percent)

    def _disconnect_account(self, ctid: int) -> None:
        for session in tuple(self.sessions):
            if ctid in session.accounts:
                session.drop_account(ctid)

    def _ask(self, request: Message) -> Message:
        answer = self.broker.handle(request)
        assert answer is not None
        return answer

    def set_limits(self, values: Mapping[str, Any]) -> None:
        """``strict_windows``, ``silence_s`` and ``heartbeat_s``, where given.

        Raises:
            ValueError: no number above zero.
        """
        if "strict_windows" in values:
            self.past.strict = bool(values["strict_windows"])
        for name, attribute in (("silence_s", "silence_limit_s"), ("heartbeat_s", "heartbeat_every_s")):
            if name in values:
                seconds = float(values[name])
                if not seconds > 0:
                    raise ValueError(f"{name} must be above zero")
                setattr(self.demo, attribute, seconds)
                setattr(self.live, attribute, seconds)

    def reset(self, account: str | None) -> list[str]:
        """Begin one practice account (by its id), or all, anew."""
        ctids = [int(account)] if account else list(self.broker.accounts)
        for ctid in ctids:
            if ctid not in self.broker.accounts:
                raise ValueError(f"no such account: {ctid}")
        for ctid in ctids:
            self.broker.reset(ctid)
        self.forgive()
        self._noted.clear()
        return [str(ctid) for ctid in ctids]

    def forgive(self) -> None:
        """Empty the rate windows of every connection."""
        for session in self.sessions:
            session.forgive()

    def restore(self) -> None:
        """Symbols as at the start."""
        self.rehearsal.restore()

    def set_batch(self, seconds: float) -> None:
        """Depth is told as it changes; there is nothing to gather."""

    def told(self, account: str | None) -> Mapping[str, Any]:
        """Trading requests as they arrived, and what the broker has of an account, in the venue's own
        words."""
        ctid = int(account) if account else next(iter(self.broker.accounts))
        if ctid not in self.broker.accounts:
            raise ValueError(f"no such account: {ctid}")
        answers = (
            self._ask(pb.ProtoOATraderReq(ctidTraderAccountId=ctid)),
            self._ask(pb.ProtoOAReconcileReq(ctidTraderAccountId=ctid, returnProtectionOrders=True)),
            self._ask(
                pb.ProtoOADealListReq(ctidTraderAccountId=ctid, fromTimestamp=0, toTimestamp=LATEST_MS)
            ),
            self._ask(
                pb.ProtoOAOrderListReq(ctidTraderAccountId=ctid, fromTimestamp=0, toTimestamp=LATEST_MS)
            ),
        )
        found: dict[str, Any] = {"requests": list(self._noted)}
        for name, answer in zip(("trader", "now", "deals", "orders"), answers, strict=True):
            found[name] = MessageToDict(answer)
        return found

    def stats(self) -> Mapping[str, Any]:
        """Figures for the control API."""
        used = [session.used() for session in self.sessions] or [(0, 0)]
        return {
            "requests": self.requests,
            "windows": {
                "Requests": max(ordinary for ordinary, _ in used),
                "History requests": max(historical for _, historical in used),
            },
            "blocks": sum(session.blocks for session in self.sessions),
            "connections": len(self.sessions),
            "accepted": self.demo.accepted + self.live.accepted,
            "accounts": sorted(ctid for session in self.sessions for ctid in session.accounts),
            "subscriptions": self.streams.count,
            "watched": len(self.quotes.watched),
            "events": self.quotes.events,
            "sent": sum(wire.sent for server in (self.demo, self.live) for wire in server.wires),
            "sign_in_requests": self.site.requests,
        }


def _later(delay_s: float, act: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(delay_s, act)
