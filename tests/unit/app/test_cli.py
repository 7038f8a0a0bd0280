"""The command line: wrong words are answered in one line, without loading Qt."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from terminal import __version__
from terminal.app import cli

ROOT = Path(__file__).resolve().parents[3]


def call(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person without a display would."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    code = "import sys; from terminal.app.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 and Wayland can be absent")
def test_without_a_display_it_says_so_in_one_line_and_exits_2() -> None:
    done = call()
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "xvfb-run" in line
    assert "--shot" in line


def test_version_and_help() -> None:
    assert call("--version").stdout.strip() == f"Parallax {__version__}"
    text = call("--help").stdout
    for option in ("--temp-basedir", "--shot", "--debug", "--log-filter"):
        assert option in text


@pytest.mark.parametrize("size", ["big", "10x10", "1920", "-1x5", "99999x99999"])
def test_a_size_that_is_none_is_refused_in_plain_words(size: str) -> None:
    with pytest.raises(ValueError, match="WIDTHxHEIGHT"):
        cli.parse_size(size)


def test_a_size() -> None:
    assert cli.parse_size("1366x768") == (1366, 768)


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = call("--basedir", str(tmp_path / "file" / "below"), "--shot", str(tmp_path / "x.png"))
    assert done.returncode == 5
    (line,) = done.stderr.splitlines()
    assert "--basedir" in line
