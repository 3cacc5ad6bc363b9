"""TLS handshakes of several servers, most of which have something wrong with them."""

from __future__ import annotations

from typing import ClassVar

from cryptography.x509 import Certificate

from pcapkit.capture import Capture
from pcapkit.capture.views import Row
from pcapkit.dissectors.tls.names import TLS10, TLS12, TLS13
from pcapkit.dissectors.tls.suites import suite_name
from pcapkit.exercises import Drawn
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.questions import Evidence, proven
from pcapkit.exercises.traffic.certificates import Issuer, day, der, private_key, rsa_key
from pcapkit.exercises.traffic.names import look_up
from pcapkit.exercises.traffic.packets import Host
from pcapkit.exercises.traffic.secure import AES_13, ECDHE_GCM, RSA_3DES, RSA_CBC, RSA_GCM, RSA_RC4, Session, Terms, shake
from pcapkit.exercises.traffic.trace import SECOND, Trace
from pcapkit.formats.jsonl import rfc3339
from pcapkit.records import CLIENT, SERVER

_SERVICES = "www mail files wiki shop cal chat forum git maps news radio".split()
_OPENSSL = {RSA_RC4: "RC4-SHA", RSA_3DES: "DES-CBC3-SHA"}
"""The same suites as OpenSSL calls them."""
_OFFERED = (AES_13, ECDHE_GCM, RSA_GCM, RSA_CBC, RSA_3DES, RSA_RC4)


class TlsWeakness:
    """TLS handshakes with something wrong: old versions, broken ciphers, certificates that should not have been accepted."""

    name: ClassVar[str] = "weakness"

    def make(self, draw: Draw) -> Drawn:
        """Draw an exercise."""
        return _Doors(draw).drawn()


class _Doors:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.trace = Trace(draw.of("packets"), draw.moment())
        first = draw.inside()
        self.client, self.resolver = Host(first), Host(draw.neighbour(first))
        self.domain = draw.domain()
        services = draw.sample(_SERVICES, 7)
        kinds = ("fine", "new", "old", "broken", "expired", "own", "named")
        self.names = {kind: f"{service}.{self.domain}" for kind, service in zip(kinds, services, strict=True)}
        self.authority = Issuer(f"{draw.thing()} authority", private_key(draw.of("authority")), draw.of("serials"))
        self.cipher = draw.choice((RSA_RC4, RSA_3DES))
        self.since = draw.between(2, 200)
        self.wrong = f"{draw.thing()}.{draw.domain()}"
        self.sessions: dict[str, Session] = {}
        self.certificates: dict[str, Certificate] = {}

    def drawn(self) -> Drawn:
        at = 0
        for kind in self.draw.shuffled(tuple(self.names)):
            self._visit(kind, at)
            at += self.draw.between(1, 5) * SECOND
        self.trace.number()
        return Drawn(self.trace, self._answers(), {"servers": ", ".join(f"`{name}`" for name in sorted(self.names.values()))})

    def _visit(self, kind: str, at: int) -> None:
        draw, name = self.draw.of(kind), self.names[kind]
        server = Host(self.draw.outside(), draw.between(44, 60))
        look_up(self.trace, self.client, self.resolver, name, "A", [server.address], at)
        conversation = self.trace.connect(self.client, server, 443, at + SECOND // 4)
        session = self.sessions[kind] = shake(conversation, draw, self._terms(kind, draw))
        for side, size in ((CLIENT, draw.between(90, 300)), (SERVER, draw.between(500, 5_000))):
            session.say(side, "." * size)
        conversation.close(draw.choice((CLIENT, SERVER)))

    def _terms(self, kind: str, draw: Draw) -> Terms:
        name, start = self.names[kind], self.trace.start
        if kind == "new":
            return Terms(name, version=TLS13, suite=AES_13, offered=_OFFERED)
        if kind in ("old", "broken"):
            begin = day(start, -draw.between(5, 200))
            self.certificates[kind] = self.authority.issue(name, rsa_key(draw, 2_048), begin, 365)
            return Terms(name, [der(self.certificates[kind])], TLS10 if kind == "old" else TLS12,
                         RSA_CBC if kind == "old" else self.cipher, offered=_OFFERED)
        key = private_key(draw)
        issuer = Issuer(name, key, draw) if kind == "own" else self.authority
        begin = day(start, -365 - self.since if kind == "expired" else -draw.between(5, 60))
        days = 365 if kind == "expired" else 90
        certificate = issuer.issue(self.wrong if kind == "named" else name, key.public_key(), begin, days)
        self.certificates[kind] = certificate
        return Terms(name, [der(certificate)], key=key, offered=_OFFERED)

    def _answers(self) -> dict[str, Evidence]:
        names, sessions, certificates = self.names, self.sessions, self.certificates
        tls, chains = "pcapkit tls weakness.pcap", "pcapkit certificates weakness.pcap"
        asks, chooses, shows = (f"tls.handshake.type == {number}" for number in (1, 2, 11))
        expired = certificates["expired"]
        ended, serial = f"{expired.not_valid_after_utc:%Y-%m-%d}", f"{expired.serial_number:x}"
        number = {RSA_RC4: "0x0005", RSA_3DES: "0x000a"}[self.cipher]
        sni = "tls.handshake.extensions_server_name"
        return {
            "old": proven(names["old"], sessions["old"].hello.frame, f"{asks} && tcp.stream eq {self._stream('old')}", sni,
                          lambda cap: (_of_version(cap, "TLS 1.0").sni, _of_version(cap, "TLS 1.0").frame), command=tls),
            "frame": proven(sessions["old"].chosen.frame, sessions["old"].chosen.frame,
                            f"{chooses} && tls.handshake.version == 0x0301", "frame.number",
                            lambda cap: (_chosen(cap, "tls-old-version"),) * 2, near=[sessions["old"].hello.frame],
                            command=tls),
            "suite": proven(suite_name(self.cipher), sessions["broken"].chosen.frame,
                            f"{chooses} && tls.handshake.version == 0x0303 && tls.handshake.ciphersuite == {number}",
                            "tls.handshake.ciphersuite",
                            lambda cap: (_broken(cap).cipher, _chosen(cap, "tls-rc4", "tls-sweet32")), shows=[number],
                            also=[number, _OPENSSL[self.cipher]], command=tls),
            "static": proven(sorted((names["old"], names["broken"])),
                             max(sessions[kind].hello.frame for kind in ("old", "broken")),
                             f"{asks} && (tcp.stream eq {self._stream('old')} || tcp.stream eq {self._stream('broken')})", sni,
                             lambda cap: ([row.sni for row in _static(cap)], max(row.frame for row in _static(cap))),
                             command=tls),
            "unseen": proven(names["new"], sessions["new"].hello.frame, f"{asks} && tcp.stream eq {self._stream('new')}", sni,
                             lambda cap: (_unseen(cap).sni, _unseen(cap).frame), command=tls),
            "expired": proven(ended, sessions["expired"].certificates.frame,
                              f"{shows} && tcp.stream eq {self._stream('expired')}", "x509af.utcTime",
                              lambda cap: (_day(_expired(cap).not_after), _expired(cap).last_frame), shows=[ended[2:]],
                              also=[ended[2:], f"{expired.not_valid_after_utc:%d.%m.%Y}"], command=chains),
            "serial": proven(serial, sessions["expired"].certificates.frame,
                             f"{shows} && tcp.stream eq {self._stream('expired')}", "x509af.serialNumber",
                             lambda cap: (_expired(cap).serial, _expired(cap).last_frame),
                             also=[f"0x{serial}", _colons(serial), serial.upper(), str(expired.serial_number)], shows=[serial],
                             command=chains),
            "own": proven(names["own"], sessions["own"].certificates.frame, f"{shows} && tcp.stream eq {self._stream('own')}",
                          "x509sat.uTF8String", lambda cap: (_own(cap).subject.removeprefix("CN="), _own(cap).last_frame),
                          command=chains),
            "named": proven(self.wrong, sessions["named"].certificates.frame,
                            f"{shows} && tcp.stream eq {self._stream('named')}", "x509ce.dNSName",
                            lambda cap: (_stranger(cap).names[0], _stranger(cap).last_frame), command=chains),
        }

    def _stream(self, kind: str) -> int:
        return self.trace.stream(self.sessions[kind].conversation)


def _colons(digits: str) -> str:
    return ":".join(digits[i:i + 2] for i in range(0, len(digits), 2))


def _of_version(cap: Capture, version: str) -> Row:
    return next(row for row in cap.tls if row.version == version)


def _chosen(cap: Capture, *rules: str) -> int:
    """The frame in which a server chose what a finding is about."""
    return next(int(row.frame) for row in cap.findings if row.rule in rules)


def _broken(cap: Capture) -> Row:
    return next(row for row in cap.tls if row.version == "TLS 1.2" and ("RC4" in row.cipher or "3DES" in row.cipher))


def _static(cap: Capture) -> list[Row]:
    return [row for row in cap.tls if row.key_exchange == "RSA"]


def _unseen(cap: Capture) -> Row:
    """The session without a certificate."""
    seen = {row.stream for row in cap.certificates}
    return next(row for row in cap.tls if row.stream not in seen)


def _expired(cap: Capture) -> Row:
    return next(row for row in cap.certificates if row.not_after < row.time)


def _day(time_ns: int) -> str:
    return str(rfc3339(time_ns))[:10]


def _own(cap: Capture) -> Row:
    return next(row for row in cap.certificates if row.subject == row.issuer)


def _stranger(cap: Capture) -> Row:
    """The certificate that does not have the name that was asked for."""
    asked = {row.stream: row.sni for row in cap.tls}
    return next(row for row in cap.certificates if asked[row.stream] not in row.names)
