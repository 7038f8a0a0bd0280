"""A practice market without sockets: latent prices, order flow, a matching engine, accounts, a store.

A venue face (``emulators/kraken``) puts its own protocol in front of ``practice.PracticeMarket``.
"""
