"""The result of comparing two captures: tables, findings, verdicts, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pcapkit import schema
from pcapkit.analysis import Options, Reporters, chunk_of
from pcapkit.compare.alignment import FULL, HALF, Alignment
from pcapkit.compare.datagrams import Datagrams
from pcapkit.compare.differences import Difference, Passage
from pcapkit.compare.path import KINDS, Path
from pcapkit.compare.seen import Seen
from pcapkit.compare.told import Place, Told, tell
from pcapkit.dissectors.dns import PORTS as DNS_PORTS
from pcapkit.filters import Filter
from pcapkit.flows import CLIENT_IS_B
from pcapkit.follow import Followed, Piece
from pcapkit.formats.text import escape
from pcapkit.packets import Ints
from pcapkit.records import (
    CLIENT,
    SERVER,
    Confidence,
    Conversation,
    Encryption,
    Evidence,
    Finding,
    Record,
    Secret,
    Severity,
    Span,
    Verdict,
)
from pcapkit.reporters.evidence import capture_filter, display_filter
from pcapkit.schema import Chunk
from pcapkit.secrets import Masker

SIDES = ("client", "server")


@dataclass(slots=True)
class Shown:
    """A passage as it may be shown: where it lies, and its text before, within and behind, secrets masked."""

    conversation: Conversation
    side: int
    frame: int
    last_frame: int
    time_ns: int
    offset: int
    length: int
    before: str
    text: str | None
    behind: str

    @property
    def line(self) -> str:
        """The passage with what stands around it."""
        return f"{self.before}{self.text or ''}{self.behind}"

    @property
    def evidence(self) -> Evidence:
        """Where to look."""
        return Evidence(file=self.conversation.file, frame=self.frame, stream=self.conversation.stream, side=SIDES[self.side],
                        offset=self.offset, length=self.length)


@dataclass(slots=True)
class Alteration:
    """Bytes that are not the same at both points, as they may be shown."""

    a: Shown
    b: Shown
    service: str | None
    clear: bool
    """Whether these bytes went in the clear, as far as the protocol says so."""

    @property
    def certain(self) -> bool:
        """Whether both are the same message for certain: in a stream, or an answer with the same number and question."""
        who = self.a.conversation
        return who.transport == "tcp" or bool({who.client_port, who.server_port} & DNS_PORTS)

    @property
    def kind(self) -> str:
        """What B has of A's bytes."""
        return "inserted" if not self.a.length else "removed" if not self.b.length else "replaced"


@dataclass(slots=True)
class Rows:
    """All that was found, as chunks of rows by the name of their table."""

    chunks: dict[str, Chunk]
    alterations: list[Alteration]


class Judge:
    """Makes rows of what the stages found."""

    def __init__(self, aligned: Alignment, udp: Datagrams, path: Path, differences: Sequence[Difference]) -> None:
        self.aligned, self.udp, self.path, self.differences = aligned, udp, path, differences
        self.a, self.b = aligned.a, aligned.b
        self.flow_a = np.concatenate((aligned.flow_a, udp.flow_a))
        self.flow_b = np.concatenate((aligned.flow_b, udp.flow_b))
        self.swapped = np.concatenate((aligned.swapped.astype(np.int64), udp.swapped))

    def rows(self, options: Options, chosen: Filter | None) -> Rows:
        """The rows of all tables; the captures are read once more for what their dialogues say."""
        reporters = Reporters(options)
        masker = Masker(options.show_secrets)
        altered = sorted({d.lane // 2 for d in self.differences})
        told = [tell(seen.source, seen.name, {_place(seen, int(flows[pair])): int(flows[pair]) for pair in altered}, options,
                     reporters, masker, chosen) for seen, flows in ((self.a, self.flow_a), (self.b, self.flow_b))]
        records: list[Record] = list(reporters.finish())
        services = told[0][1]
        alterations = sorted(self._alterations(told[0][0], told[1][0], services, masker), key=lambda x: (x.a.frame, x.a.offset))
        findings = [_finding(x) for x in alterations]
        encryption = self._encryption([r for r in records if isinstance(r, Encryption)], alterations)
        chunks = {
            "pairs": Chunk.of(schema.PAIRS, self._pairs(services)),
            "alterations": Chunk.of(schema.ALTERATIONS, [_row(x) for x in alterations]),
            "unpaired": Chunk.of(schema.UNPAIRED, [*self._unpaired(True), *self._unpaired(False)]),
            "encryption": _chunk(schema.ENCRYPTION, encryption), "findings": _chunk(schema.FINDINGS, findings)}
        return Rows(chunks, alterations)

    # Alterations

    def _alterations(self, of_a: Mapping[int, Told], of_b: Mapping[int, Told], services: Mapping[Place, str | None],
                     masker: Masker) -> Iterator[Alteration]:
        for difference in self.differences:
            pair, side = divmod(difference.lane, 2)
            flow_a, flow_b = int(self.flow_a[pair]), int(self.flow_b[pair])
            one = self._shown(self.a, flow_a, side, difference.lane, difference.a, of_a[flow_a], masker)
            other = self._shown(self.b, flow_b, side ^ int(self.swapped[pair]), difference.lane, difference.b, of_b[flow_b],
                                masker)
            clear = of_a[flow_a].clear.get(one.side)
            yield Alteration(one, other, services.get((one.conversation.transport, one.conversation.stream)),
                             clear is None or one.offset < clear)

    def _shown(self, seen: Seen, flow: int, side: int, lane: int, passage: Passage, told: Told, masker: Masker) -> Shown:
        direction = side ^ int(seen.flows.bits[flow] & CLIENT_IS_B != 0)
        role = direction ^ int(told.turned)
        offset = passage.start + self._base(seen, flow, side, direction, lane, passage, told)
        secrets = [s for s in told.secrets if s.span.side == role]
        frames = [int(seen.frame[row]) for row in passage.rows]
        time = int(seen.time_ns[passage.rows[0]]) if passage.rows else 0

        parts = _parts(passage, offset, secrets)

        def masked(at: int, data: bytes) -> str:
            piece = Piece(role, at, len(data), data, 0, 0)
            return (piece if masker.show else Followed(None, [piece], secrets, []).masked(masker)[0]).text or ""

        before, text, behind = (masked(at, data) for at, data in parts)
        return Shown(told.conversation, role, min(frames, default=0), max(frames, default=0), time, offset,
                     passage.stop - passage.start, before, None if passage.data is None else text, behind)

    def _base(self, seen: Seen, flow: int, side: int, direction: int, lane: int, passage: Passage, told: Told) -> int:
        """What must be added to a place for the offset in its side's stream; of datagrams, the payload before this one."""
        if lane >= 2 * len(self.aligned):
            mine = np.flatnonzero((seen.flow == flow) & (seen.side == side))
            return int(seen.length[mine[mine < passage.rows[0]]].sum())
        segments = self.aligned.segments_a if seen is self.a else self.aligned.segments_b
        first = int(segments.start[np.searchsorted(segments.lane, lane)])
        return (first - told.origins.get(direction, first) + HALF) % FULL - HALF - first

    def _encryption(self, verdicts: Sequence[Encryption], alterations: Sequence[Alteration]) -> list[Encryption]:
        """The verdicts on the sessions that both have; proven, where what was said about encryption, or the encrypted itself,
        is not the same.
        """
        injected = {_key(verdict.flow) for verdict in verdicts if verdict.flow and verdict.verdict is Verdict.INJECTION}
        proofs: dict[tuple[str, str, int | None], Alteration] = {}
        for alteration in alterations:
            places = [_key(shown.conversation) for shown in (alteration.a, alteration.b)]
            if (not alteration.clear or alteration.a.side == SERVER or _about_tls(alteration)
                    or not injected.isdisjoint(places)):
                for place in places:
                    proofs.setdefault(place, alteration)
        paired = {(seen.name, *_place(seen, flow)) for seen, flows in (
            (self.a, self.aligned.flow_a), (self.b, self.aligned.flow_b)) for flow in flows.tolist()}
        found = []
        for verdict in verdicts:
            assert verdict.flow is not None
            if _key(verdict.flow) not in paired:
                continue
            proof = proofs.get(_key(verdict.flow))
            if proof is not None:
                verdict.verdict, verdict.evidence = Verdict.PROVEN_ALTERATION, [_proven(proof)]
            found.append(verdict)
        return sorted(found, key=lambda v: (v.flow.file != self.a.name, v.span.frame) if v.flow else (True, 0))

    # Pairs

    def _pairs(self, services: Mapping[Place, str | None]) -> list[list[Any]]:
        aligned, path = self.aligned, self.path
        count = len(self.flow_a)
        ends_a, ends_b = self.a.flows.ends_of(self.flow_a), self.b.flows.ends_of(self.flow_b)
        tcp = np.arange(count) < len(aligned)
        b_client, b_server = _turned(ends_b, self.swapped.tolist())
        transport = np.where(tcp, "tcp", "udp").tolist()
        stream_a = self.a.flows.stream[self.flow_a].tolist()
        altered = Counter(d.lane // 2 for d in self.differences)
        shift = [[int(aligned.shift[2 * i + s]) % FULL if i < len(aligned) and aligned.known[2 * i + s] else None
                  for i in range(count)] for s in (0, 1)]
        hops = np.where((path.ttl_a >= 0) & (path.ttl_b >= 0), path.ttl_a - path.ttl_b, HALF)
        per_side = [[None if h == HALF else h for h in hops[s::2].tolist()] for s in (0, 1)]
        counts = {kind: (values[0::2] + values[1::2]).tolist() for kind, values in path.counts.items()}
        delays = _delays(path, count)
        return [list(row) for row in zip(
            transport, [services.get(place) for place in zip(transport, stream_a, strict=True)], stream_a,
            self.b.flows.stream[self.flow_b].tolist(), ends_a[0], ends_a[1].tolist(), ends_a[2], ends_a[3].tolist(),
            b_client[0], b_client[1], b_server[0], b_server[1], [altered[i] for i in range(count)], *shift, *per_side,
            (path.counted[0::2] + path.counted[1::2]).tolist(), *(counts[kind] for kind in KINDS), counts["repeated_a"],
            counts["repeated_b"], *delays, strict=True)]

    # What only one has

    def _unpaired(self, at_a: bool) -> list[list[Any]]:
        seen, other = (self.a, self.b) if at_a else (self.b, self.a)
        taken = np.zeros(seen.flows.count, np.bool_)
        taken[self.flow_a if at_a else self.flow_b] = True
        flows = seen.flows
        packets = np.bincount(seen.flow, minlength=flows.count)
        payload = np.bincount(seen.flow, seen.length, flows.count).astype(np.int64)
        left = np.flatnonzero(~taken & (packets > 0))
        why = _Reasons(seen, other, self.aligned.usual.middle if at_a else -self.aligned.usual.middle)
        rows = []
        for flow in left.tolist():
            who = seen.describe(flow)
            rows.append([seen.name, int(flows.first_frame[flow]), int(flows.first_time[flow]), who.transport, who.stream,
                         who.client, who.client_port, who.server, who.server_port, int(packets[flow]), int(payload[flow]),
                         why.of(flow, who, int(packets[flow]), int(payload[flow]))])
        return rows


Ends = tuple[list[str], list[int]]
"""Addresses and ports."""


def _turned(ends: tuple[list[str], Ints, list[str], Ints], turned: Sequence[int]) -> tuple[Ends, Ends]:
    """The ends of clients and servers, exchanged where a flow is turned."""
    client, server = zip(ends[0], ends[1].tolist(), strict=True), zip(ends[2], ends[3].tolist(), strict=True)
    both = [(s, c) if turn else (c, s) for c, s, turn in zip(client, server, turned, strict=True)]
    one, other = (([end[side][0] for end in both], [end[side][1] for end in both]) for side in (0, 1))
    return one, other


class _Reasons:
    """Why a flow may be in one capture only."""

    def __init__(self, seen: Seen, other: Seen, offset: int) -> None:
        self.seen = seen
        self.there = len(other.time_ns) > 0
        self.first = int(other.time_ns.min()) - offset if self.there else 0
        self.last = int(other.time_ns.max()) - offset if self.there else 0
        used = np.unique(other.flow).astype(np.int64)
        ends = other.flows.ends[used]
        self.services = set(zip((ends >> np.uint64(32) & np.uint64(0xFF)).tolist(), other.flows.ends_of(used)[3].tolist(),
                                strict=True))
        order = np.argsort(seen.flow, kind="stable")
        self.end = np.zeros(seen.flows.count, np.int64)
        self.end[seen.flow[order]] = seen.time_ns[order]

    def of(self, flow: int, who: Conversation, packets: int, payload: int) -> str:
        """In a few words."""
        if not self.there:
            return "the other capture has no packets of TCP or UDP"
        if self.end[flow] < self.first:
            return "time: it was over before the other capture began"
        if int(self.seen.flows.first_time[flow]) > self.last:
            return "time: it began after the other capture ended"
        if not payload:
            return "no payload by which it could be known there"
        if (self.seen.flows.protocol(flow), who.server_port) not in self.services:
            return f"filter or another way: the other capture has nothing of {who.transport} port {who.server_port}"
        if packets <= 3:
            return f"loss: it has no more than {packets} packet{'s' * (packets != 1)}"
        return "filter or another way: none of its payload is there"


def _parts(passage: Passage, offset: int, secrets: Sequence[Secret]) -> list[tuple[int, bytes]]:
    """What stands before, within and behind, each with its offset. A secret of which a part is within is within as a whole."""
    data = passage.data or b""
    start, stop = offset, offset + len(data)
    for secret in secrets:
        if secret.span.start < stop and secret.span.stop > start:
            start, stop = min(start, secret.span.start), max(stop, secret.span.stop)
    first = offset - len(passage.before)
    whole = passage.before + data + passage.behind
    start, stop = max(start, first), min(stop, first + len(whole))
    return [(first, whole[:start - first]), (start, whole[start - first:stop - first]), (stop, whole[stop - first:])]


def _place(seen: Seen, flow: int) -> Place:
    return "udp" if seen.flows.protocol(flow) == 17 else "tcp", int(seen.flows.stream[flow])


def _key(flow: Conversation) -> tuple[str, str, int | None]:
    return flow.file, flow.transport, flow.stream


def _delays(path: Path, pairs: int) -> list[list[float | None]]:
    """Fastest, median and slowest of each side, in seconds."""
    found: list[list[float | None]] = [[None] * pairs for _ in range(6)]
    order = np.lexsort((path.delay_ns, path.lane))
    lanes, begin, count = np.unique(path.lane[order], return_index=True, return_counts=True)
    delay = path.delay_ns[order] / 1e9
    for lane, start, n in zip(lanes.tolist(), begin.tolist(), count.tolist(), strict=True):
        if path.way[lane]:
            pair, side = divmod(lane, 2)
            for i, at in enumerate((start, start + n // 2, start + n - 1)):
                found[3 * side + i][pair] = float(delay[at])
    return found


def _proven(proof: Alteration) -> str:
    """What differs; TLS as such is not quoted: that its bytes are not the same says that it was ended on the way."""
    said = [f"{'' if not proof.clear else _quoted(shown) + ' '}at {point} (frame {shown.frame} of {shown.conversation.file})"
            for point, shown in (("A", proof.a), ("B", proof.b))]
    if proof.clear:
        return f"the {SIDES[proof.a.side]}'s bytes differ: {', '.join(said)}"
    return f"the {SIDES[proof.a.side]}'s bytes behind the switch to TLS are not the same: {' and '.join(said)}"


def _about_tls(alteration: Alteration) -> bool:
    """Whether a line of the client asks to switch to TLS, at one of the points."""
    return alteration.a.side == CLIENT and any(
        word in shown.line.upper() for shown in (alteration.a, alteration.b) for word in _ASKING)


_ASKING = ("STARTTLS", "STLS", "AUTH TLS", "AUTH SSL")
"""How clients ask to switch to TLS (RFC 3207, RFC 2595, RFC 4217)."""


def _quoted(shown: Shown) -> str:
    """The line, harmless to a terminal; it may be long."""
    return f"'{escape(shown.line.strip(), 120)}'" if shown.text is not None else f"{shown.length} bytes that are not there"


def _row(alteration: Alteration) -> list[Any]:
    a, b = alteration.a, alteration.b
    return [alteration.kind, a.conversation.transport, alteration.service, SIDES[a.side], a.time_ns,
            *(value for shown in (a, b) for value in (shown.conversation.stream, shown.frame, shown.last_frame, shown.offset,
                                                      shown.length, shown.text, shown.line))]


def _finding(alteration: Alteration) -> Finding:
    a, b = alteration.a, alteration.b
    where = f"stream {a.conversation.stream} of A and {b.conversation.stream} of B"
    if alteration.kind == "inserted":
        what = f"{b.length} bytes of the {SIDES[a.side]}, {where}, are at B only: {_quoted(b)}, at A {_quoted(a)}"
    elif alteration.kind == "removed":
        what = f"{a.length} bytes of the {SIDES[a.side]}, {where}, are at A only: {_quoted(a)}, at B {_quoted(b)}"
    else:
        what = f"the {SIDES[a.side]}'s bytes in {where} differ: {_quoted(a)} at A, {_quoted(b)} at B"
    finding = Finding(
        Span(a.side, a.offset, a.offset + a.length, a.frame, a.last_frame, a.time_ns), "application-bytes-altered",
        Severity.CRITICAL, Confidence.CERTAIN if alteration.certain else Confidence.LIKELY,
        "Application bytes altered on the way", what, [a.evidence, b.evidence],
        "RFC 3552, 3.3.4",
        display_filter(a.conversation, a.frame), capture_filter(a.conversation),
        "find the device between the two points; what must arrive as it was sent needs TLS from end to end")
    finding.flow = a.conversation
    return finding


def _chunk(table: schema.Table, records: Sequence[Record]) -> Chunk:
    return chunk_of(records) if records else Chunk.of(table, [])
