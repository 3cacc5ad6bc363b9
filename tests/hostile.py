"""A capture in which every text that somebody can choose tries to become markup, a script, or something that misleads."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

import dns.message
import dns.name
import dns.rrset
from said import CLIENT_ADDRESS, RESOLVER, START, Turn, capture, talk

from samples import wire
from samples.pcap import Packet

TITLE = "document.title='taken'"
ATTEMPTS = (
    f"</script><script>{TITLE}</script>", f"<img src=x onerror={TITLE}>", f"\"><svg onload={TITLE}>", f"'-{TITLE}-'",
    f"</title></style></textarea><iframe srcdoc=\"<script>parent.{TITLE}</script>\">", f"javascript:{TITLE}",
    "<!--<script>", "]]>", "{{ 7 * 7 }}{% raw %}", "\u202etxt.exe\u202c", "\x1b]0;taken\x07\x1b[31m", "\u2028\u2029\u0085\ufeff",
    "<link rel=stylesheet href=//192.0.2.66/x><meta http-equiv=refresh content=0;url=//192.0.2.66/>",
    "a\x00b\x7f", "\ud83d\ude00 ﷽",
)


def _http() -> list[Turn]:
    turns: list[Turn] = []
    for i, text in enumerate(ATTEMPTS):
        raw = text.encode("utf-8", "surrogatepass")
        line = raw.replace(b"\r", b"").replace(b"\n", b"")
        quoted = quote_plus(raw).encode()
        body = quoted + b"=" + quoted + b"&password=" + quoted
        turns += [(0, b"POST /" + quoted + b"?q=" + line.replace(b" ", b"+") + b" HTTP/1.1\r\nHost: h%d.example\r\n" % i
                   + b"User-Agent: " + line + b"\r\nX-" + line.replace(b":", b"").replace(b" ", b"") + b": " + line
                   + b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body) + body),
                  (1, b"HTTP/1.1 200 " + line + b"\r\nContent-Type: " + line + b"\r\nContent-Length: 0\r\n\r\n")]
    return turns


def _smtp() -> list[Turn]:
    turns: list[Turn] = [(1, b"220 " + ATTEMPTS[0].encode() + b"\r\n"), (0, b"EHLO " + ATTEMPTS[1].encode() + b"\r\n"),
                         (1, b"250-" + ATTEMPTS[2].encode() + b"\r\n250 STARTTLS\r\n")]
    for text in ATTEMPTS:
        raw = text.encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b"")
        turns += [(0, b"MAIL FROM:<a@" + raw + b">\r\n"), (1, b"250 2.1.0 " + raw + b"\r\n"), (0, b"RCPT TO:<" + raw + b">\r\n"),
                  (1, b"250 ok\r\n"), (0, b"DATA\r\n"), (1, b"354 go\r\n"),
                  (0, b"From: " + raw + b"\r\nSubject: " + raw + b"\r\nContent-Type: text/plain; name=\"" + raw + b"\"\r\n\r\n"
                   + raw + b"\r\nhttp://x.example/?password=" + b"hunter2hunter2\r\n.\r\n"),
                  (1, b"250 2.0.0 queued as " + raw + b"\r\n")]
    return [*turns, (0, b"QUIT\r\n"), (1, b"221 bye\r\n")]


def _dns() -> list[Packet]:
    packets = []
    for i, text in enumerate(ATTEMPTS):
        label = text.encode("utf-8", "surrogatepass")[:60]
        query = dns.message.make_query(dns.name.Name([label, b"example", b""]), "A", id=i)
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "198.51.100.25"))
        for at, (message, a, b) in enumerate(((query, CLIENT_ADDRESS, RESOLVER), (response, RESOLVER, CLIENT_ADDRESS))):
            ends = ((a, 40_000 if a == CLIENT_ADDRESS else 53), (b, 53 if a == CLIENT_ADDRESS else 40_000))
            packets.append(Packet(START + i * 10_000_000 + at * 1_000_000, wire.ethernet(
                wire.mac(a), wire.mac(b), wire.ip(a, b, 17, wire.udp(*ends, message.to_wire())))))
    return packets


def hostile(folder: Path) -> Path:
    """The capture, whose name tries as well."""
    name = "<img src=x onerror=alert(1)>\u202e.pcap"
    return capture(folder, _dns(), talk(_http(), 80, at=1), talk(_smtp(), 25, at=2), name=name)
