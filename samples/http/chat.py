"""A chat over WebSocket, both its ends, by Debian's websockets 10: run by /usr/bin/python3.

`chat.py serve PORT LOG` serves it without and with permessage-deflate (by path), and writes a line of JSON to LOG for each
handshake and each message; `chat.py talk URL PASSWORD` logs in, says a few things and goes.
"""

from __future__ import annotations

import asyncio
import http
import json
import logging
import sys
from pathlib import Path

import websockets.client
import websockets.exceptions
import websockets.server

PASSWORD = "correct-horse"
LONG = "All work and no play makes a dull sample. " * 40
logging.getLogger("websockets").addHandler(logging.NullHandler())


def tell(**facts: object) -> None:
    """A line of the log."""
    with Path(sys.argv[3]).open("a") as log:
        print(json.dumps(facts), file=log)


async def serve(connection: websockets.server.WebSocketServerProtocol) -> None:
    """One client: a login, and an echo of what it says then."""
    tell(exchange=f"GET {connection.path} 101")

    async def say(message: str | bytes) -> None:
        told(message, "server")
        await connection.send(message)

    def told(message: str | bytes, side: str) -> None:
        tell(message={"side": side, "kind": "text", "text": message} if isinstance(message, str)
             else {"side": side, "kind": "binary", "hex": message.hex()})

    login = await connection.recv()
    told(login, "client")
    if json.loads(login).get("password") != PASSWORD:
        await say('{"type": "error", "reason": "bad credentials"}')
        await connection.close(1008, "bad credentials")
        return
    await say('{"type": "welcome", "user": "jan"}')
    try:
        async for message in connection:
            told(message, "client")
            await say(message)
    except websockets.exceptions.ConnectionClosed:
        pass


async def refuse(path: str, headers: object) -> tuple[http.HTTPStatus, list[tuple[str, str]], bytes] | None:
    """A path that is not there is answered by 404, without a switch."""
    if path.startswith("/chat"):
        return None
    tell(exchange=f"GET {path} 404")
    return http.HTTPStatus.NOT_FOUND, [], b"Not here.\n"


async def server() -> None:
    """Serve."""
    async with websockets.server.serve(serve, "127.0.0.1", int(sys.argv[2]), process_request=refuse,
                                       subprotocols=["chat.example"]):
        await asyncio.Future()


async def client() -> None:
    """Log in, then say something in one frame, in several, in bytes, and ping."""
    _, _, url, password = sys.argv
    async with websockets.client.connect(url, compression="deflate" if "deflate" in url else None, subprotocols=["chat.example"],
                                         user_agent_header="sample") as connection:
        await connection.send(json.dumps({"type": "login", "username": "jan", "password": password}))
        await connection.recv()
        await connection.send("Hello, everybody.")
        await connection.recv()
        await (await connection.ping(b"still there?"))
        await connection.send(iter([LONG[:500], LONG[500:900], LONG[900:]]))
        await connection.recv()
        await connection.send(bytes(range(200)))
        await connection.recv()


asyncio.run(server() if sys.argv[1] == "serve" else client())
