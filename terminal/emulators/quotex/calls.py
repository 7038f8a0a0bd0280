"""The events that a signed-in client of the practice Quotex sends, and what each is answered (section 6).

Unknown events and assets are ignored, as far as is known of the real servers.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from terminal.emulators.quotex import accounts, wire
from terminal.emulators.quotex.desk import DealRefused, Silence
from terminal.emulators.quotex.hub import Hub

if TYPE_CHECKING:
    from terminal.emulators.quotex.session import Session

MOST_CANDLES: Final = 199
_TICKS_MS: Final = 600_000
"""How far the ticks of a new chart go back."""
_MOST_LINE_MS: Final = 3_600_000
_LONGEST_S: Final = 86_400


class Calls:
    """Carries out one client's events."""

    def __init__(self, session: Session, hub: Hub) -> None:
        self._session = session
        self._hub = hub
        self._known: dict[str, Callable[[Any], None]] = {
            "instruments/get": lambda _: hub.push_table([session]),
            "instruments/update": self._chart,
            "instruments/unsubscribe": lambda data: session.close_chart(self._symbol(data)),
            "subfor": lambda data: session.close_chart(self._symbol(data)),
            "chart_notification/get": lambda _: self._answer("chart_notification/get", []),
            "depth/follow": self._follow,
            "depth/unfollow": lambda data: session.moods.discard(self._symbol(data)),
            "sentiment/subscribe": self._old_moods,
            "history/load": self._load,
            "history/load/line": self._load,
            "history/subscribe_all": self._all_sizes,
            "signal/subscribe": self._signals,
            "settings/apply": self._apply,
            "settings/store": self._store_settings,
            "orders/open": self._open,
            "orders/cancel": self._sell,
            "pending/create": self._create,
            "pending/cancel": self._cancel,
            "pending/list": self._pendings,
            "account/change": self._change,
            "demo/refill": self._refill,
            "indicator/list": lambda _: self._answer("indicator/list", self._user.indicators),
            "indicator/store": self._store_indicator,
            "indicator/change": self._change_indicator,
            "indicator/delete": self._delete_indicator,
            "drawing/load": lambda _: self._answer("drawing/load", self._user.drawings),
            "drawing/store": self._store_drawing,
            "drawing/delete": self._delete_drawing,
        }
        self._subject = ""

    @property
    def _user(self) -> accounts.User:
        assert self._session.user is not None
        return self._session.user

    def carry_out(self, event: wire.Event, subject: str) -> None:
        """One event; ``subject`` is what faults know it by."""
        call = self._known.get(event.name)
        if call is not None:
            self._subject = subject
            call(event.data)

    def _answer(self, name: str, data: Any) -> None:
        self._session.send(name, data, f"ws/ack/{name}")

    def _symbol(self, data: Any) -> str:
        """The asset of an event: its data or a member of it; empty for none that is known."""
        found = data.get("asset") if isinstance(data, dict) else data
        return found if isinstance(found, str) and found in self._hub.market.assets else ""

    # ---- prices ----------------------------------------------------------------------------------

    def _chart(self, data: Any) -> None:
        symbol = self._symbol(data)
        if not symbol:
            return
        period = _period(data)
        self._session.open_chart(symbol, period)
        hub, market = self._hub, self._hub.market
        price = market.prices(symbol).price
        ticks = market.ticks_back(symbol, market.now_ms() - _TICKS_MS)
        history: list[list[Any]] = []
        before = ticks[0].points if ticks else 0
        for ms, points in ticks:
            direction = (points > before) - (points < before)
            history.append([self._seconds(ms), price(points), direction])
            before = points
        candles = [
            [self._whole(one.start_s), *map(price, (one.open, one.close, one.high, one.low)), one.ticks]
            for one in market.candles(symbol, period, MOST_CANDLES)
        ]
        told = {"asset": symbol, "period": period, "history": history, "candles": candles}
        self._session.send("history/list/v2", told, f"ws/ack/history/list/v2/{symbol}")
        ms, last = market.quote(symbol)
        row = hub.quote_row(symbol, (ms, last, 0))
        self._session.send("quotes/stream", [row], f"ws/data/quotes/stream/{symbol}")

    def _seconds(self, ms: int) -> Decimal:
        return Decimal(ms + self._hub.offset_ms).scaleb(-3)

    def _whole(self, seconds: int) -> int:
        return seconds + self._hub.offset_ms // 1000

    def _load(self, data: Any) -> None:
        if not isinstance(data, dict):
            return
        symbol, market = self._symbol(data), self._hub.market
        number = data.get("id")
        if not symbol and isinstance(number, int):
            symbol = next((one.symbol for one in market.assets.values() if one.number == number), "")
        until, offset = data.get("time"), data.get("offset")
        if not symbol or not isinstance(until, (int, Decimal)) or not isinstance(offset, (int, Decimal)):
            return
        price = market.prices(symbol).price
        before = int(until * 1000) - self._hub.offset_ms
        first = before - int(offset * 1000)
        told: dict[str, Any] = {"asset": symbol, "index": data.get("index")}
        if data.get("period") is None:
            first = max(first, before - _MOST_LINE_MS)
            told["history"] = [
                [self._seconds(ms), price(points)] for ms, points in market.ticks_back(symbol, first, before)
            ]
        else:
            period = _period(data)
            found = market.candles(symbol, period, MOST_CANDLES, before_ms=before, first_ms=first)
            told["period"] = period
            told["data"] = [
                [self._whole(one.start_s), *map(price, (one.open, one.close, one.high, one.low))]
                for one in reversed(found)
            ]
        self._session.send("history/load", told, f"ws/ack/history/load/{symbol}")

    def _all_sizes(self, data: Any) -> None:
        symbol = self._symbol(data)
        if symbol:
            self._session.open_chart(symbol, self._session.charts.get(symbol, 60))
            self._session.all_sizes.add(symbol)

    def _follow(self, data: Any) -> None:
        symbol = self._symbol(data)
        if symbol:
            self._session.moods.add(symbol)
            row = [[symbol, self._hub.buyers(symbol)]]
            self._session.send("depth/change", row, "ws/data/depth/change")

    def _old_moods(self, data: Any) -> None:
        symbol = self._symbol(data)
        if symbol:
            self._session.old_moods.add(symbol)

    def _signals(self, _data: Any) -> None:
        self._session.wants_signals = True
        self._session.send("signals", self._hub.signal_rows(), "ws/data/signals")

    # ---- deals -----------------------------------------------------------------------------------

    def _open(self, data: Any) -> None:
        if not isinstance(data, dict):
            return
        refusal = {
            "isDemo": data.get("isDemo"),
            "requestId": data.get("requestId"),
            "amount": data.get("amount"),
            "asset": data.get("asset"),
            "time": data.get("time"),
        }
        faults = self._hub.faults
        fault = faults.take("error", self._subject) if faults.active else None
        if fault is not None:
            self._answer("f_orders/open", {"error": fault.text("error", "expiration"), **refusal})
            return
        part = faults.take("part_loss", self._subject) if faults.active else None
        percent_loss = 100 if part is None else int(part.number("percent", 50))
        try:
            # An order must name the account that the connection shows.
            if accounts.wallet_of(data.get("isDemo"), data.get("tournamentId")) != self._session.wallet:
                raise DealRefused("account")
            deal = self._hub.desk.open_order(self._user, self._session.wallet, data, percent_loss)
        except Silence:
            return
        except DealRefused as error:
            self._answer("f_orders/open", {"error": error.error, **refusal})
            return
        row = deal.accepted_row(self._hub.offset_ms)
        self._hub.tell(deal.uid, deal.wallet, "s_orders/open", row, but=self._session)
        if not self._is_lost():
            self._answer("s_orders/open", row)
            self._tell_balance()

    def _is_lost(self) -> bool:
        """Whether the answer to what was carried out gets lost."""
        faults = self._hub.faults
        fault = faults.take("accept_lose_answer", self._subject) if faults.active else None
        if fault is not None and fault.flag("close"):
            self._session.peer.close(1011, "")
        return fault is not None

    def _tell_balance(self) -> None:
        self._hub.desk.tell_balance(self._user, self._session.wallet)

    def _sell(self, data: Any) -> None:
        ticket = data.get("ticket") if isinstance(data, dict) else None
        if self._refused("f_orders/cancel", ticket):
            return
        try:
            deal = self._hub.desk.sell(self._user, ticket)
        except DealRefused as error:
            self._answer("f_orders/cancel", {"ticket": ticket, "error": error.error})
            return
        if not self._is_lost():
            sold = {"ticket": deal.id, "profit": deal.profit, "closePrice": deal.close_price}
            self._answer("s_orders/cancel", sold)
            self._tell_balance()

    def _refused(self, name: str, ticket: Any) -> bool:
        fault = self._hub.faults.take("error", self._subject) if self._hub.faults.active else None
        if fault is not None:
            self._answer(name, {"ticket": ticket, "error": fault.text("error", "not_available")})
        return fault is not None

    def _create(self, data: Any) -> None:
        if self._refused("f_pending/create", None):
            return
        try:
            pending = self._hub.desk.create_pending(self._user, self._session.wallet, data)
        except DealRefused as error:
            self._answer("f_pending/create", {"error": error.error})
            return
        if not self._is_lost():
            self._answer("s_pending/create", {"pending": pending.row(self._hub.offset_ms)})

    def _cancel(self, data: Any) -> None:
        ticket = data.get("ticket") if isinstance(data, dict) else None
        if self._refused("f_pending/cancel", ticket):
            return
        try:
            self._hub.desk.cancel_pending(self._user, ticket)
        except DealRefused as error:
            self._answer("f_pending/cancel", {"ticket": ticket, "error": error.error})
            return
        if not self._is_lost():
            self._answer("s_pending/cancel", {"ticket": ticket})

    def _pendings(self, _data: Any) -> None:
        self._answer("pending/list", self._hub.desk.pending_rows(self._user, self._session.wallet))

    # ---- the account -----------------------------------------------------------------------------

    def _change(self, data: Any) -> None:
        session = self._session
        wallet = (
            accounts.wallet_of(data.get("demo"), data.get("tournamentId")) if isinstance(data, dict) else None
        )
        if wallet is None:
            session.say("f_account/change", {"error": "account"})
            return
        session.wallet = wallet
        session.say("s_account/change")
        session.send("balance", self._user.balance_row(wallet), "ws/data/balance")
        session.send_lists()

    def _refill(self, data: Any) -> None:
        """Set the demo balance to the amount: whether real servers add or set is not known."""
        if isinstance(data, bool) or not isinstance(data, (int, Decimal)):
            return
        if not 0 < data <= accounts.MOST_REFILL:
            self._answer("f_demo/refill", {"error": "max_amount", "isDemo": 1})
            return
        self._hub.desk.set_balance(self._user, accounts.DEMO, Decimal(data))
        if not self._is_lost():
            self._answer("s_demo/refill", {"isDemo": 1, "balance": self._user.balances[accounts.DEMO]})
            self._tell_balance()

    # ---- kept with the account -------------------------------------------------------------------

    def _save(self) -> None:
        self._hub.desk.accounts.save(self._user)

    def _apply(self, data: Any) -> None:
        if isinstance(data, dict):
            self._user.settings["applied"] = _plain(data)
            self._save()

    def _store_settings(self, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("settings"), dict):
            self._user.settings[str(data.get("chartId", "graph"))] = _plain(data["settings"])
            self._save()
            self._answer("settings/list", self._user.settings)

    def _store_indicator(self, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("type"), str):
            taken = {int(one["id"]) for one in self._user.indicators}
            row = {"id": max(taken, default=0) + 1, **_plain({k: v for k, v in data.items() if k != "id"})}
            self._user.indicators.append(row)
            self._save()
            self._answer("indicator/list", self._user.indicators)

    def _change_indicator(self, data: Any) -> None:
        for row in self._user.indicators:
            if isinstance(data, dict) and row["id"] == data.get("id") and "settings" in data:
                row["settings"] = _plain(data["settings"])
                self._save()
                self._answer("indicator/list", self._user.indicators)

    def _delete_indicator(self, data: Any) -> None:
        wanted = data.get("id") if isinstance(data, dict) else None
        self._user.indicators[:] = [row for row in self._user.indicators if row["id"] != wanted]
        self._save()
        self._answer("indicator/list", self._user.indicators)

    def _store_drawing(self, data: Any) -> None:
        if isinstance(data, dict):
            taken = {int(one["id"]) for one in self._user.drawings}
            row = {**_plain(data), "id": max(taken, default=0) + 1}
            self._user.drawings.append(row)
            self._save()
            self._answer("drawing/load", self._user.drawings)

    def _delete_drawing(self, data: Any) -> None:
        wanted = data.get("id") if isinstance(data, dict) else None
        self._user.drawings[:] = [row for row in self._user.drawings if row["id"] != wanted]
        self._save()
        self._answer("drawing/load", self._user.drawings)


def _period(data: dict[str, Any]) -> int:
    """Seconds of a candle: as asked for, a minute where that is no length."""
    period = data.get("period")
    fits = isinstance(period, int) and not isinstance(period, bool) and 5 <= period <= _LONGEST_S
    return period if isinstance(period, int) and fits else 60


def _plain(value: Any) -> Any:
    """Without exact decimals, which the store does not keep."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value
