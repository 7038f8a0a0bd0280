"""The network itself, through the whole application: TLS (14), names, no network, sleep (15)."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from terminal.app.compose import Terminal
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.services.session import Mode
from terminal.viewmodels.book import LadderState
from terminal.viewmodels.tape import TapeState
from tests.e2e.relay import relay
from tests.e2e.rig import BTC, QUICK_LINKS, rig
from tests.e2e.screen_harness import Desk, run_screen
from tests.e2e.test_connect_account import close, open_form, test_key
from tests.helpers import eventually, run
from tests.practice import Practice, RunningVenues
from tests.unit.transport.servers import Authority, tls_listener

test_key.__test__ = False  # type: ignore[attr-defined]  # a step, not a test

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = "127.0.0.2"
"""Another address of this machine; Linux has it without being asked."""
SOCKETS = "connect/ws*"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs a second address on loopback, and /proc")


# -- TLS -------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[Callable[[Authority], ssl.SSLContext], str]] = {
    "self-signed": (lambda authority: authority.server(self_signed=True), "self-signed"),
    "wrong host": (lambda authority: authority.server("other.example"), "for another"),
    "expired": (lambda authority: authority.server(valid_days=(-30, -1)), "expired"),
    "outdated": (lambda authority: authority.server(outdated=True), "outdated"),
}
WAYS_ROUND = ("anyway", "continue", "ignore", "proceed", "trust", "exception", "insecure")


# httpcore 1.0 closes the socket of a TLS handshake that fails, and leaves the one of a handshake that is
# canceled (by quitting, here) to Python's collector, which complains. May go once its start_tls closes both.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.fault(14)
@pytest.mark.parametrize("kind", BAD)
def test_a_venue_that_cannot_prove_who_it_is_gets_nothing_and_the_reason_is_said(
    kind: str, practice: Practice, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, words = BAD[kind]
    authority = Authority(tmp_path)
    # The authority of the test is one of the system's: what is refused is refused for what it is.
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))

    with tls_listener(make(authority)) as door:

        def prepare(terminal: Terminal) -> None:
            for name, scheme in (("rest", "https"), ("ws_public", "wss"), ("ws_private", "wss")):
                terminal.settings.set(f"endpoint.{name}", f"{scheme}://127.0.0.1:{door.port}", "kraken")
            terminal.settings.set("venue.mode", Mode.PUBLIC.value, "kraken")

        async def body(desk: Desk) -> None:
            card = desk.window.strip._cards["kraken"]
            await desk.until(lambda: words in card.toolTip(), f"“{words}” on the card", 20.0)
            assert "Secure connection refused" in card.toolTip()
            await desk.until(lambda: card.state.text() == "reconnecting", "the card's word")
            assert desk.screen.ladder.state is not LadderState.LIVE
            # With a key in the hand, too: it is not shown to whoever answers there.
            dialog = await open_form(desk)
            said = await test_key(desk, dialog, practice.key("second"))
            assert words in dialog.error.text(), said
            assert not dialog.go.isEnabled()
            require_no_way_round(desk)
            await close(desk, dialog)
            assert door.knocks >= 2
            assert door.heard == []

        run_screen(
            practice,
            tmp_path,
            body,
            prepare=prepare,
            wait=False,
            errors_expected=("secure connection refused",),
        )


def require_no_way_round(desk: Desk) -> None:
    """Nothing that can be pressed offers to go on all the same."""
    found = [
        text.lower()
        for window in (desk.window, *QApplication.topLevelWidgets())
        for widget in window.findChildren(QWidget)
        if isinstance(widget, QAbstractButton | QLabel) and widget.isVisible()
        for text in (widget.text(), widget.toolTip())
    ]
    found += [action.text().lower() for action in desk.window.actions()]
    assert not [text for text in found for word in WAYS_ROUND if word in text]


# -- names -----------------------------------------------------------------------------------------------


class Names:
    """Stands for the name server: it knows one name, or nobody answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.address: str | None = "127.0.0.1"
        self.asked = 0
        look_up = socket.getaddrinfo

        def answer(host: Any, *rest: Any, **named: Any) -> Any:
            if host not in ("localhost", b"localhost"):
                return look_up(host, *rest, **named)
            self.asked += 1
            if self.address is None:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return look_up(self.address, *rest, **named)

        monkeypatch.setattr(socket, "getaddrinfo", answer)


def at_host(practice: Practice, host: str) -> dict[str, Any]:
    """The practice venue's addresses with another host in them."""
    entry = dict(practice.entry)
    for name in ("rest", "ws_public", "ws_private"):
        entry[name] = entry[name].replace("127.0.0.1", host)
    return {"kraken": entry}


def door_of(practice: Practice) -> tuple[str, int]:
    address = urlsplit(practice.entry["ws_public"])
    assert address.hostname is not None
    assert address.port is not None
    return address.hostname, address.port


@on_linux
@pytest.mark.fault(15)
def test_a_name_that_cannot_be_looked_up_and_then_means_another_address(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(monkeypatch)
    venues = RunningVenues(practice, tmp_path)
    venues.endpoints = at_host(practice, "localhost")

    async def main() -> None:
        async with rig(practice, tmp_path, venues=venues) as found:
            order = await found.resting()
            names.address = None
            await practice.fault("cut", match=SOCKETS)
            await found.until(lambda: "cannot be looked up" in found.session.reason, "the reason")
            await found.until(lambda: not found.ready, "closed")
            assert found.terminal.market.book(BTC) is None
            # Each try asks anew, so the new address needs no restart.
            host, port = door_of(practice)
            async with relay(ELSEWHERE, port, (host, port)) as moved:
                names.address = ELSEWHERE
                await found.until_ready()
                assert moved.accepted >= 2
                assert order.state is OrderState.OPEN
                await found.resting(quantity="0.002")
                await found.require_same_as_venue()
                # Back again before the relay goes.
                names.address = "127.0.0.1"
            await found.until(lambda: not found.ready, "cut")
            await found.until_ready()

    run(main(), timeout_s=100)


# -- no network ------------------------------------------------------------------------------------------


@on_linux
@pytest.mark.fault(15)
def test_without_a_network_it_starts_with_the_last_layout_and_heals_by_itself(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def first(desk: Desk) -> None:
        await desk.hand.click(desk.window.workspace.bars["tape"].close_button)
        await desk.until(lambda: not desk.window.workspace.is_open("tape"), "a closed panel")

    venues = RunningVenues(practice, tmp_path)
    venues.endpoints = at_host(practice, ELSEWHERE)

    async def offline(desk: Desk) -> None:
        workspace = desk.window.workspace
        card = desk.window.strip._cards["kraken"]
        await desk.until(lambda: card.state.text() == "reconnecting", "the card's word", 20.0)
        assert not workspace.is_open("tape"), "the last layout"
        assert workspace.is_open("ladder")
        await desk.until(lambda: "cannot be reached" in card.toolTip(), "the reason")
        assert desk.screen.ladder.state is not LadderState.LIVE
        await desk.until(
            lambda: not any(button.isEnabled() for button in desk.ticket._buttons.values()), "no trading"
        )
        host, port = door_of(practice)
        async with relay(ELSEWHERE, port, (host, port)):
            # Nobody presses anything: the next try finds the venue.
            await desk.until_trading(40.0)
            await desk.until(lambda: not desk.screen.waiting_for(), "every open panel", 40.0)
            assert desk.screen.tape.state is not TapeState.LIVE, "nobody waits for a closed panel"
            order = await desk.place(Side.BUY, desk.away(Side.BUY, "2"), "0.002")
            assert order.state is OrderState.OPEN
            # Before the network goes again, with the relay.
            await desk.terminal.disconnect("kraken")

    run_screen(practice, tmp_path, first)
    run_screen(practice, tmp_path, offline, venues=venues, wait=False, policy=QUICK_LINKS)


# -- sleep -----------------------------------------------------------------------------------------------


class Sleeper:
    """The terminal in a child process, and what it says it believes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told: list[dict[str, Any]] = []
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def until(self, holds: Callable[[dict[str, Any]], object], what: str) -> int:
        """Read on until it believes something; the place in :attr:`told`."""
        while True:
            try:
                self.told.append(json.loads(self._lines.get(timeout=30.0)))
            except queue.Empty:
                raise AssertionError(f"never: {what}; {self.told[-5:]}") from None
            if holds(self.told[-1]):
                return len(self.told) - 1

    def stop(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)
        run(eventually(lambda: self._letter() == "T", 10.0, "a stopped process"))

    def wake(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def _letter(self) -> str:
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def sleeper(practice: Practice, folder: Path, clock: Path) -> Iterator[Sleeper]:
    endpoints = folder / "endpoints.json"
    endpoints.write_text(json.dumps(practice.endpoints))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.e2e.sleep_terminal"),
            *(str(folder / "profile"), str(endpoints), str(clock)),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Sleeper(process)
    finally:
        process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@on_linux
@pytest.mark.fault(15)
def test_after_two_hours_of_sleep_every_connection_is_proved_anew_and_compared(tmp_path: Path) -> None:
    """The terminal's own process is stopped; meanwhile the wall clocks go on by two hours, the connections
    die without a word, and the resting order is filled."""
    clock = tmp_path / "clock"
    clock.write_bytes(bytes(8))
    # A venue of its own: the key's nonces go two hours ahead.
    practice = Practice().start()
    try:
        with sleeper(practice, tmp_path, clock) as child:
            child.until(
                lambda told: told["ready"] and told["book"] and told["orders"] == ["OPEN"], "a live one"
            )
            before = child.told[-1]
            child.stop()
            practice.command("fault", {"kind": "half_open", "match": SOCKETS})
            practice.command("fault", {"kind": "clock_jump", "offset_s": 7200})
            (order,) = practice.command("record", {"account": "kraken:practice"})["kraken"]["orders"]
            through = {"symbol": "BTC/USD", "side": "sell", "through": order["limit_price"]}
            practice.command("trade", through)
            with clock.open("r+b") as file:
                file.write((7200 * 10**9).to_bytes(8, "little"))
            child.wake()
            woken = child.until(lambda told: "asleep" in told["reason"], "it knows that it slept")
            assert not child.told[woken]["ready"], "no order may leave"
            assert not child.told[woken]["book"], "nothing is shown as live"
            child.until(lambda told: told["ready"] and told["book"] and told["state"] == "live", "live again")
            now = child.told[-1]
            assert now["reconnects"] == before["reconnects"] + 2, "both connections are new ones"
            assert now["compared"] > before["compared"]
            assert now["orders"] == ["FILLED"], "what happened meanwhile is known before it is live"
            assert not [t for t in child.told[woken:-1] if t["ready"] and t["orders"] != ["FILLED"]]
            assert child.process.stdin is not None
            child.process.stdin.close()
            assert child.process.wait(20) == 0
        told = run(practice.told())
        told.require_nothing_sent_twice()
    finally:
        practice.stop()
