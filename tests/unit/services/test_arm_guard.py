"""One-click does not follow a venue's orders to another account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from terminal.core.clock import ManualClock
from terminal.core.observe import Observable
from terminal.domain.account import AccountInfo
from terminal.services.arm_guard import ArmGuard
from terminal.services.arming import Arming, ArmState
from terminal.venues.base import TradesOrders
from tests.fakes import FakeConnector

DEMO, REAL = "house:live:demo", "house:live:real"


class House(FakeConnector):
    """Several accounts behind one sign-in."""

    def accounts(self) -> Sequence[AccountInfo]:
        return ()

    async def show_accounts(self, account_ids: Sequence[str]) -> None:
        """One is open as it is."""

    def trader(self, account_id: str) -> TradesOrders:
        raise KeyError(account_id)


class Connection:
    def __init__(self, account: str, connector: FakeConnector) -> None:
        self.account = account
        self.connector = connector
        self.infos: Mapping[str, AccountInfo] = {}
        self.has_account = True


class Desk:
    def __init__(self) -> None:
        self.changed: Observable[[str]] = Observable("sessions")
        self.sessions: dict[str, Connection] = {}
        self.arming = Arming(ManualClock())
        self.guard = ArmGuard(self, self.arming, lambda account: f"House {account.rpartition(':')[2]}")
        self.said: list[str] = []
        self.guard.notice.watch(lambda notice: self.said.append(notice.text))

    def put(self, account: str, *, known: bool = True, connector: FakeConnector | None = None) -> None:
        venue = account.partition(":")[0]
        made = Connection(account, connector or House())
        if known:
            made.infos = {account: AccountInfo(account_id="1", title="House", is_live=False)}
        self.sessions[venue] = made
        self.changed.notify(venue)

    def state(self) -> ArmState:
        return self.arming.state

    def arm(self) -> None:
        self.arming.set(ArmState.ONE_CLICK)


def test_another_account_ends_one_click_and_says_where_orders_go() -> None:
    desk = Desk()
    desk.put(DEMO)
    desk.arm()
    desk.put(DEMO)
    assert desk.state() is ArmState.ONE_CLICK, "it is the same account"
    desk.put(REAL)
    assert desk.state() is ArmState.CONFIRM
    assert desk.said == ["One-click is off: orders go to House real now."]
    desk.guard.close()
    desk.arm()
    desk.put(DEMO)
    assert desk.state() is ArmState.ONE_CLICK


def test_a_new_connection_to_the_same_account_ends_nothing() -> None:
    desk = Desk()
    desk.put(DEMO)
    desk.arm()
    desk.put("house:live", known=False)
    desk.put(DEMO)
    desk.put("other:practice", connector=FakeConnector())
    assert desk.state() is ArmState.ONE_CLICK
    desk.sessions["house"].has_account = False
    desk.changed.notify("house")
    assert (desk.state(), desk.said) == (ArmState.ONE_CLICK, [])


def test_real_money_in_place_of_practice_ends_it_and_the_other_two_states_stay() -> None:
    desk = Desk()
    for armed, then in (
        (ArmState.VIEW, ArmState.VIEW),
        (ArmState.CONFIRM, ArmState.CONFIRM),
        (ArmState.ONE_CLICK, ArmState.CONFIRM),
    ):
        desk.put("other:practice", connector=FakeConnector())
        desk.arming.set(armed)
        desk.put("other:live", connector=FakeConnector())
        assert desk.state() is then
    assert len(desk.said) == 1
