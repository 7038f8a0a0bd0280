"""cTrader: accounts at forex and CFD brokers, spoken to through the Open API 2.0."""
