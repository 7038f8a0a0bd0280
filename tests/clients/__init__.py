"""Other people's Kraken clients against the practice venue, unchanged but for the address."""
