"""Faults to order: what may go wrong at a practice venue, for tests and for a person's rehearsal.

A fault is ordered over the control API, or by :meth:`Faults.order`, and waits until something it matches
comes by. What comes by is named by a *subject*, a path of words:

* ``connect/rest``, ``connect/ws``: a connection or an upgrade,
* ``rest/trade/AddOrder``, ``rest/read/Balance``, ``rest/public/Depth``: a REST call by its name,
* ``ws/trade/add_order``, ``ws/read/subscribe``: a request over a WebSocket, ``ws/ack/add_order``: its answer,
* ``ws/data/book/BTC/USD``, ``ws/data/executions``, ``ws/heartbeat``, ``ws/status``: what the venue sends,
* ``connect/ctrader/demo``, ``ctrader/trade/NewOrderReq``, ``ctrader/read/TraderReq``,
  ``ctrader/history/GetTrendbarsReq``, ``ctrader/ack/TraderReq``, ``ctrader/data/SpotEvent/EURUSD``,
  ``ctrader/data/ExecutionEvent`` (``ack`` where it answers a request), ``ctrader/heartbeat``, and
  ``rest/sign_in/token``: the same of a venue that speaks protobuf,
* ``rest/trade/order``, ``ws/trade/order``, ``ws/data/books/BTC-USDT``: those of a venue with kinds of its
  own, see :mod:`terminal.emulators.okx.kinds`. Each venue has its own faults, also on a port it shares.

``match`` is a pattern over the subject (``*`` and ``?`` as in file names); without those, any part of it.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NS_PER_S: Final = 1_000_000_000

KINDS: Final[dict[str, str]] = {
    "drop": "frames to the client are lost; the connection stays",
    "delay": "answers and frames come later: delay_s, jitter_s",
    "half_open": "open connections swallow every byte both ways; new ones too while seconds run",
    "cut": "open connections are reset at once; with code, closed by a WebSocket close frame",
    "refuse": "new connections are reset as soon as they are accepted",
    "hang": "new connections are accepted and never answered",
    "book_gap": "a book update is left out; the next checksums know of it",
    "wrong_checksum": "a book message carries a wrong checksum",
    "http_429": "REST answers 429; retry_after",
    "http_5xx_html": "REST answers a 5xx with an HTML page: status (520), acts",
    "html_200": "REST answers 200 with an HTML page; acts",
    "ws_429": "a WebSocket upgrade is answered 429; retry_after",
    "redirect": "REST calls and upgrades are redirected: location",
    "accept_lose_answer": "a request is carried out and never answered; close=true resets the connection",
    "swallow_request": "a request is neither carried out nor answered",
    "error": "a request is answered with an error text: error, acts",
    "duplicate_private": "a message of the private stream is sent twice",
    "reorder_private": "two neighbouring messages of the private stream change places",
    "sequence_gap": "a message of the private stream is left out, its sequence number used up",
    "expire_token": "every WebSocket token is void; close=true closes the private connections (code)",
    "clock_jump": "the venue's clock is off by offset_s from now on, or for seconds",
    "silence": "pings and requests are answered, no data and no heartbeat is sent",
    "garbage": "random bytes in the stream, or text=... as a frame, or as a REST body",
    "truncate": "half a frame or body, then the end of the connection",
    "oversize": "a frame or body of so many bytes (16 MiB); gzip=true: a small body that unpacks to them",
    "slow_drip": "bytes come one at a time: interval_s, bytes",
    "status": "system=online|maintenance|cancel_only|post_only, or status=... of one symbol",
    "nan_prices": "a price in a data frame is replaced by value (NaN)",
    "crossed_book": "a book update crosses the book, its checksum right",
    "price_spike": "prices of a ticker or trade row are multiplied by factor (100)",
    "delist": "symbol=... is no longer traded",
    "tick_change": "symbol=... gets another price increment: tick_size",
}
"""Every kind of a venue that speaks HTTP and WebSocket, and what it does."""

IMMEDIATE: Final = frozenset(
    {"cut", "half_open", "expire_token", "clock_jump", "status", "delist", "tick_change"}
)
"""Kinds that act when ordered; the others wait for something to match."""

_TRADE_BY_DEFAULT: Final = frozenset({"accept_lose_answer", "swallow_request", "error"})
"""Kinds that mean trading requests unless ``match`` says otherwise."""

_RESERVED: Final = frozenset({"kind", "count", "seconds", "match", "after"})


class FaultRefused(ValueError):
    """The order for a fault makes no sense; the text says why."""


@dataclass(slots=True)
class Fault:
    """One ordered fault, armed until its count or its time has run out."""

    kind: str
    match: str = "*"
    count: int | None = 1
    """How many more times it strikes; None = until its time is over."""
    until_ns: int | None = None
    """Monotonic."""
    after: int = 0
    """How many matching things it lets pass first."""
    params: dict[str, Any] = field(default_factory=dict)
    struck: int = 0

    def matches(self, subject: str) -> bool:
        if self.match in ("*", ""):
            return True
        if "*" in self.match or "?" in self.match:
            return fnmatch.fnmatchcase(subject, self.match)
        return self.match in subject

    def number(self, name: str, default: float) -> float:
        """A numeric parameter."""
        value = self.params.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return default
        return float(value)

    def text(self, name: str, default: str = "") -> str:
        """A text parameter."""
        value = self.params.get(name, default)
        return value if isinstance(value, str) else default

    def flag(self, name: str, default: bool = False) -> bool:
        """A yes-or-no parameter."""
        value = self.params.get(name, default)
        return value if isinstance(value, bool) else default


class Faults:
    """The armed faults of one practice venue.

    Args:
        kinds: those that the venue knows, and what they do.
        immediate: those of them that act when ordered.
    """

    def __init__(
        self,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        *,
        kinds: Mapping[str, str] = KINDS,
        immediate: frozenset[str] = IMMEDIATE,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._kinds = kinds
        self.immediate = immediate
        self._armed: list[Fault] = []
        self.active = False
        """True while any fault is armed: the short way out for the hot paths."""
        self.struck: dict[str, int] = {}
        """How often each kind struck since the start."""

    def order(self, request: Mapping[str, Any]) -> Fault:
        """Arm a fault: ``{"kind", "count", "seconds", "match", "after", ...parameters}``.

        Without count and seconds it strikes once; with seconds alone, as often as something matches.

        Raises:
            FaultRefused: unknown kind or a figure that is none.
        """
        kind = request.get("kind")
        if not isinstance(kind, str) or kind not in self._kinds:
            raise FaultRefused(f"unknown kind of fault: {kind!r}")
        count, seconds, after = request.get("count"), request.get("seconds"), request.get("after", 0)
        match = request.get("match", "*/trade/*" if kind in _TRADE_BY_DEFAULT else "*")
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise FaultRefused("count must be a whole number above zero")
        if seconds is not None and (
            isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 1e7
        ):
            raise FaultRefused("seconds must be a number above zero")
        if isinstance(after, bool) or not isinstance(after, int) or after < 0:
            raise FaultRefused("after must be a whole number")
        if not isinstance(match, str):
            raise FaultRefused("match must be a text")
        fault = Fault(
            kind=kind,
            match=match,
            count=1 if count is None and seconds is None else count,
            until_ns=None if seconds is None else self._monotonic_ns() + int(seconds * NS_PER_S),
            after=after,
            params={name: value for name, value in request.items() if name not in _RESERVED},
        )
        if kind not in self.immediate or (kind == "half_open" and seconds is not None):
            self._armed.append(fault)
            self.active = True
        else:
            self.struck[kind] = self.struck.get(kind, 0) + 1
        return fault

    def take(self, kind: str, subject: str) -> Fault | None:
        """The first armed fault of this kind that matches; its count goes down by one."""
        if not self.active:
            return None
        self._forget_past()
        for fault in self._armed:
            if fault.kind != kind or not fault.matches(subject):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.struck += 1
            self.struck[kind] = self.struck.get(kind, 0) + 1
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self._armed.remove(fault)
                    self.active = bool(self._armed)
            return fault
        return None

    def clear(self, kind: str | None = None) -> None:
        """Disarm everything, or one kind."""
        self._armed = [fault for fault in self._armed if kind is not None and fault.kind != kind]
        self.active = bool(self._armed)

    def rows(self) -> list[dict[str, Any]]:
        """What is armed now, for the control API."""
        self._forget_past()
        now = self._monotonic_ns()
        return [
            {
                "kind": fault.kind,
                "match": fault.match,
                "count": fault.count,
                "seconds_left": None if fault.until_ns is None else (fault.until_ns - now) / NS_PER_S,
                "struck": fault.struck,
                **fault.params,
            }
            for fault in self._armed
        ]

    def _forget_past(self) -> None:
        now = self._monotonic_ns()
        if any(fault.until_ns is not None and fault.until_ns <= now for fault in self._armed):
            self._armed = [fault for fault in self._armed if fault.until_ns is None or fault.until_ns > now]
            self.active = bool(self._armed)
