"""The frame's view-models on fake services."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from decimal import Decimal

import pytest
from pytestqt.qtbot import QtBot

from terminal.core import tasks
from terminal.domain.account import AccountInfo, Balance
from terminal.domain.errors import NotSent, OrderRefused, RequestRejected
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderState
from terminal.services.arming import ArmState
from terminal.services.inquiries import Doubt
from terminal.services.mass_cancel import CancelOutcome
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.reconcile import ReconcileReport
from terminal.services.session import Mode, SessionState
from terminal.venues.base import CredentialField
from terminal.viewmodels.connect import PASSPHRASE, ConnectViewModel, Step
from terminal.viewmodels.tables import Action
from terminal.viewmodels.venue_card import Shape
from tests.gui.frame_fakes import ACCOUNT, BTC, KRAKEN, START_NS, Frame, order
from tests.helpers import eventually, run

D = Decimal


async def idle() -> None:
    """Until every task that was started has ended."""
    while tasks.running():
        await asyncio.sleep(0)


@pytest.fixture
def frame(qtbot: QtBot) -> Frame:
    return Frame()


def row_state(frame: Frame, key: str) -> str:
    frame.tick()
    return next(row.state_text for row in frame.orders.model.rows if row.key == key)


def keys_of(actions: tuple[Action, ...]) -> list[str]:
    return [action.key for action in actions]


# -- orders ---------------------------------------------------------------------------------------------


def test_open_orders_are_listed_and_ended_ones_on_demand(frame: Frame) -> None:
    frame.gate.put(order("a"), order("b", state=OrderState.CANCELED))
    frame.tick()
    assert [row.key for row in frame.orders.model.rows] == ["a"]
    assert frame.orders.open_count == 1
    frame.orders.set_show_ended(True)
    assert {row.key for row in frame.orders.model.rows} == {"a", "b"}
    assert frame.orders.open_count == 1


def test_a_cancelled_order_under_the_pointer_says_that_it_is_cancelled(frame: Frame) -> None:
    frame.gate.put(order("a", state=OrderState.PENDING_CANCEL))
    frame.tick()
    model = frame.orders.model
    model.hold(True)
    frame.gate.put(order("a", state=OrderState.CANCELED))
    frame.tick()
    at = model.index(0, model.column_of("state"))
    assert model.is_gone(0)
    assert at.data() == OrderState.CANCELED.value


@pytest.mark.parametrize(
    ("state", "words", "actions"),
    [
        (OrderState.PENDING_NEW, "sending…", ["cancel"]),
        (OrderState.OPEN, "open", ["cancel"]),
        (OrderState.PENDING_CANCEL, "canceling…", []),
        (OrderState.IN_DOUBT, "unknown, checking… 3 s", ["check", "treat_as_live"]),
    ],
)
def test_each_state_has_words_and_its_buttons(
    frame: Frame, state: OrderState, words: str, actions: list[str]
) -> None:
    doubt_since = frame.clock.monotonic_ns() - 3_000_000_000
    frame.gate.put(order("a", state=state, doubt_since_ns=doubt_since))
    assert row_state(frame, "a") == words
    assert keys_of(frame.orders.model.rows[0].actions) == actions


def test_a_doubt_the_venue_plainly_does_not_know_can_be_settled(frame: Frame) -> None:
    now = frame.clock.monotonic_ns()
    frame.gate.doubts["a"] = Doubt("a", now, can_settle=True)
    frame.gate.put(order("a", state=OrderState.IN_DOUBT, doubt_since_ns=now))
    assert "not found" in row_state(frame, "a")
    assert keys_of(frame.orders.model.rows[0].actions) == ["check", "settle"]
    frame.orders.act("a", "settle")
    assert frame.gate.asked == [("settle_not_found", "a")]


def test_part_of_a_fill_is_said_in_per_cent(frame: Frame) -> None:
    frame.gate.put(order("a", quantity="0.05", filled="0.02", state=OrderState.PARTLY_FILLED))
    assert row_state(frame, "a").startswith("partly filled, 40")


def test_an_edited_price_is_shown_exactly_before_it_is_sent(frame: Frame) -> None:
    async def main() -> None:
        frame.gate.put(order("a", price="64120.1"))
        frame.tick()
        arm = OrderRefused("arm", "Confirm the order.", confirmable=True)
        band = OrderRefused("price_band", "Price 3.4 % above the ask.", confirmable=True, figure=D("3.4"))
        frame.gate.answers = [ConfirmationNeeded([band, arm])]
        frame.orders.amend("a", "limit", "64 000,5")
        await idle()

    run(main())
    change = AmendRequest(limit_price=D("64000.5"))
    assert [call[2] for call in frame.gate.asked] == [change, change]
    assert frame.gate.asked[1][3] == frozenset({"arm", "price_band@3.4"})
    (question,) = frame.questions
    assert question.badge == "PRACTICE"
    assert question.warnings == ("Price 3.4 % above the ask.",)
    assert ("Limit price", "64\u202f120.1 → 64\u202f000.5") in question.rows


def test_a_no_to_the_question_sends_nothing_more(frame: Frame) -> None:
    async def main() -> None:
        frame.answer = False
        frame.gate.put(order("a"))
        frame.gate.answers = [ConfirmationNeeded([OrderRefused("arm", "Confirm.", confirmable=True)])]
        frame.orders.amend("a", "limit", "64000")
        await idle()

    run(main())
    assert len(frame.gate.asked) == 1


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("limit", "abc", "not a number"),
        ("limit", "-5", "negative"),
        ("limit", "0", "above zero"),
        ("limit", "64000.55", "At most 1 digit"),
        ("limit", "1e9", "not a number"),
        ("quantity", "9" * 30, "too large"),
        ("quantity", "0.01", "filled already"),
    ],
)
def test_a_bad_entry_is_refused_beside_the_row_and_nothing_is_sent(
    frame: Frame, column: str, text: str, message: str
) -> None:
    refusals: list[tuple[str, str]] = []
    frame.orders.refused.connect(lambda key, said: refusals.append((key, said)))
    frame.gate.put(order("a", quantity="0.05", filled="0.02", state=OrderState.PARTLY_FILLED))
    frame.orders.amend("a", column, text)
    assert frame.gate.asked == []
    assert refusals[0][0] == "a"
    assert message in refusals[0][1]


def test_the_venues_no_to_an_amend_is_said_in_plain_words(frame: Frame) -> None:
    async def main() -> None:
        frame.gate.put(order("a"))
        frame.gate.answers = [
            RequestRejected("kraken", code="EOrder:Unknown", user_text="It has just filled.")
        ]
        frame.orders.amend("a", "limit", "64000")
        await idle()

    run(main())
    assert "It has just filled." in frame.notices.entries[-1].text


def test_a_second_press_while_the_first_is_on_its_way_sends_nothing(frame: Frame) -> None:
    async def main() -> None:
        frame.gate.put(order("a"))
        frame.orders.cancel("a")
        frame.orders.cancel("a")
        await idle()
        assert frame.gate.asked == [("cancel", "a")]
        frame.orders.cancel("a")
        await idle()
        assert len(frame.gate.asked) == 2

    run(main())


def test_cancel_all_asks_each_account_and_says_what_became_of_it(frame: Frame) -> None:
    async def main() -> None:
        first, second = order("a"), order("b", Side.SELL)
        frame.gate.put(first, second)
        frame.gate.outcome = CancelOutcome(done=[first], failed=[(second, "filled first")])
        frame.orders.cancel_all()
        frame.orders.cancel_all(Side.SELL)
        await idle()

    run(main())
    assert frame.gate.asked == [
        ("cancel_all", ACCOUNT, None, None),
        ("cancel_all", ACCOUNT, None, Side.SELL),
    ]
    assert frame.notices.entries[-1].text == "Kraken: 1 canceled, 1 not canceled"
    assert "filled first" in frame.notices.entries[-1].detail


def test_cancel_all_without_orders_says_so(frame: Frame) -> None:
    frame.orders.cancel_all()
    assert "no open order" in frame.notices.entries[-1].text


# -- connections ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "shape", "word"),
    [
        (SessionState.LIVE, Shape.LIVE, "live"),
        (SessionState.RECONNECTING, Shape.BUSY, "reconnecting"),
        (SessionState.SYNCING, Shape.BUSY, "comparing orders"),
        (SessionState.STALE, Shape.STALE, "stale"),
        (SessionState.OFF, Shape.OFF, "off"),
        (SessionState.FAILED, Shape.OFF, "failed"),
    ],
)
def test_a_card_says_its_state_by_shape_and_word(
    frame: Frame, state: SessionState, shape: Shape, word: str
) -> None:
    frame.sessions.sessions["kraken"].state = state
    frame.sessions.changed.notify("kraken")
    frame.tick()
    (card,) = frame.connections.cards
    assert (card.shape, card.word) == (shape, word)
    assert (card.bid, card.ask) == ("64\u202f120.1", "64\u202f120.2")


def test_an_unchanged_card_is_not_told_again(frame: Frame) -> None:
    told: list[int] = []
    frame.connections.changed.connect(lambda: told.append(1))
    frame.market.set_quote("64120.1", "64120.2")
    frame.tick()
    assert told == []
    frame.market.set_quote("64121.1", "64121.2")
    frame.tick()
    assert told == [1]


def test_one_live_account_makes_the_desk_live(frame: Frame) -> None:
    assert (frame.desk.badge, frame.desk.is_make_believe) == ("PRACTICE", True)
    session = frame.sessions.sessions["kraken"]
    session.mode, session.account = Mode.LIVE, "kraken:main"
    frame.sessions.changed.notify("kraken")
    frame.tick()
    assert (frame.desk.badge, frame.desk.is_make_believe) == ("LIVE main", False)


@pytest.mark.parametrize(("is_live", "word"), [(True, "LIVE 5120034"), (False, "DEMO 5120034")])
def test_a_demo_account_is_never_called_live(frame: Frame, is_live: bool, word: str) -> None:
    session = frame.sessions.sessions["kraken"]
    session.mode, session.account = Mode.LIVE, "kraken:live:91"
    session.infos["kraken:live:91"] = AccountInfo(account_id="91", title="The House 5120034", is_live=is_live)
    frame.sessions.changed.notify("kraken")
    frame.tick()
    assert frame.desk.badge == word
    assert frame.connections.badge_of("kraken:live:91") == word
    assert [card.badge for card in frame.connections.cards] == [word]
    assert not frame.desk.can_reset_practice


def test_switching_says_why_it_failed(frame: Frame) -> None:
    async def main() -> None:
        frame.connecting.refuse()
        frame.connections.use("kraken", Mode.LIVE)
        await idle()

    run(main())
    assert "does not know this key" in frame.notices.entries[-1].text


# -- status and account ---------------------------------------------------------------------------------


def test_the_status_bar_warns_of_a_wrong_clock_and_a_used_up_budget(frame: Frame) -> None:
    assert (frame.status.offset, frame.status.offset_tone) == ("clock +3 ms", "")
    session = frame.sessions.sessions["kraken"]
    session.offset_ms, session.used = -2400.0, 19.0
    frame.sessions.changed.notify("kraken")
    frame.tick()
    assert (frame.status.offset, frame.status.offset_tone) == ("clock −2.4 s", "warning")
    assert frame.status.budget_tone == "warning"
    assert frame.status.balance == "PRACTICE 9\u202f998.68 USD"


def test_balances_are_valued_and_sorted_by_worth(frame: Frame) -> None:
    assert [row.asset for row in frame.account.balances.rows] == ["USD", "BTC"]
    assert frame.account.equity == D("8716.28") + D("0.02") * D("64120.15")


def test_the_days_figure_follows_prices_but_a_price_that_comes_later_is_no_profit(frame: Frame) -> None:
    frame.portfolio.held["ETH"] = Balance("ETH", D(2))
    frame.portfolio.changed.notify(ACCOUNT)
    frame.tick()
    # ETH came after the day had begun, without a price: it counts from zero once it has one.
    assert frame.account.unpriced == ["ETH"]
    assert frame.account.day_pnl == 0
    frame.portfolio.prices["BTC"] += 100
    frame.account.refresh()
    frame.tick()
    assert frame.account.day_pnl == 2
    assert frame.account.day_pnl_text == "+2.00 USD"


def test_an_asset_without_a_price_at_the_start_of_the_day_joins_without_a_jump(qtbot: QtBot) -> None:
    frame = Frame()
    frame.account.days.forget(ACCOUNT)
    frame.portfolio.prices.pop("BTC")
    frame.tick()
    assert frame.account.day_pnl == 0
    frame.portfolio.prices["BTC"] = D(64000)
    frame.account.refresh()
    frame.tick()
    assert frame.account.day_pnl == 0
    frame.portfolio.prices["BTC"] = D(64500)
    frame.account.refresh()
    frame.tick()
    assert frame.account.day_pnl == 10


# -- desk -----------------------------------------------------------------------------------------------


def test_arming_follows_the_switch_both_ways(frame: Frame) -> None:
    told: list[ArmState] = []
    frame.desk.changed.connect(lambda: told.append(frame.desk.arm))
    frame.desk.set_arm(ArmState.ONE_CLICK)
    frame.arming.set(ArmState.CONFIRM)
    frame.desk.view_only()
    assert told == [ArmState.ONE_CLICK, ArmState.CONFIRM, ArmState.VIEW]


def test_one_click_ends_on_screen_when_it_has_expired(frame: Frame) -> None:
    frame.desk.set_arm(ArmState.ONE_CLICK)
    assert hasattr(frame.clock, "advance")
    frame.clock.advance(1801)
    frame.frames.request(frame.desk._refresh)
    frame.tick()
    assert frame.desk.arm is ArmState.CONFIRM


def test_what_happened_while_away_is_said(frame: Frame) -> None:
    report = ReconcileReport(ACCOUNT, first=False, canceled=[order("a")])
    frame.gate.reconciled.notify(report)
    assert "1 cancel" in frame.notices.entries[-1].text


def test_flatten_lists_first_then_cancels_and_says_what_became_of_it(frame: Frame) -> None:
    results: list[object] = []

    async def main() -> None:
        first = order("a")
        frame.gate.put(first)
        frame.tick()
        assert frame.desk.can_flatten
        plan = frame.desk.plan()
        assert "Cancel buy 0.05 BTC/USD" in plan.sends[0]
        assert any("BTC" in what for what, _ in plan.skips)
        frame.gate.outcome = CancelOutcome(unknown=[first])
        frame.desk.flattened.connect(results.append)
        frame.desk.flatten()
        frame.desk.flatten()
        await idle()
        frame.gate.answers = [NotSent("kraken", "no connection")]
        frame.desk.flatten()
        await idle()

    run(main())
    assert frame.gate.asked == [("cancel_all", ACCOUNT, None, None)] * 2
    assert len(results[0].unknown) == 1  # type: ignore[attr-defined]
    assert results[1].failed[0].startswith("Kraken: ")  # type: ignore[attr-defined]


def test_practice_is_reset_only_after_a_yes(frame: Frame) -> None:
    async def main() -> None:
        frame.answer = False
        frame.desk.reset_practice()
        await idle()
        assert frame.faults == []
        frame.answer = True
        frame.desk.reset_practice()
        await idle()

    run(main())
    assert frame.faults == ["reset"]


# -- connecting -----------------------------------------------------------------------------------------

KEYS = {"key": "k" * 56, "secret": "s" * 88, "otp": ""}


def assert_step(vm: ConnectViewModel, step: Step) -> None:
    assert vm.step is step


def test_keys_are_tested_before_they_are_kept(frame: Frame) -> None:
    async def main() -> None:
        vm = ConnectViewModel(KRAKEN, frame.connecting, None)
        vm.save()
        vm.test(KEYS)
        await idle()
        assert_step(vm, Step.TESTED)
        assert [item.name for item in vm.permissions][-1] == "Withdraw funds"
        assert vm.warnings == ()
        vm.save()
        await idle()
        assert_step(vm, Step.DONE)

    run(main())
    assert frame.connecting.asked == [
        ("test", "kraken", ("key", "secret")),
        ("save", "kraken", ("key", "secret")),
        ("use", "kraken", Mode.LIVE),
    ]


def test_a_wrong_key_fails_at_once_in_plain_words(frame: Frame) -> None:
    async def main() -> None:
        frame.connecting.refuse()
        vm = ConnectViewModel(KRAKEN, frame.connecting, None)
        vm.test(KEYS)
        await idle()
        assert vm.step is Step.ENTER
        assert "does not know this key" in vm.error

    run(main())


def test_a_key_that_may_withdraw_is_warned_of(frame: Frame) -> None:
    async def main() -> None:
        frame.connecting.report.permissions["Withdraw funds"] = True
        frame.connecting.report.permissions["Create and change orders"] = False
        vm = ConnectViewModel(KRAKEN, frame.connecting, None)
        vm.test(KEYS)
        await idle()
        assert "Withdraw funds" in vm.warnings[0]
        assert "watch only" in vm.warnings[1]

    run(main())


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ({"key": "", "secret": "s"}, "key"),
        ({"key": "a b", "secret": "s"}, "key"),
        ({"key": "кey", "secret": "s"}, "key"),
        ({"key": "k", "secret": "x" * 5000}, "secret"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_beside_its_field(
    frame: Frame, entries: dict[str, str], field: str
) -> None:
    vm = ConnectViewModel(KRAKEN, frame.connecting, None)
    vm.test(entries)
    assert list(vm.problems) == [field]
    assert frame.connecting.asked == []
    vm.touch(field)
    assert vm.problems == {}


def test_editing_after_a_test_asks_for_another_test(frame: Frame) -> None:
    async def main() -> None:
        vm = ConnectViewModel(KRAKEN, frame.connecting, None)
        vm.test(KEYS)
        await idle()
        vm.touch("key")
        assert vm.step is Step.ENTER
        vm.save()
        await idle()

    run(main())
    assert [call[0] for call in frame.connecting.asked] == ["test"]


def test_without_a_keychain_the_vault_wants_its_passphrase(frame: Frame) -> None:
    async def main() -> None:
        frame.connecting.vault_locked = True
        vm = ConnectViewModel(KRAKEN, frame.connecting, None)
        vm.test(KEYS)
        await idle()
        vm.save("short")
        assert PASSPHRASE in vm.problems
        vm.touch(PASSPHRASE)
        assert vm.step is Step.TESTED
        vm.save("long enough")
        await idle()

    run(main())
    assert [call[0] for call in frame.connecting.asked] == ["test", "open_vault", "save", "use"]


# -- log ------------------------------------------------------------------------------------------------


def test_the_log_shows_new_lines_and_filters_by_text_and_level(frame: Frame) -> None:
    frame.ring.say("kraken is live")
    frame.ring.say("book out of sync", level=logging.WARNING, logger="book")
    frame.tick()
    assert frame.log.model.rowCount() == 2
    frame.log.set_text_filter("BOOK")
    assert frame.log.model.rowCount() == 1
    frame.ring.say("another one")
    frame.ring.say("book again", logger="ui")
    frame.tick()
    assert frame.log.model.rowCount() == 2
    frame.log.set_text_filter("")
    frame.log.set_least_level(logging.WARNING)
    assert frame.log.copied_text().endswith("warning  book  book out of sync")


def test_a_hidden_log_takes_no_lines_and_catches_up(frame: Frame) -> None:
    frame.log.set_visible(False)
    frame.ring.say("one")
    frame.tick()
    assert frame.log.model.rowCount() == 0
    frame.log.set_visible(True)
    frame.tick()
    assert frame.log.model.rowCount() == 1


def test_a_full_log_drops_its_oldest_lines(frame: Frame) -> None:
    for number in range(2100):
        frame.ring.say(str(number))
    frame.tick()
    assert frame.log.model.rowCount() == 2000
    assert frame.log.model.line(0).text == "100"


def test_a_doubt_that_others_look_like_says_how_many(frame: Frame) -> None:
    now = frame.clock.monotonic_ns()
    frame.gate.doubts["a"] = Doubt("a", now, candidates=("b", "c"))
    frame.gate.put(order("a", state=OrderState.IN_DOUBT, doubt_since_ns=now - 4_000_000_000))
    assert row_state(frame, "a") == "unknown: 2 orders look like it, 4 s"


def test_fills_are_listed_newest_first(frame: Frame) -> None:
    from terminal.domain.orders import Fill

    for number in range(3):
        frame.gate.fills.append(
            Fill(
                str(number), BTC, Side.BUY, D(64000), D("0.5"), D(1), "USD", True, "V", "c", START_NS + number
            )
        )
    frame.gate.fill_added.notify(frame.gate.fills[-1])
    frame.tick()
    rows = frame.orders.fills_model.rows
    assert [row.fill.fill_id for row in rows] == ["2", "1", "0"]
    assert rows[0].notional == 32000


def test_a_venue_is_added_by_its_form_with_settings_apart_from_keys(frame: Frame) -> None:
    info = replace(
        KRAKEN,
        added_as="a plugin",
        option_fields=(CredentialField("endpoint.service", "Service address", secret=False),),
    )

    async def main() -> None:
        vm = ConnectViewModel(info, frame.connecting, None, is_new=True)
        keys = {field.key: "abc123" for field in info.credential_fields}
        vm.test(keys)
        assert vm.problems == {"endpoint.service": "Service address is missing."}
        vm.test({**keys, "endpoint.service": "http://127.0.0.1:6666/OKX"})
        await eventually(lambda: vm.step is Step.TESTED)
        vm.save()
        await eventually(lambda: vm.step is Step.DONE)
        assert frame.connecting.kept_options == {"endpoint.service": "http://127.0.0.1:6666/OKX"}
        # Later the address alone is changed, and the kept keys go on.
        later = ConnectViewModel(info, frame.connecting, Mode.LIVE)
        assert later.options == frame.connecting.kept_options
        later.use_kept_keys("", {"endpoint.service": "http://127.0.0.1:7777/OKX"})
        await eventually(lambda: later.step is Step.DONE)
        assert frame.connecting.asked[-2:] == [
            ("options", "kraken", {"endpoint.service": "http://127.0.0.1:7777/OKX"}),
            ("use", "kraken", Mode.LIVE),
        ]

    run(main())


def test_cards_come_and_go_with_the_venues_of_the_desk(frame: Frame) -> None:
    added = replace(KRAKEN, name="mine", title="Mine", added_as="a plugin")
    frame.connections.show_venues((KRAKEN,), (added,))
    assert [card.venue for card in frame.connections.cards] == ["kraken"]
    assert list(frame.connections.addable) == ["mine"]
    frame.connections.show_venues((KRAKEN, added), ())
    card = frame.connections.card("mine")
    assert card is not None
    assert (card.title, card.can_practise) == ("Mine", False)
    frame.connections.set_headline("mine", "BTC/USDT")
    frame.connections.show_venues((KRAKEN,), (added,))
    assert frame.connections.card("mine") is None
