"""Pages of the practice Quotex's web site: plain HTML with its style inside, nothing loaded from anywhere.

Forms, classes and ids are those that clients look for (section 2 of the protocol reference).
"""

from __future__ import annotations

import json
from html import escape
from typing import Any, Final

WRONG_PASSWORD: Final = "Invalid credentials. Check your e-mail and password."
WRONG_PIN: Final = "The code is wrong. Check the last message and try again."
LOCKED: Final = "Too many wrong codes. Sign in again."
NOT_AVAILABLE: Final = "Sorry, our service is not available in your region"

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #16202c; --soft: #5c6b7c; --line: #d5dde6; --card: #ffffff;
  --ground: #eef2f6; --accent: #0a6cd6; --accent-ink: #ffffff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf5; --soft: #9aabbd; --line: #33414f;
  --card: #1b2530; --ground: #10171f; --accent: #3d95f5; --accent-ink: #06121f; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; align-items: center; justify-content: center;
  padding: 24px; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 430px; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px; padding: 28px; }
h1 { font-size: 21px; margin: 0 0 6px; }
p { margin: 0 0 14px; color: var(--soft); }
form > div { margin-bottom: 14px; }
label { display: block; color: var(--soft); font-size: 13px; }
input[type=email], input[type=password], input[type=text] { width: 100%; font: inherit; padding: 10px 12px;
  border: 1px solid var(--line); border-radius: 8px; background: transparent; color: var(--ink); }
button { width: 100%; font: inherit; font-weight: 600; padding: 11px 14px; border-radius: 8px;
  border: 1px solid var(--accent); background: var(--accent); color: var(--accent-ink); cursor: pointer; }
.mailbox { margin-top: 22px; padding: 12px 14px; border: 1px dashed var(--line); border-radius: 8px; }
.mailbox h2 { font-size: 13px; margin: 0 0 4px; }
.mailbox p { margin: 0; }
.mailbox strong { color: var(--ink); user-select: all; }
.error, form > div > div, .hint--danger { color: var(--bad); font-size: 13px; margin-top: 6px; }
"""

HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
)


def sign_in(lang: str, csrf: str, email: str, password: str, problem: str = "") -> bytes:
    """The form, filled in with the practice account."""
    error = f"<div>{escape(problem)}</div>" if problem else ""
    return _page(
        "Sign in",
        f"""<main><h1>Sign in to Quotex</h1>
<p>This is the practice venue that came with your terminal: no real account, play money only.</p>
<div id="tab-1"><form method="post" action="/{lang}/sign-in/">
<div><input type="hidden" name="_token" value="{escape(csrf)}"><input type="hidden" name="remember" value="1">
<label>E-mail<input type="email" name="email" value="{escape(email)}" required></label></div>
<div><label>Password<input type="password" name="password" value="{escape(password)}" required></label>
{error}</div>
<button type="submit" id="sign-in">Sign in</button>
</form></div></main>""",
    )


def not_available(csrf: str) -> bytes:
    """The service is not offered here."""
    return _page(
        "Sign in",
        f"""<main><div id="tab-1"><div><input type="hidden" name="_token" value="{escape(csrf)}">
<div class="modal-sign__not-avalible__title">{escape(NOT_AVAILABLE)}</div></div></div></main>""",
    )


def pin(lang: str, csrf: str, email: str, code: str, problem: str = "") -> bytes:
    """Asks for the code that the real venue sends by e-mail. Nothing is sent here: the mailbox of the
    practice account stands below the form."""
    error = f'<div class="hint--danger">{escape(problem)}</div>' if problem else ""
    return _page(
        "Enter the PIN",
        f"""<main class="auth__body"><p>Please enter the PIN-code we have just sent to your e-mail</p>
<form method="post" action="/{lang}/sign-in/modal">
<div><input type="hidden" name="_token" value="{escape(csrf)}">
<input type="hidden" name="keep_code" value="1">
<label>PIN<input type="text" name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus>
</label>{error}</div>
<button type="submit" id="confirm">Confirm</button>
</form>
<section class="mailbox"><h2>Practice mailbox of {escape(email)}</h2>
<p>From Quotex (practice): your PIN-code is <strong>{escape(code)}</strong></p></section></main>""",
    )


def trade(settings: dict[str, Any]) -> bytes:
    """The page of the web terminal, as far as clients read it."""
    text = json.dumps(settings, default=str).replace("</", "<\\/")
    return _page(
        "Trading",
        f"""<main><h1>Signed in</h1><p>The practice venue knows you now; you can go back to your terminal.</p>
</main><script type="application/json">{{"theme":"dark"}}</script>
<script type="text/javascript">window.settings = {text};</script>
<script type="text/javascript">window.features = {{"token":""}};</script>""",
    )


def challenge() -> bytes:
    """What a bot filter shows to a client that it does not take for a browser."""
    return _page(
        "Just a moment...",
        """<main><h1>Checking your browser</h1><p>This page appears while the site checks that you are not a
robot. Enable JavaScript and cookies to continue.</p></main>""",
    )


def problem(title: str, text: str) -> bytes:
    """What went wrong, in a sentence."""
    return _page(title, f"<main><h1>{escape(title)}</h1><p>{escape(text)}</p></main>")


def _page(title: str, body: str) -> bytes:
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)} | practice Quotex</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"
    ).encode()
