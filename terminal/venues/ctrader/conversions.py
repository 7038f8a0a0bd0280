"""From one currency to another by the venue's own chain of symbols and their live middle prices.

The chain is asked for once (Open API 2.0, 2118); its symbols' prices are then kept subscribed.
"""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from typing import Final, NamedTuple

from terminal.core import tasks
from terminal.domain.errors import RequestRejected, VenueError
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.errors import VENUE_NAME
from terminal.venues.ctrader.streams import Streams
from terminal.venues.ctrader.symbols import Symbols

log = logging.getLogger("venue.ctrader")

_ONE: Final = Decimal(1)


class _Leg(NamedTuple):
    symbol_id: int
    divides: bool
    """From the symbol's quote to its base currency."""


class Conversions:
    """Rates of one account, kept up by the prices as they come.

    Assets are named as the broker names them, e.g. ``USD``.
    """

    def __init__(self, client: Client, account_id: int, symbols: Symbols, streams: Streams) -> None:
        self._client = client
        self._account_id = account_id
        self._symbols = symbols
        self._streams = streams
        self._chains: dict[tuple[str, str], tuple[_Leg, ...]] = {}
        self._learning: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._none: set[tuple[str, str]] = set()

    def rate(self, from_asset: str, to_asset: str) -> Decimal | None:
        """How much of the one a unit of the other is now; None while it is not known.

        The first question for a pair starts to find out; later ones have the answer.
        """
        if from_asset == to_asset:
            return _ONE
        legs = self._chains.get((from_asset, to_asset))
        if legs is None:
            self._learn(from_asset, to_asset)
            return None
        rate = _ONE
        for symbol_id, divides in legs:
            mid = self._streams.mid(symbol_id)
            if not mid:
                return None
            rate = rate / mid if divides else rate * mid
        return rate

    async def prepare(self, from_asset: str, to_asset: str) -> None:
        """Find the chain and subscribe to its prices.

        Raises:
            RequestRejected: the broker has no way from the one to the other.
            VenueUnavailable: it could not be asked.
        """
        pair = (from_asset, to_asset)
        if from_asset == to_asset or pair in self._chains:
            return
        first, last = self._symbols.asset_id(from_asset), self._symbols.asset_id(to_asset)
        if first is None or last is None:
            raise _no_way(from_asset, to_asset)
        answer = await self._client.request(
            pb.ProtoOASymbolsForConversionReq(
                ctidTraderAccountId=self._account_id, firstAssetId=first, lastAssetId=last
            ),
            answer=pb.ProtoOASymbolsForConversionRes,
        )
        legs, at = [], first
        for symbol in answer.symbol:
            if self._symbols.by_id(symbol.symbolId) is None:
                raise _no_way(from_asset, to_asset)
            if symbol.baseAssetId == at:
                legs.append(_Leg(symbol.symbolId, divides=False))
                at = symbol.quoteAssetId
            elif symbol.quoteAssetId == at:
                legs.append(_Leg(symbol.symbolId, divides=True))
                at = symbol.baseAssetId
            else:
                raise _no_way(from_asset, to_asset)
        if at != last:
            raise _no_way(from_asset, to_asset)
        self._chains[pair] = tuple(legs)
        for leg in legs:
            self._streams.want_price(leg.symbol_id, ("conversion", pair))

    async def close(self) -> None:
        """End what is still being found out."""
        learning, self._learning = list(self._learning.values()), {}
        await tasks.cancel_and_wait(*learning)

    def _learn(self, from_asset: str, to_asset: str) -> None:
        pair = (from_asset, to_asset)
        if pair in self._learning or pair in self._none or not self._streams.is_open:
            return
        self._learning[pair] = tasks.spawn(
            self._learn_quietly(from_asset, to_asset), name=f"ctrader rate {from_asset} {to_asset}"
        )

    async def _learn_quietly(self, from_asset: str, to_asset: str) -> None:
        pair = (from_asset, to_asset)
        try:
            await self.prepare(from_asset, to_asset)
        except RequestRejected as error:
            self._none.add(pair)
            log.warning("no rate from %s to %s: %s", from_asset, to_asset, error)
        except VenueError as error:
            log.info("no rate from %s to %s yet: %s", from_asset, to_asset, error)
        finally:
            self._learning.pop(pair, None)


def _no_way(from_asset: str, to_asset: str) -> RequestRejected:
    text = f"The broker has no prices that lead from {from_asset} to {to_asset}."
    return RequestRejected(VENUE_NAME, text, code="no-conversion", user_text=text)
