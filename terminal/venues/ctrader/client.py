"""One connection to cTrader: the envelope, requests matched with their answers, events told apart.

Answers carry the request's ``clientMsgId``; everything else is an event, also what comes with an id of
another program (Open API 2.0, message 5 and the tables of release 91). One request may be followed by
several messages with its id: the first settles it, and those of the kinds that are events go on to the event
path as well.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar, cast

from google.protobuf.message import DecodeError, EncodeError, Message

from terminal.core.clock import Clock, SystemClock
from terminal.core.secret import Secret, scrub
from terminal.domain.errors import (
    NotSent,
    OutcomeUnknown,
    ProtocolViolation,
    RateLimited,
    RequestRejected,
    VenueError,
    VenueUnavailable,
)
from terminal.domain.events import BudgetLevel, LinkState
from terminal.transport.frames import ConnectGate, FrameLink, LinkPolicy
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.errors import VENUE_NAME, Verdict, meaning_of, to_error
from terminal.venues.ctrader.limits import Limits

log = logging.getLogger("venue.ctrader")

M = TypeVar("M", bound=Message)

MOST_FRAME_BYTES: Final = 15_000_000
POLICY: Final = LinkPolicy(
    # A quiet market sends nothing: a question is asked then, and no answer within this means dead.
    ping_interval_s=2.0,
    ping_timeout_s=8.0,
    idle_timeout_s=60.0,
    # To be heard at least every 10 s is the client's duty.
    heartbeat_s=9.0,
    max_message_bytes=MOST_FRAME_BYTES,
    backoff_s=(0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0),
)
READ_DEADLINE_S: Final = 10.0
_BLOCKED_TRIES: Final = 4
_MAX_LATE: Final = 512

TYPES: Final[dict[int, type[Message]]] = {
    member.DESCRIPTOR.fields_by_name["payloadType"].default_value: member
    for member in vars(pb).values()
    if isinstance(member, type)
    and issubclass(member, Message)
    and "payloadType" in member.DESCRIPTOR.fields_by_name
    and member is not pb.ProtoMessage
}
"""Payload type -> message class, for all of the release."""
NUMBERS: Final[dict[type[Message], int]] = {kind: number for number, kind in TYPES.items()}

_ERROR_RES: Final = pb.ERROR_RES
_OA_ERROR_RES: Final = pb.PROTO_OA_ERROR_RES
_ORDER_ERROR: Final = pb.PROTO_OA_ORDER_ERROR_EVENT
_EXECUTION: Final = pb.PROTO_OA_EXECUTION_EVENT
_HEARTBEAT: Final = pb.HEARTBEAT_EVENT
_VERSION_RES: Final = pb.PROTO_OA_VERSION_RES
_CARRIERS: Final = frozenset({_ERROR_RES, _OA_ERROR_RES, _ORDER_ERROR})
_EVENTS: Final = frozenset(
    number
    for number, kind in TYPES.items()
    if kind.DESCRIPTOR.name.endswith("Event") and number != _HEARTBEAT
)
_OF_ACCOUNTS: Final = frozenset(
    {
        _EXECUTION,
        pb.PROTO_OA_TRAILING_SL_CHANGED_EVENT,
        pb.PROTO_OA_TRADER_UPDATE_EVENT,
        pb.PROTO_OA_MARGIN_CHANGED_EVENT,
    }
)
"""Events that change what an account has."""
_REFUSED_EXECUTIONS: Final = frozenset({pb.ORDER_REJECTED, pb.ORDER_CANCEL_REJECTED})
_HEARTBEAT_FRAME: Final = pb.ProtoMessage(payloadType=_HEARTBEAT, payload=b"").SerializeToString()


class Watcher(Protocol):
    """Who hears what arrives on a connection beyond answers."""

    def on_event(self, message: Message, ts_received_ns: int) -> None:
        """An event of any kind but the hot ones, in the reading call. It may lack required fields."""

    def on_link(self, state: LinkState, reason: str) -> None:
        """The connection changed state."""

    def on_signed_out(self, account_id: int) -> None:
        """An answer said that an account is not signed in on this connection."""

    def on_lost_event(self) -> None:
        """An event of some account could not be read: what it said is not known, nor whose it was."""

    def on_fault(self, what: str) -> None:
        """Something unreadable arrived."""


Hot = Callable[[bytes, int], object]
"""Takes the payload of one frequent event and the wall time of its arrival (ns)."""


@dataclass(slots=True)
class _Waiting:
    """A request that was sent and has no answer yet."""

    answers: tuple[type[Message], ...]
    future: asyncio.Future[Message]
    writes: bool
    payload_type: int
    account_id: int


@dataclass(frozen=True, slots=True)
class Application:
    """The person's own application at the venue."""

    client_id: str
    secret: Secret = field(repr=False)


class Client:
    """A connection that signs the application in and keeps itself open.

    Args:
        name: ``demo`` or ``live``.
        address: ``host:port``, asked before each attempt.
        on_ready: after the application's sign-in, before the link counts as live.
    """

    def __init__(
        self,
        *,
        name: str,
        address: Callable[[], str],
        application: Application,
        watcher: Watcher,
        on_ready: Callable[[Client], Awaitable[None]] | None = None,
        ca_file: str = "",
        clock: Clock | None = None,
        policy: LinkPolicy | None = None,
        rng: random.Random | None = None,
        gate: ConnectGate | None = None,
    ) -> None:
        self.name = name
        self.clock: Clock = clock or SystemClock()
        self.limits = Limits(self.clock)
        self.round_trip_ms: float | None = None
        self.faults = 0
        self.version = ""
        """What the server calls itself."""
        self._application = application
        self._watcher = watcher
        self._on_ready = on_ready
        self._waiting: dict[str, _Waiting] = {}
        self._late: dict[str, None] = {}
        self._tag = ""
        self._numbers = itertools.count(1)
        self._ping_id = ""
        self._ping_sent_ns = 0
        self._heads: dict[bytes, Hot] = {}
        self._hot: dict[int, Hot] = {}
        self._on_read: Callable[[int], object] = _nothing
        self.link = FrameLink(
            name=name,
            venue=VENUE_NAME,
            address=address,
            on_frame=self.on_frame,
            on_read=lambda ts_received_ns: self._on_read(ts_received_ns),
            on_open=self._on_open,
            on_state=self._on_state,
            ping=self._make_ping,
            heartbeat=lambda: _HEARTBEAT_FRAME,
            policy=policy or POLICY,
            clock=self.clock,
            rng=rng,
            ca_file=ca_file,
            gate=gate,
        )

    def set_hot(self, hot: Mapping[int, Hot], on_read: Callable[[int], object]) -> None:
        """Payload type -> what takes these payloads undecoded, in the reading call; ``on_read`` ends it."""
        self._on_read = on_read
        self._heads = {_head(number): handler for number, handler in hot.items()}
        self._hot = dict(hot)

    @property
    def is_live(self) -> bool:
        """The application is signed in: accounts can be, too."""
        return self.link.state is LinkState.LIVE

    def budgets(self) -> tuple[BudgetLevel, ...]:
        """The request limits of this connection as they stand."""
        return tuple(self.limits.budgets())

    async def request(
        self,
        message: Message,
        *,
        answer: type[M] | tuple[type[M], ...],
        deadline_s: float = READ_DEADLINE_S,
        writes: bool = False,
        urgent: bool = False,
        loose: bool = False,
    ) -> M:
        """Send a request and return its answer.

        A reading request that the server blocks for its frequency is sent again after the pause it asks for,
        within four tries; one that writes never is. A late answer to a request that has been given up is
        dropped, and what of it is an event reaches the event path as ever.

        Args:
            answer: the class (or classes) of the answer. Of an order: ``ProtoOAExecutionEvent``.
            deadline_s: from the sending on; the wait for its turn has as long again.
            writes: it changes something, so that a lost answer is not a refusal.
            urgent: a cancel or a close: it passes all that waits for its turn.
            loose: a list, of which one row may be unreadable without costing the others: the caller looks at
                each.

        Raises:
            NotSent: it writes and nothing left: the connection is down or clogged.
            RequestRejected, AuthRejected: the venue's no, by any of its four carriers.
            RateLimited: the venue's budget or our own; nothing was done.
            OutcomeUnknown: it writes, and there is no (readable) answer.
            VenueUnavailable: it reads, and there is no answer.
            ProtocolViolation: it reads, and the answer lacks what it must have.
        """
        payload_type = NUMBERS[type(message)]
        answers = answer if isinstance(answer, tuple) else (answer,)
        try:
            payload = message.SerializeToString()
        except EncodeError as error:
            raise NotSent(
                VENUE_NAME, f"{type(message).__name__}: {error}", user_text="Not sent: it is incomplete."
            ) from None
        for attempt in range(1, _BLOCKED_TRIES + 1):
            try:
                await self._wait_while_blocked(payload_type, writes and not urgent, deadline_s)
                await self.limits.take(payload_type, urgent=urgent, timeout_s=max(deadline_s, 1.0))
            except NotSent as error:
                if writes:
                    raise
                raise VenueUnavailable(VENUE_NAME, str(error), code=error.code) from None
            try:
                found = await self._ask(message, payload, payload_type, answers, deadline_s, writes, loose)
            except RateLimited as error:
                if error.code not in ("BLOCKED_PAYLOAD_TYPE", "REQUEST_FREQUENCY_EXCEEDED"):
                    raise
                wait_s = self.limits.block(payload_type, error.retry_after_s or 1.0)
                error.retry_after_s = wait_s
                if writes or attempt == _BLOCKED_TRIES:
                    raise
                log.info("%s link: %s waits %.1f s", self.name, type(message).__name__, wait_s)
            else:
                return cast("M", found)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _wait_while_blocked(self, payload_type: int, refuse: bool, deadline_s: float) -> None:
        blocked_s = self.limits.blocked_for_s(payload_type)
        if blocked_s <= 0:
            return
        if refuse or blocked_s > max(30.0, deadline_s):
            text = f"cTrader asks for a pause of {max(1.0, blocked_s):.0f} s."
            raise RateLimited(
                VENUE_NAME, text, retry_after_s=blocked_s, code="BLOCKED_PAYLOAD_TYPE", user_text=text
            )
        await self.limits.pause(blocked_s)

    async def _ask(
        self,
        message: Message,
        payload: bytes,
        payload_type: int,
        answers: tuple[type[Message], ...],
        deadline_s: float,
        writes: bool,
        loose: bool,
    ) -> Message:
        what = type(message).__name__
        number = f"{self._tag}{next(self._numbers)}"
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        account_id = int(getattr(message, "ctidTraderAccountId", 0))
        envelope = pb.ProtoMessage(payloadType=payload_type, payload=payload, clientMsgId=number)
        self._waiting[number] = _Waiting(answers, future, writes, payload_type, account_id)
        try:
            try:
                self.link.send_now(envelope.SerializeToString())
            except NotSent as error:
                if writes:
                    raise
                raise VenueUnavailable(VENUE_NAME, str(error), code="closed") from None
            except OutcomeUnknown as error:
                if writes:
                    raise
                raise VenueUnavailable(VENUE_NAME, str(error), code="network") from None
            async with asyncio.timeout(deadline_s):
                found = await future
        except TimeoutError:
            self._note_late(number)
            text = f"{what}: no answer within {deadline_s:.1f} s"
            if writes:
                raise OutcomeUnknown(VENUE_NAME, text, code="deadline") from None
            raise VenueUnavailable(
                VENUE_NAME, text, code="deadline", user_text="cTrader did not answer in time."
            ) from None
        finally:
            self._waiting.pop(number, None)
        if not (_has_own_fields(found) if loose else found.IsInitialized()):
            missing = _missing(found)
            self._fault(f"{type(found).__name__} without {missing}")
            if writes:
                raise OutcomeUnknown(VENUE_NAME, f"{what}: the answer lacks {missing}", code="unreadable")
            raise ProtocolViolation(VENUE_NAME, f"{what}: the answer lacks {missing}")
        return found

    def _note_late(self, number: str) -> None:
        self._late[number] = None
        while len(self._late) > _MAX_LATE:
            del self._late[next(iter(self._late))]

    # --- the link ----------------------------------------------------------------------------------------

    async def _on_open(self, link: object) -> None:
        self._fail_waiting("The connection was made anew.")
        self._tag = f"{secrets.token_hex(4)}-"
        self._late.clear()
        self.limits.forget()
        request = pb.ProtoOAApplicationAuthReq(
            clientId=self._application.client_id, clientSecret=self._application.secret.reveal()
        )
        await self.request_or_done(request, answer=pb.ProtoOAApplicationAuthRes)
        if self._on_ready is not None:
            await self._on_ready(self)

    async def request_or_done(self, message: Message, *, answer: type[M]) -> M | None:
        """As :meth:`request` for a read; None where the venue says that the wanted state is there already."""
        try:
            return await self.request(message, answer=answer)
        except RequestRejected as error:
            if meaning_of(error.code).verdict is Verdict.DONE:
                return None
            raise

    def _on_state(self, state: LinkState, reason: str) -> None:
        if state is not LinkState.LIVE:
            self._fail_waiting(reason or "The connection is down.")
        if state is LinkState.OFF:
            self.limits.give_up()
        self._watcher.on_link(state, reason)

    def _fail_waiting(self, reason: str) -> None:
        """Nobody answers any more: what wrote is in doubt, what read has failed."""
        for waiting in list(self._waiting.values()):
            if waiting.future.done():
                continue
            error: VenueError
            if waiting.writes:
                error = OutcomeUnknown(VENUE_NAME, reason, code="lost")
            else:
                error = VenueUnavailable(VENUE_NAME, reason, code="lost")
            waiting.future.set_exception(error)

    def _make_ping(self) -> bytes:
        self._ping_id = f"{self._tag}p{next(self._numbers)}"
        self._ping_sent_ns = self.clock.monotonic_ns()
        envelope = pb.ProtoMessage(
            payloadType=pb.PROTO_OA_VERSION_REQ, payload=b"", clientMsgId=self._ping_id
        )
        return envelope.SerializeToString()

    # --- what arrives ------------------------------------------------------------------------------------

    def on_frame(self, frame: bytes, ts_received_ns: int) -> None:
        """Take one frame, in the reading call itself."""
        # The frequent events are told by how they begin, which costs a fifth of reading the envelope: the
        # number in two bytes, then the payload with a length of one byte that reaches to the end.
        handler = self._heads.get(frame[:4])
        if handler is not None and len(frame) < 133 and frame[4] == len(frame) - 5:
            try:
                handler(frame[5:], ts_received_ns)
            except DecodeError:
                self._fault("a price event")
            return
        try:
            envelope = pb.ProtoMessage.FromString(frame)
        except DecodeError:
            envelope = None
        if envelope is None or not envelope.HasField("payloadType"):
            self._fault("an envelope")
            self.link.drop("The venue sent something unreadable.", "garbage")
            return
        number = envelope.payloadType
        handler = self._hot.get(number)
        if handler is not None:
            try:
                handler(envelope.payload, ts_received_ns)
            except DecodeError:
                self._fault("a price event")
            return
        if number == _HEARTBEAT:
            return
        kind = TYPES.get(number)
        if kind is None:
            log.debug("%s link: a message of type %d is not known here", self.name, number)
            return
        try:
            message = kind.FromString(envelope.payload)
        except DecodeError:
            self._unreadable(envelope, kind)
            return
        if number in _EVENTS:
            self._watcher.on_event(message, ts_received_ns)
        if envelope.clientMsgId:
            self._answered(envelope.clientMsgId, number, message)
        elif number not in _EVENTS:
            self._unasked(number, message)

    def _answered(self, client_msg_id: str, number: int, message: Message) -> None:
        waiting = self._waiting.get(client_msg_id)
        if waiting is None:
            if client_msg_id == self._ping_id:
                self._on_pong(message)
            elif client_msg_id in self._late:
                log.info("%s link: a late %s", self.name, type(message).__name__)
            return
        future = waiting.future
        if future.done():
            return
        error = self._error_of(number, message, waiting)
        if error is not None:
            future.set_exception(error)
        elif isinstance(message, waiting.answers):
            future.set_result(message)
        else:
            log.debug("%s link: a %s is no answer", self.name, type(message).__name__)

    def _error_of(self, number: int, message: Message, waiting: _Waiting) -> VenueError | None:
        """The error that a message carries for the request it answers; None where it is none."""
        if number in _CARRIERS:
            return self._to_error(message, waiting.writes, waiting.account_id)
        if number == _EXECUTION:
            assert isinstance(message, pb.ProtoOAExecutionEvent)
            if message.executionType in _REFUSED_EXECUTIONS:
                return _refusal(message.errorCode)
        return None

    def _to_error(self, message: Any, writes: bool, account_id: int) -> VenueError:
        """``retryAfter`` is in seconds; the end of a maintenance in ms (message 50) or seconds (2142)."""
        until: float | None = None
        retry_after: float | None = None
        if isinstance(message, pb.ProtoErrorRes | pb.ProtoOAErrorRes):
            if message.HasField("maintenanceEndTimestamp"):
                until = float(message.maintenanceEndTimestamp)
                # Told by their size, so that a server which mixes them up is understood as well.
                until = until / 1000 if until > 1e11 else until
            if isinstance(message, pb.ProtoOAErrorRes) and message.HasField("retryAfter"):
                retry_after = float(message.retryAfter)
        verdict = meaning_of(message.errorCode, message.description).verdict
        if verdict is Verdict.ACCOUNT and account_id:
            self._watcher.on_signed_out(account_id)
        elif verdict is Verdict.APPLICATION and self.is_live:
            self.link.reconnect_now("The connection has lost its sign-in.")
        return to_error(
            message.errorCode,
            message.description,
            writing=writes,
            retry_after_s=retry_after,
            until_s=until,
            wall_s=self.clock.wall_ns() / 1e9,
        )

    def _unasked(self, number: int, message: Any) -> None:
        """An answer without an id: an error is worth a line, the rest is nothing to us."""
        if number in _CARRIERS:
            text = scrub(f"{message.errorCode} {message.description}")[:200]
            log.warning("%s link: cTrader says: %s", self.name, text)

    def _on_pong(self, message: Message) -> None:
        self.round_trip_ms = (self.clock.monotonic_ns() - self._ping_sent_ns) / 1e6
        if isinstance(message, pb.ProtoOAVersionRes):
            self.version = message.version

    def _unreadable(self, envelope: pb.ProtoMessage, kind: type[Message]) -> None:
        self._fault(f"a {kind.__name__}")
        if envelope.payloadType in _OF_ACCOUNTS:
            self._watcher.on_lost_event()
        waiting = self._waiting.get(envelope.clientMsgId) if envelope.clientMsgId else None
        if waiting is not None and not waiting.future.done():
            text = f"an unreadable {kind.__name__}"
            waiting.future.set_exception(
                OutcomeUnknown(VENUE_NAME, text, code="unreadable")
                if waiting.writes
                else ProtocolViolation(VENUE_NAME, text)
            )

    def _fault(self, what: str) -> None:
        self.faults += 1
        log.warning("%s link: unreadable: %s", self.name, what)
        self._watcher.on_fault(f"{self.name}: unreadable: {what}")


def _nothing(ts_received_ns: int) -> None:
    """Nobody wants to know that a reading has ended."""


def _refusal(code: str) -> RequestRejected:
    """An order's rejection is the venue's own final word, whatever its code means elsewhere."""
    row = meaning_of(code) if code else meaning_of("", "the order was refused")
    return RequestRejected(
        VENUE_NAME, code or "refused", code=code, venue_text=code, user_text=row.text, repair=row.repair
    )


def _missing(message: Message) -> str:
    """Which required fields of a message are not there, for the log."""
    required = (field.name for field in message.DESCRIPTOR.fields if field.is_required)
    return ", ".join(name for name in required if not message.HasField(name))[:200] or "an inner field"


def _has_own_fields(message: Message) -> bool:
    """Whether a message has what it must have itself; what is inside of it is another question."""
    return all(message.HasField(field.name) for field in message.DESCRIPTOR.fields if field.is_required)


def _head(number: int) -> bytes:
    """How an envelope without an id begins: field 1 with the number, then the tag of field 2."""
    return pb.ProtoMessage(payloadType=number, payload=b"").SerializeToString()[:-1]
