"""When Python looks for garbage in cycles: seldom, never through what stays, and only in the main thread.

A full collection walks every object there is. With the window built that is 120,000 objects and 70 to 80 ms,
five frames in which nothing moves and no click is taken; under 5,000 messages a second it came every few
seconds. What was loaded and built at the start is therefore set aside once, and the rest is looked through
less often. Garbage without cycles, nearly all there is, is freed at once as ever.

So is what comes in one gulp later and is still there when it is looked at: the ten thousand symbols of a
broker's list, 22 ms of looking that would find nothing. What of it is let go is freed at once all the same.

Python's own collector runs in whichever thread happens to allocate. A closed dialog in a cycle would then be
freed by the journal's or the keychain's thread, and Qt crashes when a timer dies in a thread that is not its
own. So the automatic collector stays off, and the owner of the main thread calls :func:`collect_if_due`.
"""

from __future__ import annotations

import gc

# The interpreter's own are 700, 10, 10: tuned for scripts that end.
YOUNG_OBJECTS = 10_000
GULP_OBJECTS = 30_000
"""More than any screen makes between two looks; a collection of them takes a frame."""
_YOUNG_ROUNDS = 20
_MIDDLE_ROUNDS = 20


def begin_start() -> None:
    """No automatic collection from here on, in any thread: what is loaded and built now stays anyway."""
    gc.disable()


def end_start() -> None:
    """Set aside what exists now; from here on :func:`collect_if_due` has to be called once in a while."""
    gc.freeze()


def collect_if_due() -> bool:
    """Collect where enough has piled up since the last time; whether it did. Call it in the main thread."""
    young, middle, old = gc.get_count()
    if young < YOUNG_OBJECTS:
        return False
    if young >= GULP_OBJECTS:
        gc.freeze()
        return False
    gc.collect(2 if old >= _MIDDLE_ROUNDS else 1 if middle >= _YOUNG_ROUNDS else 0)
    return True
