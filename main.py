"""Starts Parallax: ``python3 main.py``. ``--help`` lists what it takes."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    if not getattr(sys, "frozen", False):
        # By path, not by import: "packaging" is also the name of an installed package.
        runpy.run_path(str(Path(__file__).parent / "packaging" / "bootstrap.py"))["ensure"]()

    from terminal.app.cli import main

    raise SystemExit(main())
