"""Why a WebSocket could not be opened, or ended, in words for the screen and with what follows."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from websockets.exceptions import InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI, ProxyError
from websockets.frames import CloseCode
from websockets.protocol import Protocol

from terminal.core.secret import scrub
from terminal.domain.errors import AuthRejected, SettingsError, VenueError
from terminal.transport.wire import network_reason, retry_after_s, tls_reason


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a connection, or of an attempt."""

    reason: str
    """One plain sentence."""
    code: str
    """The kind, for tests and logs: ``tls``, ``redirect``, ``http-429``, ``too-big``, ``policy``..."""
    fatal: bool = False
    """It cannot heal by itself: stop until a person does something."""
    long_pause: bool = False
    at_once: bool = False
    pause_s: float | None = None
    """The venue asked for this pause."""
    is_fault: bool = False
    """The peer broke the protocol."""
    error: VenueError | None = None


def explain_refusal(error: VenueError) -> Ending:
    """Our own code said no while opening or signing in."""
    return Ending(
        error.user_text,
        error.code or ("auth" if isinstance(error, AuthRejected) else "refused"),
        fatal=isinstance(error, AuthRejected),
        pause_s=getattr(error, "retry_after_s", None),
        error=error,
    )


def explain_open(error: Exception, *, wall_ns: int, name: str, log: logging.Logger) -> Ending:
    """Why an attempt to open failed."""
    tls = tls_reason(error)
    if tls is not None:
        log.error("%s link: secure connection refused: %s", name, tls)
        return Ending(f"Secure connection refused: {tls}.", "tls", long_pause=True)
    if isinstance(error, SettingsError):
        return Ending(error.user_text, "address", fatal=True)
    if isinstance(error, InvalidURI | InvalidProxy):
        return Ending("The address is not readable.", "address", fatal=True)
    if isinstance(error, VenueError):
        return explain_refusal(error)
    if isinstance(error, InvalidStatus):
        return _explain_status(error, wall_ns=wall_ns, name=name, log=log)
    if isinstance(error, ProxyError):
        return Ending("The proxy refused the connection.", "proxy", long_pause=True)
    if isinstance(error, InvalidHandshake):
        log.debug("%s link: unusable handshake: %s", name, scrub(str(error))[:200])
        return Ending("The venue's answer to the handshake was unreadable.", "handshake", is_fault=True)
    if isinstance(error, OSError | EOFError):
        return Ending(f"The venue cannot be reached: {network_reason(error)}.", "network")
    log.error("%s link: could not open", name, exc_info=error)
    return Ending("The connection could not be opened.", "internal")


def _explain_status(error: InvalidStatus, *, wall_ns: int, name: str, log: logging.Logger) -> Ending:
    status, headers = error.response.status_code, error.response.headers
    if 300 <= status < 400:
        target = scrub(headers.get("Location", "an unnamed place"))[:200]
        log.error("%s link: security: refused a redirect to %s", name, target)
        text = "Security: the venue's address answered with a redirect, which was refused."
        return Ending(text, "redirect", long_pause=True)
    code = f"http-{status}"
    wait_s = retry_after_s(headers.get("Retry-After"), wall_ns)
    if wait_s is not None:
        return Ending(f"The venue asks for a pause of {wait_s:.0f} s (HTTP {status}).", code, pause_s=wait_s)
    if status == 429:
        return Ending(f"The venue asks for a pause (HTTP {status}).", code, long_pause=True)
    if status >= 500:
        return Ending(f"The venue has trouble (HTTP {status}).", code)
    return Ending(f"The venue refused the connection (HTTP {status}).", code, long_pause=True)


def explain_close(
    protocol: Protocol,
    cause: BaseException | None,
    *,
    max_bytes: int,
    excerpt: str,
    name: str,
    log: logging.Logger,
) -> Ending:
    """Why an open connection ended. ``excerpt`` is the hex that may be logged of an unreadable stream."""
    received, sent = protocol.close_rcvd, protocol.close_sent
    if received is not None and protocol.close_rcvd_then_sent is not False:
        return _explain_goodbye(int(received.code), scrub(received.reason)[:120].strip())
    if sent is not None:
        if sent.code == CloseCode.MESSAGE_TOO_BIG:
            log.warning("%s link: a message of over %d bytes was refused (1009)", name, max_bytes)
            text = f"The venue sent too much at once (over {max_bytes:,} bytes)."
            return Ending(text, "too-big", long_pause=True, is_fault=True)
        log.warning("%s link: unreadable stream (%d): %s", name, int(sent.code), excerpt)
        return Ending("The venue sent something unreadable.", "garbage", is_fault=True)
    if cause is not None:
        words = tls_reason(cause) or network_reason(cause)
        return Ending(f"The connection was lost: {words}.", "network")
    return Ending("The connection was cut without a goodbye.", "cut")


def _explain_goodbye(code: int, words: str) -> Ending:
    tail = f": {words}" if words else ""
    if code == CloseCode.POLICY_VIOLATION:
        text = f"The venue closed the connection for a breach of its rules{tail}."
        return Ending(text, "policy", fatal=True)
    if code == CloseCode.MESSAGE_TOO_BIG:
        return Ending("The venue says that our message was too large.", "ours-too-big", long_pause=True)
    if code == CloseCode.TRY_AGAIN_LATER:
        return Ending(f"The venue is overloaded{tail}.", str(code))
    return Ending(f"The venue closed the connection ({code}){tail}.", str(code))
