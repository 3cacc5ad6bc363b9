"""HTTP as browsers' developer tools and others read it: one HTTP Archive 1.2 (`http.har`).

A response that is not in the capture has status 0, as in archives of browsers; a request that is not has the method "".
Bodies are not part of it: `extract` has them. Times of a phase that is not known are -1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from pcapkit import __version__, schema
from pcapkit.codecs.forms import parameter, urlencoded
from pcapkit.formats.folder import Folder
from pcapkit.formats.jsonl import dumps, plain_rows
from pcapkit.schema import Chunk

_VERSIONS = {"2": "HTTP/2"}
_MOST = 1_000
"""How many parameters of a query, and cookies of a header, are told apart."""

Headers = Sequence[Sequence[str]] | None


class Har:
    """Writes `http.har` into a folder, request by request."""

    name: ClassVar[str] = "har"
    tables: ClassVar[tuple[str, ...]] = (schema.HTTP.name,)

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder, ".har", (schema.HTTP.name,))
        self._first = True
        creator = dumps({"name": "pcapkit", "version": __version__}, 0)
        self._folder.write(schema.HTTP.name, b'{"log":{"version":"1.2","creator":%b,"entries":[' % creator)

    def write(self, chunk: Chunk) -> None:
        """Append the requests of a chunk; other tables are passed over."""
        if chunk.table is not schema.HTTP:
            return
        for row in plain_rows(chunk):
            entry = dumps(_entry(dict(zip(chunk.table.names, row, strict=True))), 0)
            self._folder.write(chunk.table.name, (b"\n" if self._first else b",\n") + entry)
            self._first = False

    def close(self) -> None:
        """Put the file in place."""
        self._folder.write(schema.HTTP.name, b"\n]}}\n")
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._folder.abandon()


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    """A row of table `http` as an entry (HAR 1.2, entries)."""
    wait, receive = _milliseconds(row["wait_s"]), _milliseconds(row["transfer_s"])
    comments = [text for text, missing in (("the request is not in the capture", row["method"] is None),
                                           ("the response is not in the capture", row["status"] is None)) if missing]
    entry = {
        "startedDateTime": row["time"], "time": sum(t for t in (wait, receive) if t >= 0),
        "request": _request(row), "response": _response(row), "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": receive},
        "serverIPAddress": row["server"], "connection": str(row["stream"]),
        "_frame": row["frame"], "_file": row["file"], "_encrypted": row["encrypted"],
    }
    return {**entry, "comment": "; ".join(comments)} if comments else entry


def _request(row: dict[str, Any]) -> dict[str, Any]:
    headers: Headers = row["request_headers"]
    found = {
        "method": row["method"] or "", "url": _url(row), "httpVersion": _version(row), "headers": _pairs(headers),
        "cookies": [c for value in _values(headers, "cookie") for c in _cookies(value)],
        "queryString": [{"name": f.name, "value": f.value or ""} for f in _query(row["target"] or "")],
        "headersSize": -1, "bodySize": _size(row["request_body_bytes"]),
    }
    if row["request_body_bytes"]:
        found["postData"] = {"mimeType": next(_values(headers, "content-type"), ""), "params": [], "text": "",
                             "comment": "the body is not kept"}
    return found


def _response(row: dict[str, Any]) -> dict[str, Any]:
    headers: Headers = row["response_headers"]
    size, decoded = _size(row["response_body_bytes"]), row["response_decoded_bytes"]
    content = {"size": max(0, size if decoded is None else decoded), "mimeType": next(_values(headers, "content-type"), "")}
    return {
        "status": row["status"] or 0, "statusText": row["reason"] or "", "httpVersion": _version(row), "headers": _pairs(headers),
        "cookies": [_set_cookie(value) for value in _values(headers, "set-cookie")],
        "content": content, "redirectURL": next(_values(headers, "location"), ""), "headersSize": -1, "bodySize": size,
    }


def _url(row: dict[str, Any]) -> str:
    """The URL, as far as it is known: an archive wants one in any case."""
    if row["url"]:
        return str(row["url"])
    host = row["host"] or (f"[{row['server']}]" if ":" in row["server"] else row["server"])
    target = row["target"] or "/"
    return f"{'https' if row['encrypted'] else 'http'}://{host}{target if target.startswith('/') else '/'}"


def _version(row: dict[str, Any]) -> str:
    version = row["version"] or ""
    return _VERSIONS.get(version) or (f"HTTP/{version}" if version else "")


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers or ()]


def _values(headers: Headers, name: str) -> Iterator[str]:
    return (value for header, value in headers or () if header.lower() == name)


def _query(target: str) -> Any:
    return urlencoded(target.partition("?")[2].partition("#")[0].encode("utf-8", "replace"), _MOST)


def _cookies(value: str) -> Iterator[dict[str, str]]:
    for pair in value.split(";")[:_MOST]:
        name, equals, content = pair.strip().partition("=")
        if equals:
            yield {"name": name, "value": content}


def _set_cookie(value: str) -> dict[str, Any]:
    """A cookie that is set, with its attributes (RFC 6265, 5.2)."""
    pair, *rest = value.split(";")[:_MOST]
    name, _, content = pair.partition("=")
    flags = {part.strip().lower() for part in rest}
    found: dict[str, Any] = {"name": name.strip(), "value": content.strip(), "httpOnly": "httponly" in flags,
                             "secure": "secure" in flags}
    for key in ("path", "domain"):
        if (said := parameter(value, key)) is not None:
            found[key] = said
    if (expires := _date(parameter(value, "expires") or "")) is not None:
        found["expires"] = expires
    return found


def _date(text: str) -> str | None:
    from email.utils import parsedate_to_datetime
    try:
        moment: datetime = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year > 999 else None


def _size(count: int | None) -> int:
    return -1 if count is None else count


def _milliseconds(seconds: float | None) -> float:
    return -1 if seconds is None else round(max(seconds, 0.0) * 1000, 6)
