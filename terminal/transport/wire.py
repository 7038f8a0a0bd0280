"""What every kind of connection shares: safe addresses, TLS, Retry-After, and plain words for failures."""

from __future__ import annotations

import os
import socket
import ssl
import sys
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from terminal.domain.errors import SettingsError

NS_PER_S: Final = 1_000_000_000

# OpenSSL's verify codes (x509_vfy.h) that a person can do something about, in words.
_CERTIFICATE_REASONS: Final = {
    9: "its certificate is not valid yet (is this machine's clock right?)",
    10: "its certificate has expired (is this machine's clock right?)",
    18: "its certificate is self-signed",
    19: "its certificate comes from an authority that this machine does not trust",
    20: "its certificate comes from an authority that this machine does not trust",
    21: "its certificate cannot be verified",
    23: "its certificate has been revoked",
    62: "its certificate is for another host name",
    64: "its certificate is for another address",
}


def make_ssl_context(ca_file: str = "") -> ssl.SSLContext:
    """Certificates and host names checked against the system's store, TLS 1.2 at least.

    Where the system has no store that OpenSSL can find (a Python on macOS, a frozen build on another
    distribution), the roots that httpx brings are used instead. ``ca_file`` is a PEM file of an authority to
    trust beside them; nothing switches the checks off.

    Raises:
        SettingsError: the file cannot be read.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if sys.platform != "win32" and not _has_system_store():
        import certifi

        context.load_verify_locations(certifi.where())
    if ca_file:
        problem = ""
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:  # that of OpenSSL is one
            problem = str(error)
        if problem:
            # Raised out here, so that no failure of TLS is found behind it: nobody was connected to.
            raise SettingsError(
                f"unusable CA file {ca_file!r}: {problem}",
                user_text="The file of the certificate authority to trust cannot be read.",
            )
    return context


def _has_system_store() -> bool:
    paths = ssl.get_default_verify_paths()
    return any(path is not None and os.path.exists(path) for path in (paths.cafile, paths.capath))


def is_secure(url: str) -> bool:
    """True for ``https`` and ``wss`` addresses."""
    return urlsplit(url).scheme in ("https", "wss")


def is_loopback(url: str) -> bool:
    """True where the address is this machine by its own name or number; nothing is looked up."""
    host = (urlsplit(url).hostname or "").lower()
    return host in ("localhost", "::1") or host.startswith("127.")


def require_safe_address(url: str, schemes: tuple[str, str], *, plain_anywhere: bool = False) -> None:
    """Refuse an address that would send keys in the clear.

    ``schemes`` is the plain and the secure one, e.g. ``("ws", "wss")``. The plain one is for this machine
    only (the practice venue), unless ``plain_anywhere`` says that the person insists.

    Raises:
        SettingsError: the address is unreadable, or plain and elsewhere.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(
            f"unusable address {url!r}: {error}", user_text="The address is not readable."
        ) from None
    if parts.scheme not in schemes or not host:
        raise SettingsError(
            f"unusable address {url!r}",
            user_text=f"The address must start with {schemes[1]}:// and name a host.",
        )
    if parts.username or parts.password:
        raise SettingsError(
            f"credentials inside the address of {host}",
            user_text="The address must not hold a name or password.",
        )
    if parts.scheme == schemes[0] and not plain_anywhere and not is_loopback(url):
        raise SettingsError(
            f"plain address {url!r}",
            user_text=f"{host} needs an encrypted address ({schemes[1]}://): keys never travel in the clear.",
        )


def tls_reason(error: BaseException) -> str | None:
    """Why TLS refused the peer, in words; None where this was not a TLS failure. Looks through causes."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return None
        if isinstance(seen, ssl.SSLCertVerificationError):
            return _CERTIFICATE_REASONS.get(
                seen.verify_code, f"its certificate was refused ({seen.verify_message})"
            )
        if isinstance(seen, ssl.SSLError):
            # Where only TLS 1.0 or 1.1 is offered, builds of OpenSSL say one or the other.
            text = f"{seen.reason or ''} {seen}".lower()
            if "protocol_version" in text or "protocol version" in text or "unsupported_protocol" in text:
                return "it only speaks an outdated, unsafe version of TLS"
            if "wrong_version_number" in text or "wrong version number" in text:
                return "it does not speak TLS on this port"
            return f"TLS failed ({seen.reason or 'no reason given'})"
        seen = seen.__cause__ or seen.__context__
    return None


def network_reason(error: BaseException) -> str:
    """Why a connection could not be made or broke, in words for the screen."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            break
        if isinstance(seen, socket.gaierror):
            return "its name cannot be looked up (is the network up?)"
        if isinstance(seen, ConnectionRefusedError):
            return "nothing answers at its address"
        if isinstance(seen, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
            return "the connection was reset"
        if isinstance(seen, TimeoutError):
            return "it did not answer in time"
        if isinstance(seen, OSError) and seen.errno is not None:
            return f"the network says: {os.strerror(seen.errno).lower()}"
        seen = seen.__cause__ or seen.__context__
    return "the connection failed"


def retry_after_s(value: str | None, wall_ns: int) -> float | None:
    """Seconds to wait from a ``Retry-After`` header: a number or an HTTP date (RFC 9110, 10.2.3).

    None where the header is absent or unreadable; never negative; at most an hour, so that a broken proxy
    cannot lock a trader out for a year.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        seconds = float(text)
    else:
        try:
            when = parsedate_to_datetime(text)
            seconds = when.timestamp() - wall_ns / NS_PER_S
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return min(max(seconds, 0.0), 3600.0)
