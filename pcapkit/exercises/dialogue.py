"""A mail on its way to a server, command by command."""

from __future__ import annotations

from base64 import b64encode
from typing import ClassVar

from pcapkit.capture import Capture
from pcapkit.capture.views import Row
from pcapkit.exercises import Drawn
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.questions import Evidence, proven
from pcapkit.exercises.traffic.mail import Talk, message, sentences
from pcapkit.exercises.traffic.packets import Host
from pcapkit.exercises.traffic.trace import SECOND, Trace

_REFUSALS = ((550, "5.1.1", "No such mailbox here"), (552, "5.2.2", "That mailbox is full"), (551, "5.1.6", "User has moved"),
             (553, "5.1.3", "Ambiguous address"), (554, "5.7.1", "Not from you"))
_LETTERS = {"plain": "a", "login": "b"}
"""As the options of the question stand."""


class MailDialogue:
    """A mail dialogue: envelope against header, who was refused, and who got a copy that nobody was told of?"""

    name: ClassVar[str] = "dialogue"

    def make(self, draw: Draw) -> Drawn:
        """Draw an exercise."""
        return _Club(draw).drawn()


class _Club:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.trace = Trace(draw.of("packets"), draw.moment())
        first = draw.inside()
        self.sender, self.decoy = Host(first), Host(draw.neighbour(first))
        self.server = Host(draw.outside(), 55)
        self.domain, self.other = draw.domain(), draw.domain()
        self.mx = f"{draw.choice(('mail', 'smtp', 'post', 'mx1'))}.{self.domain}"
        self.helo = f"{draw.thing()}.{self.domain}"
        self.user, self.password = draw.user(), draw.password()
        self.mechanism = draw.choice(("PLAIN", "LOGIN"))
        self.envelope, self.header = f"{self.user}@{self.domain}", f"committee@{self.domain}"
        people = [f"{draw.user()}@{draw.choice((self.domain, self.other))}" for _ in range(draw.between(4, 6))]
        self.silent, self.refused, *self.told = people
        self.refusal = draw.choice(_REFUSALS)
        self.recipe = draw.thing()
        self.subject = f"The {self.recipe} jam as promised"
        self.queue = draw.token(11).upper()
        self.size = draw.between(1_200, 9_000)

    def drawn(self) -> Drawn:
        for block in self.draw.shuffled((self._mail, self._newsletter)):
            block(self.draw.between(0, 4) * SECOND)
        self.trace.number()
        return Drawn(self.trace, self._answers(), {"subject": self.subject})

    def _mail(self, at: int) -> None:
        draw = self.draw
        talk = Talk(self.trace.connect(self.sender, self.server, 587, at), f"220 {self.mx} ESMTP ready")
        talk.ask(f"EHLO {self.helo}", f"250-{self.mx}", "250-PIPELINING", "250-SIZE 20480000", "250-AUTH PLAIN LOGIN",
                 "250-ENHANCEDSTATUSCODES", "250 8BITMIME")
        self.greeted = talk.asked
        self._log_in(talk)
        talk.ask(f"MAIL FROM:<{self.envelope}> SIZE={self.size}", "250 2.1.0 Ok", repeated=draw.chance(40))
        self.from_ = talk.asked
        self.bad = talk.asked
        everyone = draw.shuffled([*self.told, self.silent, self.refused])
        for one in everyone:
            code, enhanced, why = self.refusal if one == self.refused else (250, "2.1.5", "Ok")
            reply = talk.ask(f"RCPT TO:<{one}>", f"{code} {enhanced} {why}")
            if one == self.refused:
                self.bad, self.asked_bad = reply, talk.asked
            elif one == self.silent:
                self.asked_silent = talk.asked
            else:
                self.asked_good = talk.asked
        addressed = [one for one in everyone if one != self.silent]
        split = draw.between(1, len(addressed) - 1)
        headers = [("From", f"\"The committee\" <{self.header}>"), ("To", ", ".join(addressed[:split])),
                   ("Cc", ", ".join(addressed[split:])), ("Subject", self.subject),
                   ("Message-ID", f"<{draw.label(14)}@{self.helo}>")]
        text = message(talk.conversation.clock, headers, f"Keep this among us, please.\r\n\r\n{sentences(draw, 6)}")
        self.queued = talk.send(text, f"250 2.0.0 Ok: queued as {self.queue}")
        self.sent = talk.asked
        talk.quit()

    def _log_in(self, talk: Talk) -> None:
        """With the mechanism that was drawn; keeps the frame with the password, and how it is written there."""
        if self.mechanism == "PLAIN":
            self.written = b64encode(f"\0{self.user}\0{self.password}".encode()).decode()
            talk.ask(f"AUTH PLAIN {self.written}", "235 2.7.0 Authentication successful")
            self.chosen = talk.asked
        else:
            talk.ask("AUTH LOGIN", "334 VXNlcm5hbWU6")
            self.chosen = talk.asked
            talk.ask(b64encode(self.user.encode()).decode(), "334 UGFzc3dvcmQ6")
            self.written = b64encode(self.password.encode()).decode()
            talk.ask(self.written, "235 2.7.0 Authentication successful")
        self.login = talk.asked

    def _newsletter(self, at: int) -> None:
        """Another message, which nobody has to look at."""
        draw = self.draw
        talk = Talk(self.trace.connect(self.decoy, self.server, 587, at), f"220 {self.mx} ESMTP ready")
        talk.ask(f"EHLO {draw.thing()}.{self.domain}", f"250-{self.mx}", "250-SIZE 20480000", "250 8BITMIME")
        talk.ask(f"MAIL FROM:<news@{self.domain}>", "250 2.1.0 Ok")
        readers = [f"{draw.user()}@{self.other}" for _ in range(draw.between(1, 3))]
        for one in readers:
            talk.ask(f"RCPT TO:<{one}>", "250 2.1.5 Ok")
        headers = [("From", f"news@{self.domain}"), ("To", ", ".join(readers)), ("Subject", f"News of the {draw.thing()}"),
                   ("Message-ID", f"<{draw.label(14)}@{self.domain}>")]
        talk.send(message(talk.conversation.clock, headers, sentences(draw, draw.between(4, 30))),
                  f"250 2.0.0 Ok: queued as {draw.token(11).upper()}")
        talk.quit()

    def _answers(self) -> dict[str, Evidence]:
        own = f"ip.addr == {self.sender.address}"
        rcpt = f'{own} && smtp.req.command == "RCPT"'
        plain = self.mechanism == "PLAIN"
        smtp, mail = "pcapkit smtp dialogue.pcap", "pcapkit mail dialogue.pcap --json"
        password = "smtp.auth.username_password" if plain else "smtp.auth.password"
        return {
            "helo": proven(self.helo, self.greeted.frame, f'{own} && smtp.req.command == "EHLO"', "smtp.req.parameter",
                           lambda cap: (_said(cap, "EHLO").argument, _said(cap, "EHLO").command_frame), command=smtp),
            "mechanism": proven(_LETTERS[self.mechanism.lower()], self.chosen.frame,
                                f'{own} && smtp.req.command == "AUTH"', "smtp.req.parameter",
                                lambda cap: (_LETTERS[_login(cap).mechanism], _said(cap, "AUTH").command_frame),
                                shows=[self.mechanism] if not plain else [f"PLAIN {self.written}"], command=smtp),
            "password": proven(self.password, self.login.frame, f"{own} && {password}", password,
                               lambda cap: (_login(cap).secret, _login(cap).last_frame), exact=True, decoded=True,
                               command="pcapkit credentials dialogue.pcap --show-secrets"),
            "sender": proven(self.envelope, self.from_.frame, f'{own} && smtp.req.command == "MAIL"', "smtp.req.parameter",
                             lambda cap: (_mail(cap).mail_from, _said(cap, "MAIL").command_frame), also=[f"<{self.envelope}>"],
                             command=mail),
            "author": proven(self.header, self.sent.frame, f'imf.subject == "{self.subject}"', "imf.from",
                             lambda cap: (_mail(cap)["from"].partition("<")[2].rstrip(">"), _mail(cap).last_frame),
                             command=mail),
            "refused": proven(self.refused, self.asked_bad.frame, rcpt, "smtp.req.parameter",
                              lambda cap: (_bad(cap).argument[4:-1], _bad(cap).command_frame), also=[f"<{self.refused}>"],
                              command=smtp),
            "code": proven(self.refusal[0], self.bad.frame, f"{own} && smtp.response.code >= 500", "smtp.response.code",
                           lambda cap: (_bad(cap).code, _bad(cap).reply_frame), command=smtp),
            "recipients": proven(sorted([*self.told, self.silent]), self.asked_good.frame, rcpt, "smtp.req.parameter",
                                 lambda cap: (_mail(cap).rcpt_to, _last_good(cap)), command=mail),
            "silent": proven(self.silent, self.asked_silent.frame, rcpt, "smtp.req.parameter",
                             lambda cap: (_silent(cap), _rcpt(cap, _silent(cap)).command_frame), also=[f"<{self.silent}>"],
                             command=mail),
            "queue": proven(self.queue, self.queued.frame, f'{own} && smtp.rsp.parameter contains "queued"',
                            "smtp.rsp.parameter", lambda cap: (_mail(cap).queue_id, _queued(cap)), command=mail),
        }


def _mail(cap: Capture) -> Row:
    """The message about the recipe: the one with an author who is not its sender."""
    return next(row for row in cap.mail if "as promised" in row.subject)


def _said(cap: Capture, command: str) -> Row:
    return next(row for row in cap.smtp if row.stream == _mail(cap).stream and row.command == command)


def _login(cap: Capture) -> Row:
    return next(row for row in cap.credentials if row.stream == _mail(cap).stream)


def _recipients(cap: Capture) -> list[Row]:
    return [row for row in cap.smtp if row.stream == _mail(cap).stream and row.command == "RCPT"]


def _bad(cap: Capture) -> Row:
    return next(row for row in _recipients(cap) if row.code >= 500)


def _rcpt(cap: Capture, address: str) -> Row:
    return next(row for row in _recipients(cap) if address in row.argument)


def _silent(cap: Capture) -> str:
    """Who is in the envelope and in no header field."""
    named = f"{_mail(cap).to}, {_mail(cap).cc}"
    return next(str(address) for address in _mail(cap).rcpt_to if address not in named)


def _last_good(cap: Capture) -> int:
    """The last command for a recipient who was accepted and named."""
    return max(int(row.command_frame) for row in _recipients(cap) if row.code == 250 and _silent(cap) not in row.argument)


def _queued(cap: Capture) -> int:
    """The reply to the message."""
    return next(int(row.reply_frame) for row in cap.smtp if row.stream == _mail(cap).stream and not row.command
                and row.reply_frame > _mail(cap).last_frame)
