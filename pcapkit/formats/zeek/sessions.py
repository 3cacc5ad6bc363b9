"""Rows of Zeek's logs that say what else was seen of the connection: how many requests went before, the name in HELO, the
certificates. Tables of a window come one after the other, so a row waits until the next of its kind, or the file's end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pcapkit import schema
from pcapkit.codecs.mail import addresses
from pcapkit.formats.history import established
from pcapkit.formats.zeek.rows import place

Row = dict[str, Any]
Key = tuple[str, str, int | None]

_LIVE = 65_536
"""Of how many connections something is remembered: of those that came first, nothing is known any more."""

_REPLIES = 256
"""How many replies to messages wait for their message."""

_PROXIES = {"forwarded", "x-forwarded-for", "x-forwarded-from", "client-ip", "via", "xroxy-connection", "proxy-connection"}
_VERSIONS = {"SSL 2.0": "SSLv2", "SSL 3.0": "SSLv3", "TLS 1.0": "TLSv10", "TLS 1.1": "TLSv11", "TLS 1.2": "TLSv12",
             "TLS 1.3": "TLSv13", "DTLS 1.0": "DTLSv10", "DTLS 1.2": "DTLSv12", "DTLS 1.3": "DTLSv13"}


def _key(row: Row) -> Key:
    return row["file"], row["transport"], row["stream"]


def _room(live: dict[Key, Any]) -> None:
    """Make room for one more connection."""
    if len(live) >= _LIVE:
        del live[next(iter(live))]


def _header(headers: Iterable[list[str]] | None, *names: str) -> str | None:
    return next((value for key, value in headers or () if key.lower() in names), None)


class Http:
    """Requests with their number within the connection."""

    def __init__(self) -> None:
        self._depth: dict[Key, int] = {}

    def row(self, row: Row) -> Row:
        """A row of `http`."""
        sent, received = row["request_headers"], row["response_headers"]
        interim, depth = row["interim"], None
        if row["method"] is not None:
            if _key(row) not in self._depth:
                _room(self._depth)
            depth = self._depth[_key(row)] = self._depth.get(_key(row), 0) + 1
        return {**place(row), "trans_depth": depth, "method": row["method"], "host": row["host"], "uri": row["target"],
                "referrer": _header(sent, "referer"), "version": row["version"], "user_agent": row["user_agent"],
                "origin": _header(sent, "origin"), "request_body_len": row["request_body_bytes"],
                "response_body_len": row["response_body_bytes"], "status_code": row["status"], "status_msg": row["reason"],
                "info_code": interim[-1] if interim else None, "tags": [], "encrypted": row["encrypted"],
                "proxied": [f"{n.upper()} -> {v}" for n, v in sent or () if n.lower() in _PROXIES] or None,
                "resp_mime_types": _media_type(received), "orig_mime_types": _media_type(sent)}

    def forget(self) -> None:
        """The file is through."""
        self._depth.clear()


def _media_type(headers: Iterable[list[str]] | None) -> list[str] | None:
    """The type that the header names: bodies are not looked at."""
    named = (_header(headers, "content-type") or "").partition(";")[0].strip().lower()
    return [named] if named else None


@dataclass
class _Session:
    """What was seen of a mail session."""

    first: Row
    helo: str | None = None
    tls: bool = False
    last: str | None = None
    endings: list[tuple[int, str]] = field(default_factory=list)
    """(frame, text) of the replies to messages that no message has taken yet."""
    mails: int = 0


class Smtp:
    """Messages with the name in HELO, and sessions of which no message is to be seen."""

    def __init__(self) -> None:
        self._sessions: dict[Key, _Session] = {}
        self._waiting: list[Row] = []

    def take(self, table: str, rows: list[Row]) -> Iterator[Row]:
        """Rows of `smtp` or `mail`; those whose turn has come."""
        if table == schema.MAIL.name:
            yield from self._told()
            self._waiting = rows
            return
        for row in rows:
            if (session := self._sessions.get(_key(row))) is None:
                _room(self._sessions)
                session = self._sessions[_key(row)] = _Session(row)
            _hear(session, row)

    def finish(self) -> Iterator[Row]:
        """The file is through: what waits, and what is left."""
        yield from self._told()
        for session in self._sessions.values():
            if not session.mails:
                yield {**place(session.first), "helo": session.helo, "last_reply": session.last, "tls": session.tls,
                       "encrypted": session.first["encrypted"]}
        self._sessions.clear()

    def _told(self) -> Iterator[Row]:
        for row in self._waiting:
            yield self._message(row)
        self._waiting = []

    def _message(self, row: Row) -> Row:
        session, reply = self._sessions.get(_key(row)), None
        if session is not None:
            session.mails += 1
            while session.endings and reply is None:
                frame, said = session.endings.pop(0)
                reply = said if frame >= row["last_frame"] else None
        hops = [value for name, value in row["headers"] or () if name.lower() == "received"]
        return {**place(row), "trans_depth": session.mails if session else None, "helo": session.helo if session else None,
                "mailfrom": row["mail_from"], "rcptto": row["rcpt_to"] or None, "date": row["date"], "from": row["from"],
                "to": addresses(row["to"]) or None, "cc": addresses(row["cc"]) or None, "reply_to": row["reply_to"],
                "msg_id": row["message_id"], "in_reply_to": _header(row["headers"], "in-reply-to"), "subject": row["subject"],
                "first_received": hops[0] if hops else None, "second_received": hops[1] if len(hops) > 1 else None,
                "last_reply": reply, "user_agent": row["mailer"], "size": row["size"], "encrypted": row["encrypted"],
                "tls": bool(row["encrypted"] or (session and session.tls)),
                "path": [row["server"], row["client"]]}


def _hear(session: _Session, row: Row) -> None:
    """What a command with its reply tells of the session."""
    command, code = row["command"], row["code"]
    if command in ("HELO", "EHLO", "LHLO") and row["argument"]:
        session.helo = row["argument"].split()[0]
    elif command == "STARTTLS" and code == 220:
        session.tls = True
    if code is not None:
        session.last = " ".join(filter(None, (str(code), row["enhanced_code"], *(row["text"] or ()))))
        if command == "" and len(session.endings) < _REPLIES:
            session.endings.append((row["reply_frame"] or 0, session.last))


class Ssl:
    """Handshakes with the fingerprints of their certificates."""

    def __init__(self) -> None:
        self._chains: dict[Key, list[list[str]]] = {}
        self._waiting: list[Row] = []

    def take(self, table: str, rows: list[Row]) -> Iterator[Row]:
        """Rows of `tls` or `certificates`; those whose turn has come."""
        if table == schema.TLS.name:
            yield from self._told()
            self._waiting = rows
            return
        for row in rows:
            if _key(row) not in self._chains:
                _room(self._chains)
            chains = self._chains.setdefault(_key(row), [])
            if row["position"] == 0 or not chains:
                chains.append([])
            chains[-1].append(row["sha256"])

    def finish(self) -> Iterator[Row]:
        """The file is through: what waits."""
        yield from self._told()
        self._chains.clear()

    def _told(self) -> Iterator[Row]:
        for row in self._waiting:
            yield self._handshake(row)
        self._waiting = []

    def _handshake(self, row: Row) -> Row:
        chains = self._chains.pop(_key(row), [])
        by_client = chains.pop() if row["client_auth"] == "certificate sent" and chains else None
        curve = (row["key_exchange"] or "").partition(" ")[2]
        return {**place(row), "version": _VERSIONS.get(row["version"], row["version"]), "cipher": row["cipher"],
                "curve": curve or None, "server_name": row["sni"], "resumed": row["resumed"],
                "established": established(row["history"]), "ssl_history": row["history"],
                "cert_chain_fps": chains[0] if chains else None, "client_cert_chain_fps": by_client,
                "ja3": row["ja3"], "ja3s": row["ja3s"], "ja4": row["ja4"]}
