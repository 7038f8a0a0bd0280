"""``python3 -m tests clients [NAMES]``: other people's Kraken and cTrader clients against practice venues.

The clients live in environments of their own under ``build``, made at the first run: one for Kraken's, and
one for cTrader's, whose pins no other package can live with.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from terminal.emulators.process import EmulatorProcess

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
CLIENTS = ("krakenex", "sdk", "ccxt", "ctrader")
CLIENT_TIMEOUT_S = 180


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in CLIENTS]
    if unknown:
        print(f"no such client: {', '.join(unknown)}; there are {', '.join(CLIENTS)}", file=sys.stderr)
        return 2
    codes = {name: asyncio.run(_against_practice(_environment(name), name)) for name in names or CLIENTS}
    failed = [name for name, code in codes.items() if code]
    print(
        f"{len(codes) - len(failed)} of {len(codes)} clients ok"
        + "".join(f", {one} FAILED" for one in failed)
    )
    return 1 if failed else 0


def _environment(name: str) -> Path:
    """The interpreter of a client, with exactly the pinned packages."""
    suffix = "_ctrader" if name == "ctrader" else ""
    folder = ROOT / "build" / f"clients{suffix}"
    requirements = HERE / f"requirements{suffix}.txt"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Installing the clients into {folder.relative_to(ROOT)} (about a minute, once)", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--no-deps", "--prefer-binary", "-r", str(requirements)], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python


async def _against_practice(python: Path, name: str) -> int:
    """One client's script against a venue of its own; its exit code."""
    venue = "ctrader" if name == "ctrader" else "kraken"
    process = EmulatorProcess(data_dir=None, venues=(venue,), seed=11)
    try:
        endpoints = await process.start()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "endpoints.json"
            file.write_text(json.dumps(endpoints), encoding="utf-8")
            # The practice venue is on this machine, whatever proxy the rest of the network needs.
            environment = {
                **os.environ,
                "NO_PROXY": "localhost,127.0.0.1",
                "no_proxy": "localhost,127.0.0.1",
            }
            done = await asyncio.to_thread(
                subprocess.run,
                [str(python), "-W", "ignore", "-m", f"tests.clients.with_{name}", str(file)],
                cwd=ROOT,
                env=environment,
                check=False,
                timeout=CLIENT_TIMEOUT_S,
            )
        return done.returncode
    except subprocess.TimeoutExpired:
        print(f"FAIL {name}: not done within {CLIENT_TIMEOUT_S} s")
        return 1
    finally:
        await process.stop()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
