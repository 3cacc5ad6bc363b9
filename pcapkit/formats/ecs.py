"""Events of the Elastic Common Schema 8.11, one JSON object a line (`ecs.jsonl`), as Filebeat and Elasticsearch take them.

What the schema has no field for stands under `pcapkit`. An event's `event.id` is the same whenever the same input is read, so
that reading it twice does not double it. The client is the source. Lines of a table come in its order.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from pathlib import PurePath
from typing import Any, ClassVar

from pcapkit import __version__, schema
from pcapkit.codecs.mail import addresses, date
from pcapkit.formats.folder import Folder
from pcapkit.formats.history import established
from pcapkit.formats.identity import community_id, protocol_number
from pcapkit.formats.jsonl import dumps, rfc3339
from pcapkit.schema import Chunk

ECS_VERSION = "8.11.0"

Row = dict[str, Any]
Fields = dict[str, Any]

_SEVERITIES = {"critical": 99, "high": 73, "medium": 47, "low": 21, "info": 1}
"""As Elastic's detection rules number them."""

_OUTCOMES = {"accepted": "success", "rejected": "failure"}


class Ecs:
    """Writes `ecs.jsonl` into a folder: events of the Elastic Common Schema."""

    name: ClassVar[str] = "ecs"

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder, ".jsonl", ("ecs",))
        self._written = 0

    def write(self, chunk: Chunk) -> None:
        """Append the events of a chunk; tables that are parts of others are passed over."""
        make = _EVENTS.get(chunk.table.name)
        if make is None:
            return
        for values in chunk.rows():
            row = dict(zip(chunk.table.names, values, strict=True))
            self._written += 1
            event = _nested({**_place(row, chunk.table.name), **make(row), "event.sequence": self._written})
            event["event"]["id"] = hashlib.blake2b(dumps(event, 0), digest_size=16).hexdigest()
            self._folder.write("ecs", dumps(event))

    def close(self) -> None:
        """Put the file in place."""
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._folder.abandon()


def _nested(fields: Fields) -> dict[str, Any]:
    """Dotted names as objects in objects; what is not known is left out."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None or value == [] or value == "":
            continue
        outer, last = _path(name)
        place = found
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return found


@cache
def _path(name: str) -> tuple[tuple[str, ...], str]:
    *outer, last = name.split(".")
    return tuple(outer), last


def _place(row: Row, table: str) -> Fields:
    """What all events say: when, who, where it is to be seen. An event must have a time: the epoch stands for none."""
    found: Fields = {
        "@timestamp": rfc3339(row.get("time") or row.get("first_time") or 0), "ecs.version": ECS_VERSION,
        "event.kind": "event", "event.module": "pcapkit",
        "event.dataset": f"pcapkit.{table}", "observer.product": "pcapkit", "observer.version": __version__,
        "pcapkit.file": row["file"]}
    if row.get("transport") not in ("tcp", "udp"):
        return found
    client, server = row["client"], row["server"]
    return {
        **found, "source.address": client, "source.ip": _ip(client), "source.port": row["client_port"],
        "destination.address": server, "destination.ip": _ip(server), "destination.port": row["server_port"],
        "network.transport": row["transport"], "network.iana_number": str(protocol_number(row["transport"])),
        "network.type": "ipv6" if ":" in client else "ipv4",
        "network.community_id": community_id(row["transport"], client, row["client_port"], server, row["server_port"]),
        "related.ip": _once([_ip(client), _ip(server)]), "pcapkit.frame": row["frame"], "pcapkit.last_frame": row["last_frame"],
        "pcapkit.stream": row["stream"], "pcapkit.encrypted": row.get("encrypted")}


@lru_cache(65_536)
def _ip(text: str | None) -> str | None:
    """An address that Elasticsearch takes for one."""
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return None


def _once(values: Iterable[Any]) -> list[Any]:
    """The values that are known, each once, in order."""
    return list(dict.fromkeys(value for value in values if value))


def _flow(row: Row) -> Fields:
    ends = row["closed_by"] or row["reset_by"]
    return {"event.category": ["network"], "event.type": ["connection", *(["end"] if ends else [])],
            "event.action": "network_flow", "event.start": rfc3339(row["time"]), "event.end": rfc3339(row["last_time"]),
            "event.duration": int(row["last_time"] - row["time"]), "network.protocol": row["service"],
            "source.bytes": row["client_bytes"], "source.packets": row["client_packets"],
            "destination.bytes": row["server_bytes"], "destination.packets": row["server_packets"],
            "network.bytes": row["client_bytes"] + row["server_bytes"],
            "network.packets": row["client_packets"] + row["server_packets"], "pcapkit.flow.state": row["state"],
            "pcapkit.flow.missed_bytes": row["client_gap_bytes"] + row["server_gap_bytes"]}


def _http(row: Row) -> Fields:
    status = row["status"]
    return {"event.category": ["network", "web"], "event.type": ["access", "protocol"], "event.action": row["method"],
            "event.outcome": "unknown" if status is None else "failure" if status >= 400 else "success",
            "network.protocol": "http", **_url(row), "http.version": row["version"], "http.request.method": row["method"],
            "http.request.body.bytes": row["request_body_bytes"], "http.request.mime_type": _media(row["request_headers"]),
            "http.request.referrer": _header(row["request_headers"], "referer"), "http.response.status_code": status,
            "http.response.body.bytes": row["response_body_bytes"],
            "http.response.mime_type": _media(row["response_headers"]), "user_agent.original": row["user_agent"],
            "related.hosts": _once([_host(row["host"])[0]])}


def _url(row: Row) -> Fields:
    """The parts of a URL. None of a request that was seen is a fragment: a mask with # in it is part of the query."""
    url = row["url"] or ""
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return {"url.original": row["target"]}
    authority, slash, behind = rest.partition("/")
    path, _, query = (slash + behind).partition("?")
    domain, port = _host(authority.rpartition("@")[2].partition("?")[0])
    return {"url.full": url, "url.original": row["target"], "url.scheme": scheme, "url.domain": domain, "url.port": port,
            "url.path": path, "url.query": query}


def _host(authority: str | None) -> tuple[str | None, int | None]:
    """A host without brackets, and its port."""
    if authority is None:
        return None, None
    host, colon, port = authority.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()) or (":" in host and not host.endswith("]")):
        host, port = authority, ""
    return host.strip("[]") or None, int(port) if 0 < len(port) < 6 else None


def _header(headers: Iterable[list[str]] | None, name: str) -> str | None:
    return next((value for key, value in headers or () if key.lower() == name), None)


def _media(headers: Iterable[list[str]] | None) -> str | None:
    return (_header(headers, "content-type") or "").partition(";")[0].strip().lower() or None


def _dns(row: Row) -> Fields:
    answers = [_nested({"name": a["name"], "type": a["type"], "class": row["class"], "ttl": a["ttl"], "data": a["data"]})
               for a in row["answers"] or ()]
    resolved = _once(_ip(a["data"]) for a in answers if a["type"] in ("A", "AAAA"))
    answered = row["response_frame"] is not None
    return {"event.category": ["network"], "event.type": ["protocol", "info"], "event.action": "dns_query",
            "event.outcome": "unknown" if not answered else "success" if row["rcode"] == "NOERROR" else "failure",
            "event.duration": None if row["rtt_s"] is None else round(row["rtt_s"] * 1e9), "network.protocol": "dns",
            "dns.type": "answer" if answered else "query", "dns.id": None if row["id"] is None else str(row["id"]),
            "dns.op_code": row["opcode"], "dns.question.name": row["name"], "dns.question.type": row["type"],
            "dns.question.class": row["class"], "dns.response_code": row["rcode"], "dns.answers": answers,
            "dns.header_flags": [f.upper() for f in row["flags"] or () if f != "qr"], "dns.resolved_ip": resolved,
            "related.hosts": _once([row["name"]]), "related.ip": _once([_ip(row["client"]), _ip(row["server"]), *resolved])}


def _tls(row: Row) -> Fields:
    protocol, _, version = (row["version"] or "").partition(" ")
    return {"event.category": ["network"], "event.type": ["protocol", "info"], "event.action": "tls_handshake",
            "network.protocol": "tls", "tls.version": version, "tls.version_protocol": protocol.lower(),
            "tls.cipher": row["cipher"], "tls.curve": (row["key_exchange"] or "").partition(" ")[2],
            "tls.client.server_name": row["sni"], "tls.client.ja3": row["ja3"], "tls.server.ja3s": row["ja3s"],
            "tls.resumed": row["resumed"], "tls.established": established(row["history"]), "pcapkit.tls.ja4": row["ja4"],
            "pcapkit.tls.history": row["history"], "pcapkit.tls.alpn": row["alpn"], "related.hosts": _once([row["sni"]]),
            "related.hash": _once([row["ja3"], row["ja3s"], row["ja4"]])}


def _chain(row: Row) -> Fields:
    return {"event.category": ["network"], "event.type": ["info"], "event.action": "tls_certificates",
            "network.protocol": "tls", "tls.client.server_name": row["host"], "tls.server.subject": row["subject"],
            "tls.server.issuer": row["issuer"], "tls.server.hash.sha256": (row["sha256"] or "").upper(),
            "tls.server.not_before": rfc3339(row["valid_from"]), "tls.server.not_after": rfc3339(row["valid_until"]),
            "event.reason": row["at_capture"], "pcapkit.chain.sessions": row["sessions"],
            "pcapkit.chain.trusted": row["trusted"], "related.hosts": _once([row["host"]]),
            "related.hash": _once([(row["sha256"] or "").upper()])}


def _mail(row: Row) -> Fields:
    return {"event.category": ["email"], "event.type": ["info"], "event.action": "message",
            "event.outcome": _OUTCOMES.get(str(row["outcome"]), "unknown"), "network.protocol": "smtp",
            "email.sender.address": row["mail_from"], "email.from.address": addresses(row["from"]),
            "email.to.address": addresses(row["to"]), "email.cc.address": addresses(row["cc"]),
            "email.reply_to.address": addresses(row["reply_to"]), "email.subject": row["subject"],
            "email.message_id": row["message_id"], "email.local_id": row["queue_id"], "email.x_mailer": row["mailer"],
            "email.origination_timestamp": rfc3339(date(row["date"])),
            "email.content_type": _media(row["headers"]), "email.attachments": [
                {"file": _nested({"name": a["name"], "mime_type": a["type"], "size": a["size"],
                                  "hash.sha256": a.get("sha256")})} for a in row["attachments"] or ()],
            "pcapkit.mail.recipients": row["rcpt_to"], "pcapkit.mail.size": row["size"],
            "related.user": _once([row["mail_from"], *(row["rcpt_to"] or ())])}


def _login(row: Row) -> Fields:
    """A login; its secret is no part of it."""
    return {"event.category": ["authentication"], "event.type": ["start"], "event.action": f"{row['mechanism']}_login",
            "event.outcome": _OUTCOMES.get(str(row["outcome"]), "unknown"), "network.protocol": row["protocol"],
            "user.name": row["username"], "related.user": _once([row["username"]]),
            "pcapkit.login.mechanism": row["mechanism"], "pcapkit.login.secret_kind": str(row["secret_kind"])}


def _finding(row: Row) -> Fields:
    return {"event.kind": "alert", "event.category": ["intrusion_detection", "network"], "event.type": ["info"],
            "event.action": str(row["rule"]), "event.severity": _SEVERITIES.get(str(row["severity"])),
            "message": row["message"], "rule.id": str(row["rule"]), "rule.name": row["title"],
            "rule.reference": row["rfc"], "rule.ruleset": "pcapkit", "pcapkit.finding.severity": str(row["severity"]),
            "pcapkit.finding.confidence": str(row["confidence"]), "pcapkit.finding.remedy": row["remedy"],
            "pcapkit.finding.display_filter": row["display_filter"],
            "pcapkit.finding.capture_filter": row["capture_filter"], "pcapkit.finding.evidence": row["evidence"]}


def _anomaly(row: Row) -> Fields:
    return {"event.category": ["network"], "event.type": ["info"], "event.action": str(row["rule"]), "message": row["message"],
            "pcapkit.anomaly.count": row["count"]}


def _capture(row: Row) -> Fields:
    path = PurePath(row["file"])
    return {"event.category": ["file"], "event.type": ["info"],
            "event.action": "capture_read", "event.start": rfc3339(row["first_time"]), "event.end": rfc3339(row["last_time"]),
            "file.name": path.name, "file.path": row["file"], "file.hash.sha256": row["sha256"],
            "related.hash": _once([row["sha256"]]), "pcapkit.capture.format": row["format"],
            "pcapkit.capture.packets": row["packets"], "pcapkit.capture.bytes": row["bytes"],
            "pcapkit.capture.warnings": row["warnings"]}


_EVENTS: dict[str, Callable[[Row], Fields]] = {
    schema.FLOWS.name: _flow, schema.HTTP.name: _http, schema.DNS.name: _dns, schema.TLS.name: _tls,
    schema.CHAINS.name: _chain, schema.MAIL.name: _mail, schema.CREDENTIALS.name: _login, schema.FINDINGS.name: _finding,
    schema.ANOMALIES.name: _anomaly, schema.CAPTURES.name: _capture}
"""Tables whose rows are events. Commands of SMTP, form fields and single certificates have no fields in the schema."""
