"""One process of practice venues: the market, the faces asked for, the port, and the endpoints file."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.emulators.control import PREFIX, Control
from terminal.emulators.ctrader.face import CtraderFace
from terminal.emulators.ctrader.kinds import CTRADER_IMMEDIATE, CTRADER_KINDS
from terminal.emulators.ctrader.steering import CTRADER_PREFIX, CtraderControl
from terminal.emulators.custom.behaviour import Behaviour
from terminal.emulators.custom.face import CustomFace
from terminal.emulators.custom.listings import CUSTOM_LISTINGS
from terminal.emulators.custom.mangle import CUSTOM_IMMEDIATE, CUSTOM_KINDS
from terminal.emulators.custom.steering import CUSTOM_PREFIX, CustomControl
from terminal.emulators.faults import Faults
from terminal.emulators.kraken.face import KrakenFace
from terminal.emulators.market.listing import LISTINGS, Listing
from terminal.emulators.market.practice import PracticeMarket
from terminal.emulators.market.store import Store
from terminal.emulators.okx.face import OkxFace
from terminal.emulators.okx.kinds import OKX_IMMEDIATE, OKX_KINDS
from terminal.emulators.okx.steering import OKX_PREFIX, OkxControl
from terminal.emulators.quotex.face import QuotexFace
from terminal.emulators.quotex.kinds import QUOTEX_IMMEDIATE, QUOTEX_KINDS
from terminal.emulators.quotex.steering import QUOTEX_PREFIX, QuotexControl
from terminal.emulators.web import HttpRequest, HttpResponse, Upgrade, WebServer

VENUES: Final = ("kraken", "ctrader", "okx", "quotex", "custom")
FILE_VERSION: Final = 1


class PracticeHost:
    """Starts, serves and stops; also the router from a path to a face.

    Args:
        data_dir: where the practice world is kept; None keeps nothing.
        tier: the verification tier that the rate limits follow.
        book_batch_ms: how long book changes gather into one message; 0 = every change its own.
        many_symbols: so many shares more in the cTrader's list of symbols.
        plugin: which kind of plugin serves the custom protocol.
    """

    def __init__(
        self,
        *,
        venues: Sequence[str] = ("kraken",),
        data_dir: Path | None = None,
        seed: int | None = None,
        rate: float = 1.0,
        tier: str = "intermediate",
        book_batch_ms: float | None = None,
        clock: Clock | None = None,
        listings: tuple[Listing, ...] = LISTINGS,
        many_symbols: int = 0,
        plugin: Behaviour | None = None,
    ) -> None:
        for venue in venues:
            if venue not in VENUES:
                raise ValueError(f"no such practice venue: {venue}")
        self.clock: Clock = clock or SystemClock()
        self.store = Store(data_dir)
        # The order flow of pairs is the Kraken's; without it nobody would see it.
        self.market = PracticeMarket(
            seed=seed,
            clock=self.clock,
            store=self.store,
            rate=rate,
            listings=listings if "kraken" in venues else (),
        )
        self.faults = Faults(self.clock.monotonic_ns)
        rng = random.Random(self.market.seed)
        self._kraken: KrakenFace | None = None
        self._ctrader: CtraderFace | None = None
        if "kraken" in venues:
            self._kraken = KrakenFace(self.market, self.faults, self.clock, rng=rng, tier=tier)
            if book_batch_ms is not None:
                self._kraken.set_batch(book_batch_ms / 1000)
        self.faces: list[KrakenFace | OkxFace] = [self._kraken] if self._kraken is not None else []
        self.control = Control(self.market, self.faults, list(self.faces))
        self.server = WebServer(self, self.faults, rng=rng, faults_of=self.faults_of)
        self.control.server = self.server
        self._controls: dict[str, Control] = {"kraken": self.control}
        if "ctrader" in venues:
            self._ctrader = CtraderFace(
                self.market,
                Faults(self.clock.monotonic_ns, kinds=CTRADER_KINDS, immediate=CTRADER_IMMEDIATE),
                self.clock,
                rng=random.Random(self.market.seed + 1),
                data_dir=data_dir,
                rate=rate,
                many_symbols=many_symbols,
            )
            control = self._controls["ctrader"] = CtraderControl(self.market, self._ctrader)
            control.server = self.server
        self._custom: CustomFace | None = None
        if "custom" in venues:
            self._custom = CustomFace(
                # An exchange of its own: other pairs, other people, the same hidden prices.
                PracticeMarket(
                    beside=self.market,
                    clock=self.clock,
                    store=Store(None if data_dir is None else data_dir / "custom"),
                    rate=rate,
                    listings=CUSTOM_LISTINGS,
                ),
                Faults(self.clock.monotonic_ns, kinds=CUSTOM_KINDS, immediate=CUSTOM_IMMEDIATE),
                self.clock,
                rng=random.Random(self.market.seed + 2),
                behaviour=plugin,
            )
            self._controls["custom"] = CustomControl(self._custom)
            self._controls["custom"].server = self.server
        self._okx: OkxFace | None = None
        if "okx" in venues:
            self._okx = OkxFace(
                self.market,
                Faults(self.clock.monotonic_ns, kinds=OKX_KINDS, immediate=OKX_IMMEDIATE),
                self.clock,
                rng=random.Random(self.market.seed + 2),
                rate=rate,
            )
            self.faces.append(self._okx)
            okx_control = self._controls["okx"] = OkxControl(self.market, self._okx)
            okx_control.server = self.server
            if book_batch_ms is not None:
                self._okx.set_batch(book_batch_ms / 1000)
        self._quotex: QuotexFace | None = None
        if "quotex" in venues:
            self._quotex = QuotexFace(
                self.market,
                Faults(self.clock.monotonic_ns, kinds=QUOTEX_KINDS, immediate=QUOTEX_IMMEDIATE),
                self.clock,
                rng=random.Random(self.market.seed + 3),
                data_dir=data_dir,
                rate=rate,
            )
            quotex_control = self._controls["quotex"] = QuotexControl(self.market, self._quotex)
            quotex_control.server = self.server
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def okx(self) -> OkxFace:
        """The OKX of this host, which must have one."""
        assert self._okx is not None
        return self._okx

    @property
    def kraken(self) -> KrakenFace:
        """The Kraken of this host, which must have one."""
        assert self._kraken is not None
        return self._kraken

    @property
    def ctrader(self) -> CtraderFace:
        """The cTrader of this host, which must have one."""
        assert self._ctrader is not None
        return self._ctrader

    @property
    def custom(self) -> CustomFace:
        """The custom protocol's plugin of this host, which must have one."""
        assert self._custom is not None
        return self._custom

    @property
    def quotex(self) -> QuotexFace:
        """The Quotex of this host, which must have one."""
        assert self._quotex is not None
        return self._quotex

    async def start(self, port: int = 0, *, live: bool = True) -> int:
        """Listen and let the market live (unless ``live`` is false); returns the port."""
        port = await self.server.start(port)
        if self._ctrader is not None:
            await self._ctrader.listen()
        if self._custom is not None:
            await self._custom.listen()
        if self._quotex is not None:
            await self._quotex.listen()
        if live:
            self._tasks.append(tasks.spawn(self.market.run(), name="practice.market"))
            if self._ctrader is not None:
                self._tasks.extend(self._ctrader.start())
            if self._okx is not None:
                self._tasks.append(self._okx.start_market())
            if self._custom is not None:
                self._tasks.extend(self._custom.start())
            if self._quotex is not None:
                self._tasks.extend(self._quotex.start())
        for face in self.faces:
            self._tasks.extend(face.start())
        return port

    async def stop(self) -> None:
        """Close everything and write the practice world; takes well under two seconds."""
        for face in self.faces:
            face.stop()
        if self._ctrader is not None:
            self._ctrader.stop()
            await self._ctrader.close()
        if self._custom is not None:
            await self._custom.close()
        if self._quotex is not None:
            self._quotex.stop()
            await self._quotex.close()
        await self.server.stop()
        await tasks.cancel_and_wait(*self._tasks, timeout_s=1.0)
        self._tasks.clear()
        if self._custom is not None:
            self._custom.market.close()
        self.market.close()

    def endpoints(self) -> dict[str, Any]:
        """Addresses and practice keys: what the endpoints file holds."""
        port = self.server.port
        entries = {face.name: face.endpoints(port) for face in self.faces}
        if self._ctrader is not None:
            entries["ctrader"] = self._ctrader.endpoints(port)
        if self._custom is not None:
            entries["custom"] = self._custom.endpoints()
        if self._quotex is not None:
            entries["quotex"] = self._quotex.endpoints()
        for name, entry in entries.items():
            control = self._controls[name]
            entry["control"] = f"http://127.0.0.1:{port}{control.prefix.rstrip('/')}"
            entry["control_token"] = control.token
        return {**entries, "pid": os.getpid(), "version": FILE_VERSION}

    # ---- the router ------------------------------------------------------------------------------

    def subject_of(self, request: HttpRequest) -> str | None:
        """Faults never touch the control API."""
        if request.path.startswith(PREFIX):
            return None
        return next(
            (face.subject_of(request.path) for face in self.faces if face.owns(request.path)), "rest/-"
        )

    def faults_of(self, request: HttpRequest) -> Faults:
        """The faults of the venue that a request is for."""
        return next((face.faults for face in self.faces if face.owns(request.path)), self.faults)

    def on_arrival(self, request: HttpRequest) -> None:
        """Let a face note what reaches it, before faults do anything to it."""
        for face in self.faces:
            if face.owns(request.path):
                face.on_arrival(request)

    def on_request(self, request: HttpRequest) -> HttpResponse:
        """Hand a request to whom it is for."""
        for name, prefix in (
            ("ctrader", CTRADER_PREFIX),
            ("okx", OKX_PREFIX),
            ("quotex", QUOTEX_PREFIX),
        ):
            if name in self._controls and request.path.startswith(prefix):
                return self._controls[name].on_request(request)
        if self._custom is not None and request.path.startswith(CUSTOM_PREFIX):
            return self._controls["custom"].on_request(request)
        if request.path.startswith(PREFIX):
            return self.control.on_request(request)
        for face in self.faces:
            if face.owns(request.path):
                return face.on_request(request)
        return HttpResponse(404, b"Not Found", "text/plain")

    def on_upgrade(self, request: HttpRequest) -> HttpResponse | Upgrade:
        """Hand a WebSocket to whom it is for."""
        for face in self.faces:
            if face.owns(request.path):
                return face.on_upgrade(request)
        return HttpResponse(404, b"Not Found", "text/plain")


def write_endpoints(path: Path, endpoints: dict[str, Any]) -> None:
    """Write the endpoints file: readable by its owner alone, and whole from the first moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(endpoints, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
