"""What can be done with the accounts of a sign-in: by what a connector can, never by a venue's name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.account import AccountInfo
from terminal.domain.errors import OrderRefused, RequestRejected, Unsupported, VenueUnavailable
from terminal.services import venue_accounts
from terminal.services.arming import Arming, ArmState
from terminal.services.venue_accounts import VenueAccounts
from terminal.venues.base import AccountProfile, LinkHealth, VenueInfo
from tests.fakes import FakeConnector
from tests.helpers import run

D = Decimal
DEMO, REAL = "house:live:demo", "house:live:real"
INFOS = {
    DEMO: AccountInfo(account_id="demo", title="House demo", is_live=False, currency="USD", refills=True),
    REAL: AccountInfo(account_id="real", title="House real", is_live=True, currency="USD"),
}


class House(FakeConnector):
    """Fills up, knows whose it is and keeps a time zone."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[object] = []
        self.error: Exception | None = None
        self.offset_s = 0
        self.hangs = False

    async def refill(self, amount: Decimal) -> Decimal | None:
        self.asked.append(amount)
        if self.error is not None:
            raise self.error
        return amount - 1

    async def profile(self) -> AccountProfile:
        if self.hangs:
            await asyncio.Event().wait()
        return AccountProfile("jane", "7", "Portugal", "USD", time_offset_s=self.offset_s)

    async def set_time_offset(self, seconds: int) -> None:
        self.offset_s = seconds


class Connection:
    def __init__(self, connector: FakeConnector) -> None:
        self.venue = "house"
        self.account = DEMO
        self.connector = connector
        self.info: VenueInfo = connector.info
        self.infos: Mapping[str, AccountInfo] = INFOS
        self.has_account = True

    def health(self) -> LinkHealth:
        return LinkHealth(None, 250.0, None, 0, 0)


class Actions:
    def __init__(self) -> None:
        self.noted: list[tuple[str, str, str]] = []

    def note_action(self, subject: str, kind: str, detail: str) -> None:
        self.noted.append((subject, kind, detail))


class Desk:
    def __init__(self, connector: FakeConnector | None = None) -> None:
        self.house = House()
        self.connection = Connection(connector or self.house)
        self.sessions: Mapping[str, Connection] = {"house": self.connection}
        self.arming = Arming(ManualClock())
        self.actions = Actions()
        self.accounts = VenueAccounts(self, self.arming, self.actions)


def test_only_the_open_demo_account_is_filled_up_and_what_became_of_it_is_kept() -> None:
    desk = Desk()
    assert desk.accounts.refillable("house") == DEMO
    assert run(desk.accounts.refill(DEMO, D(10_000))) == 9_999
    assert desk.actions.noted == [(DEMO, "refill", "10000"), (DEMO, "refilled", "9999")]
    desk.connection.account = REAL
    assert desk.accounts.refillable("house") == ""
    for account in (DEMO, REAL, "elsewhere:live:demo"):
        with pytest.raises(Unsupported):
            run(desk.accounts.refill(account, D(1)))
    assert desk.house.asked == [D(10_000)]


@pytest.mark.parametrize("has_account", [True, False])
def test_a_venue_that_cannot_offers_nothing(has_account: bool) -> None:
    desk = Desk(FakeConnector())
    desk.connection.has_account = has_account
    accounts = desk.accounts
    assert (accounts.refillable("house"), accounts.has_profile("house")) == ("", False)
    assert not accounts.sets_time_zone("house")
    for work in (accounts.profile("house"), accounts.set_time_offset("house", 0), accounts.profile("none")):
        with pytest.raises(Unsupported):
            run(work)
    assert accounts.ahead_ms("none") is None


def test_without_an_account_a_venue_that_can_offers_nothing_either() -> None:
    desk = Desk()
    desk.connection.has_account = False
    assert (desk.accounts.refillable("house"), desk.accounts.has_profile("house")) == ("", False)


def test_on_view_nothing_is_asked() -> None:
    desk = Desk()
    desk.arming.set(ArmState.VIEW)
    with pytest.raises(OrderRefused, match="View"):
        run(desk.accounts.refill(DEMO, D(10_000)))
    assert (desk.house.asked, desk.actions.noted) == ([], [])


def test_the_venues_no_is_kept_in_its_words() -> None:
    desk = Desk()
    desk.house.error = RequestRejected("house", code="max", venue_text="max", user_text="Too much.")
    with pytest.raises(RequestRejected):
        run(desk.accounts.refill(DEMO, D(10**6)))
    assert desk.actions.noted[-1] == (DEMO, "refill refused", "Too much.")


def test_the_time_zone_is_changed_and_read_back() -> None:
    desk = Desk()
    assert desk.accounts.has_profile("house")
    assert desk.accounts.sets_time_zone("house")
    assert run(desk.accounts.set_time_offset("house", 3600)).time_offset_s == 3600
    assert desk.accounts.ahead_ms("house") == 250.0


def test_a_venue_that_hangs_does_not_hold_a_form_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_accounts, "ANSWER_S", 0.02)
    desk = Desk()
    desk.house.hangs = True
    with pytest.raises(VenueUnavailable) as caught:
        run(desk.accounts.profile("house"))
    assert caught.value.user_text == "The venue did not answer."
