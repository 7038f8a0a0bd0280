"""Accounts of a sign-in: which one is opened, and that those of two people are never taken for each other."""

from __future__ import annotations

import pytest

from terminal.venues.quotex.accounts import account_id_of, account_of, chosen_account, owner_of

MINE, YOURS = owner_of("Jane@Example.com "), owner_of("joe@example.com")


def test_an_owner_is_told_by_the_address_and_does_not_tell_it() -> None:
    assert owner_of("jane@example.com") == MINE != YOURS
    assert "jane" not in MINE
    assert owner_of("  ") == ""


def test_an_account_of_another_person_is_none_of_this_sign_in() -> None:
    for account in ("demo", "live", "417"):
        assert account_of(account_id_of(account, MINE), MINE) == account
        assert account_of(account_id_of(account, YOURS), MINE) == ""
        assert account_of(account, MINE) == ""
        # A session that was pasted without an address.
        assert account_of(account_id_of(account, ""), "") == account


@pytest.mark.parametrize(
    ("option", "account"),
    [
        ("", "demo"),
        (account_id_of("live", MINE), "live"),
        (account_id_of("417", MINE), "417"),
        (account_id_of("live", YOURS), "demo"),
        ("live", "demo"),
        (f"{account_id_of('live', MINE)},{account_id_of('live', YOURS)}", "demo"),
        (f"{account_id_of('live', MINE)},{account_id_of('demo', MINE)}", "demo"),
        (account_id_of("odd", MINE), "demo"),
    ],
)
def test_the_real_account_is_opened_where_it_alone_was_chosen_by_the_same_person(
    option: str, account: str
) -> None:
    assert chosen_account(option, MINE) == account
