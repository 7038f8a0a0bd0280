"""One client of the practice cTrader: who it is, how fast it asks, what it hears, and what goes wrong.

Follows the Open API 2.0: application first, then accounts; fifty requests a second, five of them for
history; refusals in the carrier that the request calls for.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from terminal.core import tasks
from terminal.emulators.ctrader.dispatch import (
    BROKER,
    HANDLERS,
    HISTORICAL,
    REQUESTS,
    TRADING,
    Services,
    group_of,
    short_name,
    type_of,
)
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.mangle import mangled
from terminal.emulators.ctrader.wire import HEARTBEAT, Wire, envelope
from terminal.venues.ctrader import openapi_pb2 as pb

WINDOW_S: Final = 1.0
ORDINARY_A_SECOND: Final = 50
HISTORICAL_A_SECOND: Final = 5
NOT_AUTHORIZED: Final = "Trading account is not authorized"

log = logging.getLogger("practice.ctrader")


class RequestId(str):
    """A clientMsgId that knows the connection it came over, so that the answer finds the way back."""

    __slots__ = ("session",)

    session: Session


class Session:
    """The venue's side of one connection.

    Args:
        is_live: the endpoint: accounts of the other kind cannot be signed in here.
        on_end: told when the connection is gone.
        note: told of every request as it arrives, before anything is done about it.
    """

    def __init__(
        self,
        wire: Wire,
        services: Services,
        *,
        is_live: bool,
        on_end: Callable[[Session], None],
        note: Callable[[Session, int, Message], None],
    ) -> None:
        self.wire = wire
        self.is_live = is_live
        self.accounts: dict[int, str] = {}
        """Access token by the id of each account signed in here."""
        self.has_application = False
        self.blocks = 0
        """How often this client had to be refused for asking too fast."""
        self._services = services
        self._on_end = on_end
        self._note = note
        self._ordinary: deque[int] = deque()
        self._historical: deque[int] = deque()
        self._blocked: dict[int, int] = {}
        self._after: list[Callable[[], None]] = []
        self._lost: set[str] = set()
        self._jobs: set[asyncio.Task[Any]] = set()
        self._is_over = False

    # ---- in --------------------------------------------------------------------------------------

    def on_oversize(self, size: int) -> None:
        """A frame longer than the venue takes."""
        self._refuse_frame("FRAME_TOO_LONG", f"A frame of {size} bytes is too long")

    def on_frame(self, frame: bytes) -> None:
        """One whole envelope."""
        try:
            outer = pb.ProtoMessage.FromString(frame)
        except DecodeError:
            self._refuse_frame("INVALID_REQUEST", "The frame cannot be read")
            return
        if not outer.HasField("payloadType"):
            self._refuse_frame("INVALID_REQUEST", "The frame has no payload type")
            return
        if outer.payloadType == HEARTBEAT:
            return
        request_id: RequestId | None = None
        if outer.HasField("clientMsgId"):
            request_id = RequestId(outer.clientMsgId)
            request_id.session = self
        message_class = REQUESTS.get(outer.payloadType)
        if message_class is None:
            self._send_error(
                OpenApiError(
                    "UNSUPPORTED_MESSAGE", f"Unknown payload type {outer.payloadType}", carrier="50"
                ),
                None,
                request_id,
                "ctrader/ack/unknown",
            )
            return
        try:
            message = message_class.FromString(outer.payload)
        except DecodeError:
            self._refuse_frame("INVALID_REQUEST", "The payload cannot be read")
            return
        self._note(self, outer.payloadType, message)
        self._take(outer.payloadType, message, request_id)

    def _take(self, payload_type: int, message: Message, request_id: RequestId | None) -> None:
        name = short_name(type(message))
        ack = f"ctrader/ack/{name}"
        faults = self._services.faults
        if faults.active:
            subject = f"ctrader/{group_of(payload_type)}/{name}"
            if faults.take("swallow_request", subject) is not None:
                return
            fault = faults.take("accept_lose_answer", subject)
            if fault is not None:
                if request_id is not None:
                    self._lost.add(request_id)
                self._answer(payload_type, message, request_id, ack, lost=True)
                if fault.flag("close"):
                    self.wire.reset()
                return
            error = self._ordered_error(subject, payload_type, message)
            if error is not None:
                self._send_error(error, message, request_id, ack)
                return
        self._answer(payload_type, message, request_id, ack)

    def _ordered_error(self, subject: str, payload_type: int, message: Message) -> OpenApiError | None:
        faults = self._services.faults
        fault = faults.take("blocked", subject)
        if fault is not None:
            return OpenApiError(
                "BLOCKED_PAYLOAD_TYPE", "Blocked", retry_after=int(fault.number("retry_after", 1))
            )
        fault = faults.take("maintenance", subject)
        if fault is not None:
            end = int(self._services.quotes.clock.wall_ns() / 1e9 + fault.number("for_s", 60.0))
            carrier = fault.text("carrier", "2142")
            return OpenApiError(
                "SERVER_IS_UNDER_MAINTENANCE",
                "The server is under maintenance",
                carrier="50" if carrier == "50" else "2142",
                maintenance_end_s=end,
            )
        fault = faults.take("error", subject)
        if fault is None:
            return None
        if fault.flag("acts"):
            self._answer(payload_type, message, None, "ctrader/ack/-", lost=True)
        carrier = fault.text("carrier", "2132" if payload_type in TRADING else "2142")
        return OpenApiError(
            fault.text("error", "TIMEOUT_ERROR"),
            fault.text("description", "Ordered by a rehearsal"),
            carrier="2132" if carrier == "2132" else "50" if carrier == "50" else "2142",
        )

    def _answer(
        self,
        payload_type: int,
        message: Message,
        request_id: RequestId | None,
        ack: str,
        *,
        lost: bool = False,
    ) -> None:
        try:
            self._admit(payload_type, message)
            if payload_type in BROKER:
                found: Any = self._ask_broker(message, request_id)
            else:
                found = HANDLERS[payload_type](self._services, self, message)
        except OpenApiError as error:
            if not lost:
                self._send_error(error, message, request_id, ack)
            return
        except Exception:
            log.exception("%s failed", ack)
            if not lost:
                self._send_error(OpenApiError("UNKNOWN_ERROR", "Internal error"), message, request_id, ack)
            return
        if isinstance(found, Message):
            if not lost:
                self.send(found, request_id, ack)
        elif found is not None:
            self._spawn(found, message, request_id, ack, lost)
        follow, self._after = self._after, []
        for action in follow:
            action()

    def _ask_broker(self, message: Any, request_id: RequestId | None) -> Message | None:
        token = self.accounts[message.ctidTraderAccountId]
        return self._services.broker.handle(
            message,
            client_msg_id=request_id,
            can_trade=self._services.grants.by_access(token).may_trade,
            session=self,
        )

    def _spawn(
        self, work: Awaitable[Message], message: Message, request_id: RequestId | None, ack: str, lost: bool
    ) -> None:
        async def finish() -> None:
            try:
                answer = await work
            except OpenApiError as error:
                self._send_error(error, message, request_id, ack)
            else:
                if not lost:
                    self.send(answer, request_id, ack)

        job = tasks.spawn(finish(), name=f"practice.{ack}")
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    def after(self, action: Callable[[], None]) -> None:
        """Do something once the present request has been answered."""
        self._after.append(action)

    # ---- who may ask what ------------------------------------------------------------------------

    def _admit(self, payload_type: int, message: Message) -> None:
        self._count(payload_type)
        if payload_type == 2100:
            if self.has_application:
                raise OpenApiError("CH_CLIENT_ALREADY_AUTHENTICATED", "Client is already authenticated")
        elif not self.has_application:
            raise OpenApiError("CH_CLIENT_NOT_AUTHENTICATED", "Client is not authenticated")
        if not message.IsInitialized():
            raise OpenApiError("INVALID_REQUEST", f"Message missing required fields: {_missing(message)}")
        ctid = _account_of(message)
        if ctid is None or payload_type == 2102:
            return
        if ctid not in self.accounts:
            raise OpenApiError("INVALID_REQUEST", NOT_AUTHORIZED)

    def used(self) -> tuple[int, int]:
        """Ordinary and historical requests within the last second."""
        now = self._services.quotes.clock.monotonic_ns()
        return _used(self._ordinary, now), _used(self._historical, now)

    def _count(self, payload_type: int) -> None:
        """Raises OpenApiError where the client asks too fast."""
        now = self._services.quotes.clock.monotonic_ns()
        until = self._blocked.get(payload_type, 0)
        if now < until:
            raise _blocked(until - now)
        is_historical = payload_type in HISTORICAL
        window = self._historical if is_historical else self._ordinary
        limit = HISTORICAL_A_SECOND if is_historical else ORDINARY_A_SECOND
        if _used(window, now) >= limit:
            self.blocks += 1
            self._blocked[payload_type] = now + int(WINDOW_S * 1e9)
            raise _blocked(int(WINDOW_S * 1e9))
        window.append(now)

    def forgive(self) -> None:
        """Empty the windows and lift blocks."""
        self._ordinary.clear()
        self._historical.clear()
        self._blocked.clear()

    def sign_in_application(self) -> None:
        """2100 was right."""
        self.has_application = True

    def sign_in_account(self, ctid: int, access_token: str) -> None:
        """Raises OpenApiError where the token or the account is not for this connection."""
        grant = self._services.grants.by_access(access_token)
        account = self._services.broker.accounts.get(ctid)
        if ctid not in grant.accounts or account is None:
            raise OpenApiError("CH_CTID_TRADER_ACCOUNT_NOT_FOUND", "The account is not in this grant")
        if account.is_live is not self.is_live:
            raise OpenApiError("CANT_ROUTE_REQUEST", "Cannot route request")
        if ctid in self.accounts:
            raise OpenApiError("ALREADY_LOGGED_IN", "Trading account is already authorized in this channel")
        self.accounts[ctid] = access_token

    def sign_out_account(self, ctid: int) -> None:
        """The account leaves; the event that completes it follows the answer."""
        self.after(lambda: self.drop_account(ctid))

    def drop_account(self, ctid: int) -> None:
        """End one account's session on this connection and say so."""
        if self.accounts.pop(ctid, None) is not None:
            self._services.streams.forget(self, ctid)
            self._services.broker.forget_session(self, ctid)
            self.send(
                pb.ProtoOAAccountDisconnectEvent(ctidTraderAccountId=ctid),
                None,
                "ctrader/data/AccountDisconnect",
            )

    def invalidate(self, ctids: list[int], reason: str) -> None:
        """The token behind these accounts has died."""
        self.send(
            pb.ProtoOAAccountsTokenInvalidatedEvent(ctidTraderAccountIds=ctids, reason=reason),
            None,
            "ctrader/data/AccountsTokenInvalidated",
        )
        for ctid in ctids:
            self.drop_account(ctid)

    def disconnect(self, reason: str) -> None:
        """Say why, and close."""
        self.send(pb.ProtoOAClientDisconnectEvent(reason=reason), None, "ctrader/data/ClientDisconnect")
        self.wire.close()

    # ---- out -------------------------------------------------------------------------------------

    def send(self, message: Message, request_id: str | None, subject: str) -> None:
        """Send one message; with the id of a request, its answer."""
        if self._is_over or (request_id is not None and request_id in self._lost):
            return
        payload_type = type_of(message)
        faults = self._services.faults
        if faults.active:
            frames = mangled(message, payload_type, request_id, subject, faults)
            if frames is not None:
                for frame in frames:
                    self.wire.send(frame, subject)
                return
        self.wire.send(envelope(payload_type, message.SerializeToString(), request_id), subject)

    def send_event(self, payload_type: int, payload: bytes, subject: str) -> None:
        """Send an event that is serialised already."""
        if not self._is_over:
            self.wire.send(envelope(payload_type, payload), subject)

    def _send_error(
        self, error: OpenApiError, message: Message | None, request_id: RequestId | None, subject: str
    ) -> None:
        self.send(_error_message(error, _account_of(message)), request_id, subject)

    def _refuse_frame(self, code: str, description: str) -> None:
        self.send(pb.ProtoErrorRes(errorCode=code, description=description), None, "ctrader/ack/unreadable")
        self.wire.close()

    # ---- end -------------------------------------------------------------------------------------

    def on_closed(self) -> None:
        """The connection is gone."""
        self._is_over = True
        for job in self._jobs:
            job.cancel()
        self._services.streams.forget(self)
        self._services.broker.forget_session(self)
        self.accounts.clear()
        self._on_end(self)


def _used(window: deque[int], now: int) -> int:
    while window and now - window[0] >= WINDOW_S * 1e9:
        window.popleft()
    return len(window)


def _account_of(message: Message | None) -> int | None:
    if message is None or "ctidTraderAccountId" not in message.DESCRIPTOR.fields_by_name:
        return None
    if not message.HasField("ctidTraderAccountId"):
        return None
    ctid: int = message.ctidTraderAccountId  # type: ignore[attr-defined]
    return ctid


def _missing(message: Message) -> str:
    names = [
        field.name
        for field in message.DESCRIPTOR.fields
        if field.is_required and not message.HasField(field.name)
    ]
    return ", ".join(names) or "of an inner message"


def _blocked(left_ns: int) -> OpenApiError:
    return OpenApiError(
        "BLOCKED_PAYLOAD_TYPE",
        "Request frequency exceeded for this payload type",
        retry_after=max(1, math.ceil(left_ns / 1e9)),
    )


def _error_message(error: OpenApiError, ctid: int | None) -> Message:
    if error.carrier == "50":
        common = pb.ProtoErrorRes(errorCode=error.code, description=error.description)
        if error.maintenance_end_s is not None:
            common.maintenanceEndTimestamp = error.maintenance_end_s * 1000
        return common
    if error.carrier == "2132" and ctid is not None:
        refusal = pb.ProtoOAOrderErrorEvent(
            ctidTraderAccountId=ctid, errorCode=error.code, description=error.description
        )
        if error.order_id is not None:
            refusal.orderId = error.order_id
        if error.position_id is not None:
            refusal.positionId = error.position_id
        return refusal
    answer = pb.ProtoOAErrorRes(errorCode=error.code, description=error.description)
    if ctid is not None:
        answer.ctidTraderAccountId = ctid
    if error.retry_after is not None:
        answer.retryAfter = error.retry_after
    if error.maintenance_end_s is not None:
        answer.maintenanceEndTimestamp = error.maintenance_end_s
    return answer
