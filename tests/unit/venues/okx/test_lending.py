"""The prices of everything that OKX lists, and its own calls that only read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from terminal.core.clock import ManualClock
from terminal.domain.errors import CredentialError, ProtocolViolation, RequestRejected, Unsupported
from terminal.venues.okx.lending import raw_call, tickers
from terminal.venues.okx.symbols import SymbolMap
from terminal.venues.okx.wire import InstrumentRow
from tests.helpers import run
from tests.unit.venues.okx import samples
from tests.unit.venues.okx.fakes import FakeHttp
from tests.unit.venues.okx.test_rest import rest_of

D = Decimal
ROW: dict[str, Any] = {
    "last": "30218.8",
    "askPx": "30220.1",
    "askSz": "3",
    "bidPx": "30210.4",
    "bidSz": "4",
    "open24h": "29571.4",
    "high24h": "31003.3",
    "low24h": "27930.8",
    "vol24h": "200",
    "ts": "1652459223003",
}
BY_TYPE: dict[str, list[dict[str, Any]]] = {
    "SPOT": [{"instId": "BTC-USDT", **ROW}, {"instId": "NEW-USDT", **ROW}],
    "SWAP": [{"instId": "BTC-USDT-SWAP", **ROW, "askPx": ""}],
}


def known() -> SymbolMap:
    symbols = SymbolMap()
    for rows in samples.BY_TYPE.values():
        symbols.learn(msgspec.convert(rows, list[InstrumentRow]))
    return symbols


def test_everything_listed_is_told_by_one_call_a_kind() -> None:
    async def main() -> None:
        http = FakeHttp()
        http.replies["/api/v5/market/tickers"] = lambda call: BY_TYPE.get(call.query["instType"], [])
        spot, perpetual = await tickers(rest_of(http, key=False), known(), ManualClock(5))
        assert [call.query["instType"] for call in http.named("tickers")] == ["SPOT", "SWAP", "FUTURES"]
        assert (spot.instrument.symbol, perpetual.instrument.symbol) == ("BTC/USDT", "BTC/USDT-PERP")
        assert (spot.bid, spot.ask, spot.volume_24h) == (D("30210.4"), D("30220.1"), D(200))
        assert spot.change_24h == D("647.4")
        assert (perpetual.bid_quantity, perpetual.volume_24h) == (D("0.04"), D(2)), "contracts of 0.01 BTC"
        assert perpetual.ask is None
        http.replies["/api/v5/market/tickers"] = [{"instId": "BTC-USDT", "last": "x"}]
        with pytest.raises(ProtocolViolation):
            await tickers(rest_of(http, key=False), known(), ManualClock(5))

    run(main())


def test_raw_calls_give_okxs_own_words_and_only_read() -> None:
    async def main() -> None:
        http, pending = FakeHttp(), "/api/v5/trade/orders-pending"
        http.replies[pending] = [{"ordId": "1", "px": "1.50"}, {"ordId": "2"}]
        rest = rest_of(http)
        told = await raw_call(rest, pending, {"instType": "SPOT", "instId": "BTC-USDT"})
        assert told == b'{"code":"0","msg":"","data":[{"ordId":"1","px":"1.50"},{"ordId":"2"}]}'
        [call] = http.named("orders-pending")
        assert (call.method, call.query) == ("GET", {"instType": "SPOT", "instId": "BTC-USDT"})
        assert "OK-ACCESS-SIGN" in call.headers
        await raw_call(rest, "/api/v5/market/books", {"instId": "BTC-USDT"})
        assert "OK-ACCESS-SIGN" not in http.named("books")[0].headers
        count = len(http.calls)
        for path in (
            *("/api/v5/trade/cancel-order", "/api/v5/trade/batch-orders", "/api/v5/asset/withdrawal"),
            *("/api/v5/asset/transfer", "/api/v5/account/set-leverage", "/api/v5/trade/../asset/withdrawal"),
            *("/api/v5/public/../trade/order", "trade/order", "", "/api/v5/trade/orders-pending?x=1"),
        ):
            with pytest.raises(Unsupported):
                await raw_call(rest, path, {})
        assert len(http.calls) == count
        with pytest.raises(CredentialError):
            await raw_call(rest_of(http, key=False), pending, {})
        http.replies[pending] = ("51000", "Parameter instType error")
        with pytest.raises(RequestRejected):
            await raw_call(rest, pending, {})

    run(main())
