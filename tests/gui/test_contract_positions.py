"""Running contracts in the Positions tab: what they stand at, how long they run, how they are given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from terminal.core.clock import ManualClock
from terminal.domain.account import Position
from terminal.domain.contracts import NS, ContractOffer, RunningContract, outcome
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.services.market_data import FeedState
from terminal.services.order_checks import ConfirmationNeeded
from terminal.viewmodels.chart_positions import deal_of
from terminal.viewmodels.tables import ACTIONS_ROLE, TONE_ROLE
from terminal.widgets.positions import PositionsPanel
from tests.gui.frame_fakes import ACCOUNT, START_NS, Frame
from tests.helpers import eventually, run

D = Decimal
EURUSD = InstrumentId("kraken", "EUR/USD")
OFFER = ContractOffer("USD", D(87), D(1), None, timed_s=(60,), clock_s=(60,), sells_back=True)
LISTED = Instrument(
    EURUSD, "EURUSD", InstrumentKind.CONTRACT, "EUR", "USD",
    tick_size=D("0.00001"), quantity_step=D("0.01"), min_quantity=D(1), price_decimals=5,
    quantity_decimals=2, offer=OFFER,
)  # fmt: skip
UP = Position(
    EURUSD, "d1", Side.BUY, D(10), D("1.16000"), currency="USD",
    contract=RunningContract(D(87), START_NS + 60 * NS, 60, sells_back=True),
)  # fmt: skip
KEY = f"{ACCOUNT} d1"
ARM = ConfirmationNeeded([OrderRefused("arm", "Confirm the order.", confirmable=True)])


def with_frame(body: Callable[[Frame], object], *positions: Position) -> None:
    async def main() -> None:
        frame = Frame()
        frame.market.listed[EURUSD] = LISTED
        frame.market.set_quote("1.16003", "1.16003", EURUSD)
        frame.portfolio.open = list(positions)
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        await body(frame)  # type: ignore[misc]

    run(main())


def cell(frame: Frame, column: str) -> str:
    model = frame.positions.model
    return str(model.index(0, model.column_of(column)).data() or "").replace("\u202f", "")


def actions(frame: Frame) -> list[str]:
    model = frame.positions.model
    found = model.index(0, model.column_of("actions")).data(ACTIONS_ROLE)
    return [each.text for each in found]


def seconds_pass(frame: Frame, seconds: float) -> None:
    """The clock goes on, and whoever looks at it every so often does."""
    assert isinstance(frame.clock, ManualClock)
    frame.clock.advance(seconds)
    for timer in list(frame.frames._timers):
        timer.timeout.emit()
    frame.tick()


@pytest.mark.parametrize(
    ("moved", "brings"),
    [("0.00001", "8.70"), ("-0.00001", "-10"), ("0", "0")],
)
def test_what_ten_at_87_per_cent_bring(moved: str, brings: str) -> None:
    assert outcome(D(10), D(87), D(moved)) == D(brings)


def test_a_row_tells_stake_direction_and_where_it_stands(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        assert (cell(frame, "side"), cell(frame, "size")) == ("Up", "10.00 USD")
        assert (cell(frame, "entry"), cell(frame, "now")) == ("1.16000", "1.16003")
        assert cell(frame, "pnl") == "in +8.70 USD"
        frame.market.set_quote("1.15999", "1.15999", EURUSD)
        frame.tick()
        assert cell(frame, "pnl") == "out −10.00 USD"
        frame.market.set_quote("1.16000", "1.16000", EURUSD)
        frame.tick()
        assert cell(frame, "pnl") == "tie 0.00 USD"
        frame.portfolio.open = [replace(UP, side=Side.SELL)]
        frame.market.set_quote("1.16003", "1.16003", EURUSD)
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        assert (cell(frame, "side"), cell(frame, "pnl")) == ("Down", "out −10.00 USD")

    with_frame(body, UP)


@pytest.mark.parametrize("how", ["its feed stopped", "its line is silent", "nothing proves it"])
def test_without_a_current_price_nothing_says_how_it_stands(qapp: QApplication, how: str) -> None:
    async def body(frame: Frame) -> None:
        model = frame.positions.model
        quote = frame.market.quotes[EURUSD]
        frame.market.quotes[EURUSD] = quote._replace(ts_received_ns=frame.clock.wall_ns())
        if how == "its feed stopped":
            frame.market.state = FeedState.STALE
        else:
            frame.market.age_ns = 12 * NS if how == "its line is silent" else None
        seconds_pass(frame, 12)
        assert cell(frame, "now") == "1.16003"
        assert (cell(frame, "pnl"), cell(frame, "pips")) == ("unknown", "12 s old")
        for column in ("now", "pnl", "pips"):
            assert model.index(0, model.column_of(column)).data(TONE_ROLE) == "muted", column
        (row,) = frame.positions.model.rows
        line = deal_of(row)
        assert (line.text, line.standing) == ("▲ 10.00 USD  unknown  the price is 12 s old  00:48", 0)
        frame.hands.answers = [ARM]
        frame.positions.act(KEY, "close")
        await eventually(lambda: frame.hands.asked, 5, "a sent order")
        told = dict(frame.questions[-1].rows)
        assert told["If it ended now"] == "unknown, the price is 12 s old"
        assert told["Last price"] == "1.16003"
        frame.market.state, frame.market.age_ns = FeedState.LIVE, 0
        seconds_pass(frame, 1)
        assert (cell(frame, "now"), cell(frame, "pnl")) == ("1.16003", "in +8.70 USD")

    with_frame(body, UP)


def test_a_price_after_the_end_does_not_tell_the_result(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        seconds_pass(frame, 61)
        assert (cell(frame, "pnl"), cell(frame, "ends")) == ("unknown", "result due")
        assert cell(frame, "pips") == ""
        (row,) = frame.positions.model.rows
        assert deal_of(row).text == "▲ 10.00 USD  unknown  result due"

    with_frame(body, UP)


def test_nothing_of_a_position_is_offered_that_a_contract_has_not(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        assert actions(frame) == ["Give back"]
        for column in ("stop", "target", "kept", "swap", "commission", "margin", "liquidation"):
            assert cell(frame, column) == "", column
            at = frame.positions.model.index(0, frame.positions.model.column_of(column))
            assert not frame.positions.model.flags(at) & Qt.ItemFlag.ItemIsEditable
        for action in ("half", "double", "reverse"):
            frame.positions.act(KEY, action)
        assert frame.hands.asked == []

    with_frame(body, UP)


def test_the_countdown_goes_on_without_a_price_and_ends(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        assert cell(frame, "ends") == "01:00"
        seconds_pass(frame, 50.5)
        assert cell(frame, "ends") == "00:09"
        seconds_pass(frame, 10)
        assert cell(frame, "ends") == "result due"
        assert actions(frame) == [], "what has ended is not given back"
        begun = len(frame.frames._timers)
        frame.portfolio.open = []
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        assert len(frame.frames._timers) == begun - 1, "nothing is counted without a contract"

    with_frame(body, UP)


def test_giving_back_asks_and_says_that_its_price_is_the_venues(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.positions.act(KEY, "double")
        frame.hands.answers = [ARM]
        frame.positions.act(KEY, "close")
        await eventually(lambda: frame.hands.asked, 5, "a sent order")
        (question,) = frame.questions
        assert question.title == "Give back Up 10.00 USD on EUR/USD"
        assert dict(question.rows)["If it ended now"] == "in +8.70 USD"
        assert "only afterwards" in question.note

    with_frame(body, UP)


def test_flattening_gives_back_what_is_taken_back_and_leaves_the_rest(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        plan = frame.desk.plan()
        assert any(each.startswith("Give back Up 10.00 USD on EUR/USD (") for each in plan.sends)
        assert frame.desk.can_flatten
        assert UP.contract is not None
        frame.portfolio.open = [replace(UP, contract=replace(UP.contract, sells_back=False))]
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        assert not any("Up" in each for each in frame.desk.plan().sends)
        ((what, why),) = [each for each in frame.desk.plan().skips if each[0].startswith("Up")]
        assert "ends by itself" in why
        assert "EUR/USD" in what

    with_frame(body, UP)


def test_the_column_of_the_countdown_is_there_only_for_contracts(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        panel = PositionsPanel(frame.positions)
        at = frame.positions.model.column_of("ends")
        assert not panel.table.isColumnHidden(at)
        frame.portfolio.open = [replace(UP, contract=None)]
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        assert panel.table.isColumnHidden(at)
        panel.deleteLater()

    with_frame(body, UP)


def test_amounts_that_are_hidden_stay_hidden(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.positions.set_hide_amounts(True)
        assert cell(frame, "size") == cell(frame, "pnl") == "•••"

    with_frame(body, UP)
