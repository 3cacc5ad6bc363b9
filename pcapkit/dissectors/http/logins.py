"""Logins and other secrets in HTTP messages, whatever the version of HTTP that carries them.

`Logins` is what one connection shows: it is given the header lines and forms of requests and responses, hangs what it takes for
logins on the row of their request, and settles them when the answer is known. The functions beside it name secret bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import unquote

from pcapkit.codecs.forms import Field, json_fields, multipart, parameter, urlencoded
from pcapkit.codecs.hidden import KEY_HEADERS, LOGIN_HEADERS, Place, in_url, userinfo
from pcapkit.codecs.names import is_secret, password_meaning
from pcapkit.codecs.ntlm import Answer
from pcapkit.codecs.xmlforms import xml_fields
from pcapkit.dissectors.http import cookies, schemes
from pcapkit.dissectors.http.heads import Head, Secretive
from pcapkit.dissectors.http.records import FormField, HttpTransaction
from pcapkit.dissectors.http.schemes import Digest
from pcapkit.dissectors.http.typed import Typed, says_login, typed, value_of
from pcapkit.limits import Limits
from pcapkit.records import SESSION_COOKIE, Credential, Outcome, Secret, SecretKind, Sink, Span

_FORMS = {"application/x-www-form-urlencoded": "urlencoded", "multipart/form-data": "multipart", "application/json": "json",
          "text/xml": "xml", "application/xml": "xml"}
_CHECKED = ("basic", "digest", "bearer", "ntlm", "negotiate")
"""Schemes that servers check before they answer otherwise than with 401."""
_REFUSAL = re.compile("error|fail|denied|invalid|incorrect")


@lru_cache(256)
def form_encoding(content_type: str) -> str:
    """The encoding of a form that a body of this type may hold, as in the table of forms; empty where it is none."""
    kind = content_type.partition(";")[0].strip().lower()
    return _FORMS.get(kind) or ("json" if kind.endswith("+json") else "xml" if kind.endswith("+xml") else "")


class Logins:
    """The logins of one connection."""

    def __init__(self, sink: Sink, limits: Limits) -> None:
        self.sink = sink
        self.limits = limits
        self._seen: set[tuple[str, str]] = set()
        """Header lines that were looked at."""
        self._known: set[tuple[str, str, str]] = set()
        """Mechanism, user and secret of what goes with every request and is told once."""
        self._nonces: dict[tuple[str, str], Digest] = {}
        """The challenges of Digest by whether a proxy asked ("proxy-" or "") and their nonce."""
        self._ntlm: dict[str, bytes] = {}
        """The challenge of NTLM in the last response, by whether a proxy asked: the next request answers it, no other."""

    # What messages show

    def header(self, row: HttpTransaction, span: Span, name: str, value: str, places: Sequence[Span] = ()) -> None:
        """A header of the message at `span` that may hold a secret; its name is in lower case.

        `places` are those of its secrets' bytes in the order of `in_header`, as far as they stand on the wire as such.
        """
        if (name, value) in self._seen:
            return
        if len(self._seen) >= self.limits.http_login_lines:
            self.sink.limit("http_login_lines", span)
            self._seen.clear()
        self._seen.add((name, value))
        where = places[0] if places else None
        if name in LOGIN_HEADERS:
            self._authorization(row, span, name, value, where)
        elif name in ("cookie", "set-cookie"):
            for session in cookies.sessions(name, value):
                self._session(row, span, name, session, places)
        elif name in KEY_HEADERS and len(value) >= 8 and " " not in value:
            self._once(row, Credential(span, "http", "api-key", "", value, SecretKind.TOKEN, secret_span=where, repeats=True,
                                       context=f"{row.method} {shown(row.target or '')}, header {name}"))

    def _authorization(self, row: HttpTransaction, span: Span, name: str, value: str, where: Span | None) -> None:
        said = schemes.shown(value)
        if said is None:
            return
        digest = said.said if isinstance(said.said, Digest) else None
        if digest is not None and not self._new("digest", said.user, digest.get("realm") + " " + digest.get("nonce")):
            return
        mechanism = said.mechanism if name == "authorization" else f"proxy-{said.mechanism}"
        if said.said is not None:
            row.answers = {**(row.answers or {}), len(row.logins): said.said}
        row.logins.append(Credential(span, "http", mechanism, said.user, said.secret, said.kind, secret_span=where,
                                     context=f"{row.method} {name}"))

    def _session(self, row: HttpTransaction, span: Span, header: str, session: cookies.Session, places: Sequence[Span]) -> None:
        if not self._new(SESSION_COOKIE, "", session.value):
            return
        where = places[session.number] if session.number < len(places) else None
        row.logins.append(Credential(span, "http", SESSION_COOKIE, "", session.value, SecretKind.TOKEN, secret_span=where,
                                     repeats=True, context=f"{header} {session.name[:100]}, because of {session.why}"))

    def _once(self, row: HttpTransaction, login: Credential) -> None:
        """Remember what goes with every request, if it is new."""
        if self._new(login.mechanism, login.username, login.secret):
            row.logins.append(login)

    def _new(self, *login: str) -> bool:
        if login in self._known:
            return False
        if len(self._known) >= self.limits.http_login_lines:
            self._known.clear()
        self._known.add(login)  # type: ignore[arg-type]
        return True

    def target(self, row: HttpTransaction, span: Span, base: int | None) -> None:
        """The target of a request, which begins at offset `base` if it stands on the wire as it is: its query is a form, too."""
        target = row.target or ""
        path, mark, query = target.partition("?")
        if "@" in path and (place_of := userinfo(path)) is not None:
            self._userinfo(row, span, path, place_of, base)
        if mark:
            fields = urlencoded(query.partition("#")[0].encode("utf-8", "replace"), self.limits.form_fields + 1)
            known = base is not None and target.isascii()
            self._fields(row, span, fields, base + len(path) + 1 if base is not None and known else None, "query")

    def _userinfo(self, row: HttpTransaction, span: Span, url: str, found: Place, base: int | None) -> None:
        """A user and password before the host of a URL (RFC 3986, 3.2.1)."""
        low, high, secret = found
        user = unquote(url.partition("://")[2].partition(":")[0])
        where = place(self.sink, span, base + low, base + high) if base is not None and url.isascii() else None
        row.logins.append(Credential(span, "http", "url", user, secret, SecretKind.PASSWORD, secret_span=where,
                                     context=f"{row.method} {shown(url)}"))

    def body(self, row: HttpTransaction, span: Span, data: bytes, start: int, base: int | None, cut: bool = False) -> None:
        """The form in a request's body `data`, if its type is one of forms; it begins at offset `start` of the stream.

        `base` is `start` where the bytes stand there as they are, None where they were decoded or put together. `cut` says
        that the end is not there.
        """
        content_type, most = value_of(row.request_headers, "content-type"), self.limits.form_fields + 1
        encoding = form_encoding(content_type)
        if not encoding:
            return
        if encoding == "urlencoded":
            fields = urlencoded(data, most)
        elif encoding == "multipart":
            fields = multipart(data, parameter(content_type, "boundary") or "", most)
        elif encoding == "json":
            fields = json_fields(data, most)
        else:
            if len(data) > self.limits.xml_body:
                self.sink.limit("xml_body", span)
            fields = xml_fields(data, most, self.limits.xml_body)
        form_secrets(self.sink, span, fields, base, start)
        if encoding in ("urlencoded", "multipart") or any(password_meaning(f.name).weight for f in fields):
            self._fields(row, span, fields, base, encoding, cut)
        else:
            self.form(row, span, fields, base, encoding, cut)

    def _fields(self, row: HttpTransaction, span: Span, fields: list[Field], base: int | None, encoding: str,
                cut: bool = False) -> None:
        """Put form fields as rows, and remember the logins in them."""
        most = self.limits.form_fields
        if len(fields) > most:
            self.sink.limit("form_fields", span)
        for f in fields[:most]:
            offset = base + f.start if base is not None and f.stop else None
            length = f.stop - f.start if f.stop else None
            self.sink.put(FormField(span, f.name, f.value, encoding, f.filename, f.raw, offset, length))
        self.form(row, span, fields, base, encoding, cut)

    def form(self, row: HttpTransaction, span: Span, fields: list[Field], base: int | None, encoding: str,
             cut: bool = False) -> None:
        """The logins in the fields of a form, whose places count from offset `base` where that is known; no rows are put."""
        found = typed(fields, encoding, row.method or "", row.target or "", row.request_headers)
        if len(found) > self.limits.form_logins:
            self.sink.limit("form_logins", span)
        for login in found[:self.limits.form_logins]:
            self._typed(row, span, login, base, encoding, cut and login.field is fields[-1])

    def _typed(self, row: HttpTransaction, span: Span, login: Typed, base: int | None, encoding: str, cut: bool) -> None:
        f = login.field
        where = place(self.sink, span, base + f.start, base + f.stop) if base is not None and f.stop > f.start else None
        context = (f"{row.method} {shown(row.target or '')}, field {f.name[:100]} ({encoding}), because of {login.why}"
                   f"{', cut short' if cut else ''}")
        hashed = f.value or "" if login.hashcat_mode is not None and not cut else ""
        found = Credential(span, "http", login.mechanism, login.user, f.value or "", login.kind, secret_span=where,
                           context=context, hashcat_mode=login.hashcat_mode if hashed else None, hashcat=hashed, john=hashed)
        if login.mechanism == "form":
            row.logins.append(found)
        else:
            self._once(row, found)

    # What becomes of them

    def settle(self, row: HttpTransaction) -> list[Credential]:
        """The logins of a request whose response is known, or will not be: each with its outcome, the last challenge answered."""
        logins = row.logins
        if not logins and not self._ntlm and row.status not in (401, 407):
            return []
        for number, said in (row.answers or {}).items():
            self._answer(row, logins[number], said)
        if row.status is not None:
            for found in logins:
                found.outcome = outcome(row, found.mechanism)
                found.reply_span = row.response_span
        row.logins, row.answers = [], None
        self._ntlm.clear()
        if row.status in (401, 407):
            self._challenged(row.response_headers or [], row.status)
        return logins

    def _answer(self, row: HttpTransaction, found: Credential, said: Answer | Digest) -> None:
        """The lines that guess the password behind the answer to a challenge, with that challenge where it was seen."""
        proxy = "proxy-" if found.mechanism.startswith("proxy-") else ""
        if isinstance(said, Answer):
            found.hashcat_mode, found.hashcat = said.hashcat(self._ntlm.get(proxy))
            found.john = said.john(self._ntlm.get(proxy))
            return
        asked = self._nonces.get((proxy, said.get("nonce")))
        algorithm = said.get("algorithm") or (asked.get("algorithm") if asked is not None else "")
        found.hashcat_mode, found.hashcat, found.john = said.lines(row.method or "", algorithm)
        found.context += f", realm {said.get('realm')[:100]!r}" + (", as the server asked" if asked is not None else "")

    def _challenged(self, headers: Iterable[Sequence[str]], status: int) -> None:
        """Remember what a server or proxy asked; of Digest, the last challenges."""
        name, proxy = ("www-authenticate", "") if status == 401 else ("proxy-authenticate", "proxy-")
        for header, value in headers:
            asked = schemes.challenge(value) if header.lower() == name else None
            if isinstance(asked, Digest):
                if len(self._nonces) >= self.limits.http_login_lines:
                    del self._nonces[next(iter(self._nonces))]
                self._nonces[proxy, asked.get("nonce")] = asked
            elif asked is not None:
                self._ntlm[proxy] = asked


def outcome(row: HttpTransaction, mechanism: str) -> Outcome:
    """What the response says of a login: a refusal is clear, a welcome only where HTTP checked it, or a form leads on."""
    status = row.status or 0
    if mechanism.startswith("proxy-"):
        passed = 200 <= status < 400 or status == 401
        return Outcome.REJECTED if status == 407 else Outcome.ACCEPTED if passed else Outcome.UNKNOWN
    if mechanism == "form":
        return _form_outcome(row, status)
    if status == 401 or (status == 403 and mechanism in _CHECKED and mechanism != "bearer"):
        return Outcome.REJECTED
    return Outcome.ACCEPTED if mechanism in _CHECKED and 200 <= status < 400 else Outcome.UNKNOWN


def _form_outcome(row: HttpTransaction, status: int) -> Outcome:
    """401 and 403 refuse. A redirect that says so refuses, too; one that leads elsewhere with a new session welcomes."""
    if status in (401, 403):
        return Outcome.REJECTED
    location = value_of(row.response_headers, "location")
    if not location or not 300 <= status < 400:
        return Outcome.UNKNOWN
    if _REFUSAL.search(location.lower()) is not None:
        return Outcome.REJECTED
    there, here = _path(location), (_path(row.target or ""), _path(value_of(row.request_headers, "referer")))
    if there in here or says_login(location):
        return Outcome.UNKNOWN
    new = any(name.lower() == "set-cookie" and next(cookies.sessions("set-cookie", value), None) is not None
              for name, value in row.response_headers or [])
    return Outcome.ACCEPTED if new else Outcome.UNKNOWN


def _path(url: str) -> str:
    """The path of a URL or target, without a slash at its end."""
    path = url.partition("?")[0].partition("#")[0]
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path.rstrip("/")


# Which bytes are secret


def place(sink: Sink, span: Span, start: int, stop: int) -> Span:
    """The span of bytes within a message, in the frames of that message."""
    if span.frame == span.last_frame:
        return Span(span.side, start, stop, span.frame, span.frame, span.time_ns)
    inner = sink.begin(span.side, start)
    sink.end(inner, stop)
    return inner


def form_secrets(sink: Sink, span: Span, fields: Sequence[Field], base: int | None, body: int) -> None:
    """Name the bytes of the values that must be masked: the whole body, from `body` on, where their place is not known."""
    for f in fields:
        if f.value and is_secret(f.name, f.value):
            known = base is not None and f.stop > f.start
            start, stop = (base + f.start, base + f.stop) if base is not None and known else (body, span.stop)
            sink.put(Secret(place(sink, span, start, stop), f.value))


def header_secrets(sink: Sink, span: Span, behind: int,
                   lines: Iterable[Secretive]) -> list[tuple[tuple[str, str], list[Span]]]:
    """Name the secret bytes of a head's lines; returns name and value of each with where its secrets are."""
    found = []
    for at, item, secrets in lines:
        base, places = span.start + behind + at, []
        for start, stop, text in secrets:
            where = place(sink, span, base + start, base + stop)
            sink.put(Secret(where, text))
            places.append(where)
        found.append((item, places))
    return found


def target_secrets(sink: Sink, span: Span, head: Head) -> None:
    """Name the secret bytes of a request's target."""
    target = head.start[1]
    for low, high, text in in_url(target):
        if not target.isascii():
            low, high = 0, len(target.encode("utf-8", "replace"))
        start = span.start + head.target
        sink.put(Secret(place(sink, span, start + low, min(start + high, span.stop)), text))


def shown(target: str) -> str:
    """A target without what may be secret in it, and not too long."""
    path = target.partition("?")[0]
    return (path.rpartition("@")[2] if "://" in path else path)[:200]
