"""The whole way of a capture, window by window: reader, packets, flows, streams, dialogues, reporters -> rows."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO

from pcapkit import plugins, schema
from pcapkit.certificates.store import TrustStore
from pcapkit.connections import Connections
from pcapkit.errors import CaptureError
from pcapkit.filters import Filter
from pcapkit.keys import Keys
from pcapkit.limits import Limits
from pcapkit.mailauth import Policy
from pcapkit.packets import Decoder
from pcapkit.readers import CaptureFile, open_capture
from pcapkit.records import Anomaly, Credential, Record, Secret
from pcapkit.reporters import Reporter
from pcapkit.schema import Chunk, Table
from pcapkit.secrets import Masker

if TYPE_CHECKING:
    from pcapkit.maillog import Log

Source = str | PathLike[str] | BinaryIO


@dataclass(slots=True)
class Options:
    """What an analysis is asked to do."""

    filter: str | None = None
    """A capture filter in libpcap's language; frames and streams keep the numbers of the whole file."""
    hash: bool = False
    """SHA-256 of files, streams and bodies."""
    show_secrets: bool = False
    """Leave passwords and the like as they are instead of masking them."""
    keys: Keys | None = None
    limits: Limits = field(default_factory=Limits)
    maillogs: Sequence[Log] = ()
    """Mail logs to be tied to the packets."""
    policies: Sequence[Policy] = ()
    """Policies of MTA-STS that say which servers must be reached over TLS."""
    trust: TrustStore = field(default_factory=TrustStore)
    """The roots that chains of certificates may end in."""
    progress: Callable[[int], None] | None = None
    """Called with the number of bytes read since the last call."""
    unreadable: Callable[[str, CaptureError], None] | None = None
    """Told of an input that cannot be read at all; the others are still analysed. Without it, the error is raised."""


def analyse(sources: Sequence[Source], options: Options | None = None, masker: Masker | None = None) -> Iterator[Chunk]:
    """The rows of all tables of `sources`, masked as the options say, in chunks; a file's `captures` row is its last.

    Findings and verdicts come at the very end, since they may rest on several files. `masker` is one to number secrets with,
    for who wants to mask something else alike. Raises CaptureError for an input that cannot be read at all, unless the options
    name somebody to tell.
    """
    options = options or Options()
    masker = masker or Masker(options.show_secrets)
    reporters = Reporters(options)
    chosen = Filter(options.filter) if options.filter else None
    with _patient_collector():
        for source in sources:
            hits = options.limits.hits.copy()
            try:
                with open_capture(source, options.limits, options.hash, options.progress) as capture:
                    yield from FileAnalysis(capture, options, reporters, masker, chosen, hits).chunks()
            except CaptureError as error:
                if options.unreadable is None:
                    raise
                options.unreadable(str(source), error)
        yield from _verdicts(reporters, masker)


class Reporters(dict[type[Record] | Table, list[Reporter]]):
    """The reporters of an analysis, by the records that they want and the tables that they read.

    One that is built in is made when something comes without which it has nothing to say.
    """

    def __init__(self, options: Options | None = None) -> None:
        """Without options, there are none."""
        super().__init__()
        self._kinds = [(kind, given) for kind in plugins.reporters()
                       if options is not None and (given := _given(kind, options)) is not None]
        self._made: list[Reporter | None] = [None if getattr(kind, "roused_by", ()) else kind(*given)
                                             for kind, given in self._kinds]

    def __missing__(self, what: type[Record] | Table) -> list[Reporter]:
        name = what.name if isinstance(what, Table) else what.__name__
        for number, (kind, given) in enumerate(self._kinds):
            if self._made[number] is None and name in kind.roused_by:
                self._made[number] = kind(*given)
                self.clear()
        found = self[what] = [reporter for reporter in self._made if reporter is not None
                              and (what in reporter.wants or what in getattr(reporter, "reads", ()))]
        return found

    def finish(self) -> Iterator[Record]:
        """What they make of it all, in the order of their shelf."""
        for reporter in self._made:
            if reporter is not None:
                yield from reporter.finish()


def _given(kind: Any, options: Options) -> list[Any] | None:
    """What a reporter is made with; None where the user did not give what it needs."""
    needs, takes = getattr(kind, "needs", None), getattr(kind, "takes", None)
    if needs:
        return [getattr(options, needs), options.limits] if getattr(options, needs) else None
    return [getattr(options, takes)] if takes else []


def _verdicts(reporters: Reporters, masker: Masker) -> Iterator[Chunk]:
    """What the reporters make of it all: findings worst first, and the rows of the tables they decide."""
    by_table: dict[str, list[Record]] = {}
    for record in reporters.finish():
        if record.table is not None:
            by_table.setdefault(record.table.name, []).append(record)
    for rows in by_table.values():
        rows.sort(key=lambda r: (r.flow.file if r.flow else "", r.span.frame, r.span.start))
        if hasattr(rows[0], "severity"):
            rows.sort(key=lambda r: r.severity.rank)  # type: ignore[attr-defined]
        yield masker.apply(chunk_of(rows))


class FileAnalysis:
    """One file on its way through the stages."""

    def __init__(self, capture: CaptureFile, options: Options, reporters: Reporters, masker: Masker,
                 chosen: Filter | None = None, hits_before: Mapping[str, int] | None = None) -> None:
        self.capture = capture
        self.options = options
        self.masker = masker
        self.filter = chosen
        self.decoder = Decoder(options.limits)
        self.keys = Keys() if options.keys is None else options.keys.copy()
        self._embedded = 0
        self.connections = Connections(capture.name, options.limits, options.hash, self.keys, self.collect)
        self.records: dict[type[Record], list[Record]] = {}
        self.secrets: list[Secret] = []
        self.secretive: set[tuple[str, int | None, int]] = set()
        """(transport, stream, side) of all sides that sent a secret."""
        self.anomalies: dict[tuple[str, int | None, str], Anomaly] = {}
        self.unlisted = 0
        self._repeated: set[tuple[str, int | None, str, str, str]] = set()
        self._reporters = reporters
        self._hits_before = Counter(hits_before if hits_before is not None else options.limits.hits)

    def chunks(self) -> Iterator[Chunk]:
        """The rows of the file's tables, shown to the reporters that read them."""
        for chunk in self._chunks():
            for reporter in self._reporters[chunk.table]:
                reporter.read(chunk)  # type: ignore[attr-defined]
            yield chunk

    def _chunks(self) -> Iterator[Chunk]:
        for frames in self.capture.windows():
            packets = self.decoder.decode(frames)
            self._take_embedded()
            self.connections.window(packets, self.filter.mask(frames) if self.filter else None, int(frames.number[0])
                                    if len(frames) else 0)
            yield from self._flush()
        self.connections.oddities += self.decoder.finish()
        self.connections.finish()
        yield from self._flush()
        yield from self.connections.flow_chunks()
        yield from self._anomalies()
        yield self._capture_row()

    def _take_embedded(self) -> None:
        """The secrets that the file has brought along since the last time."""
        for kind, data in self.capture.secrets[self._embedded:]:
            self.keys.add_embedded(kind, data)
        self._embedded = len(self.capture.secrets)

    def collect(self, record: Record) -> None:
        """Take a record from a dialogue: facts go to the reporters, rows are kept for the end of the window."""
        kind = type(record)
        if kind is Credential and not self._is_new(record):  # type: ignore[arg-type]
            return
        for reporter in self._reporters[kind]:
            reporter.observe(record)
        if kind is Secret:
            self.secrets.append(record)  # type: ignore[arg-type]
            if record.flow is not None:
                self.secretive.add((record.flow.transport, record.flow.stream, record.span.side))
        elif kind is Anomaly:
            self._count(record)  # type: ignore[arg-type]
        elif kind in self.records:
            self.records[kind].append(record)
        elif kind.table is not None:
            self.records[kind] = [record]

    def _is_new(self, login: Credential) -> bool:
        """Whether a login is to be told: what goes with every message is, once."""
        if not login.repeats or login.flow is None:
            return True
        key = (login.flow.server, login.flow.server_port, login.mechanism, login.username, login.secret)
        if key in self._repeated:
            return False
        if len(self._repeated) < self.options.limits.repeated_logins:
            self._repeated.add(key)
        else:
            self.options.limits.hit("repeated_logins")
        return True

    def _count(self, anomaly: Anomaly) -> None:
        """One row per flow and kind of anomaly, as long as there is room."""
        flow = anomaly.flow
        key = (flow.transport, flow.stream, anomaly.rule) if flow else ("", None, anomaly.rule)
        known = self.anomalies.get(key)
        if known is not None:
            known.count += anomaly.count
        elif len(self.anomalies) < self.options.limits.anomalies_file:
            self.anomalies[key] = anomaly
        else:
            self.options.limits.hit("anomalies_file")
            self.unlisted += anomaly.count

    def _flush(self) -> Iterator[Chunk]:
        """The rows of the window just done, in order of their frames, secrets numbered in that order too."""
        by_place = attrgetter("span.frame", "span.start")
        if not self.options.show_secrets:
            for secret in sorted(self.secrets, key=by_place):
                self.masker.mask(secret.text)
        self.secrets.clear()
        records, self.records = self.records, {}
        for rows in records.values():
            rows.sort(key=by_place)
            yield self.masker.apply(chunk_of(rows))
        yield from self.connections.lane_chunks()

    def _anomalies(self) -> Iterator[Chunk]:
        rows = sorted(self.anomalies.values(), key=attrgetter("span.frame", "rule"))
        for row in rows:
            place = row.flow and (row.flow.transport, row.flow.stream, row.span.side)
            if self.options.show_secrets or place not in self.secretive:
                row.message += row.quote
        if rows:
            yield self.masker.apply(chunk_of(rows))

    def _capture_row(self) -> Chunk:
        capture, limits = self.capture, self.options.limits
        warnings = list(capture.warnings)
        meaning = {name: then for name, _, _, then in Limits.table()}
        warnings += [f"limit {name} reached {n} times: {meaning.get(name, '')}"
                     for name, n in sorted((limits.hits - self._hits_before).items())]
        warnings += [f"{name}: {n} packets" for name, n in sorted(self.connections.oddities.items())]
        warnings += unread(self.connections.others)
        if self.unlisted:
            warnings.append(f"{self.unlisted} further anomalies are not listed")
        row = (capture.name, capture.sha256, capture.format, list(capture.link_types), capture.packets, capture.bytes,
               capture.first_time_ns, capture.last_time_ns, capture.truncated, warnings,
               [{"name": name, "packets": n} for name, n in self.connections.others.most_common()])
        return Chunk.of(schema.CAPTURES, [row])


def unread(others: Mapping[str, int]) -> list[str]:
    """A warning for each link type whose packets could not be read, of what is neither TCP nor UDP."""
    return [f"{n} packets of {name}, which pcapkit cannot read" for name, n in others.items()
            if name.startswith("link type ")]


def chunk_of(records: Sequence[Record]) -> Chunk:
    """Records of one class as rows of their table."""
    table = records[0].table
    assert table is not None
    own = [list(map(attrgetter(name), records)) for name in table.attributes]
    return Chunk(table, [*_common(records)[:len(table.common)], *own] if table.common else own)


def _common(records: Sequence[Record]) -> list[list[Any]]:
    """What every event has: the columns of `schema.APPLICATION`, of which those of `schema.COMMON` are the first."""
    rows = []
    for record in records:
        flow, span = record.flow, record.span
        assert flow is not None
        rows.append((flow.file, span.frame, span.last_frame, span.time_ns, flow.transport, flow.stream, flow.client,
                     flow.client_port, flow.server, flow.server_port, flow.encrypted))
    return list(map(list, zip(*rows, strict=True)))


@contextmanager
def _patient_collector() -> Iterator[None]:
    """Fewer passes of the garbage collector while millions of short-lived objects come and go; restored after."""
    before = gc.get_threshold()
    gc.set_threshold(500_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
