"""What may go wrong at the second venue, through the whole application on its practice venue: what a person
is told, that it heals, and that no order is lost or sent twice. :data:`CASES` says which test proves what.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from PySide6.QtWidgets import QApplication

from terminal.app import screen
from terminal.app.compose import Terminal
from terminal.domain.instrument import MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderState
from terminal.services.session import Mode
from terminal.viewmodels.login import Step
from terminal.widgets import blotter as tabs
from terminal.widgets.login_dialog import LoginDialog
from tests.e2e.ctrader_desk import (
    EUR,
    HEDGED,
    BothVenues,
    Fx,
    at_loopback,
    paste_into,
    run_fx,
)
from tests.practice_ctrader import exchange, walk

D = Decimal
TESTS = Path(__file__).resolve().parents[1]
HERE = "e2e/test_ctrader_faults.py"
BY_HAND = "e2e/test_ctrader_by_hand.py"
HAND = "venues/test_ctrader_hand.py"
WINDOW = "e2e/test_login_window.py"

CASES: dict[str, tuple[str, ...]] = {
    "truncated frame": (f"{HERE}::test_frames_that_are_broken_are_named_and_cost_no_order",),
    "oversized frame": (f"{HERE}::test_frames_that_are_broken_are_named_and_cost_no_order",),
    "unknown payload types and fields": (f"{HERE}::test_messages_of_a_newer_server_change_nothing",),
    "wrong host name": (f"{HERE}::test_a_venue_that_cannot_prove_who_it_is_is_refused_and_hears_nothing",),
    "self-signed certificate": (
        f"{HERE}::test_a_venue_that_cannot_prove_who_it_is_is_refused_and_hears_nothing",
        f"{WINDOW}::test_a_certificate_that_does_not_hold_ends_it_with_the_reason",
    ),
    "wrong client secret": (
        f"{HERE}::test_a_sign_in_that_fails_says_why_and_can_be_tried_again",
        f"{HERE}::test_an_application_that_is_refused_is_said_once",
    ),
    "denied consent": (f"{HERE}::test_a_sign_in_that_fails_says_why_and_can_be_tried_again",),
    "closed login window": (
        f"{HERE}::test_a_sign_in_that_fails_says_why_and_can_be_tried_again",
        f"{WINDOW}::test_a_window_that_is_closed_says_so_and_leaves_no_process",
    ),
    "wrong or missing state": (f"{HERE}::test_a_sign_in_that_fails_says_why_and_can_be_tried_again",),
    "code used twice": (f"{HERE}::test_a_sign_in_that_fails_says_why_and_can_be_tried_again",),
    "token expired in mid-session": (f"{HERE}::test_a_token_that_expires_is_renewed_and_nobody_is_asked",),
    "token revoked": (
        f"{BY_HAND}::test_signing_out_and_in_on_the_practice_page_and_again_after_it_was_revoked",
    ),
    "account logged out by the server": (f"{HERE}::test_sessions_that_the_server_ends_come_back",),
    "CLIENT_DISCONNECT": (f"{HERE}::test_sessions_that_the_server_ends_come_back",),
    "maintenance with retryAfter": (f"{HERE}::test_maintenance_says_until_when",),
    "rate limit hit": (f"{HERE}::test_an_order_that_is_blocked_is_refused_with_the_pause",),
    "partial fills": (f"{HERE}::test_an_order_that_is_filled_in_parts_is_one_order_and_one_position",),
    "order in doubt after a cut": (
        f"{HERE}::test_an_order_in_doubt_after_a_cut_is_found_by_its_label",
        f"{HAND}::test_an_order_whose_answer_was_lost_is_found",
        f"{HAND}::test_a_closing_whose_answer_was_lost_is_found_by_what_it_did",
        f"{HAND}::test_what_never_arrived_is_plainly_not_known",
    ),
    "market closed": (f"{HERE}::test_what_cannot_be_traded_is_refused_in_plain_words",),
    "not enough money": (
        f"{HERE}::test_what_cannot_be_traded_is_refused_in_plain_words",
        f"{HAND}::test_too_little_money_is_called_out_and_then_the_broker_closes",
    ),
    "volume off step": (f"{HERE}::test_what_cannot_be_traded_is_refused_in_plain_words",),
    "stop on the wrong side": (
        f"{HERE}::test_what_cannot_be_traded_is_refused_in_plain_words",
        f"{HERE}::test_a_stop_on_the_wrong_side_leaves_the_old_one",
    ),
}
"""Case -> the tests that prove it, each on the practice venue and with the sentence that is said."""


def test_every_case_has_its_test() -> None:
    for case, proofs in CASES.items():
        for proof in proofs:
            file, _, name = proof.partition("::")
            tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
            names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert name in names, f"{case}: there is no {proof}"


@pytest.fixture(scope="module")
def running_venues() -> Iterator[BothVenues]:
    venues = BothVenues()
    venues.start()
    yield venues
    venues.stop()


@pytest.fixture
def venues(running_venues: BothVenues, qapp: QApplication) -> BothVenues:
    running_venues.begin_anew()
    return running_venues


def run_one(
    venues: BothVenues,
    folder: Path,
    body: Callable[[Fx], Awaitable[None]],
    errors_expected: tuple[str, ...] = (),
) -> None:
    """With one account shown: what is said of it is then not mixed with what is said of the others."""

    def prepare(terminal: Terminal) -> None:
        terminal.settings.set("practice.accounts", (str(HEDGED),), "ctrader")

    run_fx(venues, folder, body, errors_expected=errors_expected, prepare=prepare)


# -- orders -----------------------------------------------------------------------------------------------


async def require_refused(fx: Fx, sentence: str) -> Order:
    """Send what stands in the ticket; the venue says no, and the ticket and the order's row say why."""
    order = await fx.send()
    await fx.until(lambda: order.state is OrderState.REJECTED, "a refused order")
    await fx.until_said(f"✕ Rejected: {sentence}")
    assert order.reason == sentence
    return order


async def require_not_sent(fx: Fx, sentence: str) -> None:
    """Press the button; the ticket says why nothing is sent."""
    count = len(fx.orders)
    await fx.desk.press_side(Side.BUY)
    await fx.until(lambda: sentence.lower() in fx.desk.words(fx.desk.ticket).lower(), f"{sentence!r}")
    assert not fx.desk.card().isVisible()
    assert len(fx.orders) == count


def test_what_cannot_be_traded_is_refused_in_plain_words(venues: BothVenues, tmp_path: Path) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        await fx.fill_ticket("0.1")
        sent = 0

        # The terminal knows the hours; and where the venue closes just then, it says so itself.
        await venues.strike("close_market", symbol="EURUSD")
        await fx.until(lambda: is_closed(fx), "the word of it")
        await require_not_sent(fx, "EUR/USD is closed at the venue; it opens ")
        await venues.heal()
        await fx.until(lambda: not is_closed(fx), "an open market")
        await fx.until_trading()
        await venues.strike("reject_after_accept", account=HEDGED, error="MARKET_CLOSED")
        await require_refused(fx, "The market is closed.")
        sent += 1

        await fx.fill_ticket("30")
        await require_refused(fx, "Not enough free margin for this order.")
        sent += 1

        await fx.fill_ticket("0.015")
        step = "Quantity 0.015 lots (1,500 EUR) is not a multiple of 0.01 lots (1,000 EUR)."
        await require_not_sent(fx, step)
        await fx.fill_ticket("0.1")
        await venues.strike("error", error="TRADING_BAD_VOLUME", description="Order volume is off")
        told = "The volume is outside the symbol's limits or off its step. It says: Order volume is off."
        await require_refused(fx, told)
        sent += 1

        await fx.fill_ticket("0.1", stop="1.40000")
        await require_not_sent(fx, "This price is on the wrong side of the market.")
        await fx.fill_ticket("0.1", stop="20 pips")
        await venues.strike("error", error="TRADING_BAD_STOPS", description="SL must be below the bid")
        told = "The stop or target is on the wrong side or too near. It says: SL must be below the bid."
        await require_refused(fx, told)
        sent += 1

        assert not fx.positions()
        assert [order.state for order in fx.orders] == [OrderState.REJECTED] * sent
        await fx.require_same_as_venue()

    run_one(venues, tmp_path, body)


def is_closed(fx: Fx) -> bool:
    found = fx.desk.terminal.market.instrument(EUR)
    return found is not None and found.status is MarketStatus.CLOSED


def test_a_stop_on_the_wrong_side_leaves_the_old_one(venues: BothVenues, tmp_path: Path) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        position = await fx.buy(stop="20 pips", target="20 pips")
        before = position.protection
        assert before.stop_loss is not None

        await fx.edit_position("stop", format(position.average_price + D("0.01"), "f"))
        await fx.until(
            lambda: any("wrong side" in text or "below" in text for text in fx.desk.notices()), "why"
        )
        assert fx.positions()[0].protection == before

        # One that the venue alone objects to: the old levels stand, and another try works.
        await venues.strike(
            "error", match="*/AmendPositionSLTPReq", error="TRADING_BAD_STOPS", description="Too near"
        )
        moved = before.stop_loss - D("0.0005")
        await fx.edit_position("stop", format(moved, "f"), confirms=True)
        said = "Position in EUR/USD: The stop or target is on the wrong side or too near. It says: Too near."
        await fx.until(lambda: said in fx.desk.notices(), "the venue's reason")
        assert fx.positions()[0].protection == before
        await fx.edit_position("stop", format(moved, "f"), confirms=True)
        await fx.until(lambda: fx.positions()[0].protection.stop_loss == moved, "the new stop")
        assert fx.positions()[0].protection.take_profit == before.take_profit
        await fx.require_same_as_venue()

    run_one(venues, tmp_path, body)


def test_an_order_that_is_filled_in_parts_is_one_order_and_one_position(
    venues: BothVenues, tmp_path: Path
) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        # 0.1 lots at each price.
        await venues.strike("partial_fill", symbol="EURUSD", cents=1_000_000)
        await fx.fill_ticket("0.3")
        order = await fx.send()
        await fx.until(lambda: order.state is OrderState.FILLED, "the last part")
        await fx.until_said("✓ Filled: buy 0.3 lots at")
        fills = [fill for fill in fx.desk.terminal.gate.fills if fill.instrument == EUR]
        assert [fill.quantity for fill in fills] == [D(10_000)] * 3
        assert len({fill.fill_id for fill in fills}) == 3
        assert len({fill.price for fill in fills}) == 3, "each part at its own price"
        await fx.desk.show_tab(tabs.FILLS)
        await fx.until(lambda: fx.desk.screen.orders.fills_model.rowCount() == 3, "a row for each part")
        (position,) = fx.positions()
        assert position.quantity == D(30_000)
        assert order.average_price is not None
        assert abs(order.average_price - position.average_price) < D("0.00001")
        await fx.require_same_as_venue()

    run_one(venues, tmp_path, body)


def test_an_order_in_doubt_after_a_cut_is_found_by_its_label(venues: BothVenues, tmp_path: Path) -> None:
    async def body(fx: Fx) -> None:
        desk = fx.desk
        await fx.choose_market()
        await fx.fill_ticket("0.1")
        # The line is back only when the doubt has been read.
        await venues.strike("delay", match="ctrader/ack/ApplicationAuthReq", delay_s=1.5)
        await venues.strike("accept_lose_answer", match="ctrader/trade/NewOrderReq", close=True)
        order = await fx.send()
        await fx.until(lambda: order.state is OrderState.IN_DOUBT, "an order in doubt")
        await fx.until_said("? No answer to buy 0.1 lots yet: checking whether it arrived…")
        await fx.until(
            lambda: (desk.row_of(order) or {}).get("state", "").startswith("unknown, checking"), "its row"
        )
        told = "No answer to the order in EUR/USD yet: checking whether it arrived."
        assert desk.notices().count(told) == 1
        assert order.reason.count("The connection was lost") == 1, order.reason

        await fx.until(lambda: order.state is OrderState.FILLED, "the order, found")
        await fx.until_said("✓ Filled: buy 0.1 lots at")
        await fx.until(lambda: told not in desk.notices(), "an answered question to be taken back")
        await fx.until(lambda: len(fx.positions()) == 1, "its position")
        assert any("while you were away: 1 fill" in text for text in desk.notices()), desk.notices()
        told_by_venue = await venues.noted()
        labels = [row["label"] for row in told_by_venue["requests"] if row["method"] == "NewOrderReq"]
        assert labels == [order.client_order_id], "sent once"
        await fx.require_same_as_venue()

    run_one(venues, tmp_path, body)


def test_an_order_that_is_blocked_is_refused_with_the_pause(venues: BothVenues, tmp_path: Path) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        await fx.fill_ticket("0.1")
        await venues.strike("blocked", match="*/NewOrderReq", retry_after=2)
        await require_refused(fx, "Too many requests: cTrader asks for a pause.")
        # Within the pause nothing is sent at all.
        second = await fx.send()
        await fx.until(lambda: second.state is OrderState.REJECTED, "a refused order")
        await fx.until_said("cTrader asks for a pause of")
        limits = client_of(fx).limits
        await fx.until(lambda: limits.blocked_for_s(2106) == 0, "the end of the pause")
        await fx.buy()
        told = await venues.noted()
        assert second.client_order_id not in {row.get("label") for row in told["requests"]}
        await fx.require_same_as_venue()

    run_one(venues, tmp_path, body)


def client_of(fx: Fx) -> Any:
    connector: Any = fx.session.connector
    return connector._clients[False]


# -- sessions ---------------------------------------------------------------------------------------------


async def slow_return(fx: Fx) -> None:
    """The next sign-ins of the application take long enough to read what the screen says."""
    await fx.venues.strike("delay", match="ctrader/ack/ApplicationAuthReq", delay_s=0.6, count=2)


async def require_told_and_healed(fx: Fx, sentence: str) -> None:
    """Card and ticket say why, nothing can be sent; then all is as before, and trades."""
    desk = fx.desk
    await fx.until(lambda: sentence in fx.tip(), f"{sentence!r} on the card, not {fx.tip()!r}")
    await fx.until(lambda: sentence in fx.warning(), f"{sentence!r} in the ticket")
    assert not any(button.isEnabled() for button in desk.ticket._buttons.values())
    await fx.until_trading()
    assert sentence not in fx.tip()


async def require_whole(fx: Fx, held: int) -> None:
    """The positions are there, another order works, and the venue says the same."""
    assert len(fx.positions()) == held
    await fx.buy("0.01")
    await fx.require_same_as_venue()


def test_sessions_that_the_server_ends_come_back(venues: BothVenues, tmp_path: Path) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        await fx.buy()
        await slow_return(fx)
        await venues.strike("client_disconnect", reason="Server restart")
        await require_told_and_healed(fx, "cTrader has ended the connection: Server restart.")
        await venues.strike("account_disconnect", account=HEDGED)
        await require_told_and_healed(fx, "The venue has signed the account out.")
        await require_whole(fx, 1)

    run_one(venues, tmp_path, body)


def test_a_token_that_expires_is_renewed_and_nobody_is_asked(venues: BothVenues, tmp_path: Path) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        await fx.buy()
        first = dict(fx.session.plan.settings.credentials)
        await venues.strike("expire_token")
        await require_told_and_healed(fx, "The venue has signed the account out.")
        assert fx.session.needs_sign_in == ""
        assert not [text for text in fx.desk.notices() if "sign in" in text.lower()]
        await require_whole(fx, 1)

        # What was renewed is what a later connection uses: the old tokens are dead.
        await fx.hand.click(fx.desk.window.strip._cards["ctrader"])
        await fx.hand.trigger(fx.desk.menu(), "Disconnect")
        await fx.until(lambda: fx.card.word == "off", "a venue that is off")
        await fx.hand.click(fx.desk.window.strip._cards["ctrader"])
        await fx.hand.trigger(fx.desk.menu(), "Practice market: no money moves")
        await fx.until_trading()
        later = dict(fx.session.plan.settings.credentials)
        assert later["access_token"].reveal() != first["access_token"].reveal()
        assert len(fx.positions()) == 2

    run_one(venues, tmp_path, body)


def test_an_application_that_is_refused_is_said_once(venues: BothVenues, tmp_path: Path) -> None:
    right = venues.second["client_secret"]
    venues.second["client_secret"] = "S" * 43
    sentence = "cTrader refused the application: its id or secret is wrong, or it is not active yet."

    async def body(fx: Fx) -> None:
        await fx.until(lambda: fx.card.word == "sign in again", "the end of it")
        await fx.until(lambda: sentence in fx.tip(), "why, on the card")
        assert fx.desk.notices().count(sentence) == 1
        dialog = await fx.open_login()
        await fx.until(lambda: dialog.state.text() == sentence, "why, where the way back is")

    try:
        run_one(venues, tmp_path, body, errors_expected=("given up",))
    finally:
        venues.second["client_secret"] = right


def test_maintenance_says_until_when(venues: BothVenues, tmp_path: Path) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        await fx.buy()
        # An order meets it, told in seconds and, by the other carrier, in milliseconds.
        for carrier, lots in (("2142", "0.02"), ("50", "0.03")):
            await venues.strike("maintenance", match="*/NewOrderReq", for_s=600, carrier=carrier)
            await fx.fill_ticket(lots)
            order = await fx.send()
            await fx.until(lambda: order.state is OrderState.REJECTED, "a refused order")  # noqa: B023
            assert order.reason.startswith("cTrader is under maintenance until ")
            assert order.reason.endswith(" UTC.")
            await fx.until_said("✕ Rejected: cTrader is under maintenance until")
        # The connection meets it, and is opened when it is over.
        await venues.strike("maintenance", match="*/ApplicationAuthReq", for_s=2, seconds=1)
        await venues.strike("cut")
        await require_told_and_healed(fx, "cTrader is under maintenance until ")
        await require_whole(fx, 1)

    run_one(venues, tmp_path, body)


# -- the wire ---------------------------------------------------------------------------------------------


def test_a_venue_that_cannot_prove_who_it_is_is_refused_and_hears_nothing(
    venues: BothVenues, tmp_path: Path
) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        await fx.buy()
        for what, sentence in (
            ("self_signed", "Secure connection refused: its certificate is self-signed."),
            ("wrong_host", "Secure connection refused: its certificate is for another host name."),
        ):
            await venues.strike("bad_certificate", what=what, match="connect/ctrader", seconds=60)
            await venues.strike("cut")
            await fx.until(lambda: fx.card.word == "reconnecting", "the loss")
            asked = (await venues.figures())["requests"]
            await fx.until(lambda: sentence in fx.tip(), f"{sentence!r} on the card")  # noqa: B023
            await fx.until(lambda: sentence in fx.warning(), "and in the ticket")  # noqa: B023
            assert not any(button.isEnabled() for button in fx.desk.ticket._buttons.values())
            assert (await venues.figures())["requests"] == asked, "nothing was told to a stranger"
            await venues.heal()
            await fx.until_trading()
        await require_whole(fx, 1)

    run_one(venues, tmp_path, body, errors_expected=("secure connection refused",))


def test_frames_that_are_broken_are_named_and_cost_no_order(venues: BothVenues, tmp_path: Path) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        await fx.buy()
        for kind, sentence, options in (
            ("truncate", "The connection was cut in the middle of a message.", {}),
            (
                "oversize",
                "The venue announced a message of 15,000,001 bytes, more than 15,000,000.",
                {"bytes": 15_000_001, "whole": False},
            ),
        ):
            await slow_return(fx)
            await venues.strike(kind, match="ctrader/data/SpotEvent/EURUSD", **options)
            await require_told_and_healed(fx, sentence)
            await venues.heal()
        await require_whole(fx, 1)

    run_one(venues, tmp_path, body)


def test_messages_of_a_newer_server_change_nothing(venues: BothVenues, tmp_path: Path) -> None:
    async def body(fx: Fx) -> None:
        await fx.choose_market()
        made = fx.session.health().reconnects
        for kind in ("unknown_payload", "unknown_fields"):
            await venues.strike(kind, match="ctrader/*", seconds=60)
        position = await fx.buy(stop="20 pips", target="20 pips")
        assert position.protection.stop_loss is not None
        await venues.heal()
        # An event of a kind that nobody knows still tells what it holds.
        await venues.strike("unknown_enum", match="ctrader/ack/ExecutionEvent", field="executionType")
        await fx.buy("0.02")
        # An answer that cannot be read leaves an order in doubt, and the events after it settle it.
        for kind, lots in (("bad_payload", "0.03"), ("absent_payload", "0.04"), ("empty_payload", "0.05")):
            faults = fx.session.health().faults
            await venues.strike(kind, match="ctrader/ack/ExecutionEvent")
            await fx.buy(lots)
            await fx.until(lambda: fx.session.health().faults > faults, f"{kind}, counted")  # noqa: B023
        await fx.until_strikes_are_over()
        assert [order.state for order in fx.orders] == [OrderState.FILLED] * 5
        assert fx.card.word == "live"
        assert fx.session.health().reconnects == made, "none of it costs the connection"
        await fx.require_same_as_venue()

    run_one(venues, tmp_path, body)


# -- signing in -------------------------------------------------------------------------------------------


class Browser:
    """The person's own browser as a plain HTTP client, and what he or somebody else does with it."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.entry = entry
        self.act: Callable[[str], None] = self.deny
        self.statuses: list[int] = []
        self._threads: list[threading.Thread] = []

    def open(self, url: str) -> bool:
        thread = threading.Thread(target=self.act, args=(url,), name="browser")
        self._threads.append(thread)
        thread.start()
        return True

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10)

    def _come_back(self, address: str) -> None:
        self.statuses.append(httpx.get(address).status_code)

    def allow(self, url: str) -> None:
        self._come_back(walk(url, self.entry["ca"]))

    def deny(self, url: str) -> None:
        self._come_back(walk(url, self.entry["ca"], allows=False))

    def lose_the_state(self, url: str) -> None:
        address = walk(url, self.entry["ca"])
        self._come_back(address.partition("&state=")[0])

    def bring_another_state(self, url: str) -> None:
        address = walk(url, self.entry["ca"])
        self._come_back(address.partition("&state=")[0] + "&state=of-somebody-else")

    def use_the_code_first(self, url: str) -> None:
        address = walk(url, self.entry["ca"])
        (code,) = parse_qs(urlsplit(address).query)["code"]
        assert not exchange(self.entry, code)["errorCode"]
        self._come_back(address)


def test_a_sign_in_that_fails_says_why_and_can_be_tried_again(
    venues: BothVenues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = venues.second
    browser = Browser(entry)
    monkeypatch.setattr(screen, "_open_url", browser.open)

    async def attempt(fx: Fx, dialog: LoginDialog, act: Callable[[str], None]) -> str:
        browser.act = act
        await fx.hand.click(dialog.system)
        return await fx.until_answered(dialog)

    async def body(fx: Fx) -> None:
        dialog = await fx.open_login()
        await fx.hand.click(dialog.choices[Mode.LIVE])
        await fx.until(lambda: dialog._vm.status.needs_passphrase, "a question for the passphrase")
        wrong = {"client_id": entry["client_id"], "client_secret": "S" * 43}
        await paste_into(fx, dialog, passphrase="correct horse battery", **wrong)
        said = await attempt(fx, dialog, browser.allow)
        assert said.endswith("the application's secret is wrong. It says: Wrong client id or client secret.")
        await fx.until(lambda: dialog.error.isVisible() and dialog.error.text() == said, "it, in the form")
        await paste_into(fx, dialog, client_secret=entry["client_secret"])

        said = await attempt(fx, dialog, browser.deny)
        assert said == "You did not allow the access, or cTrader did not. Nothing has changed."
        said = await attempt(fx, dialog, browser.lose_the_state)
        assert said == "The answer does not belong to this sign-in, and was refused: sign in again."
        said = await attempt(fx, dialog, browser.use_the_code_first)
        assert "used before" in said
        assert said.endswith("It says: The authorization code was already used.")
        assert browser.statuses == [200] * 4

        # Somebody else's answer is not even listened to; the page is then closed by its person.
        browser.act = browser.bring_another_state
        await fx.hand.click(dialog.system)
        await fx.until(lambda: len(browser.statuses) == 5, "the stranger")
        assert browser.statuses[-1] == 403
        assert dialog._vm.step is Step.PAGE
        assert dialog.cancel.text() == "Close the page"
        await fx.hand.click(dialog.cancel)
        assert await fx.until_answered(dialog) == "Sign-in was closed. Nothing has changed."
        assert fx.session.mode is Mode.PRACTICE, "nothing of it touched what was connected"
        await fx.until(lambda: fx.card.word == "live", "the practice accounts")

        assert await attempt(fx, dialog, browser.allow) == ""
        await fx.until(lambda: fx.card.word == "live" and fx.session.mode is Mode.LIVE, "own accounts")

    run_fx(venues, tmp_path, body, prepare=lambda terminal: at_loopback(venues, terminal))
    browser.join()
