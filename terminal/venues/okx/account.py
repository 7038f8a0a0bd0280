"""OKX's balances, positions and fees as domain values: pure functions (OKX v5, account, 2026-07)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from terminal.domain.account import NO_PROTECTION, Balance, FeeRates, Position
from terminal.domain.decimals import ZERO, round_down
from terminal.domain.market import Side
from terminal.domain.orders import Protection, TriggerReference
from terminal.venues.okx.order_words import Held
from terminal.venues.okx.parse import maybe, maybe_price, maybe_time_ns, number
from terminal.venues.okx.symbols import SymbolMap, inst_type_of, symbol_of
from terminal.venues.okx.wire import AlgoRow, BalanceDetail, FeeRow, PositionRow


def balances(details: Iterable[BalanceDetail], *, with_zero: bool) -> tuple[Balance, ...]:
    """``{"availBal":"94.42","cashBal":"94.42","ccy":"USDT","eq":"99.89","frozenBal":"5.46"}``: what there is
    of each currency, what of it is not available, and what it comes to with open profit."""
    out = []
    for row in details:
        total = number(row.cashBal) + _margin_apart(row)
        free = maybe(row.availBal)
        held = ZERO if free is None else min(max(ZERO, total - free), max(ZERO, total))
        equity = maybe(row.eq)
        if total or equity or with_zero:
            out.append(Balance(row.ccy, total, held, equity))
    return tuple(out)


def _margin_apart(row: BalanceDetail) -> Decimal:
    """The margin of isolated positions, which has left the cash: ``{"cashBal":"0.4","eq":"0.51",
    "isoEq":"0.11","isoUpl":"0.01","upl":"0.01"}`` has 0.1 of it. Never more than the equity has beyond cash
    and profit."""
    apart, equity = maybe(row.isoEq), maybe(row.eq)
    if not apart or equity is None:
        return ZERO
    beyond = equity - (maybe(row.upl) or ZERO) - number(row.cashBal)
    return max(ZERO, min(apart - (maybe(row.isoUpl) or ZERO), beyond))


def is_offered(row: PositionRow) -> bool:
    """Whether the terminal can show this position: contracts and borrowed spot, not options."""
    return symbol_of(row.instId) is not None and (inst_type_of(row.instId) != "SPOT" or is_borrowed(row))


def is_borrowed(row: PositionRow) -> bool:
    """Whether this is spot bought or sold on credit, under the pair's own name."""
    return row.instType == "MARGIN"


def held_of(row: PositionRow) -> Held:
    """What a closing order needs. Net mode: the sign of ``pos`` is the direction; of borrowed spot it is what
    the position is in."""
    if is_borrowed(row):
        quote = row.instId.partition("-")[2]
        side = Side.SELL if row.posCcy == quote else Side.BUY
        return Held(row.instId, row.mgnMode, row.posSide or "net", side, True, row.ccy)
    size = number(row.pos)
    if row.posSide == "short":
        side = Side.SELL
    elif row.posSide == "long":
        side = Side.BUY
    else:
        side = Side.SELL if size < 0 else Side.BUY
    return Held(row.instId, row.mgnMode, row.posSide or "net", side)


def position(row: PositionRow, symbols: SymbolMap, protection: Protection = NO_PROTECTION) -> Position:
    """``{"instId":"BTC-USDT-SWAP","mgnMode":"cross","posId":"307173036051017730","posSide":"net","pos":"-4",
    "avgPx":"60000.1","upl":"-1.2","imr":"24","ccy":"USDT","fee":"-0.3","fundingFee":"0.1","cTime":"1619507758793",
    "uTime":"1619507761462"}``; 4 contracts short.

    Raises ValueError or ArithmeticError where it cannot be read.
    """
    held = held_of(row)
    average = maybe_price(row.avgPx)
    if average is None and number(row.pos):
        raise ValueError("a position without its price")
    if held.is_borrowed:
        quantity = _coins(row, held, average, symbols)
    else:
        quantity = abs(symbols.to_quantity(row.instId, number(row.pos)))
    owed = abs(number(row.liab)) if held.is_borrowed else None
    return Position(
        instrument=symbols.id_of(row.instId),
        position_id=row.posId,
        side=held.side,
        quantity=quantity,
        average_price=average or ZERO,
        unrealised=maybe(row.upl),
        currency=row.ccy,
        swap=number(row.fundingFee),
        commission=number(row.fee),
        margin=maybe(row.margin) or maybe(row.imr),
        protection=protection if quantity else NO_PROTECTION,
        opened_ns=maybe_time_ns(row.cTime),
        updated_ns=maybe_time_ns(row.uTime),
        leverage=maybe(row.lever),
        margin_mode=row.mgnMode,
        liquidation_price=maybe_price(row.liqPx),
        borrowed=owed,
        borrowed_asset=row.liabCcy if owed is not None else "",
    )


def _coins(row: PositionRow, held: Held, average: Decimal | None, symbols: SymbolMap) -> Decimal:
    """How many coins a position in borrowed spot is about: those that it holds, or those that it owes.

    ``{"instId":"BTC-USDT","instType":"MARGIN","mgnMode":"isolated","pos":"300.2","posCcy":"USDT","liab":
    "-0.01002","liabCcy":"BTC","avgPx":"30020","ccy":"USDT"}``: a short of 0.01002 BTC. Fees and interest
    leave odd ends, which are not counted: they go when all is closed.
    """
    size = number(row.pos)
    if held.side is Side.SELL:
        base = row.instId.partition("-")[0]
        owed = abs(number(row.liab)) if row.liabCcy == base else ZERO
        size = owed or (size / average if average else ZERO)
    listed = symbols.instrument(symbols.id_of(row.instId).symbol)
    if listed is None or size < listed.quantity_step:
        return size
    return round_down(size, listed.quantity_step)


def guards(row: AlgoRow, held: Held) -> bool:
    """Whether a protective order closes this position."""
    if row.instId != held.inst_id or row.side != held.side.opposite.value:
        return False
    if row.tdMode and held.margin_mode and row.tdMode != held.margin_mode:
        return False
    return row.posSide in ("", "net") if held.pos_side == "net" else row.posSide == held.pos_side


def protection_of(rows: Iterable[AlgoRow], held: Held) -> Protection:
    """The stop and the target that the waiting orders make, the newest of each leg."""
    stop = target = distance = None
    trailing = False
    trigger = TriggerReference.LAST
    for row in rows:
        if not guards(row, held):
            continue
        if row.ordType == "move_order_stop":
            stop, distance, trailing = maybe_price(row.moveTriggerPx), maybe(row.callbackSpread), True
            continue
        if found := maybe_price(row.slTriggerPx):
            stop, distance, trailing = found, None, False
        target = maybe_price(row.tpTriggerPx) or target
        if "index" in (row.slTriggerPxType, row.tpTriggerPxType):
            trigger = TriggerReference.INDEX
    return Protection(
        stop_loss=stop,
        take_profit=target,
        stop_distance=distance if stop is None else None,
        trailing=trailing,
        trigger=trigger,
    )


def fee_rates(rows: Iterable[FeeRow], group: str) -> FeeRates | None:
    """``{"feeGroup":[{"groupId":"1","maker":"-0.0008","taker":"-0.001"}]}``: negative is what one pays."""
    for row in rows:
        for each in row.feeGroup:
            if each.groupId == group and each.maker and each.taker:
                return FeeRates(_pct(each.maker), _pct(each.taker))
        if row.maker and row.taker:
            return FeeRates(_pct(row.maker), _pct(row.taker))
    return None


def _pct(text: str) -> Decimal:
    return -number(text) * 100
