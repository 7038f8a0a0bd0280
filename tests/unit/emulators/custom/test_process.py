"""The practice plugin in a child process, as the terminal starts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminal.emulators.__main__ import parse_arguments
from terminal.emulators.process import EmulatorProcess
from tests.fmz_transcript import Node
from tests.helpers import run


def test_a_child_serves_the_plugin_beside_another_venue_on_the_same_prices(tmp_path: Path) -> None:
    async def main() -> None:
        process = EmulatorProcess(
            data_dir=tmp_path, venues=("kraken", "custom"), seed=5, extra_args=["--plugin", "better,extras"]
        )
        endpoints = await process.start()
        try:
            entry = endpoints["custom"]
            assert entry["control"] != endpoints["kraken"]["control"]
            node = Node(entry["service"], entry["access_key"], entry["secret_key"])
            assert node.path == "/PRACTICE"
            tickers = (await node.call("tickers", {})).envelope["data"]
            assert [row["symbol"] for row in tickers] == entry["symbols"]
        finally:
            await process.stop()
        assert (tmp_path / "custom" / "practice.sqlite").exists()

    run(main())


def test_a_switch_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_arguments(["--venues", "custom", "--plugin", "better, canned"]).plugin.canned
    with pytest.raises(SystemExit):
        parse_arguments(["--venues", "custom", "--plugin", "sideways"])
    assert "no such switch: sideways" in capsys.readouterr().err
