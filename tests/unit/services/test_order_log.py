"""What the log says of an order: side, size, market and price; the ids stand beside it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.app import logs
from terminal.core.log_ring import LogRing, Redaction
from terminal.domain.contracts import ContractOffer, ContractTerms, ExpiryMode
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType, Origin
from terminal.services import order_log
from terminal.services.order_log import happened, order_text

D = Decimal
BTC = InstrumentId("kraken", "BTC/USD")
ID = "5f0c9ab0e1f24d07b6b1b3a1c2d3e4f5"


def order(state: OrderState = OrderState.OPEN, **changes: object) -> Order:
    terms = {"quantity": D("0.0010"), "limit_price": D("64120.10"), **changes}
    request = OrderRequest(BTC, Side.BUY, OrderType.LIMIT, **terms)  # type: ignore[arg-type]
    return Order(
        client_order_id=ID,
        account="kraken:practice",
        request=request,
        state=state,
        created_ns=0,
        updated_ns=0,
        venue_order_id="OQCLML-BW3P3-BUCMWZ",
        quantity=request.quantity,
        limit_price=request.limit_price,
    )


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield logger
    for handler in list(logger.handlers):
        if handler not in handlers:
            logger.removeHandler(handler)
            handler.close()
    for handler in handlers:
        if handler not in logger.handlers:
            logger.addHandler(handler)
    logger.setLevel(level)


def test_an_order_is_named_by_side_size_market_and_price() -> None:
    assert order_text(order()) == "Buy 0.001 BTC/USD limit at 64120.1"


def test_a_stop_limit_names_both_prices_and_money_is_not_taken_for_units() -> None:
    stop = Order(
        ID, "kraken:practice",
        OrderRequest(BTC, Side.SELL, OrderType.STOP_LIMIT, D(1), limit_price=D(99), trigger_price=D(100)),
        OrderState.OPEN, 0, 0, None, D(1), D(99), D(100),
    )  # fmt: skip
    assert order_text(stop) == "Sell 1 BTC/USD stop limit trigger 100 at 99"
    money = Order(
        ID, "kraken:practice", OrderRequest(BTC, Side.BUY, OrderType.MARKET, D(500), in_quote=True),
        OrderState.OPEN, 0, 0, None, D(500),
    )  # fmt: skip
    assert order_text(money) == "Buy BTC/USD for 500 market"


def test_what_became_of_it_is_said_in_words() -> None:
    assert happened(order(), "accepted", "OQCLML-BW3P3-BUCMWZ") == "accepted, open"
    partly = order(OrderState.PARTLY_FILLED)
    partly.filled_quantity, partly.average_price = D("0.0004"), D("64120.10")
    assert happened(partly, "fill", "") == "fill: 0.0004 of 0.001 at 64120.1, partly filled"
    rejected = order(OrderState.REJECTED)
    assert happened(rejected, "refused", "Insufficient funds.") == "refused: Insufficient funds."
    assert happened(rejected, "not sent", "Not sent: the disk is full.") == "not sent: the disk is full."
    assert happened(order(), "amended", "") == "amended, open"


def test_the_panel_shows_the_words_and_keeps_the_ids_beside_them(root: logging.Logger) -> None:
    ring = LogRing()
    ring.addFilter(Redaction())
    root.addHandler(ring)
    root.setLevel(logging.INFO)
    order_log.tell(logging.INFO, order(), "accepted, open")
    line = ring.lines[-1]
    assert line.text == "Buy 0.001 BTC/USD limit at 64120.1: accepted, open"
    assert line.ids == f"{ID} (venue: OQCLML-BW3P3-BUCMWZ)"


def test_the_file_has_the_ids_in_the_line_and_no_line_break_of_a_venue(
    root: logging.Logger, tmp_path: Path
) -> None:
    file = tmp_path / "p.log"
    logs.install(file, debug=False)
    wild = order()
    wild.venue_order_id = "O1\nERROR forged"
    order_log.tell(logging.INFO, wild, "accepted, open")
    (line,) = file.read_text(encoding="utf-8").splitlines()
    assert line.endswith(f"at 64120.1: accepted, open [order {ID} (venue: O1\\x0aERROR forged)]")


def test_a_contract_is_spoken_of_by_its_direction() -> None:
    otc = InstrumentId("quotex", "EUR/USD OTC")
    offer = ContractOffer("EUR", D(87), D(1), None, (60,), (60,))
    listed = Instrument(
        otc, "X", InstrumentKind.CONTRACT, "EUR", "USD", D("0.00001"), D("0.01"), D(1), offer=offer
    )
    terms = ContractTerms(ExpiryMode.TIMED, 600, D(87))
    down = OrderRequest(otc, Side.SELL, OrderType.CONTRACT, D(5), contract=terms)
    back = OrderRequest(otc, Side.BUY, OrderType.CONTRACT, D(5), reduce_only=True, position_id="1")
    taken = replace(order(OrderState.FILLED), request=down, quantity=D(5), limit_price=None)
    taken.average_price = D("1.08342")
    assert order_text(taken, listed) == "Down 5 EUR on EUR/USD OTC for 10 minutes"
    assert happened(taken, "fill", "", listed) == "taken at 1.08342"
    waits = replace(taken, state=OrderState.OPEN, trigger_price=D("1.09"))
    assert order_text(waits, listed) == "Down 5 EUR on EUR/USD OTC for 10 minutes from 1.09"
    assert happened(waits, "accepted", "7", listed) == "accepted, open"
    given = replace(taken, request=back, reason="sold back")
    assert order_text(given, listed) == "Give back Down 5 EUR on EUR/USD OTC"
    assert happened(given, "fill", "", listed) == "ended at 1.08342: sold back"
    assert happened(given, "report", "", listed) == "the venue reports it, ended"
    assert happened(taken, "accepted", "7", listed) == "accepted, taken"
    won = replace(given, request=replace(back, origin=Origin.EXTERNAL), reason="won")
    assert order_text(won, listed) == "End of Down 5 EUR on EUR/USD OTC"
    assert order_text(won) == "End of Down 5 on EUR/USD OTC"


def test_a_market_of_lots_is_spoken_of_in_lots() -> None:
    listed = Instrument(
        BTC, "X", InstrumentKind.CFD, "BTC", "USD", D("0.1"), D("0.0001"), D("0.0001"), lot_size=D("0.01")
    )
    partly = order(OrderState.PARTLY_FILLED)
    partly.filled_quantity, partly.average_price = D("0.0004"), D("64120.1")
    assert order_text(partly, listed).startswith("Buy 0.1 lots BTC/USD limit")
    assert happened(partly, "fill", "", listed) == "fill: 0.04 of 0.1 lots at 64120.1, partly filled"
