"""Keys and sign-ins: what each may do is found out, and what is wrong is refused with the repair."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from terminal.domain.errors import AuthRejected, CredentialError, NotSent, RequestRejected
from terminal.domain.events import VenueEvent
from terminal.domain.orders import OrderRef
from terminal.venues import registry
from terminal.venues.base import Connector, HasAccounts, TradesOrders
from tests.helpers import eventually, run
from tests.practice import Practice
from tests.venues.kit import create, desk, skip_without
from tests.venues.samples import SAMPLES

TRADE = "Create and change orders"


def nobody(event: VenueEvent) -> None:
    """Where events go that no test looks at."""


@contextlib.asynccontextmanager
async def asked_with(practice: Practice, key: str) -> AsyncIterator[Any]:
    """Who can be asked about a key; where there are several accounts, that takes a sign-in first."""
    connector = create(practice, practice.settings(key))
    try:
        if isinstance(connector, HasAccounts):
            await connector.connect(nobody)
            await connector.instruments()
            yield connector.trader(practice.account_of(key))
        else:
            await connector.instruments()
            yield connector
    finally:
        await connector.close()


async def try_out(connector: Connector) -> None:
    """Use the credentials for the first time."""
    if isinstance(connector, HasAccounts):
        await connector.connect(nobody)
    else:
        assert isinstance(connector, TradesOrders)
        await connector.test_credentials()


def test_each_practice_key_is_read_for_what_it_may(practice: Practice) -> None:
    sample = SAMPLES[practice.venue]

    async def main() -> None:
        for case in sample.keys:
            practice.renew()
            async with asked_with(practice, case.name) as hand:
                report = await hand.test_credentials()
            granted = {key for key, has in report.permissions.items() if has}
            assert sample.permissions - granted == case.missing, case.name
            assert report.can_trade == (TRADE not in case.missing), case.name
            # What nobody was asked about is neither granted nor denied.
            can = registry.info(practice.venue).capabilities
            assert (TRADE in report.unknown) is not can.key_rights, case.name
            assert not set(report.unknown) & report.permissions.keys(), case.name
            assert ("Withdraw funds" in granted) == case.withdraws, case.name
            assert bool(report.warnings) == bool(case.warning), case.name
            # The worst first.
            assert case.warning in (*report.warnings, "")[0], case.name
            assert report.label.endswith(practice.label_of(case.name)), case.name
            # Nothing was placed.
            for account in practice.accounts:
                assert (await practice.told(account)).orders == []

    run(main())


def test_a_key_that_may_not_trade_places_nothing(practice: Practice) -> None:
    keys = SAMPLES[practice.venue].keys
    cases = [case for case in keys if TRADE in case.missing or not case.may_trade]
    skip_without(practice, "key_rights", cases, "every sign-in may do everything")

    async def main() -> None:
        for case in cases:
            practice.renew()
            async with desk(practice, case.name) as found:
                assert found.can.key_rights or case.may_trade is False
                with pytest.raises((NotSent, RequestRejected, AuthRejected)) as caught:
                    await found.submit(found.market())
                assert caught.value.user_text
            assert (await practice.told()).orders == []

    run(main())


def test_a_key_that_is_wrong_is_refused_with_the_repair(practice: Practice) -> None:
    async def main() -> None:
        for name, make in SAMPLES[practice.venue].wrong.items():
            practice.renew()
            settings = make(practice)
            connector = create(practice, settings)
            try:
                with pytest.raises(AuthRejected) as caught:
                    await try_out(connector)
            finally:
                await connector.close()
            assert caught.value.user_text, name
            assert caught.value.repair, name
            text = f"{caught.value} {caught.value.user_text}"
            for key, secret in settings.credentials.items():
                assert len(secret.reveal()) < 8 or secret.reveal() not in text, (name, key)

    run(main())


def test_without_a_key_prices_are_all_there_is(practice: Practice) -> None:
    async def main() -> None:
        if not registry.info(practice.venue).public_without_key:
            connector = create(practice, practice.settings(None))
            with pytest.raises(CredentialError) as caught:
                await connector.connect(nobody)
            assert caught.value.user_text
            await connector.close()
            return
        async with desk(practice, None) as found:
            assert found.instruments
            asks: tuple[Callable[[], Awaitable[object]], ...] = (
                lambda: found.hand.submit(found.limit(), found.new_id()),
                lambda: found.hand.cancel(OrderRef(found.symbol, None, "OAAAAA-AAAAA-AAAAAA")),
                lambda: found.hand.snapshot(0),
                lambda: found.hand.test_credentials(),
            )
            for ask in asks:
                with pytest.raises(CredentialError):
                    await ask()
            assert "private" not in found.links

    run(main())
    assert not asyncio.run(practice.told()).requests


def test_a_sign_in_gives_what_a_connection_needs(practice: Practice) -> None:
    skip_without(practice, "browser_login", registry.info(practice.venue).capabilities.browser_login)

    async def main() -> None:
        settings = practice.settings(None)
        attempt = registry.sign_in(practice.venue, settings)
        answer = await asyncio.to_thread(practice.walk, attempt.page.url)
        credentials = await attempt.finish(answer)
        connector = create(practice, replace(settings, credentials=dict(credentials)))
        try:
            await connector.connect(nobody)
            assert isinstance(connector, HasAccounts)
            await eventually(connector.accounts, what="the accounts")
        finally:
            await connector.close()
        # Used before; denied; and an answer to somebody else's question.
        denied = registry.sign_in(practice.venue, settings)
        no = await asyncio.to_thread(practice.walk, denied.page.url, allows=False)
        other = registry.sign_in(practice.venue, settings)
        foreign = await asyncio.to_thread(practice.walk, attempt.page.url)
        for tried, address in ((attempt, answer), (denied, no), (other, foreign)):
            with pytest.raises(AuthRejected) as caught:
                await tried.finish(address)
            assert caught.value.user_text

    run(main())
