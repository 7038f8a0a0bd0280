"""``python -m terminal.emulators``: the practice venues as a process of their own.

It prints one line when it is ready, and ends on SIGTERM, on Ctrl-C, or (with ``--parent-pipe``) when its
standard input ends, which happens by itself when the parent dies.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from terminal.core import tasks
from terminal.emulators.custom.behaviour import SWITCHES, Behaviour
from terminal.emulators.host import VENUES, PracticeHost, write_endpoints
from terminal.emulators.kraken.counters import TIERS


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m terminal.emulators", description=__doc__)
    parser.add_argument("--venues", default="kraken", help="which venues, separated by commas")
    parser.add_argument(
        "--endpoints-file", type=Path, help="where to write addresses and practice keys (JSON)"
    )
    parser.add_argument("--data-dir", type=Path, help="where the practice world is kept; without it, nowhere")
    parser.add_argument("--seed", type=int, help="makes the market reproducible")
    parser.add_argument("--rate", type=float, default=1.0, help="liveliness; 1 is a calm real market")
    parser.add_argument("--book-batch-ms", type=float, help="how long book changes gather; 0 = not at all")
    parser.add_argument("--tier", choices=sorted(TIERS), default="intermediate", help="rate limits follow it")
    parser.add_argument(
        "--many-symbols", type=int, default=0, help="so many shares more in the cTrader's list of symbols"
    )
    parser.add_argument(
        "--plugin", default="", help=f"switches of the custom protocol's plugin: {', '.join(SWITCHES)}"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--parent-pipe", action="store_true", help="end when standard input ends")
    parser.add_argument("--debug", action="store_true", help="log more, on standard error")
    found = parser.parse_args(arguments)
    found.venues = tuple(one.strip() for one in found.venues.split(",") if one.strip())
    unknown = set(found.venues) - set(VENUES)
    if unknown or not found.venues:
        parser.error(f"no such venue: {', '.join(sorted(unknown)) or 'none given'}")
    if not 0 <= found.rate <= 1000:
        parser.error("--rate must be from 0 to 1000")
    if not 0 <= found.many_symbols <= 100_000:
        parser.error("--many-symbols must be from 0 to 100000")
    try:
        found.plugin = Behaviour.of(one.strip() for one in found.plugin.split(",") if one.strip())
    except ValueError as error:
        parser.error(str(error))
    return found


async def serve(options: argparse.Namespace) -> None:
    """Run until told to stop."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    host = PracticeHost(
        venues=options.venues,
        data_dir=options.data_dir,
        seed=options.seed,
        rate=options.rate,
        tier=options.tier,
        book_batch_ms=options.book_batch_ms,
        many_symbols=options.many_symbols,
        plugin=options.plugin,
    )
    port = await host.start(options.port)
    if options.endpoints_file is not None:
        write_endpoints(options.endpoints_file, host.endpoints())
    if options.parent_pipe:
        _watch_parent(loop, stop)
    print(f"practice venue ready at http://127.0.0.1:{port}", flush=True)
    # What lives now lives to the end; the collector need not look at it again.
    gc.collect()
    gc.freeze()
    try:
        await stop.wait()
    finally:
        if options.endpoints_file is not None:
            options.endpoints_file.unlink(missing_ok=True)
        await host.stop()
        await tasks.cancel_all(timeout_s=0.5)


def _watch_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """End when standard input does: a pipe from the parent, closed by its death on every system."""

    def wait_for_end() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_end, name="practice.parent", daemon=True).start()


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    options = parse_arguments(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.debug else logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    logging.getLogger("websockets").setLevel(logging.WARNING)
    # A broken pipe to a dead parent must not stop the clean end.
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(serve(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
