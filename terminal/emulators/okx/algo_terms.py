"""New terms for a waiting stop order, worked out from the fields of a request to amend it.

OKX API v5 "Amend algo order", read 2026-07: each field is the placing one with ``new`` before it; a take-
profit or stop-loss whose trigger or order price becomes 0 is taken out.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from terminal.emulators.okx.errors import OkxError, wrong
from terminal.emulators.okx.orders import text_of

_STOPS: Final = {
    f"new{leg}{what}": f"{leg.lower()}{what}" for leg in ("Tp", "Sl") for what in ("TriggerPx", "OrdPx")
} | {f"new{leg}TriggerPxType": f"{leg.lower()}TriggerPxType" for leg in ("Tp", "Sl")}
_TRIGGER: Final = {"newTriggerPx": "triggerPx", "newOrdPx": "orderPx", "newTriggerPxType": "triggerPxType"}
_TRAIL: Final = {
    "newCallbackRatio": "callbackRatio",
    "newCallbackSpread": "callbackSpread",
    "newActivePx": "activePx",
}
_TERMS: Final = {"conditional": _STOPS, "oco": _STOPS, "trigger": _TRIGGER, "move_order_stop": _TRAIL}


def amended(kind: str, fields: Mapping[str, str], values: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """``ordType`` and fields as the request wants them, the prices not yet checked.

    Raises:
        OkxError: 51500 when nothing is asked for, 51506 for a field that its kind does not have, 51000 when
            the last leg would go.
    """
    known = {"newSz": "sz", **_TERMS[kind]}
    every = {"newSz", *_STOPS, *_TRIGGER, *_TRAIL}
    asked = {name: text_of(values, name) for name in every if text_of(values, name)}
    if not asked:
        raise OkxError("51500")
    if not asked.keys() <= known.keys():
        raise OkxError("51506")
    fresh = {**fields, **{known[name]: text for name, text in asked.items()}}
    if "newCallbackRatio" in asked and "newCallbackSpread" not in asked:
        fresh["callbackSpread"] = ""
    if "newCallbackSpread" in asked and "newCallbackRatio" not in asked:
        fresh["callbackRatio"] = ""
    if known.keys() >= _STOPS.keys():
        kind = _without_legs(kind, fields, fresh, asked)
    return kind, fresh


def _without_legs(
    kind: str, fields: Mapping[str, str], fresh: dict[str, str], asked: Mapping[str, str]
) -> str:
    """Take the legs out that are to go; what is left of a pair is a single stop."""
    for leg in ("tp", "sl"):
        mine = [name for name in asked if _STOPS.get(name, "").startswith(leg)]
        if mine and not fields[f"{leg}TriggerPx"]:
            raise OkxError("51506")
        if _is_zero(fresh[f"{leg}TriggerPx"]) or _is_zero(fresh[f"{leg}OrdPx"]):
            fresh.update({f"{leg}{what}": "" for what in ("TriggerPx", "OrdPx", "TriggerPxType")})
            kind = "conditional"
            if not fresh["tpTriggerPx"] and not fresh["slTriggerPx"]:
                raise wrong(f"new{leg.capitalize()}TriggerPx")
    return kind


def _is_zero(text: str) -> bool:
    return text.replace(".", "", 1).isdigit() and not Decimal(text)
