"""Where bytes of streams lie in frames: by sequence number, so that what was sent again is found each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pcapkit.analysis import FileAnalysis, Options, Reporters, Source
from pcapkit.connections import Listener
from pcapkit.flows import CLIENT_IS_B
from pcapkit.packets import TCP, Decoder, Packets
from pcapkit.readers import CaptureFile, Frames, open_capture
from pcapkit.records import Credential, Record, Secret
from pcapkit.secrets import Masker
from pcapkit.streams import HALF, Side


@dataclass(slots=True, eq=False)
class Place:
    """Bytes of one direction of a flow that are secret: of TCP from a sequence number on, of UDP from a count of what was
    sent.
    """

    flow: int
    direction: int
    first: int
    length: int
    secret: Secret


Touched = list[tuple[int, list[tuple[int, Place]]]]
"""Rows of packets and the places in their payloads: where each begins there, which is below 0 where it began before."""


@dataclass(slots=True)
class Found:
    """What a file shows: its secrets on the wire with their places, those that the wire does not show, and its logins."""

    places: list[Place]
    hidden: int
    logins: list[Credential]
    capture: CaptureFile


class _Watch(FileAnalysis):
    """An analysis that keeps nothing but secrets and logins."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.found: list[Secret] = []
        self.logins: list[Credential] = []

    def collect(self, record: Record) -> None:
        """Keep a secret or a login; drop the rest."""
        if isinstance(record, Secret):
            self.found.append(record)
        elif isinstance(record, Credential):
            self.logins.append(record)


def secret_places(source: Source, options: Options, hash: bool = False) -> Found:
    """The secrets of a file and where they lie. Raises CaptureError where the file cannot be read at all."""
    with open_capture(source, options.limits, hash, options.progress) as capture:
        watch = _Watch(capture, options, Reporters(), Masker(True))
        connections = watch.connections
        sides: dict[tuple[int, int], Side] = {}

        def remember(flow: int, side: Side) -> Listener | None:
            sides[flow, side.index] = side
            return None

        connections.listen = remember
        for _ in watch.chunks():
            pass
        flows = connections.flows
        flow_of = {(flows.protocol(i) == TCP, int(n)): i for i, n in enumerate(flows.stream[:flows.count])}
    found = Found([], 0, watch.logins, capture)
    for secret in watch.found:
        told, length = secret.flow, secret.span.stop - secret.span.start
        flow = flow_of.get((told.transport == "tcp", told.stream)) if told and told.stream is not None else None
        found.hidden += secret.inside is not None
        if flow is None or told is None or not length:
            continue
        if told.transport == "udp":
            direction = secret.span.side ^ bool(flows.bits[flow] & CLIENT_IS_B)
            found.places.append(Place(flow, direction, secret.span.start, length, secret))
            continue
        for direction in (0, 1):
            side = sides.get((flow, direction))
            if side is not None and side.role == secret.span.side:
                found.places.append(Place(flow, direction, side.origin + secret.span.start, length, secret))
    return found


def touched(source: Source, options: Options, places: Iterable[Place],
            decoder: Decoder | None = None) -> Iterator[tuple[Frames, Packets, Touched]]:
    """The windows of a file, each with the packets in which some of the places lie."""
    decoder = decoder or Decoder(options.limits)
    near: dict[tuple[int, int], dict[int, list[Place]]] = {}
    for place in places:
        near.setdefault((place.flow, place.direction), {})
        for grid in _grid(place.first, place.length):
            near[place.flow, place.direction].setdefault(grid, []).append(place)
    sent = dict.fromkeys(near, 0)
    with open_capture(source, options.limits, progress=options.progress) as capture:
        flows = FileAnalysis(capture, options, Reporters(), Masker(True)).connections.flows
        for frames in capture.windows():
            packets = decoder.decode(frames)
            ordered = flows.assign(packets)
            flows.set_bases(packets, ordered)
            flows.update(packets, ordered)
            found: Touched = []
            for (flow, direction), grids in near.items():
                rows = ordered.rows(flow)
                mine = ordered.packet[rows][ordered.direction[rows] == direction]
                for row in mine[packets.length[mine] > 0].tolist():
                    length = int(packets.length[row])
                    start = int(packets.sequence[row]) if packets.protocol[row] == TCP else sent[flow, direction]
                    sent[flow, direction] += length
                    here = dict.fromkeys(place for grid in _grid(start, length) for place in grids.get(grid, ()))
                    begins = ((_ahead(place.first - start), place) for place in here)
                    shown = [(at, place) for at, place in begins if -place.length < at < length]
                    if shown:
                        found.append((row, shown))
            yield frames, packets, found


def _ahead(difference: int) -> int:
    """A difference of sequence numbers, which go round."""
    return (difference + HALF) % (2 * HALF) - HALF


def _grid(start: int, length: int) -> set[int]:
    """The squares, of 2 KiB each, of `length` bytes from `start` on, so that none is compared with what lies far from it."""
    return {square % (2 * HALF >> _SQUARE) for square in range(start >> _SQUARE, (start + length - 1 >> _SQUARE) + 1)}


_SQUARE = 11
