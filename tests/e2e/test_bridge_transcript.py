"""The terminal's own bridge, read by the checker of the protocol as a strategy platform's node would: over
real HTTP, on the practice venues, spot and perpetuals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.bridge.bots import BotLimits, BotMode
from terminal.domain.instrument import InstrumentId
from tests.e2e.rig import rig
from tests.fmz_transcript import Flags, check_plugin
from tests.helpers import free_port, run
from tests.practice import Practice
from tests.practice_okx import OkxPractice

D = Decimal
MADE: dict[str, Callable[[], Practice]] = {"kraken": Practice, "okx": OkxPractice}
RAW = {
    "kraken": ("POST", "/0/private/OpenOrders", {"trades": "false"}),
    # The call that the protocol's guide shows.
    "okx": ("GET", "/api/v5/trade/orders-pending", {"instType": "SPOT", "instId": "BTC-USDT"}),
}
FORBIDDEN = {"kraken": "/0/private/Withdraw", "okx": "/api/v5/asset/withdrawal"}
PAIRS = {"kraken": ("BTC/USD", "BTC_USD"), "okx": ("BTC/USDT", "BTC_USDT")}


@pytest.fixture(scope="module", params=MADE)
def running_practice(request: pytest.FixtureRequest) -> Iterator[Practice]:
    practice = MADE[request.param]().start()
    yield practice
    practice.stop()


def test_the_bridge_keeps_to_the_protocol(practice: Practice, tmp_path: Path) -> None:
    symbol, name = PAIRS[practice.venue]
    futures = practice.venue == "okx"

    async def main() -> None:
        async with rig(practice, tmp_path, instrument=InstrumentId(practice.venue, symbol)) as found:
            bridge = found.terminal.bridge
            # The checker buys 3 % above the ask, which rounds to more than the 3 % that a person starts with.
            found.terminal.settings.set("risk.price_band_pct", "5")
            limits = BotLimits(600, D(100_000_000))
            _, keys = bridge.bots.make("checker", mode=BotMode.TRADING, limits=limits)
            await bridge.switch_on(free_port())
            checked = await check_plugin(
                bridge.address(practice.venue),
                keys.access_key.reveal(),
                keys.secret_key.reveal(),
                name,
                Flags(
                    markets=True,
                    futures=futures,
                    fills=True,
                    amount=D("0.002"),
                    http="better",
                    raw=RAW[practice.venue],
                    forbidden_path=FORBIDDEN[practice.venue],
                ),
            )
            assert {"optional", "resting_order", "filled_order", "keys"} <= set(checked)
            if futures:
                perp = InstrumentId("okx", "BTC/USDT-PERP")
                margins = found.terminal.margins
                await found.until(
                    lambda: (
                        (now := margins.leverage(found.account, perp.symbol)) is not None and now.value == 10
                    ),
                    "the leverage that the bot has set",
                )

    run(main(), timeout_s=90)
