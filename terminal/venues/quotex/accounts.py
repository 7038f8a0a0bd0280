"""The accounts of a Quotex sign-in: demo, real, and tournaments by their numbers. One is open at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from terminal.domain.account import AccountInfo, AccountKind
from terminal.venues.base import AccountProfile
from terminal.venues.quotex.feeds import to_decimal
from terminal.venues.quotex.site import Profile

DEMO: Final = "demo"
LIVE: Final = "live"
_REAL_MONEY: Final = (
    "This account trades with real money over an interface that Quotex does not publish. It stays open, also "
    "at the next start, until you choose another one."
)


_OFFSET_USE: Final = (
    "Quotex's own terminal shows times in this zone, and other programs work out with it when a waiting "
    "contract opens. This terminal sends times in UTC: its contracts, charts and history stay as they are."
)


def owner_of(email: str) -> str:
    """A short sign for whoever signs in, from the e-mail address; empty without one."""
    known = email.strip().casefold()
    return hashlib.sha256(known.encode()).hexdigest()[:6] if known else ""


def account_id_of(account: str, owner: str) -> str:
    """``demo@3f9a1c``: as an account is known outside, so that the demo accounts of two people are two."""
    return f"{account}@{owner}" if owner else account


def account_of(account_id: str, owner: str) -> str:
    """The account of an id, of this sign-in; empty where it is another person's."""
    account, _, told = account_id.partition("@")
    return account if told == owner else ""


def chosen_account(option: str, owner: str = "") -> str:
    """The account that a connection opens first: the real one or a tournament only where it alone was
    chosen, by the same person.

    ``option``: the ids of the accounts that the person shows, with commas between them."""
    chosen = {each.strip() for each in option.split(",") if each.strip()}
    (account_id,) = chosen if len(chosen) == 1 else {""}
    account = account_of(account_id, owner)
    return account if account == LIVE or account.isdecimal() else DEMO


def read_balances(data: Any) -> dict[str, Decimal]:
    """By account, of any event that tells money. In a tournament the demo figure is the tournament's."""
    if not isinstance(data, dict):
        return {}
    number = data.get("tournamentId")
    demo = str(number) if type(number) is int and number > 0 else DEMO
    told = {demo: data.get("demoBalance"), LIVE: data.get("liveBalance")}
    if "balance" in data:
        told[demo if data.get("isDemo") in (1, True) else LIVE] = data["balance"]
    amounts = {account: to_decimal(value) for account, value in told.items()}
    return {account: amount for account, amount in amounts.items() if amount is not None}


def profile_of(found: Profile, names: Mapping[str, str]) -> AccountProfile:
    """What the site says of the sign-in. ``names``: those of its accounts."""
    told = ((DEMO, found.demo_balance), (LIVE, found.live_balance))
    return AccountProfile(
        name=found.nickname,
        number=found.profile_id,
        country=found.country,
        currency=found.currency,
        balances=tuple((names[account], amount) for account, amount in told if amount is not None),
        time_offset_s=found.time_offset_s,
        time_offset_use=_OFFSET_USE,
    )


def account_info(account: str, owner: str, name: str, nickname: str, currency: str) -> AccountInfo:
    """As the screen presents it. ``name``: ``demo``, ``real``, or a tournament's title."""
    words = ("Quotex", name, nickname) if account in (DEMO, LIVE) else ("Quotex", "tournament", name)
    return AccountInfo(
        account_id=account_id_of(account, owner),
        title=" ".join(each for each in words if each),
        is_live=account == LIVE,
        currency=currency,
        kind=AccountKind.HEDGED,
        consent=_REAL_MONEY if account == LIVE else "",
        name=name,
        refills=account == DEMO,
    )
