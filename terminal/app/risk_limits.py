"""The pre-trade limits as the settings have them."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

from terminal.domain.instrument import InstrumentKind
from terminal.services.risk import Limit, RiskLimits, RiskRules, Step
from terminal.services.settings import Settings


def read_limits(settings: Settings, scope: str | None = None) -> RiskLimits:
    """All limits of a scope: None is general, ``"kraken"`` a venue, ``"kraken:spot"`` a kind there."""
    limits: dict[str, Limit | None] = {}
    for field in fields(RiskLimits):
        step = Step(settings.text(f"risk.{field.name}.step", scope))
        value = Decimal(settings.number(f"risk.{field.name}", scope))
        limits[field.name] = None if step is Step.OFF else Limit(value, step)
    return RiskLimits(**limits)


def apply_limits(settings: Settings, rules: RiskRules, venues: tuple[str, ...]) -> None:
    """Put the settings' limits in force; call again after a change."""
    rules.limits = read_limits(settings)
    for venue in venues:
        rules.overrides[venue, None] = read_limits(settings, venue)
        for kind in InstrumentKind:
            rules.overrides[venue, kind] = read_limits(settings, f"{venue}:{kind.value}")
