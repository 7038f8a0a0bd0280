"""The engine of the sign-in page: whether it is here, and bringing it.

The program runs on PySide6-Essentials alone. QtWebEngine is in a package of its own (160 MB to download) and
needs a few more system libraries, so it comes when a sign-in first wants it or with ``main.py --web``.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from pathlib import Path

from terminal.app.sign_in import has_browser
from terminal.domain.errors import TerminalError

log = logging.getLogger("session")

ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = ROOT / "packaging" / "bootstrap.py"
_FETCH_TIMEOUT_S = 900.0


def can_fetch() -> bool:
    """Whether the engine could be brought: a frozen build has it or never will."""
    return not getattr(sys, "frozen", False) and BOOTSTRAP.is_file()


async def fetch() -> None:
    """Bring the engine, with the hashes of the lock file.

    Raises:
        TerminalError: it could not be brought, with what to do.
    """
    if has_browser():
        return
    if not can_fetch():
        text = "This build has no sign-in page of its own. Use your own browser."
        raise TerminalError("this build has no page", user_text=text)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(BOOTSTRAP),
        "--web",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(_FETCH_TIMEOUT_S):
            _, errors = await child.communicate()
    except TimeoutError as error:
        child.kill()
        await child.wait()
        raise TerminalError(
            "fetching the engine took too long",
            user_text="Fetching the sign-in page took too long. Check the network, or use your own browser.",
        ) from error
    importlib.invalidate_caches()
    if child.returncode != 0 or not has_browser():
        last = errors.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason was given"]
        log.error("the page's engine could not be brought: %s", errors.decode("utf-8", "replace")[-2000:])
        raise TerminalError(
            "the engine could not be brought",
            user_text=f"The sign-in page could not be fetched ({last[0].removeprefix('parallax: ')}). "
            "Use your own browser instead.",
        )
