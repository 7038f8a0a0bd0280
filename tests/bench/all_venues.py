"""Sixteen books over three venues at 8,000 messages a second, contracts on a fourth: frame rate and lag.

``python3 -m tests bench all_venues [--messages N] [--stretches N] [--seconds N] [--profile FILE]``

The composed terminal shows its workspace, and beside it a window of ladders, so that each of the sixteen
books has a ladder of its own in sight. Kraken, OKX, cTrader and Quotex are one process of practice venues
over real sockets. Quotex has no books and sets its own pace: up to twelve of its assets are watched, and
contracts run, which the screen counts down. Calm and lively stretches take turns in one run, and every tick
of the frame clock counts as a frame, so that what else the machine has to do falls on both alike.
"""

from __future__ import annotations

import argparse
import cProfile
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from PySide6.QtWidgets import QGridLayout, QWidget

from terminal.app.screen import Screen
from terminal.domain.contracts import ContractTerms, ExpiryMode
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import OrderRequest, OrderType
from terminal.services.market_data import FeedState
from terminal.viewmodels.book import LadderViewModel
from terminal.viewmodels.selection import ALONE, LinkedSizes
from terminal.widgets.book import LadderPanel
from tests.bench.ctrader_load import Stretch, Watch, print_stretches
from tests.bench.desk import Desk, Knocks, in_own_process, pause, run_under_qt, unstarted
from tests.helpers import eventually

BOOKS = {
    "kraken": ("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "ADA/USD", "DOGE/USD"),
    "okx": ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BTC/USDT-PERP", "ETH/USDT-PERP"),
    "ctrader": ("EUR/USD", "GBP/USD", "EUR/JPY", "USD/JPY", "AUD/USD"),
}
INSTRUMENTS = [InstrumentId(venue, symbol) for venue, symbols in BOOKS.items() for symbol in symbols]
CONTRACTS = "quotex"
ASSETS = 12
RUNNING = 4
STAKE = Decimal(5)
LENGTH_S = 3600
MESSAGES_A_SECOND = 8_000
SETTLE_S = 1.5
KNOCK_EVERY_S = (0.001, 0.003)
COLUMNS = 8


def main(options: Sequence[str] = ()) -> None:
    in_own_process("tests.bench.all_venues", options)


def open_ladders(screen: Screen, desk: Desk) -> QWidget:
    """A window with a ladder for each book but the first, which the workspace shows."""
    window = QWidget()
    grid = QGridLayout(window)
    grid.setContentsMargins(0, 0, 0, 0)
    terminal = desk.terminal
    for number, instrument in enumerate(INSTRUMENTS[1:]):
        link = screen.links.panel()
        link.join(ALONE)
        link.select(instrument)
        ladder = LadderViewModel(
            terminal.market,
            terminal.sessions,
            terminal.gate,
            terminal.portfolio,
            link,
            LinkedSizes(screen.ticket, link),
            screen.frames,
            terminal.clock,
            parent=screen,
        )
        grid.addWidget(LadderPanel(ladder), *divmod(number, COLUMNS))
    window.resize(1920, 1080)
    window.show()
    return window


def wires_of(desk: Desk) -> list[Any]:
    """What reads the sockets of the feeds."""
    sessions = desk.terminal.sessions.sessions
    connectors: dict[str, Any] = {venue: sessions[venue].connector for venue in (*BOOKS, CONTRACTS)}
    clients = connectors["ctrader"]._clients.values()
    return [
        connectors["kraken"]._public.link,
        connectors["okx"]._public.link,
        *(client.link._wire for client in clients),
        connectors[CONTRACTS]._stream.link,
    ]


def assets(desk: Desk) -> list[InstrumentId]:
    """The first of the fourth venue's assets that have prices of its own, which never close."""
    listed = desk.terminal.market.instruments(CONTRACTS)
    offered = [each for each in listed if each.offer is not None and LENGTH_S in each.offer.timed_s]
    return [each.id for each in offered[:ASSETS]]


async def take_contracts(desk: Desk, symbols: Sequence[InstrumentId]) -> None:
    """Contracts that run longer than the bench does."""
    terminal = desk.terminal
    account = terminal.sessions.sessions[CONTRACTS].account
    market = terminal.market
    await eventually(lambda: terminal.gate.ready(account), 30, "the account")
    await eventually(lambda: all(market.quote(each) for each in symbols), 30, "a price of each asset")
    for number, each in enumerate(symbols[:RUNNING]):
        instrument = market.instrument(each)
        assert instrument is not None
        assert instrument.offer is not None
        terms = ContractTerms(ExpiryMode.TIMED, LENGTH_S, instrument.offer.payout(LENGTH_S))
        side = Side.SELL if number % 2 else Side.BUY
        request = OrderRequest(each, side, OrderType.CONTRACT, STAKE, contract=terms)
        asked = frozenset(each.token for each in terminal.gate.check(account, request).warnings)
        await terminal.gate.submit(account, request, confirmed=asked | {"arm"})
    await eventually(lambda: len(terminal.portfolio.positions(account)) == RUNNING, 30, "running contracts")


def not_live(desk: Desk) -> list[InstrumentId]:
    state = desk.terminal.market.book_state
    return [each for each in INSTRUMENTS if state(each) is not FeedState.LIVE]


async def measure(*, messages: int, stretches: int, seconds: float, profile: str | None) -> None:
    first, *others = BOOKS
    async with unstarted(window=True, venue=first, beside=(*others, CONTRACTS)) as desk:
        screen, terminal = desk.screen, desk.terminal
        assert screen is not None
        await terminal.start()
        screen.selection.select(INSTRUMENTS[0])
        ladders = open_ladders(screen, desk)
        await eventually(lambda: not not_live(desk), 60, "every book live")
        await eventually(lambda: bool(assets(desk)), 30, "assets")
        symbols = assets(desk)
        for each in symbols:
            terminal.market.watch(Feed(FeedKind.QUOTES, each.symbol), CONTRACTS)
        await take_contracts(desk, symbols)
        faces = [Desk(terminal, desk.frames, screen, venue) for venue in BOOKS]
        watch = Watch(desk, wires_of(desk))
        calm: list[Stretch] = []
        lively: list[Stretch] = []
        profiler = cProfile.Profile()
        with Knocks(watch.on_knock).every(*KNOCK_EVERY_S):
            rate = await _find_rate(faces, watch, messages)
            for _ in range(stretches):
                for found, liveliness in ((calm, 1.0), (lively, rate)):
                    await _set_rate(faces, liveliness)
                    await pause(SETTLE_S)
                    if profile and found is lively:
                        profiler.enable()
                    found.append(await watch.stretch(seconds))
                    profiler.disable()
        if profile:
            profiler.dump_stats(profile)
        print(f"  {len(INSTRUMENTS)} books with a ladder each beside the workspace, aim {messages} a second")
        print(f"  {len(symbols)} assets of contracts, {RUNNING} running")
        print(f"  {stretches} x {seconds:.0f} s of each, practice rate {rate:.0f}")
        print_stretches(calm, lively)
        healths = [session.connector.health() for session in terminal.sessions.sessions.values()]
        faults, reconnects = sum(each.faults for each in healths), sum(each.reconnects for each in healths)
        print(
            f"    losses             {terminal.market.resyncs} resyncs, {faults} faults, "
            f"{reconnects} reconnects, {len(not_live(desk))} books not live"
        )
        ladders.close()


async def _set_rate(faces: Sequence[Desk], rate: float) -> None:
    for face in faces:
        values: dict[str, float] = {"rate": rate}
        if face.venue != "ctrader":
            values["book_batch_ms"] = 0
        await face.control("rate", **values)


async def _find_rate(faces: Sequence[Desk], watch: Watch, messages: int) -> float:
    """The practice markets' liveliness at which so many messages come in a second."""
    rate = 20.0
    for _ in range(6):
        await _set_rate(faces, rate)
        await pause(SETTLE_S)
        share = (await watch.stretch(2.0)).events_a_second / messages
        if 1.0 <= share < 1.1:
            break
        rate = min(1000.0, rate * 1.05 / max(share, 0.1))
    return rate


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES_A_SECOND, help="a second, in all")
    parser.add_argument("--stretches", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--profile", metavar="FILE", help="write a cProfile of the lively stretches")
    words = parser.parse_args()
    run_under_qt(
        lambda: measure(
            messages=words.messages,
            stretches=words.stretches,
            seconds=words.seconds,
            profile=words.profile,
        )
    )
