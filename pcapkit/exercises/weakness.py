"""TLS handshakes of several servers, most of which have something wrong with them."""

from __future__ import annotations

from typing import ClassVar

from cryptography.x509 import Certificate

from pcapkit.capture import Capture, Row
from pcapkit.dissectors.tls.names import TLS10, TLS12, TLS13
from pcapkit.dissectors.tls.suites import suite_name
from pcapkit.exercises import Drawn
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.questions import Asked, Kind, ask
from pcapkit.exercises.traffic.certificates import Issuer, day, der, private_key, rsa_key
from pcapkit.exercises.traffic.names import look_up
from pcapkit.exercises.traffic.packets import Host
from pcapkit.exercises.traffic.secure import AES_13, ECDHE_GCM, RSA_3DES, RSA_CBC, RSA_GCM, RSA_RC4, Session, Terms, shake
from pcapkit.exercises.traffic.trace import SECOND, Trace
from pcapkit.formats.jsonl import rfc3339
from pcapkit.records import CLIENT, SERVER

_SERVICES = "www mail files wiki shop cal chat forum git maps news radio".split()
_OFFERED = (AES_13, ECDHE_GCM, RSA_GCM, RSA_CBC, RSA_3DES, RSA_RC4)


class TlsWeakness:
    """TLS handshakes with something wrong: old versions, broken ciphers, certificates that should not have been accepted."""

    name: ClassVar[str] = "weakness"
    title: ClassVar[str] = "Seven doors"
    story: ClassVar[str] = """\
A new administrator has inherited seven servers from somebody who retired to grow tomatoes. *"They all have TLS,"* said the
note, and that is true. One visitor's browser, which is as old and as patient as the servers, has called on each of them once.

What a server negotiates stands in its `ServerHello`, in the clear; up to TLS 1.2, so do its certificates. Walk along the seven
doors and find out which can be locked. **The date that counts is that of the capture, not today's.**"""
    start: ClassVar[str] = """\
In Wireshark, `tls.handshake.type == 1` shows the names that were asked for, `tls.handshake.type == 2` what the servers chose, and
`tls.handshake.type == 11` their certificates; with pcapkit, `pcapkit tls weakness.pcap` and `pcapkit certificates weakness.pcap`."""

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
        return Drawn(self.trace, self._questions(), f"The seven servers are `{'`, `'.join(sorted(self.names.values()))}`.")

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
        names = (self.wrong,) if kind == "named" else ()
        certificate = issuer.issue(self.wrong if names else name, key.public_key(), begin, 365 if kind == "expired" else 90, names)
        self.certificates[kind] = certificate
        return Terms(name, [der(certificate)], key=key, offered=_OFFERED)

    def _questions(self) -> list[Asked]:
        names, sessions, certificates = self.names, self.sessions, self.certificates
        tls, chains = "pcapkit tls weakness.pcap", "pcapkit certificates weakness.pcap"
        asks, chooses, shows = (f"tls.handshake.type == {number}" for number in (1, 2, 11))
        expired = certificates["expired"]
        ended, serial = f"{expired.not_valid_after_utc:%Y-%m-%d}", f"{expired.serial_number:x}"
        number = {RSA_RC4: "0x0005", RSA_3DES: "0x000a"}[self.cipher]
        sni = "tls.handshake.extensions_server_name"
        return [
            ask(Kind.TEXT, 2, "One of them still speaks TLS 1.0. Which? (its full name)", names["old"], sessions["old"].hello.frame,
                f"{asks} && tcp.stream eq {self._stream('old')}", sni,
                "The version that counts is the one in the `ServerHello`, not the one that the client offers.",
                lambda cap: (_of_version(cap, "TLS 1.0").sni, _of_version(cap, "TLS 1.0").frame), command=tls),
            ask(Kind.FRAME, 1, "In which frame does it choose it?", sessions["old"].chosen.frame, sessions["old"].chosen.frame,
                f"{chooses} && tls.handshake.version == 0x0301", "frame.number", "The `ServerHello` of that session.",
                lambda cap: (_chosen(cap, "tls-old-version"),) * 2, near=[sessions["old"].hello.frame], command=tls),
            ask(Kind.TEXT, 3, "Another one has chosen a cipher that no browser should accept any more, and in TLS 1.2 at that. What is "
                "the full name of the cipher suite?", suite_name(self.cipher), sessions["broken"].chosen.frame,
                f"{chooses} && tls.handshake.version == 0x0303 && tls.handshake.ciphersuite == {number}",
                "tls.handshake.ciphersuite", "Look for RC4 (RFC 7465) or 3DES (64-bit blocks) among the suites that were chosen.",
                lambda cap: (_broken(cap).cipher, _chosen(cap, "tls-rc4", "tls-sweet32")), shows=[number], also=[number],
                command=tls),
            ask(Kind.SET, 3, "With which servers could everything be decrypted later by somebody who gets hold of the server's key? "
                "(No forward secrecy: their full names.)", sorted((names["old"], names["broken"])),
                max(sessions[kind].hello.frame for kind in ("old", "broken")),
                f"{asks} && (tcp.stream eq {self._stream('old')} || tcp.stream eq {self._stream('broken')})", sni,
                "Suites whose names begin with `TLS_RSA_` have no ephemeral keys.",
                lambda cap: ([row.sni for row in _static(cap)], max(row.frame for row in _static(cap))), command=tls),
            ask(Kind.TEXT, 2, "Of one server no certificate can be seen, though it has one. Which server? (its full name)", names["new"],
                sessions["new"].hello.frame, f"{asks} && tcp.stream eq {self._stream('new')}", sni,
                "Since TLS 1.3, certificates are encrypted.",
                lambda cap: (_unseen(cap).sni, _unseen(cap).frame), command=tls),
            ask(Kind.TEXT, 2, "The certificate of one server had expired before this capture was made. On which day? (as 2025-12-31, "
                "UTC)", ended, sessions["expired"].certificates.frame, f"{shows} && tcp.stream eq {self._stream('expired')}",
                "x509af.utcTime", "`notAfter` in the certificate's *validity*.",
                lambda cap: (rfc3339(_expired(cap).not_after)[:10], _expired(cap).last_frame), shows=[ended[2:]], command=chains),
            ask(Kind.TEXT, 2, "What is the serial number of that certificate? (in hexadecimal)", serial,
                sessions["expired"].certificates.frame, f"{shows} && tcp.stream eq {self._stream('expired')}", "x509af.serialNumber",
                "It is one of the first fields of the certificate.", lambda cap: (_expired(cap).serial, _expired(cap).last_frame),
                also=[f"0x{serial}", _colons(serial), serial.upper(), str(expired.serial_number)], shows=[serial],
                command=chains),
            ask(Kind.TEXT, 2, "Which server has signed its certificate itself? (its full name)", names["own"],
                sessions["own"].certificates.frame, f"{shows} && tcp.stream eq {self._stream('own')}", "x509sat.uTF8String",
                "Subject and issuer are the same.", lambda cap: (_own(cap).subject.removeprefix("CN="), _own(cap).last_frame),
                command=chains),
            ask(Kind.TEXT, 3, "And one server has answered with a certificate for a name that was not asked for. For which name?",
                self.wrong, sessions["named"].certificates.frame, f"{shows} && tcp.stream eq {self._stream('named')}",
                "x509ce.dNSName", "Compare the name in the `ClientHello` with those in the certificate (*subjectAltName*).",
                lambda cap: (_stranger(cap).names[0], _stranger(cap).last_frame), command=chains),
        ]

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


def _own(cap: Capture) -> Row:
    return next(row for row in cap.certificates if row.subject == row.issuer)


def _stranger(cap: Capture) -> Row:
    """The certificate that does not have the name that was asked for."""
    asked = {row.stream: row.sni for row in cap.tls}
    return next(row for row in cap.certificates if asked[row.stream] not in row.names)
