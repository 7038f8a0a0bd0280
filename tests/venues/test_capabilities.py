"""What a venue says it can do, and what its connector implements, agree."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from terminal.domain.errors import SettingsError, TerminalError
from terminal.domain.market import FeedKind
from terminal.venues import base, registry
from terminal.venues.base import (
    Amends,
    BookKind,
    Capabilities,
    Connector,
    ConnectorSettings,
    HasAccounts,
    HasDeadMansSwitch,
    HasExpectedMargin,
    HasHistory,
    HasRecords,
    Reconnects,
    SignIn,
    SubmitsBatches,
    TradesOrders,
    TradesPositions,
    VenueInfo,
)
from tests.helpers import run
from tests.practice import Practice
from tests.venues.kit import SAMPLES, create

VENUES = registry.names()
PROTOCOLS: list[Any] = [
    *(Connector, Reconnects, TradesOrders, Amends, SubmitsBatches, HasDeadMansSwitch, HasHistory),
    *(TradesPositions, HasExpectedMargin, HasAccounts, HasRecords),
]


@pytest.fixture(params=VENUES)
def info(request: pytest.FixtureRequest) -> VenueInfo:
    return registry.info(request.param)


def test_every_venue_has_a_sample() -> None:
    assert set(SAMPLES) == set(VENUES)


def test_flags_agree_with_the_protocols(practice: Practice) -> None:
    async def main() -> None:
        connector = create(practice, practice.settings())
        can = connector.info.capabilities
        assert isinstance(connector, Connector)
        assert isinstance(connector, TradesOrders) == bool(can.order_types)
        assert isinstance(connector, Amends) == can.amend
        assert isinstance(connector, SubmitsBatches) == (can.batch_limit > 0)
        assert isinstance(connector, HasDeadMansSwitch) == can.dead_mans_switch
        assert isinstance(connector, HasHistory) == bool(can.bar_intervals_s)
        assert isinstance(connector, Reconnects), "its lines may die in the machine's sleep without a word"
        if not isinstance(connector, HasAccounts):
            # Where there are several accounts, each one's own hand has these.
            assert isinstance(connector, TradesPositions) == can.positions
            assert isinstance(connector, HasExpectedMargin) == can.expected_margin
            assert isinstance(connector, HasRecords) == can.records
        await connector.close()

    run(main())


def test_methods_take_what_the_protocols_say(practice: Practice) -> None:
    async def main() -> None:
        connector: object = create(practice, practice.settings())
        for protocol in PROTOCOLS:
            if not isinstance(connector, protocol):
                continue
            for name, wanted in inspect.getmembers(protocol, inspect.isfunction):
                if name.startswith("_"):
                    continue
                has = getattr(type(connector), name)
                assert inspect.iscoroutinefunction(has) == inspect.iscoroutinefunction(wanted), name
                theirs, ours = inspect.signature(wanted).parameters, inspect.signature(has).parameters
                for parameter in theirs:
                    assert parameter in ours, f"{name}({parameter})"
                for parameter, what in ours.items():
                    assert parameter in theirs or what.default is not inspect.Parameter.empty, name
        assert isinstance(connector, Connector)
        await connector.close()

    run(main())


def test_capabilities_hold_together(info: VenueInfo) -> None:
    can = info.capabilities
    assert (can.book is BookKind.LEVELS) == bool(can.book_depths)
    assert (FeedKind.BOOK in can.feeds) == (can.book is not BookKind.NONE)
    assert (FeedKind.BARS in can.feeds) <= bool(can.bar_intervals_s)
    assert list(can.book_depths) == sorted(set(can.book_depths))
    assert list(can.bar_intervals_s) == sorted(set(can.bar_intervals_s))
    assert bool(can.order_types) == bool(can.time_in_force)
    assert can.order_types or can.contracts
    assert can.amend or not can.amend_keeps_priority_on_reduce
    assert isinstance(can, Capabilities)


def test_the_form_and_the_addresses_are_whole(info: VenueInfo) -> None:
    assert info.title
    assert info.name == info.name.lower()
    keys = [entry.key for entry in info.credential_fields]
    assert len(set(keys)) == len(keys)
    assert any(not entry.optional for entry in info.credential_fields)
    assert all(entry.label for entry in info.credential_fields)
    assert info.key_page_url.startswith("https://")
    assert info.key_guide
    for name, address in info.default_endpoints.items():
        assert address.startswith(("https://", "wss://")), name


def test_the_emulator_stands_in_for_every_address(practice: Practice) -> None:
    for name in registry.info(practice.venue).default_endpoints:
        assert "127.0.0.1" in practice.entry[name], name


def test_every_protocol_of_the_base_is_known_here() -> None:
    found = {
        value
        for value in vars(base).values()
        if inspect.isclass(value)
        and getattr(value, "_is_protocol", False)
        and value.__module__ == base.__name__
    }
    # A sign-in comes before there is a connector.
    assert found == {*PROTOCOLS, SignIn}


@pytest.mark.parametrize("venue", VENUES)
def test_bad_options_and_addresses_are_refused_before_anything_is_sent(venue: str) -> None:
    async def main() -> None:
        tools: dict[str, Any] = SAMPLES[venue].tools()
        settings = ConnectorSettings({"rest": "http://example.com", "ws_public": "ws://example.com"})
        with pytest.raises(TerminalError) as caught:
            await _ask(venue, settings, tools)
        assert "example.com" in str(caught.value)
        with pytest.raises(SettingsError):
            registry.create(venue, ConnectorSettings({}, {}, {"public_calls_per_s": "none"}), **tools)

    run(main())


async def _ask(venue: str, settings: ConnectorSettings, tools: dict[str, Any]) -> None:
    connector = registry.create(venue, settings, **tools)
    try:
        await connector.instruments()
    finally:
        await connector.close()
