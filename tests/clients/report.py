"""One line a check, for scripts that run among a client's own packages: standard library only."""

from __future__ import annotations

import json
import os
import sys
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the practice venue is, and its key."""

    rest: str
    ws_public: str
    ws_private: str
    key: str
    secret: str
    control: str
    control_token: str

    @classmethod
    def of_command_line(cls) -> Addresses:
        """From the endpoints file that the script was given."""
        found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["kraken"]
        return cls(**{name: found[name] for name in cls.__slots__})

    def forgive(self) -> None:
        """Empty the venue's rate counters, which a whole script in a few seconds would fill."""
        request = urllib.request.Request(
            self.control + "/forgive", method="POST", headers={"X-Practice-Token": self.control_token}
        )
        # Straight to this machine, past whatever proxy the environment names.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            assert answer.status == 200


class Report:
    """Prints each check as it is done, and remembers whether one failed."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.failures = 0

    @contextmanager
    def check(self, what: str) -> Iterator[None]:
        """What happens inside must not raise; it does not stop the checks after it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever a client raises is a failed check
            self.failures += 1
            print(f"FAIL {self.client}: {what}: {type(error).__name__}: {error}", flush=True)
            if os.environ.get("CLIENTS_TRACE"):
                traceback.print_exc()
        else:
            print(f"ok   {self.client}: {what}", flush=True)

    def refused(self, what: str, code: str, call: Callable[[], object]) -> None:
        """The call must raise, and name the venue's code."""
        with self.check(what):
            try:
                answer = call()
            except Exception as error:
                if code not in str(error) and code not in type(error).__name__:
                    raise
            else:
                raise AssertionError(f"not refused: {answer!r}")

    def exit(self) -> None:
        """End the script: 1 where a check failed."""
        raise SystemExit(1 if self.failures else 0)
