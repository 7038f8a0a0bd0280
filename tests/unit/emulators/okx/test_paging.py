"""Histories of the practice OKX read page by page, by number and by time."""

from __future__ import annotations

from typing import Any

from tests.helpers import run
from tests.unit.emulators.okx.client import Venue, venue

HISTORIES = {
    "trade/orders-history": ("ordId", "cTime", {"instType": "SPOT"}),
    "trade/orders-history-archive": ("ordId", "cTime", {"instType": "SPOT"}),
    "trade/fills": ("billId", "ts", {"instType": "SPOT"}),
    "trade/fills-history": ("billId", "ts", {"instType": "SPOT"}),
    "account/bills": ("billId", "ts", {"ccy": "USDT"}),
    "account/bills-archive": ("billId", "ts", {"ccy": "USDT"}),
}
"""By path: the number that pages go by, the time, and what is asked for."""


async def rows(v: Venue, path: str, **terms: str) -> list[dict[str, Any]]:
    v.host.okx.forgive()  # no rate limit stands in the way here
    return list(await v.get(path, **HISTORIES[path][2], **terms))


async def read_through(v: Venue, path: str) -> None:
    """By pages of two, from the newest and from the oldest row, and by time."""
    number, stamp, terms = HISTORIES[path]
    every = await rows(v, path)
    names = [row[number] for row in every]
    assert len(names) >= 5
    assert names == sorted(names, key=int, reverse=True)
    read: list[str] = []
    while page := await rows(v, path, limit="2", **({"after": read[-1]} if read else {})):
        read += [row[number] for row in page]
    assert read == names
    read = [names[-1]]
    while page := await rows(v, path, limit="2", before=read[0]):
        read = [row[number] for row in page] + read
    assert read == names
    middle = every[len(every) // 2][stamp]
    late = [row[number] for row in await rows(v, path, begin=middle)]
    early = [row[number] for row in await rows(v, path, end=middle)]
    # Both ends are included.
    assert late == [row[number] for row in every if int(row[stamp]) >= int(middle)]
    assert early == [row[number] for row in every if int(row[stamp]) <= int(middle)]
    assert set(late) & set(early)
    assert set(late) | set(early) == set(names)
    for name in ("after", "before", "begin", "end", "limit"):
        v.host.okx.forgive()
        asked: dict[str, Any] = {**terms, name: "x1"}
        answer = await v.send("GET", path, **asked)
        assert answer.json()["code"] == "51000"


def test_every_row_is_on_one_page_whichever_way_one_reads() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            for size in ("30", "40", "50", "60", "70"):
                await v.place(side="buy", ordType="market", sz=size)
                # A time of its own for each of them.
                first = await v.rows("public/time")
                while (await v.rows("public/time")) == first:
                    v.host.okx.forgive()
            for path in HISTORIES:
                await read_through(v, path)

    run(main())


def test_histories_want_to_know_the_type() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            for path in ("orders-history", "orders-history-archive", "fills-history"):
                assert (await v.send("GET", f"trade/{path}")).json()["code"] == "50014"
            assert await v.get("trade/orders-history", instType="SWAP") == []

    run(main())
