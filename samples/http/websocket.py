"""Cases of WebSocket: the chat of `chat.py`, with and without compression."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from samples.cases import PASSWORD, WRONG, Case, Family, Login, News, client, new_lines
from samples.record import HOST, serving

PORT = 80
PROGRAM = "/usr/bin/python3", Path(__file__).with_name("chat.py")


@contextmanager
def running(folder: Path) -> Iterator[News]:
    """The chat's server; its news are the handshakes and the messages."""
    log = folder / "log"
    with serving([*PROGRAM, "serve", str(PORT), log], PORT):
        lines = new_lines(log)

        def news() -> dict[str, list[object]]:
            said = [json.loads(line) for line in lines()]
            return {"exchanges": [one["exchange"] for one in said if "exchange" in one],
                    "messages": [one["message"] for one in said if "message" in one]}
        yield news


def talk(path: str, password: str) -> Callable[[], object]:
    """The chat's client."""
    return client(*PROGRAM, "talk", f"ws://{HOST}{path}", password)


LOGINS = [Login("form", "jan", WRONG, "rejected"), Login("form", "jan", PASSWORD, "accepted")]
CASES = [
    Case("websocket", "a login by a message of JSON, wrong and right; text in one frame and in three, bytes, a ping, the end; "
         "and a handshake that is answered by 404",
         [talk("/nothing", WRONG), *(talk("/chat", one) for one in (WRONG, PASSWORD))], LOGINS),
    Case("websocket-deflate", "the same with permessage-deflate (RFC 7692)",
         [talk("/chat/deflate", one) for one in (WRONG, PASSWORD)], LOGINS),
]
FAMILY = Family("Python's websockets 10.4, both ends", (PORT,), running, CASES)
