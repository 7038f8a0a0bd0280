"""Both practice venues in one child process, as the terminal starts them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from terminal.emulators.process import EmulatorProcess
from tests.helpers import run
from tests.unit.emulators.ctrader.client import DEMO, Client


def test_a_child_serves_both_venues_and_keeps_what_it_knew(tmp_path: Path) -> None:
    async def main() -> None:
        process = EmulatorProcess(data_dir=tmp_path, venues=("kraken", "ctrader"), seed=5)
        tokens = []
        for _ in range(2):
            endpoints = await process.start()
            try:
                venue = endpoints["ctrader"]
                assert endpoints["kraken"]["rest"]
                assert venue["control"] != endpoints["kraken"]["control"]
                trust = ssl.create_default_context(cafile=venue["ca"])
                host, _, port = venue["demo"].partition(":")
                client = Client(*await asyncio.open_connection(host, int(port), ssl=trust))
                await client.sign_in(venue, DEMO)
                await client.ask(2127, {2: DEMO, 3: [1]})
                await client.wait_for(2131, 3)
                await client.close()
                tokens.append(venue["access_token"])
            finally:
                await process.stop()
        assert tokens[0] == tokens[1]
        assert (tmp_path / "ctrader" / "practice-ca.pem").exists()

    run(main())


def test_a_long_list_of_symbols_is_a_knob_of_the_process() -> None:
    async def main() -> None:
        process = EmulatorProcess(
            data_dir=None, venues=("ctrader",), extra_args=["--many-symbols", "10000", "--rate", "40"]
        )
        endpoints = await process.start()
        try:
            venue = endpoints["ctrader"]
            assert "kraken" not in endpoints
            trust = ssl.create_default_context(cafile=venue["ca"])
            host, _, port = venue["demo"].partition(":")
            client = Client(*await asyncio.open_connection(host, int(port), ssl=trust))
            await client.sign_in(venue, DEMO)
            answer = await client.ask(2114, {2: DEMO})
            assert len(answer.body.messages(3)) > 10_000
            await client.close()
        finally:
            await process.stop()

    run(main())
