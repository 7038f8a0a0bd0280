"""What the venue says of margin: of an order before it is sent, of size, and where it warns.

Open API 2.0: expected margin (2139), tiers of leverage (2177), levels of margin calls (2167, 2169).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from terminal.domain.account import LeverageTier, MarginCall
from terminal.domain.errors import NotSent, VenueUnavailable
from terminal.venues.base import ExpectedMargin
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader import trading
from terminal.venues.ctrader.errors import VENUE_NAME
from terminal.venues.ctrader.units import money

if TYPE_CHECKING:
    from terminal.venues.ctrader.trader import TradingAccount

_DEADLINE_S: Final = 6.0


async def expected(account: TradingAccount, symbol: str, quantity: Decimal) -> ExpectedMargin:
    """What an order of so many base units would tie up.

    Raises:
        RequestRejected: the venue will not say for this symbol or quantity.
        VenueUnavailable: it could not be asked.
    """
    listing = account.symbols.require(symbol)
    volume = trading.volume_of(quantity)
    answer = await account.client.request(
        pb.ProtoOAExpectedMarginReq(
            ctidTraderAccountId=account.account_id, symbolId=listing.symbol_id, volume=[volume]
        ),
        answer=pb.ProtoOAExpectedMarginRes,
    )
    found = next((each for each in answer.margin if each.volume == volume), None)
    if found is None:
        raise VenueUnavailable(VENUE_NAME, "expected margin: no answer for this volume", code="unreadable")
    digits = answer.moneyDigits if answer.HasField("moneyDigits") else account.money_digits
    return ExpectedMargin(money(found.buyMargin, digits), money(found.sellMargin, digits), account.currency)


async def tiers(account: TradingAccount, symbol: str) -> tuple[LeverageTier, ...]:
    """The leverage of a symbol whose full record is there, by size.

    ``{volume 100000000, leverage 20000}``: up to 1,000,000 US dollars at 1:200. Volumes are cents of a
    dollar; that leverage is in hundredths, as it is of an account, is not certain in the documents.
    """
    detail = account.symbols.require(symbol).detail
    if detail is None or not detail.leverageId:
        return ()
    answer = await account.client.request(
        pb.ProtoOAGetDynamicLeverageByIDReq(
            ctidTraderAccountId=account.account_id, leverageId=detail.leverageId
        ),
        answer=pb.ProtoOAGetDynamicLeverageByIDRes,
    )
    found = [
        LeverageTier(money(tier.volume, 2), money(tier.leverage, 2))
        for tier in answer.leverage.tiers
        if tier.leverage > 0
    ]
    return tuple(sorted(found))


async def calls(account: TradingAccount) -> Sequence[pb.ProtoOAMarginCall]:
    """The levels at which the venue warns, as it sends them."""
    answer = await account.client.request(
        pb.ProtoOAMarginCallListReq(ctidTraderAccountId=account.account_id),
        answer=pb.ProtoOAMarginCallListRes,
        loose=True,
    )
    return answer.marginCall


def calls_of(rows: Iterable[pb.ProtoOAMarginCall]) -> tuple[MarginCall, ...]:
    """The readable ones, highest first."""
    found = [
        MarginCall(str(int(row.marginCallType)), Decimal(repr(row.marginLevelThreshold)))
        for row in rows
        if row.IsInitialized()
    ]
    return tuple(sorted(found, key=lambda call: call.level, reverse=True))


async def set_call(account: TradingAccount, call_id: str, level: Decimal) -> pb.ProtoOAMarginCallUpdateEvent:
    """Move a level; what it is now, in the form in which the venue tells of it. Raises as a submit."""
    call = pb.ProtoOAMarginCall()
    try:
        call.marginCallType = int(call_id)  # type: ignore[assignment]
    except ValueError:
        text = "The venue has no such margin call."
        raise NotSent(VENUE_NAME, f"margin call {call_id!r}", user_text=f"Not sent: {text}") from None
    call.marginLevelThreshold = float(level)
    await account.client.request(
        pb.ProtoOAMarginCallUpdateReq(ctidTraderAccountId=account.account_id, marginCall=call),
        answer=pb.ProtoOAMarginCallUpdateRes,
        deadline_s=_DEADLINE_S,
        writes=True,
    )
    return pb.ProtoOAMarginCallUpdateEvent(ctidTraderAccountId=account.account_id, marginCall=call)
