"""Keeps what signing in at a practice venue brought, until the venue refuses it or the person signs out."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from terminal.core.files import write_whole
from terminal.core.secret import Secret

log = logging.getLogger("practice")


class PracticeSignIns:
    """One small JSON file beside the practice venues' own world, which goes with it.

    These sign-ins guard made-up money on this machine alone, so that nobody is asked for a passphrase because
    of them: the practice venues keep the same words in the same folder. A file that cannot be read or written
    costs one more sign-in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, dict[str, Secret]] | None = None

    def of(self, venue: str) -> Mapping[str, Secret]:
        """The kept sign-in of a venue; empty where nobody has signed in there."""
        return self._read().get(venue, {})

    def keep(self, venue: str, credentials: Mapping[str, Secret]) -> None:
        """Use this one from the next connection on, also after a restart."""
        self._read()[venue] = dict(credentials)
        self._write()

    def forget(self, venue: str) -> None:
        """Use it no longer; what the practice venue has made beforehand counts again."""
        if self._read().pop(venue, None) is not None:
            self._write()

    def _read(self) -> dict[str, dict[str, Secret]]:
        if self._kept is None:
            self._kept = {}
            try:
                rows = json.loads(self._path.read_bytes())
                self._kept = {
                    str(venue): {str(key): Secret(str(text)) for key, text in row.items()}
                    for venue, row in rows.items()
                }
            except FileNotFoundError:
                pass
            except (OSError, ValueError, AttributeError, RecursionError) as error:
                log.warning("the practice sign-ins cannot be read: %s", error)
        return self._kept

    def _write(self) -> None:
        rows = {
            venue: {key: secret.reveal() for key, secret in row.items()}
            for venue, row in self._read().items()
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(rows).encode())
        except OSError as error:
            log.warning("the practice sign-ins cannot be kept: %s", error)
