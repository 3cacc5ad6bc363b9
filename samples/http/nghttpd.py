"""Cases at nghttpd, which does all of HTTP/2 in the clear: pushes, trailers, continuations, many streams of one connection."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from samples.cases import PASSWORD, Case, Family, Login, News, client, new_lines
from samples.http.clients import NAME
from samples.http.site import PAGE
from samples.record import HOST, serving

PORT = 8080
FILES = {"index.html": PAGE, "style.css": b"p { margin: 0 }\n" * 8, "one": b"1" * 700, "two": b"2" * 7000, "three": b"3" * 70}
FRAME = re.compile(r"\[id=(\d+)\] .* (?:recv|send) \w+ frame <.*stream_id=(\d+)>")
PROMISED = re.compile(r"promised_stream_id=(\d+)")
FIELD = re.compile(r"(?:\[id=(\d+)\] .*\(stream_id=(\d+)[^)]*\)|^ +) ?:(method|path|status): (\S+)")


def exchanges(lines: list[str]) -> list[str]:
    """Method, path and status of every stream that nghttpd tells of, the pushed ones too."""
    known: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    connection = stream = ""
    for line in lines:
        if frame := FRAME.search(line):
            connection, stream = frame[1], frame[2]
        elif promised := PROMISED.search(line):
            stream = promised[1]
        elif field := FIELD.search(line):
            known[field[1] or connection, field[2] or stream][field[3]] = field[4]
    return [f"{one['method']} {one['path']} {one['status']}" for one in known.values()]


@contextmanager
def running(folder: Path) -> Iterator[News]:
    """nghttpd with a few files, one of which it pushes beside the page."""
    (folder / "public").mkdir()
    for name, data in FILES.items():
        (folder / "public" / name).write_bytes(data)
    log = folder / "log"
    with serving(["sh", "-c", f"exec nghttpd --no-tls -v --echo-upload -d {folder}/public -p /index.html=/style.css -a {HOST} "
                  f"--trailer 'x-checksum: 5d41' {PORT} > {log}"], PORT):
        new = new_lines(log)
        yield lambda: {"exchanges": exchanges(new())}


def nghttp(*paths: str, words: tuple[str, ...] = (), give: str = "") -> Callable[[], object]:
    """One run of nghttp: all paths are asked for at once, on one connection."""
    return client("nghttp", "-n", "-H", f":authority: {NAME}", *words,
                  *(f"http://{HOST}:{PORT}{path}" for path in paths), give=give)


CASES = [
    Case("h2-push", "a page, the style sheet that the server pushes beside it, and a trailer behind each",
         [nghttp("/index.html")]),
    Case("h2-many", "requests at once on one connection, with padded frames, the answers between each other",
         [nghttp("/one", "/two", "/three", "/nothing", words=("-m", "2", "-b", "90"))]),
    Case("h2-continuation",
         "a form in HTTP/2 whose header is so long that it goes on in CONTINUATION frames, with a trailer behind it; "
         "the server sends back what it got", [nghttp("/one", words=("--continuation", "--trailer", "x-a: b", "-d", "-", "-H",
                                                      "content-type: application/x-www-form-urlencoded"),
                                                      give=f"username=jan&password={PASSWORD}")],
         [Login("form", "jan", PASSWORD, "unknown")]),
]
FAMILY = Family("nghttpd and nghttp 1.52", (PORT,), running, CASES)
