"""The practice venue as a child process: it comes, it goes, and it never outlives its parent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from terminal.domain.errors import VenueUnavailable
from terminal.emulators.process import ROOT, EmulatorProcess
from tests.helpers import eventually, run


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_a_child_starts_serves_and_stops(tmp_path: Path) -> None:
    async def main() -> None:
        process = EmulatorProcess(data_dir=tmp_path / "practice", seed=5)
        endpoints = await process.start()
        try:
            assert process.running
            assert endpoints["pid"] == process.pid
            async with httpx.AsyncClient(trust_env=False) as http:
                answer = await http.get(endpoints["kraken"]["rest"] + "/0/public/Time")
                assert answer.json()["error"] == []
        finally:
            start = time.monotonic()
            await process.stop()
        assert time.monotonic() - start < 10.0
        assert process.pid is None
        again = await process.start()
        try:
            assert again["kraken"]["key"] == endpoints["kraken"]["key"]  # the world was kept
        finally:
            await process.stop()

    run(main())


def test_a_child_that_cannot_start_says_why() -> None:
    async def main() -> None:
        process = EmulatorProcess(data_dir=None, extra_args=["--rate", "-5"])
        with pytest.raises(VenueUnavailable, match="--rate must be from 0 to 1000"):
            await process.start()
        assert not process.running

    run(main())


def test_the_parent_hears_of_a_childs_sudden_end() -> None:
    async def main() -> None:
        codes: list[int] = []
        process = EmulatorProcess(data_dir=None, on_exit=codes.append)
        await process.start()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGTERM)
        await eventually(lambda: codes, 20.0)
        await process.stop()

    run(main())


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_killed_parent_takes_its_child_along(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from terminal.emulators.process import EmulatorProcess\n"
        "async def main():\n"
        "    endpoints = await EmulatorProcess(data_dir=None).start()\n"
        "    print(endpoints['pid'], flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert _alive(child)
        parent.kill()
        parent.wait()

    async def gone() -> None:
        await eventually(lambda: not _alive(child), 20.0, "the child's end")

    asyncio.run(gone())


@pytest.mark.skipif(sys.platform == "win32", reason="ends by signal")
def test_alone_it_writes_its_endpoints_for_its_owner_and_removes_them(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.json"
    command = [sys.executable, "-m", "terminal.emulators", "--endpoints-file", str(path), "--seed", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line.startswith("practice venue ready at http://127.0.0.1:")
        assert path.stat().st_mode & 0o777 == 0o600
        endpoints = json.loads(path.read_text())
        assert (endpoints["pid"], endpoints["version"]) == (child.pid, 1)
        assert {
            "rest",
            "ws_public",
            "ws_private",
            "ws_l3",
            "control",
            "control_token",
            "key",
            "secret",
        } <= set(endpoints["kraken"])
        child.terminate()
        assert child.wait(timeout=20) == 0
    assert not path.exists()
