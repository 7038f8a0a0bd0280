"""Engine.IO 3 and Socket.IO 2 frames as the venue's web terminal speaks them (section 4 of the reference).

An event's data goes inline in a text frame (``42``) or as a binary attachment behind a placeholder
(``451-``). The attachment is one type byte, 4, and compact JSON.
"""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from terminal.emulators.web import text_frame

PING_INTERVAL_MS: Final = 25_000
PING_TIMEOUT_MS: Final = 5_000
CONNECTED: Final = b"40"
DISCONNECTED: Final = b"41"
PING: Final = b"2"
PONG: Final = b"3"

_encoder = msgspec.json.Encoder(decimal_format="number")


class Event(NamedTuple):
    """What a client sent."""

    name: str
    data: Any
    """None where it sent none."""


def encode(data: Any) -> bytes:
    """Compact JSON; decimals as numbers with their own digits."""
    return _encoder.encode(data)


def opening(sid: str) -> bytes:
    """The first frame of a connection."""
    return b"0" + encode(
        {"sid": sid, "upgrades": [], "pingInterval": PING_INTERVAL_MS, "pingTimeout": PING_TIMEOUT_MS}
    )


def inline(name: str, *data: Any) -> bytes:
    """An event in one text frame."""
    return b"42" + encode([name, *data])


def placeholder(name: str) -> bytes:
    """The text frame that announces an attachment."""
    return b"451-" + encode([name, {"_placeholder": True, "num": 0}])


def attachment(data: Any) -> bytes:
    """The binary message behind it."""
    return b"\x04" + encode(data)


def attachment_text(data: Any) -> bytes:
    """The same as text, as the polling transport has it."""
    return b"b4" + base64.b64encode(attachment(data))


def binary_frame(payload: bytes) -> bytes:
    """A WebSocket binary frame from server to client."""
    return b"\x82" + text_frame(payload)[1:]


def read_event(text: str) -> Event | None:
    """The event of a ``42`` frame; None where it cannot be read."""
    if not text.startswith("42"):
        return None
    try:
        whole = json.loads(text[2:], parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    if not isinstance(whole, list) or not whole or not isinstance(whole[0], str):
        return None
    return Event(whole[0], whole[1] if len(whole) > 1 else None)
