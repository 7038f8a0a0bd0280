"""The account behind a form: who is told what when connection, account or arm switch change."""

from __future__ import annotations

from terminal.core.clock import ManualClock
from terminal.domain.instrument import InstrumentId
from terminal.services.arming import ArmState
from terminal.services.session import Mode, SessionState
from terminal.viewmodels.form_place import FormPlace
from tests.trading_fakes import ACCOUNT, BTC, FakeAccounts, FakeGate, FakeMarket, FakeSession, FakeSessions


class _Form:
    """A form that only writes down what it was told."""

    def __init__(self) -> None:
        self.clock, self.sessions, self.accounts = ManualClock(), FakeSessions(), FakeAccounts()
        self.gate = FakeGate(self.clock, FakeMarket())
        self.told: list[str] = []
        self.where = FormPlace(self.sessions, self.gate, self.accounts, self.clock)
        for name in ("moved", "stirred", "voided", "left", "armed"):
            getattr(self.where, name).watch(lambda one=name: self.told.append(one))
        self.where.show(BTC)

    def since(self) -> list[str]:
        out, self.told = self.told, []
        return out


def test_a_figure_of_the_account_stirs_and_one_of_another_does_not() -> None:
    form = _Form()
    form.accounts.changed.notify("okx:practice")
    assert form.since() == []
    form.accounts.changed.notify(ACCOUNT)
    form.gate.readiness.notify(ACCOUNT)
    assert form.since() == ["stirred", "stirred"]


def test_another_account_of_the_venue_voids_what_was_shown() -> None:
    form = _Form()
    form.sessions.changed.notify("okx")
    assert form.since() == []
    form.sessions.changed.notify("kraken")
    assert form.since() == ["moved", "stirred"], "the same account still answers"
    other = FakeSession(Mode.LIVE)
    other.account = "kraken:live"
    form.sessions.sessions["kraken"] = other
    form.sessions.changed.notify("kraken")
    assert form.since() == ["moved", "voided", "left", "stirred"]
    assert form.where.place is not None
    assert form.where.place.account == "kraken:live"


def test_view_voids_what_was_shown_and_the_other_two_do_not() -> None:
    form = _Form()
    form.gate.arming.set(ArmState.ONE_CLICK)
    assert form.since() == ["armed"]
    form.gate.arming.set(ArmState.VIEW)
    assert form.since() == ["voided", "armed"]


def test_why_nothing_can_be_sent() -> None:
    form = _Form()
    assert form.where.closed_reason(None) == ""
    form.gate.closed = "The link is down."
    assert form.where.closed_reason(None) == "The link is down."
    form.gate.arming.set(ArmState.VIEW)
    assert form.where.closed_reason(None) == "View: switch to Confirm to trade"
    form.where.show(InstrumentId("okx", "BTC/USDT"))
    assert form.where.place is None
    assert form.where.closed_reason(None) == ""


def test_an_instrument_that_is_not_known_is_missing_for_a_reason() -> None:
    form = _Form()
    session = form.sessions.sessions["kraken"]
    session.state, session.reason = SessionState.FAILED, "Sign in again"
    assert form.where.missing_text == "Kraken is not connected. Sign in again."
    session.state = SessionState.CONNECTING
    assert form.where.missing_text == "Connecting to Kraken…"
    session.state = SessionState.LIVE
    assert form.where.missing_text == "Kraken does not list BTC/USD now."
    form.where.show(InstrumentId("okx", "BTC/USDT"))
    assert form.where.missing_text == "The venue of BTC/USDT is not connected."


def test_a_closed_form_hears_nothing() -> None:
    form = _Form()
    form.where.close()
    form.accounts.changed.notify(ACCOUNT)
    form.sessions.changed.notify("kraken")
    form.gate.arming.set(ArmState.VIEW)
    assert form.since() == []
