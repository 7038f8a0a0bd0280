"""Places where a test may kill the process, to prove that nothing is lost or doubled by it.

A process that is started with the environment variable ``PARALLAX_FAULT_POINT=name`` (or ``name:3`` for
the third passage) dies by SIGKILL when it reaches ``hit("name")``: no handler runs, no file is flushed.
The variable is read once, at import; without it a passage costs one comparison.
"""

from __future__ import annotations

import os
import signal

ENVIRONMENT_NAME = "PARALLAX_FAULT_POINT"


def _parse(text: str) -> tuple[str, int]:
    name, _, count = text.partition(":")
    return name, int(count) if count.isdigit() else 1


_name, _left = _parse(os.environ.get(ENVIRONMENT_NAME, ""))


def hit(name: str) -> None:
    """Die here if this is the place that the environment names."""
    global _left
    if not _name or name != _name:
        return
    _left -= 1
    if _left == 0:
        _die()


def _die() -> None:
    kill = getattr(signal, "SIGKILL", None)
    if kill is not None:
        os.kill(os.getpid(), kill)
    os._exit(137)  # Windows has no SIGKILL; this too runs no handler
