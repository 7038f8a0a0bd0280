"""``python3 -m tests clients [NAMES]``: other people's clients against the practice venues.

The clients live in environments of their own under ``build``, made at the first run: one for Kraken's, one
for the vendor's cTrader client, whose pins no other package can live with, one for a cTrader client that
wants a newer Python than the terminal does, and one for what PyQuotex needs. A client is left out where the
``PATH`` has no Python for it. PyQuotex is on no registry: ``PYQUOTEX`` names the folder that holds its
package, or what pip installs it from; without that it is left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from terminal.emulators.process import EmulatorProcess

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
CLIENT_TIMEOUT_S = 180


class Client(NamedTuple):
    """A client: the venue it speaks to, its environment, the Python it wants."""

    venue: str
    environment: str
    lowest_python: tuple[int, int] = (3, 11)
    source: str = ""
    """The environment variable that tells where it is, for one that is on no registry."""


CLIENTS = {
    "krakenex": Client("kraken", "clients"),
    "sdk": Client("kraken", "clients"),
    "ccxt": Client("kraken", "clients"),
    "ctrader": Client("ctrader", "clients_ctrader"),
    "ctrader_async": Client("ctrader", "clients_ctrader_async", (3, 12)),
    # Its package asks for Python 3.12, but nothing in it needs that.
    "pyquotex": Client("quotex", "clients_quotex", source="PYQUOTEX"),
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in CLIENTS]
    if unknown:
        print(f"no such client: {', '.join(unknown)}; there are {', '.join(CLIENTS)}", file=sys.stderr)
        return 2
    wanted = names or list(CLIENTS)
    pythons = {name: _python(CLIENTS[name]) for name in wanted}
    left_out = []
    for name, python in pythons.items():
        client = CLIENTS[name]
        if python is None:
            lowest = ".".join(map(str, client.lowest_python))
            print(f"left out {name}: no Python {lowest} or newer on the PATH")
        elif client.source and not os.environ.get(client.source):
            print(f"left out {name}: it is on no registry, and {client.source} does not say where it is")
        else:
            continue
        left_out.append(name)
    codes = {
        name: asyncio.run(_against_practice(_environment(CLIENTS[name], python), name))
        for name, python in pythons.items()
        if python is not None and name not in left_out
    }
    failed = [name for name, code in codes.items() if code] + [name for name in left_out if name in names]
    print(
        f"{len(codes)} of {len(wanted)} clients run"
        + (f", FAILED: {', '.join(failed)}" if failed else ", all ok")
    )
    return 1 if failed else 0


def _python(client: Client) -> str | None:
    """An interpreter that is new enough for a client: this one, or the oldest such on the ``PATH``."""
    if sys.version_info >= client.lowest_python:
        return sys.executable
    major, minor = client.lowest_python
    for each in range(minor, minor + 3):
        found = shutil.which(f"python{major}.{each}")
        # A name on the path may be a stand-in for a version that is not there.
        if (
            found is not None
            and subprocess.run([found, "-V"], capture_output=True, check=False).returncode == 0
        ):
            return found
    return None


def _environment(client: Client, base: str) -> Path:
    """The interpreter of a client's environment, with exactly the pinned packages."""
    folder = ROOT / "build" / client.environment
    requirements = HERE / f"{client.environment.replace('clients', 'requirements')}.txt"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    source = os.environ.get(client.source, "") if client.source else ""
    more = [] if not source or Path(source).is_dir() else [source]
    wanted = "\n".join((requirements.read_text(encoding="utf-8"), *more))
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Installing the clients into {folder.relative_to(ROOT)} (about a minute, once)", flush=True)
    subprocess.run([base, "-m", "venv", "--clear", str(folder)], check=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--no-deps", "--prefer-binary", "-r", str(requirements)], check=True)
    if more:
        subprocess.run([*command, "--no-deps", "--ignore-requires-python", *more], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python


async def _against_practice(python: Path, name: str) -> int:
    """One client's script against a venue of its own; its exit code."""
    process = EmulatorProcess(data_dir=None, venues=(CLIENTS[name].venue,), seed=11)
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
            source = os.environ.get(CLIENTS[name].source, "")
            if source and Path(source).is_dir():
                environment["PYTHONPATH"] = str(Path(source).absolute())
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
