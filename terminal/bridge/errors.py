"""What a call is refused for."""

from __future__ import annotations


class CallRefused(Exception):
    """A call is answered with ``{"error": text}``. ``status`` is the HTTP status: 200 for everything that
    the protocol itself knows, as its guide wants."""

    def __init__(self, text: str, *, status: int = 200) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


class NotSupported(CallRefused):
    """The method exists, and this venue (or the bridge) does not offer it: a client marks it as absent."""

    def __init__(self) -> None:
        super().__init__("not support")
