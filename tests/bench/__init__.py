"""Benches: ratios in one run against a floor or a peer, never seconds against a promise."""
