"""What the application does, without a screen: connections, market data, the order gate, the journal."""
