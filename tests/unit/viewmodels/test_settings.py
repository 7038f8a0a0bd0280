"""The settings dialog's view-model: rows from the table, values checked before they are kept."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

import terminal
from terminal.services.risk import RiskLimits
from terminal.services.settings import SETTINGS, Kind, Settings
from terminal.venues import registry
from terminal.viewmodels.settings import HIDDEN, SettingsViewModel, entry_text, value_text

VENUES = {"kraken": "Kraken", "okx": "OKX"}
KEPT_ELSEWHERE = {
    "look.clock", "chart.interval_s", "watch.symbols", "venue.mode", "practice.tour_done",
    "venue.account", "venue.accounts", "venue.signed_out", "venue.added",
    "practice.account", "practice.accounts",
    "venue.removed", "endpoint.service", "custom.title", "custom.symbols", "custom.market_buy_in_base",
    "custom.plain_http",
}  # fmt: skip


def made(hidden: dict[str, str] | None = None) -> tuple[SettingsViewModel, Settings]:
    settings = Settings(None)
    vm = SettingsViewModel(settings, VENUES, hidden=HIDDEN if hidden is None else hidden)
    return vm, settings


def program_text(folder: str = "") -> str:
    """The program or a folder of it, without the table and the dialog that is made from it."""
    root = Path(terminal.__file__).parent
    left_out = {root / "services" / "settings_table.py", root / "viewmodels" / "settings.py"}
    return "\n".join(
        file.read_text(encoding="utf-8") for file in (root / folder).rglob("*.py") if file not in left_out
    )


def test_every_setting_of_the_dialog_is_read_by_the_program() -> None:
    text = program_text()
    limits = {field.name for field in fields(RiskLimits)}
    for setting in SETTINGS:
        if setting.key in HIDDEN:
            continue
        section, _, name = setting.key.partition(".")
        if section == "risk":
            read = name.removesuffix(".step") in limits or f'"{setting.key.removesuffix(".step")}"' in text
            assert read, f"nothing reads {setting.key}"
        elif section in registry.names():
            # Handed to the connector by their section, under their own name.
            read = f'"{name}"' in program_text(f"venues/{section}") or f'"{setting.key}"' in text
            assert read, f"nothing reads {setting.key}: hide it, with the reason"
        elif section != "endpoint":  # read by their section
            assert f'"{setting.key}"' in text, f"nothing reads {setting.key}: hide it, with the reason"


def test_what_is_hidden_exists_has_a_reason_and_is_read_by_nothing() -> None:
    text, keys = program_text(), {setting.key for setting in SETTINGS}
    for key, reason in HIDDEN.items():
        assert key in keys, key
        assert reason, key
        if key not in KEPT_ELSEWHERE:
            assert f'"{key}"' not in text, f"{key} does something now: show it"


def test_every_shown_setting_is_in_exactly_one_section() -> None:
    vm, _ = made()
    seen: list[str] = []
    for section in vm.sections:
        vm.choose_section(section)
        for row in vm.rows:
            if row.scope in (None, "kraken"):
                seen += [each.setting.key for each in (row, row.step) if each is not None]
    assert sorted(seen) == sorted(setting.key for setting in SETTINGS if setting.key not in HIDDEN)


def test_a_change_holds_at_once_and_can_be_taken_back() -> None:
    vm, settings = made()
    told: list[tuple[str, object]] = []
    vm.row_changed.connect(lambda key, scope: told.append((key, scope)))
    assert vm.set("look.ui_scale", None, "125")
    assert settings.whole("look.ui_scale") == 125
    row = vm.row("look.ui_scale", None)
    assert row is not None
    assert (row.value, row.is_set) == (125, True)
    assert ("look.ui_scale", None) in told
    assert "from the next start on" in row.note
    vm.reset("look.ui_scale", None)
    row = vm.row("look.ui_scale", None)
    assert row is not None
    assert (row.value, row.is_set) == (100, False)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("look.ui_scale", "250", "at most 200 %"),
        ("look.ui_scale", "", "must be a number"),
        ("look.ui_scale", "110.5", "whole number"),
        ("look.ui_scale", "1e2", "must be a number"),
        ("look.density", "huge", "must be one of"),
    ],
)
def test_what_does_not_fit_is_said_in_the_row_and_not_kept(key: str, value: str, words: str) -> None:
    vm, settings = made()
    before = settings.get(key)
    assert not vm.set(key, None, value)
    row = vm.row(key, None)
    assert row is not None
    assert words in row.problem
    assert settings.get(key) == before
    assert not settings.is_set(key)
    vm.touch(key, None)
    row = vm.row(key, None)
    assert row is not None
    assert row.problem == ""


def test_a_limit_and_its_step_are_one_row_and_each_venue_may_have_its_own() -> None:
    vm, settings = made()
    vm.choose_section("Limits")
    assert [scope for scope, _ in vm.scopes] == [None, "kraken", "okx"]
    row = vm.row("risk.price_band_pct", None)
    assert row is not None
    assert row.step is not None
    assert row.step.setting.key == "risk.price_band_pct.step"
    assert not any(each.setting.key.endswith(".step") for each in vm.rows)
    vm.choose_scope("kraken")
    row = vm.row("risk.price_band_pct", "kraken")
    assert row is not None
    assert "as for all venues" in row.note
    assert vm.set("risk.price_band_pct", "kraken", "1.5")
    assert vm.set("risk.price_band_pct.step", "kraken", "refuse")
    assert settings.number("risk.price_band_pct", "kraken:spot") == Decimal("1.5")
    assert settings.number("risk.price_band_pct", "okx") == 3
    assert settings.text("risk.price_band_pct.step", "kraken") == "refuse"
    vm.reset("risk.price_band_pct", "kraken")
    assert settings.number("risk.price_band_pct", "kraken") == 3


def test_addresses_stand_once_for_each_venue() -> None:
    vm, settings = made()
    vm.choose_section("Venues")
    assert vm.scopes == ()
    assert {row.scope for row in vm.rows if row.setting.key == "endpoint.rest"} == {"kraken", "okx"}
    assert not vm.set("endpoint.rest", "kraken", "http://example.com")
    row = vm.row("endpoint.rest", "kraken")
    assert row is not None
    assert "encrypted" in row.problem
    assert vm.set("endpoint.rest", "kraken", "https://example.com")
    assert settings.endpoints("kraken") == {"rest": "https://example.com"}
    assert settings.endpoints("okx") == {}


def test_a_search_looks_through_all_sections_for_all_words() -> None:
    vm, _ = made()
    vm.search("  BAND quote ")
    assert {row.setting.key for row in vm.rows} == {"risk.price_band_pct", "risk.price_band_ticks"}
    assert {row.heading for row in vm.rows} == {"Limits"}
    vm.search("compact")
    assert [row.setting.key for row in vm.rows] == ["look.density"], "the words of choices count"
    vm.search("no such thing")
    assert vm.rows == ()
    assert "no such thing" in vm.empty_text
    vm.search("")
    assert (vm.section, vm.empty_text) == ("Look", "")
    assert vm.rows


def test_visiting_a_field_does_not_make_its_default_a_choice() -> None:
    vm, settings = made()
    assert vm.set("look.ui_scale", None, "100")
    assert vm.set("look.flashes", None, True)
    assert not settings.is_set("look.ui_scale")
    assert not settings.is_set("look.flashes")


def test_size_buttons_that_could_not_be_pressed_are_refused() -> None:
    vm, settings = made()
    for good in ("0.01; 25%; $500; +0.01; *2; /2; ask; Bid; 1k", "0.1\n0.2; 0.3", ""):
        assert vm.set("trade.size_presets", None, good), good
        assert settings.text("trade.size_presets") == good
    for bad in ("0.01; abc", "0,5", "-1", "+", "**2", "; ".join(["1"] * 30)):
        vm.choose_section("Trading")
        assert not vm.set("trade.size_presets", None, bad), bad
        row = vm.row("trade.size_presets", None)
        assert row is not None
        assert row.problem.endswith(".")
    assert settings.text("trade.size_presets") == ""


def test_a_change_from_elsewhere_is_shown() -> None:
    vm, settings = made()
    settings.set("look.density", "compact")
    row = vm.row("look.density", None)
    assert row is not None
    assert row.value == "compact"
    vm.close()
    settings.set("look.density", "comfortable")
    row = vm.row("look.density", None)
    assert row is not None
    assert row.value == "compact"


def test_texts_of_every_kind() -> None:
    by_key = {setting.key: setting for setting in SETTINGS}
    assert value_text(by_key["risk.price_band_pct"], Decimal("3.50")) == "3.5 %"
    assert value_text(by_key["look.flashes"], False) == "Off"
    assert value_text(by_key["look.density"], "compact") == "Compact"
    assert value_text(by_key["watch.symbols"], ("BTC/USD", "ETH/USD")) == "BTC/USD, ETH/USD"
    assert entry_text(("a", "b")) == "a\nb"
    assert entry_text(Decimal("1000000")) == "1000000", "what stands in a field can be typed again"
    assert {setting.kind for setting in SETTINGS} == set(Kind)


def test_what_belongs_to_a_venue_stands_together_under_its_title() -> None:
    vm, _ = made()
    vm.choose_section("Venues")
    order: list[str] = []
    for row in vm.rows:
        if not order or order[-1] != row.heading:
            order.append(row.heading)
    assert order == ["All venues", "Kraken", "OKX"], "each heading once, and no row without one"
    under = {row.setting.key: row.heading for row in vm.rows if row.setting.section in ("network", *VENUES)}
    assert under["network.proxy"] == "All venues"
    assert under["kraken.tier"] == "Kraken"
    assert {row.heading for row in vm.rows if row.scope == "okx"} == {"OKX"}
    vm.choose_section("Look")
    assert {row.heading for row in vm.rows} == {""}
