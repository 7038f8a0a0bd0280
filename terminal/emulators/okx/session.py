"""One WebSocket connection of the practice OKX: login, subscriptions, orders, ping and pong.

OKX API v5 "WebSocket", read 2026-07: three paths with channels of their own; an acknowledgement for each
arg; a connection that was sent nothing for 30 s is closed with 4004.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from terminal.emulators.faults import Faults
from terminal.emulators.okx.auth import Gatekeeper, OkxKey
from terminal.emulators.okx.buckets import Buckets, Limit
from terminal.emulators.okx.calls import OrderCalls
from terminal.emulators.okx.errors import OkxError
from terminal.emulators.okx.private_feed import CHANNELS as PRIVATE
from terminal.emulators.okx.private_feed import PrivateFeed, Subscription
from terminal.emulators.okx.public_feed import CHANNELS as PUBLIC
from terminal.emulators.okx.public_feed import PublicFeed
from terminal.emulators.okx.wire import Row, encode, us
from terminal.emulators.web import WsPeer

IDLE_NS: Final = 30_000_000_000
OPERATIONS: Final = Limit(480, 3600.0, "connection")
EARLY_PUSH: Final = 0.3
"""How often an order's pushes overtake the answer to its request."""
ORDER_OPS: Final[dict[str, tuple[str, bool]]] = {
    "order": ("place", False),
    "batch-orders": ("place", True),
    "cancel-order": ("cancel", False),
    "batch-cancel-orders": ("cancel", True),
    "amend-order": ("amend", False),
    "batch-amend-orders": ("amend", True),
}
_TIERED: Final = frozenset({"books-l2-tbt", "books50-l2-tbt", "fills"})
_KINDS: Final = frozenset({"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS", "ANY"})
_WITH_KIND: Final = frozenset({"orders", "positions", "orders-algo"})


class Hub:
    """What the connections share."""

    def __init__(
        self,
        gate: Gatekeeper,
        public: PublicFeed,
        private: PrivateFeed,
        calls: OrderCalls,
        buckets: Buckets,
        faults: Faults,
        wall_ns: Callable[[], int],
        rng: random.Random,
    ) -> None:
        self.gate = gate
        self.public = public
        self.private = private
        self.calls = calls
        self.buckets = buckets
        self.faults = faults
        self.wall_ns = wall_ns
        self.rng = rng
        self.sessions: set[Session] = set()
        self.idle_ns = IDLE_NS
        self.takes_inst_id = False
        """WebSocket orders may name ``instId`` instead of ``instIdCode``, as before March 2026."""
        self.status_row: Callable[[], Row] = dict
        self.note_order: Callable[[str, Any], None] = lambda op, args: None


class Session:
    """The venue's end of one connection.

    Args:
        path: public, private or business.
    """

    def __init__(self, peer: WsPeer, hub: Hub, path: str) -> None:
        self.peer = peer
        self.path = path
        self.key: OkxKey | None = None
        self._hub = hub
        self._id = f"{hub.rng.getrandbits(32):08x}"
        self._undo: dict[tuple[str, ...], Callable[[], None]] = {}
        self._mute = False
        hub.sessions.add(self)

    # ---- life ------------------------------------------------------------------------------------

    def tick(self, now_ns: int) -> None:
        """Each half second: the end of a connection on which nothing was sent."""
        if now_ns - self.peer.last_sent_ns >= self._hub.idle_ns:
            self.peer.close(4004, "No data received in 30s.")

    def notice(self) -> None:
        """Tell that the connection will soon be closed."""
        self._error(OkxError("64008"), "", event="notice")

    def on_closed(self) -> None:
        """The connection is gone: its subscriptions with it."""
        for undo in self._undo.values():
            undo()
        self._undo.clear()
        self._hub.sessions.discard(self)

    # ---- requests --------------------------------------------------------------------------------

    def on_message(self, text: str) -> None:
        """One message from the client."""
        if text == "ping":
            self.peer.send_text(b"pong", "ws/pong")
            return
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict) or not isinstance(request.get("op"), str):
            self._error(OkxError("60012", text), "")
            return
        request_id, op = request.get("id"), request["op"]
        if request_id is None:
            request_id = ""
        if (
            not isinstance(request_id, str)
            or len(request_id) > 32
            or (request_id and not request_id.isalnum())
        ):
            self._error(OkxError("60033", "id"), "")
            return
        is_order = op in ORDER_OPS
        if is_order:
            self._hub.note_order(op, request.get("args"))
        faults = self._hub.faults
        if not faults.active:
            self._dispatch(op, request, request_id, text)
            return
        subject = f"ws/{'trade' if is_order else 'read'}/{op}"
        if faults.take("swallow_request", subject) is not None:
            return
        fault = faults.take("error", subject)
        if fault is not None:
            if fault.flag("acts"):
                self._silently(op, request, request_id, text)
            error = OkxError(fault.text("code", "50026"), text=fault.text("msg"))
            if is_order:
                self._answer(op, request_id, error.code, error.text, [])
            else:
                self._error(error, request_id)
            return
        fault = faults.take("accept_lose_answer", subject)
        if fault is not None:
            self._silently(op, request, request_id, text)
            if fault.flag("close"):
                self.peer.close(1012, "service restart")
            return
        self._dispatch(op, request, request_id, text)

    def _silently(self, op: str, request: Row, request_id: str, text: str) -> None:
        self._mute = True
        try:
            self._dispatch(op, request, request_id, text)
        finally:
            self._mute = False

    def _dispatch(self, op: str, request: Row, request_id: str, text: str) -> None:
        try:
            if op in ORDER_OPS:
                self._order(op, request, request_id)
                return
            if op not in ("login", "subscribe", "unsubscribe"):
                raise OkxError("60019", op)
            args = request.get("args")
            if not isinstance(args, list) or not args or not all(isinstance(one, dict) for one in args):
                raise OkxError("60012", text)
            self._hub.buckets.take(OPERATIONS, "operations", self._id, code="60014")
            if op == "login":
                self._login(args)
                return
            for arg in args:
                try:
                    (self._subscribe if op == "subscribe" else self._unsubscribe)(arg, request_id)
                except OkxError as error:
                    self._error(error, request_id)
        except OkxError as error:
            self._error(error, request_id)

    # ---- answers ---------------------------------------------------------------------------------

    def _send(self, message: Row, op: str) -> None:
        if not self._mute:
            self.peer.send_text(encode(message), f"ws/ack/{op}")

    def _error(self, error: OkxError, request_id: str, *, event: str = "error") -> None:
        message = {"event": event, "code": error.code, "msg": error.text, "connId": self._id}
        self._send({"id": request_id, **message} if request_id else message, "error")

    def _acknowledge(self, event: str, arg: Row, request_id: str) -> None:
        message = {"event": event, "arg": arg, "connId": self._id}
        self._send({"id": request_id, **message} if request_id else message, event)

    def _answer(self, op: str, request_id: str, code: str, msg: str, data: list[Row], since: int = 0) -> None:
        now = self._hub.wall_ns()
        self._send(
            {
                "id": request_id,
                "op": op,
                "code": code,
                "msg": msg,
                "data": data,
                "inTime": us(since or now),
                "outTime": us(now),
            },
            op,
        )

    # ---- login and orders ------------------------------------------------------------------------

    def _login(self, args: list[Any]) -> None:
        if self.path == "public":
            raise OkxError("60028")
        if len(args) > 1 or self.key is not None:
            raise OkxError("60031")
        try:
            self.key = self._hub.gate.login(args[0])
        except OkxError as error:
            self._error(error, "")
            self.peer.close(4001, "Login failed")
            return
        self._send({"event": "login", "code": "0", "msg": "", "connId": self._id}, "login")

    def _order(self, op: str, request: Row, request_id: str) -> None:
        since = self._hub.wall_ns()
        if self.path != "private":
            raise OkxError("60028")
        if self.key is None:
            raise OkxError("60011")
        if not request_id:
            raise OkxError("60027", "id")
        act, is_batch = ORDER_OPS[op]
        args = request.get("args")
        try:
            if not isinstance(args, list) or not args or (len(args) > 1 and not is_batch):
                raise OkxError("60013")
            rows = [self._with_name(one) for one in args]
            exp_time = request.get("expTime", "")
            answer = self._hub.calls.run(
                self.key,
                act,
                rows,
                is_batch=is_batch,
                exp_time=exp_time if isinstance(exp_time, str) else "-",
            )
        except OkxError as error:
            self._answer(op, request_id, error.code, error.text, [], since)
            return
        if self._hub.rng.random() < EARLY_PUSH:
            self._hub.private.publish()
        # A single operation that failed is told by its row; the text above it stays empty.
        msg = answer.msg if is_batch else ""
        self._answer(op, request_id, answer.code, msg, answer.data, since)

    def _with_name(self, values: Any) -> Mapping[str, Any]:
        """The element with the instrument's name in place of its code."""
        if not isinstance(values, dict):
            raise OkxError("60013")
        code, exchange = values.get("instIdCode"), self._hub.public.rows.exchange
        if isinstance(code, str) and code.isdigit() and len(code) < 18:
            code = int(code)
        if isinstance(code, int) and not isinstance(code, bool):
            one = exchange.by_code.get(code)
            return {**values, "instId": one.inst_id if one is not None else ""}
        if self._hub.takes_inst_id and isinstance(values.get("instId"), str):
            return values
        raise OkxError("51000", text="Parameter instIdCode error")

    # ---- subscriptions ---------------------------------------------------------------------------

    def _subscribe(self, arg: Row, request_id: str) -> None:
        channel = arg.get("channel")
        if not isinstance(channel, str):
            raise OkxError("60027", "channel")
        key = tuple(sorted(f"{name}={value}" for name, value in arg.items()))
        start = self._begin(channel, arg)
        self._acknowledge("subscribe", arg, request_id)
        if key not in self._undo:
            self._undo[key] = start()
            self._count(channel)

    def _count(self, channel: str) -> None:
        """How many connections of the account have this private channel now."""
        if self.key is None or (channel not in PRIVATE and channel != "orders-algo"):
            return
        subscriptions = self._hub.private.subscriptions
        count = sum(one.channel == channel and one.uid == self.key.account for one in subscriptions)
        message = {"event": "channel-conn-count", "channel": channel, "connCount": str(count)}
        self._send({**message, "connId": self._id}, "channel-conn-count")

    def _begin(self, channel: str, arg: Row) -> Callable[[], Callable[[], None]]:
        """Check a subscription; returns what begins it and gives what ends it."""
        public, send = self._hub.public, self.peer.send_frame
        home = next((path for path, names in PUBLIC.items() if channel in names), "")
        if channel in ("instruments", "status"):
            home = "public"
        elif channel in PRIVATE or channel == "orders-algo":
            home = "private" if channel in PRIVATE else "business"
        elif channel in _TIERED:
            raise OkxError("64003")
        if not home:
            raise OkxError("60018", f"channel:{channel}")
        if home != self.path:
            raise OkxError("60018" if home == "business" else "60008", channel)
        if channel in PRIVATE or channel == "orders-algo":
            return self._begin_private(channel, arg)
        if channel == "status":
            return lambda: self._begin_status(send)
        if channel == "instruments":
            kind = arg.get("instType")
            if kind not in _KINDS:
                raise OkxError("60018", f"instType:{kind}")

            def begin_kind() -> Callable[[], None]:
                public.join_kind(str(kind), send)
                return lambda: public.leave_kind(str(kind), send)

            return begin_kind
        feed = public.feeds.get(str(arg.get("instId")))
        if feed is None or (channel == "funding-rate" and not feed.one.is_swap):
            raise OkxError("60018", f"channel:{channel},instId:{arg.get('instId')}")

        def begin() -> Callable[[], None]:
            feed.join(channel, send)
            return lambda: feed.leave(channel, send)

        return begin

    def _begin_status(self, send: Callable[[bytes, str], None]) -> Callable[[], None]:
        group = self._hub.public.status
        group.add(send)
        return lambda: group.discard(send)

    def _begin_private(self, channel: str, arg: Row) -> Callable[[], Callable[[], None]]:
        if self.key is None:
            raise OkxError("60011")
        if channel in _WITH_KIND and arg.get("instType") not in _KINDS:
            raise OkxError("60018", f"channel:{channel},instType:{arg.get('instType')}")
        subscription = Subscription(self.key.account, channel, arg, self._send_private)
        private = self._hub.private

        def begin() -> Callable[[], None]:
            private.join(subscription)
            return lambda: private.leave(subscription)

        return begin

    def _send_private(self, payload: bytes, subject: str) -> None:
        self.peer.send_text(payload, subject)

    def _unsubscribe(self, arg: Row, request_id: str) -> None:
        key = tuple(sorted(f"{name}={value}" for name, value in arg.items()))
        undo = self._undo.pop(key, None)
        if undo is not None:
            undo()
        self._acknowledge("unsubscribe", arg, request_id)
