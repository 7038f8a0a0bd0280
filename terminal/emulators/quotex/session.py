"""One socket of the practice Quotex: opening, authorization, pings, and what the client asks for.

Frames are section 4, the opening sequence section 5 of the protocol reference: before the authorization
everything but it is ignored, after it the lists come unasked.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any, Final

from terminal.emulators.quotex import wire
from terminal.emulators.quotex.accounts import User, wallet_of
from terminal.emulators.quotex.calls import Calls
from terminal.emulators.quotex.hub import Hub
from terminal.emulators.quotex.logins import WebSession
from terminal.emulators.quotex.mangle import frames, mangled
from terminal.emulators.web import WsPeer

AUTHORISE_S: Final = 10.0
QUIET_S: Final = 60.0
"""A socket from which nothing at all came for so long is closed; any frame counts, a WebSocket ping too."""
_PRIVATE: Final = frozenset(
    {"orders/open", "orders/cancel", "pending/create", "pending/cancel", "account/change", "demo/refill"}
)
_MOST_NOTED: Final = 5_000

log = logging.getLogger("practice.quotex")


class Session:
    """The venue's end of one WebSocket.

    Args:
        cookies: of the upgrade request.
    """

    def __init__(self, peer: WsPeer, hub: Hub, cookies: str) -> None:
        self.peer = peer
        self.hub = hub
        self._cookies = cookies
        self.login: WebSession | None = None
        self.user: User | None = None
        self.wallet = ""
        self.charts: dict[str, int] = {}
        """Period in seconds by asset."""
        self.moods: set[str] = set()
        self.old_moods: set[str] = set()
        self.all_sizes: set[str] = set()
        self.wants_signals = False
        self.is_dead = False
        """Its namespace is gone: nothing more is said."""
        self._calls = Calls(self, hub)
        self._opened = time.monotonic()
        hub.sessions.add(self)
        self.text(wire.opening(secrets.token_urlsafe(15)), "ws/ack/open")
        fault = hub.faults.take("connect_error", "ws/ack/connect")
        if fault is None:
            self.text(wire.CONNECTED, "ws/ack/connect")
        else:
            self.text(b"44" + wire.encode({"message": fault.text("error", "Unavailable")}), "ws/ack/connect")
            self.is_dead = True

    @property
    def uid(self) -> int:
        """Of whoever is signed in; 0 for nobody."""
        return 0 if self.user is None else self.user.uid

    # ---- out -------------------------------------------------------------------------------------

    def text(self, payload: bytes, subject: str) -> None:
        """Send one text frame."""
        self.hub.sent += 1
        self.peer.send_text(payload, subject)

    def send(self, name: str, data: Any, subject: str) -> None:
        """Send an event with its data attached."""
        if self.is_dead or not self.peer.is_open:
            return
        hub = self.hub
        hub.sent += 1
        if not hub.faults.active:
            ready = frames(name, data)
        else:
            other = ("balance", self.user.balance_row(self.wallet) if self.user is not None else {})
            ready = mangled(name, data, hub.faults, subject, other)
        for frame in ready:
            self.peer.send_frame(frame, subject)

    def say(self, name: str, *data: Any) -> None:
        """Send an event inline."""
        if not self.is_dead:
            self.text(wire.inline(name, *data), f"ws/ack/{name}")

    def push_moods(self) -> None:
        """Send what traders expect, for the assets that were asked for."""
        if self.moods:
            rows = [[symbol, self.hub.buyers(symbol)] for symbol in sorted(self.moods)]
            self.send("depth/change", rows, "ws/data/depth/change")
        for symbol in sorted(self.old_moods):
            buyers = self.hub.buyers(symbol)
            row = {"asset": symbol, "sentiment": {"buy": buyers, "sell": 100 - buyers}}
            self.send("sentiment", row, "ws/data/sentiment")

    # ---- in --------------------------------------------------------------------------------------

    def on_message(self, text: str) -> None:
        """One frame of the client."""
        if self.is_dead:
            return
        if text == "2":
            self.text(wire.PONG, "ws/ack/pong")
        elif text == "3":
            self.hub.pongs += 1
        elif text == "1" or text.startswith("41"):
            self.peer.close(1000, "")
        else:
            event = wire.read_event(text)
            if event is None:
                return
            if event.name == "authorization":
                self._authorise(event.data)
            elif self.user is not None:
                self._asked(event)

    def _asked(self, event: wire.Event) -> None:
        faults = self.hub.faults
        kind = "trade" if event.name in _PRIVATE else "read"
        if event.name in _PRIVATE:
            self.hub.requests.append({"method": event.name, "data": event.data})
            del self.hub.requests[:-_MOST_NOTED]
        if faults.active and faults.take("swallow_request", f"ws/{kind}/{event.name}") is not None:
            return
        try:
            self._calls.carry_out(event, f"ws/{kind}/{event.name}")
        except Exception:
            # One bad request must not end the connection.
            log.exception("%s failed", event.name)

    def _authorise(self, data: Any) -> None:
        hub = self.hub
        token = data.get("session") if isinstance(data, dict) else None
        login = hub.logins.by_token(token, self._cookies) if isinstance(token, str) else None
        wallet = wallet_of(data.get("isDemo"), data.get("tournamentId")) if isinstance(data, dict) else None
        refused = hub.faults.take("reject_session", "ws/read/authorization") is not None
        if login is None or wallet is None or refused:
            self.say("authorization/reject")
            return
        self.login, self.user, self.wallet = login, hub.logins.user_of(login), wallet
        self.say("s_authorization")
        assert self.user is not None
        self.send("settings/list", self.user.settings, "ws/data/settings/list")
        self.send("balance/list", self.user.balance_row(wallet), "ws/data/balance/list")
        hub.push_table([self])
        self.send_lists()

    def send_lists(self) -> None:
        """Running and ended deals of the wallet."""
        assert self.user is not None
        desk = self.hub.desk
        opened = desk.opened_rows(self.user, self.wallet)
        self.send("orders/opened/list", opened, "ws/data/orders/opened/list")
        closed = desk.closed_rows(self.user, self.wallet)
        self.send("orders/closed/list", closed, "ws/data/orders/closed/list")

    # ---- life ------------------------------------------------------------------------------------

    def reject(self) -> None:
        """Its token is void: told, and closed."""
        self.say("authorization/reject")
        self.user = None
        self._leave()
        self.peer.close(1000, "")

    def disconnect(self) -> None:
        """The namespace is taken away (41); the socket stays, silent."""
        self.text(wire.DISCONNECTED, "ws/data/disconnect")
        self.is_dead = True

    def tick(self) -> None:
        """Close it where the client does not come in or has gone quiet."""
        late = self.user is None and time.monotonic() - self._opened > AUTHORISE_S
        quiet = time.monotonic_ns() - self.peer.last_received_ns > QUIET_S * 1e9
        if late or quiet:
            self.peer.close(1000, "")

    def open_chart(self, symbol: str, period: int) -> None:
        """Stream an asset's quotes from now on."""
        if symbol not in self.charts:
            self.hub.market.watch(symbol)
        self.charts[symbol] = period

    def close_chart(self, symbol: str) -> None:
        """No longer."""
        if self.charts.pop(symbol, None) is not None:
            self.hub.market.unwatch(symbol)
        self.all_sizes.discard(symbol)

    def _leave(self) -> None:
        for symbol in list(self.charts):
            self.close_chart(symbol)

    def on_closed(self) -> None:
        """The connection is gone."""
        self._leave()
        self.hub.sessions.discard(self)
