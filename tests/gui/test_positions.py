"""The Positions and Accounts tabs on hand-written fakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from PySide6.QtWidgets import QApplication

from terminal.domain.account import AccountFigures, AccountInfo, AccountKind, Position
from terminal.domain.errors import OrderRefused, RequestRejected
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, Protection
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.positions import KEEP
from terminal.viewmodels.position_rows import PositionRow, level_tone
from terminal.widgets.blotter import ACCOUNTS, POSITIONS, Blotter
from tests.gui.frame_fakes import ACCOUNT, Frame
from tests.helpers import eventually, run

D = Decimal
EURUSD = InstrumentId("kraken", "EUR/USD")
LISTED = Instrument(
    EURUSD, "EURUSD", InstrumentKind.CFD, "EUR", "USD",
    tick_size=D("0.00001"), quantity_step=D(1000), min_quantity=D(1000), price_decimals=5,
    quantity_decimals=0, lot_size=D(100_000), pip_size=D("0.0001"),
)  # fmt: skip
LONG = Position(
    EURUSD, "88", Side.BUY, D(5000), D("1.16000"), D("12.50"), "USD", D("-0.30"), D("-0.15"), D("193.4"),
    Protection(stop_loss=D("1.15500")),
)  # fmt: skip
KEY = f"{ACCOUNT} 88"
ARM = ConfirmationNeeded([OrderRefused("arm", "Confirm the order.", confirmable=True)])


def with_frame(body: Callable[[Frame], object], *positions: Position) -> None:
    """Run a coroutine function with a frame that holds these positions and shows EUR/USD at 1.16250."""

    async def main() -> None:
        frame = Frame()
        frame.market.listed[EURUSD] = LISTED
        frame.market.set_quote("1.16250", "1.16256", EURUSD)
        frame.portfolio.open = list(positions)
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        await body(frame)  # type: ignore[misc]

    run(main())


def cell(frame: Frame, column: str) -> str:
    model = frame.positions.model
    return model.columns[model.column_of(column)].text(model.rows[0])


def sent(frame: Frame) -> tuple[OrderRequest, frozenset[str]]:
    """The one order that was sent, and what had been confirmed."""
    (what, account, requests, confirmed), *rest = frame.hands.asked
    assert (what, account, rest) == ("submit", ACCOUNT, [])
    assert isinstance(requests, tuple)
    assert isinstance(confirmed, frozenset)
    (request,) = requests
    return request, confirmed


def row(frame: Frame) -> PositionRow:
    found = frame.positions.row(KEY)
    assert found is not None
    return found


def test_a_row_tells_money_and_pips_in_the_words_of_its_venue(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        assert cell(frame, "size") == "0.05 lots"
        assert row(frame).units_text.replace("\u202f", "") == "5000 EUR"
        assert cell(frame, "now").replace("\u202f", "") == "1.16250", "a long is closed at the bid"
        assert cell(frame, "pips").startswith("+25.0")
        assert cell(frame, "pips").endswith("pips")
        assert "+12.50" in cell(frame, "pnl")
        assert cell(frame, "kept") == "SERVER"
        assert cell(frame, "target") == "none"
        short = replace(LONG, side=Side.SELL, protection=Protection())
        frame.portfolio.open = [short]
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        assert cell(frame, "now").replace("\u202f", "") == "1.16256"
        assert "−25.6" in cell(frame, "pips")
        assert cell(frame, "kept") == "none"

    with_frame(body, LONG)


def test_prices_are_followed_only_while_a_position_is_open(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        watched = [feed.symbol for feed in frame.market.watched]
        assert "EUR/USD" in watched
        frame.market.set_quote("1.15900", "1.15906", EURUSD)
        frame.tick()
        assert "−10.0" in cell(frame, "pips")
        frame.portfolio.open = []
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        assert frame.positions.model.rowCount() == 0
        assert "EUR/USD" not in [feed.symbol for feed in frame.market.watched]

    with_frame(body, LONG)


def test_closing_asks_and_sends_what_was_shown(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.hands.answers = [ARM]
        frame.positions.act(KEY, "half")
        await eventually(lambda: frame.hands.asked, 5, "a sent order")
        (question,) = frame.questions
        assert question.title == "Close 0.02 lots of the long in EUR/USD", "half, rounded down to the step"
        request, confirmed = sent(frame)
        assert (request.side, request.quantity, request.position_id) == (Side.SELL, D(2000), "88")
        assert request.reduce_only
        assert "arm" in confirmed

    with_frame(body, LONG)


def test_reverse_always_asks_unless_told_otherwise(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.answer = False
        frame.positions.act(KEY, "reverse")
        await eventually(lambda: frame.questions, 5, "a question")
        assert frame.hands.asked == []
        assert ("Then", "open 0.05 lots on the other side, once this has filled") in frame.questions[0].rows
        frame.answer = True
        frame.positions._may_send_at_once = lambda: True
        frame.positions.act(KEY, "double")
        await eventually(lambda: frame.hands.asked, 5, "a sent order")
        assert len(frame.questions) == 1

    with_frame(body, LONG)


def test_too_small_to_be_halved_is_said(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        refused: list[tuple[str, str]] = []
        frame.positions.refused.connect(lambda key, text: refused.append((key, text)))
        frame.positions.act(KEY, "half")
        assert refused == [(KEY, "It is too small to be halved; close all of it instead.")]
        assert frame.hands.asked == []

    with_frame(body, replace(LONG, quantity=D(1000)))


def test_an_edited_stop_is_asked_for_at_the_venue_and_the_target_stays(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.hands.answers = [ARM]
        frame.positions.model.edited.emit(KEY, "stop", "1.15800")
        await eventually(lambda: frame.hands.asked, 5, "a new stop")
        assert frame.hands.asked == [("protect", "88", D("1.15800"), KEEP, frozenset({"arm"}))]
        (question,) = frame.questions
        assert question.rows[1][0] == "Stop loss"
        assert "→" in question.rows[1][1]
        assert question.warnings == ()

    with_frame(body, LONG)


def test_taking_the_stop_away_is_warned_of(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.hands.answers = [ARM]
        frame.positions.model.edited.emit(KEY, "stop", "")
        await eventually(lambda: frame.hands.asked, 5, "no stop")
        assert frame.hands.asked == [("protect", "88", None, KEEP, frozenset({"arm"}))]
        assert frame.questions[0].warnings == ("Without a stop loss what can be lost is not limited.",)

    with_frame(body, LONG)


def test_bad_input_and_a_refusal_stand_beside_the_row(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        refused: list[str] = []
        frame.positions.refused.connect(lambda key, text: refused.append(text))
        for text in ("abc", "-1.15", "0", "1.123456789", "$"):
            frame.positions.model.edited.emit(KEY, "stop", text)
        assert len(refused) == 5
        assert frame.hands.asked == []
        words = "The market has passed it already."
        frame.hands.answers = [RequestRejected("x", "TRADING_BAD_STOPS", user_text=words)]
        frame.positions.model.edited.emit(KEY, "stop", "1.15800")
        await eventually(lambda: len(refused) == 6, 5, "a refusal")
        assert refused[-1] == words

    with_frame(body, LONG)


def test_amounts_can_be_hidden(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.positions.set_hide_amounts(True)
        for column in ("size", "pnl", "swap", "commission", "margin"):
            assert not any(char.isdigit() for char in cell(frame, column)), column
        assert "25.0" in cell(frame, "pips"), "a distance tells nothing of the size"

    with_frame(body, LONG)


def test_an_account_shows_its_margin_and_can_be_chosen(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.portfolio.about = AccountInfo("7", "House 5120001", False, "USD", AccountKind.HEDGED, D(30))
        frame.portfolio.margin = AccountFigures("USD", D(10_000), D("12.5"), D("193.4"), (D(100), D(70)))
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        model = frame.positions.accounts_model
        texts = {column.key: column.text(model.rows[0]) for column in model.columns}
        assert texts["account"] == "House 5120001"
        assert texts["kind"] == "hedged 1:30"
        assert texts["badge"] == "PRACTICE"
        assert texts["equity"].replace("\u202f", "") == "10012.50 USD"
        assert texts["free"].replace("\u202f", "") == "9819.10 USD"
        assert texts["level"].replace("\u202f", "") == "5177%"
        frame.positions.act(ACCOUNT, "use")
        assert frame.chosen == [ACCOUNT]
        balances = frame.account.balances.rows
        assert [(each.asset, each.total) for each in balances] == [("USD", D(10_000))]
        assert frame.account.equity == D("10012.5"), "worth is the equity, open profit included"

    with_frame(body, LONG)


def test_the_level_warns_before_it_stops_out() -> None:
    figures = AccountFigures("USD", D(1000), D(0), D(500), (D(100), D(70)))
    assert level_tone(figures) == ""
    assert level_tone(replace(figures, balance=D(500))) == "warning"
    assert level_tone(replace(figures, balance=D(350))) == "danger"
    assert level_tone(None) == ""


def test_flatten_lists_and_closes_positions(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        results: list[object] = []
        frame.desk.flattened.connect(results.append)
        assert frame.desk.can_flatten
        assert any("0.05 lots EUR/USD" in text for text in frame.desk.plan().sends)
        frame.gate.closed[ACCOUNT] = "Orders are being compared."
        assert any("0.05 lots EUR/USD" in what for what, _ in frame.desk.plan().skips)
        frame.gate.closed.clear()
        frame.desk.flatten()
        await eventually(lambda: results, 5, "a result")
        assert any("closing" in text for text in results[0].done)  # type: ignore[attr-defined]
        assert frame.hands.asked[0][2][0].position_id == "88"  # type: ignore[index]

    with_frame(body, LONG)


def test_the_blotter_has_tabs_for_both(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        blotter = Blotter(frame.orders, frame.account, frame.positions, frame.log)
        assert blotter.tabs.tabText(POSITIONS) == "Positions 1"
        blotter.show_tab(ACCOUNTS)
        assert blotter.stack.currentWidget() is blotter.accounts

    with_frame(body, LONG)
