"""What a comparison comes to: the figures of the whole, and the answer on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import Any

import numpy as np

from pcapkit.compare.alignment import FULL, Alignment
from pcapkit.compare.clocks import Clock
from pcapkit.compare.comparison import Alteration, Rows, Shown
from pcapkit.compare.datagrams import Datagrams
from pcapkit.compare.differences import Found
from pcapkit.compare.path import KINDS, Path
from pcapkit.compare.seen import Seen
from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.text import escape, show
from pcapkit.limits import Limits
from pcapkit.packets import Ints
from pcapkit.records import Verdict

WAYS = {"a_to_b": 1, "b_to_a": -1, "unknown": 0}
_MOST = 6
_WIDE = 79
_LINE = 58
"""Characters of a line of traffic that are shown."""


@dataclass(slots=True)
class Rewritten:
    """What is another at B: `addresses` are (side, at A, at B, flows) where they differ, most flows first."""

    addresses: list[tuple[str, str, str, int]]
    client_ports: int
    """Flows whose client's port is another at B, and whose server's is."""
    server_ports: int
    kept: int
    """Sides of TCP flows whose sequence numbers are the same, are shifted by a constant, and not known."""
    shifted: int
    unknown: int
    hops: list[tuple[str, int, int]]
    """(side, how much less is left of the time to live at B, flows), most flows first."""


@dataclass(slots=True)
class Traffic:
    """The packets that went one way, and their delays in seconds (None where it is not known which way they went)."""

    packets: int
    lost: int
    missed_a: int
    missed_b: int
    only_a: int
    only_b: int
    repeated_a: int
    repeated_b: int
    delay_min_s: float | None
    delay_s: float | None
    delay_max_s: float | None


@dataclass(slots=True)
class Summary:
    """The whole in figures; `lines` is the answer in words."""

    a: Seen
    b: Seen
    tcp: int
    udp: int
    only_a: int
    only_b: int
    alike: int
    """Bytes of payload that are the same at both points."""
    rewritten: Rewritten
    clock: Clock | None
    traffic: dict[str, Traffic]
    alterations: list[Alteration]
    verdicts: list[tuple[str, int | None, int | None, str, str, str, str]]
    """Protocol, stream at A and at B, server, verdict at A and at B, and what it rests on; proven ones first."""
    unpaired: Counter[tuple[str, str]]
    """How many flows only one file has, by file and reason."""
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        clock = self.clock
        return {
            "a": _capture(self.a), "b": _capture(self.b),
            "flows": {"tcp": self.tcp, "udp": self.udp, "only_a": self.only_a, "only_b": self.only_b},
            "bytes_alike": self.alike, "alterations": len(self.alterations),
            "rewritten": {
                "addresses": [dict(zip(("side", "a", "b", "flows"), row, strict=True)) for row in self.rewritten.addresses],
                "client_ports": self.rewritten.client_ports, "server_ports": self.rewritten.server_ports,
                "sequence_numbers": {"kept": self.rewritten.kept, "shifted": self.rewritten.shifted,
                                     "unknown": self.rewritten.unknown},
                "hops": [dict(zip(("side", "less_at_b", "flows"), row, strict=True)) for row in self.rewritten.hops]},
            "clock": None if clock is None else {
                "b_ahead_s": clock.offset_ns / 1e9, "error_s": None if clock.error_ns is None else clock.error_ns / 1e9,
                "at": rfc3339(clock.since_ns), "drift_ppm": clock.drift_ppm, "drift_error_ppm": clock.drift_error_ppm,
                "packets": clock.packets, "assumed": clock.assumed or None},
            "traffic": {way: asdict(traffic) for way, traffic in self.traffic.items()}, "warnings": self.warnings}

    def lines(self) -> Iterator[str]:
        """The answer on one screen; a line that is not indented is a title."""
        wide = max(len(escape(seen.name)) for seen in (self.a, self.b))
        for letter, seen in (("A", self.a), ("B", self.b)):
            yield f"{letter}  {escape(seen.name):{wide}}  {seen.packets:,} packet{'s' * (seen.packets != 1)}"
        for warning in self.warnings:
            yield from _wrapped(f"  ! {escape(warning)}")
        yield from self._differences()
        yield from self._verdicts()
        if self.tcp or self.udp:
            yield from ("", "Rewritten between A and B", *self._rewritten(), "", "Clocks", *self._clocks(), "",
                        "Packets between the points", *self._traffic())
        yield from self._unpaired()

    def _differences(self) -> Iterator[str]:
        n = len(self.alterations)
        yield ""
        if not self.tcp and not self.udp:
            yield "Nothing of one capture is in the other"
            yield from _wrapped("  no flow of A has a payload that a flow of B has, too: these are not captures of the same "
                                "traffic, or all that both could have is encrypted anew, filtered or lost")
            return
        yield f"{n} application difference{'s' * (n != 1)}"
        both = f"{_count(self.tcp, 'TCP flow')} and {_count(self.udp, 'UDP conversation')}"
        same = f"{self.alike:,} bytes of payload are the same" if n else f"their {self.alike:,} bytes of payload are the same"
        yield from _wrapped(f"  {both} are at both points; {same}")
        for alteration in self.alterations[:_MOST]:
            yield from ("", *_side_by_side(alteration))
        if n > _MOST:
            yield ""
            kinds = Counter(alteration.kind for alteration in self.alterations)
            yield f"  and {n - _MOST} more; in all {', '.join(f'{m:,} {kind}' for kind, m in kinds.most_common())}: --json"

    def _rewritten(self) -> Iterator[str]:
        done = self.rewritten
        for side, ports in (("client", done.client_ports), ("server", done.server_ports)):
            yield from _addresses(side, [row[1:] for row in done.addresses if row[0] == side])
            changed = f"others in {ports:,} of {_count(self.tcp + self.udp, 'flow')}"
            yield f"  {side + ' ports':16}{changed if ports else 'kept'}"
        kinds = [f"{words} in {_count(n, 'side')}" for words, n in (
            ("kept", done.kept), ("shifted", done.shifted), ("not known", done.unknown)) if n]
        if self.tcp:
            yield f"  {'sequence':16}" + (", ".join(kinds) if len(kinds) > 1 else kinds[0].partition(" in ")[0] if kinds else "-")
        said: dict[str, list[str]] = {}
        for side, hops, _ in done.hops[:4]:
            said.setdefault(side, []).append(f"{abs(hops)} less at {'B' if hops > 0 else 'A'}" if hops else "the same")
        kept = not any(hops for _, hops, _ in done.hops)
        yield f"  {'time to live':16}" + ("kept" if kept else "; ".join(f"{side}'s {' or '.join(w)}" for side, w in said.items()))

    def _clocks(self) -> Iterator[str]:
        clock = self.clock
        if clock is None:
            yield "  no packet is in both"
            return
        ahead = "ahead of" if clock.offset_ns >= 0 else "behind"
        bar = "" if clock.error_ns is None else f", give or take {_time(clock.error_ns)}"
        yield f"  B is {_time(abs(clock.offset_ns))} {ahead} A{bar} (by {_count(clock.packets, 'packet')})"
        if clock.assumed:
            yield from _wrapped(f"  {clock.assumed}")
        if clock.drift_ppm is not None:
            yield (f"  at the start; B gains {clock.drift_ppm:+.2f} microseconds a second on A, give or take "
                   f"{clock.drift_error_ppm:.2f}")
        else:
            yield "  no drift visible"

    def _traffic(self) -> Iterator[str]:
        head = ("", "in both", "lost", "not in A", "not in B", "unclear", "delay: min/median/max")
        yield "  {:7}{:>9}{:>6}{:>10}{:>10}{:>9}  {}".format(*head)
        names = {"a_to_b": "A → B", "b_to_a": "B → A", "unknown": "unknown"}
        for way, t in self.traffic.items():
            if any((t.packets, t.lost, t.missed_a, t.missed_b, t.only_a, t.only_b)):
                yield (f"  {names[way]:7}{t.packets:>9,}{t.lost:>6,}{t.missed_a:>10,}{t.missed_b:>10,}"
                       f"{t.only_a + t.only_b:>9,}  {_delays(t)}")
        repeated = [sum(getattr(t, f"repeated_{point}") for t in self.traffic.values()) for point in "ab"]
        if any(repeated):
            yield f"  sent again, and one copy seen at one point only: {repeated[0]:,} at A, {repeated[1]:,} at B"
        if any(t.missed_a or t.missed_b for t in self.traffic.values()):
            yield "  not in A, not in B: they passed there, but that capture does not have them"

    def _verdicts(self) -> Iterator[str]:
        if not self.verdicts:
            return
        yield from ("", "Encryption, where a session can ask for it")
        for protocol, stream_a, stream_b, server, at_a, at_b, why in self.verdicts[:_MOST]:
            words = f"{Verdict(at_a).words} at both points" if at_a == at_b else (
                f"{Verdict(at_a).words if at_a else 'not seen'} at A, {Verdict(at_b).words if at_b else 'not seen'} at B")
            yield f"  {protocol} with {server} (stream {show(stream_a)} of A, {show(stream_b)} of B):"
            yield f"    {words}"
            if Verdict.PROVEN_ALTERATION in (at_a, at_b):
                yield from _wrapped(f"    {escape(why)}")
        if len(self.verdicts) > _MOST:
            counts = Counter(Verdict(a or b).words for *_, a, b, _ in self.verdicts)
            yield "  in all " + ", ".join(f"{n:,} {words}" for words, n in counts.most_common())

    def _unpaired(self) -> Iterator[str]:
        if not self.unpaired:
            return
        yield from ("", "Flows in one capture only")
        for (file, why), n in self.unpaired.most_common(_MOST):
            yield f"  {n:>6,} in {'A' if file == 'a' else 'B'}  {why}"
        if len(self.unpaired) > _MOST:
            yield f"  and {sum(n for _, n in self.unpaired.most_common()[_MOST:]):,} more"


def summary(aligned: Alignment, found: Found, udp: Datagrams, path: Path, rows: Rows, limits: Limits) -> Summary:
    """Sum up the rows."""
    pairs, unpaired = rows.chunks["pairs"], rows.chunks["unpaired"]
    named = [dict(zip(pairs.table.names, row, strict=True)) for row in pairs.rows()]
    index = unpaired.table.names.index
    only: Counter[tuple[str, str]] = Counter()
    in_a = _only(aligned, udp, unpaired.columns[0], aligned.a.name)
    for which, why in zip(in_a, unpaired.columns[index("why")], strict=True):
        only["a" if which else "b", why] += 1
    one = aligned.segments_a
    same = np.isin(one.row, path.same[0]) & ~found.looked
    compared = found.alike + int((one.stop - one.start)[same].sum()) + int(aligned.a.length[udp.same[0]].sum())
    meaning = {name: then for name, _, _, then in Limits.table()}
    warnings = [f"{seen.name}: {text}" for seen in (aligned.a, aligned.b) for text in seen.warnings]
    warnings += [f"limit {name} reached {n} times: {meaning.get(name, '')}" for name, n in sorted(limits.hits.items())]
    apart = _without_shift(aligned)
    if apart:
        warnings.append(f"{_count(apart, 'side')} of flows could not be compared: nothing says how their sequence numbers "
                        "belong together")
    return Summary(
        aligned.a, aligned.b, len(aligned), len(udp.flow_a), sum(n for (w, _), n in only.items() if w == "a"),
        sum(n for (w, _), n in only.items() if w == "b"), compared, _rewritten(aligned, named), path.clock,
        {name: _traffic(path, way) for name, way in WAYS.items()}, rows.alterations, _verdicts(aligned, rows, named), only,
        warnings)


def _without_shift(aligned: Alignment) -> int:
    """How many lanes have payload at both points, but no known shift."""
    one, other = (np.unique(segments.lane[segments.stop > segments.start]) for segments in (aligned.segments_a,
                                                                                            aligned.segments_b))
    return int((~aligned.known[np.intersect1d(one, other)]).sum())


def _only(aligned: Alignment, udp: Datagrams, files: Sequence[str], name: str) -> list[bool]:
    """Which rows are of A: those of A come first, and both files may have one name."""
    taken = len(set(aligned.flow_a.tolist()) | set(udp.flow_a.tolist()))
    flows = aligned.a.flows
    ours = int((np.bincount(aligned.a.flow, minlength=flows.count) > 0).sum()) - taken
    return [i < ours for i in range(len(files))]


def _capture(seen: Seen) -> dict[str, Any]:
    times = [int(seen.time_ns.min()), int(seen.time_ns.max())] if len(seen.time_ns) else [None, None]
    return {"file": seen.name, "packets": seen.packets, "first_time": rfc3339(times[0]), "last_time": rfc3339(times[1])}


def _rewritten(aligned: Alignment, pairs: Sequence[dict[str, Any]]) -> Rewritten:
    addresses: Counter[tuple[str, str, str]] = Counter()
    ports: Counter[str] = Counter()
    hops: Counter[tuple[str, int]] = Counter()
    for pair in pairs:
        for side in ("client", "server"):
            if pair[f"a_{side}"] != pair[f"b_{side}"]:
                addresses[side, pair[f"a_{side}"], pair[f"b_{side}"]] += 1
            ports[side] += pair[f"a_{side}_port"] != pair[f"b_{side}_port"]
            if pair[f"{side}_hops"] is not None:
                hops[side, pair[f"{side}_hops"]] += 1
    shift = aligned.shift[aligned.known] % FULL
    return Rewritten([(*which, n) for which, n in addresses.most_common()], ports["client"], ports["server"],
                     int((shift == 0).sum()), int((shift != 0).sum()), _without_shift(aligned),
                     [(*which, n) for which, n in hops.most_common()])


def _traffic(path: Path, way: int) -> Traffic:
    mine = path.way == way
    counts = [int(path.counts[kind][mine].sum()) for kind in (*KINDS, "repeated_a", "repeated_b")]
    delay: Ints = path.delay_ns[mine[path.lane]]
    delays = [None] * 3 if not way or not len(delay) else [float(f(delay)) / 1e9 for f in (np.min, np.median, np.max)]
    return Traffic(int(path.counted[mine].sum()), *counts, *delays)


def _verdicts(aligned: Alignment, rows: Rows,
              pairs: Sequence[dict[str, Any]]) -> list[tuple[str, int | None, int | None, str, str, str, str]]:
    chunk = rows.chunks["encryption"]
    partner = {pair["a_stream"]: pair["b_stream"] for pair in pairs if pair["transport"] == "tcp"}
    at: dict[tuple[str, int | None], dict[str, Any]] = {}
    for row in chunk.rows():
        named = dict(zip(chunk.table.names, row, strict=True))
        at[named["file"], named["stream"]] = named
    found = []
    for stream_a, stream_b in partner.items():
        one, other = at.get((aligned.a.name, stream_a)), at.get((aligned.b.name, stream_b))
        known = one or other
        if known is not None:
            found.append((known["protocol"], stream_a, stream_b, f"{known['server']}:{known['server_port']}",
                          str(one["verdict"]) if one else "", str(other["verdict"]) if other else "",
                          "; ".join(known["evidence"])))
    return sorted(found, key=lambda v: (Verdict.PROVEN_ALTERATION not in v[4:6], v[1]))


def _addresses(side: str, changed: Sequence[tuple[str, str, int]]) -> Iterator[str]:
    title = f"{side + ' address':16}"
    if not changed:
        yield f"  {title}kept"
        return
    inside: dict[str, list[str]] = {}
    flows: Counter[str] = Counter()
    for a, b, n in changed:
        inside.setdefault(b, []).append(a)
        flows[b] += n
    for n, (b, times) in enumerate(flows.most_common(3)):
        who = f"{inside[b][0]} is" if len(inside[b]) == 1 else f"{len(inside[b]):,} at A are"
        often = f" in {times:,} flows" if times > 1 else ""
        yield f"  {'' if n else title:16}{who} {b} at B{often}{'' if n else ': NAT'}"
    if len(flows) > 3:
        yield f"{' ' * 18}and {len(flows) - 3:,} more"


def _side_by_side(alteration: Alteration) -> Iterator[str]:
    a, b = alteration.a, alteration.b
    who = a.conversation
    side = "server" if a.side else "client"
    service = f"{alteration.service}, " if alteration.service else ""
    ends = f"{who.client}:{who.client_port} - {who.server}:{who.server_port}"
    yield f"  {alteration.kind.upper()}, sent by the {side} ({service}{ends})"
    for letter, shown in (("A", a), ("B", b)):
        line, mark = _marked(shown)
        frames = f"{shown.frame}" if shown.frame == shown.last_frame else f"{shown.frame}-{shown.last_frame}"
        yield (f"    {letter}  {who.transport} stream {shown.conversation.stream}, frame {frames}, offset {shown.offset}, "
               f"{shown.length} byte{'s' * (shown.length != 1)}")
        yield f"       {line}"
        if mark:
            yield f"       {mark}"


def _marked(shown: Shown) -> tuple[str, str]:
    """The line, and below it marks under what differs; both cut so that it fits."""
    before, behind = escape(shown.before), escape(shown.behind.rstrip("\r\n"))
    if shown.text is None:
        return f"{before}[not in this capture]{behind}"[-_LINE:], ""
    text = escape(shown.text)
    text = text if len(text) <= _LINE else f"{text[:_LINE - 1]}…"
    room = max(0, _LINE - len(text))
    kept = min(len(before), max(room // 2, room - len(behind)))
    before = before if kept == len(before) else f"…{before[len(before) - kept + 1:]}" if kept else ""
    behind = behind if len(behind) <= room - kept else f"{behind[:max(0, room - kept - 1)]}…"
    return f"{before}{text}{behind}", f"{' ' * len(before)}{'^' * len(text)}" if text else ""


def _delays(traffic: Traffic) -> str:
    """The three in the unit of the longest."""
    if traffic.delay_min_s is None or traffic.delay_s is None or traffic.delay_max_s is None:
        return "not known"
    scale, unit = (1, "s") if traffic.delay_max_s >= 1 else (1_000, "ms") if traffic.delay_max_s >= 0.001 else (1_000_000, "µs")
    return "/".join(f"{d * scale:.1f}" for d in (traffic.delay_min_s, traffic.delay_s, traffic.delay_max_s)) + f" {unit}"


def _wrapped(text: str) -> Iterator[str]:
    """A sentence in lines that fit, indented as its first."""
    indent = " " * (len(text) - len(text.lstrip()))
    yield from wrap(text, _WIDE, subsequent_indent=indent, break_on_hyphens=False)


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _time(nanoseconds: int) -> str:
    """In a unit that can be read."""
    size = abs(nanoseconds)
    return f"{nanoseconds / 1e9:,.3f} s" if size >= 1_000_000_000 else f"{nanoseconds / 1e6:.3f} ms" if size >= 1_000_000 else (
        f"{nanoseconds / 1e3:.1f} µs")
