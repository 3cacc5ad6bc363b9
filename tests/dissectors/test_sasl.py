"""The same SASL exchanges in every protocol that carries them: each has its own way for lines of either side."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pytest

from pcapkit.dissectors.imap import IMAP
from pcapkit.dissectors.irc import IRC
from pcapkit.dissectors.managesieve import ManageSieve
from pcapkit.dissectors.nntp import NNTP
from pcapkit.dissectors.pop3 import POP3
from pcapkit.dissectors.smtp import LMTP, SMTP
from pcapkit.dissectors.xmpp import XMPP
from pcapkit.records import Credential, Outcome, Secret, Session
from pcapkit.testing import Script, check_contract, play, whole

ASKED, CRAM = b"<1896.697170952@postoffice.reston.mci.net>", b"tim b913a602c7eda7a495b4e6e7334d3890"
LINE = f"$cram_md5${base64.b64encode(ASKED).decode()}${base64.b64encode(CRAM).decode()}"
TOKEN = b"user=jan\x01auth=Bearer tok\x01\x01"
NTLM = (b"NTLMSSP\0\1\0\0\0", b"NTLMSSP\0\2\0\0\0" + bytes(12) + b"\1\2\3\4\5\6\7\x08" + bytes(8),
        b"NTLMSSP\0\3\0\0\0" + b"".join(len(part).to_bytes(2, "little") * 2 + (at).to_bytes(4, "little") for part, at in (
            (b"", 64), (b"\xab" * 24, 64), (b"D\0", 88), (b"j\0", 90), (b"", 92), (b"", 92))) + b"\1\0\0\0"
        + b"\xab" * 24 + b"D\0" + b"j\0")
SASL = b" xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
HEADER = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"


@dataclass
class Carrier:
    """A protocol, how it opens, and its words for the steps of an exchange; `initial` is empty where it has no such thing."""

    dissector: type[Any]
    opening: Script
    begin: bytes
    initial: bytes
    asks: bytes
    says: bytes
    cancel: bytes
    good: bytes
    bad: bytes
    empty: bytes = b""

    def script(self, mechanism: bytes, *lines: bytes | None, initial: bytes | None = None, good: bool = True) -> Script:
        """An exchange: challenges and answers in turn; an answer that is None cancels it."""
        words = base64.b64encode
        lines = lines if self.initial or initial is None else (b"", initial, *lines)
        first = self.begin % mechanism if not self.initial or initial is None else self.initial % (mechanism, words(initial))
        said: Script = [(0, first)]
        for i, line in enumerate(lines):
            if i % 2:
                said = [*said, (0, self.cancel if line is None else self.says % words(line))]
            else:
                said = [*said, (1, self.asks % (words(line or b"") or self.empty))]
        return [*said, (1, self.good if good else self.bad)]


MAIL = {"begin": b"AUTH %s\r\n", "initial": b"AUTH %s %s\r\n", "says": b"%s\r\n", "cancel": b"*\r\n"}
CARRIERS = {
    "smtp": Carrier(SMTP, [(1, b"220 mx ESMTP\r\n"), (0, b"EHLO c\r\n"), (1, b"250-mx\r\n250 AUTH LOGIN\r\n")],
                    asks=b"334 %s\r\n", good=b"235 2.7.0 ok\r\n", bad=b"535 5.7.8 no\r\n", **MAIL),
    "lmtp": Carrier(LMTP, [(1, b"220 mx LMTP\r\n"), (0, b"LHLO c\r\n"), (1, b"250-mx\r\n250 AUTH LOGIN\r\n")],
                    asks=b"334 %s\r\n", good=b"235 2.7.0 ok\r\n", bad=b"535 5.7.8 no\r\n", **MAIL),
    "pop3": Carrier(POP3, [(1, b"+OK ready\r\n")], asks=b"+ %s\r\n", good=b"+OK in\r\n", bad=b"-ERR no\r\n", **MAIL),
    "imap": Carrier(IMAP, [(1, b"* OK ready\r\n")], b"a AUTHENTICATE %s\r\n", b"a AUTHENTICATE %s %s\r\n", b"+ %s\r\n", b"%s\r\n",
                    b"*\r\n", b"a OK in\r\n", b"a NO no\r\n"),
    "nntp": Carrier(NNTP, [(1, b"200 news\r\n")], b"AUTHINFO SASL %s\r\n", b"AUTHINFO SASL %s %s\r\n", b"383 %s\r\n", b"%s\r\n",
                    b"*\r\n", b"281 in\r\n", b"481 no\r\n", b"="),
    "managesieve": Carrier(ManageSieve, [(1, b'"IMPLEMENTATION" "x"\r\nOK\r\n')], b'AUTHENTICATE "%s"\r\n',
                           b'AUTHENTICATE "%s" "%s"\r\n', b'"%s"\r\n', b'"%s"\r\n', b'"*"\r\n', b"OK\r\n", b"NO\r\n"),
    "irc": Carrier(IRC, [(0, b"CAP LS\r\nNICK jan\r\nUSER jan 0 * :Jan\r\n")], b"AUTHENTICATE %s\r\n", b"",
                   b"AUTHENTICATE %s\r\n", b"AUTHENTICATE %s\r\n", b"AUTHENTICATE *\r\n", b":s 903 jan :in\r\n",
                   b":s 904 jan :no\r\n", b"+"),
    "xmpp": Carrier(XMPP, [(0, HEADER), (1, HEADER + b"<stream:features/>")], b"<auth" + SASL + b" mechanism='%s'/>",
                    b"<auth" + SASL + b" mechanism='%s'>%s</auth>", b"<challenge" + SASL + b">%s</challenge>",
                    b"<response" + SASL + b">%s</response>", b"<abort" + SASL + b"/>", b"<success" + SASL + b"/>",
                    b"<failure" + SASL + b"/>", b"="),
}
each = pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)


def logins(carrier: Carrier, script: Script) -> list[Credential]:
    return play(carrier.dissector, [*carrier.opening, *whole(script)]).of(Credential)


@each
def test_the_contract_holds(carrier: Carrier) -> None:
    attempts = [*carrier.script(b"CRAM-MD5", ASKED, CRAM, good=False), *carrier.script(b"NTLM", b"", NTLM[0], NTLM[1], NTLM[2]),
                *carrier.script(b"LOGIN", b"Password:", b"secret", initial=b"jan"), *carrier.script(b"LOGIN", b"User", None)]
    check_contract(carrier.dissector, [[*carrier.opening, *attempts]], Session, cuts=20, gaps=60, inputs=400)


@each
def test_the_servers_challenge_makes_a_line_for_hashcat(carrier: Carrier) -> None:
    login, = logins(carrier, carrier.script(b"CRAM-MD5", ASKED, CRAM))
    assert (login.username, login.hashcat_mode, login.hashcat, login.outcome) == ("tim", 10200, LINE, Outcome.ACCEPTED)
    assert login.reply_span is not None and login.context.endswith(" CRAM-MD5")
    first, asked, last = NTLM
    for script in (carrier.script(b"NTLM", b"", first, asked, last), carrier.script(b"NTLM", asked, last, initial=first)):
        login, = logins(carrier, script)
        assert (login.username, login.hashcat_mode, login.hashcat) == ("D\\j", 5500, f"j::D::{'ab' * 24}:0102030405060708")


@each
def test_a_user_in_the_initial_response(carrier: Carrier) -> None:
    for lines in ([b"Password:", b"secret"], [b"Username:", b"jan", b"Password:", b"secret"]):
        login, = logins(carrier, carrier.script(b"LOGIN", *lines, initial=b"jan"))
        assert (login.username, login.secret) == ("jan", "secret")


@each
def test_attempts_in_a_row_have_each_their_own_challenge_and_outcome(carrier: Carrier) -> None:
    found = logins(carrier, [
        *carrier.script(b"CRAM-MD5", b"<other>", CRAM, good=False), *carrier.script(b"LOGIN", b"Username:", None, good=False),
        *carrier.script(b"CRAM-MD5", ASKED, CRAM),
        *carrier.script(b"XOAUTH2", b'{"status":"401"}', None, initial=TOKEN, good=False)])
    assert [(c.mechanism, c.outcome) for c in found] == [
        ("cram-md5", Outcome.REJECTED), ("cram-md5", Outcome.ACCEPTED), ("xoauth2", Outcome.REJECTED)]
    assert found[0].hashcat != found[1].hashcat == LINE and found[2].secret == "tok"


@each
def test_all_that_may_be_secret_is_masked_where_it_stands(carrier: Carrier) -> None:
    script = [*carrier.opening, *carrier.script(b"LOGIN", b"Username:", b"jan", b"Password:", b"secret"),
              *carrier.script(b"CRAM-MD5", ASKED, CRAM), *carrier.script(b"X-SECRET", b"", b"first", b"", b"second")]
    client = b"".join(data for side, data in script if not side)
    masked = [client[s.span.start:s.span.stop] for s in play(carrier.dissector, script).of(Secret)]
    assert masked == [base64.b64encode(word) for word in (b"secret", CRAM, b"first", b"second")]


@each
def test_behind_a_gap_nothing_is_guessed_and_all_is_masked(carrier: Carrier) -> None:
    begin, asked, said, good = carrier.script(b"CRAM-MD5", ASKED, CRAM)
    login, = logins(carrier, [begin, (1, len(asked[1])), said, good])  # type: ignore[list-item]
    assert (login.username, login.hashcat, login.outcome) == ("tim", "", Outcome.ACCEPTED)
    begin, asked, said, more, last, good = carrier.script(b"LOGIN", b"Username:", b"jan", b"Password:", b"secret")
    tape = play(carrier.dissector, [*carrier.opening, begin, asked, (0, len(said[1])), more, last, good])
    assert not tape.of(Credential) and base64.b64encode(b"secret").decode() in {s.text for s in tape.of(Secret)}


@each
def test_a_capture_that_starts_within_a_login_masks_it(carrier: Carrier) -> None:
    script = carrier.script(b"LOGIN", b"Username:", b"jan", b"Password:", b"secret")[3:]
    tape = play(carrier.dissector, script)
    assert not tape.of(Credential) and [s.text for s in tape.of(Secret)] == [base64.b64encode(b"secret").decode()]


@each
def test_a_login_cut_short_has_an_unknown_outcome(carrier: Carrier) -> None:
    login, = logins(carrier, carrier.script(b"CRAM-MD5", ASKED, CRAM)[:-1])
    assert (login.outcome, login.hashcat, login.reply_span) == (Outcome.UNKNOWN, LINE, None)


@each
def test_who_shows_no_secret_is_seen_all_the_same(carrier: Carrier) -> None:
    tape = play(carrier.dissector, [*carrier.opening, *carrier.script(b"ANONYMOUS", initial=b"sirhc")])
    login, = tape.of(Credential)
    assert (login.username, login.secret, login.secret_span) == ("sirhc", "", None) and not tape.of(Secret)
    assert login.context.endswith(" ANONYMOUS: nothing proves it")


@pytest.mark.parametrize(("length", "pieces"), [(1200, 4), (900, 3)])
def test_irc_takes_long_challenges_apart(length: int, pieces: int) -> None:
    challenge = base64.b64encode(NTLM[1] + bytes(length // 4 * 3 - len(NTLM[1])))
    told = b"".join(b"AUTHENTICATE " + (challenge[i * 400:][:400] or b"+") + b"\r\n" for i in range(pieces))
    begin, first, one, _, three, good = CARRIERS["irc"].script(b"NTLM", b"", NTLM[0], NTLM[1], NTLM[2])
    login, = logins(CARRIERS["irc"], [begin, first, one, (1, told), three, good])
    assert login.hashcat_mode == 5500


def test_irc_begins_anew_with_the_name_of_a_mechanism() -> None:
    irc = CARRIERS["irc"]
    script = irc.script(b"CRAM-MD5", ASKED, CRAM)
    found = logins(irc, [*script[:-1], *script])
    assert [c.outcome for c in found] == [Outcome.UNKNOWN, Outcome.ACCEPTED]


def test_managesieve_takes_challenges_as_literals() -> None:
    sieve = CARRIERS["managesieve"]
    asked = base64.b64encode(ASKED)
    begin, _, said, good = sieve.script(b"CRAM-MD5", ASKED, CRAM)
    login, = logins(sieve, [begin, (1, b"{%d}\r\n%s\r\n" % (len(asked), asked)), said, good])
    assert login.hashcat == LINE
    login, = logins(sieve, [begin, (1, b"{70000}\r\n" + b"A" * 70_000 + b"\r\n"), said, good])
    assert login.hashcat == "" and login.outcome is Outcome.ACCEPTED


def test_a_line_of_pop3_that_reads_as_a_command_is_one_where_nothing_was_asked() -> None:
    pop3 = CARRIERS["pop3"]
    found = logins(pop3, [(0, b"AUTH CRAM-MD5\r\n"), (1, 9), (0, b"USER jan\r\nPASS x\r\n"), (1, b"+OK\r\n+OK\r\n")])  # type: ignore[list-item]
    assert [(c.mechanism, c.username) for c in found] == [("user-pass", "jan")]
