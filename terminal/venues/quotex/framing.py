"""Engine.IO 3 with Socket.IO 2 inside, as Quotex's web terminal speaks it: frames to events and back.

An event's data stands in its own text (``42["name",data]``) or in a binary frame after it
(``451-["name",{"_placeholder":true,"num":0}]``, then one byte of type and the JSON). Attachments come in the
order of their placeholders, and other frames may come in between, so the names wait in a queue. Makes no
decision on what an event means, opens no socket, and raises for nothing that arrives: what cannot be read is
a :class:`Fault`. A placeholder whose attachment never came would shift every name after it: an attachment
that cannot be what is awaited takes the next name that it can be, and the names before that are told as lost.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import msgspec

# Prices and money as they were written: a float would change them.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode
_MOST_WAITING: Final = 64
_TYPE_MESSAGE: Final = 4
_STARTS: Final = ("[", "{")

PING: Final = "2"
PONG: Final = "3"


class Signal(Enum):
    """A frame that is no event."""

    OPEN = "open"
    CONNECTED = "connected"
    PING = "ping"
    """The server pings (version 4 manners): answer with a pong."""
    PONG = "pong"
    DISCONNECTED = "disconnected"
    ERROR = "error"
    CLOSE = "close"
    WAITING = "waiting"
    """A placeholder: the event comes with its attachment."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event with its data; ``name`` is empty for an attachment that no placeholder announced."""

    name: str
    data: Any = None
    lost: tuple[str, ...] = ()
    """Events before it whose attachments never came."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The server's first frame."""

    ping_interval_s: float
    ping_timeout_s: float


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that cannot be read."""

    what: str
    name: str = ""
    """The event that was lost with it, where that is known."""


Taken = Event | Opened | Signal | Fault

_PLAIN: Final = {
    "40": Signal.CONNECTED,
    PING: Signal.PING,
    PONG: Signal.PONG,
    "1": Signal.CLOSE,
    "41": Signal.DISCONNECTED,
}


class Decoder:
    """Reads the frames of one connection; make a new one for the next. ``fits`` says whether data can be
    that of an event."""

    def __init__(self, fits: Callable[[str, Any], bool] = lambda name, data: True) -> None:
        self._names: deque[str] = deque()
        self._fits = fits

    def take(self, frame: str | bytes) -> Taken:
        """What one frame says."""
        if isinstance(frame, bytes):
            return self._attachment(frame)
        plain = _PLAIN.get(frame)
        if plain is not None:
            return plain
        if frame.startswith("42"):
            return self._event(frame)
        if frame.startswith("45"):
            return self._placeholder(frame)
        if frame.startswith("b4"):
            try:
                return self._attachment(base64.b64decode(frame[2:], validate=True))
            except (binascii.Error, ValueError):
                return self._lost("an attachment in text that is no base64")
        if frame.startswith("0"):
            return _opened(frame)
        if frame.startswith("44"):
            return Signal.ERROR
        # The server may carry the namespace with these.
        if frame.startswith("40"):
            return Signal.CONNECTED
        if frame.startswith("41"):
            return Signal.DISCONNECTED
        return Fault(f"a frame of an unknown kind: {frame[:40]}")

    def _event(self, frame: str) -> Taken:
        body = _read(frame[2:])
        if not isinstance(body, list) or not body or not isinstance(body[0], str):
            return Fault("an event that is no list with a name")
        return Event(body[0], body[1] if len(body) > 1 else None)

    def _placeholder(self, frame: str) -> Taken:
        body = _read(frame[2:])
        if not isinstance(body, list) or not body or not isinstance(body[0], str):
            return Fault("a placeholder without a name")
        if len(self._names) >= _MOST_WAITING:
            self._names.clear()
            return Fault("too many placeholders without attachments")
        self._names.append(body[0])
        return Signal.WAITING

    def _attachment(self, frame: bytes) -> Taken:
        if frame[:1] == bytes([_TYPE_MESSAGE]):
            frame = frame[1:]
        try:
            data = _decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._lost("an attachment that is no JSON")
        for place, name in enumerate(self._names):
            if self._fits(name, data):
                lost = tuple(self._names.popleft() for _ in range(place))
                return Event(self._names.popleft(), data, lost)
        return Event("", data)

    def _lost(self, what: str) -> Fault:
        """Its placeholder has had its attachment, though that cannot be read."""
        name = self._names.popleft() if self._names else ""
        return Fault(f"{what} ({name})" if name else what, name)


def _opened(frame: str) -> Taken:
    body = _read(frame[1:])
    if not isinstance(body, dict):
        return Fault("an opening that cannot be read")
    try:
        return Opened(float(body["pingInterval"]) / 1000, float(body["pingTimeout"]) / 1000)
    except (KeyError, TypeError, ValueError):
        return Opened(25.0, 5.0)


def _read(text: str) -> Any:
    """The JSON of a frame: digits and a hyphen may stand before it."""
    start = min((at for at in (text.find(mark) for mark in _STARTS) if at >= 0), default=-1)
    if start < 0:
        return None
    try:
        return _decode(text[start:])
    except msgspec.DecodeError:
        return None


def encode(name: str, *data: Any) -> str:
    """``42["name",data]``. Numbers that are ``Decimal`` leave as plain numbers, as the server wants them."""
    return f"42{_encode([name, *data]).decode()}"
