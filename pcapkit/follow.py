"""The bytes of one stream in order, and where the secrets of a capture lie in its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pcapkit.analysis import FileAnalysis, Options, Reporters, Source, unread
from pcapkit.connections import Listener
from pcapkit.flows import CLIENT_IS_B, Ordered
from pcapkit.formats.text import escape
from pcapkit.packets import Packets
from pcapkit.places import secret_places, touched
from pcapkit.readers import open_capture
from pcapkit.records import Conversation, Record, Secret, TLSStarted
from pcapkit.secrets import Masker
from pcapkit.streams import Side, Stretch


@dataclass(slots=True)
class Piece:
    """Bytes of one side of a stream in the order of delivery, or a gap (`data` is None) of `length` bytes.

    `side` is 0 for the client. `offset` counts from the first byte of the side, `frame` is that of the first byte here. What
    is `decrypted` has offsets of its own.
    """

    side: int
    offset: int
    length: int
    data: bytes | None
    frame: int
    time_ns: int
    decrypted: bool = False

    @property
    def who(self) -> str:
        """The name of the side."""
        return "server" if self.side else "client"

    @property
    def text(self) -> str | None:
        """The bytes as text, None where they are not in the capture."""
        return None if self.data is None else self.data.decode("utf-8", "backslashreplace")

    def lines(self) -> list[str]:
        """The piece line by line under the name of who said it, harmless to a terminal.

        Only LF and CRLF end a line: str.splitlines would eat form feeds and more of a binary protocol.
        """
        if self.text is None:
            return [f"-- {self.who}: {self.length} bytes are not in the capture"]
        lines = (line.removesuffix("\r") for line in self.text.removesuffix("\n").split("\n"))
        opened = ", decrypted" if self.decrypted else ""
        return [f"-- {self.who}, frame {self.frame}{opened}", *(f"   {escape(line)}" for line in lines)]


@dataclass(slots=True)
class Followed:
    """A stream as it was said: who talked, the pieces in order, and its secrets; and the warnings of the whole file."""

    conversation: Conversation | None
    pieces: list[Piece]
    secrets: list[Secret]
    warnings: list[str]

    def masked(self, masker: Masker) -> list[Piece]:
        """The pieces with every secret replaced by its mask; one that is cut by a piece's end is masked in both."""
        spans: dict[tuple[bool, int], list[tuple[int, int, str]]] = {}
        for secret in self.secrets:
            span = secret.inside or secret.span
            spans.setdefault((secret.inside is not None, span.side), []).append((span.start, span.stop, secret.text))
        return [_masked(piece, sorted(spans.get((piece.decrypted, piece.side), ())), masker) for piece in self.pieces]


def follow(source: Source, transport: str, stream: int, options: Options | None = None) -> Followed:
    """The bytes of one stream of a file, unmasked, with the secrets in them: decrypted as far as there are keys. Empty where
    there is no such stream.

    Raises CaptureError where the file cannot be read at all.
    """
    options = options or Options()
    followed = Followed(None, [], [], [])
    with open_capture(source, options.limits, progress=options.progress) as capture:
        analysis = _Watch(capture, options, Reporters(), Masker(True))
        connections = analysis.connections
        wanted: dict[int, None] = {}
        opened: list[Piece] = []

        def listen(flow: int, _: Side) -> Listener | None:
            if transport != "tcp" or connections.flows.stream[flow] != stream:
                return None
            wanted[flow] = None
            return _listener(followed.pieces)

        def datagrams(packets: Packets, ordered: Ordered) -> None:
            if transport == "udp":
                rows = ordered.where(connections.flows.stream[ordered.flow] == stream)
                wanted.update(dict.fromkeys(rows.flow.tolist()))
                _datagrams(followed.pieces, packets, rows, connections.flows.bits[rows.flow] & CLIENT_IS_B != 0)

        def listen_inside(flow: int, _: Side) -> Listener | None:
            return _listener(opened, True) if flow in wanted else None

        connections.listen, connections.datagrams = listen, datagrams
        connections.listen_inside = listen_inside
        for _ in analysis.chunks():
            pass
        if opened:
            followed.pieces = [p for p in followed.pieces if p.frame < analysis.secured.get(stream, 0)] + opened
        followed.warnings = [*capture.warnings, *unread(connections.others)]
    for flow in wanted:
        followed.conversation = connections.describe(flow)
    followed.secrets = [s for s in analysis.found
                        if s.flow and (s.flow.transport, s.flow.stream) == (transport, stream)]
    return followed


class _Watch(FileAnalysis):
    """An analysis that keeps next to nothing but the secrets."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.found: list[Secret] = []
        self.secured: dict[int | None, int] = {}
        """Stream -> the frame in which TLS begins."""

    def collect(self, record: Record) -> None:
        """Keep a secret, and where TLS begins; drop the rest."""
        if isinstance(record, Secret):
            self.found.append(record)
        elif isinstance(record, TLSStarted) and record.flow is not None:
            self.secured.setdefault(record.flow.stream, record.span.frame)


def _listener(pieces: list[Piece], decrypted: bool = False) -> Listener:
    def hear(side: Side, what: Stretch | int) -> None:
        if isinstance(what, int):
            pieces.append(Piece(side.role, side.offset, what, None, side.frame, side.time, decrypted))
            return
        pieces.extend(Piece(side.role, start, len(data), data, frame, time, decrypted)
                      for start, data, frame, time in what.pieces())
    return hear


def _datagrams(pieces: list[Piece], packets: Packets, ordered: Ordered, client_is_b: np.ndarray) -> None:
    offsets = [sum(p.length for p in pieces if p.side == side) for side in (0, 1)]
    for row, direction, flipped in zip(ordered.packet.tolist(), ordered.direction.tolist(), client_is_b.tolist(),
                                       strict=True):
        side = direction ^ flipped
        at, length = int(packets.offset[row]), int(packets.length[row])
        pieces.append(Piece(side, offsets[side], length, packets.buffer[at:at + length], int(packets.frame[row]),
                            int(packets.time_ns[row])))
        offsets[side] += length


def _masked(piece: Piece, spans: Sequence[tuple[int, int, str]], masker: Masker) -> Piece:
    if piece.data is None:
        return piece
    out, at = [], 0
    for start, stop, text in spans:
        low, high = max(start - piece.offset, at), min(stop - piece.offset, piece.length)
        if low < high:
            out += [piece.data[at:low], masker.mask(text).encode()]
            at = high
    data = b"".join([*out, piece.data[at:]])
    return replace(piece, data=data)


def secret_ranges(source: Source, options: Options | None = None) -> dict[int, list[tuple[int, int]]]:
    """For each frame that shows a secret, the ranges (start, stop) of its captured bytes that must be masked.

    Segments that were sent again are covered too: what counts is the sequence number, not who was delivered. Reads the
    file twice, so `source` must be a path.
    """
    options = options or Options()
    places = secret_places(source, options).places
    found: dict[int, list[tuple[int, int]]] = {}
    for frames, packets, rows in touched(source, options, places) if places else ():
        for row, shown in rows:
            frame, length = int(packets.frame[row]), int(packets.length[row])
            if packets.first_frame[row] != frame:
                for fragment in range(int(packets.first_frame[row]), frame + 1):
                    found.setdefault(fragment, []).append((_HEADERS, 1 << 18))
                continue
            head = int(packets.offset[row]) - int(frames.offset[frame - int(frames.number[0])])
            ranges = sorted({(max(0, at), min(length, at + place.length)) for at, place in shown})
            found.setdefault(frame, []).extend((head + low, head + high) for low, high in ranges)
    return found


_HEADERS = 34
"""Of a datagram in fragments nothing is shown behind so many bytes, nor of the frames between: which bytes are in which
is not kept.
"""
