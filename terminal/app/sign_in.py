"""Opens a venue's sign-in page and waits for its answer, in a window of ours or in the person's browser.

The first is a process of its own (``sign_in_window.py``). The second needs a listener for one request on this
machine, at the address that was registered for the application.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from terminal.app.sign_in_window import UNSAFE_VARIABLES
from terminal.domain.errors import TerminalError
from terminal.venues.base import SignInPage

log = logging.getLogger("session")

ROOT = Path(__file__).resolve().parents[2]
PAGE_TIMEOUT_S = 900.0
"""A person may have to find a telephone for a second factor."""
LISTEN_TIMEOUT_S = 300.0
_REQUEST_TIMEOUT_S = 5.0
_MAX_REQUEST = 16_384
_CLOSE_S = 3.0

# One page of text needs no graphics card: no driver to crash in, and no shader cache on the disk.
_DRAWN_BY_CPU = {
    "QTWEBENGINE_CHROMIUM_FLAGS": "--disable-gpu --disable-gpu-compositing",
    "QT_QUICK_BACKEND": "software",
    "QSG_RHI_BACKEND": "software",
}

_THANKS = (
    "<!doctype html><meta charset=utf-8><title>Parallax</title>"
    "<body style='font:16px sans-serif;background:#12161d;color:#dde3ec;margin:15vh auto;max-width:30em'>"
    "<h2>You can close this page.</h2><p>Parallax has the answer and goes on by itself.</p>"
)


class SignInClosed(TerminalError):
    """The person closed the page, or did not come to an end in time. Nothing has changed."""


def has_browser() -> bool:
    """Whether the sign-in page can open inside the program: WebEngine is a part of its own."""
    return importlib.util.find_spec("PySide6.QtWebEngineCore") is not None


class SignInWindow:
    """Opens the window of our own.

    Args:
        command: the beginning of the command line, for a frozen build that has no interpreter.
        environment: added to the child's environment; tests that run as root switch Chromium's sandbox off
            with it. The program itself never does, and so does not open the page as root.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = tuple(command or (sys.executable, "-m", "terminal.app.sign_in_window"))
        self._environment = dict(environment or {})
        self._child: asyncio.subprocess.Process | None = None
        self._is_closing = False

    async def ask(self, page: SignInPage, title: str) -> str:
        """Show the page until it has led to the answer; returns that address, query included.

        Raises:
            SignInClosed: the window was closed.
            TerminalError: the page could not be shown, with the reason in plain words.
        """
        is_root = sys.platform != "win32" and os.geteuid() == 0
        if is_root and "QTWEBENGINE_DISABLE_SANDBOX" not in self._environment:
            raise TerminalError(
                "the embedded page does not open for root",
                user_text="The sign-in page opens for an ordinary user only, not for root. Sign in with your "
                "own browser, or start Parallax as yourself.",
            )
        environment = {key: value for key, value in os.environ.items() if key not in UNSAFE_VARIABLES}
        environment.update(_DRAWN_BY_CPU)
        environment.update(self._environment)
        child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            cwd=None if getattr(sys, "frozen", False) else ROOT,
        )
        self._child, self._is_closing = child, False
        assert child.stdin is not None
        assert child.stdout is not None
        order = {
            "title": title,
            "url": page.url,
            "redirect_url": page.redirect_url,
            "hosts": list(page.hosts),
            "ca_file": page.ca_file,
            "session_expression": page.session_expression,
        }
        try:
            child.stdin.write(json.dumps(order).encode() + b"\n")
            async with asyncio.timeout(PAGE_TIMEOUT_S):
                await child.stdin.drain()
                line = await child.stdout.readline()
        except TimeoutError as error:
            raise SignInClosed("the sign-in page was open for too long") from error
        except (BrokenPipeError, ConnectionResetError):
            line = b""
        finally:
            await _end(child)
            self._child = None
        return _outcome(b'{"closed": true}' if self._is_closing and not line else line)

    def close(self) -> None:
        """Close the window; whoever waits hears :class:`SignInClosed`."""
        child = self._child
        if child is not None and child.returncode is None:
            self._is_closing = True
            with contextlib.suppress(ProcessLookupError):
                child.terminate()


async def _end(child: asyncio.subprocess.Process) -> None:
    """The window has told its outcome, or nobody waits for it any more."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        async with asyncio.timeout(_CLOSE_S):
            await child.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def _outcome(line: bytes) -> str:
    try:
        outcome = json.loads(line) if line.strip() else {}
    except ValueError:
        outcome = {}
    if isinstance(outcome.get("answer"), str):
        return str(outcome["answer"])
    if outcome.get("closed"):
        raise SignInClosed(
            "the sign-in window was closed", user_text="Sign-in was closed. Nothing has changed."
        )
    text = outcome.get("error")
    raise TerminalError(
        f"the sign-in window ended: {text or 'without a word'}",
        user_text=str(text or "The sign-in page has ended unexpectedly. Try again, or use your own browser."),
    )


class SystemBrowser:
    """Opens the person's own browser and listens for its one answer on this machine."""

    def __init__(self, open_url: Callable[[str], bool]) -> None:
        """``open_url`` hands an address to the system; False: it has no browser."""
        self._open_url = open_url
        self._waiting: asyncio.Future[str] | None = None

    async def ask(self, page: SignInPage, title: str) -> str:
        """Wait until the browser has come back to the registered address; returns it, query included.

        The listener answers that one path with that one ``state``, once, and is gone after five minutes.

        Raises:
            SignInClosed: nobody came back in time.
            TerminalError: the port is taken, or there is no browser.
        """
        wanted = urlsplit(page.redirect_url)
        state = parse_qs(urlsplit(page.url).query).get("state", [""])[0]
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting = answer

        async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            status, target = 400, ""
            with contextlib.suppress(TimeoutError, ValueError, asyncio.IncompleteReadError, OSError):
                async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
                status = _judge(method, target, head, wanted.path or "/", wanted.netloc, state)
            body = _THANKS.encode() if status == 200 else b""
            writer.write(
                f"HTTP/1.1 {status} {'OK' if status == 200 else 'Refused'}\r\n"
                "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
                f"Referrer-Policy: no-referrer\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n".encode()
                + body
            )
            with contextlib.suppress(OSError):
                await writer.drain()
            writer.close()
            if status == 200 and not answer.done():
                answer.set_result(f"{wanted.scheme}://{wanted.netloc}{target}")

        try:
            server = await asyncio.start_server(on_client, "127.0.0.1", wanted.port or 80, limit=_MAX_REQUEST)
        except OSError as error:
            raise TerminalError(
                f"cannot listen on {wanted.netloc}: {error}",
                user_text=f"Port {wanted.port} of this machine is taken, so the answer of your browser could "
                "not be received. Close what uses it, or sign in inside the program.",
            ) from error
        try:
            if not self._open_url(page.url):
                raise TerminalError(
                    "no browser", user_text="No browser could be opened. Sign in inside the program instead."
                )
            async with asyncio.timeout(LISTEN_TIMEOUT_S):
                return await answer
        except TimeoutError as error:
            raise SignInClosed(
                "nobody came back from the browser",
                user_text="Your browser did not come back within five minutes. Try again.",
            ) from error
        except asyncio.CancelledError:
            if not answer.cancelled():
                raise
            raise SignInClosed("given up", user_text="Sign-in was closed. Nothing has changed.") from None
        finally:
            self._waiting = None
            server.close()

    def close(self) -> None:
        """Stop waiting; whoever waits hears :class:`SignInClosed`."""
        if self._waiting is not None:
            self._waiting.cancel()


def _judge(method: str, target: str, head: bytes, path: str, host: str, state: str) -> int:
    """The status for one request: only the browser's own coming back is welcome."""
    found = urlsplit(target)
    if method != "GET":
        return 405
    if found.path != path:
        return 404
    headers = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    hosts = [
        value.strip().decode("ascii", "replace") for name, _, value in headers if name.lower() == b"host"
    ]
    if hosts != [host]:
        return 421
    query = parse_qs(found.query)
    if state and query.get("state", [state]) != [state]:
        return 403
    return 200
