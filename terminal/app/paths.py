"""Where files live; ``--temp-basedir`` moves them all."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from platformdirs import PlatformDirs


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one profile. Each is private to the user (0700)."""

    config: Path
    """Settings, layouts, the vault."""
    data: Path
    """Journal, practice venues."""
    log: Path

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.json"

    @property
    def layouts(self) -> Path:
        return self.config / "layouts"

    @property
    def twins_file(self) -> Path:
        return self.config / "twins.json"

    @property
    def bots_file(self) -> Path:
        return self.config / "bots.json"

    @property
    def vault(self) -> Path:
        return self.config / "vault"

    @property
    def journal_file(self) -> Path:
        return self.data / "journal.sqlite3"

    @property
    def practice(self) -> Path:
        return self.data / "practice"

    @property
    def lock_file(self) -> Path:
        return self.data / "profile.lock"

    @property
    def log_file(self) -> Path:
        return self.log / "parallax.log"

    def make(self) -> Paths:
        """Create the folders, closed to other users."""
        for folder in (self.config, self.data, self.log):
            folder.mkdir(parents=True, exist_ok=True)
            if os.name != "nt":
                folder.chmod(0o700)
        return self


def user_paths() -> Paths:
    """The folders that the system keeps for a user's applications."""
    dirs = PlatformDirs("Parallax", appauthor=False, roaming=False)
    return Paths(Path(dirs.user_config_dir), Path(dirs.user_data_dir), Path(dirs.user_log_dir))


def paths_below(folder: Path) -> Paths:
    """Everything below one folder of the caller's choice."""
    return Paths(folder / "config", folder / "data", folder / "log")


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A throw-away folder for ``--temp-basedir``; gone when the returned object is cleaned up."""
    return tempfile.TemporaryDirectory(prefix="parallax-", ignore_cleanup_errors=True)
