"""A small capture of some conversations or frames of a large one: which frames belong to it, and their copy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from pcapkit.analysis import FileAnalysis, Options, Reporters, Source
from pcapkit.dissectors.dns import PORTS as DNS_PORTS
from pcapkit.filters import Filter
from pcapkit.flows import KEY, FlowTable, Ordered
from pcapkit.keys import Keys
from pcapkit.packets import TCP, Decoder, Packets
from pcapkit.readers import CaptureFile, Frames, open_capture
from pcapkit.secrets import Masker
from pcapkit.writers import PcapngWriter, PcapWriter

_DNS = np.array(sorted(DNS_PORTS))


class Reach(IntEnum):
    """How far from the places wanted the conversations of a slice reach, each step with all before it."""

    NAMED = 0
    DNS = 1
    PAIRS = 2
    HOSTS = 3
    ALL = 4

    @property
    def words(self) -> str:
        """What is in the slice."""
        return ("the conversations that the evidence names", "those and the DNS of their ends",
                "those, the DNS of their ends, and all else between the same ends", "all conversations of the ends named",
                "the whole capture")[self]


@dataclass(slots=True)
class Wanted:
    """What of one file is wanted: whole streams (transport, number), the conversations of places (frame, stream), and frames
    as such.
    """

    streams: set[tuple[str, int]] = field(default_factory=set)
    places: set[tuple[int, int | None]] = field(default_factory=set)
    frames: set[int] = field(default_factory=set)


class Slice:
    """The slice of one file, which is read once for its conversations, once for each `reach`, and once for the copy.

    Raises CaptureError where the file cannot be read at all.
    """

    def __init__(self, source: Source, wanted: Wanted, options: Options) -> None:
        self.source, self.wanted, self.options = source, wanted, options
        self.packets = 0
        self.sha256: str | None = None
        self.secrets: list[tuple[int, bytes]] = []
        """The decryption secrets embedded in the file."""
        self.count = 0
        self._chosen = np.zeros(0, np.bool_)
        self._links: set[int] = set()
        self._filter = Filter(options.filter) if options.filter else None
        self.flows = FlowTable()
        self._named = self._conversations()

    def _conversations(self) -> set[int]:
        """The flows of the places and streams wanted."""
        places: dict[int, set[int | None]] = {}
        for frame, stream in self.wanted.places:
            places.setdefault(frame, set()).add(stream)
        wanted = np.array(sorted(places), np.int64)
        found: set[int] = set()

        def through(capture: CaptureFile) -> None:
            self.packets, self.sha256 = capture.packets, capture.sha256
            self.secrets, self._links = capture.secrets, set(capture.link_numbers)

        for _, packets, ordered in self._walk(self.flows, hash=True, through=through):
            numbers = packets.frame[ordered.packet]
            here = np.flatnonzero(np.isin(numbers, wanted))
            by_frame: dict[int, set[int]] = {}
            for number, flow in zip(numbers[here].tolist(), ordered.flow[here].tolist(), strict=True):
                by_frame.setdefault(number, set()).add(flow)
            for number, flows in by_frame.items():
                named = {flow for flow in flows if int(self.flows.stream[flow]) in places[number]}
                found |= named or flows  # in a tunnel, a frame has several
        for flow in range(self.flows.count) if self.wanted.streams else ():
            transport = "tcp" if self.flows.protocol(flow) == TCP else "udp"
            if (transport, int(self.flows.stream[flow])) in self.wanted.streams:
                found.add(flow)
        return found

    def _walk(self, flows: FlowTable, hash: bool = False,
              through: Callable[[CaptureFile], None] | None = None) -> Iterator[tuple[Frames, Packets, Ordered]]:
        """The windows of the file, their packets, and the flows that these belong to."""
        with open_capture(self.source, self.options.limits, hash, self.options.progress) as capture:
            decoder = Decoder(self.options.limits)
            for frames in capture.windows():
                packets = decoder.decode(frames)
                ordered = flows.assign(packets)
                flows.set_bases(packets, ordered)
                flows.update(packets, ordered)
                yield frames, packets, ordered
            if through is not None:
                through(capture)

    def choose(self, reach: Reach) -> int:
        """Choose the frames; returns how many. The headers of the file are read once more."""
        chosen = np.zeros(self.packets, np.bool_)
        if reach is Reach.ALL:
            chosen[:] = True
        flows = self._reached(reach)
        belongs = np.zeros(max(flows, default=0) + 1, np.bool_)
        belongs[list(flows)] = True
        singles = np.array([n for n in self.wanted.frames if 0 < n <= self.packets], np.int64)
        for frames, packets, ordered in self._walk(FlowTable()):
            mine = packets.frame[ordered.packet[belongs[np.minimum(ordered.flow, len(belongs) - 1)]
                                                & (ordered.flow < len(belongs))]]
            chosen[mine - 1] = True
            self._fragments(chosen, packets, mine)
            if self._filter is not None:
                chosen[frames.number - 1] &= self._filter.mask(frames)
        chosen[singles - 1] = True
        self._chosen, self.count = chosen, int(chosen.sum())
        return self.count

    @staticmethod
    def _fragments(chosen: npt.NDArray[np.bool_], packets: Packets, mine: npt.NDArray[np.int64]) -> None:
        """Choose the earlier fragments of datagrams too: which ones they are is not kept, so all that may be."""
        joined = np.flatnonzero((packets.first_frame != packets.frame) & np.isin(packets.frame, mine))
        for row in joined.tolist():
            first, last = int(packets.first_frame[row]), int(packets.frame[row])
            others = packets.frame[(packets.frame >= first) & (packets.frame < last)]
            between = np.setdiff1d(np.arange(first, last), others)
            chosen[between - 1] = True

    def _reached(self, reach: Reach) -> set[int]:
        """The flows within `reach`."""
        found, flows = set(self._named), self.flows
        if reach in (Reach.NAMED, Reach.ALL):
            return found
        words = [getattr(flows, name)[:flows.count].tolist() for name in KEY]
        ends = [((a, b), (c, d)) for a, b, c, d, _ in zip(*words, strict=True)]
        pairs = {frozenset(ends[flow]) for flow in found}
        hosts = {end for pair in pairs for end in pair}
        ports = flows.ends[:flows.count]
        dns = (np.isin(ports >> np.uint64(16) & np.uint64(0xFFFF), _DNS)
               | np.isin(ports & np.uint64(0xFFFF), _DNS)).tolist()
        for flow, (a, b) in enumerate(ends):
            near = reach is Reach.HOSTS or dns[flow] or (reach is Reach.PAIRS and frozenset((a, b)) in pairs)
            if near and (a in hosts or b in hosts):
                found.add(flow)
        return found

    def originals(self) -> list[int]:
        """The numbers of the frames chosen, in order: the first of them is frame 1 of the slice."""
        found: list[int] = (np.flatnonzero(self._chosen) + 1).tolist()
        return found

    def link_types(self) -> set[int]:
        """Those of the frames chosen; the file is read once more if it has several."""
        if len(self._links) < 2:
            return self._links
        found: set[int] = set()
        with open_capture(self.source, self.options.limits) as capture:
            for frames in capture.windows():
                found |= set(np.unique(frames.link_type[self._chosen[frames.number - 1]]).tolist())
        return found

    def copy(self, writer: PcapWriter | PcapngWriter) -> None:
        """Write the frames chosen; in a pcapng, each with a comment that names its number in the source."""
        with open_capture(self.source, self.options.limits, progress=self.options.progress) as capture:
            for frames in capture.windows():
                for i in np.flatnonzero(self._chosen[frames.number - 1]).tolist():
                    if isinstance(writer, PcapngWriter):
                        writer.write(frames, i, f"frame {int(frames.number[i])} of the source")
                    else:
                        writer.write(frames, i)
        writer.close()


def ranges(numbers: Collection[int]) -> str:
    """Numbers in words: 1-3, 7."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def used_secrets(path: str, secrets: Collection[tuple[int, bytes]]) -> str:
    """The key log of those secrets, of blocks of a pcapng, that open something in the capture at `path`."""
    keys = Keys()
    for kind, data in secrets:
        keys.add_embedded(kind, data)
    with open_capture(path) as capture:
        analysis = FileAnalysis(capture, Options(keys=keys), Reporters(), Masker(False))
        for _ in analysis.chunks():
            pass
    return analysis.keys.log()
