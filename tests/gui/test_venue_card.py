"""The price on a venue's card is that of the market which the linked panels show."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from terminal.domain.instrument import InstrumentId
from terminal.services.market_data import Topic
from terminal.viewmodels.connection import ConnectionViewModel
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.selection import Selection
from tests.gui.frame_fakes import BTC, ETH, KRAKEN, D, FakeConnections, FakeMarket, FakeSessions
from tests.trading_fakes import Desk


def test_the_card_shows_the_linked_market_and_asks_for_no_other(qtbot: QtBot) -> None:
    desk, market, selection = Desk(), FakeMarket(), Selection(BTC)
    market.quotes[ETH] = market.quotes[BTC]._replace(instrument=ETH, bid=D("3831.10"), ask=D("3831.20"))
    vm = ConnectionViewModel(
        FakeSessions(), market, (KRAKEN,), FakeConnections(), NoticesViewModel(desk.clock), desk.frames,
        headlines={"kraken": "BTC/USD"},
    )  # fmt: skip
    vm.follow(selection)

    def shown() -> tuple[str, str]:
        (card,) = vm.cards
        return card.symbol, card.bid.replace("\u202f", "")

    assert shown() == ("BTC/USD", "64120.1")
    selection.select(ETH)
    desk.frames.tick()
    assert shown()[0] == "ETH/USD"
    assert shown()[1].startswith("3831.1")
    assert [feed.symbol for feed in market.watched] == ["ETH/USD"]
    market.quotes[ETH] = market.quotes[ETH]._replace(bid=D("3832.00"))
    market.changed.notify(ETH, Topic.QUOTE)
    desk.frames.tick()
    assert shown()[1].startswith("3832.0")
    selection.select(InstrumentId("elsewhere", "BTC-USDT"))
    desk.frames.tick()
    assert shown()[0] == "ETH/USD", "another venue's market is not shown on this card"
    selection.select(None)
    desk.frames.tick()
    assert shown()[0] == "ETH/USD"
