"""A client of the practice cTrader written from the protocol's description: its own framing, its own
protobuf, numbers of fields instead of message classes."""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from terminal.emulators.ctrader.face import CtraderFace
from terminal.emulators.host import PracticeHost
from tests.helpers import eventually

DEMO = 5120001
NETTED = 5120002
LIVE = 7230001


# ---- protobuf by hand ----------------------------------------------------------------------------


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while True:
        low, value = value & 0x7F, value >> 7
        found.append(low | (0x80 if value else 0))
        if not value:
            return bytes(found)


def encode(values: dict[int, Any]) -> bytes:
    """Fields by their numbers; lists are repeated, dictionaries are messages, floats are doubles."""
    found = b""
    for number, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                one = encode(one)
            if isinstance(one, str):
                one = one.encode()
            if isinstance(one, bytes):
                found += _varint(number << 3 | 2) + _varint(len(one)) + one
            elif isinstance(one, float):
                found += _varint(number << 3 | 1) + struct.pack("<d", one)
            else:
                found += _varint(number << 3) + _varint(int(one))
    return found


class Fields:
    """A decoded message: values by the numbers of their fields."""

    def __init__(self, data: bytes) -> None:
        self.values: dict[int, list[int | float | bytes]] = {}
        place = 0

        def varint() -> int:
            nonlocal place
            shift = value = 0
            while True:
                byte = data[place]
                place += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if not byte & 0x80:
                    return value

        while place < len(data):
            key = varint()
            kind = key & 7
            value: int | float | bytes
            if kind == 0:
                value = varint()
            elif kind == 1:
                (value,) = struct.unpack("<d", data[place : place + 8])
                place += 8
            elif kind == 2:
                size = varint()
                value = data[place : place + size]
                assert len(value) == size, "cut short"
                place += size
            else:
                raise AssertionError(f"wire type {kind}")
            self.values.setdefault(key >> 3, []).append(value)

    def has(self, number: int) -> bool:
        return number in self.values

    def num(self, number: int) -> int:
        """The last value, as protobuf has it; signed."""
        value = self.values[number][-1]
        assert isinstance(value, int)
        return value - (1 << 64) if value >> 63 else value

    def double(self, number: int) -> float:
        value = self.values[number][-1]
        assert isinstance(value, float)
        return value

    def text(self, number: int) -> str:
        value = self.values[number][-1]
        assert isinstance(value, bytes)
        return value.decode()

    def message(self, number: int) -> Fields:
        value = self.values[number][-1]
        assert isinstance(value, bytes)
        return Fields(value)

    def messages(self, number: int) -> list[Fields]:
        return [Fields(one) for one in self.values.get(number, []) if isinstance(one, bytes)]

    def ints(self, number: int) -> list[int]:
        """Repeated whole numbers, packed or not."""
        found: list[int] = []
        for value in self.values.get(number, []):
            if isinstance(value, bytes):
                place = 0
                while place < len(value):
                    shift = one = 0
                    while True:
                        byte = value[place]
                        place += 1
                        one |= (byte & 0x7F) << shift
                        shift += 7
                        if not byte & 0x80:
                            break
                    found.append(one)
            else:
                assert isinstance(value, int)
                found.append(value)
        return found


class Envelope(NamedTuple):
    """What came in one frame."""

    kind: int
    body: Fields
    msg_id: str | None
    raw: bytes


def frame(kind: int, body: bytes | None, msg_id: str | None = None) -> bytes:
    """A whole frame, prefix included."""
    values: dict[int, Any] = {1: kind}
    if body is not None:
        values[2] = body
    if msg_id is not None:
        values[3] = msg_id
    inner = encode(values)
    return struct.pack(">I", len(inner)) + inner


# ---- a connection --------------------------------------------------------------------------------


class Client:
    """One TLS connection; everything that came is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.seen: list[Envelope] = []
        self.is_closed = False
        self.unreadable: bytes | None = None
        self._ids = itertools.count(1)
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                head = await self._reader.readexactly(4)
                (size,) = struct.unpack(">I", head)
                if size > 15_000_000:
                    self.unreadable = head
                    return
                raw = await self._reader.readexactly(size)
                try:
                    outer = Fields(raw)
                    kind = outer.num(1)
                    body = Fields(outer.values[2][-1] if outer.has(2) else b"")  # type: ignore[arg-type]
                except (AssertionError, IndexError, KeyError):
                    self.unreadable = raw
                    continue
                msg_id = outer.text(3) if outer.has(3) else None
                self.seen.append(Envelope(kind, body, msg_id, raw))
        except (asyncio.IncompleteReadError, OSError) as error:
            if isinstance(error, asyncio.IncompleteReadError) and error.partial:
                self.unreadable = error.partial
        finally:
            self.is_closed = True

    def send(self, kind: int, values: dict[int, Any] | None = None, msg_id: str | None = None) -> str:
        """Send one request; returns its id."""
        msg_id = msg_id or f"t{next(self._ids)}"
        self.writer.write(frame(kind, encode(values or {}), msg_id))
        return msg_id

    async def ask(self, kind: int, values: dict[int, Any] | None = None) -> Envelope:
        """Send one request and wait for what carries its id."""
        msg_id = self.send(kind, values)
        return await self.answer(msg_id)

    async def answer(self, msg_id: str, timeout_s: float = 20.0) -> Envelope:
        await eventually(lambda: self._of(msg_id) or self.is_closed, timeout_s, f"an answer to {msg_id}")
        found = self._of(msg_id)
        assert found is not None, "the connection ended instead"
        return found

    def _of(self, msg_id: str) -> Envelope | None:
        return next((one for one in self.seen if one.msg_id == msg_id), None)

    def of_kind(self, kind: int) -> list[Envelope]:
        return [one for one in self.seen if one.kind == kind]

    async def wait_for(
        self,
        kind: int,
        count: int = 1,
        where: Callable[[Fields], bool] | None = None,
        timeout_s: float = 20.0,
    ) -> list[Envelope]:
        """At least ``count`` messages of a kind."""

        def found() -> list[Envelope]:
            return [one for one in self.of_kind(kind) if where is None or where(one.body)]

        await eventually(lambda: len(found()) >= count, timeout_s, f"{count} messages {kind}")
        return found()

    async def close(self) -> None:
        self.writer.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            async with asyncio.timeout(2.0):
                await self.writer.wait_closed()
        except (OSError, TimeoutError):
            pass

    # ---- the usual beginning ---------------------------------------------------------------------

    async def sign_in(self, endpoints: dict[str, Any], *ctids: int, token: str | None = None) -> None:
        """Application and accounts."""
        answer = await self.ask(2100, {2: endpoints["client_id"], 3: endpoints["client_secret"]})
        assert answer.kind == 2101
        for ctid in ctids:
            answer = await self.ask(2102, {2: ctid, 3: token or endpoints["access_token"]})
            assert answer.kind == 2103, answer.body.values
            assert answer.body.num(2) == ctid


def refusal(answer: Envelope) -> str:
    """The code of an error, whatever carries it."""
    assert answer.kind in (50, 2132, 2142), answer.kind
    return answer.body.text(3 if answer.kind == 2142 else 2)


class World:
    """A practice host with a cTrader, and clients of it."""

    def __init__(self, host: PracticeHost) -> None:
        self.host = host
        self.face: CtraderFace = host.ctrader
        self.endpoints: dict[str, Any] = host.endpoints()["ctrader"]
        self.clients: list[Client] = []

    def trust(self) -> ssl.SSLContext:
        """What a client needs to trust the venue."""
        return ssl.create_default_context(cafile=self.endpoints["ca"])

    async def connect(self, which: str = "demo", *, host: str = "localhost") -> Client:
        port = int(self.endpoints[which].rpartition(":")[2])
        reader, writer = await asyncio.open_connection(host, port, ssl=self.trust(), server_hostname=host)
        client = Client(reader, writer)
        self.clients.append(client)
        return client

    async def signed_in(self, *ctids: int, which: str = "demo") -> Client:
        client = await self.connect(which)
        await client.sign_in(self.endpoints, *(ctids or (DEMO,)))
        return client

    async def control(self, command: str, **values: Any) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(
                f"{self.endpoints['control']}/{command}",
                content=json.dumps(values),
                headers={"X-Practice-Token": self.endpoints["control_token"]},
            )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def fault(self, kind: str, **values: Any) -> dict[str, Any]:
        return await self.control("fault", kind=kind, **values)

    def symbol(self, name: str) -> int:
        spec = self.face.table.find(name)
        assert spec is not None
        return spec.id


@asynccontextmanager
async def world(*, seed: int = 9, **options: Any) -> AsyncIterator[World]:
    """A cTrader by itself, ready to be asked."""
    # Livelier than a person would want it, so that nobody waits for the next quote.
    host = PracticeHost(venues=("ctrader",), seed=seed, **{"rate": 12.0, **options})
    await host.start()
    found = World(host)
    try:
        yield found
    finally:
        for client in found.clients:
            await client.close()
        await host.stop()
