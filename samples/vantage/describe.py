"""What is told of a case: where tshark finds the altered bytes in either capture."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples.vantage.cases import PORTS, Case

ENDS = "client", "server"
FIELDS = ("frame.number", "tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.payload", "ip.ttl", "ip.id",
          "tcp.window_size_value", "tcp.options.timestamp.tsval", "tls.handshake.certificate")
DNS = "frame.number", "dns.qry.name", "dns.flags.response", "dns.flags.authenticated"


@dataclass(frozen=True)
class Segment:
    """A segment with data to or from the server's port: whose, and where its bytes stand among those of its side."""

    frame: int
    stream: int
    side: str
    offset: int
    data: bytes
    marks: dict[str, int | None]
    certificates: list[str]


def fields(capture: Path, *names: str) -> list[list[str]]:
    """Fields of every packet, by tshark."""
    words = [word for name in names for word in ("-e", name)]
    done = subprocess.run(["tshark", "-n", "-r", str(capture), "-T", "fields", *words], capture_output=True, text=True,
                          check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def segments(capture: Path, port: int) -> list[Segment]:
    """All segments with data, in the order of frames."""
    found = []
    for frame, stream, source, target, sequence, data, ttl, identification, window, stamp, chain in fields(capture, *FIELDS):
        if data and str(port) in (source, target):
            marks = {"ttl": int(ttl), "identification": int(identification, 16), "window": int(window),
                     "timestamp": int(stamp) if stamp else None}
            found.append(Segment(int(frame), int(stream), "server" if source == str(port) else "client", int(sequence) - 1,
                                 bytes.fromhex(data), marks, chain.split(",") if chain else []))
    return found


def described(case: Case, captures: list[Path], altered: list[dict[str, Any]]) -> dict[str, Any]:
    """What `expected.json` tells of a case."""
    port = PORTS[case.service]
    told: dict[str, Any] = {"what": case.what, "protocol": case.service, "address": case.address, "port": port}
    seen = [segments(capture, port) for capture in captures]
    streams = [sorted({segment.stream for segment in one}) for one in seen]
    for end, name in enumerate(ENDS):
        told[name] = {
            "capture": f"{case.name}.{name}.pcap", "packets": len(fields(captures[end], "frame.number")),
            "sessions": [{"stream": stream, "verdict": session.verdicts[end], "login": session.login, "tls": session.tls,
                          "evidence": [*session.evidence] if session.verdicts[end] == "suspected-stripping" else []}
                         for stream, session in zip(streams[end], case.sessions, strict=True)],
            "dns": [{"frame": int(frame), "name": asked, "authenticated": authenticated in ("1", "True")}
                    for frame, asked, answer, authenticated in fields(captures[end], *DNS) if answer in ("1", "True")],
        }
    alterations = [altered_at(one, altered[:number], seen, streams) for number, one in enumerate(altered)]
    certificates = [[one for segment in seen[end] for one in segment.certificates] for end in range(2)] if case.proxy else []
    told["pair"] = {"verdict": "proven-alteration" if altered or case.proxy else None, "alterations": alterations,
                    "certificates_differ": certificates[0] != certificates[1] if any(certificates) else None}
    return told


def altered_at(edit: dict[str, Any], earlier: list[dict[str, Any]], seen: list[list[Segment]], streams: list[list[int]],
               ) -> dict[str, Any]:
    """An alteration with its place in both captures: the sender's has it as it was, the receiver's as it became."""
    session = edit["connection"] - 1
    shift = sum(len(one["after"]) - len(one["before"]) for one in earlier
                if (one["connection"], one["side"]) == (edit["connection"], edit["side"]) and one["offset"] < edit["offset"])
    told: dict[str, Any] = {"session": session, "side": edit["side"], "before": edit["before"], "after": edit["after"]}
    for end, name in enumerate(ENDS):
        sent = name == edit["side"]
        text = edit["before" if sent else "after"]
        offset = edit["offset"] + (0 if sent else shift)
        segment = next(one for one in seen[end] if one.stream == streams[end][session] and one.side == edit["side"]
                       and one.offset <= offset < one.offset + len(one.data))
        at = offset - segment.offset
        assert segment.data[at:at + len(text)] == text.encode(), (name, edit, segment)
        told[name] = {"frame": segment.frame, "offset": offset, "length": len(text), "segment_offset": segment.offset,
                      "segment_length": len(segment.data), **segment.marks}
    return told
