"""Who may come in: no browser, no foreign host, no guessing of keys, no call twice.

A web page can post to a loopback port of the person who looks at it, and its body can be valid JSON. What it
cannot do is leave out ``Origin`` or ``Sec-Fetch-*``, which every browser adds to such a request; and a page
whose name was made to point here (DNS rebinding) cannot send our own ``Host``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from terminal.bridge.bots import Bot, Bots
from terminal.bridge.envelope import Call, error_answer
from terminal.bridge.errors import CallRefused
from terminal.core.clock import Clock
from terminal.transport.http_server import Answer, Head

MOST_WRONG_KEYS = 5
LOCK_S = 30.0
_WRONG_WITHIN_NS = 60_000_000_000
NONCE_WINDOW_NS = 60_000_000_000

_BROWSER = ("origin", "referer")


def refusal(status: int, why: str) -> Answer:
    """An error in the protocol's shape, with a status of its own."""
    return Answer(status, error_answer(why))


def judge_head(head: Head, port: int) -> Answer | None:
    """Refuse what is no plain call of a program on this machine; None lets it in."""
    if head.headers.get("host", "").lower() not in (f"127.0.0.1:{port}", f"localhost:{port}"):
        return refusal(421, "the Host header must name this bridge")
    for name in head.headers:
        if name in _BROWSER or name.startswith("sec-fetch-"):
            return refusal(403, "calls from a browser are not taken")
    if head.method == "OPTIONS":
        return refusal(403, "calls from a browser are not taken")
    if head.method == "GET":
        return refusal(200, "not support GET method.")
    if head.method != "POST":
        return Answer(405, error_answer(f"not support {head.method} method."), (("Allow", "POST"),))
    return None


class KeyGuard:
    """Compares keys, and locks itself for a while after too many wrong ones.

    While it is locked no key is looked at, right or wrong.
    """

    def __init__(self, bots: Bots, clock: Clock, *, on_lock: Callable[[], None]) -> None:
        self._bots = bots
        self._clock = clock
        self._on_lock = on_lock
        self._wrong: deque[int] = deque()
        self._locked_until_ns: int | None = None

    @property
    def locked_s(self) -> float:
        """How long it stays locked; 0 while it is open."""
        if self._locked_until_ns is None:
            return 0.0
        return max(0.0, (self._locked_until_ns - self._clock.monotonic_ns()) / 1e9)

    def admit(self, call: Call) -> Bot:
        """The bot whose keys these are.

        Raises:
            CallRefused: they are nobody's, they were revoked, or the bridge is locked.
        """
        left_s = self.locked_s
        if left_s > 0:
            text = f"locked for {left_s:.0f} s after {MOST_WRONG_KEYS} calls with a wrong key"
            raise CallRefused(text)
        bot = self._bots.find(call.access_digest, call.secret_digest)
        if bot is None or bot.is_revoked:
            self._note_wrong()
            if bot is not None:
                raise CallRefused(f"the keys of {bot.name} were revoked")
            raise CallRefused("wrong access key or secret key")
        return bot

    def _note_wrong(self) -> None:
        now = self._clock.monotonic_ns()
        self._wrong.append(now)
        while self._wrong and now - self._wrong[0] > _WRONG_WITHIN_NS:
            self._wrong.popleft()
        if len(self._wrong) >= MOST_WRONG_KEYS:
            self._wrong.clear()
            self._locked_until_ns = now + int(LOCK_S * 1e9)
            self._on_lock()


class NonceGuard:
    """Lets each call that changes something in once: its nonce is near to the clock and above the last one.

    Nonces from before the bridge was switched on are refused too, so that nothing has to be kept on disk.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start_ns = clock.wall_ns()
        self._last: dict[bytes, int] = {}

    def take(self, bot: bytes, nonce: int | None) -> None:
        """Use up a nonce (ns UTC) of a bot, told by its key.

        Raises:
            CallRefused: it was used, is old, or is of another time.
        """
        if nonce is None:
            raise CallRefused("nonce is missing: this call needs its time in Unix nanoseconds")
        now = self._clock.wall_ns()
        if abs(nonce - now) > NONCE_WINDOW_NS:
            raise CallRefused("nonce is more than 60 s away from this computer's clock (Unix nanoseconds)")
        if nonce <= self._last.get(bot, 0):
            raise CallRefused("nonce must be above the last one of this bot: the call was seen, or is late")
        if nonce < self._start_ns:
            raise CallRefused("nonce is from before the bridge was switched on")
        self._last[bot] = nonce
