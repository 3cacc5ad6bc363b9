"""What was observed as a bundle of STIX 2.1 (`bundle.json`): traffic, names, addresses, mail, certificates, accounts, findings.

All ids are made from what they name (UUID version 5), those of observables as the standard says (2.9), so that equal input gives
equal bytes and other tools find equal ids. No secret is part of it, shown or not. What was seen once is listed once: the
distinct observables of a capture are kept in memory by id. A finding is a note on the addresses that it is about; no pattern
follows from one capture, so there are no indicators.
"""

from __future__ import annotations

import hashlib
import ipaddress
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any, ClassVar

import orjson

from pcapkit import __version__, schema
from pcapkit.codecs.mail import addresses, date
from pcapkit.formats.folder import Folder
from pcapkit.formats.jsonl import clean, dumps, rfc3339
from pcapkit.formats.references import references
from pcapkit.schema import Chunk

_OBSERVABLES = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
_OURS = uuid.uuid5(uuid.NAMESPACE_DNS, "pcapkit-analyzer")
_CONFIDENCES = {"certain": 95, "likely": 70, "possible": 40}
_SINCE = "2026-01-01T00:00:00.000Z"
"""Since when there is what made it; also stands for the time of what has none."""

_CONTRIBUTING = {
    "network-traffic": ("start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"),
    "email-message": ("from_ref", "subject", "to_refs", "message_id", "date"), "x509-certificate": ("hashes", "serial_number"),
    "user-account": ("account_type", "user_id", "account_login"), "file": ("hashes", "name")}
"""What the ids of observables are made from; of all others here it is `value`. The standard takes the body of a message, which
is not at hand: without what stands for it here, two messages of the same subject would be one.
"""

Row = dict[str, Any]
Object = dict[str, Any]


class Stix:
    """Writes `bundle.json` into a folder: a bundle of STIX 2.1."""

    name: ClassVar[str] = "stix"
    hashes: ClassVar[bool] = True

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder, ".json", ("bundle",))
        self._seen: set[str] = set()
        self._digest = hashlib.blake2b(digest_size=16)
        self._events = 0
        self._identity = _named("identity", "pcapkit")
        self._folder.write("bundle", b'{"type":"bundle","objects":[\n')
        self._write({"type": "identity", "spec_version": "2.1", "id": self._identity, "created": _SINCE, "modified": _SINCE,
                     "name": f"pcapkit {__version__}", "identity_class": "system"}, first=True)

    def write(self, chunk: Chunk) -> None:
        """Append what the rows of a chunk observe."""
        make = _OBSERVED.get(chunk.table.name)
        if make is None:
            return
        for values in chunk.rows():
            row = dict(zip(chunk.table.names, _carried(values), strict=True))
            found = list(make(row))
            for thing in found:
                if thing["id"] not in self._seen:
                    self._seen.add(thing["id"])
                    self._write(thing)
            if chunk.table is schema.FINDINGS:
                self._note(row, found)
            elif found:
                self._observed(row, chunk.table.name, found)

    def _observed(self, row: Row, table: str, things: Iterable[Object]) -> None:
        """That these things were seen together."""
        first = row["first_time"] if table == schema.CAPTURES.name else row["time"]
        if first is None:
            return
        last = row.get("last_time")
        self._event("observed-data", first, {
            "first_observed": _moment(first), "last_observed": _moment(first if last is None else last), "number_observed": 1,
            "object_refs": list(dict.fromkeys(thing["id"] for thing in things)), "labels": [f"pcapkit-{table}"]})

    def _note(self, row: Row, things: list[Object]) -> None:
        rule, severity = str(row["rule"]), str(row["severity"])
        said = [row["message"], f"evidence: {row['file']}, frame {row['frame']}", f"remedy: {row['remedy']}",
                *([f"Wireshark: {row['display_filter']}"] if row["display_filter"] else [])]
        self._event("note", row["time"], {
            "abstract": row["title"], "content": "\n".join(said), "authors": ["pcapkit"],
            "object_refs": list(dict.fromkeys(t["id"] for t in things)) or [self._identity],
            "labels": [rule, f"severity-{severity}"], "confidence": _CONFIDENCES[str(row["confidence"])],
            "external_references": [_known({"source_name": "rfc" if link else "reference", "description": part, "url": link})
                                    for part, link in references(row["rfc"])]})

    def _event(self, kind: str, time: int | None, facts: Object) -> None:
        """An object of its own time, numbered in order."""
        self._events += 1
        created = _created(time)
        body = {"created": created, "modified": created, "created_by_ref": self._identity, **_known(facts)}
        self._write({"type": kind, "spec_version": "2.1", "id": _named(kind, f"{self._events}\0", body), **body})

    def _write(self, thing: Object, first: bool = False) -> None:
        data = dumps(thing, 0)
        self._digest.update(data)
        self._folder.write("bundle", data if first else b",\n" + data)

    def close(self) -> None:
        """Put the file in place."""
        self._folder.write("bundle", b'\n],"id":"%b"}\n' % _named("bundle", self._digest.hexdigest()).encode())
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._folder.abandon()


def _named(kind: str, name: str, facts: Object | None = None) -> str:
    """An id of what is ours."""
    return f"{kind}--{uuid.uuid5(_OURS, kind + name + (_canonical(facts) if facts else ''))}"


def _canonical(facts: Object) -> str:
    """JSON of which there is one form only (RFC 8785): text, whole numbers and what is made of them."""
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()


def _known(facts: Object) -> Object:
    return {name: value for name, value in facts.items() if value is not None and value != [] and value != ""}


def _observable(kind: str, **facts: Any) -> Object:
    """An observable, its id made from what the standard says (2.9)."""
    known = _known(facts)
    named = {name: known[name] for name in _CONTRIBUTING.get(kind, ("value",)) if name in known}
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid.uuid5(_OBSERVABLES, _canonical(named))}", **known}


def _carried(values: Sequence[Any]) -> Sequence[Any]:
    """The values, their text as UTF-8 can carry it: ids are made from what is written."""
    try:
        orjson.dumps(values)
    except TypeError:
        return [clean(value) for value in values]
    return values


def _moment(time_ns: int | None) -> str | None:
    """A time with microseconds, which is what readers keep, and no zeros at its end, as the reference reader writes it."""
    text = rfc3339(time_ns)
    return f"{text[:26].rstrip('0').rstrip('.')}Z" if text else None


def _created(time_ns: int | None) -> str:
    """The same with exactly three digits, as objects have them that are not observables (3.2)."""
    text = rfc3339(time_ns)
    return f"{text[:23]}Z" if text else _SINCE


@lru_cache(16_384)
def _address(text: str | None) -> Object | None:
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    return _observable(f"ipv{address.version}-addr", value=str(address))


def _ends(row: Row) -> list[Object]:
    """The addresses of a conversation."""
    return [found for found in (_address(row["client"]), _address(row["server"])) if found]


def _traffic(row: Row, service: str | None, ends: list[Object], **facts: Any) -> Object:
    protocols = [ends[0]["type"][:4], row["transport"], *([service] if service else [])]
    return _observable("network-traffic", src_ref=ends[0]["id"], dst_ref=ends[-1]["id"], src_port=row["client_port"],
                       dst_port=row["server_port"], protocols=protocols, start=_moment(row["time"]), **facts)


def _flow(row: Row) -> Iterator[Object]:
    ends = _ends(row)
    if len(ends) == 2:
        over = {"is_active": False, "end": _moment(row["last_time"])} if row["state"] in ("closed", "reset") else {}
        yield from ends
        yield _traffic(row, row["service"], ends, **over, src_byte_count=row["client_bytes"],
                       dst_byte_count=row["server_bytes"], src_packets=row["client_packets"],
                       dst_packets=row["server_packets"])


def _http(row: Row) -> Iterator[Object]:
    ends = _ends(row)
    if row["method"] and row["target"] and len(ends) == 2:
        yield from ends
        version = f"http/{row['version']}" if row["version"] else None
        yield _traffic(row, "http", ends, extensions={"http-request-ext": _known({
            "request_method": row["method"].lower(), "request_value": row["target"], "request_version": version})})
        if row["url"]:
            yield _observable("url", value=row["url"])


@lru_cache(16_384)
def _name(name: str | None) -> Object | None:
    """A domain name; the root is none."""
    return _observable("domain-name", value=name.rstrip(".")) if name and name.rstrip(".") else None


def _dns(row: Row) -> Iterator[Object]:
    if (asked := _name(row["name"])) is not None:
        yield asked
    for answer in row["answers"] or ():
        kind, named = answer["type"], _name(answer["name"])
        found = _address(answer["data"]) if kind in ("A", "AAAA") else _name(answer["data"]) if kind == "CNAME" else None
        if named and found:
            yield from (named, found, _resolves(named, found, row["time"]))


def _resolves(name: Object, to: Object, time: int | None) -> Object:
    """That a name was said to stand for an address, or for another name."""
    created = _created(time)
    return {"type": "relationship", "spec_version": "2.1", "id": _named("relationship", name["id"] + to["id"]),
            "created": created, "modified": created, "relationship_type": "resolves-to", "source_ref": name["id"],
            "target_ref": to["id"]}


def _mail(row: Row) -> Iterator[Object]:
    def listed(header: str | None) -> list[Object]:
        return [_observable("email-addr", value=address) for address in addresses(header)]

    author, to, cc = listed(row["from"]), listed(row["to"]), listed(row["cc"])
    envelope = [_observable("email-addr", value=a) for a in (row["mail_from"], *(row["rcpt_to"] or ())) if a]
    yield from (*author, *to, *cc, *envelope, *_ends(row))
    parts = row["mime"] or ()
    yield _observable("email-message", is_multipart=any(str(p["type"]).startswith("multipart/") for p in parts),
                      from_ref=author[0]["id"] if author else None, to_refs=[o["id"] for o in to],
                      cc_refs=[o["id"] for o in cc], subject=row["subject"], message_id=row["message_id"],
                      date=_moment(date(row["date"])))


def _certificate(row: Row) -> Iterator[Object]:
    if row["sha256"]:
        yield _observable("x509-certificate", hashes={"SHA-256": row["sha256"]}, serial_number=row["serial"],
                          subject=row["subject"], issuer=row["issuer"], signature_algorithm=row["signature"],
                          validity_not_before=_moment(row["not_before"]), validity_not_after=_moment(row["not_after"]),
                          subject_public_key_algorithm=row["key"])
        yield from _ends(row)


def _account(row: Row) -> Iterator[Object]:
    """Who logged in; its secret is no part of it."""
    if row["username"]:
        yield _observable("user-account", account_login=row["username"])
        yield from _ends(row)


def _capture(row: Row) -> Iterator[Object]:
    yield _observable("file", hashes={"SHA-256": row["sha256"]} if row["sha256"] else None, name=PurePath(row["file"]).name)


def _finding(row: Row) -> Iterator[Object]:
    yield from _ends(row)


_OBSERVED: dict[str, Callable[[Row], Iterator[Object]]] = {
    schema.FLOWS.name: _flow, schema.HTTP.name: _http, schema.DNS.name: _dns, schema.MAIL.name: _mail,
    schema.CERTIFICATES.name: _certificate, schema.CREDENTIALS.name: _account, schema.CAPTURES.name: _capture,
    schema.FINDINGS.name: _finding}
