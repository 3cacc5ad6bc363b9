"""A report as one HTML file for handing over: no request leaves it, and nothing that was captured is run by it.

Fed with the chunks of an analysis, then with what only a second look at the captures has: evidence bytes, handshakes and
messages. Texts are made harmless and escaped where they are put into the page, rows of tables where they become JSON. The
same input gives the same bytes: what certificates come to "now" is left to the reader's clock.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from pcapkit import schema
from pcapkit.errors import UnknownRuleError
from pcapkit.explanations import Explanation, explanation, url
from pcapkit.formats import svg
from pcapkit.formats.handshake import climb
from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.ladder import Ladder
from pcapkit.formats.report.dump import dump
from pcapkit.formats.report.mail import Letter
from pcapkit.formats.report.names import Names
from pcapkit.formats.report.rows import Rows
from pcapkit.formats.text import escape
from pcapkit.limits import Limits
from pcapkit.records import Severity
from pcapkit.schema import Chunk

if TYPE_CHECKING:
    from pcapkit.evidence import Exhibit
    from pcapkit.handshakes import Handshake

Row = dict[str, Any]

_HERE = Path(__file__).parent
_SHOWN = {
    "flows": ("flows", "frame stream transport client server server_port service state client_bytes server_bytes",
              "time last_frame client_port client_packets server_packets client_gap_bytes server_gap_bytes "
              "client_duplicate_bytes server_duplicate_bytes client_conflicting_bytes server_conflicting_bytes client_inferred"),
    "http": ("http", "frame stream client method url status content_type response_body_bytes",
             "time server server_port version reason user_agent request_body_bytes request_frame response_frame "
             "request_headers response_headers wait_s transfer_s encrypted"),
    "http_forms": ("forms", "frame stream client server name value encoding filename", "time server_port raw encrypted"),
    "websocket": ("http", "frame stream side opcode text bytes", "time client server server_port code deflated fragments "
                  "encrypted"),
    "smtp": ("smtp", "frame stream command argument code enhanced_code text",
             "time client server server_port meaning command_frame reply_frame reply_s pause_s typing_s encrypted"),
    "mail": ("mail", "frame stream mail_from rcpt_to from to subject size outcome",
             "time client server server_port date message_id queue_id cc reply_to mailer attachments mime hops defects "
             "differences headers complete encrypted"),
    "dns": ("dns", "frame client server name type rcode answers rtt_s",
            "time stream transport id class flags authority additional opcode query_frame response_frame encrypted"),
    "tls": ("tls", "frame stream client server sni version cipher key_exchange history",
            "time client_port server_port alpn client_version resumed decrypted ja3 ja3s ja4 server_signature compression "
            "secure_renegotiation extended_master_secret early_data client_auth stapled scts profile"),
    "certificates": ("certificates", "frame stream server position subject issuer not_before not_after key",
                     "time server_port serial names signature sha256 valid_at_capture defects"),
    "credentials": ("credentials", "frame stream client server protocol mechanism username secret outcome",
                    "time client_port server_port secret_kind hashcat_mode hashcat john encrypted"),
    "encryption": ("findings", "frame stream client server protocol verdict evidence", "time client_port server_port encrypted"),
    "anomalies": ("flows", "frame stream rule message count", "time transport client client_port server server_port"),
    "maillog": ("mail --maillog LOG", "log line action queue_id mail_from to status frame stream join",
                "log_time host program message_id peer size dsn reply delay delays wire_delays joined_by differs explanation"),
}
"""The verb that shows a table, the columns that a page shows at once, and those behind them."""

_LANES = {"flows": "connections", "dns": "DNS", "http": "HTTP", "smtp": "SMTP", "tls": "TLS", "credentials": "logins",
          "anomalies": "oddities"}
_SERVICES_SHOWN = 8
_MARKS = 300
_PICTURES = 20
_TREE = 200
_TODAY = {"certificate-expired-since"}
"""Rules that say what holds today: a page is read on another day."""
_SIDES = ("client", "server")
_ACCOUNT = ("gap", "duplicate", "conflicting", "out_of_window", "after_close", "dropped")


@dataclass(frozen=True, slots=True)
class Custody:
    """Where a report comes from: inputs with their SHA-256 and size, options in words, and the version."""

    inputs: Sequence[tuple[str, str, int]]
    options: Sequence[tuple[str, str]]
    version: str
    show_secrets: bool = False


@dataclass(slots=True)
class _Findings:
    """The findings that are shown, and how many there are of each severity."""

    rows: list[Row] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Report:
    """Gathers what is to be shown."""

    def __init__(self, limits: Limits, several: bool) -> None:
        self.limits, self._several = limits, several
        tables = {table.name: table for table in schema.TABLES}
        self.tables = {name: Rows(tables[name], ["file"] * (several and name != "maillog") + shown.split(), more.split(), limits)
                       for name, (_, shown, more) in _SHOWN.items()}
        self.names, self.ladder = Names(limits), Ladder(0)
        self.captures: list[Row] = []
        self.chains: list[Row] = []
        self.logs: list[Row] = []
        self._findings = _Findings()
        self._times: dict[tuple[str, str], list[Any]] = {}
        self._flows: Counter[str] = Counter()
        self._services: Counter[str] = Counter()
        self._rules: Counter[str] = Counter()

    def take(self, chunk: Chunk) -> None:
        """Take the rows of a chunk, secrets masked unless they are to be seen."""
        name = chunk.table.name
        if name in self.tables and len(chunk):
            self.tables[name].take(chunk)
            self.names.take(chunk)
        if name in ("smtp", "mail", "tls", "anomalies", "flows"):
            self.ladder.take(chunk)
        if name in _LANES and len(chunk):
            self._lane(name, chunk)
        if name == "flows":
            self._count(chunk)
        elif name == "anomalies":
            rules, counts = chunk.select("rule", "count")
            for rule, count in zip(rules, counts, strict=True):
                self._rules[rule] += int(count)
        elif name in ("captures", "chains", "logs", "findings"):
            rows = [dict(zip(chunk.table.names, row, strict=True)) for row in chunk.rows()]
            if name == "findings":
                self._find(rows)
            else:
                getattr(self, name).extend(rows)

    def _lane(self, name: str, chunk: Chunk) -> None:
        files, times = chunk.select("file", "time")
        known = np.array([time for time in times if time is not None], np.int64)
        self._times.setdefault((files[0], name), []).append(known)

    def _count(self, chunk: Chunk) -> None:
        names = ["transport", "service", "state", "client_inferred"]
        for transport, service, state, inferred in zip(*chunk.select(*names), strict=True):
            self._flows[transport] += 1
            self._services[service or "not recognised"] += 1
            self._flows["inferred"] += bool(inferred) and transport == "tcp"
            self._flows["open"] += state == "open"
        for what in _ACCOUNT:
            for side in _SIDES:
                values, = chunk.select(f"{side}_{what}_bytes")
                self._flows[what] += int(sum(values))

    def _find(self, rows: list[Row]) -> None:
        for row in rows:
            if row["rule"] in _TODAY:
                continue
            self._findings.counts[str(row["severity"])] += 1
            if len(self._findings.rows) < self.limits.report_findings:
                self._findings.rows.append(row)
            else:
                self.limits.hit("report_findings")

    @property
    def findings(self) -> list[Row]:
        """The findings that are shown, worst first."""
        return self._findings.rows

    # The page

    def write(self, file: BinaryIO, custody: Custody, exhibits: Mapping[Any, Exhibit], handshakes: Sequence[Handshake],
              letters: Sequence[Letter]) -> None:
        """The page itself, in pieces. `exhibits` are found by (file, transport, stream, side, offset, length)."""
        style, script = ((_HERE / name).read_text("utf-8") for name in ("page.css", "page.js"))
        template = _environment().get_template("page.html")
        climbs = list(self.ladder.climbs())
        most = self.limits.report_ladders
        nodes, roots = self.names.tree(_TREE)
        pages = template.generate(
            style=_markup(style), script=_markup(script), policy=_policy(style, script), custody=custody,
            several=self._several, captures=[self._capture(row) for row in self.captures],
            findings=[self._finding(row, exhibits, custody.show_secrets) for row in self.findings],
            counts=[(s.value, self._findings.counts[s.value]) for s in Severity], found=self._findings.counts.total(),
            shapes={s.value: _markup(svg.shape(s.value)) for s in Severity},
            tables=self.tables, verbs={name: verb for name, (verb, _, _) in _SHOWN.items()},
            timelines=list(self._timelines()), talks=_markup(svg.talks(self.names.talks())) if self.names.pairs else "",
            pairs=self.names.pairs, drawn=len(self.names.talks()), hosts=self.names.hosts(),
            dialogues=[(c, _markup(svg.ladder(c, self.limits.report_rungs))) for c in climbs[:most]], dialogues_all=len(climbs),
            handshakes=[(c, _markup(svg.ladder(c, self.limits.report_rungs)), h) for h in handshakes[:most] if (c := climb(h))],
            handshakes_all=self.tables["tls"].total, letters=letters, letters_all=self.tables["mail"].total,
            tree_nodes=nodes, roots=roots, chains=[_chain(c) for c in self.chains],
            flows=self._flows, services=self._services.most_common(_SERVICES_SHOWN),
            rules=[(rule, n, told.title if (told := _explained(rule)) else "") for rule, n in self._rules.most_common()],
            logs=self.logs, total=self._total(), limits={name: (n, meaning) for name, _, _, meaning in Limits.table()
                                                         if name.startswith("report_") and (n := self.limits.hits[name])})
        for piece in pages:
            file.write(piece.encode("utf-8", "backslashreplace"))

    def _total(self) -> Row:
        firsts, lasts = ([row[name] for row in self.captures if row[name] is not None] for name in ("first_time", "last_time"))
        return {"packets": sum(row["packets"] for row in self.captures), "bytes": sum(row["bytes"] for row in self.captures),
                "first": min(firsts, default=None), "last": max(lasts, default=None)}

    def _capture(self, row: Row) -> Row:
        span = (row["last_time"] - row["first_time"]) / 1e9 if row["first_time"] is not None else None
        return {**row, "duration": span, "bytes": int(row["bytes"]), "packets": int(row["packets"])}

    def _finding(self, row: Row, exhibits: Mapping[Any, Exhibit], show: bool) -> Row:
        pieces, told = [], _explained(row["rule"])
        for e in row["evidence"]:
            key = e["file"], row["transport"], e["stream"], _SIDES.index(e["side"]), e["offset"], e["length"]
            exhibit = exhibits.get(key)
            lines = list(dump(exhibit, show)) if exhibit is not None else []
            cut = exhibit is not None and e["offset"] + e["length"] > exhibit.stop
            pieces.append({**e, "lines": lines, "cut": cut, "secret": exhibit is not None and bool(exhibit.hidden)})
        return {**row, "severity": str(row["severity"]), "confidence": str(row["confidence"]), "exhibits": pieces,
                "told": told, "references": _references(row["rfc"], told)}

    def _timelines(self) -> Iterable[tuple[str, Any]]:
        for row in self.captures[:_PICTURES]:
            lanes = [svg.Lane(said, np.concatenate(times)) for name, said in _LANES.items()
                     if (times := self._times.get((row["file"], name)))]
            if not lanes or row["first_time"] is None:
                continue
            marks = [svg.Mark(int(f["time"]), str(f["severity"]),
                              f"{str(f['severity']).upper()}: {f['title']}, frame {f['frame']}")
                     for f in self.findings if f["file"] == row["file"]][:_MARKS]
            yield row["file"], _markup(svg.timeline(lanes, marks, int(row["first_time"]), int(row["last_time"])))


def _explained(rule: str) -> Explanation | None:
    """What there is to say of a rule; None where a plug-in's rule has no text."""
    try:
        return explanation(rule)
    except UnknownRuleError:
        return None


def _references(text: str | None, told: Explanation | None) -> list[tuple[str, str | None, str]]:
    """The documents that a finding rests on, and those that explain it: name, address and what they say."""
    found = {name: (name, url(name), "") for name in (text or "").split("; ") if name}
    found |= {reference.name: (reference.name, reference.url, reference.says) for reference in told.rfc} if told else {}
    return list(found.values())


def _prose(text: str) -> Any:
    """A text of ours as markup: what stands between backticks is code."""
    from markupsafe import Markup
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def _chain(row: Row) -> Row:
    """A chain without what is said of today."""
    return {**row, "defects": [defect for defect in row["defects"] if not defect.startswith("now ")]}


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, and nothing runs but what stands here (CSP3; the hashes are of exactly these bytes)."""
    one, other = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    return (f"default-src 'none'; style-src 'sha256-{one}'; script-src 'sha256-{other}'; base-uri 'none'; form-action 'none'; "
            "require-trusted-types-for 'script'")


def _markup(text: str) -> Any:
    """Text that is markup already: made by us, with everything in it escaped."""
    from markupsafe import Markup
    return Markup(text)


@cache
def _environment() -> Any:
    """Templates in which every expression is made harmless and escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: Any) -> Any:
        return value if isinstance(value, Markup | int | float) else escape(str(value), most=1 << 16)

    environment = Environment(autoescape=True, loader=FileSystemLoader(_HERE), undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True, finalize=finalize)
    environment.filters |= {"count": lambda n: f"{n:,}", "time": _moment, "second": lambda ns: _moment(ns)[:19],
                            "day": lambda ns: _moment(ns)[:10],
                            "duration": duration, "prose": _prose, "json": lambda rows: _markup("".join(rows.json()))}
    return environment


def _moment(time_ns: int) -> str:
    return (rfc3339(time_ns) or "?").replace("T", " ").rstrip("Z")


def duration(seconds: float) -> str:
    """A span of time in words."""
    return f"{seconds:.3f} s" if seconds < 120 else f"{seconds / 60:.1f} min" if seconds < 7_200 else (
        f"{seconds / 3_600:.1f} hours" if seconds < 172_800 else f"{seconds / 86_400:,.1f} days")
