"""The practice venue's OKX v5: REST and WebSocket in front of matching engines of its own.

Its books, accounts and order flow are its own; the hidden prices are those of the whole practice world, so
that a coin costs nearly the same here as at the other practice venues.
"""
