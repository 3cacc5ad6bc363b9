"""One frame with all its fields named: the bytes, a tree of fields over them, and what else is known of the frame."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from pcapkit.analysis import FileAnalysis, Options, Reporters
from pcapkit.connections import Listener
from pcapkit.dissectors.dns import PORTS as DNS_PORTS
from pcapkit.dissectors.http import HttpTransaction
from pcapkit.dissectors.smtp import MailMessage, SmtpExchange
from pcapkit.fields import Field, Message, Payload, frame_fields
from pcapkit.follow import secret_ranges
from pcapkit.formats.jsonl import rfc3339
from pcapkit.lines import Lines
from pcapkit.packets import TCP
from pcapkit.readers import CaptureFile, Frames, open_capture
from pcapkit.readers.opening import LINK_TYPES
from pcapkit.records import Anomaly, Evidence, Finding, Record, Secret, Span, TLSStarted
from pcapkit.secrets import Masker
from pcapkit.streams import HALF, Side, Stretch

Source = str | PathLike[str]

_BEFORE, _BEHIND = 4 << 20, 1 << 20
"""How many bytes of a stream before and behind a frame are kept to find the messages that it is a part of."""


_UNKNOWN = "neither TCP nor UDP"
"""What a line says of a packet that it does not read further, such as a fragment."""


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
    """A frame of a capture with its fields; None where there is no such frame. See `fields_of_frames`."""
    return fields_of_frames(source, [number], options).get(number)


def fields_of_frames(source: Source, numbers: Sequence[int], options: Options | None = None) -> dict[int, Shown]:
    """Frames of a capture with their fields, by number; those that are not there are left out.

    The whole capture is read, several times but not more often for many frames than for one: what a byte means rests on the
    stream before it, and what must be masked on all of it. Raises CaptureError where the file cannot be read at all.
    """
    options = options or Options()
    wanted = {number for number in numbers if number > 0}
    places = _find(source, wanted, options) if wanted else {}
    hidden = {} if options.show_secrets or not places else secret_ranges(source, options)
    for number, line in _tell(source, set(places), options, hidden).items():
        places[number].shown.line = line
    for number, place in places.items():
        shown = place.shown
        shown.masked = _united(hidden.get(number, []), len(shown.data))
        for low, high in shown.masked:
            shown.data = shown.data[:low] + b"*" * (high - low) + shown.data[high:]
    watch = None
    if any(place.rows for place in places.values()):
        with open_capture(source, options.limits, progress=options.progress) as capture:
            watch = _Watch(capture, options, places)
            watch.run()
    for place in places.values():
        _name(place, watch)
    return {number: place.shown for number, place in places.items()}


def _name(place: _Place, watch: _Watch | None) -> None:
    """Name the fields of a frame, and tell what else is known of it."""
    shown, payloads = place.shown, {}
    if watch is not None and place.rows:
        payloads, shown.notes = watch.payloads(place), watch.notes(place)
    shown.fields, shown.network = frame_fields(shown.data, place.link_type, payloads)
    if not place.rows:
        layers = "; ".join(f"{one.name}{f', {one.value}' if one.value and one.parts else ''}" for one in shown.fields[-2:])
        shown.line = f"{shown.line.partition(_UNKNOWN)[0]}{layers}"


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

    def add(self, row: _Row) -> None:
        """Take a header whose payload lies in the frame; what was put together from fragments does not."""
        if row.at >= 0 and row.at + row.length <= len(self.shown.data):
            self.rows.append(row)


def _find(source: Source, numbers: set[int], options: Options) -> dict[int, _Place]:
    """The frames themselves, and the conversations that they are a part of. Reads no further than the last of them."""
    found: dict[int, _Place] = {}
    with open_capture(source, options.limits) as capture:
        watch = FileAnalysis(capture, options, Reporters(), Masker(True))
        flows = watch.connections.flows
        for frames in capture.windows():
            packets = watch.decoder.decode(frames)
            ordered = flows.assign(packets)
            flows.set_bases(packets, ordered)
            flows.update(packets, ordered)
            first = int(frames.number[0]) if len(frames) else 0
            for number in sorted(one for one in numbers if first <= one < first + len(frames)):
                found[number] = _place(frames, number - first)
            for k, row in enumerate(ordered.packet.tolist()):
                place = found.get(int(packets.frame[row]))
                if place is not None:
                    at = int(packets.offset[row]) - int(frames.offset[place.shown.frame - first])
                    place.add(_Row(int(ordered.flow[k]), int(ordered.direction[k]), int(packets.protocol[row]) == TCP,
                                   int(packets.sequence[row]), at, int(packets.length[row])))
            if first + len(frames) > max(numbers):
                break
        for place in found.values():
            place.shown.file = capture.name
    return found


def _place(frames: Frames, i: int) -> _Place:
    at, length, link_type = int(frames.offset[i]), int(frames.length[i]), int(frames.link_type[i])
    return _Place(Shown("", int(frames.number[i]), int(frames.time_ns[i]), "", int(frames.original_length[i]),
                        LINK_TYPES.get(link_type, f"link type {link_type}"), frames.buffer[at:at + length], [], 0, [], []),
                  link_type)


def _tell(source: Source, numbers: set[int], options: Options, hidden: dict[int, list[tuple[int, int]]]) -> dict[int, str]:
    """The frames in tcpdump's manner, secrets as stars."""
    found: dict[int, str] = {}
    if not numbers:
        return found
    lines, last = Lines(4, hidden), max(numbers)
    with open_capture(source, options.limits) as capture:
        watch = FileAnalysis(capture, options, Reporters(), Masker(True))
        for frames in capture.windows():
            wanted = (frames.number <= last).tolist()
            for i, line in lines.window(frames, watch.decoder.decode(frames), wanted):
                if int(frames.number[i]) in numbers:
                    found[int(frames.number[i])] = line
            if len(frames) and int(frames.number[-1]) >= last:
                break
    return found


def _united(ranges: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Ranges in order and without overlaps, within the frame."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        low, high = max(0, low, found[-1][1] if found else 0), min(high, length)
        if low < high:
            found.append((low, high))
    return found


class _Watch(FileAnalysis):
    """An analysis that keeps what it learns of the streams of some frames, and what concerns the frames themselves."""

    def __init__(self, capture: CaptureFile, options: Options, places: dict[int, _Place]) -> None:
        self.reporters = Reporters(options)
        super().__init__(capture, options, self.reporters, Masker(True))
        self.places = places
        self.messages: dict[tuple[str, int | None], list[tuple[str, Span]]] = {}
        self.tls: set[tuple[str, int | None]] = set()
        self.hidden: list[Secret] = []
        self.odd: list[Anomaly] = []
        self.kept: dict[tuple[int, int], list[tuple[int, bytes, int]]] = {}
        """By flow and direction: stream offset, bytes and frame of what was delivered."""
        self.sides: dict[tuple[int, int], Side] = {}
        self.connections.listen = self._listen
        self.findings: list[Finding] = []
        self._wanted: dict[tuple[int, int], list[_Row]] = {}
        for row in (row for place in places.values() for row in place.rows if row.is_tcp):
            self._wanted.setdefault((row.flow, row.direction), []).append(row)

    def run(self) -> None:
        """Read the whole capture."""
        for _ in self.chunks():
            pass
        self.findings = [record for record in self.reporters.finish() if isinstance(record, Finding)]

    def collect(self, record: Record) -> None:
        """Keep the places of messages; all else goes its way."""
        if isinstance(record, Secret):
            self.hidden.append(record)
        elif record.flow is not None and not record.flow.encrypted:
            self._keep(record, (record.flow.transport, record.flow.stream))
        super().collect(record)

    def _keep(self, record: Record, stream: tuple[str, int | None]) -> None:
        found: list[tuple[str, Span | None]] = []
        match record:
            case Anomaly() if record.span.frame in self.places:
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
        rows = self._wanted.get((flow, side.index))
        if rows is None:
            return None
        self.sides[flow, side.index] = side
        kept = self.kept.setdefault((flow, side.index), [])

        def hear(side: Side, what: Stretch | int) -> None:
            if isinstance(what, int):
                return
            near = [(here - _BEFORE, here + row.length + _BEHIND) for row in rows for here in (_offset(row, side),)]
            kept.extend((start, data, frame) for start, data, frame, _ in what.pieces()
                        if any(start < high and start + len(data) > low for low, high in near))
        return hear

    # What came of it

    def payloads(self, place: _Place) -> dict[int, Payload]:
        """What is known of each payload of a frame, by its place."""
        return {row.at: self._stream(row) if row.is_tcp else self._datagram(row, place.shown)
                for row in place.rows if row.length}

    def _datagram(self, row: _Row, shown: Shown) -> Payload:
        told = self.connections.describe(row.flow)
        if DNS_PORTS.isdisjoint((told.client_port, told.server_port)):
            return Payload(0, self.connections.service(row.flow) or "")
        return Payload(0, "dns", [Message("dns", 0, row.length, shown.data[row.at:row.at + row.length], shown.frame)])

    def _stream(self, row: _Row) -> Payload:
        side = self.sides.get((row.flow, row.direction))
        if side is None:
            return Payload(0)
        told, here, kept = self.connections.describe(row.flow), _offset(row, side), self.kept[row.flow, row.direction]
        spans = sorted({(span.start, span.stop, kind) for kind, span in self.messages.get((told.transport, told.stream), ())
                        if span.side == side.role})
        service = self.connections.service(row.flow) or ""
        spans += self._zones(spans, service, (told.transport, told.stream), kept)
        secrets = [] if self.options.show_secrets else sorted(
            (s.span.start, s.span.stop) for s in self.hidden if s.flow and s.span.side == side.role
            and (s.flow.transport, s.flow.stream) == (told.transport, told.stream))
        messages = []
        for start, stop, kind in spans:
            if start < here + row.length and stop > here:
                data, frame = _bytes(kept, start, min(stop, here + row.length + _BEHIND), secrets)
                messages.append(Message(kind, start, stop, data, frame))
        return Payload(here, service, messages)

    def _zones(self, spans: list[tuple[int, int, str]], service: str, stream: tuple[str, int | None],
               kept: list[tuple[int, bytes, int]]) -> Iterator[tuple[int, int, str]]:
        """What is one long series of records or messages, from behind the other messages on: a stretch between gaps each."""
        kind = "tls" if service == "tls" or stream in self.tls else "dns stream" if service == "dns" else ""
        if not kind:
            return
        start = at = max([stop for _, stop, _ in spans], default=0)
        for first, data, _ in kept:
            if first > at:
                if start < at:
                    yield start, at, kind
                start = first
            at = max(at, first + len(data))
        if start < at:
            yield start, at, kind

    def notes(self, place: _Place) -> list[str]:
        """Findings, oddities and secrets of a frame."""
        number = place.shown.frame
        found = [f"{one.severity.value.upper()}: {one.title} (pcapkit explain {one.rule})" for one in self.findings
                 if any(self._is_here(evidence, place) for evidence in one.evidence)]
        found += [f"ODDITY: {one.message} (pcapkit explain {one.rule})" for one in self.odd if one.span.frame == number]
        if place.shown.masked:
            found.append(f"a secret is masked in frame {number}: --show-secrets shows it")
        return list(dict.fromkeys(found))

    def _is_here(self, evidence: Evidence, place: _Place) -> bool:
        """Whether evidence lies in a frame: it names the frame, or bytes of which the frame has some."""
        if evidence["frame"] == place.shown.frame:
            return True
        for row in place.rows:
            side = self.sides.get((row.flow, row.direction))
            if side is None or (evidence["stream"], evidence["side"]) != (
                    self.connections.describe(row.flow).stream, ("client", "server")[side.role]):
                continue
            here = _offset(row, side)
            if here < evidence["offset"] + evidence["length"] and evidence["offset"] < here + row.length:
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
