"""Taking a session over from a venue's own page: a real page in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminal.app.sign_in import SignInWindow
from terminal.domain.errors import AuthRejected
from terminal.venues.base import ConnectorSettings, SignInPage
from terminal.venues.quotex.password import from_page
from tests.e2e.test_login_window import ENVIRONMENT, Site, pytestmark, with_site
from tests.helpers import run

__all__ = ["pytestmark"]

GO = "<script>setTimeout(() => { location.href = '/en/trade' }, 50)</script>"
SETTINGS = '{"token":"tk;93ab\\"51","isDemo":1}'
TRADE = f'<html><script type="text/javascript">window.settings = {SETTINGS};</script></html>'


def pages_of(site: Site) -> list[str]:
    return [each for each in site.asked if each.startswith("/en/")]


def test_token_cookies_and_user_agent_of_the_page_are_the_session(tmp_path: Path) -> None:
    async def body(site: Site, page: SignInPage) -> None:
        base = f"https://localhost:{site.port}"
        attempt = from_page(ConnectorSettings({"https": base, "ca": page.ca_file}))
        answer = await SignInWindow(environment=ENVIRONMENT).ask(attempt.page, "Sign in")
        found = await attempt.finish(answer)
        assert found["token"].reveal() == 'tk;93ab"51'
        assert found["cookies"].reveal() == "id=1"
        agent = next(
            line for line in site.headers[-1].split("\r\n") if line.lower().startswith("user-agent:")
        )
        assert found["user_agent"].reveal() == agent.partition(":")[2].strip()
        assert pages_of(site) == ["/en/sign-in", "/en/trade"]

    pages: dict[str, str | tuple[int, str]] = {
        "/en/sign-in": f"<html>{GO}</html>",
        "/en/trade": TRADE,
    }
    with_site(tmp_path, pages, body)


def test_a_trading_page_without_a_session_is_waited_on(tmp_path: Path) -> None:
    """Signed out, Quotex shows that page too: only a token ends it."""

    async def body(site: Site, page: SignInPage) -> None:
        base = f"https://localhost:{site.port}"
        attempt = from_page(ConnectorSettings({"https": base, "ca": page.ca_file}))
        answer = await SignInWindow(environment=ENVIRONMENT).ask(attempt.page, "Sign in")
        assert (await attempt.finish(answer))["token"].reveal() == 'tk;93ab"51'
        assert pages_of(site) == ["/en/sign-in", "/en/first/trade", "/en/trade"]

    first = GO.replace("/en/trade", "/en/first/trade")
    pages: dict[str, str | tuple[int, str]] = {
        "/en/sign-in": f"<html>{first}</html>",
        "/en/first/trade": f"<html><script>window.settings = {{}};</script>{GO}</html>",
        "/en/trade": TRADE,
    }
    with_site(tmp_path, pages, body)


@pytest.mark.parametrize("answer", ["", "{}", '{"value":"","cookies":"a=b","user_agent":"x"}', "no json"])
def test_an_answer_without_a_session_is_refused_in_words(answer: str) -> None:
    with pytest.raises(AuthRejected):
        run(from_page(ConnectorSettings({})).finish(answer))
