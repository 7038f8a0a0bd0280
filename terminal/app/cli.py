"""The command line of the terminal."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from terminal import __version__
from terminal.app import logs
from terminal.app.paths import Paths, paths_below, temporary_folder, user_paths

NO_DISPLAY = 2
NO_FOLDER = 5
BOOTSTRAP = Path(__file__).resolve().parents[2] / "packaging" / "bootstrap.py"

_EPILOG = """\
With no key and no network the terminal opens on its practice venues: no money moves.
Files: --temp-basedir keeps everything it writes in a throw-away folder; otherwise settings, journal
and logs are in the folders your system gives to applications.
"""


def parser() -> argparse.ArgumentParser:
    """All that the program takes."""
    out = argparse.ArgumentParser(
        prog="main.py",
        description="Parallax: one desk, every venue. A trading terminal for people who trade by hand.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    out.add_argument("--version", action="version", version=f"Parallax {__version__}")
    out.add_argument(
        "--temp-basedir", action="store_true", help="keep everything it writes in a throw-away folder"
    )
    out.add_argument(
        "--basedir", type=Path, metavar="DIR", help="keep everything it writes below this folder"
    )
    out.add_argument(
        "--shot",
        type=Path,
        metavar="FILE.png",
        help="open the first-start workspace offscreen, wait until every panel is live, save the picture, "
        "print how long each step took, and end",
    )
    out.add_argument("--size", default="1920x1080", metavar="WxH", help="size of the window for --shot")
    out.add_argument(
        "--seed", type=int, metavar="N", help="seed of the practice market (default: of the profile)"
    )
    out.add_argument(
        "--web",
        action="store_true",
        help="first fetch the engine of the sign-in page (160 MB, once); it is fetched by itself when a "
        "sign-in first wants it",
    )
    out.add_argument("--debug", action="store_true", help="log frames and decisions too")
    out.add_argument(
        "--log-filter",
        default="",
        metavar="NAMES",
        help="log only these subjects and all warnings, e.g. orders,venue.kraken",
    )
    out.add_argument("--json-log", action="store_true", help="write the log to standard error as JSON lines")
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Run the terminal; returns the exit code."""
    started_ns = time.monotonic_ns()
    options = parser().parse_args(argv)
    try:
        size = parse_size(options.size)
    except ValueError as error:
        print(f"parallax: {error}", file=sys.stderr)
        return NO_DISPLAY
    if options.shot is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    elif not has_display():
        print(
            "parallax: no display here; run it under xvfb-run, or take a picture with: "
            "python3 main.py --shot FILE.png",
            file=sys.stderr,
        )
        return NO_DISPLAY
    if options.web:
        runpy.run_path(str(BOOTSTRAP))["bring_web"]()
    with ExitStack() as stack:
        paths = _paths(options, stack)
        try:
            paths.make()
        except OSError as error:
            print(
                f"parallax: its folders cannot be written ({error}); choose another place with --basedir DIR",
                file=sys.stderr,
            )
            return NO_FOLDER
        ring = logs.install(
            paths.log_file, debug=options.debug, subjects=options.log_filter, as_json=options.json_log
        )
        # Late: a wrong option or a missing display is answered without loading Qt.
        from terminal.app.start import start

        return start(
            paths,
            ring,
            seed=options.seed,
            shot=options.shot,
            size=size,
            started_ns=started_ns,
            throw_away=options.temp_basedir or options.shot is not None,
        )


def has_display() -> bool:
    """Whether a window could be shown: on Linux, that X11 or Wayland is there or Qt was told otherwise."""
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def parse_size(text: str) -> tuple[int, int]:
    """``"1920x1080"`` as (1920, 1080); ValueError with a plain sentence otherwise."""
    width, _, height = text.lower().partition("x")
    if width.isdigit() and height.isdigit() and 640 <= int(width) <= 7680 and 480 <= int(height) <= 4320:
        return int(width), int(height)
    raise ValueError(f"--size takes WIDTHxHEIGHT between 640x480 and 7680x4320, not {text!r}")


def _paths(options: argparse.Namespace, stack: ExitStack) -> Paths:
    if options.temp_basedir or (options.shot is not None and options.basedir is None):
        return paths_below(Path(stack.enter_context(temporary_folder())))
    return paths_below(options.basedir) if options.basedir is not None else user_paths()
