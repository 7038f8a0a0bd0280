"""The loss limit of a day at a practice venue: refusal in the ticket, closing, restart."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from PySide6.QtWidgets import QApplication

from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType
from terminal.services.loss_lock import Stage
from tests.e2e.rig import ACCOUNT, BTC, rig
from tests.e2e.screen_harness import Desk, run_screen
from tests.helpers import run
from tests.practice import Practice

D = Decimal
SAID = "Your loss limit for today is 20 USD and today's practice result is −"


async def send(desk: Desk, side: Side) -> Order:
    """A market order of 0.07 BTC, of which the fee alone is more than the limit."""
    request = OrderRequest(BTC, side, OrderType.MARKET, D("0.07"))
    gate = desk.terminal.gate
    tokens = gate.check(ACCOUNT, request).tokens
    order = await gate.submit(ACCOUNT, request, confirmed=tokens | {"arm"})
    await desk.until(lambda: order.state is OrderState.FILLED, f"a filled {side.value}")
    return order


async def require_refused(desk: Desk) -> None:
    """The ticket says why, its buttons stay in sight, and pressing one sends nothing."""
    count = len(desk.terminal.gate.orders)
    await desk.until(lambda: SAID in desk.words(desk.ticket), "the reason in the ticket")
    button = desk.ticket._buttons[Side.BUY]
    assert button.isVisible()
    await desk.hand.click(button)
    await desk.until(lambda: f"Not sent: {SAID}" in desk.words(desk.ticket._result), "the refusal")
    assert "only closing orders pass until" in desk.words(desk.ticket._result)
    assert len(desk.terminal.gate.orders) == count


def test_a_day_that_lost_too_much_is_locked_over_a_restart(
    desk_practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        terminal = desk.terminal
        await send(desk, Side.BUY)
        terminal.settings.set("risk.day_loss", "20")
        assert terminal.day.lock.standing(False).stage is Stage.OFF
        terminal.settings.set("risk.day_loss.step", "lock")
        await desk.until(lambda: terminal.day.lock.standing(False).is_locked, "a lock")
        await desk.until(lambda: "LOCKED" in desk.words(desk.window.top_bar), "the word in the top bar")
        assert "of −20 USD" in desk.words(desk.window.top_bar)
        assert any("Loss limit reached" in text for text in desk.notices())
        await require_refused(desk)
        await send(desk, Side.SELL)
        day = terminal.day.results.look(ACCOUNT)
        assert day is not None
        assert abs(day.moved) < D("0.01"), "every change of the balance is explained by a fill"
        assert day.unknown == ()

    run_screen(desk_practice, tmp_path, body)

    async def again() -> None:
        async with rig(desk_practice, tmp_path) as found:
            terminal = found.terminal
            assert terminal.day.lock.standing(False).stage is Stage.LOCKED
            assert any("loss limit was reached at" in notice.text for notice in found.notices)
            # Looser holds from the next day on.
            terminal.settings.set("risk.day_loss.step", "off")
            (refusal,) = found.gate.check(ACCOUNT, found.limit(Side.BUY)).refusals
            assert SAID in refusal.user_text

    run(again())
