"""What the practice broker does by itself: margin calls, stop-out, swaps, expiry and profit events."""

from __future__ import annotations

from typing import Final

from terminal.emulators.ctrader.execution import Execution
from terminal.emulators.ctrader.intake import Intake
from terminal.emulators.ctrader.ledger import Ledger
from terminal.emulators.ctrader.records import MONEY_DIGITS, Account, Position
from terminal.emulators.ctrader.swaps import charge_times, nights_at, swap_amount
from terminal.venues.ctrader import openapi_pb2 as pb

PROFIT_EVERY_MS: Final = 500
"""Between two profit events of an account."""


class Risk:
    """Watches every account's equity, and the clock."""

    def __init__(self, ledger: Ledger, execution: Execution, intake: Intake) -> None:
        self._ledger = ledger
        self._execution = execution
        self._intake = intake
        self._profit_told: dict[int, tuple[int, int]] = {}
        self._profit_ms = 0

    # ---- margin ----------------------------------------------------------------------------------

    def look_at(self, account: Account) -> None:
        """Warn where the margin level has fallen under a threshold; close positions under the last."""
        positions = self._ledger.open_positions(account.ctid)
        if not positions:
            self._rearm(account, None)
            if account.balance < 0:
                self._protect_balance(account)
            return
        level = self._ledger.level(account)
        if level is None:
            return
        for number, threshold in sorted(account.thresholds.items()):
            if level < threshold and number not in account.warned:
                account.warned.append(number)
                self._ledger.keep(account)
                event = pb.ProtoOAMarginCallTriggerEvent(ctidTraderAccountId=account.ctid)
                event.marginCall.CopyFrom(margin_call(account, number, self._ledger.now_ms()))
                self._ledger.tell(account.ctid, event)
        self._rearm(account, float(level))
        if level < account.stop_out_level:
            self._stop_out(account, positions)

    def _rearm(self, account: Account, level: float | None) -> None:
        above = [one for one in account.warned if level is None or level >= account.thresholds[one]]
        if above:
            account.warned = [one for one in account.warned if one not in above]
            self._ledger.keep(account)

    def _stop_out(self, account: Account, positions: list[Position]) -> None:
        """Close one position; the next look decides whether another has to go."""
        if any(one.is_stop_out for one in self._ledger.live_orders(account.ctid)):
            return
        able = [one for one in positions if self._ledger.is_open(one.symbol_id)]
        if not able:
            return
        if account.stop_out_strategy == pb.MOST_LOSING_FIRST:
            chosen = min(able, key=lambda one: self._ledger.profit(one)[1])
        else:
            chosen = max(able, key=lambda one: one.used_margin)
        order = self._intake.closing_order(chosen, chosen.volume, is_stop_out=True)
        self._execution.accept(order, None, by_server=True)

    def _protect_balance(self, account: Account) -> None:
        self._ledger.move_cash(
            account,
            pb.BALANCE_DEPOSIT_NEGATIVE_BALANCE_PROTECTION,
            -account.balance,
            "Negative balance protection",
        )

    # ---- the clock -------------------------------------------------------------------------------

    def expire(self, now_ms: int) -> None:
        """End the orders whose time is over."""
        for order in list(self._ledger.orders.values()):
            if order.expire_ms is not None and order.expire_ms <= now_ms and not order.is_executing:
                self._execution.end(order, by_server=True, status=pb.ORDER_STATUS_EXPIRED)

    def roll_over(self, now_ms: int) -> None:
        """Charge the nights that have passed since the last time."""
        for account in self._ledger.accounts.values():
            if now_ms <= account.rolled_ms:
                continue
            since, account.rolled_ms = account.rolled_ms, now_ms
            charged = False
            for position in self._ledger.open_positions(account.ctid):
                charged |= self._charge(account, position, max(since, position.opened_ms), now_ms)
            # The time alone is not worth a write at each look.
            if charged or now_ms // 60_000 != since // 60_000:
                self._ledger.keep(account)

    def _charge(self, account: Account, position: Position, since_ms: int, now_ms: int) -> bool:
        spec = self._ledger.spec_of(position)
        times = charge_times(spec, since_ms, now_ms)
        nights = sum(nights_at(spec, when) for when in times)
        if not nights or account.swap_free:
            return False
        market = self._ledger.market
        rate = market.rate(spec.quote, account.currency)
        amount = swap_amount(position, spec, nights, market.bid(spec.id), market.ask(spec.id), rate)
        if not amount:
            return False
        position.swap += amount
        position.updated_ms = self._ledger.now_ms()
        self._ledger.keep(position)
        self._ledger.execution(pb.SWAP, account, position=position, by_server=True)
        return True

    def tell_profits(self, ctids: set[int], now_ms: int) -> None:
        """Unrealised profit of the accounts that ask for it, where it has changed (2189)."""
        if 0 <= now_ms - self._profit_ms < PROFIT_EVERY_MS:
            return
        self._profit_ms = now_ms
        for ctid in ctids:
            if ctid in self._ledger.accounts:
                figures = self.total_profit(ctid)
                if self._profit_told.get(ctid) != figures:
                    self._profit_told[ctid] = figures
                    self._ledger.tell(
                        ctid,
                        pb.ProtoOAv1PnLChangeEvent(
                            ctidTraderAccountId=ctid, grossUnrealizedPnL=figures[0],
                            netUnrealizedPnL=figures[1], moneyDigits=MONEY_DIGITS,
                        ),
                    )  # fmt: skip

    def total_profit(self, ctid: int) -> tuple[int, int]:
        """Gross and net of all positions."""
        gross = net = 0
        for position in self._ledger.open_positions(ctid):
            one = self._ledger.profit(position)
            gross, net = gross + one[0], net + one[1]
        return gross, net

    def forget_profit(self, ctid: int) -> None:
        """The next figure is told even if it is the same: somebody new listens."""
        self._profit_told.pop(ctid, None)


def margin_call(account: Account, number: str, now_ms: int) -> pb.ProtoOAMarginCall:
    """One threshold as a message."""
    return pb.ProtoOAMarginCall(
        marginCallType=pb.ProtoOANotificationType.Name(int(number)),
        marginLevelThreshold=account.thresholds[number],
        utcLastUpdateTimestamp=now_ms,
    )
