from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from terminal.core import tasks
from terminal.domain.account import AccountKind
from terminal.domain.errors import AuthRejected, CredentialError, VenueUnavailable
from terminal.domain.events import (
    AccountsChanged,
    ForAccount,
    LinkChanged,
    LinkState,
    SignInNeeded,
    VenueNotice,
)
from terminal.venues.base import HasAccounts, HasHistory
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.connector import CtraderConnector
from tests.helpers import eventually, run
from tests.unit.venues.ctrader.fake_venue import (
    DEMO,
    LIVE,
    NUMBERS,
    OTHER_DEMO,
    REFRESH,
    TOKEN,
    USD,
    Desk,
    authority,
    desk,
    trader,
)


def three(found: Desk) -> None:
    """A grant with two demo accounts and a live one."""
    listed = [
        pb.ProtoOACtidTraderAccount(
            ctidTraderAccountId=each, isLive=each == LIVE, traderLogin=each % 1000, brokerTitleShort="Broker"
        )
        for each in (DEMO, OTHER_DEMO, LIVE)
    ]
    found.demo.listed = found.live.listed = listed


def live(account: int) -> ForAccount:
    return ForAccount(str(account), LinkState.LIVE)


async def connected(found: Desk, *accounts: int, **build: Any) -> CtraderConnector:
    connector = found.build(**build)
    await connector.connect(found.events.append)
    for account in accounts:
        await eventually(lambda account=account: live(account) in found.events, what=f"account {account}")  # type: ignore[misc]
    return connector


def execution(account: int = DEMO, **more: Any) -> pb.ProtoOAExecutionEvent:
    return pb.ProtoOAExecutionEvent(
        ctidTraderAccountId=account, executionType=pb.ORDER_FILLED, isServerEvent=True, **more
    )


def test_it_can_do_what_it_says() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = found.build()
            assert isinstance(connector, HasAccounts)
            assert isinstance(connector, HasHistory)
            with pytest.raises(KeyError):
                connector.trader(str(DEMO))

    run(main())


def test_all_accounts_come_up_each_on_the_connection_of_its_kind() -> None:
    async def main() -> None:
        async with desk() as found:
            three(found)
            connector = await connected(found, DEMO, OTHER_DEMO, LIVE)
            assert len(found.demo.wires) == len(found.live.wires) == 1
            assert found.demo.wire.accounts == {DEMO, OTHER_DEMO}
            assert found.live.wire.accounts == {LIVE}
            infos = {each.account_id: each for each in connector.accounts()}
            demo, other, real = infos[str(DEMO)], infos[str(OTHER_DEMO)], infos[str(LIVE)]
            assert (demo.title, demo.is_live, demo.currency) == ("Broker 1", False, "USD")
            assert (demo.kind, demo.leverage, demo.can_trade) == (AccountKind.HEDGED, Decimal(30), True)
            assert (other.kind, other.currency) == (AccountKind.NETTED, "EUR")
            assert real.is_live
            last = found.of(AccountsChanged)[-1]
            assert {each.account_id for each in last.accounts} == set(infos)

    run(main())


def test_only_the_chosen_accounts_are_opened_and_no_connection_without_one() -> None:
    async def main() -> None:
        async with desk() as found:
            three(found)
            connector = await connected(found, OTHER_DEMO, options={"accounts": f"{OTHER_DEMO}"})
            assert found.demo.wire.accounts == {OTHER_DEMO}
            assert not any(wire.accounts for wire in found.live.wires)
            await eventually(lambda: connector._clients[True].link.state is LinkState.OFF)
            assert len(connector.accounts()) == 3
            assert [each.account_id for each in found.of(AccountsChanged)[-1].accounts] == [str(OTHER_DEMO)]

            await connector.show_accounts([str(LIVE)])
            await eventually(lambda: live(LIVE) in found.events)
            assert found.hands[OTHER_DEMO].closed
            (logout,) = found.demo.heard(pb.ProtoOAAccountLogoutReq)
            assert logout.ctidTraderAccountId == OTHER_DEMO
            await eventually(lambda: connector._clients[False].link.state is LinkState.OFF)
            with pytest.raises(KeyError):
                connector.trader(str(OTHER_DEMO))

    run(main())


def test_events_between_sign_in_and_reading_wait_and_keep_their_order() -> None:
    async def main() -> None:
        async with desk() as found:
            usual = found.demo.usual

            def sign_in(wire: Any, message: Any, message_id: str) -> None:
                usual(wire, message, message_id)
                wire.send(execution(errorCode="1"))

            found.demo.on[NUMBERS[pb.ProtoOAAccountAuthReq]] = sign_in
            connector = found.build()
            made = found.hand
            hold = asyncio.Event()

            def hand(account: Any) -> Any:
                fake = made(account)
                fake.hold = hold
                return fake

            found.hand = hand  # type: ignore[method-assign]
            await connector.connect(found.events.append)
            await eventually(lambda: found.hands and found.hands[DEMO].syncs == 1)
            found.demo.push(execution(errorCode="2"))
            found.demo.push(
                pb.ProtoOATraderUpdatedEvent(ctidTraderAccountId=DEMO, trader=trader(DEMO, USD, 7))
            )
            await eventually(lambda: connector._accounts.all[DEMO].trader.balance == 7)  # type: ignore[union-attr]
            assert not found.hands[DEMO].events
            assert live(DEMO) not in found.events
            hold.set()
            await eventually(lambda: live(DEMO) in found.events)
            found.demo.push(execution(errorCode="3"))
            await eventually(lambda: len(found.hands[DEMO].events) == 4)
            one, two, money, three_ = found.hands[DEMO].events
            assert [one.errorCode, two.errorCode, three_.errorCode] == ["1", "2", "3"]
            assert isinstance(money, pb.ProtoOATraderUpdatedEvent)

    run(main())


def test_events_reach_the_hand_of_their_account_alone() -> None:
    async def main() -> None:
        async with desk() as found:
            three(found)
            await connected(found, DEMO, OTHER_DEMO, LIVE)
            found.demo.push(execution(OTHER_DEMO))
            found.demo.push(execution(LIVE))  # a live account has no business on the demo endpoint
            found.demo.push(execution(999))
            found.demo.push(execution(DEMO))
            await eventually(lambda: found.hands[DEMO].events)
            assert len(found.hands[OTHER_DEMO].events) == 1
            assert not found.hands[LIVE].events

    run(main())


def test_an_account_that_the_server_signs_out_comes_back_and_the_others_go_on() -> None:
    async def main() -> None:
        async with desk() as found:
            three(found)
            await connected(found, DEMO, OTHER_DEMO, LIVE)
            found.demo.wire.accounts.discard(DEMO)
            before = len(found.events)
            found.demo.push(pb.ProtoOAAccountDisconnectEvent(ctidTraderAccountId=DEMO))
            await eventually(lambda: live(DEMO) in found.events[before:])
            told = [each for each in found.events[before:] if isinstance(each, ForAccount)]
            assert told[0].account_id == str(DEMO)
            assert told[0].event is LinkState.RECONNECTING
            assert told[0].reason == "The venue has signed the account out."
            assert {each.account_id for each in told} == {str(DEMO)}
            assert found.hands[DEMO].lost
            assert found.hands[DEMO].syncs == 2
            assert found.hands[OTHER_DEMO].syncs == 1
            assert len(found.demo.wires) == 1

    run(main())


def test_an_answer_that_says_not_authorized_brings_the_account_back() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = await connected(found, DEMO)
            found.demo.wire.accounts.clear()
            with pytest.raises(VenueUnavailable):
                await connector.bars("EUR/USD", 60)
            await eventually(lambda: found.hands[DEMO].syncs == 2)
            assert found.demo.wire.accounts == {DEMO}

    run(main())


def test_an_invalidated_token_is_answered_with_the_newest_one_and_not_with_a_refresh() -> None:
    async def main() -> None:
        async with desk() as found:
            await connected(found, DEMO)
            found.demo.wire.accounts.clear()
            found.demo.push(
                pb.ProtoOAAccountsTokenInvalidatedEvent(ctidTraderAccountIds=[DEMO], reason="renewed")
            )
            await eventually(lambda: found.hands[DEMO].syncs == 2)
            assert not found.demo.heard(pb.ProtoOARefreshTokenReq)
            assert not found.of(SignInNeeded)

    run(main())


def test_a_token_that_is_refused_is_renewed_once_and_kept_before_use() -> None:
    async def main() -> None:
        async with desk() as found:
            three(found)
            found.demo.token = "another"
            found.demo.refresh = REFRESH
            found.live.on[NUMBERS[pb.ProtoOAApplicationAuthReq]] = lambda wire, message, message_id: None
            found.live.token = found.demo.token
            await connected(found, DEMO, OTHER_DEMO)
            (kept,) = found.kept
            assert kept["access_token"] == "anotherx"
            assert len(found.demo.heard(pb.ProtoOARefreshTokenReq)) == 1
            assert {each.accessToken for each in found.demo.heard(pb.ProtoOAAccountAuthReq)} == {"anotherx"}
            assert not found.of(SignInNeeded)

    run(main())


def test_a_revoked_sign_in_leads_back_to_the_person_with_one_sentence() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = await connected(found, DEMO)
            found.demo.token = found.demo.refresh = "revoked"
            found.demo.wire.accounts.clear()
            found.demo.push(
                pb.ProtoOAAccountsTokenInvalidatedEvent(ctidTraderAccountIds=[DEMO], reason="revoked")
            )
            await eventually(lambda: found.of(SignInNeeded))
            (needed,) = found.of(SignInNeeded)
            assert needed.reason == "The sign-in to cTrader is not valid any more: sign in again."
            assert len(found.demo.heard(pb.ProtoOARefreshTokenReq)) == 1
            await eventually(lambda: found.of(ForAccount)[-1].event is LinkState.FAILED)
            assert not connector.accounts()[0].can_trade

    run(main())


def test_a_sign_in_that_is_void_from_the_start_is_said_at_once() -> None:
    async def main() -> None:
        async with desk() as found:
            for venue in (found.demo, found.live):
                venue.token = venue.refresh = "revoked"
            connector = found.build()
            with pytest.raises(AuthRejected) as caught:
                await connector.connect(found.events.append)
            assert "sign in again" in caught.value.user_text
            assert len(found.of(SignInNeeded)) == 1

    run(main())


def test_nobody_has_signed_in() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = found.build(credentials={"access_token": ""})
            with pytest.raises(CredentialError):
                await connector.connect(found.events.append)
            assert found.of(SignInNeeded)[0].reason == "Sign in to cTrader first."
            assert not found.demo.wires

    run(main())


def test_a_wrong_secret_leads_to_the_form_and_is_tried_once() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = found.build(credentials={"client_secret": "mistyped-secret"})
            with pytest.raises(AuthRejected) as caught:
                await connector.connect(found.events.append)
            assert "id or secret is wrong" in caught.value.user_text
            assert found.of(SignInNeeded)

    run(main())


def test_an_account_that_is_not_to_be_had_is_told_and_market_data_take_another() -> None:
    async def main() -> None:
        async with desk() as found:
            three(found)
            usual = found.demo.usual

            def sign_in(wire: Any, message: Any, message_id: str) -> None:
                if message.ctidTraderAccountId == DEMO:
                    wire.fail(message_id, "RET_ACCOUNT_DISABLED", "disabled")
                else:
                    usual(wire, message, message_id)

            found.demo.on[NUMBERS[pb.ProtoOAAccountAuthReq]] = sign_in
            connector = await connected(found, OTHER_DEMO, LIVE)
            info = next(each for each in connector.accounts() if each.account_id == str(DEMO))
            assert not info.can_trade
            assert info.note == "The broker has disabled this account."
            assert (await connector.instruments())[0].symbol == "EUR/USD"
            assert connector._accounts is not None
            assert connector._accounts.data is connector._accounts.all[OTHER_DEMO]

    run(main())


def test_a_server_that_is_busy_is_asked_again() -> None:
    async def main() -> None:
        async with desk() as found:
            usual, refusals = found.demo.usual, 1

            def sign_in(wire: Any, message: Any, message_id: str) -> None:
                nonlocal refusals
                if refusals:
                    refusals -= 1
                    wire.fail(message_id, "CH_SERVER_NOT_REACHABLE")
                else:
                    usual(wire, message, message_id)

            found.demo.on[NUMBERS[pb.ProtoOAAccountAuthReq]] = sign_in
            await connected(found, DEMO)
            assert len(found.demo.heard(pb.ProtoOAAccountAuthReq)) == 2

    run(main())


def test_a_reading_that_fails_is_done_again() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = found.build()
            made = found.hand

            def hand(account: Any) -> Any:
                fake = made(account)
                fake.error = VenueUnavailable("ctrader", "not now")
                return fake

            found.hand = hand  # type: ignore[method-assign]
            await connector.connect(found.events.append)
            await eventually(lambda: live(DEMO) in found.events)
            assert found.hands[DEMO].syncs == 2

    run(main())


def test_a_refused_reading_is_no_refused_account() -> None:
    async def main() -> None:
        async with desk() as found:
            usual, refusals = found.demo.usual, 1

            def record(wire: Any, message: Any, message_id: str) -> None:
                nonlocal refusals
                if refusals:
                    refusals -= 1
                    wire.fail(message_id, "INVALID_REQUEST", "not now")
                else:
                    usual(wire, message, message_id)

            found.demo.on[NUMBERS[pb.ProtoOATraderReq]] = record
            await connected(found, DEMO)
            assert len(found.demo.heard(pb.ProtoOATraderReq)) == 2

    run(main())


def test_an_account_that_is_new_in_the_list_is_opened() -> None:
    async def main() -> None:
        async with desk() as found:
            three(found)
            found.demo.listed = found.live.listed = found.demo.listed[1:]
            connector = await connected(found, OTHER_DEMO, LIVE)
            three(found)
            found.live.wire.cut()  # the list is read with each opening of a connection
            await eventually(lambda: live(DEMO) in found.events)
            assert len(connector.accounts()) == 3
            assert len(found.demo.wires) == 1

    run(main())


def test_after_a_cut_everything_is_signed_in_anew() -> None:
    async def main() -> None:
        async with desk() as found:
            three(found)
            await connected(found, DEMO, OTHER_DEMO, LIVE)
            before = len(found.events)
            found.demo.wire.cut()
            await eventually(lambda: {live(DEMO), live(OTHER_DEMO)} <= set(found.events[before:]))
            after = [each for each in found.events[before:] if isinstance(each, ForAccount)]
            assert after[0].event is LinkState.RECONNECTING
            assert found.demo.wire.accounts == {DEMO, OTHER_DEMO}
            assert len(found.demo.wires) == 2
            assert len(found.live.wires) == 1
            assert found.hands[LIVE].syncs == 1
            links = [each.state for each in found.events[before:] if isinstance(each, LinkChanged)]
            assert links == [LinkState.RECONNECTING, LinkState.LIVE]

    run(main())


def test_the_server_says_goodbye_and_it_is_opened_again() -> None:
    async def main() -> None:
        async with desk() as found:
            await connected(found, DEMO)
            found.demo.push(pb.ProtoOAClientDisconnectEvent(reason="server restart"))
            await eventually(lambda: found.hands[DEMO].syncs == 2)
            reasons = [each.reason for each in found.of(LinkChanged)]
            assert "cTrader has ended the connection: server restart." in reasons

    run(main())


def test_a_blocked_application_is_not_tried_again() -> None:
    async def main() -> None:
        async with desk() as found:
            await connected(found, DEMO)
            found.demo.push(
                pb.ProtoOAClientDisconnectEvent(reason="Application is BLOCKED: too many requests")
            )
            await eventually(lambda: found.of(LinkChanged)[-1].state is LinkState.FAILED)
            (notice,) = found.of(VenueNotice)
            assert notice.is_urgent
            assert "blocked the application" in notice.text
            assert len(found.demo.wires) == 1

    run(main())


def test_a_view_only_grant_and_rights_are_said() -> None:
    async def main() -> None:
        async with desk() as found:
            three(found)
            found.demo.scope = found.live.scope = pb.SCOPE_VIEW
            found.demo.traders[DEMO] = trader(DEMO, USD, 1, accessRights=pb.NO_TRADING)
            connector = await connected(found, DEMO, OTHER_DEMO, LIVE)
            infos = {each.account_id: each for each in connector.accounts()}
            assert not any(each.can_trade for each in infos.values())
            assert "watched only" in infos[str(DEMO)].note
            assert "sign in again to trade" in infos[str(LIVE)].note

    run(main())


def test_an_older_balance_does_not_replace_a_newer_one() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = await connected(found, DEMO)
            assert connector._accounts is not None
            account = connector._accounts.all[DEMO]
            for version, balance in ((5, 500), (4, 400)):
                found.demo.push(
                    pb.ProtoOATraderUpdatedEvent(
                        ctidTraderAccountId=DEMO, trader=trader(DEMO, USD, balance, balanceVersion=version)
                    )
                )
            await eventually(lambda: len(found.hands[DEMO].events) == 2)
            assert account.trader is not None
            assert account.trader.balance == 500

    run(main())


def test_a_sign_in_that_runs_out_is_renewed_while_the_accounts_go_on() -> None:
    async def main() -> None:
        async with desk() as found:
            soon = str(time.time_ns() + 3600 * 1_000_000_000)
            connector = await connected(found, DEMO, credentials={"expires_ns": soon})
            assert connector._accounts is not None
            await connector._accounts.renew_if_due()
            (kept,) = found.kept
            assert kept["access_token"] == TOKEN + "x"
            tokens = [each.accessToken for each in found.demo.heard(pb.ProtoOAAccountAuthReq)]
            assert tokens == [TOKEN, TOKEN + "x"]
            assert found.hands[DEMO].syncs == 1
            await connector._accounts.renew_if_due()
            assert len(found.kept) == 1

    run(main())


@pytest.mark.parametrize(
    ("certificate", "words"),
    [({"host": "elsewhere.example"}, "another host name"), ({"self_signed": True}, "self-signed")],
)
def test_a_venue_that_cannot_be_trusted_hears_no_secret(certificate: dict[str, Any], words: str) -> None:
    async def main() -> None:
        context = authority().server(**{"host": "localhost", **certificate})
        async with desk(demo_tls=context, live_tls=context) as found:
            connector = found.build()
            with pytest.raises(VenueUnavailable) as caught:
                await connector.connect(found.events.append)
            assert words in caught.value.user_text
            assert not found.demo.wires

    run(main())


def test_secrets_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def main() -> None:
        async with desk() as found:
            found.demo.token = "CANARY-other"
            await connected(found, DEMO)

    run(main())
    for secret in (TOKEN, REFRESH, "CANARY", "application-secret"):
        assert secret not in caplog.text


def test_whose_sign_in_it_is_is_logged_and_a_server_that_does_not_say_costs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with desk() as found:
            named = pb.ProtoOAGetCtidProfileByTokenRes(profile=pb.ProtoOACtidProfile(userId=4711))
            number = pb.PROTO_OA_GET_CTID_PROFILE_BY_TOKEN_REQ
            found.demo.on[number] = lambda wire, message, message_id: wire.send(named, message_id)
            await connected(found, DEMO)
            await eventually(lambda: "signed in as cTrader ID 4711" in caplog.text, what="the name")
            assert found.demo.token not in caplog.text
        async with desk() as found:
            await connected(found, DEMO)
            await eventually(lambda: "the profile of the sign-in is not known" in caplog.text, what="no name")

    with caplog.at_level("INFO", "venue.ctrader"):
        run(main())


def test_bars_that_are_asked_for_while_the_list_is_on_its_way_wait_for_it() -> None:
    async def main() -> None:
        async with desk() as found:
            venue, held = found.demo, []
            venue.on[pb.PROTO_OA_SYMBOLS_LIST_REQ] = lambda wire, message, number: held.append(
                (wire, message, number)
            )
            venue.on[pb.PROTO_OA_GET_TRENDBARS_REQ] = lambda wire, message, number: wire.send(
                pb.ProtoOAGetTrendbarsRes(
                    ctidTraderAccountId=DEMO, period=pb.M1, timestamp=0, symbolId=message.symbolId
                ),
                number,
            )
            connector = found.build()
            await connector.connect(found.events.append)
            asking = tasks.spawn(connector.bars("EUR/USD", 60), name="bars")
            await eventually(lambda: held, what="the question for the list")
            await asyncio.sleep(0)
            assert not asking.done()
            venue.usual(*held[0])
            assert await asking == []

    run(main())
