"""One WebSocket v2 connection: status on opening, subscriptions, answers, heartbeat.

Kraken WebSocket v2 frame rules, read 2026-08: an answer per symbol with the request's ``req_id``; the
snapshot comes before any update; a heartbeat each second in which nothing else was sent, once there is a
subscription; a connection without subscriptions and traffic is closed after a minute.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from terminal.emulators.faults import Faults
from terminal.emulators.kraken import errors
from terminal.emulators.kraken.auth import QUERY_CLOSED, QUERY_FUNDS, QUERY_OPEN, Gatekeeper, PracticeKey
from terminal.emulators.kraken.book_feed import BOOK_DEPTHS, LEVEL3_DEPTHS
from terminal.emulators.kraken.errors import ApiError
from terminal.emulators.kraken.orders import ws_flag, ws_integer, ws_text
from terminal.emulators.kraken.params import loads
from terminal.emulators.kraken.private_feed import PrivateFeed, Subscription
from terminal.emulators.kraken.public_feed import OHLC_MINUTES, PublicFeed
from terminal.emulators.kraken.record import Record
from terminal.emulators.kraken.state import VenueState
from terminal.emulators.kraken.wire import encode, iso_us
from terminal.emulators.kraken.ws_trading import Answer, WsTradingCalls
from terminal.emulators.web import WsPeer, text_frame

IDLE_CLOSE_S: Final = 60
EXECUTION_BEFORE_ACK: Final = 0.3
"""How often an order's executions overtake the answer to its request."""

_PUBLIC: Final = frozenset({"ticker", "book", "trade", "ohlc", "instrument"})
_PRIVATE: Final = frozenset({"executions", "balances"})
_SUBSCRIPTION_METHODS: Final = frozenset({"subscribe", "unsubscribe"})
_HEARTBEAT: Final = text_frame(b'{"channel":"heartbeat"}')

Key = tuple[str, str, object]
"""Channel, symbol, depth or interval or trigger: what makes a subscription one of its own."""


class WsSession:
    """The venue's end of one connection."""

    def __init__(
        self,
        peer: WsPeer,
        *,
        connection_id: int,
        state: VenueState,
        gate: Gatekeeper,
        public: PublicFeed,
        private: PrivateFeed,
        trading: WsTradingCalls,
        faults: Faults,
        record: Record,
        rng: random.Random,
        on_end: Callable[[WsSession], None],
    ) -> None:
        self.peer = peer
        self._connection_id = connection_id
        self._state = state
        self._gate = gate
        self._public = public
        self._private = private
        self._trading = trading
        self._faults = faults
        self._record = record
        self._rng = rng
        self._on_end = on_end
        self._undo: dict[Key, Callable[[], None]] = {}
        self._mute_answers = False
        self.send_status()

    # ---- life ------------------------------------------------------------------------------------

    @property
    def has_private(self) -> bool:
        """It carries a private subscription."""
        return any(key[0] in _PRIVATE or key[0] == "level3" for key in self._undo)

    def send_status(self) -> None:
        """The system's status: on opening and at every change."""
        row = {
            "api_version": "v2",
            "connection_id": self._connection_id,
            "system": self._state.system,
            "version": "2.0.10",
        }
        self.peer.send_text(encode({"channel": "status", "type": "update", "data": [row]}), "ws/status")

    def tick(self, now_ns: int) -> None:
        """About once a second: the heartbeat, or the end of an idle connection."""
        if self._undo:
            if now_ns - self.peer.last_sent_ns >= 950_000_000:
                self.peer.send_frame(_HEARTBEAT, "ws/heartbeat")
        elif now_ns - max(self.peer.last_received_ns, self.peer.opened_ns) > IDLE_CLOSE_S * 1_000_000_000:
            self.peer.close(1000, "idle")

    def on_closed(self) -> None:
        """The connection is gone: its subscriptions with it."""
        self.drop_subscriptions()
        self._on_end(self)

    def drop_subscriptions(self, symbol: str | None = None) -> None:
        """End all of them, or those of one symbol, without a word."""
        for key in [one for one in self._undo if symbol is None or one[1] == symbol]:
            self._undo.pop(key)()

    # ---- requests --------------------------------------------------------------------------------

    def on_message(self, text: str) -> None:
        """One request from the client."""
        time_in = self._state.wall_ns()
        try:
            request = loads(text)
        except ValueError:
            self._refuse("Malformed request", time_in)
            return
        if not isinstance(request, dict):
            self._refuse("Malformed request", time_in)
            return
        req_id = request.get("req_id")
        if req_id is not None and (isinstance(req_id, bool) or not isinstance(req_id, int)):
            self._refuse("Malformed request", time_in)
            return
        method = request.get("method")
        if not isinstance(method, str):
            self._refuse("Event(s) not found", time_in, req_id=req_id)
            return
        if method in self._trading.calls:
            kind = "trade"
            self._record.note_ws(method, request.get("params"))
        elif method in _SUBSCRIPTION_METHODS or method == "ping":
            kind = "read"
        else:
            self._refuse("Unsupported event", time_in, method=method, req_id=req_id)
            return
        self._faulty_dispatch(method, kind, request, req_id, time_in)

    def _faulty_dispatch(
        self, method: str, kind: str, request: dict[str, Any], req_id: int | None, time_in: int
    ) -> None:
        subject = f"ws/{kind}/{method}"
        if self._faults.active:
            if self._faults.take("swallow_request", subject) is not None:
                return
            fault = self._faults.take("error", subject)
            if fault is not None:
                if fault.flag("acts"):
                    self._act_silently(method, request, req_id, time_in)
                text = fault.text("error", "EService:Busy")
                self._answer(method, Answer(error=text), time_in, req_id)
                return
            fault = self._faults.take("accept_lose_answer", subject)
            if fault is not None:
                self._act_silently(method, request, req_id, time_in)
                if fault.flag("close"):
                    self.peer.close(1012, "service restart")
                return
        self._dispatch(method, request, req_id, time_in)

    def _act_silently(self, method: str, request: dict[str, Any], req_id: int | None, time_in: int) -> None:
        self._mute_answers = True
        try:
            self._dispatch(method, request, req_id, time_in)
        finally:
            self._mute_answers = False

    def _dispatch(self, method: str, request: dict[str, Any], req_id: int | None, time_in: int) -> None:
        if method == "ping":
            if "params" in request:
                text = "Unsupported field: 'params' for the given msg type: ping"
                self._answer("ping", Answer(error=text), time_in, req_id)
                return
            pong: dict[str, Any] = {"method": "pong"}
            if req_id is not None:
                pong["req_id"] = req_id
            self._send_answer("pong", pong, time_in)
            return
        params = request.get("params")
        if not isinstance(params, dict):
            self._answer(method, Answer(error="Malformed request"), time_in, req_id)
            return
        if method == "subscribe":
            self._subscribe(params, req_id, time_in)
        elif method == "unsubscribe":
            self._unsubscribe(params, req_id, time_in)
        else:
            self._trade(method, params, req_id, time_in)

    # ---- answers ---------------------------------------------------------------------------------

    def _answer(
        self,
        method: str,
        answer: Answer,
        time_in: int,
        req_id: int | None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        message: dict[str, Any] = {"method": method}
        if req_id is not None:
            message["req_id"] = req_id
        if answer.result is not None and not (answer.error and isinstance(answer.result, dict)):
            message["result"] = answer.result
        if answer.error:
            message["error"] = answer.error
            if isinstance(answer.result, dict):
                message.update(answer.result)
        message["success"] = not answer.error
        if extra:
            message.update(extra)
        self._send_answer(method, message, time_in)

    def _send_answer(self, method: str, message: dict[str, Any], time_in: int) -> None:
        if self._mute_answers:
            return
        message["time_in"] = iso_us(time_in)
        message["time_out"] = iso_us(self._state.wall_ns())
        self.peer.send_text(encode(message), f"ws/ack/{method}")

    def _refuse(self, text: str, time_in: int, *, method: str = "", req_id: int | None = None) -> None:
        message: dict[str, Any] = {"error": text, "success": False}
        if method:
            message["method"] = method
        if req_id is not None:
            message["req_id"] = req_id
        self._send_answer(method or "unknown", message, time_in)

    # ---- trading ---------------------------------------------------------------------------------

    def _trade(self, method: str, params: dict[str, Any], req_id: int | None, time_in: int) -> None:
        if "token" not in params:
            self._answer(method, Answer(error="Token(s) not found"), time_in, req_id)
            return
        try:
            key = self._gate.token_key(params["token"])
        except ApiError as error:
            self._answer(method, Answer(error=error.text), time_in, req_id)
            return
        answers = self._trading.run(method, key, params)
        if self._rng.random() < EXECUTION_BEFORE_ACK:
            self._private.publish()
        for answer in answers:
            self._answer(method, answer, time_in, req_id)

    # ---- subscriptions ---------------------------------------------------------------------------

    def _subscribe(self, params: dict[str, Any], req_id: int | None, time_in: int) -> None:
        channel = params.get("channel")
        try:
            if not isinstance(channel, str) or channel not in _PUBLIC | _PRIVATE | {"level3"}:
                raise ApiError("Subscription name invalid")
            if channel in _PRIVATE:
                self._subscribe_private(channel, params, req_id, time_in)
                return
            if channel == "instrument":
                self._subscribe_instrument(params, req_id, time_in)
                return
            if channel == "level3":
                self._private_key(params)
            symbols, option = self._symbols(params), self._option(channel, params)
            default_snapshot = channel != "trade"
            wants_snapshot = ws_flag(params, "snapshot", default_snapshot)
        except ApiError as error:
            self._answer("subscribe", Answer(error=error.text), time_in, req_id)
            return
        for symbol in symbols:
            self._subscribe_symbol(channel, symbol, option, wants_snapshot, req_id, time_in)

    def _subscribe_symbol(
        self, channel: str, symbol: Any, option: object, snapshot: bool, req_id: int | None, time_in: int
    ) -> None:
        text = self._symbol_error(symbol)
        key: Key = (channel, str(symbol), option)
        if not text and key in self._undo:
            text = "Already subscribed"
        if text:
            self._answer("subscribe", Answer(error=text), time_in, req_id, {"symbol": symbol})
            return
        result: dict[str, Any] = {"channel": channel, "symbol": symbol, "snapshot": snapshot}
        result.update(_option_field(channel, option))
        if channel == "ohlc":
            result["warnings"] = ["timestamp is deprecated, use interval_begin"]
        self._answer("subscribe", Answer(result), time_in, req_id)
        self._undo[key] = self._attach(channel, symbol, option, snapshot)

    def _attach(self, channel: str, symbol: str, option: Any, snapshot: bool) -> Callable[[], None]:
        """Join a pair's channel, snapshot first; returns how to leave it."""
        feed = self._public.pairs[symbol]
        send = self.peer.send_frame
        subject = f"ws/data/{channel}/{symbol}"
        if channel in ("book", "level3"):
            book = feed.book if channel == "book" else feed.level3
            book.add(option, send)
            if snapshot:
                send(book.snapshot(option), subject)
            return lambda: book.remove(option, send)
        if channel == "trade":
            feed.flush()
            if snapshot:
                send(feed.trade_snapshot(), subject)
            feed.trades.add(send)
            return lambda: feed.trades.discard(send)
        if channel == "ohlc":
            if snapshot:
                send(feed.bars_snapshot(option), subject)
            feed.ohlc.setdefault(option, set()).add(send)
            return lambda: feed.ohlc[option].discard(send)
        if snapshot:
            send(text_frame(encode(feed.ticker_message("snapshot"))), subject)
        feed.tickers[option].add(send)
        return lambda: feed.tickers[option].discard(send)

    def _subscribe_instrument(self, params: dict[str, Any], req_id: int | None, time_in: int) -> None:
        snapshot = ws_flag(params, "snapshot", True)
        key: Key = ("instrument", "", None)
        if key in self._undo:
            raise ApiError("Already subscribed")
        result = {"channel": "instrument", "snapshot": snapshot}
        self._answer("subscribe", Answer(result), time_in, req_id)
        send = self.peer.send_frame
        if snapshot:
            send(self._public.instrument_snapshot(), "ws/data/instrument")
        self._public.instruments.add(send)
        self._undo[key] = lambda: self._public.instruments.discard(send)

    def _private_key(self, params: dict[str, Any]) -> PracticeKey:
        if "token" not in params:
            raise ApiError("Token(s) not found")
        return self._gate.token_key(params["token"])

    def _subscribe_private(
        self, channel: str, params: dict[str, Any], req_id: int | None, time_in: int
    ) -> None:
        key = self._private_key(params)
        needed = {QUERY_FUNDS} if channel == "balances" else {QUERY_OPEN, QUERY_CLOSED}
        if not key.permissions & needed:
            raise ApiError(errors.PERMISSION_DENIED)
        name: Key = (channel, "", None)
        if name in self._undo:
            raise ApiError("Already subscribed")
        token = str(params["token"])
        if channel == "executions":
            options = {
                "snap_orders": ws_flag(params, "snap_orders", True),
                "snap_trades": ws_flag(params, "snap_trades", False),
            }
            result: dict[str, Any] = {
                "channel": channel,
                "maxratecount": int(key.tier.engine_max),
                **options,
                "warnings": ["cancel_reason is deprecated, use reason"],
            }
        else:
            options = {"snapshot": ws_flag(params, "snapshot", True)}
            result = {"channel": channel, **options}
        subscription = Subscription(
            channel=channel,
            key=key,
            token=token,
            send=self.peer.send_text,
            every_status=ws_flag(params, "order_status", True),
            rate_counter=ws_flag(params, "ratecounter", False),
            snapshot_options=options,
        )
        self._answer("subscribe", Answer(result), time_in, req_id)
        self._gate.hold_token(token)
        self._private.add(subscription)

        def undo() -> None:
            self._private.remove(subscription)
            self._gate.release_token(token)

        self._undo[name] = undo

    def _unsubscribe(self, params: dict[str, Any], req_id: int | None, time_in: int) -> None:
        channel = params.get("channel")
        try:
            if not isinstance(channel, str) or channel not in _PUBLIC | _PRIVATE | {"level3"}:
                raise ApiError("Subscription name invalid")
            if channel in _PRIVATE or channel == "instrument":
                if channel in _PRIVATE:
                    self._private_key(params)
                keys: list[tuple[Any, Key]] = [(None, (channel, "", None))]
            else:
                option = self._option(channel, params)
                keys = [(one, (channel, str(one), option)) for one in self._symbols(params)]
        except ApiError as error:
            self._answer("unsubscribe", Answer(error=error.text), time_in, req_id)
            return
        for symbol, key in keys:
            undo = self._undo.pop(key, None)
            extra = {} if symbol is None else {"symbol": symbol}
            if undo is None:
                text = self._symbol_error(symbol) if symbol is not None else ""
                answer = Answer(error=text or "Subscription not found")
                self._answer("unsubscribe", answer, time_in, req_id, extra)
                continue
            undo()
            result = {"channel": channel, **extra, **_option_field(channel, key[2])}
            self._answer("unsubscribe", Answer(result), time_in, req_id)

    # ---- checks ----------------------------------------------------------------------------------

    def _symbols(self, params: dict[str, Any]) -> list[Any]:
        symbols = params.get("symbol")
        if not isinstance(symbols, list) or not symbols:
            raise ApiError("Symbol(s) not found")
        if len(symbols) > 1000:
            raise ApiError("Malformed request")
        return symbols

    def _symbol_error(self, symbol: Any) -> str:
        if not isinstance(symbol, str) or symbol.count("/") != 1 or len(symbol) > 30:
            return f"Currency pair not in ISO 4217-A3 format {symbol}"
        if symbol not in self._public.pairs or self._state.status_of(symbol) == "delisted":
            return f"Currency pair not supported {symbol}"
        return ""

    def _option(self, channel: str, params: dict[str, Any]) -> object:
        """Depth, interval or trigger of a subscription."""
        if channel in ("book", "level3"):
            depth = ws_integer(params, "depth")
            allowed = BOOK_DEPTHS if channel == "book" else LEVEL3_DEPTHS
            if depth is None:
                depth = 10
            if depth not in allowed:
                raise ApiError("Subscription depth not supported")
            return depth
        if channel == "ohlc":
            minutes = ws_integer(params, "interval")
            if minutes is None:
                minutes = 1
            if minutes not in OHLC_MINUTES:
                raise ApiError("Subscription ohlc interval not supported")
            return minutes
        if channel == "ticker":
            trigger = ws_text(params, "event_trigger", "trades")
            if trigger not in ("trades", "bbo"):
                raise ApiError("EGeneral:Invalid arguments:event_trigger")
            return trigger
        return None


def _option_field(channel: str, option: object) -> dict[str, Any]:
    name = {"book": "depth", "level3": "depth", "ohlc": "interval", "ticker": "event_trigger"}.get(channel)
    return {} if name is None else {name: option}
