"""Stop orders that wait outside the book: conditional, oco, trigger, move_order_stop.

OKX API v5 "Algo trading", read 2026-07: nothing is reserved while they wait; when one fires it places an
ordinary order, whose ``source`` and ``algoId`` say where it came from.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from terminal.emulators.market.engine_types import EngineOrder
from terminal.emulators.market.store import Record
from terminal.emulators.okx.algo_terms import amended
from terminal.emulators.okx.desk import Desk, DeskListener
from terminal.emulators.okx.errors import OkxError, missing, wrong
from terminal.emulators.okx.ledger import CROSS, ISOLATED
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.orders import amount, flag_of, required, text_of
from terminal.emulators.okx.placing import Placing
from terminal.emulators.okx.wire import Row, ms, short, yes

KINDS: Final = ("conditional", "oco", "trigger", "move_order_stop")
KEPT: Final = 1_000
_SOURCES: Final = {"trigger": "6", "conditional": "7", "oco": "7", "move_order_stop": "25"}
_LEGS: Final = ("tp", "sl")
_PRICE_KINDS: Final = ("", "last", "index", "mark")
_COPIED: Final = (
    "tdMode", "side", "posSide", "sz", "tgtCcy", "tpTriggerPx", "tpOrdPx", "tpTriggerPxType", "slTriggerPx",
    "slOrdPx", "slTriggerPxType", "triggerPx", "orderPx", "triggerPxType", "callbackRatio", "callbackSpread",
    "activePx", "tag", "ccy", "closeFraction",
)  # fmt: skip


@dataclass(slots=True)
class Algo:
    """One stop order of an account."""

    algo_id: int
    uid: int
    inst_id: str
    kind: str
    client_id: str
    fields: dict[str, str]
    reduce_only: bool
    created_ns: int
    changed_ns: int
    was: Decimal
    """The last price when it was placed."""
    state: str = "live"
    best: Decimal | None = None
    """Of a trailing stop: the best price since it became active."""
    is_active: bool = True
    order_id: str = ""
    fired_ns: int = 0
    actual: str = ""
    fail_code: str = ""
    parent: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "was": str(self.was),
            "best": None if self.best is None else str(self.best),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Algo:
        best = data["best"]
        return cls(**{**data, "was": Decimal(data["was"]), "best": None if best is None else Decimal(best)})


class Algos(DeskListener):
    """Every stop order of the venue; :meth:`watch` fires those whose time has come."""

    def __init__(self, desk: Desk, placing: Placing) -> None:
        self._desk = desk
        self._placing = placing
        self._exchange = desk.exchange
        self._store = desk.exchange.store
        self._ids = itertools.count(self._exchange.reserve("algos", 1_830_000_000_000_000))
        self.live: dict[int, Algo] = {}
        self.ended: dict[int, deque[Algo]] = {}
        self.tell: Callable[[int, Row], None] = lambda uid, row: None
        """Called with each row of the ``orders-algo`` channel."""
        self._filled: list[EngineOrder] = []
        """Ended orders with stops attached, to be placed at the next step."""
        desk.listen(self)

    def load(self, uid: int) -> None:
        """Those of an earlier run."""
        self.ended[uid] = deque(maxlen=KEPT)
        for record in reversed(self._store.records("okx algo", uid, limit=KEPT)):
            algo = Algo.from_data(record.data)
            self._exchange.recall(algo.inst_id)
            if algo.state == "live":
                self.live[algo.algo_id] = algo
            else:
                self.ended[uid].append(algo)

    # ---- requests --------------------------------------------------------------------------------

    def place(self, uid: int, values: Mapping[str, Any]) -> Algo:
        """Place a stop order.

        Raises:
            OkxError: it is refused; nothing happened.
        """
        one = self._desk.instrument(values)
        account = self._desk.accounts[uid]
        kind = required(values, "ordType")
        if kind not in KINDS:
            raise wrong("ordType")
        mode = required(values, "tdMode")
        if mode not in ((CROSS, ISOLATED) if one.is_contract else ("cash", ISOLATED)):
            raise wrong("tdMode")
        one = self._exchange.in_mode(one.inst_id, mode)
        if one.is_carried and account.mode == "1":
            raise OkxError("51010")
        if required(values, "side") not in ("buy", "sell"):
            raise wrong("side")
        if one.is_contract and account.is_hedged and text_of(values, "posSide") not in ("long", "short"):
            raise wrong("posSide")
        if not text_of(values, "closeFraction"):
            self._check_size(one, values)
        client_id = text_of(values, "algoClOrdId")
        if any(algo.uid == uid and client_id and algo.client_id == client_id for algo in self.live.values()):
            raise OkxError("51016")
        self._check(values, kind)
        now = self._exchange.clock.wall_ns()
        fields = {name: text_of(values, name) for name in _COPIED}
        self._exchange.live(one.inst_id)
        algo = Algo(
            next(self._ids), uid, one.inst_id, kind, client_id, fields, flag_of(values, "reduceOnly"), now,
            now, self._exchange.last(one),
        )  # fmt: skip
        algo.is_active = kind != "move_order_stop" or not fields["activePx"]
        self.live[algo.algo_id] = algo
        self._changed(algo)
        return algo

    def _check_size(self, one: OkxInstrument, values: Mapping[str, Any]) -> None:
        size = amount(values, "sz")
        if size is None:
            raise missing("sz")
        if one.is_contract and size % one.listing.quantity_step:
            raise OkxError("51121")

    def _check(self, values: Mapping[str, Any], kind: str) -> None:
        """The prices that this kind needs are there and possible."""
        for name in ("tpTriggerPxType", "slTriggerPxType", "triggerPxType"):
            if text_of(values, name) not in _PRICE_KINDS:
                raise wrong(name)
        if kind == "trigger":
            if amount(values, "triggerPx") is None:
                raise missing("triggerPx")
            _order_price(values, "orderPx")
        elif kind == "move_order_stop":
            ratio, spread = amount(values, "callbackRatio"), amount(values, "callbackSpread")
            if (ratio is None) == (spread is None):
                raise OkxError("50015", text="Either parameter callbackRatio or callbackSpread is required")
            if ratio is not None and not Decimal("0.001") <= ratio <= 1:
                raise wrong("callbackRatio")
            amount(values, "activePx")
        else:
            legs = [leg for leg in _LEGS if amount(values, f"{leg}TriggerPx") is not None]
            if not legs or (kind == "oco" and len(legs) < 2):
                raise OkxError("50015", text="Either parameter tpTriggerPx or slTriggerPx is required")
            for leg in legs:
                _order_price(values, f"{leg}OrdPx")

    def cancel(self, uid: int, values: Mapping[str, Any]) -> Algo:
        """Take one out.

        Raises:
            OkxError: 51400, or 50014 without an id.
        """
        number, client_id = text_of(values, "algoId"), text_of(values, "algoClOrdId")
        if not number and not client_id:
            raise missing("algoId")
        for algo in self.live.values():
            if algo.uid == uid and (str(algo.algo_id) == number if number else algo.client_id == client_id):
                self._end(algo, "canceled")
                return algo
        raise OkxError("51400")

    def amend(self, uid: int, values: Mapping[str, Any]) -> Algo:
        """Change size or prices of a waiting stop order: ``newSz``; ``newTpTriggerPx``, ``newTpOrdPx`` and
        those of ``Sl`` (0 takes the leg out); ``newTriggerPx``, ``newOrdPx``; ``newCallbackRatio``,
        ``newCallbackSpread``, ``newActivePx``.

        Raises:
            OkxError: 50014 without an id, 51503 when it waits no more, 51500 when nothing is asked for, 51506
                for a field that its kind does not have, and those of placing; with ``cxlOnFail`` it is
                canceled then.
        """
        one = self._desk.instrument(values)
        number, client_id = text_of(values, "algoId"), text_of(values, "algoClOrdId")
        if not number and not client_id:
            raise missing("algoId")
        found = next(
            (
                algo
                for algo in self.live.values()
                if algo.uid == uid
                and algo.inst_id == one.inst_id
                and (str(algo.algo_id) == number if number else algo.client_id == client_id)
            ),
            None,
        )
        if found is None:
            raise OkxError("51503")
        request_id = text_of(values, "reqId")
        try:
            kind, fields = amended(found.kind, found.fields, values)
            if "newSz" in values:
                self._check_size(one, fields)
            self._check(fields, kind)
            if found.is_active and found.kind == "move_order_stop" and values.get("newActivePx"):
                raise OkxError("51506")
        except OkxError:
            if flag_of(values, "cxlOnFail"):
                found.extra = {"reqId": request_id, "amendResult": "1"}
                self._end(found, "canceled")
            raise
        self._exchange.live(one.inst_id)
        found.kind, found.fields = kind, fields
        if values.get("newTriggerPx") or values.get("newActivePx"):
            found.was = self._exchange.last(one)
        found.extra = {"reqId": request_id, "amendResult": "0"}
        self._changed(found)
        found.extra = {}
        return found

    def drop_all(self, uid: int) -> None:
        """Forget everything of an account."""
        for algo in [one for one in self.live.values() if one.uid == uid]:
            self._end(algo, "canceled")
        self.ended[uid].clear()
        self._store.drop_records(("okx algo", one.number) for one in self._store.records("okx algo", uid))

    def row(self, algo: Algo) -> Row:
        """As ``orders-algo-pending`` tells it."""
        one = self._exchange.in_mode(algo.inst_id, algo.fields["tdMode"])
        key = algo.inst_id, algo.fields["tdMode"], algo.fields["posSide"] or "net"
        return {
            "instType": one.kind,
            "instId": algo.inst_id,
            "algoId": str(algo.algo_id),
            "algoClOrdId": algo.client_id,
            "clOrdId": "",
            "ordId": algo.order_id,
            "ordIdList": [algo.order_id] if algo.order_id else [],
            "ordType": algo.kind,
            "state": algo.state,
            **algo.fields,
            "posSide": algo.fields["posSide"] or ("net" if one.is_carried else ""),
            "reduceOnly": yes(algo.reduce_only),
            "lever": short(self._desk.accounts[algo.uid].leverage_of(*key)) if one.is_carried else "",
            "actualSz": algo.fields["sz"] if algo.order_id else "",
            "actualPx": "",
            "actualSide": algo.actual,
            "triggerTime": ms(algo.fired_ns) if algo.fired_ns else "",
            "moveTriggerPx": short(_trail(algo)) if algo.best is not None else "",
            "last": short(self._exchange.last(one)),
            "failCode": algo.fail_code,
            "attachAlgoOrds": [],
            "reqId": "",
            "amendResult": "",
            **algo.extra,
            "cTime": ms(algo.created_ns),
            "uTime": ms(algo.changed_ns),
        }

    # ---- watching --------------------------------------------------------------------------------

    def on_end(self, order: EngineOrder) -> None:
        """An order with stops attached to it is over: what was filled of it gets them."""
        if order.tag["attach"] and order.done_steps:
            self._filled.append(order)

    def watch(self) -> None:
        """Place what was attached to filled orders, and fire what is due."""
        filled, self._filled = self._filled, []
        for order in filled:
            self._attach(order)
        for algo in list(self.live.values()):
            if algo.inst_id not in self._exchange.engines:
                self._end(algo, "canceled")
            elif algo.state == "live":
                leg = self._due(algo)
                if leg:
                    self._fire(algo, leg)

    def _attach(self, order: EngineOrder) -> None:
        one = self._exchange.traded(order)
        for values in order.tag["attach"]:
            both = values.get("tpTriggerPx") and values.get("slTriggerPx")
            request = {
                **values,
                "instId": order.symbol,
                "tdMode": order.tag["tdMode"],
                "side": "sell" if order.is_buy else "buy",
                "posSide": order.tag["posSide"],
                "ordType": "oco" if both else "conditional",
                "sz": values.get("sz") or short(order.filled),
                "algoClOrdId": values.get("attachAlgoClOrdId", ""),
                "reduceOnly": one.is_carried,
                "tgtCcy": "" if one.is_carried else "base_ccy",
            }
            try:
                self.place(int(order.account), request)
            except OkxError:
                continue  # the venue takes the order and drops what cannot be attached

    def _price(self, one: OkxInstrument, kind: str) -> Decimal:
        if kind == "index":
            return self._exchange.index(one)
        return self._exchange.mark(one) if kind == "mark" else self._exchange.last(one)

    def _due(self, algo: Algo) -> str:
        """Which leg fires now: tp, sl, trigger or trail; empty for none."""
        one, fields = self._exchange.in_mode(algo.inst_id, algo.fields["tdMode"]), algo.fields
        sells = fields["side"] == "sell"
        if algo.kind == "trigger":
            level = Decimal(fields["triggerPx"])
            price = self._price(one, fields["triggerPxType"])
            return "trigger" if (price >= level if level >= algo.was else price <= level) else ""
        if algo.kind == "move_order_stop":
            price = self._exchange.last(one)
            if not algo.is_active:
                level = Decimal(fields["activePx"])
                algo.is_active = price >= level if level >= algo.was else price <= level
            if not algo.is_active:
                return ""
            if algo.best is None or (price > algo.best if sells else price < algo.best):
                algo.best = price
            level = _trail(algo)
            return "trail" if (price <= level if sells else price >= level) else ""
        for leg in _LEGS:
            if fields[f"{leg}TriggerPx"]:
                level = Decimal(fields[f"{leg}TriggerPx"])
                price = self._price(one, fields[f"{leg}TriggerPxType"])
                above = sells == (leg == "tp")
                if price >= level if above else price <= level:
                    return leg
        return ""

    def _fire(self, algo: Algo, leg: str) -> None:
        fields, one = algo.fields, self._exchange.in_mode(algo.inst_id, algo.fields["tdMode"])
        price = {"tp": "tpOrdPx", "sl": "slOrdPx", "trigger": "orderPx"}.get(leg, "")
        level = fields[price] if price else "-1"
        size = fields["sz"]
        if fields["closeFraction"] and not size:
            side = fields["posSide"] or "net"
            held = self._desk.accounts[algo.uid].positions.get((algo.inst_id, fields["tdMode"], side))
            size = short(abs(held.size)) if held is not None else ""
        request = {
            "instId": algo.inst_id,
            "tdMode": fields["tdMode"],
            "side": fields["side"],
            "ordType": "market" if level in ("", "-1") else "limit",
            "sz": size,
            "px": level,
            "posSide": fields["posSide"],
            # What waits on margin closes a position, which is counted in base units.
            "tgtCcy": "" if one.is_contract else "base_ccy" if one.is_carried else fields["tgtCcy"],
            "tag": fields["tag"],
            "reduceOnly": algo.reduce_only,
        }
        algo.fired_ns = self._exchange.clock.wall_ns()
        algo.actual = leg if leg in _LEGS else ""
        try:
            order = self._placing.place(
                algo.uid,
                request,
                source=_SOURCES[algo.kind],
                algoId=str(algo.algo_id),
                algoClOrdId=algo.client_id,
            )
            algo.order_id = str(order.order_id)
            self._end(algo, "effective")
        except OkxError as error:
            algo.fail_code = error.code
            self._end(algo, "order_failed")

    def _end(self, algo: Algo, state: str) -> None:
        self.live.pop(algo.algo_id, None)
        algo.state = state
        self.ended[algo.uid].append(algo)
        self._changed(algo)

    def _changed(self, algo: Algo) -> None:
        algo.changed_ns = self._exchange.clock.wall_ns()
        record = Record(
            "okx algo",
            algo.algo_id,
            algo.uid,
            algo.state == "live",
            algo.created_ns // 10**6,
            0,
            0,
            algo.data(),
        )
        self._store.save_records([record])
        self.tell(algo.uid, self.row(algo))


def _order_price(values: Mapping[str, Any], name: str) -> None:
    text = text_of(values, name)
    if not text:
        raise missing(name)
    if text != "-1":
        amount(values, name)


def _trail(algo: Algo) -> Decimal:
    """Where a trailing stop would fire now."""
    assert algo.best is not None
    sign = -1 if algo.fields["side"] == "sell" else 1
    if algo.fields["callbackRatio"]:
        return algo.best * (1 + sign * Decimal(algo.fields["callbackRatio"]))
    return algo.best + sign * Decimal(algo.fields["callbackSpread"])
