"""The sign-in window as the terminal opens it: a process of its own, a real page, a real TLS server."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from terminal.app.sign_in import SignInClosed, SignInWindow, has_browser
from terminal.domain.errors import TerminalError
from terminal.venues.base import SignInPage
from tests.helpers import eventually, run
from tests.tls import Authority, make_authority

pytestmark = pytest.mark.skipif(not has_browser(), reason="the page engine is not installed")

# Tests run as root here and there, where Chromium's sandbox cannot.
ENVIRONMENT = {"QTWEBENGINE_DISABLE_SANDBOX": "1", "QT_QPA_PLATFORM": "offscreen"}
REDIRECT = "http://localhost:23682/callback"


@dataclass
class Site:
    """A web site of a few pages over TLS that remembers what was asked of it."""

    pages: dict[str, str | tuple[int, str]]
    port: int = 0
    asked: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def start(self, context: ssl.SSLContext) -> None:
        self._server = await asyncio.start_server(self._on_client, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        target = head.split(" ", 2)[1]
        self.asked.append(target)
        self.headers.append(head)
        page = self.pages.get(target.partition("?")[0], (404, ""))
        status, body = (200, page) if isinstance(page, str) else page
        extra = ""
        if status == 302:
            extra, body = f"Location: {body}\r\n", ""
        elif body.startswith("attachment:"):
            extra = "Content-Disposition: attachment; filename=x.bin\r\n"
        kind = "application/octet-stream" if extra.startswith("Content") else "text/html"
        writer.write(
            f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nSet-Cookie: id=1\r\n{extra}"
            f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()


def with_site(
    tmp_path: Path,
    pages: dict[str, str | tuple[int, str]],
    body: Callable[[Site, SignInPage], object],
    *,
    trusted: bool = True,
    host: str = "localhost",
    expired: bool = False,
    path: str = "/start",
) -> Site:
    """Run a test against a site of a fresh authority that the page trusts, or does not."""
    site = Site(pages)
    authority: Authority = make_authority(tmp_path)

    async def main() -> None:
        await site.start(authority.server_context(tmp_path, host, expired=expired))
        page = SignInPage(
            f"https://localhost:{site.port}{path}?state=s1",
            REDIRECT,
            ("localhost",),
            str(authority.file) if trusted else "",
        )
        try:
            await body(site, page)  # type: ignore[misc]
        finally:
            await site.stop()

    run(main())
    return site


def test_the_redirect_is_caught_before_it_is_requested(tmp_path: Path) -> None:
    listened: list[bytes] = []

    async def body(site: Site, page: SignInPage) -> None:
        async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            listened.append(await reader.read(1000))
            writer.close()

        server = await asyncio.start_server(on_client, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        redirect = f"http://localhost:{port}/callback"
        site.pages["/start"] = (302, f"{redirect}?code=C1&state=s1")
        answer = await SignInWindow(environment=ENVIRONMENT).ask(
            SignInPage(page.url, redirect, page.hosts, page.ca_file), "Sign in"
        )
        server.close()
        assert answer == f"{redirect}?code=C1&state=s1"

    site = with_site(tmp_path, {}, body)
    assert site.asked == ["/start?state=s1"]
    assert listened == []


def test_only_the_hosts_of_the_sign_in_are_asked(tmp_path: Path) -> None:
    """Nothing from elsewhere is requested; popups, downloads and questions for permission lead nowhere."""
    foreign: list[str] = []

    async def body(site: Site, page: SignInPage) -> None:
        other = Site({"/x.png": "no", "/frame": "no"})
        authority = make_authority(tmp_path, "Other authority")
        await other.start(authority.server_context(tmp_path, "127.0.0.1"))
        elsewhere = f"https://127.0.0.1:{other.port}"
        site.pages["/start"] = (
            f"<img src='{elsewhere}/x.png'><script src='{elsewhere}/x.js'></script>"
            f"<iframe src='{elsewhere}/frame'></iframe><a id=d href='/file'></a>"
            "<script>window.open('/popup');"
            "onload=()=>{document.getElementById('d').click();"
            f"navigator.geolocation.getCurrentPosition(()=>0,()=>location.href='{REDIRECT}?code=C&state=s1')}}"
            "</script>"
        )
        site.pages["/file"] = "attachment: never kept"
        answer = await SignInWindow(environment=ENVIRONMENT).ask(page, "Sign in")
        await other.stop()
        foreign.extend(other.asked)
        assert answer == f"{REDIRECT}?code=C&state=s1"

    site = with_site(tmp_path, {}, body)
    assert foreign == []
    assert not any(each.startswith("/popup") for each in site.asked)


@pytest.mark.parametrize(
    ("host", "trusted", "expired"),
    [("localhost", False, False), ("otherhost", True, False), ("localhost", True, True)],
    ids=["unknown authority", "wrong host", "expired"],
)
def test_a_certificate_that_does_not_hold_ends_it_with_the_reason(
    tmp_path: Path, host: str, trusted: bool, expired: bool
) -> None:
    async def body(site: Site, page: SignInPage) -> None:
        with pytest.raises(TerminalError, match="certificate") as caught:
            await SignInWindow(environment=ENVIRONMENT).ask(page, "Sign in")
        assert "localhost" in caught.value.user_text

    pages: dict[str, str | tuple[int, str]] = {"/start": (302, f"{REDIRECT}?code=C1&state=s1")}
    site = with_site(tmp_path, pages, body, trusted=trusted, host=host, expired=expired)
    assert site.asked == []


def test_a_window_that_is_closed_says_so_and_leaves_no_process(tmp_path: Path) -> None:
    async def body(site: Site, page: SignInPage) -> None:
        window = SignInWindow(environment=ENVIRONMENT)

        async def close_when_open() -> None:
            await eventually(lambda: site.asked, 30, "an opened page")
            window.close()

        closing = asyncio.ensure_future(close_when_open())  # noqa: TID251 - awaited below
        with pytest.raises(SignInClosed):
            await window.ask(page, "Sign in")
        await closing
        assert window._child is None

    with_site(tmp_path, {"/start": "Sign in here"}, body)


def test_as_root_the_page_does_not_open_without_its_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    page = SignInPage("https://localhost/", REDIRECT, ("localhost",))

    async def main() -> None:
        with pytest.raises(TerminalError, match="root"):
            await SignInWindow().ask(page, "Sign in")

    run(main())


def test_unsafe_variables_do_not_reach_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the window that tells which variables it was given."""
    monkeypatch.setenv("QTWEBENGINE_REMOTE_DEBUGGING", "9222")
    monkeypatch.setenv("QTWEBENGINE_CHROMIUM_FLAGS", "--disable-web-security")
    script = tmp_path / "window.py"
    script.write_text(
        "import json, os, sys\nsys.stdin.readline()\n"
        "found = sorted(f'{key}={value}' for key, value in os.environ.items() if key.startswith('QTWEB'))\n"
        "print(json.dumps({'answer': ','.join(found)}))\n",
        encoding="utf-8",
    )

    async def main() -> str:
        window = SignInWindow(command=(sys.executable, str(script)), environment=ENVIRONMENT)
        return await window.ask(SignInPage("https://localhost/", REDIRECT, ("localhost",)), "Sign in")

    told = run(main())
    assert "REMOTE_DEBUGGING" not in told
    assert "disable-web-security" not in told
    assert "QTWEBENGINE_DISABLE_SANDBOX=1" in told, "what a test asks for does"


def test_closed_by_the_person_is_not_an_error_of_the_page(tmp_path: Path) -> None:
    script = tmp_path / "window.py"
    script.write_text("import sys\nsys.stdin.readline()\nprint('{\"closed\": true}')\n", encoding="utf-8")

    async def main() -> None:
        window = SignInWindow(command=(sys.executable, str(script)), environment=ENVIRONMENT)
        with pytest.raises(SignInClosed):
            await window.ask(SignInPage("https://localhost/", REDIRECT, ("localhost",)), "Sign in")

    run(main())
