"""Two sessions with a mail server, and somebody between it and one of its clients."""

from __future__ import annotations

from base64 import b64encode
from typing import ClassVar

from pcapkit.capture import Capture
from pcapkit.capture.views import Row
from pcapkit.exercises import Drawn
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.questions import Evidence, proven
from pcapkit.exercises.traffic.certificates import Issuer, day, der, private_key
from pcapkit.exercises.traffic.mail import Talk, message, sentences
from pcapkit.exercises.traffic.packets import Host
from pcapkit.exercises.traffic.secure import Terms, shake
from pcapkit.exercises.traffic.trace import SECOND, Trace
from pcapkit.exercises.traffic.web import AGENTS, page, request, response
from pcapkit.records import CLIENT, SERVER

_REASONS = {"not-offered": "b", "offered-unused": "c", "refused": "d"}
"""Verdicts, and the options of the question that mean them."""
_MASKS = ("XXXXXXXX", "XXXXXXXA", "ZZZZZZZZ", "********", "NOOPNOOP", "........", "STARTTL5", "--------")


class StrippedSTARTTLS:
    """STARTTLS taken out on the way: which session was attacked, where, by whom, and what did it cost?"""

    name: ClassVar[str] = "stripped"

    def make(self, draw: Draw) -> Drawn:
        """Draw an exercise."""
        return _Library(draw).drawn()


class _Library:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.trace = Trace(draw.of("packets"), draw.moment())
        first = draw.inside()
        self.clients = [Host(first), *(Host(draw.neighbour(first)) for _ in range(2))]
        self.server, self.printer = Host(draw.outside(), draw.between(45, 57)), Host(draw.outside(), draw.between(45, 60))
        self.box = self.server.ttl + draw.between(3, 7)
        self.domain = draw.domain()
        self.name, self.old = f"{draw.choice(('mail', 'smtp', 'post'))}.{self.domain}", f"{draw.thing()}.{draw.domain()}"
        self.user, self.password = draw.user(), draw.password()
        self.subject = f"The {draw.thing()} for the binder"
        self.mask = draw.choice(_MASKS)
        self.reason = draw.choice(tuple(_REASONS))
        offers = draw.sample(("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN"), 3)
        self.before, self.after = offers[:draw.between(1, 2)], [*offers[2:], f"SIZE {draw.between(10, 60)}000000"]

    def drawn(self) -> Drawn:
        at = 0
        pages = [self._page] * self.draw.between(0, 3)
        for block in self.draw.shuffled((self._encrypted, self._stripped, self._plain, *pages)):
            block(at)
            at += self.draw.between(1, 6) * SECOND
        self.trace.number()
        return Drawn(self.trace, self._answers(), {"name": self.name, "old": self.old})

    def _extensions(self, offer: str) -> list[str]:
        lines = [self.name, *self.before, offer, *self.after]
        return [f"250{'-' if i < len(lines) - 1 else ' '}{line}" for i, line in enumerate(lines)]

    def _encrypted(self, at: int) -> None:
        """A session as it should be."""
        draw = self.draw.of("encrypted")
        self.good = self.trace.connect(self.clients[0], self.server, 587, at)
        talk = Talk(self.good, f"220 {self.name} ESMTP ready")
        self.offered = talk.ask(f"EHLO {draw.thing()}.{self.domain}", *self._extensions("STARTTLS"))
        talk.ask("STARTTLS", "220 2.0.0 Go ahead")
        self.started = talk.asked
        key = private_key(draw.of("key"))
        issuer = Issuer(f"{draw.thing()} trust", private_key(draw.of("issuer")), draw)
        chain = [der(issuer.issue(self.name, key.public_key(), day(self.trace.start, -draw.between(5, 60)), 90))]
        session = shake(self.good, draw, Terms(self.name, chain, key=key))
        for size in (40, 60, draw.between(400, 2_000)):
            session.say(CLIENT, "." * size)
            session.say(SERVER, "." * draw.between(40, 190))
        self.good.close()

    def _stripped(self, at: int) -> None:
        """The same server, with the offer overwritten by somebody nearer by."""
        draw = self.draw
        self.bad = self.trace.connect(self.clients[1], self.server, 587, at)
        talk = Talk(self.bad, f"220 {self.name} ESMTP ready")
        self.asked = self.bad.say(CLIENT, f"EHLO {draw.thing()}.{self.domain}\r\n")
        self.altered = self.bad.say(SERVER, "".join(f"{line}\r\n" for line in self._extensions(self.mask)), ttl=self.box)
        self.written = b64encode(f"\0{self.user}\0{self.password}".encode()).decode()
        self.welcome = talk.ask(f"AUTH PLAIN {self.written}", "235 2.7.0 Authentication successful", repeated=draw.chance(40))
        self.login = talk.asked
        sender, reader = f"{self.user}@{self.domain}", f"{draw.user()}@{draw.domain()}"
        talk.ask(f"MAIL FROM:<{sender}>", "250 2.1.0 Ok")
        talk.ask(f"RCPT TO:<{reader}>", "250 2.1.5 Ok")
        headers = [("From", sender), ("To", reader), ("Subject", self.subject),
                   ("Message-ID", f"<{draw.label(12)}@{self.domain}>")]
        talk.send(message(self.bad.clock, headers, sentences(draw, 8)), f"250 2.0.0 Ok: queued as {draw.token(10).upper()}")
        self.sent = talk.asked
        talk.quit()

    def _page(self, at: int) -> None:
        """Somebody reads something else."""
        host = f"www.{self.draw.domain()}"
        talk = self.trace.connect(self.draw.choice(self.clients), Host(self.draw.outside(), self.draw.between(40, 60)), 80, at)
        talk.say(CLIENT, request("GET", f"/{self.draw.thing()}", host, self.draw.choice(AGENTS)))
        talk.say(SERVER, response(200, page(self.draw, host, self.draw.between(300, 4_000))))
        talk.close()

    def _plain(self, at: int) -> None:
        """Another server, whose session is in the clear for a reason of its own."""
        draw = self.draw
        self.other = self.trace.connect(self.clients[2], self.printer, 25, at)
        talk = Talk(self.other, f"220 {self.old} SMTP")
        offer = ["250-STARTTLS"] * (self.reason != "not-offered")
        self.poor = talk.ask(f"EHLO {draw.thing()}.{self.domain}", f"250-{self.old}", *offer, "250 SIZE 1000000")
        if self.reason == "refused":
            self.poor = talk.ask("STARTTLS", f"454 {self.old} has no TLS today")
        talk.ask(f"MAIL FROM:<scanner@{self.domain}>", "250 Ok")
        talk.ask(f"RCPT TO:<desk@{self.old}>", "250 Ok")
        headers = [("From", f"scanner@{self.domain}"), ("To", f"desk@{self.old}"), ("Subject", f"Scan of {draw.thing()}")]
        talk.send(message(self.other.clock, headers, sentences(draw, 3)), "250 Ok")
        talk.quit()

    def _answers(self) -> dict[str, Evidence]:
        number = self.trace.stream
        replies = f"smtp.response.code == 250 && ip.src == {self.server.address}"
        offers, smtp = f'{replies} && smtp.rsp.parameter contains "SIZE"', "pcapkit smtp stripped.pcap"
        attacked = f"tcp.stream eq {number(self.bad)}"
        return {
            "encrypted": proven(number(self.good), self.started.frame, 'smtp.command_line contains "STARTTLS"', "tcp.stream",
                                lambda cap: (_verdict(cap, "established").stream, _started(cap)),
                                command="pcapkit stripped.pcap"),
            "offer": proven(self.offered.frame, self.offered.frame,
                            f'{replies} && smtp.rsp.parameter == "STARTTLS"', "frame.number",
                            lambda cap: (_ehlo(cap, "established").reply_frame,) * 2, near=[self.started.frame], command=smtp),
            "attacked": proven(number(self.bad), self.altered.frame, offers, "tcp.stream",
                               lambda cap: (_attacked(cap).stream, _ehlo_of(cap, _attacked(cap).stream).reply_frame),
                               command="pcapkit stripped.pcap"),
            "mask": proven(self.mask, self.altered.frame, f"{attacked} && smtp.response.code == 250", "smtp.rsp.parameter",
                           lambda cap: (_odd_line(cap), _ehlo_of(cap, _attacked(cap).stream).reply_frame), exact=True,
                           command=smtp),
            "frame": proven(self.altered.frame, self.altered.frame, f"{attacked} && smtp.response.code == 250", "frame.number",
                            lambda cap: (_ehlo_of(cap, _attacked(cap).stream).reply_frame,) * 2, near=[self.asked.frame],
                            command=smtp),
            "odd-ttl": proven(self.box, self.altered.frame, f"{attacked} && ip.src == {self.server.address}", "ip.ttl",
                              lambda cap: (_ttl(cap, _odd_frame(cap)), _odd_frame(cap)),
                              command="pcapkit packets -n -x -r stripped.pcap"),
            "usual-ttl": proven(self.server.ttl, self.welcome.frame, f"{attacked} && ip.src == {self.server.address}", "ip.ttl",
                                lambda cap: (_ttl(cap, _welcome(cap)), _welcome(cap)),
                                command="pcapkit packets -n -x -r stripped.pcap"),
            "password": proven(self.password, self.login.frame, f"{attacked} && smtp.auth.username_password",
                               "smtp.auth.username_password",
                               lambda cap: (cap.credentials[0].secret, cap.credentials[0].last_frame), exact=True, decoded=True,
                               command="pcapkit credentials stripped.pcap --show-secrets"),
            "subject": proven(self.subject, self.sent.frame, f"{attacked} && imf", "imf.subject",
                              lambda cap: (_leaked(cap).subject, _leaked(cap).last_frame),
                              command="pcapkit mail stripped.pcap"),
            "plain": proven(_REASONS[self.reason], self.poor.frame,
                            f"smtp.response.code && ip.src == {self.printer.address}", "smtp.rsp.parameter",
                            lambda cap: (_REASONS[_other(cap).verdict], _told(cap)), shows=[self.old],
                            command="pcapkit stripped.pcap"),
        }


def _verdict(cap: Capture, verdict: str) -> Row:
    return next(row for row in cap.encryption if row.verdict == verdict)


def _attacked(cap: Capture) -> Row:
    return next(row for row in cap.encryption if row.verdict in ("suspected-stripping", "proven-alteration"))


def _other(cap: Capture) -> Row:
    """The session that was in the clear without an attack."""
    return next(row for row in cap.encryption if row.verdict in _REASONS)


def _told(cap: Capture) -> int:
    """Where the server said what the verdict rests on."""
    command = "STARTTLS" if _other(cap).verdict == "refused" else "EHLO"
    return next(int(row.reply_frame) for row in cap.smtp if row.stream == _other(cap).stream and row.command == command)


def _leaked(cap: Capture) -> Row:
    return next(row for row in cap.mail if row.stream == _attacked(cap).stream)


def _ehlo_of(cap: Capture, stream: int) -> Row:
    return next(row for row in cap.smtp if row.stream == stream and row.command == "EHLO")


def _ehlo(cap: Capture, verdict: str) -> Row:
    return _ehlo_of(cap, _verdict(cap, verdict).stream)


def _started(cap: Capture) -> int:
    stream = _verdict(cap, "established").stream
    return next(int(row.command_frame) for row in cap.smtp if row.stream == stream and row.command == "STARTTLS")


def _odd_frame(cap: Capture) -> int:
    return int(_ehlo_of(cap, _attacked(cap).stream).reply_frame)


def _odd_line(cap: Capture) -> str:
    """What the attacked answer has and the good one has not."""
    usual = _ehlo(cap, "established").text
    return next(str(line) for line in _ehlo_of(cap, _attacked(cap).stream).text if line not in usual)


def _welcome(cap: Capture) -> int:
    """The server's answer to the login."""
    return next(int(row.reply_frame) for row in cap.smtp if row.stream == _attacked(cap).stream and row.command == "AUTH")


def _ttl(cap: Capture, frame: int) -> int:
    """The time to live of a packet: the ninth byte of its IPv4 header, in the dump."""
    first = cap.packet(frame).splitlines()[1].partition(":")[2].split()
    return int(first[4][:2], 16)
