"""The second venue by mouse and keyboard, as somebody uses it who has just installed the terminal: prices of
both venues, a position from the ticket to its end, signing out and in, and accounts of one's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication

from terminal.app import screen
from terminal.app.sign_in import has_browser
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.services.session import Mode
from terminal.viewmodels.chart import ChartState
from terminal.viewmodels.chart_positions import LegKind, PositionLine
from terminal.viewmodels.position_rows import SERVER
from terminal.widgets import blotter as tabs
from terminal.widgets.chart_position_items import Part
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.login_dialog import LoginDialog
from tests.e2e.ctrader_desk import (
    ACCOUNT,
    BothVenues,
    Fx,
    at_loopback,
    hand_at_the_page,
    paste_into,
    run_fx,
)
from tests.e2e.screen_harness import opened, plain
from tests.practice_ctrader import walk

D = Decimal
BOTH = ("kraken", "ctrader")
WORDS = "correct horse battery"
"""The passphrase: a throw-away profile leaves nothing in the system's keychain."""


@pytest.fixture(scope="module")
def running_venues() -> Iterator[BothVenues]:
    venues = BothVenues()
    venues.start()
    yield venues
    venues.stop()


@pytest.fixture
def venues(running_venues: BothVenues, qapp: QApplication) -> BothVenues:
    running_venues.begin_anew()
    return running_venues


# -- a position -------------------------------------------------------------------------------------------


def test_a_position_from_the_ticket_through_a_restart_to_its_end(venues: BothVenues, tmp_path: Path) -> None:
    kept: list[Decimal] = []

    async def first(fx: Fx) -> None:
        desk = fx.desk
        await until_prices_of_both_move(fx)
        assert desk.window.top_bar.badge.text() == "PRACTICE"
        await fx.choose_market()
        await fx.until(lambda: has_history(fx), "the past of EUR/USD")
        await desk.frame()
        side, pips = side_with_room(fx)
        await fx.fill_ticket("0.2", stop=f"{pips} pips", target=f"{pips} pips")
        assert "= 20 000 EUR" in desk.words(desk.ticket)
        await desk.press_side(side)
        await fx.until(desk.card().isVisible, "the question")
        require_the_question_names_it_all(fx, side)
        assert not fx.orders, "nothing is sent before the yes"
        await desk.confirm()
        await fx.until(lambda: [o.state for o in fx.orders] == [OrderState.FILLED], "a filled order")
        await fx.until_said(f"✓ Filled: {side.value} 0.2 lots at")
        await fx.until(lambda: fx.rows() and not fx.rows()[0].position.protection.is_empty, "the position")

        await desk.show_tab(tabs.POSITIONS)
        assert desk.blotter.tabs.tabText(tabs.POSITIONS) == "Positions 1"
        (row,) = fx.rows()
        entry, protection = row.position.average_price, row.position.protection
        distance = D(pips) * D("0.0001") * side.sign
        assert (row.size_text, row.position.side) == ("0.2 lots", side)
        target = protection.take_profit
        assert protection.stop_loss is not None
        assert target is not None
        # Filled at two prices, the opening price need not lie on a point.
        assert abs(protection.stop_loss - (entry - distance)) < D("0.00001")
        assert abs(target - (entry + distance)) < D("0.00001")
        assert row.pips_text.endswith("pips")
        assert "USD" in row.profit_text

        moved = await drag_the_stop(fx)
        await fx.until(
            lambda: fx.rows()[0].position.protection.stop_loss == moved, "the row with its new stop"
        )
        (row,) = fx.rows()
        assert row.position.protection.take_profit == target, "the target stays"

        await fx.press_on_position("half", "Close 0.1 lots of the")
        await fx.until(lambda: [each.size_text for each in fx.rows()] == ["0.1 lots"], "half of it")
        assert fx.rows()[0].position.protection.stop_loss == moved
        await fx.require_same_as_venue()
        kept.append(moved)

    async def second(fx: Fx) -> None:
        await fx.until(lambda: fx.card.word == "live", "a venue that is still signed in")
        await fx.choose_market()
        await fx.until(fx.rows, "the position")
        (row,) = fx.rows()
        assert (row.size_text, row.position.protection.stop_loss) == ("0.1 lots", kept[0])
        await fx.until(lambda: fx.lines(), "its line on the chart")
        await fx.require_same_as_venue()
        await fx.press_on_position("close", "Close the")
        await fx.until(lambda: not fx.positions(), "no position")
        await fx.until(lambda: not fx.rows() and not fx.lines(), "an empty tab and chart")
        await fx.until(lambda: fx.figures.used_margin == 0, "no margin")
        await fx.require_same_as_venue()
        await fx.desk.show_tab(tabs.ACCOUNTS)
        shown = [plain(text) for text in account_row(fx)]
        assert f"{fx.figures.balance}USD" in shown, (fx.figures, shown)
        assert fx.figures.balance != D(10_000)

    run_fx(venues, tmp_path, first, on_desk=BOTH)
    run_fx(venues, tmp_path, second, on_desk=BOTH)


async def until_prices_of_both_move(fx: Fx) -> None:
    """A first start shows prices of both venues, and nobody was asked for anything."""
    cards = fx.desk.window.strip._cards

    def seen() -> dict[str, tuple[str, str]]:
        return {venue: (card.bid.text(), card.ask.text()) for venue, card in cards.items()}

    await fx.until(lambda: all("–" not in price for both in seen().values() for price in both), "prices")
    before = seen()
    await fx.until(lambda: all(seen()[venue] != before[venue] for venue in BOTH), "prices that move")
    strip = fx.desk.screen.connections
    await fx.until(
        lambda: [(card.word, card.badge) for card in strip.cards] == [("live", "PRACTICE")] * 2, "both"
    )


def has_history(fx: Fx) -> bool:
    chart = fx.desk.screen.chart
    return chart.state is ChartState.LIVE and chart.bars.count > 100


def side_with_room(fx: Fx) -> tuple[Side, int]:
    """The side whose stop has more room on the chart as it stands, and a third of that room in pips."""
    chart = fx.desk.chart.view
    plot = chart.geometry_of_plot.plot
    top, bottom = chart._picture.price_under(plot.topLeft()), chart._picture.price_under(plot.bottomLeft())
    last = fx.desk.screen.chart.last_price
    assert top is not None
    assert bottom is not None
    assert last is not None
    below, above = D(str(last)) - bottom, top - D(str(last))
    side, room = (Side.BUY, below) if below > above else (Side.SELL, above)
    return side, max(5, int(room / 3 / D("0.0001")))


def require_the_question_names_it_all(fx: Fx, side: Side) -> None:
    words = fx.desk.words(fx.desk.card())
    assert f"{side.value.capitalize()} 0.2 lots EUR/USD" in words, words
    for text in ("PRACTICE", "Stop loss", "Take profit", "pips"):
        assert text in words, words


async def drag_the_stop(fx: Fx) -> Decimal:
    """Take the stop's line by its tab on the chart and put it 40 pixels further away; where it is then."""
    desk, view = fx.desk, fx.desk.chart.view
    await desk.frame()
    (line,) = fx.lines()
    leg = line.leg(LegKind.STOP)
    assert leg is not None
    assert leg.badge == SERVER
    place = place_of(fx, line)
    further = 40 if line.side is Side.BUY else -40
    end = QPoint(place.x(), place.y() + further)
    await fx.hand.drag(view, place, end)
    positions = desk.screen.chart.positions
    assert positions is not None
    ghost = positions.ghost
    assert ghost is not None
    assert ghost.problem == ""
    assert "pips" in ghost.text
    assert "USD" in ghost.text
    assert fx.positions()[0].protection.stop_loss == leg.price, "nothing is sent before the drop"
    await fx.hand.release(view, end)
    dialog = await opened(desk, ConfirmDialog)
    assert "Stop loss" in desk.words(dialog)
    await fx.hand.click(dialog.confirm)
    await fx.until(lambda: fx.positions()[0].protection.stop_loss == ghost.price, "the stop where it was put")
    return ghost.price


def place_of(fx: Fx, line: PositionLine) -> QPoint:
    """Where the stop's tab can be grasped: what is drawn last is in front, the cross stands at its right."""
    hits = fx.desk.chart.view._picture._positions._hits
    boxes = [box for hit, box in hits if hit.part is Part.LEG and hit.kind is LegKind.STOP]
    assert boxes, hits
    return QPoint(boxes[-1].left() + 12, boxes[-1].center().y())


def account_row(fx: Fx) -> list[str]:
    model = fx.desk.screen.positions.accounts_model
    row = model.row_of(ACCOUNT)
    assert row is not None
    return [str(model.index(row, at).data() or "") for at in range(model.columnCount())]


# -- signing out and in -----------------------------------------------------------------------------------


@pytest.mark.skipif(not has_browser(), reason="the page engine is not installed")
def test_signing_out_and_in_on_the_practice_page_and_again_after_it_was_revoked(
    venues: BothVenues, tmp_path: Path
) -> None:
    async def body(fx: Fx) -> None:
        desk = fx.desk
        await fx.choose_market()
        position = await fx.buy()

        dialog = await fx.open_login()
        await fx.until(lambda: "Signed in" in dialog.state.text(), "the state of things")
        await fx.hand.click(dialog.sign_out)
        await fx.until(lambda: "Not signed in" in dialog.state.text(), "signed out")
        await fx.until(lambda: fx.card.word == "off", "a venue that is off")
        await desk.frame()
        assert not fx.is_trading()
        await fx.until(lambda: not fx.lines() and not fx.rows(), "nothing of the account")
        await fx.until(lambda: "The connection is closed." in desk.words(desk.ticket), "why")
        assert not any(button.isEnabled() for button in desk.ticket._buttons.values())

        await fx.hand.click(dialog.sign_in)
        assert await fx.until_answered(dialog) == ""
        await fx.until(lambda: desk.dialog(LoginDialog) is None, "a form that closes by itself")
        await fx.until_trading()
        await fx.until(lambda: [each.position_id for each in fx.positions()] == [position.position_id], "it")

        await venues.strike("revoke_token")
        sentence = "The sign-in to cTrader is not valid any more: sign in again."
        await fx.until(lambda: fx.card.word == "sign in again", "the end of the sign-in")
        await fx.until(lambda: sentence in desk.words(desk.ticket), "why nothing can be sent")
        assert sentence in fx.tip()
        assert [text for text in desk.notices() if sentence in text] == [f"cTrader: {sentence}"], "once"
        assert not any(button.isEnabled() for button in desk.ticket._buttons.values())

        dialog = await fx.open_login()
        await fx.until(lambda: dialog.state.text() == sentence, "why, where the way back is")
        await fx.hand.click(dialog.sign_in)
        assert await fx.until_answered(dialog) == ""
        await fx.until_trading()
        await fx.press_on_position("close", "Close the")
        await fx.until(lambda: not fx.positions(), "no position")
        await fx.require_same_as_venue()

    run_fx(venues, tmp_path, body, sign_in_window=hand_at_the_page("sign-in", "allow"))


def test_own_accounts_through_the_own_browser_are_kept_behind_a_passphrase(
    venues: BothVenues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The own browser is a plain HTTP client here: it walks the pages, and comes back to the listener."""
    entry = venues.second
    thanks: list[str] = []

    def browse(url: str) -> bool:
        def go() -> None:
            thanks.append(httpx.get(walk(url, entry["ca"])).text)

        browser = threading.Thread(target=go, name="browser")
        browser.start()
        browsers.append(browser)
        return True

    browsers: list[threading.Thread] = []
    monkeypatch.setattr(screen, "_open_url", browse)

    async def first(fx: Fx) -> None:
        dialog = await fx.open_login()
        await fx.hand.click(dialog.choices[Mode.LIVE])
        await fx.until(lambda: dialog._vm.status.needs_passphrase, "a question for the passphrase")
        await fx.until(lambda: entry["redirect"] in dialog.redirect.text(), "what to enter at cTrader")
        await paste_into(fx, dialog, client_id=entry["client_id"], client_secret=entry["client_secret"])
        await paste_into(fx, dialog, passphrase=WORDS)
        await fx.hand.click(dialog.system)
        assert await fx.until_answered(dialog) == ""
        await fx.until(lambda: fx.card.word == "live", "own accounts")
        assert fx.session.mode is Mode.LIVE
        assert "You can close this page." in thanks[0]
        await fx.until(lambda: fx.desk.window.top_bar.badge.text().startswith("DEMO "), "a demo account")

    async def second(fx: Fx) -> None:
        desk = fx.desk
        await fx.until(lambda: any("Enter the passphrase" in text for text in desk.notices()), "locked")
        dialog = await fx.open_login()
        await fx.hand.click(dialog.choices[Mode.LIVE])
        await fx.until(dialog.connect_kept.isVisible, "the way to what is kept")
        await paste_into(fx, dialog, passphrase="not this one")
        await fx.hand.click(dialog.connect_kept)
        assert await fx.until_answered(dialog) == "That passphrase does not open the vault."
        await paste_into(fx, dialog, passphrase=WORDS)
        await fx.hand.click(dialog.connect_kept)
        assert await fx.until_answered(dialog) == ""
        await fx.until(lambda: fx.card.word == "live" and fx.session.mode is Mode.LIVE, "own accounts")
        assert len(thanks) == 1, "no page was opened"

    run_fx(venues, tmp_path, first, prepare=lambda terminal: at_loopback(venues, terminal))
    for browser in browsers:
        browser.join(10)
    run_fx(venues, tmp_path, second)
    secrets = [entry["client_secret"].encode(), WORDS.encode()]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert not [one for one in secrets if one in file.read_bytes()], f"a secret is in {file}"
