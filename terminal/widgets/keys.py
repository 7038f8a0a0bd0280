"""The keys of the panels, for the overlay of F1. The window's own stand in ``main_window``."""

from __future__ import annotations

from typing import Final

from terminal.viewmodels.desk import KeyHint

PANEL_KEYS: Final = (
    KeyHint("Ticket", "Ctrl+Enter", "Send the chosen side"),
    KeyHint("Ticket", "Ctrl+↑ ↓", "Choose buy or up, sell or down"),
    KeyHint("Ticket", "↑ ↓ / with Shift", "Price by 1 / 10 ticks"),
    KeyHint("Ticket", "Alt+1 … 9", "Take a size of the row"),
    KeyHint("Ticket", "Enter, Esc", "Answer a question: yes, no"),
    KeyHint("Ladder", "Arrows", "Walk through prices and columns"),
    KeyHint("Ladder", "Enter", "What a click there would do"),
    KeyHint("Ladder", "Shift+↑ ↓", "Move the order, Enter sends it"),
    KeyHint("Ladder", "Del", "Cancel the order"),
    KeyHint("Ladder", "− +, Ctrl+wheel", "Finer, coarser rows"),
    KeyHint("Ladder", "Ctrl+click", "Market order, where unlocked"),
    KeyHint("Ladder", "Space", "Centre on the market"),
    KeyHint("Chart", "↑ ↓", "Choose an order"),
    KeyHint("Chart", "Shift+↑ ↓", "Move it, Enter sends it"),
    KeyHint("Chart", "Del", "Cancel it"),
    KeyHint("Chart", "← → / with Shift", "Read 1 / 10 bars on"),
    KeyHint("Chart", "− +", "Zoom"),
    KeyHint("Chart", "Home, End", "First, last bar"),
    KeyHint("Chart", "Space", "Fit the prices"),
    KeyHint("Chart", "I", "Indicators"),
    KeyHint("Venues", "Enter", "Show and trade it there"),
    KeyHint("Link", "Tab, Enter", "Group, venue, what is shared"),
    KeyHint("Watchlist", "Enter", "Show the market"),
    KeyHint("Watchlist", "Shift+Enter", "Show it in chart 2"),
    KeyHint("Watchlist", "Space", "Favourite"),
    KeyHint("Watchlist", "Del", "Take it off the list"),
)
