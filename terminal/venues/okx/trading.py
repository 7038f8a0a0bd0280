"""Order operations over the private WebSocket: requests with an id and a deadline (OKX v5, 2026-07).

An answer is matched by its id alone. No answer by the deadline, or a link that ends first, is OutcomeUnknown;
nothing is ever sent twice. The instrument is named by ``instIdCode`` here; ``instId`` is ignored.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from terminal.core.secret import scrub
from terminal.domain.errors import AuthRejected, NotSent, OutcomeUnknown, VenueError
from terminal.venues.okx.errors import VENUE_NAME, to_error
from terminal.venues.okx.wire import Ack, AlgoRow, Head

log = logging.getLogger("venue.okx")

_WITH_ROWS = ("0", "1", "2")


def row_error(ack: Ack) -> VenueError | None:
    """What went wrong with one row of a trading answer; None: OKX has accepted it."""
    if ack.sCode == "0":
        return None
    if not ack.sCode:
        return OutcomeUnknown(VENUE_NAME, "a row without a verdict", code="unreadable")
    text = scrub(ack.sMsg)[:300]
    if ack.subCode:
        text = f"{text} (sub-code {ack.subCode[:8]})"
    return to_error(ack.sCode, text, writing=True)


def require_rows(rows: Sequence[Ack], count: int, what: str) -> None:
    """Raise OutcomeUnknown where OKX answers for another number of orders than were sent."""
    if len(rows) != count:
        raise OutcomeUnknown(VENUE_NAME, f"{what}: {len(rows)} answers for {count} orders", code="unreadable")


def single(rows: Sequence[Ack], what: str) -> Ack:
    """The one row of an answer about one order. Raises what it says against it."""
    require_rows(rows, 1, what)
    error = row_error(rows[0])
    if error is not None:
        raise error
    if not (rows[0].ordId or rows[0].algoId or rows[0].clOrdId):
        raise OutcomeUnknown(VENUE_NAME, f"{what}: an answer without an order id", code="unreadable")
    return rows[0]


def as_row(body: Mapping[str, object], algo_id: str) -> AlgoRow:
    """A stop order as it was asked for, until OKX's own word of it comes."""
    return msgspec.convert({**body, "algoId": algo_id, "state": "live"}, AlgoRow)


def chunks(items: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


class WsTrading:
    """OKX's order operations on an open private link.

    Every call raises NotSent (the link is down: nothing left), RequestRejected, AuthRejected or RateLimited
    (OKX's no to the whole request), or OutcomeUnknown (all else). ``deadline_s`` is how long an answer may
    take.
    """

    def __init__(
        self,
        *,
        numbers: itertools.count[int],
        send: Callable[[str], None],
        is_ready: Callable[[], bool],
        on_session_lost: Callable[[], None],
        deadline_s: float = 5.0,
    ) -> None:
        self._numbers = numbers
        self._send = send
        self._is_ready = is_ready
        self._on_session_lost = on_session_lost
        self._deadline_s = deadline_s
        self._pending: dict[str, asyncio.Future[Head]] = {}

    @property
    def waiting(self) -> int:
        """How many requests wait for an answer."""
        return len(self._pending)

    async def request(self, op: str, args: Sequence[Mapping[str, object]]) -> list[Ack]:
        """Send one operation; a row an order, each with its own verdict.

        ``{"id":"o1","op":"order","args":[{"instIdCode":1000000000,"tdMode":"cash","side":"buy",
        "ordType":"limit","px":"30000.1","sz":"0.01","clOrdId":"t1000002"}]}``
        """
        if not self._is_ready():
            raise NotSent(VENUE_NAME, f"{op}: there is no trading session")
        number = f"o{next(self._numbers)}"
        text = msgspec.json.encode({"id": number, "op": op, "args": args}).decode()
        answer: asyncio.Future[Head] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            self._send(text)
            async with asyncio.timeout(self._deadline_s):
                head = await answer
        except TimeoutError:
            raise OutcomeUnknown(
                VENUE_NAME, f"{op}: no answer within {self._deadline_s:.1f} s", code="timeout"
            ) from None
        finally:
            del self._pending[number]
        return self._rows(op, head)

    def on_answer(self, head: Head) -> bool:
        """Take an answer; False where nobody waits for it (any more)."""
        answer = self._pending.get(head.id)
        if answer is None:
            return False
        if not answer.done():
            answer.set_result(head)
        return True

    def link_lost(self, reason: str) -> None:
        """The link is down: whoever waits learns that nobody knows."""
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(OutcomeUnknown(VENUE_NAME, f"the link was lost: {reason}", code="link"))

    def _rows(self, op: str, head: Head) -> list[Ack]:
        if head.code in _WITH_ROWS:
            try:
                rows = msgspec.json.decode(head.data, type=list[Ack]) if head.data else []
            except msgspec.MsgspecError as error:
                raise OutcomeUnknown(
                    VENUE_NAME, f"{op}: unreadable rows: {error}", code="unreadable"
                ) from error
            if rows or head.code == "0":
                return rows
        if not head.code:
            raise OutcomeUnknown(VENUE_NAME, f"{op}: an answer without a code", code="unreadable")
        refusal = to_error(head.code, scrub(head.msg)[:300], writing=True)
        if isinstance(refusal, AuthRejected) and head.code == "60011":
            self._on_session_lost()
        raise refusal
