"""From a request's payload type to the part of the practice cTrader that answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from google.protobuf.message import Message

from terminal.emulators.ctrader.broker import Broker
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.grants import EXPIRES_IN_S, USER_ID, Grants
from terminal.emulators.ctrader.past import Past
from terminal.emulators.ctrader.quotes import Quotes
from terminal.emulators.ctrader.streams import Streams
from terminal.emulators.ctrader.symbols import SymbolTable, asset_classes, assets, categories
from terminal.emulators.faults import Faults
from terminal.venues.ctrader import openapi_pb2 as pb

VERSION: Final = "91"


class Caller(Protocol):
    """The connection that a request came over."""

    def sign_in_application(self) -> None: ...
    def sign_in_account(self, ctid: int, access_token: str) -> None: ...
    def sign_out_account(self, ctid: int) -> None: ...


@dataclass(slots=True)
class Services:
    """The parts of the venue, as sessions use them."""

    table: SymbolTable
    quotes: Quotes
    streams: Streams
    past: Past
    grants: Grants
    broker: Broker
    faults: Faults


def _request_classes() -> dict[int, type[Message]]:
    found: dict[int, type[Message]] = {}
    for name, descriptor in pb.DESCRIPTOR.message_types_by_name.items():
        kind = descriptor.fields_by_name.get("payloadType")
        if name.endswith("Req") and kind is not None:
            found[kind.default_value] = getattr(pb, name)
    return found


REQUESTS: Final = _request_classes()
"""Message class by payload type, of everything a client may send."""


def type_of(message: Message) -> int:
    """The payload type of a message."""
    kind: int = message.payloadType  # type: ignore[attr-defined]
    return kind


TRADING: Final = frozenset({2106, 2108, 2109, 2110, 2111})
"""Orders and positions: refused by 2132 rather than 2142."""

HISTORICAL: Final = frozenset({2133, 2137, 2143, 2145, 2175, 2179, 2183})
"""Counted against five a second. For lists of orders and deals the venue does not say; the strict reading
keeps clients safe."""

BROKER: Final = frozenset(
    {
        2106, 2108, 2109, 2110, 2111, 2121, 2124, 2133, 2139, 2143, 2167, 2169, 2175, 2177, 2179, 2181, 2183,
        2185, 2187, 2190, 2192,
    }
)  # fmt: skip
"""Answered by the broker."""

Answer = Message | None | Awaitable[Message]
Handler = Callable[[Services, Any, Any], Answer]
"""Called with the services, the session and the request."""


def short_name(message_class: type[Message]) -> str:
    """``NewOrderReq`` and so on, as fault subjects name requests."""
    return message_class.DESCRIPTOR.name.removeprefix("ProtoOA").removeprefix("Proto")


def group_of(payload_type: int) -> str:
    """The middle word of a request's fault subject."""
    return "trade" if payload_type in TRADING else "history" if payload_type in HISTORICAL else "read"


# ---- application and tokens ----------------------------------------------------------------------


def _application(services: Services, caller: Caller, request: pb.ProtoOAApplicationAuthReq) -> Message:
    if not services.grants.is_application(request.clientId, request.clientSecret):
        raise OpenApiError("CH_CLIENT_AUTH_FAILURE", "Wrong client id or secret, or application not active")
    caller.sign_in_application()
    return pb.ProtoOAApplicationAuthRes()


def _account(services: Services, caller: Caller, request: pb.ProtoOAAccountAuthReq) -> Message:
    caller.sign_in_account(request.ctidTraderAccountId, request.accessToken)
    return pb.ProtoOAAccountAuthRes(ctidTraderAccountId=request.ctidTraderAccountId)


def _version(services: Services, caller: Caller, request: pb.ProtoOAVersionReq) -> Message:
    return pb.ProtoOAVersionRes(version=VERSION)


def _account_list(
    services: Services, caller: Caller, request: pb.ProtoOAGetAccountListByAccessTokenReq
) -> Message:
    grant = services.grants.by_access(request.accessToken)
    answer = pb.ProtoOAGetAccountListByAccessTokenRes(
        accessToken=request.accessToken, permissionScope=pb.SCOPE_TRADE if grant.may_trade else pb.SCOPE_VIEW
    )
    for ctid in grant.accounts:
        account = services.broker.accounts.get(ctid)
        if account is not None:
            row = answer.ctidTraderAccount.add(
                ctidTraderAccountId=ctid,
                isLive=account.is_live,
                traderLogin=account.login,
                brokerTitleShort=account.broker,
            )
            if account.last_close_ms:
                row.lastClosingDealTimestamp = account.last_close_ms
            if account.last_cash_ms:
                row.lastBalanceUpdateTimestamp = account.last_cash_ms
    return answer


def _profile(services: Services, caller: Caller, request: pb.ProtoOAGetCtidProfileByTokenReq) -> Message:
    services.grants.by_access(request.accessToken)
    return pb.ProtoOAGetCtidProfileByTokenRes(profile=pb.ProtoOACtidProfile(userId=USER_ID))


def _refresh(services: Services, caller: Caller, request: pb.ProtoOARefreshTokenReq) -> Message:
    grant = services.grants.refresh(request.refreshToken)
    return pb.ProtoOARefreshTokenRes(
        accessToken=grant.access, tokenType="bearer", expiresIn=EXPIRES_IN_S, refreshToken=grant.refresh
    )


def _logout(services: Services, caller: Caller, request: pb.ProtoOAAccountLogoutReq) -> Message:
    caller.sign_out_account(request.ctidTraderAccountId)
    return pb.ProtoOAAccountLogoutRes(ctidTraderAccountId=request.ctidTraderAccountId)


# ---- reference data ------------------------------------------------------------------------------


def _assets(services: Services, caller: Caller, request: pb.ProtoOAAssetListReq) -> Message:
    return assets(request.ctidTraderAccountId)


def _asset_classes(services: Services, caller: Caller, request: pb.ProtoOAAssetClassListReq) -> Message:
    return asset_classes(request.ctidTraderAccountId)


def _categories(services: Services, caller: Caller, request: pb.ProtoOASymbolCategoryListReq) -> Message:
    return categories(request.ctidTraderAccountId)


def _symbols(services: Services, caller: Caller, request: pb.ProtoOASymbolsListReq) -> Message:
    return services.table.light_list(request)


def _symbols_by_id(services: Services, caller: Caller, request: pb.ProtoOASymbolByIdReq) -> Message:
    return services.table.by_id(request)


def _conversion(services: Services, caller: Caller, request: pb.ProtoOASymbolsForConversionReq) -> Message:
    return services.table.for_conversion(request)


# ---- market data ---------------------------------------------------------------------------------


def _spots(services: Services, caller: Any, request: pb.ProtoOASubscribeSpotsReq) -> Message:
    ctid = request.ctidTraderAccountId
    services.streams.subscribe_spots(
        caller, ctid, _symbol_ids(request.symbolId), request.subscribeToSpotTimestamp
    )
    return pb.ProtoOASubscribeSpotsRes(ctidTraderAccountId=ctid)


def _no_spots(services: Services, caller: Any, request: pb.ProtoOAUnsubscribeSpotsReq) -> Message:
    ctid = request.ctidTraderAccountId
    services.streams.unsubscribe_spots(caller, ctid, _symbol_ids(request.symbolId))
    return pb.ProtoOAUnsubscribeSpotsRes(ctidTraderAccountId=ctid)


def _live_bars(services: Services, caller: Any, request: pb.ProtoOASubscribeLiveTrendbarReq) -> Message:
    ctid = request.ctidTraderAccountId
    services.streams.subscribe_bars(caller, ctid, request.symbolId, request.period)
    return pb.ProtoOASubscribeLiveTrendbarRes(ctidTraderAccountId=ctid)


def _no_live_bars(services: Services, caller: Any, request: pb.ProtoOAUnsubscribeLiveTrendbarReq) -> Message:
    ctid = request.ctidTraderAccountId
    services.streams.unsubscribe_bars(caller, ctid, request.symbolId, request.period)
    return pb.ProtoOAUnsubscribeLiveTrendbarRes(ctidTraderAccountId=ctid)


def _depth(services: Services, caller: Any, request: pb.ProtoOASubscribeDepthQuotesReq) -> Message:
    ctid = request.ctidTraderAccountId
    services.streams.subscribe_depth(caller, ctid, _symbol_ids(request.symbolId))
    return pb.ProtoOASubscribeDepthQuotesRes(ctidTraderAccountId=ctid)


def _no_depth(services: Services, caller: Any, request: pb.ProtoOAUnsubscribeDepthQuotesReq) -> Message:
    ctid = request.ctidTraderAccountId
    services.streams.unsubscribe_depth(caller, ctid, _symbol_ids(request.symbolId))
    return pb.ProtoOAUnsubscribeDepthQuotesRes(ctidTraderAccountId=ctid)


def _bars(services: Services, caller: Caller, request: pb.ProtoOAGetTrendbarsReq) -> Awaitable[Message]:
    return services.past.bars(request)


def _ticks(services: Services, caller: Caller, request: pb.ProtoOAGetTickDataReq) -> Awaitable[Message]:
    return services.past.ticks(request)


def _symbol_ids(ids: Iterable[int]) -> list[int]:
    found = list(ids)
    if not found:
        raise OpenApiError("INVALID_REQUEST", "No symbol is named")
    return found


HANDLERS: Final[dict[int, Handler]] = {
    2100: _application,
    2102: _account,
    2104: _version,
    2112: _assets,
    2114: _symbols,
    2116: _symbols_by_id,
    2118: _conversion,
    2127: _spots,
    2129: _no_spots,
    2135: _live_bars,
    2136: _no_live_bars,
    2137: _bars,
    2145: _ticks,
    2149: _account_list,
    2151: _profile,
    2153: _asset_classes,
    2156: _depth,
    2158: _no_depth,
    2160: _categories,
    2162: _logout,
    2173: _refresh,
}
"""Everything that is not the broker's."""
