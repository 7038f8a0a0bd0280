"""A loopback OKX that replays recorded frames as fast as the socket takes them.

Run as a process of its own, so that only the reading side is measured. It lists the instruments by REST and
acknowledges subscriptions as the venue does, and sends the file's frames ``repeat`` times after the one to
``books``. All of it is made ready beforehand and written at once: a reader that had to wait for its next
frame would be charged for the waiting.
"""

from __future__ import annotations

import asyncio
import json
import sys
from http import HTTPStatus
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from terminal.emulators.web import text_frame


async def main(file: Path, instruments: Path, repeat: int) -> None:
    stream = b"".join(text_frame(line) for line in file.read_bytes().splitlines() if line) * repeat
    rows = json.loads(instruments.read_text())

    def rest(socket: ServerConnection, request: Request) -> Response | None:
        if not request.path.startswith("/api/"):
            return None
        kind = request.path.rpartition("instType=")[2]
        if "/time" in request.path:
            data = [{"ts": "1652459225000"}]
        else:
            data = [row for row in rows if row["instType"] == kind]
        body = json.dumps({"code": "0", "msg": "", "data": data}).encode()
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body))})
        headers["Connection"] = "close"
        return Response(HTTPStatus.OK, "OK", headers, body)

    async def talk(socket: ServerConnection) -> None:
        async for text in socket:
            if text == "ping":
                await socket.send("pong")
                continue
            request = json.loads(text)
            for arg in request["args"]:
                await socket.send(
                    json.dumps({"id": request.get("id", ""), "event": request["op"], "arg": arg})
                )
            if any(arg["channel"] == "books" for arg in request["args"]):
                socket.transport.write(stream)

    async with serve(
        talk, "127.0.0.1", 0, compression=None, ping_interval=None, process_request=rest
    ) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    words = sys.argv[1:]
    asyncio.run(main(Path(words[0]), Path(words[1]), int(words[2])))
