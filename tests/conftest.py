"""What every test needs, however pytest was started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# No test opens a window on somebody's screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

SUITES = ("e2e", "venues", "gui", "unit")
"""Those whose files take longest first: at the end neither of two processes waits for the other."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Suite by suite, in the random order that a suite has."""
    here = Path(__file__).parent
    places = {name: place for place, name in enumerate(SUITES)}
    items.sort(key=lambda item: places.get(item.path.relative_to(here).parts[0], len(SUITES)))
