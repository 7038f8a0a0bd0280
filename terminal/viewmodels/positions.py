"""Open positions and the accounts that hold them: live profit in money and pips, stop and target, and what a
person can do: close all or a part, reverse, double, move the stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.observe import Observable
from terminal.domain.account import AccountFigures, AccountInfo, AccountKind, Balance, Position
from terminal.domain.decimals import round_down
from terminal.domain.errors import OrderRefused, TerminalError
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FeedKind, FundingRate, Quote, Side
from terminal.domain.orders import Order, OrderRequest, Origin, Protection
from terminal.services.market_data import Topic
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.positions import KEEP, Leg
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import amount_text, beside_text, pip_of, size_text, units_text
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.funding import due_text, paying_text, payment_text
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.position_rows import (
    ACCOUNT_COLUMNS,
    CLOSE,
    DOUBLE,
    GIVE_BACK,
    HALF,
    HIDE,
    HISTORY,
    MARGIN_CALLS,
    NONE,
    POSITION_COLUMNS,
    REVERSE,
    SHOW,
    USE,
    AccountEntry,
    AccountRow,
    PositionRow,
    counted_text,
    is_by_mark,
    leg_text,
    mark_price,
)
from terminal.viewmodels.size_entry import parse_number
from terminal.viewmodels.tables import TableModel

_COUNT_EVERY_S = 0.5
_NS_PER_MS = 1_000_000


class PositionActions(Protocol):
    """What can be done with positions (:class:`terminal.services.positions.PositionDesk`)."""

    changed: Observable[[str]]

    @property
    def pending(self) -> Mapping[tuple[str, str], Protection]: ...

    def close_request(
        self, account: str, position_id: str, quantity: Decimal | None = ..., *, origin: Origin = ...
    ) -> OrderRequest: ...

    def double_request(self, account: str, position_id: str, *, origin: Origin = ...) -> OrderRequest: ...

    def reverse_requests(
        self, account: str, position_id: str, *, origin: Origin = ...
    ) -> tuple[OrderRequest, ...]: ...

    async def submit_in_turn(
        self, account: str, requests: tuple[OrderRequest, ...], confirmed: frozenset[str]
    ) -> list[Order]: ...

    def check(self, account: str, position_id: str, protection: Protection) -> list[OrderRefused]: ...

    async def protect(
        self,
        account: str,
        position_id: str,
        *,
        stop_loss: Leg = ...,
        take_profit: Leg = ...,
        trailing: bool | None = ...,
        confirmed: frozenset[str] = ...,
    ) -> None: ...


class PositionSource(Protocol):
    """Where positions and figures come from (:class:`terminal.services.portfolio.Portfolio`)."""

    changed: Observable[[str]]

    def positions(self, account: str) -> tuple[Position, ...]: ...
    def position(self, account: str, position_id: str) -> Position | None: ...
    def overview(self, account: str) -> AccountFigures | None: ...
    def info(self, account: str) -> AccountInfo | None: ...
    def balances(self, account: str) -> Mapping[str, Balance]: ...


class MarginMover(Protocol):
    """Changes the own margin of an isolated position (:class:`terminal.services.margins.Margins`)."""

    def moves_position_margin(self, account: str) -> bool: ...
    async def move_position_margin(
        self, account: str, symbol: str, position_id: str, amount: Decimal
    ) -> None: ...


class PriceSource(Protocol):
    """Quotes and instruments (:class:`terminal.services.market_data.MarketData`)."""

    changed: Observable[[InstrumentId, Topic]]

    def watch(self, feed: Feed, venue: str) -> Callable[[], None]: ...
    def quote(self, instrument: InstrumentId) -> Quote | None: ...
    def funding(self, instrument: InstrumentId) -> FundingRate | None: ...
    def instrument(self, instrument: InstrumentId) -> Instrument | None: ...


async def _show_nothing(account: str, shown: bool) -> None:
    """Where nobody can choose which accounts are shown."""


class PositionsViewModel(QObject):
    """The Positions and Accounts tabs.

    Signals:
        changed: rows changed; at most once a frame.
        refused: (row key, text) an action on a position was refused, in plain words.
        history_wanted: (account) the person wants to see an account's past.
        margin_calls_wanted: (account) the person wants to see at which margin levels the venue warns.

    Attributes:
        model: open positions. accounts_model: the accounts of all connections.
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
        show_account: Callable[[str, bool], Awaitable[None]] = _show_nothing,
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
        self._show_account = show_account
        self._open_orders = open_orders
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
            kind="hidden" if entry.hidden is not None else f"{info.kind.value}{leverage}",
            figures=figures,
            is_active=entry.is_active,
            can_choose=entry.can_choose and not entry.is_active,
            note=info.note,
            hidden=self.hide_amounts,
            is_shown=entry.hidden is None,
            stop_out=info.stop_out,
            has_margin_calls=entry.has_margin_calls,
        )

    def _row(self, entry: AccountEntry, title: str, position: Position) -> PositionRow:
        instrument = self._market.instrument(position.instrument)
        quote = self._market.quote(position.instrument)
        now = None if quote is None else quote.bid if position.side is Side.BUY else quote.ask
        if position.contract is not None and quote is not None:
            # A contract ends at the one price that its venue tells, not at a side of a market.
            now = quote.last if quote.last is not None else now
        pip, word = pip_of(instrument)
        pips, at = None, mark_price(position, instrument) if is_by_mark(position) else now
        if at is not None and pip:
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
            left_s=self._left_s(position),
        )

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
        ``use``, ``history``, ``margin_calls``, ``show``, ``hide``."""
        if action == USE.key:
            self._select_account(key)
            self.refresh()
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

    async def _set_shown(self, account: str, shown: bool) -> None:
        """Show or hide an account; one with positions or orders is hidden only after a question, and one that
        wants consent is opened only with it."""
        entry = next((each for each in self._accounts() if each.account == account), None)
        if entry is None:
            return
        try:
            if await (self._may_show(entry) if shown else self._may_hide(entry)):
                await self._show_account(account, shown)
        except TerminalError as error:
            self._notices.failure(error)
        self.refresh()

    async def _may_show(self, entry: AccountEntry) -> bool:
        info = entry.hidden
        if info is None or not info.consent:
            return True
        return await self._ask(
            Confirmation(
                title=f"Open {info.title}?",
                note=info.consent,
                confirm_text="Open it",
                tone="danger",
                badge="LIVE" if info.is_live else "DEMO",
            )
        )

    async def _may_hide(self, entry: AccountEntry) -> bool:
        counts = (
            ("Open positions", len(self._portfolio.positions(entry.account))),
            ("Open orders", self._open_orders(entry.account)),
        )
        if not any(count for _, count in counts) or entry.is_active:
            return True
        info = self._portfolio.info(entry.account)
        return await self._ask(
            Confirmation(
                title=f"Hide {info.title if info is not None else entry.account}?",
                note="What it has stays at the venue as it is, and can fill or close there. You will not see "
                "it here, and Flatten and Cancel all leave it alone, until you show the account again.",
                rows=tuple((name, str(count)) for name, count in counts),
                confirm_text="Hide",
                badge=entry.badge,
            )
        )

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
            if not await self._ask(self._question(row, requests, action, ())):
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
        warnings: tuple[str, ...],
    ) -> Confirmation:
        position, instrument = row.position, self._market.instrument(row.position.instrument)
        if row.is_contract:
            return self._give_back_question(row, warnings)
        if instrument is None:
            return Confirmation(f"{action.capitalize()} {position.instrument.symbol}?", badge=row.badge)
        side = "long" if row.is_long else "short"
        size = size_text(requests[0].quantity, instrument)
        symbol = position.instrument.symbol
        titles = {
            CLOSE.key: f"Close the {side} of {size} {symbol}",
            HALF.key: f"Close {size} of the {side} in {symbol}",
            REVERSE.key: f"Reverse the {side} of {size_text(position.quantity, instrument)} {symbol}",
            DOUBLE.key: f"Double the {side} of {size} {symbol}",
        }
        closed = requests[0].quantity if action == HALF.key else position.quantity

        latest = self._latest_of(row)

        def rows() -> tuple[tuple[str, str], ...]:
            now, is_open = latest()
            entry = fmt.price(now.position.average_price, now.price_decimals)
            out = [
                ("Account", now.account_title),
                ("Position", f"{side} {now.size_text} at {entry}" if is_open else "closed already"),
                *_moving_rows(now, closed),
            ]
            if len(requests) > 1:
                out.append(("Then", f"open {size} on the other side, once this has filled"))
                if not position.protection.is_empty:
                    out.append(("Stop loss, take profit", "not carried over: set them on the new one"))
            return tuple(out)

        confirm = {CLOSE.key: "Close", HALF.key: "Close", REVERSE.key: "Reverse", DOUBLE.key: "Double"}
        return Confirmation(
            title=titles[action],
            rows=rows(),
            warnings=warnings,
            confirm_text=confirm[action],
            tone=requests[0].side.value,
            badge=row.badge,
            live=rows,
        )

    def _give_back_question(self, row: PositionRow, warnings: tuple[str, ...]) -> Confirmation:
        position, latest = row.position, self._latest_of(row)

        def rows() -> tuple[tuple[str, str], ...]:
            now, is_open = latest()
            entry = fmt.price(now.position.average_price, now.price_decimals)
            return (
                ("Account", now.account_title),
                ("Contract", f"{now.side_text} {now.size_text} at {entry}" if is_open else "ended already"),
                ("Ends in", now.left_text if is_open else fmt.NOTHING),
                ("Price now", leg_text(now, now.now) or fmt.NOTHING),
                ("If it ended now", now.profit_text),
            )

        return Confirmation(
            title=f"Give back {row.side_text} {row.size_text} on {position.instrument.symbol}",
            rows=rows(),
            warnings=warnings,
            note="The venue pays what it thinks the contract is worth, and says how much only afterwards.",
            confirm_text=GIVE_BACK.text,
            tone=position.side.opposite.value,
            badge=row.badge,
            live=rows,
        )

    def _latest_of(self, row: PositionRow) -> Callable[[], tuple[PositionRow, bool]]:
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
                    if not await self._ask(self._protect_question(row, stop_loss, take_profit)):
                        return
                    confirmed = confirmed | needed.tokens
                else:
                    return
        except TerminalError as error:
            self._refuse(row.key, error.user_text)

    def _protect_question(self, row: PositionRow, stop_loss: Leg, take_profit: Leg) -> Confirmation:
        now = row.position.protection
        legs = [("Account", row.account_title)]
        for name, leg, old in (
            ("Stop loss", stop_loss, now.stop_loss),
            ("Take profit", take_profit, now.take_profit),
        ):
            if leg is KEEP:
                continue
            new = leg if isinstance(leg, Decimal) else None
            legs.append((name, f"{leg_text(row, old) or NONE} → {leg_text(row, new) or NONE}"))

        latest = self._latest_of(row)

        def rows() -> tuple[tuple[str, str], ...]:
            fresh, _ = latest()
            return (*legs, *_moving_rows(fresh, fresh.position.quantity))

        return Confirmation(
            title=f"Stop loss and take profit of {row.position.instrument.symbol}",
            rows=rows(),
            live=rows,
            warnings=("Without a stop loss what can be lost is not limited.",) if stop_loss is None else (),
            confirm_text="Change",
            badge=row.badge,
        )

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
        assert position.margin is not None
        money = [
            fmt.HIDDEN if row.hidden else fmt.money(each, position.currency, decimals=8)
            for each in (position.margin, position.margin + amount, abs(amount))
        ]
        adds = amount > 0
        question = Confirmation(
            title=f"Margin of the position in {position.instrument.symbol}",
            rows=(
                ("Account", row.account_title),
                ("Now", money[0]),
                ("New", money[1]),
                ("Added" if adds else "Taken away", money[2]),
            ),
            note="It comes out of what is free, and the liquidation moves away from the price."
            if adds
            else "It becomes free again, and the liquidation comes nearer to the price.",
            confirm_text="Change",
            badge=row.badge,
        )
        if not await self._ask(question):
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


def _moving_rows(row: PositionRow, quantity: Decimal) -> tuple[tuple[str, str], ...]:
    """The price of the moment and what ``quantity`` (base units) of the position has won or lost there."""
    position = row.position
    name, profit, worth = "Open PnL", position.unrealised, row.profit_worth
    if 0 < quantity < position.quantity:
        name, worth = "Open PnL of this part", ""
        profit = None if profit is None else profit * quantity / position.quantity
    if row.is_by_mark:
        name += ", by the mark price"
    money = (
        fmt.HIDDEN
        if row.hidden
        else fmt.money(profit, position.currency, decimals=row.money_decimals, signed=True)
    )
    if worth and not row.hidden:
        money = f"{money} ({worth})"
    return ("Price now", leg_text(row, row.now) or fmt.NOTHING), (name, money)
