"""Small loopback servers that misbehave to order, and certificates to be refused."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import ipaddress
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Handler = Callable[["Peer"], Awaitable[None]]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Peer:
    """One accepted connection: the server's end, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.request = b""

    async def read_request(self) -> bytes:
        """The head of an HTTP request."""
        self.request = await self.reader.readuntil(b"\r\n\r\n")
        return self.request

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def upgrade(self, extra: bytes = b"") -> None:
        """Answer a WebSocket handshake as it should be, with ``extra`` header lines."""
        request = await self.read_request()
        key = next(
            line.split(b":", 1)[1].strip()
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        self.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n" + extra + b"\r\n"
        )
        await self.writer.drain()

    def send_text(self, text: str) -> None:
        self.write(frame(0x1, text.encode()))

    async def read_frame(self) -> tuple[int, bytes]:
        """Opcode and unmasked payload of one (small) client frame."""
        first, second = await self.reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        mask = await self.reader.readexactly(4)
        data = await self.reader.readexactly(length)
        return first & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))

    async def answer_pings(self) -> None:
        """Read for ever; answer pings and nothing else. Ends with the connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                opcode, data = await self.read_frame()
                if opcode == 0x9:
                    self.write(frame(0xA, data))
                elif opcode == 0x8:
                    self.write(frame(0x8, data))
                    return

    async def swallow(self) -> None:
        """Read for ever and answer nothing: as a link that is half open."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """Break the connection with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv1: bool = False) -> bytes:
    """One unmasked frame, as a server sends it."""
    head = bytes([(0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode])
    size = len(payload)
    if size < 126:
        return head + bytes([size]) + payload
    if size < 65536:
        return head + b"\x7e" + struct.pack("!H", size) + payload
    return head + b"\x7f" + struct.pack("!Q", size) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    return frame(0x8, struct.pack("!H", code) + reason.encode())


class Server:
    """A listener on loopback that runs ``handler`` for each connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.accepted = 0
        self.open = 0
        self.most_open = 0

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v2"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def serve(handler: Handler, *, ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server; on leaving, every connection is cut."""
    found = Server(0)
    writers: set[asyncio.StreamWriter] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.accepted += 1
        found.open += 1
        found.most_open = max(found.most_open, found.open)
        writers.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                await handler(Peer(reader, writer))
        finally:
            found.open -= 1
            writers.discard(writer)
            writer.transport.abort()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=ssl_context)
    found.port = listener.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        listener.close()
        for writer in list(writers):
            writer.transport.abort()
        for _ in range(200):
            if not found.open:
                break
            await asyncio.sleep(0.005)


class TlsListener:
    """A door that does TLS and no more, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.knocks = 0
        self.heard: list[bytes] = []
        """What came through after a handshake that both sides took."""


@contextmanager
def tls_listener(context: ssl.SSLContext) -> Iterator[TlsListener]:
    """A listener on loopback. Unlike asyncio's, it says why it refuses."""
    listener = socket.create_server(("127.0.0.1", 0))
    found = TlsListener(listener.getsockname()[1])

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                sock.settimeout(5.0)
                found.knocks += 1
                with suppress(OSError), sock, context.wrap_socket(sock, server_side=True) as wrapped:
                    if data := wrapped.recv(1000):
                        found.heard.append(data)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


class Authority:
    """A certificate authority for one test run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self._certificate = _build(self._name, self._name, self._key, self._key, [], authority=True)
        self.path = folder / "authority.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def client(self) -> ssl.SSLContext:
        """What our side uses: checks as in the product, trusting this authority alone."""
        context = ssl.create_default_context(cafile=str(self.path))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def server(
        self,
        host: str = "127.0.0.1",
        *,
        self_signed: bool = False,
        valid_days: tuple[int, int] = (-1, 30),
        outdated: bool = False,
    ) -> ssl.SSLContext:
        """A server's context with a certificate for ``host``, good or bad to order.

        ``outdated`` speaks TLS 1.1 at most.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        issuer, signer = (name, key) if self_signed else (self._name, self._key)
        certificate = _build(name, issuer, key, signer, [host], valid_days=valid_days)
        path = self.folder / f"server-{x509.random_serial_number():x}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if outdated:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        return context


def _build(
    name: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    hosts: list[str],
    *,
    authority: bool = False,
    valid_days: tuple[int, int] = (-1, 30),
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=valid_days[0]))
        .not_valid_after(now + dt.timedelta(days=valid_days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())
