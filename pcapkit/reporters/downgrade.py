"""Plain HTTP where HTTPS was to be had: what a man in the middle leaves who takes TLS out of links and redirects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from pcapkit.dissectors.http import HttpTransaction, value_of
from pcapkit.dissectors.tls import TlsHandshake
from pcapkit.records import Confidence, Conversation, Finding, Record, Severity, Span
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence, flow_of

_KEPT, _SHOWN = 10_000, 20
"""How many hosts are kept, and how many logins of a host."""
_PLACES = 50_000
"""How many handshakes and redirects are kept, of all hosts."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Place = tuple[Conversation, Span]


@dataclass(slots=True)
class _Login:
    """A login over plain HTTP: where, in words, and what its request says of HTTPS."""

    flow: Conversation
    span: Span
    words: str
    came_secured: bool
    """Whether it came from a page of the same host over HTTPS."""
    asks_for_tls: bool


@dataclass(slots=True)
class _Host:
    """What is known of a host: who was secured to it, whom it sent to HTTPS, and who logged in without."""

    handshakes: dict[str, Place] = field(default_factory=dict)
    """By client, the first one that came about."""
    redirects: dict[str, Place] = field(default_factory=dict)
    """By client, the first one."""
    logins: list[_Login] = field(default_factory=list)


class Downgrade:
    """A login went over plain HTTP to a host that speaks HTTPS, to others or to the same client: somebody on the way may have
    rewritten its links and redirects (sslstrip), or the site itself still has a plain page.
    """

    name: ClassVar[str] = "http-downgrade"
    severity: ClassVar[Severity] = Severity.HIGH
    wants: ClassVar[tuple[type[Record], ...]] = (HttpTransaction, TlsHandshake)

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self._places = 0

    def observe(self, record: Record) -> None:
        """Keep handshakes by their name, redirects to HTTPS, and plain logins."""
        if isinstance(record, HttpTransaction):
            if record.logins or record.status in _REDIRECTS:
                self._transaction(record)
        elif isinstance(record, TlsHandshake) and record.sni and record.established and (host := self._host(record.sni)):
            self._keep(host.handshakes, flow_of(record), record.span)

    def _transaction(self, row: HttpTransaction) -> None:
        flow = flow_of(row)
        if flow.encrypted:
            return
        host = self._host(row.host) if row.host else None
        if host is not None and len(host.logins) < _SHOWN and any(c.mechanism in _TYPED for c in row.logins):
            host.logins.append(_login(row, flow))
        target = value_of(row.response_headers, "location") if row.status in _REDIRECTS else ""
        if row.response_span is not None and target[:8].lower() == "https://" and (to := self._host(_named(target))):
            self._keep(to.redirects, flow, row.response_span)

    def _keep(self, places: dict[str, Place], flow: Conversation, span: Span) -> None:
        """The first place for each client, as long as there is room."""
        if flow.client not in places and self._places < _PLACES:
            self._places += 1
            places[flow.client] = flow, span

    def _host(self, name: str) -> _Host | None:
        name = name.lower()
        known = self._hosts.get(name)
        if known is None and len(self._hosts) < _KEPT:
            known = self._hosts[name] = _Host()
        return known

    def finish(self) -> Iterator[Finding]:
        """One finding for each host at which somebody logged in without TLS though there is."""
        for name, host in self._hosts.items():
            for client in dict.fromkeys(login.flow.client for login in host.logins):
                yield from self._judge(name, host, client, [one for one in host.logins if one.flow.client == client])

    def _judge(self, name: str, host: _Host, client: str, logins: list[_Login]) -> Iterator[Finding]:
        words, places, certain = [], [], False
        if any(login.came_secured for login in logins):
            words.append(f"its own request says that it came from a page of https://{name}")
            certain = True
        if host.redirects:
            flow, span = host.redirects.get(client) or next(iter(host.redirects.values()))
            whom = "it" if client in host.redirects else "others"
            words.append(f"the server sends {whom} to HTTPS (frame {span.frame})")
            places += evidence(flow, span)
            certain = True
        if host.handshakes:
            flow, span = host.handshakes.get(client) or next(iter(host.handshakes.values()))
            whom = "it" if client in host.handshakes else "others"
            words.append(f"{whom} had a TLS session with {name} (frame {span.frame})")
            places += evidence(flow, span)
        if not words:
            return
        if any(login.asks_for_tls for login in logins):
            words.append("it asked for secure pages (Upgrade-Insecure-Requests) and got none")
        first = logins[0]
        finding = Finding(
            first.span, self.name, Severity.HIGH, Confidence.LIKELY if certain else Confidence.POSSIBLE,
            "A login over plain HTTP where HTTPS is to be had",
            f"{client} logged in at http://{name} in the clear ({first.words}), though {'; '.join(words)}. "
            "Links and redirects to HTTPS may have been taken out on the way; a page left on plain HTTP looks the same",
            [*(e for login in logins for e in evidence(login.flow, login.span)), *places], "RFC 6797, 2.3.1 and 7.2",
            display_filter(first.flow, first.span.last_frame), capture_filter(first.flow),
            "serve nothing but a redirect over plain HTTP, send HSTS with preload; compare with a capture nearer to the server")
        finding.flow = first.flow
        yield finding


_TYPED = frozenset({"form", "basic", "digest", "json"})
"""Mechanisms with which people log in at pages."""


def _login(row: HttpTransaction, flow: Conversation) -> _Login:
    return _Login(flow, row.span, f"{row.method} {_path(row)}", _came_secured(row, (row.host or "").lower()),
                  value_of(row.request_headers, "upgrade-insecure-requests").strip() == "1")


def _came_secured(row: HttpTransaction, name: str) -> bool:
    return any(_named(value_of(row.request_headers, header)).lower() == name
               for header in ("origin", "referer") if value_of(row.request_headers, header)[:8].lower() == "https://")


def _named(url: str) -> str:
    """The host of an https URL, its usual port left out."""
    return url[8:].partition("/")[0].rpartition("@")[2].removesuffix(":443")


def _path(row: HttpTransaction) -> str:
    return (row.target or "").partition("?")[0][:100]
