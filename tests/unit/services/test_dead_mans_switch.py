"""The dead man's switch: off by default, renewed while armed, disarmed on quitting."""

from __future__ import annotations

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock, SystemClock
from terminal.domain.errors import NotSent, OutcomeUnknown, Unsupported, VenueUnavailable
from terminal.services.dead_mans_switch import DeadMansSwitch, SwitchTimings
from terminal.services.notices import Notice
from tests.helpers import eventually, run
from tests.unit.services.order_fakes import ACCOUNT, FakeVenue

FAST = SwitchTimings(timeout_s=60, renew_s=0.01, retry_s=0.01)


def made(venue: FakeVenue, timings: SwitchTimings = FAST) -> tuple[DeadMansSwitch, list[Notice]]:
    switch = DeadMansSwitch(lambda account: venue, SystemClock(), timings)
    notices: list[Notice] = []
    switch.notice.watch(notices.append)
    return switch, notices


def test_armed_it_is_renewed_and_quitting_disarms_it() -> None:
    async def main() -> None:
        venue = FakeVenue()
        switch, _ = made(venue)
        assert not switch.state(ACCOUNT).armed
        await switch.arm(ACCOUNT)
        await eventually(lambda: venue.received.count(("cancel_after", "60")) >= 3)
        assert 59 < (switch.seconds_left(ACCOUNT) or 0) <= 60
        assert await switch.close() == []
        assert venue.received[-1] == ("cancel_after", "0")
        assert not switch.state(ACCOUNT).armed

    run(main())


def test_quitting_may_leave_it_to_fire() -> None:
    async def main() -> None:
        venue = FakeVenue()
        switch, _ = made(venue)
        await switch.arm(ACCOUNT)
        await switch.close(leave_armed=True)
        assert ("cancel_after", "0") not in venue.received

    run(main())


def test_a_renewal_that_fails_is_told_once_and_tried_again() -> None:
    async def main() -> None:
        venue = FakeVenue()
        switch, notices = made(venue)
        await switch.arm(ACCOUNT)
        venue.raise_on["cancel_after"] = VenueUnavailable("kraken", "down")
        await eventually(lambda: switch.state(ACCOUNT).error)
        tries = len(venue.received)
        await eventually(lambda: len(venue.received) > tries + 2)
        assert len(notices) == 1
        del venue.raise_on["cancel_after"]
        await eventually(lambda: not switch.state(ACCOUNT).error)
        await switch.close()

    run(main())


def test_accounts_are_told_by_the_name_that_a_person_knows() -> None:
    async def main() -> None:
        venue, notices = FakeVenue(), list[Notice]()
        switch = DeadMansSwitch(lambda account: venue, SystemClock(), FAST, name_of=lambda account: "My desk")
        switch.notice.watch(notices.append)
        await switch.arm(ACCOUNT)
        venue.raise_on["cancel_after"] = VenueUnavailable("kraken", "down")
        await eventually(lambda: notices)
        assert "orders of My desk may be canceled" in notices[0].text
        del venue.raise_on["cancel_after"]
        await switch.close()

    run(main())


def test_time_that_ran_out_is_told_and_it_is_off() -> None:
    async def main() -> None:
        venue = FakeVenue()
        switch, notices = made(venue, SwitchTimings(timeout_s=0, renew_s=0.01))
        await switch.arm(ACCOUNT)
        await eventually(lambda: not switch.state(ACCOUNT).armed)
        assert "run out" in notices[0].text
        await eventually(lambda: not tasks.running())

    run(main())


def test_an_unanswered_arming_is_taken_back() -> None:
    async def main() -> None:
        venue = FakeVenue()
        switch, notices = made(venue)
        venue.raise_on["cancel_after"] = OutcomeUnknown("kraken", "timeout")
        with pytest.raises(OutcomeUnknown):
            await switch.arm(ACCOUNT)
        assert venue.received == [("cancel_after", "60"), ("cancel_after", "0")]
        assert "may be on" in notices[0].text
        assert not switch.state(ACCOUNT).armed

    run(main())


def test_a_switch_that_could_not_be_disarmed_is_named_on_quitting() -> None:
    async def main() -> None:
        venue = FakeVenue()
        switch, _ = made(venue)
        await switch.arm(ACCOUNT)
        venue.raise_on["cancel_after"] = VenueUnavailable("kraken", "down")
        assert await switch.close() == [ACCOUNT]

    run(main())


def test_without_a_venue_or_a_switch_nothing_is_armed() -> None:
    async def main() -> None:
        with pytest.raises(NotSent):
            await DeadMansSwitch(lambda account: None, SystemClock()).arm(ACCOUNT)

        class Plain:
            info = None

        switch = DeadMansSwitch(lambda account: Plain(), SystemClock())  # type: ignore[arg-type,return-value]
        assert not switch.is_available(ACCOUNT)
        with pytest.raises(Unsupported):
            await switch.arm(ACCOUNT)

    run(main())


def test_the_chosen_time_is_armed_and_renewed_three_times_as_often() -> None:
    async def main() -> None:
        venue = FakeVenue()
        chosen = {ACCOUNT: 120}
        switch = DeadMansSwitch(lambda account: venue, SystemClock(), FAST, chosen_s=chosen.__getitem__)
        assert switch.timeout_s(ACCOUNT) == 120
        await switch.arm(ACCOUNT)
        chosen[ACCOUNT] = 30
        await eventually(lambda: venue.received.count(("cancel_after", "120")) >= 2)
        assert switch.timeout_s(ACCOUNT) == 120, "a new time holds from the next arming"
        assert switch.armed() == [ACCOUNT]
        await switch.close()
        assert switch.timeout_s(ACCOUNT) == 30

    run(main())


def test_a_switch_that_could_not_be_disarmed_says_when_its_time_is_up() -> None:
    async def main() -> None:
        venue = FakeVenue()
        clock = ManualClock()
        switch = DeadMansSwitch(lambda account: venue, clock, FAST)
        notices: list[Notice] = []
        switch.notice.watch(notices.append)
        await switch.arm(ACCOUNT)
        clock.advance(60)
        venue.raise_on["cancel_after"] = VenueUnavailable("kraken", "down")
        with pytest.raises(VenueUnavailable):
            await switch.disarm(ACCOUNT)
        await eventually(lambda: not switch.state(ACCOUNT).armed)
        assert "run out" in notices[-1].text
        assert switch.state(ACCOUNT).error == ""

    run(main())
