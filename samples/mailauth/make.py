"""Makes two mails in the name of one domain, one of them forged, and what their receiver asks the DNS about that domain.

Run from the project's root: `python -m samples.mailauth.make [FOLDER]`, without a folder into this one.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from samples.dns import ANSWER_FLAGS, Answer, message
from samples.pcap import Packet, in_order, moment, pcap, write
from samples.talk import CLIENT, MICROSECOND, NETBSD, SERVER, Connection, End, Vantage
from samples.wire import mac

HERE = Path(__file__).parent
RECEIVER, RESOLVER, ROUTER = "198.51.100.25", "198.51.100.53", "198.51.100.1"
HONEST, FORGER = "192.0.2.25", "203.0.113.77"
DOMAIN, SELECTOR = "shop.example", "march"
LATENCY = 9_200 * MICROSECOND
FIRST, SECOND = moment("2026-03-02T09:14:05.120000+00:00"), moment("2026-03-02T09:31:47.480000+00:00")

GREETING = b"220 mx.reader.example ESMTP\r\n"
EHLO_REPLY = b"250-mx.reader.example\r\n250-PIPELINING\r\n250-SIZE 20480000\r\n250 ENHANCEDSTATUSCODES\r\n"
OK = b"250 2.1.0 Ok\r\n"
GO_ON = b"354 End data with <CR><LF>.<CR><LF>\r\n"
QUEUED = b"250 2.0.0 Ok: queued as 4C81F2A07D\r\n"
REFUSED = (b"550-5.7.1 The From domain shop.example asks to refuse mail that is not its own,\r\n"
           b"550 5.7.1 and this one is neither sent from its hosts nor signed by it\r\n")

ORDER = ([("From", "Shop <orders@shop.example>"), ("To", "reader@reader.example"), ("Subject", "Your order 2207"),
          ("Date", "Mon, 2 Mar 2026 09:14:03 +0000"), ("Message-ID", "<2207.1@mail.shop.example>")],
         "Thank you for your order. It leaves us today.\r\n")
LURE = ([("From", "Shop <orders@shop.example>"), ("To", "reader@reader.example"), ("Subject", "Your account is locked"),
         ("Date", "Mon, 2 Mar 2026 09:31:40 +0000"), ("Message-ID", "<7f3a@host-77.dialup.example>")],
        "Unlock it here: http://203.0.113.77/shop.example/login\r\n")


def signing_key() -> rsa.RSAPrivateKey:
    """The domain's key, made for this sample only."""
    key = serialization.load_pem_private_key((HERE / "key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def published() -> dict[str, str]:
    """What the domains say in TXT records; a key is longer than the 255 bytes of one string (RFC 6376, 3.6.2.2)."""
    public = signing_key().public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {DOMAIN: "v=spf1 ip4:192.0.2.16/28 include:_spf.mailer.example -all",
            "_spf.mailer.example": "v=spf1 ip4:198.51.100.64/27 ~all",
            f"{SELECTOR}._domainkey.{DOMAIN}": f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}",
            f"_dmarc.{DOMAIN}": f"v=DMARC1; p=reject; aspf=s; rua=mailto:dmarc@{DOMAIN}"}


def signed(headers: list[tuple[str, str]], body: str) -> list[tuple[str, str]]:
    """The headers with a DKIM-Signature before them, both canonicalised the relaxed way (RFC 6376, 3.4 and 3.7)."""
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    tags = (f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={DOMAIN}; s={SELECTOR};\r\n\th=from:to:subject:date:message-id;\r\n"
            f"\tbh={digest};\r\n\tb=")
    relaxed = [f"{name.lower()}:{' '.join(value.split())}" for name, value in [*headers, ("DKIM-Signature", tags)]]
    signature = base64.b64encode(signing_key().sign("\r\n".join(relaxed).encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return [("DKIM-Signature", tags + "\r\n\t ".join(re.findall(".{1,70}", signature))), *headers]


def mail(headers: list[tuple[str, str]], body: str) -> bytes:
    """A message as it is sent after DATA."""
    return ("".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n" + body + ".\r\n").encode()


def session(port: int, start: int, name: str, text: bytes, verdict: bytes) -> Connection:
    """A mail from a host that calls itself by a name, and what the receiver says to it after a while."""
    talk = Connection(End(port, NETBSD, 771_204_118 + port), End(25, NETBSD, 1_903_377_260 + port), start, LATENCY)
    talk.open()
    talk.say(SERVER, GREETING, pause=3_100)
    for line, reply in ((f"EHLO {name}\r\n".encode(), EHLO_REPLY), (b"MAIL FROM:<orders@shop.example>\r\n", OK),
                        (b"RCPT TO:<reader@reader.example>\r\n", b"250 2.1.5 Ok\r\n"), (b"DATA\r\n", GO_ON)):
        talk.say(CLIENT, line, pause=210)
        talk.say(SERVER, reply, pause=340)
    talk.say(CLIENT, text, pause=420)
    talk.say(SERVER, verdict, pause=182_000)
    talk.say(CLIENT, b"QUIT\r\n", pause=260)
    talk.say(SERVER, b"221 2.0.0 Bye\r\n", pause=90)
    talk.close(SERVER)
    return talk


def questions(start: int, port: int, names: list[str], peer: str, host: str | None) -> list[Packet]:
    """The name of the peer's address, and the TXT records of some names, one after the other."""
    resolver = Vantage((RECEIVER, RESOLVER), (mac(RECEIVER), mac(RESOLVER)), (0, 0), ttls=(64, 64))
    backwards = ".".join(reversed(peer.split("."))) + ".in-addr.arpa"
    asked = [(backwards, "PTR", [Answer(backwards, "PTR", 3600, host)] if host else []),
             *((name, "TXT", [Answer(name, "TXT", 300, published()[name])]) for name in names)]
    packets, time = [], start
    for number, (name, kind, answers) in enumerate(asked):
        identity = (port * 7 + number * 4_099) & 0xFFFF
        flags = ANSWER_FLAGS | (0 if answers else 3)
        packets += [resolver.datagram(time, CLIENT, (port + number, 53), message(identity, name, kind), 0x1D00 + number),
                    resolver.datagram(time + 11_400 * MICROSECOND, SERVER, (port + number, 53),
                                      message(identity, name, kind, flags=flags, answers=answers), 0x5A00 + number)]
        time += 12_900 * MICROSECOND
    return packets


def receiver() -> list[Packet]:
    """Everything that the receiver sees."""
    key = f"{SELECTOR}._domainkey.{DOMAIN}"
    sessions = [
        (HONEST, session(50_614, FIRST, "mail.shop.example", mail(signed(*ORDER), ORDER[1]), QUEUED)),
        (FORGER, session(41_877, SECOND, "mail.shop.example", mail(*LURE), REFUSED))]
    packets = []
    for peer, talk in sessions:
        here = Vantage((peer, RECEIVER), (mac(ROUTER), mac(RECEIVER)), (LATENCY, 0), ttls=(55, 64))
        packets += here.packets(talk)
    after_data = 95_000 * MICROSECOND
    packets += questions(FIRST + after_data, 33_100, [DOMAIN, key, f"_dmarc.{DOMAIN}"], HONEST, "mail.shop.example")
    packets += questions(SECOND + after_data, 33_200, [DOMAIN, "_spf.mailer.example", f"_dmarc.{DOMAIN}"], FORGER, None)
    return in_order(packets)


def main() -> None:
    """Write the capture."""
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE, {"two-senders.pcap": pcap(receiver())})


if __name__ == "__main__":
    main()
