"""Logins that went over the wire in the clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from pcapkit.records import SESSION_COOKIE, Confidence, Credential, Finding, Outcome, Record, SecretKind, Severity
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence, flow_of

_RFC = {"http": "RFC 9110, 17.16.1; RFC 7617, 4", "smtp": "RFC 4954, 9; RFC 8314, 3", "ftp": "RFC 4217",
        "ldap": "RFC 4513, 6.3.3", "postgresql": "PostgreSQL manual, sslmode", "mysql": "MySQL manual, ssl-mode",
        "managesieve": "RFC 5804, 2.1", "nntp": "RFC 4643, 2.3", "xmpp": "RFC 6120, 13.8.3", "irc": "RFC 2812, 3.1.1",
        "snmp": "RFC 3584, 5; RFC 3414, 1.2", "kerberos": "RFC 4120, 10", "radius": "RFC 2865, 8; RFC 6614",
        "sip": "RFC 3261, 22, 26.3.2", "smb": "[MS-SMB2] 5.1; [MS-NLMP] 5.1", "websocket": "RFC 6455, 10.6",
        "telnet": "RFC 4251", "rlogin": "RFC 1282; RFC 4251", "rsh": "RFC 4251", "rexec": "RFC 4251",
        "redis": "Redis manual, TLS", "mqtt": "MQTT 5.0, 5.4.1", "socks": "RFC 1929, 3", "rfb": "RFC 6143, 9",
        "tds": "MS-TDS, 5.1"}
_REMEDY = {"http": "serve the login over HTTPS only, redirect plain HTTP and send HSTS; change the password",
           "snmp": "use version 3 with authentication and encryption (authPriv); change the community",
           "kerberos": "long random passwords for services and users, AES instead of RC4, FAST around the time stamps",
           "radius": "RADIUS over TLS (RFC 6614), or EAP methods inside TLS; change the password",
           "sip": "SIP over TLS (sips:); change the password",
           "smb": "Kerberos instead of NTLM, SMB 3 with encryption; change the password",
           "websocket": "open the WebSocket with wss: only, and the page that does over HTTPS; change the password",
           "smtp": "offer AUTH only after STARTTLS, or use submission over TLS (port 465); change the password",
           **dict.fromkeys(("telnet", "rlogin", "rsh", "rexec"), "use SSH instead; change the password"),
           "socks": "reach the proxy through a tunnel or over TLS; change the password"}
_SEALED = ("gssapi", "gss-spnego", "kerberos_v4", "gs2-", "negotiate")
"""How mechanisms are called whose tokens hold once, for one server, and are encrypted."""
_TITLES = {SecretKind.TOKEN: "token"}
_TELLS = {SecretKind.CHALLENGE_RESPONSE: "the password was not sent, but can be guessed from what was",
          SecretKind.HASH: "what was sent is made from the secret, and may do in its place"}
_REMEDIES = {SecretKind.TOKEN: "serve it over HTTPS only; revoke the token and issue a new one"}
_KEPT, _SHOWN = 10_000, 100
"""How many different logins are kept, and how many times of each are named as evidence."""


@dataclass(slots=True)
class _Seen:
    """How often a login was seen, and the first of these."""

    times: int = 0
    first: list[Credential] = field(default_factory=list)


class CleartextCredentials:
    """A name and password crossed the network unencrypted: whoever saw the packets has them."""

    name: ClassVar[str] = "cleartext-credential"
    severity: ClassVar[Severity] = Severity.HIGH
    wants: ClassVar[tuple[type[Record], ...]] = (Credential,)

    def __init__(self) -> None:
        self._logins: dict[tuple[str, str, int | None, str, str, str, str], _Seen] = {}

    def observe(self, record: Record) -> None:
        """Keep a login that was not encrypted; the same login at the same server is one finding, and so are all its sessions."""
        if not isinstance(record, Credential) or flow_of(record).encrypted or not _is_worth(record):
            return
        flow = flow_of(record)
        who = ("", "") if record.mechanism == SESSION_COOKIE else (record.username, record.secret)
        key = (flow.file, flow.server, flow.server_port, record.protocol, record.mechanism, *who)
        known = self._logins.get(key)
        if known is None:
            if len(self._logins) >= _KEPT:
                return
            known = self._logins[key] = _Seen()
        known.times += 1
        if len(known.first) < _SHOWN:
            known.first.append(record)

    def finish(self) -> Iterator[Finding]:
        """One finding per login and server."""
        for seen in self._logins.values():
            seen.first.sort(key=lambda c: c.span.frame)
            yield self._finding(seen.first, seen.times)

    def _finding(self, logins: list[Credential], times: int) -> Finding:
        login = logins[0]
        flow, kind = flow_of(login), login.secret_kind
        session = login.mechanism == SESSION_COOKIE
        severity = Severity.LOW if session else Severity.HIGH if _shows_password(login) else Severity.MEDIUM
        what = "session" if session else _TITLES.get(kind, "login")
        remedy = "serve the whole site over HTTPS and set the cookie Secure; end the session" if session else _REMEDIES.get(
            kind) or _REMEDY.get(login.protocol, "use the protocol over TLS; change the password")
        finding = Finding(
            login.span, self.name, severity, Confidence.LIKELY if session else Confidence.CERTAIN,
            f"{login.protocol.upper()} {what} in the clear", _sessions(login, times) if session else _login(login, times),
            [e for c in logins for e in evidence(flow_of(c), c.secret_span or c.span, None if c.secret else c.reply_span)],
            "RFC 6265, 8.3" if session else _RFC.get(login.protocol, "RFC 8314, 3"),
            display_filter(flow, login.span.last_frame), capture_filter(flow), remedy)
        finding.flow = flow
        return finding


def _is_worth(login: Credential) -> bool:
    """Whether who saw it has anything: a token that shows nothing, or is of no use to another, is no secret."""
    return login.secret_kind is not SecretKind.TOKEN or bool(login.secret and not login.mechanism.startswith(_SEALED))


def _shows_password(login: Credential) -> bool:
    """Whether a password was seen, and not only a name that the server takes without."""
    return login.secret_kind is SecretKind.PASSWORD and bool(login.secret)


def _login(login: Credential, times: int) -> str:
    """What was seen of a login or token, in a sentence."""
    flow, kind = flow_of(login), login.secret_kind
    often = f", {times} times" if times > 1 else ""
    outcome = "" if login.outcome is Outcome.UNKNOWN else f"; the server {login.outcome} it"
    mechanism = "" if login.mechanism == "login" else f"{login.mechanism} "
    who = repr(login.username) if login.username else "an unnamed user"
    if kind is SecretKind.TOKEN:
        said = f"{mechanism}token" + (f" of {who}" if login.username else "")
    else:
        said = f"{mechanism}login of {who} with " + (f"a {kind}" if login.secret else "no password")
    tells = f"; {_TELLS[kind]}" if kind in _TELLS else ""
    return f"{login.protocol.upper()} {said} at {flow.server}:{flow.server_port} ({login.context}){often}{outcome}{tells}"


def _sessions(login: Credential, times: int) -> str:
    """What was seen of a server's sessions, in a sentence."""
    flow = flow_of(login)
    several = f" of {times} sessions" if times > 1 else ""
    return (f"{login.protocol.upper()} session cookie{'s' * (times > 1)}{several} at {flow.server}:{flow.server_port} "
            f"({login.context}): whoever saw it can go on with the session as if logged in")
