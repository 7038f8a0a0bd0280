"""The private REST calls about an account: balances, positions, settings, sizes, fees.

OKX API v5 "Trading account" and "Funding account", read 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from terminal.domain.decimals import ZERO
from terminal.emulators.okx.auth import TRADE, OkxKey, require
from terminal.emulators.okx.buckets import Limit
from terminal.emulators.okx.desk import Desk
from terminal.emulators.okx.errors import OkxError, missing, wrong
from terminal.emulators.okx.ledger import CROSS, ISOLATED, SPOT_MODE
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.orders import amount, required, text_of
from terminal.emulators.okx.paging import page, whole_number
from terminal.emulators.okx.positions import Positions
from terminal.emulators.okx.rest_public import PublicCalls
from terminal.emulators.okx.wire import Row, short, trimmed

Params = Mapping[str, Any]
Handler = Callable[[OkxKey, Params], list[Any]]
_USER: Final = "user"
_DEMO_CCYS: Final = ("BTC", "ETH", "USDT", "OKB")


def names(params: Params, name: str, most: int) -> list[str] | None:
    """Names separated by commas; None where none is given."""
    text = text_of(params, name)
    if not text:
        return None
    found = text.split(",")
    if len(found) > most:
        raise OkxError("50025", text=f"Parameter {name} count exceeds the limit {most}.")
    return found


class AccountCalls:
    """``/api/v5/account`` and ``/api/v5/asset``; by method and path."""

    def __init__(self, desk: Desk, positions: Positions, public: PublicCalls) -> None:
        self._desk = desk
        self._positions = positions
        self._public = public
        self._money = desk.money
        self.calls: dict[tuple[str, str], tuple[Handler, Limit]] = {
            ("GET", "account/balance"): (self.balance, Limit(10, 2.0, _USER)),
            ("GET", "account/positions"): (self.positions, Limit(10, 2.0, _USER)),
            ("GET", "account/config"): (self.config, Limit(5, 2.0, _USER)),
            ("GET", "account/instruments"): (self.instruments, Limit(20, 2.0, "user+type")),
            ("POST", "account/set-position-mode"): (self.set_position_mode, Limit(5, 2.0, _USER)),
            ("POST", "account/set-leverage"): (self.set_leverage, Limit(20, 2.0, _USER)),
            ("GET", "account/leverage-info"): (self.leverage_info, Limit(20, 2.0, _USER)),
            ("GET", "account/max-size"): (self.max_size, Limit(20, 2.0, _USER)),
            ("GET", "account/max-avail-size"): (self.max_avail_size, Limit(20, 2.0, _USER)),
            ("GET", "account/trade-fee"): (self.trade_fee, Limit(5, 2.0, _USER)),
            ("POST", "account/position/margin-balance"): (self.change_margin, Limit(20, 2.0, _USER)),
            ("GET", "account/bills"): (self.bills, Limit(5, 1.0, _USER)),
            ("GET", "account/bills-archive"): (self.bills_archive, Limit(5, 2.0, _USER)),
            ("POST", "account/demo-adjust-balance"): (self.adjust, Limit(3, 86_400.0, _USER)),
            ("GET", "asset/balances"): (self.asset_balances, Limit(6, 1.0, _USER)),
            ("POST", "asset/transfer"): (self.transfer, Limit(2, 1.0, _USER)),
        }

    def balance(self, key: OkxKey, params: Params) -> list[Any]:
        return [self._money.balance_row(self._desk.accounts[key.account], names(params, "ccy", 20))]

    def positions(self, key: OkxKey, params: Params) -> list[Any]:
        account = self._desk.accounts[key.account]
        inst_ids, pos_ids = names(params, "instId", 10), names(params, "posId", 20)
        kind = text_of(params, "instType")
        rows = [self._money.position_row(account, held) for held in account.positions.values()]
        return [
            row
            for row in rows
            if (inst_ids is None or row["instId"] in inst_ids)
            and (pos_ids is None or row["posId"] in pos_ids)
            and kind in ("", row["instType"])
        ]

    def config(self, key: OkxKey, params: Params) -> list[Any]:
        account = self._desk.accounts[key.account]
        return [
            {
                "uid": str(key.account),
                "mainUid": str(key.account),
                "acctLv": account.mode,
                "posMode": "long_short_mode" if account.is_hedged else "net_mode",
                "acctStpMode": "cancel_maker",
                "autoLoan": False,
                "ctIsoMode": "automatic",
                "mgnIsoMode": "automatic",
                "greeksType": "PA",
                "feeType": "0",
                "level": "Lv1",
                "levelTmp": "",
                "kycLv": "3",
                "label": key.name,
                "ip": "",
                "perm": ",".join(key.permissions),
                "roleType": "0",
                "type": "0",
                "enableSpotBorrow": False,
                "spotBorrowAutoRepay": False,
                "settleCcy": "USD",
                "opAuth": "0",
            }
        ]

    def instruments(self, key: OkxKey, params: Params) -> list[Any]:
        return self._public.instruments({name: str(value) for name, value in params.items()})

    def bills(self, key: OkxKey, params: Params, days: int = 7) -> list[Any]:
        """The movements of cash, newest first."""
        now = self._desk.now_ns() // 1_000_000
        begin, end = (whole_number(params, name) for name in ("begin", "end"))
        wanted = {
            name: text_of(params, name)
            for name in ("instType", "instId", "ccy", "mgnMode", "type", "subType")
        }
        rows = [
            row
            for row in self._desk.bills.of(key.account)
            if int(row["ts"]) > now - days * 86_400_000
            and (begin is None or int(row["ts"]) >= begin)
            and (end is None or int(row["ts"]) <= end)
            and all(not value or row[name] == value for name, value in wanted.items())
        ]
        return page(rows, params, "billId")

    def bills_archive(self, key: OkxKey, params: Params) -> list[Any]:
        return self.bills(key, params, 92)

    # ---- settings --------------------------------------------------------------------------------

    def set_position_mode(self, key: OkxKey, params: Params) -> list[Any]:
        require(key, TRADE)
        mode = required(params, "posMode")
        self._positions.set_position_mode(key.account, mode)
        return [{"posMode": mode}]

    def set_leverage(self, key: OkxKey, params: Params) -> list[Any]:
        require(key, TRADE)
        leverage, mode = amount(params, "lever"), required(params, "mgnMode")
        if leverage is None:
            raise missing("lever")
        if mode not in ("cross", "isolated"):
            raise wrong("mgnMode")
        if not text_of(params, "instId"):
            raise missing("instId")
        one = self._desk.instrument(params)
        self._positions.set_leverage(key.account, one, leverage, mode, text_of(params, "posSide"))
        return [
            {
                "lever": short(leverage),
                "mgnMode": mode,
                "instId": one.inst_id,
                "posSide": text_of(params, "posSide"),
            }
        ]

    def change_margin(self, key: OkxKey, params: Params) -> list[Any]:
        require(key, TRADE)
        if not text_of(params, "instId"):
            raise missing("instId")
        return [self._positions.change_margin(key.account, params)]

    def leverage_info(self, key: OkxKey, params: Params) -> list[Any]:
        account = self._desk.accounts[key.account]
        mode = required(params, "mgnMode")
        if mode not in (CROSS, ISOLATED):
            raise wrong("mgnMode")
        found = []
        for name in names(params, "instId", 20) or []:
            one = self._desk.exchange.carried(self._desk.instrument({"instId": name}).inst_id)
            if account.mode == SPOT_MODE or (mode == CROSS and not one.is_contract):
                raise OkxError("51010")
            for side in ("long", "short") if account.is_hedged and one.is_contract else ("net",):
                lever = short(account.leverage_of(name, mode, side))
                found.append({"instId": name, "mgnMode": mode, "posSide": side, "lever": lever, "ccy": ""})
        if not found:
            raise missing("instId")
        return found

    # ---- helpers of an order ticket --------------------------------------------------------------

    def max_size(self, key: OkxKey, params: Params) -> list[Any]:
        return [
            {"instId": one.inst_id, "ccy": one.settle or one.quote, "maxBuy": buy, "maxSell": sell}
            for one, buy, sell in self._sizes(key, params, in_orders=True)
        ]

    def max_avail_size(self, key: OkxKey, params: Params) -> list[Any]:
        return [
            {"instId": one.inst_id, "availBuy": buy, "availSell": sell}
            for one, buy, sell in self._sizes(key, params, in_orders=False)
        ]

    def _sizes(self, key: OkxKey, params: Params, *, in_orders: bool) -> list[tuple[OkxInstrument, str, str]]:
        account = self._desk.accounts[key.account]
        mode = required(params, "tdMode")
        found = []
        for name in names(params, "instId", 5) or []:
            one = self._desk.instrument({"instId": name})
            if mode not in ((CROSS, ISOLATED) if one.is_contract else ("cash", ISOLATED)):
                raise wrong("tdMode")
            one = self._desk.exchange.in_mode(name, mode)
            if one.is_carried and account.mode == SPOT_MODE:
                raise OkxError("51010")
            found.append((one, *self._size(account.uid, one, mode, amount(params, "px"), in_orders)))
        if not found:
            raise missing("instId")
        return found

    def _size(
        self, uid: int, one: OkxInstrument, mode: str, price: Decimal | None, in_orders: bool
    ) -> tuple[str, str]:
        account, money, exchange = self._desk.accounts[uid], self._money, self._desk.exchange
        at = price or exchange.last(one)
        step = one.listing.quantity_step
        if one.is_carried:
            free = max(ZERO, money.free(account, one.settle))
            if not in_orders:
                return trimmed(free), trimmed(free)
            each = one.value(Decimal(1), at) * (1 / account.leverage_of(one.inst_id, mode) + one.taker)
            most = free / each // step * step
            held = account.positions.get((one.inst_id, mode, "net"))
            size = held.size if held is not None else ZERO
            return short(most + max(ZERO, -size)), short(most + max(ZERO, size))
        quote, base = max(ZERO, money.free(account, one.quote)), max(ZERO, money.free(account, one.base))
        if not in_orders:
            return trimmed(quote), trimmed(base)
        return short(quote / at // step * step), short(base // step * step)

    def trade_fee(self, key: OkxKey, params: Params) -> list[Any]:
        kind = required(params, "instType")
        exchange = self._desk.exchange
        every = [*exchange.instruments.values(), *exchange.margins.values()]
        found = [one for one in every if one.kind == kind]
        if text_of(params, "instId"):
            name = self._desk.instrument(params).inst_id
            found = [one for one in found if one.inst_id == name]
        if not found:
            raise wrong("instType")
        maker, taker = short(-found[0].maker), short(-found[0].taker)
        swap = found[0].is_contract
        return [
            {
                "category": "1",
                "feeGroup": [{"groupId": "1", "maker": maker, "taker": taker}],
                "instType": kind,
                "level": "Lv1",
                "maker": maker if not swap else "",
                "taker": taker if not swap else "",
                "makerU": maker if swap else "",
                "takerU": taker if swap else "",
                "ts": str(self._desk.exchange.clock.wall_ns() // 1_000_000),
            }
        ]

    # ---- funding account -------------------------------------------------------------------------

    def adjust(self, key: OkxKey, params: Params) -> list[Any]:
        require(key, TRADE)
        kind, rows = required(params, "type"), params.get("adjustments")
        if kind not in ("increase", "reduce"):
            raise wrong("type")
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise missing("adjustments")
        changes = []
        for row in rows:
            value = amount(row, "amt")
            if row.get("ccy") not in _DEMO_CCYS or value is None:
                raise wrong("adjustments")
            changes.append((str(row["ccy"]), value if kind == "increase" else -value))
        for ccy, value in changes:
            self._desk.adjust(key.account, ccy, value)
        return [{"type": kind}]

    def asset_balances(self, key: OkxKey, params: Params) -> list[Any]:
        return []

    def transfer(self, key: OkxKey, params: Params) -> list[Row]:
        require(key, TRADE)
        for name in ("ccy", "amt", "from", "to"):
            required(params, name)
        amount(params, "amt")
        if {params["from"], params["to"]} != {"6", "18"}:
            raise wrong("from")
        # All practice money is in the trading account already; the funding account is empty.
        if params["from"] == "6":
            raise OkxError("58116", text="Transfer exceeds the available amount")
        raise OkxError("50038")
