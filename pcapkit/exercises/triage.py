"""A capture of everything that passed: which of it matters?"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import ClassVar

from pcapkit.capture import Capture
from pcapkit.capture.views import Row
from pcapkit.exercises import Drawn
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.questions import Evidence, proven
from pcapkit.exercises.traffic.certificates import Issuer, day, der, private_key
from pcapkit.exercises.traffic.names import look_up
from pcapkit.exercises.traffic.packets import Host
from pcapkit.exercises.traffic.secure import Terms, shake
from pcapkit.exercises.traffic.trace import MILLISECOND, Conversation, Said, Trace
from pcapkit.exercises.traffic.web import AGENTS, page, request, response
from pcapkit.records import CLIENT, SERVER

_PROTOCOLS = ("ftp", "pop3", "imap", "http")
_PASSWORDS = {"ftp": "ftp.request.arg", "pop3": "pop.request.parameter", "imap": "imap.request", "http": "http.authbasic"}
_ASKED = {"ftp": 'ftp.request.command == "PASS"', "pop3": 'pop.request.command == "PASS"',
          "imap": 'imap.request contains "LOGIN"', "http": "http.authbasic"}


class Triage:
    """A mixed capture: what is going on here, what leaks, what is broken?"""

    name: ClassVar[str] = "triage"

    def make(self, draw: Draw) -> Drawn:
        """Draw an exercise."""
        return _Gate(draw).drawn()


class _Gate:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.trace = Trace(draw.of("packets"), draw.moment())
        first = draw.inside()
        self.clients = [Host(first), *(Host(draw.neighbour(first)) for _ in range(3))]
        self.resolver = Host(draw.neighbour(first))
        self.domain = draw.domain()
        self.leaking = draw.sample(_PROTOCOLS, 3)
        self.chosen = self.leaking[0]
        self.users = {protocol: draw.user() for protocol in _PROTOCOLS}
        self.passwords = {protocol: draw.password("-_.!") for protocol in _PROTOCOLS}
        self.named: dict[str, Said] = {}
        """Where the name of a login is, by protocol, and where its password."""
        self.logins: dict[str, Said] = {}
        self.missing_name = f"{draw.thing()}.{self.domain}"
        self.closed_port = draw.choice((22, 23, 445, 3306, 3389, 5432, 5900, 8080, 8443))
        self.archive = f"/{draw.thing()}/{draw.label(5)}.tar"

    def drawn(self) -> Drawn:
        draw = self.draw
        logins = {"ftp": self._ftp, "pop3": self._pop3, "imap": self._imap, "http": self._http}
        blocks: list[Callable[[int], None]] = [
            self._page, self._page, self._secure, self._secure, self._refused, self._download, self._no_such_name,
            *(logins[protocol] for protocol in self.leaking), *[self._page] * draw.between(0, 3)]
        at = 0
        for block in draw.shuffled(blocks):
            block(at)
            at += draw.between(300, 3_000) * MILLISECOND
        self.trace.number()
        how = "Basic is base64 of name, colon and password." if self.chosen == "http" else "It is there as it was typed."
        return Drawn(self.trace, self._answers(), {"client": self.clients[0].address, "domain": self.domain,
                                                   "chosen": self.chosen, "how": how})

    def _open(self, port: int, at: int, service: str = "", name: str = "") -> tuple[Conversation, str]:
        """A connection of somebody's to a new server, whose name was looked up."""
        draw = self.draw
        client, server = draw.choice(self.clients), Host(draw.outside(), draw.between(44, 61))
        name = name or f"{service}.{draw.domain()}"
        look_up(self.trace, client, self.resolver, name, "A", [server.address], at)
        return self.trace.connect(client, server, port, at + 80 * MILLISECOND), name

    def _page(self, at: int) -> None:
        draw, agent = self.draw, self.draw.choice(AGENTS)
        talk, name = self._open(80, at, "www")
        for _ in range(draw.between(1, 3)):
            talk.say(CLIENT, request("GET", f"/{draw.thing()}", name, agent), repeated=draw.chance(15))
            talk.say(SERVER, response(200, page(draw, name, draw.between(200, 3_500))), swapped=draw.chance(50))
            talk.wait(draw.between(50, 700) * MILLISECOND)
        talk.close(draw.choice((CLIENT, SERVER)))

    def _secure(self, at: int) -> None:
        draw = self.draw
        talk, name = self._open(443, at, draw.choice(("api", "login", "cloud")))
        key = private_key(draw.of(name))
        issuer = Issuer(f"{draw.thing()} authority", private_key(draw.of("authority")), draw)
        chain = [der(issuer.issue(name, key.public_key(), day(self.trace.start, -draw.between(5, 60)), 90))]
        session = shake(talk, draw.of(name + " session"), Terms(name, chain, key=key))
        for side in (CLIENT, SERVER) * draw.between(1, 3):
            session.say(side, "." * draw.between(80, 2_000))
        talk.close()

    def _refused(self, at: int) -> None:
        client, server = self.draw.choice(self.clients), Host(self.draw.outside(), self.draw.between(44, 61))
        self.knock = self.trace.connect(client, server, self.closed_port, at, refused=True)

    def _download(self, at: int) -> None:
        """The biggest answer, with a hole."""
        draw = self.draw
        self.big, name = self._open(80, at, "files")
        self.fetched = self.big.say(CLIENT, request("GET", self.archive, name, draw.choice(AGENTS)))
        body = draw.bytes(draw.between(11_000, 22_000)).hex()
        self.big.say(SERVER, response(200, body, "application/x-tar"), missing=True)
        self.beyond = self.big.acknowledged
        self.big.close()

    def _no_such_name(self, at: int) -> None:
        self.nothing = look_up(self.trace, self.draw.choice(self.clients), self.resolver, self.missing_name, "A", [], at)

    def _ftp(self, at: int) -> None:
        draw = self.draw
        talk, name = self._open(21, at, "ftp")
        talk.say(SERVER, f"220 {name} FTP server ready\r\n")
        self.named["ftp"] = talk.say(CLIENT, f"USER {self.users['ftp']}\r\n")
        talk.say(SERVER, "331 Password required\r\n")
        self.logins["ftp"] = talk.say(CLIENT, f"PASS {self.passwords['ftp']}\r\n")
        talk.say(SERVER, "230 Logged in\r\n")
        talk.say(CLIENT, f"CWD /{draw.thing()}\r\n")
        talk.say(SERVER, "250 CWD command successful\r\n")
        talk.say(CLIENT, "QUIT\r\n")
        talk.say(SERVER, "221 Goodbye\r\n")
        talk.close(SERVER)

    def _pop3(self, at: int) -> None:
        talk, name = self._open(110, at, "pop")
        talk.say(SERVER, f"+OK {name} ready\r\n")
        self.named["pop3"] = talk.say(CLIENT, f"USER {self.users['pop3']}\r\n")
        talk.say(SERVER, "+OK\r\n")
        self.logins["pop3"] = talk.say(CLIENT, f"PASS {self.passwords['pop3']}\r\n")
        talk.say(SERVER, "+OK Logged in\r\n")
        talk.say(CLIENT, "STAT\r\n")
        talk.say(SERVER, f"+OK {self.draw.between(2, 40)} {self.draw.between(3_000, 90_000)}\r\n")
        talk.say(CLIENT, "QUIT\r\n")
        talk.say(SERVER, "+OK Bye\r\n")
        talk.close()

    def _imap(self, at: int) -> None:
        tag = self.draw.label(2)
        talk, name = self._open(143, at, "imap")
        talk.say(SERVER, f"* OK {name} IMAP4rev1 ready\r\n")
        login = f"{tag}1 LOGIN {self.users['imap']} {self.passwords['imap']}\r\n"
        self.named["imap"] = self.logins["imap"] = talk.say(CLIENT, login)
        talk.say(SERVER, f"{tag}1 OK LOGIN completed\r\n")
        talk.say(CLIENT, f"{tag}2 LOGOUT\r\n")
        talk.say(SERVER, f"* BYE Logging out\r\n{tag}2 OK LOGOUT completed\r\n")
        talk.close()

    def _http(self, at: int) -> None:
        draw = self.draw
        talk, name = self._open(80, at, "printer")
        written = b64encode(f"{self.users['http']}:{self.passwords['http']}".encode()).decode()
        asked = request("GET", "/jobs", name, draw.choice(AGENTS), Authorization=f"Basic {written}")
        self.named["http"] = self.logins["http"] = talk.say(CLIENT, asked)
        talk.say(SERVER, response(200, page(draw, "Jobs", draw.between(200, 900))))
        talk.close()

    def _answers(self) -> dict[str, Evidence]:
        chosen, login = self.chosen, self.logins[self.chosen]
        asked, field = _ASKED[chosen], _PASSWORDS[chosen]
        flows, credentials = "pcapkit flows triage.pcap", "pcapkit credentials triage.pcap --show-secrets"
        streams = " || ".join(f"frame.number == {self.logins[one].frame}" for one in self.leaking)
        attempts, last = self.trace.opened()
        opened = "tcp.flags.syn == 1 && tcp.flags.ack == 0"
        return {
            "count": proven(attempts, last, opened, "tcp.stream",
                            lambda cap: (len(_tcp(cap)), max(row.frame for row in _tcp(cap))), count=True, command=flows),
            "port": proven(self.closed_port, self.knock.refusal.frame, "tcp.flags.reset == 1", "tcp.srcport",
                           lambda cap: (_refused(cap).server_port, _refused(cap).last_frame), command=flows),
            "name": proven(self.missing_name, self.nothing.answered.frame, "dns.flags.rcode == 3", "dns.qry.name",
                           lambda cap: (_nothing(cap).name.rstrip("."), _nothing(cap).response_frame),
                           command="pcapkit dns triage.pcap"),
            "protocols": proven(sorted(self.leaking), max(said.frame for said in self.logins.values()), streams,
                                "frame.protocols",
                                lambda cap: ([row.protocol for row in cap.credentials], _last_login(cap)),
                                shows=[one.rstrip("3") for one in self.leaking], command=credentials),
            "user": proven(self.users[chosen], self.named[chosen].frame, asked.replace("PASS", "USER"), field,
                           lambda cap: (_credential(cap, chosen).username, None), command=credentials),
            "password": proven(self.passwords[chosen], login.frame, asked, field,
                               lambda cap: (_credential(cap, chosen).secret, _credential(cap, chosen).last_frame), exact=True,
                               command=credentials),
            "path": proven(self.archive, self.fetched.frame, 'http.request.uri contains ".tar"', "http.request.uri",
                           lambda cap: (_largest(cap).target, _largest(cap).request_frame), command="pcapkit http triage.pcap"),
            "hole": proven(self.trace.stream(self.big), self.beyond.frame, "tcp.analysis.ack_lost_segment", "tcp.stream",
                           lambda cap: (_holed(cap).stream, None), command=flows),
            "server": proven(self.big.hosts[SERVER].address, self.fetched.frame,
                             f"tcp.stream eq {self.trace.stream(self.big)} && http.request", "ip.dst",
                             lambda cap: (_holed(cap).server, _largest(cap).request_frame), command=flows),
        }


def _tcp(cap: Capture) -> list[Row]:
    return [row for row in cap.flows if row.transport == "tcp"]


def _refused(cap: Capture) -> Row:
    """The flow that was reset without a byte."""
    return next(row for row in _tcp(cap) if row.state == "reset" and not row.client_bytes)


def _nothing(cap: Capture) -> Row:
    return next(row for row in cap.dns if row.rcode == "NXDOMAIN")


def _last_login(cap: Capture) -> int:
    return max(int(row.last_frame) for row in cap.credentials)


def _credential(cap: Capture, protocol: str) -> Row:
    return next(row for row in cap.credentials if row.protocol == protocol)


def _largest(cap: Capture) -> Row:
    return max(cap.http, key=lambda row: row.response_body_bytes or 0)


def _holed(cap: Capture) -> Row:
    return next(row for row in _tcp(cap) if row.server_gap_bytes)
