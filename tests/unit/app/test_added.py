"""Plugins that a person adds: names, titles, addresses and keys, as the composed terminal keeps them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from terminal.app.compose import Terminal
from terminal.app.paths import paths_below
from terminal.core.log_ring import LogRing
from terminal.core.secret import Secret
from terminal.domain.errors import CredentialError, SettingsError
from terminal.services.credentials import CredentialStore
from terminal.services.session import Mode
from tests.helpers import run
from tests.unit.services.keyring_fake import MemoryKeyring

ADDRESS = "http://127.0.0.1:1/OKX"  # nobody listens there


def keys(word: str = "one") -> dict[str, Secret]:
    return {"access_key": Secret(f"access-{word}-k3y"), "secret_key": Secret(f"secret-{word}-k3y")}


def form(title: str, address: str = ADDRESS, **more: str) -> dict[str, str]:
    return {
        "custom.title": title,
        "endpoint.service": address,
        "custom.symbols": "BTC_USDT",
        **{f"custom.{name}": text for name, text in more.items()},
    }


@asynccontextmanager
async def opened(folder: Path, ring: MemoryKeyring) -> AsyncIterator[Terminal]:
    terminal = Terminal(paths_below(folder).make(), LogRing(), throw_away=True, venues=())
    terminal.__dict__["credentials"] = CredentialStore(terminal.paths.vault, ring)
    try:
        yield terminal
    finally:
        await terminal.stop()


def test_each_plugin_is_a_venue_of_its_own_that_outlives_a_restart(tmp_path: Path) -> None:
    ring = MemoryKeyring()

    async def main() -> None:
        async with opened(tmp_path, ring) as terminal:
            first = await terminal.save_key("custom", keys("one"), form("My OKX", market_buy_in_base="true"))
            second = await terminal.save_key("custom", keys("two"), form("Börse", f"{ADDRESS}2"))
            assert (first, second) == ("custom-my-okx", "custom-borse")
            assert terminal.venues == (first, second)
        async with opened(tmp_path, ring) as terminal:
            assert terminal.venues == (first, second)
            assert [terminal.venue_info(venue).title for venue in terminal.venues] == ["My OKX", "Börse"]
            assert terminal.options(first) == {
                **form("My OKX", market_buy_in_base="true", plain_http="false")
            }
            assert terminal.options(second)["custom.market_buy_in_base"] == "false"
            for venue, word in ((first, "one"), (second, "two")):
                kept = await terminal.credentials.load(venue, "main")
                assert kept is not None
                assert {key: secret.reveal() for key, secret in kept.items()} == {
                    key: secret.reveal() for key, secret in keys(word).items()
                }
            plans = [terminal._live_plan(venue, keys(venue)) for venue in (first, second)]
            assert [plan.account for plan in plans] == [f"{first}:live", f"{second}:live"]
            assert [plan.settings.endpoints["service"] for plan in plans] == [ADDRESS, f"{ADDRESS}2"]
            assert [plan.settings.options["market_buy_in_base"] for plan in plans] == ["true", "false"]

    run(main())


@pytest.mark.parametrize(
    ("address", "is_same"),
    [
        (ADDRESS, True),
        ("http://localhost:1/OKX/", True),
        ("HTTP://127.0.0.1:1/OKX", True),
        ("http://127.0.0.1:1/okx", False),
        ("http://127.0.0.1:2/OKX", False),
    ],
)
def test_one_address_twice_needs_different_keys(tmp_path: Path, address: str, is_same: bool) -> None:
    async def main() -> None:
        async with opened(tmp_path, MemoryKeyring()) as terminal:
            await terminal.save_key("custom", keys("one"), form("First"))
            if is_same:
                with pytest.raises(SettingsError) as caught:
                    await terminal.save_key("custom", keys("one"), form("Second", address))
                assert caught.value.user_text.startswith("First has this address and these keys already.")
                assert len(terminal.venues) == 1
                assert await terminal.credentials.load("custom-second", "main") is None, "nothing is kept"
            else:
                await terminal.save_key("custom", keys("one"), form("Second", address))
            other = await terminal.save_key("custom", keys("two"), form("Third", address))
            assert other in terminal.venues
            # Nor can it become so later, by an address or by keys.
            moved = await terminal.save_key("custom", keys("one"), form("Fourth", "http://127.0.0.1:9/A"))
            with pytest.raises(SettingsError, match="same address and keys"):
                await terminal.keep_options(moved, {"endpoint.service": ADDRESS})
            with pytest.raises(SettingsError, match="same address and keys"):
                await terminal.save_key(other, keys("one"), {"endpoint.service": ADDRESS})
            assert terminal.options(moved)["endpoint.service"] == "http://127.0.0.1:9/A"

    run(main())


def test_two_venues_of_a_desk_never_have_one_title(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, MemoryKeyring()) as terminal:
            first = await terminal.save_key("custom", keys("one"), form("First"))
            for attempt in (
                terminal.save_key("custom", keys("two"), form(" first ")),
                terminal.test_key("custom", keys("two"), form("FIRST")),
            ):
                with pytest.raises(SettingsError) as caught:
                    await attempt
                assert "is called" in caught.value.user_text
            second = await terminal.save_key("custom", keys("two"), form("Second"))
            with pytest.raises(SettingsError, match="in use"):
                await terminal.keep_options(second, {"custom.title": "First"})
            heard: list[str] = []
            terminal.desk_changed.watch(lambda: heard.append(terminal.venue_info(second).title))
            await terminal.keep_options(second, {"custom.title": "Another"})
            assert heard == ["Another"]
            assert terminal.venues == (first, second), "the name stays through a renaming"

    run(main())


def test_a_removed_plugin_leaves_keys_and_settings_and_never_its_name(tmp_path: Path) -> None:
    ring = MemoryKeyring()

    async def main() -> None:
        async with opened(tmp_path, ring) as terminal:
            told: list[str] = []
            terminal.notice.watch(lambda notice: told.append(notice.text))
            first = await terminal.save_key("custom", keys("one"), form("First"))
            second = await terminal.save_key("custom", keys("two"), form("Second"))
            terminal.settings.set("risk.max_quantity", "3", first)
            await terminal.forget_account(first)
            assert terminal.venues == (second,)
            assert await terminal.credentials.load(first, "main") is None
            assert await terminal.credentials.load(second, "main") is not None
            assert "First was removed, and its keys with it." in told[-1]
            assert "whatever is open there stays open" in told[-1]
            assert terminal.venue_info(first).title == "First", "what it left is told by its title"
        async with opened(tmp_path, ring) as terminal:
            assert terminal.venues == (second,)
            assert not terminal.settings.is_set("risk.max_quantity", first)
            # The journal speaks of the old one by its name: another one must not take its orders over.
            again = await terminal.save_key("custom", keys("one"), form("First"))
            assert again == f"{first}-2"
            assert terminal.settings.text("venue.mode", again) == Mode.LIVE.value

    run(main())


def test_what_cannot_be_is_refused_before_anything_is_kept(tmp_path: Path) -> None:
    ring = MemoryKeyring()

    async def main() -> None:
        async with opened(tmp_path, ring) as terminal:
            for entered, wrong, error in (
                ({"access_key": Secret("only-one-k3y")}, form("A"), CredentialError),
                (keys(), form("A", "ftp://127.0.0.1/A"), SettingsError),
                (keys(), form("A" * 25), SettingsError),
            ):
                with pytest.raises(error):
                    await terminal.save_key("custom", entered, wrong)
            assert terminal.venues == ()
            assert not ring.stored
            assert not list(terminal.paths.vault.rglob("*"))

    run(main())
