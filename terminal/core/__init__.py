"""Tools without a trading word in them; standard library only."""
