"""Settings: checked values, files that are whole, and bad files that cost nothing."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from terminal.core import tasks
from terminal.core.files import write_whole
from terminal.domain.errors import SettingsError, StorageError
from terminal.services.notices import Notice
from terminal.services.risk import RiskLimits, Step
from terminal.services.settings import SETTINGS, Kind, Settings
from tests.helpers import eventually, run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def bad_files(path: Path) -> list[Path]:
    return sorted(path.parent.glob("settings.json.bad-*"))


def test_table_is_sound() -> None:
    keys = [setting.key for setting in SETTINGS]
    assert len(set(keys)) == len(keys)
    for setting in SETTINGS:
        assert setting.parse(setting.default) == setting.default, setting.key
        assert setting.text.strip()
        assert not setting.text.endswith(".")
        assert "." in setting.key
        if setting.kind is Kind.CHOICE:
            assert setting.default in dict(setting.choices)
        if setting.kind in (Kind.INT, Kind.DECIMAL):
            assert setting.minimum is not None
            assert setting.maximum is not None


def test_defaults_of_the_limits_are_those_of_the_rules() -> None:
    """The table and the rules must not disagree about what is on at the first start."""
    limits, settings = RiskLimits(), Settings(None)
    for name in RiskLimits.__dataclass_fields__:
        step = settings.text(f"risk.{name}.step")
        limit = getattr(limits, name)
        if limit is None:
            assert step == "off", name
        else:
            assert (settings.number(f"risk.{name}"), Step(step)) == (limit.value, limit.step), name


def test_values_survive_a_restart(path: Path) -> None:
    first = Settings(path)
    assert first.get("look.density") == "standard"
    first.set("look.density", "compact")
    first.set("risk.price_band_pct", "2.50")
    first.set("look.flashes", False)
    first.set("look.ui_scale", "125")
    first.set("watch.symbols", ["BTC/USD", "ETH/USD"], "kraken")
    again = Settings(path)
    assert again.text("look.density") == "compact"
    assert again.number("risk.price_band_pct") == Decimal("2.50")
    assert again.flag("look.flashes") is False
    assert again.whole("look.ui_scale") == 125
    assert again.items("watch.symbols", "kraken") == ("BTC/USD", "ETH/USD")
    assert again.items("watch.symbols") == ()
    assert again.notices == []
    again.reset("look.density")
    assert Settings(path).text("look.density") == "standard"
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


def test_closest_scope_wins(path: Path) -> None:
    settings = Settings(path)
    settings.set("risk.max_notional", 5000)
    settings.set("risk.max_notional", 1000, "kraken")
    settings.set("risk.max_notional", 10, "kraken:spot")
    assert settings.number("risk.max_notional", "kraken:spot") == 10
    assert settings.number("risk.max_notional", "kraken:perp") == 1000
    assert settings.number("risk.max_notional", "okx") == 5000
    settings.reset("risk.max_notional", "kraken")
    assert Settings(path).number("risk.max_notional", "kraken:perp") == 5000
    assert Settings(path).number("risk.max_notional", "kraken:spot") == 10
    for scope in ("Kraken", "a b", "", "x:y:z", "@"):
        with pytest.raises(SettingsError):
            settings.set("risk.max_notional", 1, scope)
    with pytest.raises(SettingsError):
        settings.set("look.density", "compact", "kraken")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("risk.price_band_pct", "abc", "must be a number"),
        ("risk.price_band_pct", "", "must be a number"),
        ("risk.price_band_pct", "-3", "at least 0.01 %"),
        ("risk.price_band_pct", "0", "at least"),
        ("risk.price_band_pct", "1e9", "must be a number"),
        ("risk.price_band_pct", "999999999999", "at most 100 %"),
        ("risk.price_band_pct", "3,5", "point, not a comma"),
        ("risk.price_band_pct", "$3", "must be a number"),
        ("risk.price_band_pct", "NaN", "must be a number"),
        ("risk.price_band_pct", Decimal("NaN"), "must be a number"),
        ("risk.price_band_pct", Decimal("Infinity"), "must be a number"),
        ("risk.price_band_pct", 3.5, "must be a number"),
        ("risk.price_band_pct", True, "must be a number"),
        ("risk.price_band_pct", None, "must be a number"),
        ("look.ui_scale", "99.5", "whole number"),
        ("look.ui_scale", 79, "at least 80 %"),
        ("look.flashes", "yes", "on or off"),
        ("look.flashes", 1, "on or off"),
        ("look.density", "huge", "one of"),
        ("look.density", ["standard"], "one of"),
        ("trade.size_presets", "a\x00b", "control characters"),
        ("trade.size_presets", "x" * 5000, "at most"),
        ("watch.symbols", "BTC/USD", "must be a list"),
        ("watch.symbols", [1], "must be a text"),
        ("endpoint.rest", "http://venue.example", "encrypted"),
        ("endpoint.rest", "wss://venue.example", "must start with"),
        ("endpoint.rest", "https://[oops", "not a readable address"),
        ("network.proxy", "localhost:8080", "must start with"),
        ("no.such_key", 1, "there is no setting"),
    ],
)
def test_bad_values_are_refused_with_a_sentence_and_change_nothing(
    path: Path, key: str, value: object, words: str
) -> None:
    settings = Settings(path)
    with pytest.raises(SettingsError) as caught:
        settings.set(key, value)
    assert words in caught.value.user_text
    assert not path.exists()


def test_presets_may_have_several_lines_and_addresses_of_this_machine_may_be_plain(path: Path) -> None:
    settings = Settings(path)
    settings.set("trade.size_presets", "0.1; 0.2\n*2; /2")
    settings.set("endpoint.rest", " http://127.0.0.1:8080 ", "kraken")
    settings.set("endpoint.ws_public", "wss://venue.example/v2", "kraken")
    settings.set("endpoint.ws_public", "wss://other.example/v2", "okx")
    assert settings.endpoints("kraken") == {
        "rest": "http://127.0.0.1:8080",
        "ws_public": "wss://venue.example/v2",
    }
    assert Settings(path).text("trade.size_presets") == "0.1; 0.2\n*2; /2"


def test_watchers_hear_changes_of_their_value_alone(path: Path) -> None:
    settings = Settings(path)
    heard: list[object] = []
    unwatch = settings.watch("risk.max_notional", heard.append, "kraken")
    settings.set("risk.max_notional", 10000)  # as it was
    settings.set("risk.max_notional", 7)
    settings.set("risk.max_notional", 8, "okx")
    settings.set("risk.max_notional", 9, "kraken")
    settings.set("look.density", "compact")
    unwatch()
    settings.set("risk.max_notional", 1, "kraken")
    assert heard == [Decimal(10000), Decimal(7), Decimal(9)]


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"version":1,"settings":{"look.density":"comp',
        b"\x00" * 4096,
        b"[" * 100_000,
        b"[]",
        b'{"version":1}',
        b'{"version":1,"settings":[]}',
        b'{"version":2,"settings":{}}',
        b'{"version":true,"settings":{}}',
        b'{"version":1,"settings":{"risk.price_band_pct":NaN}}',
        b'"' + b"x" * 5_000_000 + b'"',
        b"\xff\xfe\xfa",
    ],
)
@pytest.mark.parametrize("good_copy", ["readable", "bad too", "absent"])
def test_bad_file_is_kept_aside_and_the_last_good_copy_used(
    path: Path, content: bytes, good_copy: str
) -> None:
    Settings(path).set("look.density", "compact")
    path.write_bytes(content)
    copy = path.with_name("settings.json.last-good")
    if good_copy == "bad too":
        copy.write_bytes(b"{{{")
    elif good_copy == "absent":
        copy.unlink()
    settings = Settings(path)
    assert settings.text("look.density") == ("compact" if good_copy == "readable" else "standard")
    (kept,) = bad_files(path)
    assert kept.read_bytes() == content
    (notice,) = settings.notices
    assert kept.name in notice.text
    assert ("last good copy" if good_copy == "readable" else "defaults") in notice.text
    settings.flush()
    again = Settings(path)
    assert again.text("look.density") == settings.text("look.density")
    assert again.notices == []


def test_missing_file_means_defaults_whatever_lies_beside_it(path: Path) -> None:
    """Who deletes the file wants the defaults back."""
    Settings(path).set("look.density", "compact")
    path.unlink()
    settings = Settings(path)
    assert settings.text("look.density") == "standard"
    assert settings.notices == []


def test_impossible_value_costs_that_value_alone(path: Path) -> None:
    stored = {
        "look.density": "gigantic",
        "look.ui_scale": 150,
        "risk.price_band_pct": 2.5,
        "risk.duplicate_s@X": 1,
    }
    path.write_text(json.dumps({"version": 1, "settings": stored}))
    path.chmod(0o600)
    settings = Settings(path)
    assert settings.text("look.density") == "standard"
    assert settings.whole("look.ui_scale") == 150
    assert settings.number("risk.price_band_pct") == Decimal("2.5")
    (notice,) = settings.notices
    assert "look.density" in notice.text


def test_unknown_keys_are_kept_for_the_version_that_knows_them(path: Path) -> None:
    stored = {"future.thing": {"a": [1, 2.5, None]}, "look.density": "compact", "look.density@kraken": "x"}
    path.write_text(json.dumps({"version": 1, "settings": stored}))
    path.chmod(0o600)
    Settings(path).set("look.flashes", False)
    written = json.loads(path.read_text())["settings"]
    assert written["future.thing"]["a"][0] == 1
    assert written["look.density@kraken"] == "x"
    assert written["look.flashes"] is False


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_file_open_to_others_is_closed_with_a_notice(path: Path) -> None:
    Settings(path).set("look.density", "compact")
    path.chmod(0o644)
    settings = Settings(path)
    assert path.stat().st_mode & 0o777 == 0o600
    (notice,) = settings.notices
    assert "open to other users" in notice.text


@pytest.mark.fault(38)
def test_failing_disk_keeps_the_old_file_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(path)
    settings.set("look.density", "compact")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError):
        settings.set("look.density", "comfortable")
    assert settings.text("look.density") == "comfortable"  # holds for this run
    monkeypatch.undo()
    assert Settings(path).text("look.density") == "compact"
    assert len(list(path.parent.iterdir())) == 2  # no parts left behind
    settings.flush()
    assert Settings(path).text("look.density") == "comfortable"


def test_under_a_loop_changes_are_gathered_and_written_in_a_thread(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        settings = Settings(path)
        for scale in range(80, 180):
            settings.set("look.ui_scale", scale)
        assert not path.exists()
        await eventually(path.exists)
        await eventually(lambda: Settings(path).whole("look.ui_scale") == 179)
        settings.set("look.ui_scale", 200)
        settings.flush()  # as at the end of the program
        assert Settings(path).whole("look.ui_scale") == 200

        notices: list[Notice] = []
        settings.noticed.watch(notices.append)

        def fail(source: object, target: object) -> None:
            raise OSError(30, "Read-only file system")

        monkeypatch.setattr(os, "replace", fail)
        settings.set("look.ui_scale", 90)
        await eventually(lambda: notices)
        assert "did not take the settings" in notices[0].text
        monkeypatch.undo()
        settings.flush()
        assert Settings(path).whole("look.ui_scale") == 90
        await eventually(lambda: not tasks.running(), what="the end of every save")

    run(main())


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(st.binary(max_size=200))
def test_no_content_of_the_file_stops_the_start(tmp_path: Path, content: bytes) -> None:
    target = tmp_path / "settings.json"
    target.write_bytes(content)
    Settings(target).get("look.density")


@hypothesis_settings(deadline=None, max_examples=100)
@given(
    st.sampled_from([setting.key for setting in SETTINGS]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    ),
)
def test_any_value_is_taken_or_refused_with_a_sentence(key: str, value: object) -> None:
    settings = Settings(None)
    refusal = ""
    try:
        settings.set(key, value)
    except SettingsError as error:
        refusal = error.user_text
    assert settings.is_set(key) is (refusal == "")
    assert refusal == "" or refusal.endswith(".")


def test_closing_waits_for_a_save_that_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk_is_ready = threading.Event()

    def slow_disk(path: Path, data: bytes) -> None:
        assert disk_is_ready.wait(10)
        write_whole(path, data)

    monkeypatch.setattr("terminal.services.settings.write_whole", slow_disk)

    def saving() -> list[str]:
        return [task.get_name() for task in tasks.running() if "saving" in task.get_name()]

    async def main() -> None:
        path = tmp_path / "settings.json"
        settings = Settings(path)
        settings.set("look.density", "compact")
        await eventually(saving)
        asyncio.get_running_loop().call_later(0.05, disk_is_ready.set)
        await settings.close()
        assert not saving()
        assert "compact" in path.read_text()

    run(main())
