"""Common names of assets, for venues that list symbols without words: ``bitcoin`` finds ``BTC/USD``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from terminal.domain.instrument import Instrument

ASSET_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AAVE": "Aave", "ADA": "Cardano", "ALGO": "Algorand", "APT": "Aptos", "ARB": "Arbitrum",
        "ATOM": "Cosmos", "AVAX": "Avalanche", "BCH": "Bitcoin Cash", "BNB": "Binance Coin", "BTC": "Bitcoin",
        "CRV": "Curve", "DAI": "Dai", "DASH": "Dash", "DOGE": "Dogecoin", "DOT": "Polkadot",
        "ETC": "Ethereum Classic", "ETH": "Ethereum", "FIL": "Filecoin", "GRT": "The Graph",
        "HBAR": "Hedera", "ICP": "Internet Computer", "INJ": "Injective", "KSM": "Kusama",
        "LDO": "Lido", "LINK": "Chainlink", "LTC": "Litecoin", "MATIC": "Polygon", "MKR": "Maker",
        "NEAR": "Near", "OKB": "OKB", "OP": "Optimism", "PAXG": "Pax Gold", "PEPE": "Pepe",
        "POL": "Polygon", "SHIB": "Shiba Inu", "SOL": "Solana", "STX": "Stacks", "SUI": "Sui",
        "TIA": "Celestia", "TON": "Toncoin", "TRX": "Tron", "UNI": "Uniswap", "USDC": "USD Coin",
        "USDT": "Tether", "WBTC": "Wrapped Bitcoin", "XAUT": "Tether Gold", "XLM": "Stellar",
        "XMR": "Monero", "XRP": "Ripple", "XTZ": "Tezos", "ZEC": "Zcash",
        "XAU": "Gold", "XAG": "Silver", "XPT": "Platinum", "XPD": "Palladium", "XTI": "WTI Crude Oil",
        "XBR": "Brent Crude Oil", "XNG": "Natural Gas",
        "AUD": "Australian Dollar", "CAD": "Canadian Dollar", "CHF": "Swiss Franc", "CNH": "Chinese Yuan",
        "EUR": "Euro", "GBP": "British Pound", "HKD": "Hong Kong Dollar", "JPY": "Japanese Yen",
        "MXN": "Mexican Peso", "NOK": "Norwegian Krone", "NZD": "New Zealand Dollar", "PLN": "Polish Zloty",
        "SEK": "Swedish Krona", "SGD": "Singapore Dollar", "TRY": "Turkish Lira", "USD": "US Dollar",
        "ZAR": "South African Rand",
    }
)  # fmt: skip


def describe(instrument: Instrument) -> str:
    """An instrument in words: as its venue puts it, else the common name of its asset; empty without one."""
    return instrument.description or ASSET_NAMES.get(instrument.asset.upper(), "")
