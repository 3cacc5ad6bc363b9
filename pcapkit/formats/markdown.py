"""A report for an issue tracker (`report.md`): what the captures are, what was found, and where to look.

What comes from the traffic stands in code spans, in which trackers make nothing of it: no markup, link, mention or HTML. Words
of a sentence that cannot be any of these stand as they are. Tables are short; what is left out is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from pcapkit import __version__, schema
from pcapkit.formats.folder import Folder
from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.references import references
from pcapkit.formats.text import escape, show
from pcapkit.records import SESSION_COOKIE, Severity, Verdict
from pcapkit.schema import Chunk

_FINDINGS, _ROWS, _WARNINGS = 100, 12, 20
_CELL, _SENTENCE = 80, 1_200
_DISTINCT = 10_000
"""How many conversations, by service and ends, are told apart."""

_WORD = re.compile(r"[('\"]*[A-Za-z0-9]+(?:[-'./:,][A-Za-z0-9]+)*[)'\",.;:?]*")
_MARKED = re.compile(r"(?:www\.|gh-\d)", re.IGNORECASE)

Row = dict[str, Any]


def code(text: Any, most: int = _CELL, cell: bool = True) -> str:
    """Text as a code span that nothing in it can end; in a table's cell, which a bar would end, a bar is escaped too."""
    if text is None or text == "":
        return "-"
    shown = show(text) if isinstance(text, bool) else escape(str(text), most)
    if cell:
        shown = shown.replace("|", "\\x7c")
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{space}{shown}{space}{fence}"


def sentence(text: str) -> str:
    """A sentence in which all that is not a plain word is a code span."""
    parts: list[tuple[bool, list[str]]] = []
    for word in escape(text, _SENTENCE).split(" "):
        plain = not word or (_WORD.fullmatch(word) is not None and _MARKED.search(word) is None)
        if parts and parts[-1][0] is plain:
            parts[-1][1].append(word)
        else:
            parts.append((plain, [word]))
    return " ".join(" ".join(words) if plain else _quoted(" ".join(words)) for plain, words in parts)


def _quoted(text: str) -> str:
    """Words as a code span, the sentence's own punctuation outside of it."""
    stripped = text.rstrip(",;:")
    return code(stripped, _SENTENCE, cell=False) + text[len(stripped):] if stripped else code(text, cell=False)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


class Markdown:
    """Writes `report.md` into a folder: a report for an issue tracker."""

    name: ClassVar[str] = "markdown"
    hashes: ClassVar[bool] = True

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder, ".md", ("report",))
        self._rows: dict[str, list[Row]] = {}
        self._counts: Counter[str] = Counter()
        self._severities: Counter[str] = Counter()
        self._oddities: Counter[str] = Counter()
        self._talk: Counter[tuple[str, str, str]] = Counter()

    def write(self, chunk: Chunk) -> None:
        """Count the rows of a chunk and keep the first few."""
        table = chunk.table.name
        self._counts[table] += len(chunk)
        if table not in _KEPT and table != schema.FLOWS.name:
            return
        kept, most = self._rows.setdefault(table, []), _KEPT.get(table, 0)
        for values in chunk.rows():
            row = dict(zip(chunk.table.names, values, strict=True))
            if table == schema.FLOWS.name:
                self._converse(row)
            elif table == schema.ANOMALIES.name:
                self._oddities[str(row["rule"])] += row["count"]
            elif table == schema.FINDINGS.name:
                self._severities[str(row["severity"])] += 1
            if len(kept) < most and row.get("mechanism") != SESSION_COOKIE:
                kept.append(row)

    def _converse(self, row: Row) -> None:
        ends = row["service"] or f"{row['transport']}/{row['server_port']}", row["client"], row["server"]
        if ends in self._talk or len(self._talk) < _DISTINCT:
            self._talk[ends] += 1

    def close(self) -> None:
        """Write the report and put it in place."""
        for part in (self._captures(), self._findings(), self._conversations(), self._logins(), self._encryption(),
                     self._tls(), self._names(), self._odd()):
            self._folder.write("report", "".join(f"{line}\n" for line in part).encode("utf-8", "backslashreplace"))
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._folder.abandon()

    def _captures(self) -> Iterator[str]:
        rows = self._rows.get("captures", [])
        yield "# Packet capture report"
        yield ""
        found = ", ".join(f"{self._severities[s]} {s}" for s in map(str, Severity) if self._severities[s]) or "none"
        yield (f"{self._counts['captures']} capture{'s' * (self._counts['captures'] != 1)}, {self._counts['flows']:,} "
               f"conversations. Findings: **{found}**. Times are UTC. Made with pcapkit {__version__}.")
        yield ""
        yield from _table(("capture", "packets", "bytes", "first packet", "seconds", "SHA-256"), (
            (code(r["file"]), f"{r['packets']:,}", f"{r['bytes']:,}", _time(r["first_time"]), _seconds(r), code(r["sha256"]))
            for r in rows))
        yield from self._more("captures")
        warnings = [(row["file"], warning) for row in rows for warning in row["warnings"]]
        for file, warning in warnings[:_WARNINGS]:
            yield f"- {code(file, cell=False)}: {sentence(warning)}"
        if warnings[_WARNINGS:]:
            yield f"- and {len(warnings) - _WARNINGS} more warnings"
        if warnings:
            yield ""

    def _more(self, table: str) -> Iterator[str]:
        left = self._counts[table] - len(self._rows.get(table, []))
        if left > 0:
            yield f"and {left:,} more"
            yield ""

    def _findings(self) -> Iterator[str]:
        yield "## Findings"
        yield ""
        rows = self._rows.get("findings", [])
        if not rows:
            yield "None."
            yield ""
        for number, row in enumerate(rows, 1):
            yield f"### {number}. {str(row['severity']).upper()}: {sentence(row['title'])}"
            yield ""
            yield f"Seen ({row['confidence']}): {sentence(row['message'])}"
            yield ""
            for e in (row["evidence"] or ())[:_ROWS]:
                yield (f"- evidence: {code(e['file'], cell=False)}, frame {e['frame']}, {e['length']} bytes of the {e['side']} "
                       f"from byte {e['offset']} of its side of the stream")
            for program, name in (("Wireshark", "display_filter"), ("tcpdump", "capture_filter")):
                if row[name]:
                    yield f"- {program}: {code(row[name], _SENTENCE, cell=False)}"
            yield f"- remedy: {sentence(row['remedy'])}"
            written = [f"[{part}]({link})" if link else sentence(part) for part, link in references(row["rfc"])]
            yield f"- rule `{row['rule']}`{'; ' if written else ''}{'; '.join(written)}"
            yield ""
        yield from self._more("findings")

    def _conversations(self) -> Iterator[str]:
        if self._talk:
            yield "## Who talks to whom"
            yield ""
            yield from _table(("service", "client", "server", "conversations"), (
                (code(service), code(client), code(server), f"{count:,}")
                for (service, client, server), count in self._talk.most_common(_ROWS)))
            if len(self._talk) > _ROWS:
                yield f"and {len(self._talk) - _ROWS:,} more"
                yield ""

    def _section(self, title: str, table: str, head: Sequence[str], names: Sequence[str]) -> Iterator[str]:
        """The first rows of a table, if there are any."""
        if self._rows.get(table):
            yield f"## {title}"
            yield ""
            yield from _table(("capture", "frame", *head), (
                (code(r["file"]), str(r["frame"]), *(code(r[name]) for name in names)) for r in self._rows[table]))
            yield from self._more(table)

    def _logins(self) -> Iterator[str]:
        return self._section("Logins", "credentials", ("protocol", "how", "user", "secret", "server", "outcome", "encrypted"), (
            "protocol", "mechanism", "username", "secret", "server", "outcome", "encrypted"))

    def _encryption(self) -> Iterator[str]:
        for row in self._rows.get("encryption", []):
            row["words"] = Verdict(row["verdict"]).words
        return self._section("Encryption, where a session can ask for it", "encryption",
                             ("protocol", "server", "port", "verdict"), ("protocol", "server", "server_port", "words"))

    def _tls(self) -> Iterator[str]:
        return self._section("TLS", "tls", ("server", "port", "name", "version", "cipher"),
                             ("server", "server_port", "sni", "version", "cipher"))

    def _names(self) -> Iterator[str]:
        return self._section("Names looked up", "dns", ("name", "type", "response"), ("name", "type", "rcode"))

    def _odd(self) -> Iterator[str]:
        if self._oddities:
            yield "## Oddities in the traffic"
            yield ""
            yield from _table(("oddity", "times"), ((code(rule), f"{n:,}") for rule, n in self._oddities.most_common(_ROWS)))


def _time(time_ns: int | None) -> str:
    return (rfc3339(time_ns) or "-")[:19].replace("T", " ")


def _seconds(row: Row) -> str:
    return "-" if row["first_time"] is None else f"{(row['last_time'] - row['first_time']) / 1e9:,.3f}"


_KEPT = {schema.CAPTURES.name: 100, schema.FINDINGS.name: _FINDINGS, schema.CREDENTIALS.name: _ROWS,
         schema.ENCRYPTION.name: _ROWS, schema.TLS.name: _ROWS, schema.DNS.name: _ROWS, schema.ANOMALIES.name: 0}
"""Of which tables rows are kept, and how many."""
