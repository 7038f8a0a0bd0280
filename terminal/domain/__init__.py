"""Values and rules of trading: standard library only, no I/O, no clock, no Qt."""
