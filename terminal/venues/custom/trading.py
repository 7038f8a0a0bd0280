"""What may be sent of an order, and how it is written."""

from __future__ import annotations

from terminal.domain.decimals import wire_text
from terminal.domain.errors import Unsupported
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, TimeInForce
from terminal.venues.custom.options import Options

_AT_MARKET = "-1"


def trade_params(request: OrderRequest, instrument: Instrument, options: Options) -> dict[str, object]:
    """``{"amount":"0.1","price":"1000","symbol":"BTC_USDT","type":"buy"}``; the price -1 is at the market.

    The amount of a market buy is in quote units on the platform that the protocol comes from, and in base
    units with some plugins; the guide does not settle it, so such an order leaves only where the person has
    said that this plugin takes base units.

    Raises:
        Unsupported: the protocol has no words for this order.
    """
    if request.order_type not in (OrderType.LIMIT, OrderType.MARKET):
        raise Unsupported("order type", f"A plugin takes no {request.order_type.value} orders.")
    if request.time_in_force is not TimeInForce.GTC:
        raise Unsupported("time in force", f"A plugin takes no {request.time_in_force.value} orders.")
    asked = (
        request.post_only,
        request.reduce_only,
        request.in_quote,
        request.position_id,
        request.protection,
    )
    if any(asked):
        raise Unsupported(
            "order terms", "A plugin takes plain limit and market orders, without further terms."
        )
    if request.order_type is OrderType.MARKET:
        if request.side is Side.BUY and not options.market_buy_in_base:
            raise Unsupported(
                "market buy",
                "Not sent: whether this plugin takes the amount of a market buy in "
                f"{instrument.base} or in {instrument.quote} is not certain. Place a limit order, or say in "
                "the settings that it takes base amounts.",
            )
        price = _AT_MARKET
    else:
        if request.limit_price is None:
            raise Unsupported("limit price", "A limit order needs a price.")
        price = wire_text(request.limit_price)
    return {
        "amount": wire_text(request.quantity),
        "price": price,
        "symbol": instrument.venue_symbol,
        "type": request.side.value,
    }
