from __future__ import annotations

import asyncio
import socket

import pytest

from terminal.app.sign_in import SignInClosed, SystemBrowser
from terminal.core import tasks
from terminal.domain.errors import TerminalError
from terminal.venues.base import SignInPage
from tests.helpers import eventually, free_port, run


async def send(port: int, text: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.replace("\n", "\r\n").encode())
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer.decode()


class Visit:
    """A sign-in in the person's own browser: the page that was opened, and where it listens."""

    def __init__(self) -> None:
        self.port = free_port()
        self.opened: list[str] = []
        self.browser = SystemBrowser(self.open)
        self.page = SignInPage(
            f"https://id.example/grant?client_id=1&state=S1&redirect_uri=http://localhost:{self.port}/callback",
            f"http://localhost:{self.port}/callback",
            ("id.example",),
        )

    def open(self, url: str) -> bool:
        self.opened.append(url)
        return True

    async def begin(self) -> asyncio.Task[str]:
        task = tasks.spawn(self.browser.ask(self.page, "Sign in"), name="sign in")
        await eventually(lambda: self.opened, 10, "an opened browser")
        return task

    def get(self, target: str, host: str | None = None) -> str:
        return f"GET {target} HTTP/1.1\nHost: {host or f'localhost:{self.port}'}\n\n"


def test_the_answer_of_the_browser_ends_it_and_the_listener_is_gone() -> None:
    async def main() -> None:
        visit = Visit()
        task = await visit.begin()
        answer = await send(visit.port, visit.get("/callback?code=C1&state=S1"))
        assert answer.startswith("HTTP/1.1 200")
        assert "no-store" in answer
        assert "no-referrer" in answer
        assert "C1" not in answer
        assert await task == f"http://localhost:{visit.port}/callback?code=C1&state=S1"
        with pytest.raises(OSError):
            await send(visit.port, visit.get("/callback?code=C2&state=S1"))

    run(main())


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("/callback?code=C1&state=other", None, 403),
        ("/other?code=C1&state=S1", None, 404),
        ("/callback?code=C1&state=S1", "evil.example", 421),
        ("/callback?code=C1&state=S1&state=S2", None, 403),
    ],
)
def test_what_is_not_the_browser_coming_back_is_refused(target: str, host: str | None, status: int) -> None:
    async def main() -> None:
        visit = Visit()
        task = await visit.begin()
        assert (await send(visit.port, visit.get(target, host))).startswith(f"HTTP/1.1 {status}")
        assert not task.done()
        # The real one still gets through afterwards.
        await send(visit.port, visit.get("/callback?code=C9&state=S1"))
        assert "code=C9" in await task

    run(main())


@pytest.mark.parametrize(
    "text", ["POST /callback?code=C1&state=S1 HTTP/1.1\nHost: localhost\n\n", "nonsense\n\n", "GET  \n\n"]
)
def test_other_methods_and_nonsense_are_refused(text: str) -> None:
    async def main() -> None:
        visit = Visit()
        task = await visit.begin()
        assert (await send(visit.port, text)).startswith("HTTP/1.1 40")
        await send(visit.port, visit.get("/callback?error=denied&state=S1"))
        assert "error=denied" in await task

    run(main())


def test_a_taken_port_and_a_missing_browser_are_said() -> None:
    async def main() -> None:
        visit = Visit()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", visit.port))
            taken.listen()
            with pytest.raises(TerminalError, match="listen") as caught:
                await visit.browser.ask(visit.page, "Sign in")
            assert str(visit.port) in caught.value.user_text
        with pytest.raises(TerminalError, match="no browser"):
            await SystemBrowser(lambda url: False).ask(visit.page, "Sign in")

    run(main())


def test_giving_up_ends_the_waiting() -> None:
    async def main() -> None:
        visit = Visit()
        task = await visit.begin()
        visit.browser.close()
        with pytest.raises(SignInClosed):
            await task

    run(main())
