"""Ends of lines within a message that are not CRLF, and what only some readers take for its end.

Only CRLF ends a line (RFC 5321, 2.3.8), and only CRLF.CRLF the message (4.1.1.4). Where one server passes on what another
takes for the end, a second message can be hidden in the first (SMTP smuggling).
"""

from __future__ import annotations

import re
from io import IncrementalNewlineDecoder

from pcapkit.dissectors.smtp.commands import is_command, verb_of
from pcapkit.records import CLIENT, Anomaly, Sink, Span

_ALIKE = re.compile(rb"(\r\n|[\r\n])\.(\r\n|[\r\n])")
_BARE = {"lf": re.compile(rb"(?<!\r)\n"), "cr": re.compile(rb"\r(?!\n)")}
_TAIL = 3
"""How many of the last bytes may go together with the next."""
_LINE = 400
"""How much of the line behind is looked at."""
_NAMES = {b"\r\n": "CRLF", b"\n": "LF", b"\r": "CR"}


class Endings:
    """Looks at the bytes of a message as they stand on the wire; a piece never ends between CR and LF."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.bare: dict[str, tuple[Span, int]] = {}
        """Which bare ends of lines there are: the place of the first, and how many."""
        self.alike: dict[str, tuple[Span, int]] = {}
        """The same for what looks like the end of the message."""
        self.behind: tuple[Span, str] | None = None
        """The first command that stands behind something like the end."""
        self._tail = b"\r\n"
        self._wary = False
        """Whether a bare end of a line is among the last bytes, with which the next may go together."""
        self._line: tuple[str, int, bytearray] | None = None

    def look(self, data: bytes, offset: int) -> None:
        """Look at the next bytes, which stand at stream offset `offset`."""
        bare = _has_bare(data)
        if bare:
            crlf = data.count(b"\r\n")
            self._note("lf", data, offset, data.count(b"\n") - crlf)
            self._note("cr", data, offset, data.count(b"\r") - crlf)
        if self._line is not None:
            self._follow(data)
        if self._wary or bare:
            self._search(self._tail + data, offset - len(self._tail), len(self._tail))
        self._wary = bare or (self._wary and len(data) < _TAIL)
        self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]

    def lose(self) -> None:
        """Bytes are missing here."""
        self._tail, self._wary, self._line = b"", False, None

    def _note(self, kind: str, data: bytes, offset: int, count: int) -> None:
        if not count:
            return
        known = self.bare.get(kind)
        if known is not None:
            self.bare[kind] = known[0], known[1] + count
        elif (found := _BARE[kind].search(data)) is not None:
            self.bare[kind] = self._span(offset + found.start(), offset + found.end()), count

    def _search(self, data: bytes, offset: int, known: int) -> None:
        """Find what ends behind the first `known` bytes."""
        at = 0
        while (found := _ALIKE.search(data, at)) is not None:
            at = found.start(2)  # what ends one may begin the next
            if found.end() <= known:
                continue
            name = f"{_NAMES[found[1]]}.{_NAMES[found[2]]}"
            first = self.alike.get(name)
            self.alike[name] = (first[0], first[1] + 1) if first else (
                self._span(offset + found.start(), offset + found.end()), 1)
            if self.behind is None:
                self._line = name, offset + found.end(), bytearray()
                self._follow(data[found.end():])

    def _follow(self, data: bytes) -> None:
        """Gather the line behind something like the end, and see whether it is a command."""
        assert self._line is not None
        name, start, line = self._line
        stop = min((at for at in (data.find(b"\n"), data.find(b"\r")) if at >= 0), default=-1)
        line += data[:stop if stop >= 0 else _LINE][:_LINE - len(line)]
        if stop < 0 and len(line) < _LINE:
            return
        self._line = None
        if is_command(bytes(line)):
            # Of another command only the word is shown: behind AUTH stands a secret.
            shown = bytes(line).decode("latin-1").partition(">")[0] + ">" if b"<" in line else verb_of(bytes(line))
            self.behind = self._span(start, start + len(line)), f"{name} and {shown!r}"

    def _span(self, start: int, stop: int) -> Span:
        span = self.sink.begin(CLIENT, start)
        self.sink.end(span, stop)
        return span

    def put(self) -> list[str]:
        """Put the anomalies; returns their rules without prefix."""
        for kind, (span, count) in sorted(self.bare.items()):
            self.sink.put(Anomaly(span, f"smtp-bare-{kind}", f"a line of the message ends with {kind.upper()} alone", count))
        for name, (span, count) in sorted(self.alike.items()):
            self.sink.put(Anomaly(span, "smtp-end-of-data-alike", f"{name} in the message, at byte {span.start} of the client: "
                                  "not its end, but some servers take it for that", count))
        if self.behind is not None:
            self.sink.put(Anomaly(self.behind[0], "smtp-command-in-message", f"a command behind what looks like the end of the "
                                  f"message: {self.behind[1]} at byte {self.behind[0].start} of the client"))
        return [*(f"bare-{kind}" for kind in sorted(self.bare)), *(["end-of-data-alike"] if self.alike else [])]


def _has_bare(data: bytes) -> bool:
    """Whether a line ends with anything but CRLF, by the one function of the library that tells so in a single pass."""
    ends = IncrementalNewlineDecoder(None, translate=False)
    ends.decode(data.decode("latin-1"), final=True)
    return ends.newlines is not None and ends.newlines != "\r\n"
