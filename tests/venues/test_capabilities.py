"""What a venue says it can do, and what its connector implements, agree."""

from __future__ import annotations

import inspect
import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from terminal.domain.errors import TerminalError
from terminal.domain.market import FeedKind
from terminal.domain.orders import OrderType
from terminal.transport.wire import is_loopback
from terminal.venues import base, registry
from terminal.venues.base import (
    Amends,
    BookKind,
    Capabilities,
    Connector,
    ConnectorSettings,
    DoubtsSignIn,
    HasAccounts,
    HasDeadMansSwitch,
    HasDemoWorld,
    HasExpectedMargin,
    HasFillOffsets,
    HasHistory,
    HasLeverage,
    HasLeverageTiers,
    HasMarginCalls,
    HasMarginModes,
    HasProfile,
    HasRawCalls,
    HasRecords,
    HasSentiment,
    HasSignals,
    HasTickers,
    MovesPositionMargin,
    Reconnects,
    RefillsDemo,
    SetsTimeZone,
    SignIn,
    SubmitsBatches,
    TradesOrders,
    TradesPositions,
    VenueInfo,
)
from tests.helpers import run
from tests.practice import Practice
from tests.venues.kit import desk
from tests.venues.samples import SAMPLES

VENUES = registry.names()
PROTOCOLS: list[Any] = [
    *(Connector, Reconnects, TradesOrders, Amends, SubmitsBatches, HasDeadMansSwitch, HasHistory),
    *(TradesPositions, HasExpectedMargin, HasAccounts, HasRecords, HasRawCalls, HasTickers),
    *(HasSentiment, HasSignals, RefillsDemo, HasProfile, SetsTimeZone, HasDemoWorld),
    DoubtsSignIn,
    *(HasLeverage, HasMarginModes, MovesPositionMargin, HasLeverageTiers, HasMarginCalls, HasFillOffsets),
]


@pytest.fixture(params=VENUES)
def info(request: pytest.FixtureRequest) -> VenueInfo:
    return registry.info(request.param)


def test_every_venue_has_a_sample() -> None:
    assert set(SAMPLES) == set(VENUES)


def test_flags_agree_with_the_protocols(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice, quotes=False) as found:
            connector, hand, can = found.connector, found.hand, found.can
            assert isinstance(connector, Connector)
            assert isinstance(connector, HasHistory) == bool(can.bar_intervals_s)
            assert isinstance(connector, Reconnects), "its lines may die unheard in the machine's sleep"
            assert isinstance(hand, TradesOrders) == bool(can.order_types)
            assert isinstance(hand, Amends) == can.amend
            assert isinstance(hand, SubmitsBatches) == (can.batch_limit > 0)
            assert isinstance(hand, HasDeadMansSwitch) == can.dead_mans_switch
            assert isinstance(hand, TradesPositions) == bool(can.protections)
            assert isinstance(hand, HasExpectedMargin) == can.expected_margin
            assert isinstance(hand, HasRecords) == can.records
            assert isinstance(hand, HasLeverage) == can.sets_leverage
            assert isinstance(hand, HasMarginModes) == can.margin_modes
            assert isinstance(hand, MovesPositionMargin) == can.position_margin
            assert isinstance(hand, HasLeverageTiers) == can.leverage_tiers
            assert isinstance(hand, HasMarginCalls) == can.margin_calls
            assert isinstance(hand, HasFillOffsets) == can.fill_offsets
            infos = connector.accounts() if isinstance(connector, HasAccounts) else ()
            assert len(infos) > 1 or not can.one_account_at_a_time
            assert isinstance(connector, RefillsDemo) == any(each.refills for each in infos)
            assert not [each for each in infos if each.is_live and each.refills], "real money is paid in"

    run(main())


def test_prices_of_everything_are_those_of_listed_instruments(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice, quotes=False) as found:
            connector: object = found.connector
            if not isinstance(connector, HasTickers):
                pytest.skip("this venue has no such call")
            listed = {each.id: each for each in await found.connector.instruments()}
            told = await connector.tickers()
            assert len({quote.instrument for quote in told}) == len(told) > 5
            for quote in told:
                grid = listed[quote.instrument].tick_size
                assert quote.bid is None or quote.ask is None or quote.bid < quote.ask, quote
                assert not [each for each in (quote.bid, quote.ask) if each is not None and each % grid], (
                    quote
                )

    run(main())


def test_methods_take_what_the_protocols_say(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice, quotes=False) as found:
            parts: list[object] = [found.connector, found.hand]
            for part, protocol in itertools.product(parts, PROTOCOLS):
                if isinstance(part, protocol):
                    require_signatures(part, protocol)

    run(main())


def require_signatures(part: object, protocol: Any) -> None:
    """Each method is awaited or not as the protocol's, and takes what it says and nothing else of need."""
    for name, wanted in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_"):
            continue
        has = getattr(type(part), name)
        assert inspect.iscoroutinefunction(has) == inspect.iscoroutinefunction(wanted), name
        theirs, ours = inspect.signature(wanted).parameters, inspect.signature(has).parameters
        for parameter in theirs:
            assert parameter in ours, f"{name}({parameter})"
        for parameter, what in ours.items():
            assert parameter in theirs or what.default is not inspect.Parameter.empty, name


def test_capabilities_hold_together(info: VenueInfo) -> None:
    can = info.capabilities
    # A book without depths to choose from comes whole.
    assert can.book is BookKind.LEVELS or not can.book_depths
    assert (FeedKind.BOOK in can.feeds) == (can.book is not BookKind.NONE)
    assert (FeedKind.BARS in can.feeds) <= bool(can.bar_intervals_s)
    assert list(can.book_depths) == sorted(set(can.book_depths))
    assert list(can.bar_intervals_s) == sorted(set(can.bar_intervals_s))
    assert bool(can.order_types) == bool(can.time_in_force)
    assert can.contracts == (OrderType.CONTRACT in can.order_types)
    assert can.positions or not can.contracts, "a contract runs as a position"
    assert can.amend or not can.amend_keeps_priority_on_reduce
    assert can.positions or not (can.protections or can.expected_margin)
    assert can.browser_login == (info.sign_in is not None)
    assert isinstance(can, Capabilities)


def test_the_form_and_the_addresses_are_whole(info: VenueInfo) -> None:
    assert info.title
    assert info.name == info.name.lower()
    entries, page, guide = info.credential_fields, info.key_page_url, info.key_guide
    if info.sign_in is not None:
        entries = (*entries, *info.sign_in.application_fields)
        page, guide = info.sign_in.application_page_url, info.sign_in.guide
        assert is_loopback(info.default_endpoints["redirect"])
    keys = [entry.key for entry in entries]
    assert len(set(keys)) == len(keys)
    assert any(not entry.optional for entry in entries)
    assert all(entry.label for entry in entries)
    assert page.startswith("https://")
    assert guide
    for name, address in info.default_endpoints.items():
        # A host and a port is an address of a venue that always encrypts; what is empty is the person's own.
        is_ours = not address or is_loopback(address)
        assert is_ours or re.match(r"https://|wss://|[a-z0-9.-]+:\d+$", address), name


def test_the_emulator_stands_in_for_every_address(practice: Practice) -> None:
    for name, address in registry.info(practice.venue).default_endpoints.items():
        instead = practice.entry[name]
        if address:
            assert re.search(r"\b(127\.0\.0\.1|localhost)\b", instead), name
        else:
            assert Path(instead).is_file(), name


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
        sample = SAMPLES[venue]
        for settings, word in sample.unusable:
            with pytest.raises(TerminalError) as caught:
                await _ask(venue, settings, sample.tools())
            assert word in str(caught.value)

    run(main())


async def _ask(venue: str, settings: ConnectorSettings, tools: dict[str, Any]) -> None:
    connector = registry.create(venue, settings, **tools)
    try:
        await connector.instruments()
    finally:
        await connector.close()
