"""What a key may do, found out without changing anything.

Each permission is tried with the mildest call that needs it: Kraken answers "Permission denied" before it
looks at anything else, so any other answer shows that the permission is there.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any

from terminal.domain.errors import AuthRejected, NotSent, OutcomeUnknown, RequestRejected, VenueUnavailable
from terminal.venues.base import KeyReport
from terminal.venues.kraken.errors import VENUE_NAME
from terminal.venues.kraken.rest import KrakenRest, NewOrder

log = logging.getLogger("venue.kraken")

_PERMISSION_DENIED = "EGeneral:Permission denied"
# An order far from any market, only to be checked, and an order id that Kraken never gives out.
_PROBE_PAIR = "XBTUSD"
_PROBE_ORDER = NewOrder(ordertype="limit", type="buy", volume="0.01", price="1000.0", oflags="post")
_PROBE_ID = "OAAAAA-AAAAA-AAAAAA"

_MISSING = {
    "Query funds": "balances cannot be shown",
    "Query open orders and trades": "open orders cannot be shown, and orders cannot be trusted without that",
    "Query closed orders and trades": "an order whose answer was lost cannot be looked up",
    "Create and change orders": "this key can watch but not trade",
    "Cancel orders": "orders could be placed but not canceled",
    "Use the WebSocket": "orders and fills cannot be followed live",
}


async def check_key(rest: KrakenRest, last_four: str) -> KeyReport:
    """Try what the key may do.

    Raises:
        AuthRejected: Kraken does not take the key at all.
        VenueUnavailable: it could not be asked.
    """
    granted = {
        "Query funds": await _may(rest.balance()),
        "Query open orders and trades": await _may(rest.open_orders()),
        "Query closed orders and trades": await _may(rest.closed_orders(without_count=True)),
        "Create and change orders": await _may(rest.add_order(_PROBE_PAIR, _PROBE_ORDER, validate=True)),
        "Cancel orders": await _may(rest.cancel_order(txid=_PROBE_ID)),
        "Use the WebSocket": await _may(rest.get_websockets_token()),
    }
    warnings = [f"Not granted: {name.lower()}; {_MISSING[name]}." for name, has in granted.items() if not has]
    info = await _key_info(rest)
    withdraws = _may_withdraw(info) if info is not None else None
    if withdraws is None:
        warnings.append("Kraken did not say whether this key may withdraw funds. It never needs to.")
    else:
        granted["Withdraw funds"] = withdraws
    if withdraws:
        warnings.insert(
            0, "This key may withdraw funds. The terminal never needs that: untick it on Kraken's key page."
        )
    name = _name_of(info or {})
    return KeyReport(permissions=granted, warnings=tuple(warnings), label=f"{name} {last_four}".strip())


async def _may(call: Awaitable[object]) -> bool:
    try:
        await call
    except AuthRejected as error:
        if error.code != _PERMISSION_DENIED:
            raise
        return False
    except RequestRejected:
        return True
    except (OutcomeUnknown, NotSent) as error:
        raise VenueUnavailable(
            VENUE_NAME, str(error), code=error.code, user_text="Kraken did not answer the test of the key."
        ) from error
    return True


async def _key_info(rest: KrakenRest) -> dict[str, Any] | None:
    """What Kraken says of the key itself. The call is new and its shape not certain: no answer is no
    fault."""
    try:
        return await rest.get_api_key_info()
    except (AuthRejected, RequestRejected, VenueUnavailable) as error:
        log.info("GetApiKeyInfo gave nothing: %s", error)
        return None


def _may_withdraw(info: object) -> bool | None:
    """Whether anything in the answer grants withdrawals; None where nothing speaks of permissions.

    Read in every shape it may have: ``{"permissions":["query-funds","withdraw-funds"]}`` or
    ``{"permissions":{"withdraw_funds":true}}``.
    """
    if not isinstance(info, dict):
        return None
    listed = next((value for key, value in info.items() if "permission" in str(key).lower()), None)
    if listed is None:
        return None
    return _mentions_withdraw(listed)


def _mentions_withdraw(value: object) -> bool:
    if isinstance(value, str):
        return "withdraw" in value.lower()
    if isinstance(value, list):
        return any(_mentions_withdraw(item) for item in value)
    if isinstance(value, dict):
        return any(
            ("withdraw" in str(key).lower() and item not in (False, None, 0, "", [], {}))
            or (isinstance(item, dict | list) and _mentions_withdraw(item))
            for key, item in value.items()
        )
    return False


def _name_of(info: dict[str, Any]) -> str:
    for key in ("api_key_name", "apiKeyName", "key_name", "name", "description"):
        value = info.get(key)
        if isinstance(value, str) and value:
            return value[:60]
    return ""
