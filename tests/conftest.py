"""What every test needs, however pytest was started."""

from __future__ import annotations

import os

# No test opens a window on somebody's screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
