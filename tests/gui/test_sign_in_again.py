"""A venue that does not take its sign-in any more, as card, notice and form tell it; and an interface that
its venue does not publish, told wherever it is offered."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.core import tasks
from terminal.services.notices import Level, Notice, NoticeAction
from terminal.services.session import Mode, SessionState
from terminal.venues.quotex import VENUE
from terminal.viewmodels.venue_card import Shape
from terminal.widgets.connect_dialog import ConnectDialog
from terminal.widgets.search import HitModel, SearchDialog
from terminal.widgets.venue_strip import Detail, VenueStrip
from tests.gui.chart_fakes import WatchDesk
from tests.gui.frame_fakes import KRAKEN, FakeSession, Frame
from tests.helpers import eventually, run

REFUSED = "Quotex does not take this sign-in any more."


@pytest.fixture
def frame(qtbot: QtBot, qapp: QApplication) -> Frame:
    made = Frame()
    made.sessions.sessions["quotex"] = FakeSession("quotex", Mode.PRACTICE, "quotex:practice")
    made.connections.show_venues((KRAKEN, VENUE), ())
    return made


def refuse(frame: Frame) -> None:
    session = frame.sessions.sessions["quotex"]
    session.state, session.reason, session.needs_sign_in = SessionState.FAILED, REFUSED, REFUSED
    frame.sessions.changed.notify("quotex")
    frame.tick()


def entries(strip: VenueStrip) -> list[str]:
    return [action.text() for action in strip.menu_for("quotex").actions() if action.text()]


def test_the_card_says_that_a_sign_in_is_due_and_offers_it_first(frame: Frame) -> None:
    strip = VenueStrip(frame.connections)
    wanted: list[str] = []
    strip.sign_in_wanted.connect(wanted.append)
    assert "Sign in to the practice site…" in entries(strip)
    refuse(frame)
    card = frame.connections.card("quotex")
    assert card is not None
    assert (card.word, card.shape) == ("sign in again", Shape.OFF)
    assert strip._cards["quotex"].state.text() == "sign in again"
    assert REFUSED in strip._cards["quotex"].toolTip()
    first, *others = entries(strip)
    assert first == "Sign in again…"
    assert "Sign in to the practice site…" not in others
    strip.menu_for("quotex").actions()[0].trigger()
    assert wanted == ["quotex"]


def test_the_form_opens_where_the_venue_is_connected(frame: Frame, tmp_path: Path) -> None:
    frame.connecting.troubles = {Mode.PRACTICE: REFUSED}
    frame.connecting.known = {Mode.PRACTICE: {"email": "other@practice.example"}}

    async def main() -> None:
        window = frame.window(tmp_path / "layouts")
        try:
            window.show()
            refuse(frame)
            window.open_sign_in("quotex")
            dialog = window.findChild(ConnectDialog)
            assert dialog is not None
            assert dialog.card is not None
            assert dialog.mode is Mode.PRACTICE
            email = dialog.card.fields["email"].edit
            await eventually(lambda: email.text() == "other@practice.example", 5, "the e-mail")
            assert dialog.kept.text() == f"{REFUSED} Sign in again."
            dialog.reject()
            await eventually(lambda: not tasks.running(), 5, "the look at what is kept")
        finally:
            frame.store.close()
            frame.frames.stop()
            window.close_for_good()
            window.deleteLater()

    run(main())


def test_card_and_form_say_from_the_first_refusal_on_that_the_sign_in_is_doubted(
    frame: Frame, tmp_path: Path
) -> None:
    async def main() -> None:
        frame.connecting.kept = True
        window = frame.window(tmp_path / "layouts")
        try:
            window.show()
            window.open_sign_in("quotex")
            dialog = window.findChild(ConnectDialog)
            assert dialog is not None
            await eventually(lambda: dialog.kept.text().startswith("Signed in to"), 5, "the sign-in")
            session = frame.sessions.sessions["quotex"]
            session.state, session.is_sign_in_doubted = SessionState.RECONNECTING, True
            frame.connecting.troubles = {Mode.PRACTICE: "Quotex has refused this sign-in."}
            frame.sessions.changed.notify("quotex")
            frame.tick()
            card = frame.connections.card("quotex")
            assert card is not None
            assert card.word == "checking the sign-in"
            assert dialog.kept.text() == "Quotex has refused this sign-in. Sign in again."
            session.state, session.is_sign_in_doubted = SessionState.LIVE, False
            frame.connecting.troubles = {}
            frame.sessions.changed.notify("quotex")
            frame.tick()
            assert dialog.kept.text().startswith("Signed in to")
            card = frame.connections.card("quotex")
            assert card is not None
            assert card.word == "live"
            dialog.reject()
            await eventually(lambda: not tasks.running(), 5, "the look at what is kept")
        finally:
            frame.store.close()
            frame.frames.stop()
            window.close_for_good()
            window.deleteLater()

    run(main())


def test_the_notice_has_a_button_until_somebody_has_signed_in(frame: Frame) -> None:
    wanted: list[tuple[NoticeAction, str]] = []
    frame.notices.action_wanted.connect(lambda action, venue: wanted.append((action, venue)))
    for venue in ("quotex", "ctrader"):
        told = Notice(Level.WARNING, f"{venue} is refused.", action=NoticeAction.SIGN_IN, venue=venue)
        entry = frame.notices.post(told)
        frame.notices.act(entry)
    assert wanted == [(NoticeAction.SIGN_IN, "quotex"), (NoticeAction.SIGN_IN, "ctrader")]
    frame.notices.withdraw(NoticeAction.SIGN_IN, "quotex")
    assert [entry.venue for entry in frame.notices.entries] == ["ctrader"]


def test_card_and_search_say_that_an_interface_is_unofficial(frame: Frame, qtbot: QtBot) -> None:
    strip = VenueStrip(frame.connections)
    qtbot.addWidget(strip)
    strip.show()
    card = strip._cards["quotex"]
    for detail, words in (
        (Detail.FULL, "unofficial interface"),
        (Detail.PRICES, "unofficial"),
        (Detail.BARE, "unofficial"),
    ):
        card.show_detail(detail)
        shown = [part.text() for part in (card.mode, card.short) if not part.isHidden()]
        assert shown == [words]
    assert "unofficial interface" in card.toolTip()
    kraken = strip._cards["kraken"]
    assert kraken.mode.isHidden()
    assert kraken.short.isHidden()
    desk = WatchDesk()
    vm = desk.open(desk.fill_lifelike(), unofficial=("okx",))
    model = HitModel(vm)
    model.hits = vm.search("BTC")
    role = Qt.ItemDataRole.AccessibleTextRole
    told = {model.hits[at].id.venue: str(model.data(model.index(at), role)) for at in range(len(model.hits))}
    assert "on OKX, unofficial interface" in told["okx"]
    assert "unofficial" not in told["kraken"]
    dialog = SearchDialog(vm)
    qtbot.addWidget(dialog)
    dialog.open("btc")
    assert dialog._warning.text() == "▲ unofficial interface", "once for all rows"
    dialog.open("eth")
    assert dialog._warning.isHidden()
    desk.frames.stop()
