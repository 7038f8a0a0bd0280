"""A small client of the venue's web terminal, written from its protocol reference alone: it signs in over
HTTPS as a browser does, speaks Engine.IO over the socket, and pairs attachments with their placeholders."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect

AGENT: Final = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/119.0"
_TOKEN: Final = re.compile(r'name="_token" value="([^"]+)"')
_SETTINGS: Final = re.compile(r'<script type="text/javascript">window\.settings = ')


def trust(entry: Mapping[str, Any], version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """Trusts the practice authority alone, and nothing older than that version."""
    context = ssl.create_default_context(cafile=entry["ca"])
    context.minimum_version = version
    return context


def aligned_expiry(duration: int, now_s: int) -> int:
    """The expiry that the web terminal takes for a duration, epoch seconds (section 8.1)."""
    if duration < 60:
        line = now_s - now_s % 60 + 60
        return line + 60 if now_s % 60 >= 30 else line
    rest = now_s % 86_400 % duration
    line = now_s - rest + duration
    return line + duration if rest > duration / 2 else line


class Browser:
    """The HTTPS side: a cookie jar and the requests of section 2.

    Args:
        lang: of the pages' paths.
    """

    def __init__(self, entry: Mapping[str, Any], *, lang: str = "pt", agent: str = AGENT) -> None:
        self.entry = entry
        self.agent = agent
        self.base = f"{entry['https']}/{lang}"
        self.http = httpx.AsyncClient(
            verify=trust(entry), follow_redirects=True, timeout=30, headers={"User-Agent": agent}
        )

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def form(self, email: str = "", password: str = "") -> dict[str, str]:
        """The sign-in form as it is to be posted."""
        page = await self.http.get(f"{self.base}/sign-in/modal/")
        page.raise_for_status()
        found = _TOKEN.search(page.text)
        assert found is not None, page.text
        return {
            "_token": found.group(1),
            "email": email or self.entry["email"],
            "password": password or self.entry["password"],
            "remember": "1",
        }

    async def post(self, form: Mapping[str, str]) -> httpx.Response:
        return await self.http.post(
            f"{self.base}/sign-in/", data=dict(form), headers={"Referer": f"{self.base}/sign-in"}
        )

    async def post_pin(self, form: Mapping[str, str], code: str) -> httpx.Response:
        values = {**form, "keep_code": "1", "code": code}
        return await self.http.post(
            f"{self.base}/sign-in/modal", data=values, headers={"Referer": f"{self.base}/sign-in/modal"}
        )

    async def settings(self) -> dict[str, Any]:
        """The object on the page of the terminal: one JSON value, whatever follows it."""
        page = await self.http.get(f"{self.base}/trade")
        found = _SETTINGS.search(page.text)
        assert found is not None, page.text
        value: dict[str, Any] = json.JSONDecoder().raw_decode(page.text, found.end())[0]
        return value

    @property
    def cookies(self) -> str:
        return "; ".join(f"{one.name}={one.value}" for one in self.http.cookies.jar)

    async def session(self) -> dict[str, str]:
        """What a client keeps: token, cookies and user agent."""
        return {
            "token": (await self.settings())["token"],
            "cookies": self.cookies,
            "user_agent": self.agent,
        }


class Socket:
    """The WebSocket side."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._names: deque[str] = deque()
        self.events: list[tuple[str, Any]] = []
        """Everything that came, oldest first; a nameless attachment has an empty name."""
        self.frames: list[str | bytes] = []
        self.balance: dict[str, Any] = {}
        self.unread: deque[tuple[str, Any]] = deque()
        self._request_ids = itertools.count(1_795_174_712_000)

    @classmethod
    async def open(cls, entry: Mapping[str, Any], session: Mapping[str, str] | None = None) -> Socket:
        """Connect, without signing in; raises what the library does where the venue refuses."""
        session = entry if session is None else session
        connection = await connect(
            entry["wss"],
            ssl=trust(entry),
            origin=entry["https"],
            user_agent_header=session["user_agent"],
            additional_headers={
                "Cookie": session["cookies"],
                "Accept-Language": "pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7",
                "Cache-Control": "no-cache",
                "Pragma": "no-cache",
            },
            compression=None,
            max_size=2**23,
            # What a test leaves unread must not hold up the end of the connection.
            max_queue=None,
            ping_interval=24,
            ping_timeout=20,
        )
        return cls(connection)

    @classmethod
    async def signed_in(
        cls,
        entry: Mapping[str, Any],
        session: Mapping[str, str] | None = None,
        *,
        demo: int = 1,
        tournament: int = 0,
    ) -> Socket:
        """Connect, sign in, and read the lists that come unasked."""
        socket = await cls.open(entry, session)
        for name in (
            "tick", "indicator/list", "drawing/load", "pending/list", "chart_notification/get",
            "instruments/get",
        ):  # fmt: skip
            await socket.send(name)
        await socket.authorise((session or entry)["token"], demo=demo, tournament=tournament)
        await socket.wait("s_authorization")
        await socket.wait("orders/closed/list")
        return socket

    async def authorise(self, token: str, *, demo: int = 1, tournament: int = 0) -> None:
        await self.send("authorization", {"session": token, "isDemo": demo, "tournamentId": tournament})

    async def send(self, name: str, data: Any = None) -> None:
        await self._connection.send("42" + json.dumps([name] if data is None else [name, data]))

    async def raw(self, text: str) -> None:
        await self._connection.send(text)

    async def close(self) -> None:
        await self._connection.close()

    async def read(self, timeout_s: float = 30.0) -> None:
        """Take one frame."""
        async with asyncio.timeout(timeout_s):
            frame = await self._connection.recv()
        self.frames.append(frame)
        if isinstance(frame, bytes):
            assert frame[:1] == b"\x04", frame[:20]
            self._attached(frame[1:])
        elif frame.startswith("b4"):
            self._attached(base64.b64decode(frame[2:])[1:])
        elif frame.startswith("451-"):
            self._names.append(json.loads(frame[4:])[0])
        elif frame.startswith("42"):
            name, *data = json.loads(frame[2:], parse_float=Decimal)
            self._came(name, data[0] if data else None)

    def _attached(self, text: bytes) -> None:
        self._came(self._names.popleft() if self._names else "", json.loads(text, parse_float=Decimal))

    def _came(self, name: str, data: Any) -> None:
        if name in ("balance", "balance/list"):
            self.balance = data
        self.events.append((name, data))
        self.unread.append((name, data))

    async def wait(
        self, name: str, wanted: Callable[[Any], bool] = lambda _: True, timeout_s: float = 30.0
    ) -> Any:
        """The next event of that name that fits; what came before it is passed over."""
        async with asyncio.timeout(timeout_s):
            while True:
                while self.unread:
                    found, data = self.unread.popleft()
                    if found == name and wanted(data):
                        return data
                await self.read(timeout_s)

    async def wait_frame(self, wanted: Callable[[str | bytes], bool], timeout_s: float = 30.0) -> int:
        """Where in ``frames`` the first fitting frame is; reads on until it came."""
        place = 0
        async with asyncio.timeout(timeout_s):
            while True:
                while place < len(self.frames):
                    if wanted(self.frames[place]):
                        return place
                    place += 1
                await self.read(timeout_s)

    # ---- what is often asked ---------------------------------------------------------------------

    async def chart(self, asset: str, period: int = 60) -> dict[str, Any]:
        """Open a chart; the history that it begins with."""
        await self.send("instruments/update", {"asset": asset, "period": period})
        history: dict[str, Any] = await self.wait("history/list/v2", lambda data: data["asset"] == asset)
        return history

    async def buy(
        self,
        asset: str = "EURUSD_otc",
        action: str = "call",
        *,
        amount: Any = 5,
        time: int = 60,
        kind: int = 100,
        demo: int = 1,
        tournament: int = 0,
    ) -> int:
        """Send an order; its request id."""
        request_id = next(self._request_ids)
        await self.send(
            "orders/open",
            {
                "asset": asset,
                "amount": amount,
                "time": time,
                "action": action,
                "isDemo": demo,
                "tournamentId": tournament,
                "requestId": request_id,
                "optionType": kind,
            },
        )
        return request_id

    async def bought(self, request_id: int) -> dict[str, Any]:
        """The acceptance of an order."""
        deal: dict[str, Any] = await self.wait("s_orders/open", lambda data: data["requestId"] == request_id)
        return deal

    async def refused(self, request_id: int) -> str:
        """The venue's word for why an order was not accepted."""
        told = await self.wait("f_orders/open", lambda data: data["requestId"] == request_id)
        return str(told["error"])
