"""The README's example of a call, as somebody who copies it would send it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from tests.helpers import run
from tests.unit.bridge.bridge_desk import open_bridge

README = Path(__file__).parents[3] / "README.md"


def test_the_call_in_the_readme_is_answered_with_a_bots_own_keys(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    example = re.search(r"^curl http://127\.0\.0\.1:6666/\w+ -d '(.+?)'$", text, re.MULTILINE | re.DOTALL)
    assert example is not None
    trade = re.search(r"`\"params\": (\{[^`]*\})`", text)
    assert trade is not None

    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            # What a shell makes of it: the quotes end before the clock and begin again behind it.
            body = re.sub(r"'\$\(date \+%s\)(0*)'", rf"{int(time.time())}\1", example[1])
            for key in (desk.keys.access_key, desk.keys.secret_key):
                body = body.replace("...", key.reveal(), 1)
            answer = await desk.post(body.encode())
            assert len(answer["data"]["asks"]) == 5
            sent = await desk.call("trade", **json.loads(trade[1]))
            assert sent["data"]["id"]

    run(main())
