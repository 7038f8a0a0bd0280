"""Other people's clients against the practice venue, unchanged but for the address."""
