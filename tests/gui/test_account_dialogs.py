"""The refill, the profile and the menu of a venue's card, on hand-written accounts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from terminal.core.clock import ManualClock
from terminal.core.observe import Observable
from terminal.domain.errors import RequestRejected, TerminalError, VenueUnavailable
from terminal.services.session import Mode
from terminal.venues.base import AccountProfile
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.profile import ProfileViewModel, offset_text
from terminal.viewmodels.refill import RefillViewModel
from terminal.viewmodels.venue_accounts import VenueAccountsViewModel
from terminal.widgets.profile_dialog import ProfileDialog
from terminal.widgets.refill_dialog import RefillDialog
from terminal.widgets.venue_strip import VenueStrip
from tests.gui.test_account_opening import CONTEST, DEMO, REAL, House
from tests.helpers import eventually, run

D = Decimal
START_NS = 1_785_600_000_000_000_000


def words(widget: QWidget) -> str:
    found = [
        each.text() for each in widget.findChildren(QWidget) if each.isVisible() and hasattr(each, "text")
    ]
    return " | ".join(text.replace("\u202f", "") for text in found if text)


class Bank:
    """A demo account and a venue that fills it up to the amount, or says something else."""

    def __init__(self) -> None:
        self.clock = ManualClock(wall_ns=START_NS)
        self.frames = FrameClock()
        self.notices = NoticesViewModel(self.clock)
        self.changed: Observable[[str]] = Observable("balances")
        self.balance: Decimal | None = D("123.45")
        self.asked: list[Decimal] = []
        self.error: TerminalError | None = None

    async def refill(self, account: str, amount: Decimal) -> Decimal | None:
        self.asked.append(amount)
        if self.error is not None:
            raise self.error
        before, self.balance = self.balance, amount
        self.changed.notify(account)
        return amount - (before or D(0))

    def vm(self, **rest: Any) -> RefillViewModel:
        return RefillViewModel(
            DEMO, self, lambda: self.balance, self.changed, self.notices,
            title="House demo jane", currency="USD", badge="DEMO", **rest,
        )  # fmt: skip


def with_bank(body: Callable[[Bank], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        bank = Bank()
        try:
            await body(bank)
        finally:
            bank.frames.stop()

    run(main())


def test_a_demo_account_is_filled_up_and_the_person_is_told(qapp: QApplication) -> None:
    async def body(bank: Bank) -> None:
        dialog = RefillDialog(bank.vm())
        dialog.show()
        assert "123.45 USD" in words(dialog)
        assert "DEMO" in words(dialog)
        assert "day's result does not count it" in words(dialog)
        assert dialog.edit.text() == "10000"
        QTest.keyClick(dialog.edit, Qt.Key.Key_Return)
        await eventually(lambda: dialog.result() == 1, 5, "the dialog closes")
        assert bank.asked == [D(10_000)]
        (said,) = bank.notices.entries
        text = said.text.replace("\u202f", "")
        assert text == "House demo jane was filled up by +9876.55 USD: it holds 10000.00 USD now."

    with_bank(body)


def test_filling_up_to_less_than_there_is_is_said_before_and_after(qapp: QApplication) -> None:
    async def body(bank: Bank) -> None:
        bank.balance = D(10_000)
        dialog = RefillDialog(bank.vm())
        dialog.show()
        assert not dialog.warning.isVisible()
        dialog.edit.setText("")
        QTest.keyClicks(dialog.edit, "5000")
        said = dialog.warning.text().replace("\u202f", "")
        assert said == "▲  The venue may set the balance to 5000.00 USD: that is 5000.00 USD less than now."
        assert dialog.warning.isVisible()
        dialog.confirm.click()
        await eventually(lambda: dialog.result() == 1, 5, "the dialog closes")
        (notice,) = bank.notices.entries
        assert notice.text.replace("\u202f", "") == "House demo jane was set to 5000.00 USD."

    with_bank(body)


def test_a_no_and_silence_stand_in_the_form_and_nothing_is_asked_twice(qapp: QApplication) -> None:
    async def body(bank: Bank) -> None:
        dialog = RefillDialog(bank.vm())
        dialog.show()
        bank.error = RequestRejected("house", code="max", venue_text="max", user_text="Choose less.")
        dialog.confirm.click()
        dialog.confirm.click()
        await eventually(lambda: "Choose less." in dialog.state.text(), 5, "the venue's no")
        assert len(bank.asked) == 1
        assert dialog.edit.isEnabled()
        assert not dialog.edit.isReadOnly(), "the keyboard is still in it"
        bank.error = VenueUnavailable("house", "silence", user_text="Look at the balance.")
        dialog.confirm.click()
        await eventually(lambda: "Look at the balance." in dialog.state.text(), 5, "its silence")
        assert dialog.isVisible()
        bank.balance = D(500)
        bank.changed.notify(DEMO)
        assert dialog.balance.text() == "500.00 USD"
        dialog.reject()

    with_bank(body)


def test_what_is_no_amount_is_said_beside_it(qapp: QApplication) -> None:
    async def body(bank: Bank) -> None:
        vm = bank.vm()
        for text in ("", "0", "-5", "ten", "10.5", "1" + "0" * 12):
            vm.set_text(text)
            assert vm.problem, text
            assert not vm.can_send
            vm.send()
        vm.set_text("5 000")
        assert (vm.problem, vm.can_send) == ("", True)
        assert bank.asked == []
        vm.close()

    with_bank(body)


def test_amounts_can_be_hidden_and_a_closed_form_still_tells_the_result(qapp: QApplication) -> None:
    async def body(bank: Bank) -> None:
        vm = bank.vm(hide_amounts=True)
        assert not any(digit in vm.balance_text for digit in "123456789")
        vm.send()
        vm.close()
        await eventually(lambda: bank.notices.entries, 5, "a notice")
        assert [each.text for each in bank.notices.entries] == ["House demo jane was filled up."]

    with_bank(body)


class Registry:
    """Whose sign-in it is, and a clock."""

    def __init__(self) -> None:
        self.offset_s = -10_800
        self.ahead: float | None = 400.0
        self.error: TerminalError | None = None
        self.deaf = False
        self.can_set = True
        self.asked: list[int] = []

    def sets_time_zone(self, venue: str) -> bool:
        return self.can_set

    def ahead_ms(self, venue: str) -> float | None:
        return self.ahead

    async def profile(self, venue: str) -> AccountProfile:
        if self.error is not None:
            raise self.error
        return AccountProfile(
            "jane", "61402117", "Portugal", "EUR", (("demo", D(10_000)), ("real", D(250))), self.offset_s,
            "The house shows times in it.",
        )  # fmt: skip

    async def set_time_offset(self, venue: str, seconds: int) -> AccountProfile:
        self.asked.append(seconds)
        if self.error is None and not self.deaf:
            self.offset_s = seconds
        return await self.profile(venue)


def profile_of(bank: Bank, house: Registry, **rest: Any) -> ProfileViewModel:
    return ProfileViewModel(
        "house", house, bank.frames, bank.clock.wall_ns, title="House", badge="DEMO",
        local_offset_s=lambda: 7200, **rest,
    )  # fmt: skip


def test_the_profile_says_whose_it_is_and_how_the_clocks_differ(qapp: QApplication) -> None:
    async def body(bank: Bank) -> None:
        house = Registry()
        dialog = ProfileDialog(profile_of(bank, house))
        dialog.show()
        await eventually(lambda: "jane" in words(dialog), 5, "the profile")
        shown = words(dialog)
        money = "demo 10000.00 EUR · real 250.00 EUR"
        for text in ("61402117", "Portugal", "EUR", money, "UTC−03:00", "0.4 s ahead"):
            assert text in shown, text
        assert "The house shows times in it." in shown
        assert not dialog.clock_warning.isVisible()
        before = dialog.clocks.values[0].text()
        bank.clock.advance(5)
        house.ahead = -302_000.0
        dialog._vm.ticked.emit()
        assert dialog.clocks.values[0].text() != before
        assert "5 min 2 s ahead of House's" in dialog.clock_warning.text()
        assert "no order is sent" in dialog.clock_warning.text()
        assert dialog.clock_warning.isVisible()
        dialog.reject()

    with_bank(body)


def test_the_time_zone_is_chosen_in_quarter_hours_and_the_answer_is_said(qapp: QApplication) -> None:
    async def body(bank: Bank) -> None:
        house = Registry()
        dialog = ProfileDialog(profile_of(bank, house))
        dialog.show()
        await eventually(lambda: dialog.zone.currentData() == -10_800, 5, "the zone that the venue has")
        texts = [dialog.zone.itemText(at) for at in range(dialog.zone.count())]
        assert texts[0] == "UTC+02:00, this computer's"
        assert {"UTC", "UTC+05:45", "UTC−12:00", "UTC+14:00"} <= set(texts)
        assert len(texts) == len(set(texts)) == 26 * 4 + 1
        assert not dialog.save.isEnabled(), "it has that one"
        dialog.zone.setCurrentIndex(0)
        dialog.zone.activated.emit(0)
        dialog.save.click()
        await eventually(lambda: "House keeps UTC+02:00 now." in dialog.state.text(), 5, "its answer")
        assert house.asked == [7200]
        house.deaf = True
        dialog.zone.activated.emit(texts.index("UTC"))
        dialog.save.click()
        await eventually(lambda: "has UTC+02:00 all the same" in dialog.state.text(), 5, "what it has")
        house.error = VenueUnavailable("house", "silence", user_text="The venue did not answer.")
        dialog.zone.activated.emit(texts.index("UTC"))
        dialog.save.click()
        await eventually(lambda: "did not answer" in dialog.state.text(), 5, "its silence")
        dialog.reject()

    with_bank(body)


def test_a_profile_that_cannot_be_read_or_changed_says_so(qapp: QApplication) -> None:
    async def body(bank: Bank) -> None:
        house = Registry()
        house.error = VenueUnavailable("house", "down", user_text="The site is closed.")
        house.ahead = None
        dialog = ProfileDialog(profile_of(bank, house, hide_amounts=True))
        dialog.show()
        await eventually(lambda: "The site is closed." in dialog.state.text(), 5, "why not")
        assert not dialog.zone_row.isVisible()
        assert "not known yet" in words(dialog)
        house.error, house.can_set = None, False
        dialog._vm.load()
        await eventually(lambda: "jane" in words(dialog), 5, "the profile")
        assert not dialog.zone_row.isVisible(), "this venue's zone cannot be changed"
        assert "10000" not in words(dialog)
        dialog.reject()

    with_bank(body)


def test_offsets_read_as_people_write_them() -> None:
    assert [offset_text(each) for each in (0, 3600, -12_600, 20_700)] == [
        "UTC", "UTC+01:00", "UTC−03:30", "UTC+05:45",
    ]  # fmt: skip


class Offers:
    def __init__(self) -> None:
        self.refills = DEMO
        self.profiles = True

    def refillable(self, venue: str) -> str:
        return self.refills

    def has_profile(self, venue: str) -> bool:
        return self.profiles


def menu_of(strip: VenueStrip) -> dict[str, QAction]:
    return {action.text(): action for action in strip.menu_for("kraken").actions() if action.text()}


def test_a_cards_menu_changes_accounts_and_says_whose_money_each_is(qapp: QApplication) -> None:
    async def main() -> None:
        house, offers = House(), Offers()
        frame = house.frame
        connections = frame.connections
        vm = VenueAccountsViewModel(
            connections.account_entries, connections.badge_of, frame.positions.opening, offers
        )
        strip = VenueStrip(connections)
        strip.offer_accounts(vm)
        wanted: list[str] = []
        vm.refill_wanted.connect(wanted.append)
        vm.profile_wanted.connect(wanted.append)
        try:
            menu = menu_of(strip)
            accounts = [text for text in menu if text.startswith("House ")]
            assert accounts == [
                "House demo jane   DEMO",
                "House real jane   LIVE, real money",
                "House Weekend contest jane   DEMO",
            ]
            assert [menu[text].isChecked() for text in accounts] == [True, False, False]
            assert not menu[accounts[0]].isEnabled()
            menu[accounts[2]].trigger()
            await eventually(lambda: frame.shown == [(CONTEST, True)], 5, "the contest is opened")
            assert frame.questions == []
            frame.answer = False
            menu_of(strip)[accounts[1]].trigger()
            await eventually(lambda: frame.questions, 5, "the consent of real money")
            assert frame.shown == [(CONTEST, True)]
            menu["Fill the demo account up…"].trigger()
            menu["Profile and clock…"].trigger()
            assert wanted == [DEMO, "kraken"]
            house.open(REAL)
            offers.refills, offers.profiles = "", False
            menu = menu_of(strip)
            assert not [text for text in menu if "Fill" in text or "Profile" in text]
            house.session.mode = Mode.PRACTICE
            frame.sessions.changed.notify("kraken")
            frame.tick()
            texts = [text for text in menu_of(strip) if text.startswith("House ")]
            assert all(text.endswith("PRACTICE") for text in texts)
            house.session.infos, house.session.hidden = {}, {}
            frame.sessions.changed.notify("kraken")
            assert not [text for text in menu_of(strip) if text.startswith("House ")]
        finally:
            strip.close()
            frame.frames.stop()

    run(main())
