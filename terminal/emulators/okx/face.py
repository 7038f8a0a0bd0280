"""The practice venue's OKX: everything of this folder put together.

Paths are OKX's own: ``/api/v5/...`` and ``/ws/v5/public``, ``/private``, ``/business``, on the port that
the practice venues share.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.emulators.faults import Fault, FaultRefused, Faults
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.okx.algos import Algos
from terminal.emulators.okx.auth import Gatekeeper, OkxKey, make_keys
from terminal.emulators.okx.booking import Booking
from terminal.emulators.okx.buckets import Buckets, Limit
from terminal.emulators.okx.calls import OrderCalls
from terminal.emulators.okx.delivery import Delivery
from terminal.emulators.okx.desk import Desk
from terminal.emulators.okx.errors import OkxError
from terminal.emulators.okx.exchange import FUNDING_NS, OkxExchange
from terminal.emulators.okx.ledger import FUTURES_MODE, SPOT_MODE
from terminal.emulators.okx.orders import order_row
from terminal.emulators.okx.placing import Placing
from terminal.emulators.okx.positions import Positions
from terminal.emulators.okx.private_feed import REGULAR_S, PrivateFeed
from terminal.emulators.okx.public_feed import PublicFeed, Rows
from terminal.emulators.okx.rest_account import AccountCalls
from terminal.emulators.okx.rest_public import PublicCalls
from terminal.emulators.okx.rest_trade import ORDER_PATHS, TradeCalls
from terminal.emulators.okx.session import Hub, Session
from terminal.emulators.okx.wire import Row, encode, ms, us
from terminal.emulators.web import HttpRequest, HttpResponse, Upgrade, WsHandler, WsPeer

REST: Final = "/api/v5/"
WS_PATHS: Final = {f"/ws/v5/{name}": name for name in ("public", "private", "business")}
FIRST_UID: Final = 446_556_844_500_001
SECOND_UID: Final = 446_556_844_500_002
SPOT_UID: Final = 446_556_844_500_003
CONNECTS_PER_S: Final = 12
"""OKX allows three in a second of an address; here every client of the machine has the same one."""
_TRADING: Final = frozenset({
    *ORDER_PATHS, "trade/close-position", "trade/cancel-all-after", "trade/order-algo", "trade/cancel-algos",
    "trade/amend-algos",
})  # fmt: skip
_ROW_ANSWERS: Final = frozenset({"trade/order-algo", "trade/cancel-algos", "trade/amend-algos"})
_REQUESTS_KEPT: Final = 5_000

log = logging.getLogger("practice.okx")


class OkxFace:
    """REST and WebSocket v5 in front of the practice OKX's own market."""

    name = "okx"

    def __init__(
        self, market: PracticeMarket, faults: Faults, clock: Clock, *, rng: random.Random, rate: float = 1.0
    ) -> None:
        self.faults = faults
        self.first = FIRST_UID
        self._clock = clock
        self._store = market.store
        self._offset_ns = 0
        self._system = ""
        self._status_since = clock.wall_ns()
        self._timers: list[asyncio.TimerHandle] = []
        self._requests: deque[Row] = deque(maxlen=_REQUESTS_KEPT)
        self.requests = 0
        self.exchange = OkxExchange(market, clock, rate=rate)
        self.desk = Desk(self.exchange)
        self.booking = Booking(self.desk)
        self.placing = Placing(self.desk)
        self.positions = Positions(self.desk, self.placing)
        self.delivery = Delivery(self.desk)
        self.algos = Algos(self.desk, self.placing)
        for uid, mode in ((FIRST_UID, FUTURES_MODE), (SECOND_UID, FUTURES_MODE), (SPOT_UID, SPOT_MODE)):
            self.desk.open_account(uid, mode)
            self.algos.load(uid)
        self.delivery.settle_missed()
        self.exchange.begin()
        self.desk.flush()
        self.keys = self._load_keys()
        self.gate = Gatekeeper(self.keys, self.wall_ns)
        self.buckets = Buckets(clock.monotonic_ns)
        self.rows = Rows(self.exchange, self.desk.suspended, self.desk.delisted)
        self.public = PublicFeed(self.rows, faults, rng)
        self.private = PrivateFeed(self.desk, faults)
        self.algos.tell = self.private.on_algo
        self.order_calls = OrderCalls(self.placing, self.buckets, faults, self.wall_ns)
        self.trade_calls = TradeCalls(self.desk, self.placing, self.algos)
        self._public_calls = PublicCalls(self.public, self.status_row, self.wall_ns)
        self._private_calls = {
            **AccountCalls(self.desk, self.positions, self._public_calls).calls,
            **self.trade_calls.calls,
        }
        self._private_paths = {path for _, path in self._private_calls} | set(ORDER_PATHS)
        self.hub = Hub(
            self.gate, self.public, self.private, self.order_calls, self.buckets, faults, self.wall_ns, rng
        )
        self.hub.note_order = self._note_ws
        self._connects = Limit(CONNECTS_PER_S, 1.0, "ip")
        self.exchange.wanted = self._wanted
        self.exchange.after_step = self.after_step

    def wall_ns(self) -> int:
        """The venue's clock, which a rehearsal may have set wrong."""
        return self._clock.wall_ns() + self._offset_ns

    def _load_keys(self) -> list[OkxKey]:
        """The keys of earlier runs, or a fresh set."""
        rows = self._store.get("okx:keys")
        if isinstance(rows, list):
            return [OkxKey.from_row(row) for row in rows]
        keys = make_keys(FIRST_UID, SECOND_UID, SPOT_UID)
        self._store.put("okx:keys", [key.row() for key in keys])
        return keys

    def _wanted(self) -> set[str]:
        """Instruments that somebody listens to, or has an order, a position or a stop in."""
        return self.public.wanted() | self.desk.wanted() | {one.inst_id for one in self.algos.live.values()}

    # ---- life ------------------------------------------------------------------------------------

    def start(self) -> list[asyncio.Task[Any]]:
        """Begin to send; the tasks are the caller's to cancel."""
        return [
            tasks.spawn(self.public.run(), name="practice.okx.public"),
            tasks.spawn(self._tick(), name="practice.okx.tick"),
        ]

    def start_market(self) -> asyncio.Task[Any]:
        """Let the market live; the task is the caller's to cancel."""
        return tasks.spawn(self.exchange.run(), name="practice.okx.market")

    async def _tick(self) -> None:
        regular_due = time.monotonic() + REGULAR_S
        while True:
            await asyncio.sleep(0.5)
            now = time.monotonic_ns()
            for session in tuple(self.hub.sessions):
                session.tick(now)
            if time.monotonic() >= regular_due:
                regular_due = time.monotonic() + REGULAR_S
                self.private.regular()

    def after_step(self) -> None:
        """What follows from new prices: stops fire, funding and liquidations, and all is written."""
        self.algos.watch()
        self.positions.pace()
        self.delivery.pace()
        self.desk.flush()

    def stop(self) -> None:
        """Forget timers and write the run's bars; connections are the server's to close."""
        self.trade_calls.stop_timers()
        self.private.stop()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.desk.flush()
        self.exchange.persist()

    def endpoints(self, port: int) -> dict[str, Any]:
        """Its entry in the endpoints file."""
        main = self.keys[0].row()
        return {
            "rest": f"http://127.0.0.1:{port}",
            **{f"ws_{name}": f"ws://127.0.0.1:{port}{path}" for path, name in WS_PATHS.items()},
            "key": main["key"],
            "secret": main["secret"],
            "passphrase": main["passphrase"],
            "demo": "1",
            "keys": [key.row() for key in self.keys],
        }

    # ---- HTTP ------------------------------------------------------------------------------------

    def owns(self, path: str) -> bool:
        """This face answers requests of that path."""
        return path.startswith(REST) or path in WS_PATHS

    def subject_of(self, path: str) -> str:
        """The fault subject of a REST call."""
        name = path.removeprefix(REST)
        if name not in self._private_paths:
            return f"rest/public/{name}"
        return f"rest/trade/{name.removeprefix('trade/')}" if name in _TRADING else f"rest/read/{name}"

    def on_arrival(self, request: HttpRequest) -> None:
        """Note a trading call, before any fault."""
        name = request.path.removeprefix(REST)
        if name in _TRADING and request.method == "POST":
            try:
                body = json.loads(request.body)
            except (ValueError, RecursionError):
                body = None
            self._note("rest", name, body if isinstance(body, list) else [body])

    def _note_ws(self, op: str, args: Any) -> None:
        self._note("ws", op, args if isinstance(args, list) else [])

    def _note(self, by: str, method: str, rows: list[Any]) -> None:
        ids = [
            str(row[name])
            for row in rows
            if isinstance(row, dict)
            for name in ("clOrdId", "algoClOrdId")
            if row.get(name)
        ]
        self._requests.append({"by": by, "method": method, "clOrdIds": ids})

    def on_request(self, request: HttpRequest) -> HttpResponse:
        """Answer one REST call."""
        self.requests += 1
        since = self.wall_ns()
        try:
            code, msg, data = self._call(request)
        except OkxError as error:
            return self._response({"code": error.code, "msg": error.text, "data": []}, error.status)
        except Exception:
            log.exception("%s failed", request.path)
            failure = OkxError("50026")
            return self._response({"code": failure.code, "msg": failure.text, "data": []}, failure.status)
        answer: Row = {"code": code, "msg": msg, "data": data}
        name = request.path.removeprefix(REST)
        if name in ORDER_PATHS and request.method == "POST":
            answer.update(inTime=us(since), outTime=us(self.wall_ns()))
        return self._response(answer, 200)

    def _response(self, answer: Row, status: int) -> HttpResponse:
        return HttpResponse(status, encode(answer), headers=(("Cache-Control", "no-store"),))

    def _call(self, request: HttpRequest) -> tuple[str, str, list[Any]]:
        if not self.faults.active:
            return self._dispatch(request)
        subject = self.subject_of(request.path)
        fault = self.faults.take("rate_limit", subject)
        if fault is not None:
            raise _Told("50011", int(fault.number("status", 429)))
        fault = self.faults.take("error", subject)
        if fault is not None:
            if fault.flag("acts"):
                self._dispatch(request)
            error = OkxError(fault.text("code", "50026"), text=fault.text("msg"))
            if not fault.flag("row"):
                raise error
            row = {"clOrdId": "", "ordId": "", "tag": "", "ts": ms(self.wall_ns()), "subCode": ""}
            return "1", "All operations failed", [{**row, "sCode": error.code, "sMsg": error.text}]
        return self._dispatch(request)

    def _dispatch(self, request: HttpRequest) -> tuple[str, str, list[Any]]:
        name, method = request.path.removeprefix(REST), request.method.upper()
        if self._system and name not in ("system/status", "public/time"):
            raise OkxError("50001")
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        public = self._public_calls.calls.get(name)
        if public is not None:
            if method not in ("GET", "HEAD"):
                raise OkxError("50115")
            self._meter(public[1], name, "127.0.0.1", query)
            return "0", "", public[0](query)
        if name not in self._private_paths:
            raise OkxError("50005")
        is_order = method == "POST" and name in ORDER_PATHS
        private = self._private_calls.get((method, name))
        if private is None and not is_order:
            raise OkxError("50115")
        key = self.gate.admit(request)
        params = self._body(request) if method == "POST" else query
        if is_order:
            return self._order(key, name, params, request)
        assert private is not None
        if name != "trade/cancel-algos" and not isinstance(params, dict):
            raise OkxError("50002")
        self._meter(private[1], name, str(key.account), params if isinstance(params, dict) else {})
        data = private[0](key, params)
        if method == "POST" and name in _ROW_ANSWERS:
            failed = sum(row["sCode"] != "0" for row in data)
            code = "0" if not failed else "1" if failed == len(data) else "2"
            return code, "" if code == "0" else OkxError(code).text, data
        return "0", "", data

    def _meter(self, limit: Limit, name: str, who: str, params: Mapping[str, Any]) -> None:
        part = {"inst": "instId", "type": "instType", "tag": "tag"}.get(limit.scope.partition("+")[2], "")
        self.buckets.take(limit, "call", name, who, str(params.get(part, "")) if part else "")

    def _order(self, key: OkxKey, name: str, params: Any, request: HttpRequest) -> tuple[str, str, list[Any]]:
        act, is_batch = ORDER_PATHS[name]
        rows = params if is_batch else [params]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise OkxError("50002")
        exp_time = request.headers.get("exptime", "")
        answer = self.order_calls.run(key, act, rows, is_batch=is_batch, exp_time=exp_time)
        return answer.code, answer.msg, answer.data

    def _body(self, request: HttpRequest) -> Any:
        if "json" not in request.headers.get("content-type", "").lower():
            raise OkxError("50006")
        try:
            return json.loads(request.body) if request.body else {}
        except (ValueError, RecursionError):
            raise OkxError("50002") from None

    # ---- WebSocket -------------------------------------------------------------------------------

    def on_upgrade(self, request: HttpRequest) -> HttpResponse | Upgrade:
        """Take a WebSocket on one of the known paths."""
        path = WS_PATHS.get(request.path)
        if path is None:
            return HttpResponse(404, b"Not Found", "text/plain")
        try:
            self.buckets.take(self._connects, "connects")
        except OkxError:
            return HttpResponse(429, b"Too Many Requests", "text/plain")

        def take(peer: WsPeer) -> WsHandler:
            return Session(peer, self.hub, path)

        return take

    # ---- status ----------------------------------------------------------------------------------

    def status_row(self) -> Row:
        """As ``system/status`` tells it."""
        return {
            "title": "Practice maintenance" if self._system else "Practice maintenance, over",
            "state": "ongoing" if self._system else "completed",
            "begin": ms(self._status_since),
            "end": ms(self._status_since + 3_600_000_000_000),
            "preOpenBegin": "",
            "href": "",
            "serviceType": "5",
            "system": "unified",
            "scheDesc": "",
            "maintType": "1",
            "env": "2",
            "ts": ms(self.wall_ns()),
        }

    def _set_system(self, text: str) -> None:
        self._system = "" if text in ("", "online") else text
        self._status_since = self.wall_ns()
        self.public.tell_status(self.status_row())

    def _suspend(self, inst_id: str, is_suspended: bool) -> None:
        one = self.exchange.instruments[inst_id]
        (self.desk.suspended.add if is_suspended else self.desk.suspended.discard)(inst_id)
        self.public.tell_instrument(one)

    def _delist(self, inst_id: str) -> None:
        """Take every order out and the instrument off the lists."""
        for account in self.desk.accounts.values():
            for order in list(account.open_orders.values()):
                if order.symbol == inst_id:
                    self.desk.drop(order, "0")
        self.desk.flush()
        self.desk.delisted.add(inst_id)
        self._suspend(inst_id, True)

    def _tick_size(self, inst_id: str, size: Decimal | None) -> None:
        one = self.exchange.instruments[inst_id]
        if size is None:
            self.rows.tick_sizes.pop(inst_id, None)
        else:
            self.rows.tick_sizes[inst_id] = size
        self.public.tell_instrument(one)

    # ---- faults and rehearsal --------------------------------------------------------------------

    def strike(self, fault: Fault) -> None:
        """Carry out a fault that acts at once.

        Raises:
            FaultRefused: a parameter that makes no sense.
        """
        seconds = fault.number("seconds", 0.0) or None
        inst_id = fault.text("inst_id")
        if (inst_id or fault.kind in ("delist", "tick_change")) and inst_id not in self.exchange.instruments:
            raise FaultRefused(f"no such instrument: {inst_id}")
        if fault.kind == "clock_jump":
            self._offset_ns = int(fault.number("offset_s", 3600.0) * 1e9)
            self._later(seconds, lambda: setattr(self, "_offset_ns", 0))
        elif fault.kind == "expire_login":
            for session in tuple(self.hub.sessions):
                if session.key is not None:
                    session.peer.close(int(fault.number("code", 4007)), "login expired")
        elif fault.kind == "notice":
            for session in tuple(self.hub.sessions):
                session.notice()
                self._later(fault.number("close_s", 60.0), self._closing(session))
        elif fault.kind == "status" and inst_id:
            self._suspend(inst_id, True)
            self._later(seconds, lambda: self._suspend(inst_id, False))
        elif fault.kind == "status":
            self._set_system(fault.text("system", "maintenance"))
            self._later(seconds, lambda: self._set_system(""))
        elif fault.kind == "delist":
            self._delist(inst_id)
            self._later(seconds, lambda: self._relist(inst_id))
        elif fault.kind == "tick_change":
            self._tick_size(inst_id, Decimal(str(fault.params.get("tick_size", "1"))))
            self._later(seconds, lambda: self._tick_size(inst_id, None))
        elif fault.kind == "post_only_quiet":
            self.placing.push_live_when_crossing = fault.flag("off")
        elif fault.kind == "inst_id_orders":
            self.hub.takes_inst_id = not fault.flag("off")
        elif fault.kind == "funding":
            self.positions.pay_funding(self._clock.wall_ns() // FUNDING_NS)
        elif fault.kind == "delivery":
            if not inst_id or not self.exchange.instruments[inst_id].is_dated:
                raise FaultRefused(f"no dated future: {inst_id}")
            self.exchange.expire(inst_id)
            self.delivery.deliver_ended()
            self.after_step()
        elif fault.kind == "liquidate":
            self.positions.liquidate_all()

    def _closing(self, session: Session) -> Callable[[], None]:
        return lambda: session.peer.close(1001, "service upgrade")

    def _relist(self, inst_id: str) -> None:
        self.desk.delisted.discard(inst_id)
        self._suspend(inst_id, False)

    def _later(self, seconds: float | None, action: Callable[[], None]) -> None:
        if seconds is not None:
            self._timers.append(asyncio.get_running_loop().call_later(seconds, action))

    def reset(self, account: str | None) -> list[str]:
        """Begin a practice account (or all of them) anew, with full buckets."""
        known = [str(uid) for uid in self.desk.accounts]
        if account is not None and account not in known:
            raise ValueError(f"no such account: {account}")
        done = [account] if account else known
        for one in done:
            self.trade_calls.stop_timers(int(one))
            self.algos.drop_all(int(one))
            self.desk.reset(int(one))
        self.forgive()
        self._requests.clear()
        return done

    def forgive(self) -> None:
        """All buckets full again."""
        self.buckets.fill()

    def restore(self) -> None:
        """Status, instruments, clock and switches as at the start."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._offset_ns = 0
        self.placing.push_live_when_crossing = True
        self.hub.takes_inst_id = False
        for inst_id in list(self.desk.suspended):
            self._relist(inst_id)
        self.exchange.revive()
        for inst_id in list(self.rows.tick_sizes):
            self._tick_size(inst_id, None)
        if self._system:
            self._set_system("")

    def set_batch(self, seconds: float) -> None:
        """How long book changes gather."""
        self.public.set_batch(seconds)

    def set_limits(self, values: Mapping[str, Any]) -> None:
        """Other limits of connections and of idle books, in seconds."""
        if "connects_per_s" in values:
            self._connects = Limit(int(values["connects_per_s"]), 1.0, "ip")
        if "idle_s" in values:
            self.hub.idle_ns = int(float(values["idle_s"]) * 1e9)
        if "book_idle_s" in values:
            for feed in self.public.feeds.values():
                feed.book.idle_ns = int(float(values["book_idle_s"]) * 1e9)
        if "timer_rate" in values:
            self.trade_calls.set_timer_rate(float(values["timer_rate"]))

    def told(self, account: str | None) -> Mapping[str, Any]:
        """The venue's own record of an account: requests as they arrived, orders, fills, balances."""
        uid = int(account) if account else FIRST_UID
        desk = self.desk
        orders = [*desk.closed[uid], *desk.open_orders(uid)]
        return {
            "requests": list(self._requests),
            "orders": [order_row(order, self.exchange.traded(order)) for order in orders],
            "fills": list(desk.fills[uid]),
            "balances": desk.money.balance_row(desk.accounts[uid])["details"],
            "positions": [
                desk.money.position_row(desk.accounts[uid], one)
                for one in desk.accounts[uid].positions.values()
            ],
            "algos": [
                *(self.algos.row(one) for one in self.algos.ended[uid]),
                *(self.algos.row(one) for one in self.algos.live.values() if one.uid == uid),
            ],
            "buckets": self.buckets.rows(str(uid)),
        }

    def stats(self) -> Mapping[str, Any]:
        """Figures for the control API."""
        return {
            "requests": self.requests,
            "connections": len(self.hub.sessions),
            "book_messages": self.public.messages(),
            "sent": sum(session.peer.sent for session in self.hub.sessions),
            "system": self._system or "online",
            "open_orders": {str(uid): len(self.desk.open_orders(uid)) for uid in self.desk.accounts},
        }


class _Told(OkxError):
    """An error with an HTTP status of its own."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self._status = status

    @property
    def status(self) -> int:
        return self._status
