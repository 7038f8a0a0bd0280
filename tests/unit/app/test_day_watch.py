"""What the day is wired to: whose money an account holds, and the limit as the settings ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from terminal.app.compose import Terminal
from terminal.app.day_watch import read_limit
from terminal.app.paths import paths_below
from terminal.core.log_ring import LogRing
from terminal.domain.account import AccountInfo
from terminal.services.loss_lock import LossLimit
from terminal.services.session import Mode
from tests.helpers import run

D = Decimal


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(paths_below(tmp_path).make(), LogRing(), throw_away=True)
    yield made
    run(made.stop())


@pytest.mark.parametrize(
    ("mode", "owner", "is_real"),
    [
        (Mode.PRACTICE, None, False),
        (Mode.PRACTICE, True, False),
        (Mode.LIVE, None, True),
        (Mode.LIVE, True, True),
        (Mode.LIVE, False, False),  # a broker's demo account
    ],
)
def test_demo_and_practice_accounts_hold_no_real_money(
    terminal: Terminal, mode: Mode, owner: bool | None, is_real: bool
) -> None:
    account = f"ctrader:{mode.value}:91"
    infos = {} if owner is None else {account: AccountInfo(account_id="91", title="House 91", is_live=owner)}
    session = SimpleNamespace(mode=mode, accounts=(account,), infos=infos, hidden={}, has_account=True)
    terminal.sessions._sessions["ctrader"] = session  # type: ignore[assignment]
    assert terminal.day.is_real(account) is is_real
    del terminal.sessions._sessions["ctrader"]
    # Off, it is taken for what its name says: a practice account never stands for real money.
    assert terminal.day.is_real(account) is (mode is Mode.LIVE)


def test_the_limit_is_what_the_settings_ask_for(terminal: Terminal) -> None:
    settings, lock = terminal.settings, terminal.day.lock
    assert read_limit(settings) == LossLimit()
    settings.set("risk.day_loss_pct.step", "lock")
    assert lock.in_force == LossLimit(None, D(2))
    settings.set("risk.day_loss", "150.5")
    settings.set("risk.day_loss.step", "lock")
    assert lock.in_force == LossLimit(D("150.5"), D(2))
    settings.set("risk.day_loss_holdings", True)
    assert lock.in_force.counts_held
    settings.set("risk.day_loss_pct.step", "off")
    assert (lock.in_force.pct, lock.asked.pct) == (D(2), None), "looser holds from the next day on"
    settings.set("risk.day_start", "17:30")
    assert (lock.day.start_min, lock.day.asked_min) == (0, 17 * 60 + 30)
