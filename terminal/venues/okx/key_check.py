"""What a key may do, as OKX itself says in the account's settings; nothing is tried out."""

from __future__ import annotations

from terminal.venues.base import KeyReport
from terminal.venues.okx.rest import OkxRest

READ = "Read the account"
TRADE = "Create and change orders"
WITHDRAW = "Withdraw funds"


async def check_key(rest: OkxRest, last_four: str, *, demo: bool) -> KeyReport:
    """Read the permissions of the key.

    Raises:
        AuthRejected: OKX does not take the key at all.
        VenueUnavailable: it could not be asked.
    """
    config = await rest.config(urgent=True)
    granted = {part.strip() for part in config.perm.split(",")}
    permissions = {READ: True, TRADE: "trade" in granted, WITHDRAW: "withdraw" in granted}
    warnings: list[str] = []
    if permissions[WITHDRAW]:
        warnings.append("This key may withdraw funds. The terminal never needs that: untick it at OKX.")
    if not permissions[TRADE]:
        warnings.append("Not granted: trade; this key can watch but not trade.")
    if not config.ip and not demo and (permissions[TRADE] or permissions[WITHDRAW]):
        warnings.append(
            "This key is not bound to an IP address: whoever has it can use it from anywhere, and OKX "
            "deletes it after 14 days without use."
        )
    return KeyReport(permissions, tuple(warnings), f"{config.label[:60]} …{last_four}".strip())
