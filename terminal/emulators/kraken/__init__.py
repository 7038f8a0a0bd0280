"""The practice venue as Kraken speaks: REST and WebSocket v2, in front of the practice market.

Written from Kraken's documents alone (REST, WebSocket v2, rate limits; read 2026-08), so that any Kraken
client can be pointed at it, ours among them.
"""
