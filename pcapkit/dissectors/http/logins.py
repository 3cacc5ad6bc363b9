"""Logins and other secrets in HTTP messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pcapkit.codecs.forms import Field, parameter
from pcapkit.codecs.hidden import LOGIN_HEADERS, basic, in_url
from pcapkit.codecs.names import is_password_name, is_secret_name, user_rank
from pcapkit.dissectors.http.heads import Head, Line
from pcapkit.dissectors.http.records import HttpTransaction
from pcapkit.records import Credential, Outcome, Secret, SecretKind, Sink, Span


def place(sink: Sink, span: Span, start: int, stop: int) -> Span:
    """The span of bytes within a message, in the frames of that message."""
    if span.frame == span.last_frame:
        return Span(span.side, start, stop, span.frame, span.frame, span.time_ns)
    inner = sink.begin(span.side, start)
    sink.end(inner, stop)
    return inner


def form_login(sink: Sink, span: Span, fields: Sequence[Field], base: int | None, encoding: str,
               row: HttpTransaction) -> Credential | None:
    """The login of a form: a password-like field that is not empty, with the field most like a user's name."""
    passwords = [f for f in fields if f.value and is_password_name(f.name)]
    if not passwords:
        return None
    secret = passwords[0]
    users = [f for f in fields if f.value and not is_secret_name(f.name) and user_rank(f.name)]
    user = max(users, key=lambda f: user_rank(f.name)).value if users else ""
    where = place(sink, span, base + secret.start, base + secret.stop) if base is not None else None
    return Credential(span, "http", "form", user or "", secret.value or "", SecretKind.PASSWORD,
                      secret_span=where, context=f"{row.method} {shown(row.target or '')}, field {secret.name} ({encoding})")


def form_secrets(sink: Sink, span: Span, fields: Sequence[Field], base: int | None, body: int) -> None:
    """Name the bytes of the values that must be masked: the whole body, from `body` on, where their place is not known."""
    for f in fields:
        if f.value and is_secret_name(f.name):
            known = base is not None and f.stop > f.start
            start, stop = (base + f.start, base + f.stop) if base is not None and known else (body, span.stop)
            sink.put(Secret(place(sink, span, start, stop), f.value))


def header_login(span: Span, value: str, where: Span, context: str) -> Credential | None:
    """The login of an Authorization header (RFC 7617, RFC 7616, RFC 6750)."""
    scheme, _, rest = value.partition(" ")
    kind, rest = scheme.lower(), rest.strip()
    if kind == "basic":
        pair = basic(rest)
        if pair is not None:
            return Credential(span, "http", "basic", *pair, SecretKind.PASSWORD, secret_span=where, context=context)
    elif kind == "bearer" and rest:
        return Credential(span, "http", "bearer", "", rest, SecretKind.TOKEN, secret_span=where, context=context)
    elif kind == "digest":
        user, response = (parameter(";" + rest.replace(",", ";"), name) for name in ("username", "response"))
        if response:
            return Credential(span, "http", "digest", user or "", response, SecretKind.CHALLENGE_RESPONSE,
                              secret_span=where, context=context)
    return None


def header_secrets(sink: Sink, span: Span, behind: int, lines: Iterable[tuple[int, Line]]) -> list[tuple[Line, Span]]:
    """Name the secret bytes of a head's lines; returns those that may be logins, each with where its secret is."""
    logins: list[tuple[Line, Span]] = []
    for at, line in lines:
        base = span.start + behind + at
        for start, stop, text in line.secrets:
            where = place(sink, span, base + start, base + stop)
            sink.put(Secret(where, text))
            if line.item[0] in LOGIN_HEADERS:
                logins.append((line, where))
    return logins


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


def outcome(mechanism: str, status: int) -> Outcome:
    """What the response says of the login: a refusal is clear, a welcome only where HTTP itself checked it."""
    if status in (401, 407) or (status == 403 and mechanism != "bearer"):
        return Outcome.REJECTED
    if mechanism in ("basic", "digest", "bearer") and 200 <= status < 400:
        return Outcome.ACCEPTED
    return Outcome.UNKNOWN
