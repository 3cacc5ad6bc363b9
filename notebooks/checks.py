"""The checks of the exercises. No answer is written down here: each is looked up in the capture when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network
from numbers import Real
from pathlib import Path
from re import findall
from tempfile import TemporaryDirectory
from typing import Any

import pcapkit

SAMPLES = Path(__file__).resolve().parent.parent / "samples"


class NotYetError(AssertionError):
    """An answer that is not right. A notebook shows its one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True)
class Exercise:
    """Where the right answer is found, a hint for who does not have it, and what else there is to say to who has."""

    find: Callable[[], Any]
    hint: str
    learnt: str


@cache
def capture(name: str, **options: Any) -> pcapkit.Capture:
    """A capture of the samples, without `.pcap`."""
    return pcapkit.open(SAMPLES / f"{name}.pcap", **options)


def check(number: str, answer: Any) -> None:
    """Say whether the answer to an exercise is right. Raises NotYetError where it is not."""
    exercise = EXERCISES[number]
    if answer is ... or answer is None:
        print("not answered yet")
    elif _alike(answer, exercise.find()):
        print(f"right: {exercise.learnt}")
    else:
        raise NotYetError(f"not yet: {exercise.hint}")


def _alike(answer: Any, right: Any) -> bool:
    """Whether an answer is right, but for what does not matter: capitals, blanks around it, and the order in a set."""
    if isinstance(right, set) and isinstance(answer, list | tuple | set):
        return set(map(_plain, answer)) == set(map(_plain, right))
    return type(plain := _plain(answer)) is type(_plain(right)) and plain == _plain(right)


def _plain(answer: Any) -> Any:
    if isinstance(answer, str):
        return answer.strip().casefold().removesuffix(".")
    if isinstance(answer, list | tuple):
        return [_plain(one) for one in answer]
    return float(answer) if isinstance(answer, Real) and not isinstance(answer, bool) else answer


def _passes(mail: Any) -> str:
    """SPF by hand, for ranges of addresses and inclusions."""
    records = {a["name"]: a["data"].split() for row in capture("mailauth/two-senders").dns for a in row.answers}
    terms = records[mail.mail_from.partition("@")[2]]
    for term in terms:
        terms = terms + records.get(term.removeprefix("include:"), [])
    ranges = [ip_network(term.removeprefix("ip4:")) for term in terms if term.startswith("ip4:")]
    return "pass" if any(ip_address(mail.client) in known for known in ranges) else "fail"


def _valid_visits() -> int:
    """With the root that one of the chains brings along as the only one that is trusted."""
    root = capture("tls/chains").certificates.where(subject="CN=Example Root,O=Example")[0]
    with TemporaryDirectory() as folder:
        roots = Path(folder, "roots.pem")
        roots.write_text(root.pem)
        visits = capture("tls/chains", trust_store=roots).chains
    return sum(visit.at_capture == "valid" for visit in visits)


def _not_brought() -> int:
    message = capture("tls/attacks").findings.where(rule="tls-heartbleed")[0].message
    brought, claimed = map(int, findall(r" (\d+)", message)[-2:])
    return claimed - brought


EXERCISES = {
    "01.1": Exercise(
        lambda: next(row.name for row in capture("lecture/post").http.forms if row.value == ""),
        "look at the column `value` above",
        "a name like that is worth a search: it belongs to the login page of a widely used single sign-on system. The form "
        "looks like that page. Whether it is that page, nothing in HTTP can tell you"),
    "01.2": Exercise(
        lambda: capture("lecture/post").flows[0].client_bytes,
        "take both headers, of IP and of TCP, off the length of the IP packet",
        "these are all bytes that the client sent in this connection: the whole request went in one packet"),
    "01.3": Exercise(
        lambda: capture("lecture/post", show_secrets=True).http.forms[1].value.count("a"),
        "a string has a method `count`", "and no key was needed to find out"),
    "02.1": Exercise(
        lambda: next(row.status for row in capture("http/form-browser").http if row.method == "POST" and row.status != 200),
        "there are two POSTs, and their responses differ", "a redirect, away from the login page"),
    "02.2": Exercise(
        lambda: next(word for word in ("Secure", "HttpOnly", "SameSite") if f"; {word}" not in _cookie()),
        "compare the words behind Set-Cookie with the table",
        "over plain HTTP a browser would not even take a cookie with it: first HTTPS, then `Secure`"),
    "02.3": Exercise(
        lambda: next(row.filename for row in capture("http/form-upload").http.forms if row.filename),
        "the last column", "the file's name comes from the sender too: never store a file under it"),
    "03.1": Exercise(
        lambda: capture("lecture/https").flows[0].server_bytes - 5,
        "the last two bytes of the header, 0x0043", "and with the five bytes of the header these are the packet's 72"),
    "03.2": Exercise(
        lambda: len(capture("lecture/https").certificates),
        "look at `cap.certificates`", "the handshake is not in the capture, so its certificates are not either"),
    "03.3": Exercise(
        lambda: capture("lecture/https").flows[0].server,
        "the side with port 443", "an address only. Whose it was that day, another source has to say"),
    "04.1": Exercise(
        lambda: capture("lecture/starttls").certificates[0].frame,
        "a line of the ladder that begins with the server's arrow", "and the signature over its temporary key follows in 24"),
    "04.2": Exercise(
        lambda: int(capture("lecture/starttls").tls[0].ladder.partition(" suites")[0].split()[-1]),
        "the line of ClientHello in the ladder", "the client offers, the server chooses one"),
    "04.3": Exercise(
        lambda: len(capture("vantage/smtp/used.client").certificates),
        "look at `new.certificates`", "one was sent, but encrypted: not visible, which is not the same as none"),
    "04.4": Exercise(
        lambda: capture("lecture/starttls", keys=SAMPLES / "lecture" / "tls.keylog.txt").smtp[-1].command,
        "the last arrow to the right", "and without the key log there would be nothing but sizes"),
    "05.1": Exercise(
        lambda: int(capture("lecture/starttls").certificates[0].key.split()[-1]),
        "a line with `Public-Key`", "2048 are the least that is taken for good today"),
    "05.2": Exercise(
        lambda: capture("lecture/starttls").certificates.df.not_after[0].date().isoformat(),
        "the line `Not After`", "so today it is expired as well; on the day of the capture it was not"),
    "05.3": Exercise(
        _valid_visits, "count the rows in which `at_capture` says valid",
        "what is in the wrong order, or too much, programs forgive; what is missing they do not"),
    "05.4": Exercise(
        lambda: len({capture(f"vantage/smtp/intercepted-tls12.{side}").certificates[0].sha256
                     for side in ("client", "server")}) == 1,
        "client.certificates[0].sha256 and server.certificates[0].sha256",
        "the box in the middle has shown a certificate of its own, with the server's name in it"),
    "06.1": Exercise(
        lambda: next(row.cipher for row in capture("tls/old").tls if "_WITH_NULL_" in row.cipher),
        "look behind `WITH`", "it only protects from changes on the way, and that with MD5"),
    "06.2": Exercise(
        _not_brought, "a difference of two numbers in the message",
        "as much of the server's memory could have come back, with keys and passwords in it, as often as one asked"),
    "06.3": Exercise(
        lambda: int(dict(capture("http/weak").http[0].response_headers)["Strict-Transport-Security"].partition("=")[2]),
        "max-age of Strict-Transport-Security", "five minutes: even over HTTPS that would be next to nothing"),
    "06.4": Exercise(
        lambda: [len(capture(f"http/strip.{side}").tls) for side in ("client", "server")],
        "len(visitor.tls) and len(site.tls)", "all the encryption ended at the box"),
    "07.1": Exercise(
        lambda: capture("lecture/smtp-client").dns.where(type="MX")[0].answers[0]["data"].split()[1],
        "the data of the MX record, without its preference", "with one MX only, mail waits when that host is down"),
    "07.2": Exercise(
        lambda: len(capture("lecture/smtp-client").smtp.where(command_frame=13)),
        "the arrows to the right that have #13, or none and stand below one that has", "MAIL, RCPT and DATA in 121 bytes"),
    "07.3": Exercise(
        lambda: capture("lecture/smtp-client").mail[0].queue_id,
        "it stands in the server's reply to the message", "with it, the server's log can be searched: notebook 8 does"),
    "08.1": Exercise(
        lambda: capture("lecture/smtp-server").flows[0].client,
        "the column `client` of the second table", "the translator's public address"),
    "08.2": Exercise(
        lambda: pcapkit.compare(*(SAMPLES / "lecture" / f"smtp-{side}.pcap" for side in ("client", "server")))
        .summary.clock.offset_ns / 1e9,
        "the paragraph `Clocks`", "measured by all packets that both captures have"),
    "08.3": Exercise(
        lambda: 627 - capture("lecture/smtp-server").mail[0].size,
        "a difference", "one Received line. Each server on the way adds one on top, so read them from the bottom"),
    "09.1": Exercise(
        lambda: capture("lecture/starttls").smtp.where(stream=0, command="STARTTLS")[0].reply_frame,
        "the reply 220 to STARTTLS", "from here on, every byte should have been TLS"),
    "09.2": Exercise(
        lambda: capture("lecture/starttls-stripped").credentials[0].mechanism,
        "look at `client.credentials`", "Base64 is a spelling: user and password can be read by everybody on the way"),
    "09.3": Exercise(
        lambda: next(row.type for row in capture("vantage/smtp/removed-dns.client").dns if row.name.startswith("_25._tcp.")),
        "its name begins with a port and a protocol", "DANE: the DNS says which certificate the server at port 25 has"),
    "10.1": Exercise(
        lambda: next(row.rule for row in capture("lecture/smtp-spam-server").findings if row.severity == "info"),
        "look at `cap.findings`", "fun for a person; a mark that spam filters know, too"),
    "10.2": Exercise(
        lambda: {defect.removeprefix("no-") for defect in capture("lecture/smtp-spam-server").mail[0].defects},
        "each defect begins with `no-`", "the standard demands the first; the second is missed by every spam filter"),
    "10.3": Exercise(
        lambda: sum(len(row.answers) for row in capture("lecture/smtp-spam-server").dns if 20 <= row.frame <= 61),
        "count the answers; NXDOMAIN is none", "a rented machine, too young to be known anywhere"),
    "10.4": Exercise(
        lambda: max(ports := capture("lecture/smtp-spam-server").dns.df.client_port.tolist(), key=ports.count),
        "cap.dns.df.client_port.value_counts()", "fourteen questions, answered in another order than asked"),
    "11.1": Exercise(
        lambda: [_passes(mail) for mail in capture("mailauth/two-senders").mail],
        "take the `client` of each mail, and the two ranges of the SPF records",
        "and since the domain says `-all`, whatever is in no range fails"),
    "11.2": Exercise(
        lambda: next(row.name for row in capture("mailauth/two-senders").dns if "._domainkey." in row.name),
        "put the tags s and d into the pattern; it is one of the names above",
        "a domain can have many keys, one for each selector, and change them one by one"),
    "11.3": Exercise(
        lambda: next(a["data"] for row in capture("mailauth/two-senders").dns for a in row.answers
                     if a["data"].startswith("v=DMARC1")).partition("p=")[2].partition(";")[0],
        "the tag `p` of the record at _dmarc", "the strictest of the three"),
    "11.4": Exercise(
        lambda: capture("mailauth/two-senders").mail[1].code,
        "three digits, the first of which means: no", "so the forger's server has to keep the mail, or return it"),
    "12.1": Exercise(
        lambda: capture("irc/chat").flows[0].service,
        "the column before `state`", "told by what is said, not by the port alone"),
    "12.2": Exercise(
        lambda: capture("irc/chat").credentials.where(mechanism="oper", outcome="accepted")[0].frame,
        "the column `outcome`", "the try before it, with another secret, was rejected"),
    "12.3": Exercise(
        lambda: len({row.stream for row in capture("irc/chat").credentials}),
        "count the streams, not the logins: cap.credentials.df.stream", "in the third, TLS came first"),
    "12.4": Exercise(
        lambda: capture("irc/chat").findings[0].severity,
        "they are sorted: the worst stands first", "and that is where your answer should begin"),
}
"""By notebook and place in it."""


def _cookie() -> str:
    return next(value for row in capture("http/form-browser").http for name, value in row.response_headers or ()
                if name == "Set-Cookie")
