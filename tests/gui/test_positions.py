"""The Positions and Accounts tabs on hand-written fakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from terminal.core import tasks
from terminal.domain.account import AccountFigures, AccountInfo, AccountKind, Position
from terminal.domain.errors import OrderRefused, RequestRejected, SettingsError
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderRequest, Protection
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.positions import KEEP
from terminal.services.session import Mode
from terminal.viewmodels.position_rows import SHOW, PositionRow, level_tone
from terminal.viewmodels.tables import ACTIONS_ROLE, Action, TableModel
from terminal.widgets.blotter import ACCOUNTS, POSITIONS, Blotter
from terminal.widgets.positions import AccountsPanel
from tests.gui.frame_fakes import ACCOUNT, Frame, order
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


def test_a_comment_is_read_with_the_pointer_over_the_row(qapp: QApplication) -> None:
    def tip(model: TableModel[Any], column: str) -> str:
        return str(model.index(0, model.column_of(column)).data(Qt.ItemDataRole.ToolTipRole) or "")

    async def body(frame: Frame) -> None:
        assert tip(frame.positions.model, "symbol") .splitlines() == [
            "EUR/USD", "Position 88", "Commission so far: −0.15 USD", "Comment: breakout",
        ]  # fmt: skip
        commented = order("a1", Side.BUY, price="64050.0")
        commented.request = replace(commented.request, comment="second try")
        frame.gate.put(commented)
        frame.tick()
        assert tip(frame.orders.model, "symbol").endswith("\nComment: second try")
        assert tip(frame.orders.model, "type") == "Comment: second try"
        frame.gate.orders.clear()
        frame.gate.put(order("a2", Side.BUY, price="64050.0"))
        frame.tick()
        assert "Comment" not in tip(frame.orders.model, "symbol") + tip(frame.orders.model, "type")

    with_frame(body, replace(LONG, comment="breakout"))


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
        rows = dict(frame.questions[0].rows)
        assert rows["Then"] == "open 0.05 lots on the other side, once this has filled"
        assert rows["Stop loss, take profit"] == "not carried over: set them on the new one"
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
        frame.portfolio.about = AccountInfo(
            account_id="7",
            title="House 5120001",
            is_live=False,
            currency="USD",
            kind=AccountKind.HEDGED,
            leverage=D(30),
        )
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


def test_the_one_account_of_a_connection_shows_its_figures_and_its_past(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        frame.portfolio.margin = AccountFigures(
            "USD", D(900), D(50), D(100), stop_out=D(100), own_equity=D(950), own_free=D(800),
            maintenance_level=D("692.6"), beside_balances=True,
        )  # fmt: skip
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        model = frame.positions.accounts_model
        (row,) = model.rows
        texts = {column.key: column.text(row).replace("\u202f", "") for column in model.columns}
        assert texts["equity"] == "950.00 USD"
        assert texts["free"] == "800.00 USD"
        assert texts["level"] == "693%"
        assert texts["kind"] == ""
        level = next(column for column in model.columns if column.key == "level")
        assert level.tip is not None
        assert "keeps the positions open" in level.tip(row)
        actions = {column.key: column.actions(row) for column in model.columns if column.actions}
        assert actions["shown"] == ()
        assert [action.key for action in actions["actions"]] == ["history"]
        assert all(each.asset != "USD" or each.total != D(900) for each in frame.account.balances.rows)

    with_frame(body, LONG)


OTHER = f"{ACCOUNT}:8"
ELSEWHERE = AccountInfo(
    account_id="8", title="House 5120002", is_live=True, currency="EUR", kind=AccountKind.NETTED
)


def accounts(frame: Frame) -> dict[str, dict[str, str]]:
    """The Accounts tab: by row, the texts of its cells."""
    model = frame.positions.accounts_model
    return {row.key: {column.key: column.text(row) for column in model.columns} for row in model.rows}


def two_accounts(frame: Frame, *, hidden: bool) -> None:
    session = frame.sessions.sessions["kraken"]
    frame.portfolio.about = AccountInfo(
        account_id="7",
        title="House 5120001",
        is_live=False,
        currency="USD",
        kind=AccountKind.HEDGED,
        leverage=D(30),
    )
    session.others = () if hidden else (OTHER,)
    session.hidden = {OTHER: ELSEWHERE} if hidden else {}
    frame.sessions.changed.notify("kraken")
    frame.positions.refresh()
    frame.orders.refresh()
    frame.tick()


def ticks(frame: Frame, key: str) -> tuple[Action, ...]:
    model = frame.positions.accounts_model
    found = model.columns[model.column_of("shown")].actions
    assert found is not None
    return found(next(row for row in model.rows if row.key == key))


def test_a_hidden_account_stays_listed_and_can_only_be_shown(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        two_accounts(frame, hidden=True)
        assert accounts(frame)[OTHER]["account"] == "House 5120002"
        assert accounts(frame)[OTHER]["kind"] == "hidden"
        assert accounts(frame)[OTHER]["equity"] == ""
        model = frame.positions.accounts_model
        (row_of,) = [each for each in model.rows if each.key == OTHER]
        by_key = {column.key: column for column in model.columns}
        assert by_key["account"].tone is not None
        assert by_key["account"].tone(row_of) == "muted"
        assert by_key["actions"].actions is not None
        assert by_key["actions"].actions(row_of) == ()
        assert [each.checked for each in ticks(frame, OTHER)] == [False]
        frame.positions.act(OTHER, "show")
        await eventually(lambda: frame.shown == [(OTHER, True)], 5, "it is shown")
        assert frame.questions == []

    with_frame(body)


def test_the_trading_account_has_a_tick_that_cannot_be_taken_away(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        two_accounts(frame, hidden=False)
        (tick,) = ticks(frame, ACCOUNT)
        assert (tick.checked, tick.enabled) == (True, False)
        (tick,) = ticks(frame, OTHER)
        assert (tick.checked, tick.enabled) == (True, True)

    with_frame(body)


def test_an_account_with_something_on_it_asks_before_it_is_hidden(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        two_accounts(frame, hidden=False)
        frame.answer = False
        frame.positions.act(OTHER, "hide")
        await eventually(lambda: frame.questions, 5, "a question")
        (question,) = frame.questions
        assert ("Open positions", "1") in question.rows
        assert "stays at the venue" in question.note
        frame.tick()
        assert frame.shown == []
        frame.answer = True
        frame.positions.act(OTHER, "hide")
        await eventually(lambda: frame.shown == [(OTHER, False)], 5, "it is hidden")

    with_frame(body, LONG)


def test_an_empty_account_is_hidden_at_once_and_a_refusal_is_told(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        two_accounts(frame, hidden=False)
        frame.refusal = SettingsError("no", user_text="Connect it first.")
        frame.positions.act(OTHER, "hide")
        await eventually(lambda: frame.notices.entries, 5, "a notice")
        assert frame.questions == []
        assert "Connect it first." in frame.notices.entries[-1].text

    with_frame(body)


def test_orders_of_a_hidden_account_are_not_listed_and_left_alone(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        mine, theirs = order("a1", Side.BUY, price="64050.0"), order("a2", Side.BUY, price="64050.0")
        theirs.account = OTHER
        frame.gate.put(mine, theirs)
        frame.gate.fills.append(
            Fill("F1", mine.instrument, Side.BUY, D(1), D(1), D(0), "USD", False, "V-a2", "a2", 0)
        )
        two_accounts(frame, hidden=False)
        assert [each.key for each in frame.orders.model.rows] == ["a1", "a2"]
        assert frame.orders.fills_model.rowCount() == 1
        two_accounts(frame, hidden=True)
        assert [each.key for each in frame.orders.model.rows] == ["a1"]
        assert frame.orders.open_count == 1
        assert frame.orders.fills_model.rowCount() == 0
        plan = frame.desk.plan()
        assert len(plan.sends) == 1
        assert [why for what, why in plan.skips if "Kraken practice 5120002" in what] == [
            "this account is not shown: tick it in the Accounts tab first"
        ]
        frame.orders.cancel_all()
        await eventually(lambda: frame.gate.asked, 5, "a cancel")
        assert [each[1] for each in frame.gate.asked] == [ACCOUNT]
        frame.gate.asked.clear()
        results: list[object] = []
        frame.desk.flattened.connect(results.append)
        frame.desk.flatten()
        await eventually(lambda: results, 5, "a result")
        assert [each[1] for each in frame.gate.asked] == [ACCOUNT]

    with_frame(body)


def test_a_tick_is_pressed_with_the_mouse_and_with_space(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        two_accounts(frame, hidden=True)
        panel = AccountsPanel(frame.positions)
        panel.resize(1300, 200)
        panel.show()
        table, model = panel.table, frame.positions.accounts_model
        at = model.row_of(OTHER)
        assert at is not None
        box = table.visualRect(model.index(at, model.column_of("shown")))
        place = QPoint(box.left() + 12, box.center().y())
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        await eventually(lambda: frame.shown == [(OTHER, True)], 5, "the tick is set")
        table.setCurrentIndex(model.index(at, 2))
        QTest.keyClick(table, Qt.Key.Key_Space)
        await eventually(lambda: frame.shown == [(OTHER, True)] * 2, 5, "Space does the same")
        stays = model.row_of(ACCOUNT)
        assert stays is not None
        box = table.visualRect(model.index(stays, model.column_of("shown")))
        QTest.mouseClick(
            table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(box.left() + 12, box.center().y())
        )
        table.setCurrentIndex(model.index(stays, 2))
        QTest.keyClick(table, Qt.Key.Key_Space)
        assert frame.shown == [(OTHER, True)] * 2, "the trading account stays"
        panel.close()

    with_frame(body)


def test_an_account_that_wants_consent_is_opened_only_with_it(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        two_accounts(frame, hidden=True)
        session = frame.sessions.sessions["kraken"]
        session.mode = Mode.LIVE
        session.hidden = {OTHER: replace(ELSEWHERE, is_live=True, consent="This is real money.")}
        frame.sessions.changed.notify("kraken")
        frame.answer = False
        frame.positions.act(OTHER, SHOW.key)
        await eventually(lambda: len(frame.questions) == 1, 5, "the question")
        assert (frame.questions[0].note, frame.questions[0].badge) == ("This is real money.", "LIVE")
        await eventually(lambda: not tasks.running(), 5, "the answer is taken")
        assert frame.shown == []
        frame.answer = True
        frame.positions.act(OTHER, SHOW.key)
        await eventually(lambda: frame.shown == [(OTHER, True)], 5, "opened with consent")

    with_frame(body)


def test_where_the_venue_warns_is_read_beside_the_level_and_changed_from_the_menu(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        about = AccountInfo(
            account_id="7",
            title="House 1",
            is_live=False,
            currency="USD",
            kind=AccountKind.HEDGED,
            stop_out="The largest goes first.",
        )
        frame.portfolio.about = about
        frame.portfolio.margin = AccountFigures("USD", D(1000), D(0), D(500), (D(100), D("70.5")))
        kraken = frame.connections.infos["kraken"]
        can = replace(kraken.capabilities, margin_calls=True)
        frame.connections.infos["kraken"] = replace(kraken, capabilities=can)
        frame.sessions.changed.notify("kraken")
        frame.positions.refresh()
        frame.tick()
        model = frame.positions.accounts_model
        tip = model.index(0, model.column_of("level")).data(Qt.ItemDataRole.ToolTipRole)
        assert tip.replace("\u202f", "").splitlines() == [
            "Margin calls at 100%, 70.5%.", "The largest goes first.", "Other levels: right-click.",
        ]  # fmt: skip
        actions = model.index(0, model.column_of("actions")).data(ACTIONS_ROLE)
        assert [(each.text, each.in_row) for each in actions] == [
            ("History", True), ("Margin call levels…", False),
        ]  # fmt: skip
        wanted: list[str] = []
        frame.positions.margin_calls_wanted.connect(wanted.append)
        frame.positions.act(ACCOUNT, "margin_calls")
        assert wanted == [ACCOUNT]

    with_frame(body)


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
        assert any("0.05 lots in EUR/USD" in text for text in frame.desk.plan().sends)
        frame.gate.closed[ACCOUNT] = "Orders are being compared."
        assert any("0.05 lots in EUR/USD" in what for what, _ in frame.desk.plan().skips)
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


def test_how_many_accounts_are_counted_stands_beside_the_total(qapp: QApplication) -> None:
    async def body(frame: Frame) -> None:
        blotter = Blotter(frame.orders, frame.account, frame.positions, frame.log)
        two_accounts(frame, hidden=False)
        frame.account.refresh()
        frame.tick()
        said = "1 account open, 1 not shown"
        assert said not in blotter.balances.tools.text() + frame.status.balance + frame.desk.day_tip
        two_accounts(frame, hidden=True)
        frame.account.refresh()
        frame.tick()
        for text in (blotter.balances.tools.text(), frame.status.balance, frame.desk.day_tip):
            assert said in text
        assert "deposits and withdrawals are no result" in frame.desk.day_tip
        blotter.deleteLater()

    with_frame(body)
