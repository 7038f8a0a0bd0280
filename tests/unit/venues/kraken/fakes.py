"""A link, an HTTP client and a Kraken written by hand, for tests without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec

from terminal.core import tasks
from terminal.domain.errors import AuthRejected, NotSent, VenueError
from terminal.domain.events import LinkState, VenueEvent

RECEIVED = 1_700_000_000_000_000_000


class FakeLink:
    """Stands for one WebSocket: opens when told, keeps what is sent, and plays frames."""

    def __init__(
        self,
        *,
        name: str,
        url: Callable[[], str],
        on_frame: Callable[[str | bytes, int], object],
        on_open: Callable[[object], Awaitable[None]],
        on_state: Callable[[LinkState, str], object],
    ) -> None:
        self.name = name
        self.url = url
        self.state = LinkState.OFF
        self.reconnects = 0
        self.last_frame_ns: int | None = None
        self.is_open = False
        self.sent: list[dict[str, Any]] = []
        self.reconnect_reasons: list[str] = []
        self.answer: Callable[[dict[str, Any]], list[str]] = lambda request: []
        """Makes the frames that answer a request; they arrive in the next turn of the loop."""
        self._on_frame = on_frame
        self._on_open = on_open
        self._on_state = on_state

    def start(self) -> None:
        self._set(LinkState.CONNECTING, "")
        tasks.spawn(self.open(), name=f"open {self.name}")

    async def open(self) -> None:
        """Let the socket open and the stream sign in and subscribe."""
        self.is_open = True
        try:
            await self._on_open(self)
        except AuthRejected as error:
            self.is_open = False
            self._set(LinkState.FAILED, error.user_text)
        except VenueError as error:
            self.is_open = False
            self._set(LinkState.RECONNECTING, error.user_text)
        else:
            self._set(LinkState.LIVE, "")

    def cut(self, reason: str = "cut") -> None:
        """Lose the connection."""
        self.is_open = False
        self.reconnects += 1
        self._set(LinkState.RECONNECTING, reason)

    async def close(self) -> None:
        self.is_open = False
        self._set(LinkState.OFF, "")

    def reconnect_now(self, reason: str) -> None:
        self.reconnect_reasons.append(reason)

    def send_now(self, text: str) -> None:
        if not self.is_open:
            raise NotSent("kraken", "the fake link is not open")
        request = msgspec.json.decode(text)
        self.sent.append(request)
        for frame in self.answer(request):
            asyncio.get_running_loop().call_soon(self.receive, frame)

    def receive(self, frame: str | bytes) -> None:
        """Play one frame."""
        self.last_frame_ns = 1
        self._on_frame(frame, RECEIVED)

    def requests(self, method: str) -> list[dict[str, Any]]:
        return [request for request in self.sent if request["method"] == method]

    def last(self, method: str) -> dict[str, Any]:
        return self.requests(method)[-1]

    def _set(self, state: LinkState, reason: str) -> None:
        self.state = state
        self._on_state(state, reason)


class Links:
    """Makes the fake links of a connector and keeps them by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, FakeLink] = {}

    def __call__(self, **callbacks: Any) -> FakeLink:
        link = FakeLink(**callbacks)
        self.by_name[link.name] = link
        return link

    @property
    def public(self) -> FakeLink:
        return self.by_name["public"]

    @property
    def private(self) -> FakeLink:
        return self.by_name["private"]


def text(message: object) -> str:
    """A frame of a message."""
    return msgspec.json.encode(message).decode()


def acknowledge(request: dict[str, Any]) -> list[str]:
    """Kraken's answers to a subscribe or unsubscribe: one a symbol."""
    if request["method"] not in ("subscribe", "unsubscribe"):
        return []
    params = dict(request["params"])
    params.pop("token", None)
    symbols = params.pop("symbol", [None])
    answers = []
    for symbol in symbols:
        result = {**params, "symbol": symbol} if symbol is not None else params
        answers.append(
            text(
                {
                    "method": request["method"],
                    "req_id": request["req_id"],
                    "result": result,
                    "success": True,
                    "time_in": "2024-05-19T16:27:13.694962Z",
                    "time_out": "2024-05-19T16:27:13.695006Z",
                }
            )
        )
    return answers


@dataclass
class FakeAnswer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One request as the fake HTTP client got it."""

    method: str
    path: str
    query: dict[str, str]
    fields: dict[str, Any]
    headers: dict[str, str]
    reading: bool

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


Reply = Callable[[Call], object]


class FakeHttp:
    """Answers REST calls from a table: name -> a result, an exception, an answer or a function."""

    def __init__(self, replies: Mapping[str, object] | None = None) -> None:
        self.replies: dict[str, object] = dict(replies or {})
        self.calls: list[Call] = []
        self.delay: Callable[[Call], Awaitable[None]] | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float | None = None,
        reading: bool,
        urgent: bool = False,
    ) -> FakeAnswer:
        fields: dict[str, Any] = {}
        if content is not None:
            if content.startswith(b"{"):
                fields = msgspec.json.decode(content)
            else:
                fields = {key: values[0] for key, values in parse_qs(content.decode()).items()}
        call = Call(
            method, path, {key: str(value) for key, value in (query or {}).items()}, fields,
            dict(headers or {}), reading,
        )  # fmt: skip
        self.calls.append(call)
        if self.delay is not None:
            await self.delay(call)
        reply = self.replies.get(call.name, errors("EGeneral:Unknown method"))
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if callable(reply):
            reply = reply(call)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, FakeAnswer):
            return reply
        body = reply if isinstance(reply, str) else msgspec.json.encode(reply).decode()
        return FakeAnswer(200, f'{{"error":[],"result":{body}}}'.encode())

    def named(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]


def errors(*texts: str) -> FakeAnswer:
    """An answer with HTTP 200 and a list of errors."""
    return FakeAnswer(200, msgspec.json.encode({"error": list(texts)}))


class Events:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.all: list[VenueEvent] = []

    def __call__(self, event: VenueEvent) -> None:
        self.all.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.all if type(event) is kind]

    def clear(self) -> None:
        self.all.clear()
