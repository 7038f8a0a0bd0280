"""What an account holds, and what it is worth."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from terminal.core.clock import ManualClock
from terminal.domain.account import AccountFigures, AccountSnapshot, Balance, FeeRates
from terminal.domain.events import BalancesReported
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Quote, Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType
from terminal.services.market_data import MarketData
from terminal.services.portfolio import Portfolio
from tests.fakes import BTC, FakeConnector, instrument
from tests.helpers import eventually, run

D = Decimal
ACCOUNT = "fake:practice"


def order(side: Side, state: OrderState = OrderState.OPEN, filled: str = "0") -> Order:
    request = OrderRequest(BTC, side, OrderType.LIMIT, D("0.5"), limit_price=D(100))
    return Order(
        "c1",
        ACCOUNT,
        request,
        state,
        0,
        0,
        quantity=D("0.5"),
        limit_price=D(100),
        filled_quantity=D(filled),
    )


def a_portfolio(*orders: Order) -> tuple[Portfolio, MarketData]:
    market = MarketData(ManualClock())
    portfolio = Portfolio(market, lambda account: orders)
    portfolio.load(ACCOUNT, AccountSnapshot((Balance("USD", D(1000)), Balance("BTC", D(2))), ()))
    # Instruments come after the balances, so that no feed is asked for outside an event loop.
    market.set_instruments([instrument(), instrument(InstrumentId("fake", "EUR/USD"))])
    return portfolio, market


def quote(market: MarketData, symbol: str, bid: str, ask: str) -> None:
    instrument_id = InstrumentId("fake", symbol)
    day = (None, None, None, None, None, None, None)
    market.ingest("fake", Quote(instrument_id, D(bid), D(1), D(ask), D(1), *day, None, 0))


def test_resting_orders_hold_the_quote_of_a_buy_and_the_base_of_a_sell() -> None:
    portfolio, _ = a_portfolio(order(Side.BUY, filled="0.2"), order(Side.SELL))
    balances = portfolio.balances(ACCOUNT)
    assert balances["USD"].held == D("30.0")
    assert balances["BTC"].held == D("0.5")
    assert balances["BTC"].free == D("1.5")


def test_ended_orders_hold_nothing_and_doubtful_ones_do() -> None:
    portfolio, _ = a_portfolio(order(Side.BUY, OrderState.CANCELED), order(Side.SELL, OrderState.IN_DOUBT))
    balances = portfolio.balances(ACCOUNT)
    assert balances["USD"].held == 0
    assert balances["BTC"].held == D("0.5")


def test_worth_needs_a_price_and_names_what_has_none() -> None:
    portfolio, market = a_portfolio()
    assert portfolio.unpriced(ACCOUNT) == ["BTC"]
    assert portfolio.equity(ACCOUNT) == D(1000)
    quote(market, "BTC/USD", "99", "101")
    assert portfolio.equity(ACCOUNT) == D(1200)
    assert portfolio.unpriced(ACCOUNT) == []


def test_not_knowing_is_not_the_same_as_holding_nothing() -> None:
    portfolio, _ = a_portfolio()
    assert portfolio.equity("fake:other") is None
    portfolio.forget(ACCOUNT)
    assert not portfolio.is_known(ACCOUNT)


def test_a_stream_snapshot_replaces_and_an_update_adds() -> None:
    portfolio, _ = a_portfolio()
    portfolio.on_balances(ACCOUNT, BalancesReported((Balance("ETH", D(3)),), is_snapshot=False))
    assert set(portfolio.balances(ACCOUNT)) == {"USD", "BTC", "ETH"}
    portfolio.on_balances(ACCOUNT, BalancesReported((Balance("ETH", D(4)),), is_snapshot=True))
    assert {a: b.total for a, b in portfolio.balances(ACCOUNT).items()} == {"ETH": D(4)}


def test_what_the_stream_said_while_a_snapshot_was_read_is_newer_than_the_snapshot() -> None:
    portfolio, _ = a_portfolio()
    portfolio.expect_snapshot(ACCOUNT)
    portfolio.on_balances(ACCOUNT, BalancesReported((Balance("BTC", D(3)),), is_snapshot=False))
    portfolio.load(ACCOUNT, AccountSnapshot((Balance("USD", D(900)), Balance("BTC", D(2))), ()))
    balances = portfolio.balances(ACCOUNT)
    assert balances["BTC"].total == D(3)
    assert balances["USD"].total == D(900)
    portfolio.load(ACCOUNT, AccountSnapshot((Balance("BTC", D(2)),), ()))
    assert portfolio.balances(ACCOUNT)["BTC"].total == D(2)


def test_an_account_that_goes_leaves_the_prices_that_another_one_needs() -> None:
    async def main() -> None:
        market = MarketData(ManualClock())
        connector = FakeConnector()
        market.attach("fake", connector)
        market.set_instruments([instrument(InstrumentId("fake", "EUR/USD"))])
        portfolio = Portfolio(market, lambda account: ())
        euros = AccountSnapshot((Balance("EUR", D(5)),), ())
        for account in (ACCOUNT, "fake:other"):
            portfolio.load(account, euros)
        feed = Feed(FeedKind.QUOTES, "EUR/USD")
        await eventually(lambda: connector.subscribed == [feed])
        portfolio.forget("fake:other")
        quote(market, "EUR/USD", "1.10", "1.10")
        assert portfolio.equity(ACCOUNT) == D("5.5")
        portfolio.forget(ACCOUNT)
        await eventually(lambda: connector.unsubscribed == [feed])
        assert connector.subscribed == [feed], "it was never let go of while somebody needed it"

    run(main())


def test_a_price_of_everything_held_is_watched_until_the_account_goes() -> None:
    async def main() -> None:
        market = MarketData(ManualClock())
        connector = FakeConnector()
        market.attach("fake", connector)
        market.set_instruments([instrument()])
        portfolio = Portfolio(market, lambda account: ())
        portfolio.load(ACCOUNT, AccountSnapshot((Balance("USD", D(1)), Balance("BTC", D(2))), ()))
        portfolio.on_balances(ACCOUNT, BalancesReported((Balance("BTC", D(3)),), is_snapshot=False))
        feed = Feed(FeedKind.QUOTES, "BTC/USD")
        await eventually(lambda: connector.subscribed == [feed])
        portfolio.forget(ACCOUNT)
        await eventually(lambda: connector.unsubscribed == [feed])

    run(main())


def test_a_venue_that_counts_in_tether_prices_what_is_held_all_the_same() -> None:
    portfolio, market = a_portfolio()
    market.set_instruments([instrument(InstrumentId("fake", "BTC/USDT"))])
    quote(market, "BTC/USDT", "99", "101")
    assert portfolio.unpriced(ACCOUNT) == []
    assert portfolio.equity(ACCOUNT) == D(1200), "a tether counts as a dollar while nothing better is known"
    quote(market, "USDT/USD", "0.89", "0.91")
    assert portfolio.equity(ACCOUNT) == D(1180)


def test_figures_beside_balances_are_an_overview_and_orders_are_paid_from_the_balances() -> None:
    portfolio, market = a_portfolio()
    quote(market, "BTC/USD", "99", "101")
    figures = AccountFigures("USD", D(5000), D(50), D(100), own_equity=D(5050), beside_balances=True)
    portfolio.on_figures(ACCOUNT, figures)
    assert portfolio.figures(ACCOUNT) is None
    assert portfolio.overview(ACCOUNT) == figures
    assert portfolio.equity(ACCOUNT) == D(1200), "what is held at mid prices"
    assert not portfolio.is_known("fake:other")
    portfolio.on_figures("fake:other", figures)
    assert not portfolio.is_known("fake:other"), "its balances are not"
    alone = AccountFigures("USD", D(5000), D(50), D(100))
    portfolio.on_figures(ACCOUNT, alone)
    assert portfolio.figures(ACCOUNT) == portfolio.overview(ACCOUNT) == alone
    assert portfolio.equity(ACCOUNT) == D(5050)


def test_worth_is_by_what_the_venue_says_that_an_asset_comes_to() -> None:
    portfolio, market = a_portfolio()
    quote(market, "BTC/USD", "99", "101")
    telling = (Balance("BTC", D(2), D("0.5"), D("1.9")), Balance("ETH", D(0), D(0), D("0.1")))
    portfolio.on_balances(ACCOUNT, BalancesReported(telling, is_snapshot=False))
    assert portfolio.equity(ACCOUNT) == D(1190)
    assert portfolio.balances(ACCOUNT)["BTC"].free == D("1.5"), "profit that is not taken pays for nothing"
    assert portfolio.unpriced(ACCOUNT) == ["ETH"]


def test_figures_that_the_venue_says_itself_count_before_sums() -> None:
    figures = AccountFigures("USD", D(5000), D(50), D(100), own_equity=D(4990), own_free=D(4000))
    assert (figures.equity, figures.free_margin, figures.margin_level) == (D(4990), D(4000), D(4990))
    assert AccountFigures("USD", D(5000), D(50), D(100)).free_margin == D(4950)


def a_buy(price: str, state: OrderState = OrderState.OPEN) -> Order:
    request = OrderRequest(BTC, Side.BUY, OrderType.LIMIT, D("0.07"), limit_price=D(price))
    return Order(
        "c2", ACCOUNT, request, state, 0, 0, quantity=D("0.07"), limit_price=D(price), filled_quantity=D(0)
    )


def test_where_the_stream_tells_no_holds_a_cancel_after_a_start_frees_the_money_at_once() -> None:
    orders = [a_buy("100000")]
    market = MarketData(ManualClock())
    portfolio = Portfolio(market, lambda account: orders)
    # As a reconciliation after a start reads it: the cost and the fee are held.
    portfolio.load(
        ACCOUNT,
        AccountSnapshot(
            (Balance("USD", D(10_000), D(7028)),),
            (),
            fees={"BTC/USD": FeeRates(D("0.25"), D("0.40"))},
            holds_from_orders=True,
        ),
    )
    market.set_instruments([instrument()])
    assert portfolio.balances(ACCOUNT)["USD"].held == D(7028)
    orders[0].state = OrderState.CANCELED
    assert portfolio.balances(ACCOUNT)["USD"].free == D(10_000)


def test_a_resting_buy_holds_its_fee_before_a_start_as_after_it() -> None:
    orders: list[Order] = []
    market = MarketData(ManualClock())
    portfolio = Portfolio(market, lambda account: orders)
    fees = {"BTC/USD": FeeRates(D("0.25"), D("0.40"))}
    calm = AccountSnapshot((Balance("USD", D(10_000)),), (), fees=fees, holds_from_orders=True)
    portfolio.load(ACCOUNT, calm)
    market.set_instruments([instrument()])
    orders.append(a_buy("100000"))
    assert portfolio.balances(ACCOUNT)["USD"].free == D(2972)
    assert portfolio.holds_of(ACCOUNT, orders[0]) == ("USD", D(7028))
    portfolio.load(ACCOUNT, replace(calm, balances=(Balance("USD", D(10_000), D(7028)),)))
    assert portfolio.balances(ACCOUNT)["USD"].free == D(2972)


def test_where_the_venue_tells_holds_itself_its_word_is_not_made_larger_by_a_fee() -> None:
    portfolio, _ = a_portfolio(order(Side.BUY))
    portfolio.set_fee_rates(ACCOUNT, "BTC/USD", FeeRates(D("0.25"), D("0.40")))
    assert portfolio.balances(ACCOUNT)["USD"].held == D("50.0")
    portfolio.on_balances(ACCOUNT, BalancesReported((Balance("USD", D(1000), D(300)),), is_snapshot=False))
    assert portfolio.balances(ACCOUNT)["USD"].held == D(300), "it counts the margin of positions, too"
