"""The connections dialog by hand: an account of the practice venue, entered as if it were the real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit

from terminal.app.compose import Terminal
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.services.session import Mode, SessionState
from terminal.viewmodels.connect import PASSPHRASE
from terminal.widgets import blotter as tabs
from terminal.widgets.connect_dialog import ConnectDialog
from tests.e2e.screen_harness import Desk, run_screen
from tests.practice import Practice

LIVE = "kraken:live"
WORDS = "correct horse battery"
"""The passphrase: a throw-away profile leaves nothing in the system's keychain."""


def at_loopback(practice: Practice) -> Callable[[Terminal], None]:
    """Settings that let "the real Kraken" be the practice venue."""

    def prepare(terminal: Terminal) -> None:
        for name in ("rest", "ws_public", "ws_private"):
            terminal.settings.set(f"endpoint.{name}", practice.entry[name], "kraken")
        # The real one asks for a second between public calls, and each market's past is one.
        terminal.settings.set("watch.symbols", ("BTC/USD", "ETH/USD"), "kraken")

    return prepare


async def open_form(desk: Desk) -> ConnectDialog:
    """Click the venue's card and choose to connect an account."""
    await desk.hand.click(desk.window.strip._cards["kraken"])
    menu = desk.menu()
    entry = next(
        action.text() for action in menu.actions() if "ccount" in action.text() and "…" in action.text()
    )
    await desk.hand.trigger(menu, entry)
    await desk.until(lambda: desk.dialog(ConnectDialog) is not None, "the form")
    dialog = desk.dialog(ConnectDialog)
    assert isinstance(dialog, ConnectDialog)
    return dialog


async def enter(desk: Desk, dialog: ConnectDialog, entries: dict[str, str]) -> None:
    for name, text in entries.items():
        field = dialog._fields[name].edit
        dialog._area.ensureWidgetVisible(field)
        await desk.frame()
        await desk.hand.paste(field, text)
        assert field.text() == text
        assert field.displayText() != text or field.echoMode() is QLineEdit.EchoMode.Normal
    QGuiApplication.clipboard().clear()


async def test_key(desk: Desk, dialog: ConnectDialog, key: dict[str, str | None]) -> str:
    """Enter a key and test it; what the form then says."""
    entries = {"api_key": str(key["key"]), "api_secret": str(key["secret"])}
    await enter(desk, dialog, entries)
    await desk.hand.click(dialog.test)
    await desk.until(
        lambda: not dialog._vm.is_busy and (dialog._vm.report is not None or dialog._vm.error),
        "what the venue says of the key",
    )
    await desk.frame()
    return desk.words(dialog)


test_key.__test__ = False  # type: ignore[attr-defined]  # a step, not a test


async def close(desk: Desk, dialog: ConnectDialog) -> None:
    await desk.hand.click(dialog.cancel)
    await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a closed form")


def kept(desk: Desk) -> list[Path]:
    """What lies where keys are kept."""
    folder = desk.paths.vault
    return [file for file in folder.rglob("*") if file.is_file()] if folder.exists() else []


def require_no_key_on_disk(folder: Path, practice: Practice) -> None:
    secrets = [str(row[name]).encode() for row in practice.entry["keys"] for name in ("key", "secret")]
    for file in folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not [one for one in secrets if one in data], f"a key is in {file}"
            assert WORDS.encode() not in data, f"the passphrase is in {file}"


def test_a_key_is_tested_kept_in_the_vault_and_trades(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        dialog = await open_form(desk)
        # Not the key of the practice session itself: the two would share one rate limit.
        said = await test_key(desk, dialog, practice.key("second"))
        for right in ("Query funds", "Create and change orders", "Cancel orders", "Use the WebSocket"):
            assert f"✓  {right}" in said, said
        assert "▲" not in said, "nothing to warn of"
        assert not kept(desk), "nothing is kept before it was asked for"
        assert dialog.go.text() == "Keep the key and connect"

        await desk.hand.click(dialog.go)
        assert "8 characters" in desk.words(dialog), "the vault needs a passphrase"
        await enter(desk, dialog, {PASSPHRASE: WORDS})
        await desk.hand.click(dialog.go)
        await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a form that closes by itself", 20)
        session = desk.terminal.sessions.sessions["kraken"]
        assert session.mode is Mode.LIVE
        await desk.until(lambda: session.state is SessionState.LIVE, "a live account", 20)
        await desk.until(lambda: desk.window.top_bar.badge.text() == "LIVE", "the badge")
        assert not desk.window.top_bar.badge._striped
        await desk.until_live()
        assert "PRACTICE" not in desk.words(desk.ticket)
        assert "no money moves" not in desk.words(desk.ticket)
        assert len(kept(desk)) == 1

        await desk.fill_in(price=desk.away(Side.BUY, "0.3"), size="0.001")
        await desk.press_side(Side.BUY)
        await desk.until(desk.card().isVisible, "the question")
        assert "LIVE" in desk.words(desk.card())
        await desk.confirm()
        await desk.until(lambda: [o.state for o in desk.orders] == [OrderState.OPEN], "an open order")
        assert desk.orders[0].account == LIVE
        await desk.show_tab(tabs.ORDERS)
        await desk.hand.click(desk.blotter.orders.cancel_all)
        await desk.until(lambda: desk.orders[0].state is OrderState.CANCELED, "no open order")

        dialog = await open_form(desk)
        await desk.until(dialog.forget.isVisible, "the kept key")
        await desk.hand.click(dialog.forget)
        await desk.until(lambda: not dialog._vm.has_keys and not dialog._vm.is_busy, "a forgotten key")
        await close(desk, dialog)
        await desk.until(lambda: desk.window.top_bar.badge.text() == "PRACTICE", "practice again", 20)

    run_screen(practice, tmp_path, body, prepare=at_loopback(practice))
    require_no_key_on_disk(tmp_path, practice)


def test_each_kind_of_key_is_told_apart_at_once(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        dialog = await open_form(desk)
        said = await test_key(desk, dialog, practice.key("read-only"))
        assert "–  Create and change orders: not granted" in said, said
        assert "watch only" in said
        await close(desk, dialog)

        dialog = await open_form(desk)
        said = await test_key(desk, dialog, practice.key("withdraw"))
        assert "✓  Withdraw funds" in said
        assert "never needs that" in said
        await close(desk, dialog)

        dialog = await open_form(desk)
        said = await test_key(desk, dialog, practice.key("no-websocket"))
        assert "–  Use the WebSocket: not granted" in said
        assert "Not granted: use the websocket" in said
        await close(desk, dialog)

        right = practice.key("practice")
        for wrong in (
            {"key": "A" * 56, "secret": right["secret"]},
            {"key": right["key"], "secret": practice.key("second")["secret"]},
            {"key": right["key"], "secret": "abc"},
            {"key": right["key"], "secret": "-5"},
        ):
            dialog = await open_form(desk)
            said = await test_key(desk, dialog, wrong)
            assert dialog.error.isVisible(), said
            assert dialog._vm.report is None
            text = dialog.error.text()
            assert 15 < len(text) < 200, text
            for code in ("EAPI", "Traceback", "Error(", "None"):
                assert code not in text
            assert "key" in text.lower(), text
            assert dialog.go.text() == "Connect"
            assert not dialog.go.isEnabled()
            await close(desk, dialog)
        assert not kept(desk)
        assert desk.terminal.sessions.sessions["kraken"].mode is Mode.PRACTICE

    run_screen(practice, tmp_path, body, prepare=at_loopback(practice), wait=False)
    require_no_key_on_disk(tmp_path, practice)


def test_a_watch_only_key_shows_balances_and_an_order_is_refused_in_plain_words(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        dialog = await open_form(desk)
        await test_key(desk, dialog, practice.key("read-only"))
        await enter(desk, dialog, {PASSPHRASE: WORDS})
        await desk.hand.click(dialog.go)
        await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a form that closes by itself", 20)
        await desk.until(lambda: desk.terminal.portfolio.is_known(LIVE), "balances", 20)
        await desk.until(lambda: desk.balance("USD"), "balances on screen")
        await desk.until_live()
        await desk.fill_in(price=desk.away(Side.BUY, "0.3"), size="0.001")
        await desk.press_side(Side.BUY)
        await desk.confirm()
        await desk.until(lambda: desk.orders and desk.orders[0].state is OrderState.REJECTED, "a refusal")
        said = desk.words(desk.ticket._result)
        assert "EGeneral" not in said, said
        assert "key" in said.lower(), said

    run_screen(practice, tmp_path, body, prepare=at_loopback(practice))
