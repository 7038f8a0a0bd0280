"""Nonces rise whatever the clock and the process do, and calls go out in their order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.domain.errors import StorageError
from terminal.venues.kraken.nonce import CallQueue, FileNonceStore, MemoryNonceStore, NonceSource
from tests.helpers import run


def test_nonces_are_microseconds_and_rise_within_one_microsecond() -> None:
    clock = ManualClock()
    source = NonceSource("k", MemoryNonceStore(), clock)
    first = source.next()
    assert first == clock.wall_ns() // 1000
    assert [source.next() for _ in range(3)] == [first + 1, first + 2, first + 3]


@pytest.mark.fault(37)
def test_a_clock_set_back_an_hour_never_takes_a_nonce_back() -> None:
    clock = ManualClock()
    source = NonceSource("k", MemoryNonceStore(), clock)
    before = source.next()
    clock.jump_wall(-3600)
    assert source.next() == before + 1


@pytest.mark.fault(37)
def test_a_restart_with_the_clock_set_back_goes_on_above_every_earlier_nonce(tmp_path: Path) -> None:
    clock = ManualClock()
    first = NonceSource("k", FileNonceStore(tmp_path), clock)
    used = [first.next() for _ in range(5)]
    clock.jump_wall(-86_400)
    again = NonceSource("k", FileNonceStore(tmp_path), clock)
    assert again.next() > max(used)


def test_a_nonce_is_reserved_on_disk_before_it_is_used(tmp_path: Path) -> None:
    clock = ManualClock()
    store = FileNonceStore(tmp_path)
    source = NonceSource("k", store, clock, reserve_us=10)
    for _ in range(25):
        assert source.next() < store.load("k")


def test_each_key_has_nonces_of_its_own(tmp_path: Path) -> None:
    store = FileNonceStore(tmp_path)
    store.save("a", 10)
    store.save("b", 20)
    assert (store.load("a"), store.load("b"), store.load("c")) == (10, 20, 0)


def test_a_damaged_nonce_file_reads_as_none(tmp_path: Path) -> None:
    store = FileNonceStore(tmp_path)
    store.save("a", 10)
    (tmp_path / "kraken-nonce-a").write_text("garbage")
    assert store.load("a") == 0


@pytest.mark.fault(38)
def test_a_nonce_that_cannot_be_kept_is_not_given_out(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    source = NonceSource("k", FileNonceStore(in_the_way), ManualClock())
    with pytest.raises(StorageError):
        source.next()


def test_calls_take_turns_and_urgent_ones_pass_the_others() -> None:
    async def main() -> list[str]:
        queue = CallQueue()
        order: list[str] = []
        release = asyncio.Event()

        async def call(name: str, urgent: bool) -> None:
            async with queue.turn(urgent=urgent):
                order.append(name)
                if name == "first":
                    await release.wait()

        jobs = [tasks.spawn(call("first", False), name="first")]
        await asyncio.sleep(0)
        for name, urgent in (("second", False), ("third", False), ("cancel", True)):
            jobs.append(tasks.spawn(call(name, urgent), name=name))
            await asyncio.sleep(0)
        assert order == ["first"]
        release.set()
        await asyncio.gather(*jobs)
        return order

    assert run(main()) == ["first", "cancel", "second", "third"]


def test_a_call_given_up_while_it_waits_does_not_block_the_next() -> None:
    async def main() -> list[str]:
        queue = CallQueue()
        order: list[str] = []
        release = asyncio.Event()

        async def call(name: str) -> None:
            async with queue.turn(urgent=False):
                order.append(name)
                if name == "first":
                    await release.wait()

        first = tasks.spawn(call("first"), name="first")
        await asyncio.sleep(0)
        second = tasks.spawn(call("second"), name="second")
        third = tasks.spawn(call("third"), name="third")
        await asyncio.sleep(0)
        release.set()
        await first  # gives its turn to the second ...
        second.cancel()  # ... which is gone before it runs
        await asyncio.wait([second])
        await third
        return order

    assert run(main())[-1] == "third"
