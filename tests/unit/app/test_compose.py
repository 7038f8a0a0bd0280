"""The terminal as it is put together: settings that reach the services without a start."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from terminal.app import compose
from terminal.app.compose import Terminal
from terminal.app.connection_desk import ConnectionDesk
from terminal.app.paths import paths_below
from terminal.core import tasks
from terminal.core.log_ring import LogRing
from terminal.core.secret import Secret
from terminal.domain.account import AccountInfo
from terminal.domain.decimals import ZERO
from terminal.domain.errors import CredentialError
from terminal.domain.events import TradesReceived
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side, Trade
from terminal.services.market_data import FeedState
from terminal.services.notices import Notice, NoticeAction
from terminal.services.session import ConnectionPlan, Mode, Session
from terminal.venues import registry
from terminal.venues.base import ConnectorSettings
from tests.helpers import eventually, run

BTC = InstrumentId("kraken", "BTC/USD")
S = 1_000_000_000


def kept_prints(terminal: Terminal, first: int) -> int:
    """How many are left of a thousand, one a second."""
    for second in range(first, first + 1000):
        one = Trade(BTC, str(second), Side.BUY, ZERO, ZERO, second * S, second * S)
        terminal.market.ingest("kraken", TradesReceived(BTC, (one,), False))
    return len(terminal.market.trades(BTC))


def test_prints_are_kept_for_as_long_as_the_tape_is_set_to_show_them(tmp_path: Path) -> None:
    async def main() -> None:
        terminal = Terminal(paths_below(tmp_path).make(), LogRing(), throw_away=True)
        try:
            terminal.market.watch(Feed(FeedKind.TRADES, "BTC/USD"), "kraken")
            assert kept_prints(terminal, 0) == 121
            terminal.settings.set("tape.keep_s", 600)
            assert kept_prints(terminal, 1000) == 601
        finally:
            await terminal.stop()
        again = Terminal(paths_below(tmp_path).make(), LogRing(), throw_away=True)
        try:
            assert kept_prints(again, 0) == 601
        finally:
            await again.stop()

    run(main())


@pytest.mark.parametrize("hangs", [False, True])
def test_the_first_venue_connects_ahead_of_the_others_but_holds_them_up_for_a_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    begun: list[str] = []

    async def main() -> None:
        connected = asyncio.Event()

        async def connect(venue: str) -> None:
            begun.append(venue)
            if venue == "first":
                await connected.wait()

        monkeypatch.setattr(compose, "HEAD_START_S", 0.01 if hangs else 60.0)
        terminal = Terminal(paths_below(tmp_path).make(), LogRing(), throw_away=True, venues=("kraken",))
        terminal.venues = ("first", "second", "third")
        monkeypatch.setattr(terminal, "_connect_as_last", connect)
        starting = tasks.spawn(terminal.start(), name="start")
        try:
            await eventually(lambda: begun)
            if not hangs:
                assert begun == ["first"]
                connected.set()
            await eventually(lambda: begun == ["first", "second", "third"])
            connected.set()
            await starting
        finally:
            await tasks.cancel_and_wait(starting)
            await terminal.stop()

    run(main())


WORDS = "zx7-Pq41-vault-8d"


def test_one_entry_of_the_passphrase_connects_every_account_that_waits_for_its_keys(tmp_path: Path) -> None:
    async def main() -> None:
        async with locked_desk(tmp_path) as (terminal, plans, told):
            await asyncio.gather(*terminal._connecting())
            assert sorted(terminal.waiting_for_keys) == ["kraken", "okx"]
            # What is practised meanwhile does not replace what was chosen.
            assert plans == [("kraken", Mode.PRACTICE)]
            assert terminal.settings.text("venue.mode", "kraken") == "live"
            assert {(notice.text, notice.action) for notice in told} == {
                ("The keys are locked. Enter the passphrase to open them.", NoticeAction.UNLOCK)
            }
            feed = Feed(FeedKind.BARS, "BTC/USDT", interval_s=60)
            assert terminal.market.feed_state(feed, "okx") is FeedState.REFUSED
            assert terminal.market.refusal(feed, "okx") == "OKX is off: the keys are locked."
            assert terminal.market.book_state(InstrumentId("okx", "BTC/USDT")) is FeedState.REFUSED
            desk = ConnectionDesk(terminal, open_url=lambda url: True)
            with pytest.raises(CredentialError):
                await desk.open_vault(Secret("zx7-Pq42-vault-9e"))
            assert sorted(terminal.waiting_for_keys) == ["kraken", "okx"], "it was another passphrase"
            await desk.open_vault(Secret(WORDS))
            assert not terminal.waiting_for_keys
            await eventually(lambda: len(plans) == 3)
            assert sorted(plans[1:]) == [("kraken", Mode.LIVE), ("okx", Mode.LIVE)]
            assert terminal.market.refusal(feed, "okx") == ""

    run(main())


def test_a_venue_that_is_connected_by_its_own_form_is_connected_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with locked_desk(tmp_path) as (terminal, plans, _):
            await asyncio.gather(*terminal._connecting())
            await ConnectionDesk(terminal, open_url=lambda url: True).open_vault(Secret(WORDS), "kraken")
            await eventually(lambda: ("okx", Mode.LIVE) in plans)
            assert ("kraken", Mode.LIVE) not in plans
            assert not terminal.waiting_for_keys

    run(main())


def test_a_practice_venue_that_is_connected_anew_still_waits_for_its_keys(tmp_path: Path) -> None:
    async def main() -> None:
        async with locked_desk(tmp_path) as (terminal, plans, _):
            await asyncio.gather(*terminal._connecting())
            practising = SimpleNamespace(mode=Mode.PRACTICE, account="kraken:practice")
            terminal.sessions._sessions["kraken"] = cast("Session", practising)
            await terminal.use_practice("kraken")
            terminal.sessions._sessions.clear()
            assert plans == [("kraken", Mode.PRACTICE)] * 2
            assert "kraken" in terminal.waiting_for_keys
            assert terminal.settings.text("venue.mode", "kraken") == "live"

    run(main())


def test_who_chooses_something_else_waits_for_no_key(tmp_path: Path) -> None:
    async def main() -> None:
        async with locked_desk(tmp_path) as (terminal, _, _told):
            awaited: list[tuple[str, ...]] = []
            terminal.keys_awaited.watch(lambda: awaited.append(terminal.waiting_for_keys))
            await asyncio.gather(*terminal._connecting())
            await terminal.disconnect("okx")
            await terminal.use_public("kraken")
            assert not terminal.waiting_for_keys
            assert not awaited[-1]
            assert terminal.settings.text("venue.mode", "kraken") == "public"

    run(main())


@contextlib.asynccontextmanager
async def locked_desk(
    folder: Path,
) -> AsyncIterator[tuple[Terminal, list[tuple[str, Mode]], list[Notice]]]:
    """A start with a locked vault that has the keys of two accounts; nothing is really connected.

    Kraken practises until it is opened, OKX stays off: somebody has signed out of its practice.
    """
    before = Terminal(paths_below(folder).make(), LogRing(), throw_away=True, venues=("kraken", "okx"))
    await before.credentials.use_passphrase(Secret(WORDS))
    for venue in before.venues:
        keys = {
            field.key: Secret(f"9f3c7e1a{field.key}5b2d")
            for field in before.venue_info(venue).credential_fields
        }
        await before.credentials.save(venue, before._profile(venue), keys)
        before.settings.set("venue.mode", "live", venue)
    before.settings.set("venue.signed_out", True, "okx")
    await before.stop()
    terminal = Terminal(paths_below(folder).make(), LogRing(), throw_away=True, venues=("kraken", "okx"))
    plans: list[tuple[str, Mode]] = []
    told: list[Notice] = []

    async def connect(plan: ConnectionPlan) -> None:
        plans.append((plan.venue, plan.mode))

    async def practise(venue: str) -> None:
        await terminal._use(ConnectionPlan(venue, Mode.PRACTICE, f"{venue}:practice", ConnectorSettings({})))

    setattr(terminal.sessions, "use", connect)  # noqa: B010
    setattr(terminal, "use_practice", practise)  # noqa: B010
    terminal.notice.watch(told.append)
    try:
        yield terminal, plans, told
    finally:
        await terminal.stop()


def test_what_was_opened_in_practice_opens_no_real_account(tmp_path: Path) -> None:
    async def main() -> None:
        terminal = Terminal(paths_below(tmp_path).make(), LogRing(), throw_away=True, venues=("quotex",))
        real = AccountInfo(account_id="live", title="Quotex real", is_live=True)
        sessions = cast("dict[str, object]", terminal.sessions._sessions)
        try:
            for mode in (Mode.PRACTICE, Mode.LIVE):
                connector = registry.create("quotex", ConnectorSettings({}))

                async def show(account: str, shown: bool) -> None:
                    """Opened."""

                sessions["quotex"] = SimpleNamespace(
                    venue="quotex", mode=mode, connector=connector, accounts=(), shown_ids=("live",),
                    hidden={"quotex:x:live": real}, show_account=show,
                )  # fmt: skip
                await terminal.show_account("quotex:x:live", True)
                kept = {each: terminal._account_options("quotex", each)["accounts"] for each in Mode}
                if mode is Mode.PRACTICE:
                    assert (kept[Mode.PRACTICE], kept[Mode.LIVE]) == ("live", "")
                    terminal.settings.set("practice.accounts", ("demo",), "quotex")
            assert (kept[Mode.PRACTICE], kept[Mode.LIVE]) == ("demo", "live")
        finally:
            sessions.clear()
            await terminal.stop()

    run(main())


def test_the_real_account_that_one_sign_in_has_opened_is_not_that_of_another(tmp_path: Path) -> None:
    def session(email: str, token: str) -> dict[str, Secret]:
        return {
            "email": Secret(email),
            "token": Secret(token),
            "cookies": Secret("lang=en; c=1"),
            "user_agent": Secret("Browser/1.0 (desk)"),
        }

    async def main() -> None:
        terminal = Terminal(paths_below(tmp_path).make(), LogRing(), throw_away=True, venues=("quotex",))
        settings = terminal.settings

        async def opened_after(entered: dict[str, Secret] | None) -> tuple[str, ...]:
            """What the next connection opens, where the real account was open before."""
            settings.set("venue.accounts", ("live",), "quotex")
            if entered is None:
                await terminal.forget_account("quotex")
            else:
                await terminal.save_key("quotex", entered)
            return settings.items("venue.accounts", "quotex")

        try:
            await terminal.credentials.use_passphrase(Secret(WORDS))
            assert await opened_after(session("a@desk.example", "tk-6f01a")) == (), "nobody was signed in"
            assert await opened_after(session("a@desk.example", "tk-6f02b")) == ("live",), "signed in again"
            assert await opened_after(session("b@desk.example", "tk-6f03c")) == ()
            assert await opened_after(session("", "tk-6f04d")) == (), "a session says not whose it is"
            assert await opened_after(session("", "tk-6f05e")) == ()
            assert await opened_after(None) == ()
        finally:
            await terminal.stop()

    run(main())
