"""Findings as SARIF 2.1.0 (`findings.sarif`), for code scanning and whatever else collects results of tools.

The capture is the artifact, with its SHA-256; the frame is a logical location. Offsets are those of the finding: bytes of one
side of a stream, not of the file, and therefore properties and no region. GitHub takes no result whose place has no line: a
capture's is line 1, and says so.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import Any, ClassVar
from urllib.parse import quote

from pcapkit import __version__, schema
from pcapkit.formats.folder import Folder
from pcapkit.formats.jsonl import dumps, rfc3339
from pcapkit.formats.references import references
from pcapkit.formats.text import escape
from pcapkit.records import Severity
from pcapkit.schema import Chunk

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "info": "0.0"}
"""In the middle of what GitHub calls critical, high, medium and low."""
_PRECISIONS = {"certain": "very-high", "likely": "high", "possible": "medium"}

Row = dict[str, Any]


class Sarif:
    """Writes `findings.sarif` into a folder: findings, the rules they fall under, and the captures."""

    name: ClassVar[str] = "sarif"
    hashes: ClassVar[bool] = True
    tables: ClassVar[tuple[str, ...]] = (schema.FINDINGS.name, schema.CAPTURES.name)

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder, ".sarif", ("findings",))
        self._artifacts: list[dict[str, Any]] = []
        self._notices: list[dict[str, Any]] = []
        self._files: dict[str, int] = {}
        self._rules: dict[str, tuple[int, Row]] = {}
        self._results = 0
        self._folder.write("findings", b'{"$schema":%b,"version":"2.1.0","runs":[{"results":[' % dumps(_SCHEMA, 0))

    def write(self, chunk: Chunk) -> None:
        """Append the findings of a chunk, or remember its captures; other tables are passed over."""
        if chunk.table.name not in self.tables:
            return
        for values in chunk.rows():
            row = dict(zip(chunk.table.names, values, strict=True))
            if chunk.table is schema.CAPTURES:
                self._capture(row)
            else:
                self._folder.write("findings", (b",\n" if self._results else b"\n") + dumps(self._result(row), 0))
                self._results += 1

    def _capture(self, row: Row) -> None:
        self._files.setdefault(row["file"], len(self._artifacts))
        self._artifacts.append({
            "location": {"uri": _uri(row["file"])}, "roles": ["analysisTarget"], "mimeType": _media_type(row["format"]),
            **({"hashes": {"sha-256": row["sha256"]}} if row["sha256"] else {}),
            "properties": {"format": row["format"], "packets": row["packets"], "bytes": row["bytes"],
                           "firstTime": rfc3339(row["first_time"]), "lastTime": rfc3339(row["last_time"])}})
        self._notices += [{"level": "warning", "message": {"text": escape(warning)},
                           "locations": [{"physicalLocation": self._physical(row["file"])}]} for warning in row["warnings"]]

    def _physical(self, file: str) -> dict[str, Any]:
        index = {"index": self._files[file]} if file in self._files else {}
        return {"artifactLocation": {"uri": _uri(file), **index},
                "region": {"startLine": 1, "message": {"text": "a capture has no lines: look for the frame"}}}

    def _result(self, row: Row) -> dict[str, Any]:
        rule, severity = str(row["rule"]), str(row["severity"])
        index, worst = self._rules.setdefault(rule, (len(self._rules), row))
        if Severity(severity).rank < Severity(str(worst["severity"])).rank:
            self._rules[rule] = index, row
        place = "\0".join(str(row[name]) for name in ("rule", "transport", "stream", "frame"))
        name = PurePath(row["file"] or "").name
        mark = hashlib.blake2b(f"{name}\0{place}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return {
            "ruleId": rule, "ruleIndex": index, "kind": "fail", "level": _LEVELS[severity],
            "message": {"text": f"{escape(row['title'])}: {escape(row['message'])}"},
            "locations": [self._location(row)],
            "relatedLocations": [{"id": i, **self._location(e)} for i, e in enumerate(row["evidence"] or (), 1)],
            "partialFingerprints": {"pcapkitFinding/v1": mark},
            "properties": {"severity": severity, "confidence": str(row["confidence"]), "rfc": row["rfc"],
                           "displayFilter": row["display_filter"], "captureFilter": row["capture_filter"],
                           "remedy": row["remedy"], "time": rfc3339(row["time"]), "transport": row["transport"],
                           "client": row["client"], "clientPort": row["client_port"], "server": row["server"],
                           "serverPort": row["server_port"]}}

    def _location(self, place: Row) -> dict[str, Any]:
        """Where a finding, or one piece of its evidence, is to be seen."""
        frame = f"frame {place['frame']}"
        stream = f"stream {place['stream']} / " if place.get("stream") is not None else ""
        told = {"frame": place["frame"], "stream": place["stream"]}
        message = frame
        if "side" in place:
            told |= {"side": place["side"], "streamOffset": place["offset"], "streamLength": place["length"]}
            message += f": {place['length']} bytes of the {place['side']}, from byte {place['offset']} of its side of the stream"
        return {"physicalLocation": self._physical(place["file"]),
                "logicalLocations": [{"name": frame, "fullyQualifiedName": f"{stream}{frame}", "kind": "frame"}],
                "message": {"text": message}, "properties": told}

    def _driver(self) -> dict[str, Any]:
        return {"name": "pcapkit", "semanticVersion": __version__, "rules": [_rule(row) for _, row in self._rules.values()]}

    def close(self) -> None:
        """Put the file in place."""
        rest = {"columnKind": "utf16CodeUnits", "automationDetails": {"id": "pcapkit/"}, "artifacts": self._artifacts,
                "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": self._notices}],
                "tool": {"driver": self._driver()}}
        self._folder.write("findings", b"\n]," + dumps(rest, 0)[1:] + b"]}\n")
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._folder.abandon()


def _uri(file: str | None) -> str:
    """A file as it was named, as a reference (RFC 3986): relative names stay so."""
    try:
        path = quote((file or "").encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        path = quote((file or "").encode("utf-8", "surrogatepass"))
    return f"file://{path}" if path.startswith("/") else path


def _media_type(format: str) -> str:
    return "application/x-pcapng" if format.startswith("pcapng") else "application/vnd.tcpdump.pcap"


def _rule(row: Row) -> dict[str, Any]:
    """A rule, as its worst finding shows it."""
    rule, severity = str(row["rule"]), str(row["severity"])
    link = next((link for _, link in references(row["rfc"]) if link), None)
    return {
        "id": rule, "name": "".join(word.capitalize() for word in rule.split("-")),
        "shortDescription": {"text": rule.replace("-", " ").capitalize()},
        "fullDescription": {"text": f"{escape(row['title'])} (pcapkit {rule})"},
        "help": {"text": f"What to do: {row['remedy']}\nWhere it is written: {row['rfc']}"},
        **({"helpUri": link} if link else {}), "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"tags": ["security", "network"], "precision": _PRECISIONS[str(row["confidence"])],
                       "security-severity": _SCORES[severity]}}
