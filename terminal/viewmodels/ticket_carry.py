"""What holding a position ties up and costs, for the lines under the ticket's cost strip."""

from __future__ import annotations

from terminal.core.clock import Clock
from terminal.domain.account import effective_leverage
from terminal.domain.instrument import Instrument, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import beside_text, money_text
from terminal.viewmodels.cost import CostEstimate
from terminal.viewmodels.cost_text import CostLine, carry_lines
from terminal.viewmodels.funding import funding_line
from terminal.viewmodels.leverage import LeverageChoice, leverage_text
from terminal.viewmodels.ports import Accounts, MarginSource, Market, Place
from terminal.viewmodels.ticket_money import TicketMoney


class Carry:
    """Margin, swap and funding of the ticket's order."""

    def __init__(
        self,
        market: Market,
        accounts: Accounts,
        margins: MarginSource | None,
        leverage: LeverageChoice,
        money: TicketMoney,
        clock: Clock,
    ) -> None:
        self._market, self._accounts, self._margins = market, accounts, margins
        self._leverage, self._money, self._clock = leverage, money, clock

    def lines(
        self,
        instrument: Instrument,
        place: Place,
        request: OrderRequest | None,
        side: Side,
        cost: CostEstimate | None,
    ) -> tuple[CostLine, ...]:
        """Margin and the swap of a night, or the funding of a perpetual; nothing for what is paid in full."""
        if instrument.kind is InstrumentKind.PERPETUAL:
            return (self._perpetual_margin(instrument, request, cost), self._funding(instrument, side))
        if self._leverage.is_offered:
            return (self._perpetual_margin(instrument, request, cost),)
        leverage = self._accounts.leverage(place.account, instrument)
        if leverage is None and instrument.swap is None:
            return ()
        figures = self._accounts.figures(place.account)
        currency = figures.currency if figures is not None else instrument.quote
        worth = cost.notional if cost is not None else None
        account, symbol = place.account, instrument.id.symbol
        expected, tiers = None, self._margins.tiers(account, symbol) if self._margins is not None else ()
        if tiers and leverage is not None and worth is not None:
            dollars = self._accounts.worth(account, instrument.quote, worth, "USD")
            leverage = effective_leverage(dollars, leverage, tiers) if dollars is not None else leverage
        if self._margins is not None and request is not None and place.can_trade:
            found = self._margins.expected(account, symbol, request.quantity)
            if found is not None and found.currency == currency:
                expected = found.buy if request.side is Side.BUY else found.sell
        return carry_lines(
            request,
            instrument,
            leverage=leverage,
            notional=worth,
            rate=self._money.rate(),
            currency=currency,
            expected=expected,
            tiers=tiers,
        )

    def _perpetual_margin(
        self, instrument: Instrument, request: OrderRequest | None, cost: CostEstimate | None
    ) -> CostLine:
        """What the order ties up at the venue's leverage: an estimate by its worth."""
        leverage, worth = self._leverage.current, cost.notional if cost is not None else None
        at = f"at {leverage_text(leverage)}" if leverage is not None else ""
        if request is not None and request.reduce_only:
            return CostLine("Margin", fmt.NOTHING, "it only reduces", tip="Nothing more is tied up.")
        if leverage is None or not leverage.value or worth is None:
            why = "leverage not known" if leverage is None and self._leverage.is_offered else at
            return CostLine("Margin", fmt.NOTHING, why)
        tied = worth / leverage.value
        tip = "Tied up while the position is open: an estimate by its worth and the leverage."
        beside = beside_text(tied, instrument, cost.average_price if cost is not None else None)
        return CostLine("Margin", f"≈ {money_text(tied, instrument)}", at, tip=f"{tip} {beside}".rstrip())

    def _funding(self, instrument: Instrument, side: Side) -> CostLine:
        funding = self._market.funding(instrument.id)
        return funding_line(funding, side, self._clock.wall_ns(), "no current rate")
