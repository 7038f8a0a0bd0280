"""Brings what is missing on a fresh machine, then hands over: the first half of both commands.

Standard library only, for it runs before anything is installed. It makes ``.venv`` from the hash lock,
adds the system libraries that Qt needs (by apt when it may, else it prints the one line to type), says
what it is doing, and starts the command again inside ``.venv``.
"""

from __future__ import annotations

import ctypes
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "parallax-installed.json"
RUNTIME_LOCK = ROOT / "packaging" / "requirements.lock"
DEV_LOCK = ROOT / "packaging" / "requirements-dev.lock"
WEB_LOCK = ROOT / "packaging" / "requirements-web.lock"
OLDEST = (3, 11)

# What Qt opens at start on Linux, and the Debian package that brings it. Found with ldd on a bare Debian 12.
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
# What the sign-in page's engine opens besides.
WEB_LIBRARIES = {
    "libnss3.so": "libnss3",
    "libasound.so.2": "libasound2",
    "libXcomposite.so.1": "libxcomposite1",
    "libXdamage.so.1": "libxdamage1",
    "libXrandr.so.2": "libxrandr2",
    "libXtst.so.6": "libxtst6",
    "libxkbfile.so.1": "libxkbfile1",
}
# The interface's own faces; another sans serif stands in where they cannot be had.
FONTS = {
    "/usr/share/fonts/**/Inter*": "fonts-inter",
    "/usr/share/fonts/**/JetBrainsMono*": "fonts-jetbrains-mono",
}


def ensure(*, dev: bool = False) -> None:
    """Return only inside an environment that has all the program needs; otherwise bring it and start again.

    Exits with 3 and one line that says what to type where something cannot be brought from here.
    """
    if getattr(sys, "frozen", False):
        return
    if sys.version_info < OLDEST:
        _give_up(f"Parallax needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}.")
    stamp = _read_stamp()
    wanted = _wanted(dev)
    installed = any(stamp.get(name) == digest for name, digest in _acceptable(dev).items())
    if not (installed and _python().exists()):
        _make_venv()
        _install(DEV_LOCK if dev else RUNTIME_LOCK)
        stamp = {**wanted, "libraries": ""}
    if sys.platform == "linux" and stamp.get("libraries") != "checked":
        _bring_libraries(LIBRARIES | WEB_LIBRARIES if dev else LIBRARIES, with_fonts=True)
        stamp["libraries"] = "checked"
    if stamp != _read_stamp():
        STAMP.write_text(json.dumps(stamp), encoding="utf-8")
    if Path(sys.prefix).resolve() != VENV.resolve():
        _start_again()


def bring_web() -> None:
    """Add the engine of the sign-in page to what is installed; exits with 3 where it cannot be had."""
    stamp = _read_stamp()
    # The developers' lock holds it.
    if stamp.get("web") != _digest(WEB_LOCK) and stamp.get("dev") != _digest(DEV_LOCK):
        _make_venv()
        _install(WEB_LOCK)
        stamp["web"] = _digest(WEB_LOCK)
    if sys.platform == "linux":
        _bring_libraries(WEB_LIBRARIES, with_fonts=False)
    STAMP.write_text(json.dumps(stamp), encoding="utf-8")


def _wanted(dev: bool) -> dict[str, str]:
    # The developers' lock holds everything of the other one, so either command may use it.
    return {"dev": _digest(DEV_LOCK)} if dev else {"runtime": _digest(RUNTIME_LOCK)}


def _acceptable(dev: bool) -> dict[str, str]:
    return _wanted(True) if dev else {**_wanted(True), **_wanted(False)}


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _make_venv() -> None:
    if _python().exists():
        return
    _say(f"Making {VENV.name} (once; about 400 MB on disk)")
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        _give_up("Python cannot make a virtual environment here. Type: sudo apt-get install python3-venv")


def _install(lock: Path) -> None:
    _say(f"Installing the locked packages of packaging/{lock.name} (about a minute the first time)")
    command = [
        *(str(_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--require-hashes", "--only-binary", ":all:", "-r", str(lock)),
    ]
    if subprocess.run(command, check=False).returncode != 0:
        _give_up("The packages could not be installed (see above). Check the network, then run this again.")


def _bring_libraries(libraries: dict[str, str], *, with_fonts: bool) -> None:
    missing = [package for library, package in libraries.items() if not _loads(library)]
    fonts = [package for pattern, package in FONTS.items() if not glob.glob(pattern, recursive=True)]
    fonts = fonts if with_fonts else []
    if not missing and not fonts:
        return
    wanted = [*missing, *fonts]
    line = "apt-get install -y --no-install-recommends " + " ".join(wanted)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _say("Installing system packages: " + " ".join(wanted))
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update"], check=False, env=environment, **quiet)  # type: ignore[call-overload]
        subprocess.run(line.split(), check=False, env=environment, **quiet)  # type: ignore[call-overload]
        missing = [package for library, package in libraries.items() if not _loads(library)]
        if missing:
            _give_up("apt could not install all of them. Type: " + line)
    elif missing:
        _give_up("Qt needs some system libraries. Type: sudo " + line)
    else:
        _say("For the terminal's own typefaces type: sudo " + line)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _start_again() -> None:
    command = [str(_python()), *_original_arguments()]
    if os.name == "nt":
        # execv on Windows returns to the shell at once, so the parent waits instead.
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)


def _original_arguments() -> list[str]:
    # sys.orig_argv keeps "-m tests"; its first entry is the interpreter.
    return sys.orig_argv[1:]


def _say(text: str) -> None:
    print(f"parallax: {text} ...", file=sys.stderr, flush=True)


def _give_up(text: str) -> None:
    print(f"parallax: {text}", file=sys.stderr, flush=True)
    raise SystemExit(3)


if __name__ == "__main__" and sys.argv[1:] == ["--web"]:
    bring_web()
