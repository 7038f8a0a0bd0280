"""Cross and isolated margin: what orders say, which leverage counts, and positions of both side by side."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.errors import RequestRejected, Unsupported
from terminal.domain.events import OrderReported, PositionReported
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, Protection
from terminal.venues.base import HasLeverage, HasMarginModes, Leverage, MovesPositionMargin
from tests.helpers import eventually, run
from tests.unit.venues.okx.fakes import Call, Desk, FakeHttp, desk, order_row, orders, taken

D = Decimal
SYMBOL = "BTC/USDT-PERP"
PERP = InstrumentId("okx", SYMBOL)
BOTH = ("cross", "isolated")
BUY = OrderRequest(PERP, Side.BUY, OrderType.LIMIT, D("0.4"), limit_price=D(60000))


def account(level: str, *, hedged: bool = False) -> FakeHttp:
    """An account of this level; cross has 10x, isolated 3x and, hedged, 5x of its shorts."""
    http = FakeHttp()
    mode = "long_short_mode" if hedged else "net_mode"
    http.replies["/api/v5/account/config"] = [{"acctLv": level, "posMode": mode, "perm": "trade"}]

    def leverage(call: Call) -> list[dict[str, str]]:
        mode = call.query["mgnMode"]
        row = {"instId": call.query["instId"], "mgnMode": mode, "posSide": "net", "lever": "10"}
        if mode == "isolated":
            row["lever"] = "3"
            if hedged:
                return [{**row, "posSide": "short", "lever": "5"}, {**row, "posSide": "long"}]
        return [row]

    http.replies["/api/v5/account/leverage-info"] = leverage
    http.replies["/api/v5/account/set-leverage"] = lambda call: [call.body]
    return http


def position(**changes: Any) -> dict[str, Any]:
    common = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "posSide": "net", "avgPx": "60000", "pos": "40"}
    return {**common, "ccy": "USDT", "cTime": "1789999999000", "uTime": "1790000000000", **changes}


async def tell(found: Desk, *rows: dict[str, Any]) -> None:
    count = len(found.events.of(PositionReported)) + len(rows)
    arg = {"channel": "positions", "instType": "ANY"}
    await found.venue.push("private", {"arg": arg, "eventType": "event_update", "data": list(rows)})
    await eventually(lambda: len(found.events.of(PositionReported)) == count, what="the positions")


async def mode_of_an_order(found: Desk, request: OrderRequest = BUY) -> str:
    found.venue.answers["order"] = taken("1")
    await found.connector.submit(request, "a1")
    (arg,) = found.venue.asked("private", "order")[-1]["args"]
    return str(arg["tdMode"])


def test_orders_and_leverage_follow_the_chosen_mode() -> None:
    async def main() -> None:
        async with desk(http=account("2")) as found:
            hand = found.connector
            assert isinstance(hand, HasLeverage)
            assert isinstance(hand, HasMarginModes)
            assert await hand.leverage(SYMBOL) == Leverage(D(10), "cross", BOTH)
            assert await mode_of_an_order(found) == "cross"
            await hand.set_margin_mode(SYMBOL, "isolated")
            assert await hand.leverage(SYMBOL) == Leverage(D(3), "isolated", BOTH)
            assert await mode_of_an_order(found) == "isolated"
            await hand.set_leverage(SYMBOL, D(7))
            body = {"instId": "BTC-USDT-SWAP", "lever": "7", "mgnMode": "isolated"}
            assert [call.body for call in found.http.named("set-leverage")] == [body]
            # A stop order says it, too; another instrument keeps its own.
            found.http.replies["/api/v5/trade/order-algo"] = [{"algoId": "5", "sCode": "0"}]
            stop = OrderRequest(PERP, Side.SELL, OrderType.STOP, D("0.4"), trigger_price=D(50000))
            await hand.submit(stop, "s1")
            assert found.http.named("order-algo")[-1].body["tdMode"] == "isolated"
            assert (await hand.leverage("BTC/USD-PERP") or Leverage(D(0))).mode == "cross"
            for symbol, mode in ((SYMBOL, "portfolio"), ("BTC/USDT", "isolated")):
                with pytest.raises(Unsupported):
                    await hand.set_margin_mode(symbol, mode)

    run(main())


def test_a_hedged_account_sets_isolated_leverage_for_both_sides_and_shows_the_lower() -> None:
    async def main() -> None:
        async with desk(http=account("2", hedged=True)) as found:
            await found.connector.set_leverage(SYMBOL, D(7))
            await found.connector.set_margin_mode(SYMBOL, "isolated")
            assert await found.connector.leverage(SYMBOL) == Leverage(D(3), "isolated", BOTH)
            await found.connector.set_leverage(SYMBOL, D(8))
            bodies = [call.body for call in found.http.named("set-leverage")]
            assert [(each["mgnMode"], each.get("posSide"), each["lever"]) for each in bodies] == [
                ("cross", None, "7"),
                ("isolated", "long", "8"),
                ("isolated", "short", "8"),
            ]

    run(main())


@pytest.mark.parametrize("level", ["3", "4"])
def test_accounts_of_many_currencies_have_no_isolated_contracts(level: str) -> None:
    async def main() -> None:
        async with desk(http=account(level)) as found:
            assert await found.connector.leverage(SYMBOL) == Leverage(D(10), "cross")
            with pytest.raises(Unsupported) as refused:
                await found.connector.set_margin_mode(SYMBOL, "isolated")
            assert "no isolated margin" in refused.value.user_text
            assert await mode_of_an_order(found) == "cross"

    run(main())


def test_without_a_choice_an_order_is_backed_like_what_is_open() -> None:
    async def main() -> None:
        async with desk(http=account("2")) as found:
            await tell(found, position(posId="32", mgnMode="isolated"))
            assert await mode_of_an_order(found) == "isolated"
            await tell(found, position(posId="31", mgnMode="cross"))
            # Both are open: nothing says which one is meant.
            assert await mode_of_an_order(found) == "cross"
            # What closes one of them says which.
            close = OrderRequest(
                PERP, Side.SELL, OrderType.MARKET, D("0.4"), reduce_only=True, position_id="32"
            )
            assert await mode_of_an_order(found, close) == "isolated"

    run(main())


def test_an_order_is_backed_as_the_person_was_told_last() -> None:
    async def main() -> None:
        async with desk(http=account("2")) as found:
            assert await found.connector.leverage(SYMBOL) == Leverage(D(10), "cross", BOTH)
            await tell(found, position(posId="32", mgnMode="isolated"))
            # The screen says cross until it has asked again.
            assert await mode_of_an_order(found) == "cross"
            assert await found.connector.leverage(SYMBOL) == Leverage(D(3), "isolated", BOTH)
            assert await mode_of_an_order(found) == "isolated"

    run(main())


def test_positions_of_both_modes_are_told_apart() -> None:
    async def main() -> None:
        async with desk(http=account("2")) as found:
            await tell(
                found,
                position(posId="31", mgnMode="cross", lever="10", imr="240"),
                position(posId="32", mgnMode="isolated", lever="3", margin="800", pos="-4"),
            )
            cross, isolated = [event.position for event in found.events.of(PositionReported)]
            assert (cross.side, cross.margin_mode, cross.leverage, cross.margin) == (
                *(Side.BUY, "cross", D(10), D(240)),
            )
            assert (isolated.side, isolated.margin_mode, isolated.leverage, isolated.margin) == (
                *(Side.SELL, "isolated", D(3), D(800)),
            )
            # A stop of the one protects only the one.
            found.http.replies["/api/v5/trade/order-algo"] = [{"algoId": "71", "sCode": "0"}]
            await found.connector.protect("32", SYMBOL, Protection(stop_loss=D(70000)))
            assert found.http.named("order-algo")[-1].body["tdMode"] == "isolated"
            last = {event.position.position_id: event.position for event in found.events.of(PositionReported)}
            assert last["32"].protection == Protection(stop_loss=D(70000))
            assert last["31"].protection.is_empty
            # An order that reduces belongs to the position of its own mode.
            row = order_row(
                instType="SWAP",
                instId="BTC-USDT-SWAP",
                tdMode="isolated",
                sz="4",
                reduceOnly="true",
                posSide="net",
            )
            await found.venue.push("private", orders(row, {**row, "ordId": "778", "tdMode": "cross"}))
            await eventually(lambda: len(found.events.of(OrderReported)) == 2, what="both orders")
            told = [event.report.position_id for event in found.events.of(OrderReported)]
            assert told == ["32", "31"]

    run(main())


def test_a_refused_leverage_is_in_plain_words() -> None:
    async def main() -> None:
        http = account("2")
        async with desk(http=http) as found:
            for code, says in (
                ("59102", "more leverage"),
                ("59107", "Cancel the open orders"),
                ("50072", "isolated"),
            ):
                http.replies["/api/v5/account/set-leverage"] = (code, "in OKX's words")
                with pytest.raises(RequestRejected) as refused:
                    await found.connector.set_leverage(SYMBOL, D(100))
                assert says in refused.value.user_text

    run(main())


def test_the_margin_of_an_isolated_position_is_changed() -> None:
    async def main() -> None:
        http = account("2")
        http.replies["/api/v5/account/position/margin-balance"] = lambda call: [
            {**call.body, "leverage": "2.9"}
        ]
        async with desk(http=http) as found:
            hand = found.connector
            assert isinstance(hand, MovesPositionMargin)
            credit = {"instId": "BTC-USDT", "instType": "MARGIN", "posCcy": "BTC", "pos": "0.01"}
            await tell(
                found,
                position(posId="31", mgnMode="cross"),
                position(posId="32", mgnMode="isolated", margin="800"),
                position(posId="41", mgnMode="isolated", margin="50", **credit),
            )
            await hand.move_position_margin("32", D("12.50"))
            await hand.move_position_margin("32", D(-3))
            await hand.move_position_margin("41", D(1))
            await hand.move_position_margin("32", D(0))
            common = {"instId": "BTC-USDT-SWAP", "posSide": "net"}
            assert [call.body for call in http.named("margin-balance")] == [
                {**common, "type": "add", "amt": "12.50"},
                {**common, "type": "reduce", "amt": "3"},
                {**common, "instId": "BTC-USDT", "type": "add", "amt": "1", "ccy": "USDT"},
            ]
            with pytest.raises(Unsupported):
                await hand.move_position_margin("31", D(1))
            with pytest.raises(RequestRejected):
                await hand.move_position_margin("99", D(1))
            http.replies["/api/v5/account/position/margin-balance"] = ("51008", "Insufficient balance")
            with pytest.raises(RequestRejected) as refused:
                await hand.move_position_margin("32", D(10**9))
            assert "margin does not suffice" in refused.value.user_text

    run(main())
