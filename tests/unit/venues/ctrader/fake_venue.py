"""A cTrader server for the connector's tests: TLS on loopback, frames and answers from the protocol's own
description, and whatever a test wants it to do instead."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from terminal.core.secret import Secret
from terminal.domain.events import VenueEvent
from terminal.transport.frames import LinkPolicy
from terminal.venues.base import ConnectorSettings
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.account import Account
from terminal.venues.ctrader.connector import CtraderConnector
from tests.unit.transport.servers import Authority, serve

DEMO, OTHER_DEMO, LIVE = 5120001, 5120002, 7230001
TOKEN, REFRESH = "access-token-one", "refresh-token-one"
EURUSD, XAUUSD, US500, USDJPY, EURJPY = 1, 41, 101, 4, 7
USD, EUR, JPY, XAU, SPX = 15, 17, 18, 35, 90

Reply = Callable[["Wire", Any, str], object]

FAST = LinkPolicy(
    open_timeout_s=5.0,
    ready_timeout_s=10.0,
    close_timeout_s=0.2,
    ping_interval_s=30.0,
    ping_timeout_s=30.0,
    idle_timeout_s=None,
    heartbeat_s=9.0,
    max_message_bytes=15_000_000,
    backoff_s=(0.0, 0.02, 0.05),
    first_jitter_s=0.01,
)
NUMBERS = {
    member: member.DESCRIPTOR.fields_by_name["payloadType"].default_value
    for member in vars(pb).values()
    if isinstance(member, type)
    and issubclass(member, Message)
    and "payloadType" in member.DESCRIPTOR.fields_by_name
    and member is not pb.ProtoMessage
}
KINDS = {number: kind for kind, number in NUMBERS.items()}


@cache
def authority() -> Authority:
    """One authority for the whole run."""
    return Authority(Path(tempfile.mkdtemp(prefix="ctrader-ca-")))


@cache
def good_certificate() -> ssl.SSLContext:
    return authority().server("localhost")


def frame(message: Message, message_id: str = "", number: int | None = None) -> bytes:
    """A message as it goes over the wire."""
    envelope = pb.ProtoMessage(
        payloadType=number or NUMBERS[type(message)], payload=message.SerializePartialToString()
    )
    if message_id:
        envelope.clientMsgId = message_id
    body = envelope.SerializeToString()
    return struct.pack(">I", len(body)) + body


class Wire:
    """One accepted connection."""

    def __init__(self, venue: FakeVenue, writer: asyncio.StreamWriter) -> None:
        self.venue = venue
        self.writer = writer
        self.heard: list[tuple[int, Any, str]] = []
        self.is_application = False
        self.accounts: set[int] = set()

    def send(self, message: Message, message_id: str = "") -> None:
        self.writer.write(frame(message, message_id))

    def raw(self, data: bytes) -> None:
        self.writer.write(data)

    def fail(self, message_id: str, code: str, description: str = "", **more: Any) -> None:
        self.send(pb.ProtoOAErrorRes(errorCode=code, description=description, **more), message_id)

    def cut(self) -> None:
        self.writer.transport.abort()


class FakeVenue:
    """One endpoint. ``on`` overrides what is done with a payload type."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.wires: list[Wire] = []
        self.on: dict[int, Reply] = {}
        self.token = TOKEN
        self.refresh = REFRESH
        self.scope = pb.SCOPE_TRADE
        self.listed = [
            pb.ProtoOACtidTraderAccount(
                ctidTraderAccountId=DEMO, isLive=False, traderLogin=555, brokerTitleShort="Demo Broker"
            ),
        ]
        self.traders = {
            DEMO: trader(DEMO, USD, 1_000_000),
            OTHER_DEMO: trader(OTHER_DEMO, EUR, 500_000, accountType=pb.NETTED),
            LIVE: trader(LIVE, USD, 250_000),
        }
        self.light = light_symbols()
        self.full = {each.symbolId: each for each in full_symbols()}
        self.spots: dict[int, pb.ProtoOASpotEvent] = {}
        """Sent first to whoever subscribes, by symbol."""
        self.depth: dict[int, pb.ProtoOADepthEvent] = {}
        self.chains: dict[tuple[int, int], list[int]] = {}

    # -- what a test asks -----------------------------------------------------------------------------

    @property
    def wire(self) -> Wire:
        """The newest connection."""
        return self.wires[-1]

    def heard(self, kind: type[Message]) -> list[Any]:
        """All requests of one kind, over all connections."""
        number = NUMBERS[kind]
        return [message for wire in self.wires for found, message, _ in wire.heard if found == number]

    def push(self, message: Message) -> None:
        self.wire.send(message)

    def spot(self, symbol_id: int = EURUSD, account: int = DEMO, **fields: Any) -> None:
        self.push(pb.ProtoOASpotEvent(ctidTraderAccountId=account, symbolId=symbol_id, **fields))

    # -- the server -----------------------------------------------------------------------------------

    async def talk(self, peer: Any) -> None:
        wire = Wire(self, peer.writer)
        self.wires.append(wire)
        while True:
            (size,) = struct.unpack(">I", await peer.reader.readexactly(4))
            envelope = pb.ProtoMessage.FromString(await peer.reader.readexactly(size))
            kind = KINDS.get(envelope.payloadType)
            message = kind.FromString(envelope.payload) if kind is not None else None
            wire.heard.append((envelope.payloadType, message, envelope.clientMsgId))
            if message is not None:
                self.answer(wire, message, envelope.clientMsgId)

    def answer(self, wire: Wire, message: Any, message_id: str) -> None:
        number = NUMBERS[type(message)]
        override = self.on.get(number)
        if override is not None:
            override(wire, message, message_id)
        else:
            self.usual(wire, message, message_id)

    def usual(self, wire: Wire, message: Any, message_id: str) -> None:
        """What a server does by the book."""
        if isinstance(message, pb.ProtoHeartbeatEvent):
            return
        if isinstance(message, pb.ProtoOAApplicationAuthReq):
            if message.clientSecret != "application-secret":
                wire.fail(message_id, "CH_CLIENT_AUTH_FAILURE", "clientId or clientSecret is incorrect")
                return
            wire.is_application = True
            wire.send(pb.ProtoOAApplicationAuthRes(), message_id)
            return
        if not wire.is_application:
            wire.fail(message_id, "CH_CLIENT_NOT_AUTHENTICATED")
            return
        account = int(getattr(message, "ctidTraderAccountId", 0))
        if isinstance(message, pb.ProtoOAVersionReq):
            wire.send(pb.ProtoOAVersionRes(version="91"), message_id)
        elif isinstance(message, pb.ProtoOAGetAccountListByAccessTokenReq):
            if message.accessToken != self.token:
                wire.fail(message_id, "CH_ACCESS_TOKEN_INVALID", "Access token is invalid")
                return
            wire.send(
                pb.ProtoOAGetAccountListByAccessTokenRes(
                    accessToken=self.token, permissionScope=self.scope, ctidTraderAccount=self.listed
                ),
                message_id,
            )
        elif isinstance(message, pb.ProtoOARefreshTokenReq):
            if message.refreshToken != self.refresh:
                wire.fail(message_id, "CH_ACCESS_TOKEN_INVALID", "Refresh token is invalid")
                return
            self.token, self.refresh = self.token + "x", self.refresh + "x"
            wire.send(
                pb.ProtoOARefreshTokenRes(
                    accessToken=self.token,
                    tokenType="bearer",
                    expiresIn=2_628_000,
                    refreshToken=self.refresh,
                ),
                message_id,
            )
        elif isinstance(message, pb.ProtoOAAccountAuthReq):
            if message.accessToken != self.token:
                wire.fail(message_id, "CH_ACCESS_TOKEN_INVALID", "Access token is invalid")
            elif account in wire.accounts:
                wire.fail(message_id, "ALREADY_LOGGED_IN")
            else:
                wire.accounts.add(account)
                wire.send(pb.ProtoOAAccountAuthRes(ctidTraderAccountId=account), message_id)
        elif account not in wire.accounts:
            wire.fail(
                message_id,
                "INVALID_REQUEST",
                "Trading account is not authorized",
                ctidTraderAccountId=account,
            )
        else:
            self.serve_account(wire, message, message_id, account)

    def serve_account(self, wire: Wire, message: Any, message_id: str, account: int) -> None:
        named: dict[str, Any] = {"ctidTraderAccountId": account}
        if isinstance(message, pb.ProtoOATraderReq):
            wire.send(pb.ProtoOATraderRes(**named, trader=self.traders[account]), message_id)
        elif isinstance(message, pb.ProtoOAAssetListReq):
            wire.send(pb.ProtoOAAssetListRes(**named, asset=assets()), message_id)
        elif isinstance(message, pb.ProtoOAAssetClassListReq):
            classes = [
                pb.ProtoOAAssetClass(id=1, name="Forex"),
                pb.ProtoOAAssetClass(id=2, name="Indices"),
            ]
            wire.send(pb.ProtoOAAssetClassListRes(**named, assetClass=classes), message_id)
        elif isinstance(message, pb.ProtoOASymbolCategoryListReq):
            categories = [
                pb.ProtoOASymbolCategory(id=11, assetClassId=1, name="Majors"),
                pb.ProtoOASymbolCategory(id=12, assetClassId=2, name="US"),
            ]
            wire.send(pb.ProtoOASymbolCategoryListRes(**named, symbolCategory=categories), message_id)
        elif isinstance(message, pb.ProtoOASymbolsListReq):
            wire.send(pb.ProtoOASymbolsListRes(**named, symbol=self.light), message_id)
        elif isinstance(message, pb.ProtoOASymbolByIdReq):
            found = [self.full[each] for each in message.symbolId if each in self.full]
            wire.send(pb.ProtoOASymbolByIdRes(**named, symbol=found), message_id)
        elif isinstance(message, pb.ProtoOASubscribeSpotsReq):
            wire.send(pb.ProtoOASubscribeSpotsRes(**named), message_id)
            for each in message.symbolId:
                if each in self.spots:
                    wire.send(self.spots[each])
        elif isinstance(message, pb.ProtoOAUnsubscribeSpotsReq):
            wire.send(pb.ProtoOAUnsubscribeSpotsRes(**named), message_id)
        elif isinstance(message, pb.ProtoOASubscribeDepthQuotesReq):
            wire.send(pb.ProtoOASubscribeDepthQuotesRes(**named), message_id)
            for each in message.symbolId:
                if each in self.depth:
                    wire.send(self.depth[each])
        elif isinstance(message, pb.ProtoOAUnsubscribeDepthQuotesReq):
            wire.send(pb.ProtoOAUnsubscribeDepthQuotesRes(**named), message_id)
        elif isinstance(message, pb.ProtoOASubscribeLiveTrendbarReq):
            wire.send(pb.ProtoOASubscribeLiveTrendbarRes(**named), message_id)
        elif isinstance(message, pb.ProtoOAUnsubscribeLiveTrendbarReq):
            wire.send(pb.ProtoOAUnsubscribeLiveTrendbarRes(**named), message_id)
        elif isinstance(message, pb.ProtoOAAccountLogoutReq):
            wire.accounts.discard(account)
            wire.send(pb.ProtoOAAccountLogoutRes(**named), message_id)
            wire.send(pb.ProtoOAAccountDisconnectEvent(**named))
        elif isinstance(message, pb.ProtoOASymbolsForConversionReq):
            chain = self.chains.get((message.firstAssetId, message.lastAssetId), [])
            by_id = {each.symbolId: each for each in self.light}
            wire.send(
                pb.ProtoOASymbolsForConversionRes(**named, symbol=[by_id[each] for each in chain]),
                message_id,
            )
        else:
            wire.fail(message_id, "UNSUPPORTED_MESSAGE", type(message).__name__)


def trader(account: int, asset: int, balance: int, **more: Any) -> pb.ProtoOATrader:
    fields: dict[str, Any] = {
        "ctidTraderAccountId": account,
        "balance": balance,
        "balanceVersion": 1,
        "depositAssetId": asset,
        "leverageInCents": 3000,
        "traderLogin": 555,
        "accountType": pb.HEDGED,
        "brokerName": "demo",
        "moneyDigits": 2,
        **more,
    }
    return pb.ProtoOATrader(**fields)


def assets() -> list[pb.ProtoOAAsset]:
    names = {USD: "USD", EUR: "EUR", JPY: "JPY", XAU: "XAU", SPX: "US500"}
    return [pb.ProtoOAAsset(assetId=each, name=name, digits=2) for each, name in names.items()]


def light_symbols() -> list[pb.ProtoOALightSymbol]:
    def light(symbol_id: int, name: str, base: int, quote: int, category: int) -> pb.ProtoOALightSymbol:
        return pb.ProtoOALightSymbol(
            symbolId=symbol_id,
            symbolName=name,
            enabled=True,
            baseAssetId=base,
            quoteAssetId=quote,
            symbolCategoryId=category,
            description=f"{name} in words",
        )

    return [
        light(EURUSD, "EURUSD", EUR, USD, 11),
        light(USDJPY, "USDJPY", USD, JPY, 11),
        light(EURJPY, "EURJPY", EUR, JPY, 11),
        light(XAUUSD, "XAUUSD", XAU, USD, 11),
        light(US500, "US500", SPX, USD, 12),
    ]


def full_symbol(symbol_id: int, digits: int, pip: int, lot: int, **more: Any) -> pb.ProtoOASymbol:
    fields: dict[str, Any] = {
        "symbolId": symbol_id,
        "digits": digits,
        "pipPosition": pip,
        "enableShortSelling": True,
        "lotSize": lot,
        "minVolume": lot // 100,
        "stepVolume": lot // 100,
        "maxVolume": lot * 100,
        "swapLong": -7.5,
        "swapShort": 1.2,
        "swapRollover3Days": pb.WEDNESDAY,
        **more,
    }
    return pb.ProtoOASymbol(**fields)


def full_symbols() -> list[pb.ProtoOASymbol]:
    return [
        full_symbol(EURUSD, 5, 4, 10_000_000),
        full_symbol(USDJPY, 3, 2, 10_000_000),
        full_symbol(EURJPY, 3, 2, 10_000_000),
        full_symbol(XAUUSD, 2, 1, 10_000),
        full_symbol(US500, 2, 0, 100),
    ]


class FakeHand:
    """An account's hand that notes what it is told."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.events: list[Any] = []
        self.syncs = 0
        self.lost: list[str] = []
        self.closed = False
        self.hold: asyncio.Event | None = None
        self.error: Exception | None = None

    async def sync(self) -> None:
        self.syncs += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def on_event(self, message: Message) -> None:
        self.events.append(message)

    def on_lost(self, reason: str) -> None:
        self.lost.append(reason)

    async def close(self) -> None:
        self.closed = True


class Desk:
    """A connector against one or two fake endpoints, and all that it told."""

    def __init__(self, demo: FakeVenue, live: FakeVenue) -> None:
        self.demo = demo
        self.live = live
        self.events: list[VenueEvent] = []
        self.hands: dict[int, FakeHand] = {}
        self.kept: list[dict[str, str]] = []
        self.connector: CtraderConnector
        self.extra: dict[str, Any] = {}

    def build(
        self,
        *,
        credentials: dict[str, str] | None = None,
        options: dict[str, str] | None = None,
        **tools: Any,
    ) -> CtraderConnector:
        known = {
            "client_id": "application-id",
            "client_secret": "application-secret",
            "access_token": TOKEN,
            "refresh_token": REFRESH,
            **(credentials or {}),
        }
        self.connector = CtraderConnector(
            ConnectorSettings(
                {
                    "demo": f"localhost:{self.demo.port}",
                    "live": f"localhost:{self.live.port}",
                    "ca": str(authority().path),
                },
                {key: Secret(value) for key, value in known.items() if value},
                options or {},
            ),
            keep_tokens=self.keep,
            make_hand=tools.pop("make_hand", lambda account, emit: self.hand(account)),
            policy=tools.pop("policy", FAST),
            **tools,
        )
        return self.connector

    def hand(self, account: Account) -> FakeHand:
        hand = self.hands[account.account_id] = FakeHand(account)
        return hand

    async def keep(self, tokens: Any) -> None:
        self.kept.append({key: secret.reveal() for key, secret in tokens.items()})

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def desk(
    *, demo_tls: ssl.SSLContext | None = None, live_tls: ssl.SSLContext | None = None
) -> AsyncIterator[Desk]:
    """Two endpoints; whatever connector is built on them is closed at the end."""
    demo, live = FakeVenue(0), FakeVenue(0)
    async with (
        serve(demo.talk, ssl_context=demo_tls or good_certificate()) as one,
        serve(live.talk, ssl_context=live_tls or good_certificate()) as other,
    ):
        demo.port, live.port = one.port, other.port
        live.listed = demo.listed
        found = Desk(demo, live)
        try:
            yield found
        finally:
            if hasattr(found, "connector"):
                with contextlib.suppress(AssertionError):
                    await found.connector.close()
