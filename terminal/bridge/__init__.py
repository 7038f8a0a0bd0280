"""The terminal's venues, lent to strategies through the FMZ custom protocol.

A strategy platform's node posts small JSON calls to ``http://127.0.0.1:6666/KRAKEN`` (or any other connected
venue) and gets ``{"data": ...}`` or ``{"error": "..."}``. What a call may do is decided by the bot whose keys
it carries; what leaves for a venue passes the same gate, limits and journal as an order given by hand.
"""
