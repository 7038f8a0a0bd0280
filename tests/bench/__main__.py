"""``python3 -m tests bench [NAMES]``: every bench, or some of them; each prints its ratios."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import clicks, feed, startup, workspace

BENCHES: dict[str, Callable[[], None]] = {
    "feed": feed.main,
    "clicks": clicks.main,
    "startup": startup.main,
    "workspace": workspace.main,
}


def run(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in names or list(BENCHES):
        print(f"== {name}: {(BENCHES[name].__module__).rpartition('.')[2]}", flush=True)
        BENCHES[name]()
    return 0


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
