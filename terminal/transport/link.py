"""The life of a connection that keeps itself open: tries, growing pauses, sign-in, and watching over it.

What is promised, whatever flows inside:

- It tries again for ever, with growing pauses. They start over only after a long time of live data, so that
  a venue that accepts and closes is not stormed. What cannot heal by itself (a refused key, a policy close)
  ends in ``FAILED`` and waits for a person.
- Nothing is buffered while the link is down, so nothing old (least of all an order) is sent after it is up.
- A link is live only while that is proven: pings must be answered, and data must arrive.
"""

from __future__ import annotations

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final

from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.domain.errors import VenueError, VenueUnavailable
from terminal.domain.events import LinkState
from terminal.transport.endings import Ending, explain_open, explain_refusal
from terminal.transport.reconnect import Backoff, ConnectGate, LinkPolicy
from terminal.transport.wire import NS_PER_S

# A peer may not make us hold more of our bytes unread than this.
MAX_UNSENT_BYTES: Final = 1 << 20
# A watchdog that wakes this late was held up itself (a stalled screen, a suspended machine): it reads first.
_STALL_S: Final = 0.5


class Link(ABC):
    """What every reconnecting connection shares; the kinds of wire are its subclasses.

    Attributes:
        state, reason: where it stands, and one plain sentence.
        reconnects: how often an open link was lost and had to be opened again.
        faults: frames that the handler could not take, and streams that were unreadable.
        round_trip_ms: of the last ping that was answered.
        last_error: why the link was last lost, or could not be made. ``code`` tells the kind: ``tls``,
            ``redirect``, ``http-429``, ``too-big``, ``policy``, ``ping``, ``idle``, ``network``...
        idle_timeout_s: may be changed while the link runs, e.g. to None while nothing is subscribed.
    """

    def __init__(
        self,
        *,
        name: str,
        venue: str,
        on_state: Callable[[LinkState, str], object],
        policy: LinkPolicy | None,
        clock: Clock | None,
        rng: random.Random | None,
        gate: ConnectGate | None,
    ) -> None:
        self.name = name
        self.venue = venue
        self.policy = policy or LinkPolicy()
        self.clock: Clock = clock or SystemClock()
        self.state = LinkState.OFF
        self.reason = ""
        self.reconnects = 0
        self.faults = 0
        self.round_trip_ms: float | None = None
        self.last_error: VenueError | None = None
        self.idle_timeout_s = self.policy.idle_timeout_s
        self.backoff = Backoff(self.policy, rng or random.Random())
        self._on_state = on_state
        self._gate = gate or ConnectGate(self.clock)
        self._log = logging.getLogger(f"venue.{venue}")
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._was_open = False
        self._last_frame_ns: int | None = None
        self._live_ns: int | None = None
        self._lost: asyncio.Future[Ending] | None = None
        self._wake: asyncio.Event | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._watch_due_ns = 0
        self._open_ns = 0
        self._ping_waits = False
        self._ping_ns = 0
        self._heartbeat_ns = 0

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """The socket is open and can be written to; true already while the sign-in runs."""

    @property
    def last_frame_ns(self) -> int | None:
        """Monotonic time of the last data frame of any connection; None = there was none yet."""
        return self._last_frame_ns

    def start(self) -> None:
        """Begin to connect in the background; nothing happens where it already runs."""
        if self._task is not None and not self._task.done():
            return
        self._closing = False
        self.backoff.reset()
        self._wake = asyncio.Event()
        self._set_state(LinkState.CONNECTING, "")
        self._task = tasks.spawn(self._run(), name=f"{self.venue} {self.name} link")

    async def close(self) -> None:
        """End the link for good, in any state, within ``close_timeout_s``. No frame follows the call."""
        self._closing = True
        task = self._task
        try:
            self._stop_watching()
            await self._say_goodbye()
        finally:
            self._cut()
            await tasks.cancel_and_wait(task, timeout_s=max(1.0, self.policy.close_timeout_s))
            self._forget()
            self._task = None
            self._set_state(LinkState.OFF, "")

    def reconnect_now(self, reason: str) -> None:
        """Drop the connection, or cut a pause short, and try now. A pause that the venue asked for stays."""
        if self._closing or self.state is LinkState.OFF:
            return
        if self._task is None or self._task.done():
            self.start()
        elif self._lost is not None and not self._lost.done():
            self._lose(Ending(reason, "asked", at_once=True))
        elif self._wake is not None:
            self._wake.set()

    # The wire

    @abstractmethod
    async def _open(self) -> None:
        """Open the socket and keep hold of it; raises what :func:`explain_open` can put into words."""

    @abstractmethod
    async def _sign_in(self) -> None:
        """The caller's part of the opening."""

    @abstractmethod
    async def _say_goodbye(self) -> None:
        """Close politely where the protocol has a way; no frame is handed over any more."""

    @abstractmethod
    def _cut(self) -> None:
        """Stop handing frames over and drop the socket at once; nothing happens without one."""

    @abstractmethod
    def _forget(self) -> None:
        """Let go of the socket that was cut."""

    @abstractmethod
    def _explain_end(self) -> Ending:
        """Why the open connection ended."""

    @abstractmethod
    def _ping(self) -> None:
        """Send the next ping."""

    @abstractmethod
    def _heartbeat_due_ns(self) -> int | None:
        """When the next heartbeat has to be sent (monotonic); None: this link sends none."""

    @abstractmethod
    def _beat(self) -> None:
        """Send a heartbeat."""

    # The life of the link

    async def _run(self) -> None:
        while True:
            try:
                ending = await self._one_connection()
            except Exception:  # noqa: BLE001 - a defect in a callback must not end the link silently
                self._log.exception("%s link: failed unexpectedly", self.name)
                ending = Ending("An internal error ended the connection.", "internal")
            finally:
                self._stop_watching()
                self._cut()
                self._forget()
                self._lost = None
            await self._pause_after(ending)
            if ending.fatal:
                return

    async def _pause_after(self, ending: Ending) -> None:
        self.last_error = ending.error or VenueUnavailable(
            self.venue, f"{self.name} link: {ending.reason}", code=ending.code, user_text=ending.reason
        )
        if self._was_open:
            self.reconnects += 1
            self._was_open = False
            if self._live_for_s() >= self.policy.stable_after_s:
                self.backoff.reset()
        self._live_ns = None
        self.faults += ending.is_fault
        if ending.fatal:
            self._log.error("%s link: given up: %s", self.name, ending.reason)
            self._set_state(LinkState.FAILED, ending.reason)
            return
        delay_s = self.backoff.next_delay_s(longest=ending.long_pause)
        if ending.pause_s is not None:
            self._gate.pause(ending.pause_s)
        level = logging.INFO if self.backoff.attempt <= 1 or self.backoff.attempt % 20 == 0 else logging.DEBUG
        self._log.log(
            level,
            "%s link: %s Next try in %.1f s.",
            self.name,
            ending.reason,
            max(delay_s, ending.pause_s or 0.0),
        )
        self._set_state(LinkState.RECONNECTING, ending.reason)
        if not ending.at_once:
            await self._sleep_or_wake(delay_s)

    async def _sleep_or_wake(self, delay_s: float) -> None:
        assert self._wake is not None
        self._wake.clear()
        until_ns = self.clock.monotonic_ns() + int(delay_s * NS_PER_S)
        while not self._wake.is_set() and (left_ns := until_ns - self.clock.monotonic_ns()) > 0:
            try:
                async with asyncio.timeout(max(left_ns / NS_PER_S, 0.001)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _one_connection(self) -> Ending:
        """Open, sign in, stay; returns why it ended."""
        try:
            async with self._gate.turn():
                await self._open()
        except Exception as error:  # noqa: BLE001 - the socket loop: told apart and put into words there
            return explain_open(error, wall_ns=self.clock.wall_ns(), name=self.name, log=self._log)
        lost: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._lost, self._was_open = lost, True
        if not self.is_open:
            return self._explain_end()
        self._start_watching()
        ready = tasks.spawn(self._get_ready(), name=f"{self.venue} {self.name} link opening")
        try:
            both: set[asyncio.Future[Any]] = {ready, lost}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                return lost.result()
            ending = ready.result()
            if ending is not None:
                return ending
            self._live_ns = self.clock.monotonic_ns()
            self._set_state(LinkState.LIVE, "")
            return await lost
        finally:
            await tasks.cancel_and_wait(ready, timeout_s=1.0)

    async def _get_ready(self) -> Ending | None:
        try:
            async with asyncio.timeout(self.policy.ready_timeout_s):
                await self._sign_in()
        except VenueError as error:
            return explain_refusal(error)
        except TimeoutError:
            return Ending("The venue did not finish the sign-in in time.", "ready")
        return None

    def _set_state(self, state: LinkState, reason: str) -> None:
        if state is self.state and reason == self.reason:
            return
        self.state, self.reason = state, reason
        try:
            self._on_state(state, reason)
        except Exception:  # noqa: BLE001 - nor may a watcher
            self._log.exception("%s link: a watcher of the state failed", self.name)

    def _live_for_s(self) -> float:
        """How long data came while live."""
        if self._live_ns is None or self._last_frame_ns is None:
            return 0.0
        return max(0.0, (self._last_frame_ns - self._live_ns) / NS_PER_S)

    def _on_handler_failed(self) -> None:
        """Called where the caller's handler raised: one bad frame must not end the link."""
        self.faults += 1
        if self.faults <= 5 or self.faults % 1000 == 0:
            self._log.exception("%s link: a frame could not be handled (%d so far)", self.name, self.faults)

    def _lose(self, ending: Ending | None) -> None:
        """Mark the connection as over, at once; the reason is read off it where none is given."""
        lost = self._lost
        if lost is None or lost.done():
            return
        self._stop_watching()
        lost.set_result(ending or self._explain_end())
        self._cut()

    # Watching over the open connection

    def _start_watching(self) -> None:
        now_ns = self.clock.monotonic_ns()
        self._open_ns = self._heartbeat_ns = now_ns
        self._ping_waits = False
        # The first ping goes out at once, so that the round trip is known from the start.
        self._ping_ns = now_ns - int(self.policy.ping_interval_s * NS_PER_S)
        self._arm(now_ns)

    def _stop_watching(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _ping_due_ns(self) -> int:
        """When the next ping has to be sent, or the last one answered."""
        policy = self.policy
        span_s = policy.ping_timeout_s if self._ping_waits else policy.ping_interval_s
        return self._ping_ns + int(span_s * NS_PER_S)

    def _arm(self, now_ns: int) -> None:
        """Set the watchdog for the next thing that can fall due."""
        due_ns = self._ping_due_ns()
        if self.idle_timeout_s is not None:
            due_ns = min(due_ns, self._quiet_since_ns() + int(self.idle_timeout_s * NS_PER_S))
        beat_ns = self._heartbeat_due_ns()
        if beat_ns is not None:
            due_ns = min(due_ns, beat_ns)
        # A change of idle_timeout_s must be seen soon, hence at most a second.
        delay_s = min(max((due_ns - now_ns) / NS_PER_S, 0.001), 1.0)
        self._watch_due_ns = now_ns + int(delay_s * NS_PER_S)
        self._watchdog = asyncio.get_running_loop().call_later(delay_s, self._watch)

    def _quiet_since_ns(self) -> int:
        last_ns = self._last_frame_ns
        return self._open_ns if last_ns is None else max(last_ns, self._open_ns)

    def _watch(self) -> None:
        if not self.is_open:
            return
        now_ns = self.clock.monotonic_ns()
        if now_ns - self._watch_due_ns > _STALL_S * NS_PER_S:
            # We were held up, not the venue: what it sent meanwhile waits in the socket and is read before
            # the next judgement.
            self._watch_due_ns = now_ns + NS_PER_S // 10
            self._watchdog = asyncio.get_running_loop().call_later(0.1, self._watch)
            return
        quiet_s = (now_ns - self._quiet_since_ns()) / NS_PER_S
        if self.idle_timeout_s is not None and quiet_s >= self.idle_timeout_s:
            self._lose(Ending(f"No data for {quiet_s:.1f} s, though the line is open.", "idle"))
            return
        if now_ns >= self._ping_due_ns():
            if self._ping_waits:
                self._lose(Ending("The venue stopped answering.", "ping"))
                return
            self._ping_waits, self._ping_ns = True, now_ns
            self._ping()
        beat_ns = self._heartbeat_due_ns()
        if beat_ns is not None and now_ns >= beat_ns:
            self._heartbeat_ns = now_ns
            try:
                self._beat()
            except VenueError as error:
                self._log.debug("%s link: heartbeat not sent: %s", self.name, error)
        self._arm(now_ns)
