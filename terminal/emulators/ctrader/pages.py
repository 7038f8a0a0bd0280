"""The pages of the practice sign-in: plain HTML with its style inside, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #16202c; --soft: #5c6b7c; --line: #d5dde6; --card: #ffffff;
  --ground: #eef2f6; --accent: #0a6cd6; --accent-ink: #ffffff; --mark: #8a5a00; --mark-ground: #fff3d6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf5; --soft: #9aabbd; --line: #33414f;
  --card: #1b2530; --ground: #10171f; --accent: #3d95f5; --accent-ink: #06121f; --mark: #ffcf70;
  --mark-ground: #3a2c0b; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; align-items: center; justify-content: center;
  padding: 24px; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 430px; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px; padding: 28px; box-shadow: 0 10px 30px rgb(0 0 0 / .10); }
.mark { display: inline-block; padding: 3px 10px; border-radius: 999px; background: var(--mark-ground);
  color: var(--mark); font-size: 12px; font-weight: 700; letter-spacing: .1em; }
h1 { font-size: 21px; margin: 14px 0 6px; }
p { margin: 0 0 14px; color: var(--soft); }
strong { color: var(--ink); }
fieldset { border: 1px solid var(--line); border-radius: 8px; margin: 0 0 16px; padding: 0; }
legend { margin-left: 10px; padding: 0 6px; color: var(--soft); font-size: 13px; }
label { display: flex; gap: 12px; align-items: center; padding: 11px 14px; cursor: pointer; }
label + label { border-top: 1px solid var(--line); }
label span { flex: 1; }
label small { display: block; color: var(--soft); }
.kind { font-size: 11px; font-weight: 700; letter-spacing: .06em; border: 1px solid currentColor;
  border-radius: 4px; padding: 1px 6px; color: var(--soft); flex: 0 0 auto; }
input[type=checkbox] { width: 17px; height: 17px; accent-color: var(--accent); }
.actions { display: flex; gap: 10px; }
button { flex: 1; font: inherit; font-weight: 600; padding: 11px 14px; border-radius: 8px; cursor: pointer;
  border: 1px solid var(--line); background: transparent; color: var(--ink); }
button.main { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
footer { margin-top: 16px; font-size: 12.5px; color: var(--soft); }
"""

HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


class AccountRow(NamedTuple):
    """An account as the consent page lists it."""

    ctid: int
    login: int
    broker: str
    is_live: bool
    note: str
    """Such as ``hedged, USD``."""


def login(visit: str) -> bytes:
    """Where a person signs in; one click."""
    return _page(
        "Sign in",
        f"""<h1>Sign in to your practice cTrader ID</h1>
<p>This is the practice venue that came with your terminal. No real account, no password: one click signs
you in.</p>
<form method="post" action="/practice/login">
<input type="hidden" name="visit" value="{escape(visit)}">
<div class="actions"><button class="main" type="submit" id="sign-in" autofocus>Sign in as
practice.trader</button></div>
</form>
<footer>At the real venue this page asks for your cTrader ID and password.</footer>""",
    )


def consent(visit: str, scope: str, accounts: Sequence[AccountRow]) -> bytes:
    """Where a person picks accounts and allows or denies."""
    wish = "view and trade on" if scope == "trading" else "view"
    rows = "\n".join(
        f'<label><input type="checkbox" name="account" value="{row.ctid}" checked>'
        f"<span>{row.login}<small>{escape(row.broker)}, {escape(row.note)}</small></span>"
        f'<span class="kind">{"LIVE" if row.is_live else "DEMO"}</span></label>'
        for row in accounts
    )
    return _page(
        "Grant access",
        f"""<h1>Grant access</h1>
<p><strong>Practice application</strong> wants to <strong>{wish}</strong> these accounts of
practice.trader. All of them are play money, the one marked LIVE too.</p>
<form method="post" action="/practice/consent">
<input type="hidden" name="visit" value="{escape(visit)}">
<fieldset><legend>Accounts to share</legend>
{rows}
</fieldset>
<div class="actions"><button type="submit" name="answer" value="deny" id="deny">Deny</button>
<button class="main" type="submit" name="answer" value="allow" id="allow" autofocus>Allow
access</button></div>
</form>""",
    )


def problem(title: str, text: str) -> bytes:
    """What went wrong, in a sentence."""
    return _page(title, f"<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>")


def _page(title: str, body: str) -> bytes:
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)} | practice cTrader</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{_STYLE}</style></head>\n<body><main><span class="mark">PRACTICE</span>\n{body}\n'
        "</main></body></html>\n"
    ).encode()
