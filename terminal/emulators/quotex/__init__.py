"""The practice Quotex: its web pages, its socket, and fixed-payout deals on the practice market's prices.

Made from the protocol reference of the venue's web terminal alone, so that it checks the connector.
"""
