"""Toasts and the notice centre: the same words are counted, not repeated."""

from __future__ import annotations

from terminal.core.clock import ManualClock
from terminal.core.observe import Observable
from terminal.core.secret import Secret
from terminal.services.notices import Level, Notice
from terminal.viewmodels.notices import KEPT, Entry, NoticesViewModel


def build() -> tuple[NoticesViewModel, ManualClock, list[Entry]]:
    clock = ManualClock()
    shown: list[Entry] = []
    vm = NoticesViewModel(clock)
    vm.shown.connect(shown.append)
    return vm, clock, shown


def test_the_same_words_within_ten_seconds_are_counted_only() -> None:
    vm, clock, shown = build()
    vm.info("saved")
    clock.advance(9)
    vm.info("saved")
    assert len(shown) == 1
    assert vm.entries[0].count == 2
    clock.advance(2)
    vm.info("saved")
    assert len(shown) == 2
    assert len(vm.entries) == 1
    assert vm.entries[0].count == 3


def test_an_error_that_goes_on_is_shown_ever_more_rarely() -> None:
    vm, clock, shown = build()
    for _ in range(3600):
        vm.error("kraken: no answer")
        clock.advance(1)
    # 0, 30, 90, 210, 450, 750, 1050 ... s: doubling up to five minutes.
    assert len(shown) == 5 + (3600 - 450 - 1) // 300
    assert vm.entries[0].count == 3600


def test_other_words_or_another_level_are_another_notice() -> None:
    vm, _, shown = build()
    vm.info("a")
    vm.warn("a")
    vm.info("b")
    assert len(shown) == 3
    assert vm.unread == 1
    vm.mark_read()
    assert vm.unread == 0


def test_what_is_not_known_of_orders_is_taken_back_once_it_is() -> None:
    vm, _, _ = build()
    gone: list[Entry] = []
    vm.withdrawn.connect(gone.append)
    for key in ("a", "b"):
        vm.post(Notice(Level.WARNING, "No answer yet.", "", key, until_known=True))
    vm.post(Notice(Level.WARNING, "Partly filled.", "", "a"))
    vm.settle("a")
    assert [each.text for each in vm.entries] == ["No answer yet.", "Partly filled."], "of one it still holds"
    vm.settle("b")
    assert [each.text for each in vm.entries] == ["Partly filled."]
    assert ([each.text for each in gone], vm.unread) == (["No answer yet."], 1)


def test_secrets_are_scrubbed_and_the_list_is_bounded() -> None:
    vm, _, _ = build()
    Secret("abcdefgh12345678")
    vm.error("refused abcdefgh12345678", "api_key=abcdefgh12345678")
    assert "abcdefgh" not in vm.entries[0].text + vm.entries[0].detail
    for number in range(KEPT + 50):
        vm.info(str(number))
    assert len(vm.entries) == KEPT


def test_a_service_is_heard_until_unwatched() -> None:
    vm, _, shown = build()
    source: Observable[[Notice]] = Observable("test")
    unwatch = vm.watch(source)
    source.notify(Notice(Level.WARNING, "one"))
    unwatch()
    source.notify(Notice(Level.WARNING, "two"))
    assert [entry.text for entry in shown] == ["one"]
