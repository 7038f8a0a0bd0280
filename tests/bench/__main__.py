"""``python3 -m tests bench [NAMES]``: every bench, or some of them; each prints its ratios.

``python3 -m tests bench workspace --minutes 10``: options go to the one bench that is named.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from tests.bench import (
    all_venues,
    bridge_load,
    clicks,
    ctrader_feed,
    ctrader_list,
    ctrader_load,
    feed,
    okx_feed,
    startup,
    workspace,
)

BENCHES: dict[str, Callable[[], None]] = {
    "feed": feed.main,
    "okx_feed": okx_feed.main,
    "ctrader_feed": ctrader_feed.main,
    "ctrader_load": ctrader_load.main,
    "ctrader_list": ctrader_list.main,
    "clicks": clicks.main,
    "bridge_load": bridge_load.main,
    "startup": startup.main,
    "workspace": workspace.main,
    "all_venues": all_venues.main,
}
WITH_OPTIONS: dict[str, Callable[[Sequence[str]], None]] = {
    "ctrader_load": ctrader_load.main,
    "ctrader_list": ctrader_list.main,
    "clicks": clicks.main,
    "workspace": workspace.main,
    "all_venues": all_venues.main,
}


def run(words: list[str]) -> int:
    if len(words) > 1 and words[0] in WITH_OPTIONS and words[1].startswith("--"):
        WITH_OPTIONS[words[0]](words[1:])
        return 0
    names = words
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
