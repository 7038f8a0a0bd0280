"""The one helper that finds files of the ``resources`` folder, in a checkout and in a frozen build."""

from __future__ import annotations

import sys
from pathlib import Path


def resource_path(*parts: str) -> Path:
    """Where a resource lies, e.g. ``resource_path("icons", "search.svg")``."""
    bundle = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle is not None else Path(__file__).resolve().parents[2]
    return root.joinpath("resources", *parts)


def resource_text(*parts: str) -> str:
    """A text resource, e.g. an icon's SVG. Raises OSError where it is missing."""
    return resource_path(*parts).read_text(encoding="utf-8")
