"""What is recorded: who talks to whom, what the box between does to it, and what either end can tell from its own packets.

The verdicts are those of `pcapkit.records.Verdict`, judged by a reader of the packets of one end alone; `evidence` says why
a session is called stripped: the keyword is masked, another session with the same server offered it, the DNS publishes that
the server has TLS, or the altered segment is unlike its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from samples.talk import CLIENT, SERVER
from samples.vantage.middlebox import Rule
from samples.vantage.network import BROKEN, BUSY, OFFERS, PLAIN, RESOLVER, STRICT
from samples.vantage.servers import PASSWORD, USER

NAME, SENDER = "client.example.net", "bob@example.net"
MESSAGE = f"""Date: Wed, 25 Nov 2026 12:00:00 +0000
From: Bob <{SENDER}>
To: Alice <{USER}>
Message-Id: <note-1@client.example.net>
Subject: Was this encrypted?

I asked for it.
"""
PORTS = {"smtp": 25, "submission": 587, "lmtp": 24, "imap": 143, "pop3": 110, "sieve": 4190, "ftp": 21}
KEYWORD, OTHER_SESSION, DNS, SEGMENT = "masked-keyword", "other-session", "dns-intent", "unlike-segment"

Verdicts = tuple[str, str]
"""At the client's end and at the server's."""


@dataclass(frozen=True)
class Session:
    """One session: the verdict at either end, what a verdict of stripping rests on, and what else is to be seen.

    `login` is the mechanism of a login in the clear, `tls` the version of the TLS session that came about.
    """

    verdicts: Verdicts
    evidence: tuple[str, ...] = ()
    login: str | None = None
    tls: str | None = None


@dataclass(frozen=True)
class Case:
    """One recording. `commands` are the clients, one after the other, and `give` is what they read.

    `early` is a client that has begun before the captures do; `relay` is what a Postfix at the client's end does about TLS;
    `proxy` is the version of TLS that the box ends itself.
    """

    name: str
    what: str
    service: str
    commands: list[list[str]]
    sessions: list[Session]
    rules: list[Rule] = field(default_factory=list)
    give: str = ""
    early: list[str] = field(default_factory=list)
    relay: str = ""
    proxy: str = ""
    address: str = OFFERS


def swaks(*options: str, service: str = "smtp", address: str = OFFERS) -> list[str]:
    """A mail sent by swaks; the options say what it does about TLS."""
    return ["swaks", "--server", f"{address}:{PORTS[service]}", "--ehlo", NAME, "--from", SENDER, "--to", USER,
            "--data", MESSAGE.replace("\n", "\\n"), "--timeout", "5", *options]


def s_client(protocol: str, *options: str, service: str = "", address: str = OFFERS) -> list[str]:
    """The start of TLS by OpenSSL, which asks for it also where it was not offered."""
    return ["openssl", "s_client", "-starttls", protocol, "-connect", f"{address}:{PORTS[service or protocol]}", "-name", NAME,
            "-crlf", "-quiet", *options]


def curl(scheme: str, *options: str, service: str = "", address: str = OFFERS, path: str = "") -> list[str]:
    """A mailbox read, a mail sent, or a file fetched by curl."""
    return ["curl", "-sk", "-m", "8", f"{scheme}://{address}:{PORTS[service or scheme]}/{path}", *options]


def submit(*options: str) -> list[str]:
    """A mail handed in by curl, with a login."""
    return curl("smtp", "--mail-from", SENDER, "--mail-rcpt", USER, "-T", "-", "-u", f"{USER}:{PASSWORD}", *options,
                service="submission", path=NAME)


LOGIN = ("-u", f"{USER}:{PASSWORD}")
AUTH = ("--auth", "PLAIN", "--auth-user", USER, "--auth-password", PASSWORD)
IF_THERE, ALWAYS = "--tls-optional", "--tls"
"""What swaks does about TLS."""

ESTABLISHED = "established", "established"
UNUSED = "offered-unused", "offered-unused"
ABSENT = "not-offered", "not-offered"
HIDDEN = "not-offered", "offered-unused"
LATE = "undetermined", "undetermined"
STRIPPED = "suspected-stripping", "offered-unused"

OFFER, NO_OFFER, MASKED = "250-STARTTLS\r\n", "", "250-XXXXXXXA\r\n"
READY = "220 2.0.0 Ready to start TLS\r\n"
UNLIKE = {"ttl": 254, "identification": 7, "window": 8192, "timestamps": False}


def smtp(old: str, new: str, side: int = SERVER, **more: Any) -> Rule:
    """A rule for port 25."""
    return Rule(PORTS["smtp"], side, old, new, **more)


def cases() -> Iterator[Case]:
    """All of them."""
    yield from relayed()
    yield from attacked_relays()
    yield from switched()
    yield from submitted()
    yield from read("imap", "STARTTLS", "login")
    yield from read("pop3", "STLS", "user-pass")
    yield from other_protocols()


def relayed() -> Iterator[Case]:
    """SMTP that nobody has touched."""
    yield Case("smtp/used", "STARTTLS offered and used", "smtp", [swaks(ALWAYS)], [Session(ESTABLISHED, tls="TLS 1.3")])
    yield Case("smtp/used-tls12", "the same with TLS 1.2, whose certificate is seen", "smtp", [s_client("smtp", "-tls1_2")],
               [Session(ESTABLISHED, tls="TLS 1.2")], give="QUIT\n")
    yield Case("smtp/unused", "STARTTLS offered, and a client that does not care", "smtp", [swaks()], [Session(UNUSED)])
    yield Case("smtp/plain", "a server that has no TLS, and a client that would use it", "smtp",
               [swaks(IF_THERE, address=PLAIN)], [Session(ABSENT)], address=PLAIN)
    yield Case("smtp/broken", "a server that agrees to STARTTLS and has no certificate", "smtp",
               [swaks(IF_THERE, address=BROKEN)], [Session(("accepted-failed", "accepted-failed"))], address=BROKEN)
    yield Case("smtp/busy", "a server that refuses TLS itself, after two sessions within a minute, the second too many", "smtp",
               [swaks(IF_THERE, address=BUSY)] * 3,
               [Session(ESTABLISHED, tls="TLS 1.3")] * 2 + [Session(("refused", "refused"))], address=BUSY)
    yield Case("smtp/late", "a session by hand, of which the captures have only the end", "smtp", [], [Session(LATE)],
               early=["bash", "-c", f"exec 3<>/dev/tcp/{OFFERS}/25; for line in 'EHLO {NAME}' 'MAIL FROM:<{SENDER}>' "
                      f"'RCPT TO:<{USER}>' QUIT; do read -ru 3; printf '%s\\r\\n' \"$line\" >&3; sleep 1.6; done; cat <&3"])
    yield Case("smtp/relay", "a relay that finds TLSA records for the server, and uses STARTTLS", "smtp", [],
               [Session(ESTABLISHED, tls="TLS 1.3")], relay="dane")


def attacked_relays() -> Iterator[Case]:
    """SMTP of which the offer is taken away."""
    removed = [smtp(OFFER, NO_OFFER)]
    yield Case("smtp/removed", "the offer removed: nothing tells the client", "smtp", [swaks(IF_THERE)], [Session(HIDDEN)],
               removed)
    yield Case("smtp/removed-refusing", "the offer removed, and a client that does not go on without TLS", "smtp",
               [swaks(ALWAYS)], [Session(HIDDEN)], removed)
    yield Case("smtp/removed-unlike", "the offer removed by a box that makes the segment anew: own TTL, identification, "
               "window, no timestamps", "smtp", [swaks(IF_THERE)], [Session(STRIPPED, (SEGMENT,))],
               [smtp(OFFER, NO_OFFER, marks=UNLIKE)])
    yield Case("smtp/removed-later", "STARTTLS used; then the offer of the same server removed", "smtp",
               [swaks(IF_THERE), swaks(IF_THERE)], [Session(ESTABLISHED, tls="TLS 1.3"), Session(STRIPPED, (OTHER_SESSION,))],
               [smtp(OFFER, NO_OFFER, connection=2)])
    yield Case("smtp/removed-dns", "the DNS publishes MTA-STS and TLSA for the server; then the offer removed", "smtp",
               [*(["dig", f"@{RESOLVER}", "+noall", "+adflag", kind, name] for kind, name in (
                   ("MX", "example.com"), ("TXT", "_mta-sts.example.com"), ("A", "mx.example.com"),
                   ("TLSA", "_25._tcp.mx.example.com"))), swaks(IF_THERE)],
               [Session(STRIPPED, (DNS,))], removed)
    yield Case("smtp/relay-removed", "a relay that uses TLS where it is offered; the offer removed", "smtp", [],
               [Session(HIDDEN)], removed, relay="may")
    yield Case("smtp/relay-removed-refusing", "a relay that finds TLSA records for the server, and sends nothing without TLS",
               "smtp", [], [Session(STRIPPED, (DNS,))], removed, relay="dane")
    yield Case("smtp/removed-asked", "the offer removed, and a client that asks all the same", "smtp",
               [s_client("smtp", "-tls1_2")], [Session(ESTABLISHED, tls="TLS 1.2")], removed, give="QUIT\n")
    yield Case("smtp/masked", "the keyword overwritten in place", "smtp", [swaks(IF_THERE)], [Session(STRIPPED, (KEYWORD,))],
               [smtp(OFFER, MASKED)])
    yield Case("smtp/masked-unlike", "the keyword overwritten in a segment made anew", "smtp", [swaks(IF_THERE)],
               [Session(STRIPPED, (KEYWORD, SEGMENT))], [smtp(OFFER, MASKED, marks=UNLIKE)])
    yield Case("smtp/masked-list", "three keywords overwritten, each with a letter of its own", "smtp", [swaks(IF_THERE)],
               [Session(STRIPPED, (KEYWORD,))], [smtp("250-ETRN\r\n", "250-XXXA\r\n"), smtp(OFFER, "250-XXXXXXXB\r\n"),
                                                 smtp("250 CHUNKING\r\n", "250 XXXXXXXC\r\n")])
    yield Case("smtp/masked-asked", "the keyword overwritten, and the command of a client that asks all the same", "smtp",
               [s_client("smtp")], [Session(STRIPPED, (KEYWORD,))],
               [smtp(OFFER, MASKED), smtp("STARTTLS\r\n", "XXXXXXXX\r\n", CLIENT)])


def switched() -> Iterator[Case]:
    """SMTP that is attacked where it switches to TLS."""
    yield Case("smtp/refused-454", "the server's 220 replaced by 454; the client gives up", "smtp", [swaks(ALWAYS)],
               [Session(("refused", "accepted-failed"))],
               [smtp(READY, "454 4.7.0 TLS not available due to local problem\r\n")])
    yield Case("smtp/refused-502", "the server's 220 replaced by 502; the client goes on in the clear", "smtp",
               [swaks(IF_THERE)], [Session(("refused", "accepted-failed"))],
               [smtp(READY, "502 5.5.1 Error: command not implemented\r\n")])
    yield Case("smtp/refused-masked", "the command overwritten, so that the server itself refuses it", "smtp",
               [swaks(IF_THERE)], [Session(("refused", "offered-unused"))],
               [smtp("STARTTLS\r\n", "XXXXXXXX\r\n", CLIENT)])
    yield Case("smtp/command-injected", "a command put behind STARTTLS, in the same segment", "smtp",
               [s_client("smtp", "-tls1_2")], [Session(("established", "injection"), tls="TLS 1.2")],
               [smtp("STARTTLS\r\n", "STARTTLS\r\nMAIL FROM:<mallory@example.net>\r\n", CLIENT)], give="QUIT\n")
    yield Case("smtp/response-injected", "a reply put behind the 220, in the same segment; the client does not mind", "smtp",
               [s_client("smtp", "-tls1_2")], [Session(("injection", "established"), tls="TLS 1.2")],
               [smtp(READY, READY + "250-mx.example.com\r\n250 AUTH PLAIN\r\n")], give="QUIT\n")
    yield Case("smtp/response-injected-noticed", "the same, and a client that hangs up", "smtp",
               [curl("smtp", "--ssl-reqd", "--mail-from", SENDER, "--mail-rcpt", USER, "-T", "-", path=NAME)],
               [Session(("injection", "accepted-failed"))], [smtp(READY, READY + "250-mx.example.com\r\n250 AUTH PLAIN\r\n")],
               give=MESSAGE)
    for version in ("TLSv1_2", "TLSv1_3"):
        told = version.replace("v", " ").replace("_", ".")
        yield Case(f"smtp/intercepted-{told.lower().replace(' ', '').replace('.', '')}",
                   f"a box that ends {told} itself, with a certificate of its own, and begins another session", "smtp",
                   [swaks(ALWAYS)], [Session(ESTABLISHED, tls=told)], proxy=version)


def submitted() -> Iterator[Case]:
    """Submission, where a login is at stake."""
    port = PORTS["submission"]
    removed, masked = (Rule(port, SERVER, OFFER, text) for text in (NO_OFFER, MASKED))
    yield Case("submission/used", "a login within TLS", "submission", [submit("--ssl-reqd")],
               [Session(ESTABLISHED, tls="TLS 1.3")], give=MESSAGE)
    yield Case("submission/unused", "a login in the clear, though TLS was offered", "submission",
               [swaks(*AUTH, service="submission")], [Session(UNUSED, login="plain")])
    yield Case("submission/removed", "the offer removed, and a login in the clear", "submission",
               [swaks(IF_THERE, *AUTH, service="submission")], [Session(HIDDEN, login="plain")], [removed])
    yield Case("submission/masked", "the keyword overwritten, and a login in the clear", "submission",
               [submit("--ssl")], [Session(STRIPPED, (KEYWORD,), login="plain")], [masked], give=MESSAGE)
    yield Case("submission/removed-refusing", "the offer removed, and a client that does not log in without TLS", "submission",
               [submit("--ssl-reqd")], [Session(HIDDEN)], [removed], give=MESSAGE)
    yield Case("submission/lured", "a server that wants no login before TLS: its offer of TLS replaced by one of AUTH",
               "submission", [swaks(IF_THERE, *AUTH, service="submission", address=STRICT)], [Session(HIDDEN, login="plain")],
               [Rule(port, SERVER, OFFER, "250-AUTH PLAIN\r\n")], address=STRICT)


def read(service: str, keyword: str, method: str) -> Iterator[Case]:
    """IMAP or POP3: a mailbox that is read."""
    port, masked = PORTS[service], "X" * len(keyword)
    offer, more, kept = (f"{keyword}\r\n", "USER\r\nSASL PLAIN\r\n", "USER\r\n") if service == "pop3" else (
        f" {keyword}", " AUTH=PLAIN", "")
    removed, overwritten = Rule(port, SERVER, offer, ""), Rule(port, SERVER, keyword, masked)
    asks = [curl(service, "--ssl", *LOGIN)]
    yield Case(f"{service}/used", f"{keyword} offered and used", service, [curl(service, "--ssl-reqd", *LOGIN)],
               [Session(ESTABLISHED, tls="TLS 1.3")])
    yield Case(f"{service}/unused", "a login in the clear, though TLS was offered", service, [curl(service, *LOGIN)],
               [Session(UNUSED, login="plain")])
    yield Case(f"{service}/plain", "a server that has no TLS", service, [curl(service, "--ssl", *LOGIN, address=PLAIN)],
               [Session(ABSENT, login="plain")], address=PLAIN)
    yield Case(f"{service}/removed", "the offer removed, and a login in the clear", service, asks,
               [Session(HIDDEN, login="plain")], [removed])
    yield Case(f"{service}/removed-password", "the offer of SASL removed with it, so that the password goes as it is",
               service, asks, [Session(HIDDEN, login=method)], [Rule(port, SERVER, offer + more, kept)])
    yield Case(f"{service}/removed-later", f"{keyword} used; then the offer of the same server removed", service, asks * 2,
               [Session(ESTABLISHED, tls="TLS 1.3"), Session(STRIPPED, (OTHER_SESSION,), login="plain")],
               [Rule(port, SERVER, offer, "", connection=2)])
    yield Case(f"{service}/removed-refusing", "the offer removed, and a client that does not log in without TLS", service,
               [curl(service, "--ssl-reqd", *LOGIN)], [Session(HIDDEN)], [removed])
    yield Case(f"{service}/masked", "the keyword overwritten, and a login in the clear", service, asks,
               [Session(STRIPPED, (KEYWORD,), login="plain")], [overwritten])
    yield Case(f"{service}/strict", "a server that wants no login before TLS, and a client that does not care", service,
               [curl(service, *LOGIN, address=STRICT)], [Session(UNUSED)], address=STRICT)
    if service == "imap":
        yield Case("imap/strict-removed", "a server that wants no login before TLS: its offer removed, LOGINDISABLED left",
                   service, [curl(service, "--ssl", *LOGIN, address=STRICT)], [Session(HIDDEN)], [removed], address=STRICT)
        yield Case("imap/lured", "a server that wants no login before TLS: its offer replaced by one of a login in the clear",
                   service, [curl(service, "--ssl", *LOGIN, address=STRICT)], [Session(HIDDEN, login="plain")],
                   [Rule(port, SERVER, " STARTTLS LOGINDISABLED", " AUTH=PLAIN")], address=STRICT)


def lftp(allow: str) -> list[str]:
    """A file fetched by lftp, which asks what the server has."""
    return ["lftp", "-e", f"set ssl:verify-certificate no; set ftp:ssl-allow {allow}; "
            f"set ftp:ssl-allow-anonymous {allow}; set net:timeout 5; set net:max-retries 1; cat hello.txt; bye", f"ftp://{OFFERS}"]


def other_protocols() -> Iterator[Case]:
    """LMTP, ManageSieve and FTP."""
    yield Case("lmtp/used", "STARTTLS offered and used", "lmtp", [swaks("--protocol", "LMTP", ALWAYS, service="lmtp")],
               [Session(ESTABLISHED, tls="TLS 1.3")])
    yield Case("lmtp/removed", "the offer, which is the last line, removed", "lmtp",
               [swaks("--protocol", "LMTP", IF_THERE, service="lmtp")], [Session(HIDDEN)],
               [Rule(PORTS["lmtp"], SERVER, "250-PIPELINING\r\n250 STARTTLS\r\n", "250 PIPELINING\r\n")])
    yield Case("sieve/used", "STARTTLS offered and used", "sieve", [s_client("sieve")], [Session(ESTABLISHED, tls="TLS 1.3")],
               give="LOGOUT\n")
    yield Case("sieve/removed", "the offer removed, and a client that does not go on without TLS", "sieve",
               [["sieve-connect", "-s", OFFERS, "-p", str(PORTS["sieve"]), "-u", USER, "--passwordfd", "0", "--list"]],
               [Session(HIDDEN)], [Rule(PORTS["sieve"], SERVER, '"STARTTLS"\r\n', "")], give=f"{PASSWORD}\n")
    yield Case("ftp/used", "AUTH TLS used", "ftp", [lftp("yes")], [Session(ESTABLISHED, tls="TLS 1.3")])
    yield Case("ftp/unused", "AUTH TLS listed, and a login in the clear", "ftp", [lftp("no")],
               [Session(UNUSED, login="user-pass")])
    yield Case("ftp/unlisted", "a login in the clear; what the server has was never asked", "ftp",
               [curl("ftp", path="hello.txt")], [Session(("undetermined", "undetermined"), login="user-pass")])
    yield Case("ftp/removed-asked", "the offer removed from the list, and a client that asks all the same", "ftp",
               [lftp("yes")], [Session(ESTABLISHED, tls="TLS 1.3")], [Rule(PORTS["ftp"], SERVER, " AUTH TLS\r\n", "")])
    yield Case("ftp/masked", "the offer overwritten in the list, and the command of a client that asks all the same", "ftp",
               [lftp("yes")], [Session(STRIPPED, (KEYWORD,), login="user-pass")],
               [Rule(PORTS["ftp"], SERVER, " AUTH TLS\r\n", " XXXX XXX\r\n"),
                Rule(PORTS["ftp"], CLIENT, "AUTH TLS\r\n", "XXXX XXX\r\n")])
    yield Case("ftp/refused", "both AUTH commands overwritten; the client logs in in the clear", "ftp",
               [curl("ftp", "--ssl", path="hello.txt")], [Session(("refused", "undetermined"), login="user-pass")],
               [Rule(PORTS["ftp"], CLIENT, f"AUTH {kind}\r\n", f"XXXX {kind}\r\n") for kind in ("SSL", "TLS")])
