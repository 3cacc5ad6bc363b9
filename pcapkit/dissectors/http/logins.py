"""Logins and other secrets in HTTP messages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from pcapkit.codecs.forms import Field, parameter, urlencoded
from pcapkit.codecs.names import is_password_name, is_secret_name, user_rank
from pcapkit.dissectors.http.heads import Head
from pcapkit.records import Credential, Outcome, Secret, SecretKind, Sink, Span


def place(sink: Sink, span: Span, start: int, stop: int) -> Span:
    """The span of bytes within a message, in the frames of that message."""
    if span.frame == span.last_frame:
        return Span(span.side, start, stop, span.frame, span.frame, span.time_ns)
    inner = sink.begin(span.side, start)
    sink.end(inner, stop)
    return inner


def form_login(sink: Sink, span: Span, fields: Sequence[Field], base: int | None, encoding: str,
               context: str) -> Credential | None:
    """The login of a form: a password-like field that is not empty, with the field most like a user's name."""
    passwords = [f for f in fields if f.value and is_password_name(f.name)]
    if not passwords:
        return None
    secret = passwords[0]
    users = [f for f in fields if f.value and f not in passwords and user_rank(f.name)]
    user = max(users, key=lambda f: user_rank(f.name)).value if users else ""
    where = place(sink, span, base + secret.start, base + secret.stop) if base is not None else None
    return Credential(span, "http", "form", user or "", secret.value or "", SecretKind.PASSWORD,
                      secret_span=where, context=f"{context}, field {secret.name} ({encoding})")


def form_secrets(sink: Sink, span: Span, fields: Sequence[Field], base: int | None) -> None:
    """Name the bytes of the values that must be masked."""
    for f in fields:
        if f.value and f.stop > f.start and base is not None and is_secret_name(f.name):
            sink.put(Secret(place(sink, span, base + f.start, base + f.stop), f.value))


def header_login(span: Span, value: str, where: Span, context: str) -> Credential | None:
    """The login of an Authorization header (RFC 7617, RFC 7616, RFC 6750)."""
    scheme, _, rest = value.partition(" ")
    kind, rest = scheme.lower(), rest.strip()
    if kind == "basic":
        pair = _basic(rest)
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


def _basic(token: str) -> tuple[str, str] | None:
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        user, colon, password = data.decode("utf-8").partition(":")
    except UnicodeDecodeError:
        user, colon, password = data.decode("latin-1").partition(":")
    return (user, password) if colon else None


def header_secrets(sink: Sink, span: Span, head: Head) -> list[tuple[str, str, Span]]:
    """Name the secret bytes of a head; returns (header, value, span) of those that may be logins."""
    logins = []
    for (name, value), at in zip(head.headers, head.places, strict=False):
        low = name.lower()
        if low not in ("authorization", "proxy-authorization", "cookie", "set-cookie", "referer"):
            continue
        start = span.start + at + len(name) + 2
        if low in ("authorization", "proxy-authorization"):
            scheme, _, rest = value.partition(" ")
            begin = start + len(scheme) + 1 if rest else start
            where = place(sink, span, begin, begin + len(rest or value))
            pair = _basic(rest) if scheme.lower() == "basic" else None
            sink.put(Secret(where, pair[1] if pair and pair[1] else rest or value))
            logins.append((low, value, where))
        elif low == "referer":
            query_secrets(sink, span, value, start)
        else:
            _cookies(sink, span, value if low == "cookie" else value.partition(";")[0], start)
    return logins


def _cookies(sink: Sink, span: Span, value: str, start: int) -> None:
    at = start
    for part in value.split(";"):
        name, equal, cookie = part.partition("=")
        stripped = cookie.strip()
        if equal and stripped:
            begin = at + len(name) + 1 + len(cookie) - len(cookie.lstrip())
            sink.put(Secret(place(sink, span, begin, begin + len(stripped)), stripped))
        at += len(part) + 1


def query_secrets(sink: Sink, span: Span, target: str, start: int) -> list[Field]:
    """The fields of a target's query; names the bytes of those that must be masked. `start` is where the target stands."""
    head, mark, query = target.partition("?")
    fields = urlencoded(query.partition("#")[0].encode("utf-8", "replace"), 1000) if mark else []
    form_secrets(sink, span, fields, start + len(head) + 1)
    return fields


def outcome(mechanism: str, status: int) -> Outcome:
    """What the response says of the login: a refusal is clear, a welcome only where HTTP itself checked it."""
    if status in (401, 407) or (status == 403 and mechanism != "bearer"):
        return Outcome.REJECTED
    if mechanism in ("basic", "digest", "bearer") and 200 <= status < 400:
        return Outcome.ACCEPTED
    return Outcome.UNKNOWN
