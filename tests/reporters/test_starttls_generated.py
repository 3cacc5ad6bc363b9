"""Two hundred generated sessions that somebody attacked, and a benign twin of each: how many are told, how many are invented.

An attack leaves a trace that one capture can show: a keyword overwritten, the same server's offer elsewhere, what the DNS
publishes, a segment from elsewhere, bytes around the switch. The twin is as like as can be, and innocent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from said import CLIENT, SERVER, SERVER_ADDRESS, Packet, as_if, capture, handshake, looked_up, rows, script, talk

TOLD = {"suspected-stripping", "injection", "proven-alteration"}
MASKS = ("XXXXXXXA", "XXXXXXXB", "XXXXXXXX", "xxxxxxxx", "********")
KEYWORDS = ("PIPELINING", "SIZE 10240000", "VRFY", "ETRN", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES",
            "XCLIENT NAME ADDR", "X-EXPS GSSAPI", "HELP")
Case = list[list[Packet]]


class Server:
    """One server's way to speak: its name, its greeting, what it can do besides TLS, and how a session goes on."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.name = f"mx{chance.randrange(100)}.example.org"
        self.greeting = chance.choice(["ESMTP Postfix", "ESMTP Sendmail 8.17.1; Thu, 15 Jan 2026", "Microsoft ESMTP MAIL"])
        self.keywords = chance.sample(KEYWORDS, chance.randrange(2, 7))
        self.place = chance.randrange(len(self.keywords))
        mail = ("C: MAIL FROM:<a@example.net>\nS: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 354 go\n"
                "C: Subject: hello\nC: \nC: .\nS: 250 ok\n")
        login = "C: AUTH PLAIN AGFsaWNlAHNlY3JldA==\nS: 235 2.7.0 ok\n"
        self.rest = chance.choice(["", mail, login + mail]) + "C: QUIT\nS: 221 bye\n"

    def greets(self, keyword: str | None) -> str:
        """As far as the list of what the server can do, with a word in the place of STARTTLS, or none."""
        words = [*self.keywords[:self.place], *([keyword] if keyword else []), *self.keywords[self.place:]]
        lines = [f"S: 250{' ' if word is words[-1] else '-'}{word}\n" for word in words]
        return f"S: 220 {self.name} {self.greeting}\nC: EHLO client.example.net\nS: 250-{self.name}\n{''.join(lines)}"

    def session(self, keyword: str | None, at: int = 0, server: str = SERVER_ADDRESS) -> list[Packet]:
        """A session in the clear."""
        return talk(self.greets(keyword) + self.rest, at=at, server=server)

    def asked(self, answer: str, at: int = 0) -> list[Packet]:
        """A session in which the client asks for TLS and is refused."""
        return talk(f"{self.greets('STARTTLS')}C: STARTTLS\nS: {answer}\n{self.rest}", at=at)

    def encrypted(self, at: int = 0, behind_request: bytes = b"", behind_agreement: bytes = b"") -> list[Packet]:
        """A session that switches to TLS, with bytes where none should be."""
        greets = script(self.greets("STARTTLS"))
        ask, agree = b"STARTTLS\r\n" + behind_request, b"220 2.0.0 ready\r\n" + behind_agreement
        return talk([*greets, (CLIENT, ask), (SERVER, agree), *handshake()], at=at)

    def published(self, domain: str, address: str = SERVER_ADDRESS) -> Case:
        """The DNS says where the domain's mail goes, and that it has a policy."""
        policy = f"_mta-sts.{domain}"
        return [looked_up("example.org", "MX", f"10 {self.name}.", at=1), looked_up(self.name, "A", address, at=2),
                looked_up(policy, "TXT", f'"v=STSv1; id={self.chance.randrange(10**9)};"', at=3)]


LIST, REFUSAL = 6, 8
"""Frames: three to open, the greeting, EHLO, the list, STARTTLS, the answer."""


def masked(server: Server, attacked: bool) -> Case:
    """The twin has a keyword of its own that looks strange, but is too long or short to stand for STARTTLS."""
    return [server.session(server.chance.choice(MASKS) if attacked else server.chance.choice(("XEXCH50", "XXXXXXXXXA", "XADR")))]


def offered_elsewhere(server: Server, attacked: bool) -> Case:
    """The twin's other session is with another server."""
    return [server.encrypted(), server.session(None, at=60, server=SERVER_ADDRESS if attacked else "198.51.100.77")]


def published(server: Server, attacked: bool) -> Case:
    """The twin's policy is another domain's, or another host's."""
    chosen = [("example.org", SERVER_ADDRESS)] if attacked else [("example.com", SERVER_ADDRESS), ("example.org", "198.51.100.9")]
    return [*server.published(*server.chance.choice(chosen)), server.session(None, at=9)]


def from_elsewhere(server: Server, attacked: bool) -> Case:
    """The list comes with another time to live; in the twin that is another segment, or all from there on."""
    packets, hops = server.session(None), server.chance.randrange(30, 60)
    if attacked:
        return [as_if(packets, LIST, hops)]
    frames = [4] if server.chance.random() < 0.5 else [n for n in range(LIST, len(packets) + 1) if packets[n - 1].data[26] == 198]
    for frame in frames:
        packets = as_if(packets, frame, hops)
    return [packets]


def refused(server: Server, attacked: bool) -> Case:
    """A refusal from elsewhere; the twin's is the server's own."""
    answer = server.chance.choice(["454 4.7.0 TLS not available", "502 5.5.1 no", "501 5.5.4 syntax", "421 4.3.0 try later"])
    packets = server.asked(answer)
    return [as_if(packets, REFUSAL, server.chance.randrange(30, 60)) if attacked else packets]


def commands_injected(server: Server, attacked: bool) -> Case:
    """Commands behind STARTTLS; the twin pipelines before it, which is allowed (RFC 2920, 3.1)."""
    if attacked:
        injected = server.chance.choice([b"RSET\r\n", b"MAIL FROM:<x@example.com>\r\n", b"NOOP\r\n"])
        return [server.encrypted(behind_request=injected)]
    turns = [*script(server.greets("STARTTLS")), (CLIENT, b"NOOP\r\nSTARTTLS\r\n"), (SERVER, b"250 ok\r\n220 ready\r\n")]
    return [talk([*turns, *handshake()])]


def replies_injected(server: Server, attacked: bool) -> Case:
    """Replies behind the 220; the twin's 220 has two lines."""
    if attacked:
        return [server.encrypted(behind_agreement=server.chance.choice([b"250 injected\r\n", b"550 5.7.1 no\r\n"]))]
    turns = [*script(server.greets("STARTTLS")), (CLIENT, b"STARTTLS\r\n"), (SERVER, b"220-2.0.0 ready\r\n220 2.0.0 go\r\n")]
    return [talk([*turns, *handshake()])]


def torn(server: Server, attacked: bool) -> Case:
    """The offer is taken away where another session had it; the twin's list, or all before it, is not in the capture."""
    packets = server.session(None if attacked else server.chance.choice([None, "STARTTLS"]), at=60)
    lost = set() if attacked else {LIST} if server.chance.random() < 0.5 else set(range(1, LIST + 1))
    return [server.encrypted(), [packet for frame, packet in enumerate(packets, 1) if frame not in lost]]


KINDS: tuple[Callable[[Server, bool], Case], ...] = (
    masked, offered_elsewhere, published, from_elsewhere, refused, commands_injected, replies_injected, torn)


def told(folder: Path, case: Case) -> bool:
    """Whether any session of the case is called stripped or altered."""
    return any(row["verdict"] in TOLD for row in rows(capture(folder, *case)).get("encryption", []))


def test_attacks_are_told_and_their_twins_are_not(tmp_path: Path) -> None:
    missed, invented = [], []
    for number in range(200):
        kind = KINDS[number % len(KINDS)]
        if not told(tmp_path, kind(Server(Random(number)), True)):
            missed.append((kind.__name__, number))
        if told(tmp_path, kind(Server(Random(number)), False)):
            invented.append((kind.__name__, number))
    found = 200 - len(missed)
    assert found / 200 >= 0.99, missed
    assert found / (found + len(invented)) >= 0.99, invented
