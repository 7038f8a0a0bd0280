"""From a click to its order's bytes on the wire, with the journal's commit between: p50, p99, shares.

A click comes from another process, as it does from the window system, at a random moment of the event loop:
its wait for the loop counts. It goes the way of a one-click surface: the gate's checks, the journal on a real
disk, the connector, the socket. Meanwhile eight books stream.
"""

from __future__ import annotations

import argparse
import itertools
import re
import time
from collections.abc import Sequence
from contextvars import ContextVar
from decimal import Decimal

from terminal.core import tasks
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderState, OrderType, Origin, TimeInForce
from terminal.services.arming import ArmState
from terminal.services.journal_codec import OrderRow
from tests.bench.desk import BOOKS, VENUE, Desk, Knocks, desk, in_own_process, percentile, run_under_qt
from tests.helpers import eventually

CLICKS = 320
LIVELY = 10.0
_CLIENT_ID = re.compile(r'"cl_ord_id"\s*:\s*"([^"]+)"')

_CLICKED_NS: ContextVar[int] = ContextVar("clicked_ns")


def main(options: Sequence[str] = ()) -> None:
    in_own_process("tests.bench.clicks", options)


class Clicks:
    """Turns each knock into an order and follows it to the socket."""

    def __init__(self, bench: Desk) -> None:
        self._bench = bench
        self._gate = bench.terminal.gate
        self._account = bench.terminal.sessions.sessions[VENUE].account
        self._symbols = itertools.cycle(BOOKS)
        self._clicked_ns: dict[str, int] = {}
        self.started = 0
        self.states: list[OrderState] = []
        self.waited_ms: list[float] = []
        self.journal_ms: list[float] = []
        self.whole_ms: list[float] = []
        self.failures: list[str] = []
        self._hook()

    def _hook(self) -> None:
        link = self._bench.connector._private.link
        send = link.send_now

        def sending(text: str) -> None:
            send(text)
            done_ns = time.perf_counter_ns()
            found = _CLIENT_ID.search(text)
            clicked_ns = self._clicked_ns.pop(found.group(1), None) if found else None
            if clicked_ns is not None:
                self.whole_ms.append((done_ns - clicked_ns) / 1e6)

        link.send_now = sending
        journal = self._bench.terminal.journal
        record = journal.record_intent

        async def recording(row: OrderRow) -> None:
            begun_ns = time.perf_counter_ns()
            await record(row)
            self.journal_ms.append((time.perf_counter_ns() - begun_ns) / 1e6)
            # The first moment at which the order's own id is known here.
            self._clicked_ns[row.client_order_id] = _CLICKED_NS.get()

        journal.record_intent = recording  # type: ignore[method-assign]

    def on_knock(self, knocked_ns: int) -> None:
        """A click has come in."""
        if self.started >= CLICKS:
            return
        self.started += 1
        self.waited_ms.append((time.perf_counter_ns() - knocked_ns) / 1e6)
        tasks.spawn(self._click(knocked_ns), name="click")

    async def _click(self, knocked_ns: int) -> None:
        _CLICKED_NS.set(knocked_ns)
        try:
            order = await self._gate.submit(self._account, self._request())
        except Exception as error:  # noqa: BLE001 - every failure is a figure of the bench
            self.failures.append(f"{type(error).__name__}: {error}")
        else:
            self.states.append(order.state)

    def _request(self) -> OrderRequest:
        """A buy a little below the market that rests nowhere: immediate or cancel."""
        instrument = InstrumentId(VENUE, next(self._symbols))
        known = self._bench.terminal.market.instrument(instrument)
        book = self._bench.terminal.market.book(instrument)
        assert known is not None
        assert book is not None
        assert book.best_bid is not None
        price = book.best_bid.price * Decimal("0.995")
        price = (price / known.tick_size).to_integral_value() * known.tick_size
        # No two alike, so that none asks whether it is the same order twice.
        quantity = known.min_quantity * 2 + known.quantity_step * self.started
        return OrderRequest(
            instrument=instrument,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            quantity=quantity,
            limit_price=price,
            time_in_force=TimeInForce.IOC,
            origin=Origin.LADDER,
        )


async def measure(*, window: bool) -> None:
    async with desk(window=window) as bench:
        bench.terminal.settings.set("risk.orders_per_minute.step", "off")
        bench.terminal.arming.set(ArmState.ONE_CLICK)
        await bench.control("rate", rate=LIVELY)
        clicks = Clicks(bench)
        with Knocks(clicks.on_knock).every(0.02, 0.08):
            await eventually(lambda: clicks.started >= CLICKS, 90, "every click")
        await eventually(lambda: len(clicks.states) + len(clicks.failures) >= CLICKS, 30, "every answer")
        assert not clicks.failures, clicks.failures[:3]
        assert len(clicks.whole_ms) == CLICKS, len(clicks.whole_ms)
        _print(clicks, window)


def _print(clicks: Clicks, window: bool) -> None:
    where = "the workspace shown" if window else "no window"
    print(f"  {CLICKS} clicks while {len(BOOKS)} books stream, {where}")
    for title, figures in (
        ("click to bytes", clicks.whole_ms),
        ("of it: waiting", clicks.waited_ms),
        ("of it: journal", clicks.journal_ms),
    ):
        bar = " (bar 10)" if figures is clicks.whole_ms else ""
        print(
            f"    {title:<17} p50 {percentile(figures, 0.5):5.2f} ms, p99 {percentile(figures, 0.99):5.2f} ms"
            f"{bar}, worst {max(figures):.1f} ms"
        )
    share = sum(clicks.journal_ms) / sum(clicks.whole_ms)
    print(f"    the journal has {share:.0%} of all the time")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-window", action="store_true")
    words = parser.parse_args()
    run_under_qt(lambda: measure(window=not words.no_window))
