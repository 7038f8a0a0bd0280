"""The practice venue's cTrader: protobuf over TLS with the Open API 2.0 vocabulary, its sign-in pages, and a
broker behind it. Only the vendor's message classes are shared with the connector."""
