"""What one account is subscribed to: spots, depth and live bars, and the way from there to what is wanted.

Wants are counted by whoever has them. One task at a time asks for what is missing and ends what nobody wants,
in the order the venue needs: bars and depth stand on the symbol's spots (Open API 2.0, 2127 to 2136, 2156 to
2159). Nothing survives a lost connection, so that everything wanted is asked for again after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Iterable
from decimal import Decimal
from enum import Enum
from typing import Any, Final, NamedTuple

from google.protobuf.message import Message

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.domain.errors import RateLimited, RequestRejected, VenueError
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.errors import Verdict, meaning_of
from terminal.venues.ctrader.spots import Spot
from terminal.venues.ctrader.symbols import Listing, Symbols

log = logging.getLogger("venue.ctrader")

_IDS_A_REQUEST: Final = 50
_RETRY_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
_AGAIN_WINDOW_NS: Final = 60_000_000_000
_AGAIN_PAUSES_S: Final = (0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 15.0)


class Kind(Enum):
    """What can be subscribed to."""

    SPOTS = "spots"
    DEPTH = "depth"
    BARS = "bars"


class Key(NamedTuple):
    """One subscription at the venue; ``period`` for bars only."""

    kind: Kind
    symbol_id: int
    period: int = 0


class Watcher:
    """What happens to the subscriptions; the default watches nothing."""

    def on_asking(self, key: Key) -> None:
        """It is about to be asked for: what comes from now on counts."""

    def on_confirmed(self, key: Key) -> None:
        """The venue has accepted it."""

    def on_refused(self, key: Key, reason: str) -> None:
        """The venue will not have it; it is not asked for again until somebody wants it anew."""

    def on_left(self, key: Key) -> None:
        """It has ended at the venue, or is about to: what comes of it now means nothing."""


class Streams:
    """The subscriptions of one account.

    Attributes:
        spots: symbol id -> its prices, for those that are wanted.
        is_open: the account is signed in, so that subscriptions can be asked for.
    """

    def __init__(
        self,
        client: Client,
        account_id: int,
        symbols: Symbols,
        clock: Clock,
        *,
        watcher: Watcher | None = None,
    ) -> None:
        self.spots: dict[int, Spot] = {}
        self.is_open = False
        self.watcher = watcher or Watcher()
        self._client = client
        self._account_id = account_id
        self._symbols = symbols
        self._clock = clock
        self._wanted: dict[Key, set[Hashable]] = {}
        self._there: set[Key] = set()
        """Confirmed by the venue."""
        self._again: set[Key] = set()
        """To be ended and taken again."""
        self._agains: dict[Key, list[int]] = {}
        self._task: asyncio.Task[None] | None = None
        self._session = 0
        self._changed = asyncio.Event()

    # --- what is wanted ----------------------------------------------------------------------------------

    def want(self, key: Key, who: Hashable) -> None:
        """Count one more who wants it; asked for in the background, now or when the account is signed in."""
        self._wanted.setdefault(key, set()).add(who)
        self.spot(key.symbol_id)
        self._work()

    def drop(self, key: Key, who: Hashable) -> None:
        """Count one less; the last one ends it. Nothing happens where it was not wanted."""
        holders = self._wanted.get(key)
        if holders is None:
            return
        holders.discard(who)
        if not holders:
            del self._wanted[key]
            if key in self._there:
                self.watcher.on_left(key)
            self._work()

    def want_price(self, symbol_id: int, who: Hashable) -> None:
        """The best prices of a symbol."""
        self.want(Key(Kind.SPOTS, symbol_id), who)

    def drop_price(self, symbol_id: int, who: Hashable) -> None:
        self.drop(Key(Kind.SPOTS, symbol_id), who)

    def is_there(self, key: Key) -> bool:
        """The venue has confirmed it, and it is not being ended."""
        return key in self._there and key in self._wanted and key not in self._again

    def take_again(self, key: Key) -> None:
        """End a subscription and take it anew, unless that is under way. One that needs it over and over is
        given growing pauses."""
        if key not in self._there or key in self._again:
            return
        self._again.add(key)
        self.watcher.on_left(key)
        now_ns = self._clock.monotonic_ns()
        recent = [at for at in self._agains.get(key, []) if now_ns - at < _AGAIN_WINDOW_NS]
        self._agains[key] = [*recent, now_ns][-16:]
        pause_s = _AGAIN_PAUSES_S[min(len(recent), len(_AGAIN_PAUSES_S) - 1)]
        if pause_s:
            session = self._session
            asyncio.get_running_loop().call_later(
                pause_s, lambda: self._work() if session == self._session else None
            )
        else:
            self._work()

    # --- prices ------------------------------------------------------------------------------------------

    def spot(self, symbol_id: int) -> Spot:
        """The prices of a symbol, empty while nothing has come."""
        found = self.spots.get(symbol_id)
        if found is None:
            listing = self._symbols.by_id(symbol_id)
            assert listing is not None, f"no symbol {symbol_id}"
            found = self.spots[symbol_id] = Spot(listing.instrument.id, listing.digits)
        return found

    def mid(self, symbol_id: int) -> Decimal | None:
        """The middle price of a symbol; None while it is not known."""
        found = self.spots.get(symbol_id)
        return None if found is None else found.mid

    def bid_ask(self, symbol_id: int) -> tuple[Decimal, Decimal] | None:
        """Both best prices of a symbol; None while one is not known."""
        found = self.spots.get(symbol_id)
        if found is None or found.bid is None or found.ask is None:
            return None
        return found.bid, found.ask

    def on_symbols(self, changed: Iterable[Listing]) -> None:
        """Records have come or changed: prices are rounded to their digits."""
        for listing in changed:
            found = self.spots.get(listing.symbol_id)
            if found is not None:
                found.set_digits(listing.digits)

    # --- the account -------------------------------------------------------------------------------------

    def opened(self) -> None:
        """The account is signed in: ask for everything that is wanted."""
        self._session += 1
        self.is_open = True
        self._there.clear()
        self._again.clear()
        self._work()

    def closed(self) -> None:
        """The account or its connection was lost, and every subscription with it."""
        self._session += 1
        self.is_open = False
        there, self._there = self._there, set()
        self._again.clear()
        for key in there:
            self.watcher.on_left(key)
        for spot in self.spots.values():
            spot.clear()
        self._changed.set()

    async def close(self) -> None:
        """End the task; nothing is asked for any more."""
        self.closed()
        await tasks.cancel_and_wait(self._task)
        self._task = None

    # --- inside ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._changed.set()
        if self.is_open and (self._task is None or self._task.done()):
            self._task = tasks.spawn(self._until_right(), name=f"ctrader streams {self._account_id}")

    async def _until_right(self) -> None:
        """Ask and end until what is there is what is wanted."""
        failures = 0
        while self.is_open:
            self._changed.clear()
            session = self._session
            try:
                done = await self._step(session)
            except VenueError as error:
                if not self.is_open or session != self._session:
                    continue
                pause_s = _RETRY_S[min(failures, len(_RETRY_S) - 1)]
                if isinstance(error, RateLimited) and error.retry_after_s:
                    pause_s = max(pause_s, error.retry_after_s)
                failures += 1
                log.info("subscriptions: %s; next try in %.1f s", error, pause_s)
                await self._pause(pause_s)
            else:
                failures = 0
                if done and not self._changed.is_set():
                    return

    async def _pause(self, seconds: float) -> None:
        """A rest that ends with the connection."""
        session = self._session
        until_ns = self._clock.monotonic_ns() + int(seconds * 1e9)
        while session == self._session and (left_ns := until_ns - self._clock.monotonic_ns()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(left_ns / 1e9):
                    await self._changed.wait()
            except TimeoutError:
                return

    async def _step(self, session: int) -> bool:
        """One round; True where nothing was left to do at its beginning."""
        now_ns = self._clock.monotonic_ns()
        wanted = set(self._wanted)
        # Depth and bars need the symbol's spots.
        needed = wanted | {Key(Kind.SPOTS, key.symbol_id) for key in wanted}
        again = {key for key in self._again if key in needed and self._is_due(key, now_ns)}
        leave = {key for key in self._there if key not in needed} | (again & self._there)
        ask = (needed - self._there) | again
        if not leave and not ask:
            self._forget_prices(needed)
            return True
        for key in sorted((key for key in leave if key.kind is Kind.BARS), key=_order):
            await self._end(pb.ProtoOAUnsubscribeLiveTrendbarReq, [key], session)
        for kind, request in (
            (Kind.DEPTH, pb.ProtoOAUnsubscribeDepthQuotesReq),
            (Kind.SPOTS, pb.ProtoOAUnsubscribeSpotsReq),
        ):
            for part in _parts(key for key in leave if key.kind is kind):
                await self._end(request, part, session)
        for symbol_id in await self._learn({key.symbol_id for key in ask}):
            ask = {key for key in ask if key.symbol_id != symbol_id}
        for kind in (Kind.SPOTS, Kind.DEPTH):
            for part in _parts(key for key in ask if key.kind is kind):
                await self._begin(part, session)
        for key in sorted((key for key in ask if key.kind is Kind.BARS), key=_order):
            await self._begin([key], session)
        return False

    async def _learn(self, symbol_ids: set[int]) -> set[int]:
        """See to it that the records are there; the ids of those that the venue does not have."""
        try:
            await self._symbols.details_of(symbol_ids)
        except RequestRejected as error:
            if len(symbol_ids) == 1:
                for symbol_id in symbol_ids:
                    self._refuse(Key(Kind.SPOTS, symbol_id), error)
                return symbol_ids
            refused = set()
            for symbol_id in symbol_ids:
                refused |= await self._learn({symbol_id})
            return refused
        return set()

    def _is_due(self, key: Key, now_ns: int) -> bool:
        times = self._agains.get(key, [now_ns])
        pause_s = _AGAIN_PAUSES_S[min(len(times) - 1, len(_AGAIN_PAUSES_S) - 1)]
        return now_ns - times[-1] >= int(pause_s * 1e9)

    def _forget_prices(self, needed: set[Key]) -> None:
        held = {key.symbol_id for key in needed}
        for symbol_id in [each for each in self.spots if each not in held]:
            del self.spots[symbol_id]

    async def _end(self, request: type[Message], keys: list[Key], session: int) -> None:
        answers = {
            pb.ProtoOAUnsubscribeLiveTrendbarReq: pb.ProtoOAUnsubscribeLiveTrendbarRes,
            pb.ProtoOAUnsubscribeDepthQuotesReq: pb.ProtoOAUnsubscribeDepthQuotesRes,
            pb.ProtoOAUnsubscribeSpotsReq: pb.ProtoOAUnsubscribeSpotsRes,
        }
        try:
            await self._client.request(self._message(request, keys), answer=answers[request])
        except RequestRejected as error:
            if meaning_of(error.code).verdict is Verdict.ACCOUNT:
                raise
            log.info("end of a subscription: %s", error)
        if session == self._session:
            self._there.difference_update(keys)
            self._again.difference_update(keys)

    async def _begin(self, keys: list[Key], session: int) -> None:
        kind = keys[0].kind
        request: type[Message] = {
            Kind.SPOTS: pb.ProtoOASubscribeSpotsReq,
            Kind.DEPTH: pb.ProtoOASubscribeDepthQuotesReq,
            Kind.BARS: pb.ProtoOASubscribeLiveTrendbarReq,
        }[kind]
        answer: Any = {
            Kind.SPOTS: pb.ProtoOASubscribeSpotsRes,
            Kind.DEPTH: pb.ProtoOASubscribeDepthQuotesRes,
            Kind.BARS: pb.ProtoOASubscribeLiveTrendbarRes,
        }[kind]
        if session != self._session:
            return
        for key in keys:
            self.watcher.on_asking(key)
        try:
            found = await self._client.request_or_done(self._message(request, keys), answer=answer)
        except RequestRejected as error:
            if session != self._session:
                return
            if len(keys) > 1:
                # One that the venue will not have must not cost the others theirs.
                for key in keys:
                    await self._begin([key], session)
                return
            self._refuse(keys[0], error)
            return
        if session != self._session:
            return
        self._there.update(keys)
        self._again.difference_update(keys)
        for key in keys:
            if found is None and kind is Kind.DEPTH:
                # Subscribed already: the whole book went to an earlier question and does not come again.
                self.take_again(key)
            elif key in self._wanted:
                self.watcher.on_confirmed(key)

    def _refuse(self, key: Key, error: RequestRejected) -> None:
        log.info("%s of symbol %d refused: %s", key.kind.value, key.symbol_id, error)
        refused = [key]
        if key.kind is Kind.SPOTS:
            refused += [each for each in self._wanted if each.symbol_id == key.symbol_id and each != key]
        for each in refused:
            if self._wanted.pop(each, None) is not None:
                self.watcher.on_refused(each, error.user_text)

    def _message(self, request: type[Message], keys: list[Key]) -> Message:
        fields: dict[str, Any] = {"ctidTraderAccountId": self._account_id}
        if keys[0].kind is Kind.BARS:
            fields |= {"symbolId": keys[0].symbol_id, "period": keys[0].period}
        else:
            fields["symbolId"] = [key.symbol_id for key in keys]
        if request is pb.ProtoOASubscribeSpotsReq:
            fields["subscribeToSpotTimestamp"] = True
        return request(**fields)


def _order(key: Key) -> tuple[int, int]:
    return key.symbol_id, key.period


def _parts(keys: Iterable[Key]) -> Iterable[list[Key]]:
    ordered = sorted(keys, key=_order)
    return (ordered[start : start + _IDS_A_REQUEST] for start in range(0, len(ordered), _IDS_A_REQUEST))
