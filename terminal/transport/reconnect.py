"""How a link tries again: its timings, its growing pauses, and one attempt at a time for a venue."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from terminal.core.clock import Clock, SystemClock
from terminal.transport.wire import NS_PER_S


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """Timings and limits of a link, in seconds and bytes."""

    open_timeout_s: float = 8.0
    """Name look-up, TCP, TLS and handshake together."""
    ready_timeout_s: float = 15.0
    """For ``on_open``: signing in and subscribing."""
    close_timeout_s: float = 1.0
    ping_interval_s: float = 5.0
    ping_timeout_s: float = 5.0
    measure_s: float = 10.0
    """A line whose frames are sign of life enough is pinged so often all the same: for its round trip."""
    idle_timeout_s: float | None = 5.0
    """No data frame for so long means dead, however many pings are answered; None = silence is normal."""
    heartbeat_s: float | None = None
    """Send ``heartbeat()`` after so long without a data frame, where a venue wants a ping of its own."""
    max_message_bytes: int = 8 * 2**20
    backoff_s: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
    first_jitter_s: float = 0.5
    """Added at random to a pause of 0."""
    jitter: float = 0.3
    """Other pauses vary by this part, up and down, the longest one too."""
    stable_after_s: float = 60.0
    """Live data for so long starts the pauses over."""
    compression: bool = False
    """Offer permessage-deflate. Off: it costs a latency-bound client more than it saves."""

    def __post_init__(self) -> None:
        times = (self.open_timeout_s, self.ready_timeout_s, self.close_timeout_s, self.ping_interval_s)
        others = (self.ping_timeout_s, self.measure_s, self.idle_timeout_s, self.heartbeat_s)
        if any(value is not None and not 0 < value < float("inf") for value in (*times, *others)):
            raise ValueError("timeouts must be above zero and finite")
        if not self.backoff_s or min(self.backoff_s) < 0 or self.max_message_bytes < 1:
            raise ValueError("a link needs pauses of zero or more and room for a message")
        if not 0 <= self.jitter < 1 or self.first_jitter_s < 0:
            raise ValueError("jitter must be zero or more, and below one")


class Backoff:
    """The pauses between tries: growing, never quite the same, without an end."""

    def __init__(self, policy: LinkPolicy, rng: random.Random) -> None:
        self._policy = policy
        self._rng = rng
        self.attempt = 0
        """Tries that failed since the link was last stable."""

    def next_delay_s(self, *, longest: bool = False) -> float:
        """The next pause; ``longest`` skips to the last step."""
        steps = self._policy.backoff_s
        base = steps[-1] if longest else steps[min(self.attempt, len(steps) - 1)]
        self.attempt += 1
        if base == 0:
            return self._rng.uniform(0.0, self._policy.first_jitter_s)
        return base * self._rng.uniform(1 - self._policy.jitter, 1 + self._policy.jitter)

    def reset(self) -> None:
        """Start over: the link has been stable."""
        self.attempt = 0


class ConnectGate:
    """One attempt to connect at a time for a whole venue, and one pause when the venue asks for it.

    A connector shares one gate between its links, so that a broken network is not answered by all of them
    at once.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = asyncio.Lock()
        self._not_before_ns = 0

    def pause(self, seconds: float) -> None:
        """No attempt by any link of the venue for so long (``Retry-After``)."""
        self._not_before_ns = max(self._not_before_ns, self._clock.monotonic_ns() + int(seconds * NS_PER_S))

    @property
    def paused_for_s(self) -> float:
        """Seconds until the venue may be tried again; 0 = now."""
        return max(0.0, (self._not_before_ns - self._clock.monotonic_ns()) / NS_PER_S)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn of one attempt, and for the end of a pause."""
        async with self._lock:
            while (left_s := self.paused_for_s) > 0:  # noqa: ASYNC110 - a pause may be made longer meanwhile
                await asyncio.sleep(max(left_s, 0.001))
            yield


def scaled(policy: LinkPolicy, factor: float) -> LinkPolicy:
    """The same policy with every time multiplied, so that a test of minutes takes milliseconds."""

    def times(value: float | None) -> float | None:
        return None if value is None else value * factor

    return replace(
        policy,
        open_timeout_s=policy.open_timeout_s * factor,
        ready_timeout_s=policy.ready_timeout_s * factor,
        close_timeout_s=policy.close_timeout_s * factor,
        ping_interval_s=policy.ping_interval_s * factor,
        ping_timeout_s=policy.ping_timeout_s * factor,
        idle_timeout_s=times(policy.idle_timeout_s),
        heartbeat_s=times(policy.heartbeat_s),
        backoff_s=tuple(step * factor for step in policy.backoff_s),
        first_jitter_s=policy.first_jitter_s * factor,
        stable_after_s=policy.stable_after_s * factor,
    )
