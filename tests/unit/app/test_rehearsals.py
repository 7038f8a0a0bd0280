"""The rehearse menu offers of each practice venue what that venue knows."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from terminal.app.rehearsals import REHEARSALS, Fault
from terminal.emulators.ctrader.kinds import CTRADER_KINDS
from terminal.emulators.faults import KINDS
from terminal.emulators.okx.kinds import OKX_KINDS
from terminal.emulators.quotex.kinds import QUOTEX_KINDS

KNOWN: Mapping[str, Mapping[str, str]] = {
    "kraken": KINDS,
    "okx": OKX_KINDS,
    "ctrader": CTRADER_KINDS,
    "quotex": QUOTEX_KINDS,
}


@pytest.mark.parametrize(
    ("venue", "fault"),
    [(venue, fault) for venue, faults in REHEARSALS.items() for fault in faults],
    ids=lambda value: value.kind if isinstance(value, Fault) else str(value),
)
def test_the_venue_knows_what_is_offered(venue: str, fault: Fault) -> None:
    assert fault.kind in KNOWN[venue]
    for option in fault.options.keys() - {"count", "seconds"}:
        assert option in KNOWN[venue][fault.kind]


def test_every_practice_venue_can_be_rehearsed_and_no_entry_comes_twice() -> None:
    assert REHEARSALS.keys() == KNOWN.keys()
    for faults in REHEARSALS.values():
        assert len({fault.text for fault in faults}) == len(faults)
