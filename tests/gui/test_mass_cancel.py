"""The buttons that cancel many orders are lit only where there is something to cancel."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.widgets.orders import OrdersPanel
from tests.gui.frame_fakes import Frame, order


def test_each_button_is_lit_for_its_own_side(qapp: QApplication) -> None:
    frame = Frame()
    panel = OrdersPanel(frame.orders)

    def lit() -> tuple[bool, bool, bool]:
        return tuple(each.isEnabled() for each in (panel.cancel_buys, panel.cancel_sells, panel.cancel_all))  # type: ignore[return-value]

    assert lit() == (False, False, False)
    frame.gate.put(order("a", Side.BUY), order("b", Side.SELL, state=OrderState.CANCELED))
    frame.tick()
    assert lit() == (True, False, True)
    frame.gate.put(order("c", Side.SELL))
    frame.tick()
    assert lit() == (True, True, True)
    frame.gate.put(order("a", Side.BUY, state=OrderState.FILLED))
    frame.tick()
    assert lit() == (False, True, True)
    panel.deleteLater()
