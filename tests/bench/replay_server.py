"""A loopback Kraken that replays recorded book frames as fast as the socket takes them.

Run as a process of its own, so that only the reading side is measured. It answers the instrument and book
subscriptions as the venue does (WS v2), then sends the file's frames ``repeat`` times. All of it is made
ready beforehand and written at once: a reader that had to wait for its next frame would be charged for the
waiting.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve

from terminal.emulators.web import text_frame

STATUS = (
    '{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":1,"system":"online",'
    '"version":"2.0.10"}]}'
)
STAMP = "2026-01-01T00:00:00.000000Z"


def instruments(symbol: str, price_precision: int, quantity_precision: int) -> str:
    """The instrument snapshot with the one pair."""
    base, _, quote = symbol.partition("/")
    step = f"{10**-price_precision:.{price_precision}f}"
    increment = f"{10**-quantity_precision:.{quantity_precision}f}"
    asset = (
        '{{"id":"{}","status":"enabled","precision":10,"precision_display":5,"borrowable":false,'
        '"collateral_value":1.00,"margin_rate":0.020000}}'
    )
    pair = (
        f'{{"symbol":"{symbol}","base":"{base}","quote":"{quote}","status":"online",'
        f'"qty_precision":{quantity_precision},"qty_increment":{increment},"price_precision":{price_precision},'
        '"cost_precision":5,"marginable":false,"has_index":true,"cost_min":0.5,'
        f'"tick_size":{step},"price_increment":{step},"qty_min":0.00005}}'
    )
    return (
        '{"channel":"instrument","type":"snapshot","data":{"assets":['
        + asset.format(base)
        + ","
        + asset.format(quote)
        + f'],"pairs":[{pair}]}}}}'
    )


async def main(file: Path, symbol: str, depth: int, precisions: tuple[int, int], repeat: int) -> None:
    lines = file.read_bytes().splitlines()
    stream = b"".join(text_frame(line) for line in lines if line) * repeat

    async def ack(socket: ServerConnection, request: dict[str, object], result: dict[str, object]) -> None:
        answer = {"method": request["method"], "result": result, "success": True, "time_in": STAMP}
        await socket.send(json.dumps({**answer, "time_out": STAMP, "req_id": request.get("req_id")}))

    async def talk(socket: ServerConnection) -> None:
        await socket.send(STATUS)
        async for text in socket:
            request = json.loads(text)
            if request.get("method") == "ping":
                await socket.send(
                    json.dumps({"method": "pong", "req_id": request.get("req_id"), "time_in": STAMP})
                )
                continue
            channel = request.get("params", {}).get("channel")
            if request.get("method") == "subscribe" and channel == "instrument":
                await ack(socket, request, {"channel": "instrument", "snapshot": True})
                await socket.send(instruments(symbol, *precisions))
            elif request.get("method") == "subscribe" and channel == "book":
                result = {"channel": "book", "depth": depth, "snapshot": True, "symbol": symbol}
                await ack(socket, request, result)
                socket.transport.write(stream)

    async with serve(talk, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    words = sys.argv[1:]
    asyncio.run(main(Path(words[0]), words[1], int(words[2]), (int(words[3]), int(words[4])), int(words[5])))
