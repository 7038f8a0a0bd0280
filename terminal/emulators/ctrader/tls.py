"""TLS of the practice venue: an authority of its own, and the certificates that rehearsals go wrong with.

The authority is made at the first start and kept beside the practice world, so that a client that has read
its certificate once goes on trusting the venue after a restart. It may vouch for nothing but this machine.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import ssl
import tempfile
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BAD_CERTIFICATES: Final = ("self_signed", "wrong_host", "expired")

_CA_LIFE: Final = timedelta(days=3650)
_LEAF_LIFE: Final = timedelta(days=365)
_PAST: Final = timedelta(days=2)
"""Certificates begin a little before now: clocks differ."""
_RENEW_BEFORE: Final = timedelta(days=400)

log = logging.getLogger("practice.ctrader")


class PracticeTls:
    """Contexts for the listeners.

    Args:
        folder: where the authority is kept; None keeps it for this object's life only.
        now: of certificates.
    """

    def __init__(self, folder: Path | None, now: datetime | None = None) -> None:
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="practice-tls-", ignore_cleanup_errors=True)
            folder = Path(self._temporary.name)
        folder.mkdir(parents=True, exist_ok=True)
        self._now = now or datetime.now(UTC)
        self.ca_file = folder / "practice-ca.pem"
        self._key_file = folder / "practice-ca.key"
        self._ca_key, self._ca = self._load() or self._make()
        self._contexts: dict[str, ssl.SSLContext] = {}

    def close(self) -> None:
        """Drop what was kept for this object only."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def context(self, kind: str = "") -> ssl.SSLContext:
        """For one listener's side of a handshake.

        Args:
            kind: empty for what is right; one of ``BAD_CERTIFICATES``, or ``old_tls``.
        """
        found = self._contexts.get(kind)
        if found is None:
            found = self._contexts[kind] = self._make_context(kind)
        return found

    def choosing(self, choose: Callable[[], str]) -> ssl.SSLContext:
        """A context that asks at every handshake which certificate to show: a kind, or empty for the right
        one."""

        def on_hello(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
            kind = choose()
            if kind:
                connection.context = self.context(kind)

        context = self._make_context("")
        context.sni_callback = on_hello
        return context

    # ---- the authority ---------------------------------------------------------------------------

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        try:
            key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
            certificate = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            log.warning("the practice authority was unreadable and is made anew: %s", error)
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            return None
        too_old = certificate.not_valid_after_utc < self._now + _RENEW_BEFORE
        return None if too_old or certificate.not_valid_before_utc > self._now else (key, certificate)

    def _make(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Parallax practice authority")
        certificate = (
            self._builder(name, name, key, _CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.NameConstraints(
                    permitted_subtrees=[
                        x509.DNSName("localhost"),
                        x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
                        x509.IPAddress(ipaddress.ip_network("::1/128")),
                    ],
                    excluded_subtrees=None,
                ),
                critical=True,
            )
            .sign(key, hashes.SHA256())
        )
        _write_private(self._key_file, _private_pem(key))
        _write_private(self.ca_file, certificate.public_bytes(serialization.Encoding.PEM))
        return key, certificate

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        life: timedelta,
        *,
        past: timedelta = _PAST,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - past)
            .not_valid_after(self._now - past + life)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    # ---- contexts --------------------------------------------------------------------------------

    def _make_context(self, kind: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if kind == "old_tls":
            # Refused by any client of today: that is what it is for.
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
        pem = self._leaf(kind)
        handle, path = tempfile.mkstemp(prefix="practice-", suffix=".pem")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(pem)
            context.load_cert_chain(path)
        finally:
            with contextlib.suppress(OSError):
                Path(path).unlink()
        return context

    def _leaf(self, kind: str) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name("localhost")
        names: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.IPAddress(ipaddress.ip_address("::1")),
        ]
        if kind == "wrong_host":
            # Inside what the authority may vouch for, yet not where it listens.
            subject, names = _name("other.localhost"), [x509.DNSName("other.localhost")]
        past = timedelta(days=400) if kind == "expired" else _PAST
        is_own = kind == "self_signed"
        builder = (
            self._builder(subject, subject if is_own else self._ca.subject, key, _LEAF_LIFE, past=past)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    key.public_key() if is_own else self._ca_key.public_key()
                ),
                critical=False,
            )
        )
        certificate = builder.sign(key if is_own else self._ca_key, hashes.SHA256())
        return _private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path: Path, data: bytes) -> None:
    """Whole or not at all, and readable by its owner alone."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.replace(draft, path)
