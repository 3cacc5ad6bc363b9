"""Mail that arrives at a server, and what the server looked up in the DNS about it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import ClassVar

from pcapkit.capture import Capture
from pcapkit.capture.views import Row
from pcapkit.exercises import Drawn
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.questions import Evidence, proven
from pcapkit.exercises.traffic.mail import Talk, message, sentences
from pcapkit.exercises.traffic.names import Lookup, look_up
from pcapkit.exercises.traffic.packets import Host
from pcapkit.exercises.traffic.trace import MILLISECOND, SECOND, Trace

_ENDS = (("-all", "fail"), ("~all", "softfail"), ("?all", "neutral"))
_RESULTS = ("pass", "fail", "softfail", "neutral", "none")
"""As the options of the question stand."""
_POLICIES = ("none", "quarantine", "reject")
_REPLIES = ((250, "2.0.0 Ok: queued as"), (550, "5.7.1 Not one of ours, see"), (451, "4.7.1 Try again later,"))


class SpoofedMail:
    """A forged sender: SPF, DMARC and block lists, as the receiving server asked for them in the DNS."""

    name: ClassVar[str] = "spoofed"

    def make(self, draw: Draw) -> Drawn:
        """Draw an exercise."""
        return _Society(draw).drawn()


class _Sender:
    """Somebody who delivers a message: a machine, the domain that it sends for, and what the DNS says of both."""

    def __init__(self, draw: Draw, honest: bool) -> None:
        self.host = Host(draw.outside(), draw.between(44, 58))
        self.domain = draw.domain()
        self.envelope = f"{draw.choice(('accounts', 'office', 'news', 'service'))}@{self.domain}"
        self.subject = draw.choice(("Seeds of the {}", "About your {}", "The {} is ready")).format(draw.thing())
        self.reverse = (f"{draw.choice(('out', 'relay', 'mta'))}{draw.between(1, 9)}.{self.domain}" if honest else
                        f"host-{draw.token(6).lower()}.{draw.choice(('pool', 'dyn', 'guest'))}.{draw.domain()}")
        self.helo = self.reverse if honest else f"mail.{self.domain}"
        subnet = ip_network(f"{draw.outside()}/{draw.choice((28, 29))}", strict=False)
        while self.host.address in map(str, subnet):
            subnet = ip_network(f"{draw.outside()}/28", strict=False)
        single = self.host.address if honest else draw.outside()
        self.allowed = draw.shuffled([str(subnet), single])
        self.end, self.result = ("-all", "pass") if honest else draw.choice(_ENDS)
        mechanisms = " ".join(f"ip4:{one}" for one in self.allowed)
        self.spf = f"v=spf1 {mechanisms} {self.end}"
        self.policy = draw.choice(_POLICIES)
        self.dmarc = f"v=DMARC1; p={self.policy}; rua=mailto:reports@{self.domain}"
        self.backwards = ".".join(reversed(self.host.address.split(".")))


class _Society:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.trace = Trace(draw.of("packets"), draw.moment())
        first = draw.outside()
        self.server, self.resolver = Host(first), Host(draw.neighbour(first), 63)
        self.domain = draw.domain()
        self.mx = f"mx{draw.between(1, 4)}.{self.domain}"
        self.good, self.bad = _Sender(draw, True), _Sender(draw, False)
        self.lists = [f"{draw.choice(('bl', 'dnsbl', 'list', 'zen', 'ip'))}.{draw.domain()}" for _ in range(draw.between(4, 6))]
        self.listing = draw.sample(self.lists, draw.between(2, len(self.lists) - 1))
        self.codes = {zone: f"127.0.0.{draw.between(2, 14)}" for zone in self.listing}
        self.code, self.words = draw.choice(_REPLIES)
        self.spf: dict[str, Lookup] = {}
        self.dmarc: dict[str, Lookup] = {}
        self.reverse: dict[str, Lookup] = {}
        self.listed: dict[str, Lookup] = {}
        self.ttl = draw.choice((300, 600, 900, 1_800, 3_600, 7_200, 14_400)) + draw.between(0, 59)

    def drawn(self) -> Drawn:
        at = 0
        for sender in self.draw.shuffled((self.good, self.bad)):
            self._deliver(sender, at)
            at += self.draw.between(3, 9) * SECOND
        for _ in range(self.draw.between(5, 10)):
            found = [] if self.draw.chance(40) else [self.draw.outside()]
            self._look_up(f"{self.draw.thing()}.{self.draw.domain()}", "A", found, self.draw.below(at))
        self.trace.number()
        values = {"mx": self.mx, "server": self.server.address, "resolver": self.resolver.address}
        return Drawn(self.trace, self._answers(), values)

    def _look_up(self, name: str, kind: str, data: list[str], at: int, ttl: int = 300) -> Lookup:
        return look_up(self.trace, self.server, self.resolver, name, kind, data, at, ttl=ttl)

    def _deliver(self, sender: _Sender, at: int) -> None:
        draw, bad = self.draw, sender is self.bad
        conversation = self.trace.connect(sender.host, self.server, 25, at)
        at = conversation.now
        self.reverse[sender.domain] = self._look_up(f"{sender.backwards}.in-addr.arpa", "PTR", [f"{sender.reverse}."], at)
        self._look_up(sender.reverse, "A", [sender.host.address], at + 60 * MILLISECOND)
        for zone in draw.shuffled(self.lists):
            at += draw.between(1, 9) * MILLISECOND
            answer = [self.codes[zone]] if bad and zone in self.codes else []
            found = self._look_up(f"{sender.backwards}.{zone}", "A", answer, at)
            if answer:
                self.listed[zone] = found
        conversation.wait(draw.between(120, 400) * MILLISECOND)
        talk = Talk(conversation, f"220 {self.mx} ESMTP")
        talk.ask(f"EHLO {sender.helo}", f"250-{self.mx}", "250 SIZE 30000000")
        talk.ask(f"MAIL FROM:<{sender.envelope}>", "250 2.1.0 Ok", repeated=draw.chance(30))
        envelope = talk.asked
        at = conversation.now
        self.spf[sender.domain] = self._look_up(sender.domain, "TXT", [sender.spf], at, self.ttl if bad else 1_200)
        self.dmarc[sender.domain] = self._look_up(f"_dmarc.{sender.domain}", "TXT", [sender.dmarc], at + 70 * MILLISECOND)
        conversation.wait(200 * MILLISECOND)
        talk.ask(f"RCPT TO:<treasurer@{self.domain}>", "250 2.1.5 Ok")
        headers = [("From", f"<{sender.envelope}>"), ("To", f"<treasurer@{self.domain}>"), ("Subject", sender.subject),
                   ("Message-ID", f"<{draw.label(12)}@{sender.domain}>")]
        code, words = (self.code, self.words) if bad else _REPLIES[0]
        asked = f"From now on, please send the dues to account {draw.token(10).upper()}.\r\n\r\n" if bad else ""
        reply = talk.send(message(conversation.clock, headers, asked + sentences(draw, 5)),
                          f"{code} {words} {draw.token(10).upper()}")
        if bad:
            self.envelope, self.sent, self.reply = envelope, talk.asked, reply
        talk.quit()

    def _answers(self) -> dict[str, Evidence]:
        bad = self.bad
        came = f"ip.src == {bad.host.address}"
        dns, smtp = "pcapkit dns spoofed.pcap", "pcapkit smtp spoofed.pcap"
        zones = f'dns.flags.rcode == 0 && dns.qry.name contains "{bad.backwards}" && dns.a'
        return {
            "address": proven(bad.host.address, self.envelope.frame, f'smtp.req.command == "MAIL" && {came}', "ip.src",
                              lambda cap: (_forged(cap).client, _said(cap, "MAIL").command_frame), command=dns),
            "subject": proven(bad.subject, self.sent.frame, f"imf && {came}", "imf.subject",
                              lambda cap: (_forged(cap).subject, _forged(cap).last_frame), command="pcapkit mail spoofed.pcap"),
            "reverse": proven(bad.reverse, self.reverse[bad.domain].answered.frame,
                              f'dns.ptr.domain_name && dns.qry.name contains "{bad.backwards}"', "dns.ptr.domain_name",
                              lambda cap: _answer(cap, f"{_backwards(cap)}.in-addr.arpa", "PTR"), also=[f"{bad.reverse}."],
                              command=dns),
            "frame": proven(self.spf[bad.domain].answered.frame, self.spf[bad.domain].answered.frame,
                            'dns.txt contains "v=spf1"', "frame.number",
                            lambda cap: (_answer(cap, _domain(cap), "TXT")[1],) * 2, near=[self.spf[bad.domain].asked.frame],
                            command=dns),
            "allowed": proven(sorted(bad.allowed), self.spf[bad.domain].answered.frame, 'dns.txt contains "v=spf1"', "dns.txt",
                              lambda cap: (_allowed(_answer(cap, _domain(cap), "TXT")[0]), _answer(cap, _domain(cap), "TXT")[1]),
                              command=dns),
            "result": proven("abcde"[_RESULTS.index(bad.result)], self.spf[bad.domain].answered.frame,
                             'dns.txt contains "v=spf1"', "dns.txt",
                             lambda cap: ("abcde"[_RESULTS.index(_result(cap))], _answer(cap, _domain(cap), "TXT")[1]),
                             shows=[bad.spf], command=dns),
            "ttl": proven(self.ttl, self.spf[bad.domain].answered.frame, 'dns.txt contains "v=spf1"', "dns.resp.ttl",
                          lambda cap: (_records(cap, _domain(cap), "TXT")[0]["ttl"], _answer(cap, _domain(cap), "TXT")[1]),
                          command=f"{dns} --json"),
            "policy": proven("abc"[_POLICIES.index(bad.policy)], self.dmarc[bad.domain].answered.frame,
                             'dns.txt contains "v=DMARC1"', "dns.txt",
                             lambda cap: ("abc"[_POLICIES.index(_policy(cap))], _dmarc(cap)[1]),
                             shows=[bad.dmarc], command=dns),
            "lists": proven(sorted(self.listing), max(found.answered.frame for found in self.listed.values()), zones,
                            "dns.qry.name", lambda cap: (list(_lists(cap)), max(_lists(cap).values())),
                            shows=[f"{bad.backwards}.{zone}" for zone in self.listing], command=dns),
            "code": proven(self.code, self.reply.frame, f"smtp.response.code && ip.dst == {bad.host.address}",
                           "smtp.response.code", lambda cap: (_forged(cap).code, _reply(cap)), command=smtp),
        }


def _records(cap: Capture, name: str, kind: str) -> list[dict[str, object]]:
    return next(list(row.answers) for row in cap.dns if row.name.rstrip(".") == name and row.type == kind)


def _answer(cap: Capture, name: str, kind: str) -> tuple[str, int]:
    """What was answered, and in which frame."""
    row = next(row for row in cap.dns if row.name.rstrip(".") == name and row.type == kind)
    return str(row.answers[0]["data"]).rstrip(".").strip('"'), row.response_frame


def _allowed(policy: str) -> list[str]:
    return [word.removeprefix("ip4:") for word in policy.split() if word.startswith("ip4:")]


def _forged(cap: Capture) -> Row:
    """The message whose sender's address is not in the policy of the domain in the envelope."""
    return next(row for row in cap.mail if not any(
        ip_address(row.client) in ip_network(one)
        for one in _allowed(_answer(cap, row.mail_from.partition("@")[2], "TXT")[0])))


def _domain(cap: Capture) -> str:
    return str(_forged(cap).mail_from.partition("@")[2])


def _backwards(cap: Capture) -> str:
    return ".".join(reversed(_forged(cap).client.split(".")))


def _said(cap: Capture, command: str) -> Row:
    return next(row for row in cap.smtp if row.stream == _forged(cap).stream and row.command == command)


def _reply(cap: Capture) -> int:
    return next(int(row.reply_frame) for row in cap.smtp if row.stream == _forged(cap).stream and not row.command
                and row.reply_frame > _forged(cap).last_frame)


def _result(cap: Capture) -> str:
    return dict(_ENDS)[_answer(cap, _domain(cap), "TXT")[0].split()[-1]]


def _dmarc(cap: Capture) -> tuple[str, int]:
    return _answer(cap, f"_dmarc.{_domain(cap)}", "TXT")


def _policy(cap: Capture) -> str:
    return _dmarc(cap)[0].partition("p=")[2].partition(";")[0]


def _lists(cap: Capture) -> dict[str, int]:
    """The lists that have the address, and the frames of their answers."""
    start = f"{_backwards(cap)}."
    return {row.name.rstrip(".").removeprefix(start): row.response_frame for row in cap.dns
            if row.name.startswith(start) and row.type == "A" and row.answers}
