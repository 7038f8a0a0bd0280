"""What the practice Quotex's sockets share: who is connected, and what is pushed to whom."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from terminal.emulators.faults import Faults
from terminal.emulators.market.latent import seed_number, uniform
from terminal.emulators.quotex.desk import Desk
from terminal.emulators.quotex.logins import Logins, WebSession
from terminal.emulators.quotex.market import Market

if TYPE_CHECKING:
    from terminal.emulators.quotex.session import Session

_SENTIMENT_S: Final = 3.0
_TABLE_S: Final = 0.5
_SIGNALS_S: Final = 20.0
_SIGNAL_FRAMES: Final = (60, 120, 300)
_MOOD_STEP_S: Final = 10

Row = tuple[int, Decimal, int]


class Hub:
    """Pushes of the market and of the desk to the sockets."""

    def __init__(self, market: Market, desk: Desk, logins: Logins, faults: Faults) -> None:
        self.market = market
        self.desk = desk
        self.logins = logins
        self.faults = faults
        self.sessions: set[Session] = set()
        self.stale_ms: int | None = None
        """Where the times of quotes stand still."""
        self.sent = 0
        self.pongs = 0
        self.requests: list[dict[str, Any]] = []
        self._sentiment_due = self._table_due = self._signals_due = 0.0
        logins.on_void.append(self._on_void)
        desk.tell = self.tell

    @property
    def offset_ms(self) -> int:
        """So far the venue's clock is off."""
        return self.desk.offset_ms

    def now_ms(self) -> int:
        """By the venue's clock."""
        return self.market.now_ms() + self.offset_ms

    def authorised(self) -> list[Session]:
        """Sockets that are signed in."""
        return [one for one in self.sessions if one.user is not None]

    # ---- told by the desk ------------------------------------------------------------------------

    def tell(self, uid: int, wallet: str | None, name: str, data: Any, *, but: Session | None = None) -> None:
        """Send an event of an account to each of its sockets that shows that wallet."""
        for session in self.authorised():
            if session is but or session.uid != uid or wallet not in (None, session.wallet):
                continue
            session.send(name, data, f"ws/data/{name}")

    def _on_void(self, session: WebSession) -> None:
        for one in tuple(self.sessions):
            if one.login is session:
                one.reject()

    # ---- the market ------------------------------------------------------------------------------

    def quote_row(self, symbol: str, row: Row) -> list[Any]:
        """A row of ``quotes/stream``: epoch seconds with a fraction, price, direction."""
        ms = row[0] + self.offset_ms if self.stale_ms is None else self.stale_ms
        return [symbol, Decimal(ms).scaleb(-3), row[1], row[2]]

    def push_quotes(self, found: dict[str, list[Row]]) -> None:
        """Send the ticks that became due to whoever has a chart of them open."""
        if not found:
            return
        rows = {symbol: [self.quote_row(symbol, row) for row in due] for symbol, due in found.items()}
        for session in self.authorised():
            mine = [row for symbol in session.charts if symbol in rows for row in rows[symbol]]
            if mine:
                session.send("quotes/stream", mine, f"ws/data/quotes/stream/{mine[0][0]}")
            for symbol in session.all_sizes & found.keys():
                self._push_candles(session, symbol)

    def _push_candles(self, session: Session, symbol: str) -> None:
        for period in (60, 300):
            for one in self.market.candles(symbol, period, 1):
                price = self.market.prices(symbol).price
                session.send(
                    "candle-generated",
                    {
                        "asset": symbol,
                        "period": period,
                        "index": one.start_s + self.offset_ms // 1000,
                        "open": price(one.open),
                        "high": price(one.high),
                        "low": price(one.low),
                        "close": price(one.close),
                    },
                    "ws/data/candle-generated",
                )

    def buyers(self, symbol: str) -> int:
        """Per cent of the traders who expect the price to rise; a figure that wanders."""
        base = seed_number(self.market.seed, "mood", symbol)
        place, rest = divmod(self.market.now_ms() / 1000, _MOOD_STEP_S)
        before, after = uniform(base, int(place)), uniform(base, int(place) + 1)
        return round(20 + 60 * (before + (after - before) * rest / _MOOD_STEP_S))

    def signal_rows(self) -> dict[str, Any]:
        """The signals of this minute, in the newer form or, where it was ordered, in the older."""
        is_older = self.faults.take("old_signals", "ws/data/signals") is not None
        minute = self.market.now_ms() // 60_000
        rows = []
        for symbol, asset in self.market.assets.items():
            base = seed_number(self.market.seed, "signal", symbol)
            if not asset.is_otc or uniform(base, minute) < 0.5:
                continue
            frame = _SIGNAL_FRAMES[int(uniform(base, minute + 1) * len(_SIGNAL_FRAMES))]
            direction = 1 if uniform(base, minute + 2) < 0.5 else 0
            told: Any = [frame, direction] if is_older else {"signal": direction, "timeFrame": frame}
            rows.append([symbol, [told], (minute + 1) * 60 + self.offset_ms // 1000])
        return {"time": self.now_ms() // 1000, "signals": rows}

    def push_table(self, sessions: Iterable[Session] | None = None) -> None:
        """Send the table of assets."""
        rows = self.market.rows()
        for session in self.authorised() if sessions is None else sessions:
            session.send("instruments/list", rows, "ws/data/instruments/list")

    def on_timer(self, now_s: float) -> None:
        """What is pushed without a cause. ``now_s`` is monotonic."""
        sessions = self.authorised()
        if now_s >= self._table_due:
            self._table_due = now_s + _TABLE_S
            if self.market.rows_changed():
                self.push_table()
        if now_s >= self._sentiment_due:
            self._sentiment_due = now_s + _SENTIMENT_S
            for session in sessions:
                session.push_moods()
        if now_s >= self._signals_due:
            self._signals_due = now_s + _SIGNALS_S
            for session in sessions:
                if session.wants_signals:
                    session.send("signals", self.signal_rows(), "ws/data/signals")
        for session in tuple(self.sessions):
            session.tick()
