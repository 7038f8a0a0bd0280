"""``python3 -m tests clients [NAMES]``: other people's Kraken and cTrader clients against practice venues.

The clients live in an environment of their own under ``build/clients``, made at the first run.
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
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
FOLDER = ROOT / "build" / "clients"
CLIENTS = ("krakenex", "sdk", "ccxt", "ctrader")
CLIENT_TIMEOUT_S = 180


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in CLIENTS]
    if unknown:
        print(f"no such client: {', '.join(unknown)}; there are {', '.join(CLIENTS)}", file=sys.stderr)
        return 2
    python = _environment()
    return max([asyncio.run(_against_practice(python, name)) for name in names or CLIENTS])


def _environment() -> Path:
    """The clients' own interpreter, with exactly the pinned packages."""
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = FOLDER / "installed.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Installing the clients into {FOLDER.relative_to(ROOT)} (about a minute, once)", flush=True)
    venv.create(FOLDER, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--no-deps", "--prefer-binary", "-r", str(REQUIREMENTS)], check=True)
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
