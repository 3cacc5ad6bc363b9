"""One frame with all its fields named: the bytes, a tree of fields over them, and what else is known of the frame."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from pcapkit.analysis import FileAnalysis, Options, reporters_for
from pcapkit.connections import Listener
from pcapkit.dissectors.http import HttpTransaction
from pcapkit.dissectors.smtp import MailMessage, SmtpExchange
from pcapkit.fields import Field, Message, Payload, frame_fields
from pcapkit.follow import secret_ranges
from pcapkit.formats.jsonl import rfc3339
from pcapkit.lines import Lines
from pcapkit.packets import TCP
from pcapkit.readers import CaptureFile, open_capture
from pcapkit.records import Anomaly, Evidence, Finding, Record, Secret, Span, TLSStarted
from pcapkit.secrets import Masker
from pcapkit.streams import HALF, Side, Stretch

Source = str | PathLike[str]

_BEFORE, _BEHIND = 4 << 20, 1 << 20
"""How many bytes of a stream before and behind a frame are kept to find the messages that it is a part of."""


@dataclass(slots=True)
class Shown:
    """A frame and its fields. `data` are the captured bytes, secrets as stars unless they were asked for.

    `masked` are the ranges of stars, `network` is where the IP header begins. `notes` are findings, oddities and secrets of
    the frame, in words.
    """

    file: str
    frame: int
    time_ns: int
    line: str
    original_length: int
    link: str
    data: bytes
    masked: list[tuple[int, int]]
    network: int
    fields: list[Field]
    notes: list[str]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"file": self.file, "frame": self.frame, "time": rfc3339(self.time_ns), "line": self.line,
                "original_length": self.original_length, "link_type": self.link, "network": self.network,
                "bytes": "".join(_hex(self.data[low:high], hide) for low, high, hide in self.pieces()),
                "masked": [list(span) for span in self.masked],
                "notes": self.notes, "fields": [one.plain() for one in self.fields]}

    def pieces(self) -> list[tuple[int, int, bool]]:
        """The ranges of the bytes, and whether each is masked."""
        found, at = [], 0
        for low, high in self.masked:
            found += [(at, low, False), (low, high, True)]
            at = high
        return [piece for piece in (*found, (at, len(self.data), False)) if piece[0] < piece[1]]


def _hex(data: bytes, hide: bool) -> str:
    return "**" * len(data) if hide else data.hex()


def fields_of(source: Source, number: int, options: Options | None = None) -> Shown | None:
    """A frame of a capture with its fields; None where there is no such frame.

    The whole capture is read, several times: what a byte means rests on the stream before it, and what must be masked on
    all of it. Raises CaptureError where the file cannot be read at all.
    """
    options = options or Options()
    place = _find(source, number, options)
    if place is None:
        return None
    shown = place.shown
    hidden = {} if options.show_secrets else secret_ranges(source, options)
    if not options.show_secrets:
        shown.line = _line(source, number, options, hidden)
        shown.masked = _united(hidden.get(number, []), len(shown.data))
        for low, high in shown.masked:
            shown.data = shown.data[:low] + b"*" * (high - low) + shown.data[high:]
    payloads = {}
    if place.rows:
        with open_capture(source, options.limits, progress=options.progress) as capture:
            watch = _Watch(capture, options, place)
            watch.run()
        payloads = watch.payloads()
        shown.notes = watch.notes(bool(shown.masked))
    shown.fields, shown.network = frame_fields(shown.data, place.link_type, payloads)
    return shown


@dataclass(slots=True)
class _Row:
    """A TCP or UDP header of the frame: its flow and direction, and where its payload lies in frame and stream."""

    flow: int
    direction: int
    is_tcp: bool
    sequence: int
    at: int
    length: int


@dataclass(slots=True)
class _Place:
    shown: Shown
    link_type: int
    rows: list[_Row] = field(default_factory=list)


def _find(source: Source, number: int, options: Options) -> _Place | None:
    """The frame itself, and the conversations that it is a part of. Reads no further than the frame."""
    with open_capture(source, options.limits) as capture:
        watch = FileAnalysis(capture, options, [], Masker(True))
        flows, lines = watch.connections.flows, Lines(4, {})
        for frames in capture.windows():
            packets = watch.decoder.decode(frames)
            ordered = flows.assign(packets)
            flows.set_bases(packets, ordered)
            flows.update(packets, ordered)
            line = list(lines.window(frames, packets, (frames.number <= number).tolist()))[-1:]
            if not len(frames) or int(frames.number[-1]) < number:
                continue
            i = number - int(frames.number[0])
            at, length = int(frames.offset[i]), int(frames.length[i])
            place = _Place(Shown(capture.name, number, int(frames.time_ns[i]), line[-1][1], int(frames.original_length[i]),
                                 ", ".join(capture.link_types) if len(capture.link_types) == 1 else str(frames.link_type[i]),
                                 packets.buffer[at:at + length], [], 0, [], []), int(frames.link_type[i]))
            for k, row in enumerate(ordered.packet.tolist()):
                start, size = int(packets.offset[row]) - at, int(packets.length[row])
                if int(packets.frame[row]) == number and 0 <= start <= length and start + size <= length:
                    place.rows.append(_Row(int(ordered.flow[k]), int(ordered.direction[k]), int(packets.protocol[row]) == TCP,
                                           int(packets.sequence[row]), start, size))
            return place
    return None


def _line(source: Source, number: int, options: Options, hidden: dict[int, list[tuple[int, int]]]) -> str:
    """The frame in tcpdump's manner, secrets as stars."""
    lines = Lines(4, hidden)
    with open_capture(source, options.limits) as capture:
        watch = FileAnalysis(capture, options, [], Masker(True))
        for frames in capture.windows():
            found = list(lines.window(frames, watch.decoder.decode(frames), (frames.number <= number).tolist()))
            if len(frames) and int(frames.number[-1]) >= number:
                return found[-1][1]
    return ""


def _united(ranges: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Ranges in order and without overlaps, within the frame."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        low, high = max(0, low, found[-1][1] if found else 0), min(high, length)
        if low < high:
            found.append((low, high))
    return found


class _Watch(FileAnalysis):
    """An analysis that keeps what it learns of the streams of one frame, and what concerns the frame itself."""

    def __init__(self, capture: CaptureFile, options: Options, place: _Place) -> None:
        self.reporters = list(reporters_for(options))
        super().__init__(capture, options, self.reporters, Masker(True))
        self.place = place
        self.messages: dict[tuple[str, int | None], list[tuple[str, Span]]] = {}
        self.tls: set[tuple[str, int | None]] = set()
        self.hidden: list[Secret] = []
        self.odd: list[Anomaly] = []
        self.kept: dict[tuple[int, int], list[tuple[int, bytes, int]]] = {}
        """By flow and direction: stream offset, bytes and frame of what was delivered."""
        self.sides: dict[tuple[int, int], Side] = {}
        self.connections.listen = self._listen
        self._wanted = {(row.flow, row.direction): row for row in place.rows}

    def run(self) -> None:
        """Read the whole capture."""
        for _ in self.chunks():
            pass

    def collect(self, record: Record) -> None:
        """Keep the places of messages; all else goes its way."""
        if record.flow is not None and not record.flow.encrypted:
            self._keep(record, (record.flow.transport, record.flow.stream))
        super().collect(record)

    def _keep(self, record: Record, stream: tuple[str, int | None]) -> None:
        found: list[tuple[str, Span | None]] = []
        match record:
            case Secret():
                self.hidden.append(record)
            case Anomaly() if record.span.frame <= self.place.shown.frame <= record.span.last_frame:
                self.odd.append(record)
            case TLSStarted():
                self.tls.add(stream)
            case HttpTransaction() if record.version != "2":
                found = [("http request", record.request_span), ("http response", record.response_span)]
            case SmtpExchange():
                answer = "smtp capabilities" if record.command in ("EHLO", "LHLO") else "smtp reply"
                found = [("smtp command", record.command_span), (answer, record.reply_span)]
            case MailMessage():
                found = [("mail", record.span)]
        self.messages.setdefault(stream, []).extend((kind, span) for kind, span in found if span is not None)

    def _listen(self, flow: int, side: Side) -> Listener | None:
        row = self._wanted.get((flow, side.index))
        if row is None or not row.is_tcp:
            return None
        self.sides[flow, side.index] = side
        kept = self.kept.setdefault((flow, side.index), [])

        def hear(side: Side, what: Stretch | int) -> None:
            if isinstance(what, int):
                return
            here = _offset(row, side)
            at, segments = what.base, what.segments
            for k in range(what.first, what.last):
                start, stop = max(at, what.start), min(at + segments.lengths[k], what.stop)
                if start < stop and stop > here - _BEFORE and start < here + row.length + _BEHIND:
                    kept.append((start, segments.data(k, k + 1)[start - at:stop - at], segments.frames[k]))
                at += segments.lengths[k]
        return hear

    # What came of it

    def payloads(self) -> dict[int, Payload]:
        """What is known of each payload of the frame, by its place."""
        found = {}
        for row in self.place.rows:
            if row.length:
                found[row.at] = self._stream(row) if row.is_tcp else self._datagram(row)
        return found

    def _datagram(self, row: _Row) -> Payload:
        told = self.connections.describe(row.flow)
        ports = {told.client_port, told.server_port}
        data = self.place.shown.data[row.at:row.at + row.length]
        if ports & {53, 5353, 5355}:
            return Payload(0, "dns", [Message("dns", 0, row.length, data, self.place.shown.frame)])
        return Payload(0)

    def _stream(self, row: _Row) -> Payload:
        side = self.sides.get((row.flow, row.direction))
        if side is None:
            return Payload(0)
        told, here, kept = self.connections.describe(row.flow), _offset(row, side), self.kept[row.flow, row.direction]
        spans = sorted({(span.start, span.stop, kind) for kind, span in self.messages.get((told.transport, told.stream), ())
                        if span.side == side.role})
        service = self.connections.service(row.flow) or ""
        zone = self._zone(spans, service, (told.transport, told.stream), kept)
        if zone is not None:
            spans.append(zone)
        secrets = [] if self.options.show_secrets else sorted(
            (s.span.start, s.span.stop) for s in self.hidden if s.flow and s.span.side == side.role
            and (s.flow.transport, s.flow.stream) == (told.transport, told.stream) and s.inside is None)
        messages = []
        for start, stop, kind in spans:
            if start < here + row.length and stop > here:
                data, frame = _bytes(kept, start, min(stop, here + row.length + _BEHIND), secrets)
                messages.append(Message(kind, start, stop, data, frame))
        return Payload(here, service, messages)

    def _zone(self, spans: list[tuple[int, int, str]], service: str, stream: tuple[str, int | None],
              kept: list[tuple[int, bytes, int]]) -> tuple[int, int, str] | None:
        """What is one long series of records or messages: from its begin to where the capture knows no more."""
        start, stop = max([stop for _, stop, _ in spans], default=0), kept[-1][0] + len(kept[-1][1]) if kept else 0
        kind = "tls" if service == "tls" or stream in self.tls else "dns stream" if service == "dns" else ""
        return (start, stop, kind) if kind and start < stop else None

    def notes(self, masked: bool) -> list[str]:
        """Findings, oddities and secrets of the frame."""
        number = self.place.shown.frame
        found = [f"{record.severity.value.upper()}: {record.title} (pcapkit explain {record.rule})"
                 for reporter in self.reporters for record in reporter.finish()
                 if isinstance(record, Finding) and any(self._is_here(place) for place in record.evidence)]
        found += [f"ODDITY: {one.message} (pcapkit explain {one.rule})" for one in self.odd]
        if masked:
            found.append(f"a secret is masked in frame {number}: --show-secrets shows it")
        return list(dict.fromkeys(found))

    def _is_here(self, place: Evidence) -> bool:
        """Whether evidence lies in the frame: it names the frame, or bytes of which the frame has some."""
        if place["frame"] == self.place.shown.frame:
            return True
        for row in self.place.rows:
            side = self.sides.get((row.flow, row.direction))
            if side is None or (place["stream"], place["side"]) != (
                    self.connections.describe(row.flow).stream, ("client", "server")[side.role]):
                continue
            here = _offset(row, side)
            if here < place["offset"] + place["length"] and place["offset"] < here + row.length:
                return True
        return False


def _offset(row: _Row, side: Side) -> int:
    """The stream offset of the first byte of a segment."""
    return (row.sequence - side.origin + HALF) % (2 * HALF) - HALF


def _bytes(kept: list[tuple[int, bytes, int]], start: int, stop: int,
           secrets: list[tuple[int, int]]) -> tuple[bytes, int]:
    """The bytes of a stream from `start` on, up to the first that is not there, secrets as stars; and the frame of the first."""
    found, at, frame = [], start, 0
    for k in range(max(0, bisect_right(kept, start, key=lambda one: one[0]) - 1), len(kept)):
        first, data, number = kept[k]
        if first > at or at >= stop:
            break
        if first + len(data) > at:
            found.append(data[at - first:stop - first])
            at, frame = min(stop, first + len(data)), frame or number
    whole = bytearray(b"".join(found))
    for low, high in secrets:
        low, high = max(low - start, 0), min(high - start, len(whole))
        if low < high:
            whole[low:high] = b"*" * (high - low)
    return bytes(whole), frame
