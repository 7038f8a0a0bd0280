"""What the first-start workspace opens on."""

from __future__ import annotations

import pytest

from terminal.app.screen import first_shown
from terminal.domain.instrument import InstrumentId
from terminal.venues import registry

OFFERED = tuple(name for name in registry.names() if not registry.info(name).on_demand)


@pytest.mark.parametrize("venue", OFFERED)
def test_a_desk_of_one_venue_opens_on_its_own_headline(venue: str) -> None:
    shown = first_shown((venue,))
    assert shown is not None
    assert shown.venue == venue


def test_a_desk_of_all_opens_on_the_first_venues() -> None:
    assert first_shown(registry.names()) == InstrumentId("kraken", "BTC/USD")
    assert first_shown(("unknown",)) is None
