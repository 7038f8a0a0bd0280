"""All that stands between a request and the wire, read at one moment: the instrument's rules, the balance,
doubts, the person's limits, and what has to be confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from terminal.core.clock import Clock
from terminal.domain.account import Balance, Position
from terminal.domain.contract_rules import check_contract, check_stake_covered
from terminal.domain.decimals import ZERO
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import (
    AmendRequest,
    Order,
    OrderRequest,
    OrderState,
    OrderType,
    Origin,
    Protection,
)
from terminal.domain.rules import check_amend, check_balance, check_request
from terminal.services.arming import Arming, ArmState
from terminal.services.inquiries import ConnectorOf, Inquiries, capabilities_of
from terminal.services.order_ledger import OrderLedger
from terminal.services.risk import AccountView, LossGuard, MarketView, Prices, RiskRules, read_prices
from terminal.venues.base import Capabilities

_MINUTE_NS = 60_000_000_000
_STEPS_KEPT = 100
# A confirmed figure may grow by a tenth while the person reads; beyond that it is shown again.
_CONFIRMED_GROWTH = Decimal("1.1")
# What is left of an order may be below the minimum of a new one; the venue measures the total.
_NOT_FOR_AMENDS = frozenset({"min_quantity", "min_notional", "capability", "expiry"})


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What our own checks say of a request, in the order of the form."""

    refusals: tuple[OrderRefused, ...]
    warnings: tuple[OrderRefused, ...]
    """What the person may confirm; pass their tokens to :meth:`OrderGate.submit`."""

    @classmethod
    def of(cls, found: Sequence[OrderRefused]) -> CheckResult:
        """What was found, parted into what ends it and what may be confirmed."""
        return cls(
            tuple(fault for fault in found if not fault.confirmable),
            tuple(fault for fault in found if fault.confirmable),
        )

    @property
    def tokens(self) -> frozenset[str]:
        """The consent that covers every warning as it was shown."""
        return frozenset(warning.token for warning in self.warnings)


class ConfirmationNeeded(OrderRefused):
    """Nothing was sent: the request has to be shown and confirmed first.

    Show the exact request with ``warnings``, then call again with ``confirmed=error.tokens``. A figure that
    has got clearly worse by then is shown again rather than sent.
    """

    def __init__(self, warnings: Sequence[OrderRefused]) -> None:
        first = warnings[0]
        super().__init__(
            first.rule, first.user_text, field=first.field, confirmable=True, figure=first.figure
        )
        self.warnings = tuple(warnings)
        self.tokens = frozenset(warning.token for warning in warnings)


class OrderChecks:
    """Reads the views and says what is wrong; keeps nothing but when each order of this run was entered."""

    def __init__(
        self,
        *,
        rules: RiskRules,
        ledger: OrderLedger,
        inquiries: Inquiries,
        arming: Arming,
        clock: Clock,
        connector: ConnectorOf,
        market: MarketView,
        account_view: AccountView,
        closed_reason: Callable[[str], str],
    ) -> None:
        self.rules = rules
        self._orders = ledger.table.orders
        self._ledger = ledger
        self.inquiries = inquiries
        self.arming = arming
        self._clock = clock
        self._connector = connector
        self._market = market
        self._accounts = account_view
        self._closed_reason = closed_reason
        self.loss_guard: LossGuard | None = None
        self._entered_ns: dict[str, int] = {}
        self._held_before: dict[str, Decimal] = {}

    def entered(self, order: Order) -> None:
        """An order has just been entered; duplicates of it are counted from now, on the monotonic clock."""
        self._entered_ns[order.client_order_id] = self._clock.monotonic_ns()
        position = self._position_of(order.account, order.request)
        if position is not None:
            self._held_before[order.client_order_id] = position.quantity
            while len(self._held_before) > _STEPS_KEPT:
                del self._held_before[next(iter(self._held_before))]

    def find_faults(self, account: str, request: OrderRequest, exclude: Order | None) -> list[OrderRefused]:
        """Everything that speaks against a request now; ``exclude`` is the order that it would amend.

        A closed account comes first and does not hide the rest, so that a form can be filled meanwhile.
        """
        connector = self._connector(account)
        abilities = capabilities_of(connector)
        found: list[OrderRefused] = []
        closed = self._closed_reason(account)
        if connector is None or abilities is None or closed:
            found.append(OrderRefused("not_ready", closed or "The venue is not connected."))
        instrument = self._market.instrument(request.instrument)
        if instrument is None:
            found.append(OrderRefused("instrument", f"{request.instrument.symbol} is not listed now."))
        if instrument is None or abilities is None:
            return found
        finite = all(
            value is None or value.is_finite()
            for value in (
                *(request.quantity, request.limit_price, request.trigger_price, request.trail_offset),
                *(request.reference_price, request.max_slippage),
            )
        )
        if not finite:
            return [*found, OrderRefused("number", "That is not a usable number.")]
        found += self._check_loss(account, request, instrument, exclude)
        prices = read_prices(request, self._market)
        expected = prices.expected(request.side)
        if request.order_type is OrderType.CONTRACT:
            return found + self._check_contract(account, request, instrument, abilities, prices)
        found += check_request(
            request, instrument, abilities, now_ns=self._clock.wall_ns(), market_price=expected
        )
        rates = self._accounts.fee_rates(account, request.instrument.symbol)
        found += check_balance(
            request,
            instrument,
            self._balances(account, exclude),
            market_price=expected,
            fee_pct=ZERO if rates is None else rates.maker_pct if request.post_only else rates.taker_pct,
        )
        found += self._check_doubt(account, request, exclude)
        if request.quantity > 0:
            found += self.rules.check(
                request,
                instrument,
                prices,
                equity=self._accounts.equity(account, instrument.quote),
                recent=() if exclude is not None else self._recent(account),
                leverage=self._accounts.leverage(account, instrument),
                steps_done=self._steps_done(account, request),
            )
        return found

    def _check_loss(
        self, account: str, request: OrderRequest, instrument: Instrument, exclude: Order | None
    ) -> list[OrderRefused]:
        if self.loss_guard is None:
            return []
        return self.loss_guard.check(
            account,
            request,
            instrument,
            position=self._position_of(account, request),
            balances=self._balances(account, exclude),
            amended=exclude,
        )

    def find_stop_faults(
        self, account: str, position: Position, protection: Protection
    ) -> list[OrderRefused]:
        """What the rules of the whole desk say of another stop for an open position."""
        return [] if self.loss_guard is None else self.loss_guard.check_stop(account, position, protection)

    def _check_contract(
        self,
        account: str,
        request: OrderRequest,
        instrument: Instrument,
        abilities: Capabilities,
        prices: Prices,
    ) -> list[OrderRefused]:
        now_ns = self._clock.wall_ns() + self._venue_ahead_ns(account)
        found = check_contract(request, instrument, abilities, now_ns=now_ns)
        found += check_stake_covered(request, instrument, self._accounts.balances(account))
        found += self._check_doubt(account, request, None)
        if instrument.offer is not None and request.quantity > 0:
            found += self.rules.check(
                request,
                instrument,
                prices,
                equity=self._accounts.equity(account, instrument.offer.currency),
                recent=self._recent(account),
            )
        return found

    def _venue_ahead_ns(self, account: str) -> int:
        """How far the venue's clock, by which contracts end, is before ours."""
        health = getattr(self._connector(account), "health", None)
        offset_ms = None if health is None else health().clock_offset_ms
        return int((offset_ms or 0) * 1_000_000)

    def _check_doubt(self, account: str, request: OrderRequest, exclude: Order | None) -> list[OrderRefused]:
        """An order in doubt closes its side of its instrument: a second one might be one too many."""
        for order in self._open_orders(account):
            if (
                order is not exclude
                and order.instrument == request.instrument
                and order.side is request.side
                and self.inquiries.is_doubtful(order)
            ):
                return [
                    OrderRefused(
                        "in_doubt",
                        f"We do not know yet what became of {_worded(request)} "
                        f"{request.instrument.symbol}. Wait until it is settled, or confirm that you want "
                        "another one.",
                        confirmable=True,
                    )
                ]
        return []

    def _open_orders(self, account: str) -> list[Order]:
        return [o for o in self._orders.values() if o.account == account and not o.state.is_final]

    def _recent(self, account: str) -> list[tuple[Order, int]]:
        """Our own orders with their ages in ns: monotonic for those of this run."""
        mono, wall = self._clock.monotonic_ns(), self._clock.wall_ns()
        out: list[tuple[Order, int]] = []
        for order in reversed(self._orders.values()):
            if order.account != account or order.origin is Origin.EXTERNAL:
                continue
            entered = self._entered_ns.get(order.client_order_id)
            age_ns = mono - entered if entered is not None else max(0, wall - order.created_ns)
            if entered is not None and age_ns > _MINUTE_NS:
                break
            out.append((order, age_ns))
        return out

    def _position_of(self, account: str, request: OrderRequest) -> Position | None:
        return None if request.position_id is None else self._accounts.position(account, request.position_id)

    def _steps_done(self, account: str, request: OrderRequest) -> frozenset[str]:
        """Orders that have reduced a position as they were told, where this one closes all that is left.

        Half of a position and then its rest are two equal orders and two different commands. A second click
        on Close is none of these: until the position is told as smaller it has the size that it had before,
        and afterwards there is none.
        """
        position = self._position_of(account, request)
        if position is None or not request.reduce_only or request.quantity != position.quantity:
            return frozenset()
        return frozenset(
            order_id
            for order_id, before in self._held_before.items()
            if (order := self._orders.get(order_id)) is not None
            and order.state is OrderState.FILLED
            and order.account == account
            and order.request.position_id == request.position_id
            and position.quantity <= before - order.quantity
        )

    def _balances(self, account: str, own: Order | None) -> Mapping[str, Balance]:
        """Balances, with what ``own`` holds back counted as free (it is about to be amended)."""
        balances = self._accounts.balances(account)
        if own is None:
            return balances
        asset, held = self._accounts.holds_of(account, own)
        balance = balances.get(asset)
        if balance is None:
            return balances
        return {**balances, asset: balance._replace(held=max(ZERO, balance.held - held))}

    def find_amend_faults(self, order: Order, change: AmendRequest) -> list[OrderRefused]:
        """Everything that speaks against new terms for an order."""
        instrument = self._market.instrument(order.instrument)
        if instrument is None:
            return [OrderRefused("instrument", f"{order.instrument.symbol} is not listed now.")]
        found = check_amend(change, order, instrument)
        if found:
            return found
        kind = order.order_type
        has_limit = kind.has_limit_price and kind is not OrderType.TRAILING_STOP_LIMIT
        asked = replace(
            order.request,
            quantity=(change.quantity or order.quantity) - order.filled_quantity,
            limit_price=change.limit_price or order.limit_price if has_limit else None,
            trigger_price=change.trigger_price or order.trigger_price if kind.has_trigger else None,
            display_quantity=None,
            protection=change.protection or order.protection,
            order_type=OrderType.LIMIT if kind is OrderType.ICEBERG else kind,
        )
        return [
            fault
            for fault in self.find_faults(order.account, asked, exclude=order)
            if fault.rule not in _NOT_FOR_AMENDS
        ]

    def require(self, found: Sequence[OrderRefused], confirmed: frozenset[str]) -> None:
        """Raise the first refusal, else what still has to be confirmed."""
        for fault in found:
            if not fault.confirmable:
                raise fault
        missing = [fault for fault in found if not _is_covered(fault, confirmed)]
        if self.arming.state is ArmState.CONFIRM and "arm" not in confirmed:
            missing.append(OrderRefused("arm", "Confirm the order.", confirmable=True))
        if missing:
            raise ConfirmationNeeded(missing)

    def require_armed(self) -> None:
        """Raise where no order may leave at all."""
        if self.arming.state is ArmState.VIEW:
            raise OrderRefused("arm", "The terminal is on View: no order can leave. Switch to Confirm first.")


def _is_covered(fault: OrderRefused, confirmed: frozenset[str]) -> bool:
    """Whether what was confirmed still covers a warning: the same rule, and a figure not clearly worse."""
    if fault.rule in confirmed or fault.token in confirmed:
        return True
    if fault.figure is None:
        return False
    for token in confirmed:
        rule, _, text = token.partition("@")
        if rule != fault.rule:
            continue
        try:
            shown = Decimal(text)
        except InvalidOperation:
            continue
        if shown.is_finite() and fault.figure <= shown * _CONFIRMED_GROWTH:
            return True
    return False


def _worded(request: OrderRequest) -> str:
    """``a buy order in``, and of a contract ``a contract up on``, ``giving back a contract on``."""
    if request.order_type is not OrderType.CONTRACT:
        return f"a {request.side.value} order in"
    if request.reduce_only:
        return "giving back a contract on"
    return f"a contract {'up' if request.side is Side.BUY else 'down'} on"
