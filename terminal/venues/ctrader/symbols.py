"""The symbols of one account: assets, categories, the light list at once, full records when first used.

Ids are the broker's own, so every account has its table; a symbol is known across accounts by its name
(Open API 2.0, 2112 to 2120 and 2153, 2160).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, NamedTuple

from terminal.core.clock import Clock
from terminal.domain.errors import RequestRejected, VenueError
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.domain.schedule import TradingSchedule
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.errors import VENUE_NAME
from terminal.venues.ctrader.terms import detailed, needs_price, status_of

log = logging.getLogger("venue.ctrader")

# So many light symbols are taken in one turn of the loop: a few milliseconds.
_CHUNK: Final = 250
_IDS_A_REQUEST: Final = 100
_LIST_DEADLINE_S: Final = 30.0
_LIGHT_TICK: Final = Decimal("0.00001")
_LIGHT_STEP: Final = Decimal("0.01")


class Asset(NamedTuple):
    """A currency, metal, share or index, as the broker names it."""

    asset_id: int
    name: str
    digits: int
    """Of amounts of money in it."""


@dataclass(slots=True, eq=False)
class Listing:
    """One symbol of one account."""

    symbol_id: int
    name: str
    """The venue's own."""
    base_id: int
    quote_id: int
    instrument: Instrument
    """As it stands now: replaced when the details come or the market opens or closes."""
    detail: pb.ProtoOASymbol | None = None
    """The full record; None until :meth:`Symbols.details` has fetched it."""

    @property
    def symbol(self) -> str:
        """Our name for it."""
        return self.instrument.symbol

    @property
    def digits(self) -> int:
        """Decimals of its prices; those of the wire while the details are not there."""
        return 5 if self.detail is None else self.detail.digits


class Symbols:
    """One account's symbols.

    Args:
        client: the connection that the account is signed in on.
        price: the present middle price of a symbol by its id, where one is known.
        on_changed: hears of listings whose instrument is another than before.
    """

    def __init__(
        self,
        client: Client,
        account_id: int,
        clock: Clock,
        *,
        price: Callable[[int], Decimal | None] = lambda symbol_id: None,
        on_changed: Callable[[Sequence[Listing]], object] = lambda changed: None,
    ) -> None:
        self._client = client
        self._account_id = account_id
        self._clock = clock
        self._price = price
        self._on_changed = on_changed
        self._assets: dict[int, Asset] = {}
        self._asset_ids: dict[str, int] = {}
        self._categories: dict[int, str] = {}
        self._by_id: dict[int, Listing] = {}
        self._by_symbol: dict[str, Listing] = {}
        self._used: dict[int, Listing] = {}
        """Those with a full record."""
        self._fetching: dict[int, asyncio.Future[None]] = {}

    @property
    def is_loaded(self) -> bool:
        """The light list is there."""
        return bool(self._by_id)

    def instruments(self) -> tuple[Instrument, ...]:
        """All of them, in the venue's order."""
        return tuple(listing.instrument for listing in self._by_id.values())

    def used(self) -> tuple[Listing, ...]:
        """Those whose full record is there."""
        return tuple(self._used.values())

    def find(self, symbol: str) -> Listing | None:
        """By our name."""
        return self._by_symbol.get(symbol)

    def require(self, symbol: str) -> Listing:
        """By our name. Raises RequestRejected where this account's broker does not list it."""
        found = self._by_symbol.get(symbol)
        if found is None:
            raise RequestRejected(
                VENUE_NAME,
                f"no symbol {symbol}",
                code="SYMBOL_NOT_FOUND",
                user_text=f"The broker of this account does not list {symbol}.",
            )
        return found

    def by_id(self, symbol_id: int) -> Listing | None:
        return self._by_id.get(symbol_id)

    def asset(self, asset_id: int) -> Asset | None:
        return self._assets.get(asset_id)

    def asset_id(self, name: str) -> int | None:
        """The id of an asset by its name, e.g. ``USD``."""
        return self._asset_ids.get(name)

    # --- loading -----------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Fetch assets, categories and the light list, and keep the full records that were there before.

        Raises:
            VenueError: the list could not be had; what was known stays.
        """
        client, account = self._client, self._account_id
        assets = await client.request(
            pb.ProtoOAAssetListReq(ctidTraderAccountId=account), answer=pb.ProtoOAAssetListRes
        )
        self._assets = {
            each.assetId: Asset(each.assetId, each.name, each.digits if each.HasField("digits") else 2)
            for each in assets.asset
        }
        self._asset_ids = {asset.name: asset.asset_id for asset in self._assets.values()}
        await self._load_categories(client)
        answer = await client.request(
            pb.ProtoOASymbolsListReq(ctidTraderAccountId=account),
            answer=pb.ProtoOASymbolsListRes,
            deadline_s=_LIST_DEADLINE_S,
        )
        by_id: dict[int, Listing] = {}
        by_symbol: dict[str, Listing] = {}
        used: dict[int, Listing] = {}
        for number, light in enumerate(answer.symbol):
            if number % _CHUNK == _CHUNK - 1:
                await asyncio.sleep(0)
            listing = self._listing(light, by_symbol)
            known = self._by_id.get(light.symbolId)
            if known is not None and known.detail is not None and known.name == listing.name:
                listing.instrument, listing.detail = known.instrument, known.detail
                used[light.symbolId] = listing
            by_id[light.symbolId] = by_symbol[listing.symbol] = listing
        self._by_id, self._by_symbol, self._used = by_id, by_symbol, used
        if used:
            await self.reload(used)

    async def _load_categories(self, client: Client) -> None:
        """Names for grouping only: without them the list is flat."""
        try:
            classes = await client.request(
                pb.ProtoOAAssetClassListReq(ctidTraderAccountId=self._account_id),
                answer=pb.ProtoOAAssetClassListRes,
            )
            categories = await client.request(
                pb.ProtoOASymbolCategoryListReq(ctidTraderAccountId=self._account_id),
                answer=pb.ProtoOASymbolCategoryListRes,
            )
        except RequestRejected as error:
            log.info("no symbol categories: %s", error)
            return
        names = {each.id: each.name for each in classes.assetClass}
        self._categories = {
            each.id: " / ".join(part for part in (names.get(each.assetClassId, ""), each.name) if part)
            for each in categories.symbolCategory
        }

    def _listing(self, light: pb.ProtoOALightSymbol, taken: dict[str, Listing]) -> Listing:
        name = light.symbolName or str(light.symbolId)
        base, quote = self._assets.get(light.baseAssetId), self._assets.get(light.quoteAssetId)
        base_name = base.name if base is not None else name
        quote_name = quote.name if quote is not None else ""
        symbol = f"{base_name}/{quote_name}" if base is not None and name == base_name + quote_name else name
        if symbol in taken:
            # A broker may list one pair twice under names of its own: the second keeps that name.
            symbol = name if name not in taken else f"{name} #{light.symbolId}"
        enabled = light.enabled if light.HasField("enabled") else True
        instrument = Instrument(
            InstrumentId(VENUE_NAME, symbol),
            name,
            InstrumentKind.CFD,
            base_name,
            quote_name,
            tick_size=_LIGHT_TICK,
            quantity_step=_LIGHT_STEP,
            min_quantity=_LIGHT_STEP,
            price_decimals=5,
            quantity_decimals=2,
            status=MarketStatus.ONLINE if enabled else MarketStatus.CLOSED,
            marginable=True,
            description=light.description,
            category=self._categories.get(light.symbolCategoryId, ""),
            is_detailed=False,
        )
        return Listing(light.symbolId, name, light.baseAssetId, light.quoteAssetId, instrument)

    # --- details -----------------------------------------------------------------------------------------

    async def details(self, symbols: Iterable[str]) -> None:
        """See to it that these symbols (our names) have their full records; unknown ones are passed over.

        Raises:
            VenueError: the records could not be had.
        """
        await self.details_of(
            listing.symbol_id for symbol in symbols if (listing := self._by_symbol.get(symbol)) is not None
        )

    async def details_of(self, symbol_ids: Iterable[int]) -> None:
        """As :meth:`details`, by the venue's ids."""
        wanted = {each for each in symbol_ids if (one := self._by_id.get(each)) and one.detail is None}
        under_way = [self._fetching[each] for each in wanted if each in self._fetching]
        missing = sorted(each for each in wanted if each not in self._fetching)
        if missing:
            await self._fetch(missing)
        for other in under_way:
            await asyncio.shield(other)

    async def reload(self, symbol_ids: Iterable[int]) -> None:
        """The venue has changed these symbols (2120): the records that are in use are fetched again.

        One that it does not list any more keeps the record it had.
        """
        used = sorted({each for each in symbol_ids if each in self._used})
        if used:
            try:
                await self._fetch(used)
            except RequestRejected as error:
                log.info("symbols are not read again: %s", error)

    async def _fetch(self, symbol_ids: Sequence[int]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._fetching.update(dict.fromkeys(symbol_ids, done))
        try:
            for start in range(0, len(symbol_ids), _IDS_A_REQUEST):
                await self._fetch_part(symbol_ids[start : start + _IDS_A_REQUEST])
            done.set_result(None)
        except VenueError as error:
            done.set_exception(error)
            raise
        finally:
            for each in symbol_ids:
                if self._fetching.get(each) is done:
                    del self._fetching[each]
            done.cancel()

    async def _fetch_part(self, symbol_ids: Sequence[int]) -> None:
        try:
            answer = await self._client.request(
                pb.ProtoOASymbolByIdReq(ctidTraderAccountId=self._account_id, symbolId=symbol_ids),
                answer=pb.ProtoOASymbolByIdRes,
            )
        except RequestRejected as error:
            if (
                error.code not in ("SYMBOL_NOT_FOUND", "UNKNOWN_SYMBOL", "ENTITY_NOT_FOUND")
                or len(symbol_ids) == 1
            ):
                raise
            # One unknown id must not cost the others their records.
            for each in symbol_ids:
                try:
                    await self._fetch_part([each])
                except RequestRejected as refused:
                    log.info("symbol %d: %s", each, refused)
            return
        changed = []
        for symbol in answer.symbol:
            listing = self._by_id.get(symbol.symbolId)
            if listing is None or not _is_usable(symbol):
                continue
            listing.detail = symbol
            self._used[symbol.symbolId] = listing
            if self._rebuild(listing):
                changed.append(listing)
        if changed:
            self._on_changed(changed)

    def _rebuild(self, listing: Listing) -> bool:
        detail = listing.detail
        assert detail is not None
        now = detailed(
            listing.instrument,
            detail,
            price=self._price(listing.symbol_id),
            at_ns=self._clock.wall_ns(),
        )
        changed = now != listing.instrument
        listing.instrument = now
        return changed

    def refresh(self) -> None:
        """Once a second: has a market opened or closed, or has a price come that a swap is stated in?"""
        at_ns = self._clock.wall_ns()
        open_now: dict[TradingSchedule | None, bool] = {}
        changed = []
        for listing in self._used.values():
            detail, instrument = listing.detail, listing.instrument
            assert detail is not None
            schedule = instrument.schedule
            if instrument.swap is None and needs_price(detail) and self._price(listing.symbol_id) is not None:
                if self._rebuild(listing):
                    changed.append(listing)
                continue
            if schedule is None:
                continue
            is_open = open_now.get(schedule)
            if is_open is None:
                is_open = open_now[schedule] = schedule.is_open(at_ns)
            if is_open is (instrument.status is MarketStatus.CLOSED):
                status = status_of(detail, schedule, at_ns)
                if status is not instrument.status:
                    listing.instrument = replace(instrument, status=status)
                    changed.append(listing)
        if changed:
            self._on_changed(changed)


def _is_usable(symbol: pb.ProtoOASymbol) -> bool:
    """A record that lacks its digits, or has impossible ones, is none."""
    return symbol.IsInitialized() and 0 <= symbol.digits <= 15 and -10 <= symbol.pipPosition <= 15
