from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.message import Message

from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.errors import (
    AuthRejected,
    NotSent,
    OutcomeUnknown,
    ProtocolViolation,
    RateLimited,
    RequestRejected,
    VenueError,
    VenueUnavailable,
)
from terminal.domain.events import LinkState
from terminal.transport.frames import LinkPolicy
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import POLICY, Application, Client
from tests.helpers import eventually, run
from tests.unit.transport.servers import serve
from tests.unit.venues.ctrader.fake_venue import (
    DEMO,
    EURUSD,
    FAST,
    NUMBERS,
    FakeVenue,
    Wire,
    authority,
    frame,
    good_certificate,
)


class Notes:
    """Watches a client."""

    def __init__(self) -> None:
        self.events: list[Message] = []
        self.states: list[tuple[LinkState, str]] = []
        self.signed_out: list[int] = []
        self.faults: list[str] = []
        self.lost_events = 0

    def on_event(self, message: Message, ts_received_ns: int) -> None:
        self.events.append(message)

    def on_link(self, state: LinkState, reason: str) -> None:
        self.states.append((state, reason))

    def on_signed_out(self, account_id: int) -> None:
        self.signed_out.append(account_id)

    def on_lost_event(self) -> None:
        self.lost_events += 1

    def on_fault(self, what: str) -> None:
        self.faults.append(what)


class Bench:
    """A client and the endpoint it talks to."""

    def __init__(self, venue: FakeVenue, notes: Notes, client: Client) -> None:
        self.venue = venue
        self.notes = notes
        self.client = client

    @property
    def wire(self) -> Wire:
        return self.venue.wire

    async def version(self, **terms: Any) -> pb.ProtoOAVersionRes:
        return await self.client.request(pb.ProtoOAVersionReq(), answer=pb.ProtoOAVersionRes, **terms)

    async def order(self, **terms: Any) -> pb.ProtoOAExecutionEvent:
        return await self.client.request(new_order(), answer=pb.ProtoOAExecutionEvent, writes=True, **terms)


@asynccontextmanager
async def bench(
    secret: str = "application-secret", live: bool = True, policy: LinkPolicy = FAST
) -> AsyncIterator[Bench]:
    venue = FakeVenue(0)
    notes = Notes()
    async with serve(venue.talk, ssl_context=good_certificate()) as server:
        client = Client(
            name="demo",
            address=lambda: f"localhost:{server.port}",
            application=Application("application-id", Secret(secret)),
            watcher=notes,
            ca_file=str(authority().path),
            policy=policy,
        )
        try:
            client.link.start()
            if live:
                await eventually(lambda: client.round_trip_ms is not None, what="the first ping's answer")
            yield Bench(venue, notes, client)
        finally:
            await client.link.close()


def new_order() -> pb.ProtoOANewOrderReq:
    return pb.ProtoOANewOrderReq(
        ctidTraderAccountId=DEMO,
        symbolId=EURUSD,
        orderType=pb.MARKET,
        tradeSide=pb.BUY,
        volume=100_000,
        label="ours",
    )


def execution(kind: Any = pb.ORDER_ACCEPTED, **more: Any) -> pb.ProtoOAExecutionEvent:
    return pb.ProtoOAExecutionEvent(ctidTraderAccountId=DEMO, executionType=kind, **more)


def answering(make: Callable[[], Message]) -> Callable[[Wire, Any, str], object]:
    return lambda wire, message, message_id: wire.send(make(), message_id)


def test_the_application_is_signed_in_before_anything_else() -> None:
    async def main() -> None:
        async with bench() as found:
            (request,) = found.venue.heard(pb.ProtoOAApplicationAuthReq)
            assert (request.clientId, request.clientSecret) == ("application-id", "application-secret")
            assert (await found.version()).version == "91"

    run(main())


def test_a_wrong_secret_is_said_and_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with bench("a-wrong-secret", live=False) as found:
            await eventually(lambda: found.client.link.state is LinkState.FAILED)
            assert "id or secret is wrong" in found.client.link.reason
            assert len(found.venue.wires) == 1

    run(main())
    assert "a-wrong-secret" not in caplog.text


def test_each_answer_finds_its_request_in_any_order() -> None:
    async def main() -> None:
        async with bench() as found:
            waiting: list[tuple[Wire, str]] = []
            found.venue.on[NUMBERS[pb.ProtoOAVersionReq]] = lambda wire, message, message_id: waiting.append(
                (wire, message_id)
            )
            asked = [tasks.spawn(found.version(), name=f"version {n}") for n in range(3)]
            await eventually(lambda: len(waiting) == 3)
            assert len({message_id for _, message_id in waiting}) == 3
            for number, (wire, message_id) in reversed(list(enumerate(waiting))):
                wire.send(pb.ProtoOAVersionRes(version=str(number)), message_id)
            assert [(await each).version for each in asked] == ["0", "1", "2"]
            assert not found.notes.events

    run(main())


def test_ids_bear_a_tag_that_changes_with_each_connection() -> None:
    async def main() -> None:
        async with bench() as found:
            first = found.wire.heard[0][2].partition("-")[0]
            assert len(first) == 8
            found.wire.cut()
            await eventually(lambda: len(found.venue.wires) == 2 and found.client.is_live)
            assert found.wire.heard[0][2].partition("-")[0] != first

    run(main())


def test_an_order_is_settled_by_its_first_event_and_all_events_go_on() -> None:
    async def main() -> None:
        async with bench() as found:

            def flow(wire: Wire, message: Any, message_id: str) -> None:
                wire.send(execution(), message_id)
                wire.send(execution(pb.ORDER_FILLED), message_id)
                wire.send(execution(isServerEvent=True))

            found.venue.on[NUMBERS[pb.ProtoOANewOrderReq]] = flow
            answer = await found.order()
            assert answer.executionType == pb.ORDER_ACCEPTED
            await eventually(lambda: len(found.notes.events) == 3)
            kinds = [each.executionType for each in found.notes.events]  # type: ignore[attr-defined]
            assert kinds == [pb.ORDER_ACCEPTED, pb.ORDER_FILLED, pb.ORDER_ACCEPTED]

    run(main())


def test_an_event_with_a_strangers_id_is_an_event() -> None:
    async def main() -> None:
        async with bench() as found:
            found.wire.send(execution(pb.ORDER_FILLED), "cm_another-program_7")
            await eventually(lambda: found.notes.events)
            assert not found.notes.faults

    run(main())


def test_a_late_answer_does_no_harm_and_its_event_is_heard() -> None:
    async def main() -> None:
        async with bench() as found:
            ids: list[str] = []
            for kind in (pb.ProtoOANewOrderReq, pb.ProtoOAVersionReq):
                found.venue.on[NUMBERS[kind]] = lambda wire, message, message_id: ids.append(message_id)
            with pytest.raises(OutcomeUnknown, match="no answer within"):
                await found.order(deadline_s=0.05)
            with pytest.raises(VenueUnavailable, match="no answer within"):
                await found.version(deadline_s=0.05)
            found.wire.send(execution(), ids[0])
            found.wire.send(pb.ProtoOAVersionRes(version="late"), ids[1])
            await eventually(lambda: found.notes.events)
            found.venue.on.clear()
            assert (await found.version()).version == "91"
            assert found.client.faults == 0
            assert len(found.venue.heard(pb.ProtoOANewOrderReq)) == 1

    run(main())


@pytest.mark.parametrize(
    ("carrier", "error"),
    [
        (lambda: pb.ProtoErrorRes(errorCode="INVALID_REQUEST", description="no"), RequestRejected),
        (
            lambda: pb.ProtoOAErrorRes(
                ctidTraderAccountId=DEMO, errorCode="NOT_ENOUGH_MONEY", description="no"
            ),
            RequestRejected,
        ),
        (
            lambda: pb.ProtoOAOrderErrorEvent(ctidTraderAccountId=DEMO, errorCode="TRADING_BAD_VOLUME"),
            RequestRejected,
        ),
        (lambda: execution(pb.ORDER_REJECTED, errorCode="MARKET_CLOSED"), RequestRejected),
        (lambda: execution(pb.ORDER_CANCEL_REJECTED, errorCode="TIMEOUT_ERROR"), RequestRejected),
        (lambda: pb.ProtoOAErrorRes(errorCode="CH_ACCESS_TOKEN_INVALID"), AuthRejected),
        (lambda: pb.ProtoOAErrorRes(errorCode="TIMEOUT_ERROR"), OutcomeUnknown),
        (lambda: pb.ProtoOAErrorRes(errorCode="SERVER_IS_UNDER_MAINTENANCE"), RateLimited),
        (lambda: pb.ProtoOAErrorRes(errorCode="NEVER_HEARD_OF", description="why"), RequestRejected),
    ],
)
def test_the_venues_no_reaches_whoever_asked_by_any_carrier(
    carrier: Callable[[], Message], error: type[VenueError]
) -> None:
    async def main() -> None:
        async with bench() as found:
            found.venue.on[NUMBERS[pb.ProtoOANewOrderReq]] = answering(carrier)
            with pytest.raises(error) as caught:
                await found.order()
            assert type(caught.value) is error
            assert caught.value.user_text.endswith(".")

    run(main())


def test_the_end_of_a_maintenance_is_read_in_both_units() -> None:
    async def main() -> None:
        async with bench() as found:
            now_s = found.client.clock.wall_ns() // 1_000_000_000
            for answer in (
                pb.ProtoErrorRes(
                    errorCode="SERVER_IS_UNDER_MAINTENANCE", maintenanceEndTimestamp=(now_s + 600) * 1000
                ),
                pb.ProtoOAErrorRes(
                    errorCode="SERVER_IS_UNDER_MAINTENANCE", maintenanceEndTimestamp=now_s + 600
                ),
            ):
                found.venue.on[NUMBERS[pb.ProtoOAVersionReq]] = answering(lambda found=answer: found)  # type: ignore[misc]
                with pytest.raises(RateLimited) as caught:
                    await found.version()
                assert caught.value.retry_after_s is not None
                assert 500 < caught.value.retry_after_s <= 600
                assert "until" in caught.value.user_text

    run(main())


def test_a_reading_request_waits_out_a_block_and_a_writing_one_is_told() -> None:
    async def main() -> None:
        async with bench() as found:
            refusals, before = 1, len(found.venue.heard(pb.ProtoOAVersionReq))

            def blocked(wire: Wire, message: Any, message_id: str) -> None:
                nonlocal refusals
                if refusals:
                    refusals -= 1
                    wire.fail(message_id, "BLOCKED_PAYLOAD_TYPE", retryAfter=0)
                else:
                    found.venue.usual(wire, message, message_id)

            found.venue.on[NUMBERS[pb.ProtoOAVersionReq]] = blocked
            assert (await found.version()).version == "91"
            assert len(found.venue.heard(pb.ProtoOAVersionReq)) == before + 2

            found.venue.on[NUMBERS[pb.ProtoOANewOrderReq]] = lambda wire, message, message_id: wire.fail(
                message_id, "BLOCKED_PAYLOAD_TYPE", retryAfter=30
            )
            with pytest.raises(RateLimited) as caught:
                await found.order()
            assert caught.value.retry_after_s is not None
            assert caught.value.retry_after_s > 30
            with pytest.raises(RateLimited):
                await found.order()
            # The second was stopped here: the block is per kind of request, and others pass.
            assert len(found.venue.heard(pb.ProtoOANewOrderReq)) == 1
            assert (await found.version()).version == "91"

    run(main())


def test_unknown_types_fields_and_absent_payloads_are_passed_over() -> None:
    async def main() -> None:
        async with bench() as found:
            unknown = pb.ProtoMessage(payloadType=2999, payload=b"\x08\x01").SerializeToString()
            found.wire.raw(struct.pack(">I", len(unknown)) + unknown)
            absent = pb.ProtoMessage(payloadType=51).SerializeToString()
            found.wire.raw(struct.pack(">I", len(absent)) + absent)
            newer = frame(execution(), "")
            body = pb.ProtoMessage.FromString(newer[4:])
            body.payload += b"\xba\x3e\x03new"  # a length-delimited field 999 that no release has
            wire = body.SerializeToString()
            found.wire.raw(struct.pack(">I", len(wire)) + wire)
            await eventually(lambda: found.notes.events)
            assert not found.notes.faults
            assert found.client.link.reconnects == 0

    run(main())


def test_an_unreadable_answer_leaves_a_write_in_doubt_and_the_link_up() -> None:
    async def main() -> None:
        async with bench() as found:

            def garbage(wire: Wire, message: Any, message_id: str) -> None:
                kind = 2126 if isinstance(message, pb.ProtoOANewOrderReq) else 2105
                body = pb.ProtoMessage(
                    payloadType=kind, payload=b"\xff\xff\xff", clientMsgId=message_id
                ).SerializeToString()
                wire.raw(struct.pack(">I", len(body)) + body)

            for kind in (pb.ProtoOANewOrderReq, pb.ProtoOAVersionReq):
                found.venue.on[NUMBERS[kind]] = garbage
            with pytest.raises(OutcomeUnknown):
                await found.order()
            with pytest.raises(ProtocolViolation):
                await found.version()
            assert len(found.notes.faults) == 2
            # What became of the order is news of the account, whoever waits for it; a version is not.
            assert found.notes.lost_events == 1
            assert found.client.link.reconnects == 0

    run(main())


def test_an_answer_without_what_it_must_have_is_no_answer() -> None:
    async def main() -> None:
        async with bench() as found:
            found.venue.on[NUMBERS[pb.ProtoOAVersionReq]] = answering(pb.ProtoOAVersionRes)
            with pytest.raises(ProtocolViolation, match="version"):
                await found.version()
            # An execution type that this release does not have reads as none at all.
            found.venue.on[NUMBERS[pb.ProtoOANewOrderReq]] = answering(
                lambda: pb.ProtoOAExecutionEvent(ctidTraderAccountId=DEMO)
            )
            with pytest.raises(OutcomeUnknown, match="executionType"):
                await found.order()

    run(main())


def test_an_unreadable_envelope_drops_the_connection() -> None:
    async def main() -> None:
        async with bench() as found:
            found.wire.raw(struct.pack(">I", 4) + b"\xff\xff\xff\xff")
            await eventually(lambda: len(found.venue.wires) == 2 and found.client.is_live)
            assert found.notes.faults
            assert LinkState.RECONNECTING in [state for state, _ in found.notes.states]

    run(main())


def test_a_lost_connection_settles_everything_that_waits() -> None:
    async def main() -> None:
        async with bench() as found:
            silent = (pb.ProtoOANewOrderReq, pb.ProtoOAVersionReq)
            for kind in silent:
                found.venue.on[NUMBERS[kind]] = lambda wire, message, message_id: None
            order = tasks.spawn(_caught(found.order()), name="order")
            version = tasks.spawn(_caught(found.version()), name="version")
            await eventually(lambda: all(found.venue.heard(kind) for kind in silent))
            found.wire.cut()
            assert isinstance(await order, OutcomeUnknown)
            assert isinstance(await version, VenueUnavailable)

    run(main())


async def _caught(work: Any) -> BaseException | None:
    try:
        await work
    except VenueError as error:
        return error
    return None


def test_nothing_leaves_while_the_connection_is_down() -> None:
    async def main() -> None:
        async with bench() as found:
            await found.client.link.close()
            with pytest.raises(NotSent):
                await found.order()
            with pytest.raises(VenueUnavailable):
                await found.version()
            assert not found.venue.heard(pb.ProtoOANewOrderReq)

    run(main())


def test_who_waits_for_a_turn_hears_at_once_that_the_connection_was_closed() -> None:
    """A page of history waits up to a second for its turn: closing must not wait for it."""

    async def main() -> None:
        async with bench() as found:
            request = pb.ProtoOAGetTrendbarsReq(
                ctidTraderAccountId=DEMO, period=pb.M1, symbolId=EURUSD, fromTimestamp=0, toTimestamp=1
            )
            history = [found.client.request(request, answer=pb.ProtoOAGetTrendbarsRes) for _ in range(6)]
            asked = [tasks.spawn(_caught(each), name="page") for each in history]
            await eventually(lambda: len(found.venue.heard(pb.ProtoOAGetTrendbarsReq)) == 4, what="four")
            found.client.limits.block(pb.PROTO_OA_VERSION_REQ, 20.0)
            asked.append(tasks.spawn(_caught(found.version()), name="blocked"))
            await asyncio.sleep(0)
            await found.client.link.close()
            for _ in range(10):
                await asyncio.sleep(0)
            assert all(task.done() for task in asked)
            assert {type(task.result()) for task in asked} == {VenueUnavailable}
            with pytest.raises(NotSent):
                await found.order()

    run(main())


def test_an_account_that_is_not_signed_in_is_told_apart_from_a_bad_request() -> None:
    async def main() -> None:
        async with bench() as found:
            request = pb.ProtoOATraderReq(ctidTraderAccountId=DEMO)
            with pytest.raises(VenueUnavailable):
                await found.client.request(request, answer=pb.ProtoOATraderRes)
            assert found.notes.signed_out == [DEMO]
            with pytest.raises(RequestRejected, match="not authorized"):
                await found.order()

    run(main())


def test_a_connection_that_has_lost_its_sign_in_is_made_anew() -> None:
    async def main() -> None:
        async with bench() as found:
            found.wire.is_application = False
            with pytest.raises(VenueUnavailable):
                await found.version()
            await eventually(lambda: len(found.venue.wires) == 2 and found.client.is_live)
            assert (await found.version()).version == "91"

    run(main())


def test_a_request_that_lacks_something_is_not_sent() -> None:
    async def main() -> None:
        async with bench() as found:
            with pytest.raises(NotSent, match="ctidTraderAccountId"):
                await found.client.request(
                    pb.ProtoOANewOrderReq(), answer=pb.ProtoOAExecutionEvent, writes=True
                )
            assert not found.venue.heard(pb.ProtoOANewOrderReq)

    run(main())


def test_frequent_events_reach_their_taker_with_and_without_an_id() -> None:
    async def main() -> None:
        async with bench() as found:
            taken: list[int] = []
            readings: list[int] = []

            def take(payload: bytes, at_ns: int) -> None:
                taken.append(pb.ProtoOASpotEvent.FromString(payload).bid)

            found.client.set_hot({pb.PROTO_OA_SPOT_EVENT: take}, readings.append)
            long = pb.ProtoOASpotEvent(ctidTraderAccountId=DEMO, symbolId=EURUSD, bid=3)
            for minute in range(30):
                long.trendbar.add(volume=1, low=1, utcTimestampInMinutes=minute)
            short = pb.ProtoOASpotEvent(ctidTraderAccountId=DEMO, symbolId=EURUSD, bid=1)
            found.wire.raw(frame(short) + frame(short, "id") + frame(long))
            broken = pb.ProtoMessage(payloadType=2131, payload=b"\xff\xff").SerializeToString()
            found.wire.raw(struct.pack(">I", len(broken)) + broken)
            await eventually(lambda: taken == [1, 1, 3] and found.notes.faults)
            assert readings
            assert found.client.link.reconnects == 0

    run(main())


def test_heartbeats_and_questions_keep_a_quiet_connection_known_to_live() -> None:
    policy = replace(FAST, heartbeat_s=0.05, ping_interval_s=0.05)

    async def main() -> None:
        async with bench(policy=policy) as found:
            await eventually(lambda: len(found.venue.heard(pb.ProtoHeartbeatEvent)) >= 2)
            await eventually(lambda: found.client.round_trip_ms is not None)
            assert found.client.version == "91"
            assert found.venue.heard(pb.ProtoOAVersionReq)
            assert found.client.link.reconnects == 0

    run(main())
    assert POLICY.heartbeat_s == 9.0  # to be heard at least every ten seconds is the client's duty
    assert POLICY.max_message_bytes == 15_000_000


def test_the_longest_list_that_a_server_may_send_is_read_whole() -> None:
    async def main() -> None:
        async with bench() as found:
            text = "x" * 14_999_000
            found.venue.on[NUMBERS[pb.ProtoOAVersionReq]] = answering(
                lambda: pb.ProtoOAVersionRes(version=text)
            )
            assert (await found.version(deadline_s=60.0)).version == text
            assert found.client.link.faults == 0

    run(main())


def test_secrets_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def main() -> None:
        async with bench("CANARY-application-secret", live=False) as found:
            await eventually(lambda: found.client.link.state is LinkState.FAILED)
            await asyncio.sleep(0)

    run(main())
    assert "CANARY" not in caplog.text
