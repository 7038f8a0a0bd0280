"""Open positions and the accounts that hold them: live profit in money and pips, stop and target, and what a
person can do: close all or a part, reverse, double, move the stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from decimal import Decimal

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.domain.account import AccountFigures, AccountInfo, AccountKind, Position
from terminal.domain.decimals import round_down
from terminal.domain.errors import OrderRefused, TerminalError
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import Order, OrderRequest, Protection
from terminal.services.market_data import FeedState, Topic
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.positions import KEEP, Leg
from terminal.viewmodels import format as fmt
from terminal.viewmodels.account_opening import AccountOpening, show_nothing
from terminal.viewmodels.amounts import amount_text, beside_text, pip_of, units_text
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.funding import due_text, paying_text, payment_text
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.position_ports import MarginMover, PositionActions, PositionSource, PriceSource
from terminal.viewmodels.position_questions import (
    Latest,
    action_question,
    margin_question,
    protect_question,
)
from terminal.viewmodels.position_rows import (
    ACCOUNT_COLUMNS,
    CLOSE,
    DOUBLE,
    HALF,
    HIDE,
    HISTORY,
    MARGIN_CALLS,
    OPEN,
    POSITION_COLUMNS,
    REVERSE,
    SHOW,
    USE,
    AccountEntry,
    AccountRow,
    PositionRow,
    counted_text,
    is_by_mark,
    mark_price,
)
from terminal.viewmodels.size_entry import parse_number
from terminal.viewmodels.tables import TableModel

_COUNT_EVERY_S = 0.5
_NS_PER_MS = 1_000_000
_PROVEN_NS = 5_000_000_000
"""How long after its line was last heard a price is taken for current."""


class PositionsViewModel(QObject):
    """The Positions and Accounts tabs.

    Signals:
        changed: rows changed; at most once a frame.
        refused: (row key, text) an action on a position was refused, in plain words.
        history_wanted: (account) the person wants to see an account's past.
        margin_calls_wanted: (account) the person wants to see at which margin levels the venue warns.

    Attributes:
        model: open positions. accounts_model: the accounts of all connections. opening: opens, leaves and
            chooses them.
    """

    changed = Signal()
    refused = Signal(str, str)
    history_wanted = Signal(str)
    margin_calls_wanted = Signal(str)

    def __init__(
        self,
        desk: PositionActions,
        portfolio: PositionSource,
        market: PriceSource,
        accounts: Callable[[], Sequence[AccountEntry]],
        notices: NoticesViewModel,
        frames: FrameClock,
        *,
        ask: Asker,
        select_account: Callable[[str], None],
        show_account: Callable[[str, bool], Awaitable[None]] = show_nothing,
        open_orders: Callable[[str], int] = lambda account: 0,
        may_send_at_once: Callable[[], bool] = lambda: False,
        wall_ns: Callable[[], int],
        margins: MarginMover | None = None,
        ahead_ms: Callable[[str], float | None] = lambda venue: None,
        parent: QObject | None = None,
    ) -> None:
        """``accounts`` lists every account of the connections, shown or not; ``show_account`` shows or hides
        one, and may raise TerminalError; ``open_orders`` counts what rests on one; ``wall_ns`` is UTC.
        ``may_send_at_once`` is the option that lets reverse and double go without a question while one-click
        is armed. ``ahead_ms``: how far the clock of a venue, by which its contracts end, is before ours."""
        super().__init__(parent)
        self.model: TableModel[PositionRow] = TableModel(
            POSITION_COLUMNS, lambda row: row.key, sort_by="symbol", gone_text="closed", parent=self
        )
        self.accounts_model: TableModel[AccountRow] = TableModel(
            ACCOUNT_COLUMNS, lambda row: row.key, parent=self
        )
        self.hide_amounts = False
        self._desk = desk
        self._portfolio = portfolio
        self._market = market
        self._accounts = accounts
        self._notices = notices
        self._frames = frames
        self._ask = ask
        self._select_account = select_account
        self.opening = AccountOpening(
            accounts,
            portfolio,
            notices,
            ask=ask,
            select_account=select_account,
            show_account=show_account,
            open_orders=open_orders,
        )
        self._may_send_at_once = may_send_at_once
        self._wall_ns = wall_ns
        self._margins = margins
        self._ahead_ms = ahead_ms
        self._stop_counting: Callable[[], None] | None = None
        self._busy: set[str] = set()
        self._feeds: dict[InstrumentId, Callable[[], None]] = {}
        self.model.edited.connect(self._on_edited)
        self._unwatch = (
            portfolio.changed.watch(self._on_account),
            desk.changed.watch(self._on_account),
            market.changed.watch(self._on_market),
        )
        self._build()

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in (*self._unwatch, *self._feeds.values()):
            unwatch()
        self._feeds.clear()
        self._count_down(False)
        self._frames.cancel(self._build)

    def set_hide_amounts(self, on: bool) -> None:
        """Show dots in place of amounts, or the amounts again."""
        if on is not self.hide_amounts:
            self.hide_amounts = on
            self._build()

    @property
    def counted_text(self) -> str:
        """See :func:`terminal.viewmodels.position_rows.counted_text`."""
        return counted_text(self._accounts())

    def refresh(self) -> None:
        """Build again in the next frame (connections or instruments changed)."""
        self._frames.request(self._build)

    def row(self, key: str) -> PositionRow | None:
        """A shown position by its key."""
        return next((row for row in self.model.rows if row.key == key), None)

    def rows_of(self, instrument: InstrumentId, account: str) -> list[PositionRow]:
        """The positions of one instrument and account, for the chart."""
        return [
            row for row in self.model.rows if row.account == account and row.position.instrument == instrument
        ]

    def _on_account(self, account: str) -> None:
        self._frames.request(self._build)

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if instrument in self._feeds and topic is not Topic.TRADES:
            self._frames.request(self._build)

    # -- rows -----------------------------------------------------------------------------------------

    def _build(self) -> None:
        rows: list[PositionRow] = []
        accounts: list[AccountRow] = []
        for entry in self._accounts():
            if entry.hidden is not None:
                accounts.append(self._account_row(entry, entry.hidden, None))
                continue
            info = self._portfolio.info(entry.account)
            figures = self._portfolio.overview(entry.account) or self._plain_figures(entry.account, info)
            title = info.title if info is not None else entry.name
            if info is not None:
                accounts.append(self._account_row(entry, info, figures))
            elif figures is not None:
                # The one account of its connection: there is nothing to choose and nothing to hide.
                about = AccountInfo(account_id="", title=entry.name, is_live=True, currency=figures.currency)
                accounts.append(replace(self._account_row(entry, about, figures), kind="", is_only=True))
            held = self._portfolio.positions(entry.account)
            rows.extend(self._row(entry, title, position) for position in held)
        self._watch({row.position.instrument for row in rows})
        self._count_down(any(row.is_contract for row in rows))
        self.model.set_rows(rows)
        # By name: an account that is hidden and shown again keeps its place.
        self.accounts_model.set_rows(sorted(accounts, key=lambda row: (row.venue, row.title)))
        self.changed.emit()

    def _plain_figures(self, account: str, info: AccountInfo | None) -> AccountFigures | None:
        """Of an account that has positions but no margin, such as contracts: the money that it holds."""
        if info is None or not info.currency or info.kind is AccountKind.CASH:
            return None
        held = self._portfolio.balances(account).get(info.currency)
        return None if held is None else AccountFigures(info.currency, held.total)

    def _account_row(
        self, entry: AccountEntry, info: AccountInfo, figures: AccountFigures | None
    ) -> AccountRow:
        leverage = f" 1:{fmt.quantity(info.leverage)}" if info.leverage is not None else ""
        badge = entry.badge
        if badge == "LIVE" and not info.is_live:
            badge = "DEMO"
        return AccountRow(
            key=entry.account,
            title=info.title,
            badge=badge,
            venue=entry.venue,
            kind=_not_shown(entry) if entry.hidden is not None else f"{info.kind.value}{leverage}",
            figures=figures,
            is_active=entry.is_active,
            can_choose=entry.can_choose and not entry.is_active,
            note=info.note,
            hidden=self.hide_amounts,
            is_shown=entry.hidden is None,
            stop_out=info.stop_out,
            has_margin_calls=entry.has_margin_calls,
            opens_alone=entry.one_at_a_time,
        )

    def _row(self, entry: AccountEntry, title: str, position: Position) -> PositionRow:
        instrument = self._market.instrument(position.instrument)
        quote = self._market.quote(position.instrument)
        now = None if quote is None else quote.bid if position.side is Side.BUY else quote.ask
        left_s = self._left_s(position)
        is_old = position.contract is not None and not self._is_current(position.instrument)
        if position.contract is not None and quote is not None:
            # A contract ends at the one price that its venue tells, not at a side of a market.
            now = quote.last if quote.last is not None else now
        pip, word = pip_of(instrument)
        pips, at = None, mark_price(position, instrument) if is_by_mark(position) else now
        if at is not None and pip and not is_old and left_s != 0:
            pips = (at - position.average_price) * position.side.sign / pip
        return PositionRow(
            key=f"{entry.account} {position.position_id}",
            account=entry.account,
            account_title=title,
            badge=entry.badge,
            position=position,
            size_text=amount_text(position.quantity, instrument)
            if position.contract is None
            else fmt.money(position.quantity, position.currency),
            units_text=units_text(position.quantity, instrument) if position.contract is None else "Stake",
            price_decimals=instrument.price_decimals if instrument is not None else 8,
            now=now,
            can_move_margin=position.margin_mode == "isolated"
            and self._margins is not None
            and self._margins.moves_position_margin(entry.account),
            pips=pips,
            pip_word=word,
            stop_pending=(entry.account, position.position_id) in self._desk.pending,
            hidden=self.hide_amounts,
            funding_text=self._funding_text(position, instrument, now),
            money_decimals=8 if instrument is not None and instrument.is_inverse else 2,
            profit_worth=""
            if instrument is None or self.hide_amounts
            else beside_text(position.unrealised, instrument, now, signed=True),
            left_s=left_s,
            is_price_old=is_old,
            price_age_s=max(0, self._wall_ns() - quote.ts_received_ns) / 1e9
            if is_old and quote is not None
            else None,
        )

    def _is_current(self, instrument: InstrumentId) -> bool:
        """Whether the price of an instrument is proven: its feed is live, and its line was heard just now."""
        feed = Feed(FeedKind.QUOTES, instrument.symbol)
        if self._market.feed_state(feed, instrument.venue) is not FeedState.LIVE:
            return False
        age_ns = self._market.price_age_ns(instrument)
        return age_ns is not None and age_ns <= _PROVEN_NS

    def _left_s(self, position: Position) -> float | None:
        """Until a contract ends, by the clock of its venue."""
        if position.contract is None:
            return None
        ahead_ns = int((self._ahead_ms(position.instrument.venue) or 0.0) * _NS_PER_MS)
        return position.contract.left_s(self._wall_ns() + ahead_ns)

    def _count_down(self, on: bool) -> None:
        """Build again and again while a contract runs: its time goes by without any price."""
        if on and self._stop_counting is None:
            self._stop_counting = self._frames.every(_COUNT_EVERY_S, self._build)
        elif not on and self._stop_counting is not None:
            self._stop_counting()
            self._stop_counting = None

    def _funding_text(self, position: Position, instrument: Instrument | None, now: Decimal | None) -> str:
        funding = self._market.funding(position.instrument)
        if funding is None or instrument is None or now is None or now <= 0:
            return ""
        wall_ns = self._wall_ns()
        if self.hide_amounts:
            return f"Next funding {due_text(funding, wall_ns)}: {paying_text(funding, position.side)}"
        paid_in = position.currency if instrument.is_inverse else instrument.quote
        return payment_text(funding, instrument, position.side, position.quantity, now, wall_ns, paid_in)

    def _watch(self, wanted: set[InstrumentId]) -> None:
        for gone in [key for key in self._feeds if key not in wanted]:
            self._feeds.pop(gone)()
        for instrument in wanted - self._feeds.keys():
            self._feeds[instrument] = self._market.watch(
                Feed(FeedKind.QUOTES, instrument.symbol), instrument.venue
            )

    # -- what a person can do -------------------------------------------------------------------------

    def act(self, key: str, action: str) -> None:
        """Do a row's action by its key: ``close``, ``half``, ``reverse``, ``double``; of an account
        ``use``, ``open``, ``history``, ``margin_calls``, ``show``, ``hide``."""
        if action == USE.key:
            self._select_account(key)
            self.refresh()
            return
        if action == OPEN.key:
            self._start(f"show {key}", self._open(key))
            return
        if action == HISTORY.key:
            self.history_wanted.emit(key)
            return
        if action == MARGIN_CALLS.key:
            self.margin_calls_wanted.emit(key)
            return
        if action in (SHOW.key, HIDE.key):
            self._start(f"show {key}", self._set_shown(key, action == SHOW.key))
            return
        row = self.row(key)
        if row is None:
            return
        try:
            requests = self._requests(row, action)
        except OrderRefused as refusal:
            self._refuse(key, refusal.user_text)
            return
        asks = action in (REVERSE.key, DOUBLE.key) and not self._may_send_at_once()
        self._start(f"{action} {key}", self._submit(row, requests, action, always_ask=asks))

    async def _open(self, account: str) -> None:
        await self.opening.trade_on(account)
        self.refresh()

    async def _set_shown(self, account: str, shown: bool) -> None:
        await self.opening.set_shown(account, shown)
        self.refresh()

    async def close_now(self, row: PositionRow) -> Order:
        """Close a position with the consent of a dialog that has shown it already.

        Raises: as the order gate's submit.
        """
        request = self._desk.close_request(row.account, row.position.position_id)
        confirmed = frozenset({"arm"})
        try:
            sent = await self._desk.submit_in_turn(row.account, (request,), confirmed)
        except ConfirmationNeeded as needed:
            # Whoever flattens has been told that everything goes; a wide spread does not keep it open.
            sent = await self._desk.submit_in_turn(row.account, (request,), confirmed | needed.tokens)
        return sent[0]

    def close_position(self, key: str) -> None:
        """Close a position at the market."""
        self.act(key, CLOSE.key)

    def protect(
        self, key: str, *, stop_loss: Leg = KEEP, take_profit: Leg = KEEP, asked: bool = False
    ) -> None:
        """Move, set or remove a stop or target; ``asked``: the person has confirmed it where it was shown."""
        row = self.row(key)
        if row is not None:
            confirmed = frozenset({"arm"}) if asked else frozenset()
            work = self._protect(row, stop_loss, take_profit, confirmed)
            self._start(f"protect {key}", work)

    def why_not(self, key: str, *, stop_loss: Leg = KEEP, take_profit: Leg = KEEP) -> str:
        """What speaks against a stop or target, in one sentence; empty where nothing does. For a drag."""
        row = self.row(key)
        if row is None:
            return "This position is closed already."
        now = row.position.protection
        wanted = Protection(
            stop_loss=now.stop_loss if stop_loss is KEEP else stop_loss,  # type: ignore[arg-type]
            take_profit=now.take_profit if take_profit is KEEP else take_profit,  # type: ignore[arg-type]
            trailing=now.trailing,
            guaranteed=now.guaranteed,
            trigger=now.trigger,
        )
        found = self._desk.check(row.account, row.position.position_id, wanted)
        return found[0].user_text if found else ""

    def _requests(self, row: PositionRow, action: str) -> tuple[OrderRequest, ...]:
        account, position = row.account, row.position
        if action == CLOSE.key:
            return (self._desk.close_request(account, position.position_id),)
        if row.is_contract:
            raise OrderRefused("contract", "A contract is neither halved, doubled nor reversed.")
        if action == HALF.key:
            instrument = self._market.instrument(position.instrument)
            half = position.quantity / 2
            if instrument is not None and instrument.quantity_step > 0:
                half = round_down(half, instrument.quantity_step)
            if half <= 0 or (instrument is not None and half < instrument.min_quantity):
                raise OrderRefused("quantity", "It is too small to be halved; close all of it instead.")
            return (self._desk.close_request(account, position.position_id, half),)
        if action == REVERSE.key:
            return self._desk.reverse_requests(account, position.position_id)
        return (self._desk.double_request(account, position.position_id),)

    def _start(self, token: str, work: Coroutine[object, object, None]) -> None:
        if token in self._busy:
            work.close()
            return
        self._busy.add(token)
        task = tasks.spawn(work, name=token)
        task.add_done_callback(lambda _: self._busy.discard(token))

    async def _submit(
        self, row: PositionRow, requests: tuple[OrderRequest, ...], action: str, *, always_ask: bool
    ) -> None:
        confirmed: frozenset[str] = frozenset()
        if always_ask:
            if not await self._ask(self._question(row, requests, action)):
                return
            confirmed = frozenset({"arm"})
        try:
            while True:
                try:
                    await self._desk.submit_in_turn(row.account, requests, confirmed)
                except ConfirmationNeeded as needed:
                    warnings = tuple(w.user_text for w in needed.warnings if w.rule != "arm")
                    if not await self._ask(self._question(row, requests, action, warnings)):
                        return
                    confirmed = confirmed | needed.tokens
                else:
                    return
        except TerminalError as error:
            self._refuse(row.key, error.user_text)

    def _question(
        self,
        row: PositionRow,
        requests: tuple[OrderRequest, ...],
        action: str,
        warnings: tuple[str, ...] = (),
    ) -> Confirmation:
        instrument = self._market.instrument(row.position.instrument)
        return action_question(row, instrument, requests, action, warnings, self._latest_of(row))

    def _latest_of(self, row: PositionRow) -> Latest:
        """Reads a position anew: its row, the last one known where it has closed, and whether it is open."""
        last = row

        def read() -> tuple[PositionRow, bool]:
            nonlocal last
            found = self.row(row.key)
            last = found or last
            return last, found is not None

        return read

    async def _protect(
        self, row: PositionRow, stop_loss: Leg, take_profit: Leg, confirmed: frozenset[str]
    ) -> None:
        position = row.position
        try:
            while True:
                try:
                    await self._desk.protect(
                        row.account,
                        position.position_id,
                        stop_loss=stop_loss,
                        take_profit=take_profit,
                        confirmed=confirmed,
                    )
                except ConfirmationNeeded as needed:
                    if not await self._ask(
                        protect_question(row, stop_loss, take_profit, self._latest_of(row))
                    ):
                        return
                    confirmed = confirmed | needed.tokens
                else:
                    return
        except TerminalError as error:
            self._refuse(row.key, error.user_text)

    def move_margin(self, key: str, wanted: Decimal) -> None:
        """Ask, then add to a position's own margin or take from it, so that it is ``wanted``."""
        row = self.row(key)
        if row is None or not row.can_move_margin or row.position.margin is None:
            return
        amount = wanted - row.position.margin
        if amount:
            self._start(f"margin of {key}", self._move_margin(row, amount))

    async def _move_margin(self, row: PositionRow, amount: Decimal) -> None:
        position = row.position
        assert self._margins is not None
        if not await self._ask(margin_question(row, amount)):
            return
        try:
            await self._margins.move_position_margin(
                row.account, position.instrument.symbol, position.position_id, amount
            )
        except TerminalError as error:
            self._refuse(row.key, error.user_text)

    def _on_edited(self, key: object, column: str, text: str) -> None:
        row = self.row(str(key))
        if row is None:
            return
        value: Decimal | None = None
        if text:
            try:
                value = parse_number(text, decimals=8 if column == "margin" else row.price_decimals)
            except ValueError as error:
                self._refuse(row.key, str(error))
                return
        if column == "stop":
            self.protect(row.key, stop_loss=value)
        elif column == "target":
            self.protect(row.key, take_profit=value)
        elif column == "margin" and value is not None:
            self.move_margin(row.key, value)

    def _refuse(self, key: str, text: str) -> None:
        self.refused.emit(key, text)
        row = self.row(key)
        what = f"Position in {row.position.instrument.symbol}" if row is not None else "Position"
        self._notices.error(f"{what}: {text}", key)


def _not_shown(entry: AccountEntry) -> str:
    return "not open" if entry.one_at_a_time else "hidden"
